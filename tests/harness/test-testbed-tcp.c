/* SPDX-License-Identifier: Apache-2.0 */
/* test-testbed-tcp.c - the testbed of real TCP connections: bytes come through exact, each fault
 * does what it says, what cannot be honoured is refused by name, and a run that could not keep up
 * is not valid. No time is asserted, but the least that the links allow. */
#include "tests/harness/real-testbed.h"

#include <math.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

static const RealTestbed tcp = { .name = "tcp", .carrier = "pipe" };

static gboolean
run_valid (Ran *ran, const char *text)
{
  return real_testbed_run (&tcp, ran, text, NULL);
}

/* --- Without faults --- */

static void
test_both_directions (void)
{
  Ran ran;

  if (!run_valid (&ran, RAN_LINKS RAN_BOTH_1MB))
    return;
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_cmpstr (ran.store->testbed, ==, "tcp");
  g_assert_cmpint (ran_get_flow (&ran, "data.up")->delivered_bytes, ==, 1000000);
  g_assert_cmpint (ran_get_flow (&ran, "data.down")->delivered_bytes, ==, 1000000);
  /* 8 Mbit over 40 Mbit/s. */
  g_assert_cmpint (ran.result->simulated_ns, >=, 200 * CAIMAN_NS_PER_MS);
  g_assert_cmpfloat (ran_get_metric (&ran, STORE_SUBJECT_CONNECTION, "client", "connect-time"), >=,
                     20e6);
  g_assert_cmpfloat (ran_get_metric (&ran, STORE_SUBJECT_LINK, "client.a", "rtt-min"), >=, 20e6);
  g_assert_cmpfloat (ran_get_metric (&ran, STORE_SUBJECT_LINK, "client.b", "rtt-min"), >=, 40e6);
  g_assert_cmpfloat (ran_get_metric (&ran, STORE_SUBJECT_LINK, "a.up", "wire-bytes"), >, 100000);
  g_assert_cmpfloat (ran_get_metric (&ran, STORE_SUBJECT_CONNECTION, "", "cpu-per-gb"), >, 0);
  g_assert_cmpfloat (ran_get_metric (&ran, STORE_SUBJECT_CONNECTION, "", "lateness-max"), >=,
                     ran_get_metric (&ran, STORE_SUBJECT_CONNECTION, "", "lateness-p99"));
  g_assert_cmpuint (ran.result->n_steps, >, 100);
  ran_clear (&ran);
}

/* In virtual time nothing is late, and there is no such metric. */
static void
test_no_timing_in_virtual_time (void)
{
  Ran ran;

  ran_init (&ran, RAN_LINKS RAN_BOTH_1MB);
  g_assert_true (isnan (ran_get_metric (&ran, STORE_SUBJECT_CONNECTION, "", "lateness-p99")));
  g_assert_true (isnan (ran_get_metric (&ran, STORE_SUBJECT_CONNECTION, "", "cpu-per-gb")));
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

static const RealTestbedFault faults[] = {
  { "set", "set a rate=5mbit delay=20ms jitter=uniform(1ms) queue=60ms for 200ms", 0, 0 },
  { "unknown-message", "inject unknown-message a.down", CAIMAN_REASON_LINK_BAD_MESSAGE, 0 },
};

/* --- What cannot be honoured --- */

static void
run (Ran *ran, const char *text)
{
  const RunOptions options = { .testbed = "tcp" };

  ran_init_seed (ran, text, 1, &options);
}

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
  run (&ran, RAN_LINKS RAN_BOTH_1MB);
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
  real_testbed_add_tests (&tcp);
  real_testbed_add_faults (&tcp, faults, G_N_ELEMENTS (faults));
  g_test_add_data_func (ADD ("refused"), NULL, test_refused);
  g_test_add_func (ADD ("late"), test_late);
  return g_test_run ();
}
