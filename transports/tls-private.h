/* SPDX-License-Identifier: Apache-2.0 */
/* tls-private.h - what tls.c (whom to trust) and tls-transport.c (bytes) share. */
#pragma once

#include "tls.h"

G_BEGIN_DECLS

/* TLS over @stream, the handshake not begun: (transfer full), or NULL with an error. */
GTlsConnection *caiman_tls_make_connection (CaimanTls *tls, GIOStream *stream, GError **error);

gboolean caiman_tls_is_server (const CaimanTls *tls);

/* FALSE with an error when @certificate's private key is not the one that belongs to it. Takes a
 * few milliseconds. */
gboolean caiman_tls_check_pair (GTlsCertificate *certificate, GError **error);

/* A handshake of @connection failed with @error. */
void caiman_tls_note_failure (CaimanTls *tls, GTlsConnection *connection, const GError *error);

G_END_DECLS
