/* SPDX-License-Identifier: Apache-2.0 */
/* rtt.c - RFC 6298, section 2, and a windowed minimum. */
#include "core/rtt.h"

#include <string.h>

/* The part of the estimate for lone messages that each sample takes away: half in 180 samples. */
#define LONE_DECAY 256

void
caiman_rtt_init (CaimanRtt *rtt, gint64 min_window_ns)
{
  g_assert (min_window_ns >= 2);
  memset (rtt, 0, sizeof *rtt);
  rtt->min_window_ns = min_window_ns;
  rtt->min_current_ns = CAIMAN_TIME_NEVER;
  rtt->min_previous_ns = CAIMAN_TIME_NEVER;
}

/* Moves the two buckets of half a window each so that the current one holds @now_ns. */
static void
rotate_min_buckets (CaimanRtt *rtt, gint64 now_ns)
{
  gint64 half_ns = rtt->min_window_ns / 2;
  gint64 age_ns = now_ns - rtt->min_bucket_start_ns;

  g_assert (age_ns >= 0 || rtt->n_samples == 0);
  if (rtt->n_samples == 0 || age_ns >= 2 * half_ns) {
    rtt->min_previous_ns = CAIMAN_TIME_NEVER;
    rtt->min_current_ns = CAIMAN_TIME_NEVER;
    rtt->min_bucket_start_ns = now_ns;
  } else if (age_ns >= half_ns) {
    rtt->min_previous_ns = rtt->min_current_ns;
    rtt->min_current_ns = CAIMAN_TIME_NEVER;
    rtt->min_bucket_start_ns += half_ns;
  }
}

/* Everything a sample does but for the smoothed value. Returns how far it is off that. */
static gint64
take_sample (CaimanRtt *rtt, gint64 sample_ns, gint64 now_ns)
{
  g_assert (sample_ns >= 0);
  rotate_min_buckets (rtt, now_ns);
  rtt->min_current_ns = MIN (rtt->min_current_ns, sample_ns);
  rtt->latest_ns = sample_ns;

  gint64 error_ns = sample_ns - rtt->srtt_ns;
  if (rtt->n_samples == 0)
    rtt->rttvar_ns = sample_ns / 2;
  else
    rtt->rttvar_ns += (ABS (error_ns) - rtt->rttvar_ns) / 4;
  rtt->n_samples++;
  return error_ns;
}

void
caiman_rtt_add (CaimanRtt *rtt, gint64 sample_ns, gint64 now_ns)
{
  gint64 error_ns = take_sample (rtt, sample_ns, now_ns);
  if (rtt->n_samples == 1)
    rtt->srtt_ns = sample_ns;
  else
    rtt->srtt_ns += error_ns / 8;
}

void
caiman_rtt_replace (CaimanRtt *rtt, gint64 sample_ns, gint64 now_ns)
{
  take_sample (rtt, sample_ns, now_ns);
  rtt->srtt_ns = sample_ns;
}

void
caiman_rtt_reset_min (CaimanRtt *rtt, gint64 min_ns, gint64 now_ns)
{
  rtt->min_previous_ns = CAIMAN_TIME_NEVER;
  rtt->min_current_ns = min_ns;
  rtt->min_bucket_start_ns = now_ns;
}

void
caiman_rtt_add_lone (CaimanRtt *rtt, gint64 sample_ns)
{
  rtt->lone_samples_ns[rtt->n_lone_samples++ % CAIMAN_RTT_LONE_SAMPLES] = sample_ns;
  gint64 first_ns = 0, second_ns = 0, third_ns = 0;
  for (guint i = 0; i < MIN (rtt->n_lone_samples, CAIMAN_RTT_LONE_SAMPLES); i++) {
    gint64 ns = rtt->lone_samples_ns[i];
    third_ns = MAX (third_ns, MIN (second_ns, ns));
    second_ns = MAX (second_ns, MIN (first_ns, ns));
    first_ns = MAX (first_ns, ns);
  }
  rtt->lone_ns = MAX (third_ns, rtt->lone_ns - rtt->lone_ns / LONE_DECAY);
}

gint64
caiman_rtt_get_lone (const CaimanRtt *rtt)
{
  return rtt->lone_ns;
}

gboolean
caiman_rtt_has_sample (const CaimanRtt *rtt)
{
  return rtt->n_samples > 0;
}

gint64
caiman_rtt_get_min (const CaimanRtt *rtt, gint64 now_ns)
{
  gint64 half_ns = rtt->min_window_ns / 2;
  gint64 age_ns = now_ns - rtt->min_bucket_start_ns;
  gint64 min_ns = CAIMAN_TIME_NEVER;

  if (age_ns < half_ns)
    min_ns = MIN (rtt->min_current_ns, rtt->min_previous_ns);
  else if (age_ns < 2 * half_ns)
    min_ns = rtt->min_current_ns;
  return min_ns == CAIMAN_TIME_NEVER ? rtt->srtt_ns : min_ns;
}

gint64
caiman_rtt_get_timeout (const CaimanRtt *rtt, gint64 granularity_ns)
{
  if (rtt->n_samples == 0)
    return 0;
  return rtt->srtt_ns + MAX (4 * rtt->rttvar_ns, granularity_ns);
}
