/* SPDX-License-Identifier: Apache-2.0 */
/* live-snapshot.c - see live-snapshot.h. */
#include "apps/live-snapshot.h"

#include <string.h>

#define PEER_NAME_MAX_BYTES 32

static char *
make_text (const char *text)
{
  return text != NULL ? g_utf8_make_valid (text, -1) : g_strdup ("");
}

LiveSnapshot *
live_snapshot_new (const char *title)
{
  LiveSnapshot *snapshot = g_new0 (LiveSnapshot, 1);
  snapshot->title = make_text (title);
  snapshot->connections = g_ptr_array_new_with_free_func ((GDestroyNotify)live_connection_free);
  snapshot->paths = g_ptr_array_new_with_free_func (g_free);
  return snapshot;
}

void
live_snapshot_free (LiveSnapshot *snapshot)
{
  if (snapshot == NULL)
    return;
  g_free (snapshot->title);
  g_ptr_array_unref (snapshot->connections);
  g_ptr_array_unref (snapshot->paths);
  g_free (snapshot);
}

LiveConnection *
live_connection_new (guint64 number, const char *label)
{
  LiveConnection *connection = g_new0 (LiveConnection, 1);
  connection->number = number;
  connection->label = make_text (label);
  connection->ended_ago_ns = -1;
  connection->links = g_ptr_array_new_with_free_func ((GDestroyNotify)live_link_free);
  return connection;
}

void
live_connection_free (LiveConnection *connection)
{
  if (connection == NULL)
    return;
  g_free (connection->label);
  g_ptr_array_unref (connection->links);
  g_free (connection);
}

LiveLink *
live_link_new (guint32 id, const char *name, const char *local, const char *remote)
{
  LiveLink *link = g_new0 (LiveLink, 1);
  link->id = id;
  link->name = make_text (name);
  link->local = make_text (local);
  link->remote = make_text (remote);
  link->peer = g_strdup ("");
  link->closed_ago_ns = -1;
  return link;
}

void
live_link_free (LiveLink *link)
{
  if (link == NULL)
    return;
  g_free (link->name);
  g_free (link->local);
  g_free (link->remote);
  g_free (link->peer);
  g_free (link);
}

LiveConnection *
live_snapshot_find (const LiveSnapshot *snapshot, guint64 number)
{
  for (guint i = 0; i < snapshot->connections->len; i++) {
    LiveConnection *connection = g_ptr_array_index (snapshot->connections, i);
    if (connection->number == number)
      return connection;
  }
  return NULL;
}

LiveLink *
live_connection_find_link (const LiveConnection *connection, guint32 id)
{
  for (guint i = 0; i < connection->links->len; i++) {
    LiveLink *link = g_ptr_array_index (connection->links, i);
    if (link->id == id)
      return link;
  }
  return NULL;
}

char *
live_peer_name (GBytes *user_data)
{
  gsize size = 0;
  const char *data = user_data != NULL ? g_bytes_get_data (user_data, &size) : NULL;
  if (size == 0 || size > PEER_NAME_MAX_BYTES)
    return NULL;
  for (gsize i = 0; i < size; i++) {
    if (!g_ascii_isgraph (data[i]))
      return NULL;
  }
  return g_strndup (data, size);
}

void
live_history_add (LiveHistory *history, gint64 sent_bps, gint64 received_bps)
{
  if (history->n == LIVE_HISTORY_MAX) {
    history->n--;
    memmove (history->sent_bps, history->sent_bps + 1, history->n * sizeof (gint64));
    memmove (history->received_bps, history->received_bps + 1, history->n * sizeof (gint64));
  }
  history->sent_bps[history->n] = sent_bps;
  history->received_bps[history->n] = received_bps;
  history->n++;
}

const char *
live_link_describe (const LiveLink *link)
{
  gboolean is_down = link->state == CAIMAN_LINK_NOT_WORKING || link->state == CAIMAN_LINK_CLOSING ||
                     link->state == CAIMAN_LINK_CLOSED;
  if (is_down && link->reason != CAIMAN_REASON_NONE) {
    const char *reason = caiman_reason_to_string (link->reason);
    return g_str_has_prefix (reason, "link-") ? reason + strlen ("link-") : reason;
  }
  if (link->is_blocked_local)
    return "blocked";
  if (link->is_blocked_remote)
    return "blocked by peer";
  if (link->state == CAIMAN_LINK_WORKING && link->is_suspected)
    return "suspected";
  return caiman_link_state_to_string (link->state);
}
