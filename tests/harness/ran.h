/* SPDX-License-Identifier: Apache-2.0 */
/* ran.h - runs a scenario that is given as groups, for tests of the runner. */
#pragma once

#include "harness/run.h"

G_BEGIN_DECLS

typedef struct {
  Scenario *scenario;
  StoreRun *store;
  RunResult *result;
  GString *problems; /* a line each */
} Ran;

/* Runs @text: "[scenario]" with format, carrier, title and a duration of 60 s is put in front, so
 * it begins with further keys of that group or with another one. */
void ran_init (Ran *ran, const char *text);
void ran_init_seed (Ran *ran, const char *text, guint64 seed, const RunOptions *options);
void ran_clear (Ran *ran);

/* Fails the test, and shows the problems, unless that was the exit. */
void ran_expect_exit (const Ran *ran, RunExit exit_class);
/* Unless a problem has @text in it. */
void ran_expect_problem (const Ran *ran, const char *text);
void ran_expect_reasons (const Ran *ran, CaimanReason client, CaimanReason server);
/* Number of event rows of @kind with @text, NULL: any. */
guint ran_count_rows (const Ran *ran, const char *kind, const char *text);
const StoreFlow *ran_get_flow (const Ran *ran, const char *name);
/* NAN when there is no such metric. */
double ran_get_metric (const Ran *ran, StoreSubject kind, const char *subject, const char *name);

/* Two links of 20 Mbit/s, a with 10 ms and b with 20 ms. */
#define RAN_LINKS                                                                                  \
  "[link a]\nrate = 20mbit\ndelay = 10ms\n"                                                        \
  "[link b]\nrate = 20mbit\ndelay = 20ms\n"

/* Flows data.up and data.down. */
#define RAN_BOTH_1MB "[traffic data]\nfrom = both\nkind = bulk\nbytes = 1MB\n"

G_END_DECLS
