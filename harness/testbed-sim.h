/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-sim.h - the testbed in virtual time, over sim/network.h. */
#pragma once

#include "harness/testbed.h"
#include "sim/path.h"

G_BEGIN_DECLS

extern const TestbedClass testbed_sim_class;

/* One direction of a link, for sim/path.h; it may be beyond the simulator's limits. */
SimPathConfig testbed_sim_convert_path (const ScenarioPath *path);

/* The same with the traces that it follows. */
SimPathConfig testbed_sim_convert_traced (const Scenario *scenario, const ScenarioPath *path);

/* Takes the parts @set_mask (ScenarioSetMask) of @wanted into @config. */
void testbed_sim_set_parts (SimPathConfig *config, const SimPathConfig *wanted, guint set_mask);

/* convert_traced() with all that only packets know of: traces, the shared bottleneck (borrowed,
 * nullable) and the cross traffic of one direction of link @link. @cross: an empty array of
 * SimCrossConfig, which must live until the configuration has been used. */
SimPathConfig testbed_sim_convert_direction (const Scenario *scenario, guint link,
                                             ScenarioDirection direction, SimBottleneck *shared,
                                             GArray *cross);

/* (transfer full) One direction of bottleneck @index, with its cross traffic. */
SimBottleneck *testbed_sim_new_bottleneck (const Scenario *scenario, guint index,
                                           ScenarioDirection direction, guint64 seed,
                                           SimDueFunc due, gpointer user_data, gint64 now_ns);

G_END_DECLS
