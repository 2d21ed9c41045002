/* SPDX-License-Identifier: Apache-2.0 */
/* crypto.c - X25519 (RFC 7748), SipHash-2-4 and system randomness, by libsodium. */
#include "core/crypto.h"

#include <sodium.h>

G_STATIC_ASSERT (CAIMAN_PUBLIC_KEY_BYTES == crypto_scalarmult_BYTES);
G_STATIC_ASSERT (CAIMAN_PUBLIC_KEY_BYTES == crypto_scalarmult_SCALARBYTES);
G_STATIC_ASSERT (CAIMAN_ID_BYTES <= crypto_scalarmult_BYTES);

/* libsodium wants to be initialised before use; that may be done by several threads and again. */
static void
ensure_sodium (void)
{
  static gsize initialised;
  if (g_once_init_enter (&initialised)) {
    int result = sodium_init ();
    g_assert (result >= 0);
    g_once_init_leave (&initialised, 1);
  }
}

void
caiman_crypto_key_pair_init (CaimanKeyPair *pair, const CaimanRandom *random)
{
  ensure_sodium ();
  caiman_random_fill (random, pair->secret, sizeof pair->secret);
  int result = crypto_scalarmult_base (pair->public_key, pair->secret);
  g_assert (result == 0);
}

void
caiman_crypto_key_pair_clear (CaimanKeyPair *pair)
{
  sodium_memzero (pair->secret, sizeof pair->secret);
}

gboolean
caiman_crypto_hide_id (const CaimanKeyPair *pair,
                       const guint8 peer_public_key[CAIMAN_PUBLIC_KEY_BYTES], const CaimanId *id,
                       CaimanId *id_out)
{
  guint8 shared[crypto_scalarmult_BYTES];

  ensure_sodium ();
  if (crypto_scalarmult (shared, pair->secret, peer_public_key) != 0)
    return FALSE;
  for (gsize i = 0; i < CAIMAN_ID_BYTES; i++)
    id_out->bytes[i] = id->bytes[i] ^ shared[i];
  sodium_memzero (shared, sizeof shared);
  return TRUE;
}

guint32
caiman_crypto_hash_id (const guint8 key[CAIMAN_HASH_KEY_BYTES], const CaimanId *id)
{
  G_STATIC_ASSERT (CAIMAN_HASH_KEY_BYTES == crypto_shorthash_KEYBYTES);
  guint8 hash[crypto_shorthash_BYTES];
  crypto_shorthash (hash, id->bytes, sizeof id->bytes, key);
  return (guint32)hash[0] | (guint32)hash[1] << 8 | (guint32)hash[2] << 16 | (guint32)hash[3] << 24;
}

static void
fill_from_system (gpointer user_data, guint8 *bytes_out, gsize size)
{
  randombytes_buf (bytes_out, size);
}

CaimanRandom
caiman_crypto_random (void)
{
  ensure_sodium ();
  return (CaimanRandom) { .fill = fill_from_system };
}
