/* SPDX-License-Identifier: Apache-2.0 */
/* scheduler.c - what the policies share: who may carry, weight and cost; and the simple policies
 * min-rtt, round-robin and redundant. */
#include "core/scheduler.h"

#include "core/serial.h"

/* Virtual bytes are bytes x 1000 / weight. One that lags by more than this was away. */
#define WEIGHT_SCALE 1000
#define WEIGHT_SLACK (G_GINT64_CONSTANT (1048576) * WEIGHT_SCALE)

const CaimanScheduler *
caiman_scheduler_get (CaimanPolicy policy)
{
  static const CaimanScheduler *const policies[CAIMAN_N_POLICIES] = {
    [CAIMAN_POLICY_ADAPTIVE] = &caiman_scheduler_adaptive,
    [CAIMAN_POLICY_MIN_RTT] = &caiman_scheduler_min_rtt,
    [CAIMAN_POLICY_ROUND_ROBIN] = &caiman_scheduler_round_robin,
    [CAIMAN_POLICY_REDUNDANT] = &caiman_scheduler_redundant,
    [CAIMAN_POLICY_REFERENCE] = &caiman_scheduler_reference,
  };
  g_assert ((guint)policy < CAIMAN_N_POLICIES);
  return policies[policy];
}

/* --- Who may carry --- */

/* The lowest cost among usable links: those above suspicion first. */
static gint64
get_lowest_cost (const CaimanConnection *connection, gboolean *suspected_out)
{
  gint64 lowest = G_MAXINT64, lowest_suspected = G_MAXINT64;
  for (guint i = 0; i < connection->links->len; i++) {
    const CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (!caiman_scheduler_is_usable (link))
      continue;
    if (link->suspected)
      lowest_suspected = MIN (lowest_suspected, link->cost);
    else
      lowest = MIN (lowest, link->cost);
  }
  *suspected_out = lowest == G_MAXINT64;
  return *suspected_out ? lowest_suspected : lowest;
}

gboolean
caiman_scheduler_can_carry (const CaimanLink *link)
{
  if (!caiman_scheduler_is_usable (link))
    return FALSE;
  gboolean only_suspected;
  gint64 lowest = get_lowest_cost (link->connection, &only_suspected);
  if (link->suspected && !only_suspected)
    return FALSE;
  return link->cost <= MAX (lowest, link->connection->cost_allowed);
}

gboolean
caiman_scheduler_can_take (const CaimanLink *link)
{
  return link->writable && (link->flight.bytes < link->window_bytes || link->flight.bytes == 0) &&
         caiman_scheduler_can_carry (link);
}

/* --- Weight --- */

void
caiman_scheduler_note_sent (CaimanLink *link, gsize bytes)
{
  CaimanConnection *connection = link->connection;
  /* A link that was away starts level with the others, it does not catch up. */
  gint64 floor = G_MAXINT64;
  for (guint i = 0; i < connection->links->len; i++) {
    const CaimanLink *other = g_ptr_array_index (connection->links, i);
    if (other != link && caiman_scheduler_can_carry (other))
      floor = MIN (floor, other->virtual_bytes);
  }
  if (floor != G_MAXINT64 && link->virtual_bytes < floor - WEIGHT_SLACK)
    link->virtual_bytes = floor;
  link->virtual_bytes += (gint64)MAX (bytes, 1) * WEIGHT_SCALE / link->weight;
}

CaimanLink *
caiman_scheduler_pick_by_weight (CaimanLink *const *links, gsize n)
{
  CaimanLink *best = NULL;
  for (gsize i = 0; i < n; i++)
    if (best == NULL || links[i]->virtual_bytes < best->virtual_bytes)
      best = links[i];
  return best;
}

/* --- Cost --- */

/* The next higher cost among usable links; G_MAXINT64: there is none. */
static gint64
get_next_cost (const CaimanConnection *connection, gint64 above)
{
  gint64 next = G_MAXINT64;
  for (guint i = 0; i < connection->links->len; i++) {
    const CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (caiman_scheduler_is_usable (link) && link->cost > above)
      next = MIN (next, link->cost);
  }
  return next;
}

/* Could the links of the lowest cost have carried the last second's traffic by themselves, with a
 * fifth to spare? */
static gboolean
is_cheap_enough (const CaimanConnection *connection, gint64 lowest)
{
  gint64 rates_bps[CAIMAN_N_STATS_INTERVALS];
  caiman_meter_get (&connection->sent_meter, rates_bps, connection->now_ns);
  gint64 capacity_bps = 0;
  for (guint i = 0; i < connection->links->len; i++) {
    const CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (caiman_scheduler_is_usable (link) && !link->suspected && link->cost <= lowest)
      capacity_bps += caiman_rate_get_bps (&link->rate);
  }
  return rates_bps[1] < capacity_bps / 5 * 4;
}

void
caiman_scheduler_update_cost (CaimanConnection *connection, gboolean starved)
{
  gint64 now_ns = connection->now_ns;
  gboolean only_suspected;
  gint64 lowest = get_lowest_cost (connection, &only_suspected);
  if (lowest == G_MAXINT64)
    return;
  gint64 allowed = MAX (lowest, connection->cost_allowed);
  gint64 next = get_next_cost (connection, allowed);

  if (!starved) {
    /* Met at the present cost. Step down once the cheap ones suffice again. */
    connection->shortage_since_ns = CAIMAN_TIME_NEVER;
    if (allowed > lowest && is_cheap_enough (connection, lowest))
      connection->cost_allowed = lowest;
    return;
  }
  if (next == G_MAXINT64) {
    connection->shortage_since_ns = CAIMAN_TIME_NEVER;
    return;
  }
  if (connection->shortage_since_ns == CAIMAN_TIME_NEVER)
    connection->shortage_since_ns = now_ns;
  if (now_ns - connection->shortage_since_ns >= connection->config.cost_delay_ns) {
    connection->cost_allowed = next;
    connection->shortage_since_ns = CAIMAN_TIME_NEVER;
  }
}

gint64
caiman_scheduler_get_cost_deadline (const CaimanConnection *connection)
{
  if (connection->shortage_since_ns == CAIMAN_TIME_NEVER || connection->unsent_bytes == 0)
    return CAIMAN_TIME_NEVER;
  /* Without any usable link there is nothing to decide until one is back. */
  gboolean only_suspected;
  if (get_lowest_cost (connection, &only_suspected) == G_MAXINT64)
    return CAIMAN_TIME_NEVER;
  return caiman_time_add (connection->shortage_since_ns, connection->config.cost_delay_ns);
}

/* --- The simple policies --- */

/* Lower cost first, then lower SRTT. */
static gboolean
is_nearer (const CaimanLink *a, const CaimanLink *b)
{
  if (b == NULL || a->cost != b->cost)
    return b == NULL || a->cost < b->cost;
  return a->rtt.srtt_ns < b->rtt.srtt_ns;
}

static CaimanLink *
pick_nearest (CaimanConnection *connection, const CaimanOutMessage *message)
{
  CaimanLink *best = NULL, *last = NULL;
  for (guint i = 0; i < connection->links->len; i++) {
    CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (!caiman_scheduler_can_take (link))
      continue;
    if (message && link->id == message->last_link_id)
      last = link;
    else if (is_nearer (link, best))
      best = link;
  }
  /* Back on the link that it was last sent on only when it is lost and nobody else can take it. */
  if (best == NULL && message && message->flags & CAIMAN_OUT_LOST)
    return last;
  return best;
}

static CaimanLink *
pick_resend_nearest (CaimanConnection *connection, const CaimanOutMessage *message)
{
  return pick_nearest (connection, message);
}

/* Control messages are small and urgent: they do not wait for a window. */
static CaimanLink *
pick_control_nearest (CaimanConnection *connection)
{
  CaimanLink *best = NULL;
  for (guint i = 0; i < connection->links->len; i++) {
    CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (link->writable && caiman_scheduler_can_carry (link) && is_nearer (link, best))
      best = link;
  }
  return best;
}

/* Whether the application gave weights that differ. */
static gboolean
has_weights (CaimanLink *const *links, gsize n)
{
  for (gsize i = 1; i < n; i++)
    if (links[i]->weight != links[0]->weight)
      return TRUE;
  return FALSE;
}

/* The links of the lowest cost among those that can take something now. */
static gsize
get_candidates (CaimanConnection *connection, CaimanLink *candidates[CAIMAN_LINKS_MAX])
{
  gsize n = 0;
  for (guint i = 0; i < connection->links->len && n < CAIMAN_LINKS_MAX; i++) {
    CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (!caiman_scheduler_can_take (link))
      continue;
    if (n > 0 && link->cost < candidates[0]->cost)
      n = 0;
    if (n == 0 || link->cost == candidates[0]->cost)
      candidates[n++] = link;
  }
  return n;
}

CaimanLink *
caiman_scheduler_pick_weighted (CaimanConnection *connection)
{
  CaimanLink *candidates[CAIMAN_LINKS_MAX];
  gsize n = get_candidates (connection, candidates);
  return has_weights (candidates, n) ? caiman_scheduler_pick_by_weight (candidates, n) : NULL;
}

static CaimanLink *
pick_data_min_rtt (CaimanConnection *connection, gsize head_bytes, gboolean is_stream)
{
  CaimanLink *candidates[CAIMAN_LINKS_MAX];
  gsize n = get_candidates (connection, candidates);
  if (has_weights (candidates, n))
    return caiman_scheduler_pick_by_weight (candidates, n);
  CaimanLink *best = NULL;
  for (gsize i = 0; i < n; i++)
    if (is_nearer (candidates[i], best))
      best = candidates[i];
  return best;
}

static CaimanLink *
pick_data_round_robin (CaimanConnection *connection, gsize head_bytes, gboolean is_stream)
{
  CaimanLink *candidates[CAIMAN_LINKS_MAX];
  return caiman_scheduler_pick_by_weight (candidates, get_candidates (connection, candidates));
}

/* The oldest message that @link has not carried yet, from its cursor on. */
static CaimanOutMessage *
get_next_copy (CaimanConnection *connection, CaimanLink *link)
{
  CaimanSendQueue *queue = &connection->queue;
  /* A cursor outside of what is in the queue is a stale one, or a new link's. */
  if (link->redundant_next_seq - queue->base_seq > queue->next_seq - queue->base_seq)
    link->redundant_next_seq = queue->base_seq;
  while (link->redundant_next_seq != queue->next_seq) {
    CaimanOutMessage *message = caiman_send_queue_find (queue, link->redundant_next_seq);
    if (message && !(message->flags & CAIMAN_OUT_ACKED) && message->n_outstanding > 0)
      return message;
    link->redundant_next_seq++;
  }
  return NULL;
}

static CaimanOutMessage *
pick_duplicate_redundant (CaimanConnection *connection, CaimanLink **link_out)
{
  for (guint i = 0; i < connection->links->len; i++) {
    CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (!caiman_scheduler_can_take (link))
      continue;
    CaimanOutMessage *message = get_next_copy (connection, link);
    if (message) {
      link->redundant_next_seq = message->seq + 1;
      *link_out = link;
      return message;
    }
  }
  return NULL;
}

/* New data only goes ahead on a link that has nothing to copy: the redundant policy adds no
 * capacity, so the slower links follow as they can. */
static CaimanLink *
pick_data_redundant (CaimanConnection *connection, gsize head_bytes, gboolean is_stream)
{
  CaimanLink *best = NULL;
  for (guint i = 0; i < connection->links->len; i++) {
    CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (caiman_scheduler_can_take (link) && is_nearer (link, best) &&
        get_next_copy (connection, link) == NULL)
      best = link;
  }
  return best;
}

/* What a link carried itself it need not copy. */
static void
sent_redundant (CaimanLink *link, guint32 seq, gsize bytes)
{
  if (!caiman_serial_before (seq, link->redundant_next_seq))
    link->redundant_next_seq = seq + 1;
}

const CaimanScheduler caiman_scheduler_min_rtt = {
  .name = "min-rtt",
  .uses_control = TRUE,
  .pick_data = pick_data_min_rtt,
  .pick_resend = pick_resend_nearest,
  .pick_control = pick_control_nearest,
  .link_working = caiman_control_link_working,
  .link_not_working = caiman_control_link_not_working,
  .acked = caiman_control_acked,
  .advance = caiman_control_advance,
  .get_deadline = caiman_control_get_deadline,
};

const CaimanScheduler caiman_scheduler_round_robin = {
  .name = "round-robin",
  .uses_control = TRUE,
  .pick_data = pick_data_round_robin,
  .pick_resend = pick_resend_nearest,
  .pick_control = pick_control_nearest,
  .link_working = caiman_control_link_working,
  .link_not_working = caiman_control_link_not_working,
  .acked = caiman_control_acked,
  .advance = caiman_control_advance,
  .get_deadline = caiman_control_get_deadline,
};

const CaimanScheduler caiman_scheduler_redundant = {
  .name = "redundant",
  .uses_control = TRUE,
  .pick_data = pick_data_redundant,
  .pick_resend = pick_resend_nearest,
  .pick_control = pick_control_nearest,
  .pick_duplicate = pick_duplicate_redundant,
  .sent = sent_redundant,
  .link_working = caiman_control_link_working,
  .link_not_working = caiman_control_link_not_working,
  .acked = caiman_control_acked,
  .advance = caiman_control_advance,
  .get_deadline = caiman_control_get_deadline,
};
