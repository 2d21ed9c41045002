/* SPDX-License-Identifier: Apache-2.0 */
/* glib-pair.c - see glib-pair.h. */
#include "tests/transports/glib-pair.h"

#include <string.h>

/* Only a test that hangs gets there. */
#define HANG_SECONDS 30

void
pair_init (GlibPair *pair, const CaimanConfig *config)
{
  static const char *const addresses[] = { "127.0.0.1:0", NULL };
  g_autoptr (GError) error = NULL;
  *pair = (GlibPair) { .context = g_main_context_new () };
  pair->n_fds = count_fds ();
  g_main_context_push_thread_default (pair->context);
  pair->listener = caiman_listener_new (config, &error);
  g_assert_no_error (error);
  caiman_listener_listen (pair->listener, addresses, NULL, &error);
  g_assert_no_error (error);
  pair->client = caiman_client_new ();
  if (config)
    caiman_client_set_config (pair->client, config);
  pair->hosts[0] = g_strdup_printf ("127.0.0.1:%u", caiman_listener_get_port (pair->listener, 0));
}

static gboolean
hangs (gpointer user_data)
{
  g_error ("the test hangs");
  return G_SOURCE_REMOVE;
}

void
pair_run_until (GlibPair *pair, gboolean (*condition) (gconstpointer data), gconstpointer data)
{
  g_autoptr (GSource) alarm = g_timeout_source_new_seconds (HANG_SECONDS);
  g_source_set_callback (alarm, hangs, NULL, NULL);
  g_source_attach (alarm, pair->context);
  while (!condition (data))
    g_main_context_iteration (pair->context, TRUE);
  g_source_destroy (alarm);
}

void
pair_keep_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static gboolean
has_result (gconstpointer data)
{
  return *(GAsyncResult *const *)data != NULL;
}

GAsyncResult *
pair_wait_result (GlibPair *pair, GAsyncResult **result)
{
  pair_run_until (pair, has_result, result);
  return g_steal_pointer (result);
}

void
pair_connect (GlibPair *pair)
{
  g_autoptr (GError) error = NULL;
  GAsyncResult *up_result = NULL, *down_result = NULL;
  caiman_listener_accept_async (pair->listener, NULL, pair_keep_result, &down_result);
  caiman_client_connect_async (pair->client, (const char *const *)pair->hosts, NULL, NULL,
                               pair_keep_result, &up_result);
  g_autoptr (GAsyncResult) up = pair_wait_result (pair, &up_result);
  pair->up = caiman_client_connect_finish (pair->client, up, &error);
  g_assert_no_error (error);
  g_autoptr (GAsyncResult) down = pair_wait_result (pair, &down_result);
  pair->down = caiman_listener_accept_finish (pair->listener, down, &error);
  g_assert_no_error (error);
  g_assert_cmpint (caiman_stream_get_state (pair->up), ==, CAIMAN_CONNECTION_OPEN);
  g_assert_cmpint (caiman_stream_get_state (pair->down), ==, CAIMAN_CONNECTION_OPEN);
}

guint
count_fds (void)
{
  guint n_fds = 0;
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  g_assert_nonnull (dir);
  for (const char *name; (name = g_dir_read_name (dir));) {
    g_autofree char *path = g_build_filename ("/proc/self/fd", name, NULL);
    g_autofree char *target = g_file_read_link (path, NULL);
    n_fds += target && (g_str_has_prefix (target, "socket:") || strstr (target, "eventpoll"));
  }
  return n_fds;
}

/* The event loop of the context and all sockets are gone. */
static gboolean
is_over (gconstpointer pair)
{
  return count_fds () == ((const GlibPair *)pair)->n_fds;
}

void
pair_clear (GlibPair *pair)
{
  g_clear_object (&pair->up);
  g_clear_object (&pair->down);
  g_clear_object (&pair->client);
  g_clear_object (&pair->listener);
  g_clear_pointer (&pair->hosts[0], g_free);
  pair_run_until (pair, is_over, pair);
  g_main_context_pop_thread_default (pair->context);
  g_clear_pointer (&pair->context, g_main_context_unref);
}

void
pair_write (GlibPair *pair, CaimanStream *stream, const char *text)
{
  g_autoptr (GError) error = NULL;
  GAsyncResult *kept = NULL;
  GOutputStream *output = g_io_stream_get_output_stream (G_IO_STREAM (stream));
  g_output_stream_write_all_async (output, text, strlen (text), 0, NULL, pair_keep_result, &kept);
  g_autoptr (GAsyncResult) result = pair_wait_result (pair, &kept);
  g_output_stream_write_all_finish (output, result, NULL, &error);
  g_assert_no_error (error);
}

char *
pair_read (GlibPair *pair, CaimanStream *stream, gsize size)
{
  g_autoptr (GError) error = NULL;
  GAsyncResult *kept = NULL;
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (stream));
  char *text = g_malloc0 (size + 1);
  g_input_stream_read_all_async (input, text, size, 0, NULL, pair_keep_result, &kept);
  g_autoptr (GAsyncResult) result = pair_wait_result (pair, &kept);
  g_input_stream_read_all_finish (input, result, NULL, &error);
  g_assert_no_error (error);
  return text;
}

gboolean
pair_close (GlibPair *pair, CaimanStream *stream, GError **error)
{
  GAsyncResult *kept = NULL;
  g_io_stream_close_async (G_IO_STREAM (stream), 0, NULL, pair_keep_result, &kept);
  g_autoptr (GAsyncResult) result = pair_wait_result (pair, &kept);
  return g_io_stream_close_finish (G_IO_STREAM (stream), result, error);
}

void
pair_serve (GAsyncQueue *ports, const CaimanTcpAcceptorOptions *options)
{
  static const char *const addresses[] = { "127.0.0.1:0", NULL };
  char buffer[4096];
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GError) error = NULL;
  g_main_context_push_thread_default (context);
  CaimanListener *listener = caiman_listener_new (NULL, &error);
  g_assert_true (caiman_listener_listen (listener, addresses, options, &error));
  g_async_queue_push (ports, GUINT_TO_POINTER (caiman_listener_get_port (listener, 0)));
  CaimanStream *stream = caiman_listener_accept (listener, NULL, &error);
  g_assert_no_error (error);
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (stream));
  GOutputStream *output = g_io_stream_get_output_stream (G_IO_STREAM (stream));
  for (gssize n; (n = g_input_stream_read (input, buffer, sizeof buffer, NULL, &error)) > 0;)
    g_output_stream_write_all (output, buffer, (gsize)n, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_io_stream_close (G_IO_STREAM (stream), NULL, &error));
  g_object_unref (stream);
  g_object_unref (listener);
  while (g_main_context_iteration (context, FALSE))
    continue;
  g_main_context_pop_thread_default (context);
}
