/* SPDX-License-Identifier: Apache-2.0 */
/* report-text.c - see report-text.h. */
#include "reports/report-text.h"

#include "reports/format.h"
#include "reports/json-text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What distinguishes a run beside its seed. */
static const char *
get_variant (const StoreRun *run)
{
  return run->variant ? run->variant : "";
}

/* --- Markdown --- */

/* Appends @text as plain text in a table: nothing in it is markup, a link, or a mention. */
static void
append_markdown (GString *out, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  for (const char *at = valid; *at; at++) {
    if (*at == '\n' || *at == '\r' || *at == '\t')
      g_string_append_c (out, ' ');
    else if ((guchar)*at < 0x20)
      g_string_append_c (out, '?');
    else if (*at == '<')
      g_string_append (out, "&lt;");
    else if (*at == '@')
      g_string_append (out, "&#64;");
    else if (strchr ("\\`*_[]|~#&", *at) || *at == '>')
      g_string_append_printf (out, "\\%c", *at);
    else
      g_string_append_c (out, *at);
  }
}

/* @text as code: its fence is longer than any run of backquotes in it. */
static void
append_code (GString *out, const char *text)
{
  gsize longest = 0, current = 0;
  for (const char *at = text; *at; at++) {
    current = *at == '`' ? current + 1 : 0;
    longest = MAX (longest, current);
  }
  g_autofree char *fence = g_strnfill (longest + 1, '`');
  const char *pad = longest > 0 ? " " : "";
  g_string_append_printf (out, "%s%s", fence, pad);
  for (const char *at = text; *at; at++) {
    if (*at == '|')
      g_string_append (out, "\\|");
    else
      g_string_append_c (out, (guchar)*at < 0x20 ? ' ' : *at);
  }
  g_string_append_printf (out, "%s%s", pad, fence);
}

static void
append_cell (GString *out, const char *text)
{
  g_string_append (out, " ");
  append_markdown (out, text);
  g_string_append (out, " |");
}

static void
append_verdicts (GString *out, const ReportModel *model)
{
  guint n_failed = 0, n_skipped = 0;
  for (guint i = 0; i < model->entries->len; i++) {
    const StoreRun *run = report_model_get_run (model, i);
    n_failed += report_run_is_failed (run);
    n_skipped += run->finished && run->exit_class == 77;
  }
  guint n_ok = model->entries->len - n_failed - n_skipped;
  g_string_append (out, "## caiman: ");
  append_code (out, model->db_path);
  g_string_append_printf (out, "\n\n**%u of %u runs held**%s", n_ok, model->entries->len,
                          n_failed > 0 ? "" : ", none failed");
  if (n_failed > 0)
    g_string_append_printf (out, ", **%u did not**", n_failed);
  if (n_skipped > 0)
    g_string_append_printf (out, ", %u were skipped", n_skipped);
  g_string_append (out, ".\n");
}

/* The expectations of a run that did not hold. */
static void
append_reasons (GString *out, const ReportModel *model, guint index)
{
  gboolean is_first = TRUE;
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < model->failures->len; i++) {
    const ReportFailure *failure = &g_array_index (model->failures, ReportFailure, i);
    if (failure->run != index)
      continue;
    g_string_append_printf (text, "%s%s %s, got %s", is_first ? "" : "; ", failure->name,
                            failure->bound, failure->actual ? failure->actual : "nothing");
    is_first = FALSE;
  }
  const StoreRun *run = report_model_get_run (model, index);
  append_cell (out, is_first && run->outcome ? run->outcome : text->str);
}

static void
append_failed_runs (GString *out, const ReportModel *model)
{
  guint n_failed = 0;
  for (guint i = 0; i < model->entries->len; i++) {
    const StoreRun *run = report_model_get_run (model, i);
    if (!report_run_is_failed (run) || ++n_failed > REPORT_MARKDOWN_FAILURES_MAX)
      continue;
    if (n_failed == 1)
      g_string_append (out, "\n| verdict | scenario | variant | seed | policy | what did not hold "
                            "| look closer |\n| --- | --- | --- | ---: | --- | --- | --- |\n");
    g_autofree char *command = report_run_format_command (model, run);
    g_string_append (out, "|");
    append_cell (out, report_run_get_verdict (run));
    append_cell (out, run->scenario_name);
    append_cell (out, get_variant (run));
    g_string_append_printf (out, " %" G_GINT64_FORMAT " |", run->seed);
    append_cell (out, run->policy);
    append_reasons (out, model, i);
    g_string_append (out, " ");
    append_code (out, command);
    g_string_append (out, " |\n");
  }
  if (n_failed > REPORT_MARKDOWN_FAILURES_MAX)
    g_string_append_printf (out, "\n%u more did not hold.\n",
                            n_failed - REPORT_MARKDOWN_FAILURES_MAX);
}

static int
compare_doubles (const void *a, const void *b)
{
  double left = *(const double *)a, right = *(const double *)b;
  return left < right ? -1 : left > right;
}

/* The median, by nearest rank, of @column over the runs of @group in @members (indexes in it). */
static double
median_of (const ReportColumn *column, const GArray *members)
{
  g_autofree double *values = g_new (double, members->len);
  gsize n = 0;
  for (guint i = 0; i < members->len; i++) {
    double value = column->values[g_array_index (members, guint, i)];
    if (!isnan (value))
      values[n++] = value;
  }
  if (n == 0)
    return NAN;
  qsort (values, n, sizeof *values, compare_doubles);
  return values[(n + 1) / 2 - 1];
}

/* Headline metrics of the flows: those with a direction, without the parts of the lost time. */
static gboolean
is_headline (const ReportModel *model, const ReportColumn *column)
{
  return column->subject_kind == STORE_SUBJECT_FLOW && column->n_values > 0 &&
         report_model_get_better (model, column) != 0 && !g_str_has_prefix (column->name, "lost-");
}

static void
append_medians_row (GString *out, const ReportModel *model, const ReportGroup *group,
                    const GArray *members)
{
  const StoreRun *run = report_model_get_run (
      model, g_array_index (group->runs, guint, g_array_index (members, guint, 0)));
  g_string_append (out, "|");
  append_cell (out, run->policy);
  append_cell (out, get_variant (run));
  g_string_append_printf (out, " %u |", members->len);
  for (guint i = 0; i < group->columns->len; i++) {
    const ReportColumn *column = g_ptr_array_index (group->columns, i);
    if (!is_headline (model, column))
      continue;
    g_autofree char *value = format_value (median_of (column, members), column->unit);
    append_cell (out, value);
  }
  g_string_append (out, "\n");
}

/* The runs of @group that agree in policy and variant, for each such pair in order of appearance;
 * (transfer full) (element-type GArray of guint). */
static GPtrArray *
split_group (const ReportModel *model, const ReportGroup *group)
{
  GPtrArray *parts = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);
  g_autoptr (GHashTable) by_key = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < group->runs->len; i++) {
    const StoreRun *run = report_model_get_run (model, g_array_index (group->runs, guint, i));
    char *key = g_strdup_printf ("%s\x1f%s", run->policy, get_variant (run));
    GArray *members = g_hash_table_lookup (by_key, key);
    if (!members) {
      members = g_array_new (FALSE, FALSE, sizeof (guint));
      g_ptr_array_add (parts, members);
      g_hash_table_insert (by_key, key, members);
    } else {
      g_free (key);
    }
    g_array_append_val (members, i);
  }
  return parts;
}

static void
append_group (GString *out, const ReportModel *model, const ReportGroup *group)
{
  g_string_append (out, "\n### ");
  append_markdown (out, group->scenario);
  g_string_append (out, "\n\n| policy | variant | runs |");
  guint n_columns = 0;
  for (guint i = 0; i < group->columns->len; i++) {
    const ReportColumn *column = g_ptr_array_index (group->columns, i);
    if (!is_headline (model, column))
      continue;
    g_autofree char *title = g_strdup_printf ("%s.%s", column->subject, column->name);
    append_cell (out, title);
    n_columns++;
  }
  g_string_append (out, "\n| --- | --- | ---: |");
  for (guint i = 0; i < n_columns; i++)
    g_string_append (out, " ---: |");
  g_string_append (out, "\n");
  g_autoptr (GPtrArray) parts = split_group (model, group);
  for (guint i = 0; i < parts->len; i++)
    append_medians_row (out, model, group, g_ptr_array_index (parts, i));
}

char *
report_markdown_format (const ReportModel *model)
{
  GString *out = g_string_new (NULL);
  append_verdicts (out, model);
  append_failed_runs (out, model);
  for (guint i = 0; i < model->groups->len; i++)
    append_group (out, model, g_ptr_array_index (model->groups, i));
  if (model->groups->len > 0)
    g_string_append (out, "\nValues are medians over the runs.\n");
  return g_string_free (out, FALSE);
}

/* --- CSV --- */

static void
append_field (GString *out, const char *text)
{
  if (!text)
    return;
  /* What a spreadsheet would compute. */
  gboolean is_formula = *text && strchr ("=+-@\t\r", *text);
  if (!is_formula && !strpbrk (text, "\",\r\n") && *text != ' ') {
    g_string_append (out, text);
    return;
  }
  g_string_append_c (out, '"');
  if (is_formula)
    g_string_append_c (out, '\'');
  for (; *text; text++) {
    if (*text == '"')
      g_string_append_c (out, '"');
    g_string_append_c (out, *text);
  }
  g_string_append_c (out, '"');
}

static void
append_text_field (GString *out, const char *text)
{
  append_field (out, text);
  g_string_append_c (out, ',');
}

static void
append_integer_field (GString *out, gint64 value)
{
  g_string_append_printf (out, "%" G_GINT64_FORMAT ",", value);
}

/* "upload.goodput [bit/s]" */
static char *
make_heading (const ReportColumn *column)
{
  return g_strdup_printf ("%s%s%s [%s]", column->subject, *column->subject ? "." : "", column->name,
                          column->unit);
}

/* All headings of all groups, each once. */
static GPtrArray *
collect_headings (const ReportModel *model)
{
  GPtrArray *headings = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < model->groups->len; i++) {
    const ReportGroup *group = g_ptr_array_index (model->groups, i);
    for (guint j = 0; j < group->columns->len; j++) {
      const ReportColumn *column = g_ptr_array_index (group->columns, j);
      char *heading = make_heading (column);
      if (column->n_values == 0 || g_hash_table_contains (seen, heading)) {
        g_free (heading);
        continue;
      }
      g_hash_table_add (seen, heading);
      g_ptr_array_add (headings, heading);
    }
  }
  return headings;
}

static void
append_run_fields (GString *out, const QueryListEntry *entry)
{
  const StoreRun *run = entry->run;
  g_autofree char *started = format_date (run->started_us);
  append_integer_field (out, run->id);
  append_text_field (out, entry->campaign);
  append_text_field (out, started);
  append_text_field (out, run->scenario_name);
  append_text_field (out, get_variant (run));
  append_integer_field (out, run->seed);
  append_text_field (out, run->policy);
  append_text_field (out, run->testbed);
  append_text_field (out, report_run_get_verdict (run));
  append_text_field (out, run->outcome);
  append_integer_field (out, entry->n_held);
  append_integer_field (out, entry->n_not_held);
  append_integer_field (out, run->simulated_ns);
  append_integer_field (out, run->wall_ns);
  append_field (out, run->git_id);
}

static void
append_number (GString *out, double value)
{
  g_auto (JsonText) json;
  json_text_init (&json);
  if (!isnan (value))
    json_text_number (&json, value);
  g_string_append (out, json.out->str);
}

/* The columns of @group in the order of @headings; (transfer full), NULL where it has none. */
static const ReportColumn **
arrange_columns (const ReportGroup *group, GPtrArray *headings)
{
  g_autoptr (GHashTable) columns = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  const ReportColumn **arranged = g_new0 (const ReportColumn *, headings->len + 1);
  for (guint i = 0; i < group->columns->len; i++)
    g_hash_table_insert (columns, make_heading (g_ptr_array_index (group->columns, i)),
                         g_ptr_array_index (group->columns, i));
  for (guint i = 0; i < headings->len; i++)
    arranged[i] = g_hash_table_lookup (columns, g_ptr_array_index (headings, i));
  return arranged;
}

char *
report_csv_format (const ReportModel *model)
{
  GString *out = g_string_new ("run,campaign,started_utc,scenario,variant,seed,policy,testbed,"
                               "verdict,outcome,n_held,n_not_held,simulated_ns,wall_ns,git_id");
  g_autoptr (GPtrArray) headings = collect_headings (model);
  for (guint i = 0; i < headings->len; i++) {
    g_string_append_c (out, ',');
    append_field (out, g_ptr_array_index (headings, i));
  }
  g_string_append (out, "\r\n");
  for (guint i = 0; i < model->groups->len; i++) {
    const ReportGroup *group = g_ptr_array_index (model->groups, i);
    g_autofree const ReportColumn **columns = arrange_columns (group, headings);
    for (guint j = 0; j < group->runs->len; j++) {
      guint index = g_array_index (group->runs, guint, j);
      append_run_fields (out, g_ptr_array_index (model->entries, index));
      for (guint k = 0; k < headings->len; k++) {
        g_string_append_c (out, ',');
        append_number (out, columns[k] ? columns[k]->values[j] : NAN);
      }
      g_string_append (out, "\r\n");
    }
  }
  return g_string_free (out, FALSE);
}

/* --- JSON --- */

static void
add_metrics (JsonText *json, const ReportGroup *group, guint at)
{
  json_text_member_open (json, "metrics", '{');
  for (guint i = 0; i < group->columns->len; i++) {
    const ReportColumn *column = g_ptr_array_index (group->columns, i);
    g_autofree char *key =
        g_strdup_printf ("%s%s%s", column->subject, *column->subject ? "." : "", column->name);
    json_text_member_open (json, key, '{');
    json_text_member_string (json, "of", store_subject_to_string (column->subject_kind));
    json_text_member_number (json, "value", column->values[at]);
    json_text_member_string (json, "unit", column->unit);
    json_text_close (json, '}');
  }
  json_text_close (json, '}');
}

/* @next: the first failure that no run before has had; failures are in the order of runs, those of
 * groups are not. */
static void
add_failures (JsonText *json, const ReportModel *model, guint index, const guint *firsts)
{
  json_text_member_open (json, "not_held", '[');
  for (guint i = firsts[index]; i < model->failures->len; i++) {
    const ReportFailure *failure = &g_array_index (model->failures, ReportFailure, i);
    if (failure->run != index)
      break;
    json_text_open (json, '{');
    json_text_member_string (json, "name", failure->name);
    json_text_member_string (json, "bound", failure->bound);
    json_text_member_string (json, "actual", failure->actual);
    json_text_member_integer (json, "line", failure->line);
    json_text_close (json, '}');
  }
  json_text_close (json, ']');
}

static void
add_run (JsonText *json, const ReportModel *model, const ReportGroup *group, guint at,
         const guint *firsts)
{
  guint index = g_array_index (group->runs, guint, at);
  const QueryListEntry *entry = g_ptr_array_index (model->entries, index);
  const StoreRun *run = entry->run;
  g_autofree char *command = report_run_format_command (model, run);
  json_text_open (json, '{');
  json_text_member_integer (json, "run", run->id);
  json_text_member_string (json, "campaign", entry->campaign);
  json_text_member_string (json, "scenario", run->scenario_name);
  json_text_member_string (json, "hash", run->scenario_hash);
  json_text_member_string (json, "variant", run->variant);
  json_text_member_integer (json, "seed", run->seed);
  json_text_member_string (json, "policy", run->policy);
  json_text_member_string (json, "testbed", run->testbed);
  json_text_member_string (json, "git", run->git_id);
  json_text_member_string (json, "verdict", report_run_get_verdict (run));
  json_text_member_string (json, "outcome", run->outcome);
  json_text_key (json, "exit");
  if (run->finished)
    json_text_integer (json, run->exit_class);
  else
    json_text_null (json);
  json_text_member_string (json, "digest", run->digest);
  json_text_member_string (json, "command", command);
  json_text_member_integer (json, "n_held", entry->n_held);
  add_failures (json, model, index, firsts);
  add_metrics (json, group, at);
  json_text_close (json, '}');
}

/* Per run, where its failures begin. (transfer full). */
static guint *
find_firsts (const ReportModel *model)
{
  guint *firsts = g_new (guint, model->entries->len + 1);
  for (guint i = 0; i < model->entries->len; i++)
    firsts[i] = model->failures->len;
  for (guint i = model->failures->len; i > 0; i--)
    firsts[g_array_index (model->failures, ReportFailure, i - 1).run] = i - 1;
  return firsts;
}

char *
report_json_document_format (const ReportModel *model)
{
  JsonText json;
  json_text_init (&json);
  g_autofree guint *firsts = find_firsts (model);
  json_text_open (&json, '{');
  json_text_member_integer (&json, "schema", REPORT_JSON_DOCUMENT_SCHEMA);
  json_text_member_string (&json, "db", model->db_path);
  json_text_key (&json, "runs");
  json_text_open (&json, '[');
  for (guint i = 0; i < model->groups->len; i++) {
    const ReportGroup *group = g_ptr_array_index (model->groups, i);
    for (guint j = 0; j < group->runs->len; j++)
      add_run (&json, model, group, j, firsts);
  }
  json_text_close (&json, ']');
  json_text_close (&json, '}');
  g_string_append_c (json.out, '\n');
  return json_text_finish (&json);
}
