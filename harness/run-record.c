/* SPDX-License-Identifier: Apache-2.0 */
/* run-record.c - rows of a run's record: what the scenario says, and samples over time. */
#include "harness/run-private.h"

#include "core/hold.h"
#include "harness/scenario-values.h"

/* (borrowed from @store) a copy of @text, which is freed. */
static const char *
keep (StoreRun *store, char *text)
{
  const char *kept = store_run_string (store, text);

  g_free (text);
  return kept;
}

/* --- The scenario --- */

static const char *
format_value (StoreRun *store, const CaimanTunable *tunable, gint64 value)
{
  if (tunable->kind == CAIMAN_TUNABLE_ENUM)
    return tunable->enum_names[value];
  if (tunable->allows_never && value == CAIMAN_TIME_NEVER)
    return "never";
  return keep (store, g_strdup_printf ("%" G_GINT64_FORMAT, value));
}

static void
add_parameters (StoreRun *store, const Scenario *scenario, ScenarioSide side)
{
  const CaimanConfig *config = &scenario->endpoint[side].config;
  gsize n_tunables;
  const CaimanTunable *tunables = caiman_config_get_tunables (&n_tunables);

  for (gsize i = 0; i < n_tunables; i++) {
    const CaimanTunable *tunable = &tunables[i];
    StoreParameter parameter = {
      .side = scenario_side_to_string (side),
      .name = tunable->name,
      .value = format_value (store, tunable, caiman_config_get (config, tunable)),
      .unit = tunable->kind == CAIMAN_TUNABLE_DURATION ? "ns"
              : tunable->kind == CAIMAN_TUNABLE_BYTES  ? "bytes"
                                                       : "",
    };
    g_array_append_val (store->parameters, parameter);
  }
}

static StoreLinkDirection
make_direction (StoreRun *store, const ScenarioPath *path)
{
  return (StoreLinkDirection) {
    .rate_bps = path->rate_bps == SCENARIO_RATE_UNLIMITED ? -1 : path->rate_bps,
    .delay_ns = path->delay_ns,
    .jitter = keep (store, value_format_jitter (&path->jitter)),
    .loss = keep (store, value_format_loss (&path->loss)),
    .queue = keep (store, value_format_queue (&path->queue)),
  };
}

static void
add_link (StoreRun *store, const ScenarioLink *link)
{
  const ScenarioLinkTerms *terms = &link->terms[SCENARIO_SIDE_CLIENT];
  StoreLink row = { .name = store_run_string (store, link->name),
                    .carrier = scenario_carrier_to_string (link->carrier),
                    .up = make_direction (store, &link->path[SCENARIO_UP]),
                    .down = make_direction (store, &link->path[SCENARIO_DOWN]),
                    .weight = terms->weight,
                    .cost = terms->cost,
                    .quota_bytes = terms->quota_bytes > 0 ? terms->quota_bytes : -1 };

  g_array_append_val (store->links, row);
}

static void
add_flow (StoreRun *store, const ScenarioFlow *flow)
{
  StoreFlow row = { .name = store_run_string (store, flow->name),
                    .from =
                        flow->from == SCENARIO_SIDE_CLIENT ? STORE_SIDE_CLIENT : STORE_SIDE_SERVER,
                    .kind = scenario_traffic_kind_to_string (flow->kind) };

  g_array_append_val (store->flows, row);
}

void
run_record_scenario (StoreRun *store, const Scenario *scenario)
{
  add_parameters (store, scenario, SCENARIO_SIDE_CLIENT);
  add_parameters (store, scenario, SCENARIO_SIDE_SERVER);
  for (guint i = 0; i < scenario->links->len; i++)
    add_link (store, scenario_get_link (scenario, i));
  for (guint i = 0; i < scenario->flows->len; i++)
    add_flow (store, scenario_get_flow (scenario, i));
}

void
run_record_flows (Run *run)
{
  for (guint i = 0; i < run->scenario->flows->len; i++) {
    TrafficProgress progress;
    StoreFlow *row = &g_array_index (run->store->flows, StoreFlow, i);
    traffic_get_progress (run->traffic, i, &progress);
    row->offered_bytes = progress.offered_bytes;
    row->delivered_bytes = progress.delivered_bytes;
    row->complete = progress.complete;
  }
}

/* --- Samples --- */

void
run_record_link_closed (Run *run, ScenarioSide side, guint index, const CaimanLink *link)
{
  RunLinkTotals *closed = &run->endpoint[side].closed[index];
  CaimanLinkStats stats;

  caiman_link_get_stats (link, &stats, testbed_now (run->testbed));
  closed->sent_bytes += (gint64)stats.sent_bytes;
  closed->acked_bytes += (gint64)stats.acked_bytes;
  closed->resent_bytes += (gint64)(stats.resent_bytes + stats.duplicated_bytes);
}

/* Adds what one of maybe several links over the same path says. */
static void
add_link_stats (Run *run, ScenarioSide side, StoreLinkSample *sample, const CaimanLink *link,
                gint64 now_ns)
{
  CaimanLinkStats stats;

  caiman_link_get_stats (link, &stats, now_ns);
  measure_link_rtt (run->measure, sample->link, side, stats.srtt_ns, stats.min_rtt_ns);
  sample->state = caiman_link_state_to_string (caiman_link_get_state (link));
  sample->hold = caiman_hold_to_string (caiman_link_get_hold (link));
  if (stats.srtt_ns > 0)
    sample->rtt_ns = stats.srtt_ns;
  sample->in_flight_bytes += stats.in_flight_bytes;
  sample->limit_bytes += stats.window_bytes;
  sample->sent_bytes += (gint64)stats.sent_bytes;
  sample->delivered_bytes += (gint64)stats.acked_bytes;
  sample->resent_bytes += (gint64)(stats.resent_bytes + stats.duplicated_bytes);
}

static void
sample_link (Run *run, ScenarioSide side, guint index, CaimanLink *const *links, gsize n_links)
{
  const char *name = scenario_get_link (run->scenario, index)->name;
  const RunLinkTotals *closed = &run->endpoint[side].closed[index];
  gint64 now_ns = testbed_now (run->testbed);
  ScenarioDirection direction = side == SCENARIO_SIDE_CLIENT ? SCENARIO_UP : SCENARIO_DOWN;
  StoreLinkSample sample = {
    .t_ns = now_ns,
    .link = index,
    .side = side == SCENARIO_SIDE_CLIENT ? STORE_SIDE_CLIENT : STORE_SIDE_SERVER,
    .state = "none",
    .hold = "no-link",
    .rtt_ns = -1,
    .sent_bytes = closed->sent_bytes,
    .delivered_bytes = closed->acked_bytes,
    .resent_bytes = closed->resent_bytes,
    .queue_bytes = run->testbed->klass->get_queue_bytes (run->testbed, index, direction),
  };

  for (gsize i = 0; i < n_links; i++) {
    if (g_strcmp0 (caiman_link_get_name (links[i]), name) == 0)
      add_link_stats (run, side, &sample, links[i], now_ns);
  }
  g_array_append_val (run->store->link_samples, sample);
}

static void
sample_flow (Run *run, guint index, const guint64 reorder_bytes[SCENARIO_N_SIDES])
{
  const ScenarioFlow *spec = scenario_get_flow (run->scenario, index);
  TrafficProgress progress;

  traffic_get_progress (run->traffic, index, &progress);
  StoreFlowSample sample = { .t_ns = testbed_now (run->testbed),
                             .flow = index,
                             .offered_bytes = progress.offered_bytes,
                             .delivered_bytes = progress.delivered_bytes,
                             .reorder_bytes = (gint64)reorder_bytes[!spec->from] };
  g_array_append_val (run->store->flow_samples, sample);
}

void
run_record_sample (Run *run)
{
  guint64 reorder_bytes[SCENARIO_N_SIDES] = { 0, 0 };

  for (guint s = 0; s < SCENARIO_N_SIDES; s++) {
    CaimanConnection *connection = run->endpoint[s].connection;
    CaimanConnectionStats stats;
    gsize n_links;
    if (!connection)
      continue;
    CaimanLink *const *links = caiman_connection_get_links (connection, &n_links);
    for (guint i = 0; i < run->scenario->links->len; i++)
      sample_link (run, s, i, links, n_links);
    caiman_connection_get_stats (connection, &stats);
    reorder_bytes[s] = stats.reorder_bytes;
  }
  for (guint i = 0; i < run->scenario->flows->len; i++)
    sample_flow (run, i, reorder_bytes);
}
