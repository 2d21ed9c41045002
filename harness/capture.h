/* SPDX-License-Identifier: Apache-2.0 */
/* capture.h - what a packet capture on one of the two machines of a simulated run would show.
 *
 * Simulated TCP has segments, and they are there as they are. The simulated pipe has none, so they
 * are made up around what it carried (docs/export.md): each connection becomes a TCP conversation
 * with right sequence numbers, cut at the MSS. What the watched machine sends is there when it has
 * left, what it receives when it has got it; what is lost on the way in is not there. Payload, its
 * order and all times are those of the run. One interface per link. */
#pragma once

#include "harness/scenario.h"
#include "sim/tap.h"

#include <stdio.h>

G_BEGIN_DECLS

typedef struct _Capture Capture;

/* Begins a capture of @scenario's links (borrowed) at @side on @file (borrowed). */
Capture *capture_new (FILE *file, const Scenario *scenario, guint64 seed, ScenarioSide side);
void capture_free (Capture *capture); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Capture, capture_free)

/* A SimTapFunc; paths have the number of their link as user data. */
void capture_tap (gpointer capture, const SimTapEvent *event);

guint64 capture_get_packets (const Capture *capture);

/* Writes what is left. FALSE with a GError (file): not all could be written. */
gboolean capture_finish (Capture *capture, GError **error);

G_END_DECLS
