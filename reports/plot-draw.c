/* SPDX-License-Identifier: Apache-2.0 */
/* plot-draw.c - see plot-draw.h. */
#include "reports/plot-draw.h"

#include "reports/format.h"
#include "reports/report-reduce.h"

#include <math.h>
#include <string.h>

#define TEXT_SIZE   12.0
#define TITLE_SIZE  14.0
#define CHARACTER   6.7 /* width of a mean one at TEXT_SIZE; nobody here knows the font */
#define MARGIN      12.0
#define BLACK       0x1b1f24
#define GREY        0x5a6370
#define LIGHT       0xdfe3e8
#define FAULT       0xc24a00
#define LANE_HEIGHT 24.0
#define BAR_HEIGHT  22.0

/* Okabe and Ito's colours, a little darker: they can be told apart without seeing red or green. */
static const guint32 palette[] = { 0x0072b2, 0xd98200, 0x00805c, 0xb8538c,
                                   0x3a94c8, 0xc24a00, 0x7d7000, 0x6b1f7a };

static guint32
get_colour (guint index)
{
  return palette[index % G_N_ELEMENTS (palette)];
}

/* Where the data are, and how values become pixels. */
typedef struct {
  const Plot *plot;
  PlotCanvas *canvas;
  double left, top, right, bottom;
  double x_max, y_max; /* in ns or the unit; from 0 */
} Frame;

static double
x_of (const Frame *frame, double value)
{
  return frame->left + CLAMP (value / frame->x_max, 0, 1) * (frame->right - frame->left);
}

static double
y_of (const Frame *frame, double value)
{
  return frame->bottom - CLAMP (value / frame->y_max, 0, 1) * (frame->bottom - frame->top);
}

static double
width_of (const char *text, double size)
{
  return (double)g_utf8_strlen (text, -1) * CHARACTER * size / TEXT_SIZE;
}

double
plot_pick_step (double max, guint n)
{
  static const double factors[] = { 1, 2, 5, 10 };
  double rough = max / MAX (n, 1), power = pow (10, floor (log10 (rough)));
  for (gsize i = 0; i < G_N_ELEMENTS (factors); i++)
    if (factors[i] * power >= rough * (1 - 1e-9))
      return factors[i] * power;
  return 10 * power;
}

/* "20 ms" without the zeros that format_value() leaves. */
static char *
format_tick (double value, const char *unit)
{
  if (value == 0)
    return g_strdup ("0");
  char *text = format_value (value, unit);
  char *space = strchr (text, ' '), *point = strchr (text, '.');
  if (!space || !point || point > space)
    return text;
  char *end = space;
  while (end > point && (end[-1] == '0' || end[-1] == '.')) {
    end--;
    if (*end == '.')
      break;
  }
  memmove (end, space, strlen (space) + 1);
  return text;
}

static void
draw_line (PlotCanvas *canvas, double x1, double y1, double x2, double y2, guint32 colour)
{
  const PlotPoint ends[] = { { x1, y1 }, { x2, y2 } };
  canvas->polyline (canvas, ends, 2, colour, 1, FALSE);
}

/* --- Axes --- */

static void
draw_x_axis (const Frame *frame, const char *unit)
{
  PlotCanvas *canvas = frame->canvas;
  double step = plot_pick_step (frame->x_max, (guint)((frame->right - frame->left) / 90));
  for (guint i = 0; i * step <= frame->x_max * (1 + 1e-9); i++) {
    double x = x_of (frame, i * step);
    g_autofree char *label = format_tick (i * step, unit);
    draw_line (canvas, x, frame->top, x, frame->bottom + 4, LIGHT);
    canvas->text (canvas, x, frame->bottom + 17, PLOT_MIDDLE, TEXT_SIZE, GREY, label);
  }
}

static void
draw_y_axis (const Frame *frame)
{
  PlotCanvas *canvas = frame->canvas;
  double step = plot_pick_step (frame->y_max, (guint)MAX ((frame->bottom - frame->top) / 45, 2));
  for (guint i = 0; i * step <= frame->y_max * (1 + 1e-9); i++) {
    double y = y_of (frame, i * step);
    g_autofree char *label = format_tick (i * step, frame->plot->unit);
    draw_line (canvas, frame->left, y, frame->right, y, LIGHT);
    canvas->text (canvas, frame->left - 7, y + 4, PLOT_RIGHT, TEXT_SIZE, GREY, label);
  }
}

static void
draw_bands (const Frame *frame)
{
  PlotCanvas *canvas = frame->canvas;
  for (guint i = 0; i < frame->plot->bands->len; i++) {
    const PlotBand *band = g_ptr_array_index (frame->plot->bands, i);
    double from = x_of (frame, (double)band->from_ns), to = x_of (frame, (double)band->to_ns);
    canvas->rectangle (canvas, from, frame->top, MAX (to - from, 1.5), frame->bottom - frame->top,
                       FAULT, 0.15);
    if (width_of (band->label, 11) + 8 <= to - from)
      canvas->text (canvas, from + 4, frame->top + 13, PLOT_LEFT, 11, 0x8c3500, band->label);
  }
}

/* Names with a patch of their colour, in lines from @y downwards; returns where they end. */
static double
draw_legend (PlotCanvas *canvas, double left, double right, double y, GPtrArray *names,
             const guint32 *colours, const gboolean *dashes)
{
  double x = left;
  for (guint i = 0; i < names->len; i++) {
    const char *name = g_ptr_array_index (names, i);
    double width = 28 + width_of (name, TEXT_SIZE) + 14;
    if (x > left && x + width > right) {
      x = left;
      y += 18;
    }
    const PlotPoint ends[] = { { x, y - 4 }, { x + 22, y - 4 } };
    canvas->polyline (canvas, ends, 2, colours[i], dashes && dashes[i] ? 2 : 6,
                      dashes && dashes[i]);
    canvas->text (canvas, x + 28, y, PLOT_LEFT, TEXT_SIZE, BLACK, name);
    x += width;
  }
  return y + 12;
}

static double
draw_title (const Frame *frame)
{
  frame->canvas->text (frame->canvas, MARGIN, MARGIN + 12, PLOT_LEFT, TITLE_SIZE, BLACK,
                       frame->plot->title);
  return MARGIN + 36;
}

/* --- Lines over time --- */

static void
add_point (GArray *out, double x, double y)
{
  PlotPoint point = { x, y };
  g_array_append_val (out, point);
}

/* The corners of @line from point @from on, up to a gap; *@next_out is where to go on. */
static GArray *
trace_line (const Frame *frame, const PlotLine *line, guint from, guint *next_out)
{
  GArray *out = g_array_new (FALSE, FALSE, sizeof (PlotPoint));
  guint i = from;
  double last_x = 0, last_y = 0;
  for (; i < line->points->len; i++) {
    const ReportPoint *point = &g_array_index (line->points, ReportPoint, i);
    if (isnan (point->value))
      break;
    double x = x_of (frame, (double)point->t_ns), y = y_of (frame, point->value);
    if (out->len > 0 && line->style == PLOT_STEP_SINCE)
      add_point (out, last_x, y);
    else if (out->len > 0 && line->style == PLOT_STEP_UNTIL)
      add_point (out, x, last_y);
    add_point (out, x, y);
    last_x = x;
    last_y = y;
  }
  *next_out = i + 1;
  return out;
}

static void
draw_plain_line (const Frame *frame, const PlotLine *line)
{
  for (guint i = 0; i < line->points->len;) {
    g_autoptr (GArray) corners = trace_line (frame, line, i, &i);
    if (corners->len > 1)
      frame->canvas->polyline (frame->canvas, (const PlotPoint *)(void *)corners->data,
                               corners->len, get_colour (line->colour), 1.6, line->is_dashed);
  }
}

/* The rate of a stepped line in the time before @t_ns. */
static double
rate_before (const PlotLine *line, gint64 t_ns)
{
  for (guint i = 0; i < line->points->len; i++) {
    const ReportPoint *point = &g_array_index (line->points, ReportPoint, i);
    if (point->t_ns >= t_ns)
      return i == 0 || isnan (point->value) ? 0 : point->value;
  }
  return 0;
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 left = *(const gint64 *)a, right = *(const gint64 *)b;
  return left < right ? -1 : left > right;
}

/* All times at which an area has a corner, each once, in order. */
static GArray *
collect_times (const Plot *plot)
{
  GArray *times = g_array_new (FALSE, FALSE, sizeof (gint64));
  for (guint i = 0; i < plot->lines->len; i++) {
    const PlotLine *line = g_ptr_array_index (plot->lines, i);
    for (guint j = 0; line->style == PLOT_STEP_AREA && j < line->points->len; j++)
      g_array_append_val (times, g_array_index (line->points, ReportPoint, j).t_ns);
  }
  g_array_sort (times, compare_times);
  guint n = 0;
  for (guint i = 0; i < times->len; i++)
    if (i == 0 || g_array_index (times, gint64, i) != g_array_index (times, gint64, n - 1))
      g_array_index (times, gint64, n++) = g_array_index (times, gint64, i);
  g_array_set_size (times, n);
  return times;
}

/* Adds @line to @sums (of double, per time). */
static void
add_to_sums (GArray *sums, const GArray *times, const PlotLine *line)
{
  for (guint i = 0; i < times->len; i++)
    g_array_index (sums, double, i) += rate_before (line, g_array_index (times, gint64, i));
}

/* The border of @sums from left to right, or back. */
static void
add_border (const Frame *frame, GArray *out, const GArray *times, const GArray *sums,
            gboolean backwards)
{
  for (guint n = 1; n < times->len; n++) {
    guint i = backwards ? times->len - n : n;
    double y = y_of (frame, g_array_index (sums, double, i));
    double from = x_of (frame, (double)g_array_index (times, gint64, i - 1));
    double to = x_of (frame, (double)g_array_index (times, gint64, i));
    add_point (out, backwards ? to : from, y);
    add_point (out, backwards ? from : to, y);
  }
}

static GArray *
new_sums (guint n)
{
  GArray *sums = g_array_new (FALSE, TRUE, sizeof (double));
  g_array_set_size (sums, n);
  return sums;
}

static void
draw_areas (const Frame *frame)
{
  g_autoptr (GArray) times = collect_times (frame->plot);
  g_autoptr (GArray) below = new_sums (times->len), above = new_sums (times->len);
  for (guint i = 0; i < frame->plot->lines->len; i++) {
    const PlotLine *line = g_ptr_array_index (frame->plot->lines, i);
    if (line->style != PLOT_STEP_AREA || times->len < 2)
      continue;
    g_autoptr (GArray) outline = g_array_new (FALSE, FALSE, sizeof (PlotPoint));
    add_to_sums (above, times, line);
    add_border (frame, outline, times, above, FALSE);
    guint n_upper = outline->len;
    add_border (frame, outline, times, below, TRUE);
    const PlotPoint *points = (const PlotPoint *)(void *)outline->data;
    frame->canvas->polygon (frame->canvas, points, outline->len, get_colour (line->colour), 0.5);
    frame->canvas->polyline (frame->canvas, points, n_upper, get_colour (line->colour), 1, FALSE);
    memcpy (below->data, above->data, times->len * sizeof (double));
  }
}

/* The largest value that is shown, areas stacked. */
static double
find_max (const Plot *plot)
{
  double max = 0;
  g_autoptr (GArray) times = collect_times (plot);
  g_autoptr (GArray) sums = new_sums (times->len);
  for (guint i = 0; i < plot->lines->len; i++) {
    const PlotLine *line = g_ptr_array_index (plot->lines, i);
    if (line->style == PLOT_STEP_AREA)
      add_to_sums (sums, times, line);
    for (guint j = 0; line->style != PLOT_STEP_AREA && j < line->points->len; j++) {
      double value = g_array_index (line->points, ReportPoint, j).value;
      max = isnan (value) ? max : MAX (max, value);
    }
  }
  for (guint i = 0; i < sums->len; i++)
    max = MAX (max, g_array_index (sums, double, i));
  return max > 0 ? max : 1;
}

static void
draw_over_time (Frame *frame)
{
  const Plot *plot = frame->plot;
  guint n = plot->lines->len;
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree guint32 *colours = g_new0 (guint32, n + 1);
  g_autofree gboolean *dashes = g_new0 (gboolean, n + 1);
  for (guint i = 0; i < n; i++) {
    const PlotLine *line = g_ptr_array_index (plot->lines, i);
    g_ptr_array_add (names, line->name);
    colours[i] = get_colour (line->colour);
    dashes[i] = line->is_dashed;
  }
  frame->top =
      draw_legend (frame->canvas, MARGIN, frame->right, frame->top, names, colours, dashes);
  frame->left = MARGIN + 78;
  double max = find_max (plot), step = plot_pick_step (max, 5);
  frame->y_max = ceil (max / step * (1 - 1e-9)) * step;
  draw_x_axis (frame, "ns");
  draw_y_axis (frame);
  draw_bands (frame);
  draw_areas (frame);
  for (guint i = 0; i < n; i++) {
    const PlotLine *line = g_ptr_array_index (plot->lines, i);
    if (line->style != PLOT_STEP_AREA)
      draw_plain_line (frame, line);
  }
}

/* --- Lanes --- */

static guint32
get_state_colour (const char *state)
{
  static const struct {
    const char *state;
    guint32 colour;
  } colours[] = { { "working", 0x8fd3bd }, { "suspected", 0xf2d06b }, { "not-working", 0xe58a5c },
                  { "blocked", 0xcfa6d4 }, { "new", 0xb5d8f0 },       { "connecting", 0xb5d8f0 } };
  for (gsize i = 0; i < G_N_ELEMENTS (colours); i++)
    if (g_str_equal (colours[i].state, state))
      return colours[i].colour;
  return 0xd9dde2;
}

static void
draw_lane (const Frame *frame, const ReportLane *lane, double y, double height)
{
  for (guint i = 0; i < lane->spans->len; i++) {
    const ReportSpan *span = &g_array_index (lane->spans, ReportSpan, i);
    gint64 end_ns = i + 1 < lane->spans->len ? g_array_index (lane->spans, ReportSpan, i + 1).t_ns
                                             : frame->plot->end_ns;
    double from = x_of (frame, (double)span->t_ns), to = x_of (frame, (double)end_ns);
    frame->canvas->rectangle (frame->canvas, from, y, MAX (to - from, 1), height,
                              get_state_colour (span->state), 1);
    g_autofree char *words = *span->reason ? g_strdup_printf ("%s: %s", span->state, span->reason)
                                           : g_strdup (span->state);
    const char *label = width_of (words, 11) + 8 <= to - from ? words : span->state;
    if (width_of (label, 11) + 8 <= to - from)
      frame->canvas->text (frame->canvas, from + 4, y + height / 2 + 4, PLOT_LEFT, 11, BLACK,
                           label);
  }
}

static void
draw_lanes (Frame *frame)
{
  const Plot *plot = frame->plot;
  guint n = plot->lanes->len;
  double widest = 0;
  for (guint i = 0; i < n; i++)
    widest = MAX (widest, width_of (g_ptr_array_index (plot->lane_names, i), TEXT_SIZE));
  frame->left = MIN (MARGIN + widest + 10, frame->right / 2);
  frame->top -= 12;
  draw_x_axis (frame, "ns");
  double pitch = (frame->bottom - frame->top) / n, height = MIN (pitch * 0.75, LANE_HEIGHT);
  for (guint i = 0; i < n; i++) {
    double y = frame->top + i * pitch + (pitch - height) / 2;
    frame->canvas->text (frame->canvas, MARGIN, y + height / 2 + 4, PLOT_LEFT, TEXT_SIZE, BLACK,
                         g_ptr_array_index (plot->lane_names, i));
    draw_lane (frame, g_ptr_array_index (plot->lanes, i), y, height);
  }
  draw_bands (frame);
}

/* --- Bars --- */

static double
value_at (const PlotBar *bar, guint part)
{
  double value = g_array_index (bar->values, double, part);
  return isnan (value) ? 0 : value;
}

static double
find_bar_max (const Plot *plot)
{
  double max = 0;
  for (guint i = 0; i < plot->bars->len; i++) {
    double sum = 0;
    for (guint j = 0; j < plot->parts->len; j++) {
      double value = value_at (g_ptr_array_index (plot->bars, i), j);
      sum = plot->is_stacked ? sum + value : MAX (sum, value);
    }
    max = MAX (max, sum);
  }
  return max > 0 ? max : 1;
}

static void
draw_bar (const Frame *frame, const PlotBar *bar, double y, double height)
{
  const Plot *plot = frame->plot;
  double before = 0, thin = height / plot->parts->len;
  for (guint i = 0; i < plot->parts->len; i++) {
    double value = value_at (bar, i);
    double from = x_of (frame, before), to = x_of (frame, before + value);
    if (plot->is_stacked) {
      frame->canvas->rectangle (frame->canvas, from, y, to - from, height, get_colour (i), 0.85);
      before += value;
      continue;
    }
    g_autofree char *label = format_value (value, plot->unit);
    double middle = y + i * thin + thin / 2 + 4;
    gboolean fits = to + width_of (label, 11) + 6 < frame->right;
    frame->canvas->rectangle (frame->canvas, from, y + i * thin, MAX (to - from, 1), thin * 0.85,
                              get_colour (i), 0.85);
    frame->canvas->text (frame->canvas, fits ? to + 5 : to - 5, middle,
                         fits ? PLOT_LEFT : PLOT_RIGHT, 11, fits ? GREY : 0xffffff, label);
  }
}

static void
draw_bars (Frame *frame)
{
  const Plot *plot = frame->plot;
  guint n = plot->bars->len;
  double widest = 0;
  guint32 colours[G_N_ELEMENTS (palette)];
  for (guint i = 0; i < G_N_ELEMENTS (colours); i++)
    colours[i] = get_colour (i);
  g_assert (plot->parts->len <= G_N_ELEMENTS (colours));
  frame->top =
      draw_legend (frame->canvas, MARGIN, frame->right, frame->top, plot->parts, colours, NULL);
  for (guint i = 0; i < n; i++)
    widest =
        MAX (widest, width_of (((PlotBar *)g_ptr_array_index (plot->bars, i))->name, TEXT_SIZE));
  frame->left = MIN (MARGIN + widest + 10, frame->right / 2);
  frame->x_max = find_bar_max (plot);
  draw_x_axis (frame, plot->unit);
  double pitch = (frame->bottom - frame->top) / n;
  double wanted = plot->is_stacked ? BAR_HEIGHT * 1.6 : BAR_HEIGHT * plot->parts->len;
  double height = MIN (pitch * 0.8, wanted);
  for (guint i = 0; i < n; i++) {
    const PlotBar *bar = g_ptr_array_index (plot->bars, i);
    double y = frame->top + i * pitch + (pitch - height) / 2;
    frame->canvas->text (frame->canvas, MARGIN, y + height / 2 + 4, PLOT_LEFT, TEXT_SIZE, BLACK,
                         bar->name);
    draw_bar (frame, bar, y, height);
  }
}

/* --- All --- */

void
plot_draw (const Plot *plot, PlotCanvas *canvas, guint width, guint height)
{
  Frame frame = { .plot = plot,
                  .canvas = canvas,
                  .left = MARGIN,
                  .right = (double)width - MARGIN - 12,
                  .bottom = (double)height - MARGIN - 34,
                  .x_max = (double)plot->end_ns };
  canvas->rectangle (canvas, 0, 0, (double)width, (double)height, 0xffffff, 1);
  frame.top = draw_title (&frame);
  if (plot->bars)
    draw_bars (&frame);
  else if (plot->lanes)
    draw_lanes (&frame);
  else
    draw_over_time (&frame);
  if (plot->n_points_before > plot->n_points) {
    g_autofree char *text =
        g_strdup_printf ("reduced from %u points to %u", plot->n_points_before, plot->n_points);
    canvas->text (canvas, frame.right, (double)height - 8, PLOT_RIGHT, 10, GREY, text);
  }
}
