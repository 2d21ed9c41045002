/* SPDX-License-Identifier: Apache-2.0 */
/* real-testbed.c - see real-testbed.h. No time is asserted. */
#include "tests/harness/real-testbed.h"

#include <string.h>

#define TRIES_MAX 6

/* --- Runs --- */

static gboolean
could_not_keep_up (const Ran *ran)
{
  return ran->result->exit_class == RUN_EXIT_INTERNAL &&
         strstr (ran->problems->str, "the testbed could not keep up");
}

static gboolean
is_not_permitted (const Ran *ran)
{
  return ran->result->exit_class == RUN_EXIT_SKIPPED &&
         strstr (ran->problems->str, "CAP_NET_ADMIN");
}

gboolean
real_testbed_run (const RealTestbed *testbed, Ran *ran, const char *text, const RunForeign *foreign)
{
  const RunOptions options = { .testbed = testbed->name, .foreign = foreign };

  ran_init_seed (ran, text, 1, &options);
  for (guint n_tries = 1; n_tries < TRIES_MAX && could_not_keep_up (ran); n_tries++) {
    g_test_message ("%s", ran->problems->str);
    ran_clear (ran);
    ran_init_seed (ran, text, 1, &options);
  }
  if (!could_not_keep_up (ran) && !is_not_permitted (ran))
    return TRUE;
  g_test_skip (is_not_permitted (ran) ? ran->problems->str
                                      : "this machine is too busy for real time");
  ran_clear (ran);
  return FALSE;
}

/* --- Scenarios --- */

/* RAN_LINKS over the testbed's carrier. */
static char *
make_links (const RealTestbed *testbed)
{
  return g_strdup_printf ("[link a]\ncarrier = %s\nrate = 20mbit\ndelay = 10ms\n"
                          "[link b]\ncarrier = %s\nrate = 20mbit\ndelay = 20ms\n",
                          testbed->carrier, testbed->carrier);
}

static void
expect_held (const RealTestbed *testbed, const char *text)
{
  Ran ran;

  if (!real_testbed_run (testbed, &ran, text, NULL))
    return;
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  ran_clear (&ran);
}

/* --- Faults --- */

typedef struct {
  const RealTestbed *testbed;
  const RealTestbedFault *fault;
} Survived;

static const RealTestbedFault faults[] = {
  { "blackhole", "blackhole a for 300ms", 0, 0 },
  { "blackhole-up", "blackhole a.up for 300ms", 0, 0 },
  { "pause", "pause a.down for 200ms", 0, 0 },
  { "block", "block a for 200ms", 0, 0 },
  { "down", "down a for 300ms", CAIMAN_REASON_LINK_DOWN, 0 },
  { "down-both", "down all for 100ms", CAIMAN_REASON_LINK_DOWN, 0 },
  { "reset", "reset a", CAIMAN_REASON_LINK_RESET, CAIMAN_REASON_LINK_RESET },
  { "close", "close a", CAIMAN_REASON_LINK_CLOSED, CAIMAN_REASON_LINK_CLOSED },
  { "half-open-up", "half-open a.up", CAIMAN_REASON_LINK_IO_ERROR, 0 },
  { "half-open-down", "half-open a.down", 0, CAIMAN_REASON_LINK_IO_ERROR },
  { "corrupt", "corrupt a.up 2", 0, CAIMAN_REASON_LINK_FRAME_ERROR },
  { "corrupt-down", "corrupt a.down", CAIMAN_REASON_LINK_FRAME_ERROR, 0 },
  { "garbage", "inject garbage a", 0, CAIMAN_REASON_LINK_FRAME_ERROR },
  { "disconnect", "disconnect a by server", CAIMAN_REASON_LINK_GOODBYE,
    CAIMAN_REASON_LINK_DISCONNECTED },
  { "flap", "flap a on 100ms off 100ms for 300ms", CAIMAN_REASON_LINK_DOWN, 0 },
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
  const Survived *survived = data;
  const RealTestbedFault *fault = survived->fault;
  g_autofree char *links = make_links (survived->testbed);
  g_autofree char *text = g_strconcat ("[client]\nreconnect = 200ms\n", links, RAN_BOTH_1MB,
                                       "[event it]\nat = 150ms\ndo = ", fault->what, "\n", NULL);
  Ran ran;

  if (!real_testbed_run (survived->testbed, &ran, text, NULL))
    return;
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_true (ran_get_flow (&ran, "data.up")->complete);
  g_assert_true (ran_get_flow (&ran, "data.down")->complete);
  if (fault->client)
    g_assert_true (has_ended (&ran, "client", fault->client));
  if (fault->server)
    g_assert_true (has_ended (&ran, "server", fault->server));
  ran_clear (&ran);
}

/* A refused connect is the kernel's; the link comes when it is accepted again. */
static void
test_refuse (gconstpointer testbed)
{
  const char *carrier = ((const RealTestbed *)testbed)->carrier;
  g_autofree char *text =
      g_strdup_printf ("[client]\nreconnect = 100ms\n"
                       "[link a]\ncarrier = %s\nrate = 20mbit\ndelay = 10ms\n"
                       "[link b]\ncarrier = %s\nrate = 20mbit\ndelay = 10ms\nstarts = 50ms\n"
                       "[traffic data]\nfrom = client\nkind = bulk\nbytes = 2MB\n"
                       "[event no]\nat = 20ms\ndo = refuse b for 200ms\n",
                       carrier, carrier);
  Ran ran;

  if (!real_testbed_run (testbed, &ran, text, NULL))
    return;
  ran_expect_exit (&ran, RUN_EXIT_HELD);
  g_assert_true (ran_count_rows (&ran, "event-end", NULL) > 0);
  g_assert_cmpfloat (ran_get_metric (&ran, STORE_SUBJECT_LINK, "b.up", "bytes"), >, 0);
  ran_clear (&ran);
}

static void
expect_connect_fails (const RealTestbed *testbed, const char *fault)
{
  g_autofree char *text = g_strdup_printf (
      "[config]\nno-link-timeout = 500ms\n[link a]\ncarrier = %s\nrate = 20mbit\n"
      "reconnect = never\nstarts = 50ms\nconnect-timeout = 100ms\n"
      "[traffic data]\nfrom = client\nkind = bulk\nbytes = 1kB\n[event it]\nat = 10ms\ndo = %s\n"
      "[expect]\nclient.connection = fails with all-links-failed\n",
      testbed->carrier, fault);

  expect_held (testbed, text);
}

static void
test_connect_refused (gconstpointer testbed)
{
  expect_connect_fails (testbed, "refuse a");
}

static void
test_connect_into_blackhole (gconstpointer testbed)
{
  expect_connect_fails (testbed, "blackhole a");
}

static void
test_connect_while_down (gconstpointer testbed)
{
  expect_connect_fails (testbed, "down a");
}

static void
test_connect_without_server (gconstpointer testbed)
{
  expect_connect_fails (testbed, "crash server");
}

static void
test_crash_and_restart (gconstpointer testbed)
{
  g_autofree char *links = make_links (testbed);
  g_autofree char *text = g_strconcat (
      "[config]\nno-link-timeout = 2s\n[client]\nreconnect = 100ms\n", links, RAN_BOTH_1MB,
      "[event crash]\nat = 150ms\ndo = crash server for 100ms\n"
      "[expect]\nclient.connection = fails with server-id-mismatch\n",
      NULL);

  expect_held (testbed, text);
}

/* --- All of them --- */

static void
add (const RealTestbed *testbed, const char *path, GTestDataFunc test)
{
  g_autofree char *full = g_strdup_printf ("/harness/testbed-%s/%s", testbed->name, path);

  g_test_add_data_func (full, testbed, test);
}

void
real_testbed_add_faults (const RealTestbed *testbed, const RealTestbedFault *all, gsize n_faults)
{
  for (gsize i = 0; i < n_faults; i++) {
    g_autofree char *path =
        g_strdup_printf ("/harness/testbed-%s/survives/%s", testbed->name, all[i].path);
    Survived *survived = g_new (Survived, 1);
    *survived = (Survived) { testbed, &all[i] };
    g_test_add_data_func_full (path, survived, test_survived, g_free);
  }
}

void
real_testbed_add_tests (const RealTestbed *testbed)
{
  real_testbed_add_faults (testbed, faults, G_N_ELEMENTS (faults));
  add (testbed, "refuse", test_refuse);
  add (testbed, "connect-refused", test_connect_refused);
  add (testbed, "connect-into-blackhole", test_connect_into_blackhole);
  add (testbed, "connect-while-down", test_connect_while_down);
  add (testbed, "connect-without-server", test_connect_without_server);
  add (testbed, "crash-and-restart", test_crash_and_restart);
}
