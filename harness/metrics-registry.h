/* SPDX-License-Identifier: Apache-2.0 */
/* metrics-registry.h - every metric that exists: name, unit, meaning, and which way is better.
 *
 * Scenario files, the runner, reports, `diff` and the docs read this one list. */
#pragma once

#include "harness/scenario.h"

G_BEGIN_DECLS

typedef enum {
  METRIC_LOWER_IS_BETTER = -1,
  METRIC_NEUTRAL = 0,
  METRIC_HIGHER_IS_BETTER = 1
} MetricBetter;

typedef struct {
  const char *name; /* kebab-case */
  ScenarioSubject subject;
  MetricUnit unit;
  MetricBetter better;
  gboolean per_direction; /* a link's metric that may be asked for one direction */
  gboolean per_side;      /* may be asked for the client's or the server's view */
  const char *meaning;    /* one sentence */
} MetricInfo;

/* The list, grouped by subject; static. */
const MetricInfo *metrics_registry_get (gsize *n_out);

/* The metric of this subject and name, or NULL. */
const MetricInfo *metrics_registry_find (ScenarioSubject subject, const char *name);

/* (nullable) the nearest name among the metrics of @subject, for error messages. */
const char *metrics_registry_suggest (ScenarioSubject subject, const char *name);

/* "ns", "bytes", "bit/s", "ratio", "count": what is stored with a value of @unit. A ratio is
 * stored as a fraction (ppb / 1e9). */
const char *metric_unit_to_string (MetricUnit unit);

G_END_DECLS
