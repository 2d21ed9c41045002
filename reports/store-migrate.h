/* SPDX-License-Identifier: Apache-2.0 */
/* store-migrate.h - brings a database's schema up to date, step by step.
 *
 * The version is PRAGMA user_version; step n of the list leads from version n to n + 1. All steps
 * that are missing run in one transaction: a database is wholly at one version. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/* PRAGMA application_id of every store: "caim". */
#define STORE_APPLICATION_ID 0x6361696d

/* Databases from this version on can be read as they are: what came later are tables and columns of
 * their own, and readers ask for the version before they look for one. */
#define STORE_VERSION_READABLE 1

/* The version that brought the table trace_block. */
#define STORE_VERSION_TRACE 2

/* The version that brought build, origin and process of a run, and plans of campaigns. */
#define STORE_VERSION_ORIGIN 3

typedef struct {
  const char *sql;      /* SQL, or NULL for */
  const char *resource; /* the path of a GResource that holds it */
} StoreMigration;

/* The steps of this build, and their number: the current version. */
const StoreMigration *store_migrate_get_steps (guint *n_steps_out);

/* Brings @db (named @path in messages) to version @n_steps. A database at that version is left
 * alone; an empty one becomes a store; a later version, another application's database or a
 * failing step is an error, with the database as it was. */
gboolean store_migrate (sqlite3 *db, const char *path, const StoreMigration *steps, guint n_steps,
                        GError **error);

/* As store_migrate(), but only looks: a version that is not between @oldest and @n_steps is an
 * error. */
gboolean store_migrate_check (sqlite3 *db, const char *path, guint oldest, guint n_steps,
                              guint *version_out, GError **error);

G_END_DECLS
