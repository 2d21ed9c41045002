/* SPDX-License-Identifier: Apache-2.0 */
/* test-tcp-cc.c - congestion controls: by themselves against their equations, and in connections
 * against what theory and their papers say. */
#include "tests/sim/tcp-duo.h"

#define RTT MS (100)

/* One round trip of ACKs for the whole window, one for each segment; returns the time behind it. */
static gint64
run_round (SimTcpCc *cc, gint64 now_ns, gint64 rtt_ns)
{
  guint32 acks = cc->cwnd;
  SimTcpAckFacts facts = { .rtt_ns = rtt_ns, .srtt_ns = rtt_ns, .is_cwnd_limited = TRUE };

  for (guint32 i = 0; i < acks; i++) {
    facts.now_ns = now_ns + rtt_ns * (i + 1) / acks;
    facts.una = facts.now_ns;
    facts.nxt = facts.now_ns + rtt_ns;
    if (cc->klass->on_rtt)
      cc->klass->on_rtt (cc, &facts);
    cc->klass->on_ack (cc, &facts, 1);
  }
  return now_ns + rtt_ns;
}

static void
lose (SimTcpCc *cc)
{
  cc->prior_cwnd = cc->cwnd;
  cc->ssthresh = cc->klass->on_loss (cc);
  cc->cwnd = cc->ssthresh;
}

static void
test_reno (void)
{
  SimTcpCc cc;
  gint64 now_ns = 0;

  sim_tcp_cc_init (&cc, SIM_TCP_RENO, MSS, 10, 0, 0);
  now_ns = run_round (&cc, now_ns, RTT);
  g_assert_cmpuint (cc.cwnd, ==, 20); /* slow start doubles */
  now_ns = run_round (&cc, now_ns, RTT);
  g_assert_cmpuint (cc.cwnd, ==, 40);
  lose (&cc);
  g_assert_cmpuint (cc.cwnd, ==, 20);
  for (guint i = 1; i <= 30; i++) {
    now_ns = run_round (&cc, now_ns, RTT);
    g_assert_cmpuint (cc.cwnd, ==, 20 + i); /* then one segment per round trip */
  }
  g_assert_cmpuint (cc.klass->undo (&cc), ==, 50);
}

static void
test_not_limited (void)
{
  SimTcpAckFacts facts = { .is_cwnd_limited = FALSE };
  SimTcpCc cc;

  for (guint kind = SIM_TCP_RENO; kind <= SIM_TCP_CUBIC; kind++) {
    sim_tcp_cc_init (&cc, (SimTcpCcKind)kind, MSS, 10, 0, 0);
    cc.klass->on_ack (&cc, &facts, 10);
    g_assert_cmpuint (cc.cwnd, ==, 10);
  }
}

/* RFC 9438, 4.2: K^3 C = W_max - cwnd, and W (t) = C (t - K)^3 + W_max. */
static void
test_cubic_equations (void)
{
  for (guint32 segments = 1; segments < 100000; segments = segments * 5 / 4 + 1) {
    double k = (double)sim_tcp_cubic_get_k (segments) / 1e9;
    double cube = 0.4 * k * k * k;
    g_assert_cmpfloat (cube, <=, segments * 1.001);
    g_assert_cmpfloat (cube, >=, segments * 0.99 - 0.02);
  }
  for (gint64 t_ns = 0; t_ns < SEC (40); t_ns += MS (70)) {
    double t = (double)(t_ns - SEC (8)) / 1e9, w = 0.4 * t * t * t + 500;
    double target = (double)sim_tcp_cubic_get_target (500, SEC (8), t_ns);
    double tolerance = 1.0 + 0.002 * ABS (w - 500) + 0.4 * 3 * t * t * 0.002;
    g_assert_cmpfloat (ABS (target - w), <=, tolerance);
  }
}

/* The window follows the curve: after a loss at 1 000 segments with an RTT of 100 ms. */
static void
test_cubic_curve (void)
{
  SimTcpCc cc;
  gint64 now_ns = 0;

  sim_tcp_cc_init (&cc, SIM_TCP_CUBIC, MSS, 10, 0, 0);
  now_ns = run_round (&cc, now_ns, RTT);
  cc.cwnd = 1000;
  lose (&cc);
  g_assert_cmpuint (cc.cwnd, ==, 700);
  g_assert_cmpuint (cc.cubic.w_max, ==, 1000);
  gint64 start_ns = now_ns;
  double k = 9.086; /* cbrt (300 / 0.4) */
  for (guint i = 0; i < 150; i++) {
    now_ns = run_round (&cc, now_ns, RTT);
    double t = (double)(now_ns - start_ns) / 1e9 - k, w = 0.4 * t * t * t + 1000;
    g_assert_cmpfloat (cc.cwnd, >=, w * 0.97 - 4);
    g_assert_cmpfloat (cc.cwnd, <=, w * 1.03 + 4);
  }
}

/* RFC 9438, 4.7: who loses below its last maximum leaves (1 + beta) / 2 of it. */
static void
test_cubic_fast_convergence (void)
{
  SimTcpCc cc;

  sim_tcp_cc_init (&cc, SIM_TCP_CUBIC, MSS, 10, 0, 0);
  cc.cwnd = 1000;
  lose (&cc);
  cc.cwnd = 900;
  lose (&cc);
  g_assert_cmpuint (cc.cubic.w_max, ==, 900 * (1024 + 717) / 2048);
  g_assert_cmpuint (cc.cwnd, ==, 900 * 717 / 1024);
  cc.cwnd = 901;
  lose (&cc);
  g_assert_cmpuint (cc.cubic.w_max, ==, 901);
}

/* RFC 9438, 4.3: with a short RTT the cubic is slower than Reno, whose alpha for this beta is 3
 * (1 - beta) / (1 + beta) = 0.53 segments per round trip. */
static void
test_cubic_reno_friendly (void)
{
  SimTcpCc cc;
  gint64 now_ns = 0;

  sim_tcp_cc_init (&cc, SIM_TCP_CUBIC, MSS, 10, 0, 0);
  now_ns = run_round (&cc, now_ns, MS (5));
  cc.cwnd = 60;
  lose (&cc);
  guint32 start = cc.cwnd;
  for (guint i = 0; i < 60; i++)
    now_ns = run_round (&cc, now_ns, MS (5));
  g_assert_cmpuint (cc.cwnd - start, >=, 29);
  g_assert_cmpuint (cc.cwnd - start, <=, 35);
}

/* HyStart: the RTT of a round has risen by an eighth, here more than 4 ms. */
static void
test_hystart_delay (void)
{
  SimTcpCc cc;
  gint64 now_ns = 0;

  sim_tcp_cc_init (&cc, SIM_TCP_CUBIC, MSS, 10, 0, 0);
  for (guint i = 0; i < 2; i++)
    now_ns = run_round (&cc, now_ns, RTT);
  g_assert_cmpuint (cc.ssthresh, ==, SIM_TCP_SSTHRESH_INFINITE);
  now_ns = run_round (&cc, now_ns, RTT + MS (11));
  g_assert_cmpuint (cc.ssthresh, ==, SIM_TCP_SSTHRESH_INFINITE);
  run_round (&cc, now_ns, RTT + MS (14));
  g_assert_cmpuint (cc.ssthresh, <, 160);
}

/* And the train of a round's ACKs has become half the RTT long: so many come back to back. */
static void
test_hystart_train (void)
{
  g_autoptr (TcpDuo) duo = tcp_duo_new (NULL, MBIT (50), MS (50), 10000000);

  tcp_duo_establish (duo);
  tcp_duo_write (duo, 0, 100000000);
  tcp_duo_advance (duo, SEC (1));
  SimTcpInfo info = tcp_duo_get_info (duo, 0);
  /* The path holds 417 segments; slow start ends near there, without a loss. */
  g_assert_cmpuint (info.ssthresh, >=, 200);
  g_assert_cmpuint (info.ssthresh, <=, 600);
  g_assert_cmpuint (info.retransmits, ==, 0);
}

static guint32
get_slow_start_end (gint64 pacing_rtt_ns)
{
  SimTcpConfig config;

  sim_tcp_config_init (&config);
  config.pacing_rtt_ns = pacing_rtt_ns;
  g_autoptr (TcpDuo) duo = tcp_duo_new (&config, MBIT (50), MS (50), 10000000);
  tcp_duo_establish (duo);
  tcp_duo_write (duo, 0, 100000000);
  tcp_duo_advance (duo, SEC (1));
  return tcp_duo_get_info (duo, 0).ssthresh;
}

/* Paced, the ACKs are drawn out by the sender, and a train may be a whole RTT long; from which RTT
 * on a connection is paced, its configuration says. */
static void
test_hystart_paced (void)
{
  guint32 bursty = get_slow_start_end (CAIMAN_TIME_NEVER);

  g_assert_cmpuint (get_slow_start_end (MS (100)), >, bursty * 5 / 4);
  g_assert_cmpuint (get_slow_start_end (MS (110)), ==, bursty);
}

/* --- In connections --- */

static double
get_rate (SimTcpCcKind kind, gint64 rate_bps, gint64 delay_ns, gint64 queue_bytes, guint32 loss_ppb,
          gint64 for_ns)
{
  SimTcpConfig config;

  sim_tcp_config_init (&config);
  config.congestion_control = kind;
  config.send_buffer_bytes = 16 * 1024 * 1024; /* no limit */
  g_autoptr (TcpDuo) duo = tcp_duo_new (&config, rate_bps, delay_ns, queue_bytes);
  tcp_duo_establish (duo);
  duo->lines[0].drop = tcp_duo_drop_randomly;
  duo->loss_ppb = loss_ppb;
  tcp_duo_write (duo, 0, G_GINT64_CONSTANT (1000000000000));
  tcp_duo_advance (duo, for_ns);
  g_assert_cmpuint (tcp_duo_get_info (duo, 0).timeouts, ==, 0);
  return (double)duo->ends[1].n_read * 8 * 1e9 / (double)for_ns;
}

/* Slow start doubles from round to round until the path is full. */
static void
test_slow_start (void)
{
  g_autoptr (TcpDuo) duo = tcp_duo_new (NULL, 0, MS (50), 0);
  gint64 start_ns;

  tcp_duo_establish (duo);
  start_ns = duo->now_ns;
  duo->logs = TRUE;
  tcp_duo_write (duo, 0, 100000000);
  for (guint round = 0; round < 5; round++) {
    tcp_duo_advance_to (duo, start_ns + (round + 1) * RTT - 1);
    g_assert_cmpint (tcp_duo_get_info (duo, 0).nxt, ==, 10 * ((2 << round) - 1) * MSS);
  }
}

/* Mathis and others 1997: MSS / RTT * sqrt (3/2) / sqrt (p), for a receiver whose ACKs are counted
 * by segments. sqrt (1.5 / p) is in the table. */
static void
test_mathis (void)
{
  static const struct {
    guint32 loss_ppb;
    double root;
  } cases[] = { { 1000000, 38.73 }, { 5000000, 17.32 }, { 10000000, 12.25 }, { 20000000, 8.66 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    double theory = MSS * 8 / 0.1 * cases[i].root;
    double rate = get_rate (SIM_TCP_RENO, MBIT (1000), MS (50), 0, cases[i].loss_ppb, SEC (300));
    g_test_message ("p = %.3f: %.2f of the formula", cases[i].loss_ppb / 1e9, rate / theory);
    g_assert_cmpfloat (rate, >=, theory * 0.85);
    g_assert_cmpfloat (rate, <=, theory * 1.15);
  }
}

/* All fill a link with a queue of one BDP. */
static void
test_fills_link (void)
{
  for (guint kind = 0; kind < SIM_TCP_N_CCS; kind++) {
    double rate = get_rate ((SimTcpCcKind)kind, MBIT (20), MS (20), 100000, 0, SEC (30));
    /* 1 448 of 1 500 bytes are payload. */
    g_assert_cmpfloat (rate, >=, 0.95 * 0.965 * 20e6);
  }
}

/* BBR under random loss: near what is left of the rate (Cardwell and others 2016, fig. 8), where
 * CUBIC gets a twentieth. */
static void
test_bbr_loss (void)
{
  double bbr1 = get_rate (SIM_TCP_BBR, MBIT (100), MS (50), 1250000, 10000000, SEC (60));
  double bbr2 = get_rate (SIM_TCP_BBR, MBIT (100), MS (50), 1250000, 20000000, SEC (60));
  double cubic = get_rate (SIM_TCP_CUBIC, MBIT (100), MS (50), 1250000, 10000000, SEC (60));

  g_assert_cmpfloat (bbr1, >=, 0.90 * 0.965 * 100e6);
  g_assert_cmpfloat (bbr2, >=, 0.85 * 0.965 * 100e6);
  g_assert_cmpfloat (cubic, <=, 0.05 * 100e6);
}

/* Every ten seconds 200 ms with four segments; a short queue the rest of the time; the cycle of
 * gains is seen in the pacing rate. */
static void
test_bbr_phases (void)
{
  SimTcpConfig config;
  guint n_low = 0, n_above = 0, n_below = 0;

  sim_tcp_config_init (&config);
  config.congestion_control = SIM_TCP_BBR;
  g_autoptr (TcpDuo) duo = tcp_duo_new (&config, MBIT (50), MS (20), 1000000);
  tcp_duo_establish (duo);
  tcp_duo_write (duo, 0, G_GINT64_CONSTANT (1000000000000));
  tcp_duo_advance (duo, SEC (3));
  for (guint i = 0; i < 3000; i++) {
    tcp_duo_advance (duo, MS (10));
    SimTcpInfo info = tcp_duo_get_info (duo, 0);
    n_low += info.cwnd <= 4;
    n_above += info.pacing_rate_bps > MBIT (55);
    n_below += info.pacing_rate_bps < MBIT (40);
    g_assert_cmpint (info.srtt_ns, <, MS (75));
  }
  /* Three times in 30 s, 200 ms and a round trip or two each. */
  g_assert_cmpuint (n_low, >=, 60);
  g_assert_cmpuint (n_low, <=, 90);
  g_assert_cmpuint (n_above, >=, 3000 / 16);
  g_assert_cmpuint (n_below, >=, 3000 / 32);
  g_assert_cmpuint (tcp_duo_get_info (duo, 0).timeouts, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/tcp/cc/reno", test_reno);
  g_test_add_func ("/sim/tcp/cc/not-limited", test_not_limited);
  g_test_add_func ("/sim/tcp/cc/cubic-equations", test_cubic_equations);
  g_test_add_func ("/sim/tcp/cc/cubic-curve", test_cubic_curve);
  g_test_add_func ("/sim/tcp/cc/cubic-fast-convergence", test_cubic_fast_convergence);
  g_test_add_func ("/sim/tcp/cc/cubic-reno-friendly", test_cubic_reno_friendly);
  g_test_add_func ("/sim/tcp/cc/hystart-delay", test_hystart_delay);
  g_test_add_func ("/sim/tcp/cc/hystart-train", test_hystart_train);
  g_test_add_func ("/sim/tcp/cc/hystart-paced", test_hystart_paced);
  g_test_add_func ("/sim/tcp/cc/slow-start", test_slow_start);
  g_test_add_func ("/sim/tcp/cc/mathis", test_mathis);
  g_test_add_func ("/sim/tcp/cc/fills-link", test_fills_link);
  g_test_add_func ("/sim/tcp/cc/bbr-loss", test_bbr_loss);
  g_test_add_func ("/sim/tcp/cc/bbr-phases", test_bbr_phases);
  return g_test_run ();
}
