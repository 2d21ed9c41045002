/* SPDX-License-Identifier: Apache-2.0 */
/* loss.c - see loss.h. */
#include "sim/loss.h"

gboolean
sim_loss_config_is_valid (const SimLossConfig *config)
{
  switch (config->kind) {
  case SIM_LOSS_NONE:
    return TRUE;
  case SIM_LOSS_BERNOULLI:
    return config->p_ppb <= SIM_LOSS_CERTAIN_PPB;
  case SIM_LOSS_GILBERT:
    return config->p_ppb <= SIM_LOSS_CERTAIN_PPB && config->r_ppb <= SIM_LOSS_CERTAIN_PPB &&
           config->bad_loss_ppb <= SIM_LOSS_CERTAIN_PPB &&
           config->good_loss_ppb <= SIM_LOSS_CERTAIN_PPB;
  case SIM_LOSS_NTH:
    return config->every >= 1;
  case SIM_LOSS_MASK:
    return config->mask_bits >= 1 && config->mask_bits <= 64;
  }
  return FALSE;
}

void
sim_loss_init (SimLoss *loss, const SimLossConfig *config, const CaimanPrng *prng)
{
  loss->prng = *prng;
  sim_loss_set (loss, config);
}

void
sim_loss_set (SimLoss *loss, const SimLossConfig *config)
{
  g_assert (sim_loss_config_is_valid (config));
  loss->config = *config;
  loss->bad = FALSE;
  loss->packets = 0;
}

static gboolean
happens (SimLoss *loss, guint32 ppb)
{
  guint64 bits = caiman_prng_next (&loss->prng);

  return (guint64)(((unsigned __int128)bits * SIM_LOSS_CERTAIN_PPB) >> 64) < ppb;
}

static gboolean
draw_gilbert (SimLoss *loss)
{
  const SimLossConfig *config = &loss->config;
  gboolean lost = happens (loss, loss->bad ? config->bad_loss_ppb : config->good_loss_ppb);

  if (happens (loss, loss->bad ? config->r_ppb : config->p_ppb))
    loss->bad = !loss->bad;
  return lost;
}

gboolean
sim_loss_draw (SimLoss *loss)
{
  const SimLossConfig *config = &loss->config;
  guint64 number = loss->packets++;

  switch (config->kind) {
  case SIM_LOSS_BERNOULLI:
    return happens (loss, config->p_ppb);
  case SIM_LOSS_GILBERT:
    return draw_gilbert (loss);
  case SIM_LOSS_NTH:
    return (number + 1) % config->every == 0;
  case SIM_LOSS_MASK:
    return (config->mask >> (number % config->mask_bits)) & 1;
  case SIM_LOSS_NONE:
    break;
  }
  return FALSE;
}
