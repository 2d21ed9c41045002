/* SPDX-License-Identifier: Apache-2.0 */
/* show.h - what `caiman show` prints: the list of runs, and one run in full. */
#pragma once

#include "reports/query.h"

G_BEGIN_DECLS

typedef enum {
  SHOW_DEFAULT = 0,
  SHOW_COLOUR = 1 << 0, /* see summary_wants_colour() */
  SHOW_ALL = 1 << 1,    /* every event, parameters and the scenario's text too */
} ShowFlags;

/* A table with a row per run. @entries as query_list_runs() gives them. With SHOW_ALL it has all
 * columns; else those that can be missed are left out as far as it is wider than @width_columns.
 * Returns: (transfer full). */
char *show_format_list (GPtrArray *entries, guint width_columns, ShowFlags flags);

/* One run, loaded with QUERY_TABLES: what it was, expectations, metrics, where the lost time went,
 * and the timeline of events, of which the default leaves out those in the middle when there are
 * many. Returns: (transfer full). */
char *show_format_run (const StoreRun *run, ShowFlags flags);

G_END_DECLS
