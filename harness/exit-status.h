/* SPDX-License-Identifier: Apache-2.0 */
/* exit-status.h - the tool's exit status: what all of its runs amount to.
 *
 * RunExit (run.h) has the status of one run; here are those that a tool adds. */
#pragma once

#include "harness/run.h"

G_BEGIN_DECLS

#define EXIT_STATUS_USAGE       2   /* usage or scenario error */
#define EXIT_STATUS_INTERRUPTED 130 /* by SIGINT or SIGTERM */

/* The worse of two, in the order 130, 3, 4, 70, 2, 1, 0, 77: folding all runs into SKIPPED gives
 * SKIPPED only when every run was. An unknown status counts as RUN_EXIT_INTERNAL. */
int exit_status_worse (int a, int b);

G_END_DECLS
