/* SPDX-License-Identifier: Apache-2.0 */
/* histogram.c - see histogram.h. Bucket b < 128 holds the value b; above, the bucket's number is
 * the value's exponent and its seven bits below the highest one. */
#include "harness/histogram.h"

#define SUB_BITS  7
#define SUB_COUNT (1 << SUB_BITS)
/* Exponents 7 to 62 of a non-negative int64, each with SUB_COUNT buckets. */
#define N_BUCKETS ((63 - SUB_BITS + 1) * SUB_COUNT)

void
histogram_init (Histogram *histogram)
{
  *histogram = (Histogram) { .min = -1, .max = -1 };
}

void
histogram_clear (Histogram *histogram)
{
  g_clear_pointer (&histogram->counts, g_free);
  histogram_init (histogram);
}

static guint
bucket_of (gint64 value)
{
  if (value < SUB_COUNT)
    return (guint)value;
  guint exponent = 63 - (guint)__builtin_clzll ((guint64)value);
  guint sub = (guint)(value >> (exponent - SUB_BITS)) - SUB_COUNT;
  return (exponent - SUB_BITS + 1) * SUB_COUNT + sub;
}

/* The largest value of a bucket. */
static gint64
bucket_last (guint bucket)
{
  if (bucket < SUB_COUNT)
    return bucket;
  guint shift = bucket / SUB_COUNT - 1;
  guint64 first = (guint64)(SUB_COUNT + bucket % SUB_COUNT) << shift;
  return (gint64)(first + ((guint64)1 << shift) - 1);
}

void
histogram_add (Histogram *histogram, gint64 value)
{
  value = MAX (value, 0);
  if (histogram->counts == NULL)
    histogram->counts = g_new0 (guint64, N_BUCKETS);
  histogram->counts[bucket_of (value)]++;
  if (histogram->n_values++ == 0)
    histogram->min = value;
  histogram->min = MIN (histogram->min, value);
  histogram->max = MAX (histogram->max, value);
  if (__builtin_add_overflow (histogram->sum, (guint64)value, &histogram->sum))
    histogram->sum = G_MAXUINT64;
}

gint64
histogram_get_quantile (const Histogram *histogram, guint parts_per_million)
{
  g_assert (parts_per_million <= 1000000);
  if (histogram->n_values == 0)
    return -1;
  __uint128_t scaled = (__uint128_t)histogram->n_values * parts_per_million;
  guint64 wanted = MAX ((guint64)((scaled + 999999) / 1000000), 1);
  guint64 seen = 0;
  guint bucket = 0;
  for (; bucket < N_BUCKETS; bucket++) {
    seen += histogram->counts[bucket];
    if (seen >= wanted)
      break;
  }
  return MIN (bucket_last (bucket), histogram->max);
}

gint64
histogram_get_max (const Histogram *histogram)
{
  return histogram->max;
}

gint64
histogram_get_mean (const Histogram *histogram)
{
  if (histogram->n_values == 0)
    return -1;
  return (gint64)(histogram->sum / histogram->n_values);
}
