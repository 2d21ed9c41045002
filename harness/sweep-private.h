/* SPDX-License-Identifier: Apache-2.0 */
/* sweep-private.h - what the files of the sweep share.
 *
 * sweep-read.c reads the group with its lists and zips, sweep-range.c expands ranges in the lists,
 * sweep-where.c finds the combinations that the conditions let through, sweep.c counts them out. */
#pragma once

#include "harness/scenario-private.h"
#include "harness/sweep.h"

G_BEGIN_DECLS

/* Most values of one parameter. */
#define SWEEP_VALUES_MAX 1000

/* ---- quantities ---- */

typedef enum {
  QUANTITY_WORD, /* no quantity: a name, a model with its parameters, ... */
  QUANTITY_COUNT,
  QUANTITY_PERCENT, /* parts per billion */
  QUANTITY_TIME,    /* ns */
  QUANTITY_RATE,    /* bit/s */
  QUANTITY_BYTES,
  QUANTITY_ENDLESS, /* "unlimited" or "never": more than any quantity */
} QuantityKind;

typedef struct {
  QuantityKind kind;
  gint64 number;
} Quantity;

/* What @text says with its unit; a word when it says no quantity. */
Quantity quantity_parse (const char *text);

/* A text that quantity_parse() reads as @quantity, which is no word. (transfer full) */
char *quantity_format (Quantity quantity);

/* "a time", "a rate", ...: for messages. (static) */
const char *quantity_kind_to_string (QuantityKind kind);

/* ---- ranges ---- */

/* Whether @text, a value of a parameter of @group, is a range and no bound of an expectation. */
gboolean sweep_is_range (const char *group, const char *text);

/* Appends all values (of char *) of the range @text to @values. Returns: (transfer full)
 * (nullable): what is wrong with it, with @values as they were. */
char *sweep_expand_range (const char *text, GPtrArray *values);

/* ---- combinations ---- */

/* How many values each parameter of @axis has. */
guint sweep_axis_length (const Scenario *scenario, guint axis);

/* How many combinations there are before any condition. */
guint sweep_count_combinations (const Scenario *scenario);

/* Sets @indices_out, one per axis, to the values that make up @combination. */
void sweep_split_combination (const Scenario *scenario, guint combination, guint *indices_out);

/* "link lte.delay"; (transfer full) */
char *sweep_get_parameter (const ScenarioSweep *sweep);

/* (nullable) the swept parameter of that name. */
const ScenarioSweep *sweep_find_parameter (const Scenario *scenario, const char *parameter);

/* Reads the conditions in @group (of @doc) and, where there are any and @is_good (no list is in
 * error), sets the scenario's sweep_points to the combinations for which they hold. Errors are
 * noted. */
void sweep_read_conditions (Scenario *scenario, const ScanDoc *doc, const ScanGroup *group,
                            gboolean is_good, ScanErrors *errors);

/* "where", or "where NAME"; likewise for "zip". */
gboolean sweep_is_keyword (const char *key, const char *keyword);

G_END_DECLS
