/* SPDX-License-Identifier: Apache-2.0 */
/* cross-traffic.h - packets of others that share a bottleneck: they take room in its queue and time
 * on its wire, and are gone behind it. They do not react to what becomes of them.
 *
 * - cbr: a packet every size / rate, exact in the long run.
 * - poisson: exponential gaps with that mean.
 * - on-off: cbr at the rate during on, nothing during off; on and off are exponentially
 *   distributed around their means; it starts with off. */
#pragma once

#include "core/prng.h"
#include "sim/rate.h"

G_BEGIN_DECLS

typedef enum { SIM_CROSS_CBR, SIM_CROSS_POISSON, SIM_CROSS_ON_OFF } SimCrossKind;

typedef struct {
  const char *name; /* its random stream is named after it; copied by whoever keeps the config */
  SimCrossKind kind;
  gint64 rate_bps;    /* 1 ... SIM_RATE_MAX_BPS; on-off: during on */
  guint32 size_bytes; /* of each packet, > 0 */
  gint64 on_mean_ns;  /* on-off: > 0, at most an hour */
  gint64 off_mean_ns; /* on-off: > 0, at most an hour */
  gint64 starts_ns;   /* first instant, >= 0 */
  gint64 stops_ns;    /* no packet from then on; CAIMAN_TIME_NEVER */
} SimCrossConfig;

gboolean sim_cross_config_is_valid (const SimCrossConfig *config);

/* The mean rate from the start on: rate x on / (on + off) for on-off. */
gint64 sim_cross_config_get_mean_rate (const SimCrossConfig *config);

/* ---- a source, for bottleneck.c ---- */

typedef struct {
  SimCrossConfig config; /* its name is not kept */
  CaimanPrng prng;
  SimRate rate; /* cbr, and on-off's on: exact gaps */
  gint64 origin_ns;
  gint64 next_ns;   /* the next packet; CAIMAN_TIME_NEVER: no more */
  gint64 on_end_ns; /* on-off */
} SimCross;

/* @config is valid (asserted); its starts_ns and stops_ns count from @origin_ns. The random stream
 * comes from @run_seed, @place (the bottleneck's name) and the config's. */
void sim_cross_init (SimCross *cross, const SimCrossConfig *config, guint64 run_seed,
                     const char *place, gint64 origin_ns);

/* The packet of next_ns has been sent: sets the next one's. */
void sim_cross_step (SimCross *cross);

G_END_DECLS
