/* SPDX-License-Identifier: Apache-2.0 */
/* report-summary.c - see report-summary.h. Texts that repeat are a list and indexes into it. */
#include "reports/report-summary.h"

#include "reports/variant.h"

#include <math.h>

typedef const char *(*RunText) (const QueryListEntry *entry);
typedef gint64 (*RunInteger) (const QueryListEntry *entry);

static const char *
get_campaign (const QueryListEntry *entry)
{
  return entry->campaign;
}

static const char *
get_scenario (const QueryListEntry *entry)
{
  return entry->run->scenario_name;
}

static const char *
get_variant (const QueryListEntry *entry)
{
  return entry->run->variant ? entry->run->variant : "";
}

static const char *
get_policy (const QueryListEntry *entry)
{
  return entry->run->policy;
}

static const char *
get_testbed (const QueryListEntry *entry)
{
  return entry->run->testbed;
}

static const char *
get_verdict (const QueryListEntry *entry)
{
  return report_run_get_verdict (entry->run);
}

static const char *
get_outcome (const QueryListEntry *entry)
{
  return entry->run->outcome ? entry->run->outcome : "";
}

static const char *
get_git_id (const QueryListEntry *entry)
{
  return entry->run->git_id;
}

static gint64
get_id (const QueryListEntry *entry)
{
  return entry->run->id;
}

static gint64
get_seed (const QueryListEntry *entry)
{
  return entry->run->seed;
}

static gint64
get_started (const QueryListEntry *entry)
{
  return entry->run->started_us / G_USEC_PER_SEC;
}

static gint64
get_simulated (const QueryListEntry *entry)
{
  return entry->run->simulated_ns / 1000000;
}

static gint64
get_wall (const QueryListEntry *entry)
{
  return entry->run->wall_ns / 1000000;
}

static gint64
get_held (const QueryListEntry *entry)
{
  return entry->n_held;
}

static gint64
get_not_held (const QueryListEntry *entry)
{
  return entry->n_not_held;
}

static gint64
get_replays (const QueryListEntry *entry)
{
  return report_run_can_replay (entry->run);
}

static void
add_texts (JsonText *json, const ReportModel *model, const char *name, RunText get)
{
  g_autoptr (GHashTable) indexes = g_hash_table_new (g_str_hash, g_str_equal);
  json_text_member_open (json, name, '{');
  json_text_member_open (json, "index", '[');
  g_autoptr (GPtrArray) distinct = g_ptr_array_new ();
  for (guint i = 0; i < model->entries->len; i++) {
    const char *text = get (g_ptr_array_index (model->entries, i));
    gpointer index = g_hash_table_lookup (indexes, text);
    if (!index) {
      g_ptr_array_add (distinct, (gpointer)text);
      index = GUINT_TO_POINTER (distinct->len);
      g_hash_table_insert (indexes, (gpointer)text, index);
    }
    json_text_integer (json, GPOINTER_TO_UINT (index) - 1);
  }
  json_text_close (json, ']');
  json_text_member_open (json, "texts", '[');
  for (guint i = 0; i < distinct->len; i++)
    json_text_string (json, g_ptr_array_index (distinct, i));
  json_text_close (json, ']');
  json_text_close (json, '}');
}

static void
add_integers (JsonText *json, const ReportModel *model, const char *name, RunInteger get)
{
  json_text_member_open (json, name, '[');
  for (guint i = 0; i < model->entries->len; i++)
    json_text_integer (json, get (g_ptr_array_index (model->entries, i)));
  json_text_close (json, ']');
}

static void
add_runs (JsonText *json, const ReportModel *model)
{
  json_text_member_open (json, "runs", '{');
  add_integers (json, model, "id", get_id);
  add_texts (json, model, "campaign", get_campaign);
  add_texts (json, model, "scenario", get_scenario);
  add_texts (json, model, "variant", get_variant);
  add_integers (json, model, "seed", get_seed);
  add_texts (json, model, "policy", get_policy);
  add_texts (json, model, "testbed", get_testbed);
  add_texts (json, model, "verdict", get_verdict);
  add_texts (json, model, "outcome", get_outcome);
  add_texts (json, model, "git", get_git_id);
  add_integers (json, model, "started", get_started);
  add_integers (json, model, "simulated", get_simulated);
  add_integers (json, model, "wall", get_wall);
  add_integers (json, model, "held", get_held);
  add_integers (json, model, "notHeld", get_not_held);
  add_integers (json, model, "replays", get_replays);
  json_text_close (json, '}');
}

/* What each variant has set, for the sweep's page: {"TEXT": [[key, value, number, unit], ...]}. */
static void
add_variants (JsonText *json, const ReportModel *model)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  json_text_member_open (json, "variants", '{');
  for (guint i = 0; i < model->entries->len; i++) {
    const char *text = get_variant (g_ptr_array_index (model->entries, i));
    if (!g_hash_table_add (seen, (gpointer)text))
      continue;
    g_autoptr (GArray) parts = variant_parse (text);
    json_text_member_open (json, text, '[');
    for (guint j = 0; j < parts->len; j++) {
      const VariantPart *part = &g_array_index (parts, VariantPart, j);
      json_text_open (json, '[');
      json_text_string (json, part->key);
      json_text_string (json, part->value);
      json_text_number (json, part->number);
      json_text_string (json, part->unit);
      json_text_close (json, ']');
    }
    json_text_close (json, ']');
  }
  json_text_close (json, '}');
}

/* --- Metrics --- */

static gboolean
is_constant (const ReportColumn *column, guint n_runs)
{
  for (guint i = 0; i < n_runs; i++)
    if (isnan (column->values[i]) || column->values[i] != column->values[0])
      return FALSE;
  return n_runs > 0;
}

static void
add_column (JsonText *json, const ReportColumn *column, guint n_runs)
{
  json_text_open (json, '{');
  json_text_member_string (json, "kind", store_subject_to_string (column->subject_kind));
  json_text_member_string (json, "subject", column->subject);
  json_text_member_string (json, "name", column->name);
  json_text_member_string (json, "unit", column->unit);
  json_text_key (json, "v");
  if (is_constant (column, n_runs)) {
    json_text_rounded (json, column->values[0], REPORT_SUMMARY_DIGITS);
  } else {
    json_text_open (json, '[');
    for (guint i = 0; i < n_runs; i++)
      json_text_rounded (json, column->values[i], REPORT_SUMMARY_DIGITS);
    json_text_close (json, ']');
  }
  json_text_close (json, '}');
}

static gsize
count_values (const ReportModel *model)
{
  gsize n_values = 0;
  for (guint i = 0; i < model->groups->len; i++) {
    const ReportGroup *group = g_ptr_array_index (model->groups, i);
    for (guint j = 0; j < group->columns->len; j++)
      n_values += ((const ReportColumn *)g_ptr_array_index (group->columns, j))->n_values;
  }
  return n_values;
}

static void
add_group (JsonText *json, const ReportGroup *group, gboolean has_links)
{
  json_text_open (json, '{');
  json_text_member_string (json, "scenario", group->scenario);
  json_text_member_open (json, "runs", '[');
  for (guint i = 0; i < group->runs->len; i++)
    json_text_integer (json, g_array_index (group->runs, guint, i));
  json_text_close (json, ']');
  json_text_member_open (json, "metrics", '[');
  for (guint i = 0; i < group->columns->len; i++) {
    const ReportColumn *column = g_ptr_array_index (group->columns, i);
    if (column->n_values > 0 && (has_links || column->subject_kind != STORE_SUBJECT_LINK))
      add_column (json, column, group->runs->len);
  }
  json_text_close (json, ']');
  json_text_close (json, '}');
}

static void
add_failures (JsonText *json, const ReportModel *model)
{
  json_text_member_open (json, "failures", '[');
  for (guint i = 0; i < model->failures->len; i++) {
    const ReportFailure *failure = &g_array_index (model->failures, ReportFailure, i);
    json_text_open (json, '[');
    json_text_integer (json, failure->run);
    json_text_string (json, failure->name);
    json_text_string (json, failure->bound);
    json_text_string (json, failure->actual);
    json_text_integer (json, failure->line);
    json_text_close (json, ']');
  }
  json_text_close (json, ']');
}

static void
add_definitions (JsonText *json, const ReportModel *model)
{
  json_text_member_open (json, "definitions", '{');
  for (gsize i = 0; i < model->n_definitions; i++) {
    const ReportDefinition *definition = &model->definitions[i];
    g_autofree char *key = g_strdup_printf (
        "%s %s", store_subject_to_string (definition->subject_kind), definition->name);
    json_text_member_open (json, key, '[');
    json_text_string (json, definition->meaning);
    json_text_integer (json, definition->better);
    json_text_close (json, ']');
  }
  json_text_close (json, '}');
}

void
report_summary_append (JsonText *json, const ReportModel *model)
{
  gboolean has_links = count_values (model) <= REPORT_SUMMARY_VALUES_MAX;
  add_runs (json, model);
  add_variants (json, model);
  json_text_member_open (json, "groups", '[');
  for (guint i = 0; i < model->groups->len; i++)
    add_group (json, g_ptr_array_index (model->groups, i), has_links);
  json_text_close (json, ']');
  add_failures (json, model);
  add_definitions (json, model);
  json_text_member_boolean (json, "linkMetricsLeftOut", !has_links);
}
