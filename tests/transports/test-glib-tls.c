/* SPDX-License-Identifier: Apache-2.0 */
/* test-glib-tls.c - a CaimanStream over TLS, whose links need the main context while calls wait. */
#include "tests/transports/glib-pair.h"

#include "transports/tls.h"

static CaimanTls *
make_server_tls (GError **error)
{
  g_autofree char *certificate = g_test_build_filename (G_TEST_DIST, "tls", "server.pem", NULL);
  g_autofree char *key = g_test_build_filename (G_TEST_DIST, "tls", "server-key.pem", NULL);
  return caiman_tls_new_server (certificate, key, NULL, error);
}

static gpointer
serve_with_tls (gpointer ports)
{
  g_autoptr (GError) error = NULL;
  CaimanTls *tls = make_server_tls (&error);
  g_assert_no_error (error);
  CaimanTcpAcceptorOptions options = { .wrap = caiman_tls_wrap, .wrap_data = tls };
  pair_serve (ports, &options);
  caiman_tls_unref (tls);
  return NULL;
}

static void
test_tls (void)
{
  GlibPair pair;
  char buffer[6] = "";
  g_autoptr (GError) error = NULL;
  G_GNUC_UNUSED g_autoptr (CaimanTls) probe = make_server_tls (&error);
  if (g_error_matches (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR)) {
    g_test_skip (error->message);
    return;
  }
  g_autoptr (GAsyncQueue) ports = g_async_queue_new ();
  pair_init (&pair, NULL);
  GThread *server = g_thread_new ("server", serve_with_tls, ports);
  g_autofree char *host =
      g_strdup_printf ("127.0.0.1:%u", GPOINTER_TO_UINT (g_async_queue_pop (ports)));
  const char *hosts[] = { host, NULL };
  CaimanTls *tls = caiman_tls_new_client (NULL, NULL, CAIMAN_TLS_ANY_SERVER, NULL, NULL, &error);
  g_assert_no_error (error);
  CaimanTcpConnectorOptions options = { .wrap = caiman_tls_wrap, .wrap_data = tls };
  pair.up = caiman_client_connect (pair.client, hosts, &options, NULL, &error);
  g_assert_no_error (error);
  caiman_tls_unref (tls); /* the stream has its own reference */
  GOutputStream *output = g_io_stream_get_output_stream (G_IO_STREAM (pair.up));
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (pair.up));
  g_assert_true (g_output_stream_write_all (output, "hello", 5, NULL, NULL, &error));
  g_assert_true (g_input_stream_read_all (input, buffer, 5, NULL, NULL, &error));
  g_assert_cmpstr (buffer, ==, "hello");
  g_assert_true (g_io_stream_close (G_IO_STREAM (pair.up), NULL, &error));
  g_thread_join (server);
  pair_clear (&pair);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transports/glib-tls/two-threads", test_tls);
  return g_test_run ();
}
