/* SPDX-License-Identifier: Apache-2.0 */
/* diff.h - two sets of recorded runs compared, run by run and metric by metric; docs/diff.md says
 * how and why.
 *
 *   g_autoptr (Diff) diff = diff_new (base, new, &options, &error);
 *   g_autofree char *text = diff_format_text (diff, DIFF_TEXT_DEFAULT);
 *   return diff_is_regression (diff) ? 1 : 0;
 *
 * The same databases and options give the same diff, to the byte. */
#pragma once

#include "reports/stats.h"
#include "reports/store.h"

G_BEGIN_DECLS

/* ---- what is asked for ---- */

/* How a change of a metric is judged. */
typedef struct {
  int better;          /* 1: higher is better, -1: lower is, 0: neither */
  gboolean is_gated;   /* a change for the worse is a regression */
  gboolean is_named;   /* the scenario gives this limit itself */
  gboolean is_ignored; /* not compared at all */
  double relative;     /* allowed worsening: the larger of this share of BASE's mean ... */
  double absolute;     /* ... and so much, in the metric's unit */
} DiffRule;

/* The rules, from somebody who knows scenarios and metrics. */
typedef struct {
  /* Of the scenario in NEW. Returns: (transfer full) (nullable): for get_rule() and close().
   * @confidence_out is left alone where the scenario has none. */
  gpointer (*open) (const char *scenario_name, const char *scenario_text, double *confidence_out);
  void (*get_rule) (gpointer rules, StoreSubject subject_kind, const char *subject,
                    const char *name, DiffRule *rule_out);
  void (*close) (gpointer rules);
} DiffRuleFuncs;

#define DIFF_CONFIDENCE_DEFAULT 0.99

typedef struct {
  const char *base_campaign, *new_campaign; /* (nullable) only runs of these */
  const char *base_policy, *new_policy;     /* both: these are compared with each other */
  double confidence;                        /* 0: by the scenarios */
  gboolean strict_digest;                   /* a changed digest is a regression */
  const DiffRuleFuncs *rules;
} DiffOptions;

/* ---- what comes out ---- */

typedef enum {
  DIFF_SAME,
  DIFF_BETTER,
  DIFF_WORSE,
  DIFF_CHANGED,     /* of a metric that has no better and worse */
  DIFF_CANNOT_TELL, /* neither a change nor its absence is proven */
} DiffVerdict;

/* "same", "better", "worse", "changed", "cannot tell". */
const char *diff_verdict_to_string (DiffVerdict verdict);

typedef struct {
  StoreSubject subject_kind;
  const char *subject, *name, *unit; /* borrowed from the diff */
  DiffRule rule;
  gboolean is_paired;
  guint n_base, n_new;    /* values; paired: both are the number of pairs */
  guint n_different;      /* paired: pairs whose two values differ */
  StatsComparison stats;  /* p is not corrected */
  double furthest;        /* paired: how far the two values of any pair are apart; else NAN */
  double limit;           /* the allowed worsening in the metric's unit */
  double p_adjusted;      /* corrected for all comparisons of the diff; NAN: not tested */
  gboolean is_too_few;    /* not even all pairs agreeing would be significant here */
  gboolean is_regression; /* worse, and counts */
  DiffVerdict verdict;
} DiffMetric;

typedef enum {
  DIFF_NEW_FAILURE,      /* held in BASE, does not in NEW, same seed: a regression */
  DIFF_NEW_UNSAFE,       /* a safety failure, of which BASE has none, at another seed: likewise */
  DIFF_LOST_PASS,        /* held in BASE; in NEW skipped, unfinished, or in error: likewise */
  DIFF_MISSING,          /* a scenario of BASE that NEW has no runs of: likewise */
  DIFF_UNDEFINED,        /* metrics that count, defined in BASE and in no run of NEW */
  DIFF_DIGEST,           /* other events at the same seed, in virtual time */
  DIFF_OTHER_FAILURE,    /* failures in NEW at seeds that BASE has not */
  DIFF_UNFINISHED,       /* or in error in NEW, and no pass in BASE */
  DIFF_FIXED,            /* did not hold in BASE, does in NEW */
  DIFF_STILL_FAILING,    /* in both */
  DIFF_ADDED,            /* a scenario that BASE has no runs of */
  DIFF_TEXT,             /* the scenario itself is not the same */
  DIFF_OTHER_TEXTS,      /* runs of further versions of the scenario, not compared */
  DIFF_SEEDS_ONLY_BASE,  /* no partner in NEW */
  DIFF_SEEDS_ONLY_NEW,   /* no partner in BASE */
  DIFF_RULES_UNREADABLE, /* this caiman cannot read the scenario in NEW: defaults hold */
  DIFF_N_FINDINGS
} DiffFindingKind;

/* "new-failure", "lost-pass", ... */
const char *diff_finding_to_string (DiffFindingKind kind);

/* What is said of it: "does not hold any more", ... */
const char *diff_finding_describe (DiffFindingKind kind);

typedef struct {
  DiffFindingKind kind;
  gboolean is_regression;
  GArray *seeds;   /* (owned) of gint64 */
  gint64 base_run; /* of the first of them; 0: none */
  gint64 new_run;
  char *detail; /* (owned) (nullable) of the first: what did not hold */
} DiffFinding;

/* One scenario with one variant, policy and testbed. */
typedef struct {
  const char *scenario, *variant, *testbed; /* borrowed; @variant nullable */
  const char *base_policy, *new_policy;     /* borrowed; equal but between policies */
  guint n_base, n_new;                      /* runs */
  guint n_pairs;
  double confidence;
  GPtrArray *findings; /* of DiffFinding */
  GPtrArray *metrics;  /* of DiffMetric, in the order of the record; those not defined left out */
} DiffGroup;

typedef struct {
  char *base_path, *new_path;
  GPtrArray *groups; /* of DiffGroup */
  guint n_runs_base, n_runs_new, n_pairs;
  guint n_older; /* runs that a later one of the same seed replaces */
  guint n_tested;
  guint n_verdicts[DIFF_CANNOT_TELL + 1];
  guint n_too_few;           /* comparisons that cannot be significant among so many */
  guint n_pairs_wanted;      /* so many pairs could; 0 when all have enough */
  guint n_worse_regressions; /* metrics */
  guint n_run_regressions;   /* findings */

  /* Private. */
  GPtrArray *sets;
} Diff;

/* Compares what @options selects. Returns: (transfer full): or NULL with @error, which is
 * STORE_ERROR_NOT_FOUND when nothing is selected on a side. */
Diff *diff_new (Store *base, Store *new, const DiffOptions *options, GError **error);

/* Accepts NULL. */
void diff_free (Diff *diff);

gboolean diff_is_regression (const Diff *diff);

/* Nothing differs at all: no finding, and all metrics are the same to the last bit. */
gboolean diff_is_identical (const Diff *diff);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Diff, diff_free)

G_END_DECLS
