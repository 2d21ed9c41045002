/* SPDX-License-Identifier: Apache-2.0 */
/* report-select.c - see report-select.h. */
#include "reports/report-select.h"

#include <math.h>

typedef struct {
  double value; /* smaller is worse */
  guint index;
} Ranked;

static int
compare_ranked (gconstpointer a, gconstpointer b)
{
  const Ranked *left = a, *right = b;
  if (left->value != right->value)
    return left->value < right->value ? -1 : 1;
  return left->index < right->index ? -1 : left->index > right->index;
}

static gboolean
varies (const ReportColumn *column, gsize n_values)
{
  double first = NAN;
  for (gsize i = 0; i < n_values; i++) {
    if (isnan (column->values[i]))
      continue;
    if (isnan (first))
      first = column->values[i];
    else if (column->values[i] != first)
      return TRUE;
  }
  return FALSE;
}

/* The metric by which runs of @group are compared; NULL where there is none. */
static const ReportColumn *
pick_column (const ReportModel *model, const ReportGroup *group)
{
  for (guint i = 0; i < group->columns->len; i++) {
    const ReportColumn *column = g_ptr_array_index (group->columns, i);
    if (column->subject_kind == STORE_SUBJECT_FLOW && report_model_get_better (model, column) &&
        varies (column, group->runs->len))
      return column;
  }
  return NULL;
}

static void
add_once (GArray *selected, GHashTable *seen, guint index)
{
  if (g_hash_table_add (seen, GUINT_TO_POINTER (index + 1)))
    g_array_append_val (selected, index);
}

/* The middle and the worst of the runs of @group that have @policy. */
static void
add_representatives (const ReportModel *model, const ReportGroup *group, const char *policy,
                     GArray *selected, GHashTable *seen)
{
  const ReportColumn *column = pick_column (model, group);
  int sign = column ? report_model_get_better (model, column) : 1;
  g_autoptr (GArray) ranked = g_array_new (FALSE, FALSE, sizeof (Ranked));
  for (guint i = 0; i < group->runs->len; i++) {
    Ranked one = { 0, g_array_index (group->runs, guint, i) };
    const StoreRun *run = report_model_get_run (model, one.index);
    if (!g_str_equal (run->policy, policy) || !run->finished)
      continue;
    if (column)
      one.value = isnan (column->values[i]) ? -INFINITY : sign * column->values[i];
    g_array_append_val (ranked, one);
  }
  if (ranked->len == 0)
    return;
  g_array_sort (ranked, compare_ranked);
  add_once (selected, seen, g_array_index (ranked, Ranked, ranked->len / 2).index);
  add_once (selected, seen, g_array_index (ranked, Ranked, 0).index);
}

GArray *
report_select (const ReportModel *model, guint *n_failed_out)
{
  GArray *selected = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < model->entries->len; i++)
    if (report_run_is_failed (report_model_get_run (model, i)))
      add_once (selected, seen, i);
  *n_failed_out = selected->len;
  for (guint i = 0; i < model->groups->len; i++) {
    const ReportGroup *group = g_ptr_array_index (model->groups, i);
    g_autoptr (GHashTable) policies = g_hash_table_new (g_str_hash, g_str_equal);
    for (guint j = 0; j < group->runs->len; j++) {
      const char *policy =
          report_model_get_run (model, g_array_index (group->runs, guint, j))->policy;
      if (g_hash_table_add (policies, (gpointer)policy))
        add_representatives (model, group, policy, selected, seen);
    }
  }
  return selected;
}
