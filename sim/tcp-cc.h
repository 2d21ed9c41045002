/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-cc.h - congestion control of a simulated TCP sender: how many segments may be in flight.
 *
 * Pure: facts come in (a segment was acknowledged, one is lost), cwnd and ssthresh come out. Loss
 * recovery (tcp-recovery.c) decides when; an algorithm decides how much. Windows count segments. */
#pragma once

#include "core/prng.h"
#include "sim/tcp-rtt.h"

G_BEGIN_DECLS

#define SIM_TCP_SSTHRESH_INFINITE 0x7fffffffu
#define SIM_TCP_CWND_MAX          0x3fffffffu

typedef enum { SIM_TCP_RENO, SIM_TCP_CUBIC, SIM_TCP_BBR, SIM_TCP_N_CCS } SimTcpCcKind;

/* Linux's names of what the sender takes the network for. The order counts. */
typedef enum {
  SIM_TCP_OPEN,     /* all is well */
  SIM_TCP_DISORDER, /* something was SACKed or resent, nothing is known to be lost */
  SIM_TCP_CWR,      /* the window is being reduced without a loss to repair */
  SIM_TCP_RECOVERY, /* losses are being repaired */
  SIM_TCP_LOSS,     /* after a retransmission time-out */
} SimTcpCaState;

/* What an acknowledgement tells. */
typedef struct {
  gint64 now_ns;
  guint acked;              /* newly delivered segments, by ACK or SACK */
  guint lost;               /* newly marked lost */
  guint in_flight;          /* now */
  guint prior_in_flight;    /* before this ACK */
  gint64 rtt_ns;            /* of the newest segment that it acknowledges; -1: none */
  gint64 srtt_ns;           /* 0: none yet */
  gint64 min_rtt_ns;        /* CAIMAN_TIME_NEVER: none yet */
  gint64 una, nxt;          /* SND.UNA and SND.NXT */
  guint64 delivered;        /* segments, so far */
  guint64 lost_total;       /* so far */
  gboolean is_cwnd_limited; /* the window was what limited the sender */
  gboolean una_advanced;
  gboolean is_ack_delayed; /* the receiver may have held it back */
  /* The rate sample; sample_ns -1: none. */
  gint64 sample_ns;
  guint64 sample_delivered; /* segments over that time */
  guint64 prior_delivered;  /* delivered when the sample's segment was sent */
  gboolean is_app_limited;
} SimTcpAckFacts;

/* CUBIC (RFC 9438) as Linux has it, with HyStart (Ha and Rhee 2011). */
typedef struct {
  guint32 w_max;         /* the window at the last loss, after fast convergence; 0: no loss yet */
  guint32 origin;        /* the plateau of this epoch */
  guint32 last_cwnd;     /* of the last update */
  guint32 per_increase;  /* acknowledged segments per increase of cwnd */
  guint32 reno_cwnd;     /* what Reno's window would be */
  guint32 acked;         /* segments since reno_cwnd was last raised */
  gint64 epoch_start_ns; /* -1: none runs */
  gint64 last_update_ns; /* -1: none */
  gint64 k_ns;           /* from the epoch's start to the plateau */
  gint64 delay_min_ns;   /* 0: not known */
  gboolean found;        /* HyStart has seen the end of slow start */
  gint64 round_start_ns;
  gint64 round_last_ack_ns;
  gint64 round_end; /* sequence number */
  gint64 round_rtt_ns;
  guint round_samples;
} SimTcpCubic;

typedef enum {
  SIM_TCP_BBR_STARTUP,
  SIM_TCP_BBR_DRAIN,
  SIM_TCP_BBR_PROBE_BW,
  SIM_TCP_BBR_PROBE_RTT,
} SimTcpBbrMode;

/* BBR version 1 (Cardwell and others 2016; draft-cardwell-iccrg-bbr-congestion-control-00). */
typedef struct {
  SimTcpBbrMode mode;
  CaimanPrng prng;
  SimTcpFilter bw; /* bits per s, over round trips */
  gint64 min_rtt_ns, min_rtt_stamp_ns;
  gint64 probe_rtt_done_ns; /* 0: the window is not yet down */
  gboolean probe_rtt_round_done;
  guint64 rounds;
  guint64 next_round_delivered;
  gboolean round_start;
  gboolean has_rtt; /* a sample has set the pacing rate */
  gboolean idle_restart;
  gboolean packet_conservation;
  SimTcpCaState prev_ca_state;
  guint32 prior_cwnd;
  gboolean full_bw_reached;
  gint64 full_bw_bps;
  guint full_bw_rounds;
  gint64 pacing_gain, cwnd_gain; /* 256ths */
  guint cycle_index;
  gint64 cycle_stamp_ns;
  /* What is acknowledged beyond the estimate, by aggregation. */
  gint64 ack_epoch_ns;
  guint64 ack_epoch_acked;
  guint32 extra_acked[2];
  guint extra_acked_rounds, extra_acked_index;
  /* Long-term sampling: a policer. */
  gboolean lt_sampling, lt_use;
  gint64 lt_bw_bps;
  guint lt_rounds;
  guint64 lt_last_delivered, lt_last_lost;
  gint64 lt_last_ns;
} SimTcpBbr;

typedef struct _SimTcpCc SimTcpCc;

typedef struct {
  const char *name;
  void (*init) (SimTcpCc *cc, gint64 now_ns);

  /* The window has been exceeded: the new ssthresh. */
  guint32 (*on_loss) (SimTcpCc *cc);

  /* Each ACK with an RTT sample, whatever the state (nullable). */
  void (*on_rtt) (SimTcpCc *cc, const SimTcpAckFacts *facts);

  /* An ACK that may raise cwnd: @acked segments. */
  void (*on_ack) (SimTcpCc *cc, const SimTcpAckFacts *facts, guint acked);

  /* (nullable) Replaces on_ack() and the reduction of cwnd in recovery: after every ACK. */
  void (*control) (SimTcpCc *cc, const SimTcpAckFacts *facts);

  /* (nullable) @state is about to begin. */
  void (*on_state) (SimTcpCc *cc, SimTcpCaState state);

  /* (nullable) Data goes out after nothing was in flight since @last_sent_ns. */
  void (*on_restart) (SimTcpCc *cc, gint64 last_sent_ns, gint64 now_ns);

  /* The loss was none: the window to go back to. */
  guint32 (*undo) (SimTcpCc *cc);

  guint send_buffer_factor; /* windows that the send buffer is to hold */
} SimTcpCcClass;

struct _SimTcpCc {
  const SimTcpCcClass *klass;
  guint32 mss_bytes;
  guint32 cwnd;
  guint32 ssthresh;
  guint32 prior_cwnd;     /* before the last reduction */
  guint32 cwnd_count;     /* acknowledged segments that have not yet become an increase */
  gint64 pacing_rate_bps; /* of payload and headers; 0: not known. Paced by it if is_paced */
  gboolean is_paced;
  gboolean is_app_limited; /* the sender has had nothing to send; set by it */
  gboolean ignores_rate;   /* samples of what is in flight say nothing: set by an algorithm */
  gint64 gso_bytes;        /* the kernel's largest segment of segments, which HyStart allows for */
  SimTcpCaState state;     /* set by sim_tcp_cc_set_state() */
  union {
    SimTcpCubic cubic;
    SimTcpBbr bbr;
  };
};

/* The names as they stand in files and in TCP_CONGESTION: "reno", "cubic", "bbr". */
const char *sim_tcp_cc_kind_to_string (SimTcpCcKind kind);

/* @seed: for what an algorithm draws (BBR: where it enters its cycle). */
void sim_tcp_cc_init (SimTcpCc *cc, SimTcpCcKind kind, guint32 mss_bytes, guint32 initial_window,
                      guint64 seed, gint64 now_ns);

void sim_tcp_cc_set_state (SimTcpCc *cc, SimTcpCaState state);

static inline gboolean
sim_tcp_cc_in_slow_start (const SimTcpCc *cc)
{
  return cc->cwnd < cc->ssthresh;
}

/* Slow start: cwnd grows by @acked up to ssthresh; returns what is left of @acked. */
guint sim_tcp_cc_slow_start (SimTcpCc *cc, guint acked);

/* One segment more for each @per acknowledged ones. */
void sim_tcp_cc_additive_increase (SimTcpCc *cc, guint32 per, guint acked);

/* The pacing rate that goes with window and SRTT: twice the rate in slow start, 1.2 times later. */
void sim_tcp_cc_update_pacing (SimTcpCc *cc, gint64 srtt_ns, guint in_flight);

extern const SimTcpCcClass sim_tcp_reno_class;
extern const SimTcpCcClass sim_tcp_cubic_class;
extern const SimTcpCcClass sim_tcp_bbr_class;

/* Where CUBIC's curve is @t_ns after the start of an epoch whose plateau @origin is @k_ns away
 * (RFC 9438, 4.2), in segments, rounded as Linux does. */
gint64 sim_tcp_cubic_get_target (guint32 origin, gint64 k_ns, gint64 t_ns);

/* K of RFC 9438: the time to grow by @segments to the plateau. */
gint64 sim_tcp_cubic_get_k (guint32 segments);

G_END_DECLS
