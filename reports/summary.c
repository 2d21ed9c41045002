/* SPDX-License-Identifier: Apache-2.0 */
/* summary.c - see summary.h. */
#include "reports/summary.h"

#include <math.h>
#include <unistd.h>

#include "reports/format.h"
#include "reports/table.h"

#define LOST_PREFIX "lost-"
#define INDENT      2

/* So many flows or links stand side by side, or fewer when a line would be longer than that; more
 * go into further tables below. */
#define COLUMNS_MAX 6
#define WIDTH_MAX   80

gboolean
summary_wants_colour (int fd)
{
  return isatty (fd) && !g_getenv ("NO_COLOR") && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0;
}

gboolean
summary_is_live (const StoreRun *run)
{
  return g_str_equal (run->testbed, "live");
}

char *
summary_format_link (const StoreRun *run, guint index)
{
  return summary_is_live (run) ? g_strdup_printf ("#%u", index + 1)
                               : g_strdup (g_array_index (run->links, StoreLink, index).name);
}

/* --- One line ------------------------------------------------------------------------------- */

static TableStyle
verdict_style (int exit_class)
{
  return exit_class == 0 ? TABLE_GOOD : exit_class == 77 ? TABLE_DIM : TABLE_BAD;
}

static void
append_verdict (GString *out, const StoreRun *run, gboolean colour)
{
  const char *verdict = run->finished ? format_exit_class (run->exit_class) : "UNFINISHED";
  TableStyle style = run->finished ? verdict_style (run->exit_class) : TABLE_BAD;
  g_autofree char *padded = g_strdup_printf ("%-7s", verdict);
  table_append_styled (out, style, colour, padded);
}

/* The first expectation that did not hold, and how many more. */
static void
append_first_failure (GString *out, const StoreRun *run)
{
  const StoreExpectation *first = NULL;
  guint n_failed = 0;
  for (guint i = 0; i < run->expectations->len; i++) {
    const StoreExpectation *e = &g_array_index (run->expectations, StoreExpectation, i);
    if (e->held)
      continue;
    if (n_failed++ == 0)
      first = e;
  }
  if (!first)
    return;
  g_string_append_printf (out, "  %s %s, got %s", first->name, first->bound,
                          first->actual ? first->actual : "-");
  if (n_failed > 1)
    g_string_append_printf (out, " (and %u more)", n_failed - 1);
}

char *
summary_format_line (const StoreRun *run, gboolean colour)
{
  g_autofree char *simulated = format_time ((double)run->simulated_ns);
  g_autofree char *wall = format_time ((double)run->wall_ns);
  GString *out = g_string_new (NULL);
  append_verdict (out, run, colour);
  g_string_append_printf (out, " %s", run->scenario_name);
  if (run->variant)
    g_string_append_printf (out, "  [%s]", run->variant);
  if (!summary_is_live (run))
    g_string_append_printf (out, "  seed %" G_GINT64_FORMAT, run->seed);
  g_string_append_printf (out, "  %s", run->policy);
  if (run->finished)
    g_string_append_printf (out, "  %s", run->outcome ? run->outcome : "-");
  /* Of one that was skipped, or whose process died, no times are known. */
  if (run->finished && run->wall_ns > 0)
    g_string_append_printf (out, summary_is_live (run) ? "  %s" : "  %s in %s", simulated, wall);
  if (run->id > 0)
    g_string_append_printf (out, "  run %" G_GINT64_FORMAT, run->id);
  append_first_failure (out, run);
  g_string_append_c (out, '\n');
  return g_string_free (out, FALSE);
}

char *
summary_format_total (const GArray *exit_classes, gboolean colour)
{
  static const int classes[] = { 0, 1, 3, 4, 70, 2, 77, 130 };
  GString *out = g_string_new (NULL);
  g_string_append_printf (out, "%u run%s:", exit_classes->len, exit_classes->len == 1 ? "" : "s");
  const char *separator = " ";
  for (gsize i = 0; i < G_N_ELEMENTS (classes); i++) {
    guint n = 0;
    for (guint j = 0; j < exit_classes->len; j++)
      n += g_array_index (exit_classes, int, j) == classes[i];
    if (n == 0 && classes[i] != 0)
      continue;
    g_autofree char *part = g_strdup_printf ("%u %s", n, format_exit_class (classes[i]));
    g_string_append (out, separator);
    table_append_styled (out, n == 0 ? TABLE_PLAIN : verdict_style (classes[i]), colour, part);
    separator = ", ";
  }
  g_string_append_c (out, '\n');
  return g_string_free (out, FALSE);
}

/* --- Tables ----------------------------------------------------------------------------------- */

/* An empty line, the heading and the table; nothing when the table is empty. */
static void
append_table (GString *out, const char *heading, const Table *table)
{
  if (table_is_empty (table))
    return;
  g_string_append_printf (out, "\n%s\n", heading);
  table_render (table, INDENT, out);
}

void
summary_append_expectations (GString *out, const StoreRun *run, gboolean colour)
{
  static const char *const titles[] = { "expectation", ">bound", ">actual", "held", ">line", NULL };
  g_autoptr (Table) table = table_new (titles, colour);
  for (guint i = 0; i < run->expectations->len; i++) {
    const StoreExpectation *e = &g_array_index (run->expectations, StoreExpectation, i);
    table_add (table, TABLE_PLAIN, e->name);
    table_add (table, TABLE_PLAIN, e->bound);
    table_add (table, TABLE_PLAIN, e->actual);
    table_add (table, e->held ? TABLE_GOOD : TABLE_BAD, e->held ? "yes" : "NO");
    table_take (table, e->line > 0 ? g_strdup_printf ("%d", e->line) : g_strdup (""));
  }
  append_table (out, "Expectations", table);
}

static gboolean
is_lost_time (const StoreMetric *metric)
{
  return metric->subject_kind == STORE_SUBJECT_FLOW && g_str_equal (metric->unit, "ns") &&
         g_str_has_prefix (metric->name, LOST_PREFIX);
}

/* The distinct texts that @get gives for the metrics that @wanted picks, in their order. */
static GPtrArray *
distinct (const StoreRun *run, gboolean (*wanted) (const StoreMetric *, int), int argument,
          gsize offset)
{
  GPtrArray *texts = g_ptr_array_new ();
  for (guint i = 0; i < run->metrics->len; i++) {
    const StoreMetric *metric = &g_array_index (run->metrics, StoreMetric, i);
    const char *text = G_STRUCT_MEMBER (const char *, metric, offset);
    if (wanted (metric, argument) &&
        !g_ptr_array_find_with_equal_func (texts, text, g_str_equal, NULL))
      g_ptr_array_add (texts, (gpointer)text);
  }
  return texts;
}

static const StoreMetric *
find_metric (const StoreRun *run, StoreSubject subject_kind, const char *subject, const char *name)
{
  for (guint i = 0; i < run->metrics->len; i++) {
    const StoreMetric *m = &g_array_index (run->metrics, StoreMetric, i);
    if (m->subject_kind == subject_kind && g_str_equal (m->subject, subject) &&
        g_str_equal (m->name, name))
      return m;
  }
  return NULL;
}

static char *
format_metric (const StoreMetric *metric)
{
  return metric ? format_value (metric->value, metric->unit) : g_strdup ("-");
}

static gboolean
is_of_kind (const StoreMetric *metric, int subject_kind)
{
  return (int)metric->subject_kind == subject_kind && !is_lost_time (metric);
}

/* Whether the metric has a value for any of @n_subjects. */
static gboolean
is_defined_anywhere (const StoreRun *run, StoreSubject subject_kind, gpointer *subjects,
                     guint n_subjects, const char *name)
{
  for (guint i = 0; i < n_subjects; i++) {
    const StoreMetric *metric = find_metric (run, subject_kind, subjects[i], name);
    if (metric && isfinite (metric->value))
      return TRUE;
  }
  return FALSE;
}

/* The title of a column: of a link, "wifi.up", or in a live run "#1.up". (transfer full) */
static char *
format_subject (const StoreRun *run, StoreSubject kind, const char *subject)
{
  for (guint i = 0; kind == STORE_SUBJECT_LINK && i < run->links->len; i++) {
    const char *name = g_array_index (run->links, StoreLink, i).name;
    gsize length = strlen (name);
    g_autofree char *label = summary_format_link (run, i);
    if (strncmp (subject, name, length) == 0 && subject[length] == '.' &&
        strchr (subject + length + 1, '.') == NULL)
      return g_strdup_printf (">%s%s", label, subject + length);
  }
  return g_strdup_printf (">%s", *subject ? subject : "value");
}

/* One row per metric of @names, one column per subject. (transfer full) */
static Table *
make_metric_table (const StoreRun *run, StoreSubject subject_kind, GPtrArray *names,
                   gpointer *subjects, guint n_subjects, gboolean colour)
{
  g_autoptr (GPtrArray) titles = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (titles, g_strdup ("metric"));
  for (guint i = 0; i < n_subjects; i++)
    g_ptr_array_add (titles, format_subject (run, subject_kind, subjects[i]));
  g_ptr_array_add (titles, NULL);

  g_autoptr (Table) table = table_new ((const char *const *)titles->pdata, colour);
  for (guint i = 0; i < names->len; i++) {
    const char *name = g_ptr_array_index (names, i);
    if (!is_defined_anywhere (run, subject_kind, subjects, n_subjects, name))
      continue;
    table_add (table, TABLE_PLAIN, name);
    for (guint j = 0; j < n_subjects; j++)
      table_take (table, format_metric (find_metric (run, subject_kind, subjects[j], name)));
  }
  return g_steal_pointer (&table);
}

/* A table of the first of @n_subjects, as many as fit. Returns how many these are. */
static guint
append_metric_table (GString *out, const char *heading, const StoreRun *run,
                     StoreSubject subject_kind, GPtrArray *names, gpointer *subjects,
                     guint n_subjects, gboolean colour)
{
  for (guint n = MIN (n_subjects, COLUMNS_MAX);; n--) {
    g_autoptr (Table) table = make_metric_table (run, subject_kind, names, subjects, n, colour);
    if (n > 1 && INDENT + table_get_width (table) > WIDTH_MAX)
      continue;
    append_table (out, heading, table);
    return n;
  }
}

void
summary_append_metrics (GString *out, const StoreRun *run, StoreSubject subject_kind,
                        gboolean colour)
{
  static const char *const headings[] = {
    [STORE_SUBJECT_RUN] = "Run",
    [STORE_SUBJECT_CONNECTION] = "Connection",
    [STORE_SUBJECT_FLOW] = "Flows",
    [STORE_SUBJECT_LINK] = "Links",
  };
  g_autoptr (GPtrArray) names =
      distinct (run, is_of_kind, (int)subject_kind, G_STRUCT_OFFSET (StoreMetric, name));
  g_autoptr (GPtrArray) subjects =
      distinct (run, is_of_kind, (int)subject_kind, G_STRUCT_OFFSET (StoreMetric, subject));
  for (guint i = 0; i < subjects->len;)
    i += append_metric_table (out, headings[subject_kind], run, subject_kind, names,
                              subjects->pdata + i, subjects->len - i, colour);
}

/* --- Where the lost time went ------------------------------------------------------------------
 */

static gboolean
is_lost (const StoreMetric *metric, int unused)
{
  return is_lost_time (metric);
}

static double
total_lost_ns (const StoreRun *run, const char *flow)
{
  double total_ns = 0;
  for (guint i = 0; i < run->metrics->len; i++) {
    const StoreMetric *metric = &g_array_index (run->metrics, StoreMetric, i);
    if (is_lost_time (metric) && g_str_equal (metric->subject, flow) && isfinite (metric->value))
      total_ns += metric->value;
  }
  return total_ns;
}

/* A row, unless the metric is not defined for this flow. */
static void
add_lost_row (Table *table, const StoreRun *run, const char *flow, const char *name)
{
  const StoreMetric *metric = find_metric (run, STORE_SUBJECT_FLOW, flow, name);
  if (!metric || !isfinite (metric->value))
    return;
  double total_ns = total_lost_ns (run, flow);
  table_add (table, TABLE_PLAIN, flow);
  table_add (table, TABLE_PLAIN, name + strlen (LOST_PREFIX));
  table_take (table, format_metric (metric));
  table_take (table, total_ns > 0 ? format_ratio (metric->value / total_ns) : g_strdup ("-"));
}

/* One row per flow and cause. */
void
summary_append_lost_time (GString *out, const StoreRun *run, gboolean colour)
{
  static const char *const titles[] = { "flow", "cause", ">lost", ">share", NULL };
  g_autoptr (GPtrArray) flows = distinct (run, is_lost, 0, G_STRUCT_OFFSET (StoreMetric, subject));
  g_autoptr (GPtrArray) names = distinct (run, is_lost, 0, G_STRUCT_OFFSET (StoreMetric, name));
  g_autoptr (Table) table = table_new (titles, colour);
  for (guint i = 0; i < flows->len; i++)
    for (guint j = 0; j < names->len; j++)
      add_lost_row (table, run, g_ptr_array_index (flows, i), g_ptr_array_index (names, j));
  append_table (out, "Where the lost time went", table);
}

char *
summary_format_run (const StoreRun *run, gboolean colour)
{
  g_autofree char *line = summary_format_line (run, colour);
  GString *out = g_string_new (line);
  summary_append_expectations (out, run, colour);
  summary_append_metrics (out, run, STORE_SUBJECT_FLOW, colour);
  summary_append_lost_time (out, run, colour);
  return g_string_free (out, FALSE);
}
