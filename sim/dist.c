/* SPDX-License-Identifier: Apache-2.0 */
/* dist.c - see dist.h. */
#include "sim/dist.h"

#include "sim/dist-tables.h"

gboolean
sim_dist_is_valid (const SimDist *dist)
{
  return (guint)dist->kind <= SIM_DIST_PARETO && dist->scale_ns >= 0 &&
         dist->scale_ns <= SIM_DIST_SCALE_MAX_NS && dist->correlation_ppb <= 1000000000;
}

/* The table's value at tail probability t = @tail / 2^63, in multiples of 2^-DIST_FRACTION_BITS. */
static gint64
interpolate (const gint32 *table, guint64 tail)
{
  guint octave, index;
  gint64 low, high;
  guint64 mantissa;

  if (tail < G_GUINT64_CONSTANT (1) << (63 - DIST_OCTAVES))
    return table[0];
  /* Bit 62 is set for t >= 1/2, which is octave 0. */
  octave = (guint)__builtin_clzll (tail) - 1;
  /* What follows the leading bit: the cell, then 32 bits of the place within it. */
  mantissa = tail << (octave + 2);
  index = ((DIST_OCTAVES - 1 - octave) << DIST_CELL_BITS) + (mantissa >> (64 - DIST_CELL_BITS));
  mantissa = (mantissa << DIST_CELL_BITS) >> 32;
  low = table[index];
  high = table[index + 1];
  return low + (high - low) * (gint64)mantissa / (G_GINT64_CONSTANT (1) << 32);
}

static gint64
scale (gint64 scale_ns, gint64 value)
{
  return caiman_muldiv (scale_ns, value, G_GINT64_CONSTANT (1) << DIST_FRACTION_BITS);
}

gint64
sim_dist_map (const SimDist *dist, guint64 bits)
{
  guint64 tail = bits >> 1;

  switch (dist->kind) {
  case SIM_DIST_UNIFORM: {
    guint64 width = 2 * (guint64)dist->scale_ns + 1;
    return (gint64)(((unsigned __int128)bits * width) >> 64) - dist->scale_ns;
  }
  case SIM_DIST_NORMAL: {
    gint64 size = scale (dist->scale_ns, interpolate (dist_normal, tail));
    return (bits & 1) ? -size : size;
  }
  case SIM_DIST_PARETO:
    return scale (dist->scale_ns, interpolate (dist_pareto, tail));
  case SIM_DIST_NONE:
    break;
  }
  return 0;
}

gint64
sim_dist_draw (const SimDist *dist, CaimanPrng *prng)
{
  if (dist->kind == SIM_DIST_NONE)
    return 0;
  return sim_dist_map (dist, caiman_prng_next (prng));
}

/* -log2 (t) x 2^32 for t = @tail / 2^64, @tail > 0: the fraction bit by bit, by squaring. */
static guint64
minus_log2 (guint64 tail)
{
  guint zeros = (guint)__builtin_clzll (tail);
  guint64 mantissa = (tail << zeros) >> 32; /* 1 ... 2, x 2^31 */
  guint64 fraction = 0;

  for (guint i = 0; i < 32; i++) {
    mantissa = (mantissa * mantissa) >> 31;
    fraction <<= 1;
    if (mantissa >> 32) {
      mantissa >>= 1;
      fraction |= 1;
    }
  }
  return ((guint64)(zeros + 1) << 32) - fraction;
}

gint64
sim_dist_draw_exponential (gint64 mean_ns, CaimanPrng *prng)
{
  /* ln 2 x 2^32 */
  const guint64 ln_2 = 2977044472u;
  guint64 tail = caiman_prng_next (prng) | 1;

  return caiman_muldiv (mean_ns, (gint64)(((unsigned __int128)minus_log2 (tail) * ln_2) >> 32),
                        G_GINT64_CONSTANT (1) << 32);
}
