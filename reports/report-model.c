/* SPDX-License-Identifier: Apache-2.0 */
/* report-model.c - see report-model.h. */
#include "reports/report-model.h"

#include "reports/format.h"
#include "reports/query-private.h"

#include <math.h>
#include <string.h>

#define WHAT "cannot read"

/* Where a run is: its index in the model, its group, and its index there. */
typedef struct {
  guint index, in_group;
  ReportGroup *group;
} Place;

typedef struct {
  ReportModel *model;
  GHashTable *places;  /* run id (gint64 *) to Place */
  GHashTable *columns; /* "GROUP KIND SUBJECT NAME UNIT" to ReportColumn */
  GString *key;        /* of the row that is read */
} Loader;

static void
free_column (gpointer data)
{
  ReportColumn *column = data;
  g_free (column->values);
  g_free (column);
}

static void
free_group (gpointer data)
{
  ReportGroup *group = data;
  g_array_unref (group->runs);
  g_ptr_array_unref (group->columns);
  g_free (group);
}

static void
free_entry (gpointer data)
{
  query_list_entry_free (data);
}

void
report_model_free (ReportModel *model)
{
  if (!model)
    return;
  g_clear_pointer (&model->entries, g_ptr_array_unref);
  g_ptr_array_unref (model->groups);
  g_array_unref (model->failures);
  g_string_chunk_free (model->strings);
  g_free (model);
}

const StoreRun *
report_model_get_run (const ReportModel *model, guint index)
{
  return ((const QueryListEntry *)g_ptr_array_index (model->entries, index))->run;
}

/* --- Which runs --- */

static gboolean
is_wanted (gint64 id, const gint64 *ids, gsize n_ids)
{
  for (gsize i = 0; i < n_ids; i++)
    if (ids[i] == id)
      return TRUE;
  return n_ids == 0;
}

static gboolean
has_entry (GPtrArray *entries, gint64 id)
{
  for (guint i = 0; i < entries->len; i++)
    if (((QueryListEntry *)g_ptr_array_index (entries, i))->run->id == id)
      return TRUE;
  return FALSE;
}

/* Takes the entries that are not wanted out. FALSE: one that is wanted is not there. */
static gboolean
pick_entries (Store *store, GPtrArray *entries, const gint64 *ids, gsize n_ids, GError **error)
{
  for (gsize i = 0; i < n_ids; i++)
    if (!has_entry (entries, ids[i])) {
      g_set_error (error, STORE_ERROR, STORE_ERROR_NOT_FOUND,
                   "%s: no run %" G_GINT64_FORMAT " (among those that were asked for)",
                   store_get_path (store), ids[i]);
      return FALSE;
    }
  GPtrArray *kept = g_ptr_array_new_with_free_func (free_entry);
  for (guint i = 0; i < entries->len; i++) {
    QueryListEntry *entry = g_ptr_array_index (entries, i);
    if (!is_wanted (entry->run->id, ids, n_ids))
      continue;
    g_ptr_array_add (kept, entry);
    entries->pdata[i] = NULL;
  }
  g_ptr_array_set_size (entries, 0);
  g_ptr_array_extend_and_steal (entries, kept);
  return TRUE;
}

static ReportGroup *
get_group (ReportModel *model, const char *scenario)
{
  for (guint i = 0; i < model->groups->len; i++) {
    ReportGroup *group = g_ptr_array_index (model->groups, i);
    if (g_str_equal (group->scenario, scenario))
      return group;
  }
  ReportGroup *group = g_new0 (ReportGroup, 1);
  group->scenario = scenario;
  group->runs = g_array_new (FALSE, FALSE, sizeof (guint));
  group->columns = g_ptr_array_new_with_free_func (free_column);
  g_ptr_array_add (model->groups, group);
  return group;
}

static void
place_runs (Loader *loader)
{
  ReportModel *model = loader->model;
  for (guint i = 0; i < model->entries->len; i++) {
    StoreRun *run = ((QueryListEntry *)g_ptr_array_index (model->entries, i))->run;
    Place *place = g_new0 (Place, 1);
    place->index = i;
    place->group = get_group (model, run->scenario_name);
    place->in_group = place->group->runs->len;
    g_array_append_val (place->group->runs, i);
    g_hash_table_insert (loader->places, &run->id, place);
  }
}

/* --- Metrics and failures --- */

static const char *
keep (ReportModel *model, sqlite3_stmt *stmt, int column)
{
  const char *text = (const char *)sqlite3_column_text (stmt, column);
  return text ? g_string_chunk_insert_const (model->strings, text) : NULL;
}

static StoreSubject
subject_kind_of (const char *name)
{
  for (StoreSubject s = STORE_SUBJECT_CONNECTION; s <= STORE_SUBJECT_LINK; s++)
    if (g_strcmp0 (name, store_subject_to_string (s)) == 0)
      return s;
  return STORE_SUBJECT_RUN;
}

static ReportColumn *
get_column (Loader *loader, ReportGroup *group, sqlite3_stmt *stmt)
{
  const char *kind = (const char *)sqlite3_column_text (stmt, 1);
  const char *subject = (const char *)sqlite3_column_text (stmt, 2);
  const char *name = (const char *)sqlite3_column_text (stmt, 3);
  const char *unit = (const char *)sqlite3_column_text (stmt, 5);
  g_string_printf (loader->key, "%p\x1f%s\x1f%s\x1f%s\x1f%s", (void *)group, kind, subject, name,
                   unit);
  ReportColumn *column = g_hash_table_lookup (loader->columns, loader->key->str);
  if (column)
    return column;
  column = g_new0 (ReportColumn, 1);
  column->subject_kind = subject_kind_of (kind);
  column->subject = keep (loader->model, stmt, 2);
  column->name = keep (loader->model, stmt, 3);
  column->unit = keep (loader->model, stmt, 5);
  column->order = sqlite3_column_int (stmt, 6);
  column->values = g_new (double, group->runs->len);
  for (guint i = 0; i < group->runs->len; i++)
    column->values[i] = NAN;
  g_ptr_array_add (group->columns, column);
  g_hash_table_insert (loader->columns, g_strdup (loader->key->str), column);
  return column;
}

static void
read_metric (Loader *loader, const Place *place, sqlite3_stmt *stmt)
{
  ReportColumn *column = get_column (loader, place->group, stmt);
  if (sqlite3_column_type (stmt, 4) == SQLITE_NULL)
    return;
  column->values[place->in_group] = sqlite3_column_double (stmt, 4);
  column->n_values++;
}

static void
read_failure (Loader *loader, const Place *place, sqlite3_stmt *stmt)
{
  ReportModel *model = loader->model;
  ReportFailure failure = { .run = place->index,
                            .name = keep (model, stmt, 1),
                            .bound = keep (model, stmt, 2),
                            .actual = keep (model, stmt, 3),
                            .line = sqlite3_column_int (stmt, 4) };
  g_array_append_val (model->failures, failure);
}

/* Calls @read for each row of @sql, whose first column is a run's id, of the runs in the model. */
static gboolean
read_rows (Store *store, Loader *loader, const char *sql, const QueryFilter *filter,
           void (*read) (Loader *, const Place *, sqlite3_stmt *), GError **error)
{
  int more = -1;
  store_lock (store);
  sqlite3_stmt *stmt = store_prepare (store, sql, WHAT, error);
  if (stmt) {
    query_bind_filter (stmt, filter);
    while ((more = store_step_row (store, stmt, WHAT, error)) > 0) {
      gint64 id = sqlite3_column_int64 (stmt, 0);
      const Place *place = g_hash_table_lookup (loader->places, &id);
      if (place)
        read (loader, place, stmt);
    }
    sqlite3_finalize (stmt);
  }
  store_unlock (store);
  return more == 0;
}

static int
compare_columns (gconstpointer a, gconstpointer b)
{
  const ReportColumn *left = *(ReportColumn *const *)a, *right = *(ReportColumn *const *)b;
  if (left->subject_kind != right->subject_kind) {
    /* Flows first: that is what people run scenarios for. */
    static const int ranks[] = { [STORE_SUBJECT_FLOW] = 0,
                                 [STORE_SUBJECT_RUN] = 1,
                                 [STORE_SUBJECT_CONNECTION] = 2,
                                 [STORE_SUBJECT_LINK] = 3 };
    return ranks[left->subject_kind] - ranks[right->subject_kind];
  }
  if (left->order != right->order)
    return left->order < right->order ? -1 : 1;
  return strcmp (left->subject, right->subject);
}

static int
compare_groups (gconstpointer a, gconstpointer b)
{
  const ReportGroup *left = *(ReportGroup *const *)a, *right = *(ReportGroup *const *)b;
  return strcmp (left->scenario, right->scenario);
}

static void
sort_groups (ReportModel *model)
{
  g_ptr_array_sort (model->groups, compare_groups);
  for (guint i = 0; i < model->groups->len; i++)
    g_ptr_array_sort (((ReportGroup *)g_ptr_array_index (model->groups, i))->columns,
                      compare_columns);
}

ReportModel *
report_model_load (Store *store, const QueryFilter *filter, const gint64 *ids, gsize n_ids,
                   GError **error)
{
  static const char metrics_sql[] =
      "SELECT metric.run_id, subject_kind, subject, metric.name, value, unit, seq FROM run"
      " JOIN campaign ON campaign.id = campaign_id JOIN metric ON metric.run_id = run.id"
      " WHERE " QUERY_FILTER_SQL;
  static const char failures_sql[] =
      "SELECT run.id, expectation.name, bound, actual, line FROM run"
      " JOIN campaign ON campaign.id = campaign_id JOIN expectation ON run_id = run.id"
      " WHERE NOT held AND " QUERY_FILTER_SQL " ORDER BY run.id, seq";
  g_autoptr (ReportModel) model = g_new0 (ReportModel, 1);
  model->db_path = store_get_path (store);
  model->groups = g_ptr_array_new_with_free_func (free_group);
  model->failures = g_array_new (FALSE, FALSE, sizeof (ReportFailure));
  model->strings = g_string_chunk_new (4096);
  model->entries = query_list_runs (store, filter, 0, error);
  if (!model->entries || !pick_entries (store, model->entries, ids, n_ids, error))
    return NULL;
  g_autoptr (GHashTable) places = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  g_autoptr (GHashTable) columns = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GString) key = g_string_new (NULL);
  Loader loader = { model, places, columns, key };
  place_runs (&loader);
  if (!read_rows (store, &loader, metrics_sql, filter, read_metric, error) ||
      !read_rows (store, &loader, failures_sql, filter, read_failure, error))
    return NULL;
  sort_groups (model);
  return g_steal_pointer (&model);
}

/* --- Questions --- */

const ReportColumn *
report_group_find (const ReportGroup *group, StoreSubject subject_kind, const char *name)
{
  for (guint i = 0; i < group->columns->len; i++) {
    const ReportColumn *column = g_ptr_array_index (group->columns, i);
    if (column->subject_kind == subject_kind && g_str_equal (column->name, name))
      return column;
  }
  return NULL;
}

gboolean
report_run_is_failed (const StoreRun *run)
{
  return !run->finished || (run->exit_class != 0 && run->exit_class != 77);
}

const char *
report_run_get_verdict (const StoreRun *run)
{
  return run->finished ? format_exit_class (run->exit_class) : "unfinished";
}

/* Characters that mean nothing to a shell. */
#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-"

char *
report_model_quote_path (const ReportModel *model)
{
  const char *path = model->db_path;
  if (*path == '-')
    return g_strdup_printf ("./%s", path);
  return strspn (path, PLAIN) == strlen (path) ? g_strdup (path) : g_shell_quote (path);
}

gboolean
report_run_can_replay (const StoreRun *run)
{
  return run->finished && run->digest && g_str_equal (run->testbed, "sim");
}

char *
report_run_format_command (const ReportModel *model, const StoreRun *run)
{
  g_autofree char *path = report_model_quote_path (model);
  return g_strdup_printf ("caiman %s %s %" G_GINT64_FORMAT,
                          report_run_can_replay (run) ? "replay" : "show", path, run->id);
}

int
report_model_get_better (const ReportModel *model, const ReportColumn *column)
{
  for (gsize i = 0; i < model->n_definitions; i++)
    if (model->definitions[i].subject_kind == column->subject_kind &&
        g_str_equal (model->definitions[i].name, column->name))
      return model->definitions[i].better;
  return 0;
}
