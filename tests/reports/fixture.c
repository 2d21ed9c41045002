/* SPDX-License-Identifier: Apache-2.0 */
/* fixture.c - see fixture.h. */
#include "tests/reports/fixture.h"

#include <glib/gstdio.h>
#include <math.h>
#include <sqlite3.h>

char *
fixture_dir_new (void)
{
  g_autoptr (GError) error = NULL;
  char *dir = g_dir_make_tmp ("caiman-store-XXXXXX", &error);
  g_assert_no_error (error);
  return dir;
}

void
fixture_dir_free (char *dir)
{
  g_autoptr (GDir) files = g_dir_open (dir, 0, NULL);
  for (const char *name; (name = g_dir_read_name (files)) != NULL;) {
    g_autofree char *path = g_build_filename (dir, name, NULL);
    g_unlink (path);
  }
  g_rmdir (dir);
  g_free (dir);
}

char *
fixture_path (const char *dir, const char *name)
{
  return g_build_filename (dir, name, NULL);
}

Store *
fixture_store_new (const char *dir, gint64 *campaign_id_out)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = fixture_path (dir, "results.db");
  Store *store = store_open (path, STORE_OPEN_CREATE, &error);
  g_assert_no_error (error);
  store_campaign_begin (store, "nightly", "caiman run all", campaign_id_out, &error);
  g_assert_no_error (error);
  return store;
}

void
fixture_store_set_up (FixtureStore *f, gconstpointer unused)
{
  f->dir = fixture_dir_new ();
  f->path = fixture_path (f->dir, "results.db");
  f->store = fixture_store_new (f->dir, &f->campaign_id);
}

void
fixture_store_tear_down (FixtureStore *f, gconstpointer unused)
{
  store_close (f->store);
  g_free (f->path);
  fixture_dir_free (f->dir);
}

static void
add_links (StoreRun *run)
{
  StoreLinkDirection fast = { 50000000, 10000000, "normal(2ms)", "gilbert(0.5%, 30%)", "100ms" };
  StoreLinkDirection slow = { -1, 40000000, "none", "none", "64KiB" };
  StoreLink wifi = { "wifi", "pipe", fast, fast, 1, 0, -1 };
  StoreLink lte = { "lte", "pipe", slow, fast, 2, 1, 5000000000 };
  g_array_append_val (run->links, wifi);
  g_array_append_val (run->links, lte);
}

static void
add_metrics (StoreRun *run)
{
  store_run_add_metric (run, STORE_SUBJECT_CONNECTION, "", "links-ended", 2, "count");
  store_run_add_metric (run, STORE_SUBJECT_FLOW, "upload", "goodput", 47.25e6, "bit/s");
  store_run_add_metric (run, STORE_SUBJECT_FLOW, "upload", "efficiency", 0.9531, "ratio");
  store_run_add_metric (run, STORE_SUBJECT_FLOW, "upload", "longest-gap", 105e6, "ns");
  store_run_add_metric (run, STORE_SUBJECT_FLOW, "upload", "recovery", NAN, "ns");
  store_run_add_metric (run, STORE_SUBJECT_FLOW, "upload", "lost-ramp-up", 300e6, "ns");
  store_run_add_metric (run, STORE_SUBJECT_FLOW, "upload", "lost-detection", 100e6, "ns");
  store_run_add_metric (run, STORE_SUBJECT_FLOW, "ping", "latency-p99", 9007199254740991.0, "ns");
  store_run_add_metric (run, STORE_SUBJECT_LINK, "wifi", "resent-bytes", 1234567, "bytes");
}

static void
add_rest (StoreRun *run)
{
  StoreParameter parameter = { "client", "ping-timeout", "20000000000", "ns" };
  g_array_append_val (run->parameters, parameter);
  StoreFlow upload = { "upload", STORE_SIDE_CLIENT, "bulk", 100000000, 100000000, TRUE };
  StoreFlow answers = { "ping", STORE_SIDE_SERVER, "request", 5000, 4000, FALSE };
  g_array_append_val (run->flows, upload);
  g_array_append_val (run->flows, answers);

  StoreExpectation expectations[] = {
    { "integrity", "exact", "exact", TRUE, 0 },
    { "upload.efficiency", ">= 95%", "95.3%", TRUE, 31 },
    { "upload.longest-gap", "<= 100ms & \"<b>\"", "105ms", FALSE, 32 },
    { "upload.recovery", "<= 1s", NULL, FALSE, 33 },
  };
  g_array_append_vals (run->expectations, expectations, G_N_ELEMENTS (expectations));

  StoreEvent events[] = {
    { 0, STORE_SIDE_CLIENT, 0, "link-state", "none", 0, 1, "connected" },
    { 4000000000, STORE_SIDE_HARNESS, 0, "fault-start", "none", 0, 0, "blackhole wifi" },
    { 4090000000, STORE_SIDE_SERVER, 1, "link-state", "suspected", 3, 4, "\033[31mred" },
    { 9000000000, STORE_SIDE_HARNESS, -1, "fault-end", "", -1, G_MAXINT64, "" },
  };
  g_array_append_vals (run->events, events, G_N_ELEMENTS (events));
}

static void
add_samples (StoreRun *run)
{
  StoreLinkSample links[] = {
    { 0, 0, STORE_SIDE_CLIENT, "testing", -1, 0, 65536, 0, 0, 0, 0, NULL },
    { 100000000, 0, STORE_SIDE_CLIENT, "working", 21000000, 9000, 90000, 625000, 500000, 10, 77,
      "none" },
    { 100000000, 1, STORE_SIDE_SERVER, "working", 81000000, 1, 2, 3, 4, 5, 6, "peer-window" },
  };
  g_array_append_vals (run->link_samples, links, G_N_ELEMENTS (links));
  StoreFlowSample flows[] = { { 0, 0, 0, 0, 0 }, { 100000000, 0, 700000, 480000, 20000 } };
  g_array_append_vals (run->flow_samples, flows, G_N_ELEMENTS (flows));

  store_run_count_resend (run, STORE_SIDE_CLIENT, 1, 0, "suspected", 1400);
  store_run_count_resend (run, STORE_SIDE_CLIENT, -1, 0, "gone", 100);
  store_run_count_resend (run, STORE_SIDE_CLIENT, 1, 0, "suspected", 600);
  StoreStall stalls[] = { { 0, 4010000000, 4115000000 }, { 0, 9100000000, 9160000000 } };
  g_array_append_vals (run->stalls, stalls, G_N_ELEMENTS (stalls));

  for (guint8 i = 0; i < 3; i++) {
    StoreCheckpoint checkpoint = { .n_events = 1000 * (i + 1), .t_ns = 500000 * (i + 1) };
    for (guint8 j = 0; j < STORE_DIGEST_BYTES; j++)
      checkpoint.digest[j] = (guint8)(16 * i + j);
    g_array_append_val (run->checkpoints, checkpoint);
  }
  store_run_take_trace_block (run, 2000, g_bytes_new_static ("\0\1\377", 3));
  store_run_take_trace_block (run, 10, g_bytes_new_static ("x", 1));
}

StoreRun *
fixture_run_new (gint64 campaign_id, gint64 seed)
{
  StoreRun *run = store_run_new ();
  run->campaign_id = campaign_id;
  run->scenario_name = "silent-fast-link";
  run->scenario_text = "[scenario]\nformat = 1\n";
  run->scenario_hash = "00ff";
  run->seed = seed;
  run->policy = "adaptive";
  run->testbed = "sim";
  run->git_id = "v0.1-3-gabc";
  run->digest = "c0ffee";
  run->outcome = "survives";
  run->exit_class = 1;
  run->wall_ns = 23100000;
  run->simulated_ns = 8400000000;
  run->n_events = 3210;
  add_links (run);
  add_metrics (run);
  add_rest (run);
  add_samples (run);
  return run;
}

void
fixture_add_events (StoreRun *run, guint n_events)
{
  for (guint i = 0; i < n_events; i++) {
    StoreEvent event = {
      10000000000 + i, STORE_SIDE_CLIENT, 0, "link-window", "none", i, i + 1, ""
    };
    g_array_append_val (run->events, event);
  }
}

gint64
fixture_record (Store *store, gint64 campaign_id, gint64 seed)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StoreRun) run = fixture_run_new (campaign_id, seed);
  store_run_begin (store, run, &error);
  g_assert_no_error (error);
  store_run_finish (store, run, &error);
  g_assert_no_error (error);
  return run->id;
}

gint64
fixture_query (const char *path, const char *sql)
{
  sqlite3 *db = NULL;
  sqlite3_stmt *stmt = NULL;
  g_assert_cmpint (sqlite3_open_v2 (path, &db, SQLITE_OPEN_READWRITE, NULL), ==, SQLITE_OK);
  int rc = sqlite3_prepare_v2 (db, sql, -1, &stmt, NULL);
  if (rc != SQLITE_OK)
    g_error ("%s: %s", sql, sqlite3_errmsg (db));
  g_assert_cmpint (sqlite3_step (stmt), ==, SQLITE_ROW);
  gint64 value = sqlite3_column_int64 (stmt, 0);
  sqlite3_finalize (stmt);
  sqlite3_close (db);
  return value;
}
