/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - states of a link, its inputs, and what the application does with it. */
#include "core/connection-private.h"

#include "core/scheduler.h"

#include <string.h>

/* Twice what is between two looks at the minimum (link-control.c). */
#define MIN_RTT_WINDOW_NS (20 * CAIMAN_NS_PER_S)

/* Sent acknowledgements at the front of the queue before it is moved up. */
#define ACKS_COMPACT 256u

/* Acknowledgements that wait for company (send.c): as many as fit into the 8 KiB that a writer
 * collects, framed. */
#define ACKS_HELD_MAX 512u

/* An answer may take this long on any link. */
#define SILENCE_MIN_NS (500 * CAIMAN_NS_PER_MS)

const char *
caiman_link_state_to_string (CaimanLinkState state)
{
  static const char *const names[CAIMAN_N_LINK_STATES] = {
    [CAIMAN_LINK_CONNECTING] = "connecting", [CAIMAN_LINK_NEW] = "new",
    [CAIMAN_LINK_WORKING] = "working",       [CAIMAN_LINK_NOT_WORKING] = "not-working",
    [CAIMAN_LINK_CLOSING] = "closing",       [CAIMAN_LINK_CLOSED] = "closed",
  };
  return (guint)state < CAIMAN_N_LINK_STATES ? names[state] : "unknown";
}

/* Bit B of row A: a link may go from state A to state B (PROTOCOL.md, 6). */
static const guint8 allowed_transitions[CAIMAN_N_LINK_STATES] = {
  [CAIMAN_LINK_CONNECTING] =
      1 << CAIMAN_LINK_NEW | 1 << CAIMAN_LINK_CLOSING | 1 << CAIMAN_LINK_CLOSED,
  [CAIMAN_LINK_NEW] = 1 << CAIMAN_LINK_WORKING | 1 << CAIMAN_LINK_NOT_WORKING |
                      1 << CAIMAN_LINK_CLOSING | 1 << CAIMAN_LINK_CLOSED,
  [CAIMAN_LINK_WORKING] =
      1 << CAIMAN_LINK_NOT_WORKING | 1 << CAIMAN_LINK_CLOSING | 1 << CAIMAN_LINK_CLOSED,
  [CAIMAN_LINK_NOT_WORKING] =
      1 << CAIMAN_LINK_WORKING | 1 << CAIMAN_LINK_CLOSING | 1 << CAIMAN_LINK_CLOSED,
  [CAIMAN_LINK_CLOSING] = 1 << CAIMAN_LINK_CLOSED,
};

CaimanLink *
caiman_link_new (const CaimanLinkInfo *info, guint32 id, const CaimanConfig *config, gint64 now_ns)
{
  g_return_val_if_fail (info->user_data == NULL ||
                            g_bytes_get_size (info->user_data) <= CAIMAN_USER_DATA_MAX_BYTES,
                        NULL);
  CaimanLink *link = g_new0 (CaimanLink, 1);
  link->ref_count = 1;
  link->handshake_node.data = link->ready_node.data = link;
  link->id = id;
  link->name = g_strdup (info->name ? info->name : "");
  link->local = g_strdup (info->local);
  link->remote = g_strdup (info->remote);
  link->remote_network = g_strdup (info->remote_network ? info->remote_network : info->remote);
  link->user_data = info->user_data ? g_bytes_ref (info->user_data) : NULL;
  link->weight = MAX (info->weight, 1);
  link->cost = info->cost;
  link->quota_bytes = info->quota_bytes;
  link->quota_period_ns = info->quota_period_ns;
  link->quota_period_start_ns = now_ns;
  link->acks = g_array_new (FALSE, FALSE, sizeof (guint32));
  link->unwritable_since_ns = now_ns;
  link->hint = (CaimanLinkHint) { -1, -1, -1, -1, -1, -1 };
  link->delivered_ns = -1;
  link->retest_at_ns = CAIMAN_TIME_NEVER;
  link->ping_sent_ns = CAIMAN_TIME_NEVER;
  link->closing_deadline_ns = CAIMAN_TIME_NEVER;
  link->handshake_sent_ns = link->last_acked_sent_ns = -1;
  link->handshake_deadline_ns = caiman_time_add (now_ns, config->handshake_timeout_ns);
  link->state_since_ns = link->connected_ns = link->last_received_ns = link->last_ack_ns =
      link->last_ping_ns = now_ns;
  link->window_bytes = config->link_window_start_bytes;
  link->send_limit_bytes = G_MAXINT64;
  caiman_rtt_init (&link->rtt, MIN_RTT_WINDOW_NS);
  caiman_rate_init (&link->rate);
  caiman_meter_init (&link->sent_meter, now_ns);
  caiman_meter_init (&link->received_meter, now_ns);
  return link;
}

CaimanLink *
caiman_link_ref (CaimanLink *link)
{
  link->ref_count++;
  return link;
}

void
caiman_link_unref (CaimanLink *link)
{
  if (link == NULL || --link->ref_count > 0)
    return;
  caiman_flight_clear (&link->flight);
  caiman_crypto_key_pair_clear (&link->keys);
  g_clear_pointer (&link->user_data, g_bytes_unref);
  g_clear_pointer (&link->remote_user_data, g_bytes_unref);
  g_array_unref (link->acks);
  g_free (link->name);
  g_free (link->local);
  g_free (link->remote);
  g_free (link->remote_network);
  g_free (link);
}

/* The time of the entry that is being served. */
static gint64
now_of (const CaimanLink *link)
{
  return link->connection ? link->connection->now_ns : link->state_since_ns;
}

static void
leave_working (CaimanLink *link, CaimanResendCause cause)
{
  CaimanConnection *connection = link->connection;
  link->working_total_ns += connection->now_ns - link->state_since_ns;
  link->suspected = FALSE;
  caiman_link_write_off (link, cause);
  if (connection->scheduler->link_not_working)
    connection->scheduler->link_not_working (link);
}

void
caiman_link_set_state (CaimanLink *link, CaimanLinkState state, CaimanReason reason)
{
  CaimanConnection *connection = link->connection;
  CaimanLinkState old = link->state;
  if (old == state)
    return;
  g_assert (allowed_transitions[old] & 1 << state);

  if (old == CAIMAN_LINK_WORKING)
    leave_working (link, state == CAIMAN_LINK_NOT_WORKING ? CAIMAN_RESEND_NOT_WORKING
                                                          : CAIMAN_RESEND_GONE);
  if (old == CAIMAN_LINK_WORKING && state == CAIMAN_LINK_NOT_WORKING)
    link->n_not_working++;
  if (state == CAIMAN_LINK_CLOSING) {
    /* No test matters any more, and its Pong must not bring the link back. */
    link->testing = FALSE;
    link->retest_at_ns = CAIMAN_TIME_NEVER;
    link->outbox &= ~(guint)CAIMAN_OUTBOX_TEST_DATA;
  }
  link->state = state;
  link->reason = reason;
  if (connection == NULL) {
    if (link->server)
      caiman_server_trace (link->server, CAIMAN_TRACE_LINK_STATE, link, old, state, reason);
    return;
  }
  link->state_since_ns = connection->now_ns;
  g_debug (CAIMAN_LOG_PREFIX "link %u (%s) goes from %s to %s: %s",
           CAIMAN_LOG_PREFIX_ARGS (connection), link->id, link->name,
           caiman_link_state_to_string (old), caiman_link_state_to_string (state),
           caiman_reason_to_string (reason));
  caiman_connection_trace (connection, CAIMAN_TRACE_LINK_STATE, link, old, state, reason);
  caiman_connection_push_event (connection, CAIMAN_EVENT_LINK_STATE, link, reason, FALSE);
  if (state == CAIMAN_LINK_WORKING) {
    link->last_ack_ns = connection->now_ns;
    if (connection->scheduler->link_working)
      connection->scheduler->link_working (link);
  }
  caiman_connection_check_links (connection);
}

void
caiman_link_close (CaimanLink *link, CaimanReason reason, gboolean graceful)
{
  CaimanConnection *connection = link->connection;
  if (link->state == CAIMAN_LINK_CLOSED)
    return;
  if (connection == NULL) {
    if (link->server)
      caiman_server_link_failed (link->server, link, reason);
    return;
  }
  G_GNUC_UNUSED g_autoptr (CaimanLink) keep = caiman_link_ref (link);
  link->outbox = 0;
  link->writable = FALSE;
  if (link->state != CAIMAN_LINK_WORKING)
    caiman_link_write_off (link, CAIMAN_RESEND_GONE);
  caiman_link_set_state (link, CAIMAN_LINK_CLOSED, reason);
  caiman_connection_push_event (connection, CAIMAN_EVENT_LINK_CLOSE, link, reason, graceful);
  g_ptr_array_remove (connection->links, link);
  link->connection = NULL;
  caiman_connection_check_links (connection);
  caiman_connection_check_finished (connection);
}

void
caiman_link_close_when_flushed (CaimanLink *link, CaimanReason reason)
{
  if (link->close_when_flushed || link->state == CAIMAN_LINK_CLOSED)
    return;
  link->close_when_flushed = TRUE;
  link->closing_deadline_ns =
      caiman_time_add (now_of (link), link->connection->config.ping_timeout_ns);
  caiman_link_set_state (link, CAIMAN_LINK_CLOSING, reason);
}

/* --- Tests (PROTOCOL.md, 6) --- */

void
caiman_link_set_established (CaimanLink *link)
{
  CaimanConnection *connection = link->connection;
  link->handshake_deadline_ns = CAIMAN_TIME_NEVER;
  caiman_crypto_key_pair_clear (&link->keys);
  if (link->blocked_local || link->blocked_quota)
    link->outbox |= CAIMAN_OUTBOX_SET_BLOCK;
  caiman_link_set_state (link, CAIMAN_LINK_NEW, CAIMAN_REASON_NONE);
  /* The peer may not have heard of it: the other links may be dead (PROTOCOL.md, 5). */
  if (connection->state == CAIMAN_CONNECTION_TERMINATING)
    link->outbox |= CAIMAN_OUTBOX_TERMINATE;
  else if (connection->config.test_data_bytes == 0)
    caiman_link_set_state (link, CAIMAN_LINK_WORKING, CAIMAN_REASON_NONE);
  else
    caiman_link_start_test (link);
}

void
caiman_link_start_test (CaimanLink *link)
{
  link->retest_at_ns = CAIMAN_TIME_NEVER;
  link->testing = TRUE;
  link->retest_replied = FALSE;
  link->test_data_left_bytes = link->connection->config.test_data_bytes;
  if (link->test_data_left_bytes > 0)
    link->outbox |= CAIMAN_OUTBOX_TEST_DATA;
  else if (link->ping_sent_ns == CAIMAN_TIME_NEVER)
    link->outbox |= CAIMAN_OUTBOX_PING;
}

void
caiman_link_pass_test (CaimanLink *link)
{
  link->testing = FALSE;
  link->retest_at_ns = CAIMAN_TIME_NEVER;
  link->outbox &= ~(guint)CAIMAN_OUTBOX_TEST_DATA;
  caiman_link_set_state (link, CAIMAN_LINK_WORKING, CAIMAN_REASON_NONE);
}

/* --- Reliable messages that are out on it --- */

void
caiman_link_write_off (CaimanLink *link, CaimanResendCause cause)
{
  CaimanSendQueue *queue = &link->connection->queue;
  for (guint32 i = 0; i < link->flight.n; i++) {
    CaimanTransmission *transmission = caiman_flight_get (&link->flight, i);
    if (transmission->acked || transmission->written_off)
      continue;
    transmission->written_off = TRUE;
    CaimanOutMessage *message = caiman_send_queue_find (queue, transmission->seq);
    if (message == NULL || message->flags & CAIMAN_OUT_ACKED)
      continue;
    g_assert (message->n_outstanding > 0);
    if (--message->n_outstanding == 0) {
      caiman_send_queue_mark (queue, message, CAIMAN_OUT_LOST);
      if (cause == CAIMAN_RESEND_GONE)
        message->flags |= CAIMAN_OUT_GONE;
    }
  }
}

/* Marks for duplication what is out on it and on no other link.
 *
 * When a path goes silent both ways, the acknowledgements of half a round trip die with it: what
 * was sent up to half a round trip after the last message that is known to have arrived has most
 * likely arrived as well, but no more than the link delivers in that time (a transport takes
 * messages in bursts). The receiver waits for what follows. When only one direction is silent, or
 * the peer's host, it waits for the oldest. As there is no telling, both parts of the flight are
 * sent again by turns, and the receiver goes on at once either way. */
static void
mark_reinject (CaimanLink *link)
{
  CaimanSendQueue *queue = &link->connection->queue;
  gint64 half_rtt_ns = caiman_rtt_get_min (&link->rtt, link->connection->now_ns) / 2;
  gint64 arrived_ns = link->last_acked_sent_ns >= 0 ? link->last_acked_sent_ns + half_rtt_ns : -1;
  gint64 rate_bps = MIN (caiman_control_get_rate (link), link->rate.latest_bps);
  gint64 arrived_bytes = caiman_muldiv (rate_bps, half_rtt_ns, 8 * CAIMAN_NS_PER_S);
  gboolean is_younger = FALSE;
  for (guint32 i = 0; i < link->flight.n; i++) {
    CaimanTransmission *transmission = caiman_flight_get (&link->flight, i);
    if (transmission->acked || transmission->written_off)
      continue;
    arrived_bytes -= transmission->size_bytes;
    CaimanOutMessage *message = caiman_send_queue_find (queue, transmission->seq);
    if (message == NULL || message->n_outstanding != 1)
      continue;
    caiman_send_queue_mark (queue, message, CAIMAN_OUT_REINJECT);
    if (!is_younger && (transmission->snapshot.sent_ns > arrived_ns || arrived_bytes < 0)) {
      caiman_send_queue_resend_from (queue, message);
      is_younger = TRUE;
    }
  }
}

void
caiman_link_suspect (CaimanLink *link, gint64 silence_ns)
{
  CaimanConnection *connection = link->connection;
  g_assert (link->state == CAIMAN_LINK_WORKING && !link->suspected);
  link->suspected = TRUE;
  link->suspected_since_ns = connection->now_ns;
  link->n_suspected++;
  caiman_connection_trace (connection, CAIMAN_TRACE_LINK_SUSPECTED, link, 1, (guint64)silence_ns,
                           CAIMAN_REASON_SUSPECTED);
  mark_reinject (link);
}

void
caiman_link_clear_suspicion (CaimanLink *link)
{
  CaimanConnection *connection = link->connection;
  if (!link->suspected)
    return;
  link->suspected = FALSE;
  caiman_control_suspected_in_vain (link);
  caiman_connection_trace (connection, CAIMAN_TRACE_LINK_SUSPECTED, link, 0,
                           (guint64)(connection->now_ns - link->suspected_since_ns),
                           CAIMAN_REASON_NONE);
  for (guint32 i = 0; i < link->flight.n; i++) {
    CaimanTransmission *transmission = caiman_flight_get (&link->flight, i);
    CaimanOutMessage *message = caiman_send_queue_find (&connection->queue, transmission->seq);
    if (message && message->flags & CAIMAN_OUT_REINJECT && !(message->flags & CAIMAN_OUT_LOST))
      caiman_send_queue_unmark (&connection->queue, message);
  }
}

void
caiman_link_set_window (CaimanLink *link, gint64 window_bytes)
{
  if (window_bytes == link->window_bytes)
    return;
  caiman_connection_trace (link->connection, CAIMAN_TRACE_LINK_WINDOW, link,
                           (guint64)link->window_bytes, (guint64)window_bytes, CAIMAN_REASON_NONE);
  link->window_bytes = window_bytes;
  link->reference.limit_changed = TRUE;
}

gint64
caiman_link_get_ack_timeout (const CaimanLink *link, const CaimanTransmission *head)
{
  const CaimanConfig *config = &link->connection->config;
  gint64 timeout_ns = link->rtt.srtt_ns * config->ack_timeout_factor;
  timeout_ns = CLAMP (timeout_ns, config->ack_timeout_min_ns, config->ack_timeout_max_ns);
  if (head->resent)
    timeout_ns *= config->ack_timeout_resend_factor;
  if (link->rtt.n_samples < 10)
    timeout_ns *= config->ack_timeout_young_factor;
  return caiman_time_add (timeout_ns, config->max_ack_delay_ns);
}

void
caiman_link_queue_ack (CaimanLink *link, guint32 seq)
{
  if (link->acks_head >= ACKS_COMPACT && link->acks_head * 2 >= link->acks->len) {
    g_array_remove_range (link->acks, 0, link->acks_head);
    link->acks_head = 0;
  }
  if (caiman_link_get_n_acks (link) == 0)
    link->acks_since_ns = link->connection->now_ns;
  g_array_append_val (link->acks, seq);
  link->outbox |= CAIMAN_OUTBOX_ACK;
  if (caiman_link_get_n_acks (link) >= ACKS_HELD_MAX)
    link->acks_released = TRUE;
}

guint
caiman_link_get_n_acks (const CaimanLink *link)
{
  return link->acks->len - link->acks_head;
}

void
caiman_link_add_quota_use (CaimanLink *link, gsize bytes)
{
  if (link->quota_bytes == 0)
    return;
  link->quota_used_bytes += (gint64)bytes;
  /* Blocked before the next message would go over it. */
  const CaimanChunk *next = g_queue_peek_head (&link->connection->unsent);
  gint64 next_bytes = (gint64)bytes;
  if (next)
    next_bytes = next->is_stream ? (gint64)caiman_link_get_chunk_bytes (link)
                                 : (gint64)g_bytes_get_size (next->bytes);
  if (link->quota_used_bytes + next_bytes <= link->quota_bytes || link->blocked_quota)
    return;
  link->blocked_quota = TRUE;
  link->outbox |= CAIMAN_OUTBOX_SET_BLOCK;
  caiman_connection_trace (link->connection, CAIMAN_TRACE_LINK_BLOCKED, link, 1, 0,
                           CAIMAN_REASON_QUOTA);
  caiman_connection_check_links (link->connection);
}

/* --- Inputs of the transport --- */

void
caiman_link_received (CaimanLink *link, const guint8 *data, gsize size, GBytes *bytes,
                      gint64 now_ns)
{
  if (link->state == CAIMAN_LINK_CLOSED)
    return;
  link->wire_received_bytes += size;
  link->received_packets++;
  if (link->connection) {
    CaimanConnection *connection = link->connection;
    caiman_connection_enter (connection, now_ns);
    link->last_received_ns = now_ns;
    caiman_connection_receive_packet (connection, link, data, size, bytes);
    caiman_connection_check_finished (connection);
    return;
  }
  caiman_server_enter (link->server, now_ns);
  CaimanMessage message;
  if (caiman_message_parse (data, size, &message))
    caiman_server_receive (link->server, link, &message, now_ns);
  else
    caiman_server_link_failed (link->server, link, CAIMAN_REASON_LINK_BAD_MESSAGE);
}

void
caiman_link_set_writable (CaimanLink *link, gboolean writable, gint64 now_ns)
{
  if (link->state == CAIMAN_LINK_CLOSED || link->writable == writable)
    return;
  link->writable = writable;
  link->unwritable_since_ns = writable ? CAIMAN_TIME_NEVER : now_ns;
  if (link->connection == NULL) {
    if (link->server && writable)
      caiman_server_link_ready (link->server, link);
    return;
  }
  caiman_connection_enter (link->connection, now_ns);
  if (writable)
    link->idle_stamp = ++link->connection->next_idle_stamp;
  /* A test sends until the link pushes back (PROTOCOL.md, 6). */
  if (!writable && link->outbox & CAIMAN_OUTBOX_TEST_DATA)
    link->test_data_left_bytes = 0;
}

void
caiman_link_failed (CaimanLink *link, CaimanReason reason, gint64 now_ns)
{
  if (link->state == CAIMAN_LINK_CLOSED)
    return;
  if (link->connection)
    caiman_connection_enter (link->connection, now_ns);
  else if (link->server)
    caiman_server_enter (link->server, now_ns);
  if (link->state == CAIMAN_LINK_CLOSING && link->reason != CAIMAN_REASON_NONE)
    reason = link->reason;
  caiman_link_close (link, reason, FALSE);
}

void
caiman_link_set_hint (CaimanLink *link, const CaimanLinkHint *hint, gint64 now_ns)
{
  if (link->connection)
    caiman_connection_enter (link->connection, now_ns);
  gboolean gets_through = hint->delivered > link->hint.delivered && link->hint.delivered > 0;
  link->hint = *hint;
  if (link->connection)
    caiman_control_hinted (link, gets_through);
}

gboolean
caiman_link_expects_payload (const CaimanLink *link)
{
  return link->expects_payload;
}

gint64
caiman_link_get_send_limit (const CaimanLink *link)
{
  return link->send_limit_bytes;
}

gsize
caiman_link_get_packet_max (const CaimanLink *link)
{
  return link->server || link->state == CAIMAN_LINK_CONNECTING ? CAIMAN_HANDSHAKE_MAX_BYTES
                                                               : CAIMAN_FRAME_PAYLOAD_MAX_BYTES;
}

gboolean
caiman_link_wants_packets (const CaimanLink *link)
{
  const CaimanConnection *connection = link->connection;
  /* After the end nothing is kept, and the peer's Terminate must be heard. */
  if (connection == NULL || connection->state > CAIMAN_CONNECTION_OPEN)
    return TRUE;
  /* More acknowledgements than a peer can have messages out: it does not read them. */
  return caiman_link_get_n_acks (link) <= CAIMAN_SEQ_WINDOW;
}

/* --- What the application does --- */

void
caiman_link_set_blocked (CaimanLink *link, gboolean blocked, gint64 now_ns)
{
  if (link->connection == NULL || link->blocked_local == blocked)
    return;
  caiman_connection_enter (link->connection, now_ns);
  link->blocked_local = blocked;
  if (caiman_link_is_up (link))
    link->outbox |= CAIMAN_OUTBOX_SET_BLOCK;
  caiman_connection_trace (link->connection, CAIMAN_TRACE_LINK_BLOCKED, link, blocked, 0,
                           blocked ? CAIMAN_REASON_BLOCKED_LOCAL : CAIMAN_REASON_NONE);
  caiman_connection_check_links (link->connection);
}

void
caiman_link_disconnect (CaimanLink *link, gint64 now_ns)
{
  if (link->connection == NULL || link->state == CAIMAN_LINK_CLOSING)
    return;
  caiman_connection_enter (link->connection, now_ns);
  if (link->state == CAIMAN_LINK_CONNECTING) {
    caiman_link_close (link, CAIMAN_REASON_LINK_DISCONNECTED, FALSE);
    return;
  }
  link->outbox |= CAIMAN_OUTBOX_GOODBYE;
  link->closing_deadline_ns = caiman_time_add (now_ns, link->connection->config.ping_timeout_ns);
  if (link->state != CAIMAN_LINK_WORKING)
    caiman_link_write_off (link, CAIMAN_RESEND_GONE);
  caiman_link_set_state (link, CAIMAN_LINK_CLOSING, CAIMAN_REASON_LINK_DISCONNECTED);
}

void
caiman_link_set_weight (CaimanLink *link, gint64 weight)
{
  link->weight = MAX (weight, 1);
}

void
caiman_link_set_cost (CaimanLink *link, gint64 cost, gint64 now_ns)
{
  link->cost = cost;
  if (link->connection) {
    caiman_connection_enter (link->connection, now_ns);
    caiman_connection_check_links (link->connection);
  }
}

/* --- Questions --- */

guint32
caiman_link_get_id (const CaimanLink *link)
{
  return link->id;
}

const char *
caiman_link_get_name (const CaimanLink *link)
{
  return link->name;
}

const char *
caiman_link_get_local (const CaimanLink *link)
{
  return link->local;
}

const char *
caiman_link_get_remote (const CaimanLink *link)
{
  return link->remote;
}

CaimanLinkState
caiman_link_get_state (const CaimanLink *link)
{
  return link->state;
}

CaimanReason
caiman_link_get_reason (const CaimanLink *link)
{
  return link->reason;
}

gboolean
caiman_link_is_blocked_local (const CaimanLink *link)
{
  return link->blocked_local || link->blocked_quota;
}

gboolean
caiman_link_is_blocked_remote (const CaimanLink *link)
{
  return link->blocked_remote;
}

gboolean
caiman_link_is_suspected (const CaimanLink *link)
{
  return link->suspected;
}

GBytes *
caiman_link_get_remote_user_data (const CaimanLink *link)
{
  return link->remote_user_data;
}

void
caiman_link_get_stats (const CaimanLink *link, CaimanLinkStats *stats_out, gint64 now_ns)
{
  gint64 working_ns = link->working_total_ns;
  if (link->state == CAIMAN_LINK_WORKING)
    working_ns += now_ns - link->state_since_ns;
  *stats_out = (CaimanLinkStats) {
    .sent_bytes = link->sent_bytes,
    .resent_bytes = link->resent_bytes,
    .duplicated_bytes = link->duplicated_bytes,
    .acked_bytes = link->acked_bytes,
    .received_bytes = link->received_bytes,
    .duplicate_received_bytes = link->duplicate_received_bytes,
    .wire_sent_bytes = link->wire_sent_bytes,
    .wire_received_bytes = link->wire_received_bytes,
    .sent_packets = link->sent_packets,
    .received_packets = link->received_packets,
    .n_suspected = link->n_suspected,
    .n_not_working = link->n_not_working,
    .in_flight_bytes = link->flight.bytes,
    .window_bytes = link->window_bytes,
    .srtt_ns = link->rtt.srtt_ns,
    .rttvar_ns = link->rtt.rttvar_ns,
    .min_rtt_ns = caiman_rtt_get_min (&link->rtt, now_ns),
    .rate_bps = caiman_rate_get_bps (&link->rate),
    .connected_ns = link->connected_ns,
    .working_ns = working_ns,
    .hint = link->hint,
  };
}

gint64
caiman_link_get_silent_since (const CaimanLink *link)
{
  gint64 since_ns = CAIMAN_TIME_NEVER;
  if (link->connection == NULL || !caiman_link_is_up (link))
    return since_ns;
  if (link->ping_sent_ns != CAIMAN_TIME_NEVER)
    since_ns = link->ping_sent_ns;
  if (link->flight.n > 0) {
    const CaimanTransmission *head = &link->flight.slots[link->flight.head];
    since_ns = MIN (since_ns, head->snapshot.sent_ns);
  }
  if (since_ns == CAIMAN_TIME_NEVER)
    return since_ns;
  return MAX (since_ns, link->last_received_ns);
}

gboolean
caiman_link_is_silent (const CaimanLink *link)
{
  gint64 since_ns = caiman_link_get_silent_since (link);
  if (since_ns == CAIMAN_TIME_NEVER)
    return FALSE;
  gint64 patience_ns = 2 * link->rtt.srtt_ns + 4 * link->rtt.rttvar_ns;
  return now_of (link) - since_ns >= MAX (patience_ns, SILENCE_MIN_NS);
}

void
caiman_link_set_transport_data (CaimanLink *link, gpointer transport_data)
{
  link->transport_data = transport_data;
}

gpointer
caiman_link_get_transport_data (const CaimanLink *link)
{
  return link->transport_data;
}
