/* SPDX-License-Identifier: Apache-2.0 */
/* glib-listener.h - takes connections of clients: what GSocketListener is for TCP.
 *
 * It belongs to the main context that was the thread-default one when it was made, and its streams
 * do so too (glib-stream.h). At most `pending-connections` new connections wait to be accepted. */
#pragma once

#include "glib-stream.h"
#include "tcp-acceptor.h"

G_BEGIN_DECLS

/**
 * CaimanListener:
 *
 * Signal ::incoming (CaimanListener *listener): a new connection waits to be accepted; for those
 * who would rather not have an accept call pending all the time.
 */
#define CAIMAN_TYPE_LISTENER (caiman_listener_get_type ())
G_DECLARE_FINAL_TYPE (CaimanListener, caiman_listener, CAIMAN, LISTENER, GObject)

/* @config (nullable: preset `adaptive`) holds for all its streams; copied. NULL with an error when
 * the process has no descriptors left. (transfer full) */
CaimanListener *caiman_listener_new (const CaimanConfig *config, GError **error);

/**
 * caiman_listener_listen:
 * @addresses: (array zero-terminated=1): e.g. "[::]:5800"; port 0 picks one (tcp-acceptor.h)
 * @options: (nullable): copied. For TLS set @options->wrap to caiman_tls_wrap() and
 * @options->wrap_data to a CaimanTls (tls.h), which is referenced; any other wrap_data must outlive
 * all connections
 *
 * Listens on all of them; to be called once. Without it, links come by
 * caiman_listener_add_transport() alone.
 *
 * Returns: FALSE with an error that names the address that cannot be parsed or bound
 */
gboolean caiman_listener_listen (CaimanListener *listener, const char *const *addresses,
                                 const CaimanTcpAcceptorOptions *options, GError **error);

/* The port of address number @index of caiman_listener_listen(). */
guint16 caiman_listener_get_port (CaimanListener *listener, guint index);

/* A link that has come in by other means (transfer full); @info is copied. */
void caiman_listener_add_transport (CaimanListener *listener, CaimanTransport *transport,
                                    const CaimanLinkInfo *info);

/* Any number of calls may wait; the first one gets the first connection. */
void caiman_listener_accept_async (CaimanListener *listener, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
/* (transfer full): NULL with G_IO_ERROR_CLOSED after caiman_listener_close(). */
CaimanStream *caiman_listener_accept_finish (CaimanListener *listener, GAsyncResult *result,
                                             GError **error);
/* The same, synchronously. (transfer full) */
CaimanStream *caiman_listener_accept (CaimanListener *listener, GCancellable *cancellable,
                                      GError **error);

/* (transfer none): what accept() would accept, to look at first; NULL: none waits. */
CaimanConnection *caiman_listener_peek (CaimanListener *listener);
/* Refuses it. Nothing happens when none waits. */
void caiman_listener_refuse (CaimanListener *listener);

/* Refuses what waits and what comes from now on; pending accept calls end with an error. Streams
 * that were accepted live on, and so the addresses stay bound until the last of them is closed, as
 * their further links come in there. Dropping the last reference does the same. */
void caiman_listener_close (CaimanListener *listener);

/* (transfer none): the server below, valid until close; then NULL. */
CaimanServer *caiman_listener_get_server (CaimanListener *listener);
/* (transfer none): the event loop of the listener's context. */
CaimanLoop *caiman_listener_get_loop (CaimanListener *listener);

G_END_DECLS
