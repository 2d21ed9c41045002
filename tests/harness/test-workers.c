/* SPDX-License-Identifier: Apache-2.0 */
/* test-workers.c - order, crashes, and being stopped. */
#include "harness/workers.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  guint64 n_told;
  guint64 crashes_at, exits_at, waits_at; /* task numbers; G_MAXUINT64: none */
  guint64 stop_after;                     /* told results */
  guint n_crashed, n_exited, n_ticks;
  volatile sig_atomic_t stop;
} Test;

static void work (guint64 first, guint n, GBytes **results_out, gpointer user_data);
static void done (guint64 task, GBytes *result, int signal_number, gpointer user_data);

static const WorkersFuncs single = { work, done, NULL, 0 };
static const WorkersFuncs batched = { work, done, NULL, 16 };

static const Test plain = { .crashes_at = G_MAXUINT64,
                            .exits_at = G_MAXUINT64,
                            .waits_at = G_MAXUINT64,
                            .stop_after = G_MAXUINT64 };

static void
work (guint64 first, guint n, GBytes **results_out, gpointer user_data)
{
  const Test *test = user_data;
  for (guint i = 0; i < n; i++) {
    guint64 task = first + i;
    if (task == test->crashes_at)
      kill (getpid (), SIGKILL);
    if (task == test->exits_at)
      _exit (3);
    if (task == test->waits_at)
      pause ();
    guint64 result = task * task;
    results_out[i] = g_bytes_new (&result, sizeof result);
  }
}

static void
done (guint64 task, GBytes *result, int signal_number, gpointer user_data)
{
  Test *test = user_data;
  g_assert_cmpuint (task, ==, test->n_told);
  test->n_told++;
  if (result == NULL) {
    test->n_crashed += signal_number == SIGKILL;
    test->n_exited += signal_number == 0;
  } else {
    guint64 value;
    g_assert_cmpuint (g_bytes_get_size (result), ==, sizeof value);
    memcpy (&value, g_bytes_get_data (result, NULL), sizeof value);
    g_assert_cmpuint (value, ==, task * task);
  }
  if (test->n_told == test->stop_after)
    test->stop = 1;
}

static void
tick (guint64 n_done, gpointer user_data)
{
  Test *test = user_data;
  test->n_ticks++;
  test->stop = n_done == 19;
}

static gboolean
run (Test *test, const WorkersFuncs *funcs, guint n_workers, guint64 n_tasks)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = workers_run (n_workers, n_tasks, funcs, test, &test->stop, &error);
  g_assert_no_error (error);
  return ok;
}

static void
test_order (void)
{
  static const guint n_workers[] = { 1, 2, 7 };
  for (guint i = 0; i < G_N_ELEMENTS (n_workers); i++) {
    Test test = plain, in_batches = plain;
    g_assert_true (run (&test, &single, n_workers[i], 500));
    g_assert_cmpuint (test.n_told, ==, 500);
    g_assert_true (run (&in_batches, &batched, n_workers[i], 1000));
    g_assert_cmpuint (in_batches.n_told, ==, 1000);
  }
  Test none = plain;
  g_assert_true (run (&none, &batched, 3, 0));
}

/* A worker that dies takes its task alone with it. */
static void
test_crash (void)
{
  Test test = plain;
  test.crashes_at = 10;
  test.exits_at = 20;
  g_assert_true (run (&test, &single, 2, 100));
  g_assert_cmpuint (test.n_told, ==, 100);
  g_assert_cmpuint (test.n_crashed, ==, 1);
  g_assert_cmpuint (test.n_exited, ==, 1);
}

/* In a batch, too: the others of it are done again. */
static void
test_crash_in_batch (void)
{
  Test test = plain;
  test.crashes_at = 300;
  test.exits_at = 555;
  g_assert_true (run (&test, &batched, 2, 1000));
  g_assert_cmpuint (test.n_told, ==, 1000);
  g_assert_cmpuint (test.n_crashed, ==, 1);
  g_assert_cmpuint (test.n_exited, ==, 1);
}

static void
test_stop (void)
{
  Test test = plain;
  test.stop_after = 5;
  g_assert_false (run (&test, &single, 1, 1000000));
  g_assert_cmpuint (test.n_told, >=, 5);
  g_assert_cmpuint (test.n_told, <, 1000);
}

/* A busy worker is killed at a stop, and what is behind its task is told all the same. */
static void
test_stop_while_busy (void)
{
  static const WorkersFuncs funcs = { work, done, tick, 0 };
  g_autoptr (GError) error = NULL;
  Test test = plain;
  test.waits_at = 0;
  test.n_told = 1; /* task 0 is never told */
  g_assert_false (workers_run (2, 20, &funcs, &test, &test.stop, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (test.n_ticks, >=, 1);
  g_assert_cmpuint (test.n_told, ==, 20);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/workers/order", test_order);
  g_test_add_func ("/harness/workers/crash", test_crash);
  g_test_add_func ("/harness/workers/crash-in-batch", test_crash_in_batch);
  g_test_add_func ("/harness/workers/stop", test_stop);
  g_test_add_func ("/harness/workers/stop-while-busy", test_stop_while_busy);
  return g_test_run ();
}
