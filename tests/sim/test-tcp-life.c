/* SPDX-License-Identifier: Apache-2.0 */
/* test-tcp-life.c - how TCP connections begin and end: SYN retries, FIN, RST, half-open, time-outs.
 * RFC 9293, 3.5 and 3.6; RFC 6298, 5; Linux's tcp_syn_linear_timeouts. */
#include "tests/sim/tcp-duo.h"

static TcpDuo *
duo_20ms (void)
{
  return tcp_duo_new (NULL, 0, MS (10), 0);
}

/* --- Handshake --- */

static void
test_connect (void)
{
  g_autoptr (TcpDuo) duo = duo_20ms ();

  tcp_duo_establish (duo);
  g_assert_cmpint (duo->ends[0].connected_ns, ==, MS (20));
  g_assert_cmpint (duo->ends[1].connected_ns, ==, MS (30));
  SimTcpInfo info = tcp_duo_get_info (duo, 0);
  g_assert_cmpint (info.srtt_ns, ==, MS (20));
  g_assert_cmpint (info.rto_ns, ==, MS (220)); /* SRTT and the least variation */
  g_assert_cmpuint (info.cwnd, ==, 10);
  g_assert_cmpint (info.peer_window_bytes, ==,
                   64256); /* 44 segments of 1 460 bytes, in units of 128 */
}

static gint64
get_syn_time (TcpDuo *duo, guint line, guint n)
{
  return g_array_index (duo->lines[line].log, TcpSent, n).at_ns;
}

/* Four repetitions a second apart, then doubling; 131 s in all. */
static void
test_syn_retries (void)
{
  static const gint64 times_s[] = { 0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67 };
  g_autoptr (TcpDuo) duo = duo_20ms ();

  duo->logs = TRUE;
  duo->lines[0].dark = TRUE;
  tcp_duo_connect (duo);
  tcp_duo_advance (duo, SEC (200));
  g_assert_cmpuint (duo->lines[0].log->len, ==, G_N_ELEMENTS (times_s));
  for (guint i = 0; i < G_N_ELEMENTS (times_s); i++)
    g_assert_cmpint (get_syn_time (duo, 0, i), ==, SEC (times_s[i]));
  g_assert_cmpint (duo->ends[0].failed_ns, ==, SEC (131));
  g_assert_cmpint (sim_tcp_get_failure (duo->ends[0].tcp), ==, SIM_TCP_TIMED_OUT);
}

/* The answer to a SYN is repeated after 1, 3, 7, 15 and 31 s, and given up after 63. */
static void
test_syn_ack_retries (void)
{
  static const gint64 times_s[] = { 0, 1, 3, 7, 15, 31 };
  g_autoptr (TcpDuo) duo = duo_20ms ();

  duo->logs = TRUE;
  tcp_duo_connect (duo);
  sim_tcp_kill (duo->ends[0].tcp);
  tcp_duo_advance (duo, SEC (100));
  g_assert_cmpuint (duo->lines[1].log->len, ==, G_N_ELEMENTS (times_s));
  for (guint i = 0; i < G_N_ELEMENTS (times_s); i++)
    g_assert_cmpint (get_syn_time (duo, 1, i), ==, MS (10) + SEC (times_s[i]));
  g_assert_cmpint (duo->ends[1].failed_ns, ==, MS (10) + SEC (63));
}

static gboolean
drop_first_two (TcpDuo *duo, guint n, const SimTcpSegment *segment)
{
  (void)duo;
  (void)segment;
  return n < 2;
}

static gboolean
drop_first (TcpDuo *duo, guint n, const SimTcpSegment *segment)
{
  (void)duo;
  (void)segment;
  return n < 1;
}

/* One SYN lost: the initial window stays. Two: it is one segment. The RTT is that of the copy. */
static void
test_lost_syns (void)
{
  g_autoptr (TcpDuo) one = duo_20ms ();
  g_autoptr (TcpDuo) two = duo_20ms ();

  one->lines[0].drop = drop_first;
  tcp_duo_establish (one);
  g_assert_cmpint (one->ends[0].connected_ns, ==, SEC (1) + MS (20));
  g_assert_cmpuint (tcp_duo_get_info (one, 0).cwnd, ==, 10);
  g_assert_cmpint (tcp_duo_get_info (one, 0).srtt_ns, ==, MS (20));
  two->lines[0].drop = drop_first_two;
  tcp_duo_establish (two);
  g_assert_cmpint (two->ends[0].connected_ns, ==, SEC (2) + MS (20));
  g_assert_cmpuint (tcp_duo_get_info (two, 0).cwnd, ==, 1);
}

/* Nothing is lost, but the path is longer than two time-outs: the peer echoes the first SYN. */
static void
test_late_syns (void)
{
  g_autoptr (TcpDuo) duo = tcp_duo_new (NULL, 0, MS (1200), 0);

  tcp_duo_establish (duo);
  g_assert_cmpuint (duo->lines[0].n_sent, >, 2);
  g_assert_cmpuint (tcp_duo_get_info (duo, 0).cwnd, ==, 10);
  g_assert_cmpuint (tcp_duo_get_info (duo, 1).cwnd, ==, 10);
}

/* A repeated SYN is no measure of the path: the connection is paced when data has told its length.
 */
static void
test_pacing_after_lost_syn (void)
{
  SimTcpConfig config;

  sim_tcp_config_init (&config);
  config.pacing_rtt_ns = MS (1);
  g_autoptr (TcpDuo) first = tcp_duo_new (&config, MBIT (10), MS (10), 0);
  g_autoptr (TcpDuo) second = tcp_duo_new (&config, MBIT (10), MS (10), 0);
  tcp_duo_establish (first);
  g_assert_cmpint (tcp_duo_get_info (first, 0).pacing_rate_bps, >, 0);
  second->lines[1].drop = drop_first; /* the SYN-ACK */
  tcp_duo_establish (second);
  g_assert_cmpint (tcp_duo_get_info (second, 0).srtt_ns, >=, SEC (1));
  g_assert_cmpint (tcp_duo_get_info (second, 0).pacing_rate_bps, ==, 0);
  tcp_duo_write (second, 0, 300 * MSS);
  tcp_duo_advance (second, MS (200));
  g_assert_cmpint (tcp_duo_get_info (second, 0).pacing_rate_bps, >, 0);
}

/* When the @n-th segment with data went out (from 0). */
static gint64
get_data_time (TcpDuo *duo, guint n)
{
  for (guint i = 0; i < duo->lines[0].log->len; i++) {
    const TcpSent *sent = &g_array_index (duo->lines[0].log, TcpSent, i);
    if (sent->segment.payload_bytes > 0 && n-- == 0)
      return sent->at_ns;
  }
  g_assert_not_reached ();
}

/* The initial window goes out at once; what follows is paced. */
static void
test_pacing_begins_late (void)
{
  SimTcpConfig config;

  sim_tcp_config_init (&config);
  config.pacing_rtt_ns = MS (1);
  g_autoptr (TcpDuo) duo = tcp_duo_new (&config, MBIT (100), MS (10), 0);
  tcp_duo_establish (duo);
  duo->logs = TRUE;
  gint64 begin_ns = duo->now_ns;
  tcp_duo_write (duo, 0, 40 * MSS);
  g_assert_true (tcp_duo_finish (duo, SEC (1)));
  g_assert_cmpint (get_data_time (duo, 9), ==, begin_ns);
  gint64 second_ns = get_data_time (duo, 10);
  g_assert_cmpint (second_ns, >=, begin_ns + MS (20));
  g_assert_cmpint (get_data_time (duo, 29), >=, second_ns + MS (5));
}

/* The last ACK of the handshake is lost: data completes it. */
static void
test_lost_third (void)
{
  g_autoptr (TcpDuo) duo = duo_20ms ();

  tcp_duo_connect (duo);
  tcp_duo_advance (duo, MS (15));
  duo->lines[0].dark = TRUE;
  tcp_duo_advance (duo, MS (10));
  duo->lines[0].dark = FALSE;
  g_assert_cmpint (duo->ends[0].connected_ns, ==, MS (20));
  tcp_duo_write (duo, 0, 100);
  g_assert_true (tcp_duo_finish (duo, MS (20)));
  g_assert_cmpint (duo->ends[1].connected_ns, ==, MS (35));
}

static void
test_refused (void)
{
  g_autoptr (TcpDuo) duo = duo_20ms ();

  duo->refuses = TRUE;
  tcp_duo_connect (duo);
  tcp_duo_advance (duo, SEC (10));
  g_assert_cmpint (duo->ends[0].failed_ns, ==, MS (20));
  g_assert_cmpint (sim_tcp_get_failure (duo->ends[0].tcp), ==, SIM_TCP_REFUSED);
}

/* --- FIN and RST --- */

static void
test_close_both (void)
{
  g_autoptr (TcpDuo) duo = duo_20ms ();

  tcp_duo_establish (duo);
  gint64 start_ns = duo->now_ns;
  tcp_duo_write (duo, 0, 5000);
  tcp_duo_close (duo, 0);
  tcp_duo_advance (duo, MS (10));
  g_assert_cmpint (duo->ends[1].n_read, ==, 5000);
  g_assert_cmpint (duo->ends[1].fin_ns, ==, start_ns + MS (10)); /* with the last data */
  g_assert_cmpint (duo->ends[1].done_ns, ==, -1);
  tcp_duo_close (duo, 1);
  tcp_duo_advance (duo, SEC (1));
  g_assert_cmpint (duo->ends[0].done_ns, ==, start_ns + MS (20));
  g_assert_cmpint (duo->ends[1].done_ns, ==, start_ns + MS (30));
  g_assert_cmpint (sim_tcp_get_state (duo->ends[0].tcp), ==, SIM_TCP_DEAD);
  g_assert_cmpint (sim_tcp_get_failure (duo->ends[0].tcp), ==, SIM_TCP_NOT_FAILED);
}

/* Half-closed, the other direction goes on. */
static void
test_half_close (void)
{
  g_autoptr (TcpDuo) duo = duo_20ms ();

  tcp_duo_establish (duo);
  tcp_duo_close (duo, 0);
  tcp_duo_advance (duo, MS (100));
  g_assert_cmpint (duo->ends[1].fin_ns, >, 0);
  tcp_duo_write (duo, 1, 1000000);
  g_assert_true (tcp_duo_finish (duo, SEC (10)));
  g_assert_cmpint (duo->ends[0].n_read, ==, 1000000);
  g_assert_cmpint (duo->ends[0].done_ns, ==, -1);
}

static gboolean
drop_fin_once (TcpDuo *duo, guint n, const SimTcpSegment *segment)
{
  gboolean *dropped = duo->user_data;

  (void)n;
  if (!(segment->flags & SIM_TCP_FIN) || *dropped)
    return FALSE;
  *dropped = TRUE;
  return TRUE;
}

static void
test_lost_fin (void)
{
  g_autoptr (TcpDuo) duo = duo_20ms ();
  gboolean dropped = FALSE;

  duo->user_data = &dropped;
  duo->lines[0].drop = drop_fin_once;
  tcp_duo_establish (duo);
  gint64 start_ns = duo->now_ns;
  tcp_duo_close (duo, 0);
  tcp_duo_advance (duo, SEC (2));
  /* A lone segment: probed after an RTO. */
  g_assert_cmpint (duo->ends[1].fin_ns, ==, start_ns + MS (220) + MS (10));
}

/* The last ACK is lost: who is done answers the repeated FIN. */
static void
test_lost_last_ack (void)
{
  g_autoptr (TcpDuo) duo = duo_20ms ();

  tcp_duo_establish (duo);
  tcp_duo_close (duo, 0);
  tcp_duo_advance (duo, MS (50));
  tcp_duo_close (duo, 1);
  tcp_duo_advance (duo, MS (9));
  duo->lines[0].dark = TRUE;
  tcp_duo_advance (duo, MS (2));
  duo->lines[0].dark = FALSE;
  g_assert_cmpint (duo->ends[0].done_ns, >, 0);
  g_assert_cmpint (duo->ends[1].done_ns, ==, -1);
  tcp_duo_advance (duo, SEC (1));
  g_assert_cmpint (duo->ends[1].done_ns, >, 0);
}

static void
test_reset (void)
{
  g_autoptr (TcpDuo) duo = duo_20ms ();

  tcp_duo_establish (duo);
  tcp_duo_write (duo, 0, 100000);
  gint64 start_ns = duo->now_ns;
  tcp_duo_abort (duo, 0);
  tcp_duo_advance (duo, SEC (5));
  g_assert_cmpint (duo->ends[1].failed_ns, ==, start_ns + MS (10));
  g_assert_cmpint (sim_tcp_get_failure (duo->ends[1].tcp), ==, SIM_TCP_RESET);
}

/* --- Silence --- */

/* Linux's 15 retransmissions: 924.6 s after the first, and then the next time-out. */
static void
test_half_open (void)
{
  g_autoptr (TcpDuo) duo = duo_20ms ();

  tcp_duo_establish (duo);
  tcp_duo_vanish (duo, 1);
  gint64 start_ns = duo->now_ns;
  tcp_duo_write (duo, 0, 1000);
  tcp_duo_advance (duo, SEC (2000));
  g_assert_cmpint (duo->ends[0].failed_ns - start_ns, >, SEC (924));
  g_assert_cmpint (duo->ends[0].failed_ns - start_ns, <, SEC (1050));
  g_assert_cmpint (sim_tcp_get_failure (duo->ends[0].tcp), ==, SIM_TCP_TIMED_OUT);
}

static void
test_user_timeout (void)
{
  SimTcpConfig config;

  sim_tcp_config_init (&config);
  config.user_timeout_ns = SEC (5);
  g_autoptr (TcpDuo) duo = tcp_duo_new (&config, 0, MS (10), 0);
  tcp_duo_establish (duo);
  tcp_duo_advance (duo, SEC (60)); /* idle: nothing is unacknowledged */
  g_assert_cmpint (duo->ends[0].failed_ns, ==, -1);
  tcp_duo_vanish (duo, 1);
  gint64 start_ns = duo->now_ns;
  tcp_duo_write (duo, 0, 1000);
  tcp_duo_advance (duo, SEC (100));
  g_assert_cmpint (duo->ends[0].failed_ns - start_ns, >=, SEC (5));
  g_assert_cmpint (duo->ends[0].failed_ns - start_ns, <=, SEC (5) + MS (300));
}

/* It holds for a window that stays shut, too. */
static void
test_user_timeout_shut_window (void)
{
  SimTcpConfig config;

  sim_tcp_config_init (&config);
  config.user_timeout_ns = SEC (5);
  config.receive_buffer_bytes = 20000;
  g_autoptr (TcpDuo) duo = tcp_duo_new (&config, 0, MS (10), 0);
  tcp_duo_establish (duo);
  tcp_duo_set_reading (duo, 1, FALSE);
  tcp_duo_write (duo, 0, 100000);
  tcp_duo_advance (duo, SEC (60)); /* the peer answers the probes */
  g_assert_cmpint (duo->ends[0].failed_ns, ==, -1);
  tcp_duo_vanish (duo, 1);
  gint64 start_ns = duo->now_ns;
  tcp_duo_advance (duo, SEC (200));
  g_assert_cmpint (duo->ends[0].failed_ns, >, start_ns);
  g_assert_cmpint (sim_tcp_get_failure (duo->ends[0].tcp), ==, SIM_TCP_TIMED_OUT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/tcp/life/connect", test_connect);
  g_test_add_func ("/sim/tcp/life/syn-retries", test_syn_retries);
  g_test_add_func ("/sim/tcp/life/syn-ack-retries", test_syn_ack_retries);
  g_test_add_func ("/sim/tcp/life/lost-syns", test_lost_syns);
  g_test_add_func ("/sim/tcp/life/late-syns", test_late_syns);
  g_test_add_func ("/sim/tcp/life/pacing-after-lost-syn", test_pacing_after_lost_syn);
  g_test_add_func ("/sim/tcp/life/pacing-begins-late", test_pacing_begins_late);
  g_test_add_func ("/sim/tcp/life/lost-third", test_lost_third);
  g_test_add_func ("/sim/tcp/life/refused", test_refused);
  g_test_add_func ("/sim/tcp/life/close-both", test_close_both);
  g_test_add_func ("/sim/tcp/life/half-close", test_half_close);
  g_test_add_func ("/sim/tcp/life/lost-fin", test_lost_fin);
  g_test_add_func ("/sim/tcp/life/lost-last-ack", test_lost_last_ack);
  g_test_add_func ("/sim/tcp/life/reset", test_reset);
  g_test_add_func ("/sim/tcp/life/half-open", test_half_open);
  g_test_add_func ("/sim/tcp/life/user-timeout", test_user_timeout);
  g_test_add_func ("/sim/tcp/life/user-timeout-shut-window", test_user_timeout_shut_window);
  return g_test_run ();
}
