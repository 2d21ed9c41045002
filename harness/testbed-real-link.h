/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-real-link.h - what a link of any testbed in real time has: ends of connections on both
 * sides, someone who waits for packets, and faults. A testbed embeds it as the first member of its
 * own struct. */
#pragma once

#include "harness/scenario.h"
#include "harness/testbed.h"

G_BEGIN_DECLS

typedef struct _TestbedReal TestbedReal;
typedef struct _TestbedRealLink TestbedRealLink;

/* What the testbed itself does. */
typedef struct {
  /* (transfer full) A connection starts to open. NULL: it failed at once, for *@reason_out. */
  CaimanTransport *(*connect) (TestbedRealLink *link, CaimanReason *reason_out);
  /* The server runs (and so listens), or does not. */
  void (*set_server) (TestbedRealLink *link, gboolean runs);
  /* A fault of the whole link. */
  void (*apply) (TestbedRealLink *link, const TestbedFault *fault);
  /* One of a direction, for each that it is about. */
  void (*apply_direction) (TestbedRealLink *link, const TestbedFault *fault,
                           SimDirection direction);
  void (*free) (TestbedRealLink *link);
} TestbedRealLinkClass;

struct _TestbedRealLink {
  const TestbedRealLinkClass *klass;
  TestbedReal *testbed;
  guint index;                   /* of the scenario's link */
  GQueue ends[SCENARIO_N_SIDES]; /* of TestbedEnd */
  struct {
    TestbedPacketFunc func; /* (nullable) */
    gpointer user_data;
  } after_packet[SCENARIO_N_SIDES];
};

/* @link is zeroed. */
void testbed_real_link_init (TestbedRealLink *link, const TestbedRealLinkClass *klass,
                             TestbedReal *testbed, guint index);

/* All ends must be gone. */
void testbed_real_link_clear (TestbedRealLink *link);

const ScenarioLink *testbed_real_link_get_spec (const TestbedRealLink *link);

void testbed_real_link_apply (TestbedRealLink *link, const TestbedFault *fault);

/* A packet has been handed over to @side. */
void testbed_real_link_packet_came (TestbedRealLink *link, ScenarioSide side);

/* The ends of @side die from below and report @reason soon; those that are still connecting only
 * if @with_connecting. */
void testbed_real_link_fail_ends (TestbedRealLink *link, ScenarioSide side,
                                  gboolean with_connecting, CaimanReason reason);

G_END_DECLS
