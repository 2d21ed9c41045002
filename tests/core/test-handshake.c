/* SPDX-License-Identifier: Apache-2.0 */
/* test-handshake.c - opening links (PROTOCOL.md, 4), step by step. */
#include "tests/core/duo.h"

#include <string.h>

static const CaimanId some_id = { { 1, 2, 3 } };
static const CaimanId no_id;

static void
expect_id (const CaimanId *actual, const CaimanId *expected)
{
  g_assert_cmpmem (actual->bytes, CAIMAN_ID_BYTES, expected->bytes, CAIMAN_ID_BYTES);
}

/* PROTOCOL.md, 4.1 to 4.5: who says what, in which order, with which contents. */
static void
test_messages (void)
{
  CaimanConfig server_config = duo_config ();
  server_config.receive_buffer_bytes = 123456;
  g_autoptr (Duo) d = duo_new (NULL, &server_config);
  duo_add_link (d, "a", MS (10));
  const DuoMessage *welcome = duo_last_sent (d, DUO_SERVER, 1, 0);
  g_assert_cmpint (welcome->message.type, ==, CAIMAN_MESSAGE_WELCOME);
  g_assert_cmpint (welcome->time_ns, ==, 0);
  expect_id (&welcome->message.server_id, caiman_server_get_id (d->server));
  g_assert_cmpuint (welcome->message.extensions, ==, 0);
  g_assert_cmpuint (welcome->message.receive_buffer_bytes, ==, 123456);
  g_assert_cmpuint (caiman_server_get_n_handshakes (d->server), ==, 1);

  duo_advance (d, MS (10));
  const DuoMessage *connect = duo_last_sent (d, DUO_CLIENT, 1, 0);
  g_assert_cmpint (connect->message.type, ==, CAIMAN_MESSAGE_CONNECT);
  g_assert_cmpint (connect->time_ns, ==, MS (10));
  g_assert_false (connect->message.existing);
  g_assert_cmpuint (connect->message.extensions, ==, 0);
  expect_id (&connect->message.server_id, &no_id);
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_CONNECTING);
  expect_id (caiman_connection_get_remote_server_id (d->client), caiman_server_get_id (d->server));

  duo_advance (d, MS (10));
  g_assert_cmpint (duo_last_sent (d, DUO_SERVER, 1, 0)->message.type, ==, CAIMAN_MESSAGE_ACCEPTED);
  duo_expect_state (d, DUO_SERVER, CAIMAN_CONNECTION_OPEN);
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_CONNECTING);
  expect_id (caiman_connection_get_id (d->accepted), caiman_connection_get_id (d->client));

  duo_advance (d, MS (10));
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_OPEN);
  duo_expect_link_state (d, DUO_CLIENT, 1, CAIMAN_LINK_WORKING);
  duo_expect_link_state (d, DUO_SERVER, 1, CAIMAN_LINK_WORKING);
  g_assert_cmpuint (duo_count_events (d, DUO_CLIENT, CAIMAN_EVENT_CONNECTED), ==, 1);
  g_assert_cmpuint (caiman_server_get_n_handshakes (d->server), ==, 0);
}

/* PROTOCOL.md, 4.1 and 4.3: keys are fresh for each link, ids are not; existing is 1 once there was
 * an Accepted. */
static void
test_second_link (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_add_link (d, "b", MS (10));
  duo_advance (d, MS (10));
  g_assert_false (duo_last_sent (d, DUO_CLIENT, 1, CAIMAN_MESSAGE_CONNECT)->message.existing);
  g_assert_false (duo_last_sent (d, DUO_CLIENT, 2, CAIMAN_MESSAGE_CONNECT)->message.existing);
  duo_advance (d, MS (30));
  duo_add_link (d, "c", MS (10));
  duo_advance (d, MS (30));
  const CaimanMessage *connect = &duo_last_sent (d, DUO_CLIENT, 3, CAIMAN_MESSAGE_CONNECT)->message;
  g_assert_true (connect->existing);
  for (guint link = 1; link <= 3; link++)
    duo_expect_link_state (d, DUO_CLIENT, link, CAIMAN_LINK_WORKING);

  const CaimanMessage *first = &duo_last_sent (d, DUO_CLIENT, 1, CAIMAN_MESSAGE_CONNECT)->message;
  g_assert_cmpint (memcmp (first->public_key, connect->public_key, 32), !=, 0);
  g_assert_cmpint (memcmp (&first->encrypted_connection_id, &connect->encrypted_connection_id, 16),
                   !=, 0);
  const CaimanMessage *welcomes[] = {
    &duo_last_sent (d, DUO_SERVER, 1, CAIMAN_MESSAGE_WELCOME)->message,
    &duo_last_sent (d, DUO_SERVER, 3, CAIMAN_MESSAGE_WELCOME)->message,
  };
  g_assert_cmpint (memcmp (welcomes[0]->public_key, welcomes[1]->public_key, 32), !=, 0);
  expect_id (&welcomes[0]->server_id, &welcomes[1]->server_id);
  g_assert_cmpuint (d->n_incoming, ==, 1);
}

/* The clock may begin at 0, and a link may take no time at all. */
static void
test_no_delay (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", 0);
  duo_expect_link_state (d, DUO_CLIENT, 1, CAIMAN_LINK_WORKING);
  duo_send (d, "hello");
  duo_expect_delivered (d, "hello");
  g_assert_cmpint (d->now_ns, ==, 0);
}

static void
expect_user_data (const CaimanLink *link, const char *expected)
{
  GBytes *user_data = caiman_link_get_remote_user_data (link);
  g_assert_nonnull (user_data);
  gsize size;
  const void *data = g_bytes_get_data (user_data, &size);
  g_assert_cmpmem (data, size, expected, strlen (expected));
}

/* PROTOCOL.md, 4.1 and 4.3: user data goes both ways. */
static void
test_user_data (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  g_autoptr (GBytes) user_data = g_bytes_new_static ("eth0", 4);
  CaimanLinkInfo info = { .name = "a", .user_data = user_data };
  duo_add_link_full (d, &info, MS (1), NULL);
  duo_advance (d, MS (10));
  expect_user_data (duo_get_link (d, DUO_CLIENT, 1), "eth0");
  expect_user_data (duo_get_link (d, DUO_SERVER, 1), "eth0");
  g_assert_cmpstr (caiman_link_get_name (duo_get_link (d, DUO_SERVER, 1)), ==, "a");
}

/* PROTOCOL.md, 4.6: the handshake gives the first RTT. */
static void
test_round_trip (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (17));
  duo_advance (d, MS (51));
  for (DuoSide side = 0; side < DUO_N_SIDES; side++) {
    CaimanLinkStats stats;
    caiman_link_get_stats (duo_get_link (d, side, 1), &stats, d->now_ns);
    g_assert_cmpint (stats.srtt_ns, ==, MS (34));
    g_assert_cmpint (stats.min_rtt_ns, ==, MS (34));
  }
}

typedef struct {
  const char *name;
  gsize offset; /* of the byte to change; G_MAXSIZE: none */
  guint8 byte;
  gsize n_bytes; /* how many, all to @byte */
  gssize cut;    /* bytes to cut off the end */
} Damage;

/* Writes @message, damaged, and hands it to the end of @side. */
static void
inject_damaged (Duo *d, DuoSide side, guint link, const CaimanMessage *message,
                const Damage *damage)
{
  gsize size = caiman_message_get_size (message);
  g_autofree guint8 *bytes = g_malloc (size);
  caiman_message_write (message, bytes);
  if (damage->offset != G_MAXSIZE)
    memset (bytes + damage->offset, damage->byte, damage->n_bytes);
  duo_inject (d, side, link, bytes, size - (gsize)damage->cut);
}

/* Layout of Welcome: type 1, magic 5, version 1, extensions 4, key 32, server id 16, ... */
static const Damage welcome_damages[] = {
  { "magic", 1, 'X', 1, 0 },           { "magic-end", 5, 1, 1, 0 },
  { "version", 6, 3, 1, 0 },           { "version-newer", 6, 5, 1, 0 },
  { "server-id-zero", 43, 0, 16, 0 },  { "receive-buffer-zero", 61, 0, 4, 0 },
  { "too-short", G_MAXSIZE, 0, 0, 1 }, { "type-only", G_MAXSIZE, 0, 0, 64 },
  { "empty", G_MAXSIZE, 0, 0, 65 },    { "unknown-type", 0, 17, 1, 0 },
  { "type-zero", 0, 0, 1, 0 },         { "user-data-beyond-end", 59, 1, 1, 0 },
  { "low-order-key", 11, 0, 32, 0 },
};

/* PROTOCOL.md, 3: what cannot be parsed fails that link only. */
static void
test_bad_welcome (gconstpointer data)
{
  const Damage *damage = data;
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  guint link = duo_add_raw_link (d, DUO_CLIENT, "a");
  CaimanMessage welcome = duo_make_welcome (&some_id);
  inject_damaged (d, DUO_CLIENT, link, &welcome, damage);
  duo_expect_link_closed (d, DUO_CLIENT, link, CAIMAN_REASON_LINK_BAD_MESSAGE);
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_CONNECTING);
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, link, 0), ==, 0);
  /* Another link is still welcome. */
  duo_add_link (d, "b", MS (1));
  duo_advance (d, MS (10));
  duo_expect_link_state (d, DUO_CLIENT, 2, CAIMAN_LINK_WORKING);
}

/* Connect goes on with: encrypted id 16, existing 1, user data length 2, receive buffer 4. */
static const Damage connect_damages[] = {
  { "magic", 1, 'X', 1, 0 },
  { "version", 6, 3, 1, 0 },
  { "receive-buffer-zero", 78, 0, 4, 0 },
  { "too-short", G_MAXSIZE, 0, 0, 1 },
  { "empty", G_MAXSIZE, 0, 0, 82 },
  { "unknown-type", 0, 99, 1, 0 },
  { "not-connect", 0, 5, 1, 0 },
  { "low-order-key", 11, 0, 32, 0 },
};

static void
test_bad_connect (gconstpointer data)
{
  const Damage *damage = data;
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  guint link = duo_add_raw_link (d, DUO_SERVER, "a");
  CaimanMessage connect = duo_make_connect (d, link, &some_id, FALSE);
  inject_damaged (d, DUO_SERVER, link, &connect, damage);
  duo_expect_link_closed (d, DUO_SERVER, link, CAIMAN_REASON_LINK_BAD_MESSAGE);
  g_assert_cmpuint (d->n_incoming, ==, 0);
  g_assert_cmpuint (caiman_server_get_n_handshakes (d->server), ==, 0);
  g_assert_cmpuint (duo_count_sent (d, DUO_SERVER, link, 0), ==, 1);
}

/* A receive buffer that would not let even one byte in (PROTOCOL.md, 5) is no use: the link ends.
 */
static void
test_useless_buffer (void)
{
  for (guint32 bytes = 3; bytes <= 4; bytes++) {
    g_autoptr (Duo) d = duo_new (NULL, NULL);
    guint at_client = duo_add_raw_link (d, DUO_CLIENT, "a");
    CaimanMessage welcome = duo_make_welcome (&some_id);
    welcome.receive_buffer_bytes = bytes;
    duo_inject_message (d, DUO_CLIENT, at_client, &welcome);
    guint at_server = duo_add_raw_link (d, DUO_SERVER, "a");
    CaimanMessage connect = duo_make_connect (d, at_server, &some_id, FALSE);
    connect.receive_buffer_bytes = bytes;
    duo_inject_message (d, DUO_SERVER, at_server, &connect);
    if (bytes == 3) {
      duo_expect_link_closed (d, DUO_CLIENT, at_client, CAIMAN_REASON_LINK_BAD_MESSAGE);
      duo_expect_link_closed (d, DUO_SERVER, at_server, CAIMAN_REASON_LINK_BAD_MESSAGE);
    } else {
      g_assert_cmpuint (caiman_connection_get_message_max (d->client), ==, 1);
      g_assert_cmpuint (d->n_incoming, ==, 1);
    }
  }
}

/* PROTOCOL.md, 3: bytes left over are accepted, and so are extension bits. */
static void
test_lenient (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  guint link = duo_add_raw_link (d, DUO_CLIENT, "a");
  CaimanMessage welcome = duo_make_welcome (&some_id);
  welcome.extensions = G_MAXUINT32;
  gsize size = caiman_message_get_size (&welcome);
  g_autofree guint8 *bytes = g_malloc0 (size + 3);
  caiman_message_write (&welcome, bytes);
  duo_inject (d, DUO_CLIENT, link, bytes, size + 3);
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, link, CAIMAN_MESSAGE_CONNECT), ==, 1);
  CaimanMessage accepted = { .type = CAIMAN_MESSAGE_ACCEPTED };
  duo_inject_message (d, DUO_CLIENT, link, &accepted);
  duo_expect_link_state (d, DUO_CLIENT, link, CAIMAN_LINK_WORKING);
}

/* A handshake message out of its turn, or anything else before Accepted, ends the link. */
static void
test_out_of_turn (gconstpointer data)
{
  CaimanMessage message = { .type = (CaimanMessageType)GPOINTER_TO_INT (data) };
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  guint before_welcome = duo_add_raw_link (d, DUO_CLIENT, "a");
  if (message.type == CAIMAN_MESSAGE_WELCOME)
    message = duo_make_welcome (&some_id);
  else
    duo_inject_message (d, DUO_CLIENT, before_welcome, &message);
  guint before_accepted = duo_add_raw_link (d, DUO_CLIENT, "b");
  duo_raw_welcome (d, before_accepted, &some_id);
  if (message.type != CAIMAN_MESSAGE_ACCEPTED)
    duo_inject_message (d, DUO_CLIENT, before_accepted, &message);
  if (message.type != CAIMAN_MESSAGE_WELCOME)
    duo_expect_link_closed (d, DUO_CLIENT, before_welcome, CAIMAN_REASON_LINK_BAD_MESSAGE);
  if (message.type != CAIMAN_MESSAGE_ACCEPTED)
    duo_expect_link_closed (d, DUO_CLIENT, before_accepted, CAIMAN_REASON_LINK_BAD_MESSAGE);
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_CONNECTING);
}

/* PROTOCOL.md, 4.4: Refused 1, when a connection is unknown that the client says exists. */
static void
test_refused_closed (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  guint link = duo_add_raw_link (d, DUO_SERVER, "a");
  duo_raw_connect (d, link, &some_id, TRUE);
  const DuoMessage *last = duo_last_sent (d, DUO_SERVER, link, 0);
  g_assert_cmpint (last->message.type, ==, CAIMAN_MESSAGE_REFUSED);
  g_assert_cmpint (last->message.refused_code, ==, CAIMAN_REFUSED_CLOSED);
  duo_expect_link_state (d, DUO_SERVER, link, CAIMAN_LINK_CLOSED);
  g_assert_cmpuint (d->n_incoming, ==, 0);
}

/* ... and the client, told so, ends. */
static void
test_forgotten (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  duo_stall_link (d, 1);
  g_clear_pointer (&d->accepted, caiman_connection_free);
  duo_add_link (d, "b", MS (10));
  duo_advance (d, MS (50));
  g_assert_cmpint (duo_last_sent (d, DUO_SERVER, 2, 0)->message.refused_code, ==,
                   CAIMAN_REFUSED_CLOSED);
  duo_expect_side_ended (d, DUO_CLIENT, CAIMAN_REASON_CLOSED);
  duo_expect_link_closed (d, DUO_CLIENT, 2, CAIMAN_REASON_CLOSED);
}

/* One that had nothing left to do but hear the last Ack has finished all the same. */
static void
test_forgotten_when_done (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  duo_finish (d, DUO_SERVER);
  duo_advance (d, MS (50));
  duo_stall_link (d, 1);
  duo_finish (d, DUO_CLIENT);
  duo_expect_nothing (d, DUO_CLIENT, CAIMAN_REASON_FINISHED);
  g_clear_pointer (&d->accepted, caiman_connection_free);
  duo_add_link (d, "b", MS (10));
  duo_advance (d, MS (50));
  duo_expect_side_ended (d, DUO_CLIENT, CAIMAN_REASON_FINISHED);
}

/* Terminate may come while a link is in its handshake. */
static void
test_terminated (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  guint link = duo_add_raw_link (d, DUO_CLIENT, "a");
  duo_raw_welcome (d, link, &some_id);
  CaimanMessage terminate = { .type = CAIMAN_MESSAGE_TERMINATE };
  duo_inject_message (d, DUO_CLIENT, link, &terminate);
  duo_expect_side_ended (d, DUO_CLIENT, CAIMAN_REASON_TERMINATED);
  g_assert_true (caiman_connection_is_finished (d->client));
}

/* PROTOCOL.md, 4.4: Refused 2. */
static void
test_refused_not_listening (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  caiman_server_set_listening (d->server, FALSE, d->now_ns);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  g_assert_cmpint (duo_last_sent (d, DUO_SERVER, 1, 0)->message.refused_code, ==,
                   CAIMAN_REFUSED_NOT_LISTENING);
  duo_expect_side_ended (d, DUO_CLIENT, CAIMAN_REASON_NOT_LISTENING);
  duo_expect_link_closed (d, DUO_CLIENT, 1, CAIMAN_REASON_NOT_LISTENING);
  g_assert_cmpuint (duo_count_events (d, DUO_CLIENT, CAIMAN_EVENT_ENDED), ==, 1);
  g_assert_cmpuint (duo_count_events (d, DUO_CLIENT, CAIMAN_EVENT_CONNECTED), ==, 0);
  duo_advance (d, MS (50));
  g_assert_true (caiman_connection_is_finished (d->client));
}

/* Those that are accepted already still get new links while nobody listens. */
static void
test_not_listening_known (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  caiman_server_set_listening (d->server, FALSE, d->now_ns);
  duo_add_link (d, "b", MS (10));
  duo_advance (d, MS (50));
  duo_expect_link_state (d, DUO_CLIENT, 2, CAIMAN_LINK_WORKING);
}

/* PROTOCOL.md, 4.4: Refused 3 goes out on each link. */
static void
test_refused_connection (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  d->auto_accept = FALSE;
  duo_add_link (d, "a", MS (10));
  duo_add_link (d, "b", MS (10));
  duo_advance (d, MS (50));
  g_assert_cmpuint (d->n_incoming, ==, 1);
  duo_refuse (d);
  duo_advance (d, MS (50));
  for (guint link = 1; link <= 2; link++) {
    g_assert_cmpint (duo_last_sent (d, DUO_SERVER, link, 0)->message.refused_code, ==,
                     CAIMAN_REFUSED_CONNECTION);
    duo_expect_link_state (d, DUO_CLIENT, link, CAIMAN_LINK_CLOSED);
    duo_expect_link_state (d, DUO_SERVER, link, CAIMAN_LINK_CLOSED);
  }
  duo_expect_side_ended (d, DUO_CLIENT, CAIMAN_REASON_REFUSED);
  g_assert_cmpuint (caiman_server_get_n_pending (d->server), ==, 0);
}

/* A link that closes just before the refusal is told of, too. */
static void
test_refused_with_events (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  d->auto_accept = FALSE;
  duo_add_link (d, "a", MS (10));
  duo_add_link (d, "b", MS (10));
  duo_advance (d, MS (50));
  caiman_link_received (duo_get_link (d, DUO_SERVER, 2), (const guint8 *)"?", 1, NULL, d->now_ns);
  duo_refuse (d);
  duo_advance (d, MS (50));
  duo_expect_link_closed (d, DUO_SERVER, 2, CAIMAN_REASON_LINK_BAD_MESSAGE);
  duo_expect_link_closed (d, DUO_SERVER, 1, CAIMAN_REASON_REFUSED);
}

typedef struct {
  guint n_calls;
  gsize n_links;
  const char *rejected; /* name of the links to reject */
} Filter;

static gboolean
filter_by_name (const CaimanLink *candidate, CaimanLink *const *links, gsize n_links,
                gpointer user_data)
{
  Filter *filter = user_data;
  filter->n_calls++;
  filter->n_links = n_links;
  for (gsize i = 0; i < n_links; i++)
    g_assert_true (links[i] != candidate);
  return g_strcmp0 (caiman_link_get_name (candidate), filter->rejected) != 0;
}

/* PROTOCOL.md, 4.4: the server's link filter says Refused 4; the connection goes on. */
static void
test_refused_link (void)
{
  Filter filter = { .rejected = "b" };
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  caiman_server_set_link_filter (d->server, filter_by_name, &filter);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  g_assert_cmpuint (filter.n_calls, ==, 1);
  g_assert_cmpuint (filter.n_links, ==, 0);
  duo_add_link (d, "b", MS (10));
  duo_advance (d, MS (50));
  g_assert_cmpuint (filter.n_calls, ==, 2);
  g_assert_cmpuint (filter.n_links, ==, 1);
  g_assert_cmpint (duo_last_sent (d, DUO_SERVER, 2, 0)->message.refused_code, ==,
                   CAIMAN_REFUSED_LINK);
  duo_expect_link_closed (d, DUO_CLIENT, 2, CAIMAN_REASON_LINK_REFUSED);
  duo_expect_link_state (d, DUO_SERVER, 2, CAIMAN_LINK_CLOSED);
  duo_send (d, "still here");
  duo_advance (d, MS (20));
  duo_expect_delivered (d, "still here");
}

/* The first link may be refused, too; that alone does not end the client. */
static void
test_refused_first_link (void)
{
  Filter filter = { .rejected = "a" };
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  caiman_server_set_link_filter (d->server, filter_by_name, &filter);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  duo_expect_link_closed (d, DUO_CLIENT, 1, CAIMAN_REASON_LINK_REFUSED);
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_CONNECTING);
  duo_add_link (d, "b", MS (10));
  duo_advance (d, MS (50));
  duo_expect_link_state (d, DUO_CLIENT, 2, CAIMAN_LINK_WORKING);
}

/* PROTOCOL.md, 4.4: what the client's own filter rejects is closed silently after Accepted. */
static void
test_client_filter (void)
{
  Filter filter = { .rejected = "b" };
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  caiman_connection_set_link_filter (d->client, filter_by_name, &filter);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  duo_add_link (d, "b", MS (10));
  duo_advance (d, MS (50));
  g_assert_cmpuint (filter.n_calls, ==, 2);
  g_assert_cmpuint (filter.n_links, ==, 1);
  duo_expect_link_closed (d, DUO_CLIENT, 2, CAIMAN_REASON_LINK_FILTERED);
  g_assert_cmpint (duo_last_sent (d, DUO_SERVER, 2, CAIMAN_MESSAGE_ACCEPTED)->link, ==, 2);
  g_assert_cmpint (duo_last_sent (d, DUO_CLIENT, 2, 0)->message.type, ==, CAIMAN_MESSAGE_CONNECT);
  duo_send (d, "still here");
  duo_advance (d, MS (50));
  duo_expect_delivered (d, "still here");
  duo_expect_link_state (d, DUO_SERVER, 2, CAIMAN_LINK_CLOSED);
}

/* PROTOCOL.md, 4.4 and 4.5: the application inspects, takes its time, and accepts; meanwhile more
 * links join. What the client has sent waits. */
static void
test_late_accept (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  d->auto_accept = FALSE;
  g_autoptr (GBytes) user_data = g_bytes_new_static ("wlan0", 5);
  CaimanLinkInfo info = { .name = "a", .user_data = user_data };
  duo_add_link_full (d, &info, MS (10), NULL);
  duo_advance (d, MS (50));
  duo_send (d, "early");
  duo_add_link (d, "b", MS (10));
  duo_advance (d, S (5));

  g_assert_cmpuint (caiman_server_get_n_pending (d->server), ==, 1);
  CaimanConnection *pending = caiman_server_get_pending (d->server, 0);
  g_assert_true (pending == d->pending);
  expect_id (caiman_connection_get_id (pending), caiman_connection_get_id (d->client));
  expect_id (caiman_connection_get_remote_server_id (pending), &no_id);
  gsize n_links;
  CaimanLink *const *links = caiman_connection_get_links (pending, &n_links);
  g_assert_cmpuint (n_links, ==, 2);
  g_assert_cmpstr (caiman_link_get_name (links[0]), ==, "a");
  expect_user_data (links[0], "wlan0");
  g_assert_cmpint (duo_count_sent (d, DUO_SERVER, 0, CAIMAN_MESSAGE_ACCEPTED), ==, 0);
  g_assert_cmpint (duo_count_sent (d, DUO_CLIENT, 0, 0), ==, 2);
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_CONNECTING);

  duo_forget (d);
  duo_accept (d);
  duo_settle (d);
  for (guint link = 1; link <= 2; link++) {
    g_assert_cmpint (duo_count_sent (d, DUO_SERVER, link, 0), >=, 1);
    g_assert_cmpint (duo_count_sent (d, DUO_SERVER, link, CAIMAN_MESSAGE_ACCEPTED), ==, 1);
  }
  g_assert_cmpint (g_array_index (d->log, DuoMessage, 0).message.type, ==, CAIMAN_MESSAGE_ACCEPTED);
  duo_advance (d, MS (20));
  duo_expect_delivered (d, "early");
  g_assert_cmpuint (caiman_server_get_n_pending (d->server), ==, 0);
}

/* PROTOCOL.md, 4.7: waiting for the application counts as handshake. */
static void
test_accept_too_late (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  d->auto_accept = FALSE;
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (39990));
  duo_expect_link_state (d, DUO_CLIENT, 1, CAIMAN_LINK_CONNECTING);
  duo_advance (d, MS (20));
  duo_expect_link_closed (d, DUO_CLIENT, 1, CAIMAN_REASON_HANDSHAKE_TIMEOUT);
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_CONNECTING);
}

static guint
connect_as (Duo *d, guint8 number)
{
  CaimanId id = { { 0xaa, number } };
  guint link = duo_add_raw_link (d, DUO_SERVER, "raw");
  duo_raw_connect (d, link, &id, FALSE);
  return link;
}

/* PROTOCOL.md, 4.4: 32 connections may wait; further ones wait for room, and then come in. */
static void
test_queue_full (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  d->auto_accept = FALSE;
  for (guint8 i = 0; i < 32; i++)
    connect_as (d, i);
  g_assert_cmpuint (caiman_server_get_n_pending (d->server), ==, 32);
  guint last = connect_as (d, 32);
  guint same = connect_as (d, 32);
  guint gone = connect_as (d, 33);
  g_assert_cmpuint (caiman_server_get_n_pending (d->server), ==, 32);
  g_assert_cmpuint (d->n_incoming, ==, 32);
  duo_expect_link_state (d, DUO_SERVER, last, CAIMAN_LINK_CONNECTING);
  caiman_link_failed (duo_get_link (d, DUO_SERVER, gone), CAIMAN_REASON_LINK_RESET, d->now_ns);
  duo_settle (d);
  duo_expect_link_closed (d, DUO_SERVER, gone, CAIMAN_REASON_LINK_RESET);

  d->pending = caiman_server_get_pending (d->server, 0);
  duo_refuse (d);
  g_assert_cmpuint (d->n_incoming, ==, 33);
  g_assert_cmpuint (caiman_server_get_n_pending (d->server), ==, 32);
  CaimanConnection *youngest = caiman_server_get_pending (d->server, 31);
  g_assert_cmpuint (caiman_connection_get_id (youngest)->bytes[1], ==, 32);
  d->pending = youngest;
  duo_accept (d);
  duo_settle (d);
  g_assert_cmpuint (duo_count_sent (d, DUO_SERVER, last, CAIMAN_MESSAGE_ACCEPTED), ==, 1);
  g_assert_cmpuint (duo_count_sent (d, DUO_SERVER, same, CAIMAN_MESSAGE_ACCEPTED), ==, 1);
  g_assert_cmpuint (d->n_incoming, ==, 33);
}

/* All links of a connection that waits may go before it is accepted. */
static void
test_pending_without_links (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  d->auto_accept = FALSE;
  guint link = connect_as (d, 1);
  caiman_link_failed (duo_get_link (d, DUO_SERVER, link), CAIMAN_REASON_LINK_RESET, d->now_ns);
  duo_settle (d);
  duo_expect_link_closed (d, DUO_SERVER, link, CAIMAN_REASON_LINK_RESET);
  duo_advance (d, S (100));
  g_assert_cmpuint (caiman_server_get_n_handshakes (d->server), ==, 0);
  if (caiman_server_get_n_pending (d->server) > 0)
    duo_refuse (d);
  g_assert_cmpuint (caiman_server_get_n_pending (d->server), ==, 0);
}

/* PROTOCOL.md, 4.2: another server id ends the whole connection. */
static void
test_server_id_mismatch (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  duo_restart_server (d);
  guint link = duo_add_link (d, "b", MS (10));
  duo_advance (d, MS (50));
  duo_expect_side_ended (d, DUO_CLIENT, CAIMAN_REASON_SERVER_ID_MISMATCH);
  duo_expect_link_closed (d, DUO_CLIENT, link, CAIMAN_REASON_SERVER_ID_MISMATCH);
  g_assert_cmpuint (duo_count_sent (d, DUO_CLIENT, link, 0), ==, 0);
  g_assert_cmpint (duo_last_event (d, DUO_CLIENT, CAIMAN_EVENT_ENDED)->event.reason, ==,
                   CAIMAN_REASON_SERVER_ID_MISMATCH);
}

/* PROTOCOL.md, 4.7: 40 s for all of it, at both ends. */
static void
test_timeout (gconstpointer data)
{
  gboolean server_silent = GPOINTER_TO_INT (data);
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_stall_direction (d, server_silent ? DUO_SERVER : DUO_CLIENT, 1);
  duo_advance (d, MS (39999));
  duo_expect_link_state (d, DUO_CLIENT, 1, CAIMAN_LINK_CONNECTING);
  duo_expect_link_state (d, DUO_SERVER, 1, CAIMAN_LINK_CONNECTING);
  duo_advance (d, MS (2));
  duo_expect_link_closed (d, DUO_CLIENT, 1, CAIMAN_REASON_HANDSHAKE_TIMEOUT);
  duo_expect_link_closed (d, DUO_SERVER, 1, CAIMAN_REASON_HANDSHAKE_TIMEOUT);
  g_assert_cmpuint (caiman_server_get_n_handshakes (d->server), ==, 0);
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_CONNECTING);
}

static void
add_damages (const char *folder, const Damage *damages, gsize n, GTestDataFunc func)
{
  for (gsize i = 0; i < n; i++) {
    g_autofree char *path = g_strdup_printf ("/core/handshake/%s/%s", folder, damages[i].name);
    g_test_add_data_func (path, &damages[i], func);
  }
}

static void
add_out_of_turn (CaimanMessageType type)
{
  g_autofree char *path =
      g_strdup_printf ("/core/handshake/out-of-turn/%s", caiman_message_type_to_string (type));
  g_test_add_data_func (path, GINT_TO_POINTER (type), test_out_of_turn);
}

/* Several pending connections go at once, and the server is used between their events: what an
 * event names is still there when it is pulled. */
static void
test_pending_gone (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  d->auto_accept = FALSE;
  for (guint8 i = 1; i <= 3; i++)
    connect_as (d, i);
  for (guint link = 1; link <= 3; link++)
    caiman_link_failed (duo_get_link (d, DUO_SERVER, link), CAIMAN_REASON_LINK_RESET, d->now_ns);
  guint n_gone = 0;
  for (CaimanServerEvent event; caiman_server_next_event (d->server, &event);) {
    if (event.type == CAIMAN_SERVER_EVENT_GONE) {
      g_assert_cmpuint (caiman_connection_get_id (event.connection)->bytes[1], >=, 1);
      g_assert_cmpuint (caiman_connection_get_id (event.connection)->bytes[1], <=, 3);
      n_gone++;
    }
    caiman_server_set_listening (d->server, TRUE, d->now_ns);
  }
  g_assert_cmpuint (n_gone, ==, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/handshake/messages", test_messages);
  g_test_add_func ("/core/handshake/second-link", test_second_link);
  g_test_add_func ("/core/handshake/no-delay", test_no_delay);
  g_test_add_func ("/core/handshake/user-data", test_user_data);
  g_test_add_func ("/core/handshake/round-trip", test_round_trip);
  g_test_add_func ("/core/handshake/useless-buffer", test_useless_buffer);
  g_test_add_func ("/core/handshake/lenient", test_lenient);
  add_damages ("bad-welcome", welcome_damages, G_N_ELEMENTS (welcome_damages), test_bad_welcome);
  add_damages ("bad-connect", connect_damages, G_N_ELEMENTS (connect_damages), test_bad_connect);
  add_out_of_turn (CAIMAN_MESSAGE_WELCOME);
  add_out_of_turn (CAIMAN_MESSAGE_ACCEPTED);
  add_out_of_turn (CAIMAN_MESSAGE_PING);
  add_out_of_turn (CAIMAN_MESSAGE_DATA);
  add_out_of_turn (CAIMAN_MESSAGE_ACK);
  add_out_of_turn (CAIMAN_MESSAGE_GOODBYE);
  g_test_add_func ("/core/handshake/refused/closed", test_refused_closed);
  g_test_add_func ("/core/handshake/refused/forgotten", test_forgotten);
  g_test_add_func ("/core/handshake/refused/forgotten-when-done", test_forgotten_when_done);
  g_test_add_func ("/core/handshake/terminated", test_terminated);
  g_test_add_func ("/core/handshake/refused/not-listening", test_refused_not_listening);
  g_test_add_func ("/core/handshake/refused/not-listening-known", test_not_listening_known);
  g_test_add_func ("/core/handshake/refused/connection", test_refused_connection);
  g_test_add_func ("/core/handshake/refused/with-events", test_refused_with_events);
  g_test_add_func ("/core/handshake/refused/link", test_refused_link);
  g_test_add_func ("/core/handshake/refused/first-link", test_refused_first_link);
  g_test_add_func ("/core/handshake/client-filter", test_client_filter);
  g_test_add_func ("/core/handshake/late-accept", test_late_accept);
  g_test_add_func ("/core/handshake/accept-too-late", test_accept_too_late);
  g_test_add_func ("/core/handshake/queue-full", test_queue_full);
  g_test_add_func ("/core/handshake/pending-without-links", test_pending_without_links);
  g_test_add_func ("/core/handshake/pending-gone", test_pending_gone);
  g_test_add_func ("/core/handshake/server-id-mismatch", test_server_id_mismatch);
  g_test_add_data_func ("/core/handshake/timeout/client-silent", GINT_TO_POINTER (FALSE),
                        test_timeout);
  g_test_add_data_func ("/core/handshake/timeout/server-silent", GINT_TO_POINTER (TRUE),
                        test_timeout);
  return g_test_run ();
}
