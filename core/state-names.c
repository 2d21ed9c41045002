/* SPDX-License-Identifier: Apache-2.0 */
/* state-names.c - see state-names.h. */
#include "core/state-names.h"

const char *
caiman_connection_state_to_string (CaimanConnectionState state)
{
  static const char *const names[CAIMAN_N_CONNECTION_STATES] = {
    [CAIMAN_CONNECTION_CONNECTING] = "connecting",
    [CAIMAN_CONNECTION_OPEN] = "open",
    [CAIMAN_CONNECTION_TERMINATING] = "terminating",
    [CAIMAN_CONNECTION_ENDED] = "ended",
  };
  return (guint)state < CAIMAN_N_CONNECTION_STATES ? names[state] : "unknown";
}

const char *
caiman_trace_event_get_state_name (const CaimanTraceEvent *event)
{
  switch (event->type) {
  case CAIMAN_TRACE_CONNECTION_STATE:
    return caiman_connection_state_to_string ((CaimanConnectionState)event->b);
  case CAIMAN_TRACE_LINK_STATE:
    return caiman_link_state_to_string ((CaimanLinkState)event->b);
  case CAIMAN_TRACE_LINK_BLOCKED:
    return event->a ? "blocked" : "free";
  case CAIMAN_TRACE_LINK_SUSPECTED:
    return event->a ? "suspected" : "cleared";
  default:
    return NULL;
  }
}
