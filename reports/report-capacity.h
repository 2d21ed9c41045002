/* SPDX-License-Identifier: Apache-2.0 */
/* report-capacity.h - what the links of a run could have carried, over time.
 *
 * Worked out from the recorded rates of the links, the events that the run recorded, and what its
 * resolved scenario says of each of them: a link counts from its `starts` on; it carries nothing
 * while it is down (also by `flap`), blackholed, partitioned, paused, removed or not yet added; and
 * `set` changes its rate. This is the capacity whose integral the metric ideal-time is made of;
 * delays, quotas and windows, which the metric respects, are not in it. */
#pragma once

#include "reports/store.h"

G_BEGIN_DECLS

#define REPORT_UNLIMITED (-1)

/* From @t_ns on, until the next step. */
typedef struct {
  gint64 t_ns;
  gint64 rate_bps; /* 0: dark; REPORT_UNLIMITED */
} ReportStep;

typedef struct {
  GPtrArray *steps[2]; /* up, down: per link a GArray of ReportStep, the first at or before 0 */
  char *problem;       /* NULL, or why nothing could be worked out; then there are no steps */
} ReportCapacity;

/* @run loaded with QUERY_TABLES. Steps end with the run. Returns: (transfer full). */
ReportCapacity *report_capacity_new (const StoreRun *run);
void report_capacity_free (ReportCapacity *capacity); /* accepts NULL */

/* The sum over all links in a direction (0 up, 1 down), a GArray of ReportStep; REPORT_UNLIMITED
 * while a link without a limit is there. NULL when it is not known. Returns: (transfer full). */
GArray *report_capacity_sum (const ReportCapacity *capacity, guint direction);

/* The time of the run's last sample or event, or its duration, whichever is later. */
gint64 report_run_end_ns (const StoreRun *run);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ReportCapacity, report_capacity_free)

G_END_DECLS
