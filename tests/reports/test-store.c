/* SPDX-License-Identifier: Apache-2.0 */
/* test-store.c - what is recorded comes back, what cannot be recorded is an error. */
#include <glib/gstdio.h>
#include <math.h>

#include "tests/reports/fixture.h"
#include "reports/query.h"
#include "reports/store-private.h"

/* --- Round trip --------------------------------------------------------------------------- */

static void
assert_same_heads (const StoreRun *a, const StoreRun *b)
{
  g_assert_cmpint (a->id, ==, b->id);
  g_assert_cmpint (a->started_us, ==, b->started_us);
  g_assert_cmpint (a->campaign_id, ==, b->campaign_id);
  g_assert_cmpint (a->finished, ==, b->finished);
  g_assert_cmpstr (a->scenario_name, ==, b->scenario_name);
  g_assert_cmpstr (a->scenario_text, ==, b->scenario_text);
  g_assert_cmpstr (a->scenario_hash, ==, b->scenario_hash);
  g_assert_cmpstr (a->variant, ==, b->variant);
  g_assert_cmpint (a->seed, ==, b->seed);
  g_assert_cmpstr (a->policy, ==, b->policy);
  g_assert_cmpstr (a->testbed, ==, b->testbed);
  g_assert_cmpstr (a->git_id, ==, b->git_id);
  g_assert_cmpstr (a->host, ==, b->host);
  g_assert_cmpstr (a->build_id, ==, b->build_id);
  g_assert_cmpstr (a->origin, ==, b->origin);
  g_assert_cmpstr (a->digest, ==, b->digest);
  g_assert_cmpstr (a->outcome, ==, b->outcome);
  g_assert_cmpint (a->exit_class, ==, b->exit_class);
  g_assert_cmpint (a->wall_ns, ==, b->wall_ns);
  g_assert_cmpint (a->simulated_ns, ==, b->simulated_ns);
  g_assert_cmpint (a->n_events, ==, b->n_events);
}

static void
assert_same_directions (const StoreLinkDirection *a, const StoreLinkDirection *b)
{
  g_assert_cmpint (a->rate_bps, ==, b->rate_bps);
  g_assert_cmpint (a->delay_ns, ==, b->delay_ns);
  g_assert_cmpstr (a->jitter, ==, b->jitter);
  g_assert_cmpstr (a->loss, ==, b->loss);
  g_assert_cmpstr (a->queue, ==, b->queue);
}

#define EACH(type, array, i, x, y)                                                                 \
  g_assert_cmpuint (a->array->len, ==, b->array->len);                                             \
  for (guint i = 0; i < a->array->len; i++) {                                                      \
    const type *x = &g_array_index (a->array, type, i);                                            \
    const type *y = &g_array_index (b->array, type, i);

static void
assert_same_subjects (const StoreRun *a, const StoreRun *b)
{
  EACH (StoreParameter, parameters, i, x, y)
  g_assert_cmpstr (x->side, ==, y->side);
  g_assert_cmpstr (x->name, ==, y->name);
  g_assert_cmpstr (x->value, ==, y->value);
  g_assert_cmpstr (x->unit, ==, y->unit);
}
EACH (StoreLink, links, i, x, y)
g_assert_cmpstr (x->name, ==, y->name);
g_assert_cmpstr (x->carrier, ==, y->carrier);
assert_same_directions (&x->up, &y->up);
assert_same_directions (&x->down, &y->down);
g_assert_cmpint (x->weight, ==, y->weight);
g_assert_cmpint (x->cost, ==, y->cost);
g_assert_cmpint (x->quota_bytes, ==, y->quota_bytes);
}
EACH (StoreFlow, flows, i, x, y)
g_assert_cmpstr (x->name, ==, y->name);
g_assert_cmpint (x->from, ==, y->from);
g_assert_cmpstr (x->kind, ==, y->kind);
g_assert_cmpint (x->offered_bytes, ==, y->offered_bytes);
g_assert_cmpint (x->delivered_bytes, ==, y->delivered_bytes);
g_assert_cmpint (x->complete, ==, y->complete);
}
}

static void
assert_same_results (const StoreRun *a, const StoreRun *b)
{
  EACH (StoreMetric, metrics, i, x, y)
  g_assert_cmpint (x->subject_kind, ==, y->subject_kind);
  g_assert_cmpstr (x->subject, ==, y->subject);
  g_assert_cmpstr (x->name, ==, y->name);
  g_assert_cmpstr (x->unit, ==, y->unit);
  g_assert_true (x->value == y->value || (isnan (x->value) && isnan (y->value)));
}
EACH (StoreExpectation, expectations, i, x, y)
g_assert_cmpstr (x->name, ==, y->name);
g_assert_cmpstr (x->bound, ==, y->bound);
g_assert_cmpstr (x->actual, ==, y->actual);
g_assert_cmpint (x->held, ==, y->held);
g_assert_cmpint (x->line, ==, y->line);
}
EACH (StoreCheckpoint, checkpoints, i, x, y)
g_assert_cmpint (x->n_events, ==, y->n_events);
g_assert_cmpint (x->t_ns, ==, y->t_ns);
g_assert_cmpmem (x->digest, STORE_DIGEST_BYTES, y->digest, STORE_DIGEST_BYTES);
}
EACH (StoreTraceBlock, trace_blocks, i, x, y)
g_assert_cmpint (x->first_event, ==, y->first_event);
g_assert_cmpint (x->n_events, ==, y->n_events);
g_assert_true (g_bytes_equal (x->data, y->data));
}
}

static void
assert_same_histories (const StoreRun *a, const StoreRun *b)
{
  EACH (StoreEvent, events, i, x, y)
  g_assert_cmpint (x->t_ns, ==, y->t_ns);
  g_assert_cmpint (x->side, ==, y->side);
  g_assert_cmpint (x->link, ==, y->link);
  g_assert_cmpstr (x->kind, ==, y->kind);
  g_assert_cmpstr (x->reason, ==, y->reason);
  g_assert_cmpint (x->a, ==, y->a);
  g_assert_cmpint (x->b, ==, y->b);
  g_assert_cmpstr (x->text, ==, y->text);
}
EACH (StoreLinkSample, link_samples, i, x, y)
g_assert_cmpint (x->t_ns, ==, y->t_ns);
g_assert_cmpuint (x->link, ==, y->link);
g_assert_cmpint (x->side, ==, y->side);
g_assert_cmpstr (x->state, ==, y->state);
g_assert_cmpint (x->rtt_ns, ==, y->rtt_ns);
g_assert_cmpint (x->in_flight_bytes, ==, y->in_flight_bytes);
g_assert_cmpint (x->limit_bytes, ==, y->limit_bytes);
g_assert_cmpint (x->sent_bytes, ==, y->sent_bytes);
g_assert_cmpint (x->delivered_bytes, ==, y->delivered_bytes);
g_assert_cmpint (x->resent_bytes, ==, y->resent_bytes);
g_assert_cmpint (x->queue_bytes, ==, y->queue_bytes);
g_assert_cmpstr (x->hold, ==, y->hold);
}
EACH (StoreFlowSample, flow_samples, i, x, y)
g_assert_cmpint (x->t_ns, ==, y->t_ns);
g_assert_cmpuint (x->flow, ==, y->flow);
g_assert_cmpint (x->offered_bytes, ==, y->offered_bytes);
g_assert_cmpint (x->delivered_bytes, ==, y->delivered_bytes);
g_assert_cmpint (x->reorder_bytes, ==, y->reorder_bytes);
}
EACH (StoreStall, stalls, i, x, y)
g_assert_cmpuint (x->flow, ==, y->flow);
g_assert_cmpint (x->begin_ns, ==, y->begin_ns);
g_assert_cmpint (x->end_ns, ==, y->end_ns);
}
}

/* The database has them in an order of its own. */
static void
assert_same_resends (const StoreRun *a, const StoreRun *b)
{
  g_assert_cmpuint (a->resends->len, ==, b->resends->len);
  for (guint i = 0; i < a->resends->len; i++) {
    const StoreResend *x = &g_array_index (a->resends, StoreResend, i);
    guint n_found = 0;
    for (guint k = 0; k < b->resends->len; k++) {
      const StoreResend *y = &g_array_index (b->resends, StoreResend, k);
      n_found += x->side == y->side && x->link == y->link && x->from_link == y->from_link &&
                 g_str_equal (x->cause, y->cause) && x->n_messages == y->n_messages &&
                 x->bytes == y->bytes;
    }
    g_assert_cmpuint (n_found, ==, 1);
  }
}

/* Equal ones share a row. */
static void
test_count_resend (void)
{
  g_autoptr (StoreRun) run = store_run_new ();
  for (guint i = 0; i < 3; i++) {
    store_run_count_resend (run, STORE_SIDE_CLIENT, 1, 0, "late", 100);
    store_run_count_resend (run, STORE_SIDE_SERVER, 1, 0, "late", 1);
    store_run_count_resend (run, STORE_SIDE_CLIENT, 0, 1, "late", 1);
    store_run_count_resend (run, STORE_SIDE_CLIENT, 1, 0, "gone", 1);
  }
  g_assert_cmpuint (run->resends->len, ==, 4);
  const StoreResend *row = &g_array_index (run->resends, StoreResend, 0);
  g_assert_cmpint (row->n_messages, ==, 3);
  g_assert_cmpint (row->bytes, ==, 300);
}

static void
test_round_trip (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StoreRun) run = fixture_run_new (f->campaign_id, G_MAXINT64);
  run->variant = "link lte.delay=20ms";
  g_assert_true (store_run_begin (f->store, run, &error));
  g_assert_cmpint (run->id, >, 0);
  g_assert_cmpint (run->started_us, >, 0);
  g_assert_nonnull (run->host);
  g_assert_true (store_run_finish (f->store, run, &error));
  g_assert_true (run->finished);

  g_autoptr (StoreRun) back = query_load_run (f->store, run->id, QUERY_ALL, &error);
  g_assert_no_error (error);
  assert_same_heads (run, back);
  assert_same_subjects (run, back);
  assert_same_results (run, back);
  g_assert_cmpint (store_run_get_kept_events (back), ==, 2010);
  assert_same_histories (run, back);
  assert_same_resends (run, back);
}

/* Runs in which the same was measured share the names; another one, or none at all, does not. */
static void
test_shared_metric_names (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  fixture_record (f->store, f->campaign_id, 1);
  fixture_record (f->store, f->campaign_id, 2);
  g_autoptr (StoreRun) other = fixture_run_new (f->campaign_id, 3);
  guint n = other->metrics->len;
  g_array_index (other->metrics, StoreMetric, 0).unit = "ns";
  g_assert_true (store_run_begin (f->store, other, &error));
  g_assert_true (store_run_finish (f->store, other, &error));
  g_autoptr (StoreRun) none = fixture_run_new (f->campaign_id, 4);
  g_array_set_size (none->metrics, 0);
  g_assert_true (store_run_begin (f->store, none, &error));
  g_assert_true (store_run_finish (f->store, none, &error));
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM metric_set"), ==, 2);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM metric_name"), ==, 2 * n);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM metric"), ==, 3 * n);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM metric WHERE run_id = 4"), ==, 0);
  g_assert_cmpint (fixture_query (f->path,
                                  "SELECT sum (value) FROM metric"
                                  " WHERE subject_kind = 'link' AND name = 'resent-bytes'"),
                   ==, 3 * 1234567);
}

/* Runs with equal tunables share a set of them; one other value, or none at all, does not. */
static void
test_shared_parameters (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  fixture_record (f->store, f->campaign_id, 1);
  fixture_record (f->store, f->campaign_id, 2);
  g_autoptr (StoreRun) other = fixture_run_new (f->campaign_id, 3);
  g_array_index (other->parameters, StoreParameter, 0).value = "7";
  g_assert_true (store_run_begin (f->store, other, &error));
  g_assert_true (store_run_finish (f->store, other, &error));
  g_autoptr (StoreRun) none = fixture_run_new (f->campaign_id, 4);
  g_array_set_size (none->parameters, 0);
  g_assert_true (store_run_begin (f->store, none, &error));
  g_assert_true (store_run_finish (f->store, none, &error));
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM parameter_set"), ==, 2);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM parameter WHERE value = '7'"), ==,
                   1);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM parameter WHERE run_id = 4"), ==,
                   0);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (DISTINCT origin) FROM run"), ==, 4);
}

static void
test_later_sample_counts (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StoreRun) run = fixture_run_new (f->campaign_id, 1);
  StoreFlowSample end = { 100000000, 0, 800000, 790000, 0 };
  g_array_append_val (run->flow_samples, end);
  store_run_begin (f->store, run, &error);
  store_run_finish (f->store, run, &error);
  g_assert_no_error (error);
  g_assert_cmpint (fixture_query (f->path, "SELECT delivered_bytes FROM flow_sample"
                                           " WHERE t_ns = 100000000"),
                   ==, 790000);
}

/* --- Unfinished, twice, gone ------------------------------------------------------------------ */

static void
test_unfinished (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StoreRun) run = fixture_run_new (f->campaign_id, 1);
  g_assert_true (store_run_begin (f->store, run, &error));
  g_autoptr (StoreRun) back = query_load_run (f->store, run->id, QUERY_ALL, &error);
  g_assert_no_error (error);
  g_assert_false (back->finished);
  g_assert_null (back->outcome);
  g_assert_null (back->digest);
  g_assert_cmpuint (back->metrics->len, ==, 0);
  g_assert_cmpuint (back->events->len, ==, 0);
  g_assert_cmpstr (back->scenario_text, ==, run->scenario_text);
}

static void
test_finish_twice (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StoreRun) run = fixture_run_new (f->campaign_id, 1);
  store_run_begin (f->store, run, &error);
  g_assert_true (store_run_finish (f->store, run, &error));
  g_assert_false (store_run_finish (f->store, run, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_NOT_FOUND);
}

static void
test_duplicate_metric (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StoreRun) run = fixture_run_new (f->campaign_id, 1);
  store_run_add_metric (run, STORE_SUBJECT_FLOW, "upload", "goodput", 1, "bit/s");
  store_run_begin (f->store, run, &error);
  g_assert_false (store_run_finish (f->store, run, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_FAILED);
  g_assert_cmpint (store_error_get_exit_status (error), ==, 70);
  g_assert_false (run->finished);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM metric"), ==, 0);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM run WHERE state = 'unfinished'"),
                   ==, 1);
  g_clear_error (&error);
  g_array_set_size (run->metrics, run->metrics->len - 1);
  g_assert_true (store_run_finish (f->store, run, &error));
  g_assert_no_error (error);
}

static void
test_no_campaign (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StoreRun) run = fixture_run_new (f->campaign_id + 1, 1);
  g_assert_false (store_run_begin (f->store, run, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_FAILED);
  g_assert_cmpint (run->id, ==, 0);
  g_clear_error (&error);
  g_assert_false (store_campaign_end (f->store, f->campaign_id + 1, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_NOT_FOUND);
  g_assert_cmpint (store_error_get_exit_status (error), ==, 2);
}

static void
test_campaign (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM campaign WHERE ended_us IS NULL"),
                   ==, 1);
  g_assert_true (store_campaign_end (f->store, f->campaign_id, &error));
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM campaign"
                                           " WHERE ended_us >= started_us"),
                   ==, 1);
}

/* --- A full disk --------------------------------------------------------------------------------
 */

static void
test_full (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StoreRun) run = fixture_run_new (f->campaign_id, 1);
  fixture_add_events (run, 5000);
  store_run_begin (f->store, run, &error);
  g_autofree char *limit =
      g_strdup_printf ("PRAGMA max_page_count = %d",
                       (int)fixture_query (f->path, "SELECT * FROM pragma_page_count") + 8);
  g_assert_true (store_exec (f->store, limit, "cannot limit", &error));

  g_assert_false (store_run_finish (f->store, run, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_FULL);
  g_assert_cmpint (store_error_get_exit_status (error), ==, 70);
  g_autofree char *message = g_strdup_printf ("%s: cannot record run 1: the disk is full", f->path);
  g_assert_cmpstr (error->message, ==, message);
  g_assert_false (run->finished);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM event"), ==, 0);
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM run WHERE state = 'unfinished'"),
                   ==, 1);

  g_clear_error (&error);
  store_exec (f->store, "PRAGMA max_page_count = 100000", "cannot limit", &error);
  g_assert_true (store_run_finish (f->store, run, &error));
  g_assert_cmpint (fixture_query (f->path, "SELECT count (*) FROM event"), ==, 5004);
}

/* --- Opening
 * -------------------------------------------------------------------------------------- */

static void
assert_cannot_open (const char *path, StoreOpenMode mode, StoreError code, int exit_status)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (store_open (path, mode, &error));
  g_assert_error (error, STORE_ERROR, (int)code);
  g_assert_cmpint (store_error_get_exit_status (error), ==, exit_status);
  g_assert_true (g_str_has_prefix (error->message, path));
}

static void
test_open_missing (FixtureStore *f, gconstpointer unused)
{
  g_autofree char *none = fixture_path (f->dir, "none.db");
  assert_cannot_open (none, STORE_OPEN_READ_ONLY, STORE_ERROR_CANNOT_OPEN, 2);
  assert_cannot_open (none, STORE_OPEN_WRITE, STORE_ERROR_CANNOT_OPEN, 2);
  assert_cannot_open ("/nonexistent/x.db", STORE_OPEN_CREATE, STORE_ERROR_CANNOT_OPEN, 2);
  g_assert_false (g_file_test (none, G_FILE_TEST_EXISTS));
}

static void
test_open_other_files (FixtureStore *f, gconstpointer unused)
{
  g_autofree char *text = fixture_path (f->dir, "text.db");
  g_autofree char *long_text = g_strnfill (5000, 'x');
  g_file_set_contents (text, long_text, -1, NULL);
  assert_cannot_open (text, STORE_OPEN_READ_ONLY, STORE_ERROR_NOT_A_STORE, 2);
  assert_cannot_open (text, STORE_OPEN_CREATE, STORE_ERROR_NOT_A_STORE, 2);

  g_file_set_contents (text, "", 0, NULL);
  assert_cannot_open (text, STORE_OPEN_READ_ONLY, STORE_ERROR_NOT_A_STORE, 2);
  g_autoptr (Store) store = store_open (text, STORE_OPEN_WRITE, NULL);
  g_assert_nonnull (store);
}

static void
test_open_modes (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  fixture_record (f->store, f->campaign_id, 1);
  g_autoptr (Store) reader = store_open (f->path, STORE_OPEN_READ_ONLY, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (store_get_path (reader), ==, f->path);
  g_autoptr (StoreRun) run = query_load_run (reader, 1, QUERY_ALL, &error);
  g_assert_no_error (error);
  g_assert_false (store_run_begin (reader, run, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_CANNOT_OPEN);

  g_assert_cmpint (fixture_query (f->path, "PRAGMA user_version"), ==, store_get_schema_version ());
  g_assert_cmpint (fixture_query (f->path, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"),
                   ==, 1);
  g_assert_cmpint (fixture_query (f->path, "PRAGMA auto_vacuum"), ==, 2);
}

static void
test_strings (void)
{
  g_autoptr (StoreRun) run = store_run_new ();
  const char *a = store_run_string (run, "abc");
  g_autofree char *copy = g_strdup ("abc");
  g_assert_true (store_run_string (run, copy) == a);
  g_assert_null (store_run_string (run, NULL));
  g_assert_cmpstr (store_run_string (run, "x\xffy"), ==, "x\xef\xbf\xbdy");
  store_run_add_metric (run, STORE_SUBJECT_LINK, "wifi", "bytes", 5, "bytes");
  g_assert_cmpfloat (store_run_get_metric (run, STORE_SUBJECT_LINK, "wifi", "bytes"), ==, 5);
  g_assert_true (isnan (store_run_get_metric (run, STORE_SUBJECT_LINK, "lte", "bytes")));
  g_assert_true (isnan (store_run_get_metric (run, STORE_SUBJECT_FLOW, "wifi", "bytes")));
  g_assert_true (isnan (store_run_get_metric (run, STORE_SUBJECT_LINK, "wifi", "byte")));
  store_run_free (NULL);
  store_close (NULL);
}

/* --- Size
 * -------------------------------------------------------------------------------------------- */

static void
add_long_series (StoreRun *run)
{
  for (gint64 t = 0; t < 300; t++)
    for (guint link = 0; link < 4; link++)
      for (StoreSide side = STORE_SIDE_CLIENT; side <= STORE_SIDE_SERVER; side++) {
        gint64 bytes = t * 625000 + link;
        StoreLinkSample s = { t * 100000000, link,  side,  "working", 21234567, 131072 + t,
                              262144 + t,    bytes, bytes, t,         65000 + t };
        g_array_append_val (run->link_samples, s);
        if (link < 2 && side == STORE_SIDE_CLIENT) {
          StoreFlowSample flow = { t * 100000000, link, bytes, bytes, 123456 };
          g_array_append_val (run->flow_samples, flow);
        }
      }
}

/* 30 s, four links, samples of both sides every 100 ms, 1 000 events, 2 000 000 trace events. */
static void
test_size (FixtureStore *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StoreRun) run = fixture_run_new (f->campaign_id, 1);
  StoreLink link = g_array_index (run->links, StoreLink, 0);
  g_array_append_val (run->links, link);
  g_array_append_val (run->links, link);
  g_array_set_size (run->link_samples, 0);
  g_array_set_size (run->flow_samples, 0);
  add_long_series (run);
  fixture_add_events (run, 1000);
  for (gint64 i = 4; i <= 2000; i++) {
    StoreCheckpoint checkpoint = { .n_events = i * 1000, .t_ns = i * 15000000 };
    g_array_append_val (run->checkpoints, checkpoint);
  }
  gint64 before = fixture_query (f->path, "SELECT * FROM pragma_page_count");
  store_run_begin (f->store, run, &error);
  store_run_finish (f->store, run, &error);
  g_assert_no_error (error);
  gint64 pages = fixture_query (f->path, "SELECT * FROM pragma_page_count") - before;
  gint64 size_bytes = pages * fixture_query (f->path, "SELECT * FROM pragma_page_size");
  g_test_message ("%" G_GINT64_FORMAT " bytes", size_bytes);
  g_assert_cmpint (size_bytes, <, 2000000);
  g_assert_cmpint (size_bytes, >, 100000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test)                                                                            \
  g_test_add (path, FixtureStore, NULL, fixture_store_set_up, test, fixture_store_tear_down)
  g_test_add_func ("/reports/store/count-resend", test_count_resend);
  ADD ("/reports/store/round-trip", test_round_trip);
  ADD ("/reports/store/shared-parameters", test_shared_parameters);
  ADD ("/reports/store/shared-metric-names", test_shared_metric_names);
  ADD ("/reports/store/later-sample-counts", test_later_sample_counts);
  ADD ("/reports/store/unfinished", test_unfinished);
  ADD ("/reports/store/finish-twice", test_finish_twice);
  ADD ("/reports/store/duplicate-metric", test_duplicate_metric);
  ADD ("/reports/store/no-campaign", test_no_campaign);
  ADD ("/reports/store/campaign", test_campaign);
  ADD ("/reports/store/full", test_full);
  ADD ("/reports/store/open-missing", test_open_missing);
  ADD ("/reports/store/open-other-files", test_open_other_files);
  ADD ("/reports/store/open-modes", test_open_modes);
  ADD ("/reports/store/size", test_size);
  g_test_add_func ("/reports/store/strings", test_strings);
  return g_test_run ();
}
