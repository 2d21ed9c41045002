/* SPDX-License-Identifier: Apache-2.0 */
/* echo.c - a server that sends back what it gets, and a client for it: the GLib way.
 *
 *   echo server [ADDRESS]      e.g. [::]:5800 (default); port 0 picks one
 *   echo client HOST:PORT...   sends standard input, prints what comes back; several addresses of
 *                              the same server make several links */
#include <caiman/caiman.h>

#include <stdio.h>
#include <unistd.h>

static int
fail (GError *error)
{
  fprintf (stderr, "echo: %s\n", error->message);
  g_error_free (error);
  return 1;
}

/* --- Server: asynchronous, any number of connections --- */

static void
closed (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  if (!g_io_stream_close_finish (G_IO_STREAM (object), result, &error))
    fprintf (stderr, "echo: %s\n", error->message);
}

static void
copied (GObject *object, GAsyncResult *result, gpointer user_data)
{
  CaimanStream *stream = user_data;
  g_autoptr (GError) error = NULL;
  gssize n_bytes = g_output_stream_splice_finish (G_OUTPUT_STREAM (object), result, &error);
  if (n_bytes >= 0)
    printf ("%" G_GSSIZE_FORMAT " bytes echoed\n", n_bytes);
  else
    fprintf (stderr, "echo: %s\n", error->message);
  g_io_stream_close_async (G_IO_STREAM (stream), 0, NULL, closed, NULL);
  g_object_unref (stream); /* the call keeps it until it is closed */
}

static void
accepted (GObject *object, GAsyncResult *result, gpointer user_data)
{
  CaimanListener *listener = CAIMAN_LISTENER (object);
  CaimanStream *stream = caiman_listener_accept_finish (listener, result, NULL);
  /* Copies until the client closes its side, and then closes ours: GIO has a word for that. */
  if (stream)
    g_output_stream_splice_async (g_io_stream_get_output_stream (G_IO_STREAM (stream)),
                                  g_io_stream_get_input_stream (G_IO_STREAM (stream)),
                                  G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, 0, NULL, copied, stream);
  caiman_listener_accept_async (listener, NULL, accepted, NULL);
}

static int
serve (const char *address)
{
  const char *addresses[] = { address, NULL };
  GError *error = NULL;
  g_autoptr (CaimanListener) listener = caiman_listener_new (NULL, &error);
  if (!listener || !caiman_listener_listen (listener, addresses, NULL, &error))
    return fail (error);
  printf ("listening on port %u\n", caiman_listener_get_port (listener, 0));
  caiman_listener_accept_async (listener, NULL, accepted, NULL);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_main_loop_run (loop);
  return 0;
}

/* --- Client: synchronous --- */

static int
talk (const char *const *hosts)
{
  char buffer[4096];
  gsize size;
  GError *error = NULL;
  g_autoptr (CaimanClient) client = caiman_client_new ();
  g_autoptr (CaimanStream) stream = caiman_client_connect (client, hosts, NULL, NULL, &error);
  if (!stream)
    return fail (error);
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (stream));
  GOutputStream *output = g_io_stream_get_output_stream (G_IO_STREAM (stream));
  while ((size = fread (buffer, 1, sizeof buffer, stdin)) > 0)
    if (!g_output_stream_write_all (output, buffer, size, NULL, NULL, &error))
      return fail (error);
  g_output_stream_close (output, NULL, NULL); /* the server sees the end, and answers still come */
  for (gssize n; (n = g_input_stream_read (input, buffer, sizeof buffer, NULL, &error)) != 0;) {
    if (n < 0)
      return fail (error);
    fwrite (buffer, 1, (gsize)n, stdout);
  }
  return g_io_stream_close (G_IO_STREAM (stream), NULL, &error) ? 0 : fail (error);
}

int
main (int argc, char **argv)
{
  setvbuf (stdout, NULL, _IOLBF, 0);
  if (argc >= 2 && g_str_equal (argv[1], "server"))
    return serve (argc > 2 ? argv[2] : "[::]:5800");
  if (argc >= 3 && g_str_equal (argv[1], "client"))
    return talk ((const char *const *)argv + 2);
  fprintf (stderr, "usage: echo server [ADDRESS] | echo client HOST:PORT...\n");
  return 2;
}
