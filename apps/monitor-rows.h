/* SPDX-License-Identifier: Apache-2.0 */
/* monitor-rows.h - the table in the middle of the monitor: a row per connection and link. */
#pragma once

#include "apps/monitor-text.h"
#include "apps/monitor-view.h"

G_BEGIN_DECLS

/* Index in caiman_stats_intervals_ns of the rates in the table. */
#define MONITOR_RATE_INTERVAL 1

/* Widths of what grows with the screen; one space between any two columns. */
typedef struct {
  guint name, state, bars;
} MonitorColumns;

MonitorColumns monitor_plan_columns (guint width);

/* (transfer full) */
MonitorLine *monitor_make_headings (const MonitorColumns *columns);

/* Appends all rows to @lines. Returns the index of the selected one, -1: none. */
int monitor_add_rows (GPtrArray *lines, const LiveSnapshot *snapshot, const MonitorView *view,
                      const MonitorColumns *columns);

/* Appends a line that is just @text. */
void monitor_add_text (GPtrArray *lines, MonitorAttribute attribute, const char *text);

G_END_DECLS
