/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-connector.h - keeps a client's connections supplied with paths: one per local interface and
 * resolved server address (PROTOCOL.md, section 8).
 *
 * One connector serves any number of pumps towards the same servers (a tunnel has a connection for
 * each forwarded one, and they share what is known about names and interfaces). Interfaces come and
 * go as the kernel says: the links over one that went down, or that start from an address that it
 * lost, fail at once with LINK_DOWN, and a path that could not connect is tried again when there is
 * something new about its interface or the routes over it.
 *
 * Names are resolved again every resolve_interval_ns, in the background. While a name does not
 * resolve, what was known of it holds; an address that it has no more is forgotten after three
 * answers without it, since one answer may be incomplete, and its links are then disconnected.
 *
 * A path exists where an interface has an address of the server's family. Loopback addresses, and
 * those of this host itself, are reached over the loopback interface and nothing else is.
 *
 * A link's name and local interface (CaimanLinkInfo) is the name of its interface, and so is the
 * user data of its handshake; with single_interface there is neither local interface nor user data,
 * and the name is the remote address. */
#pragma once

#include "interfaces.h"
#include "link-filter.h"
#include "resolve.h"
#include "tcp.h"

G_BEGIN_DECLS

typedef struct _CaimanTcpConnector CaimanTcpConnector;

typedef enum {
  CAIMAN_IP_ANY,
  CAIMAN_IP_V4,
  CAIMAN_IP_V6,
} CaimanIpVersion;

/* What a transport is wrapped in, e.g. TLS (tls.h): gets the connected or connecting socket
 * (transfer full). Never returns NULL. */
typedef CaimanTransport *(*CaimanTcpWrap) (CaimanLoop *loop, CaimanTransport *tcp,
                                           gpointer user_data);

/* Settings of one interface by name: weight, cost, quota of its links. */
typedef struct {
  const char *name;
  CaimanLinkInfo info; /* its name and user_data do not matter */
} CaimanTcpInterfaceInfo;

/* Zero-initialised: the peers' defaults. Copied. */
typedef struct {
  CaimanIpVersion ip_version;
  CaimanTcpFilter filter;
  gboolean single_interface;         /* leave the choice of interface to the routing table */
  const char *const *interfaces;     /* (nullable) only these; NULL: all that are up */
  const char *const *not_interfaces; /* (nullable) none of these */
  gint64 resolve_interval_ns;        /* 0: 10 s */
  CaimanLookup lookup;               /* (nullable) instead of getaddrinfo() */
  gpointer lookup_data;
  CaimanTcpOptions tcp;
  const CaimanTcpInterfaceInfo *interface_infos; /* (nullable) */
  gsize n_interface_infos;
  CaimanTcpWrap wrap; /* (nullable) */
  gpointer wrap_data;
} CaimanTcpConnectorOptions;

/* @hosts: NULL-terminated; each a name or an address with or without a port: "host", "host:5800",
 * "192.0.2.1:5800", "[2001:db8::1]:5800", "2001:db8::1". Errors: a host that cannot be parsed
 * (INVALID_ARGUMENT, naming it); that a name does not resolve is no error (it may later). */
CaimanTcpConnector *caiman_tcp_connector_new (CaimanLoop *loop, const char *const *hosts,
                                              guint16 default_port,
                                              const CaimanTcpConnectorOptions *options,
                                              GError **error);

/* All pumps must be detached (asserted). Accepts NULL. */
void caiman_tcp_connector_free (CaimanTcpConnector *connector);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanTcpConnector, caiman_tcp_connector_free)

/* Adds a path to the pump's CaimanConnector for each that is known and whenever one appears, and
 * removes those that vanish; sets the link filter of the pump's connection. The handler's open()
 * of that pump must call caiman_tcp_connector_open(). Detach before the pump is freed. */
void caiman_tcp_connector_attach (CaimanTcpConnector *connector, CaimanPump *pump);
void caiman_tcp_connector_detach (CaimanTcpConnector *connector, CaimanPump *pump);

/* What CaimanPumpHandler.open is to return. */
CaimanTransport *caiman_tcp_connector_open (CaimanTcpConnector *connector, CaimanPump *pump,
                                            guint32 path_id, CaimanReason *reason_out);

/* (transfer full) One line per path now, "eth0 -> 192.0.2.1:5800" ("any -> ..." when the routing
 * table chooses), free function g_free; and what went wrong with names that do not resolve, "host:
 * Name or service not known". */
GPtrArray *caiman_tcp_connector_describe (const CaimanTcpConnector *connector);
/* Called (from the loop) when what describe() tells has changed. */
void caiman_tcp_connector_set_changed (CaimanTcpConnector *connector,
                                       void (*changed) (gpointer user_data), gpointer user_data);

G_END_DECLS
