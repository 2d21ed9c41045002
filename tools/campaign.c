/* SPDX-License-Identifier: Apache-2.0 */
/* campaign.c - in the tool's own process: plans a campaign, hands its runs out and tells what came
 * of them. */
#include "tools/campaign.h"

#include "harness/progress.h"
#include "harness/run.h"
#include "harness/tally.h"
#include "harness/workers.h"
#include "reports/identity.h"
#include "reports/junit.h"
#include "reports/store-batch.h"
#include "reports/summary.h"
#include "reports/tap.h"
#include "tools/run-report.h"
#include "tools/scenarios.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* As much free memory as a worker keeps for its next run, instead of giving it back after each. */
#define KEPT_MEMORY_BYTES (64 * 1024 * 1024)

/* Most runs that go into one transaction. */
#define BATCH_MAX 256

/* As many failures of a sweep, and rows of its table, are told without -v. */
#define FAILURES_TOLD_MAX 20
#define ROWS_TOLD_MAX     40

/* Where there is no terminal, a line of progress comes after so long, and then ever more rarely. */
#define FIRST_LINE_US (10 * G_USEC_PER_SEC)
#define LINE_MAX_US   (160 * G_USEC_PER_SEC)

typedef struct {
  Campaign *campaign; /* first, for campaign_work() */
  JunitReport *junit; /* (nullable) */
  GString *tap;       /* of --tap, where that is a file */
  Tally *tally;
  Progress progress;
  GArray *exit_classes; /* of int */
  guint64 n_untold;     /* failures */
  int status;
  gboolean has_progress; /* a progress line is on the terminal */
  gint64 next_line_us, line_interval_us;
} Teller;

/* ---- progress ---- */

static void
clear_progress (Teller *teller)
{
  if (teller->has_progress)
    fputs ("\r\033[K", stderr);
  teller->has_progress = FALSE;
}

static void
show_progress (guint64 n_done, gpointer user_data)
{
  Teller *teller = user_data;
  gint64 now_us = g_get_monotonic_time ();
  gboolean is_terminal = isatty (STDERR_FILENO);
  if (tool_is_quiet () || now_us - teller->progress.started_us < G_USEC_PER_SEC ||
      (!is_terminal && (!teller->campaign->is_brief || now_us < teller->next_line_us)))
    return;
  teller->progress.n_done = n_done;
  g_autofree char *line = progress_format (&teller->progress, now_us);
  if (is_terminal)
    fprintf (stderr, "\r\033[K%s", line);
  else
    fprintf (stderr, "%s\n", line);
  fflush (stderr);
  teller->has_progress = is_terminal;
  teller->next_line_us = now_us + teller->line_interval_us;
  teller->line_interval_us = MIN (2 * teller->line_interval_us, LINE_MAX_US);
}

/* ---- TAP ---- */

static gboolean
is_tap_on_stdout (const Campaign *campaign)
{
  return g_strcmp0 (campaign->options.tap, "-") == 0;
}

/* Adds @text (taken) to the TAP report: at once where that goes to standard output. */
static void
put_tap (Teller *teller, char *text)
{
  g_autofree char *owned = text;
  if (is_tap_on_stdout (teller->campaign))
    tool_print (owned);
  else if (teller->campaign->options.tap != NULL)
    g_string_append (teller->tap, owned);
}

/* @report of the next run; NULL: it has none. */
static void
put_tap_run (Teller *teller, const RunReport *report)
{
  guint number = teller->exit_classes->len + 1;
  const CampaignOptions *o = &teller->campaign->options;
  if (o->tap == NULL)
    return;
  put_tap (teller,
           report != NULL
               ? tap_format_run (number, report->run, (const char *const *)report->problems,
                                 o->no_db ? NULL : o->db)
               : g_strdup_printf ("not ok %u - a point of a sweep, which is in error\n", number));
}

/* The last line of the TAP report, and where it goes. */
static gboolean
end_tap (Teller *teller, GError **error)
{
  const Campaign *campaign = teller->campaign;
  gboolean is_whole = teller->exit_classes->len == campaign->n_runs;
  if (campaign->options.tap == NULL)
    return TRUE;
  put_tap (teller,
           tap_format_end (teller->exit_classes->len, is_whole ? NULL : "not all runs are done"));
  return is_tap_on_stdout (campaign) ||
         g_file_set_contents (campaign->options.tap, teller->tap->str, -1, error);
}

/* ---- what came out ---- */

static void
tell_problems (const RunReport *report)
{
  for (char **problem = report->problems; *problem != NULL; problem++)
    g_printerr ("%s seed %" G_GINT64_FORMAT ": %s\n", report->run->scenario_name, report->run->seed,
                *problem);
}

/* Whether a line of @report is due: of a sweep only failures have one, and not each of many. */
static gboolean
has_line (Teller *teller, gboolean failed)
{
  if (!teller->campaign->is_brief || tool_get_verbosity () > 0)
    return TRUE;
  if (failed && teller->progress.n_failed > FAILURES_TOLD_MAX)
    teller->n_untold++;
  return failed && teller->progress.n_failed <= FAILURES_TOLD_MAX;
}

static void
tell_run (Teller *teller, const RunReport *report)
{
  const Campaign *campaign = teller->campaign;
  gboolean failed = report->run->exit_class != RUN_EXIT_HELD;
  gboolean is_due = has_line (teller, failed && report->run->exit_class != RUN_EXIT_SKIPPED);
  if (campaign->options.json)
    tool_print (report->json);
  else if (!tool_is_quiet () && is_due && !is_tap_on_stdout (campaign)) {
    g_autofree char *line = *report->details != '\0'
                                ? g_strdup (report->details)
                                : summary_format_line (report->run, campaign->colour);
    tool_print (line);
  }
  if ((!failed && tool_get_verbosity () == 0) || !is_due)
    return;
  if (tool_is_quiet () && !campaign->options.json) {
    g_autofree char *line = summary_format_line (report->run, FALSE);
    g_printerr ("%s", line);
  }
  tell_problems (report);
}

/* A run whose process died leaves an unfinished row, also in a sweep. It is begun and the store
 * closed again, as it must not be open when the next worker is forked. */
static void
record_crash (const Campaign *campaign, StoreRun *run)
{
  g_autoptr (GError) error = NULL;
  if (!campaign->is_batched || campaign->options.no_db)
    return;
  g_autoptr (Store) store = store_open (campaign->options.db, STORE_OPEN_WRITE, &error);
  run->campaign_id = campaign->id;
  if (store == NULL || !store_run_begin (store, run, &error))
    tool_error ("%s", error->message);
}

/* The report of run @number, whose worker died or sent nonsense. */
static RunReport *
make_crash_report (Teller *teller, guint64 number, int signal_number)
{
  const Campaign *campaign = teller->campaign;
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  PlanRun planned;
  if (!plan_get (campaign->plan, number, &planned, errors))
    return NULL;
  RunOptions options = { .testbed = campaign->options.testbed,
                         .git_id = tool_get_git_id (),
                         .variant = planned.variant };
  g_autofree char *problem =
      signal_number > 0 ? g_strdup_printf ("the process of this run was ended by signal %d (%s)",
                                           signal_number, g_strsignal (signal_number))
                        : g_strdup ("the process of this run ended in its midst");
  StoreRun *run = run_prepare (planned.scenario, planned.seed, &options);
  record_crash (campaign, run);
  run->exit_class = RUN_EXIT_INTERNAL;
  run->outcome = "crashed";
  run->finished = TRUE;
  return run_report_new_failed (run, problem);
}

static void
take_report (Teller *teller, const RunReport *report)
{
  int exit_class = report->run->exit_class;
  teller->progress.n_known += report->is_known;
  teller->progress.n_failed += exit_class != RUN_EXIT_HELD && exit_class != RUN_EXIT_SKIPPED;
  tally_add (teller->tally, report->run);
  tell_run (teller, report);
  if (teller->junit != NULL)
    junit_report_add (teller->junit, report->run, (const char *const *)report->problems);
}

static void
take_result (guint64 number, GBytes *result, int signal_number, gpointer user_data)
{
  Teller *teller = user_data;
  g_autoptr (RunReport) report = NULL;
  int exit_class = EXIT_STATUS_USAGE; /* a point of a sweep that is in error */
  clear_progress (teller);
  if (result == NULL)
    report = make_crash_report (teller, number, signal_number);
  else if (g_bytes_get_size (result) > 0)
    report = run_report_unpack (result);
  if (report != NULL) {
    exit_class = report->run->exit_class;
    take_report (teller, report);
  }
  put_tap_run (teller, report);
  teller->status = exit_status_worse (teller->status, exit_class);
  g_array_append_val (teller->exit_classes, exit_class);
}

/* Those failures that had no line of their own. */
static void
tell_untold (const Teller *teller)
{
  const CampaignOptions *o = &teller->campaign->options;
  if (teller->n_untold == 0 || o->json || is_tap_on_stdout (teller->campaign))
    return;
  g_autofree char *more =
      g_strdup_printf ("... and %" G_GUINT64_FORMAT " more failures%s%s\n", teller->n_untold,
                       o->no_db ? "" : ": caiman show --failed ", o->no_db ? "" : o->db);
  if (tool_is_quiet ())
    g_printerr ("%s", more);
  else
    tool_print (more);
}

static void
tell_table (const Teller *teller)
{
  guint rows_max = tool_get_verbosity () > 0 ? 0 : ROWS_TOLD_MAX;
  g_autofree char *table = tally_format (teller->tally, rows_max, teller->campaign->colour);
  tool_print (table);
}

static void
tell_total (const Teller *teller)
{
  const Campaign *campaign = teller->campaign;
  tell_untold (teller);
  if (campaign->options.json || is_tap_on_stdout (campaign) || tool_is_quiet () ||
      (campaign->n_runs <= 1 && !campaign->is_brief))
    return;
  if (campaign->is_brief)
    tell_table (teller);
  g_autofree char *total = summary_format_total (teller->exit_classes, campaign->colour);
  tool_print (total);
  if (teller->progress.n_known > 0) {
    g_autofree char *known =
        g_strdup_printf ("%" G_GUINT64_FORMAT " of them %s in the database already\n",
                         teller->progress.n_known, teller->progress.n_known == 1 ? "was" : "were");
    tool_print (known);
  }
}

/* ---- begin and end ---- */

/* Makes the database and the campaign in it. The store is not carried into the workers. */
static gboolean
begin_record (Campaign *campaign, GError **error)
{
  const CampaignOptions *o = &campaign->options;
  if (o->no_db)
    return TRUE;
  g_autoptr (Store) store = store_open (o->db, STORE_OPEN_CREATE, error);
  g_autofree char *plan = plan_get_hash (campaign->plan, identity_get_build ());
  if (store == NULL)
    return FALSE;
  if (o->resume && !store_has_own_runs (store, &campaign->has_known, error))
    return FALSE;
  return o->resume ? store_campaign_resume (store, o->name, plan, o->command, &campaign->id, error)
                   : store_campaign_begin (store, o->name, o->command, &campaign->id, error);
}

static gboolean
end_record (Campaign *campaign, GError **error)
{
  if (campaign->options.no_db)
    return TRUE;
  g_autoptr (Store) store = store_open (campaign->options.db, STORE_OPEN_WRITE, error);
  return store != NULL && store_campaign_end (store, campaign->id, error);
}

static void
tell_interruption (Teller *teller)
{
  const Campaign *campaign = teller->campaign;
  tool_error ("interrupted: %u of %" G_GUINT64_FORMAT " runs are done%s", teller->exit_classes->len,
              campaign->n_runs,
              campaign->options.resume ? "; the same command goes on from there" : "");
  teller->status = EXIT_STATUS_INTERRUPTED;
}

/* Runs all. */
static void
do_runs (Teller *teller, volatile sig_atomic_t *stop)
{
  Campaign *campaign = teller->campaign;
  const WorkersFuncs funcs = { campaign_work, take_result, show_progress,
                               campaign->is_batched ? BATCH_MAX : 1 };
  g_autoptr (GError) error = NULL;
  guint n_workers = (guint)CLAMP ((guint64)campaign->options.jobs, 1, MAX (campaign->n_runs, 1));
  gboolean ok = workers_run (n_workers, campaign->n_runs, &funcs, teller, stop, &error);
  clear_progress (teller);
  tell_total (teller);
  if (error != NULL) {
    tool_error ("%s", error->message);
    teller->status = exit_status_worse (teller->status, RUN_EXIT_INTERNAL);
  } else if (!ok)
    tell_interruption (teller);
}

static int
run_all (Teller *teller)
{
  Campaign *campaign = teller->campaign;
  g_autoptr (GError) error = NULL;
  volatile sig_atomic_t *stop = tool_catch_signals ();
  if (!begin_record (campaign, &error))
    return tool_fail (error);
  mallopt (M_TRIM_THRESHOLD, KEPT_MEMORY_BYTES);
  if (campaign->options.tap != NULL)
    put_tap (teller, g_strdup (TAP_HEAD));
  do_runs (teller, stop);
  if (!end_record (campaign, &error) ||
      (teller->junit != NULL &&
       !junit_report_save (teller->junit, campaign->options.junit, &error)) ||
      !end_tap (teller, &error)) {
    tool_error ("%s", error->message);
    teller->status = exit_status_worse (teller->status, RUN_EXIT_INTERNAL);
  }
  return teller->status;
}

static int
run_plan (Campaign *campaign)
{
  const CampaignOptions *o = &campaign->options;
  Teller teller = { .campaign = campaign,
                    .tally = tally_new (),
                    .tap = g_string_new (NULL),
                    .exit_classes = g_array_new (FALSE, FALSE, sizeof (int)),
                    .status = campaign->n_runs > 0 ? RUN_EXIT_SKIPPED : RUN_EXIT_HELD,
                    .line_interval_us = FIRST_LINE_US };
  if (o->junit != NULL)
    teller.junit = junit_report_new (o->name, o->no_db ? NULL : o->db);
  teller.progress.n_runs = campaign->n_runs;
  teller.progress.started_us = g_get_monotonic_time ();
  teller.next_line_us = teller.progress.started_us + FIRST_LINE_US;
  int status = run_all (&teller);
  tally_free (teller.tally);
  g_array_unref (teller.exit_classes);
  junit_report_free (teller.junit);
  g_string_free (teller.tap, TRUE);
  return status;
}

int
campaign_run (Campaign *campaign, char **paths)
{
  const CampaignOptions *o = &campaign->options;
  PlanOptions options = { .paths = paths,
                          .sets = o->sets,
                          .varies = o->varies,
                          .policies = campaign->policies,
                          .testbed = o->testbed,
                          .has_seeds = o->seed != NULL,
                          .shard = o->shard != NULL ? &campaign->shard : NULL };
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  if (o->seed != NULL)
    tool_parse_seeds (o->seed, &options.seed_first, &options.seed_last);
  g_autoptr (Plan) plan = plan_new (&options, errors);
  scenarios_tell (errors);
  if (plan == NULL)
    return EXIT_STATUS_USAGE;
  campaign->plan = plan;
  campaign->n_runs = plan_count (plan);
  if (o->trace != NULL && campaign->n_runs > 1) {
    tool_error ("--trace is for a single run, and these are %" G_GUINT64_FORMAT, campaign->n_runs);
    return EXIT_STATUS_USAGE;
  }
  return run_plan (campaign);
}
