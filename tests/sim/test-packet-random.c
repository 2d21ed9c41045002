/* SPDX-License-Identifier: Apache-2.0 */
/* test-packet-random.c - random paths, loads and faults: packets are conserved, arrive in order
 * unless the path reorders, never before the least delay, never faster than the rate; and whoever
 * is late in calling gets the same arrivals as whoever is in time. */
#include "tests/sim/packet-world.h"

#define N_WORLDS 300
#define N_PUTS   400

static const SimDisciplineKind disciplines[] = { SIM_DISCIPLINE_TAIL_DROP, SIM_DISCIPLINE_DROP_HEAD,
                                                 SIM_DISCIPLINE_CODEL, SIM_DISCIPLINE_RED };

static SimDiscipline
draw_discipline (CaimanPrng *prng)
{
  return (SimDiscipline) { .kind = disciplines[caiman_prng_below (prng, 4)],
                           .target_ns = 1 * MS,
                           .interval_ns = 10 * MS,
                           .red_unit = SIM_QUEUE_PACKETS,
                           .red_min = 3,
                           .red_max = 10,
                           .red_max_ppb = 100000000,
                           .red_gentle = caiman_prng_below (prng, 2) };
}

static SimTrace *
draw_trace (CaimanPrng *prng)
{
  guint32 at_ms[50], t_ms = 0;

  for (guint i = 0; i < 50; i++)
    at_ms[i] = t_ms += caiman_prng_below (prng, 4);
  at_ms[49]++;
  return sim_trace_new_opportunities (at_ms, 50);
}

static void
draw_config (CaimanPrng *prng, SimPathConfig *config, SimTrace *trace)
{
  static const SimQueueUnit units[] = { SIM_QUEUE_UNLIMITED, SIM_QUEUE_TIME, SIM_QUEUE_BYTES,
                                        SIM_QUEUE_PACKETS };
  static const gint64 values[] = { 0, 20 * MS, 20000, 15 };
  guint unit = (guint)caiman_prng_below (prng, 4);

  sim_path_config_init (config);
  config->rate_bps = caiman_prng_range (prng, 1 * MBIT, 20 * MBIT);
  config->delay_ns = caiman_prng_range (prng, 0, 30 * MS);
  config->queue = (SimQueueLimit) { units[unit], values[unit] };
  config->discipline = draw_discipline (prng);
  if (caiman_prng_below (prng, 2))
    config->jitter = (SimDist) { 1 + caiman_prng_below (prng, 3), 5 * MS, 0 };
  config->jitter.correlation_ppb = (guint32)caiman_prng_below (prng, 2) * 500000000;
  config->reorders = caiman_prng_below (prng, 2);
  config->loss = (SimLossConfig) { .kind = SIM_LOSS_BERNOULLI, .p_ppb = 20000000 };
  config->duplicate_ppb = (guint32)caiman_prng_below (prng, 2) * 50000000;
  config->corrupt_ppb = 10000000;
  if (caiman_prng_below (prng, 3) == 0)
    config->rate_trace = trace;
}

typedef struct {
  guint64 seed;
  gint64 late_ns; /* how often the world is looked at, 0: at each deadline */
  gboolean with_faults;
} Case;

static void
maybe_fault (CaimanPrng *prng, WorldPath *path)
{
  gint64 now_ns = path->world->now_ns;

  switch (caiman_prng_below (prng, 60)) {
  case 0:
    sim_packet_path_set_paused (path->packets, caiman_prng_below (prng, 2), now_ns);
    break;
  case 1:
    sim_packet_path_set_blackhole (path->packets, caiman_prng_below (prng, 3), now_ns);
    break;
  case 2:
    sim_packet_path_flush (path->packets, now_ns);
    break;
  case 3:
    sim_packet_path_will_change (path->packets, now_ns);
    sim_path_set_rate (path->path, caiman_prng_range (prng, 1 * MBIT, 20 * MBIT));
    sim_packet_path_changed (path->packets, now_ns);
    break;
  default:
    break;
  }
}

static void
run_coarsely (PacketWorld *world, gint64 until_ns, gint64 late_ns)
{
  SimArrival arrival;

  if (late_ns == 0) {
    packet_world_run (world, until_ns);
    return;
  }
  while (world->now_ns < until_ns) {
    world->now_ns = MIN (until_ns, world->now_ns + late_ns);
    for (guint i = 0; i < world->n_paths; i++) {
      WorldPath *path = &world->paths[i];

      sim_packet_path_advance (path->packets, world->now_ns);
      while (sim_packet_path_pull (path->packets, &arrival.packet, &arrival.at_ns)) {
        arrival.number = GPOINTER_TO_SIZE (arrival.packet.data);
        g_array_append_val (path->arrivals, arrival);
      }
    }
  }
}

static PacketWorld *
run_case (const Case *c, gboolean *reorders_out)
{
  PacketWorld *world = packet_world_new ();
  CaimanPrng prng;
  SimPathConfig config;
  WorldPath *path;

  caiman_prng_init (&prng, c->seed);
  g_autoptr (SimTrace) trace = draw_trace (&prng);
  draw_config (&prng, &config, trace);
  path = packet_world_add (world, &config);
  for (guint i = 0; i < N_PUTS; i++) {
    packet_world_put (path, (guint32)caiman_prng_range (&prng, 40, 1500), 0);
    if (c->with_faults)
      maybe_fault (&prng, path);
    run_coarsely (world, world->now_ns + caiman_prng_range (&prng, 0, 2 * MS), c->late_ns);
    packet_world_expect_conserved (path);
  }
  sim_packet_path_set_paused (path->packets, FALSE, world->now_ns);
  sim_packet_path_set_blackhole (path->packets, SIM_BLACKHOLE_OFF, world->now_ns);
  run_coarsely (world, world->now_ns + 60 * SEC, MAX (c->late_ns, c->late_ns * 1000));
  g_assert_cmpuint (sim_packet_path_get_packets_inside (path->packets), ==, 0);
  *reorders_out = config.reorders;
  return world;
}

static void
check_order (const WorldPath *path, gboolean reorders)
{
  for (guint i = 1; i < path->arrivals->len; i++) {
    const SimArrival *before = packet_world_arrival (path, i - 1);
    const SimArrival *now = packet_world_arrival (path, i);

    g_assert_cmpint (before->at_ns, <=, now->at_ns);
    if (!reorders)
      g_assert_cmpuint (before->number, <=, now->number);
  }
}

static void
test_with_faults (void)
{
  for (guint64 seed = 1; seed <= N_WORLDS; seed++) {
    Case c = { .seed = seed, .with_faults = TRUE };
    gboolean reorders;
    PacketWorld *world = run_case (&c, &reorders);

    check_order (&world->paths[0], reorders);
    packet_world_free (world);
  }
}

/* Advancing by steps of 7 ms gives the same arrivals, at the same exact times. */
static void
test_late_calls (void)
{
  for (guint64 seed = 1; seed <= N_WORLDS; seed++) {
    Case in_time = { .seed = seed }, late = { .seed = seed, .late_ns = 7 * MS };
    gboolean reorders;
    PacketWorld *a = run_case (&in_time, &reorders), *b = run_case (&late, &reorders);

    g_assert_cmpuint (a->paths[0].arrivals->len, ==, b->paths[0].arrivals->len);
    for (guint i = 0; i < a->paths[0].arrivals->len; i++) {
      g_assert_cmpint (packet_world_arrival (&a->paths[0], i)->at_ns, ==,
                       packet_world_arrival (&b->paths[0], i)->at_ns);
      g_assert_cmpuint (packet_world_arrival (&a->paths[0], i)->number, ==,
                        packet_world_arrival (&b->paths[0], i)->number);
    }
    packet_world_free (a);
    packet_world_free (b);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/packet-random/with-faults", test_with_faults);
  g_test_add_func ("/sim/packet-random/late-calls", test_late_calls);
  return g_test_run ();
}
