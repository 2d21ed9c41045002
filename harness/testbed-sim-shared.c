/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-sim-shared.c - see testbed-sim-shared.h. */
#include "harness/testbed-sim-shared.h"

#include "harness/testbed-sim.h"

typedef struct {
  SimBottleneck *bottleneck; /* (owned) */
  CaimanTimerQueue *queue;
  CaimanTimer timer; /* its deadline */
} Shared;

struct _TestbedSimShared {
  CaimanTimerQueue *queue;
  guint n; /* of bottlenecks; two directions each */
  Shared *all;
};

static void
run (gpointer user_data)
{
  Shared *shared = user_data;
  gint64 now_ns = caiman_timer_queue_now (shared->queue);

  sim_bottleneck_advance (shared->bottleneck, now_ns);
  caiman_timer_queue_arm (shared->queue, &shared->timer,
                          MAX (sim_bottleneck_get_deadline (shared->bottleneck), now_ns));
}

/* A path has passed a packet on; the bottleneck may not be asked from here. */
static void
due (gpointer user_data)
{
  Shared *shared = user_data;

  caiman_timer_queue_arm (shared->queue, &shared->timer, caiman_timer_queue_now (shared->queue));
}

TestbedSimShared *
testbed_sim_shared_new (const Scenario *scenario, CaimanTimerQueue *queue, guint64 seed)
{
  TestbedSimShared *self = g_new0 (TestbedSimShared, 1);
  gint64 now_ns = caiman_timer_queue_now (queue);

  self->queue = queue;
  self->n = scenario->bottlenecks->len;
  self->all = g_new0 (Shared, SCENARIO_N_DIRECTIONS * MAX (self->n, 1));
  for (guint i = 0; i < SCENARIO_N_DIRECTIONS * self->n; i++) {
    Shared *shared = &self->all[i];
    shared->queue = queue;
    caiman_timer_init (&shared->timer, run, shared);
    shared->bottleneck = testbed_sim_new_bottleneck (
        scenario, i / SCENARIO_N_DIRECTIONS, i % SCENARIO_N_DIRECTIONS, seed, due, shared, now_ns);
    caiman_timer_queue_arm (queue, &shared->timer,
                            MAX (sim_bottleneck_get_deadline (shared->bottleneck), now_ns));
  }
  return self;
}

void
testbed_sim_shared_free (TestbedSimShared *self)
{
  for (guint i = 0; i < SCENARIO_N_DIRECTIONS * self->n; i++) {
    caiman_timer_queue_disarm (self->queue, &self->all[i].timer);
    sim_bottleneck_free (self->all[i].bottleneck);
  }
  g_free (self->all);
  g_free (self);
}

SimBottleneck *
testbed_sim_shared_get (TestbedSimShared *self, const ScenarioLink *link,
                        ScenarioDirection direction)
{
  if (link->bottleneck == 0)
    return NULL;
  return self->all[SCENARIO_N_DIRECTIONS * (link->bottleneck - 1) + direction].bottleneck;
}
