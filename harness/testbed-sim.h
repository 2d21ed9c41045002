/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-sim.h - the testbed in virtual time, over sim/network.h. */
#pragma once

#include "harness/testbed.h"

G_BEGIN_DECLS

extern const TestbedClass testbed_sim_class;

G_END_DECLS
