/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - handshakes of incoming links, and the queue of new connections (PROTOCOL.md, 4). */
#include "core/connection-private.h"

#include <string.h>

/* Where places are short, a handshake may take this long: more than it takes on any path. */
#define HANDSHAKE_GRACE_NS (3 * CAIMAN_NS_PER_S)

struct _CaimanServer {
  CaimanConfig config;
  CaimanRandom random;
  CaimanId id;
  gboolean listening;
  CaimanTracer tracer;
  CaimanLinkFilter filter;
  gpointer filter_data;
  guint32 next_link_id;
  gint64 now_ns;
  CaimanHandshakes handshakes; /* and of links that wait for room */
  guint64 n_turned_away;
  guint8 hash_key[CAIMAN_HASH_KEY_BYTES];
  GHashTable *connections; /* CaimanIdKey* -> CaimanConnection*, borrowed; only looked up */
  GPtrArray *pending;      /* of CaimanConnection, owned, oldest first */
  GQueue noticed;          /* of CaimanConnection: pending ones that have events */
  GPtrArray *gone;         /* of CaimanConnection, to be freed with the next call */
  GQueue waiting;          /* of Waiting*: Connects that wait for room among the pending */
  GQueue events;           /* of CaimanServerEvent* */
  CaimanLink *event_link;
};

/* A link whose Connect came while the queue was full. */
typedef struct {
  CaimanLink *link;
  CaimanId id;
  CaimanMessage connect; /* user data taken out already */
} Waiting;

static guint
hash_key (gconstpointer key)
{
  return ((const CaimanIdKey *)key)->hash;
}

static gboolean
ids_equal (const CaimanId *a, const CaimanId *b)
{
  return memcmp (a, b, sizeof (CaimanId)) == 0;
}

static gboolean
keys_equal (gconstpointer a, gconstpointer b)
{
  return ids_equal (&((const CaimanIdKey *)a)->id, &((const CaimanIdKey *)b)->id);
}

static CaimanIdKey
make_key (const CaimanServer *server, const CaimanId *id)
{
  return (CaimanIdKey) { *id, caiman_crypto_hash_id (server->hash_key, id) };
}

static gboolean
is_zero_id (const CaimanId *id)
{
  static const CaimanId zero;
  return ids_equal (id, &zero);
}

CaimanServer *
caiman_server_new (const CaimanConfig *config, const CaimanRandom *random, gint64 now_ns)
{
  g_return_val_if_fail (caiman_config_validate (config, NULL), NULL);
  CaimanServer *server = g_new0 (CaimanServer, 1);
  server->config = *config;
  server->random = *random;
  server->listening = TRUE;
  server->now_ns = now_ns;
  server->next_link_id = 1;
  do
    caiman_random_fill (random, server->id.bytes, sizeof server->id.bytes);
  while (is_zero_id (&server->id));
  caiman_random_fill (random, server->hash_key, sizeof server->hash_key);
  caiman_handshakes_init (&server->handshakes);
  server->connections = g_hash_table_new (hash_key, keys_equal);
  server->pending = g_ptr_array_new ();
  server->gone = g_ptr_array_new_with_free_func ((GDestroyNotify)caiman_connection_free);
  return server;
}

void
caiman_server_enter (CaimanServer *server, gint64 now_ns)
{
  g_assert (now_ns >= server->now_ns);
  server->now_ns = now_ns;
  /* Not before all events that name them have been pulled. */
  if (g_queue_is_empty (&server->events))
    g_ptr_array_set_size (server->gone, 0);
}

static void
free_event (gpointer data)
{
  CaimanServerEvent *event = data;
  caiman_link_unref (event->link);
  g_free (event);
}

static void
free_waiting (gpointer data)
{
  Waiting *waiting = data;
  caiman_link_unref (waiting->link);
  g_free (waiting);
}

/* --- The links that are the server's --- */

/* The server holds @link (transfer full) from now on. */
static void
hold_link (CaimanServer *server, CaimanLink *link)
{
  link->server = server;
  link->handshake_deadline_ns =
      caiman_time_add (server->now_ns, server->config.handshake_timeout_ns);
  caiman_handshakes_add (&server->handshakes, link);
}

/* The reverse; the reference is the caller's then. */
static void
release_link (CaimanServer *server, CaimanLink *link)
{
  caiman_handshakes_remove (&server->handshakes, link);
  link->server = NULL;
}

void
caiman_server_link_ready (CaimanServer *server, CaimanLink *link)
{
  caiman_handshakes_set_ready (&server->handshakes, link, TRUE);
}

void
caiman_server_free (CaimanServer *server)
{
  if (server == NULL)
    return;
  g_queue_clear_full (&server->waiting, free_waiting);
  g_queue_clear (&server->noticed);
  CaimanLink *link;
  while ((link = caiman_handshakes_get_oldest (&server->handshakes)) != NULL) {
    link->state = CAIMAN_LINK_CLOSED;
    link->waiting = NULL;
    release_link (server, link);
    caiman_link_unref (link);
  }
  caiman_handshakes_clear (&server->handshakes);
  g_ptr_array_set_free_func (server->pending, (GDestroyNotify)caiman_connection_free);
  g_ptr_array_unref (server->pending);
  GHashTableIter iter;
  gpointer connection;
  g_hash_table_iter_init (&iter, server->connections);
  while (g_hash_table_iter_next (&iter, NULL, &connection))
    ((CaimanConnection *)connection)->server = NULL;
  g_hash_table_unref (server->connections);
  g_ptr_array_unref (server->gone);
  g_queue_clear_full (&server->events, free_event);
  caiman_link_unref (server->event_link);
  g_free (server);
}

void
caiman_server_set_listening (CaimanServer *server, gboolean listening, gint64 now_ns)
{
  caiman_server_enter (server, now_ns);
  server->listening = listening;
}

void
caiman_server_set_tracer (CaimanServer *server, const CaimanTracer *tracer)
{
  server->tracer = *tracer;
}

void
caiman_server_set_link_filter (CaimanServer *server, CaimanLinkFilter filter, gpointer user_data)
{
  server->filter = filter;
  server->filter_data = user_data;
}

void
caiman_server_trace (CaimanServer *server, CaimanTraceType type, const CaimanLink *link, guint64 a,
                     guint64 b, CaimanReason reason)
{
  if (server->tracer.func == NULL)
    return;
  CaimanTraceEvent event = {
    .time_ns = server->now_ns, .type = type, .link_id = link->id, .a = a, .b = b, .reason = reason
  };
  server->tracer.func (&event, server->tracer.user_data);
}

const CaimanConfig *
caiman_server_get_config (const CaimanServer *server)
{
  return &server->config;
}

const CaimanId *
caiman_server_get_id (const CaimanServer *server)
{
  return &server->id;
}

gsize
caiman_server_get_n_handshakes (const CaimanServer *server)
{
  return server->handshakes.links.length;
}

guint64
caiman_server_get_n_turned_away (const CaimanServer *server)
{
  return server->n_turned_away;
}

/* --- Events --- */

static void
push_event (CaimanServer *server, CaimanServerEventType type, CaimanConnection *connection,
            CaimanLink *link, CaimanReason reason, gboolean graceful)
{
  CaimanServerEvent *event = g_new0 (CaimanServerEvent, 1);
  *event = (CaimanServerEvent) { .type = type,
                                 .connection = connection,
                                 .link = link ? caiman_link_ref (link) : NULL,
                                 .reason = reason,
                                 .graceful = graceful };
  g_queue_push_tail (&server->events, event);
}

/* What happens to the links of pending connections is told by the server. */
static void
collect_events (CaimanServer *server, CaimanConnection *connection)
{
  CaimanEvent event;
  while (caiman_connection_next_event (connection, &event)) {
    if (event.type == CAIMAN_EVENT_LINK_CLOSE)
      push_event (server, CAIMAN_SERVER_EVENT_LINK_CLOSE, connection, event.link, event.reason,
                  event.graceful);
  }
}

void
caiman_server_notice_event (CaimanServer *server, CaimanConnection *connection)
{
  if (connection->events_noticed)
    return;
  connection->events_noticed = TRUE;
  g_queue_push_tail (&server->noticed, connection);
}

static void
stop_noticing (CaimanServer *server, CaimanConnection *connection)
{
  if (connection->events_noticed)
    g_queue_remove (&server->noticed, connection);
  connection->events_noticed = FALSE;
}

static void
collect_pending_events (CaimanServer *server)
{
  CaimanConnection *connection;
  while ((connection = g_queue_pop_head (&server->noticed)) != NULL) {
    connection->events_noticed = FALSE;
    collect_events (server, connection);
    if (connection->links->len > 0)
      continue;
    g_ptr_array_remove (server->pending, connection);
    caiman_server_forget (server, connection);
    g_ptr_array_add (server->gone, connection);
    push_event (server, CAIMAN_SERVER_EVENT_GONE, connection, NULL, CAIMAN_REASON_NONE, FALSE);
  }
}

/* @connection is about to be freed: of its events only those that close a transport still matter.
 */
static void
disown_events (CaimanServer *server, const CaimanConnection *connection)
{
  for (GList *l = server->events.head, *next; l; l = next) {
    CaimanServerEvent *event = l->data;
    next = l->next;
    if (event->connection != connection)
      continue;
    event->connection = NULL;
    if (event->type == CAIMAN_SERVER_EVENT_LINK_CLOSE)
      continue;
    g_queue_delete_link (&server->events, l);
    free_event (event);
  }
}

static void admit_waiting (CaimanServer *server);

gboolean
caiman_server_next_event (CaimanServer *server, CaimanServerEvent *event_out)
{
  if (g_queue_is_empty (&server->events)) {
    g_ptr_array_set_size (server->gone, 0);
    collect_pending_events (server);
    admit_waiting (server);
  }
  CaimanServerEvent *event = g_queue_pop_head (&server->events);
  if (event == NULL)
    return FALSE;
  caiman_link_unref (server->event_link);
  server->event_link = event->link;
  *event_out = *event;
  g_free (event);
  return TRUE;
}

static void
drop_waiting (CaimanServer *server, CaimanLink *link)
{
  if (link->waiting == NULL)
    return;
  free_waiting (link->waiting->data);
  g_queue_delete_link (&server->waiting, g_steal_pointer (&link->waiting));
}

static void
close_link (CaimanServer *server, CaimanLink *link, CaimanReason reason, gboolean graceful)
{
  drop_waiting (server, link);
  link->outbox = 0;
  caiman_link_set_state (link, CAIMAN_LINK_CLOSED, reason);
  push_event (server, CAIMAN_SERVER_EVENT_LINK_CLOSE, NULL, link, reason, graceful);
  release_link (server, link);
  caiman_link_unref (link); /* the event has one of its own */
}

/* When places run short, a handshake that takes its time makes room for one that may not: else a
 * few who open many and stay quiet would keep all others out. FALSE: there is none. */
static gboolean
make_room (CaimanServer *server)
{
  if (!caiman_handshakes_is_full (&server->handshakes, &server->config))
    return TRUE;
  CaimanLink *oldest = caiman_handshakes_get_oldest (&server->handshakes);
  gint64 begun_ns = oldest->handshake_deadline_ns - server->config.handshake_timeout_ns;
  if (oldest->waiting || server->now_ns < begun_ns + HANDSHAKE_GRACE_NS)
    return FALSE;
  close_link (server, oldest, CAIMAN_REASON_HANDSHAKE_TIMEOUT, FALSE);
  return TRUE;
}

CaimanLink *
caiman_server_add_link (CaimanServer *server, const CaimanLinkInfo *info, gint64 now_ns)
{
  caiman_server_enter (server, now_ns);
  const char *network = info->remote_network ? info->remote_network : info->remote;
  if (!caiman_handshakes_has_room_for (&server->handshakes, &server->config, network) ||
      !make_room (server)) {
    server->n_turned_away++;
    return NULL;
  }
  CaimanLink *link = caiman_link_new (info, server->next_link_id++, &server->config, now_ns);
  hold_link (server, link);
  caiman_handshake_start_server (link, &server->random);
  return caiman_link_ref (link);
}

void
caiman_server_link_failed (CaimanServer *server, CaimanLink *link, CaimanReason reason)
{
  close_link (server, link, reason, FALSE);
}

/* Refused goes out, then the link is closed (next_packet). */
static void
refuse_link (CaimanServer *server, CaimanLink *link, CaimanRefusedCode code, CaimanReason reason)
{
  link->refused_code = code;
  link->outbox |= CAIMAN_OUTBOX_REFUSED;
  link->close_when_flushed = TRUE;
  caiman_link_set_state (link, CAIMAN_LINK_CLOSING, reason);
  caiman_server_link_ready (server, link);
}

static void
join (CaimanServer *server, CaimanLink *link, CaimanConnection *connection,
      const CaimanMessage *connect)
{
  if (connection->links->len >= (guint)server->config.links_max ||
      !caiman_connection_lets_in (connection, link, server->now_ns)) {
    refuse_link (server, link, CAIMAN_REFUSED_LINK, CAIMAN_REASON_LINK_FILTERED);
    caiman_connection_probe_links (connection);
    push_event (server, CAIMAN_SERVER_EVENT_LINK_REFUSED, connection, link,
                CAIMAN_REASON_LINK_FILTERED, FALSE);
    return;
  }
  release_link (server, link);
  caiman_connection_adopt_link (connection, link);
  if (!connection->has_remote_server_id) {
    connection->has_remote_server_id = TRUE;
    connection->remote_server_id = connect->server_id;
    connection->remote_receive_buffer_bytes = connect->receive_buffer_bytes;
  }
  push_event (server, CAIMAN_SERVER_EVENT_LINK_JOINED, connection, link, CAIMAN_REASON_NONE, FALSE);
}

static gboolean
is_full (const CaimanServer *server)
{
  return server->pending->len >= (guint)server->config.pending_connections_max;
}

static void
open_connection (CaimanServer *server, CaimanLink *link, const CaimanId *id,
                 const CaimanMessage *connect)
{
  CaimanConnection *connection = caiman_connection_new_for_server (
      server, &server->config, &server->random, id, server->now_ns);
  caiman_connection_set_tracer (connection, &server->tracer);
  caiman_connection_set_link_filter (connection, server->filter, server->filter_data);
  connection->key = make_key (server, id);
  g_hash_table_insert (server->connections, &connection->key, connection);
  g_ptr_array_add (server->pending, connection);
  push_event (server, CAIMAN_SERVER_EVENT_INCOMING, connection, NULL, CAIMAN_REASON_NONE, FALSE);
  join (server, link, connection, connect);
}

/* Decides about a Connect; it may have waited. */
static void
decide (CaimanServer *server, CaimanLink *link, const CaimanId *id, const CaimanMessage *connect)
{
  CaimanIdKey key = make_key (server, id);
  CaimanConnection *connection = g_hash_table_lookup (server->connections, &key);
  if (connection) {
    join (server, link, connection, connect);
  } else if (connect->existing) {
    refuse_link (server, link, CAIMAN_REFUSED_CLOSED, CAIMAN_REASON_CLOSED);
  } else if (!server->listening) {
    refuse_link (server, link, CAIMAN_REFUSED_NOT_LISTENING, CAIMAN_REASON_NOT_LISTENING);
  } else if (is_full (server)) {
    Waiting *waiting = g_new0 (Waiting, 1);
    *waiting = (Waiting) { .link = caiman_link_ref (link), .id = *id, .connect = *connect };
    g_queue_push_tail (&server->waiting, waiting);
    link->waiting = server->waiting.tail;
  } else {
    open_connection (server, link, id, connect);
  }
}

static void
admit_waiting (CaimanServer *server)
{
  while (!g_queue_is_empty (&server->waiting) && !is_full (server)) {
    Waiting *waiting = g_queue_pop_head (&server->waiting);
    waiting->link->waiting = NULL;
    decide (server, waiting->link, &waiting->id, &waiting->connect);
    free_waiting (waiting);
  }
}

void
caiman_server_receive (CaimanServer *server, CaimanLink *link, const CaimanMessage *message,
                       gint64 now_ns)
{
  caiman_server_enter (server, now_ns);
  caiman_server_trace (server, CAIMAN_TRACE_CONTROL_RECEIVED, link, message->type, 0,
                       CAIMAN_REASON_NONE);
  if (link->state == CAIMAN_LINK_CLOSING)
    return; /* refused, its end is on the way */
  CaimanId id;
  if (message->type != CAIMAN_MESSAGE_CONNECT || link->handshake_sent_ns < 0 || link->waiting ||
      !caiman_handshake_reveal_id (link, message, &id)) {
    close_link (server, link, CAIMAN_REASON_LINK_BAD_MESSAGE, FALSE);
    return;
  }
  decide (server, link, &id, message);
}

/* --- Pull and time --- */

gboolean
caiman_server_next_packet (CaimanServer *server, CaimanPacket *packet_out, gint64 now_ns)
{
  caiman_server_enter (server, now_ns);
  CaimanLink *link;
  while ((link = caiman_handshakes_get_ready (&server->handshakes)) != NULL) {
    if (link->writable && caiman_link_next_control (link, packet_out, now_ns))
      return TRUE;
    caiman_handshakes_set_ready (&server->handshakes, link, FALSE);
    if (link->close_when_flushed && link->outbox == 0)
      close_link (server, link, link->reason, TRUE);
  }
  return FALSE;
}

gint64
caiman_server_get_deadline (const CaimanServer *server)
{
  const CaimanLink *oldest = caiman_handshakes_get_oldest (&server->handshakes);
  return oldest ? oldest->handshake_deadline_ns : CAIMAN_TIME_NEVER;
}

void
caiman_server_advance (CaimanServer *server, gint64 now_ns)
{
  caiman_server_enter (server, now_ns);
  while (caiman_server_get_deadline (server) <= now_ns)
    close_link (server, caiman_handshakes_get_oldest (&server->handshakes),
                CAIMAN_REASON_HANDSHAKE_TIMEOUT, FALSE);
}

/* --- New connections --- */

gsize
caiman_server_get_n_pending (const CaimanServer *server)
{
  return server->pending->len;
}

CaimanConnection *
caiman_server_get_pending (CaimanServer *server, gsize index)
{
  g_return_val_if_fail (index < server->pending->len, NULL);
  return g_ptr_array_index (server->pending, index);
}

CaimanConnection *
caiman_server_accept (CaimanServer *server, CaimanConnection *pending, gint64 now_ns)
{
  caiman_server_enter (server, now_ns);
  gboolean found = g_ptr_array_remove (server->pending, pending);
  g_return_val_if_fail (found, NULL);
  stop_noticing (server, pending);
  caiman_connection_accept (pending, now_ns);
  admit_waiting (server);
  return pending;
}

void
caiman_server_refuse (CaimanServer *server, CaimanConnection *pending, gint64 now_ns)
{
  caiman_server_enter (server, now_ns);
  gboolean found = g_ptr_array_remove (server->pending, pending);
  g_return_if_fail (found);
  /* The links come back to the server, which sends Refused and closes them. */
  for (guint i = 0; i < pending->links->len; i++) {
    CaimanLink *link = g_ptr_array_index (pending->links, i);
    link->connection = NULL;
    hold_link (server, caiman_link_ref (link));
    /* One that takes nothing is not kept: these are beyond the limits of handshakes. */
    if (link->writable)
      refuse_link (server, link, CAIMAN_REFUSED_CONNECTION, CAIMAN_REASON_REFUSED);
    else
      close_link (server, link, CAIMAN_REASON_REFUSED, FALSE);
  }
  g_ptr_array_set_size (pending->links, 0);
  stop_noticing (server, pending);
  collect_events (server, pending);
  disown_events (server, pending);
  caiman_server_forget (server, pending);
  caiman_connection_free (pending);
  admit_waiting (server);
}

void
caiman_server_forget (CaimanServer *server, CaimanConnection *connection)
{
  g_hash_table_remove (server->connections, &connection->key);
  connection->server = NULL;
}
