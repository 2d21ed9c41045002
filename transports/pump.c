/* SPDX-License-Identifier: Apache-2.0 */
/* pump.c - carries packets and events between endpoints and transports.
 *
 * What transports report goes into the core at once and marks its endpoint as busy; what follows
 * from it (packets, events, connector actions) is pulled in caiman_pump_run(), for busy endpoints
 * only, and the deadlines of endpoints are in a heap, so that a server with many quiet connections
 * costs nothing per packet. */
#include "transports/pump.h"

#include "transports/pump-carrier.h"
#include "transports/timer-queue.h"

/* What packets and events are pulled from: a connection, or the server. */
typedef struct {
  CaimanPump *pump;
  CaimanConnection *connection; /* NULL: the server */
  gboolean owned;               /* @connection is freed with the endpoint */
  GList node;                   /* in CaimanPump.accepted */
  GList busy_node;              /* in CaimanPump.busy while its data is set: has to be looked at */
  GQueue carriers;              /* of Carrier */
  gint64 deadline_ns;           /* when it was last looked at */
  CaimanTimer timer;            /* in CaimanPump.deadlines, for @deadline_ns or earlier */
} Endpoint;

/* A transport and what it serves. */
typedef struct {
  CaimanPumpCarrier base;
  GList node; /* in Endpoint.carriers */
  CaimanPump *pump;
  Endpoint *endpoint; /* the server's while its connection is pending */
  guint32 attempt_id; /* while it is connecting */
} Carrier;

struct _CaimanPump {
  CaimanPumpLoop loop;
  CaimanPumpHandler handler;
  gpointer user_data;
  CaimanConnector *connector;  /* client only */
  CaimanServer *server;        /* server only */
  Endpoint *main;              /* of the client's connection or of the server */
  GQueue accepted;             /* of Endpoint (owned): the server's connections */
  GHashTable *by_connection;   /* the same: CaimanConnection to Endpoint (borrowed) */
  GQueue busy;                 /* of Endpoint (borrowed) */
  CaimanTimerQueue *deadlines; /* of endpoints */
  gint64 armed_ns;             /* deadline of the loop's timer */
  gboolean running, woken;
};

static void transport_connected (gpointer user_data);
static void transport_packet (gpointer user_data, const guint8 *data, gsize size, GBytes *bytes);
static void transport_writable (gpointer user_data);
static void transport_failed (gpointer user_data, CaimanReason reason);

static const CaimanTransportEvents transport_events = {
  .connected = transport_connected,
  .packet = transport_packet,
  .writable = transport_writable,
  .failed = transport_failed,
};

static gint64
get_time (CaimanPump *pump)
{
  return pump->loop.now (pump->loop.user_data);
}

/* --- Endpoints --- */

static void
mark_busy (CaimanPump *pump, Endpoint *endpoint)
{
  if (!endpoint->busy_node.data) {
    endpoint->busy_node.data = endpoint;
    g_queue_push_tail_link (&pump->busy, &endpoint->busy_node);
  }
  if (!pump->running && !pump->woken) {
    pump->woken = TRUE;
    pump->loop.wake (pump->loop.user_data);
  }
}

/* Deadlines mostly move away: the timer is left where it is until it fires. */
static void
arm_endpoint (Endpoint *endpoint)
{
  CaimanTimerQueue *deadlines = endpoint->pump->deadlines;
  gint64 deadline_ns = endpoint->deadline_ns;
  if (caiman_timer_is_armed (&endpoint->timer) && deadline_ns != CAIMAN_TIME_NEVER &&
      caiman_timer_queue_get_timer_at (deadlines, &endpoint->timer) <= deadline_ns)
    return;
  deadline_ns = MAX (deadline_ns, caiman_timer_queue_now (deadlines));
  caiman_timer_queue_arm (deadlines, &endpoint->timer, deadline_ns);
}

static void
endpoint_timer_fired (gpointer user_data)
{
  Endpoint *endpoint = user_data;
  if (endpoint->deadline_ns <= caiman_timer_queue_now (endpoint->pump->deadlines))
    mark_busy (endpoint->pump, endpoint);
  else
    arm_endpoint (endpoint);
}

static Endpoint *
endpoint_new (CaimanPump *pump, CaimanConnection *connection, gboolean owned)
{
  Endpoint *endpoint = g_new0 (Endpoint, 1);
  endpoint->pump = pump;
  endpoint->connection = connection;
  endpoint->owned = owned;
  endpoint->node.data = endpoint;
  g_queue_init (&endpoint->carriers);
  endpoint->deadline_ns = CAIMAN_TIME_NEVER;
  caiman_timer_init (&endpoint->timer, endpoint_timer_fired, endpoint);
  return endpoint;
}

static void
endpoint_free (Endpoint *endpoint)
{
  CaimanPump *pump = endpoint->pump;
  g_assert (endpoint->carriers.length == 0);
  if (endpoint->busy_node.data)
    g_queue_unlink (&pump->busy, &endpoint->busy_node);
  caiman_timer_queue_disarm (pump->deadlines, &endpoint->timer);
  if (endpoint->owned)
    caiman_connection_free (endpoint->connection);
  g_free (endpoint);
}

/* Of an accepted connection, or NULL. */
static Endpoint *
find_accepted (CaimanPump *pump, const CaimanConnection *connection)
{
  return g_hash_table_lookup (pump->by_connection, connection);
}

/* --- Carriers --- */

static Carrier *
carrier_new (CaimanPump *pump, CaimanTransport *transport)
{
  Carrier *carrier = g_new0 (Carrier, 1);
  caiman_pump_carrier_init (&carrier->base, transport);
  carrier->node.data = carrier;
  carrier->pump = pump;
  carrier->endpoint = pump->main;
  transport->events = &transport_events;
  transport->user_data = carrier;
  g_queue_push_tail_link (&carrier->endpoint->carriers, &carrier->node);
  return carrier;
}

static void
carrier_free (Carrier *carrier)
{
  g_queue_unlink (&carrier->endpoint->carriers, &carrier->node);
  caiman_pump_carrier_clear (&carrier->base);
  g_free (carrier);
}

static void
free_carriers (Endpoint *endpoint)
{
  while (endpoint->carriers.head)
    carrier_free (endpoint->carriers.head->data);
}

static void
carrier_set_endpoint (Carrier *carrier, Endpoint *endpoint)
{
  g_queue_unlink (&carrier->endpoint->carriers, &carrier->node);
  carrier->endpoint = endpoint;
  g_queue_push_tail_link (&endpoint->carriers, &carrier->node);
}

static void
close_link (CaimanLink *link, gboolean graceful)
{
  Carrier *carrier = caiman_link_get_transport_data (link);
  if (!carrier)
    return; /* its transport has failed before */
  CaimanTransport *transport = carrier->base.transport;
  if (graceful)
    transport->klass->close (transport);
  else
    transport->klass->abort (transport);
  carrier_free (carrier);
}

/* --- What transports report --- */

static void
transport_connected (gpointer user_data)
{
  Carrier *carrier = user_data;
  CaimanPump *pump = carrier->pump;
  gint64 now_ns = get_time (pump);
  CaimanLink *link =
      caiman_connector_attempt_connected (pump->connector, carrier->attempt_id, now_ns);
  if (link)
    caiman_pump_carrier_set_link (&carrier->base, link, now_ns);
  else
    carrier_free (carrier);
  mark_busy (pump, pump->main);
}

static void
transport_packet (gpointer user_data, const guint8 *data, gsize size, GBytes *bytes)
{
  Carrier *carrier = user_data;
  caiman_link_received (carrier->base.link, data, size, bytes, get_time (carrier->pump));
  caiman_pump_carrier_received (&carrier->base);
  mark_busy (carrier->pump, carrier->endpoint);
}

static void
transport_writable (gpointer user_data)
{
  Carrier *carrier = user_data;
  if (!carrier->base.link)
    return;
  caiman_link_set_writable (carrier->base.link, TRUE, get_time (carrier->pump));
  mark_busy (carrier->pump, carrier->endpoint);
}

static void
transport_failed (gpointer user_data, CaimanReason reason)
{
  Carrier *carrier = user_data;
  CaimanPump *pump = carrier->pump;
  Endpoint *endpoint = carrier->endpoint;
  gint64 now_ns = get_time (pump);
  if (carrier->base.link)
    caiman_link_failed (carrier->base.link, reason, now_ns);
  else
    caiman_connector_attempt_failed (pump->connector, carrier->attempt_id, reason, now_ns);
  carrier_free (carrier);
  mark_busy (pump, endpoint);
}

/* --- Pulling --- */

static void
handle_connection_event (CaimanPump *pump, Endpoint *endpoint, const CaimanEvent *event,
                         gint64 now_ns)
{
  g_autoptr (CaimanLink) link = event->link ? caiman_link_ref (event->link) : NULL;
  if (event->type == CAIMAN_EVENT_LINK_CLOSE)
    close_link (link, event->graceful);
  if (pump->connector)
    caiman_connector_link_event (pump->connector, event, now_ns);
  if (pump->handler.event)
    pump->handler.event (pump->user_data, endpoint->connection, event);
}

static void
open_transport (CaimanPump *pump, const CaimanConnectorAction *action, gint64 now_ns)
{
  CaimanReason reason = CAIMAN_REASON_CONNECT_REFUSED;
  CaimanTransport *transport =
      pump->handler.open ? pump->handler.open (pump->user_data, action->path_id, &reason) : NULL;
  if (transport)
    carrier_new (pump, transport)->attempt_id = action->attempt_id;
  else
    caiman_connector_attempt_failed (pump->connector, action->attempt_id, reason, now_ns);
}

static void
cancel_transport (CaimanPump *pump, guint32 attempt_id)
{
  for (GList *node = pump->main->carriers.head; node; node = node->next) {
    Carrier *carrier = node->data;
    if (!carrier->base.link && carrier->attempt_id == attempt_id) {
      carrier_free (carrier);
      return;
    }
  }
}

static gboolean
run_connector (CaimanPump *pump, gint64 now_ns)
{
  gboolean worked = FALSE;
  if (caiman_connector_get_deadline (pump->connector) <= now_ns)
    caiman_connector_advance (pump->connector, now_ns);
  for (CaimanConnectorAction action; caiman_connector_next_action (pump->connector, &action);) {
    if (action.type == CAIMAN_CONNECTOR_OPEN)
      open_transport (pump, &action, now_ns);
    else
      cancel_transport (pump, action.attempt_id);
    worked = TRUE;
  }
  return worked;
}

static void
run_connection (CaimanPump *pump, Endpoint *endpoint, gint64 now_ns)
{
  CaimanConnection *connection = endpoint->connection;
  /* The deadline of the last pass: what came in since has its own in the future, or gets it below
   * and another pass. */
  if (endpoint->deadline_ns <= now_ns) {
    /* Before anything is judged to be late: what transports know may be the reason. */
    caiman_pump_carriers_take_hints (connection, now_ns);
    caiman_connection_advance (connection, now_ns);
  }
  caiman_pump_carriers_update (connection, now_ns);
  gboolean worked = TRUE;
  while (worked) {
    worked = FALSE;
    for (CaimanPacket packet; caiman_connection_next_packet (connection, &packet, now_ns);)
      caiman_pump_carrier_send (&packet, now_ns);
    for (CaimanEvent event; caiman_connection_next_event (connection, &event);) {
      handle_connection_event (pump, endpoint, &event, now_ns);
      worked = TRUE;
    }
    if (pump->connector)
      worked |= run_connector (pump, now_ns);
  }
  caiman_pump_carriers_update (connection, now_ns);
  endpoint->deadline_ns = caiman_connection_get_deadline (connection);
  if (pump->connector)
    endpoint->deadline_ns =
        MIN (endpoint->deadline_ns, caiman_connector_get_deadline (pump->connector));
}

/* The packets of @link come out of @connection from now on, once that is accepted. */
static void
link_joined (CaimanPump *pump, CaimanLink *link, const CaimanConnection *connection)
{
  Carrier *carrier = caiman_link_get_transport_data (link);
  Endpoint *endpoint = find_accepted (pump, connection);
  if (!carrier || !endpoint)
    return;
  carrier_set_endpoint (carrier, endpoint);
  mark_busy (pump, endpoint);
}

static void
handle_server_event (CaimanPump *pump, const CaimanServerEvent *event)
{
  switch (event->type) {
  case CAIMAN_SERVER_EVENT_INCOMING:
    if (pump->handler.incoming)
      pump->handler.incoming (pump->user_data, event->connection);
    break;
  case CAIMAN_SERVER_EVENT_GONE:
    if (pump->handler.gone)
      pump->handler.gone (pump->user_data, event->connection);
    break;
  case CAIMAN_SERVER_EVENT_LINK_JOINED:
    link_joined (pump, event->link, event->connection);
    break;
  case CAIMAN_SERVER_EVENT_LINK_REFUSED:
    caiman_pump_touch_connection (pump, event->connection);
    break;
  case CAIMAN_SERVER_EVENT_LINK_CLOSE:
    close_link (event->link, event->graceful);
    break;
  }
}

static void
run_server (CaimanPump *pump, gint64 now_ns)
{
  if (caiman_server_get_deadline (pump->server) <= now_ns)
    caiman_server_advance (pump->server, now_ns);
  gboolean worked = TRUE;
  while (worked) {
    worked = FALSE;
    for (CaimanPacket packet; caiman_server_next_packet (pump->server, &packet, now_ns);)
      caiman_pump_carrier_send (&packet, now_ns);
    for (CaimanServerEvent event; caiman_server_next_event (pump->server, &event);) {
      handle_server_event (pump, &event);
      worked = TRUE;
    }
  }
  pump->main->deadline_ns = caiman_server_get_deadline (pump->server);
}

static void
run_endpoint (CaimanPump *pump, Endpoint *endpoint, gint64 now_ns)
{
  if (endpoint->connection)
    run_connection (pump, endpoint, now_ns);
  else
    run_server (pump, now_ns);
  arm_endpoint (endpoint);
}

/* --- Running --- */

/* A timer that is armed too early fires once for nothing, which is cheaper than to arm it anew with
 * each packet, as deadlines mostly move away. */
static void
arm_timer (CaimanPump *pump, gint64 now_ns)
{
  gint64 deadline_ns = caiman_timer_queue_get_next (pump->deadlines);
  gboolean fired = pump->armed_ns <= now_ns;
  if (!fired && pump->armed_ns <= deadline_ns && deadline_ns != CAIMAN_TIME_NEVER)
    return;
  if (deadline_ns != pump->armed_ns)
    pump->loop.arm (pump->loop.user_data, deadline_ns);
  pump->armed_ns = deadline_ns;
}

void
caiman_pump_run (CaimanPump *pump)
{
  if (pump->running)
    return; /* a handler runs the event loop */
  pump->running = TRUE;
  pump->woken = FALSE;
  gint64 now_ns = get_time (pump);
  caiman_timer_queue_run_until (pump->deadlines, now_ns);
  while (pump->busy.head) {
    Endpoint *endpoint = g_queue_pop_head_link (&pump->busy)->data;
    endpoint->busy_node.data = NULL;
    run_endpoint (pump, endpoint, now_ns);
  }
  arm_timer (pump, now_ns);
  pump->running = FALSE;
}

void
caiman_pump_touch (CaimanPump *pump)
{
  mark_busy (pump, pump->main);
  for (GList *node = pump->accepted.head; node; node = node->next)
    mark_busy (pump, node->data);
}

void
caiman_pump_touch_connection (CaimanPump *pump, CaimanConnection *connection)
{
  Endpoint *endpoint =
      connection == pump->main->connection ? pump->main : find_accepted (pump, connection);
  if (endpoint)
    mark_busy (pump, endpoint);
}

/* --- Life --- */

static CaimanPump *
pump_new (const CaimanPumpLoop *loop, const CaimanPumpHandler *handler, gpointer user_data)
{
  CaimanPump *pump = g_new0 (CaimanPump, 1);
  pump->loop = *loop;
  pump->handler = *handler;
  pump->user_data = user_data;
  g_queue_init (&pump->accepted);
  g_queue_init (&pump->busy);
  pump->by_connection = g_hash_table_new (NULL, NULL);
  pump->deadlines = caiman_timer_queue_new ();
  pump->armed_ns = CAIMAN_TIME_NEVER;
  return pump;
}

CaimanPump *
caiman_pump_new_client (const CaimanConfig *config, const CaimanRandom *random,
                        const CaimanPumpLoop *loop, const CaimanPumpHandler *handler,
                        gpointer user_data)
{
  CaimanPump *pump = pump_new (loop, handler, user_data);
  gint64 now_ns = get_time (pump);
  CaimanConnection *connection = caiman_connection_new (config, random, now_ns);
  pump->main = endpoint_new (pump, connection, TRUE);
  pump->connector = caiman_connector_new (connection, now_ns);
  mark_busy (pump, pump->main);
  return pump;
}

CaimanPump *
caiman_pump_new_server (const CaimanConfig *config, const CaimanRandom *random,
                        const CaimanPumpLoop *loop, const CaimanPumpHandler *handler,
                        gpointer user_data)
{
  CaimanPump *pump = pump_new (loop, handler, user_data);
  pump->server = caiman_server_new (config, random, get_time (pump));
  pump->main = endpoint_new (pump, NULL, FALSE);
  mark_busy (pump, pump->main);
  return pump;
}

static void
drop_accepted (CaimanPump *pump, Endpoint *endpoint)
{
  free_carriers (endpoint);
  g_queue_unlink (&pump->accepted, &endpoint->node);
  g_hash_table_remove (pump->by_connection, endpoint->connection);
  endpoint_free (endpoint);
}

void
caiman_pump_free (CaimanPump *pump)
{
  if (!pump)
    return;
  g_assert (!pump->running);
  free_carriers (pump->main);
  caiman_connector_free (pump->connector);
  while (pump->accepted.head)
    drop_accepted (pump, pump->accepted.head->data);
  caiman_server_free (pump->server);
  endpoint_free (pump->main);
  g_hash_table_unref (pump->by_connection);
  caiman_timer_queue_free (pump->deadlines);
  if (pump->armed_ns != CAIMAN_TIME_NEVER)
    pump->loop.arm (pump->loop.user_data, CAIMAN_TIME_NEVER);
  g_free (pump);
}

CaimanConnection *
caiman_pump_get_connection (CaimanPump *pump)
{
  g_assert (pump->connector);
  return pump->main->connection;
}

CaimanConnector *
caiman_pump_get_connector (CaimanPump *pump)
{
  g_assert (pump->connector);
  return pump->connector;
}

CaimanServer *
caiman_pump_get_server (CaimanPump *pump)
{
  g_assert (pump->server);
  return pump->server;
}

CaimanConnection *
caiman_pump_accept (CaimanPump *pump, CaimanConnection *pending)
{
  CaimanConnection *connection = caiman_server_accept (pump->server, pending, get_time (pump));
  Endpoint *endpoint = endpoint_new (pump, connection, TRUE);
  g_queue_push_tail_link (&pump->accepted, &endpoint->node);
  g_hash_table_insert (pump->by_connection, connection, endpoint);
  gsize n_links;
  CaimanLink *const *links = caiman_connection_get_links (connection, &n_links);
  for (gsize i = 0; i < n_links; i++) {
    Carrier *carrier = caiman_link_get_transport_data (links[i]);
    if (carrier)
      carrier_set_endpoint (carrier, endpoint);
  }
  mark_busy (pump, endpoint);
  mark_busy (pump, pump->main);
  return connection;
}

static guint
fail_links (Endpoint *endpoint, gboolean (*matches) (const CaimanLink *link, gpointer user_data),
            CaimanReason reason, gpointer user_data)
{
  guint n_failed = 0;
  for (GList *node = endpoint->carriers.head; node;) {
    Carrier *carrier = node->data;
    node = node->next;
    if (!carrier->base.link || !matches (carrier->base.link, user_data))
      continue;
    caiman_link_failed (carrier->base.link, reason, get_time (endpoint->pump));
    carrier_free (carrier);
    mark_busy (endpoint->pump, endpoint);
    n_failed++;
  }
  return n_failed;
}

guint
caiman_pump_fail_links (CaimanPump *pump,
                        gboolean (*matches) (const CaimanLink *link, gpointer user_data),
                        CaimanReason reason, gpointer user_data)
{
  guint n_failed = fail_links (pump->main, matches, reason, user_data);
  for (GList *node = pump->accepted.head; node; node = node->next)
    n_failed += fail_links (node->data, matches, reason, user_data);
  return n_failed;
}

gpointer
caiman_pump_get_loop_data (CaimanPump *pump)
{
  return pump->loop.user_data;
}

void
caiman_pump_refuse (CaimanPump *pump, CaimanConnection *pending)
{
  caiman_server_refuse (pump->server, pending, get_time (pump));
  mark_busy (pump, pump->main);
}

void
caiman_pump_drop (CaimanPump *pump, CaimanConnection *connection)
{
  g_assert (pump->server && !pump->running);
  Endpoint *endpoint = find_accepted (pump, connection);
  g_assert (endpoint);
  drop_accepted (pump, endpoint);
  mark_busy (pump, pump->main); /* the server forgets the connection's id */
}

CaimanLink *
caiman_pump_add_transport (CaimanPump *pump, CaimanTransport *transport, const CaimanLinkInfo *info)
{
  gint64 now_ns = get_time (pump);
  CaimanLink *link = pump->server
                         ? caiman_server_add_link (pump->server, info, now_ns)
                         : caiman_connection_add_link (pump->main->connection, info, now_ns);
  Carrier *carrier = carrier_new (pump, transport);
  if (link)
    caiman_pump_carrier_set_link (&carrier->base, link, now_ns);
  else
    carrier_free (carrier);
  mark_busy (pump, pump->main);
  return link;
}
