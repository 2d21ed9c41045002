/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - see memory.h. An end receives from its own inbox, which its peer's send() fills. */
#include "transports/memory.h"

/* How a stream of packets stops, after what is still in the inbox or before it. */
typedef enum { STREAM_OPEN, STREAM_CLOSED, STREAM_RESET } StreamEnd;

typedef struct _End End;

struct _End {
  CaimanTransport base;
  CaimanMemoryHub *hub; /* (borrowed) */
  End *peer;            /* (borrowed) NULL once the peer's end is freed */
  GList node;           /* in CaimanMemoryHub.ends */
  CaimanMemoryLimits limits;
  GQueue inbox; /* of GBytes (owned): sent by the peer, not handed over */
  gsize inbox_bytes;
  StreamEnd inbox_end;
  gboolean established, tell_connected;
  gboolean reading;
  gboolean told_full; /* is_writable() said FALSE: writable() is owed */
  gboolean dead;      /* no call-back any more */
};

struct _CaimanMemoryHub {
  void (*wake) (gpointer user_data);
  gpointer user_data;
  GQueue ends; /* of End (borrowed) */
  gboolean woken, dispatching;
};

static void
wake_hub (CaimanMemoryHub *hub)
{
  if (hub->woken || hub->dispatching)
    return;
  hub->woken = TRUE;
  if (hub->wake)
    hub->wake (hub->user_data);
}

static gboolean
inbox_has_room (const End *end)
{
  return (end->limits.packets_max == 0 || end->inbox.length < end->limits.packets_max) &&
         (end->limits.bytes_max == 0 || end->inbox_bytes < end->limits.bytes_max);
}

static void
inbox_push (End *end, GBytes *bytes)
{
  end->inbox_bytes += g_bytes_get_size (bytes);
  g_queue_push_tail (&end->inbox, bytes);
}

static GBytes *
inbox_pop (End *end)
{
  GBytes *bytes = g_queue_pop_head (&end->inbox);
  end->inbox_bytes -= g_bytes_get_size (bytes);
  return bytes;
}

static void
inbox_clear (End *end)
{
  while (end->inbox.length > 0)
    g_bytes_unref (inbox_pop (end));
}

/* --- The contract --- */

static void
memory_send (CaimanTransport *transport, CaimanPacket *packet)
{
  End *self = (End *)transport;
  if (self->peer && !self->peer->dead) {
    gsize size;
    const guint8 *message = caiman_packet_get_message (packet, &size);
    inbox_push (self->peer,
                packet->message ? g_bytes_ref (packet->message) : g_bytes_new (message, size));
    if (packet->payload)
      inbox_push (self->peer, g_bytes_ref (packet->payload));
    wake_hub (self->hub);
  }
  caiman_packet_clear (packet);
}

static gboolean
memory_is_writable (CaimanTransport *transport)
{
  End *self = (End *)transport;
  gboolean writable =
      self->established && !self->dead && (!self->peer || inbox_has_room (self->peer));
  self->told_full |= !writable;
  return writable;
}

static void
memory_set_reading (CaimanTransport *transport, gboolean reading)
{
  End *self = (End *)transport;
  self->reading = reading;
  if (reading && (self->inbox.length > 0 || self->inbox_end != STREAM_OPEN))
    wake_hub (self->hub);
}

/* The peer's inbox gets no more than it holds, or not even that. */
static void
end_stream (End *self, StreamEnd how)
{
  self->dead = TRUE;
  inbox_clear (self);
  if (!self->peer || self->peer->inbox_end != STREAM_OPEN)
    return;
  self->peer->inbox_end = how;
  if (how == STREAM_RESET)
    inbox_clear (self->peer);
  wake_hub (self->hub);
}

static void
memory_close (CaimanTransport *transport)
{
  end_stream ((End *)transport, STREAM_CLOSED);
}

static void
memory_abort (CaimanTransport *transport)
{
  end_stream ((End *)transport, STREAM_RESET);
}

static void
memory_free (CaimanTransport *transport)
{
  End *self = (End *)transport;
  if (!self->dead)
    end_stream (self, STREAM_RESET);
  inbox_clear (self);
  if (self->peer)
    self->peer->peer = NULL;
  g_queue_unlink (&self->hub->ends, &self->node);
  g_free (self);
}

static const CaimanTransportClass memory_class = {
  .name = "memory",
  .send = memory_send,
  .is_writable = memory_is_writable,
  .set_reading = memory_set_reading,
  .close = memory_close,
  .abort = memory_abort,
  .free = memory_free,
};

/* --- Hub --- */

CaimanMemoryHub *
caiman_memory_hub_new (void (*wake) (gpointer user_data), gpointer user_data)
{
  CaimanMemoryHub *hub = g_new0 (CaimanMemoryHub, 1);
  hub->wake = wake;
  hub->user_data = user_data;
  g_queue_init (&hub->ends);
  return hub;
}

void
caiman_memory_hub_free (CaimanMemoryHub *hub)
{
  if (!hub)
    return;
  g_assert (hub->ends.length == 0);
  g_free (hub);
}

static End *
end_new (CaimanMemoryHub *hub, const CaimanMemoryLimits *limits)
{
  End *end = g_new0 (End, 1);
  end->base.klass = &memory_class;
  end->hub = hub;
  end->limits = *limits;
  end->reading = TRUE;
  end->node.data = end;
  g_queue_init (&end->inbox);
  g_queue_push_tail_link (&hub->ends, &end->node);
  return end;
}

void
caiman_memory_hub_connect (CaimanMemoryHub *hub, const CaimanMemoryLimits *limits,
                           CaimanTransport **client_end_out, CaimanTransport **accepted_end_out)
{
  End *client_end = end_new (hub, limits);
  End *accepted_end = end_new (hub, limits);
  client_end->peer = accepted_end;
  client_end->tell_connected = TRUE;
  accepted_end->peer = client_end;
  accepted_end->established = TRUE;
  wake_hub (hub);
  *client_end_out = &client_end->base;
  *accepted_end_out = &accepted_end->base;
}

/* --- Call-backs --- */

static void
hand_over (End *self)
{
  g_autoptr (GBytes) bytes = inbox_pop (self);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  self->base.events->packet (self->base.user_data, data, size, bytes);
}

/* Makes one call-back of @self; FALSE: none is due. @self may be freed when it returns TRUE. */
static gboolean
dispatch_one (End *self)
{
  if (self->dead || !self->base.events)
    return FALSE;
  if (self->tell_connected) {
    self->tell_connected = FALSE;
    self->established = TRUE;
    self->told_full = FALSE;
    self->base.events->connected (self->base.user_data);
  } else if (self->inbox_end == STREAM_RESET) {
    self->dead = TRUE;
    self->base.events->failed (self->base.user_data, CAIMAN_REASON_LINK_RESET);
  } else if (self->established && self->told_full && memory_is_writable (&self->base)) {
    self->told_full = FALSE;
    self->base.events->writable (self->base.user_data);
  } else if (self->reading && self->established && self->inbox.length > 0) {
    hand_over (self);
  } else if (self->reading && self->established && self->inbox_end == STREAM_CLOSED) {
    self->dead = TRUE;
    self->base.events->failed (self->base.user_data, CAIMAN_REASON_LINK_CLOSED);
  } else {
    return FALSE;
  }
  return TRUE;
}

/* Each call-back may free any end, so that the search starts anew after each; the end that was
 * looked at goes to the back of the queue, so that all get their turn. */
static gboolean
dispatch_any (CaimanMemoryHub *hub)
{
  for (guint left = hub->ends.length; left > 0; left--) {
    GList *node = g_queue_pop_head_link (&hub->ends);
    g_queue_push_tail_link (&hub->ends, node);
    if (dispatch_one (node->data))
      return TRUE;
  }
  return FALSE;
}

gboolean
caiman_memory_hub_dispatch (CaimanMemoryHub *hub)
{
  g_assert (!hub->dispatching);
  gboolean worked = FALSE;
  hub->woken = FALSE;
  hub->dispatching = TRUE;
  while (dispatch_any (hub))
    worked = TRUE;
  hub->dispatching = FALSE;
  return worked;
}
