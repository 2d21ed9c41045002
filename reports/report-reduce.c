/* SPDX-License-Identifier: Apache-2.0 */
/* report-reduce.c - see report-reduce.h. */
#include "reports/report-reduce.h"

#include <math.h>

static const ReportPoint *
point_at (const GArray *points, guint index)
{
  return &g_array_index (points, ReportPoint, index);
}

/* Which of @n_buckets over [first, last] holds @t_ns. */
static guint
bucket_of (gint64 t_ns, gint64 first_ns, gint64 last_ns, guint n_buckets)
{
  double part = ((double)t_ns - (double)first_ns) / ((double)last_ns - (double)first_ns + 1);
  return MIN ((guint)(part * n_buckets), n_buckets - 1);
}

static int
compare_indexes (gconstpointer a, gconstpointer b)
{
  guint left = *(const guint *)a, right = *(const guint *)b;
  return left < right ? -1 : left > right;
}

/* The points @from to @to (not included) are one bucket. */
static void
keep_extremes (const GArray *points, guint from, guint to, GArray *out)
{
  gint low = -1, high = -1, gap = -1;
  for (guint i = from; i < to; i++) {
    double value = point_at (points, i)->value;
    if (isnan (value)) {
      gap = gap < 0 ? (gint)i : gap;
      continue;
    }
    if (low < 0 || value < point_at (points, (guint)low)->value)
      low = (gint)i;
    if (high < 0 || value > point_at (points, (guint)high)->value)
      high = (gint)i;
  }
  const gint found[] = { low, high, gap };
  guint kept[G_N_ELEMENTS (found)];
  guint n_kept = 0;
  for (guint i = 0; i < G_N_ELEMENTS (found); i++)
    if (found[i] >= 0 && (i != 1 || high != low))
      kept[n_kept++] = (guint)found[i];
  qsort (kept, n_kept, sizeof *kept, compare_indexes);
  for (guint i = 0; i < n_kept; i++)
    g_array_append_val (out, *point_at (points, kept[i]));
}

GArray *
report_reduce (const GArray *points, guint n_buckets)
{
  GArray *out = g_array_new (FALSE, FALSE, sizeof (ReportPoint));
  g_assert (n_buckets > 0);
  if (points->len <= 2 * n_buckets) {
    g_array_append_vals (out, points->data, points->len);
    return out;
  }
  gint64 first_ns = point_at (points, 0)->t_ns, last_ns = point_at (points, points->len - 1)->t_ns;
  guint begin = 0;
  for (guint i = 1; i <= points->len; i++) {
    if (i < points->len &&
        bucket_of (point_at (points, i)->t_ns, first_ns, last_ns, n_buckets) ==
            bucket_of (point_at (points, begin)->t_ns, first_ns, last_ns, n_buckets))
      continue;
    keep_extremes (points, begin, i, out);
    begin = i;
  }
  return out;
}

GArray *
report_rates (const GArray *points, guint n_buckets, double factor)
{
  GArray *out = g_array_new (FALSE, FALSE, sizeof (ReportPoint));
  g_assert (n_buckets > 0);
  if (points->len == 0)
    return out;
  const ReportPoint *first = point_at (points, 0), *last = point_at (points, points->len - 1);
  const ReportPoint *before = first;
  gboolean merges = points->len > n_buckets + 1;
  ReportPoint start = { first->t_ns, 0 };
  g_array_append_val (out, start);
  for (guint i = 1; i < points->len; i++) {
    const ReportPoint *point = point_at (points, i);
    if (point->t_ns <= before->t_ns)
      continue;
    if (merges && i + 1 < points->len &&
        bucket_of (point->t_ns, first->t_ns, last->t_ns, n_buckets) ==
            bucket_of (point_at (points, i + 1)->t_ns, first->t_ns, last->t_ns, n_buckets))
      continue;
    double seconds = ((double)point->t_ns - (double)before->t_ns) / 1e9;
    ReportPoint rate = { point->t_ns, (point->value - before->value) / seconds * factor };
    g_array_append_val (out, rate);
    before = point;
  }
  return out;
}
