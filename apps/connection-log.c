/* SPDX-License-Identifier: Apache-2.0 */
/* connection-log.c - see connection-log.h. */
#include "apps/connection-log.h"

#include "apps/connect-limit.h"
#include "reports/format.h"

/* So long a connection may be without a link before people are told what is tried. */
#define STARVED_NS (5 * CAIMAN_NS_PER_S)
/* They are not told again before this has passed. */
#define SILENT_NS (30 * CAIMAN_NS_PER_S)

struct _ConnectionLog {
  AppEndpoint *endpoint;
  CaimanTimer starved; /* client: the first connection does not come up */
  gboolean was_connected;
  gint64 silent_until_ns; /* no word of what was tried before */
};

/* "link eth0 (192.0.2.1)". */
static char *
describe_link (const CaimanLink *link)
{
  const char *name = caiman_link_get_name (link), *remote = caiman_link_get_remote (link);
  if (remote == NULL || g_str_equal (remote, name))
    return g_strdup_printf ("link %s", name);
  return g_strdup_printf ("link %s (%s)", name, remote);
}

static void
opened (gpointer user_data, AppConnection *connection)
{
  ConnectionLog *log = user_data;
  app_endpoint_log (log->endpoint, APP_LOG_NOTICE, "#%" G_GUINT64_FORMAT " %s: opened",
                    connection->number, connection->label);
  if (app_endpoint_get_role (log->endpoint) == APP_ROLE_CLIENT && !log->was_connected &&
      !caiman_timer_is_armed (&log->starved))
    caiman_loop_arm_timer (app_endpoint_get_loop (log->endpoint), &log->starved,
                           app_endpoint_now (log->endpoint) + STARVED_NS);
}

static void
log_link (ConnectionLog *log, AppConnection *connection, const CaimanEvent *event)
{
  gboolean is_news = event->link_state == CAIMAN_LINK_WORKING ||
                     event->link_state == CAIMAN_LINK_NOT_WORKING ||
                     event->link_state == CAIMAN_LINK_CLOSED;
  AppLogLevel level = is_news ? APP_LOG_INFO : APP_LOG_DEBUG;
  if (level > app_log_get_level ())
    return;
  g_autofree char *text = describe_link (event->link);
  app_endpoint_log (log->endpoint, level, "#%" G_GUINT64_FORMAT " %s: %s%s%s", connection->number,
                    text, caiman_link_state_to_string (event->link_state),
                    event->reason == CAIMAN_REASON_NONE ? "" : ": ",
                    event->reason == CAIMAN_REASON_NONE ? ""
                                                        : caiman_reason_to_string (event->reason));
}

/* What a client's links were tried over; not again and again. */
static void
tell_tried (ConnectionLog *log, const AppConnection *connection)
{
  gint64 now_ns = app_endpoint_now (log->endpoint);
  if (app_endpoint_get_role (log->endpoint) != APP_ROLE_CLIENT || now_ns < log->silent_until_ns)
    return;
  g_autoptr (GPtrArray) paths = connect_limit_describe (connection);
  log->silent_until_ns = now_ns + SILENT_NS;
  app_endpoint_log (log->endpoint, APP_LOG_WARNING,
                    paths->len > 0 ? "no server has answered; tried:" : "no way to any server");
  for (guint i = 0; i < paths->len; i++)
    app_endpoint_log (log->endpoint, APP_LOG_WARNING, "  %s", (const char *)paths->pdata[i]);
}

static void
on_starved (gpointer user_data)
{
  ConnectionLog *log = user_data;
  const GPtrArray *connections = app_endpoint_get_connections (log->endpoint);
  if (connections->len > 0)
    tell_tried (log, connections->pdata[0]);
}

static void
disarm (ConnectionLog *log)
{
  caiman_loop_arm_timer (app_endpoint_get_loop (log->endpoint), &log->starved, CAIMAN_TIME_NEVER);
}

static void
handle_event (gpointer user_data, AppConnection *connection, const CaimanEvent *event)
{
  ConnectionLog *log = user_data;
  if (event->type == CAIMAN_EVENT_LINK_STATE)
    log_link (log, connection, event);
  if (event->type == CAIMAN_EVENT_CONNECTED) {
    log->was_connected = TRUE;
    disarm (log);
  }
}

static void
closed (gpointer user_data, AppConnection *connection)
{
  ConnectionLog *log = user_data;
  if (app_endpoint_get_connections (log->endpoint)->len == 1)
    disarm (log); /* it is the last one */
  CaimanConnectionStats stats;
  CaimanReason reason = caiman_connection_get_end_reason (connection->connection);
  if (reason == CAIMAN_REASON_ALL_LINKS_FAILED)
    tell_tried (log, connection);
  caiman_connection_get_stats (connection->connection, &stats);
  gint64 ended_ns = MIN (connection->ended_ns, app_endpoint_now (log->endpoint));
  g_autofree char *age = format_time ((double)(ended_ns - connection->opened_ns));
  g_autofree char *sent = format_bytes ((double)stats.sent_bytes);
  g_autofree char *received = format_bytes ((double)stats.received_bytes);
  app_endpoint_log (log->endpoint, APP_LOG_NOTICE,
                    "#%" G_GUINT64_FORMAT " %s: closed after %s, %s sent, %s received: %s",
                    connection->number, connection->label, age, sent, received,
                    reason == CAIMAN_REASON_NONE ? "aborted" : caiman_reason_to_string (reason));
}

ConnectionLog *
connection_log_new (AppEndpoint *endpoint)
{
  static const AppObserver observer = {
    .opened = opened,
    .event = handle_event,
    .closed = closed,
  };
  ConnectionLog *log = g_new0 (ConnectionLog, 1);
  log->endpoint = endpoint;
  caiman_timer_init (&log->starved, on_starved, log);
  app_endpoint_add_observer (endpoint, &observer, log);
  return log;
}

void
connection_log_free (ConnectionLog *log)
{
  g_free (log);
}
