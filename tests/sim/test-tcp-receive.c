/* SPDX-License-Identifier: Apache-2.0 */
/* test-tcp-receive.c - what a TCP receiver does: delayed and quick ACKs (RFC 5681, 4.2; Linux),
 * SACK blocks (RFC 2018, 2883), windows and their probes (RFC 9293, 3.8.6), auto-tuned buffers. */
#include "tests/sim/tcp-duo.h"

#include <string.h>

static TcpDuo *
established (const SimTcpConfig *config)
{
  TcpDuo *duo = tcp_duo_new (config, 0, MS (10), 0);

  tcp_duo_establish (duo);
  duo->logs = TRUE;
  return duo;
}

/* Pure ACKs of end 1 so far. */
static guint
count_acks (TcpDuo *duo)
{
  const GArray *log = duo->lines[1].log;
  guint n = 0;

  for (guint i = 0; i < log->len; i++)
    n += g_array_index (log, TcpSent, i).segment.payload_bytes == 0;
  return n;
}

static const TcpSent *
get_last_ack (TcpDuo *duo)
{
  const GArray *log = duo->lines[1].log;

  g_assert_cmpuint (log->len, >, 0);
  return &g_array_index (log, TcpSent, log->len - 1);
}

/* --- ACKs --- */

/* A young connection acknowledges each segment, later every second one. */
static void
test_quick_then_every_second (void)
{
  g_autoptr (TcpDuo) duo = established (NULL);

  tcp_duo_write (duo, 0, 10 * MSS);
  tcp_duo_advance (duo, MS (15));
  g_assert_cmpuint (count_acks (duo), ==, 10);
  tcp_duo_write (duo, 0, 400 * MSS);
  tcp_duo_finish (duo, SEC (1));
  guint n = count_acks (duo);
  tcp_duo_write (duo, 0, 100 * MSS);
  tcp_duo_finish (duo, SEC (1));
  g_assert_cmpuint (count_acks (duo) - n, <=, 52);
  g_assert_cmpuint (count_acks (duo) - n, >=, 48);
}

/* In a conversation an ACK waits for the reply to take it along: 40 ms and no more. */
static void
test_delayed (void)
{
  g_autoptr (TcpDuo) duo = established (NULL);

  for (guint i = 0; i < 30; i++) { /* replies come at once */
    tcp_duo_write (duo, 0, 100);
    tcp_duo_advance (duo, MS (10));
    tcp_duo_write (duo, 1, 100);
    tcp_duo_advance (duo, MS (15));
  }
  guint n = count_acks (duo);
  gint64 start_ns = duo->now_ns;
  tcp_duo_write (duo, 0, 100);
  tcp_duo_advance (duo, MS (49));
  g_assert_cmpuint (count_acks (duo), ==, n);
  tcp_duo_advance (duo, MS (200));
  g_assert_cmpuint (count_acks (duo), ==, n + 1);
  g_assert_cmpint (get_last_ack (duo)->at_ns - start_ns, ==, MS (50));
}

/* A gap: DUPACKs with SACK at once, three of them, then one per millisecond or so. */
static void
test_sack_and_compression (void)
{
  g_autoptr (TcpDuo) duo = tcp_duo_new (NULL, MBIT (100), MS (10), 0);

  tcp_duo_establish (duo);
  tcp_duo_write (duo, 0, 500 * MSS);
  g_assert_true (tcp_duo_finish (duo, SEC (2)));
  duo->logs = TRUE;
  duo->lines[0].drop = tcp_duo_drop_by_mask;
  duo->drop_mask[0] = 0;
  gint64 gap = tcp_duo_get_info (duo, 0).nxt;
  duo->lines[0].dark = TRUE;
  tcp_duo_write (duo, 0, MSS);
  duo->lines[0].dark = FALSE;
  tcp_duo_write (duo, 0, 100 * MSS); /* 12 ms of the line */
  tcp_duo_advance (duo, MS (24));
  const GArray *log = duo->lines[1].log;
  guint n = 0;
  for (guint i = 0; i < log->len; i++) {
    const SimTcpSegment *segment = &g_array_index (log, TcpSent, i).segment;
    g_assert_cmpint (segment->ack, ==, gap);
    g_assert_cmpuint (segment->n_sacks, ==, 1);
    g_assert_cmpint (segment->sacks[0].start, ==, gap + MSS);
    n++;
  }
  g_assert_cmpuint (n, >=, 10);
  g_assert_cmpuint (n, <=, 20);
  g_assert_true (tcp_duo_finish (duo, SEC (1)));
}

static gboolean
drop_every_second (TcpDuo *duo, guint n, const SimTcpSegment *segment)
{
  (void)duo;
  return segment->payload_bytes > 0 && n % 2 == 0;
}

/* Every second segment is lost: each that comes is a range of its own, and of ACKs that were left
 * out three blocks could not tell all. So none is left out, and each range is in one. */
static void
test_compression_of_many_ranges (void)
{
  g_autoptr (TcpDuo) duo = tcp_duo_new (NULL, MBIT (100), MS (10), 0);

  tcp_duo_establish (duo);
  tcp_duo_write (duo, 0, 500 * MSS);
  g_assert_true (tcp_duo_finish (duo, SEC (2)));
  tcp_duo_advance (duo, MS (50));
  duo->logs = TRUE;
  gint64 start = tcp_duo_get_info (duo, 0).nxt;
  duo->lines[0].drop = drop_every_second;
  tcp_duo_write (duo, 0, 60 * MSS);
  tcp_duo_advance (duo, MS (19));
  duo->lines[0].drop = NULL;
  const GArray *log = duo->lines[1].log;
  guint n_came = 0, n_told = 0;
  for (gint64 at = start; at < start + 60 * MSS; at += MSS) {
    for (guint i = 0; i < duo->lines[0].log->len; i++) {
      const TcpSent *sent = &g_array_index (duo->lines[0].log, TcpSent, i);
      n_came += sent->segment.seq == at && !sent->dropped;
    }
    gboolean told = FALSE;
    for (guint i = 0; i < log->len; i++) {
      const SimTcpSegment *segment = &g_array_index (log, TcpSent, i).segment;
      for (guint j = 0; j < segment->n_sacks; j++)
        told |= segment->sacks[j].start <= at && segment->sacks[j].end > at;
    }
    n_told += told;
  }
  g_assert_cmpuint (n_came, >=, 28);
  g_assert_cmpuint (n_told, >=, n_came - 1); /* the last may wait for the timer */
  g_assert_cmpuint (log->len, >=, n_came - 2);
  g_assert_true (tcp_duo_finish (duo, SEC (2)));
}

/* Holes: the block with the newest segment first, at most three. */
static void
test_sack_blocks (void)
{
  g_autoptr (TcpDuo) duo = established (NULL);

  duo->lines[0].drop = tcp_duo_drop_by_mask;
  duo->drop_mask[0] = 0x155; /* 0, 2, 4, 6, 8 */
  tcp_duo_write (duo, 0, 10 * MSS);
  tcp_duo_advance (duo, MS (15));
  const SimTcpSegment *segment = &get_last_ack (duo)->segment;
  static const gint64 starts[] = { 9 * MSS, 7 * MSS, 5 * MSS };
  g_assert_cmpint (segment->ack, ==, 0);
  g_assert_cmpuint (segment->n_sacks, ==, 3);
  for (guint i = 0; i < 3; i++) {
    g_assert_cmpint (segment->sacks[i].start, ==, starts[i]);
    g_assert_cmpint (segment->sacks[i].end, ==, starts[i] + MSS);
  }
  g_assert_true (tcp_duo_finish (duo, SEC (5)));
  g_assert_cmpint (duo->ends[1].n_read, ==, 10 * MSS);
}

/* What comes twice is reported in the first block. */
static void
test_duplicate_report (void)
{
  g_autoptr (TcpDuo) duo = established (NULL);
  SimTcpSegment data;

  tcp_duo_write (duo, 0, 2 * MSS);
  tcp_duo_advance (duo, MS (15));
  data = tcp_duo_find_sent (duo, 0, 0, 0)->segment;
  sim_tcp_received (duo->ends[1].tcp, &data, duo->now_ns);
  SimTcpSegment ack;
  g_assert_true (sim_tcp_next_segment (duo->ends[1].tcp, &ack, duo->now_ns));
  g_assert_cmpint (ack.ack, ==, 2 * MSS);
  g_assert_cmpuint (ack.n_sacks, ==, 1);
  g_assert_cmpint (ack.sacks[0].start, ==, 0);
  g_assert_cmpint (ack.sacks[0].end, ==, MSS);
}

/* A RST counts when it hits the next byte; elsewhere it is answered (RFC 5961, 3.2). */
static void
test_reset_elsewhere (void)
{
  g_autoptr (TcpDuo) duo = established (NULL);
  SimTcpSegment reset = { .seq = 500, .flags = SIM_TCP_RST, .ts_echo_ms = -1 }, answer;
  SimTcp *tcp = duo->ends[1].tcp;

  sim_tcp_received (tcp, &reset, duo->now_ns);
  g_assert_cmpint (sim_tcp_get_state (tcp), ==, SIM_TCP_ESTABLISHED);
  g_assert_true (sim_tcp_next_segment (tcp, &answer, duo->now_ns));
  g_assert_cmpint (answer.ack, ==, 0);
  reset.seq = 0;
  sim_tcp_received (tcp, &reset, duo->now_ns);
  g_assert_cmpint (sim_tcp_get_failure (tcp), ==, SIM_TCP_RESET);
}

/* --- Windows --- */

/* Nobody reads: the sender stops at the window, and probes with a wait that doubles. */
static void
test_zero_window (void)
{
  SimTcpConfig config;

  sim_tcp_config_init (&config);
  config.receive_buffer_bytes = 20 * MSS;
  g_autoptr (TcpDuo) duo = established (&config);
  tcp_duo_set_reading (duo, 1, FALSE);
  gint64 start_ns = duo->now_ns;
  tcp_duo_write (duo, 0, 200 * MSS);
  tcp_duo_advance (duo, SEC (10));
  SimTcpInfo info = tcp_duo_get_info (duo, 0);
  g_assert_cmpint (info.nxt, <=, 20 * MSS);
  g_assert_cmpint (info.nxt, >=, 18 * MSS);
  g_assert_cmpuint (info.retransmits, ==, 0);
  g_assert_cmpuint (info.timeouts, ==, 0);
  guint n_probes = 0;
  const GArray *log = duo->lines[0].log;
  for (guint i = 0; i < log->len; i++)
    n_probes += g_array_index (log, TcpSent, i).at_ns > start_ns + MS (100);
  g_assert_cmpuint (n_probes, >=, 4); /* after 0.2, 0.6, 1.5, 3.3, 6.8 s or so */
  g_assert_cmpuint (n_probes, <=, 6);
  /* The window opens: that is told at once, and all goes on. */
  gint64 opened_ns = duo->now_ns;
  tcp_duo_set_reading (duo, 1, TRUE);
  tcp_duo_advance (duo, MS (21));
  g_assert_cmpint (duo->ends[1].last_read_ns, ==, opened_ns + MS (20));
  g_assert_true (tcp_duo_finish (duo, SEC (5)));
  g_assert_cmpint (duo->ends[1].n_read, ==, 200 * MSS);
}

/* The window update is lost: the probe finds out. */
static void
test_lost_window_update (void)
{
  SimTcpConfig config;

  sim_tcp_config_init (&config);
  config.receive_buffer_bytes = 20 * MSS;
  g_autoptr (TcpDuo) duo = established (&config);
  tcp_duo_set_reading (duo, 1, FALSE);
  tcp_duo_write (duo, 0, 200 * MSS);
  tcp_duo_advance (duo, SEC (1));
  duo->lines[1].dark = TRUE;
  tcp_duo_set_reading (duo, 1, TRUE);
  duo->lines[1].dark = FALSE;
  g_assert_true (tcp_duo_finish (duo, SEC (10)));
}

/* The windows and buffers of a long fat path grow until it is full. */
static void
test_auto_tuning (void)
{
  g_autoptr (TcpDuo) duo = tcp_duo_new (NULL, MBIT (100), MS (50), 2500000);

  tcp_duo_establish (duo);
  tcp_duo_write (duo, 0, G_GINT64_CONSTANT (1000000000));
  tcp_duo_advance (duo, SEC (5));
  SimTcpInfo sender = tcp_duo_get_info (duo, 0), receiver = tcp_duo_get_info (duo, 1);
  g_assert_cmpint (sender.peer_window_bytes, >, 1250000); /* the BDP */
  g_assert_cmpint (sender.send_buffer_bytes, >, 1250000);
  g_assert_cmpint (sender.send_buffer_bytes, <=, SIM_TCP_SEND_BUFFER_MAX_BYTES);
  g_assert_cmpint (receiver.receive_buffer_bytes, <=, SIM_TCP_RECEIVE_BUFFER_MAX_BYTES);
  g_assert_cmpint (duo->ends[1].n_read * 8, >, 4 * MBIT (90));
}

/* Set, they stay: the window is the limit, 100 000 bytes per round trip. */
static void
test_fixed_buffers (void)
{
  for (guint i = 0; i < 2; i++) {
    SimTcpConfig config;
    sim_tcp_config_init (&config);
    if (i == 0)
      config.receive_buffer_bytes = 100000;
    else
      config.send_buffer_bytes = 100000;
    g_autoptr (TcpDuo) duo = tcp_duo_new (&config, MBIT (100), MS (50), 2500000);
    tcp_duo_establish (duo);
    tcp_duo_write (duo, 0, G_GINT64_CONSTANT (1000000000));
    tcp_duo_advance (duo, SEC (5));
    /* The last piece may go over the send buffer, by half of the peer's window at most. */
    gint64 most = (i == 0 ? 100000 : 100000 + 32120) * 50;
    g_assert_cmpint (duo->ends[1].n_read, <=, most + 120000);
    g_assert_cmpint (duo->ends[1].n_read, >=, 100000 * 50 * 8 / 10);
  }
}

/* The unsent limit (TCP_NOTSENT_LOWAT) stops the application before the buffer does: where a piece
 * of the write queue ends, which is up to half of the peer's window. */
static void
test_unsent_limit (void)
{
  g_autoptr (TcpDuo) duo = established (NULL);
  SimTcp *tcp = duo->ends[0].tcp;
  gint64 piece_bytes = sim_tcp_get_room (tcp);

  g_assert_cmpint (piece_bytes, ==, 22 * MSS); /* of 64 240 bytes */
  sim_tcp_set_unsent_limit (tcp, 4096);
  g_assert_cmpint (sim_tcp_get_room (tcp), ==, piece_bytes);
  duo->lines[0].dark = TRUE;
  sim_tcp_write (tcp, 20 * MSS, duo->now_ns);
  g_assert_cmpint (sim_tcp_get_room (tcp), ==, 2 * MSS); /* the piece is filled up */
  sim_tcp_write (tcp, 2 * MSS, duo->now_ns);
  g_assert_cmpint (sim_tcp_get_room (tcp), ==, 0);
  sim_tcp_take_events (tcp);
  duo->lines[0].dark = FALSE;
  tcp_duo_write (duo, 0, 0);
  /* Ten segments are out, and off the piece: it takes ten more, but nobody is woken for that. */
  g_assert_cmpint (sim_tcp_get_room (tcp), ==, 10 * MSS);
  g_assert_false (sim_tcp_takes (tcp));
  duo->ends[0].events = 0;
  tcp_duo_advance (duo, MS (21));
  g_assert_true (sim_tcp_takes (tcp));
  g_assert_true (duo->ends[0].events & SIM_TCP_EVENT_WRITABLE);
}

/* Below the limit a full piece is followed by another one. */
static void
test_next_piece (void)
{
  g_autoptr (TcpDuo) duo = established (NULL);
  SimTcp *tcp = duo->ends[0].tcp;
  gint64 piece_bytes = sim_tcp_get_room (tcp);

  sim_tcp_set_unsent_limit (tcp, piece_bytes + 1);
  sim_tcp_write (tcp, piece_bytes, duo->now_ns);
  g_assert_cmpint (sim_tcp_get_room (tcp), ==, piece_bytes);
  sim_tcp_write (tcp, 1, duo->now_ns);
  g_assert_cmpint (sim_tcp_get_room (tcp), ==, piece_bytes - 1);
  sim_tcp_write (tcp, piece_bytes - 1, duo->now_ns);
  g_assert_cmpint (sim_tcp_get_room (tcp), ==, 0);
}

/* Of what is sent for the first time. */
static gboolean
drop_every_second_new (TcpDuo *duo, guint n, const SimTcpSegment *segment)
{
  gint64 *sent = duo->user_data;

  (void)n;
  if (segment->seq < *sent)
    return FALSE;
  *sent = segment->seq + segment->payload_bytes;
  return segment->seq / MSS % 2 == 0;
}

/* The least that fills the buffer of an endless stream, after @drop has begun. */
static gint64
get_least_full (TcpDropFunc drop)
{
  SimTcpConfig config;
  gint64 least_bytes = G_MAXINT64, sent = 0;

  sim_tcp_config_init (&config);
  config.congestion_control = SIM_TCP_BBR;
  g_autoptr (TcpDuo) duo = tcp_duo_new (&config, MBIT (200), MS (100), 0);
  duo->user_data = &sent;
  tcp_duo_establish (duo);
  tcp_duo_write (duo, 0, G_GINT64_CONSTANT (1000000000));
  tcp_duo_advance (duo, SEC (2));
  duo->lines[0].drop = drop;
  for (guint i = 0; i < 400; i++) {
    tcp_duo_advance (duo, MS (5));
    SimTcpInfo info = tcp_duo_get_info (duo, 0);
    if (!sim_tcp_takes (duo->ends[0].tcp))
      least_bytes = MIN (least_bytes, info.written - info.una);
  }
  return least_bytes;
}

/* SACKed segments between others take more of the buffer than long stretches of one kind. */
static void
test_send_buffer_of_pieces (void)
{
  g_assert_cmpint (get_least_full (drop_every_second_new), <, get_least_full (NULL) - 100000);
}

/* After more than an RTO without data, the window starts small again (RFC 2861). */
static void
test_idle_restart (void)
{
  g_autoptr (TcpDuo) duo = established (NULL);

  tcp_duo_write (duo, 0, 300 * MSS);
  g_assert_true (tcp_duo_finish (duo, SEC (1)));
  tcp_duo_advance (duo, MS (20));
  guint32 cwnd = tcp_duo_get_info (duo, 0).cwnd;
  g_assert_cmpuint (cwnd, >, 60);
  tcp_duo_advance (duo, SEC (10));
  tcp_duo_write (duo, 0, 1);
  SimTcpInfo info = tcp_duo_get_info (duo, 0);
  g_assert_cmpuint (info.cwnd, ==, 10);
  g_assert_cmpuint (info.ssthresh, >=, cwnd * 3 / 4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/tcp/receive/quick-then-every-second", test_quick_then_every_second);
  g_test_add_func ("/sim/tcp/receive/delayed", test_delayed);
  g_test_add_func ("/sim/tcp/receive/sack-and-compression", test_sack_and_compression);
  g_test_add_func ("/sim/tcp/receive/compression-of-many-ranges", test_compression_of_many_ranges);
  g_test_add_func ("/sim/tcp/receive/send-buffer-of-pieces", test_send_buffer_of_pieces);
  g_test_add_func ("/sim/tcp/receive/sack-blocks", test_sack_blocks);
  g_test_add_func ("/sim/tcp/receive/duplicate-report", test_duplicate_report);
  g_test_add_func ("/sim/tcp/receive/reset-elsewhere", test_reset_elsewhere);
  g_test_add_func ("/sim/tcp/receive/zero-window", test_zero_window);
  g_test_add_func ("/sim/tcp/receive/lost-window-update", test_lost_window_update);
  g_test_add_func ("/sim/tcp/receive/auto-tuning", test_auto_tuning);
  g_test_add_func ("/sim/tcp/receive/fixed-buffers", test_fixed_buffers);
  g_test_add_func ("/sim/tcp/receive/unsent-limit", test_unsent_limit);
  g_test_add_func ("/sim/tcp/receive/next-piece", test_next_piece);
  g_test_add_func ("/sim/tcp/receive/idle-restart", test_idle_restart);
  return g_test_run ();
}
