/* SPDX-License-Identifier: Apache-2.0 */
/* plot-svg.c - a plot as an SVG document, see plot-draw.h. */
#include "reports/json-text.h"
#include "reports/plot-draw.h"

typedef struct {
  PlotCanvas canvas; /* first */
  GString *out;
} SvgCanvas;

/* Two digits behind the point, whatever the locale. */
static void
append_number (GString *out, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  g_ascii_formatd (text, sizeof text, "%.2f", value);
  g_string_append (out, text);
}

static void
append_attribute (GString *out, const char *name, double value)
{
  g_string_append_printf (out, " %s=\"", name);
  append_number (out, value);
  g_string_append_c (out, '"');
}

static void
append_points (GString *out, const PlotPoint *points, guint n_points)
{
  g_string_append (out, " points=\"");
  for (guint i = 0; i < n_points; i++) {
    if (i > 0)
      g_string_append_c (out, ' ');
    append_number (out, points[i].x);
    g_string_append_c (out, ',');
    append_number (out, points[i].y);
  }
  g_string_append_c (out, '"');
}

static void
append_fill (GString *out, guint32 colour, double opacity)
{
  g_string_append_printf (out, " fill=\"#%06x\"", colour);
  if (opacity < 1)
    append_attribute (out, "fill-opacity", opacity);
}

static void
svg_rectangle (PlotCanvas *canvas, double x, double y, double width, double height, guint32 colour,
               double opacity)
{
  GString *out = ((SvgCanvas *)canvas)->out;
  g_string_append (out, "<rect");
  append_attribute (out, "x", x);
  append_attribute (out, "y", y);
  append_attribute (out, "width", width);
  append_attribute (out, "height", height);
  append_fill (out, colour, opacity);
  g_string_append (out, "/>\n");
}

static void
svg_polygon (PlotCanvas *canvas, const PlotPoint *points, guint n_points, guint32 colour,
             double opacity)
{
  GString *out = ((SvgCanvas *)canvas)->out;
  g_string_append (out, "<polygon");
  append_points (out, points, n_points);
  append_fill (out, colour, opacity);
  g_string_append (out, "/>\n");
}

static void
svg_polyline (PlotCanvas *canvas, const PlotPoint *points, guint n_points, guint32 colour,
              double width, gboolean is_dashed)
{
  GString *out = ((SvgCanvas *)canvas)->out;
  g_string_append (out, "<polyline");
  append_points (out, points, n_points);
  g_string_append_printf (out, " fill=\"none\" stroke=\"#%06x\"", colour);
  append_attribute (out, "stroke-width", width);
  if (is_dashed)
    g_string_append (out, " stroke-dasharray=\"7 4\"");
  g_string_append (out, "/>\n");
}

static void
svg_text (PlotCanvas *canvas, double x, double y, PlotAnchor anchor, double size, guint32 colour,
          const char *text)
{
  static const char *const anchors[] = { "start", "middle", "end" };
  GString *out = ((SvgCanvas *)canvas)->out;
  g_string_append (out, "<text");
  append_attribute (out, "x", x);
  append_attribute (out, "y", y);
  append_attribute (out, "font-size", size);
  g_string_append_printf (out, " text-anchor=\"%s\" fill=\"#%06x\">", anchors[anchor], colour);
  html_append_escaped (out, text);
  g_string_append (out, "</text>\n");
}

char *
plot_format_svg (const Plot *plot, guint width, guint height)
{
  SvgCanvas svg = { .canvas = { svg_rectangle, svg_polygon, svg_polyline, svg_text },
                    .out = g_string_new (NULL) };
  g_string_append_printf (svg.out,
                          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                          "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
                          "viewBox=\"0 0 %u %u\" font-family=\"sans-serif\" role=\"img\">\n<title>",
                          width, height, width, height);
  html_append_escaped (svg.out, plot->title);
  g_string_append (svg.out, "</title>\n");
  plot_draw (plot, &svg.canvas, width, height);
  g_string_append (svg.out, "</svg>\n");
  return g_string_free (svg.out, FALSE);
}
