/* SPDX-License-Identifier: Apache-2.0 */
/* verb-replay.c - caiman replay: runs a recorded run again and finds the first difference.
 *
 * What a record has of a run's events is the first 20 million of them (run --keep-events), a
 * digest every 1 000, and the changes of state. So a difference is told as the first event that
 * differs, or where the record ends before it, as the interval in which it lies; and as the first
 * change of state that differs. A trace file of the recorded run knows all events. */
#include "harness/recorder.h"
#include "harness/run.h"
#include "harness/trace-stream.h"
#include "reports/format.h"
#include "reports/query.h"
#include "tools/tool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Of an interval's events without -v. */
#define LINES_SHOWN 40

/* Context in front of an event that differs. */
#define LINES_BEFORE 5

#define LINE_MAX_BYTES 1024

/* ---- events and checkpoints ---- */

static gboolean
is_same_event (const StoreEvent *a, const StoreEvent *b)
{
  return a->t_ns == b->t_ns && a->side == b->side && a->link == b->link && a->a == b->a &&
         a->b == b->b && g_strcmp0 (a->kind, b->kind) == 0 && g_strcmp0 (a->reason, b->reason) == 0;
}

static char *
format_event (const StoreRun *run, guint index)
{
  if (index >= run->events->len)
    return g_strdup ("(no further event)");
  const StoreEvent *event = &g_array_index (run->events, StoreEvent, index);
  const char *link = "-";
  if (event->link >= 0 && (guint)event->link < run->links->len)
    link = g_array_index (run->links, StoreLink, event->link).name;
  return g_strdup_printf ("%" G_GINT64_FORMAT ".%09" G_GINT64_FORMAT
                          " %s %s %s %s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %s",
                          event->t_ns / CAIMAN_NS_PER_S, event->t_ns % CAIMAN_NS_PER_S,
                          store_side_to_string (event->side), link, event->kind,
                          event->reason ? event->reason : "", event->a, event->b,
                          event->text ? event->text : "");
}

static void
print_first_event (const StoreRun *recorded, const StoreRun *now)
{
  guint n = MAX (recorded->events->len, now->events->len);
  for (guint i = 0; i < n; i++) {
    if (i < recorded->events->len && i < now->events->len &&
        is_same_event (&g_array_index (recorded->events, StoreEvent, i),
                       &g_array_index (now->events, StoreEvent, i)))
      continue;
    g_autofree char *a = format_event (recorded, i), *b = format_event (now, i);
    g_autofree char *text = g_strdup_printf (
        "first change of state that differs:\n  recorded: %s\n  now:      %s\n", a, b);
    tool_print (text);
    return;
  }
  tool_print ("all changes of state are the same\n");
}

/* The first checkpoint that differs: events after the one before it, up to its own. */
static void
find_interval (const StoreRun *recorded, const StoreRun *now, gint64 *first_out, gint64 *last_out)
{
  guint i = 0;
  *first_out = 0;
  for (; i < recorded->checkpoints->len && i < now->checkpoints->len; i++) {
    const StoreCheckpoint *a = &g_array_index (recorded->checkpoints, StoreCheckpoint, i);
    const StoreCheckpoint *b = &g_array_index (now->checkpoints, StoreCheckpoint, i);
    if (a->n_events != b->n_events || memcmp (a->digest, b->digest, STORE_DIGEST_BYTES) != 0)
      break;
    *first_out = a->n_events;
  }
  *last_out =
      MIN (*first_out + RECORDER_CHECKPOINT_EVENTS, MAX (recorded->n_events, now->n_events));
}

/* ---- trace events ---- */

/* Prints events @first + 1 to @last of @run. */
static void
print_events (const StoreRun *run, gint64 first, gint64 last)
{
  g_autoptr (TraceStream) stream = trace_stream_new (run);
  last = MIN (last, run->n_events);
  gint64 shown_last = tool_get_verbosity () > 0 ? last : MIN (last, first + LINES_SHOWN);
  g_autofree char *heading = g_strdup_printf (
      "this run's events %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ":\n", first + 1, last);
  tool_print (heading);
  trace_stream_skip (stream, first);
  for (gint64 i = first; i < shown_last; i++) {
    g_autofree char *line = trace_stream_next_line (stream);
    if (line == NULL)
      return;
    g_autofree char *text = g_strdup_printf ("  %s\n", line);
    tool_print (text);
  }
  if (shown_last < last) {
    g_autofree char *rest =
        g_strdup_printf ("  ... %" G_GINT64_FORMAT " more: -v shows them, --trace FILE keeps all\n",
                         last - shown_last);
    tool_print (rest);
  }
}

/* @now agrees with the recorded run in @n_equal events; behind them that has @old (nullable). */
static void
print_difference (const StoreRun *now, gint64 n_equal, const char *old)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (TraceStream) stream = trace_stream_new (now);
  gint64 n_before = MIN (n_equal, LINES_BEFORE);
  g_string_append_printf (text, "first event that differs: number %" G_GINT64_FORMAT "\n",
                          n_equal + 1);
  trace_stream_skip (stream, n_equal - n_before);
  for (gint64 i = 0; i <= n_before; i++) {
    g_autofree char *line = trace_stream_next_line (stream);
    if (i == n_before)
      g_string_append_printf (text, "  recorded: %s\n", old ? old : "(the end)");
    g_string_append_printf (text, "  %-9s %s\n",
                            i < n_before ? "both:" : "now:", line ? line : "(the end)");
  }
  tool_print (text->str);
}

static void
print_recorded_difference (const StoreRun *recorded, const StoreRun *now, gint64 n_equal)
{
  g_autoptr (TraceStream) stream = trace_stream_new (recorded);
  trace_stream_skip (stream, n_equal);
  g_autofree char *old = trace_stream_next_line (stream);
  print_difference (now, n_equal, old);
}

/* What the database's events say, where they do not have the first difference. */
static void
print_no_difference (TraceVerdict verdict, const StoreRun *recorded, gint64 n_equal)
{
  g_autofree char *text = NULL;
  if (verdict == TRACE_DAMAGED)
    text = g_strdup_printf ("the recorded events are damaged from event %" G_GINT64_FORMAT
                            " on; those before it are the same\n",
                            n_equal + 1);
  else if (verdict == TRACE_SAME)
    text =
        g_strdup ("all recorded events are the same as now: the recorded digest is not theirs\n");
  else if (n_equal == 0)
    text = g_strdup ("the database has no events of this run to compare with"
                     " (run --keep-events N records them)\n");
  else
    text = g_strdup_printf ("the first %" G_GINT64_FORMAT
                            " events are the same; of the other %" G_GINT64_FORMAT
                            " the database has none (run --keep-events N)\n",
                            n_equal, recorded->n_events - n_equal);
  tool_print (text);
}

/* ---- a trace file ---- */

/* The next line without its end, or NULL. */
static char *
read_line (FILE *file)
{
  char line[LINE_MAX_BYTES];
  return fgets (line, sizeof line, file) != NULL ? g_strchomp (g_strdup (line)) : NULL;
}

/* Goes through both up to the first line that differs. */
static void
compare_lines (FILE *recorded, const StoreRun *now)
{
  g_autoptr (TraceStream) stream = trace_stream_new (now);
  for (gint64 n_equal = 0;; n_equal++) {
    g_autofree char *old = read_line (recorded), *new = trace_stream_next_line (stream);
    if (g_strcmp0 (old, new) != 0) {
      print_difference (now, n_equal, old);
      return;
    }
    if (old == NULL)
      break;
  }
  tool_print ("both traces are the same\n");
}

static gboolean
compare_with_file (const char *path, const StoreRun *now)
{
  FILE *file = fopen (path, "re");
  if (file == NULL) {
    tool_error ("%s: %s", path, g_strerror (errno));
    return FALSE;
  }
  compare_lines (file, now);
  fclose (file);
  return TRUE;
}

/* ---- the verb ---- */

typedef struct {
  char *trace, *against;
} ReplayVerb;

static StoreRun *
load_run (const char *path, gint64 id, GError **error)
{
  g_autoptr (Store) store = store_open (path, STORE_OPEN_READ_ONLY, error);
  return store != NULL ? query_load_run (store, id, QUERY_TABLES | QUERY_TRACE, error) : NULL;
}

static Scenario *
parse_recorded (const StoreRun *run)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  Scenario *scenario = scenario_parse (run->scenario_name, run->scenario_text,
                                       strlen (run->scenario_text), NULL, errors);
  for (guint i = 0; i < errors->len; i++)
    g_printerr ("%s\n", (const char *)g_ptr_array_index (errors, i));
  if (scenario == NULL)
    tool_error ("this version cannot read the recorded scenario");
  return scenario;
}

static void
print_heads (const StoreRun *recorded, const StoreRun *now, const char *where)
{
  g_autofree char *text =
      g_strdup_printf ("run %" G_GINT64_FORMAT ": DIFFERENT %s\n"
                       "  recorded: %s, %" G_GINT64_FORMAT " events, caiman %s\n"
                       "  now:      %s, %" G_GINT64_FORMAT " events, caiman %s\n",
                       recorded->id, where, recorded->digest, recorded->n_events, recorded->git_id,
                       now->digest ? now->digest : "-", now->n_events, tool_get_git_id ());
  tool_print (text);
}

static void
print_mismatch (const ReplayVerb *verb, const StoreRun *recorded, const StoreRun *now)
{
  gint64 first, last, n_equal;
  TraceVerdict verdict = trace_compare (recorded, now, &n_equal);
  find_interval (recorded, now, &first, &last);
  if (n_equal < last) /* the events know more than the checkpoints */
    first = MAX (first, n_equal);
  g_autofree char *where =
      verdict == TRACE_DIFFERENT
          ? g_strdup_printf ("from event %" G_GINT64_FORMAT " on", n_equal + 1)
          : g_strdup_printf ("between events %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT, first + 1,
                             last);
  print_heads (recorded, now, where);
  if (verdict == TRACE_DIFFERENT)
    print_recorded_difference (recorded, now, n_equal);
  else
    print_no_difference (verdict, recorded, n_equal);
  print_first_event (recorded, now);
  gboolean is_told = verb->against != NULL && compare_with_file (verb->against, now);
  if ((verdict != TRACE_DIFFERENT && !is_told) || tool_get_verbosity () > 0)
    print_events (now, first, last);
}

static int
replay (ReplayVerb *verb, const StoreRun *recorded)
{
  g_autoptr (Scenario) scenario = parse_recorded (recorded);
  if (scenario == NULL)
    return EXIT_STATUS_USAGE;
  RunOptions options = { .testbed = recorded->testbed,
                         .trace_path = verb->trace,
                         .kept_events = G_MAXUINT64,
                         .git_id = tool_get_git_id (),
                         .variant = recorded->variant };
  guint64 seed = (guint64)recorded->seed;
  g_autoptr (StoreRun) now = run_prepare (scenario, seed, &options);
  g_autoptr (RunResult) result = run_scenario (scenario, seed, &options, now);
  if (result->exit_class == RUN_EXIT_INTERNAL || result->exit_class == RUN_EXIT_SKIPPED) {
    for (guint i = 0; i < result->problems->len; i++)
      tool_error ("%s", (const char *)g_ptr_array_index (result->problems, i));
    return (int)result->exit_class;
  }
  if (g_strcmp0 (recorded->digest, now->digest) != 0) {
    print_mismatch (verb, recorded, now);
    return RUN_EXIT_EXPECTATION;
  }
  g_autofree char *simulated = format_time ((double)now->simulated_ns);
  g_autofree char *text = g_strdup_printf (
      "run %" G_GINT64_FORMAT ": the same, %" G_GINT64_FORMAT " events in %s, digest %s\n",
      recorded->id, now->n_events, simulated, now->digest ? now->digest : "-");
  if (!tool_is_quiet ())
    tool_print (text);
  return RUN_EXIT_HELD;
}

static int
replay_id (ReplayVerb *verb, const char *path, const char *id_text)
{
  g_autoptr (GError) error = NULL;
  gint64 id;
  if (!tool_parse_run_id (id_text, &id))
    return EXIT_STATUS_USAGE;
  g_autoptr (StoreRun) recorded = load_run (path, id, &error);
  if (recorded == NULL)
    return tool_fail (error);
  if (g_strcmp0 (recorded->testbed, "sim") != 0) {
    tool_error ("run %" G_GINT64_FORMAT
                " was on the testbed %s, in real time: no run of it is like "
                "another (caiman show --events prints its events)",
                id, recorded->testbed);
    return EXIT_STATUS_USAGE;
  }
  if (!recorded->finished || recorded->digest == NULL) {
    tool_error ("run %" G_GINT64_FORMAT " has no digest to compare with: it %s", id,
                recorded->finished ? "was skipped" : "did not finish");
    return EXIT_STATUS_USAGE;
  }
  return replay (verb, recorded);
}

int
verb_replay (int argc, char **argv)
{
  int status;
  ReplayVerb verb = { 0 };
  const GOptionEntry entries[] = {
    { "trace", 0, 0, G_OPTION_ARG_FILENAME, &verb.trace, "Keep every event, a line each", "FILE" },
    { "against", 0, 0, G_OPTION_ARG_FILENAME, &verb.against,
      "Compare with this trace of the recorded run", "FILE" },
    G_OPTION_ENTRY_NULL,
  };
  if (tool_parse (&argc, &argv, entries, "DB RUN",
                  "Runs a recorded run again, from the recorded scenario and seed, and compares\n"
                  "the digests over all events. Where they differ, the first event that differs\n"
                  "is shown, as it was and as it is now. The database knows the first events of\n"
                  "a run (see --keep-events of 'caiman run'); a trace file knows all.",
                  "Exit status: 0 the same, 1 different, 2 usage, 70 internal or database error.",
                  2, 2, &status))
    status = replay_id (&verb, argv[1], argv[2]);
  g_free (verb.trace);
  g_free (verb.against);
  return status;
}
