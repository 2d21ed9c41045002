/* SPDX-License-Identifier: Apache-2.0 */
/* glib-client.h - opens connections to servers: what GSocketClient is for a single TCP connection.
 *
 * One client can open any number of streams (glib-stream.h), each with its own links: one for each
 * local interface and server address, kept up for the life of the stream. */
#pragma once

#include "glib-stream.h"
#include "tcp-connector.h"

G_BEGIN_DECLS

/**
 * CaimanClient:
 * @default-port: (property) (type guint): for hosts without a port; 0 (default): each must have one
 */
#define CAIMAN_TYPE_CLIENT (caiman_client_get_type ())
G_DECLARE_FINAL_TYPE (CaimanClient, caiman_client, CAIMAN, CLIENT, GObject)

/* (transfer full): with the preset `adaptive`. */
CaimanClient *caiman_client_new (void);

/* For the streams opened from now on; copied. It must be valid (config.h). */
void caiman_client_set_config (CaimanClient *client, const CaimanConfig *config);

void caiman_client_set_default_port (CaimanClient *client, guint16 port);

/**
 * caiman_client_open:
 * @hosts: (array zero-terminated=1) (nullable): names or addresses, with or without a port, of ONE
 *   server (tcp-connector.h). NULL: links come by caiman_stream_add_transport() alone
 * @options: (nullable): copied. For TLS set @options->wrap to caiman_tls_wrap() and
 * @options->wrap_data to a CaimanTls (tls.h), which is referenced; any other wrap_data must outlive
 * the connection
 *
 * Returns at once with a stream that connects in the background: for signals from the very first
 * link on, or to write before it is connected.
 *
 * Returns: (transfer full): NULL with an error when a host cannot be parsed, or the process has no
 *   descriptors left
 */
CaimanStream *caiman_client_open (CaimanClient *client, const char *const *hosts,
                                  const CaimanTcpConnectorOptions *options, GError **error);

/**
 * caiman_client_connect_async:
 * @hosts: (array zero-terminated=1): as for caiman_client_open()
 * @options: (nullable): as for caiman_client_open()
 * @cancellable: (nullable): gives up
 * @callback: (scope async): called when the first link is accepted, or none was for
 *   `no-link-timeout`, or the server refused
 */
void caiman_client_connect_async (CaimanClient *client, const char *const *hosts,
                                  const CaimanTcpConnectorOptions *options,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
/* (transfer full): the connected stream. */
CaimanStream *caiman_client_connect_finish (CaimanClient *client, GAsyncResult *result,
                                            GError **error);
/* The same, synchronously. (transfer full) */
CaimanStream *caiman_client_connect (CaimanClient *client, const char *const *hosts,
                                     const CaimanTcpConnectorOptions *options,
                                     GCancellable *cancellable, GError **error);

G_END_DECLS
