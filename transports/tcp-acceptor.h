/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-acceptor.h - listens for TCP links and gives them to a server's pump.
 *
 * A connection to an address that no interface carries is dropped (PROTOCOL.md, section 8). Name,
 * local interface and user data of a link are the name of the interface that carries its local
 * address. When the interface that a link has come in over (usually the same) goes down, or its
 * local address goes away, the link fails at once with LINK_DOWN. Handshakes are counted by IPv4
 * address and by IPv6 /64 (server.h). When descriptors run out,
 * accepting pauses for a moment instead of spinning. */
#pragma once

#include "interfaces.h"
#include "link-filter.h"
#include "tcp-connector.h"

G_BEGIN_DECLS

typedef struct _CaimanTcpAcceptor CaimanTcpAcceptor;

/* Zero-initialised: the peers' defaults. Copied. */
typedef struct {
  CaimanTcpFilter filter;
  const char *const *interfaces; /* (nullable) accept only links to addresses of these */
  gboolean any_address;          /* do not drop what no interface carries (testbeds) */
  CaimanTcpOptions tcp;
  CaimanTcpWrap wrap; /* (nullable) */
  gpointer wrap_data;
} CaimanTcpAcceptorOptions;

/* Listens on all @addresses, as "[::]:5700" (dual-stack: IPv4 too, and IPv4 alone on a host without
 * IPv6), "0.0.0.0:5700", "192.0.2.1:5700"; port 0 picks one. Sets the link filter of the pump's
 * server. Errors: an address that cannot be parsed (INVALID_ARGUMENT) or bound (IO_ERROR); both
 * name it. */
CaimanTcpAcceptor *caiman_tcp_acceptor_new (CaimanLoop *loop, CaimanPump *server_pump,
                                            const char *const *addresses,
                                            const CaimanTcpAcceptorOptions *options,
                                            GError **error);

/* Stops listening; the links live on. Before the pump is freed. Accepts NULL. */
void caiman_tcp_acceptor_free (CaimanTcpAcceptor *acceptor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanTcpAcceptor, caiman_tcp_acceptor_free)

/* The port of listening address number @index, e.g. when it was 0. */
guint16 caiman_tcp_acceptor_get_port (const CaimanTcpAcceptor *acceptor, guint index);

G_END_DECLS
