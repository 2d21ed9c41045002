/* SPDX-License-Identifier: Apache-2.0 */
/* file-copy.c - sends a file, with GIO streams at both ends and no event loop in sight.
 *
 *   file-copy receive ADDRESS FILE     waits for one connection and writes FILE
 *   file-copy send FILE HOST:PORT...   sends FILE; returns when all of it has arrived */
#include <caiman/caiman.h>

#include <stdio.h>

static int
fail (GError *error)
{
  fprintf (stderr, "file-copy: %s\n", error->message);
  g_error_free (error);
  return 1;
}

/* Copies all of @from to @to and closes @to. */
static gboolean
copy (GInputStream *from, GOutputStream *to, GError **error)
{
  gssize n_bytes =
      g_output_stream_splice (to, from, G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, NULL, error);
  if (n_bytes >= 0)
    printf ("%" G_GSSIZE_FORMAT " bytes\n", n_bytes);
  return n_bytes >= 0;
}

static int
receive_file (const char *address, const char *path)
{
  const char *addresses[] = { address, NULL };
  GError *error = NULL;
  g_autoptr (CaimanListener) listener = caiman_listener_new (NULL, &error);
  if (!listener || !caiman_listener_listen (listener, addresses, NULL, &error))
    return fail (error);
  printf ("listening on port %u\n", caiman_listener_get_port (listener, 0));
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (CaimanStream) stream = caiman_listener_accept (listener, NULL, &error);
  if (!stream)
    return fail (error);
  g_autoptr (GFileOutputStream) output =
      g_file_replace (file, NULL, FALSE, G_FILE_CREATE_NONE, NULL, &error);
  if (!output ||
      !copy (g_io_stream_get_input_stream (G_IO_STREAM (stream)), G_OUTPUT_STREAM (output),
             &error) ||
      !g_io_stream_close (G_IO_STREAM (stream), NULL, &error))
    return fail (error);
  return 0;
}

static int
send_file (const char *path, const char *const *hosts)
{
  GError *error = NULL;
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) input = g_file_read (file, NULL, &error);
  if (!input)
    return fail (error);
  g_autoptr (CaimanClient) client = caiman_client_new ();
  g_autoptr (CaimanStream) stream = caiman_client_connect (client, hosts, NULL, NULL, &error);
  /* The close waits for the other side's word that everything is there. */
  if (!stream ||
      !copy (G_INPUT_STREAM (input), g_io_stream_get_output_stream (G_IO_STREAM (stream)),
             &error) ||
      !g_io_stream_close (G_IO_STREAM (stream), NULL, &error))
    return fail (error);
  return 0;
}

int
main (int argc, char **argv)
{
  setvbuf (stdout, NULL, _IOLBF, 0);
  if (argc == 4 && g_str_equal (argv[1], "receive"))
    return receive_file (argv[2], argv[3]);
  if (argc >= 4 && g_str_equal (argv[1], "send"))
    return send_file (argv[2], (const char *const *)argv + 3);
  fprintf (stderr, "usage: file-copy receive ADDRESS FILE | file-copy send FILE HOST:PORT...\n");
  return 2;
}
