/* SPDX-License-Identifier: Apache-2.0 */
/* verb-tunnel.c - caiman tunnel: forwards TCP ports, wire-compatible with agg-tunnel. */
#include "tools/network.h"
#include "tools/tool.h"

#include "apps/live-watch.h"
#include "apps/service.h"
#include "apps/tunnel.h"

#include <string.h>

#define STATUS_TEXT                                                                                \
  "Signals: SIGHUP reads the configuration file and certificates again; SIGTERM and SIGINT\n"      \
  "let connections go on for a while (a second one: end at once).\n\n"                             \
  "Exit status: 0, 2 usage or configuration, 70 the system refused something."

typedef struct {
  TunnelConfig *config;
  LiveWatchOptions watch;
  char **ports;
  char *path;
  gboolean once;
  char *command, *connect_timeout;
} Options;

static void
options_clear (Options *options)
{
  tunnel_config_free (options->config);
  live_watch_options_clear (&options->watch);
  g_strfreev (options->ports);
  g_free (options->path);
  g_free (options->command);
  g_free (options->connect_timeout);
}

static void
add_entries (Options *options, AppRole role, GArray *entries)
{
  const GOptionEntry client[] = {
    { "port", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &options->ports,
      "Forward connections to PORT (default: SERVERPORT) to the server's SERVERPORT; may be given "
      "several times",
      "SERVERPORT[:PORT]" },
    { "global", 'g', 0, G_OPTION_ARG_NONE, &options->config->global,
      "Take connections on all interfaces, not on loopback alone", NULL },
  };
  const GOptionEntry server[] = {
    { "port", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &options->ports,
      "Publish PORT: connections for it go to HOST (default: localhost), there to TARGETPORT "
      "(default: PORT); may be given several times",
      "[HOST[:TARGETPORT]:]PORT" },
  };
  const GOptionEntry common[] = {
    { "once", 0, 0, G_OPTION_ARG_NONE, &options->once, "End after one forwarded connection", NULL },
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &options->path,
      "Read this file, too (docs/tunnel.md)", "FILE" },
    { "connect-timeout", 0, 0, G_OPTION_ARG_STRING, &options->connect_timeout,
      role == APP_ROLE_CLIENT
          ? "Reset a connection that no link to a server opens by then (default 30s)"
          : "Give a connection up whose target does not answer by then (default 30s)",
      "TIME" },
  };
  if (role == APP_ROLE_CLIENT)
    g_array_append_vals (entries, client, G_N_ELEMENTS (client));
  else
    g_array_append_vals (entries, server, G_N_ELEMENTS (server));
  g_array_append_vals (entries, common, G_N_ELEMENTS (common));
  app_options_add_entries (&options->config->options, role, entries);
  live_watch_options_add_entries (&options->watch, entries);
}

static gboolean
add_ports (const Options *options)
{
  gboolean ok = TRUE;
  for (char **port = options->ports; port && *port; port++) {
    g_autofree char *problem = tunnel_config_add_port (options->config, *port);
    if (problem)
      tool_error ("tunnel: --port: %s", problem);
    ok = ok && problem == NULL;
  }
  return ok;
}

static int
run (Options *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_free);
  if (!add_ports (options) ||
      !network_parse_timeout ("tunnel", "--connect-timeout", options->connect_timeout,
                              &options->config->connect_timeout_ns))
    return EXIT_STATUS_USAGE;
  options->config->connect_timeout_fixed = options->connect_timeout != NULL;
  if (!live_watch_options_check (&options->watch, &error)) {
    tool_error ("tunnel: %s", error->message);
    return EXIT_STATUS_USAGE;
  }
  app_service_hold_signals ();
  g_autoptr (Tunnel) tunnel = tunnel_new (options->config, options->path, options->once, messages);
  for (guint i = 0; i < messages->len; i++)
    tool_error ("%s", (const char *)messages->pdata[i]);
  if (tunnel == NULL)
    return EXIT_STATUS_USAGE;
  if (!tunnel_start (tunnel, &error)) {
    tool_error ("tunnel: %s", error->message);
    return network_get_status (error);
  }
  g_autoptr (LiveWatch) watch = live_watch_new (tunnel_get_endpoint (tunnel), &options->watch,
                                                options->command, tool_get_git_id (), &error);
  if (watch == NULL) {
    tool_error ("tunnel: %s", error->message);
    return network_get_status (error);
  }
  tunnel_run (tunnel);
  return RUN_EXIT_HELD;
}

static const char client_summary[] =
    "Takes TCP connections on local ports and forwards each through a connection of its own,\n"
    "over all links together, to a port that the server publishes.";
static const char server_summary[] =
    "Takes connections of tunnel clients and forwards each to the target of the port that it\n"
    "wants. Ports that are not published are refused.";

int
verb_tunnel (int argc, char **argv)
{
  int status = EXIT_STATUS_USAGE;
  AppRole role;
  Options options = { .watch = { .has_default_status = TRUE } };
  if (argc > 1 && strcmp (argv[1], "status") == 0)
    return verb_tunnel_status (argc - 1, argv + 1);
  if (!network_parse_role (&argc, &argv, &role, &status))
    return status;
  options.config = tunnel_config_new (role);
  options.command = g_strjoinv (" ", argv);
  g_autoptr (GArray) entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));
  add_entries (&options, role, entries);
  if (tool_parse (&argc, &argv, (const GOptionEntry *)(gpointer)entries->data, "",
                  role == APP_ROLE_CLIENT ? client_summary : server_summary, STATUS_TEXT, 0, 0,
                  &status)) {
    options.config->log_level_fixed = network_set_log_level ();
    network_raise_limits ();
    status = run (&options);
  }
  options_clear (&options);
  return status;
}
