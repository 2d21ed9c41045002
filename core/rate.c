/* SPDX-License-Identifier: Apache-2.0 */
/* rate.c - delivery-rate samples and their maximum over the last round trips. */
#include "core/rate.h"

#include <string.h>

void
caiman_rate_init (CaimanRate *rate)
{
  memset (rate, 0, sizeof *rate);
}

void
caiman_rate_reset (CaimanRate *rate)
{
  memset (rate->round_max_bps, 0, sizeof rate->round_max_bps);
  rate->latest_bps = rate->max_bps = 0;
}

void
caiman_rate_on_sent (CaimanRate *rate, guint64 in_flight_bytes, CaimanRateSnapshot *snapshot_out,
                     gint64 now_ns)
{
  /* With nothing in flight both intervals start afresh: idle time is not the link's. */
  if (in_flight_bytes == 0) {
    rate->first_sent_ns = now_ns;
    rate->delivered_ns = now_ns;
  }
  snapshot_out->delivered_bytes = rate->delivered_bytes;
  snapshot_out->delivered_ns = rate->delivered_ns;
  snapshot_out->first_sent_ns = rate->first_sent_ns;
  snapshot_out->sent_ns = now_ns;
  snapshot_out->app_limited = rate->app_limited_until_bytes != 0;
}

/* A sample: what was delivered since the transmission was sent, over the longer of the time in
 * which that was sent and the time in which it was acknowledged. 0 when it is not to be trusted. */
static gint64
get_sample_bps (const CaimanRate *rate, const CaimanRateSnapshot *snapshot, gint64 min_rtt_ns)
{
  gint64 send_ns = snapshot->sent_ns - snapshot->first_sent_ns;
  gint64 ack_ns = rate->delivered_ns - snapshot->delivered_ns;
  gint64 interval_ns = MAX (send_ns, ack_ns);

  if (interval_ns <= 0 || interval_ns < min_rtt_ns)
    return 0;
  guint64 delivered_bytes = rate->delivered_bytes - snapshot->delivered_bytes;
  return caiman_muldiv ((gint64)delivered_bytes, 8 * CAIMAN_NS_PER_S, interval_ns);
}

/* The window moves on once per round trip, and only with a sample that was not app-limited, so that
 * a quiet time does not make the link look slow. */
static void
add_sample (CaimanRate *rate, gint64 sample_bps, gboolean app_limited)
{
  if (!app_limited && rate->window_round != rate->round) {
    rate->window_round = rate->round;
    rate->window_slot = (rate->window_slot + 1) % CAIMAN_RATE_WINDOW_ROUNDS;
    rate->round_max_bps[rate->window_slot] = 0;
    rate->max_bps = 0;
    for (guint i = 0; i < CAIMAN_RATE_WINDOW_ROUNDS; i++)
      rate->max_bps = MAX (rate->max_bps, rate->round_max_bps[i]);
  }
  gint64 *round_bps = &rate->round_max_bps[rate->window_slot];
  *round_bps = MAX (*round_bps, sample_bps);
  rate->max_bps = MAX (rate->max_bps, sample_bps);
}

gboolean
caiman_rate_on_acked (CaimanRate *rate, const CaimanRateSnapshot *snapshot, gsize bytes,
                      gint64 min_rtt_ns, gint64 now_ns)
{
  rate->delivered_bytes += bytes;
  rate->delivered_ns = now_ns;
  if (rate->app_limited_until_bytes != 0 && rate->delivered_bytes > rate->app_limited_until_bytes)
    rate->app_limited_until_bytes = 0;

  /* Acknowledgements may come out of order; the start of the send interval never goes back. */
  rate->first_sent_ns = MAX (rate->first_sent_ns, snapshot->sent_ns);

  gboolean new_round = snapshot->delivered_bytes >= rate->round_end_bytes;
  if (new_round) {
    rate->round++;
    rate->round_end_bytes = rate->delivered_bytes;
  }

  gint64 sample_bps = get_sample_bps (rate, snapshot, min_rtt_ns);
  if (sample_bps > 0) {
    rate->latest_bps = sample_bps;
    add_sample (rate, sample_bps, snapshot->app_limited);
  }
  return new_round;
}

void
caiman_rate_set_app_limited (CaimanRate *rate, guint64 in_flight_bytes)
{
  rate->app_limited_until_bytes = MAX (rate->delivered_bytes + in_flight_bytes, 1);
}
