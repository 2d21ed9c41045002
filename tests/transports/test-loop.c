/* SPDX-License-Identifier: Apache-2.0 */
/* test-loop.c - the event loop: timers, tasks, descriptors, and the ways to run it. */
#include "transports/loop.h"

#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS(n) ((n)*CAIMAN_NS_PER_MS)

typedef struct _Fixture Fixture;

typedef struct {
  CaimanLoopTask task;
  CaimanLoopWatch watch;
  CaimanTimer timer;
  Fixture *fixture;
  char name;
  int peer_fd;
  void (*deed) (Fixture *fixture); /* what else to do when called */
} Item;

struct _Fixture {
  CaimanLoop *loop;
  GString *log;
  Item items[4];
};

static void
note (Item *item)
{
  g_string_append_c (item->fixture->log, item->name);
  if (item->deed)
    item->deed (item->fixture);
}

static void
on_task (CaimanLoopTask *task)
{
  note ((Item *)((char *)task - G_STRUCT_OFFSET (Item, task)));
}

static void
on_timer (gpointer user_data)
{
  note (user_data);
}

static void
on_ready (CaimanLoopWatch *watch, guint32 epoll_events)
{
  char byte;
  g_assert_true (epoll_events & EPOLLIN);
  g_assert_cmpint (read (watch->fd, &byte, 1), ==, 1);
  note ((Item *)((char *)watch - G_STRUCT_OFFSET (Item, watch)));
}

static Fixture *
fixture_new (void)
{
  Fixture *fixture = g_new0 (Fixture, 1);
  fixture->loop = caiman_loop_new (NULL);
  g_assert_nonnull (fixture->loop);
  fixture->log = g_string_new (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (fixture->items); i++) {
    Item *item = &fixture->items[i];
    item->fixture = fixture;
    item->name = (char)('a' + i);
    item->task.run = on_task;
    item->watch.ready = on_ready;
    caiman_timer_init (&item->timer, on_timer, item);
  }
  return fixture;
}

/* Watches one end of a socket pair. */
static void
add_watch (Fixture *fixture, guint index, guint32 epoll_events)
{
  Item *item = &fixture->items[index];
  int fds[2];
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  item->peer_fd = fds[1];
  g_assert_true (caiman_loop_add_watch (fixture->loop, &item->watch, fds[0], epoll_events, NULL));
}

static void
remove_watch (Item *item)
{
  int fd = item->watch.fd;
  if (!item->watch.loop)
    return;
  caiman_loop_remove_watch (&item->watch);
  close (fd);
  close (item->peer_fd);
}

static void
fixture_free (Fixture *fixture)
{
  for (guint i = 0; i < G_N_ELEMENTS (fixture->items); i++) {
    remove_watch (&fixture->items[i]);
    caiman_loop_remove_task (fixture->loop, &fixture->items[i].task);
    caiman_loop_arm_timer (fixture->loop, &fixture->items[i].timer, CAIMAN_TIME_NEVER);
  }
  caiman_loop_free (fixture->loop);
  g_string_free (fixture->log, TRUE);
  g_free (fixture);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

static void
poke (Fixture *fixture, guint index)
{
  g_assert_cmpint (write (fixture->items[index].peer_fd, "x", 1), ==, 1);
}

static void
expect (Fixture *fixture, const char *log)
{
  g_assert_cmpstr (fixture->log->str, ==, log);
  g_string_truncate (fixture->log, 0);
}

static gboolean
is_readable (CaimanLoop *loop)
{
  struct pollfd pollfd = { .fd = caiman_loop_get_fd (loop), .events = POLLIN };
  return poll (&pollfd, 1, 0) == 1;
}

/* --- Timers --- */

static void
test_timers (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  gint64 now_ns = caiman_loop_now (fixture->loop);
  caiman_loop_arm_timer (fixture->loop, &fixture->items[0].timer, now_ns + MS (4));
  caiman_loop_arm_timer (fixture->loop, &fixture->items[1].timer, now_ns + MS (2));
  caiman_loop_arm_timer (fixture->loop, &fixture->items[2].timer, now_ns + MS (3));
  caiman_loop_arm_timer (fixture->loop, &fixture->items[3].timer, now_ns + MS (1));
  caiman_loop_arm_timer (fixture->loop, &fixture->items[3].timer, CAIMAN_TIME_NEVER);
  while (fixture->log->len < 3)
    caiman_loop_iterate (fixture->loop, CAIMAN_TIME_NEVER);
  g_assert_cmpint (caiman_loop_now (fixture->loop), >=, now_ns + MS (4));
  expect (fixture, "bca");
}

/* One that has moved away fires when it is due, not before. */
static void
test_timer_moves (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  gint64 now_ns = caiman_loop_now (fixture->loop);
  caiman_loop_arm_timer (fixture->loop, &fixture->items[0].timer, now_ns + MS (1));
  caiman_loop_arm_timer (fixture->loop, &fixture->items[0].timer, now_ns + MS (6));
  while (fixture->log->len == 0)
    caiman_loop_iterate (fixture->loop, CAIMAN_TIME_NEVER);
  g_assert_cmpint (caiman_loop_now (fixture->loop), >=, now_ns + MS (6));
  caiman_loop_arm_timer (fixture->loop, &fixture->items[0].timer, now_ns + MS (60000));
  caiman_loop_arm_timer (fixture->loop, &fixture->items[0].timer, now_ns + MS (8));
  while (fixture->log->len == 1)
    caiman_loop_iterate (fixture->loop, CAIMAN_TIME_NEVER);
  expect (fixture, "aa");
}

static void
arm_in_the_past (Fixture *fixture)
{
  caiman_loop_arm_timer (fixture->loop, &fixture->items[0].timer, 0);
}

/* A timer that arms itself "at once" again and again does not keep dispatch() from returning. */
static void
test_timer_in_the_past (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  fixture->items[0].deed = arm_in_the_past;
  arm_in_the_past (fixture);
  caiman_loop_iterate (fixture->loop, CAIMAN_TIME_NEVER);
  caiman_loop_iterate (fixture->loop, CAIMAN_TIME_NEVER);
  caiman_loop_iterate (fixture->loop, CAIMAN_TIME_NEVER);
  g_assert_cmpuint (fixture->log->len, >=, 2);
  g_assert_cmpuint (fixture->log->len, <=, 3);
}

/* --- Tasks --- */

static void
add_b_and_c (Fixture *fixture)
{
  caiman_loop_add_task (fixture->loop, &fixture->items[1].task);
  caiman_loop_add_task (fixture->loop, &fixture->items[2].task);
}

static void
remove_c (Fixture *fixture)
{
  caiman_loop_remove_task (fixture->loop, &fixture->items[2].task);
}

static void
test_tasks (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  caiman_loop_add_task (fixture->loop, &fixture->items[0].task);
  caiman_loop_add_task (fixture->loop, &fixture->items[0].task);
  caiman_loop_add_task (fixture->loop, &fixture->items[3].task);
  expect (fixture, "");
  fixture->items[0].deed = add_b_and_c;
  fixture->items[1].deed = remove_c;
  caiman_loop_iterate (fixture->loop, CAIMAN_TIME_NEVER);
  caiman_loop_iterate (fixture->loop, 0);
  expect (fixture, "adb");
}

static void
add_a (Fixture *fixture)
{
  caiman_loop_add_task (fixture->loop, &fixture->items[0].task);
}

/* A task that adds itself always does not keep descriptors and timers from their turn. */
static void
test_tasks_are_fair (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  add_watch (fixture, 1, EPOLLIN);
  fixture->items[0].deed = add_a;
  add_a (fixture);
  poke (fixture, 1);
  caiman_loop_iterate (fixture->loop, CAIMAN_TIME_NEVER);
  g_assert_nonnull (strchr (fixture->log->str, 'b'));
  gsize before = fixture->log->len;
  caiman_loop_iterate (fixture->loop, CAIMAN_TIME_NEVER);
  g_assert_cmpuint (fixture->log->len, >, before);
}

/* --- Descriptors --- */

static void
remove_all_watches (Fixture *fixture)
{
  for (guint i = 0; i < G_N_ELEMENTS (fixture->items); i++)
    remove_watch (&fixture->items[i]);
}

/* Several are ready, and the first to be called removes all the others. */
static void
test_remove_in_call_back (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  for (guint i = 0; i < 4; i++) {
    add_watch (fixture, i, EPOLLIN);
    fixture->items[i].deed = remove_all_watches;
    poke (fixture, i);
  }
  caiman_loop_dispatch (fixture->loop);
  g_assert_cmpuint (fixture->log->len, ==, 1);
}

static void
test_watch_events (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  add_watch (fixture, 0, EPOLLIN);
  caiman_loop_set_watch_events (&fixture->items[0].watch, 0);
  poke (fixture, 0);
  caiman_loop_dispatch (fixture->loop);
  expect (fixture, "");
  caiman_loop_set_watch_events (&fixture->items[0].watch, EPOLLIN);
  caiman_loop_set_watch_events (&fixture->items[0].watch, EPOLLIN);
  caiman_loop_dispatch (fixture->loop);
  expect (fixture, "a");
}

static void
test_bad_descriptor (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  g_autoptr (GError) error = NULL;
  g_assert_false (
      caiman_loop_add_watch (fixture->loop, &fixture->items[0].watch, -1, EPOLLIN, &error));
  g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR);
}

/* --- Ways to run it --- */

/* The descriptor is readable exactly when there is something to do. */
static void
test_poll (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  add_a (fixture);
  g_assert_true (is_readable (fixture->loop));
  caiman_loop_dispatch (fixture->loop);
  g_assert_false (is_readable (fixture->loop));
  add_a (fixture);
  g_assert_true (is_readable (fixture->loop));
  caiman_loop_remove_task (fixture->loop, &fixture->items[0].task);
  caiman_loop_dispatch (fixture->loop);
  g_assert_false (is_readable (fixture->loop));

  caiman_loop_arm_timer (fixture->loop, &fixture->items[1].timer, 0);
  while (!is_readable (fixture->loop))
    g_thread_yield ();
  caiman_loop_dispatch (fixture->loop);
  add_watch (fixture, 2, EPOLLIN);
  g_assert_false (is_readable (fixture->loop));
  poke (fixture, 2);
  g_assert_true (is_readable (fixture->loop));
  caiman_loop_dispatch (fixture->loop);
  g_assert_false (is_readable (fixture->loop));
  expect (fixture, "abc");
}

static void
test_source (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GSource) source = caiman_loop_source_new (fixture->loop);
  g_source_attach (source, context);
  g_assert_false (g_main_context_iteration (context, FALSE));
  add_a (fixture);
  g_assert_true (g_main_context_iteration (context, TRUE));
  add_watch (fixture, 1, EPOLLIN);
  poke (fixture, 1);
  g_assert_true (g_main_context_iteration (context, TRUE));
  caiman_loop_arm_timer (fixture->loop, &fixture->items[2].timer, 0);
  while (fixture->log->len < 3)
    g_main_context_iteration (context, TRUE);
  expect (fixture, "abc");
  g_source_destroy (source);
}

static void
test_iterate_returns (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  gint64 now_ns = caiman_loop_now (fixture->loop);
  caiman_loop_iterate (fixture->loop, 0);
  caiman_loop_iterate (fixture->loop, MS (2));
  g_assert_cmpint (caiman_loop_now (fixture->loop), >=, now_ns + MS (2));
  expect (fixture, "");
  caiman_loop_free (NULL);
  caiman_loop_free_pump (fixture->loop, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transports/loop/timers", test_timers);
  g_test_add_func ("/transports/loop/timer-moves", test_timer_moves);
  g_test_add_func ("/transports/loop/timer-in-the-past", test_timer_in_the_past);
  g_test_add_func ("/transports/loop/tasks", test_tasks);
  g_test_add_func ("/transports/loop/tasks-are-fair", test_tasks_are_fair);
  g_test_add_func ("/transports/loop/remove-in-call-back", test_remove_in_call_back);
  g_test_add_func ("/transports/loop/watch-events", test_watch_events);
  g_test_add_func ("/transports/loop/bad-descriptor", test_bad_descriptor);
  g_test_add_func ("/transports/loop/poll", test_poll);
  g_test_add_func ("/transports/loop/source", test_source);
  g_test_add_func ("/transports/loop/iterate-returns", test_iterate_returns);
  return g_test_run ();
}
