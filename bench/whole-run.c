/* SPDX-License-Identifier: Apache-2.0 */
/* whole-run.c - how fast a run is and how much memory it takes: endpoints, simulator, oracle,
 * measures and record, all but the database.
 *
 *   ninja -C build bench/whole-run && build/bench/whole-run [--seeds N] SCENARIO...
 *
 * Prints an object per scenario, as JSON Lines: simulated, real and processor time, steps (events
 * of the simulator's queue), traced (events of the two endpoints), and the peak memory of the
 * process so far: give one scenario to have its own. With --seeds each is run with the seeds 1 to
 * N, without keeping events, and the figures are those of all together. Ends with status 1 when a
 * run does not hold what its scenario expects. */
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

/* Figures of one run, or the sum of several. */
typedef struct {
  gint64 simulated_ns, wall_ns;
  guint64 n_steps, n_events;
  gboolean held;
} Figures;

static void
run (const Scenario *scenario, guint64 seed, guint64 kept_events, Figures *sum)
{
  const RunOptions options = { .kept_events = kept_events };
  g_autoptr (StoreRun) store = run_prepare (scenario, seed, &options);
  g_autoptr (RunResult) result = run_scenario (scenario, seed, &options, store);
  sum->simulated_ns += result->simulated_ns;
  sum->wall_ns += result->wall_ns;
  sum->n_steps += result->n_steps;
  sum->n_events += result->n_events;
  sum->held &= result->exit_class == RUN_EXIT_HELD;
  for (guint i = 0; i < result->problems->len; i++)
    g_printerr ("%s: %s\n", scenario->path, (const char *)g_ptr_array_index (result->problems, i));
}

/* @n_seeds 0: the first seed of the file. */
static gboolean
measure (const char *path, guint64 n_seeds)
{
  g_autoptr (Scenario) scenario = load (path);
  Figures sum = { .held = TRUE };
  if (scenario == NULL)
    return FALSE;
  clock_t cpu = clock ();
  if (n_seeds == 0)
    run (scenario, scenario->seed_first, RUN_KEPT_EVENTS_DEFAULT, &sum);
  for (guint64 seed = 1; seed <= n_seeds; seed++)
    run (scenario, seed, 0, &sum);
  cpu = clock () - cpu;
  g_print ("{\"scenario\": \"%s\", \"simulated_s\": %.6f, \"wall_s\": %.6f, \"cpu_s\": %.6f, "
           "\"steps\": %" G_GUINT64_FORMAT ", \"traced\": %" G_GUINT64_FORMAT
           ", \"peak_kib\": %" G_GINT64_FORMAT "}\n",
           scenario->name, (double)sum.simulated_ns / 1e9, (double)sum.wall_ns / 1e9,
           (double)cpu / CLOCKS_PER_SEC, sum.n_steps, sum.n_events, get_peak_kib ());
  return sum.held;
}

int
main (int argc, char **argv)
{
  guint64 n_seeds = 0;
  int first = 1;
  if (argc > 2 && strcmp (argv[1], "--seeds") == 0) {
    n_seeds = g_ascii_strtoull (argv[2], NULL, 10);
    first = 3;
  }
  gboolean all_held = argc > first;
  if (argc <= first)
    g_printerr ("usage: whole-run [--seeds N] SCENARIO...\n");
  for (int i = first; i < argc; i++)
    all_held &= measure (argv[i], n_seeds);
  return all_held ? 0 : 1;
}
