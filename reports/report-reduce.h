/* SPDX-License-Identifier: Apache-2.0 */
/* report-reduce.h - fewer points for a plot, without losing what a reader looks for.
 *
 * The time that a series covers is cut into equal buckets; of each, the first smallest and the
 * first largest value are kept, at their own times, in the order of time. So no peak and no dip
 * gets lost, however short, and every point that is shown was measured. A gap (NAN) within a
 * bucket is kept as one more point. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  gint64 t_ns;
  double value; /* NAN: nothing is known from here to the next point */
} ReportPoint;

/* @points of ReportPoint, ascending in time. At most 3 points per bucket: where @points has no
 * more than 2 x @n_buckets (> 0) of them, all are kept. Returns: (transfer full). */
GArray *report_reduce (const GArray *points, guint n_buckets);

/* Totals that only grow (@points of ReportPoint, cumulative) as rates: the value of each of the
 * points that are returned is the mean growth per second from the point before it to it, times
 * @factor. Buckets are merged until at most @n_buckets are left, by their totals, so that the area
 * below the rates stays exact. The first point carries 0. Returns: (transfer full). */
GArray *report_rates (const GArray *points, guint n_buckets, double factor);

G_END_DECLS
