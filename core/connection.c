/* SPDX-License-Identifier: Apache-2.0 */
/* connection.c - life cycle of a connection: links, states, events, the ways to end. */
#include "core/connection-private.h"

#include "core/scheduler.h"
#include "core/state-names.h"

#include <string.h>

const char *
caiman_trace_type_to_string (CaimanTraceType type)
{
  static const char *const names[CAIMAN_N_TRACE_TYPES] = {
    [CAIMAN_TRACE_CONNECTION_STATE] = "connection-state",
    [CAIMAN_TRACE_LINK_STATE] = "link-state",
    [CAIMAN_TRACE_LINK_BLOCKED] = "link-blocked",
    [CAIMAN_TRACE_LINK_SUSPECTED] = "link-suspected",
    [CAIMAN_TRACE_LINK_WINDOW] = "link-window",
    [CAIMAN_TRACE_LINK_RTT] = "link-rtt",
    [CAIMAN_TRACE_CONTROL_SENT] = "control-sent",
    [CAIMAN_TRACE_CONTROL_RECEIVED] = "control-received",
    [CAIMAN_TRACE_DATA_SENT] = "data-sent",
    [CAIMAN_TRACE_DATA_RESENT] = "data-resent",
    [CAIMAN_TRACE_DATA_DUPLICATED] = "data-duplicated",
    [CAIMAN_TRACE_DATA_ACKED] = "data-acked",
    [CAIMAN_TRACE_DATA_RECEIVED] = "data-received",
    [CAIMAN_TRACE_DUPLICATE_RECEIVED] = "duplicate-received",
    [CAIMAN_TRACE_DATA_DELIVERED] = "data-delivered",
    [CAIMAN_TRACE_DATA_CONSUMED] = "data-consumed",
    [CAIMAN_TRACE_ACK_SENT] = "ack-sent",
  };
  return (guint)type < CAIMAN_N_TRACE_TYPES ? names[type] : "unknown";
}

const char *
caiman_resend_cause_to_string (CaimanResendCause cause)
{
  static const char *const names[CAIMAN_N_RESENDS] = {
    [CAIMAN_RESEND_NONE] = "none",
    [CAIMAN_RESEND_GONE] = "gone",
    [CAIMAN_RESEND_NOT_WORKING] = "not-working",
    [CAIMAN_RESEND_SUSPECTED] = "suspected",
    [CAIMAN_RESEND_LATE] = "late",
    [CAIMAN_RESEND_REDUNDANT] = "redundant",
  };
  return (guint)cause < CAIMAN_N_RESENDS ? names[cause] : "unknown";
}

void
caiman_connection_trace (CaimanConnection *connection, CaimanTraceType type, const CaimanLink *link,
                         guint64 a, guint64 b, CaimanReason reason)
{
  if (connection->tracer.func == NULL)
    return;
  CaimanTraceEvent event = { .time_ns = connection->now_ns,
                             .type = type,
                             .link_id = link ? link->id : 0,
                             .a = a,
                             .b = b,
                             .reason = reason };
  connection->tracer.func (&event, connection->tracer.user_data);
}

void
caiman_connection_trace_data (CaimanConnection *connection, CaimanTraceType type,
                              const CaimanLink *link, const CaimanOutMessage *message,
                              CaimanResendCause cause, guint32 from_link_id)
{
  if (connection->tracer.func == NULL)
    return;
  CaimanTraceEvent event = { .time_ns = connection->now_ns,
                             .type = type,
                             .link_id = link->id,
                             .a = message->seq,
                             .b = message->size_bytes,
                             .resend_cause = cause,
                             .from_link_id = from_link_id };
  connection->tracer.func (&event, connection->tracer.user_data);
}

void
caiman_connection_enter (CaimanConnection *connection, gint64 now_ns)
{
  g_assert (now_ns >= connection->now_ns);
  connection->now_ns = now_ns;
}

/* --- Making and freeing --- */

static CaimanConnection *
new_connection (const CaimanConfig *config, const CaimanRandom *random, gint64 now_ns)
{
  CaimanConnection *connection = g_new0 (CaimanConnection, 1);
  connection->config = *config;
  connection->random = *random;
  connection->now_ns = now_ns;
  connection->links = g_ptr_array_new_with_free_func ((GDestroyNotify)caiman_link_unref);
  connection->next_link_id = 1;
  connection->scheduler = caiman_scheduler_get ((CaimanPolicy)config->policy);
  connection->reorder = caiman_reorder_new ((guint64)config->receive_buffer_bytes);
  connection->readable = caiman_readable_new ();
  connection->no_link_since_ns = now_ns;
  connection->termination_deadline_ns = CAIMAN_TIME_NEVER;
  connection->shortage_since_ns = CAIMAN_TIME_NEVER;
  connection->cost_allowed = G_MININT64;
  caiman_send_queue_init (&connection->queue, 0);
  caiman_meter_init (&connection->sent_meter, now_ns);
  caiman_meter_init (&connection->received_meter, now_ns);
  return connection;
}

CaimanConnection *
caiman_connection_new (const CaimanConfig *config, const CaimanRandom *random, gint64 now_ns)
{
  g_return_val_if_fail (caiman_config_validate (config, NULL), NULL);
  CaimanConnection *connection = new_connection (config, random, now_ns);
  connection->is_client = TRUE;
  caiman_random_fill (random, connection->id.bytes, sizeof connection->id.bytes);
  return connection;
}

CaimanConnection *
caiman_connection_new_for_server (CaimanServer *server, const CaimanConfig *config,
                                  const CaimanRandom *random, const CaimanId *id, gint64 now_ns)
{
  CaimanConnection *connection = new_connection (config, random, now_ns);
  connection->server = server;
  connection->id = *id;
  return connection;
}

static void
free_chunk (gpointer data)
{
  CaimanChunk *chunk = data;
  g_clear_pointer (&chunk->bytes, g_bytes_unref);
  g_clear_pointer (&chunk->joined, g_byte_array_unref);
  g_free (chunk);
}

static void
free_event (gpointer data)
{
  CaimanEvent *event = data;
  caiman_link_unref (event->link);
  g_free (event);
}

void
caiman_connection_free (CaimanConnection *connection)
{
  if (connection == NULL)
    return;
  if (connection->server)
    caiman_server_forget (connection->server, connection);
  for (guint i = 0; i < connection->links->len; i++) {
    CaimanLink *link = g_ptr_array_index (connection->links, i);
    link->connection = NULL;
    link->state = CAIMAN_LINK_CLOSED;
    link->reason = CAIMAN_REASON_CONNECTION_ENDED;
  }
  g_ptr_array_unref (connection->links);
  g_queue_clear_full (&connection->events, free_event);
  caiman_link_unref (connection->event_link);
  g_queue_clear_full (&connection->unsent, free_chunk);
  caiman_readable_free (connection->readable);
  caiman_send_queue_clear (&connection->queue);
  caiman_reorder_free (connection->reorder);
  g_free (connection);
}

void
caiman_connection_set_tracer (CaimanConnection *connection, const CaimanTracer *tracer)
{
  connection->tracer = *tracer;
}

void
caiman_connection_set_link_filter (CaimanConnection *connection, CaimanLinkFilter filter,
                                   gpointer user_data)
{
  connection->filter = filter;
  connection->filter_data = user_data;
}

/* --- Links --- */

CaimanLink *
caiman_connection_add_link (CaimanConnection *connection, const CaimanLinkInfo *info, gint64 now_ns)
{
  g_return_val_if_fail (connection->is_client, NULL);
  caiman_connection_enter (connection, now_ns);
  if (connection->state == CAIMAN_CONNECTION_ENDED ||
      connection->state == CAIMAN_CONNECTION_TERMINATING)
    return NULL;
  CaimanLink *link =
      caiman_link_new (info, connection->next_link_id++, &connection->config, now_ns);
  link->connection = connection;
  g_ptr_array_add (connection->links, link);
  caiman_handshake_start_client (link, &connection->random);
  return caiman_link_ref (link);
}

/* Server: Connect has named this connection. */
gboolean
caiman_connection_lets_in (CaimanConnection *connection, const CaimanLink *link, gint64 now_ns)
{
  caiman_connection_enter (connection, now_ns);
  return connection->filter == NULL ||
         connection->filter (link, (CaimanLink *const *)connection->links->pdata,
                             connection->links->len, connection->filter_data);
}

void
caiman_connection_probe_links (CaimanConnection *connection)
{
  for (guint i = 0; i < connection->links->len; i++) {
    CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (caiman_link_is_up (link) && !link->testing && link->ping_sent_ns == CAIMAN_TIME_NEVER)
      link->outbox |= CAIMAN_OUTBOX_PING;
  }
}

void
caiman_connection_adopt_link (CaimanConnection *connection, CaimanLink *link)
{
  gint64 now_ns = connection->now_ns;
  link->connection = connection;
  link->state_since_ns = link->last_received_ns = now_ns;
  link->handshake_deadline_ns = CAIMAN_TIME_NEVER;
  g_ptr_array_add (connection->links, link);
  caiman_rtt_add (&link->rtt, now_ns - link->handshake_sent_ns, now_ns);
  caiman_connection_trace (connection, CAIMAN_TRACE_LINK_RTT, link, (guint64)link->rtt.latest_ns,
                           (guint64)link->rtt.srtt_ns, CAIMAN_REASON_NONE);
  if (connection->state != CAIMAN_CONNECTION_CONNECTING) {
    link->outbox |= CAIMAN_OUTBOX_ACCEPTED;
    caiman_link_set_established (link);
  }
}

CaimanLink *const *
caiman_connection_get_links (const CaimanConnection *connection, gsize *n_out)
{
  *n_out = connection->links->len;
  return (CaimanLink *const *)connection->links->pdata;
}

void
caiman_connection_check_links (CaimanConnection *connection)
{
  gboolean working = FALSE;
  for (guint i = 0; i < connection->links->len; i++) {
    const CaimanLink *link = g_ptr_array_index (connection->links, i);
    working |= link->state == CAIMAN_LINK_WORKING;
  }
  if (working)
    connection->no_link_since_ns = CAIMAN_TIME_NEVER;
  else if (connection->no_link_since_ns == CAIMAN_TIME_NEVER)
    connection->no_link_since_ns = connection->now_ns;
}

gint64
caiman_connection_get_best_rtt (const CaimanConnection *connection)
{
  gint64 best_ns = CAIMAN_TIME_NEVER;
  for (guint i = 0; i < connection->links->len; i++) {
    const CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (link->state == CAIMAN_LINK_WORKING && caiman_rtt_has_sample (&link->rtt))
      best_ns = MIN (best_ns, link->rtt.srtt_ns);
  }
  return best_ns;
}

/* --- States and events --- */

static void
set_state (CaimanConnection *connection, CaimanConnectionState state, CaimanReason reason)
{
  g_assert (state > connection->state);
  g_info (CAIMAN_LOG_PREFIX "the connection goes from %s to %s: %s",
          CAIMAN_LOG_PREFIX_ARGS (connection),
          caiman_connection_state_to_string (connection->state),
          caiman_connection_state_to_string (state), caiman_reason_to_string (reason));
  caiman_connection_trace (connection, CAIMAN_TRACE_CONNECTION_STATE, NULL, connection->state,
                           state, reason);
  connection->state = state;
}

void
caiman_connection_push_event (CaimanConnection *connection, CaimanEventType type, CaimanLink *link,
                              CaimanReason reason, gboolean graceful)
{
  CaimanEvent *event = g_new0 (CaimanEvent, 1);
  event->type = type;
  event->link = link ? caiman_link_ref (link) : NULL;
  event->link_state = link ? link->state : CAIMAN_LINK_CLOSED;
  event->reason = reason;
  event->graceful = graceful;
  g_queue_push_tail (&connection->events, event);
  if (connection->server && connection->state == CAIMAN_CONNECTION_CONNECTING)
    caiman_server_notice_event (connection->server, connection);
}

gboolean
caiman_connection_next_event (CaimanConnection *connection, CaimanEvent *event_out)
{
  CaimanEvent *event = g_queue_pop_head (&connection->events);
  if (event == NULL)
    return FALSE;
  caiman_link_unref (connection->event_link);
  connection->event_link = event->link;
  *event_out = *event;
  g_free (event);
  return TRUE;
}

void
caiman_connection_set_open (CaimanConnection *connection)
{
  set_state (connection, CAIMAN_CONNECTION_OPEN, CAIMAN_REASON_NONE);
  caiman_connection_push_event (connection, CAIMAN_EVENT_CONNECTED, NULL, CAIMAN_REASON_NONE,
                                FALSE);
  caiman_connection_check_room (connection);
}

void
caiman_connection_accept (CaimanConnection *connection, gint64 now_ns)
{
  caiman_connection_enter (connection, now_ns);
  caiman_connection_set_open (connection);
  connection->no_link_since_ns = now_ns;
  for (guint i = 0; i < connection->links->len; i++) {
    CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (link->state != CAIMAN_LINK_CONNECTING)
      continue;
    link->outbox |= CAIMAN_OUTBOX_ACCEPTED;
    caiman_link_set_established (link);
  }
}

/* The peer should see what is still queued on the links, unless it is the peer that misbehaved. */
static gboolean
ends_gracefully (CaimanReason reason)
{
  return reason == CAIMAN_REASON_FINISHED || reason == CAIMAN_REASON_TERMINATED;
}

void
caiman_connection_end_by_link (CaimanConnection *connection, CaimanLink *culprit,
                               CaimanReason reason)
{
  if (connection->state == CAIMAN_CONNECTION_ENDED)
    return;
  set_state (connection, CAIMAN_CONNECTION_ENDED, reason);
  connection->end_reason = reason;
  connection->termination_deadline_ns = CAIMAN_TIME_NEVER;
  if (connection->server)
    caiman_server_forget (connection->server, connection);

  g_autoptr (GPtrArray) links = g_ptr_array_new_with_free_func ((GDestroyNotify)caiman_link_unref);
  for (guint i = 0; i < connection->links->len; i++)
    g_ptr_array_add (links, caiman_link_ref (g_ptr_array_index (connection->links, i)));
  for (guint i = 0; i < links->len; i++) {
    CaimanLink *link = g_ptr_array_index (links, i);
    gboolean stuck = !link->writable && (link->suspected || link->state != CAIMAN_LINK_WORKING);
    if (ends_gracefully (reason) && link->state != CAIMAN_LINK_CONNECTING && !stuck)
      caiman_link_close_when_flushed (link, CAIMAN_REASON_CONNECTION_ENDED);
    else
      caiman_link_close (link, link == culprit ? reason : CAIMAN_REASON_CONNECTION_ENDED, FALSE);
  }
  caiman_connection_push_event (connection, CAIMAN_EVENT_ENDED, NULL, reason, FALSE);
  caiman_connection_drop_unsent (connection);
}

void
caiman_connection_end (CaimanConnection *connection, CaimanReason reason)
{
  caiman_connection_end_by_link (connection, NULL, reason);
}

static gboolean
has_up_link (const CaimanConnection *connection)
{
  for (guint i = 0; i < connection->links->len; i++) {
    const CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (caiman_link_is_up (link))
      return TRUE;
  }
  return FALSE;
}

/* A client's link whose handshake may yet be done: it can carry Terminate when no other can. */
static gboolean
has_link_to_come (const CaimanConnection *connection)
{
  for (guint i = 0; i < connection->links->len; i++) {
    const CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (link->state == CAIMAN_LINK_CONNECTING && connection->was_open)
      return TRUE;
  }
  return FALSE;
}

gboolean
caiman_connection_owes_data (CaimanConnection *connection)
{
  if (connection->peer_dropped_receiver)
    return FALSE;
  if (connection->unsent.length > 0 || connection->unacked_bytes > 0)
    return TRUE;
  /* Empty messages count no bytes. */
  CaimanSendQueue *queue = &connection->queue;
  for (guint32 seq = queue->base_seq; seq != queue->next_seq; seq++) {
    const CaimanOutMessage *message = caiman_send_queue_find (queue, seq);
    if (message->type == CAIMAN_MESSAGE_DATA && !(message->flags & CAIMAN_OUT_ACKED))
      return TRUE;
  }
  return FALSE;
}

void
caiman_connection_check_finished (CaimanConnection *connection)
{
  if (connection->state == CAIMAN_CONNECTION_TERMINATING && !has_up_link (connection) &&
      !has_link_to_come (connection)) {
    caiman_connection_end (connection, CAIMAN_REASON_TERMINATED);
    return;
  }
  if (connection->state != CAIMAN_CONNECTION_OPEN)
    return;
  gboolean send_told = connection->finish_sent || connection->peer_dropped_receiver;
  gboolean all_acked = caiman_send_queue_get_used (&connection->queue) == 0;
  gboolean all_read =
      connection->receive_finished && caiman_readable_is_empty (connection->readable);
  gboolean receive_done =
      all_read || (connection->receiver_dropped &&
                   (connection->receive_finished || connection->receive_finish_acked));
  /* With the links gone for good reason nobody is left to acknowledge the last control messages.
   * Data is another matter: it waits for a link to come back. */
  gboolean receive_told = connection->receive_finished || connection->receiver_dropped;
  gboolean peer_left =
      receive_told && !has_up_link (connection) && !caiman_connection_owes_data (connection);
  if (send_told && receive_done && (all_acked || peer_left) &&
      !(connection->consumed_due && !peer_left && !connection->peer_dropped_receiver))
    caiman_connection_end (connection, CAIMAN_REASON_FINISHED);
}

/* Both directions are given up or over on this side: the rest is bounded in time. */
void
caiman_connection_arm_termination (CaimanConnection *connection)
{
  gboolean sender_done = connection->finish_wanted || connection->peer_dropped_receiver;
  gboolean receiver_done = connection->receiver_dropped || connection->receive_finished;
  if (sender_done && receiver_done && connection->termination_deadline_ns == CAIMAN_TIME_NEVER &&
      connection->state == CAIMAN_CONNECTION_OPEN)
    connection->termination_deadline_ns =
        caiman_time_add (connection->now_ns, connection->config.termination_timeout_ns);
}

/* With a limit of what is unsent, room for crumbs is no news. */
static gboolean
is_writable_again (const CaimanConnection *connection)
{
  return connection->write_blocked && caiman_connection_get_send_room (connection) > 0 &&
         (connection->unsent_limit_bytes == 0 ||
          connection->unsent_bytes <= connection->unsent_limit_bytes / 2);
}

void
caiman_connection_check_room (CaimanConnection *connection)
{
  if (is_writable_again (connection)) {
    connection->write_blocked = FALSE;
    caiman_connection_push_event (connection, CAIMAN_EVENT_WRITABLE, NULL, CAIMAN_REASON_NONE,
                                  FALSE);
  }
  if (connection->flush_wanted && connection->unsent_bytes == 0 && connection->unacked_bytes == 0) {
    connection->flush_wanted = FALSE;
    caiman_connection_push_event (connection, CAIMAN_EVENT_FLUSHED, NULL, CAIMAN_REASON_NONE,
                                  FALSE);
  }
  caiman_connection_arm_termination (connection);
}

void
caiman_connection_drop_unsent (CaimanConnection *connection)
{
  g_queue_clear_full (&connection->unsent, free_chunk);
  connection->unsent_bytes = 0;
}

/* --- Ending --- */

void
caiman_connection_close (CaimanConnection *connection, gint64 now_ns)
{
  caiman_connection_finish (connection, now_ns);
  caiman_connection_drop_receiver (connection, now_ns);
}

void
caiman_connection_terminate (CaimanConnection *connection, gint64 now_ns)
{
  caiman_connection_enter (connection, now_ns);
  if (connection->state > CAIMAN_CONNECTION_OPEN)
    return;
  connection->was_open = connection->state == CAIMAN_CONNECTION_OPEN;
  set_state (connection, CAIMAN_CONNECTION_TERMINATING, CAIMAN_REASON_TERMINATED);
  caiman_connection_drop_unsent (connection);
  connection->termination_deadline_ns =
      caiman_time_add (now_ns, connection->config.termination_timeout_ns);
  for (guint i = 0; i < connection->links->len; i++) {
    CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (caiman_link_is_up (link) || link->state == CAIMAN_LINK_CLOSING)
      link->outbox |= CAIMAN_OUTBOX_TERMINATE;
  }
  caiman_connection_check_finished (connection);
}

void
caiman_connection_give_up (CaimanConnection *connection, gint64 now_ns)
{
  caiman_connection_enter (connection, now_ns);
  if (connection->is_client && connection->state == CAIMAN_CONNECTION_CONNECTING)
    caiman_connection_end (connection, CAIMAN_REASON_ALL_LINKS_FAILED);
}

/* --- Questions --- */

CaimanConnectionState
caiman_connection_get_state (const CaimanConnection *connection)
{
  return connection->state;
}

CaimanReason
caiman_connection_get_end_reason (const CaimanConnection *connection)
{
  return connection->end_reason;
}

gboolean
caiman_connection_is_finished (const CaimanConnection *connection)
{
  return connection->state == CAIMAN_CONNECTION_ENDED && connection->links->len == 0;
}

const CaimanId *
caiman_connection_get_id (const CaimanConnection *connection)
{
  return &connection->id;
}

const CaimanId *
caiman_connection_get_remote_server_id (const CaimanConnection *connection)
{
  return &connection->remote_server_id;
}

const CaimanConfig *
caiman_connection_get_config (const CaimanConnection *connection)
{
  return &connection->config;
}

void
caiman_connection_get_stats (const CaimanConnection *connection, CaimanConnectionStats *stats_out)
{
  *stats_out = (CaimanConnectionStats) {
    .sent_bytes = connection->sent_bytes,
    .received_bytes = connection->received_bytes,
    .sent_messages = connection->sent_messages,
    .received_messages = connection->received_messages,
    .resent_bytes = connection->resent_bytes,
    .duplicated_bytes = connection->duplicated_bytes,
    .duplicate_received_bytes = connection->duplicate_received_bytes,
    .unsent_bytes = connection->unsent_bytes,
    .unacked_bytes = connection->unacked_bytes,
    .unconsumed_bytes = connection->unconsumed_bytes,
    .reorder_bytes = caiman_reorder_get_bytes (connection->reorder),
    .reorder_peak_bytes = caiman_reorder_get_peak_bytes (connection->reorder),
    .readable_bytes = caiman_readable_get_bytes (connection->readable),
    .buffered_peak_bytes = connection->buffered_peak_bytes,
  };
}

void
caiman_connection_get_rates (const CaimanConnection *connection, const CaimanLink *link,
                             CaimanRates *rates_out, gint64 now_ns)
{
  caiman_meter_get (link ? &link->sent_meter : &connection->sent_meter, rates_out->sent_bps,
                    now_ns);
  caiman_meter_get (link ? &link->received_meter : &connection->received_meter,
                    rates_out->received_bps, now_ns);
}
