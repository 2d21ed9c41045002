/* SPDX-License-Identifier: Apache-2.0 */
/* trace-stream.c - see trace-stream.h. */
#include "harness/trace-stream.h"

struct _TraceStream {
  const StoreRun *run;
  guint n_blocks;           /* opened so far */
  TraceBlockReader *reader; /* (nullable) of the last of them */
  gint64 n_events;          /* read so far */
  gboolean is_damaged;
};

TraceStream *
trace_stream_new (const StoreRun *run)
{
  TraceStream *stream = g_new0 (TraceStream, 1);

  stream->run = run;
  return stream;
}

void
trace_stream_free (TraceStream *stream)
{
  if (!stream)
    return;
  trace_block_reader_free (stream->reader);
  g_free (stream);
}

gboolean
trace_stream_is_damaged (const TraceStream *stream)
{
  return stream->is_damaged;
}

/* FALSE: there is no further block, or it is damaged. */
static gboolean
open_block (TraceStream *stream)
{
  if (stream->n_blocks == stream->run->trace_blocks->len)
    return FALSE;
  const StoreTraceBlock *block =
      &g_array_index (stream->run->trace_blocks, StoreTraceBlock, stream->n_blocks++);
  g_clear_pointer (&stream->reader, trace_block_reader_free);
  if (block->first_event == stream->n_events)
    stream->reader = trace_block_reader_new (block->data);
  stream->is_damaged =
      !stream->reader || trace_block_reader_get_events (stream->reader) != block->n_events;
  return !stream->is_damaged;
}

gboolean
trace_stream_next (TraceStream *stream, TraceRecord *record_out)
{
  if (stream->is_damaged)
    return FALSE;
  while (!stream->reader || !trace_block_reader_next (stream->reader, record_out)) {
    if (stream->reader && trace_block_reader_is_damaged (stream->reader))
      stream->is_damaged = TRUE;
    if (stream->is_damaged || !open_block (stream))
      return FALSE;
  }
  stream->n_events++;
  return TRUE;
}

char *
trace_stream_next_line (TraceStream *stream)
{
  const GArray *links = stream->run->links;
  TraceRecord record;

  if (!trace_stream_next (stream, &record))
    return NULL;
  gboolean has_link = record.link >= 0 && (guint)record.link < links->len;
  return trace_record_format (&record,
                              has_link ? g_array_index (links, StoreLink, record.link).name : NULL);
}

gboolean
trace_stream_skip (TraceStream *stream, gint64 n_events)
{
  TraceRecord record;

  for (gint64 i = 0; i < n_events; i++) {
    if (!trace_stream_next (stream, &record))
      return FALSE;
  }
  return TRUE;
}

/* --- Comparing --- */

/* What it means that @stream has no event where it was asked for one. */
static TraceVerdict
judge_end (const TraceStream *stream)
{
  if (stream->is_damaged)
    return TRACE_DAMAGED;
  return stream->n_events < stream->run->n_events ? TRACE_UNKNOWN : TRACE_SAME;
}

TraceVerdict
trace_compare (const StoreRun *x, const StoreRun *y, gint64 *n_equal_out)
{
  g_autoptr (TraceStream) xs = trace_stream_new (x), ys = trace_stream_new (y);
  TraceRecord xr, yr;
  gboolean has_x, has_y;

  for (*n_equal_out = 0;; (*n_equal_out)++) {
    has_x = trace_stream_next (xs, &xr);
    has_y = trace_stream_next (ys, &yr);
    if (!has_x || !has_y)
      break;
    if (!trace_record_equal (&xr, &yr))
      return TRACE_DIFFERENT;
  }
  TraceVerdict at_x = has_x ? TRACE_DIFFERENT : judge_end (xs);
  TraceVerdict at_y = has_y ? TRACE_DIFFERENT : judge_end (ys);
  if (at_x == TRACE_DAMAGED || at_y == TRACE_DAMAGED)
    return TRACE_DAMAGED;
  if (at_x == TRACE_UNKNOWN || at_y == TRACE_UNKNOWN)
    return TRACE_UNKNOWN;
  return has_x || has_y ? TRACE_DIFFERENT : TRACE_SAME;
}
