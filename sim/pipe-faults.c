/* SPDX-License-Identifier: Apache-2.0 */
/* pipe-faults.c - what faults and changes of the path do to pipe connections. */
#include "sim/pipe-private.h"

void
pipe_will_change (SimCarrier *pipe, SimDirection direction)
{
  pipe_serialiser_interrupt (&pipe->serialisers[direction]);
}

void
pipe_changed (SimCarrier *pipe, SimDirection direction)
{
  pipe_serialiser_changed (&pipe->serialisers[direction]);
  for (PipeConnection *c = pipe->first; c; c = c->next)
    pipe_half_arm (&c->halves[direction]);
}

/* The ACK of the handshake will never come. */
static void
forget_accept (PipeConnection *connection)
{
  connection->accept_pending = FALSE;
  if (connection->ends[1].state == PIPE_END_NEW)
    connection->ends[1].state = PIPE_END_DEAD;
}

/* Calls @func for each connection. It may make a connection unused, which goes when it returns. */
static void
for_each (SimCarrier *pipe, void (*func) (PipeConnection *connection))
{
  PipeConnection *next;

  for (PipeConnection *c = pipe->first; c; c = next) {
    next = c->next;
    pipe_connection_pin (c);
    func (c);
    pipe_connection_unpin (c);
  }
}

static void
take_down (PipeConnection *connection)
{
  for (guint i = 0; i < 2; i++)
    pipe_half_drop_carried (&connection->halves[i]);
  forget_accept (connection);
  pipe_half_stick (&connection->halves[SIM_DIRECTION_DOWN]);
  pipe_half_drop_unsent (&connection->halves[SIM_DIRECTION_UP]);
  if (connection->ends[0].state != PIPE_END_DEAD)
    pipe_end_fail_later (&connection->ends[0], CAIMAN_REASON_LINK_DOWN);
}

void
pipe_went_down (SimCarrier *pipe)
{
  for_each (pipe, take_down);
}

static void
reset_connection (PipeConnection *connection)
{
  PipeEnd *client = &connection->ends[0];
  PipeEnd *server = &connection->ends[1];

  for (guint i = 0; i < 2; i++)
    pipe_half_drop_carried (&connection->halves[i]);
  forget_accept (connection);
  if (client->state != PIPE_END_DEAD)
    pipe_tap (connection, SIM_TAP_RST, SIM_DIRECTION_DOWN, TRUE);
  if (server->state == PIPE_END_OPEN)
    pipe_tap (connection, SIM_TAP_RST, SIM_DIRECTION_UP, TRUE);
  if (client->state == PIPE_END_NEW)
    pipe_end_fail_later (client, CAIMAN_REASON_CONNECT_REFUSED);
  else if (client->state == PIPE_END_OPEN)
    pipe_end_fail_later (client, CAIMAN_REASON_LINK_RESET);
  if (server->state == PIPE_END_OPEN)
    pipe_end_fail_later (server, CAIMAN_REASON_LINK_RESET);
}

void
pipe_reset (SimCarrier *pipe)
{
  for_each (pipe, reset_connection);
}

static void
close_connection (PipeConnection *connection)
{
  if (connection->ends[0].state == PIPE_END_NEW || connection->ends[1].state == PIPE_END_NEW)
    return;
  for (guint i = 0; i < 2; i++) {
    PipeEnd *end = &connection->ends[i];

    if (end->state == PIPE_END_DEAD || end->finished)
      continue;
    end->finished = TRUE;
    pipe_half_send (&connection->halves[i], pipe_node_new (connection->pipe, PIPE_NODE_FIN));
  }
}

void
pipe_close (SimCarrier *pipe)
{
  for_each (pipe, close_connection);
}

/* The end that sends in @direction. */
static void
vanish (PipeConnection *connection, SimDirection direction)
{
  PipeEnd *end = &connection->ends[direction];

  if (end->state != PIPE_END_OPEN)
    return;
  pipe_half_stick (pipe_end_get_in (end));
  pipe_end_fail_later (end, CAIMAN_REASON_LINK_IO_ERROR);
}

void
pipe_half_open (SimCarrier *pipe, SimDirection direction)
{
  for (PipeConnection *c = pipe->first; c; c = c->next)
    vanish (c, direction);
}
