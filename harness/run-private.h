/* SPDX-License-Identifier: Apache-2.0 */
/* run-private.h - one run's parts, shared by run.c (life), run-endpoints.c, run-record.c (what is
 * recorded) and faults*.c (events). */
#pragma once

#include "harness/faults.h"
#include "harness/measure.h"
#include "harness/oracle.h"
#include "harness/recorder.h"
#include "harness/run.h"
#include "harness/testbed.h"
#include "harness/traffic.h"
#include "core/prng.h"

G_BEGIN_DECLS

/* What the links over one path that have closed had sent. */
typedef struct {
  gint64 sent_bytes, acked_bytes, resent_bytes;
} RunLinkTotals;

/* A connection that waits in the server for the application's answer. */
typedef struct {
  CaimanConnection *connection;
  gint64 answer_ns;
} RunPending;

/* One side. */
typedef struct {
  Run *run;
  ScenarioSide side;
  guint n_starts;
  CaimanPrng prng;
  CaimanRandom random;
  /* (nullable) the end of the connection that carries the scenario's traffic */
  CaimanConnection *connection;
  gboolean started;      /* there was one */
  gboolean crashed;      /* it is gone with its endpoint */
  RunLinkTotals *closed; /* by scenario link */
} RunEndpoint;

struct _Run {
  const Scenario *scenario;
  guint64 seed;
  StoreRun *store;
  RunResult *result;
  Testbed *testbed;
  Recorder *recorder;
  Oracle *oracle;
  Measure *measure;
  Traffic *traffic;
  Faults *faults;
  struct _Foreign *foreign; /* (nullable) */
  RunEndpoint endpoint[SCENARIO_N_SIDES];
  char *violation;    /* (nullable) the first one of safety */
  gboolean is_over;   /* both ends are closed */
  gboolean is_judged; /* what happens now is clearing up */
  TestbedTimer *sample_timer;
  TestbedTimer *answer_timer;
  TestbedTimer *quit_timer;
  GArray *pending; /* of RunPending, oldest first */
};

/* run-endpoints.c */

/* What the testbed tells; with the Run as user data. */
extern const TestbedHandler run_testbed_handler;
void run_start_server (Run *run);
void run_start_client (Run *run);
/* Timers: the server's application answers; the connection has ended at both ends. */
void run_answer_due (gpointer user_data);
void run_quit_due (gpointer user_data);
/* Whether it has nothing left to do: its connection has ended, it has crashed, or never began. */
gboolean run_is_side_over (const RunEndpoint *endpoint);
/* The endpoint of @side is gone without a word; what it had open is reset. */
void run_crash (Run *run, ScenarioSide side);
/* A crashed endpoint starts anew; it takes no part in the scenario's traffic. */
void run_restart (Run *run, ScenarioSide side);
void run_touch (Run *run, ScenarioSide side);

/* run-record.c */

/* What is known before the run, see run_prepare(). */
void run_record_scenario (StoreRun *store, const Scenario *scenario);
/* @link of @side, over scenario link @index, has closed. */
void run_record_link_closed (Run *run, ScenarioSide side, guint index, const CaimanLink *link);
/* A row for each link and flow, as they are now. */
void run_record_sample (Run *run);
/* The flows' totals. */
void run_record_flows (Run *run);

G_END_DECLS
