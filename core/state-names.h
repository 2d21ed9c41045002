/* SPDX-License-Identifier: Apache-2.0 */
/* state-names.h - what the states of connections and links are called, where people and records
 * are told of them. */
#pragma once

#include "core/connection.h"
#include "core/trace.h"

G_BEGIN_DECLS

/* Static: "connecting", "open", "terminating", "ended"; "unknown" outside the list. */
const char *caiman_connection_state_to_string (CaimanConnectionState state);

/* What an event that tells of a change of state has changed it to, e.g. "open", "not-working",
 * "blocked", "cleared"; static. NULL: events of its type tell of something else. */
const char *caiman_trace_event_get_state_name (const CaimanTraceEvent *event);

G_END_DECLS
