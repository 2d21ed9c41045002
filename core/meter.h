/* SPDX-License-Identifier: Apache-2.0 */
/* meter.h - mean rate over the last complete interval, for each statistics interval. */
#pragma once

#include "connection.h"

G_BEGIN_DECLS

typedef struct {
  gint64 start_ns[CAIMAN_N_STATS_INTERVALS];
  guint64 bytes[CAIMAN_N_STATS_INTERVALS];   /* of the interval under way */
  gint64 rate_bps[CAIMAN_N_STATS_INTERVALS]; /* of the one before */
} CaimanMeter;

void caiman_meter_init (CaimanMeter *meter, gint64 now_ns);
void caiman_meter_add (CaimanMeter *meter, gsize bytes, gint64 now_ns);

/* The rate over the last complete interval of each length, in bit/s; 0 when nothing came in it. */
void caiman_meter_get (const CaimanMeter *meter, gint64 rates_out_bps[CAIMAN_N_STATS_INTERVALS],
                       gint64 now_ns);

G_END_DECLS
