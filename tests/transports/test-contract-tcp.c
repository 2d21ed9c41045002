/* SPDX-License-Identifier: Apache-2.0 */
/* test-contract-tcp.c - TCP over loopback keeps the contract of transports/transport.h. */
#include "tests/transports/contract.h"
#include "transports/tcp.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <unistd.h>

typedef struct {
  ContractAccept accept;
  gpointer user_data;
  CaimanLoop *loop;
  CaimanLoopWatch watch; /* of the listening socket */
  struct sockaddr_in address;
} Place;

static void
on_incoming (CaimanLoopWatch *watch, guint32 epoll_events)
{
  Place *place = (Place *)((char *)watch - G_STRUCT_OFFSET (Place, watch));
  CaimanReason reason;
  int fd = accept4 (watch->fd, NULL, NULL, SOCK_CLOEXEC);
  g_assert_cmpint (fd, >=, 0);
  CaimanTransport *end = caiman_tcp_new (place->loop, fd, NULL, &reason);
  g_assert_nonnull (end);
  g_assert_cmpint (caiman_tcp_get_fd (end), ==, fd);
  place->accept (place->user_data, end);
}

static int
listen_on_loopback (struct sockaddr_in *address_out)
{
  socklen_t size = sizeof *address_out;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  *address_out =
      (struct sockaddr_in) { .sin_family = AF_INET, .sin_addr.s_addr = g_htonl (INADDR_LOOPBACK) };
  g_assert_cmpint (bind (fd, (struct sockaddr *)address_out, size), ==, 0);
  g_assert_cmpint (listen (fd, 16), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *)address_out, &size), ==, 0);
  return fd;
}

static gpointer
place_new (ContractAccept accept, gpointer user_data)
{
  Place *place = g_new0 (Place, 1);
  place->accept = accept;
  place->user_data = user_data;
  place->loop = caiman_loop_new (NULL);
  place->watch.ready = on_incoming;
  int fd = listen_on_loopback (&place->address);
  g_assert_true (caiman_loop_add_watch (place->loop, &place->watch, fd, EPOLLIN, NULL));
  return place;
}

static void
place_free (gpointer data)
{
  Place *place = data;
  int fd = place->watch.fd;
  caiman_loop_remove_watch (&place->watch);
  close (fd);
  caiman_loop_free (place->loop);
  g_free (place);
}

static CaimanTransport *
connect_to (Place *place, const struct sockaddr_in *address)
{
  CaimanReason reason;
  return caiman_tcp_connect (place->loop, (const struct sockaddr *)address, sizeof *address, NULL,
                             NULL, &reason);
}

static CaimanTransport *
place_connect (gpointer data)
{
  Place *place = data;
  return connect_to (place, &place->address);
}

/* To a port that was free a moment ago. */
static CaimanTransport *
place_connect_refused (gpointer data)
{
  struct sockaddr_in address;
  close (listen_on_loopback (&address));
  return connect_to (data, &address);
}

static gboolean
place_step (gpointer data)
{
  Place *place = data;
  caiman_loop_iterate (place->loop, 10 * CAIMAN_NS_PER_MS);
  return TRUE;
}

static void
place_settle (gpointer data)
{
  Place *place = data;
  gint64 until_ns = caiman_loop_now (place->loop) + 3 * CAIMAN_NS_PER_MS;
  while (caiman_loop_now (place->loop) < until_ns)
    caiman_loop_iterate (place->loop, CAIMAN_NS_PER_MS);
}

int
main (int argc, char **argv)
{
  static const ContractCarrier carrier = {
    "tcp", place_new, place_free, place_connect, place_connect_refused, place_step, place_settle,
  };
  g_test_init (&argc, &argv, NULL);
  contract_add_tests (&carrier);
  return g_test_run ();
}
