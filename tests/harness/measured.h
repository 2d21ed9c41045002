/* SPDX-License-Identifier: Apache-2.0 */
/* measured.h - for tests of measure and expect-eval: a scenario from a few lines, and facts told as
 * a story. Times are in ms. */
#pragma once

#include "core/connection.h"
#include "harness/expect-eval.h"
#include "harness/measure.h"

#define MS(n) ((n)*CAIMAN_NS_PER_MS)

typedef struct {
  Scenario *scenario;
  Measure *measure;
} Measured;

/* Two pipe links a and b of 8 Mbit/s and 10 ms, and what @groups says (traffic, expectations). Both
 * sides are connected at 20 ms, both links work from then on. */
void measured_init (Measured *m, const char *groups);
/* The same, without anything happening yet. */
void measured_init_bare (Measured *m, const char *groups);
void measured_clear (Measured *m);

void measured_trace (Measured *m, ScenarioSide side, int link, CaimanTraceType type, guint64 a,
                     guint64 b, CaimanReason reason, gint64 ms);
void measured_link_state (Measured *m, ScenarioSide side, int link, CaimanLinkState old,
                          CaimanLinkState new, CaimanReason reason, gint64 ms);
void measured_capacity (Measured *m, guint link, gint64 rate_bps, gint64 delay_ms, gint64 ms);

gint64 measured_flow (Measured *m, const char *metric);
gint64 measured_connection (Measured *m, ScenarioView view, const char *metric);
gint64 measured_link (Measured *m, guint link, ScenarioDirections directions, const char *metric);
gint64 measured_link_of (Measured *m, guint link, ScenarioView view, const char *metric);
