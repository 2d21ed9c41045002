/* SPDX-License-Identifier: Apache-2.0 */
/* digest.c - BLAKE2b-256 (RFC 7693) by libsodium, fed in blocks.
 *
 * Records are a few words each; they are gathered first, because the call into the hash costs more
 * than the copy. */
#include "core/digest.h"

#include <sodium.h>
#include <string.h>

G_STATIC_ASSERT (CAIMAN_DIGEST_BYTES >= crypto_generichash_BYTES_MIN);
G_STATIC_ASSERT (CAIMAN_DIGEST_BYTES <= crypto_generichash_BYTES_MAX);

#define PENDING_BYTES 1024

struct _CaimanDigest {
  crypto_generichash_state state;
  gsize n_pending; /* bytes used in @pending, not hashed yet */
  guint8 pending[PENDING_BYTES];
};

CaimanDigest *
caiman_digest_new (void)
{
  /* libsodium declares its state with an alignment above malloc's. */
  CaimanDigest *digest = g_aligned_alloc0 (1, sizeof *digest, _Alignof(CaimanDigest));
  int result = crypto_generichash_init (&digest->state, NULL, 0, CAIMAN_DIGEST_BYTES);
  g_assert (result == 0);
  return digest;
}

void
caiman_digest_free (CaimanDigest *digest)
{
  g_aligned_free (digest);
}

static void
hash_bytes (crypto_generichash_state *state, const void *bytes, gsize size)
{
  int result = crypto_generichash_update (state, bytes, size);
  g_assert (result == 0);
}

static void
hash_pending (CaimanDigest *digest)
{
  hash_bytes (&digest->state, digest->pending, digest->n_pending);
  digest->n_pending = 0;
}

void
caiman_digest_add_words (CaimanDigest *digest, const guint64 *words, gsize n_words)
{
  for (gsize i = 0; i < n_words; i++) {
    guint64 word = GUINT64_TO_LE (words[i]);
    if (digest->n_pending + sizeof word > PENDING_BYTES)
      hash_pending (digest);
    memcpy (digest->pending + digest->n_pending, &word, sizeof word);
    digest->n_pending += sizeof word;
  }
}

void
caiman_digest_add_bytes (CaimanDigest *digest, const void *bytes, gsize size)
{
  if (size > PENDING_BYTES - digest->n_pending) {
    hash_pending (digest);
    if (size > PENDING_BYTES) {
      hash_bytes (&digest->state, bytes, size);
      return;
    }
  }
  if (size > 0)
    memcpy (digest->pending + digest->n_pending, bytes, size);
  digest->n_pending += size;
}

void
caiman_digest_get (const CaimanDigest *digest, guint8 bytes_out[CAIMAN_DIGEST_BYTES])
{
  crypto_generichash_state state = digest->state;
  hash_bytes (&state, digest->pending, digest->n_pending);
  int result = crypto_generichash_final (&state, bytes_out, CAIMAN_DIGEST_BYTES);
  g_assert (result == 0);
}

char *
caiman_digest_get_hex (const CaimanDigest *digest)
{
  guint8 bytes[CAIMAN_DIGEST_BYTES];
  char *hex = g_malloc (2 * CAIMAN_DIGEST_BYTES + 1);
  caiman_digest_get (digest, bytes);
  return sodium_bin2hex (hex, 2 * CAIMAN_DIGEST_BYTES + 1, bytes, sizeof bytes);
}
