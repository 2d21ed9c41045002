/* SPDX-License-Identifier: Apache-2.0 */
/* test-store-append.c - runs that are recorded while they go on. */
#include "reports/query.h"

#include <glib/gstdio.h>

typedef struct {
  char *folder, *path;
  Store *store;
  gint64 campaign_id;
} Database;

static void
set_up (Database *d, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  d->folder = g_dir_make_tmp ("caiman-append-XXXXXX", NULL);
  d->path = g_build_filename (d->folder, "a.db", NULL);
  d->store = store_open (d->path, STORE_OPEN_CREATE, &error);
  g_assert_no_error (error);
  g_assert_true (store_campaign_begin (d->store, "c", "command", &d->campaign_id, &error));
}

static void
tear_down (Database *d, gconstpointer data)
{
  store_close (d->store);
  g_unlink (d->path);
  g_assert_cmpint (g_rmdir (d->folder), ==, 0);
  g_free (d->path);
  g_free (d->folder);
}

static StoreRun *
begin (Database *d)
{
  g_autoptr (GError) error = NULL;
  StoreRun *run = store_run_new ();
  run->campaign_id = d->campaign_id;
  run->scenario_name = run->scenario_text = run->scenario_hash = "x";
  run->policy = "adaptive";
  run->testbed = "live";
  run->git_id = "x";
  g_assert_true (store_run_begin (d->store, run, &error));
  g_assert_no_error (error);
  return run;
}

/* What happens between two calls: one link, one event about it, and where the flow is. */
static void
add_rows (StoreRun *run, const char *link, gint64 delivered_bytes)
{
  static const StoreLinkDirection direction = { -1, 0, "", "", "" };
  StoreLink row = { .name = link, .carrier = "tcp", .up = direction, .down = direction };
  StoreEvent event = { .t_ns = delivered_bytes,
                       .link = (gint)run->first_link,
                       .kind = "link-state",
                       .reason = "none",
                       .text = link };
  StoreLinkSample sample = { .t_ns = delivered_bytes,
                             .link = (guint)run->first_link,
                             .state = "working",
                             .sent_bytes = delivered_bytes };
  StoreFlow flow = { .name = "sent", .kind = "live", .delivered_bytes = delivered_bytes };
  g_array_append_val (run->links, row);
  g_array_append_val (run->events, event);
  g_array_append_val (run->link_samples, sample);
  g_array_append_val (run->flows, flow);
  store_run_count_resend (run, STORE_SIDE_CLIENT, 0, 0, "late", delivered_bytes);
  store_run_add_metric (run, STORE_SUBJECT_FLOW, "sent", "delivered-bytes", (double)delivered_bytes,
                        "bytes");
}

static void
next_part (StoreRun *run)
{
  run->first_link += run->links->len;
  run->first_event += run->events->len;
  g_array_set_size (run->links, 0);
  g_array_set_size (run->events, 0);
  g_array_set_size (run->link_samples, 0);
  g_array_set_size (run->flows, 0);
  g_array_set_size (run->metrics, 0);
  g_array_set_size (run->resends, 0);
}

static StoreRun *
load (Database *d, gint64 id)
{
  g_autoptr (GError) error = NULL;
  StoreRun *run = query_load_run (d->store, id, QUERY_ALL, &error);
  g_assert_no_error (error);
  return run;
}

static void
test_parts_add_up (Database *d, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StoreRun) run = begin (d);
  add_rows (run, "first", 100);
  run->wall_ns = 1;
  g_assert_true (store_run_append (d->store, run, &error));
  next_part (run);
  add_rows (run, "second", 200);
  run->wall_ns = 2;
  g_assert_true (store_run_append (d->store, run, &error));
  g_assert_no_error (error);

  g_autoptr (StoreRun) so_far = load (d, run->id);
  g_assert_false (so_far->finished);
  g_assert_cmpint (so_far->wall_ns, ==, 2);
  g_assert_cmpuint (so_far->links->len, ==, 2);
  g_assert_cmpuint (so_far->events->len, ==, 2);
  g_assert_cmpint (g_array_index (so_far->events, StoreEvent, 1).link, ==, 1);
  g_assert_cmpuint (so_far->link_samples->len, ==, 2);
  /* Totals replace those before. */
  g_assert_cmpuint (so_far->flows->len, ==, 1);
  g_assert_cmpint (g_array_index (so_far->flows, StoreFlow, 0).delivered_bytes, ==, 200);
  g_assert_cmpuint (so_far->metrics->len, ==, 1);
  g_assert_cmpuint (so_far->resends->len, ==, 1);
  g_assert_cmpint (g_array_index (so_far->resends, StoreResend, 0).bytes, ==, 200);

  next_part (run);
  add_rows (run, "third", 300);
  run->outcome = "finished";
  g_assert_true (store_run_finish (d->store, run, &error));
  g_assert_no_error (error);
  g_autoptr (StoreRun) all = load (d, run->id);
  g_assert_true (all->finished);
  g_assert_cmpuint (all->links->len, ==, 3);
  g_assert_cmpstr (g_array_index (all->links, StoreLink, 2).name, ==, "third");
  g_assert_cmpfloat (store_run_get_metric (all, STORE_SUBJECT_FLOW, "sent", "delivered-bytes"), ==,
                     300);
}

/* A run that is finished, or gone, takes no further part, and nothing of it is written. */
static void
test_too_late (Database *d, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StoreRun) run = begin (d);
  run->outcome = "finished";
  g_assert_true (store_run_finish (d->store, run, &error));
  add_rows (run, "late", 100);
  g_assert_false (store_run_append (d->store, run, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_NOT_FOUND);
  g_autoptr (StoreRun) all = load (d, run->id);
  g_assert_cmpuint (all->links->len, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/reports/store-append/parts-add-up", Database, NULL, set_up, test_parts_add_up,
              tear_down);
  g_test_add ("/reports/store-append/too-late", Database, NULL, set_up, test_too_late, tear_down);
  return g_test_run ();
}
