/* SPDX-License-Identifier: Apache-2.0 */
/* live-watch.c - see live-watch.h. */
#include "apps/live-watch.h"

#include "apps/live.h"
#include "apps/monitor.h"
#include "apps/record.h"
#include "apps/status.h"
#include "config/units.h"

#define SAMPLE_INTERVAL_MS 1000
#define DB_INTERVAL_NS     CAIMAN_NS_PER_S
#define DB_INTERVAL_MIN_NS (10 * CAIMAN_NS_PER_MS)

struct _LiveWatch {
  AppEndpoint *endpoint;
  Live *live;
  Monitor *monitor; /* nullable, as are the next two */
  Status *status;
  Record *record;
  guint observer;
  GSource *sampling, *recording;
};

/* --- Options --- */

void
live_watch_options_clear (LiveWatchOptions *options)
{
  g_clear_pointer (&options->status_path, g_free);
  g_clear_pointer (&options->db_path, g_free);
  g_clear_pointer (&options->db_interval, g_free);
}

void
live_watch_options_add_entries (LiveWatchOptions *options, GArray *entries)
{
  const GOptionEntry common[] = {
    { "no-monitor", 'n', 0, G_OPTION_ARG_NONE, &options->no_monitor,
      "Do not show the monitor on a terminal", NULL },
    { "status", 0, 0, G_OPTION_ARG_FILENAME, &options->status_path,
      "Tell who asks on this Unix socket what goes on", "PATH" },
    { "db", 0, 0, G_OPTION_ARG_FILENAME, &options->db_path,
      "Record every connection in this results database", "FILE" },
    { "db-interval", 0, 0, G_OPTION_ARG_STRING, &options->db_interval,
      "Time between two samples, such as 100ms", "TIME" },
  };
  const GOptionEntry no_status = {
    "no-status", 0, 0, G_OPTION_ARG_NONE, &options->no_status, "Open no status socket", NULL
  };
  g_array_append_vals (entries, common, G_N_ELEMENTS (common));
  if (options->has_default_status)
    g_array_append_val (entries, no_status);
}

gboolean
live_watch_options_check (LiveWatchOptions *options, GError **error)
{
  gint64 interval_ns;
  if (options->no_status && options->status_path != NULL) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT,
                 "--status and --no-status exclude each other");
    return FALSE;
  }
  if (options->db_interval == NULL)
    return TRUE;
  g_autofree char *problem = units_parse_time (options->db_interval, &interval_ns);
  if (problem == NULL && interval_ns < DB_INTERVAL_MIN_NS)
    problem = g_strdup ("it must be 10ms or more");
  if (problem == NULL && options->db_path == NULL)
    problem = g_strdup ("it needs --db");
  if (problem != NULL) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT, "--db-interval: %s", problem);
    return FALSE;
  }
  options->db_interval_ns = interval_ns;
  return TRUE;
}

/* --- What the endpoint tells --- */

static gint64
now (const LiveWatch *watch)
{
  return app_endpoint_now (watch->endpoint);
}

static void
on_opened (gpointer user_data, AppConnection *connection)
{
  LiveWatch *watch = user_data;
  live_add (watch->live, connection->number, connection->connection, connection->label,
            now (watch));
  if (watch->record != NULL)
    record_add (watch->record, connection->number, connection->connection, connection->label,
                now (watch));
}

static void
on_event (gpointer user_data, AppConnection *connection, const CaimanEvent *event)
{
  LiveWatch *watch = user_data;
  live_event (watch->live, connection->number, event, now (watch));
  if (watch->record != NULL)
    record_event (watch->record, connection->number, event, now (watch));
}

static void
on_closed (gpointer user_data, AppConnection *connection)
{
  LiveWatch *watch = user_data;
  live_set_label (watch->live, connection->number, connection->label);
  live_remove (watch->live, connection->number, now (watch));
  if (watch->record == NULL)
    return;
  record_set_label (watch->record, connection->number, connection->label);
  record_remove (watch->record, connection->number, now (watch));
}

static gboolean
on_log (gpointer user_data, AppLogLevel level, const char *text)
{
  LiveWatch *watch = user_data;
  if (watch->monitor == NULL)
    return FALSE;
  g_autofree char *line = app_log_format (level, text);
  monitor_add_log (watch->monitor, line);
  return TRUE;
}

/* --- What monitor and status socket ask for --- */

static LiveSnapshot *
sample (gpointer user_data)
{
  LiveWatch *watch = user_data;
  const GPtrArray *connections = app_endpoint_get_connections (watch->endpoint);
  for (guint i = 0; i < connections->len; i++) {
    const AppConnection *connection = g_ptr_array_index (connections, i);
    live_set_label (watch->live, connection->number, connection->label);
  }
  LiveSnapshot *snapshot = live_sample (watch->live, now (watch));
  GPtrArray *paths = app_endpoint_describe_paths (watch->endpoint);
  if (paths != NULL) {
    g_ptr_array_unref (snapshot->paths);
    snapshot->paths = paths;
  }
  return snapshot;
}

static void
touch (gpointer user_data, guint64 number)
{
  LiveWatch *watch = user_data;
  AppConnection *connection = app_endpoint_find (watch->endpoint, number);
  if (connection != NULL)
    app_connection_touch (connection);
}

static guint
do_command (gpointer user_data, const LiveCommand *command, GError **error)
{
  LiveWatch *watch = user_data;
  return live_command (watch->live, command, touch, watch, now (watch), error);
}

static gboolean
do_monitor_command (gpointer user_data, const LiveCommand *command, GError **error)
{
  return do_command (user_data, command, error) > 0;
}

static void
quit (gpointer user_data)
{
  LiveWatch *watch = user_data;
  app_endpoint_quit (watch->endpoint);
}

/* --- Sampling --- */

static gboolean
on_sample (gpointer user_data)
{
  sample (user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_record (gpointer user_data)
{
  LiveWatch *watch = user_data;
  const GPtrArray *connections = app_endpoint_get_connections (watch->endpoint);
  for (guint i = 0; i < connections->len; i++) {
    const AppConnection *connection = g_ptr_array_index (connections, i);
    record_set_label (watch->record, connection->number, connection->label);
  }
  record_sample (watch->record, now (watch));
  g_autofree char *problem = record_take_problem (watch->record);
  if (problem != NULL)
    app_endpoint_log (watch->endpoint, APP_LOG_WARNING, "%s", problem);
  return G_SOURCE_CONTINUE;
}

static GSource *
attach_timer (LiveWatch *watch, guint interval_ms, GSourceFunc func)
{
  GSource *source = g_timeout_source_new (interval_ms);
  g_source_set_callback (source, func, watch, NULL);
  g_source_attach (source, app_endpoint_get_context (watch->endpoint));
  return source;
}

/* --- Life --- */

static gboolean
start_record (LiveWatch *watch, const LiveWatchOptions *options, const char *command,
              const char *git_id, GError **error)
{
  if (options->db_path == NULL)
    return TRUE;
  const RecordOptions record = {
    .path = options->db_path,
    .title = app_endpoint_get_title (watch->endpoint),
    .command = command,
    .git_id = git_id,
    .side = app_endpoint_get_role (watch->endpoint) == APP_ROLE_CLIENT ? STORE_SIDE_CLIENT
                                                                       : STORE_SIDE_SERVER,
  };
  gint64 interval_ns = options->db_interval_ns > 0 ? options->db_interval_ns : DB_INTERVAL_NS;
  watch->record = record_new (&record, error);
  if (watch->record != NULL)
    watch->recording = attach_timer (watch, (guint)(interval_ns / CAIMAN_NS_PER_MS), on_record);
  return watch->record != NULL;
}

/* A socket that nobody has asked for may be missing. */
static gboolean
start_status (LiveWatch *watch, const LiveWatchOptions *options, GError **error)
{
  const StatusSource source = { .sample = sample, .command = do_command, .user_data = watch };
  GMainContext *context = app_endpoint_get_context (watch->endpoint);
  g_autoptr (GError) problem = NULL;
  if (options->status_path != NULL) {
    watch->status = status_new (context, options->status_path, &source, error);
    return watch->status != NULL;
  }
  if (!options->has_default_status || options->no_status)
    return TRUE;
  g_autofree char *path =
      status_make_default_path (app_endpoint_get_title (watch->endpoint), &problem);
  if (path != NULL)
    watch->status = status_new (context, path, &source, &problem);
  if (watch->status == NULL)
    app_endpoint_log (watch->endpoint, APP_LOG_INFO, "no status socket: %s", problem->message);
  return TRUE;
}

static void
start_monitor (LiveWatch *watch, const LiveWatchOptions *options)
{
  const MonitorHandler handler = {
    .sample = sample, .command = do_monitor_command, .quit = quit, .can_quit = TRUE
  };
  g_autoptr (GError) error = NULL;
  if (options->no_monitor || !monitor_is_possible ())
    return;
  watch->monitor =
      monitor_new (app_endpoint_get_context (watch->endpoint), &handler, watch, &error);
  if (watch->monitor == NULL)
    app_endpoint_log (watch->endpoint, APP_LOG_NOTICE, "%s", error->message);
  else
    monitor_add_history (watch->monitor, app_endpoint_get_log (watch->endpoint));
}

LiveWatch *
live_watch_new (AppEndpoint *endpoint, const LiveWatchOptions *options, const char *command,
                const char *git_id, GError **error)
{
  const AppObserver observer = {
    .opened = on_opened, .event = on_event, .closed = on_closed, .log = on_log
  };
  g_autoptr (LiveWatch) watch = g_new0 (LiveWatch, 1);
  watch->endpoint = endpoint;
  watch->live = live_new (app_endpoint_get_title (endpoint), now (watch));
  if (!start_record (watch, options, command, git_id, error) ||
      !start_status (watch, options, error))
    return NULL;
  watch->observer = app_endpoint_add_observer (endpoint, &observer, watch);
  watch->sampling = attach_timer (watch, SAMPLE_INTERVAL_MS, on_sample);
  start_monitor (watch, options);
  return g_steal_pointer (&watch);
}

static void
clear_source (GSource *source)
{
  if (source == NULL)
    return;
  g_source_destroy (source);
  g_source_unref (source);
}

void
live_watch_free (LiveWatch *watch)
{
  if (watch == NULL)
    return;
  clear_source (watch->sampling);
  clear_source (watch->recording);
  g_clear_pointer (&watch->monitor, monitor_free);
  status_free (watch->status);
  record_free (watch->record, now (watch));
  if (watch->observer != 0)
    app_endpoint_remove_observer (watch->endpoint, watch->observer);
  live_free (watch->live);
  g_free (watch);
}
