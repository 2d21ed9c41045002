/* SPDX-License-Identifier: Apache-2.0 */
/* bottleneck.c - see bottleneck.h. */
#include "sim/bottleneck-private.h"

struct _SimBottleneck {
  SimBottleneckConfig config;
  SimBottleneckStats stats;
  char *name;
  guint64 run_seed;
  SimDueFunc due;
  gpointer user_data;

  gint64 origin_ns;
  gint64 now_ns;
  SimRate rate;
  SimQueue queue;
  SimQueued current; /* in service while has_current */
  gboolean has_current;
  gboolean paused;
  gint64 work_left;    /* of the current packet while paused */
  gint64 departure_ns; /* CAIMAN_TIME_NEVER: none in service, or paused */

  SimCross *cross;
  guint n_cross;
  gint64 next_cross_ns; /* the first of all sources */
};

gboolean
sim_bottleneck_config_is_valid (const SimBottleneckConfig *config)
{
  return (config->rate_trace ? (sim_trace_get_fields (config->rate_trace) & SIM_TRACE_RATE) != 0
                             : sim_rate_is_valid (config->rate_bps)) &&
         sim_queue_limit_is_valid (&config->queue) && sim_discipline_is_valid (&config->discipline);
}

static void
queue_dropped (gpointer user_data, const SimQueued *queued, SimDropCause cause)
{
  SimBottleneck *self = user_data;

  if (!queued->feed) {
    self->stats.cross_dropped_packets++;
    return;
  }
  self->stats.dropped_packets[cause]++;
  queued->feed->n_inside--;
  queued->feed->dropped (queued->feed->self, &queued->packet, cause);
}

static void
set_queue (SimBottleneck *self)
{
  sim_queue_set (&self->queue, &self->config.queue, &self->config.discipline,
                 sim_rate_get_mean (&self->rate));
}

SimBottleneck *
sim_bottleneck_new_stream (const SimBottleneckConfig *config, guint64 run_seed, const char *stream,
                           SimDueFunc due, gpointer user_data, gint64 now_ns)
{
  SimBottleneck *self = g_new0 (SimBottleneck, 1);
  CaimanPrng prng;

  g_assert (sim_bottleneck_config_is_valid (config));
  self->config = *config;
  if (config->rate_trace)
    sim_trace_ref (config->rate_trace);
  self->name = g_strdup (stream);
  self->run_seed = run_seed;
  self->due = due;
  self->user_data = user_data;
  self->origin_ns = now_ns;
  self->now_ns = now_ns;
  self->departure_ns = CAIMAN_TIME_NEVER;
  self->next_cross_ns = CAIMAN_TIME_NEVER;
  caiman_prng_init_stream (&prng, run_seed, stream);
  sim_rate_init (&self->rate, config->rate_bps, config->rate_trace, now_ns);
  sim_queue_init (&self->queue, &prng, queue_dropped, self);
  set_queue (self);
  return self;
}

SimBottleneck *
sim_bottleneck_new (const SimBottleneckConfig *config, guint64 run_seed, const char *name,
                    SimDueFunc due, gpointer user_data, gint64 now_ns)
{
  g_autofree char *stream = g_strdup_printf ("bottleneck/%s", name);

  return sim_bottleneck_new_stream (config, run_seed, stream, due, user_data, now_ns);
}

void
sim_bottleneck_free (SimBottleneck *self)
{
  SimQueued queued;

  if (!self)
    return;
  g_assert (!self->has_current || !self->current.feed);
  while (sim_queue_pop (&self->queue, &queued))
    g_assert (!queued.feed);
  sim_queue_clear (&self->queue);
  sim_trace_unref (self->config.rate_trace);
  g_free (self->cross);
  g_free (self->name);
  g_free (self);
}

static void
find_next_cross (SimBottleneck *self)
{
  self->next_cross_ns = CAIMAN_TIME_NEVER;
  for (guint i = 0; i < self->n_cross; i++)
    self->next_cross_ns = MIN (self->next_cross_ns, self->cross[i].next_ns);
}

void
sim_bottleneck_add_cross_traffic (SimBottleneck *self, const SimCrossConfig *config)
{
  self->cross = g_renew (SimCross, self->cross, self->n_cross + 1);
  sim_cross_init (&self->cross[self->n_cross++], config, self->run_seed, self->name,
                  self->origin_ns);
  find_next_cross (self);
}

const SimBottleneckConfig *
sim_bottleneck_get_config (const SimBottleneck *self)
{
  return &self->config;
}

const SimBottleneckStats *
sim_bottleneck_get_stats (const SimBottleneck *self)
{
  return &self->stats;
}

gsize
sim_bottleneck_get_backlog_bytes (const SimBottleneck *self)
{
  return self->queue.bytes + (self->has_current ? self->current.wire_bytes : 0);
}

guint
sim_bottleneck_get_backlog_packets (const SimBottleneck *self)
{
  return self->queue.n_packets + (self->has_current ? 1 : 0);
}

gint64
sim_bottleneck_get_deadline (const SimBottleneck *self)
{
  return MIN (self->departure_ns, self->next_cross_ns);
}

gint64
sim_bottleneck_get_departure (const SimBottleneck *self)
{
  return self->departure_ns;
}

/* The wire is free at @now_ns: the next packet's turn. */
static void
serve_next (SimBottleneck *self, gint64 now_ns)
{
  if (self->paused)
    return;
  self->has_current = sim_queue_take (&self->queue, &self->current, now_ns);
  if (self->has_current)
    self->departure_ns = sim_rate_serialise (&self->rate, self->current.wire_bytes, now_ns);
  else
    sim_queue_note_idle (&self->queue, now_ns);
}

static void
depart (SimBottleneck *self)
{
  SimQueued gone = self->current;
  gint64 at_ns = self->departure_ns;

  self->has_current = FALSE;
  self->departure_ns = CAIMAN_TIME_NEVER;
  self->stats.packets++;
  self->stats.bytes += gone.wire_bytes;
  serve_next (self, at_ns);
  if (gone.feed) {
    gone.feed->n_inside--;
    gone.feed->departed (gone.feed->self, &gone.packet, gone.wire_bytes, at_ns);
  } else {
    self->stats.cross_packets++;
    self->stats.cross_bytes += gone.wire_bytes;
  }
}

/* What is in service, for the queue's limit. */
static SimService
get_service (const SimBottleneck *self, gint64 now_ns)
{
  SimService service = { 0 };

  if (!self->has_current)
    return service;
  service.bytes = self->current.wire_bytes;
  if (self->queue.limit_work < 0)
    return service;
  if (self->paused)
    service.work_left = self->work_left;
  else if (self->config.rate_trace)
    service.work_left = self->current.wire_bytes * SIM_WORK_PER_BYTE;
  else
    service.work_left =
        (__int128)(self->departure_ns - now_ns) * self->rate.rate_bps - self->rate.credit;
  return service;
}

static SimDropCause
enqueue (SimBottleneck *self, const SimQueued *queued)
{
  SimService service = get_service (self, queued->enqueued_ns);
  SimDropCause cause = sim_queue_put (&self->queue, queued, &service, queued->enqueued_ns);

  if (cause == SIM_DROP_NONE && !self->has_current)
    serve_next (self, queued->enqueued_ns);
  return cause;
}

/* The packets of cross traffic that come at next_cross_ns. */
static void
inject_cross (SimBottleneck *self)
{
  gint64 at_ns = self->next_cross_ns;

  for (guint i = 0; i < self->n_cross; i++) {
    SimCross *cross = &self->cross[i];
    SimQueued queued = { .enqueued_ns = at_ns, .wire_bytes = cross->config.size_bytes };

    if (cross->next_ns != at_ns)
      continue;
    sim_cross_step (cross);
    if (enqueue (self, &queued) != SIM_DROP_NONE)
      self->stats.cross_dropped_packets++;
  }
  find_next_cross (self);
}

void
sim_bottleneck_advance (SimBottleneck *self, gint64 now_ns)
{
  while (MIN (self->departure_ns, self->next_cross_ns) <= now_ns) {
    if (self->departure_ns <= self->next_cross_ns) {
      self->now_ns = MAX (self->now_ns, self->departure_ns);
      depart (self);
    } else {
      self->now_ns = MAX (self->now_ns, self->next_cross_ns);
      inject_cross (self);
    }
  }
  self->now_ns = MAX (self->now_ns, now_ns);
}

SimDropCause
sim_bottleneck_put (SimBottleneck *self, SimFeed *feed, const SimPacket *packet, guint32 wire_bytes,
                    gint64 now_ns)
{
  SimQueued queued = { .packet = *packet, .feed = feed, .wire_bytes = wire_bytes };
  gint64 deadline_ns;
  SimDropCause cause;

  sim_bottleneck_advance (self, now_ns);
  deadline_ns = sim_bottleneck_get_deadline (self);
  queued.enqueued_ns = self->now_ns;
  feed->n_inside++;
  cause = enqueue (self, &queued);
  if (cause != SIM_DROP_NONE) {
    feed->n_inside--;
    self->stats.dropped_packets[cause]++;
  }
  if (self->due && sim_bottleneck_get_deadline (self) < deadline_ns)
    self->due (self->user_data);
  return cause;
}

void
sim_bottleneck_purge (SimBottleneck *self, SimFeed *feed, SimDropCause cause)
{
  sim_queue_purge (&self->queue, feed, cause);
  if (self->has_current && self->current.feed == feed) {
    queue_dropped (self, &self->current, cause);
    self->current.feed = NULL;
  }
}

/* Stops the wire; what is left of the packet in service is kept. */
static void
hold (SimBottleneck *self)
{
  if (!self->has_current || self->departure_ns == CAIMAN_TIME_NEVER)
    return;
  self->work_left = sim_rate_interrupt (&self->rate, self->now_ns);
  self->departure_ns = CAIMAN_TIME_NEVER;
}

static void
go_on (SimBottleneck *self)
{
  if (self->paused)
    return;
  if (self->has_current)
    self->departure_ns = sim_rate_resume (&self->rate, self->work_left, self->now_ns);
  else
    serve_next (self, self->now_ns);
}

void
sim_bottleneck_set_config (SimBottleneck *self, const SimBottleneckConfig *config, gint64 now_ns)
{
  g_assert (sim_bottleneck_config_is_valid (config));
  sim_bottleneck_advance (self, now_ns);
  hold (self);
  if (config->rate_trace)
    sim_trace_ref (config->rate_trace);
  sim_rate_set (&self->rate, config->rate_bps, config->rate_trace);
  sim_trace_unref (self->config.rate_trace);
  self->config = *config;
  set_queue (self);
  go_on (self);
}

void
sim_bottleneck_set_paused (SimBottleneck *self, gboolean paused, gint64 now_ns)
{
  sim_bottleneck_advance (self, now_ns);
  if (self->paused == paused)
    return;
  if (paused)
    hold (self);
  self->paused = paused;
  go_on (self);
}
