/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel.c - see tunnel.h: life, reload and end, whatever the side. */
#include "apps/tunnel-private.h"

/* --- Configuration --- */

/* What the command line and the file say together. (nullable) NULL: told in @messages. */
static TunnelConfig *
read_config (const TunnelConfig *base, const char *path, GPtrArray *messages)
{
  g_autoptr (TunnelConfig) config = tunnel_config_copy (base);
  g_autoptr (GError) error = NULL;
  if (path && !tunnel_config_load (config, path, messages))
    return NULL;
  if (!tunnel_config_check (config, &error)) {
    g_ptr_array_add (messages, path ? g_strdup_printf ("%s: %s", path, error->message)
                                    : g_strdup (error->message));
    return NULL;
  }
  return g_steal_pointer (&config);
}

static void
apply_log_level (const Tunnel *tunnel)
{
  if (tunnel->config->has_log_level && !tunnel->config->log_level_fixed)
    app_log_set_level (tunnel->config->log_level);
}

static void
log_ports (Tunnel *tunnel)
{
  const TunnelConfig *config = tunnel->config;
  for (guint i = 0; i < config->publishes->len; i++) {
    g_autofree char *text = tunnel_publish_describe (config->publishes->pdata[i]);
    app_endpoint_log (tunnel->endpoint, APP_LOG_NOTICE, "publishes %s", text);
  }
  for (guint i = 0; i < config->forwards->len; i++) {
    TunnelForward forward = *(const TunnelForward *)config->forwards->pdata[i];
    forward.client_port = tunnel_client_get_port (tunnel, i);
    g_autofree char *text = tunnel_forward_describe (&forward);
    if (forward.client_port != 0)
      app_endpoint_log (tunnel->endpoint, APP_LOG_NOTICE, "forwards %s", text);
  }
}

/* What a reload may change besides the ports. */
static void
apply_limits (Tunnel *tunnel)
{
  if (tunnel->config->role == APP_ROLE_SERVER)
    app_endpoint_set_connections_max (tunnel->endpoint,
                                      tunnel->once ? 1 : (guint)tunnel->config->connections_max);
  else
    connect_limit_set (tunnel->limit, tunnel->config->connect_timeout_ns, CAIMAN_TIME_NEVER);
  if (tunnel->service)
    app_service_set_grace (tunnel->service, tunnel->config->grace_ns);
  apply_log_level (tunnel);
}

static void
take_config (Tunnel *tunnel, TunnelConfig *config)
{
  g_autoptr (GError) error = NULL;
  if (tunnel_config_needs_restart (tunnel->config, config))
    app_endpoint_log (tunnel->endpoint, APP_LOG_WARNING,
                      "what has changed about links, TLS on or off and tunables needs a restart");
  tunnel_config_free (tunnel->config);
  tunnel->config = config;
  apply_limits (tunnel);
  if (config->role == APP_ROLE_CLIENT && !tunnel->stopping &&
      !tunnel_client_listen (tunnel, &error))
    app_endpoint_log (tunnel->endpoint, APP_LOG_ERROR, "%s", error->message);
}

/* What new links are encrypted with. TRUE when there is nothing to be done, too: TLS cannot be
 * switched on or off, which take_config() tells. */
static gboolean
reload_tls (Tunnel *tunnel, const TunnelConfig *config)
{
  g_autoptr (GError) error = NULL;
  if (!config->options.tls || !tunnel->config->options.tls)
    return TRUE;
  if (app_options_reload_tls (&config->options, tunnel->endpoint, &error)) {
    app_endpoint_log (tunnel->endpoint, APP_LOG_NOTICE,
                      "read the certificates for new links again");
    return TRUE;
  }
  app_endpoint_log (tunnel->endpoint, APP_LOG_ERROR, "%s", error->message);
  return FALSE;
}

static gboolean
reload (Tunnel *tunnel)
{
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (TunnelConfig) config = read_config (tunnel->base, tunnel->path, messages);
  for (guint i = 0; i < messages->len; i++)
    app_endpoint_log (tunnel->endpoint, APP_LOG_ERROR, "%s", (const char *)messages->pdata[i]);
  if (config == NULL || !reload_tls (tunnel, config)) {
    app_endpoint_log (tunnel->endpoint, APP_LOG_ERROR, "all stays as it was");
    return FALSE;
  }
  take_config (tunnel, g_steal_pointer (&config));
  if (tunnel->path != NULL) {
    app_endpoint_log (tunnel->endpoint, APP_LOG_NOTICE, "read %s again", tunnel->path);
    log_ports (tunnel);
  }
  return TRUE;
}

gboolean
tunnel_reload (Tunnel *tunnel)
{
  if (tunnel->path == NULL && !tunnel->config->options.tls) {
    app_endpoint_log (tunnel->endpoint, APP_LOG_NOTICE, "there is no file to read again");
    return FALSE;
  }
  g_autofree char *reloading =
      g_strdup_printf ("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, g_get_monotonic_time ());
  app_service_notify (reloading);
  gboolean ok = reload (tunnel);
  app_service_notify ("READY=1");
  return ok;
}

/* --- Life --- */

Tunnel *
tunnel_new (const TunnelConfig *base, const char *path, gboolean once, GPtrArray *messages)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Tunnel) tunnel = g_new0 (Tunnel, 1);
  CaimanConfig tunables;
  gboolean is_client = base->role == APP_ROLE_CLIENT;
  tunnel->config = read_config (base, path, messages);
  if (tunnel->config == NULL)
    return NULL;
  tunnel->base = tunnel_config_copy (base);
  tunnel->path = g_strdup (path);
  tunnel->once = once;
  tunnel->listeners = g_ptr_array_new_with_free_func (tunnel_listener_free);
  if (app_options_make_config (&tunnel->config->options, &tunables, &error))
    tunnel->endpoint = app_endpoint_new (
        base->role, is_client ? "tunnel client" : "tunnel server", &tunables,
        is_client ? &tunnel_client_handler : &tunnel_server_handler, tunnel, &error);
  if (tunnel->endpoint == NULL) {
    g_ptr_array_add (messages, g_strdup (error->message));
    return NULL;
  }
  tunnel->log = connection_log_new (tunnel->endpoint);
  if (is_client)
    tunnel->limit =
        connect_limit_new (tunnel->endpoint, tunnel->config->connect_timeout_ns, CAIMAN_TIME_NEVER);
  apply_limits (tunnel);
  return g_steal_pointer (&tunnel);
}

void
tunnel_free (Tunnel *tunnel)
{
  if (tunnel == NULL)
    return;
  g_clear_pointer (&tunnel->listeners, g_ptr_array_unref);
  connect_limit_free (tunnel->limit);
  app_endpoint_free (tunnel->endpoint);
  connection_log_free (tunnel->log);
  tunnel_config_free (tunnel->base);
  tunnel_config_free (tunnel->config);
  g_free (tunnel->path);
  g_free (tunnel);
}

gboolean
tunnel_start (Tunnel *tunnel, GError **error)
{
  if (!app_options_apply (&tunnel->config->options, tunnel->endpoint, TUNNEL_PORT, error))
    return FALSE;
  if (tunnel->config->role == APP_ROLE_CLIENT && !tunnel_client_listen (tunnel, error))
    return FALSE;
  log_ports (tunnel);
  return TRUE;
}

/* --- Running --- */

static void
notify_status (const Tunnel *tunnel, guint n_connections)
{
  g_autofree char *status =
      g_strdup_printf ("STATUS=%u connection%s", n_connections, n_connections == 1 ? "" : "s");
  app_service_notify (status);
}

static void
observe_opened (gpointer user_data, AppConnection *connection)
{
  Tunnel *tunnel = user_data;
  notify_status (tunnel, app_endpoint_get_connections (tunnel->endpoint)->len);
}

void
tunnel_connection_closed (Tunnel *tunnel)
{
  notify_status (tunnel, app_endpoint_get_connections (tunnel->endpoint)->len - 1);
  if (tunnel->once && tunnel->service)
    app_service_stop (tunnel->service);
}

static void
stop (gpointer user_data)
{
  Tunnel *tunnel = user_data;
  tunnel->stopping = TRUE;
  if (tunnel->config->role == APP_ROLE_CLIENT)
    tunnel_client_stop (tunnel);
  else
    app_endpoint_stop_accepting (tunnel->endpoint);
}

static void
on_reload (gpointer user_data)
{
  tunnel_reload (user_data);
}

int
tunnel_run (Tunnel *tunnel)
{
  static const AppServiceHandler handler = { .stop = stop, .reload = on_reload };
  static const AppObserver observer = { .opened = observe_opened };
  guint id = app_endpoint_add_observer (tunnel->endpoint, &observer, tunnel);
  tunnel->service = app_service_new (tunnel->endpoint, tunnel->config->grace_ns, &handler, tunnel);
  app_service_notify ("READY=1");
  app_service_run (tunnel->service);
  int signal_number = app_service_get_signal (tunnel->service);
  g_clear_pointer (&tunnel->service, app_service_free);
  app_endpoint_remove_observer (tunnel->endpoint, id);
  return signal_number;
}

/* --- Questions --- */

AppEndpoint *
tunnel_get_endpoint (Tunnel *tunnel)
{
  return tunnel->endpoint;
}

const TunnelConfig *
tunnel_get_config (const Tunnel *tunnel)
{
  return tunnel->config;
}

guint16
tunnel_get_port (const Tunnel *tunnel, guint index)
{
  return tunnel_client_get_port (tunnel, index);
}
