/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-sim.h - the testbed in virtual time, over sim/network.h. */
#pragma once

#include "harness/testbed.h"
#include "sim/path.h"

G_BEGIN_DECLS

extern const TestbedClass testbed_sim_class;

/* One direction of a link, for sim/path.h; it may be beyond the simulator's limits. */
SimPathConfig testbed_sim_convert_path (const ScenarioPath *path);

/* Takes the parts @set_mask (ScenarioSetMask) of @wanted into @config. */
void testbed_sim_set_parts (SimPathConfig *config, const SimPathConfig *wanted, guint set_mask);

G_END_DECLS
