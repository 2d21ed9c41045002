/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-reno.c - the AIMD of RFC 5681: a segment more per round trip, half of the window on a loss.
 */
#include "sim/tcp-cc.h"

static guint32
reno_on_loss (SimTcpCc *cc)
{
  return MAX (cc->cwnd / 2, 2);
}

static void
reno_on_ack (SimTcpCc *cc, const SimTcpAckFacts *facts, guint acked)
{
  if (!facts->is_cwnd_limited)
    return;
  if (sim_tcp_cc_in_slow_start (cc)) {
    acked = sim_tcp_cc_slow_start (cc, acked);
    if (acked == 0)
      return;
  }
  sim_tcp_cc_additive_increase (cc, cc->cwnd, acked);
}

static guint32
reno_undo (SimTcpCc *cc)
{
  return MAX (cc->cwnd, cc->prior_cwnd);
}

const SimTcpCcClass sim_tcp_reno_class = {
  .name = "reno",
  .on_loss = reno_on_loss,
  .on_ack = reno_on_ack,
  .undo = reno_undo,
  .send_buffer_factor = 2,
};
