/* SPDX-License-Identifier: Apache-2.0 */
/* links.c - links added and removed by hand, while data flows.
 *
 * A connection's links need not come from caiman_tcp_connector: a program that knows its own paths
 * gives them to the connection's CaimanConnector, which keeps a link open over each. Here both ends
 * are in one process, and the paths are two ports of the server. */
#include <caiman/caiman.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_PATHS 2

typedef struct {
  CaimanLoop *loop;
  CaimanPump *server, *client;
  CaimanTcpAcceptor *acceptor;
  guint16 ports[N_PATHS];
  guint32 path_ids[N_PATHS];
  guint n_working; /* links of the client */
  char *received;  /* (owned, nullable) the last message that the server got */
} App;

static void
die (const GError *error)
{
  fprintf (stderr, "links: %s\n", error->message);
  exit (1);
}

/* --- Server --- */

static void
incoming (gpointer user_data, CaimanConnection *pending)
{
  caiman_pump_accept (((App *)user_data)->server, pending);
}

static void
server_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  App *app = user_data;
  if (event->type != CAIMAN_EVENT_READABLE)
    return;
  for (GBytes *message;
       (message = caiman_connection_receive (connection, caiman_loop_now (app->loop), NULL));) {
    g_free (app->received);
    app->received = g_strndup (g_bytes_get_data (message, NULL), g_bytes_get_size (message));
    printf ("server: got \"%s\"\n", app->received);
    g_bytes_unref (message);
  }
}

/* --- Client --- */

/* The connector wants a transport over a path: whatever connects to the right place will do. */
static CaimanTransport *
open_path (gpointer user_data, guint32 path_id, CaimanReason *reason_out)
{
  static const CaimanTcpOptions options = { 0 };
  App *app = user_data;
  struct sockaddr_in address = { .sin_family = AF_INET };
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  for (guint i = 0; i < N_PATHS; i++)
    if (app->path_ids[i] == path_id)
      address.sin_port = htons (app->ports[i]);
  return caiman_tcp_connect (app->loop, (struct sockaddr *)&address, sizeof address, NULL, &options,
                             reason_out);
}

static void
client_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  App *app = user_data;
  if (event->type != CAIMAN_EVENT_LINK_STATE)
    return;
  if (event->link_state == CAIMAN_LINK_WORKING || event->link_state == CAIMAN_LINK_CLOSED)
    printf ("client: link over %s is %s\n", caiman_link_get_name (event->link),
            caiman_link_state_to_string (event->link_state));
  gsize n_links;
  CaimanLink *const *links = caiman_connection_get_links (connection, &n_links);
  app->n_working = 0;
  for (gsize i = 0; i < n_links; i++)
    app->n_working += caiman_link_get_state (links[i]) == CAIMAN_LINK_WORKING;
}

static void
add_path (App *app, guint i, const char *name)
{
  CaimanLinkInfo info = { .name = name };
  gint64 now_ns = caiman_loop_now (app->loop);
  printf ("adding %s\n", name);
  app->path_ids[i] =
      caiman_connector_add_path (caiman_pump_get_connector (app->client), &info, now_ns, now_ns);
  caiman_pump_touch (app->client);
}

static void
remove_path (App *app, guint i, const char *name)
{
  printf ("removing %s\n", name);
  caiman_connector_remove_path (caiman_pump_get_connector (app->client), app->path_ids[i],
                                caiman_loop_now (app->loop));
  caiman_pump_touch (app->client);
}

static void
wait_for_links (App *app, guint n_working)
{
  while (app->n_working != n_working)
    caiman_loop_iterate (app->loop, CAIMAN_TIME_NEVER);
}

/* Sends @text and waits until it is there. */
static void
say (App *app, const char *text)
{
  GError *error = NULL;
  g_autoptr (GBytes) message = g_bytes_new (text, strlen (text));
  if (!caiman_connection_send (caiman_pump_get_connection (app->client), message,
                               caiman_loop_now (app->loop), &error))
    die (error);
  caiman_pump_touch (app->client);
  while (g_strcmp0 (app->received, text) != 0)
    caiman_loop_iterate (app->loop, CAIMAN_TIME_NEVER);
}

/* --- Both --- */

static void
start (App *app)
{
  static const CaimanPumpHandler server_handler = { .event = server_event, .incoming = incoming };
  static const CaimanPumpHandler client_handler = { .event = client_event, .open = open_path };
  static const char *const addresses[] = { "127.0.0.1:0", "127.0.0.1:0", NULL };
  /* The usual filter would find the second link redundant: same interfaces at both ends. */
  static const CaimanTcpAcceptorOptions options = { .filter = CAIMAN_TCP_FILTER_NONE };
  GError *error = NULL;
  CaimanConfig config;
  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
  if (!(app->loop = caiman_loop_new (&error)))
    die (error);
  app->server = caiman_loop_new_server_pump (app->loop, &config, NULL, &server_handler, app);
  app->acceptor = caiman_tcp_acceptor_new (app->loop, app->server, addresses, &options, &error);
  if (!app->acceptor)
    die (error);
  for (guint i = 0; i < N_PATHS; i++)
    app->ports[i] = caiman_tcp_acceptor_get_port (app->acceptor, i);
  app->client = caiman_loop_new_client_pump (app->loop, &config, NULL, &client_handler, app);
}

int
main (void)
{
  App app = { 0 };
  start (&app);
  add_path (&app, 0, "first");
  wait_for_links (&app, 1);
  say (&app, "hello");
  add_path (&app, 1, "second");
  wait_for_links (&app, 2);
  say (&app, "over both");
  remove_path (&app, 0, "first");
  wait_for_links (&app, 1);
  say (&app, "over the second alone");

  caiman_loop_free_pump (app.loop, app.client);
  caiman_tcp_acceptor_free (app.acceptor);
  caiman_loop_free_pump (app.loop, app.server);
  caiman_loop_free (app.loop);
  g_free (app.received);
  return 0;
}
