/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c - see stats.h. Rank tests, exact where that is affordable, and Holm's correction. */
#include "reports/stats-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* As many additions as an exact distribution may take; beyond it the normal approximation is good:
 * what makes the distribution large are many different values. */
#define EXACT_COST_MAX 4e7

/* Of so many, neither the number of choices nor a weight leaves the range of a double. */
#define EXACT_VALUES_MAX 1000

/* ---- ranks ---- */

typedef struct {
  double value;
  guint index;
} Ranked;

static int
compare_ranked (const void *a, const void *b)
{
  double x = ((const Ranked *)a)->value, y = ((const Ranked *)b)->value;
  return x < y ? -1 : x > y ? 1 : 0;
}

/* The ranks from 1 of @values, times two, so that those of ties, which share the mean of theirs,
 * are whole. (transfer full) */
static guint *
make_double_ranks (const double *values, guint n)
{
  g_autofree Ranked *sorted = g_new (Ranked, n);
  guint *ranks = g_new (guint, n);
  for (guint i = 0; i < n; i++)
    sorted[i] = (Ranked) { values[i], i };
  qsort (sorted, n, sizeof *sorted, compare_ranked);
  for (guint i = 0, end; i < n; i = end) {
    for (end = i + 1; end < n && sorted[end].value == sorted[i].value; end++)
      ;
    for (guint j = i; j < end; j++)
      ranks[sorted[j].index] = i + 1 + end;
  }
  return ranks;
}

static guint
gcd (guint a, guint b)
{
  while (b > 0) {
    guint rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* Takes the least rank and the common divisor out of @scores: neither changes which sums are more
 * extreme, and sums of small numbers are few. The divisor; 0: all are equal. */
static guint
reduce_scores (guint *scores, guint n, gboolean keep_zero)
{
  guint least = G_MAXUINT, divisor = 0;
  for (guint i = 0; i < n; i++)
    least = MIN (least, scores[i]);
  for (guint i = 0; i < n; i++) {
    scores[i] -= keep_zero ? 0 : least;
    divisor = gcd (divisor, scores[i]);
  }
  for (guint i = 0; i < n && divisor > 1; i++)
    scores[i] /= divisor;
  return divisor;
}

static double
sum_scores (const guint *scores, guint n)
{
  double sum = 0;
  for (guint i = 0; i < n; i++)
    sum += scores[i];
  return sum;
}

/* Two-sided p of a normal deviate. */
static double
normal_p (double distance, double deviation)
{
  if (deviation <= 0 || distance <= 0)
    return 1;
  return erfc (distance / deviation / G_SQRT2);
}

/* The part of @weights (of sums from 0 to @max) that is at least as far from @middle as @sum. */
static double
tail_of (const double *weights, gsize max, double middle, double sum)
{
  double far = fabs (sum - middle), tail = 0, all = 0;
  for (gsize s = 0; s <= max; s++) {
    all += weights[s];
    if (fabs ((double)s - middle) >= far - 1e-6)
      tail += weights[s];
  }
  return MIN (1, tail / all);
}

/* ---- signed ranks ---- */

/* Every set of pairs is as likely to be the higher ones: how many sets give each sum? */
static double
signed_rank_exact (const guint *scores, guint n, double total, double sum)
{
  gsize max = (gsize)total, reached = 0;
  g_autofree double *weights = g_new0 (double, max + 1);
  weights[0] = 1;
  for (guint i = 0; i < n; i++) {
    for (gsize s = reached + 1; s-- > 0;)
      weights[s + scores[i]] += weights[s]; /* from above, so that each counts once */
    reached += scores[i];
    for (gsize s = 0; s <= reached; s++)
      weights[s] /= 2;
  }
  return tail_of (weights, max, total / 2, sum);
}

static double
signed_rank_p (guint *scores, guint n, double sum_high)
{
  guint divisor = reduce_scores (scores, n, TRUE);
  double total = sum_scores (scores, n), squares = 0;
  sum_high /= divisor;
  if (total * n <= EXACT_COST_MAX && n < EXACT_VALUES_MAX)
    return signed_rank_exact (scores, n, total, sum_high);
  for (guint i = 0; i < n; i++)
    squares += (double)scores[i] * scores[i];
  return normal_p (fabs (sum_high - total / 2) - 0.5, sqrt (squares / 4));
}

StatsComparison
stats_compare_paired (const double *base, const double *new, gsize n, double confidence)
{
  g_autofree double *differences = g_new (double, n);
  g_autofree double *sizes = g_new (double, n);
  g_autofree gboolean *is_high = g_new (gboolean, n);
  double sum_high = 0, sum_all = 0;
  guint n_sizes = 0;
  g_assert (n >= 1 && n <= STATS_VALUES_MAX);
  for (gsize i = 0; i < n; i++) {
    differences[i] = new[i] - base[i];
    if (differences[i] != 0) {
      sizes[n_sizes] = fabs (differences[i]);
      is_high[n_sizes++] = differences[i] > 0;
    }
  }
  StatsComparison out = { .mean_base = stats_mean (base, n),
                          .mean_new = stats_mean (new, n),
                          .difference = stats_mean (differences, n),
                          .p = 1 };
  stats_bootstrap (NULL, 0, differences, n, confidence, &out.low, &out.high);
  if (n_sizes == 0)
    return out;
  g_autofree guint *scores = make_double_ranks (sizes, n_sizes);
  for (guint i = 0; i < n_sizes; i++) {
    sum_high += is_high[i] ? scores[i] : 0;
    sum_all += scores[i];
  }
  out.effect = 2 * sum_high / sum_all - 1;
  out.p = signed_rank_p (scores, n_sizes, sum_high);
  return out;
}

/* ---- rank sums ---- */

/* Every @k of the @n values are as likely to be this sample: how likely is each sum? Row j holds
 * the sums of j values, up to @max. @scores are in ascending order. */
static double
rank_sum_exact (const guint *scores, guint n, guint k, gsize max, double middle, double sum)
{
  gsize width = max + 1;
  g_autofree double *weights = g_new0 (double, width *(k + 1));
  g_autofree gsize *before = g_new0 (gsize, n + 1); /* sums of the first i scores */
  weights[0] = 1;
  for (guint i = 0; i < n; i++) {
    /* From above, so that each score counts once; rows that cannot become k any more are left. */
    for (guint j = MIN (i + 1, k); j >= 1 && j + n > k + i; j--) {
      double *to = weights + j * width + scores[i];
      const double *from = weights + (j - 1) * width;
      gsize reached = before[i] - before[i - (j - 1)];
      for (gsize s = 0; s <= reached; s++)
        to[s] += from[s];
    }
    before[i + 1] = before[i] + scores[i];
  }
  return tail_of (weights + k * width, max, middle, sum);
}

static int
compare_guints (const void *a, const void *b)
{
  guint x = *(const guint *)a, y = *(const guint *)b;
  return x < y ? -1 : x > y ? 1 : 0;
}

/* @scores of the pooled values; @k of them, the smaller sample, have the sum @sum. */
static double
rank_sum_p (guint *scores, guint n, guint k, double sum)
{
  guint least = G_MAXUINT;
  for (guint i = 0; i < n; i++)
    least = MIN (least, scores[i]);
  guint divisor = reduce_scores (scores, n, FALSE);
  if (divisor == 0)
    return 1;
  sum = (sum - (double)k * least) / divisor;
  double total = sum_scores (scores, n), mean = total / n, squares = 0;
  qsort (scores, n, sizeof *scores, compare_guints);
  double max = sum_scores (scores + n - k, k);
  if ((double)n * k * (max + 1) <= EXACT_COST_MAX && n < EXACT_VALUES_MAX)
    return rank_sum_exact (scores, n, k, (gsize)max, mean * k, sum);
  for (guint i = 0; i < n; i++)
    squares += (scores[i] - mean) * (scores[i] - mean);
  double variance = (double)k * (n - k) / ((double)n * (n - 1)) * squares;
  return normal_p (fabs (sum - mean * k) - 0.5, sqrt (variance));
}

StatsComparison
stats_compare_unpaired (const double *base, gsize n_base, const double *new, gsize n_new,
                        double confidence)
{
  guint n = (guint)(n_base + n_new);
  double sum_base = 0, sum_new = 0;
  g_assert (n_base >= 1 && n_new >= 1 && n_base + n_new <= STATS_VALUES_MAX);
  g_autofree double *pooled = g_new (double, n);
  memcpy (pooled, base, n_base * sizeof *base);
  memcpy (pooled + n_base, new, n_new * sizeof *new);
  StatsComparison out = { .mean_base = stats_mean (base, n_base),
                          .mean_new = stats_mean (new, n_new) };
  out.difference = out.mean_new - out.mean_base;
  stats_bootstrap (base, n_base, new, n_new, confidence, &out.low, &out.high);
  g_autofree guint *scores = make_double_ranks (pooled, n);
  for (guint i = 0; i < n; i++) {
    double *sum = i < n_base ? &sum_base : &sum_new;
    *sum += scores[i];
  }
  /* U / (n_base n_new) is the share of pairs in which NEW is higher, ties counted half. */
  double u = sum_new / 2 - (double)n_new * (double)(n_new + 1) / 2;
  out.effect = 2 * u / ((double)n_base * (double)n_new) - 1;
  out.p = n_base < n_new ? rank_sum_p (scores, n, (guint)n_base, sum_base)
                         : rank_sum_p (scores, n, (guint)n_new, sum_new);
  return out;
}

/* ---- what can be found at all ---- */

static double
log_choose (double n, double k)
{
  return lgamma (n + 1) - lgamma (k + 1) - lgamma (n - k + 1);
}

double
stats_least_p_paired (gsize n)
{
  return ldexp (2, -(int)MIN (n, 1000));
}

double
stats_least_p_unpaired (gsize n_base, gsize n_new)
{
  return MIN (1, 2 * exp (-log_choose ((double)(n_base + n_new), (double)n_base)));
}

/* ---- many tests at once ---- */

void
stats_holm (double *p, gsize n)
{
  g_autofree Ranked *sorted = g_new (Ranked, n);
  double highest = 0;
  if (n == 0)
    return;
  for (gsize i = 0; i < n; i++)
    sorted[i] = (Ranked) { p[i], (guint)i };
  qsort (sorted, n, sizeof *sorted, compare_ranked);
  for (gsize i = 0; i < n; i++) {
    highest = MAX (highest, sorted[i].value * (double)(n - i));
    p[sorted[i].index] = MIN (1, highest);
  }
}
