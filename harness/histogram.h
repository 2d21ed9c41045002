/* SPDX-License-Identifier: Apache-2.0 */
/* histogram.h - counts values in log-linear buckets, for quantiles in bounded memory.
 *
 * Values from 0 to 127 are exact; above, each power of two has 128 buckets, so a quantile is too
 * high by less than 1 part in 128 and never too low. Smallest, largest, sum and count are exact.
 * Memory is allocated with the first value, and is 58 KiB then, whatever is added. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint64 *counts; /* NULL while empty */
  guint64 n_values;
  gint64 min, max;
  guint64 sum; /* clamped at its maximum */
} Histogram;

void histogram_init (Histogram *histogram);
void histogram_clear (Histogram *histogram);

/* Adds one @value; below 0 counts as 0. */
void histogram_add (Histogram *histogram, gint64 value);

/* The smallest value that at least @parts_per_million of all values do not exceed (rounded up to
 * the end of its bucket, never above the largest value); -1 when empty. */
gint64 histogram_get_quantile (const Histogram *histogram, guint parts_per_million);

gint64 histogram_get_max (const Histogram *histogram);  /* -1 when empty */
gint64 histogram_get_mean (const Histogram *histogram); /* -1 when empty */

G_END_DECLS
