/* SPDX-License-Identifier: Apache-2.0 */
/* verb-replay.c - caiman replay: runs a recorded run again and finds the first difference.
 *
 * What a record keeps of a run's events is a digest every 1 000 of them, and the changes of state.
 * So a difference is told as the interval in which it lies, as the first change of state that
 * differs, and as this run's events of the interval; with a trace of the recorded run, as the first
 * line that differs. */
#include "harness/recorder.h"
#include "harness/run.h"
#include "reports/format.h"
#include "reports/query.h"
#include "tools/tool.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of an interval's events without -v. */
#define LINES_SHOWN 40

/* Context in front of a line that differs. */
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
  return g_strdup_printf (
      "%" G_GINT64_FORMAT " ns %s %s %s %s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %s",
      event->t_ns, store_side_to_string (event->side), link, event->kind,
      event->reason ? event->reason : "", event->a, event->b, event->text ? event->text : "");
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

/* ---- traces ---- */

/* Prints lines @first + 1 to @last of the trace at @path. */
static void
print_lines (const char *path, gint64 first, gint64 last)
{
  char line[LINE_MAX_BYTES];
  FILE *file = fopen (path, "re");
  gint64 shown_last = tool_get_verbosity () > 0 ? last : MIN (last, first + LINES_SHOWN);
  if (file == NULL)
    return;
  for (gint64 i = 1; i <= shown_last && fgets (line, sizeof line, file) != NULL; i++) {
    if (i <= first)
      continue;
    g_autofree char *text = g_strconcat ("  ", line, NULL);
    tool_print (text);
  }
  fclose (file);
  if (shown_last < last) {
    g_autofree char *rest =
        g_strdup_printf ("  ... %" G_GINT64_FORMAT " more: -v shows them, --trace FILE keeps all\n",
                         last - shown_last);
    tool_print (rest);
  }
}

/* The next line without its end, or NULL. */
static char *
read_line (FILE *file)
{
  char line[LINE_MAX_BYTES];
  return fgets (line, sizeof line, file) != NULL ? g_strchomp (g_strdup (line)) : NULL;
}

static void
print_difference (gint64 number, GQueue *before, const char *recorded, const char *now)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_string_append_printf (text, "first event that differs: number %" G_GINT64_FORMAT "\n", number);
  for (GList *l = before->head; l != NULL; l = l->next)
    g_string_append_printf (text, "  both:     %s\n", (const char *)l->data);
  g_string_append_printf (text, "  recorded: %s\n  now:      %s\n",
                          recorded ? recorded : "(the end)", now ? now : "(the end)");
  tool_print (text->str);
}

/* Goes through both traces up to the first line that differs. */
static void
compare_lines (FILE *recorded, FILE *now)
{
  GQueue before = G_QUEUE_INIT;
  for (gint64 number = 1;; number++) {
    g_autofree char *a = read_line (recorded), *b = read_line (now);
    if (a == NULL && b == NULL) {
      tool_print ("both traces are the same\n");
      break;
    }
    if (g_strcmp0 (a, b) != 0) {
      print_difference (number, &before, a, b);
      break;
    }
    g_queue_push_tail (&before, g_steal_pointer (&a));
    if (before.length > LINES_BEFORE)
      g_free (g_queue_pop_head (&before));
  }
  g_queue_clear_full (&before, g_free);
}

static gboolean
compare_traces (const char *recorded_path, const char *now_path)
{
  FILE *recorded = fopen (recorded_path, "re"), *now = NULL;
  if (recorded == NULL)
    tool_error ("%s: %s", recorded_path, g_strerror (errno));
  else if ((now = fopen (now_path, "re")) == NULL)
    tool_error ("%s: %s", now_path, g_strerror (errno));
  else
    compare_lines (recorded, now);
  if (recorded != NULL)
    fclose (recorded);
  if (now != NULL)
    fclose (now);
  return now != NULL;
}

/* ---- the verb ---- */

typedef struct {
  char *trace, *against;
  char *temporary; /* (nullable) a trace that is removed at the end */
} ReplayVerb;

static StoreRun *
load_run (const char *path, gint64 id, GError **error)
{
  g_autoptr (Store) store = store_open (path, STORE_OPEN_READ_ONLY, error);
  return store != NULL ? query_load_run (store, id, QUERY_TABLES, error) : NULL;
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

/* Where this run's trace goes: the file that was asked for, or a temporary one. */
static const char *
get_trace_path (ReplayVerb *verb, GError **error)
{
  if (verb->trace != NULL)
    return verb->trace;
  int fd = g_file_open_tmp ("caiman-replay-XXXXXX", &verb->temporary, error);
  if (fd >= 0)
    close (fd);
  return verb->temporary;
}

static void
print_mismatch (const ReplayVerb *verb, const StoreRun *recorded, const StoreRun *now,
                const char *trace_path)
{
  gint64 first, last;
  find_interval (recorded, now, &first, &last);
  g_autofree char *text = g_strdup_printf (
      "run %" G_GINT64_FORMAT ": DIFFERENT, between events %" G_GINT64_FORMAT
      " and %" G_GINT64_FORMAT "\n  recorded: %s, %" G_GINT64_FORMAT " events, caiman %s\n"
      "  now:      %s, %" G_GINT64_FORMAT " events, caiman %s\n",
      recorded->id, first + 1, last, recorded->digest, recorded->n_events, recorded->git_id,
      now->digest ? now->digest : "-", now->n_events, tool_get_git_id ());
  tool_print (text);
  print_first_event (recorded, now);
  if (verb->against != NULL && compare_traces (verb->against, trace_path))
    return;
  g_autofree char *heading = g_strdup_printf (
      "this run's events %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ":\n", first + 1, last);
  tool_print (heading);
  print_lines (trace_path, first, last);
}

static int
replay (ReplayVerb *verb, const StoreRun *recorded)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Scenario) scenario = parse_recorded (recorded);
  if (scenario == NULL)
    return EXIT_STATUS_USAGE;
  const char *trace_path = get_trace_path (verb, &error);
  if (trace_path == NULL) {
    tool_error ("%s", error->message);
    return RUN_EXIT_INTERNAL;
  }
  RunOptions options = { .testbed = recorded->testbed,
                         .trace_path = trace_path,
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
    print_mismatch (verb, recorded, now, trace_path);
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
                  "the digests over all events. Where they differ, the first difference is shown.",
                  "Exit status: 0 the same, 1 different, 2 usage, 70 internal or database error.",
                  2, 2, &status))
    status = replay_id (&verb, argv[1], argv[2]);
  if (verb.temporary != NULL)
    g_unlink (verb.temporary);
  g_free (verb.temporary);
  g_free (verb.trace);
  g_free (verb.against);
  return status;
}
