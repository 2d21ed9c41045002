/* SPDX-License-Identifier: Apache-2.0 */
/* contract.c - see contract.h. Every packet is one number of a sequence, and its size and bytes
 * follow from the number, so that the receiver can tell loss, change and disorder. */
#include "tests/transports/contract.h"

#include <string.h>

/* In real time; nothing takes long, but the machine may be busy. */
#define DEADLINE_US (30 * G_USEC_PER_SEC)
/* What a carrier may take in while nobody reads: its own and the kernel's buffers, at both ends. */
#define BUFFERED_MAX_BYTES (64u * 1024u * 1024u)

typedef struct _Pair Pair;

/* What a user does from inside a call-back. */
typedef enum { DO_NOTHING, DO_FREE, DO_FREE_PEER, DO_CLOSE, DO_ABORT } Deed;

typedef struct {
  Pair *pair;
  CaimanTransport *transport; /* NULL once freed */
  gboolean over;              /* freed, aborted or failed: no call-back may come */
  gboolean may_be_full;       /* is_writable() said FALSE, or did not say since the last send() */
  gboolean was_connected;
  CaimanReason reason; /* of failed() */
  guint n_writable;
  guint n_sent, n_to_send; /* packets; both of a message with its payload count */
  guint n_received;
  guint64 sent_bytes, received_bytes;
  gboolean one_at_a_time; /* stops reading with each packet */
  gboolean echo;          /* sends a packet for each that comes */
  Deed on_connected, on_packet, on_writable, on_failed;
} User;

struct _Pair {
  const ContractCarrier *carrier;
  gpointer place;
  const gsize *sizes; /* of packets, in turn */
  gsize n_sizes;
  User client, server;
};

static const gsize mixed_sizes[] = { 0,    1,    5,     15,    16,     17,      64, 65, 100,
                                     1000, 4095, 4096,  16384, 65535,  65536,   7,  0,  65537,
                                     3,    200,  31000, 1,     262144, 1048576, 9,  5 };
static const gsize large_sizes[] = { CAIMAN_FRAME_PAYLOAD_MAX_BYTES, 5,
                                     CAIMAN_FRAME_PAYLOAD_MAX_BYTES - 1, 0 };
static const gsize medium_sizes[] = { 5, 60000 };
static const gsize small_sizes[] = { 5, 100 };

/* --- Packets --- */

static gsize
get_size (const Pair *pair, guint number)
{
  return pair->sizes[number % pair->n_sizes];
}

static guint8
get_byte (guint number, gsize position)
{
  return (guint8)(number * 31 + position + (position >> 8) * 7);
}

static GBytes *
make_packet (const Pair *pair, guint number)
{
  gsize size = get_size (pair, number);
  guint8 *data = g_malloc (size + 1);
  for (gsize i = 0; i < size; i++)
    data[i] = get_byte (number, i);
  return g_bytes_new_take (data, size);
}

static void
check_packet (const Pair *pair, guint number, const guint8 *data, gsize size)
{
  g_assert_cmpuint (size, ==, get_size (pair, number));
  for (gsize i = 0; i < size; i++)
    if (data[i] != get_byte (number, i))
      g_error ("packet %u is wrong at byte %zu", number, i);
}

/* --- Users --- */

static void
end_user (User *user)
{
  CaimanTransport *transport = g_steal_pointer (&user->transport);
  if (!transport)
    return;
  user->over = TRUE;
  transport->klass->free (transport);
}

static gboolean
is_writable (User *user)
{
  gboolean writable = user->transport->klass->is_writable (user->transport);
  user->may_be_full = !writable;
  return writable;
}

/* Sends message and payload in one, so that every second number is a payload. */
static void
send_one (User *user)
{
  CaimanPacket packet = { 0 };
  gsize size = get_size (user->pair, user->n_sent);
  GBytes *message = make_packet (user->pair, user->n_sent++);
  if (size <= CAIMAN_PACKET_INLINE_BYTES) {
    memcpy (packet.inline_bytes, g_bytes_get_data (message, NULL), size);
    packet.inline_len = (guint8)size;
    g_bytes_unref (message);
  } else {
    packet.message = message;
  }
  packet.payload = make_packet (user->pair, user->n_sent++);
  user->sent_bytes += caiman_packet_get_size (&packet);
  user->may_be_full = TRUE;
  user->transport->klass->send (user->transport, &packet);
  g_assert_true (packet.message == NULL && packet.payload == NULL && packet.inline_len == 0);
}

static void
send_more (User *user)
{
  while (!user->over && user->n_sent < user->n_to_send && is_writable (user))
    send_one (user);
}

static void
set_reading (User *user, gboolean reading)
{
  user->transport->klass->set_reading (user->transport, reading);
}

static User *
get_peer (User *user)
{
  return user == &user->pair->client ? &user->pair->server : &user->pair->client;
}

static void
act (User *user, Deed deed)
{
  if (deed == DO_FREE) {
    end_user (user);
  } else if (deed == DO_FREE_PEER) {
    end_user (get_peer (user));
  } else if (deed == DO_CLOSE && !user->over) {
    user->transport->klass->close (user->transport);
    end_user (user);
  } else if (deed == DO_ABORT && !user->over) {
    user->over = TRUE;
    user->transport->klass->abort (user->transport);
  }
}

static void
on_connected (gpointer user_data)
{
  User *user = user_data;
  g_assert_false (user->over || user->was_connected);
  g_assert_true (user == &user->pair->client);
  user->was_connected = TRUE;
  user->may_be_full = FALSE;
  send_more (user);
  act (user, user->on_connected);
}

static void
on_packet (gpointer user_data, const guint8 *data, gsize size, GBytes *bytes)
{
  User *user = user_data;
  g_assert_false (user->over);
  check_packet (user->pair, user->n_received++, data, size);
  user->received_bytes += size;
  if (bytes) {
    gsize whole;
    g_assert_true (g_bytes_get_data (bytes, &whole) == data || size == 0);
    g_assert_cmpuint (whole, ==, size);
  }
  if (user->one_at_a_time)
    set_reading (user, FALSE);
  if (user->echo && user->n_received % 2 == 0)
    user->n_to_send = user->n_received;
  if (user->echo)
    send_more (user);
  act (user, user->on_packet);
}

static void
on_writable (gpointer user_data)
{
  User *user = user_data;
  g_assert_false (user->over);
  g_assert_true (user->may_be_full);
  g_assert_true (is_writable (user));
  user->n_writable++;
  send_more (user);
  act (user, user->on_writable);
}

static void
on_failed (gpointer user_data, CaimanReason reason)
{
  User *user = user_data;
  g_assert_false (user->over);
  g_assert_cmpint (reason, !=, CAIMAN_REASON_NONE);
  user->over = TRUE;
  user->reason = reason;
  g_assert_false (user->transport->klass->is_writable (user->transport));
  act (user, user->on_failed);
}

static const CaimanTransportEvents events = { on_connected, on_packet, on_writable, on_failed };

static void
attach (Pair *pair, User *user, CaimanTransport *transport)
{
  g_assert_nonnull (transport);
  user->pair = pair;
  user->transport = transport;
  transport->events = &events;
  transport->user_data = user;
}

/* --- Pairs --- */

static void
on_accept (gpointer user_data, CaimanTransport *end)
{
  Pair *pair = user_data;
  g_assert_null (pair->server.transport);
  attach (pair, &pair->server, end);
  pair->server.was_connected = TRUE;
  g_assert_true (is_writable (&pair->server) || pair->carrier->accepts_early);
}

static Pair *
pair_new (const ContractCarrier *carrier)
{
  Pair *pair = g_new0 (Pair, 1);
  pair->carrier = carrier;
  pair->sizes = mixed_sizes;
  pair->n_sizes = G_N_ELEMENTS (mixed_sizes);
  pair->place = carrier->new (on_accept, pair);
  return pair;
}

static void
pair_free (Pair *pair)
{
  end_user (&pair->client);
  end_user (&pair->server);
  pair->carrier->settle (pair->place);
  pair->carrier->free (pair->place);
  g_free (pair);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pair, pair_free)

static void
use_sizes (Pair *pair, const gsize *sizes, gsize n_sizes)
{
  pair->sizes = sizes;
  pair->n_sizes = n_sizes;
}

static void
start (Pair *pair)
{
  attach (pair, &pair->client, pair->carrier->connect (pair->place));
  g_assert_false (is_writable (&pair->client));
}

#define wait_until(pair, condition)                                                                \
  G_STMT_START                                                                                     \
  {                                                                                                \
    gint64 deadline_us_ = g_get_monotonic_time () + DEADLINE_US;                                   \
    while (!(condition)) {                                                                         \
      gboolean goes_on_ = (pair)->carrier->step ((pair)->place);                                   \
      if (!(condition))                                                                            \
        g_assert_true (goes_on_ &&g_get_monotonic_time () < deadline_us_);                         \
    }                                                                                              \
  }                                                                                                \
  G_STMT_END

static void
settle (Pair *pair)
{
  pair->carrier->settle (pair->place);
}

static Pair *
connected_pair_new (gconstpointer carrier)
{
  Pair *pair = pair_new (carrier);
  start (pair);
  wait_until (pair,
              pair->client.was_connected && pair->server.transport && is_writable (&pair->server));
  return pair;
}

/* --- Tests --- */

static void
transfer (Pair *pair, guint n_up, guint n_down)
{
  pair->client.n_to_send = n_up;
  pair->server.n_to_send = n_down;
  send_more (&pair->client);
  send_more (&pair->server);
  wait_until (pair, pair->server.n_received == n_up && pair->client.n_received == n_down);
  g_assert_cmpuint (pair->server.received_bytes, ==, pair->client.sent_bytes);
  g_assert_cmpuint (pair->client.received_bytes, ==, pair->server.sent_bytes);
  settle (pair);
  g_assert_false (pair->client.over || pair->server.over);
}

static void
test_order (gconstpointer carrier)
{
  g_autoptr (Pair) pair = connected_pair_new (carrier);
  transfer (pair, 104, 52);
}

static void
test_large (gconstpointer carrier)
{
  g_autoptr (Pair) pair = connected_pair_new (carrier);
  use_sizes (pair, large_sizes, G_N_ELEMENTS (large_sizes));
  transfer (pair, 4, 2);
}

/* Many frames per write, and several to a payload's end. */
static void
test_many_small (gconstpointer carrier)
{
  g_autoptr (Pair) pair = connected_pair_new (carrier);
  use_sizes (pair, small_sizes, G_N_ELEMENTS (small_sizes));
  transfer (pair, 20000, 20000);
}

static void
test_empty (gconstpointer carrier)
{
  static const gsize none[] = { 0 };
  g_autoptr (Pair) pair = connected_pair_new (carrier);
  use_sizes (pair, none, 1);
  transfer (pair, 10, 10);
}

/* Sends as soon as connected() and acceptance allow. */
static void
test_send_at_once (gconstpointer carrier)
{
  g_autoptr (Pair) pair = pair_new (carrier);
  pair->client.n_to_send = 2;
  start (pair);
  wait_until (pair, pair->server.n_received == 2);
  g_assert_true (pair->client.was_connected);
}

/* One message back and forth, sent from inside packet(). */
static void
test_ping_pong (gconstpointer carrier)
{
  g_autoptr (Pair) pair = connected_pair_new (carrier);
  use_sizes (pair, small_sizes, G_N_ELEMENTS (small_sizes));
  pair->server.echo = TRUE;
  for (guint round = 1; round <= 200; round++) {
    pair->client.n_to_send = 2 * round;
    send_more (&pair->client);
    wait_until (pair, pair->client.n_received == 2 * round);
  }
}

static void
fill (Pair *pair)
{
  use_sizes (pair, medium_sizes, G_N_ELEMENTS (medium_sizes));
  set_reading (&pair->server, FALSE);
  guint n_received = pair->server.n_received;
  pair->client.n_to_send = G_MAXUINT;
  do {
    send_more (&pair->client);
    settle (pair);
    g_assert_cmpuint (pair->client.sent_bytes, <=, BUFFERED_MAX_BYTES);
  } while (is_writable (&pair->client));
  g_assert_cmpuint (pair->server.n_received, ==, n_received);
}

/* A peer that does not read stops the sender, and nothing else happens. */
static void
test_back_pressure (gconstpointer carrier)
{
  g_autoptr (Pair) pair = connected_pair_new (carrier);
  fill (pair);
  guint n_writable = pair->client.n_writable;
  pair->client.n_to_send = pair->client.n_sent;
  set_reading (&pair->server, TRUE);
  wait_until (pair, pair->server.n_received == pair->client.n_sent);
  wait_until (pair, pair->client.n_writable > n_writable);
  g_assert_false (pair->client.over || pair->server.over);
}

/* The other direction goes on while one is stopped. */
static void
test_directions_are_independent (gconstpointer carrier)
{
  g_autoptr (Pair) pair = connected_pair_new (carrier);
  fill (pair);
  pair->server.n_to_send = 100;
  send_more (&pair->server);
  wait_until (pair, pair->client.n_received == 100);
  g_assert_cmpuint (pair->server.n_received, ==, 0);
}

/* No packet() once set_reading (FALSE) has been called, also from inside packet(). */
static void
test_one_at_a_time (gconstpointer carrier)
{
  g_autoptr (Pair) pair = connected_pair_new (carrier);
  pair->server.one_at_a_time = TRUE;
  pair->client.n_to_send = 26;
  send_more (&pair->client);
  for (guint i = 1; i <= 26; i++) {
    wait_until (pair, pair->server.n_received == i);
    if (i < 10)
      settle (pair);
    g_assert_cmpuint (pair->server.n_received, ==, i);
    set_reading (&pair->server, TRUE);
  }
}

static void
test_send_limit (gconstpointer carrier)
{
  g_autoptr (Pair) pair = connected_pair_new (carrier);
  const CaimanTransportClass *klass = pair->client.transport->klass;
  if (!klass->set_send_limit) {
    g_test_skip ("no send limit on this carrier");
    return;
  }
  klass->set_send_limit (pair->client.transport, 4096);
  transfer (pair, 104, 52);
  klass->set_send_limit (pair->client.transport, 1);
  fill (pair);
  guint n_sent = pair->client.n_sent;
  klass->set_send_limit (pair->client.transport, 1024 * 1024);
  wait_until (pair, is_writable (&pair->client) || pair->client.n_sent > n_sent);
}

/* Who asks again after the limit has been raised, and hears that there is room, is told all the
 * same: what it has noted down when it heard FALSE is still to be taken back. */
static void
test_writable_is_owed (gconstpointer carrier)
{
  g_autoptr (Pair) pair = connected_pair_new (carrier);
  const CaimanTransportClass *klass = pair->client.transport->klass;
  if (!klass->set_send_limit) {
    g_test_skip ("no send limit on this carrier");
    return;
  }
  klass->set_send_limit (pair->client.transport, 4096);
  fill (pair);
  guint n_writable = pair->client.n_writable;
  klass->set_send_limit (pair->client.transport, 16 * 1024 * 1024);
  g_assert_true (klass->is_writable (pair->client.transport));
  wait_until (pair, pair->client.n_writable > n_writable);
}

/* What was sent before close() arrives, then the end; free() may follow at once. */
static void
test_close (gconstpointer carrier)
{
  g_autoptr (Pair) pair = connected_pair_new (carrier);
  pair->client.n_to_send = 26;
  while (pair->client.n_sent < 26) {
    send_more (&pair->client);
    pair->carrier->step (pair->place);
  }
  act (&pair->client, DO_CLOSE);
  wait_until (pair, pair->server.over);
  g_assert_cmpuint (pair->server.n_received, ==, 26);
  g_assert_cmpint (pair->server.reason, ==, CAIMAN_REASON_LINK_CLOSED);
}

/* The same, when the peer takes its time, and sends what nobody will read. */
static void
test_close_towards_slow_peer (gconstpointer carrier)
{
  g_autoptr (Pair) pair = connected_pair_new (carrier);
  fill (pair);
  guint n_sent = pair->client.n_sent;
  pair->server.n_to_send = 40;
  send_more (&pair->server);
  act (&pair->client, DO_CLOSE);
  settle (pair);
  g_assert_false (pair->server.over);
  set_reading (&pair->server, TRUE);
  wait_until (pair, pair->server.over);
  g_assert_cmpuint (pair->server.n_received, ==, n_sent);
  g_assert_cmpint (pair->server.reason, ==, CAIMAN_REASON_LINK_CLOSED);
}

static void
test_both_close (gconstpointer carrier)
{
  g_autoptr (Pair) pair = connected_pair_new (carrier);
  pair->client.n_to_send = pair->server.n_to_send = 4;
  send_more (&pair->client);
  send_more (&pair->server);
  act (&pair->client, DO_CLOSE);
  act (&pair->server, DO_CLOSE);
  settle (pair);
}

/* abort(), and free() without close(), reach the peer as a reset, whether it reads or not. */
static void
expect_reset (Pair *pair, Deed deed)
{
  act (&pair->client, deed);
  wait_until (pair, pair->server.over);
  g_assert_cmpint (pair->server.reason, ==, CAIMAN_REASON_LINK_RESET);
  settle (pair);
}

static void
test_abort (gconstpointer carrier)
{
  for (guint i = 0; i < 4; i++) {
    g_autoptr (Pair) pair = connected_pair_new (carrier);
    pair->client.n_to_send = 4;
    send_more (&pair->client);
    settle (pair);
    if (i & 1)
      set_reading (&pair->server, FALSE);
    expect_reset (pair, i & 2 ? DO_ABORT : DO_FREE);
  }
}

static void
test_abort_while_full (gconstpointer carrier)
{
  g_autoptr (Pair) pair = connected_pair_new (carrier);
  fill (pair);
  expect_reset (pair, DO_ABORT);
}

/* Sending to a peer that has gone does no harm. */
static void
test_send_to_gone_peer (gconstpointer carrier)
{
  g_autoptr (Pair) pair = connected_pair_new (carrier);
  act (&pair->server, DO_FREE);
  for (guint i = 0; i < 50 && !pair->client.over; i++) {
    send_one (&pair->client);
    pair->carrier->step (pair->place);
  }
  wait_until (pair, pair->client.over);
  send_one (&pair->client);
  settle (pair);
}

static void
test_refused (gconstpointer data)
{
  const ContractCarrier *carrier = data;
  if (!carrier->connect_refused) {
    g_test_skip ("nobody can refuse on this carrier");
    return;
  }
  g_autoptr (Pair) pair = pair_new (carrier);
  attach (pair, &pair->client, carrier->connect_refused (pair->place));
  wait_until (pair, pair->client.over);
  g_assert_cmpint (pair->client.reason, ==, CAIMAN_REASON_CONNECT_REFUSED);
  g_assert_false (pair->client.was_connected);
}

/* Gone at any stage of the connect; nothing is told to who has gone. */
static void
test_free_while_connecting (gconstpointer carrier)
{
  static const Deed deeds[] = { DO_FREE, DO_CLOSE, DO_ABORT };
  for (guint n_steps = 0; n_steps < 4; n_steps++) {
    for (guint i = 0; i < G_N_ELEMENTS (deeds); i++) {
      g_autoptr (Pair) pair = pair_new (carrier);
      start (pair);
      for (guint step = 0; step < n_steps; step++)
        pair->carrier->step (pair->place);
      act (&pair->client, deeds[i]);
      settle (pair);
    }
  }
}

/* From inside each call-back, each end may go in each way, and the other end hears of it. */
static void
test_deeds_in_call_backs (gconstpointer carrier)
{
  static const Deed deeds[] = { DO_FREE, DO_FREE_PEER, DO_CLOSE, DO_ABORT };
  for (guint where = 0; where < 8; where++) {
    for (guint i = 0; i < G_N_ELEMENTS (deeds); i++) {
      g_autoptr (Pair) pair = pair_new (carrier);
      User *user = where & 1 ? &pair->server : &pair->client;
      Deed *slots[] = { &user->on_connected, &user->on_packet, &user->on_writable,
                        &user->on_failed };
      if (slots[where / 2] == &pair->server.on_connected)
        continue; /* never called */
      *slots[where / 2] = deeds[i];
      use_sizes (pair, medium_sizes, G_N_ELEMENTS (medium_sizes));
      start (pair);
      wait_until (pair,
                  pair->client.over || (pair->client.was_connected && pair->server.transport));
      pair->client.n_to_send = pair->server.n_to_send = 400;
      for (User *each = &pair->client; each; each = each == &pair->client ? &pair->server : NULL)
        if (each->transport)
          send_more (each);
      settle (pair);
      /* What has not happened by itself: an end, for failed(). */
      if (!get_peer (user)->over && get_peer (user)->transport)
        end_user (get_peer (user));
      settle (pair);
    }
  }
}

/* Carriers that know nothing leave the hint as it is. */
static void
test_hint (gconstpointer carrier)
{
  g_autoptr (Pair) pair = connected_pair_new (carrier);
  CaimanLinkHint hint = { -1, -1, -1, -1, -1, -1 };
  transfer (pair, 26, 26);
  if (pair->client.transport->klass->get_hint)
    pair->client.transport->klass->get_hint (pair->client.transport, &hint);
  g_assert_cmpint (hint.rtt_ns, >=, -1);
  g_assert_cmpint (hint.unsent_bytes, <=, 0);
  g_assert_cmpint (hint.backoff, <=, 0);
}

void
contract_add_tests (const ContractCarrier *carrier)
{
  static const struct {
    const char *name;
    void (*func) (gconstpointer carrier);
  } tests[] = {
    { "order", test_order },
    { "large", test_large },
    { "many-small", test_many_small },
    { "empty", test_empty },
    { "send-at-once", test_send_at_once },
    { "ping-pong", test_ping_pong },
    { "back-pressure", test_back_pressure },
    { "directions-are-independent", test_directions_are_independent },
    { "one-at-a-time", test_one_at_a_time },
    { "send-limit", test_send_limit },
    { "writable-is-owed", test_writable_is_owed },
    { "close", test_close },
    { "close-towards-slow-peer", test_close_towards_slow_peer },
    { "both-close", test_both_close },
    { "abort", test_abort },
    { "abort-while-full", test_abort_while_full },
    { "send-to-gone-peer", test_send_to_gone_peer },
    { "refused", test_refused },
    { "free-while-connecting", test_free_while_connecting },
    { "deeds-in-call-backs", test_deeds_in_call_backs },
    { "hint", test_hint },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++) {
    g_autofree char *path =
        g_strdup_printf ("/transports/contract/%s/%s", carrier->name, tests[i].name);
    g_test_add_data_func (path, carrier, tests[i].func);
  }
}
