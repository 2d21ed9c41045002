/* SPDX-License-Identifier: Apache-2.0 */
/* test-flood.c - a transfer over two links goes on, and strangers use up little, while they connect
 * to the server's port and never become links (PROTOCOL.md, 4). bench/floods.c does the same with
 * a hundred thousand of them. */
#include "tests/security/bogus.h"
#include "tests/transports/tcp-duo.h"

#include <string.h>

#define ATTACKER       "127.0.0.2"
#define PER_ADDRESS    64 /* handshakes-per-address-max */
#define MESSAGE_BYTES  (1024 * 1024)
#define N_MESSAGES_MIN 20
/* Generous: a machine may be busy with other things. */
#define PATIENCE_NS (20 * CAIMAN_NS_PER_S)

typedef struct {
  TcpDuo *d;
  GBytes *message;
  guint n_received;
  guint n_handshakes_max;
  guint n_descriptors; /* with the links, without any stranger */
  GArray *strangers;   /* of int */
} World;

static CaimanServer *
get_server (World *w)
{
  return caiman_pump_get_server (w->d->server);
}

static void
connect_client (World *w)
{
  const CaimanTcpConnectorOptions options = { .filter = CAIMAN_TCP_FILTER_NONE };
  tcp_duo_connect (w->d, "127.0.0.1,127.0.0.3", &options);
  tcp_duo_wait_links (w->d, NULL, 2);
}

static World *
world_new (void)
{
  static const char *const addresses[] = { "0.0.0.0:0", NULL };
  const CaimanTcpAcceptorOptions options = { .filter = CAIMAN_TCP_FILTER_NONE,
                                             .any_address = TRUE };
  World *w = g_new0 (World, 1);
  guint8 *content = g_malloc (MESSAGE_BYTES);
  for (guint i = 0; i < MESSAGE_BYTES; i++)
    content[i] = (guint8)(i * 7 + (i >> 8));
  w->message = g_bytes_new_take (content, MESSAGE_BYTES);
  w->strangers = g_array_new (FALSE, FALSE, sizeof (int));
  w->d = tcp_duo_new ();
  w->d->config.reconnect_delay_ns = CAIMAN_NS_PER_S / 4;
  tcp_duo_listen (w->d, addresses, &options);
  connect_client (w);
  w->n_descriptors = bogus_count_descriptors ();
  return w;
}

static void
world_free (World *w)
{
  for (guint i = 0; i < w->strangers->len; i++)
    bogus_close (g_array_index (w->strangers, int, i));
  g_array_unref (w->strangers);
  tcp_duo_free (w->d);
  g_bytes_unref (w->message);
  g_free (w);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

/* The client sends what there is room for, the server reads what is there. */
static void
transfer (World *w)
{
  gint64 now_ns = caiman_loop_now (w->d->loop);
  CaimanConnection *client = caiman_pump_get_connection (w->d->client);
  while (caiman_connection_send (client, w->message, now_ns, NULL))
    continue;
  caiman_pump_touch (w->d->client);
  for (GBytes *bytes;
       w->d->accepted && (bytes = caiman_connection_receive (w->d->accepted, now_ns, NULL));) {
    g_assert_true (g_bytes_equal (bytes, w->message));
    g_bytes_unref (bytes);
    w->n_received++;
  }
  caiman_pump_touch (w->d->server);
  caiman_loop_iterate (w->d->loop, 0);
  w->n_handshakes_max =
      MAX (w->n_handshakes_max, (guint)caiman_server_get_n_handshakes (get_server (w)));
}

static void
transfer_more (World *w, guint n)
{
  guint until = w->n_received + n;
  gint64 end_ns = caiman_loop_now (w->d->loop) + PATIENCE_NS;
  while (w->n_received < until) {
    g_assert_cmpint (caiman_loop_now (w->d->loop), <, end_ns);
    transfer (w);
  }
}

static void
come_in (World *w, BogusKind kind)
{
  int fd = bogus_connect (ATTACKER, caiman_tcp_acceptor_get_port (w->d->acceptor, 0), kind);
  g_assert_cmpint (fd, >=, 0);
  g_array_append_val (w->strangers, fd);
}

static void
leave (World *w, guint n)
{
  for (guint i = 0; i < n; i++)
    bogus_close (g_array_index (w->strangers, int, i));
  g_array_remove_range (w->strangers, 0, n);
}

static guint
count_open (World *w)
{
  guint n = 0;
  for (guint i = 0; i < w->strangers->len; i++)
    n += !bogus_is_closed (g_array_index (w->strangers, int, i));
  return n;
}

/* Until the server has thrown out all but @n of the strangers. */
static void
wait_open (World *w, guint n)
{
  gint64 end_ns = caiman_loop_now (w->d->loop) + PATIENCE_NS;
  while (count_open (w) != n || caiman_server_get_n_handshakes (get_server (w)) != n) {
    g_assert_cmpint (caiman_loop_now (w->d->loop), <, end_ns);
    transfer (w);
  }
}

static void
expect_unharmed (World *w)
{
  g_assert_cmpstr (w->d->client_closed->str, ==, "");
  g_assert_cmpstr (w->d->server_closed->str, ==, "");
  g_assert_cmpuint (tcp_duo_count_client (w->d, NULL), ==, 2);
  g_assert_cmpuint (w->n_handshakes_max, <=, PER_ADDRESS);
}

/* They come by the thousand, say something or nothing, and stay for a while. */
static void
test_connects (void)
{
  g_autoptr (World) w = world_new ();
  for (guint i = 0; i < 3000; i++) {
    come_in (w, (BogusKind)(i % BOGUS_N_KINDS));
    if (i % 20 == 0)
      transfer (w);
    if (w->strangers->len == 300)
      leave (w, 150);
  }
  transfer_more (w, N_MESSAGES_MIN);
  leave (w, w->strangers->len);
  wait_open (w, 0);
  expect_unharmed (w);
  g_assert_cmpuint (bogus_count_descriptors (), ==, w->n_descriptors);
}

/* What cannot be a handshake is thrown out when its first bytes are there. */
static void
test_thrown_out (void)
{
  static const BogusKind kinds[] = { BOGUS_GARBAGE, BOGUS_HUGE, BOGUS_WRONG, BOGUS_HALF_TLS,
                                     BOGUS_TLS_HELLO };
  g_autoptr (World) w = world_new ();
  for (guint i = 0; i < 40; i++)
    come_in (w, kinds[i % G_N_ELEMENTS (kinds)]);
  wait_open (w, 0);
  transfer_more (w, N_MESSAGES_MIN);
  expect_unharmed (w);
  g_assert_cmpuint (bogus_count_descriptors (), ==, w->n_descriptors + 40);
}

/* Handshakes that never end, from one address, take up its share and no more. A client from
 * elsewhere gets in beside them. */
static void
test_slow_handshakes (void)
{
  g_autoptr (World) w = world_new ();
  for (guint i = 0; i < 500; i++) {
    come_in (w, i % 2 ? BOGUS_HALF_CONNECT : BOGUS_QUIET);
    if (i % 20 == 0)
      transfer (w);
  }
  wait_open (w, PER_ADDRESS);
  for (guint round = 0; round < 50; round++) {
    for (guint i = 1; i < w->strangers->len; i += 2)
      bogus_trickle (g_array_index (w->strangers, int, i));
    transfer (w);
  }
  g_assert_cmpuint (count_open (w), ==, PER_ADDRESS);
  transfer_more (w, N_MESSAGES_MIN);
  expect_unharmed (w);
  g_assert_cmpuint (bogus_count_descriptors (), ==, w->n_descriptors + 500 + PER_ADDRESS);

  CaimanConnection *before = w->d->accepted;
  tcp_duo_disconnect (w->d);
  connect_client (w);
  g_assert_true (w->d->accepted != before);
  transfer_more (w, N_MESSAGES_MIN);
  g_assert_cmpuint (count_open (w), ==, PER_ADDRESS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/security/flood/connects", test_connects);
  g_test_add_func ("/security/flood/thrown-out", test_thrown_out);
  g_test_add_func ("/security/flood/slow-handshakes", test_slow_handshakes);
  return g_test_run ();
}
