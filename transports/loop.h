/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - the real-time event loop: sockets by epoll, timers, one pollable descriptor.
 *
 * A program with a loop of its own polls caiman_loop_get_fd() for input and then calls
 * caiman_loop_dispatch(); a GLib program attaches caiman_loop_source_new(); one without any loop
 * calls caiman_loop_iterate() again and again. The cost of a dispatch depends on what has become
 * ready, not on what is watched. All call-backs are made from dispatch(). One thread per loop.
 *
 * This is the only place of the library that reads a clock (CLOCK_MONOTONIC). */
#pragma once

#include "pump.h"
#include "timer-queue.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct _CaimanLoop CaimanLoop;
typedef struct _CaimanLoopWatch CaimanLoopWatch;
typedef struct _CaimanLoopTask CaimanLoopTask;
typedef struct _CaimanReceiveBuffer CaimanReceiveBuffer; /* receive-buffer.h */

/* Errors: CAIMAN_REASON_IO_ERROR when the process has no descriptors left. */
CaimanLoop *caiman_loop_new (GError **error);

/* Everything that uses it must be gone (asserted); what still drains is closed. Accepts NULL. */
void caiman_loop_free (CaimanLoop *loop);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanLoop, caiman_loop_free)

/* Readable (POLLIN) when caiman_loop_dispatch() has something to do. Owned by the loop. */
int caiman_loop_get_fd (CaimanLoop *loop);

/* Does what is due and returns; never blocks. Not from inside a call-back. */
void caiman_loop_dispatch (CaimanLoop *loop);

/* Waits until something is due, at most @timeout_ns (rounded up to a millisecond;
 * CAIMAN_TIME_NEVER: no limit), and dispatches. */
void caiman_loop_iterate (CaimanLoop *loop, gint64 timeout_ns);

/* (transfer full) For g_source_attach(). The loop must outlive the source's last dispatch. */
GSource *caiman_loop_source_new (CaimanLoop *loop);

/* The clock, ns. It stands still during a call-back made from dispatch(). */
gint64 caiman_loop_now (CaimanLoop *loop);

/* TRUE inside dispatch(), that is, in every call-back of the loop: no second dispatch, no free. */
gboolean caiman_loop_is_dispatching (const CaimanLoop *loop);

/* Transports that were closed and freed, and still send what they had (transport.h, close()). They
 * end by themselves within seconds; a program that is about to exit may iterate until it is 0. */
guint caiman_loop_get_n_draining (const CaimanLoop *loop);

/* --- Descriptors (for transports) --- */

/* Embedded by its user. @ready gets the EPOLL* bits; a watch may be removed, and its memory freed,
 * from any call-back. */
struct _CaimanLoopWatch {
  void (*ready) (CaimanLoopWatch *watch, guint32 epoll_events);
  int fd;
  CaimanLoop *loop;     /* set by add() */
  guint32 epoll_events; /* watched for */
};

/* @epoll_events may include EPOLLET. FALSE with an error when the kernel refuses. */
gboolean caiman_loop_add_watch (CaimanLoop *loop, CaimanLoopWatch *watch, int fd,
                                guint32 epoll_events, GError **error);
void caiman_loop_set_watch_events (CaimanLoopWatch *watch, guint32 epoll_events);
void caiman_loop_remove_watch (CaimanLoopWatch *watch); /* before close(fd) */

/* --- Things to do soon --- */

/* Embedded by its user: @run is called once from the same or the next dispatch after each add(). */
struct _CaimanLoopTask {
  void (*run) (CaimanLoopTask *task);
  GList node; /* the loop's own; queued while node.data is set */
};

void caiman_loop_add_task (CaimanLoop *loop, CaimanLoopTask *task);       /* no-op when queued */
void caiman_loop_add_task_first (CaimanLoop *loop, CaimanLoopTask *task); /* before the others */
void caiman_loop_remove_task (CaimanLoop *loop, CaimanLoopTask *task);

/* --- What goes on after free() (for transports) --- */

/* Embedded by a transport that drains in the background: @end must stop and free it, and is called
 * when the loop is freed before it is done. */
typedef struct {
  void (*end) (gpointer user_data);
  gpointer user_data;
  GList node; /* the loop's own */
} CaimanLoopDrain;

void caiman_loop_add_drain (CaimanLoop *loop, CaimanLoopDrain *drain);
void caiman_loop_remove_drain (CaimanLoop *loop, CaimanLoopDrain *drain);

/* What the transports of this loop receive into, one after the other. (transfer none) */
CaimanReceiveBuffer *caiman_loop_get_receive_buffer (CaimanLoop *loop);

/* --- Timers --- */

/* caiman_timer_init() first; a time in the past means at once; CAIMAN_TIME_NEVER disarms. */
void caiman_loop_arm_timer (CaimanLoop *loop, CaimanTimer *timer, gint64 at_ns);

/* --- Pumps --- */

/* Pumps that run on this loop. As caiman_pump_new_client() and caiman_pump_new_server(); @random
 * (nullable, copied) is the system's when NULL. A tracer is set on the pump's connection or server
 * as always. There may be any number of them: one that has nothing to do costs nothing. */
CaimanPump *caiman_loop_new_client_pump (CaimanLoop *loop, const CaimanConfig *config,
                                         const CaimanRandom *random,
                                         const CaimanPumpHandler *handler, gpointer user_data);
CaimanPump *caiman_loop_new_server_pump (CaimanLoop *loop, const CaimanConfig *config,
                                         const CaimanRandom *random,
                                         const CaimanPumpHandler *handler, gpointer user_data);

/* Frees a pump made by the above. Not from inside one of its own handlers: these add a task that
 * does it. Accepts NULL. */
void caiman_loop_free_pump (CaimanLoop *loop, CaimanPump *pump);

G_END_DECLS
