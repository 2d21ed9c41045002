/* SPDX-License-Identifier: Apache-2.0 */
/* whole-run.c - how fast a run is and how much memory it takes: endpoints, simulator, oracle,
 * measures and record, all but the database.
 *
 *   ninja -C build bench/whole-run && build/bench/whole-run SCENARIO...
 *
 * Prints an object per scenario, as JSON Lines: simulated, real and processor time, steps (events
 * of the simulator's queue), traced (events of the two endpoints), and the peak memory of the
 * process so far: give one scenario to have its own. Ends with status 1 when a run does not hold
 * what its scenario expects. */
#include "harness/run.h"

#include <string.h>
#include <time.h>

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
  const RunOptions options = { .kept_events = RUN_KEPT_EVENTS_DEFAULT };
  g_autoptr (StoreRun) store = run_prepare (scenario, scenario->seed_first, &options);
  clock_t cpu = clock ();
  g_autoptr (RunResult) result = run_scenario (scenario, scenario->seed_first, &options, store);
  cpu = clock () - cpu;
  g_print ("{\"scenario\": \"%s\", \"simulated_s\": %.6f, \"wall_s\": %.6f, \"cpu_s\": %.6f, "
           "\"steps\": %" G_GUINT64_FORMAT ", \"traced\": %" G_GUINT64_FORMAT
           ", \"peak_kib\": %" G_GINT64_FORMAT "}\n",
           scenario->name, (double)result->simulated_ns / 1e9, (double)result->wall_ns / 1e9,
           (double)cpu / CLOCKS_PER_SEC, result->n_steps, result->n_events, get_peak_kib ());
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
