/* SPDX-License-Identifier: Apache-2.0 */
/* test-dist.c - moments of the jitter distributions against theory.
 *
 * sim_dist_map() is fed with evenly spread bits, so mean and variance are those of the tables and
 * not of a sample. */
#include "sim/dist.h"

#define SCALE_NS 100000
#define N_SPREAD (1 << 20)

typedef struct {
  double mean; /* in units of the scale */
  double variance;
  gint64 min_ns;
  gint64 max_ns;
} Moments;

static Moments
get_moments (SimDistKind kind)
{
  SimDist dist = { kind, SCALE_NS };
  Moments m = { .min_ns = G_MAXINT64, .max_ns = G_MININT64 };
  double sum = 0, squares = 0;

  for (guint64 i = 0; i < N_SPREAD; i++)
    for (guint64 sign = 0; sign < 2; sign++) {
      guint64 bits =
          (((i << 44) + (G_GUINT64_CONSTANT (1) << 43)) & ~G_GUINT64_CONSTANT (1)) | sign;
      gint64 value_ns = sim_dist_map (&dist, bits);

      sum += (double)value_ns;
      squares += (double)value_ns * (double)value_ns;
      m.min_ns = MIN (m.min_ns, value_ns);
      m.max_ns = MAX (m.max_ns, value_ns);
    }
  m.mean = sum / (2.0 * N_SPREAD) / SCALE_NS;
  m.variance = squares / (2.0 * N_SPREAD) / SCALE_NS / SCALE_NS - m.mean * m.mean;
  return m;
}

static void
test_uniform (void)
{
  Moments m = get_moments (SIM_DIST_UNIFORM);

  g_assert_cmpfloat_with_epsilon (m.mean, 0, 1e-5);
  g_assert_cmpfloat_with_epsilon (m.variance, 1.0 / 3, 1e-4);
  g_assert_cmpint (m.min_ns, ==, -SCALE_NS);
  g_assert_cmpint (m.max_ns, ==, SCALE_NS);
}

static void
test_normal (void)
{
  Moments m = get_moments (SIM_DIST_NORMAL);

  g_assert_cmpfloat_with_epsilon (m.mean, 0, 1e-9);
  g_assert_cmpfloat_with_epsilon (m.variance, 1, 1e-3);
  g_assert_cmpint (m.min_ns, ==, -m.max_ns);
}

/* x Pareto (shape 3, from 1) cut off at c = 4.5: E x = 3/2 - 1 / (2 c^2), E x^2 = 3 - 2 / c; then
 * (x - 3/2) * 4/3. */
static void
test_pareto (void)
{
  Moments m = get_moments (SIM_DIST_PARETO);

  g_assert_cmpfloat_with_epsilon (m.mean, -0.032922, 2e-4);
  g_assert_cmpfloat_with_epsilon (m.variance, 0.379020 * 16 / 9, 1e-3);
  g_assert_cmpint (m.max_ns, ==, 4 * SCALE_NS);
  g_assert_cmpint (m.min_ns, >=, -SCALE_NS * 2 / 3 - 1);
}

/* P (|x| > k * sigma) of the normal distribution. */
static void
test_normal_tails (void)
{
  static const struct {
    double probability;
    double sigmas;
  } tails[] = { { 0.317310508, 1 },
                { 0.045500264, 2 },
                { 0.002699796, 3 },
                { 6.334248e-5, 4 },
                { 5.7330314e-7, 5 } };
  SimDist dist = { SIM_DIST_NORMAL, 1000000 };

  for (guint i = 0; i < G_N_ELEMENTS (tails); i++) {
    guint64 bits = (guint64)(tails[i].probability * 18446744073709551616.0) & ~(guint64)1;

    g_assert_cmpfloat_with_epsilon ((double)sim_dist_map (&dist, bits) / 1e6, tails[i].sigmas,
                                    0.002);
    g_assert_cmpint (sim_dist_map (&dist, bits | 1), ==, -sim_dist_map (&dist, bits));
  }
  g_assert_cmpint (sim_dist_map (&dist, 0), ==, sim_dist_map (&dist, 2));
}

static void
test_draws_follow_the_stream (void)
{
  static const SimDistKind kinds[] = { SIM_DIST_UNIFORM, SIM_DIST_NORMAL, SIM_DIST_PARETO };
  CaimanPrng a, b;

  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++) {
    SimDist dist = { kinds[k], SCALE_NS };
    double sum = 0;

    caiman_prng_init (&a, 7);
    b = a;
    for (guint i = 0; i < 100000; i++) {
      gint64 value_ns = sim_dist_draw (&dist, &a);
      g_assert_cmpint (value_ns, ==, sim_dist_map (&dist, caiman_prng_next (&b)));
      sum += (double)value_ns;
    }
    /* Four standard errors of the mean are 0.013 of the scale. */
    g_assert_cmpfloat_with_epsilon (sum / 100000 / SCALE_NS,
                                    kinds[k] == SIM_DIST_PARETO ? -0.0329 : 0, 0.013);
  }
}

static void
test_none_draws_nothing (void)
{
  SimDist dist = { SIM_DIST_NONE, 0 };
  CaimanPrng a, b;

  caiman_prng_init (&a, 7);
  b = a;
  g_assert_cmpint (sim_dist_draw (&dist, &a), ==, 0);
  g_assert_cmpint (sim_dist_map (&dist, 12345), ==, 0);
  g_assert_cmpuint (caiman_prng_next (&a), ==, caiman_prng_next (&b));
}

static void
test_limits (void)
{
  SimDist dist = { SIM_DIST_NORMAL, SIM_DIST_SCALE_MAX_NS };

  g_assert_true (sim_dist_is_valid (&dist));
  g_assert_cmpint (sim_dist_map (&dist, 0), >, 5 * SIM_DIST_SCALE_MAX_NS);
  dist.scale_ns++;
  g_assert_false (sim_dist_is_valid (&dist));
  dist.scale_ns = -1;
  g_assert_false (sim_dist_is_valid (&dist));
  dist = (SimDist) { SIM_DIST_PARETO + 1, 1 };
  g_assert_false (sim_dist_is_valid (&dist));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/dist/uniform", test_uniform);
  g_test_add_func ("/sim/dist/normal", test_normal);
  g_test_add_func ("/sim/dist/pareto", test_pareto);
  g_test_add_func ("/sim/dist/normal-tails", test_normal_tails);
  g_test_add_func ("/sim/dist/draws-follow-the-stream", test_draws_follow_the_stream);
  g_test_add_func ("/sim/dist/none-draws-nothing", test_none_draws_nothing);
  g_test_add_func ("/sim/dist/limits", test_limits);
  return g_test_run ();
}
