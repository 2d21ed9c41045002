/* SPDX-License-Identifier: Apache-2.0 */
/* stats-bootstrap.c - confidence intervals by resampling (BCa), the same ones each time. */
#include "reports/stats-private.h"

#include <math.h>
#include <stdlib.h>

double
stats_mean (const double *values, gsize n)
{
  double sum = 0;
  for (gsize i = 0; i < n; i++)
    sum += values[i];
  return sum / (double)n;
}

/* SplitMix64: a generator is a number. */
static guint64
next_random (guint64 *state)
{
  guint64 z = *state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* The mean of so many values drawn with putting back. */
static double
resample (const double *values, gsize n, guint64 *state)
{
  double sum = 0;
  for (gsize i = 0; i < n; i++)
    sum += values[(gsize)(((next_random (state) >> 32) * (guint64)n) >> 32)];
  return n > 0 ? sum / (double)n : 0;
}

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y ? 1 : 0;
}

static double
normal_cdf (double z)
{
  return erfc (-z / G_SQRT2) / 2;
}

/* By bisection: it is called four times per interval. */
static double
normal_quantile (double p)
{
  double low = -40, high = 40;
  for (int i = 0; i < 80; i++) {
    double middle = (low + high) / 2;
    if (normal_cdf (middle) < p)
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}

/* Adds the second and third powers of how much each value pulls at its mean. */
static void
add_influence (const double *values, gsize n, double sign, double *squares, double *cubes)
{
  double mean = stats_mean (values, n);
  for (gsize i = 0; i < n; i++) {
    double pull = sign * (values[i] - mean) / (double)n;
    *squares += pull * pull;
    *cubes += pull * pull * pull;
  }
}

/* The resample at the quantile that BCa takes for @z. */
static double
pick_quantile (const double *sorted, double bias, double acceleration, double z)
{
  double p = normal_cdf (bias + (bias + z) / (1 - acceleration * (bias + z)));
  double index = floor (p * STATS_RESAMPLES);
  return sorted[(gsize)CLAMP (index, 0, STATS_RESAMPLES - 1)];
}

void
stats_bootstrap (const double *base, gsize n_base, const double *new, gsize n_new,
                 double confidence, double *low_out, double *high_out)
{
  guint64 state = 1;
  double squares = 0, cubes = 0, below = 0;
  double actual = stats_mean (new, n_new) - (n_base > 0 ? stats_mean (base, n_base) : 0);
  g_autofree double *means = g_new (double, STATS_RESAMPLES);
  *low_out = *high_out = NAN;
  if (confidence <= 0 || n_new < STATS_INTERVAL_MIN || (n_base > 0 && n_base < STATS_INTERVAL_MIN))
    return;
  add_influence (new, n_new, 1, &squares, &cubes);
  add_influence (base, n_base, -1, &squares, &cubes);
  if (squares == 0) {
    *low_out = *high_out = actual;
    return;
  }
  for (guint i = 0; i < STATS_RESAMPLES; i++) {
    means[i] = resample (new, n_new, &state) - resample (base, n_base, &state);
    below += means[i] < actual ? 1 : means[i] == actual ? 0.5 : 0;
  }
  qsort (means, STATS_RESAMPLES, sizeof *means, compare_doubles);
  double bias = normal_quantile (CLAMP (below, 0.5, STATS_RESAMPLES - 0.5) / STATS_RESAMPLES);
  double acceleration = cubes / (6 * pow (squares, 1.5));
  double z = normal_quantile ((1 + confidence) / 2);
  *low_out = pick_quantile (means, bias, acceleration, -z);
  *high_out = pick_quantile (means, bias, acceleration, z);
}
