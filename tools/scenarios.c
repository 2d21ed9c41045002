/* SPDX-License-Identifier: Apache-2.0 */
/* scenarios.c - see scenarios.h. */
#include "tools/scenarios.h"

#include "harness/run.h"
#include "harness/sweep.h"
#include "harness/testbed.h"
#include "tools/tool.h"

#include <string.h>

/* As many points as are looked through for errors before anything runs: more would keep the user
 * waiting, and errors of later ones are told when their turn comes. */
#define POINTS_CHECKED_MAX 10000

typedef struct {
  const char *path; /* borrowed */
  Scenario *scenario;
  guint n_points;
  guint64 seed_first, n_seeds;
  guint64 first_run; /* number of its first run */
} PlanFile;

struct _RunPlan {
  RunPlanOptions options;
  GPtrArray *files; /* of PlanFile */
  guint64 n_runs;

  /* The point that was asked for last. */
  const PlanFile *file;
  guint point;
  Scenario *scenario;
  char *variant;
};

ScenarioOverrides *
scenarios_parse_sets (char **sets, const char *policy, const char *testbed)
{
  g_autoptr (ScenarioOverrides) overrides = scenario_overrides_new ();
  scenario_overrides_set_testbed (overrides, testbed);
  if (policy != NULL) {
    scenario_overrides_set (overrides, "client.policy", policy);
    scenario_overrides_set (overrides, "server.policy", policy);
  }
  for (gsize i = 0; sets != NULL && sets[i] != NULL; i++) {
    g_auto (GStrv) parts = g_strsplit (sets[i], "=", 2);
    if (g_strv_length (parts) != 2 ||
        !scenario_overrides_set (overrides, g_strstrip (parts[0]), g_strstrip (parts[1]))) {
      tool_error ("--set takes GROUP.KEY=VALUE, not '%s'", sets[i]);
      return NULL;
    }
  }
  return g_steal_pointer (&overrides);
}

gboolean
scenarios_check_testbed (const char *name, int *status_out)
{
  if (name == NULL || testbed_find (name) != NULL)
    return TRUE;
  g_autofree char *names = g_strjoinv (" or ", (char **)testbed_list ());
  tool_error ("there is no testbed '%s'; it can be %s", name, names);
  *status_out = EXIT_STATUS_USAGE;
  return FALSE;
}

Scenario *
scenarios_load (const char *path, const ScenarioOverrides *overrides)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  Scenario *scenario = scenario_load (path, overrides, errors);
  for (guint i = 0; i < errors->len; i++)
    g_printerr ("%s\n", (const char *)g_ptr_array_index (errors, i));
  return scenario;
}

static void
plan_file_free (gpointer data)
{
  PlanFile *file = data;
  scenario_free (file->scenario);
  g_free (file);
}

void
run_plan_free (RunPlan *plan)
{
  if (plan == NULL)
    return;
  g_ptr_array_unref (plan->files);
  g_clear_pointer (&plan->scenario, scenario_free);
  g_free (plan->variant);
  g_free (plan);
}

static Scenario *
load_point (const RunPlan *plan, const PlanFile *file, guint point)
{
  g_autoptr (ScenarioOverrides) overrides =
      scenarios_parse_sets (plan->options.sets, plan->options.policy, plan->options.testbed);
  sweep_set_point (file->scenario, point, overrides);
  return scenarios_load (file->path, overrides);
}

static gboolean
check_points (const RunPlan *plan, const PlanFile *file)
{
  if (file->n_points == 1)
    return TRUE;
  for (guint point = 0; point < MIN (file->n_points, POINTS_CHECKED_MAX); point++) {
    Scenario *scenario = load_point (plan, file, point);
    if (scenario == NULL)
      return FALSE;
    scenario_free (scenario);
  }
  return TRUE;
}

/* FALSE: its errors were told. */
static gboolean
add_file (RunPlan *plan, const char *path, const ScenarioOverrides *overrides)
{
  Scenario *scenario = scenarios_load (path, overrides);
  if (scenario == NULL)
    return FALSE;
  PlanFile *file = g_new0 (PlanFile, 1);
  *file = (PlanFile) { .path = path, .scenario = scenario, .first_run = plan->n_runs };
  g_ptr_array_add (plan->files, file);
  file->n_points = sweep_count_points (scenario);
  file->seed_first = plan->options.has_seeds ? plan->options.seed_first : scenario->seed_first;
  file->n_seeds = (plan->options.has_seeds ? plan->options.seed_last : scenario->seed_last) -
                  file->seed_first + 1;
  guint64 n_runs;
  if (__builtin_mul_overflow (file->n_points, file->n_seeds, &n_runs) ||
      __builtin_add_overflow (plan->n_runs, n_runs, &plan->n_runs)) {
    tool_error ("%s: too many runs", path);
    return FALSE;
  }
  return check_points (plan, file);
}

RunPlan *
run_plan_new (const RunPlanOptions *options)
{
  g_autoptr (RunPlan) plan = g_new0 (RunPlan, 1);
  gboolean ok = TRUE;
  plan->options = *options;
  plan->files = g_ptr_array_new_with_free_func (plan_file_free);
  g_autoptr (ScenarioOverrides) overrides =
      scenarios_parse_sets (options->sets, options->policy, options->testbed);
  if (overrides == NULL)
    return NULL;
  for (gsize i = 0; options->paths[i] != NULL; i++)
    ok = add_file (plan, options->paths[i], overrides) && ok;
  return ok ? g_steal_pointer (&plan) : NULL;
}

guint64
run_plan_count (const RunPlan *plan)
{
  return plan->n_runs;
}

static const PlanFile *
find_file (const RunPlan *plan, guint64 number)
{
  const PlanFile *file = NULL;
  for (guint i = 0; i < plan->files->len; i++) {
    const PlanFile *candidate = g_ptr_array_index (plan->files, i);
    if (candidate->first_run <= number)
      file = candidate;
  }
  return file;
}

const Scenario *
run_plan_get (RunPlan *plan, guint64 number, guint64 *seed_out, const char **variant_out)
{
  g_assert (number < plan->n_runs);
  const PlanFile *file = find_file (plan, number);
  guint64 index = number - file->first_run;
  guint point = (guint)(index / file->n_seeds);
  gboolean is_swept = file->scenario->sweeps->len > 0;
  *seed_out = file->seed_first + index % file->n_seeds;
  if (is_swept && (file != plan->file || point != plan->point || plan->scenario == NULL)) {
    g_clear_pointer (&plan->scenario, scenario_free);
    g_free (plan->variant);
    plan->scenario = load_point (plan, file, point);
    plan->variant = sweep_describe_point (file->scenario, point);
    plan->file = file;
    plan->point = point;
  }
  *variant_out = is_swept ? plan->variant : NULL;
  return is_swept ? plan->scenario : file->scenario;
}
