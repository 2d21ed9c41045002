/* SPDX-License-Identifier: Apache-2.0 */
/* report-lanes.h - the state of each link as each side had it, from the recorded events.
 *
 * Several links may follow each other over one path, and overlap while one is replaced: a lane
 * shows the best state of those that are there (working before not-working before closed). Over a
 * working link, "blocked" and "suspected" count as states of their own. */
#pragma once

#include "reports/store.h"

G_BEGIN_DECLS

/* From @t_ns on, until the next span of the lane or the end of the run. */
typedef struct {
  gint64 t_ns;
  const char *state;  /* (borrowed from the run, or static) */
  const char *reason; /* of the event that began it; "" where it has none */
} ReportSpan;

typedef struct {
  guint link;
  StoreSide side;
  GArray *spans; /* of ReportSpan, in order */
} ReportLane;

/* A lane for each link and side that has an event. @run loaded with QUERY_TABLES. Returns:
 * (transfer full) (element-type ReportLane). */
GPtrArray *report_lanes_new (const StoreRun *run);

G_END_DECLS
