/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel-client.c - the side that accepts TCP connections and opens a connection for each. */
#include "apps/tunnel-private.h"

/* Of one forward. */
typedef struct {
  TunnelForward forward;
  Tunnel *tunnel;
  AppListener *listener;
} TunnelListener;

void
tunnel_listener_free (gpointer data)
{
  TunnelListener *self = data;
  if (self == NULL)
    return;
  app_listener_free (self->listener);
  g_free (self);
}

/* --- Connections --- */

static void
tell_port (AppConnection *connection, guint16 port)
{
  const guint8 wanted[2] = { (guint8)(port >> 8), (guint8)port };
  g_autoptr (GBytes) bytes = g_bytes_new (wanted, sizeof wanted);
  gssize n = caiman_connection_write (connection->connection, bytes, 0,
                                      app_endpoint_now (connection->endpoint), NULL);
  g_assert (n == sizeof wanted); /* a new connection has room */
}

static void
on_accepted (gpointer user_data, AppListener *listener, int fd, const char *peer)
{
  TunnelListener *self = user_data;
  Tunnel *tunnel = self->tunnel;
  g_autoptr (GError) error = NULL;
  if (app_endpoint_get_connections (tunnel->endpoint)->len >= tunnel->config->connections_max) {
    app_endpoint_log (tunnel->endpoint, APP_LOG_WARNING,
                      "%s turned away: there are as many connections as allowed", peer);
    tunnel_reset_socket (fd);
    return;
  }
  g_autofree char *label = g_strdup_printf ("%s -> port %u", peer, self->forward.server_port);
  AppConnection *connection = app_endpoint_open (tunnel->endpoint, label);
  tell_port (connection, self->forward.server_port);
  connection->data = tunnel_flow_new (connection, fd, &error);
  if (connection->data == NULL) {
    app_endpoint_log (tunnel->endpoint, APP_LOG_WARNING, "%s: %s", label, error->message);
    app_connection_terminate (connection);
  }
  app_connection_touch (connection);
  if (tunnel->once) {
    tunnel->stopping = TRUE;
    tunnel_client_stop (tunnel); /* frees @self */
  }
}

static void
handle_event (gpointer user_data, AppConnection *connection, const CaimanEvent *event)
{
  if (connection->data)
    tunnel_flow_event (connection->data, event);
}

static void
handle_closed (gpointer user_data, AppConnection *connection)
{
  tunnel_flow_free (connection->data);
  tunnel_connection_closed (user_data);
}

const AppHandler tunnel_client_handler = {
  .event = handle_event,
  .closed = handle_closed,
};

/* --- Listening --- */

/* Takes the listener out of the present ones that can go on for @forward: the same sockets, perhaps
 * for another port of the server. (nullable) */
static TunnelListener *
take_listener (Tunnel *tunnel, const TunnelForward *forward)
{
  for (guint i = 0; i < tunnel->listeners->len; i++) {
    TunnelListener *self = tunnel->listeners->pdata[i];
    if (self == NULL || self->forward.client_port != forward->client_port ||
        self->forward.global != forward->global)
      continue;
    tunnel->listeners->pdata[i] = NULL;
    self->forward = *forward;
    return self;
  }
  return NULL;
}

static TunnelListener *
make_listener (Tunnel *tunnel, const TunnelForward *forward, GError **error)
{
  TunnelListener *self = g_new0 (TunnelListener, 1);
  self->forward = *forward;
  self->tunnel = tunnel;
  self->listener = app_listener_new (app_endpoint_get_loop (tunnel->endpoint), forward->client_port,
                                     forward->global, on_accepted, self, error);
  if (self->listener != NULL)
    return self;
  g_free (self);
  return NULL;
}

gboolean
tunnel_client_listen (Tunnel *tunnel, GError **error)
{
  const GPtrArray *forwards = tunnel->config->forwards;
  g_autoptr (GPtrArray) listeners = g_ptr_array_new_with_free_func (tunnel_listener_free);
  gboolean ok = TRUE;
  for (guint i = 0; i < forwards->len; i++)
    g_ptr_array_add (listeners, take_listener (tunnel, forwards->pdata[i]));
  /* Those that are not wanted any more go first: one of their ports may be wanted otherwise. */
  g_ptr_array_unref (tunnel->listeners);
  tunnel->listeners = g_steal_pointer (&listeners);
  for (guint i = 0; i < forwards->len; i++) {
    if (tunnel->listeners->pdata[i] != NULL)
      continue;
    tunnel->listeners->pdata[i] = make_listener (tunnel, forwards->pdata[i], ok ? error : NULL);
    ok = ok && tunnel->listeners->pdata[i] != NULL;
  }
  return ok;
}

void
tunnel_client_stop (Tunnel *tunnel)
{
  g_ptr_array_set_size (tunnel->listeners, 0);
}

guint16
tunnel_client_get_port (const Tunnel *tunnel, guint index)
{
  const TunnelListener *self =
      index < tunnel->listeners->len ? tunnel->listeners->pdata[index] : NULL;
  return self ? app_listener_get_port (self->listener) : 0;
}
