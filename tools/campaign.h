/* SPDX-License-Identifier: Apache-2.0 */
/* campaign.h - many runs from a command line: planned, done by worker processes, recorded, told.
 *
 * `caiman run` and `caiman sweep` are the same campaign with other defaults. campaign-options.c
 * reads the options, campaign-worker.c does and records runs, campaign.c tells what came out. */
#pragma once

#include "harness/plan.h"
#include "tools/tool.h"

G_BEGIN_DECLS

#define CAMPAIGN_DB_DEFAULT "caiman.db"

/* What is on the command line; all owned. */
typedef struct {
  const char *verb; /* "run" or "sweep"; static */
  int jobs;
  char *seed, *policy, *db, *name, *junit, *tap, *trace, *testbed, *shard;
  char **sets, **varies;
  gboolean no_db, json, resume, again;
  gint64 kept_events;
  char *command; /* the whole line */
} CampaignOptions;

typedef struct {
  CampaignOptions options;
  char **policies; /* (nullable) */
  Shard shard;
  Plan *plan;
  guint64 n_runs;

  /* Recording. */
  gint64 id;
  gboolean has_known;  /* the database has runs of this binary, which are looked up */
  gboolean is_batched; /* several runs go into one transaction, and each is recorded when it is
                          over; else a run's row is there before it begins */
  gboolean is_brief;   /* of many runs the failures are told, and a table of all */
  gboolean colour;     /* of standard output */
} Campaign;

/* Reads the options of @verb, with what is its default for each, and checks them. What is left in
 * *@argv are the files. FALSE: told, and *@status_out is the exit status. */
gboolean campaign_parse (Campaign *campaign, const char *verb, int argc, char **argv,
                         char ***paths_out, int *status_out);
void campaign_clear (Campaign *campaign);

/* Plans, runs and tells; returns the exit status. */
int campaign_run (Campaign *campaign, char **paths);

/* ---- in a worker ---- */

/* WorkersFuncs.work: what is to be told of a run is a report (run-report.h), or nothing where its
 * errors were told. @user_data points to a pointer to the Campaign. */
void campaign_work (guint64 first, guint n, GBytes **results_out, gpointer user_data);

G_END_DECLS
