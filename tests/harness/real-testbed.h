/* SPDX-License-Identifier: Apache-2.0 */
/* real-testbed.h - runs on testbeds in real time, and the tests that each of them must pass: bytes
 * come through exact whatever happens to the links. What one alone can do is tested beside it. */
#pragma once

#include "tests/harness/ran.h"

G_BEGIN_DECLS

typedef struct {
  const char *name;    /* of its TestbedClass */
  const char *carrier; /* of its links */
} RealTestbed;

/* As ran_init(). A busy machine can make a run invalid; then it says nothing, and is run again.
 * FALSE: so it is always, or there can be no such testbed here; the test is skipped, and there is
 * nothing to clear. @foreign is nullable. */
gboolean real_testbed_run (const RealTestbed *testbed, Ran *ran, const char *text,
                           const RunForeign *foreign);

typedef struct {
  const char *path;            /* of the test, after "survives/" */
  const char *what;            /* happens, to link a, b or both */
  CaimanReason client, server; /* why a's end ends; NONE: it does not */
} RealTestbedFault;

/* Adds a test of each fault: it happens in the middle of an upload and a download, which end well.
 * All is borrowed, and must be static. */
void real_testbed_add_faults (const RealTestbed *testbed, const RealTestbedFault *faults,
                              gsize n_faults);

/* Adds those that every testbed must pass. */
void real_testbed_add_tests (const RealTestbed *testbed);

G_END_DECLS
