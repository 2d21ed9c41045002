/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - a run as one line of JSON (JSON Lines), for programs.
 *
 * Keys, in this order: schema (1), scenario, hash, variant, seed, policy, testbed, outcome, exit,
 * digest, metrics {"SUBJECT.NAME": {value, unit}}, expectations [{name, bound, actual, held}].
 * What is not defined is null. A metric without a subject has its bare name. Nothing in it depends
 * on the clock of the machine: equal runs give equal lines. */
#pragma once

#include "reports/store.h"

G_BEGIN_DECLS

#define REPORT_JSON_SCHEMA 1

/* Returns: (transfer full): one object and a newline. */
char *report_json_format (const StoreRun *run);

G_END_DECLS
