/* SPDX-License-Identifier: Apache-2.0 */
/* plot-model.h - one plot of one run: lines over time, lanes, or bars. For documents; the HTML
 * report draws its own. */
#pragma once

#include "reports/report-lanes.h"

G_BEGIN_DECLS

#define PLOT_ERROR (plot_error_quark ())
GQuark plot_error_quark (void);

typedef enum {
  PLOT_ERROR_NO_METRIC, /* there is no such plot */
  PLOT_ERROR_NO_DATA,   /* the run has nothing to show in it */
  PLOT_ERROR_NO_PNG,    /* built without cairo */
  PLOT_ERROR_FAILED,    /* cairo could not draw */
} PlotError;

typedef enum {
  PLOT_LINE,       /* from point to point */
  PLOT_STEP_AREA,  /* a value holds since the point before; stacked on the areas before it */
  PLOT_STEP_SINCE, /* a value holds since the point before */
  PLOT_STEP_UNTIL, /* a value holds until the next point */
} PlotStyle;

typedef struct {
  char *name;
  GArray *points; /* of ReportPoint (report-reduce.h); NAN: a gap */
  PlotStyle style;
  guint colour; /* index into the palette */
  gboolean is_dashed;
} PlotLine;

typedef struct {
  gint64 from_ns, to_ns; /* equal: an instant */
  char *label;
} PlotBand;

/* A horizontal bar of parts. */
typedef struct {
  char *name;
  GArray *values; /* of double, one per name in Plot.parts; NAN: none */
} PlotBar;

typedef struct {
  char *title;
  const char *unit; /* of the values: "ns", "bytes", "bit/s" */
  gint64 end_ns;
  guint n_points_before, n_points; /* measured, and left after the reduction */
  GPtrArray *lines;                /* of PlotLine */
  GPtrArray *bands;                /* of PlotBand */
  GPtrArray *lanes;                /* of ReportLane; NULL: no lanes */
  GPtrArray *lane_names;           /* of char * */
  GPtrArray *bars;                 /* of PlotBar; NULL: no bars */
  GPtrArray *parts;                /* of char *: what the values of a bar are */
  gboolean is_stacked;             /* the values of a bar follow each other */
} Plot;

/* Names of plots, ended by NULL. */
const char *const *plot_get_metrics (void);

/* @run loaded with QUERY_TABLES | QUERY_SAMPLES, and borrowed for as long as the plot lives.
 * Returns: (transfer full): or NULL with PLOT_ERROR. */
Plot *plot_new (const StoreRun *run, const char *metric, GError **error);
void plot_free (Plot *plot); /* accepts NULL */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Plot, plot_free)

G_END_DECLS
