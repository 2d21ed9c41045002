/* SPDX-License-Identifier: Apache-2.0 */
/* scenarios.h - loads the scenarios that a command line names, and counts out their runs. */
#pragma once

#include "harness/scenario.h"

G_BEGIN_DECLS

/* The overrides that --set GROUP.KEY=VALUE (nullable), --policy (nullable) and --testbed (nullable)
 * ask for; NULL: one has not this form, which was told on standard error. (transfer full) */
ScenarioOverrides *scenarios_parse_sets (char **sets, const char *policy, const char *testbed);

/* FALSE: there is no testbed @name (nullable: sim), which was told on standard error; *@status_out
 * is the exit status for that. */
gboolean scenarios_check_testbed (const char *name, int *status_out);

/* NULL: its errors were told on standard error. (transfer full) */
Scenario *scenarios_load (const char *path, const ScenarioOverrides *overrides);

/* All runs of several files: each file with each point of its sweep with each seed, in this order,
 * the seed changing fastest. */
typedef struct _RunPlan RunPlan;

typedef struct {
  char **paths;                 /* NULL-terminated; borrowed */
  char **sets;                  /* (nullable) as of --set; borrowed */
  const char *policy, *testbed; /* (nullable) */
  gboolean has_seeds;           /* replace those of the files */
  guint64 seed_first, seed_last;
} RunPlanOptions;

/* NULL: errors of options or of any scenario at any point were told on standard error. */
RunPlan *run_plan_new (const RunPlanOptions *options);
void run_plan_free (RunPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RunPlan, run_plan_free)

guint64 run_plan_count (const RunPlan *plan);

/* The scenario of run @number (borrowed, until the next call), its seed, and what the sweep has set
 * (borrowed likewise; NULL without a sweep). */
const Scenario *run_plan_get (RunPlan *plan, guint64 number, guint64 *seed_out,
                              const char **variant_out);

G_END_DECLS
