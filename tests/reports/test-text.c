/* SPDX-License-Identifier: Apache-2.0 */
/* test-text.c - what people read: the summary of a run, the list, one run in full. */
#include <fcntl.h>
#include <glib-unix.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/reports/fixture.h"
#include "reports/show.h"
#include "reports/summary.h"

static StoreRun *
finished_run (void)
{
  StoreRun *run = fixture_run_new (1, 7);
  run->id = 12;
  run->finished = TRUE;
  run->started_us = 1769860800 * G_GINT64_CONSTANT (1000000);
  run->host = "here";
  return run;
}

static void
test_line (void)
{
  g_autoptr (StoreRun) run = finished_run ();
  g_autofree char *failed = summary_format_line (run, FALSE);
  g_assert_cmpstr (failed, ==,
                   "FAILED  silent-fast-link  seed 7  adaptive  survives  8.40 s in 23.1 ms  run 12"
                   "  upload.longest-gap <= 100ms & \"<b>\", got 105ms (and 1 more)\n");

  g_array_set_size (run->expectations, 2);
  run->exit_class = 0;
  run->variant = "link lte.delay=20ms";
  run->id = 0;
  g_autofree char *ok = summary_format_line (run, TRUE);
  g_assert_cmpstr (
      ok, ==,
      "\033[32mok     \033[0m silent-fast-link  [link lte.delay=20ms]  seed 7  adaptive"
      "  survives  8.40 s in 23.1 ms\n");

  run->wall_ns = run->simulated_ns = 0;
  run->outcome = "crashed";
  g_autofree char *crashed = summary_format_line (run, FALSE);
  g_assert_true (g_str_has_suffix (crashed, "  adaptive  crashed\n"));

  run->finished = FALSE;
  g_autofree char *unfinished = summary_format_line (run, FALSE);
  g_assert_true (g_str_has_prefix (unfinished, "UNFINISHED silent-fast-link"));
}

static void
test_summary (void)
{
  g_autoptr (StoreRun) run = finished_run ();
  g_autofree char *text = summary_format_run (run, FALSE);
  const char *tables = strchr (text, '\n') + 1;
  g_assert_cmpstr (tables, ==,
                   "\n"
                   "Expectations\n"
                   "  expectation                    bound  actual  held  line\n"
                   "  integrity                      exact   exact  yes\n"
                   "  upload.efficiency             >= 95%   95.3%  yes     31\n"
                   "  upload.longest-gap  <= 100ms & \"<b>\"   105ms  NO      32\n"
                   "  upload.recovery                <= 1s       -  NO      33\n"
                   "\n"
                   "Flows\n"
                   "  metric            upload          ping\n"
                   "  goodput      47.2 Mbit/s             -\n"
                   "  efficiency        95.3 %             -\n"
                   "  longest-gap       105 ms             -\n"
                   "  latency-p99            -  2502 h 0 min\n"
                   "\n"
                   "Where the lost time went\n"
                   "  flow    cause        lost   share\n"
                   "  upload  ramp-up    300 ms  75.0 %\n"
                   "  upload  detection  100 ms  25.0 %\n");
}

/* Of fourteen links six stand side by side; a flow whose lost time is not defined has no row. */
static void
test_many_subjects (void)
{
  g_autoptr (StoreRun) run = finished_run ();
  g_array_set_size (run->metrics, 0);
  for (int i = 1; i <= 14; i++) {
    g_autofree char *link = g_strdup_printf ("l%d", i);
    store_run_add_metric (run, STORE_SUBJECT_LINK, link, "ends", i, "count");
  }
  store_run_add_metric (run, STORE_SUBJECT_FLOW, "f", "lost-idle", NAN, "ns");
  store_run_add_metric (run, STORE_SUBJECT_FLOW, "g", "lost-idle", 0, "ns");
  g_autoptr (GString) out = g_string_new (NULL);
  summary_append_metrics (out, run, STORE_SUBJECT_LINK, FALSE);
  summary_append_metrics (out, run, STORE_SUBJECT_FLOW, FALSE);
  summary_append_lost_time (out, run, FALSE);
  g_assert_cmpstr (out->str, ==,
                   "\nLinks\n"
                   "  metric  l1  l2  l3  l4  l5  l6\n"
                   "  ends     1   2   3   4   5   6\n"
                   "\nLinks\n"
                   "  metric  l7  l8  l9  l10  l11  l12\n"
                   "  ends     7   8   9   10   11   12\n"
                   "\nLinks\n"
                   "  metric  l13  l14\n"
                   "  ends     13   14\n"
                   "\nWhere the lost time went\n"
                   "  flow  cause  lost  share\n"
                   "  g     idle   0 ns      -\n");
}

static void
test_total (void)
{
  static const int classes[] = { 0, 0, 1, 77, 3 };
  g_autoptr (GArray) array = g_array_new (FALSE, FALSE, sizeof (int));
  g_autofree char *none = summary_format_total (array, FALSE);
  g_assert_cmpstr (none, ==, "0 runs: 0 ok\n");
  g_array_append_vals (array, classes, 1);
  g_autofree char *one = summary_format_total (array, TRUE);
  g_assert_cmpstr (one, ==, "1 run: \033[32m1 ok\033[0m\n");
  g_array_append_vals (array, classes + 1, 4);
  g_autofree char *all = summary_format_total (array, FALSE);
  g_assert_cmpstr (all, ==, "5 runs: 2 ok, 1 FAILED, 1 UNSAFE, 1 skipped\n");
}

static void
test_colour_only_on_terminals (void)
{
  int fds[2];
  g_assert_true (g_unix_open_pipe (fds, 0, NULL));
  g_assert_false (summary_wants_colour (fds[1]));
  close (fds[0]);
  close (fds[1]);
  int terminal = posix_openpt (O_RDWR | O_NOCTTY);
  if (terminal < 0) {
    g_test_skip ("no pseudo-terminal here");
    return;
  }
  g_unsetenv ("NO_COLOR");
  g_setenv ("TERM", "xterm", TRUE);
  g_assert_true (summary_wants_colour (terminal));
  g_setenv ("NO_COLOR", "1", TRUE);
  g_assert_false (summary_wants_colour (terminal));
  g_unsetenv ("NO_COLOR");
  g_setenv ("TERM", "dumb", TRUE);
  g_assert_false (summary_wants_colour (terminal));
  close (terminal);
}

static void
assert_contains (const char *text, const char *part)
{
  if (!strstr (text, part))
    g_error ("no \"%s\" in:\n%s", part, text);
}

static void
test_show_run (void)
{
  g_autoptr (StoreRun) run = finished_run ();
  g_autofree char *text = show_format_run (run, SHOW_DEFAULT);
  assert_contains (text, "  started   2026-01-31 12:00:00 UTC on here\n");
  assert_contains (text, "  digest    c0ffee after 3 210 trace events\n");
  assert_contains (text, "  wifi  pipe     50.0 Mbit/s, 10.0 ms");
  assert_contains (text, "  lte   pipe       unlimited, 40.0 ms");
  assert_contains (text, "none, gilbert(0.5%, 30%)  64KiB, 100ms       2     1  5.00 GB\n");
  assert_contains (text, "  ping    server  request  5.00 kB    4.00 kB  NO\n");
  assert_contains (text, "  resent-bytes  1.23 MB\n");
  assert_contains (text, "  links-ended      2\n");
  assert_contains (text, "  0.000000  client   wifi  link-state              connected\n");
  assert_contains (text, "  4.000000  harness  wifi  fault-start             blackhole wifi\n");
  assert_contains (text, "  4.090000  server   lte   link-state   suspected  ?[31mred\n");
  assert_contains (text, "  9.000000  harness        fault-end\n");
  g_assert_null (strchr (text, '\033'));
  g_assert_null (strstr (text, "[scenario]"));
  g_assert_null (strstr (text, "ping-timeout"));

  g_autofree char *all = show_format_run (run, SHOW_ALL | SHOW_COLOUR);
  assert_contains (all, "\nScenario\n[scenario]\nformat = 1\n");
  assert_contains (all, "ping-timeout  20000000000  ns\n");
  assert_contains (all, "\033[1;31mNO\033[0m");
}

static void
test_show_unfinished (void)
{
  g_autoptr (StoreRun) run = store_run_new ();
  run->id = 3;
  run->scenario_name = run->scenario_text = run->scenario_hash = "s";
  run->policy = run->testbed = run->git_id = run->host = "x";
  g_autofree char *text = show_format_run (run, SHOW_ALL);
  assert_contains (text, "UNFINISHED s  seed 0  x  run 3\n");
  g_assert_null (strstr (text, "digest"));
  g_assert_null (strstr (text, "Expectations"));
  g_assert_true (g_str_has_suffix (text, "\nScenario\ns\n"));
}

/* The links of a live run have long names: numbers stand for them, and no line is too long. */
static void
test_show_live (void)
{
  static const char *const columns[] = { "up", "down", "client" };
  g_autoptr (StoreRun) run = finished_run ();
  g_array_set_size (run->expectations, 0);
  g_array_set_size (run->links, 0);
  g_array_set_size (run->metrics, 0);
  g_array_set_size (run->events, 0);
  run->testbed = "live";
  run->variant = "127.0.0.1:40312 -> port 22";
  for (int i = 1; i <= 11; i++) {
    g_autofree char *name =
        i == 1 ? g_strdup ("wlan0 192.0.2.1")
               : g_strdup_printf ("wwan%d 2001:db8:1234:5678:9abc:def0:1234:567 (enp3s0)", i);
    StoreLink link = { .name = store_run_string (run, name), .carrier = "tcp" };
    StoreEvent event = { .t_ns = i,
                         .link = i - 1,
                         .kind = "link-state",
                         .reason = "unexpected-end-of-handshake",
                         .text = "more rows than could be recorded" };
    g_array_append_val (run->links, link);
    g_array_append_val (run->events, event);
  }
  for (int i = 0; i < 33; i++) {
    const char *link = g_array_index (run->links, StoreLink, i / 3).name;
    g_autofree char *subject = g_strdup_printf ("%s.%s", link, columns[i % 3]);
    store_run_add_metric (run, STORE_SUBJECT_LINK, subject, "state-time-working", 1e15, "ns");
  }
  g_autofree char *text = show_format_run (run, SHOW_DEFAULT);
  assert_contains (text, "  label     127.0.0.1:40312 -> port 22\n");
  assert_contains (text, "  #1   wlan0 192.0.2.1");
  assert_contains (text, "#1.up");
  assert_contains (text, "#11.client");
  assert_contains (text, "#11   link-state");
  g_assert_null (strstr (text, "seed"));
  g_assert_null (strstr (text, "digest"));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line; line++)
    g_assert_cmpint (g_utf8_strlen (*line, -1), <=, 80);
}

static void
test_show_many_events (void)
{
  g_autoptr (StoreRun) run = finished_run ();
  fixture_add_events (run, 116);
  g_autofree char *just = show_format_run (run, SHOW_DEFAULT);
  g_assert_null (strstr (just, "more events"));
  fixture_add_events (run, 10);
  g_autofree char *text = show_format_run (run, SHOW_DEFAULT);
  assert_contains (text, "10 more events\n");
  g_autofree char *all = show_format_run (run, SHOW_ALL);
  g_assert_null (strstr (all, "more events"));
}

static void
free_entry (gpointer entry)
{
  query_list_entry_free (entry);
}

static void
add_entry (GPtrArray *entries, int exit_class, gboolean finished)
{
  QueryListEntry *entry = g_new0 (QueryListEntry, 1);
  entry->run = finished_run ();
  entry->run->finished = finished;
  entry->run->exit_class = exit_class;
  entry->run->outcome = finished ? "survives" : NULL;
  entry->campaign = g_strdup ("nightly");
  entry->n_held = finished ? 2 : 0;
  entry->n_not_held = (guint)exit_class;
  g_ptr_array_add (entries, entry);
}

static void
test_show_list (void)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func (free_entry);
  g_autofree char *none = show_format_list (entries, 80, SHOW_DEFAULT);
  g_assert_cmpstr (none, ==, "no runs\n");
  add_entry (entries, 0, TRUE);
  add_entry (entries, 1, TRUE);
  add_entry (entries, 0, FALSE);
  g_autofree char *text = show_format_list (entries, 80, SHOW_ALL);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 5);
  g_assert_cmpstr (lines[2], ==,
                   " 12  2026-01-31 12:00:00  nightly   silent-fast-link     7  adaptive  sim      "
                   "FAILED      survives   2/3     8.40 s");
  assert_contains (lines[3], "UNFINISHED  -          0/0          -");
}

static void
assert_line (const char *text, guint number, const char *line)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), >, number);
  g_assert_cmpstr (lines[number], ==, line);
}

/* What can be missed is left out, and in the end the last column is cut. */
static void
test_show_list_fits (void)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func (free_entry);
  add_entry (entries, 0, TRUE);
  g_autofree char *wide = show_format_list (entries, 115, SHOW_DEFAULT);
  assert_line (wide, 1,
               " 12  2026-01-31 12:00:00  nightly   silent-fast-link     7  adaptive  sim      "
               "ok       survives   2/2     8.40 s");
  g_autofree char *usual = show_format_list (entries, 80, SHOW_DEFAULT);
  assert_line (usual, 0,
               "run  started (UTC)        scenario          seed  policy    verdict  outcome");
  assert_line (usual, 1,
               " 12  2026-01-31 12:00:00  silent-fast-link     7  adaptive  ok       survives");

  add_entry (entries, 0, TRUE);
  QueryListEntry *last = g_ptr_array_index (entries, 1);
  last->run->variant = "link lte.delay=20ms, link wifi.rate=50mbit";
  g_autofree char *narrow = show_format_list (entries, 60, SHOW_DEFAULT);
  assert_line (narrow, 0, "run  scenario          seed  verdict  outcome   variant");
  assert_line (narrow, 1, " 12  silent-fast-link     7  ok       survives");
  assert_line (narrow, 2, " 12  silent-fast-link     7  ok       survives  link lte.de…");
  g_autofree char *tiny = show_format_list (entries, 1, SHOW_DEFAULT);
  assert_line (tiny, 2, " 12  silent-fast-link     7  ok       survives  l…");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reports/summary/line", test_line);
  g_test_add_func ("/reports/summary/run", test_summary);
  g_test_add_func ("/reports/summary/many-subjects", test_many_subjects);
  g_test_add_func ("/reports/summary/total", test_total);
  g_test_add_func ("/reports/summary/colour-only-on-terminals", test_colour_only_on_terminals);
  g_test_add_func ("/reports/show/run", test_show_run);
  g_test_add_func ("/reports/show/unfinished", test_show_unfinished);
  g_test_add_func ("/reports/show/live", test_show_live);
  g_test_add_func ("/reports/show/many-events", test_show_many_events);
  g_test_add_func ("/reports/show/list", test_show_list);
  g_test_add_func ("/reports/show/list-fits", test_show_list_fits);
  return g_test_run ();
}
