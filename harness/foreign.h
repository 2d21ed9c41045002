/* SPDX-License-Identifier: Apache-2.0 */
/* foreign.h - a run in the lab whose traffic something else carries: other programs (a tunnel at
 * either side), or TCP or MPTCP of the kernel alone. Links, faults, traffic, checks of content and
 * metrics of flows are those of any other run; there are no endpoints of ours.
 *
 * The harness connects to an entry in the client's namespace and listens at a target in the
 * server's; what goes in here comes out there. t = 0 is when that connection stands from end to
 * end. */
#pragma once

#include "harness/run.h"

G_BEGIN_DECLS

typedef struct _Run Run;
typedef struct _Foreign Foreign;

/* The ports of entry and target, both on 127.0.0.1; also told in the environment. */
#define FOREIGN_ENTRY_PORT  7000
#define FOREIGN_TARGET_PORT 7001

/* Adds a text for each knob of @scenario that does not work without endpoints of ours, or, where
 * other programs carry the traffic, without sockets of ours. */
void foreign_check (const Scenario *scenario, const RunForeign *spec, GPtrArray *refused);

/* @run's testbed is the lab; both are borrowed. Makes sockets, starts programs, and waits until the
 * connection stands. NULL: it does not come to that. */
Foreign *foreign_new (Run *run, const RunForeign *spec, GError **error);

/* The traffic begins; run() of the testbed comes next. */
void foreign_begin (Foreign *foreign);

/* Ends programs and sockets. Accepts NULL; before the testbed. */
void foreign_free (Foreign *foreign);

G_END_DECLS
