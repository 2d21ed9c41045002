/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-carrier-fault.c - what faults and changes of the path do to TCP connections. */
#include "sim/tcp-carrier-private.h"

void
sim_tcp_carrier_will_change (SimCarrier *carrier, SimDirection direction)
{
  sim_packet_path_will_change (carrier->ways[direction].path, tcp_carrier_now (carrier));
}

void
sim_tcp_carrier_changed (SimCarrier *carrier, SimDirection direction)
{
  TcpWay *way = &carrier->ways[direction];
  const SimPathDirection *state = &carrier->path->directions[direction];
  gint64 now_ns = tcp_carrier_now (carrier);

  sim_packet_path_changed (way->path, now_ns);
  sim_packet_path_set_blackhole (way->path, state->dark ? SIM_BLACKHOLE_VANISH : SIM_BLACKHOLE_OFF,
                                 now_ns);
  sim_packet_path_set_paused (way->path, state->paused, now_ns);
  sim_tcp_way_arm (way);
}

/* Calls @func for each connection. All stay until the last call: what one sends may drop the last
 * packet of another. */
static void
for_each (SimCarrier *carrier, void (*func) (TcpConnection *connection, guint argument),
          guint argument)
{
  TcpConnection *next;

  for (TcpConnection *c = carrier->first; c; c = c->next)
    sim_tcp_connection_pin (c);
  for (TcpConnection *c = carrier->first; c; c = c->next)
    func (c, argument);
  for (TcpConnection *c = carrier->first; c; c = next) {
    next = c->next;
    sim_tcp_connection_unpin (c);
  }
}

static void
kill_end (TcpEnd *end, CaimanReason reason)
{
  if (end->tcp)
    sim_tcp_kill (end->tcp);
  if (end->state == TCP_END_DEAD)
    return;
  if (end->held)
    sim_tcp_end_fail_later (end, reason);
  else
    end->state = TCP_END_DEAD;
}

static void
take_down (TcpConnection *connection, guint argument)
{
  (void)argument;
  kill_end (&connection->ends[0], CAIMAN_REASON_LINK_DOWN);
}

void
sim_tcp_carrier_went_down (SimCarrier *carrier)
{
  for_each (carrier, take_down, 0);
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++)
    sim_packet_path_flush (carrier->ways[d].path, tcp_carrier_now (carrier));
}

/* What is on its way meets hosts that do not know the connection any more, and need not say so. */
static void
reset_connection (TcpConnection *connection, guint argument)
{
  (void)argument;
  for (guint i = 0; i < 2; i++) {
    TcpEnd *end = &connection->ends[i];
    gboolean connecting = end->state == TCP_END_NEW;
    kill_end (end, connecting ? CAIMAN_REASON_CONNECT_REFUSED : CAIMAN_REASON_LINK_RESET);
    end->vanished = TRUE;
  }
}

void
sim_tcp_carrier_reset (SimCarrier *carrier)
{
  for_each (carrier, reset_connection, 0);
}

static void
close_connection (TcpConnection *connection, guint argument)
{
  (void)argument;
  for (guint i = 0; i < 2; i++)
    if (connection->ends[i].state == TCP_END_NEW)
      return;
  for (guint i = 0; i < 2; i++) {
    TcpEnd *end = &connection->ends[i];
    if (end->state == TCP_END_DEAD || end->finished)
      continue;
    sim_tcp_end_finish (end);
    sim_tcp_end_flush (end);
  }
}

void
sim_tcp_carrier_close (SimCarrier *carrier)
{
  for_each (carrier, close_connection, 0);
}

/* What the server has never heard of, it takes from any address. */
static void
rebind (TcpConnection *connection, guint argument)
{
  (void)argument;
  connection->rebound |= connection->ends[1].tcp != NULL;
}

void
sim_tcp_carrier_rebind (SimCarrier *carrier)
{
  for_each (carrier, rebind, 0);
}

static void
vanish (TcpConnection *connection, guint index)
{
  TcpEnd *end = &connection->ends[index];

  if (end->state != TCP_END_OPEN)
    return;
  end->vanished = TRUE;
  kill_end (end, CAIMAN_REASON_LINK_IO_ERROR);
}

void
sim_tcp_carrier_half_open (SimCarrier *carrier, SimDirection direction)
{
  for_each (carrier, vanish, direction);
}
