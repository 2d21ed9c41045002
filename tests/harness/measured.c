/* SPDX-License-Identifier: Apache-2.0 */
/* measured.c - see measured.h. */
#include "tests/harness/measured.h"

#include <string.h>

static const char head[] = "[scenario]\nformat = 1\ncarrier = pipe\ntitle = Test\nduration = 100s\n"
                           "[link a]\nrate = 8mbit\ndelay = 10ms\n"
                           "[link b]\nrate = 8mbit\ndelay = 10ms\n";

void
measured_init_bare (Measured *m, const char *groups)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *text = g_strconcat (head, groups, NULL);
  m->scenario = scenario_parse ("test", text, strlen (text), NULL, errors);
  for (guint i = 0; i < errors->len; i++)
    g_test_message ("%s", (const char *)g_ptr_array_index (errors, i));
  g_assert_nonnull (m->scenario);
  m->measure = measure_new (m->scenario);
}

void
measured_init (Measured *m, const char *groups)
{
  measured_init_bare (m, groups);
  measured_capacity (m, 0, 8000000, 10, 0);
  measured_capacity (m, 1, 8000000, 10, 0);
  for (guint s = 0; s < SCENARIO_N_SIDES; s++) {
    for (int link = 0; link < 2; link++)
      measured_link_state (m, (ScenarioSide)s, link, CAIMAN_LINK_CONNECTING, CAIMAN_LINK_WORKING,
                           CAIMAN_REASON_NONE, 20);
    measured_trace (m, (ScenarioSide)s, -1, CAIMAN_TRACE_CONNECTION_STATE,
                    CAIMAN_CONNECTION_CONNECTING, CAIMAN_CONNECTION_OPEN, CAIMAN_REASON_NONE, 20);
  }
}

void
measured_clear (Measured *m)
{
  measure_free (m->measure);
  scenario_free (m->scenario);
}

void
measured_trace (Measured *m, ScenarioSide side, int link, CaimanTraceType type, guint64 a,
                guint64 b, CaimanReason reason, gint64 ms)
{
  CaimanTraceEvent event = { .time_ns = MS (ms), .type = type, .a = a, .b = b, .reason = reason };
  measure_trace (m->measure, side, link, &event);
}

void
measured_link_state (Measured *m, ScenarioSide side, int link, CaimanLinkState old,
                     CaimanLinkState new, CaimanReason reason, gint64 ms)
{
  measured_trace (m, side, link, CAIMAN_TRACE_LINK_STATE, old, new, reason, ms);
}

void
measured_capacity (Measured *m, guint link, gint64 rate_bps, gint64 delay_ms, gint64 ms)
{
  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++)
    measure_capacity (m->measure, link, (ScenarioDirection)d, rate_bps, MS (delay_ms), MS (ms));
}

gint64
measured_flow (Measured *m, const char *metric)
{
  return measure_get (m->measure, SCENARIO_SUBJECT_FLOW, 0, SCENARIO_VIEW_ANY, SCENARIO_BOTH,
                      metric);
}

gint64
measured_connection (Measured *m, ScenarioView view, const char *metric)
{
  return measure_get (m->measure, SCENARIO_SUBJECT_CONNECTION, 0, view, SCENARIO_BOTH, metric);
}

gint64
measured_link (Measured *m, guint link, ScenarioDirections directions, const char *metric)
{
  return measure_get (m->measure, SCENARIO_SUBJECT_LINK, link, SCENARIO_VIEW_ANY, directions,
                      metric);
}

gint64
measured_link_of (Measured *m, guint link, ScenarioView view, const char *metric)
{
  return measure_get (m->measure, SCENARIO_SUBJECT_LINK, link, view, SCENARIO_BOTH, metric);
}
