/* SPDX-License-Identifier: Apache-2.0 */
/* diff-metrics.c - what was measured in BASE and in NEW, and the verdict on each metric. */
#include "reports/diff-private.h"

#include <math.h>
#include <string.h>

/* The name under which the share of runs that held is compared; not one of the registry. */
#define RUNS_HELD "runs-held"

/* ---- comparing ---- */

static gboolean
are_all_equal (const GArray *base, const GArray *new)
{
  double first = g_array_index (base, double, 0);
  for (guint i = 0; i < base->len; i++)
    if (g_array_index (base, double, i) != first)
      return FALSE;
  for (guint i = 0; i < new->len; i++)
    if (g_array_index (new, double, i) != first)
      return FALSE;
  return TRUE;
}

static guint
count_different (const GArray *base, const GArray *new)
{
  guint n = 0;
  for (guint i = 0; i < base->len; i++)
    n += g_array_index (base, double, i) != g_array_index (new, double, i);
  return n;
}

/* The very same values in the same order: the same runs, most likely. */
static gboolean
are_identical (const GArray *base, const GArray *new)
{
  return base->len == new->len &&count_different (base, new) == 0;
}

/* As far as any pair is apart. */
static double
find_furthest (const GArray *base, const GArray *new)
{
  double furthest = 0;
  for (guint i = 0; i < base->len; i++)
    furthest =
        fmax (furthest, fabs (g_array_index (new, double, i) - g_array_index (base, double, i)));
  return furthest;
}

static void
compare_values (DiffMetric *metric, const GArray *base, const GArray *new, double confidence)
{
  const double *b = (const double *)base->data, *n = (const double *)new->data;
  metric->n_base = base->len;
  metric->n_new = new->len;
  metric->p_adjusted = NAN;
  metric->n_different = metric->is_paired ? count_different (base, new)
                        : are_all_equal (base, new) || are_identical (base, new)
                            ? 0
                            : base->len + new->len;
  if (metric->n_different == 0) /* nothing to be uncertain about */
    metric->stats = (StatsComparison) { .mean_base = stats_mean (b, base->len),
                                        .mean_new = stats_mean (n, new->len),
                                        .p = 1 };
  else if (metric->is_paired)
    metric->stats = stats_compare_paired (b, n, base->len, confidence);
  else
    metric->stats = stats_compare_unpaired (b, base->len, n, new->len, confidence);
  metric->furthest = metric->is_paired ? find_furthest (base, new) : NAN;
  metric->limit =
      fmax (metric->rule.relative * fabs (metric->stats.mean_base), metric->rule.absolute);
}

/* Takes a metric with both sides' values into the group, if there are any. */
static void
add_metric (DiffGroup *group, const DiffMetric *like, const GArray *base, const GArray *new)
{
  if (base->len == 0 || new->len == 0)
    return;
  DiffMetric *metric = g_memdup2 (like, sizeof *like);
  compare_values (metric, base, new, group->confidence);
  g_ptr_array_add (group->metrics, metric);
}

static void
append_value (GArray *values, double value)
{
  if (isfinite (value))
    g_array_append_val (values, value);
}

/* ---- which values ---- */

static void
add_paired (DiffGroup *group, const DiffPairing *pairing, DiffMetric metric, const DiffSeries *base,
            const DiffSeries *new)
{
  g_autoptr (GArray) before = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) now = g_array_new (FALSE, FALSE, sizeof (double));
  metric.is_paired = TRUE;
  for (guint i = 0; i < pairing->pairs->len; i += 2) {
    double b = base->values[g_array_index (pairing->pairs, guint, i)];
    double n = new->values[g_array_index (pairing->pairs, guint, i + 1)];
    if (!isfinite (b) || !isfinite (n))
      continue;
    g_array_append_val (before, b);
    g_array_append_val (now, n);
  }
  add_metric (group, &metric, before, now);
}

/* Of the runs of @indices, or (NULL) of all @n. (transfer full) */
static GArray *
collect (const double *values, guint n, const GArray *indices)
{
  GArray *out = g_array_new (FALSE, FALSE, sizeof (double));
  for (guint i = 0; i < (indices ? indices->len : n); i++)
    append_value (out, values[indices ? g_array_index (indices, guint, i) : i]);
  return out;
}

/* In real time a seed decides little of what happens, so there all runs are independent ones. */
static void
add_unpaired (DiffGroup *group, const DiffPairing *pairing, const DiffMetric *metric,
              const double *base, const double *new)
{
  gboolean has_pairs = diff_set_is_deterministic (pairing->new);
  g_autoptr (GArray) before =
      collect (base, pairing->base->runs->len, has_pairs ? pairing->only_base : NULL);
  g_autoptr (GArray) now =
      collect (new, pairing->new->runs->len, has_pairs ? pairing->only_new : NULL);
  add_metric (group, metric, before, now);
}

/* 1 for each run that held, 0 for each that did not, NAN for one that was skipped, or for which the
 * machine was too busy. (transfer full) */
static double *
list_held (const DiffSet *set)
{
  double *values = g_new (double, set->runs->len);
  for (guint i = 0; i < set->runs->len; i++) {
    const DiffRun *run = diff_set_get_run (set, i);
    gboolean is_void =
        run->exit_class == 77 || (run->exit_class == 70 && !diff_set_is_deterministic (set));
    values[i] = !run->finished ? 0 : is_void ? NAN : run->exit_class == 0;
  }
  return values;
}

/* Of runs without a partner nobody knows whether they would have held before; but of many runs one
 * can tell whether fewer hold. */
static void
add_runs_held (DiffGroup *group, const DiffPairing *pairing)
{
  DiffMetric metric = { .subject_kind = STORE_SUBJECT_RUN,
                        .subject = "",
                        .name = RUNS_HELD,
                        .unit = "ratio",
                        .rule = { .better = 1, .is_gated = TRUE } };
  g_autofree double *base = list_held (pairing->base);
  g_autofree double *new = list_held (pairing->new);
  add_unpaired (group, pairing, &metric, base, new);
}

static const DiffSeries *
find_series (const DiffSet *set, const DiffSeries *like)
{
  g_autofree char *key = g_strjoin ("\n", store_subject_to_string (like->subject_kind),
                                    like->subject, like->name, like->unit, NULL);
  return g_hash_table_lookup (set->by_key, key);
}

static gboolean
is_defined (const DiffSet *set, const DiffSeries *series)
{
  for (guint i = 0; series && i < set->runs->len; i++)
    if (isfinite (series->values[i]))
      return TRUE;
  return FALSE;
}

/* There is nothing to compare of a recovery that never came, but it should not go unseen. */
static void
tell_undefined (DiffGroup *group, const DiffPairing *pairing, const DiffOptions *options,
                gpointer rules)
{
  g_autoptr (GString) names = g_string_new (NULL);
  for (guint i = 0; i < pairing->base->series->len && pairing->new->series->len > 0; i++) {
    const DiffSeries *base = g_ptr_array_index (pairing->base->series, i);
    DiffRule rule;
    options->rules->get_rule (rules, base->subject_kind, base->subject, base->name, &rule);
    if (rule.is_gated && !rule.is_ignored &&
        !is_defined (pairing->new, find_series (pairing->new, base)))
      g_string_append_printf (names, "%s%s%s%s", names->len > 0 ? ", " : "", base->subject,
                              *base->subject ? "." : "", base->name);
  }
  if (names->len > 0)
    diff_group_add_finding (group, DIFF_UNDEFINED, FALSE, -1, NULL, NULL)->detail =
        g_strdup (names->str);
}

void
diff_compare_metrics (DiffGroup *group, const DiffPairing *pairing, const DiffOptions *options,
                      gpointer rules)
{
  add_runs_held (group, pairing);
  tell_undefined (group, pairing, options, rules);
  for (guint i = 0; i < pairing->new->series->len; i++) {
    const DiffSeries *new = g_ptr_array_index (pairing->new->series, i);
    const DiffSeries *base = find_series (pairing->base, new);
    DiffMetric metric = { .subject_kind = new->subject_kind,
                          .subject = new->subject,
                          .name = new->name,
                          .unit = new->unit };
    if (!base)
      continue;
    options->rules->get_rule (rules, new->subject_kind, new->subject, new->name, &metric.rule);
    if (metric.rule.is_ignored)
      continue;
    if (diff_set_is_deterministic (pairing->new))
      add_paired (group, pairing, metric, base, new);
    add_unpaired (group, pairing, &metric, base->values, new->values);
  }
}

/* ---- judging ---- */

static double
get_least_p (const DiffMetric *metric)
{
  return metric->is_paired ? stats_least_p_paired (metric->n_different)
                           : stats_least_p_unpaired (metric->n_base, metric->n_new);
}

/* What cannot be significant even alone is not tested, and so does not cost the others anything
 * (Tarone). That depends on numbers of runs and ties only, not on which way they point. */
static gboolean
is_tested (const DiffGroup *group, const DiffMetric *metric)
{
  return metric->n_different > 0 && get_least_p (metric) <= 1 - group->confidence;
}

/* For the worse is positive. */
static double
get_worsening (const DiffMetric *metric)
{
  return -metric->rule.better * metric->stats.difference;
}

static gboolean
is_interval_within (const DiffMetric *metric)
{
  return metric->stats.low >= -metric->limit && metric->stats.high <= metric->limit;
}

static DiffVerdict
judge_significant (const DiffMetric *metric)
{
  double worsening = get_worsening (metric);
  /* Most values moved one way and the mean the other: neither better nor worse. */
  gboolean is_clear = metric->stats.effect * metric->stats.difference > 0;
  if (metric->rule.better == 0)
    return DIFF_CHANGED;
  if (is_clear && worsening > metric->limit)
    return DIFF_WORSE;
  if (is_clear && -worsening > metric->limit)
    return DIFF_BETTER;
  return is_interval_within (metric) ? DIFF_SAME : DIFF_CANNOT_TELL;
}

/* Statistics has nothing to say about so few. In virtual time what has changed has changed, though:
 * a limit that the scenario names holds as it stands, and what all pairs keep to is the same. */
static DiffVerdict
judge_few (const DiffMetric *metric)
{
  if (metric->is_paired && metric->rule.is_named && get_worsening (metric) > metric->limit)
    return DIFF_WORSE;
  if (metric->is_paired && metric->furthest <= metric->limit)
    return DIFF_SAME;
  return DIFF_CANNOT_TELL;
}

static DiffVerdict
judge_metric (const DiffGroup *group, const DiffMetric *metric)
{
  if (metric->n_different == 0)
    return DIFF_SAME;
  if (isnan (metric->p_adjusted))
    return judge_few (metric);
  if (metric->p_adjusted <= 1 - group->confidence)
    return judge_significant (metric);
  if (is_interval_within (metric))
    return DIFF_SAME;
  return metric->is_too_few ? judge_few (metric) : DIFF_CANNOT_TELL;
}

/* Holm's correction over all comparisons of the diff. */
static void
adjust (Diff *diff, GPtrArray *tested)
{
  g_autofree double *p = g_new (double, tested->len + 1);
  for (guint i = 0; i < tested->len; i++)
    p[i] = ((const DiffMetric *)g_ptr_array_index (tested, i))->stats.p;
  stats_holm (p, tested->len);
  for (guint i = 0; i < tested->len; i++)
    ((DiffMetric *)g_ptr_array_index (tested, i))->p_adjusted = p[i];
  diff->n_tested = tested->len;
}

/* Even if no pair were a tie. */
static double
get_least_p_of_runs (const DiffMetric *metric)
{
  return metric->is_paired ? stats_least_p_paired (metric->n_base)
                           : stats_least_p_unpaired (metric->n_base, metric->n_new);
}

/* One more metric would need more runs. */
static void
advise (Diff *diff, double level)
{
  diff->n_too_few++;
  while (stats_least_p_paired (diff->n_pairs_wanted) * MAX (1, diff->n_tested) > level)
    diff->n_pairs_wanted++;
}

static void
judge_group (Diff *diff, const DiffGroup *group)
{
  double level = 1 - group->confidence;
  for (guint i = 0; i < group->metrics->len; i++) {
    DiffMetric *metric = g_ptr_array_index (group->metrics, i);
    metric->is_too_few =
        metric->n_different > 0 && get_least_p (metric) * MAX (1, diff->n_tested) > level;
    metric->verdict = judge_metric (group, metric);
    metric->is_regression = metric->verdict == DIFF_WORSE && metric->rule.is_gated;
    diff->n_worse_regressions += metric->is_regression;
    diff->n_verdicts[metric->verdict]++;
    if (metric->verdict == DIFF_CANNOT_TELL && metric->rule.is_gated &&
        get_least_p_of_runs (metric) * MAX (1, diff->n_tested) > level)
      advise (diff, level);
  }
}

void
diff_judge (Diff *diff)
{
  g_autoptr (GPtrArray) tested = g_ptr_array_new ();
  for (guint i = 0; i < diff->groups->len; i++) {
    const DiffGroup *group = g_ptr_array_index (diff->groups, i);
    for (guint m = 0; m < group->metrics->len; m++)
      if (is_tested (group, g_ptr_array_index (group->metrics, m)))
        g_ptr_array_add (tested, g_ptr_array_index (group->metrics, m));
  }
  adjust (diff, tested);
  for (guint i = 0; i < diff->groups->len; i++)
    judge_group (diff, g_ptr_array_index (diff->groups, i));
}
