/* SPDX-License-Identifier: Apache-2.0 */
/* diff-private.h - what the files of the diff share: diff-load.c reads runs, diff.c pairs them,
 * diff-runs.c compares how they ended, diff-metrics.c what was measured. */
#pragma once

#include "reports/diff.h"

G_BEGIN_DECLS

typedef struct {
  gint64 id, seed;
  gboolean finished;
  int exit_class;
  const char *outcome, *digest;
} DiffRun;

/* The values of one metric, one per run of the set, NAN where it is not defined. */
typedef struct {
  StoreSubject subject_kind;
  const char *subject, *name, *unit;
  double *values;
} DiffSeries;

/* All runs of one side with the same scenario, variant, policy, testbed and resolved text, by seed;
 * in virtual time the latest of each seed, in real time all. */
typedef struct {
  Store *store; /* borrowed; not used once the diff is made */
  const char *scenario, *variant, *policy, *testbed, *hash;
  char *key; /* what must be equal on both sides, but for the hash */
  gint64 last_id;
  guint n_older;
  GArray *runs;       /* of DiffRun */
  GPtrArray *series;  /* of DiffSeries, in the order of the record */
  GHashTable *by_key; /* of DiffSeries, by what it is */
  GStringChunk *strings;
  gboolean is_used;
} DiffSet;

/* @policy (nullable) selects; when @across_policies, it is not part of the key. Returns: (transfer
 * full) (element-type DiffSet): or NULL with @error. */
GPtrArray *diff_load (Store *store, const char *campaign, const char *policy,
                      gboolean across_policies, GError **error);

/* "sim" runs are the same when repeated. */
gboolean diff_set_is_deterministic (const DiffSet *set);

#define diff_set_get_run(set, i) (&g_array_index ((set)->runs, DiffRun, (i)))

/* The resolved text of the set's last run. (transfer full) */
char *diff_set_load_text (const DiffSet *set, GError **error);

/* (transfer full) (nullable) what did not hold in a run, for people. */
char *diff_describe_failure (const DiffSet *set, const DiffRun *run, GError **error);

/* (transfer full) the names of all expectations that did not hold in a run. */
char **diff_list_failures (const DiffSet *set, const DiffRun *run, GError **error);

/* Which runs of a group belong together, by index into the sets' runs. */
typedef struct {
  DiffSet *base, *new;
  GArray *pairs;                /* of guint, two by two: same seed */
  GArray *only_base, *only_new; /* of guint */
} DiffPairing;

gboolean diff_compare_runs (DiffGroup *group, const DiffPairing *pairing,
                            const DiffOptions *options, GError **error);

/* Fills @group's metrics, all but what needs the whole diff. @rules (nullable) is of
 * @options->rules. */
void diff_compare_metrics (DiffGroup *group, const DiffPairing *pairing, const DiffOptions *options,
                           gpointer rules);

/* Corrects for the number of comparisons, and judges. */
void diff_judge (Diff *diff);

/* Adds @seed to the group's finding of this kind, which is made where it is not there. */
DiffFinding *diff_group_add_finding (DiffGroup *group, DiffFindingKind kind, gboolean is_regression,
                                     gint64 seed, const DiffRun *base, const DiffRun *new);

G_END_DECLS
