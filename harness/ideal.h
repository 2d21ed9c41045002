/* SPDX-License-Identifier: Apache-2.0 */
/* ideal.h - the fluid bound: the shortest time in which links could have carried a bulk flow.
 *
 * Capacity is piecewise constant: what a link's direction could carry, with the faults as they
 * happened. ideal_get_time() gives the smallest T for which the sum over all links of the capacity
 * integrated from the flow's start to T minus the one-way delay reaches the flow's bytes, where
 * - a link counts from the flow's start on, connected or not: the bound knows no handshake. Only
 *   where it does not exist yet or is dark its capacity is 0;
 * - links that share a bottleneck carry no more together than it does; it counts once;
 * - a link with a quota carries no more than that in each of its periods;
 * - windows hold: a byte occupies the connection's window for at least its link's one-way delay
 *   plus the shortest way back, and its link's own window for that link's round trip. So bytes
 * times round trip, summed up, are at most window times (T + longest way back). All of it is
 * integer arithmetic (bits times ns in 128 bits): no rounding but that T is in ns, and that
 * a window counts 4 096ths of a byte. */
#pragma once

#include "core/types.h"

G_BEGIN_DECLS

/* From @t_ns on, until the next step. */
typedef struct {
  gint64 t_ns;
  gint64 rate_bps; /* 0: dark; G_MAXINT64: unlimited */
  gint64 delay_ns; /* one way */
} IdealStep;

/* A bottleneck that several links share; the delays of its steps do not count. */
typedef struct {
  const IdealStep *steps; /* ascending in time; capacity is 0 before the first */
  gsize n_steps;
} IdealShared;

typedef struct {
  const IdealStep *steps; /* ascending in time; capacity is 0 before the first */
  gsize n_steps;
  gint64 back_delay_ns;      /* smallest one-way delay of the other direction */
  gint64 quota_bytes;        /* G_MAXINT64: none */
  gint64 quota_period_ns;    /* > 0; periods count from the first step */
  gint64 window_bytes;       /* most bytes in flight on this link; G_MAXINT64: no limit */
  const IdealShared *shared; /* (nullable) the same for all links that share it */
} IdealLink;

/* The time in ns from @start_ns, at most @horizon_ns (both >= 0), in which the links can carry
 * @bytes with @window_bytes (> 0, G_MAXINT64: no limit) in flight over all; CAIMAN_TIME_NEVER when
 * they cannot within @horizon_ns. */
gint64 ideal_get_time (const IdealLink *links, gsize n_links, gint64 start_ns, gint64 bytes,
                       gint64 window_bytes, gint64 horizon_ns);

/* Bits times ns per s: the capacity of @steps integrated from @from_ns to @to_ns. */
__int128 ideal_integrate (const IdealStep *steps, gsize n_steps, gint64 from_ns, gint64 to_ns);

G_END_DECLS
