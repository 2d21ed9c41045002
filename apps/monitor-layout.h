/* SPDX-License-Identifier: Apache-2.0 */
/* monitor-layout.h - what the monitor shows, as lines of text with attributes: a pure function of a
 * snapshot, what the user has selected, and the size of the screen. monitor.c paints them.
 *
 * Every line fits the width and there are never more than the height has room for, however small
 * the screen is. The layout is made for 80 columns and 24 lines; more space shows more. */
#pragma once

#include "apps/monitor-text.h"
#include "apps/monitor-view.h"

G_BEGIN_DECLS

/* (transfer full) (element-type MonitorLine): exactly @height lines of at most @width columns.
 * @log: (element-type utf8) lines, oldest first. Moves the selection of @view when what was
 * selected is gone, and scrolls so that it can be seen. */
GPtrArray *monitor_layout (const LiveSnapshot *snapshot, const GPtrArray *log, MonitorView *view,
                           guint width, guint height);

G_END_DECLS
