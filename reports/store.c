/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - the database: opening, transactions, errors and campaigns. */
#include "reports/store.h"

#include <errno.h>

#include "reports/identity.h"
#include "reports/store-migrate.h"
#include "reports/store-private.h"

/* How long a writer waits for others; a transaction of ours takes milliseconds. */
#define BUSY_TIMEOUT_MS 30000

struct _Store {
  sqlite3 *db;
  char *path;
  char *process;          /* this one, as a run's row names it */
  guint version;          /* of its schema */
  GHashTable *statements; /* those that are kept: SQL, by its address (borrowed), to sqlite3_stmt */
  StoreWritten written;
  GMutex mutex;
};

G_DEFINE_QUARK (store_error, store_error)

int
store_error_get_exit_status (const GError *error)
{
  if (g_error_matches (error, STORE_ERROR, STORE_ERROR_NOT_FOUND) ||
      g_error_matches (error, STORE_ERROR, STORE_ERROR_CANNOT_OPEN) ||
      g_error_matches (error, STORE_ERROR, STORE_ERROR_NOT_A_STORE))
    return 2;
  return 70;
}

static StoreError
error_code_of (sqlite3 *db)
{
  switch (sqlite3_errcode (db) & 0xff) {
  case SQLITE_FULL:
    return STORE_ERROR_FULL;
  case SQLITE_IOERR:
    return sqlite3_system_errno (db) == ENOSPC ? STORE_ERROR_FULL : STORE_ERROR_FAILED;
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return STORE_ERROR_BUSY;
  case SQLITE_CANTOPEN:
  case SQLITE_PERM:
  case SQLITE_READONLY:
    return STORE_ERROR_CANNOT_OPEN;
  case SQLITE_NOTADB:
    return STORE_ERROR_NOT_A_STORE;
  default:
    return STORE_ERROR_FAILED;
  }
}

gboolean
store_fail (sqlite3 *db, const char *path, const char *what, GError **error)
{
  StoreError code = error_code_of (db);
  const char *why = sqlite3_errmsg (db);
  if (code == STORE_ERROR_FULL)
    why = "the disk is full";
  else if (code == STORE_ERROR_BUSY)
    why = "another process keeps it locked";
  else if ((sqlite3_errcode (db) & 0xff) == SQLITE_CANTOPEN && sqlite3_system_errno (db) != 0)
    why = g_strerror (sqlite3_system_errno (db));
  g_set_error (error, STORE_ERROR, (int)code, "%s: %s: %s", path, what, why);
  return FALSE;
}

sqlite3 *
store_get_db (Store *store)
{
  return store->db;
}

guint
store_get_version (const Store *store)
{
  return store->version;
}

const char *
store_get_process (const Store *store)
{
  return store->process;
}

const char *
store_get_path (const Store *store)
{
  return store->path;
}

int
store_get_schema_version (void)
{
  guint n_steps;
  store_migrate_get_steps (&n_steps);
  return (int)n_steps;
}

StoreWritten *
store_get_written (Store *store)
{
  return &store->written;
}

void
store_forget (Store *store)
{
  g_free (store->written.scenario_text);
  g_free (store->written.text_hash);
  for (gsize i = 0; i < STORE_N_SETS; i++) {
    if (store->written.sets[i].joined)
      g_string_free (store->written.sets[i].joined, TRUE);
  }
  store->written = (StoreWritten) { 0 };
}

void
store_lock (Store *store)
{
  g_mutex_lock (&store->mutex);
}

void
store_unlock (Store *store)
{
  g_mutex_unlock (&store->mutex);
}

/* --- Statements --------------------------------------------------------------------------- */

gboolean
store_exec (Store *store, const char *sql, const char *what, GError **error)
{
  if (sqlite3_exec (store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
    return store_fail (store->db, store->path, what, error);
  return TRUE;
}

gboolean
store_begin (Store *store, const char *what, GError **error)
{
  /* IMMEDIATE: a transaction that reads first and then wants to write could fail at once. */
  return store_exec (store, "BEGIN IMMEDIATE", what, error);
}

gboolean
store_end (Store *store, gboolean ok, const char *what, GError **error)
{
  store_forget (store);
  if (ok && store_exec (store, "COMMIT", what, error))
    return TRUE;
  /* A full disk has rolled back already; then this fails and nothing is wrong with that. */
  sqlite3_exec (store->db, "ROLLBACK", NULL, NULL, NULL);
  return FALSE;
}

sqlite3_stmt *
store_prepare (Store *store, const char *sql, const char *what, GError **error)
{
  sqlite3_stmt *stmt = NULL;
  if (sqlite3_prepare_v2 (store->db, sql, -1, &stmt, NULL) != SQLITE_OK)
    store_fail (store->db, store->path, what, error);
  return stmt;
}

static void
finalize_statement (gpointer data)
{
  sqlite3_finalize (data);
}

sqlite3_stmt *
store_prepare_once (Store *store, const char *sql, const char *what, GError **error)
{
  sqlite3_stmt *stmt = g_hash_table_lookup (store->statements, sql);
  if (stmt)
    return stmt;
  stmt = store_prepare (store, sql, what, error);
  if (stmt)
    g_hash_table_insert (store->statements, (gpointer)sql, stmt);
  return stmt;
}

void
store_forget_statements (Store *store)
{
  g_hash_table_remove_all (store->statements);
}

static void
bind_double (sqlite3_stmt *stmt, int i, double value)
{
  /* SQLite itself stores NAN as NULL. */
  int rc = sqlite3_bind_double (stmt, i, value);
  g_assert (rc == SQLITE_OK);
}

static void
bind_text (sqlite3_stmt *stmt, int i, const char *text)
{
  int rc = sqlite3_bind_text (stmt, i, text, -1, SQLITE_STATIC);
  g_assert (rc == SQLITE_OK);
}

static void
bind_int64 (sqlite3_stmt *stmt, int i, gint64 value, gboolean nullable)
{
  int rc =
      nullable && value == -1 ? sqlite3_bind_null (stmt, i) : sqlite3_bind_int64 (stmt, i, value);
  g_assert (rc == SQLITE_OK);
}

static void
bind_bytes (sqlite3_stmt *stmt, int i, GBytes *bytes)
{
  gsize size_bytes;
  const void *data = g_bytes_get_data (bytes, &size_bytes);
  int rc = sqlite3_bind_blob (stmt, i, data, (int)size_bytes, SQLITE_STATIC);
  g_assert (rc == SQLITE_OK);
}

static void
bind_all (sqlite3_stmt *stmt, int first, const char *types, va_list args)
{
  for (int i = first; *types; types++, i++) {
    switch (*types) {
    case 'i':
      bind_int64 (stmt, i, va_arg (args, int), FALSE);
      break;
    case 'l':
      bind_int64 (stmt, i, va_arg (args, gint64), FALSE);
      break;
    case 'L':
      bind_int64 (stmt, i, va_arg (args, gint64), TRUE);
      break;
    case 't':
      bind_text (stmt, i, va_arg (args, const char *));
      break;
    case 'd':
      bind_double (stmt, i, va_arg (args, double));
      break;
    case 'b':
      sqlite3_bind_blob (stmt, i, va_arg (args, const guint8 *), STORE_DIGEST_BYTES, SQLITE_STATIC);
      break;
    case 'B':
      bind_bytes (stmt, i, va_arg (args, GBytes *));
      break;
    default:
      g_assert_not_reached ();
    }
  }
}

void
store_bind (sqlite3_stmt *stmt, const char *types, ...)
{
  va_list args;
  va_start (args, types);
  bind_all (stmt, 1, types, args);
  va_end (args);
}

void
store_bind_from (sqlite3_stmt *stmt, int first, const char *types, ...)
{
  va_list args;
  va_start (args, types);
  bind_all (stmt, first, types, args);
  va_end (args);
}

gboolean
store_step_done (Store *store, sqlite3_stmt *stmt, const char *what, GError **error)
{
  if (sqlite3_step (stmt) != SQLITE_DONE) {
    store_fail (store->db, store->path, what, error);
    sqlite3_reset (stmt);
    return FALSE;
  }
  sqlite3_reset (stmt);
  return TRUE;
}

int
store_step_row (Store *store, sqlite3_stmt *stmt, const char *what, GError **error)
{
  int rc = sqlite3_step (stmt);
  if (rc == SQLITE_ROW)
    return 1;
  if (rc == SQLITE_DONE)
    return 0;
  store_fail (store->db, store->path, what, error);
  return -1;
}

/* --- Opening ------------------------------------------------------------------------------ */

/* Two that turn a new database to WAL at the same moment can meet a lock that SQLite does not
 * wait for; so wait here. */
static gboolean
set_wal (Store *store, GError **error)
{
  for (int waited_ms = 0;; waited_ms += 10) {
    int rc = sqlite3_exec (store->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
      return TRUE;
    if ((rc & 0xff) != SQLITE_BUSY || waited_ms >= BUSY_TIMEOUT_MS)
      return store_fail (store->db, store->path, "cannot set its journal mode", error);
    g_usleep (10 * 1000);
  }
}

/* synchronous NORMAL: a commit survives the death of the process; a loss of power may cost the
 * last commits, never the database. auto_vacuum counts for a new database alone. */
static gboolean
open_for_writing (Store *store, GError **error)
{
  guint n_steps;
  const StoreMigration *steps = store_migrate_get_steps (&n_steps);
  store->version = n_steps;
  return store_exec (store, "PRAGMA auto_vacuum = INCREMENTAL", "cannot open", error) &&
         store_migrate (store->db, store->path, steps, n_steps, error) && set_wal (store, error) &&
         store_exec (store, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON", "cannot open",
                     error);
}

static gboolean
open_for_reading (Store *store, GError **error)
{
  guint n_steps;
  store_migrate_get_steps (&n_steps);
  return store_migrate_check (store->db, store->path, STORE_VERSION_READABLE, n_steps,
                              &store->version, error);
}

Store *
store_open (const char *path, StoreOpenMode mode, GError **error)
{
  static const int flags[] = {
    [STORE_OPEN_READ_ONLY] = SQLITE_OPEN_READONLY,
    [STORE_OPEN_WRITE] = SQLITE_OPEN_READWRITE,
    [STORE_OPEN_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
    [STORE_OPEN_ALONE] = SQLITE_OPEN_READWRITE,
  };
  g_return_val_if_fail (path && mode < G_N_ELEMENTS (flags), NULL);

  g_autoptr (Store) store = g_new0 (Store, 1);
  store->path = g_strdup (path);
  store->process = identity_get_process ();
  store->statements = g_hash_table_new_full (NULL, NULL, NULL, finalize_statement);
  g_mutex_init (&store->mutex);
  int mutex = mode == STORE_OPEN_ALONE ? SQLITE_OPEN_NOMUTEX : SQLITE_OPEN_FULLMUTEX;
  if (sqlite3_open_v2 (path, &store->db, flags[mode] | mutex, NULL) != SQLITE_OK) {
    store_fail (store->db, path, "cannot open", error);
    return NULL;
  }
  sqlite3_extended_result_codes (store->db, 1);
  sqlite3_busy_timeout (store->db, BUSY_TIMEOUT_MS);
  gboolean ok = mode == STORE_OPEN_READ_ONLY ? open_for_reading (store, error)
                                             : open_for_writing (store, error);
  return ok ? g_steal_pointer (&store) : NULL;
}

void
store_close (Store *store)
{
  if (!store)
    return;
  g_hash_table_unref (store->statements);
  int rc = sqlite3_close (store->db);
  g_assert (rc == SQLITE_OK); /* else a statement of ours was not finalized */
  g_mutex_clear (&store->mutex);
  g_free (store->process);
  g_free (store->path);
  g_free (store);
}

/* --- Campaigns ---------------------------------------------------------------------------- */

gboolean
store_campaign_begin (Store *store, const char *name, const char *command, gint64 *campaign_id_out,
                      GError **error)
{
  const char *what = "cannot record a campaign";
  store_lock (store);
  g_autoptr (sqlite3_stmt) stmt = store_prepare (
      store, "INSERT INTO campaign (name, command, host, started_us) VALUES (?1, ?2, ?3, ?4)", what,
      error);
  gboolean ok = stmt != NULL;
  if (ok) {
    store_bind (stmt, "tttl", name, command, g_get_host_name (), g_get_real_time ());
    ok = store_step_done (store, stmt, what, error);
  }
  if (ok)
    *campaign_id_out = sqlite3_last_insert_rowid (store->db);
  store_unlock (store);
  return ok;
}

gboolean
store_campaign_end (Store *store, gint64 campaign_id, GError **error)
{
  const char *what = "cannot record a campaign's end";
  store_lock (store);
  g_autoptr (sqlite3_stmt) stmt =
      store_prepare (store, "UPDATE campaign SET ended_us = ?1 WHERE id = ?2", what, error);
  gboolean ok = stmt != NULL;
  if (ok) {
    store_bind (stmt, "ll", g_get_real_time (), campaign_id);
    ok = store_step_done (store, stmt, what, error);
  }
  if (ok && sqlite3_changes (store->db) == 0) {
    g_set_error (error, STORE_ERROR, STORE_ERROR_NOT_FOUND, "%s: no campaign %" G_GINT64_FORMAT,
                 store->path, campaign_id);
    ok = FALSE;
  }
  store_unlock (store);
  return ok;
}
