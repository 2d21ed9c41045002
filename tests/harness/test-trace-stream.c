/* SPDX-License-Identifier: Apache-2.0 */
/* test-trace-stream.c - where two recorded runs part. */
#include "harness/trace-stream.h"

/* A run of @n_events link windows, of which the first @n_kept are in blocks of @per_block. The
 * event of number @changed (from 0) has another value than it has in other runs. */
static StoreRun *
make_run (gint64 n_events, gint64 n_kept, guint per_block, gint64 changed)
{
  g_autoptr (TraceBlockWriter) writer = trace_block_writer_new ();
  StoreRun *run = store_run_new ();
  StoreLink link = { .name = "wifi" };

  g_array_append_val (run->links, link);
  run->n_events = n_events;
  for (gint64 i = 0; i < n_kept; i++) {
    CaimanTraceEvent event = { .time_ns = 10 * i,
                               .type = CAIMAN_TRACE_LINK_WINDOW,
                               .link_id = 1,
                               .a = (guint64)i,
                               .b = i == changed ? 77 : 0 };
    trace_block_writer_add (writer, SCENARIO_SIDE_CLIENT, i % 2 ? 0 : -1, &event);
    if (trace_block_writer_get_events (writer) == per_block || i == n_kept - 1) {
      gint64 n = trace_block_writer_get_events (writer);
      store_run_take_trace_block (run, n, trace_block_writer_finish (writer));
    }
  }
  return run;
}

static void
expect (StoreRun *x, StoreRun *y, TraceVerdict verdict, gint64 n_equal)
{
  gint64 n;

  g_assert_cmpint (trace_compare (x, y, &n), ==, verdict);
  g_assert_cmpint (n, ==, n_equal);
  g_assert_cmpint (trace_compare (y, x, &n), ==, verdict);
  g_assert_cmpint (n, ==, n_equal);
  store_run_free (x);
  store_run_free (y);
}

static void
test_compare (void)
{
  expect (make_run (100, 100, 30, -1), make_run (100, 100, 41, -1), TRACE_SAME, 100);
  expect (make_run (0, 0, 1, -1), make_run (0, 0, 1, -1), TRACE_SAME, 0);
  expect (make_run (100, 100, 30, -1), make_run (100, 100, 41, 0), TRACE_DIFFERENT, 0);
  expect (make_run (100, 100, 30, -1), make_run (100, 100, 41, 60), TRACE_DIFFERENT, 60);
  expect (make_run (100, 100, 30, -1), make_run (100, 100, 41, 99), TRACE_DIFFERENT, 99);
  /* One has an event more. */
  expect (make_run (100, 100, 30, -1), make_run (101, 101, 30, -1), TRACE_DIFFERENT, 100);
  /* What was not kept may differ, also in being there. */
  expect (make_run (100, 0, 30, -1), make_run (100, 100, 30, -1), TRACE_UNKNOWN, 0);
  expect (make_run (100, 70, 30, -1), make_run (100, 100, 30, 70), TRACE_UNKNOWN, 70);
  expect (make_run (100, 70, 30, -1), make_run (70, 70, 30, -1), TRACE_UNKNOWN, 70);
  expect (make_run (100, 70, 30, -1), make_run (100, 100, 30, 69), TRACE_DIFFERENT, 69);
}

static void
damage (StoreRun *run, guint number, gint64 n_events, GBytes *data)
{
  StoreTraceBlock *block = &g_array_index (run->trace_blocks, StoreTraceBlock, number);

  block->n_events = n_events;
  g_bytes_unref (block->data);
  block->data = data;
}

/* (transfer full) In good order, but its second event asks for a time that is not there. */
static GBytes *
make_half_damaged (void)
{
  static const guint8 bytes[] = { 0x78, 0x01, 0x01, 0x11, 0x00, 0xee, 0xff, 0x01, 0x01, 0x00,
                                  0x00, 0x01, 0x00, 0x01, 't',  0x01, 'r',  0x02, 0x01, 0x11,
                                  0x00, 0x00, 0x00, 0x00, 0x08, 0xd4, 0x01, 0x00 };
  return g_bytes_new_static (bytes, sizeof bytes);
}

static void
test_damaged (void)
{
  StoreRun *run = make_run (100, 100, 30, -1);

  damage (run, 1, 30, g_bytes_new_static ("noise", 5));
  expect (run, make_run (100, 100, 30, -1), TRACE_DAMAGED, 30);
  /* It does not have as many as the database says. */
  run = make_run (100, 100, 30, -1);
  g_array_index (run->trace_blocks, StoreTraceBlock, 2).n_events = 31;
  expect (run, make_run (100, 100, 30, -1), TRACE_DAMAGED, 60);
  /* A block is missing. */
  run = make_run (100, 100, 30, -1);
  g_array_remove_index (run->trace_blocks, 1);
  expect (run, make_run (100, 100, 30, -1), TRACE_DAMAGED, 30);
}

static void
test_damaged_inside (void)
{
  g_autoptr (StoreRun) run = make_run (2, 2, 2, -1);
  TraceRecord record;

  damage (run, 0, 2, make_half_damaged ());
  g_autoptr (TraceStream) stream = trace_stream_new (run);
  g_assert_true (trace_stream_next (stream, &record));
  g_assert_cmpstr (record.type, ==, "t");
  g_assert_false (trace_stream_is_damaged (stream));
  g_assert_false (trace_stream_next (stream, &record));
  g_assert_true (trace_stream_is_damaged (stream));
  g_assert_false (trace_stream_next (stream, &record));
}

static void
test_lines (void)
{
  g_autoptr (StoreRun) run = make_run (100, 60, 30, -1);
  g_autoptr (TraceStream) stream = trace_stream_new (run);

  g_assert_true (trace_stream_skip (stream, 30));
  g_autofree char *unnamed = trace_stream_next_line (stream);
  g_assert_cmpstr (unnamed, ==, "0.000000300 client link-window -#1 30 0 none");
  g_autofree char *named = trace_stream_next_line (stream);
  g_assert_cmpstr (named, ==, "0.000000310 client link-window wifi#1 31 0 none");
  g_assert_true (trace_stream_skip (stream, 28));
  g_assert_null (trace_stream_next_line (stream));
  g_assert_false (trace_stream_skip (stream, 1));
  g_assert_false (trace_stream_is_damaged (stream));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/trace-stream/compare", test_compare);
  g_test_add_func ("/harness/trace-stream/damaged", test_damaged);
  g_test_add_func ("/harness/trace-stream/damaged-inside", test_damaged_inside);
  g_test_add_func ("/harness/trace-stream/lines", test_lines);
  return g_test_run ();
}
