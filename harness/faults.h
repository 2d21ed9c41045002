/* SPDX-License-Identifier: Apache-2.0 */
/* faults.h - carries out the scenario's events, and watches that the connection heals from them.
 *
 * An event begins at its time or when a flow has come so far, is undone after `for`, and may begin
 * again. Events that overlap add up: a link is up again when the last of them that has taken it
 * down is over, or when an event says `up`. Nothing here is done from within a call-back of a pump,
 * only from timers. */
#pragma once

#include "core/connection.h"
#include "harness/scenario.h"

G_BEGIN_DECLS

typedef struct _Run Run;
typedef struct _Faults Faults;

/* @run is borrowed; its testbed, traffic, oracle, measure and recorder must be there. Tells the
 * measure the links' capacity from the start. */
Faults *faults_new (Run *run);
void faults_free (Faults *faults); /* accepts NULL; before the testbed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Faults, faults_free)

/* A flow has reached the mark that was set by traffic_watch(). */
void faults_flow_reached (Faults *faults, guint flow);

/* @side's end of a link over @link has come up: it may have to be blocked. */
void faults_link_up (Faults *faults, ScenarioSide side, guint link, CaimanLink *end);

/* Whether the client wants a link over @link now. */
gboolean faults_is_link_present (const Faults *faults, guint link);

G_END_DECLS
