/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-scenario.c - any text is a scenario or has errors; a scenario's canonical text is stable. */
#include "harness/scenario.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (Scenario) scenario = scenario_parse ("fuzz", (const char *)data, size, NULL, errors);

  g_assert_true ((scenario == NULL) == (errors->len > 0));
  if (!scenario)
    return 0;
  g_autofree char *text = scenario_print (scenario);
  g_autoptr (Scenario) again = scenario_parse ("fuzz", text, strlen (text), NULL, errors);
  g_assert_nonnull (again);
  g_autofree char *text_again = scenario_print (again);
  g_assert_cmpstr (text_again, ==, text);
  return 0;
}
