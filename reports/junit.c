/* SPDX-License-Identifier: Apache-2.0 */
/* junit.c - see junit.h. */
#include "reports/junit.h"

#include "reports/format.h"
#include "reports/xml.h"

struct _JunitReport {
  char *campaign;
  char *db_path;
  GString *cases;
  guint n_cases;
  guint n_failures;
  guint n_errors;
  guint n_skipped;
  gint64 wall_ns;
  gint64 started_us; /* of the first run */
};

JunitReport *
junit_report_new (const char *campaign, const char *db_path)
{
  JunitReport *report = g_new0 (JunitReport, 1);
  report->campaign = g_strdup (campaign);
  report->db_path = g_strdup (db_path);
  report->cases = g_string_new (NULL);
  return report;
}

void
junit_report_free (JunitReport *report)
{
  if (!report)
    return;
  g_free (report->campaign);
  g_free (report->db_path);
  g_string_free (report->cases, TRUE);
  g_free (report);
}

static void
append_seconds (GString *out, gint64 time_ns)
{
  g_string_append_printf (out, " time=\"%" G_GINT64_FORMAT ".%06d\"", time_ns / 1000000000,
                          (int)(time_ns % 1000000000 / 1000));
}

/* What went wrong, what did not hold, a line each, and how to see it again. */
static char *
describe (const JunitReport *report, const StoreRun *run, const char *const *problems)
{
  GString *text = g_string_new ("\n");
  for (gsize i = 0; problems && problems[i]; i++)
    g_string_append_printf (text, "%s\n", problems[i]);
  for (guint i = 0; i < run->expectations->len; i++) {
    const StoreExpectation *e = &g_array_index (run->expectations, StoreExpectation, i);
    if (e->held)
      continue;
    g_string_append_printf (text, "%s: expected %s, got %s", e->name, e->bound,
                            e->actual ? e->actual : "nothing");
    if (e->line > 0)
      g_string_append_printf (text, " (line %d)", e->line);
    g_string_append_c (text, '\n');
  }
  if (report->db_path && run->id > 0) {
    g_autofree char *quoted = g_shell_quote (report->db_path);
    g_string_append_printf (text, "replay: caiman replay %s %" G_GINT64_FORMAT "\n", quoted,
                            run->id);
  }
  return g_string_free (text, FALSE);
}

static void
append_problem (JunitReport *report, const StoreRun *run, const char *const *problems,
                const char *element, const char *type)
{
  g_autofree char *text = describe (report, run, problems);
  g_autofree char *message =
      run->finished ? g_strdup_printf ("%s, outcome %s", format_exit_class (run->exit_class),
                                       run->outcome ? run->outcome : "-")
                    : g_strdup ("the run did not finish");
  g_string_append_printf (report->cases, "\n      <%s", element);
  xml_append_attribute (report->cases, "message", message);
  xml_append_attribute (report->cases, "type", type);
  g_string_append_c (report->cases, '>');
  xml_append_text (report->cases, text);
  g_string_append_printf (report->cases, "</%s>", element);
}

static void
append_verdict (JunitReport *report, const StoreRun *run, const char *const *problems)
{
  int exit_class = run->finished ? run->exit_class : 70;
  if (exit_class == 0)
    return;
  if (exit_class == 77) {
    report->n_skipped++;
    g_string_append (report->cases, "\n      <skipped");
    xml_append_attribute (report->cases, "message",
                          problems && problems[0] ? problems[0]
                          : run->outcome          ? run->outcome
                                                  : "skipped");
    g_string_append (report->cases, "/>");
  } else if (exit_class == 1 || exit_class == 3 || exit_class == 4) {
    report->n_failures++;
    append_problem (report, run, problems, "failure",
                    exit_class == 1   ? "expectation"
                    : exit_class == 3 ? "safety"
                                      : "liveness");
  } else {
    report->n_errors++;
    append_problem (report, run, problems, "error", run->finished ? "error" : "unfinished");
  }
}

void
junit_report_add (JunitReport *report, const StoreRun *run, const char *const *problems)
{
  g_autofree char *name =
      g_strdup_printf ("seed %" G_GINT64_FORMAT ", %s, %s%s%s", run->seed, run->policy,
                       run->testbed, run->variant ? ", " : "", run->variant ? run->variant : "");
  if (report->n_cases++ == 0)
    report->started_us = run->started_us != 0 ? run->started_us : g_get_real_time ();
  report->wall_ns += run->wall_ns;

  g_string_append (report->cases, "    <testcase");
  xml_append_attribute (report->cases, "classname", run->scenario_name);
  xml_append_attribute (report->cases, "name", name);
  append_seconds (report->cases, run->wall_ns);
  g_string_append_c (report->cases, '>');
  append_verdict (report, run, problems);
  g_string_append (report->cases, "</testcase>\n");
}

/* The attributes that <testsuites> and <testsuite> share. */
static void
append_counts (const JunitReport *report, GString *out)
{
  xml_append_attribute (out, "name", report->campaign);
  g_string_append_printf (out, " tests=\"%u\" failures=\"%u\" errors=\"%u\"", report->n_cases,
                          report->n_failures, report->n_errors);
  append_seconds (out, report->wall_ns);
}

char *
junit_report_format (const JunitReport *report)
{
  g_autoptr (GDateTime) started =
      g_date_time_new_from_unix_utc (report->started_us / G_USEC_PER_SEC);
  g_autofree char *timestamp = g_date_time_format (started, "%Y-%m-%dT%H:%M:%S");
  GString *out = g_string_new ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
  append_counts (report, out);
  g_string_append (out, ">\n  <testsuite");
  append_counts (report, out);
  g_string_append_printf (out, " skipped=\"%u\"", report->n_skipped); /* of a suite only */
  xml_append_attribute (out, "timestamp", timestamp);
  g_string_append (out, ">\n");
  g_string_append (out, report->cases->str);
  g_string_append (out, "  </testsuite>\n</testsuites>\n");
  return g_string_free (out, FALSE);
}

gboolean
junit_report_save (const JunitReport *report, const char *path, GError **error)
{
  g_autofree char *text = junit_report_format (report);
  return g_file_set_contents (path, text, -1, error);
}
