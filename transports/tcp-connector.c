/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-connector.c - keeps the connectors of pumps in line with interfaces and resolved addresses.
 *
 * Whatever changes, update() computes all paths anew and brings each client (an attached pump) in
 * line with them. Transports are not kept track of: the links of a path are found in the client's
 * connection, by their interface and remote address. */
#include "transports/tcp-connector.h"

#include "transports/address.h"
#include "transports/tcp-hosts.h"
#include "transports/tcp-paths.h"

#define RESOLVE_INTERVAL_NS (10 * CAIMAN_NS_PER_S)

/* A path of one client. */
typedef struct {
  CaimanTcpPath path;
  guint32 id;                     /* in the pump's connector */
  guint version;                  /* of its interface when it was last opened */
  struct sockaddr_storage source; /* where the last connect started from; family 0: not known */
} Supplied;

typedef struct {
  CaimanPump *pump;
  GArray *supplied; /* of Supplied */
} Client;

struct _CaimanTcpConnector {
  CaimanLoop *loop;
  CaimanTcpConnectorOptions options; /* its strings and arrays (owned) */
  CaimanInterfaces *interfaces;
  CaimanTcpHosts *hosts;
  GArray *paths;      /* of CaimanTcpPath: what there is now */
  GPtrArray *clients; /* of Client (owned) */
  void (*changed) (gpointer user_data);
  gpointer changed_data;
};

static void
client_free (gpointer data)
{
  Client *client = data;
  g_array_unref (client->supplied);
  g_free (client);
}

static Supplied *
get_supplied (const Client *client, guint index)
{
  return &g_array_index (client->supplied, Supplied, index);
}

static gboolean
find_path (const GArray *paths, const CaimanTcpPath *path)
{
  for (guint i = 0; i < paths->len; i++) {
    if (caiman_tcp_path_equal (&g_array_index (paths, CaimanTcpPath, i), path))
      return TRUE;
  }
  return FALSE;
}

/* --- The links of a path --- */

static gboolean
is_link_of_path (const CaimanLink *link, gpointer user_data)
{
  const CaimanTcpPath *path = user_data;
  char remote[CAIMAN_ADDRESS_TEXT_BYTES];
  const char *local = caiman_link_get_local (link);
  return g_str_equal (local ? local : "", path->interface) &&
         g_strcmp0 (caiman_link_get_remote (link),
                    caiman_address_print_host (&path->remote, remote)) == 0;
}

static gboolean
has_link (const Client *client, CaimanTcpPath *path)
{
  gsize n_links;
  CaimanLink *const *links =
      caiman_connection_get_links (caiman_pump_get_connection (client->pump), &n_links);
  for (gsize i = 0; i < n_links; i++) {
    if (is_link_of_path (links[i], path))
      return TRUE;
  }
  return FALSE;
}

/* --- Supplying a client --- */

/* What was tried once need not be tried again until this is another. */
static guint
get_version (const CaimanTcpConnector *self, const CaimanTcpPath *path)
{
  const GPtrArray *interfaces = caiman_interfaces_get (self->interfaces);
  for (guint i = 0; i < interfaces->len; i++) {
    const CaimanInterface *interface = interfaces->pdata[i];
    if (interface->index == path->interface_index)
      return interface->version;
  }
  return caiman_interfaces_get_version (self->interfaces);
}

static CaimanLinkInfo
get_interface_info (const CaimanTcpConnector *self, const char *interface)
{
  for (gsize i = 0; i < self->options.n_interface_infos; i++) {
    if (g_str_equal (self->options.interface_infos[i].name, interface))
      return self->options.interface_infos[i].info;
  }
  return (CaimanLinkInfo) { 0 };
}

static Supplied
supply (CaimanTcpConnector *self, Client *client, const CaimanTcpPath *path)
{
  CaimanConnector *connector = caiman_pump_get_connector (client->pump);
  gint64 now_ns = caiman_loop_now (self->loop);
  char remote[CAIMAN_ADDRESS_TEXT_BYTES];
  gboolean has_interface = path->interface[0] != '\0';
  g_autoptr (GBytes) user_data =
      has_interface ? g_bytes_new (path->interface, strlen (path->interface)) : NULL;
  CaimanLinkInfo info = get_interface_info (self, path->interface);
  info.remote = caiman_address_print_host (&path->remote, remote);
  info.local = has_interface ? path->interface : NULL;
  info.name = has_interface ? path->interface : remote;
  info.user_data = user_data;
  return (Supplied) { .path = *path,
                      .id = caiman_connector_add_path (connector, &info, now_ns, now_ns),
                      .version = get_version (self, path) };
}

static void
withdraw (CaimanTcpConnector *self, Client *client, const Supplied *supplied)
{
  caiman_connector_remove_path (caiman_pump_get_connector (client->pump), supplied->id,
                                caiman_loop_now (self->loop));
}

/* Nothing comes and goes any more between the path's interface and the server. */
static gboolean
is_down (const CaimanTcpConnector *self, const Supplied *supplied)
{
  if (!caiman_tcp_path_is_up (&supplied->path, caiman_interfaces_get (self->interfaces)))
    return TRUE;
  if (supplied->source.ss_family == AF_UNSPEC)
    return FALSE;
  const CaimanInterface *interface =
      caiman_interfaces_find (self->interfaces, (const struct sockaddr *)&supplied->source);
  return !interface || !interface->up;
}

/* Returns whether the path stays. */
static gboolean
update_supplied (CaimanTcpConnector *self, Client *client, Supplied *supplied)
{
  gboolean down = is_down (self, supplied);
  if (down)
    caiman_pump_fail_links (client->pump, is_link_of_path, CAIMAN_REASON_LINK_DOWN,
                            &supplied->path);
  if (!find_path (self->paths, &supplied->path)) {
    withdraw (self, client, supplied);
    return FALSE;
  }
  /* There may be a way now where there was none: not to wait for the reconnect delay. */
  if (down || (supplied->version != get_version (self, &supplied->path) &&
               !has_link (client, &supplied->path))) {
    CaimanTcpPath path = supplied->path;
    withdraw (self, client, supplied);
    *supplied = supply (self, client, &path);
  }
  return TRUE;
}

static gboolean
is_supplied (const Client *client, const CaimanTcpPath *path)
{
  for (guint i = 0; i < client->supplied->len; i++) {
    if (caiman_tcp_path_equal (&get_supplied (client, i)->path, path))
      return TRUE;
  }
  return FALSE;
}

static void
update_client (CaimanTcpConnector *self, Client *client)
{
  for (guint i = 0; i < client->supplied->len;) {
    if (update_supplied (self, client, get_supplied (client, i)))
      i++;
    else
      g_array_remove_index (client->supplied, i);
  }
  for (guint i = 0; i < self->paths->len; i++) {
    const CaimanTcpPath *path = &g_array_index (self->paths, CaimanTcpPath, i);
    if (!is_supplied (client, path)) {
      Supplied supplied = supply (self, client, path);
      g_array_append_val (client->supplied, supplied);
    }
  }
  caiman_pump_touch (client->pump);
}

/* --- What there is --- */

static void
compute_paths (CaimanTcpConnector *self)
{
  g_autoptr (GArray) addresses = caiman_tcp_hosts_get_addresses (self->hosts);
  g_clear_pointer (&self->paths, g_array_unref);
  self->paths = caiman_tcp_paths_compute (caiman_interfaces_get (self->interfaces), addresses,
                                          &self->options);
}

/* Returns whether there are other paths than before. */
static gboolean
update (CaimanTcpConnector *self)
{
  g_autoptr (GArray) before = g_array_ref (self->paths);
  compute_paths (self);
  for (guint i = 0; i < self->clients->len; i++)
    update_client (self, self->clients->pdata[i]);
  if (before->len != self->paths->len)
    return TRUE;
  for (guint i = 0; i < before->len; i++) {
    if (!find_path (self->paths, &g_array_index (before, CaimanTcpPath, i)))
      return TRUE;
  }
  return FALSE;
}

static void
interfaces_changed (gpointer user_data)
{
  CaimanTcpConnector *self = user_data;
  caiman_tcp_hosts_retry (self->hosts);
  if (update (self) && self->changed)
    self->changed (self->changed_data);
}

static void
hosts_changed (gpointer user_data)
{
  CaimanTcpConnector *self = user_data;
  update (self);
  if (self->changed)
    self->changed (self->changed_data);
}

/* --- Life --- */

static void
copy_options (CaimanTcpConnectorOptions *to, const CaimanTcpConnectorOptions *from)
{
  *to = *from;
  to->interfaces = (const char *const *)g_strdupv ((char **)from->interfaces);
  to->not_interfaces = (const char *const *)g_strdupv ((char **)from->not_interfaces);
  CaimanTcpInterfaceInfo *infos = g_new0 (CaimanTcpInterfaceInfo, from->n_interface_infos);
  for (gsize i = 0; i < from->n_interface_infos; i++) {
    infos[i] = from->interface_infos[i];
    infos[i].name = g_strdup (infos[i].name);
  }
  to->interface_infos = infos;
  if (to->resolve_interval_ns == 0)
    to->resolve_interval_ns = RESOLVE_INTERVAL_NS;
}

static void
clear_options (CaimanTcpConnectorOptions *options)
{
  g_strfreev ((char **)options->interfaces);
  g_strfreev ((char **)options->not_interfaces);
  for (gsize i = 0; i < options->n_interface_infos; i++)
    g_free ((char *)options->interface_infos[i].name);
  g_free ((CaimanTcpInterfaceInfo *)options->interface_infos);
}

CaimanTcpConnector *
caiman_tcp_connector_new (CaimanLoop *loop, const char *const *hosts, guint16 default_port,
                          const CaimanTcpConnectorOptions *options, GError **error)
{
  g_autoptr (CaimanTcpConnector) self = g_new0 (CaimanTcpConnector, 1);
  self->loop = loop;
  self->clients = g_ptr_array_new_with_free_func (client_free);
  copy_options (&self->options, options);
  self->hosts =
      caiman_tcp_hosts_new (loop, hosts, default_port, self->options.resolve_interval_ns,
                            options->lookup, options->lookup_data, hosts_changed, self, error);
  if (!self->hosts)
    return NULL;
  self->interfaces = caiman_interfaces_new (loop, interfaces_changed, self, error);
  if (!self->interfaces)
    return NULL;
  compute_paths (self);
  return g_steal_pointer (&self);
}

void
caiman_tcp_connector_free (CaimanTcpConnector *connector)
{
  if (!connector)
    return;
  g_assert (connector->clients->len == 0);
  caiman_interfaces_free (connector->interfaces);
  caiman_tcp_hosts_free (connector->hosts);
  g_clear_pointer (&connector->paths, g_array_unref);
  g_ptr_array_unref (connector->clients);
  clear_options (&connector->options);
  g_free (connector);
}

static Client *
find_client (const CaimanTcpConnector *self, const CaimanPump *pump)
{
  for (guint i = 0; i < self->clients->len; i++) {
    Client *client = self->clients->pdata[i];
    if (client->pump == pump)
      return client;
  }
  return NULL;
}

void
caiman_tcp_connector_attach (CaimanTcpConnector *connector, CaimanPump *pump)
{
  g_assert (!find_client (connector, pump));
  Client *client = g_new0 (Client, 1);
  client->pump = pump;
  client->supplied = g_array_new (FALSE, FALSE, sizeof (Supplied));
  g_ptr_array_add (connector->clients, client);
  caiman_connection_set_link_filter (caiman_pump_get_connection (pump), caiman_tcp_filter_links,
                                     GINT_TO_POINTER (connector->options.filter));
  update_client (connector, client);
}

void
caiman_tcp_connector_detach (CaimanTcpConnector *connector, CaimanPump *pump)
{
  Client *client = find_client (connector, pump);
  g_assert (client);
  g_ptr_array_remove (connector->clients, client);
}

/* --- Opening --- */

/* Only what is up can go down: an address may well work while its interface does not. */
static void
note_source (CaimanTcpConnector *self, Supplied *supplied, const CaimanTransport *tcp)
{
  struct sockaddr_storage address = { 0 };
  socklen_t size = sizeof address;
  supplied->source.ss_family = AF_UNSPEC;
  if (getsockname (caiman_tcp_get_fd (tcp), (struct sockaddr *)&address, &size) < 0)
    return;
  const CaimanInterface *interface =
      caiman_interfaces_find (self->interfaces, (struct sockaddr *)&address);
  if (interface && interface->up)
    caiman_address_normalise ((struct sockaddr *)&address, &supplied->source);
}

static CaimanTransport *
open_path (CaimanTcpConnector *self, Supplied *supplied, CaimanReason *reason_out)
{
  const CaimanTcpPath *path = &supplied->path;
  CaimanTcpSource source = { .have_address = path->source.ss_family != AF_UNSPEC,
                             .address = path->source };
  g_strlcpy (source.interface, path->interface, sizeof source.interface);
  supplied->version = get_version (self, path);
  CaimanTransport *tcp = caiman_tcp_connect (
      self->loop, (const struct sockaddr *)&path->remote, caiman_address_get_size (&path->remote),
      path->is_bound ? &source : NULL, &self->options.tcp, reason_out);
  if (!tcp)
    return NULL;
  note_source (self, supplied, tcp);
  return self->options.wrap ? self->options.wrap (self->loop, tcp, self->options.wrap_data) : tcp;
}

CaimanTransport *
caiman_tcp_connector_open (CaimanTcpConnector *connector, CaimanPump *pump, guint32 path_id,
                           CaimanReason *reason_out)
{
  Client *client = find_client (connector, pump);
  for (guint i = 0; client && i < client->supplied->len; i++) {
    if (get_supplied (client, i)->id == path_id)
      return open_path (connector, get_supplied (client, i), reason_out);
  }
  *reason_out = CAIMAN_REASON_LINK_DOWN;
  return NULL;
}

/* --- Telling --- */

GPtrArray *
caiman_tcp_connector_describe (const CaimanTcpConnector *connector)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < connector->paths->len; i++)
    g_ptr_array_add (lines,
                     caiman_tcp_path_print (&g_array_index (connector->paths, CaimanTcpPath, i)));
  caiman_tcp_hosts_describe_errors (connector->hosts, lines);
  return lines;
}

void
caiman_tcp_connector_set_changed (CaimanTcpConnector *connector,
                                  void (*changed) (gpointer user_data), gpointer user_data)
{
  connector->changed = changed;
  connector->changed_data = user_data;
}
