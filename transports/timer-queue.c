/* SPDX-License-Identifier: Apache-2.0 */
/* timer-queue.c - a 4-ary heap; its entries hold the keys so that sifting touches no timer but the
 * ones that move. */
#include "transports/timer-queue.h"

#define ARITY 4u

typedef struct {
  gint64 at_ns;
  guint64 order; /* counts armings: decides between timers of the same instant */
  CaimanTimer *timer;
} Entry;

struct _CaimanTimerQueue {
  Entry *heap;
  guint n_entries;
  guint n_allocated;
  gint64 now_ns;
  guint64 next_order;
  guint64 events_run;
};

CaimanTimerQueue *
caiman_timer_queue_new (void)
{
  return g_new0 (CaimanTimerQueue, 1);
}

void
caiman_timer_queue_free (CaimanTimerQueue *queue)
{
  if (!queue)
    return;
  for (guint i = 0; i < queue->n_entries; i++)
    queue->heap[i].timer->slot = 0;
  g_free (queue->heap);
  g_free (queue);
}

void
caiman_timer_init (CaimanTimer *timer, CaimanTimerFunc func, gpointer user_data)
{
  timer->func = func;
  timer->user_data = user_data;
  timer->slot = 0;
}

gint64
caiman_timer_queue_get_timer_at (const CaimanTimerQueue *queue, const CaimanTimer *timer)
{
  return timer->slot != 0 ? queue->heap[timer->slot - 1].at_ns : CAIMAN_TIME_NEVER;
}

static inline gboolean
is_before (const Entry *a, const Entry *b)
{
  return a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->order < b->order);
}

static inline void
place (CaimanTimerQueue *queue, guint index, Entry entry)
{
  queue->heap[index] = entry;
  entry.timer->slot = index + 1;
}

static void
sift_up (CaimanTimerQueue *queue, guint index, Entry entry)
{
  while (index > 0) {
    guint parent = (index - 1) / ARITY;

    if (!is_before (&entry, &queue->heap[parent]))
      break;
    place (queue, index, queue->heap[parent]);
    index = parent;
  }
  place (queue, index, entry);
}

static void
sift_down (CaimanTimerQueue *queue, guint index, Entry entry)
{
  for (;;) {
    guint first = index * ARITY + 1;
    guint end = MIN (first + ARITY, queue->n_entries);
    guint least = first;

    if (first >= queue->n_entries)
      break;
    for (guint child = first + 1; child < end; child++)
      if (is_before (&queue->heap[child], &queue->heap[least]))
        least = child;
    if (!is_before (&queue->heap[least], &entry))
      break;
    place (queue, index, queue->heap[least]);
    index = least;
  }
  place (queue, index, entry);
}

/* Puts @entry where it belongs, given that the place @index is free. */
static void
sift (CaimanTimerQueue *queue, guint index, Entry entry)
{
  if (index > 0 && is_before (&entry, &queue->heap[(index - 1) / ARITY]))
    sift_up (queue, index, entry);
  else
    sift_down (queue, index, entry);
}

void
caiman_timer_queue_arm (CaimanTimerQueue *queue, CaimanTimer *timer, gint64 at_ns)
{
  Entry entry = { at_ns, queue->next_order, timer };

  g_assert (at_ns >= queue->now_ns);
  g_assert (timer->func);
  if (at_ns == CAIMAN_TIME_NEVER) {
    caiman_timer_queue_disarm (queue, timer);
    return;
  }
  queue->next_order++;
  if (timer->slot != 0) {
    sift (queue, timer->slot - 1, entry);
    return;
  }
  if (queue->n_entries == queue->n_allocated) {
    queue->n_allocated = MAX (64, queue->n_allocated * 2);
    queue->heap = g_renew (Entry, queue->heap, queue->n_allocated);
  }
  sift_up (queue, queue->n_entries++, entry);
}

static void
remove_at (CaimanTimerQueue *queue, guint index)
{
  Entry last = queue->heap[--queue->n_entries];

  queue->heap[index].timer->slot = 0;
  if (index < queue->n_entries)
    sift (queue, index, last);
}

void
caiman_timer_queue_disarm (CaimanTimerQueue *queue, CaimanTimer *timer)
{
  if (timer->slot != 0)
    remove_at (queue, timer->slot - 1);
}

gint64
caiman_timer_queue_now (const CaimanTimerQueue *queue)
{
  return queue->now_ns;
}

gint64
caiman_timer_queue_get_next (const CaimanTimerQueue *queue)
{
  return queue->n_entries > 0 ? queue->heap[0].at_ns : CAIMAN_TIME_NEVER;
}

gboolean
caiman_timer_queue_step (CaimanTimerQueue *queue)
{
  CaimanTimer *timer;

  if (queue->n_entries == 0)
    return FALSE;
  timer = queue->heap[0].timer;
  g_assert (queue->heap[0].at_ns >= queue->now_ns);
  queue->now_ns = queue->heap[0].at_ns;
  queue->events_run++;
  remove_at (queue, 0);
  timer->func (timer->user_data);
  return TRUE;
}

void
caiman_timer_queue_run_until (CaimanTimerQueue *queue, gint64 until_ns)
{
  g_assert (until_ns >= queue->now_ns);
  while (queue->n_entries > 0 && queue->heap[0].at_ns <= until_ns)
    caiman_timer_queue_step (queue);
  queue->now_ns = until_ns;
}

guint
caiman_timer_queue_get_pending (const CaimanTimerQueue *queue)
{
  return queue->n_entries;
}

guint64
caiman_timer_queue_get_events_run (const CaimanTimerQueue *queue)
{
  return queue->events_run;
}
