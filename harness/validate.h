/* SPDX-License-Identifier: Apache-2.0 */
/* validate.h - runs scenarios in the simulator and in the lab, and holds the one against the other;
 * docs/validation.md says how, and what came of it.
 *
 * Runs are recorded as any others. What is compared is read back from the database, so that a
 * comparison can be made again at any time. */
#pragma once

#include "harness/run.h"
#include "harness/scenario.h"
#include "reports/validation.h"

#include <signal.h>

G_BEGIN_DECLS

/* So often a run of the lab that could not keep up is made again. */
#define VALIDATE_AGAIN_MAX 3

/* What is told of each run while they go on. @problems: of char *. */
typedef void (*ValidateFunc) (const StoreRun *run, const GPtrArray *problems, gpointer user_data);

/* Runs of the simulator for each of the lab: they cost little, and of a sample of few the median is
 * a matter of luck. */
#define VALIDATE_SIM_RUNS 5

/* So many times more runs, of both, where packets are lost at random: what is measured there is
 * spread so widely that the median of three says little. */
#define VALIDATE_LOSS_RUNS 4

/* A scenario as each testbed has it. */
typedef struct {
  Scenario *sim, *lab;
} ValidateScenario;

typedef struct {
  Store *store;
  gint64 campaign_id;
  guint n_repeats;             /* in the lab, where no packets are lost at random */
  const char *git_id;          /* (nullable) */
  volatile sig_atomic_t *stop; /* no more runs once this is set */
  ValidateFunc told;
  gpointer user_data;
} ValidateOptions;

/* Why @scenario cannot be compared here, as run_check() tells it for both testbeds; empty: it can.
 * (transfer full) of char * */
GPtrArray *validate_check (const ValidateScenario *scenario);

/* So many runs in the lab, for @n_repeats. */
guint validate_count_lab_runs (const ValidateScenario *scenario, guint n_repeats);

/* All runs of @scenario, with its seed and those that follow it: those in the lab one by one, then
 * those of the simulator. */
gboolean validate_run (const ValidateScenario *scenario, const ValidateOptions *options,
                       GError **error);

/* What the recorded runs amount to, of each scenario that has runs of both testbeds: those of the
 * campaigns of the name @campaign (NULL: of any) and of that with @campaign_id (0: of all). Runs
 * that were skipped, or could not keep up, do not count.
 * (transfer full) (element-type ValidationRow): or NULL with @error. */
GPtrArray *validate_compare (Store *store, const char *campaign, gint64 campaign_id,
                             GError **error);

/* How far a metric of the simulator may be from @lab, in the metric's unit. */
double validate_get_tolerance (const char *name, double lab, gboolean has_random_loss);

/* Whether packets are lost at random in @scenario, all the time or for a while. */
gboolean validate_has_random_loss (const Scenario *scenario);

G_END_DECLS
