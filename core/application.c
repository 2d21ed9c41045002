/* SPDX-License-Identifier: Apache-2.0 */
/* application.c - what the application sends into a connection and receives out of it, as messages
 * or as a byte stream. */
#include "core/connection-private.h"

#include <string.h>

/* --- Sending --- */

gsize
caiman_connection_get_send_room (const CaimanConnection *connection)
{
  if (connection->state > CAIMAN_CONNECTION_OPEN || connection->finish_wanted ||
      connection->peer_dropped_receiver)
    return 0;
  guint64 used = connection->unsent_bytes + connection->unacked_bytes;
  guint64 limit = (guint64)connection->config.send_buffer_bytes;
  return used < limit ? (gsize)(limit - used) : 0;
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
  if (!limits_known || used >= (guint64)connection->config.send_buffer_bytes ||
      connection->unsent.length >= CAIMAN_SEQ_WINDOW) {
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
      (connection->receive_finished && connection->readable.length == 0))
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
  return connection->readable.length > 0 && !connection->receiver_dropped &&
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
  GBytes *message = g_queue_pop_head (&connection->readable);
  if (connection->read_offset > 0) {
    GBytes *rest = g_bytes_new_from_bytes (message, connection->read_offset,
                                           g_bytes_get_size (message) - connection->read_offset);
    g_bytes_unref (message);
    message = rest;
    connection->read_offset = 0;
  }
  caiman_connection_consumed (connection, g_bytes_get_size (message));
  return message;
}

gssize
caiman_connection_read (CaimanConnection *connection, void *buffer_out, gsize size, gint64 now_ns,
                        GError **error)
{
  caiman_connection_enter (connection, now_ns);
  gsize n_read = 0;
  while (n_read < size && is_readable (connection)) {
    GBytes *head = g_queue_peek_head (&connection->readable);
    gsize head_size;
    const guint8 *data = g_bytes_get_data (head, &head_size);
    gsize n = MIN (size - n_read, head_size - connection->read_offset);
    if (n > 0)
      memcpy ((guint8 *)buffer_out + n_read, data + connection->read_offset, n);
    n_read += n;
    connection->read_offset += n;
    if (connection->read_offset == head_size) {
      g_bytes_unref (g_queue_pop_head (&connection->readable));
      connection->read_offset = 0;
    }
  }
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
  guint64 unread = connection->readable_bytes;
  g_queue_clear_full (&connection->readable, (GDestroyNotify)g_bytes_unref);
  connection->read_offset = 0;
  if (!connection->receive_finished)
    connection->receive_finish_wanted = TRUE;
  caiman_connection_consumed (connection, unread);
  caiman_connection_arm_termination (connection);
  caiman_connection_check_finished (connection);
}
