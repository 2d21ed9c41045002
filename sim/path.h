/* SPDX-License-Identifier: Apache-2.0 */
/* path.h - one direction of a path: a bottleneck with a queue, a propagation delay, jitter, loss.
 *
 * Time is passed in, so that the same code serves virtual time and real time. A packet that is not
 * lost waits for those before it, is serialised at the rate, and arrives a delay later. Loss and
 * jitter come from random streams of this direction's own, derived from the run's seed, the path's
 * name and the direction: another path more or less does not change its luck.
 *
 * Two ways to use it: sim_path_enqueue() does all of the above for one packet; a carrier that keeps
 * a queue of its own takes the parts (serialise, draw_loss, draw_delay). */
#pragma once

#include "sim/bottleneck.h"
#include "sim/dist.h"
#include "sim/loss.h"

G_BEGIN_DECLS

/* The longest one-way delay: one hour. */
#define SIM_DELAY_MAX_NS (3600 * CAIMAN_NS_PER_S)
/* Largest packet that sim_path_enqueue() and sim_path_serialise() take. */
#define SIM_PATH_PACKET_MAX_BYTES (1u << 30)

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
  guint32 jitter_correlation_ppb; /* of a packet's jitter with the one before it */
  gboolean reorders;              /* packets may overtake each other by jitter */
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

typedef enum {
  SIM_PATH_PASSES,       /* it departs and arrives */
  SIM_PATH_LOST,         /* lost by the loss model; it takes no room and no time */
  SIM_PATH_TAIL_DROPPED, /* the queue is full */
} SimPathVerdict;

typedef struct {
  guint64 packets;              /* that passed */
  guint64 bytes;                /* that passed */
  guint64 lost_packets;         /* by the loss model */
  guint64 tail_dropped_packets; /* by the queue limit */
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

/* A packet of @size_bytes comes at @now_ns (never before an earlier call's). PASSES fills
 * *@departure_ns_out (last bit on the wire) and *@arrival_ns_out; the others leave both alone.
 * Packets depart in order; with jitter, arrivals may overtake each other, as they do in netem. The
 * packet in service counts as queued. The queue takes a packet while the wait in front of it
 * (time), its bytes with this one (bytes) or its packets with this one (packets) are within the
 * limit; in bytes, an empty queue takes a packet of any size. */
SimPathVerdict sim_path_enqueue (SimPath *path, gsize size_bytes, gint64 now_ns,
                                 gint64 *departure_ns_out, gint64 *arrival_ns_out);

/* Waiting or in service at @now_ns. */
gsize sim_path_get_backlog_bytes (SimPath *path, gint64 now_ns);

/* The parts. */

/* When the last bit of @size_bytes is on the wire if the first may start at @start_ns, in whole ns,
 * rounded up; the fraction is credited to the next packet if that starts right behind, so that a
 * long row of packets keeps the exact rate. */
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

/* Counts a packet that passed without sim_path_enqueue(). */
void sim_path_count (SimPath *path, gsize size_bytes);

/* A random number below @bound from a third stream of this direction (used for corruption). */
guint64 sim_path_draw_below (SimPath *path, guint64 bound);

G_END_DECLS
