/* SPDX-License-Identifier: Apache-2.0 */
/* record.c - see record.h. Rows are gathered in a StoreRun, the part under way; every few seconds
 * it is given to the writer, and the next one begins. */
#include "apps/record-private.h"

#define COMMIT_INTERVAL_NS (5 * CAIMAN_NS_PER_S)
/* A tunnel knows what a connection is for when its first bytes have come. */
#define BEGIN_AFTER_NS CAIMAN_NS_PER_S
/* Of what waits for the database. */
#define BACKLOG_MAX_BYTES (64u * 1024 * 1024)

/* --- Life --- */

static void
link_entry_clear (gpointer data)
{
  RecordLink *entry = data;
  caiman_link_unref (entry->link);
}

static void
path_free (gpointer data)
{
  RecordPath *path = data;
  g_free (path->name);
  g_free (path);
}

static void
run_free (gpointer data)
{
  RecordRun *run = data;
  g_free (run->label);
  store_run_free (run->part);
  store_run_free (run->totals);
  g_array_unref (run->event_links);
  g_ptr_array_unref (run->paths);
  g_array_unref (run->links);
  g_free (run);
}

Record *
record_new (const RecordOptions *options, GError **error)
{
  RecordWriter *writer = record_writer_new (options->path, options->title, options->command, error);
  if (writer == NULL)
    return NULL;
  Record *record = g_new0 (Record, 1);
  record->writer = writer;
  record->title = g_strdup (options->title);
  record->scenario_name = g_strdelimit (g_strdup (options->title), " ", '-');
  record->scenario_text =
      g_strdup_printf ("# No scenario: a live connection of '%s'.\n", options->command);
  record->scenario_hash =
      g_compute_checksum_for_string (G_CHECKSUM_SHA256, record->scenario_text, -1);
  record->git_id = g_strdup (options->git_id);
  record->side = options->side;
  record->commit_interval_ns =
      options->commit_interval_ns > 0 ? options->commit_interval_ns : COMMIT_INTERVAL_NS;
  record->backlog_max_bytes =
      options->backlog_max_bytes > 0 ? options->backlog_max_bytes : BACKLOG_MAX_BYTES;
  record->runs = g_ptr_array_new_with_free_func (run_free);
  return record;
}

static RecordRun *
find (Record *record, guint64 number)
{
  for (guint i = 0; i < record->runs->len; i++) {
    RecordRun *run = g_ptr_array_index (record->runs, i);
    if (run->number == number)
      return run;
  }
  return NULL;
}

gsize
record_get_backlog_bytes (Record *record)
{
  return record_writer_get_backlog_bytes (record->writer);
}

static RecordPressure
get_pressure (Record *record)
{
  gsize backlog_bytes = record_get_backlog_bytes (record);
  return backlog_bytes >= record->backlog_max_bytes       ? RECORD_FULL
         : backlog_bytes >= record->backlog_max_bytes / 2 ? RECORD_BUSY
                                                          : RECORD_EASY;
}

/* (transfer full, nullable) Told when it gets worse, and once all is well again. */
static char *
describe_pressure (Record *record)
{
  if (record->pressure <= record->told_pressure && record->pressure != RECORD_EASY)
    return NULL;
  if (record->pressure == record->told_pressure)
    return NULL;
  record->told_pressure = record->pressure;
  if (record->pressure == RECORD_BUSY)
    return g_strdup ("the database does not keep up: samples are left out of the record");
  if (record->pressure == RECORD_FULL)
    return g_strdup ("the database does not keep up: new connections are not recorded");
  guint64 n_lost = record->n_lost_in_all;
  record->n_lost_in_all = 0;
  return g_strdup_printf (
      "the database keeps up again; %" G_GUINT64_FORMAT " connections were not recorded", n_lost);
}

char *
record_take_problem (Record *record)
{
  g_autofree char *problem = record_writer_take_problem (record->writer);
  if (problem != NULL)
    return g_strconcat (problem, "; the record of this connection ends here", NULL);
  return describe_pressure (record);
}

static StoreRun *
new_part (RecordRun *run)
{
  StoreRun *part = store_run_new ();
  part->first_link = run->first_link;
  part->first_event = run->first_event;
  return part;
}

static void
resolve_links (RecordRun *run)
{
  for (guint i = 0; i < run->part->events->len; i++) {
    const RecordLink *entry =
        record_run_find_link (run, g_array_index (run->event_links, guint32, i));
    if (entry != NULL)
      g_array_index (run->part->events, StoreEvent, i).link = entry->path;
  }
  g_array_set_size (run->event_links, 0);
  for (guint i = run->links->len; i-- > 0;) {
    if (g_array_index (run->links, RecordLink, i).link == NULL)
      g_array_remove_index (run->links, i);
  }
}

/* What the database has no room for. */
static void
drop_rows (RecordRun *run, RecordPressure pressure)
{
  StoreRun *part = run->part;
  if (pressure == RECORD_EASY)
    return;
  run->n_omitted += part->link_samples->len + part->flow_samples->len;
  g_array_set_size (part->link_samples, 0);
  g_array_set_size (part->flow_samples, 0);
  if (pressure == RECORD_BUSY)
    return;
  run->n_omitted += part->events->len;
  g_array_set_size (part->events, 0);
  g_array_set_size (run->event_links, 0);
}

static void
add_note (RecordRun *run, const char *kind, gint64 *n, const char *text, gint64 now_ns)
{
  if (*n == 0)
    return;
  StoreEvent row = { .t_ns = now_ns - run->opened_ns,
                     .side = run->record->side,
                     .link = -1,
                     .kind = kind,
                     .reason = "",
                     .a = *n,
                     .text = text };
  g_array_append_val (run->part->events, row);
  *n = 0;
}

static void
note_omitted (RecordRun *run, gint64 now_ns)
{
  add_note (run, "rows-omitted", &run->n_omitted, "more rows than could be recorded", now_ns);
  add_note (run, "runs-omitted", &run->record->n_lost_runs,
            "connections that could not be recorded", now_ns);
}

/* Whether the part under way has anything that is worth a transaction. */
static gboolean
has_rows (const RecordRun *run)
{
  const StoreRun *part = run->part;
  return part->links->len > 0 || part->link_samples->len > 0 || part->flow_samples->len > 0 ||
         part->events->len > 0;
}

/* Completes the part under way, begins the next one, and returns the first (transfer full). */
static StoreRun *
take_part (RecordRun *run, gboolean is_complete, gint64 now_ns)
{
  StoreRun *part = run->part;
  RecordPressure pressure = get_pressure (run->record);
  resolve_links (run);
  drop_rows (run, pressure);
  note_omitted (run, now_ns);
  record_run_add_flows (run, is_complete);
  record_run_add_connection_metrics (run);
  if (pressure < RECORD_FULL)
    record_run_add_resends (run);
  for (guint i = 0; i < run->paths->len && pressure < RECORD_FULL; i++)
    record_run_add_path_metrics (run, i, now_ns);
  part->wall_ns = part->simulated_ns = now_ns - run->opened_ns;
  part->n_events = run->n_trace_events;
  run->first_link += part->links->len;
  run->first_event += part->events->len;
  run->part = new_part (run);
  return part;
}

/* --- Runs --- */

static void
set_head (RecordRun *run)
{
  const Record *record = run->record;
  StoreRun *part = run->part;
  const CaimanConfig *config = caiman_connection_get_config (run->connection);
  part->scenario_name = store_run_string (part, record->scenario_name);
  part->scenario_text = store_run_string (part, record->scenario_text);
  part->scenario_hash = store_run_string (part, record->scenario_hash);
  part->variant = store_run_string (part, run->label);
  part->policy = caiman_policy_to_string ((CaimanPolicy)config->policy);
  part->testbed = "live";
  part->git_id = store_run_string (part, record->git_id);
  /* The host name is asked for here: the writer's thread must not touch the part's strings twice.
   */
  part->host = store_run_string (part, g_get_host_name ());
}

void
record_add (Record *record, guint64 number, CaimanConnection *connection, const char *label,
            gint64 now_ns)
{
  g_return_if_fail (find (record, number) == NULL);
  RecordRun *run = g_new0 (RecordRun, 1);
  run->record = record;
  run->number = number;
  run->connection = connection;
  run->opened_ns = now_ns;
  run->connected_ns = caiman_connection_get_state (connection) == CAIMAN_CONNECTION_OPEN ? 0 : -1;
  for (guint i = 0; i < RECORD_N_FLOWS; i++)
    run->spans[i] = (RecordSpan) { -1, -1 };
  run->event_links = g_array_new (FALSE, TRUE, sizeof (guint32));
  run->paths = g_ptr_array_new_with_free_func (path_free);
  run->links = g_array_new (FALSE, TRUE, sizeof (RecordLink));
  g_array_set_clear_func (run->links, link_entry_clear);
  run->totals = store_run_new ();
  run->part = new_part (run);
  g_ptr_array_add (record->runs, run);

  run->label = g_strdup (label);
  caiman_connection_set_tracer (connection,
                                &(CaimanTracer) { .func = record_run_trace, .user_data = run });
}

void
record_set_label (Record *record, guint64 number, const char *label)
{
  RecordRun *run = find (record, number);
  if (run == NULL || g_str_equal (run->label, label))
    return;
  g_free (run->label);
  run->label = g_strdup (label);
}

static void
begin_run (RecordRun *run, gint64 now_ns)
{
  set_head (run);
  run->part->started_us = g_get_real_time () - (now_ns - run->opened_ns) / CAIMAN_NS_PER_US;
  record_run_add_parameters (run);
  run->recorded = record_writer_begin (run->record->writer, take_part (run, FALSE, now_ns));
}

void
record_event (Record *record, guint64 number, const CaimanEvent *event, gint64 now_ns)
{
  if (event->type != CAIMAN_EVENT_LINK_STATE && event->type != CAIMAN_EVENT_LINK_CLOSE)
    return;
  RecordRun *run = find (record, number);
  RecordLink *entry =
      run != NULL && event->link != NULL ? record_run_get_link (run, event->link) : NULL;
  if (entry != NULL && event->type == CAIMAN_EVENT_LINK_CLOSE)
    record_run_close_link (run, entry, now_ns);
}

static void
finish_run (RecordRun *run, gint64 now_ns)
{
  CaimanReason reason = caiman_connection_get_end_reason (run->connection);
  gboolean has_ended = caiman_connection_get_state (run->connection) == CAIMAN_CONNECTION_ENDED;
  caiman_connection_set_tracer (run->connection, &(CaimanTracer) { 0 });
  record_run_sample_links (run, now_ns);
  record_run_sample_flows (run, now_ns);
  record_run_flush_samples (run);
  if (run->recorded == NULL && get_pressure (run->record) == RECORD_FULL) {
    run->record->n_lost_runs++;
    run->record->n_lost_in_all++;
    return;
  }
  if (run->recorded == NULL)
    begin_run (run, now_ns);
  StoreRun *part = take_part (run, reason == CAIMAN_REASON_FINISHED, now_ns);
  part->outcome = has_ended ? caiman_reason_to_string (reason) : "interrupted";
  part->exit_class = !has_ended ? 130 : reason == CAIMAN_REASON_FINISHED ? 0 : 1;
  record_writer_finish (run->record->writer, run->recorded, part);
}

void
record_remove (Record *record, guint64 number, gint64 now_ns)
{
  RecordRun *run = find (record, number);
  if (run == NULL)
    return;
  finish_run (run, now_ns);
  g_ptr_array_remove (record->runs, run);
}

static void
sample_run (RecordRun *run, gboolean commits, gint64 now_ns)
{
  Record *record = run->record;
  record_run_sample_links (run, now_ns);
  record_run_sample_flows (run, now_ns);
  gboolean begins = run->recorded == NULL && now_ns - run->opened_ns >= BEGIN_AFTER_NS;
  if (!begins && (run->recorded == NULL || !commits || !has_rows (run)))
    return;
  if (get_pressure (record) == RECORD_FULL)
    drop_rows (run, RECORD_FULL);
  else if (begins)
    begin_run (run, now_ns);
  else
    record_writer_append (record->writer, run->recorded, take_part (run, FALSE, now_ns));
}

void
record_sample (Record *record, gint64 now_ns)
{
  gboolean commits = now_ns - record->committed_ns >= record->commit_interval_ns;
  for (guint i = 0; i < record->runs->len; i++)
    sample_run (g_ptr_array_index (record->runs, i), commits, now_ns);
  record->pressure = get_pressure (record);
  if (commits)
    record->committed_ns = now_ns;
}

void
record_free (Record *record, gint64 now_ns)
{
  if (record == NULL)
    return;
  for (guint i = 0; i < record->runs->len; i++)
    finish_run (g_ptr_array_index (record->runs, i), now_ns);
  g_ptr_array_unref (record->runs);
  record_writer_free (record->writer);
  if (record->n_lost_runs > 0)
    g_warning ("the database has not kept up: %" G_GINT64_FORMAT " connections are not recorded",
               record->n_lost_runs);
  g_free (record->title);
  g_free (record->scenario_name);
  g_free (record->scenario_text);
  g_free (record->scenario_hash);
  g_free (record->git_id);
  g_free (record);
}
