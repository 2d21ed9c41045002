/* SPDX-License-Identifier: Apache-2.0 */
/* diff.c - see diff.h. Which sets of runs, and which runs of them, belong together. */
#include "reports/diff.h"

#include "reports/diff-private.h"

#include <string.h>

/* ---- names ---- */

const char *
diff_verdict_to_string (DiffVerdict verdict)
{
  static const char *const names[] = { "same", "better", "worse", "changed", "cannot tell" };
  g_assert ((gsize)verdict < G_N_ELEMENTS (names));
  return names[verdict];
}

static const struct {
  const char *name, *description;
} findings[DIFF_N_FINDINGS] = {
  [DIFF_NEW_FAILURE] = { "new-failure", "does not hold any more" },
  [DIFF_NEW_UNSAFE] = { "new-unsafe", "a safety failure, of which BASE has none" },
  [DIFF_LOST_PASS] = { "lost-pass", "held, and has no valid result now" },
  [DIFF_MISSING] = { "missing", "NEW has no runs of it" },
  [DIFF_UNDEFINED] = { "undefined", "metrics that BASE defines and NEW does not" },
  [DIFF_DIGEST] = { "digest", "other events than before" },
  [DIFF_OTHER_FAILURE] = { "other-failure", "does not hold, and BASE has no such run that did" },
  [DIFF_UNFINISHED] = { "unfinished", "has no valid result: unfinished, or an internal error" },
  [DIFF_FIXED] = { "fixed", "holds now" },
  [DIFF_STILL_FAILING] = { "still-failing", "does not hold, as before" },
  [DIFF_ADDED] = { "added", "BASE has no runs of it" },
  [DIFF_TEXT] = { "text", "the scenario itself is not the same in BASE and NEW" },
  [DIFF_OTHER_TEXTS] = { "other-texts", "runs of further versions of the scenario, left out" },
  [DIFF_SEEDS_ONLY_BASE] = { "seeds-only-base", "seeds that NEW has no runs of" },
  [DIFF_SEEDS_ONLY_NEW] = { "seeds-only-new", "seeds that BASE has no runs of" },
  [DIFF_RULES_UNREADABLE] = { "rules-unreadable",
                              "this caiman cannot read the scenario: default limits hold" },
};

const char *
diff_finding_to_string (DiffFindingKind kind)
{
  g_assert ((guint)kind < DIFF_N_FINDINGS);
  return findings[kind].name;
}

const char *
diff_finding_describe (DiffFindingKind kind)
{
  g_assert ((guint)kind < DIFF_N_FINDINGS);
  return findings[kind].description;
}

/* ---- memory ---- */

static void
finding_free (gpointer data)
{
  DiffFinding *finding = data;
  g_array_unref (finding->seeds);
  g_free (finding->detail);
  g_free (finding);
}

static void
group_free (gpointer data)
{
  DiffGroup *group = data;
  g_ptr_array_unref (group->findings);
  g_ptr_array_unref (group->metrics);
  g_free (group);
}

void
diff_free (Diff *diff)
{
  if (!diff)
    return;
  g_ptr_array_unref (diff->groups);
  g_ptr_array_unref (diff->sets);
  g_free (diff->base_path);
  g_free (diff->new_path);
  g_free (diff);
}

/* @like: the set that says which scenario it is. */
static DiffGroup *
group_new (Diff *diff, const DiffSet *base, const DiffSet *new)
{
  const DiffSet *like = new ? new : base;
  DiffGroup *group = g_new0 (DiffGroup, 1);
  group->scenario = like->scenario;
  group->variant = like->variant;
  group->testbed = like->testbed;
  group->base_policy = base ? base->policy : new->policy;
  group->new_policy = new ? new->policy : base->policy;
  group->n_base = base ? base->runs->len : 0;
  group->n_new = new ? new->runs->len : 0;
  group->confidence = DIFF_CONFIDENCE_DEFAULT;
  group->findings = g_ptr_array_new_with_free_func (finding_free);
  group->metrics = g_ptr_array_new_with_free_func (g_free);
  diff->n_runs_base += group->n_base;
  diff->n_runs_new += group->n_new;
  g_ptr_array_add (diff->groups, group);
  return group;
}

DiffFinding *
diff_group_add_finding (DiffGroup *group, DiffFindingKind kind, gboolean is_regression, gint64 seed,
                        const DiffRun *base, const DiffRun *new)
{
  DiffFinding *finding = NULL;
  for (guint i = 0; i < group->findings->len && !finding; i++) {
    finding = g_ptr_array_index (group->findings, i);
    if (finding->kind != kind)
      finding = NULL;
  }
  if (!finding) {
    finding = g_new0 (DiffFinding, 1);
    finding->kind = kind;
    finding->is_regression = is_regression;
    finding->seeds = g_array_new (FALSE, FALSE, sizeof (gint64));
    finding->base_run = base ? base->id : 0;
    finding->new_run = new ? new->id : 0;
    g_ptr_array_add (group->findings, finding);
  }
  if (seed >= 0)
    g_array_append_val (finding->seeds, seed);
  return finding;
}

/* ---- pairs of runs ---- */

static void
pairing_init (DiffPairing *pairing, DiffSet *base, DiffSet *new)
{
  *pairing = (DiffPairing) { base, new, g_array_new (FALSE, FALSE, sizeof (guint)),
                             g_array_new (FALSE, FALSE, sizeof (guint)),
                             g_array_new (FALSE, FALSE, sizeof (guint)) };
}

static void
pairing_clear (DiffPairing *pairing)
{
  g_array_unref (pairing->pairs);
  g_array_unref (pairing->only_base);
  g_array_unref (pairing->only_new);
}

/* The first run from @index on that is of another seed. */
static guint
next_seed (const DiffSet *set, guint index)
{
  gint64 seed = diff_set_get_run (set, index)->seed;
  while (index < set->runs->len && diff_set_get_run (set, index)->seed == seed)
    index++;
  return index;
}

/* Both sides are in the order of seeds; of several runs of a seed (in real time) the first, which
 * is the latest, stands for it. */
static void
pair_runs (DiffPairing *pairing)
{
  const DiffSet *base = pairing->base, *new = pairing->new;
  guint b = 0, n = 0;
  while (b < base->runs->len || n < new->runs->len) {
    gint64 base_seed = b < base->runs->len ? diff_set_get_run (base, b)->seed : G_MAXINT64;
    gint64 new_seed = n < new->runs->len ? diff_set_get_run (new, n)->seed : G_MAXINT64;
    gboolean has_base = b < base->runs->len && base_seed <= new_seed;
    gboolean has_new = n < new->runs->len &&new_seed <= base_seed;
    if (has_base && has_new) {
      g_array_append_val (pairing->pairs, b);
      g_array_append_val (pairing->pairs, n);
    } else {
      g_array_append_val (has_base ? pairing->only_base : pairing->only_new, *(has_base ? &b : &n));
    }
    b = has_base ? next_seed (base, b) : b;
    n = has_new ? next_seed (new, n) : n;
  }
}

static void
tell_seeds (DiffGroup *group, DiffFindingKind kind, const DiffSet *set, const GArray *indices)
{
  for (guint i = 0; i < indices->len; i++) {
    const DiffRun *run = diff_set_get_run (set, g_array_index (indices, guint, i));
    gboolean is_base = kind == DIFF_SEEDS_ONLY_BASE;
    diff_group_add_finding (group, kind, FALSE, run->seed, is_base ? run : NULL,
                            is_base ? NULL : run);
  }
}

/* ---- one group ---- */

static gboolean
is_across_policies (const DiffOptions *options)
{
  return options->base_policy != NULL;
}

static gpointer
open_rules (DiffGroup *group, const DiffSet *new, const DiffOptions *options, GError **error)
{
  double confidence = DIFF_CONFIDENCE_DEFAULT;
  g_autofree char *text = diff_set_load_text (new, error);
  if (!text)
    return NULL;
  gpointer rules = options->rules->open (new->scenario, text, &confidence);
  group->confidence = options->confidence > 0 ? options->confidence : confidence;
  if (!rules && strcmp (new->testbed, "live") != 0)
    diff_group_add_finding (group, DIFF_RULES_UNREADABLE, FALSE, -1, NULL, NULL);
  return rules;
}

static gboolean
compare_sets (Diff *diff, DiffSet *base, DiffSet *new, const DiffOptions *options, GError **error)
{
  DiffGroup *group = group_new (diff, base, new);
  g_autoptr (GError) problem = NULL;
  DiffPairing pairing;
  base->is_used = new->is_used = TRUE;
  diff->n_older += base->n_older + new->n_older;
  pairing_init (&pairing, base, new);
  pair_runs (&pairing);
  group->n_pairs = pairing.pairs->len / 2;
  diff->n_pairs += group->n_pairs;
  gpointer rules = open_rules (group, new, options, &problem);
  gboolean ok = problem == NULL && diff_compare_runs (group, &pairing, options, &problem);
  if (ok) {
    diff_compare_metrics (group, &pairing, options, rules);
    if (strcmp (base->hash, new->hash) != 0 && !is_across_policies (options))
      diff_group_add_finding (group, DIFF_TEXT, FALSE, -1, NULL, NULL);
    tell_seeds (group, DIFF_SEEDS_ONLY_BASE, base, pairing.only_base);
    tell_seeds (group, DIFF_SEEDS_ONLY_NEW, new, pairing.only_new);
  } else {
    g_propagate_error (error, g_steal_pointer (&problem));
  }
  options->rules->close (rules);
  pairing_clear (&pairing);
  return ok;
}

/* ---- sets ---- */

/* A set that is not used yet, with @set's key: of the same text, or (@any_text) the latest. */
static DiffSet *
find_partner (GPtrArray *sets, const DiffSet *set, gboolean any_text)
{
  DiffSet *found = NULL;
  for (guint i = 0; i < sets->len; i++) {
    DiffSet *other = g_ptr_array_index (sets, i);
    if (other->is_used || strcmp (other->key, set->key) != 0)
      continue;
    if (any_text ? !found || other->last_id > found->last_id : strcmp (other->hash, set->hash) == 0)
      found = other;
  }
  return found;
}

static gboolean
is_compared (const GPtrArray *sets, const char *key)
{
  for (guint i = 0; i < sets->len; i++) {
    const DiffSet *set = g_ptr_array_index (sets, i);
    if (set->is_used && strcmp (set->key, key) == 0)
      return TRUE;
  }
  return FALSE;
}

/* Sets of the same text first; then, where no text is the same, the latest of each side. */
static gboolean
compare_all (Diff *diff, GPtrArray *bases, GPtrArray *news, const DiffOptions *options,
             GError **error)
{
  for (guint any_text = 0; any_text < 2; any_text++) {
    for (guint i = news->len; i-- > 0;) { /* the latest first: they were sorted by that */
      DiffSet *new = g_ptr_array_index (news, i);
      if (new->is_used || (any_text && is_compared (news, new->key)))
        continue;
      DiffSet *base = find_partner (bases, new, any_text);
      if (base && !compare_sets (diff, base, new, options, error))
        return FALSE;
    }
  }
  return TRUE;
}

/* What is left on one side. */
static void
tell_left (Diff *diff, GPtrArray *sets, gboolean is_base)
{
  for (guint i = 0; i < sets->len; i++) {
    DiffSet *set = g_ptr_array_index (sets, i);
    if (set->is_used)
      continue;
    DiffGroup *group = group_new (diff, is_base ? set : NULL, is_base ? NULL : set);
    DiffFindingKind kind = is_compared (sets, set->key) ? DIFF_OTHER_TEXTS
                           : is_base                    ? DIFF_MISSING
                                                        : DIFF_ADDED;
    const DiffRun *first = diff_set_get_run (set, 0);
    diff_group_add_finding (group, kind, kind == DIFF_MISSING, -1, is_base ? first : NULL,
                            is_base ? NULL : first);
    for (guint r = 0; r < set->runs->len && !is_base && kind == DIFF_ADDED; r++) {
      const DiffRun *run = diff_set_get_run (set, r);
      if (!run->finished || run->exit_class == 70)
        diff_group_add_finding (group, DIFF_UNFINISHED, FALSE, run->seed, NULL, run);
      else if (run->exit_class != 0 && run->exit_class != 77)
        diff_group_add_finding (group, DIFF_OTHER_FAILURE, FALSE, run->seed, NULL, run);
    }
  }
}

static int
compare_by_last (gconstpointer a, gconstpointer b)
{
  gint64 x = (*(DiffSet *const *)a)->last_id, y = (*(DiffSet *const *)b)->last_id;
  return x < y ? -1 : x > y ? 1 : 0;
}

/* By name, so that a scenario is always at the same place. */
static int
compare_groups (gconstpointer a, gconstpointer b)
{
  const DiffGroup *x = *(DiffGroup *const *)a, *y = *(DiffGroup *const *)b;
  int order = strcmp (x->scenario, y->scenario);
  order = order ? order : g_strcmp0 (x->variant, y->variant);
  order = order ? order : strcmp (x->new_policy, y->new_policy);
  return order ? order : strcmp (x->testbed, y->testbed);
}

static GPtrArray *
load_side (Store *store, const char *campaign, const char *policy, const DiffOptions *options,
           GError **error)
{
  g_autoptr (GPtrArray) sets =
      diff_load (store, campaign, policy, is_across_policies (options), error);
  if (sets && sets->len == 0) {
    g_set_error (error, STORE_ERROR, STORE_ERROR_NOT_FOUND, "%s: has no runs%s%s%s%s",
                 store_get_path (store), campaign ? " of campaign " : "", campaign ? campaign : "",
                 policy ? " with policy " : "", policy ? policy : "");
    return NULL;
  }
  if (sets)
    g_ptr_array_sort (sets, compare_by_last);
  return g_steal_pointer (&sets);
}

static int
compare_findings (gconstpointer a, gconstpointer b)
{
  const DiffFinding *x = *(DiffFinding *const *)a, *y = *(DiffFinding *const *)b;
  int order = (y->is_regression ? 1 : 0) - (x->is_regression ? 1 : 0);
  return order ? order : (int)x->kind - (int)y->kind;
}

/* Regressions first. */
static void
count_findings (Diff *diff)
{
  for (guint i = 0; i < diff->groups->len; i++) {
    const DiffGroup *group = g_ptr_array_index (diff->groups, i);
    g_ptr_array_sort (group->findings, compare_findings);
    for (guint f = 0; f < group->findings->len; f++) {
      const DiffFinding *finding = g_ptr_array_index (group->findings, f);
      diff->n_run_regressions += finding->is_regression ? MAX (1, finding->seeds->len) : 0;
    }
  }
}

Diff *
diff_new (Store *base, Store *new, const DiffOptions *options, GError **error)
{
  g_autoptr (Diff) diff = g_new0 (Diff, 1);
  g_assert ((options->base_policy == NULL) == (options->new_policy == NULL));
  diff->groups = g_ptr_array_new_with_free_func (group_free);
  diff->sets = g_ptr_array_new_with_free_func ((GDestroyNotify)g_ptr_array_unref);
  diff->base_path = g_utf8_make_valid (store_get_path (base), -1);
  diff->new_path = g_utf8_make_valid (store_get_path (new), -1);
  GPtrArray *bases = load_side (base, options->base_campaign, options->base_policy, options, error);
  if (!bases)
    return NULL;
  g_ptr_array_add (diff->sets, bases);
  GPtrArray *news = load_side (new, options->new_campaign, options->new_policy, options, error);
  if (!news)
    return NULL;
  g_ptr_array_add (diff->sets, news);
  if (!compare_all (diff, bases, news, options, error))
    return NULL;
  tell_left (diff, bases, TRUE);
  tell_left (diff, news, FALSE);
  g_ptr_array_sort (diff->groups, compare_groups);
  diff_judge (diff);
  count_findings (diff);
  return g_steal_pointer (&diff);
}

gboolean
diff_is_regression (const Diff *diff)
{
  return diff->n_worse_regressions + diff->n_run_regressions > 0;
}

gboolean
diff_is_identical (const Diff *diff)
{
  for (guint i = 0; i < diff->groups->len; i++) {
    const DiffGroup *group = g_ptr_array_index (diff->groups, i);
    for (guint f = 0; f < group->findings->len; f++) {
      const DiffFinding *finding = g_ptr_array_index (group->findings, f);
      if (finding->kind != DIFF_STILL_FAILING)
        return FALSE;
    }
    for (guint m = 0; m < group->metrics->len; m++) {
      const DiffMetric *metric = g_ptr_array_index (group->metrics, m);
      if (metric->n_different > 0)
        return FALSE;
    }
  }
  return TRUE;
}
