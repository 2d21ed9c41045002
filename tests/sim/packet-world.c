/* SPDX-License-Identifier: Apache-2.0 */
/* packet-world.c - see packet-world.h. */
#include "tests/sim/packet-world.h"

static void
dropped (gpointer user_data, const SimPacket *packet, SimDropCause cause)
{
  WorldPath *path = user_data;
  SimLost lost = { GPOINTER_TO_SIZE (packet->data), path->world->now_ns, cause };

  g_array_append_val (path->drops, lost);
}

PacketWorld *
packet_world_new (void)
{
  return g_new0 (PacketWorld, 1);
}

void
packet_world_free (PacketWorld *world)
{
  for (guint i = 0; i < world->n_paths; i++) {
    WorldPath *path = &world->paths[i];

    packet_world_expect_conserved (path);
    sim_packet_path_free (path->packets);
    sim_path_free (path->path);
    g_array_unref (path->put_ns);
    g_array_unref (path->arrivals);
    g_array_unref (path->drops);
  }
  sim_bottleneck_free (world->shared);
  g_free (world);
}

WorldPath *
packet_world_add (PacketWorld *world, const SimPathConfig *config)
{
  static const SimPacketOwner owner = { .dropped = dropped };
  WorldPath *path = &world->paths[world->n_paths];
  g_autofree char *name = g_strdup_printf ("path-%u", world->n_paths);

  g_assert (world->n_paths < WORLD_PATHS_MAX);
  world->n_paths++;
  path->world = world;
  path->path = sim_path_new (config, 7, name, SIM_DIRECTION_UP);
  path->put_ns = g_array_new (FALSE, FALSE, sizeof (gint64));
  path->arrivals = g_array_new (FALSE, FALSE, sizeof (SimArrival));
  path->drops = g_array_new (FALSE, FALSE, sizeof (SimLost));
  path->packets = sim_packet_path_new (path->path, &owner, path, world->now_ns);
  return path;
}

WorldPath *
packet_world_simple (gint64 rate_bps, gint64 delay_ns, gint64 queue_bytes)
{
  SimPathConfig config;

  sim_path_config_init (&config);
  config.rate_bps = rate_bps;
  config.delay_ns = delay_ns;
  if (queue_bytes > 0)
    config.queue = (SimQueueLimit) { SIM_QUEUE_BYTES, queue_bytes };
  return packet_world_add (packet_world_new (), &config);
}

SimDropCause
packet_world_put (WorldPath *path, guint32 size_bytes, guint32 flags)
{
  SimPacket packet = { .size_bytes = size_bytes, .flags = flags };

  packet.data = GSIZE_TO_POINTER (++path->next_number);
  g_array_append_val (path->put_ns, path->world->now_ns);
  return sim_packet_path_put (path->packets, &packet, path->world->now_ns);
}

static void
pull (WorldPath *path)
{
  SimArrival arrival;

  while (sim_packet_path_pull (path->packets, &arrival.packet, &arrival.at_ns)) {
    arrival.number = GPOINTER_TO_SIZE (arrival.packet.data);
    g_assert_cmpint (arrival.at_ns, <=, path->world->now_ns);
    g_array_append_val (path->arrivals, arrival);
  }
}

static gint64
get_next (PacketWorld *world)
{
  gint64 next_ns = world->shared ? sim_bottleneck_get_deadline (world->shared) : CAIMAN_TIME_NEVER;

  for (guint i = 0; i < world->n_paths; i++)
    next_ns = MIN (next_ns, sim_packet_path_get_deadline (world->paths[i].packets));
  return next_ns;
}

static void
advance_all (PacketWorld *world)
{
  for (guint i = 0; i < world->n_paths; i++)
    sim_packet_path_advance (world->paths[i].packets, world->now_ns);
  if (world->shared)
    sim_bottleneck_advance (world->shared, world->now_ns);
  for (guint i = 0; i < world->n_paths; i++)
    pull (&world->paths[i]);
}

void
packet_world_run (PacketWorld *world, gint64 until_ns)
{
  for (;;) {
    gint64 next_ns = MAX (get_next (world), world->now_ns);

    if (next_ns > until_ns)
      break;
    world->now_ns = next_ns;
    advance_all (world);
  }
  world->now_ns = until_ns;
  advance_all (world);
}

const SimArrival *
packet_world_arrival (const WorldPath *path, guint i)
{
  g_assert_cmpuint (i, <, path->arrivals->len);
  return &g_array_index (path->arrivals, SimArrival, i);
}

const SimLost *
packet_world_drop (const WorldPath *path, guint i)
{
  g_assert_cmpuint (i, <, path->drops->len);
  return &g_array_index (path->drops, SimLost, i);
}

void
packet_world_expect_conserved (const WorldPath *path)
{
  const SimPacketPathStats *stats = sim_packet_path_get_stats (path->packets);
  guint64 gone = stats->arrived_packets + sim_packet_path_get_packets_inside (path->packets);

  for (guint cause = 0; cause < SIM_N_DROP_CAUSES; cause++)
    gone += stats->dropped_packets[cause];
  g_assert_cmpuint (stats->put_packets + stats->duplicate_packets, ==, gone);
}
