/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-carrier-end.c - an end of a simulated TCP connection as a CaimanTransport. */
#include "sim/tcp-carrier-private.h"

#include "sim/frame-corruption.h"

/* How long an end that has been closed waits for its peer to end, too. */
#define DRAIN_NS (10 * CAIMAN_NS_PER_S)
/* As transports/stream-output.c: half of a send limit is left to the kernel, no less than this; the
 * other half is what the program holds itself. While none is set, it holds so much. */
#define HALF_LIMIT_MIN_BYTES 2048
#define QUEUE_BYTES          (128 * 1024)

static gint64
get_now (const TcpEnd *end)
{
  return tcp_carrier_now (end->connection->carrier);
}

/* --- Life and death --- */

static void
die (TcpEnd *end, CaimanReason reason)
{
  end->state = TCP_END_DEAD;
  end->failure = reason;
  end->give_up_ns = CAIMAN_TIME_NEVER;
}

void
sim_tcp_end_fail (TcpEnd *end, CaimanReason reason)
{
  die (end, CAIMAN_REASON_NONE);
  end->base.events->failed (end->base.user_data, reason);
}

void
sim_tcp_end_fail_later (TcpEnd *end, CaimanReason reason)
{
  SimCarrier *carrier = end->connection->carrier;

  die (end, reason);
  caiman_timer_queue_arm (carrier->queue, &end->task_timer, tcp_carrier_now (carrier));
}

void
sim_tcp_end_finish (TcpEnd *end)
{
  if (end->queued_bytes > 0)
    sim_tcp_write (end->tcp, end->queued_bytes, get_now (end));
  end->queued_bytes = 0;
  sim_tcp_close (end->tcp, get_now (end));
  end->finished = TRUE;
}

/* What is queued, then FIN; what comes is thrown away until the peer has ended, too. */
static void
drain (TcpEnd *end)
{
  if (!end->finished)
    sim_tcp_end_finish (end);
  end->give_up_ns = caiman_time_add (get_now (end), DRAIN_NS);
}

static CaimanReason
get_reason (const TcpEnd *end)
{
  switch (sim_tcp_get_failure (end->tcp)) {
  case SIM_TCP_REFUSED:
    return CAIMAN_REASON_CONNECT_REFUSED;
  case SIM_TCP_TIMED_OUT:
    return end->state == TCP_END_NEW ? CAIMAN_REASON_CONNECT_TIMEOUT : CAIMAN_REASON_SEND_TIMEOUT;
  case SIM_TCP_RESET:
  case SIM_TCP_NOT_FAILED:
    break;
  }
  return CAIMAN_REASON_LINK_RESET;
}

/* --- What comes in --- */

static SimTcpStream *
get_input (TcpEnd *end)
{
  return &end->connection->streams[!end->index];
}

/* FALSE: the frame was damaged, the end is dead. */
static gboolean
hand_over (TcpEnd *end, const guint8 *data, gsize size, GBytes *bytes, gboolean corrupt)
{
  SimTcpStream *input = get_input (end);
  SimPath *path = end->connection->carrier->path->directions[!end->index].path;

  if (corrupt &&
      sim_frame_try_corrupted (path, input->frames, data, size, NULL) != CAIMAN_FRAME_READY) {
    sim_tcp_abort (end->tcp, get_now (end));
    sim_tcp_end_fail (end, CAIMAN_REASON_LINK_FRAME_ERROR);
    return FALSE;
  }
  input->frames++;
  end->base.events->packet (end->base.user_data, data, size, bytes);
  return TRUE;
}

/* Frames for as long as the user reads; of one that is not complete the bytes that are there. */
static void
read_frames (TcpEnd *end, gint64 from, gint64 to)
{
  SimTcpStream *input = get_input (end);
  gint64 taken = from, frame_end;
  const guint8 *data;
  gsize size;
  GBytes *bytes;
  gboolean corrupt;

  while (end->state == TCP_END_OPEN && end->reading &&
         sim_tcp_stream_peek (input, to, &data, &size, &bytes, &frame_end, &corrupt)) {
    taken = frame_end;
    if (!hand_over (end, data, size, bytes, corrupt))
      return;
    sim_tcp_stream_pop (input);
  }
  if (end->reading || end->state == TCP_END_DEAD)
    taken = to;
  sim_tcp_read (end->tcp, MAX (taken, from) - from, get_now (end));
}

/* Nobody wants it any more. */
static void
discard (TcpEnd *end, gint64 to)
{
  SimTcpStream *input = get_input (end);
  const guint8 *data;
  gsize size;
  GBytes *bytes;
  gint64 frame_end;
  gboolean corrupt;

  while (sim_tcp_stream_peek (input, to, &data, &size, &bytes, &frame_end, &corrupt))
    sim_tcp_stream_pop (input);
  sim_tcp_read (end->tcp, sim_tcp_get_readable (end->tcp), get_now (end));
}

static void
read_input (TcpEnd *end)
{
  SimTcpInfo info;

  if (sim_tcp_get_readable (end->tcp) > 0) {
    sim_tcp_get_info (end->tcp, &info);
    gint64 to = info.received - sim_tcp_has_fin (end->tcp);
    gint64 from = to - sim_tcp_get_readable (end->tcp);
    if (end->state != TCP_END_OPEN)
      discard (end, to);
    else if (end->reading)
      read_frames (end, from, to);
  }
  if (end->state != TCP_END_OPEN || !sim_tcp_has_fin (end->tcp) ||
      sim_tcp_get_readable (end->tcp) > 0)
    return;
  drain (end);
  end->state = TCP_END_DEAD;
  end->base.events->failed (end->base.user_data, CAIMAN_REASON_LINK_CLOSED);
}

/* --- What the endpoint tells --- */

static gboolean
is_writable (const TcpEnd *end)
{
  return end->state == TCP_END_OPEN && !end->finished && end->queued_bytes < end->queue_max_bytes;
}

void
sim_tcp_end_write (TcpEnd *end)
{
  if (end->state != TCP_END_OPEN || end->queued_bytes == 0 || !sim_tcp_takes (end->tcp))
    return;
  while (end->queued_bytes > 0 && sim_tcp_takes (end->tcp)) {
    gint64 bytes = MIN (end->queued_bytes, sim_tcp_get_room (end->tcp));
    sim_tcp_write (end->tcp, bytes, get_now (end));
    end->queued_bytes -= bytes;
  }
  end->asked = FALSE;
}

static void
tell_connected (TcpEnd *end)
{
  SimCarrier *carrier = end->connection->carrier;

  end->state = TCP_END_OPEN;
  end->queue_max_bytes = QUEUE_BYTES;
  end->give_up_ns = CAIMAN_TIME_NEVER;
  end->told_full = FALSE;
  if (end->index == 0) {
    end->base.events->connected (end->base.user_data);
  } else if (sim_link_path_accepts (carrier->path)) {
    end->held = TRUE;
    sim_link_path_accept (carrier->path, &end->base);
  } else {
    end->state = TCP_END_DEAD;
    sim_tcp_abort (end->tcp, get_now (end));
  }
}

void
sim_tcp_end_tell (TcpEnd *end)
{
  guint events = sim_tcp_take_events (end->tcp);

  if ((events & SIM_TCP_EVENT_CONNECTED) && end->state == TCP_END_NEW)
    tell_connected (end);
  sim_tcp_end_write (end);
  if (end->told_full && is_writable (end)) {
    end->told_full = FALSE;
    end->base.events->writable (end->base.user_data);
  }
  if (sim_tcp_get_readable (end->tcp) > 0 || (events & SIM_TCP_EVENT_READABLE))
    read_input (end);
  if ((events & SIM_TCP_EVENT_FAILED) && end->state == TCP_END_NEW && end->index == 1)
    end->state = TCP_END_DEAD; /* nobody has heard of it */
  if ((events & SIM_TCP_EVENT_FAILED) && end->state != TCP_END_DEAD)
    sim_tcp_end_fail (end, get_reason (end));
}

/* Inside calls nothing is sent and nobody is called back: that happens here. */
void
sim_tcp_end_task (gpointer user_data)
{
  TcpEnd *end = user_data;
  TcpConnection *connection = end->connection;
  CaimanReason failure = end->failure;

  sim_tcp_connection_pin (connection);
  end->failure = CAIMAN_REASON_NONE;
  if (failure != CAIMAN_REASON_NONE)
    end->base.events->failed (end->base.user_data, failure);
  sim_tcp_end_write (end);
  sim_tcp_end_flush (end);
  sim_tcp_end_tell (end);
  sim_tcp_end_flush (end);
  sim_tcp_connection_unpin (connection);
}

static void
add_task (TcpEnd *end)
{
  CaimanTimerQueue *queue = end->connection->carrier->queue;

  if (!caiman_timer_is_armed (&end->task_timer))
    caiman_timer_queue_arm (queue, &end->task_timer, caiman_timer_queue_now (queue));
}

gboolean
sim_tcp_end_ask (TcpEnd *end)
{
  if (end->asked || !end->told_full || !is_writable (end))
    return FALSE;
  end->asked = TRUE;
  end->told_full = FALSE;
  end->base.events->writable (end->base.user_data);
  add_task (end);
  return TRUE;
}

/* --- The transport contract --- */

static void
end_send (CaimanTransport *self, CaimanPacket *packet)
{
  TcpEnd *end = (TcpEnd *)self;

  if (end->state != TCP_END_OPEN || end->finished) {
    caiman_packet_clear (packet);
    return;
  }
  end->queued_bytes += sim_tcp_stream_push (&end->connection->streams[end->index], packet);
  add_task (end);
}

static gboolean
end_is_writable (CaimanTransport *self)
{
  TcpEnd *end = (TcpEnd *)self;
  gboolean writable = is_writable (end);

  /* Whoever asks again, after set_send_limit() say, is still told. */
  end->told_full |= !writable;
  return writable;
}

static void
end_set_send_limit (CaimanTransport *self, gint64 limit_bytes)
{
  TcpEnd *end = (TcpEnd *)self;

  end->queue_max_bytes = MAX (limit_bytes / 2, HALF_LIMIT_MIN_BYTES);
  sim_tcp_set_unsent_limit (end->tcp, 2 * end->queue_max_bytes);
  if (end->told_full && is_writable (end))
    add_task (end);
}

static void
end_set_reading (CaimanTransport *self, gboolean reading)
{
  TcpEnd *end = (TcpEnd *)self;

  if (end->state == TCP_END_DEAD || end->reading == reading)
    return;
  end->reading = reading;
  if (reading)
    add_task (end);
}

static void
end_abort (CaimanTransport *self)
{
  TcpEnd *end = (TcpEnd *)self;

  if (end->state == TCP_END_DEAD && end->failure == CAIMAN_REASON_NONE)
    return;
  die (end, CAIMAN_REASON_NONE);
  sim_tcp_abort (end->tcp, get_now (end));
  add_task (end);
}

static void
end_close (CaimanTransport *self)
{
  TcpEnd *end = (TcpEnd *)self;

  if (end->state != TCP_END_OPEN) {
    end_abort (self);
    return;
  }
  if (end->finished)
    return;
  sim_tcp_end_finish (end);
  add_task (end);
}

static void
end_get_hint (CaimanTransport *self, CaimanLinkHint *hint_out)
{
  const TcpEnd *end = (TcpEnd *)self;
  SimTcpInfo info;

  sim_tcp_get_info (end->tcp, &info);
  hint_out->rtt_ns = info.srtt_ns;
  hint_out->unsent_bytes = info.unsent_bytes;
  hint_out->retransmits = (gint64)info.retransmits;
  hint_out->backoff = info.backoff;
  hint_out->min_rtt_ns = info.min_rtt_ns;
  hint_out->delivered = (gint64)info.delivered;
}

static void
end_free (CaimanTransport *self)
{
  TcpEnd *end = (TcpEnd *)self;
  TcpConnection *connection = end->connection;

  g_assert (end->held);
  sim_tcp_connection_pin (connection);
  if (end->state == TCP_END_OPEN && end->finished) {
    die (end, CAIMAN_REASON_NONE);
    drain (end);
    add_task (end);
  } else {
    end_abort (self);
  }
  end->held = FALSE;
  /* With nothing left to be sent, it need not wait for the task. */
  sim_tcp_connection_unpin (connection);
}

const CaimanTransportClass sim_tcp_end_class = {
  .name = "tcp",
  .send = end_send,
  .is_writable = end_is_writable,
  .set_send_limit = end_set_send_limit,
  .set_reading = end_set_reading,
  .close = end_close,
  .abort = end_abort,
  .get_hint = end_get_hint,
  .free = end_free,
};
