/* SPDX-License-Identifier: Apache-2.0 */
/* application.c - what the application sends into a connection and receives out of it, as messages
 * or as a byte stream. */
#include "core/connection-private.h"

/* Writes of at most so much are joined, up to so much. */
#define JOIN_BELOW_BYTES 1024
#define JOINED_MAX_BYTES 8192

/* --- Sending --- */

gsize
caiman_connection_get_send_room (const CaimanConnection *connection)
{
  if (connection->state > CAIMAN_CONNECTION_OPEN || connection->finish_wanted ||
      connection->peer_dropped_receiver)
    return 0;
  guint64 used = connection->unsent_bytes + connection->unacked_bytes;
  guint64 limit = (guint64)connection->config.send_buffer_bytes;
  guint64 room = used < limit ? limit - used : 0;
  if (connection->unsent_limit_bytes > 0)
    room = MIN (room, connection->unsent_limit_bytes -
                          MIN (connection->unsent_bytes, connection->unsent_limit_bytes));
  return (gsize)room;
}

void
caiman_connection_set_unsent_limit (CaimanConnection *connection, gsize limit_bytes)
{
  connection->unsent_limit_bytes = limit_bytes;
  caiman_connection_check_room (connection);
}

gsize
caiman_connection_get_message_max (const CaimanConnection *connection)
{
  gint64 max = connection->remote_receive_buffer_bytes / 2 - 1;
  return (gsize)CLAMP (max, 0, CAIMAN_FRAME_PAYLOAD_MAX_BYTES);
}

/* What stops any sending; NONE: nothing. */
static CaimanReason
get_send_error (const CaimanConnection *connection)
{
  if (connection->state == CAIMAN_CONNECTION_ENDED)
    return connection->end_reason == CAIMAN_REASON_FINISHED ? CAIMAN_REASON_SEND_FINISHED
                                                            : connection->end_reason;
  if (connection->state == CAIMAN_CONNECTION_TERMINATING)
    return CAIMAN_REASON_TERMINATED;
  if (connection->finish_wanted)
    return CAIMAN_REASON_SEND_FINISHED;
  if (connection->peer_dropped_receiver)
    return CAIMAN_REASON_RECEIVER_DROPPED;
  return CAIMAN_REASON_NONE;
}

static gboolean
fail (CaimanReason reason, GError **error)
{
  g_set_error (error, CAIMAN_ERROR, reason, "%s", caiman_reason_to_string (reason));
  return FALSE;
}

static void
push_chunk (CaimanConnection *connection, GBytes *bytes, gsize offset, gboolean is_stream)
{
  CaimanChunk *chunk = g_new (CaimanChunk, 1);
  *chunk = (CaimanChunk) { .bytes = bytes, .offset = offset, .is_stream = is_stream };
  g_queue_push_tail (&connection->unsent, chunk);
  connection->unsent_bytes += g_bytes_get_size (bytes) - offset;
}

/* Small writes that find others waiting are copied together: the send buffer bounds bytes, not the
 * bookkeeping of each write. */
static gboolean
join_write (CaimanConnection *connection, GBytes *bytes, gsize offset, gsize size)
{
  CaimanChunk *last = g_queue_peek_tail (&connection->unsent);
  if (last == NULL || !last->is_stream || size > JOIN_BELOW_BYTES)
    return FALSE;
  if (last->joined == NULL || last->joined->len + size > JOINED_MAX_BYTES) {
    last = g_new (CaimanChunk, 1);
    *last = (CaimanChunk) { .joined = g_byte_array_new (), .is_stream = TRUE };
    g_queue_push_tail (&connection->unsent, last);
  }
  const guint8 *data = g_bytes_get_data (bytes, NULL);
  g_byte_array_append (last->joined, data + offset, (guint)size);
  connection->unsent_bytes += size;
  return TRUE;
}

gboolean
caiman_connection_send (CaimanConnection *connection, GBytes *message, gint64 now_ns,
                        GError **error)
{
  caiman_connection_enter (connection, now_ns);
  CaimanReason reason = get_send_error (connection);
  if (reason != CAIMAN_REASON_NONE)
    return fail (reason, error);
  gsize size = g_bytes_get_size (message);
  gboolean limits_known = connection->remote_receive_buffer_bytes > 0;
  if (limits_known && size > caiman_connection_get_message_max (connection))
    return fail (CAIMAN_REASON_MESSAGE_TOO_LARGE, error);
  guint64 used = connection->unsent_bytes + connection->unacked_bytes;
  /* One message may go over the limit, or a large one could never be sent. Empty ones count a
   * byte each by their number. */
  gboolean is_full = used >= (guint64)connection->config.send_buffer_bytes ||
                     (connection->unsent_limit_bytes > 0 &&
                      connection->unsent_bytes >= connection->unsent_limit_bytes);
  if (!limits_known || is_full || connection->unsent.length >= CAIMAN_SEQ_WINDOW) {
    connection->write_blocked = TRUE;
    return fail (CAIMAN_REASON_WOULD_BLOCK, error);
  }
  push_chunk (connection, g_bytes_ref (message), 0, FALSE);
  return TRUE;
}

gssize
caiman_connection_write (CaimanConnection *connection, GBytes *bytes, gsize offset, gint64 now_ns,
                         GError **error)
{
  caiman_connection_enter (connection, now_ns);
  gsize size = g_bytes_get_size (bytes);
  g_return_val_if_fail (offset <= size, -1);
  CaimanReason reason = get_send_error (connection);
  if (reason != CAIMAN_REASON_NONE) {
    fail (reason, error);
    return -1;
  }
  if (offset == size)
    return 0;
  gsize room = caiman_connection_get_send_room (connection);
  if (room == 0) {
    connection->write_blocked = TRUE;
    fail (CAIMAN_REASON_WOULD_BLOCK, error);
    return -1;
  }
  gsize accepted = MIN (room, size - offset);
  if (join_write (connection, bytes, offset, accepted))
    return (gssize)accepted;
  if (accepted == size - offset)
    push_chunk (connection, g_bytes_ref (bytes), offset, TRUE);
  else
    push_chunk (connection, g_bytes_new_from_bytes (bytes, offset, accepted), 0, TRUE);
  return (gssize)accepted;
}

void
caiman_connection_flush (CaimanConnection *connection, gint64 now_ns)
{
  caiman_connection_enter (connection, now_ns);
  connection->flush_wanted = TRUE;
  caiman_connection_check_room (connection);
}

void
caiman_connection_finish (CaimanConnection *connection, gint64 now_ns)
{
  caiman_connection_enter (connection, now_ns);
  if (connection->finish_wanted || connection->state > CAIMAN_CONNECTION_OPEN)
    return;
  connection->finish_wanted = TRUE;
  caiman_connection_arm_termination (connection);
  caiman_connection_check_finished (connection);
}

/* --- Receiving --- */

static CaimanReason
get_receive_error (CaimanConnection *connection)
{
  /* Terminate may have cut off what was received before SendFinish and not read. */
  if (connection->receiver_dropped ||
      (connection->receive_finished && caiman_readable_is_empty (connection->readable)))
    return CAIMAN_REASON_FINISHED;
  if (connection->state == CAIMAN_CONNECTION_ENDED)
    return connection->end_reason;
  if (connection->state == CAIMAN_CONNECTION_TERMINATING)
    return CAIMAN_REASON_TERMINATED;
  return CAIMAN_REASON_WOULD_BLOCK;
}

/* "At once" in PROTOCOL.md, 5: after Terminate nothing is delivered any more. */
static gboolean
is_readable (const CaimanConnection *connection)
{
  return !caiman_readable_is_empty (connection->readable) && !connection->receiver_dropped &&
         connection->state != CAIMAN_CONNECTION_TERMINATING &&
         connection->end_reason != CAIMAN_REASON_TERMINATED;
}

GBytes *
caiman_connection_receive (CaimanConnection *connection, gint64 now_ns, GError **error)
{
  caiman_connection_enter (connection, now_ns);
  if (!is_readable (connection)) {
    fail (get_receive_error (connection), error);
    return NULL;
  }
  GBytes *message = caiman_readable_pop (connection->readable);
  caiman_connection_consumed (connection, g_bytes_get_size (message));
  return message;
}

gssize
caiman_connection_read (CaimanConnection *connection, void *buffer_out, gsize size, gint64 now_ns,
                        GError **error)
{
  caiman_connection_enter (connection, now_ns);
  gsize n_read =
      is_readable (connection) ? caiman_readable_read (connection->readable, buffer_out, size) : 0;
  if (n_read > 0 || size == 0) {
    caiman_connection_consumed (connection, n_read);
    return (gssize)n_read;
  }
  CaimanReason reason = get_receive_error (connection);
  if (reason == CAIMAN_REASON_FINISHED) {
    caiman_connection_check_finished (connection);
    return 0;
  }
  fail (reason, error);
  return -1;
}

void
caiman_connection_close_receiver (CaimanConnection *connection, gint64 now_ns)
{
  caiman_connection_enter (connection, now_ns);
  if (!connection->receive_finished && !connection->receiver_dropped)
    connection->receive_close_wanted = TRUE;
}

void
caiman_connection_drop_receiver (CaimanConnection *connection, gint64 now_ns)
{
  caiman_connection_enter (connection, now_ns);
  if (connection->receiver_dropped || connection->state > CAIMAN_CONNECTION_OPEN)
    return;
  connection->receiver_dropped = TRUE;
  guint64 unread = caiman_readable_get_bytes (connection->readable);
  caiman_readable_clear (connection->readable);
  if (!connection->receive_finished)
    connection->receive_finish_wanted = TRUE;
  caiman_connection_consumed (connection, unread);
  caiman_connection_arm_termination (connection);
  caiman_connection_check_finished (connection);
}
