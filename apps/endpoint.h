/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.h - an endpoint of a long-running verb (tunnel, speed): its loop, its connections, and
 * whoever watches them.
 *
 * An AppEndpoint is a client (each connection has a pump of its own, all share one set of paths) or
 * a server (one pump, any number of connections). What an application does with a connection is its
 * AppHandler; monitor, status socket and recorder are AppObservers, of which there may be several.
 *
 * It runs on the GMainContext that was the thread-default when it was made (sockets and timers on a
 * CaimanLoop that is attached to it); nothing here takes threads. */
#pragma once

#include "apps/log-history.h"
#include "apps/log.h"
#include "transports/loop.h"
#include "transports/tcp-acceptor.h"
#include "transports/tcp-connector.h"
#include "transports/tls.h"

G_BEGIN_DECLS

typedef struct _AppEndpoint AppEndpoint;

typedef enum {
  APP_ROLE_CLIENT,
  APP_ROLE_SERVER,
} AppRole;

/* A live connection: from the moment it is made (client) or accepted (server) until it has ended,
 * its links have closed and the application has released it. Fields are read-only but for those
 * who own them. */
typedef struct {
  AppEndpoint *endpoint;
  guint64 number;               /* from 1, never used again in this process */
  char *label;                  /* for people, e.g. "127.0.0.1:40312 -> port 5432"; may change */
  CaimanConnection *connection; /* borrowed from @pump */
  CaimanPump *pump;             /* call caiman_pump_touch_connection() after a call on @connection
                                   from outside of a handler or observer, or app_connection_touch() */
  gint64 opened_ns;             /* caiman_loop_now() */
  gint64 ended_ns;              /* CAIMAN_TIME_NEVER while it has not ended */
  gpointer data;                /* the application's own */
  gboolean released;            /* the application is done with it */
} AppConnection;

/* Who watches; each may be NULL. No observer may free the endpoint or release a connection; all
 * else is allowed (block a link, terminate, ask for statistics, set the tracer). The tracer of a
 * connection (connection.h) is the observers' to use: applications leave it alone. */
typedef struct {
  /* @connection is new and has its label: no event of it was told yet, and on a client nothing has
   * happened to it. */
  void (*opened) (gpointer user_data, AppConnection *connection);
  /* Every event, before the application gets it. LINK_CLOSE: @event->link has its final totals. */
  void (*event) (gpointer user_data, AppConnection *connection, const CaimanEvent *event);
  /* @connection is freed after this call; its statistics are final. */
  void (*closed) (gpointer user_data, AppConnection *connection);
  /* A line for people, without newline. TRUE: shown, so it does not go to standard error. */
  gboolean (*log) (gpointer user_data, AppLogLevel level, const char *text);
} AppObserver;

/* The application's side; each may be NULL. Called from inside the pump. */
typedef struct {
  /* Server: @connection was accepted. Its label is the peer's address; set a better one, and data.
   */
  void (*accepted) (gpointer user_data, AppConnection *connection);
  void (*event) (gpointer user_data, AppConnection *connection, const CaimanEvent *event);
  /* @connection is freed after this call: free its data. */
  void (*closed) (gpointer user_data, AppConnection *connection);
} AppHandler;

/* --- Life --- */

/* @title: "tunnel client", ...; copied. Errors: no descriptors left. */
AppEndpoint *app_endpoint_new (AppRole role, const char *title, const CaimanConfig *config,
                               const AppHandler *handler, gpointer user_data, GError **error);

/* Aborts what still runs (observers hear closed()). Not from inside a handler or observer. Accepts
 * NULL. */
void app_endpoint_free (AppEndpoint *endpoint);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AppEndpoint, app_endpoint_free)

/* Client: where connections go to; see caiman_tcp_connector_new(). */
gboolean app_endpoint_connect_to (AppEndpoint *endpoint, const char *const *hosts,
                                  guint16 default_port, const CaimanTcpConnectorOptions *options,
                                  GError **error);

/* Server: listens for links; see caiman_tcp_acceptor_new(). */
gboolean app_endpoint_listen (AppEndpoint *endpoint, const char *const *addresses,
                              const CaimanTcpAcceptorOptions *options, GError **error);
/* Server: more connections than this are refused; 0: no limit. */
void app_endpoint_set_connections_max (AppEndpoint *endpoint, guint connections_max);
/* Server: new connections are told that nobody listens; links of those that there are may come. */
void app_endpoint_stop_accepting (AppEndpoint *endpoint);
/* Server: takes no new links any more. */
void app_endpoint_stop_listening (AppEndpoint *endpoint);

/* What its links are wrapped in (transfer full, nullable); released after all that may use it. Once
 * there is one, that goes on with what @tls has (caiman_tls_replace()). */
void app_endpoint_take_tls (AppEndpoint *endpoint, CaimanTls *tls);

/* --- Connections --- */

/* Client: a new connection. (transfer none) */
AppConnection *app_endpoint_open (AppEndpoint *endpoint, const char *label);

/* The application is done with it. It is freed once it has ended and its links have closed; one
 * that has not ended is closed (caiman_connection_close()). */
void app_connection_release (AppConnection *connection);

/* As above, but forceful: Terminate to the peer. */
void app_connection_terminate (AppConnection *connection);

void app_connection_set_label (AppConnection *connection, const char *label);

/* Something was called on its connection from outside of a handler or observer. */
void app_connection_touch (AppConnection *connection);

/* The live connections, oldest first; valid until the next dispatch of the loop. (transfer none) */
const GPtrArray *app_endpoint_get_connections (const AppEndpoint *endpoint);
/* (nullable) */
AppConnection *app_endpoint_find (const AppEndpoint *endpoint, guint64 number);

/* --- Observers --- */

/* @observer is copied. Connections that are live already are told by opened() at once. */
guint app_endpoint_add_observer (AppEndpoint *endpoint, const AppObserver *observer,
                                 gpointer user_data);
void app_endpoint_remove_observer (AppEndpoint *endpoint, guint id);

/* Logs one line: to the observers, or to standard error when none has shown it. */
void app_endpoint_log (AppEndpoint *endpoint, AppLogLevel level, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* What was logged last, whoever has shown it. (transfer none) */
const LogHistory *app_endpoint_get_log (const AppEndpoint *endpoint);

/* --- Stopping --- */

/* What SIGTERM, or a monitor's "quit", asks for. Calls @quit of app_endpoint_set_quit(). */
void app_endpoint_quit (AppEndpoint *endpoint);
void app_endpoint_set_quit (AppEndpoint *endpoint, void (*quit) (gpointer user_data),
                            gpointer user_data);

/* --- Questions --- */

AppRole app_endpoint_get_role (const AppEndpoint *endpoint);
const char *app_endpoint_get_title (const AppEndpoint *endpoint);
CaimanLoop *app_endpoint_get_loop (const AppEndpoint *endpoint);
gint64 app_endpoint_now (const AppEndpoint *endpoint);
GMainContext *app_endpoint_get_context (const AppEndpoint *endpoint); /* (nullable: the default) */
const CaimanConfig *app_endpoint_get_config (const AppEndpoint *endpoint);
/* Client: the paths, names that do not resolve (caiman_tcp_connector_describe()), and what is wrong
 * with TLS; server: NULL. (transfer full) */
GPtrArray *app_endpoint_describe_paths (const AppEndpoint *endpoint);
/* Server: the port of listening address @index. */
guint16 app_endpoint_get_port (const AppEndpoint *endpoint, guint index);
/* Connections opened since the start, ended ones included. */
guint64 app_endpoint_get_n_opened (const AppEndpoint *endpoint);

G_END_DECLS
