/* SPDX-License-Identifier: Apache-2.0 */
/* traffic.h - the applications at both ends: they send what the scenario says, read what comes,
 * and check every byte and every boundary.
 *
 * Each direction of the connection is a lane. What its flows gave to the connection is kept as a
 * queue of records (flow and size, not content) until the other end has read it, so that several
 * flows of messages can share a lane and memory grows only with what is under way. An end that has
 * sent all it had to closes its sender; one that has nothing to send closes it when it has read
 * the peer's end. */
#pragma once

#include "harness/app-end.h"
#include "harness/measure.h"
#include "harness/oracle.h"
#include "harness/testbed.h"

G_BEGIN_DECLS

typedef struct _Traffic Traffic;

/* A flow has reached a mark that traffic_watch() has set (which is then cleared). May be called
 * from within a call-back of a pump. */
typedef void (*TrafficReachedFunc) (gpointer user_data, guint flow);

/* All are borrowed and must outlive the traffic. */
Traffic *traffic_new (const Scenario *scenario, guint64 seed, Testbed *testbed, Oracle *oracle,
                      Measure *measure, TrafficReachedFunc reached, gpointer user_data);
void traffic_free (Traffic *traffic); /* accepts NULL; before the testbed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Traffic, traffic_free)

/* Every event of the connection that carries the scenario's traffic, @side's end. */
void traffic_event (Traffic *traffic, ScenarioSide side, CaimanConnection *connection,
                    const CaimanEvent *event);

/* The same for any other kind of connection: @end (borrowed until ended) is established, has
 * something to read, has room again, is over. */
void traffic_opened (Traffic *traffic, ScenarioSide side, AppEnd *end);
void traffic_readable (Traffic *traffic, ScenarioSide side);
void traffic_writable (Traffic *traffic, ScenarioSide side);
void traffic_ended (Traffic *traffic, ScenarioSide side, CaimanReason reason);

/* @side has sent all it will, and read all there will be. */
gboolean traffic_is_over (const Traffic *traffic, ScenarioSide side);

/* The endpoint of @side is gone, its connection is no longer valid. */
void traffic_crashed (Traffic *traffic, ScenarioSide side);

/* The application that reads @flow; not from within a call-back of a pump. */
void traffic_set_reader_rate (Traffic *traffic, guint flow, gint64 rate_bps);
gint64 traffic_get_reader_rate (const Traffic *traffic, guint flow);
void traffic_close_receiver (Traffic *traffic, guint flow);
void traffic_drop_receiver (Traffic *traffic, guint flow);

/* Have reached() called when @flow has delivered @bytes or @messages, what comes first; G_MAXINT64:
 * never. Replaces the marks set before; they must lie ahead, else it is called by a timer at
 * once. */
void traffic_watch (Traffic *traffic, guint flow, gint64 bytes, gint64 messages);

typedef struct {
  gint64 offered_bytes;   /* that the connection took, in the flow's own direction */
  gint64 delivered_bytes; /* of these, read at the other end */
  gint64 messages;        /* read whole; request flows: responses */
  gboolean complete;      /* all that was asked is delivered */
  gboolean cut;           /* no more can come: receiver dropped, connection ended, crash */
  /* Since when bytes were offered and nothing was delivered; CAIMAN_TIME_NEVER: nothing waits, or
   * it waits for the reading application. */
  gint64 waiting_since_ns;
} TrafficProgress;

void traffic_get_progress (const Traffic *traffic, guint flow, TrafficProgress *progress_out);

G_END_DECLS
