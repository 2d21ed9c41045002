/* SPDX-License-Identifier: Apache-2.0 */
/* test-histogram.c - quantiles against a sorted array, and the edges of the buckets. */
#include "harness/histogram.h"

#include "core/prng.h"

#include <stdlib.h>

static void
test_empty (void)
{
  Histogram histogram;
  histogram_init (&histogram);
  g_assert_cmpint (histogram_get_quantile (&histogram, 500000), ==, -1);
  g_assert_cmpint (histogram_get_max (&histogram), ==, -1);
  g_assert_cmpint (histogram_get_mean (&histogram), ==, -1);
  g_assert_null (histogram.counts);
  histogram_clear (&histogram);
}

static void
test_small_values_are_exact (void)
{
  Histogram histogram;
  histogram_init (&histogram);
  for (gint64 value = 1; value <= 100; value++)
    histogram_add (&histogram, value);
  histogram_add (&histogram, -5);
  g_assert_cmpint (histogram.min, ==, 0);
  g_assert_cmpint (histogram_get_quantile (&histogram, 0), ==, 0);
  g_assert_cmpint (histogram_get_quantile (&histogram, 500000), ==, 50);
  g_assert_cmpint (histogram_get_quantile (&histogram, 990000), ==, 99);
  g_assert_cmpint (histogram_get_quantile (&histogram, 1000000), ==, 100);
  g_assert_cmpint (histogram_get_mean (&histogram), ==, 50);
  histogram_clear (&histogram);
  g_assert_cmpuint (histogram.n_values, ==, 0);
}

static int
compare (const void *a, const void *b)
{
  gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
  return (x > y) - (x < y);
}

/* Never below the true quantile, and above it by less than 1 part in 128. */
static void
test_random_values (void)
{
  static gint64 values[10000];
  static const guint quantiles[] = { 0, 1, 100000, 500000, 900000, 990000, 999900, 1000000 };
  CaimanPrng prng;
  Histogram histogram;
  histogram_init (&histogram);
  caiman_prng_init (&prng, 7);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    values[i] = (gint64)(caiman_prng_next (&prng) >> (1 + caiman_prng_next (&prng) % 62));
    histogram_add (&histogram, values[i]);
  }
  qsort (values, G_N_ELEMENTS (values), sizeof *values, compare);
  for (guint i = 0; i < G_N_ELEMENTS (quantiles); i++) {
    guint64 rank = (G_N_ELEMENTS (values) * (guint64)quantiles[i] + 999999) / 1000000;
    gint64 truth = values[MAX (rank, 1) - 1];
    gint64 got = histogram_get_quantile (&histogram, quantiles[i]);
    g_assert_cmpint (got, >=, truth);
    g_assert_cmpint (got - truth, <=, truth / 128);
  }
  g_assert_cmpint (histogram_get_max (&histogram), ==, values[G_N_ELEMENTS (values) - 1]);
  histogram_clear (&histogram);
}

static void
test_extremes (void)
{
  Histogram histogram;
  histogram_init (&histogram);
  histogram_add (&histogram, G_MAXINT64);
  histogram_add (&histogram, G_MAXINT64);
  histogram_add (&histogram, G_MAXINT64);
  g_assert_cmpint (histogram_get_quantile (&histogram, 1), ==, G_MAXINT64);
  g_assert_cmpuint (histogram.sum, ==, G_MAXUINT64);
  histogram_clear (&histogram);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/histogram/empty", test_empty);
  g_test_add_func ("/harness/histogram/small-values-are-exact", test_small_values_are_exact);
  g_test_add_func ("/harness/histogram/random-values", test_random_values);
  g_test_add_func ("/harness/histogram/extremes", test_extremes);
  return g_test_run ();
}
