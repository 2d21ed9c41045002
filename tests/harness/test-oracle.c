/* SPDX-License-Identifier: Apache-2.0 */
/* test-oracle.c - each rule of the oracle, broken and kept, by made-up traces. */
#include "harness/oracle.h"

#include "core/message.h"

#include <string.h>

typedef struct {
  Oracle *oracle;
  GString *told; /* all texts, a line each */
  gint64 now_ns;
} Watch;

static void
tell (gpointer user_data, OracleKind kind, gint64 t_ns, const char *text)
{
  Watch *watch = user_data;

  g_string_append_printf (watch->told, "%s\n", text);
}

static void
watch_init (Watch *watch)
{
  const gint64 buffers[SCENARIO_N_SIDES] = { 1000, 1000 };

  watch->told = g_string_new (NULL);
  watch->now_ns = 0;
  watch->oracle = oracle_new (buffers, tell, watch);
}

static void
trace (Watch *watch, ScenarioSide side, CaimanTraceType type, guint32 link_id, guint64 a, guint64 b)
{
  const CaimanTraceEvent event = {
    .time_ns = ++watch->now_ns, .type = type, .link_id = link_id, .a = a, .b = b
  };
  oracle_trace (watch->oracle, side, &event);
}

static void
send (Watch *watch, guint32 seq, guint bytes)
{
  trace (watch, SCENARIO_SIDE_CLIENT, CAIMAN_TRACE_DATA_SENT, 1, seq, bytes);
}

static void
receive (Watch *watch, guint32 seq, guint bytes)
{
  trace (watch, SCENARIO_SIDE_SERVER, CAIMAN_TRACE_DATA_RECEIVED, 1, seq, bytes);
}

static void
deliver (Watch *watch, guint32 seq)
{
  trace (watch, SCENARIO_SIDE_SERVER, CAIMAN_TRACE_DATA_DELIVERED, 0, seq, 1);
}

static void
acked (Watch *watch, guint32 seq)
{
  trace (watch, SCENARIO_SIDE_CLIENT, CAIMAN_TRACE_DATA_ACKED, 1, seq, 1);
}

/* Frees it. @text NULL: nothing was wrong. */
static void
expect (Watch *watch, const char *text)
{
  guint64 count = oracle_get_count (watch->oracle, ORACLE_SAFETY);

  if (text) {
    g_assert_cmpuint (count, >, 0);
    g_assert_nonnull (strstr (watch->told->str, text));
  } else {
    g_assert_cmpstr (watch->told->str, ==, "");
    g_assert_cmpuint (count, ==, 0);
  }
  oracle_free (watch->oracle);
  g_string_free (watch->told, TRUE);
}

static void
test_all_right (void)
{
  Watch watch;
  guint32 last;

  watch_init (&watch);
  g_assert_false (oracle_get_last_sent (watch.oracle, SCENARIO_SIDE_CLIENT, &last));
  /* Three times round the ring; every tenth number is not Data. */
  for (guint32 seq = 0; seq < 6 * CAIMAN_SEQ_WINDOW; seq++) {
    if (seq % 10 == 0) {
      trace (&watch, SCENARIO_SIDE_CLIENT, CAIMAN_TRACE_CONTROL_SENT, 1, CAIMAN_MESSAGE_CONSUMED,
             seq);
      continue;
    }
    send (&watch, seq, 10);
    receive (&watch, seq, 10);
    deliver (&watch, seq);
    acked (&watch, seq);
    oracle_read (watch.oracle, SCENARIO_SIDE_SERVER, 10, watch.now_ns);
  }
  g_assert_true (oracle_get_last_sent (watch.oracle, SCENARIO_SIDE_CLIENT, &last));
  g_assert_cmpuint (last, ==, 6 * CAIMAN_SEQ_WINDOW - 1);
  expect (&watch, NULL);
}

static void
test_out_of_order_arrival_is_right (void)
{
  Watch watch;

  watch_init (&watch);
  for (guint32 seq = 0; seq < 3; seq++)
    send (&watch, seq, 10);
  receive (&watch, 2, 10);
  acked (&watch, 2);
  receive (&watch, 0, 10);
  deliver (&watch, 0);
  receive (&watch, 1, 10);
  deliver (&watch, 1);
  deliver (&watch, 2);
  expect (&watch, NULL);
}

static void
test_left_out (void)
{
  Watch watch;

  watch_init (&watch);
  for (guint32 seq = 0; seq < 3; seq++) {
    send (&watch, seq, 10);
    receive (&watch, seq, 10);
  }
  deliver (&watch, 0);
  deliver (&watch, 2);
  expect (&watch, "server left message 1 out before delivering 2");
}

static void
test_delivered_twice (void)
{
  Watch watch;

  watch_init (&watch);
  send (&watch, 0, 10);
  receive (&watch, 0, 10);
  deliver (&watch, 0);
  deliver (&watch, 0);
  expect (&watch, "server delivered message 0 twice");
}

static void
test_delivered_in_wrong_order (void)
{
  Watch watch;

  watch_init (&watch);
  send (&watch, 0, 10);
  send (&watch, 1, 10);
  receive (&watch, 0, 10);
  receive (&watch, 1, 10);
  deliver (&watch, 1);
  deliver (&watch, 0);
  expect (&watch, "server delivered message 0 behind 1");
}

static void
test_never_sent (void)
{
  Watch watch;

  watch_init (&watch);
  receive (&watch, 5, 10);
  deliver (&watch, 5);
  expect (&watch, "server delivered message 5, which was never sent");
}

static void
test_new_twice (void)
{
  Watch watch;

  watch_init (&watch);
  send (&watch, 0, 10);
  receive (&watch, 0, 10);
  receive (&watch, 0, 10);
  expect (&watch, "server took message 0 as new twice");
}

static void
test_acked_unreceived (void)
{
  Watch watch;

  watch_init (&watch);
  send (&watch, 0, 10);
  acked (&watch, 0);
  expect (&watch, "client takes message 0 as acknowledged");
}

static void
test_buffer (void)
{
  Watch watch;

  watch_init (&watch);
  send (&watch, 0, 600);
  send (&watch, 1, 600);
  receive (&watch, 0, 600);
  deliver (&watch, 0);
  receive (&watch, 1, 600);
  expect (&watch, "server holds 1200 bytes, more than its receive buffer of 1000");

  watch_init (&watch);
  send (&watch, 0, 600);
  send (&watch, 1, 600);
  receive (&watch, 0, 600);
  oracle_read (watch.oracle, SCENARIO_SIDE_SERVER, 600, watch.now_ns);
  receive (&watch, 1, 600);
  expect (&watch, NULL);
}

static void
test_buffer_of_dropped_receiver (void)
{
  Watch watch;

  watch_init (&watch);
  oracle_receiver_dropped (watch.oracle, SCENARIO_SIDE_SERVER);
  send (&watch, 0, 6000);
  receive (&watch, 0, 6000);
  expect (&watch, NULL);
}

static void
test_read_more_than_received (void)
{
  Watch watch;

  watch_init (&watch);
  oracle_read (watch.oracle, SCENARIO_SIDE_SERVER, 1, 5);
  expect (&watch, "server read 1 bytes, but has received 0");
}

static void
block (Watch *watch, guint32 link_id, gboolean blocked, gboolean by_peer)
{
  trace (watch, SCENARIO_SIDE_CLIENT, CAIMAN_TRACE_LINK_BLOCKED, link_id, blocked, by_peer);
}

static void
test_blocked (void)
{
  static const CaimanTraceType types[] = { CAIMAN_TRACE_DATA_SENT, CAIMAN_TRACE_DATA_RESENT,
                                           CAIMAN_TRACE_DATA_DUPLICATED };
  Watch watch;

  for (guint i = 0; i < 2 * G_N_ELEMENTS (types); i++) {
    watch_init (&watch);
    block (&watch, 3, TRUE, i % 2);
    trace (&watch, SCENARIO_SIDE_CLIENT, types[i / 2], 3, 0, 10);
    expect (&watch, "on link 3, which it knows to be blocked");
  }
  watch_init (&watch);
  block (&watch, 3, TRUE, TRUE);
  trace (&watch, SCENARIO_SIDE_CLIENT, CAIMAN_TRACE_CONTROL_SENT, 3, CAIMAN_MESSAGE_SEND_FINISH, 0);
  expect (&watch, "client sent send-finish on link 3");
}

static void
test_not_blocked (void)
{
  Watch watch;

  watch_init (&watch);
  block (&watch, 3, TRUE, FALSE);
  send (&watch, 0, 10);
  trace (&watch, SCENARIO_SIDE_CLIENT, CAIMAN_TRACE_CONTROL_SENT, 3, CAIMAN_MESSAGE_PING, 0);
  trace (&watch, SCENARIO_SIDE_SERVER, CAIMAN_TRACE_DATA_SENT, 3, 0, 10);
  block (&watch, 3, TRUE, TRUE);
  block (&watch, 3, FALSE, FALSE);
  block (&watch, 3, FALSE, TRUE);
  trace (&watch, SCENARIO_SIDE_CLIENT, CAIMAN_TRACE_DATA_SENT, 3, 1, 10);
  expect (&watch, NULL);
}

static void
test_crashed (void)
{
  Watch watch;

  watch_init (&watch);
  oracle_crashed (watch.oracle, SCENARIO_SIDE_SERVER);
  send (&watch, 0, 10);
  acked (&watch, 0);
  expect (&watch, NULL);
}

static void
test_told_so_often (void)
{
  Watch watch;

  watch_init (&watch);
  for (guint i = 0; i < 2 * ORACLE_REPORTS_MAX; i++)
    oracle_report (watch.oracle, ORACLE_LIVENESS, i, "number %u", i);
  g_assert_cmpuint (oracle_get_count (watch.oracle, ORACLE_LIVENESS), ==, 2 * ORACLE_REPORTS_MAX);
  g_assert_nonnull (strstr (watch.told->str, "number 19\n"));
  g_assert_null (strstr (watch.told->str, "number 20\n"));
  oracle_free (watch.oracle);
  g_string_free (watch.told, TRUE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/oracle/all-right", test_all_right);
  g_test_add_func ("/harness/oracle/out-of-order-arrival", test_out_of_order_arrival_is_right);
  g_test_add_func ("/harness/oracle/left-out", test_left_out);
  g_test_add_func ("/harness/oracle/delivered-twice", test_delivered_twice);
  g_test_add_func ("/harness/oracle/wrong-order", test_delivered_in_wrong_order);
  g_test_add_func ("/harness/oracle/never-sent", test_never_sent);
  g_test_add_func ("/harness/oracle/new-twice", test_new_twice);
  g_test_add_func ("/harness/oracle/acked-unreceived", test_acked_unreceived);
  g_test_add_func ("/harness/oracle/buffer", test_buffer);
  g_test_add_func ("/harness/oracle/buffer-of-dropped-receiver", test_buffer_of_dropped_receiver);
  g_test_add_func ("/harness/oracle/read-more-than-received", test_read_more_than_received);
  g_test_add_func ("/harness/oracle/blocked", test_blocked);
  g_test_add_func ("/harness/oracle/not-blocked", test_not_blocked);
  g_test_add_func ("/harness/oracle/crashed", test_crashed);
  g_test_add_func ("/harness/oracle/told-so-often", test_told_so_often);
  return g_test_run ();
}
