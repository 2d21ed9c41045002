/* SPDX-License-Identifier: Apache-2.0 */
/* test-report-reduce.c - fewer points, and no peak lost. */
#include "reports/report-reduce.h"

#include <math.h>

static GArray *
make_points (guint n)
{
  GArray *points = g_array_new (FALSE, FALSE, sizeof (ReportPoint));
  for (guint i = 0; i < n; i++) {
    ReportPoint point = { (gint64)i * 1000, sin (i * 0.01) };
    g_array_append_val (points, point);
  }
  return points;
}

static ReportPoint *
at (const GArray *points, guint index)
{
  return &g_array_index (points, ReportPoint, index);
}

static void
test_few_stay (void)
{
  g_autoptr (GArray) none = make_points (0), some = make_points (20);
  g_autoptr (GArray) none_reduced = report_reduce (none, 10), same = report_reduce (some, 10);
  g_assert_cmpuint (none_reduced->len, ==, 0);
  g_assert_cmpuint (same->len, ==, 20);
  for (guint i = 0; i < 20; i++)
    g_assert_cmpfloat (at (same, i)->value, ==, at (some, i)->value);
}

/* A single high and a single low point among many, at their own times, in order. */
static void
test_extremes_stay (void)
{
  g_autoptr (GArray) points = make_points (100000);
  at (points, 54321)->value = 50;
  at (points, 54322)->value = -50;
  g_autoptr (GArray) reduced = report_reduce (points, 100);
  gboolean has_high = FALSE, has_low = FALSE;
  g_assert_cmpuint (reduced->len, <=, 200);
  g_assert_cmpuint (reduced->len, >=, 150);
  for (guint i = 0; i < reduced->len; i++) {
    const ReportPoint *point = at (reduced, i);
    has_high = has_high || (point->value == 50 && point->t_ns == 54321000);
    has_low = has_low || (point->value == -50 && point->t_ns == 54322000);
    /* Every point was measured, and they are in order. */
    g_assert_cmpfloat (point->value, ==, at (points, (guint)(point->t_ns / 1000))->value);
    if (i > 0)
      g_assert_cmpint (point->t_ns, >, at (reduced, i - 1)->t_ns);
  }
  g_assert_true (has_high);
  g_assert_true (has_low);
}

static void
test_gaps_stay (void)
{
  g_autoptr (GArray) points = make_points (1000);
  at (points, 500)->value = NAN;
  g_autoptr (GArray) reduced = report_reduce (points, 10);
  guint n_gaps = 0;
  for (guint i = 0; i < reduced->len; i++)
    n_gaps += isnan (at (reduced, i)->value) != 0;
  g_assert_cmpuint (n_gaps, ==, 1);
  g_assert_cmpuint (reduced->len, <=, 30);
}

/* The sum of rate times time is what was carried, reduced or not. */
static void
test_rates_keep_the_sum (void)
{
  g_autoptr (GArray) totals = g_array_new (FALSE, FALSE, sizeof (ReportPoint));
  double total_bytes = 0;
  for (guint i = 0; i < 5000; i++) {
    total_bytes += i % 7 * 100;
    ReportPoint point = { (gint64)i * 10000000, total_bytes };
    g_array_append_val (totals, point);
  }
  for (guint n_buckets = 10; n_buckets <= 10000; n_buckets *= 10) {
    g_autoptr (GArray) rates = report_rates (totals, n_buckets, 8);
    double sum_bytes = 0;
    g_assert_cmpuint (rates->len, <=, MIN (n_buckets, 4999) + 1);
    for (guint i = 1; i < rates->len; i++)
      sum_bytes +=
          at (rates, i)->value / 8 * (double)(at (rates, i)->t_ns - at (rates, i - 1)->t_ns) / 1e9;
    g_assert_cmpfloat_with_epsilon (sum_bytes, total_bytes - 0, 1e-3);
    g_assert_cmpint (at (rates, rates->len - 1)->t_ns, ==, 4999 * G_GINT64_CONSTANT (10000000));
  }
}

static void
test_rates_of_little (void)
{
  g_autoptr (GArray) totals = make_points (0);
  g_autoptr (GArray) nothing = report_rates (totals, 10, 8);
  ReportPoint one = { 5, 100 };
  g_array_append_val (totals, one);
  g_array_append_val (totals, one); /* the same instant twice is no rate */
  g_autoptr (GArray) single = report_rates (totals, 10, 8);
  g_assert_cmpuint (nothing->len, ==, 0);
  g_assert_cmpuint (single->len, ==, 1);
  g_assert_cmpfloat (at (single, 0)->value, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reports/reduce/few-stay", test_few_stay);
  g_test_add_func ("/reports/reduce/extremes-stay", test_extremes_stay);
  g_test_add_func ("/reports/reduce/gaps-stay", test_gaps_stay);
  g_test_add_func ("/reports/reduce/rates-keep-the-sum", test_rates_keep_the_sum);
  g_test_add_func ("/reports/reduce/rates-of-little", test_rates_of_little);
  return g_test_run ();
}
