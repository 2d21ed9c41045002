/* SPDX-License-Identifier: Apache-2.0 */
/* report-html.c - see report-html.h. */
#include "reports/report-html.h"

#include "reports/format.h"
#include "reports/json-text.h"
#include "reports/report-detail.h"
#include "reports/report-fallback.h"
#include "reports/report-select.h"
#include "reports/report-summary.h"
#include "reports/reports-resources.h"
#include "reports/validation.h"

#include <string.h>

#define FOLDER "/caiman/reports/report/"

/* Our scripts, in the order in which they build on each other. */
static const char *const scripts[] = {
  "start.js", "format.js", "data.js",       "theme.js",   "plugins.js",  "charts.js",
  "table.js", "boxes.js",  "swimlane.js",   "heatmap.js", "campaign.js", "run-tables.js",
  "run.js",   "sweep.js",  "validation.js", "router.js",
};

static void
append_resource (GString *out, const char *name)
{
  g_autofree char *path = g_strconcat (FOLDER, name, NULL);
  g_autoptr (GBytes) bytes =
      g_resource_lookup_data (reports_get_resource (), path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  gsize size_bytes;
  g_assert (bytes);
  const char *data = g_bytes_get_data (bytes, &size_bytes);
  g_string_append_len (out, data, (gssize)size_bytes);
}

/* The source expression by which a policy allows exactly this text. */
static char *
hash_of (const char *text)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize length = sizeof digest;
  g_checksum_update (sum, (const guchar *)text, -1);
  g_checksum_get_digest (sum, digest, &length);
  g_autofree char *base64 = g_base64_encode (digest, length);
  return g_strdup_printf ("'sha256-%s'", base64);
}

/* --- Pages of single runs --- */

typedef struct {
  Store *store;
  const ReportModel *model;
  const ReportHtmlOptions *options;
  GString *out;      /* script elements of data */
  gsize limit_bytes; /* of @out; 0: none */
  GArray *ids;       /* of gint64: the runs that have a page */
  GHashTable *done;  /* indexes + 1 */
  GHashTable *texts; /* ids of scenario texts that are in @out */
} Details;

static void
append_data (GString *out, const char *id, const char *json)
{
  g_string_append_printf (out, "<script type=\"application/json\" id=\"%s\">%s</script>\n", id,
                          json);
}

static void
append_text (Details *details, const StoreRun *run)
{
  char *id = report_detail_get_text_id (run);
  if (!g_hash_table_add (details->texts, id))
    return;
  g_auto (JsonText) json;
  json_text_init (&json);
  json_text_string (&json, run->scenario_text);
  g_autofree char *element = g_strconcat ("text-", id, NULL);
  append_data (details->out, element, json.out->str);
}

static gboolean
append_run (Details *details, guint index, GError **error)
{
  if (!g_hash_table_add (details->done, GUINT_TO_POINTER (index + 1)))
    return TRUE;
  gint64 id = report_model_get_run (details->model, index)->id;
  g_autoptr (StoreRun) run =
      query_load_run (details->store, id, QUERY_TABLES | QUERY_SAMPLES, error);
  if (!run)
    return FALSE;
  g_auto (JsonText) json;
  json_text_init (&json);
  report_detail_append (&json, run);
  g_autofree char *element = g_strdup_printf ("run-%" G_GINT64_FORMAT, id);
  append_data (details->out, element, json.out->str);
  append_text (details, run);
  g_array_append_val (details->ids, id);
  return TRUE;
}

/* Those of @indexes from @from to @to (not included), until @limit_bytes are used. */
static gboolean
append_runs (Details *details, const GArray *indexes, guint from, guint to, gsize limit_bytes,
             GError **error)
{
  for (guint i = from; i < to && details->out->len < limit_bytes; i++)
    if (!append_run (details, g_array_index (indexes, guint, i), error))
      return FALSE;
  return TRUE;
}

/* Failing runs may take two thirds of the room before the representative ones have been seen to;
 * half of it is filled in any case. */
static gboolean
append_selected (Details *details, GError **error)
{
  guint n_failed;
  g_autoptr (GArray) selected = report_select (details->model, &n_failed);
  const gsize limit_bytes = details->limit_bytes;
  if (!append_runs (details, selected, 0, n_failed, limit_bytes / 3 * 2, error) ||
      !append_runs (details, selected, n_failed, selected->len, limit_bytes, error) ||
      !append_runs (details, selected, 0, n_failed, limit_bytes, error))
    return FALSE;
  for (guint i = 0; i < details->model->entries->len && details->out->len < limit_bytes / 2; i++)
    if (!append_run (details, i, error))
      return FALSE;
  return TRUE;
}

static gboolean
append_details (Details *details, GError **error)
{
  if (details->limit_bytes > 0)
    return append_selected (details, error);
  for (guint i = 0; i < details->model->entries->len; i++)
    if (!append_run (details, i, error))
      return FALSE;
  return TRUE;
}

/* --- The summary --- */

static char *
make_title (const ReportModel *model, const ReportHtmlOptions *options)
{
  if (options->title)
    return g_strdup (options->title);
  g_autofree char *name = g_path_get_basename (model->db_path);
  return g_strdup_printf ("caiman: %s", name);
}

static char *
format_summary (const Details *details, const char *title)
{
  const ReportModel *model = details->model;
  JsonText json;
  json_text_init (&json);
  json_text_open (&json, '{');
  json_text_member_integer (&json, "schema", 1);
  json_text_member_string (&json, "title", title);
  json_text_member_string (&json, "db", model->db_path);
  json_text_member_string (&json, "version", details->options->version);
  g_autofree char *date = format_date (details->options->now_us);
  json_text_member_string (&json, "date", date);
  json_text_member_integer (&json, "digits", REPORT_SUMMARY_DIGITS);
  json_text_member_integer (&json, "detailBytesMax", (gint64)details->limit_bytes);
  g_autofree char *word = report_model_quote_path (model);
  json_text_member_string (&json, "dbWord", word);
  json_text_key (&json, "details");
  json_text_open (&json, '[');
  for (guint i = 0; i < details->ids->len; i++)
    json_text_integer (&json, g_array_index (details->ids, gint64, i));
  json_text_close (&json, ']');
  json_text_close (&json, '}');
  return json_text_finish (&json);
}

/* What caiman validate has made of the newest campaign of the report that it has compared; none
 * where it has not. (transfer full) */
static GPtrArray *
load_validation (Store *store, const ReportModel *model, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_int64_hash, g_int64_equal);
  for (guint i = model->entries->len; i-- > 0;) {
    const gint64 *campaign_id = &report_model_get_run (model, i)->campaign_id;
    if (!g_hash_table_add (seen, (gpointer)campaign_id))
      continue;
    g_autoptr (GPtrArray) rows = validation_load (store, *campaign_id, error);
    if (!rows || rows->len > 0)
      return g_steal_pointer (&rows);
  }
  return validation_rows_new ();
}

/* All runs in columns, the larger part of a report of many. */
static char *
format_columns (Store *store, const ReportModel *model, GError **error)
{
  g_autoptr (GPtrArray) validation = load_validation (store, model, error);
  JsonText json;
  if (!validation)
    return NULL;
  json_text_init (&json);
  json_text_open (&json, '{');
  report_summary_append (&json, model);
  json_text_key (&json, "validation");
  validation_append_columns (&json, validation);
  json_text_close (&json, '}');
  return json_text_finish (&json);
}

/* What pages of single runs may take beside @columns. */
static gsize
get_limit (const ReportHtmlOptions *options, const char *columns)
{
  if (options->all_runs)
    return 0;
  gint64 room_bytes = REPORT_BYTES_WANTED - (gint64)strlen (columns);
  return (gsize)CLAMP (room_bytes, REPORT_DETAILS_BYTES_MIN, REPORT_DETAILS_BYTES_MAX);
}

/* --- The document --- */

typedef struct {
  char *title, *policy, *style, *chart, *script, *fallback, *summary, *columns, *details;
} Parts;

static void
clear_parts (Parts *parts)
{
  g_free (parts->title);
  g_free (parts->policy);
  g_free (parts->style);
  g_free (parts->chart);
  g_free (parts->script);
  g_free (parts->fallback);
  g_free (parts->summary);
  g_free (parts->columns);
  g_free (parts->details);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Parts, clear_parts)

static char *
load_scripts (void)
{
  GString *out = g_string_new ("(() => {\n'use strict';\n");
  for (gsize i = 0; i < G_N_ELEMENTS (scripts); i++)
    append_resource (out, scripts[i]);
  g_string_append (out, "})();\n");
  return g_string_free (out, FALSE);
}

static char *
load (const char *name)
{
  GString *out = g_string_new (NULL);
  append_resource (out, name);
  return g_string_free (out, FALSE);
}

static char *
make_policy (const Parts *parts)
{
  g_autofree char *chart = hash_of (parts->chart), *script = hash_of (parts->script);
  g_autofree char *style = hash_of (parts->style);
  return g_strdup_printf ("default-src 'none'; script-src %s %s; style-src %s; base-uri 'none'; "
                          "form-action 'none'",
                          chart, script, style);
}

/* Puts the parts in the places of @template that name them; what they hold is not looked at. */
static char *
fill (const char *template, const Parts *parts)
{
  const struct {
    const char *name, *text;
  } places[] = {
    { "{{title}}", parts->title },     { "{{policy}}", parts->policy },
    { "{{style}}", parts->style },     { "{{chart}}", parts->chart },
    { "{{script}}", parts->script },   { "{{fallback}}", parts->fallback },
    { "{{summary}}", parts->summary }, { "{{details}}", parts->details },
    { "{{columns}}", parts->columns },
  };
  GString *out = g_string_new (NULL);
  for (const char *at = template; *at;) {
    gboolean is_place = FALSE;
    for (gsize i = 0; *at == '{' && i < G_N_ELEMENTS (places) && !is_place; i++) {
      if (!g_str_has_prefix (at, places[i].name))
        continue;
      g_string_append (out, places[i].text);
      at += strlen (places[i].name);
      is_place = TRUE;
    }
    if (!is_place)
      g_string_append_c (out, *at++);
  }
  return g_string_free (out, FALSE);
}

static char *
escape (const char *text)
{
  GString *out = g_string_new (NULL);
  html_append_escaped (out, text);
  return g_string_free (out, FALSE);
}

char *
report_html_format (Store *store, const ReportModel *model, const ReportHtmlOptions *options,
                    GError **error)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GHashTable) done = g_hash_table_new (NULL, NULL);
  g_autoptr (GHashTable) texts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *columns = format_columns (store, model, error);
  if (!columns)
    return NULL;
  Details details = { store, model, options, out, get_limit (options, columns), ids, done, texts };
  if (!append_details (&details, error))
    return NULL;
  g_autofree char *title = make_title (model, options);
  g_autofree char *template = load ("template.html");
  g_auto (Parts) parts = {
    .title = escape (title),
    .style = load ("style.css"),
    .chart = load ("chart.min.js"),
    .script = load_scripts (),
    .fallback = report_fallback_format (model),
    .summary = format_summary (&details, title),
    .columns = g_steal_pointer (&columns),
    .details = g_strdup (out->str),
  };
  parts.policy = make_policy (&parts);
  return fill (template, &parts);
}
