/* SPDX-License-Identifier: Apache-2.0 */
/* test-report.c - the model, and the documents that are made of it. What a page does in a browser
 * is for test-report-browser.py. */
#include "reports/report-detail.h"
#include "reports/report-html.h"
#include "reports/report-select.h"
#include "reports/report-text.h"
#include "tests/reports/fixture.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#define EVIL "</script><img src=x onerror=alert(1)>'\"|`@x\xe2\x80\xa8"

static const ReportDefinition definitions[] = {
  { STORE_SUBJECT_FLOW, "goodput", "what " EVIL " means", 1 },
  { STORE_SUBJECT_FLOW, "longest-gap", "a gap", -1 },
};

static void
set_goodput (StoreRun *run, double value)
{
  for (guint i = 0; i < run->metrics->len; i++) {
    StoreMetric *metric = &g_array_index (run->metrics, StoreMetric, i);
    if (strcmp (metric->name, "goodput") == 0)
      metric->value = value;
  }
}

/* Its id. */
static gint64
record (FixtureStore *f, const char *scenario, gint64 seed, const char *policy, int exit_class,
        double goodput_bps)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StoreRun) run = fixture_run_new (f->campaign_id, seed);
  run->scenario_name = scenario;
  run->policy = policy;
  run->exit_class = exit_class;
  set_goodput (run, goodput_bps);
  store_run_begin (f->store, run, &error);
  g_assert_no_error (error);
  store_run_finish (f->store, run, &error);
  g_assert_no_error (error);
  return run->id;
}

static ReportModel *
load (FixtureStore *f, const QueryFilter *filter)
{
  g_autoptr (GError) error = NULL;
  ReportModel *model = report_model_load (f->store, filter, NULL, 0, &error);
  g_assert_no_error (error);
  model->definitions = definitions;
  model->n_definitions = G_N_ELEMENTS (definitions);
  return model;
}

static char *
format_html (FixtureStore *f, const ReportModel *model, gboolean all_runs)
{
  g_autoptr (GError) error = NULL;
  ReportHtmlOptions options = { .title = EVIL, .version = "1", .now_us = 0, .all_runs = all_runs };
  char *html = report_html_format (f->store, model, &options, &error);
  g_assert_no_error (error);
  return html;
}

static guint
count (const char *text, const char *word)
{
  guint n = 0;
  for (const char *at = text; (at = strstr (at, word)) != NULL; at += strlen (word))
    n++;
  return n;
}

/* --- The model --- */

static void
test_columns (FixtureStore *f, gconstpointer unused)
{
  record (f, "b", 1, "adaptive", 0, 10);
  record (f, "a", 1, "adaptive", 0, 20);
  record (f, "b", 2, "adaptive", 1, 30);
  g_autoptr (ReportModel) model = load (f, NULL);
  g_assert_cmpuint (model->entries->len, ==, 3);
  g_assert_cmpuint (model->groups->len, ==, 2);
  const ReportGroup *group = g_ptr_array_index (model->groups, 1);
  g_assert_cmpstr (group->scenario, ==, "b");
  g_assert_cmpuint (group->runs->len, ==, 2);
  g_assert_cmpuint (g_array_index (group->runs, guint, 1), ==, 2);
  const ReportColumn *goodput = report_group_find (group, STORE_SUBJECT_FLOW, "goodput");
  g_assert_cmpfloat (goodput->values[0], ==, 10);
  g_assert_cmpfloat (goodput->values[1], ==, 30);
  g_assert_cmpstr (goodput->unit, ==, "bit/s");
  g_assert_cmpint (report_model_get_better (model, goodput), ==, 1);
  const ReportColumn *recovery = report_group_find (group, STORE_SUBJECT_FLOW, "recovery");
  g_assert_true (isnan (recovery->values[0]));
  g_assert_cmpuint (recovery->n_values, ==, 0);
  g_assert_null (report_group_find (group, STORE_SUBJECT_LINK, "goodput"));
  /* Each fixture run has two expectations that did not hold. */
  g_assert_cmpuint (model->failures->len, ==, 6);
  g_assert_cmpuint (g_array_index (model->failures, ReportFailure, 5).run, ==, 2);
}

static void
test_filter (FixtureStore *f, gconstpointer unused)
{
  record (f, "a", 1, "adaptive", 0, 1);
  gint64 second = record (f, "a", 2, "reference", 1, 2);
  gint64 third = record (f, "a", 3, "reference", 0, 3);
  const QueryFilter filter = { .policy = "reference" }, failed = { .only_failed = TRUE };
  g_autoptr (ReportModel) reference = load (f, &filter), only_failed = load (f, &failed);
  g_assert_cmpuint (reference->entries->len, ==, 2);
  g_assert_cmpuint (only_failed->entries->len, ==, 1);
  g_assert_cmpuint (only_failed->failures->len, ==, 2);

  g_autoptr (GError) error = NULL;
  const gint64 ids[] = { third, second }, bad[] = { second, 99 };
  g_autoptr (ReportModel) two = report_model_load (f->store, NULL, ids, 2, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (two->entries->len, ==, 2);
  g_assert_cmpint (report_model_get_run (two, 0)->id, ==, second);
  g_assert_null (report_model_load (f->store, NULL, bad, 2, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_NOT_FOUND);
}

/* A path that a shell would take apart is quoted; what ran in real time cannot be replayed. */
static void
test_commands (FixtureStore *f, gconstpointer unused)
{
  record (f, "a", 1, "adaptive", 0, 1);
  g_autoptr (ReportModel) model = load (f, NULL);
  StoreRun run = *report_model_get_run (model, 0);
  model->db_path = "my results.db";
  g_autofree char *replay = report_run_format_command (model, &run);
  g_assert_cmpstr (replay, ==, "caiman replay 'my results.db' 1");
  run.testbed = "live";
  model->db_path = "-x.db";
  g_autofree char *show = report_run_format_command (model, &run);
  g_assert_cmpstr (show, ==, "caiman show ./-x.db 1");
  run.finished = FALSE;
  g_assert_true (report_run_is_failed (&run));
  g_assert_cmpstr (report_run_get_verdict (&run), ==, "unfinished");
}

/* Failing runs first, then of each scenario and policy the middle and the worst. */
static void
test_select (FixtureStore *f, gconstpointer unused)
{
  for (gint64 seed = 0; seed < 9; seed++)
    record (f, "a", seed, "adaptive", 0, (double)(100 + (seed * 4) % 9));
  record (f, "a", 9, "adaptive", 3, 500);
  record (f, "a", 10, "reference", 77, 1);
  g_autoptr (ReportModel) model = load (f, NULL);
  guint n_failed;
  g_autoptr (GArray) selected = report_select (model, &n_failed);
  g_assert_cmpuint (n_failed, ==, 1);
  g_assert_cmpuint (selected->len, ==, 4);
  g_assert_cmpuint (g_array_index (selected, guint, 0), ==, 9);
  g_assert_cmpfloat (fmod (g_array_index (selected, guint, 1) * 4, 9), ==,
                     5); /* the sixth of ten */
  g_assert_cmpuint (g_array_index (selected, guint, 2), ==, 0);
  g_assert_cmpuint (g_array_index (selected, guint, 3), ==, 10);
}

/* --- HTML --- */

/* No text from a database can become markup, and nothing is loaded. */
static void
test_html_is_safe (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StoreRun) run = fixture_run_new (f->campaign_id, 1);
  run->scenario_name = EVIL;
  run->scenario_text = "[scenario]\ntitle = " EVIL "\n";
  run->variant = "link x.delay=" EVIL;
  run->outcome = EVIL;
  g_array_index (run->flows, StoreFlow, 0).name = EVIL;
  store_run_begin (f->store, run, &error);
  store_run_finish (f->store, run, &error);
  g_assert_no_error (error);
  g_autoptr (ReportModel) model = load (f, NULL);
  g_autofree char *html = format_html (f, model, TRUE);
  g_assert_null (strstr (html, "<img"));
  g_assert_null (strstr (html, "\xe2\x80\xa8\""));
  /* summary, columns, the run, its text, Chart.js, and our own script */
  g_assert_cmpuint (count (html, "<script"), ==, 6);
  g_assert_cmpuint (count (html, "</script>"), ==, 6);
  g_assert_nonnull (strstr (html, "default-src 'none'; script-src 'sha256-"));
  g_assert_nonnull (strstr (html, "&lt;/script&gt;&lt;img"));
  g_assert_null (strstr (html, "src=\"http"));
  g_assert_null (strstr (html, "{{"));
  g_assert_nonnull (strstr (html, "Permission is hereby granted"));
}

static void
assert_same_hash (const char *html, const char *after, const char *from, const char *to)
{
  const char *begin = strstr (after, from) + strlen (from), *end = strstr (begin, to);
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize length = sizeof digest;
  g_checksum_update (sum, (const guchar *)begin, end - begin);
  g_checksum_get_digest (sum, digest, &length);
  g_autofree char *base64 = g_base64_encode (digest, length);
  g_assert_nonnull (strstr (html, base64));
}

/* The policy allows exactly the scripts and the style that are there. */
static void
test_html_policy (FixtureStore *f, gconstpointer unused)
{
  record (f, "a", 1, "adaptive", 0, 1);
  g_autoptr (ReportModel) model = load (f, NULL);
  g_autofree char *html = format_html (f, model, FALSE);
  assert_same_hash (html, html, "<style>", "</style>");
  assert_same_hash (html, html, "<script>", "</script>");
  assert_same_hash (html, strstr (html, "<script>") + 1, "<script>", "</script>");
}

static void
test_html_data (FixtureStore *f, gconstpointer unused)
{
  for (gint64 seed = 1; seed <= 3; seed++)
    record (f, "a", seed, "adaptive", (int)(seed % 2), (double)seed);
  g_autoptr (ReportModel) model = load (f, NULL);
  g_autofree char *html = format_html (f, model, FALSE);
  static const char begin[] = "id=\"columns\">";
  const char *from = strstr (html, begin) + strlen (begin), *to = strstr (from, "</script>");
  g_autofree char *text = g_strndup (from, (gsize)(to - from));
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root = json_from_string (text, &error);
  g_assert_no_error (error);
  JsonObject *object = json_node_get_object (root);
  JsonObject *runs = json_object_get_object_member (object, "runs");
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (runs, "id")), ==, 3);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (object, "groups")), ==, 1);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (object, "failures")), ==,
                    6);
  g_assert_cmpuint (count (html, "id=\"run-"), ==, 3);
  g_assert_cmpuint (count (html, "id=\"text-"), ==, 1); /* shared */
}

/* --- One run --- */

static JsonObject *
parse_detail (const StoreRun *run, JsonNode **root_out)
{
  g_autoptr (GError) error = NULL;
  JsonText json;
  json_text_init (&json);
  report_detail_append (&json, run);
  g_autofree char *text = json_text_finish (&json);
  *root_out = json_from_string (text, &error);
  g_assert_no_error (error);
  return json_node_get_object (*root_out);
}

static guint
length_of (JsonObject *object, const char *member)
{
  return json_array_get_length (json_object_get_array_member (object, member));
}

static void
test_detail (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (StoreRun) run = fixture_run_new (f->campaign_id, 1);
  g_autoptr (JsonNode) root = NULL;
  JsonObject *detail = parse_detail (run, &root);
  g_assert_cmpuint (length_of (detail, "metrics"), ==, run->metrics->len);
  g_assert_cmpuint (length_of (detail, "expectations"), ==, run->expectations->len);
  g_assert_cmpuint (length_of (detail, "links"), ==, run->links->len);
  g_assert_cmpuint (length_of (detail, "linkSeries"), ==, 2); /* a link here, a link there */
  g_assert_cmpuint (length_of (detail, "events"), ==, run->events->len);
  g_assert_cmpint (json_object_get_int_member (detail, "eventsLeftOut"), ==, 0);
  JsonObject *series =
      json_array_get_object_element (json_object_get_array_member (detail, "linkSeries"), 0);
  JsonObject *throughput =
      json_array_get_object_element (json_object_get_array_member (series, "lines"), 0);
  g_assert_cmpstr (json_object_get_string_member (throughput, "name"), ==, "throughput");
  /* 500 000 bytes in 100 ms */
  g_assert_cmpfloat (
      json_array_get_double_element (json_object_get_array_member (throughput, "v"), 1), ==, 40e6);
}

/* What a page does not show, it counts. */
static void
test_detail_is_bounded (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (StoreRun) run = fixture_run_new (f->campaign_id, 1);
  g_autoptr (JsonNode) root = NULL;
  g_array_set_size (run->events, 0);
  for (guint i = 0; i < 5000; i++) {
    gboolean works = i % 2 != 0;
    StoreEvent fault = { i * 10, STORE_SIDE_HARNESS, 0, "event-begin", "", 1, 0, "x: reset" };
    StoreEvent state = { i * 10,
                         STORE_SIDE_CLIENT,
                         0,
                         "link-state",
                         "none",
                         works ? 3 : 2,
                         works ? 2 : 3,
                         works ? "working" : "not-working" };
    g_array_append_val (run->events, fault);
    g_array_append_val (run->events, state);
  }
  JsonObject *detail = parse_detail (run, &root);
  g_assert_cmpuint (length_of (detail, "events"), ==, REPORT_FAULTS_MAX + REPORT_EVENTS_MAX);
  g_assert_cmpint (json_object_get_int_member (detail, "faultsLeftOut"), ==,
                   5000 - REPORT_FAULTS_MAX);
  g_assert_cmpint (json_object_get_int_member (detail, "eventsLeftOut"), ==,
                   5000 - REPORT_EVENTS_MAX);
  JsonObject *lane =
      json_array_get_object_element (json_object_get_array_member (detail, "lanes"), 0);
  JsonArray *spans = json_object_get_array_member (lane, "spans");
  g_assert_cmpuint (json_array_get_length (spans), ==, REPORT_SPANS_MAX + 1);
  JsonArray *last = json_array_get_array_element (spans, REPORT_SPANS_MAX);
  g_assert_cmpstr (json_array_get_string_element (last, 1), ==, "not shown");
  g_assert_cmpstr (json_array_get_string_element (last, 2), ==, "3000 more changes");
}

/* --- Markdown, CSV, JSON --- */

static void
test_markdown (FixtureStore *f, gconstpointer unused)
{
  record (f, "a|b @all <b>", 1, "adaptive", 1, 1e6);
  record (f, "a|b @all <b>", 2, "adaptive", 0, 3e6);
  record (f, "a|b @all <b>", 3, "reference", 0, 5e6);
  g_autoptr (ReportModel) model = load (f, NULL);
  model->db_path = "x.db";
  g_autofree char *text = report_markdown_format (model);
  g_assert_nonnull (strstr (text, "**2 of 3 runs held**, **1 did not**"));
  g_assert_nonnull (strstr (text, "| FAILED | a\\|b &#64;all &lt;b\\> |"));
  g_assert_nonnull (strstr (text, "upload.longest-gap &lt;= 100ms \\& \"&lt;b\\>\", got 105ms"));
  g_assert_nonnull (strstr (text, "`caiman replay x.db 1`"));
  g_assert_nonnull (strstr (text, "| adaptive |  | 2 | 1.00 Mbit/s | 105 ms |"));
  g_assert_nonnull (strstr (text, "| reference |  | 1 | 5.00 Mbit/s | 105 ms |"));
}

static void
test_markdown_is_bounded (FixtureStore *f, gconstpointer unused)
{
  for (gint64 seed = 0; seed < REPORT_MARKDOWN_FAILURES_MAX + 3; seed++)
    record (f, "a", seed, "adaptive", 1, 1);
  g_autoptr (ReportModel) model = load (f, NULL);
  g_autofree char *text = report_markdown_format (model);
  g_assert_cmpuint (count (text, "| FAILED |"), ==, REPORT_MARKDOWN_FAILURES_MAX);
  g_assert_nonnull (strstr (text, "3 more did not hold"));
}

static void
test_csv (FixtureStore *f, gconstpointer unused)
{
  record (f, "=1+1", 1, "say \"hi\", twice", 0, 2.5);
  record (f, "another", 1, "adaptive", 0, 3.5);
  g_autoptr (ReportModel) model = load (f, NULL);
  g_autofree char *text = report_csv_format (model);
  g_auto (GStrv) lines = g_strsplit (text, "\r\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 4);
  g_assert_cmpuint (count (lines[0], "goodput"), ==, 1);
  g_assert_nonnull (strstr (lines[2], ",another,"));
  g_assert_nonnull (strstr (lines[2], ",3.5,"));
  g_assert_true (g_str_has_prefix (lines[0], "run,campaign,started_utc,scenario,"));
  g_assert_nonnull (strstr (lines[0], ",upload.goodput [bit/s],"));
  g_assert_null (strstr (lines[0], "recovery")); /* no run has it */
  g_assert_nonnull (
      strstr (lines[1], ",\"'=1+1\",,1,\"say \"\"hi\"\", twice\",sim,ok,survives,2,2,"));
  g_assert_nonnull (strstr (lines[1], ",2.5,"));
  g_assert_nonnull (strstr (lines[1], ",9007199254740991"));
}

static void
test_json (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  record (f, "b", 1, "adaptive", 0, 1);
  record (f, EVIL, 2, "adaptive", 1, 2);
  g_autoptr (ReportModel) model = load (f, NULL);
  g_autofree char *text = report_json_document_format (model);
  g_autoptr (JsonNode) root = json_from_string (text, &error);
  g_assert_no_error (error);
  JsonObject *object = json_node_get_object (root);
  g_assert_cmpint (json_object_get_int_member (object, "schema"), ==, REPORT_JSON_DOCUMENT_SCHEMA);
  JsonArray *runs = json_object_get_array_member (object, "runs");
  g_assert_cmpuint (json_array_get_length (runs), ==, 2);
  JsonObject *evil = json_array_get_object_element (runs, 0);
  g_assert_cmpstr (json_object_get_string_member (evil, "scenario"), ==, EVIL);
  g_assert_cmpstr (json_object_get_string_member (evil, "verdict"), ==, "FAILED");
  JsonArray *not_held = json_object_get_array_member (evil, "not_held");
  g_assert_cmpuint (json_array_get_length (not_held), ==, 2);
  g_assert_true (
      json_object_get_null_member (json_array_get_object_element (not_held, 1), "actual"));
  JsonObject *goodput = json_object_get_object_member (
      json_object_get_object_member (evil, "metrics"), "upload.goodput");
  g_assert_cmpfloat (json_object_get_double_member (goodput, "value"), ==, 2);
}

/* An empty database gives documents, too. */
static void
test_empty (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (ReportModel) model = load (f, NULL);
  g_autofree char *html = format_html (f, model, TRUE), *markdown = report_markdown_format (model);
  g_autofree char *csv = report_csv_format (model), *json = report_json_document_format (model);
  g_assert_nonnull (strstr (html, "There are none."));
  g_assert_nonnull (strstr (markdown, "0 of 0 runs held"));
  g_assert_true (g_str_has_suffix (csv, "git_id\r\n"));
  g_assert_nonnull (strstr (json, "\"runs\":[]"));
}

#define ADD(name, function)                                                                        \
  g_test_add (name, FixtureStore, NULL, fixture_store_set_up, function, fixture_store_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/reports/report/columns", test_columns);
  ADD ("/reports/report/filter", test_filter);
  ADD ("/reports/report/commands", test_commands);
  ADD ("/reports/report/select", test_select);
  ADD ("/reports/report/html-is-safe", test_html_is_safe);
  ADD ("/reports/report/html-policy", test_html_policy);
  ADD ("/reports/report/html-data", test_html_data);
  ADD ("/reports/report/detail", test_detail);
  ADD ("/reports/report/detail-is-bounded", test_detail_is_bounded);
  ADD ("/reports/report/markdown", test_markdown);
  ADD ("/reports/report/markdown-is-bounded", test_markdown_is_bounded);
  ADD ("/reports/report/csv", test_csv);
  ADD ("/reports/report/json", test_json);
  ADD ("/reports/report/empty", test_empty);
  return g_test_run ();
}
