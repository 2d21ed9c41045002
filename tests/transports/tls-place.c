/* SPDX-License-Identifier: Apache-2.0 */
/* tls-place.c - TLS transports over loopback. */
#include "tests/transports/tls-place.h"

#include <sys/epoll.h>
#include <unistd.h>

static void
on_incoming (CaimanLoopWatch *watch, guint32 epoll_events)
{
  TlsPlace *place = (TlsPlace *)((char *)watch - G_STRUCT_OFFSET (TlsPlace, watch));
  CaimanReason reason;
  int fd = accept4 (watch->fd, NULL, NULL, SOCK_CLOEXEC);
  g_assert_cmpint (fd, >=, 0);
  CaimanTransport *tcp = caiman_tcp_new (place->loop, fd, NULL, &reason);
  g_assert_nonnull (tcp);
  place->accept (place->user_data, caiman_tls_wrap (place->loop, tcp, place->server));
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

TlsPlace *
tls_place_new (ContractAccept accept, gpointer user_data)
{
  TlsPlace *place = g_new0 (TlsPlace, 1);
  place->accept = accept;
  place->user_data = user_data;
  place->loop = caiman_loop_new (NULL);
  place->source = caiman_loop_source_new (place->loop);
  g_source_attach (place->source, NULL);
  place->watch.ready = on_incoming;
  int fd = listen_on_loopback (&place->address);
  g_assert_true (caiman_loop_add_watch (place->loop, &place->watch, fd, EPOLLIN, NULL));
  return place;
}

void
tls_place_free (TlsPlace *place)
{
  int fd = place->watch.fd;
  caiman_loop_remove_watch (&place->watch);
  close (fd);
  g_source_destroy (place->source);
  g_source_unref (place->source);
  caiman_loop_free (place->loop);
  /* What GIO's threads still have under way holds memory. */
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  caiman_tls_unref (place->server);
  caiman_tls_unref (place->client);
  g_free (place);
}

static CaimanTransport *
connect_to (TlsPlace *place, const struct sockaddr_in *address)
{
  CaimanReason reason;
  CaimanTransport *tcp = caiman_tcp_connect (place->loop, (const struct sockaddr *)address,
                                             sizeof *address, NULL, NULL, &reason);
  g_assert_nonnull (tcp);
  return caiman_tls_wrap (place->loop, tcp, place->client);
}

CaimanTransport *
tls_place_connect (TlsPlace *place)
{
  return connect_to (place, &place->address);
}

/* To a port that was free a moment ago. */
CaimanTransport *
tls_place_connect_refused (TlsPlace *place)
{
  struct sockaddr_in address;
  close (listen_on_loopback (&address));
  return connect_to (place, &address);
}

static gboolean
on_time_out (gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
  return G_SOURCE_REMOVE;
}

void
tls_place_step (TlsPlace *place)
{
  gboolean timed_out = FALSE;
  guint id = g_timeout_add (10, on_time_out, &timed_out);
  g_main_context_iteration (NULL, TRUE);
  if (!timed_out)
    g_source_remove (id);
}

char *
tls_place_file (const char *name)
{
  return g_test_build_filename (G_TEST_DIST, "tls", name, NULL);
}

CaimanTls *
tls_place_server (gboolean wants_client)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *certificate = tls_place_file ("server.pem");
  g_autofree char *key = tls_place_file ("server-key.pem");
  g_autofree char *ca = tls_place_file ("ca.pem");
  CaimanTls *tls = caiman_tls_new_server (certificate, key, wants_client ? ca : NULL, &error);
  g_assert_no_error (error);
  return tls;
}

CaimanTls *
tls_place_client (const char *server_name, const char *ca, const char *fingerprint,
                  const char *certificate)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *ca_file = ca ? tls_place_file (ca) : NULL;
  g_autofree char *certificate_file = NULL, *key_file = NULL;
  if (certificate) {
    g_autofree char *name = g_strdup_printf ("%s.pem", certificate);
    g_autofree char *key_name = g_strdup_printf ("%s-key.pem", certificate);
    certificate_file = tls_place_file (name);
    key_file = tls_place_file (key_name);
  }
  CaimanTls *tls =
      caiman_tls_new_client (server_name, ca_file, fingerprint, certificate_file, key_file, &error);
  g_assert_no_error (error);
  return tls;
}
