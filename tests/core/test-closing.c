/* SPDX-License-Identifier: Apache-2.0 */
/* test-closing.c - every way in which a direction, a link or a connection ends (PROTOCOL.md, 5,
 * Closing). */
#include "tests/core/duo.h"

static Duo *
new_open (guint n_links)
{
  Duo *d = duo_new (NULL, NULL);
  for (guint i = 0; i < n_links; i++)
    duo_add_link (d, "x", MS (10));
  duo_advance (d, MS (50));
  return d;
}

static void
expect_send_fails (Duo *d, DuoSide side, CaimanReason reason)
{
  g_autoptr (GBytes) message = g_bytes_new_static ("x", 1);
  g_autoptr (GError) error = NULL;
  CaimanConnection *connection = duo_get_end (d, side);
  g_assert_false (caiman_connection_send (connection, message, d->now_ns, &error));
  g_assert_error (error, CAIMAN_ERROR, (int)reason);
  g_clear_error (&error);
  g_assert_cmpint (caiman_connection_write (connection, message, 0, d->now_ns, &error), ==, -1);
  g_assert_error (error, CAIMAN_ERROR, (int)reason);
  g_assert_cmpuint (caiman_connection_get_send_room (connection), ==, 0);
}

/* Both ends have ended well, no link is left, and nothing is due any more. */
static void
expect_all_over (Duo *d)
{
  duo_advance (d, MS (100));
  duo_expect_ended (d, CAIMAN_REASON_FINISHED, CAIMAN_REASON_FINISHED);
  g_assert_true (caiman_connection_is_finished (d->client));
  g_assert_true (caiman_connection_is_finished (d->accepted));
  g_assert_cmpint (caiman_connection_get_deadline (d->client), ==, CAIMAN_TIME_NEVER);
  g_assert_cmpint (caiman_connection_get_deadline (d->accepted), ==, CAIMAN_TIME_NEVER);
  for (DuoSide side = 0; side < DUO_N_SIDES; side++)
    g_assert_cmpuint (duo_count_events (d, side, CAIMAN_EVENT_ENDED), ==, 1);
}

/* SendFinish is delivered in order; the other direction goes on until it is finished, too. */
static void
test_one_after_the_other (gconstpointer data)
{
  DuoSide first = (DuoSide)GPOINTER_TO_INT (data);
  DuoSide second = first == DUO_CLIENT ? DUO_SERVER : DUO_CLIENT;
  g_autoptr (Duo) d = new_open (2);
  duo_send (d, "last words");
  duo_server_send (d, "last words");
  duo_finish (d, first);
  expect_send_fails (d, first, CAIMAN_REASON_SEND_FINISHED);
  duo_advance (d, MS (50));
  duo_expect_delivered_at (d, second, "last words", __FILE__, __LINE__);
  duo_expect_nothing (d, second, CAIMAN_REASON_FINISHED);
  duo_expect_delivered_at (d, first, "last words", __FILE__, __LINE__);
  duo_expect_nothing (d, first, CAIMAN_REASON_WOULD_BLOCK);

  duo_advance (d, S (60));
  for (DuoSide side = 0; side < DUO_N_SIDES; side++)
    duo_expect_state (d, side, CAIMAN_CONNECTION_OPEN);
  if (second == DUO_CLIENT)
    duo_send (d, "half-closed");
  else
    duo_server_send (d, "half-closed");
  duo_finish (d, second);
  duo_advance (d, MS (50));
  duo_expect_delivered_at (d, first, "half-closed", __FILE__, __LINE__);
  duo_expect_nothing (d, first, CAIMAN_REASON_FINISHED);
  expect_all_over (d);
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_SEND_FINISH), ==, 1);
  g_assert_cmpuint (duo_count_sent (d, DUO_SERVER, 0, CAIMAN_MESSAGE_SEND_FINISH), ==, 1);
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_RECEIVE_FINISH), ==, 0);
  g_assert_cmpuint (duo_count_sent (d, DUO_SERVER, 0, CAIMAN_MESSAGE_RECEIVE_FINISH), ==, 0);
  expect_send_fails (d, first, CAIMAN_REASON_SEND_FINISHED);
  duo_expect_nothing (d, first, CAIMAN_REASON_FINISHED);
}

static void
test_both_at_once (void)
{
  g_autoptr (Duo) d = new_open (2);
  duo_finish (d, DUO_CLIENT);
  duo_finish (d, DUO_SERVER);
  duo_advance (d, MS (100));
  expect_all_over (d);
}

/* Finishing does not overtake data, nor the connection's opening. */
static void
test_finish_before_open (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  d->auto_accept = FALSE;
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  duo_send (d, "all I have");
  duo_finish (d, DUO_CLIENT);
  duo_advance (d, S (5));
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_CONNECTING);
  duo_accept (d);
  duo_advance (d, MS (50));
  duo_expect_delivered (d, "all I have");
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_FINISHED);
  duo_finish (d, DUO_SERVER);
  duo_advance (d, MS (50));
  expect_all_over (d);
}

/* Everything that was sent can be read, however late. */
static void
test_unread_data (void)
{
  g_autoptr (Duo) d = new_open (1);
  duo_send (d, "first");
  duo_send (d, "second");
  duo_finish (d, DUO_CLIENT);
  duo_finish (d, DUO_SERVER);
  duo_advance (d, S (10));
  duo_expect_delivered (d, "first");
  duo_advance (d, S (10));
  duo_expect_delivered (d, "second");
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_FINISHED);
  duo_advance (d, MS (100));
  expect_all_over (d);
}

/* ReceiveClose asks; what is sent is still processed. */
static void
test_receive_close (void)
{
  g_autoptr (Duo) d = new_open (1);
  duo_send (d, "before");
  caiman_connection_close_receiver (d->accepted, d->now_ns);
  duo_advance (d, MS (50));
  g_assert_cmpuint (duo_count_events (d, DUO_CLIENT, CAIMAN_EVENT_PEER_STOPPED_READING), ==, 1);
  g_assert_cmpuint (duo_count_sent (d, DUO_SERVER, 0, CAIMAN_MESSAGE_RECEIVE_CLOSE), ==, 1);
  duo_send (d, "after");
  duo_finish (d, DUO_CLIENT);
  duo_advance (d, MS (50));
  duo_expect_delivered (d, "before");
  duo_expect_delivered (d, "after");
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_FINISHED);
  caiman_connection_close_receiver (d->accepted, d->now_ns);
  duo_finish (d, DUO_SERVER);
  duo_advance (d, MS (50));
  expect_all_over (d);
}

/* ReceiveFinish: the sender fails with "dropped", what is under way is acknowledged, thrown away
 * and returned, and no SendFinish is owed. */
static void
test_receive_finish (void)
{
  g_autoptr (Duo) d = new_open (2);
  d->auto_read = FALSE;
  duo_send (d, "unread");
  duo_advance (d, MS (50));
  duo_offer (d, DUO_CLIENT, 50, 1000, 1000);
  duo_advance (d, MS (5));
  caiman_connection_drop_receiver (d->accepted, d->now_ns);
  duo_advance (d, MS (50));
  g_assert_cmpuint (duo_count_sent (d, DUO_SERVER, 0, CAIMAN_MESSAGE_RECEIVE_FINISH), ==, 1);
  g_assert_cmpuint (duo_count_events (d, DUO_CLIENT, CAIMAN_EVENT_PEER_DROPPED_RECEIVER), ==, 1);
  expect_send_fails (d, DUO_CLIENT, CAIMAN_REASON_RECEIVER_DROPPED);
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_FINISHED);
  duo_advance (d, MS (50));
  CaimanConnectionStats stats;
  caiman_connection_get_stats (d->client, &stats);
  g_assert_cmpuint (stats.unacked_bytes, ==, 0);
  g_assert_cmpuint (stats.unconsumed_bytes, ==, 0);
  g_assert_cmpuint (stats.unsent_bytes, ==, 0);
  /* The other direction is as good as ever. */
  duo_server_send (d, "still talking");
  duo_advance (d, MS (20));
  duo_expect_client_delivered (d, "still talking");
  duo_finish (d, DUO_SERVER);
  duo_advance (d, MS (50));
  duo_expect_nothing (d, DUO_CLIENT, CAIMAN_REASON_FINISHED);
  expect_all_over (d);
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_SEND_FINISH), ==, 0);
}

/* After SendFinish has been delivered no ReceiveFinish is sent. */
static void
test_no_receive_finish_after_end (void)
{
  g_autoptr (Duo) d = new_open (1);
  duo_send (d, "unread");
  duo_finish (d, DUO_CLIENT);
  duo_advance (d, MS (50));
  duo_close (d, DUO_SERVER);
  duo_advance (d, MS (100));
  g_assert_cmpuint (duo_count_sent (d, DUO_SERVER, 0, CAIMAN_MESSAGE_RECEIVE_FINISH), ==, 0);
  expect_all_over (d);
}

/* close() at one end, then at the other; at both at once; with data under way both ways. */
static void
test_close (gconstpointer data)
{
  gint64 later_ns = GPOINTER_TO_INT (data) * MS (1);
  g_autoptr (Duo) d = new_open (2);
  duo_offer (d, DUO_CLIENT, 20, 1000, 1000);
  duo_offer (d, DUO_SERVER, 20, 1000, 1000);
  duo_advance (d, MS (5));
  duo_close (d, DUO_CLIENT);
  duo_advance (d, later_ns);
  duo_close (d, DUO_SERVER);
  duo_advance (d, MS (200));
  expect_all_over (d);
}

/* The links may be gone by then: whoever has all it is owed ends all the same. */
static void
test_links_gone (void)
{
  g_autoptr (Duo) d = new_open (1);
  duo_finish (d, DUO_CLIENT);
  duo_finish (d, DUO_SERVER);
  duo_advance (d, MS (15)); /* both SendFinish have arrived, their Acks have not */
  duo_drop_link (d, 1);
  duo_advance (d, MS (100));
  duo_expect_nothing (d, DUO_CLIENT, CAIMAN_REASON_FINISHED);
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_FINISHED);
  duo_expect_ended (d, CAIMAN_REASON_FINISHED, CAIMAN_REASON_FINISHED);
}

/* Closing that does not complete is given up after 300 s. */
static void
test_termination_timeout (void)
{
  CaimanConfig config = duo_config ();
  config.ping_timeout_ns = config.no_link_timeout_ns = config.non_working_timeout_ns = S (3000);
  g_autoptr (Duo) d = duo_new (&config, &config);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  duo_stall_link (d, 1);
  duo_close (d, DUO_CLIENT);
  duo_advance (d, MS (299999));
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_OPEN);
  duo_advance (d, MS (2));
  duo_expect_side_ended (d, DUO_CLIENT, CAIMAN_REASON_TERMINATION_TIMEOUT);
  duo_expect_link_state (d, DUO_CLIENT, 1, CAIMAN_LINK_CLOSED);
  duo_expect_state (d, DUO_SERVER, CAIMAN_CONNECTION_OPEN);
}

/* --- Terminate --- */

static void
test_terminate (gconstpointer data)
{
  DuoSide side = (DuoSide)GPOINTER_TO_INT (data);
  g_autoptr (Duo) d = new_open (3);
  duo_offer (d, DUO_CLIENT, 100, 1000, 1000);
  duo_offer (d, DUO_SERVER, 100, 1000, 1000);
  duo_advance (d, MS (15));
  caiman_connection_terminate (duo_get_end (d, side), d->now_ns);
  duo_settle (d);
  for (guint link = 1; link <= 3; link++)
    g_assert_cmpuint (duo_count_sent (d, side, link, CAIMAN_MESSAGE_TERMINATE), ==, 1);
  duo_expect_state (d, side, CAIMAN_CONNECTION_TERMINATING);
  expect_send_fails (d, side, CAIMAN_REASON_TERMINATED);
  duo_expect_nothing (d, side, CAIMAN_REASON_TERMINATED);
  duo_advance (d, MS (10));
  DuoSide other = side == DUO_CLIENT ? DUO_SERVER : DUO_CLIENT;
  duo_expect_side_ended (d, other, CAIMAN_REASON_TERMINATED);
  g_assert_cmpuint (duo_count_sent (d, other, 0, CAIMAN_MESSAGE_TERMINATE), >=, 1);
  duo_advance (d, MS (10));
  duo_expect_ended (d, CAIMAN_REASON_TERMINATED, CAIMAN_REASON_TERMINATED);
  for (DuoSide end = 0; end < DUO_N_SIDES; end++) {
    duo_expect_nothing (d, end, CAIMAN_REASON_TERMINATED);
    expect_send_fails (d, end, CAIMAN_REASON_TERMINATED);
  }
  duo_advance (d, MS (50));
  g_assert_true (caiman_connection_is_finished (d->client));
  g_assert_true (caiman_connection_is_finished (d->accepted));
  for (guint link = 1; link <= 3; link++)
    duo_expect_link_closed (d, side, link, CAIMAN_REASON_CONNECTION_ENDED);
}

/* Both at once: their Terminates cross. */
static void
test_terminate_crossing (void)
{
  g_autoptr (Duo) d = new_open (2);
  caiman_connection_terminate (d->client, d->now_ns);
  caiman_connection_terminate (d->accepted, d->now_ns);
  caiman_connection_terminate (d->accepted, d->now_ns);
  duo_advance (d, MS (11));
  duo_expect_ended (d, CAIMAN_REASON_TERMINATED, CAIMAN_REASON_TERMINATED);
  duo_advance (d, MS (50));
  g_assert_true (caiman_connection_is_finished (d->client));
  g_assert_true (caiman_connection_is_finished (d->accepted));
}

/* Nobody answers: bounded by the termination timeout. */
static void
test_terminate_unanswered (void)
{
  CaimanConfig config = duo_config ();
  config.termination_timeout_ns = S (7);
  g_autoptr (Duo) d = duo_new (&config, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  duo_stall_link (d, 1);
  caiman_connection_terminate (d->client, d->now_ns);
  duo_advance (d, MS (6999));
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_TERMINATING);
  duo_advance (d, MS (2));
  duo_expect_side_ended (d, DUO_CLIENT, CAIMAN_REASON_TERMINATED);
  duo_expect_state (d, DUO_SERVER, CAIMAN_CONNECTION_OPEN);
}

/* With the last link gone nobody can answer. */
static void
test_terminate_links_gone (void)
{
  g_autoptr (Duo) d = new_open (1);
  caiman_connection_terminate (d->client, d->now_ns);
  duo_drop_link (d, 1);
  duo_advance (d, MS (1));
  duo_expect_side_ended (d, DUO_CLIENT, CAIMAN_REASON_TERMINATED);
  g_autoptr (Duo) without = new_open (0);
  caiman_connection_terminate (without->client, without->now_ns);
  duo_advance (without, MS (1));
  duo_expect_side_ended (without, DUO_CLIENT, CAIMAN_REASON_TERMINATED);
}

/* Before anything was accepted. */
static void
test_terminate_connecting (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (5));
  caiman_connection_terminate (d->client, d->now_ns);
  duo_advance (d, S (1));
  duo_expect_side_ended (d, DUO_CLIENT, CAIMAN_REASON_TERMINATED);
  duo_expect_link_state (d, DUO_CLIENT, 1, CAIMAN_LINK_CLOSED);
  g_assert_true (caiman_connection_is_finished (d->client));
}

/* What the link holds already goes out before Terminate. */
static void
test_terminate_behind_data (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  CaimanLinkInfo info = { .name = "a" };
  DuoLinkLimits limits = { .packets_max = 4 };
  duo_add_link_full (d, &info, MS (10), &limits);
  duo_advance (d, MS (50));
  duo_offer (d, DUO_CLIENT, 20, 100, 100);
  caiman_connection_terminate (d->client, d->now_ns);
  duo_settle (d);
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 1, CAIMAN_MESSAGE_TERMINATE), ==, 0);
  duo_advance (d, MS (50));
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 1, CAIMAN_MESSAGE_TERMINATE), ==, 1);
  duo_expect_ended (d, CAIMAN_REASON_TERMINATED, CAIMAN_REASON_TERMINATED);
}

/* --- Goodbye --- */

static void
test_goodbye (gconstpointer data)
{
  DuoSide side = (DuoSide)GPOINTER_TO_INT (data);
  DuoSide other = side == DUO_CLIENT ? DUO_SERVER : DUO_CLIENT;
  g_autoptr (Duo) d = new_open (2);
  d->auto_read = TRUE;
  duo_offer (d, DUO_CLIENT, 200, 1000, 1000);
  duo_offer (d, DUO_SERVER, 200, 1000, 1000);
  duo_advance (d, MS (5));
  duo_disconnect (d, side, 1);
  duo_expect_link_state (d, side, 1, CAIMAN_LINK_CLOSING);
  g_assert_cmpint (duo_last_sent (d, side, 1, 0)->message.type, ==, CAIMAN_MESSAGE_GOODBYE);
  guint n_sent = duo_count_sent (d, side, 1, CAIMAN_MESSAGE_DATA);
  duo_advance (d, MS (100));
  duo_expect_link_closed (d, side, 1, CAIMAN_REASON_LINK_DISCONNECTED);
  duo_expect_link_closed (d, other, 1, CAIMAN_REASON_LINK_GOODBYE);
  g_assert_cmpuint (duo_count_sent (d, other, 1, CAIMAN_MESSAGE_GOODBYE), ==, 1);
  g_assert_cmpuint (duo_count_sent (d, side, 1, CAIMAN_MESSAGE_GOODBYE), ==, 1);
  g_assert_cmpuint (duo_count_sent (d, side, 1, CAIMAN_MESSAGE_DATA), ==, n_sent);
  duo_run_until_idle (d);
  g_assert_true (duo_is_delivered (d, DUO_CLIENT));
  g_assert_true (duo_is_delivered (d, DUO_SERVER));
  duo_expect_link_state (d, side, 2, CAIMAN_LINK_WORKING);
}

/* Both want it at once. */
static void
test_goodbye_crossing (void)
{
  g_autoptr (Duo) d = new_open (2);
  duo_disconnect (d, DUO_CLIENT, 1);
  duo_disconnect (d, DUO_SERVER, 1);
  duo_disconnect (d, DUO_SERVER, 1);
  duo_advance (d, MS (50));
  duo_expect_link_closed (d, DUO_CLIENT, 1, CAIMAN_REASON_LINK_DISCONNECTED);
  duo_expect_link_closed (d, DUO_SERVER, 1, CAIMAN_REASON_LINK_DISCONNECTED);
  for (DuoSide side = 0; side < DUO_N_SIDES; side++) {
    g_assert_cmpuint (duo_count_sent (d, side, 1, CAIMAN_MESSAGE_GOODBYE), ==, 1);
    duo_expect_state (d, side, CAIMAN_CONNECTION_OPEN);
  }
}

/* Nobody answers the Goodbye: the link does not stay for ever. */
static void
test_goodbye_unanswered (void)
{
  g_autoptr (Duo) d = new_open (2);
  duo_stall_link (d, 1);
  duo_disconnect (d, DUO_CLIENT, 1);
  duo_advance (d, S (39));
  duo_expect_link_state (d, DUO_CLIENT, 1, CAIMAN_LINK_CLOSING);
  duo_advance (d, S (2));
  duo_expect_link_closed (d, DUO_CLIENT, 1, CAIMAN_REASON_LINK_DISCONNECTED);
}

/* In its handshake a link has nobody to say Goodbye to. */
static void
test_disconnect_connecting (void)
{
  g_autoptr (Duo) d = new_open (1);
  duo_add_link (d, "b", MS (10));
  duo_advance (d, MS (5));
  duo_disconnect (d, DUO_CLIENT, 2);
  duo_expect_link_closed (d, DUO_CLIENT, 2, CAIMAN_REASON_LINK_DISCONNECTED);
  duo_advance (d, MS (50));
  duo_expect_link_state (d, DUO_SERVER, 2, CAIMAN_LINK_CLOSED);
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_OPEN);
}

/* A link that leaves during its test: the Pong that decides it comes too late to matter. */
static void
test_goodbye_during_test (void)
{
  CaimanConfig config = duo_config ();
  config.test_data_bytes = KIB (64);
  g_autoptr (Duo) d = duo_new (&config, &config);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (100));
  duo_add_link (d, "b", MS (10));
  duo_advance (d, MS (31));
  duo_expect_link_state (d, DUO_CLIENT, 2, CAIMAN_LINK_NEW);
  duo_disconnect (d, DUO_CLIENT, 2);
  duo_advance (d, MS (100));
  duo_expect_link_closed (d, DUO_CLIENT, 2, CAIMAN_REASON_LINK_DISCONNECTED);
  duo_expect_link_closed (d, DUO_SERVER, 2, CAIMAN_REASON_LINK_GOODBYE);
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_OPEN);
  duo_expect_state (d, DUO_SERVER, CAIMAN_CONNECTION_OPEN);
}

/* Goodbye to the last link; the connection waits for another one. */
static void
test_goodbye_last_link (void)
{
  g_autoptr (Duo) d = new_open (1);
  duo_disconnect (d, DUO_SERVER, 1);
  duo_advance (d, MS (50));
  duo_expect_link_state (d, DUO_CLIENT, 1, CAIMAN_LINK_CLOSED);
  duo_send (d, "patience");
  duo_add_link (d, "b", MS (10));
  duo_advance (d, MS (50));
  duo_expect_delivered (d, "patience");
}

/* An end that is freed without a word: its links are gone, its memory, too. */
static void
test_free (void)
{
  g_autoptr (Duo) d = new_open (2);
  duo_offer (d, DUO_CLIENT, 100, 1000, 1000);
  duo_advance (d, MS (15));
  CaimanLink *link = duo_get_link (d, DUO_SERVER, 1);
  g_clear_pointer (&d->accepted, caiman_connection_free);
  g_assert_cmpint (caiman_link_get_state (link), ==, CAIMAN_LINK_CLOSED);
  /* Late calls of the transport are harmless (link.h). */
  caiman_link_received (link, (const guint8 *)"\x05", 1, NULL, d->now_ns);
  caiman_link_set_writable (link, FALSE, d->now_ns);
  caiman_link_set_blocked (link, TRUE, d->now_ns);
  caiman_link_disconnect (link, d->now_ns);
  caiman_link_set_cost (link, 3, d->now_ns);
  caiman_link_failed (link, CAIMAN_REASON_LINK_RESET, d->now_ns);
  g_assert_cmpint (caiman_link_get_silent_since (link), ==, CAIMAN_TIME_NEVER);
  caiman_connection_free (NULL);
  caiman_server_free (NULL);
}

/* No links are taken once it has ended. */
static void
test_no_link_after_end (void)
{
  g_autoptr (Duo) d = new_open (1);
  duo_close (d, DUO_CLIENT);
  duo_close (d, DUO_SERVER);
  duo_advance (d, MS (100));
  CaimanLinkInfo info = { .name = "late" };
  g_assert_null (caiman_connection_add_link (d->client, &info, d->now_ns));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/core/closing/finish/client-first", GINT_TO_POINTER (DUO_CLIENT),
                        test_one_after_the_other);
  g_test_add_data_func ("/core/closing/finish/server-first", GINT_TO_POINTER (DUO_SERVER),
                        test_one_after_the_other);
  g_test_add_func ("/core/closing/finish/both-at-once", test_both_at_once);
  g_test_add_func ("/core/closing/finish/before-open", test_finish_before_open);
  g_test_add_func ("/core/closing/finish/unread-data", test_unread_data);
  g_test_add_func ("/core/closing/receive-close", test_receive_close);
  g_test_add_func ("/core/closing/receive-finish", test_receive_finish);
  g_test_add_func ("/core/closing/no-receive-finish-after-end", test_no_receive_finish_after_end);
  g_test_add_data_func ("/core/closing/close/at-once", GINT_TO_POINTER (0), test_close);
  g_test_add_data_func ("/core/closing/close/crossing", GINT_TO_POINTER (5), test_close);
  g_test_add_data_func ("/core/closing/close/later", GINT_TO_POINTER (12), test_close);
  g_test_add_data_func ("/core/closing/close/much-later", GINT_TO_POINTER (5000), test_close);
  g_test_add_func ("/core/closing/links-gone", test_links_gone);
  g_test_add_func ("/core/closing/termination-timeout", test_termination_timeout);
  g_test_add_data_func ("/core/closing/terminate/client", GINT_TO_POINTER (DUO_CLIENT),
                        test_terminate);
  g_test_add_data_func ("/core/closing/terminate/server", GINT_TO_POINTER (DUO_SERVER),
                        test_terminate);
  g_test_add_func ("/core/closing/terminate/crossing", test_terminate_crossing);
  g_test_add_func ("/core/closing/terminate/unanswered", test_terminate_unanswered);
  g_test_add_func ("/core/closing/terminate/links-gone", test_terminate_links_gone);
  g_test_add_func ("/core/closing/terminate/connecting", test_terminate_connecting);
  g_test_add_func ("/core/closing/terminate/behind-data", test_terminate_behind_data);
  g_test_add_data_func ("/core/closing/goodbye/client", GINT_TO_POINTER (DUO_CLIENT), test_goodbye);
  g_test_add_data_func ("/core/closing/goodbye/server", GINT_TO_POINTER (DUO_SERVER), test_goodbye);
  g_test_add_func ("/core/closing/goodbye/crossing", test_goodbye_crossing);
  g_test_add_func ("/core/closing/goodbye/unanswered", test_goodbye_unanswered);
  g_test_add_func ("/core/closing/goodbye/connecting", test_disconnect_connecting);
  g_test_add_func ("/core/closing/goodbye/during-test", test_goodbye_during_test);
  g_test_add_func ("/core/closing/goodbye/last-link", test_goodbye_last_link);
  g_test_add_func ("/core/closing/free", test_free);
  g_test_add_func ("/core/closing/no-link-after-end", test_no_link_after_end);
  return g_test_run ();
}
