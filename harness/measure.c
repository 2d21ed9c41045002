/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c - takes the facts of a run, but for trace events (measure-trace.c). */
#include "harness/measure-private.h"

static void
init_link (MeasureLink *link)
{
  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++)
    link->steps[d] = g_array_new (FALSE, FALSE, sizeof (IdealStep));
  for (guint s = 0; s < SCENARIO_N_SIDES; s++) {
    link->side[s].rtt_min_ns = MEASURE_UNDEFINED;
    for (guint r = 0; r < CAIMAN_N_REASONS; r++)
      link->side[s].end_ns[r] = CAIMAN_TIME_NEVER;
  }
}

static void
free_links_of_fault (gpointer data)
{
  GArray *links = *(GArray **)data;
  if (links != NULL)
    g_array_unref (links);
}

Measure *
measure_new (const Scenario *scenario)
{
  Measure *self = g_new0 (Measure, 1);
  self->scenario = scenario;
  self->n_flows = scenario->flows->len;
  self->n_links = scenario->links->len;
  self->flows = g_new0 (MeasureFlow, MAX (self->n_flows, 1));
  self->links = g_new0 (MeasureLink, MAX (self->n_links, 1));
  for (guint i = 0; i < self->n_flows; i++)
    flow_init (&self->flows[i], scenario_get_flow (scenario, i));
  for (guint i = 0; i < self->n_links; i++)
    init_link (&self->links[i]);
  for (guint s = 0; s < SCENARIO_N_SIDES; s++)
    self->side[s].connected_ns = self->side[s].ended_ns = CAIMAN_TIME_NEVER;
  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++)
    self->lost[d] = lost_time_new (self->n_links);
  self->fault_links = g_array_new (FALSE, FALSE, sizeof (GArray *));
  g_array_set_clear_func (self->fault_links, free_links_of_fault);
  self->events = g_array_new (FALSE, FALSE, sizeof (gint64));
  self->lateness_p99_ns = self->lateness_max_ns = self->cpu_ns = MEASURE_UNDEFINED;
  measure_network_timing (self, -1, -1, -1, -1);
  return self;
}

void
measure_free (Measure *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n_flows; i++)
    flow_clear (&self->flows[i]);
  for (guint i = 0; i < self->n_links; i++) {
    for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++)
      g_array_unref (self->links[i].steps[d]);
  }
  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++)
    lost_time_free (self->lost[d]);
  g_array_unref (self->fault_links);
  g_array_unref (self->events);
  g_free (self->flows);
  g_free (self->links);
  g_free (self);
}

/* What is received and delivered at one instant has not waited: only what is held when time goes
 * on counts as the peak. */
static void
note_reorder_peaks (Measure *self)
{
  for (guint s = 0; s < SCENARIO_N_SIDES; s++) {
    MeasureSide *side = &self->side[s];
    side->reorder_peak_bytes =
        MAX (side->reorder_peak_bytes, side->received_bytes - side->delivered_bytes);
  }
}

void
measure_set_now (Measure *self, gint64 now_ns)
{
  g_assert (!self->is_finished);
  g_assert (now_ns >= self->now_ns);
  if (now_ns != self->now_ns)
    note_reorder_peaks (self);
  self->now_ns = now_ns;
}

static MeasureFlow *
get_flow (Measure *self, guint flow)
{
  g_assert (flow < self->n_flows);
  return &self->flows[flow];
}

static MeasureLink *
get_link (Measure *self, guint link)
{
  g_assert (link < self->n_links);
  return &self->links[link];
}

/* Time is lost in a direction while a bulk flow's clock runs there. */
void
measure_update_active (Measure *self, ScenarioDirection direction)
{
  gboolean active = FALSE;
  for (guint i = 0; i < self->n_flows; i++) {
    if (self->flows[i].direction == direction && flow_is_running (&self->flows[i]))
      active = TRUE;
  }
  lost_time_set_active (self->lost[direction], active, self->now_ns);
}

/* ---- what applications do ---- */

/* What an endpoint holds: accepted and not acknowledged, received and not read. */
void
measure_update_memory (MeasureSide *side)
{
  gint64 unacked = MAX (side->offered_bytes - side->acked_bytes, 0);
  gint64 unread = MAX (side->received_bytes - side->consumed_bytes, 0);
  side->memory_peak_bytes = MAX (side->memory_peak_bytes, unacked + unread);
}

static void
side_offered (Measure *self, ScenarioSide side, gint64 bytes)
{
  self->side[side].offered_bytes += bytes;
  measure_update_memory (&self->side[side]);
}

void
measure_flow_offered (Measure *self, guint index, gint64 bytes, gint64 now_ns)
{
  MeasureFlow *flow = get_flow (self, index);
  ScenarioSide side = measure_sender (flow->direction);
  gboolean had_started = flow->start_ns != CAIMAN_TIME_NEVER;
  measure_set_now (self, now_ns);
  flow_offered (flow, bytes, self->side[side].connected_ns != CAIMAN_TIME_NEVER, now_ns);
  side_offered (self, side, bytes);
  if (!had_started && flow->is_bulk)
    measure_update_active (self, flow->direction);
}

void
measure_response_offered (Measure *self, guint index, gint64 bytes, gint64 now_ns)
{
  MeasureFlow *flow = get_flow (self, index);
  measure_set_now (self, now_ns);
  side_offered (self, measure_sender (flow->direction == SCENARIO_UP ? SCENARIO_DOWN : SCENARIO_UP),
                bytes);
}

void
measure_flow_delivered (Measure *self, guint flow, gint64 bytes, gint64 now_ns)
{
  measure_set_now (self, now_ns);
  flow_delivered (get_flow (self, flow), bytes, now_ns);
}

void
measure_flow_message (Measure *self, guint index, gint64 latency_ns, gint64 now_ns)
{
  MeasureFlow *flow = get_flow (self, index);
  measure_set_now (self, now_ns);
  flow->n_messages++;
  histogram_add (&flow->latency, latency_ns);
}

void
measure_flow_completed (Measure *self, guint index, gint64 now_ns)
{
  MeasureFlow *flow = get_flow (self, index);
  measure_set_now (self, now_ns);
  if (flow->completed_ns >= 0)
    return;
  flow->completed_ns = now_ns;
  measure_update_active (self, flow->direction);
}

/* ---- endpoints, links and faults ---- */

void
measure_span_set (MeasureSpan *span, guint count, gint64 now_ns)
{
  if (span->count == 0 && count > 0)
    span->since_ns = now_ns;
  else if (span->count > 0 && count == 0)
    span->total_ns += now_ns - span->since_ns;
  span->count = count;
}

static void
link_gone (MeasureLinkSide *link, gint64 now_ns)
{
  measure_span_set (&link->working, 0, now_ns);
  measure_span_set (&link->not_working, 0, now_ns);
  measure_span_set (&link->blocked, 0, now_ns);
  link->is_blocked[0] = link->is_blocked[1] = FALSE;
}

/* The sender at @side knows by now that @link is in trouble. */
void
measure_noticed (Measure *self, ScenarioSide side, guint link)
{
  lost_time_noticed (self->lost[measure_direction (side)], link, self->now_ns);
}

void
measure_connection_open (Measure *self, ScenarioSide side, gint64 now_ns)
{
  measure_set_now (self, now_ns);
  measure_set_open (self, side);
}

void
measure_connection_ended (Measure *self, ScenarioSide side, CaimanReason reason, gint64 now_ns)
{
  measure_set_now (self, now_ns);
  measure_set_ended (self, side, reason);
}

void
measure_endpoint_gone (Measure *self, ScenarioSide side_index, gint64 now_ns)
{
  MeasureSide *side = &self->side[side_index];
  measure_set_now (self, now_ns);
  side->acked_bytes = side->offered_bytes;
  side->received_bytes = side->delivered_bytes = side->consumed_bytes = 0;
  side->ended_ns = MIN (side->ended_ns, now_ns);
  for (guint i = 0; i < self->n_links; i++) {
    link_gone (&self->links[i].side[side_index], now_ns);
    lost_time_dropped (self->lost[measure_direction (side_index)], i, now_ns);
    measure_noticed (self, side_index, i);
  }
}

void
measure_note_rtt (MeasureLinkSide *link, gint64 rtt_ns)
{
  if (link->rtt_min_ns == MEASURE_UNDEFINED || rtt_ns < link->rtt_min_ns)
    link->rtt_min_ns = rtt_ns;
}

void
measure_link_rtt (Measure *self, guint index, ScenarioSide side, gint64 srtt_ns, gint64 min_rtt_ns)
{
  MeasureLinkSide *link = &get_link (self, index)->side[side];
  if (min_rtt_ns > 0)
    measure_note_rtt (link, min_rtt_ns);
  if (srtt_ns <= 0)
    return;
  link->rtt_sum_ns += srtt_ns;
  link->n_rtts++;
}

void
measure_capacity (Measure *self, guint index, ScenarioDirection direction, gint64 rate_bps,
                  gint64 delay_ns, gint64 now_ns)
{
  GArray *steps = get_link (self, index)->steps[direction];
  IdealStep step = { .t_ns = now_ns, .rate_bps = rate_bps, .delay_ns = delay_ns };
  measure_set_now (self, now_ns);
  lost_time_set_capacity (self->lost[direction], index, rate_bps, delay_ns, now_ns);
  if (steps->len > 0) {
    IdealStep *last = &g_array_index (steps, IdealStep, steps->len - 1);
    if (last->rate_bps == rate_bps && last->delay_ns == delay_ns)
      return;
    if (last->t_ns == now_ns) {
      *last = step;
      return;
    }
  }
  g_array_append_val (steps, step);
}

void
measure_event_begun (Measure *self, gint64 now_ns)
{
  measure_set_now (self, now_ns);
  g_array_append_val (self->events, now_ns);
}

guint
measure_fault_begin (Measure *self, const guint *links, gsize n_links, gint64 now_ns)
{
  guint number = self->fault_links->len;
  GArray *hit = g_array_new (FALSE, FALSE, sizeof (guint));
  measure_event_begun (self, now_ns);
  if (links != NULL) {
    g_array_append_vals (hit, links, (guint)n_links);
  } else {
    for (guint i = 0; i < self->n_links; i++)
      g_array_append_val (hit, i);
  }
  g_array_append_val (self->fault_links, hit);
  for (guint i = 0; i < hit->len; i++) {
    guint link = g_array_index (hit, guint, i);
    g_assert (link < self->n_links);
    for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++) {
      /* What does not work now has no trouble left to notice. */
      if (self->links[link].side[measure_sender ((ScenarioDirection)d)].working.count > 0)
        lost_time_fault (self->lost[d], link, now_ns);
    }
  }
  for (guint i = 0; i < self->n_flows; i++)
    flow_fault_begin (&self->flows[i], number, now_ns);
  return number;
}

void
measure_fault_end (Measure *self, guint fault, gint64 now_ns)
{
  g_assert (fault < self->fault_links->len);
  GArray **hit = &g_array_index (self->fault_links, GArray *, fault);
  measure_set_now (self, now_ns);
  if (*hit == NULL)
    return;
  for (guint i = 0; i < (*hit)->len; i++) {
    for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++)
      lost_time_noticed (self->lost[d], g_array_index (*hit, guint, i), now_ns);
  }
  g_clear_pointer (hit, g_array_unref);
  for (guint i = 0; i < self->n_flows; i++)
    flow_fault_end (&self->flows[i], fault, now_ns);
}

void
measure_link_wire (Measure *self, guint link, ScenarioDirection direction, gint64 wire_bytes)
{
  get_link (self, link)->wire_bytes[direction] = wire_bytes;
}

static gint64
define (gint64 value_ns)
{
  return value_ns < 0 ? MEASURE_UNDEFINED : value_ns;
}

void
measure_timing (Measure *self, gint64 lateness_p99_ns, gint64 lateness_max_ns, gint64 cpu_ns)
{
  self->lateness_p99_ns = define (lateness_p99_ns);
  self->lateness_max_ns = define (lateness_max_ns);
  self->cpu_ns = cpu_ns;
}

void
measure_network_timing (Measure *self, gint64 timer_ns, gint64 lateness_p99_ns,
                        gint64 lateness_max_ns, gint64 cpu_ns)
{
  self->network.timer_ns = define (timer_ns);
  self->network.lateness_p99_ns = define (lateness_p99_ns);
  self->network.lateness_max_ns = define (lateness_max_ns);
  self->network.cpu_ns = define (cpu_ns);
}

void
measure_finish (Measure *self, gint64 now_ns)
{
  measure_set_now (self, now_ns);
  note_reorder_peaks (self);
  for (guint i = 0; i < self->n_flows; i++) {
    MeasureFlow *flow = &self->flows[i];
    gint64 ended_ns = self->side[measure_sender (flow->direction)].ended_ns;
    flow_finish (flow, MIN (ended_ns, now_ns));
  }
  for (guint i = 0; i < self->n_links; i++) {
    for (guint s = 0; s < SCENARIO_N_SIDES; s++)
      link_gone (&self->links[i].side[s], now_ns);
  }
  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++)
    lost_time_set_active (self->lost[d], FALSE, now_ns);
  self->is_finished = TRUE;
}
