/* SPDX-License-Identifier: Apache-2.0 */
/* test-query.c - lists, look-ups, the schema's views, and deleting. */
#include "tests/reports/fixture.h"
#include "reports/prune.h"
#include "reports/store-private.h"

/* Records a run that differs from the fixture's. */
static gint64
record (FixtureStore *f, gint64 campaign_id, const char *scenario, const char *policy,
        int exit_class, gint64 started_us)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StoreRun) run = fixture_run_new (campaign_id, 9);
  run->scenario_name = scenario;
  run->scenario_text = scenario;
  run->policy = policy;
  run->started_us = started_us;
  run->exit_class = exit_class;
  run->outcome = exit_class == 4 ? "all-links-failed" : "survives";
  store_run_begin (f->store, run, &error);
  store_run_finish (f->store, run, &error);
  g_assert_no_error (error);
  return run->id;
}

/* Four runs in two campaigns, and an unfinished one: 1 to 5. */
static void
record_some (FixtureStore *f)
{
  g_autoptr (GError) error = NULL;
  gint64 other_id;
  store_campaign_begin (f->store, "weekly", "", &other_id, &error);
  g_assert_no_error (error);
  record (f, f->campaign_id, "one", "adaptive", 0, 1000);
  record (f, f->campaign_id, "two", "min-rtt", 1, 2000);
  record (f, other_id, "one", "adaptive", 4, 3000);
  record (f, other_id, "two", "adaptive", 77, 4000);
  g_autoptr (StoreRun) run = fixture_run_new (other_id, 9);
  run->started_us = 5000;
  store_run_begin (f->store, run, &error);
  g_assert_no_error (error);
}

/* The ids that @filter finds: "1,3". */
static void
assert_found (FixtureStore *f, QueryFilter filter, guint limit, const char *ids)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) entries = query_list_runs (f->store, &filter, limit, &error);
  g_assert_no_error (error);
  g_autoptr (GString) found = g_string_new (NULL);
  for (guint i = 0; i < entries->len; i++) {
    const QueryListEntry *entry = g_ptr_array_index (entries, i);
    g_string_append_printf (found, "%s%d", i > 0 ? "," : "", (int)entry->run->id);
  }
  g_assert_cmpstr (found->str, ==, ids);
}

static void
test_list (FixtureStore *f, gconstpointer unused)
{
  record_some (f);
  assert_found (f, (QueryFilter) { 0 }, 0, "1,2,3,4,5");
  assert_found (f, (QueryFilter) { 0 }, 2, "4,5");
  assert_found (f, (QueryFilter) { .campaign = "weekly" }, 0, "3,4,5");
  assert_found (f, (QueryFilter) { .scenario = "two" }, 0, "2,4");
  assert_found (f, (QueryFilter) { .policy = "min-rtt" }, 0, "2");
  assert_found (f, (QueryFilter) { .outcome = "all-links-failed" }, 0, "3");
  assert_found (f, (QueryFilter) { .older_than_us = 3000 }, 0, "1,2");
  assert_found (f, (QueryFilter) { .only_failed = TRUE }, 0, "2,3");
  assert_found (f, (QueryFilter) { .outcome = "unfinished" }, 0, "5");
  assert_found (f, (QueryFilter) { .outcome = "FAILED" }, 0, "2");
  assert_found (f, (QueryFilter) { .outcome = "ok" }, 0, "1");
  assert_found (f, (QueryFilter) { .outcome = "stuck" }, 0, "3");
  assert_found (f, (QueryFilter) { .outcome = "Skipped" }, 0, "4");
  assert_found (f, (QueryFilter) { .outcome = "unsafe" }, 0, "");
  assert_found (f, (QueryFilter) { .outcome = "error" }, 0, "");
  assert_found (f, (QueryFilter) { .campaign = "weekly", .scenario = "one" }, 1, "3");
  assert_found (f, (QueryFilter) { .campaign = "x' OR 1 --" }, 0, "");

  g_autoptr (GPtrArray) entries = query_list_runs (f->store, NULL, 0, NULL);
  const QueryListEntry *entry = g_ptr_array_index (entries, 1);
  g_assert_cmpstr (entry->campaign, ==, "nightly");
  g_assert_cmpuint (entry->n_held, ==, 2);
  g_assert_cmpuint (entry->n_not_held, ==, 2);
  g_assert_cmpint (entry->run->exit_class, ==, 1);
}

static void
test_look_up (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  gint64 last = -1;
  g_assert_false (query_get_last_run (f->store, &last, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_NOT_FOUND);
  g_assert_cmpint (last, ==, -1);
  g_clear_error (&error);
  record_some (f);
  g_assert_true (query_get_last_run (f->store, &last, &error));
  g_assert_cmpint (last, ==, 5);

  g_assert_null (query_load_run (f->store, 6, QUERY_ALL, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_autofree char *name = query_get_campaign_name (f->store, f->campaign_id, &error);
  g_assert_cmpstr (name, ==, "nightly");
  g_assert_null (query_get_campaign_name (f->store, 99, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_NOT_FOUND);
}

static void
test_parts (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  gint64 id = fixture_record (f->store, f->campaign_id, 1);
  g_autoptr (StoreRun) head = query_load_run (f->store, id, QUERY_HEAD, &error);
  g_assert_cmpuint (head->metrics->len + head->link_samples->len, ==, 0);
  g_autoptr (StoreRun) tables = query_load_run (f->store, id, QUERY_TABLES, &error);
  g_assert_cmpuint (tables->metrics->len, ==, 9);
  g_assert_cmpuint (tables->checkpoints->len, ==, 3);
  g_assert_cmpuint (tables->link_samples->len, ==, 0);
  g_autoptr (StoreRun) samples = query_load_run (f->store, id, QUERY_SAMPLES, &error);
  g_assert_cmpuint (samples->metrics->len, ==, 0);
  g_assert_cmpuint (samples->link_samples->len, ==, 3);
  g_assert_no_error (error);
}

/* A damaged table is an error of the load, not a run with fewer rows. */
static void
test_missing_table (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  gint64 id = fixture_record (f->store, f->campaign_id, 1);
  store_exec (f->store, "DROP TABLE checkpoint", "cannot drop", &error);
  g_assert_null (query_load_run (f->store, id, QUERY_ALL, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_FAILED);
}

/* --- Views ------------------------------------------------------------------------------------ */

/* Twenty runs that differ in their seed, whose longest gap is the seed in ms. */
static void
record_seeds (FixtureStore *f)
{
  g_autoptr (GError) error = NULL;
  for (gint64 seed = 20; seed >= 1; seed--) {
    g_autoptr (StoreRun) run = fixture_run_new (f->campaign_id, seed);
    g_array_index (run->metrics, StoreMetric, 3).value = (double)seed * 1e6;
    store_run_begin (f->store, run, &error);
    store_run_finish (f->store, run, &error);
    g_assert_no_error (error);
  }
}

static void
test_view_metric_summary (FixtureStore *f, gconstpointer unused)
{
  record_seeds (f);
#define GAP(column) "SELECT " column " FROM metric_summary WHERE name = 'longest-gap'"
  g_assert_cmpint (fixture_query (f->path, GAP ("n_runs")), ==, 20);
  g_assert_cmpint (fixture_query (f->path, GAP ("min")), ==, 1000000);
  g_assert_cmpint (fixture_query (f->path, GAP ("p50")), ==, 10000000);
  g_assert_cmpint (fixture_query (f->path, GAP ("p90")), ==, 18000000);
  g_assert_cmpint (fixture_query (f->path, GAP ("p99")), ==, 20000000);
  g_assert_cmpint (fixture_query (f->path, GAP ("max")), ==, 20000000);
  g_assert_cmpint (fixture_query (f->path, GAP ("mean")), ==, 10500000);
  /* What is never defined has no summary. */
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM metric_summary"
                                           " WHERE name = 'recovery'"),
                   ==, 0);
  g_assert_cmpint (fixture_query (f->path, "SELECT longest_gap_ms FROM gap WHERE seed = 7"), ==, 7);
}

static void
test_views (FixtureStore *f, gconstpointer unused)
{
  record_some (f);
  const struct {
    const char *sql;
    gint64 value;
  } cases[] = {
    { "SELECT count (*) FROM run_list", 5 },
    { "SELECT n_failed FROM run_list WHERE run_id = 1", 2 },
    { "SELECT count (*) FROM last_run", 4 - 1 },
    { "SELECT run_id FROM last_run WHERE scenario_name = 'one'", 3 },
    { "SELECT count (*) FROM failure WHERE run_id = 5 AND expectation IS NULL", 1 },
    { "SELECT count (*) FROM failure WHERE run_id = 2", 2 },
    { "SELECT line FROM failure WHERE run_id = 3 AND expectation = 'upload.longest-gap'", 32 },
    { "SELECT delivered_mbps FROM link_timeline WHERE run_id = 1 AND link = 'wifi' AND t_s > 0",
      40 },
    { "SELECT sent_mbps IS NULL FROM link_timeline WHERE run_id = 1 AND link = 'lte'", 1 },
    { "SELECT count (*) FROM event_timeline WHERE run_id = 1 AND link = 'wifi'", 2 },
    { "SELECT count (*) FROM event_timeline WHERE run_id = 1 AND link IS NULL", 1 },
    { "SELECT lost_ms FROM lost_time WHERE run_id = 1 AND cause = 'ramp-up'", 300 },
    { "SELECT count (*) FROM link_hold WHERE run_id = 1", 3 },
    { "SELECT why = 'in-use' AND idle = 0 AND number = 1 FROM link_hold"
      " WHERE run_id = 1 AND link = 'wifi' AND t_s > 0",
      1 },
    { "SELECT why = 'peer-window' AND idle IS NULL FROM link_hold"
      " WHERE run_id = 1 AND link = 'lte'",
      1 },
    { "SELECT n_messages * 10000 + bytes FROM sent_twice"
      " WHERE run_id = 1 AND link = 'lte' AND from_link = 'wifi' AND cause = 'suspected'",
      22000 },
    { "SELECT link IS NULL FROM sent_twice WHERE run_id = 1 AND cause = 'gone'", 1 },
    { "SELECT gap_ms FROM flow_stall WHERE run_id = 1 AND flow = 'upload' AND begin_s < 5", 105 },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%s", cases[i].sql);
    g_assert_cmpint (fixture_query (f->path, cases[i].sql), ==, cases[i].value);
  }
}

/* Each query of docs/database.md runs and finds something. */
static void
test_documented_queries (FixtureStore *f, gconstpointer unused)
{
  g_autofree char *path =
      g_test_build_filename (G_TEST_DIST, "..", "..", "docs", "database.md", NULL);
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  record_seeds (f);
  g_auto (GStrv) parts = g_strsplit (text, "```sql\n", -1);
  guint n_queries = 0;
  for (guint i = 1; parts[i]; i++, n_queries++) {
    char *end = strstr (parts[i], "```");
    g_assert_nonnull (end);
    *end = '\0';
    g_test_message ("%s", parts[i]);
    fixture_query (f->path, parts[i]);
  }
  g_assert_cmpuint (n_queries, ==, 6);
}

/* --- Deleting -----------------------------------------------------------------------------------
 */

static void
test_prune (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  record_some (f);
  PruneResult result;
  QueryFilter failed = { .only_failed = TRUE };
  g_assert_true (prune_runs (f->store, &failed, TRUE, &result, &error));
  g_assert_cmpint (result.n_runs, ==, 2);
  assert_found (f, (QueryFilter) { 0 }, 0, "1,2,3,4,5");

  g_assert_true (prune_runs (f->store, &failed, FALSE, &result, &error));
  g_assert_cmpint (result.n_runs, ==, 2);
  g_assert_cmpint (result.n_campaigns, ==, 0);
  assert_found (f, (QueryFilter) { 0 }, 0, "1,4,5");
  g_assert_cmpint (fixture_query (f->path, "SELECT count (DISTINCT run_id) FROM event"), ==, 2);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM scenario"), ==, 3);

  QueryFilter weekly = { .campaign = "weekly" };
  g_assert_true (prune_runs (f->store, &weekly, FALSE, &result, &error));
  g_assert_cmpint (result.n_runs, ==, 2);
  g_assert_cmpint (result.n_campaigns, ==, 1);
  assert_found (f, (QueryFilter) { 0 }, 0, "1");
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM scenario"), ==, 1);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM parameter_set"), ==, 1);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM metric_set"), ==, 1);

  QueryFilter all = { 0 };
  g_assert_true (prune_runs (f->store, &all, FALSE, &result, &error));
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM parameter_set"), ==, 0);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM parameter_value"), ==, 0);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM metric_set"), ==, 0);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM metric_name"), ==, 0);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM metric_value"), ==, 0);

  /* A number is never given twice. */
  g_assert_cmpint (fixture_record (f->store, f->campaign_id, 1), ==, 6);
}

static void
test_prune_age (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  record_some (f);
  PruneResult result;
  QueryFilter old = { .older_than_us = 3000 };
  g_assert_true (prune_runs (f->store, &old, FALSE, &result, &error));
  g_assert_cmpint (result.n_runs, ==, 2);
  assert_found (f, (QueryFilter) { 0 }, 0, "3,4,5");
  /* Its campaign has not ended and is younger than that: its next run may begin at any moment. */
  g_assert_cmpint (result.n_campaigns, ==, 0);
  record (f, f->campaign_id, "one", "adaptive", 0, 6000);
}

static void
test_prune_gives_space_back (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StoreRun) run = fixture_run_new (f->campaign_id, 1);
  fixture_add_events (run, 20000);
  store_run_begin (f->store, run, &error);
  store_run_finish (f->store, run, &error);
  g_assert_no_error (error);
  gint64 before = fixture_query (f->path, "SELECT * FROM pragma_page_count");
  PruneResult result;
  QueryFilter all = { .campaign = "nightly" };
  g_assert_true (prune_runs (f->store, &all, FALSE, &result, &error));
  gint64 after = fixture_query (f->path, "SELECT * FROM pragma_page_count");
  g_assert_cmpint (after, <, before / 4);
  g_assert_cmpint (result.freed_bytes, ==, (before - after) * 4096);
}

/* A run that is pruned while it runs is not recorded in silence. */
static void
test_prune_under_way (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StoreRun) run = fixture_run_new (f->campaign_id, 1);
  store_run_begin (f->store, run, &error);
  PruneResult result;
  QueryFilter unfinished = { .outcome = "unfinished" };
  g_assert_true (prune_runs (f->store, &unfinished, FALSE, &result, &error));
  g_assert_false (store_run_finish (f->store, run, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_NOT_FOUND);
}

static void
test_prune_read_only (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  fixture_record (f->store, f->campaign_id, 1);
  g_autoptr (Store) reader = store_open (f->path, STORE_OPEN_READ_ONLY, &error);
  PruneResult result = { .n_runs = -7 };
  QueryFilter all = { 0 };
  g_assert_false (prune_runs (reader, &all, FALSE, &result, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_CANNOT_OPEN);
  g_assert_cmpint (result.n_runs, ==, -7);
  assert_found (f, all, 0, "1");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test)                                                                            \
  g_test_add (path, FixtureStore, NULL, fixture_store_set_up, test, fixture_store_tear_down)
  ADD ("/reports/query/list", test_list);
  ADD ("/reports/query/look-up", test_look_up);
  ADD ("/reports/query/parts", test_parts);
  ADD ("/reports/query/missing-table", test_missing_table);
  ADD ("/reports/query/view-metric-summary", test_view_metric_summary);
  ADD ("/reports/query/views", test_views);
  ADD ("/reports/query/documented-queries", test_documented_queries);
  ADD ("/reports/prune/by-campaign-and-outcome", test_prune);
  ADD ("/reports/prune/by-age", test_prune_age);
  ADD ("/reports/prune/gives-space-back", test_prune_gives_space_back);
  ADD ("/reports/prune/under-way", test_prune_under_way);
  ADD ("/reports/prune/read-only", test_prune_read_only);
  return g_test_run ();
}
