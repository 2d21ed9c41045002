/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-hosts.h - the addresses behind a list of host names, looked up again and again. */
#pragma once

#include "resolve.h"

G_BEGIN_DECLS

typedef struct _CaimanTcpHosts CaimanTcpHosts;

/* @hosts, @default_port and errors: see caiman_tcp_connector_new(). Numeric addresses are known at
 * once. @changed is called from the loop after addresses or errors have changed. */
CaimanTcpHosts *caiman_tcp_hosts_new (CaimanLoop *loop, const char *const *hosts,
                                      guint16 default_port, gint64 interval_ns, CaimanLookup lookup,
                                      gpointer lookup_data, void (*changed) (gpointer user_data),
                                      gpointer user_data, GError **error);
void caiman_tcp_hosts_free (CaimanTcpHosts *hosts); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanTcpHosts, caiman_tcp_hosts_free)

/* (transfer full) All known addresses with ports (struct sockaddr_storage), in the hosts' order. */
GArray *caiman_tcp_hosts_get_addresses (const CaimanTcpHosts *hosts);

/* Adds a line to @lines for each name whose last look-up failed. */
void caiman_tcp_hosts_describe_errors (const CaimanTcpHosts *hosts, GPtrArray *lines);

/* The network has changed: names that did not resolve are tried again soon. */
void caiman_tcp_hosts_retry (CaimanTcpHosts *hosts);

G_END_DECLS
