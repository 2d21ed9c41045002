/* SPDX-License-Identifier: Apache-2.0 */
/* test-trace-file.c - trace files, what is wrong with them, and words. */
#include "sim/trace-file.h"

#include <string.h>

static SimTrace *
parse (const char *text)
{
  g_autofree char *problem = NULL;
  guint line = 77;
  SimTrace *trace = sim_trace_parse_file (text, strlen (text), &line, &problem);

  g_assert_cmpstr (problem, ==, NULL);
  g_assert_nonnull (trace);
  return trace;
}

static void
expect_bad (const char *text, guint line, const char *message)
{
  g_autofree char *problem = NULL;
  guint is_line = 77;

  g_assert_null (sim_trace_parse_file (text, strlen (text), &is_line, &problem));
  g_assert_cmpuint (is_line, ==, line);
  g_assert_cmpstr (problem, ==, message);
}

static void
expect_words (const SimTrace *trace, const char *words)
{
  g_autofree char *is = sim_trace_format_words (trace);
  g_autofree char *problem = NULL;
  g_autoptr (SimTrace) again = sim_trace_parse_words (
      sim_trace_get_kind (trace), sim_trace_get_fields (trace), words, &problem);
  g_autofree char *is_again = again ? sim_trace_format_words (again) : NULL;

  g_assert_cmpstr (is, ==, words);
  g_assert_cmpstr (problem, ==, NULL);
  g_assert_cmpstr (is_again, ==, words);
  g_assert_cmpint (sim_trace_get_period (again), ==, sim_trace_get_period (trace));
}

static void
test_mahimahi (void)
{
  g_autoptr (SimTrace) trace = parse ("# from a phone\n1\n1\r\n 2 \n2\n3\n3\n\n7\n8\n");

  g_assert_cmpint (sim_trace_get_kind (trace), ==, SIM_TRACE_OPPORTUNITIES);
  g_assert_cmpuint (sim_trace_get_n_items (trace), ==, 8);
  g_assert_cmpint (sim_trace_get_period (trace), ==, 8 * CAIMAN_NS_PER_MS);
  expect_words (trace, "1x2*3 4 1");
}

static void
test_csv (void)
{
  g_autoptr (SimTrace) trace =
      parse ("time_s,rate_mbps,loss_percent,delay_ms\n0,10.5,0.25,20\n0.5,0,100,30.25\n2,8,0,0\n");
  const SimTraceStep *steps = sim_trace_get_steps (trace);

  g_assert_cmpint (sim_trace_get_fields (trace), ==,
                   SIM_TRACE_RATE | SIM_TRACE_DELAY | SIM_TRACE_LOSS);
  g_assert_cmpint (steps[0].rate_bps, ==, 10500000);
  g_assert_cmpuint (steps[0].loss_ppb, ==, 2500000);
  g_assert_cmpint (steps[1].start_ns, ==, CAIMAN_NS_PER_S / 2);
  g_assert_cmpint (steps[1].delay_ns, ==, 30250 * CAIMAN_NS_PER_US);
  g_assert_cmpint (sim_trace_get_period (trace), ==, 3500 * CAIMAN_NS_PER_MS);
  g_assert_cmpint (sim_trace_get_mean_rate (trace), ==, (10500000 + 3 * 8000000) / 7);
  expect_words (trace, "500000000:10500000:20000000:2500000 1500000000:0:30250000:1000000000 "
                       "1500000000:8000000:0:0");
}

static void
test_csv_of_delays (void)
{
  g_autoptr (SimTrace) trace = parse ("time_ms, delay_ms\n0, 10\n100, 20\n");

  g_assert_cmpint (sim_trace_get_fields (trace), ==, SIM_TRACE_DELAY);
  expect_words (trace, "100000000:10000000 100000000:20000000");
}

static void
test_bad_files (void)
{
  expect_bad ("", 0, "it is empty");
  expect_bad ("# nothing\n\n", 0, "it is empty");
  expect_bad ("1\n\n2.5\n", 3, "'2.5' is not a number of whole milliseconds up to a day");
  expect_bad ("1\nx\n", 2, "'x' is not a number of whole milliseconds up to a day");
  expect_bad ("1\n86400001\n", 2, "'86400001' is not a number of whole milliseconds up to a day");
  expect_bad ("3\n2\n", 2, "2 ms is before the line above");
  expect_bad ("0\n0\n", 0,
              "the last opportunity is at 0 ms: it must be later, for it is the trace's length");
  expect_bad ("rate_mbps,time_s\n", 1, "the first column, and no other, is time_s or time_ms");
  expect_bad ("time_s,time_ms\n", 1, "the first column, and no other, is time_s or time_ms");
  expect_bad ("time_s,rate_bps,rate_kbps\n", 1, "'rate_kbps' is the second column of its kind");
  expect_bad ("time_s,speed\n", 1,
              "'speed' is not time_s, time_ms, rate_bps, rate_kbps, rate_mbps, delay_ms or "
              "loss_percent");
  expect_bad ("time_s\n0\n", 1, "there is no column but the time");
  expect_bad ("time_s,rate_bps\n0,5\n", 0, "there are fewer than two steps");
  expect_bad ("time_s,rate_bps\n1,5\n", 2, "the first line's time is not 0");
  expect_bad ("time_s,rate_bps\n0,5\n0,5\n", 3, "the time is not after that of the line above");
  expect_bad ("time_s,rate_bps\n0,5,6\n", 2, "more values than the header has columns");
  expect_bad ("time_s,rate_bps\n0\n", 2, "fewer values than the header has columns");
  expect_bad ("time_s,rate_bps\n0,-5\n", 2, "rate_bps: '-5' is not a plain decimal within range");
  expect_bad ("time_s,rate_bps\n0,\n", 2, "rate_bps: '' is not a plain decimal within range");
  expect_bad ("time_s,rate_mbps\n0,1000001\n", 2,
              "rate_mbps: '1000001' is not a plain decimal within range");
  expect_bad ("time_s,loss_percent\n0,100.1\n", 2,
              "loss_percent: '100.1' is not a plain decimal within range");
  expect_bad ("time_s,rate_bps\n0,0\n1,0\n", 0, "the rate is 0 on average");
  expect_bad ("time_s,rate_bps\n0,1\n80000,1\n", 0, "it is longer than a day");
}

static void
test_too_much (void)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i <= SIM_TRACE_ITEMS_MAX; i++)
    g_string_append (text, "1\n");
  expect_bad (text->str, SIM_TRACE_ITEMS_MAX + 1, "more than 1000000 opportunities");
  g_string_set_size (text, SIM_TRACE_FILE_MAX_BYTES);
  g_string_append (text, "\n");
  memset (text->str, '\n', text->len);
  expect_bad (text->str, 0, "it is larger than 16 MiB");
  g_string_free (text, TRUE);
}

static void
expect_bad_words (SimTraceKind kind, const char *words, const char *message)
{
  g_autofree char *problem = NULL;

  g_assert_null (sim_trace_parse_words (kind, SIM_TRACE_RATE | SIM_TRACE_LOSS, words, &problem));
  g_assert_cmpstr (problem, ==, message);
}

static void
test_bad_words (void)
{
  static const char *const opportunities[] = { "x",   "1x",       "1x0",         "1*0",
                                               "1y2", "86400001", "1x1001*1000", "86400*1001" };
  static const char *const steps[] = { "0:1:1", "5:1", "5:1:1:1", "5:1:1000000001", "5:x:1" };

  for (guint i = 0; i < G_N_ELEMENTS (opportunities); i++) {
    g_autofree char *message =
        g_strdup_printf ("'%s' is not a word of such a trace, or too much", opportunities[i]);
    expect_bad_words (SIM_TRACE_OPPORTUNITIES, opportunities[i], message);
  }
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    g_autofree char *message =
        g_strdup_printf ("'%s' is not a word of such a trace, or too much", steps[i]);
    expect_bad_words (SIM_TRACE_STEPS, steps[i], message);
  }
  expect_bad_words (SIM_TRACE_OPPORTUNITIES, "0 0", "nothing ever gets through");
  expect_bad_words (SIM_TRACE_STEPS, "5:0:1", "nothing ever gets through");
  expect_bad_words (SIM_TRACE_STEPS, " ", "nothing ever gets through");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/trace-file/mahimahi", test_mahimahi);
  g_test_add_func ("/sim/trace-file/csv", test_csv);
  g_test_add_func ("/sim/trace-file/csv-of-delays", test_csv_of_delays);
  g_test_add_func ("/sim/trace-file/bad-files", test_bad_files);
  g_test_add_func ("/sim/trace-file/too-much", test_too_much);
  g_test_add_func ("/sim/trace-file/bad-words", test_bad_words);
  return g_test_run ();
}
