/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-lab-check.c - what real kernel TCP over impaired packets cannot honour. */
#include "harness/testbed-lab-private.h"

#include "lab/namespace.h"
#include "sim/trace.h"

#include <unistd.h>

/* All links together, both ways: one thread moves every packet. */
#define RATE_MAX_BPS G_GINT64_CONSTANT (400000000)

/* (nullable) (transfer full) Why there can be no lab at all. */
static char *
find_obstacle (void)
{
  g_autoptr (GError) error = NULL;
  int fd = lab_namespace_new (&error);

  if (fd < 0)
    return g_strdup_printf ("testbed lab: %s", error->message);
  close (fd);
  return NULL;
}

static void
check_link (const ScenarioLink *link, GPtrArray *refused)
{
  if (link->carrier != SCENARIO_CARRIER_TCP)
    g_ptr_array_add (
        refused, g_strdup_printf ("link %s: carrier = %s: a link of the testbed lab is real TCP, "
                                  "which is carrier = tcp",
                                  link->name, scenario_carrier_to_string (link->carrier)));
}

/* A rate, or the mean of what it follows. */
static gint64
get_rate (const Scenario *scenario, const ScenarioPath *path)
{
  return path->rate_trace > 0
             ? sim_trace_get_mean_rate (scenario_get_trace (scenario, path->rate_trace - 1)->trace)
             : path->rate_bps;
}

/* The most that a direction of a link ever has. */
static gint64
get_peak (const Scenario *scenario, guint link, ScenarioDirection direction)
{
  gint64 peak_bps = get_rate (scenario, &scenario_get_link (scenario, link)->path[direction]);

  for (guint i = 0; i < scenario->events->len; i++) {
    const ScenarioEvent *event = scenario_get_event (scenario, i);
    if (event->verb != SCENARIO_VERB_SET || !(event->set_mask & SCENARIO_SET_RATE))
      continue;
    for (guint t = 0; t < event->targets->len; t++) {
      const ScenarioTarget *target = &g_array_index (event->targets, ScenarioTarget, t);
      if (target->link == link && target->directions & 1u << direction)
        peak_bps = MAX (peak_bps, get_rate (scenario, &event->set_path));
    }
  }
  return peak_bps;
}

static void
check_rates (const Scenario *scenario, GPtrArray *refused)
{
  gint64 sum_bps = 0;

  for (guint i = 0; i < scenario->links->len; i++) {
    for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++)
      sum_bps += MIN (get_peak (scenario, i, d), RATE_MAX_BPS + 1);
  }
  if (sum_bps > RATE_MAX_BPS)
    g_ptr_array_add (refused, g_strdup ("links: rate: the testbed lab moves 400 mbit in real time, "
                                        "all links and both directions together; sim has no "
                                        "limit"));
}

GPtrArray *
testbed_lab_check (const Scenario *scenario)
{
  GPtrArray *refused = g_ptr_array_new_with_free_func (g_free);
  char *obstacle;

  for (guint i = 0; i < scenario->links->len; i++)
    check_link (scenario_get_link (scenario, i), refused);
  if (scenario->links->len > LAB_LINKS_MAX)
    g_ptr_array_add (
        refused, g_strdup_printf ("links: the testbed lab has at most %d of them", LAB_LINKS_MAX));
  check_rates (scenario, refused);
  if (refused->len == 0 && (obstacle = find_obstacle ()) != NULL)
    g_ptr_array_add (refused, obstacle);
  return refused;
}
