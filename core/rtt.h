/* SPDX-License-Identifier: Apache-2.0 */
/* rtt.h - round-trip time of a link: smoothed, its variation, and the minimum over a window.
 *
 * SRTT and RTTVAR as in RFC 6298, section 2, in integer nanoseconds. The windowed minimum is kept
 * in two buckets of half a window each: all samples of the last half window count, none that is
 * older than the window does.
 *
 * Peers hold acknowledgements back while they have nothing else to send on the link (PROTOCOL.md,
 * 6): a lone message is acknowledged late, one in a stream of data is not, and a mean over both
 * says little about either. So lone messages have an estimate of their own. */
#pragma once

#include "types.h"

G_BEGIN_DECLS

#define CAIMAN_RTT_LONE_SAMPLES 32

typedef struct {
  gint64 srtt_ns;   /* 0 before the first sample */
  gint64 rttvar_ns; /* mean deviation */
  gint64 latest_ns;
  guint64 n_samples;
  gint64 min_window_ns;
  gint64 min_current_ns, min_previous_ns; /* CAIMAN_TIME_NEVER: none */
  gint64 min_bucket_start_ns;
  gint64 lone_samples_ns[CAIMAN_RTT_LONE_SAMPLES]; /* a ring */
  guint n_lone_samples;                            /* so far */
  gint64 lone_ns;
} CaimanRtt;

/* @min_window_ns is at least 2. */
void caiman_rtt_init (CaimanRtt *rtt, gint64 min_window_ns);

/* A sample >= 0, measured at @now_ns; the first one sets srtt = sample, rttvar = sample / 2. */
void caiman_rtt_add (CaimanRtt *rtt, gint64 sample_ns, gint64 now_ns);

/* A sample that replaces the smoothed value (ping or handshake of the reference policy); variation
 * and minimum take it like any other. */
void caiman_rtt_replace (CaimanRtt *rtt, gint64 sample_ns, gint64 now_ns);

/* Forgets the minimum: the path has become longer, it is @min_ns now. */
void caiman_rtt_reset_min (CaimanRtt *rtt, gint64 min_ns, gint64 now_ns);

/* Besides add(): the sample is of a message that was alone on the link. */
void caiman_rtt_add_lone (CaimanRtt *rtt, gint64 sample_ns);

/* What the acknowledgement of a lone message takes when the peer holds it back: the third largest
 * of the last 32 samples, so that one or two retransmissions below do not count, and slowly
 * forgotten. 0 while there are fewer than three. */
gint64 caiman_rtt_get_lone (const CaimanRtt *rtt);

gboolean caiman_rtt_has_sample (const CaimanRtt *rtt);

/* The windowed minimum; srtt_ns when no sample is young enough; 0 before the first sample. */
gint64 caiman_rtt_get_min (const CaimanRtt *rtt, gint64 now_ns);

/* SRTT + max (4 x RTTVAR, @granularity_ns): RFC 6298's RTO without its floor. 0 before the first
 * sample. */
gint64 caiman_rtt_get_timeout (const CaimanRtt *rtt, gint64 granularity_ns);

G_END_DECLS
