/* SPDX-License-Identifier: Apache-2.0 */
/* recapture.c - see recapture.h. */
#include "harness/recapture.h"

#include "harness/run.h"

#include <string.h>

static RecaptureVerdict fail (RecaptureVerdict verdict, GError **error, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static RecaptureVerdict
fail (RecaptureVerdict verdict, GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, STORE_ERROR, STORE_ERROR_FAILED, "%s", text);
  return verdict;
}

/* NULL with the first of its errors in @error. */
static Scenario *
parse (const StoreRun *recorded, GError **error)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  Scenario *scenario = scenario_parse (recorded->scenario_name, recorded->scenario_text,
                                       strlen (recorded->scenario_text), NULL, errors);
  if (scenario == NULL)
    fail (RECAPTURE_FAILED, error, "this version cannot read the recorded scenario: %s",
          errors->len > 0 ? (const char *)g_ptr_array_index (errors, 0) : "unknown error");
  return scenario;
}

static gboolean
check (const StoreRun *recorded, GError **error)
{
  if (g_strcmp0 (recorded->testbed, "sim") != 0)
    fail (RECAPTURE_REFUSED, error,
          "run %" G_GINT64_FORMAT " was on the testbed %s: only runs of the simulator can be run"
          " again to see their packets",
          recorded->id, recorded->testbed);
  else if (!recorded->finished || recorded->digest == NULL)
    fail (RECAPTURE_REFUSED, error, "run %" G_GINT64_FORMAT " %s", recorded->id,
          recorded->finished ? "was skipped: it had no packets" : "did not finish");
  else
    return TRUE;
  return FALSE;
}

static RecaptureVerdict
compare (const StoreRun *recorded, const StoreRun *now, const RunResult *result, GError **error)
{
  if (result->exit_class == RUN_EXIT_INTERNAL || result->exit_class == RUN_EXIT_SKIPPED)
    return fail (RECAPTURE_FAILED, error, "%s",
                 result->problems->len > 0 ? (const char *)g_ptr_array_index (result->problems, 0)
                                           : result->outcome);
  if (g_strcmp0 (recorded->digest, now->digest) == 0)
    return RECAPTURE_SAME;
  return fail (RECAPTURE_DIFFERENT, error,
               "these are not the packets of the recorded run: it was made by caiman %s, and this"
               " build behaves differently (caiman replay shows where)",
               recorded->git_id);
}

RecaptureVerdict
recapture_run (const StoreRun *recorded, ScenarioSide side, FILE *file, guint64 *packets_out,
               GError **error)
{
  guint64 seed = (guint64)recorded->seed;
  if (!check (recorded, error))
    return RECAPTURE_REFUSED;
  g_autoptr (Scenario) scenario = parse (recorded, error);
  if (scenario == NULL)
    return RECAPTURE_FAILED;
  g_autoptr (Capture) capture = capture_new (file, scenario, seed, side);
  RunOptions options = { .capture = capture };
  g_autoptr (StoreRun) now = run_prepare (scenario, seed, &options);
  g_autoptr (RunResult) result = run_scenario (scenario, seed, &options, now);
  if (!capture_finish (capture, error))
    return RECAPTURE_FAILED;
  *packets_out = capture_get_packets (capture);
  return compare (recorded, now, result, error);
}
