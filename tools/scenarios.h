/* SPDX-License-Identifier: Apache-2.0 */
/* scenarios.h - loads the scenarios that a command line names, and tells what is wrong with them.
 */
#pragma once

#include "harness/scenario.h"

G_BEGIN_DECLS

/* Prints each of @errors (of char *) on standard error. */
void scenarios_tell (const GPtrArray *errors);

/* plan_make_overrides(), with errors told. */
ScenarioOverrides *scenarios_make_overrides (char **sets, char **varies, const char *policy,
                                             const char *testbed);

/* FALSE: there is no testbed @name (nullable: sim), which was told on standard error; *@status_out
 * is the exit status for that. */
gboolean scenarios_check_testbed (const char *name, int *status_out);

/* NULL: its errors were told on standard error. (transfer full) */
Scenario *scenarios_load (const char *path, const ScenarioOverrides *overrides);

G_END_DECLS
