/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-tcp.c - the testbed itself: loop, clock, timers and pumps. Its time is 0 until run(), and
 * counts from there; what is armed before is armed with the loop when it begins. */
#include "harness/testbed-tcp-private.h"

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
  GList node; /* in TestbedTcp.timers */
} Timer;

static TestbedTcp *
to_tcp (Testbed *self)
{
  return (TestbedTcp *)self;
}

void
testbed_tcp_fail (TestbedTcp *self, const GError *error)
{
  if (!self->failure)
    self->failure = g_strdup (error->message);
  self->base.klass->quit (&self->base);
}

/* --- Time --- */

static gint64
tcp_now (Testbed *self)
{
  TestbedTcp *tcp = to_tcp (self);

  if (tcp->ended_ns >= 0)
    return tcp->ended_ns;
  return tcp->running ? caiman_loop_now (tcp->loop) - tcp->base_ns : 0;
}

/* Once it runs. */
static void
arm (TestbedTcp *tcp, CaimanTimer *timer, gint64 at_ns)
{
  if (tcp->running)
    caiman_loop_arm_timer (tcp->loop, timer, caiman_time_add (tcp->base_ns, at_ns));
}

static void
note_lateness (TestbedTcp *tcp, gint64 at_ns)
{
  histogram_add (&tcp->lateness, tcp_now (&tcp->base) - at_ns);
}

static void
timer_due (gpointer user_data)
{
  Timer *timer = user_data;
  TestbedTcp *tcp = to_tcp (timer->base.testbed);

  note_lateness (tcp, timer->at_ns);
  timer->at_ns = CAIMAN_TIME_NEVER;
  timer->func (timer->user_data);
}

static TestbedTimer *
tcp_timer_make (Testbed *self, TestbedTimerFunc func, gpointer user_data)
{
  Timer *timer = g_new0 (Timer, 1);

  timer->base.testbed = self;
  timer->func = func;
  timer->user_data = user_data;
  timer->at_ns = CAIMAN_TIME_NEVER;
  caiman_timer_init (&timer->timer, timer_due, timer);
  timer->node.data = timer;
  g_queue_push_tail_link (&to_tcp (self)->timers, &timer->node);
  return &timer->base;
}

/* One in the past is due now, and not late. */
static void
tcp_timer_set (TestbedTimer *base, gint64 at_ns)
{
  Timer *timer = (Timer *)base;

  timer->at_ns = MAX (at_ns, tcp_now (base->testbed));
  arm (to_tcp (base->testbed), &timer->timer, timer->at_ns);
}

static void
tcp_timer_drop (TestbedTimer *base)
{
  Timer *timer = (Timer *)base;
  TestbedTcp *tcp = to_tcp (base->testbed);

  caiman_loop_arm_timer (tcp->loop, &timer->timer, CAIMAN_TIME_NEVER);
  g_queue_unlink (&tcp->timers, &timer->node);
  g_free (timer);
}

/* --- Pumps --- */

static gint64
loop_now (gpointer user_data)
{
  return tcp_now (((TcpPumpLoop *)user_data)->testbed);
}

static void
loop_arm (gpointer user_data, gint64 deadline_ns)
{
  TcpPumpLoop *loop = user_data;

  loop->deadline_ns = deadline_ns;
  arm (to_tcp (loop->testbed), &loop->deadline, deadline_ns);
}

static void
loop_wake (gpointer user_data)
{
  TcpPumpLoop *loop = user_data;

  caiman_loop_add_task (to_tcp (loop->testbed)->loop, &loop->task);
}

static void
task_run (CaimanLoopTask *task)
{
  TcpPumpLoop *loop = (TcpPumpLoop *)task;

  caiman_pump_run (loop->testbed->pump[loop->side]);
}

static void
deadline_due (gpointer user_data)
{
  TcpPumpLoop *loop = user_data;

  note_lateness (to_tcp (loop->testbed), loop->deadline_ns);
  caiman_pump_run (loop->testbed->pump[loop->side]);
}

static void
pump_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  const TcpPumpLoop *loop = user_data;
  TestbedTcp *tcp = to_tcp (loop->testbed);

  tcp->handler->event (tcp->user_data, loop->side, connection, event);
}

static void
pump_incoming (gpointer user_data, CaimanConnection *pending)
{
  TestbedTcp *tcp = to_tcp (((TcpPumpLoop *)user_data)->testbed);

  tcp->handler->incoming (tcp->user_data, pending);
}

static void
pump_gone (gpointer user_data, CaimanConnection *pending)
{
  TestbedTcp *tcp = to_tcp (((TcpPumpLoop *)user_data)->testbed);

  tcp->handler->gone (tcp->user_data, pending);
}

static CaimanTransport *
open_transport (gpointer user_data, guint32 path_id, CaimanReason *reason_out)
{
  TestbedTcp *self = to_tcp (((TcpPumpLoop *)user_data)->testbed);
  guint link = testbed_links_get_path (&self->links, path_id);

  return tcp_end_connect (g_ptr_array_index (self->tcp_links, link));
}

static void
set_server (TestbedTcp *self, gboolean runs)
{
  for (guint i = 0; i < self->tcp_links->len; i++)
    tcp_link_set_server (g_ptr_array_index (self->tcp_links, i), runs);
}

static CaimanPump *
tcp_start (Testbed *self, ScenarioSide side, const CaimanConfig *config, const CaimanRandom *random)
{
  static const CaimanPumpHandler handler = {
    .event = pump_event, .incoming = pump_incoming, .gone = pump_gone, .open = open_transport
  };
  TestbedTcp *tcp = to_tcp (self);
  TcpPumpLoop *loop = &tcp->pump_loop[side];
  const CaimanPumpLoop functions = {
    .now = loop_now, .arm = loop_arm, .wake = loop_wake, .user_data = loop
  };

  g_assert (!self->pump[side]);
  testbed_links_restart (&tcp->links, side);
  if (side == SCENARIO_SIDE_SERVER) {
    self->pump[side] = caiman_pump_new_server (config, random, &functions, &handler, loop);
    set_server (tcp, TRUE);
  } else {
    self->pump[side] = caiman_pump_new_client (config, random, &functions, &handler, loop);
  }
  return self->pump[side];
}

static void
tcp_stop (Testbed *self, ScenarioSide side)
{
  TestbedTcp *tcp = to_tcp (self);
  TcpPumpLoop *loop = &tcp->pump_loop[side];

  if (side == SCENARIO_SIDE_SERVER)
    set_server (tcp, FALSE);
  g_clear_pointer (&self->pump[side], caiman_pump_free);
  loop->deadline_ns = CAIMAN_TIME_NEVER;
  caiman_loop_arm_timer (tcp->loop, &loop->deadline, CAIMAN_TIME_NEVER);
  caiman_loop_remove_task (tcp->loop, &loop->task);
}

/* --- Links --- */

static void
tcp_add_link (Testbed *self, guint link, gint64 start_ns)
{
  testbed_links_add (&to_tcp (self)->links, link, start_ns);
}

static void
tcp_remove_link (Testbed *self, guint link)
{
  testbed_links_remove (&to_tcp (self)->links, link);
}

static int
tcp_find_link (Testbed *self, ScenarioSide side, guint32 link_id)
{
  return testbed_links_find (&to_tcp (self)->links, side, link_id);
}

static TcpLink *
get_link (Testbed *self, guint link)
{
  return g_ptr_array_index (to_tcp (self)->tcp_links, link);
}

static void
tcp_apply (Testbed *self, const TestbedFault *fault)
{
  tcp_link_apply (get_link (self, fault->link), fault);
}

static void
tcp_after_packets (Testbed *self, ScenarioSide side, guint link, TestbedPacketFunc func,
                   gpointer user_data)
{
  TcpLink *tcp_link = get_link (self, link);

  tcp_link->after_packet[side].func = func;
  tcp_link->after_packet[side].user_data = user_data;
}

static gint64
tcp_get_queue_bytes (Testbed *self, guint link, ScenarioDirection direction)
{
  return (gint64)relay_get_waiting (get_link (self, link)->relay, (SimDirection)direction);
}

static gint64
tcp_get_wire_bytes (Testbed *self, guint link, ScenarioDirection direction)
{
  Relay *relay = get_link (self, link)->relay;

  return (gint64)relay_bottleneck_get_bytes (relay_get_bottleneck (relay, (SimDirection)direction));
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
  TestbedTcp *tcp = user_data;
  gint64 late_ns = tcp_now (&tcp->base) - tcp->heartbeat_at_ns;

  note_lateness (tcp, tcp->heartbeat_at_ns);
  if (late_ns > STALL_NS)
    tcp->stalled_ns += late_ns;
  tcp->heartbeat_at_ns = tcp_now (&tcp->base) + HEARTBEAT_NS;
  arm (tcp, &tcp->heartbeat, tcp->heartbeat_at_ns);
}

static void
tcp_quit (Testbed *self)
{
  to_tcp (self)->quit = TRUE;
}

static void
until_due (gpointer user_data)
{
  tcp_quit (user_data);
}

/* The clock starts: everything that was armed before is armed with it. */
static void
begin (TestbedTcp *tcp, gint64 until_ns)
{
  tcp->running = TRUE;
  tcp->base_ns = caiman_loop_now (tcp->loop);
  for (GList *node = tcp->timers.head; node; node = node->next) {
    Timer *timer = node->data;
    arm (tcp, &timer->timer, timer->at_ns);
  }
  for (guint s = 0; s < SCENARIO_N_SIDES; s++)
    arm (tcp, &tcp->pump_loop[s].deadline, tcp->pump_loop[s].deadline_ns);
  arm (tcp, &tcp->until, until_ns);
  tcp->heartbeat_at_ns = HEARTBEAT_NS;
  arm (tcp, &tcp->heartbeat, tcp->heartbeat_at_ns);
}

static void
tcp_run (Testbed *self, gint64 until_ns)
{
  TestbedTcp *tcp = to_tcp (self);
  gint64 cpu_ns = read_cpu_clock ();

  g_assert (!tcp->running);
  begin (tcp, until_ns);
  while (!tcp->quit) {
    caiman_loop_iterate (tcp->loop, CAIMAN_TIME_NEVER);
    tcp->n_steps++;
  }
  tcp->cpu_ns = read_cpu_clock () - cpu_ns;
  tcp->ended_ns = tcp_now (self);
}

static void
tcp_get_timing (Testbed *self, TestbedTiming *timing_out)
{
  const TestbedTcp *tcp = to_tcp (self);

  timing_out->failure = tcp->failure;
  timing_out->lateness_p99_ns = histogram_get_quantile (&tcp->lateness, 990000);
  timing_out->lateness_max_ns = histogram_get_max (&tcp->lateness);
  timing_out->stalled_ns = tcp->stalled_ns;
  timing_out->cpu_ns = tcp->cpu_ns;
}

static guint64
tcp_get_steps (Testbed *self)
{
  return to_tcp (self)->n_steps;
}

/* --- Life --- */

static void
tcp_free (Testbed *self)
{
  TestbedTcp *tcp = to_tcp (self);

  if (tcp->loop) {
    for (guint s = 0; s < SCENARIO_N_SIDES; s++)
      tcp_stop (self, s);
    caiman_loop_arm_timer (tcp->loop, &tcp->heartbeat, CAIMAN_TIME_NEVER);
    caiman_loop_arm_timer (tcp->loop, &tcp->until, CAIMAN_TIME_NEVER);
  }
  g_ptr_array_unref (tcp->tcp_links);
  caiman_loop_free (tcp->loop);
  testbed_links_clear (&tcp->links);
  histogram_clear (&tcp->lateness);
  g_free (tcp->failure);
  g_free (tcp);
}

static void
free_link (gpointer link)
{
  tcp_link_free (link);
}

static void
init_pump_loop (TestbedTcp *tcp, ScenarioSide side)
{
  TcpPumpLoop *loop = &tcp->pump_loop[side];

  loop->testbed = &tcp->base;
  loop->side = side;
  loop->deadline_ns = CAIMAN_TIME_NEVER;
  loop->task.run = task_run;
  caiman_timer_init (&loop->deadline, deadline_due, loop);
}

static Testbed *
tcp_create (const Scenario *scenario, guint64 seed, const TestbedHandler *handler,
            gpointer user_data, GError **error)
{
  TestbedTcp *self = g_new0 (TestbedTcp, 1);

  self->base.klass = &testbed_tcp_class;
  self->scenario = scenario;
  self->tcp_links = g_ptr_array_new_with_free_func (free_link);
  self->handler = handler;
  self->user_data = user_data;
  self->ended_ns = -1;
  g_queue_init (&self->timers);
  histogram_init (&self->lateness);
  testbed_links_init (&self->links, &self->base, scenario);
  caiman_timer_init (&self->heartbeat, heartbeat_due, self);
  caiman_timer_init (&self->until, until_due, self);
  for (guint s = 0; s < SCENARIO_N_SIDES; s++)
    init_pump_loop (self, s);
  self->loop = caiman_loop_new (error);
  gboolean ok = self->loop != NULL;
  for (guint i = 0; ok && i < scenario->links->len; i++) {
    TcpLink *link = tcp_link_new (self, i, seed, error);
    if (link)
      g_ptr_array_add (self->tcp_links, link);
    ok = link != NULL;
  }
  if (ok)
    return &self->base;
  tcp_free (&self->base);
  return NULL;
}

const TestbedClass testbed_tcp_class = {
  .name = "tcp",
  .check = testbed_tcp_check,
  .create = tcp_create,
  .free = tcp_free,
  .now = tcp_now,
  .start = tcp_start,
  .stop = tcp_stop,
  .add_link = tcp_add_link,
  .remove_link = tcp_remove_link,
  .apply = tcp_apply,
  .find_link = tcp_find_link,
  .after_packets = tcp_after_packets,
  .get_queue_bytes = tcp_get_queue_bytes,
  .get_wire_bytes = tcp_get_wire_bytes,
  .get_steps = tcp_get_steps,
  .timer_new = tcp_timer_make,
  .timer_arm = tcp_timer_set,
  .timer_free = tcp_timer_drop,
  .run = tcp_run,
  .quit = tcp_quit,
  .get_timing = tcp_get_timing,
};
