/* SPDX-License-Identifier: Apache-2.0 */
/* trace-block.h - trace events in few bytes, for the record of a run.
 *
 * A run's first events are kept in blocks of up to TRACE_BLOCK_EVENTS_MAX, each readable for
 * itself. An event of a busy run costs one to two bytes: what trace-model.h guesses right is not
 * written, what is left is deflated. Types and reasons are written as names, so that a block can be
 * read by a build that counts them otherwise.
 *
 * A block, before it is deflated (zlib's format, with its checksum):
 *   byte      TRACE_BLOCK_FORMAT
 *   number    of kinds, then each: byte side, byte rule, number link id, number link + 1,
 *             name of the type, name of the reason (each a byte of length, and the text)
 *   number    of events
 *   columns   steps, times, kinds, a, b: each a number of bytes, and the bytes
 * A step is a byte: in its upper half how many events came as guessed in everything, in its lower
 * half what of the event after them has to be read from its column (STEP_...); 0 there: no event.
 * Numbers are LEB128; values of a and b are the zigzag of the difference to what was guessed. */
#pragma once

#include "harness/scenario.h"
#include "core/trace.h"

G_BEGIN_DECLS

#define TRACE_BLOCK_FORMAT     1
#define TRACE_BLOCK_EVENTS_MAX 32768

/* An event as it is read back. */
typedef struct {
  gint64 time_ns;
  ScenarioSide side;
  const char *type;   /* caiman_trace_type_to_string() of the build that wrote it */
  const char *reason; /* likewise */
  guint32 link_id;
  int link; /* of the scenario; -1: none, or not known then */
  guint64 a, b;
} TraceRecord;

/* Whether both are the same event: all but the name of the link, which only the harness knows. */
gboolean trace_record_equal (const TraceRecord *x, const TraceRecord *y);

/* A line of a trace file, without its end. @link_name: of @record's link, nullable.
 * Returns: (transfer full). */
char *trace_record_format (const TraceRecord *record, const char *link_name);

/* --- Writing --- */

typedef struct _TraceBlockWriter TraceBlockWriter;

TraceBlockWriter *trace_block_writer_new (void);
void trace_block_writer_free (TraceBlockWriter *writer); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TraceBlockWriter, trace_block_writer_free)

/* @link: of the scenario, or -1. FALSE: the block is full, and nothing was added. */
gboolean trace_block_writer_add (TraceBlockWriter *writer, ScenarioSide side, int link,
                                 const CaimanTraceEvent *event);

/* Events of the block so far. */
guint trace_block_writer_get_events (const TraceBlockWriter *writer);

/* Ends the block and begins the next. Returns: (transfer full): its bytes, deflated. */
GBytes *trace_block_writer_finish (TraceBlockWriter *writer);

/* --- Reading --- */

typedef struct _TraceBlockReader TraceBlockReader;

/* Reads any bytes safely: memory is bounded by a block's largest size. Returns: (transfer full): or
 * NULL when @bytes are not a block. */
TraceBlockReader *trace_block_reader_new (GBytes *bytes);
void trace_block_reader_free (TraceBlockReader *reader); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TraceBlockReader, trace_block_reader_free)

/* How many events it is said to have. */
guint trace_block_reader_get_events (const TraceBlockReader *reader);

/* The next event; its texts live as long as @reader. FALSE: there is none, because that was all, or
 * because the rest is damaged (trace_block_reader_is_damaged()). */
gboolean trace_block_reader_next (TraceBlockReader *reader, TraceRecord *record_out);
gboolean trace_block_reader_is_damaged (const TraceBlockReader *reader);

G_END_DECLS
