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

static void
check_link (const ScenarioLink *link, const RunForeign *spec, GPtrArray *refused)
{
  const ScenarioLinkTerms *terms = &link->terms[SCENARIO_SIDE_CLIENT];
  const ScenarioTcp *tcp = &link->tcp;
  gboolean has_socket_options = tcp->send_buffer_bytes != SCENARIO_BUFFER_AUTO ||
                                link->receive_buffer_bytes != SCENARIO_BUFFER_AUTO ||
                                tcp->user_timeout_ns != CAIMAN_TIME_NEVER;

  if (link->starts_ns != 0)
    add (refused, "link", link->name, "starts: other programs find all links there from the start");
  if (terms->quota_bytes > 0 || terms->cost != 0)
    add (refused, "link", link->name, "cost, quota: only caiman's own endpoints know of them");
  if (spec->direct == RUN_DIRECT_NONE && has_socket_options)
    add (refused, "link", link->name,
         "send-buffer, receive-buffer, user-timeout: other programs' sockets are their own");
}

void
foreign_check (const Scenario *scenario, const RunForeign *spec, GPtrArray *refused)
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
  for (guint i = 0; i < scenario->links->len; i++)
    check_link (scenario_get_link (scenario, i), spec, refused);
}
