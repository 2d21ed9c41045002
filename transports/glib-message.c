/* SPDX-License-Identifier: Apache-2.0 */
/* glib-message.c - whole messages over a CaimanStream. A call that waits counts as a pending one of
 * the input or output stream, so that bytes and messages do not get in each other's way. */
#include "transports/glib-stream-private.h"

/* --- Sending --- */

/* TRUE when it is over, well or not; FALSE: it would block. */
static gboolean
attempt_send (gpointer stream, gpointer data, GError **error)
{
  CaimanStream *self = stream;
  if (!self->channel) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "the connection is closed");
    return TRUE;
  }
  g_autoptr (GError) local_error = NULL;
  if (caiman_connection_send (self->channel->connection, data, caiman_glib_loop_now (self->loop),
                              &local_error)) {
    caiman_channel_touch (self->channel);
    return TRUE;
  }
  if (g_error_matches (local_error, CAIMAN_ERROR, CAIMAN_REASON_WOULD_BLOCK)) {
    self->may_write = FALSE;
    return FALSE;
  }
  caiman_error_to_gio (&local_error);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return TRUE;
}

static void
finish_send (GTask *task, GError *error)
{
  CaimanStream *self = g_task_get_source_object (task);
  g_output_stream_clear_pending (self->output);
  caiman_wait_finish_boolean (task, error);
}

void
caiman_stream_send_message_async (CaimanStream *stream, GBytes *message, int io_priority,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_return_if_fail (CAIMAN_IS_STREAM (stream) && message != NULL);
  GTask *task = g_task_new (stream, cancellable, callback, user_data);
  g_task_set_source_tag (task, caiman_stream_send_message_async);
  g_task_set_priority (task, io_priority);
  g_task_set_task_data (task, g_bytes_ref (message), (GDestroyNotify)g_bytes_unref);
  GError *error = NULL;
  if (g_output_stream_set_pending (stream->output, &error)) {
    caiman_wait_async (task, &stream->writable, stream, attempt_send, finish_send);
    return;
  }
  g_task_return_error (task, error);
  g_object_unref (task);
}

gboolean
caiman_stream_send_message_finish (CaimanStream *stream, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, stream), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
caiman_stream_send_message (CaimanStream *stream, GBytes *message, GCancellable *cancellable,
                            GError **error)
{
  g_return_val_if_fail (CAIMAN_IS_STREAM (stream) && message != NULL, FALSE);
  if (!g_output_stream_set_pending (stream->output, error))
    return FALSE;
  gboolean sent = caiman_wait (stream->loop, attempt_send, stream, message, cancellable, error);
  g_output_stream_clear_pending (stream->output);
  return sent;
}

/* --- Receiving --- */

typedef struct {
  GBytes *message; /* (owned, nullable) */
} Received;

static void
received_free (gpointer data)
{
  Received *received = data;
  g_clear_pointer (&received->message, g_bytes_unref);
  g_free (received);
}

static gboolean
attempt_receive (gpointer stream, gpointer data, GError **error)
{
  CaimanStream *self = stream;
  Received *received = data;
  if (!self->channel) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "the connection is closed");
    return TRUE;
  }
  g_autoptr (GError) local_error = NULL;
  received->message = caiman_connection_receive (self->channel->connection,
                                                 caiman_glib_loop_now (self->loop), &local_error);
  if (g_error_matches (local_error, CAIMAN_ERROR, CAIMAN_REASON_WOULD_BLOCK)) {
    self->may_read = FALSE;
    return FALSE;
  }
  caiman_channel_touch (self->channel);
  if (local_error && !g_error_matches (local_error, CAIMAN_ERROR, CAIMAN_REASON_FINISHED)) {
    caiman_error_to_gio (&local_error);
    g_propagate_error (error, g_steal_pointer (&local_error));
  }
  return TRUE;
}

static void
finish_receive (GTask *task, GError *error)
{
  CaimanStream *self = g_task_get_source_object (task);
  Received *received = g_task_get_task_data (task);
  g_input_stream_clear_pending (self->input);
  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_steal_pointer (&received->message),
                           (GDestroyNotify)g_bytes_unref);
}

void
caiman_stream_receive_message_async (CaimanStream *stream, int io_priority,
                                     GCancellable *cancellable, GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  g_return_if_fail (CAIMAN_IS_STREAM (stream));
  GTask *task = g_task_new (stream, cancellable, callback, user_data);
  g_task_set_source_tag (task, caiman_stream_receive_message_async);
  g_task_set_priority (task, io_priority);
  g_task_set_task_data (task, g_new0 (Received, 1), received_free);
  GError *error = NULL;
  if (g_input_stream_set_pending (stream->input, &error)) {
    caiman_wait_async (task, &stream->readable, stream, attempt_receive, finish_receive);
    return;
  }
  g_task_return_error (task, error);
  g_object_unref (task);
}

GBytes *
caiman_stream_receive_message_finish (CaimanStream *stream, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, stream), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

GBytes *
caiman_stream_receive_message (CaimanStream *stream, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (CAIMAN_IS_STREAM (stream), NULL);
  if (!g_input_stream_set_pending (stream->input, error))
    return NULL;
  Received received = { 0 };
  gboolean done =
      caiman_wait (stream->loop, attempt_receive, stream, &received, cancellable, error);
  g_input_stream_clear_pending (stream->input);
  return done ? received.message : NULL;
}
