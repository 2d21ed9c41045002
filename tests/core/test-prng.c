/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of core/prng: xoshiro256++ and SplitMix64 (the generator of PROTOCOL.md, 8), and draws. */
#include "core/prng.h"

#include <string.h>

/* The generator's published sequence from the state 1, 2, 3, 4. */
static void
test_reference_sequence (void)
{
  static const guint64 expected[] = {
    G_GUINT64_CONSTANT (41943041),
    G_GUINT64_CONSTANT (58720359),
    G_GUINT64_CONSTANT (3588806011781223),
    G_GUINT64_CONSTANT (3591011842654386),
    G_GUINT64_CONSTANT (9228616714210784205),
    G_GUINT64_CONSTANT (9973669472204895162),
    G_GUINT64_CONSTANT (14011001112246962877),
    G_GUINT64_CONSTANT (12406186145184390807),
    G_GUINT64_CONSTANT (15849039046786891736),
    G_GUINT64_CONSTANT (10450023813501588000),
  };
  CaimanPrng prng = { { 1, 2, 3, 4 } };
  for (gsize i = 0; i < G_N_ELEMENTS (expected); i++)
    g_assert_cmpuint (caiman_prng_next (&prng), ==, expected[i]);
}

/* The first outputs of SplitMix64 from 0 become the state. */
static void
test_seeding (void)
{
  CaimanPrng prng;
  caiman_prng_init (&prng, 0);
  g_assert_cmphex (prng.state[0], ==, G_GUINT64_CONSTANT (0xe220a8397b1dcdaf));
  g_assert_cmphex (prng.state[1], ==, G_GUINT64_CONSTANT (0x6e789e6aa1b965f4));
  g_assert_cmphex (prng.state[2], ==, G_GUINT64_CONSTANT (0x06c45d188009454f));
  g_assert_cmphex (prng.state[3], ==, G_GUINT64_CONSTANT (0xf88bb8a8724c81ec));
  g_assert_cmphex (caiman_prng_next (&prng), ==, G_GUINT64_CONSTANT (0x53175d61490b23df));
  g_assert_cmphex (caiman_prng_next (&prng), ==, G_GUINT64_CONSTANT (0x61da6f3dc380d507));
}

/* Stored runs are replayed by seed and stream name: these values must never change. */
static void
test_streams (void)
{
  CaimanPrng up, down, other_seed;
  caiman_prng_init_stream (&up, 1, "wifi.up");
  caiman_prng_init_stream (&down, 1, "wifi.down");
  caiman_prng_init_stream (&other_seed, 2, "wifi.up");
  guint64 first = caiman_prng_next (&up);
  g_assert_cmphex (first, ==, G_GUINT64_CONSTANT (0x73226ec21ebe2d1a));
  g_assert_cmphex (caiman_prng_next (&up), ==, G_GUINT64_CONSTANT (0xd2af3e4a5337121f));
  g_assert_cmphex (caiman_prng_next (&up), ==, G_GUINT64_CONSTANT (0x90dcdbe676ea0de7));
  g_assert_cmphex (caiman_prng_next (&down), !=, first);
  g_assert_cmphex (caiman_prng_next (&other_seed), !=, first);
}

static void
test_below (void)
{
  CaimanPrng prng;
  caiman_prng_init (&prng, 3);
  guint counts[6] = { 0 };
  for (int i = 0; i < 60000; i++) {
    guint64 value = caiman_prng_below (&prng, 6);
    g_assert_cmpuint (value, <, 6);
    counts[value]++;
  }
  /* 10 000 each; the standard deviation is 91, five of them are allowed. */
  for (gsize i = 0; i < G_N_ELEMENTS (counts); i++)
    g_assert_cmpint (ABS ((int)counts[i] - 10000), <, 456);
  g_assert_cmpuint (caiman_prng_below (&prng, 1), ==, 0);
}

/* Just above 2^63 nearly half of the draws must be rejected, or some values would come twice as
 * often as others. */
static void
test_below_rejects (void)
{
  const guint64 bound = (G_GUINT64_CONSTANT (1) << 63) + 1;
  CaimanPrng prng, twin;
  caiman_prng_init (&prng, 4);
  twin = prng;
  guint n_draws = 0, n_upper = 0;
  for (int i = 0; i < 1000; i++) {
    guint64 value = caiman_prng_below (&prng, bound);
    g_assert_cmpuint (value, <, bound);
    n_upper += value >= bound / 2;
    while (memcmp (&twin, &prng, sizeof prng) != 0) {
      caiman_prng_next (&twin);
      n_draws++;
    }
  }
  g_assert_cmpuint (n_draws, >, 1800);
  g_assert_cmpuint (n_draws, <, 2200);
  g_assert_cmpuint (n_upper, >, 420);
  g_assert_cmpuint (n_upper, <, 580);
}

static void
test_range (void)
{
  CaimanPrng prng;
  caiman_prng_init (&prng, 5);
  gboolean seen[5] = { FALSE };
  for (int i = 0; i < 200; i++) {
    gint64 value = caiman_prng_range (&prng, -2, 2);
    g_assert_cmpint (value, >=, -2);
    g_assert_cmpint (value, <=, 2);
    seen[value + 2] = TRUE;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (seen); i++)
    g_assert_true (seen[i]);
  g_assert_cmpint (caiman_prng_range (&prng, G_MININT64, G_MININT64), ==, G_MININT64);

  /* The whole range of 64 bits is one plain draw. */
  CaimanPrng twin = prng;
  g_assert_cmpint (caiman_prng_range (&prng, G_MININT64, G_MAXINT64), ==,
                   (gint64)caiman_prng_next (&twin));
}

/* Bytes are the 64-bit outputs, little-endian, as in PROTOCOL.md, 8; a rest of a word is dropped.
 */
static void
test_random_source (void)
{
  CaimanPrng prng, twin;
  caiman_prng_init (&prng, 6);
  twin = prng;
  CaimanRandom random = caiman_prng_as_random (&prng);
  guint8 bytes[11];
  caiman_random_fill (&random, bytes, sizeof bytes);

  guint64 first = caiman_prng_next (&twin);
  guint64 second = caiman_prng_next (&twin);
  for (gsize i = 0; i < 8; i++)
    g_assert_cmpuint (bytes[i], ==, (guint8)(first >> (8 * i)));
  for (gsize i = 8; i < sizeof bytes; i++)
    g_assert_cmpuint (bytes[i], ==, (guint8)(second >> (8 * (i - 8))));
  g_assert_cmpuint (caiman_prng_next (&prng), ==, caiman_prng_next (&twin));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/prng/reference-sequence", test_reference_sequence);
  g_test_add_func ("/core/prng/seeding", test_seeding);
  g_test_add_func ("/core/prng/streams", test_streams);
  g_test_add_func ("/core/prng/below", test_below);
  g_test_add_func ("/core/prng/below-rejects", test_below_rejects);
  g_test_add_func ("/core/prng/range", test_range);
  g_test_add_func ("/core/prng/random-source", test_random_source);
  return g_test_run ();
}
