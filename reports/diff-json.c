/* SPDX-License-Identifier: Apache-2.0 */
/* diff-json.c - a diff as one JSON object, for programs. */
#include "reports/diff-format.h"

#include "reports/json-private.h"

#include <math.h>

static void
add_boolean (JsonBuilder *builder, const char *name, gboolean value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, value);
}

static void
add_run_id (JsonBuilder *builder, const char *name, gint64 id)
{
  report_json_add_number (builder, name, id > 0 ? (double)id : NAN);
}

static void
add_finding (JsonBuilder *builder, const DiffFinding *finding)
{
  json_builder_begin_object (builder);
  report_json_add_string (builder, "kind", diff_finding_to_string (finding->kind));
  add_boolean (builder, "regression", finding->is_regression);
  json_builder_set_member_name (builder, "seeds");
  json_builder_begin_array (builder);
  for (guint i = 0; i < finding->seeds->len; i++)
    json_builder_add_int_value (builder, g_array_index (finding->seeds, gint64, i));
  json_builder_end_array (builder);
  add_run_id (builder, "base_run", finding->base_run);
  add_run_id (builder, "new_run", finding->new_run);
  report_json_add_string (builder, "detail", finding->detail);
  json_builder_end_object (builder);
}

static void
add_metric (JsonBuilder *builder, const DiffMetric *metric)
{
  const StatsComparison *stats = &metric->stats;
  g_autofree char *name = diff_format_metric_name (metric);
  json_builder_begin_object (builder);
  report_json_add_string (builder, "metric", name);
  report_json_add_string (builder, "unit", metric->unit);
  report_json_add_string (builder, "verdict", diff_verdict_to_string (metric->verdict));
  add_boolean (builder, "regression", metric->is_regression);
  add_boolean (builder, "gated", metric->rule.is_gated);
  add_boolean (builder, "paired", metric->is_paired);
  report_json_add_integer (builder, "n_base", metric->n_base);
  report_json_add_integer (builder, "n_new", metric->n_new);
  report_json_add_number (builder, "base", stats->mean_base);
  report_json_add_number (builder, "new", stats->mean_new);
  report_json_add_number (builder, "difference", stats->difference);
  report_json_add_number (builder, "low", stats->low);
  report_json_add_number (builder, "high", stats->high);
  report_json_add_number (builder, "effect", stats->effect);
  report_json_add_number (builder, "p", stats->p);
  report_json_add_number (builder, "p_adjusted", metric->p_adjusted);
  report_json_add_number (builder, "limit", metric->limit);
  json_builder_end_object (builder);
}

static void
add_group (JsonBuilder *builder, const DiffGroup *group)
{
  json_builder_begin_object (builder);
  report_json_add_string (builder, "scenario", group->scenario);
  report_json_add_string (builder, "variant", group->variant);
  report_json_add_string (builder, "base_policy", group->base_policy);
  report_json_add_string (builder, "new_policy", group->new_policy);
  report_json_add_string (builder, "testbed", group->testbed);
  report_json_add_integer (builder, "n_base", group->n_base);
  report_json_add_integer (builder, "n_new", group->n_new);
  report_json_add_integer (builder, "n_pairs", group->n_pairs);
  report_json_add_number (builder, "confidence", group->confidence);
  json_builder_set_member_name (builder, "findings");
  json_builder_begin_array (builder);
  for (guint i = 0; i < group->findings->len; i++)
    add_finding (builder, g_ptr_array_index (group->findings, i));
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "metrics");
  json_builder_begin_array (builder);
  for (guint i = 0; i < group->metrics->len; i++)
    add_metric (builder, g_ptr_array_index (group->metrics, i));
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

char *
diff_format_json (const Diff *diff)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  json_builder_begin_object (builder);
  report_json_add_integer (builder, "schema", REPORT_DIFF_JSON_SCHEMA);
  report_json_add_string (builder, "base", diff->base_path);
  report_json_add_string (builder, "new", diff->new_path);
  add_boolean (builder, "regression", diff_is_regression (diff));
  add_boolean (builder, "identical", diff_is_identical (diff));
  report_json_add_integer (builder, "n_pairs", diff->n_pairs);
  report_json_add_integer (builder, "n_tested", diff->n_tested);
  report_json_add_integer (builder, "n_older", diff->n_older);
  report_json_add_integer (builder, "n_too_few", diff->n_too_few);
  report_json_add_integer (builder, "n_pairs_wanted", diff->n_pairs_wanted);
  json_builder_set_member_name (builder, "groups");
  json_builder_begin_array (builder);
  for (guint i = 0; i < diff->groups->len; i++)
    add_group (builder, g_ptr_array_index (diff->groups, i));
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *line = json_to_string (root, FALSE);
  return g_strconcat (line, "\n", NULL);
}
