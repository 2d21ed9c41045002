/* SPDX-License-Identifier: Apache-2.0 */
/* report-fallback.c - see report-fallback.h. */
#include "reports/report-fallback.h"

#include "reports/json-text.h"

#include <string.h>

typedef struct {
  const char *policy;
  guint n_ok, n_skipped, n_failed;
} Count;

static void
append_cell (GString *out, const char *text)
{
  g_string_append (out, "<td>");
  html_append_escaped (out, text);
  g_string_append (out, "</td>");
}

static Count *
get_count (GArray *counts, const char *policy)
{
  for (guint i = 0; i < counts->len; i++)
    if (g_str_equal (g_array_index (counts, Count, i).policy, policy))
      return &g_array_index (counts, Count, i);
  Count count = { .policy = policy };
  g_array_append_val (counts, count);
  return &g_array_index (counts, Count, counts->len - 1);
}

static void
append_group (GString *out, const ReportModel *model, const ReportGroup *group)
{
  g_autoptr (GArray) counts = g_array_new (FALSE, FALSE, sizeof (Count));
  for (guint i = 0; i < group->runs->len; i++) {
    const StoreRun *run = report_model_get_run (model, g_array_index (group->runs, guint, i));
    Count *count = get_count (counts, run->policy);
    if (report_run_is_failed (run))
      count->n_failed++;
    else if (run->exit_class == 77)
      count->n_skipped++;
    else
      count->n_ok++;
  }
  for (guint i = 0; i < counts->len; i++) {
    const Count *count = &g_array_index (counts, Count, i);
    g_string_append (out, "<tr>");
    append_cell (out, group->scenario);
    append_cell (out, count->policy);
    g_string_append_printf (out, "<td>%u</td><td>%u</td><td>%u</td></tr>\n", count->n_ok,
                            count->n_failed, count->n_skipped);
  }
}

static void
append_failed (GString *out, const ReportModel *model, const StoreRun *run)
{
  g_autofree char *command = report_run_format_command (model, run);
  g_autofree char *seed = g_strdup_printf ("%" G_GINT64_FORMAT, run->seed);
  g_string_append (out, "<tr>");
  append_cell (out, report_run_get_verdict (run));
  append_cell (out, run->scenario_name);
  append_cell (out, seed);
  append_cell (out, run->policy);
  append_cell (out, command);
  g_string_append (out, "</tr>\n");
}

static void
append_failures (GString *out, const ReportModel *model)
{
  guint n_failed = 0;
  g_string_append (out, "<h2>Runs that did not hold</h2>\n<table><tr><th>verdict</th>"
                        "<th>scenario</th><th>seed</th><th>policy</th><th>command</th></tr>\n");
  for (guint i = 0; i < model->entries->len; i++) {
    const StoreRun *run = report_model_get_run (model, i);
    if (!report_run_is_failed (run))
      continue;
    if (++n_failed <= REPORT_FALLBACK_FAILURES_MAX)
      append_failed (out, model, run);
  }
  g_string_append (out, "</table>\n");
  if (n_failed > REPORT_FALLBACK_FAILURES_MAX)
    g_string_append_printf (out, "<p>%u more are not listed here.</p>\n",
                            n_failed - REPORT_FALLBACK_FAILURES_MAX);
  else if (n_failed == 0)
    g_string_append (out, "<p>There are none.</p>\n");
}

char *
report_fallback_format (const ReportModel *model)
{
  GString *out = g_string_new ("<h2>Verdicts</h2>\n<table><tr><th>scenario</th><th>policy</th>"
                               "<th>ok</th><th>failed</th><th>skipped</th></tr>\n");
  for (guint i = 0; i < model->groups->len; i++)
    append_group (out, model, g_ptr_array_index (model->groups, i));
  g_string_append (out, "</table>\n");
  append_failures (out, model);
  return g_string_free (out, FALSE);
}
