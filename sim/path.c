/* SPDX-License-Identifier: Apache-2.0 */
/* path.c - see path.h. */
#include "sim/path.h"

/* Work is counted in bits x ns/s: a packet's work divided by the rate is its time in ns. */
#define WORK_PER_BYTE (8 * CAIMAN_NS_PER_S)

/* A packet that waits or is in service. */
typedef struct {
  gint64 departure_ns;
  gsize size_bytes;
} Queued;

struct _SimPath {
  SimPathConfig config;
  SimPathStats stats;
  SimLoss loss;
  CaimanPrng jitter_prng;
  CaimanPrng other_prng;

  gint64 busy_until_ns; /* departure of the last packet given out */
  gint64 credit;        /* work that was paid for by rounding up to busy_until_ns */

  Queued *ring; /* packets of sim_path_enqueue() with departures in the future */
  guint ring_size;
  guint ring_first;
  guint n_queued;
  gsize queued_bytes;
};

void
sim_path_config_init (SimPathConfig *config)
{
  *config = (SimPathConfig) { .rate_bps = SIM_RATE_UNLIMITED };
}

static gboolean
is_rate_valid (gint64 rate_bps)
{
  return rate_bps == SIM_RATE_UNLIMITED || (rate_bps >= 1 && rate_bps <= SIM_RATE_MAX_BPS);
}

static gboolean
is_delay_valid (gint64 delay_ns)
{
  return delay_ns >= 0 && delay_ns <= SIM_DELAY_MAX_NS;
}

static gboolean
is_queue_valid (const SimQueueLimit *queue)
{
  return (guint)queue->unit <= SIM_QUEUE_PACKETS &&
         (queue->unit == SIM_QUEUE_UNLIMITED || queue->value > 0);
}

gboolean
sim_path_config_is_valid (const SimPathConfig *config)
{
  return is_rate_valid (config->rate_bps) && is_delay_valid (config->delay_ns) &&
         sim_dist_is_valid (&config->jitter) && sim_loss_config_is_valid (&config->loss) &&
         is_queue_valid (&config->queue);
}

static void
init_stream (CaimanPrng *prng, guint64 run_seed, const char *name, SimDirection direction,
             const char *purpose)
{
  g_autofree char *stream = g_strdup_printf (
      "path/%s/%s/%s", name, direction == SIM_DIRECTION_UP ? "up" : "down", purpose);

  caiman_prng_init_stream (prng, run_seed, stream);
}

SimPath *
sim_path_new (const SimPathConfig *config, guint64 run_seed, const char *name,
              SimDirection direction)
{
  SimPath *path = g_new0 (SimPath, 1);
  CaimanPrng loss_prng;

  g_assert (sim_path_config_is_valid (config));
  path->config = *config;
  init_stream (&loss_prng, run_seed, name, direction, "loss");
  init_stream (&path->jitter_prng, run_seed, name, direction, "jitter");
  init_stream (&path->other_prng, run_seed, name, direction, "other");
  sim_loss_init (&path->loss, &config->loss, &loss_prng);
  return path;
}

void
sim_path_free (SimPath *path)
{
  if (!path)
    return;
  g_free (path->ring);
  g_free (path);
}

const SimPathConfig *
sim_path_get_config (const SimPath *path)
{
  return &path->config;
}

const SimPathStats *
sim_path_get_stats (const SimPath *path)
{
  return &path->stats;
}

void
sim_path_set_rate (SimPath *path, gint64 rate_bps)
{
  g_assert (is_rate_valid (rate_bps));
  if (path->config.rate_bps == rate_bps)
    return;
  path->config.rate_bps = rate_bps;
  path->credit = 0;
}

void
sim_path_set_delay (SimPath *path, gint64 delay_ns)
{
  g_assert (is_delay_valid (delay_ns));
  path->config.delay_ns = delay_ns;
}

void
sim_path_set_jitter (SimPath *path, const SimDist *jitter)
{
  g_assert (sim_dist_is_valid (jitter));
  path->config.jitter = *jitter;
}

static gboolean
is_same_loss (const SimLossConfig *a, const SimLossConfig *b)
{
  return a->kind == b->kind && a->p_ppb == b->p_ppb && a->r_ppb == b->r_ppb &&
         a->bad_loss_ppb == b->bad_loss_ppb && a->good_loss_ppb == b->good_loss_ppb &&
         a->every == b->every && a->mask == b->mask && a->mask_bits == b->mask_bits;
}

void
sim_path_set_loss (SimPath *path, const SimLossConfig *loss)
{
  g_assert (sim_loss_config_is_valid (loss));
  if (is_same_loss (&path->config.loss, loss))
    return;
  path->config.loss = *loss;
  sim_loss_set (&path->loss, loss);
}

void
sim_path_set_queue (SimPath *path, const SimQueueLimit *queue)
{
  g_assert (is_queue_valid (queue));
  path->config.queue = *queue;
}

static void
forget_departed (SimPath *path, gint64 now_ns)
{
  while (path->n_queued > 0 && path->ring[path->ring_first].departure_ns <= now_ns) {
    path->queued_bytes -= path->ring[path->ring_first].size_bytes;
    path->ring_first = (path->ring_first + 1) % path->ring_size;
    path->n_queued--;
  }
}

static void
grow_ring (SimPath *path)
{
  guint size = MAX (16, path->ring_size * 2);
  Queued *ring = g_new (Queued, size);

  for (guint i = 0; i < path->n_queued; i++)
    ring[i] = path->ring[(path->ring_first + i) % path->ring_size];
  g_free (path->ring);
  path->ring = ring;
  path->ring_size = size;
  path->ring_first = 0;
}

static void
remember (SimPath *path, gsize size_bytes, gint64 departure_ns)
{
  if (path->n_queued == path->ring_size)
    grow_ring (path);
  path->ring[(path->ring_first + path->n_queued++) % path->ring_size] =
      (Queued) { departure_ns, size_bytes };
  path->queued_bytes += size_bytes;
}

static gboolean
has_room (const SimPath *path, gsize size_bytes, gint64 now_ns)
{
  const SimQueueLimit *queue = &path->config.queue;

  switch (queue->unit) {
  case SIM_QUEUE_TIME:
    return path->busy_until_ns - now_ns <= queue->value;
  case SIM_QUEUE_BYTES:
    return path->n_queued == 0 || path->queued_bytes + size_bytes <= (guint64)queue->value;
  case SIM_QUEUE_PACKETS:
    return path->n_queued < queue->value;
  case SIM_QUEUE_UNLIMITED:
    break;
  }
  return TRUE;
}

SimPathVerdict
sim_path_enqueue (SimPath *path, gsize size_bytes, gint64 now_ns, gint64 *departure_ns_out,
                  gint64 *arrival_ns_out)
{
  gint64 departure_ns;

  forget_departed (path, now_ns);
  if (sim_path_draw_loss (path))
    return SIM_PATH_LOST;
  if (!has_room (path, size_bytes, now_ns)) {
    path->stats.tail_dropped_packets++;
    return SIM_PATH_TAIL_DROPPED;
  }
  departure_ns = sim_path_serialise (path, size_bytes, MAX (now_ns, path->busy_until_ns));
  remember (path, size_bytes, departure_ns);
  sim_path_count (path, size_bytes);
  *departure_ns_out = departure_ns;
  *arrival_ns_out = caiman_time_add (departure_ns, sim_path_draw_delay (path));
  return SIM_PATH_PASSES;
}

gsize
sim_path_get_backlog_bytes (SimPath *path, gint64 now_ns)
{
  forget_departed (path, now_ns);
  return path->queued_bytes;
}

gint64
sim_path_resume (SimPath *path, gint64 work, gint64 start_ns)
{
  gint64 rate_bps = path->config.rate_bps;
  gint64 duration_ns;

  if (rate_bps == SIM_RATE_UNLIMITED) {
    path->busy_until_ns = start_ns;
    return start_ns;
  }
  if (start_ns == path->busy_until_ns)
    work -= path->credit;
  duration_ns = work > 0 ? (work - 1) / rate_bps + 1 : 0;
  path->credit = duration_ns * rate_bps - work;
  path->busy_until_ns = caiman_time_add (start_ns, duration_ns);
  return path->busy_until_ns;
}

gint64
sim_path_serialise (SimPath *path, gsize size_bytes, gint64 start_ns)
{
  g_assert (size_bytes <= SIM_PATH_PACKET_MAX_BYTES);
  return sim_path_resume (path, (gint64)size_bytes * WORK_PER_BYTE, start_ns);
}

gint64
sim_path_interrupt (SimPath *path, gint64 now_ns)
{
  gint64 work = 0;

  if (path->busy_until_ns > now_ns && path->config.rate_bps != SIM_RATE_UNLIMITED)
    work = (path->busy_until_ns - now_ns) * path->config.rate_bps - path->credit;
  path->busy_until_ns = now_ns;
  path->credit = 0;
  return work;
}

gint64
sim_path_draw_delay (SimPath *path)
{
  gint64 jitter_ns = sim_dist_draw (&path->config.jitter, &path->jitter_prng);

  return MAX (0, path->config.delay_ns + jitter_ns);
}

gboolean
sim_path_draw_loss (SimPath *path)
{
  gboolean lost = sim_loss_draw (&path->loss);

  path->stats.lost_packets += lost;
  return lost;
}

void
sim_path_count (SimPath *path, gsize size_bytes)
{
  path->stats.packets++;
  path->stats.bytes += size_bytes;
}

guint64
sim_path_draw_below (SimPath *path, guint64 bound)
{
  return caiman_prng_below (&path->other_prng, bound);
}
