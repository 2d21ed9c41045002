/* SPDX-License-Identifier: Apache-2.0 */
/* run-report.c - see run-report.h.
 *
 * A sweep makes one of these for each of its runs, which may take a millisecond. So the bytes are
 * plain: both ends are one program, forked. First the numbers of the head, then its texts, then
 * rows behind their count. Of a report that was unpacked the texts stay where they are. */
#include "tools/run-report.h"

#include "harness/tally.h"
#include "reports/json.h"
#include "reports/summary.h"
#include "tools/tool.h"

#include <string.h>

/* As many runs are told at length. */
#define DETAILED_RUNS_MAX 1

/* The texts of a run's head. */
static const gsize texts[] = {
  G_STRUCT_OFFSET (StoreRun, scenario_name), G_STRUCT_OFFSET (StoreRun, scenario_hash),
  G_STRUCT_OFFSET (StoreRun, variant),       G_STRUCT_OFFSET (StoreRun, policy),
  G_STRUCT_OFFSET (StoreRun, testbed),       G_STRUCT_OFFSET (StoreRun, git_id),
  G_STRUCT_OFFSET (StoreRun, host),          G_STRUCT_OFFSET (StoreRun, digest),
  G_STRUCT_OFFSET (StoreRun, outcome),
};

/* The numbers of a run's head, without padding, which would go over uninitialised. */
typedef struct {
  gint64 id, seed, started_us, wall_ns, simulated_ns;
  gint32 exit_class;
  guint16 finished, is_known;
} Head;

G_STATIC_ASSERT (sizeof (Head) == 5 * 8 + 4 + 2 * 2);

/* ---- writing ---- */

static void
put (GByteArray *out, const void *data, gsize size)
{
  g_byte_array_append (out, data, (guint)size);
}

static void
put_count (GByteArray *out, guint32 n)
{
  put (out, &n, sizeof n);
}

/* A byte before @text (nullable) says whether there is one. */
static void
put_text (GByteArray *out, const char *text)
{
  const guint8 is_there = text != NULL;
  put (out, &is_there, sizeof is_there);
  if (text != NULL)
    put (out, text, strlen (text) + 1);
}

static void
pack_head (GByteArray *out, const StoreRun *run, gboolean is_known)
{
  const Head head = { .id = run->id,
                      .seed = run->seed,
                      .started_us = run->started_us,
                      .wall_ns = run->wall_ns,
                      .simulated_ns = run->simulated_ns,
                      .exit_class = run->exit_class,
                      .finished = run->finished != 0,
                      .is_known = is_known != 0 };
  put (out, &head, sizeof head);
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    put_text (out, G_STRUCT_MEMBER (const char *, run, texts[i]));
}

static void
pack_expectations (GByteArray *out, const StoreRun *run)
{
  put_count (out, run->expectations->len);
  for (guint i = 0; i < run->expectations->len; i++) {
    const StoreExpectation *e = &g_array_index (run->expectations, StoreExpectation, i);
    put_text (out, e->name);
    put_text (out, e->bound);
    put_text (out, e->actual);
    put (out, &e->held, sizeof e->held);
    put (out, &e->line, sizeof e->line);
  }
}

static void
pack_metrics (GByteArray *out, const StoreRun *run)
{
  guint32 n = 0;
  guint count_at = out->len;
  put_count (out, n);
  for (guint i = 0; i < run->metrics->len; i++) {
    const StoreMetric *m = &g_array_index (run->metrics, StoreMetric, i);
    if (!tally_wants (m))
      continue;
    n++;
    put (out, &m->subject_kind, sizeof m->subject_kind);
    put (out, &m->value, sizeof m->value);
    put_text (out, m->subject);
    put_text (out, m->name);
    put_text (out, m->unit);
  }
  memcpy (out->data + count_at, &n, sizeof n);
}

static void
pack_lines (GByteArray *out, const GPtrArray *problems)
{
  guint n = problems != NULL ? problems->len : 0;
  put_count (out, n);
  for (guint i = 0; i < n; i++) {
    g_autofree char *line = g_utf8_make_valid (g_ptr_array_index (problems, i), -1);
    put_text (out, line);
  }
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
  GByteArray *out = g_byte_array_sized_new (1024);
  g_autofree char *details =
      (parts & RUN_REPORT_DETAILS) ? summary_format_run (run, colour) : g_strdup ("");
  g_autofree char *json = (parts & RUN_REPORT_JSON) ? report_json_format (run) : g_strdup ("");
  pack_head (out, run, is_known);
  pack_expectations (out, run);
  pack_metrics (out, run);
  put_text (out, details);
  put_text (out, json);
  pack_lines (out, problems);
  return g_byte_array_free_to_bytes (out);
}

/* ---- reading ---- */

typedef struct {
  const guint8 *at;
  gsize n_left;
  gboolean is_bad; /* there was less than was asked for */
} Reader;

/* Zeros where there is less than @size. */
static void
get (Reader *reader, void *data, gsize size)
{
  memset (data, 0, size);
  if (reader->is_bad || reader->n_left < size) {
    reader->is_bad = TRUE;
    return;
  }
  memcpy (data, reader->at, size);
  reader->at += size;
  reader->n_left -= size;
}

static guint32
get_count (Reader *reader)
{
  guint32 n;
  get (reader, &n, sizeof n);
  return reader->is_bad ? 0 : n;
}

/* (nullable) (borrowed from what is read) */
static const char *
get_text (Reader *reader)
{
  guint8 is_there;
  get (reader, &is_there, sizeof is_there);
  if (!is_there)
    return NULL;
  const char *text = (const char *)reader->at;
  const guint8 *end = memchr (text, '\0', reader->n_left);
  if (end == NULL) {
    reader->is_bad = TRUE;
    return NULL;
  }
  reader->n_left -= (gsize)(end + 1 - reader->at);
  reader->at = end + 1;
  return text;
}

static void
unpack_head (Reader *reader, RunReport *report)
{
  StoreRun *run = report->run;
  Head head;
  get (reader, &head, sizeof head);
  run->id = head.id;
  run->seed = head.seed;
  run->started_us = head.started_us;
  run->wall_ns = head.wall_ns;
  run->simulated_ns = head.simulated_ns;
  run->exit_class = head.exit_class;
  run->finished = head.finished;
  report->is_known = head.is_known;
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    G_STRUCT_MEMBER (const char *, run, texts[i]) = get_text (reader);
}

static void
unpack_expectations (Reader *reader, StoreRun *run)
{
  for (guint32 n = get_count (reader); n > 0 && !reader->is_bad; n--) {
    StoreExpectation e;
    e.name = get_text (reader);
    e.bound = get_text (reader);
    e.actual = get_text (reader);
    get (reader, &e.held, sizeof e.held);
    get (reader, &e.line, sizeof e.line);
    g_array_append_val (run->expectations, e);
  }
}

static void
unpack_metrics (Reader *reader, StoreRun *run)
{
  for (guint32 n = get_count (reader); n > 0 && !reader->is_bad; n--) {
    StoreMetric m;
    get (reader, &m.subject_kind, sizeof m.subject_kind);
    get (reader, &m.value, sizeof m.value);
    m.subject = get_text (reader);
    m.name = get_text (reader);
    m.unit = get_text (reader);
    g_array_append_val (run->metrics, m);
  }
}

static char **
unpack_lines (Reader *reader)
{
  GPtrArray *lines = g_ptr_array_new ();
  for (guint32 n = get_count (reader); n > 0 && !reader->is_bad; n--)
    g_ptr_array_add (lines, g_strdup (get_text (reader)));
  g_ptr_array_add (lines, NULL);
  return (char **)g_ptr_array_free (lines, FALSE);
}

RunReport *
run_report_unpack (GBytes *bytes)
{
  g_autoptr (RunReport) report = g_new0 (RunReport, 1);
  Reader reader = { 0 };
  reader.at = g_bytes_get_data (bytes, &reader.n_left);
  report->bytes = g_bytes_ref (bytes);
  report->run = store_run_new ();
  unpack_head (&reader, report);
  unpack_expectations (&reader, report->run);
  unpack_metrics (&reader, report->run);
  report->details = g_strdup (get_text (&reader));
  report->json = g_strdup (get_text (&reader));
  report->problems = unpack_lines (&reader);
  return reader.is_bad || reader.n_left > 0 ? NULL : g_steal_pointer (&report);
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
  g_clear_pointer (&report->bytes, g_bytes_unref);
  g_free (report);
}
