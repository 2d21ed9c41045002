/* SPDX-License-Identifier: Apache-2.0 */
/* test-migrate.c - a database of any earlier version becomes one of this version, whole or not at
 * all. */
#include "tests/reports/fixture.h"
#include "reports/query.h"
#include "reports/store-migrate.h"
#include "reports/store-private.h"

#include <math.h>

static const StoreMigration steps[] = {
  { .sql = "CREATE TABLE t (a INTEGER) STRICT" },
  { .sql = "ALTER TABLE t ADD COLUMN b INTEGER; UPDATE t SET b = a * 2" },
  { .sql = "UPDATE t SET a = 0; INSERT INTO nowhere VALUES (1)" },
};

typedef struct {
  char *dir;
  char *path;
  sqlite3 *db;
} Fixture;

static void
set_up (Fixture *f, gconstpointer unused)
{
  f->dir = fixture_dir_new ();
  f->path = fixture_path (f->dir, "results.db");
  g_assert_cmpint (sqlite3_open (f->path, &f->db), ==, SQLITE_OK);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  sqlite3_close (f->db);
  g_free (f->path);
  fixture_dir_free (f->dir);
}

static void
exec (Fixture *f, const char *sql)
{
  g_assert_cmpint (sqlite3_exec (f->db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
}

static void
test_step_by_step (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  guint version;
  g_assert_true (store_migrate (f->db, f->path, steps, 1, &error));
  g_assert_cmpint (fixture_query (f->path, "PRAGMA user_version"), ==, 1);
  g_assert_cmpint (fixture_query (f->path, "PRAGMA application_id"), ==, STORE_APPLICATION_ID);
  exec (f, "INSERT INTO t VALUES (21)");

  g_assert_false (store_migrate_check (f->db, f->path, 2, 2, &version, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_TOO_OLD);
  g_clear_error (&error);
  g_assert_true (store_migrate_check (f->db, f->path, 1, 2, &version, &error));
  g_assert_cmpuint (version, ==, 1);

  g_assert_true (store_migrate (f->db, f->path, steps, 2, &error));
  g_assert_true (store_migrate (f->db, f->path, steps, 2, &error)); /* again: nothing to do */
  g_assert_true (store_migrate_check (f->db, f->path, 2, 2, &version, &error));
  g_assert_cmpuint (version, ==, 2);
  g_assert_cmpint (fixture_query (f->path, "PRAGMA user_version"), ==, 2);
  g_assert_cmpint (fixture_query (f->path, "SELECT b FROM t"), ==, 42);
}

static void
test_all_steps_at_once (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_assert_true (store_migrate (f->db, f->path, steps, 2, &error));
  g_assert_cmpint (fixture_query (f->path, "PRAGMA user_version"), ==, 2);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (b) FROM t"), ==, 0);
}

static void
test_failing_step (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_assert_true (store_migrate (f->db, f->path, steps, 1, &error));
  exec (f, "INSERT INTO t VALUES (21)");
  g_assert_false (store_migrate (f->db, f->path, steps, 3, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_FAILED);
  g_assert_cmpint (fixture_query (f->path, "PRAGMA user_version"), ==, 1);
  g_assert_cmpint (fixture_query (f->path, "SELECT a FROM t"), ==, 21);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM pragma_table_info ('t')"), ==, 1);
}

static void
test_too_new (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  guint version;
  g_assert_true (store_migrate (f->db, f->path, steps, 2, &error));
  g_assert_false (store_migrate (f->db, f->path, steps, 1, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_TOO_NEW);
  g_clear_error (&error);
  g_assert_false (store_migrate_check (f->db, f->path, 1, 1, &version, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_TOO_NEW);
}

/* Another application's database is refused and left as it was. */
static void
test_other_database (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  exec (f, "CREATE TABLE theirs (a)");
  g_assert_null (store_open (f->path, STORE_OPEN_CREATE, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_NOT_A_STORE);
  g_clear_error (&error);
  g_assert_null (store_open (f->path, STORE_OPEN_READ_ONLY, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_NOT_A_STORE);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM sqlite_schema"), ==, 1);
  g_assert_cmpint (fixture_query (f->path, "SELECT journal_mode = 'delete'"
                                           " FROM pragma_journal_mode"),
                   ==, 1);
  exec (f, "PRAGMA application_id = 7; PRAGMA user_version = 1");
  g_clear_error (&error);
  g_assert_null (store_open (f->path, STORE_OPEN_WRITE, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_NOT_A_STORE);
}

/* Run 7 can be read from a database of @version, and reading leaves it at that. */
static void
assert_readable (Fixture *f, int version)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Store) store = store_open (f->path, STORE_OPEN_READ_ONLY, &error);
  g_assert_no_error (error);
  g_autoptr (StoreRun) run = query_load_run (store, 7, QUERY_ALL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (run->seed, ==, 3);
  g_assert_cmpuint (run->parameters->len, ==, 1);
  g_assert_cmpuint (run->trace_blocks->len, ==, 0);
  g_assert_cmpuint (run->link_samples->len, ==, 1);
  const StoreLinkSample *sample = &g_array_index (run->link_samples, StoreLinkSample, 0);
  g_assert_cmpint (sample->queue_bytes, ==, 77);
  g_assert_null (sample->hold); /* not known */
  g_assert_cmpint (fixture_query (f->path, "PRAGMA user_version"), ==, version);
}

/* What step 3 makes of the runs of test_real_store(): names that are the same in every copy, and
 * tunables that are read as before. */
static void
assert_version_3 (Fixture *f)
{
  g_assert_cmpint (fixture_query (f->path, "SELECT origin = 'h/7/5' FROM run WHERE id = 7"), ==, 1);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM run WHERE build_id IS NULL"), ==,
                   4);
  g_assert_cmpint (fixture_query (f->path, "SELECT value FROM parameter WHERE run_id = 7"), ==, 9);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM parameter WHERE run_id = 8"), ==,
                   0);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM pragma_foreign_key_check"), ==,
                   0);
}

/* What step 6 makes of their metrics: what was measured in both is named once, values and order
 * stay.
 */
static void
assert_version_6 (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Store) store = store_open (f->path, STORE_OPEN_READ_ONLY, &error);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM metric_set"), ==, 2);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM metric_name"), ==, 2 + 1);
  g_assert_cmpint (fixture_query (f->path, "SELECT metric_set FROM run WHERE id = 8"), ==, 7);
  g_assert_cmpint (fixture_query (f->path, "SELECT metric_set FROM run WHERE id = 9"), ==, 9);
  g_assert_cmpint (fixture_query (f->path, "SELECT metric_set IS NULL FROM run WHERE id = 10"), ==,
                   1);
  g_autoptr (StoreRun) run = query_load_run (store, 8, QUERY_RESULTS, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (run->metrics->len, ==, 2);
  const StoreMetric *first = &g_array_index (run->metrics, StoreMetric, 0);
  g_assert_cmpstr (first->name, ==, "x"); /* as they were shown, not by name */
  g_assert_cmpstr (first->unit, ==, "ns");
  g_assert_cmpfloat (first->value, ==, 1.5);
  g_assert_true (isnan (store_run_get_metric (run, STORE_SUBJECT_FLOW, "up", "a")));
  g_assert_cmpint (fixture_query (f->path, "SELECT value FROM metric WHERE run_id = 9"), ==, 3);
}

/* A database of version 1 with a run in it, as this and every later build must be able to open it.
 */
static void
test_real_store (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  guint n_steps;
  const StoreMigration *real = store_migrate_get_steps (&n_steps);
  g_assert_true (store_migrate (f->db, f->path, real, 1, &error));
  exec (f, "INSERT INTO campaign VALUES (1, 'c', '', 'h', 1, NULL);"
           "INSERT INTO scenario VALUES ('t', '[scenario]');"
           "INSERT INTO run VALUES (7, 1, 's', 'hash', 't', NULL, 3, 'adaptive', 'sim', 'g', 'h',"
           " 'finished', 5, 'survives', 0, 'd', 1, 2, 3);"
           "INSERT INTO run SELECT 8, campaign_id, scenario_name, scenario_hash, text_hash,"
           " variant, 4, policy, testbed, git_id, host, state, 6, outcome, exit_class, digest,"
           " wall_ns, simulated_ns, n_events FROM run;"
           "INSERT INTO parameter VALUES (7, 'client', 'ping-timeout', '9', 'ns');"
           "INSERT INTO run SELECT id + 2, campaign_id, scenario_name, scenario_hash, text_hash,"
           " variant, seed + 2, policy, testbed, git_id, host, state, started_us + 2, outcome,"
           " exit_class, digest, wall_ns, simulated_ns, n_events FROM run;"
           "INSERT INTO metric VALUES (7, 'flow', 'up', 'a', 2.5, 'bytes', 1),"
           " (7, 'flow', 'up', 'x', NULL, 'ns', 0), (8, 'flow', 'up', 'x', 1.5, 'ns', 0),"
           " (8, 'flow', 'up', 'a', NULL, 'bytes', 1), (9, 'flow', 'up', 'x', 3, 'ns', 0);"
           "INSERT INTO link_sample VALUES (7, 0, 'client', 1, 'working', 1, 2, 3, 4, 5, 6, 77)");
  assert_readable (f, 1);
  g_autoptr (Store) store = store_open (f->path, STORE_OPEN_WRITE, &error);
  g_assert_no_error (error);
  g_assert_nonnull (store);
  g_assert_cmpint (fixture_query (f->path, "PRAGMA user_version"), ==, (int)n_steps);
  g_assert_cmpint (fixture_query (f->path, "SELECT seed FROM run WHERE id = 7"), ==, 3);
  assert_readable (f, (int)n_steps);
  assert_version_3 (f);
  assert_version_6 (f);
}

/* Each column says what it means, and no table forgets STRICT. */
static guint
count_commented_columns (const char *name)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "..", "..", "reports", name, NULL);
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  gboolean in_table = FALSE;
  guint n_columns = 0;
  for (guint i = 0; lines[i]; i++) {
    if (g_str_has_prefix (lines[i], "CREATE TABLE")) {
      in_table = TRUE;
      continue;
    }
    if (g_str_has_prefix (lines[i], ")"))
      g_assert_true (!in_table || g_str_has_prefix (lines[i], ") STRICT"));
    if (lines[i][0] != ' ')
      in_table = FALSE;
    if (!in_table || g_str_has_prefix (lines[i], "  PRIMARY KEY") ||
        g_str_has_prefix (lines[i], "  UNIQUE"))
      continue;
    n_columns++;
    if (!strstr (lines[i], " -- "))
      g_error ("%s:%u: a column without a comment", name, i + 1);
  }
  return n_columns;
}

static void
test_schema_is_commented (void)
{
  g_assert_cmpuint (count_commented_columns ("schema.sql"), >, 80);
  g_assert_cmpuint (count_commented_columns ("schema-2.sql"), ==, 4);
  g_assert_cmpuint (count_commented_columns ("schema-3.sql"), ==, 7);
  g_assert_cmpuint (count_commented_columns ("schema-4.sql"), ==, 11);
  g_assert_cmpuint (count_commented_columns ("schema-5.sql"), ==, 18);
  g_assert_cmpuint (count_commented_columns ("schema-6.sql"), ==, 11);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add (path, Fixture, NULL, set_up, test, tear_down)
  ADD ("/reports/migrate/step-by-step", test_step_by_step);
  ADD ("/reports/migrate/all-steps-at-once", test_all_steps_at_once);
  ADD ("/reports/migrate/failing-step", test_failing_step);
  ADD ("/reports/migrate/too-new", test_too_new);
  ADD ("/reports/migrate/other-database", test_other_database);
  ADD ("/reports/migrate/real-store", test_real_store);
  g_test_add_func ("/reports/migrate/schema-is-commented", test_schema_is_commented);
  return g_test_run ();
}
