/* SPDX-License-Identifier: Apache-2.0 */
/* test-measure.c - every metric from a story whose numbers are worked out by hand. */
#include "tests/harness/measured.h"

#include "core/message.h"
#include "harness/metrics-registry.h"

#include <math.h>
#include <string.h>

#define BULK "[traffic upload]\nfrom = client\nkind = bulk\nbytes = 1MB\n"

/* Delivers @bytes each 10 ms after @from_ms, up to and with @to_ms. */
static void
deliver (Measured *m, gint64 bytes, gint64 from_ms, gint64 to_ms)
{
  for (gint64 ms = from_ms + 10; ms <= to_ms; ms += 10)
    measure_flow_delivered (m->measure, 0, bytes, MS (ms));
}

/* 1 MB over 2 x 8 Mbit/s from 20 ms on: ideal 0.5 s + 10 ms; here it takes 1 s. */
static void
test_bulk (void)
{
  Measured m;
  measured_init (&m, BULK);
  measure_flow_offered (m.measure, 0, 1000000, MS (20));
  deliver (&m, 10000, 20, 1020);
  measure_flow_completed (m.measure, 0, MS (1020));
  measure_finish (m.measure, MS (1100));
  g_assert_cmpint (measured_flow (&m, "completion-time"), ==, MS (1000));
  g_assert_cmpint (measured_flow (&m, "goodput"), ==, 8000000);
  g_assert_cmpint (measured_flow (&m, "ideal-time"), ==, MS (510));
  g_assert_cmpint (measured_flow (&m, "efficiency"), ==, 510000000);
  g_assert_cmpint (measured_flow (&m, "efficiency-payload"), ==, 510000000);
  g_assert_cmpint (measured_flow (&m, "ebenefit"), ==, 0); /* as good as one link */
  g_assert_cmpint (measured_flow (&m, "longest-gap"), ==, MS (10));
  g_assert_cmpint (measured_flow (&m, "offered-bytes"), ==, 1000000);
  g_assert_cmpint (measured_flow (&m, "delivered-bytes"), ==, 1000000);
  g_assert_cmpint (measured_flow (&m, "failover-gap"), ==, MEASURE_UNDEFINED);
  g_assert_cmpint (measured_flow (&m, "recovery"), ==, MEASURE_UNDEFINED);
  g_assert_cmpint (measured_flow (&m, "latency-p50"), ==, MEASURE_UNDEFINED);
  g_assert_cmpint (measured_flow (&m, "latency-mean"), ==, MEASURE_UNDEFINED);
  g_assert_cmpint (measured_flow (&m, "messages"), ==, 0);
  measured_clear (&m);
}

/* The parts of the lost time sum up to real minus ideal, and all is ramp-up where nothing was
 * ever sent. */
static void
test_lost_time (void)
{
  static const char *const parts[] = { "lost-ramp-up", "lost-head-of-line", "lost-detection",
                                       "lost-resend",  "lost-framing",      "lost-idle" };
  gint64 sum_ns = 0;
  Measured m;
  measured_init (&m, BULK);
  measure_flow_offered (m.measure, 0, 1000000, MS (20));
  deliver (&m, 10000, 20, 1020);
  measure_flow_completed (m.measure, 0, MS (1020));
  measure_flow_completed (m.measure, 0, MS (1030)); /* told again: nothing changes */
  measure_finish (m.measure, MS (1100));
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    sum_ns += measured_flow (&m, parts[i]);
  g_assert_cmpint (sum_ns, ==, MS (490));
  g_assert_cmpint (measured_flow (&m, "lost-ramp-up"), ==, MS (490));
  measured_clear (&m);
}

/* Half as good as the best link alone: -50 %. Better than it: the gain over what more there is. */
static void
test_ebenefit (void)
{
  Measured m;
  measured_init (&m, BULK);
  measure_flow_offered (m.measure, 0, 1000000, MS (20));
  deliver (&m, 5000, 20, 2020);
  measure_flow_completed (m.measure, 0, MS (2020));
  measure_finish (m.measure, MS (2020));
  g_assert_cmpint (measured_flow (&m, "ebenefit"), ==, -500000000);
  measured_clear (&m);
  measured_init (&m, BULK);
  measure_flow_offered (m.measure, 0, 1000000, MS (20));
  deliver (&m, 12500, 20, 820);
  measure_flow_completed (m.measure, 0, MS (820));
  measure_finish (m.measure, MS (820));
  g_assert_cmpint (measured_flow (&m, "ebenefit"), ==, 250000000);
  measured_clear (&m);
}

/* What is offered before the connection is established starts the clock when it is. */
static void
test_clock_start (void)
{
  Measured m;
  measured_init_bare (&m, BULK);
  measured_capacity (&m, 0, 8000000, 10, 0);
  measure_flow_offered (m.measure, 0, 1000000, 0);
  measured_trace (&m, SCENARIO_SIDE_CLIENT, -1, CAIMAN_TRACE_CONNECTION_STATE, 0,
                  CAIMAN_CONNECTION_OPEN, CAIMAN_REASON_NONE, 50);
  deliver (&m, 500000, 50, 70);
  measure_finish (m.measure, MS (100));
  g_assert_cmpint (measured_flow (&m, "goodput"), ==, 400000000);
  g_assert_cmpint (measured_flow (&m, "completion-time"), ==, MEASURE_UNDEFINED); /* not told */
  g_assert_cmpint (measured_flow (&m, "ideal-time"), ==, MEASURE_UNDEFINED); /* faster than links */
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_CLIENT, "connect-time"), ==, MS (50));
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_SERVER, "connect-time"), ==,
                   MEASURE_UNDEFINED);
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_ANY, "connect-time"), ==,
                   MEASURE_UNDEFINED);
  measured_clear (&m);
}

static void
test_nothing_delivered (void)
{
  Measured m;
  measured_init (&m, BULK);
  measure_flow_offered (m.measure, 0, 1000000, MS (20));
  measure_finish (m.measure, MS (5000));
  g_assert_cmpint (measured_flow (&m, "goodput"), ==, MEASURE_UNDEFINED);
  g_assert_cmpint (measured_flow (&m, "efficiency"), ==, MEASURE_UNDEFINED);
  g_assert_cmpint (measured_flow (&m, "efficiency-payload"), ==, MEASURE_UNDEFINED);
  g_assert_cmpint (measured_flow (&m, "ebenefit"), ==, MEASURE_UNDEFINED);
  g_assert_cmpint (measured_flow (&m, "lost-idle"), ==, MEASURE_UNDEFINED);
  g_assert_cmpint (measured_flow (&m, "longest-gap"), ==, MEASURE_UNDEFINED);
  g_assert_cmpint (measured_link (&m, 0, SCENARIO_BOTH, "utilisation"), ==, MEASURE_UNDEFINED);
  measured_clear (&m);
}

/* Silence counts only while something is undelivered. */
static void
test_gaps (void)
{
  Measured m;
  measured_init (&m, "[traffic upload]\nfrom = client\nkind = rate\nrate = 1mbit\nbytes = 1MB\n");
  measure_flow_offered (m.measure, 0, 1000, MS (20));
  measure_flow_delivered (m.measure, 0, 1000, MS (500)); /* the first: no gap before it */
  measure_flow_offered (m.measure, 0, 2000, MS (900));   /* nothing waited from 500 to 900 */
  measure_flow_delivered (m.measure, 0, 1000, MS (930));
  measure_flow_delivered (m.measure, 0, 1000, MS (990));
  measure_flow_offered (m.measure, 0, 1000, MS (1000));
  measure_flow_delivered (m.measure, 0, 1000, MS (1050));
  measure_flow_completed (m.measure, 0, MS (1050));
  measure_finish (m.measure, MS (5000));
  g_assert_cmpint (measured_flow (&m, "longest-gap"), ==, MS (60));
  g_assert_cmpint (measured_flow (&m, "efficiency"), ==, MEASURE_UNDEFINED); /* not bulk */
  measured_clear (&m);
}

/* A flow that never goes on: its last gap lasts until the connection ended. */
/* Those of 50 ms or more are recorded; of many, the longer ones. */
static void
test_stalls (void)
{
  Measured m;
  g_autoptr (StoreRun) run = store_run_new ();
  measured_init (&m, "[traffic upload]\nfrom = client\nkind = bulk\nbytes = 1MB\n");
  measure_flow_offered (m.measure, 0, 1000000, MS (20));
  gint64 t_ns = MS (100);
  measure_flow_delivered (m.measure, 0, 100, t_ns);
  measure_flow_delivered (m.measure, 0, 100, t_ns += MS (49));
  measure_flow_delivered (m.measure, 0, 100, t_ns += MS (50));
  for (guint i = 0; i < 300; i++) /* of 60 ms, and every tenth of 150 ms */
    measure_flow_delivered (m.measure, 0, 100, t_ns += MS (i % 10 == 9 ? 150 : 60));
  measure_finish (m.measure, t_ns + MS (210)); /* it stood still when it was over */
  measure_store (m.measure, run);
  g_assert_cmpuint (run->stalls->len, ==, 31);
  for (guint i = 0; i < 31; i++) {
    const StoreStall *stall = &g_array_index (run->stalls, StoreStall, i);
    g_assert_cmpuint (stall->flow, ==, 0);
    g_assert_cmpint (stall->end_ns - stall->begin_ns, ==, i < 30 ? MS (150) : MS (210));
  }
  measured_clear (&m);
}

static void
test_open_gap (void)
{
  Measured m;
  measured_init (&m, BULK);
  measure_flow_offered (m.measure, 0, 1000000, MS (20));
  deliver (&m, 10000, 20, 100);
  guint fault = measure_fault_begin (m.measure, NULL, 0, MS (105));
  measured_trace (&m, SCENARIO_SIDE_CLIENT, -1, CAIMAN_TRACE_CONNECTION_STATE,
                  CAIMAN_CONNECTION_OPEN, CAIMAN_CONNECTION_ENDED, CAIMAN_REASON_ALL_LINKS_FAILED,
                  3100);
  measure_fault_end (m.measure, fault, MS (4000));
  measure_finish (m.measure, MS (9000));
  g_assert_cmpint (measured_flow (&m, "longest-gap"), ==, MS (3000));
  g_assert_cmpint (measured_flow (&m, "failover-gap"), ==, MS (3000));
  measured_clear (&m);
}

/* 8 Mbit/s; a fault from 1 000 to 2 000 ms that halves it; back at full rate at 2 300. The mean of
 * 100 ms is at 95 % when nine and a half of its ten bins are full: 90 ms later. */
static void
test_recovery (void)
{
  guint link = 1;
  Measured m;
  measured_init (&m, BULK);
  measure_flow_offered (m.measure, 0, 100000000, MS (20));
  deliver (&m, 10000, 20, 1000);
  guint fault = measure_fault_begin (m.measure, &link, 1, MS (1000));
  deliver (&m, 5000, 1040, 2000);
  measure_fault_end (m.measure, fault, MS (2000));
  measure_fault_end (m.measure, fault, MS (2000)); /* ended already */
  deliver (&m, 5000, 2000, 2290);
  deliver (&m, 10000, 2290, 3000);
  measure_finish (m.measure, MS (3000));
  g_assert_cmpint (measured_flow (&m, "failover-gap"), ==, MS (50));
  g_assert_cmpint (measured_flow (&m, "longest-gap"), ==, MS (50));
  g_assert_cmpint (measured_flow (&m, "recovery"), ==, MS (390));
  measured_clear (&m);
}

/* A fault that does not hurt has no recovery time; one at the start, before there is a rate, none
 * at all; one that the flow did not recover from in its life counts to its end. */
static void
test_recovery_edges (void)
{
  Measured m;
  measured_init (&m, BULK);
  measure_flow_offered (m.measure, 0, 100000000, MS (20));
  deliver (&m, 10000, 20, 60);
  measure_fault_end (m.measure, measure_fault_begin (m.measure, NULL, 0, MS (60)), MS (60));
  deliver (&m, 10000, 60, 1000);
  measure_fault_end (m.measure, measure_fault_begin (m.measure, NULL, 0, MS (1000)), MS (1000));
  deliver (&m, 10000, 1000, 1500);
  measure_finish (m.measure, MS (1500));
  g_assert_cmpint (measured_flow (&m, "recovery"), ==, 0);
  measured_clear (&m);

  measured_init (&m, BULK);
  measure_flow_offered (m.measure, 0, 100000000, MS (20));
  deliver (&m, 10000, 20, 1000);
  guint fault = measure_fault_begin (m.measure, NULL, 0, MS (1000));
  measure_fault_end (m.measure, fault, MS (2000));
  deliver (&m, 5000, 9000, 9700);
  measure_flow_completed (m.measure, 0, MS (9700));
  measure_fault_begin (m.measure, NULL, 0, MS (9800)); /* the flow is over */
  measure_finish (m.measure, MS (20000));
  g_assert_cmpint (measured_flow (&m, "recovery"), ==, MS (7700));
  measured_clear (&m);
}

static void
test_messages (void)
{
  Measured m;
  measured_init (&m, "[traffic upload]\nfrom = client\nkind = request\nrequest-size = 100B\n"
                     "response-size = 1kB\ncount = 100\n");
  for (gint64 i = 1; i <= 100; i++)
    measure_flow_message (m.measure, 0, i, MS (20 + i));
  measure_response_offered (m.measure, 0, 1000, MS (200));
  measure_finish (m.measure, MS (300));
  g_assert_cmpint (measured_flow (&m, "messages"), ==, 100);
  g_assert_cmpint (measured_flow (&m, "latency-p50"), ==, 50);
  g_assert_cmpint (measured_flow (&m, "latency-p90"), ==, 90);
  g_assert_cmpint (measured_flow (&m, "latency-p99"), ==, 99);
  g_assert_cmpint (measured_flow (&m, "latency-max"), ==, 100);
  g_assert_cmpint (measured_flow (&m, "latency-mean"), ==, 50);
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_SERVER, "memory-peak"), ==, 1000);
  measured_clear (&m);
}

/* Bytes of links, their shares, and what both sides held. */
static void
test_bytes (void)
{
  Measured m;
  measured_init (&m, BULK);
  measure_flow_offered (m.measure, 0, 4000, MS (20));
  measured_trace (&m, SCENARIO_SIDE_CLIENT, 0, CAIMAN_TRACE_DATA_SENT, 0, 3000, 0, 20);
  measured_trace (&m, SCENARIO_SIDE_CLIENT, 1, CAIMAN_TRACE_DATA_SENT, 1, 1000, 0, 20);
  measured_trace (&m, SCENARIO_SIDE_CLIENT, -1, CAIMAN_TRACE_DATA_SENT, 1, 1000, 0, 20);
  measured_trace (&m, SCENARIO_SIDE_SERVER, 1, CAIMAN_TRACE_DATA_RECEIVED, 1, 1000, 0, 30);
  measured_trace (&m, SCENARIO_SIDE_CLIENT, 1, CAIMAN_TRACE_DATA_DUPLICATED, 0, 3000, 0, 40);
  measured_trace (&m, SCENARIO_SIDE_CLIENT, 1, CAIMAN_TRACE_DATA_RESENT, 0, 3000, 0, 50);
  measured_trace (&m, SCENARIO_SIDE_SERVER, 1, CAIMAN_TRACE_DATA_RECEIVED, 0, 3000, 0, 60);
  measured_trace (&m, SCENARIO_SIDE_SERVER, -1, CAIMAN_TRACE_DATA_DELIVERED, 0, 3000, 0, 60);
  measured_trace (&m, SCENARIO_SIDE_SERVER, -1, CAIMAN_TRACE_DATA_DELIVERED, 1, 1000, 0, 60);
  measured_trace (&m, SCENARIO_SIDE_SERVER, 1, CAIMAN_TRACE_ACK_SENT, 0, 0, 0, 60);
  measured_trace (&m, SCENARIO_SIDE_SERVER, 0, CAIMAN_TRACE_DUPLICATE_RECEIVED, 0, 3000, 0, 70);
  measured_trace (&m, SCENARIO_SIDE_CLIENT, 1, CAIMAN_TRACE_DATA_ACKED, 0, 4000, 0, 80);
  measured_trace (&m, SCENARIO_SIDE_SERVER, -1, CAIMAN_TRACE_DATA_CONSUMED, 4000, 4000, 0, 90);
  measure_flow_delivered (m.measure, 0, 4000, MS (90));
  measured_trace (&m, SCENARIO_SIDE_CLIENT, 0, CAIMAN_TRACE_LINK_WINDOW, 1, 2, 0, 90);
  measure_link_wire (m.measure, 0, SCENARIO_UP, 7000);
  measure_finish (m.measure, MS (120));

  g_assert_cmpint (measured_link (&m, 0, SCENARIO_ONLY_UP, "bytes"), ==, 3000);
  g_assert_cmpint (measured_link (&m, 1, SCENARIO_ONLY_UP, "bytes"), ==, 7000);
  g_assert_cmpint (measured_link (&m, 1, SCENARIO_ONLY_DOWN, "bytes"), ==, 0);
  g_assert_cmpint (measured_link (&m, 1, SCENARIO_BOTH, "resent"), ==, 3000);
  g_assert_cmpint (measured_link (&m, 1, SCENARIO_BOTH, "duplicate"), ==, 3000);
  g_assert_cmpint (measured_link (&m, 0, SCENARIO_BOTH, "share"), ==, 300000000);
  g_assert_cmpint (measured_link (&m, 0, SCENARIO_ONLY_DOWN, "share"), ==, MEASURE_UNDEFINED);
  g_assert_cmpint (measured_link (&m, 0, SCENARIO_BOTH, "wire-bytes"), ==, 7000);
  /* 70 ms at 8 Mbit/s are 70 000 bytes. */
  g_assert_cmpint (measured_link (&m, 0, SCENARIO_ONLY_UP, "utilisation"), ==, 100000000);
  g_assert_cmpint (measured_link (&m, 0, SCENARIO_BOTH, "utilisation"), ==, 50000000);

  g_assert_cmpint (measured_flow (&m, "reorder-peak"), ==, 1000);
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_CLIENT, "resent-bytes"), ==, 3000);
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_ANY, "duplicate-bytes"), ==, 3000);
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_SERVER, "wasted-bytes"), ==, 3000);
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_CLIENT, "memory-peak"), ==, 4000);
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_SERVER, "memory-peak"), ==, 4000);
  measured_clear (&m);
}

/* States of links: times, counts, ends. */
static void
test_link_states (void)
{
  Measured m;
  measured_init (&m, BULK);
  measured_trace (&m, SCENARIO_SIDE_CLIENT, 0, CAIMAN_TRACE_LINK_RTT, (guint64)MS (21),
                  (guint64)MS (21), 0, 20);
  measure_link_rtt (m.measure, 0, SCENARIO_SIDE_CLIENT, MS (30), MS (19));
  measure_link_rtt (m.measure, 0, SCENARIO_SIDE_CLIENT, MS (20), 0);
  measure_link_rtt (m.measure, 0, SCENARIO_SIDE_CLIENT, 0, 0);
  measured_trace (&m, SCENARIO_SIDE_CLIENT, 0, CAIMAN_TRACE_LINK_SUSPECTED, 1, 5, 0, 100);
  measured_trace (&m, SCENARIO_SIDE_CLIENT, 0, CAIMAN_TRACE_LINK_SUSPECTED, 0, 5, 0, 110);
  measured_trace (&m, SCENARIO_SIDE_CLIENT, 0, CAIMAN_TRACE_LINK_SUSPECTED, 1, 5, 0, 120);
  measured_link_state (&m, SCENARIO_SIDE_CLIENT, 0, CAIMAN_LINK_WORKING, CAIMAN_LINK_NOT_WORKING,
                       CAIMAN_REASON_ACK_TIMEOUT, 220);
  measured_link_state (&m, SCENARIO_SIDE_CLIENT, 0, CAIMAN_LINK_NOT_WORKING, CAIMAN_LINK_CLOSED,
                       CAIMAN_REASON_LINK_RESET, 320);
  measured_link_state (&m, SCENARIO_SIDE_CLIENT, 0, CAIMAN_LINK_CONNECTING, CAIMAN_LINK_NEW,
                       CAIMAN_REASON_NONE, 400);
  measured_link_state (&m, SCENARIO_SIDE_CLIENT, 0, CAIMAN_LINK_NEW, CAIMAN_LINK_WORKING,
                       CAIMAN_REASON_NONE, 420);
  measured_trace (&m, SCENARIO_SIDE_CLIENT, 1, CAIMAN_TRACE_LINK_BLOCKED, 1, 0, 0, 500);
  measured_trace (&m, SCENARIO_SIDE_CLIENT, 1, CAIMAN_TRACE_LINK_BLOCKED, 1, 1, 0, 600);
  measured_trace (&m, SCENARIO_SIDE_CLIENT, 1, CAIMAN_TRACE_LINK_BLOCKED, 0, 0, 0, 700);
  measured_trace (&m, SCENARIO_SIDE_CLIENT, 1, CAIMAN_TRACE_LINK_BLOCKED, 0, 1, 0, 800);
  measured_link_state (&m, SCENARIO_SIDE_SERVER, 1, CAIMAN_LINK_WORKING, CAIMAN_LINK_CLOSED,
                       CAIMAN_REASON_LINK_FRAME_ERROR, 900);
  measured_link_state (&m, SCENARIO_SIDE_CLIENT, 1, CAIMAN_LINK_WORKING, CAIMAN_LINK_CLOSED,
                       CAIMAN_REASON_CONNECTION_ENDED, 1000);
  measured_trace (&m, SCENARIO_SIDE_CLIENT, -1, CAIMAN_TRACE_LINK_STATE, 0, 0, 0, 1000);
  measure_finish (m.measure, MS (1020));

  g_assert_cmpint (measured_link_of (&m, 0, SCENARIO_VIEW_CLIENT, "state-time-working"), ==,
                   MS (200 + 600));
  g_assert_cmpint (measured_link_of (&m, 0, SCENARIO_VIEW_CLIENT, "state-time-not-working"), ==,
                   MS (100));
  g_assert_cmpint (measured_link_of (&m, 1, SCENARIO_VIEW_CLIENT, "state-time-blocked"), ==,
                   MS (300));
  g_assert_cmpint (measured_link_of (&m, 0, SCENARIO_VIEW_ANY, "state-time-working"), ==, MS (800));
  g_assert_cmpint (measured_link_of (&m, 0, SCENARIO_VIEW_ANY, "suspected-count"), ==, 2);
  g_assert_cmpint (measured_link_of (&m, 0, SCENARIO_VIEW_ANY, "not-working-count"), ==, 1);
  g_assert_cmpint (measured_link_of (&m, 0, SCENARIO_VIEW_CLIENT, "ends"), ==, 1);
  g_assert_cmpint (measured_link_of (&m, 1, SCENARIO_VIEW_CLIENT, "ends"), ==, 0);
  g_assert_cmpint (measured_link_of (&m, 0, SCENARIO_VIEW_CLIENT, "rtt-min"), ==, MS (19));
  g_assert_cmpint (measured_link_of (&m, 0, SCENARIO_VIEW_CLIENT, "rtt-mean"), ==, MS (25));
  g_assert_cmpint (measured_link_of (&m, 0, SCENARIO_VIEW_ANY, "rtt-mean"), ==, MEASURE_UNDEFINED);
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_CLIENT, "links-ended"), ==, 1);
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_CLIENT, "reconnects"), ==, 1);
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_SERVER, "protocol-errors"), ==, 1);
  g_assert_cmpint (
      measure_get_link_end (m.measure, 0, SCENARIO_SIDE_CLIENT, CAIMAN_REASON_LINK_RESET), ==,
      MS (320));
  g_assert_cmpint (
      measure_get_link_end (m.measure, 0, SCENARIO_SIDE_SERVER, CAIMAN_REASON_LINK_RESET), ==,
      CAIMAN_TIME_NEVER);
  measured_clear (&m);
}

/* Framing is told apart: a MB with as much control traffic has twice the ideal. */
static void
test_framing (void)
{
  Measured m;
  measured_init (&m, BULK);
  measure_flow_offered (m.measure, 0, 1000000, MS (20));
  measured_trace (&m, SCENARIO_SIDE_CLIENT, 0, CAIMAN_TRACE_CONTROL_SENT, CAIMAN_MESSAGE_TEST_DATA,
                  1000000 - 11, 0, 20);
  measured_trace (&m, SCENARIO_SIDE_CLIENT, 0, CAIMAN_TRACE_CONTROL_SENT, CAIMAN_MESSAGE_ACK, 1, 0,
                  20);
  deliver (&m, 5000, 20, 2020);
  measure_flow_completed (m.measure, 0, MS (2020));
  measure_finish (m.measure, MS (2020));
  g_assert_cmpint (measured_flow (&m, "efficiency"), ==, 255000000);
  g_assert_cmpint (measured_flow (&m, "efficiency-payload"), ==, 505000000);
  measured_clear (&m);
}

/* A fault that the sender notices: until then the lost time is detection. */
static void
test_detection (void)
{
  guint link = 0;
  Measured m;
  measured_init (&m, BULK);
  measure_flow_offered (m.measure, 0, 1000000, MS (20));
  measured_capacity (&m, 0, 0, 10, 100);
  measure_fault_begin (m.measure, &link, 1, MS (100));
  measured_trace (&m, SCENARIO_SIDE_CLIENT, 0, CAIMAN_TRACE_LINK_SUSPECTED, 1, 5, 0, 200);
  deliver (&m, 10000, 200, 1200);
  measure_flow_completed (m.measure, 0, MS (1200));
  measure_finish (m.measure, MS (1200));
  g_assert_cmpint (measured_flow (&m, "lost-detection"), >, 0);
  /* 100 ms of one link, of 80 + 1 180 ms of link time in all. */
  gint64 lost_ns = MS (1180) - measured_flow (&m, "ideal-time");
  g_assert_cmpint (ABS (measured_flow (&m, "lost-detection") - lost_ns * 100 / 1260), <=, 1);
  measured_clear (&m);
}

/* A crash ends what the endpoint held and its links' states. */
static void
test_endpoint_gone (void)
{
  Measured m;
  measured_init (&m, BULK);
  measure_flow_offered (m.measure, 0, 4000, MS (20));
  measured_trace (&m, SCENARIO_SIDE_SERVER, 1, CAIMAN_TRACE_DATA_RECEIVED, 1, 1000, 0, 30);
  measure_endpoint_gone (m.measure, SCENARIO_SIDE_SERVER, MS (120));
  measure_finish (m.measure, MS (500));
  g_assert_cmpint (measured_link_of (&m, 0, SCENARIO_VIEW_SERVER, "state-time-working"), ==,
                   MS (100));
  g_assert_cmpint (measured_link_of (&m, 0, SCENARIO_VIEW_CLIENT, "state-time-working"), ==,
                   MS (480));
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_SERVER, "memory-peak"), ==, 1000);
  measured_clear (&m);
}

static void
test_events (void)
{
  Measured m;
  measured_init (&m, BULK);
  g_assert_cmpint (measure_get_last_event (m.measure, MS (50)), ==, 0);
  measure_event_begun (m.measure, MS (100));
  measure_fault_begin (m.measure, NULL, 0, MS (200));
  g_assert_cmpint (measure_get_last_event (m.measure, MS (99)), ==, 0);
  g_assert_cmpint (measure_get_last_event (m.measure, MS (100)), ==, MS (100));
  g_assert_cmpint (measure_get_last_event (m.measure, MS (900)), ==, MS (200));
  measured_clear (&m);
  measure_free (NULL);
}

/* Capacity that is told again, or twice at one instant, makes no further step. */
static void
test_capacity_steps (void)
{
  Measured m;
  measured_init (&m, BULK);
  measured_capacity (&m, 0, 8000000, 10, 20);
  measured_capacity (&m, 0, 0, 10, 20);
  measured_capacity (&m, 0, 16000000, 10, 20);
  measure_flow_offered (m.measure, 0, 1000000, MS (20));
  deliver (&m, 10000, 20, 1020);
  measure_finish (m.measure, MS (1020));
  /* 16 + 8 Mbit/s: a third of a second. */
  g_assert_cmpint (measured_flow (&m, "ideal-time"), ==, MS (10) + 333333334);
  measured_clear (&m);
}

/* Every metric of the registry has a value or none, of every subject, and is stored. */
static void
test_registry (void)
{
  gsize n_metrics;
  const MetricInfo *metrics = metrics_registry_get (&n_metrics);
  g_autoptr (StoreRun) run = store_run_new ();
  Measured m;
  measured_init (&m, BULK);
  measure_flow_offered (m.measure, 0, 1000000, MS (20));
  deliver (&m, 10000, 20, 1020);
  measure_flow_completed (m.measure, 0, MS (1020));
  measure_finish (m.measure, MS (1020));
  measure_store (m.measure, run);
  guint n_stored = 0;
  for (gsize i = 0; i < n_metrics; i++) {
    measure_get (m.measure, metrics[i].subject, 0, SCENARIO_VIEW_ANY, SCENARIO_BOTH,
                 metrics[i].name);
    n_stored += metrics[i].subject == SCENARIO_SUBJECT_FLOW         ? 1
                : metrics[i].subject == SCENARIO_SUBJECT_CONNECTION ? 1 + metrics[i].per_side
                                                                    : 4;
  }
  g_assert_cmpuint (run->metrics->len, ==, n_stored);
  g_assert_cmpfloat (store_run_get_metric (run, STORE_SUBJECT_FLOW, "upload", "efficiency"), ==,
                     0.51);
  g_assert_cmpfloat (store_run_get_metric (run, STORE_SUBJECT_FLOW, "upload", "goodput"), ==, 8e6);
  g_assert_true (isnan (store_run_get_metric (run, STORE_SUBJECT_FLOW, "upload", "recovery")));
  g_assert_cmpfloat (store_run_get_metric (run, STORE_SUBJECT_LINK, "client.a", "ends"), ==, 0);
  g_assert_cmpfloat (store_run_get_metric (run, STORE_SUBJECT_LINK, "a.up", "bytes"), ==, 0);
  g_assert_cmpfloat (store_run_get_metric (run, STORE_SUBJECT_CONNECTION, "client", "connect-time"),
                     ==, 2e7);
  measured_clear (&m);
}

/* Of a run in real time. 1 MB and 3 ms of CPU: 3 s for 1 GB. In virtual time there is nothing. */
static void
test_timing (void)
{
  Measured m;
  measured_init (&m, BULK);
  measured_trace (&m, SCENARIO_SIDE_SERVER, 0, CAIMAN_TRACE_DATA_RECEIVED, 0, 1000000, 0, 60);
  measured_trace (&m, SCENARIO_SIDE_SERVER, -1, CAIMAN_TRACE_DATA_DELIVERED, 0, 1000000, 0, 60);
  measure_timing (m.measure, 70000, 900000, MS (3));
  measure_finish (m.measure, MS (1020));
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_ANY, "lateness-p99"), ==, 70000);
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_ANY, "lateness-max"), ==, 900000);
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_ANY, "cpu-per-gb"), ==, MS (3000));
  measured_clear (&m);

  measured_init (&m, BULK);
  measure_finish (m.measure, MS (1020));
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_ANY, "lateness-p99"), ==,
                   MEASURE_UNDEFINED);
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_ANY, "cpu-per-gb"), ==,
                   MEASURE_UNDEFINED);
  measured_clear (&m);

  measured_init (&m, BULK);
  measure_timing (m.measure, -1, -1, MS (3));
  measure_finish (m.measure, MS (1020));
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_ANY, "lateness-max"), ==,
                   MEASURE_UNDEFINED);
  g_assert_cmpint (measured_connection (&m, SCENARIO_VIEW_ANY, "cpu-per-gb"), ==,
                   MEASURE_UNDEFINED);
  measured_clear (&m);
}

/* docs/metrics.md names every metric. */
static void
test_documented (void)
{
  gsize n_metrics;
  const MetricInfo *metrics = metrics_registry_get (&n_metrics);
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents (METRICS_DOC, &text, NULL, NULL));
  for (gsize i = 0; i < n_metrics; i++) {
    g_autofree char *quoted = g_strdup_printf ("`%s`", metrics[i].name);
    if (strstr (text, quoted) == NULL)
      g_error ("%s does not explain %s", METRICS_DOC, quoted);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/measure/bulk", test_bulk);
  g_test_add_func ("/harness/measure/lost-time", test_lost_time);
  g_test_add_func ("/harness/measure/ebenefit", test_ebenefit);
  g_test_add_func ("/harness/measure/clock-start", test_clock_start);
  g_test_add_func ("/harness/measure/nothing-delivered", test_nothing_delivered);
  g_test_add_func ("/harness/measure/gaps", test_gaps);
  g_test_add_func ("/harness/measure/stalls", test_stalls);
  g_test_add_func ("/harness/measure/open-gap", test_open_gap);
  g_test_add_func ("/harness/measure/recovery", test_recovery);
  g_test_add_func ("/harness/measure/recovery-edges", test_recovery_edges);
  g_test_add_func ("/harness/measure/messages", test_messages);
  g_test_add_func ("/harness/measure/bytes", test_bytes);
  g_test_add_func ("/harness/measure/link-states", test_link_states);
  g_test_add_func ("/harness/measure/framing", test_framing);
  g_test_add_func ("/harness/measure/detection", test_detection);
  g_test_add_func ("/harness/measure/endpoint-gone", test_endpoint_gone);
  g_test_add_func ("/harness/measure/events", test_events);
  g_test_add_func ("/harness/measure/capacity-steps", test_capacity_steps);
  g_test_add_func ("/harness/measure/registry", test_registry);
  g_test_add_func ("/harness/measure/timing", test_timing);
  g_test_add_func ("/harness/measure/documented", test_documented);
  return g_test_run ();
}
