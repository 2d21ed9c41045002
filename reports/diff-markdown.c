/* SPDX-License-Identifier: Apache-2.0 */
/* diff-markdown.c - a diff as a comment on a pull request: what matters open, the rest to unfold.
 */
#include "reports/diff-format.h"

#include "reports/format.h"

#include <string.h>

/* Room for what is said of what was left out, and to close what is open. */
#define CLOSING_BYTES 400

typedef struct {
  GString *out;
  gsize max_bytes;
  guint n_left_out; /* lines */
} Comment;

/* @text with all that Markdown or HTML could take for its own made plain. (transfer full) */
static char *
escape (const char *text)
{
  GString *out = g_string_new (NULL);
  for (const char *p = text; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    if (g_unichar_iscntrl (c))
      g_string_append_c (out, ' ');
    else if (c < 128 && strchr ("\\`*_[]<>|#&~@!", (int)c))
      g_string_append_printf (out, "&#%u;", c);
    else
      g_string_append_unichar (out, c);
  }
  return g_string_free (out, FALSE);
}

/* A code span whose text cannot end it. (transfer full) */
static char *
make_code (const char *text)
{
  g_autofree char *copy = g_strdup (text);
  for (char *p = copy; *p; p++)
    if (*p == '`' || *p == '\n' || *p == '|')
      *p = '?';
  return g_strdup_printf ("`%s`", copy);
}

/* Takes @line if there is room for it. */
static gboolean
comment_add (Comment *comment, const char *line)
{
  if (comment->out->len + strlen (line) + CLOSING_BYTES > comment->max_bytes) {
    comment->n_left_out++;
    return FALSE;
  }
  g_string_append (comment->out, line);
  return TRUE;
}

static void
comment_add_row (Comment *comment, const DiffMetric *metric)
{
  g_autofree char *name = diff_format_metric_name (metric);
  g_autofree char *code = make_code (name);
  g_autofree char *base = format_value (metric->stats.mean_base, metric->unit);
  g_autofree char *new = format_value (metric->stats.mean_new, metric->unit);
  g_autofree char *change = diff_format_change (metric);
  g_autofree char *interval = diff_format_interval (metric);
  const char *verdict = diff_verdict_to_string (metric->verdict);
  const char *strong = metric->is_regression ? "**" : "";
  g_autofree char *row =
      g_strdup_printf ("| %s%s%s | %s | %s | %s | %s | %s | %+.2f |\n", strong, verdict, strong,
                       code, base, new, change, interval, metric->stats.effect);
  comment_add (comment, row);
}

static void
add_table_head (Comment *comment, const DiffGroup *group)
{
  g_autofree char *head =
      g_strdup_printf ("\n| | metric | base | new | change | %.4g %% interval | effect |\n"
                       "| --- | --- | ---: | ---: | ---: | ---: | ---: |\n",
                       100 * group->confidence);
  comment_add (comment, head);
}

static void
add_findings (Comment *comment, const DiffGroup *group)
{
  if (group->findings->len > 0)
    comment_add (comment, "\n");
  for (guint i = 0; i < group->findings->len; i++) {
    const DiffFinding *finding = g_ptr_array_index (group->findings, i);
    const char *strong = finding->is_regression ? "**" : "";
    g_autofree char *text = diff_format_finding (finding);
    g_autofree char *safe = escape (text);
    g_autofree char *code = finding->detail ? make_code (finding->detail) : NULL;
    g_autofree char *line = g_strdup_printf ("- %s%s%s%s%s\n", strong, safe, strong,
                                             code ? ": " : "", code ? code : "");
    comment_add (comment, line);
  }
}

static guint
count_metrics (const GPtrArray *metrics, gboolean (*wanted) (const DiffMetric *))
{
  guint n = 0;
  for (guint i = 0; i < metrics->len; i++)
    n += wanted (g_ptr_array_index (metrics, i));
  return n;
}

static gboolean
is_regression (const DiffMetric *metric)
{
  return metric->is_regression;
}

static gboolean
is_no_regression (const DiffMetric *metric)
{
  return !metric->is_regression && metric->verdict != DIFF_SAME;
}

static gboolean
has_open_part (const DiffGroup *group)
{
  return group->findings->len > 0 || count_metrics (group->metrics, is_regression) > 0;
}

static void
add_rows (Comment *comment, const DiffGroup *group, gboolean (*wanted) (const DiffMetric *))
{
  g_autoptr (GPtrArray) sorted = diff_sort_metrics (group);
  if (count_metrics (sorted, wanted) == 0)
    return;
  add_table_head (comment, group);
  for (guint i = 0; i < sorted->len; i++)
    if (wanted (g_ptr_array_index (sorted, i)))
      comment_add_row (comment, g_ptr_array_index (sorted, i));
}

static void
add_heading (Comment *comment, const DiffGroup *group, const char *before, const char *after)
{
  g_autofree char *name = diff_format_group (group);
  g_autofree char *safe = escape (name);
  g_autofree char *line = g_strdup_printf ("\n%s%s%s\n", before, safe, after);
  comment_add (comment, line);
}

/* What changed and is no regression. */
static void
add_details (Comment *comment, const DiffGroup *group)
{
  guint n = count_metrics (group->metrics, is_no_regression);
  if (n == 0)
    return;
  g_autofree char *after =
      g_strdup_printf (": %u more metric%s changed, or may have</summary>\n", n, n == 1 ? "" : "s");
  gsize before = comment->out->len;
  add_heading (comment, group, "<details><summary>", after);
  gboolean is_open = comment->out->len > before;
  add_rows (comment, group, is_no_regression);
  if (is_open)
    g_string_append (comment->out, "\n</details>\n");
}

char *
diff_format_markdown (const Diff *diff, gsize max_bytes)
{
  Comment comment = { g_string_new (NULL), MAX (max_bytes, 1000), 0 };
  g_autofree char *headline = diff_format_headline (diff);
  g_autofree char *sides = diff_format_sides (diff);
  g_autofree char *safe = escape (sides);
  g_autofree char *advice = diff_format_advice (diff);
  g_autoptr (GPtrArray) groups = diff_sort_groups (diff);
  g_autofree char *head = g_strdup_printf ("### %s caiman diff: %s\n\n%s\n%s%s%s",
                                           diff_is_regression (diff) ? "❌" : "✅", headline, safe,
                                           *advice ? "\n" : "", advice, *advice ? "\n" : "");
  comment_add (&comment, head);
  for (guint i = 0; i < groups->len; i++) {
    const DiffGroup *group = g_ptr_array_index (groups, i);
    if (!has_open_part (group))
      continue;
    add_heading (&comment, group, "#### ", "");
    add_findings (&comment, group);
    add_rows (&comment, group, is_regression);
  }
  for (guint i = 0; i < groups->len; i++)
    add_details (&comment, g_ptr_array_index (groups, i));
  if (comment.n_left_out > 0)
    g_string_append_printf (comment.out,
                            "\n%u lines are left out, as a comment takes no more. All of it: "
                            "`caiman diff -v`.\n",
                            comment.n_left_out);
  return g_string_free (comment.out, FALSE);
}
