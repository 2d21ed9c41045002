/* SPDX-License-Identifier: Apache-2.0 */
/* whole-run.c - how fast a run is and how much memory it takes: endpoints, simulator, oracle,
 * measures and record, all but the database.
 *
 *   ninja -C build bench/whole-run && build/bench/whole-run SCENARIO...
 *
 * Prints a line per scenario. Peak memory is that of the process so far: give one scenario to have
 * its own. Ends with status 1 when a run does not hold what its scenario expects. */
#include "harness/run.h"

#include <string.h>

/* The most memory that this process had resident, in KiB. */
static gint64
get_peak_kib (void)
{
  g_autofree char *status = NULL;
  const char *peak = NULL;
  if (g_file_get_contents ("/proc/self/status", &status, NULL, NULL))
    peak = strstr (status, "VmHWM:");
  return peak != NULL ? g_ascii_strtoll (peak + strlen ("VmHWM:"), NULL, 10) : 0;
}

static Scenario *
load (const char *path)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  Scenario *scenario = scenario_load (path, NULL, errors);
  for (guint i = 0; i < errors->len; i++)
    g_printerr ("%s\n", (const char *)g_ptr_array_index (errors, i));
  return scenario;
}

static gboolean
measure (const char *path)
{
  g_autoptr (Scenario) scenario = load (path);
  if (scenario == NULL)
    return FALSE;
  g_autoptr (StoreRun) store = run_prepare (scenario, scenario->seed_first, NULL);
  g_autoptr (RunResult) result = run_scenario (scenario, scenario->seed_first, NULL, store);
  double simulated_s = (double)result->simulated_ns / 1e9, wall_s = (double)result->wall_ns / 1e9;
  g_print ("%s: simulated %.3f s in %.4f s, %.1f times real time, %" G_GUINT64_FORMAT
           " events of the simulator, %.2f million/s, %" G_GUINT64_FORMAT
           " events traced, peak %" G_GINT64_FORMAT " KiB\n",
           path, simulated_s, wall_s, simulated_s / wall_s, result->n_steps,
           (double)result->n_steps / 1e6 / wall_s, result->n_events, get_peak_kib ());
  for (guint i = 0; i < result->problems->len; i++)
    g_printerr ("%s: %s\n", path, (const char *)g_ptr_array_index (result->problems, i));
  return result->exit_class == RUN_EXIT_HELD;
}

int
main (int argc, char **argv)
{
  gboolean all_held = argc > 1;
  if (argc == 1)
    g_printerr ("usage: whole-run SCENARIO...\n");
  for (int i = 1; i < argc; i++)
    all_held &= measure (argv[i]);
  return all_held ? 0 : 1;
}
