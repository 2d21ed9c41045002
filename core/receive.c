/* SPDX-License-Identifier: Apache-2.0 */
/* receive.c - what comes in on a link: parse, acknowledge, put in order, deliver.
 *
 * What cannot be parsed ends the link; what breaks the connection's rules ends the connection
 * (PROTOCOL.md, 3). Data and SendFinish are handled in order, the other reliable messages on
 * arrival (PROTOCOL.md, 5). */
#include "core/connection-private.h"

#include "core/broken.h"
#include "core/scheduler.h"

static void
violate (CaimanConnection *connection, CaimanLink *link)
{
  g_info (CAIMAN_LOG_PREFIX "the peer broke the protocol on link %u (%s)",
          CAIMAN_LOG_PREFIX_ARGS (connection), link->id, link->name);
  caiman_connection_trace (connection, CAIMAN_TRACE_CONTROL_RECEIVED, link, 0, 0,
                           CAIMAN_REASON_PROTOCOL_ERROR);
  caiman_connection_end_by_link (connection, link, CAIMAN_REASON_PROTOCOL_ERROR);
}

/* --- Delivery --- */

void
caiman_connection_consumed (CaimanConnection *connection, gsize bytes)
{
  connection->unreturned_bytes += bytes;
  connection->consumed_total_bytes += bytes;
  if (bytes > 0)
    caiman_connection_trace (connection, CAIMAN_TRACE_DATA_CONSUMED, NULL, bytes,
                             connection->consumed_total_bytes, CAIMAN_REASON_NONE);
  /* A dropped receiver returns all at once, or the peer waits for it (PROTOCOL.md, 5). */
  gboolean enough =
      connection->unreturned_bytes * 10 > (guint64)connection->config.receive_buffer_bytes;
  gboolean ran_empty = connection->config.consumed_when_empty &&
                       caiman_readable_is_empty (connection->readable) &&
                       connection->unreturned_bytes > 0;
  if (enough || ran_empty || (connection->receiver_dropped && connection->unreturned_bytes > 0))
    connection->consumed_due = TRUE;
  caiman_connection_check_finished (connection);
}

static void
tell_readable (CaimanConnection *connection)
{
  caiman_connection_push_event (connection, CAIMAN_EVENT_READABLE, NULL, CAIMAN_REASON_NONE, FALSE);
}

static void
deliver_data (CaimanConnection *connection, guint32 seq, GBytes *payload)
{
  gsize size = g_bytes_get_size (payload);
  /* Nothing may follow SendFinish; what does is returned to the flow control and dropped. */
  if (connection->receiver_dropped || connection->receive_finished) {
    g_bytes_unref (payload);
    caiman_connection_consumed (connection, size);
    return;
  }
  if (caiman_is_broken (CAIMAN_BREAK_SKIP_SEQ) && seq == CAIMAN_BREAK_AT_SEQ) {
    g_bytes_unref (payload);
    return;
  }
  connection->received_bytes += size;
  connection->received_messages++;
  caiman_connection_trace (connection, CAIMAN_TRACE_DATA_DELIVERED, NULL, seq, size,
                           CAIMAN_REASON_NONE);
  if (caiman_readable_is_empty (connection->readable))
    tell_readable (connection);
  if (caiman_is_broken (CAIMAN_BREAK_REORDER) && seq == CAIMAN_BREAK_AT_SEQ) {
    caiman_readable_push_first (connection->readable, payload);
    return;
  }
  if (caiman_is_broken (CAIMAN_BREAK_DUPLICATE) && seq == CAIMAN_BREAK_AT_SEQ)
    caiman_readable_push (connection->readable, g_bytes_ref (payload));
  caiman_readable_push (connection->readable, payload);
}

static void
deliver_finish (CaimanConnection *connection)
{
  if (connection->receive_finished)
    return;
  connection->receive_finished = TRUE;
  connection->receive_close_wanted = FALSE;
  if (!connection->receive_finish_sent)
    connection->receive_finish_wanted = FALSE;
  if ((connection->config.consumed_when_empty || connection->receiver_dropped) &&
      connection->unreturned_bytes > 0)
    connection->consumed_due = TRUE;
  if (!connection->receiver_dropped)
    tell_readable (connection);
  caiman_connection_check_room (connection);
}

static void
deliver_in_order (CaimanConnection *connection)
{
  CaimanReorderKind kind;
  GBytes *payload;
  guint32 seq = caiman_reorder_get_next_seq (connection->reorder);
  guint64 buffered = caiman_reorder_get_bytes (connection->reorder) +
                     caiman_readable_get_bytes (connection->readable);
  connection->buffered_peak_bytes = MAX (connection->buffered_peak_bytes, buffered);
  while (caiman_reorder_pop (connection->reorder, &kind, &payload)) {
    if (kind == CAIMAN_REORDER_DATA)
      deliver_data (connection, seq, payload);
    else if (kind == CAIMAN_REORDER_FINISH)
      deliver_finish (connection);
    seq++;
  }
}

/* Puts a reliable message into the order. TRUE: it is new, and acknowledged. FALSE: it was a
 * duplicate (acknowledged again), or it has ended the connection. */
static gboolean
accept_reliable (CaimanConnection *connection, CaimanLink *link, guint32 seq,
                 CaimanReorderKind kind, GBytes *payload)
{
  guint64 other_bytes =
      caiman_readable_get_bytes (connection->readable) + connection->unreturned_bytes;
  if (caiman_is_broken (CAIMAN_BREAK_OVERFLOW))
    other_bytes = 0;
  switch (caiman_reorder_insert (connection->reorder, seq, kind, payload, other_bytes)) {
  case CAIMAN_REORDER_TAKEN:
    caiman_link_queue_ack (link, seq);
    return TRUE;
  case CAIMAN_REORDER_DUPLICATE:
    caiman_link_queue_ack (link, seq);
    return FALSE;
  case CAIMAN_REORDER_TOO_FAR:
  case CAIMAN_REORDER_OVERFLOW:
  default:
    violate (connection, link);
    return FALSE;
  }
}

static void
receive_payload (CaimanConnection *connection, CaimanLink *link, const guint8 *data, gsize size,
                 GBytes *bytes)
{
  guint32 seq = link->payload_seq;
  link->expects_payload = FALSE;
  if (caiman_reorder_check (connection->reorder, seq) == CAIMAN_REORDER_DUPLICATE) {
    link->duplicate_received_bytes += size;
    connection->duplicate_received_bytes += size;
    caiman_connection_trace (connection, CAIMAN_TRACE_DUPLICATE_RECEIVED, link, seq, size,
                             CAIMAN_REASON_NONE);
    caiman_link_queue_ack (link, seq);
    return;
  }
  if (caiman_is_broken (CAIMAN_BREAK_ACK_UNRECEIVED) && seq == CAIMAN_BREAK_AT_SEQ) {
    caiman_link_queue_ack (link, seq);
    return;
  }
  GBytes *payload = bytes ? g_bytes_ref (bytes) : g_bytes_new (data, size);
  if (!accept_reliable (connection, link, seq, CAIMAN_REORDER_DATA, payload)) {
    g_bytes_unref (payload);
    return;
  }
  link->received_bytes += size;
  caiman_meter_add (&link->received_meter, size, connection->now_ns);
  caiman_meter_add (&connection->received_meter, size, connection->now_ns);
  caiman_link_add_quota_use (link, size);
  caiman_connection_trace (connection, CAIMAN_TRACE_DATA_RECEIVED, link, seq, size,
                           CAIMAN_REASON_NONE);
  deliver_in_order (connection);
}

/* --- Acknowledgements and pings --- */

static void
message_acked (CaimanConnection *connection, CaimanLink *link, CaimanOutMessage *message)
{
  if (message->type == CAIMAN_MESSAGE_DATA) {
    connection->unacked_bytes -= message->size_bytes;
    /* Closing goes on as long as data gets through. */
    if (connection->termination_deadline_ns != CAIMAN_TIME_NEVER)
      connection->termination_deadline_ns =
          caiman_time_add (connection->now_ns, connection->config.termination_timeout_ns);
    if (message->seq != connection->queue.base_seq)
      connection->unconsumable_bytes += message->size_bytes;
    caiman_connection_trace (connection, CAIMAN_TRACE_DATA_ACKED, link, message->seq,
                             message->size_bytes, CAIMAN_REASON_NONE);
  } else if (message->type == CAIMAN_MESSAGE_RECEIVE_FINISH) {
    connection->receive_finish_acked = TRUE;
  }
  guint32 base = connection->queue.base_seq;
  caiman_send_queue_ack (&connection->queue, message);
  /* Acknowledged data behind the old gap can be delivered now. */
  for (; base != connection->queue.base_seq; base++) {
    const CaimanOutMessage *passed =
        &connection->queue.slots[base & (connection->queue.capacity - 1)];
    if (passed != message)
      connection->unconsumable_bytes -=
          MIN (connection->unconsumable_bytes, (guint64)passed->size_bytes);
  }
}

static void
receive_ack (CaimanConnection *connection, CaimanLink *link, guint32 seq)
{
  CaimanTransmission transmission;
  if (!caiman_flight_ack (&link->flight, seq, &transmission))
    return; /* late, or never sent: ignored (PROTOCOL.md, 5) */
  gint64 now_ns = connection->now_ns;
  link->last_ack_ns = now_ns;
  link->last_acked_sent_ns = transmission.snapshot.sent_ns;
  link->acked_bytes += transmission.size_bytes;

  gint64 sample_ns = now_ns - transmission.snapshot.sent_ns;
  gboolean new_round = FALSE;
  if (!transmission.written_off) {
    if (connection->scheduler->uses_control)
      caiman_rtt_add (&link->rtt, sample_ns, now_ns);
    new_round = caiman_rate_on_acked (&link->rate, &transmission.snapshot, transmission.size_bytes,
                                      caiman_rtt_get_min (&link->rtt, now_ns), now_ns);
  }
  CaimanOutMessage *message = caiman_send_queue_find (&connection->queue, seq);
  if (message) {
    if (!transmission.written_off && message->n_outstanding > 0)
      message->n_outstanding--;
    if (!(message->flags & CAIMAN_OUT_ACKED))
      message_acked (connection, link, message);
  }
  caiman_link_clear_suspicion (link);
  if (connection->scheduler->acked)
    connection->scheduler->acked (link, &transmission, new_round);
  caiman_connection_check_room (connection);
}

/* Is a link with this RTT fit to work? A working link may be twice as slow against the best one
 * before it stops as one that wants to start (PROTOCOL.md, 7). */
static gboolean
passes_limits (const CaimanLink *link, gint64 rtt_ns)
{
  const CaimanConfig *config = &link->connection->config;
  if (rtt_ns > config->ack_timeout_max_ns / 2)
    return FALSE;
  if (config->ping_max_ns > 0 && rtt_ns > config->ping_max_ns)
    return FALSE;
  gint64 best_ns = caiman_connection_get_best_rtt (link->connection);
  gint64 factor = config->slow_link_factor * (link->state == CAIMAN_LINK_WORKING ? 2 : 1);
  return factor == 0 || best_ns == CAIMAN_TIME_NEVER || rtt_ns / factor <= best_ns;
}

static void
judge_test (CaimanLink *link, gint64 rtt_ns)
{
  /* A Pong to a Ping from before the silence proves life, but its time says nothing. */
  gint64 usual_ns =
      MAX (link->rtt.srtt_ns, caiman_rtt_get_min (&link->rtt, link->connection->now_ns));
  if (link->connection->scheduler->uses_control && !link->retest_replied &&
      link->rtt.n_samples > 0 && rtt_ns > 3 * usual_ns + 100 * CAIMAN_NS_PER_MS) {
    link->retest_replied = TRUE;
    link->outbox |= CAIMAN_OUTBOX_PING;
    return;
  }
  if (link->connection->scheduler->uses_control)
    caiman_rtt_add (&link->rtt, rtt_ns, link->connection->now_ns);
  else
    caiman_rtt_replace (&link->rtt, rtt_ns, link->connection->now_ns);
  link->retest_replied = FALSE;
  if (passes_limits (link, rtt_ns)) {
    caiman_link_pass_test (link);
    return;
  }
  link->testing = FALSE;
  link->retest_at_ns =
      caiman_time_add (link->connection->now_ns, link->connection->config.retest_interval_ns);
  caiman_link_set_state (link, CAIMAN_LINK_NOT_WORKING, CAIMAN_REASON_TEST_FAILED);
}

static void
receive_pong (CaimanConnection *connection, CaimanLink *link)
{
  if (link->ping_sent_ns == CAIMAN_TIME_NEVER)
    return;
  gint64 rtt_ns = connection->now_ns - link->ping_sent_ns;
  link->ping_sent_ns = CAIMAN_TIME_NEVER;
  caiman_connection_trace (connection, CAIMAN_TRACE_LINK_RTT, link, (guint64)rtt_ns,
                           (guint64)link->rtt.srtt_ns, CAIMAN_REASON_NONE);
  if (link->testing) {
    /* The test ends with a Ping behind its filler. */
    if (!(link->outbox & CAIMAN_OUTBOX_TEST_DATA))
      judge_test (link, rtt_ns);
    return;
  }
  if (link->state != CAIMAN_LINK_WORKING)
    return;
  if (connection->scheduler->uses_control)
    caiman_rtt_add (&link->rtt, rtt_ns, connection->now_ns);
  else
    caiman_rtt_replace (&link->rtt, rtt_ns, connection->now_ns);
  if (!passes_limits (link, rtt_ns)) {
    caiman_link_set_state (link, CAIMAN_LINK_NOT_WORKING, CAIMAN_REASON_TOO_SLOW);
    link->retest_at_ns =
        caiman_time_add (connection->now_ns, connection->config.retest_interval_ns);
  }
}

/* --- Other messages --- */

static void
receive_consumed (CaimanConnection *connection, CaimanLink *link, const CaimanMessage *message)
{
  if (!accept_reliable (connection, link, message->seq, CAIMAN_REORDER_DONE, NULL))
    return;
  if (message->consumed_bytes > connection->unconsumed_bytes) {
    violate (connection, link);
    return;
  }
  connection->unconsumed_bytes -= message->consumed_bytes;
  deliver_in_order (connection);
}

static void
receive_receive_finish (CaimanConnection *connection, CaimanLink *link, guint32 seq)
{
  if (!accept_reliable (connection, link, seq, CAIMAN_REORDER_DONE, NULL))
    return;
  if (!connection->peer_dropped_receiver) {
    connection->peer_dropped_receiver = TRUE;
    connection->write_blocked = FALSE;
    if (connection->unsent.length > 0)
      connection->flush_wanted = FALSE; /* it never will be */
    caiman_connection_drop_unsent (connection);
    caiman_connection_push_event (connection, CAIMAN_EVENT_PEER_DROPPED_RECEIVER, NULL,
                                  CAIMAN_REASON_RECEIVER_DROPPED, FALSE);
  }
  deliver_in_order (connection);
  caiman_connection_check_room (connection);
}

static void
receive_receive_close (CaimanConnection *connection, CaimanLink *link, guint32 seq)
{
  if (!accept_reliable (connection, link, seq, CAIMAN_REORDER_DONE, NULL))
    return;
  if (!connection->peer_stopped_reading) {
    connection->peer_stopped_reading = TRUE;
    caiman_connection_push_event (connection, CAIMAN_EVENT_PEER_STOPPED_READING, NULL,
                                  CAIMAN_REASON_NONE, FALSE);
  }
  deliver_in_order (connection);
}

static void
receive_set_block (CaimanConnection *connection, CaimanLink *link, gboolean blocked)
{
  if (link->blocked_remote == blocked)
    return;
  link->blocked_remote = blocked;
  caiman_connection_trace (connection, CAIMAN_TRACE_LINK_BLOCKED, link, blocked, 1,
                           blocked ? CAIMAN_REASON_BLOCKED_REMOTE : CAIMAN_REASON_NONE);
  caiman_connection_check_links (connection);
}

static void
receive_goodbye (CaimanConnection *connection, CaimanLink *link)
{
  if (link->goodbye_received) {
    violate (connection, link);
    return;
  }
  link->goodbye_received = TRUE;
  if (link->goodbye_sent) {
    caiman_link_close (link, link->reason, TRUE);
    return;
  }
  /* The peer acknowledges nothing on this link any more: its messages go elsewhere now. */
  if (link->state == CAIMAN_LINK_CLOSING)
    return; /* our own Goodbye is on its way out */
  link->outbox |= CAIMAN_OUTBOX_GOODBYE;
  link->closing_deadline_ns =
      caiman_time_add (connection->now_ns, connection->config.ping_timeout_ns);
  if (link->state != CAIMAN_LINK_WORKING)
    caiman_link_write_off (link, CAIMAN_RESEND_GONE);
  caiman_link_set_state (link, CAIMAN_LINK_CLOSING, CAIMAN_REASON_LINK_GOODBYE);
}

static void
receive_terminate (CaimanConnection *connection)
{
  if (connection->state == CAIMAN_CONNECTION_OPEN) {
    for (guint i = 0; i < connection->links->len; i++) {
      CaimanLink *link = g_ptr_array_index (connection->links, i);
      if (caiman_link_is_up (link) || link->state == CAIMAN_LINK_CLOSING)
        link->outbox |= CAIMAN_OUTBOX_TERMINATE;
    }
  }
  caiman_connection_end (connection, CAIMAN_REASON_TERMINATED);
}

static void
trace_control (CaimanConnection *connection, CaimanLink *link, const CaimanMessage *message)
{
  gboolean has_seq =
      caiman_message_type_is_reliable (message->type) || message->type == CAIMAN_MESSAGE_ACK;
  guint64 parameter = has_seq ? message->seq : 0;
  if (message->type == CAIMAN_MESSAGE_SET_BLOCK)
    parameter = (guint64)message->blocked;
  else if (message->type == CAIMAN_MESSAGE_REFUSED)
    parameter = message->refused_code;
  else if (message->type == CAIMAN_MESSAGE_TEST_DATA)
    parameter = message->test_data_bytes;
  caiman_connection_trace (connection, CAIMAN_TRACE_CONTROL_RECEIVED, link, message->type,
                           parameter, CAIMAN_REASON_NONE);
}

static void
receive_established (CaimanConnection *connection, CaimanLink *link, const CaimanMessage *message)
{
  switch (message->type) {
  case CAIMAN_MESSAGE_DATA:
    link->expects_payload = TRUE;
    link->payload_seq = message->seq;
    break;
  case CAIMAN_MESSAGE_ACK:
    receive_ack (connection, link, message->seq);
    break;
  case CAIMAN_MESSAGE_PING:
    link->outbox |= CAIMAN_OUTBOX_PONG;
    break;
  case CAIMAN_MESSAGE_PONG:
    receive_pong (connection, link);
    break;
  case CAIMAN_MESSAGE_CONSUMED:
    receive_consumed (connection, link, message);
    break;
  case CAIMAN_MESSAGE_SEND_FINISH:
    if (accept_reliable (connection, link, message->seq, CAIMAN_REORDER_FINISH, NULL))
      deliver_in_order (connection);
    break;
  case CAIMAN_MESSAGE_RECEIVE_CLOSE:
    receive_receive_close (connection, link, message->seq);
    break;
  case CAIMAN_MESSAGE_RECEIVE_FINISH:
    receive_receive_finish (connection, link, message->seq);
    break;
  case CAIMAN_MESSAGE_SET_BLOCK:
    receive_set_block (connection, link, message->blocked);
    break;
  case CAIMAN_MESSAGE_GOODBYE:
    receive_goodbye (connection, link);
    break;
  case CAIMAN_MESSAGE_TERMINATE:
    receive_terminate (connection);
    break;
  case CAIMAN_MESSAGE_TEST_DATA:
    break;
  case CAIMAN_MESSAGE_WELCOME:
  case CAIMAN_MESSAGE_CONNECT:
  case CAIMAN_MESSAGE_ACCEPTED:
  case CAIMAN_MESSAGE_REFUSED:
  default:
    violate (connection, link); /* a handshake message on an established link */
    break;
  }
}

/* While this side waits for the answer to its Terminate, or has ended, only that matters, and the
 * handshake of a link that may carry it. */
static void
receive_ending (CaimanConnection *connection, CaimanLink *link, const CaimanMessage *message)
{
  if (message->type == CAIMAN_MESSAGE_DATA)
    link->expects_payload = TRUE;
  else if (message->type == CAIMAN_MESSAGE_TERMINATE)
    receive_terminate (connection);
  else if (connection->state == CAIMAN_CONNECTION_TERMINATING &&
           link->state == CAIMAN_LINK_CONNECTING && connection->is_client)
    caiman_handshake_receive_client (link, message);
}

void
caiman_connection_receive_packet (CaimanConnection *connection, CaimanLink *link,
                                  const guint8 *data, gsize size, GBytes *bytes)
{
  if (link->expects_payload && connection->state <= CAIMAN_CONNECTION_OPEN) {
    receive_payload (connection, link, data, size, bytes);
    return;
  }
  if (link->expects_payload) {
    link->expects_payload = FALSE;
    return;
  }
  CaimanMessage message;
  if (!caiman_message_parse (data, size, &message)) {
    caiman_link_close (link, CAIMAN_REASON_LINK_BAD_MESSAGE, FALSE);
    return;
  }
  if (message.type != CAIMAN_MESSAGE_DATA && message.type != CAIMAN_MESSAGE_ACK)
    trace_control (connection, link, &message);
  if (connection->state > CAIMAN_CONNECTION_OPEN) {
    receive_ending (connection, link, &message);
  } else if (link->state == CAIMAN_LINK_CONNECTING && connection->is_client) {
    caiman_handshake_receive_client (link, &message);
  } else if (link->state == CAIMAN_LINK_CONNECTING) {
    /* Server: Accepted has not gone out; the client has nothing to say before it. */
    caiman_link_close (link, CAIMAN_REASON_LINK_BAD_MESSAGE, FALSE);
  } else {
    receive_established (connection, link, &message);
  }
}
