/* SPDX-License-Identifier: Apache-2.0 */
/* path.h - one direction of a path: its configuration, its random streams, and the parts from which
 * carriers build it: rate, delay and jitter, loss, duplication, corruption.
 *
 * Time is passed in, so that the same code serves virtual time and real time. What is random comes
 * from streams of this direction's own, one for each purpose, derived from the run's seed, the
 * path's name and the direction: another path more or less does not change its luck, nor does
 * another model on this one.
 *
 * The pipe keeps send buffers of its own and takes the parts (serialise, draw_loss, draw_delay);
 * packet-path.h puts them together for packets, with a queue. */
#pragma once

#include "sim/bottleneck.h"
#include "sim/dist.h"
#include "sim/loss.h"

G_BEGIN_DECLS

/* The longest one-way delay: one hour. */
#define SIM_DELAY_MAX_NS (3600 * CAIMAN_NS_PER_S)

typedef struct {
  gint64 rate_bps; /* of the bytes that are counted as the packet's size */
  gint64 delay_ns; /* propagation, one way */
  SimDist jitter;
  SimLossConfig loss;
  SimQueueLimit queue;

  /* The rest is for the packet path alone (packet-path.h); 0 everywhere else. */

  SimDiscipline discipline; /* of the queue */
  /* (nullable) These replace rate_bps, delay_ns and loss; each has that field. A trace's time 0 is
   * the packet path's start. */
  SimTrace *rate_trace;
  SimTrace *delay_trace;
  SimTrace *loss_trace;
  gboolean reorders; /* packets may overtake each other by jitter */
  guint32 duplicate_ppb;
  guint32 corrupt_ppb;
  guint32 mtu_bytes;           /* 0: none, else >= SIM_MTU_MIN_BYTES */
  gboolean mtu_is_blackhole;   /* a packet that is too large vanishes; else the sender is told */
  SimBottleneck *bottleneck;   /* (borrowed, nullable) shared, behind the own one */
  const SimCrossConfig *cross; /* @n_cross sources in front of the own queue; copied by the path */
  guint n_cross;
} SimPathConfig;

/* As IPv4 demands of every link (RFC 791). */
#define SIM_MTU_MIN_BYTES 68

/* Which way on a path: up is from client to server. A set in calls that take SimDirections. */
typedef enum { SIM_DIRECTION_UP, SIM_DIRECTION_DOWN, SIM_N_DIRECTIONS } SimDirection;

typedef enum {
  SIM_DIRECTIONS_UP = 1 << SIM_DIRECTION_UP,
  SIM_DIRECTIONS_DOWN = 1 << SIM_DIRECTION_DOWN,
  SIM_DIRECTIONS_BOTH = SIM_DIRECTIONS_UP | SIM_DIRECTIONS_DOWN,
} SimDirections;

typedef struct _SimPath SimPath;

typedef struct {
  guint64 packets;      /* that left the bottleneck */
  guint64 bytes;        /* of these */
  guint64 lost_packets; /* by the loss model */
} SimPathStats;

/* An unlimited path without delay, loss, jitter or limit: a start to set fields from. */
void sim_path_config_init (SimPathConfig *config);

/* TRUE when every field is within its limits. */
gboolean sim_path_config_is_valid (const SimPathConfig *config);

/* @config is valid (asserted). The random streams come from @run_seed, @name and @direction. */
SimPath *sim_path_new (const SimPathConfig *config, guint64 run_seed, const char *name,
                       SimDirection direction);
void sim_path_free (SimPath *path);

const SimPathConfig *sim_path_get_config (const SimPath *path);
const SimPathStats *sim_path_get_stats (const SimPath *path);

/* Changes apply to packets that come after them; what has been given its times keeps them. The
 * loss model starts afresh only when it is another one. */
void sim_path_set_rate (SimPath *path, gint64 rate_bps);
void sim_path_set_delay (SimPath *path, gint64 delay_ns);
void sim_path_set_jitter (SimPath *path, const SimDist *jitter);
void sim_path_set_loss (SimPath *path, const SimLossConfig *loss);
void sim_path_set_queue (SimPath *path, const SimQueueLimit *queue);
void sim_path_set_mtu (SimPath *path, guint32 mtu_bytes, gboolean is_blackhole);

/* All of it at once, but for the shared bottleneck and the cross traffic, which stay. */
void sim_path_set_config (SimPath *path, const SimPathConfig *config);

/* When the last bit of @size_bytes (at most SIM_PACKET_MAX_BYTES) is on the wire if the first may
 * start at @start_ns, in whole ns, rounded up; the fraction is credited to the next packet if that
 * starts right behind, so that a long row of packets keeps the exact rate. */
gint64 sim_path_serialise (SimPath *path, gsize size_bytes, gint64 start_ns);

/* Stops the packet that is being serialised at @now_ns and returns what is left of it, in bits x
 * ns/s (0 when it is through): for a carrier that holds a packet or changes the rate under it. */
gint64 sim_path_interrupt (SimPath *path, gint64 now_ns);

/* When the last bit is on the wire if @work, from sim_path_interrupt(), goes on at @start_ns. */
gint64 sim_path_resume (SimPath *path, gint64 work, gint64 start_ns);

/* The delay of one packet: propagation and jitter, >= 0. */
gint64 sim_path_draw_delay (SimPath *path);

/* TRUE: this packet is lost. Counted in the statistics. */
gboolean sim_path_draw_loss (SimPath *path);

/* The same at @t_ns of the time of the traces for delay and loss, if there are any. */
gint64 sim_path_draw_delay_at (SimPath *path, gint64 t_ns);
gboolean sim_path_draw_loss_at (SimPath *path, gint64 t_ns);

/* TRUE: this packet is duplicated or corrupted. */
gboolean sim_path_draw_duplicate (SimPath *path);
gboolean sim_path_draw_corrupt (SimPath *path);

/* The smallest delay that draw_delay_at() can give. */
gint64 sim_path_get_least_delay (const SimPath *path);

/* Counts a packet that leaves the bottleneck. */
void sim_path_count (SimPath *path, gsize size_bytes);

/* A random number below @bound from a stream for whatever else is needed (the place of a flipped
 * bit). */
guint64 sim_path_draw_below (SimPath *path, guint64 bound);

/* The bottleneck part of the configuration. */
SimBottleneckConfig sim_path_get_bottleneck_config (const SimPath *path);

/* (transfer full) a bottleneck like that, with the configured cross traffic, for what this path
 * begins to carry at @now_ns. */
SimBottleneck *sim_path_new_bottleneck (const SimPath *path, gint64 now_ns);

G_END_DECLS
