/* SPDX-License-Identifier: Apache-2.0 */
/* verb-check.c - caiman check: reads scenarios and prints them resolved, or all their errors. */
#include "tools/scenarios.h"
#include "tools/tool.h"

int
verb_check (int argc, char **argv)
{
  int status;
  gboolean ok = TRUE;
  g_auto (GStrv) sets = NULL;
  const GOptionEntry entries[] = {
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &sets, "Replace a value of the file",
      "GROUP.KEY=VALUE" },
    G_OPTION_ENTRY_NULL,
  };
  if (!tool_parse (&argc, &argv, entries, "FILE...",
                   "Reads scenarios and prints each with every default made explicit, or all that\n"
                   "is wrong with it as FILE:LINE: MESSAGE on standard error. Nothing is run.",
                   "Exit status: 0, or 2 when a scenario has errors.", 1, -1, &status))
    return status;
  g_autoptr (ScenarioOverrides) overrides = scenarios_parse_sets (sets, NULL);
  if (overrides == NULL)
    return EXIT_STATUS_USAGE;
  for (int i = 1; i < argc; i++) {
    g_autoptr (Scenario) scenario = scenarios_load (argv[i], overrides);
    ok = ok && scenario != NULL;
    if (scenario == NULL || tool_is_quiet ())
      continue;
    g_autofree char *text = scenario_print (scenario);
    g_autofree char *titled =
        g_strdup_printf ("%s# %s: hash %s\n%s", i > 1 ? "\n" : "", argv[i], scenario->hash, text);
    tool_print (titled);
  }
  return ok ? RUN_EXIT_HELD : EXIT_STATUS_USAGE;
}
