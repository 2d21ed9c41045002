/* SPDX-License-Identifier: Apache-2.0 */
/* campaign-worker.c - in a worker process: does runs and records them.
 *
 * Each worker opens the database for itself and writes its own runs. In a sweep the runs of a batch
 * go into one transaction, and a run that is in the database already is read instead. */
#include "harness/run.h"
#include "harness/tally.h"
#include "reports/query.h"
#include "reports/store-batch.h"
#include "tools/campaign.h"
#include "tools/run-report.h"
#include "tools/scenarios.h"

/* A run that is done, and not told yet. */
typedef struct {
  StoreRun *run;
  GPtrArray *problems; /* (nullable) */
  gboolean is_known;   /* it was in the database */
  gboolean is_recorded;
} DoneRun;

static Store *worker_store; /* one per process, open until it ends */

static Store *
get_store (const Campaign *campaign, GError **error)
{
  if (worker_store != NULL)
    return worker_store;
  g_autoptr (Store) store = store_open (campaign->options.db, STORE_OPEN_ALONE, error);
  if (store == NULL || (campaign->is_batched && !store_prepare_for_batches (store, error)))
    return NULL;
  worker_store = g_steal_pointer (&store);
  return worker_store;
}

static RunReportParts
get_parts (const Campaign *campaign)
{
  gboolean at_length = !campaign->is_brief && run_report_is_at_length (campaign->n_runs);
  return (at_length ? RUN_REPORT_DETAILS : 0) | (campaign->options.json ? RUN_REPORT_JSON : 0);
}

/* @done could not be recorded. */
static void
take_store_error (DoneRun *done, const GError *error)
{
  g_clear_pointer (&done->problems, g_ptr_array_unref);
  done->problems = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (done->problems, g_strdup (error->message));
  done->run->finished = TRUE;
  done->run->id = 0; /* there is nothing to show or replay under its number */
  done->run->exit_class = RUN_EXIT_INTERNAL;
  done->run->outcome = "not-recorded";
  done->is_recorded = TRUE; /* no second try */
}

/* Whether @done is in the database: then its run is that one, read back. */
static gboolean
is_recorded_before (const Campaign *campaign, DoneRun *done, GError **error)
{
  gint64 id = 0;
  Store *store = get_store (campaign, error);
  if (store == NULL || !store_find_run (store, done->run, &id, error) || id == 0)
    return FALSE;
  StoreRun *run = query_load_run (store, id, QUERY_RESULTS, error);
  if (run == NULL)
    return FALSE;
  store_run_free (done->run);
  done->run = run;
  done->is_known = done->is_recorded = TRUE;
  return TRUE;
}

/* Makes its row, before the run begins. */
static gboolean
begin_record (const Campaign *campaign, StoreRun *run, GError **error)
{
  if (campaign->is_batched || campaign->options.no_db)
    return TRUE;
  Store *store = get_store (campaign, error);
  return store != NULL && store_run_begin (store, run, error);
}

static gboolean
end_record (const Campaign *campaign, DoneRun *done, GError **error)
{
  if (campaign->options.no_db)
    done->run->finished = TRUE;
  else if (campaign->is_batched)
    return TRUE; /* with the others of the batch */
  else if (!store_run_finish (worker_store, done->run, error))
    return FALSE;
  done->is_recorded = TRUE;
  return TRUE;
}

static void
do_run (const Campaign *campaign, const PlanRun *planned, DoneRun *done)
{
  const CampaignOptions *o = &campaign->options;
  g_autoptr (GError) error = NULL;
  RunOptions options = { .testbed = o->testbed,
                         .trace_path = o->trace,
                         .kept_events = o->no_db ? 0 : (guint64)o->kept_events,
                         .git_id = tool_get_git_id (),
                         .variant = planned->variant };
  done->run = run_prepare (planned->scenario, planned->seed, &options);
  done->run->campaign_id = campaign->id;
  if (campaign->has_known && is_recorded_before (campaign, done, &error))
    return;
  if (error != NULL || !begin_record (campaign, done->run, &error)) {
    take_store_error (done, error);
    return;
  }
  g_autoptr (RunResult) result =
      run_scenario (planned->scenario, planned->seed, &options, done->run);
  done->problems = g_ptr_array_ref (result->problems);
  if (!end_record (campaign, done, &error))
    take_store_error (done, error);
}

/* Records what is not yet. */
static void
record_batch (const Campaign *campaign, DoneRun *done, guint n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) runs = g_ptr_array_new ();
  for (guint i = 0; i < n; i++) {
    if (done[i].run != NULL && !done[i].is_recorded)
      g_ptr_array_add (runs, done[i].run);
  }
  if (runs->len == 0)
    return;
  Store *store = get_store (campaign, &error);
  if (store != NULL && store_record_runs (store, runs, campaign->options.resume, &error))
    return;
  for (guint i = 0; i < n; i++) {
    if (done[i].run != NULL && !done[i].is_recorded)
      take_store_error (&done[i], error);
  }
}

void
campaign_work (guint64 first, guint n, GBytes **results_out, gpointer user_data)
{
  const Campaign *campaign = *(Campaign **)user_data;
  g_autofree DoneRun *done = g_new0 (DoneRun, n);
  for (guint i = 0; i < n; i++) {
    PlanRun planned;
    g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
    if (plan_get (campaign->plan, first + i, &planned, errors))
      do_run (campaign, &planned, &done[i]);
    scenarios_tell (errors);
  }
  record_batch (campaign, done, n);
  for (guint i = 0; i < n; i++) {
    if (done[i].run == NULL) {
      results_out[i] = g_bytes_new (NULL, 0); /* its errors were told */
      continue;
    }
    results_out[i] = run_report_pack (done[i].run, done[i].problems, done[i].is_known,
                                      get_parts (campaign), campaign->colour);
    g_clear_pointer (&done[i].problems, g_ptr_array_unref);
    store_run_free (done[i].run);
  }
}
