/* SPDX-License-Identifier: Apache-2.0 */
/* query.h - reads runs back from the store. */
#pragma once

#include "reports/store.h"

G_BEGIN_DECLS

/* Which runs; a NULL or 0 leaves its criterion out. */
typedef struct {
  const char *campaign; /* its name */
  const char *scenario; /* its name */
  const char *policy;
  const char *outcome;  /* or the verdict, in small or capital letters: "failed", "unfinished" */
  gint64 older_than_us; /* began before this real time */
  gboolean only_failed; /* exit class neither 0 nor 77 */
} QueryFilter;

/* A run as a list shows it. */
typedef struct {
  StoreRun *run;    /* (owned) without rows */
  char *campaign;   /* (owned) its name */
  guint n_held;     /* expectations */
  guint n_not_held; /* expectations */
} QueryListEntry;

/* Accepts NULL. */
void query_list_entry_free (QueryListEntry *entry);

/* The newest @limit (0: all) runs that @filter (nullable) lets through, oldest first.
 * Returns: (transfer full) (element-type QueryListEntry): or NULL with @error. */
GPtrArray *query_list_runs (Store *store, const QueryFilter *filter, guint limit, GError **error);

/* What query_load_run() reads beside the row of the run itself. */
typedef enum {
  QUERY_HEAD = 0,
  QUERY_RESULTS = 1 << 3, /* metrics and expectations */
  QUERY_REST = 1 << 0,    /* parameters, links, flows, events, checkpoints */
  QUERY_TABLES = QUERY_RESULTS | QUERY_REST,
  QUERY_SAMPLES = 1 << 1, /* link and flow samples */
  QUERY_TRACE = 1 << 2,   /* the blocks of trace events; none in a database of version 1 */
  QUERY_ALL = QUERY_TABLES | QUERY_SAMPLES | QUERY_TRACE,
} QueryParts;

/* One run as it was recorded. For a replay: scenario text, seed, policy, testbed, variant, digest
 * and checkpoints are all there with QUERY_TABLES, the trace events with QUERY_TRACE. Returns:
 * (transfer full): or NULL with STORE_ERROR_NOT_FOUND or another error. */
StoreRun *query_load_run (Store *store, gint64 run_id, QueryParts parts, GError **error);

/* The number of the newest run; STORE_ERROR_NOT_FOUND when there is none. */
gboolean query_get_last_run (Store *store, gint64 *run_id_out, GError **error);

/* The name of a campaign. Returns: (transfer full): or NULL with @error. */
char *query_get_campaign_name (Store *store, gint64 campaign_id, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (QueryListEntry, query_list_entry_free)

G_END_DECLS
