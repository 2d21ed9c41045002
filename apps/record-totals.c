/* SPDX-License-Identifier: Apache-2.0 */
/* record-totals.c - see record-private.h. What a run has done so far, and with what settings. */
#include "apps/record-private.h"

#include <math.h>

void
record_run_add_flows (RecordRun *run, gboolean is_complete)
{
  static const char *const names[RECORD_N_FLOWS] = { "sent", "received" };
  StoreSide here = run->record->side;
  StoreSide there = here == STORE_SIDE_CLIENT ? STORE_SIDE_SERVER : STORE_SIDE_CLIENT;
  CaimanConnectionStats stats;
  for (guint i = 0; i < RECORD_N_FLOWS; i++) {
    const StoreFlowSample *last = &run->last_flows[i];
    StoreFlow row = { .name = names[i],
                      .from = i == RECORD_SENT ? here : there,
                      .kind = "live",
                      .offered_bytes = last->offered_bytes,
                      .delivered_bytes = last->delivered_bytes,
                      .complete = is_complete && last->offered_bytes == last->delivered_bytes };
    const RecordSpan *span = &run->spans[i];
    gint64 length_ns = span->last_ns - span->first_ns;
    g_array_append_val (run->part->flows, row);
    store_run_add_metric (
        run->part, STORE_SUBJECT_FLOW, names[i], "goodput",
        length_ns > 0 ? (double)last->delivered_bytes * 8 * 1e9 / (double)length_ns : NAN, "bit/s");
    store_run_add_metric (run->part, STORE_SUBJECT_FLOW, names[i], "delivered-bytes",
                          (double)last->delivered_bytes, "bytes");
  }
  caiman_connection_get_stats (run->connection, &stats);
  store_run_add_metric (run->part, STORE_SUBJECT_FLOW, names[RECORD_RECEIVED], "reorder-peak",
                        (double)stats.reorder_peak_bytes, "bytes");
}

void
record_run_add_connection_metrics (RecordRun *run)
{
  const char *side = store_side_to_string (run->record->side);
  CaimanConnectionStats stats;
  gint64 n_ended = 0;
  caiman_connection_get_stats (run->connection, &stats);
  for (guint i = 0; i < run->paths->len; i++)
    n_ended += ((RecordPath *)g_ptr_array_index (run->paths, i))->closed.n_ended;
  const StoreMetric metrics[] = {
    { .name = "connect-time",
      .value = run->connected_ns >= 0 ? (double)run->connected_ns : NAN,
      .unit = "ns" },
    { .name = "duplicate-bytes", .value = (double)stats.duplicated_bytes, .unit = "bytes" },
    { .name = "resent-bytes", .value = (double)stats.resent_bytes, .unit = "bytes" },
    { .name = "wasted-bytes", .value = (double)stats.duplicate_received_bytes, .unit = "bytes" },
    { .name = "links-ended", .value = (double)n_ended, .unit = "count" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (metrics); i++)
    store_run_add_metric (run->part, STORE_SUBJECT_CONNECTION, side, metrics[i].name,
                          metrics[i].value, metrics[i].unit);
}

void
record_run_add_resends (RecordRun *run)
{
  const GArray *resends = run->totals->resends;
  g_array_append_vals (run->part->resends, resends->data, resends->len);
}

void
record_run_add_path_metrics (RecordRun *run, guint index, gint64 now_ns)
{
  const RecordPath *path = g_ptr_array_index (run->paths, index);
  gboolean is_client = run->record->side == STORE_SIDE_CLIENT;
  g_autofree char *sent = g_strdup_printf ("%s.%s", path->name, is_client ? "up" : "down");
  g_autofree char *received = g_strdup_printf ("%s.%s", path->name, is_client ? "down" : "up");
  g_autofree char *here =
      g_strdup_printf ("%s.%s", path->name, store_side_to_string (run->record->side));
  RecordTotals totals;
  record_run_gather (run, index, &totals, now_ns);
  const struct {
    const char *subject, *name, *unit;
    double value;
  } metrics[] = {
    { sent, "bytes", "bytes", (double)(totals.sent_bytes + totals.resent_bytes) },
    { sent, "wire-bytes", "bytes", (double)totals.wire_sent_bytes },
    { sent, "resent", "bytes", (double)totals.resent_bytes },
    { received, "bytes", "bytes", (double)totals.received_bytes },
    { received, "wire-bytes", "bytes", (double)totals.wire_received_bytes },
    { here, "suspected-count", "count", (double)totals.n_suspected },
    { here, "not-working-count", "count", (double)totals.n_not_working },
    { here, "state-time-working", "ns", (double)totals.working_ns },
    { here, "ends", "count", (double)totals.n_ended },
    { here, "rtt-min", "ns", path->min_rtt_ns > 0 ? (double)path->min_rtt_ns : NAN },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (metrics); i++)
    store_run_add_metric (run->part, STORE_SUBJECT_LINK, metrics[i].subject, metrics[i].name,
                          metrics[i].value, metrics[i].unit);
}

void
record_run_add_parameters (RecordRun *run)
{
  const CaimanConfig *config = caiman_connection_get_config (run->connection);
  gsize n_tunables;
  const CaimanTunable *tunables = caiman_config_get_tunables (&n_tunables);
  for (gsize i = 0; i < n_tunables; i++) {
    const CaimanTunable *tunable = &tunables[i];
    gint64 value = caiman_config_get (config, tunable);
    g_autofree char *number = g_strdup_printf ("%" G_GINT64_FORMAT, value);
    StoreParameter row = {
      .side = store_side_to_string (run->record->side),
      .name = tunable->name,
      .value = tunable->kind == CAIMAN_TUNABLE_ENUM ? tunable->enum_names[value]
               : tunable->allows_never && value == CAIMAN_TIME_NEVER
                   ? "never"
                   : store_run_string (run->part, number),
      .unit = tunable->kind == CAIMAN_TUNABLE_DURATION ? "ns"
              : tunable->kind == CAIMAN_TUNABLE_BYTES  ? "bytes"
                                                       : "",
    };
    g_array_append_val (run->part->parameters, row);
  }
}
