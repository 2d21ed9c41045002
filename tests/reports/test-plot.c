/* SPDX-License-Identifier: Apache-2.0 */
/* test-plot.c - plots of a run as SVG and PNG. */
#include "reports/plot-draw.h"
#include "tests/reports/fixture.h"

#include <math.h>
#include <string.h>

#define S_BEGIN_NS G_GINT64_CONSTANT (2000000000)

/* A fixture run with what each of the plots needs. */
static StoreRun *
run_new (void)
{
  StoreRun *run = fixture_run_new (1, 1);
  static const char *const lost[] = { "lost-head-of-line", "lost-resend", "lost-framing",
                                      "lost-idle" };
  for (gint64 i = 2; i < 50; i++) {
    StoreLinkSample sample = { i * 100000000,
                               0,
                               STORE_SIDE_CLIENT,
                               "working",
                               20000000 + i * 1000,
                               i * 1000,
                               90000,
                               i * 600000,
                               i * 500000,
                               i * 10,
                               0 };
    g_array_append_val (run->link_samples, sample);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (lost); i++)
    store_run_add_metric (run, STORE_SUBJECT_FLOW, "upload", lost[i], 1e8, "ns");
  store_run_add_metric (run, STORE_SUBJECT_FLOW, "ping", "latency-p50", 1e6, "ns");
  StoreEvent begin = { S_BEGIN_NS, STORE_SIDE_HARNESS,    0, "event-begin", "", 1,
                       0,          "<silence>: blackhole" };
  g_array_append_val (run->events, begin);
  return run;
}

static void
test_all_metrics (void)
{
  g_autoptr (StoreRun) run = run_new ();
  for (const char *const *metric = plot_get_metrics (); *metric; metric++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (Plot) plot = plot_new (run, *metric, &error);
    g_assert_no_error (error);
    g_autofree char *svg = plot_format_svg (plot, 800, 360);
    g_assert_true (g_str_has_prefix (svg, "<?xml"));
    g_assert_true (g_str_has_suffix (svg, "</svg>\n"));
    g_assert_null (strstr (svg, "nan"));
    g_assert_null (strstr (svg, "inf"));
    g_assert_null (strstr (svg, "<silence>"));
    /* Something is drawn beside axes and background. */
    g_assert_true (strstr (svg, "#0072b2") || strstr (svg, "#d9dde2"));
  }
}

static void
test_errors (void)
{
  g_autoptr (GError) no_metric = NULL, no_data = NULL;
  g_autoptr (StoreRun) run = fixture_run_new (1, 1);
  g_array_set_size (run->link_samples, 0);
  g_assert_null (plot_new (run, "thruput", &no_metric));
  g_assert_error (no_metric, PLOT_ERROR, PLOT_ERROR_NO_METRIC);
  g_assert_null (plot_new (run, "rtt", &no_data));
  g_assert_error (no_data, PLOT_ERROR, PLOT_ERROR_NO_DATA);
}

static void
test_steps (void)
{
  static const struct {
    double max;
    guint n;
    double step;
  } cases[] = { { 10, 5, 2 }, { 100, 5, 20 },  { 13.2, 7, 2 },   { 0.003, 3, 0.001 },
                { 1, 1, 1 },  { 9e9, 4, 5e9 }, { 5e-7, 5, 1e-7 } };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpfloat_with_epsilon (plot_pick_step (cases[i].max, cases[i].n), cases[i].step,
                                    cases[i].step * 1e-6);
}

/* A band without an end goes on to the end of the plot, an instant is an instant. */
static void
test_bands (void)
{
  g_autoptr (StoreRun) run = run_new ();
  g_autoptr (GError) error = NULL;
  StoreEvent reset = { S_BEGIN_NS + 5, STORE_SIDE_HARNESS, 0, "event-begin", "", 1, 0, "r: reset" };
  g_array_append_val (run->events, reset);
  g_autoptr (Plot) plot = plot_new (run, "rtt", &error);
  g_assert_no_error (error);
  const PlotBand *silence = g_ptr_array_index (plot->bands, plot->bands->len - 2);
  const PlotBand *instant = g_ptr_array_index (plot->bands, plot->bands->len - 1);
  g_assert_cmpint (silence->from_ns, ==, S_BEGIN_NS);
  g_assert_cmpint (silence->to_ns, ==, plot->end_ns);
  g_assert_cmpint (instant->from_ns, ==, instant->to_ns);
}

static void
test_reduction_is_told (void)
{
  g_autoptr (StoreRun) run = fixture_run_new (1, 1);
  g_autoptr (GError) error = NULL;
  g_array_set_size (run->link_samples, 0);
  for (gint64 i = 0; i < 20000; i++) {
    StoreLinkSample sample = { i * 1000000,
                               0,
                               STORE_SIDE_CLIENT,
                               "working",
                               i == 7777 ? 900000000 : 20000000 + i,
                               0,
                               0,
                               0,
                               0,
                               0,
                               0 };
    g_array_append_val (run->link_samples, sample);
  }
  g_autoptr (Plot) plot = plot_new (run, "rtt", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (plot->n_points_before, ==, 20000);
  g_assert_cmpuint (plot->n_points, <=, 800);
  g_autofree char *svg = plot_format_svg (plot, 800, 360);
  g_autofree char *told = g_strdup_printf ("reduced from 20000 points to %u", plot->n_points);
  g_assert_nonnull (strstr (svg, told));
  g_assert_nonnull (strstr (svg, ">800 ms<")); /* the axis reaches for the one peak */
}

static void
test_png (void)
{
  g_autoptr (StoreRun) run = run_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (Plot) plot = plot_new (run, "throughput", &error);
  g_autoptr (GBytes) png = plot_format_png (plot, 400, 300, 2, &error);
  if (!plot_has_png ()) {
    g_assert_error (error, PLOT_ERROR, PLOT_ERROR_NO_PNG);
    return;
  }
  static const guint8 head[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x03\x20\0\0\x02\x58";
  gsize size_bytes;
  const guint8 *data = g_bytes_get_data (png, &size_bytes);
  g_assert_cmpuint (size_bytes, >, 1000);
  g_assert_cmpmem (data, sizeof head - 1, head, sizeof head - 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reports/plot/all-metrics", test_all_metrics);
  g_test_add_func ("/reports/plot/errors", test_errors);
  g_test_add_func ("/reports/plot/steps", test_steps);
  g_test_add_func ("/reports/plot/bands", test_bands);
  g_test_add_func ("/reports/plot/reduction-is-told", test_reduction_is_told);
  g_test_add_func ("/reports/plot/png", test_png);
  return g_test_run ();
}
