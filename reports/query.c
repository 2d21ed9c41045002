/* SPDX-License-Identifier: Apache-2.0 */
/* query.c - see query.h. One function per table, each the mirror of one in store-write.c. */
#include "reports/query.h"

#include <math.h>
#include <string.h>

#include "reports/query-private.h"
#include "reports/store-migrate.h"

#define WHAT "cannot read"

/* The columns of a run's head, in the order that fill_head() reads them. */
#define HEAD_COLUMNS                                                                               \
  "run.id, campaign_id, scenario_name, scenario_hash, variant, seed, policy, testbed, git_id,"     \
  " run.host, state = 'finished', run.started_us, outcome, exit_class, digest, wall_ns,"           \
  " simulated_ns, n_events, "

/* ... and what a database of an earlier version does not have. */
#define HEAD_COLUMNS_SINCE_3 "build_id, origin"
#define HEAD_COLUMNS_BEFORE  "NULL, NULL"

/* --- Cells -------------------------------------------------------------------------------- */

static const char *
text (StoreRun *run, sqlite3_stmt *stmt, int column)
{
  return store_run_string (run, (const char *)sqlite3_column_text (stmt, column));
}

static gint64
integer (sqlite3_stmt *stmt, int column)
{
  return sqlite3_column_int64 (stmt, column);
}

/* An integer that is -1 where the column is NULL. */
static gint64
integer_or_unknown (sqlite3_stmt *stmt, int column)
{
  return sqlite3_column_type (stmt, column) == SQLITE_NULL ? -1 : integer (stmt, column);
}

static StoreSide
side (sqlite3_stmt *stmt, int column)
{
  const char *name = (const char *)sqlite3_column_text (stmt, column);
  for (StoreSide s = STORE_SIDE_CLIENT; s < STORE_SIDE_HARNESS; s++)
    if (g_strcmp0 (name, store_side_to_string (s)) == 0)
      return s;
  return STORE_SIDE_HARNESS;
}

static StoreSubject
subject_kind (sqlite3_stmt *stmt, int column)
{
  const char *name = (const char *)sqlite3_column_text (stmt, column);
  for (StoreSubject s = STORE_SUBJECT_CONNECTION; s <= STORE_SUBJECT_LINK; s++)
    if (g_strcmp0 (name, store_subject_to_string (s)) == 0)
      return s;
  return STORE_SUBJECT_RUN;
}

/* --- One row to one element of a run's array ----------------------------------------------- */

static void
read_parameter (StoreRun *run, sqlite3_stmt *stmt)
{
  StoreParameter p = { text (run, stmt, 0), text (run, stmt, 1), text (run, stmt, 2),
                       text (run, stmt, 3) };
  g_array_append_val (run->parameters, p);
}

static StoreLinkDirection
link_direction (StoreRun *run, sqlite3_stmt *stmt, int column)
{
  return (StoreLinkDirection) {
    .rate_bps = integer_or_unknown (stmt, column),
    .delay_ns = integer (stmt, column + 1),
    .jitter = text (run, stmt, column + 2),
    .loss = text (run, stmt, column + 3),
    .queue = text (run, stmt, column + 4),
  };
}

static void
read_link (StoreRun *run, sqlite3_stmt *stmt)
{
  StoreLink l = {
    .name = text (run, stmt, 0),
    .carrier = text (run, stmt, 1),
    .up = link_direction (run, stmt, 2),
    .down = link_direction (run, stmt, 7),
    .weight = integer (stmt, 12),
    .cost = integer (stmt, 13),
    .quota_bytes = integer_or_unknown (stmt, 14),
  };
  g_array_append_val (run->links, l);
}

static void
read_flow (StoreRun *run, sqlite3_stmt *stmt)
{
  StoreFlow f = {
    .name = text (run, stmt, 0),
    .from = side (stmt, 1),
    .kind = text (run, stmt, 2),
    .offered_bytes = integer (stmt, 3),
    .delivered_bytes = integer (stmt, 4),
    .complete = integer (stmt, 5) != 0,
  };
  g_array_append_val (run->flows, f);
}

static void
read_metric (StoreRun *run, sqlite3_stmt *stmt)
{
  StoreMetric m = {
    .subject_kind = subject_kind (stmt, 0),
    .subject = text (run, stmt, 1),
    .name = text (run, stmt, 2),
    .value = sqlite3_column_type (stmt, 3) == SQLITE_NULL ? NAN : sqlite3_column_double (stmt, 3),
    .unit = text (run, stmt, 4),
  };
  g_array_append_val (run->metrics, m);
}

static void
read_link_sample (StoreRun *run, sqlite3_stmt *stmt)
{
  StoreLinkSample s = {
    .t_ns = integer (stmt, 0),
    .link = (guint)integer (stmt, 1),
    .side = side (stmt, 2),
    .state = text (run, stmt, 3),
    .rtt_ns = integer_or_unknown (stmt, 4),
    .in_flight_bytes = integer (stmt, 5),
    .limit_bytes = integer (stmt, 6),
    .sent_bytes = integer (stmt, 7),
    .delivered_bytes = integer (stmt, 8),
    .resent_bytes = integer (stmt, 9),
    .queue_bytes = integer (stmt, 10),
    .hold = text (run, stmt, 11),
  };
  g_array_append_val (run->link_samples, s);
}

static void
read_resend (StoreRun *run, sqlite3_stmt *stmt)
{
  StoreResend r = {
    .side = side (stmt, 0),
    .link = (gint)integer (stmt, 1),
    .from_link = (gint)integer (stmt, 2),
    .cause = text (run, stmt, 3),
    .n_messages = integer (stmt, 4),
    .bytes = integer (stmt, 5),
  };
  g_array_append_val (run->resends, r);
}

static void
read_stall (StoreRun *run, sqlite3_stmt *stmt)
{
  StoreStall s = { .flow = (guint)integer (stmt, 0),
                   .begin_ns = integer (stmt, 1),
                   .end_ns = integer (stmt, 2) };
  g_array_append_val (run->stalls, s);
}

static void
read_flow_sample (StoreRun *run, sqlite3_stmt *stmt)
{
  StoreFlowSample s = {
    .t_ns = integer (stmt, 0),
    .flow = (guint)integer (stmt, 1),
    .offered_bytes = integer (stmt, 2),
    .delivered_bytes = integer (stmt, 3),
    .reorder_bytes = integer (stmt, 4),
  };
  g_array_append_val (run->flow_samples, s);
}

static void
read_event (StoreRun *run, sqlite3_stmt *stmt)
{
  StoreEvent e = {
    .t_ns = integer (stmt, 0),
    .side = side (stmt, 1),
    .link = (gint)integer_or_unknown (stmt, 2),
    .kind = text (run, stmt, 3),
    .reason = text (run, stmt, 4),
    .a = integer (stmt, 5),
    .b = integer (stmt, 6),
    .text = text (run, stmt, 7),
  };
  g_array_append_val (run->events, e);
}

static void
read_checkpoint (StoreRun *run, sqlite3_stmt *stmt)
{
  StoreCheckpoint c = { .n_events = integer (stmt, 0), .t_ns = integer (stmt, 1) };
  const void *digest = sqlite3_column_blob (stmt, 2);
  int size_bytes = sqlite3_column_bytes (stmt, 2);
  if (digest)
    memcpy (c.digest, digest, MIN ((gsize)size_bytes, sizeof c.digest));
  g_array_append_val (run->checkpoints, c);
}

static void
read_trace_block (StoreRun *run, sqlite3_stmt *stmt)
{
  StoreTraceBlock t = { .first_event = integer (stmt, 0), .n_events = integer (stmt, 1) };
  const void *data = sqlite3_column_blob (stmt, 2);
  t.data = g_bytes_new (data, (gsize)sqlite3_column_bytes (stmt, 2));
  g_array_append_val (run->trace_blocks, t);
}

static void
read_expectation (StoreRun *run, sqlite3_stmt *stmt)
{
  StoreExpectation e = {
    .name = text (run, stmt, 0),
    .bound = text (run, stmt, 1),
    .actual = text (run, stmt, 2),
    .held = integer (stmt, 3) != 0,
    .line = (gint)integer (stmt, 4),
  };
  g_array_append_val (run->expectations, e);
}

#define LINK_SAMPLE_SQL(hold)                                                                      \
  "SELECT t_ns, link, side, state, rtt_ns, in_flight_bytes, limit_bytes, sent_bytes,"              \
  " delivered_bytes, resent_bytes, queue_bytes, " hold                                             \
  " FROM link_sample WHERE run_id = ?1 ORDER BY link, side, t_ns"

static const struct {
  QueryParts part;
  guint since;     /* the version of the schema that brought it; 0: always there */
  guint before;    /* the version that brought another in its place; 0: none did */
  const char *sql; /* ?1 is the run's id */
  void (*read) (StoreRun *run, sqlite3_stmt *stmt);
} tables[] = {
  { QUERY_REST, 0, 0,
    "SELECT side, name, value, unit FROM parameter WHERE run_id = ?1 ORDER BY side, name",
    read_parameter },
  { QUERY_REST, 0, 0,
    "SELECT name, carrier, up_rate_bps, up_delay_ns, up_jitter, up_loss, up_queue, down_rate_bps,"
    " down_delay_ns, down_jitter, down_loss, down_queue, weight, cost, quota_bytes"
    " FROM link WHERE run_id = ?1 ORDER BY link",
    read_link },
  { QUERY_REST, 0, 0,
    "SELECT name, from_side, kind, offered_bytes, delivered_bytes, complete"
    " FROM flow WHERE run_id = ?1 ORDER BY flow",
    read_flow },
  { QUERY_RESULTS, 0, 0,
    "SELECT subject_kind, subject, name, value, unit FROM metric WHERE run_id = ?1 ORDER BY seq",
    read_metric },
  { QUERY_REST, 0, 0,
    "SELECT t_ns, side, link, kind, reason, a, b, text FROM event WHERE run_id = ?1 ORDER BY seq",
    read_event },
  { QUERY_REST, 0, 0,
    "SELECT n_events, t_ns, digest FROM checkpoint WHERE run_id = ?1 ORDER BY n_events",
    read_checkpoint },
  { QUERY_RESULTS, 0, 0,
    "SELECT name, bound, actual, held, line FROM expectation WHERE run_id = ?1 ORDER BY seq",
    read_expectation },
  { QUERY_TRACE, STORE_VERSION_TRACE, 0,
    "SELECT first_event, n_events, data FROM trace_block WHERE run_id = ?1 ORDER BY first_event",
    read_trace_block },
  { QUERY_SAMPLES, STORE_VERSION_HOLD, 0, LINK_SAMPLE_SQL ("hold"), read_link_sample },
  { QUERY_SAMPLES, 0, STORE_VERSION_HOLD, LINK_SAMPLE_SQL ("NULL"), read_link_sample },
  { QUERY_SAMPLES, 0, 0,
    "SELECT t_ns, flow, offered_bytes, delivered_bytes, reorder_bytes"
    " FROM flow_sample WHERE run_id = ?1 ORDER BY flow, t_ns",
    read_flow_sample },
  { QUERY_REST, STORE_VERSION_HOLD, 0,
    "SELECT side, link, from_link, cause, n_messages, bytes FROM resend WHERE run_id = ?1"
    " ORDER BY side, link, from_link, cause",
    read_resend },
  { QUERY_REST, STORE_VERSION_HOLD, 0,
    "SELECT flow, begin_ns, end_ns FROM stall WHERE run_id = ?1 ORDER BY flow, begin_ns",
    read_stall },
};

static void
fill_head (StoreRun *run, sqlite3_stmt *stmt)
{
  run->id = integer (stmt, 0);
  run->campaign_id = integer (stmt, 1);
  run->scenario_name = text (run, stmt, 2);
  run->scenario_hash = text (run, stmt, 3);
  run->variant = text (run, stmt, 4);
  run->seed = integer (stmt, 5);
  run->policy = text (run, stmt, 6);
  run->testbed = text (run, stmt, 7);
  run->git_id = text (run, stmt, 8);
  run->host = text (run, stmt, 9);
  run->finished = integer (stmt, 10) != 0;
  run->started_us = integer (stmt, 11);
  run->outcome = text (run, stmt, 12);
  run->exit_class = (int)integer (stmt, 13);
  run->digest = text (run, stmt, 14);
  run->wall_ns = integer (stmt, 15);
  run->simulated_ns = integer (stmt, 16);
  run->n_events = integer (stmt, 17);
  run->build_id = text (run, stmt, 18);
  run->origin = text (run, stmt, 19);
}

/* --- Loading one run ------------------------------------------------------------------------ */

static gboolean
read_rows (Store *store, StoreRun *run, const char *sql, void (*read) (StoreRun *, sqlite3_stmt *),
           GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = store_prepare (store, sql, WHAT, error);
  if (!stmt)
    return FALSE;
  store_bind (stmt, "l", run->id);
  int more;
  while ((more = store_step_row (store, stmt, WHAT, error)) > 0)
    read (run, stmt);
  return more == 0;
}

static const char *
get_later_columns (Store *store)
{
  return store_get_version (store) >= STORE_VERSION_ORIGIN ? HEAD_COLUMNS_SINCE_3
                                                           : HEAD_COLUMNS_BEFORE;
}

static void
read_head (StoreRun *run, sqlite3_stmt *stmt)
{
  fill_head (run, stmt);
  run->scenario_text = text (run, stmt, 20);
}

static gboolean
load_run (Store *store, StoreRun *run, gint64 run_id, QueryParts parts, GError **error)
{
  g_autofree char *sql = g_strconcat ("SELECT " HEAD_COLUMNS, get_later_columns (store),
                                      ", text FROM run JOIN scenario USING (text_hash)"
                                      " WHERE run.id = ?1",
                                      NULL);
  run->id = run_id;
  if (!read_rows (store, run, sql, read_head, error))
    return FALSE;
  if (!run->scenario_text) {
    g_set_error (error, STORE_ERROR, STORE_ERROR_NOT_FOUND, "%s: no run %" G_GINT64_FORMAT,
                 store_get_path (store), run_id);
    return FALSE;
  }
  guint version = store_get_version (store);
  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    if ((tables[i].part & parts) && tables[i].since <= version &&
        (tables[i].before == 0 || version < tables[i].before) &&
        !read_rows (store, run, tables[i].sql, tables[i].read, error))
      return FALSE;
  return TRUE;
}

StoreRun *
query_load_run (Store *store, gint64 run_id, QueryParts parts, GError **error)
{
  g_autoptr (StoreRun) run = store_run_new ();
  store_lock (store);
  /* One transaction: all tables as they were at one moment. */
  gboolean ok = store_exec (store, "BEGIN", WHAT, error);
  if (ok) {
    ok = load_run (store, run, run_id, parts, error);
    ok = store_end (store, ok, WHAT, error);
  }
  store_unlock (store);
  return ok ? g_steal_pointer (&run) : NULL;
}

/* --- Lists ---------------------------------------------------------------------------------- */

void
query_list_entry_free (QueryListEntry *entry)
{
  if (!entry)
    return;
  store_run_free (entry->run);
  g_free (entry->campaign);
  g_free (entry);
}

static void
free_entry (gpointer entry)
{
  query_list_entry_free (entry);
}

void
query_bind_filter (sqlite3_stmt *stmt, const QueryFilter *filter)
{
  static const QueryFilter everything;
  const QueryFilter *f = filter ? filter : &everything;
  store_bind (stmt, "ttttli", f->campaign, f->scenario, f->policy, f->outcome, f->older_than_us,
              f->only_failed ? 1 : 0);
}

static QueryListEntry *
read_entry (sqlite3_stmt *stmt)
{
  QueryListEntry *entry = g_new0 (QueryListEntry, 1);
  entry->run = store_run_new ();
  fill_head (entry->run, stmt);
  entry->campaign = g_strdup ((const char *)sqlite3_column_text (stmt, 20));
  entry->n_held = (guint)integer (stmt, 21);
  entry->n_not_held = (guint)integer (stmt, 22);
  return entry;
}

/* The newest are found first, the list has them last. */
static GPtrArray *
reversed (GPtrArray *entries)
{
  for (guint i = 0; i < entries->len / 2; i++) {
    gpointer other = entries->pdata[entries->len - 1 - i];
    entries->pdata[entries->len - 1 - i] = entries->pdata[i];
    entries->pdata[i] = other;
  }
  return entries;
}

GPtrArray *
query_list_runs (Store *store, const QueryFilter *filter, guint limit, GError **error)
{
  g_autofree char *sql =
      g_strconcat ("SELECT " HEAD_COLUMNS, get_later_columns (store),
                   ", campaign.name,"
                   " (SELECT count (*) FROM expectation AS e WHERE e.run_id = run.id AND held),"
                   " (SELECT count (*) FROM expectation AS e WHERE e.run_id = run.id AND NOT held)"
                   " FROM run JOIN campaign ON campaign.id = campaign_id WHERE " QUERY_FILTER_SQL
                   " ORDER BY run.id DESC LIMIT ?7",
                   NULL);
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func (free_entry);
  store_lock (store);
  g_autoptr (sqlite3_stmt) stmt = store_prepare (store, sql, WHAT, error);
  int more = stmt ? 1 : -1;
  if (stmt) {
    query_bind_filter (stmt, filter);
    sqlite3_bind_int64 (stmt, 7, limit > 0 ? (gint64)limit : -1);
    while ((more = store_step_row (store, stmt, WHAT, error)) > 0)
      g_ptr_array_add (entries, read_entry (stmt));
  }
  store_unlock (store);
  return more == 0 ? reversed (g_steal_pointer (&entries)) : NULL;
}

/* --- Small questions ------------------------------------------------------------------------ */

gboolean
query_get_last_run (Store *store, gint64 *run_id_out, GError **error)
{
  store_lock (store);
  g_autoptr (sqlite3_stmt) stmt =
      store_prepare (store, "SELECT id FROM run ORDER BY id DESC LIMIT 1", WHAT, error);
  int more = stmt ? store_step_row (store, stmt, WHAT, error) : -1;
  if (more == 1)
    *run_id_out = integer (stmt, 0);
  else if (more == 0)
    g_set_error (error, STORE_ERROR, STORE_ERROR_NOT_FOUND, "%s: has no runs",
                 store_get_path (store));
  store_unlock (store);
  return more == 1;
}

char *
query_get_campaign_name (Store *store, gint64 campaign_id, GError **error)
{
  char *name = NULL;
  store_lock (store);
  g_autoptr (sqlite3_stmt) stmt =
      store_prepare (store, "SELECT name FROM campaign WHERE id = ?1", WHAT, error);
  if (stmt) {
    store_bind (stmt, "l", campaign_id);
    int more = store_step_row (store, stmt, WHAT, error);
    if (more == 1)
      name = g_strdup ((const char *)sqlite3_column_text (stmt, 0));
    else if (more == 0)
      g_set_error (error, STORE_ERROR, STORE_ERROR_NOT_FOUND, "%s: no campaign %" G_GINT64_FORMAT,
                   store_get_path (store), campaign_id);
  }
  store_unlock (store);
  return name;
}
