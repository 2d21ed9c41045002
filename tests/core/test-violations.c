/* SPDX-License-Identifier: Apache-2.0 */
/* test-violations.c - each broken rule ends what PROTOCOL.md, 3 and 5, say it ends: that link, or
 * the connection, and never the process. */
#include "tests/core/duo.h"

#include <string.h>

static const CaimanId some_id = { { 1, 2, 3 } };

static Duo *
new_open (void)
{
  CaimanConfig config = duo_config ();
  config.receive_buffer_bytes = 10000;
  Duo *d = duo_new (&config, &config);
  duo_add_link (d, "a", MS (10));
  duo_add_link (d, "b", MS (10));
  duo_advance (d, MS (50));
  return d;
}

/* The connection of @side has ended with a protocol error, because of link 1. */
static void
expect_connection_error (Duo *d, DuoSide side)
{
  duo_expect_side_ended (d, side, CAIMAN_REASON_PROTOCOL_ERROR);
  duo_expect_link_closed (d, side, 1, CAIMAN_REASON_PROTOCOL_ERROR);
  duo_expect_link_state (d, side, 2, CAIMAN_LINK_CLOSED);
  const DuoEvent *ended = duo_last_event (d, side, CAIMAN_EVENT_ENDED);
  g_assert_cmpint (ended->event.reason, ==, CAIMAN_REASON_PROTOCOL_ERROR);
  /* What came in order before can still be read. */
  g_autoptr (GError) error = NULL;
  while (TRUE) {
    g_autoptr (GBytes) message =
        caiman_connection_receive (duo_get_end (d, side), d->now_ns, &error);
    if (!message)
      break;
  }
  g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_PROTOCOL_ERROR);
  g_assert_true (caiman_connection_is_finished (duo_get_end (d, side)));
  g_assert_cmpint (caiman_connection_get_deadline (duo_get_end (d, side)), ==, CAIMAN_TIME_NEVER);
}

/* Only link 1 has failed; the connection works on over link 2. */
static void
expect_link_error (Duo *d, DuoSide side)
{
  duo_expect_link_closed (d, side, 1, CAIMAN_REASON_LINK_BAD_MESSAGE);
  duo_expect_state (d, side, CAIMAN_CONNECTION_OPEN);
  duo_send (d, "still here");
  duo_server_send (d, "me too");
  duo_advance (d, MS (50));
  duo_expect_delivered (d, "still here");
  duo_expect_client_delivered (d, "me too");
}

typedef struct {
  const char *name;
  const guint8 *bytes;
  gsize size;
} RawPacket;

#define RAW(name_, literal)                                                                        \
  {                                                                                                \
    .name = name_, .bytes = (const guint8 *)literal, .size = sizeof literal - 1                    \
  }

/* PROTOCOL.md, 3: what cannot be parsed. */
static const RawPacket unparsable[] = {
  RAW ("empty", ""),
  RAW ("type-zero", "\x00"),
  RAW ("type-17", "\x11"),
  RAW ("type-255", "\xff\x01\x02\x03"),
  RAW ("data-short", "\x07\x00\x00\x01"),
  RAW ("ack-short", "\x08\x00"),
  RAW ("consumed-short", "\x09\x00\x00\x00\x00\x00\x00\x00"),
  RAW ("send-finish-short", "\x0a\x00\x00\x00"),
  RAW ("receive-close-short", "\x0b"),
  RAW ("receive-finish-short", "\x0c\x00"),
  RAW ("set-block-short", "\x0e"),
  RAW ("refused-short", "\x04"),
  RAW ("refused-reason-0", "\x04\x00"),
  RAW ("refused-reason-5", "\x04\x05"),
  RAW ("welcome-short", "\x01LIAG\x00\x04"),
  RAW ("welcome-magic", "\x01LIAX\x00\x04"),
};

static void
test_unparsable (gconstpointer data)
{
  const RawPacket *packet = data;
  for (DuoSide side = 0; side < DUO_N_SIDES; side++) {
    g_autoptr (Duo) d = new_open ();
    duo_inject (d, side, 1, packet->bytes, packet->size);
    expect_link_error (d, side);
  }
}

/* PROTOCOL.md, 3: bytes left over after the fields are accepted. */
static const RawPacket lenient[] = {
  RAW ("ping-longer", "\x05more"),
  RAW ("pong-unasked", "\x06"),
  RAW ("ack-longer", "\x08\x00\x00\x00\x09more"),
  RAW ("set-block-2", "\x0e\x02"),
  RAW ("test-data-empty", "\x0d"),
  RAW ("test-data-any", "\x0dwhatever"),
};

static void
test_lenient (gconstpointer data)
{
  const RawPacket *packet = data;
  for (DuoSide side = 0; side < DUO_N_SIDES; side++) {
    g_autoptr (Duo) d = new_open ();
    duo_inject (d, side, 1, packet->bytes, packet->size);
    duo_expect_link_state (d, side, 1, CAIMAN_LINK_WORKING);
    duo_send (d, "still here");
    duo_advance (d, MS (50));
    duo_expect_delivered (d, "still here");
  }
}

/* A handshake message on an established link ends the connection. */
static void
test_handshake_message (gconstpointer data)
{
  CaimanMessage message = { .type = (CaimanMessageType)GPOINTER_TO_INT (data),
                            .refused_code = CAIMAN_REFUSED_CLOSED };
  for (DuoSide side = 0; side < DUO_N_SIDES; side++) {
    g_autoptr (Duo) d = new_open ();
    if (message.type == CAIMAN_MESSAGE_WELCOME)
      message = duo_make_welcome (&some_id);
    else if (message.type == CAIMAN_MESSAGE_CONNECT)
      message = duo_make_connect (d, 1, &some_id, FALSE);
    duo_inject_message (d, side, 1, &message);
    expect_connection_error (d, side);
  }
}

static void
inject_data (Duo *d, DuoSide side, guint32 seq, gsize size)
{
  CaimanMessage data = { .type = CAIMAN_MESSAGE_DATA, .seq = seq };
  duo_inject_message (d, side, 1, &data);
  g_autofree guint8 *payload = g_malloc0 (size + 1);
  duo_inject (d, side, 1, payload, size);
}

/* More data than the receive buffer: in order and unread, or behind a gap, or both. */
static void
test_overflow (gconstpointer data)
{
  guint32 first_seq = (guint32)GPOINTER_TO_INT (data);
  for (DuoSide side = 0; side < DUO_N_SIDES; side++) {
    g_autoptr (Duo) d = new_open ();
    for (guint32 i = 0; i < 10; i++)
      inject_data (d, side, first_seq + i, 1000);
    duo_expect_state (d, side, CAIMAN_CONNECTION_OPEN);
    inject_data (d, side, first_seq + 10, 0);
    duo_expect_state (d, side, CAIMAN_CONNECTION_OPEN);
    inject_data (d, side, first_seq + 11, 1);
    expect_connection_error (d, side);
  }
}

/* What was consumed but not told by Consumed yet still counts: the peer cannot know of it. */
static void
test_overflow_unreturned (void)
{
  g_autoptr (Duo) d = new_open ();
  for (guint32 i = 0; i < 10; i++)
    inject_data (d, DUO_SERVER, i, 1000);
  g_autoptr (GBytes) message = caiman_connection_receive (d->accepted, d->now_ns, NULL);
  g_assert_nonnull (message);
  inject_data (d, DUO_SERVER, 10, 1);
  expect_connection_error (d, DUO_SERVER);
}

/* One message may fill it. */
static void
test_overflow_single (void)
{
  g_autoptr (Duo) d = new_open ();
  inject_data (d, DUO_CLIENT, 0, 10000);
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_OPEN);
  g_autoptr (Duo) too_much = new_open ();
  inject_data (too_much, DUO_CLIENT, 0, 10001);
  expect_connection_error (too_much, DUO_CLIENT);
}

/* Consumed for more than was sent. */
static void
test_consumed_too_much (void)
{
  g_autoptr (Duo) d = new_open ();
  duo_send (d, "12345");
  CaimanMessage consumed = { .type = CAIMAN_MESSAGE_CONSUMED, .seq = 0, .consumed_bytes = 5 };
  duo_inject_message (d, DUO_CLIENT, 1, &consumed);
  duo_inject_message (d, DUO_CLIENT, 1, &consumed); /* a duplicate counts once */
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_OPEN);
  consumed.seq = 1;
  consumed.consumed_bytes = 0;
  duo_inject_message (d, DUO_CLIENT, 1, &consumed);
  duo_expect_state (d, DUO_CLIENT, CAIMAN_CONNECTION_OPEN);
  consumed.seq = 2;
  consumed.consumed_bytes = 1;
  duo_inject_message (d, DUO_CLIENT, 1, &consumed);
  expect_connection_error (d, DUO_CLIENT);
}

/* It acts on arrival, ahead of gaps, and so does the check. */
static void
test_consumed_ahead (void)
{
  g_autoptr (Duo) d = new_open ();
  CaimanMessage consumed = { .type = CAIMAN_MESSAGE_CONSUMED,
                             .seq = 100,
                             .consumed_bytes = G_MAXUINT32 };
  duo_inject_message (d, DUO_SERVER, 1, &consumed);
  expect_connection_error (d, DUO_SERVER);
}

/* Two Goodbyes from one side. */
static void
test_second_goodbye (void)
{
  CaimanMessage goodbye = { .type = CAIMAN_MESSAGE_GOODBYE };
  for (DuoSide side = 0; side < DUO_N_SIDES; side++) {
    g_autoptr (Duo) d = new_open ();
    duo_stall_link (d, 1);
    duo_inject_message (d, side, 1, &goodbye);
    duo_expect_link_state (d, side, 1, CAIMAN_LINK_CLOSING);
    duo_inject_message (d, side, 1, &goodbye);
    expect_connection_error (d, side);
  }
}

/* Also on the last link of a connection that has all but finished: that is no graceful end. */
static void
test_last_link (void)
{
  g_autoptr (Duo) d = duo_new (NULL, NULL);
  duo_add_link (d, "a", MS (10));
  duo_advance (d, MS (50));
  duo_finish (d, DUO_SERVER);
  duo_advance (d, MS (50));
  duo_stall_link (d, 1);
  duo_finish (d, DUO_CLIENT);
  CaimanMessage accepted = { .type = CAIMAN_MESSAGE_ACCEPTED };
  duo_inject_message (d, DUO_CLIENT, 1, &accepted);
  duo_expect_side_ended (d, DUO_CLIENT, CAIMAN_REASON_PROTOCOL_ERROR);
  duo_expect_link_closed (d, DUO_CLIENT, 1, CAIMAN_REASON_PROTOCOL_ERROR);
}

/* A sequence number more than 65 536 ahead of the next expected one, of any reliable type. */
static void
test_seq_too_far (gconstpointer data)
{
  CaimanMessage message = { .type = (CaimanMessageType)GPOINTER_TO_INT (data) };
  const guint32 too_far[] = { 65537, 70000, 0x7fffffff };
  for (gsize i = 0; i < G_N_ELEMENTS (too_far); i++) {
    g_autoptr (Duo) d = new_open ();
    message.seq = too_far[i];
    duo_inject_message (d, DUO_SERVER, 1, &message);
    if (message.type == CAIMAN_MESSAGE_DATA)
      duo_inject (d, DUO_SERVER, 1, "x", 1);
    expect_connection_error (d, DUO_SERVER);
  }
  /* As far as a peer may go. */
  g_autoptr (Duo) d = new_open ();
  message.seq = 65536;
  duo_inject_message (d, DUO_SERVER, 1, &message);
  if (message.type == CAIMAN_MESSAGE_DATA)
    duo_inject (d, DUO_SERVER, 1, "x", 1);
  duo_expect_state (d, DUO_SERVER, CAIMAN_CONNECTION_OPEN);
  g_assert_cmpuint (duo_last_sent (d, DUO_SERVER, 1, CAIMAN_MESSAGE_ACK)->message.seq, ==, 65536);
}

/* Behind the next expected one all numbers are duplicates: acknowledged and dropped. */
static void
test_seq_behind (void)
{
  g_autoptr (Duo) d = new_open ();
  inject_data (d, DUO_SERVER, G_MAXUINT32, 5);
  inject_data (d, DUO_SERVER, 0x80000000u, 5);
  duo_expect_state (d, DUO_SERVER, CAIMAN_CONNECTION_OPEN);
  g_assert_cmpuint (duo_count_sent (d, DUO_SERVER, 1, CAIMAN_MESSAGE_ACK), ==, 2);
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_WOULD_BLOCK);
}

/* Data behind SendFinish is nobody's: acknowledged, not delivered. A second SendFinish is dropped.
 */
static void
test_data_after_finish (void)
{
  g_autoptr (Duo) d = new_open ();
  CaimanMessage finish = { .type = CAIMAN_MESSAGE_SEND_FINISH, .seq = 0 };
  duo_inject_message (d, DUO_SERVER, 1, &finish);
  inject_data (d, DUO_SERVER, 1, 5);
  finish.seq = 2;
  duo_inject_message (d, DUO_SERVER, 1, &finish);
  duo_expect_nothing (d, DUO_SERVER, CAIMAN_REASON_FINISHED);
  g_assert_cmpuint (duo_count_sent (d, DUO_SERVER, 1, CAIMAN_MESSAGE_ACK), ==, 3);
  duo_expect_state (d, DUO_SERVER, CAIMAN_CONNECTION_OPEN);
}

/* A flood of Pings is answered by no more Pongs than the link takes: one may be due at a time. */
static void
test_ping_flood (void)
{
  g_autoptr (Duo) d = new_open ();
  duo_limit_link (d, 1, 1, 0);
  duo_stall_link (d, 1);
  duo_forget (d);
  CaimanMessage ping = { .type = CAIMAN_MESSAGE_PING };
  for (guint i = 0; i < 1000; i++)
    duo_inject_message (d, DUO_SERVER, 1, &ping);
  g_assert_cmpuint (duo_count_sent (d, DUO_SERVER, 1, CAIMAN_MESSAGE_PONG), ==, 1);
  duo_limit_link (d, 1, 0, 0);
  g_assert_cmpuint (duo_count_sent (d, DUO_SERVER, 1, CAIMAN_MESSAGE_PONG), ==, 2);
}

/* The same sequence number over and over, on a link that takes no answers: the acknowledgements
 * that wait must not grow without bound, so the link is not read beyond some number. */
static void
test_ack_flood (void)
{
  g_autoptr (Duo) d = new_open ();
  inject_data (d, DUO_SERVER, 0, 1);
  duo_limit_link (d, 1, 1, 0);
  duo_stall_link (d, 1);
  CaimanMessage consumed = { .type = CAIMAN_MESSAGE_CONSUMED, .seq = 0 };
  guint8 bytes[16];
  gsize size = caiman_message_write (&consumed, bytes);
  CaimanLink *link = duo_get_link (d, DUO_SERVER, 1);
  guint n = 0;
  while (n < 1000000 && caiman_link_wants_packets (link)) {
    caiman_link_received (link, bytes, size, NULL, d->now_ns);
    n++;
  }
  g_assert_cmpuint (n, <, 300000);
  duo_expect_state (d, DUO_SERVER, CAIMAN_CONNECTION_OPEN);
}

/* Random packets never do worse than end the connection. */
static void
test_noise (void)
{
  for (guint64 seed = 0; seed < 300; seed++) {
    CaimanPrng prng;
    caiman_prng_init (&prng, seed);
    CaimanRandom random = caiman_prng_as_random (&prng);
    g_autoptr (Duo) d = new_open ();
    d->auto_read = FALSE;
    for (guint i = 0; i < 60; i++) {
      guint8 bytes[24];
      DuoSide side = (DuoSide)caiman_prng_below (&prng, DUO_N_SIDES);
      guint link = 1 + (guint)caiman_prng_below (&prng, 2);
      gsize size = caiman_prng_below (&prng, sizeof bytes + 1);
      caiman_random_fill (&random, bytes, sizeof bytes);
      bytes[0] = (guint8)caiman_prng_below (&prng, 18);
      if (caiman_prng_below (&prng, 4) != 0)
        memset (bytes + 1, 0, 3); /* plausible sequence numbers */
      if (caiman_prng_below (&prng, 4) != 0)
        size = MAX (size, 9);
      CaimanConnection *end = duo_get_end (d, side);
      gsize n_links;
      CaimanLink *const *links = caiman_connection_get_links (end, &n_links);
      if (link > n_links)
        continue;
      caiman_link_received (links[link - 1], bytes, size, NULL, d->now_ns);
      duo_advance (d, MS (1));
    }
    duo_advance (d, S (1000));
    for (DuoSide side = 0; side < DUO_N_SIDES; side++)
      duo_expect_state (d, side, CAIMAN_CONNECTION_ENDED);
  }
}

static void
add_packets (const char *folder, const RawPacket *packets, gsize n, GTestDataFunc func)
{
  for (gsize i = 0; i < n; i++) {
    g_autofree char *path = g_strdup_printf ("/core/violations/%s/%s", folder, packets[i].name);
    g_test_add_data_func (path, &packets[i], func);
  }
}

static void
add_types (const char *folder, const CaimanMessageType *types, gsize n, GTestDataFunc func)
{
  for (gsize i = 0; i < n; i++) {
    g_autofree char *path = g_strdup_printf ("/core/violations/%s/%s", folder,
                                             caiman_message_type_to_string (types[i]));
    g_test_add_data_func (path, GINT_TO_POINTER (types[i]), func);
  }
}

int
main (int argc, char **argv)
{
  static const CaimanMessageType handshake[] = { CAIMAN_MESSAGE_WELCOME, CAIMAN_MESSAGE_CONNECT,
                                                 CAIMAN_MESSAGE_ACCEPTED, CAIMAN_MESSAGE_REFUSED };
  static const CaimanMessageType reliable[] = { CAIMAN_MESSAGE_DATA, CAIMAN_MESSAGE_CONSUMED,
                                                CAIMAN_MESSAGE_SEND_FINISH,
                                                CAIMAN_MESSAGE_RECEIVE_CLOSE,
                                                CAIMAN_MESSAGE_RECEIVE_FINISH };
  g_test_init (&argc, &argv, NULL);
  add_packets ("unparsable", unparsable, G_N_ELEMENTS (unparsable), test_unparsable);
  add_packets ("lenient", lenient, G_N_ELEMENTS (lenient), test_lenient);
  add_types ("handshake", handshake, G_N_ELEMENTS (handshake), test_handshake_message);
  g_test_add_data_func ("/core/violations/overflow/in-order", GINT_TO_POINTER (0), test_overflow);
  g_test_add_data_func ("/core/violations/overflow/behind-gap", GINT_TO_POINTER (1), test_overflow);
  g_test_add_func ("/core/violations/overflow/unreturned", test_overflow_unreturned);
  g_test_add_func ("/core/violations/overflow/single", test_overflow_single);
  g_test_add_func ("/core/violations/consumed/too-much", test_consumed_too_much);
  g_test_add_func ("/core/violations/consumed/ahead", test_consumed_ahead);
  g_test_add_func ("/core/violations/second-goodbye", test_second_goodbye);
  g_test_add_func ("/core/violations/last-link", test_last_link);
  add_types ("seq-too-far", reliable, G_N_ELEMENTS (reliable), test_seq_too_far);
  g_test_add_func ("/core/violations/seq-behind", test_seq_behind);
  g_test_add_func ("/core/violations/data-after-finish", test_data_after_finish);
  g_test_add_func ("/core/violations/ping-flood", test_ping_flood);
  g_test_add_func ("/core/violations/ack-flood", test_ack_flood);
  g_test_add_func ("/core/violations/noise", test_noise);
  return g_test_run ();
}
