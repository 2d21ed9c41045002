/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-tcp-link.c - a link of the TCP testbed, and what faults do to it. */
#include "harness/testbed-sim.h"
#include "harness/testbed-tcp-private.h"

#include <unistd.h>

static const ScenarioLink *
get_spec (const TcpLink *link)
{
  return scenario_get_link (link->testbed->base.scenario, link->index);
}

/* A new connection of the relay to the server. */
static void
accepted (gpointer user_data, int fd)
{
  TcpLink *link = user_data;
  CaimanTransport *end = tcp_end_accept (link, fd);

  if (end)
    testbed_links_accept (&link->testbed->base.links, link->index, end);
}

static void
update_listening (TcpLink *link)
{
  g_autoptr (GError) error = NULL;

  if (!relay_set_listening (link->relay, !link->refusing && relay_listener_is_open (link->server),
                            &error))
    testbed_real_fail (&link->testbed->base, error);
}

void
tcp_link_set_server (TcpLink *link, gboolean runs)
{
  g_autoptr (GError) error = NULL;

  if (!relay_listener_set_open (link->server, runs, &error))
    testbed_real_fail (&link->testbed->base, error);
  update_listening (link);
}

TcpLink *
tcp_link_new (TestbedTcp *testbed, guint index, guint64 seed, GError **error)
{
  TcpLink *link = g_new0 (TcpLink, 1);
  const RelayBuffers buffers = { 0 };

  link->testbed = testbed;
  link->index = index;
  g_queue_init (&link->ends[SCENARIO_SIDE_CLIENT]);
  g_queue_init (&link->ends[SCENARIO_SIDE_SERVER]);
  const ScenarioLink *spec = get_spec (link);
  const SimPathConfig config[SIM_N_DIRECTIONS] = {
    testbed_sim_convert_path (&spec->path[SCENARIO_UP]),
    testbed_sim_convert_path (&spec->path[SCENARIO_DOWN]),
  };
  const RelayOptions options = { .name = spec->name,
                                 .run_seed = seed,
                                 .config = config,
                                 .receive_buffer_bytes = (gsize)spec->receive_buffer_bytes,
                                 .lateness = &testbed->base.lateness };
  link->relay = relay_new (testbed->base.loop, &options, error);
  if (link->relay)
    link->server = relay_listener_new (testbed->base.loop, &buffers, accepted, link, error);
  if (!link->server) {
    tcp_link_free (link);
    return NULL;
  }
  relay_set_server_port (link->relay, relay_listener_get_port (link->server));
  tcp_link_set_server (link, FALSE);
  return link;
}

void
tcp_link_free (TcpLink *link)
{
  if (!link)
    return;
  g_assert (link->ends[SCENARIO_SIDE_CLIENT].length == 0);
  g_assert (link->ends[SCENARIO_SIDE_SERVER].length == 0);
  relay_listener_free (link->server);
  relay_free (link->relay);
  g_free (link);
}

void
tcp_link_packet_came (TcpLink *link, ScenarioSide side)
{
  TestbedPacketFunc func = link->after_packet[side].func;

  if (func && func (link->after_packet[side].user_data))
    link->after_packet[side].func = NULL;
}

/* --- Faults --- */

static void
fail_ends (TcpLink *link, ScenarioSide side, gboolean with_connecting, CaimanReason reason)
{
  for (GList *node = link->ends[side].head; node; node = node->next) {
    TcpEnd *end = node->data;
    if (end->base.connected || (with_connecting && (end->connecting || end->base.inner)))
      testbed_end_fail (&end->base, reason);
  }
}

/* The client's interface goes: connects fail from now on. */
static void
set_down (TcpLink *link, gboolean down)
{
  if (link->down == down)
    return;
  link->down = down;
  if (!down)
    return;
  relay_go_down (link->relay);
  fail_ends (link, SCENARIO_SIDE_CLIENT, TRUE, CAIMAN_REASON_LINK_DOWN);
}

/* Also a connect under way: the answer to its SYN is a RST. */
static void
reset (TcpLink *link)
{
  relay_reset (link->relay);
  for (GList *node = link->ends[SCENARIO_SIDE_CLIENT].head; node; node = node->next) {
    TcpEnd *end = node->data;
    if (end->connecting)
      testbed_end_fail (&end->base, CAIMAN_REASON_CONNECT_REFUSED);
  }
}

static void
half_open (TcpLink *link, SimDirection direction)
{
  ScenarioSide side = direction == SIM_DIRECTION_UP ? SCENARIO_SIDE_CLIENT : SCENARIO_SIDE_SERVER;

  relay_half_open (link->relay, direction);
  fail_ends (link, side, FALSE, CAIMAN_REASON_LINK_IO_ERROR);
}

/* Only the parts that the fault is about. */
static void
set_path (TcpLink *link, const TestbedFault *fault, SimDirection direction)
{
  SimPathConfig config =
      *relay_bottleneck_get_config (relay_get_bottleneck (link->relay, direction));
  SimPathConfig wanted = testbed_sim_convert_path (fault->path);

  testbed_sim_set_parts (&config, &wanted, fault->set_mask);
  relay_set_config (link->relay, direction, &config);
}

static void
apply_direction (TcpLink *link, const TestbedFault *fault, SimDirection direction)
{
  switch (fault->kind) {
  case TESTBED_BLACKHOLE:
    relay_set_dark (link->relay, direction, fault->on);
    break;
  case TESTBED_PAUSE:
    relay_set_paused (link->relay, direction, fault->on);
    break;
  case TESTBED_CORRUPT:
    relay_corrupt (link->relay, direction, fault->count);
    break;
  case TESTBED_HALF_OPEN:
    half_open (link, direction);
    break;
  case TESTBED_SET:
    set_path (link, fault, direction);
    break;
  default:
    g_assert_not_reached ();
  }
}

void
tcp_link_apply (TcpLink *link, const TestbedFault *fault)
{
  switch (fault->kind) {
  case TESTBED_DOWN:
    set_down (link, fault->on);
    return;
  case TESTBED_REFUSE:
    link->refusing = fault->on;
    update_listening (link);
    return;
  case TESTBED_RESET:
    reset (link);
    return;
  case TESTBED_CLOSE:
    relay_close (link->relay);
    return;
  default:
    break;
  }
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++) {
    if (fault->directions & 1u << d)
      apply_direction (link, fault, d);
  }
}
