/* SPDX-License-Identifier: Apache-2.0 */
/* test-record.c - live connections in a results database. */
#include "apps/record-writer.h"
#include "apps/record.h"
#include "reports/query.h"
#include "reports/show.h"
#include "tests/core/duo.h"

#include <glib/gstdio.h>
#include <math.h>
#include <sqlite3.h>
#include <string.h>

#define COMMIT_NS S (5)

/* A client's end of two links, recorded. */
typedef struct {
  char *folder, *path;
  Duo *duo;
  Record *record;
} Recorded;

static Record *
make_record (Recorded *r)
{
  g_autoptr (GError) error = NULL;
  const RecordOptions options = { .path = r->path,
                                  .title = "tunnel client",
                                  .command = "caiman tunnel client --tcp example.org",
                                  .git_id = "abc",
                                  .side = STORE_SIDE_CLIENT };
  Record *record = record_new (&options, &error);
  g_assert_no_error (error);
  return record;
}

static void
set_up (Recorded *r, gconstpointer data)
{
  const CaimanLinkInfo wifi = { .name = "wifi", .remote = "192.0.2.1" };
  const CaimanLinkInfo lte = { .name = "lte", .remote = "192.0.2.1" };
  r->folder = g_dir_make_tmp ("caiman-record-XXXXXX", NULL);
  r->path = g_build_filename (r->folder, "r.db", NULL);
  r->duo = duo_new (NULL, NULL);
  r->record = make_record (r);
  record_add (r->record, 1, r->duo->client, "connection 1", r->duo->now_ns);
  record_set_label (r->record, 1, "port 22");
  duo_add_link_full (r->duo, &wifi, MS (10), NULL);
  duo_add_link_full (r->duo, &lte, MS (40), NULL);
}

static void
tear_down (Recorded *r, gconstpointer data)
{
  record_free (r->record, r->duo->now_ns);
  duo_free (r->duo);
  g_autoptr (GDir) dir = g_dir_open (r->folder, 0, NULL);
  const char *name;
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (r->folder, name, NULL);
    g_unlink (path);
  }
  g_assert_cmpint (g_rmdir (r->folder), ==, 0);
  g_free (r->folder);
  g_free (r->path);
}

/* Lets time pass, with a sample every 100 ms. */
static void
pass (Recorded *r, gint64 length_ns)
{
  for (gint64 passed_ns = 0; passed_ns < length_ns; passed_ns += MS (100)) {
    duo_advance (r->duo, MS (100));
    record_sample (r->record, r->duo->now_ns);
  }
}

/* Writes what there is, without ending runs: as if the process was killed afterwards. */
static void
wait_for_writer (Recorded *r, gint64 run_id)
{
  g_autoptr (Store) store = NULL;
  for (guint i = 0; i < 20000; i++) {
    g_clear_pointer (&store, store_close);
    store = store_open (r->path, STORE_OPEN_READ_ONLY, NULL);
    g_autoptr (StoreRun) run =
        store != NULL ? query_load_run (store, run_id, QUERY_ALL, NULL) : NULL;
    if (run != NULL && run->link_samples->len > 0)
      return;
    g_usleep (1000);
  }
  g_assert_not_reached ();
}

static StoreRun *
load (Recorded *r, gint64 run_id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Store) store = store_open (r->path, STORE_OPEN_READ_ONLY, &error);
  g_assert_no_error (error);
  StoreRun *run = query_load_run (store, run_id, QUERY_ALL, &error);
  g_assert_no_error (error);
  return run;
}

/* Ends the record, so that all is in the database. */
static void
close_record (Recorded *r)
{
  record_free (g_steal_pointer (&r->record), r->duo->now_ns);
}

static guint
count_events (const StoreRun *run, const char *kind, int link, const char *text)
{
  guint n = 0;
  for (guint i = 0; i < run->events->len; i++) {
    const StoreEvent *e = &g_array_index (run->events, StoreEvent, i);
    n += g_str_equal (e->kind, kind) && e->link == link && g_str_equal (e->text, text);
  }
  return n;
}

static void
test_finished_run (Recorded *r, gconstpointer data)
{
  pass (r, S (1));
  duo_offer (r->duo, DUO_CLIENT, 100, 1000, 1000);
  r->duo->auto_read = TRUE;
  pass (r, S (12));
  duo_close (r->duo, DUO_CLIENT);
  duo_close (r->duo, DUO_SERVER);
  g_assert_true (duo_run_until_ended (r->duo, S (10)));
  record_remove (r->record, 1, r->duo->now_ns);
  record_remove (r->record, 1, r->duo->now_ns); /* is gone already */
  close_record (r);

  g_autoptr (StoreRun) run = load (r, 1);
  g_assert_true (run->finished);
  g_assert_cmpstr (run->scenario_name, ==, "tunnel-client");
  g_assert_cmpstr (run->variant, ==, "port 22");
  g_assert_cmpstr (run->testbed, ==, "live");
  g_assert_cmpstr (run->policy, ==, "adaptive");
  g_assert_cmpstr (run->outcome, ==, "finished");
  g_assert_cmpint (run->exit_class, ==, 0);
  g_assert_cmpint (run->simulated_ns, >=, S (13));
  g_assert_cmpint (run->n_events, >, 100);
  g_assert_cmpuint (run->links->len, ==, 2);
  g_assert_cmpstr (g_array_index (run->links, StoreLink, 0).name, ==, "wifi 192.0.2.1");
  g_assert_cmpuint (run->parameters->len, >, 20);
  const StoreFlow *sent = &g_array_index (run->flows, StoreFlow, 0);
  g_assert_cmpstr (sent->name, ==, "sent");
  g_assert_cmpint (sent->from, ==, STORE_SIDE_CLIENT);
  g_assert_cmpint (sent->delivered_bytes, ==, 100000);
  g_assert_true (sent->complete);
  g_assert_cmpint (g_array_index (run->flows, StoreFlow, 1).from, ==, STORE_SIDE_SERVER);
  g_assert_cmpfloat (store_run_get_metric (run, STORE_SUBJECT_FLOW, "sent", "delivered-bytes"), ==,
                     100000);
  g_assert_cmpfloat (store_run_get_metric (run, STORE_SUBJECT_FLOW, "sent", "goodput"), >, 1000);
  g_assert_true (isnan (store_run_get_metric (run, STORE_SUBJECT_FLOW, "received", "goodput")));
  double wifi = store_run_get_metric (run, STORE_SUBJECT_LINK, "wifi 192.0.2.1.up", "bytes");
  double lte = store_run_get_metric (run, STORE_SUBJECT_LINK, "lte 192.0.2.1.up", "bytes");
  g_assert_cmpfloat (wifi + lte, >=, 100000);
  g_assert_cmpfloat (
      store_run_get_metric (run, STORE_SUBJECT_LINK, "wifi 192.0.2.1.client", "rtt-min"), ==,
      MS (20));
  g_assert_cmpuint (count_events (run, "connection-state", -1, "open"), ==, 1);
  g_assert_cmpuint (count_events (run, "connection-state", -1, "ended"), ==, 1);
  g_assert_cmpuint (count_events (run, "link-state", 0, "working"), ==, 1);
  g_assert_cmpuint (count_events (run, "link-state", 1, "closed"), ==, 1);
}

/* Why links carried nothing, and what was sent again over which link, in total whenever it is
 * written in parts. */
static void
test_holds_and_resends (Recorded *r, gconstpointer data)
{
  pass (r, S (1));
  r->duo->auto_read = TRUE;
  duo_offer (r->duo, DUO_CLIENT, 200, 1000, 1000);
  pass (r, S (6)); /* beyond a commit */
  duo_block (r->duo, DUO_SERVER, 2);
  duo_advance (r->duo, MS (100));
  duo_offer (r->duo, DUO_CLIENT, 1, 1000, 1000);
  duo_stall_link (r->duo, 1);
  duo_unblock (r->duo, DUO_SERVER, 2);
  pass (r, S (7));
  duo_block (r->duo, DUO_CLIENT, 2);
  pass (r, MS (300));
  close_record (r);

  g_autoptr (StoreRun) run = load (r, 1);
  guint n_blocked = 0, n_idle = 0;
  for (guint i = 0; i < run->link_samples->len; i++) {
    const StoreLinkSample *s = &g_array_index (run->link_samples, StoreLinkSample, i);
    g_assert_nonnull (s->hold);
    n_blocked += s->link == 1 && g_str_equal (s->hold, "blocked-local");
    n_idle += g_str_equal (s->hold, "no-data");
  }
  g_assert_cmpuint (n_blocked, >, 0);
  g_assert_cmpuint (n_idle, >, 0);
  g_assert_cmpuint (run->resends->len, >, 0);
  gint64 bytes = 0;
  guint n_rescues = 0;
  for (guint i = 0; i < run->resends->len; i++) {
    const StoreResend *resend = &g_array_index (run->resends, StoreResend, i);
    g_assert_cmpint (resend->side, ==, STORE_SIDE_CLIENT);
    g_assert_cmpint (resend->link, ==, 1 - resend->from_link);
    n_rescues += resend->link == 1 && g_str_equal (resend->cause, "suspected");
    bytes += resend->bytes;
  }
  double again = store_run_get_metric (run, STORE_SUBJECT_CONNECTION, "client", "resent-bytes") +
                 store_run_get_metric (run, STORE_SUBJECT_CONNECTION, "client", "duplicate-bytes");
  g_assert_cmpuint (n_rescues, ==, 1);
  g_assert_cmpfloat ((double)bytes, ==, again);
}

/* Idle time costs nothing; what is before and after it is there. */
static void
test_idle_is_left_out (Recorded *r, gconstpointer data)
{
  pass (r, S (2));
  duo_send (r->duo, "a");
  pass (r, S (60));
  duo_send (r->duo, "b");
  pass (r, S (1));
  close_record (r);
  g_autoptr (StoreRun) run = load (r, 1);
  guint n = run->link_samples->len;
  g_assert_cmpuint (n, >=, 6);
  g_assert_cmpuint (n, <, 100); /* of 1 260 */
  /* The last sample before "b" arrived is at most one interval before it. */
  gint64 before_ns = -1, after_ns = -1;
  gint64 most = 0;
  for (guint i = 0; i < n; i++) {
    const StoreLinkSample *s = &g_array_index (run->link_samples, StoreLinkSample, i);
    if (s->link == 0)
      most = MAX (most, s->sent_bytes);
  }
  for (guint i = 0; i < n; i++) {
    const StoreLinkSample *s = &g_array_index (run->link_samples, StoreLinkSample, i);
    if (s->link == 0 && s->sent_bytes < most)
      before_ns = MAX (before_ns, s->t_ns);
    else if (s->link == 0 && (after_ns < 0 || s->t_ns < after_ns))
      after_ns = s->t_ns;
  }
  g_assert_cmpint (after_ns - before_ns, ==, MS (100));
}

/* The process was killed: what was committed is there, and the run is marked. */
static void
test_killed (Recorded *r, gconstpointer data)
{
  pass (r, S (2));
  duo_offer (r->duo, DUO_CLIENT, 50, 1000, 1000);
  pass (r, COMMIT_NS + S (3));
  wait_for_writer (r, 1);
  g_autoptr (StoreRun) run = load (r, 1);
  g_assert_false (run->finished);
  g_assert_cmpuint (run->links->len, ==, 2);
  g_assert_cmpuint (run->flows->len, ==, 2);
  g_assert_cmpint (run->simulated_ns, >, 0);
  g_autofree char *text = show_format_run (run, SHOW_DEFAULT);
  g_assert_nonnull (strstr (text, "UNFINISHED"));
  g_assert_nonnull (strstr (text, "\nLinks\n"));
  g_assert_nonnull (strstr (text, "wifi 192.0.2.1"));
  g_assert_null (strstr (text, "unlimited"));
  g_assert_nonnull (strstr (text, "port 22"));
}

static void
test_interrupted (Recorded *r, gconstpointer data)
{
  pass (r, MS (500)); /* ended before the run was begun */
  close_record (r);
  g_autoptr (StoreRun) run = load (r, 1);
  g_assert_true (run->finished);
  g_assert_cmpstr (run->outcome, ==, "interrupted");
  g_assert_cmpint (run->exit_class, ==, 130);
  g_assert_cmpuint (run->link_samples->len, >, 0);
}

/* Links that come one after the other over one path are one series. */
static void
test_path_is_one_series (Recorded *r, gconstpointer data)
{
  const CaimanLinkInfo lte = { .name = "lte", .remote = "192.0.2.1" };
  pass (r, S (1));
  duo_send (r->duo, "12345");
  pass (r, S (1));
  g_autoptr (CaimanLink) link = caiman_link_ref (duo_get_link (r->duo, DUO_CLIENT, 2));
  duo_drop_link (r->duo, 2);
  CaimanEvent event = { .type = CAIMAN_EVENT_LINK_CLOSE, .link = link };
  record_event (r->record, 1, &event, r->duo->now_ns);
  record_event (r->record, 1, &event, r->duo->now_ns); /* counted once */
  event.type = CAIMAN_EVENT_READABLE;
  record_event (r->record, 1, &event, r->duo->now_ns);
  pass (r, S (1));
  duo_add_link_full (r->duo, &lte, MS (40), NULL);
  pass (r, S (COMMIT_NS / CAIMAN_NS_PER_S));
  close_record (r);
  g_autoptr (StoreRun) run = load (r, 1);
  g_assert_cmpuint (run->links->len, ==, 2);
  g_assert_cmpuint (count_events (run, "link-state", 1, "working"), ==, 2);
  g_assert_cmpuint (count_events (run, "link-state", 1, "closed"), ==, 1);
  g_assert_cmpfloat (store_run_get_metric (run, STORE_SUBJECT_LINK, "lte 192.0.2.1.client", "ends"),
                     ==, 1);
  gboolean was_away = FALSE;
  gint64 last_sent = 0;
  for (guint i = 0; i < run->link_samples->len; i++) {
    const StoreLinkSample *s = &g_array_index (run->link_samples, StoreLinkSample, i);
    if (s->link != 1)
      continue;
    was_away |= g_str_equal (s->state, "none");
    g_assert_cmpint (s->sent_bytes, >=, last_sent);
    last_sent = s->sent_bytes;
  }
  g_assert_true (was_away);
}

/* The server's end knows what the client calls its interfaces (PROTOCOL.md, section 8). */
static void
test_server_side (Recorded *r, gconstpointer data)
{
  g_autoptr (GBytes) peer = g_bytes_new_static ("eth1", 4);
  const CaimanLinkInfo info = { .name = "lan", .remote = "192.0.2.9", .user_data = peer };
  duo_add_link_full (r->duo, &info, MS (1), NULL);
  duo_advance (r->duo, S (1));
  record_add (r->record, 2, duo_get_end (r->duo, DUO_SERVER), "from 192.0.2.9", r->duo->now_ns);
  duo_server_send (r->duo, "hello");
  pass (r, S (2));
  close_record (r);
  g_autoptr (StoreRun) run = load (r, 2);
  g_assert_cmpuint (run->links->len, ==, 3);
  g_assert_cmpstr (g_array_index (run->links, StoreLink, 0).name, ==, "lan 192.0.2.9 (eth1)");
}

/* A run per connection, of one campaign. */
static void
test_several (Recorded *r, gconstpointer data)
{
  g_autoptr (Duo) other = duo_new (NULL, NULL);
  record_add (r->record, 2, other->client, "second", r->duo->now_ns);
  pass (r, S (2));
  record_remove (r->record, 2, r->duo->now_ns);
  pass (r, S (1));
  close_record (r);
  g_autoptr (Store) store = store_open (r->path, STORE_OPEN_READ_ONLY, NULL);
  g_autoptr (GPtrArray) entries = query_list_runs (store, NULL, 0, NULL);
  g_assert_cmpuint (entries->len, ==, 2);
  for (guint i = 0; i < entries->len; i++) {
    const QueryListEntry *entry = g_ptr_array_index (entries, i);
    g_assert_cmpstr (entry->campaign, ==, "tunnel client");
  }
}

static void
test_cannot_open (Recorded *r, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  const RecordOptions options = { .path = "/nonexistent/x.db",
                                  .title = "x",
                                  .command = "x",
                                  .git_id = "x",
                                  .side = STORE_SIDE_SERVER };
  g_assert_null (record_new (&options, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_CANNOT_OPEN);
}

/* --- A database that is locked --- */

#define BACKLOG_BYTES ((gsize)256 * 1024)
#define N_SHORT       400

/* One connection after the other, each with a link and some samples; what waits stays bounded. */
static void
record_short_ones (Recorded *r, guint64 first, guint n)
{
  const CaimanLinkInfo info = { .name = "wifi", .remote = "192.0.2.1" };
  for (guint64 number = first; number < first + n; number++) {
    g_autoptr (Duo) duo = duo_new (NULL, NULL);
    gint64 now_ns = r->duo->now_ns;
    record_add (r->record, number, duo->client, "short", now_ns);
    duo_add_link_full (duo, &info, MS (1), NULL);
    for (guint i = 0; i < 20; i++) {
      duo_advance (duo, MS (100));
      duo_advance (r->duo, MS (100));
      record_sample (r->record, r->duo->now_ns);
    }
    record_remove (r->record, number, r->duo->now_ns);
    g_assert_cmpuint (record_get_backlog_bytes (r->record), <, 2 * BACKLOG_BYTES);
  }
}

static gint64
sum_events (const char *path, const char *kind, gint64 *n_runs_out)
{
  g_autoptr (Store) store = store_open (path, STORE_OPEN_READ_ONLY, NULL);
  g_autoptr (GPtrArray) entries = query_list_runs (store, NULL, 0, NULL);
  gint64 sum = 0;
  *n_runs_out = entries->len;
  for (guint i = 0; i < entries->len; i++) {
    const QueryListEntry *entry = g_ptr_array_index (entries, i);
    g_autoptr (StoreRun) run = query_load_run (store, entry->run->id, QUERY_ALL, NULL);
    g_assert_true (run->finished);
    for (guint j = 0; j < run->events->len; j++) {
      const StoreEvent *event = &g_array_index (run->events, StoreEvent, j);
      sum += g_str_equal (event->kind, kind) ? event->a : 0;
    }
  }
  return sum;
}

static void
expect_problem (Recorded *r, const char *text)
{
  g_autofree char *problem = record_take_problem (r->record);
  g_assert_nonnull (problem);
  g_assert_nonnull (strstr (problem, text));
  g_autofree char *again = record_take_problem (r->record);
  g_assert_null (again);
}

/* Detail is left out first, then whole connections, and all that is told, in the log and in the
 * record. */
static void
test_locked (Recorded *r, gconstpointer data)
{
  sqlite3 *lock;
  gint64 n_runs;
  record_free (g_steal_pointer (&r->record), r->duo->now_ns);
  const RecordOptions options = { .path = r->path,
                                  .title = "tunnel client",
                                  .command = "x",
                                  .git_id = "abc",
                                  .side = STORE_SIDE_CLIENT,
                                  .backlog_max_bytes = BACKLOG_BYTES };
  r->record = record_new (&options, NULL);
  g_assert_cmpint (sqlite3_open (r->path, &lock), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (lock, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
  guint64 number = 1;
  char *problem;
  for (; (problem = record_take_problem (r->record)) == NULL; number++)
    record_short_ones (r, number, 1);
  g_assert_nonnull (strstr (problem, "samples are left out"));
  g_free (problem);
  record_short_ones (r, number, N_SHORT);
  number += N_SHORT;
  expect_problem (r, "new connections are not recorded");
  g_assert_cmpint (sqlite3_exec (lock, "COMMIT", NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close (lock);
  while (record_get_backlog_bytes (r->record) > 0)
    g_usleep (1000);
  record_short_ones (r, number, 1); /* which tells what is missing */
  expect_problem (r, "the database keeps up again");
  close_record (r);
  gint64 n_lost = sum_events (r->path, "runs-omitted", &n_runs);
  g_assert_cmpint (n_lost, >, N_SHORT / 2);
  /* One is of set_up(), which was recorded before. */
  g_assert_cmpint (n_runs + n_lost, ==, (gint64)number + 1);
  g_assert_cmpint (sum_events (r->path, "rows-omitted", &n_runs), >, 0);
}

/* --- The writer --- */

static StoreRun *
make_part (void)
{
  StoreRun *part = store_run_new ();
  part->scenario_name = part->scenario_text = part->scenario_hash = "x";
  part->policy = "adaptive";
  part->testbed = "live";
  part->git_id = "x";
  return part;
}

/* A run that somebody has deleted gets no further parts; the others go on. */
static void
test_deleted_meanwhile (Recorded *r, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (r->folder, "w.db", NULL);
  g_autoptr (RecordWriter) writer = record_writer_new (path, "c", "command", &error);
  g_assert_no_error (error);
  RecordedRun *first = record_writer_begin (writer, make_part ());
  RecordedRun *second = record_writer_begin (writer, make_part ());
  while (record_writer_get_backlog (writer) > 0)
    g_usleep (100);
  g_assert_null (record_writer_take_problem (writer));
  g_autofree char *command =
      g_strdup_printf ("sqlite3 -cmd '.timeout 30000' '%s' 'DELETE FROM run WHERE id = 1'", path);
  int status;
  if (!g_spawn_command_line_sync (command, NULL, NULL, &status, NULL) || status != 0) {
    g_test_skip ("needs the sqlite3 shell");
  } else {
    record_writer_append (writer, first, make_part ());
    g_autofree char *problem = NULL;
    while ((problem = record_writer_take_problem (writer)) == NULL)
      g_usleep (100);
    g_assert_nonnull (strstr (problem, "cannot record run 1: it was deleted"));
    record_writer_append (writer, first, make_part ()); /* nothing more is said */
  }
  StoreRun *last = make_part ();
  last->outcome = "finished";
  record_writer_finish (writer, second, last);
  last = make_part ();
  last->outcome = "finished";
  record_writer_finish (writer, first, last);
  while (record_writer_get_backlog (writer) > 0)
    g_usleep (100);
  g_assert_null (record_writer_take_problem (writer));
  g_clear_pointer (&writer, record_writer_free);
  g_autoptr (Store) store = store_open (path, STORE_OPEN_READ_ONLY, NULL);
  g_autoptr (StoreRun) run = query_load_run (store, 2, QUERY_ALL, &error);
  g_assert_no_error (error);
  g_assert_true (run->finished);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/apps/record/" name, Recorded, NULL, set_up, func, tear_down)
  ADD ("finished-run", test_finished_run);
  ADD ("holds-and-resends", test_holds_and_resends);
  ADD ("idle-is-left-out", test_idle_is_left_out);
  ADD ("killed", test_killed);
  ADD ("interrupted", test_interrupted);
  ADD ("path-is-one-series", test_path_is_one_series);
  ADD ("server-side", test_server_side);
  ADD ("several", test_several);
  ADD ("cannot-open", test_cannot_open);
  ADD ("locked", test_locked);
  ADD ("deleted-meanwhile", test_deleted_meanwhile);
#undef ADD
  return g_test_run ();
}
