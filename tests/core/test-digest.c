/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of core/digest: BLAKE2b-256 (RFC 7693) of what was added, however it was cut. */
#include "core/digest.h"

#include "core/prng.h"

#include <string.h>

static void
expect_hex (const CaimanDigest *digest, const char *hex)
{
  g_autofree char *got = caiman_digest_get_hex (digest);
  g_assert_cmpstr (got, ==, hex);
}

static void
test_known_answers (void)
{
  g_autoptr (CaimanDigest) digest = caiman_digest_new ();
  expect_hex (digest, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  caiman_digest_add_bytes (digest, "abc", 3);
  expect_hex (digest, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

/* Words are hashed little-endian; the expected values come from another implementation. */
static void
test_words (void)
{
  static const guint64 words[] = { 1, G_GUINT64_CONSTANT (0x0102030405060708), G_MAXUINT64 };
  g_autoptr (CaimanDigest) digest = caiman_digest_new ();
  caiman_digest_add_words (digest, words, G_N_ELEMENTS (words));
  expect_hex (digest, "6226161ac1b6970af9d96e191ac45442eb190aae30ef31c4c9a9bdeeb9132738");
}

static void
test_many_records (void)
{
  g_autoptr (CaimanDigest) digest = caiman_digest_new ();
  for (guint64 i = 0; i < 1000; i++) {
    guint64 record[] = { i, i * i, ~i, 7, i << 32 };
    caiman_digest_add_words (digest, record, G_N_ELEMENTS (record));
  }
  expect_hex (digest, "a3f43020dd9699c3e13725cc6cea826ee957a2eb6b5f95d93a2e983ac9cf6205");
}

/* Reading the digest on the way changes nothing: replay reads it at every checkpoint. */
static void
test_get_on_the_way (void)
{
  g_autoptr (CaimanDigest) digest = caiman_digest_new ();
  guint8 earlier[CAIMAN_DIGEST_BYTES] = { 0 };
  for (guint64 i = 0; i < 1000; i++) {
    guint64 record[] = { i, i * i, ~i, 7, i << 32 };
    guint8 bytes[CAIMAN_DIGEST_BYTES], again[CAIMAN_DIGEST_BYTES];

    caiman_digest_add_words (digest, record, G_N_ELEMENTS (record));
    caiman_digest_get (digest, bytes);
    caiman_digest_get (digest, again);
    g_assert_cmpmem (bytes, sizeof bytes, again, sizeof again);
    g_assert_cmpint (memcmp (bytes, earlier, sizeof bytes), !=, 0);
    memcpy (earlier, bytes, sizeof bytes);
  }
  expect_hex (digest, "a3f43020dd9699c3e13725cc6cea826ee957a2eb6b5f95d93a2e983ac9cf6205");
}

/* The same 20 000 bytes, cut at random, empty and long pieces included. */
static void
test_chunking (void)
{
  enum { SIZE = 20000 };
  g_autofree guint8 *bytes = g_malloc (SIZE);
  CaimanPrng prng;
  caiman_prng_init (&prng, 1);
  CaimanRandom random = caiman_prng_as_random (&prng);
  caiman_random_fill (&random, bytes, SIZE);

  g_autoptr (CaimanDigest) whole = caiman_digest_new ();
  caiman_digest_add_bytes (whole, bytes, SIZE);
  g_autofree char *expected = caiman_digest_get_hex (whole);

  for (int round = 0; round < 50; round++) {
    g_autoptr (CaimanDigest) digest = caiman_digest_new ();
    gsize done = 0;
    while (done < SIZE) {
      gsize n = caiman_prng_below (&prng, round % 2 ? 50 : 3000);
      n = MIN (n, SIZE - done);
      caiman_digest_add_bytes (digest, bytes + done, n);
      done += n;
    }
    expect_hex (digest, expected);
  }
}

static void
test_free_null (void)
{
  caiman_digest_free (NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* RFC 7693, appendix A's function with 32 bytes of output. */
  g_test_add_func ("/core/digest/known-answers", test_known_answers);
  g_test_add_func ("/core/digest/words", test_words);
  g_test_add_func ("/core/digest/many-records", test_many_records);
  g_test_add_func ("/core/digest/get-on-the-way", test_get_on_the_way);
  g_test_add_func ("/core/digest/chunking", test_chunking);
  g_test_add_func ("/core/digest/free-null", test_free_null);
  return g_test_run ();
}
