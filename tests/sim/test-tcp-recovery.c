/* SPDX-License-Identifier: Apache-2.0 */
/* test-tcp-recovery.c - what a TCP sender does about losses, to the nanosecond: RACK and TLP (RFC
 * 8985), RTO (RFC 6298), PRR (RFC 6937), F-RTO (RFC 5682), undo by DSACK (RFC 2883, 3708).
 *
 * The line has no rate and 20 ms of RTT, so that every time can be worked out. */
#include "tests/sim/tcp-duo.h"

#define RTT MS (20)
#define RTO MS (220) /* SRTT and 200 ms */

static TcpDuo *
established (void)
{
  TcpDuo *duo = tcp_duo_new (NULL, 0, RTT / 2, 0);

  tcp_duo_establish (duo);
  duo->lines[0].drop = tcp_duo_drop_by_mask;
  duo->logs = TRUE;
  return duo;
}

/* When segment @number was sent for the @n-th time, from @start_ns; -1: it was not. */
static gint64
get_time (TcpDuo *duo, guint number, guint n, gint64 start_ns)
{
  const TcpSent *sent = tcp_duo_find_sent (duo, 0, (gint64)number * MSS, n);

  return sent ? sent->at_ns - start_ns : -1;
}

static void
finish (TcpDuo *duo, gint64 bytes)
{
  g_assert_true (tcp_duo_finish (duo, SEC (60)));
  g_assert_cmpint (duo->ends[1].n_read, ==, bytes);
  tcp_duo_advance (duo, SEC (1));
  SimTcpInfo info = tcp_duo_get_info (duo, 0);
  g_assert_cmpuint (info.out, ==, 0);
  g_assert_cmpuint (info.sacked + info.lost + info.resent, ==, 0);
}

/* The first of ten: the third SACK proves it lost. */
static void
test_fast_retransmit (void)
{
  g_autoptr (TcpDuo) duo = established ();
  gint64 start_ns = duo->now_ns;

  duo->drop_mask[0] = 1 << 0;
  tcp_duo_write (duo, 0, 10 * MSS);
  tcp_duo_advance (duo, MS (25));
  g_assert_cmpint (get_time (duo, 0, 1, start_ns), ==, RTT);
  g_assert_cmpint (get_time (duo, 1, 1, start_ns), ==, -1);
  SimTcpInfo info = tcp_duo_get_info (duo, 0);
  g_assert_cmpint (info.ca_state, ==, SIM_TCP_RECOVERY);
  g_assert_cmpuint (info.ssthresh, ==, 7); /* CUBIC's 0.7 of 10 */
  finish (duo, 10 * MSS);
  g_assert_cmpint (duo->ends[1].last_read_ns - start_ns, ==, RTT + RTT / 2);
  info = tcp_duo_get_info (duo, 0);
  g_assert_cmpuint (info.retransmits, ==, 1);
  g_assert_cmpuint (info.timeouts, ==, 0);
  g_assert_cmpint (info.ca_state, ==, SIM_TCP_OPEN);
}

/* With two SACKed behind it, it waits for a quarter of the RTT and two ticks of the clock. */
static void
test_rack_timer (void)
{
  g_autoptr (TcpDuo) duo = established ();
  gint64 start_ns = duo->now_ns;

  duo->drop_mask[0] = 1 << 0;
  tcp_duo_write (duo, 0, 3 * MSS);
  finish (duo, 3 * MSS);
  g_assert_cmpint (get_time (duo, 0, 1, start_ns), ==, RTT + RTT / 4 + MS (8));
  g_assert_cmpuint (tcp_duo_get_info (duo, 0).timeouts, ==, 0);
  g_assert_cmpuint (tcp_duo_get_info (duo, 0).fast_recoveries, ==, 1);
}

/* The last two of ten: the probe after 2 SRTT repeats the last one, its SACK gives the other. */
static void
test_tail_two (void)
{
  g_autoptr (TcpDuo) duo = established ();
  gint64 start_ns = duo->now_ns, probe_ns = RTT + 2 * RTT + MS (8);

  duo->drop_mask[0] = 3 << 8;
  tcp_duo_write (duo, 0, 10 * MSS);
  finish (duo, 10 * MSS);
  g_assert_cmpint (get_time (duo, 9, 1, start_ns), ==, probe_ns);
  g_assert_cmpint (get_time (duo, 8, 1, start_ns), ==, probe_ns + RTT);
  SimTcpInfo info = tcp_duo_get_info (duo, 0);
  g_assert_cmpuint (info.probes, ==, 1);
  g_assert_cmpuint (info.timeouts, ==, 0);
}

/* A lone one at the end may be held back by its receiver: 200 ms more, but not after the RTO. */
static void
test_tail_one (void)
{
  g_autoptr (TcpDuo) duo = established ();
  gint64 start_ns = duo->now_ns;

  duo->drop_mask[0] = 1 << 9;
  tcp_duo_write (duo, 0, 10 * MSS);
  finish (duo, 10 * MSS);
  g_assert_cmpint (get_time (duo, 9, 1, start_ns), ==, RTT + RTO);
  SimTcpInfo info = tcp_duo_get_info (duo, 0);
  g_assert_cmpuint (info.probes, ==, 1);
  g_assert_cmpuint (info.timeouts, ==, 0);
}

/* The probe was needed: the window is reduced once the next ACK shows it (RFC 8985, 7.4.2). */
static void
test_probe_reduces (void)
{
  g_autoptr (TcpDuo) duo = established ();

  duo->drop_mask[0] = 1 << 9;
  tcp_duo_write (duo, 0, 10 * MSS);
  g_assert_true (tcp_duo_finish (duo, SEC (1)));
  tcp_duo_advance (duo, MS (20));
  tcp_duo_write (duo, 0, MSS);
  tcp_duo_advance (duo, MS (50));
  SimTcpInfo info = tcp_duo_get_info (duo, 0);
  g_assert_cmpuint (info.ssthresh, <, 100);
  g_assert_cmpuint (info.cwnd, ==, info.ssthresh);
}

/* All lost: a probe, then RTOs that double, each with one segment. */
static void
test_rto_backoff (void)
{
  g_autoptr (TcpDuo) duo = established ();
  gint64 start_ns = duo->now_ns, at_ns = RTO;

  duo->lines[0].dark = TRUE;
  tcp_duo_write (duo, 0, MSS);
  tcp_duo_advance (duo, SEC (8));
  g_assert_cmpint (get_time (duo, 0, 1, start_ns), ==, at_ns); /* the probe */
  for (guint i = 0; i < 5; i++) {
    at_ns += RTO << i;
    g_assert_cmpint (get_time (duo, 0, 2 + i, start_ns), ==, at_ns);
  }
  SimTcpInfo info = tcp_duo_get_info (duo, 0);
  g_assert_cmpuint (info.timeouts, ==, 5);
  g_assert_cmpuint (info.backoff, ==, 5);
  g_assert_cmpint (info.ca_state, ==, SIM_TCP_LOSS);
  g_assert_cmpuint (info.cwnd, ==, 1);
  duo->lines[0].dark = FALSE;
  finish (duo, MSS);
  /* The backlog of time-outs is over with the first ACK of something new. */
  tcp_duo_write (duo, 0, MSS);
  finish (duo, 2 * MSS);
  g_assert_cmpuint (tcp_duo_get_info (duo, 0).backoff, ==, 0);
}

/* A whole window is gone: after the RTO slow start fills it again, in order. */
static void
test_rto_slow_start (void)
{
  g_autoptr (TcpDuo) duo = established ();

  duo->lines[0].dark = TRUE;
  tcp_duo_write (duo, 0, 40 * MSS);
  tcp_duo_advance (duo, MS (100));
  duo->lines[0].dark = FALSE;
  finish (duo, 40 * MSS);
  SimTcpInfo info = tcp_duo_get_info (duo, 0);
  g_assert_cmpuint (info.retransmits, <=, 12);
}

/* A retransmission that is lost, too, is found by what was sent after it. */
static gboolean
drop_zero_twice (TcpDuo *duo, guint n, const SimTcpSegment *segment)
{
  guint *left = duo->user_data;

  (void)n;
  if (segment->payload_bytes == 0 || segment->seq != 0 || *left == 0)
    return FALSE;
  --*left;
  return TRUE;
}

static void
test_lost_retransmission (void)
{
  g_autoptr (TcpDuo) duo = established ();
  gint64 start_ns = duo->now_ns;
  guint left = 2;

  duo->user_data = &left;
  duo->lines[0].drop = drop_zero_twice;
  tcp_duo_write (duo, 0, 100 * MSS);
  finish (duo, 100 * MSS);
  g_assert_cmpint (get_time (duo, 0, 1, start_ns), ==, RTT);
  g_assert_cmpint (get_time (duo, 0, 2, start_ns), ==, 2 * RTT);
  g_assert_cmpuint (tcp_duo_get_info (duo, 0).timeouts, ==, 0);
}

/* The path becomes longer by half a second: the RTO fires for nothing, and is undone by the first
 * ACK, whose timestamp is that of the original (RFC 3522), with the window as it was. */
static void
test_spurious_rto (void)
{
  g_autoptr (TcpDuo) duo = established ();

  tcp_duo_write (duo, 0, 10 * MSS);
  tcp_duo_advance (duo, MS (100));
  guint32 cwnd = tcp_duo_get_info (duo, 0).cwnd, ssthresh = tcp_duo_get_info (duo, 0).ssthresh;
  duo->lines[0].delay_ns = MS (510);
  tcp_duo_write (duo, 0, 10 * MSS);
  tcp_duo_advance (duo, MS (500));
  g_assert_cmpuint (tcp_duo_get_info (duo, 0).timeouts, >=, 1);
  g_assert_cmpint (tcp_duo_get_info (duo, 0).ca_state, ==, SIM_TCP_LOSS);
  tcp_duo_advance (duo, MS (50));
  SimTcpInfo info = tcp_duo_get_info (duo, 0);
  g_assert_cmpuint (info.undos, ==, 1);
  g_assert_cmpint (info.ca_state, !=, SIM_TCP_LOSS);
  g_assert_cmpuint (info.cwnd, >=, cwnd);
  g_assert_cmpuint (info.ssthresh, >=, MIN (ssthresh, 1000));
  finish (duo, 20 * MSS);
}

/* Segments that were only late: the peer's reports of duplicates undo the reduction, and the
 * reordering window grows (RFC 8985, 6.2). */
static gint64
get_late_delay (TcpDuo *duo)
{
  return duo->lines[0].delay_ns;
}

static void
test_reordering (void)
{
  g_autoptr (TcpDuo) duo = established ();

  for (guint round = 0; round < 20; round++) {
    gint64 delay_ns = get_late_delay (duo);
    duo->lines[0].delay_ns = delay_ns + MS (3);
    tcp_duo_write (duo, 0, MSS);
    duo->lines[0].delay_ns = delay_ns;
    tcp_duo_write (duo, 0, 9 * MSS);
    tcp_duo_advance (duo, MS (200));
  }
  SimTcpInfo info = tcp_duo_get_info (duo, 0);
  g_assert_cmpint (duo->ends[1].n_read, ==, 200 * MSS);
  g_assert_cmpuint (info.timeouts, ==, 0);
  g_assert_cmpuint (info.undos, ==, info.fast_recoveries);
}

/* PRR: the window goes down with what is delivered, and is ssthresh in the end. */
static void
test_prr (void)
{
  g_autoptr (TcpDuo) duo = tcp_duo_new (NULL, MBIT (20), MS (25), 1000000);

  tcp_duo_establish (duo);
  tcp_duo_write (duo, 0, 100000000);
  tcp_duo_advance (duo, MS (400));
  SimTcpInfo before = tcp_duo_get_info (duo, 0);
  g_assert_cmpuint (before.fast_recoveries, ==, 0);
  duo->drop_mask[0] = 0;
  duo->lines[0].dark = TRUE;
  tcp_duo_advance (duo, MS (1)); /* one or two segments */
  duo->lines[0].dark = FALSE;
  guint32 least = G_MAXUINT32;
  SimTcpInfo info;
  for (guint i = 0; i < 400; i++) {
    tcp_duo_advance (duo, MS (1));
    info = tcp_duo_get_info (duo, 0);
    if (info.ca_state == SIM_TCP_RECOVERY)
      least = MIN (least, info.in_flight);
  }
  g_assert_cmpuint (info.fast_recoveries, ==, 1);
  g_assert_cmpuint (info.timeouts, ==, 0);
  /* It never stood still. */
  g_assert_cmpuint (least, >=, info.ssthresh - 3);
  g_assert_cmpuint (info.ssthresh, <=, before.cwnd + 20);
}

/* Whatever gets lost, in either direction: all comes, once and in order. */
static void
test_random_masks (void)
{
  for (guint seed = 1; seed <= 150; seed++) {
    SimTcpConfig config;
    sim_tcp_config_init (&config);
    config.congestion_control = (SimTcpCcKind)(seed % SIM_TCP_N_CCS);
    g_autoptr (TcpDuo) duo = tcp_duo_new (&config, seed % 2 ? MBIT (20) : 0, MS (10), 30000);
    caiman_prng_init (&duo->prng, seed);
    tcp_duo_establish (duo);
    duo->loss_ppb = 10000000 * (1 + seed % 20);
    duo->lines[0].drop = duo->lines[1].drop = tcp_duo_drop_randomly;
    tcp_duo_write (duo, 0, 300000 + seed);
    tcp_duo_write (duo, 1, 50000);
    g_assert_true (tcp_duo_finish (duo, SEC (3000)));
    g_assert_cmpint (duo->ends[1].n_read, ==, 300000 + seed);
    g_assert_cmpint (duo->ends[0].n_read, ==, 50000);
    duo->loss_ppb = 0;
    tcp_duo_advance (duo, SEC (300));
    SimTcpInfo info = tcp_duo_get_info (duo, 0);
    g_assert_cmpuint (info.out + info.sacked + info.lost + info.resent, ==, 0);
    g_assert_cmpint (info.una, ==, 300000 + seed);
  }
}

/* A smaller MTU on the way: what was too large goes out again in smaller pieces. */
static void
test_smaller_mss (void)
{
  g_autoptr (TcpDuo) duo = established ();

  duo->lines[0].dark = TRUE;
  tcp_duo_write (duo, 0, 20 * MSS);
  sim_tcp_set_mss (duo->ends[0].tcp, 1000, duo->now_ns);
  duo->lines[0].dark = FALSE;
  tcp_duo_write (duo, 0, MSS);
  finish (duo, 21 * MSS);
  const TcpSent *sent = tcp_duo_find_sent (duo, 0, 1000, 0);
  g_assert_nonnull (sent);
  g_assert_cmpuint (sent->segment.payload_bytes, ==, 1000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/tcp/recovery/fast-retransmit", test_fast_retransmit);
  g_test_add_func ("/sim/tcp/recovery/rack-timer", test_rack_timer);
  g_test_add_func ("/sim/tcp/recovery/tail-two", test_tail_two);
  g_test_add_func ("/sim/tcp/recovery/tail-one", test_tail_one);
  g_test_add_func ("/sim/tcp/recovery/probe-reduces", test_probe_reduces);
  g_test_add_func ("/sim/tcp/recovery/rto-backoff", test_rto_backoff);
  g_test_add_func ("/sim/tcp/recovery/rto-slow-start", test_rto_slow_start);
  g_test_add_func ("/sim/tcp/recovery/lost-retransmission", test_lost_retransmission);
  g_test_add_func ("/sim/tcp/recovery/spurious-rto", test_spurious_rto);
  g_test_add_func ("/sim/tcp/recovery/reordering", test_reordering);
  g_test_add_func ("/sim/tcp/recovery/prr", test_prr);
  g_test_add_func ("/sim/tcp/recovery/random-masks", test_random_masks);
  g_test_add_func ("/sim/tcp/recovery/smaller-mss", test_smaller_mss);
  return g_test_run ();
}
