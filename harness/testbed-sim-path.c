/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-sim-path.c - a path as the scenario says it, for the simulator. */
#include "harness/testbed-sim.h"

static SimDist
convert_jitter (const ScenarioJitter *jitter)
{
  static const SimDistKind kinds[SCENARIO_N_JITTERS] = {
    [SCENARIO_JITTER_NONE] = SIM_DIST_NONE,
    [SCENARIO_JITTER_UNIFORM] = SIM_DIST_UNIFORM,
    [SCENARIO_JITTER_NORMAL] = SIM_DIST_NORMAL,
    [SCENARIO_JITTER_PARETO] = SIM_DIST_PARETO,
  };
  return (SimDist) { .kind = kinds[jitter->kind],
                     .scale_ns = jitter->spread_ns,
                     .correlation_ppb = (guint32)jitter->correlation_ppb };
}

static SimLossConfig
convert_loss (const ScenarioLoss *loss)
{
  static const SimLossKind kinds[SCENARIO_N_LOSSES] = {
    [SCENARIO_LOSS_NONE] = SIM_LOSS_NONE,       [SCENARIO_LOSS_BERNOULLI] = SIM_LOSS_BERNOULLI,
    [SCENARIO_LOSS_GILBERT] = SIM_LOSS_GILBERT, [SCENARIO_LOSS_EVERY] = SIM_LOSS_NTH,
    [SCENARIO_LOSS_MASK] = SIM_LOSS_MASK,       [SCENARIO_LOSS_FOUR] = SIM_LOSS_FOUR,
  };
  SimLossConfig config = { .kind = kinds[loss->kind],
                           .p_ppb = (guint32)loss->p_ppb,
                           .r_ppb = (guint32)loss->r_ppb,
                           .bad_loss_ppb = (guint32)loss->loss_bad_ppb,
                           .good_loss_ppb = (guint32)loss->loss_good_ppb,
                           .every = (guint32)loss->nth,
                           .mask = loss->mask,
                           .mask_bits = loss->mask_len };
  for (guint i = 0; i < SIM_FOUR_N; i++)
    config.four_ppb[i] = (guint32)loss->four_ppb[i];
  return config;
}

static SimQueueLimit
convert_queue (const ScenarioQueue *queue)
{
  static const SimQueueUnit units[SCENARIO_N_QUEUES] = {
    [SCENARIO_QUEUE_TIME] = SIM_QUEUE_TIME,
    [SCENARIO_QUEUE_BYTES] = SIM_QUEUE_BYTES,
    [SCENARIO_QUEUE_PACKETS] = SIM_QUEUE_PACKETS,
  };
  return (SimQueueLimit) { .unit = units[queue->unit], .value = queue->limit };
}

static SimDiscipline
convert_discipline (const ScenarioDiscipline *discipline)
{
  static const SimDisciplineKind kinds[SCENARIO_N_DISCIPLINES] = {
    [SCENARIO_DISCIPLINE_TAIL_DROP] = SIM_DISCIPLINE_TAIL_DROP,
    [SCENARIO_DISCIPLINE_DROP_HEAD] = SIM_DISCIPLINE_DROP_HEAD,
    [SCENARIO_DISCIPLINE_CODEL] = SIM_DISCIPLINE_CODEL,
    [SCENARIO_DISCIPLINE_RED] = SIM_DISCIPLINE_RED,
  };
  SimDiscipline config = { .kind = kinds[discipline->kind] };

  if (config.kind == SIM_DISCIPLINE_CODEL) {
    config.target_ns = discipline->target_ns;
    config.interval_ns = discipline->interval_ns;
  }
  if (config.kind == SIM_DISCIPLINE_RED) {
    config.red_unit = convert_queue (&discipline->min).unit;
    config.red_min = discipline->min.limit;
    config.red_max = discipline->max.limit;
    config.red_max_ppb = (guint32)discipline->max_ppb;
    config.red_gentle = discipline->is_gentle;
  }
  return config;
}

SimPathConfig
testbed_sim_convert_path (const ScenarioPath *path)
{
  SimPathConfig config;

  G_STATIC_ASSERT (SCENARIO_RATE_UNLIMITED == SIM_RATE_UNLIMITED);
  sim_path_config_init (&config);
  config.rate_bps = path->rate_bps;
  config.delay_ns = path->delay_ns;
  config.jitter = convert_jitter (&path->jitter);
  config.loss = convert_loss (&path->loss);
  config.queue = convert_queue (&path->queue);
  config.discipline = convert_discipline (&path->discipline);
  config.reorders = path->reorders;
  config.duplicate_ppb = (guint32)path->duplicate_ppb;
  config.corrupt_ppb = (guint32)path->corrupt_ppb;
  config.mtu_bytes = (guint32)path->mtu_bytes;
  config.mtu_is_blackhole = path->mtu_is_blackhole;
  return config;
}

void
testbed_sim_set_parts (SimPathConfig *config, const SimPathConfig *wanted, guint set_mask)
{
  if (set_mask & SCENARIO_SET_RATE) {
    config->rate_bps = wanted->rate_bps;
    config->rate_trace = wanted->rate_trace;
  }
  if (set_mask & SCENARIO_SET_DELAY) {
    config->delay_ns = wanted->delay_ns;
    config->delay_trace = wanted->delay_trace;
  }
  if (set_mask & SCENARIO_SET_JITTER)
    config->jitter = wanted->jitter;
  if (set_mask & SCENARIO_SET_LOSS) {
    config->loss = wanted->loss;
    config->loss_trace = wanted->loss_trace;
  }
  if (set_mask & SCENARIO_SET_QUEUE)
    config->queue = wanted->queue;
  if (set_mask & SCENARIO_SET_MTU) {
    config->mtu_bytes = wanted->mtu_bytes;
    config->mtu_is_blackhole = wanted->mtu_is_blackhole;
  }
}

static SimTrace *
get_trace (const Scenario *scenario, guint number)
{
  return number > 0 ? scenario_get_trace (scenario, number - 1)->trace : NULL;
}

SimPathConfig
testbed_sim_convert_traced (const Scenario *scenario, const ScenarioPath *path)
{
  SimPathConfig config = testbed_sim_convert_path (path);

  config.rate_trace = get_trace (scenario, path->rate_trace);
  config.delay_trace = get_trace (scenario, path->delay_trace);
  config.loss_trace = get_trace (scenario, path->loss_trace);
  return config;
}

static SimCrossConfig
convert_cross (const ScenarioCross *cross)
{
  static const SimCrossKind kinds[SCENARIO_N_CROSS_KINDS] = {
    [SCENARIO_CROSS_CBR] = SIM_CROSS_CBR,
    [SCENARIO_CROSS_POISSON] = SIM_CROSS_POISSON,
    [SCENARIO_CROSS_ON_OFF] = SIM_CROSS_ON_OFF,
  };
  return (SimCrossConfig) { .name = cross->name,
                            .kind = kinds[cross->kind],
                            .rate_bps = cross->rate_bps,
                            .size_bytes = (guint32)cross->packet_bytes,
                            .on_mean_ns = cross->on_ns,
                            .off_mean_ns = cross->off_ns,
                            .starts_ns = cross->starts_ns,
                            .stops_ns = cross->stops_ns };
}

SimPathConfig
testbed_sim_convert_direction (const Scenario *scenario, guint link, ScenarioDirection direction,
                               SimBottleneck *shared, GArray *cross)
{
  const ScenarioPath *path = &scenario_get_link (scenario, link)->path[direction];
  SimPathConfig config = testbed_sim_convert_traced (scenario, path);

  for (guint i = 0; i < scenario->cross->len; i++) {
    const ScenarioCross *source = scenario_get_cross (scenario, i);
    SimCrossConfig converted = convert_cross (source);
    if (!source->is_shared && source->index == link && source->direction == direction)
      g_array_append_val (cross, converted);
  }
  config.bottleneck = shared;
  config.cross = (const SimCrossConfig *)(gpointer)cross->data;
  config.n_cross = cross->len;
  return config;
}

SimBottleneck *
testbed_sim_new_bottleneck (const Scenario *scenario, guint index, ScenarioDirection direction,
                            guint64 seed, SimDueFunc due, gpointer user_data, gint64 now_ns)
{
  const ScenarioBottleneck *source = scenario_get_bottleneck (scenario, index);
  const ScenarioPath *path = &source->path[direction];
  SimBottleneckConfig config = { .rate_bps = path->rate_bps,
                                 .rate_trace = get_trace (scenario, path->rate_trace),
                                 .queue = convert_queue (&path->queue),
                                 .discipline = convert_discipline (&path->discipline) };
  g_autofree char *name =
      g_strdup_printf ("%s/%s", source->name, direction == SCENARIO_UP ? "up" : "down");
  SimBottleneck *bottleneck = sim_bottleneck_new (&config, seed, name, due, user_data, now_ns);

  for (guint i = 0; i < scenario->cross->len; i++) {
    const ScenarioCross *cross = scenario_get_cross (scenario, i);
    SimCrossConfig converted = convert_cross (cross);
    if (cross->is_shared && cross->index == index && cross->direction == direction)
      sim_bottleneck_add_cross_traffic (bottleneck, &converted);
  }
  return bottleneck;
}
