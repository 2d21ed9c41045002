/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c - see progress.h. */
#include "harness/progress.h"

#include "reports/format.h"

/* Appends the rate, and how long the rest will take if it goes on like that. */
static void
append_estimate (GString *line, const Progress *progress, double spent_s)
{
  double n_run = (double)(progress->n_done - progress->n_known);
  double n_left = (double)(progress->n_runs - progress->n_done);
  g_autofree char *spent = format_time (spent_s * 1e9);

  if (n_run == 0 || spent_s <= 0) {
    /* Before the first run is over nobody knows how long they take. */
    g_string_append_printf (line, ", %s so far", spent);
    return;
  }
  g_autofree char *to_go = format_time (n_left * spent_s / n_run * 1e9);
  if (n_run >= spent_s)
    g_string_append_printf (line, ", %.*f/s", n_run < 10 * spent_s ? 1 : 0, n_run / spent_s);
  else
    g_string_append_printf (line, ", %.1f/min", n_run * 60 / spent_s);
  if (n_left > 0)
    g_string_append_printf (line, ", %s to go", to_go);
}

char *
progress_format (const Progress *progress, gint64 now_us)
{
  double spent_s = (double)(now_us - progress->started_us) / G_USEC_PER_SEC;
  GString *line = g_string_new (NULL);
  g_autofree char *done = format_count ((double)progress->n_done);
  g_autofree char *all = format_count ((double)progress->n_runs);
  g_autofree char *known = format_count ((double)progress->n_known);
  g_autofree char *failed = format_count ((double)progress->n_failed);

  g_string_append_printf (line, "%s of %s runs (%" G_GUINT64_FORMAT " %%)", done, all,
                          progress->n_runs > 0 ? progress->n_done * 100 / progress->n_runs : 100);
  if (progress->n_known > 0)
    g_string_append_printf (line, ", %s of them recorded before", known);
  append_estimate (line, progress, spent_s);
  if (progress->n_failed > 0)
    g_string_append_printf (line, ", %s failed", failed);
  return g_string_free (line, FALSE);
}
