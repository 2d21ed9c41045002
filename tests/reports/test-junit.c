/* SPDX-License-Identifier: Apache-2.0 */
/* test-junit.c - the JUnit document, checked against a schema where xmllint is there. */
#include "tests/reports/fixture.h"
#include "reports/junit.h"

/* Adds a run of this exit class; -1: unfinished. */
static void
add_run (JunitReport *report, int exit_class)
{
  g_autoptr (StoreRun) run = fixture_run_new (1, exit_class);
  run->id = 12;
  run->finished = exit_class >= 0;
  run->exit_class = MAX (exit_class, 0);
  run->outcome = exit_class == 4 ? NULL : "survives";
  run->started_us = 1769860800 * G_GINT64_CONSTANT (1000000);
  run->wall_ns = 1500000000;
  junit_report_add (report, run, NULL);
}

static void
assert_contains (const char *text, const char *part)
{
  if (!strstr (text, part))
    g_error ("no \"%s\" in:\n%s", part, text);
}

/* Every run lands in exactly one of the counts. */
static void
test_counts (void)
{
  static const int classes[] = { 0, 0, 1, 3, 4, 77, 2, 70, 130, -1 };
  g_autoptr (JunitReport) report = junit_report_new ("nightly", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (classes); i++)
    add_run (report, classes[i]);
  g_autofree char *text = junit_report_format (report);
  assert_contains (text, "<testsuites name=\"nightly\" tests=\"10\" failures=\"3\" errors=\"4\""
                         " time=\"15.000000\">");
  assert_contains (text, " time=\"15.000000\" skipped=\"1\" timestamp=");
  assert_contains (text, "timestamp=\"2026-01-31T12:00:00\"");
  assert_contains (text, "<failure message=\"FAILED, outcome survives\" type=\"expectation\">");
  assert_contains (text, "<failure message=\"UNSAFE, outcome survives\" type=\"safety\">");
  assert_contains (text, "<failure message=\"STUCK, outcome -\" type=\"liveness\">");
  assert_contains (text, "<error message=\"ERROR, outcome survives\" type=\"error\">");
  assert_contains (text, "<error message=\"the run did not finish\" type=\"unfinished\">");
  assert_contains (text, "<skipped message=\"survives\"/>");
  g_assert_null (strstr (text, "caiman replay"));
}

static void
test_failure_text (void)
{
  g_autoptr (JunitReport) report = junit_report_new ("nightly", "my results.db");
  add_run (report, 1);
  g_autofree char *text = junit_report_format (report);
  assert_contains (text, "<testcase classname=\"silent-fast-link\" name=\"seed 1, adaptive, sim\""
                         " time=\"1.500000\">");
  assert_contains (text, "\nupload.longest-gap: expected &lt;= 100ms &amp; &quot;&lt;b&gt;&quot;,"
                         " got 105ms (line 32)\n"
                         "upload.recovery: expected &lt;= 1s, got nothing (line 33)\n"
                         "replay: caiman replay 'my results.db' 12\n</failure>");
  g_assert_null (strstr (text, "integrity"));
}

/* What went wrong beside the expectations is in the failure, and in the reason to skip. */
static void
test_problems (void)
{
  const char *const problems[] = { "liveness at 5 s: <stuck>", "and more", NULL };
  g_autoptr (JunitReport) report = junit_report_new ("nightly", NULL);
  g_autoptr (StoreRun) run = fixture_run_new (1, 4);
  run->finished = TRUE;
  run->exit_class = 4;
  junit_report_add (report, run, problems);
  run->exit_class = 77;
  junit_report_add (report, run, problems);
  g_autofree char *text = junit_report_format (report);
  assert_contains (text, "type=\"liveness\">\nliveness at 5 s: &lt;stuck&gt;\nand more\n");
  assert_contains (text, "<skipped message=\"liveness at 5 s: &lt;stuck&gt;\"/>");
}

/* @path must be valid by tests/reports/junit.xsd. */
static void
assert_valid (const char *xmllint, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *schema = g_test_build_filename (G_TEST_DIST, "junit.xsd", NULL);
  const char *argv[] = { xmllint, "--noout", "--nonet", "--schema", schema, path, NULL };
  g_autofree char *errors = NULL;
  int status;
  g_assert_true (g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL,
                               &errors, &status, &error));
  if (!g_spawn_check_wait_status (status, NULL))
    g_error ("%s", errors);
}

static void
test_valid (void)
{
  g_autofree char *xmllint = g_find_program_in_path ("xmllint");
  if (!xmllint) {
    g_test_skip ("xmllint is not installed");
    return;
  }
  g_autoptr (GError) error = NULL;
  char *dir = fixture_dir_new ();
  g_autofree char *path = fixture_path (dir, "junit.xml");
  g_autoptr (JunitReport) report = junit_report_new ("a \"b\" <c> & \x01\xff]]>\n", "r'\x02.db");
  g_assert_true (junit_report_save (report, path, &error));
  assert_valid (xmllint, path);
  static const int classes[] = { 0, 1, 3, 4, 77, 70, -1 };
  for (gsize i = 0; i < G_N_ELEMENTS (classes); i++)
    add_run (report, classes[i]);
  const char *const problems[] = { "liveness at 5 s: <stuck> & \x01", NULL };
  g_autoptr (StoreRun) run = fixture_run_new (1, 5);
  run->finished = TRUE;
  run->variant = "link \xf0\x9f\x90\x8a.delay=\"<20ms>\"\t\xef\xbf\xbf";
  junit_report_add (report, run, problems);
  g_assert_true (junit_report_save (report, path, &error));
  g_assert_no_error (error);
  assert_valid (xmllint, path);
  fixture_dir_free (dir);
}

static void
test_cannot_save (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JunitReport) report = junit_report_new ("nightly", NULL);
  g_assert_false (junit_report_save (report, "/nonexistent/junit.xml", &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  junit_report_free (NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reports/junit/counts", test_counts);
  g_test_add_func ("/reports/junit/failure-text", test_failure_text);
  g_test_add_func ("/reports/junit/problems", test_problems);
  g_test_add_func ("/reports/junit/valid", test_valid);
  g_test_add_func ("/reports/junit/cannot-save", test_cannot_save);
  return g_test_run ();
}
