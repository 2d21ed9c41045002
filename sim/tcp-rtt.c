/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-rtt.c - see tcp-rtt.h. */
#include "sim/tcp-rtt.h"

#define MIN_WINDOW_NS (300 * CAIMAN_NS_PER_S)

void
sim_tcp_filter_reset (SimTcpFilter *filter, gint64 value, gint64 when)
{
  for (guint i = 0; i < 3; i++) {
    filter->value[i] = value;
    filter->when[i] = when;
  }
}

/* The first candidate leaves when it is older than the window; the others move up, and are
 * renewed when they cover too little of it. */
static void
slide (SimTcpFilter *filter, gint64 window, gint64 value, gint64 when)
{
  gint64 age = when - filter->when[0];

  if (age > window) {
    for (guint i = 0; i < 2; i++) {
      filter->value[i] = filter->value[i + 1];
      filter->when[i] = filter->when[i + 1];
    }
    filter->value[2] = value;
    filter->when[2] = when;
    if (when - filter->when[0] > window)
      slide (filter, window, value, when);
  } else if (filter->when[1] == filter->when[0] && age > window / 4) {
    filter->value[1] = filter->value[2] = value;
    filter->when[1] = filter->when[2] = when;
  } else if (filter->when[2] == filter->when[1] && age > window / 2) {
    filter->value[2] = value;
    filter->when[2] = when;
  }
}

/* @sign 1: larger is better, -1: smaller is. */
static void
add (SimTcpFilter *filter, gint64 window, gint64 value, gint64 when, int sign)
{
  if (sign * value >= sign * filter->value[0] || when - filter->when[2] > window) {
    sim_tcp_filter_reset (filter, value, when);
    return;
  }
  for (guint i = 1; i < 3; i++) {
    if (sign * value < sign * filter->value[i])
      continue;
    for (guint k = i; k < 3; k++) {
      filter->value[k] = value;
      filter->when[k] = when;
    }
    break;
  }
  slide (filter, window, value, when);
}

void
sim_tcp_filter_add_max (SimTcpFilter *filter, gint64 window, gint64 value, gint64 when)
{
  add (filter, window, value, when, 1);
}

void
sim_tcp_filter_add_min (SimTcpFilter *filter, gint64 window, gint64 value, gint64 when)
{
  add (filter, window, value, when, -1);
}

void
sim_tcp_rtt_init (SimTcpRtt *rtt)
{
  *rtt = (SimTcpRtt) { .rto_ns = SIM_TCP_RTO_INITIAL_NS };
  sim_tcp_filter_reset (&rtt->min_filter, CAIMAN_TIME_NEVER, 0);
}

static void
add_first (SimTcpRtt *rtt, gint64 sample_ns, gint64 nxt)
{
  rtt->srtt_ns = sample_ns;
  rtt->mdev_ns = 2 * sample_ns;
  rtt->rttvar_ns = rtt->mdev_max_ns = MAX (2 * sample_ns, SIM_TCP_RTO_MIN_NS);
  rtt->round_end = nxt;
}

/* mdev is 4 times the mean deviation, as it goes into the RTO. */
static void
add_deviation (SimTcpRtt *rtt, gint64 error_ns)
{
  gint64 change_ns = ABS (error_ns) - rtt->mdev_ns / 4;

  if (error_ns < 0 && change_ns > 0)
    change_ns /= 8;
  rtt->mdev_ns += change_ns;
  if (rtt->mdev_ns > rtt->mdev_max_ns) {
    rtt->mdev_max_ns = rtt->mdev_ns;
    rtt->rttvar_ns = MAX (rtt->rttvar_ns, rtt->mdev_max_ns);
  }
}

void
sim_tcp_rtt_add (SimTcpRtt *rtt, gint64 sample_ns, gint64 una, gint64 nxt)
{
  if (rtt->srtt_ns == 0) {
    add_first (rtt, sample_ns, nxt);
  } else {
    gint64 error_ns = sample_ns - rtt->srtt_ns;
    gint64 eighths = 8 * rtt->srtt_ns + rtt->srtt_rest + error_ns;
    add_deviation (rtt, error_ns);
    rtt->srtt_ns = MAX (eighths / 8, 1);
    rtt->srtt_rest = eighths % 8;
    if (una > rtt->round_end) {
      if (rtt->mdev_max_ns < rtt->rttvar_ns)
        rtt->rttvar_ns -= (rtt->rttvar_ns - rtt->mdev_max_ns) / 4;
      rtt->round_end = nxt;
      rtt->mdev_max_ns = SIM_TCP_RTO_MIN_NS;
    }
  }
  rtt->rto_ns = MIN (rtt->srtt_ns + rtt->rttvar_ns, SIM_TCP_RTO_MAX_NS);
}

void
sim_tcp_rtt_add_min (SimTcpRtt *rtt, gint64 sample_ns, gint64 now_ns)
{
  sim_tcp_filter_add_min (&rtt->min_filter, MIN_WINDOW_NS, sample_ns, now_ns);
}
