/* SPDX-License-Identifier: Apache-2.0 */
/* test-packet-path.c - the stages of a packet's way, one by one: exact times, verdicts, faults. */
#include "tests/sim/packet-world.h"

static void
expect_arrival (const WorldPath *path, guint i, guint64 number, gint64 at_ns)
{
  g_assert_cmpuint (packet_world_arrival (path, i)->number, ==, number);
  g_assert_cmpint (packet_world_arrival (path, i)->at_ns, ==, at_ns);
}

static void
put_many (WorldPath *path, guint n, guint32 size_bytes)
{
  for (guint i = 0; i < n; i++)
    packet_world_put (path, size_bytes, 0);
}

static void
test_rate_and_delay (void)
{
  WorldPath *path = packet_world_simple (8 * MBIT, 5 * MS, 0); /* 1 byte per us */

  g_assert_cmpint (sim_packet_path_get_deadline (path->packets), ==, CAIMAN_TIME_NEVER);
  put_many (path, 2, 1000);
  g_assert_cmpint (sim_packet_path_get_deadline (path->packets), ==, 6 * MS);
  g_assert_cmpuint (sim_packet_path_get_backlog_packets (path->packets), ==, 2);
  packet_world_run (path->world, 10 * MS);
  put_many (path, 1, 500);
  packet_world_run (path->world, 20 * MS);
  expect_arrival (path, 0, 1, 6 * MS);
  expect_arrival (path, 1, 2, 7 * MS);
  expect_arrival (path, 2, 3, 15 * MS + 500 * US);
  g_assert_cmpuint (sim_path_get_stats (path->path)->bytes, ==, 2500);
  g_assert_cmpuint (sim_packet_path_get_stats (path->packets)->arrived_bytes, ==, 2500);
  packet_world_free (path->world);
  sim_packet_path_free (NULL);
}

/* 3 bits a second: a byte takes 2.666... s; rounding up once must not add up. */
static void
test_rate_is_exact_in_the_long_run (void)
{
  WorldPath *path = packet_world_simple (3, 0, 0);

  put_many (path, 3000, 1);
  packet_world_run (path->world, 8000 * SEC);
  expect_arrival (path, 0, 1, 2666666667);
  expect_arrival (path, 2999, 3000, 8000 * SEC);
  packet_world_free (path->world);
}

static void
test_unlimited_rate (void)
{
  WorldPath *path = packet_world_simple (SIM_RATE_UNLIMITED, 5 * MS, 10);

  put_many (path, 10, 1 << 20);
  g_assert_cmpuint (sim_packet_path_get_backlog_packets (path->packets), ==, 0);
  packet_world_run (path->world, 5 * MS);
  expect_arrival (path, 9, 10, 5 * MS);
  packet_world_free (path->world);
}

/* The wait in front of a packet may be as long as the limit, and no longer. */
static void
test_limit_by_time (void)
{
  SimPathConfig config;
  WorldPath *path;

  sim_path_config_init (&config);
  config.rate_bps = 8 * MBIT;
  config.queue = (SimQueueLimit) { SIM_QUEUE_TIME, 2 * MS };
  path = packet_world_add (packet_world_new (), &config);
  put_many (path, 2, 1000);
  g_assert_cmpint (packet_world_put (path, 1000, 0), ==, SIM_DROP_NONE); /* waits exactly 2 ms */
  g_assert_cmpint (packet_world_put (path, 1000, 0), ==, SIM_DROP_FULL);
  packet_world_run (path->world, 1 * MS - 1);
  g_assert_cmpint (packet_world_put (path, 1000, 0), ==, SIM_DROP_FULL);
  packet_world_run (path->world, 1 * MS);
  g_assert_cmpint (packet_world_put (path, 1000, 0), ==, SIM_DROP_NONE);
  g_assert_cmpuint (path->drops->len, ==, 0); /* never taken, never told */
  packet_world_free (path->world);
}

static void
test_limit_by_bytes (void)
{
  WorldPath *path = packet_world_simple (8 * MBIT, 0, 2000);

  g_assert_cmpint (packet_world_put (path, 5000, 0), ==, SIM_DROP_NONE); /* into an empty queue */
  g_assert_cmpint (packet_world_put (path, 1, 0), ==, SIM_DROP_FULL);
  packet_world_run (path->world, 5 * MS);
  g_assert_cmpuint (sim_packet_path_get_backlog_bytes (path->packets), ==, 0);
  g_assert_cmpint (packet_world_put (path, 1500, 0), ==, SIM_DROP_NONE);
  g_assert_cmpint (packet_world_put (path, 500, 0), ==, SIM_DROP_NONE);
  g_assert_cmpint (packet_world_put (path, 1, 0), ==, SIM_DROP_FULL);
  g_assert_cmpuint (sim_packet_path_get_stats (path->packets)->dropped_packets[SIM_DROP_FULL], ==,
                    2);
  packet_world_free (path->world);
}

static void
test_drop_head (void)
{
  SimPathConfig config;
  WorldPath *path;

  sim_path_config_init (&config);
  config.rate_bps = 8 * MBIT;
  config.queue = (SimQueueLimit) { SIM_QUEUE_PACKETS, 3 };
  config.discipline.kind = SIM_DISCIPLINE_DROP_HEAD;
  path = packet_world_add (packet_world_new (), &config);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpint (packet_world_put (path, 1000, 0), ==, SIM_DROP_NONE);
  packet_world_run (path->world, 10 * MS);
  /* 1 was in service; 2 and 3 made room for 4 and 5. */
  expect_arrival (path, 0, 1, 1 * MS);
  expect_arrival (path, 1, 4, 2 * MS);
  expect_arrival (path, 2, 5, 3 * MS);
  g_assert_cmpuint (packet_world_drop (path, 0)->number, ==, 2);
  g_assert_cmpuint (packet_world_drop (path, 1)->number, ==, 3);
  g_assert_cmpint (packet_world_drop (path, 1)->cause, ==, SIM_DROP_FULL);
  /* One that would not fit into an empty queue pushes nobody out. */
  config.queue = (SimQueueLimit) { SIM_QUEUE_BYTES, 2000 };
  sim_packet_path_will_change (path->packets, path->world->now_ns);
  sim_path_set_config (path->path, &config);
  sim_packet_path_changed (path->packets, path->world->now_ns);
  put_many (path, 2, 1000);
  g_assert_cmpint (packet_world_put (path, 1500, 0), ==, SIM_DROP_FULL);
  g_assert_cmpuint (path->drops->len, ==, 2);
  packet_world_free (path->world);
}

static void
test_changes (void)
{
  WorldPath *path = packet_world_simple (8 * MBIT, 5 * MS, 0);
  PacketWorld *world = path->world;

  put_many (path, 2, 1000);
  packet_world_run (world, 500 * US);
  sim_packet_path_will_change (path->packets, world->now_ns);
  sim_path_set_rate (path->path, 4 * MBIT);
  sim_path_set_delay (path->path, 1 * MS);
  sim_packet_path_changed (path->packets, world->now_ns);
  packet_world_run (world, 20 * MS);
  expect_arrival (path, 0, 1, 500 * US + 1 * MS + 1 * MS); /* half of it took twice as long */
  expect_arrival (path, 1, 2, 4500 * US);
  packet_world_free (world);
}

static void
test_smaller_delay_keeps_order (void)
{
  WorldPath *path = packet_world_simple (8 * MBIT, 50 * MS, 0);
  PacketWorld *world = path->world;

  put_many (path, 2, 1000);
  packet_world_run (world, 1500 * US);
  sim_packet_path_will_change (path->packets, world->now_ns);
  sim_path_set_delay (path->path, 0);
  sim_packet_path_changed (path->packets, world->now_ns);
  packet_world_run (world, 60 * MS);
  expect_arrival (path, 0, 1, 51 * MS);
  expect_arrival (path, 1, 2, 51 * MS);
  packet_world_free (world);
}

static void
test_pause (void)
{
  WorldPath *path = packet_world_simple (8 * MBIT, 5 * MS, 3000);
  PacketWorld *world = path->world;

  put_many (path, 3, 1000);
  packet_world_run (world, 1500 * US);
  sim_packet_path_set_paused (path->packets, TRUE, world->now_ns);
  packet_world_run (world, 100 * MS);
  g_assert_cmpuint (path->arrivals->len, ==, 1); /* it was in flight */
  g_assert_cmpint (sim_packet_path_get_deadline (path->packets), ==, CAIMAN_TIME_NEVER);
  g_assert_cmpint (packet_world_put (path, 1000, 0), ==, SIM_DROP_NONE);
  g_assert_cmpint (packet_world_put (path, 1000, 0), ==, SIM_DROP_FULL);
  sim_packet_path_set_paused (path->packets, FALSE, world->now_ns);
  packet_world_run (world, 200 * MS);
  expect_arrival (path, 1, 2, 105 * MS + 500 * US); /* the second half of it */
  expect_arrival (path, 2, 3, 106 * MS + 500 * US);
  packet_world_free (world);
}

static void
test_pause_while_idle (void)
{
  WorldPath *path = packet_world_simple (8 * MBIT, 0, 0);
  PacketWorld *world = path->world;

  sim_packet_path_set_paused (path->packets, TRUE, 0);
  put_many (path, 1, 1000);
  packet_world_run (world, 10 * MS);
  sim_packet_path_set_paused (path->packets, FALSE, world->now_ns);
  packet_world_run (world, 20 * MS);
  expect_arrival (path, 0, 1, 11 * MS);
  packet_world_free (world);
}

/* From its start to its end nothing arrives; what arrives later does, whenever it was sent. */
static void
test_blackhole_vanishes (void)
{
  WorldPath *path = packet_world_simple (8 * MBIT, 5 * MS, 0);
  PacketWorld *world = path->world;

  put_many (path, 4, 1000); /* arrive at 6, 7, 8 and 9 ms */
  packet_world_run (world, 6500 * US);
  sim_packet_path_set_blackhole (path->packets, SIM_BLACKHOLE_VANISH, world->now_ns);
  packet_world_run (world, 8500 * US);
  sim_packet_path_set_blackhole (path->packets, SIM_BLACKHOLE_OFF, world->now_ns);
  packet_world_run (world, 20 * MS);
  g_assert_cmpuint (path->arrivals->len, ==, 2);
  expect_arrival (path, 0, 1, 6 * MS);
  expect_arrival (path, 1, 4, 9 * MS);
  g_assert_cmpuint (packet_world_drop (path, 0)->number, ==, 2);
  g_assert_cmpint (packet_world_drop (path, 1)->cause, ==, SIM_DROP_BLACKHOLE);
  packet_world_free (world);
}

static void
test_blackhole_waits (void)
{
  WorldPath *path = packet_world_simple (8 * MBIT, 5 * MS, 0);
  PacketWorld *world = path->world;

  put_many (path, 8, 1000); /* the first two are in flight */
  packet_world_run (world, 2500 * US);
  sim_packet_path_set_blackhole (path->packets, SIM_BLACKHOLE_WAIT, world->now_ns);
  sim_packet_path_set_blackhole (path->packets, SIM_BLACKHOLE_WAIT, world->now_ns);
  packet_world_run (world, 100 * MS);
  g_assert_cmpuint (path->arrivals->len, ==, 0);
  sim_packet_path_set_blackhole (path->packets, SIM_BLACKHOLE_OFF, world->now_ns);
  packet_world_run (world, 200 * MS);
  expect_arrival (path, 0, 1, 100 * MS);
  expect_arrival (path, 1, 2, 100 * MS);
  expect_arrival (path, 2, 3, 105 * MS + 500 * US);
  g_assert_cmpuint (path->arrivals->len, ==, 8);
  packet_world_free (world);
}

static void
test_flush (void)
{
  WorldPath *path = packet_world_simple (8 * MBIT, 5 * MS, 0);
  PacketWorld *world = path->world;

  put_many (path, 4, 1000);
  packet_world_run (world, 1500 * US); /* one in flight, one in service, two wait */
  sim_packet_path_flush (path->packets, world->now_ns);
  g_assert_cmpuint (path->drops->len, ==, 4);
  g_assert_cmpuint (sim_packet_path_get_packets_inside (path->packets), ==, 0);
  put_many (path, 1, 1000);
  packet_world_run (world, 20 * MS);
  g_assert_cmpuint (path->arrivals->len, ==, 1);
  packet_world_free (world);
}

static void
test_mtu (void)
{
  WorldPath *path = packet_world_simple (8 * MBIT, 0, 0);
  PacketWorld *world = path->world;

  sim_path_set_mtu (path->path, 1000, FALSE);
  g_assert_cmpint (packet_world_put (path, 1001, SIM_PACKET_DONT_FRAGMENT), ==, SIM_DROP_TOO_BIG);
  g_assert_cmpint (packet_world_put (path, 1000, SIM_PACKET_DONT_FRAGMENT), ==, SIM_DROP_NONE);
  /* 1 480 bytes of payload in parts of 976: two fragments, 20 bytes more. */
  g_assert_cmpint (packet_world_put (path, 1500, 0), ==, SIM_DROP_NONE);
  sim_path_set_mtu (path->path, 1000, TRUE);
  g_assert_cmpint (packet_world_put (path, 1001, SIM_PACKET_DONT_FRAGMENT), ==, SIM_DROP_MTU);
  packet_world_run (world, 10 * MS);
  expect_arrival (path, 0, 2, 1 * MS);
  expect_arrival (path, 1, 3, 2520 * US);
  g_assert_cmpuint (packet_world_arrival (path, 1)->packet.size_bytes, ==, 1500);
  g_assert_cmpstr (sim_drop_cause_to_string (SIM_DROP_TOO_BIG), ==, "too-big");
  packet_world_free (world);
}

static gpointer
duplicate (gpointer user_data, const SimPacket *packet)
{
  (*(guint *)user_data)++;
  return packet->data;
}

static void
forget (gpointer user_data, const SimPacket *packet, SimDropCause cause)
{
  (*(guint *)user_data)--;
}

/* The number of handles that the owner counts ends at 0: each one arrives or is told as dropped. */
static void
test_duplicates_are_owned (void)
{
  SimPacketOwner owner = { .dropped = forget, .duplicate = duplicate };
  SimPathConfig config;
  SimPacket packet = { .size_bytes = 1000 };
  gint64 arrival_ns;
  guint handles = 0;

  sim_path_config_init (&config);
  config.rate_bps = 8 * MBIT;
  config.queue = (SimQueueLimit) { SIM_QUEUE_PACKETS, 5 };
  config.duplicate_ppb = SIM_LOSS_CERTAIN_PPB;
  config.corrupt_ppb = SIM_LOSS_CERTAIN_PPB;
  g_autoptr (GArray) arrived = g_array_new (FALSE, FALSE, sizeof (SimPacket));
  SimPath *path = sim_path_new (&config, 1, "x", SIM_DIRECTION_DOWN);
  SimPacketPath *packets = sim_packet_path_new (path, &owner, &handles, 0);
  for (guint i = 0; i < 3; i++) {
    handles++;
    g_assert_cmpint (sim_packet_path_put (packets, &packet, 0), ==, SIM_DROP_NONE);
  }
  g_assert_cmpuint (handles, ==, 5); /* the sixth did not fit */
  sim_packet_path_advance (packets, 4 * MS);
  while (sim_packet_path_pull (packets, &packet, &arrival_ns)) {
    handles--;
    g_array_append_val (arrived, packet);
  }
  g_assert_cmpuint (arrived->len, ==, 4);
  g_assert_cmpuint (g_array_index (arrived, SimPacket, 0).flags, ==, SIM_PACKET_CORRUPTED);
  g_assert_cmpuint (g_array_index (arrived, SimPacket, 1).flags, ==,
                    SIM_PACKET_CORRUPTED | SIM_PACKET_DUPLICATE);
  sim_packet_path_free (packets);
  g_assert_cmpuint (handles, ==, 0);
  sim_path_free (path);
}

static void
set_due (gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
}

/* Two paths of 8 Mbit/s each through one of 8: half for each, in turn. */
static void
test_shared_bottleneck (void)
{
  PacketWorld *world = packet_world_new ();
  SimBottleneckConfig shared = { .rate_bps = 8 * MBIT };
  SimPathConfig config;
  gboolean due = FALSE;
  WorldPath *a, *b;

  world->shared = sim_bottleneck_new (&shared, 1, "uplink", set_due, &due, 0);
  sim_path_config_init (&config);
  config.rate_bps = 8 * MBIT;
  config.bottleneck = world->shared;
  config.delay_ns = 10 * MS;
  a = packet_world_add (world, &config);
  config.delay_ns = 20 * MS;
  b = packet_world_add (world, &config);
  put_many (a, 100, 1000);
  put_many (b, 100, 1000);
  packet_world_run (world, SEC);
  g_assert_true (due);
  expect_arrival (a, 0, 1, 12 * MS); /* its own wire, the shared one, the delay */
  expect_arrival (b, 0, 1, 23 * MS); /* the same, behind that of a */
  expect_arrival (a, 99, 100, 10 * MS + 200 * MS);
  expect_arrival (b, 99, 100, 20 * MS + 201 * MS);
  g_assert_cmpuint (sim_bottleneck_get_stats (world->shared)->packets, ==, 200);
  packet_world_free (world);
}

/* What the shared queue drops is told to the path that it came from. */
static void
test_shared_drops (void)
{
  PacketWorld *world = packet_world_new ();
  SimBottleneckConfig shared = { .rate_bps = 8 * MBIT, .queue = { SIM_QUEUE_PACKETS, 2 } };
  SimPathConfig config;
  WorldPath *a, *b;

  world->shared = sim_bottleneck_new (&shared, 1, "uplink", NULL, NULL, 0);
  sim_path_config_init (&config);
  config.bottleneck = world->shared;
  a = packet_world_add (world, &config);
  b = packet_world_add (world, &config);
  put_many (a, 2, 1000);
  put_many (b, 2, 1000);
  g_assert_cmpuint (a->drops->len, ==, 0);
  g_assert_cmpuint (b->drops->len, ==, 2);
  shared.discipline.kind = SIM_DISCIPLINE_DROP_HEAD;
  sim_bottleneck_set_config (world->shared, &shared, 0);
  put_many (b, 1, 1000);
  g_assert_cmpuint (packet_world_drop (a, 0)->number, ==, 2);
  sim_packet_path_flush (b->packets, 0);
  g_assert_cmpuint (b->drops->len, ==, 3);
  g_assert_cmpuint (sim_bottleneck_get_backlog_packets (world->shared), ==, 1);
  sim_bottleneck_set_paused (world->shared, TRUE, 0);
  packet_world_run (world, 10 * MS);
  g_assert_cmpuint (a->arrivals->len, ==, 0);
  sim_bottleneck_set_paused (world->shared, FALSE, world->now_ns);
  packet_world_run (world, 20 * MS);
  g_assert_cmpuint (sim_bottleneck_get_stats (world->shared)->dropped_packets[SIM_DROP_FULL], ==,
                    3);
  g_assert_cmpuint (sim_bottleneck_get_backlog_bytes (world->shared), ==, 0);
  packet_world_free (world);
}

static gboolean
is_in_order (const WorldPath *path)
{
  for (guint i = 1; i < path->arrivals->len; i++)
    if (packet_world_arrival (path, i - 1)->number > packet_world_arrival (path, i)->number)
      return FALSE;
  return TRUE;
}

static void
check_jitter (gboolean reorders)
{
  SimPathConfig config;
  WorldPath *path;

  sim_path_config_init (&config);
  config.rate_bps = 8 * MBIT;
  config.delay_ns = 20 * MS;
  config.jitter = (SimDist) { SIM_DIST_UNIFORM, 5 * MS };
  config.reorders = reorders;
  path = packet_world_add (packet_world_new (), &config);
  put_many (path, 1000, 1000);
  packet_world_run (path->world, 2 * SEC);
  g_assert_cmpuint (path->arrivals->len, ==, 1000);
  g_assert_cmpint (is_in_order (path), ==, !reorders);
  for (guint i = 1; i < 1000; i++)
    g_assert_cmpint (packet_world_arrival (path, i - 1)->at_ns, <=,
                     packet_world_arrival (path, i)->at_ns);
  packet_world_free (path->world);
}

static void
test_jitter (void)
{
  check_jitter (FALSE);
  check_jitter (TRUE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/packet-path/rate-and-delay", test_rate_and_delay);
  g_test_add_func ("/sim/packet-path/rate-exact-in-the-long-run",
                   test_rate_is_exact_in_the_long_run);
  g_test_add_func ("/sim/packet-path/unlimited-rate", test_unlimited_rate);
  g_test_add_func ("/sim/packet-path/limit-by-time", test_limit_by_time);
  g_test_add_func ("/sim/packet-path/limit-by-bytes", test_limit_by_bytes);
  g_test_add_func ("/sim/packet-path/drop-head", test_drop_head);
  g_test_add_func ("/sim/packet-path/changes", test_changes);
  g_test_add_func ("/sim/packet-path/smaller-delay-keeps-order", test_smaller_delay_keeps_order);
  g_test_add_func ("/sim/packet-path/pause", test_pause);
  g_test_add_func ("/sim/packet-path/pause-while-idle", test_pause_while_idle);
  g_test_add_func ("/sim/packet-path/blackhole-vanishes", test_blackhole_vanishes);
  g_test_add_func ("/sim/packet-path/blackhole-waits", test_blackhole_waits);
  g_test_add_func ("/sim/packet-path/flush", test_flush);
  g_test_add_func ("/sim/packet-path/mtu", test_mtu);
  g_test_add_func ("/sim/packet-path/duplicates-are-owned", test_duplicates_are_owned);
  g_test_add_func ("/sim/packet-path/shared-bottleneck", test_shared_bottleneck);
  g_test_add_func ("/sim/packet-path/shared-drops", test_shared_drops);
  g_test_add_func ("/sim/packet-path/jitter", test_jitter);
  return g_test_run ();
}
