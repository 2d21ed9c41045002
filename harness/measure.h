/* SPDX-License-Identifier: Apache-2.0 */
/* measure.h - turns what happens in a run into the metrics of metrics-registry.h.
 *
 * A runner makes one Measure per run and tells it facts as they happen, in the order of time:
 * what applications offer and read, every trace event of both endpoints, every change of a path's
 * capacity, and when scenario events begin and end. After measure_finish() the metrics can be
 * asked for and written into a StoreRun. docs/metrics.md defines each of them.
 *
 * Everything is streamed: memory depends on the numbers of links, flows and capacity changes, not
 * on what was sent. All values are integers: ns, bytes, bit/s, ppb (ratios) and counts. */
#pragma once

#include "core/trace.h"
#include "harness/scenario.h"
#include "reports/store.h"

G_BEGIN_DECLS

typedef struct _Measure Measure;

/* "This metric is not defined in this run": stored as NULL. */
#define MEASURE_UNDEFINED G_MININT64

/* @scenario is borrowed and must outlive the measure. */
Measure *measure_new (const Scenario *scenario);

/* Accepts NULL. */
void measure_free (Measure *measure);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Measure, measure_free)

/* ---- facts, while the run goes on; @now_ns never goes back ----
 *
 * Flows and links are given by their index in the scenario. For a request flow everything about
 * requests and responses is told with the one flow: offered and delivered count the bytes in
 * the flow's own direction, messages the responses. */

/* The sending application gave @bytes to the connection (it took them). */
void measure_flow_offered (Measure *measure, guint flow, gint64 bytes, gint64 now_ns);

/* The receiving application read @bytes. */
void measure_flow_delivered (Measure *measure, guint flow, gint64 bytes, gint64 now_ns);

/* The answering application of a request flow gave @bytes of a response to the connection. */
void measure_response_offered (Measure *measure, guint flow, gint64 bytes, gint64 now_ns);

/* A message was read whole, or a response came back, @latency_ns after the message (the request)
 * was due to be sent. */
void measure_flow_message (Measure *measure, guint flow, gint64 latency_ns, gint64 now_ns);

/* All that the scenario asked of this flow is delivered. */
void measure_flow_completed (Measure *measure, guint flow, gint64 now_ns);

/* One trace event of @side's connection. @link: the scenario link of event->link_id, -1: none. */
void measure_trace (Measure *measure, ScenarioSide side, int link, const CaimanTraceEvent *event);

/* Of a connection that has no traces: @side's end is established, or has ended. */
void measure_connection_open (Measure *measure, ScenarioSide side, gint64 now_ns);
void measure_connection_ended (Measure *measure, ScenarioSide side, CaimanReason reason,
                               gint64 now_ns);

/* What @side knows of the RTT over @link at a sample of the series; 0: nothing yet. */
void measure_link_rtt (Measure *measure, guint link, ScenarioSide side, gint64 srtt_ns,
                       gint64 min_rtt_ns);

/* The endpoint of @side is gone (crash), and with it its links and what it held. */
void measure_endpoint_gone (Measure *measure, ScenarioSide side, gint64 now_ns);

/* From now on one direction of @link carries @rate_bps (0: not there, down, dark or paused;
 * SCENARIO_RATE_UNLIMITED) with @delay_ns one way. Tell both directions of each link at its start
 * and whenever either value changes. */
void measure_capacity (Measure *measure, guint link, ScenarioDirection direction, gint64 rate_bps,
                       gint64 delay_ns, gint64 now_ns);

/* An event of the scenario has begun (each time, when it repeats). */
void measure_event_begun (Measure *measure, gint64 now_ns);

/* The event that has begun is a fault; @links (nullable: all) are those on which a sender has
 * something to notice, maybe none. Returns its number for measure_fault_end(), which is called when
 * it is undone, at once for faults that are only an instant (reset), and never for those that stay.
 * Also does measure_event_begun(). */
guint measure_fault_begin (Measure *measure, const guint *links, gsize n_links, gint64 now_ns);
void measure_fault_end (Measure *measure, guint fault, gint64 now_ns);

/* Bytes that one direction of @link has carried in all, with all headers; told once, at the end. */
void measure_link_wire (Measure *measure, guint link, ScenarioDirection direction,
                        gint64 wire_bytes);

/* What a testbed in real time says of itself; told once, at the end, and not at all in virtual
 * time. Lateness is -1 when no timer was due. */
void measure_timing (Measure *measure, gint64 lateness_p99_ns, gint64 lateness_max_ns,
                     gint64 cpu_ns);

/* The same of the thread that moves its packets: how late its timers are at rest, how late packets
 * were delivered (-1: there was none), its processor time. */
void measure_network_timing (Measure *measure, gint64 timer_ns, gint64 lateness_p99_ns,
                             gint64 lateness_max_ns, gint64 cpu_ns);

/* Ends the run: nothing may be told any more. */
void measure_finish (Measure *measure, gint64 now_ns);

/* ---- answers, after measure_finish() ---- */

/* The value of a metric in its registry unit (ns, bytes, bit/s, ppb, count), MEASURE_UNDEFINED
 * when this run does not define it. @index: of the flow or link. @view is for metrics
 * per side (ANY: the worse of both sides'), @directions for those per direction. @name must be a
 * metric of @subject (asserted). */
gint64 measure_get (const Measure *measure, ScenarioSubject subject, guint index, ScenarioView view,
                    ScenarioDirections directions, const char *name);

/* Appends every metric to run->metrics, and to run->stalls when flows stood still. */
void measure_store (const Measure *measure, StoreRun *run);

/* When the last event that had begun by @t_ns has begun (0: none had): from where expectations
 * of the form "within T" count. */
gint64 measure_get_last_event (const Measure *measure, gint64 t_ns);

/* When a link over @link first closed on @side because of @reason; CAIMAN_TIME_NEVER: never. */
gint64 measure_get_link_end (const Measure *measure, guint link, ScenarioSide side,
                             CaimanReason reason);

G_END_DECLS
