/* SPDX-License-Identifier: Apache-2.0 */
/* relay-socket.c - one socket of a relayed connection: what it reads goes into its line, what
 * arrives from the other line is written. */
#include "harness/relay-private.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* While a receiver does not read: its receive buffer, less what the kernel holds of it, and what is
 * on its way at the rate (sim/network.h). */
static gint64
get_in_flight_max (const Relay *relay, SimDirection direction)
{
  const SimPathConfig *config = relay_bottleneck_get_config (relay->bottlenecks[direction]);
  const SimPathConfig *back = relay_bottleneck_get_config (relay->bottlenecks[!direction]);
  gint64 room_bytes = relay->receive_buffer_bytes - 2 * (gint64)relay->buffers.send_bytes;

  if (config->rate_bps != SIM_RATE_UNLIMITED)
    room_bytes +=
        caiman_muldiv (config->rate_bps, config->delay_ns + back->delay_ns, 8 * CAIMAN_NS_PER_S);
  return MAX (room_bytes, 0);
}

gboolean
relay_socket_has_room (const RelaySocket *socket)
{
  return socket->input_ended || relay_line_get_room (socket->connection->lines[socket->index]) > 0;
}

static void
unwatch (RelaySocket *socket)
{
  if (socket->watched)
    caiman_loop_remove_watch (&socket->watch);
  socket->watched = FALSE;
}

void
relay_socket_close (RelaySocket *socket, gboolean with_reset)
{
  const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

  if (socket->fd < 0)
    return;
  unwatch (socket);
  if (with_reset)
    (void)setsockopt (socket->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close (socket->fd);
  socket->fd = -1;
  socket->input_ended = TRUE;
}

/* It is broken: that is told to the other end, unless that has been told of an end before. */
static void
break_socket (RelaySocket *socket)
{
  RelayConnection *connection = socket->connection;
  gboolean tell = !socket->input_ended || socket->eof;

  relay_socket_close (socket, TRUE);
  if (tell)
    relay_line_put_reset (connection->lines[socket->index],
                          caiman_loop_now (connection->relay->loop));
}

static gboolean
has_error (const RelaySocket *socket)
{
  int value = 0;
  socklen_t size = sizeof value;

  return getsockopt (socket->fd, SOL_SOCKET, SO_ERROR, &value, &size) < 0 || value != 0;
}

static void
socket_ready (CaimanLoopWatch *watch, guint32 epoll_events)
{
  RelaySocket *socket = (RelaySocket *)watch;
  Relay *relay = socket->connection->relay;

  if (epoll_events & EPOLLOUT)
    socket->blocked = FALSE;
  if (epoll_events & (EPOLLIN | EPOLLHUP))
    socket->readable = TRUE;
  if (epoll_events & EPOLLERR && has_error (socket))
    break_socket (socket);
  else if (epoll_events & EPOLLHUP && (!relay_socket_has_room (socket) || socket->eof))
    unwatch (socket); /* both ways have ended; run() watches it again when it is of use */
  relay_run (relay);
}

void
relay_socket_update_watch (RelaySocket *socket)
{
  gboolean reads = !socket->eof && !socket->readable;
  guint32 events = (reads ? EPOLLIN : 0) | (socket->blocked ? EPOLLOUT : 0);
  CaimanLoop *loop = socket->connection->relay->loop;

  if (socket->fd < 0)
    return;
  if (socket->watched)
    caiman_loop_set_watch_events (&socket->watch, events);
  else if (events != 0)
    socket->watched = caiman_loop_add_watch (loop, &socket->watch, socket->fd, events, NULL);
}

void
relay_socket_adopt (RelaySocket *socket, int fd)
{
  socket->fd = fd;
  socket->watch.ready = socket_ready;
  relay_socket_update_watch (socket);
  if (!socket->watched)
    break_socket (socket);
}

/* --- Reading --- */

static void
end_input (RelaySocket *socket, gint64 now_ns)
{
  socket->eof = TRUE;
  if (!socket->input_ended)
    relay_line_put_fin (socket->connection->lines[socket->index], now_ns);
  socket->input_ended = TRUE;
}

/* Reads once, and notes whether there is more. */
static void
read_some (RelaySocket *socket, gint64 now_ns)
{
  Relay *relay = socket->connection->relay;
  RelayLine *line = socket->connection->lines[socket->index];
  gsize room =
      socket->input_ended ? RELAY_READ_BYTES : MIN (relay_line_get_room (line), RELAY_READ_BYTES);
  gssize n = recv (socket->fd, relay->scratch, room, 0);

  socket->readable = n == (gssize)room;
  if (n < 0 && errno != EAGAIN && errno != EINTR)
    break_socket (socket);
  else if (n == 0)
    end_input (socket, now_ns);
  else if (n > 0 && !socket->input_ended)
    /* What lay in the kernel while there was no room has been there all that time. */
    relay_line_put (line, relay->scratch, (gsize)n,
                    socket->full_since_ns >= 0 ? socket->full_since_ns : now_ns);
  socket->full_since_ns = -1;
}

void
relay_socket_read (RelaySocket *socket, gint64 now_ns)
{
  while (socket->fd >= 0 && socket->readable && relay_socket_has_room (socket))
    read_some (socket, now_ns);
  if (socket->readable && !relay_socket_has_room (socket) && socket->full_since_ns < 0)
    socket->full_since_ns = now_ns;
}

/* --- Writing --- */

/* The handshake's last segment has come: connects to the server. */
static void
open_server (RelayConnection *connection)
{
  Relay *relay = connection->relay;
  RelaySocket *server = &connection->sockets[1];
  int fd = relay->server_port != 0 ? relay_fd_new (&relay->buffers, NULL) : -1;

  connection->opened = TRUE;
  if (fd >= 0 && relay_fd_connect (fd, relay->server_port)) {
    relay_socket_adopt (server, fd);
    return;
  }
  if (fd >= 0)
    close (fd);
  server->input_ended = TRUE;
  relay_line_put_reset (connection->lines[SIM_DIRECTION_DOWN], caiman_loop_now (relay->loop));
}

/* Bytes that have arrived; FALSE: no more go out for now. */
static gboolean
write_data (RelaySocket *socket, RelayLine *line, const guint8 *data, gsize size)
{
  if (socket->fd < 0) {
    relay_line_take (line, size);
    return TRUE;
  }
  gssize n = send (socket->fd, data, size, MSG_NOSIGNAL);
  if (n >= 0) {
    relay_line_take (line, (gsize)n);
    socket->blocked = (gsize)n < size;
  } else if (errno == EAGAIN || errno == EINTR || errno == ENOTCONN) {
    socket->blocked = TRUE;
  } else {
    break_socket (socket);
  }
  return !socket->blocked;
}

/* One thing that arrives; FALSE: nothing more goes out for now. */
static gboolean
write_some (RelaySocket *socket, gint64 now_ns)
{
  RelayConnection *connection = socket->connection;
  RelayLine *line = connection->lines[!socket->index];
  const guint8 *data;
  gsize size;

  switch (relay_line_peek (line, now_ns, &data, &size)) {
  case RELAY_NOTHING:
    return FALSE;
  case RELAY_DATA:
    return write_data (socket, line, data, size);
  case RELAY_OPEN:
    relay_line_take (line, 0);
    open_server (connection);
    break;
  case RELAY_FIN:
    relay_line_take (line, 0);
    if (socket->fd >= 0)
      (void)shutdown (socket->fd, SHUT_WR);
    socket->fin_sent = TRUE;
    break;
  case RELAY_RESET:
    relay_line_take (line, 0);
    relay_socket_close (socket, TRUE);
    break;
  }
  return TRUE;
}

void
relay_socket_write (RelaySocket *socket, gint64 now_ns)
{
  RelayLine *line = socket->connection->lines[!socket->index];

  if (!socket->blocked)
    while (write_some (socket, now_ns))
      ;
  relay_line_set_blocked (line, socket->blocked,
                          get_in_flight_max (socket->connection->relay, !socket->index));
  if (socket->eof && socket->fin_sent)
    relay_socket_close (socket, FALSE);
}
