/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-tcp-private.h - the parts of the TCP testbed.
 *
 *   testbed-tcp.c          the testbed (over testbed-real.h) and its links
 *   testbed-tcp-link.c     a link: its relay, the server's listening socket, faults
 *   testbed-tcp-end.c      an end of a connection (a testbed-end.h)
 *   testbed-tcp-connect.c  how long a connect takes
 *   testbed-tcp-check.c    what is refused */
#pragma once

#include "harness/relay-listener.h"
#include "harness/relay.h"
#include "harness/testbed-end.h"
#include "harness/testbed-real.h"
#include "harness/testbed-tcp.h"
#include "transports/tcp.h"

G_BEGIN_DECLS

typedef struct _TcpLink TcpLink;
typedef struct _TcpEnd TcpEnd;
typedef struct _TcpConnecting TcpConnecting;

struct _TcpLink {
  TestbedRealLink base; /* its ends are TcpEnd */
  Relay *relay;
  RelayListener *server; /* where the server listens for this link */
  gboolean down, refusing;
};

/* --- testbed-tcp-link.c --- */

/* Scenario link @index; freed through its class. */
TestbedRealLink *tcp_link_new (TestbedReal *testbed, guint index, guint64 seed, GError **error);

/* --- testbed-tcp-end.c --- */

struct _TcpEnd {
  TestbedEnd base;
  TcpConnecting *connecting; /* (owned) (nullable) until its handshake is over */
};

/* Connects over @link (transfer full). */
CaimanTransport *tcp_end_connect (TcpLink *link);

/* The server's end of a connection that has come in as @fd, which it takes. NULL when it cannot be
 * used. (transfer full) */
CaimanTransport *tcp_end_accept (TcpLink *link, int fd);

/* The answer to its SYN has come: opens the TCP connection. */
void tcp_end_open (TcpEnd *end);

/* --- testbed-tcp-connect.c --- */

/* Begins the handshake of @end over its link; ends with tcp_end_open() or, when the connect times
 * out, testbed_end_fail(). */
TcpConnecting *tcp_connecting_new (TcpEnd *end);
void tcp_connecting_free (TcpConnecting *connecting); /* accepts NULL */

/* --- testbed-tcp-check.c --- */

GPtrArray *testbed_tcp_check (const Scenario *scenario);

G_END_DECLS
