/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-cc.c - what congestion controls have in common. */
#include "sim/tcp-cc.h"

static const SimTcpCcClass *const classes[SIM_TCP_N_CCS] = {
  [SIM_TCP_RENO] = &sim_tcp_reno_class,
  [SIM_TCP_CUBIC] = &sim_tcp_cubic_class,
  [SIM_TCP_BBR] = &sim_tcp_bbr_class,
};

const char *
sim_tcp_cc_kind_to_string (SimTcpCcKind kind)
{
  g_assert ((guint)kind < SIM_TCP_N_CCS);
  return classes[kind]->name;
}

void
sim_tcp_cc_init (SimTcpCc *cc, SimTcpCcKind kind, guint32 mss_bytes, guint32 initial_window,
                 guint64 seed, gint64 now_ns)
{
  *cc = (SimTcpCc) { .klass = classes[kind],
                     .mss_bytes = mss_bytes,
                     .cwnd = initial_window,
                     .ssthresh = SIM_TCP_SSTHRESH_INFINITE,
                     .gso_bytes = 65536 };
  if (kind == SIM_TCP_BBR)
    caiman_prng_init (&cc->bbr.prng, seed);
  if (cc->klass->init)
    cc->klass->init (cc, now_ns);
}

void
sim_tcp_cc_set_state (SimTcpCc *cc, SimTcpCaState state)
{
  if (cc->klass->on_state)
    cc->klass->on_state (cc, state);
  cc->state = state;
}

guint
sim_tcp_cc_slow_start (SimTcpCc *cc, guint acked)
{
  guint32 cwnd = MIN (cc->cwnd + acked, cc->ssthresh);

  acked -= cwnd - cc->cwnd;
  cc->cwnd = MIN (cwnd, SIM_TCP_CWND_MAX);
  return acked;
}

void
sim_tcp_cc_additive_increase (SimTcpCc *cc, guint32 per, guint acked)
{
  if (cc->cwnd_count >= per) {
    cc->cwnd_count = 0;
    cc->cwnd++;
  }
  cc->cwnd_count += acked;
  cc->cwnd += cc->cwnd_count / per;
  cc->cwnd_count %= per;
  cc->cwnd = MIN (cc->cwnd, SIM_TCP_CWND_MAX);
}

void
sim_tcp_cc_update_pacing (SimTcpCc *cc, gint64 srtt_ns, guint in_flight)
{
  gint64 percent = cc->cwnd < cc->ssthresh / 2 ? 200 : 120;
  gint64 bits = (gint64)MAX (cc->cwnd, in_flight) * cc->mss_bytes * 8;

  if (srtt_ns > 0)
    cc->pacing_rate_bps = caiman_muldiv (bits * percent / 100, CAIMAN_NS_PER_S, srtt_ns);
}
