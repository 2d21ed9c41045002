/* SPDX-License-Identifier: Apache-2.0 */
/* testbed.h - the world in which a scenario runs: a clock, links that can be hurt, two pumps.
 *
 * The runner knows this interface alone; the simulator implements it in virtual time
 * (testbed-sim.h), TCP connections over loopback in real time (testbed-tcp.h), and kernel TCP
 * between two namespaces likewise (testbed-lab.h). All call-backs come
 * from TestbedClass.run(). A testbed refuses what it cannot honour (check) and never ignores it. */
#pragma once

#include "harness/capture.h"
#include "harness/scenario.h"
#include "transports/pump.h"

G_BEGIN_DECLS

typedef struct _Testbed Testbed;
typedef struct _TestbedTimer TestbedTimer;
typedef void (*TestbedTimerFunc) (gpointer user_data);
typedef gboolean (*TestbedPacketFunc) (gpointer user_data);

/* What the runner wants to hear of the two endpoints. @side says whose. */
typedef struct {
  void (*event) (gpointer user_data, ScenarioSide side, CaimanConnection *connection,
                 const CaimanEvent *event);
  /* A new connection waits in the server. */
  void (*incoming) (gpointer user_data, CaimanConnection *pending);
  /* It has lost all its links before it was answered, and is freed after this call. */
  void (*gone) (gpointer user_data, CaimanConnection *pending);
} TestbedHandler;

/* What can be done to a link from below. Those with on/off keep their state until changed. */
typedef enum {
  TESTBED_DOWN,      /* on/off; both directions at once */
  TESTBED_BLACKHOLE, /* on/off */
  TESTBED_PAUSE,     /* on/off */
  TESTBED_REFUSE,    /* on/off; connects are refused */
  TESTBED_CORRUPT,   /* @count frames; G_MAXUINT64: until further notice; 0: off */
  TESTBED_RESET,     /* once; both directions */
  TESTBED_CLOSE,     /* once; both directions */
  TESTBED_HALF_OPEN, /* once; UP: the client's end vanishes */
  TESTBED_REBIND,    /* once; a NAT gives the client's connections another address */
  TESTBED_SET,       /* the parts @set_mask of @path */
} TestbedFaultKind;

typedef struct {
  TestbedFaultKind kind;
  guint link;
  ScenarioDirections directions;
  gboolean on;
  guint64 count;
  guint set_mask; /* ScenarioSetMask */
  const ScenarioPath *path;
} TestbedFault;

/* How well a testbed in real time has kept to it. */
typedef struct {
  const char *failure;                     /* (nullable) what the system did not give any more */
  gint64 lateness_p99_ns, lateness_max_ns; /* of its timers; -1: none was due */
  gint64 stalled_ns; /* time in all that it stood still, each time for more than some ms */
  gint64 cpu_ns;     /* of both endpoints, their applications and the links */

  /* Of a testbed whose packets are moved by a thread of its own; else -1. */
  gint64 network_timer_ns;                                 /* how late its timers are at rest */
  gint64 network_lateness_p99_ns, network_lateness_max_ns; /* of packets; -1: there was none */
  gint64 network_cpu_ns;
} TestbedTiming;

/* A run says nothing about the scenario, because the testbed could not keep up, when more than a
 * hundredth of all timers were later than this, or it stood still for so much of its time (and for
 * more than a hiccup). */
#define TESTBED_LATENESS_MAX_NS     (20 * CAIMAN_NS_PER_MS)
#define TESTBED_STALLED_MAX_PERCENT 10
#define TESTBED_STALLED_FREE_NS     (50 * CAIMAN_NS_PER_MS)

/* The same of packets: each that comes late makes a link's delay longer than the scenario says. */
#define TESTBED_PACKET_LATENESS_MAX_NS  (5 * CAIMAN_NS_PER_MS)  /* of 99 in 100 */
#define TESTBED_PACKET_LATENESS_PEAK_NS (50 * CAIMAN_NS_PER_MS) /* of all */

typedef struct {
  const char *name; /* "sim", "tcp" */

  /* (transfer full) a text for each knob of @scenario that is not honoured, free function g_free.
   */
  GPtrArray *(*check) (const Scenario *scenario);

  /* @scenario and @handler must outlive the testbed. @seed is the run's. NULL: the system does not
   * give what it takes. */
  Testbed *(*create) (const Scenario *scenario, guint64 seed, const TestbedHandler *handler,
                      gpointer user_data, GError **error);
  void (*free) (Testbed *self);

  gint64 (*now) (Testbed *self);

  /* Makes the pump of a side; there must be none. A client's links are up to the caller
   * (testbed_add_link()). */
  CaimanPump *(*start) (Testbed *self, ScenarioSide side, const CaimanConfig *config,
                        const CaimanRandom *random);
  /* Frees it: transports are aborted, connections are gone. */
  void (*stop) (Testbed *self, ScenarioSide side);

  /* The client wants a link over link @link from now on, or at @start_ns; or no more. */
  void (*add_link) (Testbed *self, guint link, gint64 start_ns);
  void (*remove_link) (Testbed *self, guint link);

  void (*apply) (Testbed *self, const TestbedFault *fault);

  /* Which scenario link the link @link_id of @side's endpoint is; -1 when it is not known. Unlike
   * the connection's own functions it may be asked from a tracer. */
  int (*find_link) (Testbed *self, ScenarioSide side, guint32 link_id);

  /* Calls @func after each packet that comes in at @side over @link, until it returns TRUE; one at
   * a time. NULL where a message and its payload always come together. */
  void (*after_packets) (Testbed *self, ScenarioSide side, guint link, TestbedPacketFunc func,
                         gpointer user_data);

  /* @capture (borrowed) gets all packets from now on. NULL where the testbed has none to show. */
  void (*set_capture) (Testbed *self, Capture *capture);

  /* Bytes that wait in front of the bottleneck of one direction of @link. */
  gint64 (*get_queue_bytes) (Testbed *self, guint link, ScenarioDirection direction);

  /* Bytes that one direction of @link has carried so far, with all headers. */
  gint64 (*get_wire_bytes) (Testbed *self, guint link, ScenarioDirection direction);

  /* Events carried out so far, or times that the loop has woken up. */
  guint64 (*get_steps) (Testbed *self);

  /* Timers; made once, armed often. free() accepts an armed one. */
  TestbedTimer *(*timer_new) (Testbed *self, TestbedTimerFunc func, gpointer user_data);
  void (*timer_arm) (TestbedTimer *timer, gint64 at_ns); /* NEVER: disarms; past: at once */
  void (*timer_free) (TestbedTimer *timer);

  /* Runs until quit() or @until_ns, whichever comes first; once. */
  void (*run) (Testbed *self, gint64 until_ns);
  void (*quit) (Testbed *self);

  /* After run(); NULL in virtual time. */
  void (*get_timing) (Testbed *self, TestbedTiming *timing_out);
} TestbedClass;

/* First member of every testbed's own struct. */
struct _Testbed {
  const TestbedClass *klass;
  CaimanPump *pump[SCENARIO_N_SIDES]; /* (nullable) */
};

/* First member of every testbed's timers. */
struct _TestbedTimer {
  Testbed *testbed;
};

/* The class of that name, or NULL. */
const TestbedClass *testbed_find (const char *name);

/* Names of all classes, NULL-terminated; static. */
const char *const *testbed_list (void);

static inline gint64
testbed_now (Testbed *self)
{
  return self->klass->now (self);
}

static inline void
testbed_timer_arm (TestbedTimer *timer, gint64 at_ns)
{
  timer->testbed->klass->timer_arm (timer, at_ns);
}

static inline TestbedTimer *
testbed_timer_new (Testbed *self, TestbedTimerFunc func, gpointer user_data)
{
  return self->klass->timer_new (self, func, user_data);
}

/* Accepts NULL. */
static inline void
testbed_timer_free (TestbedTimer *timer)
{
  if (timer)
    timer->testbed->klass->timer_free (timer);
}

G_END_DECLS
