/* SPDX-License-Identifier: Apache-2.0 */
/* resolve.h - looks up the addresses of a name in the background, for a CaimanLoop.
 *
 * Each look-up blocks a thread of its own, which touches nothing but the look-up's own state; its
 * result comes back through the loop. A look-up can be given up at any moment; its thread then ends
 * by itself later. */
#pragma once

#include "loop.h"

G_BEGIN_DECLS

typedef struct _CaimanResolve CaimanResolve;

/* Appends the addresses of @host (struct sockaddr_storage; ports do not matter) to @addresses. May
 * block. Called in a thread of its own, which may outlive whoever asked for it, and so must
 * @user_data. Returns 0, or an EAI_* code (netdb.h). */
typedef int (*CaimanLookup) (const char *host, GArray *addresses, gpointer user_data);

/* @addresses is without duplicates and empty when @error tells what went wrong. Both borrowed. */
typedef void (*CaimanResolved) (const GArray *addresses, const char *error, gpointer user_data);

/* @lookup NULL: getaddrinfo(). @resolved is called once, from the loop, unless the look-up is freed
 * before; there it may be freed, too. Errors (which do not name the host):
 * IO_ERROR, no descriptor or thread to be had. */
CaimanResolve *caiman_resolve_new (CaimanLoop *loop, const char *host, CaimanLookup lookup,
                                   gpointer lookup_data, CaimanResolved resolved,
                                   gpointer user_data, GError **error);
void caiman_resolve_free (CaimanResolve *resolve); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanResolve, caiman_resolve_free)

G_END_DECLS
