/* SPDX-License-Identifier: Apache-2.0 */
/* rate.h - how long packets take on a wire: one after the other, at a fixed rate or by a trace.
 *
 * Work is counted in bits x ns/s, so that a packet's work divided by the rate is its time in ns.
 * Times are whole ns, rounded up; what rounding gave too much is credited to the next packet if
 * that starts right behind, so that a long row of packets keeps the exact rate.
 *
 * By opportunities, a packet leaves at the first opportunity from its start on, or goes on at later
 * ones until all of its bytes have left; what it leaves of the last one is for a packet that starts
 * right behind. */
#pragma once

#include "sim/trace.h"

G_BEGIN_DECLS

/* A rate that serialises in no time. */
#define SIM_RATE_UNLIMITED G_MAXINT64
/* The highest finite rate: 1 Tbit/s. Finite rates are 1 ... SIM_RATE_MAX_BPS. */
#define SIM_RATE_MAX_BPS G_GINT64_CONSTANT (1000000000000)

#define SIM_WORK_PER_BYTE (8 * CAIMAN_NS_PER_S)

/* A place in an opportunities trace. */
typedef struct {
  SimTraceCursor cursor;
  guint32 left_bytes; /* of the opportunity at the cursor */
} SimRatePlace;

typedef struct {
  gint64 rate_bps;
  const SimTrace *trace; /* (nullable) (borrowed) instead of rate_bps */
  gint64 origin_ns;      /* where the trace's time 0 is */
  gint64 busy_until_ns;  /* departure of the last packet given out */
  gint64 credit;         /* work that was paid for by rounding up to busy_until_ns */
  SimRatePlace place;    /* after the last packet given out */
  SimRatePlace before;   /* before it, and its bytes: to interrupt it */
  gint64 bytes;
} SimRate;

gboolean sim_rate_is_valid (gint64 rate_bps);

void sim_rate_init (SimRate *rate, gint64 rate_bps, const SimTrace *trace, gint64 origin_ns);

/* From now on another rate; interrupt what is in service before. */
void sim_rate_set (SimRate *rate, gint64 rate_bps, const SimTrace *trace);

/* When the last bit of @size_bytes is on the wire if the first may start at @start_ns. */
gint64 sim_rate_serialise (SimRate *rate, gsize size_bytes, gint64 start_ns);

/* Stops the packet that is being serialised at @now_ns and returns the work that is left of it (0
 * when it is through, or when it takes no time). */
gint64 sim_rate_interrupt (SimRate *rate, gint64 now_ns);

/* When the last bit is on the wire if @work goes on at @start_ns. */
gint64 sim_rate_resume (SimRate *rate, gint64 work, gint64 start_ns);

/* The rate, or the trace's mean rate. */
gint64 sim_rate_get_mean (const SimRate *rate);

G_END_DECLS
