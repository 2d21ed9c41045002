/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of core/crypto: X25519 against RFC 7748, and the hiding of ids of PROTOCOL.md, section 4.
 */
#include "core/crypto.h"

#include "core/prng.h"

#include <string.h>

static void
from_hex (const char *hex, guint8 *bytes_out, gsize size)
{
  g_assert_cmpuint (strlen (hex), ==, 2 * size);
  for (gsize i = 0; i < size; i++)
    bytes_out[i] =
        (guint8)(g_ascii_xdigit_value (hex[2 * i]) << 4 | g_ascii_xdigit_value (hex[2 * i + 1]));
}

/* A CaimanRandom that deals out what it was told to. */
static void
fill_from_hex (gpointer user_data, guint8 *bytes_out, gsize size)
{
  from_hex (user_data, bytes_out, size);
}

static CaimanKeyPair
make_pair (const char *secret_hex)
{
  CaimanRandom random = { .fill = fill_from_hex, .user_data = (gpointer)secret_hex };
  CaimanKeyPair pair;
  caiman_crypto_key_pair_init (&pair, &random);
  return pair;
}

#define ALICE_SECRET "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
#define ALICE_PUBLIC "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
#define BOB_SECRET   "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
#define BOB_PUBLIC   "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
#define SHARED_HEAD  "4a5d9d5ba4ce2de1728e3bf480350f25"

static void
expect_hidden (const CaimanKeyPair *pair, const char *peer_public_hex, const char *id_hex,
               const char *hidden_hex)
{
  guint8 peer_public[CAIMAN_PUBLIC_KEY_BYTES];
  CaimanId id, expected, hidden;
  from_hex (peer_public_hex, peer_public, sizeof peer_public);
  from_hex (id_hex, id.bytes, sizeof id.bytes);
  from_hex (hidden_hex, expected.bytes, sizeof expected.bytes);
  g_assert_true (caiman_crypto_hide_id (pair, peer_public, &id, &hidden));
  g_assert_cmpmem (hidden.bytes, CAIMAN_ID_BYTES, expected.bytes, CAIMAN_ID_BYTES);
}

/* RFC 7748, 6.1: both sides' keys and shared secret; hiding an id of zeroes shows the secret. */
static void
test_rfc7748_exchange (void)
{
  CaimanKeyPair alice = make_pair (ALICE_SECRET);
  CaimanKeyPair bob = make_pair (BOB_SECRET);
  guint8 expected[CAIMAN_PUBLIC_KEY_BYTES];

  from_hex (ALICE_PUBLIC, expected, sizeof expected);
  g_assert_cmpmem (alice.public_key, 32, expected, 32);
  from_hex (BOB_PUBLIC, expected, sizeof expected);
  g_assert_cmpmem (bob.public_key, 32, expected, 32);

  expect_hidden (&alice, BOB_PUBLIC, "00000000000000000000000000000000", SHARED_HEAD);
  expect_hidden (&bob, ALICE_PUBLIC, "00000000000000000000000000000000", SHARED_HEAD);
  expect_hidden (&bob, ALICE_PUBLIC, SHARED_HEAD, "00000000000000000000000000000000");
  expect_hidden (&bob, ALICE_PUBLIC, "ffffffffffffffffffffffffffffffff",
                 "b5a262a45b31d21e8d71c40b7fcaf0da");
}

/* RFC 7748, 5.2: the function itself, its first 16 bytes. */
static void
test_rfc7748_function (void)
{
  CaimanKeyPair pair =
      make_pair ("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
  expect_hidden (&pair, "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
                 "00000000000000000000000000000000", "c3da55379de9c6908e94ea4df28d084f");

  pair = make_pair ("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d");
  expect_hidden (&pair, "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
                 "00000000000000000000000000000000", "95cbde9476e8907d7aade45cb4b873f8");
}

static void
test_both_sides_agree (void)
{
  CaimanPrng prng;
  caiman_prng_init (&prng, 42);
  CaimanRandom random = caiman_prng_as_random (&prng);

  for (int i = 0; i < 20; i++) {
    CaimanKeyPair client, server;
    CaimanId id, hidden, found;
    caiman_crypto_key_pair_init (&client, &random);
    caiman_crypto_key_pair_init (&server, &random);
    caiman_random_fill (&random, id.bytes, sizeof id.bytes);

    g_assert_true (caiman_crypto_hide_id (&client, server.public_key, &id, &hidden));
    g_assert_cmpint (memcmp (hidden.bytes, id.bytes, CAIMAN_ID_BYTES), !=, 0);
    g_assert_true (caiman_crypto_hide_id (&server, client.public_key, &hidden, &found));
    g_assert_cmpmem (found.bytes, CAIMAN_ID_BYTES, id.bytes, CAIMAN_ID_BYTES);
  }
}

/* Keys of low order make a shared secret that everybody knows (RFC 7748, 6.1: abort then). */
static void
test_low_order (void)
{
  static const char *const low_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  CaimanKeyPair pair = make_pair (ALICE_SECRET);
  CaimanId id = { { 1, 2, 3 } };
  CaimanId untouched = { { 9 } };
  CaimanId out = untouched;

  for (gsize i = 0; i < G_N_ELEMENTS (low_order); i++) {
    guint8 key[CAIMAN_PUBLIC_KEY_BYTES];
    from_hex (low_order[i], key, sizeof key);
    g_assert_false (caiman_crypto_hide_id (&pair, key, &id, &out));
    g_assert_cmpmem (out.bytes, CAIMAN_ID_BYTES, untouched.bytes, CAIMAN_ID_BYTES);
  }
}

static void
test_clear (void)
{
  static const guint8 zero[CAIMAN_PUBLIC_KEY_BYTES];
  CaimanKeyPair pair = make_pair (ALICE_SECRET);
  caiman_crypto_key_pair_clear (&pair);
  g_assert_cmpmem (pair.secret, sizeof pair.secret, zero, sizeof zero);
}

static void
test_system_random (void)
{
  CaimanRandom random = caiman_crypto_random ();
  CaimanKeyPair first, second;
  caiman_crypto_key_pair_init (&first, &random);
  caiman_crypto_key_pair_init (&second, &random);
  g_assert_cmpint (memcmp (first.secret, second.secret, sizeof first.secret), !=, 0);
  g_assert_cmpint (memcmp (first.public_key, second.public_key, sizeof first.public_key), !=, 0);
}

/* The same key and id give the same hash; another of either gives another. */
static void
test_hash (void)
{
  guint8 key[CAIMAN_HASH_KEY_BYTES] = { 1 };
  CaimanId id = { { 2 } };
  guint32 hash = caiman_crypto_hash_id (key, &id);
  g_assert_cmpuint (caiman_crypto_hash_id (key, &id), ==, hash);
  id.bytes[15] = 1;
  g_assert_cmpuint (caiman_crypto_hash_id (key, &id), !=, hash);
  id.bytes[15] = 0;
  key[15] = 1;
  g_assert_cmpuint (caiman_crypto_hash_id (key, &id), !=, hash);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* RFC 7748, 5.2 and 6.1; PROTOCOL.md, 4. */
  g_test_add_func ("/core/crypto/rfc7748-exchange", test_rfc7748_exchange);
  g_test_add_func ("/core/crypto/rfc7748-function", test_rfc7748_function);
  g_test_add_func ("/core/crypto/both-sides-agree", test_both_sides_agree);
  g_test_add_func ("/core/crypto/low-order", test_low_order);
  g_test_add_func ("/core/crypto/clear", test_clear);
  g_test_add_func ("/core/crypto/system-random", test_system_random);
  g_test_add_func ("/core/crypto/hash", test_hash);
  return g_test_run ();
}
