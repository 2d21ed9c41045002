/* SPDX-License-Identifier: Apache-2.0 */
/* merge.c - see merge.h.
 *
 * Rows are read from one connection and written to another, all in one transaction of the target. A
 * source of an earlier version is brought up to date in a copy. */
#include "reports/merge-private.h"

#include <glib/gstdio.h>
#include <unistd.h>

/* --- Sources -------------------------------------------------------------------------------- */

/* A copy of @source (a store of an earlier version) that is brought up to date, at *@path_out
 * (transfer full), which is to be deleted. */
static Store *
open_copy (Store *source, char **path_out, GError **error)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("caiman-merge-XXXXXX.db", &path, error);
  if (fd < 0)
    return NULL;
  close (fd);
  sqlite3 *copy = NULL;
  gboolean ok = sqlite3_open (path, &copy) == SQLITE_OK;
  sqlite3_backup *backup =
      ok ? sqlite3_backup_init (copy, "main", store_get_db (source), "main") : NULL;
  ok = backup && sqlite3_backup_step (backup, -1) == SQLITE_DONE;
  sqlite3_backup_finish (backup);
  if (!ok)
    store_fail (copy, path, "cannot copy an older database", error);
  sqlite3_close (copy);
  Store *store = ok ? store_open (path, STORE_OPEN_WRITE, error) : NULL;
  *path_out = g_steal_pointer (&path);
  return store;
}

static void
delete_database (const char *path)
{
  static const char *const endings[] = { "", "-wal", "-shm" };
  for (gsize i = 0; i < G_N_ELEMENTS (endings); i++) {
    g_autofree char *name = g_strconcat (path, endings[i], NULL);
    g_unlink (name);
  }
}

static gboolean
merge_open_source (Merge *merge, Store *source, GError **error)
{
  merge->source = source;
  g_hash_table_remove_all (merge->campaigns);
  for (gsize i = 0; i < STORE_N_SETS; i++)
    g_hash_table_remove_all (merge->sets[i]);
  /* One transaction: the source as it was at one moment. */
  gboolean ok = store_exec (source, "BEGIN", MERGE_WHAT, error) && merge_runs (merge, error);
  return store_end (source, ok, MERGE_WHAT, error);
}

static gboolean
merge_source (Merge *merge, const char *path, GError **error)
{
  g_autoptr (Store) source = store_open (path, STORE_OPEN_READ_ONLY, error);
  if (!source)
    return FALSE;
  if (store_get_version (source) == (guint)store_get_schema_version ())
    return merge_open_source (merge, source, error);
  g_autofree char *copy_path = NULL;
  Store *copy = open_copy (source, &copy_path, error);
  gboolean ok = copy && merge_open_source (merge, copy, error);
  store_close (copy);
  if (copy_path)
    delete_database (copy_path);
  return ok;
}

/* --- The whole ------------------------------------------------------------------------------ */

static gboolean
is_same_file (const char *a, const char *b)
{
  GStatBuf first, second;
  return g_stat (a, &first) == 0 && g_stat (b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

/* All in one transaction, which conflicts roll back as errors do. */
static gboolean
merge_all (Merge *merge, char **sources, GError **error)
{
  if (!merge_look_at_schema (merge, error) || !store_begin (merge->target, MERGE_WHAT, error))
    return FALSE;
  gboolean ok = TRUE;
  for (gsize i = 0; ok && sources[i]; i++)
    ok = merge_source (merge, sources[i], error);
  gboolean is_good = ok && merge->result->conflicts->len == 0;
  return store_end (merge->target, is_good, MERGE_WHAT, error) || ok;
}

/* From numbers of the source to those of the target. */
static GHashTable *
new_map (void)
{
  return g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
}

static gboolean
merge_into (Store *target, char **sources, MergeResult *result, GError **error)
{
  Merge merge = { .target = target,
                  .campaigns = new_map (),
                  .sets = { [STORE_SET_PARAMETERS] = new_map (), [STORE_SET_METRICS] = new_map () },
                  .result = result };
  store_lock (target);
  gboolean ok = merge_all (&merge, sources, error);
  store_unlock (target);
  store_forget_statements (target); /* their texts go */
  merge_forget_schema (&merge);
  g_hash_table_unref (merge.campaigns);
  for (gsize i = 0; i < STORE_N_SETS; i++)
    g_hash_table_unref (merge.sets[i]);
  return ok;
}

gboolean
merge_stores (const char *target, char **sources, MergeResult *result_out, GError **error)
{
  gboolean is_new = !g_file_test (target, G_FILE_TEST_EXISTS);
  *result_out = (MergeResult) { .conflicts = g_ptr_array_new_with_free_func (g_free) };
  for (gsize i = 0; sources[i]; i++) {
    if (is_same_file (target, sources[i])) {
      g_set_error (error, STORE_ERROR, STORE_ERROR_CANNOT_OPEN,
                   "%s: is what is merged into, it cannot be a source too", sources[i]);
      return FALSE;
    }
  }
  Store *store = store_open (target, STORE_OPEN_CREATE, error);
  gboolean ok = store && merge_into (store, sources, result_out, error);
  store_close (store);
  if (is_new && (!ok || result_out->conflicts->len > 0))
    delete_database (target);
  return ok;
}

void
merge_result_clear (MergeResult *result)
{
  g_clear_pointer (&result->conflicts, g_ptr_array_unref);
}
