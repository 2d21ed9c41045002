/* SPDX-License-Identifier: Apache-2.0 */
/* test-validation.c - rows of a validation: their figures, to the database and back, as text. */
#include "reports/validation.h"
#include "tests/reports/fixture.h"

#include <math.h>
#include <string.h>

static ValidationRow *
make_row (const char *scenario, const char *name, double sim, double lab, double tolerance)
{
  ValidationRow *row = g_new0 (ValidationRow, 1);
  gboolean is_rate = strcmp (name, "goodput") == 0;

  row->scenario = g_strdup (scenario);
  row->subject_kind = STORE_SUBJECT_FLOW;
  row->subject = g_strdup ("upload");
  row->name = g_strdup (name);
  row->unit = g_strdup (is_rate ? "bit/s" : "ns");
  row->sim = (ValidationSample) { 15, sim, sim, sim };
  row->lab = (ValidationSample) { 3, lab, lab - 1, lab + 1 };
  row->tolerance = tolerance;
  row->held = fabs (sim - lab) <= tolerance;
  return row;
}

static void
test_sample (void)
{
  double values[] = { 5, NAN, 1, 3 };
  ValidationSample sample = validation_make_sample (values, 3); /* NAN is longer than all */
  g_assert_cmpfloat (sample.median, ==, 5);
  g_assert_cmpfloat (sample.min, ==, 1);
  g_assert_cmpfloat (sample.max, ==, 5);

  double even[] = { 4, 1, 2, 8 };
  g_assert_cmpfloat (validation_make_sample (even, 4).median, ==, 3);
  double missing[] = { NAN, NAN, 1 };
  sample = validation_make_sample (missing, 3);
  g_assert_true (isnan (sample.median));
  g_assert_cmpfloat (sample.max, ==, 1);
  sample = validation_make_sample (missing, 0);
  g_assert_true (isnan (sample.median) && isnan (sample.min) && isnan (sample.max));
  g_assert_cmpuint (sample.n_runs, ==, 0);
}

static void
test_goodput_median (void)
{
  g_autoptr (GPtrArray) rows = validation_rows_new ();

  for (guint i = 0; i < VALIDATION_MEDIAN_ROWS_MIN; i++) {
    g_assert_true (isnan (validation_get_goodput_median (rows)));
    /* Errors of 2, 4, 6, 8, 10 %. */
    g_ptr_array_add (rows, make_row ("s", "goodput", 102 + 2 * i, 100, 20));
  }
  g_ptr_array_add (rows, make_row ("s", "recovery", 1000, 100, 2000));
  g_assert_cmpfloat_with_epsilon (validation_get_goodput_median (rows), 0.06, 1e-9);
  g_assert_false (validation_held (rows)); /* each of them does, but not the median */
  ValidationRow *third = g_ptr_array_index (rows, 2);
  third->has_random_loss = TRUE;
  g_assert_true (isnan (validation_get_goodput_median (rows)));
  g_assert_true (validation_held (rows));
  third->held = FALSE;
  g_assert_false (validation_held (rows));
  third->lab.median = 0;
  g_assert_true (isnan (validation_row_get_error (third)));
}

static void
test_store (void)
{
  char *dir = fixture_dir_new ();
  g_autofree char *path = fixture_path (dir, "v.db");
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = validation_rows_new ();
  gint64 campaign_id, found;

  g_ptr_array_add (rows, make_row ("one", "goodput", 103, 100, 10));
  g_ptr_array_add (rows, make_row ("one", "recovery", NAN, 5e6, 30e6));
  {
    g_autoptr (Store) store = store_open (path, STORE_OPEN_CREATE, &error);
    g_assert_no_error (error);
    g_assert_true (store_campaign_begin (store, "c", "", &campaign_id, &error));
    g_assert_true (validation_find (store, NULL, &found, &error));
    g_assert_cmpint (found, ==, 0);
    /* The second time they take the place of the first. */
    g_assert_true (validation_store (store, campaign_id, rows, &error));
    g_assert_true (validation_store (store, campaign_id, rows, &error));
    g_assert_true (validation_find (store, "c", &found, &error));
    g_assert_cmpint (found, ==, campaign_id);
    g_assert_true (validation_find (store, "other", &found, &error));
    g_assert_cmpint (found, ==, 0);
    g_autoptr (GPtrArray) again = validation_load (store, campaign_id, &error);
    g_assert_cmpuint (again->len, ==, 2);
    const ValidationRow *row = g_ptr_array_index (again, 1);
    g_assert_cmpstr (row->scenario, ==, "one");
    g_assert_cmpstr (row->name, ==, "recovery");
    g_assert_cmpint (row->subject_kind, ==, STORE_SUBJECT_FLOW);
    g_assert_true (isnan (row->sim.median));
    g_assert_cmpfloat (row->lab.max, ==, 5e6 + 1);
    g_assert_cmpuint (row->sim.n_runs, ==, 15);
    g_assert_cmpuint (row->lab.n_runs, ==, 3);
    g_assert_false (row->held);
    g_autofree char *before = validation_format_json (rows);
    g_autofree char *after = validation_format_json (again);
    g_assert_cmpstr (before, ==, after);
  }
  fixture_dir_free (dir);
}

static void
test_text (void)
{
  g_autoptr (GPtrArray) rows = validation_rows_new ();

  g_ptr_array_add (rows, make_row ("a|b", "goodput", 97e6, 100e6, 10e6));
  g_ptr_array_add (rows, make_row ("two", "longest-gap", 100e6, 20e6, 30e6));
  g_autofree char *text = validation_format_text (rows, FALSE);
  g_assert_nonnull (strstr (text, "-3.0 %"));
  g_assert_nonnull (strstr (text, "+400.0 %"));
  g_assert_nonnull (strstr (text, "OUTSIDE"));
  g_assert_nonnull (strstr (text, "1 of 2 metrics are within their tolerance."));
  g_autofree char *page = validation_format_markdown (rows);
  g_assert_nonnull (strstr (page, "| a&#124;b | upload.goodput | 97.0 Mbit/s | 100 Mbit/s |"));
  g_assert_nonnull (strstr (page, "**outside**"));
  g_autofree char *json = validation_format_json (rows);
  g_assert_true (g_str_has_prefix (json, "{\"held\":false,\"goodput_median_error\":null,"));
  g_assert_nonnull (strstr (json, "\"error\":4,"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reports/validation/sample", test_sample);
  g_test_add_func ("/reports/validation/goodput-median", test_goodput_median);
  g_test_add_func ("/reports/validation/store", test_store);
  g_test_add_func ("/reports/validation/text", test_text);
  return g_test_run ();
}
