/* SPDX-License-Identifier: Apache-2.0 */
/* validate.c - the runs of a validation. */
#include "harness/validate.h"

#include <string.h>

static void
append_all (GPtrArray *to, GPtrArray *from)
{
  for (guint i = 0; i < from->len; i++)
    g_ptr_array_add (to, g_strdup (g_ptr_array_index (from, i)));
}

GPtrArray *
validate_check (const ValidateScenario *scenario)
{
  GPtrArray *refused = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) sim = run_check (scenario->sim, "sim");
  g_autoptr (GPtrArray) lab = run_check (scenario->lab, "lab");

  append_all (refused, sim);
  append_all (refused, lab);
  return refused;
}

/* One run, recorded; its exit class in *@exit_out. */
static gboolean
run_once (const Scenario *scenario, guint64 seed, const char *testbed,
          const ValidateOptions *options, int *exit_out, GError **error)
{
  const RunOptions run_options = { .testbed = testbed, .git_id = options->git_id };
  g_autoptr (StoreRun) run = run_prepare (scenario, seed, &run_options);

  run->campaign_id = options->campaign_id;
  if (!store_run_begin (options->store, run, error))
    return FALSE;
  g_autoptr (RunResult) result = run_scenario (scenario, seed, &run_options, run);
  if (!store_run_finish (options->store, run, error))
    return FALSE;
  *exit_out = run->exit_class;
  if (options->told)
    options->told (run, result->problems, options->user_data);
  return TRUE;
}

/* In the lab, again where it could not keep up. */
static gboolean
run_lab (const Scenario *scenario, guint64 seed, const ValidateOptions *options, GError **error)
{
  int exit_class = RUN_EXIT_INTERNAL;

  for (guint i = 0; i <= VALIDATE_AGAIN_MAX && exit_class == RUN_EXIT_INTERNAL; i++) {
    if (*options->stop)
      return TRUE;
    if (!run_once (scenario, seed, "lab", options, &exit_class, error))
      return FALSE;
  }
  return TRUE;
}

guint
validate_count_lab_runs (const ValidateScenario *scenario, guint n_repeats)
{
  return validate_has_random_loss (scenario->lab) ? n_repeats * VALIDATE_LOSS_RUNS : n_repeats;
}

gboolean
validate_run (const ValidateScenario *scenario, const ValidateOptions *options, GError **error)
{
  guint64 seed = scenario->lab->seed_first;
  guint n_lab = validate_count_lab_runs (scenario, options->n_repeats);
  int ignored;

  for (guint i = 0; i < n_lab; i++) {
    if (!run_lab (scenario->lab, seed + i, options, error))
      return FALSE;
  }
  for (guint i = 0; i < n_lab * VALIDATE_SIM_RUNS && !*options->stop; i++) {
    if (!run_once (scenario->sim, seed + i, "sim", options, &ignored, error))
      return FALSE;
  }
  return TRUE;
}
