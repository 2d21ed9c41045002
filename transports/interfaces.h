/* SPDX-License-Identifier: Apache-2.0 */
/* interfaces.h - the network interfaces of this host and their addresses, kept up to date by
 * rtnetlink: changes are told when the kernel tells them. */
#pragma once

#include "loop.h"

#include <sys/socket.h>

G_BEGIN_DECLS

typedef struct _CaimanInterfaces CaimanInterfaces;

typedef struct {
  guint index;
  char name[16];
  gboolean up; /* administratively up and with a carrier */
  gboolean loopback;
  GArray *addresses; /* of struct sockaddr_storage: IPv4 and IPv6 (link-local with its scope), those
                        that can be used (no duplicate address detection under way) */
  guint version;     /* another one after each change of it, its addresses or the routes over it */
} CaimanInterface;

/* @changed (nullable) is called from the loop after the list has changed; several changes in a row
 * make one call. Errors: IO_ERROR, no netlink. */
CaimanInterfaces *caiman_interfaces_new (CaimanLoop *loop, void (*changed) (gpointer user_data),
                                         gpointer user_data, GError **error);
void caiman_interfaces_free (CaimanInterfaces *interfaces); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanInterfaces, caiman_interfaces_free)

/* (transfer none) of CaimanInterface, by index; valid until the next dispatch of the loop. */
const GPtrArray *caiman_interfaces_get (const CaimanInterfaces *interfaces);

/* The interface that carries @address, or NULL. The port does not matter; IPv4 may be mapped. */
const CaimanInterface *caiman_interfaces_find (const CaimanInterfaces *interfaces,
                                               const struct sockaddr *address);

/* Takes in now what the kernel has told and the loop has not looked at yet. */
void caiman_interfaces_refresh (CaimanInterfaces *interfaces);

/* Another one after each change, of whatever interface. */
guint caiman_interfaces_get_version (const CaimanInterfaces *interfaces);

G_END_DECLS
