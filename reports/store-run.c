/* SPDX-License-Identifier: Apache-2.0 */
/* store-run.c - the struct of a run, in memory. */
#include "reports/store.h"

#include <math.h>

const char *
store_side_to_string (StoreSide side)
{
  static const char *const names[] = {
    [STORE_SIDE_CLIENT] = "client",
    [STORE_SIDE_SERVER] = "server",
    [STORE_SIDE_HARNESS] = "harness",
  };
  g_assert (side < G_N_ELEMENTS (names));
  return names[side];
}

const char *
store_subject_to_string (StoreSubject subject_kind)
{
  static const char *const names[] = {
    [STORE_SUBJECT_RUN] = "run",
    [STORE_SUBJECT_CONNECTION] = "connection",
    [STORE_SUBJECT_FLOW] = "flow",
    [STORE_SUBJECT_LINK] = "link",
  };
  g_assert (subject_kind < G_N_ELEMENTS (names));
  return names[subject_kind];
}

static void
clear_trace_block (gpointer data)
{
  StoreTraceBlock *block = data;
  g_bytes_unref (block->data);
}

StoreRun *
store_run_new (void)
{
  StoreRun *run = g_new0 (StoreRun, 1);
  run->parameters = g_array_new (FALSE, TRUE, sizeof (StoreParameter));
  run->links = g_array_new (FALSE, TRUE, sizeof (StoreLink));
  run->flows = g_array_new (FALSE, TRUE, sizeof (StoreFlow));
  run->metrics = g_array_new (FALSE, TRUE, sizeof (StoreMetric));
  run->link_samples = g_array_new (FALSE, TRUE, sizeof (StoreLinkSample));
  run->flow_samples = g_array_new (FALSE, TRUE, sizeof (StoreFlowSample));
  run->events = g_array_new (FALSE, TRUE, sizeof (StoreEvent));
  run->checkpoints = g_array_new (FALSE, TRUE, sizeof (StoreCheckpoint));
  run->trace_blocks = g_array_new (FALSE, TRUE, sizeof (StoreTraceBlock));
  g_array_set_clear_func (run->trace_blocks, clear_trace_block);
  run->expectations = g_array_new (FALSE, TRUE, sizeof (StoreExpectation));
  run->resends = g_array_new (FALSE, TRUE, sizeof (StoreResend));
  run->stalls = g_array_new (FALSE, TRUE, sizeof (StoreStall));
  run->strings = g_string_chunk_new (4096);
  return run;
}

void
store_run_free (StoreRun *run)
{
  if (!run)
    return;
  g_array_unref (run->parameters);
  g_array_unref (run->links);
  g_array_unref (run->flows);
  g_array_unref (run->metrics);
  g_array_unref (run->link_samples);
  g_array_unref (run->flow_samples);
  g_array_unref (run->events);
  g_array_unref (run->checkpoints);
  g_array_unref (run->trace_blocks);
  g_array_unref (run->expectations);
  g_array_unref (run->resends);
  g_array_unref (run->stalls);
  g_string_chunk_free (run->strings);
  g_free (run);
}

const char *
store_run_string (StoreRun *run, const char *text)
{
  if (!text)
    return NULL;
  if (g_utf8_validate (text, -1, NULL))
    return g_string_chunk_insert_const (run->strings, text);
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  return g_string_chunk_insert_const (run->strings, valid);
}

void
store_run_add_metric (StoreRun *run, StoreSubject subject_kind, const char *subject,
                      const char *name, double value, const char *unit)
{
  StoreMetric metric = {
    .subject_kind = subject_kind,
    .subject = store_run_string (run, subject),
    .name = store_run_string (run, name),
    .value = value,
    .unit = store_run_string (run, unit),
  };
  g_array_append_val (run->metrics, metric);
}

double
store_run_get_metric (const StoreRun *run, StoreSubject subject_kind, const char *subject,
                      const char *name)
{
  for (guint i = 0; i < run->metrics->len; i++) {
    const StoreMetric *metric = &g_array_index (run->metrics, StoreMetric, i);
    if (metric->subject_kind == subject_kind && g_str_equal (metric->subject, subject) &&
        g_str_equal (metric->name, name))
      return metric->value;
  }
  return NAN;
}

void
store_run_count_resend (StoreRun *run, StoreSide side, gint link, gint from_link, const char *cause,
                        gint64 bytes)
{
  for (guint i = 0; i < run->resends->len; i++) {
    StoreResend *row = &g_array_index (run->resends, StoreResend, i);
    if (row->side == side && row->link == link && row->from_link == from_link &&
        g_str_equal (row->cause, cause)) {
      row->n_messages++;
      row->bytes += bytes;
      return;
    }
  }
  StoreResend first = { .side = side,
                        .link = link,
                        .from_link = from_link,
                        .cause = cause,
                        .n_messages = 1,
                        .bytes = bytes };
  g_array_append_val (run->resends, first);
}

gint64
store_run_get_kept_events (const StoreRun *run)
{
  guint n = run->trace_blocks->len;
  if (n == 0)
    return 0;
  const StoreTraceBlock *last = &g_array_index (run->trace_blocks, StoreTraceBlock, n - 1);
  return last->first_event + last->n_events;
}

void
store_run_take_trace_block (StoreRun *run, gint64 n_events, GBytes *data)
{
  StoreTraceBlock block = { .first_event = store_run_get_kept_events (run),
                            .n_events = n_events,
                            .data = data };
  g_array_append_val (run->trace_blocks, block);
}
