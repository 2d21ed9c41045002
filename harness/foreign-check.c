/* SPDX-License-Identifier: Apache-2.0 */
/* foreign-check.c - what of a scenario does not work without endpoints of ours. */
#include "harness/foreign.h"

/* Things that are done from above, by an endpoint of ours or its application. */
static gboolean
needs_endpoints (ScenarioVerb verb)
{
  switch (verb) {
  case SCENARIO_VERB_ADD:
  case SCENARIO_VERB_REMOVE:
  case SCENARIO_VERB_BLOCK:
  case SCENARIO_VERB_UNBLOCK:
  case SCENARIO_VERB_DISCONNECT:
  case SCENARIO_VERB_INJECT:
  case SCENARIO_VERB_CRASH:
  case SCENARIO_VERB_RESTART:
  case SCENARIO_VERB_TERMINATE:
  case SCENARIO_VERB_DROP_RECEIVER:
  case SCENARIO_VERB_CLOSE_RECEIVER:
  case SCENARIO_VERB_CLOSE:
  case SCENARIO_VERB_REFUSE:
  case SCENARIO_VERB_ACCEPT:
    return TRUE;
  default:
    return FALSE;
  }
}

static void
add (GPtrArray *refused, const char *what, const char *name, const char *why)
{
  g_ptr_array_add (refused, g_strdup_printf ("%s %s: %s", what, name, why));
}

void
foreign_check (const Scenario *scenario, GPtrArray *refused)
{
  for (guint i = 0; i < scenario->events->len; i++) {
    const ScenarioEvent *event = scenario_get_event (scenario, i);
    if (needs_endpoints (event->verb))
      add (refused, "event", event->name,
           "this is done by caiman's own endpoints, which are not there");
  }
  for (guint i = 0; i < scenario->flows->len; i++) {
    const ScenarioFlow *flow = scenario_get_flow (scenario, i);
    if (flow->mode != SCENARIO_MODE_STREAM)
      add (refused, "traffic", flow->name, "other programs carry streams, and no messages");
  }
  for (guint i = 0; i < scenario->links->len; i++) {
    const ScenarioLink *link = scenario_get_link (scenario, i);
    if (link->starts_ns != 0)
      add (refused, "link", link->name,
           "starts: other programs find all links there from the start");
  }
}
