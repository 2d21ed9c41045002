/* SPDX-License-Identifier: Apache-2.0 */
/* measure-private.h - what the files of measure share: measure.c and measure-trace.c take facts,
 * measure-flow.c keeps what concerns one flow, measure-bulk.c holds bulk flows against the fluid
 * bound, measure-values.c gives answers. */
#pragma once

#include "core/connection.h"
#include "harness/histogram.h"
#include "harness/ideal.h"
#include "harness/lost-time.h"
#include "harness/measure.h"

G_BEGIN_DECLS

/* Delivered bytes of a flow are counted in bins, of which the last few are kept. */
#define MEASURE_BIN_NS     (10 * CAIMAN_NS_PER_MS)
#define MEASURE_BINS       128
#define MEASURE_BEFORE_MAX 100 /* bins that make "the rate before a fault" */
#define MEASURE_MEAN_BINS  10  /* bins of a 100 ms mean */

/* Stalls of at least this length are kept, and so many of a flow. */
#define MEASURE_STALL_MIN_NS (50 * CAIMAN_NS_PER_MS)
#define MEASURE_STALLS_MAX   250

/* A fault, as far as a flow has not recovered from it. */
typedef struct {
  guint number;
  gint64 end_ns; /* CAIMAN_TIME_NEVER: it goes on */
  gint64 before_bytes;
  gint64 before_bins;
} FlowFault;

typedef struct {
  ScenarioDirection direction;
  gboolean is_bulk;
  gint64 offered_bytes, delivered_bytes;
  gint64 n_messages;
  gint64 start_ns;          /* the clock; CAIMAN_TIME_NEVER: not started */
  gint64 last_delivered_ns; /* -1: nothing yet */
  gint64 completed_ns;      /* -1: not (yet) */
  gint64
      waiting_since_ns;   /* since when undelivered bytes wait: the last delivery, or when they were
                             offered after it; CAIMAN_TIME_NEVER: nothing waits, or none came yet */
  gboolean has_fault_gap; /* a fault began while they wait */
  gint64 longest_gap_ns, failover_gap_ns, recovery_ns; /* or MEASURE_UNDEFINED */
  Histogram latency;

  gint64 bins[MEASURE_BINS]; /* ring by bin number */
  gint64 bin;                /* the number of the open one */
  gint64 first_bin;          /* of the first delivery; -1: none yet */
  GArray *faults;            /* of FlowFault */

  GArray *stalls;      /* of StoreStall, without their flow: of at least stall_min_ns */
  gint64 stall_min_ns; /* doubles when they become too many */
} MeasureFlow;

/* How long something was so; several links of one path may be so at once. */
typedef struct {
  guint count; /* now */
  gint64 since_ns, total_ns;
} MeasureSpan;

typedef struct {
  gint64 sent_bytes, resent_bytes, duplicated_bytes;
  gint64 n_suspected, n_not_working, n_accepted, n_ended;
  MeasureSpan working, not_working, blocked;
  gboolean is_blocked[2];          /* by this side, by the peer */
  gint64 rtt_min_ns;               /* MEASURE_UNDEFINED: none yet */
  gint64 rtt_sum_ns, n_rtts;       /* of smoothed RTTs */
  gint64 end_ns[CAIMAN_N_REASONS]; /* first close by that reason; CAIMAN_TIME_NEVER */
} MeasureLinkSide;

typedef struct {
  GArray *steps[SCENARIO_N_DIRECTIONS]; /* of IdealStep */
  gint64 wire_bytes[SCENARIO_N_DIRECTIONS];
  MeasureLinkSide side[SCENARIO_N_SIDES];
} MeasureLink;

typedef struct {
  gint64 connected_ns, ended_ns; /* CAIMAN_TIME_NEVER: not */
  gboolean is_finished;          /* it ended gracefully */
  gint64 offered_bytes;          /* by all flows */
  gint64 acked_bytes;
  gint64 received_bytes, delivered_bytes, consumed_bytes;
  gint64 resent_bytes, duplicated_bytes, duplicate_received_bytes;
  gint64 reorder_peak_bytes, memory_peak_bytes;
  gint64 n_protocol_errors; /* links and connections that ended by the peer's violations */
} MeasureSide;

struct _Measure {
  const Scenario *scenario;
  gint64 now_ns;
  gboolean is_finished;
  guint n_flows, n_links;
  MeasureFlow *flows;
  MeasureLink *links;
  MeasureSide side[SCENARIO_N_SIDES];
  LostTime *lost[SCENARIO_N_DIRECTIONS];
  GArray *fault_links; /* of GArray * of guint: the links of each fault, NULL once it ended */
  GArray *events;      /* of gint64: when events began */
  gint64 lateness_p99_ns, lateness_max_ns, cpu_ns; /* MEASURE_UNDEFINED in virtual time */
  struct {
    gint64 timer_ns, lateness_p99_ns, lateness_max_ns, cpu_ns;
  } network; /* the same where no thread moves packets */
};

/* Who sends in @direction, and who reads. */
static inline ScenarioSide
measure_sender (ScenarioDirection direction)
{
  return direction == SCENARIO_UP ? SCENARIO_SIDE_CLIENT : SCENARIO_SIDE_SERVER;
}

static inline ScenarioDirection
measure_direction (ScenarioSide sender)
{
  return sender == SCENARIO_SIDE_CLIENT ? SCENARIO_UP : SCENARIO_DOWN;
}

static inline MeasureSide *
measure_receiver_of (Measure *measure, ScenarioDirection direction)
{
  return &measure->side[measure_sender (direction) == SCENARIO_SIDE_CLIENT ? SCENARIO_SIDE_SERVER
                                                                           : SCENARIO_SIDE_CLIENT];
}

/* ---- measure.c ---- */

void measure_set_now (Measure *measure, gint64 now_ns);
/* Time is lost in a direction while a bulk flow's clock runs there. */
void measure_update_active (Measure *measure, ScenarioDirection direction);
void measure_update_memory (MeasureSide *side);
void measure_span_set (MeasureSpan *span, guint count, gint64 now_ns);
void measure_note_rtt (MeasureLinkSide *link, gint64 rtt_ns);
void measure_noticed (Measure *measure, ScenarioSide side, guint link);

/* ---- measure-flow.c ---- */

void flow_init (MeasureFlow *flow, const ScenarioFlow *scenario_flow);
void flow_clear (MeasureFlow *flow);
/* What follows from @side's connection being open, or having ended, now. */
void measure_set_open (Measure *self, ScenarioSide side);
void measure_set_ended (Measure *self, ScenarioSide side, CaimanReason reason);

/* @is_connected: the sender's connection is established. */
void flow_offered (MeasureFlow *flow, gint64 bytes, gboolean is_connected, gint64 now_ns);
/* The sender's connection is established now. */
void flow_connected (MeasureFlow *flow, gint64 now_ns);
void flow_delivered (MeasureFlow *flow, gint64 bytes, gint64 now_ns);
void flow_fault_begin (MeasureFlow *flow, guint number, gint64 now_ns);
void flow_fault_end (MeasureFlow *flow, guint number, gint64 now_ns);
/* @end_ns: of the run, or of the flow's connection. */
void flow_finish (MeasureFlow *flow, gint64 end_ns);
/* From its first byte offered to its last byte delivered; MEASURE_UNDEFINED without any. */
gint64 flow_get_duration (const MeasureFlow *flow);
/* Whether a bulk flow's clock runs. */
gboolean flow_is_running (const MeasureFlow *flow);

/* ---- measure-bulk.c: MEASURE_UNDEFINED unless the flow is bulk and something was delivered ----
 */

typedef __int128 MeasureAmount; /* bit x ns / s */
#define MEASURE_AMOUNT_PER_BYTE ((MeasureAmount)8 * CAIMAN_NS_PER_S)

/* @part / @whole in ppb; MEASURE_UNDEFINED when @whole <= 0. */
gint64 measure_ratio (MeasureAmount part, MeasureAmount whole);

gint64 bulk_get_ideal_time (const Measure *measure, const MeasureFlow *flow);
gint64 bulk_get_efficiency (const Measure *measure, const MeasureFlow *flow);
gint64 bulk_get_efficiency_payload (const Measure *measure, const MeasureFlow *flow);
gint64 bulk_get_ebenefit (const Measure *measure, const MeasureFlow *flow);
gint64 bulk_get_lost (const Measure *measure, const MeasureFlow *flow, LostCause cause);

G_END_DECLS
