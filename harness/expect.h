/* SPDX-License-Identifier: Apache-2.0 */
/* expect.h - the bounds of [expect] as text. Reading the group is reader_read_expects(). */
#pragma once

#include "harness/scenario.h"

G_BEGIN_DECLS

/* ">= 95%", "1..3", "= 10MB" or "10MB" for a metric of @unit. Returns NULL, or a message (transfer
 * full); then nothing is changed. */
char *expect_parse_bound (const char *text, MetricUnit unit, ScenarioOp *op_out, gint64 *value_out,
                          gint64 *value_max_out);

/* (transfer full) a text that parses to the same bound. */
char *expect_format_bound (MetricUnit unit, ScenarioOp op, gint64 value, gint64 value_max);

/* Whether @actual, in the unit of the bound, keeps to it. */
gboolean expect_holds (const ScenarioExpect *expect, gint64 actual);

G_END_DECLS
