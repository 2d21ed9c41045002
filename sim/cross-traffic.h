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

G_END_DECLS
