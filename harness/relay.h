/* SPDX-License-Identifier: Apache-2.0 */
/* relay.h - an impairing relay for one link: takes TCP connections from a client on a port of
 * 127.0.0.1, makes one to the server for each, and carries bytes between the two as the link would.
 *
 * What it does to bytes is in relay-line.h; this is the part with sockets. The kernel's buffers in
 * front of it and behind it are kept small, so that what waits in front of the bottleneck waits in
 * the relay. A FIN and a RST of an endpoint take the link's way to the other. The connection to the
 * server is made one delay after the client's, when the last segment of the handshake would arrive.
 *
 * Faults hit all connections of the link, old and new. */
#pragma once

#include "harness/histogram.h"
#include "harness/relay-line.h"
#include "harness/relay-listener.h"
#include "transports/loop.h"

G_BEGIN_DECLS

typedef struct _Relay Relay;

typedef struct {
  const char *name; /* the link's; for its random streams */
  guint64 run_seed;
  const SimPathConfig *config; /* one for each SimDirection; without loss */
  gsize receive_buffer_bytes;  /* of the link's carrier, at both ends */
  Histogram *lateness;         /* (nullable, borrowed) how late its timers are */
} RelayOptions;

/* Listens, and has no server to connect to. */
Relay *relay_new (CaimanLoop *loop, const RelayOptions *options, GError **error);

/* Closes everything. Accepts NULL. */
void relay_free (Relay *relay);

/* Where a client connects to, and where the relay connects to (0: nowhere, the client is reset). */
guint16 relay_get_port (const Relay *relay);
void relay_set_server_port (Relay *relay, guint16 port);

/* What endpoints should set on their sockets, so that buffers are the link's and not the kernel's.
 */
RelayBuffers relay_get_endpoint_buffers (const Relay *relay);

/* FALSE: connects are refused. The error is that of the system. */
gboolean relay_set_listening (Relay *relay, gboolean listening, GError **error);

/* The sender in @direction wants less than the queue to wait (transport.h, set_send_limit()). */
void relay_set_send_limit (Relay *relay, SimDirection direction, gint64 limit_bytes);

/* Changes rate, delay, jitter and queue of @direction. */
void relay_set_config (Relay *relay, SimDirection direction, const SimPathConfig *config);

/* As in relay-line.h. */
void relay_set_paused (Relay *relay, SimDirection direction, gboolean paused);
void relay_set_dark (Relay *relay, SimDirection direction, gboolean dark);
void relay_corrupt (Relay *relay, SimDirection direction, guint64 n_frames);

/* RST to both ends of every connection at once. */
void relay_reset (Relay *relay);

/* FIN in both directions behind what is queued. */
void relay_close (Relay *relay);

/* The end that sends in @direction is gone: the other one hears nothing of it, gets no answer, and
 * what it sends fills its buffers. What had left the vanished end still arrives. The caller lets
 * that end die. */
void relay_half_open (Relay *relay, SimDirection direction);

/* The client's interface is gone: as half_open(UP), and what is in flight is lost. */
void relay_go_down (Relay *relay);

RelayBottleneck *relay_get_bottleneck (Relay *relay, SimDirection direction);

/* Bytes that wait in front of the bottleneck. */
gsize relay_get_waiting (const Relay *relay, SimDirection direction);

/* Connections of which an end lives. */
guint relay_get_n_connections (const Relay *relay);

G_END_DECLS
