/* SPDX-License-Identifier: Apache-2.0 */
/* plot-draw.h - lays a plot out and draws it on a canvas: SVG by ourselves, or PNG by cairo. */
#pragma once

#include "reports/plot-model.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct {
  double x, y;
} PlotPoint;

typedef enum { PLOT_LEFT, PLOT_MIDDLE, PLOT_RIGHT } PlotAnchor;

/* What a kind of picture can do. Lengths are in pixels from the upper left corner; colours are
 * 0xRRGGBB. */
typedef struct _PlotCanvas PlotCanvas;
struct _PlotCanvas {
  void (*rectangle) (PlotCanvas *canvas, double x, double y, double width, double height,
                     guint32 colour, double opacity);
  void (*polygon) (PlotCanvas *canvas, const PlotPoint *points, guint n_points, guint32 colour,
                   double opacity);
  void (*polyline) (PlotCanvas *canvas, const PlotPoint *points, guint n_points, guint32 colour,
                    double width, gboolean is_dashed);
  /* @y is the base line. */
  void (*text) (PlotCanvas *canvas, double x, double y, PlotAnchor anchor, double size,
                guint32 colour, const char *text);
};

#define PLOT_WIDTH_DEFAULT  800
#define PLOT_HEIGHT_DEFAULT 360

/* @canvas is so many pixels large, and white. */
void plot_draw (const Plot *plot, PlotCanvas *canvas, guint width, guint height);

/* Multiples of 1, 2 or 5 times a power of ten (or of 60, for long times), about @n of them, that
 * cover 0 to @max (> 0). Returns the distance of two. */
double plot_pick_step (double max, guint n);

/* Returns: (transfer full): an SVG document. */
char *plot_format_svg (const Plot *plot, guint width, guint height);

/* Whether plot_format_png() can do it. */
gboolean plot_has_png (void);

/* Returns: (transfer full): a PNG file, with @scale times as many pixels each way; or NULL with
 * PLOT_ERROR. */
GBytes *plot_format_png (const Plot *plot, guint width, guint height, double scale, GError **error);

G_END_DECLS
