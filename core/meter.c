/* SPDX-License-Identifier: Apache-2.0 */
/* meter.c - see meter.h. */
#include "core/meter.h"

const gint64 caiman_stats_intervals_ns[CAIMAN_N_STATS_INTERVALS] = {
  100 * CAIMAN_NS_PER_MS,
  1 * CAIMAN_NS_PER_S,
  5 * CAIMAN_NS_PER_S,
};

void
caiman_meter_init (CaimanMeter *meter, gint64 now_ns)
{
  *meter = (CaimanMeter) { 0 };
  for (guint i = 0; i < CAIMAN_N_STATS_INTERVALS; i++)
    meter->start_ns[i] = now_ns;
}

/* Closes intervals that have ended by @now_ns. */
static void
roll (CaimanMeter *meter, guint i, gint64 now_ns)
{
  gint64 length_ns = caiman_stats_intervals_ns[i];
  gint64 n_passed = (now_ns - meter->start_ns[i]) / length_ns;
  if (n_passed == 0)
    return;
  meter->rate_bps[i] =
      n_passed == 1 ? caiman_muldiv ((gint64)meter->bytes[i] * 8, CAIMAN_NS_PER_S, length_ns) : 0;
  meter->bytes[i] = 0;
  meter->start_ns[i] += n_passed * length_ns;
}

void
caiman_meter_add (CaimanMeter *meter, gsize bytes, gint64 now_ns)
{
  for (guint i = 0; i < CAIMAN_N_STATS_INTERVALS; i++) {
    roll (meter, i, now_ns);
    meter->bytes[i] += bytes;
  }
}

void
caiman_meter_get (const CaimanMeter *meter, gint64 rates_out_bps[CAIMAN_N_STATS_INTERVALS],
                  gint64 now_ns)
{
  CaimanMeter rolled = *meter;
  for (guint i = 0; i < CAIMAN_N_STATS_INTERVALS; i++) {
    roll (&rolled, i, now_ns);
    rates_out_bps[i] = rolled.rate_bps[i];
  }
}
