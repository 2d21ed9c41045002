/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel-config.c - see tunnel-config.h; the file is read by tunnel-file.c. */
#include "apps/tunnel-config.h"

#include <string.h>

#define CONNECTIONS_MAX    4096
#define GRACE_NS           (10 * CAIMAN_NS_PER_S)
#define CONNECT_TIMEOUT_NS (30 * CAIMAN_NS_PER_S)

/* --- Life --- */

static void
publish_free (gpointer data)
{
  TunnelPublish *publish = data;
  g_free (publish->host);
  g_free (publish);
}

TunnelConfig *
tunnel_config_new (AppRole role)
{
  TunnelConfig *config = g_new0 (TunnelConfig, 1);
  config->role = role;
  config->publishes = g_ptr_array_new_with_free_func (publish_free);
  config->forwards = g_ptr_array_new_with_free_func (g_free);
  config->connections_max = CONNECTIONS_MAX;
  config->grace_ns = GRACE_NS;
  config->connect_timeout_ns = CONNECT_TIMEOUT_NS;
  return config;
}

void
tunnel_config_free (TunnelConfig *config)
{
  if (config == NULL)
    return;
  app_options_clear (&config->options);
  g_ptr_array_unref (config->publishes);
  g_ptr_array_unref (config->forwards);
  g_free (config);
}

static void
add_publish (TunnelConfig *config, const char *host, guint16 target_port, guint16 port)
{
  TunnelPublish *publish = g_new0 (TunnelPublish, 1);
  *publish = (TunnelPublish) { port, g_strdup (host), target_port };
  g_ptr_array_add (config->publishes, publish);
}

static void
add_forward (TunnelConfig *config, guint16 server_port, guint16 client_port, gboolean global)
{
  TunnelForward *forward = g_new0 (TunnelForward, 1);
  *forward = (TunnelForward) { server_port, client_port, global };
  g_ptr_array_add (config->forwards, forward);
}

TunnelConfig *
tunnel_config_copy (const TunnelConfig *config)
{
  TunnelConfig *copy = tunnel_config_new (config->role);
  g_autoptr (GPtrArray) publishes = g_steal_pointer (&copy->publishes);
  g_autoptr (GPtrArray) forwards = g_steal_pointer (&copy->forwards);
  *copy = *config;
  copy->publishes = g_steal_pointer (&publishes);
  copy->forwards = g_steal_pointer (&forwards);
  app_options_copy (&copy->options, &config->options);
  for (guint i = 0; i < config->publishes->len; i++) {
    const TunnelPublish *publish = config->publishes->pdata[i];
    add_publish (copy, publish->host, publish->target_port, publish->port);
  }
  for (guint i = 0; i < config->forwards->len; i++) {
    const TunnelForward *forward = config->forwards->pdata[i];
    add_forward (copy, forward->server_port, forward->client_port, forward->global);
  }
  return copy;
}

/* --- Ports --- */

static gboolean
parse_port (const char *text, guint min, guint16 *port_out)
{
  guint64 port;
  if (!g_ascii_string_to_unsigned (text, 10, min, G_MAXUINT16, &port, NULL))
    return FALSE;
  *port_out = (guint16)port;
  return TRUE;
}

const TunnelPublish *
tunnel_config_find_publish (const TunnelConfig *config, guint16 port)
{
  for (guint i = 0; i < config->publishes->len; i++) {
    const TunnelPublish *publish = config->publishes->pdata[i];
    if (publish->port == port)
      return publish;
  }
  return NULL;
}

static const TunnelForward *
find_forward (const TunnelConfig *config, guint16 client_port)
{
  for (guint i = 0; i < config->forwards->len; i++) {
    const TunnelForward *forward = config->forwards->pdata[i];
    if (forward->client_port == client_port && client_port != 0)
      return forward;
  }
  return NULL;
}

char *
tunnel_config_publish (TunnelConfig *config, const char *host, guint16 target_port, guint16 port)
{
  if (tunnel_config_find_publish (config, port))
    return g_strdup_printf ("port %u is published twice", port);
  add_publish (config, host, target_port, port);
  return NULL;
}

char *
tunnel_config_forward (TunnelConfig *config, guint16 server_port, guint16 client_port,
                       gboolean global)
{
  if (find_forward (config, client_port))
    return g_strdup_printf ("port %u is forwarded twice", client_port);
  add_forward (config, server_port, client_port, global || config->global);
  return NULL;
}

/* "[2001:db8::1]" to what is inside. (nullable, transfer full) NULL: no host; a mere number is a
 * port in the wrong place, though the resolver would make an address of it. */
static char *
parse_host (const char *text)
{
  gsize length = strlen (text);
  if (length > 2 && text[0] == '[' && text[length - 1] == ']')
    return g_strndup (text + 1, length - 2);
  return strspn (text, "0123456789") < length && strpbrk (text, "[]: \t/") == NULL ? g_strdup (text)
                                                                                   : NULL;
}

/* "HOST:PORT"; FALSE when it is something else. */
static gboolean
parse_target (const char *text, char **host_out, guint16 *port_out)
{
  const char *colon = strrchr (text, ':');
  if (colon == NULL || !parse_port (colon + 1, 1, port_out))
    return FALSE;
  g_autofree char *host = g_strndup (text, (gsize)(colon - text));
  *host_out = parse_host (host);
  return *host_out != NULL;
}

char *
tunnel_config_parse_target (const char *text, guint16 default_port, char **host_out,
                            guint16 *port_out)
{
  if (parse_target (text, host_out, port_out))
    return NULL;
  *host_out = parse_host (text);
  *port_out = default_port;
  return *host_out ? NULL : g_strdup_printf ("'%s' is not HOST:PORT", text);
}

static char *
add_server_port (TunnelConfig *config, const char *text)
{
  guint16 port, target_port;
  g_autofree char *host = NULL;
  const char *colon = strrchr (text, ':');
  if (colon == NULL && parse_port (text, 1, &port))
    return tunnel_config_publish (config, "localhost", port, port);
  if (colon != NULL && parse_port (colon + 1, 1, &port)) {
    g_autofree char *target = g_strndup (text, (gsize)(colon - text));
    if (parse_target (target, &host, &target_port))
      return tunnel_config_publish (config, host, target_port, port);
    host = parse_host (target);
    if (host)
      return tunnel_config_publish (config, host, port, port);
  }
  return g_strdup_printf ("'%s' is none of PORT, HOST:PORT and HOST:TARGETPORT:PORT", text);
}

static char *
add_client_port (TunnelConfig *config, const char *text)
{
  guint16 server_port, client_port;
  g_auto (GStrv) parts = g_strsplit (text, ":", 3);
  guint n = g_strv_length (parts);
  if (n < 1 || n > 2 || !parse_port (parts[0], 1, &server_port) ||
      !parse_port (parts[n - 1], n == 1 ? 1 : 0, &client_port))
    return g_strdup_printf ("'%s' is neither SERVERPORT nor SERVERPORT:PORT", text);
  return tunnel_config_forward (config, server_port, client_port, FALSE);
}

char *
tunnel_config_add_port (TunnelConfig *config, const char *text)
{
  return config->role == APP_ROLE_SERVER ? add_server_port (config, text)
                                         : add_client_port (config, text);
}

/* --- The whole --- */

gboolean
tunnel_config_check (const TunnelConfig *config, GError **error)
{
  gboolean is_server = config->role == APP_ROLE_SERVER;
  if ((is_server ? config->publishes : config->forwards)->len == 0) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT,
                 is_server ? "no port is published (-p PORT)" : "no port is forwarded (-p PORT)");
    return FALSE;
  }
  return app_options_check (&config->options, config->role, error);
}

gboolean
tunnel_config_needs_restart (const TunnelConfig *a, const TunnelConfig *b)
{
  return !app_options_equal_links (&a->options, &b->options);
}

char *
tunnel_publish_describe (const TunnelPublish *publish)
{
  return g_strdup_printf (strchr (publish->host, ':') ? "%u -> [%s]:%u" : "%u -> %s:%u",
                          publish->port, publish->host, publish->target_port);
}

char *
tunnel_forward_describe (const TunnelForward *forward)
{
  return g_strdup_printf ("%s:%u -> server's port %u", forward->global ? "*" : "localhost",
                          forward->client_port, forward->server_port);
}

gboolean
tunnel_publish_equal (const TunnelPublish *a, const TunnelPublish *b)
{
  return a->port == b->port && a->target_port == b->target_port && strcmp (a->host, b->host) == 0;
}

gboolean
tunnel_forward_equal (const TunnelForward *a, const TunnelForward *b)
{
  return a->server_port == b->server_port && a->client_port == b->client_port &&
         a->global == b->global;
}
