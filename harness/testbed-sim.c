/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-sim.c - see testbed-sim.h. One SimNetwork path per scenario link, of the same name; the
 * pumps' loop is two timers of the simulator's queue. */
#include "harness/testbed-sim.h"

#include "harness/testbed-links.h"
#include "harness/testbed-sim-shared.h"
#include "sim/network.h"
#include "transports/tcp.h"

typedef struct {
  TestbedTimer base;
  CaimanTimer timer;
} Timer;

/* One pump's loop. */
typedef struct {
  Testbed *testbed;
  ScenarioSide side;
  CaimanTimer deadline, wake;
} Loop;

typedef struct {
  Testbed base;
  const Scenario *scenario;
  const TestbedHandler *handler;
  gpointer user_data;
  CaimanTimerQueue *queue;
  SimNetwork *network;
  TestbedSimShared *shared;
  GPtrArray *paths; /* of SimLinkPath (borrowed), by scenario link */
  Loop loop[SCENARIO_N_SIDES];
  TestbedLinks links;
  gboolean quit;
} TestbedSim;

static TestbedSim *
to_sim (Testbed *self)
{
  return (TestbedSim *)self;
}

static SimDirections
convert_directions (ScenarioDirections directions)
{
  G_STATIC_ASSERT ((int)SIM_DIRECTIONS_UP == (int)SCENARIO_ONLY_UP);
  G_STATIC_ASSERT ((int)SIM_DIRECTIONS_DOWN == (int)SCENARIO_ONLY_DOWN);
  return (SimDirections)directions;
}

/* --- check --- */

static void
check_direction (const ScenarioLink *link, ScenarioDirection direction, GPtrArray *refused)
{
  SimPathConfig config = testbed_sim_convert_path (&link->path[direction]);

  if (!sim_path_config_is_valid (&config))
    g_ptr_array_add (refused,
                     g_strdup_printf ("link %s: %s: a value is beyond what the simulator can do",
                                      link->name, direction == SCENARIO_UP ? "up" : "down"));
}

static GPtrArray *
sim_check (const Scenario *scenario)
{
  GPtrArray *refused = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < scenario->links->len; i++) {
    const ScenarioLink *link = scenario_get_link (scenario, i);
    for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++)
      check_direction (link, d, refused);
  }
  testbed_refuse_packets (scenario, refused);
  return refused;
}

/* --- Links --- */

static void
accept_end (gpointer user_data, SimLinkPath *path, CaimanTransport *end)
{
  TestbedSim *sim = user_data;

  testbed_links_accept (&sim->links, GPOINTER_TO_UINT (sim_link_path_get_user_data (path)), end);
}

static CaimanTransport *
open_transport (gpointer user_data, guint32 path_id, CaimanReason *reason_out)
{
  const Loop *loop = user_data;
  TestbedSim *sim = to_sim (loop->testbed);
  guint link = testbed_links_get_path (&sim->links, path_id);

  return sim_link_path_connect (g_ptr_array_index (sim->paths, link));
}

static void
sim_add_link (Testbed *self, guint link, gint64 start_ns)
{
  testbed_links_add (&to_sim (self)->links, link, start_ns);
}

static void
sim_remove_link (Testbed *self, guint link)
{
  testbed_links_remove (&to_sim (self)->links, link);
}

static int
sim_find_link (Testbed *self, ScenarioSide side, guint32 link_id)
{
  return testbed_links_find (&to_sim (self)->links, side, link_id);
}

/* --- Pumps --- */

static gint64
loop_now (gpointer user_data)
{
  const Loop *loop = user_data;
  return caiman_timer_queue_now (to_sim (loop->testbed)->queue);
}

static void
loop_arm (gpointer user_data, gint64 deadline_ns)
{
  Loop *loop = user_data;
  CaimanTimerQueue *queue = to_sim (loop->testbed)->queue;

  caiman_timer_queue_arm (queue, &loop->deadline,
                          MAX (deadline_ns, caiman_timer_queue_now (queue)));
}

static void
loop_wake (gpointer user_data)
{
  Loop *loop = user_data;
  CaimanTimerQueue *queue = to_sim (loop->testbed)->queue;

  if (!caiman_timer_is_armed (&loop->wake))
    caiman_timer_queue_arm (queue, &loop->wake, caiman_timer_queue_now (queue));
}

static void
run_pump (gpointer user_data)
{
  Loop *loop = user_data;

  caiman_pump_run (loop->testbed->pump[loop->side]);
}

static void
pump_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  Loop *loop = user_data;
  TestbedSim *sim = to_sim (loop->testbed);

  sim->handler->event (sim->user_data, loop->side, connection, event);
}

static void
pump_incoming (gpointer user_data, CaimanConnection *pending)
{
  Loop *loop = user_data;
  TestbedSim *sim = to_sim (loop->testbed);

  sim->handler->incoming (sim->user_data, pending);
}

static void
pump_gone (gpointer user_data, CaimanConnection *pending)
{
  Loop *loop = user_data;
  TestbedSim *sim = to_sim (loop->testbed);

  sim->handler->gone (sim->user_data, pending);
}

static CaimanPump *
sim_start (Testbed *self, ScenarioSide side, const CaimanConfig *config, const CaimanRandom *random)
{
  static const CaimanPumpHandler handler = {
    .event = pump_event, .incoming = pump_incoming, .gone = pump_gone, .open = open_transport
  };
  TestbedSim *sim = to_sim (self);
  Loop *loop = &sim->loop[side];
  CaimanPumpLoop functions = {
    .now = loop_now, .arm = loop_arm, .wake = loop_wake, .user_data = loop
  };

  g_assert (!self->pump[side]);
  testbed_links_restart (&sim->links, side);
  if (side == SCENARIO_SIDE_SERVER) {
    self->pump[side] = caiman_pump_new_server (config, random, &functions, &handler, loop);
    sim_network_set_accept (sim->network, accept_end, sim);
  } else {
    self->pump[side] = caiman_pump_new_client (config, random, &functions, &handler, loop);
  }
  return self->pump[side];
}

static void
sim_stop (Testbed *self, ScenarioSide side)
{
  TestbedSim *sim = to_sim (self);

  if (side == SCENARIO_SIDE_SERVER)
    sim_network_set_accept (sim->network, NULL, NULL);
  g_clear_pointer (&self->pump[side], caiman_pump_free);
  caiman_timer_queue_disarm (sim->queue, &sim->loop[side].deadline);
  caiman_timer_queue_disarm (sim->queue, &sim->loop[side].wake);
}

/* --- Faults --- */

static void
apply_set (SimLinkPath *path, const TestbedFault *fault)
{
  SimDirections which = convert_directions (fault->directions);
  SimPathConfig config = testbed_sim_convert_path (fault->path);

  if (fault->set_mask & SCENARIO_SET_RATE)
    sim_link_path_set_rate (path, which, config.rate_bps);
  if (fault->set_mask & SCENARIO_SET_DELAY)
    sim_link_path_set_delay (path, which, config.delay_ns);
  if (fault->set_mask & SCENARIO_SET_JITTER)
    sim_link_path_set_jitter (path, which, &config.jitter);
  if (fault->set_mask & SCENARIO_SET_LOSS)
    sim_link_path_set_loss (path, which, &config.loss);
  if (fault->set_mask & SCENARIO_SET_QUEUE)
    sim_link_path_set_queue (path, which, &config.queue);
  if (fault->set_mask & SCENARIO_SET_MTU)
    sim_link_path_set_mtu (path, which, config.mtu_bytes, config.mtu_is_blackhole);
}

static void
sim_apply (Testbed *self, const TestbedFault *fault)
{
  SimLinkPath *path = g_ptr_array_index (to_sim (self)->paths, fault->link);
  SimDirections which = convert_directions (fault->directions);

  switch (fault->kind) {
  case TESTBED_DOWN:
    sim_link_path_set_down (path, fault->on);
    break;
  case TESTBED_BLACKHOLE:
    sim_link_path_set_blackhole (path, which, fault->on);
    break;
  case TESTBED_PAUSE:
    sim_link_path_set_paused (path, which, fault->on);
    break;
  case TESTBED_REFUSE:
    sim_link_path_set_refusing (path, fault->on);
    break;
  case TESTBED_CORRUPT:
    sim_link_path_corrupt (path, which, fault->count);
    break;
  case TESTBED_RESET:
    sim_link_path_reset (path);
    break;
  case TESTBED_CLOSE:
    sim_link_path_close (path);
    break;
  case TESTBED_HALF_OPEN:
    sim_link_path_half_open (path, which);
    break;
  case TESTBED_REBIND:
    sim_link_path_rebind (path);
    break;
  case TESTBED_SET:
    apply_set (path, fault);
    break;
  }
}

static void
sim_set_capture (Testbed *self, Capture *capture)
{
  sim_network_set_tap (to_sim (self)->network, capture_tap, capture);
}

static gint64
sim_get_queue_bytes (Testbed *self, guint link, ScenarioDirection direction)
{
  const SimLinkPath *path = g_ptr_array_index (to_sim (self)->paths, link);

  return (gint64)sim_link_path_get_queued_bytes (path, (SimDirection)direction);
}

static gint64
sim_get_wire_bytes (Testbed *self, guint link, ScenarioDirection direction)
{
  const SimLinkPath *path = g_ptr_array_index (to_sim (self)->paths, link);

  return (gint64)sim_link_path_get_stats (path, (SimDirection)direction)->bytes;
}

/* --- Timers and the loop --- */

static TestbedTimer *
sim_timer_make (Testbed *self, TestbedTimerFunc func, gpointer user_data)
{
  Timer *timer = g_new0 (Timer, 1);

  timer->base.testbed = self;
  caiman_timer_init (&timer->timer, func, user_data);
  return &timer->base;
}

static void
sim_timer_set (TestbedTimer *timer, gint64 at_ns)
{
  CaimanTimerQueue *queue = to_sim (timer->testbed)->queue;

  caiman_timer_queue_arm (queue, &((Timer *)timer)->timer,
                          MAX (at_ns, caiman_timer_queue_now (queue)));
}

static void
sim_timer_drop (TestbedTimer *timer)
{
  caiman_timer_queue_disarm (to_sim (timer->testbed)->queue, &((Timer *)timer)->timer);
  g_free (timer);
}

static gint64
sim_now (Testbed *self)
{
  return caiman_timer_queue_now (to_sim (self)->queue);
}

static guint64
sim_get_steps (Testbed *self)
{
  return caiman_timer_queue_get_events_run (to_sim (self)->queue);
}

static void
sim_run (Testbed *self, gint64 until_ns)
{
  TestbedSim *sim = to_sim (self);

  while (!sim->quit && caiman_timer_queue_get_next (sim->queue) <= until_ns) {
    if (!caiman_timer_queue_step (sim->queue))
      break;
  }
  if (!sim->quit)
    caiman_timer_queue_run_until (sim->queue, until_ns);
}

static void
sim_quit (Testbed *self)
{
  to_sim (self)->quit = TRUE;
}

/* --- Life --- */

static void
set_sockets (SimLinkPath *path, const ScenarioLink *link)
{
  const ScenarioTcp *tcp = &link->tcp;
  SimTcpConfig config;

  sim_link_path_set_connect_timeout (path, link->connect_timeout_ns);
  if (link->receive_buffer_bytes != SCENARIO_BUFFER_AUTO)
    sim_link_path_set_receive_buffer (path, (gsize)link->receive_buffer_bytes);
  if (link->carrier != SCENARIO_CARRIER_TCP)
    return;
  G_STATIC_ASSERT ((int)SIM_TCP_RENO == (int)SCENARIO_CONGESTION_RENO);
  G_STATIC_ASSERT ((int)SIM_TCP_CUBIC == (int)SCENARIO_CONGESTION_CUBIC);
  G_STATIC_ASSERT ((int)SIM_TCP_BBR == (int)SCENARIO_CONGESTION_BBR);
  sim_tcp_config_init (&config);
  config.congestion_control = (SimTcpCcKind)tcp->congestion;
  config.initial_window = (guint32)tcp->initial_window;
  config.send_buffer_bytes = tcp->send_buffer_bytes;
  if (tcp->is_paced)
    config.pacing_rtt_ns = CAIMAN_TCP_PACING_RTT_NS;
  if (tcp->user_timeout_ns != CAIMAN_TIME_NEVER)
    config.user_timeout_ns = tcp->user_timeout_ns;
  sim_link_path_set_tcp (path, &config);
}

static void
add_path (TestbedSim *sim, guint i)
{
  const ScenarioLink *link = scenario_get_link (sim->scenario, i);
  SimCarrierKind kind = link->carrier == SCENARIO_CARRIER_TCP ? SIM_CARRIER_TCP : SIM_CARRIER_PIPE;
  SimPathConfig config[SIM_N_DIRECTIONS];
  GArray *cross[SIM_N_DIRECTIONS];

  for (guint d = 0; d < SIM_N_DIRECTIONS; d++) {
    cross[d] = g_array_new (FALSE, FALSE, sizeof (SimCrossConfig));
    config[d] = testbed_sim_convert_direction (
        sim->scenario, i, d, testbed_sim_shared_get (sim->shared, link, d), cross[d]);
  }
  SimLinkPath *path = sim_network_add_path (sim->network, link->name, kind, config);
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++)
    g_array_unref (cross[d]);
  sim_link_path_set_user_data (path, GUINT_TO_POINTER (i));
  set_sockets (path, link);
  g_ptr_array_add (sim->paths, path);
}

static Testbed *
sim_create (const Scenario *scenario, guint64 seed, const TestbedHandler *handler,
            gpointer user_data, GError **error)
{
  TestbedSim *sim = g_new0 (TestbedSim, 1);

  sim->base.klass = &testbed_sim_class;
  sim->scenario = scenario;
  sim->handler = handler;
  sim->user_data = user_data;
  sim->queue = caiman_timer_queue_new ();
  sim->network = sim_network_new (sim->queue, seed);
  sim->shared = testbed_sim_shared_new (scenario, sim->queue, seed);
  sim->paths = g_ptr_array_new ();
  testbed_links_init (&sim->links, &sim->base, scenario);
  for (guint s = 0; s < SCENARIO_N_SIDES; s++) {
    sim->loop[s] = (Loop) { .testbed = &sim->base, .side = s };
    caiman_timer_init (&sim->loop[s].deadline, run_pump, &sim->loop[s]);
    caiman_timer_init (&sim->loop[s].wake, run_pump, &sim->loop[s]);
  }
  for (guint i = 0; i < scenario->links->len; i++)
    add_path (sim, i);
  return &sim->base;
}

static void
sim_free (Testbed *self)
{
  TestbedSim *sim = to_sim (self);

  for (guint s = 0; s < SCENARIO_N_SIDES; s++)
    sim_stop (self, s);
  sim_network_free (sim->network);
  testbed_sim_shared_free (sim->shared);
  caiman_timer_queue_free (sim->queue);
  g_ptr_array_unref (sim->paths);
  testbed_links_clear (&sim->links);
  g_free (sim);
}

const TestbedClass testbed_sim_class = {
  .name = "sim",
  .check = sim_check,
  .create = sim_create,
  .free = sim_free,
  .now = sim_now,
  .start = sim_start,
  .stop = sim_stop,
  .add_link = sim_add_link,
  .remove_link = sim_remove_link,
  .apply = sim_apply,
  .find_link = sim_find_link,
  .set_capture = sim_set_capture,
  .get_queue_bytes = sim_get_queue_bytes,
  .get_wire_bytes = sim_get_wire_bytes,
  .get_steps = sim_get_steps,
  .timer_new = sim_timer_make,
  .timer_arm = sim_timer_set,
  .timer_free = sim_timer_drop,
  .run = sim_run,
  .quit = sim_quit,
};
