/* SPDX-License-Identifier: Apache-2.0 */
/* diff-junit.c - a diff as JUnit XML. A metric of which nothing can be told is skipped, not passed.
 */
#include "reports/diff-format.h"

#include "reports/format.h"
#include "reports/xml.h"

typedef struct {
  GString *cases;
  guint n_cases, n_failures, n_skipped;
} Suite;

static void
open_case (Suite *suite, const DiffGroup *group, const char *name)
{
  g_autofree char *classname = diff_format_group (group);
  suite->n_cases++;
  g_string_append (suite->cases, "    <testcase");
  xml_append_attribute (suite->cases, "classname", classname);
  xml_append_attribute (suite->cases, "name", name);
  g_string_append (suite->cases, " time=\"0\">");
}

static void
close_case (Suite *suite)
{
  g_string_append (suite->cases, "</testcase>\n");
}

static void
add_failure (Suite *suite, const char *message, const char *type, const char *text)
{
  suite->n_failures++;
  g_string_append (suite->cases, "\n      <failure");
  xml_append_attribute (suite->cases, "message", message);
  xml_append_attribute (suite->cases, "type", type);
  g_string_append_c (suite->cases, '>');
  xml_append_text (suite->cases, text);
  g_string_append (suite->cases, "</failure>");
}

static void
add_runs (Suite *suite, const Diff *diff, const DiffGroup *group)
{
  g_autoptr (GString) text = g_string_new ("\n");
  g_autofree char *message = NULL;
  for (guint i = 0; i < group->findings->len; i++) {
    const DiffFinding *finding = g_ptr_array_index (group->findings, i);
    if (!finding->is_regression)
      continue;
    g_autofree char *line = diff_format_finding (finding);
    g_string_append_printf (text, "%s\n", line);
    if (finding->detail)
      g_string_append_printf (text, "  %s\n", finding->detail);
    if (finding->new_run > 0) {
      g_autofree char *path = g_shell_quote (diff->new_path);
      g_string_append_printf (text, "  replay: caiman replay %s %" G_GINT64_FORMAT "\n", path,
                              finding->new_run);
    }
    if (!message)
      message = g_steal_pointer (&line);
  }
  open_case (suite, group, "runs");
  if (message)
    add_failure (suite, message, "runs", text->str);
  close_case (suite);
}

static void
add_metric (Suite *suite, const DiffGroup *group, const DiffMetric *metric)
{
  g_autofree char *name = diff_format_metric_name (metric);
  g_autofree char *full = g_strconcat (name, metric->is_paired ? "" : " (unpaired)", NULL);
  g_autofree char *change = diff_format_change (metric);
  g_autofree char *interval = diff_format_interval (metric);
  g_autofree char *base = format_value (metric->stats.mean_base, metric->unit);
  g_autofree char *new = format_value (metric->stats.mean_new, metric->unit);
  g_autofree char *limit = format_value (metric->limit, metric->unit);
  g_autofree char *message =
      g_strdup_printf ("%s: %s", diff_verdict_to_string (metric->verdict), change);
  open_case (suite, group, full);
  if (metric->is_regression) {
    g_autofree char *text = g_strdup_printf (
        "\nfrom %s to %s, %s (%.4g %% interval: %s)\nallowed for the worse: %s\n"
        "%u values in BASE, %u in NEW\n",
        base, new, change, 100 * group->confidence, interval, limit, metric->n_base, metric->n_new);
    add_failure (suite, message, "metric", text);
  } else if (metric->verdict == DIFF_CANNOT_TELL) {
    suite->n_skipped++;
    g_string_append (suite->cases, "\n      <skipped");
    xml_append_attribute (suite->cases, "message", message);
    g_string_append (suite->cases, "/>");
  }
  close_case (suite);
}

static void
append_counts (const Suite *suite, GString *out)
{
  g_string_append_printf (
      out, " name=\"caiman diff\" tests=\"%u\" failures=\"%u\" errors=\"0\" time=\"0\"",
      suite->n_cases, suite->n_failures);
}

char *
diff_format_junit (const Diff *diff)
{
  Suite suite = { g_string_new (NULL), 0, 0, 0 };
  for (guint i = 0; i < diff->groups->len; i++) {
    const DiffGroup *group = g_ptr_array_index (diff->groups, i);
    add_runs (&suite, diff, group);
    for (guint m = 0; m < group->metrics->len; m++) {
      const DiffMetric *metric = g_ptr_array_index (group->metrics, m);
      if (metric->rule.is_gated)
        add_metric (&suite, group, metric);
    }
  }
  GString *out = g_string_new ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
  append_counts (&suite, out);
  g_string_append (out, ">\n  <testsuite");
  append_counts (&suite, out);
  g_string_append_printf (out, " skipped=\"%u\">\n%s  </testsuite>\n</testsuites>\n",
                          suite.n_skipped, suite.cases->str);
  g_string_free (suite.cases, TRUE);
  return g_string_free (out, FALSE);
}
