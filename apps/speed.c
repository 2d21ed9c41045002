/* SPDX-License-Identifier: Apache-2.0 */
/* speed.c - see speed.h. */
#include "apps/speed.h"

#include "apps/connect-limit.h"
#include "apps/connection-log.h"
#include "apps/service.h"
#include "apps/speed-session.h"
#include "reports/format.h"

/* For the last acknowledgements and the peer's end, after the numbers are final. */
#define GRACE_NS (5 * CAIMAN_NS_PER_S)
/* A server that is just being started may still come. */
#define CONNECT_TIMEOUT_NS (10 * CAIMAN_NS_PER_S)
#define REFUSED_TIMEOUT_NS (3 * CAIMAN_NS_PER_S)

struct _Speed {
  SpeedOptions options;
  AppEndpoint *endpoint;
  ConnectionLog *log;
  ConnectLimit *limit; /* client */
  AppService *service; /* while it runs */
  gboolean has_result;
  SpeedResult result;
  char *failure; /* (nullable) */
};

AppEndpoint *
speed_get_endpoint (Speed *speed)
{
  return speed->endpoint;
}

const SpeedResult *
speed_get_result (const Speed *speed)
{
  return &speed->result;
}

const char *
speed_get_failure (const Speed *speed)
{
  return speed->failure;
}

/* --- Sessions --- */

static char *
format_direction (guint64 size_bytes, gint64 time_ns)
{
  if (size_bytes == 0 || time_ns <= 0)
    return g_strdup ("nothing");
  g_autofree char *bytes = format_bytes ((double)size_bytes);
  g_autofree char *time = format_time ((double)time_ns);
  g_autofree char *speed = format_bytes ((double)size_bytes * CAIMAN_NS_PER_S / (double)time_ns);
  return g_strdup_printf ("%s in %s, %s/s", bytes, time, speed);
}

static void
log_session (Speed *speed, SpeedSession *session)
{
  const AppConnection *connection = speed_session_get_connection (session);
  const SpeedResult *result = speed_session_get_result (session);
  g_autofree char *sent = format_direction (result->sent_bytes, result->send_time_ns);
  g_autofree char *received = format_direction (result->received_bytes, result->receive_time_ns);
  app_endpoint_log (speed->endpoint, APP_LOG_NOTICE, "%s: sent %s; received %s; %s",
                    connection->label, sent, received,
                    result->corrupt    ? "WRONG CONTENT"
                    : result->complete ? "content right"
                                       : caiman_reason_to_string (result->reason));
}

static void
note_failure (Speed *speed, const AppConnection *connection)
{
  g_autoptr (GPtrArray) tried = connect_limit_describe (connection);
  g_ptr_array_add (tried, NULL);
  g_autofree char *lines = g_strjoinv ("; ", (char **)tried->pdata);
  speed->failure = *lines ? g_strconcat ("tried ", lines, NULL) : g_strdup ("no way to any server");
}

static void
session_over (gpointer user_data, SpeedSession *session)
{
  Speed *speed = user_data;
  speed->result = *speed_session_get_result (session);
  speed->has_result = TRUE;
  if (speed->options.role == APP_ROLE_SERVER)
    log_session (speed, session);
  else if (!speed->result.connected && speed->failure == NULL)
    note_failure (speed, speed_session_get_connection (session));
  if (speed->service && (speed->options.role == APP_ROLE_CLIENT || speed->options.oneshot))
    app_service_stop (speed->service);
}

static void
connection_accepted (gpointer user_data, AppConnection *connection)
{
  Speed *speed = user_data;
  g_autofree char *label = g_strdup_printf ("speed test with %s", connection->label);
  app_connection_set_label (connection, label);
  connection->data = speed_session_new (connection, &speed->options.limits, session_over, speed);
}

static void
connection_event (gpointer user_data, AppConnection *connection, const CaimanEvent *event)
{
  if (connection->data)
    speed_session_event (connection->data, event);
}

static void
connection_closed (gpointer user_data, AppConnection *connection)
{
  speed_session_free (connection->data);
}

/* --- Running --- */

static void
stop (gpointer user_data)
{
  Speed *speed = user_data;
  if (speed->options.role == APP_ROLE_SERVER)
    app_endpoint_stop_accepting (speed->endpoint);
  /* From the end, as none goes away before the loop runs again. */
  const GPtrArray *connections = app_endpoint_get_connections (speed->endpoint);
  for (guint i = connections->len; i > 0; i--) {
    AppConnection *connection = connections->pdata[i - 1];
    if (connection->data && !connection->released)
      speed_session_stop (connection->data);
  }
}

int
speed_run (Speed *speed)
{
  static const AppServiceHandler handler = { .stop = stop };
  g_autoptr (AppService) service = app_service_new (speed->endpoint, GRACE_NS, &handler, speed);
  speed->service = service;
  if (speed->options.role == APP_ROLE_CLIENT) {
    AppConnection *connection = app_endpoint_open (speed->endpoint, "speed test");
    connection->data = speed_session_new (connection, &speed->options.limits, session_over, speed);
  }
  if (speed->options.oneshot && speed->has_result)
    app_service_stop (service); /* it came before this */
  app_service_notify ("READY=1");
  app_service_run (service);
  speed->service = NULL;
  return app_service_get_signal (service);
}

Speed *
speed_new (const SpeedOptions *options, const CaimanConfig *config, GError **error)
{
  static const AppHandler handler = {
    .accepted = connection_accepted,
    .event = connection_event,
    .closed = connection_closed,
  };
  Speed *speed = g_new0 (Speed, 1);
  speed->options = *options;
  speed->endpoint = app_endpoint_new (
      options->role, options->role == APP_ROLE_CLIENT ? "speed client" : "speed server", config,
      &handler, speed, error);
  if (speed->endpoint == NULL) {
    g_free (speed);
    return NULL;
  }
  speed->log = connection_log_new (speed->endpoint);
  gint64 timeout_ns = options->connect_timeout_ns;
  if (options->role == APP_ROLE_CLIENT)
    speed->limit =
        connect_limit_new (speed->endpoint, timeout_ns > 0 ? timeout_ns : CONNECT_TIMEOUT_NS,
                           timeout_ns > 0 ? CAIMAN_TIME_NEVER : REFUSED_TIMEOUT_NS);
  return speed;
}

void
speed_free (Speed *speed)
{
  if (speed == NULL)
    return;
  connect_limit_free (speed->limit);
  app_endpoint_free (speed->endpoint);
  connection_log_free (speed->log);
  g_free (speed->failure);
  g_free (speed);
}

/* --- Results --- */

static void
add_line (GString *text, const char *what, gboolean measured, guint64 size_bytes, gint64 time_ns)
{
  g_autofree char *figures = measured ? format_direction (size_bytes, time_ns) : g_strdup ("-");
  g_string_append_printf (text, "%-9s %s\n", what, figures);
}

char *
speed_format_text (const SpeedResult *result, const SpeedLimits *limits)
{
  GString *text = g_string_new (NULL);
  add_line (text, "sent", !limits->no_send, result->sent_bytes, result->send_time_ns);
  add_line (text, "received", !limits->no_receive, result->received_bytes, result->receive_time_ns);
  return g_string_free (text, FALSE);
}

static void
add_number (GString *json, const char *key, gboolean is_defined, double value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];
  g_ascii_formatd (digits, sizeof digits, "%.15g", value);
  g_string_append_printf (json, "  \"%s\": %s,\n", key, is_defined ? digits : "null");
}

static double
get_speed (guint64 size_bytes, gint64 time_ns)
{
  return time_ns > 0 ? (double)size_bytes / ((double)time_ns / CAIMAN_NS_PER_S) : 0.0;
}

char *
speed_format_json (const SpeedResult *result, const SpeedLimits *limits)
{
  gboolean sends = !limits->no_send, receives = !limits->no_receive;
  GString *json = g_string_new ("{\n");
  add_number (json, "data_limit", limits->limit_bytes > 0,
              (double)limits->limit_bytes / (1024 * 1024));
  add_number (json, "time_limit", limits->time_ns > 0, (double)limits->time_ns / CAIMAN_NS_PER_S);
  add_number (json, "send_speed", sends, get_speed (result->sent_bytes, result->send_time_ns));
  add_number (json, "recv_speed", receives,
              get_speed (result->received_bytes, result->receive_time_ns));
  add_number (json, "sent_bytes", sends, (double)result->sent_bytes);
  add_number (json, "send_time", sends, (double)result->send_time_ns / CAIMAN_NS_PER_S);
  add_number (json, "received_bytes", receives, (double)result->received_bytes);
  add_number (json, "receive_time", receives, (double)result->receive_time_ns / CAIMAN_NS_PER_S);
  add_number (json, "corrupt_at", result->corrupt, (double)result->corrupt_at_bytes);
  g_string_append_printf (json, "  \"complete\": %s,\n  \"reason\": \"%s\"\n}\n",
                          result->complete ? "true" : "false",
                          caiman_reason_to_string (result->reason));
  return g_string_free (json, FALSE);
}
