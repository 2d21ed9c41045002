/* SPDX-License-Identifier: Apache-2.0 */
/* test-batch.c - many runs at once, each once: what a resumed sweep relies on. */
#include "reports/identity.h"
#include "reports/query.h"
#include "reports/store-batch.h"
#include "tests/reports/fixture.h"

#include <sqlite3.h>

static void
free_run (gpointer run)
{
  store_run_free (run);
}

/* Runs of seeds 1 to @n. */
static GPtrArray *
make_runs (FixtureStore *f, gint64 n)
{
  GPtrArray *runs = g_ptr_array_new_with_free_func (free_run);
  for (gint64 seed = 1; seed <= n; seed++)
    g_ptr_array_add (runs, fixture_run_new (f->campaign_id, seed));
  return runs;
}

static gint64
find (FixtureStore *f, const StoreRun *run)
{
  g_autoptr (GError) error = NULL;
  gint64 id = -1;
  g_assert_true (store_find_run (f->store, run, &id, &error));
  return id;
}

/* What goes in together is what goes in one by one. */
static void
test_same_as_single (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) runs = make_runs (f, 1);
  gint64 single = fixture_record (f->store, f->campaign_id, 1);
  g_assert_true (store_record_runs (f->store, runs, FALSE, &error));
  StoreRun *run = runs->pdata[0];
  g_assert_true (run->finished);
  g_assert_cmpint (run->id, ==, single + 1);
  static const char *const tables[] = { "link",        "flow",     "metric",     "link_sample",
                                        "flow_sample", "event",    "checkpoint", "trace_block",
                                        "expectation", "parameter" };
  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++) {
    g_autofree char *sql = g_strdup_printf (
        "SELECT sum (run_id = 1) > 0 AND sum (run_id = 1) = sum (run_id = 2) FROM %s", tables[i]);
    g_assert_cmpint (fixture_query (f->path, sql), ==, 1);
  }
  g_assert_cmpint (fixture_query (f->path, "SELECT count (DISTINCT digest || outcome || exit_class"
                                           " || wall_ns || simulated_ns || n_events || state"
                                           " || parameter_set || metric_set) FROM run"),
                   ==, 1);
  g_autoptr (StoreRun) read = query_load_run (f->store, run->id, QUERY_RESULTS, &error);
  g_assert_cmpuint (read->metrics->len, ==, run->metrics->len);
  g_assert_cmpuint (read->expectations->len, ==, run->expectations->len);
  g_assert_cmpuint (read->events->len, ==, 0);
}

/* More metrics than go into one statement, and a number that is no multiple of it. */
static void
test_many_metrics (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) runs = make_runs (f, 3);
  StoreRun *run = runs->pdata[1];
  guint n = run->metrics->len;
  for (int i = 0; i < 90; i++) {
    g_autofree char *name = g_strdup_printf ("m%d", i);
    store_run_add_metric (run, STORE_SUBJECT_RUN, "", name, i, "count");
  }
  g_assert_true (store_record_runs (f->store, runs, TRUE, &error));
  g_autoptr (StoreRun) read = query_load_run (f->store, run->id, QUERY_RESULTS, &error);
  g_assert_cmpuint (read->metrics->len, ==, n + 90);
  g_assert_cmpfloat (store_run_get_metric (read, STORE_SUBJECT_RUN, "", "m89"), ==, 89);
}

static void
test_once (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) runs = make_runs (f, 4);
  g_autoptr (GPtrArray) more = make_runs (f, 6);
  g_autoptr (GPtrArray) again = make_runs (f, 2);
  gboolean has_own = TRUE;
  g_assert_true (store_has_own_runs (f->store, &has_own, &error) && !has_own);
  g_assert_cmpint (find (f, runs->pdata[0]), ==, 0);
  g_assert_true (store_record_runs (f->store, runs, TRUE, &error));
  g_assert_true (store_has_own_runs (f->store, &has_own, &error) && has_own);
  g_assert_cmpint (find (f, more->pdata[3]), ==, 4);
  g_assert_true (store_record_runs (f->store, more, TRUE, &error));
  g_assert_cmpint (((StoreRun *)more->pdata[3])->id, ==, 4);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM run"), ==, 6);
  g_assert_true (store_record_runs (f->store, again, FALSE, &error));
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM run"), ==, 8);
  g_assert_cmpint (find (f, runs->pdata[1]), ==, 8); /* the newest */
}

/* One other fact of the key is another run. */
static void
test_key (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  fixture_record (f->store, f->campaign_id, 1);
  static const gsize texts[] = { G_STRUCT_OFFSET (StoreRun, scenario_name),
                                 G_STRUCT_OFFSET (StoreRun, scenario_hash),
                                 G_STRUCT_OFFSET (StoreRun, variant),
                                 G_STRUCT_OFFSET (StoreRun, testbed),
                                 G_STRUCT_OFFSET (StoreRun, build_id) };
  g_autoptr (StoreRun) same = fixture_run_new (f->campaign_id, 1);
  g_autoptr (StoreRun) seed = fixture_run_new (f->campaign_id, 2);
  g_assert_cmpint (find (f, same), ==, 1);
  g_assert_cmpint (find (f, seed), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (StoreRun) other = fixture_run_new (f->campaign_id, 1);
    G_STRUCT_MEMBER (const char *, other, texts[i]) = "other";
    g_assert_cmpint (find (f, other), ==, 0);
  }
  /* What failed for a reason of its own is worth another try. */
  g_autoptr (StoreRun) failed = fixture_run_new (f->campaign_id, 3);
  failed->exit_class = 70;
  g_assert_true (store_run_begin (f->store, failed, &error));
  g_assert_cmpint (find (f, failed), ==, 0); /* unfinished */
  g_assert_true (store_run_finish (f->store, failed, &error));
  g_assert_cmpint (find (f, failed), ==, 0);
}

/* Unfinished rows of dead processes are replaced, those of living ones stay. */
static void
test_dead_runs (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) runs = make_runs (f, 2);
  for (gint64 seed = 1; seed <= 3; seed++) {
    g_autoptr (StoreRun) begun = fixture_run_new (f->campaign_id, seed);
    g_assert_true (store_run_begin (f->store, begun, &error));
  }
  sqlite3 *db;
  g_assert_cmpint (sqlite3_open (f->path, &db), ==, SQLITE_OK);
  sqlite3_exec (db, "UPDATE run SET process = '1/1/before' WHERE seed <> 2", NULL, NULL, NULL);
  sqlite3_close (db);
  g_assert_true (store_record_runs (f->store, runs, TRUE, &error));
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM run WHERE seed = 1"), ==, 1);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM run WHERE seed = 2"), ==, 2);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM run WHERE seed = 3"), ==, 1);
}

/* All or nothing. */
static void
test_failure (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) runs = make_runs (f, 3);
  ((StoreRun *)runs->pdata[2])->campaign_id = 99;
  g_assert_false (store_record_runs (f->store, runs, TRUE, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_NOT_FOUND);
  g_assert_cmpint (((StoreRun *)runs->pdata[0])->id, ==, 0);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM run"), ==, 0);
  g_clear_error (&error);
  /* The next transaction does not rely on what was rolled back. */
  ((StoreRun *)runs->pdata[2])->campaign_id = f->campaign_id;
  g_assert_true (store_record_runs (f->store, runs, TRUE, &error));
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM pragma_foreign_key_check"), ==,
                   0);
}

/* The quicker way leaves nothing without what it refers to, either. */
static void
test_prepared (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_assert_true (store_prepare_for_batches (f->store, &error));
  test_failure (f, unused);
}

static void
test_campaign (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  gint64 first, same, other_plan, other_name;
  g_assert_true (store_campaign_resume (f->store, "n", "p", "c", &first, &error));
  g_assert_true (store_campaign_end (f->store, first, &error));
  g_assert_true (store_campaign_resume (f->store, "n", "p", "d", &same, &error));
  g_assert_true (store_campaign_resume (f->store, "n", "q", "c", &other_plan, &error));
  g_assert_true (store_campaign_resume (f->store, "m", "p", "c", &other_name, &error));
  g_assert_cmpint (first, ==, same);
  g_assert_cmpint (first, !=, other_plan);
  g_assert_cmpint (first, !=, other_name);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM campaign WHERE name = 'n'"
                                           " AND plan = 'p' AND ended_us IS NULL"),
                   ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test)                                                                            \
  g_test_add (path, FixtureStore, NULL, fixture_store_set_up, test, fixture_store_tear_down)
  ADD ("/reports/batch/same-as-single", test_same_as_single);
  ADD ("/reports/batch/many-metrics", test_many_metrics);
  ADD ("/reports/batch/once", test_once);
  ADD ("/reports/batch/key", test_key);
  ADD ("/reports/batch/dead-runs", test_dead_runs);
  ADD ("/reports/batch/failure", test_failure);
  ADD ("/reports/batch/prepared", test_prepared);
  ADD ("/reports/batch/campaign", test_campaign);
  return g_test_run ();
}
