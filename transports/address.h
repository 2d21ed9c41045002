/* SPDX-License-Identifier: Apache-2.0 */
/* address.h - what the TCP carriers do with socket addresses: read, compare and print IPv4 and
 * IPv6.
 *
 * An IPv4 address that is mapped into IPv6 (what a dual-stack socket shows) counts as IPv4
 * everywhere. */
#pragma once

#include "../core/error.h"

#include <sys/socket.h>

G_BEGIN_DECLS

/* "192.0.2.1:5800" or "[2001:db8::1]:5800" in a buffer of this size, scope included. */
#define CAIMAN_ADDRESS_TEXT_BYTES 80

/* Splits "host", "host:5800", "192.0.2.1:5800", "[2001:db8::1]:5800" or "2001:db8::1". *@host_out
 * (transfer full) is without brackets, *@port_out is @default_port when there is none. Errors:
 * INVALID_ARGUMENT, quoting @text. */
gboolean caiman_address_split (const char *text, guint16 default_port, char **host_out,
                               guint16 *port_out, GError **error);

/* A numeric address, IPv6 possibly with a scope ("fe80::1%eth0"). FALSE: it is none (a name). */
gboolean caiman_address_parse (const char *host, guint16 port,
                               struct sockaddr_storage *address_out);

/* From the four or sixteen bytes of an address. */
void caiman_address_set (struct sockaddr_storage *address_out, int family, const void *bytes,
                         guint32 scope);

/* A copy of any IPv4 or IPv6 address as IPv4 if it is mapped, with nothing undefined in it. FALSE:
 * another family. */
gboolean caiman_address_normalise (const struct sockaddr *address,
                                   struct sockaddr_storage *address_out);

socklen_t caiman_address_get_size (const struct sockaddr_storage *address);
guint16 caiman_address_get_port (const struct sockaddr_storage *address);
void caiman_address_set_port (struct sockaddr_storage *address, guint16 port);

gboolean caiman_address_is_loopback (const struct sockaddr_storage *address);
gboolean caiman_address_is_link_local (const struct sockaddr_storage *address); /* fe80::/10 */
guint32 caiman_address_get_scope (const struct sockaddr_storage *address);

/* The same host, whatever the ports; an IPv6 scope counts where both have one. Both normalised. */
gboolean caiman_address_is_same_host (const struct sockaddr_storage *a,
                                      const struct sockaddr_storage *b);

/* Host, scope and port. */
gboolean caiman_address_equal (const struct sockaddr_storage *a, const struct sockaddr_storage *b);

/* The address alone ("192.0.2.1", "2001:db8::1"), without scope; its network; or with scope and
 * port. All return @text. */
const char *caiman_address_print_host (const struct sockaddr_storage *address,
                                       char text[static CAIMAN_ADDRESS_TEXT_BYTES]);
/* The network that whoever has this address has at least: the address itself if it is IPv4, the /64
 * around it ("2001:db8:1:2::/64") if it is IPv6. */
const char *caiman_address_print_network (const struct sockaddr_storage *address,
                                          char text[static CAIMAN_ADDRESS_TEXT_BYTES]);
const char *caiman_address_print (const struct sockaddr_storage *address,
                                  char text[static CAIMAN_ADDRESS_TEXT_BYTES]);

G_END_DECLS
