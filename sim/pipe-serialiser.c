/* SPDX-License-Identifier: Apache-2.0 */
/* pipe-serialiser.c - send buffers, and the bottleneck that empties them. */
#include "sim/pipe-private.h"

#include "transports/frame.h"

static SimPathDirection *
get_direction (const PipeSerialiser *serialiser)
{
  return &serialiser->pipe->path->directions[serialiser->direction];
}

static gboolean
may_run (const PipeSerialiser *serialiser)
{
  const SimPathDirection *direction = get_direction (serialiser);

  return !direction->dark && !direction->paused;
}

/* The path's queue as a limit of a send buffer (network.h). */
static gsize
compute_limit (const SimPathConfig *config)
{
  gint64 limit_bytes = G_MAXINT64;

  switch (config->queue.unit) {
  case SIM_QUEUE_BYTES:
    return (gsize)config->queue.value;
  case SIM_QUEUE_TIME:
    if (config->rate_bps == SIM_RATE_UNLIMITED)
      return SIM_SEND_BUFFER_UNLIMITED_RATE_BYTES;
    limit_bytes = caiman_muldiv (config->queue.value, config->rate_bps, 8 * CAIMAN_NS_PER_S);
    break;
  case SIM_QUEUE_PACKETS:
    limit_bytes = caiman_muldiv (config->queue.value, SIM_SEGMENT_BYTES, 1);
    break;
  case SIM_QUEUE_UNLIMITED:
    break;
  }
  return (gsize)MAX (limit_bytes, SIM_SEND_BUFFER_MIN_BYTES);
}

/* TRUE unless the receive buffer holds it back. */
static gboolean
fits_receiver (PipeHalf *half, gsize wire_bytes)
{
  SimLinkPath *path = half->connection->pipe->path;
  gint64 rate_bps = sim_path_get_config (path->directions[half->direction].path)->rate_bps;
  gint64 room_bytes = (gint64)path->receive_buffer_bytes;

  if (pipe_half_get_receiver (half)->reading || half->carried_bytes == 0)
    return TRUE;
  if (rate_bps != SIM_RATE_UNLIMITED)
    room_bytes += caiman_muldiv (rate_bps, sim_link_path_get_rtt (path), 8 * CAIMAN_NS_PER_S);
  return half->carried_bytes + wire_bytes <= (gsize)room_bytes;
}

/* (nullable) Whose turn it is: the half that sent first of those that may go. */
static PipeHalf *
pick_half (PipeSerialiser *serialiser)
{
  PipeHalf *picked = NULL;

  serialiser->stalled = FALSE;
  for (PipeConnection *c = serialiser->pipe->first; c; c = c->next) {
    PipeHalf *half = &c->halves[serialiser->direction];
    PipeNode *node = half->unsent.head;

    if (!node || half->stuck || (picked && picked->unsent.head->order < node->order))
      continue;
    if (fits_receiver (half, node->wire_bytes))
      picked = half;
    else
      serialiser->stalled = TRUE;
  }
  return picked;
}

void
pipe_serialiser_start (PipeSerialiser *serialiser)
{
  SimCarrier *pipe = serialiser->pipe;
  gint64 end_ns;

  if (serialiser->current || !may_run (serialiser))
    return;
  serialiser->current = pick_half (serialiser);
  if (!serialiser->current)
    return;
  end_ns = sim_path_serialise (get_direction (serialiser)->path,
                               serialiser->current->unsent.head->wire_bytes, pipe_now (pipe));
  caiman_timer_queue_arm (pipe->queue, &serialiser->timer, end_ns);
}

/* Draws the losses of a packet, one per segment; TRUE if there was any. */
static gboolean
draw_losses (PipeHalf *half, SimPath *path, gsize wire_bytes)
{
  guint64 losses = half->losses;

  if (sim_path_get_config (path)->loss.kind == SIM_LOSS_NONE)
    return FALSE;
  for (gsize sent = 0; sent < wire_bytes; sent += SIM_SEGMENT_BYTES)
    half->losses += sim_path_draw_loss (path);
  return half->losses > losses;
}

static void
mark_corrupt (SimPathDirection *direction, PipeNode *node)
{
  for (guint frame = 0; frame < caiman_packet_get_frames (&node->packet); frame++) {
    if (direction->corrupt_frames == 0)
      return;
    if (direction->corrupt_frames != G_MAXUINT64)
      direction->corrupt_frames--;
    node->corrupt |= 1 << frame;
  }
}

static void
tap_frames (PipeHalf *half, PipeNode *node)
{
  gsize size;
  const guint8 *data;

  if (!half->connection->pipe->path->tapped)
    return;
  data = caiman_packet_get_message (&node->packet, &size);
  pipe_tap_frame (half, data, size, FALSE, SIM_TAP_INTACT);
  if (!node->packet.payload)
    return;
  data = g_bytes_get_data (node->packet.payload, &size);
  pipe_tap_frame (half, data, size, FALSE, SIM_TAP_INTACT);
}

/* The last bit of @node is out. */
static void
depart (PipeHalf *half, PipeNode *node)
{
  SimLinkPath *path = half->connection->pipe->path;
  SimPathDirection *direction = &path->directions[half->direction];
  gint64 delay_ns;

  if (node->kind != PIPE_NODE_PACKET) {
    pipe_tap (half->connection, SIM_TAP_FIN, half->direction, FALSE);
    pipe_half_carry (half, node, sim_path_get_config (direction->path)->delay_ns);
    return;
  }
  tap_frames (half, node);
  sim_path_count (direction->path, node->wire_bytes);
  mark_corrupt (direction, node);
  delay_ns = sim_path_draw_delay (direction->path);
  if (draw_losses (half, direction->path, node->wire_bytes))
    delay_ns += sim_link_path_get_rtt (path);
  pipe_half_carry (half, node, delay_ns);
}

static void
serialised (gpointer user_data)
{
  PipeSerialiser *serialiser = user_data;
  PipeHalf *half = serialiser->current;
  PipeEnd *sender = pipe_half_get_sender (half);
  PipeConnection *connection = half->connection;
  gboolean was_writable = pipe_end_is_writable (sender);
  PipeNode *node = pipe_fifo_pop (&half->unsent);

  half->unsent_bytes -= node->wire_bytes;
  serialiser->current = NULL;
  depart (half, node);
  pipe_serialiser_start (serialiser);
  if (was_writable || !pipe_end_is_writable (sender))
    return;
  pipe_connection_pin (connection);
  sender->base.events->writable (sender->base.user_data);
  pipe_connection_unpin (connection);
}

void
pipe_serialiser_init (PipeSerialiser *serialiser, SimCarrier *pipe, SimDirection direction)
{
  serialiser->pipe = pipe;
  serialiser->direction = direction;
  serialiser->limit_bytes = compute_limit (sim_path_get_config (get_direction (serialiser)->path));
  caiman_timer_init (&serialiser->timer, serialised, serialiser);
}

void
pipe_half_send (PipeHalf *half, PipeNode *node)
{
  PipeSerialiser *serialiser = &half->connection->pipe->serialisers[half->direction];

  if (node->kind == PIPE_NODE_PACKET)
    node->wire_bytes = caiman_packet_get_size (&node->packet) +
                       caiman_packet_get_frames (&node->packet) * CAIMAN_FRAME_HEADER_BYTES;
  node->order = serialiser->next_order++;
  half->unsent_bytes += node->wire_bytes;
  pipe_fifo_push (&half->unsent, node);
  pipe_serialiser_start (serialiser);
}

/* If @half's packet is in service, the next one's turn begins. */
static void
leave_service (PipeHalf *half)
{
  PipeSerialiser *serialiser = &half->connection->pipe->serialisers[half->direction];

  if (serialiser->current != half)
    return;
  pipe_serialiser_interrupt (serialiser);
  serialiser->current = NULL;
  pipe_serialiser_start (serialiser);
}

void
pipe_half_drop_unsent (PipeHalf *half)
{
  SimCarrier *pipe = half->connection->pipe;

  while (half->unsent.head)
    pipe_node_free (pipe, pipe_fifo_pop (&half->unsent));
  half->unsent_bytes = 0;
  leave_service (half);
}

void
pipe_half_stick (PipeHalf *half)
{
  half->stuck = TRUE;
  leave_service (half);
}

void
pipe_serialiser_interrupt (PipeSerialiser *serialiser)
{
  SimCarrier *pipe = serialiser->pipe;

  if (!caiman_timer_is_armed (&serialiser->timer))
    return;
  serialiser->work_left = sim_path_interrupt (get_direction (serialiser)->path, pipe_now (pipe));
  caiman_timer_queue_disarm (pipe->queue, &serialiser->timer);
}

void
pipe_serialiser_changed (PipeSerialiser *serialiser)
{
  SimCarrier *pipe = serialiser->pipe;
  SimPath *path = get_direction (serialiser)->path;
  gsize old_limit_bytes = serialiser->limit_bytes;

  serialiser->limit_bytes = compute_limit (sim_path_get_config (path));
  if (serialiser->current && may_run (serialiser))
    caiman_timer_queue_arm (pipe->queue, &serialiser->timer,
                            sim_path_resume (path, serialiser->work_left, pipe_now (pipe)));
  pipe_serialiser_start (serialiser);
  for (PipeConnection *c = pipe->first; c; c = c->next)
    if (c->halves[serialiser->direction].unsent_bytes >= old_limit_bytes &&
        pipe_end_is_writable (&c->ends[serialiser->direction]))
      pipe_end_writable_later (&c->ends[serialiser->direction]);
}
