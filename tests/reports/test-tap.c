/* SPDX-License-Identifier: Apache-2.0 */
/* test-tap.c - test points, directives and diagnostics; tests/tools/test-diff.py has prove read
 * them. */
#include "tests/reports/fixture.h"
#include "reports/tap.h"

static char *
format (int exit_class, gboolean is_finished, const char *problem)
{
  const char *const problems[] = { problem, NULL };
  g_autoptr (StoreRun) run = fixture_run_new (1, 5);
  run->id = 12;
  run->exit_class = exit_class;
  run->finished = is_finished;
  return tap_format_run (3, run, problems, "my results.db");
}

static void
test_points (void)
{
  g_autofree char *ok = format (0, TRUE, NULL);
  g_autofree char *skipped = format (77, TRUE, "tcp refuses: #1 \\ loss\nand more");
  g_autofree char *unfinished = format (0, FALSE, NULL);
  g_assert_cmpstr (ok, ==, "ok 3 - silent-fast-link, seed 5, adaptive, sim\n");
  g_assert_cmpstr (
      skipped, ==,
      "ok 3 - silent-fast-link, seed 5, adaptive, sim # SKIP tcp refuses: \\#1 \\\\ loss "
      "and more\n");
  g_assert_true (g_str_has_prefix (unfinished, "not ok 3 - "));
  g_assert_nonnull (strstr (unfinished, "  message: \"UNFINISHED\"\n"));
}

/* What did not hold, as YAML that no text can leave. */
static void
test_diagnostics (void)
{
  g_autofree char *text = format (1, TRUE, "liveness: \"stuck\" \\\n  ...");
  g_assert_cmpstr (text, ==,
                   "not ok 3 - silent-fast-link, seed 5, adaptive, sim\n"
                   "  ---\n"
                   "  message: \"FAILED\"\n"
                   "  outcome: \"survives\"\n"
                   "  problems:\n"
                   "    - \"liveness: \\\"stuck\\\" \\\\   ...\"\n"
                   "  failed:\n"
                   "    - name: \"upload.longest-gap\"\n"
                   "      expected: \"<= 100ms & \\\"<b>\\\"\"\n"
                   "      got: \"105ms\"\n"
                   "    - name: \"upload.recovery\"\n"
                   "      expected: \"<= 1s\"\n"
                   "      got: \"nothing\"\n"
                   "  replay: \"caiman replay 'my results.db' 12\"\n"
                   "  ...\n");
}

static void
test_end (void)
{
  g_autofree char *plan = tap_format_end (7, NULL);
  g_autofree char *nothing = tap_format_end (0, NULL);
  g_autofree char *interrupted = tap_format_end (3, "not all runs are done");
  g_assert_cmpstr (plan, ==, "1..7\n");
  g_assert_cmpstr (nothing, ==, "1..0 # SKIP no runs\n");
  g_assert_cmpstr (interrupted, ==, "Bail out! not all runs are done\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reports/tap/points", test_points);
  g_test_add_func ("/reports/tap/diagnostics", test_diagnostics);
  g_test_add_func ("/reports/tap/end", test_end);
  return g_test_run ();
}
