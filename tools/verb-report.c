/* SPDX-License-Identifier: Apache-2.0 */
/* verb-report.c - caiman report: the runs of a database as a document. */
#include "harness/metrics-registry.h"
#include "reports/report-html.h"
#include "reports/report-text.h"
#include "tools/tool.h"

#include "config/suggest.h"

#include <string.h>

typedef char *(*Formatter) (const ReportModel *model);

typedef struct {
  char *output, *format, *title;
  char *campaign, *scenario, *policy, *outcome;
  char **run_texts;
  gboolean failed, all_runs;
  GArray *ids;         /* of gint64 */
  GArray *definitions; /* of ReportDefinition */
  const char *db_path;
} ReportVerb;

static void
clear_verb (ReportVerb *verb)
{
  g_free (verb->output);
  g_free (verb->format);
  g_free (verb->title);
  g_free (verb->campaign);
  g_free (verb->scenario);
  g_free (verb->policy);
  g_free (verb->outcome);
  g_strfreev (verb->run_texts);
  g_clear_pointer (&verb->ids, g_array_unref);
  g_clear_pointer (&verb->definitions, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ReportVerb, clear_verb)

static const struct {
  const char *name;
  Formatter format; /* NULL: HTML, which needs more */
} formats[] = {
  { "html", NULL },
  { "md", report_markdown_format },
  { "csv", report_csv_format },
  { "json", report_json_document_format },
};

/* The registry's definitions, as reports/ wants them. */
static void
collect_definitions (ReportVerb *verb)
{
  gsize n;
  const MetricInfo *metrics = metrics_registry_get (&n);
  verb->definitions = g_array_new (FALSE, FALSE, sizeof (ReportDefinition));
  for (gsize i = 0; i < n; i++) {
    ReportDefinition definition = { .subject_kind = STORE_SUBJECT_CONNECTION,
                                    .name = metrics[i].name,
                                    .meaning = metrics[i].meaning,
                                    .better = (int)metrics[i].better };
    if (metrics[i].subject == SCENARIO_SUBJECT_FLOW)
      definition.subject_kind = STORE_SUBJECT_FLOW;
    else if (metrics[i].subject == SCENARIO_SUBJECT_LINK)
      definition.subject_kind = STORE_SUBJECT_LINK;
    g_array_append_val (verb->definitions, definition);
  }
}

static gboolean
parse_ids (ReportVerb *verb)
{
  verb->ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  for (char **text = verb->run_texts; text && *text; text++) {
    gint64 id;
    if (!tool_parse_run_id (*text, &id))
      return FALSE;
    g_array_append_val (verb->ids, id);
  }
  return TRUE;
}

/* The index in formats; -1: told. */
static int
find_format (const char *name)
{
  const char *names[G_N_ELEMENTS (formats)];
  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++) {
    names[i] = formats[i].name;
    if (!name || strcmp (name, formats[i].name) == 0)
      return (int)i;
  }
  const char *nearest = suggest_nearest (name, names, G_N_ELEMENTS (names));
  if (nearest)
    tool_error ("there is no format '%s'; did you mean '%s'?", name, nearest);
  else
    tool_error ("there is no format '%s': html, md, csv, json", name);
  return -1;
}

/* Where the document goes; NULL: standard output. HTML that nobody named a place for goes beside
 * the database. */
static char *
get_output (const ReportVerb *verb, gboolean is_html)
{
  if (verb->output)
    return g_str_equal (verb->output, "-") ? NULL : g_strdup (verb->output);
  if (!is_html)
    return NULL;
  gsize length = strlen (verb->db_path);
  if (g_str_has_suffix (verb->db_path, ".db"))
    length -= strlen (".db");
  return g_strdup_printf ("%.*s.html", (int)length, verb->db_path);
}

static int
write_document (const ReportVerb *verb, const ReportModel *model, const char *text,
                gboolean is_html)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *output = get_output (verb, is_html);
  if (!output) {
    tool_print (text);
    return RUN_EXIT_HELD;
  }
  if (g_strcmp0 (output, verb->db_path) == 0) {
    tool_error ("-o names the database itself");
    return EXIT_STATUS_USAGE;
  }
  if (!g_file_set_contents (output, text, -1, &error)) {
    tool_error ("%s", error->message);
    return EXIT_STATUS_USAGE;
  }
  if (!tool_is_quiet ()) {
    g_autofree char *message = g_strdup_printf ("%s: %u runs, %.1f MB\n", output,
                                                model->entries->len, (double)strlen (text) / 1e6);
    tool_print (message);
  }
  return RUN_EXIT_HELD;
}

static int
report (const ReportVerb *verb, int format)
{
  g_autoptr (GError) error = NULL;
  QueryFilter filter = { .campaign = verb->campaign,
                         .scenario = verb->scenario,
                         .policy = verb->policy,
                         .outcome = verb->outcome,
                         .only_failed = verb->failed };
  g_autoptr (Store) store = store_open (verb->db_path, STORE_OPEN_READ_ONLY, &error);
  if (!store)
    return tool_fail (error);
  g_autoptr (ReportModel) model = report_model_load (
      store, &filter, (const gint64 *)(void *)verb->ids->data, verb->ids->len, &error);
  if (!model)
    return tool_fail (error);
  if (model->entries->len == 0)
    tool_error ("%s: no run is as was asked for; the report is empty", verb->db_path);
  model->definitions = (const ReportDefinition *)(void *)verb->definitions->data;
  model->n_definitions = verb->definitions->len;
  ReportHtmlOptions options = { .title = verb->title,
                                .version = tool_get_version (),
                                .now_us = g_get_real_time (),
                                .all_runs = verb->all_runs || verb->ids->len > 0 };
  g_autofree char *text = formats[format].format
                              ? formats[format].format (model)
                              : report_html_format (store, model, &options, &error);
  return text ? write_document (verb, model, text, !formats[format].format) : tool_fail (error);
}

int
verb_report (int argc, char **argv)
{
  int status;
  g_auto (ReportVerb) verb = { 0 };
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &verb.output,
      "Write to FILE (-: standard output); HTML goes to DB with the ending .html by default",
      "FILE" },
    { "format", 'f', 0, G_OPTION_ARG_STRING, &verb.format, "html (default), md, csv or json",
      "NAME" },
    { "title", 0, 0, G_OPTION_ARG_STRING, &verb.title, "Heading of the HTML document", "TEXT" },
    { "run", 0, 0, G_OPTION_ARG_STRING_ARRAY, &verb.run_texts,
      "Only this run, with plots; may be given again", "N" },
    { "all-runs", 0, 0, G_OPTION_ARG_NONE, &verb.all_runs,
      "Plots for every run, however large the document gets", NULL },
    { "campaign", 0, 0, G_OPTION_ARG_STRING, &verb.campaign, "Only runs of this campaign", "NAME" },
    { "scenario", 0, 0, G_OPTION_ARG_STRING, &verb.scenario, "Only runs of this scenario", "NAME" },
    { "policy", 0, 0, G_OPTION_ARG_STRING, &verb.policy, "Only runs with this policy", "NAME" },
    { "outcome", 0, 0, G_OPTION_ARG_STRING, &verb.outcome,
      "Only runs with this outcome or verdict, such as refused or failed", "NAME" },
    { "failed", 0, 0, G_OPTION_ARG_NONE, &verb.failed, "Only runs that did not hold", NULL },
    G_OPTION_ENTRY_NULL,
  };
  if (!tool_parse (&argc, &argv, entries, "DB",
                   "Writes the runs of a database as one HTML file that needs no network, or as\n"
                   "Markdown, CSV or JSON.",
                   "Exit status: 0, 2 usage, no such database or run, 70 database error.", 1, 1,
                   &status))
    return status;
  verb.db_path = argv[1];
  int format = find_format (verb.format);
  if (format < 0 || !parse_ids (&verb))
    return EXIT_STATUS_USAGE;
  if (formats[format].format && (verb.title || verb.all_runs)) {
    tool_error ("--title and --all-runs are for HTML");
    return EXIT_STATUS_USAGE;
  }
  collect_definitions (&verb);
  return report (&verb, format);
}
