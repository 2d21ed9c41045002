/* SPDX-License-Identifier: Apache-2.0 */
/* test-server.c - a server under many handshakes: limits, their order in time, and that those who
 * mean it get in (PROTOCOL.md, 4). The messages themselves are in test-handshake.c. */
#include "core/crypto.h"
#include "core/prng.h"
#include "core/server.h"

#include <string.h>

#define MS(n) ((n)*CAIMAN_NS_PER_MS)
#define S(n)  ((n)*CAIMAN_NS_PER_S)

typedef struct {
  CaimanServer *server;
  CaimanPrng prng;
  CaimanRandom random;
  CaimanKeyPair keys; /* of all clients */
  CaimanConfig config;
  gint64 now_ns;
  CaimanConnection *incoming; /* the latest */
  guint n_incoming, n_joined, n_gone, n_closed, n_timed_out, n_refused;
} World;

static World *
world_new (const CaimanConfig *config)
{
  World *w = g_new0 (World, 1);
  caiman_prng_init (&w->prng, 1);
  w->random = caiman_prng_as_random (&w->prng);
  if (config)
    w->config = *config;
  else
    caiman_config_init (&w->config, CAIMAN_PRESET_ADAPTIVE);
  caiman_crypto_key_pair_init (&w->keys, &w->random);
  w->server = caiman_server_new (&w->config, &w->random, w->now_ns);
  return w;
}

static void
world_free (World *w)
{
  caiman_server_free (w->server);
  g_free (w);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

static CaimanConfig
new_config (void)
{
  CaimanConfig config;
  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
  return config;
}

/* Pulls all; the transport data of a link points to where its Welcome is wanted. */
static void
pull (World *w)
{
  for (CaimanPacket packet; caiman_server_next_packet (w->server, &packet, w->now_ns);) {
    CaimanMessage message;
    gsize size;
    const guint8 *data = caiman_packet_get_message (&packet, &size);
    g_assert_true (caiman_message_parse (data, size, &message));
    guint8 *key_out = caiman_link_get_transport_data (packet.link);
    if (message.type == CAIMAN_MESSAGE_WELCOME && key_out)
      memcpy (key_out, message.public_key, CAIMAN_PUBLIC_KEY_BYTES);
    w->n_refused += message.type == CAIMAN_MESSAGE_REFUSED;
    caiman_packet_clear (&packet);
  }
  for (CaimanServerEvent event; caiman_server_next_event (w->server, &event);) {
    if (event.type == CAIMAN_SERVER_EVENT_INCOMING) {
      w->n_incoming++;
      w->incoming = event.connection;
    }
    w->n_joined += event.type == CAIMAN_SERVER_EVENT_LINK_JOINED;
    w->n_gone += event.type == CAIMAN_SERVER_EVENT_GONE;
    w->n_closed += event.type == CAIMAN_SERVER_EVENT_LINK_CLOSE;
    w->n_timed_out += event.type == CAIMAN_SERVER_EVENT_LINK_CLOSE &&
                      event.reason == CAIMAN_REASON_HANDSHAKE_TIMEOUT;
  }
}

static CaimanLink *
knock (World *w, const char *remote)
{
  CaimanLinkInfo info = { .name = "x", .remote = remote };
  CaimanLink *link = caiman_server_add_link (w->server, &info, w->now_ns);
  if (link)
    caiman_link_set_writable (link, TRUE, w->now_ns);
  pull (w);
  return link;
}

/* For a link that is of no further interest. TRUE: it was let in. */
static gboolean
knock_only (World *w, const char *remote)
{
  g_autoptr (CaimanLink) link = knock (w, remote);
  return link != NULL;
}

/* A client's whole handshake for the connection @number. */
static CaimanLink *
join (World *w, const char *remote, guint32 number)
{
  guint8 key[CAIMAN_PUBLIC_KEY_BYTES] = { 0 };
  CaimanLinkInfo info = { .name = "x", .remote = remote };
  CaimanLink *link = caiman_server_add_link (w->server, &info, w->now_ns);
  g_assert_nonnull (link);
  caiman_link_set_transport_data (link, key);
  caiman_link_set_writable (link, TRUE, w->now_ns);
  pull (w);
  caiman_link_set_transport_data (link, NULL);
  CaimanId id = { { 0 } };
  memcpy (id.bytes, &number, sizeof number);
  CaimanMessage connect = { .type = CAIMAN_MESSAGE_CONNECT, .receive_buffer_bytes = 1 << 20 };
  memcpy (connect.public_key, w->keys.public_key, sizeof connect.public_key);
  g_assert_true (caiman_crypto_hide_id (&w->keys, key, &id, &connect.encrypted_connection_id));
  g_autofree guint8 *bytes = g_malloc (caiman_message_get_size (&connect));
  gsize size = caiman_message_write (&connect, bytes);
  caiman_link_received (link, bytes, size, NULL, w->now_ns);
  pull (w);
  return link;
}

static void
join_only (World *w, const char *remote, guint32 number)
{
  caiman_link_unref (join (w, remote, number));
}

static void
wait_until (World *w, gint64 now_ns)
{
  w->now_ns = now_ns;
  if (caiman_server_get_deadline (w->server) <= now_ns)
    caiman_server_advance (w->server, now_ns);
  pull (w);
}

/* Quiet links of one address fill its share; others get in, and it does when they have timed out.
 */
static void
test_per_address (void)
{
  g_autoptr (World) w = world_new (NULL);
  for (guint i = 0; i < 64; i++)
    g_assert_true (knock_only (w, "192.0.2.1"));
  for (guint i = 0; i < 1000; i++)
    g_assert_false (knock_only (w, "192.0.2.1"));
  g_assert_cmpuint (caiman_server_get_n_turned_away (w->server), ==, 1000);
  g_assert_cmpuint (caiman_server_get_n_handshakes (w->server), ==, 64);
  wait_until (w, S (20));
  join_only (w, "192.0.2.2", 1);
  g_assert_cmpuint (w->n_incoming, ==, 1);
  wait_until (w, S (40));
  g_assert_cmpuint (w->n_timed_out, ==, 64);
  g_assert_cmpuint (caiman_server_get_n_handshakes (w->server), ==, 0);
  join_only (w, "192.0.2.1", 2);
  g_assert_cmpuint (w->n_incoming, ==, 2);
}

/* Who has a network has many addresses: they count as one. */
static void
test_per_network (void)
{
  g_autoptr (World) w = world_new (NULL);
  for (guint i = 0; i < 1000; i++) {
    g_autofree char *remote = g_strdup_printf ("2001:db8::%x", i);
    CaimanLinkInfo info = { .name = "x", .remote = remote, .remote_network = "2001:db8::/64" };
    g_autoptr (CaimanLink) link = caiman_server_add_link (w->server, &info, w->now_ns);
    g_assert_true ((link != NULL) == (i < 64));
  }
  g_assert_true (knock_only (w, "2001:db8::1"));
  pull (w);
}

/* When all places are taken, who is quiet for long must go; who waits for the application need not.
 */
static void
test_make_room (void)
{
  CaimanConfig config = new_config ();
  config.handshakes_max = 3;
  config.pending_connections_max = 1;
  g_autoptr (World) w = world_new (&config);
  for (guint i = 0; i < 3; i++)
    g_assert_true (knock_only (w, NULL));
  wait_until (w, MS (2999));
  g_assert_false (knock_only (w, NULL));
  wait_until (w, S (3));
  g_assert_true (knock_only (w, NULL));
  g_assert_cmpuint (w->n_timed_out, ==, 1);
  for (guint32 i = 1; i <= 3; i++) /* the first becomes a pending connection, the others wait */
    join_only (w, NULL, i);
  g_assert_cmpuint (w->n_timed_out, ==, 3);
  g_assert_cmpuint (caiman_server_get_n_handshakes (w->server), ==, 3);
  wait_until (w, S (7));
  g_assert_true (knock_only (w, NULL));
  g_assert_cmpuint (w->n_timed_out, ==, 4);
  g_assert_false (knock_only (w, NULL));
  wait_until (w, S (20));
  g_assert_false (knock_only (w, NULL));
}

/* All handshakes together; those of unknown address count here alone. */
static void
test_total (void)
{
  CaimanConfig config = new_config ();
  config.handshakes_max = 100;
  config.handshakes_per_address_max = 5;
  g_autoptr (World) w = world_new (&config);
  g_autoptr (CaimanLink) first = knock (w, "192.0.2.1");
  for (guint i = 0; i < 99; i++)
    g_assert_true (knock_only (w, NULL));
  g_assert_false (knock_only (w, NULL));
  g_assert_false (knock_only (w, "192.0.2.2"));
  caiman_link_failed (first, CAIMAN_REASON_LINK_RESET, w->now_ns);
  g_assert_true (knock_only (w, "192.0.2.2"));
  g_assert_false (knock_only (w, "192.0.2.2"));
}

/* A handshake that is done leaves its place; one that waits for room among the new connections
 * keeps it, until there is some. */
static void
test_places (void)
{
  CaimanConfig config = new_config ();
  config.pending_connections_max = 1;
  config.handshakes_per_address_max = 2;
  g_autoptr (World) w = world_new (&config);
  for (guint i = 0; i < 4; i++)
    join_only (w, "192.0.2.1", 1); /* four links of one pending connection */
  g_assert_cmpuint (caiman_server_get_n_handshakes (w->server), ==, 0);
  CaimanConnection *first = w->incoming;
  join_only (w, "192.0.2.1", 2);
  g_autoptr (CaimanLink) third = join (w, "192.0.2.1", 3);
  g_assert_cmpuint (caiman_server_get_n_handshakes (w->server), ==, 2);
  g_assert_false (knock_only (w, "192.0.2.1"));
  g_assert_cmpuint (w->n_incoming, ==, 1);

  CaimanConnection *accepted = caiman_server_accept (w->server, first, w->now_ns);
  pull (w);
  g_assert_cmpuint (w->n_incoming, ==, 2);
  g_assert_cmpuint (caiman_server_get_n_handshakes (w->server), ==, 1);
  /* The third gives up while it waits; the second is refused: its link says so, and goes. */
  caiman_link_failed (third, CAIMAN_REASON_LINK_CLOSED, w->now_ns);
  caiman_server_refuse (w->server, w->incoming, w->now_ns);
  pull (w);
  g_assert_cmpuint (w->n_refused, ==, 1);
  g_assert_cmpuint (w->n_incoming, ==, 2);
  g_assert_cmpuint (w->n_closed, ==, 2);
  g_assert_cmpuint (caiman_server_get_n_handshakes (w->server), ==, 0);
  caiman_connection_free (accepted);
}

/* A pending connection whose links go is told as gone, whichever of several it is. */
static void
test_gone (void)
{
  g_autoptr (World) w = world_new (NULL);
  CaimanLink *links[3];
  for (guint32 i = 0; i < 3; i++)
    links[i] = join (w, "192.0.2.1", i + 1);
  caiman_link_failed (links[1], CAIMAN_REASON_LINK_RESET, w->now_ns);
  pull (w);
  g_assert_cmpuint (w->n_gone, ==, 1);
  g_assert_cmpuint (caiman_server_get_n_pending (w->server), ==, 2);
  for (guint i = 0; i < 3; i++) {
    caiman_link_failed (links[i], CAIMAN_REASON_LINK_RESET, w->now_ns);
    caiman_link_unref (links[i]);
  }
  pull (w);
  g_assert_cmpuint (w->n_gone, ==, 3);
}

/* More links than links-max get Refused 4. */
static void
test_links_max (void)
{
  CaimanConfig config = new_config ();
  config.links_max = 2;
  g_autoptr (World) w = world_new (&config);
  for (guint i = 0; i < 3; i++)
    join_only (w, "192.0.2.1", 1);
  g_assert_cmpuint (w->n_joined, ==, 2);
  g_assert_cmpuint (w->n_refused, ==, 1);
  g_assert_cmpuint (w->n_closed, ==, 1);
  gsize n_links;
  caiman_connection_get_links (w->incoming, &n_links);
  g_assert_cmpuint (n_links, ==, 2);
}

/* handshake-timeout holds from the transport's coming in, whatever comes meanwhile. */
static void
test_timeout (void)
{
  CaimanConfig config = new_config ();
  config.handshake_timeout_ns = S (5);
  g_autoptr (World) w = world_new (&config);
  for (guint i = 0; i < 5; i++) {
    wait_until (w, S (i));
    g_assert_true (knock_only (w, NULL));
    g_assert_cmpint (caiman_server_get_deadline (w->server), ==, S (5));
  }
  for (guint i = 0; i < 5; i++) {
    wait_until (w, S (5 + i) - 1);
    g_assert_cmpuint (w->n_timed_out, ==, i);
    wait_until (w, S (5 + i));
    g_assert_cmpuint (w->n_timed_out, ==, i + 1);
  }
  g_assert_cmpint (caiman_server_get_deadline (w->server), ==, CAIMAN_TIME_NEVER);
}

/* A link that takes nothing yet costs nothing, and gets its Welcome when it does. */
static void
test_unwritable (void)
{
  g_autoptr (World) w = world_new (NULL);
  CaimanLinkInfo info = { .name = "x" };
  g_autoptr (CaimanLink) link = caiman_server_add_link (w->server, &info, w->now_ns);
  CaimanPacket packet;
  g_assert_false (caiman_server_next_packet (w->server, &packet, w->now_ns));
  caiman_link_set_writable (link, TRUE, w->now_ns);
  caiman_link_set_writable (link, FALSE, w->now_ns);
  g_assert_false (caiman_server_next_packet (w->server, &packet, w->now_ns));
  caiman_link_set_writable (link, TRUE, w->now_ns);
  g_assert_true (caiman_server_next_packet (w->server, &packet, w->now_ns));
  caiman_packet_clear (&packet);
}

/* A thousand connections of four links, while a hundred thousand come that mean no good. */
static void
test_many (void)
{
  g_autoptr (World) w = world_new (NULL);
  g_autoptr (GPtrArray) accepted =
      g_ptr_array_new_with_free_func ((GDestroyNotify)caiman_connection_free);
  for (guint32 i = 0; i < 4000; i++) {
    w->now_ns += MS (1);
    /* Of these, 64 stay, and one in ten goes again at once. */
    for (guint k = 0; k < 25; k++) {
      g_autoptr (CaimanLink) bogus = knock (w, "203.0.113.66");
      if (bogus && i % 20 == 0)
        caiman_link_failed (bogus, CAIMAN_REASON_LINK_RESET, w->now_ns);
    }
    g_autofree char *remote = g_strdup_printf ("192.0.2.%u", i / 4 % 250);
    join_only (w, remote, i / 4 + 1);
    if (i % 4 == 0)
      g_ptr_array_add (accepted, caiman_server_accept (w->server, w->incoming, w->now_ns));
  }
  g_assert_cmpuint (w->n_incoming, ==, 1000);
  g_assert_cmpuint (w->n_joined, ==, 4000);
  g_assert_cmpuint (caiman_server_get_n_turned_away (w->server), >=, 90000);
  g_assert_cmpuint (caiman_server_get_n_handshakes (w->server), <=, 65);
  for (guint i = 0; i < accepted->len; i++) {
    gsize n_links;
    caiman_connection_get_links (accepted->pdata[i], &n_links);
    g_assert_cmpuint (n_links, ==, 4);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/server/per-address", test_per_address);
  g_test_add_func ("/core/server/per-network", test_per_network);
  g_test_add_func ("/core/server/make-room", test_make_room);
  g_test_add_func ("/core/server/total", test_total);
  g_test_add_func ("/core/server/places", test_places);
  g_test_add_func ("/core/server/gone", test_gone);
  g_test_add_func ("/core/server/links-max", test_links_max);
  g_test_add_func ("/core/server/timeout", test_timeout);
  g_test_add_func ("/core/server/unwritable", test_unwritable);
  g_test_add_func ("/core/server/many", test_many);
  return g_test_run ();
}
