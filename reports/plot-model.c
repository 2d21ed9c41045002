/* SPDX-License-Identifier: Apache-2.0 */
/* plot-model.c - see plot-model.h. A function per metric fills the plot from the run. */
#include "reports/plot-model.h"

#include "reports/link-values.h"
#include "reports/report-capacity.h"
#include "reports/report-reduce.h"

#include <math.h>
#include <string.h>

/* Points per line at most twice that; a document's plot is some 800 pixels wide. */
#define BUCKETS 400

G_DEFINE_QUARK (plot_error_quark, plot_error)

typedef gboolean (*Fill) (Plot *plot, const StoreRun *run);

/* --- Parts --- */

static void
free_line (gpointer data)
{
  PlotLine *line = data;
  g_free (line->name);
  g_array_unref (line->points);
  g_free (line);
}

static void
free_band (gpointer data)
{
  PlotBand *band = data;
  g_free (band->label);
  g_free (band);
}

static void
free_bar (gpointer data)
{
  PlotBar *bar = data;
  g_free (bar->name);
  g_array_unref (bar->values);
  g_free (bar);
}

void
plot_free (Plot *plot)
{
  if (!plot)
    return;
  g_free (plot->title);
  g_ptr_array_unref (plot->lines);
  g_ptr_array_unref (plot->bands);
  g_clear_pointer (&plot->lanes, g_ptr_array_unref);
  g_clear_pointer (&plot->lane_names, g_ptr_array_unref);
  g_clear_pointer (&plot->bars, g_ptr_array_unref);
  g_clear_pointer (&plot->parts, g_ptr_array_unref);
  g_free (plot);
}

/* Takes @points and @name. */
static PlotLine *
add_line (Plot *plot, char *name, GArray *points, PlotStyle style, guint colour)
{
  PlotLine *line = g_new0 (PlotLine, 1);
  line->name = name;
  line->points = points;
  line->style = style;
  line->colour = colour;
  g_ptr_array_add (plot->lines, line);
  plot->n_points += points->len;
  return line;
}

static const char *
get_link_name (const StoreRun *run, guint link)
{
  return link < run->links->len ? g_array_index (run->links, StoreLink, link).name : "?";
}

/* --- Bands --- */

/* Whether an event of this text lasts until it is said to end. */
static gboolean
is_lasting (const char *text)
{
  static const char *const verbs[] = { "blackhole", "down",   "partition",   "pause",
                                       "set",       "flap",   "refuse",      "crash",
                                       "block",     "remove", "slow-reader", "corrupt" };
  const char *colon = strstr (text, ": ");
  for (gsize i = 0; colon && i < G_N_ELEMENTS (verbs); i++)
    if (g_str_has_prefix (colon + 2, verbs[i]))
      return TRUE;
  return FALSE;
}

static PlotBand *
find_open (Plot *plot, GHashTable *open, const char *text)
{
  PlotBand *band = g_hash_table_lookup (open, text);
  if (band)
    g_hash_table_remove (open, text);
  return band;
}

static void
add_bands (Plot *plot, const StoreRun *run)
{
  g_autoptr (GHashTable) open = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < run->events->len; i++) {
    const StoreEvent *event = &g_array_index (run->events, StoreEvent, i);
    if (event->side != STORE_SIDE_HARNESS)
      continue;
    if (g_str_has_suffix (event->kind, "-begin") || g_str_has_suffix (event->kind, "-start")) {
      PlotBand *band = g_new0 (PlotBand, 1);
      band->from_ns = event->t_ns;
      band->to_ns = is_lasting (event->text) ? plot->end_ns : event->t_ns;
      band->label = g_strdup (event->text);
      g_ptr_array_add (plot->bands, band);
      g_hash_table_insert (open, (gpointer)event->text, band);
    } else if (g_str_has_suffix (event->kind, "-end")) {
      PlotBand *band = find_open (plot, open, event->text);
      if (band)
        band->to_ns = event->t_ns;
    }
  }
}

/* --- Lines of links --- */

static GArray *
collect (Plot *plot, const StoreRun *run, guint link, StoreSide side, LinkValue get)
{
  GArray *points = g_array_new (FALSE, FALSE, sizeof (ReportPoint));
  for (guint i = 0; i < run->link_samples->len; i++) {
    const StoreLinkSample *sample = &g_array_index (run->link_samples, StoreLinkSample, i);
    if (sample->link != link || sample->side != side)
      continue;
    ReportPoint point = { sample->t_ns, get (sample) };
    g_array_append_val (points, point);
  }
  plot->n_points_before += points->len;
  return points;
}

static gboolean
is_flat (const GArray *points)
{
  for (guint i = 0; i < points->len; i++) {
    double value = g_array_index (points, ReportPoint, i).value;
    if (!isnan (value) && value != 0)
      return FALSE;
  }
  return TRUE;
}

/* The side whose data there is most of: the one that sends. */
static StoreSide
pick_side (const StoreRun *run)
{
  gint64 sent[2] = { 0, 0 };
  for (guint i = 0; i < run->link_samples->len; i++) {
    const StoreLinkSample *sample = &g_array_index (run->link_samples, StoreLinkSample, i);
    if (sample->side <= STORE_SIDE_SERVER)
      sent[sample->side] = MAX (sent[sample->side], sample->sent_bytes);
  }
  return sent[STORE_SIDE_SERVER] > sent[STORE_SIDE_CLIENT] ? STORE_SIDE_SERVER : STORE_SIDE_CLIENT;
}

static void
append_title (Plot *plot, const char *text)
{
  char *title = g_strconcat (plot->title, ": ", text, NULL);
  g_free (plot->title);
  plot->title = title;
}

static gboolean
add_link_lines (Plot *plot, const StoreRun *run, LinkValue get, const char *suffix,
                gboolean is_dashed)
{
  StoreSide side = pick_side (run);
  gboolean any = FALSE;
  for (guint i = 0; i < run->links->len; i++) {
    g_autoptr (GArray) points = collect (plot, run, i, side, get);
    if (points->len == 0 || is_flat (points))
      continue;
    PlotLine *line = add_line (plot, g_strconcat (get_link_name (run, i), suffix, NULL),
                               report_reduce (points, BUCKETS), PLOT_LINE, i);
    line->is_dashed = is_dashed;
    any = TRUE;
  }
  return any;
}

static gboolean
fill_rtt (Plot *plot, const StoreRun *run)
{
  append_title (plot, "smoothed round-trip time");
  return add_link_lines (plot, run, link_value_rtt, "", FALSE);
}

static gboolean
fill_in_flight (Plot *plot, const StoreRun *run)
{
  append_title (plot, "bytes in flight and their limit");
  plot->unit = "bytes";
  gboolean any = add_link_lines (plot, run, link_value_in_flight, "", FALSE);
  return add_link_lines (plot, run, link_value_limit, " limit", TRUE) || any;
}

static gboolean
fill_resent (Plot *plot, const StoreRun *run)
{
  append_title (plot, "bytes resent, in total");
  plot->unit = "bytes";
  return add_link_lines (plot, run, link_value_resent, "", FALSE);
}

/* --- Throughput --- */

/* The ideal from the capacity's steps, where it is known. */
static void
add_ideal (Plot *plot, const StoreRun *run, StoreSide side)
{
  g_autoptr (ReportCapacity) capacity = report_capacity_new (run);
  g_autoptr (GArray) steps = report_capacity_sum (capacity, side == STORE_SIDE_SERVER);
  if (!steps)
    return;
  GArray *points = g_array_new (FALSE, FALSE, sizeof (ReportPoint));
  ReportPoint point = { 0, NAN };
  for (guint i = 0; i < steps->len; i++) {
    const ReportStep *step = &g_array_index (steps, ReportStep, i);
    point.t_ns = step->t_ns;
    point.value = step->rate_bps == REPORT_UNLIMITED ? NAN : (double)step->rate_bps;
    g_array_append_val (points, point);
  }
  point.t_ns = plot->end_ns;
  g_array_append_val (points, point);
  add_line (plot, g_strdup ("ideal"), points, PLOT_STEP_UNTIL, 7)->is_dashed = TRUE;
}

static gboolean
fill_throughput (Plot *plot, const StoreRun *run)
{
  StoreSide side = pick_side (run);
  gboolean any = FALSE;
  append_title (plot, side == STORE_SIDE_CLIENT ? "throughput, client to server"
                                                : "throughput, server to client");
  plot->unit = "bit/s";
  for (guint i = 0; i < run->links->len; i++) {
    g_autoptr (GArray) points = collect (plot, run, i, side, link_value_delivered);
    if (points->len < 2)
      continue;
    add_line (plot, g_strdup (get_link_name (run, i)), report_rates (points, BUCKETS, 8),
              PLOT_STEP_AREA, i);
    any = any || !is_flat (points);
  }
  add_ideal (plot, run, side);
  return any;
}

/* --- Flows --- */

static gboolean
fill_reorder (Plot *plot, const StoreRun *run)
{
  gboolean any = FALSE;
  append_title (plot, "bytes in the reorder buffer");
  plot->unit = "bytes";
  for (guint flow = 0; flow < run->flows->len; flow++) {
    g_autoptr (GArray) points = g_array_new (FALSE, FALSE, sizeof (ReportPoint));
    for (guint i = 0; i < run->flow_samples->len; i++) {
      const StoreFlowSample *sample = &g_array_index (run->flow_samples, StoreFlowSample, i);
      ReportPoint point = { sample->t_ns, (double)sample->reorder_bytes };
      if (sample->flow == flow)
        g_array_append_val (points, point);
    }
    if (is_flat (points))
      continue;
    plot->n_points_before += points->len;
    add_line (plot, g_strdup (g_array_index (run->flows, StoreFlow, flow).name),
              report_reduce (points, BUCKETS), PLOT_LINE, flow);
    any = TRUE;
  }
  return any;
}

static gboolean
fill_states (Plot *plot, const StoreRun *run)
{
  append_title (plot, "states of the links");
  plot->lanes = report_lanes_new (run);
  plot->lane_names = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < plot->lanes->len; i++) {
    const ReportLane *lane = g_ptr_array_index (plot->lanes, i);
    g_ptr_array_add (plot->lane_names, g_strdup_printf ("%s, %s", get_link_name (run, lane->link),
                                                        store_side_to_string (lane->side)));
  }
  return plot->lanes->len > 0;
}

/* Bars for each flow from its metrics @names; @labels are what people call them. */
static gboolean
add_bars (Plot *plot, const StoreRun *run, const char *const *names, const char *const *labels)
{
  plot->bars = g_ptr_array_new_with_free_func (free_bar);
  plot->parts = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; labels[i]; i++)
    g_ptr_array_add (plot->parts, g_strdup (labels[i]));
  for (guint flow = 0; flow < run->flows->len; flow++) {
    const char *name = g_array_index (run->flows, StoreFlow, flow).name;
    PlotBar *bar = g_new0 (PlotBar, 1);
    gboolean any = FALSE;
    bar->name = g_strdup (name);
    bar->values = g_array_new (FALSE, FALSE, sizeof (double));
    for (guint i = 0; names[i]; i++) {
      double value = store_run_get_metric (run, STORE_SUBJECT_FLOW, name, names[i]);
      any = any || !isnan (value);
      g_array_append_val (bar->values, value);
    }
    if (any)
      g_ptr_array_add (plot->bars, bar);
    else
      free_bar (bar);
  }
  return plot->bars->len > 0;
}

static gboolean
fill_latency (Plot *plot, const StoreRun *run)
{
  static const char *const names[] = { "latency-p50", "latency-p90", "latency-p99", "latency-max",
                                       NULL };
  static const char *const labels[] = { "p50", "p90", "p99", "max", NULL };
  append_title (plot, "latency of messages");
  return add_bars (plot, run, names, labels);
}

static gboolean
fill_lost_time (Plot *plot, const StoreRun *run)
{
  static const char *const names[] = { "lost-ramp-up",
                                       "lost-head-of-line",
                                       "lost-detection",
                                       "lost-resend",
                                       "lost-framing",
                                       "lost-idle",
                                       NULL };
  static const char *const labels[] = { "ramp-up", "head-of-line wait", "detection", "resend",
                                        "framing", "idle link",         NULL };
  append_title (plot, "where did the time go");
  plot->is_stacked = TRUE;
  return add_bars (plot, run, names, labels);
}

/* --- All of them --- */

static const struct {
  const char *name;
  Fill fill;
} metrics[] = {
  { "throughput", fill_throughput }, { "rtt", fill_rtt },
  { "in-flight", fill_in_flight },   { "reorder", fill_reorder },
  { "resent", fill_resent },         { "states", fill_states },
  { "latency", fill_latency },       { "lost-time", fill_lost_time },
};

const char *const *
plot_get_metrics (void)
{
  static const char *names[G_N_ELEMENTS (metrics) + 1];
  for (gsize i = 0; i < G_N_ELEMENTS (metrics); i++)
    names[i] = metrics[i].name;
  return names;
}

static Fill
find_fill (const char *metric)
{
  for (gsize i = 0; i < G_N_ELEMENTS (metrics); i++)
    if (g_str_equal (metrics[i].name, metric))
      return metrics[i].fill;
  return NULL;
}

Plot *
plot_new (const StoreRun *run, const char *metric, GError **error)
{
  Fill fill = find_fill (metric);
  if (!fill) {
    g_set_error (error, PLOT_ERROR, PLOT_ERROR_NO_METRIC, "there is no plot '%s'", metric);
    return NULL;
  }
  g_autoptr (Plot) plot = g_new0 (Plot, 1);
  plot->title = g_strdup_printf ("%s, seed %" G_GINT64_FORMAT ", %s", run->scenario_name, run->seed,
                                 run->policy);
  plot->unit = "ns";
  plot->end_ns = MAX (report_run_end_ns (run), 1);
  plot->lines = g_ptr_array_new_with_free_func (free_line);
  plot->bands = g_ptr_array_new_with_free_func (free_band);
  if (!fill (plot, run)) {
    g_set_error (error, PLOT_ERROR, PLOT_ERROR_NO_DATA,
                 "run %" G_GINT64_FORMAT " has nothing to show as %s", run->id, metric);
    return NULL;
  }
  if (!plot->bars)
    add_bands (plot, run);
  return g_steal_pointer (&plot);
}
