/* SPDX-License-Identifier: Apache-2.0 */
/* pipe-arrival.c - what is in flight or waits for the receiver, and its delivery. */
#include "sim/pipe-private.h"

#include "sim/frame-corruption.h"

/* When the first node, or a RST for a receiver that does not read, can be handed over. */
static gint64
get_due (PipeHalf *half)
{
  SimCarrier *pipe = half->connection->pipe;
  const SimPathDirection *direction = &pipe->path->directions[half->direction];
  gint64 arrival_ns;

  if (!half->carried.head)
    return CAIMAN_TIME_NEVER;
  if (pipe_half_get_receiver (half)->reading)
    arrival_ns = half->carried.head->arrival_ns;
  else
    arrival_ns = half->reset_arrival_ns;
  if (direction->dark && arrival_ns > direction->dark_since_ns)
    return CAIMAN_TIME_NEVER;
  return MAX (arrival_ns, pipe_now (pipe));
}

void
pipe_half_arm (PipeHalf *half)
{
  gint64 due_ns = get_due (half);

  caiman_timer_queue_arm (half->connection->pipe->queue, &half->arrival_timer, due_ns);
}

void
pipe_half_carry (PipeHalf *half, PipeNode *node, gint64 delay_ns)
{
  SimCarrier *pipe = half->connection->pipe;
  gboolean was_empty = !half->carried.head;

  if (pipe_half_get_receiver (half)->state == PIPE_END_DEAD) {
    pipe_node_free (pipe, node);
    return;
  }
  node->arrival_ns = MAX (pipe_now (pipe) + delay_ns, half->last_arrival_ns);
  half->last_arrival_ns = node->arrival_ns;
  half->carried_bytes += node->wire_bytes;
  pipe_fifo_push (&half->carried, node);
  if (was_empty || node->kind == PIPE_NODE_RST)
    pipe_half_arm (half);
}

void
pipe_half_send_reset (PipeHalf *half)
{
  SimCarrier *pipe = half->connection->pipe;
  gint64 delay_ns = sim_link_path_get_config (pipe->path, half->direction)->delay_ns;

  pipe_half_drop_unsent (half);
  if (half->stuck)
    return;
  half->reset_arrival_ns = MAX (pipe_now (pipe) + delay_ns, half->last_arrival_ns);
  pipe_half_carry (half, pipe_node_new (pipe, PIPE_NODE_RST), delay_ns);
}

void
pipe_half_drop_carried (PipeHalf *half)
{
  SimCarrier *pipe = half->connection->pipe;

  while (half->carried.head)
    pipe_node_free (pipe, pipe_fifo_pop (&half->carried));
  half->carried_bytes = 0;
  half->reset_arrival_ns = CAIMAN_TIME_NEVER;
  caiman_timer_queue_disarm (pipe->queue, &half->arrival_timer);
}

/* Hands one frame to the receiver, or fails it when the frame turns out to be corrupted. */
static void
deliver_frame (PipeHalf *half, PipeEnd *receiver, const guint8 *data, gsize size, GBytes *bytes,
               gboolean corrupt)
{
  SimPath *path = half->connection->pipe->path->directions[half->direction].path;

  if (corrupt && sim_frame_try_corrupted (path, half->frames, data, size) != CAIMAN_FRAME_READY) {
    pipe_half_send_reset (pipe_end_get_out (receiver));
    pipe_end_fail (receiver, CAIMAN_REASON_LINK_FRAME_ERROR, FALSE);
    return;
  }
  half->frames++;
  receiver->base.events->packet (receiver->base.user_data, data, size, bytes);
}

/* FALSE when the payload is still to be delivered because the user has stopped reading. */
static gboolean
deliver_packet (PipeHalf *half, PipeEnd *receiver, PipeNode *node)
{
  const guint8 *data;
  gsize size;

  if (!node->message_done) {
    data = caiman_packet_get_message (&node->packet, &size);
    deliver_frame (half, receiver, data, size, node->packet.message, node->corrupt & 1);
    node->message_done = TRUE;
  }
  if (!node->packet.payload || receiver->state == PIPE_END_DEAD)
    return TRUE;
  if (!receiver->reading)
    return FALSE;
  data = g_bytes_get_data (node->packet.payload, &size);
  deliver_frame (half, receiver, data, size, node->packet.payload, node->corrupt & 2);
  return TRUE;
}

static void
put_back (PipeHalf *half, PipeNode *node)
{
  node->next = half->carried.head;
  half->carried.head = node;
  if (!half->carried.tail)
    half->carried.tail = node;
  half->carried_bytes += node->wire_bytes;
}

static void
accept_server (PipeHalf *half)
{
  PipeConnection *connection = half->connection;
  SimLinkPath *path = connection->pipe->path;
  PipeEnd *server = &connection->ends[1];

  connection->accept_pending = FALSE;
  server->state = PIPE_END_OPEN;
  if (!sim_link_path_accepts (path)) {
    pipe_end_die (server, FALSE);
    pipe_half_send_reset (pipe_end_get_out (server));
    return;
  }
  server->held = TRUE;
  sim_link_path_accept (path, &server->base);
}

static void
handle_node (PipeHalf *half, PipeNode *node)
{
  SimCarrier *pipe = half->connection->pipe;
  PipeEnd *receiver = pipe_half_get_receiver (half);

  switch (node->kind) {
  case PIPE_NODE_PACKET:
    if (!deliver_packet (half, receiver, node)) {
      put_back (half, node);
      return;
    }
    break;
  case PIPE_NODE_ACCEPT:
    accept_server (half);
    break;
  case PIPE_NODE_FIN:
    pipe_end_fail (receiver, CAIMAN_REASON_LINK_CLOSED, TRUE);
    break;
  case PIPE_NODE_RST:
    pipe_end_fail (receiver, CAIMAN_REASON_LINK_RESET, FALSE);
    break;
  }
  pipe_node_free (pipe, node);
}

static void
arrived (gpointer user_data)
{
  PipeHalf *half = user_data;
  PipeConnection *connection = half->connection;
  PipeEnd *receiver = pipe_half_get_receiver (half);
  PipeSerialiser *serialiser = &connection->pipe->serialisers[half->direction];
  PipeNode *node;

  pipe_connection_pin (connection);
  if (!receiver->reading) {
    pipe_end_fail (receiver, CAIMAN_REASON_LINK_RESET, FALSE);
  } else {
    node = pipe_fifo_pop (&half->carried);
    half->carried_bytes -= node->wire_bytes;
    handle_node (half, node);
    pipe_half_arm (half);
    if (serialiser->stalled)
      pipe_serialiser_start (serialiser);
  }
  pipe_connection_unpin (connection);
}

void
pipe_arrival_init (PipeHalf *half)
{
  half->reset_arrival_ns = CAIMAN_TIME_NEVER;
  caiman_timer_init (&half->arrival_timer, arrived, half);
}
