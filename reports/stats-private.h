/* SPDX-License-Identifier: Apache-2.0 */
/* stats-private.h - what stats.c and stats-bootstrap.c share. */
#pragma once

#include "reports/stats.h"

G_BEGIN_DECLS

/* So that twice the sum of all ranks is exact in a double and a rank fits an int. */
#define STATS_VALUES_MAX 10000000

/* Fewer values give no interval: there are too few resamples that differ. */
#define STATS_INTERVAL_MIN 5

/* The interval that has the mean of @new less the mean of @base (@n_base 0: the mean of @new alone)
 * in it with this confidence: bias-corrected and accelerated bootstrap. NAN with too few values. */
void stats_bootstrap (const double *base, gsize n_base, const double *new, gsize n_new,
                      double confidence, double *low_out, double *high_out);

G_END_DECLS
