/* SPDX-License-Identifier: Apache-2.0 */
/* lost-time.c - see lost-time.h. Amounts are in bit x ns / s: a rate in bit/s times ns. */
#include "harness/lost-time.h"

typedef __int128 Amount;

#define AMOUNT_PER_BYTE ((Amount)8 * CAIMAN_NS_PER_S)

#define INTERVAL_NS (10 * CAIMAN_NS_PER_MS)

/* "Unlimited" is no number that sums could bear; 1 Pbit/s is far beyond any other link. */
#define RATE_MAX_BPS (CAIMAN_NS_PER_S * 1000000)

typedef struct {
  gint64 rate_bps;
  gint64 delay_ns;
  Amount backlog; /* given to the link, not yet carried */
  gboolean was_full;
  gboolean has_unnoticed_fault;
  Amount idle_tail; /* idle since the last payload was sent on any link */
} LostLink;

struct _LostTime {
  gsize n_links;
  LostLink *links;
  gboolean is_active;
  guint n_unnoticed;
  gint64 reorder_bytes;
  gboolean has_delivered; /* in this interval */
  gboolean has_idle_tail; /* of any link */
  gint64 since_ns;        /* start of this interval */
  Amount unused[LOST_N_CAUSES];
};

LostTime *
lost_time_new (gsize n_links)
{
  LostTime *lost = g_new0 (LostTime, 1);
  lost->n_links = n_links;
  lost->links = g_new0 (LostLink, MAX (n_links, 1));
  return lost;
}

void
lost_time_free (LostTime *lost)
{
  if (lost == NULL)
    return;
  g_free (lost->links);
  g_free (lost);
}

static LostCause
cause_of (const LostTime *lost, const LostLink *link)
{
  if (lost->n_unnoticed > 0)
    return LOST_DETECTION;
  if (!link->was_full)
    return LOST_RAMP_UP;
  if (lost->reorder_bytes > 0 && !lost->has_delivered)
    return LOST_HEAD_OF_LINE;
  return LOST_IDLE;
}

static void
settle_link (LostTime *lost, LostLink *link, gint64 span_ns)
{
  Amount capacity = (Amount)MIN (link->rate_bps, RATE_MAX_BPS) * span_ns;
  Amount used = MIN (link->backlog, capacity);
  Amount unused = capacity - used;
  link->backlog -= used;
  if (capacity > 0 && used * 10 >= capacity * 9 && span_ns >= INTERVAL_NS)
    link->was_full = TRUE;
  if (!lost->is_active)
    return;
  LostCause cause = cause_of (lost, link);
  if (cause == LOST_IDLE) {
    link->idle_tail += unused;
    lost->has_idle_tail = TRUE;
  } else {
    lost->unused[cause] += unused;
  }
}

/* Ends the interval at @now_ns. */
static void
settle (LostTime *lost, gint64 now_ns)
{
  gint64 span_ns = now_ns - lost->since_ns;
  g_assert (span_ns >= 0);
  if (span_ns == 0)
    return;
  for (gsize i = 0; i < lost->n_links; i++)
    settle_link (lost, &lost->links[i], span_ns);
  lost->since_ns = now_ns;
  lost->has_delivered = FALSE;
}

/* Ends the interval if it has its full length. What follows silence did not fill it: the part that
 * is longer than an interval is settled on its own. */
static void
settle_when_due (LostTime *lost, gint64 now_ns)
{
  if (now_ns - lost->since_ns < INTERVAL_NS)
    return;
  settle (lost, lost->since_ns + INTERVAL_NS);
  settle (lost, now_ns);
}

static void
settle_change (LostTime *lost, gint64 now_ns)
{
  settle_when_due (lost, now_ns);
  settle (lost, now_ns);
}

void
lost_time_set_active (LostTime *lost, gboolean active, gint64 now_ns)
{
  if (lost->is_active == active)
    return;
  settle_change (lost, now_ns);
  lost->is_active = active;
}

void
lost_time_set_capacity (LostTime *lost, gsize link, gint64 rate_bps, gint64 delay_ns, gint64 now_ns)
{
  settle_change (lost, now_ns);
  lost->links[link].rate_bps = rate_bps;
  lost->links[link].delay_ns = delay_ns;
}

/* Payload is still being sent: what was idle so far was no unavoidable end of the transfer. */
static void
keep_idle (LostTime *lost)
{
  if (!lost->has_idle_tail)
    return;
  lost->has_idle_tail = FALSE;
  for (gsize i = 0; i < lost->n_links; i++) {
    lost->unused[LOST_IDLE] += lost->links[i].idle_tail;
    lost->links[i].idle_tail = 0;
  }
}

void
lost_time_sent (LostTime *lost, gsize link, LostSent what, gint64 bytes, gint64 now_ns)
{
  Amount amount = bytes * AMOUNT_PER_BYTE;
  settle_when_due (lost, now_ns);
  lost->links[link].backlog += amount;
  if (what == LOST_SENT_PAYLOAD)
    keep_idle (lost);
  else if (lost->is_active)
    lost->unused[what == LOST_SENT_AGAIN ? LOST_RESEND : LOST_FRAMING] += amount;
}

void
lost_time_dropped (LostTime *lost, gsize link, gint64 now_ns)
{
  settle_change (lost, now_ns);
  lost->links[link].backlog = 0;
}

void
lost_time_fault (LostTime *lost, gsize link, gint64 now_ns)
{
  if (lost->links[link].has_unnoticed_fault)
    return;
  settle_change (lost, now_ns);
  lost->links[link].has_unnoticed_fault = TRUE;
  lost->n_unnoticed++;
}

void
lost_time_noticed (LostTime *lost, gsize link, gint64 now_ns)
{
  if (!lost->links[link].has_unnoticed_fault)
    return;
  settle_change (lost, now_ns);
  lost->links[link].has_unnoticed_fault = FALSE;
  lost->n_unnoticed--;
}

void
lost_time_set_reorder (LostTime *lost, gint64 bytes, gint64 now_ns)
{
  settle_when_due (lost, now_ns);
  lost->reorder_bytes = bytes;
}

void
lost_time_delivered (LostTime *lost, gint64 now_ns)
{
  settle_when_due (lost, now_ns);
  lost->has_delivered = TRUE;
}

/* What was idle at the end and no sender could have used: a byte that leaves later than one delay
 * before the end cannot arrive in time. */
static Amount
idle_at_the_end (const LostTime *lost)
{
  Amount sum = 0;
  for (gsize i = 0; i < lost->n_links; i++) {
    const LostLink *link = &lost->links[i];
    Amount unavoidable = (Amount)MIN (link->rate_bps, RATE_MAX_BPS) * link->delay_ns;
    sum += MAX (link->idle_tail - unavoidable, 0);
  }
  return sum;
}

void
lost_time_share (const LostTime *lost, gint64 lost_ns, gint64 parts_ns_out[LOST_N_CAUSES])
{
  Amount unused[LOST_N_CAUSES], sum = 0;
  gint64 left_ns = MAX (lost_ns, 0);
  for (guint i = 0; i < LOST_N_CAUSES; i++) {
    unused[i] = lost->unused[i] + (i == LOST_IDLE ? idle_at_the_end (lost) : 0);
    sum += unused[i];
  }
  /* Fewer bits, so that the products below stay in 128. */
  guint shift = 0;
  while (sum >> shift >= (Amount)1 << 62)
    shift++;
  for (guint i = 0; i < LOST_N_CAUSES; i++) {
    Amount total = sum >> shift;
    parts_ns_out[i] = total > 0 ? (gint64)((unused[i] >> shift) * MAX (lost_ns, 0) / total) : 0;
    left_ns -= parts_ns_out[i];
  }
  parts_ns_out[LOST_IDLE] += left_ns; /* what rounding left over */
}

gint64
lost_time_get_framing_bytes (const LostTime *lost)
{
  return (gint64)(lost->unused[LOST_FRAMING] / AMOUNT_PER_BYTE);
}

const char *
lost_cause_to_string (LostCause cause)
{
  static const char *const names[] = { "ramp-up", "head-of-line", "detection",
                                       "resend",  "framing",      "idle" };
  G_STATIC_ASSERT (G_N_ELEMENTS (names) == LOST_N_CAUSES);
  g_assert (cause < LOST_N_CAUSES);
  return names[cause];
}
