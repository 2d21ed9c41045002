/* SPDX-License-Identifier: Apache-2.0 */
/* timer-queue.h - timers and the clock they go by: what is to happen when.
 *
 * Timers are embedded in the structs of those who use them; the queue only points at them. The
 * clock jumps from timer to timer. Timers of the same instant run in the order in which they were
 * armed. Arming, re-arming and disarming are allowed at any moment, also from a timer's function,
 * and so is freeing the struct of a timer that is not armed. */
#pragma once

#include "../core/types.h"

G_BEGIN_DECLS

typedef struct _CaimanTimerQueue CaimanTimerQueue;

typedef void (*CaimanTimerFunc) (gpointer user_data);

/* Give it to caiman_timer_init() before anything else. The fields are the queue's own. */
typedef struct {
  CaimanTimerFunc func;
  gpointer user_data;
  guint slot; /* 1 + place in the heap; 0: not armed */
} CaimanTimer;

/* A queue whose clock stands at 0. */
CaimanTimerQueue *caiman_timer_queue_new (void);

/* Forgets the timers that are still armed (they become unarmed). Accepts NULL. */
void caiman_timer_queue_free (CaimanTimerQueue *queue);

/* Prepares @timer: @func (@user_data) is called once each time it has been armed. */
void caiman_timer_init (CaimanTimer *timer, CaimanTimerFunc func, gpointer user_data);

static inline gboolean
caiman_timer_is_armed (const CaimanTimer *timer)
{
  return timer->slot != 0;
}

/* The instant for which @timer is armed; CAIMAN_TIME_NEVER when it is not. */
gint64 caiman_timer_queue_get_timer_at (const CaimanTimerQueue *queue, const CaimanTimer *timer);

/* (Re-)arms @timer for @at_ns, behind all timers of that instant; @at_ns must not be in the past
 * (asserted). CAIMAN_TIME_NEVER disarms. */
void caiman_timer_queue_arm (CaimanTimerQueue *queue, CaimanTimer *timer, gint64 at_ns);

/* Takes @timer out, if it is in. */
void caiman_timer_queue_disarm (CaimanTimerQueue *queue, CaimanTimer *timer);

/* The virtual time, in ns since the start. */
gint64 caiman_timer_queue_now (const CaimanTimerQueue *queue);

/* The instant of the next timer; CAIMAN_TIME_NEVER when none is armed. */
gint64 caiman_timer_queue_get_next (const CaimanTimerQueue *queue);

/* Moves the clock to the next timer and runs it. FALSE when there is none. */
gboolean caiman_timer_queue_step (CaimanTimerQueue *queue);

/* Runs all timers up to and including @until_ns and leaves the clock at @until_ns. */
void caiman_timer_queue_run_until (CaimanTimerQueue *queue, gint64 until_ns);

/* Number of timers armed now; number of timers run so far. */
guint caiman_timer_queue_get_pending (const CaimanTimerQueue *queue);
guint64 caiman_timer_queue_get_events_run (const CaimanTimerQueue *queue);

G_END_DECLS
