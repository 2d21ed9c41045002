/* SPDX-License-Identifier: Apache-2.0 */
/* verb-show.c - caiman show: lists the runs of a database, or shows one. */
#include "harness/trace-stream.h"
#include "reports/json.h"
#include "reports/query.h"
#include "reports/show.h"
#include "reports/summary.h"
#include "tools/tool.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LIMIT_DEFAULT 50

/* Of a line, where standard output is not a terminal that says its own. */
#define WIDTH_DEFAULT 80

typedef struct {
  QueryFilter filter;
  int limit;
  gboolean all, json, events;
} ShowVerb;

static guint
get_width (void)
{
  struct winsize size;
  return ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                          : WIDTH_DEFAULT;
}

/* Takes the oldest of @entries out that are beyond @limit (0: none); whether there were any. */
static gboolean
cut_list (GPtrArray *entries, guint limit)
{
  if (limit == 0 || entries->len <= limit)
    return FALSE;
  g_ptr_array_remove_range (entries, 0, entries->len - limit);
  return TRUE;
}

static int
show_list (const ShowVerb *verb, Store *store, ShowFlags flags)
{
  g_autoptr (GError) error = NULL;
  if (verb->limit < 0) {
    tool_error ("--limit takes a number of runs, 0 for all");
    return EXIT_STATUS_USAGE;
  }
  guint limit = verb->all ? 0 : (guint)verb->limit;
  g_autoptr (GPtrArray) entries =
      query_list_runs (store, &verb->filter, limit > 0 ? limit + 1 : 0, &error);
  if (entries == NULL)
    return tool_fail (error);
  gboolean is_cut = cut_list (entries, limit);
  if (verb->json) {
    for (guint i = 0; i < entries->len; i++) {
      const QueryListEntry *entry = g_ptr_array_index (entries, i);
      g_autofree char *line = report_json_format (entry->run);
      tool_print (line);
    }
    return RUN_EXIT_HELD;
  }
  g_autofree char *text = show_format_list (entries, get_width (), flags);
  tool_print (text);
  /* Who gives a limit knows of it. */
  if (is_cut && verb->limit == LIMIT_DEFAULT)
    tool_print ("(older runs are left out; --all lists them, too)\n");
  return RUN_EXIT_HELD;
}

static int
show_events (const StoreRun *run)
{
  g_autoptr (TraceStream) stream = trace_stream_new (run);
  for (char *line; (line = trace_stream_next_line (stream)) != NULL; g_free (line))
    puts (line);
  tool_print (""); /* finds out whether all of it could be written */
  if (trace_stream_is_damaged (stream)) {
    tool_error ("the recorded events of run %" G_GINT64_FORMAT " are damaged behind these",
                run->id);
    return RUN_EXIT_INTERNAL;
  }
  gint64 n_missing = run->n_events - store_run_get_kept_events (run);
  if (n_missing > 0)
    tool_error ("run %" G_GINT64_FORMAT " had %" G_GINT64_FORMAT
                " events more, which are not recorded (run --keep-events N)",
                run->id, n_missing);
  return RUN_EXIT_HELD;
}

static int
show_run (const ShowVerb *verb, Store *store, const char *id_text, ShowFlags flags)
{
  g_autoptr (GError) error = NULL;
  gint64 id;
  if (!tool_parse_run_id (id_text, &id))
    return EXIT_STATUS_USAGE;
  g_autoptr (StoreRun) run = query_load_run (store, id, QUERY_TABLES | QUERY_TRACE, &error);
  if (run == NULL)
    return tool_fail (error);
  if (verb->events)
    return show_events (run);
  g_autofree char *text = verb->json ? report_json_format (run) : show_format_run (run, flags);
  tool_print (text);
  return RUN_EXIT_HELD;
}

int
verb_show (int argc, char **argv)
{
  int status;
  ShowVerb verb = { .limit = LIMIT_DEFAULT };
  g_autofree char *campaign = NULL, *scenario = NULL, *policy = NULL, *outcome = NULL;
  g_autoptr (GError) error = NULL;
  const GOptionEntry entries[] = {
    { "campaign", 0, 0, G_OPTION_ARG_STRING, &campaign, "List runs of this campaign", "NAME" },
    { "scenario", 0, 0, G_OPTION_ARG_STRING, &scenario, "List runs of this scenario", "NAME" },
    { "policy", 0, 0, G_OPTION_ARG_STRING, &policy, "List runs with this policy", "NAME" },
    { "outcome", 0, 0, G_OPTION_ARG_STRING, &outcome,
      "List runs with this outcome or verdict, such as refused or failed", "NAME" },
    { "failed", 0, 0, G_OPTION_ARG_NONE, &verb.filter.only_failed, "List runs that did not hold",
      NULL },
    { "limit", 0, 0, G_OPTION_ARG_INT, &verb.limit, "List the newest N (default 50, 0: all)", "N" },
    { "all", 'a', 0, G_OPTION_ARG_NONE, &verb.all,
      "List all runs with all columns; of one run show every event, parameters and the scenario",
      NULL },
    { "events", 0, 0, G_OPTION_ARG_NONE, &verb.events,
      "Print the recorded trace events of a run, a line each", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &verb.json, "Print an object per run", NULL },
    G_OPTION_ENTRY_NULL,
  };
  if (!tool_parse (
          &argc, &argv, entries, "DB [RUN]",
          "Lists the runs of a database, or shows one: its expectations, metrics, where\n"
          "the lost time went, and the timeline of its events. The list leaves out columns\n"
          "for which there is no room.",
          "Exit status: 0, 2 no such database or run, 70 database error.", 1, 2, &status))
    return status;
  verb.filter.campaign = campaign;
  verb.filter.scenario = scenario;
  verb.filter.policy = policy;
  verb.filter.outcome = outcome;
  ShowFlags flags = (summary_wants_colour (STDOUT_FILENO) ? SHOW_COLOUR : SHOW_DEFAULT) |
                    (verb.all ? SHOW_ALL : SHOW_DEFAULT);
  if (verb.events && argc != 3) {
    tool_error ("--events is for one run: caiman show --events DB RUN");
    return EXIT_STATUS_USAGE;
  }
  g_autoptr (Store) store = store_open (argv[1], STORE_OPEN_READ_ONLY, &error);
  if (store == NULL)
    return tool_fail (error);
  return argc == 3 ? show_run (&verb, store, argv[2], flags) : show_list (&verb, store, flags);
}
