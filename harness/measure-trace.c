/* SPDX-License-Identifier: Apache-2.0 */
/* measure-trace.c - what trace events tell: bytes and states of each link and side. */
#include "core/message.h"
#include "harness/measure-private.h"
#include "transports/frame.h"

/* What a Data message costs beside its payload: two frame headers, and the message itself. */
#define DATA_FRAMING_BYTES (2 * CAIMAN_FRAME_HEADER_BYTES + 5)
#define ACK_WIRE_BYTES     (CAIMAN_FRAME_HEADER_BYTES + 5)

/* What @side has sent over @link (-1: not known) beside payload. */
static void
framing_sent (Measure *self, ScenarioSide side, int link, gint64 bytes)
{
  if (link >= 0)
    lost_time_sent (self->lost[measure_direction (side)], (gsize)link, LOST_SENT_FRAMING, bytes,
                    self->now_ns);
}

static void
data_sent (Measure *self, ScenarioSide side, int link, LostSent what, gint64 bytes)
{
  if (link < 0)
    return;
  lost_time_sent (self->lost[measure_direction (side)], (gsize)link, what, bytes, self->now_ns);
  framing_sent (self, side, link, DATA_FRAMING_BYTES);
}

static void
control_sent (Measure *self, ScenarioSide side, int link, const CaimanTraceEvent *event)
{
  CaimanMessage message = { .type = (CaimanMessageType)event->a };
  if (message.type == CAIMAN_MESSAGE_DATA || message.type == CAIMAN_MESSAGE_ACK)
    return; /* told by events of their own */
  if (message.type == CAIMAN_MESSAGE_TEST_DATA)
    message.test_data_bytes = (guint32)event->b;
  framing_sent (self, side, link,
                (gint64)(CAIMAN_FRAME_HEADER_BYTES + caiman_message_get_size (&message)));
}

static gboolean
is_violation (CaimanReason reason)
{
  return reason == CAIMAN_REASON_PROTOCOL_ERROR || reason == CAIMAN_REASON_LINK_FRAME_ERROR ||
         reason == CAIMAN_REASON_LINK_BAD_MESSAGE;
}

void
measure_set_open (Measure *self, ScenarioSide side_index)
{
  MeasureSide *side = &self->side[side_index];
  ScenarioDirection direction = measure_direction (side_index);
  if (side->connected_ns != CAIMAN_TIME_NEVER)
    return;
  side->connected_ns = self->now_ns;
  for (guint i = 0; i < self->n_flows; i++) {
    if (self->flows[i].direction == direction)
      flow_connected (&self->flows[i], self->now_ns);
  }
  measure_update_active (self, direction);
}

void
measure_set_ended (Measure *self, ScenarioSide side_index, CaimanReason reason)
{
  MeasureSide *side = &self->side[side_index];
  side->ended_ns = self->now_ns;
  side->is_finished = reason == CAIMAN_REASON_FINISHED;
  if (is_violation (reason))
    side->n_protocol_errors++;
}

static void
connection_state (Measure *self, ScenarioSide side, const CaimanTraceEvent *event)
{
  if (event->b == CAIMAN_CONNECTION_OPEN)
    measure_set_open (self, side);
  if (event->b == CAIMAN_CONNECTION_ENDED)
    measure_set_ended (self, side, event->reason);
}

/* One link goes from @old to @new; @state is the one that @span is about. */
static void
span_change (MeasureSpan *span, guint64 state, guint64 old, guint64 new, gint64 now_ns)
{
  if (old == new)
    return;
  if (new == state)
    measure_span_set (span, span->count + 1, now_ns);
  else if (old == state && span->count > 0)
    measure_span_set (span, span->count - 1, now_ns);
}

/* An end that was done first closes its links, and the other one, which awaits the last
 * acknowledgements, sees that before it is done itself: then the connection has ended the link. */
static CaimanReason
get_end_reason (const Measure *self, ScenarioSide side, CaimanReason reason)
{
  ScenarioSide other = side == SCENARIO_SIDE_CLIENT ? SCENARIO_SIDE_SERVER : SCENARIO_SIDE_CLIENT;
  if (reason == CAIMAN_REASON_LINK_CLOSED && self->side[other].is_finished)
    return CAIMAN_REASON_CONNECTION_ENDED;
  return reason;
}

static void
link_state (Measure *self, ScenarioSide side, guint index, const CaimanTraceEvent *event)
{
  MeasureLinkSide *link = &self->links[index].side[side];
  CaimanReason reason = get_end_reason (self, side, event->reason);
  guint64 old = event->a, new = event->b;
  span_change (&link->working, CAIMAN_LINK_WORKING, old, new, self->now_ns);
  span_change (&link->not_working, CAIMAN_LINK_NOT_WORKING, old, new, self->now_ns);
  if (old == CAIMAN_LINK_CONNECTING && (new == CAIMAN_LINK_NEW || new == CAIMAN_LINK_WORKING))
    link->n_accepted++;
  if (new == CAIMAN_LINK_NOT_WORKING || new == CAIMAN_LINK_CLOSING || new == CAIMAN_LINK_CLOSED)
    measure_noticed (self, side, index);
  if (new == CAIMAN_LINK_NOT_WORKING && old == CAIMAN_LINK_WORKING)
    link->n_not_working++;
  if (new != CAIMAN_LINK_CLOSED || old == CAIMAN_LINK_CLOSED)
    return;

  if (reason != CAIMAN_REASON_FINISHED && reason != CAIMAN_REASON_CONNECTION_ENDED)
    link->n_ended++;
  link->is_blocked[0] = link->is_blocked[1] = FALSE;
  measure_span_set (&link->blocked, 0, self->now_ns);
  if (link->working.count == 0)
    lost_time_dropped (self->lost[measure_direction (side)], index, self->now_ns);
  if (reason < CAIMAN_N_REASONS && link->end_ns[reason] == CAIMAN_TIME_NEVER)
    link->end_ns[reason] = self->now_ns;
  /* What ends the connection is counted there. */
  if (is_violation (reason) && reason != CAIMAN_REASON_PROTOCOL_ERROR)
    self->side[side].n_protocol_errors++;
}

static void
link_blocked (Measure *self, ScenarioSide side, guint index, const CaimanTraceEvent *event)
{
  MeasureLinkSide *link = &self->links[index].side[side];
  link->is_blocked[event->b != 0] = event->a != 0;
  measure_span_set (&link->blocked, link->is_blocked[0] || link->is_blocked[1], self->now_ns);
}

static void
link_suspected (Measure *self, ScenarioSide side, guint index, gboolean suspected)
{
  if (!suspected)
    return;
  self->links[index].side[side].n_suspected++;
  measure_noticed (self, side, index);
}

/* What concerns data and its way, on the side as a whole. */
static void
data_received (Measure *self, ScenarioSide side_index, gint64 received, gint64 delivered)
{
  MeasureSide *side = &self->side[side_index];
  /* What a side receives was sent in the other side's direction. */
  LostTime *lost =
      self->lost[measure_direction (side_index) == SCENARIO_UP ? SCENARIO_DOWN : SCENARIO_UP];
  side->received_bytes += received;
  side->delivered_bytes += delivered;
  gint64 reorder = side->received_bytes - side->delivered_bytes;
  lost_time_set_reorder (lost, reorder, self->now_ns);
  if (delivered > 0)
    lost_time_delivered (lost, self->now_ns);
  measure_update_memory (side);
}

static void
trace_data (Measure *self, ScenarioSide side_index, int index, const CaimanTraceEvent *event)
{
  MeasureSide *side = &self->side[side_index];
  MeasureLinkSide none = { 0 };
  MeasureLinkSide *link = index >= 0 ? &self->links[index].side[side_index] : &none;
  gint64 bytes = (gint64)event->b;
  switch (event->type) {
  case CAIMAN_TRACE_DATA_SENT:
    link->sent_bytes += bytes;
    data_sent (self, side_index, index, LOST_SENT_PAYLOAD, bytes);
    break;
  case CAIMAN_TRACE_DATA_RESENT:
    side->resent_bytes += bytes;
    link->resent_bytes += bytes;
    data_sent (self, side_index, index, LOST_SENT_AGAIN, bytes);
    break;
  case CAIMAN_TRACE_DATA_DUPLICATED:
    side->duplicated_bytes += bytes;
    link->duplicated_bytes += bytes;
    data_sent (self, side_index, index, LOST_SENT_AGAIN, bytes);
    break;
  case CAIMAN_TRACE_DATA_ACKED:
    side->acked_bytes += bytes;
    break;
  case CAIMAN_TRACE_DATA_RECEIVED:
    data_received (self, side_index, bytes, 0);
    break;
  case CAIMAN_TRACE_DUPLICATE_RECEIVED:
    side->duplicate_received_bytes += bytes;
    break;
  case CAIMAN_TRACE_DATA_DELIVERED:
    data_received (self, side_index, 0, bytes);
    break;
  case CAIMAN_TRACE_DATA_CONSUMED:
    side->consumed_bytes += (gint64)event->a;
    break;
  case CAIMAN_TRACE_ACK_SENT:
    framing_sent (self, side_index, index, ACK_WIRE_BYTES);
    break;
  default:
    break;
  }
}

void
measure_trace (Measure *self, ScenarioSide side, int link, const CaimanTraceEvent *event)
{
  g_assert (link < (int)self->n_links);
  measure_set_now (self, event->time_ns);
  switch (event->type) {
  case CAIMAN_TRACE_CONNECTION_STATE:
    connection_state (self, side, event);
    break;
  case CAIMAN_TRACE_LINK_STATE:
    if (link >= 0)
      link_state (self, side, (guint)link, event);
    break;
  case CAIMAN_TRACE_LINK_SUSPECTED:
    if (link >= 0)
      link_suspected (self, side, (guint)link, event->a != 0);
    break;
  case CAIMAN_TRACE_LINK_BLOCKED:
    if (link >= 0)
      link_blocked (self, side, (guint)link, event);
    break;
  case CAIMAN_TRACE_LINK_RTT:
    if (link >= 0)
      measure_note_rtt (&self->links[link].side[side], (gint64)event->a);
    break;
  case CAIMAN_TRACE_CONTROL_SENT:
    control_sent (self, side, link, event);
    break;
  default:
    trace_data (self, side, link, event);
    break;
  }
}
