/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.h - the points of a scenario's [sweep]: the product of all its lists of values, where those
 * that are zipped count as one list, without what its conditions exclude.
 *
 * Order: as nested loops in file order, the last list changing fastest; a zip stands where its
 * first parameter does. Without a [sweep] there is one point, the scenario itself. Seeds are not
 * part of a point. */
#pragma once

#include "harness/scenario.h"

G_BEGIN_DECLS

/* Most combinations of one sweep; the reader refuses more. */
#define SWEEP_POINTS_MAX 1000000

/* At least 1. */
guint sweep_count_points (const Scenario *scenario);

/* Sets the values of @point (< sweep_count_points()) in @overrides and leaves the sweep out, so
 * that loading the file again with them gives the scenario of this point. */
void sweep_set_point (const Scenario *scenario, guint point, ScenarioOverrides *overrides);

/* (transfer full) "link lte.delay=20ms client.policy=adaptive"; "" without a [sweep]. */
char *sweep_describe_point (const Scenario *scenario, guint point);

G_END_DECLS
