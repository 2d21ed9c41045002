/* SPDX-License-Identifier: Apache-2.0 */
/* validation-format.c - a validation for a terminal, a page and programs. */
#include "reports/validation.h"

#include "reports/format.h"
#include "reports/table.h"

#include <math.h>
#include <string.h>

static const ValidationRow *
get_row (const GPtrArray *rows, guint index)
{
  return g_ptr_array_index (rows, index);
}

static char *
format_name (const ValidationRow *row)
{
  return *row->subject ? g_strconcat (row->subject, ".", row->name, NULL) : g_strdup (row->name);
}

static char *
format_error (const ValidationRow *row)
{
  double error = validation_row_get_error (row);

  return isnan (error) ? g_strdup ("-") : g_strdup_printf ("%+.1f %%", error * 100);
}

static char *
format_tolerance (const ValidationRow *row)
{
  g_autofree char *value = format_value (row->tolerance, row->unit);

  return isnan (row->tolerance) ? g_strdup ("-") : g_strconcat ("± ", value, NULL);
}

/* From the least to the greatest of the lab's runs. */
static char *
format_range (const ValidationRow *row)
{
  g_autofree char *min = format_value (row->lab.min, row->unit);
  g_autofree char *max = format_value (row->lab.max, row->unit);

  return row->lab.n_runs < 2 || isnan (row->lab.min) ? g_strdup ("-")
                                                     : g_strdup_printf ("%s to %s", min, max);
}

static guint
count_held (const GPtrArray *rows)
{
  guint n_held = 0;

  for (guint i = 0; i < rows->len; i++)
    n_held += get_row (rows, i)->held ? 1 : 0;
  return n_held;
}

/* What all rows amount to, a line. */
static void
append_total (GString *out, const GPtrArray *rows)
{
  double median = validation_get_goodput_median (rows);

  g_string_append_printf (out, "%u of %u metrics are within their tolerance", count_held (rows),
                          rows->len);
  if (!isnan (median))
    g_string_append_printf (out,
                            "; goodput without random loss is off by %.1f %% in the median, and "
                            "%.0f %% are allowed",
                            median * 100, VALIDATION_GOODPUT_MEDIAN_MAX * 100);
  g_string_append (out, ".\n");
}

/* --- Terminal --- */

char *
validation_format_text (const GPtrArray *rows, gboolean colour)
{
  static const char *const titles[] = { "scenario", "metric",     ">sim",    ">lab", ">lab's runs",
                                        ">error",   ">tolerance", "verdict", NULL };
  g_autoptr (Table) table = table_new (titles, colour);
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < rows->len; i++) {
    const ValidationRow *row = get_row (rows, i);
    table_add (table, TABLE_PLAIN, row->scenario);
    table_take (table, format_name (row));
    table_take (table, format_value (row->sim.median, row->unit));
    table_take (table, format_value (row->lab.median, row->unit));
    table_take (table, format_range (row));
    table_take (table, format_error (row));
    table_take (table, format_tolerance (row));
    table_add (table, row->held ? TABLE_GOOD : TABLE_BAD, row->held ? "within" : "OUTSIDE");
  }
  if (!table_is_empty (table))
    table_render (table, 0, out);
  append_total (out, rows);
  return g_string_free (out, FALSE);
}

/* --- Markdown --- */

/* Names of scenarios are those of files: what a table could take for its own is made plain. */
static void
append_cell (GString *out, const char *text)
{
  g_string_append (out, " ");
  for (const char *p = text; *p; p++) {
    if (strchr ("\\`*_[]<>|#&", *p))
      g_string_append_printf (out, "&#%d;", *p);
    else
      g_string_append_c (out, g_ascii_iscntrl (*p) ? ' ' : *p);
  }
  g_string_append (out, " |");
}

static void
take_cell (GString *out, char *text)
{
  append_cell (out, text);
  g_free (text);
}

char *
validation_format_markdown (const GPtrArray *rows)
{
  GString *out =
      g_string_new ("| scenario | metric | sim | lab | lab's runs | error | tolerance | |\n"
                    "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |\n");

  for (guint i = 0; i < rows->len; i++) {
    const ValidationRow *row = get_row (rows, i);
    g_string_append_c (out, '|');
    append_cell (out, row->scenario);
    take_cell (out, format_name (row));
    take_cell (out, format_value (row->sim.median, row->unit));
    take_cell (out, format_value (row->lab.median, row->unit));
    take_cell (out, format_range (row));
    take_cell (out, format_error (row));
    take_cell (out, format_tolerance (row));
    g_string_append (out, row->held ? " within |\n" : " **outside** |\n");
  }
  g_string_append_c (out, '\n');
  append_total (out, rows);
  return g_string_free (out, FALSE);
}

/* --- JSON --- */

static void
append_sample (JsonText *json, const char *name, const ValidationSample *sample)
{
  json_text_member_open (json, name, '{');
  json_text_member_integer (json, "runs", sample->n_runs);
  json_text_member_number (json, "median", sample->median);
  json_text_member_number (json, "min", sample->min);
  json_text_member_number (json, "max", sample->max);
  json_text_close (json, '}');
}

static void
append_row (JsonText *json, const ValidationRow *row)
{
  g_autofree char *name = format_name (row);

  json_text_open (json, '{');
  json_text_member_string (json, "scenario", row->scenario);
  json_text_member_string (json, "metric", name);
  json_text_member_string (json, "unit", row->unit);
  json_text_member_boolean (json, "random_loss", row->has_random_loss);
  append_sample (json, "sim", &row->sim);
  append_sample (json, "lab", &row->lab);
  json_text_member_number (json, "error", validation_row_get_error (row));
  json_text_member_number (json, "tolerance", row->tolerance);
  json_text_member_boolean (json, "held", row->held);
  json_text_close (json, '}');
}

char *
validation_format_json (const GPtrArray *rows)
{
  JsonText json;

  json_text_init (&json);
  json_text_open (&json, '{');
  json_text_member_boolean (&json, "held", validation_held (rows));
  json_text_member_number (&json, "goodput_median_error", validation_get_goodput_median (rows));
  json_text_key (&json, "rows");
  json_text_open (&json, '[');
  for (guint i = 0; i < rows->len; i++)
    append_row (&json, get_row (rows, i));
  json_text_close (&json, ']');
  json_text_close (&json, '}');
  g_autofree char *text = json_text_finish (&json);
  return g_strconcat (text, "\n", NULL);
}

/* --- HTML --- */

void
validation_append_columns (JsonText *json, const GPtrArray *rows)
{
  json_text_open (json, '[');
  for (guint i = 0; i < rows->len; i++) {
    const ValidationRow *row = get_row (rows, i);
    g_autofree char *name = format_name (row);
    json_text_open (json, '[');
    json_text_string (json, row->scenario);
    json_text_string (json, name);
    json_text_string (json, row->unit);
    json_text_number (json, row->sim.median);
    json_text_number (json, row->lab.median);
    json_text_number (json, row->lab.min);
    json_text_number (json, row->lab.max);
    json_text_integer (json, row->sim.n_runs);
    json_text_integer (json, row->lab.n_runs);
    json_text_number (json, validation_row_get_error (row));
    json_text_number (json, row->tolerance);
    json_text_boolean (json, row->held);
    json_text_close (json, ']');
  }
  json_text_close (json, ']');
}
