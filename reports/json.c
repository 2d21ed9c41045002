/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - see json.h. */
#include "reports/json.h"

#include "reports/json-private.h"

#include <math.h>
#include <string.h>

/* Up to here every integer has a double of its own. */
#define EXACT_INTEGER_MAX 9007199254740992.0

void
report_json_add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  if (value)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

void
report_json_add_integer (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

/* JSON-GLib prints 3e-09 as "3e-09.0", which is no JSON. The next double has digits behind the
 * point. */
static double
avoid_bare_exponent (double value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];
  g_ascii_dtostr (digits, sizeof digits, value);
  while (strchr (digits, 'e') && !strchr (digits, '.')) {
    value = nextafter (value, INFINITY);
    g_ascii_dtostr (digits, sizeof digits, value);
  }
  return value;
}

/* Whole numbers without a fraction, so that a count looks like one. */
void
report_json_add_number (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  if (!isfinite (value))
    json_builder_add_null_value (builder);
  else if (value == floor (value) && fabs (value) <= EXACT_INTEGER_MAX)
    json_builder_add_int_value (builder, (gint64)value);
  else
    json_builder_add_double_value (builder, avoid_bare_exponent (value));
}

static void
add_metrics (JsonBuilder *builder, const StoreRun *run)
{
  json_builder_set_member_name (builder, "metrics");
  json_builder_begin_object (builder);
  for (guint i = 0; i < run->metrics->len; i++) {
    const StoreMetric *metric = &g_array_index (run->metrics, StoreMetric, i);
    g_autofree char *key = *metric->subject
                               ? g_strdup_printf ("%s.%s", metric->subject, metric->name)
                               : g_strdup (metric->name);
    json_builder_set_member_name (builder, key);
    json_builder_begin_object (builder);
    report_json_add_number (builder, "value", metric->value);
    report_json_add_string (builder, "unit", metric->unit);
    json_builder_end_object (builder);
  }
  json_builder_end_object (builder);
}

static void
add_expectations (JsonBuilder *builder, const StoreRun *run)
{
  json_builder_set_member_name (builder, "expectations");
  json_builder_begin_array (builder);
  for (guint i = 0; i < run->expectations->len; i++) {
    const StoreExpectation *e = &g_array_index (run->expectations, StoreExpectation, i);
    json_builder_begin_object (builder);
    report_json_add_string (builder, "name", e->name);
    report_json_add_string (builder, "bound", e->bound);
    report_json_add_string (builder, "actual", e->actual);
    json_builder_set_member_name (builder, "held");
    json_builder_add_boolean_value (builder, e->held);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
}

static void
add_exit (JsonBuilder *builder, const StoreRun *run)
{
  json_builder_set_member_name (builder, "exit");
  if (run->finished)
    json_builder_add_int_value (builder, run->exit_class);
  else
    json_builder_add_null_value (builder);
}

char *
report_json_format (const StoreRun *run)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  json_builder_begin_object (builder);
  report_json_add_integer (builder, "schema", REPORT_JSON_SCHEMA);
  report_json_add_string (builder, "scenario", run->scenario_name);
  report_json_add_string (builder, "hash", run->scenario_hash);
  report_json_add_string (builder, "variant", run->variant);
  report_json_add_integer (builder, "seed", run->seed);
  report_json_add_string (builder, "policy", run->policy);
  report_json_add_string (builder, "testbed", run->testbed);
  report_json_add_string (builder, "outcome", run->outcome);
  add_exit (builder, run);
  report_json_add_string (builder, "digest", run->digest);
  add_metrics (builder, run);
  add_expectations (builder, run);
  json_builder_end_object (builder);

  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *line = json_to_string (root, FALSE);
  return g_strconcat (line, "\n", NULL);
}
