/* SPDX-License-Identifier: Apache-2.0 */
/* test-testbed-tcp.c - the testbed of real TCP connections: bytes come through exact, each fault
 * does what it says, what cannot be honoured is refused by name, and a run that could not keep up
 * is not valid. No time is asserted, but the least that the links allow. */
#include "tests/harness/ran.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define BOTH1 "[traffic data]\nfrom = both\nkind = bulk\nbytes = 1MB\n"

static const RunOptions on_tcp = { .testbed = "tcp" };

static void
run (Ran *ran, const char *text)
{
  ran_init_seed (ran, text, 1, &on_tcp);
}

static double
get_metric (const Ran *ran, StoreSubject kind, const char *subject, const char *name)
{
  return store_run_get_metric (ran->store, kind, subject, name);
}

static gboolean
could_not_keep_up (const Ran *ran)
{
  return ran->result->exit_class == RUN_EXIT_INTERNAL &&
         strstr (ran->problems->str, "the testbed could not keep up");
}

/* A busy machine can make a run invalid; then it says nothing, and is run again. FALSE: so it is
 * always, and the test is skipped. */
static gboolean
run_valid (Ran *ran, const char *text)
{
  run (ran, text);
  for (guint i = 0; i < 5 && could_not_keep_up (ran); i++) {
    g_test_message ("%s", ran->problems->str);
    ran_clear (ran);
    run (ran, text);
  }
  if (!could_not_keep_up (ran))
    return TRUE;
  ran_clear (ran);
  g_test_skip ("this machine is too busy for real time");
  return FALSE;
}

/* --- Without faults --- */

static void
test_both_directions (void)
{
  Ran ran;

  if (!run_valid (&ran, RAN_LINKS BOTH1))
    return;
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_cmpstr (ran.store->testbed, ==, "tcp");
  g_assert_cmpint (ran_get_flow (&ran, "data.up")->delivered_bytes, ==, 1000000);
  g_assert_cmpint (ran_get_flow (&ran, "data.down")->delivered_bytes, ==, 1000000);
  /* 8 Mbit over 40 Mbit/s. */
  g_assert_cmpint (ran.result->simulated_ns, >=, 200 * CAIMAN_NS_PER_MS);
  g_assert_cmpfloat (get_metric (&ran, STORE_SUBJECT_CONNECTION, "client", "connect-time"), >=,
                     20e6);
  g_assert_cmpfloat (get_metric (&ran, STORE_SUBJECT_LINK, "client.a", "rtt-min"), >=, 20e6);
  g_assert_cmpfloat (get_metric (&ran, STORE_SUBJECT_LINK, "client.b", "rtt-min"), >=, 40e6);
  g_assert_cmpfloat (get_metric (&ran, STORE_SUBJECT_LINK, "a.up", "wire-bytes"), >, 100000);
  g_assert_cmpfloat (get_metric (&ran, STORE_SUBJECT_CONNECTION, "", "cpu-per-gb"), >, 0);
  g_assert_cmpfloat (get_metric (&ran, STORE_SUBJECT_CONNECTION, "", "lateness-max"), >=,
                     get_metric (&ran, STORE_SUBJECT_CONNECTION, "", "lateness-p99"));
  g_assert_cmpuint (ran.result->n_steps, >, 100);
  ran_clear (&ran);
}

/* In virtual time nothing is late, and there is no such metric. */
static void
test_no_timing_in_virtual_time (void)
{
  Ran ran;

  ran_init (&ran, RAN_LINKS BOTH1);
  g_assert_true (isnan (get_metric (&ran, STORE_SUBJECT_CONNECTION, "", "lateness-p99")));
  g_assert_true (isnan (get_metric (&ran, STORE_SUBJECT_CONNECTION, "", "cpu-per-gb")));
  ran_clear (&ran);
}

static void
test_unlimited (void)
{
  Ran ran;

  if (!run_valid (&ran, "[link a]\nrate = unlimited\n[traffic data]\nfrom = client\nkind = bulk\n"
                        "bytes = 2MB\n"))
    return;
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  ran_clear (&ran);
}

/* A reader that does not read is waited for; a queue in bytes and a small receive buffer hold. */
static void
test_slow_reader (void)
{
  Ran ran;

  if (!run_valid (&ran,
                  "[config]\nreceive-buffer = 64KiB\n"
                  "[link a]\nrate = 50mbit\ndelay = 5ms\nqueue = 32KiB\nreceive-buffer = 16KiB\n"
                  "[traffic data]\nfrom = client\nkind = bulk\nbytes = 400kB\n"
                  "reader-starts = 300ms\n[expect]\nconnection.memory-peak = <= 2MB\n"))
    return;
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_cmpint (ran.result->simulated_ns, >=, 300 * CAIMAN_NS_PER_MS);
  ran_clear (&ran);
}

static void
test_ends_at_duration (void)
{
  Ran ran;

  if (!run_valid (&ran,
                  "ends = at-duration\n[link a]\nrate = 1mbit\n[traffic data]\nfrom = client\n"
                  "kind = bulk\nbytes = 10MB\n[testbed tcp]\nscenario.duration = 200ms\n"))
    return;
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_cmpint (ran.result->simulated_ns, >=, 200 * CAIMAN_NS_PER_MS);
  ran_clear (&ran);
}

/* --- Faults --- */

#define WITH_EVENT(what)                                                                           \
  "[client]\nreconnect = 200ms\n" RAN_LINKS BOTH1 "[event it]\nat = 150ms\ndo = " what "\n"

static const struct {
  const char *path, *text;
  CaimanReason client, server; /* why a's end ends; NONE: it does not */
} survived[] = {
  { "blackhole", WITH_EVENT ("blackhole a for 300ms"), 0, 0 },
  { "blackhole-up", WITH_EVENT ("blackhole a.up for 300ms"), 0, 0 },
  { "pause", WITH_EVENT ("pause a.down for 200ms"), 0, 0 },
  { "set", WITH_EVENT ("set a rate=5mbit delay=20ms jitter=uniform(1ms) queue=60ms for 200ms"), 0,
    0 },
  { "block", WITH_EVENT ("block a for 200ms"), 0, 0 },
  { "down", WITH_EVENT ("down a for 300ms"), CAIMAN_REASON_LINK_DOWN, 0 },
  { "down-both", WITH_EVENT ("down all for 100ms"), CAIMAN_REASON_LINK_DOWN, 0 },
  { "reset", WITH_EVENT ("reset a"), CAIMAN_REASON_LINK_RESET, CAIMAN_REASON_LINK_RESET },
  { "close", WITH_EVENT ("close a"), CAIMAN_REASON_LINK_CLOSED, CAIMAN_REASON_LINK_CLOSED },
  { "half-open-up", WITH_EVENT ("half-open a.up"), CAIMAN_REASON_LINK_IO_ERROR, 0 },
  { "half-open-down", WITH_EVENT ("half-open a.down"), 0, CAIMAN_REASON_LINK_IO_ERROR },
  { "corrupt", WITH_EVENT ("corrupt a.up 2"), 0, CAIMAN_REASON_LINK_FRAME_ERROR },
  { "corrupt-down", WITH_EVENT ("corrupt a.down"), CAIMAN_REASON_LINK_FRAME_ERROR, 0 },
  { "garbage", WITH_EVENT ("inject garbage a"), 0, CAIMAN_REASON_LINK_FRAME_ERROR },
  { "unknown-message", WITH_EVENT ("inject unknown-message a.down"), CAIMAN_REASON_LINK_BAD_MESSAGE,
    0 },
  { "disconnect", WITH_EVENT ("disconnect a by server"), CAIMAN_REASON_LINK_GOODBYE,
    CAIMAN_REASON_LINK_DISCONNECTED },
  { "flap", WITH_EVENT ("flap a on 100ms off 100ms for 300ms"), CAIMAN_REASON_LINK_DOWN, 0 },
};

static gboolean
has_ended (const Ran *ran, const char *side, CaimanReason reason)
{
  for (guint i = 0; i < ran->store->events->len; i++) {
    const StoreEvent *event = &g_array_index (ran->store->events, StoreEvent, i);
    if (g_strcmp0 (event->reason, caiman_reason_to_string (reason)) == 0 && event->link == 0 &&
        g_strcmp0 (store_side_to_string (event->side), side) == 0)
      return TRUE;
  }
  return FALSE;
}

static void
test_survived (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  Ran ran;

  if (!run_valid (&ran, survived[i].text))
    return;
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_true (ran_get_flow (&ran, "data.up")->complete);
  g_assert_true (ran_get_flow (&ran, "data.down")->complete);
  if (survived[i].client)
    g_assert_true (has_ended (&ran, "client", survived[i].client));
  if (survived[i].server)
    g_assert_true (has_ended (&ran, "server", survived[i].server));
  ran_clear (&ran);
}

/* A refused connect is the kernel's; the link comes when it is accepted again. */
static void
test_refuse (void)
{
  Ran ran;

  if (!run_valid (&ran, "[client]\nreconnect = 100ms\n"
                        "[link a]\nrate = 20mbit\ndelay = 10ms\n"
                        "[link b]\nrate = 20mbit\ndelay = 10ms\nstarts = 50ms\n"
                        "[traffic data]\nfrom = client\nkind = bulk\nbytes = 2MB\n"
                        "[event no]\nat = 20ms\ndo = refuse b for 200ms\n"))
    return;
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_true (ran_count_rows (&ran, "event-end", NULL) > 0);
  g_assert_cmpfloat (get_metric (&ran, STORE_SUBJECT_LINK, "b.up", "bytes"), >, 0);
  ran_clear (&ran);
}

static void
test_connect_fails (gconstpointer fault)
{
  g_autofree char *text = g_strconcat (
      "[config]\nno-link-timeout = 500ms\n[link a]\nrate = 20mbit\nreconnect = never\n"
      "starts = 50ms\nconnect-timeout = 100ms\n"
      "[traffic data]\nfrom = client\nkind = bulk\nbytes = 1kB\n[event it]\nat = 10ms\ndo = ",
      fault, "\n[expect]\nclient.connection = fails with all-links-failed\n", NULL);
  Ran ran;

  if (!run_valid (&ran, text))
    return;
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  ran_clear (&ran);
}

static void
test_crash_and_restart (void)
{
  Ran ran;

  if (!run_valid (&ran,
                  "[config]\nno-link-timeout = 2s\n[client]\nreconnect = 100ms\n" RAN_LINKS BOTH1
                  "[event crash]\nat = 100ms\ndo = crash server for 100ms\n"
                  "[expect]\nclient.connection = fails with server-id-mismatch\n"))
    return;
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  ran_clear (&ran);
}

/* --- What cannot be honoured --- */

static void
test_refused (gconstpointer data)
{
  static const struct {
    const char *keys, *problem;
  } knobs[] = {
    { "loss = 1%\n", "link a: up: loss: the testbed tcp" },
    { "down.loss = every(3)\n", "link a: down: loss: the testbed tcp" },
    { "queue = 100 packets\n", "link a: up: queue: the testbed tcp" },
    { "queue = 4KiB\n", "link a: up: queue: below 16 KiB" },
    { "receive-buffer = 8KiB\n", "link a: receive-buffer: below 16 KiB" },
    { "carrier = tcp\n", "link a: carrier = tcp: " },
    { "\n[event it]\nat = 1s\ndo = set a loss=1%\n", "event it: set: loss: " },
    { "\n[event it]\nat = 1s\ndo = set a queue=9 packets\n", "event it: set: queue: " },
  };
  Ran ran;

  for (gsize i = 0; i < G_N_ELEMENTS (knobs); i++) {
    g_autofree char *text =
        g_strconcat ("[link a]\nrate = 20mbit\n", knobs[i].keys,
                     "[traffic data]\nfrom = client\nkind = bulk\nbytes = 1kB\n", NULL);
    run (&ran, text);
    ran_expect_exit (&ran, RUN_EXIT_SKIPPED);
    ran_expect_problem (&ran, knobs[i].problem);
    ran_clear (&ran);
  }
}

/* --- Keeping up --- */

static void
sleep_long (int signal_number)
{
  const struct timespec time = { .tv_nsec = 60000000 };
  nanosleep (&time, NULL);
}

/* The process stands still most of the time. */
static void
test_late (void)
{
  const struct sigaction action = { .sa_handler = sleep_long, .sa_flags = SA_RESTART };
  const struct itimerval often = { { 0, 62000 }, { 0, 62000 } }, never = { 0 };
  Ran ran;

  g_assert_cmpint (sigaction (SIGALRM, &action, NULL), ==, 0);
  g_assert_cmpint (setitimer (ITIMER_REAL, &often, NULL), ==, 0);
  run (&ran, RAN_LINKS BOTH1);
  g_assert_cmpint (setitimer (ITIMER_REAL, &never, NULL), ==, 0);
  ran_expect_exit (&ran, RUN_EXIT_INTERNAL);
  ran_expect_problem (&ran, "the testbed could not keep up");
  ran_clear (&ran);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path) "/harness/testbed-tcp/" path
  g_test_add_func (ADD ("both-directions"), test_both_directions);
  g_test_add_func (ADD ("no-timing-in-virtual-time"), test_no_timing_in_virtual_time);
  g_test_add_func (ADD ("unlimited"), test_unlimited);
  g_test_add_func (ADD ("slow-reader"), test_slow_reader);
  g_test_add_func (ADD ("ends-at-duration"), test_ends_at_duration);
  for (gsize i = 0; i < G_N_ELEMENTS (survived); i++) {
    g_autofree char *path = g_strconcat (ADD ("survives/"), survived[i].path, NULL);
    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_survived);
  }
  g_test_add_func (ADD ("refuse"), test_refuse);
  g_test_add_data_func (ADD ("connect-refused"), "refuse a", test_connect_fails);
  g_test_add_data_func (ADD ("connect-into-blackhole"), "blackhole a", test_connect_fails);
  g_test_add_data_func (ADD ("connect-while-down"), "down a", test_connect_fails);
  g_test_add_data_func (ADD ("connect-without-server"), "crash server", test_connect_fails);
  g_test_add_func (ADD ("crash-and-restart"), test_crash_and_restart);
  g_test_add_data_func (ADD ("refused"), NULL, test_refused);
  g_test_add_func (ADD ("late"), test_late);
  return g_test_run ();
}
