/* SPDX-License-Identifier: Apache-2.0 */
/* verb-check.c - caiman check: reads scenarios and prints them resolved, or all their errors. */
#include "harness/run.h"
#include "harness/sweep.h"
#include "tools/scenarios.h"
#include "tools/tool.h"

/* As many points are listed without -v. */
#define POINTS_LISTED_MAX 20

/* Appends the points of the sweep, a comment each. */
static void
list_points (const Scenario *scenario, GString *text)
{
  guint n_points = sweep_count_points (scenario);
  guint n_listed = tool_get_verbosity () > 0 ? n_points : MIN (n_points, POINTS_LISTED_MAX);

  for (guint i = 0; i < n_listed; i++) {
    g_autofree char *point = sweep_describe_point (scenario, i);
    g_string_append_printf (text, "#   %s\n", point);
  }
  if (n_listed < n_points)
    g_string_append_printf (text, "#   ... and %u more (-v lists all)\n", n_points - n_listed);
}

/* (transfer full) A comment on how many runs it makes, and of which points; "" for one. */
static char *
describe_runs (const Scenario *scenario)
{
  guint n_points = sweep_count_points (scenario);
  guint64 n_seeds = scenario->seed_last - scenario->seed_first + 1;
  gboolean is_swept = scenario->sweeps->len > 0;
  GString *text = g_string_new (NULL);

  if (is_swept)
    g_string_append_printf (text, "# %u point%s of its sweep", n_points, n_points > 1 ? "s" : "");
  if (n_seeds > 1)
    g_string_append_printf (text, "%s %" G_GUINT64_FORMAT " seeds", is_swept ? "," : "#", n_seeds);
  if (text->len > 0)
    g_string_append_printf (text, ": %" G_GUINT64_FORMAT " run%s\n", n_points * n_seeds,
                            n_points * n_seeds == 1 ? "" : "s");
  if (is_swept)
    list_points (scenario, text);
  return g_string_free (text, FALSE);
}

/* Tells what @testbed refuses of @scenario; FALSE when there is anything. */
static gboolean
check_testbed (const char *path, const Scenario *scenario, const char *testbed)
{
  g_autoptr (GPtrArray) refused = run_check (scenario, testbed);
  for (guint i = 0; i < refused->len; i++)
    g_printerr ("%s: %s\n", path, (const char *)g_ptr_array_index (refused, i));
  return refused->len == 0;
}

int
verb_check (int argc, char **argv)
{
  int status;
  gboolean ok = TRUE, is_honoured = TRUE;
  g_auto (GStrv) sets = NULL;
  g_auto (GStrv) varies = NULL;
  g_autofree char *testbed = NULL;
  const GOptionEntry entries[] = {
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &sets, "Replace a value of the file",
      "GROUP.KEY=VALUE" },
    { "vary", 0, 0, G_OPTION_ARG_STRING_ARRAY, &varies, "Sweep a value, as in [sweep]",
      "GROUP.KEY=VALUES" },
    { "testbed", 0, 0, G_OPTION_ARG_STRING, &testbed, "As it runs there (default sim)", "NAME" },
    G_OPTION_ENTRY_NULL,
  };
  if (!tool_parse (&argc, &argv, entries, "FILE...",
                   "Reads scenarios and prints each with every default made explicit, or all that\n"
                   "is wrong with it as FILE:LINE: MESSAGE on standard error. Nothing is run.",
                   "Exit status: 0, 2 when a scenario has errors, 77 when the testbed refuses one.",
                   1, -1, &status))
    return status;
  if (!scenarios_check_testbed (testbed, &status))
    return status;
  g_autoptr (ScenarioOverrides) overrides = scenarios_make_overrides (sets, varies, NULL, testbed);
  if (overrides == NULL)
    return EXIT_STATUS_USAGE;
  for (int i = 1; i < argc; i++) {
    g_autoptr (Scenario) scenario = scenarios_load (argv[i], overrides);
    ok = ok && scenario != NULL;
    if (scenario == NULL)
      continue;
    is_honoured &= check_testbed (argv[i], scenario, testbed != NULL ? testbed : "sim");
    if (tool_is_quiet ())
      continue;
    g_autofree char *text = scenario_print (scenario);
    g_autofree char *runs = describe_runs (scenario);
    g_autofree char *titled = g_strdup_printf ("%s# %s: hash %s\n%s%s", i > 1 ? "\n" : "", argv[i],
                                               scenario->hash, runs, text);
    tool_print (titled);
  }
  if (!ok)
    return EXIT_STATUS_USAGE;
  return is_honoured ? RUN_EXIT_HELD : RUN_EXIT_SKIPPED;
}
