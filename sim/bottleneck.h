/* SPDX-License-Identifier: Apache-2.0 */
/* bottleneck.h - a queue and a wire of one rate that several packet paths may share.
 *
 * Sans-I/O: its owner calls sim_bottleneck_advance() when sim_bottleneck_get_deadline() has come.
 * Every packet path has a bottleneck of its own inside and drives that itself; objects of this
 * header are made for what paths share: each such path passes its packets on to it when they leave
 * its own bottleneck (packet-path.h has the order of stages), and gets them back when their last
 * bit has left here.
 *
 * Several objects that feed each other give exact times when they are advanced in the order of
 * their deadlines, each to its own deadline, as a timer queue does. Whoever is late (a real-time
 * user) loses only the exactness: a packet that comes here at an earlier time than the latest one
 * known here is taken as coming at that. */
#pragma once

#include "sim/cross-traffic.h"
#include "sim/queue.h"
#include "sim/rate.h"

G_BEGIN_DECLS

typedef struct {
  gint64 rate_bps;      /* ignored when there is a trace */
  SimTrace *rate_trace; /* (nullable) with the field rate; its time 0 is the bottleneck's start */
  SimQueueLimit queue;
  SimDiscipline discipline;
} SimBottleneckConfig;

typedef struct {
  guint64 packets;                            /* that left, cross traffic included */
  guint64 bytes;                              /* of these */
  guint64 cross_packets;                      /* of these, cross traffic */
  guint64 cross_bytes;                        /* of these, cross traffic */
  guint64 cross_dropped_packets;              /* cross traffic that the queue dropped */
  guint64 dropped_packets[SIM_N_DROP_CAUSES]; /* of paths, by the queue */
} SimBottleneckStats;

typedef struct _SimBottleneck SimBottleneck;

/* The deadline has come forward by a call for another object (a path passed a packet on): get it
 * again. Must not call back. */
typedef void (*SimDueFunc) (gpointer user_data);

gboolean sim_bottleneck_config_is_valid (const SimBottleneckConfig *config);

/* @config is valid (asserted). Random streams come from @run_seed and @name. It begins at @now_ns.
 * @due is nullable. */
SimBottleneck *sim_bottleneck_new (const SimBottleneckConfig *config, guint64 run_seed,
                                   const char *name, SimDueFunc due, gpointer user_data,
                                   gint64 now_ns);

/* No path holds packets in it any more (asserted): free the paths first. Accepts NULL. */
void sim_bottleneck_free (SimBottleneck *bottleneck);

/* A source of packets in front of its queue. @config is valid (asserted; copied). */
void sim_bottleneck_add_cross_traffic (SimBottleneck *bottleneck, const SimCrossConfig *config);

const SimBottleneckConfig *sim_bottleneck_get_config (const SimBottleneck *bottleneck);
const SimBottleneckStats *sim_bottleneck_get_stats (const SimBottleneck *bottleneck);

/* Changes it while it runs: a new rate applies at once, to the packet in service, too; a smaller
 * limit drops nothing that is queued; another discipline starts afresh. */
void sim_bottleneck_set_config (SimBottleneck *bottleneck, const SimBottleneckConfig *config,
                                gint64 now_ns);

/* Its wire stops, or goes on; the packet in service keeps what has been sent of it. */
void sim_bottleneck_set_paused (SimBottleneck *bottleneck, gboolean paused, gint64 now_ns);

/* Waiting or in service, cross traffic included. */
gsize sim_bottleneck_get_backlog_bytes (const SimBottleneck *bottleneck);
guint sim_bottleneck_get_backlog_packets (const SimBottleneck *bottleneck);

/* When advance() has something to do; CAIMAN_TIME_NEVER: until another packet comes. */
gint64 sim_bottleneck_get_deadline (const SimBottleneck *bottleneck);

/* Does all that is due up to @now_ns, each at its own instant. */
void sim_bottleneck_advance (SimBottleneck *bottleneck, gint64 now_ns);

G_END_DECLS
