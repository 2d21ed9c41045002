/* SPDX-License-Identifier: Apache-2.0 */
/* diff-text.c - a diff for a terminal. */
#include "reports/diff-format.h"

#include "reports/format.h"
#include "reports/table.h"

#include <math.h>
#include <string.h>

#define INDENT 2

/* Appends @text in lines of no more than @width columns, behind @indent spaces; @extra more before
 * all lines but the first. */
static void
append_wrapped (GString *out, guint indent, guint extra, guint width, const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  gsize column = 0;
  for (guint i = 0; words[i]; i++) {
    gsize length = (gsize)g_utf8_strlen (words[i], -1);
    if (i > 0 && column + 1 + length > width) {
      g_string_append_printf (out, "\n%*s", (int)(indent + extra), "");
      column = indent + extra;
    } else if (i > 0) {
      g_string_append_c (out, ' ');
      column++;
    } else {
      g_string_append_printf (out, "%*s", (int)indent, "");
      column = indent;
    }
    g_string_append (out, words[i]);
    column += length;
  }
  g_string_append_c (out, '\n');
}

/* @text without what would move the cursor. (transfer full) */
static char *
make_printable (const char *text)
{
  GString *out = g_string_new (NULL);
  for (const char *p = text; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    g_string_append_unichar (out, g_unichar_iscntrl (c) ? '?' : c);
  }
  return g_string_free (out, FALSE);
}

/* Whether there is something to see in a replay. */
static gboolean
is_failure (DiffFindingKind kind)
{
  return kind == DIFF_NEW_FAILURE || kind == DIFF_NEW_UNSAFE || kind == DIFF_LOST_PASS ||
         kind == DIFF_OTHER_FAILURE || kind == DIFF_UNFINISHED || kind == DIFF_STILL_FAILING;
}

static void
append_finding (GString *out, const Diff *diff, const DiffFinding *finding, guint width,
                gboolean colour)
{
  g_autofree char *text = diff_format_finding (finding);
  g_autofree char *printable = make_printable (text);
  const char *mark = finding->is_regression ? "LOST " : "note ";
  g_string_append_printf (out, "%*s", INDENT, "");
  table_append_styled (out, finding->is_regression ? TABLE_BAD : TABLE_DIM, colour, mark);
  GString *wrapped = g_string_new (NULL);
  append_wrapped (wrapped, INDENT + 5, 2, width, printable);
  g_string_append (out, wrapped->str + INDENT + 5);
  g_string_free (wrapped, TRUE);
  if (finding->detail) {
    g_autofree char *detail = make_printable (finding->detail);
    append_wrapped (out, INDENT + 7, 2, width, detail);
  }
  if (finding->new_run > 0 && is_failure (finding->kind)) {
    g_autofree char *path = g_shell_quote (diff->new_path);
    g_string_append_printf (out, "%*scaiman replay %s %" G_GINT64_FORMAT "\n", INDENT + 7, "", path,
                            finding->new_run);
  }
}

static TableStyle
get_style (const DiffMetric *metric)
{
  switch (metric->verdict) {
  case DIFF_WORSE:
    return metric->is_regression ? TABLE_BAD : TABLE_PLAIN;
  case DIFF_BETTER:
    return TABLE_GOOD;
  default:
    return TABLE_DIM;
  }
}

static gboolean
is_shown (const DiffMetric *metric, gboolean all)
{
  return all || metric->verdict == DIFF_WORSE || metric->verdict == DIFF_BETTER;
}

static char *
format_effect (const DiffMetric *metric)
{
  return g_strdup_printf ("%+.2f", metric->stats.effect);
}

static void
add_row (Table *table, const DiffMetric *metric)
{
  const char *verdict = metric->is_regression ? "WORSE" : diff_verdict_to_string (metric->verdict);
  table_add (table, get_style (metric), verdict);
  table_take (table, diff_format_metric_name (metric));
  table_take (table, format_value (metric->stats.mean_base, metric->unit));
  table_take (table, format_value (metric->stats.mean_new, metric->unit));
  table_take (table, diff_format_change (metric));
  table_take (table, diff_format_interval (metric));
  table_take (table, format_effect (metric));
  table_take (table,
              g_strdup_printf ("%u%s",
                               metric->is_paired ? metric->n_base : metric->n_base + metric->n_new,
                               metric->is_paired ? "" : "*"));
}

static void
append_metrics (GString *out, const DiffGroup *group, guint width, gboolean all, gboolean colour)
{
  static const int order[] = { 7, 6, 2, 3, -1 };
  g_autofree char *interval = g_strdup_printf (">%.4g %%", 100 * group->confidence);
  const char *const titles[] = { "",       "metric",  ">base", ">new", ">change",
                                 interval, ">effect", ">n",    NULL };
  g_autoptr (Table) table = table_new (titles, colour);
  g_autoptr (GPtrArray) sorted = diff_sort_metrics (group);
  for (guint i = 0; i < sorted->len; i++)
    if (is_shown (g_ptr_array_index (sorted, i), all))
      add_row (table, g_ptr_array_index (sorted, i));
  if (table_is_empty (table))
    return;
  table_fit (table, width - INDENT, order);
  table_render (table, INDENT, out);
}

static gboolean
has_something (const DiffGroup *group, gboolean all)
{
  gboolean found = all || group->findings->len > 0;
  for (guint i = 0; i < group->metrics->len && !found; i++)
    found = is_shown (g_ptr_array_index (group->metrics, i), all);
  return found;
}

static void
append_group (GString *out, const Diff *diff, const DiffGroup *group, guint width, gboolean all,
              gboolean colour)
{
  g_autofree char *name = diff_format_group (group);
  g_autofree char *counted = g_strdup_printf ("%s: %u runs to %u, %u pairs", name, group->n_base,
                                              group->n_new, group->n_pairs);
  g_autofree char *printable = make_printable (counted);
  g_string_append_c (out, '\n');
  append_wrapped (out, 0, INDENT, width, printable);
  for (guint i = 0; i < group->findings->len; i++)
    append_finding (out, diff, g_ptr_array_index (group->findings, i), width, colour);
  append_metrics (out, group, width, all, colour);
}

char *
diff_format_text (const Diff *diff, guint width_columns, gboolean all, gboolean colour)
{
  GString *out = g_string_new (NULL);
  guint width = MAX (width_columns, 40);
  g_autofree char *sides = diff_format_sides (diff);
  g_autofree char *printable = make_printable (sides);
  g_autofree char *headline = diff_format_headline (diff);
  g_autofree char *advice = diff_format_advice (diff);
  g_autoptr (GPtrArray) groups = diff_sort_groups (diff);
  append_wrapped (out, 0, INDENT, width, printable);
  for (guint i = 0; i < groups->len; i++)
    if (has_something (g_ptr_array_index (groups, i), all))
      append_group (out, diff, g_ptr_array_index (groups, i), width, all, colour);
  g_string_append_c (out, '\n');
  if (*advice)
    append_wrapped (out, 0, INDENT, width, advice);
  GString *last = g_string_new (NULL);
  append_wrapped (last, 0, INDENT, width, headline);
  table_append_styled (out, diff_is_regression (diff) ? TABLE_BAD : TABLE_GOOD, colour, last->str);
  g_string_free (last, TRUE);
  return g_string_free (out, FALSE);
}
