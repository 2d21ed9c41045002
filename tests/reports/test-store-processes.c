/* SPDX-License-Identifier: Apache-2.0 */
/* test-store-processes.c - writers that are killed, that write at once, that meet a full disk. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/reports/fixture.h"
#include "reports/query.h"

#define EVENTS_PER_RUN 400

/* Each finished run of a child has this many events, each unfinished one none. */
#define BROKEN_RUNS_SQL                                                                            \
  "SELECT count (*) FROM run WHERE (SELECT count (*) FROM event WHERE run_id = run.id)"            \
  " != CASE state WHEN 'finished' THEN 404 ELSE 0 END"

/* Exit statuses of children. */
enum { CHILD_OK = 0, CHILD_FAILED = 1, CHILD_FULL = 2, CHILD_SKIPPED = 77 };

/* Records a run with EVENTS_PER_RUN events; tells of the begin and the end on @pipe_fd (or -1). */
static gboolean
record_run (Store *store, gint64 campaign_id, gint64 seed, int pipe_fd, GError **error)
{
  g_autoptr (StoreRun) run = fixture_run_new (campaign_id, seed);
  fixture_add_events (run, EVENTS_PER_RUN);
  if (!store_run_begin (store, run, error))
    return FALSE;
  if (pipe_fd >= 0 && write (pipe_fd, "b", 1) != 1)
    return FALSE;
  if (!store_run_finish (store, run, error))
    return FALSE;
  return pipe_fd < 0 || write (pipe_fd, "f", 1) == 1;
}

/* Records @n_runs runs into @path, which may not exist yet; an exit status. */
static int
child_record (const char *path, int n_runs, int pipe_fd)
{
  g_autoptr (GError) error = NULL;
  gint64 campaign_id;
  g_autoptr (Store) store = store_open (path, STORE_OPEN_CREATE, &error);
  gboolean ok = store && store_campaign_begin (store, "child", "", &campaign_id, &error);
  for (int i = 0; ok && i < n_runs; i++)
    ok = record_run (store, campaign_id, i, pipe_fd, &error);
  if (error)
    g_printerr ("# %s\n", error->message);
  return ok                                                       ? CHILD_OK
         : g_error_matches (error, STORE_ERROR, STORE_ERROR_FULL) ? CHILD_FULL
                                                                  : CHILD_FAILED;
}

/* --- Killed ----------------------------------------------------------------------------------- */

/* Starts a child that records without end, reads @n_bytes of what it tells, kills it in the middle
 * of whatever it is doing; the number of runs that it said were finished. */
static int
kill_child_after (const char *path, int n_bytes)
{
  int fds[2];
  g_assert_cmpint (pipe (fds), ==, 0);
  pid_t pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0) {
    close (fds[0]);
    _exit (child_record (path, G_MAXINT, fds[1]));
  }
  close (fds[1]);
  int n_finished = 0;
  char byte;
  for (int i = 0; i < n_bytes; i++) {
    g_assert_cmpint (read (fds[0], &byte, 1), ==, 1);
    n_finished += byte == 'f';
  }
  kill (pid, SIGKILL);
  int status;
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSIGNALED (status));
  while (read (fds[0], &byte, 1) == 1)
    n_finished += byte == 'f';
  close (fds[0]);
  return n_finished;
}

static void
test_killed (void)
{
  char *dir = fixture_dir_new ();
  g_autofree char *path = fixture_path (dir, "results.db");
  int n_finished = 0;
  const int n_children = 12;
  for (int i = 0; i < n_children; i++) {
    n_finished += kill_child_after (path, 1 + i);
    g_assert_cmpint (fixture_query (path, "SELECT integrity_check = 'ok'"
                                          " FROM pragma_integrity_check"),
                     ==, 1);
  }
  g_assert_cmpint (fixture_query (path, "SELECT count (*) FROM run WHERE state = 'finished'"), >=,
                   n_finished);
  g_assert_cmpint (fixture_query (path, "SELECT count (*) FROM run WHERE state = 'unfinished'"), <=,
                   n_children);
  g_assert_cmpint (fixture_query (path, BROKEN_RUNS_SQL), ==, 0);
  g_assert_cmpint (n_finished, >, 0);

  /* One that is surely unfinished: the child never gets further than its begin. */
  g_autoptr (GError) error = NULL;
  pid_t pid = fork ();
  if (pid == 0) {
    gint64 campaign_id;
    Store *store = store_open (path, STORE_OPEN_WRITE, NULL);
    StoreRun *run = fixture_run_new (1, 4711);
    store_campaign_begin (store, "child", "", &campaign_id, NULL);
    store_run_begin (store, run, NULL);
    raise (SIGKILL);
  }
  waitpid (pid, NULL, 0);
  g_autoptr (Store) store = store_open (path, STORE_OPEN_READ_ONLY, &error);
  g_assert_no_error (error);
  gint64 last;
  g_assert_true (query_get_last_run (store, &last, &error));
  g_autoptr (StoreRun) run = query_load_run (store, last, QUERY_ALL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (run->seed, ==, 4711);
  g_assert_false (run->finished);
  fixture_dir_free (dir);
}

/* --- At once -----------------------------------------------------------------------------------
 */

static void
test_at_once (void)
{
  const int n_children = 4, n_runs = 25;
  char *dir = fixture_dir_new ();
  g_autofree char *path = fixture_path (dir, "results.db");
  pid_t pids[4];
  for (int i = 0; i < n_children; i++) {
    pids[i] = fork ();
    g_assert_cmpint (pids[i], >=, 0);
    if (pids[i] == 0)
      _exit (child_record (path, n_runs, -1));
  }
  for (int i = 0; i < n_children; i++) {
    int status;
    g_assert_cmpint (waitpid (pids[i], &status, 0), ==, pids[i]);
    g_assert_true (WIFEXITED (status));
    g_assert_cmpint (WEXITSTATUS (status), ==, CHILD_OK);
  }
  g_assert_cmpint (fixture_query (path, "SELECT count (*) FROM run WHERE state = 'finished'"), ==,
                   n_children * n_runs);
  g_assert_cmpint (fixture_query (path, "SELECT count (*) FROM campaign"), ==, n_children);
  g_assert_cmpint (fixture_query (path, BROKEN_RUNS_SQL), ==, 0);
  fixture_dir_free (dir);
}

typedef struct {
  Store *store;
  gint64 campaign_id;
} ThreadJob;

static gpointer
thread_record (gpointer data)
{
  ThreadJob *job = data;
  for (int i = 0; i < 20; i++)
    fixture_record (job->store, job->campaign_id, i);
  return NULL;
}

static void
test_threads (void)
{
  char *dir = fixture_dir_new ();
  g_autofree char *path = fixture_path (dir, "results.db");
  ThreadJob job;
  job.store = fixture_store_new (dir, &job.campaign_id);
  GThread *threads[3];
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("writer", thread_record, &job);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  store_close (job.store);
  g_assert_cmpint (fixture_query (path, "SELECT count (*) FROM run WHERE state = 'finished'"), ==,
                   60);
  fixture_dir_free (dir);
}

/* --- A disk that is full -------------------------------------------------------------------------
 */

/* In a mount namespace of its own: records on a tiny file system until it is full, and looks at
 * what is left. */
static int
child_fill_disk (const char *dir)
{
  if (unshare (CLONE_NEWNS) != 0 || mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount ("caiman-test", dir, "tmpfs", 0, "size=600k") != 0)
    return CHILD_SKIPPED;
  g_autofree char *path = fixture_path (dir, "results.db");
  if (child_record (path, 1000, -1) != CHILD_FULL)
    return CHILD_FAILED;
  gboolean ok = fixture_query (path, "SELECT count (*) FROM run WHERE state = 'finished'") > 0 &&
                fixture_query (path, BROKEN_RUNS_SQL) == 0;
  return ok ? CHILD_OK : CHILD_FAILED;
}

static void
test_full_disk (void)
{
  char *dir = fixture_dir_new ();
  pid_t pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    _exit (child_fill_disk (dir));
  int status;
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  fixture_dir_free (dir);
  g_assert_true (WIFEXITED (status));
  if (WEXITSTATUS (status) == CHILD_SKIPPED)
    g_test_skip ("cannot mount a file system of its own here");
  else
    g_assert_cmpint (WEXITSTATUS (status), ==, CHILD_OK);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reports/store/killed", test_killed);
  g_test_add_func ("/reports/store/at-once", test_at_once);
  g_test_add_func ("/reports/store/full-disk", test_full_disk);
  g_test_add_func ("/reports/store/threads", test_threads);
  return g_test_run ();
}
