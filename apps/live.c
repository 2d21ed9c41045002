/* SPDX-License-Identifier: Apache-2.0 */
/* live.c - see live.h. A Watched stands beside each LiveConnection of the snapshot, and a
 * WatchedLink beside each of its LiveLinks, at the same index. */
#include "apps/live.h"

#include <unistd.h>

#define TICK_NS CAIMAN_NS_PER_S

/* Totals at the last tick of the history. */
typedef struct {
  guint64 sent_bytes, received_bytes;
} Totals;

typedef struct {
  CaimanLink *link; /* a reference; NULL once it has closed */
  gint64 connected_ns, closed_ns;
  Totals at_tick;
} WatchedLink;

typedef struct {
  LiveConnection *seen;         /* borrowed from the snapshot */
  CaimanConnection *connection; /* NULL once it was removed */
  gint64 opened_ns, ended_ns;   /* ended_ns: CAIMAN_TIME_NEVER while it lives */
  Totals at_tick;
  GArray *links; /* of WatchedLink */
} Watched;

struct _Live {
  LiveSnapshot *snapshot;
  GPtrArray *watched;    /* of Watched */
  GHashTable *by_number; /* guint64 -> Watched, those with a connection */
  gint64 started_ns, ticked_ns;
  Totals gone; /* of connections that were removed */
};

static void
watched_link_clear (gpointer data)
{
  WatchedLink *link = data;
  caiman_link_unref (link->link);
}

static void
watched_free (gpointer data)
{
  Watched *watched = data;
  g_array_unref (watched->links);
  g_free (watched);
}

Live *
live_new (const char *title, gint64 now_ns)
{
  Live *live = g_new0 (Live, 1);
  live->snapshot = live_snapshot_new (title);
  live->snapshot->pid = getpid ();
  live->watched = g_ptr_array_new_with_free_func (watched_free);
  live->by_number = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  live->started_ns = live->ticked_ns = now_ns;
  return live;
}

void
live_free (Live *live)
{
  if (live == NULL)
    return;
  g_hash_table_unref (live->by_number);
  g_ptr_array_unref (live->watched);
  live_snapshot_free (live->snapshot);
  g_free (live);
}

static Watched *
find (Live *live, guint64 number)
{
  return g_hash_table_lookup (live->by_number, &number);
}

/* --- Links --- */

static void
update_link (LiveLink *seen, WatchedLink *watched, gint64 now_ns)
{
  CaimanLinkStats stats;
  if (watched->link == NULL)
    return;
  caiman_link_get_stats (watched->link, &stats, now_ns);
  if (*seen->peer == '\0') {
    char *peer = live_peer_name (caiman_link_get_remote_user_data (watched->link));
    if (peer != NULL) {
      g_free (seen->peer);
      seen->peer = peer;
    }
  }
  seen->state = caiman_link_get_state (watched->link);
  seen->reason = caiman_link_get_reason (watched->link);
  seen->is_blocked_local = caiman_link_is_blocked_local (watched->link);
  seen->is_blocked_remote = caiman_link_is_blocked_remote (watched->link);
  seen->is_suspected = caiman_link_is_suspected (watched->link);
  seen->srtt_ns = stats.srtt_ns;
  seen->min_rtt_ns = stats.min_rtt_ns;
  seen->delivery_bps = stats.rate_bps;
  seen->in_flight_bytes = stats.in_flight_bytes;
  seen->window_bytes = stats.window_bytes;
  seen->resent_bytes = stats.resent_bytes + stats.duplicated_bytes;
  seen->sent_bytes = stats.sent_bytes + seen->resent_bytes;
  seen->received_bytes = stats.received_bytes;
  seen->n_suspected = stats.n_suspected;
  seen->n_hangs = stats.n_not_working;
  watched->connected_ns = stats.connected_ns;
}

static int
find_link (const LiveConnection *seen, guint32 id)
{
  for (guint i = 0; i < seen->links->len; i++) {
    const LiveLink *link = g_ptr_array_index (seen->links, i);
    if (link->id == id)
      return (int)i;
  }
  return -1;
}

/* The place of @link in both arrays, which it is put into when it is new. */
static guint
place_link (LiveConnection *seen, Watched *watched, CaimanLink *link)
{
  int known = find_link (seen, caiman_link_get_id (link));
  if (known >= 0)
    return (guint)known;
  WatchedLink entry = { .link = caiman_link_ref (link) };
  g_array_append_val (watched->links, entry);
  g_ptr_array_add (seen->links,
                   live_link_new (caiman_link_get_id (link), caiman_link_get_name (link),
                                  caiman_link_get_local (link), caiman_link_get_remote (link)));
  return seen->links->len - 1;
}

static void
close_link (LiveConnection *seen, Watched *watched, guint i, gint64 now_ns)
{
  LiveLink *link = g_ptr_array_index (seen->links, i);
  WatchedLink *entry = &g_array_index (watched->links, WatchedLink, i);
  if (entry->link == NULL)
    return;
  update_link (link, entry, now_ns);
  caiman_link_unref (g_steal_pointer (&entry->link));
  entry->closed_ns = now_ns;
  link->state = CAIMAN_LINK_CLOSED;
  link->age_ns = now_ns - entry->connected_ns;
  link->in_flight_bytes = 0;
  link->rates = (CaimanRates) { 0 };
}

static void
drop_link (LiveConnection *seen, Watched *watched, guint i)
{
  g_ptr_array_remove_index (seen->links, i);
  g_array_remove_index (watched->links, i);
}

/* TRUE when a younger link over the same path is there, so that the closed one is history. */
static gboolean
is_succeeded (const LiveConnection *seen, const Watched *watched, guint i)
{
  const LiveLink *closed = g_ptr_array_index (seen->links, i);
  for (guint j = i + 1; j < seen->links->len; j++) {
    const LiveLink *other = g_ptr_array_index (seen->links, j);
    if (g_array_index (watched->links, WatchedLink, j).link != NULL &&
        other->state == CAIMAN_LINK_WORKING && g_str_equal (other->name, closed->name) &&
        g_str_equal (other->remote, closed->remote) && g_str_equal (other->peer, closed->peer))
      return TRUE;
  }
  return FALSE;
}

/* From the youngest on, so that the oldest go when there are too many. */
static void
expire_links (LiveConnection *seen, Watched *watched, gint64 now_ns)
{
  guint n_closed = 0;
  for (guint i = seen->links->len; i-- > 0;) {
    const WatchedLink *entry = &g_array_index (watched->links, WatchedLink, i);
    LiveLink *link = g_ptr_array_index (seen->links, i);
    if (entry->link != NULL)
      continue;
    link->closed_ago_ns = now_ns - entry->closed_ns;
    if (++n_closed > LIVE_CLOSED_LINKS_MAX || link->closed_ago_ns >= LIVE_LINGER_NS ||
        is_succeeded (seen, watched, i))
      drop_link (seen, watched, i);
  }
}

static void
sample_links (LiveConnection *seen, Watched *watched, gint64 now_ns)
{
  gsize n_links;
  CaimanLink *const *links = caiman_connection_get_links (watched->connection, &n_links);
  for (gsize i = 0; i < n_links; i++)
    place_link (seen, watched, links[i]);
  for (guint i = 0; i < seen->links->len; i++) {
    WatchedLink *entry = &g_array_index (watched->links, WatchedLink, i);
    LiveLink *link = g_ptr_array_index (seen->links, i);
    if (entry->link == NULL)
      continue;
    update_link (link, entry, now_ns);
    link->age_ns = now_ns - entry->connected_ns;
    caiman_connection_get_rates (watched->connection, entry->link, &link->rates, now_ns);
    if (link->state == CAIMAN_LINK_CLOSED)
      close_link (seen, watched, i, now_ns);
  }
  expire_links (seen, watched, now_ns);
}

/* --- Connections --- */

void
live_add (Live *live, guint64 number, CaimanConnection *connection, const char *label,
          gint64 now_ns)
{
  g_return_if_fail (number != 0 && find (live, number) == NULL);
  Watched *watched = g_new0 (Watched, 1);
  watched->connection = connection;
  watched->opened_ns = now_ns;
  watched->ended_ns = CAIMAN_TIME_NEVER;
  watched->links = g_array_new (FALSE, TRUE, sizeof (WatchedLink));
  g_array_set_clear_func (watched->links, watched_link_clear);
  watched->seen = live_connection_new (number, label);
  g_ptr_array_add (live->watched, watched);
  g_ptr_array_add (live->snapshot->connections, watched->seen);
  g_hash_table_insert (live->by_number, g_memdup2 (&number, sizeof number), watched);
  live->snapshot->n_opened++;
}

void
live_set_label (Live *live, guint64 number, const char *label)
{
  Watched *watched = find (live, number);
  if (watched == NULL || g_str_equal (watched->seen->label, label))
    return;
  g_free (watched->seen->label);
  watched->seen->label = g_utf8_make_valid (label, -1);
}

static void
sample_connection (LiveConnection *seen, Watched *watched, gint64 now_ns)
{
  if (watched->connection != NULL) {
    seen->state = caiman_connection_get_state (watched->connection);
    seen->reason = caiman_connection_get_end_reason (watched->connection);
    caiman_connection_get_stats (watched->connection, &seen->stats);
    caiman_connection_get_rates (watched->connection, NULL, &seen->rates, now_ns);
    sample_links (seen, watched, now_ns);
    if (seen->state == CAIMAN_CONNECTION_ENDED && watched->ended_ns == CAIMAN_TIME_NEVER)
      watched->ended_ns = now_ns;
  } else {
    expire_links (seen, watched, now_ns);
  }
  gboolean has_ended = watched->ended_ns != CAIMAN_TIME_NEVER;
  seen->age_ns = MIN (now_ns, watched->ended_ns) - watched->opened_ns;
  seen->ended_ago_ns = has_ended ? now_ns - watched->ended_ns : -1;
}

void
live_event (Live *live, guint64 number, const CaimanEvent *event, gint64 now_ns)
{
  if (event->type != CAIMAN_EVENT_LINK_STATE && event->type != CAIMAN_EVENT_LINK_CLOSE)
    return;
  Watched *watched = find (live, number);
  if (watched == NULL || event->link == NULL)
    return;
  guint i = place_link (watched->seen, watched, event->link);
  if (event->type == CAIMAN_EVENT_LINK_CLOSE)
    close_link (watched->seen, watched, i, now_ns);
  expire_links (watched->seen, watched, now_ns);
}

static void
remove_at (Live *live, guint i)
{
  g_ptr_array_remove_index (live->snapshot->connections, i);
  g_ptr_array_remove_index (live->watched, i);
}

static void
expire_connections (Live *live, gint64 now_ns)
{
  guint n_ended = 0;
  for (guint i = live->watched->len; i-- > 0;) {
    const Watched *watched = g_ptr_array_index (live->watched, i);
    if (watched->connection != NULL)
      continue;
    if (++n_ended > LIVE_ENDED_CONNECTIONS_MAX || now_ns - watched->ended_ns >= LIVE_LINGER_NS)
      remove_at (live, i);
  }
}

void
live_remove (Live *live, guint64 number, gint64 now_ns)
{
  Watched *watched = find (live, number);
  if (watched == NULL)
    return;
  LiveConnection *seen = watched->seen;
  sample_connection (seen, watched, now_ns);
  for (guint i = 0; i < seen->links->len; i++)
    close_link (seen, watched, i, now_ns);
  if (seen->state != CAIMAN_CONNECTION_ENDED) {
    seen->state = CAIMAN_CONNECTION_ENDED;
    seen->reason = CAIMAN_REASON_TERMINATED;
  }
  seen->rates = (CaimanRates) { 0 };
  watched->ended_ns = MIN (watched->ended_ns, now_ns);
  watched->connection = NULL;
  live->gone.sent_bytes += seen->stats.sent_bytes;
  live->gone.received_bytes += seen->stats.received_bytes;
  g_hash_table_remove (live->by_number, &number);
  expire_connections (live, now_ns);
}

/* --- The history --- */

/* The mean rate since the last tick, from totals that only grow. */
static gint64
rate_since (guint64 *at_tick, guint64 total, gint64 length_ns)
{
  gint64 bytes = (gint64)(total - *at_tick);
  *at_tick = total;
  return caiman_muldiv (bytes * 8, CAIMAN_NS_PER_S, length_ns);
}

static void
tick_totals (LiveHistory *history, Totals *at_tick, guint64 sent_bytes, guint64 received_bytes,
             gint64 length_ns)
{
  gint64 sent_bps = rate_since (&at_tick->sent_bytes, sent_bytes, length_ns);
  gint64 received_bps = rate_since (&at_tick->received_bytes, received_bytes, length_ns);
  live_history_add (history, sent_bps, received_bps);
}

static void
tick (Live *live, gint64 now_ns)
{
  gint64 length_ns = now_ns - live->ticked_ns;
  if (length_ns < TICK_NS)
    return;
  live->ticked_ns = now_ns;
  for (guint i = 0; i < live->watched->len; i++) {
    Watched *watched = g_ptr_array_index (live->watched, i);
    LiveConnection *seen = g_ptr_array_index (live->snapshot->connections, i);
    tick_totals (&seen->history, &watched->at_tick,
                 seen->stats.sent_bytes + seen->stats.resent_bytes + seen->stats.duplicated_bytes,
                 seen->stats.received_bytes, length_ns);
    for (guint j = 0; j < seen->links->len; j++) {
      LiveLink *link = g_ptr_array_index (seen->links, j);
      tick_totals (&link->history, &g_array_index (watched->links, WatchedLink, j).at_tick,
                   link->sent_bytes, link->received_bytes, length_ns);
    }
  }
}

LiveSnapshot *
live_sample (Live *live, gint64 now_ns)
{
  LiveSnapshot *snapshot = live->snapshot;
  snapshot->uptime_ns = now_ns - live->started_ns;
  snapshot->total_sent_bytes = live->gone.sent_bytes;
  snapshot->total_received_bytes = live->gone.received_bytes;
  snapshot->n_live = 0;
  snapshot->rates = (CaimanRates) { 0 };
  expire_connections (live, now_ns);
  for (guint i = 0; i < live->watched->len; i++) {
    Watched *watched = g_ptr_array_index (live->watched, i);
    LiveConnection *seen = g_ptr_array_index (snapshot->connections, i);
    sample_connection (seen, watched, now_ns);
    snapshot->n_live += watched->ended_ns == CAIMAN_TIME_NEVER;
    if (watched->connection == NULL)
      continue;
    snapshot->total_sent_bytes += seen->stats.sent_bytes;
    snapshot->total_received_bytes += seen->stats.received_bytes;
    for (guint r = 0; r < CAIMAN_N_STATS_INTERVALS; r++) {
      snapshot->rates.sent_bps[r] += seen->rates.sent_bps[r];
      snapshot->rates.received_bps[r] += seen->rates.received_bps[r];
    }
  }
  tick (live, now_ns);
  return snapshot;
}

/* --- Commands --- */

static gboolean
is_meant (const LiveCommand *command, const CaimanLink *link)
{
  if (command->link_id != 0)
    return caiman_link_get_id (link) == command->link_id;
  return g_strcmp0 (caiman_link_get_name (link), command->link_name) == 0;
}

static void
apply (LiveAction action, CaimanLink *link, gint64 now_ns)
{
  if (action == LIVE_DISCONNECT)
    caiman_link_disconnect (link, now_ns);
  else
    caiman_link_set_blocked (link, action == LIVE_BLOCK, now_ns);
}

/* The links are collected first: to disconnect one may change the connection's list. */
static guint
command_connection (CaimanConnection *connection, const LiveCommand *command, gint64 now_ns)
{
  g_autoptr (GPtrArray) meant = g_ptr_array_new_with_free_func ((GDestroyNotify)caiman_link_unref);
  gsize n_links;
  CaimanLink *const *links = caiman_connection_get_links (connection, &n_links);
  for (gsize i = 0; i < n_links; i++) {
    if (is_meant (command, links[i]))
      g_ptr_array_add (meant, caiman_link_ref (links[i]));
  }
  for (guint i = 0; i < meant->len; i++)
    apply (command->action, g_ptr_array_index (meant, i), now_ns);
  return meant->len;
}

static void
set_not_found (const LiveCommand *command, gboolean found_connection, GError **error)
{
  if (!found_connection)
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT,
                 "there is no connection %" G_GUINT64_FORMAT, command->connection);
  else if (command->link_id != 0)
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT, "there is no link %u",
                 command->link_id);
  else
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT, "there is no link '%s'",
                 command->link_name != NULL ? command->link_name : "");
}

guint
live_command (Live *live, const LiveCommand *command,
              void (*touch) (gpointer user_data, guint64 number), gpointer user_data, gint64 now_ns,
              GError **error)
{
  gboolean found_connection = command->connection == 0;
  guint n_links = 0;
  for (guint i = 0; i < live->watched->len; i++) {
    const Watched *watched = g_ptr_array_index (live->watched, i);
    const LiveConnection *seen = g_ptr_array_index (live->snapshot->connections, i);
    if (watched->connection == NULL ||
        (command->connection != 0 && command->connection != seen->number))
      continue;
    found_connection = TRUE;
    guint n = command_connection (watched->connection, command, now_ns);
    n_links += n;
    if (n > 0 && touch != NULL)
      touch (user_data, seen->number);
  }
  if (n_links == 0)
    set_not_found (command, found_connection, error);
  return n_links;
}
