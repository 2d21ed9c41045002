/* SPDX-License-Identifier: Apache-2.0 */
/* monitor-remote.c - see monitor-remote.h. */
#include "apps/monitor-remote.h"

#include "apps/monitor.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <signal.h>

#define PICTURES_EVERY_MS 250
/* What a person can look through. */
#define CONNECTIONS_MAX  200
#define FIRST_TIMEOUT_MS 5000

typedef struct {
  StatusClient *client;
  LiveSnapshot *snapshot; /* the latest */
  Monitor *monitor;
  GMainLoop *loop;
  GError *error; /* why it has ended; NULL: the user wanted so */
} Remote;

static LiveSnapshot *
on_sample (gpointer user_data)
{
  Remote *remote = user_data;
  return remote->snapshot;
}

/* What comes of it is told by an answer, and by the next picture. */
static gboolean
on_command (gpointer user_data, const LiveCommand *command, GError **error)
{
  Remote *remote = user_data;
  g_autofree char *request = status_request_format_command (command);
  return status_client_send (remote->client, request, error);
}

static void
on_quit (gpointer user_data)
{
  Remote *remote = user_data;
  g_main_loop_quit (remote->loop);
}

/* A picture, or the answer to a command. */
static void
take_answer (Remote *remote, const char *answer)
{
  g_autoptr (GError) error = NULL;
  LiveSnapshot *snapshot = NULL;
  if (!status_client_parse (answer, &snapshot, NULL, &error) && remote->monitor != NULL)
    monitor_add_log (remote->monitor, error->message);
  if (snapshot == NULL)
    return;
  live_snapshot_free (remote->snapshot);
  remote->snapshot = snapshot;
}

static gboolean
on_readable (gint fd, GIOCondition condition, gpointer user_data)
{
  Remote *remote = user_data;
  for (;;) {
    g_autofree char *answer = status_client_next (remote->client, &remote->error);
    if (answer == NULL)
      break;
    take_answer (remote, answer);
  }
  if (remote->error == NULL)
    return G_SOURCE_CONTINUE;
  g_main_loop_quit (remote->loop);
  return G_SOURCE_REMOVE;
}

static gboolean
on_signal (gpointer user_data)
{
  on_quit (user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
start (Remote *remote, GError **error)
{
  const LiveJsonOptions options = { .history_max = LIVE_HISTORY_MAX,
                                    .connections_max = CONNECTIONS_MAX };
  g_autofree char *request = status_request_format_watch (&options, PICTURES_EVERY_MS);
  if (!status_client_send (remote->client, request, error))
    return FALSE;
  g_autofree char *first = status_client_wait (remote->client, FIRST_TIMEOUT_MS, error);
  return first != NULL && status_client_parse (first, &remote->snapshot, NULL, error);
}

static void
show (Remote *remote)
{
  const MonitorHandler handler = { .sample = on_sample, .command = on_command, .quit = on_quit };
  remote->loop = g_main_loop_new (NULL, FALSE);
  remote->monitor = monitor_new (NULL, &handler, remote, &remote->error);
  if (remote->monitor != NULL) {
    guint sources[] = {
      g_unix_fd_add (status_client_get_fd (remote->client), G_IO_IN, on_readable, remote),
      g_unix_signal_add (SIGINT, on_signal, remote), g_unix_signal_add (SIGTERM, on_signal, remote)
    };
    g_main_loop_run (remote->loop);
    for (gsize i = 0; i < G_N_ELEMENTS (sources); i++) {
      if (g_main_context_find_source_by_id (NULL, sources[i]) != NULL)
        g_source_remove (sources[i]);
    }
    monitor_free (remote->monitor);
  }
  g_main_loop_unref (remote->loop);
}

gboolean
monitor_remote_run (StatusClient *client, GError **error)
{
  Remote remote = { .client = client };
  gboolean ok = start (&remote, error);
  if (ok && remote.snapshot == NULL)
    remote.snapshot = live_snapshot_new ("");
  if (ok)
    show (&remote);
  live_snapshot_free (remote.snapshot);
  if (remote.error == NULL)
    return ok;
  g_propagate_error (error, remote.error);
  return FALSE;
}
