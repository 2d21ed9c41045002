/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-paths.c - which paths there are between interfaces and server addresses. */
#include "transports/tcp-paths.h"

#include "transports/address.h"

#include <netinet/in.h>
#include <string.h>

static const struct sockaddr_storage *
get_address (const GArray *addresses, guint index)
{
  return &g_array_index (addresses, struct sockaddr_storage, index);
}

static gboolean
is_own_address (const GPtrArray *interfaces, const struct sockaddr_storage *address)
{
  for (guint i = 0; i < interfaces->len; i++) {
    const CaimanInterface *interface = interfaces->pdata[i];
    for (guint k = 0; k < interface->addresses->len; k++) {
      if (caiman_address_is_same_host (get_address (interface->addresses, k), address))
        return TRUE;
    }
  }
  return FALSE;
}

/* An address of @interface from which @remote can be reached: of its family, and for IPv6 of its
 * scope, since a link-local address reaches link-local ones alone. */
static const struct sockaddr_storage *
find_source (const CaimanInterface *interface, const struct sockaddr_storage *remote)
{
  guint32 scope = caiman_address_get_scope (remote);
  if (scope != 0 && scope != interface->index)
    return NULL;
  for (guint i = 0; i < interface->addresses->len; i++) {
    const struct sockaddr_storage *address = get_address (interface->addresses, i);
    if (address->ss_family == remote->ss_family &&
        caiman_address_is_link_local (address) == caiman_address_is_link_local (remote))
      return address;
  }
  return NULL;
}

/* Fills *@path_out when @remote can be reached over @interface. */
static gboolean
make_path (const CaimanInterface *interface, const struct sockaddr_storage *remote, gboolean is_own,
           CaimanTcpPath *path_out)
{
  gboolean is_local = is_own || caiman_address_is_loopback (remote);
  if (!interface->up || interface->loopback != is_local)
    return FALSE;
  const struct sockaddr_storage *source = find_source (interface, remote);
  if (!source && !is_own)
    return FALSE;
  memset (path_out, 0, sizeof *path_out);
  path_out->interface_index = interface->index;
  g_strlcpy (path_out->interface, interface->name, sizeof path_out->interface);
  path_out->is_bound = caiman_address_is_loopback (remote) || !is_own;
  path_out->remote = *remote;
  if (source)
    path_out->source = *source;
  if (caiman_address_is_link_local (remote) && !is_own)
    ((struct sockaddr_in6 *)&path_out->remote)->sin6_scope_id = interface->index;
  return TRUE;
}

static gboolean
is_wanted_interface (const CaimanInterface *interface, const CaimanTcpConnectorOptions *options)
{
  if (options->interfaces && !g_strv_contains (options->interfaces, interface->name))
    return FALSE;
  return !options->not_interfaces || !g_strv_contains (options->not_interfaces, interface->name);
}

static gboolean
is_wanted_family (const struct sockaddr_storage *address, CaimanIpVersion ip_version)
{
  if (ip_version == CAIMAN_IP_ANY)
    return TRUE;
  return address->ss_family == (ip_version == CAIMAN_IP_V4 ? AF_INET : AF_INET6);
}

static void
add_path (GArray *paths, const CaimanTcpPath *path)
{
  for (guint i = 0; i < paths->len; i++) {
    if (caiman_tcp_path_equal (&g_array_index (paths, CaimanTcpPath, i), path))
      return; /* two names of one server */
  }
  g_array_append_val (paths, *path);
}

static void
add_paths_of_interface (GArray *paths, const GPtrArray *interfaces,
                        const CaimanInterface *interface, const GArray *addresses,
                        const CaimanTcpConnectorOptions *options)
{
  for (guint i = 0; i < addresses->len; i++) {
    const struct sockaddr_storage *remote = get_address (addresses, i);
    CaimanTcpPath path;
    if (is_wanted_family (remote, options->ip_version) &&
        make_path (interface, remote, is_own_address (interfaces, remote), &path))
      add_path (paths, &path);
  }
}

GArray *
caiman_tcp_paths_compute (const GPtrArray *interfaces, const GArray *addresses,
                          const CaimanTcpConnectorOptions *options)
{
  GArray *paths = g_array_new (FALSE, FALSE, sizeof (CaimanTcpPath));
  if (options->single_interface) {
    for (guint i = 0; i < addresses->len; i++) {
      CaimanTcpPath path;
      memset (&path, 0, sizeof path);
      path.remote = *get_address (addresses, i);
      if (is_wanted_family (&path.remote, options->ip_version))
        add_path (paths, &path);
    }
    return paths;
  }
  for (guint i = 0; i < interfaces->len; i++) {
    const CaimanInterface *interface = interfaces->pdata[i];
    if (is_wanted_interface (interface, options))
      add_paths_of_interface (paths, interfaces, interface, addresses, options);
  }
  return paths;
}

gboolean
caiman_tcp_path_equal (const CaimanTcpPath *a, const CaimanTcpPath *b)
{
  return a->interface_index == b->interface_index && g_str_equal (a->interface, b->interface) &&
         a->is_bound == b->is_bound && caiman_address_equal (&a->remote, &b->remote);
}

gboolean
caiman_tcp_path_is_up (const CaimanTcpPath *path, const GPtrArray *interfaces)
{
  if (path->interface_index == 0)
    return TRUE;
  gboolean is_own = is_own_address (interfaces, &path->remote);
  for (guint i = 0; i < interfaces->len; i++) {
    CaimanTcpPath now;
    if (((const CaimanInterface *)interfaces->pdata[i])->index == path->interface_index)
      return make_path (interfaces->pdata[i], &path->remote, is_own, &now);
  }
  return FALSE;
}

char *
caiman_tcp_path_print (const CaimanTcpPath *path)
{
  char remote[CAIMAN_ADDRESS_TEXT_BYTES];
  return g_strdup_printf ("%s -> %s", path->interface[0] ? path->interface : "any",
                          caiman_address_print (&path->remote, remote));
}
