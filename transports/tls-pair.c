/* SPDX-License-Identifier: Apache-2.0 */
/* tls-pair.c - does a private key belong to its certificate? After one of two files was renewed and
 * the other one was not, it does not, and nobody would find out before the first peer comes. GIO
 * has no function for it, so a handshake is made with the two, inside this process. */
#include "transports/tls-private.h"

#include <sys/socket.h>
#include <unistd.h>

/* It takes milliseconds, unless the machine does nothing at all. */
#define TIMEOUT_S 10

static gboolean
accept_any (GTlsConnection *connection, GTlsCertificate *certificate, GTlsCertificateFlags flags,
            gpointer user_data)
{
  return TRUE;
}

/* (transfer full) */
static GIOStream *
open_stream (int fd, GError **error)
{
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, error);
  if (socket == NULL) {
    close (fd);
    return NULL;
  }
  g_socket_set_timeout (socket, TIMEOUT_S);
  return G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
}

/* The client's side, in a thread of its own. Returns why it failed (transfer full), or NULL. */
static gpointer
run_client (gpointer data)
{
  GIOStream *stream = data;
  GError *error = NULL;
  GType type = g_tls_backend_get_client_connection_type (g_tls_backend_get_default ());
  g_autoptr (GTlsConnection) connection =
      g_initable_new (type, NULL, &error, "base-io-stream", stream, "database", NULL, NULL);
  if (connection != NULL) {
    g_signal_connect (connection, "accept-certificate", G_CALLBACK (accept_any), NULL);
    g_tls_connection_handshake (connection, NULL, &error);
  }
  g_io_stream_close (stream, NULL, NULL); /* or the server would wait */
  return error;
}

static gboolean
run_server (GTlsCertificate *certificate, GIOStream *stream, GError **error)
{
  GType type = g_tls_backend_get_server_connection_type (g_tls_backend_get_default ());
  g_autoptr (GTlsConnection) connection =
      g_initable_new (type, NULL, error, "base-io-stream", stream, "certificate", certificate,
                      "database", NULL, NULL);
  return connection != NULL && g_tls_connection_handshake (connection, NULL, error);
}

gboolean
caiman_tls_check_pair (GTlsCertificate *certificate, GError **error)
{
  int fds[2];
  g_autoptr (GError) server_error = NULL;
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    return TRUE; /* this cannot tell, and what is short of descriptors has other sorrows */
  g_autoptr (GIOStream) client = open_stream (fds[0], NULL);
  g_autoptr (GIOStream) server = open_stream (fds[1], NULL);
  if (client == NULL || server == NULL)
    return TRUE;
  GThread *thread = g_thread_new ("tls-pair", run_client, client);
  gboolean ok = run_server (certificate, server, &server_error);
  g_io_stream_close (server, NULL, NULL);
  g_autoptr (GError) client_error = g_thread_join (thread);
  if (ok && client_error == NULL)
    return TRUE;
  g_set_error (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE,
               "the private key is not that of the certificate, or they cannot be used: %s",
               (client_error ? client_error : server_error)->message);
  return FALSE;
}
