/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-duo.c - client and server over real sockets. */
#include "tests/transports/tcp-duo.h"

#include <string.h>

/* Generous: a machine may be busy with other things. */
#define PATIENCE_NS (20 * CAIMAN_NS_PER_S)

static void
note_closed (GString *log, const CaimanEvent *event)
{
  if (event->type == CAIMAN_EVENT_LINK_STATE && event->link_state == CAIMAN_LINK_CLOSED)
    g_string_append_printf (log, "%s %s;", caiman_link_get_name (event->link),
                            caiman_reason_to_string (event->reason));
}

static void
client_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  note_closed (((TcpDuo *)user_data)->client_closed, event);
}

static void
server_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  note_closed (((TcpDuo *)user_data)->server_closed, event);
}

static void
server_incoming (gpointer user_data, CaimanConnection *pending)
{
  TcpDuo *d = user_data;
  d->accepted = caiman_pump_accept (d->server, pending);
}

static CaimanTransport *
client_open (gpointer user_data, guint32 path_id, CaimanReason *reason_out)
{
  TcpDuo *d = user_data;
  return caiman_tcp_connector_open (d->connector, d->client, path_id, reason_out);
}

static void
connector_changed (gpointer user_data)
{
  ((TcpDuo *)user_data)->n_changed++;
}

static const CaimanPumpHandler client_handler = { .event = client_event, .open = client_open };
static const CaimanPumpHandler server_handler = { .event = server_event,
                                                  .incoming = server_incoming };

TcpDuo *
tcp_duo_new (void)
{
  g_autoptr (GError) error = NULL;
  TcpDuo *d = g_new0 (TcpDuo, 1);
  d->loop = caiman_loop_new (&error);
  g_assert_no_error (error);
  caiman_config_init (&d->config, CAIMAN_PRESET_ADAPTIVE);
  d->config.reconnect_delay_ns = 3600 * CAIMAN_NS_PER_S;
  d->client_closed = g_string_new (NULL);
  d->server_closed = g_string_new (NULL);
  return d;
}

void
tcp_duo_free (TcpDuo *d)
{
  tcp_duo_disconnect (d);
  caiman_tcp_acceptor_free (d->acceptor);
  caiman_loop_free_pump (d->loop, d->server);
  caiman_loop_free (d->loop);
  g_string_free (d->client_closed, TRUE);
  g_string_free (d->server_closed, TRUE);
  g_free (d);
}

guint16
tcp_duo_listen (TcpDuo *d, const char *const *addresses, const CaimanTcpAcceptorOptions *options)
{
  const CaimanTcpAcceptorOptions defaults = { 0 };
  g_autoptr (GError) error = NULL;
  d->server = caiman_loop_new_server_pump (d->loop, &d->config, NULL, &server_handler, d);
  d->acceptor = caiman_tcp_acceptor_new (d->loop, d->server, addresses,
                                         options ? options : &defaults, &error);
  g_assert_no_error (error);
  return caiman_tcp_acceptor_get_port (d->acceptor, 0);
}

void
tcp_duo_connect (TcpDuo *d, const char *hosts, const CaimanTcpConnectorOptions *options)
{
  const CaimanTcpConnectorOptions defaults = { 0 };
  g_auto (GStrv) list = g_strsplit (hosts, ",", -1);
  g_autoptr (GError) error = NULL;
  d->connector = caiman_tcp_connector_new (d->loop, (const char *const *)list,
                                           caiman_tcp_acceptor_get_port (d->acceptor, 0),
                                           options ? options : &defaults, &error);
  g_assert_no_error (error);
  caiman_tcp_connector_set_changed (d->connector, connector_changed, d);
  d->client = caiman_loop_new_client_pump (d->loop, &d->config, NULL, &client_handler, d);
  caiman_tcp_connector_attach (d->connector, d->client);
}

void
tcp_duo_disconnect (TcpDuo *d)
{
  if (!d->client)
    return;
  caiman_tcp_connector_detach (d->connector, d->client);
  caiman_loop_free_pump (d->loop, g_steal_pointer (&d->client));
  caiman_tcp_connector_free (g_steal_pointer (&d->connector));
}

static guint
count (const CaimanConnection *connection, const char *name)
{
  gsize n_links;
  guint n = 0;
  CaimanLink *const *links = caiman_connection_get_links (connection, &n_links);
  for (gsize i = 0; i < n_links; i++) {
    n += caiman_link_get_state (links[i]) == CAIMAN_LINK_WORKING &&
         (!name || g_str_equal (caiman_link_get_name (links[i]), name));
  }
  return n;
}

guint
tcp_duo_count_client (TcpDuo *d, const char *name)
{
  return count (caiman_pump_get_connection (d->client), name);
}

guint
tcp_duo_count_server (TcpDuo *d, const char *name)
{
  return d->accepted ? count (d->accepted, name) : 0;
}

void
tcp_duo_wait_links (TcpDuo *d, const char *name, guint n)
{
  gint64 end_ns = caiman_loop_now (d->loop) + PATIENCE_NS;
  while (tcp_duo_count_client (d, name) != n) {
    g_autofree char *paths = tcp_duo_describe (d);
    if (caiman_loop_now (d->loop) > end_ns)
      g_error ("%u links named %s wanted, %u there; closed at the client: %s at the server: %s "
               "paths:\n%s",
               n, name ? name : "anything", tcp_duo_count_client (d, name), d->client_closed->str,
               d->server_closed->str, paths);
    caiman_loop_iterate (d->loop, 100 * CAIMAN_NS_PER_MS);
  }
}

void
tcp_duo_wait_closed (TcpDuo *d, const GString *log, const char *text)
{
  gint64 end_ns = caiman_loop_now (d->loop) + PATIENCE_NS;
  while (!strstr (log->str, text)) {
    if (caiman_loop_now (d->loop) > end_ns)
      g_error ("\"%s\" wanted; closed: %s", text, log->str);
    caiman_loop_iterate (d->loop, 100 * CAIMAN_NS_PER_MS);
  }
}

void
tcp_duo_settle (TcpDuo *d, guint duration_ms)
{
  gint64 end_ns = caiman_loop_now (d->loop) + duration_ms * CAIMAN_NS_PER_MS;
  for (gint64 now_ns; (now_ns = caiman_loop_now (d->loop)) < end_ns;)
    caiman_loop_iterate (d->loop, end_ns - now_ns);
}

char *
tcp_duo_describe (TcpDuo *d)
{
  g_autoptr (GPtrArray) lines = caiman_tcp_connector_describe (d->connector);
  g_ptr_array_add (lines, NULL);
  GString *text = g_string_new (NULL);
  for (guint i = 0; lines->pdata[i]; i++)
    g_string_append_printf (text, "%s\n", (const char *)lines->pdata[i]);
  g_autofree char *port = g_strdup_printf (":%u\n", caiman_tcp_acceptor_get_port (d->acceptor, 0));
  g_string_replace (text, port, ":PORT\n", 0);
  return g_string_free (text, FALSE);
}
