/* SPDX-License-Identifier: Apache-2.0 */
/* test-validate.c - what a validation compares, by runs that are made up. */
#include "harness/validate.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define SCENARIO                                                                                   \
  "[scenario]\nformat = 1\ncarrier = tcp\nduration = 5s\nends = at-duration\n"                     \
  "[link a]\nrate = 10mbit\n%s\n[traffic upload]\nfrom = client\nkind = bulk\n"                    \
  "[event e]\nat = 1s\ndo = %s\n"

static Scenario *
parse (const char *key, const char *action)
{
  g_autofree char *text = g_strdup_printf (SCENARIO, key, action);
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  Scenario *scenario = scenario_parse ("made-up", text, strlen (text), NULL, errors);

  g_assert_cmpuint (errors->len, ==, 0);
  return scenario;
}

static void
assert_random_loss (const char *key, const char *action, gboolean expected)
{
  g_autoptr (Scenario) scenario = parse (key, action);

  const ValidateScenario both = { scenario, scenario };
  g_assert_true (validate_has_random_loss (scenario) == expected);
  g_assert_cmpuint (validate_count_lab_runs (&both, 3), ==, expected ? 12 : 3);
}

static void
test_random_loss (void)
{
  assert_random_loss ("", "reset a", FALSE);
  assert_random_loss ("loss = every(100)", "reset a", FALSE);
  assert_random_loss ("down.loss = 1%", "reset a", TRUE);
  assert_random_loss ("loss = gilbert(1%, 50%)", "reset a", TRUE);
  assert_random_loss ("corrupt-rate = 1%", "reset a", TRUE);
  assert_random_loss ("", "set a loss=2% for 1s", TRUE);
  assert_random_loss ("", "set a loss=none for 1s", FALSE);
  assert_random_loss ("", "set a delay=9ms for 1s", FALSE);
}

static void
test_tolerance (void)
{
  g_assert_cmpfloat (validate_get_tolerance ("goodput", 50e6, FALSE), ==, 5e6);
  g_assert_cmpfloat (validate_get_tolerance ("goodput", 100e6, TRUE), ==, 15e6);
  g_assert_cmpfloat (validate_get_tolerance ("recovery", 100e6, FALSE), ==, 30e6);
  g_assert_cmpfloat (validate_get_tolerance ("longest-gap", 1e9, FALSE), ==, 2e8);
  g_assert_cmpfloat (validate_get_tolerance ("connect-time", 100e6, FALSE), ==, 10e6);
}

/* Records a run that is made up. */
static void
record (Store *store, gint64 campaign_id, const Scenario *scenario, const char *testbed,
        double goodput, double recovery, int exit_class)
{
  const RunOptions options = { .testbed = testbed };
  g_autoptr (StoreRun) run = run_prepare (scenario, 1, &options);
  g_autoptr (GError) error = NULL;

  run->campaign_id = campaign_id;
  g_assert_true (store_run_begin (store, run, &error));
  store_run_add_metric (run, STORE_SUBJECT_FLOW, "upload", "goodput", goodput, "bit/s");
  store_run_add_metric (run, STORE_SUBJECT_FLOW, "upload", "recovery", recovery, "ns");
  run->outcome = "survives";
  run->exit_class = exit_class;
  g_assert_true (store_run_finish (store, run, &error));
}

static void
record_all (Store *store, gint64 campaign_id, const Scenario *scenario)
{
  record (store, campaign_id, scenario, "sim", 10.5e6, 1e9, 0);
  record (store, campaign_id, scenario, "lab", 9e6, NAN, 0);
  record (store, campaign_id, scenario, "lab", 10e6, NAN, 0);
  record (store, campaign_id, scenario, "lab", 11e6, 1e9, 1);
  record (store, campaign_id, scenario, "lab", 1e6, 1e9, RUN_EXIT_INTERNAL); /* could not keep up */
  record (store, campaign_id, scenario, "tcp", 1e6, 1e9, 0);
}

static void
assert_rows (const GPtrArray *rows)
{
  g_assert_cmpuint (rows->len, ==, 2);
  const ValidationRow *row = g_ptr_array_index (rows, 0);
  g_assert_cmpstr (row->name, ==, "goodput");
  g_assert_cmpstr (row->subject, ==, "upload");
  g_assert_cmpuint (row->lab.n_runs, ==, 3);
  g_assert_cmpfloat (row->lab.median, ==, 10e6);
  g_assert_cmpfloat_with_epsilon (validation_row_get_error (row), 0.05, 1e-9);
  g_assert_true (row->held);
  row = g_ptr_array_index (rows, 1);
  g_assert_cmpstr (row->name, ==, "recovery");
  g_assert_true (isnan (row->lab.median)); /* most of the runs did not recover */
  g_assert_true (isnan (row->tolerance));
  g_assert_false (row->held);
}

static void
test_compare (void)
{
  g_autofree char *folder = g_dir_make_tmp ("caiman-validate-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "v.db", NULL);
  g_autoptr (Scenario) scenario = parse ("", "reset a");
  g_autoptr (GError) error = NULL;
  gint64 first, second;
  Store *store = store_open (path, STORE_OPEN_CREATE, &error);

  g_assert_no_error (error);
  g_assert_true (store_campaign_begin (store, "first", "", &first, &error));
  g_assert_true (store_campaign_begin (store, "second", "", &second, &error));
  record_all (store, first, scenario);
  record (store, second, scenario, "sim", 1e6, 1e9, 0); /* which has no run of the lab */
  g_autoptr (GPtrArray) by_id = validate_compare (store, NULL, first, &error);
  assert_rows (by_id);
  g_autoptr (GPtrArray) by_name = validate_compare (store, "first", 0, &error);
  assert_rows (by_name);
  g_autoptr (GPtrArray) none = validate_compare (store, NULL, second, &error);
  g_assert_cmpuint (none->len, ==, 0);
  store_close (store);
  g_assert_cmpint (g_remove (path), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

/* A pipe is nothing that the lab could have; and nothing is run once the signal came. */
static void
test_check (void)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  static const char text[] = "[scenario]\nformat = 1\ncarrier = pipe\nduration = 5s\n"
                             "[link a]\nrate = 10mbit\n";
  g_autoptr (Scenario) pipe = scenario_parse ("pipe", text, sizeof text - 1, NULL, errors);
  const ValidateScenario scenario = { pipe, pipe };
  g_autoptr (GPtrArray) refused = validate_check (&scenario);
  volatile sig_atomic_t stop = 1;
  const ValidateOptions options = { .n_repeats = 3, .stop = &stop };

  g_assert_cmpuint (refused->len, >=, 1);
  g_assert_cmpuint (validate_count_lab_runs (&scenario, 3), ==, 3);
  g_assert_true (validate_run (&scenario, &options, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/validate/random-loss", test_random_loss);
  g_test_add_func ("/harness/validate/tolerance", test_tolerance);
  g_test_add_func ("/harness/validate/compare", test_compare);
  g_test_add_func ("/harness/validate/check", test_check);
  return g_test_run ();
}
