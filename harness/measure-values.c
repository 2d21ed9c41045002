/* SPDX-License-Identifier: Apache-2.0 */
/* measure-values.c - the metrics of a finished run, one function each; docs/metrics.md defines
 * them.
 *
 * The tables at the end name them; a test holds them against metrics-registry.h. */
#include "harness/measure-private.h"
#include "harness/metrics-registry.h"

#include <math.h>
#include <string.h>

/* ---- a flow by itself ---- */

static gint64
flow_goodput (const Measure *self, const MeasureFlow *flow)
{
  gint64 duration_ns = flow_get_duration (flow);
  if (duration_ns == MEASURE_UNDEFINED)
    return MEASURE_UNDEFINED;
  return (gint64)MIN (flow->delivered_bytes * MEASURE_AMOUNT_PER_BYTE / duration_ns, G_MAXINT64);
}

static gint64
flow_completion_time (const Measure *self, const MeasureFlow *flow)
{
  return flow->completed_ns >= 0 ? flow_get_duration (flow) : MEASURE_UNDEFINED;
}

static gint64
flow_longest_gap (const Measure *self, const MeasureFlow *flow)
{
  return flow->longest_gap_ns;
}

static gint64
flow_failover_gap (const Measure *self, const MeasureFlow *flow)
{
  return flow->failover_gap_ns;
}

static gint64
flow_recovery (const Measure *self, const MeasureFlow *flow)
{
  return flow->recovery_ns;
}

static gint64
latency_quantile (const MeasureFlow *flow, guint parts_per_million)
{
  gint64 value = histogram_get_quantile (&flow->latency, parts_per_million);
  return value < 0 ? MEASURE_UNDEFINED : value;
}

static gint64
flow_latency_p50 (const Measure *self, const MeasureFlow *flow)
{
  return latency_quantile (flow, 500000);
}

static gint64
flow_latency_p90 (const Measure *self, const MeasureFlow *flow)
{
  return latency_quantile (flow, 900000);
}

static gint64
flow_latency_p99 (const Measure *self, const MeasureFlow *flow)
{
  return latency_quantile (flow, 990000);
}

static gint64
flow_latency_max (const Measure *self, const MeasureFlow *flow)
{
  return latency_quantile (flow, 1000000);
}

static gint64
flow_latency_mean (const Measure *self, const MeasureFlow *flow)
{
  gint64 value = histogram_get_mean (&flow->latency);
  return value < 0 ? MEASURE_UNDEFINED : value;
}

static gint64
flow_offered_bytes (const Measure *self, const MeasureFlow *flow)
{
  return flow->offered_bytes;
}

static gint64
flow_delivered_bytes (const Measure *self, const MeasureFlow *flow)
{
  return flow->delivered_bytes;
}

static gint64
flow_messages (const Measure *self, const MeasureFlow *flow)
{
  return flow->n_messages;
}

static gint64
flow_reorder_peak (const Measure *self, const MeasureFlow *flow)
{
  return measure_receiver_of ((Measure *)self, flow->direction)->reorder_peak_bytes;
}

/* ---- one side of the connection ---- */

static gint64
side_connect_time (const Measure *self, ScenarioSide side)
{
  gint64 connected_ns = self->side[side].connected_ns;
  return connected_ns == CAIMAN_TIME_NEVER ? MEASURE_UNDEFINED : connected_ns;
}

static gint64
side_links_ended (const Measure *self, ScenarioSide side)
{
  gint64 sum = 0;
  for (guint i = 0; i < self->n_links; i++)
    sum += self->links[i].side[side].n_ended;
  return sum;
}

static gint64
side_reconnects (const Measure *self, ScenarioSide side)
{
  gint64 sum = 0;
  for (guint i = 0; i < self->n_links; i++)
    sum += MAX (self->links[i].side[side].n_accepted - 1, 0);
  return sum;
}

/* ---- one direction of a link, or both ---- */

/* The sum of a field, at the senders of @directions. */
static gint64
link_sum (const MeasureLink *link, ScenarioDirections directions, gsize offset)
{
  gint64 sum = 0;
  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++) {
    if (directions & 1u << d)
      sum += G_STRUCT_MEMBER (gint64, &link->side[measure_sender ((ScenarioDirection)d)], offset);
  }
  return sum;
}

static gint64
link_wire_bytes (const MeasureLink *link, ScenarioDirections directions)
{
  gint64 sum = 0;
  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++) {
    if (directions & 1u << d)
      sum += link->wire_bytes[d];
  }
  return sum;
}

/* Each copy counted. */
static gint64
link_bytes (const MeasureLink *link, ScenarioDirections directions)
{
  return link_sum (link, directions, offsetof (MeasureLinkSide, sent_bytes)) +
         link_sum (link, directions, offsetof (MeasureLinkSide, resent_bytes)) +
         link_sum (link, directions, offsetof (MeasureLinkSide, duplicated_bytes));
}

static gint64
link_share (const Measure *self, guint index, ScenarioDirections directions)
{
  MeasureAmount all = 0;
  for (guint i = 0; i < self->n_links; i++)
    all += link_bytes (&self->links[i], directions);
  return measure_ratio (link_bytes (&self->links[index], directions), all);
}

/* Over the time in which any flow's clock ran. */
static gint64
link_utilisation (const Measure *self, const MeasureLink *link, ScenarioDirections directions)
{
  gint64 from_ns = G_MAXINT64, to_ns = 0;
  MeasureAmount capacity = 0;
  for (guint i = 0; i < self->n_flows; i++) {
    from_ns = MIN (from_ns, self->flows[i].start_ns);
    to_ns = MAX (to_ns, self->flows[i].last_delivered_ns);
  }
  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++) {
    const GArray *steps = link->steps[d];
    if (directions & 1u << d)
      capacity +=
          ideal_integrate ((const IdealStep *)(gpointer)steps->data, steps->len, from_ns, to_ns);
  }
  return measure_ratio (link_wire_bytes (link, directions) * MEASURE_AMOUNT_PER_BYTE, capacity);
}

static gint64
link_rtt_mean (const MeasureLinkSide *link)
{
  return link->n_rtts > 0 ? link->rtt_sum_ns / link->n_rtts : MEASURE_UNDEFINED;
}

/* ---- names ---- */

static const struct {
  const char *name;
  gint64 (*get) (const Measure *self, const MeasureFlow *flow);
} flow_metrics[] = {
  { "goodput", flow_goodput },
  { "completion-time", flow_completion_time },
  { "ideal-time", bulk_get_ideal_time },
  { "efficiency", bulk_get_efficiency },
  { "efficiency-payload", bulk_get_efficiency_payload },
  { "ebenefit", bulk_get_ebenefit },
  { "longest-gap", flow_longest_gap },
  { "failover-gap", flow_failover_gap },
  { "recovery", flow_recovery },
  { "latency-p50", flow_latency_p50 },
  { "latency-p90", flow_latency_p90 },
  { "latency-p99", flow_latency_p99 },
  { "latency-max", flow_latency_max },
  { "latency-mean", flow_latency_mean },
  { "offered-bytes", flow_offered_bytes },
  { "delivered-bytes", flow_delivered_bytes },
  { "messages", flow_messages },
  { "reorder-peak", flow_reorder_peak },
};

/* Fields that are metrics as they are. */
static const struct {
  const char *name;
  gsize offset;
} side_fields[] = {
  { "resent-bytes", offsetof (MeasureSide, resent_bytes) },
  { "duplicate-bytes", offsetof (MeasureSide, duplicated_bytes) },
  { "wasted-bytes", offsetof (MeasureSide, duplicate_received_bytes) },
  { "memory-peak", offsetof (MeasureSide, memory_peak_bytes) },
  { "protocol-errors", offsetof (MeasureSide, n_protocol_errors) },
}, link_fields[] = {
  { "suspected-count", offsetof (MeasureLinkSide, n_suspected) },
  { "not-working-count", offsetof (MeasureLinkSide, n_not_working) },
  { "state-time-working", offsetof (MeasureLinkSide, working.total_ns) },
  { "state-time-not-working", offsetof (MeasureLinkSide, not_working.total_ns) },
  { "state-time-blocked", offsetof (MeasureLinkSide, blocked.total_ns) },
  { "ends", offsetof (MeasureLinkSide, n_ended) },
  { "rtt-min", offsetof (MeasureLinkSide, rtt_min_ns) },
};

static gint64
get_flow_metric (const Measure *self, guint index, const char *name)
{
  g_assert (index < self->n_flows);
  const MeasureFlow *flow = &self->flows[index];
  for (gsize i = 0; i < G_N_ELEMENTS (flow_metrics); i++) {
    if (strcmp (flow_metrics[i].name, name) == 0)
      return flow_metrics[i].get (self, flow);
  }
  for (guint cause = 0; cause < LOST_N_CAUSES; cause++) {
    if (g_str_has_prefix (name, "lost-") &&
        strcmp (lost_cause_to_string ((LostCause)cause), name + strlen ("lost-")) == 0)
      return bulk_get_lost (self, flow, (LostCause)cause);
  }
  g_error ("no such flow metric: %s", name);
}

/* CPU per 10^9 bytes of payload. */
static gint64
run_cpu_per_gb (const Measure *self)
{
  gint64 delivered_bytes = 0;
  for (guint s = 0; s < SCENARIO_N_SIDES; s++)
    delivered_bytes += self->side[s].delivered_bytes;
  if (self->cpu_ns == MEASURE_UNDEFINED || delivered_bytes == 0)
    return MEASURE_UNDEFINED;
  return caiman_muldiv (self->cpu_ns, G_GINT64_CONSTANT (1000000000), delivered_bytes);
}

/* Of the run as a whole. */
static gint64
get_run_metric (const Measure *self, const char *name)
{
  if (strcmp (name, "cpu-per-gb") == 0)
    return run_cpu_per_gb (self);
  if (strcmp (name, "lateness-p99") == 0)
    return self->lateness_p99_ns;
  if (strcmp (name, "lateness-max") == 0)
    return self->lateness_max_ns;
  if (strcmp (name, "network-timer") == 0)
    return self->network.timer_ns;
  if (strcmp (name, "network-lateness-p99") == 0)
    return self->network.lateness_p99_ns;
  if (strcmp (name, "network-lateness-max") == 0)
    return self->network.lateness_max_ns;
  if (strcmp (name, "network-cpu") == 0)
    return self->network.cpu_ns;
  g_error ("no such metric of a run: %s", name);
}

static gint64
get_side_metric (const Measure *self, ScenarioSide side, const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (side_fields); i++) {
    if (strcmp (side_fields[i].name, name) == 0)
      return G_STRUCT_MEMBER (gint64, &self->side[side], side_fields[i].offset);
  }
  if (strcmp (name, "connect-time") == 0)
    return side_connect_time (self, side);
  if (strcmp (name, "links-ended") == 0)
    return side_links_ended (self, side);
  if (strcmp (name, "reconnects") == 0)
    return side_reconnects (self, side);
  g_error ("no such connection metric: %s", name);
}

static gint64
get_link_side_metric (const Measure *self, guint index, ScenarioSide side, const char *name)
{
  const MeasureLinkSide *link = &self->links[index].side[side];
  for (gsize i = 0; i < G_N_ELEMENTS (link_fields); i++) {
    if (strcmp (link_fields[i].name, name) == 0)
      return G_STRUCT_MEMBER (gint64, link, link_fields[i].offset);
  }
  if (strcmp (name, "rtt-mean") == 0)
    return link_rtt_mean (link);
  g_error ("no such link metric: %s", name);
}

static gint64
get_link_direction_metric (const Measure *self, guint index, ScenarioDirections directions,
                           const char *name)
{
  const MeasureLink *link = &self->links[index];
  g_assert (directions != 0);
  if (strcmp (name, "bytes") == 0)
    return link_bytes (link, directions);
  if (strcmp (name, "wire-bytes") == 0)
    return link_wire_bytes (link, directions);
  if (strcmp (name, "resent") == 0)
    return link_sum (link, directions, offsetof (MeasureLinkSide, resent_bytes));
  if (strcmp (name, "duplicate") == 0)
    return link_sum (link, directions, offsetof (MeasureLinkSide, duplicated_bytes));
  if (strcmp (name, "share") == 0)
    return link_share (self, index, directions);
  if (strcmp (name, "utilisation") == 0)
    return link_utilisation (self, link, directions);
  g_error ("no such link metric: %s", name);
}

/* A metric per side, of the connection or of link @index. */
static gint64
get_of_side (const Measure *self, const MetricInfo *info, guint index, ScenarioSide side)
{
  if (info->subject == SCENARIO_SUBJECT_LINK)
    return get_link_side_metric (self, index, side, info->name);
  return get_side_metric (self, side, info->name);
}

/* Seen by both sides: the worse of the two counts, so that a bound holds for both. */
static gint64
get_of_view (const Measure *self, const MetricInfo *info, guint index, ScenarioView view)
{
  if (view != SCENARIO_VIEW_ANY)
    return get_of_side (self, info, index,
                        view == SCENARIO_VIEW_CLIENT ? SCENARIO_SIDE_CLIENT : SCENARIO_SIDE_SERVER);
  gint64 client = get_of_side (self, info, index, SCENARIO_SIDE_CLIENT);
  gint64 server = get_of_side (self, info, index, SCENARIO_SIDE_SERVER);
  if (client == MEASURE_UNDEFINED || server == MEASURE_UNDEFINED)
    return MEASURE_UNDEFINED;
  return info->better == METRIC_HIGHER_IS_BETTER ? MIN (client, server) : MAX (client, server);
}

gint64
measure_get (const Measure *self, ScenarioSubject subject, guint index, ScenarioView view,
             ScenarioDirections directions, const char *name)
{
  const MetricInfo *info = metrics_registry_find (subject, name);
  g_assert (self->is_finished && info != NULL);
  g_assert (subject != SCENARIO_SUBJECT_LINK || index < self->n_links);
  if (subject == SCENARIO_SUBJECT_FLOW)
    return get_flow_metric (self, index, name);
  if (info->per_side)
    return get_of_view (self, info, index, view);
  if (subject == SCENARIO_SUBJECT_CONNECTION)
    return get_run_metric (self, name);
  return get_link_direction_metric (self, index, directions, name);
}

/* ---- into a run's record ---- */

static void
store_value (StoreRun *run, StoreSubject kind, const char *subject, const MetricInfo *info,
             gint64 value)
{
  double stored = (double)value;
  if (value == MEASURE_UNDEFINED)
    stored = NAN;
  else if (info->unit == METRIC_UNIT_RATIO)
    stored /= (double)SCENARIO_PPB;
  store_run_add_metric (run, kind, subject, info->name, stored, metric_unit_to_string (info->unit));
}

/* A metric per side: of the connection, or of a link. */
static void
store_sides (const Measure *self, const MetricInfo *info, guint index, StoreRun *run)
{
  for (guint s = 0; s < SCENARIO_N_SIDES; s++) {
    const char *side = scenario_side_to_string ((ScenarioSide)s);
    gint64 value = get_of_side (self, info, index, (ScenarioSide)s);
    if (info->subject == SCENARIO_SUBJECT_CONNECTION) {
      store_value (run, STORE_SUBJECT_CONNECTION, side, info, value);
      continue;
    }
    g_autofree char *subject =
        g_strconcat (side, ".", scenario_get_link (self->scenario, index)->name, NULL);
    store_value (run, STORE_SUBJECT_LINK, subject, info, value);
  }
}

static void
store_directions (const Measure *self, const MetricInfo *info, guint index, StoreRun *run)
{
  static const char *const suffixes[] = { ".up", ".down" };
  const char *name = scenario_get_link (self->scenario, index)->name;
  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++) {
    g_autofree char *subject = g_strconcat (name, suffixes[d], NULL);
    store_value (run, STORE_SUBJECT_LINK, subject, info,
                 get_link_direction_metric (self, index, (ScenarioDirections)(1 << d), info->name));
  }
}

static void
store_flows (const Measure *self, StoreRun *run, const MetricInfo *metrics, gsize n_metrics)
{
  for (guint i = 0; i < self->n_flows; i++) {
    const char *name = scenario_get_flow (self->scenario, i)->name;
    for (gsize m = 0; m < n_metrics; m++) {
      if (metrics[m].subject == SCENARIO_SUBJECT_FLOW)
        store_value (run, STORE_SUBJECT_FLOW, name, &metrics[m],
                     get_flow_metric (self, i, metrics[m].name));
    }
  }
}

static void
store_links (const Measure *self, StoreRun *run, const MetricInfo *metrics, gsize n_metrics)
{
  for (guint i = 0; i < self->n_links; i++) {
    for (gsize m = 0; m < n_metrics; m++) {
      if (metrics[m].subject != SCENARIO_SUBJECT_LINK)
        continue;
      if (metrics[m].per_side)
        store_sides (self, &metrics[m], i, run);
      else
        store_directions (self, &metrics[m], i, run);
    }
  }
}

static void
store_stalls (const Measure *self, StoreRun *run)
{
  for (guint i = 0; i < self->n_flows; i++) {
    const GArray *stalls = self->flows[i].stalls;
    for (guint k = 0; k < stalls->len; k++) {
      StoreStall row = g_array_index (stalls, StoreStall, k);
      row.flow = i;
      g_array_append_val (run->stalls, row);
    }
  }
}

void
measure_store (const Measure *self, StoreRun *run)
{
  gsize n_metrics;
  const MetricInfo *metrics = metrics_registry_get (&n_metrics);
  g_assert (self->is_finished);
  store_flows (self, run, metrics, n_metrics);
  for (gsize m = 0; m < n_metrics; m++) {
    if (metrics[m].subject != SCENARIO_SUBJECT_CONNECTION)
      continue;
    if (metrics[m].per_side)
      store_sides (self, &metrics[m], 0, run);
    else
      store_value (run, STORE_SUBJECT_CONNECTION, "", &metrics[m],
                   get_run_metric (self, metrics[m].name));
  }
  store_links (self, run, metrics, n_metrics);
  store_stalls (self, run);
}

/* ---- ends ---- */

gint64
measure_get_last_event (const Measure *self, gint64 t_ns)
{
  gint64 last_ns = 0;
  for (guint i = 0; i < self->events->len; i++) {
    gint64 event_ns = g_array_index (self->events, gint64, i);
    if (event_ns <= t_ns)
      last_ns = MAX (last_ns, event_ns);
  }
  return last_ns;
}

gint64
measure_get_link_end (const Measure *self, guint link, ScenarioSide side, CaimanReason reason)
{
  g_assert (link < self->n_links && reason < CAIMAN_N_REASONS);
  return self->links[link].side[side].end_ns[reason];
}
