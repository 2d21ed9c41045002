/* SPDX-License-Identifier: Apache-2.0 */
/* packet-world.h - packet paths, shared bottlenecks and a clock that visits their deadlines in
 * order, for tests. Each packet's data is its number, from 1 on. */
#pragma once

#include "sim/packet-path.h"

#define MS   CAIMAN_NS_PER_MS
#define US   CAIMAN_NS_PER_US
#define SEC  CAIMAN_NS_PER_S
#define MBIT G_GINT64_CONSTANT (1000000)

#define WORLD_PATHS_MAX 4

typedef struct _PacketWorld PacketWorld;

typedef struct {
  PacketWorld *world;
  SimPath *path;
  SimPacketPath *packets;
  guint64 next_number;
  GArray *put_ns;   /* gint64, by number - 1 */
  GArray *arrivals; /* SimArrival */
  GArray *drops;    /* SimLost: after they had been taken */
} WorldPath;

typedef struct {
  guint64 number;
  gint64 at_ns;
  SimPacket packet;
} SimArrival;

typedef struct {
  guint64 number;
  gint64 at_ns; /* the world's clock */
  SimDropCause cause;
} SimLost;

struct _PacketWorld {
  gint64 now_ns;
  WorldPath paths[WORLD_PATHS_MAX];
  guint n_paths;
  SimBottleneck *shared; /* (owned, nullable) freed after the paths */
};

PacketWorld *packet_world_new (void);
void packet_world_free (PacketWorld *world);
WorldPath *packet_world_add (PacketWorld *world, const SimPathConfig *config);

/* A path of that rate, delay and queue in bytes (0: no limit), alone in a world. */
WorldPath *packet_world_simple (gint64 rate_bps, gint64 delay_ns, gint64 queue_bytes);

/* Puts a packet at the world's present. */
SimDropCause packet_world_put (WorldPath *path, guint32 size_bytes, guint32 flags);

/* Moves the clock, visiting all deadlines. */
void packet_world_run (PacketWorld *world, gint64 until_ns);

const SimArrival *packet_world_arrival (const WorldPath *path, guint i);
const SimLost *packet_world_drop (const WorldPath *path, guint i);

/* put + duplicates = arrived + dropped + inside. */
void packet_world_expect_conserved (const WorldPath *path);
