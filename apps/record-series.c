/* SPDX-License-Identifier: Apache-2.0 */
/* record-series.c - see record-private.h. What a run's links do, over time. */
#include "apps/record-private.h"

#include "apps/live-snapshot.h"
#include "core/hold.h"
#include "core/state-names.h"

/* Bounds, so that a peer that flaps does not cost unbounded memory. */
#define PATHS_MAX  1000
#define EVENTS_MAX 5000 /* per part */

/* --- Paths --- */

static char *
make_path_name (const CaimanLink *link)
{
  g_autofree char *peer = live_peer_name (caiman_link_get_remote_user_data (link));
  const char *remote = caiman_link_get_remote (link);
  GString *name = g_string_new (caiman_link_get_name (link));
  if (remote != NULL && *remote != '\0')
    g_string_append_printf (name, "%s%s", name->len > 0 ? " " : "", remote);
  if (peer != NULL)
    g_string_append_printf (name, " (%s)", peer);
  return g_string_free (name, FALSE);
}

static void
add_link_row (RecordRun *run, const CaimanLink *link, const char *name)
{
  static const StoreLinkDirection unknown = {
    .rate_bps = -1, .jitter = "", .loss = "", .queue = ""
  };
  StoreLink row = { .name = store_run_string (run->part, name),
                    .carrier = "tcp",
                    .up = unknown,
                    .down = unknown,
                    .weight = 1,
                    .quota_bytes = -1 };
  g_array_append_val (run->part->links, row);
}

/* The row of the path that @link runs over, which is made when it is new; -1: too many. */
static int
find_path (RecordRun *run, const CaimanLink *link)
{
  g_autofree char *name = make_path_name (link);
  for (guint i = 0; i < run->paths->len; i++) {
    if (g_str_equal (((RecordPath *)g_ptr_array_index (run->paths, i))->name, name))
      return (int)i;
  }
  if (run->paths->len == PATHS_MAX)
    return -1;
  RecordPath *path = g_new0 (RecordPath, 1);
  add_link_row (run, link, name);
  path->name = g_steal_pointer (&name);
  g_ptr_array_add (run->paths, path);
  return (int)run->paths->len - 1;
}

RecordLink *
record_run_find_link (RecordRun *run, guint32 id)
{
  for (guint i = 0; i < run->links->len; i++) {
    RecordLink *entry = &g_array_index (run->links, RecordLink, i);
    if (entry->id == id)
      return entry;
  }
  return NULL;
}

/* A link has its name once its handshake is done; NULL before. */
RecordLink *
record_run_get_link (RecordRun *run, CaimanLink *link)
{
  RecordLink *known = record_run_find_link (run, caiman_link_get_id (link));
  if (known != NULL || caiman_link_get_state (link) == CAIMAN_LINK_CONNECTING)
    return known;
  RecordLink entry = { .id = caiman_link_get_id (link),
                       .link = caiman_link_ref (link),
                       .path = find_path (run, link) };
  g_array_append_val (run->links, entry);
  return &g_array_index (run->links, RecordLink, run->links->len - 1);
}

/* --- Traces --- */

static void
extend (RecordSpan *span, gint64 t_ns)
{
  if (span->first_ns < 0)
    span->first_ns = t_ns;
  span->last_ns = t_ns;
}

/* The row of a link that is known; -1. */
static int
get_path_index (RecordRun *run, guint32 link_id)
{
  const RecordLink *entry = record_run_find_link (run, link_id);
  return entry != NULL ? entry->path : -1;
}

void
record_run_trace (const CaimanTraceEvent *event, gpointer user_data)
{
  RecordRun *run = user_data;
  gint64 t_ns = event->time_ns - run->opened_ns;
  const char *text = caiman_trace_event_get_state_name (event);

  run->n_trace_events++;
  if (event->resend_cause != CAIMAN_RESEND_NONE)
    store_run_count_resend (run->totals, run->record->side, get_path_index (run, event->link_id),
                            get_path_index (run, event->from_link_id),
                            caiman_resend_cause_to_string (event->resend_cause), (gint64)event->b);
  if (event->type == CAIMAN_TRACE_DATA_SENT || event->type == CAIMAN_TRACE_DATA_ACKED)
    extend (&run->spans[RECORD_SENT], t_ns);
  else if (event->type == CAIMAN_TRACE_DATA_RECEIVED || event->type == CAIMAN_TRACE_DATA_CONSUMED)
    extend (&run->spans[RECORD_RECEIVED], t_ns);
  if (event->type == CAIMAN_TRACE_CONNECTION_STATE && event->b == CAIMAN_CONNECTION_OPEN)
    run->connected_ns = t_ns;
  if (text == NULL)
    return;
  if (run->part->events->len >= EVENTS_MAX) {
    run->n_omitted++;
    return;
  }
  StoreEvent row = { .t_ns = t_ns,
                     .side = run->record->side,
                     .link = -1,
                     .kind = caiman_trace_type_to_string (event->type),
                     .reason = caiman_reason_to_string (event->reason),
                     .a = (gint64)event->a,
                     .b = (gint64)event->b,
                     .text = text };
  g_array_append_val (run->part->events, row);
  g_array_append_val (run->event_links, event->link_id);
}

/* --- Samples --- */

static gboolean
is_same_sample (const StoreLinkSample *a, const StoreLinkSample *b)
{
  return g_str_equal (a->state, b->state) && a->rtt_ns == b->rtt_ns &&
         a->in_flight_bytes == b->in_flight_bytes && a->limit_bytes == b->limit_bytes &&
         a->sent_bytes == b->sent_bytes && a->delivered_bytes == b->delivered_bytes &&
         a->resent_bytes == b->resent_bytes && a->queue_bytes == b->queue_bytes &&
         g_strcmp0 (a->hold, b->hold) == 0;
}

/* Of a stretch of equal samples the first and the last are written, so that what comes after it
 * does not look as if it had taken all that time. */
static void
put_link_sample (RecordRun *run, RecordPath *path, const StoreLinkSample *sample)
{
  if (path->has_last && is_same_sample (&path->last, sample)) {
    path->last = *sample;
    path->is_last_written = FALSE;
    return;
  }
  if (path->has_last && !path->is_last_written)
    g_array_append_val (run->part->link_samples, path->last);
  path->last = *sample;
  path->has_last = path->is_last_written = TRUE;
  g_array_append_val (run->part->link_samples, path->last);
}

void
record_run_flush_samples (RecordRun *run)
{
  for (guint i = 0; i < run->paths->len; i++) {
    RecordPath *path = g_ptr_array_index (run->paths, i);
    if (path->has_last && !path->is_last_written)
      g_array_append_val (run->part->link_samples, path->last);
    path->is_last_written = TRUE;
  }
}

static void
add_totals (RecordTotals *totals, const CaimanLinkStats *stats)
{
  totals->sent_bytes += (gint64)stats->sent_bytes;
  totals->acked_bytes += (gint64)stats->acked_bytes;
  totals->resent_bytes += (gint64)(stats->resent_bytes + stats->duplicated_bytes);
  totals->received_bytes += (gint64)(stats->received_bytes + stats->duplicate_received_bytes);
  totals->wire_sent_bytes += (gint64)stats->wire_sent_bytes;
  totals->wire_received_bytes += (gint64)stats->wire_received_bytes;
  totals->n_suspected += (gint64)stats->n_suspected;
  totals->n_not_working += (gint64)stats->n_not_working;
  totals->working_ns += stats->working_ns;
}

static void
note_rtt (RecordPath *path, const CaimanLinkStats *stats)
{
  if (stats->min_rtt_ns > 0 && (path->min_rtt_ns == 0 || stats->min_rtt_ns < path->min_rtt_ns))
    path->min_rtt_ns = stats->min_rtt_ns;
}

/* All links over path number @index as one; *@totals_out includes those that are gone. */
StoreLinkSample
record_run_gather (RecordRun *run, guint index, RecordTotals *totals_out, gint64 now_ns)
{
  RecordPath *path = g_ptr_array_index (run->paths, index);
  StoreLinkSample sample = { .t_ns = now_ns - run->opened_ns,
                             .link = index,
                             .side = run->record->side,
                             .state = "none",
                             .rtt_ns = -1,
                             .hold = "no-link" };
  *totals_out = path->closed;
  for (guint i = 0; i < run->links->len; i++) {
    const RecordLink *entry = &g_array_index (run->links, RecordLink, i);
    CaimanLinkStats stats;
    if (entry->path != (int)index || entry->link == NULL)
      continue;
    caiman_link_get_stats (entry->link, &stats, now_ns);
    note_rtt (path, &stats);
    add_totals (totals_out, &stats);
    sample.state = caiman_link_state_to_string (caiman_link_get_state (entry->link));
    sample.hold = caiman_hold_to_string (caiman_link_get_hold (entry->link));
    if (stats.srtt_ns > 0)
      sample.rtt_ns = stats.srtt_ns;
    sample.in_flight_bytes += stats.in_flight_bytes;
    sample.limit_bytes += stats.window_bytes;
    sample.queue_bytes += MAX (stats.hint.unsent_bytes, 0);
  }
  sample.sent_bytes = totals_out->sent_bytes;
  sample.delivered_bytes = totals_out->acked_bytes;
  sample.resent_bytes = totals_out->resent_bytes;
  return sample;
}

/* The link has closed: what it has done is the path's from now on. */
void
record_run_close_link (RecordRun *run, RecordLink *entry, gint64 now_ns)
{
  g_autoptr (CaimanLink) link = g_steal_pointer (&entry->link);
  CaimanLinkStats stats;
  if (link == NULL || entry->path < 0)
    return;
  RecordPath *path = g_ptr_array_index (run->paths, entry->path);
  caiman_link_get_stats (link, &stats, now_ns);
  note_rtt (path, &stats);
  add_totals (&path->closed, &stats);
  path->closed.n_ended += caiman_connection_get_state (run->connection) == CAIMAN_CONNECTION_OPEN;
}

/* Those that are new and those that have closed, if no event has told. */
static void
look_for_links (RecordRun *run, gint64 now_ns)
{
  gsize n_links;
  CaimanLink *const *links = caiman_connection_get_links (run->connection, &n_links);
  for (gsize i = 0; i < n_links; i++)
    record_run_get_link (run, links[i]);
  for (guint i = 0; i < run->links->len; i++) {
    RecordLink *entry = &g_array_index (run->links, RecordLink, i);
    if (entry->link != NULL && caiman_link_get_state (entry->link) == CAIMAN_LINK_CLOSED)
      record_run_close_link (run, entry, now_ns);
  }
}

void
record_run_sample_links (RecordRun *run, gint64 now_ns)
{
  look_for_links (run, now_ns);
  for (guint i = 0; i < run->paths->len; i++) {
    RecordTotals totals;
    StoreLinkSample sample = record_run_gather (run, i, &totals, now_ns);
    put_link_sample (run, g_ptr_array_index (run->paths, i), &sample);
  }
}

void
record_run_sample_flows (RecordRun *run, gint64 now_ns)
{
  CaimanConnectionStats stats;
  caiman_connection_get_stats (run->connection, &stats);
  StoreFlowSample samples[RECORD_N_FLOWS] = {
    [RECORD_SENT] = { .offered_bytes = (gint64)(stats.sent_bytes + stats.unsent_bytes),
                      .delivered_bytes = (gint64)(stats.sent_bytes - stats.unconsumed_bytes) },
    [RECORD_RECEIVED] = { .offered_bytes = (gint64)(stats.received_bytes + stats.reorder_bytes),
                          .delivered_bytes = (gint64)(stats.received_bytes - stats.readable_bytes),
                          .reorder_bytes = (gint64)stats.reorder_bytes },
  };
  for (guint i = 0; i < RECORD_N_FLOWS; i++) {
    StoreFlowSample *last = &run->last_flows[i];
    samples[i].flow = i;
    samples[i].t_ns = now_ns - run->opened_ns;
    if (samples[i].offered_bytes == last->offered_bytes &&
        samples[i].delivered_bytes == last->delivered_bytes &&
        samples[i].reorder_bytes == last->reorder_bytes)
      continue;
    *last = samples[i];
    g_array_append_val (run->part->flow_samples, samples[i]);
  }
}
