/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-end.h - an end of a connection as its endpoint sees it on a testbed of real sockets: a
 * TCP transport (transports/tcp.h) inside, which the testbed may make fail as it would with an
 * interface or a host that is gone. A testbed embeds it as the first member of its own struct. */
#pragma once

#include "harness/testbed-real-link.h"
#include "transports/loop.h"

G_BEGIN_DECLS

typedef struct _TestbedEnd TestbedEnd;

/* Each may be NULL. */
typedef struct {
  /* The send limit that the end was given. */
  void (*send_limit_set) (TestbedEnd *end, gint64 limit_bytes);
  /* What the testbed keeps for the time of the connect is not needed any more; called once or more
   * before the end is freed. */
  void (*dropped) (TestbedEnd *end);
} TestbedEndClass;

struct _TestbedEnd {
  CaimanTransport base;
  const TestbedEndClass *klass;
  CaimanLoop *loop;
  TestbedRealLink *link;
  ScenarioSide side;
  GList node;             /* in the link's ends of @side */
  CaimanTransport *inner; /* (owned) (nullable) the TCP connection */
  gboolean connected;
  gboolean over;        /* failed or aborted: there is no TCP connection any more */
  gboolean finished;    /* its kernel has been told to send FIN: nothing more is written */
  CaimanReason failure; /* to be reported by @report_timer */
  CaimanTimer report_timer;
};

/* @end is zeroed, allocated by g_new(), and freed through its transport class; it enters the
 * ends of @link. */
void testbed_end_init (TestbedEnd *end, const TestbedEndClass *klass, TestbedRealLink *link,
                       ScenarioSide side);

/* The TCP connection, which may still be connecting (transfer full). */
void testbed_end_set_inner (TestbedEnd *end, CaimanTransport *inner, gboolean connected);

/* Its kernel sends FIN behind what it has queued; nothing where it is not connected. */
void testbed_end_finish (TestbedEnd *end);

/* It dies from below and reports @reason soon. */
void testbed_end_fail (TestbedEnd *end, CaimanReason reason);

G_END_DECLS
