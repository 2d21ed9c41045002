/* SPDX-License-Identifier: Apache-2.0 */
/* merge-run.c - which runs come into the target, and all that belongs to them.
 *
 * Which tables those are, and which columns they have, is asked of the schema: so a later version
 * of it is merged without a word here. */
#include "reports/merge-private.h"

/* As many conflicts are told of. */
#define CONFLICTS_MAX 20

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
      store_prepare (store, "SELECT name FROM pragma_table_info (?1)", MERGE_WHAT, error);
  int more = stmt ? 1 : -1;
  if (stmt)
    store_bind (stmt, "t", name);
  while (more == 1 && (more = store_step_row (store, stmt, MERGE_WHAT, error)) == 1) {
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
                     MERGE_WHAT, error);
  int more = stmt ? 1 : -1;
  while (more == 1 && (more = store_step_row (merge->target, stmt, MERGE_WHAT, error)) == 1) {
    if (!add_table (merge, (const char *)sqlite3_column_text (stmt, 0), error))
      return FALSE;
  }
  return more == 0;
}

gboolean
merge_look_at_schema (Merge *merge, GError **error)
{
  merge->tables = g_ptr_array_new_with_free_func (run_table_free);
  g_autoptr (GPtrArray) columns = list_columns (merge->target, "run", "id", error);
  if (!columns)
    return FALSE;
  merge->run = make_table ("run", columns, "id");
  merge->campaign_column = find_column (columns, "campaign_id");
  merge->set_columns[STORE_SET_PARAMETERS] = find_column (columns, "parameter_set");
  merge->set_columns[STORE_SET_METRICS] = find_column (columns, "metric_set");
  return find_tables (merge, error);
}

/* --- Runs ----------------------------------------------------------------------------------- */

/* The columns of a run that decide whether it comes in. */
#define KEY_COLUMNS                                                                                \
  "origin, scenario_hash, seed, scenario_name, variant, testbed, build_id, digest, id, policy,"    \
  " campaign_id, text_hash, state, exit_class"
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
                       store_get_path (merge->source), merge_integer (run, KEY_ID),
                       get_text (run, KEY_NAME), *variant ? " [" : "", variant, *variant ? "]" : "",
                       merge_integer (run, KEY_SEED), get_text (run, KEY_POLICY),
                       get_text (run, KEY_DIGEST), store_get_path (merge->target),
                       get_text (other, 0), merge_integer (other, 1)));
}

/* Whether the target has @run by its origin; when that has another digest, it is a conflict. */
static gboolean
is_there (Merge *merge, sqlite3_stmt *run, gboolean *there_out, GError **error)
{
  sqlite3_stmt *other = store_prepare_once (
      merge->target, "SELECT digest, id FROM run WHERE origin = ?1", MERGE_WHAT, error);
  if (!other)
    return FALSE;
  store_bind (other, "t", get_text (run, KEY_ORIGIN));
  int more = store_step_row (merge->target, other, MERGE_WHAT, error);
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
      MERGE_WHAT, error);
  if (!other)
    return FALSE;
  for (int i = KEY_HASH; i <= KEY_BUILD; i++)
    sqlite3_bind_value (other, i + 1, sqlite3_column_value (run, i));
  store_bind (other, "t", get_text (run, KEY_DIGEST));
  int more = store_step_row (merge->target, other, MERGE_WHAT, error);
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
    sqlite3_stmt *select = store_prepare_once (merge->source, table->select, MERGE_WHAT, error);
    sqlite3_stmt *insert = store_prepare_once (merge->target, table->insert, MERGE_WHAT, error);
    if (!select || !insert)
      return FALSE;
    store_bind (select, "l", from);
    if (!merge_copy_rows (merge, select, insert, table->run_column, to, error))
      return FALSE;
  }
  return TRUE;
}

/* Puts what the target has for the sets of the source's @row in their place. */
static gboolean
map_sets (Merge *merge, sqlite3_stmt *row, sqlite3_stmt *insert, GError **error)
{
  for (int i = 0; i < STORE_N_SETS; i++) {
    int column = merge->set_columns[i];
    gint64 set_id;
    if (sqlite3_column_type (row, column) == SQLITE_NULL)
      continue;
    if (!merge_map_set (merge, (StoreSet)i, merge_integer (row, column), &set_id, error))
      return FALSE;
    sqlite3_bind_int64 (insert, column + 1, set_id);
  }
  return TRUE;
}

/* Copies the row of @run with what it refers to. */
static gboolean
copy_run (Merge *merge, sqlite3_stmt *run, GError **error)
{
  gint64 from = merge_integer (run, KEY_ID), campaign_id;
  sqlite3_stmt *row = store_prepare_once (merge->source, merge->run.select, MERGE_WHAT, error);
  sqlite3_stmt *insert = store_prepare_once (merge->target, merge->run.insert, MERGE_WHAT, error);
  if (!row || !insert || !merge_copy_scenario (merge, get_text (run, KEY_TEXT), error) ||
      !merge_map_campaign (merge, merge_integer (run, KEY_CAMPAIGN), &campaign_id, error))
    return FALSE;
  store_bind (row, "l", from);
  int more = store_step_row (merge->source, row, MERGE_WHAT, error);
  if (more == 1) {
    merge_bind_row (insert, row);
    sqlite3_bind_int64 (insert, merge->campaign_column + 1, campaign_id);
  }
  gboolean ok = more == 1 && map_sets (merge, row, insert, error) &&
                store_step_done (merge->target, insert, MERGE_WHAT, error);
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

gboolean
merge_runs (Merge *merge, GError **error)
{
  sqlite3_stmt *runs = store_prepare_once (
      merge->source, "SELECT " KEY_COLUMNS " FROM run WHERE state = 'finished' ORDER BY id",
      MERGE_WHAT, error);
  sqlite3_stmt *unfinished = store_prepare_once (
      merge->source, "SELECT count (*) FROM run WHERE state <> 'finished'", MERGE_WHAT, error);
  gint64 n_unfinished = 0;
  int more = 0;
  if (!runs || !unfinished || store_step_row (merge->source, unfinished, MERGE_WHAT, error) != 1)
    return FALSE;
  n_unfinished = merge_integer (unfinished, 0);
  sqlite3_reset (unfinished);
  merge->result->n_unfinished += n_unfinished;
  while ((more = store_step_row (merge->source, runs, MERGE_WHAT, error)) == 1) {
    if (!merge_run (merge, runs, error))
      break;
  }
  sqlite3_reset (runs);
  return more == 0;
}

void
merge_forget_schema (Merge *merge)
{
  g_ptr_array_unref (merge->tables);
  run_table_clear (&merge->run);
}
