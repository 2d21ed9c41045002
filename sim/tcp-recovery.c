/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-recovery.c - what an ACK means for the state of loss recovery.
 *
 *   open ──SACK──▶ disorder ──loss──▶ recovery ──all of its flight acknowledged──▶ open
 *     └──RTO──▶ loss ──the same──▶ open        (each of them undone when the loss was none)
 *
 * In recovery and CWR the window goes down to ssthresh by proportional rate reduction (RFC 6937);
 * after an RTO it is one segment and slow start. A loss was none when the peer reports that all
 * retransmissions were duplicates (RFC 2883), when its timestamps answer originals (RFC 3522), or,
 * after an RTO, when it acknowledges what was sent once (F-RTO, RFC 5682). */
#include "sim/tcp-private.h"

/* --- Small pieces --- */

void
sim_tcp_set_ca_state (SimTcp *tcp, SimTcpCaState state)
{
  sim_tcp_cc_set_state (&tcp->cc, state);
}

guint32
sim_tcp_get_current_ssthresh (const SimTcp *tcp)
{
  if (sim_tcp_in_reduction (tcp))
    return tcp->cc.ssthresh;
  return MAX (tcp->cc.ssthresh, tcp->cc.cwnd / 2 + tcp->cc.cwnd / 4);
}

gboolean
sim_tcp_any_resent (const SimTcp *tcp)
{
  const SimTcpScoreboard *board = &tcp->board;

  if (board->n_resent > 0)
    return TRUE;
  return board->head < board->tail &&
         (sim_tcp_scoreboard_at (board, board->head)->flags & SIM_TCP_SENT_EVER_RESENT);
}

/* A segment that was sent once came after others that were sent later. */
void
sim_tcp_check_reordering (SimTcp *tcp, gint64 seq)
{
  gint64 highest = tcp->una;

  if (tcp->board.highest_sacked >= 0)
    highest = sim_tcp_scoreboard_at (&tcp->board, tcp->board.highest_sacked)->seq;
  if (seq >= highest)
    return;
  gint64 distance = (highest - seq + tcp->mss_bytes - 1) / tcp->mss_bytes;
  if (distance > tcp->reordering)
    tcp->reordering = (guint32)MIN (distance, SIM_TCP_REORDERING_MAX);
  tcp->reordering_seen++;
}

void
sim_tcp_try_keep_open (SimTcp *tcp)
{
  SimTcpCaState state = SIM_TCP_OPEN;

  if (tcp->board.n_sacked + tcp->board.n_lost > 0 || sim_tcp_any_resent (tcp))
    state = SIM_TCP_DISORDER;
  if (state == tcp->cc.state)
    return;
  sim_tcp_set_ca_state (tcp, state);
  tcp->high_seq = tcp->nxt;
}

static void
try_to_open (SimTcp *tcp)
{
  if (!sim_tcp_any_resent (tcp))
    tcp->resent_ms = -1;
  if (tcp->cc.state != SIM_TCP_CWR)
    sim_tcp_try_keep_open (tcp);
}

/* --- The window's way down --- */

void
sim_tcp_init_reduction (SimTcp *tcp)
{
  tcp->high_seq = tcp->nxt;
  tcp->tlp_high_seq = -1;
  tcp->cc.cwnd_count = 0;
  tcp->cc.prior_cwnd = tcp->cc.cwnd;
  tcp->prr_delivered = tcp->prr_out = 0;
  tcp->cc.ssthresh = tcp->cc.klass->on_loss (&tcp->cc);
}

/* RFC 6937 with its slow-start reduction bound where nothing more is lost. */
void
sim_tcp_reduce_cwnd (SimTcp *tcp, guint acked, guint lost, guint flags)
{
  gint in_flight = (gint)sim_tcp_in_flight (tcp);
  gint room = (gint)tcp->cc.ssthresh - in_flight, count;

  if (acked == 0 || tcp->cc.prior_cwnd == 0)
    return;
  tcp->prr_delivered += acked;
  if (room < 0) {
    guint64 share = (guint64)tcp->cc.ssthresh * tcp->prr_delivered + tcp->cc.prior_cwnd - 1;
    count = (gint)(share / tcp->cc.prior_cwnd) - (gint)tcp->prr_out;
  } else {
    count = MAX ((gint)tcp->prr_delivered - (gint)tcp->prr_out, (gint)acked);
    if ((flags & SIM_TCP_ACK_UNA_ADVANCED) && lost == 0)
      count++;
    count = MIN (count, room);
  }
  count = MAX (count, tcp->prr_out > 0 ? 0 : 1);
  tcp->cc.cwnd = (guint32)MAX (in_flight + count, 1);
}

void
sim_tcp_end_reduction (SimTcp *tcp, gint64 now_ns)
{
  if (tcp->cc.klass->control)
    return;
  if (tcp->cc.ssthresh < SIM_TCP_SSTHRESH_INFINITE &&
      (tcp->cc.state == SIM_TCP_CWR || tcp->undo_marker >= 0)) {
    tcp->cc.cwnd = tcp->cc.ssthresh;
    tcp->cwnd_stamp_ns = now_ns;
  }
}

static void
init_undo (SimTcp *tcp)
{
  gint64 resent = (gint64)tcp->board.n_resent + (tcp->tlp_high_seq >= 0 && tcp->tlp_resent);

  tcp->undo_marker = tcp->una;
  tcp->undo_resent = resent > 0 ? resent : -1;
}

void
sim_tcp_enter_recovery (SimTcp *tcp)
{
  tcp->n_recoveries++;
  tcp->prior_ssthresh = 0;
  init_undo (tcp);
  if (!sim_tcp_in_reduction (tcp)) {
    tcp->prior_ssthresh = sim_tcp_get_current_ssthresh (tcp);
    sim_tcp_init_reduction (tcp);
  }
  sim_tcp_set_ca_state (tcp, SIM_TCP_RECOVERY);
}

/* --- The loss was none --- */

static gboolean
is_original_answered (const SimTcp *tcp)
{
  return tcp->resent_ms >= 0 && tcp->peer_echo_ms >= 0 && tcp->peer_echo_ms < tcp->resent_ms;
}

static gboolean
may_undo (const SimTcp *tcp)
{
  return tcp->undo_marker >= 0 && (tcp->undo_resent == 0 || is_original_answered (tcp));
}

static void
undo_reduction (SimTcp *tcp, gboolean unmark_losses, gint64 now_ns)
{
  if (unmark_losses)
    sim_tcp_scoreboard_forget_losses (&tcp->board);
  if (tcp->prior_ssthresh > 0) {
    tcp->cc.cwnd = tcp->cc.klass->undo (&tcp->cc);
    tcp->cc.ssthresh = MAX (tcp->cc.ssthresh, tcp->prior_ssthresh);
  }
  tcp->n_undos++;
  tcp->cwnd_stamp_ns = now_ns;
  tcp->undo_marker = -1;
  tcp->rack.advanced = TRUE;
}

static void
undo_or_end_recovery (SimTcp *tcp, gint64 now_ns)
{
  if (may_undo (tcp))
    undo_reduction (tcp, FALSE, now_ns);
  else if (tcp->rack.persist > 0)
    tcp->rack.persist--;
  sim_tcp_set_ca_state (tcp, SIM_TCP_OPEN);
}

static gboolean
try_undo_by_reports (SimTcp *tcp, gint64 now_ns)
{
  if (tcp->undo_marker < 0 || tcp->undo_resent != 0)
    return FALSE;
  tcp->rack.persist = (guint8)MIN (tcp->rack.persist + 1, 16);
  undo_reduction (tcp, FALSE, now_ns);
  return TRUE;
}

static gboolean
try_undo_loss (SimTcp *tcp, gboolean is_frto, gint64 now_ns)
{
  if (!is_frto && !may_undo (tcp))
    return FALSE;
  undo_reduction (tcp, TRUE, now_ns);
  tcp->timeouts_in_row = 0;
  sim_tcp_set_ca_state (tcp, SIM_TCP_OPEN);
  return TRUE;
}

/* TRUE: nothing more is to be marked or sent again for this ACK. */
static gboolean
try_undo_partial (SimTcp *tcp, gint64 prior_una, gint64 now_ns)
{
  if (tcp->undo_marker < 0 || !is_original_answered (tcp))
    return FALSE;
  sim_tcp_check_reordering (tcp, prior_una);
  if (tcp->board.n_resent > 0)
    return TRUE;
  if (!sim_tcp_any_resent (tcp))
    tcp->resent_ms = -1;
  undo_reduction (tcp, TRUE, now_ns);
  sim_tcp_try_keep_open (tcp);
  return FALSE;
}

/* --- The states --- */

static void
identify_losses (SimTcp *tcp, SimTcpAckWork *work, gint64 now_ns)
{
  guint n_resent = tcp->board.n_resent;

  if (sim_tcp_scoreboard_get_out (&tcp->board) == 0)
    return;
  if (sim_tcp_rack_mark_lost (tcp, now_ns))
    work->flags &= ~(guint)SIM_TCP_ACK_SET_TIMER;
  if (tcp->board.n_resent < n_resent)
    work->flags |= SIM_TCP_ACK_LOST_RESENT;
}

/* After an RTO (RFC 5682, 3.1, with SACK). */
static void
react_in_loss (SimTcp *tcp, SimTcpAckWork *work, gboolean is_dup_ack, gint64 now_ns)
{
  gboolean recovered = tcp->una >= tcp->high_seq;
  gboolean advanced = !!(work->flags & SIM_TCP_ACK_UNA_ADVANCED);

  if (advanced && try_undo_loss (tcp, FALSE, now_ns))
    return;
  if (tcp->frto) {
    if ((work->flags & SIM_TCP_ACK_ORIGINAL) && try_undo_loss (tcp, TRUE, now_ns))
      return;
    if (tcp->nxt > tcp->high_seq) {
      if ((work->flags & SIM_TCP_ACK_SACKED) || is_dup_ack)
        tcp->frto = FALSE; /* the loss was one */
    } else if (advanced && !recovered) {
      tcp->high_seq = tcp->nxt;
      if (sim_tcp_get_unsent (tcp) > 0 && tcp->window_end > tcp->nxt) {
        tcp->frto_new = TRUE;
        return;
      }
      tcp->frto = FALSE;
    }
  }
  if (recovered)
    undo_or_end_recovery (tcp, now_ns);
}

/* FALSE: no further look at losses. */
static gboolean
react_in_recovery (SimTcp *tcp, SimTcpAckWork *work, gint64 now_ns)
{
  if ((work->flags & SIM_TCP_ACK_UNA_ADVANCED) && try_undo_partial (tcp, work->prior_una, now_ns))
    return FALSE;
  if (try_undo_by_reports (tcp, now_ns))
    try_to_open (tcp);
  identify_losses (tcp, work, now_ns);
  return tcp->cc.state != SIM_TCP_RECOVERY && tcp->board.n_lost > 0;
}

/* All that was out when the state began has been acknowledged. */
static void
end_episode (SimTcp *tcp, gint64 now_ns)
{
  if (tcp->cc.state == SIM_TCP_CWR && tcp->una != tcp->high_seq) {
    sim_tcp_end_reduction (tcp, now_ns);
    sim_tcp_set_ca_state (tcp, SIM_TCP_OPEN);
  } else if (tcp->cc.state == SIM_TCP_RECOVERY) {
    gboolean undone = may_undo (tcp);
    if (!undone)
      sim_tcp_end_reduction (tcp, now_ns);
    undo_or_end_recovery (tcp, now_ns);
  }
}

void
sim_tcp_react_to_ack (SimTcp *tcp, SimTcpAckWork *work, gboolean is_dup_ack, gint64 now_ns)
{
  if (tcp->cc.state == SIM_TCP_OPEN) {
    if (tcp->board.n_resent == 0)
      tcp->resent_ms = -1;
  } else if (tcp->una >= tcp->high_seq) {
    end_episode (tcp, now_ns);
  }
  switch (tcp->cc.state) {
  case SIM_TCP_RECOVERY:
    if (!react_in_recovery (tcp, work, now_ns))
      return;
    break;
  case SIM_TCP_LOSS:
    react_in_loss (tcp, work, is_dup_ack, now_ns);
    identify_losses (tcp, work, now_ns);
    if (tcp->cc.state == SIM_TCP_LOSS && !(work->flags & SIM_TCP_ACK_LOST_RESENT))
      return;
    if (tcp->board.n_lost == 0) {
      if (tcp->cc.state != SIM_TCP_LOSS)
        try_to_open (tcp);
      return;
    }
    break;
  case SIM_TCP_OPEN:
  case SIM_TCP_DISORDER:
  case SIM_TCP_CWR:
    if (tcp->cc.state != SIM_TCP_CWR)
      try_undo_by_reports (tcp, now_ns);
    identify_losses (tcp, work, now_ns);
    if (tcp->board.n_lost == 0) {
      try_to_open (tcp);
      return;
    }
    break;
  }
  sim_tcp_enter_recovery (tcp);
}

/* --- The retransmission time-out --- */

static void
mark_all_lost (SimTcp *tcp, gint64 now_ns)
{
  SimTcpScoreboard *board = &tcp->board;

  for (gint64 p = board->head; p < board->tail; p++) {
    const SimTcpSent *sent = sim_tcp_scoreboard_at (board, p);
    /* What was sent lately may still arrive. */
    if (p != board->head && sim_tcp_rack_get_remaining (tcp, sent, 0, now_ns) > 0)
      continue;
    sim_tcp_mark_lost (tcp, p);
  }
}

void
sim_tcp_enter_loss (SimTcp *tcp, gint64 now_ns)
{
  SimTcpCaState state = tcp->cc.state;

  mark_all_lost (tcp, now_ns);
  if (state <= SIM_TCP_DISORDER || tcp->high_seq <= tcp->una ||
      (state == SIM_TCP_LOSS && tcp->timeouts_in_row == 0)) {
    tcp->prior_ssthresh = sim_tcp_get_current_ssthresh (tcp);
    tcp->cc.prior_cwnd = tcp->cc.cwnd;
    tcp->cc.ssthresh = tcp->cc.klass->on_loss (&tcp->cc);
    init_undo (tcp);
  }
  tcp->cc.cwnd = sim_tcp_in_flight (tcp) + 1;
  tcp->cc.cwnd_count = 0;
  tcp->cwnd_stamp_ns = now_ns;
  if (state <= SIM_TCP_DISORDER && tcp->board.n_sacked >= SIM_TCP_REORDERING)
    tcp->reordering = MIN (tcp->reordering, SIM_TCP_REORDERING);
  sim_tcp_set_ca_state (tcp, SIM_TCP_LOSS);
  tcp->high_seq = tcp->nxt;
  tcp->tlp_high_seq = -1;
  tcp->frto = state < SIM_TCP_RECOVERY || tcp->timeouts_in_row > 0;
  tcp->frto_new = FALSE;
}
