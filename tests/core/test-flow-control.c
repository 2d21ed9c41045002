/* SPDX-License-Identifier: Apache-2.0 */
/* test-flow-control.c - both limits of PROTOCOL.md, 5, Consumed, and memory that stays bounded. */
#include "core/connection-private.h"
#include "tests/core/duo.h"

#include <string.h>

static Duo *
new_with (const CaimanConfig *client_config, const CaimanConfig *server_config)
{
  Duo *d = duo_new (client_config, server_config);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  return d;
}

/* Sends messages of @size bytes until one is refused: the number that was taken. */
static guint
send_until_full (Duo *d, DuoSide side, gsize size)
{
  g_autofree guint8 *bytes = g_malloc0 (size);
  g_autoptr (GBytes) message = g_bytes_new (bytes, size);
  for (guint n = 0;; n++) {
    g_autoptr (GError) error = NULL;
    if (!caiman_connection_send (duo_get_end (d, side), message, d->now_ns, &error)) {
      g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_WOULD_BLOCK);
      duo_settle (d);
      return n;
    }
  }
}

static CaimanConnectionStats
get_stats (Duo *d, DuoSide side)
{
  CaimanConnectionStats stats;
  caiman_connection_get_stats (duo_get_end (d, side), &stats);
  return stats;
}

static void
read_one (Duo *d, DuoSide side, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) message = caiman_connection_receive (duo_get_end (d, side), d->now_ns, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (message), ==, size);
  duo_settle (d);
}

/* At most send-buffer bytes are accepted and not acknowledged; WRITABLE tells of room. */
static void
test_send_buffer (void)
{
  CaimanConfig config = duo_config ();
  config.send_buffer_bytes = 10000;
  g_autoptr (Duo) d = new_with (&config, NULL);
  g_assert_cmpuint (caiman_connection_get_send_room (d->client), ==, 10000);
  duo_stall_link (d, 1);
  g_assert_cmpuint (send_until_full (d, DUO_CLIENT, 1000), ==, 10);
  g_assert_cmpuint (caiman_connection_get_send_room (d->client), ==, 0);
  g_assert_cmpuint (duo_count_events (d, DUO_CLIENT, CAIMAN_EVENT_WRITABLE), ==, 0);
  duo_resume_link (d, 1);
  duo_advance (d, MS (50));
  g_assert_cmpuint (duo_count_events (d, DUO_CLIENT, CAIMAN_EVENT_WRITABLE), ==, 1);
  g_assert_cmpuint (caiman_connection_get_send_room (d->client), ==, 10000);
}

/* The same for the byte stream, which takes what there is room for. */
static void
test_send_buffer_stream (void)
{
  CaimanConfig config = duo_config ();
  config.send_buffer_bytes = 10000;
  g_autoptr (Duo) d = new_with (&config, NULL);
  duo_stall_link (d, 1);
  g_autofree guint8 *zeroes = g_malloc0 (12345);
  g_autoptr (GBytes) bytes = g_bytes_new (zeroes, 12345);
  g_autoptr (GError) error = NULL;
  g_assert_cmpint (caiman_connection_write (d->client, bytes, 345, d->now_ns, &error), ==, 10000);
  g_assert_cmpint (caiman_connection_write (d->client, bytes, 10345, d->now_ns, &error), ==, -1);
  g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_WOULD_BLOCK);
  duo_resume_link (d, 1);
  duo_advance (d, MS (100));
  g_assert_cmpuint (duo_count_events (d, DUO_CLIENT, CAIMAN_EVENT_WRITABLE), >=, 1);
  g_assert_cmpuint (get_stats (d, DUO_SERVER).readable_bytes, ==, 10000);
}

/* An application can have less unsent than the send buffer holds; half of it free is news. */
static void
test_unsent_limit (void)
{
  CaimanConfig config = duo_config ();
  config.send_buffer_bytes = 1000000;
  g_autoptr (Duo) d = new_with (&config, NULL);
  g_autofree guint8 *zeroes = g_malloc0 (8000);
  g_autoptr (GBytes) bytes = g_bytes_new (zeroes, 8000);
  g_autoptr (GError) error = NULL;
  duo_stall_link (d, 1);
  send_until_full (d, DUO_CLIENT, 1000); /* the windows of the link and of the pipe are full */
  g_assert_cmpuint (get_stats (d, DUO_CLIENT).unsent_bytes, >, 8000);
  caiman_connection_set_unsent_limit (d->client, 8000);
  g_assert_cmpuint (caiman_connection_get_send_room (d->client), ==, 0);
  duo_forget (d);
  duo_resume_link (d, 1);
  duo_advance (d, S (2));
  g_assert_cmpuint (get_stats (d, DUO_CLIENT).unsent_bytes, ==, 0);
  g_assert_cmpuint (duo_count_events (d, DUO_CLIENT, CAIMAN_EVENT_WRITABLE), ==, 1);
  g_assert_cmpuint (caiman_connection_get_send_room (d->client), ==, 8000);
  duo_stall_link (d, 1);
  g_assert_cmpint (caiman_connection_write (d->client, bytes, 0, d->now_ns, &error), ==, 8000);
  g_assert_cmpint (caiman_connection_write (d->client, bytes, 0, d->now_ns, &error), ==, -1);
  g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_WOULD_BLOCK);
  g_assert_false (caiman_connection_send (d->client, bytes, d->now_ns, NULL));
  caiman_connection_set_unsent_limit (d->client, 0);
  g_assert_cmpuint (caiman_connection_get_send_room (d->client), >, 8000);
}

/* The send buffer bounds bytes: writes of a byte each must not cost a hundred times that while they
 * wait, nor go out one by one. */
static void
test_tiny_writes (void)
{
  g_autoptr (Duo) d = new_with (NULL, NULL);
  duo_limit_link (d, 1, 1, 0);
  duo_stall_link (d, 1);
  duo_send (d, "first");
  duo_forget (d);
  const guint n = 100000;
  for (guint i = 0; i < n; i++) {
    guint8 byte = (guint8)(i % 251);
    g_autoptr (GBytes) bytes = g_bytes_new (&byte, 1);
    g_assert_cmpint (caiman_connection_write (d->client, bytes, 0, d->now_ns, NULL), ==, 1);
  }
  g_assert_cmpuint (get_stats (d, DUO_CLIENT).unsent_bytes, ==, n);
  g_assert_cmpuint (d->client->unsent.length, <=, n / 8192 + 2);
  duo_limit_link (d, 1, 0, 0);
  duo_resume_link (d, 1);
  duo_advance (d, S (2));
  duo_expect_delivered (d, "first");
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA), <=, n / 1400 + 1);
  g_autofree guint8 *buffer = g_malloc (n);
  g_assert_cmpint (caiman_connection_read (d->accepted, buffer, n, d->now_ns, NULL), ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (buffer[i], ==, i % 251);
}

/* A message larger than the own send buffer still goes, alone. */
static void
test_larger_than_send_buffer (void)
{
  CaimanConfig config = duo_config ();
  config.send_buffer_bytes = 1024;
  g_autoptr (Duo) d = new_with (&config, NULL);
  g_autofree guint8 *zeroes = g_malloc0 (5000);
  g_autoptr (GBytes) message = g_bytes_new (zeroes, 5000);
  g_assert_true (caiman_connection_send (d->client, message, d->now_ns, NULL));
  g_assert_false (caiman_connection_send (d->client, message, d->now_ns, NULL));
  duo_advance (d, MS (50));
  read_one (d, DUO_SERVER, 5000);
  duo_send (d, "small");
  g_assert_true (caiman_connection_send (d->client, message, d->now_ns, NULL));
  duo_advance (d, MS (15));
  duo_expect_delivered (d, "small");
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA), ==, 2);
  duo_advance (d, MS (50));
  read_one (d, DUO_SERVER, 5000);
}

/* At most the peer's receive buffer is sent and not consumed. */
static void
test_receive_buffer (void)
{
  CaimanConfig server_config = duo_config ();
  server_config.receive_buffer_bytes = 10000;
  g_autoptr (Duo) d = new_with (NULL, &server_config);
  d->auto_read = FALSE;
  duo_offer (d, DUO_CLIENT, 100, 1000, 1000);
  duo_advance (d, S (5));
  g_assert_cmpuint (get_stats (d, DUO_SERVER).readable_bytes, ==, 10000);
  g_assert_cmpuint (get_stats (d, DUO_CLIENT).unconsumed_bytes, ==, 10000);
  g_assert_cmpuint (get_stats (d, DUO_CLIENT).unacked_bytes, ==, 0);
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA), ==, 10);

  /* One tenth is not more than a tenth. */
  read_one (d, DUO_SERVER, 1000);
  duo_advance (d, S (1));
  g_assert_cmpuint (duo_count_sent (d, DUO_SERVER, 0, CAIMAN_MESSAGE_CONSUMED), ==, 0);
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA), ==, 10);
  read_one (d, DUO_SERVER, 1000);
  duo_advance (d, MS (20));
  const DuoMessage *consumed = duo_last_sent (d, DUO_SERVER, 0, CAIMAN_MESSAGE_CONSUMED);
  g_assert_nonnull (consumed);
  g_assert_cmpuint (consumed->message.consumed_bytes, ==, 2000);
  g_assert_cmpuint (consumed->message.seq, ==, 0);
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA), ==, 12);
}

/* Consumed takes a sequence number of its own direction and is acknowledged (PROTOCOL.md, 5). */
static void
test_consumed_is_reliable (void)
{
  CaimanConfig server_config = duo_config ();
  server_config.receive_buffer_bytes = 10000;
  g_autoptr (Duo) d = new_with (NULL, &server_config);
  duo_add_link (d, "b", MS (12));
  duo_advance (d, MS (50));
  d->auto_read = TRUE;
  duo_stall_direction (d, DUO_SERVER, 1);
  duo_stall_direction (d, DUO_SERVER, 2);
  duo_offer (d, DUO_CLIENT, 10, 1000, 1000);
  duo_advance (d, MS (30));
  guint n_consumed = duo_count_sent (d, DUO_SERVER, 0, CAIMAN_MESSAGE_CONSUMED);
  g_assert_cmpuint (n_consumed, >=, 1);
  guint on_link = duo_last_sent (d, DUO_SERVER, 0, CAIMAN_MESSAGE_CONSUMED)->link;
  duo_drop_link (d, on_link);
  duo_resume_link (d, 3 - on_link);
  duo_run_until_idle (d);
  g_assert_cmpuint (get_stats (d, DUO_CLIENT).unconsumed_bytes, <=, 1000);
  duo_offer (d, DUO_CLIENT, 50, 1000, 1000);
  duo_run_until_idle (d);
  g_assert_true (duo_is_delivered (d, DUO_CLIENT));
}

/* 0.9 tells what was consumed also when it has run empty; others do not (PROTOCOL.md, 5). */
static void
test_consumed_when_empty (void)
{
  CaimanConfig server_config = duo_config ();
  server_config.consumed_when_empty = TRUE;
  g_autoptr (Duo) d = new_with (NULL, &server_config);
  duo_send (d, "hello");
  duo_advance (d, MS (20));
  duo_expect_delivered (d, "hello");
  g_assert_cmpuint (
      duo_last_sent (d, DUO_SERVER, 0, CAIMAN_MESSAGE_CONSUMED)->message.consumed_bytes, ==, 5);
  duo_advance (d, MS (20));
  g_assert_cmpuint (get_stats (d, DUO_CLIENT).unconsumed_bytes, ==, 0);
  duo_server_send (d, "hello");
  duo_advance (d, MS (20));
  duo_expect_client_delivered (d, "hello");
  duo_advance (d, S (1));
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_CONSUMED), ==, 0);
  g_assert_cmpuint (get_stats (d, DUO_SERVER).unconsumed_bytes, ==, 5);
}

/* One message is at most (peer's receive buffer / 2) - 1 bytes, and a frame's payload. */
static void
test_message_max (void)
{
  CaimanConfig server_config = duo_config ();
  server_config.receive_buffer_bytes = 10000;
  g_autoptr (Duo) d = new_with (NULL, &server_config);
  g_assert_cmpuint (caiman_connection_get_message_max (d->client), ==, 4999);
  g_autofree guint8 *zeroes = g_malloc0 (5000);
  g_autoptr (GBytes) fits = g_bytes_new (zeroes, 4999);
  g_autoptr (GBytes) large = g_bytes_new (zeroes, 5000);
  g_autoptr (GError) error = NULL;
  g_assert_false (caiman_connection_send (d->client, large, d->now_ns, &error));
  g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_MESSAGE_TOO_LARGE);
  for (guint i = 0; i < 20; i++) {
    g_assert_true (caiman_connection_send (d->client, fits, d->now_ns, NULL));
    duo_advance (d, MS (50));
    read_one (d, DUO_SERVER, 4999);
  }
  /* Never more than a frame carries, whatever the peer's buffer. */
  g_autoptr (Duo) wide = new_with (NULL, NULL);
  g_assert_cmpuint (caiman_connection_get_message_max (wide->client), ==,
                    CAIMAN_FRAME_PAYLOAD_MAX_BYTES);
}

/* Before Welcome nothing is known of the peer's limits: a message has to wait outside. */
static void
test_before_welcome (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  g_autoptr (GBytes) message = g_bytes_new_static ("x", 1);
  g_autoptr (GError) error = NULL;
  g_assert_false (caiman_connection_send (d->client, message, d->now_ns, &error));
  g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_WOULD_BLOCK);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  g_assert_cmpuint (duo_count_events (d, DUO_CLIENT, CAIMAN_EVENT_WRITABLE), ==, 1);
  duo_send (d, "now");
}

/* A small receive buffer makes a slow connection, never a stuck one: all sizes up to the limit. */
static void
test_small_buffer (void)
{
  CaimanConfig config = duo_config ();
  config.receive_buffer_bytes = config.send_buffer_bytes = 1024;
  for (CaimanPolicy policy = 0; policy < CAIMAN_N_POLICIES; policy++) {
    config.policy = policy;
    g_autoptr (Duo) d = new_with (&config, &config);
    duo_add_link (d, "b", MS (33));
    duo_advance (d, MS (200));
    d->auto_read = TRUE;
    duo_offer (d, DUO_CLIENT, 300, 8, 511);
    duo_offer (d, DUO_SERVER, 300, 8, 511);
    duo_run_until_idle (d);
    g_assert_true (duo_is_delivered (d, DUO_CLIENT));
    g_assert_true (duo_is_delivered (d, DUO_SERVER));
  }
}

/* What waits behind a gap counts, too: never more than the buffer (checked at each step by Duo). */
static void
test_reorder_counts (void)
{
  CaimanConfig config = duo_config ();
  config.policy = CAIMAN_POLICY_ROUND_ROBIN;
  CaimanConfig server_config = duo_config ();
  server_config.receive_buffer_bytes = 20000;
  g_autoptr (Duo) d = new_with (&config, &server_config);
  duo_add_link (d, "b", MS (150));
  duo_advance (d, S (1));
  d->auto_read = TRUE;
  duo_offer (d, DUO_CLIENT, 500, 1000, 1000);
  duo_run_until_idle (d);
  g_assert_true (duo_is_delivered (d, DUO_CLIENT));
  CaimanConnectionStats stats = get_stats (d, DUO_SERVER);
  g_assert_cmpuint (stats.reorder_peak_bytes, >, 5000);
  g_assert_cmpuint (stats.buffered_peak_bytes, <=, 20000);
}

/* Tiny and empty messages that the application leaves unread for minutes: they take little memory,
 * the links go on being read (PROTOCOL.md, 5), and so nothing is taken for dead. */
static void
test_reader_pauses (gconstpointer data)
{
  gsize size = (gsize)GPOINTER_TO_INT (data);
  CaimanConfig server_config = duo_config ();
  server_config.receive_buffer_bytes = KIB (64);
  g_autoptr (Duo) d = new_with (NULL, &server_config);
  duo_add_link (d, "b", MS (10));
  duo_advance (d, MS (50));
  g_autoptr (GBytes) message = g_bytes_new_static ("12345678", size);
  for (guint i = 0; i < 1000; i++)
    g_assert_true (caiman_connection_send (d->client, message, d->now_ns, NULL));
  duo_advance (d, S (600));
  for (DuoSide side = 0; side < DUO_N_SIDES; side++) {
    for (guint link = 1; link <= 2; link++) {
      duo_expect_link_state (d, side, link, CAIMAN_LINK_WORKING);
      g_assert_true (caiman_link_wants_packets (duo_get_link (d, side, link)));
    }
    g_assert_cmpuint (d->n_traces[side][CAIMAN_TRACE_LINK_SUSPECTED], ==, 0);
  }
  g_assert_cmpuint (get_stats (d, DUO_CLIENT).unacked_bytes, ==, 0);
  g_assert_cmpuint (get_stats (d, DUO_SERVER).readable_bytes, ==, 1000 * size);
  for (guint i = 0; i < 1000; i++)
    read_one (d, DUO_SERVER, size);
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_WOULD_BLOCK);
}

/* A large message may fill the buffer with a few packets: reading goes on then. */
static void
test_few_large (void)
{
  g_autoptr (Duo) d = new_with (NULL, NULL);
  duo_send (d, "unread");
  duo_advance (d, S (1));
  g_assert_true (caiman_link_wants_packets (duo_get_link (d, DUO_SERVER, 1)));
}

/* PROTOCOL.md, 5: a dropped receiver still returns by Consumed what comes. */
static void
test_dropped_receiver_returns (void)
{
  CaimanConfig server_config = duo_config ();
  server_config.receive_buffer_bytes = 10000;
  g_autoptr (Duo) d = new_with (NULL, &server_config);
  duo_send (d, "unread");
  duo_advance (d, MS (50));
  duo_send (d, "under way");
  caiman_connection_drop_receiver (d->accepted, d->now_ns);
  duo_advance (d, MS (50));
  g_assert_cmpuint (get_stats (d, DUO_CLIENT).unacked_bytes, ==, 0);
  g_assert_cmpuint (get_stats (d, DUO_CLIENT).unconsumed_bytes, ==, 0);
  g_assert_cmpuint (get_stats (d, DUO_SERVER).readable_bytes, ==, 0);
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_FINISHED);
}

/* Totals on both sides of a transfer agree. */
static void
test_statistics (void)
{
  g_autoptr (Duo) d = new_with (NULL, NULL);
  d->auto_read = TRUE;
  duo_offer (d, DUO_CLIENT, 100, 100, 900);
  duo_run_until_idle (d);
  CaimanConnectionStats sender = get_stats (d, DUO_CLIENT);
  CaimanConnectionStats receiver = get_stats (d, DUO_SERVER);
  g_assert_cmpuint (sender.sent_messages, ==, 100);
  g_assert_cmpuint (receiver.received_messages, ==, 100);
  g_assert_cmpuint (sender.sent_bytes, ==, d->series[DUO_CLIENT].received_bytes);
  g_assert_cmpuint (receiver.received_bytes, ==, sender.sent_bytes);
  g_assert_cmpuint (sender.unsent_bytes, ==, 0);
  g_assert_cmpuint (receiver.readable_bytes, ==, 0);
  CaimanLinkStats link;
  caiman_link_get_stats (duo_get_link (d, DUO_CLIENT, 1), &link, d->now_ns);
  g_assert_cmpuint (link.sent_bytes, ==, sender.sent_bytes);
  g_assert_cmpuint (link.acked_bytes, ==, sender.sent_bytes);
  g_assert_cmpint (link.in_flight_bytes, ==, 0);
  g_assert_cmpuint (link.sent_packets, >=, 200);
  g_assert_cmpuint (link.wire_sent_bytes, >, sender.sent_bytes);
  CaimanLinkStats far_end;
  caiman_link_get_stats (duo_get_link (d, DUO_SERVER, 1), &far_end, d->now_ns);
  g_assert_cmpuint (far_end.received_bytes, ==, sender.sent_bytes);
  /* Welcome was sent before the server's link was the connection's, but counts like all. */
  g_assert_cmpuint (far_end.wire_received_bytes, ==, link.wire_sent_bytes);
  g_assert_cmpuint (far_end.wire_sent_bytes, ==, link.wire_received_bytes);
}

/* Mean rates over the last complete interval of 100 ms, 1 s and 10 s. */
static void
test_rates (void)
{
  g_autoptr (Duo) d = new_with (NULL, NULL);
  d->auto_read = TRUE;
  for (guint i = 0; i < 2200; i++) {
    duo_offer (d, DUO_CLIENT, 1, 1000, 1000);
    duo_advance (d, MS (10));
  }
  for (DuoSide side = 0; side < DUO_N_SIDES; side++) {
    CaimanRates of_connection, of_link;
    CaimanConnection *end = duo_get_end (d, side);
    caiman_connection_get_rates (end, NULL, &of_connection, d->now_ns);
    caiman_connection_get_rates (end, duo_get_link (d, side, 1), &of_link, d->now_ns);
    for (guint i = 0; i < CAIMAN_N_STATS_INTERVALS; i++) {
      gint64 expected_bps = 800000;
      gint64 sent_bps = side == DUO_CLIENT ? expected_bps : 0;
      gint64 received_bps = side == DUO_CLIENT ? 0 : expected_bps;
      g_assert_cmpint (ABS (of_connection.sent_bps[i] - sent_bps), <=, 80000);
      g_assert_cmpint (ABS (of_connection.received_bps[i] - received_bps), <=, 80000);
      g_assert_cmpint (of_link.sent_bps[i], ==, of_connection.sent_bps[i]);
      g_assert_cmpint (of_link.received_bps[i], ==, of_connection.received_bps[i]);
    }
  }
  duo_advance (d, S (30));
  CaimanRates idle;
  caiman_connection_get_rates (d->client, NULL, &idle, d->now_ns);
  for (guint i = 0; i < CAIMAN_N_STATS_INTERVALS; i++)
    g_assert_cmpint (idle.sent_bps[i], ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/flow-control/send-buffer", test_send_buffer);
  g_test_add_func ("/core/flow-control/send-buffer-stream", test_send_buffer_stream);
  g_test_add_func ("/core/flow-control/unsent-limit", test_unsent_limit);
  g_test_add_func ("/core/flow-control/larger-than-send-buffer", test_larger_than_send_buffer);
  g_test_add_func ("/core/flow-control/tiny-writes", test_tiny_writes);
  g_test_add_func ("/core/flow-control/receive-buffer", test_receive_buffer);
  g_test_add_func ("/core/flow-control/consumed-is-reliable", test_consumed_is_reliable);
  g_test_add_func ("/core/flow-control/consumed-when-empty", test_consumed_when_empty);
  g_test_add_func ("/core/flow-control/message-max", test_message_max);
  g_test_add_func ("/core/flow-control/before-welcome", test_before_welcome);
  g_test_add_func ("/core/flow-control/small-buffer", test_small_buffer);
  g_test_add_func ("/core/flow-control/reorder-counts", test_reorder_counts);
  g_test_add_data_func ("/core/flow-control/reader-pauses/empty", GINT_TO_POINTER (0),
                        test_reader_pauses);
  g_test_add_data_func ("/core/flow-control/reader-pauses/tiny", GINT_TO_POINTER (1),
                        test_reader_pauses);
  g_test_add_func ("/core/flow-control/few-large", test_few_large);
  g_test_add_func ("/core/flow-control/dropped-receiver-returns", test_dropped_receiver_returns);
  g_test_add_func ("/core/flow-control/statistics", test_statistics);
  g_test_add_func ("/core/flow-control/rates", test_rates);
  return g_test_run ();
}
