/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-tcp-private.h - the parts of the TCP testbed.
 *
 *   testbed-tcp.c          the testbed: loop, clock, timers, pumps
 *   testbed-tcp-link.c     a link: its relay, the server's listening socket, faults
 *   testbed-tcp-end.c      an end of a connection: a TCP transport that can be hurt from below
 *   testbed-tcp-connect.c  how long a connect takes
 *   testbed-tcp-check.c    what is refused */
#pragma once

#include "harness/relay-listener.h"
#include "harness/relay.h"
#include "harness/testbed-links.h"
#include "harness/testbed-tcp.h"
#include "transports/tcp.h"

G_BEGIN_DECLS

typedef struct _TestbedTcp TestbedTcp;
typedef struct _TcpLink TcpLink;
typedef struct _TcpEnd TcpEnd;
typedef struct _TcpConnecting TcpConnecting;

struct _TcpLink {
  TestbedTcp *testbed;
  guint index;
  Relay *relay;
  RelayListener *server;         /* where the server listens for this link */
  GQueue ends[SCENARIO_N_SIDES]; /* of TcpEnd */
  gboolean down, refusing;
  struct {
    TestbedPacketFunc func; /* (nullable) */
    gpointer user_data;
  } after_packet[SCENARIO_N_SIDES];
};

/* What one pump runs on. */
typedef struct {
  CaimanLoopTask task;
  Testbed *testbed;
  ScenarioSide side;
  gint64 deadline_ns;
  CaimanTimer deadline;
} TcpPumpLoop;

struct _TestbedTcp {
  Testbed base;
  const Scenario *scenario;
  const TestbedHandler *handler;
  gpointer user_data;
  CaimanLoop *loop;
  TcpPumpLoop pump_loop[SCENARIO_N_SIDES];
  TestbedLinks links;
  GPtrArray *tcp_links; /* of TcpLink, by scenario link */
  GQueue timers;        /* the runner's */
  CaimanTimer heartbeat, until;
  gint64 heartbeat_at_ns;
  gint64 base_ns;  /* the loop's time of t = 0 */
  gint64 ended_ns; /* own time of the end; -1 before */
  gboolean running, quit;
  char *failure; /* (nullable) the system has failed */
  Histogram lateness;
  gint64 stalled_ns, cpu_ns;
  guint64 n_steps;
};

/* --- testbed-tcp.c --- */

/* Tells that the system does not give any more what the run takes; it is not valid. */
void testbed_tcp_fail (TestbedTcp *self, const GError *error);

/* --- testbed-tcp-link.c --- */

TcpLink *tcp_link_new (TestbedTcp *testbed, guint index, guint64 seed, GError **error);
void tcp_link_free (TcpLink *link); /* accepts NULL; all ends must be gone */

/* Whether the server runs, and so listens. */
void tcp_link_set_server (TcpLink *link, gboolean runs);
void tcp_link_apply (TcpLink *link, const TestbedFault *fault);
/* A packet has been handed over to @side. */
void tcp_link_packet_came (TcpLink *link, ScenarioSide side);

/* --- testbed-tcp-end.c --- */

struct _TcpEnd {
  CaimanTransport base;
  GList node; /* in TcpLink.ends */
  TcpLink *link;
  ScenarioSide side;
  TcpConnecting *connecting; /* (owned) (nullable) until its handshake is over */
  CaimanTransport *inner;    /* (owned) (nullable) the TCP connection */
  gboolean connected;
  CaimanReason failure; /* to be reported by @report_timer */
  CaimanTimer report_timer;
};

/* Connects over @link (transfer full). */
CaimanTransport *tcp_end_connect (TcpLink *link);

/* The server's end of a connection that has come in as @fd, which it takes. NULL when it cannot be
 * used. (transfer full) */
CaimanTransport *tcp_end_accept (TcpLink *link, int fd);

/* It dies from below and reports @reason soon. */
void tcp_end_fail (TcpEnd *end, CaimanReason reason);

/* The answer to its SYN has come: opens the TCP connection. */
void tcp_end_open (TcpEnd *end);

/* --- testbed-tcp-connect.c --- */

/* Begins the handshake of @end over its link; ends with tcp_end_open() or, when the connect times
 * out, tcp_end_fail(). */
TcpConnecting *tcp_connecting_new (TcpEnd *end);
void tcp_connecting_free (TcpConnecting *connecting); /* accepts NULL */

/* --- testbed-tcp-check.c --- */

GPtrArray *testbed_tcp_check (const Scenario *scenario);

G_END_DECLS
