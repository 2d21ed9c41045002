/* SPDX-License-Identifier: Apache-2.0 */
/* scenarios.c - see scenarios.h. */
#include "tools/scenarios.h"

#include "harness/plan.h"
#include "harness/run.h"
#include "harness/testbed.h"
#include "tools/tool.h"

#include <string.h>

void
scenarios_tell (const GPtrArray *errors)
{
  for (guint i = 0; i < errors->len; i++) {
    const char *error = g_ptr_array_index (errors, i);
    if (g_str_has_prefix (error, "--"))
      tool_error ("%s", error);
    else
      g_printerr ("%s\n", error);
  }
}

ScenarioOverrides *
scenarios_make_overrides (char **sets, char **varies, const char *policy, const char *testbed)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  ScenarioOverrides *overrides = plan_make_overrides (sets, varies, policy, testbed, errors);
  scenarios_tell (errors);
  return overrides;
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
  scenarios_tell (errors);
  return scenario;
}
