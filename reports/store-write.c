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

static void
hash_text (const char *text, char hex_out[TEXT_HASH_BYTES * 2 + 1])
{
  guint8 hash[TEXT_HASH_BYTES];
  crypto_generichash (hash, sizeof hash, (const guint8 *)text, strlen (text), NULL, 0);
  sodium_bin2hex (hex_out, TEXT_HASH_BYTES * 2 + 1, hash, sizeof hash);
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

gboolean
store_write_begin (Store *store, StoreRun *run, const char *what, GError **error)
{
  char text_hash[TEXT_HASH_BYTES * 2 + 1];
  hash_text (run->scenario_text, text_hash);
  return insert_scenario (store, run, text_hash, what, error) &&
         insert_run (store, run, text_hash, what, error);
}

gboolean
store_run_begin (Store *store, StoreRun *run, GError **error)
{
  const char *what = "cannot record the begin of a run";
  store_complete_head (run);
  store_lock (store);
  gboolean ok = store_begin (store, what, error);
  if (ok) {
    ok = store_write_begin (store, run, what, error);
    ok = store_end (store, ok, what, error);
  }
  store_unlock (store);
  run->finished = FALSE;
  if (!ok)
    run->id = 0;
  return ok;
}

/* --- Finish: one function per table ------------------------------------------------------- */

/* The names and values, so that equal sets have equal hashes; no text holds a NUL. */
static void
hash_parameters (const StoreRun *run, char hex_out[TEXT_HASH_BYTES * 2 + 1])
{
  guint8 hash[TEXT_HASH_BYTES];
  crypto_generichash_state state;
  crypto_generichash_init (&state, NULL, 0, sizeof hash);
  for (guint i = 0; i < run->parameters->len; i++) {
    const StoreParameter *p = &g_array_index (run->parameters, StoreParameter, i);
    const char *const texts[] = { p->side, p->name, p->value, p->unit };
    for (gsize j = 0; j < G_N_ELEMENTS (texts); j++)
      crypto_generichash_update (&state, (const guint8 *)texts[j], strlen (texts[j]) + 1);
  }
  crypto_generichash_final (&state, hash, sizeof hash);
  sodium_bin2hex (hex_out, TEXT_HASH_BYTES * 2 + 1, hash, sizeof hash);
}

/* The set with @hash, if it is there already; -1 with @error, 0 without a set. */
static gint64
find_parameter_set (Store *store, const char *hash, const char *what, GError **error)
{
  sqlite3_stmt *stmt =
      store_prepare_once (store, "SELECT id FROM parameter_set WHERE hash = ?1", what, error);
  if (!stmt)
    return -1;
  store_bind (stmt, "t", hash);
  int more = store_step_row (store, stmt, what, error);
  gint64 id = more == 1 ? sqlite3_column_int64 (stmt, 0) : more;
  sqlite3_reset (stmt);
  return id;
}

static gint64
insert_parameter_set (Store *store, const char *hash, const char *what, GError **error)
{
  sqlite3_stmt *stmt =
      store_prepare_once (store, "INSERT INTO parameter_set (hash) VALUES (?1)", what, error);
  if (!stmt)
    return -1;
  store_bind (stmt, "t", hash);
  if (!store_step_done (store, stmt, what, error))
    return -1;
  return sqlite3_last_insert_rowid (store_get_db (store));
}

static gboolean
insert_parameter_values (Store *store, const StoreRun *run, gint64 set_id, const char *what,
                         GError **error)
{
  sqlite3_stmt *stmt = store_prepare_once (
      store,
      "INSERT INTO parameter_value (set_id, side, name, value, unit) VALUES (?1, ?2, ?3, ?4, ?5)",
      what, error);
  for (guint i = 0; stmt && i < run->parameters->len; i++) {
    const StoreParameter *p = &g_array_index (run->parameters, StoreParameter, i);
    store_bind (stmt, "ltttt", set_id, p->side, p->name, p->value, p->unit);
    if (!store_step_done (store, stmt, what, error))
      return FALSE;
  }
  return stmt != NULL;
}

/* Runs with the same parameters share one set of them. */
static gboolean
write_parameters (Store *store, sqlite3_stmt *stmt, const StoreRun *run, const char *what,
                  GError **error)
{
  char hash[TEXT_HASH_BYTES * 2 + 1];
  if (run->parameters->len == 0)
    return TRUE;
  hash_parameters (run, hash);
  gint64 set_id = find_parameter_set (store, hash, what, error);
  if (set_id == 0) {
    set_id = insert_parameter_set (store, hash, what, error);
    if (set_id > 0 && !insert_parameter_values (store, run, set_id, what, error))
      return FALSE;
  }
  if (set_id < 0)
    return FALSE;
  store_bind (stmt, "ll", run->id, set_id);
  return store_step_done (store, stmt, what, error);
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

static gboolean
write_metrics (Store *store, sqlite3_stmt *stmt, const StoreRun *run, const char *what,
               GError **error)
{
  for (guint i = 0; i < run->metrics->len; i++) {
    const StoreMetric *m = &g_array_index (run->metrics, StoreMetric, i);
    store_bind (stmt, "ltttdti", run->id, store_subject_to_string (m->subject_kind), m->subject,
                m->name, m->value, m->unit, (int)i);
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
    store_bind (stmt, "litltLllllll", run->id, (int)s->link, store_side_to_string (s->side),
                s->t_ns, s->state, s->rtt_ns, s->in_flight_bytes, s->limit_bytes, s->sent_bytes,
                s->delivered_bytes, s->resent_bytes, s->queue_bytes);
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

/* Of two samples at one instant the later counts: the one at the end of a run may fall on the
 * regular one's instant. */
static const TableWriter tables[] = {
  { "UPDATE run SET parameter_set = ?2 WHERE id = ?1", write_parameters },
  { "INSERT INTO link (run_id, link, name, carrier, up_rate_bps, up_delay_ns, up_jitter, up_loss,"
    " up_queue, down_rate_bps, down_delay_ns, down_jitter, down_loss, down_queue, weight, cost,"
    " quota_bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
    " ?17)",
    write_links },
  { "INSERT INTO flow (run_id, flow, name, from_side, kind, offered_bytes, delivered_bytes,"
    " complete) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    write_flows },
  { "INSERT INTO metric (run_id, subject_kind, subject, name, value, unit, seq)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    write_metrics },
  { "INSERT OR REPLACE INTO link_sample (run_id, link, side, t_ns, state, rtt_ns,"
    " in_flight_bytes, limit_bytes, sent_bytes, delivered_bytes, resent_bytes, queue_bytes)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
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
};

static gboolean
write_tables (Store *store, const StoreRun *run, const char *what, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++) {
    sqlite3_stmt *stmt = store_prepare_once (store, tables[i].sql, what, error);
    if (!stmt || !tables[i].write (store, stmt, run, what, error))
      return FALSE;
  }
  return TRUE;
}

/* --- What goes on -------------------------------------------------------------------------- */

/* Flows and metrics tell how far the run is: what they told before goes. */
static gboolean
delete_totals (Store *store, const StoreRun *run, const char *what, GError **error)
{
  static const char *const deletes[] = { "DELETE FROM flow WHERE run_id = ?1",
                                         "DELETE FROM metric WHERE run_id = ?1" };
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
         write_tables (store, run, what, error);
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

gboolean
store_write_finish (Store *store, StoreRun *run, const char *what, GError **error)
{
  return update_run (store, run, what, error) &&
         (!run->was_appended || delete_totals (store, run, what, error)) &&
         write_tables (store, run, what, error);
}

gboolean
store_run_finish (Store *store, StoreRun *run, GError **error)
{
  g_autofree char *what = g_strdup_printf ("cannot record run %" G_GINT64_FORMAT, run->id);
  store_lock (store);
  gboolean ok = store_begin (store, what, error);
  if (ok) {
    ok = store_write_finish (store, run, what, error);
    ok = store_end (store, ok, what, error);
  }
  store_unlock (store);
  run->finished = ok;
  return ok;
}
