/* SPDX-License-Identifier: Apache-2.0 */
/* workers.h - numbered tasks, carried out by forked processes, with results in order.
 *
 * Each worker takes the next task as soon as it is idle. A worker that dies takes nothing with it
 * but its task: another one takes its place and the rest goes on. What a worker opens (a database,
 * say) it opens itself: nothing is shared across fork() but memory as it was then. The caller must
 * be single-threaded. */
#pragma once

#include <glib.h>
#include <signal.h>

G_BEGIN_DECLS

#define WORKERS_MAX 256

typedef struct {
  /* In a worker: carries out @task and returns what is to be told of it (transfer full). */
  GBytes *(*work) (guint64 task, gpointer user_data);

  /* In the caller, once for each task, in order. @result (borrowed) is what work() returned, or
   * NULL when the worker died: by @signal, or by itself (@signal 0). */
  void (*done) (guint64 task, GBytes *result, int signal, gpointer user_data);

  /* (nullable) In the caller, some five times a second: @n_done tasks have a result. */
  void (*tick) (guint64 n_done, gpointer user_data);
} WorkersFuncs;

/* Carries out tasks 0 to @n_tasks - 1 with 1 to WORKERS_MAX processes at a time. When *@stop
 * becomes true (by a signal handler), the workers are killed, what is finished is still told, and
 * FALSE is returned; FALSE with @error when no process can be made. */
gboolean workers_run (guint n_workers, guint64 n_tasks, const WorkersFuncs *funcs,
                      gpointer user_data, volatile sig_atomic_t *stop, GError **error);

G_END_DECLS
