/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-private.h - the inside of a simulated TCP endpoint, shared by these files:
 *
 *   tcp-endpoint.c   life cycle: handshake, FIN, RST; what comes in and goes out in which order
 *   tcp-send.c       new data, retransmissions, probes: what may go out now
 *   tcp-ack.c        what an acknowledgement says: scoreboard, RTT, rate sample, window
 *   tcp-recovery.c   the states open, disorder, CWR, recovery, loss; PRR; undo
 *   tcp-rack.c       which segments are lost (RACK), and the tail-loss probe (TLP)
 *   tcp-timers.c     the timers, listed at its top
 *   tcp-receive.c    reassembly, SACK blocks, delayed and compressed ACKs
 *   tcp-buffer.c     send and receive buffers, the window that is offered, auto-tuning
 */
#pragma once

#include "sim/tcp-endpoint.h"
#include "sim/tcp-scoreboard.h"

G_BEGIN_DECLS

/* HZ = 250, as in Debian's kernels; two ticks are the least time-out of TLP and RACK. */
#define SIM_TCP_TIMEOUT_MIN_NS (8 * CAIMAN_NS_PER_MS)
#define SIM_TCP_DELACK_MIN_NS  (40 * CAIMAN_NS_PER_MS)
#define SIM_TCP_DELACK_MAX_NS  (200 * CAIMAN_NS_PER_MS)
#define SIM_TCP_REORDERING     3 /* tcp_reordering: DUPACKs until a loss is believed */
#define SIM_TCP_REORDERING_MAX 300

/* What runs on the retransmission timer; one at a time, as in Linux. */
typedef enum {
  SIM_TCP_TIMER_NONE,
  SIM_TCP_TIMER_RTO,
  SIM_TCP_TIMER_TLP,
  SIM_TCP_TIMER_RACK,
  SIM_TCP_TIMER_PERSIST,
} SimTcpTimerKind;

/* What an ACK has turned out to be. */
typedef enum {
  SIM_TCP_ACK_DATA = 1 << 0,           /* it came with data */
  SIM_TCP_ACK_WINDOW = 1 << 1,         /* it changed the window */
  SIM_TCP_ACK_ACKED = 1 << 2,          /* it acknowledged segments cumulatively */
  SIM_TCP_ACK_RESENT_ACKED = 1 << 3,   /* among them retransmitted ones */
  SIM_TCP_ACK_SACKED = 1 << 4,         /* it SACKed segments */
  SIM_TCP_ACK_ORIGINAL = 1 << 5,       /* among all these ones from before high_seq, sent once */
  SIM_TCP_ACK_LOST_RESENT = 1 << 6,    /* a retransmission turned out to be lost */
  SIM_TCP_ACK_DSACK = 1 << 7,          /* it reports a duplicate */
  SIM_TCP_ACK_DSACK_TLP = 1 << 8,      /* of a tail-loss probe */
  SIM_TCP_ACK_UNA_ADVANCED = 1 << 9,   /* SND.UNA has moved */
  SIM_TCP_ACK_SET_TIMER = 1 << 10,     /* the retransmission timer starts afresh */
  SIM_TCP_ACK_MAYBE_DELAYED = 1 << 11, /* for a single segment: the peer may have waited */
} SimTcpAckFlags;

/* The newest segment that an ACK delivers, as it was sent. */
typedef struct {
  gboolean is_set;
  guint64 prior_delivered;
  gint64 prior_delivered_ns;
  gint64 send_ns; /* from the first segment of the flight to it */
  gint64 end;
  gint64 sent_ns;
  gboolean is_app_limited;
  gboolean is_resent;
} SimTcpRateSample;

/* While an ACK is worked on. */
typedef struct {
  guint flags; /* SimTcpAckFlags */
  gint64 prior_una;
  guint prior_in_flight;
  gint64 prior_highest;  /* start of the highest SACKed segment before; una if none */
  gint64 reordered_seq;  /* lowest segment, sent once, delivered after later ones; NEVER: none */
  gint64 first_acked_ns; /* when the first and last that it acknowledges were sent; -1: none */
  gint64 last_acked_ns;
  gint64 first_sacked_ns;
  gint64 last_sacked_ns;
  guint64 prior_delivered; /* totals before it */
  guint64 prior_lost;
  SimTcpRateSample rate;
} SimTcpAckWork;

typedef struct {
  gint64 sent_ns; /* of the segment sent last that was delivered */
  gint64 end;
  gint64 rtt_ns;
  gboolean advanced;
  gboolean dsack_seen;
  guint64 last_delivered; /* when the steps were changed */
  guint8 steps;           /* quarters of the minimum RTT in the reordering window */
  guint8 persist;         /* recoveries until it shrinks again */
} SimTcpRack;

/* How the receiving side acknowledges. */
typedef struct {
  gboolean scheduled; /* an ACK is due, if only later */
  gboolean now;       /* at once */
  guint pushed;       /* small segments since the last ACK, as far as 2 */
  guint quick;        /* ACKs that go out at once */
  gboolean pingpong;  /* the application answers: wait for data to send the ACK with */
  gint64 wait_ns;     /* the delay, 0 before the first data */
  gint64 last_data_ns;
  guint32 segment_bytes; /* what the peer's full segments seem to be */
  guint compressed;      /* ACKs of out-of-order segments that were left out */
  gboolean crowded;      /* one that was left out tells of a range that may be displaced */
  guint dup_acks;        /* that were sent since received moved */
  gint64 compressed_received;
  gint64 timer_ns;       /* delayed ACK */
  gint64 sack_timer_ns;  /* compressed ACKs */
  SimTcpRange duplicate; /* to be reported; start -1: none */
} SimTcpAcker;

/* Auto-tuning of the receive buffer. */
typedef struct {
  gint64 buffer_bytes;    /* of memory, in which payload has its overhead */
  gint64 clamp_bytes;     /* the largest window that goes with it */
  gint64 threshold_bytes; /* grows with the segments that come */
  gint64 space_bytes;     /* read in the last round trip */
  gint64 space_seq;
  gint64 space_ns;
  gint64 rtt_ns; /* as the receiver sees it; 0: not known */
} SimTcpTuning;

struct _SimTcp {
  SimTcpConfig config;
  SimTcpState state;
  SimTcpFailure failure;
  guint events;
  gboolean client;

  /* Life. */
  gboolean syn_due, reset_due, ack_due; /* to be sent */
  gint64 syn_sent_ns;                   /* the first time; -1 */
  guint syn_sends;
  gint64 syn_timer_ns;
  gboolean closing;    /* FIN behind `written` */
  gboolean fin_sent;   /* it has been sent at least once */
  gint64 fin_received; /* sequence number of the peer's; -1: not seen */
  gboolean fin_told;
  gint64 reset_seq;

  /* Sending. */
  SimTcpCc cc;
  SimTcpRtt rtt;
  SimTcpRack rack;
  SimTcpScoreboard board;
  guint32 mss_bytes;
  gint64 una, nxt, written;
  gint64 window_end;       /* first byte beyond the peer's window */
  gint64 window_max_bytes; /* the largest that the peer has offered */
  gint64 window_seq;       /* segment that told it last, and what it acknowledged */
  gint64 window_ack;
  gint64 high_seq;     /* NXT when the present state began */
  gint64 tlp_high_seq; /* NXT when a probe was sent; -1: none out */
  gboolean tlp_resent; /* it was a retransmission */
  gboolean tlp_due;    /* send one now */
  gboolean persist_due;
  gboolean frto;          /* watching for a spurious RTO */
  gboolean frto_new;      /* its step 2b: new data first */
  gint64 undo_marker;     /* UNA when the window was reduced; -1: nothing to undo */
  gint64 undo_resent;     /* retransmissions not yet known to be superfluous; -1: none made */
  gint64 resent_ms;       /* timestamp of the first retransmission of this episode; -1 */
  guint32 prior_ssthresh; /* 0: none */
  guint32 reordering;
  guint reordering_seen;
  guint prr_delivered, prr_out; /* RFC 6937 */
  guint resend_due;             /* one segment more than cwnd says (an RTO's) */
  guint max_out;                /* cwnd validation */
  gint64 max_out_seq;
  gboolean cwnd_limited;
  guint cwnd_used;
  gint64 cwnd_stamp_ns;
  guint64 delivered, lost_total, app_limited; /* segments */
  gint64 delivered_ns, first_sent_ns;
  gint64 last_sent_ns; /* data */
  gint64 pace_ns;      /* not before */
  guint burst_left;    /* of a paced burst */
  gboolean pace_blocked;
  gboolean pace_decided; /* the RTT is known well enough to tell whether it is paced */
  gint64 send_buffer_bytes;
  gint64 unsent_limit_bytes;
  gint64 piece_bytes; /* of the write queue's last piece, when it was last added to */
  gboolean told_full;
  guint pass_sent; /* segments since the last input */

  /* Timers. */
  SimTcpTimerKind timer;
  gint64 timer_ns;
  guint timeouts_in_row; /* RTOs since the last progress */
  gint64 timeouts_since_ns;
  guint backoff;
  guint probes_out;
  gint64 progress_ns; /* for the user time-out while the window is shut */

  /* Receiving. */
  SimTcpAcker acker;
  SimTcpTuning tuning;
  gint64 received;     /* RCV.NXT */
  gint64 read;         /* by the application */
  gint64 acked;        /* received when an ACK was last sent (RCV.WUP) */
  gint64 offered;      /* right edge of the window, as it was last offered */
  gint64 ts_recent_ms; /* -1: none */
  gint64 peer_echo_ms; /* of the segment that is worked on */
  GArray *ranges;      /* of SimTcpRange: what has come ahead of received, ascending */
  gint64 ahead_bytes;  /* in all of them */
  SimTcpRange sacks[SIM_TCP_SACKS_MAX + 1]; /* the latest first */
  guint n_sacks;

  /* Counters. */
  guint64 sent_segments, retransmits, n_timeouts, n_probes, n_recoveries, n_undos, dsacks;
};

static inline gint64
sim_tcp_to_ms (gint64 time_ns)
{
  return time_ns / CAIMAN_NS_PER_MS;
}

static inline guint
sim_tcp_in_flight (const SimTcp *tcp)
{
  return sim_tcp_scoreboard_get_in_flight (&tcp->board);
}

static inline gboolean
sim_tcp_in_reduction (const SimTcp *tcp)
{
  return tcp->cc.state == SIM_TCP_CWR || tcp->cc.state == SIM_TCP_RECOVERY;
}

/* Bytes written and never sent, a FIN not counted. */
static inline gint64
sim_tcp_get_unsent (const SimTcp *tcp)
{
  return MAX (tcp->written - tcp->nxt, 0);
}

/* tcp-endpoint.c */
void sim_tcp_fail (SimTcp *tcp, SimTcpFailure failure);
void sim_tcp_fill_header (SimTcp *tcp, SimTcpSegment *segment, gint64 now_ns);

/* tcp-send.c */
gboolean sim_tcp_next_data (SimTcp *tcp, SimTcpSegment *segment, gint64 now_ns);
void sim_tcp_end_pass (SimTcp *tcp, gint64 now_ns);
void sim_tcp_check_app_limited (SimTcp *tcp);
void sim_tcp_decide_pacing (SimTcp *tcp); /* by the RTT, as transports/tcp-socket does it */
gint64 sim_tcp_get_pace_deadline (const SimTcp *tcp);

/* tcp-ack.c */
void sim_tcp_handle_ack (SimTcp *tcp, const SimTcpSegment *segment, gint64 now_ns);

/* tcp-recovery.c */
void sim_tcp_react_to_ack (SimTcp *tcp, SimTcpAckWork *work, gboolean is_dup_ack, gint64 now_ns);
void sim_tcp_enter_loss (SimTcp *tcp, gint64 now_ns);
void sim_tcp_enter_recovery (SimTcp *tcp);
void sim_tcp_init_reduction (SimTcp *tcp);
void sim_tcp_end_reduction (SimTcp *tcp, gint64 now_ns);
void sim_tcp_reduce_cwnd (SimTcp *tcp, guint acked, guint lost, guint flags);
void sim_tcp_try_keep_open (SimTcp *tcp);
void sim_tcp_set_ca_state (SimTcp *tcp, SimTcpCaState state);
void sim_tcp_check_reordering (SimTcp *tcp, gint64 seq);
guint32 sim_tcp_get_current_ssthresh (const SimTcp *tcp);
gboolean sim_tcp_any_resent (const SimTcp *tcp);

/* tcp-rack.c */
void sim_tcp_rack_delivered (SimTcp *tcp, const SimTcpSent *sent, gint64 now_ns);
void sim_tcp_rack_update_window (SimTcp *tcp, const SimTcpAckWork *work);
gboolean sim_tcp_rack_mark_lost (SimTcp *tcp, gint64 now_ns);
gint64 sim_tcp_rack_get_remaining (const SimTcp *tcp, const SimTcpSent *sent, gint64 window_ns,
                                   gint64 now_ns);
void sim_tcp_rack_timer (SimTcp *tcp, gint64 now_ns);
gboolean sim_tcp_schedule_tlp (SimTcp *tcp, gboolean rto_from_now, gint64 now_ns);
void sim_tcp_tlp_acked (SimTcp *tcp, gint64 ack, guint flags, gint64 now_ns);
void sim_tcp_mark_lost (SimTcp *tcp, gint64 position);

/* tcp-timers.c */
void sim_tcp_set_timer (SimTcp *tcp, SimTcpTimerKind kind, gint64 at_ns);
void sim_tcp_rearm_rto (SimTcp *tcp, gint64 now_ns);
gint64 sim_tcp_get_rto_left (const SimTcp *tcp, gint64 now_ns);
void sim_tcp_check_persist (SimTcp *tcp, gint64 now_ns);
void sim_tcp_run_timers (SimTcp *tcp, gint64 now_ns);
gint64 sim_tcp_get_timers_deadline (const SimTcp *tcp);
void sim_tcp_start_syn_timer (SimTcp *tcp, gint64 now_ns);

/* tcp-receive.c */
void sim_tcp_handle_data (SimTcp *tcp, const SimTcpSegment *segment, gint64 now_ns);
void sim_tcp_ack_sent (SimTcp *tcp);
void sim_tcp_check_ack (SimTcp *tcp, gint64 now_ns);
void sim_tcp_ack_timer (SimTcp *tcp, gint64 now_ns);
void sim_tcp_sack_timer (SimTcp *tcp);
void sim_tcp_fill_sacks (SimTcp *tcp, SimTcpSegment *segment);
void sim_tcp_enter_quick_ack (SimTcp *tcp);
void sim_tcp_app_has_read (SimTcp *tcp, gint64 bytes, gint64 now_ns);

/* tcp-buffer.c */
void sim_tcp_buffers_init (SimTcp *tcp);
void sim_tcp_buffers_established (SimTcp *tcp, gint64 now_ns);
void sim_tcp_fill_piece (SimTcp *tcp, gint64 bytes); /* so many are about to be written */
gint64 sim_tcp_select_window (const SimTcp *tcp);
gint64 sim_tcp_get_offered (const SimTcp *tcp);
void sim_tcp_grow_window (SimTcp *tcp, guint32 bytes);
void sim_tcp_measure_rtt (SimTcp *tcp, const SimTcpSegment *segment, gint64 now_ns);
void sim_tcp_tune_receive (SimTcp *tcp, gint64 now_ns);
void sim_tcp_tune_send (SimTcp *tcp);
void sim_tcp_tell_writable (SimTcp *tcp);

G_END_DECLS
