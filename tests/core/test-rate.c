/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of core/rate against links of known rate (draft-cheng-iccrg-delivery-rate-estimation). */
#include "core/rate.h"

#define US(n)   ((n)*CAIMAN_NS_PER_US)
#define MS(n)   ((n)*CAIMAN_NS_PER_MS)
#define S(n)    ((n)*CAIMAN_NS_PER_S)
#define MBIT(n) ((n)*G_GINT64_CONSTANT (1000000))

enum { PACKET_BYTES = 1000 };

/* A link that serialises at @rate_bps and acknowledges each packet one RTT after that; the sender
 * keeps @window_packets in flight, at most one per @pace_ns. */
typedef struct {
  CaimanRate rate;
  gint64 rate_bps;
  gint64 rtt_ns;
  gint64 pace_ns;
  guint window_packets;
  gboolean app_limited; /* say so after each packet */
  gint64 now_ns;
  gint64 link_free_ns;
  gint64 next_send_ns;
  GQueue in_flight; /* of Packet */
  guint n_rounds;
} Flow;

typedef struct {
  CaimanRateSnapshot snapshot;
  gint64 acked_ns;
} Packet;

static void
flow_init (Flow *flow, gint64 rate_bps, gint64 rtt_ns, guint window_packets)
{
  *flow = (Flow) { .rate_bps = rate_bps, .rtt_ns = rtt_ns, .window_packets = window_packets };
  g_queue_init (&flow->in_flight);
  caiman_rate_init (&flow->rate);
}

static void
flow_clear (Flow *flow)
{
  g_queue_clear_full (&flow->in_flight, g_free);
}

static void
flow_send (Flow *flow)
{
  Packet *packet = g_new0 (Packet, 1);
  guint64 in_flight_bytes = (guint64)flow->in_flight.length * PACKET_BYTES;
  caiman_rate_on_sent (&flow->rate, in_flight_bytes, &packet->snapshot, flow->now_ns);
  flow->link_free_ns = MAX (flow->link_free_ns, flow->now_ns) +
                       caiman_muldiv (PACKET_BYTES * 8, CAIMAN_NS_PER_S, flow->rate_bps);
  packet->acked_ns = flow->link_free_ns + flow->rtt_ns;
  g_queue_push_tail (&flow->in_flight, packet);
  flow->next_send_ns = flow->now_ns + flow->pace_ns;
  if (flow->app_limited)
    caiman_rate_set_app_limited (&flow->rate, (guint64)flow->in_flight.length * PACKET_BYTES);
}

static void
flow_ack (Flow *flow)
{
  g_autofree Packet *packet = g_queue_pop_head (&flow->in_flight);
  if (caiman_rate_on_acked (&flow->rate, &packet->snapshot, PACKET_BYTES, flow->rtt_ns,
                            flow->now_ns))
    flow->n_rounds++;
}

/* Runs until @until_ns. */
static void
flow_run (Flow *flow, gint64 until_ns)
{
  for (;;) {
    Packet *oldest = g_queue_peek_head (&flow->in_flight);
    gint64 ack_ns = oldest ? oldest->acked_ns : CAIMAN_TIME_NEVER;
    gint64 send_ns = CAIMAN_TIME_NEVER;
    if (flow->in_flight.length < flow->window_packets)
      send_ns = MAX (flow->next_send_ns, flow->now_ns);
    if (MIN (ack_ns, send_ns) > until_ns)
      break;
    flow->now_ns = MIN (ack_ns, send_ns);
    if (ack_ns <= send_ns)
      flow_ack (flow);
    else
      flow_send (flow);
  }
  flow->now_ns = until_ns;
}

static void
expect_within_percent (gint64 bps, gint64 expected_bps, gint64 percent)
{
  g_assert_cmpint (bps, >=, expected_bps - expected_bps * percent / 100);
  g_assert_cmpint (bps, <=, expected_bps + expected_bps * percent / 100);
}

static void
test_no_sample (void)
{
  CaimanRate rate;
  caiman_rate_init (&rate);
  g_assert_cmpint (caiman_rate_get_bps (&rate), ==, 0);
}

/* Two packets, by hand: 1 000 bytes acknowledged over 10 ms are 0.8 Mbit/s, 2 000 over 11 ms 1.45.
 */
static void
test_by_hand (void)
{
  CaimanRate rate;
  CaimanRateSnapshot first, second;
  caiman_rate_init (&rate);
  caiman_rate_on_sent (&rate, 0, &first, S (1));
  caiman_rate_on_sent (&rate, 1000, &second, S (1) + MS (1));
  g_assert_true (caiman_rate_on_acked (&rate, &first, 1000, MS (10), S (1) + MS (10)));
  g_assert_cmpint (rate.latest_bps, ==, 800000);
  /* The same round trip: it was sent before the first one was acknowledged. */
  g_assert_false (caiman_rate_on_acked (&rate, &second, 1000, MS (10), S (1) + MS (11)));
  g_assert_cmpint (rate.latest_bps, ==, 1454545);
  g_assert_cmpint (caiman_rate_get_bps (&rate), ==, 1454545);
}

/* The sender is the bottleneck: paced at 8 Mbit/s over a faster link. */
static void
test_paced (void)
{
  Flow flow;
  flow_init (&flow, MBIT (1000), MS (20), 1000);
  flow.pace_ns = MS (1);
  flow_run (&flow, S (1));
  expect_within_percent (caiman_rate_get_bps (&flow.rate), MBIT (8), 1);
  /* About a round trip each 20 ms. */
  g_assert_cmpuint (flow.n_rounds, >=, 45);
  g_assert_cmpuint (flow.n_rounds, <=, 51);
  flow_clear (&flow);
}

/* The link is the bottleneck: a burst queues up, acknowledgements come at the link's rate. */
static void
test_bottleneck (void)
{
  static const gint64 rates[] = { MBIT (1), MBIT (10), MBIT (100), MBIT (1000) };
  for (gsize i = 0; i < G_N_ELEMENTS (rates); i++) {
    Flow flow;
    /* Four times the bandwidth-delay product is in flight. */
    guint window = (guint)(4 * caiman_muldiv (rates[i], MS (40), S (8)) / PACKET_BYTES);
    flow_init (&flow, rates[i], MS (40), MAX (window, 4));
    flow_run (&flow, S (2));
    expect_within_percent (caiman_rate_get_bps (&flow.rate), rates[i], 1);
    flow_clear (&flow);
  }
}

/* Acknowledgements that were held back and come at once do not count as speed: the interval is
 * shorter than the RTT. */
static void
test_ack_compression (void)
{
  CaimanRate rate;
  CaimanRateSnapshot snapshots[3];
  caiman_rate_init (&rate);
  caiman_rate_on_sent (&rate, 0, &snapshots[0], 0);
  caiman_rate_on_acked (&rate, &snapshots[0], 1000, MS (10), MS (10));
  caiman_rate_on_sent (&rate, 0, &snapshots[1], MS (10));
  caiman_rate_on_acked (&rate, &snapshots[1], 1000, MS (10), MS (11));
  g_assert_cmpint (caiman_rate_get_bps (&rate), ==, 800000);
  g_assert_cmpint (rate.latest_bps, ==, 800000);

  /* Without a known RTT an interval of zero is still no sample. */
  caiman_rate_on_sent (&rate, 0, &snapshots[2], MS (11));
  caiman_rate_on_acked (&rate, &snapshots[2], 1000, 0, MS (11));
  g_assert_cmpint (caiman_rate_get_bps (&rate), ==, 800000);
}

/* Samples that are far apart in time because nothing was sent are not slow ones. */
static void
test_idle (void)
{
  Flow flow;
  flow_init (&flow, MBIT (10), MS (20), 100);
  flow_run (&flow, S (1));
  gint64 busy_bps = caiman_rate_get_bps (&flow.rate);
  guint window = flow.window_packets;
  flow.window_packets = 0;
  flow_run (&flow, S (60));
  g_assert_cmpint (caiman_rate_get_bps (&flow.rate), ==, busy_bps);
  flow.window_packets = window;
  flow_run (&flow, S (61));
  expect_within_percent (caiman_rate_get_bps (&flow.rate), MBIT (10), 1);
  expect_within_percent (flow.rate.latest_bps, MBIT (10), 1);
  flow_clear (&flow);
}

static void
test_app_limited_never_lowers (void)
{
  Flow flow;
  flow_init (&flow, MBIT (10), MS (20), 100);
  flow_run (&flow, S (1));
  gint64 before_bps = caiman_rate_get_bps (&flow.rate);
  guint64 rounds_before = flow.rate.round;

  flow.app_limited = TRUE;
  flow.window_packets = 1;
  flow.pace_ns = MS (100);
  flow_run (&flow, S (10));
  g_assert_cmpuint (flow.rate.round, >, rounds_before + 50);
  g_assert_cmpint (flow.rate.latest_bps, <, MBIT (1));
  g_assert_cmpint (caiman_rate_get_bps (&flow.rate), ==, before_bps);
  flow_clear (&flow);
}

static void
test_app_limited_raises (void)
{
  Flow flow;
  flow_init (&flow, MBIT (100), MS (20), 1000);
  flow.app_limited = TRUE;
  flow.pace_ns = MS (8);
  flow_run (&flow, S (1));
  expect_within_percent (caiman_rate_get_bps (&flow.rate), MBIT (1), 1);
  flow.pace_ns = MS (2);
  flow_run (&flow, S (2));
  expect_within_percent (caiman_rate_get_bps (&flow.rate), MBIT (4), 1);
  flow_clear (&flow);
}

/* Once what was in flight at that moment has been delivered, samples count in full again. */
static void
test_app_limited_ends (void)
{
  Flow flow;
  flow_init (&flow, MBIT (10), MS (20), 100);
  flow_run (&flow, S (1));
  caiman_rate_set_app_limited (&flow.rate, (guint64)flow.in_flight.length * PACKET_BYTES);
  flow_run (&flow, S (2));
  g_assert_cmpuint (flow.rate.app_limited_until_bytes, ==, 0);
  Packet *oldest = g_queue_peek_head (&flow.in_flight);
  g_assert_false (oldest->snapshot.app_limited);
  flow_clear (&flow);

  /* Before anything was sent, too. */
  CaimanRate rate;
  CaimanRateSnapshot snapshot;
  caiman_rate_init (&rate);
  caiman_rate_set_app_limited (&rate, 0);
  caiman_rate_on_sent (&rate, 0, &snapshot, 0);
  g_assert_true (snapshot.app_limited);
}

/* A rate that has gone is forgotten after ten round trips, and not before nine. */
static void
test_window (void)
{
  Flow flow;
  flow_init (&flow, MBIT (1000), MS (20), 1000);
  flow.pace_ns = MS (1);
  flow_run (&flow, S (1));
  flow.pace_ns = MS (2);
  flow_run (&flow, S (1) + MS (40)); /* the fast packets have been acknowledged */
  guint64 round = flow.rate.round;
  while (flow.rate.round < round + 8) {
    expect_within_percent (caiman_rate_get_bps (&flow.rate), MBIT (8), 1);
    flow_run (&flow, flow.now_ns + MS (2));
  }
  while (flow.rate.round < round + 11)
    flow_run (&flow, flow.now_ns + MS (2));
  expect_within_percent (caiman_rate_get_bps (&flow.rate), MBIT (4), 1);
  flow_clear (&flow);
}

static void
test_reset (void)
{
  Flow flow;
  flow_init (&flow, MBIT (10), MS (20), 100);
  flow_run (&flow, S (1));
  guint64 delivered_bytes = flow.rate.delivered_bytes;
  guint64 round = flow.rate.round;
  caiman_rate_reset (&flow.rate);
  g_assert_cmpint (caiman_rate_get_bps (&flow.rate), ==, 0);
  g_assert_cmpint (flow.rate.latest_bps, ==, 0);
  g_assert_cmpuint (flow.rate.delivered_bytes, ==, delivered_bytes);
  g_assert_cmpuint (flow.rate.round, ==, round);

  flow.rate_bps = MBIT (2);
  flow_run (&flow, S (10));
  expect_within_percent (caiman_rate_get_bps (&flow.rate), MBIT (2), 1);
  flow_clear (&flow);
}

/* Acknowledgements out of order: intervals stay positive, rates plausible. */
static void
test_out_of_order_acks (void)
{
  CaimanRate rate;
  CaimanRateSnapshot snapshots[4];
  caiman_rate_init (&rate);
  for (int i = 0; i < 4; i++)
    caiman_rate_on_sent (&rate, (guint64)i * 1000, &snapshots[i], MS (i));
  caiman_rate_on_acked (&rate, &snapshots[3], 1000, MS (10), MS (13));
  g_assert_cmpint (rate.first_sent_ns, ==, MS (3));
  caiman_rate_on_acked (&rate, &snapshots[0], 1000, MS (10), MS (14));
  g_assert_cmpint (rate.first_sent_ns, ==, MS (3));
  g_assert_cmpint (rate.latest_bps, ==, 2000 * 8 * 1000 / 14);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* draft-cheng-iccrg-delivery-rate-estimation, 3. */
  g_test_add_func ("/core/rate/no-sample", test_no_sample);
  g_test_add_func ("/core/rate/by-hand", test_by_hand);
  g_test_add_func ("/core/rate/paced", test_paced);
  g_test_add_func ("/core/rate/bottleneck", test_bottleneck);
  g_test_add_func ("/core/rate/ack-compression", test_ack_compression);
  g_test_add_func ("/core/rate/idle", test_idle);
  g_test_add_func ("/core/rate/app-limited-never-lowers", test_app_limited_never_lowers);
  g_test_add_func ("/core/rate/app-limited-raises", test_app_limited_raises);
  g_test_add_func ("/core/rate/app-limited-ends", test_app_limited_ends);
  g_test_add_func ("/core/rate/window", test_window);
  g_test_add_func ("/core/rate/reset", test_reset);
  g_test_add_func ("/core/rate/out-of-order-acks", test_out_of_order_acks);
  return g_test_run ();
}
