/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-packets.c - what a link that carries a stream instead of packets cannot honour. */
#include "harness/testbed-links.h"

static void
refuse (GPtrArray *refused, const char *where, const char *key)
{
  g_ptr_array_add (
      refused, g_strdup_printf ("%s: %s: a pipe has no packets; carrier = tcp has", where, key));
}

static void
check_direction (const ScenarioLink *link, ScenarioDirection direction, GPtrArray *refused)
{
  const ScenarioPath *path = &link->path[direction];
  const struct {
    gboolean is_set;
    const char *key;
  } knobs[] = {
    { path->rate_trace > 0, "rate = trace()" },
    { path->delay_trace > 0, "delay = trace()" },
    { path->loss_trace > 0, "loss = trace()" },
    { path->discipline.kind != SCENARIO_DISCIPLINE_TAIL_DROP, "queue-discipline" },
    { path->reorders, "reorder" },
    { path->duplicate_ppb > 0, "duplicate" },
    { path->corrupt_ppb > 0, "corrupt-rate" },
    { path->mtu_bytes > 0, "mtu" },
  };
  g_autofree char *where =
      g_strdup_printf ("link %s: %s", link->name, direction == SCENARIO_UP ? "up" : "down");

  for (guint i = 0; i < G_N_ELEMENTS (knobs); i++)
    if (knobs[i].is_set)
      refuse (refused, where, knobs[i].key);
}

static gboolean
is_pipe (const Scenario *scenario, guint link)
{
  return scenario_get_link (scenario, link)->carrier == SCENARIO_CARRIER_PIPE;
}

static void
check_link (const ScenarioLink *link, GPtrArray *refused)
{
  g_autofree char *where = g_strdup_printf ("link %s", link->name);

  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++)
    check_direction (link, (ScenarioDirection)d, refused);
  if (link->bottleneck > 0)
    refuse (refused, where, "bottleneck");
}

static gboolean
has_pipe (const Scenario *scenario, const ScenarioEvent *event)
{
  for (guint i = 0; i < event->targets->len; i++)
    if (is_pipe (scenario, g_array_index (event->targets, ScenarioTarget, i).link))
      return TRUE;
  return FALSE;
}

static void
check_event (const Scenario *scenario, const ScenarioEvent *event, GPtrArray *refused)
{
  g_autofree char *where = g_strdup_printf ("event %s", event->name);

  if (event->verb == SCENARIO_VERB_SET && event->set_mask & SCENARIO_SET_MTU &&
      has_pipe (scenario, event))
    refuse (refused, where, "set mtu");
  if (event->verb == SCENARIO_VERB_REBIND && has_pipe (scenario, event))
    refuse (refused, where, "rebind");
}

void
testbed_refuse_packets (const Scenario *scenario, GPtrArray *refused)
{
  for (guint i = 0; i < scenario->links->len; i++)
    if (is_pipe (scenario, i))
      check_link (scenario_get_link (scenario, i), refused);
  for (guint i = 0; i < scenario->cross->len; i++) {
    const ScenarioCross *cross = scenario_get_cross (scenario, i);
    g_autofree char *where = g_strdup_printf ("cross-traffic %s", cross->name);
    if (!cross->is_shared && is_pipe (scenario, cross->index))
      refuse (refused, where, "through");
  }
  for (guint i = 0; i < scenario->events->len; i++)
    check_event (scenario, scenario_get_event (scenario, i), refused);
}
