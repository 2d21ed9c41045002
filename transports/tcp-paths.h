/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-paths.h - which paths there are between interfaces and server addresses; computed from
 * arguments alone. The rules are in tcp-connector.h. */
#pragma once

#include "tcp-connector.h"

G_BEGIN_DECLS

/* Two are equal when the interface (index and name) and the remote address are. */
typedef struct {
  guint interface_index;          /* 0: the routing table chooses */
  char interface[16];             /* "" then */
  gboolean is_bound;              /* FALSE: to this host's own address, which needs no binding */
  struct sockaddr_storage remote; /* with port, and with scope when it is link-local */
  struct sockaddr_storage source; /* an address of the interface, where binding to it fails */
} CaimanTcpPath;

/* (transfer full) of CaimanTcpPath: for each interface (CaimanInterface) each address (struct
 * sockaddr_storage, with port) that can be reached over it. */
GArray *caiman_tcp_paths_compute (const GPtrArray *interfaces, const GArray *addresses,
                                  const CaimanTcpConnectorOptions *options);

gboolean caiman_tcp_path_equal (const CaimanTcpPath *a, const CaimanTcpPath *b);

/* Whether the path's interface is there, up, and able to reach the path's remote address. */
gboolean caiman_tcp_path_is_up (const CaimanTcpPath *path, const GPtrArray *interfaces);

/* "eth0 -> 192.0.2.1:5800" (transfer full) */
char *caiman_tcp_path_print (const CaimanTcpPath *path);

G_END_DECLS
