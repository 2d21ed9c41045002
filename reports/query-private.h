/* SPDX-License-Identifier: Apache-2.0 */
/* query-private.h - how a QueryFilter becomes SQL; for query.c and prune.c. */
#pragma once

#include "reports/query.h"
#include "reports/store-private.h"

G_BEGIN_DECLS

/* The verdict in small letters, see format_exit_class(). */
#define QUERY_VERDICT_SQL                                                                          \
  "CASE WHEN state = 'unfinished' THEN 'unfinished' WHEN exit_class = 0 THEN 'ok'"                 \
  " WHEN exit_class = 1 THEN 'failed' WHEN exit_class = 3 THEN 'unsafe'"                           \
  " WHEN exit_class = 4 THEN 'stuck' WHEN exit_class = 77 THEN 'skipped' ELSE 'error' END"

/* A condition over the tables run and campaign; its parameters are ?1 to ?6. */
#define QUERY_FILTER_SQL                                                                           \
  "(?1 IS NULL OR campaign.name = ?1) AND (?2 IS NULL OR scenario_name = ?2)"                      \
  " AND (?3 IS NULL OR policy = ?3)"                                                               \
  " AND (?4 IS NULL OR outcome = ?4 OR lower (?4) = " QUERY_VERDICT_SQL ")"                        \
  " AND (?5 = 0 OR run.started_us < ?5) AND (?6 = 0 OR exit_class NOT IN (0, 77))"

/* Binds ?1 to ?6; @filter is nullable. */
void query_bind_filter (sqlite3_stmt *stmt, const QueryFilter *filter);

G_END_DECLS
