/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-cubic.c - CUBIC (RFC 9438) with HyStart, in integers.
 *
 * W_cubic (t) = C (t - K)^3 + W_max, K = cbrt ((W_max - cwnd) / C), in segments and seconds, with
 * beta = 0.7 and C = 0.4. As in Linux, beta is 717/1024 and C is 410/1024; the curve is read one
 * minimum RTT ahead; the pace of growth is worked out anew when cwnd has changed or 1/32 s has gone
 * by; before the first loss cwnd grows by 5 % per round trip at least; and slow start ends when
 * the delay has risen or a round's ACKs have come in a train of half the minimum RTT (HyStart, on
 * by default; HyStart++, RFC 9406, is not what Linux has). */
#include "sim/tcp-cc.h"

#define BETA_1024         717
#define C_NUMERATOR       41 /* C = 41 * 10 / 1024 */
#define UNITS_PER_S       1024
#define FIRST_PER_MAX     20
#define PER_MIN           2
#define UPDATE_NS         (CAIMAN_NS_PER_S / 32)
#define QUIET_NS          CAIMAN_NS_PER_S /* no RTT samples so soon after a loss */
#define HYSTART_CWND_MIN  16
#define HYSTART_SAMPLES   8
#define HYSTART_TRAIN_NS  (2 * CAIMAN_NS_PER_MS)
#define HYSTART_DELAY_MIN (4 * CAIMAN_NS_PER_MS)
#define HYSTART_DELAY_MAX (16 * CAIMAN_NS_PER_MS)

/* The largest integer whose cube is at most @value. */
static guint64
cube_root (guint64 value)
{
  guint64 low = 0, high = G_GUINT64_CONSTANT (2642245);

  while (low < high) {
    guint64 middle = (low + high + 1) / 2;
    if (middle * middle * middle <= value)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

static gint64
to_units (gint64 time_ns)
{
  return caiman_muldiv (time_ns, UNITS_PER_S, CAIMAN_NS_PER_S);
}

/* K in units of 1/1024 s: cbrt (segments / C) seconds. 1024^3 / C = 2^30 * 1024 / 410. */
static gint64
get_k_units (guint32 segments)
{
  guint64 per_segment = ((G_GUINT64_CONSTANT (1) << 40) / (C_NUMERATOR * 10));

  return (gint64)cube_root (MIN (per_segment * segments, G_GUINT64_CONSTANT (1) << 63));
}

gint64
sim_tcp_cubic_get_k (guint32 segments)
{
  return caiman_muldiv (get_k_units (segments), CAIMAN_NS_PER_S, UNITS_PER_S);
}

gint64
sim_tcp_cubic_get_target (guint32 origin, gint64 k_ns, gint64 t_ns)
{
  gint64 away = ABS (to_units (t_ns) - to_units (k_ns));
  __int128 cube = (__int128)away * away * away * (C_NUMERATOR * 10);
  gint64 delta = (gint64)MIN (cube >> 40, (__int128)SIM_TCP_CWND_MAX);

  return t_ns < k_ns ? (gint64)origin - delta : (gint64)origin + delta;
}

static void
hystart_reset (SimTcpCubic *cubic, const SimTcpAckFacts *facts)
{
  cubic->round_start_ns = cubic->round_last_ack_ns = facts->now_ns;
  cubic->round_end = facts->nxt;
  cubic->round_rtt_ns = CAIMAN_TIME_NEVER;
  cubic->round_samples = 0;
}

static void
cubic_init (SimTcpCc *cc, gint64 now_ns)
{
  cc->cubic = (SimTcpCubic) { .epoch_start_ns = -1,
                              .last_update_ns = -1,
                              .round_start_ns = now_ns,
                              .round_last_ack_ns = now_ns,
                              .round_end = -1,
                              .round_rtt_ns = CAIMAN_TIME_NEVER };
}

static guint32
cubic_on_loss (SimTcpCc *cc)
{
  SimTcpCubic *cubic = &cc->cubic;

  cubic->epoch_start_ns = -1;
  /* Fast convergence: somebody else needs room, leave some more. */
  if (cc->cwnd < cubic->w_max)
    cubic->w_max = (guint32)((guint64)cc->cwnd * (1024 + BETA_1024) / 2048);
  else
    cubic->w_max = cc->cwnd;
  return MAX ((guint32)((guint64)cc->cwnd * BETA_1024 / 1024), 2);
}

static void
start_epoch (SimTcpCc *cc, guint acked, gint64 now_ns)
{
  SimTcpCubic *cubic = &cc->cubic;

  cubic->epoch_start_ns = now_ns;
  cubic->acked = acked;
  cubic->reno_cwnd = cc->cwnd;
  if (cubic->w_max <= cc->cwnd) {
    cubic->k_ns = 0;
    cubic->origin = cc->cwnd;
  } else {
    cubic->k_ns = sim_tcp_cubic_get_k (cubic->w_max - cc->cwnd);
    cubic->origin = cubic->w_max;
  }
}

/* RFC 9438, 4.3: never slower than Reno would be with the same beta, alpha = 3 (1 - beta) /
 * (1 + beta). */
static void
heed_reno (SimTcpCc *cc)
{
  SimTcpCubic *cubic = &cc->cubic;
  guint32 scale = 8 * (1024 + BETA_1024) / 3 / (1024 - BETA_1024);
  guint32 per = MAX ((guint32)((guint64)cc->cwnd * scale / 8), 1);

  cubic->reno_cwnd += cubic->acked / per;
  cubic->acked %= per;
  if (cubic->reno_cwnd > cc->cwnd)
    cubic->per_increase = MIN (cubic->per_increase, cc->cwnd / (cubic->reno_cwnd - cc->cwnd));
}

static void
update_pace (SimTcpCc *cc, guint acked, gint64 now_ns)
{
  SimTcpCubic *cubic = &cc->cubic;

  cubic->acked += acked;
  if (cubic->last_update_ns >= 0 && cubic->last_cwnd == cc->cwnd &&
      now_ns - cubic->last_update_ns <= UPDATE_NS)
    return;
  cubic->last_cwnd = cc->cwnd;
  cubic->last_update_ns = now_ns;
  if (cubic->epoch_start_ns < 0)
    start_epoch (cc, acked, now_ns);
  gint64 target = sim_tcp_cubic_get_target (cubic->origin, cubic->k_ns,
                                            now_ns - cubic->epoch_start_ns + cubic->delay_min_ns);
  if (target > (gint64)cc->cwnd)
    cubic->per_increase = cc->cwnd / (guint32)MIN (target - cc->cwnd, cc->cwnd);
  else
    cubic->per_increase = 100 * cc->cwnd;
  if (cubic->w_max == 0)
    cubic->per_increase = MIN (cubic->per_increase, FIRST_PER_MAX);
  heed_reno (cc);
  cubic->per_increase = MAX (cubic->per_increase, PER_MIN);
}

static void
cubic_on_ack (SimTcpCc *cc, const SimTcpAckFacts *facts, guint acked)
{
  if (!facts->is_cwnd_limited)
    return;
  if (sim_tcp_cc_in_slow_start (cc)) {
    acked = sim_tcp_cc_slow_start (cc, acked);
    if (acked == 0)
      return;
  }
  update_pace (cc, acked, facts->now_ns);
  sim_tcp_cc_additive_increase (cc, cc->cubic.per_increase, acked);
}

/* How much a train may be drawn out by the sender's own bursts. */
static gint64
get_burst_ns (const SimTcpCc *cc)
{
  if (cc->pacing_rate_bps == 0)
    return 0;
  return MIN (CAIMAN_NS_PER_MS,
              caiman_muldiv (cc->gso_bytes * 4 * 8, CAIMAN_NS_PER_S, cc->pacing_rate_bps));
}

static gboolean
train_is_long (SimTcpCc *cc, gint64 now_ns)
{
  SimTcpCubic *cubic = &cc->cubic;

  if (now_ns - cubic->round_last_ack_ns > HYSTART_TRAIN_NS)
    return FALSE;
  cubic->round_last_ack_ns = now_ns;
  gint64 most_ns = (cubic->delay_min_ns + get_burst_ns (cc)) / (cc->is_paced ? 1 : 2);
  return now_ns - cubic->round_start_ns > most_ns;
}

static gboolean
delay_has_risen (SimTcpCubic *cubic, gint64 rtt_ns)
{
  cubic->round_rtt_ns = MIN (cubic->round_rtt_ns, rtt_ns);
  if (cubic->round_samples < HYSTART_SAMPLES) {
    cubic->round_samples++;
    return FALSE;
  }
  gint64 rise_ns = CLAMP (cubic->delay_min_ns / 8, HYSTART_DELAY_MIN, HYSTART_DELAY_MAX);
  return cubic->round_rtt_ns > cubic->delay_min_ns + rise_ns;
}

static void
cubic_on_rtt (SimTcpCc *cc, const SimTcpAckFacts *facts)
{
  SimTcpCubic *cubic = &cc->cubic;

  if (cubic->epoch_start_ns >= 0 && facts->now_ns - cubic->epoch_start_ns < QUIET_NS)
    return;
  if (cubic->delay_min_ns == 0 || facts->rtt_ns < cubic->delay_min_ns)
    cubic->delay_min_ns = facts->rtt_ns;
  if (cubic->found || !sim_tcp_cc_in_slow_start (cc))
    return;
  if (facts->una > cubic->round_end)
    hystart_reset (cubic, facts);
  if (cc->cwnd < HYSTART_CWND_MIN)
    return;
  gboolean is_long = train_is_long (cc, facts->now_ns);
  gboolean has_risen = delay_has_risen (cubic, facts->rtt_ns);
  if (is_long || has_risen) {
    cubic->found = TRUE;
    cc->ssthresh = cc->cwnd;
  }
}

static void
cubic_on_state (SimTcpCc *cc, SimTcpCaState state)
{
  if (state != SIM_TCP_LOSS)
    return;
  /* All starts afresh, but what has just been learnt of w_max by on_loss() goes, too. */
  cubic_init (cc, cc->cubic.round_start_ns);
}

static void
cubic_on_restart (SimTcpCc *cc, gint64 last_sent_ns, gint64 now_ns)
{
  SimTcpCubic *cubic = &cc->cubic;
  gint64 idle_ns = now_ns - last_sent_ns;

  if (cubic->epoch_start_ns >= 0 && idle_ns > 0)
    cubic->epoch_start_ns = MIN (cubic->epoch_start_ns + idle_ns, now_ns);
}

static guint32
cubic_undo (SimTcpCc *cc)
{
  return MAX (cc->cwnd, cc->prior_cwnd);
}

const SimTcpCcClass sim_tcp_cubic_class = {
  .name = "cubic",
  .init = cubic_init,
  .on_loss = cubic_on_loss,
  .on_rtt = cubic_on_rtt,
  .on_ack = cubic_on_ack,
  .on_state = cubic_on_state,
  .on_restart = cubic_on_restart,
  .undo = cubic_undo,
  .send_buffer_factor = 2,
};
