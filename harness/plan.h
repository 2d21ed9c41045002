/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - all runs of several scenario files, counted out: each file with each point of its sweep
 * with each seed with each policy, the policy changing fastest. So policies are compared under the
 * same seeds, and a plan that was stopped has all of them equally far.
 *
 * A plan can be cut to one shard of it (shard.h); counts and numbers are then those of the shard.
 */
#pragma once

#include "harness/scenario.h"
#include "harness/shard.h"

G_BEGIN_DECLS

/* All borrowed, and needed as long as the plan. Arrays are NULL-terminated. */
typedef struct {
  char **paths;
  char **sets;         /* (nullable) of "GROUP.KEY=VALUE" */
  char **varies;       /* (nullable) of "GROUP.KEY=VALUE, VALUE...", "zip=...", "where=..." */
  char **policies;     /* (nullable) names that are known; NULL: as the files say */
  const char *testbed; /* (nullable) */
  gboolean has_seeds;  /* replace those of the files */
  guint64 seed_first, seed_last;
  const Shard *shard; /* (nullable) */
} PlanOptions;

typedef struct {
  const Scenario *scenario; /* (borrowed) until the next call */
  guint64 seed;
  const char *variant; /* (borrowed) likewise; NULL: there is no sweep */
} PlanRun;

typedef struct _Plan Plan;

/* (transfer full) what "sets", "varies" (both nullable), a policy and a testbed (likewise) ask for;
 * NULL with an error (of char *) in @errors. */
ScenarioOverrides *plan_make_overrides (char **sets, char **varies, const char *policy,
                                        const char *testbed, GPtrArray *errors);

/* NULL: errors of options or of any scenario at any point were added to @errors (of char *, freed
 * with g_free). */
Plan *plan_new (const PlanOptions *options, GPtrArray *errors);
void plan_free (Plan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Plan, plan_free)

/* Runs of the shard, and of all. */
guint64 plan_count (const Plan *plan);
guint64 plan_count_all (const Plan *plan);

/* Sets @run_out to run @i (< plan_count()). FALSE: its point is in error, which was added to
 * @errors. */
gboolean plan_get (Plan *plan, guint64 i, PlanRun *run_out, GPtrArray *errors);

/* Names what is to be run by @build: files as they stand, policies, testbed. Seeds, points and
 * shards do not count, so that a sweep that grows stays the same one. (transfer full) */
char *plan_get_hash (const Plan *plan, const char *build);

G_END_DECLS
