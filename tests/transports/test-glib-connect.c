/* SPDX-License-Identifier: Apache-2.0 */
/* test-glib-connect.c - how streams come about: clients, listeners, links; and synchronous use. */
#include "tests/transports/glib-pair.h"

#include "transports/tcp.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

static const char *const nobody[] = { "127.0.0.1:1", NULL };

/* --- Clients --- */

static CaimanStream *
try_connect (GlibPair *pair, const char *const *hosts, GCancellable *cancellable, GError **error)
{
  GAsyncResult *kept = NULL;
  caiman_client_connect_async (pair->client, hosts, NULL, cancellable, pair_keep_result, &kept);
  g_autoptr (GAsyncResult) result = pair_wait_result (pair, &kept);
  return caiman_client_connect_finish (pair->client, result, error);
}

static void
test_bad_host (void)
{
  static const char *const hosts[] = { "[::1", NULL };
  GlibPair pair;
  g_autoptr (GError) error = NULL;
  pair_init (&pair, NULL);
  g_assert_null (try_connect (&pair, hosts, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "[::1"));
  g_clear_error (&error);
  g_assert_null (caiman_client_connect (pair.client, hosts, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  pair_clear (&pair);
}

static void
test_default_port (void)
{
  static const char *const hosts[] = { "127.0.0.1", NULL };
  GlibPair pair;
  guint port;
  g_autoptr (GError) error = NULL;
  pair_init (&pair, NULL);
  g_assert_null (try_connect (&pair, hosts, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  caiman_client_set_default_port (pair.client, caiman_listener_get_port (pair.listener, 0));
  g_object_get (pair.client, "default-port", &port, NULL);
  g_assert_cmpuint (port, ==, caiman_listener_get_port (pair.listener, 0));
  GAsyncResult *accepted = NULL;
  caiman_listener_accept_async (pair.listener, NULL, pair_keep_result, &accepted);
  pair.up = try_connect (&pair, hosts, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (GAsyncResult) result = pair_wait_result (&pair, &accepted);
  pair.down = caiman_listener_accept_finish (pair.listener, result, &error);
  g_assert_no_error (error);
  g_clear_object (&result); /* it holds the listener */
  pair_clear (&pair);
}

/* Nobody there: the connection gives up after no-link-timeout, and the error says what was tried.
 */
static void
test_nobody_there (void)
{
  GlibPair pair;
  g_autoptr (GError) error = NULL;
  CaimanConfig config;
  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
  config.no_link_timeout_ns = 100 * CAIMAN_NS_PER_MS;
  pair_init (&pair, &config);
  g_assert_null (try_connect (&pair, nobody, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (error->message, "127.0.0.1:1"));
  g_clear_error (&error);
  g_assert_null (caiman_client_connect (pair.client, nobody, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (error->message, "127.0.0.1:1"));
  pair_clear (&pair);
}

static void
cancel_soon (GCancellable *cancellable)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  g_source_set_callback (source, G_SOURCE_FUNC (g_cancellable_cancel), cancellable, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
}

static void
test_cancelled (void)
{
  GlibPair pair;
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  pair_init (&pair, NULL);
  cancel_soon (cancellable);
  g_assert_null (try_connect (&pair, nobody, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (caiman_client_connect (pair.client, nobody, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (caiman_listener_accept (pair.listener, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  pair_clear (&pair);
}

static void
test_open_then_wait (void)
{
  GlibPair pair;
  g_autoptr (GError) error = NULL;
  GAsyncResult *connected = NULL, *accepted = NULL;
  gint state;
  pair_init (&pair, NULL);
  pair.up = caiman_client_open (pair.client, (const char *const *)pair.hosts, NULL, &error);
  g_assert_no_error (error);
  g_object_get (pair.up, "state", &state, NULL);
  g_assert_cmpint (state, ==, CAIMAN_CONNECTION_CONNECTING);
  pair_write (&pair, pair.up, "early"); /* waits in the send buffer */
  caiman_stream_wait_connected_async (pair.up, NULL, pair_keep_result, &connected);
  caiman_listener_accept_async (pair.listener, NULL, pair_keep_result, &accepted);
  g_autoptr (GAsyncResult) up_result = pair_wait_result (&pair, &connected);
  g_assert_true (caiman_stream_wait_connected_finish (pair.up, up_result, &error));
  g_assert_true (caiman_stream_wait_connected (pair.up, NULL, &error));
  g_autoptr (GAsyncResult) down_result = pair_wait_result (&pair, &accepted);
  pair.down = caiman_listener_accept_finish (pair.listener, down_result, &error);
  g_autofree char *read = pair_read (&pair, pair.down, 5);
  g_assert_cmpstr (read, ==, "early");
  g_clear_object (&up_result);
  g_clear_object (&down_result);
  pair_clear (&pair);
}

/* A stream that is closed before it is connected is given up, without an error. */
static void
test_close_before_connected (void)
{
  GlibPair pair;
  g_autoptr (GError) error = NULL;
  pair_init (&pair, NULL);
  pair.up = caiman_client_open (pair.client, nobody, NULL, &error);
  g_assert_true (pair_close (&pair, pair.up, &error));
  g_assert_no_error (error);
  g_assert_false (caiman_stream_wait_connected (pair.up, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  pair_clear (&pair);
}

/* --- Listeners --- */

static void
refuse (CaimanListener *listener, gpointer user_data)
{
  g_assert_nonnull (caiman_listener_peek (listener));
  caiman_listener_refuse (listener);
  g_assert_null (caiman_listener_peek (listener));
  ++*(guint *)user_data;
}

static void
test_refused (void)
{
  GlibPair pair;
  guint n_incoming = 0;
  g_autoptr (GError) error = NULL;
  pair_init (&pair, NULL);
  g_signal_connect (pair.listener, "incoming", G_CALLBACK (refuse), &n_incoming);
  g_assert_null (try_connect (&pair, (const char *const *)pair.hosts, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  g_assert_cmpuint (n_incoming, ==, 1);
  caiman_listener_refuse (pair.listener); /* nobody there: nothing happens */
  pair_clear (&pair);
}

static void
test_closed_listener (void)
{
  GlibPair pair;
  GAsyncResult *kept = NULL;
  g_autoptr (GError) error = NULL;
  pair_init (&pair, NULL);
  pair_connect (&pair);
  caiman_listener_accept_async (pair.listener, NULL, pair_keep_result, &kept);
  caiman_listener_close (pair.listener);
  g_autoptr (GAsyncResult) result = pair_wait_result (&pair, &kept);
  g_assert_null (caiman_listener_accept_finish (pair.listener, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_false (
      caiman_listener_listen (pair.listener, (const char *const *)pair.hosts, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_null (caiman_listener_get_server (pair.listener));
  /* What was accepted lives on, and nothing new comes in. */
  pair_write (&pair, pair.up, "hello");
  g_autofree char *read = pair_read (&pair, pair.down, 5);
  g_assert_cmpstr (read, ==, "hello");
  g_assert_null (try_connect (&pair, (const char *const *)pair.hosts, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  g_clear_object (&result);
  pair_clear (&pair);
}

static gboolean
has_pending (gconstpointer listener)
{
  return caiman_listener_peek ((CaimanListener *)listener) != NULL;
}

/* What waits to be accepted is told that it will not be. */
static void
test_close_refuses_what_waits (void)
{
  GlibPair pair;
  GAsyncResult *kept = NULL;
  g_autoptr (GError) error = NULL;
  pair_init (&pair, NULL);
  caiman_client_connect_async (pair.client, (const char *const *)pair.hosts, NULL, NULL,
                               pair_keep_result, &kept);
  pair_run_until (&pair, has_pending, pair.listener);
  caiman_listener_close (pair.listener);
  g_autoptr (GAsyncResult) result = pair_wait_result (&pair, &kept);
  g_assert_null (caiman_client_connect_finish (pair.client, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  g_clear_object (&result);
  pair_clear (&pair);
}

static void
test_address_in_use (void)
{
  GlibPair pair;
  g_autoptr (GError) error = NULL;
  pair_init (&pair, NULL);
  CaimanListener *second = caiman_listener_new (NULL, &error);
  g_assert_no_error (error);
  g_assert_true (caiman_listener_get_loop (second) == caiman_listener_get_loop (pair.listener));
  g_assert_false (caiman_listener_listen (second, (const char *const *)pair.hosts, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, pair.hosts[0]));
  g_object_unref (second);
  pair_clear (&pair);
}

/* --- Links --- */

typedef struct {
  guint n_added, n_changed, n_removed;
  gint last_state, last_reason, removed_reason;
} Told;

static void
link_added (CaimanStream *stream, CaimanLink *link, gpointer user_data)
{
  g_assert_cmpstr (caiman_link_get_name (link), !=, "");
  ((Told *)user_data)->n_added++;
}

static void
link_changed (CaimanStream *stream, CaimanLink *link, gint state, gint reason, gpointer user_data)
{
  Told *told = user_data;
  told->n_changed++;
  told->last_state = state;
  told->last_reason = reason;
}

static void
link_removed (CaimanStream *stream, CaimanLink *link, gint reason, gpointer user_data)
{
  Told *told = user_data;
  told->n_removed++;
  told->removed_reason = reason;
}

static void
listen_to_links (CaimanStream *stream, Told *told)
{
  *told = (Told) { .last_state = -1 };
  g_signal_connect (stream, "link-added", G_CALLBACK (link_added), told);
  g_signal_connect (stream, "link-changed", G_CALLBACK (link_changed), told);
  g_signal_connect (stream, "link-removed", G_CALLBACK (link_removed), told);
}

static gboolean
was_added (gconstpointer told)
{
  return ((const Told *)told)->n_added > 0;
}

static gboolean
was_removed (gconstpointer told)
{
  return ((const Told *)told)->n_removed > 0;
}

/* An established TCP connection to the listener, made by hand. */
static int
connect_socket (guint16 port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (port) };
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  return fd;
}

static CaimanTransport *
make_transport (CaimanLoop *loop, int fd)
{
  static const CaimanTcpOptions options = { 0 };
  CaimanReason reason = CAIMAN_REASON_NONE;
  CaimanTransport *transport = caiman_tcp_new (loop, fd, &options, &reason);
  g_assert_nonnull (transport);
  return transport;
}

static const CaimanTcpAcceptorOptions no_filter = { .filter = CAIMAN_TCP_FILTER_NONE };

static void
test_links_by_hand (void)
{
  static const char *const addresses[] = { "127.0.0.1:0", NULL };
  GlibPair pair;
  Told up, down;
  g_autoptr (GError) error = NULL;
  GAsyncResult *accepted = NULL;
  pair_init (&pair, NULL);
  g_autoptr (CaimanListener) listener = caiman_listener_new (NULL, &error);
  g_assert_true (caiman_listener_listen (listener, addresses, &no_filter, &error));
  guint16 port = caiman_listener_get_port (listener, 0);

  pair.up = caiman_client_open (pair.client, NULL, NULL, &error);
  listen_to_links (pair.up, &up);
  CaimanLoop *loop = caiman_stream_get_loop (pair.up);
  CaimanLinkInfo info = { .name = "first" };
  caiman_stream_add_transport (pair.up, make_transport (loop, connect_socket (port)), &info);
  caiman_listener_accept_async (listener, NULL, pair_keep_result, &accepted);
  g_autoptr (GAsyncResult) result = pair_wait_result (&pair, &accepted);
  pair.down = caiman_listener_accept_finish (listener, result, &error);
  listen_to_links (pair.down, &down);
  pair_run_until (&pair, was_added, &up);
  g_autoptr (GPtrArray) links = caiman_stream_get_links (pair.up);
  g_assert_cmpuint (links->len, ==, 1);
  CaimanLink *first = links->pdata[0];
  g_assert_cmpstr (caiman_link_get_name (first), ==, "first");

  info.name = "second";
  caiman_stream_add_transport (pair.up, make_transport (loop, connect_socket (port)), &info);
  pair_run_until (&pair, was_added, &down); /* the first one was there from the beginning */
  g_assert_cmpuint (down.n_added, ==, 1);

  caiman_stream_set_link_blocked (pair.up, first, TRUE);
  g_assert_true (caiman_link_is_blocked_local (first));
  caiman_stream_set_link_blocked (pair.up, first, FALSE);
  caiman_stream_disconnect_link (pair.up, first);
  pair_run_until (&pair, was_removed, &up);
  pair_run_until (&pair, was_removed, &down);
  g_assert_cmpint (up.removed_reason, ==, CAIMAN_REASON_LINK_DISCONNECTED);
  g_assert_cmpint (down.removed_reason, ==, CAIMAN_REASON_LINK_GOODBYE);
  g_assert_cmpint (up.last_state, ==, CAIMAN_LINK_CLOSED);
  g_assert_cmpuint (up.n_changed, >, 2);
  caiman_stream_disconnect_link (pair.up, first); /* gone: nothing happens */
  caiman_stream_set_link_blocked (pair.up, first, TRUE);

  pair_write (&pair, pair.up, "over the second");
  g_autofree char *read = pair_read (&pair, pair.down, 15);
  g_assert_cmpstr (read, ==, "over the second");
  g_clear_object (&listener);
  g_clear_object (&result);
  pair_clear (&pair);
}

static void
test_transports_for_nobody (void)
{
  GlibPair pair;
  g_autoptr (GError) error = NULL;
  CaimanLinkInfo info = { .name = "late" };
  pair_init (&pair, NULL);
  guint16 port = caiman_listener_get_port (pair.listener, 0);
  pair_connect (&pair);
  CaimanLoop *loop = caiman_stream_get_loop (pair.up);
  /* By hand, a transport is given to the listener: the other end just has to be there. */
  int fd = connect_socket (port);
  caiman_listener_add_transport (pair.listener, make_transport (loop, connect_socket (port)),
                                 &info);
  caiman_listener_close (pair.listener);
  caiman_listener_add_transport (pair.listener, make_transport (loop, fd), &info);
  g_assert_true (pair_close (&pair, pair.up, &error));
  caiman_stream_add_transport (pair.up, make_transport (loop, connect_socket (port)), &info);
  caiman_stream_terminate (pair.up);
  caiman_stream_touch (pair.up);
  g_assert_cmpint (caiman_stream_get_state (pair.up), ==, CAIMAN_CONNECTION_ENDED);
  pair_clear (&pair);
}

/* --- Synchronously --- */

static gpointer
serve (gpointer ports)
{
  pair_serve (ports, NULL);
  return NULL;
}

static CaimanStream *
connect_to_server (CaimanClient *client, GAsyncQueue *ports)
{
  g_autoptr (GError) error = NULL;
  guint port = GPOINTER_TO_UINT (g_async_queue_pop (ports));
  g_autofree char *host = g_strdup_printf ("127.0.0.1:%u", port);
  const char *hosts[] = { host, NULL };
  CaimanStream *stream = caiman_client_connect (client, hosts, NULL, NULL, &error);
  g_assert_no_error (error);
  return stream;
}

static void
test_two_threads (void)
{
  GlibPair pair;
  char buffer[6] = "";
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncQueue) ports = g_async_queue_new ();
  pair_init (&pair, NULL);
  GThread *server = g_thread_new ("server", serve, ports);
  pair.up = connect_to_server (pair.client, ports);
  GOutputStream *output = g_io_stream_get_output_stream (G_IO_STREAM (pair.up));
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (pair.up));
  g_assert_true (g_output_stream_write_all (output, "hello", 5, NULL, NULL, &error));
  g_assert_true (g_output_stream_flush (output, NULL, &error));
  g_assert_true (g_input_stream_read_all (input, buffer, 5, NULL, NULL, &error));
  g_assert_cmpstr (buffer, ==, "hello");
  g_assert_true (g_io_stream_close (G_IO_STREAM (pair.up), NULL, &error));
  g_assert_no_error (error);
  g_thread_join (server);
  pair_clear (&pair);
}

static void
test_synchronous_messages (void)
{
  GlibPair pair;
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncQueue) ports = g_async_queue_new ();
  pair_init (&pair, NULL);
  GThread *server = g_thread_new ("server", serve, ports);
  pair.up = connect_to_server (pair.client, ports);
  g_autoptr (GBytes) message = g_bytes_new_static ("question", 8);
  g_assert_true (caiman_stream_send_message (pair.up, message, NULL, &error));
  g_autoptr (GBytes) answer = caiman_stream_receive_message (pair.up, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (message, answer));
  g_output_stream_close (g_io_stream_get_output_stream (G_IO_STREAM (pair.up)), NULL, NULL);
  g_assert_null (caiman_stream_receive_message (pair.up, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (g_io_stream_close (G_IO_STREAM (pair.up), NULL, &error));
  g_thread_join (server);
  pair_clear (&pair);
}

/* What wraps transports needs the main context, so that is run while a call waits. */
static CaimanTransport *
wrap_in_nothing (CaimanLoop *loop, CaimanTransport *tcp, gpointer user_data)
{
  ++*(guint *)user_data;
  return tcp;
}

static void
test_synchronous_over_the_main_context (void)
{
  GlibPair pair;
  guint n_wrapped = 0;
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncQueue) ports = g_async_queue_new ();
  CaimanTcpConnectorOptions options = { .wrap = wrap_in_nothing, .wrap_data = &n_wrapped };
  pair_init (&pair, NULL);
  GThread *server = g_thread_new ("server", serve, ports);
  g_autofree char *host =
      g_strdup_printf ("127.0.0.1:%u", GPOINTER_TO_UINT (g_async_queue_pop (ports)));
  const char *hosts[] = { host, NULL };
  pair.up = caiman_client_connect (pair.client, hosts, &options, cancellable, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n_wrapped, ==, 1);
  char byte;
  cancel_soon (cancellable);
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (pair.up));
  g_assert_cmpint (g_input_stream_read (input, &byte, 1, cancellable, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_true (g_io_stream_close (G_IO_STREAM (pair.up), NULL, &error));
  g_thread_join (server);
  pair_clear (&pair);
}

static void
wait_in_handler (CaimanStream *stream, CaimanLink *link, gint reason, gpointer user_data)
{
  char byte;
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (stream));
  g_autoptr (GError) error = NULL;
  g_assert_cmpint (g_input_stream_read (input, &byte, 1, NULL, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  /* These do not wait, and so may happen anywhere. */
  caiman_stream_terminate (stream);
  g_object_unref (stream);
}

static gboolean
is_gone (gconstpointer stream)
{
  return *(CaimanStream *const *)stream == NULL;
}

static void
test_handlers_do_not_wait (void)
{
  GlibPair pair;
  pair_init (&pair, NULL);
  pair_connect (&pair);
  g_object_add_weak_pointer (G_OBJECT (pair.up), (gpointer *)&pair.up);
  g_signal_connect (pair.up, "link-removed", G_CALLBACK (wait_in_handler), NULL);
  g_autoptr (GPtrArray) links = caiman_stream_get_links (pair.up);
  caiman_stream_disconnect_link (pair.up, links->pdata[0]);
  pair_run_until (&pair, is_gone, &pair.up);
  caiman_stream_terminate (pair.down); /* there is no link over which it could hear of it */
  pair_clear (&pair);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transports/glib-client/bad-host", test_bad_host);
  g_test_add_func ("/transports/glib-client/default-port", test_default_port);
  g_test_add_func ("/transports/glib-client/nobody-there", test_nobody_there);
  g_test_add_func ("/transports/glib-client/cancelled", test_cancelled);
  g_test_add_func ("/transports/glib-client/open-then-wait", test_open_then_wait);
  g_test_add_func ("/transports/glib-client/close-before-connected", test_close_before_connected);
  g_test_add_func ("/transports/glib-listener/refused", test_refused);
  g_test_add_func ("/transports/glib-listener/closed", test_closed_listener);
  g_test_add_func ("/transports/glib-listener/close-refuses", test_close_refuses_what_waits);
  g_test_add_func ("/transports/glib-listener/address-in-use", test_address_in_use);
  g_test_add_func ("/transports/glib-links/by-hand", test_links_by_hand);
  g_test_add_func ("/transports/glib-links/for-nobody", test_transports_for_nobody);
  g_test_add_func ("/transports/glib-sync/two-threads", test_two_threads);
  g_test_add_func ("/transports/glib-sync/messages", test_synchronous_messages);
  g_test_add_func ("/transports/glib-sync/main-context", test_synchronous_over_the_main_context);
  g_test_add_func ("/transports/glib-sync/handlers", test_handlers_do_not_wait);
  return g_test_run ();
}
