/* SPDX-License-Identifier: Apache-2.0 */
/* scenario-action.h - the "do =" of an event: VERB TARGET [arguments] [for T] [repeat N every T].
 */
#pragma once

#include "harness/scenario-private.h"

G_BEGIN_DECLS

/* Reads @entry into @event, whose trigger is already there; on an error, @event's verb stays
 * SCENARIO_N_VERBS. */
void action_read (const Scenario *scenario, const Fields *fields, const ScanEntry *entry,
                  ScenarioEvent *event);

/* The flow of this name; NULL and *@flow_out, or a message (transfer full). */
char *action_find_flow (const Scenario *scenario, const char *name, guint *flow_out);

G_END_DECLS
