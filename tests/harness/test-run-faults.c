/* SPDX-License-Identifier: Apache-2.0 */
/* test-run-faults.c - every verb of the scenario's events: that it does what it says, is undone,
 * and that the connection heals from it (or ends, where it must). */
#include "tests/harness/ran.h"

#define UP5   "[traffic data]\nfrom = client\nkind = bulk\nbytes = 5MB\n"
#define BOTH5 "[traffic data]\nfrom = both\nkind = bulk\nbytes = 5MB\n"

/* Runs with one event and expects that all is delivered. */
static void
survive (Ran *ran, const char *traffic, const char *when, const char *action)
{
  g_autofree char *text = g_strconcat ("[client]\nreconnect = 1s\n" RAN_LINKS, traffic,
                                       "[event it]\n", when, "\ndo = ", action, "\n", NULL);

  ran_init (ran, text);
  ran_expect_exit (ran, RUN_EXIT_HELD);
  for (guint i = 0; i < ran->store->flows->len; i++)
    g_assert_true (g_array_index (ran->store->flows, StoreFlow, i).complete);
  g_assert_cmpuint (ran_count_rows (ran, "event-begin", NULL), >=, 1);
}

static void
test_survived (gconstpointer action)
{
  Ran ran;

  survive (&ran, BOTH5, "at = 500ms", action);
  ran_clear (&ran);
}

static const struct {
  const char *path;
  const char *action;
} survived[] = {
  { "down", "down a for 1s" },
  { "down-for-good", "down a" },
  { "down-both", "down a, b for 2s" },
  { "blackhole", "blackhole a for 1s" },
  { "blackhole-up", "blackhole a.up for 1s" },
  { "blackhole-all", "blackhole all for 2s" },
  { "partition", "partition a, b.down for 1s" },
  { "pause", "pause b.down for 1s" },
  { "reset", "reset a" },
  { "close", "close a" },
  { "half-open-up", "half-open a.up" },
  { "half-open-down", "half-open b.down" },
  { "refuse", "refuse a for 1s" },
  { "corrupt-frames", "corrupt a.up 3" },
  { "corrupt-time", "corrupt b for 200ms" },
  { "set", "set a rate=1mbit delay=100ms jitter=uniform(1ms) loss=1% queue=50ms for 1s" },
  { "set-one-way", "set a.down rate=1mbit" },
  { "flap", "flap a on 200ms off 300ms for 2s" },
  { "remove", "remove b" },
  { "block-by-client", "block a by client for 500ms" },
  { "block-by-server", "block b by server for 500ms" },
  { "disconnect-by-client", "disconnect a by client" },
  { "disconnect-by-server", "disconnect a by server" },
  { "repeat", "reset a repeat 3 every 400ms" },
  { "slow-reader", "slow-reader data.up 1mbit for 1s" },
  { "inject-ack-unknown", "inject ack-unknown a.down" },
  { "inject-garbage", "inject garbage a" },
  { "inject-oversized-frame", "inject oversized-frame a.down" },
  { "inject-bad-sequence", "inject bad-sequence a" },
  { "inject-bad-checksum", "inject bad-checksum a" },
  { "inject-unknown-message", "inject unknown-message a" },
  { "inject-short-message", "inject short-message a.down" },
};

static double
get_detection_ns (const Ran *ran)
{
  for (guint i = 0; i < ran->store->metrics->len; i++) {
    const StoreMetric *metric = &g_array_index (ran->store->metrics, StoreMetric, i);
    if (g_str_equal (metric->name, "lost-detection"))
      return metric->value;
  }
  g_error ("no metric lost-detection");
}

/* Time is lost to detection where a link fell silent, not where an application or a link does less:
 * there is nothing that a sender could notice. */
static void
test_detection (void)
{
  static const char *const not_to_be_noticed[] = { "slow-reader data 1mbit for 1s",
                                                   "block a by client for 500ms", "refuse a for 1s",
                                                   "set a rate=1mbit for 1s" };
  Ran ran;

  for (gsize i = 0; i < G_N_ELEMENTS (not_to_be_noticed); i++) {
    survive (&ran, UP5, "at = 500ms", not_to_be_noticed[i]);
    g_assert_cmpfloat (get_detection_ns (&ran), ==, 0);
    ran_clear (&ran);
  }
  survive (&ran, "[config]\nsend-buffer = 64KiB\n" UP5, "at = 500ms", "blackhole a for 1s");
  g_assert_cmpfloat (get_detection_ns (&ran), >, 0);
  ran_clear (&ran);
}

/* What the link breaks alone must not end the connection; what breaks its rules must. */
static void
test_fatal_injection (gconstpointer what)
{
  g_autofree char *text = g_strconcat ("[server]\nno-link-timeout = 5s\n"
                                       "[client]\nno-link-timeout = 5s\n" RAN_LINKS BOTH5
                                       "[event it]\nat = 500ms\ndo = inject ",
                                       what, " a.up\n", NULL);
  Ran ran;

  ran_init (&ran, text);
  ran_expect_exit (&ran, RUN_EXIT_EXPECTATION);
  g_assert_cmpint (ran.result->side[SCENARIO_SIDE_SERVER].reason, ==, CAIMAN_REASON_PROTOCOL_ERROR);
  g_assert_cmpint (ran.result->side[SCENARIO_SIDE_CLIENT].reason, !=, CAIMAN_REASON_NONE);
  ran_clear (&ran);
}

static const char *const fatal[] = { "welcome-on-established", "duplicate-goodbye",
                                     "consumed-too-much", "data-overflow", "sequence-too-far" };

/* --- Begin and end --- */

static const StoreEvent *
find_row (const Ran *ran, const char *kind)
{
  for (guint i = 0; i < ran->store->events->len; i++) {
    const StoreEvent *row = &g_array_index (ran->store->events, StoreEvent, i);
    if (g_str_equal (row->kind, kind))
      return row;
  }
  return NULL;
}

static void
test_times (void)
{
  Ran ran;

  survive (&ran, UP5, "at = 300ms", "blackhole a for 250ms");
  g_assert_cmpint (find_row (&ran, "event-begin")->t_ns, ==, 300 * CAIMAN_NS_PER_MS);
  g_assert_cmpint (find_row (&ran, "event-end")->t_ns, ==, 550 * CAIMAN_NS_PER_MS);
  g_assert_cmpint (find_row (&ran, "event-end")->link, ==, 0);
  g_assert_cmpstr (find_row (&ran, "event-end")->text, ==, "it: blackhole");
  ran_clear (&ran);
}

static void
test_by_progress (void)
{
  Ran ran;

  survive (&ran, UP5, "when = data.delivered >= 1MB", "pause a for 100ms repeat 3 every 1MB");
  g_assert_cmpuint (ran_count_rows (&ran, "event-begin", NULL), ==, 3);
  ran_clear (&ran);
}

static void
test_by_messages (void)
{
  Ran ran;

  survive (&ran, "[traffic data]\nfrom = client\nkind = messages\ncount = 100\n",
           "when = data.messages >= 50", "reset a");
  g_assert_cmpuint (ran_count_rows (&ran, "event-begin", NULL), ==, 1);
  ran_clear (&ran);
}

static void
test_undone_by_another (void)
{
  static const char *const pairs[][2] = { { "down a", "up a" },
                                          { "flap a on 100ms off 100ms", "up a" },
                                          { "blackhole all", "resume all" },
                                          { "pause a, b", "resume a, b" },
                                          { "refuse a", "accept a" },
                                          { "block a by server", "unblock a by server" } };

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++) {
    g_autofree char *text = g_strconcat (
        "[client]\nreconnect = 500ms\n" RAN_LINKS UP5 "[event one]\nat = 300ms\ndo = ", pairs[i][0],
        "\n[event two]\nafter = one + 400ms\ndo = ", pairs[i][1], "\n", NULL);
    Ran ran;
    ran_init (&ran, text);
    ran_expect_exit (&ran, RUN_EXIT_HELD);
    g_assert_cmpuint (ran_count_rows (&ran, "event-begin", NULL), ==, 2);
    g_assert_cmpuint (ran_count_rows (&ran, "event-end", NULL), ==, 1);
    g_assert_cmpint (find_row (&ran, "event-end")->t_ns, ==, 700 * CAIMAN_NS_PER_MS);
    ran_clear (&ran);
  }
}

/* Of two that overlap the later end counts: nothing arrives between 0.5 and 2.5 s. */
static void
test_overlap (void)
{
  Ran ran;

  ran_init (&ran, "sample-interval = 100ms\n[link a]\nrate = 20mbit\ndelay = 10ms\n" UP5
                  "[event one]\nat = 500ms\ndo = blackhole a for 2s\n"
                  "[event two]\nat = 1s\ndo = blackhole a for 500ms\n");
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  gint64 delivered[2] = { 0, 0 };
  for (guint i = 0; i < ran.store->flow_samples->len; i++) {
    const StoreFlowSample *s = &g_array_index (ran.store->flow_samples, StoreFlowSample, i);
    if (s->t_ns == 600 * CAIMAN_NS_PER_MS)
      delivered[0] = s->delivered_bytes;
    if (s->t_ns == 2400 * CAIMAN_NS_PER_MS)
      delivered[1] = s->delivered_bytes;
  }
  g_assert_cmpint (delivered[0], >, 0);
  g_assert_cmpint (delivered[0], ==, delivered[1]);
  ran_clear (&ran);
}

static void
test_link_added (void)
{
  Ran ran;

  ran_init (&ran, "[link a]\nrate = 20mbit\ndelay = 10ms\n"
                  "[link b]\nrate = 20mbit\ndelay = 10ms\nstarts = never\n"
                  "[link c]\nrate = 20mbit\ndelay = 10ms\nstarts = 400ms\n" UP5
                  "[event it]\nat = 300ms\ndo = add b\n"
                  "[expect]\nb.bytes = >= 1MB\nc.bytes = >= 1MB\n");
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  ran_clear (&ran);
}

static void
test_filters (void)
{
  Ran ran;

  ran_init (&ran, "[link a]\nrate = 20mbit\ndelay = 10ms\n"
                  "[link b]\nrate = 20mbit\ndelay = 10ms\nrefused-by = server\n"
                  "[link c]\nrate = 20mbit\ndelay = 10ms\nrefused-by = client\n" UP5);
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_cmpuint (ran_count_rows (&ran, "link-state", "working"), <=, 3);
  ran_clear (&ran);
}

/* --- Ends --- */

static void
test_terminate (void)
{
  static const char *const sides[] = { "client", "server" };

  for (guint i = 0; i < G_N_ELEMENTS (sides); i++) {
    g_autofree char *text = g_strconcat (RAN_LINKS BOTH5 "[event it]\nat = 500ms\ndo = terminate ",
                                         sides[i], "\n", NULL);
    Ran ran;
    ran_init (&ran, text);
    ran_expect_exit (&ran, RUN_EXIT_EXPECTATION);
    ran_expect_reasons (&ran, CAIMAN_REASON_TERMINATED, CAIMAN_REASON_TERMINATED);
    ran_clear (&ran);
  }
}

static void
test_drop_receiver (void)
{
  Ran ran;

  ran_init (&ran, RAN_LINKS BOTH5 "[event it]\nat = 500ms\ndo = drop-receiver data.up\n");
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_false (ran_get_flow (&ran, "data.up")->complete);
  g_assert_true (ran_get_flow (&ran, "data.down")->complete);
  ran_clear (&ran);
}

static void
test_close_receiver (void)
{
  Ran ran;

  ran_init (&ran, "[config]\nsend-buffer = 64KiB\n" RAN_LINKS BOTH5
                  "[event it]\nat = 500ms\ndo = close-receiver data.down\n");
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  const StoreFlow *down = ran_get_flow (&ran, "data.down");
  g_assert_false (down->complete);
  g_assert_cmpint (down->delivered_bytes, ==, down->offered_bytes);
  g_assert_cmpint (down->offered_bytes, <, 5000000);
  g_assert_true (ran_get_flow (&ran, "data.up")->complete);
  ran_clear (&ran);
}

static void
test_crash (void)
{
  Ran ran;

  ran_init (&ran, "[config]\nno-link-timeout = 5s\n" RAN_LINKS BOTH5
                  "[event it]\nat = 500ms\ndo = crash client\n");
  ran_expect_exit (&ran, RUN_EXIT_EXPECTATION);
  ran_expect_reasons (&ran, CAIMAN_REASON_NONE, CAIMAN_REASON_ALL_LINKS_FAILED);
  g_assert_cmpint (ran.result->side[SCENARIO_SIDE_CLIENT].ended_ns, ==, 500 * CAIMAN_NS_PER_MS);
  ran_clear (&ran);
}

static void
test_server_restart (void)
{
  Ran ran;

  ran_init (&ran, "[client]\nreconnect = 200ms\n" RAN_LINKS BOTH5
                  "[event it]\nat = 500ms\ndo = crash server for 1s\n");
  ran_expect_exit (&ran, RUN_EXIT_EXPECTATION);
  ran_expect_reasons (&ran, CAIMAN_REASON_SERVER_ID_MISMATCH, CAIMAN_REASON_NONE);
  ran_clear (&ran);
}

/* The restarted client makes another connection, which takes no part and is closed. */
static void
test_client_restart (void)
{
  Ran ran;

  ran_init (&ran, "[config]\nno-link-timeout = 5s\n" RAN_LINKS UP5
                  "[event one]\nat = 500ms\ndo = crash client\n"
                  "[event two]\nat = 1s\ndo = restart client\n"
                  "[event three]\nat = 1500ms\ndo = restart client\n");
  ran_expect_exit (&ran, RUN_EXIT_EXPECTATION);
  ran_expect_reasons (&ran, CAIMAN_REASON_NONE, CAIMAN_REASON_ALL_LINKS_FAILED);
  g_assert_cmpuint (ran_count_rows (&ran, "connection-state", "open"), ==, 4);
  g_assert_cmpuint (ran_count_rows (&ran, "event-end", NULL), ==, 1);
  ran_clear (&ran);
}

static void
test_all_links_fail (void)
{
  Ran ran;

  ran_init (&ran, "[config]\nno-link-timeout = 3s\n[client]\nreconnect = never\n" RAN_LINKS BOTH5
                  "[event it]\nat = 500ms\ndo = reset all\n");
  ran_expect_exit (&ran, RUN_EXIT_EXPECTATION);
  ran_expect_reasons (&ran, CAIMAN_REASON_ALL_LINKS_FAILED, CAIMAN_REASON_ALL_LINKS_FAILED);
  g_assert_cmpstr (ran.result->outcome, ==, "all-links-failed");
  ran_clear (&ran);
}

/* The link comes back only after 10 s, which is later than heals-within. */
static void
test_not_healed (void)
{
  Ran ran;

  ran_init (&ran, "[client]\nreconnect = 20s\n[link a]\nrate = 20mbit\ndelay = 10ms\n" UP5
                  "[event it]\nat = 500ms\ndo = reset a\n");
  ran_expect_exit (&ran, RUN_EXIT_LIVENESS);
  ran_expect_problem (&ran, "liveness at 5.500000 s: data has not delivered again since the last "
                            "fault ended at 500 ms");
  ran_clear (&ran);

  ran_init (&ran,
            "heals-within = 25s\n[client]\nreconnect = 20s\n"
            "[link a]\nrate = 20mbit\ndelay = 10ms\n" UP5 "[event it]\nat = 500ms\ndo = reset a\n");
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  ran_clear (&ran);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (survived); i++) {
    g_autofree char *path = g_strconcat ("/harness/run-faults/survived/", survived[i].path, NULL);
    g_test_add_data_func (path, survived[i].action, test_survived);
  }
  for (guint i = 0; i < G_N_ELEMENTS (fatal); i++) {
    g_autofree char *path = g_strconcat ("/harness/run-faults/fatal/", fatal[i], NULL);
    g_test_add_data_func (path, fatal[i], test_fatal_injection);
  }
  g_test_add_func ("/harness/run-faults/detection", test_detection);
  g_test_add_func ("/harness/run-faults/times", test_times);
  g_test_add_func ("/harness/run-faults/by-progress", test_by_progress);
  g_test_add_func ("/harness/run-faults/by-messages", test_by_messages);
  g_test_add_func ("/harness/run-faults/undone-by-another", test_undone_by_another);
  g_test_add_func ("/harness/run-faults/overlap", test_overlap);
  g_test_add_func ("/harness/run-faults/link-added", test_link_added);
  g_test_add_func ("/harness/run-faults/filters", test_filters);
  g_test_add_func ("/harness/run-faults/terminate", test_terminate);
  g_test_add_func ("/harness/run-faults/drop-receiver", test_drop_receiver);
  g_test_add_func ("/harness/run-faults/close-receiver", test_close_receiver);
  g_test_add_func ("/harness/run-faults/crash", test_crash);
  g_test_add_func ("/harness/run-faults/server-restart", test_server_restart);
  g_test_add_func ("/harness/run-faults/client-restart", test_client_restart);
  g_test_add_func ("/harness/run-faults/all-links-fail", test_all_links_fail);
  g_test_add_func ("/harness/run-faults/not-healed", test_not_healed);
  return g_test_run ();
}
