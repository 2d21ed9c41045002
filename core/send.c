/* SPDX-License-Identifier: Apache-2.0 */
/* send.c - what goes out: the window check, the choice of a link, the packet.
 *
 * caiman_connection_next_packet() reads top to bottom in the order of urgency: each link's outbox
 * (handshake, pongs, acks, ...), reliable control messages, what must be sent again, new data, and
 * last what a policy wants to duplicate. */
#include "core/connection-private.h"

#include "core/broken.h"
#include "core/scheduler.h"

#include <string.h>

/* Sequence numbers that new data leaves to control messages. */
#define SEQ_RESERVE 64u

/* Largest filler of one TestData message. */
#define TEST_DATA_CHUNK_BYTES 16384

#define CHUNK_MIN_BYTES      1400
#define CHUNK_MAX_BYTES      (64 * 1024)
#define CHUNK_FAST_MAX_BYTES (256 * 1024)
#define FAST_RATE_BPS        G_GINT64_CONSTANT (4000000000)
/* A write of this size is a message of its own, however large they may be: joining copies. */
#define JOIN_BELOW_BYTES (32 * 1024)

/* --- The outbox of one link --- */

void
caiman_packet_set_message (CaimanPacket *packet, const CaimanMessage *message)
{
  gsize size = caiman_message_get_size (message);
  if (size <= CAIMAN_PACKET_INLINE_BYTES) {
    packet->inline_len = (guint8)caiman_message_write (message, packet->inline_bytes);
    return;
  }
  guint8 *bytes = g_malloc (size);
  caiman_message_write (message, bytes);
  packet->message = g_bytes_new_take (bytes, size);
}

static void
write_test_data (CaimanLink *link, CaimanPacket *packet_out)
{
  gint64 size = MIN (link->test_data_left_bytes, TEST_DATA_CHUNK_BYTES);
  link->test_data_left_bytes -= size;
  CaimanMessage message = { .type = CAIMAN_MESSAGE_TEST_DATA, .test_data_bytes = (guint32)size };
  caiman_packet_set_message (packet_out, &message);
}

/* TestData goes out until the limit, or until the link has pushed back; then the Ping decides. */
static void
end_test_data (CaimanLink *link)
{
  if (!(link->outbox & CAIMAN_OUTBOX_TEST_DATA) || link->test_data_left_bytes > 0)
    return;
  link->outbox &= ~(guint)CAIMAN_OUTBOX_TEST_DATA;
  if (link->ping_sent_ns == CAIMAN_TIME_NEVER)
    link->outbox |= CAIMAN_OUTBOX_PING;
}

/* --- Acknowledgements that wait for company --- */

/* Something else goes out: the acknowledgements go with it. */
static void
release_acks (CaimanLink *link)
{
  link->acks_released = caiman_link_get_n_acks (link) > 0;
}

gint64
caiman_link_get_ack_time (const CaimanLink *link)
{
  if (!(link->outbox & CAIMAN_OUTBOX_ACK))
    return CAIMAN_TIME_NEVER;
  if (link->acks_released || !caiman_link_is_up (link))
    return link->acks_since_ns;
  return caiman_time_add (link->acks_since_ns, link->connection->config.ack_flush_delay_ns);
}

/* --- The next packet of an outbox --- */

/* The most urgent item; 0 when there is none. Goodbye and Terminate go behind the acks. */
static guint
get_first_item (CaimanLink *link)
{
  end_test_data (link);
  return link->outbox & (0 - link->outbox);
}

static void
write_item (CaimanLink *link, guint item, CaimanMessage *message, gint64 now_ns)
{
  link->outbox &= ~item;
  switch (item) {
  case CAIMAN_OUTBOX_PONG:
    message->type = CAIMAN_MESSAGE_PONG;
    break;
  case CAIMAN_OUTBOX_PING:
    message->type = CAIMAN_MESSAGE_PING;
    link->ping_sent_ns = link->last_ping_ns = now_ns;
    break;
  case CAIMAN_OUTBOX_SET_BLOCK:
    message->type = CAIMAN_MESSAGE_SET_BLOCK;
    message->blocked = link->blocked_local || link->blocked_quota;
    break;
  case CAIMAN_OUTBOX_ACK:
    message->type = CAIMAN_MESSAGE_ACK;
    message->seq = g_array_index (link->acks, guint32, link->acks_head++);
    if (link->acks_head == link->acks->len) {
      g_array_set_size (link->acks, 0);
      link->acks_head = 0;
      link->acks_released = FALSE;
    } else {
      link->outbox |= CAIMAN_OUTBOX_ACK;
    }
    break;
  case CAIMAN_OUTBOX_GOODBYE:
    message->type = CAIMAN_MESSAGE_GOODBYE;
    link->goodbye_sent = TRUE;
    break;
  case CAIMAN_OUTBOX_TERMINATE:
  default:
    message->type = CAIMAN_MESSAGE_TERMINATE;
    break;
  }
}

#define HANDSHAKE_ITEMS                                                                            \
  (CAIMAN_OUTBOX_WELCOME | CAIMAN_OUTBOX_CONNECT | CAIMAN_OUTBOX_REFUSED | CAIMAN_OUTBOX_ACCEPTED)

static void
trace_sent (CaimanLink *link, guint64 type, guint64 parameter)
{
  if (link->connection)
    caiman_connection_trace (link->connection, CAIMAN_TRACE_CONTROL_SENT, link, type, parameter,
                             CAIMAN_REASON_NONE);
  else
    caiman_server_trace (link->server, CAIMAN_TRACE_CONTROL_SENT, link, type, parameter,
                         CAIMAN_REASON_NONE);
}

static void
count_packet (CaimanLink *link, const CaimanPacket *packet)
{
  link->wire_sent_bytes += caiman_packet_get_size (packet);
  link->sent_packets += caiman_packet_get_frames (packet);
}

gboolean
caiman_link_next_control (CaimanLink *link, CaimanPacket *packet_out, gint64 now_ns)
{
  guint item = get_first_item (link);
  if (item == 0)
    return FALSE;
  *packet_out = (CaimanPacket) { .link = link };
  if (item & HANDSHAKE_ITEMS) {
    link->outbox &= ~item;
    caiman_handshake_write (link, (CaimanOutbox)item, packet_out, now_ns);
    gsize size;
    trace_sent (link, caiman_packet_get_message (packet_out, &size)[0], 0);
  } else if (item == CAIMAN_OUTBOX_TEST_DATA) {
    release_acks (link);
    write_test_data (link, packet_out);
    trace_sent (link, CAIMAN_MESSAGE_TEST_DATA, caiman_packet_get_size (packet_out) - 1);
  } else {
    CaimanMessage message = { 0 };
    if (item != CAIMAN_OUTBOX_ACK)
      release_acks (link);
    write_item (link, item, &message, now_ns);
    caiman_packet_set_message (packet_out, &message);
    if (item == CAIMAN_OUTBOX_ACK)
      caiman_connection_trace (link->connection, CAIMAN_TRACE_ACK_SENT, link, message.seq, 0,
                               CAIMAN_REASON_NONE);
    else
      trace_sent (link, message.type, (guint64)message.blocked);
  }
  count_packet (link, packet_out);
  return TRUE;
}

static void
close_if_flushed (CaimanLink *link)
{
  if (link->close_when_flushed && link->outbox == 0)
    caiman_link_close (link, link->reason, TRUE);
}

static gboolean
next_control (CaimanConnection *connection, CaimanPacket *packet_out)
{
  for (guint i = connection->links->len; i > 0; i--) {
    CaimanLink *link = g_ptr_array_index (connection->links, i - 1);
    if (link->outbox == 0) {
      close_if_flushed (link);
      continue;
    }
    if (link->outbox == CAIMAN_OUTBOX_ACK && caiman_link_get_ack_time (link) > connection->now_ns)
      continue;
    if (link->writable && caiman_link_next_control (link, packet_out, connection->now_ns))
      return TRUE;
  }
  return FALSE;
}

/* --- Reliable messages --- */

typedef enum {
  SEND_FIRST,
  SEND_AGAIN,     /* its link has failed */
  SEND_DUPLICATE, /* its link may yet deliver it */
} SendKind;

/* Why @message is sent again; to be asked before it is taken for sent. */
static CaimanResendCause
get_resend_cause (const CaimanConnection *connection, const CaimanOutMessage *message,
                  SendKind kind)
{
  if (kind == SEND_FIRST)
    return CAIMAN_RESEND_NONE;
  if (message->flags & CAIMAN_OUT_LOST)
    return message->flags & CAIMAN_OUT_GONE ? CAIMAN_RESEND_GONE : CAIMAN_RESEND_NOT_WORKING;
  if (message->flags & CAIMAN_OUT_REINJECT)
    return CAIMAN_RESEND_SUSPECTED;
  return connection->scheduler == &caiman_scheduler_redundant ? CAIMAN_RESEND_REDUNDANT
                                                              : CAIMAN_RESEND_LATE;
}

static void
account_data (CaimanLink *link, const CaimanOutMessage *message, SendKind kind,
              CaimanResendCause cause, guint32 from_link_id)
{
  CaimanConnection *connection = link->connection;
  gsize size = message->size_bytes;
  CaimanTraceType type = CAIMAN_TRACE_DATA_SENT;
  if (kind == SEND_FIRST) {
    link->sent_bytes += size;
    connection->sent_bytes += size;
    connection->sent_messages++;
  } else if (kind == SEND_AGAIN) {
    type = CAIMAN_TRACE_DATA_RESENT;
    link->resent_bytes += size;
    connection->resent_bytes += size;
  } else {
    type = CAIMAN_TRACE_DATA_DUPLICATED;
    link->duplicated_bytes += size;
    connection->duplicated_bytes += size;
  }
  caiman_connection_trace_data (connection, type, link, message, cause, from_link_id);
  caiman_meter_add (&link->sent_meter, size, connection->now_ns);
  caiman_meter_add (&connection->sent_meter, size, connection->now_ns);
  caiman_link_add_quota_use (link, size);
  caiman_scheduler_note_sent (link, size);
}

static void
transmit (CaimanLink *link, CaimanOutMessage *out, SendKind kind, CaimanPacket *packet_out)
{
  CaimanConnection *connection = link->connection;
  CaimanMessage message = { .type = (CaimanMessageType)out->type,
                            .seq = out->seq,
                            .consumed_bytes = out->consumed_bytes };
  *packet_out = (CaimanPacket) { .link = link };
  packet_out->inline_len = (guint8)caiman_message_write (&message, packet_out->inline_bytes);
  if (out->payload)
    packet_out->payload = g_bytes_ref (out->payload);

  guint64 in_flight = (guint64)link->flight.bytes;
  gboolean lone = link->flight.n == 0;
  CaimanTransmission *transmission =
      caiman_flight_append (&link->flight, out->seq, out->size_bytes);
  transmission->resent = kind != SEND_FIRST;
  transmission->lone = lone;
  caiman_rate_on_sent (&link->rate, in_flight, &transmission->snapshot, connection->now_ns);
  transmission->snapshot.sent_ns = connection->now_ns;
  CaimanResendCause cause = get_resend_cause (connection, out, kind);
  guint32 from_link_id = out->last_link_id;
  out->n_outstanding++;
  out->last_link_id = link->id;
  if (kind != SEND_FIRST)
    out->flags |= CAIMAN_OUT_RESENT;
  caiman_send_queue_unmark (&connection->queue, out);

  link->idle_stamp = ++connection->next_idle_stamp;
  release_acks (link);
  count_packet (link, packet_out);
  if (connection->scheduler->sent)
    connection->scheduler->sent (link, out->seq, out->size_bytes);
  if (out->type == CAIMAN_MESSAGE_DATA)
    account_data (link, out, kind, cause, from_link_id);
  else
    trace_sent (link, out->type, out->seq);
}

static gboolean
has_seq_room (const CaimanConnection *connection, guint32 reserve)
{
  return caiman_send_queue_get_used (&connection->queue) + reserve < CAIMAN_SEQ_WINDOW;
}

/* Takes the next reliable control message that is due, marking it as sent; 0: none. */
static CaimanMessageType
take_due_control (CaimanConnection *connection)
{
  if (connection->consumed_due) {
    connection->consumed_due = FALSE;
    return CAIMAN_MESSAGE_CONSUMED;
  }
  if (connection->receive_close_wanted && !connection->receive_close_sent) {
    connection->receive_close_sent = TRUE;
    return CAIMAN_MESSAGE_RECEIVE_CLOSE;
  }
  if (connection->receive_finish_wanted && !connection->receive_finish_sent) {
    connection->receive_finish_sent = TRUE;
    return CAIMAN_MESSAGE_RECEIVE_FINISH;
  }
  connection->finish_sent = TRUE;
  return CAIMAN_MESSAGE_SEND_FINISH;
}

static gboolean
is_control_due (const CaimanConnection *connection)
{
  return connection->consumed_due ||
         (connection->receive_close_wanted && !connection->receive_close_sent) ||
         (connection->receive_finish_wanted && !connection->receive_finish_sent) ||
         (connection->finish_wanted && !connection->finish_sent && connection->unsent.length == 0 &&
          !connection->peer_dropped_receiver);
}

static gboolean
next_reliable_control (CaimanConnection *connection, CaimanPacket *packet_out)
{
  if (!is_control_due (connection) || !has_seq_room (connection, 0))
    return FALSE;
  CaimanLink *link = connection->scheduler->pick_control (connection);
  if (link == NULL)
    return FALSE;
  CaimanMessageType type = take_due_control (connection);
  CaimanOutMessage *message = caiman_send_queue_append (&connection->queue, type);
  if (type == CAIMAN_MESSAGE_CONSUMED) {
    message->consumed_bytes = (guint32)MIN (connection->unreturned_bytes, G_MAXUINT32);
    connection->unreturned_bytes -= message->consumed_bytes;
  }
  transmit (link, message, SEND_FIRST, packet_out);
  return TRUE;
}

static gboolean
next_resend (CaimanConnection *connection, CaimanPacket *packet_out)
{
  CaimanOutMessage *message = caiman_send_queue_next_resend (&connection->queue);
  /* The first must not hold up those behind it that another link could take. */
  for (guint tries = 0; message && tries < 16; tries++) {
    CaimanLink *link = connection->scheduler->pick_resend (connection, message);
    if (link) {
      transmit (link, message, message->flags & CAIMAN_OUT_LOST ? SEND_AGAIN : SEND_DUPLICATE,
                packet_out);
      return TRUE;
    }
    message = caiman_send_queue_after_resend (&connection->queue, message);
  }
  return FALSE;
}

/* --- New data --- */

gsize
caiman_link_get_chunk_bytes (const CaimanLink *link)
{
  const CaimanConfig *config = &link->connection->config;
  if (config->stream_chunk_bytes > 0)
    return (gsize)config->stream_chunk_bytes;
  gint64 rate_bps = caiman_rate_get_bps (&link->rate);
  if (rate_bps == 0)
    return (gsize)CLAMP (config->link_window_start_bytes / 16, CHUNK_MIN_BYTES, CHUNK_MAX_BYTES);
  gint64 bytes = caiman_muldiv (rate_bps, config->chunk_time_ns, 8 * CAIMAN_NS_PER_S);
  return (gsize)CLAMP (bytes, CHUNK_MIN_BYTES,
                       rate_bps >= FAST_RATE_BPS ? CHUNK_FAST_MAX_BYTES : CHUNK_MAX_BYTES);
}

/* Bytes that both flow-control limits let out now (PROTOCOL.md, 5). */
static guint64
get_flow_room (const CaimanConnection *connection)
{
  if (caiman_is_broken (CAIMAN_BREAK_OVERFLOW))
    return G_MAXUINT32;
  guint64 send_limit = (guint64)connection->config.send_buffer_bytes;
  guint64 receive_limit = (guint64)connection->remote_receive_buffer_bytes;
  guint64 send_room =
      send_limit > connection->unacked_bytes ? send_limit - connection->unacked_bytes : 0;
  guint64 receive_room = receive_limit > connection->unconsumed_bytes
                             ? receive_limit - connection->unconsumed_bytes
                             : 0;
  /* One message may go over the own limit, or a larger one could never be sent; never over the
   * peer's. */
  if (connection->unacked_bytes == 0)
    send_room = receive_limit;
  return MIN (send_room, receive_room);
}

/* What was joined so far goes out as it is; what is written from now on is another chunk. */
static void
stop_joining (CaimanChunk *chunk)
{
  if (chunk->joined)
    chunk->bytes = g_byte_array_free_to_bytes (g_steal_pointer (&chunk->joined));
}

/* Cuts up to @max bytes of stream data off the queue, joining small pieces. */
static GBytes *
take_stream (CaimanConnection *connection, gsize max)
{
  CaimanChunk *chunk = g_queue_peek_head (&connection->unsent);
  stop_joining (chunk);
  gsize left = g_bytes_get_size (chunk->bytes) - chunk->offset;
  GBytes *next_bytes = NULL;
  if (left > max) {
    next_bytes = g_bytes_new_from_bytes (chunk->bytes, chunk->offset, max);
    chunk->offset += max;
    return next_bytes;
  }
  const CaimanChunk *second = g_queue_peek_nth (&connection->unsent, 1);
  if (left == max || second == NULL || !second->is_stream ||
      left >= MIN (max / 2, JOIN_BELOW_BYTES)) {
    g_queue_pop_head (&connection->unsent);
    next_bytes = chunk->offset == 0 ? g_bytes_ref (chunk->bytes)
                                    : g_bytes_new_from_bytes (chunk->bytes, chunk->offset, left);
    g_bytes_unref (chunk->bytes);
    g_free (chunk);
    return next_bytes;
  }
  GByteArray *joined = g_byte_array_sized_new ((guint)max);
  while ((chunk = g_queue_peek_head (&connection->unsent)) != NULL && chunk->is_stream &&
         joined->len < max) {
    stop_joining (chunk);
    gsize size;
    const guint8 *data = g_bytes_get_data (chunk->bytes, &size);
    gsize n = MIN (size - chunk->offset, max - joined->len);
    g_byte_array_append (joined, data + chunk->offset, (guint)n);
    chunk->offset += n;
    if (chunk->offset == size) {
      g_queue_pop_head (&connection->unsent);
      g_bytes_unref (chunk->bytes);
      g_free (chunk);
    }
  }
  return g_byte_array_free_to_bytes (joined);
}

static GBytes *
take_message (CaimanConnection *connection)
{
  CaimanChunk *chunk = g_queue_pop_head (&connection->unsent);
  GBytes *bytes = chunk->bytes;
  g_free (chunk);
  return bytes;
}

/* The size of what would go out next on @link; 0: flow control lets nothing out. A stream waits
 * for a reasonable piece of room rather than send crumbs. */
static gsize
get_next_size (const CaimanConnection *connection, const CaimanChunk *chunk, gsize chunk_bytes)
{
  guint64 room = get_flow_room (connection);
  if (!chunk->is_stream)
    return g_bytes_get_size (chunk->bytes) - chunk->offset;
  gsize wanted = (gsize)MIN (connection->unsent_bytes, (guint64)chunk_bytes);
  wanted = MIN (wanted, caiman_connection_get_message_max (connection));
  if (room >= wanted)
    return wanted;
  gboolean idle = connection->unacked_bytes == 0 && connection->unconsumed_bytes == 0;
  return idle || room >= wanted / 2 ? (gsize)room : 0;
}

/* Bytes of the first message or, of a stream, of all that waits. */
static gsize
get_head_bytes (const CaimanConnection *connection, const CaimanChunk *chunk)
{
  return chunk->is_stream ? (gsize)connection->unsent_bytes
                          : g_bytes_get_size (chunk->bytes) - chunk->offset;
}

CaimanHold
caiman_connection_get_hold (const CaimanConnection *connection)
{
  const CaimanChunk *chunk = connection->unsent.head ? connection->unsent.head->data : NULL;
  if (chunk == NULL)
    return connection->write_blocked ? CAIMAN_HOLD_SEND_WINDOW : CAIMAN_HOLD_NO_DATA;
  if (!has_seq_room (connection, SEQ_RESERVE))
    return CAIMAN_HOLD_SEQ_WINDOW;
  gsize needed_bytes = get_head_bytes (connection, chunk);
  /* As get_next_size(): a stream waits for half of the smallest chunk that a link would take. */
  if (chunk->is_stream) {
    for (guint i = 0; i < connection->links->len; i++)
      needed_bytes = MIN (needed_bytes,
                          caiman_link_get_chunk_bytes (g_ptr_array_index (connection->links, i)));
    gboolean idle = connection->unacked_bytes == 0 && connection->unconsumed_bytes == 0;
    needed_bytes = idle ? 1 : MAX (needed_bytes / 2, 1);
  }
  if (get_flow_room (connection) >= needed_bytes)
    return CAIMAN_HOLD_NONE;
  gint64 send_room = connection->config.send_buffer_bytes - (gint64)connection->unacked_bytes;
  gint64 peer_room = connection->remote_receive_buffer_bytes - (gint64)connection->unconsumed_bytes;
  return connection->unacked_bytes > 0 && send_room < peer_room ? CAIMAN_HOLD_SEND_WINDOW
                                                                : CAIMAN_HOLD_PEER_WINDOW;
}

static CaimanLink *
pick_data (CaimanConnection *connection, gsize head_bytes, gboolean is_stream)
{
  const CaimanScheduler *scheduler = connection->scheduler;
  CaimanLink *link = scheduler->pick_data (connection, head_bytes, is_stream);
  if (link == NULL)
    caiman_scheduler_update_cost (connection, TRUE);
  if (link == NULL && scheduler->starved && scheduler->starved (connection))
    link = scheduler->pick_data (connection, head_bytes, is_stream);
  connection->waits_for_link = link == NULL;
  return link;
}

static gboolean
next_data (CaimanConnection *connection, CaimanPacket *packet_out)
{
  const CaimanChunk *chunk = g_queue_peek_head (&connection->unsent);
  connection->waits_for_link = FALSE;
  if (chunk == NULL || !has_seq_room (connection, SEQ_RESERVE))
    return FALSE;
  gsize head_bytes = get_head_bytes (connection, chunk);
  guint64 room = get_flow_room (connection);
  if (chunk->is_stream ? room == 0 : room < head_bytes) {
    caiman_scheduler_update_cost (connection, FALSE); /* more links would not help */
    return FALSE;
  }
  CaimanLink *link = pick_data (connection, head_bytes, chunk->is_stream);
  if (link == NULL)
    return FALSE;
  gsize size = get_next_size (connection, chunk, caiman_link_get_chunk_bytes (link));
  if (size == 0 && chunk->is_stream)
    return FALSE;
  GBytes *payload = chunk->is_stream ? take_stream (connection, size) : take_message (connection);
  size = g_bytes_get_size (payload);
  connection->unsent_bytes -= size;
  connection->unacked_bytes += size;
  connection->unconsumed_bytes += size;
  if (connection->unsent_bytes == 0)
    caiman_scheduler_update_cost (connection, FALSE);
  if (connection->unsent_limit_bytes > 0)
    caiman_connection_check_room (connection);

  CaimanOutMessage *message = caiman_send_queue_append (&connection->queue, CAIMAN_MESSAGE_DATA);
  message->payload = payload;
  message->size_bytes = (guint32)size;
  transmit (link, message, SEND_FIRST, packet_out);
  return TRUE;
}

static gboolean
next_duplicate (CaimanConnection *connection, CaimanPacket *packet_out)
{
  if (connection->scheduler->pick_duplicate == NULL)
    return FALSE;
  CaimanLink *link;
  CaimanOutMessage *message = connection->scheduler->pick_duplicate (connection, &link);
  if (message == NULL)
    return FALSE;
  transmit (link, message, SEND_DUPLICATE, packet_out);
  return TRUE;
}

/* Links that could take more but get nothing: their rate samples are application-limited. */
static void
note_app_limited (CaimanConnection *connection)
{
  for (guint i = 0; i < connection->links->len; i++) {
    CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (link->state == CAIMAN_LINK_WORKING && link->writable &&
        link->flight.bytes < link->window_bytes)
      caiman_rate_set_app_limited (&link->rate, (guint64)link->flight.bytes);
  }
}

gboolean
caiman_connection_next_packet (CaimanConnection *connection, CaimanPacket *packet_out,
                               gint64 now_ns)
{
  caiman_connection_enter (connection, now_ns);
  if (next_control (connection, packet_out))
    return TRUE;
  if (connection->state != CAIMAN_CONNECTION_OPEN)
    return FALSE;
  if (next_reliable_control (connection, packet_out) || next_resend (connection, packet_out) ||
      next_data (connection, packet_out) || next_duplicate (connection, packet_out)) {
    caiman_connection_check_room (connection);
    return TRUE;
  }
  note_app_limited (connection);
  caiman_connection_check_finished (connection);
  return connection->state == CAIMAN_CONNECTION_ENDED && next_control (connection, packet_out);
}
