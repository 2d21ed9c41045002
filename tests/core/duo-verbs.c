/* SPDX-License-Identifier: Apache-2.0 */
/* duo-verbs.c - see duo.h. What the applications do, the log of the wire, and expectations. */
#include "tests/core/duo-private.h"

#include "core/connection-private.h"

#include <string.h>

void
duo_set_first_seq (CaimanConnection *connection, guint32 seq)
{
  caiman_send_queue_clear (&connection->queue);
  caiman_send_queue_init (&connection->queue, seq);
  caiman_reorder_free (connection->reorder);
  connection->reorder =
      caiman_reorder_new_at ((guint64)connection->config.receive_buffer_bytes, seq);
}

/* --- Application --- */

CaimanConnection *
duo_get_end (Duo *d, DuoSide side)
{
  CaimanConnection *connection = side == DUO_CLIENT ? d->client : d->accepted;
  g_assert_nonnull (connection);
  return connection;
}

void
duo_accept (Duo *d)
{
  g_assert_nonnull (d->pending);
  g_assert_null (d->accepted);
  d->accepted = caiman_server_accept (d->server, g_steal_pointer (&d->pending), d->now_ns);
  if (d->first_seq != 0)
    duo_set_first_seq (d->accepted, d->first_seq);
}

void
duo_refuse (Duo *d)
{
  g_assert_nonnull (d->pending);
  caiman_server_refuse (d->server, g_steal_pointer (&d->pending), d->now_ns);
  duo_settle (d);
}

static void
send_text (Duo *d, DuoSide side, const char *text)
{
  g_autoptr (GBytes) message = g_bytes_new (text, strlen (text));
  g_autoptr (GError) error = NULL;
  gboolean sent = caiman_connection_send (duo_get_end (d, side), message, d->now_ns, &error);
  g_assert_no_error (error);
  g_assert_true (sent);
  duo_settle (d);
}

void
duo_send (Duo *d, const char *text)
{
  send_text (d, DUO_CLIENT, text);
}

void
duo_server_send (Duo *d, const char *text)
{
  send_text (d, DUO_SERVER, text);
}

void
duo_offer (Duo *d, DuoSide side, gsize n, gsize size_min_bytes, gsize size_max_bytes)
{
  DuoSeries *series = &d->series[side];
  g_assert_cmpuint (size_min_bytes, >=, sizeof (guint64));
  g_assert_cmpuint (size_max_bytes, >=, size_min_bytes);
  g_assert_true (series->n_offered == 0 || series->size_max_bytes == size_max_bytes);
  series->n_offered += n;
  series->size_min_bytes = size_min_bytes;
  series->size_max_bytes = size_max_bytes;
  duo_settle (d);
}

void
duo_offer_more (Duo *d, DuoSide side)
{
  CaimanConnection *connection = duo_get_end (d, side);
  DuoSeries *series = &d->series[side];
  while (series->n_sent < series->n_offered) {
    /* The size is a function of the index, so that the reader knows it, too. */
    gsize spread = series->size_max_bytes - series->size_min_bytes + 1;
    gsize size = series->size_min_bytes + (series->n_sent * 7919) % spread;
    guint8 *bytes = g_malloc (size);
    memset (bytes, (int)(series->n_sent % 251), size);
    guint64 mark = GUINT64_TO_BE (series->n_sent);
    memcpy (bytes, &mark, sizeof mark);
    g_autoptr (GBytes) message = g_bytes_new_take (bytes, size);
    g_autoptr (GError) error = NULL;
    if (!caiman_connection_send (connection, message, d->now_ns, &error))
      break;
    series->n_sent++;
  }
}

gboolean
duo_is_delivered (Duo *d, DuoSide side)
{
  return d->series[side].n_received == d->series[side].n_offered;
}

static void
check_series_message (Duo *d, DuoSide sender, GBytes *message)
{
  DuoSeries *series = &d->series[sender];
  gsize index = series->n_received++;
  gsize spread = series->size_max_bytes - series->size_min_bytes + 1;
  gsize size;
  const guint8 *data = g_bytes_get_data (message, &size);
  g_assert_cmpuint (size, ==, series->size_min_bytes + (index * 7919) % spread);
  guint64 mark;
  memcpy (&mark, data, sizeof mark);
  g_assert_cmpuint (GUINT64_FROM_BE (mark), ==, index);
  for (gsize i = sizeof mark; i < size; i++) {
    if (data[i] != index % 251)
      g_error ("message %" G_GSIZE_FORMAT " has wrong content at %" G_GSIZE_FORMAT, index, i);
  }
  series->received_bytes += size;
}

void
duo_read_all (Duo *d, DuoSide side)
{
  CaimanConnection *connection = duo_get_end (d, side);
  while (TRUE) {
    g_autoptr (GBytes) message = caiman_connection_receive (connection, d->now_ns, NULL);
    if (!message)
      return;
    check_series_message (d, duo_other_side (side), message);
  }
}

void
duo_finish (Duo *d, DuoSide side)
{
  caiman_connection_finish (duo_get_end (d, side), d->now_ns);
  duo_settle (d);
}

void
duo_close (Duo *d, DuoSide side)
{
  caiman_connection_close (duo_get_end (d, side), d->now_ns);
  duo_settle (d);
}

/* --- Wire --- */

void
duo_inject (Duo *d, DuoSide side, guint link, const void *bytes, gsize size)
{
  caiman_link_received (duo_get_link (d, side, link), bytes, size, NULL, d->now_ns);
  duo_settle (d);
}

void
duo_inject_message (Duo *d, DuoSide side, guint link, const CaimanMessage *message)
{
  gsize size = caiman_message_get_size (message);
  g_autofree guint8 *bytes = g_malloc (size);
  caiman_message_write (message, bytes);
  duo_inject (d, side, link, bytes, size);
}

/* A key pair that is the same in every run. */
static CaimanKeyPair
make_keys (const char *stream_name)
{
  CaimanPrng prng;
  caiman_prng_init_stream (&prng, 1, stream_name);
  CaimanRandom random = caiman_prng_as_random (&prng);
  CaimanKeyPair keys;
  caiman_crypto_key_pair_init (&keys, &random);
  return keys;
}

CaimanMessage
duo_make_welcome (const CaimanId *server_id)
{
  CaimanKeyPair keys = make_keys ("raw-server");
  CaimanMessage message = { .type = CAIMAN_MESSAGE_WELCOME,
                            .server_id = *server_id,
                            .receive_buffer_bytes = 1 << 20 };
  memcpy (message.public_key, keys.public_key, sizeof message.public_key);
  return message;
}

CaimanMessage
duo_make_connect (Duo *d, guint link, const CaimanId *id, gboolean existing)
{
  const DuoMessage *welcome = duo_last_sent (d, DUO_SERVER, link, CAIMAN_MESSAGE_WELCOME);
  g_assert_nonnull (welcome);
  CaimanKeyPair keys = make_keys ("raw-client");
  CaimanMessage message = { .type = CAIMAN_MESSAGE_CONNECT,
                            .existing = existing,
                            .receive_buffer_bytes = 1 << 20 };
  memcpy (message.public_key, keys.public_key, sizeof message.public_key);
  g_assert_true (caiman_crypto_hide_id (&keys, welcome->message.public_key, id,
                                        &message.encrypted_connection_id));
  return message;
}

void
duo_raw_welcome (Duo *d, guint link, const CaimanId *server_id)
{
  CaimanMessage message = duo_make_welcome (server_id);
  duo_inject_message (d, DUO_CLIENT, link, &message);
}

void
duo_raw_connect (Duo *d, guint link, const CaimanId *id, gboolean existing)
{
  CaimanMessage message = duo_make_connect (d, link, id, existing);
  duo_inject_message (d, DUO_SERVER, link, &message);
}

static gboolean
matches (const DuoMessage *entry, DuoSide side, guint link, CaimanMessageType type)
{
  return entry->side == side && (link == 0 || entry->link == link) &&
         (type == 0 || entry->message.type == type);
}

guint
duo_count_sent (Duo *d, DuoSide side, guint link, CaimanMessageType type)
{
  guint n = 0;
  for (guint i = 0; i < d->log->len; i++)
    n += matches (&g_array_index (d->log, DuoMessage, i), side, link, type);
  return n;
}

const DuoMessage *
duo_last_sent (Duo *d, DuoSide side, guint link, CaimanMessageType type)
{
  for (guint i = d->log->len; i > 0; i--) {
    const DuoMessage *entry = &g_array_index (d->log, DuoMessage, i - 1);
    if (matches (entry, side, link, type))
      return entry;
  }
  return NULL;
}

void
duo_forget (Duo *d)
{
  g_array_set_size (d->log, 0);
  g_array_set_size (d->events, 0);
}

guint
duo_count_events (Duo *d, DuoSide side, CaimanEventType type)
{
  guint n = 0;
  for (guint i = 0; i < d->events->len; i++) {
    const DuoEvent *event = &g_array_index (d->events, DuoEvent, i);
    n += event->side == side && event->event.type == type;
  }
  return n;
}

const DuoEvent *
duo_last_event (Duo *d, DuoSide side, CaimanEventType type)
{
  for (guint i = d->events->len; i > 0; i--) {
    const DuoEvent *event = &g_array_index (d->events, DuoEvent, i - 1);
    if (event->side == side && event->event.type == type)
      return event;
  }
  return NULL;
}

/* --- Expectations --- */

static const char *const side_names[DUO_N_SIDES] = { "client", "server" };

static void
describe_link (Duo *d, CaimanLink *link)
{
  CaimanLinkStats stats;
  caiman_link_get_stats (link, &stats, d->now_ns);
  const DuoLink *duo_link = caiman_link_get_transport_data (link);
  g_printerr ("  link %u: %s (%s)%s%s%s, in flight %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT
              ", SRTT %" G_GINT64_FORMAT " us, waiting %u up %u down\n",
              duo_link->number, caiman_link_state_to_string (caiman_link_get_state (link)),
              caiman_reason_to_string (caiman_link_get_reason (link)),
              caiman_link_is_blocked_local (link) ? ", blocked here" : "",
              caiman_link_is_blocked_remote (link) ? ", blocked there" : "",
              caiman_link_is_suspected (link) ? ", suspected" : "", stats.in_flight_bytes,
              stats.window_bytes, stats.srtt_ns / CAIMAN_NS_PER_US,
              duo_link->ends[DUO_SERVER].inbox.length, duo_link->ends[DUO_CLIENT].inbox.length);
}

static void
describe_end (Duo *d, DuoSide side, CaimanConnection *connection)
{
  CaimanConnectionStats stats;
  caiman_connection_get_stats (connection, &stats);
  g_printerr ("%s: state %u (%s), unsent %" G_GUINT64_FORMAT ", unacked %" G_GUINT64_FORMAT
              ", unconsumed %" G_GUINT64_FORMAT ", readable %" G_GUINT64_FORMAT
              ", behind a gap %" G_GUINT64_FORMAT "; series %" G_GSIZE_FORMAT
              " received of %" G_GSIZE_FORMAT " sent of %" G_GSIZE_FORMAT "\n",
              side_names[side], caiman_connection_get_state (connection),
              caiman_reason_to_string (caiman_connection_get_end_reason (connection)),
              stats.unsent_bytes, stats.unacked_bytes, stats.unconsumed_bytes, stats.readable_bytes,
              stats.reorder_bytes, d->series[side].n_received, d->series[side].n_sent,
              d->series[side].n_offered);
  gsize n_links;
  CaimanLink *const *links = caiman_connection_get_links (connection, &n_links);
  for (gsize i = 0; i < n_links; i++)
    describe_link (d, links[i]);
}

void
duo_describe (Duo *d)
{
  g_printerr ("at %.3f ms\n", (double)d->now_ns / 1e6);
  describe_end (d, DUO_CLIENT, d->client);
  if (d->accepted)
    describe_end (d, DUO_SERVER, d->accepted);
}

G_GNUC_PRINTF (4, 5)
static void
fail (const Duo *d, const char *file, int line, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  g_printerr ("%s:%d: at %.6f ms: %s\n", file, line, (double)d->now_ns / 1e6, text);
  g_test_fail ();
  abort ();
}

static CaimanConnection *
get_end_at (Duo *d, DuoSide side, const char *file, int line)
{
  CaimanConnection *connection = side == DUO_CLIENT ? d->client : d->accepted;
  if (!connection)
    fail (d, file, line, "the server has accepted no connection");
  return connection;
}

void
duo_expect_delivered_at (Duo *d, DuoSide side, const char *text, const char *file, int line)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) message =
      caiman_connection_receive (get_end_at (d, side, file, line), d->now_ns, &error);
  if (!message) {
    fail (d, file, line, "%s: expected \"%s\", got nothing: %s", side_names[side], text,
          error->message);
    return;
  }
  gsize size;
  const char *data = g_bytes_get_data (message, &size);
  if (size != strlen (text) || (size > 0 && memcmp (data, text, size) != 0))
    fail (d, file, line, "%s: expected \"%s\", got \"%.*s\"", side_names[side], text, (int)size,
          data);
  duo_settle (d);
}

void
duo_expect_nothing_at (Duo *d, DuoSide side, CaimanReason reason, const char *file, int line)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) message =
      caiman_connection_receive (get_end_at (d, side, file, line), d->now_ns, &error);
  if (message)
    fail (d, file, line, "%s: expected nothing, got a message", side_names[side]);
  else if (error->domain != CAIMAN_ERROR || error->code != (int)reason)
    fail (d, file, line, "%s: expected %s, got %s", side_names[side],
          caiman_reason_to_string (reason), error->message);
}

void
duo_expect_state_at (Duo *d, DuoSide side, CaimanConnectionState state, const char *file, int line)
{
  CaimanConnectionState actual = caiman_connection_get_state (get_end_at (d, side, file, line));
  if (actual != state)
    fail (d, file, line, "%s: state is %d, expected %d", side_names[side], actual, state);
}

void
duo_expect_link_state_at (Duo *d, DuoSide side, guint link, CaimanLinkState state, const char *file,
                          int line)
{
  const DuoEnd *end = &duo_get_duo_link (d, link)->ends[side];
  CaimanLinkState actual = end->link ? caiman_link_get_state (end->link) : CAIMAN_LINK_CLOSED;
  CaimanReason reason = end->link ? caiman_link_get_reason (end->link) : end->close_reason;
  if (actual != state)
    fail (d, file, line, "%s: link %u is %s (%s), expected %s", side_names[side], link,
          caiman_link_state_to_string (actual), caiman_reason_to_string (reason),
          caiman_link_state_to_string (state));
}

void
duo_expect_link_closed_at (Duo *d, DuoSide side, guint link, CaimanReason reason, const char *file,
                           int line)
{
  const DuoEnd *end = &duo_get_duo_link (d, link)->ends[side];
  duo_expect_link_state_at (d, side, link, CAIMAN_LINK_CLOSED, file, line);
  if (end->close_reason != reason)
    fail (d, file, line, "%s: link %u closed because of %s, expected %s", side_names[side], link,
          caiman_reason_to_string (end->close_reason), caiman_reason_to_string (reason));
}

void
duo_expect_side_ended_at (Duo *d, DuoSide side, CaimanReason reason, const char *file, int line)
{
  CaimanConnection *connection = get_end_at (d, side, file, line);
  CaimanReason actual = caiman_connection_get_end_reason (connection);
  if (caiman_connection_get_state (connection) != CAIMAN_CONNECTION_ENDED)
    fail (d, file, line, "%s: has not ended (state %d)", side_names[side],
          caiman_connection_get_state (connection));
  else if (actual != reason)
    fail (d, file, line, "%s: ended because of %s, expected %s", side_names[side],
          caiman_reason_to_string (actual), caiman_reason_to_string (reason));
}

void
duo_expect_ended_at (Duo *d, CaimanReason client_reason, CaimanReason server_reason,
                     const char *file, int line)
{
  duo_expect_side_ended_at (d, DUO_CLIENT, client_reason, file, line);
  duo_expect_side_ended_at (d, DUO_SERVER, server_reason, file, line);
}
