/* SPDX-License-Identifier: Apache-2.0 */
/* fixture.h - a run with something in every table, and a place for its database. */
#pragma once

#include "reports/store.h"

/* A directory of its own that is removed, with its files, by fixture_dir_free(). */
char *fixture_dir_new (void);
void fixture_dir_free (char *dir);

/* DIR/NAME; (transfer full). */
char *fixture_path (const char *dir, const char *name);

/* A new store at DIR/results.db with one campaign "nightly". */
Store *fixture_store_new (const char *dir, gint64 *campaign_id_out);

/* The same in a directory of its own, as the fixture of a test (g_test_add()). */
typedef struct {
  char *dir;
  char *path;
  Store *store;
  gint64 campaign_id;
} FixtureStore;

void fixture_store_set_up (FixtureStore *f, gconstpointer unused);
void fixture_store_tear_down (FixtureStore *f, gconstpointer unused);

/* A run that failed one of its three expectations, of that campaign and @seed; not begun. Text
 * fields hold what XML, JSON and terminals want escaped. */
StoreRun *fixture_run_new (gint64 campaign_id, gint64 seed);

/* Adds @n_events events of no importance. */
void fixture_add_events (StoreRun *run, guint n_events);

/* Begins and finishes a fixture run; its id. */
gint64 fixture_record (Store *store, gint64 campaign_id, gint64 seed);

/* The integer that @sql gives, by a connection of its own. */
gint64 fixture_query (const char *path, const char *sql);
