/* SPDX-License-Identifier: Apache-2.0 */
/* sizes.c - see sizes.h. Inverse transform sampling with a logarithm to base 2 by repeated
 * squaring, and its inverse by the binary digits of the exponent. */
#include "harness/sizes.h"

/* ln 2 and 1 / 1.2 (the Pareto shape), with 32 fractional bits. */
#define LN2_Q32           G_GUINT64_CONSTANT (2977044472)
#define INVERSE_SHAPE_Q32 G_GUINT64_CONSTANT (3579139413)

guint64
sizes_neg_log2 (guint64 bits)
{
  if (bits == G_MAXUINT64)
    return 0;
  /* x in [1, 2^64): mantissa in [2^63, 2^64) and exponent. */
  guint64 mantissa = bits + 1;
  guint exponent = 63;
  guint64 log2 = 0;

  while (!(mantissa >> 63)) {
    mantissa <<= 1;
    exponent--;
  }
  for (guint i = 0; i < 32; i++) {
    unsigned __int128 square = (unsigned __int128)mantissa * mantissa;
    log2 <<= 1;
    if ((guint64)(square >> 127)) {
      log2 |= 1;
      mantissa = (guint64)(square >> 64);
    } else {
      mantissa = (guint64)(square >> 63);
    }
  }
  return ((guint64)64 << 32) - ((guint64)exponent << 32) - log2;
}

static guint64
square_root (unsigned __int128 value)
{
  guint64 root = 0;

  for (int bit = 63; bit >= 0; bit--) {
    guint64 next = root | G_GUINT64_CONSTANT (1) << bit;
    if ((unsigned __int128)next * next <= value)
      root = next;
  }
  return root;
}

gint64
sizes_scale_exp2 (gint64 value, guint64 exponent, gint64 max)
{
  /* 2^fraction as a product of the roots 2^(1/2), 2^(1/4), ...; all with 62 fractional bits. */
  guint64 factor = G_GUINT64_CONSTANT (1) << 62;
  guint64 root = G_GUINT64_CONSTANT (1) << 63;

  for (int bit = 31; bit >= 0; bit--) {
    root = square_root ((unsigned __int128)root << 62);
    if (exponent >> bit & 1)
      factor = (guint64)((unsigned __int128)factor * root >> 62);
  }
  unsigned __int128 result = (unsigned __int128)value * factor >> 62;
  for (guint64 whole = exponent >> 32; whole > 0 && result <= (unsigned __int128)max; whole--)
    result <<= 1;
  return result > (unsigned __int128)max ? max : (gint64)result;
}

static gint64
draw_exponential (const ScenarioSize *size, CaimanPrng *prng)
{
  guint64 nats_q32 =
      (guint64)((unsigned __int128)sizes_neg_log2 (caiman_prng_next (prng)) * LN2_Q32 >> 32);
  gint64 bytes = (gint64)((unsigned __int128)(guint64)size->mean_bytes * nats_q32 >> 32);

  return CLAMP (bytes, size->min_bytes, size->max_bytes);
}

static gint64
draw_pareto (const ScenarioSize *size, CaimanPrng *prng)
{
  guint64 exponent_q32 =
      (guint64)((unsigned __int128)sizes_neg_log2 (caiman_prng_next (prng)) * INVERSE_SHAPE_Q32 >>
                32);

  return sizes_scale_exp2 (MAX (size->min_bytes, 1), exponent_q32, size->max_bytes);
}

gint64
sizes_draw (const ScenarioSize *size, CaimanPrng *prng, guint64 index)
{
  switch (size->kind) {
  case SCENARIO_SIZE_FIXED:
    return size->sizes[0];
  case SCENARIO_SIZE_UNIFORM:
    return caiman_prng_range (prng, size->min_bytes, size->max_bytes);
  case SCENARIO_SIZE_EXPONENTIAL:
    return draw_exponential (size, prng);
  case SCENARIO_SIZE_PARETO:
    return draw_pareto (size, prng);
  case SCENARIO_SIZE_LIST:
    return size->sizes[index % size->n_sizes];
  case SCENARIO_N_SIZE_KINDS:
    break;
  }
  g_assert_not_reached ();
}
