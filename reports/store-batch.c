/* SPDX-License-Identifier: Apache-2.0 */
/* store-batch.c - see store-batch.h. */
#include "reports/store-batch.h"

#include "reports/identity.h"
#include "reports/store-private.h"

#define KEY_SQL                                                                                    \
  "scenario_hash = ?1 AND seed = ?2 AND scenario_name = ?3 AND variant IS ?4 AND testbed = ?5"     \
  " AND build_id = ?6"

gboolean
store_prepare_for_batches (Store *store, GError **error)
{
  /* With foreign keys on SQLite would look for the run of each row again, which the transaction
   * itself has made. A log of 32 MB instead of 4: the less often is it copied into the database. */
  store_lock (store);
  gboolean ok = store_exec (store, "PRAGMA foreign_keys = OFF; PRAGMA wal_autocheckpoint = 8000",
                            "cannot open", error);
  store_unlock (store);
  return ok;
}

static void
bind_key (sqlite3_stmt *stmt, const StoreRun *run)
{
  store_bind (stmt, "tltttt", run->scenario_hash, run->seed, run->scenario_name, run->variant,
              run->testbed, run->build_id ? run->build_id : identity_get_build ());
}

static gboolean
find_run (Store *store, const StoreRun *run, gint64 *id_out, const char *what, GError **error)
{
  sqlite3_stmt *stmt = store_prepare_once (store,
                                           "SELECT id FROM run WHERE " KEY_SQL
                                           " AND state = 'finished' AND exit_class <> 70"
                                           " ORDER BY id DESC LIMIT 1",
                                           what, error);
  if (!stmt)
    return FALSE;
  bind_key (stmt, run);
  int more = store_step_row (store, stmt, what, error);
  *id_out = more == 1 ? sqlite3_column_int64 (stmt, 0) : 0;
  sqlite3_reset (stmt);
  return more >= 0;
}

gboolean
store_has_own_runs (Store *store, gboolean *has_out, GError **error)
{
  const char *what = "cannot look runs up";
  store_lock (store);
  sqlite3_stmt *stmt =
      store_prepare_once (store, "SELECT 1 FROM run WHERE build_id = ?1 LIMIT 1", what, error);
  int more = -1;
  if (stmt) {
    store_bind (stmt, "t", identity_get_build ());
    more = store_step_row (store, stmt, what, error);
    sqlite3_reset (stmt);
  }
  store_unlock (store);
  *has_out = more == 1;
  return more >= 0;
}

gboolean
store_find_run (Store *store, const StoreRun *run, gint64 *id_out, GError **error)
{
  store_lock (store);
  gboolean ok = find_run (store, run, id_out, "cannot look a run up", error);
  store_unlock (store);
  return ok;
}

/* The numbers of the unfinished runs with the key of @run whose process has ended. */
static GArray *
find_dead_runs (Store *store, const StoreRun *run, const char *what, GError **error)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  sqlite3_stmt *stmt = store_prepare_once (
      store, "SELECT id, process, host FROM run WHERE " KEY_SQL " AND state = 'unfinished'", what,
      error);
  int more = stmt ? 1 : -1;
  if (stmt)
    bind_key (stmt, run);
  while (more == 1 && (more = store_step_row (store, stmt, what, error)) == 1) {
    gint64 id = sqlite3_column_int64 (stmt, 0);
    if (!identity_is_alive ((const char *)sqlite3_column_text (stmt, 1),
                            (const char *)sqlite3_column_text (stmt, 2)))
      g_array_append_val (ids, id);
  }
  if (stmt)
    sqlite3_reset (stmt);
  return more == 0 ? g_steal_pointer (&ids) : NULL;
}

static gboolean
delete_dead_runs (Store *store, const StoreRun *run, const char *what, GError **error)
{
  g_autoptr (GArray) ids = find_dead_runs (store, run, what, error);
  for (guint i = 0; ids && i < ids->len; i++) {
    sqlite3_stmt *stmt = store_prepare_once (store, "DELETE FROM run WHERE id = ?1", what, error);
    if (!stmt)
      return FALSE;
    store_bind (stmt, "l", g_array_index (ids, gint64, i));
    if (!store_step_done (store, stmt, what, error))
      return FALSE;
  }
  return ids != NULL;
}

static gboolean
record_run (Store *store, StoreRun *run, gboolean once, const char *what, GError **error)
{
  gint64 id = 0;
  store_complete_head (run);
  if (once && !find_run (store, run, &id, what, error))
    return FALSE;
  if (id != 0) {
    run->id = id;
    return TRUE;
  }
  return (!once || delete_dead_runs (store, run, what, error)) &&
         store_write_whole (store, run, what, error);
}

/* The one row that those of a run refer to and that another process could have deleted. */
static gboolean
check_campaign (Store *store, const StoreRun *run, const char *what, GError **error)
{
  sqlite3_stmt *stmt =
      store_prepare_once (store, "SELECT 1 FROM campaign WHERE id = ?1", what, error);
  if (!stmt)
    return FALSE;
  store_bind (stmt, "l", run->campaign_id);
  int more = store_step_row (store, stmt, what, error);
  sqlite3_reset (stmt);
  if (more == 0)
    g_set_error (error, STORE_ERROR, STORE_ERROR_NOT_FOUND,
                 "%s: %s: campaign %" G_GINT64_FORMAT " was deleted", store_get_path (store), what,
                 run->campaign_id);
  return more == 1;
}

static gboolean
record_all (Store *store, GPtrArray *runs, gboolean once, const char *what, GError **error)
{
  gboolean ok = TRUE;
  if (!store_begin (store, what, error))
    return FALSE;
  for (guint i = 0; ok && i < runs->len; i++) {
    StoreRun *run = g_ptr_array_index (runs, i);
    ok = check_campaign (store, run, what, error) && record_run (store, run, once, what, error);
  }
  return store_end (store, ok, what, error);
}

gboolean
store_record_runs (Store *store, GPtrArray *runs, gboolean once, GError **error)
{
  const char *what = "cannot record runs";
  store_lock (store);
  gboolean ok = record_all (store, runs, once, what, error);
  store_unlock (store);
  for (guint i = 0; i < runs->len; i++) {
    StoreRun *run = g_ptr_array_index (runs, i);
    run->finished = ok;
    if (!ok)
      run->id = 0;
  }
  return ok;
}

/* --- Campaigns ---------------------------------------------------------------------------- */

/* Sets @id_out to 0 where there is none. */
static gboolean
find_campaign (Store *store, const char *name, const char *plan, gint64 *id_out, const char *what,
               GError **error)
{
  sqlite3_stmt *stmt = store_prepare_once (
      store, "SELECT id FROM campaign WHERE name = ?1 AND plan = ?2 ORDER BY id DESC LIMIT 1", what,
      error);
  if (!stmt)
    return FALSE;
  store_bind (stmt, "tt", name, plan);
  int more = store_step_row (store, stmt, what, error);
  *id_out = more == 1 ? sqlite3_column_int64 (stmt, 0) : 0;
  sqlite3_reset (stmt);
  return more >= 0;
}

static gboolean
insert_campaign (Store *store, const char *name, const char *plan, const char *command,
                 const char *what, GError **error)
{
  sqlite3_stmt *stmt = store_prepare_once (
      store,
      "INSERT INTO campaign (name, plan, command, host, started_us) VALUES (?1, ?2, ?3, ?4, ?5)",
      what, error);
  if (!stmt)
    return FALSE;
  store_bind (stmt, "ttttl", name, plan, command, g_get_host_name (), g_get_real_time ());
  return store_step_done (store, stmt, what, error);
}

static gboolean
reopen_campaign (Store *store, gint64 id, const char *what, GError **error)
{
  sqlite3_stmt *stmt =
      store_prepare_once (store, "UPDATE campaign SET ended_us = NULL WHERE id = ?1", what, error);
  if (!stmt)
    return FALSE;
  store_bind (stmt, "l", id);
  return store_step_done (store, stmt, what, error);
}

gboolean
store_campaign_resume (Store *store, const char *name, const char *plan, const char *command,
                       gint64 *campaign_id_out, GError **error)
{
  const char *what = "cannot record a campaign";
  gint64 id = 0;
  store_lock (store);
  gboolean ok = store_begin (store, what, error);
  if (ok) {
    ok = find_campaign (store, name, plan, &id, what, error);
    if (ok && id != 0)
      ok = reopen_campaign (store, id, what, error);
    else if (ok) {
      ok = insert_campaign (store, name, plan, command, what, error);
      id = sqlite3_last_insert_rowid (store_get_db (store));
    }
    ok = store_end (store, ok, what, error);
  }
  store_unlock (store);
  if (ok)
    *campaign_id_out = id;
  return ok;
}
