/* SPDX-License-Identifier: Apache-2.0 */
/* verb-plot.c - caiman plot: one plot of one run for a document, as SVG or PNG. */
#include "reports/plot-draw.h"
#include "reports/query.h"
#include "tools/tool.h"

#include "config/suggest.h"

#include <string.h>

#define SIZE_MIN  200
#define SIZE_MAX  4000
#define PNG_SCALE 2 /* sharp on paper and on dense screens */

typedef struct {
  char *output;
  int width, height;
} PlotVerb;

/* An unknown metric is told with the nearest one, or with all. */
static int
fail_metric (const char *metric)
{
  const char *const *names = plot_get_metrics ();
  const char *nearest =
      suggest_nearest (metric, (const char **)names, g_strv_length ((char **)names));
  g_autofree char *all = g_strjoinv (", ", (char **)names);
  if (nearest)
    tool_error ("there is no plot '%s'; did you mean '%s'? There are %s", metric, nearest, all);
  else
    tool_error ("there is no plot '%s'; there are %s", metric, all);
  return EXIT_STATUS_USAGE;
}

static int
fail (const GError *error, const char *metric)
{
  if (g_error_matches (error, PLOT_ERROR, PLOT_ERROR_NO_METRIC))
    return fail_metric (metric);
  if (error->domain == PLOT_ERROR) {
    tool_error ("%s", error->message);
    return error->code == PLOT_ERROR_FAILED ? RUN_EXIT_INTERNAL : EXIT_STATUS_USAGE;
  }
  return tool_fail (error);
}

static int
write_picture (const char *path, const char *data, gsize size_bytes)
{
  g_autoptr (GError) error = NULL;
  if (g_file_set_contents (path, data, (gssize)size_bytes, &error))
    return RUN_EXIT_HELD;
  tool_error ("%s", error->message);
  return EXIT_STATUS_USAGE;
}

static int
draw (const PlotVerb *verb, const Plot *plot, const char *metric)
{
  g_autoptr (GError) error = NULL;
  guint width = (guint)verb->width, height = (guint)verb->height;
  if (verb->output && g_str_has_suffix (verb->output, ".png")) {
    g_autoptr (GBytes) png = plot_format_png (plot, width, height, PNG_SCALE, &error);
    if (!png)
      return fail (error, metric);
    gsize size_bytes;
    const char *data = g_bytes_get_data (png, &size_bytes);
    return write_picture (verb->output, data, size_bytes);
  }
  g_autofree char *svg = plot_format_svg (plot, width, height);
  if (verb->output && !g_str_equal (verb->output, "-"))
    return write_picture (verb->output, svg, strlen (svg));
  tool_print (svg);
  return RUN_EXIT_HELD;
}

/* FALSE: told. */
static gboolean
check_options (const PlotVerb *verb)
{
  if (verb->width < SIZE_MIN || verb->width > SIZE_MAX || verb->height < SIZE_MIN ||
      verb->height > SIZE_MAX) {
    tool_error ("--width and --height take %d to %d pixels", SIZE_MIN, SIZE_MAX);
    return FALSE;
  }
  const char *output = verb->output;
  if (output && !g_str_equal (output, "-") && !g_str_has_suffix (output, ".svg") &&
      !g_str_has_suffix (output, ".png")) {
    tool_error ("-o takes a file that ends in .svg or .png, not '%s'", output);
    return FALSE;
  }
  return TRUE;
}

static int
plot (const PlotVerb *verb, const char *path, const char *run_text, const char *metric)
{
  g_autoptr (GError) error = NULL;
  gint64 id;
  if (!g_strv_contains (plot_get_metrics (), metric))
    return fail_metric (metric);
  if (!tool_parse_run_id (run_text, &id))
    return EXIT_STATUS_USAGE;
  g_autoptr (Store) store = store_open (path, STORE_OPEN_READ_ONLY, &error);
  if (!store)
    return tool_fail (error);
  g_autoptr (StoreRun) run = query_load_run (store, id, QUERY_TABLES | QUERY_SAMPLES, &error);
  if (!run)
    return tool_fail (error);
  g_autoptr (Plot) picture = plot_new (run, metric, &error);
  return picture ? draw (verb, picture, metric) : fail (error, metric);
}

int
verb_plot (int argc, char **argv)
{
  int status;
  PlotVerb verb = { .width = PLOT_WIDTH_DEFAULT, .height = PLOT_HEIGHT_DEFAULT };
  g_autofree char *output = NULL;
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
      "Write to FILE, which ends in .svg or .png (default, and -: SVG to standard output)",
      "FILE" },
    { "width", 0, 0, G_OPTION_ARG_INT, &verb.width, "Pixels (default 800; PNG has twice as many)",
      "N" },
    { "height", 0, 0, G_OPTION_ARG_INT, &verb.height, "Pixels (default 360)", "N" },
    G_OPTION_ENTRY_NULL,
  };
  if (!tool_parse (&argc, &argv, entries, "DB RUN METRIC",
                   "Draws one plot of a run for a document. METRIC is throughput, rtt, in-flight,\n"
                   "reorder, resent, states, latency or lost-time.",
                   "Exit status: 0, 2 usage, no such database, run or data, 70 database error.", 3,
                   3, &status))
    return status;
  verb.output = output;
  if (!check_options (&verb))
    return EXIT_STATUS_USAGE;
  return plot (&verb, argv[1], argv[2], argv[3]);
}
