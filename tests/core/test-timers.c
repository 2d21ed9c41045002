/* SPDX-License-Identifier: Apache-2.0 */
/* test-timers.c - every time-out of PROTOCOL.md, 6 (the handshake's is in test-handshake.c). */
#include "tests/core/duo.h"

static void
expect_removed_between (Duo *d, DuoSide side, guint link, gint64 from_ns, gint64 to_ns,
                        CaimanReason reason)
{
  duo_advance (d, from_ns - d->now_ns);
  g_assert_cmpint (caiman_link_get_state (duo_get_link (d, side, link)), !=, CAIMAN_LINK_CLOSED);
  duo_advance (d, to_ns - d->now_ns);
  duo_expect_link_closed (d, side, link, reason);
}

static Duo *
new_open (const CaimanConfig *config, guint n_links)
{
  Duo *d = duo_new (config, config);
  for (guint i = 0; i < n_links; i++)
    duo_add_link (d, "x", MS (10));
  duo_advance (d, MS (50));
  duo_forget (d);
  return d;
}

/* An idle link is pinged when nothing was received for 15 s; the Pong renews that. */
static void
test_ping_when_idle (void)
{
  g_autoptr (Duo) d = new_open (NULL, 1);
  duo_advance (d, MS (14900));
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 1, 0), ==, 0);
  duo_advance (d, MS (200));
  guint n_pings = duo_count_sent (d, DUO_CLIENT, 1, CAIMAN_MESSAGE_PING) +
                  duo_count_sent (d, DUO_SERVER, 1, CAIMAN_MESSAGE_PING);
  guint n_pongs = duo_count_sent (d, DUO_CLIENT, 1, CAIMAN_MESSAGE_PONG) +
                  duo_count_sent (d, DUO_SERVER, 1, CAIMAN_MESSAGE_PONG);
  g_assert_cmpuint (n_pings, >=, 1);
  g_assert_cmpuint (n_pongs, ==, n_pings);
  duo_advance (d, S (600));
  duo_expect_link_state (d, DUO_CLIENT, 1, CAIMAN_LINK_WORKING);
  n_pings = duo_count_sent (d, DUO_CLIENT, 1, CAIMAN_MESSAGE_PING);
  g_assert_cmpuint (n_pings, <=, 42);
  g_assert_cmpuint (d->n_traces[DUO_CLIENT][CAIMAN_TRACE_LINK_RTT], >=, n_pings);
}

static void
test_ping_periodic (void)
{
  CaimanConfig config = duo_config ();
  config.ping_mode = CAIMAN_PING_PERIODIC;
  config.ping_interval_ns = S (1);
  g_autoptr (Duo) d = new_open (&config, 1);
  d->auto_read = TRUE;
  for (guint i = 0; i < 100; i++) {
    duo_offer (d, DUO_CLIENT, 1, 100, 100);
    duo_advance (d, MS (100));
  }
  guint n_pings = duo_count_sent (d, DUO_CLIENT, 1, CAIMAN_MESSAGE_PING);
  g_assert_cmpuint (n_pings, >=, 9);
  g_assert_cmpuint (n_pings, <=, 11);
}

static void
test_ping_after_timeout (void)
{
  CaimanConfig config = duo_config ();
  config.ping_mode = CAIMAN_PING_AFTER_TIMEOUT;
  g_autoptr (Duo) d = new_open (&config, 2);
  duo_advance (d, S (300));
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_PING), ==, 0);
  duo_stall_link (d, 1);
  duo_stall_link (d, 2);
  duo_send (d, "hello");
  guint link = duo_last_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA)->link;
  duo_advance (d, S (5));
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, link, CAIMAN_MESSAGE_PING), ==, 1);
}

/* No Pong within 40 s: the link is removed. With one Ping out, no second one goes. */
static void
test_ping_timeout (void)
{
  CaimanConfig config = duo_config ();
  config.non_working_timeout_ns = S (1000);
  g_autoptr (Duo) d = new_open (&config, 2);
  duo_advance (d, S (5));
  duo_stall_link (d, 1);
  duo_advance (d, S (16));
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 1, CAIMAN_MESSAGE_PING), ==, 1);
  gint64 sent_ns = duo_last_sent (d, DUO_CLIENT, 1, CAIMAN_MESSAGE_PING)->time_ns;
  expect_removed_between (d, DUO_CLIENT, 1, sent_ns + MS (39999), sent_ns + MS (40001),
                          CAIMAN_REASON_PING_TIMEOUT);
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 1, CAIMAN_MESSAGE_PING), ==, 1);
  duo_expect_link_state (d, DUO_CLIENT, 2, CAIMAN_LINK_WORKING);
}

/* A send that makes no progress for 40 s, likewise. */
static void
test_send_timeout (void)
{
  CaimanConfig config = duo_config ();
  config.non_working_timeout_ns = config.ack_timeout_min_ns = config.ack_timeout_max_ns = S (1000);
  config.ping_mode = CAIMAN_PING_AFTER_TIMEOUT;
  config.policy = CAIMAN_POLICY_REFERENCE;
  g_autoptr (Duo) d = new_open (&config, 1);
  duo_limit_link (d, 1, 1, 0);
  duo_stall_link (d, 1);
  gint64 sent_ns = d->now_ns;
  duo_send (d, "stuck");
  expect_removed_between (d, DUO_CLIENT, 1, sent_ns + MS (39999), sent_ns + MS (40001),
                          CAIMAN_REASON_SEND_TIMEOUT);
}

/* An acknowledgement is overdue: the link no longer works, its messages go elsewhere. */
static void
test_ack_timeout (gconstpointer data)
{
  CaimanConfig config = duo_config ();
  config.policy = GPOINTER_TO_INT (data);
  g_autoptr (Duo) d = new_open (&config, 2);
  duo_send (d, "hello");
  guint first = duo_last_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA)->link;
  duo_advance (d, MS (50));
  duo_expect_delivered (d, "hello");
  duo_stall_link (d, first);
  duo_forget (d);
  duo_send (d, "again");
  guint second = duo_last_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA)->link;
  if (second != first) {
    duo_stall_link (d, second);
    duo_resume_link (d, first);
    duo_advance (d, MS (1));
  }
  duo_advance (d, S (5));
  duo_expect_link_state (d, DUO_CLIENT, second, CAIMAN_LINK_NOT_WORKING);
  g_assert_cmpint (caiman_link_get_reason (duo_get_link (d, DUO_CLIENT, second)), ==,
                   CAIMAN_REASON_ACK_TIMEOUT);
  duo_expect_delivered (d, "again");
  CaimanLinkStats stats;
  caiman_link_get_stats (duo_get_link (d, DUO_CLIENT, second), &stats, d->now_ns);
  g_assert_cmpuint (stats.n_not_working, ==, 1);
  /* It returns: tested, and back in. */
  duo_resume_link (d, second);
  duo_advance (d, S (5));
  duo_expect_link_state (d, DUO_CLIENT, second, CAIMAN_LINK_WORKING);
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_WOULD_BLOCK);
}

/* Not working for longer than the non-working timeout: removed. */
static void
test_non_working_timeout (void)
{
  CaimanConfig config = duo_config ();
  config.non_working_timeout_ns = S (20);
  g_autoptr (Duo) d = new_open (&config, 1);
  duo_stall_link (d, 1);
  duo_send (d, "hello");
  while (caiman_link_get_state (duo_get_link (d, DUO_CLIENT, 1)) == CAIMAN_LINK_WORKING)
    duo_advance (d, MS (1));
  gint64 since_ns = d->now_ns;
  g_assert_cmpint (since_ns, <, S (10));
  expect_removed_between (d, DUO_CLIENT, 1, since_ns + MS (19990), since_ns + MS (20001),
                          CAIMAN_REASON_NON_WORKING_TIMEOUT);
}

/* No working link for no-link-timeout: the connection fails, at both ends. */
static void
test_no_link (void)
{
  CaimanConfig config = duo_config ();
  config.no_link_timeout_ns = S (90);
  g_autoptr (Duo) d = new_open (&config, 2);
  duo_advance (d, S (100));
  duo_drop_link (d, 1);
  duo_advance (d, S (100));
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_OPEN);
  duo_drop_link (d, 2);
  duo_advance (d, MS (89999));
  for (DuoSide side = 0; side < DUO_N_SIDES; side++)
    duo_expect_state (d, side, CAIMAN_CONNECTION_OPEN);
  duo_advance (d, MS (2));
  duo_expect_ended (d, CAIMAN_REASON_ALL_LINKS_FAILED, CAIMAN_REASON_ALL_LINKS_FAILED);
  duo_expect_nothing (d, DUO_CLIENT, CAIMAN_REASON_ALL_LINKS_FAILED);
  g_autoptr (GBytes) message = g_bytes_new_static ("x", 1);
  g_autoptr (GError) error = NULL;
  g_assert_false (caiman_connection_send (d->accepted, message, d->now_ns, &error));
  g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_ALL_LINKS_FAILED);
  g_assert_true (caiman_connection_is_finished (d->client));
}

/* A new link in time saves it; then the time starts anew. */
static void
test_no_link_saved (void)
{
  CaimanConfig config = duo_config ();
  config.no_link_timeout_ns = S (90);
  g_autoptr (Duo) d = new_open (&config, 1);
  duo_drop_link (d, 1);
  duo_advance (d, S (89));
  duo_add_link (d, "b", MS (10));
  duo_advance (d, S (200));
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_OPEN);
  duo_expect_state (d, DUO_SERVER, CAIMAN_CONNECTION_OPEN);
  duo_drop_link (d, 2);
  duo_advance (d, S (89));
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_OPEN);
  duo_advance (d, S (2));
  duo_expect_ended (d, CAIMAN_REASON_ALL_LINKS_FAILED, CAIMAN_REASON_ALL_LINKS_FAILED);
}

/* A client that never gets through fails, too. */
static void
test_no_link_ever (void)
{
  CaimanConfig config = duo_config ();
  config.no_link_timeout_ns = S (90);
  g_autoptr (Duo) d = duo_new (&config, NULL);
  duo_advance (d, MS (89999));
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_CONNECTING);
  duo_advance (d, MS (2));
  duo_expect_side_ended (d, DUO_CLIENT, CAIMAN_REASON_ALL_LINKS_FAILED);
}

/* Silent links are removed one by one, the last one ends the connection: exact at both ends. */
static void
test_all_silent (void)
{
  g_autoptr (Duo) d = new_open (NULL, 3);
  duo_offer (d, DUO_CLIENT, 100, 100, 100);
  duo_advance (d, S (1));
  for (guint link = 1; link <= 3; link++)
    duo_stall_link (d, link);
  duo_offer (d, DUO_CLIENT, 100, 100, 100);
  g_assert_true (duo_run_until_ended (d, S (300)));
  duo_expect_ended (d, CAIMAN_REASON_ALL_LINKS_FAILED, CAIMAN_REASON_ALL_LINKS_FAILED);
  for (guint link = 1; link <= 3; link++)
    duo_expect_link_state (d, DUO_CLIENT, link, CAIMAN_LINK_CLOSED);
}

/* --- Link tests --- */

/* PROTOCOL.md, 6: TestData up to the limit, then Ping; working once the Pong has come. */
static void
test_link_test (void)
{
  CaimanConfig config = duo_config ();
  config.test_data_bytes = KIB (64);
  g_autoptr (Duo) d = duo_new (&config, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (31));
  duo_expect_link_state (d, DUO_CLIENT, 1, CAIMAN_LINK_NEW);
  gsize n_bytes = 0;
  for (guint i = 0; i < d->log->len; i++) {
    const DuoMessage *entry = &g_array_index (d->log, DuoMessage, i);
    if (entry->side == DUO_CLIENT && entry->message.type == CAIMAN_MESSAGE_TEST_DATA)
      n_bytes += entry->message.test_data_bytes;
  }
  g_assert_cmpuint (n_bytes, ==, KIB (64));
  g_assert_cmpint (duo_last_sent (d, DUO_CLIENT, 1, 0)->message.type, ==, CAIMAN_MESSAGE_PING);
  duo_send (d, "waits");
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 1, CAIMAN_MESSAGE_DATA), ==, 0);
  duo_advance (d, MS (20));
  duo_expect_link_state (d, DUO_CLIENT, 1, CAIMAN_LINK_WORKING);
  duo_advance (d, MS (20));
  duo_expect_delivered (d, "waits");
}

/* ... or until the link pushes back. */
static void
test_link_test_push_back (void)
{
  CaimanConfig config = duo_config ();
  config.test_data_bytes = MIB (32);
  g_autoptr (Duo) d = duo_new (&config, NULL);
  CaimanLinkInfo info = { .name = "a" };
  DuoLinkLimits limits = { .bytes_max = 50000 };
  duo_add_link_full (d, &info, MS (10), &limits);
  duo_advance (d, MS (100));
  duo_expect_link_state (d, DUO_CLIENT, 1, CAIMAN_LINK_WORKING);
  guint n = duo_count_sent (d, DUO_CLIENT, 1, CAIMAN_MESSAGE_TEST_DATA);
  g_assert_cmpuint (n, >=, 1);
  g_assert_cmpuint (n, <=, 8);
}

/* A link slower than ping-max fails its test; it is tested again after the interval. */
static void
test_link_test_failed (void)
{
  CaimanConfig config = duo_config ();
  config.test_data_bytes = KIB (1);
  config.ping_max_ns = MS (100);
  config.retest_interval_ns = S (3);
  g_autoptr (Duo) d = duo_new (&config, NULL);
  duo_add_link (d, "slow", MS (80));
  duo_advance (d, S (1));
  duo_expect_link_state (d, DUO_CLIENT, 1, CAIMAN_LINK_NOT_WORKING);
  g_assert_cmpint (caiman_link_get_reason (duo_get_link (d, DUO_CLIENT, 1)), ==,
                   CAIMAN_REASON_TEST_FAILED);
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 1, CAIMAN_MESSAGE_TEST_DATA), ==, 1);
  duo_advance (d, MS (2500));
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 1, CAIMAN_MESSAGE_TEST_DATA), ==, 2);
  duo_send (d, "never");
  duo_advance (d, MS (500));
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 1, CAIMAN_MESSAGE_DATA), ==, 0);
  /* The server has no such limit. */
  duo_expect_link_state (d, DUO_SERVER, 1, CAIMAN_LINK_WORKING);
}

/* A working link that turns slow stops working. */
static void
test_ping_max (void)
{
  CaimanConfig config = duo_config ();
  config.ping_max_ns = MS (100);
  config.ping_mode = CAIMAN_PING_PERIODIC;
  config.ping_interval_ns = S (1);
  g_autoptr (Duo) d = new_open (&config, 2);
  duo_expect_link_state (d, DUO_CLIENT, 1, CAIMAN_LINK_WORKING);
  duo_advance (d, S (2));
  duo_stall_direction (d, DUO_SERVER, 1);
  duo_advance (d, MS (1150)); /* a Ping is out for at least 150 ms */
  duo_resume_link (d, 1);
  duo_advance (d, MS (1));
  duo_expect_link_state (d, DUO_CLIENT, 1, CAIMAN_LINK_NOT_WORKING);
  g_assert_cmpint (caiman_link_get_reason (duo_get_link (d, DUO_CLIENT, 1)), ==,
                   CAIMAN_REASON_TOO_SLOW);
  duo_advance (d, S (5));
  duo_expect_link_state (d, DUO_CLIENT, 1, CAIMAN_LINK_WORKING);
}

/* Demand is short of the dear link's help when both links go at once: nothing is left to decide,
 * and no deadline stays behind to be missed for ever. */
static void
test_cost_no_link (void)
{
  CaimanLinkInfo cheap = { .name = "cheap" }, dear = { .name = "dear", .cost = 1 };
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link_full (d, &cheap, MS (100), NULL);
  duo_add_link_full (d, &dear, MS (100), NULL);
  duo_advance (d, MS (300));
  duo_offer (d, DUO_CLIENT, 500, 1000, 1000);
  gint64 shortage_ns = caiman_connection_get_deadline (d->client);
  g_assert_cmpint (shortage_ns, <=, d->now_ns + S (1));
  for (guint link = 1; link <= 2; link++)
    caiman_link_set_blocked (duo_get_link (d, DUO_CLIENT, link), TRUE, d->now_ns);
  duo_advance (d, S (3));
  g_assert_cmpint (caiman_connection_get_deadline (d->client), >, d->now_ns);
  for (guint link = 1; link <= 2; link++)
    duo_unblock (d, DUO_CLIENT, link);
  d->auto_read = TRUE;
  duo_advance (d, S (3));
  g_assert_true (duo_is_delivered (d, DUO_CLIENT));
}

static void
add_per_policy (const char *name, GTestDataFunc func)
{
  for (CaimanPolicy policy = 0; policy < CAIMAN_N_POLICIES; policy++) {
    g_autofree char *path =
        g_strdup_printf ("/core/timers/%s/%s", name, caiman_policy_to_string (policy));
    g_test_add_data_func (path, GINT_TO_POINTER (policy), func);
  }
}

/* --- Acknowledgements that wait for company (ack-flush-delay) --- */

static Duo *
new_holding (void)
{
  CaimanConfig server_config = duo_config ();
  server_config.ack_flush_delay_ns = MS (50);
  Duo *d = duo_new (NULL, &server_config);
  duo_add_link (d, "x", MS (10));
  duo_advance (d, MS (50));
  duo_forget (d);
  return d;
}

static void
expect_acks (Duo *d, guint n)
{
  g_assert_cmpuint (duo_count_sent (d, DUO_SERVER, 1, CAIMAN_MESSAGE_ACK), ==, n);
}

/* Counted from the first of them. */
static void
test_acks_wait (void)
{
  g_autoptr (Duo) d = new_holding ();
  duo_send (d, "a");
  duo_advance (d, MS (20));
  duo_send (d, "b");
  duo_advance (d, MS (39));
  expect_acks (d, 0);
  duo_advance (d, MS (1));
  expect_acks (d, 2);
  duo_send (d, "c");
  duo_advance (d, MS (59));
  expect_acks (d, 2);
  duo_advance (d, MS (1));
  expect_acks (d, 3);
}

/* Whatever else goes out on the link takes them with it, but not those that come later. */
static void
test_acks_go_along (void)
{
  g_autoptr (Duo) d = new_holding ();
  duo_send (d, "a");
  duo_advance (d, MS (20));
  duo_server_send (d, "data");
  duo_settle (d);
  expect_acks (d, 1);
  duo_send (d, "b");
  duo_advance (d, MS (10));
  expect_acks (d, 1);
  CaimanMessage ping = { .type = CAIMAN_MESSAGE_PING };
  duo_inject_message (d, DUO_SERVER, 1, &ping);
  expect_acks (d, 2);
  duo_send (d, "c");
  duo_advance (d, MS (10));
  expect_acks (d, 2);
  duo_disconnect (d, DUO_SERVER, 1);
  expect_acks (d, 3);
}

/* As many as fill a peer's writer do not wait; the rest does. */
static void
test_acks_fill (void)
{
  g_autoptr (Duo) d = new_holding ();
  for (guint i = 0; i < 600; i++)
    duo_send (d, "a");
  duo_advance (d, MS (10));
  expect_acks (d, 512);
  duo_advance (d, MS (50));
  expect_acks (d, 600);
}

/* The link takes nothing when they are due: they go when it does, and no deadline stays behind. */
static void
test_acks_unwritable (void)
{
  g_autoptr (Duo) d = new_holding ();
  duo_stall_direction (d, DUO_SERVER, 1);
  duo_limit_link (d, 1, 1, 0);
  duo_server_send (d, "data");
  duo_send (d, "a");
  duo_advance (d, MS (200));
  expect_acks (d, 0);
  duo_resume_link (d, 1);
  duo_advance (d, MS (20));
  expect_acks (d, 1);
}

/* In a stream of the peer's own data acknowledgements come at once, in its pauses late: the sender
 * learns that, and suspects nobody for it. */
static void
test_acks_late_not_silent (void)
{
  g_autoptr (Duo) d = new_holding ();
  duo_add_link (d, "y", MS (12));
  d->auto_read = TRUE;
  for (guint round = 0; round < 20; round++) {
    for (guint i = 0; i < 20; i++) {
      duo_offer (d, DUO_CLIENT, 1, 500, 500);
      for (guint k = 0; k < 20; k++) {
        duo_offer (d, DUO_SERVER, 1, 500, 500);
        duo_advance (d, MS (5));
      }
    }
    for (guint i = 0; i < 10; i++) {
      duo_offer (d, DUO_CLIENT, 1, 500, 500);
      duo_advance (d, MS (100));
    }
  }
  g_assert_cmpuint (d->n_traces[DUO_CLIENT][CAIMAN_TRACE_LINK_SUSPECTED], <=, 4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/timers/ping/when-idle", test_ping_when_idle);
  g_test_add_func ("/core/timers/ping/periodic", test_ping_periodic);
  g_test_add_func ("/core/timers/ping/after-timeout", test_ping_after_timeout);
  g_test_add_func ("/core/timers/ping/timeout", test_ping_timeout);
  g_test_add_func ("/core/timers/ping/max", test_ping_max);
  g_test_add_func ("/core/timers/send-timeout", test_send_timeout);
  g_test_add_func ("/core/timers/cost-no-link", test_cost_no_link);
  add_per_policy ("ack-timeout", test_ack_timeout);
  g_test_add_func ("/core/timers/non-working", test_non_working_timeout);
  g_test_add_func ("/core/timers/no-link/both-ends", test_no_link);
  g_test_add_func ("/core/timers/no-link/saved", test_no_link_saved);
  g_test_add_func ("/core/timers/no-link/ever", test_no_link_ever);
  g_test_add_func ("/core/timers/no-link/all-silent", test_all_silent);
  g_test_add_func ("/core/timers/test/passed", test_link_test);
  g_test_add_func ("/core/timers/test/push-back", test_link_test_push_back);
  g_test_add_func ("/core/timers/test/failed", test_link_test_failed);
  g_test_add_func ("/core/timers/acks/wait", test_acks_wait);
  g_test_add_func ("/core/timers/acks/go-along", test_acks_go_along);
  g_test_add_func ("/core/timers/acks/fill", test_acks_fill);
  g_test_add_func ("/core/timers/acks/unwritable", test_acks_unwritable);
  g_test_add_func ("/core/timers/acks/late-not-silent", test_acks_late_not_silent);
  return g_test_run ();
}
