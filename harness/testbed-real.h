/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-real.h - what testbeds in real time have in common: a loop, a clock, timers, two pumps,
 * and how well they have kept up. Embedded by a testbed as its first member, which puts the
 * functions below into its TestbedClass and adds the links.
 *
 * Its time is 0 until run(), and counts from there; what is armed before is armed with the loop
 * when it begins. Runs are not deterministic. */
#pragma once

#include "harness/histogram.h"
#include "harness/testbed-links.h"
#include "harness/testbed-real-link.h"
#include "transports/loop.h"

G_BEGIN_DECLS

/* What one pump runs on. */
typedef struct {
  CaimanLoopTask task;
  TestbedReal *testbed;
  ScenarioSide side;
  gint64 deadline_ns;
  CaimanTimer deadline;
} TestbedRealPump;

struct _TestbedReal {
  Testbed base;
  const Scenario *scenario;
  const TestbedHandler *handler;
  gpointer user_data;
  CaimanLoop *loop;
  TestbedRealPump pumps[SCENARIO_N_SIDES];
  TestbedLinks links;
  GPtrArray *real_links; /* of TestbedRealLink (owned), by scenario link */
  GQueue timers;         /* the runner's */
  CaimanTimer heartbeat, until;
  gint64 heartbeat_at_ns;
  gint64 base_ns;  /* the loop's time of t = 0 */
  gint64 ended_ns; /* own time of the end; -1 before */
  gboolean running, quit;
  char *failure;      /* (nullable) the system has failed */
  Histogram lateness; /* of all timers, ns */
  gint64 stalled_ns, cpu_ns;
  guint64 n_steps;
};

/* @self is zeroed. Everything given is borrowed. FALSE: the system gives no event loop; clear() is
 * to be called in any case. */
gboolean testbed_real_init (TestbedReal *self, const TestbedClass *klass, const Scenario *scenario,
                            const TestbedHandler *handler, gpointer user_data, GError **error);

/* The link of the scenario's next one (transfer full). */
void testbed_real_take_link (TestbedReal *self, TestbedRealLink *link);

TestbedRealLink *testbed_real_get_link (Testbed *self, guint link);

/* Stops both pumps, so that all ends are gone, and frees the links. */
void testbed_real_stop_all (TestbedReal *self);

/* After stop_all(), when nothing uses the loop any more. */
void testbed_real_clear (TestbedReal *self);

/* The system does not give any more what the run takes: it ends, and is not valid. */
void testbed_real_fail (TestbedReal *self, const GError *error);

/* Members of TestbedClass. */
gint64 testbed_real_now (Testbed *self);
CaimanPump *testbed_real_start (Testbed *self, ScenarioSide side, const CaimanConfig *config,
                                const CaimanRandom *random);
void testbed_real_stop (Testbed *self, ScenarioSide side);
void testbed_real_add_link (Testbed *self, guint link, gint64 start_ns);
void testbed_real_remove_link (Testbed *self, guint link);
void testbed_real_apply (Testbed *self, const TestbedFault *fault);
int testbed_real_find_link (Testbed *self, ScenarioSide side, guint32 link_id);
void testbed_real_after_packets (Testbed *self, ScenarioSide side, guint link,
                                 TestbedPacketFunc func, gpointer user_data);
guint64 testbed_real_get_steps (Testbed *self);
TestbedTimer *testbed_real_timer_new (Testbed *self, TestbedTimerFunc func, gpointer user_data);
void testbed_real_timer_arm (TestbedTimer *timer, gint64 at_ns);
void testbed_real_timer_free (TestbedTimer *timer);
void testbed_real_run (Testbed *self, gint64 until_ns);
void testbed_real_quit (Testbed *self);
void testbed_real_get_timing (Testbed *self, TestbedTiming *timing_out);

G_END_DECLS
