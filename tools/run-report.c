/* SPDX-License-Identifier: Apache-2.0 */
/* run-report.c - see run-report.h. The bytes are a GVariant. */
#include "tools/run-report.h"

#include "harness/tally.h"
#include "reports/json.h"
#include "reports/summary.h"
#include "tools/tool.h"

/* As many runs are told at length. */
#define DETAILED_RUNS_MAX 1

/* Head of the run: numbers, then texts that may be missing; expectations; metrics; the rest. */
#define HEAD_TYPE        "(xxixxxb)"
#define TEXTS_TYPE       "ams"
#define EXPECTATION_TYPE "(ssmsbi)"
#define METRIC_TYPE      "(ussds)"
#define REPORT_TYPE      "(" HEAD_TYPE TEXTS_TYPE "a" EXPECTATION_TYPE "a" METRIC_TYPE "ssasb)"

/* The texts of a run's head. */
static const gsize texts[] = {
  G_STRUCT_OFFSET (StoreRun, scenario_name), G_STRUCT_OFFSET (StoreRun, scenario_hash),
  G_STRUCT_OFFSET (StoreRun, variant),       G_STRUCT_OFFSET (StoreRun, policy),
  G_STRUCT_OFFSET (StoreRun, testbed),       G_STRUCT_OFFSET (StoreRun, git_id),
  G_STRUCT_OFFSET (StoreRun, host),          G_STRUCT_OFFSET (StoreRun, digest),
  G_STRUCT_OFFSET (StoreRun, outcome),
};

static GVariant *
pack_texts (const StoreRun *run)
{
  GVariantBuilder builder;
  g_variant_builder_init (&builder, G_VARIANT_TYPE (TEXTS_TYPE));
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    g_variant_builder_add (&builder, "ms", G_STRUCT_MEMBER (const char *, run, texts[i]));
  return g_variant_builder_end (&builder);
}

static GVariant *
pack_expectations (const StoreRun *run)
{
  GVariantBuilder builder;
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a" EXPECTATION_TYPE));
  for (guint i = 0; i < run->expectations->len; i++) {
    const StoreExpectation *e = &g_array_index (run->expectations, StoreExpectation, i);
    g_variant_builder_add (&builder, EXPECTATION_TYPE, e->name, e->bound, e->actual, e->held,
                           e->line);
  }
  return g_variant_builder_end (&builder);
}

static GVariant *
pack_metrics (const StoreRun *run)
{
  GVariantBuilder builder;
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a" METRIC_TYPE));
  for (guint i = 0; i < run->metrics->len; i++) {
    const StoreMetric *m = &g_array_index (run->metrics, StoreMetric, i);
    if (tally_wants (m))
      g_variant_builder_add (&builder, METRIC_TYPE, (guint32)m->subject_kind, m->subject, m->name,
                             m->value, m->unit);
  }
  return g_variant_builder_end (&builder);
}

static GVariant *
pack_lines (const GPtrArray *problems)
{
  GVariantBuilder lines;
  g_variant_builder_init (&lines, G_VARIANT_TYPE ("as"));
  for (guint i = 0; problems != NULL && i < problems->len; i++) {
    g_autofree char *line = g_utf8_make_valid (g_ptr_array_index (problems, i), -1);
    g_variant_builder_add (&lines, "s", line);
  }
  return g_variant_builder_end (&lines);
}

gboolean
run_report_is_at_length (guint64 n_runs)
{
  return n_runs <= DETAILED_RUNS_MAX || tool_get_verbosity () > 0;
}

GBytes *
run_report_pack (const StoreRun *run, GPtrArray *problems, gboolean is_known, RunReportParts parts,
                 gboolean colour)
{
  g_autofree char *details =
      (parts & RUN_REPORT_DETAILS) ? summary_format_run (run, colour) : g_strdup ("");
  g_autofree char *json = (parts & RUN_REPORT_JSON) ? report_json_format (run) : g_strdup ("");
  g_autoptr (GVariant) variant = g_variant_ref_sink (
      g_variant_new ("(@" HEAD_TYPE "@" TEXTS_TYPE "@a" EXPECTATION_TYPE "@a" METRIC_TYPE "ss@asb)",
                     g_variant_new (HEAD_TYPE, run->id, run->seed, run->exit_class, run->started_us,
                                    run->wall_ns, run->simulated_ns, run->finished),
                     pack_texts (run), pack_expectations (run), pack_metrics (run), details, json,
                     pack_lines (problems), is_known));
  return g_variant_get_data_as_bytes (variant);
}

static void
unpack_metrics (StoreRun *run, GVariant *metrics)
{
  for (gsize i = 0; i < g_variant_n_children (metrics); i++) {
    guint32 kind;
    const char *subject, *name, *unit;
    double value;
    g_variant_get_child (metrics, i, "(u&s&sd&s)", &kind, &subject, &name, &value, &unit);
    store_run_add_metric (run, (StoreSubject)kind, subject, name, value, unit);
  }
}

static StoreRun *
unpack_run (GVariant *head, GVariant *strings, GVariant *expectations)
{
  StoreRun *run = store_run_new ();
  g_variant_get (head, HEAD_TYPE, &run->id, &run->seed, &run->exit_class, &run->started_us,
                 &run->wall_ns, &run->simulated_ns, &run->finished);
  for (gsize i = 0; i < MIN (G_N_ELEMENTS (texts), g_variant_n_children (strings)); i++) {
    const char *text;
    g_variant_get_child (strings, i, "m&s", &text);
    G_STRUCT_MEMBER (const char *, run, texts[i]) = store_run_string (run, text);
  }
  for (gsize i = 0; i < g_variant_n_children (expectations); i++) {
    StoreExpectation e;
    g_variant_get_child (expectations, i, "(&s&sm&sbi)", &e.name, &e.bound, &e.actual, &e.held,
                         &e.line);
    e.name = store_run_string (run, e.name);
    e.bound = store_run_string (run, e.bound);
    e.actual = store_run_string (run, e.actual);
    g_array_append_val (run->expectations, e);
  }
  return run;
}

RunReport *
run_report_unpack (GBytes *bytes)
{
  g_autoptr (GVariant) variant =
      g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (REPORT_TYPE), bytes, FALSE));
  if (!g_variant_is_normal_form (variant))
    return NULL;
  g_autoptr (GVariant) head = g_variant_get_child_value (variant, 0);
  g_autoptr (GVariant) strings = g_variant_get_child_value (variant, 1);
  g_autoptr (GVariant) expectations = g_variant_get_child_value (variant, 2);
  g_autoptr (GVariant) metrics = g_variant_get_child_value (variant, 3);
  RunReport *report = g_new0 (RunReport, 1);
  report->run = unpack_run (head, strings, expectations);
  unpack_metrics (report->run, metrics);
  g_variant_get_child (variant, 4, "s", &report->details);
  g_variant_get_child (variant, 5, "s", &report->json);
  g_variant_get_child (variant, 6, "^as", &report->problems);
  g_variant_get_child (variant, 7, "b", &report->is_known);
  return report;
}

RunReport *
run_report_new_failed (StoreRun *run, const char *problem)
{
  const char *const problems[] = { problem, NULL };
  RunReport *report = g_new0 (RunReport, 1);
  report->run = run;
  report->details = summary_format_line (run, FALSE);
  report->json = report_json_format (run);
  report->problems = g_strdupv ((char **)problems);
  return report;
}

void
run_report_free (RunReport *report)
{
  if (report == NULL)
    return;
  store_run_free (report->run);
  g_free (report->details);
  g_free (report->json);
  g_strfreev (report->problems);
  g_free (report);
}
