/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-send.c - which segment with data goes out now: a probe, a retransmission, new data.
 *
 * One pass of calls follows each input: retransmissions come first, then new data, as far as
 * congestion window, peer's window and pacing let it; sim_tcp_end_pass() does what depends on how
 * the pass ended. */
#include "sim/tcp-private.h"

/* The segments before this one are not paced (tcp_update_skb_after_send()). */
#define PACED_FROM 10

/* --- Pacing --- */

/* Segments of a burst: about a millisecond of the rate, at least two, more on short paths. */
static guint
get_burst (const SimTcp *tcp)
{
  gint64 bytes = tcp->cc.pacing_rate_bps / 8 / 1024;
  gint64 min_rtt_ns = sim_tcp_rtt_get_min (&tcp->rtt);
  gint64 shift = min_rtt_ns == CAIMAN_TIME_NEVER ? 64 : min_rtt_ns / CAIMAN_NS_PER_US / 512;

  if (shift < 31)
    bytes += tcp->cc.gso_bytes >> shift;
  bytes = MIN (bytes, tcp->cc.gso_bytes);
  guint least = tcp->cc.pacing_rate_bps < 1200000 ? 1 : 2;
  return (guint)MAX (bytes / tcp->mss_bytes, least);
}

void
sim_tcp_decide_pacing (SimTcp *tcp)
{
  tcp->cc.is_paced |= tcp->rtt.srtt_ns >= tcp->config.pacing_rtt_ns;
  tcp->pace_decided = TRUE;
}

/* FALSE: wait for get_pace_deadline(). */
static gboolean
may_pace (SimTcp *tcp, gint64 now_ns)
{
  if (!tcp->cc.is_paced || tcp->burst_left > 0)
    return TRUE;
  tcp->pace_blocked = now_ns < tcp->pace_ns;
  if (tcp->pace_blocked)
    return FALSE;
  tcp->burst_left = get_burst (tcp);
  return TRUE;
}

static void
count_pace (SimTcp *tcp, guint32 bytes, gint64 now_ns)
{
  if (!tcp->cc.is_paced)
    return;
  if (tcp->burst_left > 0)
    tcp->burst_left--;
  if (tcp->sent_segments + 1 < PACED_FROM)
    return;
  gint64 long_ns =
      caiman_muldiv ((gint64)bytes * 8, CAIMAN_NS_PER_S, MAX (tcp->cc.pacing_rate_bps, 1));
  /* Who was late may catch up with half of it. */
  if (now_ns > tcp->pace_ns)
    long_ns -= MIN (long_ns / 2, now_ns - tcp->pace_ns);
  tcp->pace_ns = MAX (tcp->pace_ns, now_ns) + long_ns;
}

gint64
sim_tcp_get_pace_deadline (const SimTcp *tcp)
{
  return tcp->pace_blocked && tcp->state == SIM_TCP_ESTABLISHED ? tcp->pace_ns : CAIMAN_TIME_NEVER;
}

/* --- Sending one segment --- */

static void
note_data_sent (SimTcp *tcp, gint64 now_ns)
{
  if (sim_tcp_in_flight (tcp) == 0 && tcp->cc.klass->on_restart) {
    tcp->cc.is_app_limited = tcp->app_limited > 0;
    tcp->cc.klass->on_restart (&tcp->cc, tcp->last_sent_ns, now_ns);
  }
  tcp->last_sent_ns = now_ns;
  /* A reply to what has just come: the next ACK may wait for the next reply. */
  if (now_ns - tcp->acker.last_data_ns < tcp->acker.wait_ns)
    tcp->acker.pingpong = TRUE;
}

/* What a rate sample will need to know. */
static void
note_rate (SimTcp *tcp, SimTcpSent *sent, guint out, gint64 now_ns)
{
  if (out == 0)
    tcp->first_sent_ns = tcp->delivered_ns = now_ns;
  sent->first_sent_ns = tcp->first_sent_ns;
  sent->delivered_ns = tcp->delivered_ns;
  sent->delivered = tcp->delivered;
  sent->flags &= ~(guint32)SIM_TCP_SENT_APP_LIMITED;
  if (tcp->app_limited > 0)
    sent->flags |= SIM_TCP_SENT_APP_LIMITED;
}

static void
fill_data (SimTcp *tcp, const SimTcpSent *sent, SimTcpSegment *segment, gint64 now_ns)
{
  gboolean has_fin = !!(sent->flags & SIM_TCP_SENT_FIN);

  *segment = (SimTcpSegment) { .seq = sent->seq,
                               .payload_bytes = (guint32)(sent->end - sent->seq - has_fin),
                               .flags = has_fin ? SIM_TCP_FIN : 0 };
  if (sent->end >= tcp->written)
    segment->flags |= SIM_TCP_PSH;
  count_pace (tcp, segment->payload_bytes, now_ns);
  sim_tcp_fill_header (tcp, segment, now_ns);
  tcp->sent_segments++;
}

static gboolean
send_new (SimTcp *tcp, SimTcpSegment *segment, gint64 now_ns)
{
  gint64 bytes = MIN (sim_tcp_get_unsent (tcp), tcp->mss_bytes);
  gboolean has_fin = tcp->closing && tcp->nxt + bytes == tcp->written;
  guint out = sim_tcp_scoreboard_get_out (&tcp->board);

  note_data_sent (tcp, now_ns);
  SimTcpSent *sent =
      sim_tcp_scoreboard_push (&tcp->board, tcp->nxt, tcp->nxt + bytes + has_fin, now_ns);
  note_rate (tcp, sent, out, now_ns);
  if (has_fin)
    sent->flags |= SIM_TCP_SENT_FIN;
  tcp->fin_sent |= has_fin;
  tcp->nxt = sent->end;
  tcp->pass_sent++;
  if (sim_tcp_in_reduction (tcp))
    tcp->prr_out++;
  fill_data (tcp, sent, segment, now_ns);
  if (out == 0 || tcp->timer == SIM_TCP_TIMER_TLP)
    sim_tcp_rearm_rto (tcp, now_ns);
  sim_tcp_tell_writable (tcp);
  return TRUE;
}

static gboolean
send_again (SimTcp *tcp, gint64 position, SimTcpSegment *segment, gint64 now_ns)
{
  SimTcpSent *sent = sim_tcp_scoreboard_at (&tcp->board, position);

  note_data_sent (tcp, now_ns);
  sim_tcp_scoreboard_mark_resent (&tcp->board, position, now_ns);
  note_rate (tcp, sent, sim_tcp_scoreboard_get_out (&tcp->board), now_ns);
  tcp->retransmits++;
  if (tcp->resent_ms < 0)
    tcp->resent_ms = sim_tcp_to_ms (now_ns);
  tcp->undo_resent = MAX (tcp->undo_resent, 0) + 1;
  if (sim_tcp_in_reduction (tcp))
    tcp->prr_out++;
  fill_data (tcp, sent, segment, now_ns);
  return TRUE;
}

/* --- What may go --- */

/* The next new segment lies within the peer's window. */
static gboolean
fits_window (const SimTcp *tcp)
{
  gint64 bytes = MIN (sim_tcp_get_unsent (tcp), tcp->mss_bytes);

  return tcp->nxt + bytes <= tcp->window_end;
}

static gboolean
has_new (const SimTcp *tcp)
{
  return sim_tcp_get_unsent (tcp) > 0 || (tcp->closing && !tcp->fin_sent);
}

static gboolean
next_new (SimTcp *tcp, SimTcpSegment *segment, gint64 now_ns)
{
  gboolean is_lone_fin = tcp->written == tcp->nxt;

  if (!has_new (tcp) || !fits_window (tcp))
    return FALSE;
  if (!is_lone_fin && sim_tcp_in_flight (tcp) >= tcp->cc.cwnd)
    return FALSE;
  if (!may_pace (tcp, now_ns))
    return FALSE;
  return send_new (tcp, segment, now_ns);
}

static gboolean
next_lost (SimTcp *tcp, SimTcpSegment *segment, gint64 now_ns)
{
  if (tcp->resend_due > 0) {
    tcp->resend_due = 0;
    if (tcp->board.head < tcp->board.tail)
      return send_again (tcp, tcp->board.head, segment, now_ns);
  }
  if (tcp->cc.state < SIM_TCP_RECOVERY || tcp->frto_new || sim_tcp_in_flight (tcp) >= tcp->cc.cwnd)
    return FALSE;
  gint64 position = sim_tcp_scoreboard_find_lost (&tcp->board);
  if (position == tcp->board.tail || !may_pace (tcp, now_ns))
    return FALSE;
  if (position == tcp->board.head && tcp->timer != SIM_TCP_TIMER_RACK)
    sim_tcp_set_timer (tcp, SIM_TCP_TIMER_RTO, now_ns + tcp->rtt.rto_ns);
  return send_again (tcp, position, segment, now_ns);
}

/* RFC 8985, 7.3: new data if there is some, else the last segment once more. */
static gboolean
next_probe (SimTcp *tcp, SimTcpSegment *segment, gint64 now_ns)
{
  gboolean is_new = sim_tcp_get_unsent (tcp) > 0 && fits_window (tcp);

  tcp->tlp_due = FALSE;
  if (sim_tcp_scoreboard_get_out (&tcp->board) == 0)
    return FALSE;
  tcp->n_probes++;
  tcp->tlp_resent = !is_new;
  if (is_new)
    send_new (tcp, segment, now_ns);
  else
    send_again (tcp, tcp->board.tail - 1, segment, now_ns);
  tcp->pass_sent = 0; /* no probe of the probe */
  tcp->tlp_high_seq = tcp->nxt;
  sim_tcp_set_timer (tcp, SIM_TCP_TIMER_RTO, now_ns + tcp->rtt.rto_ns);
  return TRUE;
}

/* As much as the window takes, or else an old number, which the peer must answer. */
static gboolean
next_window_probe (SimTcp *tcp, SimTcpSegment *segment, gint64 now_ns)
{
  gint64 room = tcp->window_end - tcp->nxt;

  tcp->persist_due = FALSE;
  if (room > 0 && sim_tcp_get_unsent (tcp) > 0) {
    guint32 mss_bytes = tcp->mss_bytes;
    tcp->mss_bytes = (guint32)MIN (room, mss_bytes);
    send_new (tcp, segment, now_ns);
    tcp->mss_bytes = mss_bytes;
    tcp->pass_sent = 0;
    return TRUE;
  }
  *segment = (SimTcpSegment) { .seq = tcp->una - 1 };
  sim_tcp_fill_header (tcp, segment, now_ns);
  return TRUE;
}

gboolean
sim_tcp_next_data (SimTcp *tcp, SimTcpSegment *segment, gint64 now_ns)
{
  tcp->pace_blocked = FALSE;
  if (tcp->tlp_due && next_probe (tcp, segment, now_ns))
    return TRUE;
  if (tcp->persist_due)
    return next_window_probe (tcp, segment, now_ns);
  if (next_lost (tcp, segment, now_ns))
    return TRUE;
  return next_new (tcp, segment, now_ns);
}

/* --- After a pass --- */

/* cwnd grows only where it is what limits (RFC 7661's idea, Linux's way). */
static void
validate_cwnd (SimTcp *tcp, gboolean is_limited, gint64 now_ns)
{
  guint out = sim_tcp_scoreboard_get_out (&tcp->board);

  if (tcp->una >= tcp->max_out_seq || is_limited || (!tcp->cwnd_limited && out > tcp->max_out)) {
    tcp->cwnd_limited = is_limited;
    tcp->max_out = out;
    tcp->max_out_seq = tcp->nxt;
  }
  gboolean in_use =
      tcp->cwnd_limited || (sim_tcp_cc_in_slow_start (&tcp->cc) && tcp->cc.cwnd < 2 * tcp->max_out);
  if (in_use) {
    tcp->cwnd_used = 0;
    tcp->cwnd_stamp_ns = now_ns;
    return;
  }
  tcp->cwnd_used = MAX (tcp->cwnd_used, out);
  if (now_ns - tcp->cwnd_stamp_ns < tcp->rtt.rto_ns || tcp->cc.klass->control)
    return;
  /* Unused for an RTO: half of the unused part goes (RFC 2861). */
  if (tcp->cc.state == SIM_TCP_OPEN && !tcp->told_full) {
    guint32 used = MAX (tcp->cwnd_used, tcp->config.initial_window);
    if (used < tcp->cc.cwnd) {
      tcp->cc.ssthresh = sim_tcp_get_current_ssthresh (tcp);
      tcp->cc.cwnd = (tcp->cc.cwnd + used) / 2;
    }
    tcp->cwnd_used = 0;
  }
  tcp->cwnd_stamp_ns = now_ns;
}

void
sim_tcp_end_pass (SimTcp *tcp, gint64 now_ns)
{
  gboolean is_limited = sim_tcp_in_flight (tcp) >= tcp->cc.cwnd;

  if (tcp->pass_sent > 0 || (has_new (tcp) && is_limited))
    validate_cwnd (tcp, is_limited, now_ns);
  if (tcp->pass_sent > 0)
    sim_tcp_schedule_tlp (tcp, FALSE, now_ns);
  tcp->pass_sent = 0;
  if (tcp->frto_new) {
    /* Nothing new could be sent after the RTO: back to retransmissions, with the next ACK. */
    tcp->frto_new = FALSE;
    if (tcp->nxt <= tcp->high_seq)
      tcp->frto = FALSE;
  }
  tcp->burst_left = 0;
  sim_tcp_check_persist (tcp, now_ns);
}

void
sim_tcp_check_app_limited (SimTcp *tcp)
{
  guint in_flight = sim_tcp_in_flight (tcp);

  if (sim_tcp_get_unsent (tcp) < tcp->mss_bytes && in_flight < tcp->cc.cwnd &&
      tcp->board.n_lost <= tcp->board.n_resent)
    tcp->app_limited = MAX (tcp->delivered + in_flight, 1);
}

void
sim_tcp_set_mss (SimTcp *tcp, guint32 mss_bytes, gint64 now_ns)
{
  if (mss_bytes >= tcp->mss_bytes || mss_bytes == 0)
    return;
  tcp->mss_bytes = tcp->cc.mss_bytes = mss_bytes;
  /* All that is out goes out anew in smaller segments; the window is not to blame. */
  while (tcp->board.head < tcp->board.tail)
    sim_tcp_scoreboard_pop (&tcp->board);
  if (tcp->fin_sent && tcp->una <= tcp->written)
    tcp->fin_sent = FALSE;
  tcp->nxt = tcp->una;
  tcp->tlp_high_seq = -1;
  sim_tcp_rearm_rto (tcp, now_ns);
}
