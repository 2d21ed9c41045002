/* SPDX-License-Identifier: Apache-2.0 */
/* test-testbed-lab.c - the lab: bytes come through exact over real kernel TCP, each knob of the
 * path and each fault is felt, what cannot be honoured is refused by name, and a run that could not
 * keep up is not valid. Skipped where namespaces cannot be made. No time is asserted, but the least
 * that the links allow. */
#include "tests/harness/real-testbed.h"

#include <string.h>

#define LINKS                                                                                      \
  "[link a]\ncarrier = tcp\nrate = 20mbit\ndelay = 10ms\n"                                         \
  "[link b]\ncarrier = tcp\nrate = 20mbit\ndelay = 20ms\n"
#define UP(bytes)                                                                                  \
  "[traffic data]\nfrom = client\nkind = bulk\nbytes = " bytes "\n[expect]\nintegrity = exact\n"

static const RealTestbed lab = { .name = "lab", .carrier = "tcp" };

/* --- Without faults --- */

static void
test_both_directions (void)
{
  Ran ran;

  if (!real_testbed_run (&lab, &ran, LINKS RAN_BOTH_1MB, NULL))
    return;
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_cmpstr (ran.store->testbed, ==, "lab");
  g_assert_cmpint (ran_get_flow (&ran, "data.up")->delivered_bytes, ==, 1000000);
  g_assert_cmpint (ran_get_flow (&ran, "data.down")->delivered_bytes, ==, 1000000);
  /* 8 Mbit over 40 Mbit/s; a handshake of TCP and one of the link. */
  g_assert_cmpint (ran.result->simulated_ns, >=, 200 * CAIMAN_NS_PER_MS);
  g_assert_cmpfloat (ran_get_metric (&ran, STORE_SUBJECT_CONNECTION, "client", "connect-time"), >=,
                     40e6);
  g_assert_cmpfloat (ran_get_metric (&ran, STORE_SUBJECT_LINK, "client.b", "rtt-min"), >=, 40e6);
  g_assert_cmpfloat (ran_get_metric (&ran, STORE_SUBJECT_LINK, "a.up", "wire-bytes"), >, 100000);
  ran_clear (&ran);
}

static double
get_timing (const Ran *ran, const char *name)
{
  return ran_get_metric (ran, STORE_SUBJECT_CONNECTION, "", name);
}

/* The network's timing is told apart from that of the endpoints. */
static void
test_timing (void)
{
  static const char *const names[] = { "network-timer", "network-lateness-p99",
                                       "network-lateness-max", "network-cpu", "lateness-p99" };
  Ran ran;

  if (!real_testbed_run (&lab, &ran, LINKS RAN_BOTH_1MB, NULL))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_cmpfloat (get_timing (&ran, names[i]), >, 0);
  g_assert_cmpfloat (get_timing (&ran, "network-lateness-max"), >=,
                     get_timing (&ran, "network-lateness-p99"));
  ran_clear (&ran);
}

/* Each value of the path, where it is felt: nothing passes as if it were not there. */
static const struct {
  const char *path, *text;
  gint64 least_ms; /* of the run; 0: whatever */
} knobs[] = {
  { "rate-trace",
    "[trace steps]\nkind = steps\ncolumns = rate\ndata-1 = 1000000000:8000000\n"
    "[link a]\ncarrier = tcp\nrate = trace(steps)\ndelay = 5ms\n" UP ("1MB"),
    1000 },
  { "codel",
    "[link a]\ncarrier = tcp\nrate = 8mbit\ndelay = 5ms\nqueue-discipline = codel\n" UP ("1MB"),
    1000 },
  { "red",
    "[link a]\ncarrier = tcp\nrate = 8mbit\ndelay = 5ms\nqueue = 200 packets\n"
    "queue-discipline = red(20 packets, 60 packets, 10%)\n" UP ("1MB"),
    1000 },
  { "impaired",
    "[link a]\ncarrier = tcp\nrate = 20mbit\ndelay = 5ms\njitter = normal(2ms)\nreorder = yes\n"
    "loss = 1%\nduplicate = 2%\ncorrupt-rate = 1%\n" UP ("500kB"),
    200 },
  { "mtu", "[link a]\ncarrier = tcp\nrate = 8mbit\ndelay = 5ms\nmtu = 600B\n" UP ("1MB"), 1000 },
  { "jumbo", "[link a]\ncarrier = tcp\nrate = 8mbit\ndelay = 5ms\nmtu = 9000B\n" UP ("1MB"), 1000 },
  { "bottleneck",
    "[bottleneck shared]\nrate = 8mbit\n"
    "[link a]\ncarrier = tcp\nrate = 20mbit\ndelay = 5ms\nbottleneck = shared\n"
    "[link b]\ncarrier = tcp\nrate = 20mbit\ndelay = 8ms\nbottleneck = shared\n" UP ("1MB"),
    1000 },
  { "cross-traffic",
    "[link a]\ncarrier = tcp\nrate = 10mbit\ndelay = 5ms\n"
    "[cross-traffic others]\nthrough = a.up\nkind = cbr\nrate = 6mbit\n" UP ("500kB"),
    500 },
};

static void
test_knob (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  Ran ran;

  if (!real_testbed_run (&lab, &ran, knobs[i].text, NULL))
    return;
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_cmpint (ran.result->simulated_ns, >=, knobs[i].least_ms * CAIMAN_NS_PER_MS);
  ran_clear (&ran);
}

/* --- Faults --- */

static const RealTestbedFault faults[] = {
  { "blackhole-down", "blackhole a.down for 300ms", 0, 0 },
  { "set", "set a rate=5mbit delay=20ms jitter=uniform(1ms) queue=60ms loss=1% for 200ms", 0, 0 },
  { "set-mtu", "set a mtu=700B for 200ms", 0, 0 },
  { "set-mtu-blackhole", "set a mtu=blackhole(700B) for 300ms", 0, 0 },
  { "rebind", "rebind a", CAIMAN_REASON_LINK_RESET, 0 },
  { "rebind-all", "rebind all", CAIMAN_REASON_LINK_RESET, 0 },
};

/* --- What something else carries --- */

static void
run_direct (RunDirect direct, const char *text)
{
  const RunForeign foreign = { .direct = direct, .name = "direct" };
  Ran ran;

  if (!real_testbed_run (&lab, &ran, text, &foreign))
    return;
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_cmpstr (ran.store->policy, ==, "direct");
  g_assert_true (ran_get_flow (&ran, "data")->complete);
  ran_clear (&ran);
}

static void
test_direct_tcp (void)
{
  run_direct (RUN_DIRECT_TCP,
              LINKS UP ("1MB") "[event it]\nat = 100ms\ndo = blackhole a for 100ms");
}

/* More than the first link alone carries in that time. */
static void
test_direct_mptcp (void)
{
  const RunForeign foreign = { .direct = RUN_DIRECT_MPTCP, .name = "mptcp" };
  Ran ran;

  if (!g_file_test ("/proc/sys/net/mptcp/enabled", G_FILE_TEST_EXISTS)) {
    g_test_skip ("this kernel has no MPTCP");
    return;
  }
  if (!real_testbed_run (&lab, &ran, LINKS UP ("4MB"), &foreign))
    return;
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_cmpfloat (ran_get_metric (&ran, STORE_SUBJECT_LINK, "a.up", "wire-bytes"), >, 100000);
  g_assert_cmpfloat (ran_get_metric (&ran, STORE_SUBJECT_LINK, "b.up", "wire-bytes"), >, 100000);
  ran_clear (&ran);
}

/* The connection is reset, and nothing brings it back. */
static void
test_direct_dies (void)
{
  const RunForeign foreign = { .direct = RUN_DIRECT_TCP, .name = "tcp" };
  Ran ran;

  if (!real_testbed_run (&lab, &ran, LINKS UP ("4MB") "[event it]\nat = 100ms\ndo = reset a\n",
                         &foreign))
    return;
  g_assert_cmpint (ran.result->side[SCENARIO_SIDE_CLIENT].reason, ==, CAIMAN_REASON_LINK_RESET);
  g_assert_cmpint (ran.result->side[SCENARIO_SIDE_SERVER].reason, ==, CAIMAN_REASON_LINK_RESET);
  g_assert_false (ran_get_flow (&ran, "data")->complete);
  ran_clear (&ran);
}

static void
test_programs (void)
{
  char *argv[] = { (char *)RELAY, NULL };
  const RunForeign foreign = { .argv = { argv, argv }, .name = "relay" };
  Ran ran;

  if (!real_testbed_run (&lab, &ran, LINKS RAN_BOTH_1MB, &foreign))
    return;
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_cmpint (ran_get_flow (&ran, "data.up")->delivered_bytes, ==, 1000000);
  g_assert_cmpint (ran_get_flow (&ran, "data.down")->delivered_bytes, ==, 1000000);
  ran_clear (&ran);
}

static void
test_program_fails (gconstpointer data)
{
  char *good[] = { (char *)RELAY, NULL };
  char *bad[] = { (char *)RELAY, (char *)data, NULL };
  const RunForeign foreign = { .argv = { good, bad }, .name = "relay" };
  Ran ran;

  if (!real_testbed_run (&lab, &ran, LINKS UP ("4MB"), &foreign))
    return;
  ran_expect_exit (&ran, RUN_EXIT_INTERNAL);
  ran_expect_problem (
      &ran, strcmp (data, "quits") == 0
                ? "the server's program has ended with status 5"
                : "the testbed has failed: a program has removed the interface of a link");
  ran_clear (&ran);
}

static void
test_no_program (void)
{
  char *argv[] = { (char *)"there-is-no-such-program", NULL };
  const RunForeign foreign = { .argv = { argv, argv }, .name = "nothing" };
  Ran ran;

  if (!real_testbed_run (&lab, &ran, LINKS UP ("1kB"), &foreign))
    return;
  ran_expect_exit (&ran, RUN_EXIT_INTERNAL);
  ran_expect_problem (&ran, "there-is-no-such-program");
  ran_clear (&ran);
}

/* Without traffic the client's program says when it is over, and how it went. */
static void
test_no_traffic (void)
{
  char *server[] = { (char *)RELAY, NULL };
  char *good[] = { (char *)"true", NULL }, *bad[] = { (char *)"false", NULL };
  RunForeign foreign = { .argv = { good, server }, .name = "nothing" };
  Ran ran;

  if (!real_testbed_run (&lab, &ran, LINKS, &foreign))
    return;
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  ran_clear (&ran);
  foreign.argv[SCENARIO_SIDE_CLIENT] = bad;
  if (!real_testbed_run (&lab, &ran, LINKS, &foreign))
    return;
  ran_expect_exit (&ran, RUN_EXIT_INTERNAL);
  ran_expect_problem (&ran, "the client's program has ended with status 1");
  ran_clear (&ran);
}

/* --- What cannot be honoured --- */

static void
expect_refused (const char *text, const RunForeign *foreign, const char *problem)
{
  const RunOptions options = { .testbed = "lab", .foreign = foreign };
  Ran ran;

  ran_init_seed (&ran, text, 1, &options);
  ran_expect_exit (&ran, RUN_EXIT_SKIPPED);
  ran_expect_problem (&ran, problem);
  ran_clear (&ran);
}

static void
test_refused (void)
{
  const RunForeign foreign = { .direct = RUN_DIRECT_TCP, .name = "tcp" };

  expect_refused ("[link a]\nrate = 1mbit\n" UP ("1kB"), NULL, "link a: carrier = pipe: ");
  expect_refused ("[link a]\ncarrier = tcp\nrate = 300mbit\n" UP ("1kB"), NULL, "400 mbit");
  expect_refused ("[link a]\ncarrier = tcp\nrate = unlimited\n" UP ("1kB"), NULL, "400 mbit");
  expect_refused (LINKS RAN_BOTH_1MB "[event it]\nat = 150ms\ndo = crash server\n", &foreign,
                  "event it: ");
  expect_refused (LINKS RAN_BOTH_1MB "[event it]\nat = 150ms\ndo = block a\n", &foreign,
                  "event it: ");
  expect_refused ("[link a]\ncarrier = tcp\nrate = 1mbit\n"
                  "[link b]\ncarrier = tcp\nrate = 1mbit\nstarts = 1s\n" UP ("1kB"),
                  &foreign, "link b: starts: ");
  expect_refused (LINKS "[traffic data]\nfrom = client\nkind = messages\nmessage-size = "
                        "100B\ncount = 2\ninterval = 1ms\n",
                  &foreign, "traffic data: ");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path) "/harness/testbed-lab/" path
  g_test_add_func (ADD ("both-directions"), test_both_directions);
  g_test_add_func (ADD ("timing"), test_timing);
  for (gsize i = 0; i < G_N_ELEMENTS (knobs); i++) {
    g_autofree char *path = g_strconcat (ADD ("knob/"), knobs[i].path, NULL);
    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_knob);
  }
  real_testbed_add_tests (&lab);
  real_testbed_add_faults (&lab, faults, G_N_ELEMENTS (faults));
  g_test_add_func (ADD ("direct/tcp"), test_direct_tcp);
  g_test_add_func (ADD ("direct/mptcp"), test_direct_mptcp);
  g_test_add_func (ADD ("direct/dies"), test_direct_dies);
  g_test_add_func (ADD ("programs"), test_programs);
  g_test_add_data_func (ADD ("program-quits"), "quits", test_program_fails);
  g_test_add_data_func (ADD ("program-breaks"), "breaks", test_program_fails);
  g_test_add_func (ADD ("no-program"), test_no_program);
  g_test_add_func (ADD ("no-traffic"), test_no_traffic);
  g_test_add_func (ADD ("refused"), test_refused);
  return g_test_run ();
}
