/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-rtt.h - round-trip time and retransmission time-out of a TCP endpoint, as Linux has them.
 *
 * RFC 6298 with Linux's refinement of the variation: its peak over a round trip is taken at once
 * and given up slowly, a sudden fall of the RTT counts little, and it is never below the least RTO,
 * so that RTO >= SRTT + 200 ms. The minimum is the smallest sample of the last five minutes. */
#pragma once

#include "core/types.h"

G_BEGIN_DECLS

#define SIM_TCP_RTO_MIN_NS     (200 * CAIMAN_NS_PER_MS)
#define SIM_TCP_RTO_MAX_NS     (120 * CAIMAN_NS_PER_S)
#define SIM_TCP_RTO_INITIAL_NS CAIMAN_NS_PER_S

/* The best (largest or smallest) sample of a window that slides, from three candidates, each the
 * best since the one before it (Kathleen Nichols' algorithm). "When" is a time or a count. */
typedef struct {
  gint64 when[3];
  gint64 value[3];
} SimTcpFilter;

void sim_tcp_filter_reset (SimTcpFilter *filter, gint64 value, gint64 when);
void sim_tcp_filter_add_max (SimTcpFilter *filter, gint64 window, gint64 value, gint64 when);
void sim_tcp_filter_add_min (SimTcpFilter *filter, gint64 window, gint64 value, gint64 when);

typedef struct {
  gint64 srtt_ns;   /* 0: no sample yet */
  gint64 srtt_rest; /* eighths of a ns below srtt_ns */
  gint64 mdev_ns, mdev_max_ns, rttvar_ns;
  gint64 round_end; /* the peak's round trip ends when this is acknowledged */
  gint64 rto_ns;
  SimTcpFilter min_filter;
} SimTcpRtt;

void sim_tcp_rtt_init (SimTcpRtt *rtt);

/* A sample > 0, with what is acknowledged (@una) and sent (@nxt) by now. Sets the RTO afresh. */
void sim_tcp_rtt_add (SimTcpRtt *rtt, gint64 sample_ns, gint64 una, gint64 nxt);

/* For the minimum alone. */
void sim_tcp_rtt_add_min (SimTcpRtt *rtt, gint64 sample_ns, gint64 now_ns);

/* CAIMAN_TIME_NEVER before the first sample. */
static inline gint64
sim_tcp_rtt_get_min (const SimTcpRtt *rtt)
{
  return rtt->min_filter.value[0];
}

G_END_DECLS
