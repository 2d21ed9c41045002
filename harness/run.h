/* SPDX-License-Identifier: Apache-2.0 */
/* run.h - runs one scenario with one seed, from the first connect to a judged, recordable result.
 *
 *   g_autoptr (StoreRun) store = run_prepare (scenario, seed, &options);
 *   ... store_run_begin () ...
 *   g_autoptr (RunResult) result = run_scenario (scenario, seed, &options, store);
 *   ... store_run_finish () ...
 *
 * No SQL and no printing happens here, and nothing is shared between runs: any number of processes
 * or threads may run scenarios side by side. */
#pragma once

#include "harness/capture.h"
#include "harness/scenario.h"
#include "reports/store.h"

G_BEGIN_DECLS

/* What an exit status means (docs/user-guide.md). */
typedef enum {
  RUN_EXIT_HELD = 0,        /* all held */
  RUN_EXIT_EXPECTATION = 1, /* an expectation failed */
  RUN_EXIT_SAFETY = 3,      /* data was lost, repeated, reordered or changed, or a rule broken */
  RUN_EXIT_LIVENESS = 4,    /* it did not heal, or did not end in time */
  RUN_EXIT_INTERNAL = 70,   /* the testbed failed or could not keep up */
  RUN_EXIT_SKIPPED = 77,    /* the testbed does not honour a knob of the scenario */
} RunExit;

/* As many trace events are kept by default: 40 GB of a flow, in 40 MB of memory at most. */
#define RUN_KEPT_EVENTS_DEFAULT 20000000

/* What carries the traffic instead of other programs. */
typedef enum {
  RUN_DIRECT_NONE,
  RUN_DIRECT_TCP,   /* one TCP connection over the first link */
  RUN_DIRECT_MPTCP, /* one MPTCP connection that may use all links */
} RunDirect;

/* A run whose traffic something else than caiman carries (foreign.h); on the testbed lab. */
typedef struct {
  RunDirect direct;
  char **argv[SCENARIO_N_SIDES]; /* (nullable) programs, see foreign-programs.h for what they are
                                    told */
  const char *name;              /* for the record, in the place of a policy */
} RunForeign;

typedef struct {
  const char *testbed;       /* NULL: "sim" */
  const char *trace_path;    /* (nullable) every trace event is written there, a line each */
  guint64 kept_events;       /* so many of the first trace events are kept in the record */
  const char *git_id;        /* (nullable) for the record */
  const char *variant;       /* (nullable) what a sweep has set, for the record */
  Capture *capture;          /* (nullable) gets the packets; of the testbed "sim" alone */
  const RunForeign *foreign; /* (nullable) */
} RunOptions;

/* How one side's connection ended. */
typedef struct {
  /* NONE: it survives, that is, it ended gracefully (CAIMAN_REASON_FINISHED), still lives at the
   * end of the run, or went down with its endpoint (crash). Else why it failed. */
  CaimanReason reason;
  gint64 ended_ns;     /* since the client's first connect; CAIMAN_TIME_NEVER: it still lives */
  gint64 connected_ns; /* when it was open; CAIMAN_TIME_NEVER: never */
} RunSide;

typedef struct {
  RunExit exit_class;
  RunSide side[SCENARIO_N_SIDES];
  const char *outcome; /* static: "survives" or the reason's name; where the sides differ, the one
                          that failed, the client's first */
  GPtrArray *problems; /* of char *: violations with their time, refused knobs, what went wrong */
  gint64 simulated_ns; /* how long the run was, in its own time */
  gint64 wall_ns;      /* how long it took */
  guint64 n_events;    /* trace events of both endpoints */
  guint64 n_steps;     /* events of the simulator */
} RunResult;

/* (transfer full) Everything about a run that is known before it begins: scenario, seed, resolved
 * parameters, links and flows. The campaign's id and the rest are the caller's to set. */
StoreRun *run_prepare (const Scenario *scenario, guint64 seed, const RunOptions *options);

/* Runs it. @store is what run_prepare() gave; its samples, events, checkpoints, metrics and
 * expectations are added, and outcome, exit class, digest and times set. @options (nullable) must
 * be the same for both. (transfer full), never NULL. */
RunResult *run_scenario (const Scenario *scenario, guint64 seed, const RunOptions *options,
                         StoreRun *store);

void run_result_free (RunResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RunResult, run_result_free)

/* The texts of all knobs of @scenario that the testbed of that name does not honour (free function
 * g_free); empty: it can run. NULL: there is no such testbed. (transfer full) */
GPtrArray *run_check (const Scenario *scenario, const char *testbed);

G_END_DECLS
