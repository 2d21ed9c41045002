/* SPDX-License-Identifier: Apache-2.0 */
/* trace-stream.h - reads the trace events that the record of a run has kept, and finds where two
 * runs part. */
#pragma once

#include "harness/trace-block.h"
#include "reports/store.h"

G_BEGIN_DECLS

typedef struct _TraceStream TraceStream;

/* From the first event on. @run is borrowed. Returns: (transfer full). */
TraceStream *trace_stream_new (const StoreRun *run);
void trace_stream_free (TraceStream *stream); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TraceStream, trace_stream_free)

/* The next event; its texts live until the next call. FALSE: no more were kept, or the next is
 * damaged. */
gboolean trace_stream_next (TraceStream *stream, TraceRecord *record_out);
gboolean trace_stream_is_damaged (const TraceStream *stream);

/* The next event as a line of a trace file, without its end; NULL where trace_stream_next() is
 * FALSE. Returns: (transfer full). */
char *trace_stream_next_line (TraceStream *stream);

/* Leaves @n_events out. FALSE: there were not so many. */
gboolean trace_stream_skip (TraceStream *stream, gint64 n_events);

typedef enum {
  TRACE_SAME,      /* all events of both are the same */
  TRACE_DIFFERENT, /* the one behind the equal ones differs, or only one of both has one more */
  TRACE_UNKNOWN,   /* one of both has kept no more than the equal ones, but had more */
  TRACE_DAMAGED,   /* the same, since the next cannot be read */
} TraceVerdict;

/* @n_equal_out: so many events from the first on are the same. */
TraceVerdict trace_compare (const StoreRun *x, const StoreRun *y, gint64 *n_equal_out);

G_END_DECLS
