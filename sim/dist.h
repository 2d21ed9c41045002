/* SPDX-License-Identifier: Apache-2.0 */
/* dist.h - jitter: random deviations of a delay, by integer tables alone.
 *
 * All kinds have mean 0 (but see pareto); the path clamps the sum of delay and jitter at 0. */
#pragma once

#include "core/prng.h"

G_BEGIN_DECLS

typedef enum {
  SIM_DIST_NONE,    /* always 0 */
  SIM_DIST_UNIFORM, /* uniform in [-scale, +scale] */
  SIM_DIST_NORMAL,  /* normal, standard deviation = scale */
  SIM_DIST_PARETO,  /* Linux netem's: (x - 3/2) * 4/3 * scale with x Pareto (shape 3, from 1), cut
                       off at 4 * scale. Mean -0.033 * scale, standard deviation 0.821 * scale */
} SimDistKind;

typedef struct {
  SimDistKind kind;
  gint64 scale_ns;         /* 0 ... SIM_DIST_SCALE_MAX_NS */
  guint32 correlation_ppb; /* of a packet's deviation with the one before it, in ppb; path.h draws
                              with it, sim_dist_draw() alone does not know of it */
} SimDist;

/* One hour: keeps all products within 64 bits. */
#define SIM_DIST_SCALE_MAX_NS (3600 * CAIMAN_NS_PER_S)

/* TRUE when @dist can be used: a known kind and a scale within its limits. */
gboolean sim_dist_is_valid (const SimDist *dist);

/* The deviation in ns that belongs to 64 uniform random bits: a pure function, so that its moments
 * can be checked exactly. */
gint64 sim_dist_map (const SimDist *dist, guint64 bits);

/* Draws a deviation in ns. SIM_DIST_NONE draws nothing from @prng. */
gint64 sim_dist_draw (const SimDist *dist, CaimanPrng *prng);

/* Draws from the exponential distribution with mean @mean_ns (>= 0, at most an hour), in ns. */
gint64 sim_dist_draw_exponential (gint64 mean_ns, CaimanPrng *prng);

G_END_DECLS
