/* SPDX-License-Identifier: Apache-2.0 */
/* test-merge.c - several databases into one: everything once, or nothing. */
#include "reports/merge.h"

#include "reports/query.h"
#include "reports/store-batch.h"
#include "reports/store-migrate.h"
#include "tests/reports/fixture.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>

typedef struct {
  char *dir, *a, *b, *target;
} Fixture;

/* A database at @path with a campaign of @plan and runs of seeds @first to @last. */
static void
make_database (const char *path, const char *plan, gint64 first, gint64 last)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Store) store = store_open (path, STORE_OPEN_CREATE, &error);
  gint64 campaign_id;
  g_assert_no_error (error);
  g_assert_true (store_campaign_resume (store, "sweep", plan, "c", &campaign_id, &error));
  for (gint64 seed = first; seed <= last; seed++)
    fixture_record (store, campaign_id, seed);
  g_assert_true (store_campaign_end (store, campaign_id, &error));
}

static void
set_up (Fixture *f, gconstpointer unused)
{
  f->dir = fixture_dir_new ();
  f->a = fixture_path (f->dir, "a.db");
  f->b = fixture_path (f->dir, "b.db");
  f->target = fixture_path (f->dir, "all.db");
  make_database (f->a, "p", 1, 3);
  make_database (f->b, "p", 4, 5);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  g_free (f->a);
  g_free (f->b);
  g_free (f->target);
  fixture_dir_free (f->dir);
}

static void
exec (const char *path, const char *sql)
{
  sqlite3 *db;
  char *message = NULL;
  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  sqlite3_exec (db, sql, NULL, NULL, &message);
  g_assert_cmpstr (message, ==, NULL);
  sqlite3_close (db);
}

/* Merges @first and @second (nullable) and expects so many runs to be added and known. */
static void
merge (Fixture *f, const char *first, const char *second, gint64 n_added, gint64 n_known)
{
  g_autoptr (GError) error = NULL;
  char *sources[] = { (char *)first, (char *)second, NULL };
  MergeResult result;
  g_assert_true (merge_stores (f->target, sources, &result, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (result.conflicts->len, ==, 0);
  g_assert_cmpint (result.n_added, ==, n_added);
  g_assert_cmpint (result.n_known, ==, n_known);
  merge_result_clear (&result);
  g_assert_cmpint (fixture_query (f->target, "SELECT count (*) FROM pragma_foreign_key_check"), ==,
                   0);
}

static void
test_merge (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  merge (f, f->a, f->b, 5, 0);
  g_assert_cmpint (fixture_query (f->target, "SELECT count (*) FROM campaign"), ==, 1);
  g_assert_cmpint (fixture_query (f->target, "SELECT count (*) FROM scenario"), ==, 1);
  g_assert_cmpint (fixture_query (f->target, "SELECT count (*) FROM parameter_set"), ==, 1);
  g_assert_cmpint (fixture_query (f->target, "SELECT count (*) FROM metric_set"), ==, 1);
  /* Again, and in parts: nothing. */
  merge (f, f->a, f->b, 0, 5);
  merge (f, f->b, NULL, 0, 2);
  g_assert_cmpint (fixture_query (f->target, "SELECT max (id) FROM run"), ==, 5);

  /* All of a run has come along. */
  g_autoptr (Store) store = store_open (f->target, STORE_OPEN_READ_ONLY, &error);
  g_autoptr (Store) source = store_open (f->b, STORE_OPEN_READ_ONLY, &error);
  g_autoptr (StoreRun) run = query_load_run (store, 5, QUERY_ALL, &error);
  g_autoptr (StoreRun) original = query_load_run (source, 2, QUERY_ALL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (run->seed, ==, 5);
  g_assert_cmpstr (run->origin, ==, original->origin);
  g_assert_cmpstr (run->scenario_text, ==, original->scenario_text);
  g_assert_cmpuint (run->metrics->len, ==, original->metrics->len);
  g_assert_cmpuint (run->events->len, ==, original->events->len);
  g_assert_cmpuint (run->parameters->len, ==, original->parameters->len);
  g_assert_cmpuint (run->trace_blocks->len, ==, original->trace_blocks->len);
  g_assert_cmpuint (run->link_samples->len, ==, original->link_samples->len);
  g_assert_cmpuint (run->checkpoints->len, ==, original->checkpoints->len);
  g_assert_cmpuint (run->expectations->len, ==, original->expectations->len);
}

/* A simulated run that was made twice is one; in real time each counts. */
/* What was compared in a campaign goes with it, once. */
static void
test_validation (Fixture *f, gconstpointer unused)
{
  exec (f->b,
        "INSERT INTO validation VALUES (1, 0, 's', 'flow', 'upload', 'goodput', 'bit/s', 0, 15,"
        " 3, 9.5, 10, 9, 10, 9, 11, 1, 1)");
  merge (f, f->b, NULL, 2, 0);
  merge (f, f->b, NULL, 0, 2);
  g_assert_cmpint (fixture_query (f->target, "SELECT count (*) FROM validation"), ==, 1);
  g_assert_cmpint (fixture_query (f->target, "SELECT round (100 * error) FROM validation_error"),
                   ==, -5);
  g_assert_cmpint (fixture_query (f->target, "SELECT used < 0.51 AND used > 0.49 AND lab_max = 11"
                                             " FROM validation_error NATURAL JOIN validation"),
                   ==, 1);
}

static void
test_same_run_made_twice (Fixture *f, gconstpointer unused)
{
  g_autofree char *again = fixture_path (f->dir, "again.db");
  make_database (again, "p", 2, 4);
  merge (f, f->a, again, 4, 2);
  exec (again, "UPDATE run SET testbed = 'tcp'");
  merge (f, again, NULL, 2, 1); /* one has come in under its own name before */
}

/* A run that is not over is nothing yet. When it is, it comes in. */
static void
test_unfinished (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  char *sources[] = { f->a, NULL };
  MergeResult result;
  exec (f->a, "UPDATE run SET state = 'unfinished' WHERE id = 2");
  g_assert_true (merge_stores (f->target, sources, &result, &error));
  g_assert_cmpint (result.n_added, ==, 2);
  g_assert_cmpint (result.n_unfinished, ==, 1);
  merge_result_clear (&result);
  exec (f->a, "UPDATE run SET state = 'finished' WHERE id = 2");
  merge (f, f->a, NULL, 1, 2);
}

/* Campaigns without a plan stay apart; of one with a plan there is one, from begin to end. */
static void
test_campaigns (Fixture *f, gconstpointer unused)
{
  exec (f->a, "UPDATE campaign SET plan = NULL, started_us = 5");
  exec (f->b, "UPDATE campaign SET plan = NULL, started_us = 6");
  merge (f, f->a, f->b, 5, 0);
  merge (f, f->a, f->b, 0, 5);
  g_assert_cmpint (fixture_query (f->target, "SELECT count (*) FROM campaign"), ==, 2);
  g_unlink (f->target);
  exec (f->a, "UPDATE campaign SET plan = 'p', started_us = 5, ended_us = 9");
  exec (f->b, "UPDATE campaign SET plan = 'p', started_us = 4, ended_us = 8");
  merge (f, f->a, f->b, 5, 0);
  g_assert_cmpint (fixture_query (f->target, "SELECT count (*) FROM campaign WHERE started_us = 4"
                                             " AND ended_us = 9"),
                   ==, 1);
}

static void
expect_conflict (Fixture *f, const char *source, const char *part)
{
  g_autoptr (GError) error = NULL;
  char *sources[] = { f->b, (char *)source, NULL };
  MergeResult result;
  g_assert_true (merge_stores (f->target, sources, &result, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (result.conflicts->len, ==, 1);
  g_assert_nonnull (strstr (result.conflicts->pdata[0], part));
  merge_result_clear (&result);
}

/* Two digests of one key: nothing is merged, also not what came before it. */
static void
test_conflict (Fixture *f, gconstpointer unused)
{
  g_autofree char *other = fixture_path (f->dir, "other.db");
  make_database (other, "p", 2, 2);
  exec (other, "UPDATE run SET digest = 'beef'");
  merge (f, f->a, NULL, 3, 0);
  expect_conflict (f, other, "seed 2, adaptive) has digest beef");
  g_assert_cmpint (fixture_query (f->target, "SELECT count (*) FROM run"), ==, 3);
  /* The same name for two things is no better. */
  exec (f->a, "UPDATE run SET digest = 'dead' WHERE id = 1");
  expect_conflict (f, f->a, "seed 1, adaptive) has digest dead");
  /* A target that was not there is not there after it. */
  g_unlink (f->target);
  char *sources[] = { f->a, other, NULL };
  g_autoptr (GError) error = NULL;
  MergeResult result;
  g_assert_true (merge_stores (f->target, sources, &result, &error));
  g_assert_cmpuint (result.conflicts->len, ==, 1);
  merge_result_clear (&result);
  g_assert_false (g_file_test (f->target, G_FILE_TEST_EXISTS));
  /* Other binaries may differ. */
  exec (other, "UPDATE run SET build_id = 'another'");
  merge (f, f->b, other, 3, 0);
}

/* Of the versions before: brought up to date in a copy, and the same in every copy. */
static void
test_older_version (Fixture *f, gconstpointer unused)
{
  g_autofree char *old = fixture_path (f->dir, "old.db");
  g_autoptr (GError) error = NULL;
  guint n_steps;
  sqlite3 *db;
  g_assert_cmpint (sqlite3_open (old, &db), ==, SQLITE_OK);
  g_assert_true (store_migrate (db, old, store_migrate_get_steps (&n_steps), 1, &error));
  sqlite3_close (db);
  exec (old, "INSERT INTO campaign VALUES (1, 'c', '', 'h', 1, NULL);"
             "INSERT INTO scenario VALUES ('t', '[scenario]');"
             "INSERT INTO run VALUES (7, 1, 's', 'hash', 't', NULL, 3, 'adaptive', 'sim', 'g', 'h',"
             " 'finished', 5, 'survives', 0, 'd', 1, 2, 3);"
             "INSERT INTO parameter VALUES (7, 'client', 'ping-timeout', '9', 'ns')");
  merge (f, old, f->a, 4, 0);
  merge (f, old, NULL, 0, 1);
  g_assert_cmpint (fixture_query (old, "PRAGMA user_version"), ==, 1);
  g_assert_cmpint (fixture_query (f->target, "SELECT value FROM parameter WHERE run_id = 1"), ==,
                   9);
  g_assert_cmpint (fixture_query (f->target, "SELECT seed FROM run WHERE id = 1"), ==, 3);
}

static void
test_errors (Fixture *f, gconstpointer unused)
{
  g_autofree char *text = fixture_path (f->dir, "text.db");
  g_assert_true (g_file_set_contents (text, "no database at all, but long enough", -1, NULL));
  const struct {
    const char *source;
    StoreError code;
  } cases[] = { { "/nonexistent/x.db", STORE_ERROR_CANNOT_OPEN },
                { text, STORE_ERROR_NOT_A_STORE },
                { f->target, STORE_ERROR_CANNOT_OPEN } };
  merge (f, f->a, NULL, 3, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    char *sources[] = { f->b, (char *)cases[i].source, NULL };
    MergeResult result;
    g_assert_false (merge_stores (f->target, sources, &result, &error));
    g_assert_error (error, STORE_ERROR, (int)cases[i].code);
    merge_result_clear (&result);
    g_assert_cmpint (fixture_query (f->target, "SELECT count (*) FROM run"), ==, 3);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add (path, Fixture, NULL, set_up, test, tear_down)
  ADD ("/reports/merge/merge", test_merge);
  ADD ("/reports/merge/validation", test_validation);
  ADD ("/reports/merge/same-run-made-twice", test_same_run_made_twice);
  ADD ("/reports/merge/unfinished", test_unfinished);
  ADD ("/reports/merge/campaigns", test_campaigns);
  ADD ("/reports/merge/conflict", test_conflict);
  ADD ("/reports/merge/older-version", test_older_version);
  ADD ("/reports/merge/errors", test_errors);
  return g_test_run ();
}
