/* SPDX-License-Identifier: Apache-2.0 */
/* path.c - see path.h. */
#include "sim/path.h"

#include "sim/bottleneck-private.h"

#include <string.h>

struct _SimPath {
  SimPathConfig config;
  SimPathStats stats;
  SimLoss loss;
  SimRate rate;
  guint64 run_seed;
  char *stream; /* "path/NAME/DIRECTION" */
  CaimanPrng jitter_prng;
  CaimanPrng duplicate_prng;
  CaimanPrng corrupt_prng;
  CaimanPrng other_prng;
  gint64 last_jitter_ns; /* of the packet before, for the correlation */
  SimTraceCursor delay_cursor;
  SimTraceCursor loss_cursor;
};

void
sim_path_config_init (SimPathConfig *config)
{
  *config = (SimPathConfig) { .rate_bps = SIM_RATE_UNLIMITED };
}

static gboolean
is_delay_valid (gint64 delay_ns)
{
  return delay_ns >= 0 && delay_ns <= SIM_DELAY_MAX_NS;
}

static gboolean
has_field (const SimTrace *trace, SimTraceFields field)
{
  return !trace || (sim_trace_get_fields (trace) & field);
}

static gboolean
are_traces_valid (const SimPathConfig *config)
{
  return has_field (config->rate_trace, SIM_TRACE_RATE) &&
         has_field (config->delay_trace, SIM_TRACE_DELAY) &&
         has_field (config->loss_trace, SIM_TRACE_LOSS);
}

static gboolean
is_cross_valid (const SimPathConfig *config)
{
  for (guint i = 0; i < config->n_cross; i++)
    if (!sim_cross_config_is_valid (&config->cross[i]))
      return FALSE;
  return TRUE;
}

static gboolean
is_mtu_valid (guint32 mtu_bytes)
{
  return mtu_bytes == 0 || mtu_bytes >= SIM_MTU_MIN_BYTES;
}

gboolean
sim_path_config_is_valid (const SimPathConfig *config)
{
  return sim_rate_is_valid (config->rate_bps) && is_delay_valid (config->delay_ns) &&
         sim_dist_is_valid (&config->jitter) && sim_loss_config_is_valid (&config->loss) &&
         sim_queue_limit_is_valid (&config->queue) &&
         sim_discipline_is_valid (&config->discipline) && are_traces_valid (config) &&
         config->duplicate_ppb <= SIM_LOSS_CERTAIN_PPB &&
         config->corrupt_ppb <= SIM_LOSS_CERTAIN_PPB && is_mtu_valid (config->mtu_bytes) &&
         is_cross_valid (config);
}

static void
init_stream (CaimanPrng *prng, const SimPath *path, const char *purpose)
{
  g_autofree char *stream = g_strdup_printf ("%s/%s", path->stream, purpose);

  caiman_prng_init_stream (prng, path->run_seed, stream);
}

static void
ref_traces (const SimPathConfig *config)
{
  SimTrace *traces[] = { config->rate_trace, config->delay_trace, config->loss_trace };

  for (guint i = 0; i < G_N_ELEMENTS (traces); i++)
    if (traces[i])
      sim_trace_ref (traces[i]);
}

static void
unref_traces (const SimPathConfig *config)
{
  sim_trace_unref (config->rate_trace);
  sim_trace_unref (config->delay_trace);
  sim_trace_unref (config->loss_trace);
}

static SimCrossConfig *
copy_cross (const SimPathConfig *config)
{
  SimCrossConfig *copy = g_new (SimCrossConfig, config->n_cross);

  for (guint i = 0; i < config->n_cross; i++) {
    copy[i] = config->cross[i];
    copy[i].name = g_strdup (config->cross[i].name);
  }
  return copy;
}

SimPath *
sim_path_new (const SimPathConfig *config, guint64 run_seed, const char *name,
              SimDirection direction)
{
  SimPath *path = g_new0 (SimPath, 1);
  CaimanPrng loss_prng;

  g_assert (sim_path_config_is_valid (config));
  path->config = *config;
  path->config.cross = copy_cross (config);
  ref_traces (config);
  path->run_seed = run_seed;
  path->stream =
      g_strdup_printf ("path/%s/%s", name, direction == SIM_DIRECTION_UP ? "up" : "down");
  init_stream (&loss_prng, path, "loss");
  init_stream (&path->jitter_prng, path, "jitter");
  init_stream (&path->duplicate_prng, path, "duplicate");
  init_stream (&path->corrupt_prng, path, "corrupt");
  init_stream (&path->other_prng, path, "other");
  sim_loss_init (&path->loss, &config->loss, &loss_prng);
  sim_rate_init (&path->rate, config->rate_bps, NULL, 0);
  return path;
}

void
sim_path_free (SimPath *path)
{
  if (!path)
    return;
  for (guint i = 0; i < path->config.n_cross; i++)
    g_free ((char *)path->config.cross[i].name);
  g_free ((SimCrossConfig *)path->config.cross);
  unref_traces (&path->config);
  g_free (path->stream);
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
  g_assert (sim_rate_is_valid (rate_bps));
  path->config.rate_bps = rate_bps;
  sim_rate_set (&path->rate, rate_bps, NULL);
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
         a->every == b->every && a->mask == b->mask && a->mask_bits == b->mask_bits &&
         memcmp (a->four_ppb, b->four_ppb, sizeof a->four_ppb) == 0;
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
  g_assert (sim_queue_limit_is_valid (queue));
  path->config.queue = *queue;
}

void
sim_path_set_mtu (SimPath *path, guint32 mtu_bytes, gboolean is_blackhole)
{
  g_assert (is_mtu_valid (mtu_bytes));
  path->config.mtu_bytes = mtu_bytes;
  path->config.mtu_is_blackhole = is_blackhole;
}

void
sim_path_set_config (SimPath *path, const SimPathConfig *config)
{
  SimPathConfig old = path->config;

  g_assert (sim_path_config_is_valid (config));
  sim_path_set_rate (path, config->rate_bps);
  sim_path_set_loss (path, &config->loss);
  ref_traces (config);
  path->config = *config;
  path->config.bottleneck = old.bottleneck;
  path->config.cross = old.cross;
  path->config.n_cross = old.n_cross;
  path->delay_cursor = path->loss_cursor = (SimTraceCursor) { 0 };
  unref_traces (&old);
}

gint64
sim_path_serialise (SimPath *path, gsize size_bytes, gint64 start_ns)
{
  g_assert (size_bytes <= SIM_PACKET_MAX_BYTES);
  return sim_rate_serialise (&path->rate, size_bytes, start_ns);
}

gint64
sim_path_interrupt (SimPath *path, gint64 now_ns)
{
  return sim_rate_interrupt (&path->rate, now_ns);
}

gint64
sim_path_resume (SimPath *path, gint64 work, gint64 start_ns)
{
  return sim_rate_resume (&path->rate, work, start_ns);
}

/* Correlated, a packet keeps the deviation of the one before it with that probability and draws
 * afresh else: DAR(1) of Jacobs and Lewis. The distribution stays exactly what it is, and the
 * autocorrelation at distance k is the k-th power. */
static gint64
draw_jitter (SimPath *path)
{
  guint32 keep_ppb = path->config.jitter.correlation_ppb;

  if (path->config.jitter.kind == SIM_DIST_NONE)
    return 0;
  if (keep_ppb == 0 || !sim_loss_happens (&path->jitter_prng, keep_ppb))
    path->last_jitter_ns = sim_dist_draw (&path->config.jitter, &path->jitter_prng);
  return path->last_jitter_ns;
}

gint64
sim_path_draw_delay (SimPath *path)
{
  gint64 jitter_ns = draw_jitter (path);

  return MAX (0, path->config.delay_ns + jitter_ns);
}

gint64
sim_path_draw_delay_at (SimPath *path, gint64 t_ns)
{
  const SimTrace *trace = path->config.delay_trace;
  gint64 delay_ns;

  if (!trace)
    return sim_path_draw_delay (path);
  sim_trace_seek (trace, &path->delay_cursor, t_ns);
  delay_ns = sim_trace_get_steps (trace)[path->delay_cursor.item].delay_ns + draw_jitter (path);
  return MAX (0, delay_ns);
}

gint64
sim_path_get_least_delay (const SimPath *path)
{
  if (path->config.delay_trace || path->config.jitter.kind != SIM_DIST_NONE)
    return 0;
  return path->config.delay_ns;
}

gboolean
sim_path_draw_loss (SimPath *path)
{
  gboolean lost = sim_loss_draw (&path->loss);

  path->stats.lost_packets += lost;
  return lost;
}

gboolean
sim_path_draw_loss_at (SimPath *path, gint64 t_ns)
{
  const SimTrace *trace = path->config.loss_trace;
  gboolean lost;

  if (!trace)
    return sim_path_draw_loss (path);
  sim_trace_seek (trace, &path->loss_cursor, t_ns);
  lost = sim_loss_happens (&path->loss.prng,
                           sim_trace_get_steps (trace)[path->loss_cursor.item].loss_ppb);
  path->stats.lost_packets += lost;
  return lost;
}

gboolean
sim_path_draw_duplicate (SimPath *path)
{
  guint32 ppb = path->config.duplicate_ppb;

  return ppb > 0 && sim_loss_happens (&path->duplicate_prng, ppb);
}

gboolean
sim_path_draw_corrupt (SimPath *path)
{
  guint32 ppb = path->config.corrupt_ppb;

  return ppb > 0 && sim_loss_happens (&path->corrupt_prng, ppb);
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

SimBottleneckConfig
sim_path_get_bottleneck_config (const SimPath *path)
{
  return (SimBottleneckConfig) { .rate_bps = path->config.rate_bps,
                                 .rate_trace = path->config.rate_trace,
                                 .queue = path->config.queue,
                                 .discipline = path->config.discipline };
}

SimBottleneck *
sim_path_new_bottleneck (const SimPath *path, gint64 now_ns)
{
  SimBottleneckConfig config = sim_path_get_bottleneck_config (path);
  SimBottleneck *bottleneck =
      sim_bottleneck_new_stream (&config, path->run_seed, path->stream, NULL, NULL, now_ns);

  for (guint i = 0; i < path->config.n_cross; i++)
    sim_bottleneck_add_cross_traffic (bottleneck, &path->config.cross[i]);
  return bottleneck;
}
