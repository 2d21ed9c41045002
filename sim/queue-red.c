/* SPDX-License-Identifier: Apache-2.0 */
/* queue-red.c - Random Early Detection: S. Floyd and V. Jacobson, "Random Early Detection Gateways
 * for Congestion Avoidance", IEEE/ACM Transactions on Networking 1(4), 1993 (the paper below), and
 * the "gentle" variant: S. Floyd, "Recommendation on using the gentle_ variant of RED", 2000.
 *
 * All in integers: averages with a fraction of 16 bits, probabilities in parts per billion. */
#include "sim/queue.h"

#define CERTAIN_PPB G_GINT64_CONSTANT (1000000000)

/* (1 - 2^-SIM_RED_WEIGHT_BITS) ^ @n, x 2^32. */
static guint64
decay (gint64 n)
{
  guint64 base = (G_GUINT64_CONSTANT (1) << 32) - (1u << (32 - SIM_RED_WEIGHT_BITS));
  guint64 product = G_GUINT64_CONSTANT (1) << 32;

  for (; n > 0 && product > 0; n >>= 1) {
    if (n & 1)
      product = (guint64)(((unsigned __int128)product * base) >> 32);
    base = (guint64)(((unsigned __int128)base * base) >> 32);
  }
  return product;
}

/* The paper's section 4: while the queue is empty, as if small packets had come one after the other
 * and found it empty. */
static void
update_average (SimQueue *queue, gint64 present, gint64 now_ns)
{
  SimRed *red = &queue->red;
  gint64 difference;

  if (red->idle_since_ns >= 0) {
    gint64 missed =
        red->packet_ns > 0 ? (now_ns - red->idle_since_ns) / red->packet_ns : G_MAXINT64;
    red->average = (gint64)(((__int128)red->average * decay (missed)) >> 32);
    red->idle_since_ns = now_ns;
  }
  difference = (present << SIM_RED_FRACTION_BITS) - red->average;
  red->average += difference / (1 << SIM_RED_WEIGHT_BITS);
}

/* p_b of the paper, from the average alone; 1 or more: certain. */
static gint64
get_base_ppb (const SimQueue *queue)
{
  const SimDiscipline *d = &queue->discipline;
  gint64 average = queue->red.average;
  gint64 min = d->red_min << SIM_RED_FRACTION_BITS, max = d->red_max << SIM_RED_FRACTION_BITS;

  if (average < min)
    return 0;
  if (average < max)
    return caiman_muldiv (d->red_max_ppb, average - min, max - min);
  if (!d->red_gentle || average >= 2 * max)
    return CERTAIN_PPB;
  return d->red_max_ppb + caiman_muldiv (CERTAIN_PPB - d->red_max_ppb, average - max, max);
}

gboolean
sim_red_is_early_drop (SimQueue *queue, const SimService *service, gint64 now_ns)
{
  SimRed *red = &queue->red;
  gint64 present = queue->discipline.red_unit == SIM_QUEUE_BYTES
                       ? (gint64)(queue->bytes + service->bytes)
                       : (gint64)queue->n_packets + (service->bytes > 0);
  gint64 base_ppb, rest_ppb;

  update_average (queue, present, now_ns);
  if (red->average < queue->discipline.red_min << SIM_RED_FRACTION_BITS) {
    red->count = -1;
    return FALSE;
  }
  base_ppb = get_base_ppb (queue);
  red->count++;
  /* p_a = p_b / (1 - count x p_b): uniform gaps between drops. */
  rest_ppb = CERTAIN_PPB - MIN (red->count, CERTAIN_PPB) * base_ppb;
  if (base_ppb < CERTAIN_PPB && rest_ppb > 0 &&
      caiman_muldiv ((gint64)caiman_prng_below (&queue->prng, CERTAIN_PPB), rest_ppb,
                     CERTAIN_PPB) >= base_ppb)
    return FALSE;
  red->count = 0;
  return TRUE;
}
