/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-carrier.c - packets between endpoints and paths, and the connections of a path. */
#include "sim/tcp-carrier-private.h"

#define SLAB_PACKETS 64

/* --- The tap --- */

/* @end has sent or, if @arrives, gets @segment. */
static void
tap_segment (TcpEnd *end, const SimTcpSegment *segment, gboolean arrives, gboolean is_damaged)
{
  const TcpConnection *connection = end->connection;

  if (!connection->carrier->path->tapped)
    return;
  sim_link_path_tap (connection->carrier->path,
                     (SimTapEvent) { .kind = SIM_TAP_SEGMENT,
                                     .connection = connection->number,
                                     .direction = arrives ? !end->index : end->index,
                                     .arrives = arrives,
                                     .corrupt_bit = is_damaged ? 0 : SIM_TAP_INTACT,
                                     .segment = segment });
}

/* A SimTcpBegunFunc of the end that sends. */
static void
tap_stream (gpointer user_data, const guint8 *data, gsize size)
{
  TcpEnd *end = user_data;

  sim_link_path_tap (end->connection->carrier->path,
                     (SimTapEvent) { .kind = SIM_TAP_STREAM,
                                     .connection = end->connection->number,
                                     .direction = end->index,
                                     .data = data,
                                     .size = size,
                                     .corrupt_bit = SIM_TAP_INTACT });
}

/* --- Packets --- */

static TcpPacket *
take_packet (SimCarrier *carrier, TcpConnection *connection)
{
  TcpPacket *packet;

  if (!carrier->free_packets) {
    TcpPacket *slab = g_new0 (TcpPacket, SLAB_PACKETS);

    g_ptr_array_add (carrier->slabs, slab);
    for (guint i = 0; i < SLAB_PACKETS; i++) {
      slab[i].next = carrier->free_packets;
      carrier->free_packets = &slab[i];
    }
  }
  packet = carrier->free_packets;
  carrier->free_packets = packet->next;
  packet->connection = connection;
  connection->n_flying++;
  return packet;
}

/* The connection may go with its last packet: whoever is at work on it has it pinned. */
static void
give_back (SimCarrier *carrier, TcpPacket *packet)
{
  TcpConnection *connection = packet->connection;

  packet->next = carrier->free_packets;
  carrier->free_packets = packet;
  sim_tcp_connection_pin (connection);
  connection->n_flying--;
  sim_tcp_connection_unpin (connection);
}

static void
packet_dropped (gpointer user_data, const SimPacket *packet, SimDropCause cause)
{
  TcpWay *way = user_data;

  (void)cause;
  give_back (way->carrier, packet->data);
}

static gpointer
packet_duplicate (gpointer user_data, const SimPacket *packet)
{
  TcpWay *way = user_data;
  const TcpPacket *original = packet->data;
  TcpPacket *copy = take_packet (way->carrier, original->connection);

  copy->segment = original->segment;
  return copy;
}

/* Another path's packet has come over a shared bottleneck; not from inside that one's call. */
static void
path_due (gpointer user_data)
{
  TcpWay *way = user_data;

  caiman_timer_queue_arm (way->carrier->queue, &way->timer, tcp_carrier_now (way->carrier));
}

static gboolean
is_cut_off (const TcpEnd *end)
{
  return end->vanished || (end->index == 0 && end->connection->carrier->path->down);
}

/* What the client sends comes from the address that it has now; what the server sends of itself
 * goes to the one that it knows, and only an answer to another goes there. FALSE: a router says
 * that it is too large. */
static gboolean
transmit (TcpEnd *end, const SimTcpSegment *segment, gboolean is_answer)
{
  SimCarrier *carrier = end->connection->carrier;
  TcpWay *way = &carrier->ways[end->index];
  SimDropCause cause;

  if (is_cut_off (end))
    return TRUE;
  tap_segment (end, segment, FALSE, FALSE);
  TcpPacket *packet = take_packet (carrier, end->connection);
  packet->segment = *segment;
  packet->rebound = end->connection->rebound && (end->index == 0 || is_answer);
  SimPacket ip = { .data = packet,
                   .size_bytes = sim_tcp_segment_get_size (segment),
                   .flags = SIM_PACKET_DONT_FRAGMENT };
  cause = sim_packet_path_put (way->path, &ip, tcp_carrier_now (carrier));
  if (cause != SIM_DROP_NONE)
    give_back (carrier, packet);
  return cause != SIM_DROP_TOO_BIG;
}

static void
shrink_segments (TcpEnd *end)
{
  SimLinkPath *path = end->connection->carrier->path;
  guint32 mtu_bytes = sim_link_path_get_config (path, end->index)->mtu_bytes;

  if (mtu_bytes > SIM_TCP_HEADER_BYTES)
    sim_tcp_set_mss (end->tcp, mtu_bytes - SIM_TCP_HEADER_BYTES,
                     tcp_carrier_now (end->connection->carrier));
}

/* A program that is quick writes before the rest of what it wrote last has gone in a segment that
 * is not full: in the lab none is to be seen in a bulk transfer. */
static gboolean
next_segment (TcpEnd *end, SimTcpSegment *segment, gint64 now_ns)
{
  if (sim_tcp_wants_more (end->tcp))
    sim_tcp_end_write (end);
  if (sim_tcp_wants_more (end->tcp) && sim_tcp_end_ask (end))
    return FALSE;
  return sim_tcp_next_segment (end->tcp, segment, now_ns);
}

void
sim_tcp_end_flush (TcpEnd *end)
{
  SimCarrier *carrier = end->connection->carrier;
  SimTcpStream *stream = &end->connection->streams[end->index];
  SimTcpBegunFunc begun = carrier->path->tapped ? tap_stream : NULL;
  gint64 now_ns = tcp_carrier_now (carrier);
  gboolean any = FALSE;
  SimTcpSegment segment;

  if (!end->tcp)
    return;
  sim_tcp_connection_pin (end->connection);
  while (next_segment (end, &segment, now_ns)) {
    any = TRUE;
    if (stream->unsent && segment.payload_bytes > 0)
      sim_tcp_stream_sent (stream, segment.seq + segment.payload_bytes,
                           &carrier->path->directions[end->index], begun, end);
    if (!transmit (end, &segment, FALSE))
      shrink_segments (end);
  }
  if (any)
    sim_tcp_way_arm (&carrier->ways[end->index]);
  sim_tcp_end_arm (end);
  sim_tcp_connection_unpin (end->connection);
}

/* --- Arrival --- */

/* What a host says of a connection that it does not know. */
static void
answer_with_reset (TcpEnd *end, const SimTcpSegment *segment)
{
  SimTcpSegment reset = { .seq = segment->ack, .flags = SIM_TCP_RST, .ts_echo_ms = -1 };

  if (segment->flags & SIM_TCP_RST)
    return;
  if (!(segment->flags & SIM_TCP_ACK)) {
    reset.flags |= SIM_TCP_ACK;
    reset.ack = segment->seq + 1;
  }
  transmit (end, &reset, TRUE);
  sim_tcp_way_arm (&end->connection->carrier->ways[end->index]);
}

static void
handle_syn (TcpEnd *server, const SimTcpSegment *segment)
{
  if (!sim_link_path_accepts (server->connection->carrier->path)) {
    answer_with_reset (server, segment);
    return;
  }
  sim_tcp_end_make_tcp (server);
  sim_tcp_accept (server->tcp, segment, tcp_carrier_now (server->connection->carrier));
  sim_tcp_end_flush (server);
}

static void
handle_segment (TcpEnd *end, const SimTcpSegment *segment)
{
  if (!end->tcp && end->index == 1 && segment->flags == SIM_TCP_SYN) {
    handle_syn (end, segment);
    return;
  }
  gboolean is_over = !end->tcp || (sim_tcp_get_state (end->tcp) == SIM_TCP_DEAD &&
                                   !(segment->flags & SIM_TCP_FIN));
  if (is_over) {
    answer_with_reset (end, segment);
    return;
  }
  sim_tcp_received (end->tcp, segment, tcp_carrier_now (end->connection->carrier));
  sim_tcp_end_flush (end);
  sim_tcp_end_tell (end);
  if (end->tcp)
    sim_tcp_end_flush (end);
}

/* A segment that is damaged does not get past TCP's checksum. */
static void
handle_arrival (TcpEnd *end, const SimTcpSegment *segment, gboolean is_damaged)
{
  tap_segment (end, segment, TRUE, is_damaged);
  if (!is_damaged)
    handle_segment (end, segment);
}

/* TRUE: the packet does not get to the end that it is for, because of a NAT. */
static gboolean
goes_astray (TcpEnd *end, const TcpPacket *packet)
{
  if (end->index == 0)
    return end->connection->rebound && !packet->rebound;
  if (!packet->rebound)
    return FALSE;
  if (!is_cut_off (end))
    answer_with_reset (end, &packet->segment);
  return TRUE;
}

static void
way_due (gpointer user_data)
{
  TcpWay *way = user_data;
  SimCarrier *carrier = way->carrier;
  SimPacket ip;
  gint64 arrival_ns;

  sim_packet_path_advance (way->path, tcp_carrier_now (carrier));
  while (sim_packet_path_pull (way->path, &ip, &arrival_ns)) {
    TcpPacket *packet = ip.data;
    TcpConnection *connection = packet->connection;

    sim_tcp_connection_pin (connection);
    TcpEnd *end = &connection->ends[!way->direction];
    gboolean is_damaged = ip.flags & SIM_PACKET_CORRUPTED;
    if ((is_damaged || !goes_astray (end, packet)) && !is_cut_off (end))
      handle_arrival (end, &packet->segment, is_damaged);
    give_back (carrier, packet);
    sim_tcp_connection_unpin (connection);
  }
  sim_tcp_way_arm (way);
}

/* --- Timers --- */

static void
arm_no_later (CaimanTimerQueue *queue, CaimanTimer *timer, gint64 at_ns)
{
  at_ns = MAX (at_ns, caiman_timer_queue_now (queue));
  if (at_ns < caiman_timer_queue_get_timer_at (queue, timer))
    caiman_timer_queue_arm (queue, timer, at_ns);
}

void
sim_tcp_way_arm (TcpWay *way)
{
  arm_no_later (way->carrier->queue, &way->timer, sim_packet_path_get_deadline (way->path));
}

void
sim_tcp_end_arm (TcpEnd *end)
{
  gint64 deadline_ns = MIN (sim_tcp_get_deadline (end->tcp), end->give_up_ns);

  if (deadline_ns != CAIMAN_TIME_NEVER)
    arm_no_later (end->connection->carrier->queue, &end->timer, deadline_ns);
}

/* A connect took too long, or what should have drained does not. */
static void
give_up (TcpEnd *end)
{
  end->give_up_ns = CAIMAN_TIME_NEVER;
  if (end->state == TCP_END_NEW) {
    sim_tcp_kill (end->tcp);
    sim_tcp_end_fail (end, CAIMAN_REASON_CONNECT_TIMEOUT);
  } else if (end->state == TCP_END_DEAD) {
    sim_tcp_abort (end->tcp, tcp_carrier_now (end->connection->carrier));
  }
}

static void
end_due (gpointer user_data)
{
  TcpEnd *end = user_data;
  TcpConnection *connection = end->connection;
  gint64 now_ns = tcp_carrier_now (connection->carrier);

  if (!end->tcp)
    return;
  sim_tcp_connection_pin (connection);
  if (end->give_up_ns <= now_ns)
    give_up (end);
  if (sim_tcp_get_deadline (end->tcp) <= now_ns)
    sim_tcp_advance (end->tcp, now_ns);
  sim_tcp_end_flush (end);
  sim_tcp_end_tell (end);
  sim_tcp_connection_unpin (connection);
}

/* --- Connections --- */

static void
free_connection (TcpConnection *connection)
{
  SimCarrier *carrier = connection->carrier;

  for (guint i = 0; i < 2; i++) {
    TcpEnd *end = &connection->ends[i];
    caiman_timer_queue_disarm (carrier->queue, &end->timer);
    caiman_timer_queue_disarm (carrier->queue, &end->task_timer);
    sim_tcp_free (end->tcp);
    sim_tcp_stream_clear (&connection->streams[i]);
  }
  if (connection->prev)
    connection->prev->next = connection->next;
  else
    carrier->first = connection->next;
  if (connection->next)
    connection->next->prev = connection->prev;
  else
    carrier->last = connection->prev;
  g_free (connection);
}

static gboolean
is_end_alive (const TcpEnd *end)
{
  return end->held || (end->tcp && sim_tcp_get_state (end->tcp) != SIM_TCP_DEAD);
}

void
sim_tcp_connection_pin (TcpConnection *connection)
{
  connection->pins++;
}

void
sim_tcp_connection_unpin (TcpConnection *connection)
{
  g_assert (connection->pins > 0);
  connection->pins--;
  if (connection->pins == 0 && connection->n_flying == 0 && !is_end_alive (&connection->ends[0]) &&
      !is_end_alive (&connection->ends[1]))
    free_connection (connection);
}

void
sim_tcp_end_make_tcp (TcpEnd *end)
{
  SimCarrier *carrier = end->connection->carrier;
  SimTcpConfig config = carrier->path->tcp;

  if (carrier->path->receive_buffer_bytes > 0)
    config.receive_buffer_bytes = (gint64)carrier->path->receive_buffer_bytes;
  config.seed = sim_path_draw_below (carrier->path->directions[end->index].path, G_MAXUINT64);
  end->tcp = sim_tcp_new (&config, tcp_carrier_now (carrier));
}

static void
init_end (TcpEnd *end, TcpConnection *connection, guint index)
{
  end->base.klass = &sim_tcp_end_class;
  end->connection = connection;
  end->index = index;
  end->reading = TRUE;
  end->give_up_ns = CAIMAN_TIME_NEVER;
  caiman_timer_init (&end->timer, end_due, end);
  caiman_timer_init (&end->task_timer, sim_tcp_end_task, end);
}

static CaimanTransport *
tcp_connect (SimCarrier *carrier)
{
  TcpConnection *connection = g_new0 (TcpConnection, 1);
  TcpEnd *client = &connection->ends[0];
  gint64 now_ns = tcp_carrier_now (carrier);

  connection->carrier = carrier;
  connection->number = ++carrier->path->n_connects;
  connection->prev = carrier->last;
  if (carrier->last)
    carrier->last->next = connection;
  else
    carrier->first = connection;
  carrier->last = connection;
  for (guint i = 0; i < 2; i++)
    init_end (&connection->ends[i], connection, i);
  client->held = TRUE;
  sim_tcp_end_make_tcp (client);
  if (carrier->path->down) {
    sim_tcp_kill (client->tcp);
    sim_tcp_end_fail_later (client, CAIMAN_REASON_LINK_DOWN);
    return &client->base;
  }
  client->give_up_ns = caiman_time_add (now_ns, carrier->path->connect_timeout_ns);
  sim_tcp_connect (client->tcp, now_ns);
  sim_tcp_end_flush (client);
  return &client->base;
}

/* --- The carrier --- */

static SimCarrier *
tcp_new (SimLinkPath *path)
{
  static const SimPacketOwner owner = { .dropped = packet_dropped,
                                        .duplicate = packet_duplicate,
                                        .due = path_due };
  SimCarrier *carrier = g_new0 (SimCarrier, 1);

  carrier->path = path;
  carrier->queue = path->queue;
  carrier->slabs = g_ptr_array_new_with_free_func (g_free);
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++) {
    TcpWay *way = &carrier->ways[d];
    way->carrier = carrier;
    way->direction = d;
    way->path =
        sim_packet_path_new (path->directions[d].path, &owner, way, tcp_carrier_now (carrier));
    caiman_timer_init (&way->timer, way_due, way);
  }
  return carrier;
}

static void
tcp_free (SimCarrier *carrier)
{
  TcpConnection *next;

  for (TcpConnection *c = carrier->first; c; c = next) {
    next = c->next;
    g_assert (!c->ends[0].held && !c->ends[1].held);
    c->pins++; /* it goes below, not with its last packet */
  }
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++) {
    caiman_timer_queue_disarm (carrier->queue, &carrier->ways[d].timer);
    sim_packet_path_free (carrier->ways[d].path);
  }
  while (carrier->first)
    free_connection (carrier->first);
  g_ptr_array_unref (carrier->slabs);
  g_free (carrier);
}

static guint
tcp_get_connections (SimCarrier *carrier)
{
  guint n = 0;

  for (const TcpConnection *c = carrier->first; c; c = c->next)
    n += is_end_alive (&c->ends[0]) || is_end_alive (&c->ends[1]);
  return n;
}

static gsize
tcp_get_queued_bytes (SimCarrier *carrier, SimDirection direction)
{
  return sim_packet_path_get_backlog_bytes (carrier->ways[direction].path);
}

const SimCarrierClass sim_tcp_carrier_class = {
  .new = tcp_new,
  .free = tcp_free,
  .connect = tcp_connect,
  .get_connections = tcp_get_connections,
  .get_queued_bytes = tcp_get_queued_bytes,
  .will_change = sim_tcp_carrier_will_change,
  .changed = sim_tcp_carrier_changed,
  .went_down = sim_tcp_carrier_went_down,
  .reset = sim_tcp_carrier_reset,
  .close = sim_tcp_carrier_close,
  .half_open = sim_tcp_carrier_half_open,
  .rebind = sim_tcp_carrier_rebind,
};
