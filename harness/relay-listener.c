/* SPDX-License-Identifier: Apache-2.0 */
/* relay-listener.c - see relay-listener.h. */
#include "harness/relay-listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Loopback's own segments of 64 KiB would not fit into small buffers. */
#define SEGMENT_BYTES 1448
#define BACKLOG       128
/* Room for the kernel's overhead. */
#define RECEIVE_SPACE_MIN_BYTES (64 * 1024)

struct _RelayListener {
  CaimanLoop *loop;
  RelayBuffers buffers;
  RelayAcceptFunc accepted;
  gpointer user_data;
  int holder_fd; /* bound and never listening: keeps the port */
  guint16 port;
  gboolean open;
  CaimanLoopWatch watch; /* of the listening socket, while open */
};

static void
set_option (int fd, int level, int name, int value)
{
  int result = setsockopt (fd, level, name, &value, sizeof value);
  g_assert (result == 0);
}

int
relay_get_receive_space (int receive_bytes)
{
  return receive_bytes > 0 ? MAX (4 * receive_bytes, RECEIVE_SPACE_MIN_BYTES) : 0;
}

void
relay_fd_set_window (int fd, int receive_bytes)
{
  if (receive_bytes > 0)
    set_option (fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, receive_bytes);
}

int
relay_fd_new (const RelayBuffers *buffers, GError **error)
{
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  if (fd < 0) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR, "cannot make a TCP socket: %s",
                 g_strerror (errno));
    return -1;
  }
  if (buffers->receive_bytes > 0)
    set_option (fd, SOL_SOCKET, SO_RCVBUF, relay_get_receive_space (buffers->receive_bytes));
  relay_fd_set_window (fd, buffers->receive_bytes);
  if (buffers->send_bytes > 0)
    set_option (fd, SOL_SOCKET, SO_SNDBUF, buffers->send_bytes);
  set_option (fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option (fd, IPPROTO_TCP, TCP_MAXSEG, SEGMENT_BYTES);
  (void)setsockopt (fd, IPPROTO_TCP, TCP_CONGESTION, RELAY_CONGESTION, strlen (RELAY_CONGESTION));
  return fd;
}

static struct sockaddr_in
make_address (guint16 port)
{
  return (struct sockaddr_in) { .sin_family = AF_INET,
                                .sin_port = g_htons (port),
                                .sin_addr.s_addr = g_htonl (INADDR_LOOPBACK) };
}

gboolean
relay_fd_connect (int fd, guint16 port)
{
  struct sockaddr_in address = make_address (port);

  return connect (fd, (const struct sockaddr *)&address, sizeof address) == 0 ||
         errno == EINPROGRESS;
}

/* A socket that is bound to @port; -1 with @error. */
static int
make_bound (const RelayBuffers *buffers, guint16 port, GError **error)
{
  struct sockaddr_in address = make_address (port);
  int fd = relay_fd_new (buffers, error);

  if (fd < 0)
    return -1;
  set_option (fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (bind (fd, (const struct sockaddr *)&address, sizeof address) == 0)
    return fd;
  g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR, "cannot bind to 127.0.0.1: %s",
               g_strerror (errno));
  close (fd);
  return -1;
}

static void
ready (CaimanLoopWatch *watch, guint32 epoll_events)
{
  RelayListener *listener =
      (RelayListener *)((char *)watch - G_STRUCT_OFFSET (RelayListener, watch));

  while (listener->open) {
    int fd = accept4 (watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
      return;
    listener->accepted (listener->user_data, fd);
  }
}

static gboolean
open_it (RelayListener *listener, GError **error)
{
  int fd = make_bound (&listener->buffers, listener->port, error);

  if (fd < 0)
    return FALSE;
  listener->watch.ready = ready;
  if (listen (fd, BACKLOG) < 0)
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR, "cannot listen on 127.0.0.1: %s",
                 g_strerror (errno));
  else if (caiman_loop_add_watch (listener->loop, &listener->watch, fd, EPOLLIN, error))
    listener->open = TRUE;
  if (!listener->open)
    close (fd);
  return listener->open;
}

gboolean
relay_listener_set_open (RelayListener *listener, gboolean open, GError **error)
{
  if (listener->open == open)
    return TRUE;
  if (open)
    return open_it (listener, error);
  int fd = listener->watch.fd;
  listener->open = FALSE;
  caiman_loop_remove_watch (&listener->watch);
  close (fd);
  return TRUE;
}

RelayListener *
relay_listener_new (CaimanLoop *loop, const RelayBuffers *buffers, RelayAcceptFunc accepted,
                    gpointer user_data, GError **error)
{
  RelayListener *listener = g_new0 (RelayListener, 1);
  struct sockaddr_in address;
  socklen_t size = sizeof address;

  listener->loop = loop;
  listener->buffers = *buffers;
  listener->accepted = accepted;
  listener->user_data = user_data;
  listener->holder_fd = make_bound (buffers, 0, error);
  if (listener->holder_fd >= 0) {
    int result = getsockname (listener->holder_fd, (struct sockaddr *)&address, &size);
    g_assert (result == 0);
    listener->port = g_ntohs (address.sin_port);
  }
  if (listener->holder_fd < 0 || !open_it (listener, error))
    g_clear_pointer (&listener, relay_listener_free);
  return listener;
}

void
relay_listener_free (RelayListener *listener)
{
  if (!listener)
    return;
  relay_listener_set_open (listener, FALSE, NULL);
  if (listener->holder_fd >= 0)
    close (listener->holder_fd);
  g_free (listener);
}

guint16
relay_listener_get_port (const RelayListener *listener)
{
  return listener->port;
}

gboolean
relay_listener_is_open (const RelayListener *listener)
{
  return listener->open;
}
