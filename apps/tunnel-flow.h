/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel-flow.h - one forwarded TCP connection: bytes go both ways between a socket and an
 * aggregated connection.
 *
 * The end of either direction is passed on alone (half-close); a reset becomes Terminate and a
 * connection that failed becomes a reset. Either side waits for the other: what is held here is
 * bounded, besides the buffers of the socket and of the connection. */
#pragma once

#include "apps/endpoint.h"

G_BEGIN_DECLS

typedef struct _TunnelFlow TunnelFlow;

/* @fd (transfer full) is a connected, non-blocking socket. When both directions have ended, or
 * something went wrong, the flow closes it and releases @connection. Errors: no descriptors left
 * (@fd is closed). */
TunnelFlow *tunnel_flow_new (AppConnection *connection, int fd, GError **error);

/* Resets the socket if it is still open. Accepts NULL. */
void tunnel_flow_free (TunnelFlow *flow);

/* An event of its connection. */
void tunnel_flow_event (TunnelFlow *flow, const CaimanEvent *event);

/* Closes @fd so that its peer sees a reset. */
void tunnel_reset_socket (int fd);

G_END_DECLS
