/* SPDX-License-Identifier: Apache-2.0 */
/* link-control.c - how much may be in flight on a link, and when it is suspected.
 *
 * Window: doubles per round trip from the start window while the delivery rate still grows (as slow
 * start), then follows rate x RTT: 1.25 SRTT + 4 RTTVAR, within 2 to 4 times the bandwidth-delay
 * product, plus two messages, so that late acknowledgements (jitter, retransmissions below) do not
 * leave the link idle and a link that has become faster is found out within a few round trips. What
 * keeps the queue short is the limit on unsent data below (caiman_link_get_send_limit()): two
 * messages, or four. When the minimum RTT has not been met for a while, the window goes below the
 * BDP for two round trips to let queues drain and see it again (compare BBR,
 * draft-cardwell-iccrg-bbr-congestion-control). Within one machine the window is at most 1.5 MiB.
 * Over a transport with a congestion control of its own, none of that: TCP does not open a window
 * that is not filled (RFC 7661), so it alone decides how much is in flight.
 *
 * Suspicion: the oldest message is overdue by SRTT + max (4 RTTVAR, floor), as RFC 6298's RTO, or
 * by what lone messages take and the floor (rtt.h), and no acknowledgement came for the floor
 * either. What is out on a suspected link is duplicated on
 * others at once; any acknowledgement clears it, and the link earns some patience; if none comes,
 * the link stops working. That more segments got through below (a transport with congestion control
 * tells) is as good as an acknowledgement: TCP repairs a loss, and a link that gets nothing
 * meanwhile runs dry, and is filled in one burst afterwards, for the next loss. */
#include "core/scheduler.h"

#define YOUNG_ACKS            8
#define PROBE_RTT_INTERVAL_NS (8 * CAIMAN_NS_PER_S)
#define STARTUP_RTT_MARGIN_NS (4 * CAIMAN_NS_PER_MS)
#define STARTUP_FULL_ROUNDS   3
#define PATIENCE_MEMORY_NS    (30 * CAIMAN_NS_PER_S)
#define WINDOW_MIN_BYTES      2800
#define LOCAL_MIN_RTT_NS      (100 * CAIMAN_NS_PER_US)
#define LOCAL_RTT_NS          (5 * CAIMAN_NS_PER_MS)
#define LOCAL_WINDOW_BYTES    (1536 * 1024)

/* --- What is known of a link --- */

gint64
caiman_control_get_rate (const CaimanLink *link)
{
  gint64 rate_bps = caiman_rate_get_bps (&link->rate);
  if (rate_bps > 0)
    return rate_bps;
  gint64 rtt_ns = MAX (link->rtt.srtt_ns, CAIMAN_NS_PER_MS);
  return caiman_muldiv (link->connection->config.link_window_start_bytes, 8 * CAIMAN_NS_PER_S,
                        rtt_ns);
}

static gint64
get_min_rtt (const CaimanLink *link)
{
  return caiman_rtt_get_min (&link->rtt, link->connection->now_ns);
}

static gint64
get_send_time (gint64 bytes, gint64 rate_bps)
{
  return caiman_muldiv (bytes, 8 * CAIMAN_NS_PER_S, MAX (rate_bps, 1));
}

gint64
caiman_control_get_bdp (const CaimanLink *link)
{
  gint64 rate_bps = caiman_rate_get_bps (&link->rate);
  if (rate_bps == 0)
    return link->connection->config.link_window_start_bytes;
  return caiman_muldiv (rate_bps, get_min_rtt (link), 8 * CAIMAN_NS_PER_S);
}

gint64
caiman_control_get_arrival (const CaimanLink *link, gsize bytes)
{
  gint64 rate_bps = caiman_control_get_rate (link), min_rtt_ns = get_min_rtt (link);
  gint64 queue_ns = MAX (get_send_time (link->flight.bytes, rate_bps) - min_rtt_ns, 0);
  return min_rtt_ns / 2 + queue_ns + get_send_time ((gint64)bytes, rate_bps);
}

/* Of its transport from end to end, as TCP has: one that counts what gets through, and whose round
 * trip is the link's. Where it is much shorter, there is a proxy on the way that acknowledges for
 * the peer, and what the transport knows ends there. */
static gboolean
has_congestion_control (const CaimanLink *link)
{
  const CaimanLinkHint *hint = &link->hint;
  return hint->delivered > 0 && hint->min_rtt_ns > 0 && hint->min_rtt_ns >= get_min_rtt (link) / 2;
}

/* --- Window --- */

/* Within one machine, or next to it, nothing is under way: what is in flight waits for a process to
 * be woken, and so the rates that are measured are those of bursts. A window that followed them
 * would fill memory, and caches. The transport's own RTT tells, and the link's, as the transport
 * may only lead to a relay. */
static gboolean
is_local (const CaimanLink *link)
{
  return link->hint.min_rtt_ns > 0 && link->hint.min_rtt_ns < LOCAL_MIN_RTT_NS &&
         get_min_rtt (link) < LOCAL_RTT_NS;
}

static gint64
clamp_window (const CaimanLink *link, gint64 window_bytes)
{
  gint64 max_bytes = link->connection->config.link_window_max_bytes;
  if (window_bytes > LOCAL_WINDOW_BYTES && max_bytes > LOCAL_WINDOW_BYTES && is_local (link))
    max_bytes = LOCAL_WINDOW_BYTES;
  return CLAMP (window_bytes, WINDOW_MIN_BYTES, max_bytes);
}

void
caiman_control_link_working (CaimanLink *link)
{
  CaimanConnection *connection = link->connection;
  link->control = (CaimanLinkControl) { .startup = TRUE,
                                        .round_rtt_ns = CAIMAN_TIME_NEVER,
                                        .min_rtt_stamp_ns = connection->now_ns };
  caiman_rate_reset (&link->rate);
  link->send_limit_bytes = connection->config.link_window_start_bytes;
  caiman_link_set_window (link, clamp_window (link, connection->config.link_window_start_bytes));
}

void
caiman_control_link_not_working (CaimanLink *link)
{
  caiman_link_set_window (link,
                          clamp_window (link, link->connection->config.link_window_start_bytes));
}

/* Startup ends when the rate has stopped growing, or a queue has formed. */
static void
check_startup_end (CaimanLink *link)
{
  CaimanLinkControl *control = &link->control;
  gint64 rate_bps = caiman_rate_get_bps (&link->rate), min_rtt_ns = get_min_rtt (link);
  gint64 queued_ns = control->round_rtt_ns - min_rtt_ns;
  gint64 margin_ns = MAX (min_rtt_ns / 4, STARTUP_RTT_MARGIN_NS);
  if (rate_bps >= control->full_rate_bps / 4 * 5) {
    control->full_rate_bps = rate_bps;
    control->full_rounds = 0;
  } else if (link->flight.bytes * 2 >= link->window_bytes) {
    control->full_rounds++;
  }
  if (control->full_rounds >= STARTUP_FULL_ROUNDS ||
      (control->round_rtt_ns != CAIMAN_TIME_NEVER && queued_ns > margin_ns))
    control->startup = FALSE;
}

static gint64
get_target_window (const CaimanLink *link, gint64 message_bytes)
{
  if (has_congestion_control (link))
    return link->connection->config.link_window_max_bytes;
  gint64 bdp = caiman_control_get_bdp (link);
  gint64 quantum = MAX (message_bytes, (gint64)caiman_link_get_chunk_bytes (link));
  if (link->control.probe_rtt_until_ns > 0)
    return MAX (bdp * 3 / 4, 2 * quantum);
  gint64 rate_bps = caiman_rate_get_bps (&link->rate);
  gint64 time_ns = link->rtt.srtt_ns / 4 * 5 + 4 * link->rtt.rttvar_ns;
  gint64 window = caiman_muldiv (rate_bps, time_ns, 8 * CAIMAN_NS_PER_S);
  return CLAMP (window, 2 * bdp, 4 * bdp) + 2 * quantum;
}

/* A path that has become longer starves the link: the rate falls although the window is full, and
 * even the smallest RTT of a round trip is far above the minimum, which is then out of date. */
static void
check_longer_path (CaimanLink *link)
{
  gint64 min_rtt_ns = get_min_rtt (link), round_ns = link->control.round_rtt_ns;
  gboolean longer = round_ns != CAIMAN_TIME_NEVER &&
                    round_ns > min_rtt_ns + min_rtt_ns / 2 + STARTUP_RTT_MARGIN_NS;
  gboolean starved = link->flight.bytes * 4 >= link->window_bytes * 3 &&
                     link->rate.latest_bps < caiman_rate_get_bps (&link->rate) / 4 * 3;
  if (longer && starved)
    caiman_rtt_reset_min (&link->rtt, round_ns, link->connection->now_ns);
}

/* Two messages may wait below, so that the link never runs dry; what waits there delays
 * acknowledgements in the same direction and cannot go elsewhere when the link fails. Four over a
 * congestion control: with less at hand TCP finds too often that there is nothing to be sent, which
 * BBR takes for the application's limit, and its samples for worth less. */
static void
update_send_limit (CaimanLink *link)
{
  gint64 n_messages = has_congestion_control (link) ? 4 : 2;
  gint64 limit_bytes = n_messages * (gint64)caiman_link_get_chunk_bytes (link);
  if (ABS (limit_bytes - link->send_limit_bytes) > link->send_limit_bytes / 8)
    link->send_limit_bytes = limit_bytes;
}

static void
update_probe_rtt (CaimanLink *link, gint64 sample_ns)
{
  CaimanLinkControl *control = &link->control;
  gint64 now_ns = link->connection->now_ns;
  if (control->probe_rtt_until_ns > 0) {
    if (now_ns >= control->probe_rtt_until_ns) {
      control->probe_rtt_until_ns = 0;
      control->min_rtt_stamp_ns = now_ns;
    }
    return;
  }
  if (sample_ns <= get_min_rtt (link))
    control->min_rtt_stamp_ns = now_ns;
  else if (now_ns - control->min_rtt_stamp_ns >= PROBE_RTT_INTERVAL_NS)
    control->probe_rtt_until_ns = now_ns + 2 * link->rtt.srtt_ns;
}

/* What a lone message took, but for its own length. */
static void
learn_lone (CaimanLink *link, gint64 bytes, gint64 sample_ns)
{
  gint64 send_ns = get_send_time (bytes, caiman_control_get_rate (link));
  caiman_rtt_add_lone (&link->rtt, MAX (sample_ns - send_ns, 0));
}

void
caiman_control_acked (CaimanLink *link, const CaimanTransmission *transmission, gboolean new_round)
{
  CaimanLinkControl *control = &link->control;
  if (link->state != CAIMAN_LINK_WORKING || transmission->written_off)
    return;
  gint64 bytes = transmission->size_bytes;
  gint64 sample_ns = link->connection->now_ns - transmission->snapshot.sent_ns;
  if (transmission->lone)
    learn_lone (link, bytes, sample_ns);
  control->n_acked++;
  control->round_rtt_ns = MIN (control->round_rtt_ns, sample_ns);

  if (control->startup) {
    if ((link->flight.bytes + bytes) * 2 >= link->window_bytes)
      caiman_link_set_window (link, clamp_window (link, link->window_bytes + bytes));
    if (new_round)
      check_startup_end (link);
  } else {
    if (!has_congestion_control (link))
      update_probe_rtt (link, sample_ns);
    if (new_round)
      check_longer_path (link);
  }
  if (new_round)
    control->round_rtt_ns = CAIMAN_TIME_NEVER;
  if (control->startup || caiman_rate_get_bps (&link->rate) == 0)
    return;
  update_send_limit (link);
  caiman_link_set_window (link, clamp_window (link, get_target_window (link, bytes)));
}

/* --- Suspicion --- */

static gboolean
has_alternative (const CaimanLink *link)
{
  const CaimanConnection *connection = link->connection;
  for (guint i = 0; i < connection->links->len; i++) {
    const CaimanLink *other = g_ptr_array_index (connection->links, i);
    if (other != link && caiman_scheduler_is_usable (other) && !other->suspected)
      return TRUE;
  }
  return FALSE;
}

/* How late the link has lately been without being dead; the memory fades in half a minute. */
static gint64
get_lateness (const CaimanLink *link)
{
  const CaimanLinkControl *control = &link->control;
  gint64 age_ns = link->connection->now_ns - control->patience_stamp_ns;
  if (control->patience_ns == 0 || age_ns >= PATIENCE_MEMORY_NS)
    return 0;
  return caiman_muldiv (control->patience_ns, PATIENCE_MEMORY_NS - age_ns, PATIENCE_MEMORY_NS);
}

/* A link that is late now and then (retransmissions below, a burst of jitter) is not suspected for
 * the same lateness over and over. But never wait for longer than it takes the other links to carry
 * its flight again: then the duplicates cost less than the wait. */
static gint64
get_patience (const CaimanLink *link)
{
  gint64 lateness_ns = get_lateness (link);
  if (lateness_ns == 0)
    return 0;
  const CaimanConnection *connection = link->connection;
  gint64 rate_bps = 0;
  for (guint i = 0; i < connection->links->len; i++) {
    const CaimanLink *other = g_ptr_array_index (connection->links, i);
    if (other != link && caiman_scheduler_is_usable (other) && !other->suspected)
      rate_bps += caiman_control_get_rate (other);
  }
  return MIN (lateness_ns, get_send_time (link->flight.bytes, rate_bps));
}

void
caiman_control_suspected_in_vain (CaimanLink *link)
{
  CaimanLinkControl *control = &link->control;
  gint64 now_ns = link->connection->now_ns;
  gint64 late_ns = now_ns - link->suspected_since_ns;
  /* A retransmission below costs about one RTT; a link that was away for longer was dark. */
  gint64 most_ns = link->rtt.srtt_ns / 4 * 5;
  gint64 patience_ns = MAX (get_lateness (link), late_ns + late_ns / 4);
  control->patience_ns = MIN (patience_ns, most_ns);
  control->patience_stamp_ns = now_ns;
}

static gint64
get_probe_timeout (const CaimanLink *link)
{
  const CaimanConfig *config = &link->connection->config;
  /* The transport itself has been waiting for its peer: that is all the doubt there can be. */
  if (link->hint.backoff > 0)
    return link->rtt.srtt_ns + config->suspect_floor_ns;
  gint64 timeout_ns = caiman_rtt_get_timeout (&link->rtt, config->suspect_floor_ns);
  /* A peer that holds acknowledgements back is not silent. */
  timeout_ns = MAX (timeout_ns, caiman_rtt_get_lone (&link->rtt) + config->suspect_floor_ns);
  timeout_ns += config->max_ack_delay_ns + get_patience (link);
  /* Before the first acknowledgements only the handshake's RTT is known, without any queue. */
  if (link->control.n_acked < YOUNG_ACKS)
    timeout_ns = 2 * timeout_ns + 100 * CAIMAN_NS_PER_MS;
  return timeout_ns;
}

/* How long the transport's word is taken for life without one of the peer's: what acknowledges
 * segments may be a proxy on the way, behind which everything is dark. */
static gint64
get_trust_end (const CaimanLink *link)
{
  return caiman_time_add (link->last_ack_ns, 2 * get_probe_timeout (link));
}

void
caiman_control_hinted (CaimanLink *link, gboolean gets_through)
{
  if (!has_congestion_control (link) || link->state != CAIMAN_LINK_WORKING)
    return;
  if (link->control.startup) {
    link->control.startup = FALSE;
    update_send_limit (link);
    caiman_link_set_window (link, clamp_window (link, get_target_window (link, 0)));
  }
  if (!gets_through)
    return;
  link->delivered_ns = link->connection->now_ns;
  if (link->delivered_ns <= get_trust_end (link))
    caiman_link_clear_suspicion (link);
}

/* When the link becomes suspect, as things are; CAIMAN_TIME_NEVER: not at all. */
static gint64
get_suspect_time (const CaimanLink *link)
{
  if (link->state != CAIMAN_LINK_WORKING || link->suspected || link->flight.n == 0 ||
      !has_alternative (link))
    return CAIMAN_TIME_NEVER;
  const CaimanTransmission *head = &link->flight.slots[link->flight.head];
  gint64 send_ns = get_send_time (head->size_bytes, caiman_control_get_rate (link));
  gint64 overdue_ns = caiman_time_add (head->snapshot.sent_ns, get_probe_timeout (link) + send_ns);
  gint64 heard_ns = MAX (link->last_ack_ns, MIN (link->delivered_ns, get_trust_end (link)));
  gint64 silent_ns =
      caiman_time_add (heard_ns, link->connection->config.suspect_floor_ns + 2 * send_ns);
  return MAX (overdue_ns, silent_ns);
}

static gint64
get_condemn_time (const CaimanLink *link)
{
  if (!link->suspected || !has_alternative (link))
    return CAIMAN_TIME_NEVER;
  gint64 grace_ns = MAX (link->connection->config.condemn_min_ns, 2 * get_probe_timeout (link));
  return caiman_time_add (link->suspected_since_ns, grace_ns);
}

gint64
caiman_control_get_deadline (const CaimanConnection *connection)
{
  gint64 deadline_ns = CAIMAN_TIME_NEVER;
  for (guint i = 0; i < connection->links->len; i++) {
    const CaimanLink *link = g_ptr_array_index (connection->links, i);
    deadline_ns = MIN (deadline_ns, get_suspect_time (link));
    deadline_ns = MIN (deadline_ns, get_condemn_time (link));
  }
  return deadline_ns;
}

void
caiman_control_advance (CaimanConnection *connection)
{
  gint64 now_ns = connection->now_ns;
  for (guint i = 0; i < connection->links->len; i++) {
    CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (now_ns >= get_suspect_time (link)) {
      const CaimanTransmission *head = &link->flight.slots[link->flight.head];
      caiman_link_suspect (link, now_ns - MAX (link->last_ack_ns, head->snapshot.sent_ns));
    } else if (now_ns >= get_condemn_time (link)) {
      caiman_link_set_state (link, CAIMAN_LINK_NOT_WORKING, CAIMAN_REASON_ACK_TIMEOUT);
      caiman_link_start_test (link);
    }
  }
}
