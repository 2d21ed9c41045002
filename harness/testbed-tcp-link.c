/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-tcp-link.c - a link of the TCP testbed, and what faults do to it. */
#include "harness/testbed-sim.h"
#include "harness/testbed-tcp-private.h"

#include <unistd.h>

static TcpLink *
to_tcp (TestbedRealLink *link)
{
  return (TcpLink *)link;
}

/* A new connection of the relay to the server. */
static void
accepted (gpointer user_data, int fd)
{
  TcpLink *link = user_data;
  CaimanTransport *end = tcp_end_accept (link, fd);

  if (end)
    testbed_links_accept (&link->base.testbed->links, link->base.index, end);
}

static void
update_listening (TcpLink *link)
{
  g_autoptr (GError) error = NULL;

  if (!relay_set_listening (link->relay, !link->refusing && relay_listener_is_open (link->server),
                            &error))
    testbed_real_fail (link->base.testbed, error);
}

static void
set_server (TestbedRealLink *base, gboolean runs)
{
  TcpLink *link = to_tcp (base);
  g_autoptr (GError) error = NULL;

  if (!relay_listener_set_open (link->server, runs, &error))
    testbed_real_fail (link->base.testbed, error);
  update_listening (link);
}

/* --- Faults --- */

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
  testbed_real_link_fail_ends (&link->base, SCENARIO_SIDE_CLIENT, TRUE, CAIMAN_REASON_LINK_DOWN);
}

/* Also a connect under way: the answer to its SYN is a RST. */
static void
reset (TcpLink *link)
{
  relay_reset (link->relay);
  for (GList *node = link->base.ends[SCENARIO_SIDE_CLIENT].head; node; node = node->next) {
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
  testbed_real_link_fail_ends (&link->base, side, FALSE, CAIMAN_REASON_LINK_IO_ERROR);
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
apply_direction (TestbedRealLink *base, const TestbedFault *fault, SimDirection direction)
{
  TcpLink *link = to_tcp (base);

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

static void
apply (TestbedRealLink *base, const TestbedFault *fault)
{
  TcpLink *link = to_tcp (base);

  switch (fault->kind) {
  case TESTBED_DOWN:
    set_down (link, fault->on);
    break;
  case TESTBED_REFUSE:
    link->refusing = fault->on;
    update_listening (link);
    break;
  case TESTBED_RESET:
    reset (link);
    break;
  case TESTBED_CLOSE:
    relay_close (link->relay);
    break;
  default:
    g_assert_not_reached ();
  }
}

/* --- Life --- */

static CaimanTransport *
connect_end (TestbedRealLink *link, CaimanReason *reason_out)
{
  return tcp_end_connect (to_tcp (link));
}

static void
tcp_link_free (TestbedRealLink *base)
{
  TcpLink *link = to_tcp (base);

  testbed_real_link_clear (base);
  relay_listener_free (link->server);
  relay_free (link->relay);
  g_free (link);
}

static const TestbedRealLinkClass link_class = { .connect = connect_end,
                                                 .set_server = set_server,
                                                 .apply = apply,
                                                 .apply_direction = apply_direction,
                                                 .free = tcp_link_free };

TestbedRealLink *
tcp_link_new (TestbedReal *testbed, guint index, guint64 seed, GError **error)
{
  TcpLink *link = g_new0 (TcpLink, 1);
  const RelayBuffers buffers = { 0 };

  testbed_real_link_init (&link->base, &link_class, testbed, index);
  const ScenarioLink *spec = testbed_real_link_get_spec (&link->base);
  const SimPathConfig config[SIM_N_DIRECTIONS] = {
    testbed_sim_convert_path (&spec->path[SCENARIO_UP]),
    testbed_sim_convert_path (&spec->path[SCENARIO_DOWN]),
  };
  const RelayOptions options = { .name = spec->name,
                                 .run_seed = seed,
                                 .config = config,
                                 .receive_buffer_bytes = (gsize)spec->receive_buffer_bytes,
                                 .lateness = &testbed->lateness };
  link->relay = relay_new (testbed->loop, &options, error);
  if (link->relay)
    link->server = relay_listener_new (testbed->loop, &buffers, accepted, link, error);
  if (!link->server) {
    tcp_link_free (&link->base);
    return NULL;
  }
  relay_set_server_port (link->relay, relay_listener_get_port (link->server));
  set_server (&link->base, FALSE);
  return &link->base;
}
