/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-end.c - see testbed-end.h. */
#include "harness/testbed-end.h"

#include "harness/testbed-real.h"
#include "transports/tcp.h"

#include <sys/socket.h>

static void
drop_inner (TestbedEnd *end)
{
  CaimanTransport *inner = g_steal_pointer (&end->inner);

  if (end->klass->dropped)
    end->klass->dropped (end);
  end->connected = FALSE;
  end->over = TRUE;
  if (inner)
    inner->klass->free (inner);
}

/* --- What the TCP connection reports --- */

static void
inner_connected (gpointer user_data)
{
  TestbedEnd *end = user_data;

  end->connected = TRUE;
  end->base.events->connected (end->base.user_data);
}

static void
inner_packet (gpointer user_data, const guint8 *data, gsize size, GBytes *bytes)
{
  TestbedEnd *end = user_data;
  TestbedRealLink *link = end->link;
  ScenarioSide side = end->side;

  end->base.events->packet (end->base.user_data, data, size, bytes);
  testbed_real_link_packet_came (link, side); /* @end may be gone by now */
}

static void
inner_writable (gpointer user_data)
{
  TestbedEnd *end = user_data;

  end->base.events->writable (end->base.user_data);
}

static void
inner_failed (gpointer user_data, CaimanReason reason)
{
  TestbedEnd *end = user_data;

  /* What had not got as far as the kernel cannot be written any more. */
  if (end->finished && reason == CAIMAN_REASON_LINK_RESET)
    reason = CAIMAN_REASON_LINK_CLOSED;
  drop_inner (end);
  end->base.events->failed (end->base.user_data, reason);
}

static const CaimanTransportEvents inner_events = { .connected = inner_connected,
                                                    .packet = inner_packet,
                                                    .writable = inner_writable,
                                                    .failed = inner_failed };

/* --- The transport contract --- */

static void
end_send (CaimanTransport *self, CaimanPacket *packet)
{
  TestbedEnd *end = (TestbedEnd *)self;

  if (end->connected && !end->finished)
    end->inner->klass->send (end->inner, packet);
  else
    caiman_packet_clear (packet);
}

static gboolean
end_is_writable (CaimanTransport *self)
{
  TestbedEnd *end = (TestbedEnd *)self;

  return end->connected && !end->finished && end->inner->klass->is_writable (end->inner);
}

static void
end_set_send_limit (CaimanTransport *self, gint64 limit_bytes)
{
  TestbedEnd *end = (TestbedEnd *)self;

  if (end->connected && end->inner->klass->set_send_limit)
    end->inner->klass->set_send_limit (end->inner, limit_bytes);
  if (end->klass->send_limit_set)
    end->klass->send_limit_set (end, limit_bytes);
}

static void
end_set_reading (CaimanTransport *self, gboolean reading)
{
  TestbedEnd *end = (TestbedEnd *)self;

  if (end->connected)
    end->inner->klass->set_reading (end->inner, reading);
}

static void
end_abort (CaimanTransport *self)
{
  TestbedEnd *end = (TestbedEnd *)self;

  caiman_loop_arm_timer (end->loop, &end->report_timer, CAIMAN_TIME_NEVER);
  if (end->inner)
    end->inner->klass->abort (end->inner);
  drop_inner (end);
}

static void
end_close (CaimanTransport *self)
{
  TestbedEnd *end = (TestbedEnd *)self;

  if (end->connected)
    end->inner->klass->close (end->inner);
  else
    end_abort (self);
}

static void
end_get_hint (CaimanTransport *self, CaimanLinkHint *hint_out)
{
  TestbedEnd *end = (TestbedEnd *)self;

  if (end->connected && end->inner->klass->get_hint)
    end->inner->klass->get_hint (end->inner, hint_out);
}

static void
end_free (CaimanTransport *self)
{
  TestbedEnd *end = (TestbedEnd *)self;

  caiman_loop_arm_timer (end->loop, &end->report_timer, CAIMAN_TIME_NEVER);
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
  TestbedEnd *end = user_data;

  end->base.events->failed (end->base.user_data, end->failure);
}

void
testbed_end_init (TestbedEnd *end, const TestbedEndClass *klass, TestbedRealLink *link,
                  ScenarioSide side)
{
  end->base.klass = &end_class;
  end->klass = klass;
  end->loop = link->testbed->loop;
  end->link = link;
  end->side = side;
  caiman_timer_init (&end->report_timer, report, end);
  end->node.data = end;
  g_queue_push_tail_link (&link->ends[side], &end->node);
}

void
testbed_end_set_inner (TestbedEnd *end, CaimanTransport *inner, gboolean connected)
{
  end->inner = inner;
  inner->events = &inner_events;
  inner->user_data = end;
  end->connected = connected;
}

void
testbed_end_finish (TestbedEnd *end)
{
  if (!end->connected)
    return;
  end->finished = TRUE;
  shutdown (caiman_tcp_get_fd (end->inner), SHUT_WR);
}

void
testbed_end_fail (TestbedEnd *end, CaimanReason reason)
{
  drop_inner (end);
  end->failure = reason;
  caiman_loop_arm_timer (end->loop, &end->report_timer, caiman_loop_now (end->loop));
}
