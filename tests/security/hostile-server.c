/* SPDX-License-Identifier: Apache-2.0 */
/* hostile-server.c - see hostile-server.h. */
#include "tests/security/hostile-server.h"

#include "core/crypto.h"
#include "core/message.h"
#include "core/prng.h"
#include "core/server.h"

#include <string.h>

#define MS(n) ((n)*CAIMAN_NS_PER_MS)
#define S(n)  ((n)*CAIMAN_NS_PER_S)

#define N_STRANGERS    24
#define N_NETWORKS     4
#define N_IDS          5
#define ACCEPTED_MAX   4
#define PULLED_MAX     5000 /* packets and events per step, far beyond what a step can cause */
#define WAKE_UPS_MAX   2000 /* in ten seconds: pings, and what times out */
#define HANDSHAKES_MAX 10
#define PER_NETWORK    4
#define PENDING_MAX    2
#define LINKS_MAX      3

typedef struct {
  CaimanLink *link;                    /* (owned) NULL: nobody there */
  guint8 key[CAIMAN_PUBLIC_KEY_BYTES]; /* of the Welcome that it got */
  gboolean welcomed;
} Stranger;

typedef struct {
  const guint8 *at;
  gsize left;
  gint64 now_ns;
  CaimanPrng prng;
  CaimanRandom random;
  CaimanKeyPair keys; /* of all strangers */
  CaimanConfig config;
  CaimanServer *server;
  GPtrArray *accepted; /* of CaimanConnection (owned) */
  Stranger strangers[N_STRANGERS];
  HostileServerResult result;
} Play;

static guint
take (Play *play)
{
  if (play->left == 0)
    return 0;
  play->left--;
  return *play->at++;
}

/* --- The transports --- */

static void
leave (Play *play, Stranger *stranger)
{
  caiman_link_set_transport_data (stranger->link, NULL);
  g_clear_pointer (&stranger->link, caiman_link_unref);
}

static void
carry (Play *play, CaimanPacket *packet)
{
  CaimanMessage message;
  gsize size;
  const guint8 *data = caiman_packet_get_message (packet, &size);
  Stranger *stranger = caiman_link_get_transport_data (packet->link);
  g_assert_true (caiman_message_parse (data, size, &message));
  g_assert_nonnull (stranger);
  if (message.type == CAIMAN_MESSAGE_WELCOME) {
    memcpy (stranger->key, message.public_key, sizeof stranger->key);
    stranger->welcomed = TRUE;
  }
  play->result.n_refused += message.type == CAIMAN_MESSAGE_REFUSED;
  caiman_packet_clear (packet);
}

static void
close_transport (Play *play, CaimanLink *link)
{
  Stranger *stranger = caiman_link_get_transport_data (link);
  play->result.n_closed++;
  if (stranger)
    leave (play, stranger);
}

static gboolean
pull_server (Play *play)
{
  gboolean worked = FALSE;
  for (CaimanPacket packet; caiman_server_next_packet (play->server, &packet, play->now_ns);) {
    carry (play, &packet);
    worked = TRUE;
  }
  for (CaimanServerEvent event; caiman_server_next_event (play->server, &event);) {
    worked = TRUE;
    play->result.n_incoming += event.type == CAIMAN_SERVER_EVENT_INCOMING;
    play->result.n_joined += event.type == CAIMAN_SERVER_EVENT_LINK_JOINED;
    if (event.type == CAIMAN_SERVER_EVENT_LINK_CLOSE)
      close_transport (play, event.link);
  }
  return worked;
}

static gboolean
pull_connection (Play *play, CaimanConnection *connection)
{
  gboolean worked = FALSE;
  for (CaimanPacket packet; caiman_connection_next_packet (connection, &packet, play->now_ns);) {
    carry (play, &packet);
    worked = TRUE;
  }
  for (CaimanEvent event; caiman_connection_next_event (connection, &event);) {
    worked = TRUE;
    if (event.type == CAIMAN_EVENT_LINK_CLOSE)
      close_transport (play, event.link);
  }
  return worked;
}

static void
pull (Play *play)
{
  gboolean worked = TRUE;
  for (guint n = 0; worked; n++) {
    g_assert_cmpuint (n, <, PULLED_MAX);
    worked = pull_server (play);
    for (guint i = 0; i < play->accepted->len; i++)
      worked |= pull_connection (play, play->accepted->pdata[i]);
  }
}

/* --- What strangers do --- */

static void
come (Play *play, Stranger *stranger)
{
  guint what = take (play);
  g_autofree char *remote = g_strdup_printf ("2001:db8::%u:%u", what % N_NETWORKS, what);
  g_autofree char *network = g_strdup_printf ("2001:db8::%u", what % N_NETWORKS);
  const CaimanLinkInfo info = { .name = "stranger",
                                .remote = what < 240 ? remote : NULL,
                                .remote_network = what < 240 ? network : NULL };
  play->result.n_come++;
  stranger->welcomed = FALSE;
  stranger->link = caiman_server_add_link (play->server, &info, play->now_ns);
  if (!stranger->link) {
    play->result.n_turned_away++;
    return;
  }
  caiman_link_set_transport_data (stranger->link, stranger);
  caiman_link_set_writable (stranger->link, what % 8 != 7, play->now_ns);
}

static void
say (Play *play, Stranger *stranger, const CaimanMessage *message, gsize cut_bytes)
{
  gsize size = caiman_message_get_size (message);
  g_autofree guint8 *bytes = g_malloc (size);
  caiman_message_write (message, bytes);
  g_assert_cmpuint (size, <=, CAIMAN_HANDSHAKE_MAX_BYTES);
  if (caiman_link_wants_packets (stranger->link))
    caiman_link_received (stranger->link, bytes, size - MIN (size, cut_bytes), NULL, play->now_ns);
}

/* A Connect, mostly in order. */
static void
say_connect (Play *play, Stranger *stranger)
{
  static const guint8 zeros[CAIMAN_USER_DATA_MAX_BYTES];
  guint what = take (play);
  CaimanId id = { { (guint8)(1 + what % N_IDS) } };
  CaimanMessage connect = { .type = CAIMAN_MESSAGE_CONNECT,
                            .existing = what / 8 % 8 == 7,
                            .user_data = zeros,
                            .user_data_bytes = what / 8 % 8 == 6 ? sizeof zeros : what,
                            .receive_buffer_bytes = what / 8 % 8 == 5 ? what % 6 : 1 << 16 };
  memcpy (connect.public_key, play->keys.public_key, sizeof connect.public_key);
  if (what >= 250)
    memset (connect.public_key, (int)what - 250, sizeof connect.public_key);
  if (!stranger->welcomed ||
      !caiman_crypto_hide_id (&play->keys, stranger->key, &id, &connect.encrypted_connection_id))
    connect.encrypted_connection_id = id;
  say (play, stranger, &connect, what == 249 ? 5 : 0);
}

static void
say_other (Play *play, Stranger *stranger)
{
  guint what = take (play);
  CaimanMessage message = { .type = (CaimanMessageType)(CAIMAN_MESSAGE_WELCOME +
                                                        what % CAIMAN_MESSAGE_TERMINATE),
                            .receive_buffer_bytes = what + 1,
                            .refused_code = (CaimanRefusedCode)(1 + what % 4),
                            .test_data_bytes = what,
                            .seq = what / 16,
                            .server_id = { { 1 } } };
  say (play, stranger, &message, what % 7 == 6 ? what / 64 : 0);
}

static void
say_noise (Play *play, Stranger *stranger)
{
  guint8 bytes[40];
  gsize size = take (play) % (sizeof bytes + 1);
  for (gsize i = 0; i < size; i++)
    bytes[i] = (guint8)take (play);
  if (caiman_link_wants_packets (stranger->link))
    caiman_link_received (stranger->link, bytes, size, NULL, play->now_ns);
}

static void
act (Play *play)
{
  guint what = take (play);
  Stranger *stranger = &play->strangers[take (play) % N_STRANGERS];
  if (!stranger->link) {
    come (play, stranger);
    return;
  }
  g_autoptr (CaimanLink) keep = caiman_link_ref (stranger->link);
  switch (what % 8) {
  case 0:
  case 1:
  case 2:
  case 3:
    say_connect (play, stranger);
    break;
  case 4:
    say_other (play, stranger);
    break;
  case 5:
    say_noise (play, stranger);
    break;
  case 6:
    caiman_link_set_writable (keep, what < 128, play->now_ns);
    break;
  default:
    caiman_link_failed (keep, CAIMAN_REASON_LINK_RESET, play->now_ns);
    leave (play, stranger);
    break;
  }
}

/* --- What the application does --- */

static void
drop (Play *play, guint index)
{
  CaimanConnection *connection = play->accepted->pdata[index];
  gsize n_links;
  CaimanLink *const *links = caiman_connection_get_links (connection, &n_links);
  for (gsize i = 0; i < n_links; i++) {
    Stranger *stranger = caiman_link_get_transport_data (links[i]);
    if (stranger)
      leave (play, stranger);
  }
  g_ptr_array_remove_index (play->accepted, index);
}

static void
manage (Play *play)
{
  guint what = take (play);
  gsize n_pending = caiman_server_get_n_pending (play->server);
  CaimanConnection *pending =
      n_pending ? caiman_server_get_pending (play->server, what / 8 % n_pending) : NULL;
  if (what % 8 < 3 && pending) {
    if (play->accepted->len == ACCEPTED_MAX)
      drop (play, 0);
    g_ptr_array_add (play->accepted, caiman_server_accept (play->server, pending, play->now_ns));
    play->result.n_accepted++;
  } else if (what % 8 == 3 && pending) {
    caiman_server_refuse (play->server, pending, play->now_ns);
  } else if (what % 8 == 4 && play->accepted->len > 0) {
    drop (play, what / 8 % play->accepted->len);
  } else if (what % 8 == 5) {
    caiman_server_set_listening (play->server, what < 200, play->now_ns);
  }
}

/* --- Time, and what must hold --- */

static gint64
get_deadline (const Play *play)
{
  gint64 deadline_ns = caiman_server_get_deadline (play->server);
  for (guint i = 0; i < play->accepted->len; i++)
    deadline_ns = MIN (deadline_ns, caiman_connection_get_deadline (play->accepted->pdata[i]));
  return deadline_ns;
}

static void
pass_time (Play *play, gint64 delta_ns)
{
  gint64 until_ns = play->now_ns + delta_ns;
  for (guint n = 0;; n++) {
    g_assert_cmpuint (n, <, WAKE_UPS_MAX);
    pull (play);
    play->now_ns = CLAMP (get_deadline (play), play->now_ns, until_ns);
    caiman_server_advance (play->server, play->now_ns);
    for (guint i = 0; i < play->accepted->len; i++)
      caiman_connection_advance (play->accepted->pdata[i], play->now_ns);
    if (play->now_ns == until_ns)
      break;
  }
  pull (play);
}

static void
check (Play *play)
{
  guint n_open = 0;
  g_assert_cmpuint (caiman_server_get_n_handshakes (play->server), <=, HANDSHAKES_MAX);
  g_assert_cmpuint (caiman_server_get_n_pending (play->server), <=, PENDING_MAX);
  g_assert_cmpuint (caiman_server_get_n_turned_away (play->server), ==, play->result.n_turned_away);
  for (guint i = 0; i < play->accepted->len; i++) {
    gsize n_links;
    caiman_connection_get_links (play->accepted->pdata[i], &n_links);
    g_assert_cmpuint (n_links, <=, LINKS_MAX);
    n_open += (guint)n_links;
  }
  for (guint i = 0; i < N_STRANGERS; i++) {
    const CaimanLink *link = play->strangers[i].link;
    g_assert_true (!link || caiman_link_get_state (link) != CAIMAN_LINK_CLOSED);
  }
  g_assert_cmpuint (n_open, <=, N_STRANGERS);
}

static void
do_step (Play *play)
{
  guint what = take (play);
  if (what % 16 < 12)
    act (play);
  else if (what % 16 < 14)
    manage (play);
  else
    pass_time (play, (gint64)(what / 16 + 1) * MS (150) * (what % 2 ? 1 : 20));
  pull (play);
  check (play);
}

static void
set_up (Play *play)
{
  caiman_prng_init (&play->prng, 1);
  play->random = caiman_prng_as_random (&play->prng);
  caiman_crypto_key_pair_init (&play->keys, &play->random);
  caiman_config_init (&play->config, CAIMAN_PRESET_ADAPTIVE);
  play->config.handshakes_max = HANDSHAKES_MAX;
  play->config.handshakes_per_address_max = PER_NETWORK;
  play->config.pending_connections_max = PENDING_MAX;
  play->config.links_max = LINKS_MAX;
  play->server = caiman_server_new (&play->config, &play->random, 0);
  play->accepted = g_ptr_array_new_with_free_func ((GDestroyNotify)caiman_connection_free);
}

/* When nobody says anything any more, all handshakes end by themselves. */
static void
check_end (Play *play)
{
  for (guint i = 0; i < 5; i++)
    pass_time (play, S (10));
  g_assert_cmpuint (caiman_server_get_n_handshakes (play->server), ==, 0);
  g_assert_cmpint (caiman_server_get_deadline (play->server), ==, CAIMAN_TIME_NEVER);
}

HostileServerResult
hostile_server_play (const guint8 *script, gsize size)
{
  Play play = { .at = script, .left = size };
  set_up (&play);
  while (play.left > 0)
    do_step (&play);
  check_end (&play);
  while (play.accepted->len > 0)
    drop (&play, 0);
  g_ptr_array_unref (play.accepted);
  caiman_server_free (play.server);
  for (guint i = 0; i < N_STRANGERS; i++)
    caiman_link_unref (play.strangers[i].link);
  return play.result;
}
