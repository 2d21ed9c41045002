/* SPDX-License-Identifier: Apache-2.0 */
/* test-stats.c - rank tests against counting all cases by hand, tables from books and each other;
 * the intervals and the corrected error rate against thousands of samples with a known truth. */
#include "reports/stats.h"

#include <math.h>

#define CONFIDENCE 0.99

/* ---- known values ---- */

static StatsComparison
compare_pairs (const double *differences, gsize n)
{
  g_autofree double *base = g_new0 (double, n);
  return stats_compare_paired (base, differences, n, CONFIDENCE);
}

/* Of n pairs without a tie there are 2^n ways to point; only two are as extreme as all one way. */
static void
test_signed_rank_extremes (void)
{
  const double up[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
  for (gsize n = 1; n <= G_N_ELEMENTS (up); n++) {
    StatsComparison c = compare_pairs (up, n);
    g_assert_cmpfloat_with_epsilon (c.p, ldexp (2, -(int)n), 1e-12);
    g_assert_cmpfloat (stats_least_p_paired (n), ==, ldexp (2, -(int)n));
    g_assert_cmpfloat (c.effect, ==, 1);
  }
}

/* Critical values of Wilcoxon's table: with n = 8 the lower sum 3 is significant at 5 % (two-sided,
 * 10 of 256), with n = 10 the sum 8 is (50 of 1024 are 0.0488), 9 is not. */
static void
test_signed_rank_table (void)
{
  const double eight[] = { -1, -2, 3, 4, 5, 6, 7, 8 };
  const double ten[] = { -1, 2, 3, 4, 5, 6, -7, 8, 9, 10 };
  const double ten_more[] = { 1, -2, 3, 4, 5, 6, -7, 8, 9, 10 };
  g_assert_cmpfloat_with_epsilon (compare_pairs (eight, 8).p, 10 / 256.0, 1e-12);
  g_assert_cmpfloat_with_epsilon (compare_pairs (ten, 10).p, 50 / 1024.0, 1e-12);
  g_assert_cmpfloat (compare_pairs (ten_more, 10).p, >, 0.05);
  g_assert_cmpfloat_with_epsilon (compare_pairs (eight, 8).effect, (33 - 3) / 36.0, 1e-12);
}

/* The rank of |@values[@index]| among all, ties sharing theirs. */
static double
get_rank (const double *values, guint n, guint index)
{
  double rank = 0.5;
  for (guint i = 0; i < n; i++)
    rank += fabs (values[i]) < fabs (values[index])    ? 1
            : fabs (values[i]) == fabs (values[index]) ? 0.5
                                                       : 0;
  return rank;
}

/* By going through all 2^n ways in which the signs could have fallen, many ties among them. */
static void
test_signed_rank_counted (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (9);
  for (guint round = 0; round < 200; round++) {
    guint n = (guint)g_rand_int_range (rand, 1, 10), n_far = 0;
    double values[10], actual = 0, total = 0;
    for (guint i = 0; i < n; i++)
      values[i] =
          g_rand_int_range (rand, 1, round % 2 ? 4 : 1000) * (g_rand_boolean (rand) ? 1 : -1);
    for (guint i = 0; i < n; i++) {
      actual += values[i] > 0 ? get_rank (values, n, i) : 0;
      total += get_rank (values, n, i);
    }
    for (guint signs = 0; signs < 1u << n; signs++) {
      double sum = 0;
      for (guint i = 0; i < n; i++)
        sum += signs >> i & 1 ? get_rank (values, n, i) : 0;
      n_far += fabs (sum - total / 2) >= fabs (actual - total / 2) - 1e-9;
    }
    StatsComparison c = compare_pairs (values, n);
    g_assert_cmpfloat_with_epsilon (c.p, (double)n_far / (1u << n), 1e-9);
    g_assert_cmpfloat_with_epsilon (c.effect, 2 * actual / total - 1, 1e-9);
  }
}

/* Pairs without a difference say nothing about its sign. */
static void
test_zeros (void)
{
  const double some[] = { 0, 0, 0, 1, 2, 3, 4, 0, 5 };
  const double none[] = { 0, 0, 0 };
  g_assert_cmpfloat_with_epsilon (compare_pairs (some, 9).p, 2 / 32.0, 1e-12);
  g_assert_cmpfloat_with_epsilon (compare_pairs (some, 9).difference, 15 / 9.0, 1e-12);
  g_assert_cmpfloat (compare_pairs (none, 3).p, ==, 1);
  g_assert_cmpfloat (compare_pairs (none, 3).effect, ==, 0);
}

/* The two-sided p and Cliff's delta by going through all choices of @n_new out of the pool. */
static double
count_rank_sum (const double *base, guint n_base, const double *new, guint n_new, double *delta_out)
{
  guint n = n_base + n_new, n_all = 0, n_far = 0;
  double pool[12], actual = 0;
  for (guint i = 0; i < n; i++)
    pool[i] = i < n_base ? base[i] : new[i - n_base];
  for (int round = 0; round < 2; round++) {
    for (guint set = 0; set < 1u << n; set++) {
      double u = 0;
      if (__builtin_popcount (set) != (int)n_new)
        continue;
      for (guint i = 0; i < n; i++)
        for (guint j = 0; j < n; j++)
          if ((set >> i & 1) && !(set >> j & 1))
            u += pool[i] > pool[j] ? 1 : pool[i] < pool[j] ? -1 : 0;
      if (round == 0 && set == ((1u << n_new) - 1) << n_base)
        actual = u;
      n_all += round;
      n_far += round == 1 && fabs (u) >= fabs (actual) - 1e-9;
    }
  }
  *delta_out = actual / (n_base * n_new);
  return (double)n_far / n_all;
}

static void
test_rank_sum_counted (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  for (guint round = 0; round < 200; round++) {
    guint n_base = (guint)g_rand_int_range (rand, 1, 7),
          n_new = (guint)g_rand_int_range (rand, 1, 7);
    double base[6], new[6], delta;
    /* Every other round has many ties. */
    int range = round % 2 ? 3 : 1000;
    for (guint i = 0; i < 6; i++) {
      base[i] = g_rand_int_range (rand, 0, range);
      new[i] = g_rand_int_range (rand, 0, range + 1);
    }
    double p = count_rank_sum (base, n_base, new, n_new, &delta);
    StatsComparison c = stats_compare_unpaired (base, n_base, new, n_new, CONFIDENCE);
    g_assert_cmpfloat_with_epsilon (c.p, p, 1e-9);
    g_assert_cmpfloat_with_epsilon (c.effect, delta, 1e-9);
  }
}

/* Many values take the normal approximation; it must go on where the exact distribution ends. */
static void
test_normal_follows_exact (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  double base[1200], new[1200], tied_base[1200], tied_new[1200];
  for (guint i = 0; i < 1200; i++) {
    base[i] = g_rand_double (rand);
    new[i] = g_rand_double (rand) + 0.05;
    tied_base[i] = floor (base[i] * 4);
    tied_new[i] = floor (new[i] * 4);
  }
  /* Repeated tenfold, so that the same shift is seen by ever more values: p falls without a jump.
   */
  double last = 1;
  for (guint n = 20; n <= 1200; n *= 2) {
    double p = stats_compare_unpaired (base, n, new, n, CONFIDENCE).p;
    g_assert_cmpfloat (p, <=, 1);
    g_assert_cmpfloat (p, >, 0);
    last = MIN (last, p);
  }
  g_assert_cmpfloat (last, <, 1e-3);
  double low[600], high[600];
  for (guint i = 0; i < 600; i++) {
    low[i] = i;
    high[i] = i + 600;
  }
  StatsComparison apart = stats_compare_unpaired (low, 600, high, 600, CONFIDENCE);
  g_assert_cmpfloat (apart.effect, ==, 1);
  g_assert_cmpfloat (apart.p, <, 1e-100);
  StatsComparison tied = stats_compare_unpaired (tied_base, 1200, tied_new, 1200, CONFIDENCE);
  StatsComparison plain = stats_compare_unpaired (base, 1200, new, 1200, CONFIDENCE);
  g_assert_cmpfloat (fabs (log10 (tied.p) - log10 (plain.p)), <, 2.5);
  StatsComparison paired = stats_compare_paired (base, new, 1200, CONFIDENCE);
  g_assert_cmpfloat (fabs (log10 (paired.p) - log10 (plain.p)), <, 2.5);
}

static void
test_least_p (void)
{
  const double low[] = { 1, 2, 3, 4, 5 }, high[] = { 6, 7, 8, 9, 10 };
  double p = stats_compare_unpaired (low, 5, high, 5, CONFIDENCE).p;
  g_assert_cmpfloat_with_epsilon (p, 2 / 252.0, 1e-12);
  g_assert_cmpfloat_with_epsilon (stats_least_p_unpaired (5, 5), p, 1e-9);
  g_assert_cmpfloat (stats_least_p_unpaired (1, 1), ==, 1);
}

/* Holm 1979: of 0.01, 0.04, 0.03, 0.005 the smallest counts four times, the next three times. */
static void
test_holm (void)
{
  double p[] = { 0.01, 0.04, 0.03, 0.005 };
  stats_holm (p, 4);
  g_assert_cmpfloat_with_epsilon (p[3], 0.02, 1e-12);
  g_assert_cmpfloat_with_epsilon (p[0], 0.03, 1e-12);
  g_assert_cmpfloat_with_epsilon (p[2], 0.06, 1e-12);
  g_assert_cmpfloat_with_epsilon (p[1], 0.06, 1e-12); /* never below one before it */
  double large[] = { 0.9, 0.8 };
  stats_holm (large, 2);
  g_assert_cmpfloat (large[0], ==, 1);
  stats_holm (NULL, 0);
}

/* ---- samples with a known truth ---- */

static double
draw_normal (GRand *rand)
{
  double sum = -6;
  for (int i = 0; i < 12; i++)
    sum += g_rand_double (rand);
  return sum;
}

/* 0: normal; 1: heavy tail (Pareto, no third moment); 2: few values; 3: rare events, mostly 0. */
static double
draw (GRand *rand, guint kind)
{
  switch (kind) {
  case 0:
    return 100 + 10 * draw_normal (rand);
  case 1:
    return pow (1 - g_rand_double (rand), -1 / 2.2);
  case 2:
    return g_rand_int_range (rand, 0, 4);
  default:
    return g_rand_double (rand) < 0.05 ? g_rand_double_range (rand, 1, 100) : 0;
  }
}

/* The 99 % interval has the true difference of means in it nearly as often as it says. */
static void
test_coverage (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (11);
  guint n_hit_paired = 0, n_hit_unpaired = 0, n = 1000;
  for (guint round = 0; round < n; round++) {
    double base[50], new[50];
    for (guint i = 0; i < 50; i++) {
      base[i] = 100 + 10 * draw_normal (rand);
      new[i] = 95 + 5 * -log (1 - g_rand_double (rand)); /* skewed; mean 100 */
    }
    StatsComparison c = stats_compare_paired (base, new, 50, CONFIDENCE);
    n_hit_paired += c.low <= 0 && 0 <= c.high;
    g_assert_cmpfloat (c.low, <=, c.difference);
    g_assert_cmpfloat (c.difference, <=, c.high);
    c = stats_compare_unpaired (base, 50, new, 50, CONFIDENCE);
    n_hit_unpaired += c.low <= 0 && 0 <= c.high;
  }
  g_test_message ("true difference in the interval: %u and %u of %u", n_hit_paired, n_hit_unpaired,
                  n);
  g_assert_cmpuint (n_hit_paired, >=, 975);
  g_assert_cmpuint (n_hit_unpaired, >=, 975);
}

static void
test_interval_extremes (void)
{
  const double same[] = { 5, 5, 5, 5, 5, 5 }, few[] = { 1, 2, 3, 4 };
  StatsComparison c = stats_compare_unpaired (same, 6, same, 6, CONFIDENCE);
  g_assert_cmpfloat (c.low, ==, 0);
  g_assert_cmpfloat (c.high, ==, 0);
  g_assert_cmpfloat (c.p, ==, 1);
  g_assert_true (isnan (stats_compare_paired (few, few, 4, CONFIDENCE).low));
  g_assert_true (isnan (stats_compare_unpaired (few, 4, same, 6, CONFIDENCE).high));
}

static void
test_repeatable (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  double base[40], new[40];
  for (guint i = 0; i < 40; i++) {
    base[i] = draw (rand, 1);
    new[i] = draw (rand, 1);
  }
  StatsComparison first = stats_compare_unpaired (base, 40, new, 40, CONFIDENCE);
  StatsComparison again = stats_compare_unpaired (base, 40, new, 40, CONFIDENCE);
  g_assert_cmpfloat (first.low, ==, again.low);
  g_assert_cmpfloat (first.high, ==, again.high);
}

/* One family of 24 comparisons without any true difference: the smallest corrected p. */
static double
draw_least_p (GRand *rand, gboolean is_paired, guint n)
{
  double p[24], base[20], new[20], least = 1;
  for (guint m = 0; m < G_N_ELEMENTS (p); m++) {
    for (guint i = 0; i < n; i++) {
      base[i] = draw (rand, m % 4);
      new[i] = draw (rand, m % 4);
    }
    p[m] = is_paired ? stats_compare_paired (base, new, n, 0).p
                     : stats_compare_unpaired (base, n, new, n, 0).p;
  }
  stats_holm (p, G_N_ELEMENTS (p));
  for (guint m = 0; m < G_N_ELEMENTS (p); m++)
    least = MIN (least, p[m]);
  return least;
}

/* At most one family in a hundred has a false alarm: of 3000 that would be 30, and chance may add
 * some to that; a test that takes each p as it is would have some 600. */
static void
test_false_alarms (gconstpointer data)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (17);
  guint n_alarms = 0;
  for (guint round = 0; round < 3000; round++)
    n_alarms += draw_least_p (rand, GPOINTER_TO_INT (data), 20) <= 0.01;
  g_test_message ("%u false alarms in 3000 families of 24", n_alarms);
  g_assert_cmpuint (n_alarms, <=, 30);
}

/* Nor is it blind. A shift of one standard deviation in one of
 * 24 metrics, 40 values each, is found nearly always. */
static void
test_power (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (19);
  guint n_found = 0;
  for (guint round = 0; round < 100; round++) {
    double p[24], base[40], new[40];
    for (guint m = 0; m < 24; m++) {
      for (guint i = 0; i < 40; i++) {
        base[i] = draw (rand, 0);
        new[i] = draw (rand, 0) + (m == 0 ? 12 : 0);
      }
      p[m] = stats_compare_unpaired (base, 40, new, 40, 0).p;
    }
    stats_holm (p, 24);
    n_found += p[0] <= 0.01;
  }
  g_test_message ("found %u of 100", n_found);
  g_assert_cmpuint (n_found, >=, 90);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reports/stats/signed-rank/extremes", test_signed_rank_extremes);
  g_test_add_func ("/reports/stats/signed-rank/table", test_signed_rank_table);
  g_test_add_func ("/reports/stats/signed-rank/counted", test_signed_rank_counted);
  g_test_add_func ("/reports/stats/signed-rank/zeros", test_zeros);
  g_test_add_func ("/reports/stats/rank-sum/counted", test_rank_sum_counted);
  g_test_add_func ("/reports/stats/rank-sum/normal", test_normal_follows_exact);
  g_test_add_func ("/reports/stats/least-p", test_least_p);
  g_test_add_func ("/reports/stats/holm", test_holm);
  g_test_add_func ("/reports/stats/interval/coverage", test_coverage);
  g_test_add_func ("/reports/stats/interval/extremes", test_interval_extremes);
  g_test_add_func ("/reports/stats/interval/repeatable", test_repeatable);
  g_test_add_data_func ("/reports/stats/false-alarms/paired", GINT_TO_POINTER (1),
                        test_false_alarms);
  g_test_add_data_func ("/reports/stats/false-alarms/unpaired", GINT_TO_POINTER (0),
                        test_false_alarms);
  g_test_add_func ("/reports/stats/power", test_power);
  return g_test_run ();
}
