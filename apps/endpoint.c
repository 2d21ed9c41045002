/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.c - see endpoint.h.
 *
 * Pumps and connections are never freed from inside their handlers: a connection that is through is
 * put on the list of those that a task of the loop frees. */
#include "apps/endpoint.h"

typedef struct {
  AppConnection base;
  gboolean reaping; /* in AppEndpoint.through */
} Connection;

typedef struct {
  guint id;
  AppObserver observer;
  gpointer user_data;
} Watcher;

struct _AppEndpoint {
  AppRole role;
  char *title;
  CaimanConfig config;
  AppHandler handler;
  gpointer user_data;
  GMainContext *context;
  CaimanLoop *loop;
  GSource *source;
  CaimanTcpConnector *connector; /* client */
  CaimanPump *server_pump;       /* server */
  CaimanTcpAcceptor *acceptor;   /* server, while it listens */
  guint connections_max;
  GPtrArray *connections;    /* of AppConnection (owned), oldest first */
  GHashTable *by_connection; /* CaimanConnection -> AppConnection; looked up only */
  GPtrArray *through;        /* of AppConnection (borrowed): freed by @reap_task */
  CaimanLoopTask reap_task;
  GArray *watchers; /* of Watcher */
  guint last_watcher;
  LogHistory *log;
  guint64 n_opened;
  CaimanTls *tls; /* (nullable) */
  void (*quit) (gpointer user_data);
  gpointer quit_data;
};

/* --- Observers --- */

guint
app_endpoint_add_observer (AppEndpoint *endpoint, const AppObserver *observer, gpointer user_data)
{
  Watcher watcher = { ++endpoint->last_watcher, *observer, user_data };
  g_array_append_val (endpoint->watchers, watcher);
  if (observer->opened) {
    for (guint i = 0; i < endpoint->connections->len; i++)
      observer->opened (user_data, endpoint->connections->pdata[i]);
  }
  return watcher.id;
}

void
app_endpoint_remove_observer (AppEndpoint *endpoint, guint id)
{
  for (guint i = 0; i < endpoint->watchers->len; i++) {
    if (g_array_index (endpoint->watchers, Watcher, i).id == id) {
      g_array_remove_index (endpoint->watchers, i);
      return;
    }
  }
}

static void
tell_opened (AppEndpoint *endpoint, AppConnection *connection)
{
  for (guint i = 0; i < endpoint->watchers->len; i++) {
    const Watcher *watcher = &g_array_index (endpoint->watchers, Watcher, i);
    if (watcher->observer.opened)
      watcher->observer.opened (watcher->user_data, connection);
  }
}

static void
tell_event (AppEndpoint *endpoint, AppConnection *connection, const CaimanEvent *event)
{
  for (guint i = 0; i < endpoint->watchers->len; i++) {
    const Watcher *watcher = &g_array_index (endpoint->watchers, Watcher, i);
    if (watcher->observer.event)
      watcher->observer.event (watcher->user_data, connection, event);
  }
}

static void
tell_closed (AppEndpoint *endpoint, AppConnection *connection)
{
  for (guint i = 0; i < endpoint->watchers->len; i++) {
    const Watcher *watcher = &g_array_index (endpoint->watchers, Watcher, i);
    if (watcher->observer.closed)
      watcher->observer.closed (watcher->user_data, connection);
  }
}

void
app_endpoint_log (AppEndpoint *endpoint, AppLogLevel level, const char *format, ...)
{
  if (level > app_log_get_level ())
    return;
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  g_autofree char *line = app_log_format (level, text);
  log_history_add (endpoint->log, line, -1);
  gboolean shown = FALSE;
  for (guint i = 0; i < endpoint->watchers->len; i++) {
    const Watcher *watcher = &g_array_index (endpoint->watchers, Watcher, i);
    if (watcher->observer.log)
      shown |= watcher->observer.log (watcher->user_data, level, text);
  }
  if (!shown)
    app_log_write (level, text);
}

const LogHistory *
app_endpoint_get_log (const AppEndpoint *endpoint)
{
  return endpoint->log;
}

/* --- Connections --- */

static AppConnection *
connection_new (AppEndpoint *endpoint)
{
  Connection *self = g_new0 (Connection, 1);
  AppConnection *connection = &self->base;
  connection->endpoint = endpoint;
  connection->number = ++endpoint->n_opened;
  connection->label = g_strdup_printf ("connection %" G_GUINT64_FORMAT, connection->number);
  connection->opened_ns = caiman_loop_now (endpoint->loop);
  connection->ended_ns = CAIMAN_TIME_NEVER;
  g_ptr_array_add (endpoint->connections, connection);
  return connection;
}

static void
connection_set_pump (AppConnection *connection, CaimanPump *pump, CaimanConnection *caiman)
{
  connection->pump = pump;
  connection->connection = caiman;
  g_hash_table_insert (connection->endpoint->by_connection, caiman, connection);
}

static void
connection_free (AppConnection *connection)
{
  AppEndpoint *endpoint = connection->endpoint;
  tell_closed (endpoint, connection);
  if (endpoint->handler.closed)
    endpoint->handler.closed (endpoint->user_data, connection);
  g_hash_table_remove (endpoint->by_connection, connection->connection);
  if (endpoint->role == APP_ROLE_CLIENT) {
    caiman_tcp_connector_detach (endpoint->connector, connection->pump);
    caiman_loop_free_pump (endpoint->loop, connection->pump);
  } else {
    caiman_pump_drop (connection->pump, connection->connection);
  }
  g_ptr_array_remove (endpoint->connections, connection);
  g_free (connection->label);
  g_free (connection);
}

static void
reap (CaimanLoopTask *task)
{
  AppEndpoint *endpoint =
      (AppEndpoint *)(gpointer)((char *)task - G_STRUCT_OFFSET (AppEndpoint, reap_task));
  while (endpoint->through->len > 0)
    connection_free (g_ptr_array_steal_index (endpoint->through, endpoint->through->len - 1));
}

static void
check_through (AppConnection *connection)
{
  Connection *self = (Connection *)connection;
  if (self->reaping || !connection->released ||
      !caiman_connection_is_finished (connection->connection))
    return;
  self->reaping = TRUE;
  g_ptr_array_add (connection->endpoint->through, connection);
  caiman_loop_add_task (connection->endpoint->loop, &connection->endpoint->reap_task);
}

static void
handle_event (AppConnection *connection, const CaimanEvent *event)
{
  AppEndpoint *endpoint = connection->endpoint;
  if (event->type == CAIMAN_EVENT_ENDED)
    connection->ended_ns = caiman_loop_now (endpoint->loop);
  tell_event (endpoint, connection, event);
  if (endpoint->handler.event && !connection->released)
    endpoint->handler.event (endpoint->user_data, connection, event);
  check_through (connection);
}

void
app_connection_touch (AppConnection *connection)
{
  caiman_pump_touch_connection (connection->pump, connection->connection);
}

void
app_connection_release (AppConnection *connection)
{
  if (connection->released)
    return;
  gint64 now_ns = caiman_loop_now (connection->endpoint->loop);
  connection->released = TRUE;
  switch (caiman_connection_get_state (connection->connection)) {
  case CAIMAN_CONNECTION_CONNECTING: /* nobody is there yet to be told anything */
    caiman_connection_terminate (connection->connection, now_ns);
    break;
  case CAIMAN_CONNECTION_OPEN:
    caiman_connection_close (connection->connection, now_ns);
    break;
  default:
    break;
  }
  app_connection_touch (connection);
  check_through (connection);
}

void
app_connection_terminate (AppConnection *connection)
{
  caiman_connection_terminate (connection->connection,
                               caiman_loop_now (connection->endpoint->loop));
  app_connection_touch (connection);
  app_connection_release (connection);
}

void
app_connection_set_label (AppConnection *connection, const char *label)
{
  char *copy = g_strdup (label);
  g_free (connection->label);
  connection->label = copy;
}

/* --- Client --- */

static void
client_event (gpointer user_data, CaimanConnection *caiman, const CaimanEvent *event)
{
  handle_event (user_data, event);
}

static CaimanTransport *
client_open (gpointer user_data, guint32 path_id, CaimanReason *reason_out)
{
  AppConnection *connection = user_data;
  return caiman_tcp_connector_open (connection->endpoint->connector, connection->pump, path_id,
                                    reason_out);
}

AppConnection *
app_endpoint_open (AppEndpoint *endpoint, const char *label)
{
  static const CaimanPumpHandler handler = { .event = client_event, .open = client_open };
  g_assert (endpoint->connector != NULL);
  AppConnection *connection = connection_new (endpoint);
  CaimanPump *pump =
      caiman_loop_new_client_pump (endpoint->loop, &endpoint->config, NULL, &handler, connection);
  connection_set_pump (connection, pump, caiman_pump_get_connection (pump));
  app_connection_set_label (connection, label);
  tell_opened (endpoint, connection);
  caiman_tcp_connector_attach (endpoint->connector, connection->pump);
  return connection;
}

gboolean
app_endpoint_connect_to (AppEndpoint *endpoint, const char *const *hosts, guint16 default_port,
                         const CaimanTcpConnectorOptions *options, GError **error)
{
  g_assert (endpoint->role == APP_ROLE_CLIENT && endpoint->connector == NULL);
  endpoint->connector =
      caiman_tcp_connector_new (endpoint->loop, hosts, default_port, options, error);
  return endpoint->connector != NULL;
}

/* --- Server --- */

static void
server_event (gpointer user_data, CaimanConnection *caiman, const CaimanEvent *event)
{
  AppEndpoint *endpoint = user_data;
  AppConnection *connection = g_hash_table_lookup (endpoint->by_connection, caiman);
  g_assert (connection != NULL);
  handle_event (connection, event);
}

static void
server_incoming (gpointer user_data, CaimanConnection *pending)
{
  AppEndpoint *endpoint = user_data;
  if (endpoint->connections_max > 0 && endpoint->connections->len >= endpoint->connections_max) {
    app_endpoint_log (endpoint, APP_LOG_WARNING,
                      "refused a connection: there are %u, as many as allowed",
                      endpoint->connections->len);
    caiman_pump_refuse (endpoint->server_pump, pending);
    return;
  }
  AppConnection *connection = connection_new (endpoint);
  connection_set_pump (connection, endpoint->server_pump,
                       caiman_pump_accept (endpoint->server_pump, pending));
  gsize n_links;
  CaimanLink *const *links = caiman_connection_get_links (connection->connection, &n_links);
  if (n_links > 0 && caiman_link_get_remote (links[0]))
    app_connection_set_label (connection, caiman_link_get_remote (links[0]));
  if (endpoint->handler.accepted)
    endpoint->handler.accepted (endpoint->user_data, connection);
  tell_opened (endpoint, connection);
}

gboolean
app_endpoint_listen (AppEndpoint *endpoint, const char *const *addresses,
                     const CaimanTcpAcceptorOptions *options, GError **error)
{
  g_assert (endpoint->role == APP_ROLE_SERVER && endpoint->acceptor == NULL);
  endpoint->acceptor =
      caiman_tcp_acceptor_new (endpoint->loop, endpoint->server_pump, addresses, options, error);
  return endpoint->acceptor != NULL;
}

void
app_endpoint_stop_accepting (AppEndpoint *endpoint)
{
  caiman_server_set_listening (caiman_pump_get_server (endpoint->server_pump), FALSE,
                               caiman_loop_now (endpoint->loop));
  caiman_pump_touch (endpoint->server_pump);
}

void
app_endpoint_stop_listening (AppEndpoint *endpoint)
{
  caiman_tcp_acceptor_free (endpoint->acceptor);
  endpoint->acceptor = NULL;
}

/* --- Life --- */

AppEndpoint *
app_endpoint_new (AppRole role, const char *title, const CaimanConfig *config,
                  const AppHandler *handler, gpointer user_data, GError **error)
{
  static const CaimanPumpHandler server_handler = { .event = server_event,
                                                    .incoming = server_incoming };
  CaimanLoop *loop = caiman_loop_new (error);
  if (loop == NULL)
    return NULL;
  AppEndpoint *endpoint = g_new0 (AppEndpoint, 1);
  endpoint->role = role;
  endpoint->title = g_strdup (title);
  endpoint->config = *config;
  endpoint->handler = *handler;
  endpoint->user_data = user_data;
  endpoint->context = g_main_context_ref_thread_default ();
  endpoint->loop = loop;
  endpoint->source = caiman_loop_source_new (loop);
  g_source_attach (endpoint->source, endpoint->context);
  endpoint->connections = g_ptr_array_new ();
  endpoint->by_connection = g_hash_table_new (NULL, NULL);
  endpoint->through = g_ptr_array_new ();
  endpoint->reap_task.run = reap;
  endpoint->log = log_history_new ();
  endpoint->watchers = g_array_new (FALSE, FALSE, sizeof (Watcher));
  if (role == APP_ROLE_SERVER)
    endpoint->server_pump =
        caiman_loop_new_server_pump (loop, config, NULL, &server_handler, endpoint);
  return endpoint;
}

void
app_endpoint_free (AppEndpoint *endpoint)
{
  if (endpoint == NULL)
    return;
  app_endpoint_stop_listening (endpoint);
  caiman_loop_remove_task (endpoint->loop, &endpoint->reap_task);
  while (endpoint->connections->len > 0)
    connection_free (endpoint->connections->pdata[endpoint->connections->len - 1]);
  if (endpoint->server_pump)
    caiman_loop_free_pump (endpoint->loop, endpoint->server_pump);
  caiman_tcp_connector_free (endpoint->connector);
  caiman_tls_unref (endpoint->tls);
  g_source_destroy (endpoint->source);
  g_source_unref (endpoint->source);
  caiman_loop_free (endpoint->loop);
  g_main_context_unref (endpoint->context);
  g_ptr_array_unref (endpoint->connections);
  g_hash_table_unref (endpoint->by_connection);
  g_ptr_array_unref (endpoint->through);
  g_array_unref (endpoint->watchers);
  log_history_free (endpoint->log);
  g_free (endpoint->title);
  g_free (endpoint);
}

void
app_endpoint_set_connections_max (AppEndpoint *endpoint, guint connections_max)
{
  endpoint->connections_max = connections_max;
}

void
app_endpoint_take_tls (AppEndpoint *endpoint, CaimanTls *tls)
{
  if (endpoint->tls != NULL)
    caiman_tls_replace (endpoint->tls, tls);
  else
    endpoint->tls = tls;
}

void
app_endpoint_set_quit (AppEndpoint *endpoint, void (*quit) (gpointer user_data), gpointer user_data)
{
  endpoint->quit = quit;
  endpoint->quit_data = user_data;
}

void
app_endpoint_quit (AppEndpoint *endpoint)
{
  if (endpoint->quit)
    endpoint->quit (endpoint->quit_data);
}

/* --- Questions --- */

const GPtrArray *
app_endpoint_get_connections (const AppEndpoint *endpoint)
{
  return endpoint->connections;
}

AppConnection *
app_endpoint_find (const AppEndpoint *endpoint, guint64 number)
{
  for (guint i = 0; i < endpoint->connections->len; i++) {
    AppConnection *connection = endpoint->connections->pdata[i];
    if (connection->number == number)
      return connection;
  }
  return NULL;
}

AppRole
app_endpoint_get_role (const AppEndpoint *endpoint)
{
  return endpoint->role;
}

const char *
app_endpoint_get_title (const AppEndpoint *endpoint)
{
  return endpoint->title;
}

CaimanLoop *
app_endpoint_get_loop (const AppEndpoint *endpoint)
{
  return endpoint->loop;
}

gint64
app_endpoint_now (const AppEndpoint *endpoint)
{
  return caiman_loop_now (endpoint->loop);
}

GMainContext *
app_endpoint_get_context (const AppEndpoint *endpoint)
{
  return endpoint->context;
}

const CaimanConfig *
app_endpoint_get_config (const AppEndpoint *endpoint)
{
  return &endpoint->config;
}

GPtrArray *
app_endpoint_describe_paths (const AppEndpoint *endpoint)
{
  if (endpoint->connector == NULL)
    return NULL;
  GPtrArray *lines = caiman_tcp_connector_describe (endpoint->connector);
  const char *problem = endpoint->tls ? caiman_tls_get_last_error (endpoint->tls) : NULL;
  if (problem)
    g_ptr_array_add (lines, g_strconcat ("TLS: ", problem, NULL));
  return lines;
}

guint16
app_endpoint_get_port (const AppEndpoint *endpoint, guint index)
{
  return endpoint->acceptor ? caiman_tcp_acceptor_get_port (endpoint->acceptor, index) : 0;
}

guint64
app_endpoint_get_n_opened (const AppEndpoint *endpoint)
{
  return endpoint->n_opened;
}
