/* SPDX-License-Identifier: Apache-2.0 */
/* test-expect-eval.c - each kind of expectation, held and not held, and what is told of it. */
#include "tests/harness/measured.h"

#include "harness/exit-status.h"

#define FLOW "[traffic upload]\nfrom = client\nkind = bulk\nbytes = 1MB\n[expect]\n"

static const RunSide lives = { .ended_ns = CAIMAN_TIME_NEVER };

/* A connection that failed because of @reason at @ms. */
static RunSide
fails (CaimanReason reason, gint64 ms)
{
  return (RunSide) { .reason = reason, .ended_ns = MS (ms) };
}

/* A transfer of 1 MB in 1 s: 8 Mbit/s, 51 % of what was possible. An event at 500 ms. */
static void
make_transfer (Measured *m, const char *groups)
{
  measured_init (m, groups);
  measure_flow_offered (m->measure, 0, 1000000, MS (20));
  for (gint64 ms = 30; ms <= 500; ms += 10)
    measure_flow_delivered (m->measure, 0, 10000, MS (ms));
  measure_event_begun (m->measure, MS (500));
  for (gint64 ms = 510; ms <= 1020; ms += 10)
    measure_flow_delivered (m->measure, 0, 10000, MS (ms));
  measure_flow_completed (m->measure, 0, MS (1020));
}

static const StoreExpectation *
find (const StoreRun *run, const char *name)
{
  for (guint i = 0; i < run->expectations->len; i++) {
    const StoreExpectation *row = &g_array_index (run->expectations, StoreExpectation, i);
    if (g_str_equal (row->name, name))
      return row;
  }
  g_assert_not_reached ();
}

static void
expect_row (const StoreRun *run, const char *name, gboolean held, const char *actual)
{
  const StoreExpectation *row = find (run, name);
  g_assert_cmpint (row->held, ==, held);
  g_assert_cmpstr (row->actual, ==, actual);
}

static void
test_all_held (void)
{
  const RunSide sides[] = { lives, fails (CAIMAN_REASON_FINISHED, 1050) };
  g_autoptr (StoreRun) run = store_run_new ();
  Measured m;
  make_transfer (&m, FLOW "integrity = exact\nupload.efficiency = >= 50%\n"
                          "upload.goodput = 8mbit\nupload.longest-gap = 5ms..10ms\n"
                          "upload.delivered-bytes = <= 1MB\na.suspected-count = < 1\n");
  measure_finish (m.measure, MS (1100));
  g_assert_true (expect_eval (m.scenario, m.measure, sides, NULL, run));
  g_assert_cmpuint (run->expectations->len, ==, m.scenario->expects->len);
  expect_row (run, "integrity", TRUE, "exact");
  expect_row (run, "connection", TRUE, "survives");
  expect_row (run, "upload.efficiency", TRUE, "51.0 %");
  expect_row (run, "upload.goodput", TRUE, "8.00 Mbit/s");
  g_assert_cmpstr (find (run, "upload.efficiency")->bound, ==, ">= 50%");
  g_assert_cmpint (find (run, "upload.efficiency")->line, >, 0);
  measured_clear (&m);
}

static void
test_not_held (void)
{
  const RunSide sides[] = { lives, lives };
  g_autoptr (StoreRun) run = store_run_new ();
  Measured m;
  make_transfer (&m, FLOW "upload.efficiency = >= 95%\nupload.completion-time = < 1s\n"
                          "upload.recovery = <= 1s\nupload.goodput = > 8mbit\n");
  measure_finish (m.measure, MS (1100));
  g_assert_false (expect_eval (m.scenario, m.measure, sides, "a byte is wrong", run));
  expect_row (run, "integrity", FALSE, "a byte is wrong");
  expect_row (run, "upload.efficiency", FALSE, "51.0 %");
  expect_row (run, "upload.completion-time", FALSE, "1s"); /* exact: three digits hide it */
  expect_row (run, "upload.goodput", FALSE, "8mbit");
  expect_row (run, "upload.recovery", FALSE, NULL); /* not defined */
  measured_clear (&m);
}

/* "within" counts from the start of the last event before: here 500 ms. */
static void
test_connection_fails (void)
{
  const char *groups = FLOW "connection = fails with all-links-failed within 2s\n";
  const RunSide both[] = { fails (CAIMAN_REASON_ALL_LINKS_FAILED, 2500),
                           fails (CAIMAN_REASON_ALL_LINKS_FAILED, 2100) };
  const RunSide late[] = { fails (CAIMAN_REASON_ALL_LINKS_FAILED, 2501), both[1] };
  const RunSide other[] = { both[0], fails (CAIMAN_REASON_TERMINATED, 1600) };
  const RunSide alive[] = { both[0], lives };
  g_autoptr (StoreRun) run = store_run_new ();
  Measured m;
  make_transfer (&m, groups);
  measure_finish (m.measure, MS (3000));
  g_assert_true (expect_eval (m.scenario, m.measure, both, NULL, run));
  g_array_set_size (run->expectations, 0);
  g_assert_false (expect_eval (m.scenario, m.measure, late, NULL, run));
  expect_row (run, "connection", FALSE, "fails with all-links-failed after 2.00 s");
  g_array_set_size (run->expectations, 0);
  g_assert_false (expect_eval (m.scenario, m.measure, other, NULL, run));
  expect_row (run, "connection", FALSE, "fails with terminated after 1.10 s");
  g_array_set_size (run->expectations, 0);
  g_assert_false (expect_eval (m.scenario, m.measure, alive, NULL, run));
  expect_row (run, "connection", FALSE, "survives");
  measured_clear (&m);
}

static void
test_one_side (void)
{
  const RunSide sides[] = { fails (CAIMAN_REASON_TERMINATED, 600), lives };
  g_autoptr (StoreRun) run = store_run_new ();
  Measured m;
  make_transfer (&m, FLOW "client.connection = fails with terminated\n");
  measure_finish (m.measure, MS (3000));
  g_assert_true (expect_eval (m.scenario, m.measure, sides, NULL, run));
  expect_row (run, "client.connection", TRUE, "fails with terminated after 100 ms");
  expect_row (run, "server.connection", TRUE, "survives");
  measured_clear (&m);
}

/* A link's failure is seen by one side at least; its survival by all that are asked. */
static void
test_links (void)
{
  const RunSide sides[] = { lives, lives };
  g_autoptr (StoreRun) run = store_run_new ();
  Measured m;
  make_transfer (&m, FLOW "a = ends with link-reset within 1s\nb = survives\n"
                          "server.a = survives\nclient.b = ends with link-closed\n");
  measured_link_state (&m, SCENARIO_SIDE_CLIENT, 0, CAIMAN_LINK_WORKING, CAIMAN_LINK_CLOSED,
                       CAIMAN_REASON_LINK_RESET, 1100);
  measured_link_state (&m, SCENARIO_SIDE_CLIENT, 1, CAIMAN_LINK_WORKING, CAIMAN_LINK_CLOSED,
                       CAIMAN_REASON_CONNECTION_ENDED, 1100);
  measure_finish (m.measure, MS (3000));
  g_assert_false (expect_eval (m.scenario, m.measure, sides, NULL, run));
  expect_row (run, "a", TRUE, "ends with link-reset after 600 ms");
  expect_row (run, "b", TRUE, "survives");
  expect_row (run, "server.a", TRUE, "survives");
  expect_row (run, "client.b", FALSE, "survives");
  measured_clear (&m);
}

/* Another failure than the expected one is told. */
static void
test_link_fails_otherwise (void)
{
  const RunSide sides[] = { lives, lives };
  g_autoptr (StoreRun) run = store_run_new ();
  Measured m;
  make_transfer (&m, FLOW "a = ends with link-reset\nb = survives\n");
  for (int link = 0; link < 2; link++)
    measured_link_state (&m, SCENARIO_SIDE_SERVER, link, CAIMAN_LINK_WORKING, CAIMAN_LINK_CLOSED,
                         CAIMAN_REASON_PING_TIMEOUT, 1100);
  measure_finish (m.measure, MS (3000));
  g_assert_false (expect_eval (m.scenario, m.measure, sides, NULL, run));
  expect_row (run, "b", FALSE, "ends with ping-timeout after 600 ms");
  g_assert_false (find (run, "a")->held);
  measured_clear (&m);
}

static void
test_outcome_names (void)
{
  g_assert_cmpstr (expect_outcome_to_string (CAIMAN_REASON_NONE), ==, "survives");
  g_assert_cmpstr (expect_outcome_to_string (CAIMAN_REASON_FINISHED), ==, "survives");
  g_assert_cmpstr (expect_outcome_to_string (CAIMAN_REASON_REFUSED), ==, "refused");
}

/* 130, 3, 4, 70, 2, 1, 0, 77. */
static void
test_exit_status (void)
{
  static const int order[] = { 77, 0, 1, 2, 70, 4, 3, 130 };
  for (gsize i = 0; i < G_N_ELEMENTS (order); i++) {
    for (gsize j = 0; j < G_N_ELEMENTS (order); j++)
      g_assert_cmpint (exit_status_worse (order[i], order[j]), ==, order[MAX (i, j)]);
  }
  g_assert_cmpint (exit_status_worse (99, 0), ==, 70);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/expect-eval/all-held", test_all_held);
  g_test_add_func ("/harness/expect-eval/not-held", test_not_held);
  g_test_add_func ("/harness/expect-eval/connection-fails", test_connection_fails);
  g_test_add_func ("/harness/expect-eval/one-side", test_one_side);
  g_test_add_func ("/harness/expect-eval/links", test_links);
  g_test_add_func ("/harness/expect-eval/link-fails-otherwise", test_link_fails_otherwise);
  g_test_add_func ("/harness/expect-eval/outcome-names", test_outcome_names);
  g_test_add_func ("/harness/expect-eval/exit-status", test_exit_status);
  return g_test_run ();
}
