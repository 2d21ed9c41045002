/* SPDX-License-Identifier: Apache-2.0 */
/* link-filter.h - which links of one connection are redundant (PROTOCOL.md, section 8).
 *
 * Unlike with the peers, a link that does not work, is suspected, silent or being closed keeps no
 * other out: the candidate may be the one that is to take its place. */
#pragma once

#include "../core/connection.h"

G_BEGIN_DECLS

typedef enum {
  CAIMAN_TCP_FILTER_INTERFACE_INTERFACE, /* one per local interface and remote interface name, which
                                            is the handshake's user data (default) */
  CAIMAN_TCP_FILTER_INTERFACE_IP,        /* one per local interface and remote address */
  CAIMAN_TCP_FILTER_NONE,                /* all */
} CaimanTcpFilter;

/* "interface-interface", "interface-ip", "none". */
const char *caiman_tcp_filter_to_string (CaimanTcpFilter filter);
gboolean caiman_tcp_filter_from_string (const char *name, CaimanTcpFilter *filter_out);

/* A CaimanLinkFilter (connection.h) whose @user_data is a CaimanTcpFilter in a pointer
 * (GINT_TO_POINTER). It goes by caiman_link_get_local(), _get_remote() and _get_remote_user_data().
 */
gboolean caiman_tcp_filter_links (const CaimanLink *candidate, CaimanLink *const *links,
                                  gsize n_links, gpointer user_data);

G_END_DECLS
