/* SPDX-License-Identifier: Apache-2.0 */
/* recorder.h - turns the endpoints' traces into the run's digest, event rows, totals of what was
 * sent again, blocks of trace events and trace file.
 *
 * The digest covers every trace event as four words: time; side, type, reason and link; a; b. Only
 * changes of state and faults become rows. The first trace events, up to a limit, are kept in
 * blocks (trace-block.h). So beyond the limit a run's record grows with its duration and not with
 * what it carried. */
#pragma once

#include "harness/scenario.h"
#include "reports/store.h"
#include "core/trace.h"

G_BEGIN_DECLS

typedef struct _Recorder Recorder;

#define RECORDER_CHECKPOINT_EVENTS 1000
/* Most event rows of a run; what is beyond is counted in one last row. */
#define RECORDER_ROWS_MAX 100000

/* @run is borrowed. @kept_events: so many of the first trace events are kept in blocks.
 * @trace_path is nullable. NULL with a GError (file) when it cannot be opened. */
Recorder *recorder_new (const Scenario *scenario, StoreRun *run, guint64 kept_events,
                        const char *trace_path, GError **error);
void recorder_free (Recorder *recorder); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Recorder, recorder_free)

void recorder_trace (Recorder *recorder, ScenarioSide side, const CaimanTraceEvent *event);

/* Which scenario link the link @link_id of @side's endpoint belongs to. */
void recorder_name_link (Recorder *recorder, ScenarioSide side, guint32 link_id, guint link);

/* -1 when it is not known (yet). */
int recorder_find_link (const Recorder *recorder, ScenarioSide side, guint32 link_id);

/* An endpoint starts again: its link ids begin anew. */
void recorder_forget_links (Recorder *recorder, ScenarioSide side);

/* A row of the harness's own: faults, ends, violations. @link: index or -1. @kind is static, @text
 * is copied. */
void recorder_note (Recorder *recorder, gint64 t_ns, int link, const char *kind, gint64 a, gint64 b,
                    const char *text);

guint64 recorder_get_events (const Recorder *recorder);

/* Closes the trace file and sets digest, events, rows and blocks of the run. FALSE with a GError
 * when the trace file could not be written. */
gboolean recorder_finish (Recorder *recorder, GError **error);

G_END_DECLS
