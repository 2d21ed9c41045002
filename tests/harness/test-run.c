/* SPDX-License-Identifier: Apache-2.0 */
/* test-run.c - whole runs without faults: traffic of every kind, ways to end, what is recorded. */
#include "tests/harness/ran.h"

#include <glib/gstdio.h>
#include <string.h>

#define BULK(from, bytes) "[traffic data]\nfrom = " from "\nkind = bulk\nbytes = " bytes "\n"

/* --- Traffic --- */

static void
expect_all_delivered (const Ran *ran)
{
  ran_expect_exit (ran, RUN_EXIT_HELD);
  ran_expect_reasons (ran, CAIMAN_REASON_NONE, CAIMAN_REASON_NONE);
  g_assert_cmpstr (ran->result->outcome, ==, "survives");
  for (guint i = 0; i < ran->store->flows->len; i++) {
    const StoreFlow *flow = &g_array_index (ran->store->flows, StoreFlow, i);
    g_assert_true (flow->complete);
    g_assert_cmpint (flow->delivered_bytes, ==, flow->offered_bytes);
    g_assert_cmpint (flow->delivered_bytes, >, 0);
  }
}

static void
test_traffic (gconstpointer text)
{
  g_autofree char *all = g_strconcat (RAN_LINKS, (const char *)text, NULL);
  Ran ran;

  ran_init (&ran, all);
  expect_all_delivered (&ran);
  ran_clear (&ran);
}

static const struct {
  const char *path;
  const char *text;
} traffic[] = {
  { "bulk-up", BULK ("client", "3MB") },
  { "bulk-down", BULK ("server", "3MB") },
  { "bulk-both", BULK ("both", "3MB") },
  { "bulk-messages",
    BULK ("client", "3MB") "mode = messages\nmessage-size = uniform(1B, 60KiB)\n" },
  { "rate", "[traffic data]\nfrom = client\nkind = rate\nrate = 4mbit\nbytes = 1MB\n" },
  { "rate-messages",
    "[traffic data]\nfrom = both\nkind = rate\nrate = 4mbit\nbytes = 1MB\nmode = messages\n" },
  { "rate-until", "[traffic data]\nfrom = client\nkind = rate\nrate = 4mbit\nstops = 3s\n" },
  { "bulk-until", "[traffic data]\nfrom = client\nkind = bulk\nstops = 1s\n" },
  { "on-off", "[traffic data]\nfrom = server\nkind = on-off\nrate = 8mbit\non = 200ms\noff = "
              "300ms\nbytes = 1MB\n" },
  { "messages", "[traffic data]\nfrom = client\nkind = messages\ncount = 200\ninterval = 10ms\n"
                "message-size = exponential(4kB, 64kB)\n" },
  { "messages-at-full-speed", "[traffic data]\nfrom = both\nkind = messages\ncount = "
                              "500\nmessage-size = pareto(100B, 64kB)\n" },
  { "messages-of-a-list", "[traffic data]\nfrom = client\nkind = messages\ncount = "
                          "100\nmessage-size = list(1B, 30kB)\n" },
  { "request", "[traffic data]\nfrom = client\nkind = request\ncount = 20\nthink-time = 50ms\n" },
  { "request-messages-both-ways",
    "[traffic data]\nfrom = client\nkind = request\ncount = 5\nmode = messages\n"
    "request-size = 200kB\nresponse-size = uniform(1B, 300kB)\n"
    "[traffic back]\nfrom = server\nkind = request\ncount = 5\nmode = messages\n" },
  { "request-until", "[traffic data]\nfrom = client\nkind = request\nstops = 2s\n" },
  { "several", "[traffic one]\nfrom = client\nkind = messages\ncount = 100\ninterval = 5ms\n"
               "[traffic two]\nfrom = client\nkind = bulk\nbytes = 1MB\nmode = messages\n"
               "[traffic three]\nfrom = client\nkind = request\ncount = 10\nmode = messages\n" },
  { "starts-late", "[traffic data]\nfrom = client\nkind = bulk\nbytes = 1MB\nstarts = 2s\n" },
  { "slow-reader", BULK ("client", "1MB") "reader-rate = 4mbit\n" },
  { "slow-reader-of-messages", BULK ("client", "1MB") "mode = messages\nreader-rate = 4mbit\n" },
  { "very-slow-reader", BULK ("client", "2kB") "reader-rate = 1kbit\n" },
  { "late-reader", BULK ("client", "1MB") "reader-starts = 3s\n" },
  { "late-close", BULK ("both", "1MB") "close = late 2s\n" },
};

/* A slow reader reads at its rate, and what it has not read fills no more than the buffers. */
static void
test_reader_rate (void)
{
  Ran ran;

  ran_init (&ran, RAN_LINKS BULK ("client", "2MB") "reader-rate = 4mbit\n");
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_cmpint (ran.result->simulated_ns, >, 4 * CAIMAN_NS_PER_S);
  g_assert_cmpint (ran.result->simulated_ns, <, 5 * CAIMAN_NS_PER_S);
  ran_clear (&ran);
}

/* --- Ends --- */

static void
test_without_traffic (void)
{
  Ran ran;

  ran_init (&ran, RAN_LINKS);
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_cmpint (ran.result->simulated_ns, <, CAIMAN_NS_PER_S);
  ran_clear (&ran);
}

static void
test_ends_at_duration (void)
{
  Ran ran;

  ran_init (&ran, "ends = at-duration\n" RAN_LINKS
                  "[traffic data]\nfrom = client\nkind = rate\nrate = 1mbit\n");
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_cmpint (ran.result->simulated_ns, ==, 60 * CAIMAN_NS_PER_S);
  g_assert_cmpint (ran.result->side[0].ended_ns, ==, CAIMAN_TIME_NEVER);
  ran_clear (&ran);
}

static void
test_duration_too_short (void)
{
  Ran ran;

  ran_init (&ran, RAN_LINKS BULK ("client", "500MB"));
  ran_expect_exit (&ran, RUN_EXIT_LIVENESS);
  ran_expect_problem (&ran,
                      "liveness at 60.000000 s: data is not complete when the duration is over");
  ran_clear (&ran);
}

static void
test_never_closed (void)
{
  Ran ran;

  ran_init (&ran,
            RAN_LINKS BULK ("client", "1MB") "close = never\n"
                                             "[expect]\nconnection = fails with terminated\n");
  ran_expect_exit (&ran, RUN_EXIT_LIVENESS);
  ran_expect_problem (&ran, "the client's connection is not closed when the duration is over");
  ran_expect_problem (&ran, "the server's connection is not closed when the duration is over");
  ran_clear (&ran);
}

static void
test_not_accepted (void)
{
  static const struct {
    const char *accepts;
    CaimanReason reason;
  } cases[] = {
    { "accepts = not-listening\n", CAIMAN_REASON_NOT_LISTENING },
    { "accepts = refuse\n", CAIMAN_REASON_REFUSED },
    { "accepts = refuse\naccept-after = 2s\n", CAIMAN_REASON_REFUSED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text =
        g_strconcat ("[server]\n", cases[i].accepts, RAN_LINKS BULK ("client", "1MB"), NULL);
    Ran ran;
    ran_init (&ran, text);
    ran_expect_exit (&ran, RUN_EXIT_EXPECTATION);
    ran_expect_reasons (&ran, cases[i].reason, CAIMAN_REASON_NONE);
    g_assert_cmpstr (ran.result->outcome, ==, caiman_reason_to_string (cases[i].reason));
    g_assert_cmpint (ran_get_flow (&ran, "data")->delivered_bytes, ==, 0);
    ran_clear (&ran);
  }
}

static void
test_accepted_late (void)
{
  Ran ran;

  ran_init (&ran, "[server]\naccept-after = 3s\n" RAN_LINKS BULK ("client", "1MB"));
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_cmpint (ran.result->side[SCENARIO_SIDE_SERVER].connected_ns, >, 3 * CAIMAN_NS_PER_S);
  ran_clear (&ran);
}

static void
test_expectation_fails (void)
{
  Ran ran;

  ran_init (&ran, RAN_LINKS BULK ("client", "1MB") "[expect]\ndata.completion-time = <= 10ms\n");
  ran_expect_exit (&ran, RUN_EXIT_EXPECTATION);
  ran_clear (&ran);
}

/* The whole over simulated TCP; both congestion controls named. */
static void
test_carrier_tcp (void)
{
  Ran ran;

  ran_init (
      &ran,
      "congestion-control = reno\n[link a]\ncarrier = tcp\nrate = 20mbit\ndelay = 10ms\n"
      "send-buffer = 256KiB\nreceive-buffer = 256KiB\nuser-timeout = 10s\n"
      "[link b]\ncarrier = tcp\nrate = 20mbit\ndelay = 20ms\ninitial-window = 4\n"
      "congestion-control = bbr\n" BULK (
          "client", "4MB") "[expect]\ndata.efficiency = >= 70%\ndata.longest-gap = <= 500ms\n");
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  ran_clear (&ran);
}

static double
get_paced_time (const char *delay, const char *pacing)
{
  g_autofree char *text =
      g_strdup_printf ("[link a]\ncarrier = tcp\nrate = 20mbit\ndelay = %s\nqueue = 20ms\n"
                       "pacing = %s\n" BULK ("client", "5MB"),
                       delay, pacing);
  Ran ran;

  ran_init (&ran, text);
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  double time_ns = store_run_get_metric (ran.store, STORE_SUBJECT_FLOW, "data", "completion-time");
  ran_clear (&ran);
  return time_ns;
}

/* A far link is paced, which keeps bursts out of its short queue; a near one is not. */
static void
test_pacing (void)
{
  g_assert_cmpfloat (get_paced_time ("50ms", "auto"), <, 0.9 * get_paced_time ("50ms", "off"));
  g_assert_cmpfloat (get_paced_time ("100us", "auto"), ==, get_paced_time ("100us", "off"));
}

static void
test_skipped (void)
{
  static const RunOptions options = { .testbed = "tcp" };
  Ran ran;

  ran_init_seed (&ran,
                 "[link a]\ncarrier = tcp\nrate = 20mbit\ndelay = 10ms\n" BULK ("client", "1MB"), 1,
                 &options);
  ran_expect_exit (&ran, RUN_EXIT_SKIPPED);
  ran_expect_problem (&ran, "link a: carrier = tcp: a link of the testbed tcp is a relayed stream");
  g_assert_cmpstr (ran.result->outcome, ==, "skipped");
  g_autoptr (GPtrArray) refused = run_check (ran.scenario, "tcp");
  g_assert_cmpuint (refused->len, ==, 1);
  g_assert_null (run_check (ran.scenario, "nowhere"));
  ran_clear (&ran);
}

static void
test_no_such_testbed (void)
{
  const RunOptions options = { .testbed = "nowhere" };
  Ran ran;

  ran_init_seed (&ran, RAN_LINKS BULK ("client", "1MB"), 1, &options);
  ran_expect_exit (&ran, RUN_EXIT_SKIPPED);
  ran_expect_problem (&ran, "there is no such testbed");
  ran_clear (&ran);
}

/* --- The record --- */

static const char lossy[] =
    "[link a]\nrate = 20mbit\ndelay = 10ms\nloss = 1%\njitter = normal(2ms)\n"
    "[link b]\nrate = 20mbit\ndelay = 20ms\n" BULK ("both", "2MB");

static void
test_same_seed_same_digest (void)
{
  Ran one, again, other;

  ran_init_seed (&one, lossy, 5, NULL);
  ran_init_seed (&again, lossy, 5, NULL);
  ran_init_seed (&other, lossy, 6, NULL);
  ran_expect_exit (&one, RUN_EXIT_HELD);
  g_assert_cmpstr (one.store->digest, ==, again.store->digest);
  g_assert_cmpstr (one.store->digest, !=, other.store->digest);
  g_assert_cmpuint (one.store->checkpoints->len, ==, one.result->n_events / 1000);
  for (guint i = 0; i < one.store->checkpoints->len; i++) {
    const StoreCheckpoint *a = &g_array_index (one.store->checkpoints, StoreCheckpoint, i);
    const StoreCheckpoint *b = &g_array_index (again.store->checkpoints, StoreCheckpoint, i);
    g_assert_cmpmem (a->digest, sizeof a->digest, b->digest, sizeof b->digest);
    g_assert_cmpint (a->n_events, ==, (i + 1) * 1000);
  }
  ran_clear (&one);
  ran_clear (&again);
  ran_clear (&other);
}

static void
test_text_runs_the_same (void)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  Ran ran;

  ran_init_seed (&ran, lossy, 5, NULL);
  g_autoptr (Scenario) again = scenario_parse ("again", ran.store->scenario_text,
                                               strlen (ran.store->scenario_text), NULL, errors);
  g_assert_nonnull (again);
  g_autoptr (StoreRun) store = run_prepare (again, 5, NULL);
  g_autoptr (RunResult) result = run_scenario (again, 5, NULL, store);
  g_assert_cmpint (result->exit_class, ==, RUN_EXIT_HELD);
  g_assert_cmpstr (store->digest, ==, ran.store->digest);
  ran_clear (&ran);
}

static void
test_trace_file (void)
{
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "test-run-XXXXXX", NULL);
  g_autofree char *text = NULL;
  Ran ran;

  g_close (g_mkstemp (path), NULL);
  const RunOptions options = { .trace_path = path };
  ran_init_seed (&ran, RAN_LINKS BULK ("client", "100kB"), 1, &options);
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  guint lines = 0;
  for (const char *c = text; *c; c++)
    lines += *c == '\n';
  g_assert_cmpuint (lines, ==, ran.result->n_events);
  g_assert_nonnull (strstr (text, " client data-sent a#"));
  g_unlink (path);
  ran_clear (&ran);
}

static void
test_trace_file_fails (void)
{
  const RunOptions nowhere = { .trace_path = "/nonexistent/trace" };
  const RunOptions full = { .trace_path = "/dev/full" };
  Ran ran;

  ran_init_seed (&ran, RAN_LINKS BULK ("client", "100kB"), 1, &nowhere);
  ran_expect_exit (&ran, RUN_EXIT_INTERNAL);
  ran_expect_problem (&ran, "/nonexistent/trace: ");
  ran_clear (&ran);
  ran_init_seed (&ran, RAN_LINKS BULK ("client", "100kB"), 1, &full);
  ran_expect_exit (&ran, RUN_EXIT_INTERNAL);
  ran_expect_problem (&ran, "trace file: ");
  ran_clear (&ran);
}

static void
test_record (void)
{
  Ran ran;

  ran_init (&ran, "sample-interval = 50ms\n" RAN_LINKS BULK ("client", "2MB"));
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  guint samples = (guint)(ran.result->simulated_ns / (50 * CAIMAN_NS_PER_MS)) + 1;
  g_assert_cmpuint (ran.store->flow_samples->len, ==, samples);
  /* One more for each link and side once the connection is there; both are there at the end. */
  g_assert_cmpuint (ran.store->link_samples->len, >, 2 * samples);
  g_assert_cmpuint (ran.store->link_samples->len, <=, 4 * samples);
  g_assert_cmpuint (ran_count_rows (&ran, "link-state", "working"), ==, 4);
  g_assert_cmpuint (ran_count_rows (&ran, "connection-state", "open"), ==, 2);
  g_assert_cmpuint (ran.store->parameters->len, >, 40);
  const StoreLinkSample *last =
      &g_array_index (ran.store->link_samples, StoreLinkSample, ran.store->link_samples->len - 4);
  g_assert_cmpint (last[0].sent_bytes + last[1].sent_bytes, ==, 2000000);
  for (guint i = 0; i < ran.store->events->len; i++) {
    const StoreEvent *row = &g_array_index (ran.store->events, StoreEvent, i);
    g_assert_true (strcmp (row->kind, "link-state") != 0 || row->link >= 0);
  }
  ran_clear (&ran);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (traffic); i++) {
    g_autofree char *path = g_strconcat ("/harness/run/traffic/", traffic[i].path, NULL);
    g_test_add_data_func (path, traffic[i].text, test_traffic);
  }
  g_test_add_func ("/harness/run/reader-rate", test_reader_rate);
  g_test_add_func ("/harness/run/without-traffic", test_without_traffic);
  g_test_add_func ("/harness/run/ends-at-duration", test_ends_at_duration);
  g_test_add_func ("/harness/run/duration-too-short", test_duration_too_short);
  g_test_add_func ("/harness/run/never-closed", test_never_closed);
  g_test_add_func ("/harness/run/not-accepted", test_not_accepted);
  g_test_add_func ("/harness/run/accepted-late", test_accepted_late);
  g_test_add_func ("/harness/run/expectation-fails", test_expectation_fails);
  g_test_add_func ("/harness/run/pacing", test_pacing);
  g_test_add_func ("/harness/run/skipped", test_skipped);
  g_test_add_func ("/harness/run/carrier-tcp", test_carrier_tcp);
  g_test_add_func ("/harness/run/no-such-testbed", test_no_such_testbed);
  g_test_add_func ("/harness/run/same-seed-same-digest", test_same_seed_same_digest);
  g_test_add_func ("/harness/run/text-runs-the-same", test_text_runs_the_same);
  g_test_add_func ("/harness/run/trace-file", test_trace_file);
  g_test_add_func ("/harness/run/trace-file-fails", test_trace_file_fails);
  g_test_add_func ("/harness/run/record", test_record);
  return g_test_run ();
}
