/* SPDX-License-Identifier: Apache-2.0 */
/* stats.h - two samples compared: how far apart, how sure, how large; docs/diff.md has the sources.
 *
 * Everything is a function of its arguments: the one random part, the bootstrap, draws from a
 * generator that is seeded alike each time. All values must be finite. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Resamples of a bootstrap. */
#define STATS_RESAMPLES 2000

/* What is known of the difference between two samples: that of NEW less that of BASE. */
typedef struct {
  double mean_base, mean_new;
  double difference; /* of the means; paired: the mean of the differences */
  double low, high;  /* confidence interval of @difference; NAN: too few values for one */
  double effect;     /* -1 (all lower) to 1 (all higher) */
  double p;          /* two-sided */
} StatsComparison;

double stats_mean (const double *values, gsize n);

/* In both, @confidence 0 leaves the interval out. */

/* Values in pairs: @new[i] - @base[i] is what counts, and of that the rank with its sign
 * (Wilcoxon's signed-rank test, pairs without a difference left out). @effect is the matched-pairs
 * rank-biserial correlation. @n >= 1. */
StatsComparison stats_compare_paired (const double *base, const double *new, gsize n,
                                      double confidence);

/* Two independent samples: the rank-sum test of Wilcoxon, Mann and Whitney. @effect is Cliff's
 * delta. Both sizes >= 1. */
StatsComparison stats_compare_unpaired (const double *base, gsize n_base, const double *new,
                                        gsize n_new, double confidence);

/* The smallest p that @n pairs (or samples of @n_base and @n_new) can give: when all values without
 * a tie point one way. */
double stats_least_p_paired (gsize n);
double stats_least_p_unpaired (gsize n_base, gsize n_new);

/* Holm's correction: @p becomes the p-values adjusted for their number; the order is kept. With
 * them, whatever is rejected at a level, the chance that any rejection is wrong is at most that
 * level. */
void stats_holm (double *p, gsize n);

G_END_DECLS
