/* SPDX-License-Identifier: Apache-2.0 */
/* diff-format.c - the pieces that all forms of a diff are made of. */
#include "reports/diff-format.h"

#include "reports/format.h"

#include <math.h>

/* So many stretches of seeds are told. */
#define STRETCHES_MAX 8

char *
diff_format_headline (const Diff *diff)
{
  GString *text = g_string_new (NULL);
  if (diff_is_regression (diff)) {
    g_string_append (text, "REGRESSION:");
    if (diff->n_worse_regressions > 0)
      g_string_append_printf (text, " %u metric%s worse", diff->n_worse_regressions,
                              diff->n_worse_regressions == 1 ? "" : "s");
    if (diff->n_run_regressions > 0)
      g_string_append_printf (text, "%s %u run%s lost", diff->n_worse_regressions > 0 ? "," : "",
                              diff->n_run_regressions, diff->n_run_regressions == 1 ? "" : "s");
  } else if (diff_is_identical (diff)) {
    g_string_append (text, "no difference");
  } else {
    g_string_append (text, "no regression");
  }
  g_string_append (text, "; of all metrics");
  const char *separator = " ";
  for (DiffVerdict v = DIFF_SAME; v <= DIFF_CANNOT_TELL; v++) {
    if (diff->n_verdicts[v] == 0)
      continue;
    g_string_append_printf (text, "%s%u %s", separator, diff->n_verdicts[v],
                            diff_verdict_to_string (v));
    separator = ", ";
  }
  return g_string_free (text, FALSE);
}

char *
diff_format_sides (const Diff *diff)
{
  g_autofree char *older =
      diff->n_older > 0
          ? g_strdup_printf ("; %u older runs of the same seeds left out", diff->n_older)
          : g_strdup ("");
  return g_strdup_printf ("BASE %s: %u runs, NEW %s: %u runs, %u pairs%s", diff->base_path,
                          diff->n_runs_base, diff->new_path, diff->n_runs_new, diff->n_pairs,
                          older);
}

char *
diff_format_group (const DiffGroup *group)
{
  gboolean is_across = !g_str_equal (group->base_policy, group->new_policy);
  return g_strdup_printf ("%s%s%s, %s%s%s, %s", group->scenario, group->variant ? ", " : "",
                          group->variant ? group->variant : "", group->base_policy,
                          is_across ? " to " : "", is_across ? group->new_policy : "",
                          group->testbed);
}

char *
diff_format_metric_name (const DiffMetric *metric)
{
  const char *subject = *metric->subject                                   ? metric->subject
                        : metric->subject_kind == STORE_SUBJECT_CONNECTION ? "connection"
                                                                           : "";
  return g_strdup_printf ("%s%s%s", subject, *subject ? "." : "", metric->name);
}

/* ---- numbers ---- */

/* In percent of BASE's mean, where that says anything. */
static gboolean
is_relative (const DiffMetric *metric)
{
  return metric->stats.mean_base != 0 &&
         fabs (metric->stats.difference) < 100 * fabs (metric->stats.mean_base);
}

static double
get_percent (const DiffMetric *metric, double difference)
{
  return 100 * difference / fabs (metric->stats.mean_base);
}

char *
diff_format_change (const DiffMetric *metric)
{
  double difference = metric->stats.difference;
  if (difference == 0)
    return g_strdup ("0");
  if (is_relative (metric)) {
    double percent = get_percent (metric, difference);
    return g_strdup_printf ("%+.*f %%", fabs (percent) < 9.95 ? 2 : 1, percent);
  }
  g_autofree char *size = format_value (fabs (difference), metric->unit);
  return g_strdup_printf ("%c%s", difference < 0 ? '-' : '+', size);
}

char *
diff_format_interval (const DiffMetric *metric)
{
  double low = metric->stats.low, high = metric->stats.high;
  if (!isfinite (low) || !isfinite (high))
    return g_strdup ("-");
  if (metric->n_different == 0)
    return g_strdup ("0");
  if (is_relative (metric)) {
    low = get_percent (metric, low);
    high = get_percent (metric, high);
    int digits = fmax (fabs (low), fabs (high)) < 9.95 ? 2 : 1;
    return g_strdup_printf ("%+.*f..%+.*f %%", digits, low, digits, high);
  }
  g_autofree char *low_text = format_value (fabs (low), metric->unit);
  g_autofree char *high_text = format_value (fabs (high), metric->unit);
  return g_strdup_printf ("%c%s..%c%s", low < 0 ? '-' : '+', low_text, high < 0 ? '-' : '+',
                          high_text);
}

/* ---- findings ---- */

static int
compare_seeds (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
  return x < y ? -1 : x > y ? 1 : 0;
}

char *
diff_format_seeds (const GArray *seeds)
{
  g_autoptr (GArray) sorted = g_array_copy ((GArray *)seeds);
  GString *text = g_string_new (NULL);
  g_array_sort (sorted, compare_seeds);
  const gint64 *seed = (const gint64 *)sorted->data;
  guint n_stretches = 0, i = 0;
  while (i < sorted->len && n_stretches++ < STRETCHES_MAX) {
    guint end = i + 1;
    while (end < sorted->len && seed[end] == seed[end - 1] + 1)
      end++;
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT, i > 0 ? ", " : "", seed[i]);
    if (end - i > 1)
      g_string_append_printf (text, "%s%" G_GINT64_FORMAT, end - i == 2 ? ", " : "..",
                              seed[end - 1]);
    i = end;
  }
  if (i < sorted->len)
    g_string_append_printf (text, " and %u more", sorted->len - i);
  return g_string_free (text, FALSE);
}

char *
diff_format_finding (const DiffFinding *finding)
{
  g_autofree char *seeds = diff_format_seeds (finding->seeds);
  const char *what = diff_finding_describe (finding->kind);
  if (finding->seeds->len == 0)
    return g_strdup (what);
  if (finding->kind == DIFF_SEEDS_ONLY_BASE || finding->kind == DIFF_SEEDS_ONLY_NEW)
    return g_strdup_printf ("%u %s: %s", finding->seeds->len, what, seeds);
  return g_strdup_printf ("%s: seed%s %s", what, finding->seeds->len > 1 ? "s" : "", seeds);
}

char *
diff_format_advice (const Diff *diff)
{
  if (diff->n_too_few == 0)
    return g_strdup ("");
  return g_strdup_printf ("%u metric%s with too few runs to tell a change from chance; %u runs on "
                          "each side could be enough.",
                          diff->n_too_few, diff->n_too_few == 1 ? "" : "s", diff->n_pairs_wanted);
}

/* ---- order ---- */

static int
get_urgency (const DiffMetric *metric)
{
  static const int of_verdict[] = {
    [DIFF_WORSE] = 4, [DIFF_BETTER] = 3, [DIFF_CHANGED] = 2, [DIFF_CANNOT_TELL] = 1, [DIFF_SAME] = 0
  };
  return 2 * of_verdict[metric->verdict] + (metric->rule.is_gated ? 1 : 0) +
         (metric->is_regression ? 10 : 0);
}

/* How large a change is, for the order only. */
static double
get_size (const DiffMetric *metric)
{
  double scale = metric->limit > 0 ? metric->limit : fabs (metric->stats.mean_base);
  return scale > 0 ? fabs (metric->stats.difference) / scale : fabs (metric->stats.difference);
}

static int
compare_metrics (gconstpointer a, gconstpointer b)
{
  const DiffMetric *x = *(DiffMetric *const *)a, *y = *(DiffMetric *const *)b;
  int order = get_urgency (y) - get_urgency (x);
  if (order == 0)
    order = get_size (x) > get_size (y) ? -1 : get_size (x) < get_size (y) ? 1 : 0;
  if (order == 0)
    order = g_strcmp0 (x->subject, y->subject);
  if (order == 0)
    order = g_strcmp0 (x->name, y->name);
  return order ? order : x->is_paired - y->is_paired;
}

GPtrArray *
diff_sort_metrics (const DiffGroup *group)
{
  GPtrArray *sorted = g_ptr_array_copy (group->metrics, NULL, NULL);
  g_ptr_array_set_free_func (sorted, NULL);
  g_ptr_array_sort (sorted, compare_metrics);
  return sorted;
}

static gboolean
has_regression (const DiffGroup *group)
{
  for (guint i = 0; i < group->findings->len; i++)
    if (((const DiffFinding *)g_ptr_array_index (group->findings, i))->is_regression)
      return TRUE;
  for (guint i = 0; i < group->metrics->len; i++)
    if (((const DiffMetric *)g_ptr_array_index (group->metrics, i))->is_regression)
      return TRUE;
  return FALSE;
}

GPtrArray *
diff_sort_groups (const Diff *diff)
{
  GPtrArray *sorted = g_ptr_array_new ();
  for (guint pass = 0; pass < 2; pass++)
    for (guint i = 0; i < diff->groups->len; i++)
      if (has_regression (g_ptr_array_index (diff->groups, i)) == (pass == 0))
        g_ptr_array_add (sorted, g_ptr_array_index (diff->groups, i));
  return sorted;
}
