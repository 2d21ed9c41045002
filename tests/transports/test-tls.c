/* SPDX-License-Identifier: Apache-2.0 */
/* test-tls.c - who is let in by TLS, who is not, and what is said about it. */
#include "tests/transports/tls-place.h"
#include "core/connection.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of tests/transports/tls/server.pem. */
static const char fingerprint[] = "F8:07:55:22:E1:71:01:B7:C0:D8:48:FD:A2:77:86:C9:"
                                  "04:BF:A5:32:9A:07:56:74:23:C7:72:D3:A8:73:8C:B9";

/* Both ends of one attempt. */
typedef struct {
  TlsPlace *place;
  CaimanTransport *ends[2]; /* client, server */
  gboolean connected, served;
  CaimanReason reasons[2]; /* why they failed */
} Meeting;

typedef struct {
  Meeting *meeting;
  guint index;
} End;

static void
on_connected (gpointer user_data)
{
  End *end = user_data;
  end->meeting->connected = TRUE;
}

static void
on_packet (gpointer user_data, const guint8 *data, gsize size, GBytes *bytes)
{
  End *end = user_data;
  g_assert_cmpmem (data, size, "\x05", 1);
  end->meeting->served = TRUE;
}

static void
on_failed (gpointer user_data, CaimanReason reason)
{
  End *end = user_data;
  end->meeting->reasons[end->index] = reason;
}

static void
on_writable (gpointer user_data)
{
}

static const CaimanTransportEvents events = {
  .connected = on_connected,
  .packet = on_packet,
  .writable = on_writable,
  .failed = on_failed,
};

static void
take_end (Meeting *meeting, CaimanTransport *transport, End *end)
{
  transport->events = &events;
  transport->user_data = end;
  meeting->ends[end->index] = transport;
}

static End ends[2];

static void
on_accept (gpointer user_data, CaimanTransport *transport)
{
  take_end (user_data, transport, &ends[1]);
}

/* One attempt; ends when a packet has arrived or the client has failed. */
static void
meet (Meeting *meeting, CaimanTls *client, CaimanTls *server)
{
  *meeting = (Meeting) { .place = tls_place_new (on_accept, meeting) };
  meeting->place->client = client;
  meeting->place->server = server;
  for (guint i = 0; i < 2; i++)
    ends[i] = (End) { meeting, i };
  take_end (meeting, tls_place_connect (meeting->place), &ends[0]);
  gboolean sent = FALSE;
  while (!meeting->served && !meeting->reasons[0] && !meeting->reasons[1]) {
    tls_place_step (meeting->place);
    if (meeting->connected && !sent) {
      CaimanPacket packet = { .inline_bytes = { 5 }, .inline_len = 1 };
      meeting->ends[0]->klass->send (meeting->ends[0], &packet);
      sent = TRUE;
    }
  }
}

static void
part (Meeting *meeting)
{
  for (guint i = 0; i < 2; i++) {
    if (meeting->ends[i])
      meeting->ends[i]->klass->free (meeting->ends[i]);
  }
  tls_place_free (meeting->place);
}

static void
check_accepted (CaimanTls *client, CaimanTls *server)
{
  Meeting meeting;
  meet (&meeting, client, server);
  g_assert_cmpstr (caiman_tls_get_last_error (client), ==, NULL);
  g_assert_cmpstr (caiman_tls_get_last_error (server), ==, NULL);
  g_assert_true (meeting.served);
  part (&meeting);
}

/* The client does not like the server; the message has @text in it. */
static void
check_objection (CaimanTls *client, CaimanTls *server, const char *text)
{
  Meeting meeting;
  meet (&meeting, client, server);
  g_assert_false (meeting.served);
  while (!meeting.reasons[0])
    tls_place_step (meeting.place);
  g_assert_cmpint (meeting.reasons[0], ==, CAIMAN_REASON_LINK_TLS_ERROR);
  const char *told = caiman_tls_get_last_error (meeting.place->client);
  g_test_message ("%s", told);
  g_assert_nonnull (strstr (told, text));
  part (&meeting);
}

static void
test_authority (void)
{
  check_accepted (tls_place_client ("server.example", "ca.pem", NULL, NULL),
                  tls_place_server (FALSE));
  check_accepted (tls_place_client ("127.0.0.1", "ca.pem", NULL, NULL), tls_place_server (FALSE));
}

static void
test_wrong_name (void)
{
  check_objection (tls_place_client ("other.example", "ca.pem", NULL, NULL),
                   tls_place_server (FALSE), "it is for another name");
}

static void
test_unknown_authority (void)
{
  check_objection (tls_place_client ("server.example", NULL, NULL, NULL), tls_place_server (FALSE),
                   "not signed by a known authority");
}

static void
test_fingerprint (void)
{
  check_accepted (tls_place_client (NULL, NULL, fingerprint, NULL), tls_place_server (FALSE));
  check_accepted (tls_place_client ("other.example", "ca.pem", fingerprint, NULL),
                  tls_place_server (FALSE));
}

/* Even a certificate that would do without it. */
static void
test_other_fingerprint (void)
{
  g_autofree char *other = g_strdup (fingerprint);
  other[0] = 'A';
  check_objection (tls_place_client ("server.example", "ca.pem", other, NULL),
                   tls_place_server (FALSE), "another fingerprint, SHA-256 f807");
}

static void
test_any_server (void)
{
  check_accepted (tls_place_client (NULL, NULL, CAIMAN_TLS_ANY_SERVER, NULL),
                  tls_place_server (FALSE));
}

static void
test_client_certificate (void)
{
  check_accepted (tls_place_client ("server.example", "ca.pem", NULL, "client"),
                  tls_place_server (TRUE));
}

/* In TLS 1.3 the client learns of it only after its own part of the handshake. */
static void
test_client_without_certificate (void)
{
  Meeting meeting;
  meet (&meeting, tls_place_client ("server.example", "ca.pem", NULL, NULL),
        tls_place_server (TRUE));
  g_assert_false (meeting.served);
  while (!meeting.reasons[0] || !meeting.reasons[1])
    tls_place_step (meeting.place);
  g_assert_cmpint (meeting.reasons[1], ==, CAIMAN_REASON_LINK_TLS_ERROR);
  part (&meeting);
}

/* A peer that does not speak TLS ends its own link, no more. */
static void
test_no_tls (void)
{
  Meeting meeting = { .place = tls_place_new (on_accept, &meeting) };
  meeting.place->server = tls_place_server (FALSE);
  ends[1] = (End) { &meeting, 1 };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (
      connect (fd, (struct sockaddr *)&meeting.place->address, sizeof meeting.place->address), ==,
      0);
  g_assert_cmpint (send (fd, "GET / HTTP/1.0\r\n\r\n", 18, 0), ==, 18);
  while (!meeting.reasons[1])
    tls_place_step (meeting.place);
  g_assert_cmpint (meeting.reasons[1], ==, CAIMAN_REASON_LINK_TLS_ERROR);
  g_assert_nonnull (caiman_tls_get_last_error (meeting.place->server));
  close (fd);
  part (&meeting);
}

/* What is decided after the replacement goes by the new fingerprint, name and authorities. */
static void
test_replace (void)
{
  g_autofree char *zeros = g_strnfill (64, '0');
  CaimanTls *tls = tls_place_client ("elsewhere.example", "stranger.pem", NULL, NULL);
  caiman_tls_replace (tls, tls_place_client ("server.example", "ca.pem", NULL, NULL));
  check_accepted (tls, tls_place_server (FALSE));
  tls = tls_place_client (NULL, NULL, fingerprint, NULL);
  caiman_tls_replace (tls, tls_place_client (NULL, NULL, zeros, NULL));
  check_objection (tls, tls_place_server (FALSE), "another fingerprint");
  tls = tls_place_client (NULL, NULL, zeros, NULL);
  caiman_tls_replace (tls, tls_place_client (NULL, NULL, fingerprint, NULL));
  check_accepted (tls, tls_place_server (FALSE));
}

/* --- Credentials that cannot be used --- */

static void
check_refused (CaimanTls *tls, GError **error, const char *text)
{
  g_assert_null (tls);
  g_assert_error (*error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT);
  g_test_message ("%s", (*error)->message);
  g_assert_nonnull (strstr ((*error)->message, text));
  g_clear_error (error);
}

static void
test_bad_files (void)
{
  GError *error = NULL;
  g_autofree char *certificate = tls_place_file ("server.pem");
  g_autofree char *key = tls_place_file ("client-key.pem");
  g_autofree char *source = tls_place_file ("no-such-file");
  check_refused (caiman_tls_new_server (source, NULL, NULL, &error), &error, source);
  check_refused (caiman_tls_new_server (certificate, source, NULL, &error), &error, source);
  check_refused (caiman_tls_new_server (certificate, NULL, NULL, &error), &error, "no private key");
  check_refused (caiman_tls_new_server (certificate, key, NULL, &error), &error, certificate);
  check_refused (caiman_tls_new_server (certificate, key, NULL, &error), &error,
                 "the private key is not that of the certificate");
  check_refused (caiman_tls_new_client (NULL, source, NULL, NULL, NULL, &error), &error, source);
  check_refused (caiman_tls_new_client (NULL, NULL, NULL, key, NULL, &error), &error, key);
}

static void
test_bad_fingerprint (void)
{
  GError *error = NULL;
  check_refused (caiman_tls_new_client (NULL, NULL, "12:34", NULL, NULL, &error), &error, "12:34");
  g_autofree char *letters = g_strnfill (64, 'g');
  check_refused (caiman_tls_new_client (NULL, NULL, letters, NULL, NULL, &error), &error,
                 "64 hexadecimal digits");
}

/* Certificate and key in one file. */
static void
test_one_file (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *file = tls_place_file ("stranger.pem");
  CaimanTls *server = caiman_tls_new_server (file, NULL, NULL, &error);
  g_assert_no_error (error);
  check_objection (tls_place_client ("server.example", "ca.pem", NULL, NULL), server,
                   "not signed by a known authority");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (!g_tls_backend_supports_tls (g_tls_backend_get_default ())) {
    g_print ("1..0 # SKIP GLib has no TLS here (glib-networking)\n");
    return 0;
  }
  g_test_add_func ("/transports/tls/authority", test_authority);
  g_test_add_func ("/transports/tls/wrong-name", test_wrong_name);
  g_test_add_func ("/transports/tls/unknown-authority", test_unknown_authority);
  g_test_add_func ("/transports/tls/fingerprint", test_fingerprint);
  g_test_add_func ("/transports/tls/other-fingerprint", test_other_fingerprint);
  g_test_add_func ("/transports/tls/any-server", test_any_server);
  g_test_add_func ("/transports/tls/client-certificate", test_client_certificate);
  g_test_add_func ("/transports/tls/client-without-certificate", test_client_without_certificate);
  g_test_add_func ("/transports/tls/no-tls", test_no_tls);
  g_test_add_func ("/transports/tls/replace", test_replace);
  g_test_add_func ("/transports/tls/bad-files", test_bad_files);
  g_test_add_func ("/transports/tls/bad-fingerprint", test_bad_fingerprint);
  g_test_add_func ("/transports/tls/one-file", test_one_file);
  return g_test_run ();
}
