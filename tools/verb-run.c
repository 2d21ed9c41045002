/* SPDX-License-Identifier: Apache-2.0 */
/* verb-run.c - caiman run: runs scenarios in worker processes, records and tells what came out.
 *
 * Each worker opens the database for itself and writes its own runs; this process only tells. */
#include "harness/run.h"
#include "harness/workers.h"
#include "reports/format.h"
#include "reports/junit.h"
#include "reports/summary.h"
#include "reports/tap.h"
#include "tools/run-report.h"
#include "tools/scenarios.h"
#include "tools/tool.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DB_DEFAULT "caiman.db"

/* As much free memory as a worker keeps for its next run, instead of giving it back after each. */
#define KEPT_MEMORY_BYTES (64 * 1024 * 1024)

/* As many runs as are told at length; of more there is a line each. */
#define DETAILED_RUNS_MAX 1

typedef struct {
  /* Options. */
  int jobs;
  char *seed, *policy, *db, *campaign, *junit, *tap, *trace, *testbed;
  char **sets;
  gboolean no_db, json;
  gint64 kept_events;

  RunPlan *plan;
  guint64 n_runs;
  gint64 campaign_id;
  JunitReport *report; /* (nullable) */
  GString *tap_text;   /* of --tap, where that is a file */
  gboolean colour;     /* of standard output */

  /* In a worker. */
  Store *store;

  /* In this process. */
  int status;
  GArray *exit_classes; /* of int */
  gint64 started_us;
  gboolean has_progress; /* a progress line is on the terminal */
} RunVerb;

/* ---- in a worker ---- */

static gboolean
record_begin (RunVerb *verb, StoreRun *run, GError **error)
{
  if (verb->no_db)
    return TRUE;
  if (verb->store == NULL)
    verb->store = store_open (verb->db, STORE_OPEN_WRITE, error);
  return verb->store != NULL && store_run_begin (verb->store, run, error);
}

static gboolean
record_end (RunVerb *verb, StoreRun *run, GError **error)
{
  if (verb->no_db) {
    run->finished = TRUE;
    return TRUE;
  }
  return store_run_finish (verb->store, run, error);
}

/* @run could not be recorded. */
static GBytes *
pack_store_error (StoreRun *run, const GError *error, gboolean colour)
{
  g_autoptr (GPtrArray) problems = g_ptr_array_new ();
  g_ptr_array_add (problems, error->message);
  run->finished = TRUE;
  run->id = 0; /* there is nothing to show or replay under its number */
  run->exit_class = RUN_EXIT_INTERNAL;
  run->outcome = "not-recorded";
  return run_report_pack (run, problems, colour);
}

static GBytes *
do_run (guint64 number, gpointer user_data)
{
  RunVerb *verb = user_data;
  g_autoptr (GError) error = NULL;
  guint64 seed;
  const char *variant;
  const Scenario *scenario = run_plan_get (verb->plan, number, &seed, &variant);
  if (scenario == NULL)
    return g_bytes_new (NULL, 0); /* its errors were told */

  RunOptions options = { .testbed = verb->testbed,
                         .trace_path = verb->trace,
                         .kept_events = verb->no_db ? 0 : (guint64)verb->kept_events,
                         .git_id = tool_get_git_id (),
                         .variant = variant };
  g_autoptr (StoreRun) run = run_prepare (scenario, seed, &options);
  run->campaign_id = verb->campaign_id;
  if (!record_begin (verb, run, &error))
    return pack_store_error (run, error, verb->colour);
  g_autoptr (RunResult) result = run_scenario (scenario, seed, &options, run);
  if (!record_end (verb, run, &error))
    return pack_store_error (run, error, verb->colour);
  return run_report_pack (run, result->problems, verb->colour);
}

/* ---- in this process ---- */

static void
clear_progress (RunVerb *verb)
{
  if (verb->has_progress)
    fputs ("\r\033[K", stderr);
  verb->has_progress = FALSE;
}

static void
show_progress (guint64 n_done, gpointer user_data)
{
  RunVerb *verb = user_data;
  gint64 spent_us = g_get_monotonic_time () - verb->started_us;
  if (tool_is_quiet () || !isatty (STDERR_FILENO) || spent_us < G_USEC_PER_SEC)
    return;
  /* Before the first run is over nobody knows how long they take. */
  double time_ns = (double)spent_us * 1000;
  if (n_done > 0)
    time_ns *= (double)(verb->n_runs - n_done) / (double)n_done;
  g_autofree char *time = format_time (time_ns);
  fprintf (stderr, "\r\033[K%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " runs, %s %s", n_done,
           verb->n_runs, time, n_done > 0 ? "to go" : "so far");
  fflush (stderr);
  verb->has_progress = TRUE;
}

static gboolean
is_tap_on_stdout (const RunVerb *verb)
{
  return verb->tap != NULL && strcmp (verb->tap, "-") == 0;
}

/* Adds @text (taken) to the TAP report: at once where that goes to standard output. */
static void
put_tap (RunVerb *verb, char *text)
{
  g_autofree char *owned = text;
  if (is_tap_on_stdout (verb))
    tool_print (owned);
  else
    g_string_append (verb->tap_text, owned);
}

static void
tell_run (const RunVerb *verb, const RunReport *report)
{
  gboolean failed = report->run->exit_class != RUN_EXIT_HELD;
  if (verb->json)
    tool_print (report->json);
  else if (!tool_is_quiet () && !is_tap_on_stdout (verb)) {
    gboolean at_length = verb->n_runs <= DETAILED_RUNS_MAX || tool_get_verbosity () > 0;
    g_autofree char *line =
        at_length ? g_strdup (report->details) : summary_format_line (report->run, verb->colour);
    tool_print (line);
  }
  if (!failed && tool_get_verbosity () == 0)
    return;
  if (tool_is_quiet () && !verb->json) {
    g_autofree char *line = summary_format_line (report->run, FALSE);
    g_printerr ("%s", line);
  }
  for (char **problem = report->problems; *problem != NULL; problem++)
    g_printerr ("%s seed %" G_GINT64_FORMAT ": %s\n", report->run->scenario_name, report->run->seed,
                *problem);
}

/* The report of run @number, whose worker died or sent nonsense. */
static RunReport *
make_crash_report (RunVerb *verb, guint64 number, int signal_number)
{
  guint64 seed;
  const char *variant;
  const Scenario *scenario = run_plan_get (verb->plan, number, &seed, &variant);
  RunOptions options = { .testbed = verb->testbed,
                         .git_id = tool_get_git_id (),
                         .variant = variant };
  g_autofree char *problem =
      signal_number > 0 ? g_strdup_printf ("the process of this run was ended by signal %d (%s)",
                                           signal_number, g_strsignal (signal_number))
                        : g_strdup ("the process of this run ended in its midst");
  if (scenario == NULL)
    return NULL;
  StoreRun *run = run_prepare (scenario, seed, &options);
  run->exit_class = RUN_EXIT_INTERNAL;
  run->outcome = "crashed";
  run->finished = TRUE;
  return run_report_new_failed (run, problem);
}

static void
take_result (guint64 number, GBytes *result, int signal_number, gpointer user_data)
{
  RunVerb *verb = user_data;
  g_autoptr (RunReport) report = NULL;
  int exit_class = EXIT_STATUS_USAGE; /* a point of a sweep that is in error */
  clear_progress (verb);
  if (result == NULL)
    report = make_crash_report (verb, number, signal_number);
  else if (g_bytes_get_size (result) > 0)
    report = run_report_unpack (result);
  if (report != NULL) {
    exit_class = report->run->exit_class;
    tell_run (verb, report);
    if (verb->report != NULL)
      junit_report_add (verb->report, report->run, (const char *const *)report->problems);
    if (verb->tap != NULL)
      put_tap (verb, tap_format_run (verb->exit_classes->len + 1, report->run,
                                     (const char *const *)report->problems, verb->db));
  } else if (verb->tap != NULL) {
    put_tap (verb, g_strdup_printf ("not ok %u - a point of a sweep, which is in error\n",
                                    verb->exit_classes->len + 1));
  }
  verb->status = exit_status_worse (verb->status, exit_class);
  g_array_append_val (verb->exit_classes, exit_class);
}

/* ---- begin and end ---- */

/* Makes the database and the campaign in it. The store is not carried into the workers. */
static gboolean
begin_campaign (RunVerb *verb, GError **error)
{
  if (verb->no_db)
    return TRUE;
  g_autoptr (Store) store = store_open (verb->db, STORE_OPEN_CREATE, error);
  g_autofree char *command =
      g_strdup_printf ("caiman run (%" G_GUINT64_FORMAT " runs)", verb->n_runs);
  return store != NULL &&
         store_campaign_begin (store, verb->campaign, command, &verb->campaign_id, error);
}

static gboolean
end_campaign (RunVerb *verb, GError **error)
{
  if (verb->no_db)
    return TRUE;
  g_autoptr (Store) store = store_open (verb->db, STORE_OPEN_WRITE, error);
  return store != NULL && store_campaign_end (store, verb->campaign_id, error);
}

/* The last line of the TAP report, and where it goes. */
static gboolean
end_tap (RunVerb *verb, GError **error)
{
  gboolean is_whole = verb->exit_classes->len == verb->n_runs;
  if (verb->tap == NULL)
    return TRUE;
  put_tap (verb,
           tap_format_end (verb->exit_classes->len, is_whole ? NULL : "not all runs are done"));
  return is_tap_on_stdout (verb) || g_file_set_contents (verb->tap, verb->tap_text->str, -1, error);
}

static void
tell_total (RunVerb *verb)
{
  if (verb->json || is_tap_on_stdout (verb) || tool_is_quiet () || verb->n_runs <= 1)
    return;
  g_autofree char *total = summary_format_total (verb->exit_classes, verb->colour);
  tool_print (total);
}

/* Runs all and returns the exit status. */
static int
run_all (RunVerb *verb)
{
  static const WorkersFuncs funcs = { do_run, take_result, show_progress };
  g_autoptr (GError) error = NULL;
  volatile sig_atomic_t *stop = tool_catch_signals ();
  if (!begin_campaign (verb, &error))
    return tool_fail (error);
  mallopt (M_TRIM_THRESHOLD, KEPT_MEMORY_BYTES);
  if (verb->tap != NULL)
    put_tap (verb, g_strdup (TAP_HEAD));
  verb->status = RUN_EXIT_SKIPPED;
  verb->started_us = g_get_monotonic_time ();
  guint n_workers = (guint)MIN ((guint64)verb->jobs, verb->n_runs);
  gboolean ok = workers_run (n_workers, verb->n_runs, &funcs, verb, stop, &error);
  clear_progress (verb);
  tell_total (verb);
  if (error != NULL) {
    tool_error ("%s", error->message);
    verb->status = exit_status_worse (verb->status, RUN_EXIT_INTERNAL);
  } else if (!ok) {
    tool_error ("interrupted: %u of %" G_GUINT64_FORMAT " runs are done", verb->exit_classes->len,
                verb->n_runs);
    verb->status = EXIT_STATUS_INTERRUPTED;
  }
  g_clear_error (&error);
  if (!end_campaign (verb, &error) ||
      (verb->report != NULL && !junit_report_save (verb->report, verb->junit, &error)) ||
      !end_tap (verb, &error)) {
    tool_error ("%s", error->message);
    verb->status = exit_status_worse (verb->status, RUN_EXIT_INTERNAL);
  }
  return verb->status;
}

static gboolean
check_options (RunVerb *verb, RunPlanOptions *options)
{
  CaimanPolicy policy;
  if (verb->jobs < 1 || verb->jobs > WORKERS_MAX)
    tool_error ("-j takes a number from 1 to %d", WORKERS_MAX);
  else if (verb->db != NULL && verb->no_db)
    tool_error ("--db and --no-db exclude each other");
  else if (verb->json && is_tap_on_stdout (verb))
    tool_error ("only one of --json and --tap can be on standard output");
  else if (verb->kept_events < 0)
    tool_error ("--keep-events takes a number of events, 0 for none");
  else if (verb->policy != NULL && !caiman_policy_from_string (verb->policy, &policy))
    tool_error ("there is no policy '%s'; it can be adaptive, min-rtt, round-robin, redundant or "
                "reference",
                verb->policy);
  else if (verb->seed != NULL &&
           !tool_parse_seeds (verb->seed, &options->seed_first, &options->seed_last))
    tool_error ("--seed takes a number or a range such as 1..200, not '%s'", verb->seed);
  else
    return TRUE;
  return FALSE;
}

static int
run_paths (RunVerb *verb, char **paths)
{
  int status;
  RunPlanOptions options = { .paths = paths,
                             .sets = verb->sets,
                             .policy = verb->policy,
                             .testbed = verb->testbed,
                             .has_seeds = verb->seed != NULL };
  if (!check_options (verb, &options))
    return EXIT_STATUS_USAGE;
  if (!scenarios_check_testbed (verb->testbed, &status))
    return status;
  g_autoptr (RunPlan) plan = run_plan_new (&options);
  if (plan == NULL)
    return EXIT_STATUS_USAGE;
  verb->plan = plan;
  verb->n_runs = run_plan_count (plan);
  if (verb->trace != NULL && verb->n_runs > 1) {
    tool_error ("--trace is for a single run, and these are %" G_GUINT64_FORMAT, verb->n_runs);
    return EXIT_STATUS_USAGE;
  }
  return run_all (verb);
}

static void
run_verb_clear (RunVerb *verb)
{
  g_free (verb->seed);
  g_free (verb->policy);
  g_free (verb->db);
  g_free (verb->campaign);
  g_free (verb->junit);
  g_free (verb->tap);
  g_string_free (verb->tap_text, TRUE);
  g_free (verb->trace);
  g_free (verb->testbed);
  g_strfreev (verb->sets);
  junit_report_free (verb->report);
  g_array_unref (verb->exit_classes);
}

static const char summary[] =
    "Runs each scenario, once for each point of its sweep and each of its seeds, checks every\n"
    "byte and every expectation, and records it all in a database.";

static const char description[] =
    "Without --db and --no-db the runs are recorded in ./" DB_DEFAULT ".\n\n"
    "Exit status: 0 all held, 1 an expectation failed, 2 usage or scenario error, 3 safety,\n"
    "4 liveness, 70 internal or database error, 77 every run skipped, 130 interrupted.\n"
    "Of several runs the worst counts, in the order 3, 4, 70, 2, 1, 0.";

int
verb_run (int argc, char **argv)
{
  int status;
  RunVerb verb = { .jobs = 1,
                   .kept_events = RUN_KEPT_EVENTS_DEFAULT,
                   .tap_text = g_string_new (NULL),
                   .exit_classes = g_array_new (FALSE, FALSE, sizeof (int)) };
  const GOptionEntry entries[] = {
    { "jobs", 'j', 0, G_OPTION_ARG_INT, &verb.jobs, "So many runs at a time (default 1)", "N" },
    { "seed", 0, 0, G_OPTION_ARG_STRING, &verb.seed, "Replace the seeds of the files", "N[..M]" },
    { "policy", 0, 0, G_OPTION_ARG_STRING, &verb.policy, "Replace both sides' sender policy",
      "NAME" },
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &verb.sets,
      "Replace a value of the files; may be given again", "GROUP.KEY=VALUE" },
    { "testbed", 0, 0, G_OPTION_ARG_STRING, &verb.testbed, "Where to run (default sim)", "NAME" },
    { "db", 0, 0, G_OPTION_ARG_FILENAME, &verb.db, "Record there; made when missing", "FILE" },
    { "no-db", 0, 0, G_OPTION_ARG_NONE, &verb.no_db, "Record nothing", NULL },
    { "keep-events", 0, 0, G_OPTION_ARG_INT64, &verb.kept_events,
      "Record the first N events of a run, for replay (default 20000000, 0: none)", "N" },
    { "campaign", 0, 0, G_OPTION_ARG_STRING, &verb.campaign, "Name of this group of runs", "NAME" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &verb.json, "Print an object per run, and nothing else",
      NULL },
    { "junit", 0, 0, G_OPTION_ARG_FILENAME, &verb.junit, "Write a JUnit report", "FILE" },
    { "tap", 0, 0, G_OPTION_ARG_FILENAME, &verb.tap,
      "Write a TAP report; - is standard output, and nothing else there", "FILE" },
    { "trace", 0, 0, G_OPTION_ARG_FILENAME, &verb.trace,
      "Write every event of a single run, a line each", "FILE" },
    G_OPTION_ENTRY_NULL,
  };
  if (tool_parse (&argc, &argv, entries, "FILE...", summary, description, 1, -1, &status)) {
    verb.colour = summary_wants_colour (STDOUT_FILENO);
    if (verb.campaign == NULL)
      verb.campaign = g_strdup ("run");
    if (verb.junit != NULL)
      verb.report = junit_report_new (verb.campaign, verb.no_db ? NULL
                                                     : verb.db  ? verb.db
                                                                : DB_DEFAULT);
    gboolean has_db_option = verb.db != NULL;
    if (!has_db_option && !verb.no_db)
      verb.db = g_strdup (DB_DEFAULT);
    status = run_paths (&verb, argv + 1);
  }
  run_verb_clear (&verb);
  return status;
}
