/* SPDX-License-Identifier: Apache-2.0 */
/* test-recorder.c - what of a trace goes where. */
#include "harness/recorder.h"
#include "harness/trace-stream.h"

#include "core/connection.h"
#include "core/digest.h"

#include <string.h>

static const char text[] = "[scenario]\nformat = 1\ncarrier = pipe\ntitle = T\nduration = 1s\n"
                           "[link a]\nrate = 1mbit\ndelay = 1ms\n"
                           "[link b]\nrate = 1mbit\ndelay = 1ms\n";

typedef struct {
  Scenario *scenario;
  StoreRun *run;
  Recorder *recorder;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);

  f->scenario = scenario_parse ("t", text, strlen (text), NULL, errors);
  g_assert_nonnull (f->scenario);
  f->run = store_run_new ();
  f->recorder = recorder_new (f->scenario, f->run, GPOINTER_TO_UINT (data), NULL, NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  recorder_free (f->recorder);
  store_run_free (f->run);
  scenario_free (f->scenario);
}

static void
trace (Fixture *f, ScenarioSide side, CaimanTraceType type, guint32 link_id, guint64 a, guint64 b)
{
  const CaimanTraceEvent event = {
    .time_ns = 5, .type = type, .link_id = link_id, .a = a, .b = b, .reason = CAIMAN_REASON_NONE
  };
  recorder_trace (f->recorder, side, &event);
}

static void
test_digest (Fixture *f, gconstpointer data)
{
  g_autoptr (CaimanDigest) digest = caiman_digest_new ();
  guint8 first[CAIMAN_DIGEST_BYTES];

  for (guint64 i = 0; i < RECORDER_CHECKPOINT_EVENTS + 1; i++) {
    const guint64 words[4] = { 5, (guint64)1 << 56 | (guint64)CAIMAN_TRACE_DATA_SENT << 48 | 3, i,
                               2 * i };
    caiman_digest_add_words (digest, words, 4);
    if (i == RECORDER_CHECKPOINT_EVENTS - 1)
      caiman_digest_get (digest, first);
    trace (f, SCENARIO_SIDE_SERVER, CAIMAN_TRACE_DATA_SENT, 3, i, 2 * i);
  }
  g_assert_cmpuint (f->run->checkpoints->len, ==, 1);
  const StoreCheckpoint *checkpoint = &g_array_index (f->run->checkpoints, StoreCheckpoint, 0);
  g_assert_cmpmem (checkpoint->digest, sizeof checkpoint->digest, first, sizeof first);
  g_assert_true (recorder_finish (f->recorder, NULL));
  g_autofree char *hex = caiman_digest_get_hex (digest);
  g_assert_cmpstr (f->run->digest, ==, hex);
  g_assert_cmpint (f->run->n_events, ==, RECORDER_CHECKPOINT_EVENTS + 1);
  g_assert_cmpuint (recorder_get_events (f->recorder), ==, RECORDER_CHECKPOINT_EVENTS + 1);
  g_assert_cmpuint (f->run->events->len, ==, 0);
}

static void
test_rows (Fixture *f, gconstpointer data)
{
  static const char *const texts[] = { "connecting", "open",    "terminating", "ended",
                                       "unknown",    "working", "blocked",     "free",
                                       "suspected",  "cleared" };

  for (guint64 state = 0; state <= CAIMAN_N_CONNECTION_STATES; state++)
    trace (f, SCENARIO_SIDE_CLIENT, CAIMAN_TRACE_CONNECTION_STATE, 0, 0, state);
  recorder_name_link (f->recorder, SCENARIO_SIDE_SERVER, 7, 1);
  trace (f, SCENARIO_SIDE_SERVER, CAIMAN_TRACE_LINK_STATE, 7, CAIMAN_LINK_NEW, CAIMAN_LINK_WORKING);
  trace (f, SCENARIO_SIDE_SERVER, CAIMAN_TRACE_LINK_BLOCKED, 7, 1, 0);
  trace (f, SCENARIO_SIDE_SERVER, CAIMAN_TRACE_LINK_BLOCKED, 7, 0, 0);
  trace (f, SCENARIO_SIDE_SERVER, CAIMAN_TRACE_LINK_SUSPECTED, 7, 1, 9);
  trace (f, SCENARIO_SIDE_SERVER, CAIMAN_TRACE_LINK_SUSPECTED, 7, 0, 9);
  trace (f, SCENARIO_SIDE_SERVER, CAIMAN_TRACE_LINK_WINDOW, 7, 1, 9);
  g_assert_cmpuint (f->run->events->len, ==, G_N_ELEMENTS (texts));
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    const StoreEvent *row = &g_array_index (f->run->events, StoreEvent, i);
    g_assert_cmpstr (row->text, ==, texts[i]);
    g_assert_cmpint (row->link, ==, i < 5 ? -1 : 1);
    g_assert_cmpint (row->side, ==, i < 5 ? STORE_SIDE_CLIENT : STORE_SIDE_SERVER);
  }
}

static void
test_links (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (recorder_find_link (f->recorder, SCENARIO_SIDE_CLIENT, 3), ==, -1);
  recorder_name_link (f->recorder, SCENARIO_SIDE_CLIENT, 3, 1);
  g_assert_cmpint (recorder_find_link (f->recorder, SCENARIO_SIDE_CLIENT, 3), ==, 1);
  g_assert_cmpint (recorder_find_link (f->recorder, SCENARIO_SIDE_CLIENT, 2), ==, -1);
  g_assert_cmpint (recorder_find_link (f->recorder, SCENARIO_SIDE_SERVER, 3), ==, -1);
  recorder_forget_links (f->recorder, SCENARIO_SIDE_CLIENT);
  g_assert_cmpint (recorder_find_link (f->recorder, SCENARIO_SIDE_CLIENT, 3), ==, -1);
}

static void
test_too_many_rows (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < RECORDER_ROWS_MAX + 5; i++)
    recorder_note (f->recorder, i, -1, "note", 1, 2, "text");
  g_assert_true (recorder_finish (f->recorder, NULL));
  g_assert_cmpuint (f->run->events->len, ==, RECORDER_ROWS_MAX + 1);
  const StoreEvent *last = &g_array_index (f->run->events, StoreEvent, RECORDER_ROWS_MAX);
  g_assert_cmpstr (last->kind, ==, "rows-omitted");
  g_assert_cmpint (last->a, ==, 5);
}

/* The first events, as many as were asked for, and with the link as it is known. */
static void
test_kept_events (Fixture *f, gconstpointer data)
{
  enum { N_EVENTS = 2 * TRACE_BLOCK_EVENTS_MAX };
  TraceRecord record;

  recorder_name_link (f->recorder, SCENARIO_SIDE_SERVER, 3, 1);
  for (guint64 i = 0; i < N_EVENTS; i++)
    trace (f, SCENARIO_SIDE_SERVER, CAIMAN_TRACE_DATA_SENT, 3, i, 9);
  g_assert_true (recorder_finish (f->recorder, NULL));
  guint n_kept = MIN (GPOINTER_TO_UINT (data), N_EVENTS);
  g_assert_cmpint (store_run_get_kept_events (f->run), ==, n_kept);
  g_assert_cmpint (f->run->n_events, ==, N_EVENTS);

  g_autoptr (TraceStream) stream = trace_stream_new (f->run);
  for (guint64 i = 0; i < n_kept; i++) {
    g_assert_true (trace_stream_next (stream, &record));
    g_assert_cmpuint (record.a, ==, i);
    g_assert_cmpint (record.link, ==, 1);
    g_assert_cmpint (record.side, ==, SCENARIO_SIDE_SERVER);
    g_assert_cmpstr (record.type, ==, "data-sent");
  }
  g_assert_false (trace_stream_next (stream, &record));
  g_assert_false (trace_stream_is_damaged (stream));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/harness/recorder/digest", Fixture, NULL, set_up, test_digest, tear_down);
  g_test_add ("/harness/recorder/rows", Fixture, NULL, set_up, test_rows, tear_down);
  g_test_add ("/harness/recorder/links", Fixture, NULL, set_up, test_links, tear_down);
  g_test_add ("/harness/recorder/too-many-rows", Fixture, NULL, set_up, test_too_many_rows,
              tear_down);
  static const guint kept[] = { 0, 1, TRACE_BLOCK_EVENTS_MAX, TRACE_BLOCK_EVENTS_MAX + 1,
                                G_MAXUINT };
  for (guint i = 0; i < G_N_ELEMENTS (kept); i++) {
    g_autofree char *path = g_strdup_printf ("/harness/recorder/kept-events/%u", kept[i]);
    g_test_add (path, Fixture, GUINT_TO_POINTER (kept[i]), set_up, test_kept_events, tear_down);
  }
  return g_test_run ();
}
