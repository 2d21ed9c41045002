/* SPDX-License-Identifier: Apache-2.0 */
/* scheduler-adaptive.c - the default policy: earliest arrival, and wait where that is earlier.
 *
 * New data goes to the link on which it is expected to arrive first. When the links that would be
 * faster have no room right now, a slower one gets it only if all that waits could not arrive over
 * the faster ones by then (ECF: Lim et al., CoNEXT 2017), and only if the data that the faster ones
 * send meanwhile still fits into the flow-control windows (BLEST: Ferlin et al., IFIP 2016).
 * When nothing new can be sent, links with room duplicate what is expected to arrive later on its
 * own link than on them: the end of a transfer never waits for a link that turned out slow. */
#include "core/scheduler.h"

#define FRESH_NS CAIMAN_NS_PER_S

/* One link that may carry data, as the choice sees it. */
typedef struct {
  CaimanLink *link;
  gint64 rate_bps;
  gint64 arrival_ns;  /* of its next message, from now */
  gint64 constant_ns; /* part of it that does not depend on what is sent: delay and queue */
  gboolean can_take;
} View;

static gsize
get_size_on (const CaimanLink *link, gsize head_bytes, gboolean is_stream)
{
  return is_stream ? MIN (head_bytes, caiman_link_get_chunk_bytes (link)) : head_bytes;
}

static guint
get_views (CaimanConnection *connection, gsize head_bytes, gboolean is_stream,
           View views[CAIMAN_LINKS_MAX])
{
  guint n = 0;
  for (guint i = 0; i < connection->links->len && n < CAIMAN_LINKS_MAX; i++) {
    CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (!caiman_scheduler_can_carry (link))
      continue;
    views[n++] = (View) {
      .link = link,
      .rate_bps = caiman_control_get_rate (link),
      .arrival_ns = caiman_control_get_arrival (link, get_size_on (link, head_bytes, is_stream)),
      .constant_ns = caiman_control_get_arrival (link, 0),
      .can_take =
          link->writable && (link->flight.bytes < link->window_bytes || link->flight.bytes == 0),
    };
  }
  return n;
}

/* Among the cheapest links with room: by weight where weights differ, else the earliest arrival. */
static const View *
pick_with_room (const View *views, guint n)
{
  CaimanLink *candidates[CAIMAN_LINKS_MAX];
  gsize n_candidates = 0;
  const View *best = NULL;
  gboolean weighted = FALSE;
  for (guint i = 0; i < n; i++) {
    if (!views[i].can_take || (best && views[i].link->cost > best->link->cost))
      continue;
    if (best && views[i].link->cost < best->link->cost) {
      best = NULL;
      n_candidates = 0;
      weighted = FALSE;
    }
    if (best)
      weighted |= views[i].link->weight != best->link->weight;
    candidates[n_candidates++] = views[i].link;
    if (best == NULL || views[i].arrival_ns < best->arrival_ns)
      best = &views[i];
  }
  if (!weighted)
    return best;
  const CaimanLink *chosen = caiman_scheduler_pick_by_weight (candidates, n_candidates);
  for (guint i = 0; i < n; i++)
    if (views[i].link == chosen)
      return &views[i];
  return best;
}

/* Bytes that both flow-control windows still let out. */
static gint64
get_window_room (const CaimanConnection *connection)
{
  gint64 send_room = connection->config.send_buffer_bytes - (gint64)connection->unacked_bytes;
  gint64 receive_room =
      connection->remote_receive_buffer_bytes - (gint64)connection->unconsumed_bytes;
  return MIN (send_room, receive_room);
}

/* Would waiting for the links that are faster than @chosen, but have no room now, be better? */
static gboolean
should_wait (const CaimanConnection *connection, const View *views, guint n, const View *chosen)
{
  gint64 rate_bps = 0, busy_bits = 0;
  for (guint i = 0; i < n; i++) {
    if (views[i].can_take || views[i].arrival_ns >= chosen->arrival_ns ||
        views[i].link->cost > chosen->link->cost)
      continue;
    rate_bps += views[i].rate_bps;
    busy_bits += caiman_muldiv (views[i].rate_bps, views[i].constant_ns, CAIMAN_NS_PER_S);
  }
  if (rate_bps == 0)
    return FALSE;
  /* An application that fills its buffer has more behind it: the backlog is not known. */
  if (!connection->write_blocked) {
    gint64 backlog_bits = (gint64)connection->unsent_bytes * 8;
    gint64 finish_ns = caiman_muldiv (backlog_bits + busy_bits, CAIMAN_NS_PER_S, rate_bps);
    if (finish_ns <= chosen->arrival_ns)
      return TRUE;
  }
  gint64 meanwhile_bytes = caiman_muldiv (rate_bps, chosen->arrival_ns, 8 * CAIMAN_NS_PER_S);
  return meanwhile_bytes > get_window_room (connection);
}

static CaimanLink *
pick_data (CaimanConnection *connection, gsize head_bytes, gboolean is_stream)
{
  View views[CAIMAN_LINKS_MAX];
  guint n = get_views (connection, head_bytes, is_stream, views);
  const View *chosen = pick_with_room (views, n);
  if (chosen == NULL || should_wait (connection, views, n, chosen))
    return NULL;
  return chosen->link;
}

/* Something came in on it lately: of two links that could save the day, that one is alive. */
static gboolean
is_fresh (const CaimanLink *link)
{
  return link->connection->now_ns - link->last_received_ns <= FRESH_NS;
}

static CaimanLink *
pick_resend (CaimanConnection *connection, const CaimanOutMessage *message)
{
  CaimanLink *best = NULL, *last = NULL;
  gint64 best_ns = CAIMAN_TIME_NEVER;
  for (guint i = 0; i < connection->links->len; i++) {
    CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (!caiman_scheduler_can_take (link))
      continue;
    if (link->id == message->last_link_id) {
      last = link;
      continue;
    }
    gint64 arrival_ns = caiman_control_get_arrival (link, message->size_bytes);
    if (!is_fresh (link))
      arrival_ns += FRESH_NS;
    if (!link->suspected && arrival_ns < best_ns) {
      best = link;
      best_ns = arrival_ns;
    }
  }
  if (best == NULL && message->flags & CAIMAN_OUT_LOST)
    return last;
  return best;
}

static CaimanLink *
pick_control (CaimanConnection *connection)
{
  CaimanLink *best = NULL;
  gint64 best_ns = CAIMAN_TIME_NEVER;
  for (guint i = 0; i < connection->links->len; i++) {
    CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (!link->writable || !caiman_scheduler_can_carry (link))
      continue;
    gint64 arrival_ns = caiman_control_get_arrival (link, 0);
    if (arrival_ns < best_ns) {
      best = link;
      best_ns = arrival_ns;
    }
  }
  return best;
}

/* The first message of @slow that would arrive earlier if @fast carried it, too. What is further
 * back in the flight arrives later, so a look at the flight's bytes settles the usual case. */
static CaimanOutMessage *
find_late (CaimanConnection *connection, CaimanLink *slow, const CaimanLink *fast)
{
  const CaimanTransmission *head = caiman_flight_get_head (&slow->flight);
  if (head == NULL)
    return NULL;
  gint64 arrival_ns = caiman_control_get_arrival (fast, head->size_bytes);
  gint64 margin_ns = MAX (arrival_ns / 4, 2 * CAIMAN_NS_PER_MS);
  gint64 return_ns = caiman_rtt_get_min (&slow->rtt, connection->now_ns) / 2;
  gint64 late_from_bytes = caiman_muldiv (arrival_ns + margin_ns + return_ns,
                                          caiman_control_get_rate (slow), 8 * CAIMAN_NS_PER_S);
  if (slow->flight.bytes <= late_from_bytes)
    return NULL;
  gint64 ahead_bytes = 0;
  for (guint32 i = 0; i < slow->flight.n; i++) {
    const CaimanTransmission *transmission = caiman_flight_get (&slow->flight, i);
    if (transmission->acked || transmission->written_off)
      continue;
    ahead_bytes += transmission->size_bytes;
    if (ahead_bytes <= late_from_bytes)
      continue;
    CaimanOutMessage *message = caiman_send_queue_find (&connection->queue, transmission->seq);
    if (message && !(message->flags & (CAIMAN_OUT_ACKED | CAIMAN_OUT_RESENT)))
      return message;
  }
  return NULL;
}

static CaimanOutMessage *
pick_duplicate (CaimanConnection *connection, CaimanLink **link_out)
{
  if (connection->unacked_bytes == 0 || connection->links->len < 2)
    return NULL;
  View views[CAIMAN_LINKS_MAX];
  guint n = get_views (connection, 0, FALSE, views);
  const View *fast = pick_with_room (views, n);
  if (fast == NULL || fast->link->suspected)
    return NULL;
  for (guint i = 0; i < n; i++) {
    if (views[i].link == fast->link)
      continue;
    CaimanOutMessage *message = find_late (connection, views[i].link, fast->link);
    if (message) {
      *link_out = fast->link;
      return message;
    }
  }
  return NULL;
}

const CaimanScheduler caiman_scheduler_adaptive = {
  .name = "adaptive",
  .uses_control = TRUE,
  .pick_data = pick_data,
  .pick_resend = pick_resend,
  .pick_control = pick_control,
  .pick_duplicate = pick_duplicate,
  .link_working = caiman_control_link_working,
  .link_not_working = caiman_control_link_not_working,
  .acked = caiman_control_acked,
  .advance = caiman_control_advance,
  .get_deadline = caiman_control_get_deadline,
};
