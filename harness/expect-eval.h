/* SPDX-License-Identifier: Apache-2.0 */
/* expect-eval.h - holds a run against the expectations of its scenario.
 *
 * An expectation on a metric that the run does not define does not hold. */
#pragma once

#include "harness/measure.h"
#include "harness/run.h"

G_BEGIN_DECLS

/* Evaluates all expectations of @scenario and appends each to run->expectations.
 * @sides: how each side's connection ended. @violation: what the oracle found first that makes the
 * transfer not exact, NULL when it was.
 * Returns TRUE when every one held. */
gboolean expect_eval (const Scenario *scenario, const Measure *measure,
                      const RunSide sides[SCENARIO_N_SIDES], const char *violation, StoreRun *run);

/* "survives", or the name of the reason why it failed, as in scenario files. */
const char *expect_outcome_to_string (CaimanReason reason);

G_END_DECLS
