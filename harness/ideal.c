/* SPDX-License-Identifier: Apache-2.0 */
/* ideal.c - see ideal.h. Amounts are in bit x ns / s: a rate in bit/s times ns. */
#include "harness/ideal.h"

typedef __int128 Amount;

#define AMOUNT_PER_BYTE ((Amount)8 * CAIMAN_NS_PER_S)

/* More than any run can ask for, and far enough from overflow that a few can be added. */
#define AMOUNT_MAX ((Amount)1 << 120)

/* Where step @i ends. */
static gint64
step_end (const IdealStep *steps, gsize n_steps, gsize i)
{
  return i + 1 < n_steps ? steps[i + 1].t_ns : G_MAXINT64;
}

static Amount
rate_over (gint64 rate_bps, gint64 from_ns, gint64 to_ns)
{
  return to_ns > from_ns ? (Amount)rate_bps * (to_ns - from_ns) : 0;
}

__int128
ideal_integrate (const IdealStep *steps, gsize n_steps, gint64 from_ns, gint64 to_ns)
{
  Amount sum = 0;
  for (gsize i = 0; i < n_steps; i++)
    sum += rate_over (steps[i].rate_bps, MAX (steps[i].t_ns, from_ns),
                      MIN (step_end (steps, n_steps, i), to_ns));
  return sum;
}

/* Amounts within quota periods, as time goes forward. */
typedef struct {
  Amount per_period, used;
  gint64 period_ns, origin_ns, period;
} Quota;

/* What of @rate_bps between @from_ns and @to_ns the quota lets through. */
static Amount
quota_take (Quota *quota, gint64 rate_bps, gint64 from_ns, gint64 to_ns)
{
  Amount sum = 0;
  while (from_ns < to_ns) {
    gint64 period = (from_ns - quota->origin_ns) / quota->period_ns;
    gint64 left_ns = quota->period_ns - (from_ns - quota->origin_ns) % quota->period_ns;
    if (period != quota->period) {
      quota->period = period;
      quota->used = 0;
    }
    gint64 full = (to_ns - from_ns) / quota->period_ns;
    if (left_ns == quota->period_ns && full > 0) {
      /* Whole periods of one rate are all alike. */
      sum += full * MIN (rate_over (rate_bps, 0, quota->period_ns), quota->per_period);
      from_ns += full * quota->period_ns;
      continue;
    }
    left_ns = MIN (left_ns, to_ns - from_ns);
    Amount amount = MIN (rate_over (rate_bps, 0, left_ns), quota->per_period - quota->used);
    quota->used += amount;
    sum += amount;
    from_ns += left_ns;
  }
  return sum;
}

/* What has arrived over @link by @at_ns of all that was sent from @start_ns on. */
static Amount
arrived (const IdealLink *link, gint64 start_ns, gint64 at_ns)
{
  Quota quota = { .per_period = link->quota_bytes * AMOUNT_PER_BYTE,
                  .period_ns = link->quota_period_ns,
                  .origin_ns = link->n_steps > 0 ? link->steps[0].t_ns : 0,
                  .period = -1 };
  Amount sum = 0;
  for (gsize i = 0; i < link->n_steps; i++) {
    gint64 from_ns = MAX (link->steps[i].t_ns, start_ns);
    gint64 to_ns = MIN (step_end (link->steps, link->n_steps, i), at_ns - link->steps[i].delay_ns);
    if (from_ns >= to_ns)
      continue;
    if (link->quota_bytes == G_MAXINT64)
      sum += rate_over (link->steps[i].rate_bps, from_ns, to_ns);
    else
      sum += quota_take (&quota, link->steps[i].rate_bps, from_ns, to_ns);
  }
  return MIN (sum, AMOUNT_MAX);
}

/* The smallest delay of @link while it carries anything. */
static gint64
min_delay (const IdealLink *link)
{
  gint64 delay_ns = G_MAXINT64;
  for (gsize i = 0; i < link->n_steps; i++) {
    if (link->steps[i].rate_bps > 0)
      delay_ns = MIN (delay_ns, link->steps[i].delay_ns);
  }
  return delay_ns;
}

typedef struct {
  Amount amount;
  gint64 rtt_ns;
} Share;

typedef struct {
  const IdealLink *links;
  gsize n_links;
  gint64 start_ns;
  gint64 window_bytes;
  gint64 back_min_ns, back_max_ns;
  Share *shares; /* room for n_links */
} Bound;

static int
compare_shares (const void *a, const void *b)
{
  gint64 rtt_a = ((const Share *)a)->rtt_ns, rtt_b = ((const Share *)b)->rtt_ns;
  return (rtt_a > rtt_b) - (rtt_a < rtt_b);
}

/* @window_bytes x @span_ns / @rtt_ns as an amount. */
static Amount
window_over (gint64 window_bytes, gint64 span_ns, gint64 rtt_ns)
{
  if (window_bytes == G_MAXINT64 || rtt_ns == 0)
    return AMOUNT_MAX;
  Amount byte_ns = (Amount)window_bytes * span_ns;
  /* Whole bytes first, so that the product with AMOUNT_PER_BYTE stays in range. */
  Amount bytes = byte_ns / rtt_ns, rest = byte_ns % rtt_ns;
  return MIN (bytes, AMOUNT_MAX / AMOUNT_PER_BYTE) * AMOUNT_PER_BYTE +
         rest * AMOUNT_PER_BYTE / rtt_ns;
}

/* (nullable) The link of the largest round trip of those of @shared that have a share. */
static Share *
find_slowest (const Bound *bound, const IdealShared *shared)
{
  Share *slowest = NULL;
  for (gsize i = 0; i < bound->n_links; i++) {
    Share *share = &bound->shares[i];
    if (bound->links[i].shared == shared && share->amount > 0 &&
        (!slowest || share->rtt_ns > slowest->rtt_ns))
      slowest = share;
  }
  return slowest;
}

/* What the links of @shared have too much together by @span_ns after the start is taken from those
 * of the largest round trips, where a window carries least. */
static Amount
cut_shares (const Bound *bound, const IdealShared *shared, gint64 span_ns)
{
  Amount excess = 0, cut = 0;
  gint64 delay_ns = G_MAXINT64;
  for (gsize i = 0; i < bound->n_links; i++) {
    if (bound->links[i].shared != shared)
      continue;
    excess += bound->shares[i].amount;
    delay_ns = MIN (delay_ns, min_delay (&bound->links[i]));
  }
  if (span_ns > delay_ns)
    excess -= ideal_integrate (shared->steps, shared->n_steps, bound->start_ns,
                               caiman_time_add (bound->start_ns, span_ns - delay_ns));
  for (Share *slowest; excess > cut && (slowest = find_slowest (bound, shared));) {
    Amount part = MIN (slowest->amount, excess - cut);
    slowest->amount -= part;
    cut += part;
  }
  return cut;
}

static gboolean
is_first_of_shared (const Bound *bound, gsize index)
{
  for (gsize i = 0; i < index; i++)
    if (bound->links[i].shared == bound->links[index].shared)
      return FALSE;
  return bound->links[index].shared != NULL;
}

/* Each link's own limits, and those of what they share. Returns the sum of what has arrived by
 * @span_ns after the start. */
static Amount
fill_shares (const Bound *bound, gint64 span_ns)
{
  Amount sum = 0;
  for (gsize i = 0; i < bound->n_links; i++) {
    const IdealLink *link = &bound->links[i];
    Share *share = &bound->shares[i];
    gint64 delay_ns = min_delay (link);
    if (delay_ns == G_MAXINT64) {
      *share = (Share) { 0 };
      continue;
    }
    share->amount = arrived (link, bound->start_ns, caiman_time_add (bound->start_ns, span_ns));
    share->amount =
        MIN (share->amount, window_over (link->window_bytes, span_ns + bound->back_max_ns,
                                         delay_ns + link->back_delay_ns));
    share->rtt_ns = delay_ns + bound->back_min_ns;
    sum += share->amount;
  }
  for (gsize i = 0; i < bound->n_links; i++)
    if (is_first_of_shared (bound, i))
      sum -= cut_shares (bound, bound->links[i].shared, span_ns);
  return sum;
}

/* What a window is counted in: fine enough to hide in a ns, coarse enough for 128 bits. */
#define UNITS_PER_BYTE  4096
#define AMOUNT_PER_UNIT (AMOUNT_PER_BYTE / UNITS_PER_BYTE)

/* Whether @bytes can have arrived @span_ns after the start. The connection's window is given to
 * the links of the smallest round trip first: that is where it carries most. It counts whole units,
 * so that more time never gives less. */
static gboolean
is_enough (const Bound *bound, gint64 bytes, gint64 span_ns)
{
  if (fill_shares (bound, span_ns) < bytes * AMOUNT_PER_BYTE)
    return FALSE;
  if (bound->window_bytes == G_MAXINT64)
    return TRUE;

  qsort (bound->shares, bound->n_links, sizeof (Share), compare_shares);
  Amount need = (Amount)bytes * UNITS_PER_BYTE;
  Amount left = (Amount)bound->window_bytes * UNITS_PER_BYTE * (span_ns + bound->back_max_ns);
  for (gsize i = 0; i < bound->n_links && need > 0; i++) {
    const Share *share = &bound->shares[i];
    Amount part = MIN (share->amount / AMOUNT_PER_UNIT, need);
    if (part * share->rtt_ns > left)
      part = left / share->rtt_ns;
    left -= part * share->rtt_ns;
    need -= part;
  }
  return need == 0;
}

gint64
ideal_get_time (const IdealLink *links, gsize n_links, gint64 start_ns, gint64 bytes,
                gint64 window_bytes, gint64 horizon_ns)
{
  g_autofree Share *shares = g_new (Share, MAX (n_links, 1));
  Bound bound = { .links = links,
                  .n_links = n_links,
                  .start_ns = start_ns,
                  .window_bytes = window_bytes,
                  .back_min_ns = G_MAXINT64,
                  .shares = shares };
  g_assert (start_ns >= 0 && bytes >= 0 && window_bytes > 0 && horizon_ns >= 0);
  for (gsize i = 0; i < n_links; i++) {
    bound.back_min_ns = MIN (bound.back_min_ns, links[i].back_delay_ns);
    bound.back_max_ns = MAX (bound.back_max_ns, links[i].back_delay_ns);
  }
  if (!is_enough (&bound, bytes, horizon_ns))
    return CAIMAN_TIME_NEVER;

  gint64 low_ns = -1, high_ns = horizon_ns; /* not enough at low, enough at high */
  while (high_ns - low_ns > 1) {
    gint64 middle_ns = low_ns + (high_ns - low_ns) / 2;
    if (is_enough (&bound, bytes, middle_ns))
      high_ns = middle_ns;
    else
      low_ns = middle_ns;
  }
  return high_ns;
}
