/* SPDX-License-Identifier: Apache-2.0 */
/* glib-loop.c - one event loop per main context, shared by all that is made in it. */
#include "transports/glib-loop.h"

#include "transports/glib-error.h"

#include <errno.h>
#include <poll.h>

struct _CaimanGlibLoop {
  guint ref_count;       /* of its context's thread alone; 0: it waits for what drains */
  GMainContext *context; /* (owned) while there are references; or else it ends with the context */
  CaimanLoop *loop;
  GSource *source;
  gboolean needs_context;
  gboolean ending;  /* a source will free it ... */
  gboolean waiting; /* ... later, unless its context ends */
};

/* Of all threads, by context. A context's own entry is used by its thread alone. */
static GMutex loops_mutex;
static GHashTable *loops;

/* --- Life --- */

static CaimanGlibLoop *
find_loop (GMainContext *context)
{
  g_mutex_lock (&loops_mutex);
  CaimanGlibLoop *loop = loops ? g_hash_table_lookup (loops, context) : NULL;
  g_mutex_unlock (&loops_mutex);
  return loop;
}

static void
register_loop (CaimanGlibLoop *loop)
{
  g_mutex_lock (&loops_mutex);
  if (!loops)
    loops = g_hash_table_new (NULL, NULL);
  g_hash_table_insert (loops, loop->context, loop);
  g_mutex_unlock (&loops_mutex);
}

static void
unregister_loop (CaimanGlibLoop *loop)
{
  g_mutex_lock (&loops_mutex);
  g_hash_table_remove (loops, loop->context);
  if (g_hash_table_size (loops) == 0)
    g_clear_pointer (&loops, g_hash_table_unref);
  g_mutex_unlock (&loops_mutex);
}

CaimanGlibLoop *
caiman_glib_loop_get_default (GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  CaimanGlibLoop *loop = find_loop (context);
  if (loop) {
    if (loop->ref_count == 0)
      g_main_context_ref (context);
    return caiman_glib_loop_ref (loop);
  }
  CaimanLoop *own = caiman_loop_new (error);
  if (!own) {
    caiman_error_to_gio (error);
    return NULL;
  }
  loop = g_new0 (CaimanGlibLoop, 1);
  loop->ref_count = 1;
  loop->context = g_steal_pointer (&context);
  loop->loop = own;
  loop->source = caiman_loop_source_new (own);
  g_source_attach (loop->source, loop->context);
  register_loop (loop);
  return loop;
}

CaimanGlibLoop *
caiman_glib_loop_ref (CaimanGlibLoop *loop)
{
  loop->ref_count++;
  return loop;
}

/* A context that ends takes its sources along, and must be the only one to do so. */
static void
free_loop (CaimanGlibLoop *loop, gboolean context_ends)
{
  unregister_loop (loop);
  if (!context_ends)
    g_source_destroy (loop->source);
  g_source_unref (loop->source);
  caiman_loop_free (loop->loop);
  g_free (loop);
}

/* Not inside a dispatch, and not as long as something drains. */
static gboolean
is_time_to_end (gpointer user_data)
{
  CaimanGlibLoop *loop = user_data;
  gboolean busy =
      caiman_loop_get_n_draining (loop->loop) > 0 || caiman_loop_is_dispatching (loop->loop);
  loop->waiting = loop->ref_count == 0 && busy;
  return loop->waiting ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* The source above is gone: it was time, or the context ends. */
static void
end_loop (gpointer user_data)
{
  CaimanGlibLoop *loop = user_data;
  loop->ending = FALSE;
  if (loop->ref_count == 0)
    free_loop (loop, loop->waiting);
}

void
caiman_glib_loop_unref (CaimanGlibLoop *loop)
{
  if (!loop || --loop->ref_count > 0)
    return;
  g_autoptr (GMainContext) context = loop->context;
  if (loop->ending)
    return;
  gboolean draining = caiman_loop_get_n_draining (loop->loop) > 0;
  if (!draining && !caiman_loop_is_dispatching (loop->loop)) {
    free_loop (loop, FALSE);
    return;
  }
  loop->ending = loop->waiting = TRUE;
  g_autoptr (GSource) source = draining ? g_timeout_source_new (10) : g_idle_source_new ();
  g_source_set_callback (source, is_time_to_end, loop, end_loop);
  g_source_attach (source, context);
}

CaimanLoop *
caiman_glib_loop_get_loop (CaimanGlibLoop *loop)
{
  return loop->loop;
}

gint64
caiman_glib_loop_now (CaimanGlibLoop *loop)
{
  return caiman_loop_now (loop->loop);
}

void
caiman_glib_loop_set_needs_context (CaimanGlibLoop *loop)
{
  loop->needs_context = TRUE;
}

gboolean
caiman_glib_loop_needs_context (const CaimanGlibLoop *loop)
{
  return loop->needs_context;
}

/* --- A little later --- */

typedef struct {
  CaimanLoopTask task;
  CaimanGlibLoop *loop;
  void (*func) (gpointer user_data);
  gpointer user_data;
} Deferred;

static void
run_deferred (CaimanLoopTask *task)
{
  Deferred *deferred = (Deferred *)task;
  deferred->func (deferred->user_data);
  caiman_glib_loop_unref (deferred->loop);
  g_free (deferred);
}

void
caiman_glib_loop_later (CaimanGlibLoop *loop, void (*func) (gpointer user_data), gpointer user_data)
{
  Deferred *deferred = g_new0 (Deferred, 1);
  deferred->task.run = run_deferred;
  deferred->loop = caiman_glib_loop_ref (loop);
  deferred->func = func;
  deferred->user_data = user_data;
  caiman_loop_add_task (loop->loop, &deferred->task);
}

void
caiman_glib_loop_defer (CaimanGlibLoop *loop, void (*func) (gpointer user_data), gpointer user_data)
{
  if (caiman_loop_is_dispatching (loop->loop))
    caiman_glib_loop_later (loop, func, user_data);
  else
    func (user_data);
}

/* --- Sources --- */

typedef struct {
  GSource source;
  CaimanWaiters *waiters; /* inside @owner */
  GObject *owner;
  GList node;
} WaitSource;

static gboolean
wait_source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  g_source_set_ready_time (source, -1);
  return callback ? callback (user_data) : G_SOURCE_CONTINUE;
}

static void
wait_source_finalize (GSource *source)
{
  WaitSource *self = (WaitSource *)source;
  g_queue_unlink (&self->waiters->sources, &self->node);
  g_object_unref (self->owner);
}

/* How GIO makes it a child of a pollable source: with a closure that does nothing. */
static gboolean
wait_source_closure (gpointer user_data)
{
  GValue result = G_VALUE_INIT;
  g_value_init (&result, G_TYPE_BOOLEAN);
  g_closure_invoke (user_data, &result, 0, NULL, NULL);
  return g_value_get_boolean (&result);
}

static GSourceFuncs wait_source_funcs = {
  .dispatch = wait_source_dispatch,
  .finalize = wait_source_finalize,
  .closure_callback = wait_source_closure,
};

GSource *
caiman_waiters_source_new (CaimanWaiters *waiters, GObject *owner, gboolean ready)
{
  GSource *source = g_source_new (&wait_source_funcs, sizeof (WaitSource));
  WaitSource *self = (WaitSource *)source;
  g_source_set_static_name (source, "caiman-wait");
  self->waiters = waiters;
  self->owner = g_object_ref (owner);
  self->node.data = source;
  g_queue_push_tail_link (&waiters->sources, &self->node);
  if (ready)
    g_source_set_ready_time (source, 0);
  return source;
}

void
caiman_waiters_wake (CaimanWaiters *waiters)
{
  for (GList *node = waiters->sources.head; node; node = node->next)
    g_source_set_ready_time (node->data, 0);
}

/* --- Waiting --- */

typedef struct {
  gpointer owner;
  CaimanAttempt attempt;
  CaimanFinish finish;
  GTask *task; /* (owned) */
} Wait;

static void
wait_free (gpointer data)
{
  Wait *wait = data;
  g_object_unref (wait->task);
  g_free (wait);
}

/* TRUE when @wait->task has been returned. */
static gboolean
try_once (Wait *wait)
{
  GTask *task = wait->task;
  GError *error = NULL;
  if (!g_cancellable_set_error_if_cancelled (g_task_get_cancellable (task), &error) &&
      !wait->attempt (wait->owner, g_task_get_task_data (task), &error))
    return FALSE;
  wait->finish (task, error);
  return TRUE;
}

static gboolean
wait_again (gpointer user_data)
{
  return try_once (user_data) ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

/* Nothing to do: to be ready is all that is asked of it. */
static gboolean
cancelled_ready (GCancellable *cancellable, gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static GSource *
cancelled_source_new (GCancellable *cancellable)
{
  GSource *source = g_cancellable_source_new (cancellable);
  g_source_set_callback (source, G_SOURCE_FUNC (cancelled_ready), NULL, NULL);
  return source;
}

void
caiman_wait_async (GTask *task, CaimanWaiters *waiters, gpointer owner, CaimanAttempt attempt,
                   CaimanFinish finish)
{
  Wait *wait = g_new0 (Wait, 1);
  *wait = (Wait) { .owner = owner, .attempt = attempt, .finish = finish, .task = task };
  if (try_once (wait)) {
    wait_free (wait);
    return;
  }
  g_autoptr (GSource) source = caiman_waiters_source_new (waiters, owner, FALSE);
  if (g_task_get_cancellable (task)) {
    g_autoptr (GSource) cancelled = cancelled_source_new (g_task_get_cancellable (task));
    g_source_add_child_source (source, cancelled);
  }
  g_source_set_priority (source, g_task_get_priority (task));
  g_source_set_callback (source, wait_again, wait, wait_free);
  g_source_attach (source, g_task_get_context (task));
}

void
caiman_wait_finish_boolean (GTask *task, GError *error)
{
  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

/* One turn of the main context. */
static void
iterate_context (CaimanGlibLoop *loop, GCancellable *cancellable)
{
  g_autoptr (GSource) cancelled = NULL;
  if (cancellable) {
    cancelled = cancelled_source_new (cancellable);
    g_source_attach (cancelled, loop->context);
  }
  g_main_context_push_thread_default (loop->context); /* for new transports */
  g_main_context_iteration (loop->context, TRUE);
  g_main_context_pop_thread_default (loop->context);
  if (cancelled)
    g_source_destroy (cancelled);
}

/* One turn of the event loop alone. */
static void
iterate_loop (CaimanGlibLoop *loop, GCancellable *cancellable)
{
  GPollFD cancelled;
  gboolean has_cancelled = g_cancellable_make_pollfd (cancellable, &cancelled);
  struct pollfd fds[2] = { { .fd = caiman_loop_get_fd (loop->loop), .events = POLLIN } };
  if (has_cancelled)
    fds[1] = (struct pollfd) { .fd = cancelled.fd, .events = POLLIN };
  int n_ready = poll (fds, has_cancelled ? 2 : 1, -1);
  g_assert (n_ready >= 0 || errno == EINTR);
  if (has_cancelled)
    g_cancellable_release_fd (cancellable);
  caiman_loop_dispatch (loop->loop);
}

gboolean
caiman_wait (CaimanGlibLoop *loop, CaimanAttempt attempt, gpointer owner, gpointer data,
             GCancellable *cancellable, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GObject) keep = g_object_ref (owner);
  g_autoptr (GError) local_error = NULL;
  for (;;) {
    if (g_cancellable_set_error_if_cancelled (cancellable, error))
      return FALSE;
    if (attempt (owner, data, &local_error))
      break;
    if (caiman_loop_is_dispatching (loop->loop)) {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PENDING,
                           "a call-back of the connection must not wait");
      return FALSE;
    }
    if (loop->needs_context)
      iterate_context (loop, cancellable);
    else
      iterate_loop (loop, cancellable);
  }
  if (local_error) {
    g_propagate_error (error, g_steal_pointer (&local_error));
    return FALSE;
  }
  return TRUE;
}
