/* SPDX-License-Identifier: Apache-2.0 */
/* expect.h - keys and bounds of [expect] as text, which [gate] has in common with it. Reading the
 * group is reader_read_expects(). */
#pragma once

#include "harness/metrics-registry.h"

G_BEGIN_DECLS

/* A key, taken apart. */
typedef struct {
  ScenarioExpect expect; /* subject, index, view, directions */
  int pair_index;        /* the second flow of a pair that was named without direction; or -1 */
  const char *metric;    /* NULL: an outcome; borrowed from the parts */
} ExpectKey;

/* @parts of a key, split at its dots. Returns NULL, or a message (transfer full). */
char *expect_split_key (const Scenario *scenario, char **parts, ExpectKey *key_out);

/* The metric that @key names; NULL, or a message (transfer full). */
char *expect_find_metric (const ExpectKey *key, const MetricInfo **info_out);

/* (transfer full) the key that gives the subject and metric of @expect. */
char *expect_make_name (const Scenario *scenario, const ScenarioExpect *expect);

/* A value of a metric: "30ms", "95%". Returns NULL, or a message (transfer full). */
char *expect_parse_quantity (const char *text, MetricUnit unit, gint64 *value_out);
char *expect_format_quantity (MetricUnit unit, gint64 value);

/* ">= 95%", "1..3", "= 10MB" or "10MB" for a metric of @unit. Returns NULL, or a message (transfer
 * full); then nothing is changed. */
char *expect_parse_bound (const char *text, MetricUnit unit, ScenarioOp *op_out, gint64 *value_out,
                          gint64 *value_max_out);

/* (transfer full) a text that parses to the same bound. */
char *expect_format_bound (MetricUnit unit, ScenarioOp op, gint64 value, gint64 value_max);

/* Whether @actual, in the unit of the bound, keeps to it. */
gboolean expect_holds (const ScenarioExpect *expect, gint64 actual);

G_END_DECLS
