/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-ack.c - what an acknowledgement says, in this order: window, SACK blocks, cumulative ACK,
 * RTT; then recovery reacts, timers are set, and congestion control learns of it. */
#include "sim/tcp-private.h"

#define PACING_DELIVERED 10 /* as TRUSTED_DELIVERED of transports/tcp-socket.c */

/* --- One segment has been delivered --- */

static gboolean
is_later (gint64 a_ns, gint64 a_end, gint64 b_ns, gint64 b_end)
{
  return a_ns > b_ns || (a_ns == b_ns && a_end > b_end);
}

/* The sample is that of the segment that was sent last. */
static void
sample_rate (SimTcp *tcp, const SimTcpSent *sent, SimTcpRateSample *rate)
{
  if (rate->is_set && !is_later (sent->sent_ns, sent->end, rate->sent_ns, rate->end))
    return;
  *rate = (SimTcpRateSample) { .is_set = TRUE,
                               .prior_delivered = sent->delivered,
                               .prior_delivered_ns = sent->delivered_ns,
                               .send_ns = sent->sent_ns - sent->first_sent_ns,
                               .end = sent->end,
                               .sent_ns = sent->sent_ns,
                               .is_app_limited = !!(sent->flags & SIM_TCP_SENT_APP_LIMITED),
                               .is_resent = !!(sent->flags & SIM_TCP_SENT_EVER_RESENT) };
  tcp->first_sent_ns = sent->sent_ns;
}

/* It came in its first copy, and before ones that were sent earlier (@end: recovery's). */
static void
note_original (const SimTcp *tcp, const SimTcpSent *sent, SimTcpAckWork *work)
{
  if (sent->seq < work->prior_highest)
    work->reordered_seq = MIN (work->reordered_seq, sent->seq);
  if (sent->end <= tcp->high_seq)
    work->flags |= SIM_TCP_ACK_ORIGINAL;
}

/* --- SACK --- */

static void
sack_one (SimTcp *tcp, gint64 position, SimTcpAckWork *work, gint64 now_ns)
{
  SimTcpSent *sent = sim_tcp_scoreboard_at (&tcp->board, position);

  if (!(sent->flags & SIM_TCP_SENT_EVER_RESENT)) {
    note_original (tcp, sent, work);
    if (work->first_sacked_ns < 0)
      work->first_sacked_ns = sent->sent_ns;
    work->last_sacked_ns = sent->sent_ns;
  }
  sample_rate (tcp, sent, &work->rate);
  sim_tcp_rack_delivered (tcp, sent, now_ns);
  sim_tcp_scoreboard_mark_sacked (&tcp->board, position);
  tcp->delivered++;
  work->flags |= SIM_TCP_ACK_SACKED;
}

static void
sack_range (SimTcp *tcp, const SimTcpRange *range, SimTcpAckWork *work, gint64 now_ns)
{
  SimTcpScoreboard *board = &tcp->board;
  gint64 position = sim_tcp_scoreboard_find (board, range->start);

  if (position < board->tail && sim_tcp_scoreboard_at (board, position)->seq < range->start)
    position++;
  while (position < board->tail && sim_tcp_scoreboard_at (board, position)->end <= range->end) {
    if (sim_tcp_scoreboard_at (board, position)->flags & SIM_TCP_SENT_SACKED) {
      position = sim_tcp_scoreboard_skip_sacked (board, position);
      continue;
    }
    sack_one (tcp, position++, work, now_ns);
  }
}

static gboolean
is_duplicate_report (const SimTcpSegment *segment)
{
  const SimTcpRange *first = &segment->sacks[0];

  if (first->start < segment->ack)
    return TRUE;
  return segment->n_sacks > 1 && first->start >= segment->sacks[1].start &&
         first->end <= segment->sacks[1].end;
}

/* RFC 2883: the peer got @range twice. */
static void
handle_duplicate_report (SimTcp *tcp, const SimTcpRange *range, SimTcpAckWork *work)
{
  tcp->dsacks++;
  if (tcp->dsacks > tcp->retransmits)
    return; /* not of our making: the network duplicates */
  if (tcp->tlp_high_seq >= 0 && tcp->tlp_high_seq == range->end)
    work->flags |= SIM_TCP_ACK_DSACK_TLP;
  else
    tcp->rack.dsack_seen = TRUE;
  work->flags |= SIM_TCP_ACK_DSACK;
  if (tcp->undo_marker >= 0 && range->end > tcp->undo_marker && tcp->undo_resent > 0)
    tcp->undo_resent--;
}

static void
handle_sacks (SimTcp *tcp, const SimTcpSegment *segment, SimTcpAckWork *work, gint64 now_ns)
{
  gboolean has_report = is_duplicate_report (segment);

  if (has_report)
    handle_duplicate_report (tcp, &segment->sacks[0], work);
  for (guint i = has_report; i < segment->n_sacks; i++)
    if (segment->sacks[i].end > segment->ack)
      sack_range (tcp, &segment->sacks[i], work, now_ns);
}

/* --- The cumulative ACK --- */

static gboolean
is_spurious (const SimTcp *tcp, const SimTcpSent *sent)
{
  return (sent->flags & SIM_TCP_SENT_EVER_RESENT) && tcp->peer_echo_ms >= 0 &&
         tcp->peer_echo_ms < sim_tcp_to_ms (sent->sent_ns);
}

static void
ack_one (SimTcp *tcp, const SimTcpSent *sent, SimTcpAckWork *work, gint64 now_ns)
{
  work->flags |= SIM_TCP_ACK_ACKED;
  if (sent->flags & SIM_TCP_SENT_EVER_RESENT) {
    work->flags |= SIM_TCP_ACK_RESENT_ACKED;
  } else if (!(sent->flags & SIM_TCP_SENT_SACKED)) {
    work->last_acked_ns = sent->sent_ns;
    if (work->first_acked_ns < 0)
      work->first_acked_ns = sent->sent_ns;
    note_original (tcp, sent, work);
  }
  if (sent->flags & SIM_TCP_SENT_SACKED)
    return;
  tcp->delivered++;
  sample_rate (tcp, sent, &work->rate);
  if (!is_spurious (tcp, sent))
    sim_tcp_rack_delivered (tcp, sent, now_ns);
}

static void
clean_queue (SimTcp *tcp, SimTcpAckWork *work, gint64 now_ns)
{
  SimTcpScoreboard *board = &tcp->board;

  while (board->head < board->tail) {
    const SimTcpSent *sent = sim_tcp_scoreboard_at (board, board->head);
    if (sent->end > tcp->una)
      break;
    ack_one (tcp, sent, work, now_ns);
    sim_tcp_scoreboard_pop (board);
  }
}

/* TRUE when the time-out was computed afresh. */
static gboolean
update_rtt (SimTcp *tcp, SimTcpAckWork *work, gint64 *newest_rtt_out, gint64 now_ns)
{
  gint64 sample_ns = -1, newest_ns = -1;

  if (work->first_acked_ns >= 0 && !(work->flags & SIM_TCP_ACK_RESENT_ACKED)) {
    sample_ns = now_ns - work->first_acked_ns;
    newest_ns = now_ns - work->last_acked_ns;
  } else if (work->first_sacked_ns >= 0) {
    sample_ns = now_ns - work->first_sacked_ns;
    newest_ns = now_ns - work->last_sacked_ns;
  } else if ((work->flags & SIM_TCP_ACK_ACKED) && tcp->peer_echo_ms >= 0) {
    gint64 ms = sim_tcp_to_ms (now_ns) - tcp->peer_echo_ms;
    sample_ns = newest_ns = MAX (ms, 1) * CAIMAN_NS_PER_MS;
  }
  *newest_rtt_out = newest_ns;
  if (sample_ns < 0)
    return FALSE;
  sim_tcp_rtt_add_min (&tcp->rtt, MAX (newest_ns, 1), now_ns);
  sim_tcp_rtt_add (&tcp->rtt, MAX (sample_ns, 1), tcp->una, tcp->nxt);
  /* When the SYN was repeated, the first sample counts from the first of them. */
  if (!tcp->pace_decided && tcp->delivered >= PACING_DELIVERED &&
      tcp->rtt.srtt_ns <= 2 * sim_tcp_rtt_get_min (&tcp->rtt))
    sim_tcp_decide_pacing (tcp);
  tcp->backoff = 0;
  return TRUE;
}

/* The peer may have held an ACK of a single segment back. */
static void
note_delay (SimTcp *tcp, SimTcpAckWork *work, guint acked, gboolean had_sacks)
{
  gboolean is_small = tcp->una - work->prior_una < tcp->mss_bytes;

  if (acked == 1 && is_small && !had_sacks && work->rate.is_set &&
      work->rate.prior_delivered + 1 == tcp->delivered &&
      !(work->flags & (SIM_TCP_ACK_SACKED | SIM_TCP_ACK_DSACK)))
    work->flags |= SIM_TCP_ACK_MAYBE_DELAYED;
}

static void
decide_timer (SimTcp *tcp, SimTcpAckWork *work)
{
  if (work->flags & SIM_TCP_ACK_ACKED) {
    work->flags |= SIM_TCP_ACK_SET_TIMER;
    if (work->reordered_seq < work->prior_highest)
      sim_tcp_check_reordering (tcp, work->reordered_seq);
  } else if (work->first_sacked_ns >= 0 && tcp->board.head < tcp->board.tail) {
    /* Not when what was SACKed had been sent after the first one that is missing. */
    const SimTcpSent *head = sim_tcp_scoreboard_at (&tcp->board, tcp->board.head);
    if (work->first_sacked_ns < head->sent_ns)
      work->flags |= SIM_TCP_ACK_SET_TIMER;
  }
}

/* --- The window --- */

static void
update_window (SimTcp *tcp, const SimTcpSegment *segment, SimTcpAckWork *work)
{
  gint64 window_end = segment->ack + segment->window_bytes;

  if (segment->ack > tcp->window_ack || segment->seq > tcp->window_seq ||
      (segment->seq == tcp->window_seq &&
       (window_end > tcp->window_end || segment->window_bytes == 0))) {
    work->flags |= SIM_TCP_ACK_WINDOW;
    tcp->window_seq = segment->seq;
    tcp->window_ack = segment->ack;
    tcp->window_end = MAX (window_end, segment->ack);
    tcp->window_max_bytes = MAX (tcp->window_max_bytes, segment->window_bytes);
  }
}

/* --- All of it --- */

static void
tell_congestion_control (SimTcp *tcp, const SimTcpAckWork *work, gint64 rtt_ns, gint64 now_ns)
{
  const SimTcpRateSample *rate = &work->rate;
  guint acked = (guint)(tcp->delivered - work->prior_delivered);
  SimTcpAckFacts facts = {
    .now_ns = now_ns,
    .acked = acked,
    .lost = (guint)(tcp->lost_total - work->prior_lost),
    .in_flight = sim_tcp_in_flight (tcp),
    .prior_in_flight = work->prior_in_flight,
    .rtt_ns = rtt_ns,
    .srtt_ns = tcp->rtt.srtt_ns,
    .min_rtt_ns = sim_tcp_rtt_get_min (&tcp->rtt),
    .una = tcp->una,
    .nxt = tcp->nxt,
    .delivered = tcp->delivered,
    .lost_total = tcp->lost_total,
    .is_cwnd_limited = tcp->cwnd_limited ||
                       (sim_tcp_cc_in_slow_start (&tcp->cc) && tcp->cc.cwnd < 2 * tcp->max_out),
    .una_advanced = !!(work->flags & SIM_TCP_ACK_UNA_ADVANCED),
    .is_ack_delayed = !!(work->flags & SIM_TCP_ACK_MAYBE_DELAYED),
    .sample_ns = -1,
  };

  if (tcp->app_limited > 0 && tcp->delivered > tcp->app_limited)
    tcp->app_limited = 0;
  if (acked > 0)
    tcp->delivered_ns = now_ns;
  if (rate->is_set) {
    facts.sample_ns = MAX (rate->send_ns, now_ns - rate->prior_delivered_ns);
    facts.sample_delivered = tcp->delivered - rate->prior_delivered;
    facts.prior_delivered = rate->prior_delivered;
    facts.is_app_limited = rate->is_app_limited;
    if (facts.sample_ns < facts.min_rtt_ns && facts.min_rtt_ns != CAIMAN_TIME_NEVER)
      facts.sample_ns = -1;
  }
  gboolean reordered = tcp->reordering > SIM_TCP_REORDERING;
  guint raises = SIM_TCP_ACK_ACKED | (reordered ? SIM_TCP_ACK_SACKED : 0);
  if (tcp->cc.klass->control) {
    tcp->cc.klass->control (&tcp->cc, &facts);
    if (tcp->cc.ignores_rate)
      tcp->app_limited = MAX (tcp->delivered + facts.in_flight, 1);
    tcp->cc.ignores_rate = FALSE;
    return;
  }
  if (sim_tcp_in_reduction (tcp))
    sim_tcp_reduce_cwnd (tcp, acked, facts.lost, work->flags);
  else if (work->flags & raises)
    tcp->cc.klass->on_ack (&tcp->cc, &facts, acked);
  sim_tcp_cc_update_pacing (&tcp->cc, tcp->rtt.srtt_ns, sim_tcp_scoreboard_get_out (&tcp->board));
}

static void
tell_rtt (SimTcp *tcp, gint64 rtt_ns, gint64 now_ns)
{
  if (rtt_ns < 0 || !tcp->cc.klass->on_rtt)
    return;
  SimTcpAckFacts facts = { .now_ns = now_ns, .rtt_ns = rtt_ns, .una = tcp->una, .nxt = tcp->nxt };
  tcp->cc.klass->on_rtt (&tcp->cc, &facts);
}

/* No retransmission timer runs: did the peer open its window? */
static void
handle_idle_ack (SimTcp *tcp)
{
  tcp->probes_out = 0;
  if (tcp->timer != SIM_TCP_TIMER_PERSIST)
    return;
  gint64 bytes = MIN (sim_tcp_get_unsent (tcp), tcp->mss_bytes);
  if (tcp->nxt + bytes > tcp->window_end)
    return;
  tcp->backoff = 0;
  sim_tcp_set_timer (tcp, SIM_TCP_TIMER_NONE, CAIMAN_TIME_NEVER);
}

static gboolean
is_dubious (const SimTcp *tcp, guint flags)
{
  guint not_dup = SIM_TCP_ACK_DATA | SIM_TCP_ACK_WINDOW | SIM_TCP_ACK_ACKED;

  return !(flags & not_dup) || (flags & (SIM_TCP_ACK_SACKED | SIM_TCP_ACK_DSACK)) ||
         tcp->cc.state != SIM_TCP_OPEN;
}

static void
work_off (SimTcp *tcp, SimTcpAckWork *work, gint64 now_ns)
{
  guint out = sim_tcp_scoreboard_get_out (&tcp->board), n_sacked = tcp->board.n_sacked;
  gint64 rtt_ns;

  clean_queue (tcp, work, now_ns);
  note_delay (tcp, work, out - sim_tcp_scoreboard_get_out (&tcp->board), n_sacked > 0);
  update_rtt (tcp, work, &rtt_ns, now_ns);
  decide_timer (tcp, work);
  tell_rtt (tcp, rtt_ns, now_ns);
  sim_tcp_rack_update_window (tcp, work);
  if (tcp->tlp_high_seq >= 0)
    sim_tcp_tlp_acked (tcp, tcp->una, work->flags, now_ns);
  if (is_dubious (tcp, work->flags)) {
    guint not_dup = SIM_TCP_ACK_UNA_ADVANCED | SIM_TCP_ACK_DATA | SIM_TCP_ACK_WINDOW |
                    SIM_TCP_ACK_ACKED | SIM_TCP_ACK_DSACK;
    sim_tcp_react_to_ack (tcp, work, !(work->flags & not_dup), now_ns);
  }
  if ((work->flags & SIM_TCP_ACK_SET_TIMER) && !sim_tcp_schedule_tlp (tcp, TRUE, now_ns))
    sim_tcp_rearm_rto (tcp, now_ns);
  tell_congestion_control (tcp, work, rtt_ns, now_ns);
}

static void
start_work (SimTcp *tcp, const SimTcpSegment *segment, SimTcpAckWork *work)
{
  SimTcpScoreboard *board = &tcp->board;

  *work = (SimTcpAckWork) { .flags = segment->payload_bytes > 0 ? SIM_TCP_ACK_DATA : 0,
                            .prior_una = tcp->una,
                            .prior_in_flight = sim_tcp_in_flight (tcp),
                            .prior_highest = tcp->una,
                            .reordered_seq = CAIMAN_TIME_NEVER,
                            .first_acked_ns = -1,
                            .last_acked_ns = -1,
                            .first_sacked_ns = -1,
                            .last_sacked_ns = -1,
                            .prior_delivered = tcp->delivered,
                            .prior_lost = tcp->lost_total };
  if (board->highest_sacked >= 0)
    work->prior_highest = sim_tcp_scoreboard_at (board, board->highest_sacked)->seq;
}

void
sim_tcp_handle_ack (SimTcp *tcp, const SimTcpSegment *segment, gint64 now_ns)
{
  SimTcpAckWork work;

  start_work (tcp, segment, &work);
  if (segment->ack > tcp->nxt) {
    /* Of what was sent before set_mss() took it back; nothing else can be. */
    if (segment->ack > tcp->written + (tcp->closing ? 1 : 0))
      return;
    while (tcp->board.head < tcp->board.tail)
      sim_tcp_scoreboard_pop (&tcp->board);
    tcp->nxt = segment->ack;
    tcp->fin_sent |= segment->ack > tcp->written;
  }
  if (segment->ack > tcp->una) {
    tcp->una = segment->ack;
    work.flags |= SIM_TCP_ACK_UNA_ADVANCED;
    tcp->timeouts_in_row = 0;
  }
  tcp->progress_ns = now_ns;
  if (segment->ack >= work.prior_una)
    update_window (tcp, segment, &work);
  if (segment->n_sacks > 0)
    handle_sacks (tcp, segment, &work, now_ns);
  if (segment->ack < work.prior_una) {
    /* An old one: only what it SACKs is news. */
    if (work.flags & (SIM_TCP_ACK_SACKED | SIM_TCP_ACK_DSACK))
      work_off (tcp, &work, now_ns);
    return;
  }
  if (sim_tcp_scoreboard_get_out (&tcp->board) > 0)
    work_off (tcp, &work, now_ns);
  else
    handle_idle_ack (tcp);
  if (work.flags & SIM_TCP_ACK_UNA_ADVANCED) {
    sim_tcp_tune_send (tcp);
    sim_tcp_tell_writable (tcp);
  }
}
