/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-endpoint.c - the life of a connection's end: handshake, FIN, RST, and what goes out first. */
#include "sim/tcp-private.h"

void
sim_tcp_config_init (SimTcpConfig *config)
{
  *config = (SimTcpConfig) { .congestion_control = SIM_TCP_CUBIC,
                             .mss_bytes = SIM_TCP_MSS_DEFAULT_BYTES,
                             .initial_window = SIM_TCP_INITIAL_WINDOW_DEFAULT,
                             .pacing_rtt_ns = CAIMAN_TIME_NEVER };
}

SimTcp *
sim_tcp_new (const SimTcpConfig *config, gint64 now_ns)
{
  SimTcp *tcp = g_new0 (SimTcp, 1);

  g_assert (config->mss_bytes > 0 && config->initial_window > 0);
  tcp->config = *config;
  tcp->mss_bytes = config->mss_bytes;
  tcp->syn_sent_ns = tcp->syn_timer_ns = tcp->fin_received = -1;
  tcp->tlp_high_seq = tcp->undo_marker = tcp->undo_resent = -1;
  tcp->resent_ms = tcp->ts_recent_ms = tcp->peer_echo_ms = -1;
  tcp->timer_ns = tcp->syn_timer_ns = CAIMAN_TIME_NEVER;
  tcp->acker.timer_ns = tcp->acker.sack_timer_ns = CAIMAN_TIME_NEVER;
  tcp->acker.duplicate.start = -1;
  tcp->acker.segment_bytes = 536;
  tcp->acker.compressed_received = -1;
  tcp->rack.steps = 1;
  tcp->reordering = SIM_TCP_REORDERING;
  tcp->delivered = 1; /* the SYN */
  tcp->unsent_limit_bytes = G_MAXINT64;
  tcp->ranges = g_array_new (FALSE, FALSE, sizeof (SimTcpRange));
  sim_tcp_scoreboard_init (&tcp->board);
  sim_tcp_rtt_init (&tcp->rtt);
  sim_tcp_buffers_init (tcp);
  sim_tcp_cc_init (&tcp->cc, config->congestion_control, config->mss_bytes, config->initial_window,
                   config->seed, now_ns);
  return tcp;
}

void
sim_tcp_free (SimTcp *tcp)
{
  if (!tcp)
    return;
  sim_tcp_scoreboard_clear (&tcp->board);
  g_array_unref (tcp->ranges);
  g_free (tcp);
}

static void
stop (SimTcp *tcp)
{
  tcp->state = SIM_TCP_DEAD;
  tcp->timer = SIM_TCP_TIMER_NONE;
  tcp->timer_ns = tcp->syn_timer_ns = CAIMAN_TIME_NEVER;
  tcp->acker.timer_ns = tcp->acker.sack_timer_ns = CAIMAN_TIME_NEVER;
  tcp->syn_due = FALSE;
}

void
sim_tcp_fail (SimTcp *tcp, SimTcpFailure failure)
{
  if (tcp->state == SIM_TCP_DEAD)
    return;
  stop (tcp);
  tcp->ack_due = FALSE;
  tcp->failure = failure;
  tcp->events |= SIM_TCP_EVENT_FAILED;
}

void
sim_tcp_kill (SimTcp *tcp)
{
  stop (tcp);
  tcp->ack_due = tcp->reset_due = FALSE;
}

void
sim_tcp_abort (SimTcp *tcp, gint64 now_ns)
{
  (void)now_ns;
  if (tcp->state == SIM_TCP_ESTABLISHED || tcp->state == SIM_TCP_SYN_RECEIVED) {
    tcp->reset_due = TRUE;
    tcp->reset_seq = tcp->nxt;
  }
  stop (tcp);
  tcp->ack_due = FALSE;
}

/* --- Handshake --- */

void
sim_tcp_connect (SimTcp *tcp, gint64 now_ns)
{
  g_assert (tcp->state == SIM_TCP_CLOSED);
  tcp->client = TRUE;
  tcp->state = SIM_TCP_SYN_SENT;
  tcp->syn_due = TRUE;
  sim_tcp_start_syn_timer (tcp, now_ns);
}

void
sim_tcp_accept (SimTcp *tcp, const SimTcpSegment *syn, gint64 now_ns)
{
  g_assert (tcp->state == SIM_TCP_CLOSED);
  tcp->state = SIM_TCP_SYN_RECEIVED;
  tcp->ts_recent_ms = syn->ts_value_ms;
  tcp->window_end = syn->window_bytes;
  tcp->syn_due = TRUE;
  sim_tcp_start_syn_timer (tcp, now_ns);
}

static void
measure_handshake (SimTcp *tcp, const SimTcpSegment *segment, gint64 now_ns)
{
  gint64 sample_ns = now_ns - tcp->syn_sent_ns;

  if (tcp->syn_sends > 1 && segment->ts_echo_ms >= 0)
    sample_ns = MAX (sim_tcp_to_ms (now_ns) - segment->ts_echo_ms, 1) * CAIMAN_NS_PER_MS;
  sample_ns = MAX (sample_ns, 1);
  sim_tcp_rtt_add (&tcp->rtt, sample_ns, 0, 0);
  sim_tcp_rtt_add_min (&tcp->rtt, sample_ns, now_ns);
}

/* A SYN that had to be repeated more than once says that the path is congested; but not when the
 * peer's timestamp tells that it answers the first one: then the path is long. */
static gboolean
was_syn_lost (const SimTcp *tcp, const SimTcpSegment *segment)
{
  return tcp->syn_sends > 2 && segment->ts_echo_ms != sim_tcp_to_ms (tcp->syn_sent_ns);
}

static void
establish (SimTcp *tcp, const SimTcpSegment *segment, gint64 now_ns)
{
  tcp->state = SIM_TCP_ESTABLISHED;
  tcp->syn_due = FALSE;
  tcp->syn_timer_ns = CAIMAN_TIME_NEVER;
  tcp->backoff = 0;
  tcp->delivered_ns = tcp->first_sent_ns = tcp->cwnd_stamp_ns = tcp->last_sent_ns = now_ns;
  tcp->window_end = segment->ack + segment->window_bytes;
  tcp->window_max_bytes = segment->window_bytes;
  tcp->window_seq = segment->seq;
  tcp->window_ack = segment->ack;
  measure_handshake (tcp, segment, now_ns);
  if (was_syn_lost (tcp, segment))
    tcp->cc.cwnd = 1;
  if (tcp->syn_sends <= 1)
    sim_tcp_decide_pacing (tcp);
  if (!tcp->cc.klass->control)
    sim_tcp_cc_update_pacing (&tcp->cc, tcp->rtt.srtt_ns, 0);
  sim_tcp_buffers_established (tcp, now_ns);
  tcp->events |= SIM_TCP_EVENT_CONNECTED;
}

static void
receive_syn_sent (SimTcp *tcp, const SimTcpSegment *segment, gint64 now_ns)
{
  if (segment->flags & SIM_TCP_RST) {
    sim_tcp_fail (tcp, SIM_TCP_REFUSED);
    return;
  }
  if (!(segment->flags & SIM_TCP_SYN) || !(segment->flags & SIM_TCP_ACK))
    return;
  tcp->ts_recent_ms = segment->ts_value_ms;
  establish (tcp, segment, now_ns);
  tcp->ack_due = TRUE;
}

/* FALSE: nothing more is to be done with it. */
static gboolean
receive_syn_received (SimTcp *tcp, const SimTcpSegment *segment, gint64 now_ns)
{
  if (segment->flags & SIM_TCP_RST) {
    sim_tcp_fail (tcp, SIM_TCP_RESET);
    return FALSE;
  }
  if (segment->flags & SIM_TCP_SYN) {
    tcp->syn_due = TRUE; /* our answer was lost, or is late */
    return FALSE;
  }
  if (!(segment->flags & SIM_TCP_ACK))
    return FALSE;
  establish (tcp, segment, now_ns);
  return TRUE;
}

/* --- What comes in --- */

/* RFC 5961, 3: a RST must hit the next byte, or the end of what was SACKed; else the peer is asked
 * whether it means it. */
static void
receive_reset (SimTcp *tcp, const SimTcpSegment *segment)
{
  gint64 highest = tcp->received;

  if (tcp->ranges->len > 0)
    highest = g_array_index (tcp->ranges, SimTcpRange, tcp->ranges->len - 1).end;
  if (segment->seq == tcp->received || segment->seq == highest)
    sim_tcp_fail (tcp, SIM_TCP_RESET);
  else
    tcp->ack_due = TRUE;
}

static gboolean
is_acceptable (const SimTcp *tcp, const SimTcpSegment *segment)
{
  return sim_tcp_segment_get_end (segment) >= tcp->acked &&
         segment->seq <= tcp->received + sim_tcp_get_offered (tcp);
}

/* What is old, or beyond the window: the peer is told where we are. */
static void
refuse_segment (SimTcp *tcp, const SimTcpSegment *segment)
{
  if (segment->payload_bytes > 0 && segment->seq < tcp->received) {
    sim_tcp_enter_quick_ack (tcp);
    tcp->acker.duplicate = (SimTcpRange) { segment->seq, sim_tcp_segment_get_end (segment) };
  }
  tcp->ack_due = TRUE;
}

/* Both directions have ended, and each has been acknowledged. */
static void
check_done (SimTcp *tcp)
{
  gboolean peer_done = tcp->fin_received >= 0 && tcp->received > tcp->fin_received;

  if (!tcp->fin_sent || tcp->una <= tcp->written || !peer_done)
    return;
  stop (tcp);
  tcp->events |= SIM_TCP_EVENT_DONE;
}

static void
receive_established (SimTcp *tcp, const SimTcpSegment *segment, gint64 now_ns)
{
  if (segment->flags & SIM_TCP_SYN) {
    tcp->ack_due = TRUE; /* a late copy of the handshake: our ACK was lost */
    return;
  }
  if (!is_acceptable (tcp, segment)) {
    if (!(segment->flags & SIM_TCP_RST))
      refuse_segment (tcp, segment);
    return;
  }
  if (segment->flags & SIM_TCP_RST) {
    receive_reset (tcp, segment);
    return;
  }
  if (!(segment->flags & SIM_TCP_ACK))
    return;
  if (segment->seq <= tcp->acked)
    tcp->ts_recent_ms = MAX (tcp->ts_recent_ms, segment->ts_value_ms);
  tcp->peer_echo_ms = segment->ts_echo_ms;
  sim_tcp_handle_ack (tcp, segment, now_ns);
  if (tcp->state != SIM_TCP_ESTABLISHED)
    return;
  if (segment->payload_bytes > 0 || (segment->flags & SIM_TCP_FIN))
    sim_tcp_handle_data (tcp, segment, now_ns);
  check_done (tcp);
}

void
sim_tcp_received (SimTcp *tcp, const SimTcpSegment *segment, gint64 now_ns)
{
  switch (tcp->state) {
  case SIM_TCP_CLOSED:
    break;
  case SIM_TCP_SYN_SENT:
    receive_syn_sent (tcp, segment, now_ns);
    break;
  case SIM_TCP_SYN_RECEIVED:
    if (receive_syn_received (tcp, segment, now_ns))
      receive_established (tcp, segment, now_ns);
    break;
  case SIM_TCP_ESTABLISHED:
    receive_established (tcp, segment, now_ns);
    break;
  case SIM_TCP_DEAD:
    /* As TIME-WAIT does when the last ACK was lost. */
    if ((segment->flags & SIM_TCP_FIN) && tcp->fin_received >= 0)
      tcp->ack_due = TRUE;
    break;
  }
}

void
sim_tcp_advance (SimTcp *tcp, gint64 now_ns)
{
  sim_tcp_run_timers (tcp, now_ns);
}

/* --- The application --- */

/* RFC 2861, as tcp_slow_start_after_idle has it. */
static void
restart_after_idle (SimTcp *tcp, gint64 now_ns)
{
  gint64 idle_ns = now_ns - tcp->last_sent_ns;
  if (sim_tcp_scoreboard_get_out (&tcp->board) > 0 || tcp->cc.klass->control ||
      idle_ns <= tcp->rtt.rto_ns || tcp->state != SIM_TCP_ESTABLISHED)
    return;
  tcp->cc.ssthresh = sim_tcp_get_current_ssthresh (tcp);
  guint32 restart = MIN (tcp->config.initial_window, tcp->cc.cwnd);
  for (idle_ns -= tcp->rtt.rto_ns; idle_ns > 0 && tcp->cc.cwnd > restart;
       idle_ns -= tcp->rtt.rto_ns)
    tcp->cc.cwnd /= 2;
  tcp->cc.cwnd = MAX (tcp->cc.cwnd, restart);
  tcp->cwnd_stamp_ns = now_ns;
  tcp->cwnd_used = 0;
}

void
sim_tcp_write (SimTcp *tcp, gint64 bytes, gint64 now_ns)
{
  g_assert (bytes >= 0 && !tcp->closing);
  if (tcp->state == SIM_TCP_DEAD || bytes == 0)
    return;
  sim_tcp_check_app_limited (tcp);
  sim_tcp_fill_piece (tcp, bytes);
  tcp->written += bytes;
  sim_tcp_tell_writable (tcp);
  restart_after_idle (tcp, now_ns);
}

void
sim_tcp_read (SimTcp *tcp, gint64 bytes, gint64 now_ns)
{
  g_assert (bytes >= 0 && bytes <= sim_tcp_get_readable (tcp));
  tcp->read += bytes;
  if (tcp->state == SIM_TCP_ESTABLISHED)
    sim_tcp_app_has_read (tcp, bytes, now_ns);
}

void
sim_tcp_close (SimTcp *tcp, gint64 now_ns)
{
  (void)now_ns;
  tcp->closing = TRUE;
}

void
sim_tcp_set_unsent_limit (SimTcp *tcp, gint64 bytes)
{
  tcp->unsent_limit_bytes = MAX (bytes, 1);
  sim_tcp_tell_writable (tcp);
}

/* --- What goes out --- */

void
sim_tcp_fill_header (SimTcp *tcp, SimTcpSegment *segment, gint64 now_ns)
{
  gint64 window = sim_tcp_select_window (tcp);

  segment->flags |= SIM_TCP_ACK;
  segment->ack = tcp->received;
  segment->window_bytes = window;
  segment->ts_value_ms = sim_tcp_to_ms (now_ns);
  segment->ts_echo_ms = tcp->ts_recent_ms;
  segment->n_sacks = 0;
  if (tcp->n_sacks > 0 || tcp->acker.duplicate.start >= 0)
    sim_tcp_fill_sacks (tcp, segment);
  tcp->offered = MAX (tcp->offered, tcp->received + window);
  sim_tcp_ack_sent (tcp);
}

static gboolean
next_syn (SimTcp *tcp, SimTcpSegment *segment, gint64 now_ns)
{
  *segment = (SimTcpSegment) { .seq = -1,
                               .flags = SIM_TCP_SYN | (tcp->client ? 0 : SIM_TCP_ACK),
                               .window_bytes = sim_tcp_select_window (tcp),
                               .ts_value_ms = sim_tcp_to_ms (now_ns),
                               .ts_echo_ms = tcp->ts_recent_ms };
  tcp->offered = MAX (tcp->offered, segment->window_bytes);
  tcp->syn_due = FALSE;
  tcp->syn_sends++;
  if (tcp->syn_sent_ns < 0)
    tcp->syn_sent_ns = now_ns;
  return TRUE;
}

static gboolean
next_reset (SimTcp *tcp, SimTcpSegment *segment)
{
  *segment = (SimTcpSegment) { .seq = tcp->reset_seq,
                               .ack = tcp->received,
                               .flags = SIM_TCP_RST | SIM_TCP_ACK,
                               .ts_echo_ms = -1 };
  tcp->reset_due = FALSE;
  return TRUE;
}

static gboolean
next_ack (SimTcp *tcp, SimTcpSegment *segment, gint64 now_ns)
{
  /* Its number is not beyond the peer's window, which may have been taken back. */
  *segment = (SimTcpSegment) { .seq = MIN (tcp->nxt, MAX (tcp->window_end, tcp->una)) };
  sim_tcp_fill_header (tcp, segment, now_ns);
  return TRUE;
}

gboolean
sim_tcp_next_segment (SimTcp *tcp, SimTcpSegment *segment_out, gint64 now_ns)
{
  if (tcp->reset_due)
    return next_reset (tcp, segment_out);
  if (tcp->syn_due)
    return next_syn (tcp, segment_out, now_ns);
  if (tcp->state == SIM_TCP_ESTABLISHED) {
    if (sim_tcp_next_data (tcp, segment_out, now_ns))
      return TRUE;
    sim_tcp_end_pass (tcp, now_ns);
  }
  if (tcp->ack_due)
    return next_ack (tcp, segment_out, now_ns);
  return FALSE;
}

guint
sim_tcp_take_events (SimTcp *tcp)
{
  guint events = tcp->events;

  tcp->events = 0;
  return events;
}

gint64
sim_tcp_get_deadline (const SimTcp *tcp)
{
  return MIN (sim_tcp_get_timers_deadline (tcp), sim_tcp_get_pace_deadline (tcp));
}

/* --- Questions --- */

SimTcpState
sim_tcp_get_state (const SimTcp *tcp)
{
  return tcp->state;
}

SimTcpFailure
sim_tcp_get_failure (const SimTcp *tcp)
{
  return tcp->failure;
}

gint64
sim_tcp_get_readable (const SimTcp *tcp)
{
  gint64 end = tcp->received;

  if (tcp->fin_received >= 0)
    end = MIN (end, tcp->fin_received);
  return end - tcp->read;
}

gboolean
sim_tcp_has_fin (const SimTcp *tcp)
{
  return tcp->fin_received >= 0 && tcp->received > tcp->fin_received;
}

const SimTcpCc *
sim_tcp_get_cc (const SimTcp *tcp)
{
  return &tcp->cc;
}

void
sim_tcp_get_info (const SimTcp *tcp, SimTcpInfo *info_out)
{
  *info_out = (SimTcpInfo) {
    .ca_state = tcp->cc.state,
    .cwnd = tcp->cc.cwnd,
    .ssthresh = tcp->cc.ssthresh,
    .in_flight = sim_tcp_in_flight (tcp),
    .out = sim_tcp_scoreboard_get_out (&tcp->board),
    .sacked = tcp->board.n_sacked,
    .lost = tcp->board.n_lost,
    .resent = tcp->board.n_resent,
    .una = tcp->una,
    .nxt = tcp->nxt,
    .written = tcp->written,
    .received = tcp->received,
    .srtt_ns = tcp->rtt.srtt_ns,
    .rttvar_ns = tcp->rtt.rttvar_ns / 4,
    .rto_ns = tcp->rtt.rto_ns,
    .min_rtt_ns = sim_tcp_rtt_get_min (&tcp->rtt),
    .unsent_bytes = sim_tcp_get_unsent (tcp),
    .send_buffer_bytes = tcp->send_buffer_bytes,
    .receive_buffer_bytes = tcp->tuning.buffer_bytes,
    .peer_window_bytes = tcp->window_end - tcp->una,
    .window_bytes = sim_tcp_get_offered (tcp),
    .sent_segments = tcp->sent_segments,
    .retransmits = tcp->retransmits,
    .delivered = tcp->delivered,
    .timeouts = tcp->n_timeouts,
    .probes = tcp->n_probes,
    .fast_recoveries = tcp->n_recoveries,
    .undos = tcp->n_undos,
    .backoff = tcp->backoff,
    .reordering = tcp->reordering,
    .pacing_rate_bps = tcp->cc.is_paced ? tcp->cc.pacing_rate_bps : 0,
  };
}
