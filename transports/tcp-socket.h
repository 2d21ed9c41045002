/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-socket.h - making TCP sockets, setting their options, and what their errors mean. */
#pragma once

#include "tcp.h"

G_BEGIN_DECLS

/* A non-blocking socket that has begun to connect; -1 when that failed at once (*@reason_out). */
int caiman_tcp_socket_connect (const struct sockaddr *remote, socklen_t remote_len,
                               const CaimanTcpSource *source, const CaimanTcpOptions *options,
                               CaimanReason *reason_out);

/* Makes @fd non-blocking and sets what @options (nullable) say. FALSE when it is no TCP socket. */
gboolean caiman_tcp_socket_prepare (int fd, const CaimanTcpOptions *options);

/* Lets the kernel pace @fd, which is established, when @hint tells that its path is long. When the
 * SYN was sent more than once, the first round trip counts from the first of them, and pacing by it
 * would stop the connection for many real ones: then the decision waits for a later hint. */
void caiman_tcp_socket_pace (int fd, CaimanTcpPacer *pacer, const CaimanLinkHint *hint);

/* What errno @error_number means on a socket that is (@established) or was about to connect. */
CaimanReason caiman_tcp_socket_reason (int error_number, gboolean established);

/* The socket's pending error, which is thereby cleared; 0: none. */
int caiman_tcp_socket_take_error (int fd);

/* From so many unsent bytes on caiman_tcp_socket_takes_more() says no. */
void caiman_tcp_socket_set_unsent_limit (int fd, gint64 limit_bytes);

/* Whether @fd is to be written to: less than the limit is unsent, and a third of the buffer is free
 * (or it is broken, and says so). A write itself would not tell: it fills a piece of up to 64 KiB
 * that the kernel has begun before it looks at the limit. After FALSE the socket's EPOLLOUT comes.
 */
gboolean caiman_tcp_socket_takes_more (int fd);

void caiman_tcp_socket_get_hint (int fd, CaimanLinkHint *hint_out);

/* When @fd is closed, the peer will see a reset. */
void caiman_tcp_socket_set_reset (int fd);

/* Closes @fd so that the peer sees a reset. */
void caiman_tcp_socket_abort (int fd);

G_END_DECLS
