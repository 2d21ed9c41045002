/* SPDX-License-Identifier: Apache-2.0 */
/* merge-private.h - what the files of a merge share.
 *
 * merge.c opens and closes, merge-run.c decides which runs come in and copies them, merge-refs.c
 * brings what they refer to: campaigns, scenarios, sets of tunables and of metrics. */
#pragma once

#include "reports/merge.h"
#include "reports/store-private.h"

G_BEGIN_DECLS

#define MERGE_WHAT "cannot merge"

/* How the rows of a table are read, by run, and written. */
typedef struct {
  char *select;
  char *insert;
  int run_column; /* which column says the run; -1: none */
} RunTable;

typedef struct {
  Store *target;
  Store *source;
  GPtrArray *tables;              /* of RunTable: those that belong to a run */
  RunTable run;                   /* and its own */
  int campaign_column;            /* in the run's row */
  int set_columns[STORE_N_SETS];  /* likewise */
  GHashTable *campaigns;          /* of the source to those of the target: both gint64, owned */
  GHashTable *sets[STORE_N_SETS]; /* likewise */
  MergeResult *result;
} Merge;

/* Column @column of @row. */
gint64 merge_integer (sqlite3_stmt *row, int column);

/* Binds all columns of the row of @from to the parameters of @to, from ?1 on. */
void merge_bind_row (sqlite3_stmt *to, sqlite3_stmt *from);

/* Copies all rows that @select (bound) of the source finds with @insert; column @column (-1: none)
 * becomes @value. */
gboolean merge_copy_rows (Merge *merge, sqlite3_stmt *select, sqlite3_stmt *insert, int column,
                          gint64 value, GError **error);

/* The target has the source's campaign, scenario or set from now on; numbers change. */
gboolean merge_map_campaign (Merge *merge, gint64 from, gint64 *to_out, GError **error);
gboolean merge_map_set (Merge *merge, StoreSet kind, gint64 from, gint64 *to_out, GError **error);
gboolean merge_copy_scenario (Merge *merge, const char *text_hash, GError **error);

/* Finds out which tables belong to a run, in @merge's target. */
gboolean merge_look_at_schema (Merge *merge, GError **error);

/* Brings in the runs of the source that are not there. */
gboolean merge_runs (Merge *merge, GError **error);

/* Frees what merge_look_at_schema() has found. */
void merge_forget_schema (Merge *merge);

G_END_DECLS
