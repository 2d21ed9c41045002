/* SPDX-License-Identifier: Apache-2.0 */
/* test-cross-traffic.c - rates and gaps of cross traffic, and what it leaves to a path. */
#include "tests/sim/packet-world.h"

#include "sim/dist.h"

static SimCrossConfig
make_config (SimCrossKind kind, gint64 rate_bps)
{
  return (SimCrossConfig) { .name = "others",
                            .kind = kind,
                            .rate_bps = rate_bps,
                            .size_bytes = 1000,
                            .on_mean_ns = 100 * MS,
                            .off_mean_ns = 300 * MS,
                            .stops_ns = CAIMAN_TIME_NEVER };
}

static void
test_cbr (void)
{
  SimCrossConfig config = make_config (SIM_CROSS_CBR, 3 * MBIT);
  SimCross cross;

  config.starts_ns = 10 * MS;
  config.stops_ns = 18 * MS;
  sim_cross_init (&cross, &config, 1, "uplink", 5 * MS);
  g_assert_cmpint (cross.next_ns, ==, 15 * MS);
  sim_cross_step (&cross);
  g_assert_cmpint (cross.next_ns, ==, 17666667);
  sim_cross_step (&cross);
  g_assert_cmpint (cross.next_ns, ==, 20333334);
  sim_cross_step (&cross);
  g_assert_cmpint (cross.next_ns, ==, CAIMAN_TIME_NEVER); /* 23 ms is the stop */
}

/* Gaps: mean and standard deviation 1 / rate, as the exponential distribution has them. */
static void
test_poisson (void)
{
  SimCrossConfig config = make_config (SIM_CROSS_POISSON, 8 * MBIT);
  const guint n = 200000;
  double sum = 0, squares = 0;
  SimCross cross;

  sim_cross_init (&cross, &config, 1, "uplink", 0);
  for (guint i = 0; i < n; i++) {
    gint64 before_ns = cross.next_ns;
    double gap_ms;

    sim_cross_step (&cross);
    gap_ms = (double)(cross.next_ns - before_ns) / 1e6;
    sum += gap_ms;
    squares += gap_ms * gap_ms;
  }
  g_assert_cmpfloat_with_epsilon (sum / n, 1, 0.01);
  g_assert_cmpfloat_with_epsilon (squares / n, 2, 0.06);
}

static void
test_on_off (void)
{
  SimCrossConfig config = make_config (SIM_CROSS_ON_OFF, 8 * MBIT);
  guint packets = 0;
  SimCross cross;

  g_assert_cmpint (sim_cross_config_get_mean_rate (&config), ==, 2 * MBIT);
  sim_cross_init (&cross, &config, 1, "uplink", 0);
  for (; cross.next_ns < 4000 * SEC; sim_cross_step (&cross))
    packets++;
  /* 250 packets a second, about 10 000 periods: 4 standard errors and the last packet of each. */
  g_assert_cmpfloat_with_epsilon (packets / 4000.0, 250, 12);
}

/* 6 of 8 Mbit/s are taken by others: a saturating path gets the share of its packets. */
static void
test_through_a_queue (void)
{
  SimCrossConfig cross = make_config (SIM_CROSS_CBR, 6 * MBIT);
  SimPathConfig config;
  WorldPath *path;
  const SimBottleneckStats *stats;

  sim_path_config_init (&config);
  config.rate_bps = 8 * MBIT;
  config.queue = (SimQueueLimit) { SIM_QUEUE_PACKETS, 20 };
  config.cross = &cross;
  config.n_cross = 1;
  path = packet_world_add (packet_world_new (), &config);
  for (guint i = 0; i < 4000; i++) {
    packet_world_put (path, 1000, 0); /* 2 Mbit/s: together exactly the rate */
    packet_world_run (path->world, (i + 1) * 4 * MS);
  }
  stats = sim_packet_path_get_bottleneck_stats (path->packets);
  g_assert_cmpuint (path->arrivals->len, >=, 3990);
  g_assert_cmpuint (stats->cross_packets, >=, 11980);
  g_assert_cmpuint (stats->cross_bytes, ==, stats->cross_packets * 1000);
  g_assert_cmpuint (stats->cross_dropped_packets, ==, 0);
  packet_world_free (path->world);
}

/* Random others on a full queue lose as large a part as the path does, which comes as randomly. */
static void
test_both_lose (void)
{
  SimCrossConfig cross = make_config (SIM_CROSS_POISSON, 6 * MBIT);
  SimPathConfig config;
  WorldPath *path;
  const SimBottleneckStats *stats;
  CaimanPrng prng;
  double lost, cross_lost;

  caiman_prng_init (&prng, 9);
  sim_path_config_init (&config);
  config.rate_bps = 8 * MBIT;
  config.queue = (SimQueueLimit) { SIM_QUEUE_PACKETS, 20 };
  config.cross = &cross;
  config.n_cross = 1;
  path = packet_world_add (packet_world_new (), &config);
  for (guint i = 0; i < 40000; i++) {
    packet_world_put (path, 1000, 0);
    packet_world_run (path->world, path->world->now_ns + sim_dist_draw_exponential (2 * MS, &prng));
  }
  stats = sim_packet_path_get_bottleneck_stats (path->packets);
  lost = (double)stats->dropped_packets[SIM_DROP_FULL] / 40000;
  cross_lost = (double)stats->cross_dropped_packets /
               (double)(stats->cross_dropped_packets + stats->cross_packets);
  g_assert_cmpfloat_with_epsilon (lost, 0.2, 0.01); /* 8 of 10 Mbit/s get through */
  g_assert_cmpfloat_with_epsilon (cross_lost, 0.2, 0.01);
  packet_world_free (path->world);
}

/* Without packets of the path itself, others cost no deadline. */
static void
test_costs_nothing_alone (void)
{
  SimCrossConfig cross = make_config (SIM_CROSS_POISSON, 6 * MBIT);
  SimBottleneckConfig shared = { .rate_bps = 8 * MBIT };
  SimPathConfig config;
  WorldPath *path;
  SimBottleneck *bottleneck;

  sim_path_config_init (&config);
  config.rate_bps = 8 * MBIT;
  config.cross = &cross;
  config.n_cross = 1;
  path = packet_world_add (packet_world_new (), &config);
  g_assert_cmpint (sim_packet_path_get_deadline (path->packets), ==, CAIMAN_TIME_NEVER);
  packet_world_run (path->world, SEC);
  g_assert_cmpuint (sim_packet_path_get_bottleneck_stats (path->packets)->cross_packets, >, 500);
  packet_world_free (path->world);

  bottleneck = sim_bottleneck_new (&shared, 1, "uplink", NULL, NULL, 0);
  sim_bottleneck_add_cross_traffic (bottleneck, &cross);
  sim_bottleneck_advance (bottleneck, SEC);
  g_assert_cmpuint (sim_bottleneck_get_stats (bottleneck)->cross_packets, >, 500);
  g_assert_cmpint (sim_bottleneck_get_config (bottleneck)->rate_bps, ==, 8 * MBIT);
  sim_bottleneck_free (bottleneck);
}

static void
test_limits (void)
{
  SimCrossConfig good = make_config (SIM_CROSS_ON_OFF, 1), bad;

  g_assert_true (sim_cross_config_is_valid (&good));
#define EXPECT_BAD(assignment)                                                                     \
  bad = good;                                                                                      \
  assignment;                                                                                      \
  g_assert_false (sim_cross_config_is_valid (&bad))
  EXPECT_BAD (bad.name = NULL);
  EXPECT_BAD (bad.kind = SIM_CROSS_ON_OFF + 1);
  EXPECT_BAD (bad.rate_bps = 0);
  EXPECT_BAD (bad.rate_bps = SIM_RATE_UNLIMITED);
  EXPECT_BAD (bad.size_bytes = 0);
  EXPECT_BAD (bad.size_bytes = SIM_PACKET_MAX_BYTES + 1);
  EXPECT_BAD (bad.starts_ns = -1);
  EXPECT_BAD (bad.on_mean_ns = 0);
  EXPECT_BAD (bad.off_mean_ns = 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/cross-traffic/cbr", test_cbr);
  g_test_add_func ("/sim/cross-traffic/poisson", test_poisson);
  g_test_add_func ("/sim/cross-traffic/on-off", test_on_off);
  g_test_add_func ("/sim/cross-traffic/through-a-queue", test_through_a_queue);
  g_test_add_func ("/sim/cross-traffic/both-lose", test_both_lose);
  g_test_add_func ("/sim/cross-traffic/costs-nothing-alone", test_costs_nothing_alone);
  g_test_add_func ("/sim/cross-traffic/limits", test_limits);
  return g_test_run ();
}
