/* SPDX-License-Identifier: Apache-2.0 */
/* status-request.c - see status-request.h. */
#include "apps/status-request.h"

#include "apps/status.h"

#define WATCH_MAX_MS 60000

static const char *const action_names[] = {
  [LIVE_BLOCK] = "block",
  [LIVE_UNBLOCK] = "unblock",
  [LIVE_DISCONNECT] = "disconnect",
};

static gboolean
fail (GError **error, const char *text)
{
  g_set_error_literal (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT, text);
  return FALSE;
}

/* A member that may be missing: *@value_out stays as it is then. */
static gboolean
get_count (JsonObject *object, const char *name, guint64 max, guint64 *value_out, GError **error)
{
  JsonNode *node = json_object_get_member (object, name);
  if (node == NULL)
    return TRUE;
  gint64 value = JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64
                     ? json_node_get_int (node)
                     : -1;
  if (value < 0 || (guint64)value > max) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT,
                 "'%s' must be a number from 0 to %" G_GUINT64_FORMAT, name, max);
    return FALSE;
  }
  *value_out = (guint64)value;
  return TRUE;
}

static const char *
get_text (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);
  gboolean is_text = node != NULL && JSON_NODE_HOLDS_VALUE (node) &&
                     json_node_get_value_type (node) == G_TYPE_STRING;
  const char *text = is_text ? json_node_get_string (node) : NULL;
  /* json-glib takes octal escapes, which make any byte. */
  return text && g_utf8_validate (text, -1, NULL) ? text : NULL;
}

static gboolean
parse_command (JsonObject *object, LiveAction action, LiveCommand *command_out, GError **error)
{
  guint64 connection = 0, link_id = 0;
  const char *link_name = get_text (object, "link");
  if (!get_count (object, "connection", G_MAXINT64, &connection, error))
    return FALSE;
  if (link_name == NULL && !get_count (object, "link", G_MAXUINT32, &link_id, error))
    return FALSE;
  if (link_name == NULL && link_id == 0)
    return fail (error, "'link' must be the name or the id of a link");
  if (link_name == NULL && connection == 0)
    return fail (error, "the id of a link needs 'connection', too");
  *command_out = (LiveCommand) { .action = action,
                                 .connection = connection,
                                 .link_id = (guint32)link_id,
                                 .link_name = g_strdup (link_name) };
  return TRUE;
}

static gboolean
parse_view (JsonObject *object, StatusRequest *request, GError **error)
{
  guint64 history = 0, connections = 0, every_ms = 1000;
  if (!get_count (object, "history", LIVE_HISTORY_MAX, &history, error) ||
      !get_count (object, "connections", G_MAXUINT32, &connections, error) ||
      !get_count (object, "every_ms", WATCH_MAX_MS, &every_ms, error))
    return FALSE;
  request->json.history_max = (guint)history;
  request->json.connections_max = (guint)connections;
  request->every_ms = MAX ((guint)every_ms, STATUS_WATCH_MIN_MS);
  return TRUE;
}

static gboolean
parse_object (JsonObject *object, StatusRequest *request, GError **error)
{
  const char *verb = get_text (object, "do");
  if (verb == NULL)
    return fail (error, "'do' is missing");
  for (LiveAction action = LIVE_BLOCK; action <= LIVE_DISCONNECT; action++) {
    if (g_str_equal (verb, action_names[action])) {
      request->verb = STATUS_DO_COMMAND;
      return parse_command (object, action, &request->command, error);
    }
  }
  if (g_str_equal (verb, "status") || g_str_equal (verb, "watch")) {
    request->verb = *verb == 'w' ? STATUS_DO_WATCH : STATUS_DO_STATUS;
    return parse_view (object, request, error);
  }
  return fail (error, "'do' must be status, watch, block, unblock or disconnect");
}

gboolean
status_request_parse (const char *line, gsize size, StatusRequest *request_out, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  StatusRequest request = { .verb = STATUS_DO_STATUS };
  if (!g_utf8_validate (line, (gssize)size, NULL) ||
      !json_parser_load_from_data (parser, line, (gssize)size, NULL))
    return fail (error, "a request is a JSON object on one line");
  JsonNode *root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return fail (error, "a request is a JSON object on one line");
  if (!parse_object (json_node_get_object (root), &request, error))
    return FALSE;
  *request_out = request;
  return TRUE;
}

void
status_request_clear (StatusRequest *request)
{
  g_free ((char *)request->command.link_name);
  request->command.link_name = NULL;
}

/* --- The client's side --- */

char *
status_request_format_command (const LiveCommand *command)
{
  GString *line = g_string_new (NULL);
  g_string_append_printf (line, "{\"do\":\"%s\",\"connection\":%" G_GUINT64_FORMAT ",\"link\":",
                          action_names[command->action], command->connection);
  if (command->link_id != 0)
    g_string_append_printf (line, "%u", command->link_id);
  else
    live_json_append_string (line, command->link_name);
  g_string_append (line, "}\n");
  return g_string_free (line, FALSE);
}

char *
status_request_format_status (const LiveJsonOptions *options)
{
  return g_strdup_printf ("{\"do\":\"status\",\"history\":%u,\"connections\":%u}\n",
                          options->history_max, options->connections_max);
}

char *
status_request_format_watch (const LiveJsonOptions *options, guint every_ms)
{
  return g_strdup_printf ("{\"do\":\"watch\",\"history\":%u,\"connections\":%u,\"every_ms\":%u}\n",
                          options->history_max, options->connections_max, every_ms);
}
