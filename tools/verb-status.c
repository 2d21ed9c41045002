/* SPDX-License-Identifier: Apache-2.0 */
/* verb-status.c - caiman tunnel status and caiman monitor: look at a running verb over its status
 * socket. */
#include "tools/tool.h"

#include "apps/live-text.h"
#include "apps/monitor-remote.h"
#include "apps/monitor.h"
#include "apps/status-client.h"
#include "reports/summary.h"

#include <gio/gio.h>
#include <unistd.h>

#define TIMEOUT_MS 10000

typedef struct {
  gboolean json;
  char *block, *unblock, *disconnect;
  gint64 connection;
} StatusOptions;

/* Told on standard error; 2 where the user named something that is not there. */
static int
fail (const char *verb, const GError *error)
{
  tool_error ("%s: %s", verb, error->message);
  return error->domain == G_IO_ERROR && error->code != G_IO_ERROR_TIMED_OUT &&
                 error->code != G_IO_ERROR_INVALID_DATA
             ? EXIT_STATUS_USAGE
             : RUN_EXIT_INTERNAL;
}

/* (transfer full) The answer to @request. */
static char *
ask (StatusClient *client, const char *request, GError **error)
{
  return status_client_send (client, request, error)
             ? status_client_wait (client, TIMEOUT_MS, error)
             : NULL;
}

static gboolean
print_status (StatusClient *client, gboolean json, GError **error)
{
  g_autofree char *request = status_request_format_status (&(LiveJsonOptions) { 0 });
  g_autofree char *answer = ask (client, request, error);
  g_autofree char *text = NULL;
  g_autoptr (LiveSnapshot) snapshot = NULL;
  if (answer == NULL)
    return FALSE;
  if (json)
    text = status_client_extract (answer, error);
  else if (status_client_parse (answer, &snapshot, NULL, error) && snapshot != NULL)
    text = live_text_format (snapshot, summary_wants_colour (STDOUT_FILENO));
  if (text != NULL)
    tool_print (text);
  return text != NULL;
}

static gboolean
do_command (StatusClient *client, const StatusOptions *options, LiveAction action, const char *link,
            GError **error)
{
  LiveCommand command = { .action = action,
                          .connection = (guint64)options->connection,
                          .link_name = link };
  guint64 id;
  gint64 n_links;
  if (options->connection > 0 && g_ascii_string_to_unsigned (link, 10, 1, G_MAXUINT32, &id, NULL))
    command.link_id = (guint32)id;
  g_autofree char *request = status_request_format_command (&command);
  g_autofree char *answer = ask (client, request, error);
  if (answer == NULL || !status_client_parse (answer, NULL, &n_links, error))
    return FALSE;
  g_autofree char *text =
      g_strdup_printf ("%" G_GINT64_FORMAT " link%s\n", n_links, n_links == 1 ? "" : "s");
  if (!tool_is_quiet ())
    tool_print (text);
  return TRUE;
}

static gboolean
do_commands (StatusClient *client, const StatusOptions *options, GError **error)
{
  const char *const links[] = {
    [LIVE_BLOCK] = options->block,
    [LIVE_UNBLOCK] = options->unblock,
    [LIVE_DISCONNECT] = options->disconnect,
  };
  gboolean is_command = FALSE;
  for (LiveAction action = LIVE_BLOCK; action <= LIVE_DISCONNECT; action++) {
    if (links[action] == NULL)
      continue;
    is_command = TRUE;
    if (!do_command (client, options, action, links[action], error))
      return FALSE;
  }
  return is_command ? TRUE : print_status (client, options->json, error);
}

int
verb_tunnel_status (int argc, char **argv)
{
  static char name[] = "tunnel status";
  StatusOptions options = { .json = FALSE };
  int status;
  g_autoptr (GError) error = NULL;
  const GOptionEntry entries[] = {
    { "json", 'j', 0, G_OPTION_ARG_NONE, &options.json, "Print a JSON object", NULL },
    { "block", 0, 0, G_OPTION_ARG_STRING, &options.block,
      "Block this link: it stays up but carries no data", "LINK" },
    { "unblock", 0, 0, G_OPTION_ARG_STRING, &options.unblock, "Free this link again", "LINK" },
    { "disconnect", 0, 0, G_OPTION_ARG_STRING, &options.disconnect, "Disconnect this link",
      "LINK" },
    { "connection", 0, 0, G_OPTION_ARG_INT64, &options.connection,
      "Links of this connection alone; then LINK may be an id, too", "NUMBER" },
    G_OPTION_ENTRY_NULL,
  };
  argv[0] = name;
  if (!tool_parse (&argc, &argv, entries, "[SOCKET]",
                   "Tells what a running tunnel does, or does something to its links. SOCKET is\n"
                   "needed when several are running, or when its path was given by --status.",
                   "Exit status: 0, 2 no such tunnel or link, 70 no answer.", 0, 1, &status))
    return status;
  if (options.connection < 0) {
    tool_error ("tunnel status: --connection takes the number of a connection");
    return EXIT_STATUS_USAGE;
  }
  g_autoptr (StatusClient) client = status_client_open_any (argc == 2 ? argv[1] : NULL, &error);
  if (client != NULL && do_commands (client, &options, &error))
    status = RUN_EXIT_HELD;
  else
    status = fail ("tunnel status", error);
  g_free (options.block);
  g_free (options.unblock);
  g_free (options.disconnect);
  return status;
}

int
verb_monitor (int argc, char **argv)
{
  int status;
  g_autoptr (GError) error = NULL;
  if (!tool_parse (
          &argc, &argv, NULL, "[SOCKET]",
          "Shows on the whole terminal what a running tunnel does; '?' explains the keys.\n"
          "SOCKET is needed when several are running, or when its path was given by\n"
          "--status.",
          "Exit status: 0, 2 no such tunnel, 70 the terminal or the tunnel is gone.", 0, 1,
          &status))
    return status;
  if (!monitor_is_possible ()) {
    tool_error ("monitor: this needs a terminal; 'caiman tunnel status' does not");
    return EXIT_STATUS_USAGE;
  }
  g_autoptr (StatusClient) client = status_client_open_any (argc == 2 ? argv[1] : NULL, &error);
  if (client != NULL && monitor_remote_run (client, &error))
    return RUN_EXIT_HELD;
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
    return fail ("monitor", error);
  tool_error ("monitor: the tunnel has ended");
  return RUN_EXIT_INTERNAL;
}
