/* SPDX-License-Identifier: Apache-2.0 */
/* merge.h - puts the runs of several databases into one: shards of a sweep, machines, days.
 *
 * What is the same comes in once: a run that is there already (by its origin, the name that it has
 * in all databases), one that the simulator has made alike from the same key (store-batch.h),
 * scenarios, sets of tunables, campaigns of one plan. Runs get new numbers, in the order of the
 * sources. */
#pragma once

#include "reports/store.h"

G_BEGIN_DECLS

typedef struct {
  gint64 n_added;       /* runs */
  gint64 n_known;       /* were there already */
  gint64 n_unfinished;  /* left out: there is nothing of them but their begin */
  GPtrArray *conflicts; /* of char *, owned: a line for each run that differs from one of its key in
                           the deterministic simulator */
} MergeResult;

/* Adds all finished runs of the databases at @sources (NULL-terminated), of any version, to that at
 * @target, which is made when it is missing. It works as a whole, or leaves @target as it was: also
 * when there are conflicts, which are no @error but are in @result_out. The sources are not
 * changed.
 */
gboolean merge_stores (const char *target, char **sources, MergeResult *result_out, GError **error);

void merge_result_clear (MergeResult *result);

G_END_DECLS
