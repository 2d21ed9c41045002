/* SPDX-License-Identifier: Apache-2.0 */
/* workers.h - numbered tasks, carried out by forked processes, with results in order.
 *
 * Each worker takes the next tasks as soon as it is idle: several at once where they are short, so
 * that what a batch costs (a transaction, say) is shared. A worker that dies takes nothing with it
 * but the task that it died of: the others of its batch are done again, one by one. What a worker
 * opens (a database, say) it opens itself: nothing is shared across fork() but memory as it was
 * then. The caller must be single-threaded. */
#pragma once

#include <glib.h>
#include <signal.h>

G_BEGIN_DECLS

#define WORKERS_MAX 256

typedef struct {
  /* In a worker: carries out the @n tasks from @first on and sets @results_out to what is to be
   * told of each (transfer full). A task may come twice, when the worker died in a batch. */
  void (*work) (guint64 first, guint n, GBytes **results_out, gpointer user_data);

  /* In the caller, once for each task, in order. @result (borrowed) is what work() returned, or
   * NULL when the worker died: by @signal, or by itself (@signal 0). */
  void (*done) (guint64 task, GBytes *result, int signal, gpointer user_data);

  /* (nullable) In the caller, some five times a second: @n_done tasks have a result. */
  void (*tick) (guint64 n_done, gpointer user_data);

  /* Most tasks in a batch; 0: one. */
  guint batch_max;
} WorkersFuncs;

/* Carries out tasks 0 to @n_tasks - 1 with 1 to WORKERS_MAX processes at a time. When *@stop
 * becomes true (by a signal handler), the workers are killed, what is finished is still told, and
 * FALSE is returned; FALSE with @error when no process can be made. */
gboolean workers_run (guint n_workers, guint64 n_tasks, const WorkersFuncs *funcs,
                      gpointer user_data, volatile sig_atomic_t *stop, GError **error);

G_END_DECLS
