/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-endpoint.h - one end of a simulated TCP connection: a state machine without I/O.
 *
 * Modelled after Linux 6.x (docs/tcp-model.md says what, and from which source). Segments and time
 * go in, segments are pulled out:
 *
 *   sim_tcp_received (tcp, &segment, now);            a segment has come
 *   sim_tcp_advance (tcp, now);                       the deadline has come
 *   while (sim_tcp_next_segment (tcp, &segment, now)) ... after any input
 *   sim_tcp_take_events (tcp)                         what the application is to be told
 *   sim_tcp_get_deadline (tcp)
 *
 * The application writes and reads numbers of bytes; which bytes these are is its own business. */
#pragma once

#include "sim/tcp-cc.h"
#include "sim/tcp-segment.h"

G_BEGIN_DECLS

typedef struct _SimTcp SimTcp;

#define SIM_TCP_INITIAL_WINDOW_DEFAULT 10
/* tcp_rmem and tcp_wmem of Linux 6.18: at the start, and at most by auto-tuning. */
#define SIM_TCP_RECEIVE_BUFFER_START_BYTES (128 * 1024)
#define SIM_TCP_RECEIVE_BUFFER_MAX_BYTES   (32 * 1024 * 1024)
#define SIM_TCP_SEND_BUFFER_START_BYTES    (16 * 1024)
#define SIM_TCP_SEND_BUFFER_MAX_BYTES      (4 * 1024 * 1024)

typedef struct {
  SimTcpCcKind congestion_control;
  guint32 mss_bytes;           /* of payload, > 0 */
  guint32 initial_window;      /* segments, > 0 */
  gint64 send_buffer_bytes;    /* 0: auto-tuned; else that many bytes of payload */
  gint64 receive_buffer_bytes; /* 0: auto-tuned; else the largest window */
  gint64 user_timeout_ns;      /* TCP_USER_TIMEOUT; 0: none */
  gint64 pacing_rtt_ns;        /* paced from this RTT on; CAIMAN_TIME_NEVER: BBR alone is */
  guint64 seed;                /* for BBR's cycle */
} SimTcpConfig;

/* CUBIC, Ethernet's MSS, an initial window of 10, auto-tuned buffers, no user time-out. */
void sim_tcp_config_init (SimTcpConfig *config);

typedef enum {
  SIM_TCP_CLOSED,
  SIM_TCP_SYN_SENT,
  SIM_TCP_SYN_RECEIVED,
  SIM_TCP_ESTABLISHED, /* and what follows a FIN: see the questions below */
  SIM_TCP_DEAD,        /* reset, timed out, or both FINs acknowledged */
} SimTcpState;

typedef enum {
  SIM_TCP_EVENT_CONNECTED = 1 << 0,
  SIM_TCP_EVENT_READABLE = 1 << 1, /* bytes, or the peer's FIN, have come in order */
  SIM_TCP_EVENT_WRITABLE = 1 << 2, /* the send buffer has room again */
  SIM_TCP_EVENT_FAILED = 1 << 3,   /* it is dead, sim_tcp_get_failure() tells why */
  SIM_TCP_EVENT_DONE = 1 << 4,     /* it is dead, all is said */
} SimTcpEvents;

typedef enum {
  SIM_TCP_NOT_FAILED,
  SIM_TCP_REFUSED,   /* RST while connecting */
  SIM_TCP_RESET,     /* RST */
  SIM_TCP_TIMED_OUT, /* retransmissions or user time-out */
} SimTcpFailure;

/* Closed until connect() or accept(). @config is copied. */
SimTcp *sim_tcp_new (const SimTcpConfig *config, gint64 now_ns);
void sim_tcp_free (SimTcp *tcp); /* accepts NULL */

/* --- Inputs --- */

/* Sends a SYN. */
void sim_tcp_connect (SimTcp *tcp, gint64 now_ns);

/* @syn has come for a listener: answers with SYN-ACK. */
void sim_tcp_accept (SimTcp *tcp, const SimTcpSegment *syn, gint64 now_ns);

void sim_tcp_received (SimTcp *tcp, const SimTcpSegment *segment, gint64 now_ns);
void sim_tcp_advance (SimTcp *tcp, gint64 now_ns);

/* More bytes for the stream. May go over the send buffer (get_room()). */
void sim_tcp_write (SimTcp *tcp, gint64 bytes, gint64 now_ns);

/* The application has taken all or some of the readable bytes (asserted). */
void sim_tcp_read (SimTcp *tcp, gint64 bytes, gint64 now_ns);

/* FIN behind what has been written. */
void sim_tcp_close (SimTcp *tcp, gint64 now_ns);

/* A RST goes out (unless closed already), and it is dead. */
void sim_tcp_abort (SimTcp *tcp, gint64 now_ns);

/* Dead without a word: the host is gone, or knows that its network is. */
void sim_tcp_kill (SimTcp *tcp);

/* A router says that nothing larger than @mss_bytes of payload fits (ICMP, RFC 1191): what was sent
 * larger counts as lost. */
void sim_tcp_set_mss (SimTcp *tcp, guint32 mss_bytes, gint64 now_ns);

/* TCP_NOTSENT_LOWAT: no new piece is begun (get_room()) when @bytes have not been sent, and poll()
 * says no (takes()) from half of it on. */
void sim_tcp_set_unsent_limit (SimTcp *tcp, gint64 bytes);

/* --- Outputs --- */

gboolean sim_tcp_next_segment (SimTcp *tcp, SimTcpSegment *segment_out, gint64 now_ns);

/* SimTcpEvents since the last call. */
guint sim_tcp_take_events (SimTcp *tcp);

gint64 sim_tcp_get_deadline (const SimTcp *tcp);

/* --- Questions --- */

SimTcpState sim_tcp_get_state (const SimTcp *tcp);
SimTcpFailure sim_tcp_get_failure (const SimTcp *tcp);

/* How much a write takes now; what follows may be taken then, too. 0: none. */
gint64 sim_tcp_get_room (const SimTcp *tcp);

/* Whether poll() says that it is to be written to: little is unsent, and a third of the buffer is
 * free. Once it was not, SIM_TCP_EVENT_WRITABLE comes. */
gboolean sim_tcp_takes (const SimTcp *tcp);

/* The same, and what is left makes no full segment. */
gboolean sim_tcp_wants_more (const SimTcp *tcp);
gint64 sim_tcp_get_readable (const SimTcp *tcp);
gboolean sim_tcp_has_fin (const SimTcp *tcp); /* the peer's, and all in front of it has come */

/* What TCP_INFO tells. */
typedef struct {
  SimTcpCaState ca_state;
  guint32 cwnd, ssthresh; /* segments */
  guint in_flight, out, sacked, lost, resent;
  gint64 una, nxt, written;                      /* sequence numbers */
  gint64 received;                               /* the next byte expected */
  gint64 srtt_ns, rttvar_ns, rto_ns, min_rtt_ns; /* srtt 0, min NEVER: no sample */
  gint64 unsent_bytes;
  gint64 send_buffer_bytes, receive_buffer_bytes;
  gint64 peer_window_bytes; /* from una on */
  gint64 window_bytes;      /* that we last offered */
  guint64 sent_segments;    /* with payload, retransmissions included */
  guint64 retransmits;
  guint64 delivered;
  guint64 timeouts, probes, fast_recoveries, undos; /* RTOs, TLPs, ... so far */
  guint backoff;
  guint32 reordering;
  gint64 pacing_rate_bps; /* 0: not paced */
} SimTcpInfo;

void sim_tcp_get_info (const SimTcp *tcp, SimTcpInfo *info_out);

/* For tests and CC figures. */
const SimTcpCc *sim_tcp_get_cc (const SimTcp *tcp);

G_END_DECLS
