/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-rack.c - RFC 8985: time says what is lost (RACK), and a probe finds out about the tail (TLP).
 *
 * A segment is lost when another that was sent after it has been delivered and its own answer is
 * overdue by the reordering window: nothing while there was no reordering, else a quarter of the
 * minimum RTT or, after duplicates were reported, several quarters, at most the SRTT. */
#include "sim/tcp-private.h"

#define PERSIST_RECOVERIES 16

/* --- What is known of deliveries --- */

static gboolean
is_sent_after (gint64 a_ns, gint64 a_end, gint64 b_ns, gint64 b_end)
{
  return a_ns > b_ns || (a_ns == b_ns && a_end > b_end);
}

void
sim_tcp_rack_delivered (SimTcp *tcp, const SimTcpSent *sent, gint64 now_ns)
{
  SimTcpRack *rack = &tcp->rack;
  gint64 rtt_ns = now_ns - sent->sent_ns;

  /* Too quick for the last copy: an earlier one was delivered. */
  if ((sent->flags & SIM_TCP_SENT_EVER_RESENT) && rtt_ns < sim_tcp_rtt_get_min (&tcp->rtt))
    return;
  rack->advanced = TRUE;
  rack->rtt_ns = rtt_ns;
  if (is_sent_after (sent->sent_ns, sent->end, rack->sent_ns, rack->end)) {
    rack->sent_ns = sent->sent_ns;
    rack->end = sent->end;
  }
}

/* Once per round trip with a duplicate reported, the window grows by a step. */
void
sim_tcp_rack_update_window (SimTcp *tcp, const SimTcpAckWork *work)
{
  SimTcpRack *rack = &tcp->rack;

  if (!work->rate.is_set)
    return;
  if (work->rate.prior_delivered < rack->last_delivered)
    rack->dsack_seen = FALSE;
  if (rack->dsack_seen) {
    rack->steps = (guint8)MIN (rack->steps + 1, 255);
    rack->dsack_seen = FALSE;
    rack->last_delivered = tcp->delivered;
    rack->persist = PERSIST_RECOVERIES;
  } else if (rack->persist == 0) {
    rack->steps = 1;
  }
}

static gint64
get_reordering_window (const SimTcp *tcp)
{
  gint64 min_rtt_ns = sim_tcp_rtt_get_min (&tcp->rtt);

  if (tcp->reordering_seen == 0 &&
      (tcp->cc.state >= SIM_TCP_RECOVERY || tcp->board.n_sacked >= tcp->reordering))
    return 0;
  if (min_rtt_ns == CAIMAN_TIME_NEVER)
    return 0;
  return MIN (min_rtt_ns / 4 * tcp->rack.steps, tcp->rtt.srtt_ns);
}

/* --- Marking --- */

void
sim_tcp_mark_lost (SimTcp *tcp, gint64 position)
{
  if (sim_tcp_scoreboard_mark_lost (&tcp->board, position))
    tcp->lost_total++;
}

gint64
sim_tcp_rack_get_remaining (const SimTcp *tcp, const SimTcpSent *sent, gint64 window_ns,
                            gint64 now_ns)
{
  return sent->sent_ns + tcp->rack.rtt_ns + window_ns - now_ns;
}

/* Returns when the next one will count as lost, from now; 0: none is being waited for. */
static gint64
detect_loss (SimTcp *tcp, gint64 now_ns)
{
  SimTcpScoreboard *board = &tcp->board;
  gint64 window_ns = get_reordering_window (tcp), longest_ns = 0, next;

  for (gint64 p = board->oldest; p >= 0; p = next) {
    const SimTcpSent *sent = sim_tcp_scoreboard_at (board, p);
    next = sent->later;
    if (!is_sent_after (tcp->rack.sent_ns, tcp->rack.end, sent->sent_ns, sent->end))
      break;
    gint64 left_ns = sim_tcp_rack_get_remaining (tcp, sent, window_ns, now_ns);
    if (left_ns <= 0)
      sim_tcp_mark_lost (tcp, p);
    else
      longest_ns = MAX (longest_ns, left_ns);
  }
  return longest_ns;
}

/* TRUE when a timer has been set for those that may still come. */
gboolean
sim_tcp_rack_mark_lost (SimTcp *tcp, gint64 now_ns)
{
  if (!tcp->rack.advanced)
    return FALSE;
  tcp->rack.advanced = FALSE;
  gint64 left_ns = detect_loss (tcp, now_ns);
  if (left_ns == 0)
    return FALSE;
  sim_tcp_set_timer (tcp, SIM_TCP_TIMER_RACK, now_ns + left_ns + SIM_TCP_TIMEOUT_MIN_NS);
  return TRUE;
}

/* The reordering window is over. */
void
sim_tcp_rack_timer (SimTcp *tcp, gint64 now_ns)
{
  guint in_flight = sim_tcp_in_flight (tcp);

  detect_loss (tcp, now_ns);
  if (in_flight != sim_tcp_in_flight (tcp)) {
    if (tcp->cc.state != SIM_TCP_RECOVERY) {
      sim_tcp_enter_recovery (tcp);
      if (!tcp->cc.klass->control)
        sim_tcp_reduce_cwnd (tcp, 1, 0, 0);
    }
  }
  if (tcp->timer == SIM_TCP_TIMER_NONE)
    sim_tcp_rearm_rto (tcp, now_ns);
}

/* --- The tail-loss probe --- */

/* RFC 8985, 7.2: after two SRTT, or a delayed ACK more for a lone segment; not after the RTO. */
gboolean
sim_tcp_schedule_tlp (SimTcp *tcp, gboolean rto_from_now, gint64 now_ns)
{
  guint out = sim_tcp_scoreboard_get_out (&tcp->board);
  gint64 wait_ns = CAIMAN_NS_PER_S;

  if (out == 0 || (tcp->cc.state != SIM_TCP_OPEN && tcp->cc.state != SIM_TCP_CWR))
    return FALSE;
  if (tcp->rtt.srtt_ns > 0)
    wait_ns = 2 * tcp->rtt.srtt_ns + (out == 1 ? SIM_TCP_RTO_MIN_NS : SIM_TCP_TIMEOUT_MIN_NS);
  gint64 rto_ns = rto_from_now ? tcp->rtt.rto_ns : sim_tcp_get_rto_left (tcp, now_ns);
  if (rto_ns > 0)
    wait_ns = MIN (wait_ns, rto_ns);
  sim_tcp_set_timer (tcp, SIM_TCP_TIMER_TLP, now_ns + wait_ns);
  return TRUE;
}

/* RFC 8985, 7.4: did the probe repair a loss? */
void
sim_tcp_tlp_acked (SimTcp *tcp, gint64 ack, guint flags, gint64 now_ns)
{
  guint news = SIM_TCP_ACK_UNA_ADVANCED | SIM_TCP_ACK_DATA | SIM_TCP_ACK_WINDOW |
               SIM_TCP_ACK_ACKED | SIM_TCP_ACK_SACKED;

  if (ack < tcp->tlp_high_seq)
    return;
  if (!tcp->tlp_resent || (flags & SIM_TCP_ACK_DSACK_TLP)) {
    tcp->tlp_high_seq = -1; /* it was new data, or both copies have come */
  } else if (ack > tcp->tlp_high_seq) {
    sim_tcp_init_reduction (tcp);
    sim_tcp_set_ca_state (tcp, SIM_TCP_CWR);
    sim_tcp_end_reduction (tcp, now_ns);
    sim_tcp_try_keep_open (tcp);
  } else if (!(flags & news)) {
    tcp->tlp_high_seq = -1;
  }
}
