/* SPDX-License-Identifier: Apache-2.0 */
/* tally.c - see tally.h. */
#include "harness/tally.h"

#include "harness/metrics-registry.h"
#include "harness/run.h"
#include "reports/format.h"
#include "reports/table.h"

#include <math.h>
#include <string.h>

#define INDENT 2

/* The columns, in this order; one without a value in any row is left out. */
static const char *const main_metrics[] = { "goodput",     "efficiency",  "completion-time",
                                            "longest-gap", "latency-p50", "latency-p99" };

typedef struct {
  guint n_runs, n_failed, n_skipped;
} TallyGroup;

/* A flow of a group, or "" for a group whose runs told of none. */
typedef struct {
  TallyGroup *group; /* (borrowed) */
  char *scenario, *variant, *policy, *flow;
  GArray *values[G_N_ELEMENTS (main_metrics)]; /* of double */
} TallyRow;

struct _Tally {
  GHashTable *groups;  /* name to TallyGroup, both owned */
  GHashTable *rows;    /* name (owned) to TallyRow */
  GPtrArray *in_order; /* of TallyRow (owned) */
};

static void
row_free (gpointer data)
{
  TallyRow *row = data;
  for (gsize i = 0; i < G_N_ELEMENTS (main_metrics); i++)
    g_array_unref (row->values[i]);
  g_free (row->scenario);
  g_free (row->variant);
  g_free (row->policy);
  g_free (row->flow);
  g_free (row);
}

Tally *
tally_new (void)
{
  Tally *tally = g_new0 (Tally, 1);
  tally->groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  tally->rows = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  tally->in_order = g_ptr_array_new_with_free_func (row_free);
  return tally;
}

void
tally_free (Tally *tally)
{
  if (!tally)
    return;
  g_hash_table_unref (tally->groups);
  g_hash_table_unref (tally->rows);
  g_ptr_array_unref (tally->in_order);
  g_free (tally);
}

/* ---- counting ---- */

static int
find_metric (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (main_metrics); i++) {
    if (strcmp (main_metrics[i], name) == 0)
      return (int)i;
  }
  return -1;
}

gboolean
tally_wants (const StoreMetric *metric)
{
  return metric->subject_kind == STORE_SUBJECT_FLOW && find_metric (metric->name) >= 0;
}

/* The row of @flow in the group @name; made when it is new. */
static TallyRow *
get_row (Tally *tally, const char *name, TallyGroup *group, const StoreRun *run, const char *flow)
{
  char *key = g_strdup_printf ("%s\n%s", name, flow);
  TallyRow *row = g_hash_table_lookup (tally->rows, key);

  if (row) {
    g_free (key);
    return row;
  }
  row = g_new0 (TallyRow, 1);
  *row = (TallyRow) { .group = group,
                      .scenario = g_strdup (run->scenario_name),
                      .variant = g_strdup (run->variant ? run->variant : ""),
                      .policy = g_strdup (run->policy),
                      .flow = g_strdup (flow) };
  for (gsize i = 0; i < G_N_ELEMENTS (main_metrics); i++)
    row->values[i] = g_array_new (FALSE, FALSE, sizeof (double));
  g_hash_table_insert (tally->rows, key, row);
  g_ptr_array_add (tally->in_order, row);
  return row;
}

void
tally_add (Tally *tally, const StoreRun *run)
{
  g_autofree char *name = g_strdup_printf ("%s\n%s\n%s", run->scenario_name,
                                           run->variant ? run->variant : "", run->policy);
  TallyGroup *group = g_hash_table_lookup (tally->groups, name);
  guint n_flows = 0;

  if (!group) {
    group = g_new0 (TallyGroup, 1);
    g_hash_table_insert (tally->groups, g_strdup (name), group);
  }
  group->n_runs++;
  group->n_skipped += run->exit_class == RUN_EXIT_SKIPPED;
  group->n_failed += run->exit_class != RUN_EXIT_HELD && run->exit_class != RUN_EXIT_SKIPPED;
  for (guint i = 0; i < run->metrics->len; i++) {
    const StoreMetric *metric = &g_array_index (run->metrics, StoreMetric, i);
    if (!tally_wants (metric))
      continue;
    TallyRow *row = get_row (tally, name, group, run, metric->subject);
    n_flows++;
    if (!isnan (metric->value))
      g_array_append_val (row->values[find_metric (metric->name)], metric->value);
  }
  if (n_flows == 0)
    get_row (tally, name, group, run, "");
}

guint
tally_count_rows (const Tally *tally)
{
  return tally->in_order->len;
}

/* ---- the table ---- */

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Median by nearest rank, as the database's views have it, and worst. */
static void
add_cells (Table *table, gsize metric, const GArray *values)
{
  const MetricInfo *info = metrics_registry_find (SCENARIO_SUBJECT_FLOW, main_metrics[metric]);
  const char *unit = metric_unit_to_string (info->unit);
  guint n = values->len;

  if (n == 0) {
    table_add (table, TABLE_DIM, NULL);
    table_add (table, TABLE_DIM, NULL);
    return;
  }
  g_autofree double *sorted = g_memdup2 (values->data, n * sizeof (double));
  qsort (sorted, n, sizeof (double), compare_doubles);
  double worst = info->better == METRIC_HIGHER_IS_BETTER ? sorted[0] : sorted[n - 1];
  table_take (table, format_value (sorted[(n + 1) / 2 - 1], unit));
  table_take (table, format_value (worst, unit));
}

/* The texts of a row's first columns. */
#define N_TEXTS 4
static const char *const text_titles[N_TEXTS] = { "scenario", "point", "policy", "flow" };

static const char *
get_text (const TallyRow *row, gsize column)
{
  const char *const texts[N_TEXTS] = { row->scenario, row->variant, row->policy, row->flow };
  return texts[column];
}

/* Which columns say something. */
typedef struct {
  gboolean text[N_TEXTS], skipped, metric[G_N_ELEMENTS (main_metrics)];
} Columns;

static Columns
find_columns (const Tally *tally)
{
  Columns columns = { 0 };
  const TallyRow *first = g_ptr_array_index (tally->in_order, 0);

  for (guint i = 0; i < tally->in_order->len; i++) {
    const TallyRow *row = g_ptr_array_index (tally->in_order, i);
    for (gsize j = 0; j < N_TEXTS; j++)
      columns.text[j] |= strcmp (get_text (row, j), get_text (first, j)) != 0;
    for (gsize j = 0; j < G_N_ELEMENTS (main_metrics); j++)
      columns.metric[j] |= row->values[j]->len > 0;
    columns.skipped |= row->group->n_skipped > 0;
  }
  /* There must be something to tell a row by. */
  columns.text[2] |= !columns.text[0] && !columns.text[1] && !columns.text[3];
  return columns;
}

static Table *
make_table (const Columns *columns, gboolean colour)
{
  g_autoptr (GPtrArray) titles = g_ptr_array_new_with_free_func (g_free);

  for (gsize i = 0; i < N_TEXTS; i++) {
    if (columns->text[i])
      g_ptr_array_add (titles, g_strdup (text_titles[i]));
  }
  g_ptr_array_add (titles, g_strdup (">runs"));
  g_ptr_array_add (titles, g_strdup (">failed"));
  if (columns->skipped)
    g_ptr_array_add (titles, g_strdup (">skipped"));
  for (gsize i = 0; i < G_N_ELEMENTS (main_metrics); i++) {
    if (!columns->metric[i])
      continue;
    g_ptr_array_add (titles, g_strdup_printf (">%s", main_metrics[i]));
    g_ptr_array_add (titles, g_strdup (">worst"));
  }
  g_ptr_array_add (titles, NULL);
  return table_new ((const char *const *)titles->pdata, colour);
}

static void
add_row (Table *table, const Columns *columns, const TallyRow *row)
{
  for (gsize i = 0; i < N_TEXTS; i++) {
    if (columns->text[i])
      table_add (table, TABLE_PLAIN, get_text (row, i));
  }
  table_take (table, format_count (row->group->n_runs));
  g_autofree char *failed = format_count (row->group->n_failed);
  table_add (table, row->group->n_failed > 0 ? TABLE_BAD : TABLE_PLAIN, failed);
  if (columns->skipped)
    table_take (table, format_count (row->group->n_skipped));
  for (gsize i = 0; i < G_N_ELEMENTS (main_metrics); i++) {
    if (columns->metric[i])
      add_cells (table, i, row->values[i]);
  }
}

char *
tally_format (const Tally *tally, guint rows_max, gboolean colour)
{
  guint n_rows = tally->in_order->len;
  guint n_shown = rows_max == 0 ? n_rows : MIN (rows_max, n_rows);
  GString *out = g_string_new (NULL);

  if (n_rows == 0)
    return g_string_free (out, FALSE);
  const Columns columns = find_columns (tally);
  g_autoptr (Table) table = make_table (&columns, colour);
  for (guint i = 0; i < n_shown; i++)
    add_row (table, &columns, g_ptr_array_index (tally->in_order, i));
  table_render (table, INDENT, out);
  if (n_shown < n_rows)
    g_string_append_printf (out, "  ... and %u more rows (-v shows all)\n", n_rows - n_shown);
  return g_string_free (out, FALSE);
}
