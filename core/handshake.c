/* SPDX-License-Identifier: Apache-2.0 */
/* handshake.c - opening a link (PROTOCOL.md, 4): Welcome, Connect, Accepted or Refused.
 *
 * The server's decisions about connections are in server.c. */
#include "core/connection-private.h"

#include <string.h>

/* With less, not even a message of one byte may be sent (PROTOCOL.md, 5): nothing would ever come
 * of what an application has written. */
#define PEER_BUFFER_MIN_BYTES 4

void
caiman_handshake_start_server (CaimanLink *link, const CaimanRandom *random)
{
  caiman_crypto_key_pair_init (&link->keys, random);
  link->outbox |= CAIMAN_OUTBOX_WELCOME;
}

void
caiman_handshake_start_client (CaimanLink *link, const CaimanRandom *random)
{
  caiman_crypto_key_pair_init (&link->keys, random);
}

static void
set_user_data (const CaimanLink *link, CaimanMessage *message)
{
  if (link->user_data)
    message->user_data = g_bytes_get_data (link->user_data, &message->user_data_bytes);
}

static void
write_welcome (CaimanLink *link, CaimanPacket *packet_out)
{
  const CaimanConfig *config = caiman_server_get_config (link->server);
  CaimanMessage message = { .type = CAIMAN_MESSAGE_WELCOME,
                            .server_id = *caiman_server_get_id (link->server),
                            .receive_buffer_bytes = (guint32)config->receive_buffer_bytes };
  memcpy (message.public_key, link->keys.public_key, sizeof message.public_key);
  set_user_data (link, &message);
  caiman_packet_set_message (packet_out, &message);
}

static void
write_connect (CaimanLink *link, CaimanPacket *packet_out)
{
  CaimanConnection *connection = link->connection;
  CaimanMessage message = {
    .type = CAIMAN_MESSAGE_CONNECT,
    .existing = connection->state != CAIMAN_CONNECTION_CONNECTING,
    .receive_buffer_bytes = (guint32)connection->config.receive_buffer_bytes,
  };
  memcpy (message.public_key, link->keys.public_key, sizeof message.public_key);
  /* The peer's key was checked when its Welcome came in. */
  gboolean hidden = caiman_crypto_hide_id (&link->keys, link->peer_public_key, &connection->id,
                                           &message.encrypted_connection_id);
  g_assert (hidden);
  set_user_data (link, &message);
  caiman_packet_set_message (packet_out, &message);
}

void
caiman_handshake_write (CaimanLink *link, CaimanOutbox item, CaimanPacket *packet_out,
                        gint64 now_ns)
{
  CaimanMessage message = { .type = CAIMAN_MESSAGE_ACCEPTED };
  switch (item) {
  case CAIMAN_OUTBOX_WELCOME:
    write_welcome (link, packet_out);
    link->handshake_sent_ns = now_ns;
    break;
  case CAIMAN_OUTBOX_CONNECT:
    write_connect (link, packet_out);
    link->handshake_sent_ns = now_ns;
    break;
  case CAIMAN_OUTBOX_REFUSED:
    message.type = CAIMAN_MESSAGE_REFUSED;
    message.refused_code = link->refused_code;
    caiman_packet_set_message (packet_out, &message);
    break;
  default:
    caiman_packet_set_message (packet_out, &message);
    break;
  }
}

static void
receive_welcome (CaimanLink *link, const CaimanMessage *message)
{
  CaimanConnection *connection = link->connection;
  CaimanId scratch;
  if (link->handshake_sent_ns >= 0 || link->outbox & CAIMAN_OUTBOX_CONNECT ||
      message->receive_buffer_bytes < PEER_BUFFER_MIN_BYTES ||
      !caiman_crypto_hide_id (&link->keys, message->public_key, &connection->id, &scratch)) {
    caiman_link_close (link, CAIMAN_REASON_LINK_BAD_MESSAGE, FALSE);
    return;
  }
  if (!connection->has_remote_server_id) {
    connection->has_remote_server_id = TRUE;
    connection->remote_server_id = message->server_id;
    connection->remote_receive_buffer_bytes = message->receive_buffer_bytes;
  } else if (memcmp (&connection->remote_server_id, &message->server_id, sizeof (CaimanId)) != 0) {
    caiman_link_close (link, CAIMAN_REASON_SERVER_ID_MISMATCH, FALSE);
    caiman_connection_end (connection, CAIMAN_REASON_SERVER_ID_MISMATCH);
    return;
  }
  memcpy (link->peer_public_key, message->public_key, sizeof link->peer_public_key);
  link->remote_user_data = g_bytes_new (message->user_data, message->user_data_bytes);
  link->outbox |= CAIMAN_OUTBOX_CONNECT;
}

static gboolean
filter_lets_in (CaimanConnection *connection, CaimanLink *link)
{
  if (connection->filter == NULL)
    return TRUE;
  g_autoptr (GPtrArray) others = g_ptr_array_new ();
  for (guint i = 0; i < connection->links->len; i++) {
    CaimanLink *other = g_ptr_array_index (connection->links, i);
    if (other != link && caiman_link_is_up (other))
      g_ptr_array_add (others, other);
  }
  return connection->filter (link, (CaimanLink *const *)others->pdata, others->len,
                             connection->filter_data);
}

static void
receive_accepted (CaimanLink *link)
{
  CaimanConnection *connection = link->connection;
  if (link->handshake_sent_ns < 0) {
    caiman_link_close (link, CAIMAN_REASON_LINK_BAD_MESSAGE, FALSE);
    return;
  }
  caiman_rtt_add (&link->rtt, connection->now_ns - link->handshake_sent_ns, connection->now_ns);
  caiman_connection_trace (connection, CAIMAN_TRACE_LINK_RTT, link, (guint64)link->rtt.latest_ns,
                           (guint64)link->rtt.srtt_ns, CAIMAN_REASON_NONE);
  if (!filter_lets_in (connection, link)) {
    caiman_link_close (link, CAIMAN_REASON_LINK_FILTERED, TRUE);
    return;
  }
  if (connection->state == CAIMAN_CONNECTION_CONNECTING)
    caiman_connection_set_open (connection);
  caiman_link_set_established (link);
}

static gboolean
has_working_link (const CaimanConnection *connection)
{
  for (guint i = 0; i < connection->links->len; i++) {
    const CaimanLink *link = g_ptr_array_index (connection->links, i);
    if (link->state == CAIMAN_LINK_WORKING)
      return TRUE;
  }
  return FALSE;
}

static void
receive_refused (CaimanLink *link, CaimanRefusedCode code)
{
  static const CaimanReason reasons[] = {
    [CAIMAN_REFUSED_CLOSED] = CAIMAN_REASON_CLOSED,
    [CAIMAN_REFUSED_NOT_LISTENING] = CAIMAN_REASON_NOT_LISTENING,
    [CAIMAN_REFUSED_CONNECTION] = CAIMAN_REASON_REFUSED,
    [CAIMAN_REFUSED_LINK] = CAIMAN_REASON_LINK_REFUSED,
  };
  CaimanConnection *connection = link->connection;
  CaimanReason reason = reasons[code];
  gboolean was_open = connection->state != CAIMAN_CONNECTION_CONNECTING;

  G_GNUC_UNUSED g_autoptr (CaimanLink) keep = caiman_link_ref (link);
  caiman_link_close (link, reason, FALSE);
  if (connection->state == CAIMAN_CONNECTION_ENDED || code == CAIMAN_REFUSED_LINK)
    return;
  if (connection->state == CAIMAN_CONNECTION_TERMINATING) {
    caiman_connection_end (connection, CAIMAN_REASON_TERMINATED); /* nobody is left to be told */
    return;
  }
  /* Both directions are closed: the server may have finished before us. Behind its last data, the
   * last acknowledgements may still come in on a link that works; while there is one, they decide.
   */
  gboolean closing = (connection->receive_finished || connection->receiver_dropped) &&
                     (connection->finish_sent || connection->peer_dropped_receiver);
  gboolean owes_data = caiman_connection_owes_data (connection);
  if (closing && owes_data && has_working_link (connection))
    return;
  /* Nothing was ever accepted, or the server has forgotten us: there is nothing to go back to. */
  if (code == CAIMAN_REFUSED_CLOSED && was_open && closing && !owes_data)
    caiman_connection_end (connection, CAIMAN_REASON_FINISHED);
  else if (!was_open || code == CAIMAN_REFUSED_CLOSED)
    caiman_connection_end (connection, reason);
}

void
caiman_handshake_receive_client (CaimanLink *link, const CaimanMessage *message)
{
  switch (message->type) {
  case CAIMAN_MESSAGE_WELCOME:
    receive_welcome (link, message);
    break;
  case CAIMAN_MESSAGE_ACCEPTED:
    receive_accepted (link);
    break;
  case CAIMAN_MESSAGE_REFUSED:
    receive_refused (link, message->refused_code);
    break;
  case CAIMAN_MESSAGE_TERMINATE:
    caiman_connection_end (link->connection, CAIMAN_REASON_TERMINATED);
    break;
  default:
    caiman_link_close (link, CAIMAN_REASON_LINK_BAD_MESSAGE, FALSE);
    break;
  }
}

gboolean
caiman_handshake_reveal_id (CaimanLink *link, const CaimanMessage *connect, CaimanId *id_out)
{
  if (connect->receive_buffer_bytes < PEER_BUFFER_MIN_BYTES)
    return FALSE;
  if (!caiman_crypto_hide_id (&link->keys, connect->public_key, &connect->encrypted_connection_id,
                              id_out))
    return FALSE;
  g_clear_pointer (&link->remote_user_data, g_bytes_unref);
  link->remote_user_data = g_bytes_new (connect->user_data, connect->user_data_bytes);
  return TRUE;
}
