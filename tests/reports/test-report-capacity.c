/* SPDX-License-Identifier: Apache-2.0 */
/* test-report-capacity.c - what links could have carried, and the states that they were in. */
#include "reports/report-capacity.h"
#include "reports/report-lanes.h"

#include <math.h>

#define S(seconds) ((gint64)((seconds)*1e9))

static const char scenario[] =
    "[link wifi]\nrate = 50mbit\nstarts = 0s\n"
    "[link lte]\nrate = 20mbit\nstarts = 2s\n"
    "[link spare]\nrate = 5mbit\nstarts = never\n"
    "[event silence]\nat = 4s\ndo = blackhole wifi.up for 5s\n"
    "[event slow]\nat = 6s\ndo = set lte rate=1mbit delay=80ms for 2s\n"
    "[event flapping]\nat = 1s\ndo = flap wifi on 300ms off 200ms for 1s\n"
    "[event more]\nat = 3s\ndo = add spare\n"
    "[event gone]\nat = 5s\ndo = remove spare\n"
    "[event out]\nat = 1s\ndo = down wifi,lte\n"
    "[event back]\nat = 2s\ndo = up wifi\n"
    "[event free]\nat = 1s\ndo = set wifi.down rate=unlimited\n"
    "[event odd]\nat = 1s\ndo = set wifi rate=3furlongs\n";

static StoreRun *
run_new (void)
{
  StoreRun *run = store_run_new ();
  static const struct {
    const char *name;
    gint64 rate_bps;
  } links[] = { { "wifi", 50000000 }, { "lte", 20000000 }, { "spare", 5000000 } };
  for (gsize i = 0; i < G_N_ELEMENTS (links); i++) {
    StoreLink link = { .name = links[i].name,
                       .up.rate_bps = links[i].rate_bps,
                       .down.rate_bps = links[i].rate_bps };
    g_array_append_val (run->links, link);
  }
  run->testbed = "sim";
  run->scenario_text = scenario;
  run->simulated_ns = S (10);
  return run;
}

static void
add_event (StoreRun *run, double t_s, const char *kind, const char *text)
{
  StoreEvent event = { .t_ns = S (t_s),
                       .side = STORE_SIDE_HARNESS,
                       .link = -1,
                       .kind = kind,
                       .reason = "",
                       .text = text };
  g_array_append_val (run->events, event);
}

/* @expected: "t:rate t:rate ..." in s and Mbit/s, "inf" for unlimited. */
static void
assert_sum (const StoreRun *run, guint direction, const char *expected)
{
  g_autoptr (ReportCapacity) capacity = report_capacity_new (run);
  g_assert_cmpstr (capacity->problem, ==, NULL);
  g_autoptr (GArray) sum = report_capacity_sum (capacity, direction);
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < sum->len; i++) {
    const ReportStep *step = &g_array_index (sum, ReportStep, i);
    g_autofree char *rate = step->rate_bps == REPORT_UNLIMITED
                                ? g_strdup ("inf")
                                : g_strdup_printf ("%g", (double)step->rate_bps / 1e6);
    g_string_append_printf (text, "%s%g:%s", i > 0 ? " " : "", (double)step->t_ns / 1e9, rate);
  }
  g_assert_cmpstr (text->str, ==, expected);
}

static void
test_starts (void)
{
  g_autoptr (StoreRun) run = run_new ();
  assert_sum (run, 0, "0:50 2:70");
  add_event (run, 3, "event-begin", "more: add");
  add_event (run, 5, "event-begin", "gone: remove");
  assert_sum (run, 1, "0:50 2:70 3:75 5:70");
  add_event (run, 6, "event-begin", "out: down");
  add_event (run, 7, "event-begin", "more: add"); /* does not raise what is down */
  assert_sum (run, 1, "0:50 2:70 3:75 5:70 6:0 7:5");
}

static void
test_dark_one_way (void)
{
  g_autoptr (StoreRun) run = run_new ();
  add_event (run, 4, "event-begin", "silence: blackhole");
  add_event (run, 6, "event-begin", "slow: set");
  add_event (run, 8, "event-end", "slow: set");
  add_event (run, 9, "event-end", "silence: blackhole");
  assert_sum (run, 0, "0:50 2:70 4:20 6:1 8:20 9:70");
  assert_sum (run, 1, "0:50 2:70 6:51 8:70");
}

/* Down first; when the event ends, up. */
static void
test_flap (void)
{
  g_autoptr (StoreRun) run = run_new ();
  add_event (run, 3, "event-begin", "flapping: flap");
  add_event (run, 4, "event-end", "flapping: flap");
  assert_sum (run, 0, "0:50 2:70 3:20 3.2:70 3.5:20 3.7:70");
}

/* Events add up: `up` ends what took this link down, and leaves the other. */
static void
test_up_ends_down (void)
{
  g_autoptr (StoreRun) run = run_new ();
  add_event (run, 3, "event-begin", "out: down");
  add_event (run, 4, "event-begin", "silence: blackhole");
  add_event (run, 5, "event-begin", "back: up");
  add_event (run, 6, "event-end", "silence: blackhole");
  assert_sum (run, 0, "0:50 2:70 3:0 6:50");
  assert_sum (run, 1, "0:50 2:70 3:0 5:50");
}

static void
test_unlimited (void)
{
  g_autoptr (StoreRun) run = run_new ();
  add_event (run, 3, "event-begin", "free: set");
  assert_sum (run, 0, "0:50 2:70");
  assert_sum (run, 1, "0:50 2:70 3:inf");
}

/* What cannot be worked out is said, and no ideal is made up. */
static void
test_problems (void)
{
  g_autoptr (StoreRun) odd = run_new (), unknown = run_new (), live = run_new (),
                       empty = run_new ();
  add_event (odd, 3, "event-begin", "odd: set");
  add_event (unknown, 3, "event-begin", "nobody: down");
  live->testbed = "live";
  empty->scenario_text = "not a scenario";
  StoreRun *runs[] = { odd, unknown, live, empty };
  for (gsize i = 0; i < G_N_ELEMENTS (runs); i++) {
    g_autoptr (ReportCapacity) capacity = report_capacity_new (runs[i]);
    g_assert_nonnull (capacity->problem);
    g_assert_null (report_capacity_sum (capacity, 0));
  }
}

/* --- Lanes --- */

static void
add_state (StoreRun *run, double t_s, const char *kind, gint64 a, gint64 b, const char *reason,
           const char *text)
{
  StoreEvent event = { .t_ns = S (t_s),
                       .side = STORE_SIDE_CLIENT,
                       .link = 0,
                       .kind = kind,
                       .reason = reason,
                       .a = a,
                       .b = b,
                       .text = text };
  g_array_append_val (run->events, event);
}

static void
assert_lane (const StoreRun *run, const char *expected)
{
  g_autoptr (GPtrArray) lanes = report_lanes_new (run);
  g_autoptr (GString) text = g_string_new (NULL);
  g_assert_cmpuint (lanes->len, ==, 1);
  const ReportLane *lane = g_ptr_array_index (lanes, 0);
  for (guint i = 0; i < lane->spans->len; i++) {
    const ReportSpan *span = &g_array_index (lane->spans, ReportSpan, i);
    g_string_append_printf (text, "%s%g %s%s%s", i > 0 ? ", " : "", (double)span->t_ns / 1e9,
                            span->state, *span->reason ? " by " : "", span->reason);
  }
  g_assert_cmpstr (text->str, ==, expected);
}

/* The old link over a path closes after the new one works: the lane goes on working. */
static void
test_lane (void)
{
  g_autoptr (StoreRun) run = run_new ();
  add_state (run, 0, "link-state", 0, 1, "none", "new");
  add_state (run, 0.1, "link-state", 1, 2, "none", "working");
  add_state (run, 4, "link-suspected", 1, 0, "suspected", "suspected");
  add_state (run, 4.2, "link-state", 2, 3, "ack-timeout", "not-working");
  add_state (run, 5, "link-state", 0, 1, "none", "new");
  add_state (run, 5.1, "link-state", 1, 2, "none", "working");
  add_state (run, 5.2, "link-state", 3, 5, "link-replaced", "closed");
  add_state (run, 6, "link-blocked", 1, 0, "none", "blocked");
  add_state (run, 7, "link-blocked", 0, 0, "none", "free");
  add_state (run, 8, "link-state", 2, 5, "connection-ended", "closed");
  assert_lane (run, "0 new, 0.1 working, 4 suspected by suspected, 4.2 not-working by ack-timeout, "
                    "5 new, 5.1 working, 6 blocked, 7 working, 8 closed by connection-ended");
}

static void
test_lane_of_nothing (void)
{
  g_autoptr (StoreRun) run = run_new ();
  add_event (run, 3, "event-begin", "out: down");
  add_state (run, 4, "link-window", -5, 999999, "none", "");
  g_autoptr (GPtrArray) lanes = report_lanes_new (run);
  g_assert_cmpuint (lanes->len, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reports/capacity/starts", test_starts);
  g_test_add_func ("/reports/capacity/dark-one-way", test_dark_one_way);
  g_test_add_func ("/reports/capacity/flap", test_flap);
  g_test_add_func ("/reports/capacity/up-ends-down", test_up_ends_down);
  g_test_add_func ("/reports/capacity/unlimited", test_unlimited);
  g_test_add_func ("/reports/capacity/problems", test_problems);
  g_test_add_func ("/reports/lanes/states", test_lane);
  g_test_add_func ("/reports/lanes/nothing", test_lane_of_nothing);
  return g_test_run ();
}
