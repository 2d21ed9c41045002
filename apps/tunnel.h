/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel.h - forwards TCP ports through aggregated connections, wire-compatible with agg-tunnel
 * (PROTOCOL.md, section 8; docs/tunnel.md).
 *
 * Each TCP connection that the client accepts becomes a connection of its own. Its first two bytes
 * are the port that is wanted from the server, which forwards only what it publishes. */
#pragma once

#include "apps/tunnel-config.h"

G_BEGIN_DECLS

typedef struct _Tunnel Tunnel;

/* @base (copied): what the command line said. @path (nullable): the file, read now and at each
 * reload. @once: ends after one forwarded connection. NULL: what is wrong is in @messages. */
Tunnel *tunnel_new (const TunnelConfig *base, const char *path, gboolean once, GPtrArray *messages);
void tunnel_free (Tunnel *tunnel); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Tunnel, tunnel_free)

AppEndpoint *tunnel_get_endpoint (Tunnel *tunnel);
const TunnelConfig *tunnel_get_config (const Tunnel *tunnel);

/* Listens: for links (server), for connections to forward (client). Errors: INVALID_ARGUMENT for
 * what is wrong in itself, IO_ERROR for what the system refuses. */
gboolean tunnel_start (Tunnel *tunnel, GError **error);

/* Runs until a signal, or with @once the end of the first connection. Returns the signal, or 0. */
int tunnel_run (Tunnel *tunnel);

/* Reads the file again, and those of certificates: ports, targets, log level and what new links are
 * encrypted with change, connections go on. FALSE: one was bad, which was logged, and all stays as
 * it was; or there is none. */
gboolean tunnel_reload (Tunnel *tunnel);

/* Client: the local port of forward number @index of the configuration, e.g. when it was 0. */
guint16 tunnel_get_port (const Tunnel *tunnel, guint index);

G_END_DECLS
