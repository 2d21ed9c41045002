/* SPDX-License-Identifier: Apache-2.0 */
/* scenario-values.h - the values that link and traffic keys and `set` events share.
 *
 * Parsers return NULL and fill in *@…_out, or a message (transfer full) and leave it alone.
 * Formatters (transfer full) give text that parses to the same value. */
#pragma once

#include "config/values.h"
#include "harness/scenario.h"

G_BEGIN_DECLS

/* NULL-terminated, in the order of the enums. */
extern const char *const scenario_carrier_names[];
extern const char *const scenario_side_names[];
extern const char *const scenario_traffic_kind_names[];
extern const char *const scenario_mode_names[];
extern const char *const scenario_accept_names[];
extern const char *const scenario_verb_names[];
extern const char *const scenario_cross_names[];
extern const char *const scenario_inject_names[];

/* From 1 bit/s up, or "unlimited". */
char *value_parse_rate (const char *text, gint64 *bps_out);

/* none, uniform(T[, C]), normal(T[, C]), pareto(T[, C]). */
char *value_parse_jitter (const char *text, ScenarioJitter *jitter_out);
/* none, P, gilbert(P, R[, 1-H[, 1-K]]), four-state(...), every(N), mask(0100). */
char *value_parse_loss (const char *text, ScenarioLoss *loss_out);
/* A time, a size, or a number and "packets". */
char *value_parse_queue (const char *text, ScenarioQueue *queue_out);
/* A size, uniform(A, B), exponential(MEAN, MAX), pareto(MIN, MAX), list(A, B, ...); each size from
 * 1 byte to @max. */
char *value_parse_size (const char *text, gint64 max, ScenarioSize *size_out);

/* tail-drop, drop-head, codel[(T, T)], red(MIN, MAX, P[, gentle|plain]). */
char *value_parse_discipline (const char *text, ScenarioDiscipline *discipline_out);
/* none, SIZE, blackhole(SIZE). */
char *value_parse_mtu (const char *text, gint64 *bytes_out, gboolean *is_blackhole_out);

char *value_format_discipline (const ScenarioDiscipline *discipline);
char *value_format_mtu (gint64 bytes, gboolean is_blackhole);
char *value_format_rate (gint64 bps); /* with "unlimited" */
char *value_format_jitter (const ScenarioJitter *jitter);
char *value_format_loss (const ScenarioLoss *loss);
char *value_format_queue (const ScenarioQueue *queue);
char *value_format_size (const ScenarioSize *size);

G_END_DECLS
