/* SPDX-License-Identifier: Apache-2.0 */
/* live-json.c - see live-json.h. One table per struct serves writer and reader. */
#include "apps/live-json.h"

#include "core/state-names.h"

#include <string.h>

typedef enum { FIELD_INTEGER, FIELD_BOOLEAN } FieldKind;

/* An integer is 64 bits wide; unsigned ones count things, and stay below 2^63. */
typedef struct {
  const char *name;
  gsize offset;
  FieldKind kind;
} Field;

#define FIELD(type, name, member, kind)                                                            \
  {                                                                                                \
    name, G_STRUCT_OFFSET (type, member), kind                                                     \
  }
#define INTEGER(type, member)       FIELD (type, G_STRINGIFY (member), member, FIELD_INTEGER)
#define STATS(member)               FIELD (LiveConnection, G_STRINGIFY (member), stats.member, FIELD_INTEGER)
#define BOOLEAN(type, name, member) FIELD (type, name, member, FIELD_BOOLEAN)

static const Field snapshot_fields[] = {
  INTEGER (LiveSnapshot, pid),
  INTEGER (LiveSnapshot, uptime_ns),
  INTEGER (LiveSnapshot, n_opened),
  INTEGER (LiveSnapshot, n_live),
  INTEGER (LiveSnapshot, n_omitted),
  INTEGER (LiveSnapshot, total_sent_bytes),
  INTEGER (LiveSnapshot, total_received_bytes),
};

static const Field connection_fields[] = {
  INTEGER (LiveConnection, number),
  INTEGER (LiveConnection, age_ns),
  INTEGER (LiveConnection, ended_ago_ns),
  STATS (sent_bytes),
  STATS (received_bytes),
  STATS (sent_messages),
  STATS (received_messages),
  STATS (resent_bytes),
  STATS (duplicated_bytes),
  STATS (duplicate_received_bytes),
  STATS (unsent_bytes),
  STATS (unacked_bytes),
  STATS (unconsumed_bytes),
  STATS (reorder_bytes),
  STATS (reorder_peak_bytes),
  STATS (readable_bytes),
  STATS (buffered_peak_bytes),
};

static const Field link_fields[] = {
  BOOLEAN (LiveLink, "blocked_local", is_blocked_local),
  BOOLEAN (LiveLink, "blocked_remote", is_blocked_remote),
  BOOLEAN (LiveLink, "suspected", is_suspected),
  INTEGER (LiveLink, age_ns),
  INTEGER (LiveLink, closed_ago_ns),
  INTEGER (LiveLink, srtt_ns),
  INTEGER (LiveLink, min_rtt_ns),
  INTEGER (LiveLink, delivery_bps),
  INTEGER (LiveLink, in_flight_bytes),
  INTEGER (LiveLink, window_bytes),
  INTEGER (LiveLink, sent_bytes),
  INTEGER (LiveLink, received_bytes),
  INTEGER (LiveLink, resent_bytes),
  INTEGER (LiveLink, n_suspected),
  INTEGER (LiveLink, n_hangs),
};

/* --- Writing --- */

void
live_json_append_string (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  for (const char *p = text; *p != '\0'; p++) {
    guchar c = (guchar)*p;
    if (c == '"' || c == '\\')
      g_string_append_c (out, '\\');
    if (c < 0x20 || c == 0x7f)
      g_string_append_printf (out, "\\u%04x", c);
    else
      g_string_append_c (out, (char)c);
  }
  g_string_append_c (out, '"');
}

/* ,"@name": */
static void
append_name (GString *out, const char *name)
{
  g_string_append_printf (out, ",\"%s\":", name);
}

static void
append_text (GString *out, const char *name, const char *value)
{
  append_name (out, name);
  live_json_append_string (out, value);
}

static void
append_fields (GString *out, const Field *fields, gsize n_fields, const void *data)
{
  for (gsize i = 0; i < n_fields; i++) {
    append_name (out, fields[i].name);
    if (fields[i].kind == FIELD_BOOLEAN)
      g_string_append (out, G_STRUCT_MEMBER (gboolean, data, fields[i].offset) ? "true" : "false");
    else
      g_string_append_printf (out, "%" G_GINT64_FORMAT,
                              G_STRUCT_MEMBER (gint64, data, fields[i].offset));
  }
}

static void
append_integers (GString *out, const char *name, const gint64 *values, guint n)
{
  append_name (out, name);
  g_string_append_c (out, '[');
  for (guint i = 0; i < n; i++)
    g_string_append_printf (out, "%s%" G_GINT64_FORMAT, i > 0 ? "," : "", values[i]);
  g_string_append_c (out, ']');
}

static void
append_rates (GString *out, const CaimanRates *rates)
{
  append_integers (out, "sent_bps", rates->sent_bps, CAIMAN_N_STATS_INTERVALS);
  append_integers (out, "received_bps", rates->received_bps, CAIMAN_N_STATS_INTERVALS);
}

static void
append_history (GString *out, const LiveHistory *history, guint max)
{
  guint n = MIN (history->n, max), skip = history->n - n;
  if (max == 0)
    return;
  append_integers (out, "history_sent_bps", history->sent_bps + skip, n);
  append_integers (out, "history_received_bps", history->received_bps + skip, n);
}

static void
append_link (GString *out, const LiveLink *link, const LiveJsonOptions *options)
{
  g_string_append_printf (out, "{\"id\":%u", link->id);
  append_text (out, "name", link->name);
  append_text (out, "local", link->local);
  append_text (out, "remote", link->remote);
  append_text (out, "peer", link->peer);
  append_text (out, "state", caiman_link_state_to_string (link->state));
  append_text (out, "reason", caiman_reason_to_string (link->reason));
  append_fields (out, link_fields, G_N_ELEMENTS (link_fields), link);
  append_rates (out, &link->rates);
  append_history (out, &link->history, options->history_max);
  g_string_append_c (out, '}');
}

static void
append_connection (GString *out, const LiveConnection *connection, const LiveJsonOptions *options)
{
  g_string_append (out, "{\"label\":");
  live_json_append_string (out, connection->label);
  append_text (out, "state", caiman_connection_state_to_string (connection->state));
  append_text (out, "reason", caiman_reason_to_string (connection->reason));
  append_fields (out, connection_fields, G_N_ELEMENTS (connection_fields), connection);
  append_rates (out, &connection->rates);
  append_history (out, &connection->history, options->history_max);
  append_name (out, "links");
  g_string_append_c (out, '[');
  for (guint i = 0; i < connection->links->len; i++) {
    if (i > 0)
      g_string_append_c (out, ',');
    append_link (out, g_ptr_array_index (connection->links, i), options);
  }
  g_string_append (out, "]}");
}

static void
append_paths (GString *out, const GPtrArray *paths)
{
  append_name (out, "paths");
  g_string_append_c (out, '[');
  for (guint i = 0; i < paths->len; i++) {
    if (i > 0)
      g_string_append_c (out, ',');
    live_json_append_string (out, g_ptr_array_index (paths, i));
  }
  g_string_append_c (out, ']');
}

void
live_json_append (GString *out, const LiveSnapshot *snapshot, const LiveJsonOptions *options)
{
  LiveSnapshot head = *snapshot;
  guint n = snapshot->connections->len;
  if (options->connections_max > 0)
    n = MIN (n, options->connections_max);
  head.n_omitted += snapshot->connections->len - n;

  g_string_append (out, "{\"title\":");
  live_json_append_string (out, snapshot->title);
  append_fields (out, snapshot_fields, G_N_ELEMENTS (snapshot_fields), &head);
  append_rates (out, &snapshot->rates);
  append_paths (out, snapshot->paths);
  append_name (out, "connections");
  g_string_append_c (out, '[');
  for (guint i = 0; i < n; i++) {
    if (i > 0)
      g_string_append_c (out, ',');
    append_connection (out, g_ptr_array_index (snapshot->connections, i), options);
  }
  g_string_append (out, "]}");
}

/* --- Reading --- */

/* The value of a member that is there and of type @type; else NULL. */
static JsonNode *
get_value (JsonObject *object, const char *name, GType type)
{
  JsonNode *node = json_object_get_member (object, name);
  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != type)
    return NULL;
  return node;
}

static const char *
get_text (JsonObject *object, const char *name)
{
  JsonNode *node = get_value (object, name, G_TYPE_STRING);
  return node != NULL ? json_node_get_string (node) : "";
}

static JsonArray *
get_array (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);
  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static guint
get_array_length (JsonArray *array)
{
  return array != NULL ? json_array_get_length (array) : 0;
}

static JsonObject *
get_object_element (JsonArray *array, guint i)
{
  JsonNode *node = json_array_get_element (array, i);
  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static void
parse_fields (JsonObject *object, const Field *fields, gsize n_fields, void *data)
{
  for (gsize i = 0; i < n_fields; i++) {
    gboolean is_boolean = fields[i].kind == FIELD_BOOLEAN;
    JsonNode *node = get_value (object, fields[i].name, is_boolean ? G_TYPE_BOOLEAN : G_TYPE_INT64);
    if (node != NULL && is_boolean)
      G_STRUCT_MEMBER (gboolean, data, fields[i].offset) = json_node_get_boolean (node);
    else if (node != NULL)
      G_STRUCT_MEMBER (gint64, data, fields[i].offset) = json_node_get_int (node);
  }
}

/* Up to @max integers; returns their number. */
static guint
parse_integers (JsonObject *object, const char *name, gint64 *values_out, guint max)
{
  JsonArray *array = get_array (object, name);
  guint n = MIN (get_array_length (array), max);
  for (guint i = 0; i < n; i++) {
    JsonNode *node = json_array_get_element (array, i);
    values_out[i] = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_int (node) : 0;
  }
  return n;
}

static void
parse_rates (JsonObject *object, CaimanRates *rates)
{
  parse_integers (object, "sent_bps", rates->sent_bps, CAIMAN_N_STATS_INTERVALS);
  parse_integers (object, "received_bps", rates->received_bps, CAIMAN_N_STATS_INTERVALS);
}

static void
parse_history (JsonObject *object, LiveHistory *history)
{
  guint n_sent = parse_integers (object, "history_sent_bps", history->sent_bps, LIVE_HISTORY_MAX);
  guint n_received =
      parse_integers (object, "history_received_bps", history->received_bps, LIVE_HISTORY_MAX);
  history->n = MIN (n_sent, n_received);
}

static CaimanReason
parse_reason (JsonObject *object)
{
  CaimanReason reason = CAIMAN_REASON_NONE;
  caiman_reason_from_string (get_text (object, "reason"), &reason);
  return reason;
}

static LiveLink *
parse_link (JsonObject *object)
{
  JsonNode *id = get_value (object, "id", G_TYPE_INT64);
  LiveLink *link =
      live_link_new (id != NULL ? (guint32)json_node_get_int (id) : 0, get_text (object, "name"),
                     get_text (object, "local"), get_text (object, "remote"));
  for (CaimanLinkState state = 0; state < CAIMAN_N_LINK_STATES; state++) {
    if (g_str_equal (get_text (object, "state"), caiman_link_state_to_string (state)))
      link->state = state;
  }
  g_free (link->peer);
  link->peer = g_strdup (get_text (object, "peer"));
  link->reason = parse_reason (object);
  parse_fields (object, link_fields, G_N_ELEMENTS (link_fields), link);
  parse_rates (object, &link->rates);
  parse_history (object, &link->history);
  return link;
}

static LiveConnection *
parse_connection (JsonObject *object)
{
  LiveConnection *connection = live_connection_new (0, get_text (object, "label"));
  JsonArray *links = get_array (object, "links");
  for (CaimanConnectionState state = 0; state < CAIMAN_N_CONNECTION_STATES; state++) {
    if (g_str_equal (get_text (object, "state"), caiman_connection_state_to_string (state)))
      connection->state = state;
  }
  connection->reason = parse_reason (object);
  parse_fields (object, connection_fields, G_N_ELEMENTS (connection_fields), connection);
  parse_rates (object, &connection->rates);
  parse_history (object, &connection->history);
  for (guint i = 0; i < get_array_length (links); i++) {
    JsonObject *link = get_object_element (links, i);
    if (link != NULL)
      g_ptr_array_add (connection->links, parse_link (link));
  }
  return connection;
}

LiveSnapshot *
live_json_parse (JsonObject *object)
{
  LiveSnapshot *snapshot = live_snapshot_new (get_text (object, "title"));
  JsonArray *connections = get_array (object, "connections");
  JsonArray *paths = get_array (object, "paths");
  parse_fields (object, snapshot_fields, G_N_ELEMENTS (snapshot_fields), snapshot);
  parse_rates (object, &snapshot->rates);
  for (guint i = 0; i < get_array_length (paths); i++) {
    JsonNode *node = json_array_get_element (paths, i);
    if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
      g_ptr_array_add (snapshot->paths, g_strdup (json_node_get_string (node)));
  }
  for (guint i = 0; i < get_array_length (connections); i++) {
    JsonObject *connection = get_object_element (connections, i);
    if (connection != NULL)
      g_ptr_array_add (snapshot->connections, parse_connection (connection));
  }
  return snapshot;
}
