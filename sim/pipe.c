/* SPDX-License-Identifier: Apache-2.0 */
/* pipe.c - the ends of pipe connections: the transport contract, life and death. */
#include "sim/pipe-private.h"

#define SLAB_NODES 64

PipeNode *
pipe_node_new (SimCarrier *pipe, PipeNodeKind kind)
{
  PipeNode *node;

  if (!pipe->free_nodes) {
    PipeNode *slab = g_new0 (PipeNode, SLAB_NODES);

    g_ptr_array_add (pipe->slabs, slab);
    for (guint i = 0; i < SLAB_NODES; i++) {
      slab[i].next = pipe->free_nodes;
      pipe->free_nodes = &slab[i];
    }
  }
  node = pipe->free_nodes;
  pipe->free_nodes = node->next;
  *node = (PipeNode) { .kind = kind };
  return node;
}

void
pipe_node_free (SimCarrier *pipe, PipeNode *node)
{
  caiman_packet_clear (&node->packet);
  node->next = pipe->free_nodes;
  pipe->free_nodes = node;
}

void
pipe_fifo_push (PipeFifo *fifo, PipeNode *node)
{
  node->next = NULL;
  if (fifo->tail)
    fifo->tail->next = node;
  else
    fifo->head = node;
  fifo->tail = node;
}

PipeNode *
pipe_fifo_pop (PipeFifo *fifo)
{
  PipeNode *node = fifo->head;

  fifo->head = node->next;
  if (!fifo->head)
    fifo->tail = NULL;
  return node;
}

static void
free_connection (PipeConnection *connection)
{
  SimCarrier *pipe = connection->pipe;

  pipe_connect_cancel (connection);
  for (guint i = 0; i < 2; i++) {
    pipe_half_drop_unsent (&connection->halves[i]);
    pipe_half_drop_carried (&connection->halves[i]);
    caiman_timer_queue_disarm (pipe->queue, &connection->ends[i].report_timer);
  }
  if (connection->prev)
    connection->prev->next = connection->next;
  else
    pipe->first = connection->next;
  if (connection->next)
    connection->next->prev = connection->prev;
  else
    pipe->last = connection->prev;
  pipe->n_connections--;
  g_free (connection);
}

/* An end that is open is held by its user, so only a server's end yet to come keeps a connection
 * whose ends are both freed. */
static void
free_connection_if_unused (PipeConnection *connection)
{
  if (connection->pins == 0 && !connection->ends[0].held && !connection->ends[1].held &&
      !connection->accept_pending)
    free_connection (connection);
}

void
pipe_connection_pin (PipeConnection *connection)
{
  connection->pins++;
}

void
pipe_connection_unpin (PipeConnection *connection)
{
  g_assert (connection->pins > 0);
  connection->pins--;
  free_connection_if_unused (connection);
}

void
pipe_end_die (PipeEnd *end, gboolean drain)
{
  end->state = PIPE_END_DEAD;
  pipe_connect_cancel (end->connection);
  pipe_half_drop_carried (pipe_end_get_in (end));
  if (!drain || end->connection->ends[!end->index].state == PIPE_END_DEAD)
    pipe_half_drop_unsent (pipe_end_get_out (end));
}

void
pipe_end_fail (PipeEnd *end, CaimanReason reason, gboolean drain)
{
  PipeConnection *connection = end->connection;

  pipe_end_die (end, drain);
  caiman_timer_queue_disarm (connection->pipe->queue, &end->report_timer);
  pipe_connection_pin (connection);
  end->base.events->failed (end->base.user_data, reason);
  pipe_connection_unpin (connection);
}

void
pipe_end_fail_later (PipeEnd *end, CaimanReason reason)
{
  CaimanTimerQueue *queue = end->connection->pipe->queue;

  pipe_end_die (end, FALSE);
  end->failure = reason;
  caiman_timer_queue_arm (queue, &end->report_timer, caiman_timer_queue_now (queue));
}

void
pipe_end_writable_later (PipeEnd *end)
{
  CaimanTimerQueue *queue = end->connection->pipe->queue;

  caiman_timer_queue_arm (queue, &end->report_timer, caiman_timer_queue_now (queue));
}

static void
report (gpointer user_data)
{
  PipeEnd *end = user_data;
  PipeConnection *connection = end->connection;

  pipe_connection_pin (connection);
  if (end->failure != CAIMAN_REASON_NONE)
    end->base.events->failed (end->base.user_data, end->failure);
  else if (pipe_end_is_writable (end))
    end->base.events->writable (end->base.user_data);
  pipe_connection_unpin (connection);
}

gboolean
pipe_end_is_writable (PipeEnd *end)
{
  gsize path_limit_bytes = end->connection->pipe->serialisers[end->index].limit_bytes;
  return end->state == PIPE_END_OPEN && !end->finished &&
         pipe_end_get_out (end)->unsent_bytes < MIN (path_limit_bytes, end->send_limit_bytes);
}

void
pipe_tap (PipeConnection *connection, SimTapKind kind, SimDirection direction, gboolean arrives)
{
  sim_link_path_tap (connection->pipe->path, (SimTapEvent) { .kind = kind,
                                                             .connection = connection->number,
                                                             .direction = direction,
                                                             .arrives = arrives,
                                                             .corrupt_bit = SIM_TAP_INTACT });
}

void
pipe_tap_frame (PipeHalf *half, const guint8 *data, gsize size, gboolean arrives,
                guint64 corrupt_bit)
{
  if (!half->connection->pipe->path->tapped)
    return;
  sim_link_path_tap (half->connection->pipe->path,
                     (SimTapEvent) { .kind = SIM_TAP_FRAME,
                                     .connection = half->connection->number,
                                     .direction = half->direction,
                                     .arrives = arrives,
                                     .data = data,
                                     .size = size,
                                     .corrupt_bit = corrupt_bit });
}

/* The transport contract. */

static void
end_send (CaimanTransport *self, CaimanPacket *packet)
{
  PipeEnd *end = (PipeEnd *)self;
  PipeNode *node;

  if (end->state != PIPE_END_OPEN || end->finished) {
    caiman_packet_clear (packet);
    return;
  }
  node = pipe_node_new (end->connection->pipe, PIPE_NODE_PACKET);
  node->packet = *packet;
  packet->message = NULL;
  packet->payload = NULL;
  caiman_packet_clear (packet);
  pipe_half_send (pipe_end_get_out (end), node);
}

static gboolean
end_is_writable (CaimanTransport *self)
{
  return pipe_end_is_writable ((PipeEnd *)self);
}

static void
end_set_send_limit (CaimanTransport *self, gint64 limit_bytes)
{
  PipeEnd *end = (PipeEnd *)self;
  gboolean was_writable = pipe_end_is_writable (end);

  end->send_limit_bytes = (gsize)MAX (limit_bytes, 1);
  if (!was_writable && pipe_end_is_writable (end))
    pipe_end_writable_later (end);
}

static void
end_set_reading (CaimanTransport *self, gboolean reading)
{
  PipeEnd *end = (PipeEnd *)self;
  PipeHalf *in = pipe_end_get_in (end);

  if (end->state == PIPE_END_DEAD || end->reading == reading)
    return;
  end->reading = reading;
  pipe_half_arm (in);
  if (reading)
    pipe_serialiser_start (&end->connection->pipe->serialisers[in->direction]);
}

static void
end_abort (CaimanTransport *self)
{
  PipeEnd *end = (PipeEnd *)self;
  gboolean was_open = end->state == PIPE_END_OPEN;

  caiman_timer_queue_disarm (end->connection->pipe->queue, &end->report_timer);
  if (end->state == PIPE_END_DEAD)
    return;
  pipe_end_die (end, FALSE);
  if (was_open)
    pipe_half_send_reset (pipe_end_get_out (end));
}

static void
end_close (CaimanTransport *self)
{
  PipeEnd *end = (PipeEnd *)self;

  if (end->state != PIPE_END_OPEN) {
    end_abort (self);
    return;
  }
  if (end->finished)
    return;
  end->finished = TRUE;
  pipe_half_send (pipe_end_get_out (end), pipe_node_new (end->connection->pipe, PIPE_NODE_FIN));
}

static void
end_get_hint (CaimanTransport *self, CaimanLinkHint *hint_out)
{
  PipeEnd *end = (PipeEnd *)self;
  PipeHalf *out = pipe_end_get_out (end);

  hint_out->rtt_ns = sim_link_path_get_rtt (end->connection->pipe->path);
  hint_out->unsent_bytes = (gint64)out->unsent_bytes;
  hint_out->retransmits = (gint64)out->losses;
  hint_out->backoff = -1;
}

static void
end_free (CaimanTransport *self)
{
  PipeEnd *end = (PipeEnd *)self;

  g_assert (end->held);
  if (end->state == PIPE_END_OPEN && end->finished)
    pipe_end_die (end, TRUE);
  end_abort (self);
  end->held = FALSE;
  free_connection_if_unused (end->connection);
}

static const CaimanTransportClass end_class = {
  .name = "pipe",
  .send = end_send,
  .is_writable = end_is_writable,
  .set_send_limit = end_set_send_limit,
  .set_reading = end_set_reading,
  .close = end_close,
  .abort = end_abort,
  .get_hint = end_get_hint,
  .free = end_free,
};

/* The carrier. */

static void
init_end (PipeEnd *end, PipeConnection *connection, guint index)
{
  end->base.klass = &end_class;
  end->connection = connection;
  end->index = index;
  end->reading = TRUE;
  end->send_limit_bytes = G_MAXSIZE;
  caiman_timer_init (&end->report_timer, report, end);
}

static CaimanTransport *
pipe_connect (SimCarrier *pipe)
{
  PipeConnection *connection = g_new0 (PipeConnection, 1);

  connection->pipe = pipe;
  connection->number = ++pipe->path->n_connects;
  for (guint i = 0; i < 2; i++) {
    init_end (&connection->ends[i], connection, i);
    connection->halves[i].connection = connection;
    connection->halves[i].direction = i;
    pipe_arrival_init (&connection->halves[i]);
  }
  connection->prev = pipe->last;
  if (pipe->last)
    pipe->last->next = connection;
  else
    pipe->first = connection;
  pipe->last = connection;
  pipe->n_connections++;
  connection->ends[0].held = TRUE;
  pipe_connect_start (connection);
  return &connection->ends[0].base;
}

static SimCarrier *
pipe_new (SimLinkPath *path)
{
  SimCarrier *pipe = g_new0 (SimCarrier, 1);

  pipe->path = path;
  pipe->queue = path->queue;
  pipe->slabs = g_ptr_array_new_with_free_func (g_free);
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++)
    pipe_serialiser_init (&pipe->serialisers[d], pipe, d);
  return pipe;
}

static void
pipe_free (SimCarrier *pipe)
{
  while (pipe->first) {
    g_assert (!pipe->first->ends[0].held && !pipe->first->ends[1].held);
    free_connection (pipe->first);
  }
  g_ptr_array_unref (pipe->slabs);
  g_free (pipe);
}

static guint
pipe_get_connections (SimCarrier *pipe)
{
  return pipe->n_connections;
}

static gsize
pipe_get_queued_bytes (SimCarrier *pipe, SimDirection direction)
{
  gsize bytes = 0;

  for (const PipeConnection *c = pipe->first; c; c = c->next)
    bytes += c->halves[direction].unsent_bytes;
  return bytes;
}

const SimCarrierClass sim_pipe_class = {
  .new = pipe_new,
  .free = pipe_free,
  .connect = pipe_connect,
  .get_connections = pipe_get_connections,
  .get_queued_bytes = pipe_get_queued_bytes,
  .will_change = pipe_will_change,
  .changed = pipe_changed,
  .went_down = pipe_went_down,
  .reset = pipe_reset,
  .close = pipe_close,
  .half_open = pipe_half_open,
};
