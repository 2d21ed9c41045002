/* SPDX-License-Identifier: Apache-2.0 */
/* store-write.c - the two transactions of a run: its begin and its end.
 *
 * One function per table; each gets a prepared statement and walks one array of the run. */
#include "reports/store.h"

#include <sodium.h>

#include "reports/identity.h"
#include "reports/store-private.h"

#define TEXT_HASH_BYTES 32

/* What one table needs to be written. */
typedef struct {
  const char *sql; /* ?1 is the run's id */
  gboolean (*write) (Store *store, sqlite3_stmt *stmt, const StoreRun *run, const char *what,
                     GError **error);
} TableWriter;

/* --- Begin -------------------------------------------------------------------------------- */

void
store_hash (const char *text, gsize size, char hex_out[STORE_HASH_HEX_SIZE])
{
  guint8 hash[TEXT_HASH_BYTES];
  crypto_generichash (hash, sizeof hash, (const guint8 *)text, size, NULL, 0);
  sodium_bin2hex (hex_out, STORE_HASH_HEX_SIZE, hash, sizeof hash);
}

static gboolean
insert_scenario (Store *store, const StoreRun *run, const char *text_hash, const char *what,
                 GError **error)
{
  sqlite3_stmt *stmt = store_prepare_once (
      store, "INSERT OR IGNORE INTO scenario (text_hash, text) VALUES (?1, ?2)", what, error);
  if (!stmt)
    return FALSE;
  store_bind (stmt, "tt", text_hash, run->scenario_text);
  return store_step_done (store, stmt, what, error);
}

static gboolean
insert_run (Store *store, StoreRun *run, const char *text_hash, const char *what, GError **error)
{
  sqlite3_stmt *stmt = store_prepare_once (
      store,
      "INSERT INTO run (campaign_id, scenario_name, scenario_hash, text_hash, variant, seed,"
      " policy, testbed, git_id, host, started_us, build_id, origin, process, state)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 'unfinished')",
      what, error);
  if (!stmt)
    return FALSE;
  store_bind (stmt, "lttttlttttlttt", run->campaign_id, run->scenario_name, run->scenario_hash,
              text_hash, run->variant, run->seed, run->policy, run->testbed, run->git_id, run->host,
              run->started_us, run->build_id, run->origin, store_get_process (store));
  if (!store_step_done (store, stmt, what, error))
    return FALSE;
  run->id = sqlite3_last_insert_rowid (store_get_db (store));
  return TRUE;
}

void
store_complete_head (StoreRun *run)
{
  if (run->started_us == 0)
    run->started_us = g_get_real_time ();
  if (!run->host)
    run->host = store_run_string (run, g_get_host_name ());
  if (!run->build_id)
    run->build_id = store_run_string (run, identity_get_build ());
  if (!run->origin) {
    g_autofree char *origin = identity_make_origin ();
    run->origin = store_run_string (run, origin);
  }
}

/* Writes the scenario of @run, unless that was the last one, too. */
static gboolean
write_scenario (Store *store, const StoreRun *run, const char *what, GError **error)
{
  StoreWritten *written = store_get_written (store);
  char text_hash[STORE_HASH_HEX_SIZE];
  if (written->scenario_text && strcmp (written->scenario_text, run->scenario_text) == 0)
    return TRUE;
  store_hash (run->scenario_text, strlen (run->scenario_text), text_hash);
  if (!insert_scenario (store, run, text_hash, what, error))
    return FALSE;
  g_free (written->scenario_text);
  g_free (written->text_hash);
  written->scenario_text = g_strdup (run->scenario_text);
  written->text_hash = g_strdup (text_hash);
  return TRUE;
}

static gboolean
write_begin (Store *store, StoreRun *run, const char *what, GError **error)
{
  return write_scenario (store, run, what, error) &&
         insert_run (store, run, store_get_written (store)->text_hash, what, error);
}

gboolean
store_run_begin (Store *store, StoreRun *run, GError **error)
{
  const char *what = "cannot record the begin of a run";
  store_complete_head (run);
  store_lock (store);
  gboolean ok = store_begin (store, what, error);
  if (ok) {
    ok = write_begin (store, run, what, error);
    ok = store_end (store, ok, what, error);
  }
  store_unlock (store);
  run->finished = FALSE;
  if (!ok)
    run->id = 0;
  return ok;
}

/* --- Finish: one function per table ------------------------------------------------------- */

/* Writes the set of @kind, and its number into the run's row. */
static gboolean
write_set (Store *store, StoreSet kind, sqlite3_stmt *stmt, const StoreRun *run, const char *what,
           GError **error)
{
  gint64 set_id = store_set_write (store, kind, run, what, error);
  if (set_id <= 0)
    return set_id == 0;
  store_bind (stmt, "ll", run->id, set_id);
  return store_step_done (store, stmt, what, error);
}

static gboolean
write_parameters (Store *store, sqlite3_stmt *stmt, const StoreRun *run, const char *what,
                  GError **error)
{
  return write_set (store, STORE_SET_PARAMETERS, stmt, run, what, error);
}

static gboolean
write_metric_names (Store *store, sqlite3_stmt *stmt, const StoreRun *run, const char *what,
                    GError **error)
{
  return write_set (store, STORE_SET_METRICS, stmt, run, what, error);
}

static gboolean
write_links (Store *store, sqlite3_stmt *stmt, const StoreRun *run, const char *what,
             GError **error)
{
  for (guint i = 0; i < run->links->len; i++) {
    const StoreLink *l = &g_array_index (run->links, StoreLink, i);
    store_bind (stmt, "llttLltttLltttllL", run->id, run->first_link + i, l->name, l->carrier,
                l->up.rate_bps, l->up.delay_ns, l->up.jitter, l->up.loss, l->up.queue,
                l->down.rate_bps, l->down.delay_ns, l->down.jitter, l->down.loss, l->down.queue,
                l->weight, l->cost, l->quota_bytes);
    if (!store_step_done (store, stmt, what, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
write_flows (Store *store, sqlite3_stmt *stmt, const StoreRun *run, const char *what,
             GError **error)
{
  for (guint i = 0; i < run->flows->len; i++) {
    const StoreFlow *f = &g_array_index (run->flows, StoreFlow, i);
    store_bind (stmt, "litttlli", run->id, (int)i, f->name, store_side_to_string (f->from), f->kind,
                f->offered_bytes, f->delivered_bytes, f->complete ? 1 : 0);
    if (!store_step_done (store, stmt, what, error))
      return FALSE;
  }
  return TRUE;
}

/* Binds the columns of metric @index from parameter @first on; ?1 is the run's. */
static void
bind_metric (sqlite3_stmt *stmt, int first, const StoreRun *run, guint index)
{
  const StoreMetric *m = &g_array_index (run->metrics, StoreMetric, index);
  store_bind_from (stmt, first, "id", (int)index, m->value);
}

/* Metrics are most of the rows of a short run. A statement that inserts many at once takes two
 * thirds of the time of one for each. */
#define METRIC_COLUMNS  2
#define METRICS_AT_ONCE 32

/* (transfer full) */
static char *
make_metrics_sql (void)
{
  GString *sql = g_string_new ("INSERT INTO metric_value (run_id, seq, value) VALUES ");
  for (int i = 0, p = 2; i < METRICS_AT_ONCE; i++, p += METRIC_COLUMNS)
    g_string_append_printf (sql, "%s(?1, ?%d, ?%d)", i > 0 ? ", " : "", p, p + 1);
  return g_string_free (sql, FALSE);
}

/* Writes metrics as long as there are METRICS_AT_ONCE of them, and returns how many it wrote; -1:
 * @error. */
static gint64
write_many_metrics (Store *store, const StoreRun *run, const char *what, GError **error)
{
  static char *sql; /* for good */
  guint n_written = 0;
  if (g_once_init_enter (&sql))
    g_once_init_leave (&sql, make_metrics_sql ());
  for (; n_written + METRICS_AT_ONCE <= run->metrics->len; n_written += METRICS_AT_ONCE) {
    sqlite3_stmt *stmt = store_prepare_once (store, sql, what, error);
    if (!stmt)
      return -1;
    store_bind (stmt, "l", run->id);
    for (guint i = 0; i < METRICS_AT_ONCE; i++)
      bind_metric (stmt, 2 + (int)i * METRIC_COLUMNS, run, n_written + i);
    if (!store_step_done (store, stmt, what, error))
      return -1;
  }
  return n_written;
}

static gboolean
write_metrics (Store *store, sqlite3_stmt *stmt, const StoreRun *run, const char *what,
               GError **error)
{
  gint64 n_written = write_many_metrics (store, run, what, error);
  if (n_written < 0)
    return FALSE;
  for (guint i = (guint)n_written; i < run->metrics->len; i++) {
    store_bind (stmt, "l", run->id);
    bind_metric (stmt, 2, run, i);
    if (!store_step_done (store, stmt, what, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
write_link_samples (Store *store, sqlite3_stmt *stmt, const StoreRun *run, const char *what,
                    GError **error)
{
  for (guint i = 0; i < run->link_samples->len; i++) {
    const StoreLinkSample *s = &g_array_index (run->link_samples, StoreLinkSample, i);
    g_assert (s->link < run->first_link + run->links->len);
    store_bind (stmt, "litltLllllllt", run->id, (int)s->link, store_side_to_string (s->side),
                s->t_ns, s->state, s->rtt_ns, s->in_flight_bytes, s->limit_bytes, s->sent_bytes,
                s->delivered_bytes, s->resent_bytes, s->queue_bytes, s->hold);
    if (!store_step_done (store, stmt, what, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
write_flow_samples (Store *store, sqlite3_stmt *stmt, const StoreRun *run, const char *what,
                    GError **error)
{
  for (guint i = 0; i < run->flow_samples->len; i++) {
    const StoreFlowSample *s = &g_array_index (run->flow_samples, StoreFlowSample, i);
    g_assert (s->flow < run->flows->len);
    store_bind (stmt, "lillll", run->id, (int)s->flow, s->t_ns, s->offered_bytes,
                s->delivered_bytes, s->reorder_bytes);
    if (!store_step_done (store, stmt, what, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
write_events (Store *store, sqlite3_stmt *stmt, const StoreRun *run, const char *what,
              GError **error)
{
  for (guint i = 0; i < run->events->len; i++) {
    const StoreEvent *e = &g_array_index (run->events, StoreEvent, i);
    g_assert (e->link < run->first_link + (gint64)run->links->len);
    store_bind (stmt, "llltLttllt", run->id, run->first_event + i, e->t_ns,
                store_side_to_string (e->side), (gint64)e->link, e->kind, e->reason, e->a, e->b,
                e->text);
    if (!store_step_done (store, stmt, what, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
write_checkpoints (Store *store, sqlite3_stmt *stmt, const StoreRun *run, const char *what,
                   GError **error)
{
  for (guint i = 0; i < run->checkpoints->len; i++) {
    const StoreCheckpoint *c = &g_array_index (run->checkpoints, StoreCheckpoint, i);
    store_bind (stmt, "lllb", run->id, c->n_events, c->t_ns, c->digest);
    if (!store_step_done (store, stmt, what, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
write_trace_blocks (Store *store, sqlite3_stmt *stmt, const StoreRun *run, const char *what,
                    GError **error)
{
  for (guint i = 0; i < run->trace_blocks->len; i++) {
    const StoreTraceBlock *t = &g_array_index (run->trace_blocks, StoreTraceBlock, i);
    store_bind (stmt, "lllB", run->id, t->first_event, t->n_events, t->data);
    if (!store_step_done (store, stmt, what, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
write_expectations (Store *store, sqlite3_stmt *stmt, const StoreRun *run, const char *what,
                    GError **error)
{
  for (guint i = 0; i < run->expectations->len; i++) {
    const StoreExpectation *e = &g_array_index (run->expectations, StoreExpectation, i);
    store_bind (stmt, "litttii", run->id, (int)i, e->name, e->bound, e->actual, e->held ? 1 : 0,
                e->line);
    if (!store_step_done (store, stmt, what, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
write_resends (Store *store, sqlite3_stmt *stmt, const StoreRun *run, const char *what,
               GError **error)
{
  for (guint i = 0; i < run->resends->len; i++) {
    const StoreResend *r = &g_array_index (run->resends, StoreResend, i);
    store_bind (stmt, "ltiitll", run->id, store_side_to_string (r->side), r->link, r->from_link,
                r->cause, r->n_messages, r->bytes);
    if (!store_step_done (store, stmt, what, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
write_stalls (Store *store, sqlite3_stmt *stmt, const StoreRun *run, const char *what,
              GError **error)
{
  for (guint i = 0; i < run->stalls->len; i++) {
    const StoreStall *s = &g_array_index (run->stalls, StoreStall, i);
    store_bind (stmt, "lill", run->id, (int)s->flow, s->begin_ns, s->end_ns);
    if (!store_step_done (store, stmt, what, error))
      return FALSE;
  }
  return TRUE;
}

/* Of two samples at one instant the later counts: the one at the end of a run may fall on the
 * regular one's instant. */
#define FIRST_TABLE_OF_ROWS 2 /* those before are columns of the run's own row */
static const TableWriter tables[] = {
  { "UPDATE run SET parameter_set = ?2 WHERE id = ?1", write_parameters },
  { "UPDATE run SET metric_set = ?2 WHERE id = ?1", write_metric_names },
  { "INSERT INTO link (run_id, link, name, carrier, up_rate_bps, up_delay_ns, up_jitter, up_loss,"
    " up_queue, down_rate_bps, down_delay_ns, down_jitter, down_loss, down_queue, weight, cost,"
    " quota_bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
    " ?17)",
    write_links },
  { "INSERT INTO flow (run_id, flow, name, from_side, kind, offered_bytes, delivered_bytes,"
    " complete) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    write_flows },
  { "INSERT INTO metric_value (run_id, seq, value) VALUES (?1, ?2, ?3)", write_metrics },
  { "INSERT OR REPLACE INTO link_sample (run_id, link, side, t_ns, state, rtt_ns,"
    " in_flight_bytes, limit_bytes, sent_bytes, delivered_bytes, resent_bytes, queue_bytes, hold)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    write_link_samples },
  { "INSERT OR REPLACE INTO flow_sample (run_id, flow, t_ns, offered_bytes, delivered_bytes,"
    " reorder_bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    write_flow_samples },
  { "INSERT INTO event (run_id, seq, t_ns, side, link, kind, reason, a, b, text)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    write_events },
  { "INSERT INTO checkpoint (run_id, n_events, t_ns, digest) VALUES (?1, ?2, ?3, ?4)",
    write_checkpoints },
  { "INSERT INTO trace_block (run_id, first_event, n_events, data) VALUES (?1, ?2, ?3, ?4)",
    write_trace_blocks },
  { "INSERT INTO expectation (run_id, seq, name, bound, actual, held, line)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    write_expectations },
  { "INSERT INTO resend (run_id, side, link, from_link, cause, n_messages, bytes)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    write_resends },
  { "INSERT INTO stall (run_id, flow, begin_ns, end_ns) VALUES (?1, ?2, ?3, ?4)", write_stalls },
};

static gboolean
write_tables (Store *store, const StoreRun *run, gsize first, const char *what, GError **error)
{
  for (gsize i = first; i < G_N_ELEMENTS (tables); i++) {
    sqlite3_stmt *stmt = store_prepare_once (store, tables[i].sql, what, error);
    if (!stmt || !tables[i].write (store, stmt, run, what, error))
      return FALSE;
  }
  return TRUE;
}

/* --- What goes on -------------------------------------------------------------------------- */

/* Flows, metrics and resends tell how far the run is: what they told before goes. */
static gboolean
delete_totals (Store *store, const StoreRun *run, const char *what, GError **error)
{
  static const char *const deletes[] = { "DELETE FROM flow WHERE run_id = ?1",
                                         "DELETE FROM metric_value WHERE run_id = ?1",
                                         "DELETE FROM resend WHERE run_id = ?1" };
  for (gsize i = 0; i < G_N_ELEMENTS (deletes); i++) {
    sqlite3_stmt *stmt = store_prepare_once (store, deletes[i], what, error);
    if (!stmt)
      return FALSE;
    store_bind (stmt, "l", run->id);
    if (!store_step_done (store, stmt, what, error))
      return FALSE;
  }
  return TRUE;
}

/* A run that is gone was pruned meanwhile. */
static gboolean
check_updated (Store *store, const char *what, GError **error)
{
  if (sqlite3_changes (store_get_db (store)) == 1)
    return TRUE;
  g_set_error (error, STORE_ERROR, STORE_ERROR_NOT_FOUND,
               "%s: %s: it was deleted or finished by another process", store_get_path (store),
               what);
  return FALSE;
}

static gboolean
update_unfinished (Store *store, const StoreRun *run, const char *what, GError **error)
{
  sqlite3_stmt *stmt =
      store_prepare_once (store,
                          "UPDATE run SET wall_ns = ?2, simulated_ns = ?3, n_events = ?4"
                          " WHERE id = ?1 AND state = 'unfinished'",
                          what, error);
  if (!stmt)
    return FALSE;
  store_bind (stmt, "llll", run->id, run->wall_ns, run->simulated_ns, run->n_events);
  return store_step_done (store, stmt, what, error) && check_updated (store, what, error);
}

gboolean
store_run_append (Store *store, StoreRun *run, GError **error)
{
  g_autofree char *what = g_strdup_printf ("cannot record run %" G_GINT64_FORMAT, run->id);
  store_lock (store);
  gboolean ok = store_begin (store, what, error);
  if (ok) {
    ok = update_unfinished (store, run, what, error) &&
         (!run->was_appended || delete_totals (store, run, what, error)) &&
         write_tables (store, run, 0, what, error);
    ok = store_end (store, ok, what, error);
  }
  store_unlock (store);
  run->was_appended |= ok;
  return ok;
}

/* --- The end ------------------------------------------------------------------------------- */

/* Only an unfinished run can be finished. */
static gboolean
update_run (Store *store, const StoreRun *run, const char *what, GError **error)
{
  sqlite3_stmt *stmt = store_prepare_once (
      store,
      "UPDATE run SET state = 'finished', digest = ?2, outcome = ?3, exit_class = ?4,"
      " wall_ns = ?5, simulated_ns = ?6, n_events = ?7 WHERE id = ?1 AND state = 'unfinished'",
      what, error);
  if (!stmt)
    return FALSE;
  store_bind (stmt, "lttilll", run->id, run->digest, run->outcome, run->exit_class, run->wall_ns,
              run->simulated_ns, run->n_events);
  return store_step_done (store, stmt, what, error) && check_updated (store, what, error);
}

static gboolean
write_finish (Store *store, StoreRun *run, const char *what, GError **error)
{
  return update_run (store, run, what, error) &&
         (!run->was_appended || delete_totals (store, run, what, error)) &&
         write_tables (store, run, 0, what, error);
}

gboolean
store_run_finish (Store *store, StoreRun *run, GError **error)
{
  g_autofree char *what = g_strdup_printf ("cannot record run %" G_GINT64_FORMAT, run->id);
  store_lock (store);
  gboolean ok = store_begin (store, what, error);
  if (ok) {
    ok = write_finish (store, run, what, error);
    ok = store_end (store, ok, what, error);
  }
  store_unlock (store);
  run->finished = ok;
  return ok;
}

/* --- Both at once --------------------------------------------------------------------------- */

/* 0 becomes what "L" makes NULL of. */
static gint64
none_or (gint64 set_id)
{
  return set_id > 0 ? set_id : -1;
}

/* The row of a run that is over. */
static gboolean
insert_finished_run (Store *store, StoreRun *run, const gint64 sets[STORE_N_SETS], const char *what,
                     GError **error)
{
  sqlite3_stmt *stmt = store_prepare_once (
      store,
      "INSERT INTO run (campaign_id, scenario_name, scenario_hash, text_hash, variant, seed,"
      " policy, testbed, git_id, host, started_us, build_id, origin, process, digest, outcome,"
      " exit_class, wall_ns, simulated_ns, n_events, parameter_set, metric_set, state)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
      " ?19, ?20, ?21, ?22, 'finished')",
      what, error);
  if (!stmt)
    return FALSE;
  store_bind (stmt, "lttttlttttltttttilllLL", run->campaign_id, run->scenario_name,
              run->scenario_hash, store_get_written (store)->text_hash, run->variant, run->seed,
              run->policy, run->testbed, run->git_id, run->host, run->started_us, run->build_id,
              run->origin, store_get_process (store), run->digest, run->outcome, run->exit_class,
              run->wall_ns, run->simulated_ns, run->n_events, none_or (sets[STORE_SET_PARAMETERS]),
              none_or (sets[STORE_SET_METRICS]));
  if (!store_step_done (store, stmt, what, error))
    return FALSE;
  run->id = sqlite3_last_insert_rowid (store_get_db (store));
  return TRUE;
}

gboolean
store_write_whole (Store *store, StoreRun *run, const char *what, GError **error)
{
  if (!write_scenario (store, run, what, error))
    return FALSE;
  gint64 sets[STORE_N_SETS];
  for (int i = 0; i < STORE_N_SETS; i++) {
    sets[i] = store_set_write (store, (StoreSet)i, run, what, error);
    if (sets[i] < 0)
      return FALSE;
  }
  return insert_finished_run (store, run, sets, what, error) &&
         write_tables (store, run, FIRST_TABLE_OF_ROWS, what, error);
}
