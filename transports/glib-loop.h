/* SPDX-License-Identifier: Apache-2.0 */
/* glib-loop.h - what the GLib face is built on: the one event loop of a main context, things to
 * free a little later, and waiting, with and without a GTask. Private to transports/glib-*.c. */
#pragma once

#include "loop.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* --- The loop of a main context --- */

typedef struct _CaimanGlibLoop CaimanGlibLoop;

/* A reference to the loop of the thread-default main context, which is made and attached when there
 * is none yet. Errors: G_IO_ERROR. */
CaimanGlibLoop *caiman_glib_loop_get_default (GError **error);
CaimanGlibLoop *caiman_glib_loop_ref (CaimanGlibLoop *loop);
/* The last one frees it, once what drains in the background (loop.h) is done, or the context ends.
 */
void caiman_glib_loop_unref (CaimanGlibLoop *loop); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanGlibLoop, caiman_glib_loop_unref)

CaimanLoop *caiman_glib_loop_get_loop (CaimanGlibLoop *loop);
gint64 caiman_glib_loop_now (CaimanGlibLoop *loop);

/* Its transports need the main context itself, so synchronous calls have to run that (TLS). */
void caiman_glib_loop_set_needs_context (CaimanGlibLoop *loop);
gboolean caiman_glib_loop_needs_context (const CaimanGlibLoop *loop);

/* Calls @func (@user_data) soon, from the loop but outside of any pump's handler, and behind what
 * is to be done already. Holds a reference to the loop until then. */
void caiman_glib_loop_later (CaimanGlibLoop *loop, void (*func) (gpointer user_data),
                             gpointer user_data);

/* The same, but at once when the loop is not dispatching: pumps are not freed from their own
 * handlers. */
void caiman_glib_loop_defer (CaimanGlibLoop *loop, void (*func) (gpointer user_data),
                             gpointer user_data);

/* --- Waiting --- */

/* Those who wait for the same thing to happen. Zero-initialised: nobody. */
typedef struct {
  GQueue sources; /* of GSource (borrowed) */
} CaimanWaiters;

/* (transfer full) A source that gets ready once by caiman_waiters_wake(), or at once when @ready,
 * and that keeps @owner, which holds @waiters, alive. It has no callback of its own kind: any
 * GSourceFunc, or a child's. */
GSource *caiman_waiters_source_new (CaimanWaiters *waiters, GObject *owner, gboolean ready);

void caiman_waiters_wake (CaimanWaiters *waiters);

/* One try of something that may have to wait: TRUE when it is done, well or with an error. */
typedef gboolean (*CaimanAttempt) (gpointer owner, gpointer data, GError **error);

/* Has @attempt tried now and after each wake-up until it is done, or @task is cancelled; then
 * @finish returns @task, with the error (transfer full, nullable) that there was. Takes @task,
 * whose task data is @data for @attempt; @owner holds @waiters. */
typedef void (*CaimanFinish) (GTask *task, GError *error);
void caiman_wait_async (GTask *task, CaimanWaiters *waiters, gpointer owner, CaimanAttempt attempt,
                        CaimanFinish finish);

/* A CaimanFinish: TRUE, or the error. */
void caiman_wait_finish_boolean (GTask *task, GError *error);

/* The same, synchronously: FALSE with the error of @attempt, G_IO_ERROR_CANCELLED, or
 * G_IO_ERROR_PENDING inside a call-back of the loop. */
gboolean caiman_wait (CaimanGlibLoop *loop, CaimanAttempt attempt, gpointer owner, gpointer data,
                      GCancellable *cancellable, GError **error);

G_END_DECLS
