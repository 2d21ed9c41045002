/* SPDX-License-Identifier: Apache-2.0 */
/* cross-traffic.c - see cross-traffic.h. */
#include "sim/cross-traffic.h"

#include "sim/dist.h"
#include "sim/packet.h"

#define MEAN_MAX_NS (3600 * CAIMAN_NS_PER_S)

static gboolean
is_mean_valid (gint64 mean_ns)
{
  return mean_ns > 0 && mean_ns <= MEAN_MAX_NS;
}

gboolean
sim_cross_config_is_valid (const SimCrossConfig *config)
{
  if (!config->name || (guint)config->kind > SIM_CROSS_ON_OFF)
    return FALSE;
  if (config->rate_bps < 1 || config->rate_bps > SIM_RATE_MAX_BPS || config->size_bytes < 1 ||
      config->size_bytes > SIM_PACKET_MAX_BYTES || config->starts_ns < 0)
    return FALSE;
  return config->kind != SIM_CROSS_ON_OFF ||
         (is_mean_valid (config->on_mean_ns) && is_mean_valid (config->off_mean_ns));
}

gint64
sim_cross_config_get_mean_rate (const SimCrossConfig *config)
{
  if (config->kind != SIM_CROSS_ON_OFF)
    return config->rate_bps;
  return caiman_muldiv (config->rate_bps, config->on_mean_ns,
                        config->on_mean_ns + config->off_mean_ns);
}

static void
limit_next (SimCross *cross)
{
  if (cross->config.stops_ns != CAIMAN_TIME_NEVER &&
      cross->next_ns >= caiman_time_add (cross->origin_ns, cross->config.stops_ns))
    cross->next_ns = CAIMAN_TIME_NEVER;
}

/* The next on period begins after an off period from @now_ns on. */
static void
begin_on (SimCross *cross, gint64 now_ns)
{
  gint64 off_ns = sim_dist_draw_exponential (cross->config.off_mean_ns, &cross->prng);
  gint64 on_ns = sim_dist_draw_exponential (cross->config.on_mean_ns, &cross->prng);

  cross->next_ns = caiman_time_add (now_ns, off_ns);
  cross->on_end_ns = caiman_time_add (cross->next_ns, on_ns);
}

void
sim_cross_init (SimCross *cross, const SimCrossConfig *config, guint64 run_seed, const char *place,
                gint64 origin_ns)
{
  g_autofree char *stream = g_strdup_printf ("cross/%s/%s", place, config->name);

  g_assert (sim_cross_config_is_valid (config));
  *cross = (SimCross) { .config = *config, .origin_ns = origin_ns };
  cross->config.name = NULL;
  caiman_prng_init_stream (&cross->prng, run_seed, stream);
  sim_rate_init (&cross->rate, config->rate_bps, NULL, origin_ns);
  cross->next_ns = caiman_time_add (origin_ns, config->starts_ns);
  if (config->kind == SIM_CROSS_ON_OFF)
    begin_on (cross, cross->next_ns);
  limit_next (cross);
}

void
sim_cross_step (SimCross *cross)
{
  const SimCrossConfig *config = &cross->config;
  gint64 now_ns = cross->next_ns;
  gint64 work = config->size_bytes * SIM_WORK_PER_BYTE;

  if (config->kind == SIM_CROSS_POISSON)
    cross->next_ns = caiman_time_add (
        now_ns,
        sim_dist_draw_exponential (MIN (work / config->rate_bps, MEAN_MAX_NS), &cross->prng));
  else
    cross->next_ns = sim_rate_resume (&cross->rate, work, now_ns);
  if (config->kind == SIM_CROSS_ON_OFF && cross->next_ns >= cross->on_end_ns)
    begin_on (cross, cross->on_end_ns);
  limit_next (cross);
}
