/* SPDX-License-Identifier: Apache-2.0 */
/* flows.h - the TCP connections that a link has seen, and what middleboxes do to them: reset them,
 * swallow what one of two dead ends would still say, or forget which address they were given.
 *
 * All of it concerns the connections that are known at that moment; a new SYN makes a new one. At
 * most LAB_FLOWS_MAX are known, then the oldest is forgotten. Pure code; packets come in and go
 * out. */
#pragma once

#include "lab/segment.h"
#include "sim/path.h"

G_BEGIN_DECLS

#define LAB_FLOWS_MAX 4096

typedef struct _LabFlows LabFlows;

typedef enum {
  LAB_FLOW_PASS,
  LAB_FLOW_DROP,
  LAB_FLOW_ANSWER_RESET, /* drop it, and answer its sender with lab_segment_make_reset() */
} LabFlowVerdict;

/* A forged packet for the end that receives in @direction. */
typedef void (*LabForgeFunc) (gpointer user_data, SimDirection direction, const guint8 *packet,
                              gsize size);

LabFlows *lab_flows_new (void);
void lab_flows_free (LabFlows *flows); /* accepts NULL */

/* An end has sent @segment in @direction; it may be changed (its port). */
LabFlowVerdict lab_flows_sent (LabFlows *flows, LabSegment *segment, SimDirection direction);

/* @segment is about to arrive; it may be changed. The answer is PASS or DROP. */
LabFlowVerdict lab_flows_arrives (LabFlows *flows, LabSegment *segment, SimDirection direction);

/* A middlebox ends all connections: a reset to both ends of each at once, and in answer to whatever
 * they still send. What is on its way is gone. */
void lab_flows_reset (LabFlows *flows, LabForgeFunc forge, gpointer user_data);

/* The end of each connection that sends in @direction has vanished: nothing of it leaves any more,
 * nothing reaches it, and nobody answers in its place. */
void lab_flows_vanish (LabFlows *flows, SimDirection direction);

/* A NAT in front of the client has forgotten its mappings: what the client sends comes from another
 * port from now on, of which the server knows nothing; what the server sends to the old one is
 * dropped. */
void lab_flows_rebind (LabFlows *flows);

G_END_DECLS
