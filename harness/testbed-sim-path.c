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
  return (SimDist) { .kind = kinds[jitter->kind], .scale_ns = jitter->spread_ns };
}

static SimLossConfig
convert_loss (const ScenarioLoss *loss)
{
  static const SimLossKind kinds[SCENARIO_N_LOSSES] = {
    [SCENARIO_LOSS_NONE] = SIM_LOSS_NONE,       [SCENARIO_LOSS_BERNOULLI] = SIM_LOSS_BERNOULLI,
    [SCENARIO_LOSS_GILBERT] = SIM_LOSS_GILBERT, [SCENARIO_LOSS_EVERY] = SIM_LOSS_NTH,
    [SCENARIO_LOSS_MASK] = SIM_LOSS_MASK,
  };
  return (SimLossConfig) { .kind = kinds[loss->kind],
                           .p_ppb = (guint32)loss->p_ppb,
                           .r_ppb = (guint32)loss->r_ppb,
                           .bad_loss_ppb = (guint32)loss->loss_bad_ppb,
                           .good_loss_ppb = (guint32)loss->loss_good_ppb,
                           .every = (guint32)loss->nth,
                           .mask = loss->mask,
                           .mask_bits = loss->mask_len };
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
  return config;
}

void
testbed_sim_set_parts (SimPathConfig *config, const SimPathConfig *wanted, guint set_mask)
{
  if (set_mask & SCENARIO_SET_RATE)
    config->rate_bps = wanted->rate_bps;
  if (set_mask & SCENARIO_SET_DELAY)
    config->delay_ns = wanted->delay_ns;
  if (set_mask & SCENARIO_SET_JITTER)
    config->jitter = wanted->jitter;
  if (set_mask & SCENARIO_SET_LOSS)
    config->loss = wanted->loss;
  if (set_mask & SCENARIO_SET_QUEUE)
    config->queue = wanted->queue;
}
