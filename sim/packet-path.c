/* SPDX-License-Identifier: Apache-2.0 */
/* packet-path.c - see packet-path.h. */
#include "sim/packet-path.h"

#include "sim/bottleneck-private.h"
#include "sim/flight.h"

/* IPv4's header, which each further fragment repeats. */
#define IP_HEADER_BYTES 20
/* Fragments but the last carry a multiple of that (RFC 791). */
#define FRAGMENT_UNIT_BYTES 8

struct _SimPacketPath {
  SimPath *path;
  SimPacketOwner owner;
  gpointer user_data;
  SimBottleneck *own;
  SimBottleneck *shared; /* (borrowed, nullable) */
  SimFeed own_feed;
  SimFeed shared_feed;
  SimFlight flight;  /* on the way behind the bottlenecks */
  SimFlight arrived; /* to be pulled */
  gint64 origin_ns;
  gint64 now_ns;
  gint64 last_arrival_ns; /* the latest that was given, for the order */
  SimBlackhole blackhole;
  gboolean paused;
  SimPacketPathStats stats;
};

/* A packet that had been taken is dropped. */
static void
drop (SimPacketPath *self, const SimPacket *packet, SimDropCause cause)
{
  self->stats.dropped_packets[cause]++;
  self->owner.dropped (self->user_data, packet, cause);
}

/* @packet has left the last bottleneck at @now_ns. */
static void
fly (SimPacketPath *self, const SimPacket *packet, guint32 wire_bytes, gint64 now_ns)
{
  gint64 delay_ns = sim_path_draw_delay_at (self->path, now_ns - self->origin_ns);
  gint64 arrival_ns = caiman_time_add (now_ns, delay_ns);

  sim_path_count (self->path, wire_bytes);
  if (!sim_path_get_config (self->path)->reorders)
    arrival_ns = MAX (arrival_ns, self->last_arrival_ns);
  self->last_arrival_ns = MAX (self->last_arrival_ns, arrival_ns);
  sim_flight_put (&self->flight, packet, arrival_ns);
}

static void
own_departed (gpointer data, const SimPacket *packet, guint32 wire_bytes, gint64 now_ns)
{
  SimPacketPath *self = data;
  SimDropCause cause;

  if (!self->shared) {
    fly (self, packet, wire_bytes, now_ns);
    return;
  }
  cause = sim_bottleneck_put (self->shared, &self->shared_feed, packet, wire_bytes, now_ns);
  if (cause != SIM_DROP_NONE)
    drop (self, packet, cause);
}

static void
shared_departed (gpointer data, const SimPacket *packet, guint32 wire_bytes, gint64 now_ns)
{
  SimPacketPath *self = data;

  fly (self, packet, wire_bytes, now_ns);
  if (self->owner.due)
    self->owner.due (self->user_data);
}

static void
bottleneck_dropped (gpointer data, const SimPacket *packet, SimDropCause cause)
{
  drop (data, packet, cause);
}

SimPacketPath *
sim_packet_path_new (SimPath *path, const SimPacketOwner *owner, gpointer user_data, gint64 now_ns)
{
  SimPacketPath *self = g_new0 (SimPacketPath, 1);

  g_assert (owner->dropped);
  self->path = path;
  self->owner = *owner;
  self->user_data = user_data;
  self->shared = sim_path_get_config (path)->bottleneck;
  self->own = sim_path_new_bottleneck (path, now_ns);
  self->own_feed = (SimFeed) { self, own_departed, bottleneck_dropped, 0 };
  self->shared_feed = (SimFeed) { self, shared_departed, bottleneck_dropped, 0 };
  self->origin_ns = now_ns;
  self->now_ns = now_ns;
  self->last_arrival_ns = now_ns;
  return self;
}

static void
drop_flight (SimPacketPath *self, SimFlight *flight)
{
  for (SimFlying *flying = sim_flight_peek (flight); flying; flying = sim_flight_peek (flight)) {
    SimPacket packet = flying->packet;
    sim_flight_pop (flight);
    drop (self, &packet, SIM_DROP_FLUSHED);
  }
}

/* All that has not arrived. */
static void
drop_inside (SimPacketPath *self)
{
  sim_bottleneck_purge (self->own, &self->own_feed, SIM_DROP_FLUSHED);
  if (self->shared)
    sim_bottleneck_purge (self->shared, &self->shared_feed, SIM_DROP_FLUSHED);
  drop_flight (self, &self->flight);
}

void
sim_packet_path_free (SimPacketPath *self)
{
  if (!self)
    return;
  drop_inside (self);
  drop_flight (self, &self->arrived);
  sim_bottleneck_free (self->own);
  sim_flight_clear (&self->flight);
  sim_flight_clear (&self->arrived);
  g_free (self);
}

/* What arrives up to now, as the blackhole has it. */
static void
work_off_flight (SimPacketPath *self)
{
  SimFlying *flying;

  if (self->blackhole == SIM_BLACKHOLE_WAIT)
    return;
  while ((flying = sim_flight_peek (&self->flight)) && flying->arrival_ns <= self->now_ns) {
    SimFlying gone = *flying;
    sim_flight_pop (&self->flight);
    if (self->blackhole == SIM_BLACKHOLE_VANISH)
      drop (self, &gone.packet, SIM_DROP_BLACKHOLE);
    else
      sim_flight_put (&self->arrived, &gone.packet, gone.arrival_ns);
  }
}

static void
set_now (SimPacketPath *self, gint64 now_ns)
{
  g_assert (now_ns >= self->now_ns);
  self->now_ns = now_ns;
  sim_bottleneck_advance (self->own, now_ns);
}

void
sim_packet_path_advance (SimPacketPath *self, gint64 now_ns)
{
  set_now (self, now_ns);
  work_off_flight (self);
}

/* Bytes on the wire: more than the packet's when it is fragmented. */
static guint32
get_wire_bytes (const SimPathConfig *config, const SimPacket *packet)
{
  guint32 part_bytes, fragments;

  if (config->mtu_bytes == 0 || packet->size_bytes <= config->mtu_bytes)
    return packet->size_bytes;
  part_bytes = (config->mtu_bytes - IP_HEADER_BYTES) / FRAGMENT_UNIT_BYTES * FRAGMENT_UNIT_BYTES;
  fragments = (packet->size_bytes - IP_HEADER_BYTES + part_bytes - 1) / part_bytes;
  return packet->size_bytes + (fragments - 1) * IP_HEADER_BYTES;
}

static gboolean
is_too_big (const SimPathConfig *config, const SimPacket *packet)
{
  return config->mtu_bytes > 0 && packet->size_bytes > config->mtu_bytes &&
         (packet->flags & SIM_PACKET_DONT_FRAGMENT);
}

/* Stages 4 and 5. */
static SimDropCause
put_in_queue (SimPacketPath *self, SimPacket *packet, gint64 now_ns)
{
  guint32 wire_bytes = get_wire_bytes (sim_path_get_config (self->path), packet);

  if (sim_path_draw_corrupt (self->path)) {
    packet->flags |= SIM_PACKET_CORRUPTED;
    self->stats.corrupted_packets++;
  }
  return sim_bottleneck_put (self->own, &self->own_feed, packet, wire_bytes, now_ns);
}

/* @copy is of a packet that has been, or was to be, put in the queue. */
static void
put_copy (SimPacketPath *self, SimPacket *copy, gint64 now_ns)
{
  SimDropCause cause;

  copy->flags |= SIM_PACKET_DUPLICATE;
  self->stats.duplicate_packets++;
  cause = put_in_queue (self, copy, now_ns);
  if (cause != SIM_DROP_NONE)
    drop (self, copy, cause);
}

/* Stages 1 to 5. */
static SimDropCause
put_packet (SimPacketPath *self, const SimPacket *original, gint64 now_ns)
{
  const SimPathConfig *config = sim_path_get_config (self->path);
  SimPacket packet = *original, copy = *original;
  gboolean has_copy;
  SimDropCause cause;

  if (is_too_big (config, original))
    return config->mtu_is_blackhole ? SIM_DROP_MTU : SIM_DROP_TOO_BIG;
  if (sim_path_draw_loss_at (self->path, now_ns - self->origin_ns))
    return SIM_DROP_LOSS;
  has_copy = sim_path_draw_duplicate (self->path);
  if (has_copy && self->owner.duplicate)
    copy.data = self->owner.duplicate (self->user_data, original);
  cause = put_in_queue (self, &packet, now_ns);
  if (has_copy)
    put_copy (self, &copy, now_ns);
  return cause;
}

SimDropCause
sim_packet_path_put (SimPacketPath *self, const SimPacket *packet, gint64 now_ns)
{
  SimDropCause cause;

  g_assert (packet->size_bytes >= 1 && packet->size_bytes <= SIM_PACKET_MAX_BYTES);
  set_now (self, now_ns);
  self->stats.put_packets++;
  self->stats.put_bytes += packet->size_bytes;
  cause = put_packet (self, packet, now_ns);
  if (cause != SIM_DROP_NONE)
    self->stats.dropped_packets[cause]++;
  /* What takes no time to serialise is in flight now. */
  sim_bottleneck_advance (self->own, now_ns);
  return cause;
}

/* When the own bottleneck must be looked at again. */
static gint64
get_own_deadline (const SimPacketPath *self)
{
  if (self->own_feed.n_inside == 0)
    return CAIMAN_TIME_NEVER;
  if (self->shared)
    return sim_bottleneck_get_departure (self->own);
  if (self->flight.n > 0 && !sim_path_get_config (self->path)->reorders)
    return CAIMAN_TIME_NEVER;
  return caiman_time_add (sim_bottleneck_get_departure (self->own),
                          sim_path_get_least_delay (self->path));
}

gint64
sim_packet_path_get_deadline (const SimPacketPath *self)
{
  SimFlying *arrived = sim_flight_peek (&self->arrived);
  SimFlying *flying = sim_flight_peek (&self->flight);
  gint64 deadline_ns;

  if (arrived)
    return arrived->arrival_ns;
  if (self->blackhole == SIM_BLACKHOLE_WAIT)
    return CAIMAN_TIME_NEVER;
  deadline_ns = get_own_deadline (self);
  return flying ? MIN (deadline_ns, flying->arrival_ns) : deadline_ns;
}

gboolean
sim_packet_path_pull (SimPacketPath *self, SimPacket *packet_out, gint64 *arrival_ns_out)
{
  SimFlying *arrived;

  work_off_flight (self);
  arrived = sim_flight_peek (&self->arrived);
  if (!arrived)
    return FALSE;
  *packet_out = arrived->packet;
  *arrival_ns_out = arrived->arrival_ns;
  sim_flight_pop (&self->arrived);
  self->stats.arrived_packets++;
  self->stats.arrived_bytes += packet_out->size_bytes;
  return TRUE;
}

void
sim_packet_path_will_change (SimPacketPath *self, gint64 now_ns)
{
  sim_packet_path_advance (self, now_ns);
}

void
sim_packet_path_changed (SimPacketPath *self, gint64 now_ns)
{
  SimBottleneckConfig config = sim_path_get_bottleneck_config (self->path);

  set_now (self, now_ns);
  sim_bottleneck_set_config (self->own, &config, now_ns);
}

static void
apply_pause (SimPacketPath *self)
{
  sim_bottleneck_set_paused (self->own, self->paused || self->blackhole == SIM_BLACKHOLE_WAIT,
                             self->now_ns);
}

/* What waited for the end of the blackhole arrives now. */
static void
release_waiting (SimPacketPath *self)
{
  SimFlying *flying;

  while ((flying = sim_flight_peek (&self->flight)) && flying->arrival_ns <= self->now_ns) {
    SimPacket packet = flying->packet;
    sim_flight_pop (&self->flight);
    sim_flight_put (&self->arrived, &packet, self->now_ns);
  }
  self->last_arrival_ns = MAX (self->last_arrival_ns, self->now_ns);
}

void
sim_packet_path_set_blackhole (SimPacketPath *self, SimBlackhole mode, gint64 now_ns)
{
  sim_packet_path_advance (self, now_ns);
  if (mode == self->blackhole)
    return;
  if (self->blackhole == SIM_BLACKHOLE_WAIT)
    release_waiting (self);
  self->blackhole = mode;
  apply_pause (self);
}

void
sim_packet_path_set_paused (SimPacketPath *self, gboolean paused, gint64 now_ns)
{
  sim_packet_path_advance (self, now_ns);
  self->paused = paused;
  apply_pause (self);
}

void
sim_packet_path_flush (SimPacketPath *self, gint64 now_ns)
{
  sim_packet_path_advance (self, now_ns);
  drop_inside (self);
}

const SimPacketPathStats *
sim_packet_path_get_stats (const SimPacketPath *self)
{
  return &self->stats;
}

const SimBottleneckStats *
sim_packet_path_get_bottleneck_stats (const SimPacketPath *self)
{
  return sim_bottleneck_get_stats (self->own);
}

gsize
sim_packet_path_get_backlog_bytes (const SimPacketPath *self)
{
  return sim_bottleneck_get_backlog_bytes (self->own);
}

guint
sim_packet_path_get_backlog_packets (const SimPacketPath *self)
{
  return sim_bottleneck_get_backlog_packets (self->own);
}

guint64
sim_packet_path_get_packets_inside (const SimPacketPath *self)
{
  return (guint64)self->own_feed.n_inside + self->shared_feed.n_inside + self->flight.n +
         self->arrived.n;
}
