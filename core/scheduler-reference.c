/* SPDX-License-Identifier: Apache-2.0 */
/* scheduler-reference.c - the peers' algorithm as PROTOCOL.md, 7 tells it: the yardstick.
 *
 * Where 0.9 and 0.10 differ, config.reference_generation decides. */
#include "core/scheduler.h"

#include "core/serial.h"

#define LIMIT_MIN_BYTES      128
#define GROWTH_COUNT_START   45
#define SHRINK_REARM_NS      CAIMAN_NS_PER_S
#define RELIABLE_RTT_SAMPLES 10

static gboolean
is_generation_10 (const CaimanConnection *connection)
{
  return connection->config.reference_generation >= 10;
}

/* --- The choice: the most recently idle link that is under its limit --- */

static CaimanLink *
pick_most_recent (CaimanConnection *connection, guint32 except_link_id)
{
  CaimanLink *best = NULL;
  for (guint i = 0; i < connection->links->len; i++) {
    CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (link->id == except_link_id || !caiman_scheduler_can_take (link))
      continue;
    if (best == NULL || link->idle_stamp > best->idle_stamp)
      best = link;
  }
  return best;
}

/* The peers know no weights; where the application gives some, they hold here, too. */
static CaimanLink *
pick_data (CaimanConnection *connection, gsize head_bytes, gboolean is_stream)
{
  if (connection->queue.n_resend > 0)
    return NULL;
  CaimanLink *weighted = caiman_scheduler_pick_weighted (connection);
  return weighted ? weighted : pick_most_recent (connection, 0);
}

static CaimanLink *
pick_resend (CaimanConnection *connection, const CaimanOutMessage *message)
{
  return pick_most_recent (connection, is_generation_10 (connection) ? message->last_link_id : 0);
}

static CaimanLink *
pick_control (CaimanConnection *connection)
{
  CaimanLink *best = NULL;
  for (guint i = 0; i < connection->links->len; i++) {
    CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (link->writable && caiman_scheduler_can_carry (link) &&
        (best == NULL || link->idle_stamp > best->idle_stamp))
      best = link;
  }
  return best;
}

/* --- Limits --- */

static void
link_working (CaimanLink *link)
{
  link->reference =
      (CaimanLinkReference) { .growth_count = GROWTH_COUNT_START, .limit_changed = TRUE };
}

static gint64
get_growth_percent (const CaimanLink *link, guint n_working)
{
  if (n_working == 1 && is_generation_10 (link->connection))
    return 100;
  guint count = link->reference.growth_count;
  if (count >= 100)
    return 20;
  if (count >= 50)
    return 10;
  if (count >= 25)
    return 5;
  return count >= 10 ? 2 : 1;
}

static gboolean
may_grow (const CaimanLink *link)
{
  const CaimanConnection *connection = link->connection;
  if (!link->writable || link->flight.bytes < link->window_bytes ||
      link->window_bytes >= connection->config.link_window_max_bytes)
    return FALSE;
  if (link->reference.grown && !link->reference.acked_since)
    return FALSE;
  if (connection->config.slow_link_factor == 0)
    return TRUE;
  return link->rtt.n_samples >= RELIABLE_RTT_SAMPLES &&
         link->rtt.srtt_ns / 4 <= caiman_connection_get_best_rtt (connection);
}

static void
grow (CaimanLink *link, guint n_working)
{
  CaimanLinkReference *reference = &link->reference;
  gint64 percent = get_growth_percent (link, n_working);
  gint64 limit = link->window_bytes + MAX (link->window_bytes * percent / 100, 1);
  caiman_link_set_window (link, MIN (limit, link->connection->config.link_window_max_bytes));
  reference->growth_count++;
  reference->grown = TRUE;
  reference->last_growth_seq = link->connection->queue.next_seq;
  reference->acked_since = FALSE;
}

static gboolean
starved (CaimanConnection *connection)
{
  guint n_working = 0;
  if (connection->queue.n_resend > 0)
    return FALSE;
  for (guint i = 0; i < connection->links->len; i++) {
    const CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (!caiman_scheduler_can_carry (link))
      continue;
    n_working++;
    if (link->flight.bytes < link->window_bytes)
      return FALSE;
  }
  gboolean grown = FALSE;
  for (guint i = 0; i < connection->links->len; i++) {
    CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (!caiman_scheduler_can_carry (link) || !may_grow (link))
      continue;
    grow (link, n_working);
    grown = TRUE;
  }
  return grown;
}

static CaimanLink *
find_link (CaimanConnection *connection, guint32 id)
{
  for (guint i = 0; i < connection->links->len; i++) {
    CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (link->id == id)
      return link;
  }
  return NULL;
}

/* The link with the oldest unacknowledged message holds up the others: it may have less out. */
static void
shrink (CaimanConnection *connection, gint64 percent)
{
  const CaimanOutMessage *oldest =
      caiman_send_queue_find (&connection->queue, connection->queue.base_seq);
  CaimanLink *link = oldest ? find_link (connection, oldest->last_link_id) : NULL;
  if (link == NULL)
    return;
  gint64 limit = MIN (link->window_bytes, link->flight.bytes) * percent / 100;
  caiman_link_set_window (link, MAX (limit, LIMIT_MIN_BYTES));
  link->reference.growth_count = 0;
}

static void
check_shrink (CaimanConnection *connection)
{
  guint64 base =
      (guint64)MIN (connection->config.send_buffer_bytes, connection->remote_receive_buffer_bytes);
  guint64 level = connection->unconsumable_bytes;
  gint64 now_ns = connection->now_ns;
  if (level <= base / 3 || now_ns - connection->shrunk_third_ns >= SHRINK_REARM_NS)
    connection->shrunk_third = FALSE;
  if (level <= base / 3 || now_ns - connection->shrunk_three_quarters_ns >= SHRINK_REARM_NS)
    connection->shrunk_three_quarters = FALSE;
  if (level >= base / 4)
    for (guint i = 0; i < connection->links->len; i++)
      ((CaimanLink *)g_ptr_array_index (connection->links, i))->reference.growth_count = 0;
  if (level > base / 4 * 3 && !connection->shrunk_three_quarters) {
    connection->shrunk_three_quarters = TRUE;
    connection->shrunk_three_quarters_ns = now_ns;
    shrink (connection, 50);
  } else if (level > base / 3 && !connection->shrunk_third) {
    connection->shrunk_third = TRUE;
    connection->shrunk_third_ns = now_ns;
    shrink (connection, 95);
  }
}

/* --- Acknowledgements --- */

static void
update_rtt (CaimanLink *link, gint64 sample_ns)
{
  gint64 now_ns = link->connection->now_ns, srtt_ns = link->rtt.srtt_ns;
  gint64 next_ns;
  if (!is_generation_10 (link->connection)) {
    next_ns = srtt_ns + (sample_ns - srtt_ns) / 100;
  } else if (link->reference.limit_changed) {
    link->reference.limit_changed = FALSE;
    next_ns = sample_ns;
  } else if (sample_ns > srtt_ns) {
    next_ns = srtt_ns + (sample_ns - srtt_ns) / 4 * 3;
  } else {
    next_ns = srtt_ns + (sample_ns - srtt_ns) / 100;
  }
  caiman_rtt_replace (&link->rtt, next_ns, now_ns);
}

/* From 0.10 on: above five times the best RTT the limit goes down a step per round trip. */
static void
check_slow (CaimanLink *link)
{
  gint64 factor = link->connection->config.slow_link_factor;
  gint64 best_ns = caiman_connection_get_best_rtt (link->connection);
  if (factor == 0 || best_ns == CAIMAN_TIME_NEVER || link->rtt.srtt_ns / factor <= best_ns)
    return;
  caiman_link_set_window (link, MAX (link->window_bytes / 20 * 19, LIMIT_MIN_BYTES));
}

static void
acked (CaimanLink *link, const CaimanTransmission *transmission, gboolean new_round)
{
  CaimanConnection *connection = link->connection;
  CaimanLinkReference *reference = &link->reference;
  if (!reference->grown || !caiman_serial_before (transmission->seq, reference->last_growth_seq))
    reference->acked_since = TRUE;
  update_rtt (link, connection->now_ns - transmission->snapshot.sent_ns);
  if (new_round)
    check_slow (link);
  check_shrink (connection);
  if (is_generation_10 (connection) && link->state == CAIMAN_LINK_NOT_WORKING &&
      link->reason == CAIMAN_REASON_ACK_TIMEOUT && link->flight.n == 0)
    caiman_link_pass_test (link);
}

/* --- Acknowledgement time-out: of the oldest unacknowledged message only --- */

static const CaimanTransmission *
find_oldest (const CaimanConnection *connection, CaimanLink **link_out)
{
  CaimanSendQueue *queue = (CaimanSendQueue *)&connection->queue;
  const CaimanOutMessage *oldest = caiman_send_queue_find (queue, queue->base_seq);
  if (oldest == NULL || oldest->flags & CAIMAN_OUT_LOST)
    return NULL;
  CaimanLink *link = find_link ((CaimanConnection *)connection, oldest->last_link_id);
  if (link == NULL || link->state != CAIMAN_LINK_WORKING)
    return NULL;
  for (guint32 i = 0; i < link->flight.n; i++) {
    const CaimanTransmission *transmission = caiman_flight_get (&link->flight, i);
    if (transmission->seq == oldest->seq && !transmission->acked && !transmission->written_off) {
      *link_out = link;
      return transmission;
    }
  }
  return NULL;
}

static gint64
get_deadline (const CaimanConnection *connection)
{
  CaimanLink *link;
  const CaimanTransmission *oldest = find_oldest (connection, &link);
  if (oldest == NULL)
    return CAIMAN_TIME_NEVER;
  return caiman_time_add (oldest->snapshot.sent_ns, caiman_link_get_ack_timeout (link, oldest));
}

static void
advance (CaimanConnection *connection)
{
  if (connection->now_ns < get_deadline (connection))
    return;
  CaimanLink *link;
  find_oldest (connection, &link);
  gint64 limit = is_generation_10 (connection)
                     ? link->window_bytes / 2
                     : MIN (link->window_bytes, connection->config.link_window_start_bytes);
  caiman_link_set_window (link, MAX (limit, LIMIT_MIN_BYTES));
  caiman_link_set_state (link, CAIMAN_LINK_NOT_WORKING, CAIMAN_REASON_ACK_TIMEOUT);
  if (!is_generation_10 (connection))
    caiman_link_start_test (link);
  else if (link->ping_sent_ns == CAIMAN_TIME_NEVER)
    link->outbox |= CAIMAN_OUTBOX_PING;
}

const CaimanScheduler caiman_scheduler_reference = {
  .name = "reference",
  .pick_data = pick_data,
  .pick_resend = pick_resend,
  .pick_control = pick_control,
  .link_working = link_working,
  .acked = acked,
  .starved = starved,
  .advance = advance,
  .get_deadline = get_deadline,
};
