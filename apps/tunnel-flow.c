/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel-flow.c - see tunnel-flow.h.
 *
 * "Up" is from the socket to the connection, "down" the other way. The socket is watched edge by
 * edge: what it said last is kept until a read or write says otherwise, so that a socket that waits
 * for its turn costs nothing. */
#include "apps/tunnel-flow.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* What may wait in the connection before it is on a link. The socket keeps the rest, and its sender
 * learns of it. */
#define UNSENT_LIMIT_BYTES (1024 * 1024)

/* One read: it grows while the socket fills it, so that small flows use little memory. */
#define READ_MIN_BYTES (16 * 1024)
#define READ_MAX_BYTES (256 * 1024)

/* What is taken from the connection ahead of the socket, besides one message. */
#define WRITE_PIECES_MAX 16
#define WRITE_BYTES_MAX  (256 * 1024)

struct _TunnelFlow {
  CaimanLoopWatch watch; /* first: the loop's call-back finds the flow by it */
  AppConnection *connection;
  int fd; /* -1: closed */

  /* Up. */
  gboolean readable, up_done;
  gsize read_bytes;
  GBytes *unwritten; /* (nullable) read and not accepted yet, from @unwritten_offset on */
  gsize unwritten_offset;

  /* Down. */
  gboolean writable, down_done, all_received;
  GQueue pieces; /* of GBytes, to be written; the first from @piece_offset on */
  gsize piece_offset, pieces_bytes;
};

static CaimanConnection *
get_caiman (const TunnelFlow *flow)
{
  return flow->connection->connection;
}

static gint64
get_time (const TunnelFlow *flow)
{
  return app_endpoint_now (flow->connection->endpoint);
}

/* --- The end --- */

void
tunnel_reset_socket (int fd)
{
  const struct linger linger = { .l_onoff = 1, .l_linger = 0 };
  setsockopt (fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  close (fd);
}

static void
close_socket (TunnelFlow *flow, gboolean reset)
{
  if (flow->fd < 0)
    return;
  caiman_loop_remove_watch (&flow->watch);
  if (reset)
    tunnel_reset_socket (flow->fd);
  else
    close (flow->fd);
  flow->fd = -1;
  g_clear_pointer (&flow->unwritten, g_bytes_unref);
  g_queue_clear_full (&flow->pieces, (GDestroyNotify)g_bytes_unref);
}

/* The connection has failed or was terminated. */
static void
fail_socket (TunnelFlow *flow)
{
  close_socket (flow, TRUE);
  app_connection_release (flow->connection);
}

/* The socket was reset. */
static void
fail_connection (TunnelFlow *flow, int reason)
{
  app_endpoint_log (flow->connection->endpoint, APP_LOG_INFO, "#%" G_GUINT64_FORMAT " %s: %s",
                    flow->connection->number, flow->connection->label, g_strerror (reason));
  close_socket (flow, TRUE);
  app_connection_terminate (flow->connection);
}

static void
close_when_done (TunnelFlow *flow)
{
  if (flow->fd < 0 || !flow->up_done || !flow->down_done)
    return;
  close_socket (flow, FALSE);
  app_connection_release (flow->connection);
}

/* --- Up --- */

/* FALSE: there is no room, or nothing to write into any more. */
static gboolean
write_up (TunnelFlow *flow)
{
  gsize size = g_bytes_get_size (flow->unwritten);
  while (flow->unwritten_offset < size) {
    g_autoptr (GError) error = NULL;
    gssize n = caiman_connection_write (get_caiman (flow), flow->unwritten, flow->unwritten_offset,
                                        get_time (flow), &error);
    if (n < 0) {
      /* Room is told by an event; without the peer's receiver there will never be any. */
      flow->up_done = !g_error_matches (error, CAIMAN_ERROR, CAIMAN_REASON_WOULD_BLOCK);
      return FALSE;
    }
    flow->unwritten_offset += (gsize)n;
  }
  g_clear_pointer (&flow->unwritten, g_bytes_unref);
  return TRUE;
}

/* FALSE: nothing is there to be read now, or ever. */
static gboolean
read_socket (TunnelFlow *flow)
{
  guint8 *buffer = g_malloc (flow->read_bytes);
  gssize n = read (flow->fd, buffer, flow->read_bytes);
  int reason = errno;
  if (n <= 0) {
    g_free (buffer);
    if (n < 0 && reason == EINTR)
      return TRUE;
    flow->readable = FALSE;
    if (n < 0 && reason != EAGAIN) {
      fail_connection (flow, reason);
    } else if (n == 0) {
      flow->up_done = TRUE;
      caiman_connection_finish (get_caiman (flow), get_time (flow));
    }
    return FALSE;
  }
  if ((gsize)n == flow->read_bytes)
    flow->read_bytes = MIN (2 * flow->read_bytes, READ_MAX_BYTES);
  else if ((gsize)n < flow->read_bytes / 4)
    flow->read_bytes = MAX (flow->read_bytes / 2, READ_MIN_BYTES);
  flow->unwritten = g_bytes_new_take (g_realloc (buffer, (gsize)n), (gsize)n);
  flow->unwritten_offset = 0;
  return TRUE;
}

static void
pump_up (TunnelFlow *flow)
{
  while (flow->fd >= 0 && !flow->up_done) {
    if (flow->unwritten && !write_up (flow))
      break;
    if (!flow->readable || !read_socket (flow))
      break;
  }
}

/* --- Down --- */

static void
take_pieces (TunnelFlow *flow)
{
  while (!flow->all_received && flow->pieces.length < WRITE_PIECES_MAX &&
         flow->pieces_bytes < WRITE_BYTES_MAX) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes =
        caiman_connection_receive (get_caiman (flow), get_time (flow), &error);
    if (bytes == NULL) {
      flow->all_received = g_error_matches (error, CAIMAN_ERROR, CAIMAN_REASON_FINISHED);
      return;
    }
    gsize size = g_bytes_get_size (bytes);
    if (size == 0)
      continue; /* a message without bytes is nothing in a stream */
    flow->pieces_bytes += size;
    g_queue_push_tail (&flow->pieces, g_steal_pointer (&bytes));
  }
}

static void
drop_written (TunnelFlow *flow, gsize size)
{
  flow->pieces_bytes -= size;
  flow->piece_offset += size;
  while (flow->pieces.head) {
    gsize head_size = g_bytes_get_size (flow->pieces.head->data);
    if (flow->piece_offset < head_size)
      return;
    flow->piece_offset -= head_size;
    g_bytes_unref (g_queue_pop_head (&flow->pieces));
  }
}

/* FALSE: the socket takes nothing now, or is dead. */
static gboolean
write_socket (TunnelFlow *flow)
{
  struct iovec pieces[WRITE_PIECES_MAX];
  int n_pieces = 0;
  for (GList *node = flow->pieces.head; node; node = node->next) {
    gsize size, offset = n_pieces == 0 ? flow->piece_offset : 0;
    const guint8 *data = g_bytes_get_data (node->data, &size);
    pieces[n_pieces++] = (struct iovec) { (void *)(data + offset), size - offset };
  }
  const struct msghdr message = { .msg_iov = pieces, .msg_iovlen = (gsize)n_pieces };
  gssize n = sendmsg (flow->fd, &message, MSG_NOSIGNAL);
  if (n >= 0) {
    drop_written (flow, (gsize)n);
    return TRUE;
  }
  if (errno == EINTR)
    return TRUE;
  flow->writable = FALSE;
  if (errno != EAGAIN)
    fail_connection (flow, errno);
  return FALSE;
}

static void
pump_down (TunnelFlow *flow)
{
  while (flow->fd >= 0 && flow->writable && !flow->down_done) {
    take_pieces (flow);
    if (flow->pieces.length > 0) {
      if (!write_socket (flow))
        return;
    } else if (flow->all_received) {
      shutdown (flow->fd, SHUT_WR);
      flow->down_done = TRUE;
    } else {
      return;
    }
  }
}

/* --- What happens --- */

static void
pump_both (TunnelFlow *flow)
{
  pump_up (flow);
  pump_down (flow);
  close_when_done (flow);
}

static void
on_ready (CaimanLoopWatch *watch, guint32 epoll_events)
{
  TunnelFlow *flow = (TunnelFlow *)(gpointer)watch;
  AppConnection *connection = flow->connection;
  int reason = 0;
  socklen_t size = sizeof reason;
  /* A reset is passed on even while nothing is read. */
  if ((epoll_events & EPOLLERR) &&
      getsockopt (flow->fd, SOL_SOCKET, SO_ERROR, &reason, &size) == 0 && reason != 0) {
    fail_connection (flow, reason);
    return;
  }
  if (epoll_events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP))
    flow->readable = TRUE;
  if (epoll_events & (EPOLLOUT | EPOLLHUP))
    flow->writable = TRUE;
  pump_both (flow);
  app_connection_touch (connection);
}

void
tunnel_flow_event (TunnelFlow *flow, const CaimanEvent *event)
{
  if (flow->fd < 0)
    return;
  switch (event->type) {
  case CAIMAN_EVENT_PEER_DROPPED_RECEIVER:
    flow->up_done = TRUE;
    break;
  case CAIMAN_EVENT_ENDED:
    if (event->reason != CAIMAN_REASON_FINISHED) {
      fail_socket (flow);
      return;
    }
    flow->up_done = TRUE;
    break;
  case CAIMAN_EVENT_CONNECTED:
  case CAIMAN_EVENT_READABLE:
  case CAIMAN_EVENT_WRITABLE:
    break;
  default:
    return;
  }
  pump_both (flow);
}

/* --- Life --- */

TunnelFlow *
tunnel_flow_new (AppConnection *connection, int fd, GError **error)
{
  const int on = 1;
  TunnelFlow *flow = g_new0 (TunnelFlow, 1);
  flow->connection = connection;
  flow->fd = fd;
  flow->read_bytes = READ_MIN_BYTES;
  flow->watch.ready = on_ready;
  g_queue_init (&flow->pieces);
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt (fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  caiman_connection_set_unsent_limit (get_caiman (flow), UNSENT_LIMIT_BYTES);
  if (!caiman_loop_add_watch (app_endpoint_get_loop (connection->endpoint), &flow->watch, fd,
                              EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, error)) {
    close (fd);
    g_free (flow);
    return NULL;
  }
  return flow;
}

void
tunnel_flow_free (TunnelFlow *flow)
{
  if (flow == NULL)
    return;
  close_socket (flow, TRUE);
  g_free (flow);
}
