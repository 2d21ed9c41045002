/* SPDX-License-Identifier: Apache-2.0 */
/* relay.c - see relay.h: life of a relay and its connections, its work, its faults. */
#include "harness/relay-private.h"

/* What one run does before others have their turn. */
#define ROUNDS_MAX         8
#define KERNEL_TIME_NS     CAIMAN_NS_PER_MS
#define KERNEL_MIN_BYTES   (4 * 1024)
#define DEPARTURE_SLACK_NS (500 * CAIMAN_NS_PER_US)
#define KERNEL_MAX_BYTES   (64 * 1024)

/* --- Limits --- */

/* What may wait in a line: what the scenario and the sender allow, less what waits in the kernel in
 * front of it. */
static void
update_limit (RelayConnection *connection, SimDirection direction)
{
  Relay *relay = connection->relay;
  gint64 queue_bytes =
      relay_get_queue_limit (relay_bottleneck_get_config (relay->bottlenecks[direction]));
  gint64 limit_bytes = MIN (queue_bytes, relay->send_limit_bytes[direction]);
  gint64 segment_bytes = (gint64)relay_bottleneck_get_segment_bytes (relay->bottlenecks[direction]);

  relay_line_set_limit (connection->lines[direction],
                        MAX (limit_bytes - relay->buffers.receive_bytes, segment_bytes));
}

/* --- Connections --- */

static void
connection_free (RelayConnection *connection)
{
  for (guint i = 0; i < 2; i++)
    relay_socket_close (&connection->sockets[i], TRUE);
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++)
    relay_line_free (connection->lines[d]);
  g_queue_unlink (&connection->relay->connections, &connection->node);
  g_free (connection);
}

static gboolean
is_over (const RelayConnection *connection)
{
  return connection->opened && connection->sockets[0].fd < 0 && connection->sockets[1].fd < 0;
}

static void
accepted (gpointer user_data, int fd)
{
  Relay *relay = user_data;
  RelayConnection *connection = g_new0 (RelayConnection, 1);

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
  relay_socket_adopt (&connection->sockets[0], fd);
  relay_run (relay);
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
    const RelayConnection *connection = node->data;
    for (guint i = 0; i < 2; i++) {
      if (!connection->sockets[i].blocked)
        deadline_ns = MIN (deadline_ns, relay_line_get_arrival (connection->lines[!i]));
    }
  }
  return deadline_ns;
}

static void
for_each (Relay *relay, void (*func) (RelaySocket *socket, gint64 now_ns), gint64 now_ns)
{
  for (GList *node = relay->connections.head; node; node = node->next) {
    RelayConnection *connection = node->data;
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
    const RelayConnection *connection = node->data;
    for (guint i = 0; i < 2; i++) {
      const RelaySocket *socket = &connection->sockets[i];
      if (socket->fd >= 0 && socket->readable && relay_socket_has_room (socket))
        return TRUE;
    }
  }
  return FALSE;
}

static void
free_ended (Relay *relay)
{
  for (GList *node = relay->connections.head, *next; node; node = next) {
    RelayConnection *connection = node->data;
    next = node->next;
    if (is_over (connection)) {
      connection_free (connection);
      continue;
    }
    for (guint i = 0; i < 2; i++)
      relay_socket_update_watch (&connection->sockets[i]);
  }
}

void
relay_run (Relay *relay)
{
  gint64 now_ns = caiman_loop_now (relay->loop);

  for (guint round = 0; round == 0 || (round < ROUNDS_MAX && has_more (relay)); round++) {
    advance (relay, now_ns);
    for_each (relay, relay_socket_read, now_ns);
    advance (relay, now_ns);
    for_each (relay, relay_socket_write, now_ns);
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
  relay_run (relay);
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
    bytes += relay_line_get_waiting (((const RelayConnection *)node->data)->lines[direction]);
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
  relay_run (relay);
}

void
relay_set_config (Relay *relay, SimDirection direction, const SimPathConfig *config)
{
  gint64 now_ns = caiman_loop_now (relay->loop);

  advance (relay, now_ns);
  relay_bottleneck_set_config (relay->bottlenecks[direction], config, now_ns);
  update_limits (relay, direction);
  relay_run (relay);
}

void
relay_set_paused (Relay *relay, SimDirection direction, gboolean paused)
{
  gint64 now_ns = caiman_loop_now (relay->loop);

  advance (relay, now_ns);
  relay_bottleneck_set_paused (relay->bottlenecks[direction], paused, now_ns);
  relay_run (relay);
}

void
relay_set_dark (Relay *relay, SimDirection direction, gboolean dark)
{
  gint64 now_ns = caiman_loop_now (relay->loop);

  advance (relay, now_ns);
  relay_bottleneck_set_dark (relay->bottlenecks[direction], dark, now_ns);
  relay_run (relay);
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
  relay_run (relay);
}

/* What comes from now on is read and thrown away: with unread bytes left, closing the socket would
 * reset it. */
static void
finish (RelaySocket *socket, gint64 now_ns)
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
  relay_run (relay);
}

static void
vanish (RelayConnection *connection, guint index)
{
  if (!connection->opened)
    return;
  relay_socket_close (&connection->sockets[index], TRUE);
  relay_line_drop_waiting (connection->lines[index]);
  relay_line_stick (connection->lines[!index]);
}

void
relay_half_open (Relay *relay, SimDirection direction)
{
  advance (relay, caiman_loop_now (relay->loop));
  for (GList *node = relay->connections.head; node; node = node->next)
    vanish (node->data, direction);
  relay_run (relay);
}

void
relay_go_down (Relay *relay)
{
  for (GList *node = relay->connections.head; node; node = node->next) {
    RelayConnection *connection = node->data;
    relay_socket_close (&connection->sockets[0], TRUE);
    connection->opened = TRUE;
    relay_line_drop_waiting (connection->lines[SIM_DIRECTION_UP]);
    relay_line_stick (connection->lines[SIM_DIRECTION_UP]);
    relay_line_stick (connection->lines[SIM_DIRECTION_DOWN]);
  }
  relay_run (relay);
}
