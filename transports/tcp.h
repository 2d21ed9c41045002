/* SPDX-License-Identifier: Apache-2.0 */
/* tcp.h - one TCP connection as a transport: frames of PROTOCOL.md, section 2, over a socket.
 *
 * Sends by writev() of headers and payloads without a copy, several frames per call; receives into
 * a large shared-out buffer, so that payloads are slices of it. TCP_NODELAY is always set. The
 * unsent data in the kernel is kept below the send limit (transport.h) by TCP_NOTSENT_LOWAT. The
 * hint is TCP_INFO. */
#pragma once

#include "loop.h"
#include "transport.h"

#include <sys/socket.h>

G_BEGIN_DECLS

/* From this round-trip time on a connection is paced. Acknowledgements clock a short path well
 * enough; on a long one they come in bursts, which queues drop and which make HyStart leave slow
 * start at half of what the path holds (docs/ARCHITECTURE.md, Decisions). */
#define CAIMAN_TCP_PACING_RTT_NS CAIMAN_NS_PER_MS

/* Zero-initialised means: the kernel's defaults. Copied by those who take it. */
typedef struct {
  gint64 connect_timeout_ns;   /* 0: the kernel's (about two minutes) */
  gint64 user_timeout_ns;      /* TCP_USER_TIMEOUT; 0: the kernel's */
  gint64 send_buffer_bytes;    /* SO_SNDBUF; 0: auto-tuned */
  gint64 receive_buffer_bytes; /* SO_RCVBUF; 0: auto-tuned */
  gint64 pacing_rtt_ns;        /* 0: CAIMAN_TCP_PACING_RTT_NS; CAIMAN_TIME_NEVER: not paced, but
                                  as the congestion control itself or the route's fq has it */
  char congestion[16];         /* TCP_CONGESTION; "": the system's */
} CaimanTcpOptions;

/* Whether the kernel is to pace a connection. */
typedef struct {
  gint64 rtt_ns;       /* when its round trip is that long; 0: CAIMAN_TCP_PACING_RTT_NS */
  gboolean is_decided; /* the round trip is known well enough */
} CaimanTcpPacer;

/* Where a connection starts from; zero-initialised: wherever the routing table says. */
typedef struct {
  char interface[16];              /* SO_BINDTODEVICE; "": any */
  gboolean have_address;           /* bind() to @address (its port is 0) */
  struct sockaddr_storage address; /* fallback when SO_BINDTODEVICE is not permitted */
} CaimanTcpSource;

/* Starts to connect to @remote from @source (nullable). The end reports connected() or failed().
 * NULL when it failed at once; *@reason_out then tells why. (transfer full) */
CaimanTransport *caiman_tcp_connect (CaimanLoop *loop, const struct sockaddr *remote,
                                     socklen_t remote_len, const CaimanTcpSource *source,
                                     const CaimanTcpOptions *options, CaimanReason *reason_out);

/* An established connection, e.g. from accept(). Takes @fd in any case; NULL when it cannot be
 * used (*@reason_out tells why). (transfer full) */
CaimanTransport *caiman_tcp_new (CaimanLoop *loop, int fd, const CaimanTcpOptions *options,
                                 CaimanReason *reason_out);

/* The socket, e.g. for getsockname(); owned by the transport. -1 on a transport that is none of
 * the above. */
int caiman_tcp_get_fd (const CaimanTransport *transport);

/* Frees an established @transport on which nothing was sent and nothing received yet, and gives its
 * socket to the caller (to be closed). From any of its call-backs, too. */
int caiman_tcp_steal_fd (CaimanTransport *transport, CaimanTcpPacer *pacer_out);

G_END_DECLS
