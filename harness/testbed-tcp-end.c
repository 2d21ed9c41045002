/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-tcp-end.c - an end as its endpoint sees it: a TCP transport (transports/tcp.h) inside,
 * whose connect takes its time, whose send limit is also that of the relay, and which can be made
 * to fail as it would with an interface or a host that is gone. */
#include "harness/testbed-tcp-private.h"

#include <netinet/in.h>

static CaimanTcpOptions
get_options (const TcpLink *link)
{
  RelayBuffers buffers = relay_get_endpoint_buffers (link->relay);

  return (CaimanTcpOptions) { .receive_buffer_bytes =
                                  relay_get_receive_space (buffers.receive_bytes),
                              .send_buffer_bytes = buffers.send_bytes,
                              .congestion = RELAY_CONGESTION };
}

static void
drop_inner (TcpEnd *end)
{
  CaimanTransport *inner = g_steal_pointer (&end->inner);

  g_clear_pointer (&end->connecting, tcp_connecting_free);
  end->connected = FALSE;
  if (inner)
    inner->klass->free (inner);
}

/* --- What the TCP connection reports --- */

static void
inner_connected (gpointer user_data)
{
  TcpEnd *end = user_data;

  end->connected = TRUE;
  end->base.events->connected (end->base.user_data);
}

static void
inner_packet (gpointer user_data, const guint8 *data, gsize size, GBytes *bytes)
{
  TcpEnd *end = user_data;
  TcpLink *link = end->link;
  ScenarioSide side = end->side;

  end->base.events->packet (end->base.user_data, data, size, bytes);
  tcp_link_packet_came (link, side);
}

static void
inner_writable (gpointer user_data)
{
  TcpEnd *end = user_data;

  end->base.events->writable (end->base.user_data);
}

static void
inner_failed (gpointer user_data, CaimanReason reason)
{
  TcpEnd *end = user_data;

  drop_inner (end);
  end->base.events->failed (end->base.user_data, reason);
}

static const CaimanTransportEvents inner_events = { .connected = inner_connected,
                                                    .packet = inner_packet,
                                                    .writable = inner_writable,
                                                    .failed = inner_failed };

static void
set_inner (TcpEnd *end, CaimanTransport *inner)
{
  end->inner = inner;
  relay_fd_set_window (caiman_tcp_get_fd (inner),
                       relay_get_endpoint_buffers (end->link->relay).receive_bytes);
  inner->events = &inner_events;
  inner->user_data = end;
}

/* --- The transport contract --- */

static void
end_send (CaimanTransport *self, CaimanPacket *packet)
{
  TcpEnd *end = (TcpEnd *)self;

  if (end->connected)
    end->inner->klass->send (end->inner, packet);
  else
    caiman_packet_clear (packet);
}

static gboolean
end_is_writable (CaimanTransport *self)
{
  TcpEnd *end = (TcpEnd *)self;

  return end->connected && end->inner->klass->is_writable (end->inner);
}

static void
end_set_send_limit (CaimanTransport *self, gint64 limit_bytes)
{
  TcpEnd *end = (TcpEnd *)self;
  SimDirection direction =
      end->side == SCENARIO_SIDE_CLIENT ? SIM_DIRECTION_UP : SIM_DIRECTION_DOWN;

  if (end->connected && end->inner->klass->set_send_limit)
    end->inner->klass->set_send_limit (end->inner, limit_bytes);
  relay_set_send_limit (end->link->relay, direction, limit_bytes);
}

static void
end_set_reading (CaimanTransport *self, gboolean reading)
{
  TcpEnd *end = (TcpEnd *)self;

  if (end->connected)
    end->inner->klass->set_reading (end->inner, reading);
}

static void
end_abort (CaimanTransport *self)
{
  TcpEnd *end = (TcpEnd *)self;

  caiman_loop_arm_timer (end->link->testbed->loop, &end->report_timer, CAIMAN_TIME_NEVER);
  if (end->inner)
    end->inner->klass->abort (end->inner);
  drop_inner (end);
}

static void
end_close (CaimanTransport *self)
{
  TcpEnd *end = (TcpEnd *)self;

  if (end->connected)
    end->inner->klass->close (end->inner);
  else
    end_abort (self);
}

static void
end_get_hint (CaimanTransport *self, CaimanLinkHint *hint_out)
{
  TcpEnd *end = (TcpEnd *)self;

  if (end->connected && end->inner->klass->get_hint)
    end->inner->klass->get_hint (end->inner, hint_out);
}

static void
end_free (CaimanTransport *self)
{
  TcpEnd *end = (TcpEnd *)self;

  caiman_loop_arm_timer (end->link->testbed->loop, &end->report_timer, CAIMAN_TIME_NEVER);
  drop_inner (end);
  g_queue_unlink (&end->link->ends[end->side], &end->node);
  g_free (end);
}

static const CaimanTransportClass end_class = {
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

/* --- Life and death --- */

static void
report (gpointer user_data)
{
  TcpEnd *end = user_data;

  end->base.events->failed (end->base.user_data, end->failure);
}

static TcpEnd *
end_new (TcpLink *link, ScenarioSide side)
{
  TcpEnd *end = g_new0 (TcpEnd, 1);

  end->base.klass = &end_class;
  end->link = link;
  end->side = side;
  caiman_timer_init (&end->report_timer, report, end);
  end->node.data = end;
  g_queue_push_tail_link (&link->ends[side], &end->node);
  return end;
}

void
tcp_end_fail (TcpEnd *end, CaimanReason reason)
{
  CaimanLoop *loop = end->link->testbed->loop;

  drop_inner (end);
  end->failure = reason;
  caiman_loop_arm_timer (loop, &end->report_timer, caiman_loop_now (loop));
}

CaimanTransport *
tcp_end_connect (TcpLink *link)
{
  TcpEnd *end = end_new (link, SCENARIO_SIDE_CLIENT);

  if (link->down)
    tcp_end_fail (end, CAIMAN_REASON_LINK_DOWN);
  else
    end->connecting = tcp_connecting_new (end);
  return &end->base;
}

void
tcp_end_open (TcpEnd *end)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = g_htons (relay_get_port (end->link->relay)),
                                 .sin_addr.s_addr = g_htonl (INADDR_LOOPBACK) };
  CaimanTcpOptions options = get_options (end->link);
  CaimanReason reason = CAIMAN_REASON_CONNECT_REFUSED;
  CaimanTransport *inner =
      caiman_tcp_connect (end->link->testbed->loop, (const struct sockaddr *)&address,
                          sizeof address, NULL, &options, &reason);

  g_clear_pointer (&end->connecting, tcp_connecting_free);
  if (inner)
    set_inner (end, inner);
  else
    tcp_end_fail (end, reason);
}

CaimanTransport *
tcp_end_accept (TcpLink *link, int fd)
{
  CaimanTcpOptions options = get_options (link);
  CaimanReason reason;
  CaimanTransport *inner = caiman_tcp_new (link->testbed->loop, fd, &options, &reason);

  if (!inner)
    return NULL;
  TcpEnd *end = end_new (link, SCENARIO_SIDE_SERVER);
  set_inner (end, inner);
  end->connected = TRUE;
  return &end->base;
}
