/* SPDX-License-Identifier: Apache-2.0 */
/* glib-stream-io.c - bytes and messages of a CaimanStream.
 *
 * Both streams are pollable, which is all that GInputStream and GOutputStream need for their own
 * asynchronous calls without a thread; only flush and close are added here. */
#include "transports/glib-stream-private.h"

/* Most bytes that one write copies: a write takes no more than there is room for anyway. */
#define WRITE_MAX_BYTES (1024 * 1024)

typedef struct {
  void *buffer;
  const void *data;
  gsize size;
  gssize n_done;
} Transfer;

static gboolean
set_closed_error (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "the connection is closed");
  return FALSE;
}

static CaimanConnection *
get_connection (CaimanStream *self, GError **error)
{
  if (self && self->channel)
    return self->channel->connection;
  set_closed_error (error);
  return NULL;
}

/* --- Single calls that do not wait --- */

static gssize
read_now (CaimanStream *self, void *buffer, gsize size, GError **error)
{
  CaimanConnection *connection = get_connection (self, error);
  if (!connection)
    return -1;
  g_autoptr (GError) local_error = NULL;
  gssize n_read = caiman_connection_read (connection, buffer, size,
                                          caiman_glib_loop_now (self->loop), &local_error);
  if (n_read >= 0) {
    caiman_channel_touch (self->channel);
    return n_read;
  }
  if (g_error_matches (local_error, CAIMAN_ERROR, CAIMAN_REASON_WOULD_BLOCK))
    self->may_read = FALSE;
  caiman_error_to_gio (&local_error);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return -1;
}

static gssize
write_now (CaimanStream *self, const void *data, gsize size, GError **error)
{
  CaimanConnection *connection = get_connection (self, error);
  if (!connection)
    return -1;
  /* The call is made without room, too: it has the connection tell when there is some again. */
  gsize room = caiman_connection_get_send_room (connection);
  gsize n_copied = MIN (size, CLAMP (room, 1, WRITE_MAX_BYTES));
  g_autoptr (GBytes) bytes = g_bytes_new (data, n_copied);
  g_autoptr (GError) local_error = NULL;
  gssize n_written = caiman_connection_write (connection, bytes, 0,
                                              caiman_glib_loop_now (self->loop), &local_error);
  if (n_written >= 0) {
    caiman_channel_touch (self->channel);
    return n_written;
  }
  if (g_error_matches (local_error, CAIMAN_ERROR, CAIMAN_REASON_WOULD_BLOCK))
    self->may_write = FALSE;
  caiman_error_to_gio (&local_error);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return -1;
}

/* TRUE, with the error moved to @error, unless it says that the call would block. */
static gboolean
is_done (GError *local_error, GError **error)
{
  if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
    g_error_free (local_error);
    return FALSE;
  }
  if (local_error)
    g_propagate_error (error, local_error);
  return TRUE;
}

static gboolean
attempt_read (gpointer stream, gpointer data, GError **error)
{
  Transfer *transfer = data;
  GError *local_error = NULL;
  transfer->n_done = read_now (stream, transfer->buffer, transfer->size, &local_error);
  return is_done (local_error, error);
}

static gboolean
attempt_write (gpointer stream, gpointer data, GError **error)
{
  Transfer *transfer = data;
  GError *local_error = NULL;
  transfer->n_done = write_now (stream, transfer->data, transfer->size, &local_error);
  return is_done (local_error, error);
}

/* Until everything that was written is acknowledged. */
static gboolean
attempt_flush (gpointer stream, gpointer data, GError **error)
{
  CaimanStream *self = stream;
  CaimanConnection *connection = get_connection (self, error);
  if (!connection)
    return TRUE;
  CaimanConnectionStats stats;
  caiman_connection_get_stats (connection, &stats);
  if (stats.unsent_bytes == 0 && stats.unacked_bytes == 0 &&
      caiman_connection_get_state (connection) <= CAIMAN_CONNECTION_OPEN)
    return TRUE;
  CaimanReason reason = caiman_connection_get_end_reason (connection);
  if (self->ended && reason != CAIMAN_REASON_FINISHED) {
    g_set_error (error, CAIMAN_ERROR, reason, "%s", caiman_reason_to_string (reason));
    caiman_error_to_gio (error);
  }
  if (self->ended)
    return TRUE;
  caiman_connection_flush (connection, caiman_glib_loop_now (self->loop));
  caiman_channel_touch (self->channel);
  return FALSE;
}

/* --- The input stream --- */

typedef struct {
  GInputStream parent_instance;
  CaimanStream *stream; /* (borrowed) NULL: gone */
} CaimanStreamInput;

typedef GInputStreamClass CaimanStreamInputClass;

static void input_pollable_init (GPollableInputStreamInterface *iface);
static GType caiman_stream_input_get_type (void);
G_DEFINE_TYPE_WITH_CODE (CaimanStreamInput, caiman_stream_input, G_TYPE_INPUT_STREAM,
                         G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM, input_pollable_init))

static gssize
input_read (GInputStream *input, void *buffer, gsize size, GCancellable *cancellable,
            GError **error)
{
  CaimanStream *self = ((CaimanStreamInput *)input)->stream;
  Transfer transfer = { .buffer = buffer, .size = size };
  if (!get_connection (self, error) ||
      !caiman_wait (self->loop, attempt_read, self, &transfer, cancellable, error))
    return -1;
  return transfer.n_done;
}

static gboolean
input_close (GInputStream *input, GCancellable *cancellable, GError **error)
{
  CaimanStream *self = ((CaimanStreamInput *)input)->stream;
  if (self && self->channel) {
    caiman_connection_drop_receiver (self->channel->connection, caiman_glib_loop_now (self->loop));
    caiman_channel_touch (self->channel);
  }
  return TRUE;
}

static void
input_close_async (GInputStream *input, int io_priority, GCancellable *cancellable,
                   GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (input, cancellable, callback, user_data);
  g_task_set_source_tag (task, input_close_async);
  g_task_return_boolean (task, input_close (input, cancellable, NULL));
  g_object_unref (task);
}

static gboolean
input_close_finish (GInputStream *input, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static gboolean
input_is_readable (GPollableInputStream *pollable)
{
  CaimanStream *self = ((CaimanStreamInput *)pollable)->stream;
  return !self || !self->channel || self->may_read;
}

static GSource *
input_create_source (GPollableInputStream *pollable, GCancellable *cancellable)
{
  CaimanStream *self = ((CaimanStreamInput *)pollable)->stream;
  g_autoptr (GSource) ready = NULL;
  if (self)
    ready =
        caiman_waiters_source_new (&self->readable, G_OBJECT (self), input_is_readable (pollable));
  else
    ready = g_timeout_source_new (0);
  return g_pollable_source_new_full (pollable, ready, cancellable);
}

static gssize
input_read_nonblocking (GPollableInputStream *pollable, void *buffer, gsize size, GError **error)
{
  return read_now (((CaimanStreamInput *)pollable)->stream, buffer, size, error);
}

static void
input_pollable_init (GPollableInputStreamInterface *iface)
{
  iface->is_readable = input_is_readable;
  iface->create_source = input_create_source;
  iface->read_nonblocking = input_read_nonblocking;
}

static void
caiman_stream_input_class_init (CaimanStreamInputClass *klass)
{
  klass->read_fn = input_read;
  klass->close_fn = input_close;
  klass->close_async = input_close_async;
  klass->close_finish = input_close_finish;
}

static void
caiman_stream_input_init (CaimanStreamInput *self)
{
}

GInputStream *
caiman_stream_input_new (CaimanStream *stream)
{
  CaimanStreamInput *self = g_object_new (caiman_stream_input_get_type (), NULL);
  self->stream = stream;
  return G_INPUT_STREAM (self);
}

void
caiman_stream_input_detach (GInputStream *input)
{
  ((CaimanStreamInput *)input)->stream = NULL;
}

/* --- The output stream --- */

typedef struct {
  GOutputStream parent_instance;
  CaimanStream *stream; /* (borrowed) NULL: gone */
} CaimanStreamOutput;

typedef GOutputStreamClass CaimanStreamOutputClass;

static void output_pollable_init (GPollableOutputStreamInterface *iface);
static GType caiman_stream_output_get_type (void);
G_DEFINE_TYPE_WITH_CODE (CaimanStreamOutput, caiman_stream_output, G_TYPE_OUTPUT_STREAM,
                         G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM,
                                                output_pollable_init))

static gssize
output_write (GOutputStream *output, const void *data, gsize size, GCancellable *cancellable,
              GError **error)
{
  CaimanStream *self = ((CaimanStreamOutput *)output)->stream;
  Transfer transfer = { .data = data, .size = size };
  if (!get_connection (self, error) ||
      !caiman_wait (self->loop, attempt_write, self, &transfer, cancellable, error))
    return -1;
  return transfer.n_done;
}

/* A close flushes first; the half-close does not have to wait for acknowledgements. */
static gboolean
needs_no_flush (GOutputStream *output)
{
  CaimanStream *self = ((CaimanStreamOutput *)output)->stream;
  return g_output_stream_is_closing (output) || !self || !self->channel;
}

static gboolean
output_flush (GOutputStream *output, GCancellable *cancellable, GError **error)
{
  CaimanStream *self = ((CaimanStreamOutput *)output)->stream;
  return needs_no_flush (output) ||
         caiman_wait (self->loop, attempt_flush, self, NULL, cancellable, error);
}

static void
output_flush_async (GOutputStream *output, int io_priority, GCancellable *cancellable,
                    GAsyncReadyCallback callback, gpointer user_data)
{
  CaimanStream *self = ((CaimanStreamOutput *)output)->stream;
  GTask *task = g_task_new (output, cancellable, callback, user_data);
  g_task_set_source_tag (task, output_flush_async);
  g_task_set_priority (task, io_priority);
  if (!needs_no_flush (output)) {
    caiman_wait_async (task, &self->progress, self, attempt_flush, caiman_wait_finish_boolean);
    return;
  }
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static gboolean
output_finish (GOutputStream *output, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static gboolean
output_close (GOutputStream *output, GCancellable *cancellable, GError **error)
{
  CaimanStream *self = ((CaimanStreamOutput *)output)->stream;
  if (self && self->channel) {
    caiman_connection_finish (self->channel->connection, caiman_glib_loop_now (self->loop));
    caiman_channel_touch (self->channel);
  }
  return TRUE;
}

static void
output_close_async (GOutputStream *output, int io_priority, GCancellable *cancellable,
                    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (output, cancellable, callback, user_data);
  g_task_set_source_tag (task, output_close_async);
  g_task_return_boolean (task, output_close (output, cancellable, NULL));
  g_object_unref (task);
}

static gboolean
output_is_writable (GPollableOutputStream *pollable)
{
  CaimanStream *self = ((CaimanStreamOutput *)pollable)->stream;
  return !self || !self->channel || self->may_write;
}

static GSource *
output_create_source (GPollableOutputStream *pollable, GCancellable *cancellable)
{
  CaimanStream *self = ((CaimanStreamOutput *)pollable)->stream;
  g_autoptr (GSource) ready = NULL;
  if (self)
    ready =
        caiman_waiters_source_new (&self->writable, G_OBJECT (self), output_is_writable (pollable));
  else
    ready = g_timeout_source_new (0);
  return g_pollable_source_new_full (pollable, ready, cancellable);
}

static gssize
output_write_nonblocking (GPollableOutputStream *pollable, const void *data, gsize size,
                          GError **error)
{
  return write_now (((CaimanStreamOutput *)pollable)->stream, data, size, error);
}

static void
output_pollable_init (GPollableOutputStreamInterface *iface)
{
  iface->is_writable = output_is_writable;
  iface->create_source = output_create_source;
  iface->write_nonblocking = output_write_nonblocking;
}

static void
caiman_stream_output_class_init (CaimanStreamOutputClass *klass)
{
  klass->write_fn = output_write;
  klass->flush = output_flush;
  klass->flush_async = output_flush_async;
  klass->flush_finish = output_finish;
  klass->close_fn = output_close;
  klass->close_async = output_close_async;
  klass->close_finish = output_finish;
}

static void
caiman_stream_output_init (CaimanStreamOutput *self)
{
}

GOutputStream *
caiman_stream_output_new (CaimanStream *stream)
{
  CaimanStreamOutput *self = g_object_new (caiman_stream_output_get_type (), NULL);
  self->stream = stream;
  return G_OUTPUT_STREAM (self);
}

void
caiman_stream_output_detach (GOutputStream *output)
{
  ((CaimanStreamOutput *)output)->stream = NULL;
}
