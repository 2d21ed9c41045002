/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel-private.h - what the two sides of a tunnel, tunnel-client.c and tunnel-server.c, share. */
#pragma once

#include "apps/connect-limit.h"
#include "apps/connection-log.h"
#include "apps/listener.h"
#include "apps/service.h"
#include "apps/tunnel-flow.h"
#include "apps/tunnel.h"

G_BEGIN_DECLS

struct _Tunnel {
  TunnelConfig *base;   /* the command line's */
  TunnelConfig *config; /* with the file's */
  char *path;           /* (nullable) */
  gboolean once;
  gboolean stopping; /* takes nothing new */
  AppEndpoint *endpoint;
  ConnectionLog *log;
  ConnectLimit *limit;  /* client */
  AppService *service;  /* while it runs */
  GPtrArray *listeners; /* client: of TunnelListener, one per forward of @config, in its order;
                           NULL where it could not listen */
};

/* --- tunnel-client.c --- */

/* The endpoint's handler; connection->data is the flow. */
extern const AppHandler tunnel_client_handler;

/* Makes the listeners those of the configuration; those that stay are not interrupted. FALSE: the
 * first error; the others listen all the same. */
gboolean tunnel_client_listen (Tunnel *tunnel, GError **error);
void tunnel_client_stop (Tunnel *tunnel);
guint16 tunnel_client_get_port (const Tunnel *tunnel, guint index);
void tunnel_listener_free (gpointer listener); /* accepts NULL */

/* --- tunnel-server.c --- */

/* The endpoint's handler; connection->data is the server's own. */
extern const AppHandler tunnel_server_handler;

/* --- tunnel.c --- */

/* A forwarded connection has gone. */
void tunnel_connection_closed (Tunnel *tunnel);

G_END_DECLS
