/* SPDX-License-Identifier: Apache-2.0 */
/* diff-load.c - reads the runs of one side into sets whose runs differ in their seed alone. */
#include "reports/diff-private.h"
#include "reports/store-private.h"

#include <math.h>
#include <string.h>

#define WHAT "cannot read"

static void
series_free (gpointer data)
{
  DiffSeries *series = data;
  g_free (series->values);
  g_free (series);
}

static void
set_free (gpointer data)
{
  DiffSet *set = data;
  g_free (set->key);
  g_array_unref (set->runs);
  g_ptr_array_unref (set->series);
  g_hash_table_unref (set->by_key);
  g_string_chunk_free (set->strings);
  g_free (set);
}

gboolean
diff_set_is_deterministic (const DiffSet *set)
{
  return strcmp (set->testbed, "sim") == 0;
}

/* ---- runs ---- */

static const char *
keep (DiffSet *set, sqlite3_stmt *stmt, int column)
{
  const char *text = (const char *)sqlite3_column_text (stmt, column);
  if (!text)
    return NULL;
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  return g_string_chunk_insert_const (set->strings, valid);
}

static const char *
column (sqlite3_stmt *stmt, int index)
{
  const char *text = (const char *)sqlite3_column_text (stmt, index);
  return text ? text : "";
}

static DiffSet *
set_new (Store *store, sqlite3_stmt *stmt, char *key)
{
  DiffSet *set = g_new0 (DiffSet, 1);
  set->store = store;
  set->strings = g_string_chunk_new (512);
  set->scenario = keep (set, stmt, 2);
  set->variant = keep (set, stmt, 3);
  set->policy = keep (set, stmt, 4);
  set->testbed = keep (set, stmt, 5);
  set->hash = keep (set, stmt, 6);
  set->key = key;
  set->runs = g_array_new (FALSE, TRUE, sizeof (DiffRun));
  set->series = g_ptr_array_new_with_free_func (series_free);
  set->by_key = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return set;
}

/* Rows come by seed, the latest run of each first. */
static void
add_run (DiffSet *set, sqlite3_stmt *stmt)
{
  DiffRun run = { .id = sqlite3_column_int64 (stmt, 0),
                  .seed = sqlite3_column_int64 (stmt, 1),
                  .finished = sqlite3_column_int (stmt, 7) != 0,
                  .exit_class = sqlite3_column_int (stmt, 8),
                  .outcome = keep (set, stmt, 9),
                  .digest = keep (set, stmt, 10) };
  set->last_id = MAX (set->last_id, run.id);
  if (diff_set_is_deterministic (set) && set->runs->len > 0 &&
      diff_set_get_run (set, set->runs->len - 1)->seed == run.seed)
    set->n_older++;
  else
    g_array_append_val (set->runs, run);
}

static gboolean
load_runs (Store *store, GPtrArray *sets, const char *campaign, const char *policy,
           gboolean across_policies, GError **error)
{
  static const char sql[] =
      "SELECT run.id, seed, scenario_name, variant, policy, testbed, scenario_hash,"
      " state = 'finished', coalesce (exit_class, 70), outcome, digest"
      " FROM run JOIN campaign ON campaign.id = campaign_id"
      " WHERE (?1 IS NULL OR campaign.name = ?1) AND (?2 IS NULL OR policy = ?2)"
      " ORDER BY seed, run.id DESC";
  g_autoptr (GHashTable) by_name = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (sqlite3_stmt) stmt = store_prepare (store, sql, WHAT, error);
  int more;
  if (!stmt)
    return FALSE;
  store_bind (stmt, "tt", campaign, policy);
  while ((more = store_step_row (store, stmt, WHAT, error)) > 0) {
    g_autofree char *key = g_strjoin ("\n", column (stmt, 2), column (stmt, 3), column (stmt, 5),
                                      across_policies ? "" : column (stmt, 4), NULL);
    g_autofree char *name = g_strjoin ("\n", key, column (stmt, 6), NULL);
    DiffSet *set = g_hash_table_lookup (by_name, name);
    if (!set) {
      set = set_new (store, stmt, g_steal_pointer (&key));
      g_ptr_array_add (sets, set);
      g_hash_table_insert (by_name, g_steal_pointer (&name), set);
    }
    add_run (set, stmt);
  }
  return more == 0;
}

/* ---- metrics ---- */

typedef struct {
  DiffSet *set;
  guint index;
} RunPlace;

static GHashTable *
index_runs (GPtrArray *sets)
{
  GHashTable *places = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  for (guint i = 0; i < sets->len; i++) {
    DiffSet *set = g_ptr_array_index (sets, i);
    for (guint r = 0; r < set->runs->len; r++) {
      RunPlace place = { set, r };
      g_hash_table_insert (places, &diff_set_get_run (set, r)->id,
                           g_memdup2 (&place, sizeof place));
    }
  }
  return places;
}

static StoreSubject
parse_subject_kind (const char *name)
{
  for (StoreSubject s = STORE_SUBJECT_CONNECTION; s <= STORE_SUBJECT_LINK; s++)
    if (strcmp (name, store_subject_to_string (s)) == 0)
      return s;
  return STORE_SUBJECT_RUN;
}

static DiffSeries *
find_series (DiffSet *set, sqlite3_stmt *stmt)
{
  char key[512];
  int size = g_snprintf (key, sizeof key, "%s\n%s\n%s\n%s", column (stmt, 1), column (stmt, 2),
                         column (stmt, 3), column (stmt, 5));
  if (size >= (int)sizeof key)
    return NULL; /* no metric of ours has such a name */
  DiffSeries *series = g_hash_table_lookup (set->by_key, key);
  if (series)
    return series;
  series = g_new0 (DiffSeries, 1);
  series->subject_kind = parse_subject_kind (column (stmt, 1));
  series->subject = keep (set, stmt, 2);
  series->name = keep (set, stmt, 3);
  series->unit = keep (set, stmt, 5);
  series->values = g_new (double, set->runs->len);
  for (guint i = 0; i < set->runs->len; i++)
    series->values[i] = NAN;
  g_ptr_array_add (set->series, series);
  g_hash_table_insert (set->by_key, g_strdup (key), series);
  return series;
}

/* What was measured in a run that is not valid is not compared. */
static gboolean
load_metrics (Store *store, GPtrArray *sets, GError **error)
{
  static const char sql[] = "SELECT run_id, subject_kind, subject, name, value, unit FROM metric"
                            " JOIN run ON run.id = run_id"
                            " WHERE state = 'finished' AND exit_class NOT IN (70, 77)"
                            " ORDER BY run_id, seq";
  g_autoptr (GHashTable) places = index_runs (sets);
  g_autoptr (sqlite3_stmt) stmt = store_prepare (store, sql, WHAT, error);
  int more;
  if (!stmt)
    return FALSE;
  while ((more = store_step_row (store, stmt, WHAT, error)) > 0) {
    gint64 id = sqlite3_column_int64 (stmt, 0);
    RunPlace *place = g_hash_table_lookup (places, &id);
    if (!place || sqlite3_column_type (stmt, 4) == SQLITE_NULL)
      continue;
    DiffSeries *series = find_series (place->set, stmt);
    double value = sqlite3_column_double (stmt, 4);
    if (series && isfinite (value))
      series->values[place->index] = value;
  }
  return more == 0;
}

GPtrArray *
diff_load (Store *store, const char *campaign, const char *policy, gboolean across_policies,
           GError **error)
{
  g_autoptr (GPtrArray) sets = g_ptr_array_new_with_free_func (set_free);
  store_lock (store);
  /* One transaction: all as it was at one moment. */
  gboolean ok = store_exec (store, "BEGIN", WHAT, error);
  if (ok) {
    ok = load_runs (store, sets, campaign, policy, across_policies, error) &&
         load_metrics (store, sets, error);
    ok = store_end (store, ok, WHAT, error);
  }
  store_unlock (store);
  return ok ? g_steal_pointer (&sets) : NULL;
}

/* ---- small questions ---- */

/* The one text that @sql gives for this run; "" without a row. */
static char *
ask (Store *store, const char *sql, gint64 run_id, GError **error)
{
  GString *out = g_string_new (NULL);
  store_lock (store);
  g_autoptr (sqlite3_stmt) stmt = store_prepare (store, sql, WHAT, error);
  int more = stmt ? 1 : -1;
  if (stmt) {
    store_bind (stmt, "l", run_id);
    more = store_step_row (store, stmt, WHAT, error);
    if (more == 1)
      g_string_append (out, column (stmt, 0));
  }
  store_unlock (store);
  if (more < 0) {
    g_string_free (out, TRUE);
    return NULL;
  }
  g_autofree char *text = g_string_free (out, FALSE);
  return g_utf8_make_valid (text, -1);
}

char *
diff_set_load_text (const DiffSet *set, GError **error)
{
  return ask (set->store, "SELECT text FROM run JOIN scenario USING (text_hash) WHERE run.id = ?1",
              set->last_id, error);
}

char *
diff_describe_failure (const DiffSet *set, const DiffRun *run, GError **error)
{
  return ask (set->store,
              "SELECT name || ' ' || bound || ', got ' || coalesce (actual, 'nothing')"
              " || CASE WHEN count (*) OVER () > 1 THEN ' (and ' || (count (*) OVER () - 1)"
              " || ' more)' ELSE '' END"
              " FROM expectation WHERE run_id = ?1 AND NOT held ORDER BY seq",
              run->id, error);
}

char **
diff_list_failures (const DiffSet *set, const DiffRun *run, GError **error)
{
  g_autofree char *names = ask (set->store,
                                "SELECT group_concat (name, char (10)) FROM expectation"
                                " WHERE run_id = ?1 AND NOT held",
                                run->id, error);
  return names ? g_strsplit (names, "\n", -1) : NULL;
}
