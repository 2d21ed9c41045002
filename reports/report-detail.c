/* SPDX-License-Identifier: Apache-2.0 */
/* report-detail.c - see report-detail.h. Times are in ms to the us, in arrays beside the values. */
#include "reports/report-detail.h"

#include "reports/link-values.h"
#include "reports/report-capacity.h"
#include "reports/report-lanes.h"
#include "reports/report-reduce.h"

#include <math.h>
#include <string.h>

#define LINE_DIGITS 6 /* of values in plots; tables have all of them */

char *
report_detail_get_text_id (const StoreRun *run)
{
  g_autofree char *sum = g_compute_checksum_for_string (
      G_CHECKSUM_SHA256, run->scenario_text ? run->scenario_text : "", -1);
  return g_strndup (sum, 16);
}

static void
add_ms (JsonText *json, gint64 t_ns)
{
  json_text_number (json, round ((double)t_ns / 1e3) / 1e3);
}

/* --- Lines --- */

/* {"name", "t": [...], "v": [...], "n": points before the reduction}; values that never change are
 * one point at each end. */
static void
add_line (JsonText *json, const char *name, const GArray *points, guint n_measured)
{
  json_text_open (json, '{');
  json_text_member_string (json, "name", name);
  json_text_member_integer (json, "n", n_measured);
  json_text_member_open (json, "t", '[');
  for (guint i = 0; i < points->len; i++)
    add_ms (json, g_array_index (points, ReportPoint, i).t_ns);
  json_text_close (json, ']');
  json_text_member_open (json, "v", '[');
  for (guint i = 0; i < points->len; i++)
    json_text_rounded (json, g_array_index (points, ReportPoint, i).value, LINE_DIGITS);
  json_text_close (json, ']');
  json_text_close (json, '}');
}

static gboolean
is_constant (const GArray *points)
{
  for (guint i = 1; i < points->len; i++) {
    double first = g_array_index (points, ReportPoint, 0).value;
    double value = g_array_index (points, ReportPoint, i).value;
    if (value != first && !(isnan (value) && isnan (first)))
      return FALSE;
  }
  return TRUE;
}

static void
add_reduced (JsonText *json, const char *name, const GArray *points)
{
  if (points->len > 2 && is_constant (points)) {
    g_autoptr (GArray) ends = g_array_new (FALSE, FALSE, sizeof (ReportPoint));
    g_array_append_vals (ends, points->data, 1);
    g_array_append_val (ends, g_array_index (points, ReportPoint, points->len - 1));
    add_line (json, name, ends, 2);
    return;
  }
  g_autoptr (GArray) reduced = report_reduce (points, REPORT_BUCKETS);
  add_line (json, name, reduced, points->len);
}

static void
add_rates (JsonText *json, const char *name, const GArray *totals)
{
  g_autoptr (GArray) rates = report_rates (totals, REPORT_BUCKETS, 8);
  add_line (json, name, rates, totals->len);
}

/* --- Links: what each side knew --- */

static GArray *
collect (const StoreLinkSample *samples, guint n, LinkValue get)
{
  GArray *points = g_array_sized_new (FALSE, FALSE, sizeof (ReportPoint), n);
  for (guint i = 0; i < n; i++) {
    ReportPoint point = { samples[i].t_ns, get (&samples[i]) };
    g_array_append_val (points, point);
  }
  return points;
}

/* @samples are all those of one link and side. */
static void
add_link_series (JsonText *json, const StoreLinkSample *samples, guint n)
{
  static const struct {
    const char *name;
    LinkValue get;
  } lines[] = { { "rtt", link_value_rtt },
                { "in-flight", link_value_in_flight },
                { "limit", link_value_limit },
                { "resent", link_value_resent } };
  json_text_open (json, '{');
  json_text_member_integer (json, "link", samples->link);
  json_text_member_string (json, "side", store_side_to_string (samples->side));
  json_text_member_open (json, "lines", '[');
  g_autoptr (GArray) totals = collect (samples, n, link_value_delivered);
  add_rates (json, "throughput", totals);
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autoptr (GArray) points = collect (samples, n, lines[i].get);
    add_reduced (json, lines[i].name, points);
  }
  json_text_close (json, ']');
  json_text_close (json, '}');
}

static void
add_links_series (JsonText *json, const StoreRun *run)
{
  const StoreLinkSample *samples = (const StoreLinkSample *)(void *)run->link_samples->data;
  json_text_member_open (json, "linkSeries", '[');
  for (guint begin = 0, i = 1; i <= run->link_samples->len; i++) {
    if (i < run->link_samples->len && samples[i].link == samples[begin].link &&
        samples[i].side == samples[begin].side)
      continue;
    add_link_series (json, &samples[begin], i - begin);
    begin = i;
  }
  json_text_close (json, ']');
}

/* --- Flows --- */

static void
add_flow_series (JsonText *json, const StoreFlowSample *samples, guint n)
{
  g_autoptr (GArray) totals = g_array_new (FALSE, FALSE, sizeof (ReportPoint));
  g_autoptr (GArray) reorder = g_array_new (FALSE, FALSE, sizeof (ReportPoint));
  for (guint i = 0; i < n; i++) {
    ReportPoint total = { samples[i].t_ns, (double)samples[i].delivered_bytes };
    ReportPoint held = { samples[i].t_ns, (double)samples[i].reorder_bytes };
    g_array_append_val (totals, total);
    g_array_append_val (reorder, held);
  }
  json_text_open (json, '{');
  json_text_member_integer (json, "flow", samples->flow);
  json_text_member_open (json, "lines", '[');
  add_rates (json, "delivered", totals);
  add_reduced (json, "reorder", reorder);
  json_text_close (json, ']');
  json_text_close (json, '}');
}

static void
add_flows_series (JsonText *json, const StoreRun *run)
{
  const StoreFlowSample *samples = (const StoreFlowSample *)(void *)run->flow_samples->data;
  json_text_member_open (json, "flowSeries", '[');
  for (guint begin = 0, i = 1; i <= run->flow_samples->len; i++) {
    if (i < run->flow_samples->len && samples[i].flow == samples[begin].flow)
      continue;
    add_flow_series (json, &samples[begin], i - begin);
    begin = i;
  }
  json_text_close (json, ']');
}

/* --- Capacity, lanes, events --- */

static void
add_steps (JsonText *json, const char *name, const GArray *steps)
{
  json_text_key (json, name);
  if (!steps) {
    json_text_null (json);
    return;
  }
  json_text_open (json, '[');
  for (guint i = 0; i < steps->len; i++) {
    const ReportStep *step = &g_array_index (steps, ReportStep, i);
    json_text_open (json, '[');
    add_ms (json, step->t_ns);
    if (step->rate_bps == REPORT_UNLIMITED)
      json_text_null (json);
    else
      json_text_integer (json, step->rate_bps);
    json_text_close (json, ']');
  }
  json_text_close (json, ']');
}

static void
add_capacity (JsonText *json, const StoreRun *run)
{
  g_autoptr (ReportCapacity) capacity = report_capacity_new (run);
  g_autoptr (GArray) up = report_capacity_sum (capacity, 0);
  g_autoptr (GArray) down = report_capacity_sum (capacity, 1);
  json_text_member_open (json, "capacity", '{');
  add_steps (json, "up", up);
  add_steps (json, "down", down);
  json_text_member_string (json, "problem", capacity->problem);
  json_text_close (json, '}');
}

static void
add_span (JsonText *json, gint64 t_ns, const char *state, const char *reason)
{
  json_text_open (json, '[');
  add_ms (json, t_ns);
  json_text_string (json, state);
  json_text_string (json, reason);
  json_text_close (json, ']');
}

/* The last span says how many more there are, if it must. */
static void
add_spans (JsonText *json, const GArray *spans)
{
  for (guint i = 0; i < spans->len; i++) {
    const ReportSpan *span = &g_array_index (spans, ReportSpan, i);
    if (i >= REPORT_SPANS_MAX) {
      g_autofree char *more = g_strdup_printf ("%u more changes", spans->len - i);
      add_span (json, span->t_ns, "not shown", more);
      return;
    }
    add_span (json, span->t_ns, span->state, span->reason);
  }
}

static void
add_lanes (JsonText *json, const StoreRun *run)
{
  g_autoptr (GPtrArray) lanes = report_lanes_new (run);
  json_text_member_open (json, "lanes", '[');
  for (guint i = 0; i < lanes->len; i++) {
    const ReportLane *lane = g_ptr_array_index (lanes, i);
    json_text_open (json, '{');
    json_text_member_integer (json, "link", lane->link);
    json_text_member_string (json, "side", store_side_to_string (lane->side));
    json_text_member_open (json, "spans", '[');
    add_spans (json, lane->spans);
    json_text_close (json, ']');
    json_text_close (json, '}');
  }
  json_text_close (json, ']');
}

static void
add_event (JsonText *json, const StoreEvent *event)
{
  json_text_open (json, '[');
  add_ms (json, event->t_ns);
  json_text_string (json, store_side_to_string (event->side));
  json_text_integer (json, event->link);
  json_text_string (json, event->kind);
  json_text_string (json, event->reason);
  json_text_string (json, event->text);
  json_text_close (json, ']');
}

/* The first ones of the two sides, and of the harness, whose events are the bands. */
static void
add_events (JsonText *json, const StoreRun *run)
{
  guint n_shown = 0, n_left_out = 0, n_faults = 0;
  json_text_member_open (json, "events", '[');
  for (guint i = 0; i < run->events->len; i++) {
    const StoreEvent *event = &g_array_index (run->events, StoreEvent, i);
    gboolean is_fault = event->side == STORE_SIDE_HARNESS;
    if (is_fault && n_faults++ < REPORT_FAULTS_MAX)
      add_event (json, event);
    else if (!is_fault && n_shown++ < REPORT_EVENTS_MAX)
      add_event (json, event);
    else
      n_left_out += !is_fault;
  }
  json_text_close (json, ']');
  json_text_member_integer (json, "eventsLeftOut", n_left_out);
  json_text_member_integer (json, "faultsLeftOut",
                            n_faults > REPORT_FAULTS_MAX ? n_faults - REPORT_FAULTS_MAX : 0);
}

/* --- Tables --- */

static void
add_strings (JsonText *json, const char *const *texts, guint n)
{
  json_text_open (json, '[');
  for (guint i = 0; i < n; i++)
    json_text_string (json, texts[i]);
  json_text_close (json, ']');
}

static void
add_direction (JsonText *json, const char *name, const StoreLinkDirection *direction)
{
  json_text_member_open (json, name, '{');
  if (direction->rate_bps >= 0)
    json_text_member_integer (json, "rate", direction->rate_bps);
  json_text_member_integer (json, "delay", direction->delay_ns);
  json_text_member_string (json, "jitter", direction->jitter);
  json_text_member_string (json, "loss", direction->loss);
  json_text_member_string (json, "queue", direction->queue);
  json_text_close (json, '}');
}

static void
add_links (JsonText *json, const StoreRun *run)
{
  json_text_member_open (json, "links", '[');
  for (guint i = 0; i < run->links->len; i++) {
    const StoreLink *link = &g_array_index (run->links, StoreLink, i);
    json_text_open (json, '{');
    json_text_member_string (json, "name", link->name);
    json_text_member_string (json, "carrier", link->carrier);
    add_direction (json, "up", &link->up);
    add_direction (json, "down", &link->down);
    json_text_close (json, '}');
  }
  json_text_close (json, ']');
}

static void
add_flows (JsonText *json, const StoreRun *run)
{
  json_text_member_open (json, "flows", '[');
  for (guint i = 0; i < run->flows->len; i++) {
    const StoreFlow *flow = &g_array_index (run->flows, StoreFlow, i);
    json_text_open (json, '{');
    json_text_member_string (json, "name", flow->name);
    json_text_member_string (json, "from", store_side_to_string (flow->from));
    json_text_member_string (json, "kind", flow->kind);
    json_text_member_integer (json, "offered", flow->offered_bytes);
    json_text_member_integer (json, "delivered", flow->delivered_bytes);
    json_text_member_boolean (json, "complete", flow->complete);
    json_text_close (json, '}');
  }
  json_text_close (json, ']');
}

static void
add_metrics (JsonText *json, const StoreRun *run)
{
  json_text_member_open (json, "metrics", '[');
  for (guint i = 0; i < run->metrics->len; i++) {
    const StoreMetric *metric = &g_array_index (run->metrics, StoreMetric, i);
    json_text_open (json, '[');
    json_text_string (json, store_subject_to_string (metric->subject_kind));
    json_text_string (json, metric->subject);
    json_text_string (json, metric->name);
    json_text_number (json, metric->value);
    json_text_string (json, metric->unit);
    json_text_close (json, ']');
  }
  json_text_close (json, ']');
}

static void
add_expectations (JsonText *json, const StoreRun *run)
{
  json_text_member_open (json, "expectations", '[');
  for (guint i = 0; i < run->expectations->len; i++) {
    const StoreExpectation *e = &g_array_index (run->expectations, StoreExpectation, i);
    json_text_open (json, '[');
    json_text_string (json, e->name);
    json_text_string (json, e->bound);
    json_text_string (json, e->actual);
    json_text_boolean (json, e->held);
    json_text_integer (json, e->line);
    json_text_close (json, ']');
  }
  json_text_close (json, ']');
}

static void
add_parameters (JsonText *json, const StoreRun *run)
{
  json_text_member_open (json, "parameters", '[');
  for (guint i = 0; i < run->parameters->len; i++) {
    const StoreParameter *p = &g_array_index (run->parameters, StoreParameter, i);
    const char *cells[] = { p->side, p->name, p->value, p->unit };
    add_strings (json, cells, G_N_ELEMENTS (cells));
  }
  json_text_close (json, ']');
}

void
report_detail_append (JsonText *json, const StoreRun *run)
{
  g_autofree char *text_id = report_detail_get_text_id (run);
  json_text_open (json, '{');
  json_text_member_integer (json, "id", run->id);
  json_text_member_string (json, "hash", run->scenario_hash);
  json_text_member_string (json, "digest", run->digest);
  json_text_member_string (json, "git", run->git_id);
  json_text_member_string (json, "host", run->host);
  json_text_member_integer (json, "nEvents", run->n_events);
  json_text_member_number (json, "end", (double)report_run_end_ns (run) / 1e6);
  json_text_member_string (json, "text", text_id);
  add_links (json, run);
  add_flows (json, run);
  add_metrics (json, run);
  add_expectations (json, run);
  add_parameters (json, run);
  add_capacity (json, run);
  add_lanes (json, run);
  add_events (json, run);
  add_links_series (json, run);
  add_flows_series (json, run);
  json_text_close (json, '}');
}
