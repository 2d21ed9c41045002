/* SPDX-License-Identifier: Apache-2.0 */
/* tls.c - who we are and whom we trust; tls-transport.c moves the bytes.
 *
 * GIO makes the handshake in a thread of its own and asks there whether it may accept a certificate
 * that does not satisfy its own checks; what the answer needs is the connection's own. */
#include "transports/tls-private.h"

#include "core/error.h"

#include <string.h>

#define SHA256_HEX_CHARS 64

struct _CaimanTls {
  gint n_refs;
  gboolean is_server;
  GTlsCertificate *certificate; /* (nullable) our own */
  GTlsDatabase *authorities;    /* (nullable) the system's when NULL */
  GSocketConnectable *identity; /* client: whom we want to meet; (nullable) */
  char *fingerprint;            /* client: (nullable) SHA-256 in lower case, or ANY_SERVER */
  char *last_error;
};

static const char fingerprint_key[] = "caiman-fingerprint-seen";
static const char wanted_key[] = "caiman-fingerprint-wanted";

/* --- Making --- */

static gboolean
refuse (GError **error, const char *what, const char *name, const GError *cause)
{
  g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT, "%s %s: %s", what, name,
               cause->message);
  return FALSE;
}

static gboolean
load_certificate (CaimanTls *tls, const char *file, const char *key_file, GError **error)
{
  g_autoptr (GError) cause = NULL;
  tls->certificate = key_file ? g_tls_certificate_new_from_files (file, key_file, &cause)
                              : g_tls_certificate_new_from_file (file, &cause);
  if (!tls->certificate)
    return refuse (error, "certificate", file, cause);
  g_autoptr (GByteArray) key = NULL;
  g_object_get (tls->certificate, "private-key", &key, NULL);
  if (key)
    return caiman_tls_check_pair (tls->certificate, &cause) ||
           refuse (error, "certificate", file, cause);
  g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT,
               "certificate %s: there is no private key in it; name the file that has it", file);
  return FALSE;
}

static gboolean
load_authorities (CaimanTls *tls, const char *file, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autofree char *path = g_canonicalize_filename (file, NULL);
  tls->authorities = (GTlsDatabase *)g_tls_file_database_new (path, &cause);
  return tls->authorities || refuse (error, "certificate authorities", file, cause);
}

/* Lower case, without colons. */
static gboolean
take_fingerprint (CaimanTls *tls, const char *text, GError **error)
{
  if (strcmp (text, CAIMAN_TLS_ANY_SERVER) == 0) {
    tls->fingerprint = g_strdup (text);
    return TRUE;
  }
  g_autoptr (GString) hex = g_string_new (NULL);
  gboolean valid = TRUE;
  for (const char *at = text; *at; at++) {
    if (*at != ':')
      g_string_append_c (hex, g_ascii_tolower (*at));
    valid &= *at == ':' || g_ascii_isxdigit (*at);
  }
  if (!valid || hex->len != SHA256_HEX_CHARS) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT,
                 "fingerprint '%s': 64 hexadecimal digits are needed, the SHA-256 of the "
                 "certificate (openssl x509 -in FILE -noout -fingerprint -sha256)",
                 text);
    return FALSE;
  }
  tls->fingerprint = g_strdup (hex->str);
  return TRUE;
}

static CaimanTls *
tls_new (gboolean is_server, GError **error)
{
  if (!g_tls_backend_supports_tls (g_tls_backend_get_default ())) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR,
                 "GLib has no TLS here: install glib-networking");
    return NULL;
  }
  CaimanTls *tls = g_new0 (CaimanTls, 1);
  tls->n_refs = 1;
  tls->is_server = is_server;
  return tls;
}

CaimanTls *
caiman_tls_new_client (const char *server_name, const char *ca_file, const char *fingerprint,
                       const char *certificate_file, const char *key_file, GError **error)
{
  g_autoptr (CaimanTls) tls = tls_new (FALSE, error);
  if (!tls)
    return NULL;
  if (server_name)
    tls->identity = g_network_address_new (server_name, 0);
  if (fingerprint && !take_fingerprint (tls, fingerprint, error))
    return NULL;
  if (ca_file && !load_authorities (tls, ca_file, error))
    return NULL;
  if (certificate_file && !load_certificate (tls, certificate_file, key_file, error))
    return NULL;
  return g_steal_pointer (&tls);
}

CaimanTls *
caiman_tls_new_server (const char *certificate_file, const char *key_file,
                       const char *client_ca_file, GError **error)
{
  g_autoptr (CaimanTls) tls = tls_new (TRUE, error);
  if (!tls || !load_certificate (tls, certificate_file, key_file, error))
    return NULL;
  if (client_ca_file && !load_authorities (tls, client_ca_file, error))
    return NULL;
  return g_steal_pointer (&tls);
}

CaimanTls *
caiman_tls_ref (CaimanTls *tls)
{
  g_atomic_int_inc (&tls->n_refs);
  return tls;
}

static void
clear_credentials (CaimanTls *tls)
{
  g_clear_object (&tls->certificate);
  g_clear_object (&tls->authorities);
  g_clear_object (&tls->identity);
  g_clear_pointer (&tls->fingerprint, g_free);
}

void
caiman_tls_replace (CaimanTls *tls, CaimanTls *with)
{
  g_assert (tls != with && tls->is_server == with->is_server);
  clear_credentials (tls);
  tls->certificate = g_steal_pointer (&with->certificate);
  tls->authorities = g_steal_pointer (&with->authorities);
  tls->identity = g_steal_pointer (&with->identity);
  tls->fingerprint = g_steal_pointer (&with->fingerprint);
  caiman_tls_unref (with);
}

void
caiman_tls_unref (CaimanTls *tls)
{
  if (!tls || !g_atomic_int_dec_and_test (&tls->n_refs))
    return;
  clear_credentials (tls);
  g_free (tls->last_error);
  g_free (tls);
}

/* --- Connections --- */

static char *
get_fingerprint (GTlsCertificate *certificate)
{
  g_autoptr (GByteArray) der = NULL;
  g_object_get (certificate, "certificate", &der, NULL);
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, der->data, der->len);
}

/* Asked in the thread of the handshake: by a client about a certificate that GIO's own checks
 * object to, by a server about every one. */
static gboolean
on_accept_certificate (GTlsConnection *connection, GTlsCertificate *certificate,
                       GTlsCertificateFlags flags, gpointer user_data)
{
  const char *wanted = g_object_get_data (G_OBJECT (connection), wanted_key);
  if (!wanted)
    return flags == 0;
  if (strcmp (wanted, CAIMAN_TLS_ANY_SERVER) == 0)
    return TRUE;
  char *fingerprint = get_fingerprint (certificate);
  g_object_set_data_full (G_OBJECT (connection), fingerprint_key, fingerprint, g_free);
  return strcmp (fingerprint, wanted) == 0;
}

/* With the database among the first properties: a connection that comes to be without one reads all
 * authorities of the system, which takes tens of milliseconds, and anybody may connect. A server
 * needs none but those that it is told. A client that goes by the fingerprint has none at all, so
 * that every certificate is objected to and comes to be judged by on_accept_certificate(). */
static GTlsConnection *
new_connection (CaimanTls *tls, GIOStream *stream, GError **error)
{
  GTlsBackend *backend = g_tls_backend_get_default ();
  if (tls->is_server)
    return g_initable_new (g_tls_backend_get_server_connection_type (backend), NULL, error,
                           "base-io-stream", stream, "certificate", tls->certificate, "database",
                           tls->authorities, NULL);
  GType type = g_tls_backend_get_client_connection_type (backend);
  if (tls->authorities || tls->fingerprint)
    return g_initable_new (type, NULL, error, "base-io-stream", stream, "server-identity",
                           tls->identity, "database", tls->fingerprint ? NULL : tls->authorities,
                           NULL);
  return g_initable_new (type, NULL, error, "base-io-stream", stream, "server-identity",
                         tls->identity, NULL);
}

GTlsConnection *
caiman_tls_make_connection (CaimanTls *tls, GIOStream *stream, GError **error)
{
  g_autoptr (GTlsConnection) connection = new_connection (tls, stream, error);
  if (!connection)
    return NULL;
  g_tls_connection_set_require_close_notify (connection, FALSE);
  if (tls->is_server)
    g_object_set (connection, "authentication-mode",
                  tls->authorities ? G_TLS_AUTHENTICATION_REQUIRED : G_TLS_AUTHENTICATION_NONE,
                  NULL);
  else if (tls->certificate)
    g_tls_connection_set_certificate (connection, tls->certificate);
  g_object_set_data_full (G_OBJECT (connection), wanted_key, g_strdup (tls->fingerprint), g_free);
  g_signal_connect (connection, "accept-certificate", G_CALLBACK (on_accept_certificate), NULL);
  return g_steal_pointer (&connection);
}

gboolean
caiman_tls_is_server (const CaimanTls *tls)
{
  return tls->is_server;
}

/* --- What went wrong --- */

static const struct {
  GTlsCertificateFlags flag;
  const char *text;
} objections[] = {
  { G_TLS_CERTIFICATE_UNKNOWN_CA, "it is not signed by a known authority" },
  { G_TLS_CERTIFICATE_BAD_IDENTITY, "it is for another name" },
  { G_TLS_CERTIFICATE_NOT_ACTIVATED, "it is not valid yet" },
  { G_TLS_CERTIFICATE_EXPIRED, "it has expired" },
  { G_TLS_CERTIFICATE_REVOKED, "it has been revoked" },
  { G_TLS_CERTIFICATE_INSECURE, "its algorithms are too weak" },
  { G_TLS_CERTIFICATE_GENERIC_ERROR, "it cannot be used" },
};

static char *
describe_objections (GTlsConnection *connection)
{
  GTlsCertificateFlags flags = g_tls_connection_get_peer_certificate_errors (connection);
  g_autoptr (GString) text = g_string_new ("the peer's certificate is not accepted");
  const char *separator = ": ";
  for (gsize i = 0; i < G_N_ELEMENTS (objections); i++) {
    if (!(flags & objections[i].flag))
      continue;
    g_string_append_printf (text, "%s%s", separator, objections[i].text);
    separator = ", ";
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

void
caiman_tls_note_failure (CaimanTls *tls, GTlsConnection *connection, const GError *error)
{
  const char *seen = connection ? g_object_get_data (G_OBJECT (connection), fingerprint_key) : NULL;
  g_free (tls->last_error);
  if (!g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE) || !connection)
    tls->last_error = g_strdup (error->message);
  else if (seen)
    tls->last_error =
        g_strdup_printf ("the peer's certificate has another fingerprint, SHA-256 %s", seen);
  else
    tls->last_error = describe_objections (connection);
}

const char *
caiman_tls_get_last_error (const CaimanTls *tls)
{
  return tls->last_error;
}
