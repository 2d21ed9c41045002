/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-duo.h - a client with a TCP connector and a server with a TCP acceptor on one loop, for tests
 * that read as a story. Both write down the links that closed. */
#pragma once

#include "transports/tcp-acceptor.h"
#include "transports/tcp-connector.h"

typedef struct {
  CaimanLoop *loop;
  CaimanConfig
      config; /* of both; reconnect-delay is an hour, so that nothing is mended by waiting */
  CaimanPump *server, *client;
  CaimanTcpAcceptor *acceptor;
  CaimanTcpConnector *connector;
  CaimanConnection *accepted; /* the server's end of the last connection */
  GString *client_closed;     /* "NAME REASON;" for each link that has closed */
  GString *server_closed;
  guint n_changed; /* calls of the connector's changed() */
} TcpDuo;

TcpDuo *tcp_duo_new (void);
void tcp_duo_free (TcpDuo *d);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TcpDuo, tcp_duo_free)

/* @options NULL: the defaults. Return the port of the first address. */
guint16 tcp_duo_listen (TcpDuo *d, const char *const *addresses,
                        const CaimanTcpAcceptorOptions *options);

/* To @hosts (comma-separated) without a port: at the server's first port. */
void tcp_duo_connect (TcpDuo *d, const char *hosts, const CaimanTcpConnectorOptions *options);
void tcp_duo_disconnect (TcpDuo *d); /* frees client and connector */

/* Working links named @name (NULL: any) at the client, and at the server's end of the connection.
 */
guint tcp_duo_count_client (TcpDuo *d, const char *name);
guint tcp_duo_count_server (TcpDuo *d, const char *name);

/* Runs the loop until the client has @n working links named @name (NULL: any), or fails the test.
 */
void tcp_duo_wait_links (TcpDuo *d, const char *name, guint n);

/* Runs the loop until @log (one of the above) contains @text, or fails the test. */
void tcp_duo_wait_closed (TcpDuo *d, const GString *log, const char *text);

/* Runs the loop until nothing is left to do for @duration_ms. */
void tcp_duo_settle (TcpDuo *d, guint duration_ms);

/* What the connector tells, one line each, with "PORT" for the server's port. (transfer full) */
char *tcp_duo_describe (TcpDuo *d);
