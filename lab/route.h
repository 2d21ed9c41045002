/* SPDX-License-Identifier: Apache-2.0 */
/* route.h - what the kernel's TCP takes from the route to the other end of a link, for whatever
 * program it is that connects or accepts. */
#pragma once

#include <glib.h>
#include <netinet/in.h>

G_BEGIN_DECLS

typedef struct {
  const char *interface;
  in_addr_t address, peer; /* network byte order */
  guint initial_window;    /* segments; 0: the kernel's */
  const char *congestion;  /* (nullable) as the kernel names it; NULL: the namespace's */
} LabRoute;

/* Sets the route from @address to @peer in the namespace that the calling thread is in; in the
 * place of the one there is. FALSE with LAB_ERROR: among others, the kernel does not have
 * @congestion. */
gboolean lab_route_set (const LabRoute *route, GError **error);

G_END_DECLS
