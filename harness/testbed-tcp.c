/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-tcp.c - the testbed itself: a TestbedReal whose links are relays. */
#include "harness/testbed-tcp-private.h"

static Relay *
get_relay (Testbed *self, guint link)
{
  return ((TcpLink *)testbed_real_get_link (self, link))->relay;
}

static gint64
tcp_get_queue_bytes (Testbed *self, guint link, ScenarioDirection direction)
{
  return (gint64)relay_get_waiting (get_relay (self, link), (SimDirection)direction);
}

static gint64
tcp_get_wire_bytes (Testbed *self, guint link, ScenarioDirection direction)
{
  Relay *relay = get_relay (self, link);

  return (gint64)relay_bottleneck_get_bytes (relay_get_bottleneck (relay, (SimDirection)direction));
}

static void
tcp_free (Testbed *self)
{
  TestbedReal *real = (TestbedReal *)self;

  testbed_real_stop_all (real);
  testbed_real_clear (real);
  g_free (real);
}

static Testbed *
tcp_create (const Scenario *scenario, guint64 seed, const TestbedHandler *handler,
            gpointer user_data, GError **error)
{
  TestbedReal *self = g_new0 (TestbedReal, 1);
  gboolean ok = testbed_real_init (self, &testbed_tcp_class, scenario, handler, user_data, error);

  for (guint i = 0; ok && i < scenario->links->len; i++) {
    TestbedRealLink *link = tcp_link_new (self, i, seed, error);
    if (link)
      testbed_real_take_link (self, link);
    ok = link != NULL;
  }
  if (ok)
    return &self->base;
  tcp_free (&self->base);
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
  .apply = testbed_real_apply,
  .find_link = testbed_real_find_link,
  .after_packets = testbed_real_after_packets,
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
