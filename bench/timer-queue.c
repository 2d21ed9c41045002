/* SPDX-License-Identifier: Apache-2.0 */
/* timer-queue.c - how fast the timer queue is (the simulator's clock), by the hold model: with a
 * fixed number of timers pending, each one that runs arms itself again a random time later.
 *
 *   ninja -C build bench/timer-queue && build/bench/timer-queue */
#include "transports/timer-queue.h"

#include "core/prng.h"

#define EVENTS 5000000

typedef struct {
  CaimanTimer timer;
  CaimanTimerQueue *queue;
  CaimanPrng *prng;
} Holder;

static void
hold (gpointer user_data)
{
  Holder *holder = user_data;
  gint64 after_ns = (gint64)(caiman_prng_next (holder->prng) >> 44); /* up to 1 ms */

  caiman_timer_queue_arm (holder->queue, &holder->timer,
                          caiman_timer_queue_now (holder->queue) + after_ns);
}

static void
measure (guint n_pending)
{
  CaimanTimerQueue *queue = caiman_timer_queue_new ();
  g_autofree Holder *holders = g_new0 (Holder, n_pending);
  CaimanPrng prng;
  gint64 start_us;

  caiman_prng_init (&prng, 1);
  for (guint i = 0; i < n_pending; i++) {
    holders[i] = (Holder) { .queue = queue, .prng = &prng };
    caiman_timer_init (&holders[i].timer, hold, &holders[i]);
    hold (&holders[i]);
  }
  start_us = g_get_monotonic_time ();
  for (guint i = 0; i < EVENTS; i++)
    caiman_timer_queue_step (queue);
  g_print ("%6u pending: %6.2f million events/s\n", n_pending,
           (double)EVENTS / (double)(g_get_monotonic_time () - start_us));
  caiman_timer_queue_free (queue);
}

int
main (void)
{
  measure (10);
  measure (1000);
  measure (100000);
  return 0;
}
