/* SPDX-License-Identifier: Apache-2.0 */
/* test-ends.c - an end tells the truth: "finished" and "flushed" are said only when nothing was
 * lost, and whoever should hear of the end does (PROTOCOL.md, 5, Closing). */
#include "tests/core/duo.h"

static Duo *
new_open (gint64 receive_buffer_bytes)
{
  CaimanConfig config = duo_config ();
  config.receive_buffer_bytes = receive_buffer_bytes;
  Duo *d = duo_new (&config, &config);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (100));
  duo_forget (d);
  return d;
}

/* Both directions are finished, but data is still under way when the last link goes: that is no
 * end yet. A link that comes back in time delivers it. */
static void
test_data_owed (gconstpointer data)
{
  gsize size_bytes = GPOINTER_TO_SIZE (data);
  g_autoptr (Duo) d = new_open (MIB (1));
  g_autoptr (GBytes) message = g_bytes_new_static ("12345678", size_bytes);
  duo_finish (d, DUO_CLIENT);
  duo_advance (d, MS (50));
  g_assert_true (caiman_connection_send (d->accepted, message, d->now_ns, NULL));
  duo_finish (d, DUO_SERVER);
  duo_drop_link (d, 1);
  duo_advance (d, S (5));
  duo_expect_state (d, DUO_SERVER, CAIMAN_CONNECTION_OPEN);
  duo_add_link (d, "again", MS (10));
  duo_advance (d, S (1));
  g_autoptr (GBytes) received = caiman_connection_receive (d->client, d->now_ns, NULL);
  g_assert_nonnull (received);
  g_assert_cmpuint (g_bytes_get_size (received), ==, size_bytes);
  duo_expect_nothing (d, DUO_CLIENT, CAIMAN_REASON_FINISHED);
  duo_expect_ended (d, CAIMAN_REASON_FINISHED, CAIMAN_REASON_FINISHED);
}

/* No link comes back: the sender is told that this was no graceful end. */
static void
test_data_lost (void)
{
  g_autoptr (Duo) d = new_open (MIB (1));
  duo_finish (d, DUO_CLIENT);
  duo_advance (d, MS (50));
  duo_server_send (d, "too late");
  duo_finish (d, DUO_SERVER);
  duo_drop_link (d, 1);
  g_assert_true (duo_run_until_ended (d, S (1000)));
  duo_expect_ended (d, CAIMAN_REASON_ALL_LINKS_FAILED, CAIMAN_REASON_ALL_LINKS_FAILED);
}

/* The server has forgotten the connection while data was owed to it. */
static void
test_data_refused (void)
{
  static const CaimanId server_id = { { 7 } };
  CaimanMessage accepted = { .type = CAIMAN_MESSAGE_ACCEPTED };
  CaimanMessage finish = { .type = CAIMAN_MESSAGE_SEND_FINISH, .seq = 0 };
  CaimanMessage refused = { .type = CAIMAN_MESSAGE_REFUSED, .refused_code = CAIMAN_REFUSED_CLOSED };
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_raw_link (d, DUO_CLIENT, "a");
  duo_raw_welcome (d, 1, &server_id);
  duo_inject_message (d, DUO_CLIENT, 1, &accepted);
  duo_inject_message (d, DUO_CLIENT, 1, &finish);
  duo_send (d, "nobody hears this");
  duo_finish (d, DUO_CLIENT);
  duo_drop_link (d, 1);
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_OPEN);
  duo_add_raw_link (d, DUO_CLIENT, "b");
  duo_raw_welcome (d, 2, &server_id);
  duo_inject_message (d, DUO_CLIENT, 2, &refused);
  duo_expect_side_ended (d, DUO_CLIENT, CAIMAN_REASON_CLOSED);
}

/* SendFinish has been delivered, but Terminate cuts off what was not read yet. */
static void
test_unread_terminated (gconstpointer data)
{
  DuoSide side = (DuoSide)GPOINTER_TO_INT (data);
  g_autoptr (Duo) d = new_open (MIB (1));
  duo_send (d, "unread");
  duo_finish (d, DUO_CLIENT);
  duo_advance (d, MS (50));
  caiman_connection_terminate (duo_get_end (d, side), d->now_ns);
  duo_advance (d, MS (50));
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_TERMINATED);
}

/* An application that left many messages unread still gets the answer to its Terminate. */
static void
test_terminate_unread (void)
{
  g_autoptr (Duo) d = new_open (10000);
  duo_offer (d, DUO_CLIENT, 100, 10, 10);
  duo_advance (d, MS (200));
  caiman_connection_terminate (d->accepted, d->now_ns);
  duo_advance (d, MS (50));
  duo_expect_ended (d, CAIMAN_REASON_TERMINATED, CAIMAN_REASON_TERMINATED);
}

/* A link that joins while Terminate is out on dead ones carries it, too. */
static void
test_terminate_new_link (void)
{
  g_autoptr (Duo) d = new_open (MIB (1));
  duo_stall_link (d, 1);
  caiman_connection_terminate (d->accepted, d->now_ns);
  duo_settle (d);
  duo_add_link (d, "new", MS (10));
  duo_advance (d, MS (100));
  duo_expect_ended (d, CAIMAN_REASON_TERMINATED, CAIMAN_REASON_TERMINATED);
}

/* So does one that is saying Goodbye, when there is no other. */
static void
test_terminate_closing_link (void)
{
  g_autoptr (Duo) d = new_open (MIB (1));
  duo_disconnect (d, DUO_CLIENT, 1);
  caiman_connection_terminate (d->client, d->now_ns);
  duo_advance (d, MS (100));
  duo_expect_ended (d, CAIMAN_REASON_TERMINATED, CAIMAN_REASON_TERMINATED);
}

/* So does one whose handshake is under way, when the others are gone: with the end of its time-out
 * nobody is left to be told. */
static void
test_terminate_connecting_link (void)
{
  g_autoptr (Duo) d = new_open (MIB (1));
  duo_add_link (d, "new", MS (10));
  duo_drop_link (d, 1);
  caiman_connection_terminate (d->client, d->now_ns);
  duo_settle (d);
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_TERMINATING);
  duo_advance (d, MS (100));
  duo_expect_ended (d, CAIMAN_REASON_TERMINATED, CAIMAN_REASON_TERMINATED);
}

static void
test_terminate_connecting_in_vain (void)
{
  g_autoptr (Duo) d = new_open (MIB (1));
  duo_add_raw_link (d, DUO_CLIENT, "new");
  duo_drop_link (d, 1);
  caiman_connection_terminate (d->client, d->now_ns);
  duo_advance (d, S (39));
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_TERMINATING);
  duo_advance (d, S (2));
  duo_expect_side_ended (d, DUO_CLIENT, CAIMAN_REASON_TERMINATED);
}

/* The server has forgotten the connection: that ends it as well. */
static void
test_terminate_forgotten (void)
{
  g_autoptr (Duo) d = new_open (MIB (1));
  duo_drop_link (d, 1);
  g_clear_pointer (&d->accepted, caiman_connection_free);
  duo_add_link (d, "new", MS (10));
  caiman_connection_terminate (d->client, d->now_ns);
  duo_advance (d, MS (100));
  duo_expect_side_ended (d, DUO_CLIENT, CAIMAN_REASON_TERMINATED);
}

/* Before any link was accepted there is nobody to be told. */
static void
test_terminate_before_accepted (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  caiman_connection_terminate (d->client, d->now_ns);
  duo_settle (d);
  duo_expect_side_ended (d, DUO_CLIENT, CAIMAN_REASON_TERMINATED);
}

/* What was thrown away because the peer dropped its receiver was not flushed. */
static void
test_flush_dropped (void)
{
  g_autoptr (Duo) d = new_open (4000);
  duo_offer (d, DUO_CLIENT, 20, 1000, 1000);
  caiman_connection_flush (d->client, d->now_ns);
  duo_advance (d, MS (100));
  caiman_connection_drop_receiver (d->accepted, d->now_ns);
  duo_advance (d, MS (100));
  g_assert_cmpuint (duo_count_events (d, DUO_CLIENT, CAIMAN_EVENT_PEER_DROPPED_RECEIVER), ==, 1);
  g_assert_cmpuint (duo_count_events (d, DUO_CLIENT, CAIMAN_EVENT_FLUSHED), ==, 0);
}

/* Closing may take longer than the termination time-out as long as data gets through. */
static void
test_slow_closing (void)
{
  g_autoptr (Duo) d = new_open (20000);
  duo_finish (d, DUO_SERVER);
  duo_offer (d, DUO_CLIENT, 200, 8000, 8000);
  duo_finish (d, DUO_CLIENT);
  for (guint i = 0; i < 200; i++) {
    duo_advance (d, S (2));
    g_autoptr (GBytes) message = caiman_connection_receive (d->accepted, d->now_ns, NULL);
    g_assert_nonnull (message);
  }
  duo_advance (d, S (2));
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_FINISHED);
  duo_expect_ended (d, CAIMAN_REASON_FINISHED, CAIMAN_REASON_FINISHED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/core/ends/data-owed", GSIZE_TO_POINTER (8), test_data_owed);
  g_test_add_data_func ("/core/ends/data-owed-empty", GSIZE_TO_POINTER (0), test_data_owed);
  g_test_add_func ("/core/ends/data-lost", test_data_lost);
  g_test_add_func ("/core/ends/data-refused", test_data_refused);
  g_test_add_data_func ("/core/ends/unread/terminated-by-peer", GINT_TO_POINTER (DUO_CLIENT),
                        test_unread_terminated);
  g_test_add_data_func ("/core/ends/unread/terminated-here", GINT_TO_POINTER (DUO_SERVER),
                        test_unread_terminated);
  g_test_add_func ("/core/ends/terminate/unread", test_terminate_unread);
  g_test_add_func ("/core/ends/terminate/new-link", test_terminate_new_link);
  g_test_add_func ("/core/ends/terminate/closing-link", test_terminate_closing_link);
  g_test_add_func ("/core/ends/terminate/connecting-link", test_terminate_connecting_link);
  g_test_add_func ("/core/ends/terminate/connecting-in-vain", test_terminate_connecting_in_vain);
  g_test_add_func ("/core/ends/terminate/forgotten", test_terminate_forgotten);
  g_test_add_func ("/core/ends/terminate/before-accepted", test_terminate_before_accepted);
  g_test_add_func ("/core/ends/flush-dropped", test_flush_dropped);
  g_test_add_func ("/core/ends/slow-closing", test_slow_closing);
  return g_test_run ();
}
