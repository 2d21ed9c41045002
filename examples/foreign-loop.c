/* SPDX-License-Identifier: Apache-2.0 */
/* foreign-loop.c - caiman inside a loop that is not GLib's: here it is poll().
 *
 * Sends each line of standard input as a message to an echo server, which for the sake of the
 * example lives in the same process and loop, and prints what comes back. */
#include <caiman/caiman.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  CaimanLoop *loop;
  CaimanPump *server, *client;
  CaimanTcpAcceptor *acceptor;
  CaimanTcpConnector *connector;
  GBytes *held; /* (owned, nullable) an answer for which there was no room yet */
  gboolean open;
} App;

static void
die (const GError *error)
{
  fprintf (stderr, "foreign-loop: %s\n", error->message);
  exit (1);
}

/* --- The server's end --- */

static void
incoming (gpointer user_data, CaimanConnection *pending)
{
  caiman_pump_accept (((App *)user_data)->server, pending);
}

/* Sends back what there is, as long as there is room. */
static void
echo (App *app, CaimanConnection *connection)
{
  gint64 now_ns = caiman_loop_now (app->loop);
  g_autoptr (GError) error = NULL;
  for (;;) {
    if (!app->held)
      app->held = caiman_connection_receive (connection, now_ns, &error);
    if (!app->held || !caiman_connection_send (connection, app->held, now_ns, &error))
      break; /* an event tells when there is more to read, or room */
    g_clear_pointer (&app->held, g_bytes_unref);
  }
  if (g_error_matches (error, CAIMAN_ERROR, CAIMAN_REASON_FINISHED))
    caiman_connection_finish (connection, now_ns);
}

static void
server_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  if (event->type == CAIMAN_EVENT_READABLE || event->type == CAIMAN_EVENT_WRITABLE)
    echo (user_data, connection);
}

/* --- The client's end --- */

static CaimanTransport *
open_path (gpointer user_data, guint32 path_id, CaimanReason *reason_out)
{
  App *app = user_data;
  return caiman_tcp_connector_open (app->connector, app->client, path_id, reason_out);
}

static void
client_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  App *app = user_data;
  if (event->type == CAIMAN_EVENT_CONNECTED)
    app->open = TRUE;
  if (event->type != CAIMAN_EVENT_READABLE)
    return;
  for (GBytes *message;
       (message = caiman_connection_receive (connection, caiman_loop_now (app->loop), NULL));) {
    printf ("echo: %.*s\n", (int)g_bytes_get_size (message),
            (const char *)g_bytes_get_data (message, NULL));
    g_bytes_unref (message);
  }
}

/* A line for the server; NULL: there is none any more. */
static void
take_line (App *app, const char *line)
{
  CaimanConnection *connection = caiman_pump_get_connection (app->client);
  gint64 now_ns = caiman_loop_now (app->loop);
  g_autoptr (GError) error = NULL;
  if (line) {
    g_autoptr (GBytes) message = g_bytes_new (line, strcspn (line, "\n"));
    if (!caiman_connection_send (connection, message, now_ns, &error))
      die (error);
  } else {
    caiman_connection_finish (connection, now_ns);
  }
  caiman_pump_touch (app->client); /* something was called from outside of a handler */
}

/* --- The loop --- */

static void
run (App *app)
{
  char line[1000];
  gboolean input_over = FALSE;
  CaimanConnection *connection = caiman_pump_get_connection (app->client);
  while (!caiman_connection_is_finished (connection)) {
    struct pollfd fds[2] = {
      { .fd = caiman_loop_get_fd (app->loop), .events = POLLIN },
      { .fd = app->open && !input_over ? STDIN_FILENO : -1, .events = POLLIN },
    };
    poll (fds, 2, -1);
    if (fds[0].revents)
      caiman_loop_dispatch (app->loop);
    if (fds[1].revents) {
      const char *got = fgets (line, sizeof line, stdin);
      take_line (app, got);
      input_over = !got;
    }
  }
}

int
main (void)
{
  static const CaimanPumpHandler server_handler = { .event = server_event, .incoming = incoming };
  static const CaimanPumpHandler client_handler = { .event = client_event, .open = open_path };
  static const char *const addresses[] = { "127.0.0.1:0", NULL };
  static const char *const hosts[] = { "127.0.0.1", NULL };
  static const CaimanTcpAcceptorOptions acceptor_options = { 0 };
  static const CaimanTcpConnectorOptions connector_options = { 0 };
  App app = { 0 };
  GError *error = NULL;
  CaimanConfig config;
  setvbuf (stdin, NULL, _IONBF, 0); /* or poll() would not see lines that stdio has read already */
  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);

  if (!(app.loop = caiman_loop_new (&error)))
    die (error);
  app.server = caiman_loop_new_server_pump (app.loop, &config, NULL, &server_handler, &app);
  app.acceptor =
      caiman_tcp_acceptor_new (app.loop, app.server, addresses, &acceptor_options, &error);
  if (!app.acceptor)
    die (error);
  app.client = caiman_loop_new_client_pump (app.loop, &config, NULL, &client_handler, &app);
  app.connector = caiman_tcp_connector_new (
      app.loop, hosts, caiman_tcp_acceptor_get_port (app.acceptor, 0), &connector_options, &error);
  if (!app.connector)
    die (error);
  caiman_tcp_connector_attach (app.connector, app.client);

  run (&app);

  caiman_tcp_connector_detach (app.connector, app.client);
  caiman_tcp_connector_free (app.connector);
  caiman_loop_free_pump (app.loop, app.client);
  caiman_tcp_acceptor_free (app.acceptor);
  caiman_loop_free_pump (app.loop, app.server);
  caiman_loop_free (app.loop);
  g_clear_pointer (&app.held, g_bytes_unref);
  return 0;
}
