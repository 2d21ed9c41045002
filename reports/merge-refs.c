/* SPDX-License-Identifier: Apache-2.0 */
/* merge-refs.c - what runs refer to: it comes in once, and gets a number of the target. */
#include "reports/merge-private.h"

gint64
merge_integer (sqlite3_stmt *row, int column)
{
  return sqlite3_column_int64 (row, column);
}

/* --- Small questions ------------------------------------------------------------------------ */

/* The first column of the first row; *@found_out FALSE without one. @stmt is bound. */
static gboolean
ask (Store *store, sqlite3_stmt *stmt, gint64 *value_out, gboolean *found_out, GError **error)
{
  int more = store_step_row (store, stmt, MERGE_WHAT, error);
  *found_out = more == 1;
  if (more == 1)
    *value_out = merge_integer (stmt, 0);
  sqlite3_reset (stmt);
  return more >= 0;
}

static void
remember (GHashTable *map, gint64 from, gint64 to)
{
  g_hash_table_insert (map, g_memdup2 (&from, sizeof from), g_memdup2 (&to, sizeof to));
}

void
merge_bind_row (sqlite3_stmt *to, sqlite3_stmt *from)
{
  int n = sqlite3_column_count (from);
  for (int i = 0; i < n; i++) {
    int rc = sqlite3_bind_value (to, i + 1, sqlite3_column_value (from, i));
    g_assert (rc == SQLITE_OK);
  }
}

/* --- What runs refer to --------------------------------------------------------------------- */

/* Campaigns of one name and plan are one; one without a plan is told by who began it, and when. */
static gboolean
find_campaign (Merge *merge, sqlite3_stmt *row, gint64 *id_out, gboolean *found_out, GError **error)
{
  sqlite3_stmt *stmt = store_prepare_once (
      merge->target,
      "SELECT id FROM campaign WHERE name = ?1 AND plan IS ?6"
      " AND (plan IS NOT NULL OR (command = ?2 AND host = ?3 AND started_us = ?4)) ORDER BY id"
      " LIMIT 1",
      MERGE_WHAT, error);
  if (!stmt)
    return FALSE;
  merge_bind_row (stmt, row);
  return ask (merge->target, stmt, id_out, found_out, error);
}

/* The campaign of the source's @row is in the target from now on, as *@id_out. */
static gboolean
take_campaign (Merge *merge, sqlite3_stmt *row, gint64 *id_out, GError **error)
{
  gboolean found;
  if (!find_campaign (merge, row, id_out, &found, error))
    return FALSE;
  sqlite3_stmt *stmt =
      found ? store_prepare_once (merge->target,
                                  "UPDATE campaign SET started_us = min (started_us, ?4),"
                                  " ended_us = max (ended_us, ?5) WHERE id = ?7",
                                  MERGE_WHAT, error)
            : store_prepare_once (merge->target,
                                  "INSERT INTO campaign (name, command, host, started_us, ended_us,"
                                  " plan) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                                  MERGE_WHAT, error);
  if (!stmt)
    return FALSE;
  sqlite3_clear_bindings (stmt);
  if (found) {
    store_bind_from (stmt, 4, "ll", merge_integer (row, 3), merge_integer (row, 4));
    if (sqlite3_column_type (row, 4) == SQLITE_NULL)
      sqlite3_bind_null (stmt, 5);
    store_bind_from (stmt, 7, "l", *id_out);
  } else
    merge_bind_row (stmt, row);
  if (!store_step_done (merge->target, stmt, MERGE_WHAT, error))
    return FALSE;
  if (!found)
    *id_out = sqlite3_last_insert_rowid (store_get_db (merge->target));
  return TRUE;
}

/* What caiman validate made of the campaign @from of the source goes with it, once. */
static gboolean
copy_validation (Merge *merge, gint64 from, gint64 to, GError **error)
{
#define COLUMNS                                                                                    \
  "campaign_id, seq, scenario_name, subject_kind, subject, name, unit, random_loss, n_sim, n_lab," \
  " sim, lab, sim_min, sim_max, lab_min, lab_max, tolerance, held"
  sqlite3_stmt *select = store_prepare_once (
      merge->source, "SELECT " COLUMNS " FROM validation WHERE campaign_id = ?1", MERGE_WHAT,
      error);
  sqlite3_stmt *insert =
      store_prepare_once (merge->target,
                          "INSERT OR IGNORE INTO validation (" COLUMNS ")"
                          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
                          " ?15, ?16, ?17, ?18)",
                          MERGE_WHAT, error);
#undef COLUMNS
  if (!select || !insert)
    return FALSE;
  store_bind (select, "l", from);
  return merge_copy_rows (merge, select, insert, 0, to, error);
}

gboolean
merge_map_campaign (Merge *merge, gint64 from, gint64 *to_out, GError **error)
{
  const gint64 *known = g_hash_table_lookup (merge->campaigns, &from);
  if (known) {
    *to_out = *known;
    return TRUE;
  }
  sqlite3_stmt *row = store_prepare_once (
      merge->source,
      "SELECT name, command, host, started_us, ended_us, plan FROM campaign WHERE id = ?1",
      MERGE_WHAT, error);
  if (!row)
    return FALSE;
  store_bind (row, "l", from);
  int more = store_step_row (merge->source, row, MERGE_WHAT, error);
  gboolean ok = more == 1 && take_campaign (merge, row, to_out, error) &&
                copy_validation (merge, from, *to_out, error);
  sqlite3_reset (row);
  if (ok)
    remember (merge->campaigns, from, *to_out);
  return ok;
}

gboolean
merge_copy_scenario (Merge *merge, const char *text_hash, GError **error)
{
  sqlite3_stmt *row = store_prepare_once (
      merge->source, "SELECT text_hash, text FROM scenario WHERE text_hash = ?1", MERGE_WHAT,
      error);
  sqlite3_stmt *stmt = store_prepare_once (
      merge->target, "INSERT OR IGNORE INTO scenario (text_hash, text) VALUES (?1, ?2)", MERGE_WHAT,
      error);
  if (!row || !stmt)
    return FALSE;
  store_bind (row, "t", text_hash);
  int more = store_step_row (merge->source, row, MERGE_WHAT, error);
  if (more == 1)
    merge_bind_row (stmt, row);
  gboolean ok = more == 1 && store_step_done (merge->target, stmt, MERGE_WHAT, error);
  sqlite3_reset (row);
  return ok;
}

gboolean
merge_copy_rows (Merge *merge, sqlite3_stmt *select, sqlite3_stmt *insert, int column, gint64 value,
                 GError **error)
{
  int more;
  gboolean ok = TRUE;
  while (ok && (more = store_step_row (merge->source, select, MERGE_WHAT, error)) != 0) {
    if (more < 0)
      break;
    merge_bind_row (insert, select);
    if (column >= 0)
      sqlite3_bind_int64 (insert, column + 1, value);
    ok = store_step_done (merge->target, insert, MERGE_WHAT, error);
  }
  ok = ok && more == 0;
  sqlite3_reset (select);
  return ok;
}

/* Makes set @from of the source a set of the target, with its @hash (nullable). */
static gboolean
copy_set (Merge *merge, StoreSet kind, gint64 from, const char *hash, gint64 *to_out,
          GError **error)
{
  const StoreSetSql *sql = store_set_get_sql (kind);
  sqlite3_stmt *stmt = store_prepare_once (merge->target, sql->insert, MERGE_WHAT, error);
  sqlite3_stmt *select = store_prepare_once (merge->source, sql->select_rows, MERGE_WHAT, error);
  sqlite3_stmt *insert = store_prepare_once (merge->target, sql->insert_row, MERGE_WHAT, error);
  if (!stmt || !select || !insert)
    return FALSE;
  store_bind (stmt, "t", hash);
  if (!store_step_done (merge->target, stmt, MERGE_WHAT, error))
    return FALSE;
  *to_out = sqlite3_last_insert_rowid (store_get_db (merge->target));
  store_bind (select, "l", from);
  return merge_copy_rows (merge, select, insert, 0, *to_out, error);
}

static gboolean
find_set (Merge *merge, StoreSet kind, const char *hash, gint64 *id_out, gboolean *found_out,
          GError **error)
{
  sqlite3_stmt *stmt =
      store_prepare_once (merge->target, store_set_get_sql (kind)->find, MERGE_WHAT, error);
  if (!stmt)
    return FALSE;
  store_bind (stmt, "t", hash);
  return ask (merge->target, stmt, id_out, found_out, error);
}

gboolean
merge_map_set (Merge *merge, StoreSet kind, gint64 from, gint64 *to_out, GError **error)
{
  const gint64 *known = g_hash_table_lookup (merge->sets[kind], &from);
  if (known) {
    *to_out = *known;
    return TRUE;
  }
  sqlite3_stmt *row =
      store_prepare_once (merge->source, store_set_get_sql (kind)->get_hash, MERGE_WHAT, error);
  if (!row)
    return FALSE;
  store_bind (row, "l", from);
  int more = store_step_row (merge->source, row, MERGE_WHAT, error);
  g_autofree char *hash = more == 1 ? g_strdup ((const char *)sqlite3_column_text (row, 0)) : NULL;
  sqlite3_reset (row);
  gboolean found = FALSE;
  if (more < 0 || (hash && !find_set (merge, kind, hash, to_out, &found, error)) ||
      (!found && !copy_set (merge, kind, from, hash, to_out, error)))
    return FALSE;
  remember (merge->sets[kind], from, *to_out);
  return TRUE;
}
