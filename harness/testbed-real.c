/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-real.c - see testbed-real.h. */
#include "harness/testbed-real.h"

#include <time.h>

/* So often the loop's own lateness is looked at, besides that of all other timers. */
#define HEARTBEAT_NS (2 * CAIMAN_NS_PER_MS)
/* A heartbeat that is later than this: the process stood still. */
#define STALL_NS (5 * CAIMAN_NS_PER_MS)

typedef struct {
  TestbedTimer base;
  CaimanTimer timer;
  TestbedTimerFunc func;
  gpointer user_data;
  gint64 at_ns;
  GList node; /* in TestbedReal.timers */
} Timer;

static TestbedReal *
to_real (Testbed *self)
{
  return (TestbedReal *)self;
}

void
testbed_real_fail (TestbedReal *self, const GError *error)
{
  if (!self->failure)
    self->failure = g_strdup (error->message);
  self->base.klass->quit (&self->base);
}

/* --- Time --- */

gint64
testbed_real_now (Testbed *self)
{
  TestbedReal *real = to_real (self);

  if (real->ended_ns >= 0)
    return real->ended_ns;
  return real->running ? caiman_loop_now (real->loop) - real->base_ns : 0;
}

/* Once it runs. */
static void
arm (TestbedReal *real, CaimanTimer *timer, gint64 at_ns)
{
  if (real->running)
    caiman_loop_arm_timer (real->loop, timer, caiman_time_add (real->base_ns, at_ns));
}

static void
note_lateness (TestbedReal *real, gint64 at_ns)
{
  histogram_add (&real->lateness, testbed_real_now (&real->base) - at_ns);
}

static void
timer_due (gpointer user_data)
{
  Timer *timer = user_data;
  TestbedReal *real = to_real (timer->base.testbed);

  note_lateness (real, timer->at_ns);
  timer->at_ns = CAIMAN_TIME_NEVER;
  timer->func (timer->user_data);
}

TestbedTimer *
testbed_real_timer_new (Testbed *self, TestbedTimerFunc func, gpointer user_data)
{
  Timer *timer = g_new0 (Timer, 1);

  timer->base.testbed = self;
  timer->func = func;
  timer->user_data = user_data;
  timer->at_ns = CAIMAN_TIME_NEVER;
  caiman_timer_init (&timer->timer, timer_due, timer);
  timer->node.data = timer;
  g_queue_push_tail_link (&to_real (self)->timers, &timer->node);
  return &timer->base;
}

/* One in the past is due now, and not late. */
void
testbed_real_timer_arm (TestbedTimer *base, gint64 at_ns)
{
  Timer *timer = (Timer *)base;

  timer->at_ns = MAX (at_ns, testbed_real_now (base->testbed));
  arm (to_real (base->testbed), &timer->timer, timer->at_ns);
}

void
testbed_real_timer_free (TestbedTimer *base)
{
  Timer *timer = (Timer *)base;
  TestbedReal *real = to_real (base->testbed);

  caiman_loop_arm_timer (real->loop, &timer->timer, CAIMAN_TIME_NEVER);
  g_queue_unlink (&real->timers, &timer->node);
  g_free (timer);
}

/* --- Pumps --- */

static gint64
loop_now (gpointer user_data)
{
  return testbed_real_now (&((TestbedRealPump *)user_data)->testbed->base);
}

static void
loop_arm (gpointer user_data, gint64 deadline_ns)
{
  TestbedRealPump *loop = user_data;

  loop->deadline_ns = deadline_ns;
  arm (loop->testbed, &loop->deadline, deadline_ns);
}

static void
loop_wake (gpointer user_data)
{
  TestbedRealPump *loop = user_data;

  caiman_loop_add_task (loop->testbed->loop, &loop->task);
}

static void
task_run (CaimanLoopTask *task)
{
  TestbedRealPump *loop = (TestbedRealPump *)task;

  caiman_pump_run (loop->testbed->base.pump[loop->side]);
}

static void
deadline_due (gpointer user_data)
{
  TestbedRealPump *loop = user_data;

  note_lateness (loop->testbed, loop->deadline_ns);
  caiman_pump_run (loop->testbed->base.pump[loop->side]);
}

static void
pump_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  const TestbedRealPump *loop = user_data;
  TestbedReal *real = loop->testbed;

  real->handler->event (real->user_data, loop->side, connection, event);
}

static void
pump_incoming (gpointer user_data, CaimanConnection *pending)
{
  TestbedReal *real = ((TestbedRealPump *)user_data)->testbed;

  real->handler->incoming (real->user_data, pending);
}

static void
pump_gone (gpointer user_data, CaimanConnection *pending)
{
  TestbedReal *real = ((TestbedRealPump *)user_data)->testbed;

  real->handler->gone (real->user_data, pending);
}

static CaimanTransport *
open_transport (gpointer user_data, guint32 path_id, CaimanReason *reason_out)
{
  TestbedReal *self = ((TestbedRealPump *)user_data)->testbed;
  TestbedRealLink *link =
      testbed_real_get_link (&self->base, testbed_links_get_path (&self->links, path_id));

  return link->klass->connect (link, reason_out);
}

static void
set_server (TestbedReal *real, gboolean runs)
{
  for (guint i = 0; i < real->real_links->len; i++) {
    TestbedRealLink *link = g_ptr_array_index (real->real_links, i);
    link->klass->set_server (link, runs);
  }
}

CaimanPump *
testbed_real_start (Testbed *self, ScenarioSide side, const CaimanConfig *config,
                    const CaimanRandom *random)
{
  static const CaimanPumpHandler handler = {
    .event = pump_event, .incoming = pump_incoming, .gone = pump_gone, .open = open_transport
  };
  TestbedReal *real = to_real (self);
  TestbedRealPump *loop = &real->pumps[side];
  const CaimanPumpLoop functions = {
    .now = loop_now, .arm = loop_arm, .wake = loop_wake, .user_data = loop
  };

  g_assert (!self->pump[side]);
  testbed_links_restart (&real->links, side);
  if (side == SCENARIO_SIDE_SERVER) {
    self->pump[side] = caiman_pump_new_server (config, random, &functions, &handler, loop);
    set_server (real, TRUE);
  } else {
    self->pump[side] = caiman_pump_new_client (config, random, &functions, &handler, loop);
  }
  return self->pump[side];
}

void
testbed_real_stop (Testbed *self, ScenarioSide side)
{
  TestbedReal *real = to_real (self);
  TestbedRealPump *loop = &real->pumps[side];

  if (side == SCENARIO_SIDE_SERVER)
    set_server (real, FALSE);
  g_clear_pointer (&self->pump[side], caiman_pump_free);
  loop->deadline_ns = CAIMAN_TIME_NEVER;
  caiman_loop_arm_timer (real->loop, &loop->deadline, CAIMAN_TIME_NEVER);
  caiman_loop_remove_task (real->loop, &loop->task);
}

/* --- Links --- */

static void
free_link (gpointer link)
{
  ((TestbedRealLink *)link)->klass->free (link);
}

void
testbed_real_take_link (TestbedReal *self, TestbedRealLink *link)
{
  g_assert (link->index == self->real_links->len);
  g_ptr_array_add (self->real_links, link);
}

TestbedRealLink *
testbed_real_get_link (Testbed *self, guint link)
{
  return g_ptr_array_index (to_real (self)->real_links, link);
}

void
testbed_real_add_link (Testbed *self, guint link, gint64 start_ns)
{
  testbed_links_add (&to_real (self)->links, link, start_ns);
}

void
testbed_real_remove_link (Testbed *self, guint link)
{
  testbed_links_remove (&to_real (self)->links, link);
}

int
testbed_real_find_link (Testbed *self, ScenarioSide side, guint32 link_id)
{
  return testbed_links_find (&to_real (self)->links, side, link_id);
}

void
testbed_real_apply (Testbed *self, const TestbedFault *fault)
{
  testbed_real_link_apply (testbed_real_get_link (self, fault->link), fault);
}

void
testbed_real_after_packets (Testbed *self, ScenarioSide side, guint link, TestbedPacketFunc func,
                            gpointer user_data)
{
  TestbedRealLink *real_link = testbed_real_get_link (self, link);

  real_link->after_packet[side].func = func;
  real_link->after_packet[side].user_data = user_data;
}

/* --- Running --- */

static gint64
read_cpu_clock (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (gint64)now.tv_sec * CAIMAN_NS_PER_S + now.tv_nsec;
}

static void
heartbeat_due (gpointer user_data)
{
  TestbedReal *real = user_data;
  gint64 late_ns = testbed_real_now (&real->base) - real->heartbeat_at_ns;

  note_lateness (real, real->heartbeat_at_ns);
  if (late_ns > STALL_NS)
    real->stalled_ns += late_ns;
  real->heartbeat_at_ns = testbed_real_now (&real->base) + HEARTBEAT_NS;
  arm (real, &real->heartbeat, real->heartbeat_at_ns);
}

void
testbed_real_quit (Testbed *self)
{
  to_real (self)->quit = TRUE;
}

static void
until_due (gpointer user_data)
{
  testbed_real_quit (user_data);
}

/* The clock starts: everything that was armed before is armed with it. */
static void
begin (TestbedReal *real, gint64 until_ns)
{
  real->running = TRUE;
  real->base_ns = caiman_loop_now (real->loop);
  for (GList *node = real->timers.head; node; node = node->next) {
    Timer *timer = node->data;
    arm (real, &timer->timer, timer->at_ns);
  }
  for (guint s = 0; s < SCENARIO_N_SIDES; s++)
    arm (real, &real->pumps[s].deadline, real->pumps[s].deadline_ns);
  arm (real, &real->until, until_ns);
  real->heartbeat_at_ns = HEARTBEAT_NS;
  arm (real, &real->heartbeat, real->heartbeat_at_ns);
}

void
testbed_real_run (Testbed *self, gint64 until_ns)
{
  TestbedReal *real = to_real (self);
  gint64 cpu_ns = read_cpu_clock ();

  g_assert (!real->running);
  begin (real, until_ns);
  while (!real->quit) {
    caiman_loop_iterate (real->loop, CAIMAN_TIME_NEVER);
    real->n_steps++;
  }
  real->cpu_ns = read_cpu_clock () - cpu_ns;
  real->ended_ns = testbed_real_now (self);
}

void
testbed_real_get_timing (Testbed *self, TestbedTiming *timing_out)
{
  const TestbedReal *real = to_real (self);

  timing_out->failure = real->failure;
  timing_out->lateness_p99_ns = histogram_get_quantile (&real->lateness, 990000);
  timing_out->lateness_max_ns = histogram_get_max (&real->lateness);
  timing_out->stalled_ns = real->stalled_ns;
  timing_out->cpu_ns = real->cpu_ns;
  timing_out->network_timer_ns = timing_out->network_cpu_ns = -1;
  timing_out->network_lateness_p99_ns = timing_out->network_lateness_max_ns = -1;
}

guint64
testbed_real_get_steps (Testbed *self)
{
  return to_real (self)->n_steps;
}

/* --- Life --- */

static void
init_pump (TestbedReal *real, ScenarioSide side)
{
  TestbedRealPump *pump = &real->pumps[side];

  pump->testbed = real;
  pump->side = side;
  pump->deadline_ns = CAIMAN_TIME_NEVER;
  pump->task.run = task_run;
  caiman_timer_init (&pump->deadline, deadline_due, pump);
}

gboolean
testbed_real_init (TestbedReal *self, const TestbedClass *klass, const Scenario *scenario,
                   const TestbedHandler *handler, gpointer user_data, GError **error)
{
  self->base.klass = klass;
  self->scenario = scenario;
  self->handler = handler;
  self->user_data = user_data;
  self->ended_ns = -1;
  g_queue_init (&self->timers);
  histogram_init (&self->lateness);
  testbed_links_init (&self->links, &self->base, scenario);
  self->real_links = g_ptr_array_new_with_free_func (free_link);
  caiman_timer_init (&self->heartbeat, heartbeat_due, self);
  caiman_timer_init (&self->until, until_due, self);
  for (guint s = 0; s < SCENARIO_N_SIDES; s++)
    init_pump (self, s);
  self->loop = caiman_loop_new (error);
  return self->loop != NULL;
}

void
testbed_real_stop_all (TestbedReal *self)
{
  if (!self->loop)
    return;
  for (guint s = 0; s < SCENARIO_N_SIDES; s++)
    testbed_real_stop (&self->base, s);
  caiman_loop_arm_timer (self->loop, &self->heartbeat, CAIMAN_TIME_NEVER);
  caiman_loop_arm_timer (self->loop, &self->until, CAIMAN_TIME_NEVER);
  g_ptr_array_set_size (self->real_links, 0);
}

void
testbed_real_clear (TestbedReal *self)
{
  g_ptr_array_unref (self->real_links);
  caiman_loop_free (self->loop);
  testbed_links_clear (&self->links);
  histogram_clear (&self->lateness);
  g_free (self->failure);
}
