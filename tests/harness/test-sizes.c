/* SPDX-License-Identifier: Apache-2.0 */
/* test-sizes.c - message sizes: exact values of the integer logarithm, moments of what is drawn. */
#include "harness/sizes.h"

#define DRAWS 20000

static gint64
get_mean (const ScenarioSize *size)
{
  CaimanPrng prng;
  gint64 sum = 0;

  caiman_prng_init (&prng, 5);
  for (guint i = 0; i < DRAWS; i++) {
    gint64 bytes = sizes_draw (size, &prng, i);
    g_assert_cmpint (bytes, >=, size->min_bytes);
    g_assert_cmpint (bytes, <=, size->max_bytes);
    sum += bytes;
  }
  return sum / DRAWS;
}

static void
test_fixed_and_list (void)
{
  ScenarioSize size = { .kind = SCENARIO_SIZE_FIXED, .n_sizes = 3, .sizes = { 10, 20, 30 } };

  g_assert_cmpint (sizes_draw (&size, NULL, 7), ==, 10);
  size.kind = SCENARIO_SIZE_LIST;
  g_assert_cmpint (sizes_draw (&size, NULL, 0), ==, 10);
  g_assert_cmpint (sizes_draw (&size, NULL, 5), ==, 30);
}

static void
test_uniform (void)
{
  const ScenarioSize size = { .kind = SCENARIO_SIZE_UNIFORM, .min_bytes = 100, .max_bytes = 300 };
  gint64 mean = get_mean (&size);

  g_assert_cmpint (mean, >=, 198);
  g_assert_cmpint (mean, <=, 202);
}

static void
test_exponential (void)
{
  const ScenarioSize size = {
    .kind = SCENARIO_SIZE_EXPONENTIAL, .min_bytes = 1, .max_bytes = G_MAXINT32, .mean_bytes = 10000
  };
  gint64 mean = get_mean (&size);

  g_assert_cmpint (mean, >=, 9700);
  g_assert_cmpint (mean, <=, 10300);
}

/* Shape 1.2: half of all are above min * 2^(1/1.2) = 1.782 * min, a tenth above 6.813 * min. */
static void
test_pareto (void)
{
  const ScenarioSize size = { .kind = SCENARIO_SIZE_PARETO,
                              .min_bytes = 1000,
                              .max_bytes = 1000000 };
  CaimanPrng prng;
  guint above_median = 0, above_p90 = 0;

  (void)get_mean (&size);
  caiman_prng_init (&prng, 6);
  for (guint i = 0; i < DRAWS; i++) {
    gint64 bytes = sizes_draw (&size, &prng, i);
    above_median += bytes > 1782;
    above_p90 += bytes > 6813;
  }
  g_assert_cmpuint (above_median, >, DRAWS * 48 / 100);
  g_assert_cmpuint (above_median, <, DRAWS * 52 / 100);
  g_assert_cmpuint (above_p90, >, DRAWS * 9 / 100);
  g_assert_cmpuint (above_p90, <, DRAWS * 11 / 100);
}

static void
test_logarithm (void)
{
  g_assert_cmpuint (sizes_neg_log2 (G_MAXUINT64), ==, 0);
  g_assert_cmpuint (sizes_neg_log2 (0), ==, (guint64)64 << 32);
  g_assert_cmpuint (sizes_neg_log2 (G_MAXUINT64 / 2), ==, (guint64)1 << 32);
  /* -log2 (3/4) = 0.41503749927884 */
  guint64 bits = (guint64)3 << 62;
  gint64 difference = (gint64)sizes_neg_log2 (bits - 1) - G_GINT64_CONSTANT (1782572486);
  g_assert_cmpint (ABS (difference), <, 100);
}

static void
test_power (void)
{
  g_assert_cmpint (sizes_scale_exp2 (1000, 0, 1 << 30), ==, 1000);
  g_assert_cmpint (sizes_scale_exp2 (1000, (guint64)3 << 32, 1 << 30), ==, 8000);
  g_assert_cmpint (sizes_scale_exp2 (1000000, (guint64)1 << 31, 1 << 30), ==, 1414213);
  g_assert_cmpint (sizes_scale_exp2 (1000, (guint64)60 << 32, 1 << 30), ==, 1 << 30);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/sizes/fixed-and-list", test_fixed_and_list);
  g_test_add_func ("/harness/sizes/uniform", test_uniform);
  g_test_add_func ("/harness/sizes/exponential", test_exponential);
  g_test_add_func ("/harness/sizes/pareto", test_pareto);
  g_test_add_func ("/harness/sizes/logarithm", test_logarithm);
  g_test_add_func ("/harness/sizes/power", test_power);
  return g_test_run ();
}
