/* SPDX-License-Identifier: Apache-2.0 */
/* diff-runs.c - how runs ended in BASE and in NEW: failures, lost passes, digests. */
#include "reports/diff-private.h"

#include <string.h>

/* Unfinished, too, is a run that ended with an error of the machine or the testbed: its verdict
 * says nothing about what was tested. */
typedef enum { RUN_HELD, RUN_FAILED, RUN_SKIPPED, RUN_UNFINISHED } RunState;

/* Exit classes, see docs/database.md. */
#define CLASS_SAFETY   3
#define CLASS_INTERNAL 70
#define CLASS_SKIPPED  77

static RunState
get_state (const DiffRun *run)
{
  if (!run->finished || run->exit_class == CLASS_INTERNAL)
    return RUN_UNFINISHED;
  return run->exit_class == 0               ? RUN_HELD
         : run->exit_class == CLASS_SKIPPED ? RUN_SKIPPED
                                            : RUN_FAILED;
}

static gboolean
is_unsafe (const DiffRun *run)
{
  return run->finished && run->exit_class == CLASS_SAFETY;
}

static gboolean
has_unsafe (const DiffSet *set)
{
  for (guint i = 0; i < set->runs->len; i++)
    if (is_unsafe (diff_set_get_run (set, i)))
      return TRUE;
  return FALSE;
}

/* Adds a finding about a run of NEW, with what did not hold in the first one. */
static gboolean
tell (DiffGroup *group, DiffFindingKind kind, gboolean is_regression, const DiffPairing *pairing,
      const DiffRun *base, const DiffRun *new, GError **error)
{
  DiffFinding *finding = diff_group_add_finding (group, kind, is_regression, new->seed, base, new);
  if (finding->seeds->len > 1 || get_state (new) != RUN_FAILED)
    return TRUE;
  finding->detail = diff_describe_failure (pairing->new, new, error);
  if (finding->detail && !*finding->detail) {
    g_free (finding->detail);
    finding->detail = g_strdup_printf ("outcome %s, exit class %d",
                                       new->outcome ? new->outcome : "unknown", new->exit_class);
  }
  return finding->detail != NULL;
}

/* Whether @new fails in a way that @base does not; on an error FALSE with @error. */
static gboolean
fails_further (const DiffPairing *pairing, const DiffRun *base, const DiffRun *new, GError **error)
{
  if (is_unsafe (new) && !is_unsafe (base))
    return TRUE;
  g_auto (GStrv) before = diff_list_failures (pairing->base, base, error);
  g_auto (GStrv) now = before ? diff_list_failures (pairing->new, new, error) : NULL;
  for (guint i = 0; now && now[i]; i++)
    if (!g_strv_contains ((const char *const *)before, now[i]))
      return TRUE;
  return FALSE;
}

static gboolean
compare_failed (DiffGroup *group, const DiffPairing *pairing, const DiffRun *base,
                const DiffRun *new, GError **error)
{
  g_autoptr (GError) problem = NULL;
  gboolean is_further = fails_further (pairing, base, new, &problem);
  if (problem) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  return tell (group, is_further ? DIFF_NEW_FAILURE : DIFF_STILL_FAILING, is_further, pairing, base,
               new, error);
}

static gboolean
compare_pair (DiffGroup *group, const DiffPairing *pairing, const DiffRun *base, const DiffRun *new,
              GError **error)
{
  RunState before = get_state (base), now = get_state (new);
  if (before == RUN_HELD && now == RUN_FAILED)
    return tell (group, DIFF_NEW_FAILURE, TRUE, pairing, base, new, error);
  if (before == RUN_HELD && now != RUN_HELD)
    return tell (group, DIFF_LOST_PASS, TRUE, pairing, base, new, error);
  if (before == RUN_FAILED && now == RUN_FAILED)
    return compare_failed (group, pairing, base, new, error);
  if (now == RUN_FAILED) {
    gboolean is_new = is_unsafe (new) && !has_unsafe (pairing->base);
    return tell (group, is_new ? DIFF_NEW_UNSAFE : DIFF_OTHER_FAILURE, is_new, pairing, base, new,
                 error);
  }
  if (now == RUN_UNFINISHED)
    return tell (group, DIFF_UNFINISHED, FALSE, pairing, base, new, error);
  if (before != RUN_HELD && now == RUN_HELD)
    return tell (group, DIFF_FIXED, FALSE, pairing, base, new, error);
  return TRUE;
}

static gboolean
tell_alone (DiffGroup *group, const DiffPairing *pairing, const DiffRun *new, GError **error)
{
  RunState state = get_state (new);
  gboolean is_new = is_unsafe (new) && !has_unsafe (pairing->base);
  if (state == RUN_FAILED)
    return tell (group, is_new ? DIFF_NEW_UNSAFE : DIFF_OTHER_FAILURE, is_new, pairing, NULL, new,
                 error);
  if (state == RUN_UNFINISHED)
    return tell (group, DIFF_UNFINISHED, FALSE, pairing, NULL, new, error);
  return TRUE;
}

static void
compare_digests (DiffGroup *group, const DiffRun *base, const DiffRun *new, gboolean is_strict)
{
  if (base->finished && new->finished &&
      base->digest &&new->digest &&strcmp (base->digest, new->digest) != 0)
    diff_group_add_finding (group, DIFF_DIGEST, is_strict, new->seed, base, new);
}

gboolean
diff_compare_runs (DiffGroup *group, const DiffPairing *pairing, const DiffOptions *options,
                   GError **error)
{
  gboolean has_digests = diff_set_is_deterministic (pairing->new) && !options->base_policy;
  for (guint i = 0; i < pairing->pairs->len; i += 2) {
    const DiffRun *base =
        diff_set_get_run (pairing->base, g_array_index (pairing->pairs, guint, i));
    const DiffRun *new =
        diff_set_get_run (pairing->new, g_array_index (pairing->pairs, guint, i + 1));
    if (!compare_pair (group, pairing, base, new, error))
      return FALSE;
    if (has_digests)
      compare_digests (group, base, new, options->strict_digest);
  }
  for (guint i = 0; i < pairing->only_new->len; i++) {
    guint index = g_array_index (pairing->only_new, guint, i);
    if (!tell_alone (group, pairing, diff_set_get_run (pairing->new, index), error))
      return FALSE;
  }
  return TRUE;
}
