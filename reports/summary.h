/* SPDX-License-Identifier: Apache-2.0 */
/* summary.h - what a run was like, for people: lines and tables from a StoreRun.
 *
 * All results are (transfer full) texts that end with a newline. @colour: whether the text goes to
 * a terminal that shows colours (summary_wants_colour()). */
#pragma once

#include "reports/store.h"

G_BEGIN_DECLS

/* TRUE when @fd is a terminal, and neither NO_COLOR is set nor TERM is "dumb". */
gboolean summary_wants_colour (int fd);

/* One line: verdict, scenario, seed, policy, outcome, times, and what failed first.
 *   ok      silent-fast-link  seed 1  adaptive  survives  8.40 s in 23.1 ms  run 12 */
char *summary_format_line (const StoreRun *run, gboolean colour);

/* The line, then three tables: expectations, metrics of each flow, where the lost time went. */
char *summary_format_run (const StoreRun *run, gboolean colour);

/* The last line of a campaign: "12 runs: 10 ok, 1 FAILED, 1 skipped". @exit_classes of int. */
char *summary_format_total (const GArray *exit_classes, gboolean colour);

/* The single tables, appended to @out with their headings; nothing where there are no rows. A
 * metric that is not defined for any flow, link, ... has no row. */
void summary_append_expectations (GString *out, const StoreRun *run, gboolean colour);
void summary_append_metrics (GString *out, const StoreRun *run, StoreSubject subject_kind,
                             gboolean colour);
void summary_append_lost_time (GString *out, const StoreRun *run, gboolean colour);

/* Whether the run is of real links that were watched (docs/monitor.md), rather than of a scenario.
 */
gboolean summary_is_live (const StoreRun *run);

/* What stands for link number @index in tables: its name, of a live run, whose names are long, "#1"
 * and so on. (transfer full) */
char *summary_format_link (const StoreRun *run, guint index);

G_END_DECLS
