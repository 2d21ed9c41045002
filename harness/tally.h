/* SPDX-License-Identifier: Apache-2.0 */
/* tally.h - many runs in one table: a row for each scenario, point of its sweep, policy and flow,
 * with the verdicts, and median and worst of the main metrics over the seeds. */
#pragma once

#include "reports/store.h"

G_BEGIN_DECLS

typedef struct _Tally Tally;

Tally *tally_new (void);
void tally_free (Tally *tally);

/* Counts @run, with those of its metrics that tally_wants(). */
void tally_add (Tally *tally, const StoreRun *run);

/* Whether a table has a column for that metric. */
gboolean tally_wants (const StoreMetric *metric);

guint tally_count_rows (const Tally *tally);

/* The table, rows in the order in which they came up first; of more than @rows_max (0: no bound)
 * the rest is left out, which the last line says. Columns that say the same in all rows are left
 * out. (transfer full) */
char *tally_format (const Tally *tally, guint rows_max, gboolean colour);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Tally, tally_free)

G_END_DECLS
