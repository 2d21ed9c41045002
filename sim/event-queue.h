/* SPDX-License-Identifier: Apache-2.0 */
/* event-queue.h - the virtual clock and what is to happen when.
 *
 * Timers are embedded in the structs of those who use them; the queue only points at them. The
 * clock jumps from timer to timer. Timers of the same instant run in the order in which they were
 * armed. Arming, re-arming and disarming are allowed at any moment, also from a timer's function,
 * and so is freeing the struct of a timer that is not armed. */
#pragma once

#include "core/types.h"

G_BEGIN_DECLS

typedef struct _SimQueue SimQueue;

typedef void (*SimTimerFunc) (gpointer user_data);

/* Give it to sim_timer_init() before anything else. The fields are the queue's own. */
typedef struct {
  SimTimerFunc func;
  gpointer user_data;
  guint slot; /* 1 + place in the heap; 0: not armed */
} SimTimer;

/* A queue whose clock stands at 0. */
SimQueue *sim_queue_new (void);

/* Forgets the timers that are still armed (they become unarmed). Accepts NULL. */
void sim_queue_free (SimQueue *queue);

/* Prepares @timer: @func (@user_data) is called once each time it has been armed. */
void sim_timer_init (SimTimer *timer, SimTimerFunc func, gpointer user_data);

static inline gboolean
sim_timer_is_armed (const SimTimer *timer)
{
  return timer->slot != 0;
}

/* The instant for which @timer is armed; CAIMAN_TIME_NEVER when it is not. */
gint64 sim_queue_get_timer_at (const SimQueue *queue, const SimTimer *timer);

/* (Re-)arms @timer for @at_ns, behind all timers of that instant; @at_ns must not be in the past
 * (asserted). CAIMAN_TIME_NEVER disarms. */
void sim_queue_arm (SimQueue *queue, SimTimer *timer, gint64 at_ns);

/* Takes @timer out, if it is in. */
void sim_queue_disarm (SimQueue *queue, SimTimer *timer);

/* The virtual time, in ns since the start. */
gint64 sim_queue_now (const SimQueue *queue);

/* The instant of the next timer; CAIMAN_TIME_NEVER when none is armed. */
gint64 sim_queue_get_next (const SimQueue *queue);

/* Moves the clock to the next timer and runs it. FALSE when there is none. */
gboolean sim_queue_step (SimQueue *queue);

/* Runs all timers up to and including @until_ns and leaves the clock at @until_ns. */
void sim_queue_run_until (SimQueue *queue, gint64 until_ns);

/* Number of timers armed now; number of timers run so far. */
guint sim_queue_get_pending (const SimQueue *queue);
guint64 sim_queue_get_events_run (const SimQueue *queue);

G_END_DECLS
