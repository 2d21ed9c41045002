/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-bbr.c - BBR version 1: the window and the pacing rate follow a model of the path, the largest
 * delivery rate of ten round trips and the smallest RTT of ten seconds.
 *
 * Startup doubles the rate until it has not grown by a quarter for three rounds; Drain empties the
 * queue that made; ProbeBW cycles through eight phases of a minimum RTT each, one of which sends a
 * quarter more and one a quarter less; ProbeRTT goes down to four segments for 200 ms when the
 * minimum is ten seconds old. Losses do not reduce the model, but for a policer, which is
 * recognised by two like intervals of heavy loss. Parts with a star follow tcp_bbr of Linux where
 * the draft leaves it open: * allowance for aggregated ACKs, * packet conservation in the first
 * round of recovery, * 1 % margin of the pacing rate. Gains are 256ths. */
#include "sim/tcp-cc.h"

#define UNIT                     256
#define HIGH_GAIN                739 /* 2 / ln 2 */
#define DRAIN_GAIN               88  /* its inverse */
#define CWND_GAIN                512
#define CYCLE_PHASES             8
#define BW_ROUNDS                10
#define MIN_RTT_WINDOW_NS        (10 * CAIMAN_NS_PER_S)
#define PROBE_RTT_NS             (200 * CAIMAN_NS_PER_MS)
#define CWND_MIN                 4
#define FULL_BW_ROUNDS           3
#define AGGREGATION_ROUNDS       5
#define AGGREGATION_MAX_NS       (100 * CAIMAN_NS_PER_MS)
#define AGGREGATION_SEGMENTS_MAX (1u << 20)
#define LT_ROUNDS_MIN            4
#define LT_ROUNDS_MAX            48
#define LT_LOSS                  50 /* 256ths of what was delivered */
#define LT_DIFF_BPS              4000

static const gint64 cycle_gains[CYCLE_PHASES] = {
  UNIT * 5 / 4, UNIT * 3 / 4, UNIT, UNIT, UNIT, UNIT, UNIT, UNIT,
};

static gint64
get_max_bw (const SimTcpBbr *bbr)
{
  return bbr->bw.value[0];
}

static gint64
get_bw (const SimTcpBbr *bbr)
{
  return bbr->lt_use ? bbr->lt_bw_bps : get_max_bw (bbr);
}

static gint64
to_bps (const SimTcpCc *cc, guint64 segments, gint64 time_ns)
{
  return caiman_muldiv ((gint64)segments * cc->mss_bytes * 8, CAIMAN_NS_PER_S, time_ns);
}

/* Segments that @bw_bps delivers in @time_ns, times @gain, rounded up. */
static guint32
to_segments (const SimTcpCc *cc, gint64 bw_bps, gint64 time_ns, gint64 gain)
{
  gint64 bits = caiman_muldiv (bw_bps, time_ns, CAIMAN_NS_PER_S);
  gint64 segments =
      (caiman_muldiv (bits, gain, UNIT) + cc->mss_bytes * 8 - 1) / (cc->mss_bytes * 8);
  return (guint32)MIN (segments, SIM_TCP_CWND_MAX);
}

/* --- Window and rate out of the model --- */

static guint32
get_bdp (const SimTcpCc *cc, gint64 bw_bps, gint64 gain)
{
  if (cc->bbr.min_rtt_ns == CAIMAN_TIME_NEVER)
    return 10;
  return to_segments (cc, bw_bps, cc->bbr.min_rtt_ns, gain);
}

/* Bursts of sender and receiver have room in it. */
static guint32
add_budget (const SimTcpCc *cc, guint32 cwnd)
{
  gint64 burst = CLAMP (cc->pacing_rate_bps / 8 / 1024 / cc->mss_bytes, 1, 127);

  cwnd += 3 * (guint32)MAX (burst, 2);
  cwnd = (cwnd + 1) & ~1u;
  if (cc->bbr.mode == SIM_TCP_BBR_PROBE_BW && cc->bbr.cycle_index == 0)
    cwnd += 2;
  return cwnd;
}

static guint32
get_inflight (const SimTcpCc *cc, gint64 bw_bps, gint64 gain)
{
  return add_budget (cc, get_bdp (cc, bw_bps, gain));
}

static void
set_pacing_rate (SimTcpCc *cc, gint64 bw_bps, gint64 gain)
{
  gint64 rate_bps = caiman_muldiv (bw_bps, gain * 99, UNIT * 100);

  if (cc->bbr.full_bw_reached || rate_bps > cc->pacing_rate_bps)
    cc->pacing_rate_bps = MAX (rate_bps, 1);
}

static void
start_pacing (SimTcpCc *cc, gint64 srtt_ns)
{
  gint64 bw_bps = to_bps (cc, cc->cwnd, srtt_ns > 0 ? srtt_ns : CAIMAN_NS_PER_MS);

  cc->bbr.has_rtt |= srtt_ns > 0;
  cc->pacing_rate_bps = caiman_muldiv (bw_bps, HIGH_GAIN * 99, UNIT * 100);
}

static void
save_cwnd (SimTcpCc *cc)
{
  SimTcpBbr *bbr = &cc->bbr;

  if (bbr->prev_ca_state < SIM_TCP_RECOVERY && bbr->mode != SIM_TCP_BBR_PROBE_RTT)
    bbr->prior_cwnd = cc->cwnd;
  else
    bbr->prior_cwnd = MAX (bbr->prior_cwnd, cc->cwnd);
}

/* --- The cycle of ProbeBW --- */

static void
advance_cycle (SimTcpBbr *bbr, gint64 now_ns)
{
  bbr->cycle_index = (bbr->cycle_index + 1) % CYCLE_PHASES;
  bbr->cycle_stamp_ns = now_ns;
}

/* Anywhere in the cycle but in the phase that sends less. */
static void
enter_probe_bw (SimTcpBbr *bbr, gint64 now_ns)
{
  bbr->mode = SIM_TCP_BBR_PROBE_BW;
  bbr->cycle_index = CYCLE_PHASES - 1 - (guint)caiman_prng_below (&bbr->prng, CYCLE_PHASES - 1);
  advance_cycle (bbr, now_ns);
}

static gboolean
is_next_phase (const SimTcpCc *cc, const SimTcpAckFacts *facts)
{
  const SimTcpBbr *bbr = &cc->bbr;
  gboolean is_full = facts->now_ns - bbr->cycle_stamp_ns > bbr->min_rtt_ns;

  if (bbr->pacing_gain == UNIT)
    return is_full;
  if (bbr->pacing_gain > UNIT)
    return is_full &&
           (facts->lost > 0 ||
            facts->prior_in_flight >= get_inflight (cc, get_max_bw (bbr), bbr->pacing_gain));
  return is_full || facts->prior_in_flight <= get_inflight (cc, get_max_bw (bbr), UNIT);
}

static void
update_cycle (SimTcpCc *cc, const SimTcpAckFacts *facts)
{
  if (cc->bbr.mode == SIM_TCP_BBR_PROBE_BW && is_next_phase (cc, facts))
    advance_cycle (&cc->bbr, facts->now_ns);
}

/* --- A policer --- */

static void
start_lt_interval (SimTcpBbr *bbr, const SimTcpAckFacts *facts)
{
  bbr->lt_last_ns = facts->now_ns;
  bbr->lt_last_delivered = facts->delivered;
  bbr->lt_last_lost = facts->lost_total;
  bbr->lt_rounds = 0;
}

static void
reset_lt (SimTcpBbr *bbr, const SimTcpAckFacts *facts)
{
  bbr->lt_bw_bps = 0;
  bbr->lt_use = FALSE;
  bbr->lt_sampling = FALSE;
  start_lt_interval (bbr, facts);
}

static void
end_lt_interval (SimTcpBbr *bbr, gint64 bw_bps, const SimTcpAckFacts *facts)
{
  gint64 difference_bps = ABS (bw_bps - bbr->lt_bw_bps);

  if (bbr->lt_bw_bps > 0 &&
      (difference_bps <= bbr->lt_bw_bps / 8 || difference_bps <= LT_DIFF_BPS)) {
    bbr->lt_bw_bps = (bw_bps + bbr->lt_bw_bps) / 2;
    bbr->lt_use = TRUE;
    bbr->pacing_gain = UNIT;
    bbr->lt_rounds = 0;
    return;
  }
  bbr->lt_bw_bps = bw_bps;
  start_lt_interval (bbr, facts);
}

/* Looks for intervals that begin and end with a loss, 4 to 16 rounds long, with heavy loss. */
static void
sample_lt (SimTcpCc *cc, const SimTcpAckFacts *facts)
{
  SimTcpBbr *bbr = &cc->bbr;

  if (!bbr->lt_sampling) {
    if (facts->lost == 0)
      return;
    start_lt_interval (bbr, facts);
    bbr->lt_sampling = TRUE;
  }
  if (facts->is_app_limited) {
    reset_lt (bbr, facts);
    return;
  }
  bbr->lt_rounds += bbr->round_start;
  if (bbr->lt_rounds > 4 * LT_ROUNDS_MIN)
    reset_lt (bbr, facts);
  if (bbr->lt_rounds < LT_ROUNDS_MIN || facts->lost == 0)
    return;
  guint64 lost = facts->lost_total - bbr->lt_last_lost;
  guint64 delivered = facts->delivered - bbr->lt_last_delivered;
  gint64 time_ns = facts->now_ns - bbr->lt_last_ns;
  if (delivered == 0 || lost * UNIT < delivered * LT_LOSS || time_ns < CAIMAN_NS_PER_MS)
    return;
  end_lt_interval (bbr, to_bps (cc, delivered, time_ns), facts);
}

static void
update_lt (SimTcpCc *cc, const SimTcpAckFacts *facts)
{
  SimTcpBbr *bbr = &cc->bbr;

  if (!bbr->lt_use) {
    sample_lt (cc, facts);
  } else if (bbr->mode == SIM_TCP_BBR_PROBE_BW && bbr->round_start &&
             ++bbr->lt_rounds >= LT_ROUNDS_MAX) {
    reset_lt (bbr, facts);
    enter_probe_bw (bbr, facts->now_ns);
  }
}

/* --- The model --- */

static void
update_bw (SimTcpCc *cc, const SimTcpAckFacts *facts)
{
  SimTcpBbr *bbr = &cc->bbr;

  bbr->round_start = FALSE;
  if (facts->sample_ns <= 0)
    return;
  if (facts->prior_delivered >= bbr->next_round_delivered) {
    bbr->next_round_delivered = facts->delivered;
    bbr->rounds++;
    bbr->round_start = TRUE;
    bbr->packet_conservation = FALSE;
  }
  update_lt (cc, facts);
  gint64 bw_bps = to_bps (cc, facts->sample_delivered, facts->sample_ns);
  if (!facts->is_app_limited || bw_bps >= get_max_bw (bbr))
    sim_tcp_filter_add_max (&bbr->bw, BW_ROUNDS, bw_bps, (gint64)bbr->rounds);
}

static void
update_aggregation (SimTcpCc *cc, const SimTcpAckFacts *facts)
{
  SimTcpBbr *bbr = &cc->bbr;

  if (facts->acked == 0 || facts->sample_ns <= 0)
    return;
  if (bbr->round_start && ++bbr->extra_acked_rounds >= AGGREGATION_ROUNDS) {
    bbr->extra_acked_rounds = 0;
    bbr->extra_acked_index = !bbr->extra_acked_index;
    bbr->extra_acked[bbr->extra_acked_index] = 0;
  }
  gint64 epoch_ns = facts->now_ns - bbr->ack_epoch_ns;
  guint64 expected =
      (guint64)caiman_muldiv (get_bw (bbr), epoch_ns, 8 * CAIMAN_NS_PER_S) / cc->mss_bytes;
  if (bbr->ack_epoch_acked <= expected ||
      bbr->ack_epoch_acked + facts->acked >= AGGREGATION_SEGMENTS_MAX) {
    bbr->ack_epoch_acked = 0;
    bbr->ack_epoch_ns = facts->now_ns;
    expected = 0;
  }
  bbr->ack_epoch_acked += facts->acked;
  guint32 extra = (guint32)MIN (bbr->ack_epoch_acked - expected, cc->cwnd);
  bbr->extra_acked[bbr->extra_acked_index] = MAX (bbr->extra_acked[bbr->extra_acked_index], extra);
}

static void
check_full_bw (SimTcpBbr *bbr, const SimTcpAckFacts *facts)
{
  if (bbr->full_bw_reached || !bbr->round_start || facts->is_app_limited)
    return;
  if (get_max_bw (bbr) >= bbr->full_bw_bps * 5 / 4) {
    bbr->full_bw_bps = get_max_bw (bbr);
    bbr->full_bw_rounds = 0;
    return;
  }
  bbr->full_bw_reached = ++bbr->full_bw_rounds >= FULL_BW_ROUNDS;
}

static void
check_drain (SimTcpCc *cc, const SimTcpAckFacts *facts)
{
  SimTcpBbr *bbr = &cc->bbr;

  if (bbr->mode == SIM_TCP_BBR_STARTUP && bbr->full_bw_reached) {
    bbr->mode = SIM_TCP_BBR_DRAIN;
    cc->ssthresh = get_inflight (cc, get_max_bw (bbr), UNIT);
  }
  if (bbr->mode == SIM_TCP_BBR_DRAIN &&
      facts->in_flight <= get_inflight (cc, get_max_bw (bbr), UNIT))
    enter_probe_bw (bbr, facts->now_ns);
}

static void
check_probe_rtt_done (SimTcpCc *cc, gint64 now_ns)
{
  SimTcpBbr *bbr = &cc->bbr;

  if (bbr->probe_rtt_done_ns == 0 || now_ns <= bbr->probe_rtt_done_ns)
    return;
  bbr->min_rtt_stamp_ns = now_ns;
  cc->cwnd = MAX (cc->cwnd, bbr->prior_cwnd);
  if (bbr->full_bw_reached)
    enter_probe_bw (bbr, now_ns);
  else
    bbr->mode = SIM_TCP_BBR_STARTUP;
}

static void
run_probe_rtt (SimTcpCc *cc, const SimTcpAckFacts *facts)
{
  SimTcpBbr *bbr = &cc->bbr;

  cc->ignores_rate = TRUE;
  if (bbr->probe_rtt_done_ns == 0 && facts->in_flight <= CWND_MIN) {
    bbr->probe_rtt_done_ns = facts->now_ns + PROBE_RTT_NS;
    bbr->probe_rtt_round_done = FALSE;
    bbr->next_round_delivered = facts->delivered;
  } else if (bbr->probe_rtt_done_ns != 0) {
    bbr->probe_rtt_round_done |= bbr->round_start;
    if (bbr->probe_rtt_round_done)
      check_probe_rtt_done (cc, facts->now_ns);
  }
}

static void
update_min_rtt (SimTcpCc *cc, const SimTcpAckFacts *facts)
{
  SimTcpBbr *bbr = &cc->bbr;
  gboolean is_old = facts->now_ns > bbr->min_rtt_stamp_ns + MIN_RTT_WINDOW_NS;

  if (facts->rtt_ns >= 0 &&
      (facts->rtt_ns < bbr->min_rtt_ns || (is_old && !facts->is_ack_delayed))) {
    bbr->min_rtt_ns = facts->rtt_ns;
    bbr->min_rtt_stamp_ns = facts->now_ns;
  }
  if (is_old && !bbr->idle_restart && bbr->mode != SIM_TCP_BBR_PROBE_RTT) {
    save_cwnd (cc);
    bbr->mode = SIM_TCP_BBR_PROBE_RTT;
    bbr->probe_rtt_done_ns = 0;
  }
  if (bbr->mode == SIM_TCP_BBR_PROBE_RTT)
    run_probe_rtt (cc, facts);
  if (facts->sample_delivered > 0)
    bbr->idle_restart = FALSE;
}

static void
update_gains (SimTcpBbr *bbr)
{
  switch (bbr->mode) {
  case SIM_TCP_BBR_STARTUP:
    bbr->pacing_gain = bbr->cwnd_gain = HIGH_GAIN;
    break;
  case SIM_TCP_BBR_DRAIN:
    bbr->pacing_gain = DRAIN_GAIN;
    bbr->cwnd_gain = HIGH_GAIN;
    break;
  case SIM_TCP_BBR_PROBE_BW:
    bbr->pacing_gain = bbr->lt_use ? UNIT : cycle_gains[bbr->cycle_index];
    bbr->cwnd_gain = CWND_GAIN;
    break;
  case SIM_TCP_BBR_PROBE_RTT:
    bbr->pacing_gain = bbr->cwnd_gain = UNIT;
    break;
  }
}

/* TRUE: @cwnd_out is what recovery asks for, the model is not heard. */
static gboolean
follow_recovery (SimTcpCc *cc, const SimTcpAckFacts *facts, guint32 *cwnd_out)
{
  SimTcpBbr *bbr = &cc->bbr;
  guint32 cwnd = cc->cwnd;

  if (facts->lost > 0)
    cwnd = cwnd > facts->lost ? cwnd - facts->lost : 1;
  if (cc->state == SIM_TCP_RECOVERY && bbr->prev_ca_state != SIM_TCP_RECOVERY) {
    bbr->packet_conservation = TRUE;
    bbr->next_round_delivered = facts->delivered;
    cwnd = facts->in_flight + facts->acked;
  } else if (bbr->prev_ca_state >= SIM_TCP_RECOVERY && cc->state < SIM_TCP_RECOVERY) {
    cwnd = MAX (cwnd, bbr->prior_cwnd);
    bbr->packet_conservation = FALSE;
  }
  bbr->prev_ca_state = cc->state;
  *cwnd_out = bbr->packet_conservation ? MAX (cwnd, facts->in_flight + facts->acked) : cwnd;
  return bbr->packet_conservation;
}

static guint32
get_aggregation (const SimTcpCc *cc)
{
  const SimTcpBbr *bbr = &cc->bbr;

  if (!bbr->full_bw_reached)
    return 0;
  return MIN (MAX (bbr->extra_acked[0], bbr->extra_acked[1]),
              to_segments (cc, get_bw (bbr), AGGREGATION_MAX_NS, UNIT));
}

static void
set_cwnd (SimTcpCc *cc, const SimTcpAckFacts *facts)
{
  SimTcpBbr *bbr = &cc->bbr;
  guint32 cwnd = cc->cwnd;

  if (facts->acked > 0 && !follow_recovery (cc, facts, &cwnd)) {
    guint32 target = get_bdp (cc, get_bw (bbr), bbr->cwnd_gain) + get_aggregation (cc);
    target = add_budget (cc, target);
    if (bbr->full_bw_reached)
      cwnd = MIN (cwnd + facts->acked, target);
    else if (cwnd < target || facts->delivered < 10)
      cwnd += facts->acked;
    cwnd = MAX (cwnd, CWND_MIN);
  }
  if (bbr->mode == SIM_TCP_BBR_PROBE_RTT)
    cwnd = MIN (cwnd, CWND_MIN);
  cc->cwnd = MIN (cwnd, SIM_TCP_CWND_MAX);
}

/* --- SimTcpCcClass --- */

static void
bbr_init (SimTcpCc *cc, gint64 now_ns)
{
  SimTcpBbr *bbr = &cc->bbr;

  bbr->min_rtt_ns = CAIMAN_TIME_NEVER;
  bbr->min_rtt_stamp_ns = now_ns;
  bbr->ack_epoch_ns = now_ns;
  bbr->cycle_stamp_ns = now_ns;
  sim_tcp_filter_reset (&bbr->bw, 0, 0);
  update_gains (bbr);
  cc->is_paced = TRUE;
  start_pacing (cc, 0);
}

static void
bbr_control (SimTcpCc *cc, const SimTcpAckFacts *facts)
{
  SimTcpBbr *bbr = &cc->bbr;

  update_bw (cc, facts);
  update_aggregation (cc, facts);
  update_cycle (cc, facts);
  check_full_bw (bbr, facts);
  check_drain (cc, facts);
  update_min_rtt (cc, facts);
  update_gains (bbr);
  if (!bbr->has_rtt && facts->srtt_ns > 0)
    start_pacing (cc, facts->srtt_ns);
  set_pacing_rate (cc, get_bw (bbr), bbr->pacing_gain);
  set_cwnd (cc, facts);
}

static guint32
bbr_on_loss (SimTcpCc *cc)
{
  save_cwnd (cc);
  return cc->ssthresh;
}

static void
bbr_on_state (SimTcpCc *cc, SimTcpCaState state)
{
  if (state != SIM_TCP_LOSS)
    return;
  cc->bbr.prev_ca_state = SIM_TCP_LOSS;
  cc->bbr.full_bw_bps = 0;
  cc->bbr.round_start = TRUE;
}

static void
bbr_on_restart (SimTcpCc *cc, gint64 last_sent_ns, gint64 now_ns)
{
  SimTcpBbr *bbr = &cc->bbr;

  (void)last_sent_ns;
  if (!cc->is_app_limited)
    return;
  bbr->idle_restart = TRUE;
  bbr->ack_epoch_ns = now_ns;
  bbr->ack_epoch_acked = 0;
  if (bbr->mode == SIM_TCP_BBR_PROBE_BW)
    set_pacing_rate (cc, get_bw (bbr), UNIT);
  else if (bbr->mode == SIM_TCP_BBR_PROBE_RTT)
    check_probe_rtt_done (cc, now_ns);
}

static guint32
bbr_undo (SimTcpCc *cc)
{
  SimTcpBbr *bbr = &cc->bbr;

  bbr->full_bw_bps = 0;
  bbr->full_bw_rounds = 0;
  bbr->lt_bw_bps = 0;
  bbr->lt_use = bbr->lt_sampling = FALSE;
  return cc->cwnd;
}

const SimTcpCcClass sim_tcp_bbr_class = {
  .name = "bbr",
  .init = bbr_init,
  .on_loss = bbr_on_loss,
  .control = bbr_control,
  .on_state = bbr_on_state,
  .on_restart = bbr_on_restart,
  .undo = bbr_undo,
  .send_buffer_factor = 3,
};
