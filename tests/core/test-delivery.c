/* SPDX-License-Identifier: Apache-2.0 */
/* test-delivery.c - reliable delivery over links that differ, die and come (PROTOCOL.md, 5). */
#include "tests/core/duo.h"

#include "core/connection-private.h"

#include <string.h>

static Duo *
new_with_links (guint n_links, CaimanPolicy policy)
{
  CaimanConfig config = duo_config ();
  config.policy = policy;
  Duo *d = duo_new (&config, &config);
  d->auto_read = TRUE;
  for (guint i = 0; i < n_links; i++)
    duo_add_link (d, "x", MS (5 + 35 * i));
  duo_advance (d, MS (500));
  return d;
}

static void
expect_series (Duo *d, DuoSide sender)
{
  g_assert_cmpuint (d->series[sender].n_received, ==, d->series[sender].n_offered);
}

/* Boundaries are kept, both ways; an empty message is legal (PROTOCOL.md, 3). */
static void
test_messages (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  duo_send (d, "hello");
  duo_send (d, "");
  duo_send (d, "world");
  duo_server_send (d, "good");
  duo_server_send (d, "morning");
  duo_advance (d, MS (10));
  duo_expect_delivered (d, "hello");
  duo_expect_delivered (d, "");
  duo_expect_delivered (d, "world");
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_WOULD_BLOCK);
  duo_expect_client_delivered (d, "good");
  duo_expect_client_delivered (d, "morning");
  duo_expect_nothing (d, DUO_CLIENT, CAIMAN_REASON_WOULD_BLOCK);
}

/* A payload is the packet behind its Data message; sequence numbers start at 0, one per reliable
 * message. */
static void
test_wire (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  duo_send (d, "one");
  duo_send (d, "three");
  const DuoMessage *last = duo_last_sent (d, DUO_CLIENT, 1, CAIMAN_MESSAGE_DATA);
  g_assert_cmpuint (last->message.seq, ==, 1);
  g_assert_cmpint (last->payload_bytes, ==, 5);
  duo_advance (d, MS (10));
  g_assert_cmpuint (duo_count_sent (d, DUO_SERVER, 1, CAIMAN_MESSAGE_ACK), ==, 2);
  g_assert_cmpuint (duo_last_sent (d, DUO_SERVER, 1, CAIMAN_MESSAGE_ACK)->message.seq, ==, 1);
  duo_server_send (d, "first of this direction");
  last = duo_last_sent (d, DUO_SERVER, 1, CAIMAN_MESSAGE_DATA);
  g_assert_cmpuint (last->message.seq, ==, 0);
}

/* The story of a link that dies with data on it. */
static void
test_resend (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  duo_add_link (d, "b", MS (12));
  duo_advance (d, MS (50));
  duo_send (d, "hello");
  g_assert_cmpuint (duo_last_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA)->link, ==, 1);
  duo_drop_link (d, 1);
  duo_advance (d, MS (30));
  duo_expect_delivered (d, "hello");
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_WOULD_BLOCK);
  duo_expect_link_closed (d, DUO_CLIENT, 1, CAIMAN_REASON_LINK_RESET);
  const DuoMessage *last = duo_last_sent (d, DUO_CLIENT, 2, CAIMAN_MESSAGE_DATA);
  g_assert_cmpuint (last->message.seq, ==, 0);
  CaimanConnectionStats stats;
  caiman_connection_get_stats (d->client, &stats);
  g_assert_cmpuint (stats.sent_bytes, ==, 5);
  g_assert_cmpuint (stats.resent_bytes, ==, 5);
  g_assert_cmpuint (stats.unacked_bytes, ==, 0);
}

/* The message arrived, its Ack did not: sent again, acknowledged again, delivered once. */
static void
test_ack_lost (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  duo_add_link (d, "b", MS (12));
  duo_advance (d, MS (50));
  duo_send (d, "hello");
  duo_advance (d, MS (15));
  duo_expect_delivered (d, "hello");
  duo_drop_link (d, 1);
  duo_advance (d, MS (30));
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_WOULD_BLOCK);
  g_assert_cmpuint (duo_count_sent (d, DUO_SERVER, 2, CAIMAN_MESSAGE_ACK), ==, 1);
  CaimanConnectionStats stats;
  caiman_connection_get_stats (d->client, &stats);
  g_assert_cmpuint (stats.unacked_bytes, ==, 0);
  caiman_connection_get_stats (d->accepted, &stats);
  g_assert_cmpuint (stats.duplicate_received_bytes, ==, 5);
  g_assert_cmpuint (stats.received_bytes, ==, 5);
}

/* The last link dies; what was sent waits for the next one (hot add). */
static void
test_no_link_left (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  duo_send (d, "under way");
  duo_drop_link (d, 1);
  duo_send (d, "later");
  duo_server_send (d, "answer");
  duo_advance (d, S (20));
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_WOULD_BLOCK);
  duo_add_link (d, "b", MS (10));
  duo_advance (d, MS (60));
  duo_expect_delivered (d, "under way");
  duo_expect_delivered (d, "later");
  duo_expect_client_delivered (d, "answer");
}

/* Links of different speed overtake each other; order and content hold, both ways at once. */
static void
test_several_links (gconstpointer data)
{
  g_autoptr (Duo) d = new_with_links (3, (CaimanPolicy)GPOINTER_TO_INT (data));
  duo_offer (d, DUO_CLIENT, 3000, 8, 4000);
  duo_offer (d, DUO_SERVER, 3000, 8, 2000);
  duo_run_until_idle (d);
  expect_series (d, DUO_CLIENT);
  expect_series (d, DUO_SERVER);
}

/* With round-robin each link carries its share, so that the receiver really has to reorder. */
static void
test_reordered (void)
{
  g_autoptr (Duo) d = new_with_links (3, CAIMAN_POLICY_ROUND_ROBIN);
  duo_offer (d, DUO_CLIENT, 3000, 8, 4000);
  duo_run_until_idle (d);
  expect_series (d, DUO_CLIENT);
  CaimanConnectionStats stats;
  caiman_connection_get_stats (d->accepted, &stats);
  g_assert_cmpuint (stats.reorder_peak_bytes, >, 10000);
  g_assert_cmpuint (stats.reorder_bytes, ==, 0);
  for (guint link = 1; link <= 3; link++) {
    CaimanLinkStats link_stats;
    caiman_link_get_stats (duo_get_link (d, DUO_CLIENT, link), &link_stats, d->now_ns);
    g_assert_cmpuint (link_stats.sent_bytes, >, 50000);
  }
}

/* PROTOCOL.md, 5: each Ack goes out on the link that its message came in on. */
static void
test_ack_on_its_link (void)
{
  g_autoptr (Duo) d = new_with_links (3, CAIMAN_POLICY_ROUND_ROBIN);
  duo_forget (d);
  duo_offer (d, DUO_CLIENT, 300, 100, 1000);
  duo_run_until_idle (d);
  for (guint link = 1; link <= 3; link++) {
    guint n_reliable = duo_count_sent (d, DUO_CLIENT, link, CAIMAN_MESSAGE_DATA) +
                       duo_count_sent (d, DUO_CLIENT, link, CAIMAN_MESSAGE_CONSUMED);
    g_assert_cmpuint (n_reliable, >, 0);
    g_assert_cmpuint (duo_count_sent (d, DUO_SERVER, link, CAIMAN_MESSAGE_ACK), ==, n_reliable);
  }
}

static void
inject_data (Duo *d, DuoSide side, guint link, guint32 seq, const char *text)
{
  CaimanMessage data = { .type = CAIMAN_MESSAGE_DATA, .seq = seq };
  duo_inject_message (d, side, link, &data);
  duo_inject (d, side, link, text, strlen (text));
}

/* PROTOCOL.md, 5: what is ahead of a gap waits; what was seen is acknowledged again and dropped. */
static void
test_order (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  inject_data (d, DUO_SERVER, 1, 2, "third");
  inject_data (d, DUO_SERVER, 1, 1, "second");
  inject_data (d, DUO_SERVER, 1, 1, "second");
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_WOULD_BLOCK);
  CaimanConnectionStats stats;
  caiman_connection_get_stats (d->accepted, &stats);
  g_assert_cmpuint (stats.reorder_bytes, ==, 11);
  inject_data (d, DUO_SERVER, 1, 0, "first");
  inject_data (d, DUO_SERVER, 1, 0, "first");
  inject_data (d, DUO_SERVER, 1, 2, "third");
  duo_expect_delivered (d, "first");
  duo_expect_delivered (d, "second");
  duo_expect_delivered (d, "third");
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_WOULD_BLOCK);
  g_assert_cmpuint (duo_count_sent (d, DUO_SERVER, 1, CAIMAN_MESSAGE_ACK), ==, 6);
}

/* PROTOCOL.md, 5: an Ack for something already acknowledged, or never sent, is ignored. */
static void
test_stray_acks (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  duo_send (d, "hello");
  duo_advance (d, MS (50));
  const guint32 seqs[] = { 0, 0, 1, 7, 65536, G_MAXUINT32, 0x80000000u };
  for (gsize i = 0; i < G_N_ELEMENTS (seqs); i++) {
    CaimanMessage ack = { .type = CAIMAN_MESSAGE_ACK, .seq = seqs[i] };
    duo_inject_message (d, DUO_CLIENT, 1, &ack);
  }
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_OPEN);
  duo_expect_link_state (d, DUO_CLIENT, 1, CAIMAN_LINK_WORKING);
  duo_send (d, "again");
  duo_advance (d, MS (50));
  duo_expect_delivered (d, "hello");
  duo_expect_delivered (d, "again");
  CaimanConnectionStats stats;
  caiman_connection_get_stats (d->client, &stats);
  g_assert_cmpuint (stats.unacked_bytes, ==, 0);
}

/* PROTOCOL.md, 5: sequence numbers wrap at 2^32. */
static void
test_wrap (void)
{
  CaimanConfig config = duo_config ();
  config.policy = CAIMAN_POLICY_ROUND_ROBIN;
  g_autoptr (Duo) d = duo_new (&config, &config);
  d->auto_read = TRUE;
  duo_start_at_seq (d, 0xfffffe00u);
  for (guint i = 0; i < 3; i++)
    duo_add_link (d, "x", MS (5 + 35 * i));
  duo_advance (d, MS (500));
  duo_offer (d, DUO_CLIENT, 2000, 8, 1000);
  duo_offer (d, DUO_SERVER, 2000, 8, 1000);
  duo_advance (d, MS (60));
  duo_drop_link (d, 2);
  duo_run_until_idle (d);
  expect_series (d, DUO_CLIENT);
  expect_series (d, DUO_SERVER);
  g_assert_cmpuint (d->client->queue.base_seq, ==, d->client->queue.next_seq);
  g_assert_cmpuint (d->client->queue.next_seq, >=, 2000 - 512);
  g_assert_cmpuint (d->client->queue.next_seq, <, 3000);
}

/* PROTOCOL.md, 5: at most 65 536 sequence numbers are ahead of the oldest unacknowledged one. */
static void
test_seq_window (void)
{
  CaimanConfig config = duo_config ();
  config.link_window_start_bytes = MIB (64);
  g_autoptr (Duo) d = duo_new (&config, NULL);
  CaimanLinkInfo info = { .name = "a" };
  DuoLinkLimits limits = { 0 };
  duo_add_link_full (d, &info, 0, &limits);
  d->keep_log = FALSE;
  d->auto_read = TRUE;
  duo_stall_direction (d, DUO_SERVER, 1);
  duo_offer (d, DUO_CLIENT, 70000, 8, 8);
  guint64 n_sent = d->n_traces[DUO_CLIENT][CAIMAN_TRACE_DATA_SENT];
  g_assert_cmpuint (n_sent, <=, 65536);
  g_assert_cmpuint (n_sent, >, 65000);
  duo_expect_state (d, DUO_SERVER, CAIMAN_CONNECTION_OPEN);
  duo_resume_link (d, 1);
  duo_run_until_idle (d);
  expect_series (d, DUO_CLIENT);
}

/* A Data header and its payload may arrive far apart, and the link may die in between. */
static void
test_cut_between (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  CaimanLinkInfo info = { .name = "a" };
  DuoLinkLimits limits = { .split_ns = MS (5) };
  duo_add_link_full (d, &info, MS (10), &limits);
  duo_advance (d, MS (50));
  duo_send (d, "in two pieces");
  duo_advance (d, MS (12));
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_WOULD_BLOCK);
  duo_advance (d, MS (3));
  duo_expect_delivered (d, "in two pieces");
  duo_add_link (d, "b", MS (40));
  duo_advance (d, MS (200));
  duo_send (d, "cut");
  duo_advance (d, MS (12));
  duo_drop_link (d, 1);
  duo_advance (d, MS (50));
  duo_expect_delivered (d, "cut");
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_WOULD_BLOCK);
}

/* In-order delivery means that one stalled link stalls all until its messages are sent again
 * elsewhere (PROTOCOL.md, 6); what then arrives twice counts once. */
static void
test_stall (gconstpointer data)
{
  g_autoptr (Duo) d = new_with_links (2, (CaimanPolicy)GPOINTER_TO_INT (data));
  duo_offer (d, DUO_CLIENT, 1000, 1000, 1000);
  duo_advance (d, MS (20));
  duo_stall_link (d, 1);
  duo_run_until_idle (d);
  duo_advance (d, S (30));
  expect_series (d, DUO_CLIENT);
  duo_resume_link (d, 1);
  duo_advance (d, S (30));
  duo_offer (d, DUO_CLIENT, 1000, 1000, 1000);
  duo_run_until_idle (d);
  expect_series (d, DUO_CLIENT);
}

/* --- The byte-stream view --- */

static void
write_all (Duo *d, DuoSide side, const guint8 *bytes, gsize size, gsize piece)
{
  for (gsize at = 0; at < size; at += piece) {
    g_autoptr (GBytes) part = g_bytes_new (bytes + at, MIN (piece, size - at));
    g_autoptr (GError) error = NULL;
    gssize n = caiman_connection_write (duo_get_end (d, side), part, 0, d->now_ns, &error);
    g_assert_no_error (error);
    g_assert_cmpint (n, ==, (gssize)g_bytes_get_size (part));
  }
  duo_settle (d);
}

static void
expect_read (Duo *d, DuoSide side, const guint8 *expected, gsize size, gsize piece)
{
  g_autofree guint8 *buffer = g_malloc (piece);
  for (gsize at = 0; at < size;) {
    g_autoptr (GError) error = NULL;
    gssize n = caiman_connection_read (duo_get_end (d, side), buffer, piece, d->now_ns, &error);
    g_assert_no_error (error);
    g_assert_cmpint (n, >, 0);
    g_assert_cmpint (memcmp (buffer, expected + at, (gsize)n), ==, 0);
    at += (gsize)n;
  }
  duo_settle (d);
}

/* Reads and writes of any size, with nothing in common. */
static void
test_stream (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_add_link (d, "b", MS (25));
  duo_advance (d, MS (100));
  gsize size = 300001;
  g_autofree guint8 *bytes = g_malloc (size);
  for (gsize i = 0; i < size; i++)
    bytes[i] = (guint8)(i * 31 + i / 251);
  const gsize pieces[][2] = { { 1777, 999 }, { 100003, 1 << 20 }, { 7, 65536 }, { 300001, 13 } };
  for (gsize i = 0; i < G_N_ELEMENTS (pieces); i++) {
    write_all (d, DUO_CLIENT, bytes, size, pieces[i][0]);
    duo_run_until_idle (d);
    expect_read (d, DUO_SERVER, bytes, size, pieces[i][1]);
  }
  write_all (d, DUO_SERVER, bytes, size, 12345);
  duo_run_until_idle (d);
  expect_read (d, DUO_CLIENT, bytes, size, 4096);
  guint8 byte;
  g_assert_cmpint (caiman_connection_read (d->client, &byte, 1, d->now_ns, NULL), ==, -1);
  duo_finish (d, DUO_SERVER);
  duo_advance (d, MS (50));
  g_assert_cmpint (caiman_connection_read (d->client, &byte, 1, d->now_ns, NULL), ==, 0);
}

/* PROTOCOL.md, 3: the byte-stream view never sends an empty message. */
static void
test_empty_write (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  g_autoptr (GBytes) empty = g_bytes_new_static ("", 0);
  g_autoptr (GBytes) one = g_bytes_new_static ("1", 1);
  g_autoptr (GError) error = NULL;
  g_assert_cmpint (caiman_connection_write (d->client, empty, 0, d->now_ns, &error), ==, 0);
  g_assert_no_error (error);
  g_assert_cmpint (caiman_connection_write (d->client, one, 1, d->now_ns, &error), ==, 0);
  g_assert_no_error (error);
  duo_settle (d);
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA), ==, 0);
  g_assert_cmpint (caiman_connection_write (d->client, one, 0, d->now_ns, &error), ==, 1);
  duo_settle (d);
  g_assert_cmpint (duo_last_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA)->payload_bytes, ==, 1);
}

/* The stream's pieces have the size that is set. */
static void
test_stream_chunks (void)
{
  CaimanConfig config = duo_config ();
  config.stream_chunk_bytes = 1000;
  g_autoptr (Duo) d = duo_new (&config, NULL);
  duo_add_link (d, "a", MS (1));
  duo_advance (d, MS (50));
  g_autofree guint8 *bytes = g_malloc0 (10500);
  write_all (d, DUO_CLIENT, bytes, 10500, 10500);
  duo_run_until_idle (d);
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA), ==, 11);
  g_assert_cmpint (duo_last_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA)->payload_bytes, ==, 500);
  expect_read (d, DUO_SERVER, bytes, 10500, 8192);
  /* Small writes behind each other go out together. */
  duo_forget (d);
  write_all (d, DUO_CLIENT, bytes, 2000, 10);
  duo_run_until_idle (d);
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, 0, CAIMAN_MESSAGE_DATA), ==, 2);
}

/* What one call leaves of a message the next one gets; receive() gets the rest of it. */
static void
test_mixed_views (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  duo_send (d, "half and half");
  duo_send (d, "whole");
  duo_advance (d, MS (50));
  char buffer[5];
  g_assert_cmpint (caiman_connection_read (d->accepted, buffer, 5, d->now_ns, NULL), ==, 5);
  g_assert_cmpmem (buffer, 5, "half ", 5);
  duo_expect_delivered (d, "and half");
  duo_expect_delivered (d, "whole");
}

static void
test_flush (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  caiman_connection_flush (d->client, d->now_ns);
  duo_settle (d);
  g_assert_cmpuint (duo_count_events (d, DUO_CLIENT, CAIMAN_EVENT_FLUSHED), ==, 1);
  duo_send (d, "hello");
  caiman_connection_flush (d->client, d->now_ns);
  duo_advance (d, MS (19));
  g_assert_cmpuint (duo_count_events (d, DUO_CLIENT, CAIMAN_EVENT_FLUSHED), ==, 1);
  duo_advance (d, MS (2));
  g_assert_cmpuint (duo_count_events (d, DUO_CLIENT, CAIMAN_EVENT_FLUSHED), ==, 2);
}

/* READABLE is told when something is there again, not for each message. */
static void
test_readable (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  duo_send (d, "1");
  duo_send (d, "2");
  duo_advance (d, MS (50));
  g_assert_cmpuint (duo_count_events (d, DUO_SERVER, CAIMAN_EVENT_READABLE), ==, 1);
  duo_expect_delivered (d, "1");
  duo_expect_delivered (d, "2");
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_WOULD_BLOCK);
  duo_send (d, "3");
  duo_advance (d, MS (50));
  g_assert_cmpuint (duo_count_events (d, DUO_SERVER, CAIMAN_EVENT_READABLE), ==, 2);
}

static void
add_per_policy (const char *name, GTestDataFunc func)
{
  for (CaimanPolicy policy = 0; policy < CAIMAN_N_POLICIES; policy++) {
    g_autofree char *path =
        g_strdup_printf ("/core/delivery/%s/%s", name, caiman_policy_to_string (policy));
    g_test_add_data_func (path, GINT_TO_POINTER (policy), func);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/delivery/messages", test_messages);
  g_test_add_func ("/core/delivery/wire", test_wire);
  g_test_add_func ("/core/delivery/resend", test_resend);
  g_test_add_func ("/core/delivery/ack-lost", test_ack_lost);
  g_test_add_func ("/core/delivery/no-link-left", test_no_link_left);
  add_per_policy ("several-links", test_several_links);
  g_test_add_func ("/core/delivery/reordered", test_reordered);
  g_test_add_func ("/core/delivery/ack-on-its-link", test_ack_on_its_link);
  g_test_add_func ("/core/delivery/order", test_order);
  g_test_add_func ("/core/delivery/stray-acks", test_stray_acks);
  g_test_add_func ("/core/delivery/wrap", test_wrap);
  g_test_add_func ("/core/delivery/seq-window", test_seq_window);
  g_test_add_func ("/core/delivery/cut-between", test_cut_between);
  add_per_policy ("stall", test_stall);
  g_test_add_func ("/core/delivery/stream", test_stream);
  g_test_add_func ("/core/delivery/empty-write", test_empty_write);
  g_test_add_func ("/core/delivery/stream-chunks", test_stream_chunks);
  g_test_add_func ("/core/delivery/mixed-views", test_mixed_views);
  g_test_add_func ("/core/delivery/flush", test_flush);
  g_test_add_func ("/core/delivery/readable", test_readable);
  return g_test_run ();
}
