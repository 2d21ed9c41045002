/* SPDX-License-Identifier: Apache-2.0 */
/* statistics.c - what a connection and its links tell about themselves: states, rates, round trips.
 *
 *   statistics HOST:PORT... < FILE   sends standard input and reports every second, and at the end
 *
 * `echo server` is a fine other end: what it sends back is read and dropped. */
#include <caiman/caiman.h>

#include <stdio.h>

typedef struct {
  GMainLoop *loop;
  CaimanStream *stream;
  guint8 buffer[16 * 1024];
  guint report_id;
  int status;
} App;

static void
report_link (CaimanConnection *connection, CaimanLink *link, gint64 now_ns)
{
  CaimanLinkStats stats;
  CaimanRates rates;
  caiman_link_get_stats (link, &stats, now_ns);
  caiman_connection_get_rates (connection, link, &rates, now_ns);
  printf ("  %-10s %-12s sent %" G_GUINT64_FORMAT " resent %" G_GUINT64_FORMAT
          " in flight %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " srtt %" G_GINT64_FORMAT
          " us, %" G_GINT64_FORMAT " kbit/s\n",
          caiman_link_get_name (link), caiman_link_state_to_string (caiman_link_get_state (link)),
          stats.sent_bytes, stats.resent_bytes, stats.in_flight_bytes, stats.window_bytes,
          stats.srtt_ns / CAIMAN_NS_PER_US, rates.sent_bps[1] / 1000);
}

static gboolean
report (gpointer user_data)
{
  App *app = user_data;
  CaimanConnection *connection = caiman_stream_get_connection (app->stream);
  CaimanConnectionStats stats;
  if (!connection)
    return G_SOURCE_CONTINUE;
  caiman_connection_get_stats (connection, &stats);
  printf ("sent %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT
          " of it not acknowledged, received %" G_GUINT64_FORMAT "\n",
          stats.sent_bytes, stats.unacked_bytes, stats.received_bytes);
  g_autoptr (GPtrArray) links = caiman_stream_get_links (app->stream);
  for (guint i = 0; i < links->len; i++)
    report_link (connection, links->pdata[i],
                 caiman_loop_now (caiman_stream_get_loop (app->stream)));
  return G_SOURCE_CONTINUE;
}

static void
quit (App *app, GError *error)
{
  if (error)
    fprintf (stderr, "statistics: %s\n", error->message);
  app->status = error != NULL;
  g_clear_error (&error);
  g_main_loop_quit (app->loop);
}

static void
link_changed (CaimanStream *stream, CaimanLink *link, gint state, gint reason, gpointer user_data)
{
  printf ("link %s is %s\n", caiman_link_get_name (link),
          caiman_link_state_to_string ((CaimanLinkState)state));
}

/* A link's figures are there as long as somebody holds it. */
static void
link_removed (CaimanStream *stream, CaimanLink *link, gint reason, gpointer user_data)
{
  printf ("link %s has ended: %s\n", caiman_link_get_name (link),
          caiman_reason_to_string ((CaimanReason)reason));
  report_link (caiman_stream_get_connection (stream), link,
               caiman_loop_now (caiman_stream_get_loop (stream)));
}

static void
stream_closed (GObject *object, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  g_io_stream_close_finish (G_IO_STREAM (object), result, &error);
  quit (user_data, error);
}

/* Reads and drops until the other end has sent everything back. */
static void
was_read (GObject *object, GAsyncResult *result, gpointer user_data)
{
  App *app = user_data;
  GError *error = NULL;
  GInputStream *input = G_INPUT_STREAM (object);
  gssize n = g_input_stream_read_finish (input, result, &error);
  if (n > 0) {
    g_input_stream_read_async (input, app->buffer, sizeof app->buffer, 0, NULL, was_read, app);
  } else if (n == 0) {
    report (app);
    g_io_stream_close_async (G_IO_STREAM (app->stream), 0, NULL, stream_closed, app);
  } else {
    quit (app, error);
  }
}

static void
was_sent (GObject *object, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  if (g_output_stream_splice_finish (G_OUTPUT_STREAM (object), result, &error) < 0)
    quit (user_data, error);
}

/* All of standard input, in memory: reading it in the meantime is not what this is about. */
static GInputStream *
read_stdin (void)
{
  GByteArray *all = g_byte_array_new ();
  guint8 buffer[4096];
  for (gsize n; (n = fread (buffer, 1, sizeof buffer, stdin)) > 0;)
    g_byte_array_append (all, buffer, (guint)n);
  g_autoptr (GBytes) bytes = g_byte_array_free_to_bytes (all);
  return g_memory_input_stream_new_from_bytes (bytes);
}

int
main (int argc, char **argv)
{
  App app = { .loop = g_main_loop_new (NULL, FALSE) };
  GError *error = NULL;
  g_autoptr (CaimanClient) client = caiman_client_new ();
  /* Not connected yet: so that not even the first change of a link's state is missed. */
  app.stream = caiman_client_open (client, (const char *const *)argv + 1, NULL, &error);
  if (!app.stream) {
    fprintf (stderr, "statistics: %s\n", error->message);
    return 1;
  }
  g_signal_connect (app.stream, "link-changed", G_CALLBACK (link_changed), &app);
  g_signal_connect (app.stream, "link-removed", G_CALLBACK (link_removed), &app);
  app.report_id = g_timeout_add_seconds (1, report, &app);
  g_autoptr (GInputStream) data = read_stdin ();
  g_output_stream_splice_async (g_io_stream_get_output_stream (G_IO_STREAM (app.stream)), data,
                                G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, 0, NULL, was_sent, &app);
  g_input_stream_read_async (g_io_stream_get_input_stream (G_IO_STREAM (app.stream)), app.buffer,
                             sizeof app.buffer, 0, NULL, was_read, &app);
  g_main_loop_run (app.loop);
  g_source_remove (app.report_id);
  g_object_unref (app.stream);
  g_main_loop_unref (app.loop);
  return app.status;
}
