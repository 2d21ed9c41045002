/* SPDX-License-Identifier: Apache-2.0 */
/* prune.c - see prune.h. */
#include "reports/prune.h"

#include "reports/query-private.h"

#define WHAT "cannot delete runs"

#define MATCHING_RUNS                                                                              \
  "SELECT run.id FROM run JOIN campaign ON campaign.id = campaign_id WHERE " QUERY_FILTER_SQL

/* The one integer that @sql returns, with @filter (nullable) bound when it takes one. */
static gboolean
get_integer (Store *store, const char *sql, const QueryFilter *filter, gint64 *value_out,
             GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = store_prepare (store, sql, WHAT, error);
  if (!stmt)
    return FALSE;
  if (sqlite3_bind_parameter_count (stmt) > 0)
    query_bind_filter (stmt, filter);
  if (store_step_row (store, stmt, WHAT, error) != 1)
    return FALSE;
  *value_out = sqlite3_column_int64 (stmt, 0);
  return TRUE;
}

static gboolean
get_size (Store *store, gint64 *size_bytes_out, GError **error)
{
  return get_integer (store,
                      "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
                      NULL, size_bytes_out, error);
}

/* Runs @stmt (bound); the number of rows that it changed itself (not by cascade). */
static gboolean
delete_rows (Store *store, sqlite3_stmt *stmt, gint64 *n_out, GError **error)
{
  if (!store_step_done (store, stmt, WHAT, error))
    return FALSE;
  *n_out = sqlite3_changes64 (store_get_db (store));
  return TRUE;
}

static gboolean
delete_runs (Store *store, const QueryFilter *filter, gint64 *n_out, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt =
      store_prepare (store, "DELETE FROM run WHERE id IN (" MATCHING_RUNS ")", WHAT, error);
  if (!stmt)
    return FALSE;
  query_bind_filter (stmt, filter);
  return delete_rows (store, stmt, n_out, error);
}

/* A campaign without runs that has not ended may be about to begin its first: it goes only when the
 * filter's name or age tells that it is meant (a killed one never gets an end). */
static gboolean
delete_campaigns (Store *store, const QueryFilter *filter, gint64 *n_out, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = store_prepare (
      store,
      "DELETE FROM campaign WHERE (ended_us IS NOT NULL OR name = ?1 OR started_us < ?2)"
      " AND id NOT IN (SELECT campaign_id FROM run)",
      WHAT, error);
  if (!stmt)
    return FALSE;
  store_bind (stmt, "tl", filter->campaign, filter->older_than_us);
  return delete_rows (store, stmt, n_out, error);
}

static gboolean
delete_all (Store *store, const QueryFilter *filter, PruneResult *result, GError **error)
{
  return delete_runs (store, filter, &result->n_runs, error) &&
         delete_campaigns (store, filter, &result->n_campaigns, error) &&
         store_exec (store,
                     "DELETE FROM scenario WHERE text_hash NOT IN (SELECT text_hash FROM run);"
                     "DELETE FROM parameter_set WHERE id NOT IN"
                     " (SELECT parameter_set FROM run WHERE parameter_set IS NOT NULL);"
                     "DELETE FROM metric_set WHERE id NOT IN"
                     " (SELECT metric_set FROM run WHERE metric_set IS NOT NULL)",
                     WHAT, error);
}

/* In WAL mode the file itself shrinks when the log is copied back. Another process that reads may
 * put that off; then it happens later, and is no failure. */
static gboolean
give_space_back (Store *store, GError **error)
{
  if (!store_exec (store, "PRAGMA incremental_vacuum", WHAT, error))
    return FALSE;
  sqlite3_wal_checkpoint_v2 (store_get_db (store), NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
  return TRUE;
}

static gboolean
prune (Store *store, const QueryFilter *filter, PruneResult *result, GError **error)
{
  gint64 before_bytes, after_bytes;
  if (!get_size (store, &before_bytes, error) || !store_begin (store, WHAT, error))
    return FALSE;
  gboolean ok = delete_all (store, filter, result, error);
  if (!store_end (store, ok, WHAT, error) || !give_space_back (store, error) ||
      !get_size (store, &after_bytes, error))
    return FALSE;
  result->freed_bytes = MAX (before_bytes - after_bytes, 0);
  return TRUE;
}

gboolean
prune_runs (Store *store, const QueryFilter *filter, gboolean dry_run, PruneResult *result_out,
            GError **error)
{
  PruneResult result = { 0 };
  store_lock (store);
  gboolean ok = dry_run ? get_integer (store, "SELECT count (*) FROM (" MATCHING_RUNS ")", filter,
                                       &result.n_runs, error)
                        : prune (store, filter, &result, error);
  store_unlock (store);
  if (ok)
    *result_out = result;
  return ok;
}
