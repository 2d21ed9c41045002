/* SPDX-License-Identifier: Apache-2.0 */
/* measure-flow.c - one flow's clock, gaps, and how it recovers from faults. */
#include "harness/measure-private.h"

void
flow_init (MeasureFlow *flow, const ScenarioFlow *scenario_flow)
{
  *flow = (MeasureFlow) { .direction = measure_direction (scenario_flow->from),
                          .is_bulk = scenario_flow->kind == SCENARIO_TRAFFIC_BULK,
                          .start_ns = CAIMAN_TIME_NEVER,
                          .last_delivered_ns = -1,
                          .completed_ns = -1,
                          .waiting_since_ns = CAIMAN_TIME_NEVER,
                          .longest_gap_ns = MEASURE_UNDEFINED,
                          .failover_gap_ns = MEASURE_UNDEFINED,
                          .recovery_ns = MEASURE_UNDEFINED,
                          .first_bin = -1,
                          .stall_min_ns = MEASURE_STALL_MIN_NS };
  histogram_init (&flow->latency);
  flow->stalls = g_array_new (FALSE, FALSE, sizeof (StoreStall));
  flow->faults = g_array_new (FALSE, FALSE, sizeof (FlowFault));
}

void
flow_clear (MeasureFlow *flow)
{
  histogram_clear (&flow->latency);
  g_array_unref (flow->faults);
  g_array_unref (flow->stalls);
}

gboolean
flow_is_running (const MeasureFlow *flow)
{
  return flow->is_bulk && flow->start_ns != CAIMAN_TIME_NEVER && flow->completed_ns < 0;
}

gint64
flow_get_duration (const MeasureFlow *flow)
{
  if (flow->last_delivered_ns < 0 || flow->start_ns == CAIMAN_TIME_NEVER)
    return MEASURE_UNDEFINED;
  return MAX (flow->last_delivered_ns - flow->start_ns, 1);
}

/* ---- recovery ----
 *
 * Bins are closed as time passes them. A flow has recovered from a fault when the mean of the last
 * ten closed bins, at the fault's end or when a bin closes after it, is 95 % of the mean before. */

/* Bytes in the @n bins before the open one. */
static gint64
closed_bytes (const MeasureFlow *flow, gint64 n)
{
  gint64 sum = 0;
  for (gint64 i = MAX (flow->bin - n, 0); i < flow->bin; i++)
    sum += flow->bins[i % MEASURE_BINS];
  return sum;
}

static gboolean
has_recovered (const FlowFault *fault, gint64 mean_bytes)
{
  return (__int128)mean_bytes * fault->before_bins * 100 >=
         (__int128)fault->before_bytes * MEASURE_MEAN_BINS * 95;
}

/* Looks whether the rate is back at @at_ns, where a bin has closed or a fault has ended. */
static void
check_recovery (MeasureFlow *flow, gint64 at_ns)
{
  gint64 mean_bytes = closed_bytes (flow, MEASURE_MEAN_BINS);
  for (guint i = flow->faults->len; i-- > 0;) {
    const FlowFault *fault = &g_array_index (flow->faults, FlowFault, i);
    if (fault->end_ns > at_ns || !has_recovered (fault, mean_bytes))
      continue;
    flow->recovery_ns = MAX (flow->recovery_ns, at_ns - fault->end_ns);
    g_array_remove_index (flow->faults, i);
  }
}

static void
advance_bins (MeasureFlow *flow, gint64 now_ns)
{
  gint64 now_bin = now_ns / MEASURE_BIN_NS;
  while (flow->bin < now_bin) {
    flow->bin++;
    flow->bins[flow->bin % MEASURE_BINS] = 0;
    if (flow->faults->len > 0)
      check_recovery (flow, flow->bin * MEASURE_BIN_NS);
    /* After so much silence all bins are empty: the rest need not be gone through. */
    if (now_bin - flow->bin > 2 * MEASURE_BINS && closed_bytes (flow, MEASURE_BINS - 1) == 0 &&
        flow->bins[flow->bin % MEASURE_BINS] == 0)
      flow->bin += (now_bin - flow->bin) / MEASURE_BINS * MEASURE_BINS;
  }
}

void
flow_fault_begin (MeasureFlow *flow, guint number, gint64 now_ns)
{
  if (flow->waiting_since_ns != CAIMAN_TIME_NEVER)
    flow->has_fault_gap = TRUE;
  advance_bins (flow, now_ns);
  if (flow->first_bin < 0 || flow->completed_ns >= 0)
    return;
  /* The bin of the first delivery is not a whole one. */
  gint64 before_bins = MIN (flow->bin - flow->first_bin - 1, MEASURE_BEFORE_MAX);
  if (before_bins < MEASURE_MEAN_BINS)
    return;
  FlowFault fault = { .number = number,
                      .end_ns = CAIMAN_TIME_NEVER,
                      .before_bins = before_bins,
                      .before_bytes = closed_bytes (flow, before_bins) };
  if (fault.before_bytes > 0)
    g_array_append_val (flow->faults, fault);
}

void
flow_fault_end (MeasureFlow *flow, guint number, gint64 now_ns)
{
  advance_bins (flow, now_ns);
  for (guint i = 0; i < flow->faults->len; i++) {
    FlowFault *fault = &g_array_index (flow->faults, FlowFault, i);
    if (fault->number == number)
      fault->end_ns = now_ns;
  }
  check_recovery (flow, now_ns);
}

/* ---- clock and gaps ---- */

void
flow_connected (MeasureFlow *flow, gint64 now_ns)
{
  if (flow->offered_bytes > 0 && flow->start_ns == CAIMAN_TIME_NEVER)
    flow->start_ns = now_ns;
}

void
flow_offered (MeasureFlow *flow, gint64 bytes, gboolean is_connected, gint64 now_ns)
{
  if (flow->last_delivered_ns >= 0 && flow->waiting_since_ns == CAIMAN_TIME_NEVER)
    flow->waiting_since_ns = now_ns;
  flow->offered_bytes += bytes;
  if (is_connected)
    flow_connected (flow, now_ns);
}

/* Those of twice the least length so far stay. */
static void
thin_stalls (MeasureFlow *flow)
{
  guint n_kept = 0;
  flow->stall_min_ns *= 2;
  for (guint i = 0; i < flow->stalls->len; i++) {
    const StoreStall *stall = &g_array_index (flow->stalls, StoreStall, i);
    if (stall->end_ns - stall->begin_ns >= flow->stall_min_ns)
      g_array_index (flow->stalls, StoreStall, n_kept++) = *stall;
  }
  g_array_set_size (flow->stalls, n_kept);
}

static void
keep_stall (MeasureFlow *flow, gint64 begin_ns, gint64 end_ns)
{
  StoreStall stall = { .begin_ns = begin_ns, .end_ns = end_ns };
  if (end_ns - begin_ns < flow->stall_min_ns)
    return;
  g_array_append_val (flow->stalls, stall);
  while (flow->stalls->len > MEASURE_STALLS_MAX)
    thin_stalls (flow);
}

/* The time in which bytes waited ends at @now_ns. */
static void
end_gap (MeasureFlow *flow, gint64 now_ns)
{
  if (flow->waiting_since_ns == CAIMAN_TIME_NEVER)
    return;
  gint64 gap_ns = now_ns - flow->waiting_since_ns;
  flow->longest_gap_ns = MAX (flow->longest_gap_ns, gap_ns);
  keep_stall (flow, flow->waiting_since_ns, now_ns);
  if (flow->has_fault_gap)
    flow->failover_gap_ns = MAX (flow->failover_gap_ns, gap_ns);
  flow->has_fault_gap = FALSE;
}

void
flow_delivered (MeasureFlow *flow, gint64 bytes, gint64 now_ns)
{
  end_gap (flow, now_ns);
  advance_bins (flow, now_ns);
  if (flow->first_bin < 0)
    flow->first_bin = flow->bin;
  flow->bins[flow->bin % MEASURE_BINS] += bytes;
  flow->delivered_bytes += bytes;
  flow->last_delivered_ns = now_ns;
  flow->waiting_since_ns = flow->delivered_bytes < flow->offered_bytes ? now_ns : CAIMAN_TIME_NEVER;
}

void
flow_finish (MeasureFlow *flow, gint64 end_ns)
{
  gint64 last_ns = flow->completed_ns >= 0 ? flow->last_delivered_ns : end_ns;
  if (flow->completed_ns < 0)
    end_gap (flow, MAX (end_ns, flow->last_delivered_ns));
  advance_bins (flow, MAX (last_ns, flow->bin * MEASURE_BIN_NS));
  for (guint i = 0; i < flow->faults->len; i++) {
    const FlowFault *fault = &g_array_index (flow->faults, FlowFault, i);
    if (fault->end_ns < last_ns)
      flow->recovery_ns = MAX (flow->recovery_ns, last_ns - fault->end_ns);
  }
}
