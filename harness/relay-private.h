/* SPDX-License-Identifier: Apache-2.0 */
/* relay-private.h - a relay's inside: relay.c (life, work, faults) and relay-socket.c. A connection
 * has two sockets and two lines: socket i (0 the client's, 1 the server's) is read into line i and
 * writes what arrives from the other line. */
#pragma once

#include "harness/relay.h"

G_BEGIN_DECLS

/* Of one read. */
#define RELAY_READ_BYTES (64 * 1024)

typedef struct _Connection RelayConnection;

typedef struct {
  CaimanLoopWatch watch;
  RelayConnection *connection;
  guint index;
  int fd; /* -1: not yet there, or gone */
  gboolean watched;
  gboolean readable;    /* has more than was read, as far as is known */
  gboolean blocked;     /* the kernel takes no more */
  gboolean input_ended; /* nothing of it goes into its line any more */
  gboolean eof;         /* its FIN has come */
  gboolean fin_sent;
  gint64 full_since_ns; /* not read since then for want of room; -1 */
} RelaySocket;

struct _Connection {
  GList node; /* in Relay.connections */
  Relay *relay;
  RelaySocket sockets[2];
  RelayLine *lines[SIM_N_DIRECTIONS];
  gboolean opened; /* the way to the server, or nobody waits for it any more */
};

struct _Relay {
  CaimanLoop *loop;
  RelayListener *listener;
  RelayBottleneck *bottlenecks[SIM_N_DIRECTIONS];
  gint64 send_limit_bytes[SIM_N_DIRECTIONS];
  gint64 receive_buffer_bytes;
  RelayBuffers buffers; /* of its own sockets */
  guint16 server_port;
  GQueue connections; /* of RelayConnection */
  CaimanTimer timer;
  gint64 timer_at_ns;
  Histogram *lateness;
  guint8 scratch[RELAY_READ_BYTES];
};

/* --- relay.c --- */

/* Does all that is due: reads, lets leave, writes, frees connections that are over. */
void relay_run (Relay *relay);

/* --- relay-socket.c --- */

/* @fd is its own from now on. */
void relay_socket_adopt (RelaySocket *socket, int fd);

/* Accepts one that is closed, or was never open. */
void relay_socket_close (RelaySocket *socket, gboolean with_reset);

/* FALSE: its line takes nothing more for now. */
gboolean relay_socket_has_room (const RelaySocket *socket);

/* Both do as much as they can; the first moves bytes into its line, the second those that have
 * arrived out of the other. */
void relay_socket_read (RelaySocket *socket, gint64 now_ns);
void relay_socket_write (RelaySocket *socket, gint64 now_ns);

/* Watches for what it waits for. */
void relay_socket_update_watch (RelaySocket *socket);

G_END_DECLS
