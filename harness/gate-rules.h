/* SPDX-License-Identifier: Apache-2.0 */
/* gate-rules.h - which metrics `caiman diff` judges, and how strictly: the registry of metrics and
 * the [gate] of a recorded scenario as the rules of reports/diff.h.
 *
 * Without a gate of its own a metric has the scenario's default limit, and never less than an
 * amount that nobody would notice: 1 ms, 64 kB, one in a count, one percentage point. A regression
 * is what users of the connection meet: metrics of flows and of the connection. Metrics of links,
 * where lost time went, and the load of the machine in real time tell why, and so are told only. */
#pragma once

#include "reports/diff.h"

G_BEGIN_DECLS

/* Static. */
const DiffRuleFuncs *gate_rules_get (void);

G_END_DECLS
