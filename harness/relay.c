/* SPDX-License-Identifier: Apache-2.0 */
/* relay.c - see relay.h. A connection has two sockets and two lines: socket i (0 the client's, 1
 * the server's) is read into line i and writes what arrives from the other line. */
#include "harness/relay.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* What one run does before others have their turn. */
#define ROUNDS_MAX         8
#define READ_BYTES         (64 * 1024)
#define KERNEL_TIME_NS     CAIMAN_NS_PER_MS
#define KERNEL_MIN_BYTES   (4 * 1024)
#define DEPARTURE_SLACK_NS (500 * CAIMAN_NS_PER_US)
#define KERNEL_MAX_BYTES   (64 * 1024)

typedef struct _Connection Connection;

typedef struct {
  CaimanLoopWatch watch;
  Connection *connection;
  guint index;
  int fd; /* -1: not yet there, or gone */
  gboolean watched;
  gboolean readable;    /* has more than was read, as far as is known */
  gboolean blocked;     /* the kernel takes no more */
  gboolean input_ended; /* nothing of it goes into its line any more */
  gboolean eof;         /* its FIN has come */
  gboolean fin_sent;
  gint64 full_since_ns; /* not read since then for want of room; -1 */
} Socket;

struct _Connection {
  GList node; /* in Relay.connections */
  Relay *relay;
  Socket sockets[2];
  RelayLine *lines[SIM_N_DIRECTIONS];
  gboolean opened; /* the way to the server, or nobody waits for it any more */
};

struct _Relay {
  CaimanLoop *loop;
  RelayListener *listener;
  RelayBottleneck *bottlenecks[SIM_N_DIRECTIONS];
  gint64 send_limit_bytes[SIM_N_DIRECTIONS];
  gint64 receive_buffer_bytes;
  RelayBuffers buffers; /* of its own sockets */
  guint16 server_port;
  GQueue connections; /* of Connection */
  CaimanTimer timer;
  gint64 timer_at_ns;
  Histogram *lateness;
  guint8 scratch[READ_BYTES];
};

static void run (Relay *relay);

/* --- Limits --- */

/* What may wait in a line: what the scenario and the sender allow, less what waits in the kernel in
 * front of it. */
static void
update_limit (Connection *connection, SimDirection direction)
{
  Relay *relay = connection->relay;
  gint64 queue_bytes =
      relay_get_queue_limit (relay_bottleneck_get_config (relay->bottlenecks[direction]));
  gint64 limit_bytes = MIN (queue_bytes, relay->send_limit_bytes[direction]);
  gint64 segment_bytes = (gint64)relay_bottleneck_get_segment_bytes (relay->bottlenecks[direction]);

  relay_line_set_limit (connection->lines[direction],
                        MAX (limit_bytes - relay->buffers.receive_bytes, segment_bytes));
}

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

/* --- Sockets --- */

static gboolean
has_room (const Socket *socket)
{
  return socket->input_ended || relay_line_get_room (socket->connection->lines[socket->index]) > 0;
}

static void
unwatch (Socket *socket)
{
  if (socket->watched)
    caiman_loop_remove_watch (&socket->watch);
  socket->watched = FALSE;
}

static void
close_socket (Socket *socket, gboolean with_reset)
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
break_socket (Socket *socket)
{
  Connection *connection = socket->connection;
  gboolean tell = !socket->input_ended || socket->eof;

  close_socket (socket, TRUE);
  if (tell)
    relay_line_put_reset (connection->lines[socket->index],
                          caiman_loop_now (connection->relay->loop));
}

static gboolean
has_error (const Socket *socket)
{
  int value = 0;
  socklen_t size = sizeof value;

  return getsockopt (socket->fd, SOL_SOCKET, SO_ERROR, &value, &size) < 0 || value != 0;
}

static void
socket_ready (CaimanLoopWatch *watch, guint32 epoll_events)
{
  Socket *socket = (Socket *)watch;
  Relay *relay = socket->connection->relay;

  if (epoll_events & EPOLLOUT)
    socket->blocked = FALSE;
  if (epoll_events & (EPOLLIN | EPOLLHUP))
    socket->readable = TRUE;
  if (epoll_events & EPOLLERR && has_error (socket))
    break_socket (socket);
  else if (epoll_events & EPOLLHUP && (!has_room (socket) || socket->eof))
    unwatch (socket); /* both ways have ended; run() watches it again when it is of use */
  run (relay);
}

static void
update_watch (Socket *socket)
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

static void
adopt (Socket *socket, int fd)
{
  socket->fd = fd;
  socket->watch.ready = socket_ready;
  update_watch (socket);
  if (!socket->watched)
    break_socket (socket);
}

/* --- Reading --- */

static void
end_input (Socket *socket, gint64 now_ns)
{
  socket->eof = TRUE;
  if (!socket->input_ended)
    relay_line_put_fin (socket->connection->lines[socket->index], now_ns);
  socket->input_ended = TRUE;
}

/* Reads once, and notes whether there is more. */
static void
read_some (Socket *socket, gint64 now_ns)
{
  Relay *relay = socket->connection->relay;
  RelayLine *line = socket->connection->lines[socket->index];
  gsize room = socket->input_ended ? READ_BYTES : MIN (relay_line_get_room (line), READ_BYTES);
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

static void
read_all (Socket *socket, gint64 now_ns)
{
  while (socket->fd >= 0 && socket->readable && has_room (socket))
    read_some (socket, now_ns);
  if (socket->readable && !has_room (socket) && socket->full_since_ns < 0)
    socket->full_since_ns = now_ns;
}

/* --- Writing --- */

/* The handshake's last segment has come: connects to the server. */
static void
open_server (Connection *connection)
{
  Relay *relay = connection->relay;
  Socket *server = &connection->sockets[1];
  int fd = relay->server_port != 0 ? relay_socket_new (&relay->buffers, NULL) : -1;

  connection->opened = TRUE;
  if (fd >= 0 && relay_socket_connect (fd, relay->server_port)) {
    adopt (server, fd);
    return;
  }
  if (fd >= 0)
    close (fd);
  server->input_ended = TRUE;
  relay_line_put_reset (connection->lines[SIM_DIRECTION_DOWN], caiman_loop_now (relay->loop));
}

/* Bytes that have arrived; FALSE: no more go out for now. */
static gboolean
write_data (Socket *socket, RelayLine *line, const guint8 *data, gsize size)
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
write_some (Socket *socket, gint64 now_ns)
{
  Connection *connection = socket->connection;
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
    close_socket (socket, TRUE);
    break;
  }
  return TRUE;
}

static void
write_all (Socket *socket, gint64 now_ns)
{
  RelayLine *line = socket->connection->lines[!socket->index];

  if (!socket->blocked)
    while (write_some (socket, now_ns))
      ;
  relay_line_set_blocked (line, socket->blocked,
                          get_in_flight_max (socket->connection->relay, !socket->index));
  if (socket->eof && socket->fin_sent)
    close_socket (socket, FALSE);
}

/* --- Connections --- */

static void
connection_free (Connection *connection)
{
  for (guint i = 0; i < 2; i++)
    close_socket (&connection->sockets[i], TRUE);
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++)
    relay_line_free (connection->lines[d]);
  g_queue_unlink (&connection->relay->connections, &connection->node);
  g_free (connection);
}

static gboolean
is_over (const Connection *connection)
{
  return connection->opened && connection->sockets[0].fd < 0 && connection->sockets[1].fd < 0;
}

static void
accepted (gpointer user_data, int fd)
{
  Relay *relay = user_data;
  Connection *connection = g_new0 (Connection, 1);

  connection->relay = relay;
  connection->node.data = connection;
  for (guint i = 0; i < 2; i++) {
    connection->sockets[i].connection = connection;
    connection->sockets[i].index = i;
    connection->sockets[i].fd = -1;
    connection->sockets[i].full_since_ns = -1;
    connection->lines[i] = relay_line_new (relay->bottlenecks[i]);
    update_limit (connection, i);
  }
  g_queue_push_tail_link (&relay->connections, &connection->node);
  relay_line_put_open (connection->lines[SIM_DIRECTION_UP], caiman_loop_now (relay->loop));
  adopt (&connection->sockets[0], fd);
  run (relay);
}

/* --- The relay's work --- */

/* What leaves is reckoned from when it was due, so to come a little late spares wake-ups and
 * changes nothing, as long as there is time until it arrives. */
static gint64
get_departure (const RelayBottleneck *bottleneck)
{
  gint64 delay_ns = relay_bottleneck_get_config (bottleneck)->delay_ns;

  return caiman_time_add (relay_bottleneck_get_deadline (bottleneck),
                          MIN (delay_ns, DEPARTURE_SLACK_NS));
}

static gint64
get_deadline (const Relay *relay)
{
  gint64 deadline_ns = CAIMAN_TIME_NEVER;

  for (guint d = 0; d < SIM_N_DIRECTIONS; d++)
    deadline_ns = MIN (deadline_ns, get_departure (relay->bottlenecks[d]));
  for (const GList *node = relay->connections.head; node; node = node->next) {
    const Connection *connection = node->data;
    for (guint i = 0; i < 2; i++) {
      if (!connection->sockets[i].blocked)
        deadline_ns = MIN (deadline_ns, relay_line_get_arrival (connection->lines[!i]));
    }
  }
  return deadline_ns;
}

static void
for_each (Relay *relay, void (*func) (Socket *socket, gint64 now_ns), gint64 now_ns)
{
  for (GList *node = relay->connections.head; node; node = node->next) {
    Connection *connection = node->data;
    for (guint i = 0; i < 2; i++)
      func (&connection->sockets[i], now_ns);
  }
}

static void
advance (Relay *relay, gint64 now_ns)
{
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++)
    relay_bottleneck_advance (relay->bottlenecks[d], now_ns);
}

/* TRUE: something that was read has made room for more to be read. */
static gboolean
has_more (const Relay *relay)
{
  for (const GList *node = relay->connections.head; node; node = node->next) {
    const Connection *connection = node->data;
    for (guint i = 0; i < 2; i++) {
      const Socket *socket = &connection->sockets[i];
      if (socket->fd >= 0 && socket->readable && has_room (socket))
        return TRUE;
    }
  }
  return FALSE;
}

static void
free_ended (Relay *relay)
{
  for (GList *node = relay->connections.head, *next; node; node = next) {
    Connection *connection = node->data;
    next = node->next;
    if (is_over (connection)) {
      connection_free (connection);
      continue;
    }
    for (guint i = 0; i < 2; i++)
      update_watch (&connection->sockets[i]);
  }
}

static void
run (Relay *relay)
{
  gint64 now_ns = caiman_loop_now (relay->loop);

  for (guint round = 0; round == 0 || (round < ROUNDS_MAX && has_more (relay)); round++) {
    advance (relay, now_ns);
    for_each (relay, read_all, now_ns);
    advance (relay, now_ns);
    for_each (relay, write_all, now_ns);
    advance (relay, now_ns);
  }
  free_ended (relay);
  relay->timer_at_ns = has_more (relay) ? now_ns : get_deadline (relay);
  caiman_loop_arm_timer (relay->loop, &relay->timer, relay->timer_at_ns);
}

static void
timer_due (gpointer user_data)
{
  Relay *relay = user_data;

  if (relay->lateness)
    histogram_add (relay->lateness, caiman_loop_now (relay->loop) - relay->timer_at_ns);
  run (relay);
}

/* --- Life --- */

/* What a direction carries between two rounds of the loop. The kernel doubles it. */
static int
pick_kernel_bytes (const SimPathConfig *config)
{
  if (config->rate_bps == SIM_RATE_UNLIMITED)
    return KERNEL_MAX_BYTES;
  gint64 bytes = caiman_muldiv (config->rate_bps, KERNEL_TIME_NS, 8 * CAIMAN_NS_PER_S);
  return (int)CLAMP (bytes, KERNEL_MIN_BYTES, KERNEL_MAX_BYTES);
}

Relay *
relay_new (CaimanLoop *loop, const RelayOptions *options, GError **error)
{
  Relay *relay = g_new0 (Relay, 1);
  int kernel_bytes = 0;

  relay->loop = loop;
  relay->lateness = options->lateness;
  relay->receive_buffer_bytes = (gint64)options->receive_buffer_bytes;
  g_queue_init (&relay->connections);
  caiman_timer_init (&relay->timer, timer_due, relay);
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++) {
    relay->bottlenecks[d] =
        relay_bottleneck_new (&options->config[d], options->run_seed, options->name, d);
    relay->send_limit_bytes[d] = G_MAXINT64;
    kernel_bytes = MAX (kernel_bytes, pick_kernel_bytes (&options->config[d]));
  }
  relay->buffers = (RelayBuffers) { .receive_bytes = kernel_bytes, .send_bytes = kernel_bytes };
  relay->listener = relay_listener_new (loop, &relay->buffers, accepted, relay, error);
  if (!relay->listener)
    g_clear_pointer (&relay, relay_free);
  return relay;
}

void
relay_free (Relay *relay)
{
  if (!relay)
    return;
  relay_listener_free (relay->listener);
  while (relay->connections.head)
    connection_free (relay->connections.head->data);
  caiman_loop_arm_timer (relay->loop, &relay->timer, CAIMAN_TIME_NEVER);
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++)
    relay_bottleneck_free (relay->bottlenecks[d]);
  g_free (relay);
}

guint16
relay_get_port (const Relay *relay)
{
  return relay_listener_get_port (relay->listener);
}

void
relay_set_server_port (Relay *relay, guint16 port)
{
  relay->server_port = port;
}

/* The other way round than the relay's own: what an endpoint sends is in front of the queue, and so
 * is what the relay receives. */
RelayBuffers
relay_get_endpoint_buffers (const Relay *relay)
{
  return (RelayBuffers) { .receive_bytes = relay->buffers.send_bytes,
                          .send_bytes = relay->buffers.receive_bytes };
}

gboolean
relay_set_listening (Relay *relay, gboolean listening, GError **error)
{
  return relay_listener_set_open (relay->listener, listening, error);
}

RelayBottleneck *
relay_get_bottleneck (Relay *relay, SimDirection direction)
{
  return relay->bottlenecks[direction];
}

gsize
relay_get_waiting (const Relay *relay, SimDirection direction)
{
  gsize bytes = 0;

  for (const GList *node = relay->connections.head; node; node = node->next)
    bytes += relay_line_get_waiting (((const Connection *)node->data)->lines[direction]);
  return bytes;
}

guint
relay_get_n_connections (const Relay *relay)
{
  return relay->connections.length;
}

/* --- Changes and faults --- */

static void
update_limits (Relay *relay, SimDirection direction)
{
  for (GList *node = relay->connections.head; node; node = node->next)
    update_limit (node->data, direction);
}

void
relay_set_send_limit (Relay *relay, SimDirection direction, gint64 limit_bytes)
{
  if (relay->send_limit_bytes[direction] == limit_bytes)
    return;
  relay->send_limit_bytes[direction] = limit_bytes;
  update_limits (relay, direction);
  run (relay);
}

void
relay_set_config (Relay *relay, SimDirection direction, const SimPathConfig *config)
{
  gint64 now_ns = caiman_loop_now (relay->loop);

  advance (relay, now_ns);
  relay_bottleneck_set_config (relay->bottlenecks[direction], config, now_ns);
  update_limits (relay, direction);
  run (relay);
}

void
relay_set_paused (Relay *relay, SimDirection direction, gboolean paused)
{
  gint64 now_ns = caiman_loop_now (relay->loop);

  advance (relay, now_ns);
  relay_bottleneck_set_paused (relay->bottlenecks[direction], paused, now_ns);
  run (relay);
}

void
relay_set_dark (Relay *relay, SimDirection direction, gboolean dark)
{
  gint64 now_ns = caiman_loop_now (relay->loop);

  advance (relay, now_ns);
  relay_bottleneck_set_dark (relay->bottlenecks[direction], dark, now_ns);
  run (relay);
}

void
relay_corrupt (Relay *relay, SimDirection direction, guint64 n_frames)
{
  advance (relay, caiman_loop_now (relay->loop));
  relay_bottleneck_corrupt (relay->bottlenecks[direction], n_frames);
}

void
relay_reset (Relay *relay)
{
  while (relay->connections.head)
    connection_free (relay->connections.head->data);
  run (relay);
}

/* What comes from now on is read and thrown away: with unread bytes left, closing the socket would
 * reset it. */
static void
finish (Socket *socket, gint64 now_ns)
{
  if (!socket->connection->opened || socket->input_ended)
    return;
  relay_line_put_fin (socket->connection->lines[socket->index], now_ns);
  socket->input_ended = TRUE;
}

void
relay_close (Relay *relay)
{
  for_each (relay, finish, caiman_loop_now (relay->loop));
  run (relay);
}

static void
vanish (Connection *connection, guint index)
{
  if (!connection->opened)
    return;
  close_socket (&connection->sockets[index], TRUE);
  relay_line_drop_waiting (connection->lines[index]);
  relay_line_stick (connection->lines[!index]);
}

void
relay_half_open (Relay *relay, SimDirection direction)
{
  advance (relay, caiman_loop_now (relay->loop));
  for (GList *node = relay->connections.head; node; node = node->next)
    vanish (node->data, direction);
  run (relay);
}

void
relay_go_down (Relay *relay)
{
  for (GList *node = relay->connections.head; node; node = node->next) {
    Connection *connection = node->data;
    close_socket (&connection->sockets[0], TRUE);
    connection->opened = TRUE;
    relay_line_drop_waiting (connection->lines[SIM_DIRECTION_UP]);
    relay_line_stick (connection->lines[SIM_DIRECTION_UP]);
    relay_line_stick (connection->lines[SIM_DIRECTION_DOWN]);
  }
  run (relay);
}
