/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-tcp-end.c - an end of the TCP testbed: its connect takes its time, and its send limit is
 * also that of the relay. */
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
send_limit_set (TestbedEnd *end, gint64 limit_bytes)
{
  const TcpLink *link = (const TcpLink *)end->link;
  SimDirection direction =
      end->side == SCENARIO_SIDE_CLIENT ? SIM_DIRECTION_UP : SIM_DIRECTION_DOWN;

  relay_set_send_limit (link->relay, direction, limit_bytes);
}

static void
dropped (TestbedEnd *base)
{
  TcpEnd *end = (TcpEnd *)base;

  g_clear_pointer (&end->connecting, tcp_connecting_free);
}

static const TestbedEndClass end_class = { .send_limit_set = send_limit_set, .dropped = dropped };

static TcpEnd *
end_new (TcpLink *link, ScenarioSide side)
{
  TcpEnd *end = g_new0 (TcpEnd, 1);

  testbed_end_init (&end->base, &end_class, &link->base, side);
  return end;
}

static void
set_inner (TcpEnd *end, CaimanTransport *inner, gboolean connected)
{
  const TcpLink *link = (const TcpLink *)end->base.link;

  relay_fd_set_window (caiman_tcp_get_fd (inner),
                       relay_get_endpoint_buffers (link->relay).receive_bytes);
  testbed_end_set_inner (&end->base, inner, connected);
}

CaimanTransport *
tcp_end_connect (TcpLink *link)
{
  TcpEnd *end = end_new (link, SCENARIO_SIDE_CLIENT);

  if (link->down)
    testbed_end_fail (&end->base, CAIMAN_REASON_LINK_DOWN);
  else
    end->connecting = tcp_connecting_new (end);
  return &end->base.base;
}

void
tcp_end_open (TcpEnd *end)
{
  const TcpLink *link = (const TcpLink *)end->base.link;
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = g_htons (relay_get_port (link->relay)),
                                 .sin_addr.s_addr = g_htonl (INADDR_LOOPBACK) };
  CaimanTcpOptions options = get_options (link);
  CaimanReason reason = CAIMAN_REASON_CONNECT_REFUSED;
  CaimanTransport *inner = caiman_tcp_connect (end->base.loop, (const struct sockaddr *)&address,
                                               sizeof address, NULL, &options, &reason);

  g_clear_pointer (&end->connecting, tcp_connecting_free);
  if (inner)
    set_inner (end, inner, FALSE);
  else
    testbed_end_fail (&end->base, reason);
}

CaimanTransport *
tcp_end_accept (TcpLink *link, int fd)
{
  CaimanTcpOptions options = get_options (link);
  CaimanReason reason;
  CaimanTransport *inner = caiman_tcp_new (link->base.testbed->loop, fd, &options, &reason);

  if (!inner)
    return NULL;
  TcpEnd *end = end_new (link, SCENARIO_SIDE_SERVER);
  set_inner (end, inner, TRUE);
  return &end->base.base;
}
