/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-timers.c - the timers of a TCP endpoint:
 *
 *   SYN      armed by connect() and accept(); repeats the SYN after 1, 2, 3, 4, 5, 7, 11, ... s
 * (four times linear, as Linux has it since 6.5), the SYN-ACK after 1, 3, 7, 15, ... s xmit     one
 * of RTO      armed by an ACK of something and by the first segment that goes out; doubles TLP
 * armed instead of it while nothing is known to be lost RACK     armed when a segment is late, but
 * within the reordering window PERSIST  armed when the peer's window is shut and nothing is out
 *   delack   armed by data that need not be acknowledged at once
 *   sack     armed by an ACK of out-of-order data that is left out
 *   pace     tcp-send.c has it
 */
#include "sim/tcp-private.h"

#define SYN_LINEAR          4
#define SYN_RETRIES         10 /* tcp_syn_retries, and the linear ones */
#define SYN_ACK_RETRIES     5
#define RTO_GIVE_UP_NS      (CAIMAN_NS_PER_S * 9246 / 10) /* tcp_retries2 = 15 */
#define PERSIST_RETRIES_MAX 15

void
sim_tcp_set_timer (SimTcp *tcp, SimTcpTimerKind kind, gint64 at_ns)
{
  tcp->timer = kind;
  tcp->timer_ns = at_ns;
}

/* What is left until the first segment that is out has been out for an RTO; <= 0: it is over. */
gint64
sim_tcp_get_rto_left (const SimTcp *tcp, gint64 now_ns)
{
  const SimTcpScoreboard *board = &tcp->board;

  if (board->head == board->tail)
    return tcp->rtt.rto_ns;
  return sim_tcp_scoreboard_at (board, board->head)->sent_ns + tcp->rtt.rto_ns - now_ns;
}

void
sim_tcp_rearm_rto (SimTcp *tcp, gint64 now_ns)
{
  gint64 wait_ns = tcp->rtt.rto_ns;

  if (sim_tcp_scoreboard_get_out (&tcp->board) == 0) {
    sim_tcp_set_timer (tcp, SIM_TCP_TIMER_NONE, CAIMAN_TIME_NEVER);
    return;
  }
  if (tcp->timer == SIM_TCP_TIMER_TLP || tcp->timer == SIM_TCP_TIMER_RACK)
    wait_ns = MAX (sim_tcp_get_rto_left (tcp, now_ns), 1);
  sim_tcp_set_timer (tcp, SIM_TCP_TIMER_RTO, now_ns + wait_ns);
}

/* --- SYN --- */

static gint64
get_syn_wait (const SimTcp *tcp)
{
  guint linear = tcp->client ? SYN_LINEAR : 0;
  guint doublings = tcp->backoff > linear ? tcp->backoff - linear : 0;

  return MIN (SIM_TCP_RTO_INITIAL_NS << doublings, SIM_TCP_RTO_MAX_NS);
}

void
sim_tcp_start_syn_timer (SimTcp *tcp, gint64 now_ns)
{
  tcp->syn_timer_ns = now_ns + get_syn_wait (tcp);
}

static void
run_syn_timer (SimTcp *tcp, gint64 now_ns)
{
  if (tcp->backoff >= (tcp->client ? SYN_RETRIES : SYN_ACK_RETRIES)) {
    sim_tcp_fail (tcp, SIM_TCP_TIMED_OUT);
    return;
  }
  tcp->backoff++;
  tcp->syn_due = TRUE;
  sim_tcp_start_syn_timer (tcp, now_ns);
}

/* --- RTO --- */

/* TCP_USER_TIMEOUT cuts the wait for it short. */
static gint64
clamp_to_user_timeout (const SimTcp *tcp, gint64 wait_ns, gint64 since_ns, gint64 now_ns)
{
  if (tcp->config.user_timeout_ns == 0)
    return wait_ns;
  gint64 left_ns = since_ns + tcp->config.user_timeout_ns - now_ns;
  return left_ns <= 0 ? CAIMAN_NS_PER_MS : MIN (wait_ns, left_ns);
}

static gboolean
has_waited_too_long (const SimTcp *tcp, gint64 since_ns, gint64 now_ns)
{
  gint64 most_ns = tcp->config.user_timeout_ns > 0 ? tcp->config.user_timeout_ns : RTO_GIVE_UP_NS;

  return now_ns - since_ns >= most_ns;
}

static void
run_rto (SimTcp *tcp, gint64 now_ns)
{
  if (sim_tcp_scoreboard_get_out (&tcp->board) == 0) {
    sim_tcp_set_timer (tcp, SIM_TCP_TIMER_NONE, CAIMAN_TIME_NEVER);
    return;
  }
  /* Since the segment was first sent: Linux takes the time of the first retransmission, or of
   * the segment as long as there was none. */
  if (tcp->timeouts_in_row == 0)
    tcp->timeouts_since_ns = sim_tcp_scoreboard_at (&tcp->board, tcp->board.head)->sent_ns;
  if (tcp->timeouts_in_row > 0 && has_waited_too_long (tcp, tcp->timeouts_since_ns, now_ns)) {
    sim_tcp_fail (tcp, SIM_TCP_TIMED_OUT);
    return;
  }
  sim_tcp_enter_loss (tcp, now_ns);
  tcp->n_timeouts++;
  tcp->timeouts_in_row++;
  tcp->backoff++;
  tcp->rtt.rto_ns = MIN (2 * tcp->rtt.rto_ns, SIM_TCP_RTO_MAX_NS);
  tcp->resend_due = 1;
  sim_tcp_set_timer (
      tcp, SIM_TCP_TIMER_RTO,
      now_ns + clamp_to_user_timeout (tcp, tcp->rtt.rto_ns, tcp->timeouts_since_ns, now_ns));
}

/* --- Window probes --- */

static gint64
get_persist_wait (const SimTcp *tcp, gint64 now_ns)
{
  gint64 base_ns = MAX (tcp->rtt.rto_ns, SIM_TCP_RTO_MIN_NS);
  gint64 wait_ns = MIN (base_ns << MIN (tcp->backoff, 20), SIM_TCP_RTO_MAX_NS);

  return clamp_to_user_timeout (tcp, wait_ns, tcp->progress_ns, now_ns);
}

/* The window is shut, and nothing is out whose ACK would open it. */
void
sim_tcp_check_persist (SimTcp *tcp, gint64 now_ns)
{
  if (tcp->timer != SIM_TCP_TIMER_NONE || sim_tcp_get_unsent (tcp) == 0 ||
      sim_tcp_scoreboard_get_out (&tcp->board) > 0)
    return;
  gint64 bytes = MIN (sim_tcp_get_unsent (tcp), tcp->mss_bytes);
  if (tcp->nxt + bytes <= tcp->window_end)
    return;
  if (tcp->probes_out == 0)
    tcp->progress_ns = now_ns;
  sim_tcp_set_timer (tcp, SIM_TCP_TIMER_PERSIST, now_ns + get_persist_wait (tcp, now_ns));
}

static void
run_persist (SimTcp *tcp, gint64 now_ns)
{
  sim_tcp_set_timer (tcp, SIM_TCP_TIMER_NONE, CAIMAN_TIME_NEVER);
  if (sim_tcp_get_unsent (tcp) == 0 || sim_tcp_scoreboard_get_out (&tcp->board) > 0)
    return;
  if (tcp->probes_out > 0 && has_waited_too_long (tcp, tcp->progress_ns, now_ns)) {
    sim_tcp_fail (tcp, SIM_TCP_TIMED_OUT);
    return;
  }
  tcp->probes_out++;
  if (tcp->backoff < PERSIST_RETRIES_MAX)
    tcp->backoff++;
  tcp->persist_due = TRUE;
  sim_tcp_set_timer (tcp, SIM_TCP_TIMER_PERSIST, now_ns + get_persist_wait (tcp, now_ns));
}

/* --- All of them --- */

static void
run_xmit_timer (SimTcp *tcp, gint64 now_ns)
{
  SimTcpTimerKind kind = tcp->timer;

  switch (kind) {
  case SIM_TCP_TIMER_NONE:
    break;
  case SIM_TCP_TIMER_RTO:
    run_rto (tcp, now_ns);
    break;
  case SIM_TCP_TIMER_TLP:
    /* At most one probe is out. */
    if (tcp->tlp_high_seq < 0)
      tcp->tlp_due = TRUE;
    sim_tcp_rearm_rto (tcp, now_ns);
    break;
  case SIM_TCP_TIMER_RACK:
    sim_tcp_set_timer (tcp, SIM_TCP_TIMER_NONE, CAIMAN_TIME_NEVER);
    sim_tcp_rack_timer (tcp, now_ns);
    break;
  case SIM_TCP_TIMER_PERSIST:
    run_persist (tcp, now_ns);
    break;
  }
}

void
sim_tcp_run_timers (SimTcp *tcp, gint64 now_ns)
{
  if (tcp->syn_timer_ns <= now_ns)
    run_syn_timer (tcp, now_ns);
  if (tcp->timer_ns <= now_ns)
    run_xmit_timer (tcp, now_ns);
  if (tcp->acker.timer_ns <= now_ns)
    sim_tcp_ack_timer (tcp, now_ns);
  if (tcp->acker.sack_timer_ns <= now_ns)
    sim_tcp_sack_timer (tcp);
}

gint64
sim_tcp_get_timers_deadline (const SimTcp *tcp)
{
  return MIN (MIN (tcp->syn_timer_ns, tcp->timer_ns),
              MIN (tcp->acker.timer_ns, tcp->acker.sack_timer_ns));
}
