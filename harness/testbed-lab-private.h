/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-lab-private.h - the parts of the lab.
 *
 *   testbed-lab.c        the testbed (over testbed-real.h) and its emulator
 *   testbed-lab-link.c   a link: its ends, the server's listening socket, faults
 *   testbed-lab-check.c  what is refused */
#pragma once

#include "harness/testbed-end.h"
#include "harness/testbed-lab.h"
#include "harness/testbed-real.h"
#include "lab/emulator.h"

G_BEGIN_DECLS

typedef struct _TestbedLab TestbedLab;

struct _TestbedLab {
  TestbedReal base;
  GPtrArray *bottlenecks; /* of SimBottleneck, two by scenario bottleneck; the emulator uses them */
  LabEmulator *emulator;
  Histogram lateness; /* of packets; the emulator's until it has stopped */
  gboolean network_runs;
  CaimanLoopWatch broken_watch; /* an interface is gone, while @broken_is_watched */
  gboolean broken_is_watched;
};

/* --- testbed-lab.c --- */

/* Packets move from now on, for what has to be done over the network before the run. */
void testbed_lab_start_network (TestbedLab *self);

/* The congestion control of scenario link @link, as the kernel names it. */
const char *testbed_lab_get_congestion (const TestbedLab *self, guint link);

/* --- testbed-lab-link.c --- */

/* Scenario link @index; freed through its class. */
TestbedRealLink *testbed_lab_link_new (TestbedLab *testbed, guint index);

/* --- testbed-lab-check.c --- */

GPtrArray *testbed_lab_check (const Scenario *scenario);

G_END_DECLS
