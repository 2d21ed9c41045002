/* SPDX-License-Identifier: Apache-2.0 */
/* merge.c - see merge.h.
 *
 * Rows are read from one connection and written to another, all in one transaction of the target.
 * Which tables belong to a run, and which columns they have, is asked of the schema: so a later
 * version of it is merged without a word here. A source of an earlier version is brought up to date
 * in a copy. */
#include "reports/merge.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "reports/store-migrate.h"
#include "reports/store-private.h"

#define WHAT "cannot merge"

/* As many conflicts are told of. */
#define CONFLICTS_MAX 20

/* How the rows of a table are read, by run, and written. */
typedef struct {
  char *select;
  char *insert;
  int run_column; /* which column says the run; -1: none */
} RunTable;

typedef struct {
  Store *target;
  Store *source;
  GPtrArray *tables;               /* of RunTable: those that belong to a run */
  RunTable run;                    /* and its own */
  int campaign_column, set_column; /* in the run's row */
  GHashTable *campaigns;           /* of the source to those of the target: both gint64, owned */
  GHashTable *sets;                /* likewise, of tunables */
  MergeResult *result;
} Merge;

static gint64
integer (sqlite3_stmt *row, int column)
{
  return sqlite3_column_int64 (row, column);
}

/* --- Small questions ------------------------------------------------------------------------ */

/* The first column of the first row; *@found_out FALSE without one. @stmt is bound. */
static gboolean
ask (Store *store, sqlite3_stmt *stmt, gint64 *value_out, gboolean *found_out, GError **error)
{
  int more = store_step_row (store, stmt, WHAT, error);
  *found_out = more == 1;
  if (more == 1)
    *value_out = integer (stmt, 0);
  sqlite3_reset (stmt);
  return more >= 0;
}

static void
remember (GHashTable *map, gint64 from, gint64 to)
{
  g_hash_table_insert (map, g_memdup2 (&from, sizeof from), g_memdup2 (&to, sizeof to));
}

/* Binds the @n columns of the row of @from to the parameters of @to, from ?1 on. */
static void
bind_row (sqlite3_stmt *to, sqlite3_stmt *from)
{
  int n = sqlite3_column_count (from);
  for (int i = 0; i < n; i++) {
    int rc = sqlite3_bind_value (to, i + 1, sqlite3_column_value (from, i));
    g_assert (rc == SQLITE_OK);
  }
}

/* --- What the schema has -------------------------------------------------------------------- */

static void
run_table_clear (RunTable *table)
{
  g_free (table->select);
  g_free (table->insert);
}

static void
run_table_free (gpointer data)
{
  run_table_clear (data);
  g_free (data);
}

/* The columns of table @name of the target but @left_out (nullable). (transfer full) of char * */
static GPtrArray *
list_columns (Store *store, const char *name, const char *left_out, GError **error)
{
  g_autoptr (GPtrArray) columns = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (sqlite3_stmt) stmt =
      store_prepare (store, "SELECT name FROM pragma_table_info (?1)", WHAT, error);
  int more = stmt ? 1 : -1;
  if (stmt)
    store_bind (stmt, "t", name);
  while (more == 1 && (more = store_step_row (store, stmt, WHAT, error)) == 1) {
    const char *column = (const char *)sqlite3_column_text (stmt, 0);
    if (g_strcmp0 (column, left_out) != 0)
      g_ptr_array_add (columns, g_strdup (column));
  }
  return more == 0 ? g_steal_pointer (&columns) : NULL;
}

static int
find_column (const GPtrArray *columns, const char *name)
{
  for (guint i = 0; i < columns->len; i++) {
    if (g_str_equal (g_ptr_array_index (columns, i), name))
      return (int)i;
  }
  return -1;
}

/* SQL that reads all @columns of the rows of table @name whose @key is ?1, and writes them. */
static RunTable
make_table (const char *name, const GPtrArray *columns, const char *key)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autoptr (GString) parameters = g_string_new (NULL);
  for (guint i = 0; i < columns->len; i++) {
    g_string_append_printf (names, "%s\"%s\"", i > 0 ? ", " : "",
                            (char *)g_ptr_array_index (columns, i));
    g_string_append_printf (parameters, "%s?%u", i > 0 ? ", " : "", i + 1);
  }
  return (RunTable) {
    .select = g_strdup_printf ("SELECT %s FROM \"%s\" WHERE \"%s\" = ?1", names->str, name, key),
    .insert =
        g_strdup_printf ("INSERT INTO \"%s\" (%s) VALUES (%s)", name, names->str, parameters->str),
    .run_column = find_column (columns, "run_id"),
  };
}

static gboolean
add_table (Merge *merge, const char *name, GError **error)
{
  g_autoptr (GPtrArray) columns = list_columns (merge->target, name, NULL, error);
  if (!columns)
    return FALSE;
  RunTable table = make_table (name, columns, "run_id");
  g_ptr_array_add (merge->tables, g_memdup2 (&table, sizeof table));
  return TRUE;
}

/* Every table with a column that refers to a run. */
static gboolean
find_tables (Merge *merge, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt =
      store_prepare (merge->target,
                     "SELECT m.name FROM sqlite_schema AS m, pragma_foreign_key_list (m.name) AS f"
                     " WHERE m.type = 'table' AND f.\"table\" = 'run' AND f.\"from\" = 'run_id'"
                     " ORDER BY m.name",
                     WHAT, error);
  int more = stmt ? 1 : -1;
  while (more == 1 && (more = store_step_row (merge->target, stmt, WHAT, error)) == 1) {
    if (!add_table (merge, (const char *)sqlite3_column_text (stmt, 0), error))
      return FALSE;
  }
  return more == 0;
}

static gboolean
look_at_schema (Merge *merge, GError **error)
{
  g_autoptr (GPtrArray) columns = list_columns (merge->target, "run", "id", error);
  if (!columns)
    return FALSE;
  merge->run = make_table ("run", columns, "id");
  merge->campaign_column = find_column (columns, "campaign_id");
  merge->set_column = find_column (columns, "parameter_set");
  return find_tables (merge, error);
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
      WHAT, error);
  if (!stmt)
    return FALSE;
  bind_row (stmt, row);
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
                                  WHAT, error)
            : store_prepare_once (merge->target,
                                  "INSERT INTO campaign (name, command, host, started_us, ended_us,"
                                  " plan) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                                  WHAT, error);
  if (!stmt)
    return FALSE;
  sqlite3_clear_bindings (stmt);
  if (found) {
    store_bind_from (stmt, 4, "ll", integer (row, 3), integer (row, 4));
    if (sqlite3_column_type (row, 4) == SQLITE_NULL)
      sqlite3_bind_null (stmt, 5);
    store_bind_from (stmt, 7, "l", *id_out);
  } else
    bind_row (stmt, row);
  if (!store_step_done (merge->target, stmt, WHAT, error))
    return FALSE;
  if (!found)
    *id_out = sqlite3_last_insert_rowid (store_get_db (merge->target));
  return TRUE;
}

static gboolean
map_campaign (Merge *merge, gint64 from, gint64 *to_out, GError **error)
{
  const gint64 *known = g_hash_table_lookup (merge->campaigns, &from);
  if (known) {
    *to_out = *known;
    return TRUE;
  }
  sqlite3_stmt *row = store_prepare_once (
      merge->source,
      "SELECT name, command, host, started_us, ended_us, plan FROM campaign WHERE id = ?1", WHAT,
      error);
  if (!row)
    return FALSE;
  store_bind (row, "l", from);
  int more = store_step_row (merge->source, row, WHAT, error);
  gboolean ok = more == 1 && take_campaign (merge, row, to_out, error);
  sqlite3_reset (row);
  if (ok)
    remember (merge->campaigns, from, *to_out);
  return ok;
}

static gboolean
copy_scenario (Merge *merge, const char *text_hash, GError **error)
{
  sqlite3_stmt *row = store_prepare_once (
      merge->source, "SELECT text_hash, text FROM scenario WHERE text_hash = ?1", WHAT, error);
  sqlite3_stmt *stmt = store_prepare_once (
      merge->target, "INSERT OR IGNORE INTO scenario (text_hash, text) VALUES (?1, ?2)", WHAT,
      error);
  if (!row || !stmt)
    return FALSE;
  store_bind (row, "t", text_hash);
  int more = store_step_row (merge->source, row, WHAT, error);
  if (more == 1)
    bind_row (stmt, row);
  gboolean ok = more == 1 && store_step_done (merge->target, stmt, WHAT, error);
  sqlite3_reset (row);
  return ok;
}

/* Copies all rows that @select (bound) of the source finds with @insert; column @column (-1: none)
 * becomes @value. */
static gboolean
copy_rows (Merge *merge, sqlite3_stmt *select, sqlite3_stmt *insert, int column, gint64 value,
           GError **error)
{
  int more;
  gboolean ok = TRUE;
  while (ok && (more = store_step_row (merge->source, select, WHAT, error)) != 0) {
    if (more < 0)
      break;
    bind_row (insert, select);
    if (column >= 0)
      sqlite3_bind_int64 (insert, column + 1, value);
    ok = store_step_done (merge->target, insert, WHAT, error);
  }
  ok = ok && more == 0;
  sqlite3_reset (select);
  return ok;
}

/* Makes set @from of the source a set of the target, with its @hash (nullable). */
static gboolean
copy_set (Merge *merge, gint64 from, const char *hash, gint64 *to_out, GError **error)
{
  sqlite3_stmt *stmt = store_prepare_once (
      merge->target, "INSERT INTO parameter_set (hash) VALUES (?1)", WHAT, error);
  sqlite3_stmt *select = store_prepare_once (
      merge->source,
      "SELECT set_id, side, name, value, unit FROM parameter_value WHERE set_id = ?1", WHAT, error);
  sqlite3_stmt *insert = store_prepare_once (
      merge->target,
      "INSERT INTO parameter_value (set_id, side, name, value, unit) VALUES (?1, ?2, ?3, ?4, ?5)",
      WHAT, error);
  if (!stmt || !select || !insert)
    return FALSE;
  store_bind (stmt, "t", hash);
  if (!store_step_done (merge->target, stmt, WHAT, error))
    return FALSE;
  *to_out = sqlite3_last_insert_rowid (store_get_db (merge->target));
  store_bind (select, "l", from);
  return copy_rows (merge, select, insert, 0, *to_out, error);
}

static gboolean
find_set (Merge *merge, const char *hash, gint64 *id_out, gboolean *found_out, GError **error)
{
  sqlite3_stmt *stmt = store_prepare_once (
      merge->target, "SELECT id FROM parameter_set WHERE hash = ?1", WHAT, error);
  if (!stmt)
    return FALSE;
  store_bind (stmt, "t", hash);
  return ask (merge->target, stmt, id_out, found_out, error);
}

static gboolean
map_set (Merge *merge, gint64 from, gint64 *to_out, GError **error)
{
  const gint64 *known = g_hash_table_lookup (merge->sets, &from);
  if (known) {
    *to_out = *known;
    return TRUE;
  }
  sqlite3_stmt *row = store_prepare_once (
      merge->source, "SELECT hash FROM parameter_set WHERE id = ?1", WHAT, error);
  if (!row)
    return FALSE;
  store_bind (row, "l", from);
  int more = store_step_row (merge->source, row, WHAT, error);
  g_autofree char *hash = more == 1 ? g_strdup ((const char *)sqlite3_column_text (row, 0)) : NULL;
  sqlite3_reset (row);
  gboolean found = FALSE;
  if (more < 0 || (hash && !find_set (merge, hash, to_out, &found, error)) ||
      (!found && !copy_set (merge, from, hash, to_out, error)))
    return FALSE;
  remember (merge->sets, from, *to_out);
  return TRUE;
}

/* --- Runs ----------------------------------------------------------------------------------- */

/* The columns of a run that decide whether it comes in. */
#define KEY_COLUMNS                                                                                \
  "origin, scenario_hash, seed, scenario_name, variant, testbed, build_id, digest, id, policy,"    \
  " campaign_id, parameter_set, text_hash, state, exit_class"
enum {
  KEY_ORIGIN,
  KEY_HASH,
  KEY_SEED,
  KEY_NAME,
  KEY_VARIANT,
  KEY_TESTBED,
  KEY_BUILD,
  KEY_DIGEST,
  KEY_ID,
  KEY_POLICY,
  KEY_CAMPAIGN,
  KEY_SET,
  KEY_TEXT,
};

static const char *
get_text (sqlite3_stmt *row, int column)
{
  const char *text = (const char *)sqlite3_column_text (row, column);
  return text ? text : "";
}

static void
add_conflict (Merge *merge, sqlite3_stmt *run, sqlite3_stmt *other)
{
  const char *variant = get_text (run, KEY_VARIANT);
  if (merge->result->conflicts->len >= CONFLICTS_MAX)
    return;
  g_ptr_array_add (
      merge->result->conflicts,
      g_strdup_printf ("%s: run %" G_GINT64_FORMAT " (%s%s%s%s, seed %" G_GINT64_FORMAT
                       ", %s) has digest %.16s..., but %s already has it with %.16s... (run"
                       " %" G_GINT64_FORMAT "): the same binary must simulate the same",
                       store_get_path (merge->source), integer (run, KEY_ID),
                       get_text (run, KEY_NAME), *variant ? " [" : "", variant, *variant ? "]" : "",
                       integer (run, KEY_SEED), get_text (run, KEY_POLICY),
                       get_text (run, KEY_DIGEST), store_get_path (merge->target),
                       get_text (other, 0), integer (other, 1)));
}

/* Whether the target has @run by its origin; when that has another digest, it is a conflict. */
static gboolean
is_there (Merge *merge, sqlite3_stmt *run, gboolean *there_out, GError **error)
{
  sqlite3_stmt *other = store_prepare_once (
      merge->target, "SELECT digest, id FROM run WHERE origin = ?1", WHAT, error);
  if (!other)
    return FALSE;
  store_bind (other, "t", get_text (run, KEY_ORIGIN));
  int more = store_step_row (merge->target, other, WHAT, error);
  if (more == 1 && !g_str_equal (get_text (other, 0), get_text (run, KEY_DIGEST)))
    add_conflict (merge, run, other);
  *there_out = more == 1;
  sqlite3_reset (other);
  return more >= 0;
}

/* Whether the target has a simulated run of the same key; when that differs, it is a conflict. */
static gboolean
compare_run (Merge *merge, sqlite3_stmt *run, gboolean *there_out, GError **error)
{
  *there_out = FALSE;
  if (!g_str_equal (get_text (run, KEY_TESTBED), "sim") || !*get_text (run, KEY_BUILD) ||
      !*get_text (run, KEY_DIGEST))
    return TRUE;
  sqlite3_stmt *other = store_prepare_once (
      merge->target,
      "SELECT digest, id FROM run WHERE scenario_hash = ?2 AND seed = ?3 AND scenario_name = ?4"
      " AND variant IS ?5 AND testbed = ?6 AND build_id = ?7 AND state = 'finished'"
      " AND digest IS NOT NULL AND exit_class <> 70 ORDER BY digest <> ?1 LIMIT 1",
      WHAT, error);
  if (!other)
    return FALSE;
  for (int i = KEY_HASH; i <= KEY_BUILD; i++)
    sqlite3_bind_value (other, i + 1, sqlite3_column_value (run, i));
  store_bind (other, "t", get_text (run, KEY_DIGEST));
  int more = store_step_row (merge->target, other, WHAT, error);
  if (more == 1 && !g_str_equal (get_text (other, 0), get_text (run, KEY_DIGEST)))
    add_conflict (merge, run, other);
  *there_out = more == 1;
  sqlite3_reset (other);
  return more >= 0;
}

/* Copies what belongs to run @from, as that of run @to. */
static gboolean
copy_tables (Merge *merge, gint64 from, gint64 to, GError **error)
{
  for (guint i = 0; i < merge->tables->len; i++) {
    const RunTable *table = g_ptr_array_index (merge->tables, i);
    sqlite3_stmt *select = store_prepare_once (merge->source, table->select, WHAT, error);
    sqlite3_stmt *insert = store_prepare_once (merge->target, table->insert, WHAT, error);
    if (!select || !insert)
      return FALSE;
    store_bind (select, "l", from);
    if (!copy_rows (merge, select, insert, table->run_column, to, error))
      return FALSE;
  }
  return TRUE;
}

/* Copies the row of @run with what it refers to. */
static gboolean
copy_run (Merge *merge, sqlite3_stmt *run, GError **error)
{
  gint64 from = integer (run, KEY_ID), campaign_id, set_id = 0;
  gboolean has_set = sqlite3_column_type (run, KEY_SET) != SQLITE_NULL;
  sqlite3_stmt *row = store_prepare_once (merge->source, merge->run.select, WHAT, error);
  sqlite3_stmt *insert = store_prepare_once (merge->target, merge->run.insert, WHAT, error);
  if (!row || !insert || !copy_scenario (merge, get_text (run, KEY_TEXT), error) ||
      !map_campaign (merge, integer (run, KEY_CAMPAIGN), &campaign_id, error) ||
      (has_set && !map_set (merge, integer (run, KEY_SET), &set_id, error)))
    return FALSE;
  store_bind (row, "l", from);
  int more = store_step_row (merge->source, row, WHAT, error);
  if (more == 1) {
    bind_row (insert, row);
    sqlite3_bind_int64 (insert, merge->campaign_column + 1, campaign_id);
    if (has_set)
      sqlite3_bind_int64 (insert, merge->set_column + 1, set_id);
  }
  gboolean ok = more == 1 && store_step_done (merge->target, insert, WHAT, error);
  sqlite3_reset (row);
  return ok &&
         copy_tables (merge, from, sqlite3_last_insert_rowid (store_get_db (merge->target)), error);
}

static gboolean
merge_run (Merge *merge, sqlite3_stmt *run, GError **error)
{
  gboolean is_known;
  if (!is_there (merge, run, &is_known, error) ||
      (!is_known && !compare_run (merge, run, &is_known, error)))
    return FALSE;
  if (is_known) {
    merge->result->n_known++;
    return TRUE;
  }
  merge->result->n_added++;
  return copy_run (merge, run, error);
}

static gboolean
merge_runs (Merge *merge, GError **error)
{
  sqlite3_stmt *runs = store_prepare_once (
      merge->source, "SELECT " KEY_COLUMNS " FROM run WHERE state = 'finished' ORDER BY id", WHAT,
      error);
  sqlite3_stmt *unfinished = store_prepare_once (
      merge->source, "SELECT count (*) FROM run WHERE state <> 'finished'", WHAT, error);
  gint64 n_unfinished = 0;
  gboolean found;
  int more = 0;
  if (!runs || !unfinished || !ask (merge->source, unfinished, &n_unfinished, &found, error))
    return FALSE;
  merge->result->n_unfinished += n_unfinished;
  while ((more = store_step_row (merge->source, runs, WHAT, error)) == 1) {
    if (!merge_run (merge, runs, error))
      break;
  }
  sqlite3_reset (runs);
  return more == 0;
}

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
  g_hash_table_remove_all (merge->sets);
  /* One transaction: the source as it was at one moment. */
  gboolean ok = store_exec (source, "BEGIN", WHAT, error) && merge_runs (merge, error);
  return store_end (source, ok, WHAT, error);
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
  if (!look_at_schema (merge, error) || !store_begin (merge->target, WHAT, error))
    return FALSE;
  gboolean ok = TRUE;
  for (gsize i = 0; ok && sources[i]; i++)
    ok = merge_source (merge, sources[i], error);
  gboolean is_good = ok && merge->result->conflicts->len == 0;
  return store_end (merge->target, is_good, WHAT, error) || ok;
}

static gboolean
merge_into (Store *target, char **sources, MergeResult *result, GError **error)
{
  Merge merge = { .target = target,
                  .tables = g_ptr_array_new_with_free_func (run_table_free),
                  .campaigns = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free),
                  .sets = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free),
                  .result = result };
  store_lock (target);
  gboolean ok = merge_all (&merge, sources, error);
  store_unlock (target);
  store_forget_statements (target); /* their texts go */
  g_ptr_array_unref (merge.tables);
  run_table_clear (&merge.run);
  g_hash_table_unref (merge.campaigns);
  g_hash_table_unref (merge.sets);
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
