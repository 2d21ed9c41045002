/* SPDX-License-Identifier: Apache-2.0 */
/* tls-stream.c - see tls-stream.h. */
#include "transports/tls-stream.h"

#include "transports/tcp-socket.h"
#include "transports/tls-private.h"

#include <string.h>
#include <unistd.h>

/* Payload of a full TLS record. */
#define RECORD_BYTES (16u * 1024u)
#define PARTS_MAX    64u

/* --- Life --- */

void
caiman_tls_stream_init (CaimanTlsStream *stream,
                        void (*ready) (CaimanTlsStream *stream, GIOCondition condition))
{
  *stream = (CaimanTlsStream) { .ready = ready };
  stream->context = g_main_context_ref_thread_default ();
  stream->record = g_malloc (RECORD_BYTES);
}

gboolean
caiman_tls_stream_open (CaimanTlsStream *stream, CaimanTls *tls, int fd, GError **error)
{
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, error);
  if (!socket) {
    close (fd);
    return FALSE;
  }
  g_socket_set_blocking (socket, FALSE);
  stream->fd = fd;
  stream->socket = g_socket_connection_factory_create_connection (socket);
  stream->connection = caiman_tls_make_connection (tls, G_IO_STREAM (stream->socket), error);
  if (!stream->connection)
    return FALSE;
  GIOStream *both = G_IO_STREAM (stream->connection);
  stream->in = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (both));
  stream->out = G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (both));
  return TRUE;
}

static void
clear_source (GSource **source)
{
  if (!*source)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

void
caiman_tls_stream_stop (CaimanTlsStream *stream)
{
  clear_source (&stream->in_source);
  clear_source (&stream->out_source);
  stream->record_bytes = 0;
}

void
caiman_tls_stream_drop (CaimanTlsStream *stream)
{
  if (stream->socket)
    g_socket_close (g_socket_connection_get_socket (stream->socket), NULL);
  stream->in = NULL;
  stream->out = NULL;
  g_clear_object (&stream->connection);
  g_clear_object (&stream->socket);
}

void
caiman_tls_stream_clear (CaimanTlsStream *stream)
{
  caiman_tls_stream_stop (stream);
  caiman_tls_stream_drop (stream);
  g_main_context_unref (stream->context);
  g_free (stream->record);
}

/* --- Readiness --- */

static gboolean
on_readable (GObject *in, gpointer user_data)
{
  CaimanTlsStream *stream = user_data;
  g_clear_pointer (&stream->in_source, g_source_unref);
  stream->ready (stream, G_IO_IN);
  return G_SOURCE_REMOVE;
}

static gboolean
on_writable (GObject *out, gpointer user_data)
{
  CaimanTlsStream *stream = user_data;
  g_clear_pointer (&stream->out_source, g_source_unref);
  stream->can_write = TRUE;
  stream->ready (stream, G_IO_OUT);
  return G_SOURCE_REMOVE;
}

static void
await_readable (CaimanTlsStream *stream)
{
  if (stream->in_source)
    return;
  stream->in_source = g_pollable_input_stream_create_source (stream->in, NULL);
  g_source_set_callback (stream->in_source, (GSourceFunc)(void (*) (void))on_readable, stream,
                         NULL);
  g_source_attach (stream->in_source, stream->context);
}

static void
await_writable (CaimanTlsStream *stream)
{
  stream->can_write = FALSE;
  if (stream->out_source)
    return;
  stream->out_source = g_pollable_output_stream_create_source (stream->out, NULL);
  g_source_set_callback (stream->out_source, (GSourceFunc)(void (*) (void))on_writable, stream,
                         NULL);
  g_source_attach (stream->out_source, stream->context);
}

/* --- Bytes --- */

gssize
caiman_tls_stream_read (CaimanTlsStream *stream, guint8 *data_out, gsize space, GError **error)
{
  g_autoptr (GError) cause = NULL;
  gssize size =
      g_pollable_input_stream_read_nonblocking (stream->in, data_out, space, NULL, &cause);
  if (size < 0 && g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    await_readable (stream);
  else if (size < 0)
    g_propagate_error (error, g_steal_pointer (&cause));
  return size;
}

/* Fills the next record from the queue. */
static void
gather (CaimanTlsStream *stream, CaimanFrameWriter *writer)
{
  struct iovec parts[PARTS_MAX];
  gsize size;
  guint n_parts = caiman_frame_writer_peek (writer, parts, PARTS_MAX, &size);
  stream->record_bytes = stream->record_sent_bytes = 0;
  for (guint i = 0; i < n_parts && stream->record_bytes < RECORD_BYTES; i++) {
    gsize taken = MIN (parts[i].iov_len, RECORD_BYTES - stream->record_bytes);
    memcpy (stream->record + stream->record_bytes, parts[i].iov_base, taken);
    stream->record_bytes += taken;
  }
  caiman_frame_writer_advance (writer, stream->record_bytes);
}

gboolean
caiman_tls_stream_write (CaimanTlsStream *stream, CaimanFrameWriter *writer, GError **error)
{
  while (stream->can_write && (stream->record_bytes > 0 || writer->queued_bytes > 0)) {
    if (stream->record_bytes == 0) {
      if (!caiman_tcp_socket_takes_more (stream->fd)) {
        await_writable (stream);
        break;
      }
      gather (stream, writer);
    }
    g_autoptr (GError) cause = NULL;
    gssize written = g_pollable_output_stream_write_nonblocking (
        stream->out, stream->record + stream->record_sent_bytes,
        stream->record_bytes - stream->record_sent_bytes, NULL, &cause);
    if (written < 0 && !g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
      g_propagate_error (error, g_steal_pointer (&cause));
      return FALSE;
    }
    if (written < 0) {
      await_writable (stream);
      break;
    }
    stream->record_sent_bytes += (gsize)written;
    if (stream->record_sent_bytes == stream->record_bytes)
      stream->record_bytes = 0;
  }
  return TRUE;
}

gsize
caiman_tls_stream_get_unsent_bytes (const CaimanTlsStream *stream)
{
  return stream->record_bytes;
}

CaimanReason
caiman_tls_stream_get_reason (const GError *error)
{
  if (g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_EOF))
    return CAIMAN_REASON_LINK_CLOSED;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
    return CAIMAN_REASON_LINK_RESET;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE) ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE))
    return CAIMAN_REASON_LINK_DOWN;
  return CAIMAN_REASON_LINK_IO_ERROR;
}
