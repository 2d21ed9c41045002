/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel-server.c - the side that takes connections and connects each to the target of its port. */
#include "apps/tunnel-private.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>

/* How long a connection may take to say which port it wants. */
#define PORT_TIMEOUT_NS (30 * CAIMAN_NS_PER_S)

/* What belongs to one connection: first the port is awaited, then the target connected to, then
 * there is the flow. */
typedef struct {
  Tunnel *tunnel;
  AppConnection *connection; /* NULL: it has gone, only the attempt to connect goes on */
  guint8 port[2];
  gsize n_port; /* bytes of it that have come */
  char *target; /* for messages */
  CaimanTimer timeout;
  GCancellable *cancellable; /* while it connects */
  gboolean peer_dropped;     /* the peer wants no data */
  TunnelFlow *flow;
} Incoming;

static void
incoming_free (Incoming *incoming)
{
  g_clear_object (&incoming->cancellable);
  g_free (incoming->target);
  g_free (incoming);
}

static void
arm (Incoming *incoming, gint64 delay_ns)
{
  CaimanLoop *loop = app_endpoint_get_loop (incoming->tunnel->endpoint);
  gint64 at_ns = delay_ns == CAIMAN_TIME_NEVER ? CAIMAN_TIME_NEVER
                                               : caiman_time_add (caiman_loop_now (loop), delay_ns);
  caiman_loop_arm_timer (loop, &incoming->timeout, at_ns);
}

static void log_problem (const Incoming *incoming, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
log_problem (const Incoming *incoming, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  app_endpoint_log (incoming->tunnel->endpoint, APP_LOG_WARNING, "#%" G_GUINT64_FORMAT " %s: %s",
                    incoming->connection->number, incoming->connection->label, text);
}

/* --- The target --- */

static void
start_flow (Incoming *incoming, GSocketConnection *target)
{
  g_autoptr (GError) error = NULL;
  int fd = fcntl (g_socket_get_fd (g_socket_connection_get_socket (target)), F_DUPFD_CLOEXEC, 0);
  if (fd < 0 || !g_unix_set_fd_nonblocking (fd, TRUE, &error)) {
    log_problem (incoming, "no descriptors left");
    app_connection_terminate (incoming->connection);
    return;
  }
  incoming->flow = tunnel_flow_new (incoming->connection, fd, &error);
  if (incoming->flow == NULL) {
    log_problem (incoming, "%s", error->message);
    app_connection_terminate (incoming->connection);
  } else if (incoming->peer_dropped) {
    const CaimanEvent event = { .type = CAIMAN_EVENT_PEER_DROPPED_RECEIVER };
    tunnel_flow_event (incoming->flow, &event);
  }
}

static void
on_connected (GObject *client, GAsyncResult *result, gpointer user_data)
{
  Incoming *incoming = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) target =
      g_socket_client_connect_to_host_finish (G_SOCKET_CLIENT (client), result, &error);
  if (incoming->connection == NULL) { /* it has gone meanwhile */
    incoming_free (incoming);
    return;
  }
  g_clear_object (&incoming->cancellable);
  if (target != NULL) {
    start_flow (incoming, target);
  } else {
    log_problem (incoming, "cannot connect to %s: %s", incoming->target, error->message);
    app_connection_terminate (incoming->connection);
  }
}

static void
connect_target (Incoming *incoming, const TunnelPublish *publish)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  gint64 timeout_ns = incoming->tunnel->config->connect_timeout_ns;
  gint64 timeout_s = (timeout_ns + CAIMAN_NS_PER_S - 1) / CAIMAN_NS_PER_S; /* 0 were no limit */
  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_set_timeout (client, (guint)timeout_s);
  incoming->cancellable = g_cancellable_new ();
  incoming->target = g_strdup_printf ("%s:%u", publish->host, publish->target_port);
  g_socket_client_connect_to_host_async (client, publish->host, publish->target_port,
                                         incoming->cancellable, on_connected, incoming);
}

/* --- The port --- */

static void
handle_port (Incoming *incoming)
{
  AppConnection *connection = incoming->connection;
  guint16 port = (guint16)(incoming->port[0] << 8 | incoming->port[1]);
  const TunnelPublish *publish = tunnel_config_find_publish (incoming->tunnel->config, port);
  arm (incoming, CAIMAN_TIME_NEVER);
  if (publish == NULL) {
    log_problem (incoming, "refused: it wants port %u, which is not published", port);
    app_connection_release (connection);
    return;
  }
  g_autofree char *target = tunnel_publish_describe (publish);
  g_autofree char *label = g_strdup_printf ("%s -> port %s", connection->label, target);
  app_connection_set_label (connection, label);
  app_endpoint_log (incoming->tunnel->endpoint, APP_LOG_INFO, "#%" G_GUINT64_FORMAT " %s: wanted",
                    connection->number, connection->label);
  connect_target (incoming, publish);
}

static void
read_port (Incoming *incoming)
{
  CaimanConnection *caiman = incoming->connection->connection;
  while (incoming->n_port < sizeof incoming->port) {
    g_autoptr (GError) error = NULL;
    gssize n = caiman_connection_read (caiman, incoming->port + incoming->n_port,
                                       sizeof incoming->port - incoming->n_port,
                                       app_endpoint_now (incoming->tunnel->endpoint), &error);
    if (n < 0 && g_error_matches (error, CAIMAN_ERROR, CAIMAN_REASON_WOULD_BLOCK))
      return;
    if (n <= 0) {
      app_connection_release (incoming->connection);
      return;
    }
    incoming->n_port += (gsize)n;
  }
  handle_port (incoming);
}

static void
on_timeout (gpointer user_data)
{
  Incoming *incoming = user_data;
  log_problem (incoming, "refused: it does not say which port it wants");
  app_connection_terminate (incoming->connection);
}

/* --- What happens --- */

static void
handle_accepted (gpointer user_data, AppConnection *connection)
{
  Incoming *incoming = g_new0 (Incoming, 1);
  incoming->tunnel = user_data;
  incoming->connection = connection;
  connection->data = incoming;
  caiman_timer_init (&incoming->timeout, on_timeout, incoming);
  arm (incoming, PORT_TIMEOUT_NS);
}

static void
handle_event (gpointer user_data, AppConnection *connection, const CaimanEvent *event)
{
  Incoming *incoming = connection->data;
  incoming->peer_dropped |=
      event->type == CAIMAN_EVENT_PEER_DROPPED_RECEIVER || event->type == CAIMAN_EVENT_ENDED;
  if (incoming->flow)
    tunnel_flow_event (incoming->flow, event);
  else if (event->type == CAIMAN_EVENT_ENDED && event->reason != CAIMAN_REASON_FINISHED)
    app_connection_release (connection); /* nobody is there any more to connect for */
  else if (incoming->n_port < sizeof incoming->port)
    read_port (incoming);
}

static void
handle_closed (gpointer user_data, AppConnection *connection)
{
  Incoming *incoming = connection->data;
  arm (incoming, CAIMAN_TIME_NEVER);
  tunnel_flow_free (g_steal_pointer (&incoming->flow));
  incoming->connection = NULL;
  if (incoming->cancellable)
    g_cancellable_cancel (incoming->cancellable); /* frees it when that is through */
  else
    incoming_free (incoming);
  tunnel_connection_closed (user_data);
}

const AppHandler tunnel_server_handler = {
  .accepted = handle_accepted,
  .event = handle_event,
  .closed = handle_closed,
};
