/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c - one epoll descriptor that holds everything: sockets, a timerfd for the earliest timer,
 * and an eventfd for tasks that were added outside of dispatch().
 *
 * A dispatch does a bounded amount: one batch of ready descriptors, the timers that are due, and a
 * few rounds of tasks. What is left makes the descriptor readable again. */
#include "transports/loop.h"
#include "transports/receive-buffer.h"

#include "core/crypto.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* Ready descriptors that one dispatch looks at. */
#define BATCH_MAX 64
/* A task may add others: packets have a pump run, which has transports flush, which makes them
 * writable, which has the pump run again. */
#define TASK_ROUNDS 4

struct _CaimanLoop {
  int epoll_fd, timer_fd, event_fd;
  CaimanTimerQueue *timers;
  gint64 timer_fd_at_ns; /* what timer_fd is set to */
  GQueue tasks;          /* of CaimanLoopTask (borrowed) */
  GQueue drains;         /* of CaimanLoopDrain (borrowed) */
  CaimanReceiveBuffer *receive_buffer;
  struct epoll_event batch[BATCH_MAX];
  int n_batch, next_in_batch;
  gint64 now_ns; /* while dispatching */
  guint n_watches, n_pumps;
  gboolean dispatching;
  gboolean polled_outside; /* somebody polls epoll_fd: tasks must show there */
  gboolean event_fd_set;
};

static gint64
read_clock (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (gint64)now.tv_sec * CAIMAN_NS_PER_S + now.tv_nsec;
}

gint64
caiman_loop_now (CaimanLoop *loop)
{
  return loop->dispatching ? loop->now_ns : read_clock ();
}

gboolean
caiman_loop_is_dispatching (const CaimanLoop *loop)
{
  return loop->dispatching;
}

/* --- Life --- */

static gboolean
watch_own (CaimanLoop *loop, int fd)
{
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
  return fd >= 0 && epoll_ctl (loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

CaimanLoop *
caiman_loop_new (GError **error)
{
  CaimanLoop *loop = g_new0 (CaimanLoop, 1);
  loop->timers = caiman_timer_queue_new ();
  loop->timer_fd_at_ns = CAIMAN_TIME_NEVER;
  loop->receive_buffer = caiman_receive_buffer_new ();
  g_queue_init (&loop->tasks);
  g_queue_init (&loop->drains);
  loop->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  loop->timer_fd = timerfd_create (CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  loop->event_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (loop->epoll_fd < 0 || !watch_own (loop, loop->timer_fd) ||
      !watch_own (loop, loop->event_fd)) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR, "cannot make an event loop: %s",
                 g_strerror (errno));
    caiman_loop_free (loop);
    return NULL;
  }
  caiman_timer_queue_run_until (loop->timers, read_clock ());
  return loop;
}

static void
close_fd (int fd)
{
  if (fd >= 0)
    close (fd);
}

void
caiman_loop_free (CaimanLoop *loop)
{
  if (!loop)
    return;
  g_assert (!loop->dispatching);
  while (loop->drains.head) {
    CaimanLoopDrain *drain = loop->drains.head->data;
    drain->end (drain->user_data);
  }
  g_assert (loop->n_watches == 0 && loop->n_pumps == 0);
  g_assert (loop->tasks.length == 0);
  g_assert (caiman_timer_queue_get_pending (loop->timers) == 0);
  caiman_timer_queue_free (loop->timers);
  caiman_receive_buffer_free (loop->receive_buffer);
  close_fd (loop->event_fd);
  close_fd (loop->timer_fd);
  close_fd (loop->epoll_fd);
  g_free (loop);
}

/* --- Descriptors --- */

gboolean
caiman_loop_add_watch (CaimanLoop *loop, CaimanLoopWatch *watch, int fd, guint32 epoll_events,
                       GError **error)
{
  struct epoll_event event = { .events = epoll_events, .data.ptr = watch };
  if (epoll_ctl (loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR, "cannot watch a descriptor: %s",
                 g_strerror (errno));
    return FALSE;
  }
  watch->fd = fd;
  watch->loop = loop;
  watch->epoll_events = epoll_events;
  loop->n_watches++;
  return TRUE;
}

void
caiman_loop_set_watch_events (CaimanLoopWatch *watch, guint32 epoll_events)
{
  struct epoll_event event = { .events = epoll_events, .data.ptr = watch };
  if (epoll_events == watch->epoll_events)
    return;
  int result = epoll_ctl (watch->loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
  g_assert (result == 0);
  watch->epoll_events = epoll_events;
}

void
caiman_loop_remove_watch (CaimanLoopWatch *watch)
{
  CaimanLoop *loop = watch->loop;
  int result = epoll_ctl (loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
  g_assert (result == 0);
  for (int i = loop->next_in_batch; i < loop->n_batch; i++)
    if (loop->batch[i].data.ptr == watch)
      loop->batch[i].data.ptr = NULL;
  watch->loop = NULL;
  loop->n_watches--;
}

/* --- Tasks --- */

/* Has the eventfd say whether there are tasks, for those who poll. */
static void
update_event_fd (CaimanLoop *loop)
{
  gboolean wanted = loop->polled_outside && loop->tasks.length > 0;
  if (wanted == loop->event_fd_set)
    return;
  guint64 count = 1;
  gssize size = wanted ? write (loop->event_fd, &count, sizeof count)
                       : read (loop->event_fd, &count, sizeof count);
  g_assert (size == sizeof count);
  loop->event_fd_set = wanted;
}

void
caiman_loop_add_task (CaimanLoop *loop, CaimanLoopTask *task)
{
  if (task->node.data)
    return;
  task->node.data = task;
  g_queue_push_tail_link (&loop->tasks, &task->node);
  if (!loop->dispatching)
    update_event_fd (loop);
}

void
caiman_loop_add_task_first (CaimanLoop *loop, CaimanLoopTask *task)
{
  if (task->node.data)
    return;
  task->node.data = task;
  g_queue_push_head_link (&loop->tasks, &task->node);
  if (!loop->dispatching)
    update_event_fd (loop);
}

void
caiman_loop_remove_task (CaimanLoop *loop, CaimanLoopTask *task)
{
  if (!task->node.data)
    return;
  g_queue_unlink (&loop->tasks, &task->node);
  task->node.data = NULL;
}

void
caiman_loop_add_drain (CaimanLoop *loop, CaimanLoopDrain *drain)
{
  drain->node.data = drain;
  g_queue_push_tail_link (&loop->drains, &drain->node);
}

void
caiman_loop_remove_drain (CaimanLoop *loop, CaimanLoopDrain *drain)
{
  g_queue_unlink (&loop->drains, &drain->node);
  drain->node.data = NULL;
}

guint
caiman_loop_get_n_draining (const CaimanLoop *loop)
{
  return loop->drains.length;
}

CaimanReceiveBuffer *
caiman_loop_get_receive_buffer (CaimanLoop *loop)
{
  return loop->receive_buffer;
}

/* --- Timers --- */

static void
set_timer_fd (CaimanLoop *loop, gint64 at_ns)
{
  struct itimerspec when = { 0 };
  if (at_ns != CAIMAN_TIME_NEVER) {
    when.it_value.tv_sec = at_ns / CAIMAN_NS_PER_S;
    when.it_value.tv_nsec = at_ns % CAIMAN_NS_PER_S;
  }
  int result = timerfd_settime (loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
  g_assert (result == 0);
  loop->timer_fd_at_ns = at_ns;
}

/* A timerfd that is set too early fires once for nothing, which is cheaper than to set it each time
 * a deadline moves away. */
static void
update_timer_fd (CaimanLoop *loop)
{
  gint64 next_ns = caiman_timer_queue_get_next (loop->timers);
  if (next_ns < loop->timer_fd_at_ns)
    set_timer_fd (loop, next_ns);
}

void
caiman_loop_arm_timer (CaimanLoop *loop, CaimanTimer *timer, gint64 at_ns)
{
  /* Later than all timers that may be running, or "at once" would never end. */
  gint64 past_ns = loop->dispatching ? loop->now_ns : caiman_timer_queue_now (loop->timers);
  if (at_ns != CAIMAN_TIME_NEVER)
    at_ns = MAX (at_ns, past_ns + 1);
  caiman_timer_queue_arm (loop->timers, timer, at_ns);
  if (!loop->dispatching)
    update_timer_fd (loop);
}

/* --- Dispatch --- */

static void
run_batch (CaimanLoop *loop, int n_batch)
{
  loop->n_batch = MAX (n_batch, 0);
  for (loop->next_in_batch = 0; loop->next_in_batch < loop->n_batch;) {
    struct epoll_event event = loop->batch[loop->next_in_batch++];
    CaimanLoopWatch *watch = event.data.ptr;
    if (!watch)
      continue;
    loop->now_ns = read_clock ();
    watch->ready (watch, event.events);
  }
  loop->n_batch = 0;
}

static void
run_timers (CaimanLoop *loop)
{
  loop->now_ns = read_clock ();
  caiman_timer_queue_run_until (loop->timers, loop->now_ns);
  /* Setting it anew also clears that it has fired. */
  if (loop->timer_fd_at_ns <= loop->now_ns)
    set_timer_fd (loop, caiman_timer_queue_get_next (loop->timers));
}

static void
run_tasks (CaimanLoop *loop)
{
  for (guint round = 0; round < TASK_ROUNDS && loop->tasks.length > 0; round++) {
    for (guint left = loop->tasks.length; left > 0 && loop->tasks.length > 0; left--) {
      CaimanLoopTask *task = g_queue_pop_head_link (&loop->tasks)->data;
      task->node.data = NULL;
      loop->now_ns = read_clock ();
      task->run (task);
    }
  }
}

static void
dispatch (CaimanLoop *loop, int timeout_ms)
{
  g_assert (!loop->dispatching);
  int n_batch = epoll_wait (loop->epoll_fd, loop->batch, BATCH_MAX, timeout_ms);
  g_assert (n_batch >= 0 || errno == EINTR);
  loop->dispatching = TRUE;
  run_batch (loop, n_batch);
  run_timers (loop);
  run_tasks (loop);
  loop->dispatching = FALSE;
  update_timer_fd (loop);
  update_event_fd (loop);
}

void
caiman_loop_dispatch (CaimanLoop *loop)
{
  dispatch (loop, 0);
}

void
caiman_loop_iterate (CaimanLoop *loop, gint64 timeout_ns)
{
  int timeout_ms = -1;
  if (loop->tasks.length > 0)
    timeout_ms = 0;
  else if (timeout_ns != CAIMAN_TIME_NEVER)
    timeout_ms =
        (int)MIN ((MAX (timeout_ns, 0) + CAIMAN_NS_PER_MS - 1) / CAIMAN_NS_PER_MS, G_MAXINT);
  dispatch (loop, timeout_ms);
}

int
caiman_loop_get_fd (CaimanLoop *loop)
{
  loop->polled_outside = TRUE;
  if (!loop->dispatching)
    update_event_fd (loop);
  return loop->epoll_fd;
}

/* --- GSource --- */

typedef struct {
  GSource source;
  CaimanLoop *loop;
  gpointer tag;
} LoopSource;

static gboolean
source_prepare (GSource *source, gint *timeout_out)
{
  *timeout_out = -1;
  return ((LoopSource *)source)->loop->tasks.length > 0;
}

static gboolean
source_check (GSource *source)
{
  LoopSource *self = (LoopSource *)source;
  return self->loop->tasks.length > 0 || g_source_query_unix_fd (source, self->tag) != 0;
}

static gboolean
source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  caiman_loop_dispatch (((LoopSource *)source)->loop);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { source_prepare, source_check, source_dispatch, NULL };

GSource *
caiman_loop_source_new (CaimanLoop *loop)
{
  GSource *source = g_source_new (&source_funcs, sizeof (LoopSource));
  LoopSource *self = (LoopSource *)source;
  self->loop = loop;
  self->tag = g_source_add_unix_fd (source, loop->epoll_fd, G_IO_IN);
  g_source_set_name (source, "caiman");
  return source;
}

/* --- Pumps --- */

typedef struct {
  CaimanLoop *loop;
  CaimanPump *pump;
  CaimanLoopTask task;
  CaimanTimer timer;
} LoopPump;

static gint64
pump_now (gpointer user_data)
{
  return caiman_loop_now (((LoopPump *)user_data)->loop);
}

static void
pump_arm (gpointer user_data, gint64 deadline_ns)
{
  LoopPump *self = user_data;
  caiman_loop_arm_timer (self->loop, &self->timer, deadline_ns);
}

static void
pump_wake (gpointer user_data)
{
  LoopPump *self = user_data;
  /* What one transport has received is used before the next one receives, while it is in the
   * processor's caches. */
  caiman_loop_add_task_first (self->loop, &self->task);
}

static void
pump_run (CaimanLoopTask *task)
{
  LoopPump *self = (LoopPump *)((char *)task - G_STRUCT_OFFSET (LoopPump, task));
  caiman_pump_run (self->pump);
}

static LoopPump *
loop_pump_new (CaimanLoop *loop, CaimanPumpLoop *functions_out)
{
  LoopPump *self = g_new0 (LoopPump, 1);
  self->loop = loop;
  self->task.run = pump_run;
  caiman_timer_init (&self->timer, pump_wake, self);
  *functions_out = (CaimanPumpLoop) { pump_now, pump_arm, pump_wake, self };
  loop->n_pumps++;
  return self;
}

CaimanPump *
caiman_loop_new_client_pump (CaimanLoop *loop, const CaimanConfig *config,
                             const CaimanRandom *random, const CaimanPumpHandler *handler,
                             gpointer user_data)
{
  CaimanPumpLoop functions;
  CaimanRandom of_system = caiman_crypto_random ();
  LoopPump *self = loop_pump_new (loop, &functions);
  self->pump =
      caiman_pump_new_client (config, random ? random : &of_system, &functions, handler, user_data);
  return self->pump;
}

CaimanPump *
caiman_loop_new_server_pump (CaimanLoop *loop, const CaimanConfig *config,
                             const CaimanRandom *random, const CaimanPumpHandler *handler,
                             gpointer user_data)
{
  CaimanPumpLoop functions;
  CaimanRandom of_system = caiman_crypto_random ();
  LoopPump *self = loop_pump_new (loop, &functions);
  self->pump =
      caiman_pump_new_server (config, random ? random : &of_system, &functions, handler, user_data);
  return self->pump;
}

void
caiman_loop_free_pump (CaimanLoop *loop, CaimanPump *pump)
{
  if (!pump)
    return;
  LoopPump *self = caiman_pump_get_loop_data (pump);
  g_assert (self->loop == loop);
  caiman_pump_free (pump);
  caiman_loop_remove_task (loop, &self->task);
  caiman_loop_arm_timer (loop, &self->timer, CAIMAN_TIME_NEVER);
  g_free (self);
  loop->n_pumps--;
}
