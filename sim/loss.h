/* SPDX-License-Identifier: Apache-2.0 */
/* loss.h - which packets of one direction get lost. */
#pragma once

#include "core/prng.h"

G_BEGIN_DECLS

/* Probabilities are parts per billion: exact integers for every percentage that one writes. */
#define SIM_LOSS_CERTAIN_PPB 1000000000u

typedef enum {
  SIM_LOSS_NONE,
  SIM_LOSS_BERNOULLI, /* each packet on its own, with p_ppb */
  SIM_LOSS_GILBERT,   /* Gilbert-Elliott: a good and a bad state, see below */
  SIM_LOSS_FOUR,      /* four states: good and bad, each with isolated exceptions, see below */
  SIM_LOSS_NTH,       /* every every-th packet: the every-th, the 2 * every-th, ... */
  SIM_LOSS_MASK,      /* packet i of each round of mask_bits packets is lost if bit i is set */
} SimLossKind;

/* Indices of four_ppb, in the order of netem's parameters: p13, p31, p32, p23, p14. */
typedef enum {
  SIM_FOUR_P13,
  SIM_FOUR_P31,
  SIM_FOUR_P32,
  SIM_FOUR_P23,
  SIM_FOUR_P14,
  SIM_FOUR_N
} SimFourIndex;

/* Four states as in netem ("loss state"; S. Salsano, F. Ludovici, A. Ordine, D. Giannuzzi,
 * "Definition of a general and intuitive loss model for packet networks and its implementation in
 * the Netem module in the Linux kernel", 2012): 1 received in a gap, 4 lost in a gap (an isolated
 * loss), 3 lost in a burst, 2 received within a burst. A step per packet: the state changes, then
 * the new state tells the packet's fate. From 4 it always goes back to 1. Starts in 1. From 1:
 * p13 and p14; from 2: p23; from 3: p31 and p32; the rest stays. */

/* Gilbert-Elliott as Linux netem has it, a step per packet: the packet is lost with the state's
 * probability, then the state may change. The chain starts in the good state. */
typedef struct {
  SimLossKind kind;
  guint32 p_ppb;         /* bernoulli: loss. gilbert: from good to bad (netem's p) */
  guint32 r_ppb;         /* gilbert: from bad to good (netem's r) */
  guint32 bad_loss_ppb;  /* gilbert: loss in the bad state (netem's 1-h; simple Gilbert: certain) */
  guint32 good_loss_ppb; /* gilbert: loss in the good state (netem's 1-k; simple Gilbert: 0) */
  guint32 every;         /* nth: 1 or more */
  guint64 mask;          /* mask: bit 0 is the first packet */
  guint mask_bits;       /* mask: 1 ... 64 */
  guint32 four_ppb[SIM_FOUR_N]; /* four: p13 + p14 <= 1, p31 + p32 <= 1 */
} SimLossConfig;

/* The state of one direction. */
typedef struct {
  SimLossConfig config;
  CaimanPrng prng;
  gboolean bad;    /* gilbert: in the bad state */
  guint state;     /* four: 1 ... 4 */
  guint64 packets; /* drawn since the model was set */
} SimLoss;

/* TRUE when @config can be used: a known kind, probabilities <= 1, counts within their limits. */
gboolean sim_loss_config_is_valid (const SimLossConfig *config);

/* Starts with @config (valid, asserted) and the randomness of @prng (copied). */
void sim_loss_init (SimLoss *loss, const SimLossConfig *config, const CaimanPrng *prng);

/* Changes the model at run time: it starts afresh, the random stream goes on. */
void sim_loss_set (SimLoss *loss, const SimLossConfig *config);

/* TRUE with probability @ppb. */
gboolean sim_loss_happens (CaimanPrng *prng, guint32 ppb);

/* TRUE: the next packet is lost. */
gboolean sim_loss_draw (SimLoss *loss);

G_END_DECLS
