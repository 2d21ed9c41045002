/* SPDX-License-Identifier: Apache-2.0 */
/* test-tls-turns.c - TLS handshakes take turns, network by network. */
#include "transports/tls-turns.h"

#include <netinet/in.h>
#include <unistd.h>

#define N_TURNS 10

static guint n_begun;

static void
begun (CaimanTlsTurn *turn)
{
  n_begun++;
}

/* A socket whose peer is at @host, without anybody there. */
static int
open_towards (const char *host)
{
  struct sockaddr_storage address;
  g_assert_true (caiman_address_parse (host, 9, &address));
  int fd = socket (address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (fd, (struct sockaddr *)&address, caiman_address_get_size (&address)),
                   ==, 0);
  return fd;
}

static void
test_turns (void)
{
  CaimanTlsTurn turns[N_TURNS] = { 0 };
  int fd = open_towards ("127.0.0.2"), other_fd = open_towards ("127.0.0.3");
  n_begun = 0;
  for (guint i = 0; i < N_TURNS; i++)
    turns[i].begin = begun;
  for (guint i = 0; i < 7; i++)
    caiman_tls_turn_await (&turns[i], fd);
  g_assert_cmpuint (n_begun, ==, 4);
  g_assert_true (caiman_tls_turn_is_waiting (&turns[4]));
  /* Another network has turns of its own. */
  caiman_tls_turn_await (&turns[7], other_fd);
  g_assert_cmpuint (n_begun, ==, 5);

  caiman_tls_turn_end (&turns[5]); /* does not want to wait any longer */
  g_assert_cmpuint (n_begun, ==, 5);
  caiman_tls_turn_end (&turns[0]);
  g_assert_cmpuint (n_begun, ==, 6);
  g_assert_false (caiman_tls_turn_is_waiting (&turns[4]));
  g_assert_true (caiman_tls_turn_is_waiting (&turns[6]));
  caiman_tls_turn_end (&turns[1]);
  g_assert_cmpuint (n_begun, ==, 7);
  caiman_tls_turn_end (&turns[1]); /* is over already */
  for (guint i = 0; i < N_TURNS; i++)
    caiman_tls_turn_end (&turns[i]);
  g_assert_cmpuint (n_begun, ==, 7);
  caiman_tls_turn_await (&turns[0], fd);
  g_assert_cmpuint (n_begun, ==, 8);
  caiman_tls_turn_end (&turns[0]);
  close (fd);
  close (other_fd);
}

/* All turns together are bounded, too; the next one is for who has the fewest, then for who has
 * waited longest. */
static void
test_all_turns (void)
{
  CaimanTlsTurn turns[45] = { 0 };
  int fds[11];
  n_begun = 0;
  for (guint i = 0; i < G_N_ELEMENTS (turns); i++)
    turns[i].begin = begun;
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
    g_autofree char *host = g_strdup_printf ("127.0.1.%u", i + 1);
    fds[i] = open_towards (host);
  }
  for (guint i = 0; i < 32; i++)
    caiman_tls_turn_await (&turns[i], fds[i / 4]);
  g_assert_cmpuint (n_begun, ==, 32);
  caiman_tls_turn_await (&turns[32], fds[0]); /* has its four */
  g_assert_false (caiman_tls_turns_are_crowded ());
  caiman_tls_turn_await (&turns[33], fds[8]);
  caiman_tls_turn_await (&turns[34], fds[8]);
  caiman_tls_turn_await (&turns[35], fds[9]);
  caiman_tls_turn_await (&turns[36], fds[10]);
  g_assert_true (caiman_tls_turns_are_crowded ());
  g_assert_cmpuint (n_begun, ==, 32);

  caiman_tls_turn_end (&turns[4]);
  g_assert_true (turns[33].active);
  caiman_tls_turn_end (&turns[35]); /* gives up */
  caiman_tls_turn_end (&turns[5]);
  g_assert_true (turns[36].active); /* before the second one of its predecessor */
  g_assert_false (turns[34].active);
  caiman_tls_turn_end (&turns[6]);
  g_assert_true (turns[34].active);
  g_assert_false (caiman_tls_turns_are_crowded ());
  caiman_tls_turn_end (&turns[7]); /* nobody may have it */
  g_assert_false (turns[32].active);
  caiman_tls_turn_end (&turns[0]);
  g_assert_true (turns[32].active);
  for (guint i = 0; i < G_N_ELEMENTS (turns); i++)
    caiman_tls_turn_end (&turns[i]);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/security/tls-turns/network", test_turns);
  g_test_add_func ("/security/tls-turns/all", test_all_turns);
  return g_test_run ();
}
