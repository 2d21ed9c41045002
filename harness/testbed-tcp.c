/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-tcp.c - the testbed itself: a TestbedReal whose links are relays. */
#include "harness/testbed-tcp-private.h"

static TestbedTcp *
to_tcp (Testbed *self)
{
  return (TestbedTcp *)self;
}

static TcpLink *
get_link (Testbed *self, guint link)
{
  return g_ptr_array_index (to_tcp (self)->tcp_links, link);
}

static CaimanTransport *
connect_link (TestbedReal *self, guint link, CaimanReason *reason_out)
{
  return tcp_end_connect (get_link (&self->base, link));
}

static void
set_server (TestbedReal *self, gboolean runs)
{
  const TestbedTcp *tcp = to_tcp (&self->base);

  for (guint i = 0; i < tcp->tcp_links->len; i++)
    tcp_link_set_server (g_ptr_array_index (tcp->tcp_links, i), runs);
}

static void
tcp_apply (Testbed *self, const TestbedFault *fault)
{
  tcp_link_apply (get_link (self, fault->link), fault);
}

static void
tcp_after_packets (Testbed *self, ScenarioSide side, guint link, TestbedPacketFunc func,
                   gpointer user_data)
{
  TcpLink *tcp_link = get_link (self, link);

  tcp_link->after_packet[side].func = func;
  tcp_link->after_packet[side].user_data = user_data;
}

static gint64
tcp_get_queue_bytes (Testbed *self, guint link, ScenarioDirection direction)
{
  return (gint64)relay_get_waiting (get_link (self, link)->relay, (SimDirection)direction);
}

static gint64
tcp_get_wire_bytes (Testbed *self, guint link, ScenarioDirection direction)
{
  Relay *relay = get_link (self, link)->relay;

  return (gint64)relay_bottleneck_get_bytes (relay_get_bottleneck (relay, (SimDirection)direction));
}

static void
tcp_free (Testbed *self)
{
  TestbedTcp *tcp = to_tcp (self);

  testbed_real_stop_all (&tcp->base);
  g_ptr_array_unref (tcp->tcp_links);
  testbed_real_clear (&tcp->base);
  g_free (tcp);
}

static void
free_link (gpointer link)
{
  tcp_link_free (link);
}

static Testbed *
tcp_create (const Scenario *scenario, guint64 seed, const TestbedHandler *handler,
            gpointer user_data, GError **error)
{
  static const TestbedRealFuncs funcs = { .connect = connect_link, .set_server = set_server };
  TestbedTcp *self = g_new0 (TestbedTcp, 1);

  self->tcp_links = g_ptr_array_new_with_free_func (free_link);
  gboolean ok = testbed_real_init (&self->base, &testbed_tcp_class, &funcs, scenario, handler,
                                   user_data, error);
  for (guint i = 0; ok && i < scenario->links->len; i++) {
    TcpLink *link = tcp_link_new (self, i, seed, error);
    if (link)
      g_ptr_array_add (self->tcp_links, link);
    ok = link != NULL;
  }
  if (ok)
    return &self->base.base;
  tcp_free (&self->base.base);
  return NULL;
}

const TestbedClass testbed_tcp_class = {
  .name = "tcp",
  .check = testbed_tcp_check,
  .create = tcp_create,
  .free = tcp_free,
  .now = testbed_real_now,
  .start = testbed_real_start,
  .stop = testbed_real_stop,
  .add_link = testbed_real_add_link,
  .remove_link = testbed_real_remove_link,
  .apply = tcp_apply,
  .find_link = testbed_real_find_link,
  .after_packets = tcp_after_packets,
  .get_queue_bytes = tcp_get_queue_bytes,
  .get_wire_bytes = tcp_get_wire_bytes,
  .get_steps = testbed_real_get_steps,
  .timer_new = testbed_real_timer_new,
  .timer_arm = testbed_real_timer_arm,
  .timer_free = testbed_real_timer_free,
  .run = testbed_real_run,
  .quit = testbed_real_quit,
  .get_timing = testbed_real_get_timing,
};
