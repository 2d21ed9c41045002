/* SPDX-License-Identifier: Apache-2.0 */
/* test-json.c - the object that --json prints for a run. */
#include <json-glib/json-glib.h>
#include <math.h>

#include "tests/reports/fixture.h"
#include "reports/json.h"

static const char expected[] =
    "{\"schema\":1,\"scenario\":\"silent-fast-link\",\"hash\":\"00ff\",\"variant\":null,\"seed\":7,"
    "\"policy\":\"adaptive\",\"testbed\":\"sim\",\"outcome\":\"survives\",\"exit\":1,"
    "\"digest\":\"c0ffee\",\"metrics\":{"
    "\"links-ended\":{\"value\":2,\"unit\":\"count\"},"
    "\"upload.goodput\":{\"value\":47250000,\"unit\":\"bit/s\"},"
    "\"upload.efficiency\":{\"value\":0.5,\"unit\":\"ratio\"},"
    "\"upload.longest-gap\":{\"value\":105000000,\"unit\":\"ns\"},"
    "\"upload.recovery\":{\"value\":null,\"unit\":\"ns\"},"
    "\"upload.lost-ramp-up\":{\"value\":300000000,\"unit\":\"ns\"},"
    "\"upload.lost-detection\":{\"value\":100000000,\"unit\":\"ns\"},"
    "\"ping.latency-p99\":{\"value\":9007199254740991,\"unit\":\"ns\"},"
    "\"wifi.resent-bytes\":{\"value\":1234567,\"unit\":\"bytes\"}},"
    "\"expectations\":["
    "{\"name\":\"integrity\",\"bound\":\"exact\",\"actual\":\"exact\",\"held\":true},"
    "{\"name\":\"upload.efficiency\",\"bound\":\">= 95%\",\"actual\":\"95.3%\",\"held\":true},"
    "{\"name\":\"upload.longest-gap\",\"bound\":\"<= 100ms & \\\"<b>\\\"\",\"actual\":\"105ms\","
    "\"held\":false},"
    "{\"name\":\"upload.recovery\",\"bound\":\"<= 1s\",\"actual\":null,\"held\":false}]}\n";

static void
test_object (void)
{
  g_autoptr (StoreRun) run = fixture_run_new (1, 7);
  run->finished = TRUE;
  g_array_index (run->metrics, StoreMetric, 2).value = 0.5;
  g_autofree char *line = report_json_format (run);
  g_assert_cmpstr (line, ==, expected);
}

static void
test_what_is_not_defined (void)
{
  g_autoptr (StoreRun) run = store_run_new ();
  run->scenario_name = "new\nline";
  store_run_add_metric (run, STORE_SUBJECT_RUN, "", "x", INFINITY, "count");
  store_run_add_metric (run, STORE_SUBJECT_RUN, "", "y", 1e300, "count");
  g_autofree char *line = report_json_format (run);
  g_assert_true (strchr (line, '\n') == line + strlen (line) - 1);

  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root = json_from_string (line, &error);
  g_assert_no_error (error);
  JsonObject *object = json_node_get_object (root);
  static const char *const nulls[] = { "hash",    "variant", "policy", "testbed",
                                       "outcome", "exit",    "digest" };
  for (gsize i = 0; i < G_N_ELEMENTS (nulls); i++)
    g_assert_true (json_object_get_null_member (object, nulls[i]));
  g_assert_cmpstr (json_object_get_string_member (object, "scenario"), ==, "new\nline");
  JsonObject *metrics = json_object_get_object_member (object, "metrics");
  g_assert_true (
      json_object_get_null_member (json_object_get_object_member (metrics, "x"), "value"));
  g_assert_cmpfloat (
      json_object_get_double_member (json_object_get_object_member (metrics, "y"), "value"), ==,
      1e300);
}

/* Numbers whose shortest form has an exponent and no point are JSON, too. */
static void
test_small_and_large (void)
{
  static const double values[] = { 3e-09, 6e-09, 1e-08, -1e-08, 1e-300, 1e22, 1.5e-9, 0.1 };
  g_autoptr (StoreRun) run = store_run_new ();
  for (gsize i = 0; i < G_N_ELEMENTS (values); i++) {
    g_autofree char *name = g_strdup_printf ("m%zu", i);
    store_run_add_metric (run, STORE_SUBJECT_RUN, "", name, values[i], "ratio");
  }
  g_autofree char *line = report_json_format (run);
  g_autoptr (GRegex) broken = g_regex_new ("e[-+]?[0-9]+\\.", 0, 0, NULL);
  g_assert_false (g_regex_match (broken, line, 0, NULL));
  g_autoptr (JsonNode) root = json_from_string (line, NULL);
  JsonObject *metrics = json_object_get_object_member (json_node_get_object (root), "metrics");
  for (gsize i = 0; i < G_N_ELEMENTS (values); i++) {
    g_autofree char *name = g_strdup_printf ("m%zu", i);
    JsonObject *metric = json_object_get_object_member (metrics, name);
    double value = json_object_get_double_member (metric, "value");
    g_assert_cmpfloat_with_epsilon (value, values[i], fabs (values[i]) * 1e-14);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reports/json/object", test_object);
  g_test_add_func ("/reports/json/what-is-not-defined", test_what_is_not_defined);
  g_test_add_func ("/reports/json/small-and-large", test_small_and_large);
  return g_test_run ();
}
