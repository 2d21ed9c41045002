/* SPDX-License-Identifier: Apache-2.0 */
/* recorder.c - see recorder.h. The hot path is recorder_trace(): four words into a buffer; the
 * digest takes them in batches, and a checkpoint is a batch's end. */
#include "harness/recorder.h"

#include "core/digest.h"
#include "core/state-names.h"
#include "harness/trace-block.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define EVENT_WORDS 4

struct _Recorder {
  const Scenario *scenario;
  StoreRun *run;
  FILE *trace;
  int trace_errno; /* of the first write that failed, 0: none */
  CaimanDigest *digest;
  guint64 words[RECORDER_CHECKPOINT_EVENTS * EVENT_WORDS];
  gsize n_words;
  guint64 n_events;
  gint64 last_ns;
  guint64 omitted_rows;
  guint64 kept_events;             /* so many are to be kept */
  TraceBlockWriter *writer;        /* (nullable) of the block that they are in */
  GArray *links[SCENARIO_N_SIDES]; /* of gint: scenario link of a link id, -1 */
};

Recorder *
recorder_new (const Scenario *scenario, StoreRun *run, guint64 kept_events, const char *trace_path,
              GError **error)
{
  FILE *trace = NULL;

  if (trace_path) {
    trace = fopen (trace_path, "we");
    if (!trace) {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", trace_path,
                   g_strerror (errno));
      return NULL;
    }
  }
  Recorder *recorder = g_new0 (Recorder, 1);
  recorder->scenario = scenario;
  recorder->run = run;
  recorder->trace = trace;
  recorder->kept_events = kept_events;
  if (kept_events > 0)
    recorder->writer = trace_block_writer_new ();
  recorder->digest = caiman_digest_new ();
  for (guint s = 0; s < SCENARIO_N_SIDES; s++)
    recorder->links[s] = g_array_new (FALSE, FALSE, sizeof (gint));
  return recorder;
}

void
recorder_free (Recorder *recorder)
{
  if (!recorder)
    return;
  if (recorder->trace)
    fclose (recorder->trace);
  for (guint s = 0; s < SCENARIO_N_SIDES; s++)
    g_array_unref (recorder->links[s]);
  trace_block_writer_free (recorder->writer);
  caiman_digest_free (recorder->digest);
  g_free (recorder);
}

/* --- Links --- */

void
recorder_name_link (Recorder *recorder, ScenarioSide side, guint32 link_id, guint link)
{
  GArray *links = recorder->links[side];
  const gint unknown = -1;

  while (links->len <= link_id)
    g_array_append_val (links, unknown);
  g_array_index (links, gint, link_id) = (gint)link;
}

int
recorder_find_link (const Recorder *recorder, ScenarioSide side, guint32 link_id)
{
  const GArray *links = recorder->links[side];

  return link_id < links->len ? g_array_index (links, gint, link_id) : -1;
}

void
recorder_forget_links (Recorder *recorder, ScenarioSide side)
{
  g_array_set_size (recorder->links[side], 0);
}

/* --- Rows --- */

static void
add_row (Recorder *recorder, const StoreEvent *row)
{
  if (recorder->run->events->len < RECORDER_ROWS_MAX)
    g_array_append_val (recorder->run->events, *row);
  else
    recorder->omitted_rows++;
}

void
recorder_note (Recorder *recorder, gint64 t_ns, int link, const char *kind, gint64 a, gint64 b,
               const char *text)
{
  StoreEvent row = { .t_ns = t_ns,
                     .side = STORE_SIDE_HARNESS,
                     .link = link,
                     .kind = kind,
                     .reason = "",
                     .a = a,
                     .b = b,
                     .text = store_run_string (recorder->run, text) };

  add_row (recorder, &row);
}

/* --- Traces --- */

static void
write_trace (Recorder *recorder, ScenarioSide side, int link, const CaimanTraceEvent *event)
{
  const TraceRecord record = { .time_ns = event->time_ns,
                               .side = side,
                               .type = caiman_trace_type_to_string (event->type),
                               .reason = caiman_reason_to_string (event->reason),
                               .link_id = event->link_id,
                               .a = event->a,
                               .b = event->b };
  g_autofree char *line = trace_record_format (
      &record, link >= 0 ? scenario_get_link (recorder->scenario, link)->name : NULL);

  if (fprintf (recorder->trace, "%s\n", line) < 0 && !recorder->trace_errno)
    recorder->trace_errno = errno;
}

static void
finish_block (Recorder *recorder)
{
  const guint n_events = trace_block_writer_get_events (recorder->writer);

  if (n_events > 0)
    store_run_take_trace_block (recorder->run, n_events,
                                trace_block_writer_finish (recorder->writer));
}

/* Keeps an event; after the last one that is to be kept the writer's memory is given back. */
static void
keep_event (Recorder *recorder, ScenarioSide side, int link, const CaimanTraceEvent *event)
{
  if (!trace_block_writer_add (recorder->writer, side, link, event)) {
    finish_block (recorder);
    trace_block_writer_add (recorder->writer, side, link, event);
  }
  if (recorder->n_events < recorder->kept_events)
    return;
  finish_block (recorder);
  g_clear_pointer (&recorder->writer, trace_block_writer_free);
}

static void
count_resend (Recorder *recorder, ScenarioSide side, const CaimanTraceEvent *event)
{
  store_run_count_resend (recorder->run,
                          side == SCENARIO_SIDE_CLIENT ? STORE_SIDE_CLIENT : STORE_SIDE_SERVER,
                          recorder_find_link (recorder, side, event->link_id),
                          recorder_find_link (recorder, side, event->from_link_id),
                          caiman_resend_cause_to_string (event->resend_cause), (gint64)event->b);
}

static void
add_checkpoint (Recorder *recorder)
{
  StoreCheckpoint checkpoint = { .n_events = (gint64)recorder->n_events,
                                 .t_ns = recorder->last_ns };

  caiman_digest_add_words (recorder->digest, recorder->words, recorder->n_words);
  recorder->n_words = 0;
  caiman_digest_get (recorder->digest, checkpoint.digest);
  g_array_append_val (recorder->run->checkpoints, checkpoint);
}

void
recorder_trace (Recorder *recorder, ScenarioSide side, const CaimanTraceEvent *event)
{
  guint64 *words = &recorder->words[recorder->n_words];

  words[0] = (guint64)event->time_ns;
  words[1] = (guint64)side << 56 | (guint64)event->type << 48 | (guint64)event->reason << 32 |
             event->link_id;
  words[2] = event->a;
  words[3] = event->b;
  recorder->n_words += EVENT_WORDS;
  recorder->n_events++;
  recorder->last_ns = event->time_ns;
  if (recorder->n_words == G_N_ELEMENTS (recorder->words))
    add_checkpoint (recorder);

  if (event->resend_cause != CAIMAN_RESEND_NONE)
    count_resend (recorder, side, event);
  const char *text = caiman_trace_event_get_state_name (event);
  if (!text && !recorder->trace && !recorder->writer)
    return;
  int link = recorder_find_link (recorder, side, event->link_id);
  if (recorder->writer)
    keep_event (recorder, side, link, event);
  if (recorder->trace)
    write_trace (recorder, side, link, event);
  if (text) {
    StoreEvent row = { .t_ns = event->time_ns,
                       .side = side == SCENARIO_SIDE_CLIENT ? STORE_SIDE_CLIENT : STORE_SIDE_SERVER,
                       .link = link,
                       .kind = caiman_trace_type_to_string (event->type),
                       .reason = caiman_reason_to_string (event->reason),
                       .a = (gint64)event->a,
                       .b = (gint64)event->b,
                       .text = text };
    add_row (recorder, &row);
  }
}

guint64
recorder_get_events (const Recorder *recorder)
{
  return recorder->n_events;
}

static gboolean
close_trace (Recorder *recorder, GError **error)
{
  FILE *trace = g_steal_pointer (&recorder->trace);

  if (!trace)
    return TRUE;
  if (fclose (trace) != 0 && !recorder->trace_errno)
    recorder->trace_errno = errno;
  if (!recorder->trace_errno)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (recorder->trace_errno),
               "trace file: %s", g_strerror (recorder->trace_errno));
  return FALSE;
}

gboolean
recorder_finish (Recorder *recorder, GError **error)
{
  g_autofree char *hex = NULL;

  if (recorder->omitted_rows > 0) {
    StoreEvent row = { .t_ns = recorder->last_ns,
                       .side = STORE_SIDE_HARNESS,
                       .link = -1,
                       .kind = "rows-omitted",
                       .reason = "",
                       .a = (gint64)recorder->omitted_rows,
                       .text = "more changes of state than a run's record holds" };
    g_array_append_val (recorder->run->events, row);
  }
  if (recorder->writer)
    finish_block (recorder);
  caiman_digest_add_words (recorder->digest, recorder->words, recorder->n_words);
  recorder->n_words = 0;
  hex = caiman_digest_get_hex (recorder->digest);
  recorder->run->digest = store_run_string (recorder->run, hex);
  recorder->run->n_events = (gint64)recorder->n_events;
  return close_trace (recorder, error);
}
