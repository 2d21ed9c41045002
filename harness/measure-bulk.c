/* SPDX-License-Identifier: Apache-2.0 */
/* measure-bulk.c - the bulk flows of one direction, taken together, against the fluid bound. */
#include "harness/measure-private.h"
#include "sim/trace.h"

gint64
measure_ratio (MeasureAmount part, MeasureAmount whole)
{
  if (whole <= 0)
    return MEASURE_UNDEFINED;
  /* Fewer bits, so that the product stays in 128; what is cut off is far below a ppb. */
  while (whole >> 90 != 0 || part >> 90 > 0 || part >> 90 < -1) {
    whole >>= 10;
    part >>= 10;
  }
  return (gint64)(part * SCENARIO_PPB / whole);
}

typedef struct {
  gint64 bytes, start_ns, real_ns;
} Transfer;

/* A trace's capacity goes into the bound in means of this time. */
#define TRACE_INTERVAL_NS (100 * CAIMAN_NS_PER_MS)

/* The bottlenecks of a direction, and the steps that they own. */
typedef struct {
  IdealShared *shared;
  GArray **steps;
  guint n;
} SharedSet;

/* (transfer full) What @path, of a bottleneck, carries until @end_ns. */
static GArray *
list_shared_steps (const Scenario *scenario, const ScenarioPath *path, gint64 end_ns)
{
  const SimTrace *trace =
      path->rate_trace > 0 ? scenario_get_trace (scenario, path->rate_trace - 1)->trace : NULL;
  GArray *steps = g_array_new (FALSE, FALSE, sizeof (IdealStep));
  IdealStep step = { .rate_bps = path->rate_bps };
  if (!trace)
    g_array_append_val (steps, step);
  for (; trace && step.t_ns <= end_ns; step.t_ns += TRACE_INTERVAL_NS) {
    step.rate_bps = sim_trace_get_rate_over (trace, step.t_ns, step.t_ns + TRACE_INTERVAL_NS);
    g_array_append_val (steps, step);
  }
  return steps;
}

static void
shared_init (SharedSet *set, const Scenario *scenario, ScenarioDirection direction, gint64 end_ns)
{
  set->n = scenario->bottlenecks->len;
  set->shared = g_new0 (IdealShared, set->n);
  set->steps = g_new0 (GArray *, set->n);
  for (guint i = 0; i < set->n; i++) {
    set->steps[i] = list_shared_steps (
        scenario, &scenario_get_bottleneck (scenario, i)->path[direction], end_ns);
    set->shared[i] =
        (IdealShared) { (const IdealStep *)(gpointer)set->steps[i]->data, set->steps[i]->len };
  }
}

static void
shared_clear (SharedSet *set)
{
  for (guint i = 0; i < set->n; i++)
    g_array_unref (set->steps[i]);
  g_free (set->steps);
  g_free (set->shared);
}

static void
fill_ideal_links (const Measure *self, ScenarioDirection direction, const SharedSet *set,
                  IdealLink *links)
{
  ScenarioSide sender = measure_sender (direction);
  const CaimanConfig *config = &self->scenario->endpoint[sender].config;
  for (guint i = 0; i < self->n_links; i++) {
    const ScenarioLink *link = scenario_get_link (self->scenario, i);
    const ScenarioLinkTerms *terms = &link->terms[sender];
    GArray *const *steps = self->links[i].steps;
    const GArray *back = steps[direction == SCENARIO_UP ? SCENARIO_DOWN : SCENARIO_UP];
    gint64 back_ns = G_MAXINT64;
    for (guint k = 0; k < back->len; k++)
      back_ns = MIN (back_ns, g_array_index (back, IdealStep, k).delay_ns);
    links[i] =
        (IdealLink) { .steps = (const IdealStep *)(gpointer)steps[direction]->data,
                      .n_steps = steps[direction]->len,
                      .back_delay_ns = back->len > 0 ? back_ns : 0,
                      .quota_bytes = terms->quota_bytes > 0 ? terms->quota_bytes : G_MAXINT64,
                      .quota_period_ns =
                          terms->quota_period_ns > 0 ? terms->quota_period_ns : G_MAXINT64,
                      .window_bytes = config->link_window_max_bytes,
                      .shared = link->bottleneck > 0 ? &set->shared[link->bottleneck - 1] : NULL };
  }
}

static gint64
get_window (const Measure *self, ScenarioDirection direction)
{
  ScenarioSide sender = measure_sender (direction);
  ScenarioSide receiver =
      sender == SCENARIO_SIDE_CLIENT ? SCENARIO_SIDE_SERVER : SCENARIO_SIDE_CLIENT;
  return MIN (self->scenario->endpoint[sender].config.send_buffer_bytes,
              self->scenario->endpoint[receiver].config.receive_buffer_bytes);
}

/* All bulk flows of @direction taken together. FALSE when none has delivered anything. */
static gboolean
get_transfer (const Measure *self, ScenarioDirection direction, Transfer *transfer_out)
{
  Transfer transfer = { .start_ns = G_MAXINT64 };
  gint64 end_ns = -1;
  for (guint i = 0; i < self->n_flows; i++) {
    const MeasureFlow *flow = &self->flows[i];
    if (!flow->is_bulk || flow->direction != direction ||
        flow_get_duration (flow) == MEASURE_UNDEFINED)
      continue;
    transfer.bytes += flow->delivered_bytes;
    transfer.start_ns = MIN (transfer.start_ns, flow->start_ns);
    end_ns = MAX (end_ns, flow->last_delivered_ns);
  }
  if (end_ns < 0)
    return FALSE;
  transfer.real_ns = MAX (end_ns - transfer.start_ns, 1);
  *transfer_out = transfer;
  return TRUE;
}

/* The fluid bound for @extra_bytes more than the transfer's payload. */
static gint64
get_ideal (const Measure *self, ScenarioDirection direction, const Transfer *transfer,
           gint64 extra_bytes)
{
  g_autofree IdealLink *links = g_new0 (IdealLink, MAX (self->n_links, 1));
  SharedSet set;
  shared_init (&set, self->scenario, direction,
               caiman_time_add (transfer->start_ns, transfer->real_ns));
  fill_ideal_links (self, direction, &set, links);
  gint64 ideal_ns =
      ideal_get_time (links, self->n_links, transfer->start_ns, transfer->bytes + extra_bytes,
                      get_window (self, direction), transfer->real_ns);
  shared_clear (&set);
  return ideal_ns == CAIMAN_TIME_NEVER ? MEASURE_UNDEFINED : ideal_ns;
}

/* The transfer that @flow is part of, and its ideal time. FALSE where there is none. */
static gboolean
get_bulk (const Measure *self, const MeasureFlow *flow, Transfer *transfer_out, gint64 *ideal_out)
{
  if (!flow->is_bulk || !get_transfer (self, flow->direction, transfer_out))
    return FALSE;
  *ideal_out = get_ideal (self, flow->direction, transfer_out, 0);
  return *ideal_out != MEASURE_UNDEFINED;
}

gint64
bulk_get_ideal_time (const Measure *self, const MeasureFlow *flow)
{
  Transfer transfer;
  gint64 ideal_ns;
  return get_bulk (self, flow, &transfer, &ideal_ns) ? ideal_ns : MEASURE_UNDEFINED;
}

gint64
bulk_get_efficiency (const Measure *self, const MeasureFlow *flow)
{
  Transfer transfer;
  gint64 ideal_ns;
  if (!get_bulk (self, flow, &transfer, &ideal_ns))
    return MEASURE_UNDEFINED;
  return measure_ratio (ideal_ns, transfer.real_ns);
}

gint64
bulk_get_efficiency_payload (const Measure *self, const MeasureFlow *flow)
{
  Transfer transfer;
  gint64 ideal_ns, framing = lost_time_get_framing_bytes (self->lost[flow->direction]);
  if (!get_bulk (self, flow, &transfer, &ideal_ns))
    return MEASURE_UNDEFINED;
  ideal_ns = get_ideal (self, flow->direction, &transfer, framing);
  /* Framing sent so late that it cannot have arrived with the payload: nothing was lost then. */
  return ideal_ns == MEASURE_UNDEFINED ? SCENARIO_PPB : measure_ratio (ideal_ns, transfer.real_ns);
}

gint64
bulk_get_lost (const Measure *self, const MeasureFlow *flow, LostCause cause)
{
  Transfer transfer;
  gint64 ideal_ns, parts_ns[LOST_N_CAUSES];
  if (!get_bulk (self, flow, &transfer, &ideal_ns))
    return MEASURE_UNDEFINED;
  lost_time_share (self->lost[flow->direction], transfer.real_ns - ideal_ns, parts_ns);
  return parts_ns[cause];
}

/* Gain over the best link as it was during this transfer. */
gint64
bulk_get_ebenefit (const Measure *self, const MeasureFlow *flow)
{
  Transfer transfer;
  MeasureAmount sum = 0, best = 0;
  if (!flow->is_bulk || !get_transfer (self, flow->direction, &transfer))
    return MEASURE_UNDEFINED;
  for (guint i = 0; i < self->n_links; i++) {
    const GArray *steps = self->links[i].steps[flow->direction];
    MeasureAmount amount =
        ideal_integrate ((const IdealStep *)(gpointer)steps->data, steps->len, transfer.start_ns,
                         transfer.start_ns + transfer.real_ns);
    sum += amount;
    best = MAX (best, amount);
  }
  MeasureAmount got = transfer.bytes * MEASURE_AMOUNT_PER_BYTE;
  return measure_ratio (got - best, got >= best ? sum - best : best);
}
