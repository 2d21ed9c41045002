/* SPDX-License-Identifier: Apache-2.0 */
/* test-broken-core.c - the oracle catches a core with a deliberate defect (core/broken.h).
 *
 * Built once per defect. EXPECTED is part of the violation's text; without it the core is sound and
 * the same scenario holds. */
#include "harness/run.h"

#include <string.h>

/* A reader that starts late and reads slowly, so that something waits in a small buffer; and a link
 * that the sender must not use for a while. */
static const char scenario_text[] = "[scenario]\n"
                                    "format = 1\n"
                                    "carrier = pipe\n"
                                    "title = For broken cores\n"
                                    "duration = 60s\n"
                                    "ends = at-duration\n"
                                    "[config]\n"
                                    "receive-buffer = 256KiB\n"
                                    "[link a]\n"
                                    "rate = 20mbit\n"
                                    "delay = 10ms\n"
                                    "[link b]\n"
                                    "rate = 20mbit\n"
                                    "delay = 30ms\n"
                                    "[traffic data]\n"
                                    "from = client\n"
                                    "kind = bulk\n"
                                    "bytes = 4MB\n"
                                    "reader-starts = 1s\n"
                                    "reader-rate = 8mbit\n"
                                    "[event block]\n"
                                    "at = 2s\n"
                                    "do = block a by client for 1s\n";

static void
test_caught (void)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (Scenario) scenario =
      scenario_parse ("broken", scenario_text, strlen (scenario_text), NULL, errors);

  for (guint i = 0; i < errors->len; i++)
    g_test_message ("%s", (const char *)g_ptr_array_index (errors, i));
  g_assert_nonnull (scenario);
  g_autoptr (StoreRun) store = run_prepare (scenario, 1, NULL);
  g_autoptr (RunResult) result = run_scenario (scenario, 1, NULL, store);
  g_autoptr (GString) problems = g_string_new (NULL);
  for (guint i = 0; i < result->problems->len; i++)
    g_string_append_printf (problems, "%s\n",
                            (const char *)g_ptr_array_index (result->problems, i));
  g_test_message ("%s", problems->str);
#ifdef EXPECTED
  g_assert_cmpint (result->exit_class, ==, RUN_EXIT_SAFETY);
  g_assert_nonnull (strstr (problems->str, EXPECTED));
#else
  g_assert_cmpstr (problems->str, ==, "");
  g_assert_cmpint (result->exit_class, ==, RUN_EXIT_HELD);
#endif
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/broken-core/caught", test_caught);
  return g_test_run ();
}
