/* SPDX-License-Identifier: Apache-2.0 */
/* plot-png.c - a plot as a PNG file, see plot-draw.h. Built in where there is cairo. */
#include "reports/plot-draw.h"

#ifdef CAIMAN_HAS_CAIRO

#include <cairo.h>

/* fontconfig, which cairo asks for letters, keeps some patterns until the process ends. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_LEAK_CHECK
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(HAS_LEAK_CHECK)
const char *__lsan_default_suppressions (void);

const char *
__lsan_default_suppressions (void)
{
  return "leak:libfontconfig";
}
#endif

typedef struct {
  PlotCanvas canvas; /* first */
  cairo_t *cairo;
} PngCanvas;

static void
set_colour (cairo_t *cairo, guint32 colour, double opacity)
{
  cairo_set_source_rgba (cairo, (colour >> 16 & 0xff) / 255.0, (colour >> 8 & 0xff) / 255.0,
                         (colour & 0xff) / 255.0, opacity);
}

static void
set_path (cairo_t *cairo, const PlotPoint *points, guint n_points)
{
  cairo_new_path (cairo);
  for (guint i = 0; i < n_points; i++)
    cairo_line_to (cairo, points[i].x, points[i].y);
}

static void
png_rectangle (PlotCanvas *canvas, double x, double y, double width, double height, guint32 colour,
               double opacity)
{
  cairo_t *cairo = ((PngCanvas *)canvas)->cairo;
  set_colour (cairo, colour, opacity);
  cairo_rectangle (cairo, x, y, width, height);
  cairo_fill (cairo);
}

static void
png_polygon (PlotCanvas *canvas, const PlotPoint *points, guint n_points, guint32 colour,
             double opacity)
{
  cairo_t *cairo = ((PngCanvas *)canvas)->cairo;
  set_colour (cairo, colour, opacity);
  set_path (cairo, points, n_points);
  cairo_close_path (cairo);
  cairo_fill (cairo);
}

static void
png_polyline (PlotCanvas *canvas, const PlotPoint *points, guint n_points, guint32 colour,
              double width, gboolean is_dashed)
{
  static const double dashes[] = { 7, 4 };
  cairo_t *cairo = ((PngCanvas *)canvas)->cairo;
  set_colour (cairo, colour, 1);
  set_path (cairo, points, n_points);
  cairo_set_line_width (cairo, width);
  cairo_set_dash (cairo, dashes, is_dashed ? 2 : 0, 0);
  cairo_stroke (cairo);
}

static void
png_text (PlotCanvas *canvas, double x, double y, PlotAnchor anchor, double size, guint32 colour,
          const char *text)
{
  cairo_t *cairo = ((PngCanvas *)canvas)->cairo;
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  cairo_text_extents_t extents;
  cairo_select_font_face (cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size (cairo, size);
  cairo_text_extents (cairo, valid, &extents);
  double part = anchor == PLOT_LEFT ? 0 : anchor == PLOT_MIDDLE ? 0.5 : 1;
  set_colour (cairo, colour, 1);
  cairo_move_to (cairo, x - part * extents.x_advance, y);
  cairo_show_text (cairo, valid);
}

static cairo_status_t
append_bytes (void *closure, const unsigned char *data, unsigned int length)
{
  g_byte_array_append (closure, data, length);
  return CAIRO_STATUS_SUCCESS;
}

gboolean
plot_has_png (void)
{
  return TRUE;
}

GBytes *
plot_format_png (const Plot *plot, guint width, guint height, double scale, GError **error)
{
  cairo_surface_t *surface =
      cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int)(width * scale), (int)(height * scale));
  PngCanvas png = { .canvas = { png_rectangle, png_polygon, png_polyline, png_text },
                    .cairo = cairo_create (surface) };
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  cairo_scale (png.cairo, scale, scale);
  plot_draw (plot, &png.canvas, width, height);
  cairo_status_t status = cairo_status (png.cairo);
  if (status == CAIRO_STATUS_SUCCESS)
    status = cairo_surface_write_to_png_stream (surface, append_bytes, bytes);
  cairo_destroy (png.cairo);
  cairo_surface_destroy (surface);
  if (status != CAIRO_STATUS_SUCCESS) {
    g_set_error (error, PLOT_ERROR, PLOT_ERROR_FAILED, "cannot draw the picture: %s",
                 cairo_status_to_string (status));
    return NULL;
  }
  return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
}

#else

gboolean
plot_has_png (void)
{
  return FALSE;
}

GBytes *
plot_format_png (const Plot *plot, guint width, guint height, double scale, GError **error)
{
  g_set_error (error, PLOT_ERROR, PLOT_ERROR_NO_PNG,
               "this caiman was built without cairo and cannot write PNG: name a file that ends in "
               ".svg, or build with libcairo2-dev installed");
  return NULL;
}

#endif
