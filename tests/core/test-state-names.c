/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of core/state-names: records and the status page hold these words. */
#include "core/state-names.h"

static void
test_connection_states (void)
{
  g_assert_cmpstr (caiman_connection_state_to_string (CAIMAN_CONNECTION_CONNECTING), ==,
                   "connecting");
  g_assert_cmpstr (caiman_connection_state_to_string (CAIMAN_CONNECTION_OPEN), ==, "open");
  g_assert_cmpstr (caiman_connection_state_to_string (CAIMAN_CONNECTION_TERMINATING), ==,
                   "terminating");
  g_assert_cmpstr (caiman_connection_state_to_string (CAIMAN_CONNECTION_ENDED), ==, "ended");
  g_assert_cmpstr (caiman_connection_state_to_string (CAIMAN_N_CONNECTION_STATES), ==, "unknown");
}

static const char *
get_name (CaimanTraceType type, guint64 a, guint64 b)
{
  const CaimanTraceEvent event = { .type = type, .a = a, .b = b };
  return caiman_trace_event_get_state_name (&event);
}

static void
test_changes (void)
{
  g_assert_cmpstr (get_name (CAIMAN_TRACE_CONNECTION_STATE, 0, CAIMAN_CONNECTION_OPEN), ==, "open");
  g_assert_cmpstr (get_name (CAIMAN_TRACE_LINK_STATE, 0, CAIMAN_LINK_NOT_WORKING), ==,
                   "not-working");
  g_assert_cmpstr (get_name (CAIMAN_TRACE_LINK_BLOCKED, 1, 0), ==, "blocked");
  g_assert_cmpstr (get_name (CAIMAN_TRACE_LINK_BLOCKED, 0, 1), ==, "free");
  g_assert_cmpstr (get_name (CAIMAN_TRACE_LINK_SUSPECTED, 1, 0), ==, "suspected");
  g_assert_cmpstr (get_name (CAIMAN_TRACE_LINK_SUSPECTED, 0, 1), ==, "cleared");
}

static void
test_no_change (void)
{
  for (guint type = CAIMAN_TRACE_LINK_WINDOW; type < CAIMAN_N_TRACE_TYPES; type++)
    g_assert_null (get_name ((CaimanTraceType)type, 1, 1));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/state-names/connection-states", test_connection_states);
  g_test_add_func ("/core/state-names/changes", test_changes);
  g_test_add_func ("/core/state-names/no-change", test_no_change);
  return g_test_run ();
}
