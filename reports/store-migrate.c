/* SPDX-License-Identifier: Apache-2.0 */
/* store-migrate.c - see store-migrate.h. */
#include "reports/store-migrate.h"

#include <gio/gio.h>

#include "reports/reports-resources.h"
#include "reports/store-private.h"

/* Append only: databases out there are at any of these versions. */
static const StoreMigration migrations[] = {
  { .resource = "/caiman/reports/schema.sql" },   { .resource = "/caiman/reports/schema-2.sql" },
  { .resource = "/caiman/reports/schema-3.sql" }, { .resource = "/caiman/reports/schema-4.sql" },
  { .resource = "/caiman/reports/schema-5.sql" }, { .resource = "/caiman/reports/schema-6.sql" },
};

const StoreMigration *
store_migrate_get_steps (guint *n_steps_out)
{
  *n_steps_out = G_N_ELEMENTS (migrations);
  return migrations;
}

/* The one integer that @sql returns. */
static gboolean
query_int (sqlite3 *db, const char *path, const char *sql, int *value_out, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = NULL;
  if (sqlite3_prepare_v2 (db, sql, -1, &stmt, NULL) != SQLITE_OK)
    return store_fail (db, path, "cannot read its version", error);
  if (sqlite3_step (stmt) != SQLITE_ROW)
    return store_fail (db, path, "cannot read its version", error);
  *value_out = sqlite3_column_int (stmt, 0);
  return TRUE;
}

static gboolean
exec (sqlite3 *db, const char *path, const char *sql, const char *what, GError **error)
{
  if (sqlite3_exec (db, sql, NULL, NULL, NULL) != SQLITE_OK)
    return store_fail (db, path, what, error);
  return TRUE;
}

/* The version of @db; 0 is a database without a table. Refuses what is not a store. */
static gboolean
get_version (sqlite3 *db, const char *path, guint n_steps, guint *version_out, GError **error)
{
  int application_id, version, n_tables;
  if (!query_int (db, path, "PRAGMA application_id", &application_id, error) ||
      !query_int (db, path, "PRAGMA user_version", &version, error) ||
      !query_int (db, path, "SELECT count (*) FROM sqlite_schema", &n_tables, error))
    return FALSE;
  gboolean empty = application_id == 0 && version == 0 && n_tables == 0;
  if (!empty && (application_id != STORE_APPLICATION_ID || version < 1)) {
    g_set_error (error, STORE_ERROR, STORE_ERROR_NOT_A_STORE,
                 "%s: is a database, but not one of caiman's", path);
    return FALSE;
  }
  if (version > (int)n_steps) {
    g_set_error (error, STORE_ERROR, STORE_ERROR_TOO_NEW,
                 "%s: has schema version %d, but this build knows versions up to %u only", path,
                 version, n_steps);
    return FALSE;
  }
  *version_out = (guint)version;
  return TRUE;
}

static gboolean
run_step (sqlite3 *db, const char *path, const StoreMigration *step, GError **error)
{
  const char *what = "cannot bring its schema up to date";
  if (step->sql)
    return exec (db, path, step->sql, what, error);
  g_autoptr (GBytes) sql = g_resource_lookup_data (reports_get_resource (), step->resource,
                                                   G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  /* The data of a resource ends with a NUL behind its size. */
  return sql && exec (db, path, g_bytes_get_data (sql, NULL), what, error);
}

static gboolean
run_steps (sqlite3 *db, const char *path, const StoreMigration *steps, guint n_steps,
           GError **error)
{
  guint version;
  /* Asked again under the lock: another process may have done it meanwhile. */
  if (!get_version (db, path, n_steps, &version, error))
    return FALSE;
  for (; version < n_steps; version++)
    if (!run_step (db, path, &steps[version], error))
      return FALSE;
  g_autofree char *stamp = g_strdup_printf ("PRAGMA application_id = %d; PRAGMA user_version = %u",
                                            STORE_APPLICATION_ID, version);
  return exec (db, path, stamp, "cannot write its version", error);
}

gboolean
store_migrate (sqlite3 *db, const char *path, const StoreMigration *steps, guint n_steps,
               GError **error)
{
  guint version;
  if (!get_version (db, path, n_steps, &version, error))
    return FALSE;
  if (version == n_steps)
    return TRUE;
  if (!exec (db, path, "BEGIN IMMEDIATE", "cannot lock it", error))
    return FALSE;
  if (run_steps (db, path, steps, n_steps, error) &&
      exec (db, path, "COMMIT", "cannot bring its schema up to date", error))
    return TRUE;
  sqlite3_exec (db, "ROLLBACK", NULL, NULL, NULL);
  return FALSE;
}

gboolean
store_migrate_check (sqlite3 *db, const char *path, guint oldest, guint n_steps, guint *version_out,
                     GError **error)
{
  if (!get_version (db, path, n_steps, version_out, error))
    return FALSE;
  if (*version_out == 0) {
    g_set_error (error, STORE_ERROR, STORE_ERROR_NOT_A_STORE, "%s: is empty", path);
    return FALSE;
  }
  if (*version_out >= oldest)
    return TRUE;
  g_set_error (error, STORE_ERROR, STORE_ERROR_TOO_OLD,
               "%s: has schema version %u; to bring it to version %u it must be opened for writing",
               path, *version_out, n_steps);
  return FALSE;
}
