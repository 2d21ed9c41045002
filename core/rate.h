/* SPDX-License-Identifier: Apache-2.0 */
/* rate.h - delivery rate of a link, after draft-cheng-iccrg-delivery-rate-estimation.
 *
 * Each transmission remembers how much had been acknowledged when it was sent (a snapshot); its
 * acknowledgement gives a rate sample over the longer of the send and the ack interval. The
 * estimate is the maximum of the samples of the last ten round trips. Samples taken while the
 * sender had too little to send (application-limited) can raise it but never lower it: round trips
 * that have no other samples do not count towards the ten. */
#pragma once

#include "types.h"

G_BEGIN_DECLS

/* Taken when a transmission is sent; kept with it. */
typedef struct {
  guint64 delivered_bytes; /* acknowledged on this link by then */
  gint64 delivered_ns;     /* when the last of those was acknowledged */
  gint64 first_sent_ns;    /* start of the send interval */
  gint64 sent_ns;          /* when this transmission was sent */
  gboolean app_limited;
} CaimanRateSnapshot;

/* Number of round trips over which the maximum is kept. */
#define CAIMAN_RATE_WINDOW_ROUNDS 10

typedef struct {
  guint64 delivered_bytes;
  gint64 delivered_ns;
  gint64 first_sent_ns;
  guint64 app_limited_until_bytes; /* samples up to this delivered count are app-limited; 0: none */
  guint64 round;                   /* round trips counted so far */
  guint64 round_end_bytes;         /* delivered count that ends the current round */
  guint64 window_round;            /* round in which the window below last moved on */
  guint window_slot;               /* slot of the window that takes samples now */
  gint64 round_max_bps[CAIMAN_RATE_WINDOW_ROUNDS]; /* best sample per round; a ring */
  gint64 max_bps;                                  /* the best of them */
  gint64 latest_bps;
} CaimanRate;

void caiman_rate_init (CaimanRate *rate);

/* Forget the samples (path changed, link came back); counters go on. */
void caiman_rate_reset (CaimanRate *rate);

/* Call when a transmission is sent; @in_flight_bytes is the amount before it. */
void caiman_rate_on_sent (CaimanRate *rate, guint64 in_flight_bytes,
                          CaimanRateSnapshot *snapshot_out, gint64 now_ns);

/* Call when a transmission of @bytes is acknowledged. Returns TRUE when this ack starts a new round
 * trip. Samples over an interval shorter than @min_rtt_ns are ignored (they overestimate). */
gboolean caiman_rate_on_acked (CaimanRate *rate, const CaimanRateSnapshot *snapshot, gsize bytes,
                               gint64 min_rtt_ns, gint64 now_ns);

/* The sender has nothing more to send although the link could take it. */
void caiman_rate_set_app_limited (CaimanRate *rate, guint64 in_flight_bytes);

/* Windowed maximum in bits per second; 0 when there is no sample. */
static inline gint64
caiman_rate_get_bps (const CaimanRate *rate)
{
  return rate->max_bps;
}

G_END_DECLS
