/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-socket.c - see tcp-socket.h. */
#include "transports/tcp-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* So many segments must have got through before the RTT is that of the path, when the handshake was
 * repeated. */
#define TRUSTED_DELIVERED 10

static gboolean
set_int (int fd, int level, int name, gint64 value)
{
  int number = (int)MIN (value, G_MAXINT);
  return setsockopt (fd, level, name, &number, sizeof number) == 0;
}

CaimanReason
caiman_tcp_socket_reason (int error_number, gboolean established)
{
  switch (error_number) {
  case ECONNREFUSED:
    return CAIMAN_REASON_CONNECT_REFUSED;
  case ECONNRESET:
  case EPIPE:
    return established ? CAIMAN_REASON_LINK_RESET : CAIMAN_REASON_CONNECT_REFUSED;
  case ETIMEDOUT:
    return established ? CAIMAN_REASON_SEND_TIMEOUT : CAIMAN_REASON_CONNECT_TIMEOUT;
  case EHOSTUNREACH:
  case ENETUNREACH:
  case ENETDOWN:
  case ENETRESET:
  case EHOSTDOWN:
  case EADDRNOTAVAIL:
  case ENODEV:
    return CAIMAN_REASON_LINK_DOWN;
  default:
    return CAIMAN_REASON_LINK_IO_ERROR;
  }
}

int
caiman_tcp_socket_take_error (int fd)
{
  int error_number = 0;
  socklen_t size = sizeof error_number;
  if (getsockopt (fd, SOL_SOCKET, SO_ERROR, &error_number, &size) < 0)
    return errno;
  return error_number;
}

/* What the kernel does not know or permit (an unknown congestion control, say) is left at its
 * default: whoever offers these options to people checks them (tcp.h). */
static void
set_options (int fd, const CaimanTcpOptions *options)
{
  if (options->send_buffer_bytes > 0)
    set_int (fd, SOL_SOCKET, SO_SNDBUF, options->send_buffer_bytes);
  if (options->receive_buffer_bytes > 0)
    set_int (fd, SOL_SOCKET, SO_RCVBUF, options->receive_buffer_bytes);
  if (options->user_timeout_ns > 0)
    set_int (fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
             MAX (options->user_timeout_ns / CAIMAN_NS_PER_MS, 1));
  if (options->congestion[0])
    setsockopt (fd, IPPROTO_TCP, TCP_CONGESTION, options->congestion,
                (socklen_t)strnlen (options->congestion, sizeof options->congestion));
}

gboolean
caiman_tcp_socket_prepare (int fd, const CaimanTcpOptions *options)
{
  int flags = fcntl (fd, F_GETFL);
  if (flags < 0 || fcntl (fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
      !set_int (fd, IPPROTO_TCP, TCP_NODELAY, 1))
    return FALSE;
  if (options)
    set_options (fd, options);
  return TRUE;
}

static gboolean
is_rtt_known (const CaimanLinkHint *hint)
{
  return hint->retransmits <= 0 ||
         (hint->delivered >= TRUSTED_DELIVERED && hint->rtt_ns <= 2 * hint->min_rtt_ns);
}

void
caiman_tcp_socket_pace (int fd, CaimanTcpPacer *pacer, const CaimanLinkHint *hint)
{
  if (pacer->is_decided || !is_rtt_known (hint))
    return;
  pacer->is_decided = TRUE;
  if (hint->rtt_ns < (pacer->rtt_ns > 0 ? pacer->rtt_ns : CAIMAN_TCP_PACING_RTT_NS))
    return;
  /* Any limit but "none", which is all bits, turns pacing on; this one limits nothing. */
  const guint64 rate = G_MAXUINT64 - 1;
  setsockopt (fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, sizeof rate);
}

static gboolean
bind_address (int fd, const struct sockaddr_storage *address)
{
  socklen_t size = address->ss_family == AF_INET6 ? (socklen_t)sizeof (struct sockaddr_in6)
                                                  : (socklen_t)sizeof (struct sockaddr_in);
  /* The port is chosen when the remote address is known, so that ports do not run out. */
  set_int (fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  return bind (fd, (const struct sockaddr *)address, size) == 0;
}

static gboolean
bind_source (int fd, const CaimanTcpSource *source)
{
  if (source->interface[0]) {
    socklen_t size = (socklen_t)strnlen (source->interface, sizeof source->interface);
    if (setsockopt (fd, SOL_SOCKET, SO_BINDTODEVICE, source->interface, size) == 0)
      return TRUE;
    if (errno != EPERM || !source->have_address)
      return FALSE;
  }
  return !source->have_address || bind_address (fd, &source->address);
}

int
caiman_tcp_socket_connect (const struct sockaddr *remote, socklen_t remote_len,
                           const CaimanTcpSource *source, const CaimanTcpOptions *options,
                           CaimanReason *reason_out)
{
  int fd = socket (remote->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd >= 0 && caiman_tcp_socket_prepare (fd, options) && (!source || bind_source (fd, source)) &&
      (connect (fd, remote, remote_len) == 0 || errno == EINPROGRESS))
    return fd;
  *reason_out = caiman_tcp_socket_reason (errno, FALSE);
  if (fd >= 0)
    close (fd);
  return -1;
}

void
caiman_tcp_socket_set_unsent_limit (int fd, gint64 limit_bytes)
{
  /* poll() looks for half of it. */
  set_int (fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 2 * limit_bytes);
}

gboolean
caiman_tcp_socket_takes_more (int fd)
{
  struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
  return poll (&poll_fd, 1, 0) != 0;
}

void
caiman_tcp_socket_get_hint (int fd, CaimanLinkHint *hint_out)
{
  struct tcp_info info;
  socklen_t size = sizeof info;
  memset (&info, 0, sizeof info);
  if (getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
    return;
  hint_out->rtt_ns = (gint64)info.tcpi_rtt * CAIMAN_NS_PER_US;
  hint_out->unsent_bytes = info.tcpi_notsent_bytes;
  hint_out->retransmits = info.tcpi_total_retrans;
  hint_out->backoff = info.tcpi_backoff;
  /* All bits set: no sample yet. */
  if (info.tcpi_min_rtt != G_MAXUINT32)
    hint_out->min_rtt_ns = (gint64)info.tcpi_min_rtt * CAIMAN_NS_PER_US;
  hint_out->delivered = info.tcpi_delivered;
}

void
caiman_tcp_socket_set_reset (int fd)
{
  struct linger linger = { .l_onoff = 1, .l_linger = 0 };
  setsockopt (fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

void
caiman_tcp_socket_abort (int fd)
{
  caiman_tcp_socket_set_reset (fd);
  close (fd);
}
