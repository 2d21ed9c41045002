/* SPDX-License-Identifier: Apache-2.0 */
/* connect-limit.c - see connect-limit.h. One timer, for the connection that is due first. */
#include "apps/connect-limit.h"

#include <string.h>

/* How often it is looked whether all paths were refused, once that matters. */
#define LOOK_INTERVAL_NS (CAIMAN_NS_PER_S / 4)

struct _ConnectLimit {
  AppEndpoint *endpoint;
  gint64 timeout_ns, refused_ns;
  CaimanTimer timer;
  guint observer;
};

/* --- What was tried --- */

/* "eth0 -> 192.0.2.1:5800" is the path with this name and address. */
static gboolean
is_of_path (const char *line, const CaimanLinkInfo *info)
{
  const char *remote = info->remote ? info->remote : "";
  const char *name = g_strcmp0 (info->name, remote) == 0 ? "any" : info->name;
  g_autofree char *plain = g_strdup_printf ("%s -> %s:", name, remote);
  g_autofree char *bracketed = g_strdup_printf ("%s -> [%s]:", name, remote);
  return g_str_has_prefix (line, plain) || g_str_has_prefix (line, bracketed);
}

GPtrArray *
connect_limit_describe (const AppConnection *connection)
{
  GPtrArray *lines = app_endpoint_describe_paths (connection->endpoint);
  const CaimanConnector *connector = caiman_pump_get_connector (connection->pump);
  const CaimanLinkInfo *info;
  CaimanReason failure;
  for (guint i = 0; caiman_connector_get_path (connector, i, &info, &failure); i++) {
    for (guint j = 0; failure != CAIMAN_REASON_NONE && j < lines->len; j++) {
      g_autofree char *line = lines->pdata[j];
      lines->pdata[j] = is_of_path (line, info)
                            ? g_strdup_printf ("%s: %s", line, caiman_reason_to_string (failure))
                            : g_steal_pointer (&line);
    }
  }
  return lines;
}

static gboolean
is_refused_everywhere (const AppConnection *connection)
{
  const CaimanConnector *connector = caiman_pump_get_connector (connection->pump);
  const CaimanLinkInfo *info;
  CaimanReason failure;
  guint n_paths = 0;
  while (caiman_connector_get_path (connector, n_paths, &info, &failure)) {
    if (failure != CAIMAN_REASON_CONNECT_REFUSED)
      return FALSE;
    n_paths++;
  }
  return n_paths > 0;
}

/* --- Time --- */

/* Gives @connection up if it is due; else when to look at it again. */
static gint64
look_at (const ConnectLimit *limit, AppConnection *connection, gint64 now_ns)
{
  CaimanConnection *caiman = connection->connection;
  if (caiman_connection_get_state (caiman) != CAIMAN_CONNECTION_CONNECTING)
    return CAIMAN_TIME_NEVER;
  gint64 timeout_ns = caiman_time_add (connection->opened_ns, limit->timeout_ns);
  gint64 refused_ns = caiman_time_add (connection->opened_ns, limit->refused_ns);
  if (now_ns < timeout_ns && (now_ns < refused_ns || !is_refused_everywhere (connection)))
    return MIN (timeout_ns, MAX (refused_ns, caiman_time_add (now_ns, LOOK_INTERVAL_NS)));
  caiman_connection_give_up (caiman, now_ns);
  app_connection_touch (connection);
  return CAIMAN_TIME_NEVER;
}

static void
look (ConnectLimit *limit)
{
  const GPtrArray *connections = app_endpoint_get_connections (limit->endpoint);
  gint64 now_ns = app_endpoint_now (limit->endpoint), next_ns = CAIMAN_TIME_NEVER;
  for (guint i = 0; i < connections->len; i++)
    next_ns = MIN (next_ns, look_at (limit, connections->pdata[i], now_ns));
  caiman_loop_arm_timer (app_endpoint_get_loop (limit->endpoint), &limit->timer, next_ns);
}

static void
on_timer (gpointer user_data)
{
  look (user_data);
}

/* The timer may be for another one that is due before. */
static void
opened (gpointer user_data, AppConnection *connection)
{
  ConnectLimit *limit = user_data;
  gint64 next_ns =
      caiman_time_add (connection->opened_ns, MIN (limit->timeout_ns, limit->refused_ns));
  if (!caiman_timer_is_armed (&limit->timer))
    caiman_loop_arm_timer (app_endpoint_get_loop (limit->endpoint), &limit->timer, next_ns);
}

/* --- Life --- */

ConnectLimit *
connect_limit_new (AppEndpoint *endpoint, gint64 timeout_ns, gint64 refused_ns)
{
  static const AppObserver observer = { .opened = opened };
  g_assert (app_endpoint_get_role (endpoint) == APP_ROLE_CLIENT);
  ConnectLimit *limit = g_new0 (ConnectLimit, 1);
  limit->endpoint = endpoint;
  limit->timeout_ns = timeout_ns;
  limit->refused_ns = refused_ns;
  caiman_timer_init (&limit->timer, on_timer, limit);
  limit->observer = app_endpoint_add_observer (endpoint, &observer, limit);
  return limit;
}

void
connect_limit_free (ConnectLimit *limit)
{
  if (limit == NULL)
    return;
  app_endpoint_remove_observer (limit->endpoint, limit->observer);
  caiman_loop_arm_timer (app_endpoint_get_loop (limit->endpoint), &limit->timer, CAIMAN_TIME_NEVER);
  g_free (limit);
}

void
connect_limit_set (ConnectLimit *limit, gint64 timeout_ns, gint64 refused_ns)
{
  limit->timeout_ns = timeout_ns;
  limit->refused_ns = refused_ns;
  look (limit);
}
