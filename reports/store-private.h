/* SPDX-License-Identifier: Apache-2.0 */
/* store-private.h - what the files of reports/ that speak SQL share, and no other.
 *
 * store.c holds the database and its errors, store-migrate.c its schema, store-run.c the struct of
 * a run, store-write.c and query.c carry runs there and back, store-sets.c what runs share. */
#pragma once

#include "reports/store.h"

#include <sqlite3.h>

G_BEGIN_DECLS

/* The connection (borrowed). */
sqlite3 *store_get_db (Store *store);

/* The schema's version: the current one, or an earlier one when it was opened read-only. */
guint store_get_version (const Store *store);

/* This process, as identity_get_process() names it (borrowed). */
const char *store_get_process (const Store *store);

/* One thread at a time between these two. */
void store_lock (Store *store);
void store_unlock (Store *store);

/* Sets @error from @db's last error: "PATH: WHAT: why". Returns FALSE. */
gboolean store_fail (sqlite3 *db, const char *path, const char *what, GError **error);

/* Runs @sql, which returns no rows that matter. */
gboolean store_exec (Store *store, const char *sql, const char *what, GError **error);

/* Begins a transaction that may write (it waits for other writers here, and only here). */
gboolean store_begin (Store *store, const char *what, GError **error);

/* Commits when @ok, else rolls back. Returns whether all is well. */
gboolean store_end (Store *store, gboolean ok, const char *what, GError **error);

/* Returns: (transfer full): @sql compiled, or NULL with @error. */
sqlite3_stmt *store_prepare (Store *store, const char *sql, const char *what, GError **error);

/* As store_prepare(), but the statement is kept for the next time; (borrowed). @sql must live for
 * good. Whoever steps it to rows resets it when they are read. */
sqlite3_stmt *store_prepare_once (Store *store, const char *sql, const char *what, GError **error);

/* Finalizes all statements that are kept. */
void store_forget_statements (Store *store);

/* Binds the parameters ?1, ?2, ... by one letter of @types each: i int, l gint64, L gint64 where
 * -1 is NULL, t text (nullable, must live until the step), d double where NAN is NULL, b a digest,
 * B a GBytes (both must live until the step). */
void store_bind (sqlite3_stmt *stmt, const char *types, ...);

/* The same from parameter number @first on. */
void store_bind_from (sqlite3_stmt *stmt, int first, const char *types, ...);

/* Steps a statement that returns no rows, and resets it for the next. */
gboolean store_step_done (Store *store, sqlite3_stmt *stmt, const char *what, GError **error);

/* Steps a statement that returns rows: 1 a row, 0 no more, -1 with @error. */
int store_step_row (Store *store, sqlite3_stmt *stmt, const char *what, GError **error);

/* What runs alike share. */
typedef enum { STORE_SET_PARAMETERS, STORE_SET_METRICS, STORE_N_SETS } StoreSet;

/* What was written last in this transaction, so that runs alike need not look for it again. */
typedef struct {
  GString *joined; /* (owned) (nullable): all texts of the set */
  gint64 id;       /* the number of that set */
} StoreWrittenSet;

typedef struct {
  char *scenario_text; /* (owned) (nullable) */
  char *text_hash;     /* (owned) */
  StoreWrittenSet sets[STORE_N_SETS];
} StoreWritten;

StoreWritten *store_get_written (Store *store);

/* Another process may have deleted it by now. */
void store_forget (Store *store);

/* --- of store-sets.c --- */

/* The statements of a kind of sets; ?1 is the hash, or the number of the set. */
typedef struct {
  const char *find;        /* its number, by the hash */
  const char *get_hash;    /* by the number */
  const char *insert;      /* with a hash (nullable) */
  const char *select_rows; /* of a set; the first column is its number */
  const char *insert_row;  /* the same columns */
} StoreSetSql;

/* (borrowed), for good */
const StoreSetSql *store_set_get_sql (StoreSet kind);

/* Inside of a transaction: the number of @run's set, which is made when it is new. 0: it has none,
 * -1: @error. */
gint64 store_set_write (Store *store, StoreSet kind, const StoreRun *run, const char *what,
                        GError **error);

/* --- of store-write.c, inside of a transaction --- */

#define STORE_HASH_HEX_SIZE 65 /* of BLAKE2b-256, with its NUL */

/* What texts are found by. */
void store_hash (const char *text, gsize size, char hex_out[STORE_HASH_HEX_SIZE]);

/* Fills in what the caller has left out of the head of @run: start, host, build and origin. */
void store_complete_head (StoreRun *run);

/* Writes all of @run, which is over, and sets its id. */
gboolean store_write_whole (Store *store, StoreRun *run, const char *what, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (sqlite3_stmt, sqlite3_finalize)

G_END_DECLS
