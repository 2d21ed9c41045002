/* SPDX-License-Identifier: Apache-2.0 */
/* address.c - socket addresses, read, compared and printed. */
#include "transports/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

static const struct sockaddr_in *
as_ipv4 (const struct sockaddr_storage *address)
{
  return (const struct sockaddr_in *)address;
}

static const struct sockaddr_in6 *
as_ipv6 (const struct sockaddr_storage *address)
{
  return (const struct sockaddr_in6 *)address;
}

/* --- Reading --- */

static gboolean
parse_port (const char *text, guint16 *port_out)
{
  guint64 port;
  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT16, &port, NULL))
    return FALSE;
  *port_out = (guint16)port;
  return TRUE;
}

/* Where the host ends and the port (NULL: none) begins; FALSE when the form is wrong. */
static gboolean
find_parts (const char *text, const char **host_out, gsize *host_bytes_out, const char **port_out)
{
  const char *colon = strrchr (text, ':');
  *host_out = text;
  *port_out = NULL;
  if (text[0] == '[') {
    const char *bracket = strchr (text, ']');
    if (!bracket || (bracket[1] != '\0' && bracket[1] != ':'))
      return FALSE;
    *host_out = text + 1;
    *host_bytes_out = (gsize)(bracket - text - 1);
    *port_out = bracket[1] == ':' ? bracket + 2 : NULL;
  } else if (colon && strchr (text, ':') == colon) {
    *host_bytes_out = (gsize)(colon - text);
    *port_out = colon + 1;
  } else {
    *host_bytes_out = strlen (text); /* two colons and more: an IPv6 address without a port */
  }
  return *host_bytes_out > 0;
}

gboolean
caiman_address_split (const char *text, guint16 default_port, char **host_out, guint16 *port_out,
                      GError **error)
{
  const char *start, *port_text;
  gsize host_bytes;
  guint16 port = default_port;
  if (!find_parts (text, &start, &host_bytes, &port_text) ||
      (port_text && !parse_port (port_text, &port))) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT,
                 "\"%s\" is not HOST or HOST:PORT (IPv6: [ADDRESS]:PORT)", text);
    return FALSE;
  }
  g_autofree char *host = g_strndup (start, host_bytes);
  struct sockaddr_storage address;
  gboolean needs_ipv6 = text[0] == '[' || strchr (host, ':');
  if (needs_ipv6 && (!caiman_address_parse (host, 0, &address) || strchr (host, ':') == NULL)) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT,
                 "\"%s\" is not an IPv6 address", text);
    return FALSE;
  }
  *host_out = g_steal_pointer (&host);
  *port_out = port;
  return TRUE;
}

gboolean
caiman_address_parse (const char *host, guint16 port, struct sockaddr_storage *address_out)
{
  struct in_addr ipv4;
  struct in6_addr ipv6;
  const char *percent = strchr (host, '%');
  g_autofree char *plain = percent ? g_strndup (host, (gsize)(percent - host)) : g_strdup (host);
  guint32 scope = 0;
  if (percent) {
    guint64 index;
    if (strchr (percent, ':'))
      return FALSE; /* "lo:1" would be an alias of lo */
    scope = if_nametoindex (percent + 1);
    if (scope == 0) {
      if (!g_ascii_string_to_unsigned (percent + 1, 10, 1, G_MAXUINT32, &index, NULL))
        return FALSE;
      scope = (guint32)index;
    }
  }
  if (!percent && inet_pton (AF_INET, plain, &ipv4) == 1)
    caiman_address_set (address_out, AF_INET, &ipv4, 0);
  else if (inet_pton (AF_INET6, plain, &ipv6) == 1)
    caiman_address_set (address_out, AF_INET6, &ipv6, scope);
  else
    return FALSE;
  caiman_address_set_port (address_out, port);
  return TRUE;
}

void
caiman_address_set (struct sockaddr_storage *address_out, int family, const void *bytes,
                    guint32 scope)
{
  memset (address_out, 0, sizeof *address_out);
  if (family == AF_INET) {
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)address_out;
    ipv4->sin_family = AF_INET;
    memcpy (&ipv4->sin_addr, bytes, sizeof ipv4->sin_addr);
  } else {
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)address_out;
    g_assert (family == AF_INET6);
    ipv6->sin6_family = AF_INET6;
    memcpy (&ipv6->sin6_addr, bytes, sizeof ipv6->sin6_addr);
    ipv6->sin6_scope_id = scope;
  }
}

gboolean
caiman_address_normalise (const struct sockaddr *address, struct sockaddr_storage *address_out)
{
  /* Through copies, since @address may be any memory. */
  if (address->sa_family == AF_INET) {
    struct sockaddr_in ipv4;
    memcpy (&ipv4, address, sizeof ipv4);
    caiman_address_set (address_out, AF_INET, &ipv4.sin_addr, 0);
    caiman_address_set_port (address_out, g_ntohs (ipv4.sin_port));
    return TRUE;
  }
  if (address->sa_family != AF_INET6)
    return FALSE;
  struct sockaddr_in6 ipv6;
  memcpy (&ipv6, address, sizeof ipv6);
  if (IN6_IS_ADDR_V4MAPPED (&ipv6.sin6_addr))
    caiman_address_set (address_out, AF_INET, &ipv6.sin6_addr.s6_addr[12], 0);
  else
    caiman_address_set (address_out, AF_INET6, &ipv6.sin6_addr, ipv6.sin6_scope_id);
  caiman_address_set_port (address_out, g_ntohs (ipv6.sin6_port));
  return TRUE;
}

/* --- Parts --- */

socklen_t
caiman_address_get_size (const struct sockaddr_storage *address)
{
  return address->ss_family == AF_INET ? sizeof (struct sockaddr_in) : sizeof (struct sockaddr_in6);
}

guint16
caiman_address_get_port (const struct sockaddr_storage *address)
{
  if (address->ss_family == AF_INET)
    return g_ntohs (as_ipv4 (address)->sin_port);
  return g_ntohs (as_ipv6 (address)->sin6_port);
}

void
caiman_address_set_port (struct sockaddr_storage *address, guint16 port)
{
  if (address->ss_family == AF_INET)
    ((struct sockaddr_in *)address)->sin_port = g_htons (port);
  else
    ((struct sockaddr_in6 *)address)->sin6_port = g_htons (port);
}

gboolean
caiman_address_is_loopback (const struct sockaddr_storage *address)
{
  if (address->ss_family == AF_INET)
    return g_ntohl (as_ipv4 (address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  return IN6_IS_ADDR_LOOPBACK (&as_ipv6 (address)->sin6_addr);
}

gboolean
caiman_address_is_link_local (const struct sockaddr_storage *address)
{
  return address->ss_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL (&as_ipv6 (address)->sin6_addr);
}

guint32
caiman_address_get_scope (const struct sockaddr_storage *address)
{
  return address->ss_family == AF_INET6 ? as_ipv6 (address)->sin6_scope_id : 0;
}

/* --- Comparing --- */

gboolean
caiman_address_is_same_host (const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
  if (a->ss_family != b->ss_family)
    return FALSE;
  if (a->ss_family == AF_INET)
    return as_ipv4 (a)->sin_addr.s_addr == as_ipv4 (b)->sin_addr.s_addr;
  guint32 scope_a = caiman_address_get_scope (a), scope_b = caiman_address_get_scope (b);
  return IN6_ARE_ADDR_EQUAL (&as_ipv6 (a)->sin6_addr, &as_ipv6 (b)->sin6_addr) &&
         (scope_a == scope_b || scope_a == 0 || scope_b == 0);
}

gboolean
caiman_address_equal (const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
  return caiman_address_is_same_host (a, b) &&
         caiman_address_get_scope (a) == caiman_address_get_scope (b) &&
         caiman_address_get_port (a) == caiman_address_get_port (b);
}

/* --- Printing --- */

const char *
caiman_address_print_host (const struct sockaddr_storage *address,
                           char text[static CAIMAN_ADDRESS_TEXT_BYTES])
{
  const void *bytes = address->ss_family == AF_INET ? (const void *)&as_ipv4 (address)->sin_addr
                                                    : (const void *)&as_ipv6 (address)->sin6_addr;
  if (!inet_ntop (address->ss_family, bytes, text, CAIMAN_ADDRESS_TEXT_BYTES))
    g_strlcpy (text, "?", CAIMAN_ADDRESS_TEXT_BYTES); /* no IP address at all */
  return text;
}

const char *
caiman_address_print_network (const struct sockaddr_storage *address,
                              char text[static CAIMAN_ADDRESS_TEXT_BYTES])
{
  if (address->ss_family != AF_INET6)
    return caiman_address_print_host (address, text);
  struct in6_addr network = as_ipv6 (address)->sin6_addr;
  memset (&network.s6_addr[8], 0, 8);
  inet_ntop (AF_INET6, &network, text, CAIMAN_ADDRESS_TEXT_BYTES);
  g_strlcat (text, "/64", CAIMAN_ADDRESS_TEXT_BYTES);
  return text;
}

const char *
caiman_address_print (const struct sockaddr_storage *address,
                      char text[static CAIMAN_ADDRESS_TEXT_BYTES])
{
  char host[CAIMAN_ADDRESS_TEXT_BYTES], scope[IF_NAMESIZE + 1] = "";
  guint32 index = caiman_address_get_scope (address);
  caiman_address_print_host (address, host);
  guint port = caiman_address_get_port (address);
  if (index != 0) {
    char name[IF_NAMESIZE];
    if (if_indextoname (index, name))
      g_snprintf (scope, sizeof scope, "%%%s", name);
    else
      g_snprintf (scope, sizeof scope, "%%%u", index);
  }
  const char *format = address->ss_family == AF_INET ? "%s%s:%u" : "[%s%s]:%u";
  g_snprintf (text, CAIMAN_ADDRESS_TEXT_BYTES, format, host, scope, port);
  return text;
}
