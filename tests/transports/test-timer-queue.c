/* SPDX-License-Identifier: Apache-2.0 */
/* test-timer-queue.c - order, ties, re-arming, and a random comparison with a plain list. */
#include "transports/timer-queue.h"

#include "core/prng.h"

typedef struct {
  CaimanTimer timer;
  CaimanTimerQueue *queue;
  GString *log;
  char name;
  gint64 again_after_ns; /* > 0: arms itself again, once */
} Item;

static void
item_run (gpointer user_data)
{
  Item *item = user_data;

  g_string_append_printf (item->log, "%c%" G_GINT64_FORMAT " ", item->name,
                          caiman_timer_queue_now (item->queue));
  if (item->again_after_ns > 0) {
    caiman_timer_queue_arm (item->queue, &item->timer,
                            caiman_timer_queue_now (item->queue) + item->again_after_ns);
    item->again_after_ns = 0;
  }
}

typedef struct {
  CaimanTimerQueue *queue;
  GString *log;
  Item items[4];
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->queue = caiman_timer_queue_new ();
  f->log = g_string_new (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (f->items); i++) {
    f->items[i] = (Item) { .queue = f->queue, .log = f->log, .name = (char)('a' + i) };
    caiman_timer_init (&f->items[i].timer, item_run, &f->items[i]);
  }
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  caiman_timer_queue_free (f->queue);
  g_string_free (f->log, TRUE);
}

static void
arm (Fixture *f, guint i, gint64 at_ns)
{
  caiman_timer_queue_arm (f->queue, &f->items[i].timer, at_ns);
}

static void
expect_run (Fixture *f, const char *log)
{
  while (caiman_timer_queue_step (f->queue))
    ;
  g_assert_cmpstr (f->log->str, ==, log);
}

static void
test_time_order (Fixture *f, gconstpointer data)
{
  arm (f, 0, 30);
  arm (f, 1, 10);
  arm (f, 2, 20);
  g_assert_cmpuint (caiman_timer_queue_get_pending (f->queue), ==, 3);
  g_assert_cmpint (caiman_timer_queue_get_next (f->queue), ==, 10);
  expect_run (f, "b10 c20 a30 ");
  g_assert_cmpuint (caiman_timer_queue_get_events_run (f->queue), ==, 3);
  g_assert_cmpint (caiman_timer_queue_get_next (f->queue), ==, CAIMAN_TIME_NEVER);
}

static void
test_ties_in_order_of_arming (Fixture *f, gconstpointer data)
{
  arm (f, 2, 5);
  arm (f, 0, 5);
  arm (f, 3, 5);
  arm (f, 1, 5);
  arm (f, 2, 5); /* goes behind the others again */
  expect_run (f, "a5 d5 b5 c5 ");
}

static void
test_re_arm (Fixture *f, gconstpointer data)
{
  arm (f, 0, 10);
  arm (f, 1, 20);
  arm (f, 0, 30);
  g_assert_cmpint (caiman_timer_queue_get_timer_at (f->queue, &f->items[0].timer), ==, 30);
  arm (f, 1, 5);
  f->items[1].again_after_ns = 25;
  expect_run (f, "b5 a30 b30 ");
}

static void
test_disarm (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 4; i++)
    arm (f, i, 10 * i);
  caiman_timer_queue_disarm (f->queue, &f->items[0].timer);
  caiman_timer_queue_disarm (f->queue, &f->items[0].timer);
  arm (f, 2, CAIMAN_TIME_NEVER);
  g_assert_false (caiman_timer_is_armed (&f->items[2].timer));
  g_assert_true (caiman_timer_is_armed (&f->items[1].timer));
  g_assert_cmpint (caiman_timer_queue_get_timer_at (f->queue, &f->items[2].timer), ==,
                   CAIMAN_TIME_NEVER);
  expect_run (f, "b10 d30 ");
}

static void
test_run_until (Fixture *f, gconstpointer data)
{
  arm (f, 0, 10);
  arm (f, 1, 20);
  arm (f, 2, 21);
  caiman_timer_queue_run_until (f->queue, 20);
  g_assert_cmpstr (f->log->str, ==, "a10 b20 ");
  caiman_timer_queue_run_until (f->queue, 20);
  g_assert_cmpint (caiman_timer_queue_now (f->queue), ==, 20);
  arm (f, 3, 20);
  expect_run (f, "a10 b20 d20 c21 ");
}

static void
test_free_forgets_timers (void)
{
  CaimanTimerQueue *queue = caiman_timer_queue_new ();
  CaimanTimer timer;

  caiman_timer_init (&timer, item_run, NULL);
  caiman_timer_queue_arm (queue, &timer, 7);
  caiman_timer_queue_free (queue);
  g_assert_false (caiman_timer_is_armed (&timer));
  caiman_timer_queue_free (NULL);
}

/* A plain array that is searched is the reference. */
#define N_RANDOM 300

typedef struct {
  CaimanTimer timer;
  guint *last_run;
  guint id;
  gint64 at_ns;
  guint64 order;
  gboolean armed;
} RandomItem;

static void
random_run (gpointer user_data)
{
  RandomItem *item = user_data;

  *item->last_run = item->id;
}

static guint
find_first (const RandomItem *items)
{
  guint best = N_RANDOM;

  for (guint i = 0; i < N_RANDOM; i++)
    if (items[i].armed &&
        (best == N_RANDOM || items[i].at_ns < items[best].at_ns ||
         (items[i].at_ns == items[best].at_ns && items[i].order < items[best].order)))
      best = i;
  return best;
}

static void
random_step (CaimanTimerQueue *queue, RandomItem *items, const guint *last_run)
{
  guint expected = find_first (items);

  g_assert_cmpint (caiman_timer_queue_step (queue), ==, expected < N_RANDOM);
  if (expected == N_RANDOM)
    return;
  g_assert_cmpuint (*last_run, ==, expected);
  g_assert_cmpint (caiman_timer_queue_now (queue), ==, items[expected].at_ns);
  items[expected].armed = FALSE;
}

static void
test_random (void)
{
  CaimanTimerQueue *queue = caiman_timer_queue_new ();
  g_autofree RandomItem *items = g_new0 (RandomItem, N_RANDOM);
  CaimanPrng prng;
  guint last_run = 0;

  caiman_prng_init (&prng, 1);
  for (guint i = 0; i < N_RANDOM; i++) {
    items[i] = (RandomItem) { .id = i, .last_run = &last_run };
    caiman_timer_init (&items[i].timer, random_run, &items[i]);
  }
  for (guint64 round = 0; round < 50000; round++) {
    RandomItem *item = &items[caiman_prng_below (&prng, N_RANDOM)];
    guint64 action = caiman_prng_below (&prng, 8);

    if (action < 4) {
      item->at_ns = caiman_timer_queue_now (queue) + (gint64)caiman_prng_below (&prng, 50);
      item->order = round;
      item->armed = TRUE;
      caiman_timer_queue_arm (queue, &item->timer, item->at_ns);
    } else if (action == 4) {
      item->armed = FALSE;
      caiman_timer_queue_disarm (queue, &item->timer);
    } else {
      random_step (queue, items, &last_run);
    }
  }
  while (caiman_timer_queue_get_pending (queue) > 0)
    random_step (queue, items, &last_run);
  g_assert_cmpuint (find_first (items), ==, N_RANDOM);
  caiman_timer_queue_free (queue);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func)                                                                            \
  g_test_add ("/transports/timer-queue/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("time-order", test_time_order);
  ADD ("ties-in-order-of-arming", test_ties_in_order_of_arming);
  ADD ("re-arm", test_re_arm);
  ADD ("disarm", test_disarm);
  ADD ("run-until", test_run_until);
  g_test_add_func ("/transports/timer-queue/free-forgets-timers", test_free_forgets_timers);
  g_test_add_func ("/transports/timer-queue/random", test_random);
  return g_test_run ();
}
