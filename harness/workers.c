/* SPDX-License-Identifier: Apache-2.0 */
/* workers.c - see workers.h. Between the caller and each worker is a socket pair: task numbers go
 * one way, results behind their size the other. */
#include "harness/workers.h"

#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS 200

/* So many results at most wait for one that comes before them, per worker; or so many batches. */
#define AHEAD_PER_WORKER 64
#define BATCHES_AHEAD    4

/* A batch should take about so long: much more than what surrounds it, and no time to a person who
 * waits for a figure. */
#define BATCH_US (250 * 1000)

/* What a worker is told to do. */
typedef struct {
  guint64 first;
  guint64 n;
} Batch;

typedef struct {
  pid_t pid; /* 0: none */
  int fd;
  gboolean is_busy;
  Batch batch;
  gint64 given_us; /* when it got that */
} Worker;

typedef struct {
  const WorkersFuncs *funcs;
  gpointer user_data;
  guint n_workers;
  Worker *workers;
  guint64 n_tasks, next_task; /* the next to be given away */
  guint64 n_done, next_told;
  GHashTable *results; /* task number (owned) to Outcome (owned), until told */
  GArray *again;       /* of guint64: tasks of batches in which a worker died, last one first */
  double task_us;      /* how long one takes, lately; 0: not known */
} Pool;

typedef struct {
  GBytes *result;
  int signal;
} Outcome;

static void
outcome_free (gpointer data)
{
  Outcome *outcome = data;
  if (outcome->result != NULL)
    g_bytes_unref (outcome->result);
  g_free (outcome);
}

/* TRUE when all @size bytes went through. */
static gboolean
transfer (int fd, void *data, gsize size, gboolean is_write)
{
  guint8 *at = data;
  while (size > 0) {
    gssize n = is_write ? send (fd, at, size, MSG_NOSIGNAL) : recv (fd, at, size, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return FALSE;
    at += n;
    size -= (gsize)n;
  }
  return TRUE;
}

/* ---- in a worker ---- */

/* Sends @result and frees it. */
static gboolean
send_result (int fd, GBytes *result)
{
  guint64 size = g_bytes_get_size (result);
  gboolean ok = transfer (fd, &size, sizeof size, TRUE) &&
                transfer (fd, (void *)g_bytes_get_data (result, NULL), size, TRUE);
  g_bytes_unref (result);
  return ok;
}

static void
serve (const Pool *pool, int fd)
{
  Batch batch;
  while (transfer (fd, &batch, sizeof batch, FALSE)) {
    g_autofree GBytes **results = g_new0 (GBytes *, batch.n);
    pool->funcs->work (batch.first, (guint)batch.n, results, pool->user_data);
    gboolean ok = TRUE;
    for (guint64 i = 0; i < batch.n; i++)
      ok = send_result (fd, results[i]) && ok;
    if (!ok)
      return;
  }
}

G_NORETURN static void
be_worker (const Pool *pool, int fd, pid_t parent)
{
  /* A terminal's SIGINT goes to all processes: the caller decides. */
  signal (SIGINT, SIG_IGN);
  signal (SIGTERM, SIG_DFL);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  for (guint i = 0; i < pool->n_workers; i++) {
    if (pool->workers[i].pid != 0)
      close (pool->workers[i].fd);
  }
  if (getppid () == parent)
    serve (pool, fd);
  exit (0);
}

/* ---- in the caller ---- */

static gboolean
start_worker (Pool *pool, Worker *worker, GError **error)
{
  int fds[2] = { -1, -1 };
  pid_t parent = getpid (), pid = -1;
  fflush (NULL); /* what is buffered must not be written twice */
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0)
    pid = fork ();
  if (pid < 0) {
    int code = errno;
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "cannot start a process: %s",
                 g_strerror (code));
    if (fds[0] >= 0) {
      close (fds[0]);
      close (fds[1]);
    }
    return FALSE;
  }
  if (pid == 0) {
    close (fds[0]);
    be_worker (pool, fds[1], parent);
  }
  close (fds[1]);
  *worker = (Worker) { .pid = pid, .fd = fds[0] };
  return TRUE;
}

/* Waits for the end of a worker and returns the signal that it died by, or 0. */
static int
reap (Worker *worker)
{
  int status = 0;
  close (worker->fd);
  while (waitpid (worker->pid, &status, 0) < 0 && errno == EINTR)
    ;
  worker->pid = 0;
  worker->is_busy = FALSE;
  return WIFSIGNALED (status) ? WTERMSIG (status) : 0;
}

static void
tell_in_order (Pool *pool)
{
  Outcome *outcome;
  while ((outcome = g_hash_table_lookup (pool->results, &pool->next_told)) != NULL) {
    pool->funcs->done (pool->next_told, outcome->result, outcome->signal, pool->user_data);
    g_hash_table_remove (pool->results, &pool->next_told);
    pool->next_told++;
  }
}

static void
add_outcome (Pool *pool, guint64 task, GBytes *result, int signal_number)
{
  Outcome *outcome = g_new (Outcome, 1);
  *outcome = (Outcome) { result, signal_number };
  g_hash_table_insert (pool->results, g_memdup2 (&task, sizeof task), outcome);
  pool->n_done++;
  tell_in_order (pool);
}

/* (nullable) (transfer full) */
static GBytes *
receive_result (int fd)
{
  guint64 size;
  if (!transfer (fd, &size, sizeof size, FALSE))
    return NULL;
  g_autofree guint8 *data = g_malloc (MAX (size, 1));
  if (!transfer (fd, data, size, FALSE))
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&data), size);
}

/* The worker died with the tasks from @first on without a result: if there is only one, it is the
 * one that did it. */
static void
take_death (Pool *pool, Worker *worker, guint64 first)
{
  Batch batch = worker->batch;
  int signal_number = reap (worker);
  if (batch.n == 1) {
    add_outcome (pool, first, NULL, signal_number);
    return;
  }
  for (guint64 task = batch.first + batch.n; task-- > first;)
    g_array_append_val (pool->again, task);
}

/* How long a task takes: the latest batches count most. */
static void
learn_duration (Pool *pool, const Worker *worker)
{
  double task_us = (double)(g_get_monotonic_time () - worker->given_us) / (double)worker->batch.n;
  pool->task_us = pool->task_us == 0 ? task_us : 0.75 * pool->task_us + 0.25 * task_us;
}

/* @worker has sent something, or died. */
static void
read_results (Pool *pool, Worker *worker)
{
  for (guint64 i = 0; i < worker->batch.n; i++) {
    guint64 task = worker->batch.first + i;
    GBytes *result = receive_result (worker->fd);
    if (result == NULL) {
      take_death (pool, worker, task);
      return;
    }
    if (i == 0)
      learn_duration (pool, worker);
    if (i + 1 == worker->batch.n)
      worker->is_busy = FALSE;
    add_outcome (pool, task, result, 0);
  }
}

/* How many tasks are given at once: fewer towards the end, so that no worker is idle there. */
static guint64
get_batch_size (const Pool *pool)
{
  double n = pool->task_us > 0 ? BATCH_US / pool->task_us : 1;
  guint64 left = pool->n_tasks - pool->next_task;
  n = MIN (n, (double)MAX (left / (2 * pool->n_workers), 1));
  return (guint64)CLAMP (n, 1, MAX (pool->funcs->batch_max, 1));
}

/* FALSE: there is nothing to give away, for now or for ever. */
static gboolean
pick_batch (Pool *pool, Batch *batch_out)
{
  guint64 ahead =
      (guint64)pool->n_workers * MAX (AHEAD_PER_WORKER, BATCHES_AHEAD * pool->funcs->batch_max);
  if (pool->again->len > 0) {
    *batch_out = (Batch) { g_array_index (pool->again, guint64, pool->again->len - 1), 1 };
    g_array_set_size (pool->again, pool->again->len - 1);
    return TRUE;
  }
  if (pool->next_task == pool->n_tasks || pool->next_task - pool->next_told >= ahead)
    return FALSE;
  *batch_out = (Batch) { pool->next_task, get_batch_size (pool) };
  pool->next_task += batch_out->n;
  return TRUE;
}

/* Starts @worker where needed and gives it @batch. */
static gboolean
give_batch (Pool *pool, Worker *worker, Batch batch, GError **error)
{
  for (;;) {
    if (worker->pid == 0 && !start_worker (pool, worker, error))
      return FALSE;
    worker->batch = batch;
    worker->given_us = g_get_monotonic_time ();
    if (transfer (worker->fd, &batch, sizeof batch, TRUE))
      break;
    reap (worker); /* it died idle: another takes its place */
  }
  worker->is_busy = TRUE;
  return TRUE;
}

/* Gives tasks to each idle worker; starts those that are needed. */
static gboolean
give_tasks (Pool *pool, GError **error)
{
  for (guint i = 0; i < pool->n_workers; i++) {
    Worker *worker = &pool->workers[i];
    Batch batch;
    if (worker->is_busy)
      continue;
    if (!pick_batch (pool, &batch))
      break;
    if (!give_batch (pool, worker, batch, error))
      return FALSE;
  }
  return TRUE;
}

/* Waits for results, a signal, or the next tick. */
static void
wait_for_results (Pool *pool, const sigset_t *mask)
{
  struct pollfd fds[WORKERS_MAX];
  Worker *busy[WORKERS_MAX];
  const struct timespec timeout = { .tv_nsec = TICK_MS * 1000 * 1000 };
  nfds_t n = 0;
  for (guint i = 0; i < pool->n_workers; i++) {
    if (!pool->workers[i].is_busy)
      continue;
    busy[n] = &pool->workers[i];
    fds[n++] = (struct pollfd) { .fd = pool->workers[i].fd, .events = POLLIN };
  }
  if (ppoll (fds, n, &timeout, mask) <= 0)
    return;
  for (nfds_t i = 0; i < n; i++) {
    if (fds[i].revents != 0)
      read_results (pool, busy[i]);
  }
}

static gboolean
run_all (Pool *pool, volatile sig_atomic_t *stop, const sigset_t *mask, GError **error)
{
  gint64 ticked_us = g_get_monotonic_time ();
  while (pool->n_done < pool->n_tasks) {
    if (*stop || !give_tasks (pool, error))
      return FALSE;
    wait_for_results (pool, mask);
    gint64 now_us = g_get_monotonic_time ();
    if (pool->funcs->tick != NULL && now_us - ticked_us >= TICK_MS * 1000) {
      ticked_us = now_us;
      pool->funcs->tick (pool->n_done, pool->user_data);
    }
  }
  return TRUE;
}

/* An idle worker ends when its socket is closed; a busy one is killed. */
static void
end_workers (Pool *pool)
{
  for (guint i = 0; i < pool->n_workers; i++) {
    Worker *worker = &pool->workers[i];
    if (worker->pid != 0 && worker->is_busy)
      kill (worker->pid, SIGKILL);
    if (worker->pid != 0)
      reap (worker);
  }
}

/* Tells what is finished, past the gaps that a stop has left. */
static void
tell_rest (Pool *pool)
{
  while (g_hash_table_size (pool->results) > 0) {
    pool->next_told++;
    tell_in_order (pool);
  }
}

gboolean
workers_run (guint n_workers, guint64 n_tasks, const WorkersFuncs *funcs, gpointer user_data,
             volatile sig_atomic_t *stop, GError **error)
{
  g_assert (n_workers >= 1 && n_workers <= WORKERS_MAX);
  g_autofree Worker *workers = g_new0 (Worker, n_workers);
  g_autoptr (GHashTable) results =
      g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, outcome_free);
  g_autoptr (GArray) again = g_array_new (FALSE, FALSE, sizeof (guint64));
  Pool pool = { .funcs = funcs,
                .user_data = user_data,
                .n_workers = n_workers,
                .workers = workers,
                .n_tasks = n_tasks,
                .results = results,
                .again = again };
  sigset_t blocked, before;

  /* Signals come in only while ppoll() waits, so that none is missed between look and wait. */
  sigemptyset (&blocked);
  sigaddset (&blocked, SIGINT);
  sigaddset (&blocked, SIGTERM);
  sigprocmask (SIG_BLOCK, &blocked, &before);
  gboolean ok = run_all (&pool, stop, &before, error);
  end_workers (&pool);
  tell_rest (&pool);
  sigprocmask (SIG_SETMASK, &before, NULL);
  return ok;
}
