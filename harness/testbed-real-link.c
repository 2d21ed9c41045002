/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-real-link.c - see testbed-real-link.h. */
#include "harness/testbed-real-link.h"

#include "harness/testbed-end.h"
#include "harness/testbed-real.h"

void
testbed_real_link_init (TestbedRealLink *link, const TestbedRealLinkClass *klass,
                        TestbedReal *testbed, guint index)
{
  link->klass = klass;
  link->testbed = testbed;
  link->index = index;
  for (guint s = 0; s < SCENARIO_N_SIDES; s++)
    g_queue_init (&link->ends[s]);
}

void
testbed_real_link_clear (TestbedRealLink *link)
{
  for (guint s = 0; s < SCENARIO_N_SIDES; s++)
    g_assert (link->ends[s].length == 0);
}

const ScenarioLink *
testbed_real_link_get_spec (const TestbedRealLink *link)
{
  return scenario_get_link (link->testbed->scenario, link->index);
}

static gboolean
has_directions (TestbedFaultKind kind)
{
  switch (kind) {
  case TESTBED_BLACKHOLE:
  case TESTBED_PAUSE:
  case TESTBED_CORRUPT:
  case TESTBED_HALF_OPEN:
  case TESTBED_SET:
    return TRUE;
  default:
    return FALSE;
  }
}

void
testbed_real_link_apply (TestbedRealLink *link, const TestbedFault *fault)
{
  if (!has_directions (fault->kind)) {
    link->klass->apply (link, fault);
    return;
  }
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++) {
    if (fault->directions & 1u << d)
      link->klass->apply_direction (link, fault, d);
  }
}

void
testbed_real_link_packet_came (TestbedRealLink *link, ScenarioSide side)
{
  TestbedPacketFunc func = link->after_packet[side].func;

  if (func && func (link->after_packet[side].user_data))
    link->after_packet[side].func = NULL;
}

void
testbed_real_link_fail_ends (TestbedRealLink *link, ScenarioSide side, gboolean with_connecting,
                             CaimanReason reason)
{
  for (GList *node = link->ends[side].head; node; node = node->next) {
    TestbedEnd *end = node->data;
    if (end->connected || (with_connecting && !end->over))
      testbed_end_fail (end, reason);
  }
}
