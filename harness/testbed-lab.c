/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-lab.c - the testbed itself: a TestbedReal whose links are an emulator's. */
#include "harness/testbed-lab-private.h"

#include "harness/testbed-sim.h"
#include "lab/namespace.h"
#include "lab/priority.h"

#include <sys/epoll.h>

static TestbedLab *
to_lab (Testbed *self)
{
  return (TestbedLab *)self;
}

static gint64
lab_get_queue_bytes (Testbed *self, guint link, ScenarioDirection direction)
{
  return (gint64)lab_emulator_get_queue_bytes (to_lab (self)->emulator, link,
                                               (SimDirection)direction);
}

static gint64
lab_get_wire_bytes (Testbed *self, guint link, ScenarioDirection direction)
{
  return (gint64)lab_emulator_get_wire_bytes (to_lab (self)->emulator, link,
                                              (SimDirection)direction);
}

/* --- Running --- */

static void
packet_was_late (gpointer user_data, gint64 lateness_ns)
{
  histogram_add (&((TestbedLab *)user_data)->lateness, lateness_ns);
}

void
testbed_lab_start_network (TestbedLab *self)
{
  if (self->network_runs)
    return;
  self->network_runs = TRUE;
  lab_priority_set (LAB_PRIORITY_ENDPOINT);
  lab_emulator_start (self->emulator);
}

const char *
testbed_lab_get_congestion (const TestbedLab *self, guint link)
{
  const ScenarioLink *spec = scenario_get_link (self->base.scenario, link);

  return scenario_congestion_to_string (spec->tcp.congestion);
}

static void
lab_run (Testbed *self, gint64 until_ns)
{
  TestbedLab *lab = to_lab (self);

  testbed_lab_start_network (lab);
  testbed_real_run (self, until_ns);
  lab_emulator_stop (lab->emulator);
  lab_priority_set (LAB_PRIORITY_ORDINARY);
}

static void
lab_get_timing (Testbed *self, TestbedTiming *timing_out)
{
  const TestbedLab *lab = to_lab (self);

  testbed_real_get_timing (self, timing_out);
  timing_out->network_timer_ns = lab_emulator_get_timer_resolution (lab->emulator);
  timing_out->network_lateness_p99_ns = histogram_get_quantile (&lab->lateness, 990000);
  timing_out->network_lateness_max_ns = histogram_get_max (&lab->lateness);
  timing_out->network_cpu_ns = lab_emulator_get_cpu (lab->emulator);
}

/* --- Life --- */

static void
has_broken (CaimanLoopWatch *watch, guint32 epoll_events)
{
  TestbedLab *lab = (TestbedLab *)((char *)watch - G_STRUCT_OFFSET (TestbedLab, broken_watch));
  g_autoptr (GError) error = g_error_new_literal (LAB_ERROR, LAB_ERROR_FAILED,
                                                  "a program has removed the interface of a link");

  caiman_loop_remove_watch (watch);
  lab->broken_is_watched = FALSE;
  testbed_real_fail (&lab->base, error);
}

static gboolean
watch_emulator (TestbedLab *lab, GError **error)
{
  lab->broken_watch.ready = has_broken;
  lab->broken_is_watched =
      caiman_loop_add_watch (lab->base.loop, &lab->broken_watch,
                             lab_emulator_get_broken_fd (lab->emulator), EPOLLIN, error);
  return lab->broken_is_watched;
}

static void
lab_free (Testbed *self)
{
  TestbedLab *lab = to_lab (self);

  if (lab->broken_is_watched)
    caiman_loop_remove_watch (&lab->broken_watch);
  if (lab->network_runs)
    lab_priority_set (LAB_PRIORITY_ORDINARY);
  testbed_real_stop_all (&lab->base);
  lab_emulator_free (lab->emulator);
  g_ptr_array_unref (lab->bottlenecks);
  testbed_real_clear (&lab->base);
  histogram_clear (&lab->lateness);
  g_free (lab);
}

static void
make_bottlenecks (TestbedLab *lab, guint64 seed)
{
  const Scenario *scenario = lab->base.scenario;

  for (guint i = 0; i < scenario->bottlenecks->len; i++) {
    for (guint d = 0; d < SIM_N_DIRECTIONS; d++)
      g_ptr_array_add (lab->bottlenecks,
                       testbed_sim_new_bottleneck (scenario, i, d, seed, NULL, NULL, 0));
  }
}

/* (nullable) The one that @link shares. */
static SimBottleneck *
get_bottleneck (const TestbedLab *lab, const ScenarioLink *link, SimDirection direction)
{
  if (link->bottleneck == 0)
    return NULL;
  return g_ptr_array_index (lab->bottlenecks,
                            (link->bottleneck - 1) * SIM_N_DIRECTIONS + direction);
}

/* The sender's interface knows what the first hop takes, as far as it may ever grow; what vanishes
 * without a word is further away. */
static guint
get_mtu (const Scenario *scenario, guint link, ScenarioDirection direction)
{
  const ScenarioPath *path = &scenario_get_link (scenario, link)->path[direction];

  if (path->mtu_bytes == 0 || path->mtu_is_blackhole)
    return LAB_MTU_BYTES;
  gint64 mtu_bytes = path->mtu_bytes;
  for (guint i = 0; i < scenario->events->len; i++) {
    const ScenarioEvent *event = scenario_get_event (scenario, i);
    const ScenarioPath *set = &event->set_path;
    if (event->verb == SCENARIO_VERB_SET && event->set_mask & SCENARIO_SET_MTU)
      mtu_bytes = MAX (mtu_bytes, set->mtu_bytes > 0 ? set->mtu_bytes : LAB_MTU_BYTES);
  }
  return (guint)mtu_bytes;
}

static LabEmulator *
make_emulator (TestbedLab *lab, guint64 seed, GError **error)
{
  const Scenario *scenario = lab->base.scenario;
  guint n_links = scenario->links->len;
  g_autofree SimPathConfig *configs = g_new0 (SimPathConfig, n_links * SIM_N_DIRECTIONS);
  g_autofree LabLinkOptions *links = g_new0 (LabLinkOptions, n_links);
  g_autoptr (GPtrArray) cross = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);

  make_bottlenecks (lab, seed);
  for (guint i = 0; i < n_links; i++) {
    const ScenarioLink *link = scenario_get_link (scenario, i);
    for (guint d = 0; d < SIM_N_DIRECTIONS; d++) {
      GArray *sources = g_array_new (FALSE, FALSE, sizeof (SimCrossConfig));
      g_ptr_array_add (cross, sources);
      configs[i * SIM_N_DIRECTIONS + d] =
          testbed_sim_convert_direction (scenario, i, d, get_bottleneck (lab, link, d), sources);
    }
    links[i] = (LabLinkOptions) { .name = link->name,
                                  .initial_window = (guint)link->tcp.initial_window,
                                  .congestion = testbed_lab_get_congestion (lab, i),
                                  .config = &configs[i * SIM_N_DIRECTIONS],
                                  .mtu_bytes = { get_mtu (scenario, i, SCENARIO_UP),
                                                 get_mtu (scenario, i, SCENARIO_DOWN) } };
  }
  const LabEmulatorOptions options = { .links = links,
                                       .n_links = n_links,
                                       .bottlenecks = (SimBottleneck **)lab->bottlenecks->pdata,
                                       .n_bottlenecks = lab->bottlenecks->len,
                                       .run_seed = seed };
  return lab_emulator_new (&options, packet_was_late, lab, error);
}

static void
free_bottleneck (gpointer bottleneck)
{
  sim_bottleneck_free (bottleneck);
}

static Testbed *
lab_create (const Scenario *scenario, guint64 seed, const TestbedHandler *handler,
            gpointer user_data, GError **error)
{
  TestbedLab *self = g_new0 (TestbedLab, 1);

  histogram_init (&self->lateness);
  self->bottlenecks = g_ptr_array_new_with_free_func (free_bottleneck);
  if (testbed_real_init (&self->base, &testbed_lab_class, scenario, handler, user_data, error))
    self->emulator = make_emulator (self, seed, error);
  if (!self->emulator || !watch_emulator (self, error)) {
    lab_free (&self->base.base);
    return NULL;
  }
  for (guint i = 0; i < scenario->links->len; i++)
    testbed_real_take_link (&self->base, testbed_lab_link_new (self, i));
  return &self->base.base;
}

const TestbedClass testbed_lab_class = {
  .name = "lab",
  .check = testbed_lab_check,
  .create = lab_create,
  .free = lab_free,
  .now = testbed_real_now,
  .start = testbed_real_start,
  .stop = testbed_real_stop,
  .add_link = testbed_real_add_link,
  .remove_link = testbed_real_remove_link,
  .apply = testbed_real_apply,
  .find_link = testbed_real_find_link,
  .after_packets = testbed_real_after_packets,
  .get_queue_bytes = lab_get_queue_bytes,
  .get_wire_bytes = lab_get_wire_bytes,
  .get_steps = testbed_real_get_steps,
  .timer_new = testbed_real_timer_new,
  .timer_arm = testbed_real_timer_arm,
  .timer_free = testbed_real_timer_free,
  .run = lab_run,
  .quit = testbed_real_quit,
  .get_timing = lab_get_timing,
};
