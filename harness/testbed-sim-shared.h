/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-sim-shared.h - the bottlenecks that links of a scenario share, in virtual time. */
#pragma once

#include "harness/scenario.h"
#include "sim/path.h"
#include "transports/timer-queue.h"

G_BEGIN_DECLS

typedef struct _TestbedSimShared TestbedSimShared;

/* Both are borrowed. */
TestbedSimShared *testbed_sim_shared_new (const Scenario *scenario, CaimanTimerQueue *queue,
                                          guint64 seed);

/* After all paths that use them. */
void testbed_sim_shared_free (TestbedSimShared *shared);

/* (nullable) (transfer none) The one behind a direction of @link. */
SimBottleneck *testbed_sim_shared_get (TestbedSimShared *shared, const ScenarioLink *link,
                                       ScenarioDirection direction);

G_END_DECLS
