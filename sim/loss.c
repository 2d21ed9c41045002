/* SPDX-License-Identifier: Apache-2.0 */
/* loss.c - see loss.h. */
#include "sim/loss.h"

static gboolean
is_four_valid (const guint32 *ppb)
{
  return (guint64)ppb[SIM_FOUR_P13] + ppb[SIM_FOUR_P14] <= SIM_LOSS_CERTAIN_PPB &&
         (guint64)ppb[SIM_FOUR_P31] + ppb[SIM_FOUR_P32] <= SIM_LOSS_CERTAIN_PPB &&
         ppb[SIM_FOUR_P23] <= SIM_LOSS_CERTAIN_PPB;
}

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
  case SIM_LOSS_FOUR:
    return is_four_valid (config->four_ppb);
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
  loss->state = 1;
  loss->packets = 0;
}

/* Uniform in [0, SIM_LOSS_CERTAIN_PPB). */
static guint64
draw_ppb (CaimanPrng *prng)
{
  guint64 bits = caiman_prng_next (prng);

  return (guint64)(((unsigned __int128)bits * SIM_LOSS_CERTAIN_PPB) >> 64);
}

gboolean
sim_loss_happens (CaimanPrng *prng, guint32 ppb)
{
  return draw_ppb (prng) < ppb;
}

static gboolean
happens (SimLoss *loss, guint32 ppb)
{
  return sim_loss_happens (&loss->prng, ppb);
}

/* To @a with probability @a_ppb, to @b with @b_ppb, else it stays. */
static void
change_state (SimLoss *loss, guint a, guint32 a_ppb, guint b, guint32 b_ppb)
{
  guint64 drawn = draw_ppb (&loss->prng);

  if (drawn < a_ppb)
    loss->state = a;
  else if (drawn < (guint64)a_ppb + b_ppb)
    loss->state = b;
}

static gboolean
draw_four (SimLoss *loss)
{
  const guint32 *ppb = loss->config.four_ppb;

  switch (loss->state) {
  case 1:
    change_state (loss, 3, ppb[SIM_FOUR_P13], 4, ppb[SIM_FOUR_P14]);
    break;
  case 2:
    change_state (loss, 3, ppb[SIM_FOUR_P23], 2, 0);
    break;
  case 3:
    change_state (loss, 1, ppb[SIM_FOUR_P31], 2, ppb[SIM_FOUR_P32]);
    break;
  default:
    loss->state = 1;
    break;
  }
  return loss->state >= 3;
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
  case SIM_LOSS_FOUR:
    return draw_four (loss);
  case SIM_LOSS_NTH:
    return (number + 1) % config->every == 0;
  case SIM_LOSS_MASK:
    return (config->mask >> (number % config->mask_bits)) & 1;
  case SIM_LOSS_NONE:
    break;
  }
  return FALSE;
}
