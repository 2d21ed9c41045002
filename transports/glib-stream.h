/* SPDX-License-Identifier: Apache-2.0 */
/* glib-stream.h - an aggregated connection as a GIOStream.
 *
 * A CaimanStream comes from a CaimanClient (glib-client.h) or a CaimanListener (glib-listener.h).
 * Its two streams are pollable, and their asynchronous calls use no thread:
 *
 *   g_io_stream_get_input_stream()   reads in order what the peer sends; 0 is its end. Closing it
 *                                    drops the receiver: the peer's writes fail from then on.
 *   g_io_stream_get_output_stream()  takes as much as the send buffer has room for. flush() waits
 *                                    until all of it is acknowledged. Closing it is the half-close:
 *                                    what was written is still delivered, then the peer sees the
 *                                    end; it does not wait.
 *   g_io_stream_close_async()        both, and waits until the connection has ended, so that
 *                                    success means that all data has arrived. While the connection
 *                                    is not established it is given up instead.
 *
 * Dropping the last reference closes too, but in the background, for as long as the main context
 * runs. What is to arrive for sure must be closed properly.
 *
 * Context: a stream belongs to the main context that was the thread-default one when its client or
 * listener call was made, and to the thread that runs it. There is one event loop (loop.h) per
 * context. Synchronous calls wait on that event loop; they do not run the main context, save when
 * the links are wrapped (TLS), and they fail with G_IO_ERROR_PENDING inside a signal handler of a
 * stream. A pending asynchronous call keeps its stream alive.
 *
 * Errors are those of glib-error.h. Byte stream and messages are two views of the same data: both
 * ends should use the same one. */
#pragma once

#include "../core/connection.h"
#include "glib-error.h"
#include "loop.h"

G_BEGIN_DECLS

/**
 * CAIMAN_TYPE_LINK:
 *
 * The boxed type of a #CaimanLink (a reference to it), for signals.
 */
#define CAIMAN_TYPE_LINK (caiman_link_get_type ())
GType caiman_link_get_type (void);

/**
 * CaimanStream:
 * @state: (property) (type gint): a #CaimanConnectionState; notifies
 * @end-reason: (property) (type gint): a #CaimanReason, NONE before the end; notifies
 *
 * Signals (emitted in the stream's main context; handlers must not block):
 *
 * ::link-added (CaimanStream *stream, CaimanLink *link): a link has been made. Links that an
 * accepted stream has from the beginning are not told again: caiman_stream_get_links().
 *
 * ::link-changed (CaimanStream *stream, CaimanLink *link, gint state, gint reason): it is now in
 * @state, a #CaimanLinkState, because of @reason, a #CaimanReason.
 *
 * ::link-removed (CaimanStream *stream, CaimanLink *link, gint reason): it is gone.
 *
 * ::closed (CaimanStream *stream, gint reason): the connection has ended because of @reason, which
 * is CAIMAN_REASON_FINISHED when both sides closed it. What was received before can still be read.
 */
#define CAIMAN_TYPE_STREAM (caiman_stream_get_type ())
G_DECLARE_FINAL_TYPE (CaimanStream, caiman_stream, CAIMAN, STREAM, GIOStream)

/* --- Connecting --- */

/**
 * caiman_stream_wait_connected_async:
 * @stream: a stream of caiman_client_open()
 * @cancellable: (nullable): ends the waiting, not the stream
 * @callback: (scope async): called when it is connected or never will be
 *
 * Streams of caiman_client_connect_async() and caiman_listener_accept_async() are connected.
 */
void caiman_stream_wait_connected_async (CaimanStream *stream, GCancellable *cancellable,
                                         GAsyncReadyCallback callback, gpointer user_data);
/* TRUE when the connection is (or was) established, FALSE with the reason why it ended. */
gboolean caiman_stream_wait_connected_finish (CaimanStream *stream, GAsyncResult *result,
                                              GError **error);
/* The same, synchronously. */
gboolean caiman_stream_wait_connected (CaimanStream *stream, GCancellable *cancellable,
                                       GError **error);

/* --- Messages --- */

/**
 * caiman_stream_send_message_async:
 * @message: referenced; at most caiman_connection_get_message_max() bytes, may be empty
 * @io_priority: of the callback
 * @cancellable: (nullable): nothing has been sent when it was cancelled
 * @callback: (scope async): called once the send buffer has taken the message
 *
 * One call at a time, which also counts as a pending one of the output stream
 * (G_IO_ERROR_PENDING).
 */
void caiman_stream_send_message_async (CaimanStream *stream, GBytes *message, int io_priority,
                                       GCancellable *cancellable, GAsyncReadyCallback callback,
                                       gpointer user_data);
gboolean caiman_stream_send_message_finish (CaimanStream *stream, GAsyncResult *result,
                                            GError **error);
gboolean caiman_stream_send_message (CaimanStream *stream, GBytes *message,
                                     GCancellable *cancellable, GError **error);

/**
 * caiman_stream_receive_message_async:
 * @io_priority: of the callback
 * @cancellable: (nullable): nothing has been taken when it was cancelled
 * @callback: (scope async): called when there is a message, the end, or an error
 *
 * One call at a time, which also counts as a pending one of the input stream (G_IO_ERROR_PENDING).
 */
void caiman_stream_receive_message_async (CaimanStream *stream, int io_priority,
                                          GCancellable *cancellable, GAsyncReadyCallback callback,
                                          gpointer user_data);
/* (transfer full) (nullable): the message; NULL without @error is the end of what the peer sends.
 */
GBytes *caiman_stream_receive_message_finish (CaimanStream *stream, GAsyncResult *result,
                                              GError **error);
GBytes *caiman_stream_receive_message (CaimanStream *stream, GCancellable *cancellable,
                                       GError **error);

/* --- Links --- */

/* (transfer container) (element-type CaimanLink): those that are not closed; each element is a
 * reference that the array drops. */
GPtrArray *caiman_stream_get_links (CaimanStream *stream);

/* Blocks or frees a link (link.h), and ends one while the connection goes on. Nothing happens when
 * @link is no link of @stream any more. */
void caiman_stream_set_link_blocked (CaimanStream *stream, CaimanLink *link, gboolean blocked);
void caiman_stream_disconnect_link (CaimanStream *stream, CaimanLink *link);

/* A client's stream takes an established transport (transfer full) as a further link; @info is
 * copied. When the connection has ended, @transport is freed. */
void caiman_stream_add_transport (CaimanStream *stream, CaimanTransport *transport,
                                  const CaimanLinkInfo *info);

/* --- Ending --- */

/* At once, for both sides: nothing is delivered any more. The stream must still be closed. */
void caiman_stream_terminate (CaimanStream *stream);

/* --- Questions --- */

CaimanConnectionState caiman_stream_get_state (CaimanStream *stream);
CaimanReason caiman_stream_get_end_reason (CaimanStream *stream);

/**
 * caiman_stream_get_connection:
 *
 * The connection below, for statistics, rates, ids and the like. Functions that change something
 * take caiman_loop_now (caiman_stream_get_loop ()) as their time and need a caiman_stream_touch()
 * behind them.
 *
 * Returns: (transfer none) (nullable): NULL once the stream is closed
 */
CaimanConnection *caiman_stream_get_connection (CaimanStream *stream);

/* (transfer none): the event loop of the stream's context, valid as long as the stream is. */
CaimanLoop *caiman_stream_get_loop (CaimanStream *stream);
void caiman_stream_touch (CaimanStream *stream);

G_END_DECLS
