/* SPDX-License-Identifier: Apache-2.0 */
/* test-glib-stream.c - bytes, messages and ends of a CaimanStream. */
#include "tests/transports/glib-pair.h"

#include <string.h>

static GInputStream *
input_of (CaimanStream *stream)
{
  return g_io_stream_get_input_stream (G_IO_STREAM (stream));
}

static GOutputStream *
output_of (CaimanStream *stream)
{
  return g_io_stream_get_output_stream (G_IO_STREAM (stream));
}

static gboolean
has_ended (gconstpointer stream)
{
  return caiman_stream_get_state ((CaimanStream *)stream) == CAIMAN_CONNECTION_ENDED;
}

static void
assert_reads (GlibPair *pair, CaimanStream *stream, const char *text)
{
  g_autofree char *read = pair_read (pair, stream, strlen (text));
  g_assert_cmpstr (read, ==, text);
}

static void
assert_reads_end (GlibPair *pair, CaimanStream *stream)
{
  g_autofree char *read = pair_read (pair, stream, 1);
  g_assert_cmpstr (read, ==, "");
}

/* --- Bytes --- */

static void
test_both_ways (void)
{
  GlibPair pair;
  pair_init (&pair, NULL);
  pair_connect (&pair);
  pair_write (&pair, pair.up, "hello");
  assert_reads (&pair, pair.down, "hello");
  pair_write (&pair, pair.down, "good morning");
  assert_reads (&pair, pair.up, "good morning");
  pair_clear (&pair);
}

/* PROTOCOL.md, section 5: each direction ends by itself. */
static void
test_half_close (void)
{
  GlibPair pair;
  g_autoptr (GError) error = NULL;
  pair_init (&pair, NULL);
  pair_connect (&pair);
  pair_write (&pair, pair.up, "question");
  g_assert_true (g_output_stream_close (output_of (pair.up), NULL, &error));
  assert_reads (&pair, pair.down, "question");
  assert_reads_end (&pair, pair.down);
  pair_write (&pair, pair.down, "answer");
  g_assert_true (pair_close (&pair, pair.down, &error) || error);
  g_assert_no_error (error);
  assert_reads (&pair, pair.up, "answer");
  assert_reads_end (&pair, pair.up);
  g_assert_true (pair_close (&pair, pair.up, &error));
  g_assert_cmpint (caiman_stream_get_end_reason (pair.up), ==, CAIMAN_REASON_FINISHED);
  g_assert_cmpint (caiman_stream_get_end_reason (pair.down), ==, CAIMAN_REASON_FINISHED);
  g_assert_null (caiman_stream_get_connection (pair.up));
  pair_clear (&pair);
}

static void
test_async_half_close (void)
{
  GlibPair pair;
  GAsyncResult *kept = NULL;
  pair_init (&pair, NULL);
  pair_connect (&pair);
  pair_write (&pair, pair.down, "last words");
  g_output_stream_close_async (output_of (pair.down), 0, NULL, pair_keep_result, &kept);
  g_autoptr (GAsyncResult) closed = pair_wait_result (&pair, &kept);
  g_assert_true (g_output_stream_close_finish (output_of (pair.down), closed, NULL));
  assert_reads (&pair, pair.up, "last words");
  assert_reads_end (&pair, pair.up);
  g_input_stream_close_async (input_of (pair.down), 0, NULL, pair_keep_result, &kept);
  g_autoptr (GAsyncResult) dropped = pair_wait_result (&pair, &kept);
  g_assert_true (g_input_stream_close_finish (input_of (pair.down), dropped, NULL));
  pair_run_until (&pair, has_ended, pair.down);
  pair_clear (&pair);
}

static void
test_many_bytes_through_small_buffers (void)
{
  enum { SIZE = 3 * 1000 * 1000 };
  GlibPair pair;
  CaimanConfig config;
  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
  config.send_buffer_bytes = 64 * 1024;
  config.receive_buffer_bytes = 64 * 1024;
  pair_init (&pair, &config);
  pair_connect (&pair);
  g_autofree guint8 *data = g_malloc (SIZE);
  for (gsize i = 0; i < SIZE; i++)
    data[i] = (guint8)(i * 7 + i / 1000);
  GAsyncResult *written = NULL, *spliced = NULL;
  g_output_stream_write_all_async (output_of (pair.up), data, SIZE, 0, NULL, pair_keep_result,
                                   &written);
  g_autoptr (GOutputStream) sink = g_memory_output_stream_new_resizable ();
  g_output_stream_splice_async (sink, input_of (pair.down), G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, 0,
                                NULL, pair_keep_result, &spliced);
  g_autoptr (GAsyncResult) write_result = pair_wait_result (&pair, &written);
  g_assert_true (g_output_stream_write_all_finish (output_of (pair.up), write_result, NULL, NULL));
  g_output_stream_close (output_of (pair.up), NULL, NULL);
  g_autoptr (GAsyncResult) splice_result = pair_wait_result (&pair, &spliced);
  g_assert_cmpint (g_output_stream_splice_finish (sink, splice_result, NULL), ==, SIZE);
  gpointer received = g_memory_output_stream_get_data (G_MEMORY_OUTPUT_STREAM (sink));
  g_assert_cmpmem (received, SIZE, data, SIZE);
  pair_clear (&pair);
}

static void
test_flush_waits_for_acknowledgements (void)
{
  GlibPair pair;
  GAsyncResult *kept = NULL;
  pair_init (&pair, NULL);
  pair_connect (&pair);
  for (guint i = 0; i < 2; i++) { /* the second one when there is nothing to wait for */
    if (i == 0)
      pair_write (&pair, pair.up, "to be acknowledged");
    g_output_stream_flush_async (output_of (pair.up), 0, NULL, pair_keep_result, &kept);
    g_autoptr (GAsyncResult) result = pair_wait_result (&pair, &kept);
    g_assert_true (g_output_stream_flush_finish (output_of (pair.up), result, NULL));
    CaimanConnectionStats stats;
    caiman_connection_get_stats (caiman_stream_get_connection (pair.up), &stats);
    g_assert_cmpuint (stats.unacked_bytes + stats.unsent_bytes, ==, 0);
    g_assert_cmpuint (stats.sent_bytes, ==, 18);
  }
  pair_clear (&pair);
}

static void
test_flush_fails_with_the_connection (void)
{
  GlibPair pair;
  GAsyncResult *kept = NULL;
  g_autoptr (GError) error = NULL;
  pair_init (&pair, NULL);
  pair_connect (&pair);
  pair_write (&pair, pair.up, "never to be acknowledged");
  g_output_stream_flush_async (output_of (pair.up), 0, NULL, pair_keep_result, &kept);
  caiman_stream_terminate (pair.up);
  g_autoptr (GAsyncResult) result = pair_wait_result (&pair, &kept);
  g_assert_false (g_output_stream_flush_finish (output_of (pair.up), result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  pair_clear (&pair);
}

static void
test_cancelled_read_takes_nothing (void)
{
  GlibPair pair;
  char buffer[16];
  GAsyncResult *kept = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  pair_init (&pair, NULL);
  pair_connect (&pair);
  g_input_stream_read_async (input_of (pair.down), buffer, sizeof buffer, 0, cancellable,
                             pair_keep_result, &kept);
  while (g_main_context_iteration (pair.context, FALSE))
    continue;
  g_assert_null (kept);
  g_cancellable_cancel (cancellable);
  g_autoptr (GAsyncResult) result = pair_wait_result (&pair, &kept);
  g_assert_cmpint (g_input_stream_read_finish (input_of (pair.down), result, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  pair_write (&pair, pair.up, "still there");
  assert_reads (&pair, pair.down, "still there");
  pair_clear (&pair);
}

static void
test_pollable (void)
{
  GlibPair pair;
  char buffer[16];
  g_autoptr (GError) error = NULL;
  CaimanConfig config;
  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
  config.send_buffer_bytes = 16 * 1024;
  pair_init (&pair, &config);
  pair_connect (&pair);
  GPollableInputStream *input = G_POLLABLE_INPUT_STREAM (input_of (pair.up));
  GPollableOutputStream *output = G_POLLABLE_OUTPUT_STREAM (output_of (pair.up));
  g_assert_true (g_pollable_input_stream_can_poll (input));
  g_assert_cmpint (
      g_pollable_input_stream_read_nonblocking (input, buffer, sizeof buffer, NULL, &error), ==,
      -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  g_assert_false (g_pollable_input_stream_is_readable (input));
  g_clear_error (&error);
  g_assert_true (g_pollable_output_stream_is_writable (output));
  gssize n_written;
  do
    n_written =
        g_pollable_output_stream_write_nonblocking (output, buffer, sizeof buffer, NULL, &error);
  while (n_written > 0);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  g_assert_false (g_pollable_output_stream_is_writable (output));
  pair_clear (&pair);
}

/* --- Messages --- */

static void
send_text (GlibPair *pair, CaimanStream *stream, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) message = g_bytes_new (text, strlen (text));
  GAsyncResult *kept = NULL;
  caiman_stream_send_message_async (stream, message, 0, NULL, pair_keep_result, &kept);
  g_autoptr (GAsyncResult) result = pair_wait_result (pair, &kept);
  g_assert_true (caiman_stream_send_message_finish (stream, result, &error));
  g_assert_no_error (error);
}

static GBytes *
receive_one (GlibPair *pair, CaimanStream *stream, GError **error)
{
  GAsyncResult *kept = NULL;
  caiman_stream_receive_message_async (stream, 0, NULL, pair_keep_result, &kept);
  g_autoptr (GAsyncResult) result = pair_wait_result (pair, &kept);
  return caiman_stream_receive_message_finish (stream, result, error);
}

static void
assert_receives (GlibPair *pair, CaimanStream *stream, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) message = receive_one (pair, stream, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (message, NULL), g_bytes_get_size (message), text,
                   strlen (text));
}

static void
test_messages_keep_their_bounds (void)
{
  GlibPair pair;
  g_autoptr (GError) error = NULL;
  pair_init (&pair, NULL);
  pair_connect (&pair);
  send_text (&pair, pair.up, "one");
  send_text (&pair, pair.up, "");
  send_text (&pair, pair.up, "three");
  g_output_stream_close (output_of (pair.up), NULL, NULL);
  assert_receives (&pair, pair.down, "one");
  assert_receives (&pair, pair.down, "");
  assert_receives (&pair, pair.down, "three");
  g_assert_null (receive_one (&pair, pair.down, &error));
  g_assert_no_error (error);
  pair_clear (&pair);
}

static void
test_message_errors (void)
{
  GlibPair pair;
  GAsyncResult *kept = NULL;
  g_autoptr (GError) error = NULL;
  pair_init (&pair, NULL);
  pair_connect (&pair);
  gsize too_much = caiman_connection_get_message_max (caiman_stream_get_connection (pair.up)) + 1;
  g_autoptr (GBytes) large = g_bytes_new_take (g_malloc0 (too_much), too_much);
  caiman_stream_send_message_async (pair.up, large, 0, NULL, pair_keep_result, &kept);
  g_autoptr (GAsyncResult) refused = pair_wait_result (&pair, &kept);
  g_assert_false (caiman_stream_send_message_finish (pair.up, refused, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE);
  g_clear_error (&error);
  g_clear_object (&refused); /* it holds the stream */

  g_output_stream_close (output_of (pair.up), NULL, NULL);
  g_assert_false (caiman_stream_send_message (pair.up, large, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);

  caiman_stream_terminate (pair.down);
  pair_run_until (&pair, has_ended, pair.up);
  g_assert_null (receive_one (&pair, pair.up, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  pair_clear (&pair);
}

static void
test_one_call_at_a_time (void)
{
  GlibPair pair;
  char buffer[4];
  GAsyncResult *first = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  pair_init (&pair, NULL);
  pair_connect (&pair);
  caiman_stream_receive_message_async (pair.up, 0, cancellable, pair_keep_result, &first);
  g_assert_null (receive_one (&pair, pair.up, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_clear_error (&error);
  g_assert_cmpint (g_input_stream_read (input_of (pair.up), buffer, sizeof buffer, NULL, &error),
                   ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PENDING);
  g_clear_error (&error);
  g_cancellable_cancel (cancellable);
  g_autoptr (GAsyncResult) result = pair_wait_result (&pair, &first);
  g_assert_null (caiman_stream_receive_message_finish (pair.up, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_object (&result);
  send_text (&pair, pair.down, "after all");
  assert_receives (&pair, pair.up, "after all");
  pair_clear (&pair);
}

/* --- Ends --- */

static void
test_dropped_receiver_fails_the_writer (void)
{
  GlibPair pair;
  g_autoptr (GError) error = NULL;
  pair_init (&pair, NULL);
  pair_connect (&pair);
  g_input_stream_close (input_of (pair.down), NULL, NULL);
  for (;;) {
    GAsyncResult *kept = NULL;
    g_output_stream_write_async (output_of (pair.up), "x", 1, 0, NULL, pair_keep_result, &kept);
    g_autoptr (GAsyncResult) result = pair_wait_result (&pair, &kept);
    if (g_output_stream_write_finish (output_of (pair.up), result, &error) < 0)
      break;
  }
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE);
  pair_clear (&pair);
}

static void
note_closed (CaimanStream *stream, gint reason, gpointer user_data)
{
  *(gint *)user_data = reason;
}

static void
test_terminate (void)
{
  GlibPair pair;
  gint reason = -1;
  char buffer[4];
  GAsyncResult *kept = NULL;
  g_autoptr (GError) error = NULL;
  pair_init (&pair, NULL);
  pair_connect (&pair);
  g_signal_connect (pair.down, "closed", G_CALLBACK (note_closed), &reason);
  g_input_stream_read_async (input_of (pair.down), buffer, sizeof buffer, 0, NULL, pair_keep_result,
                             &kept);
  caiman_stream_terminate (pair.up);
  g_autoptr (GAsyncResult) result = pair_wait_result (&pair, &kept);
  g_assert_cmpint (g_input_stream_read_finish (input_of (pair.down), result, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_clear_error (&error);
  pair_run_until (&pair, has_ended, pair.down);
  g_assert_cmpint (reason, ==, CAIMAN_REASON_TERMINATED);
  g_object_get (pair.down, "end-reason", &reason, NULL);
  g_assert_cmpint (reason, ==, CAIMAN_REASON_TERMINATED);
  /* The one who asked for it has closed well, the other one has not. */
  g_assert_true (pair_close (&pair, pair.up, &error));
  g_assert_false (pair_close (&pair, pair.down, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  pair_clear (&pair);
}

static void
test_dropped_stream_closes_in_the_background (void)
{
  guint n_fds = count_fds ();
  GlibPair pair;
  pair_init (&pair, NULL);
  pair_connect (&pair);
  pair_write (&pair, pair.up, "last words");
  g_clear_object (&pair.up);
  assert_reads (&pair, pair.down, "last words");
  assert_reads_end (&pair, pair.down);
  pair_clear (&pair);
  g_assert_cmpuint (count_fds (), ==, n_fds);
}

static void
test_streams_outlive_their_connection (void)
{
  GlibPair pair;
  char buffer[4];
  g_autoptr (GError) error = NULL;
  pair_init (&pair, NULL);
  pair_connect (&pair);
  g_autoptr (GInputStream) input = g_object_ref (input_of (pair.up));
  g_autoptr (GOutputStream) output = g_object_ref (output_of (pair.up));
  g_clear_object (&pair.up);
  GPollableInputStream *pollable_input = G_POLLABLE_INPUT_STREAM (input);
  GPollableOutputStream *pollable_output = G_POLLABLE_OUTPUT_STREAM (output);
  g_assert_true (g_pollable_input_stream_is_readable (pollable_input));
  g_assert_true (g_pollable_output_stream_is_writable (pollable_output));
  g_source_unref (g_pollable_input_stream_create_source (pollable_input, NULL));
  g_source_unref (g_pollable_output_stream_create_source (pollable_output, NULL));
  g_assert_cmpint (g_input_stream_read (input, buffer, sizeof buffer, NULL, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_cmpint (g_output_stream_write (output, buffer, sizeof buffer, NULL, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  pair_clear (&pair);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transports/glib-stream/both-ways", test_both_ways);
  g_test_add_func ("/transports/glib-stream/half-close", test_half_close);
  g_test_add_func ("/transports/glib-stream/async-half-close", test_async_half_close);
  g_test_add_func ("/transports/glib-stream/small-buffers", test_many_bytes_through_small_buffers);
  g_test_add_func ("/transports/glib-stream/flush", test_flush_waits_for_acknowledgements);
  g_test_add_func ("/transports/glib-stream/flush-fails", test_flush_fails_with_the_connection);
  g_test_add_func ("/transports/glib-stream/cancelled-read", test_cancelled_read_takes_nothing);
  g_test_add_func ("/transports/glib-stream/pollable", test_pollable);
  g_test_add_func ("/transports/glib-stream/messages", test_messages_keep_their_bounds);
  g_test_add_func ("/transports/glib-stream/message-errors", test_message_errors);
  g_test_add_func ("/transports/glib-stream/one-call-at-a-time", test_one_call_at_a_time);
  g_test_add_func ("/transports/glib-stream/dropped-receiver",
                   test_dropped_receiver_fails_the_writer);
  g_test_add_func ("/transports/glib-stream/terminate", test_terminate);
  g_test_add_func ("/transports/glib-stream/dropped-stream",
                   test_dropped_stream_closes_in_the_background);
  g_test_add_func ("/transports/glib-stream/outlived", test_streams_outlive_their_connection);
  return g_test_run ();
}
