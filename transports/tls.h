/* SPDX-License-Identifier: Apache-2.0 */
/* tls.h - TLS 1.2/1.3 around a TCP transport, below the frames (PROTOCOL.md, section 8), by GIO's
 * GTlsConnection (glib-networking must be installed where it runs).
 *
 * TLS needs a GLib main context: the one that was the thread-default when the transport was made;
 * attach caiman_loop_source_new() to the same one. A CaimanTls is of one thread. */
#pragma once

#include "tcp.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _CaimanTls CaimanTls;

/* In place of a fingerprint: whatever certificate the server shows. Keeps out who only listens, not
 * who puts himself between (the peers' tools do the same with --tls). */
#define CAIMAN_TLS_ANY_SERVER "any"

/* A client's side: the server's certificate must be valid for @server_name and signed by a CA of
 * @ca_file (nullable: the system's), or, when @fingerprint (nullable) is given, have this SHA-256
 * (hex of the DER certificate, colons allowed), which then is all that counts. A certificate of our
 * own (both nullable; the key may be in the certificate's file) is shown to servers that ask.
 * Errors: INVALID_ARGUMENT, naming the file, also when the key is not the certificate's; IO_ERROR
 * when GIO has no TLS. */
CaimanTls *caiman_tls_new_client (const char *server_name, const char *ca_file,
                                  const char *fingerprint, const char *certificate_file,
                                  const char *key_file, GError **error);

/* A server's side: certificate and key in PEM files (@key_file nullable, as above). With
 * @client_ca_file clients must show a certificate signed by one of its CAs. Errors as above. */
CaimanTls *caiman_tls_new_server (const char *certificate_file, const char *key_file,
                                  const char *client_ca_file, GError **error);
CaimanTls *caiman_tls_ref (CaimanTls *tls);
void caiman_tls_unref (CaimanTls *tls); /* accepts NULL; transports keep a reference */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanTls, caiman_tls_unref)

/* Handshakes of @tls that begin from now on are made with what @with (transfer full) has:
 * certificate, authorities, name, fingerprint. Those under way and connections that there are go on
 * as they are. Both must be clients, or both servers. */
void caiman_tls_replace (CaimanTls *tls, CaimanTls *with);

/* A CaimanTcpWrap with a CaimanTls as user data: @tcp (transfer full) is an end of tcp.h. The
 * result is connected, or writable, when the TLS handshake is done, for which there are ten
 * seconds. */
CaimanTransport *caiman_tls_wrap (CaimanLoop *loop, CaimanTransport *tcp, gpointer tls);

/* What was wrong with the last TLS handshake that failed, for messages: (transfer none, nullable),
 * valid until the loop goes on. Such a link ends with CAIMAN_REASON_LINK_TLS_ERROR. */
const char *caiman_tls_get_last_error (const CaimanTls *tls);

G_END_DECLS
