/* SPDX-License-Identifier: Apache-2.0 */
/* recapture.h - runs a recorded run of the simulator again, to see its packets. */
#pragma once

#include "harness/scenario.h"
#include "reports/store.h"

#include <stdio.h>

G_BEGIN_DECLS

typedef enum {
  RECAPTURE_SAME,      /* the same run, by the digest of all its events */
  RECAPTURE_DIFFERENT, /* another one, since this build behaves differently; it was written */
  RECAPTURE_REFUSED,   /* no run of the simulator, or not complete: nothing was written */
  RECAPTURE_FAILED,    /* what the GError says */
} RecaptureVerdict;

/* Writes the packets of @recorded that @side sees to @file, as pcapng. All but SAME come with a
 * GError. */
RecaptureVerdict recapture_run (const StoreRun *recorded, ScenarioSide side, FILE *file,
                                guint64 *packets_out, GError **error);

G_END_DECLS
