/* SPDX-License-Identifier: Apache-2.0 */
/* packet-path.h - one direction of a path, packet by packet: what a TCP model or real kernel
 * packets travel over.
 *
 * Event-driven and without I/O: put a packet in, call sim_packet_path_advance() when
 * sim_packet_path_get_deadline() has come (or whenever you like), pull what has arrived. Time is
 * passed in and never goes back (asserted). Configuration, random streams and counters are those of
 * a SimPath (path.h); this object adds what holds packets.
 *
 * Order of stages; 1 to 4 happen in put(), as in netem's enqueue:
 *   1. MTU          larger packets: dropped (with or without an ICMP answer) if DONT_FRAGMENT is
 *                   set, else they grow by a 20-byte header per further fragment and go on as one
 *   2. loss         one draw per packet, before the queue: a lost packet takes no room and no time
 *   3. duplication  the copy follows right behind and is subject to 4 to 8 on its own
 *   4. corruption   the packet is flagged
 *   5. queue, rate  the path's own bottleneck, with its cross traffic
 *   6. shared       (if any) the bottleneck that it shares with others: queue, rate
 *   7. delay        propagation and jitter, drawn when the last bit has left 5 or 6. Unless the
 *                   path reorders, no packet arrives before one that left earlier
 *   8. blackhole    at the far end: what would arrive while it lasts vanishes or waits
 *
 * Speed: a packet costs about one deadline. While packets are in flight and cannot be overtaken,
 * departures are worked off with the next arrival, at their exact times; so a drop by CoDel may be
 * told later than its instant, and so may be get_backlog's fall (advance() first to be exact). */
#pragma once

#include "sim/packet.h"
#include "sim/path.h"

G_BEGIN_DECLS

typedef struct _SimPacketPath SimPacketPath;

/* What the path asks or tells its owner. These must not call the path or its bottleneck. */
typedef struct {
  /* A packet that had been taken is gone: free what belongs to it. Never called for packets that
   * put() did not take. */
  void (*dropped) (gpointer user_data, const SimPacket *packet, SimDropCause cause);

  /* (nullable) A second handle of @packet's data for its duplicate: another reference or a copy.
   * NULL: data is a plain value that can be used twice. */
  gpointer (*duplicate) (gpointer user_data, const SimPacket *packet);

  /* (nullable) The deadline has come forward otherwise than by a call for this path (a shared
   * bottleneck passed a packet on): get it again. */
  void (*due) (gpointer user_data);
} SimPacketOwner;

typedef enum {
  SIM_BLACKHOLE_OFF,
  SIM_BLACKHOLE_VANISH, /* what would arrive is dropped */
  SIM_BLACKHOLE_WAIT,   /* it arrives when the blackhole ends, in order; the own bottleneck stops */
} SimBlackhole;

/* packets put + duplicates = arrived + dropped (all causes) + in the path. */
typedef struct {
  guint64 put_packets; /* by the owner, taken or not */
  guint64 put_bytes;
  guint64 duplicate_packets;
  guint64 corrupted_packets;
  guint64 arrived_packets; /* that were pulled */
  guint64 arrived_bytes;
  guint64 dropped_packets[SIM_N_DROP_CAUSES];
} SimPacketPathStats;

/* @path (borrowed) holds the configuration: its rate, delay, ..., its cross traffic and, if set,
 * the shared bottleneck (borrowed, it must outlive this). The time of traces and cross traffic
 * begins at @now_ns. */
SimPacketPath *sim_packet_path_new (SimPath *path, const SimPacketOwner *owner, gpointer user_data,
                                    gint64 now_ns);

/* Drops what is left (FLUSHED). Accepts NULL. */
void sim_packet_path_free (SimPacketPath *self);

/* A packet comes at @now_ns. SIM_DROP_NONE: it has been taken, and will either be pulled or told to
 * dropped() (even at once: by the time this returns). Any other cause: it has not been taken and
 * stays the caller's. After SIM_DROP_TOO_BIG the caller plays the router's ICMP; the MTU is in the
 * configuration. */
SimDropCause sim_packet_path_put (SimPacketPath *self, const SimPacket *packet, gint64 now_ns);

/* When advance() has something to do: an arrival at the latest. CAIMAN_TIME_NEVER: nothing until
 * another call. May be in the past when packets have arrived and were not pulled. */
gint64 sim_packet_path_get_deadline (const SimPacketPath *self);

/* Does all that is due up to @now_ns, each at its own instant. */
void sim_packet_path_advance (SimPacketPath *self, gint64 now_ns);

/* The next packet that has arrived by the time of the latest call, in the order of arrival, and
 * when exactly. FALSE: none (outputs untouched). Call until FALSE. */
gboolean sim_packet_path_pull (SimPacketPath *self, SimPacket *packet_out, gint64 *arrival_ns_out);

/* Around each sim_path_set_…() of its SimPath. A new rate applies at once, to the packet in
 * service, too; delay and jitter to packets that leave from now on; loss, duplication, corruption
 * and MTU to packets that come from now on; a smaller queue limit drops nothing that is queued. */
void sim_packet_path_will_change (SimPacketPath *self, gint64 now_ns);
void sim_packet_path_changed (SimPacketPath *self, gint64 now_ns);

void sim_packet_path_set_blackhole (SimPacketPath *self, SimBlackhole mode, gint64 now_ns);

/* The own bottleneck stops: what is queued waits, what is in flight arrives. */
void sim_packet_path_set_paused (SimPacketPath *self, gboolean paused, gint64 now_ns);

/* Drops all that is in the path, whatever its stage (FLUSHED): an interface that goes down. */
void sim_packet_path_flush (SimPacketPath *self, gint64 now_ns);

const SimPacketPathStats *sim_packet_path_get_stats (const SimPacketPath *self);

/* The own bottleneck's counters. */
const SimBottleneckStats *sim_packet_path_get_bottleneck_stats (const SimPacketPath *self);

/* Waiting or in service in the own bottleneck (cross traffic included), and packets anywhere in the
 * path (without cross traffic; with those that arrived and were not pulled). */
gsize sim_packet_path_get_backlog_bytes (const SimPacketPath *self);
guint sim_packet_path_get_backlog_packets (const SimPacketPath *self);
guint64 sim_packet_path_get_packets_inside (const SimPacketPath *self);

G_END_DECLS
