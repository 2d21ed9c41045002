/* SPDX-License-Identifier: Apache-2.0 */
/* prune.h - deletes runs and gives their space back to the file system. */
#pragma once

#include "reports/query.h"

G_BEGIN_DECLS

typedef struct {
  gint64 n_runs;      /* deleted, or that would be */
  gint64 n_campaigns; /* deleted with them, because no run was left */
  gint64 freed_bytes; /* how much smaller the database became; 0 in a dry run */
} PruneResult;

/* Deletes all runs that meet every criterion of @filter, in one transaction, and the campaigns that
 * have ended (or that the filter's name or age fits) and have no run any more. With @dry_run it
 * only counts. A run that is being executed right now can be hit when the filter fits it; its
 * store_run_finish() then reports STORE_ERROR_NOT_FOUND. */
gboolean prune_runs (Store *store, const QueryFilter *filter, gboolean dry_run,
                     PruneResult *result_out, GError **error);

G_END_DECLS
