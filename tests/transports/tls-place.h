/* SPDX-License-Identifier: Apache-2.0 */
/* tls-place.h - where TLS transports meet over loopback: a loop in the default main context, a
 * listening socket, credentials from tests/transports/tls (made for the tests, worth nothing). */
#pragma once

#include "tests/transports/contract.h"
#include "transports/tls.h"

#include <netinet/in.h>

G_BEGIN_DECLS

typedef struct {
  ContractAccept accept;
  gpointer user_data;
  CaimanLoop *loop;
  GSource *source;
  CaimanLoopWatch watch; /* of the listening socket */
  struct sockaddr_in address;
  CaimanTls *server, *client; /* (owned) the test sets them */
} TlsPlace;

TlsPlace *tls_place_new (ContractAccept accept, gpointer user_data);
void tls_place_free (TlsPlace *place);
CaimanTransport *tls_place_connect (TlsPlace *place);
CaimanTransport *tls_place_connect_refused (TlsPlace *place);
/* Waits up to 10 ms for something to happen. */
void tls_place_step (TlsPlace *place);

/* A file of tests/transports/tls. (transfer full) */
char *tls_place_file (const char *name);
/* @wants_client: the client must show a certificate. */
CaimanTls *tls_place_server (gboolean wants_client);
/* Names of files, nullable; @certificate without ".pem", its key lies beside it. */
CaimanTls *tls_place_client (const char *server_name, const char *ca, const char *fingerprint,
                             const char *certificate);

G_END_DECLS
