/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-hosts.c - the addresses behind a list of host names. */
#include "transports/tcp-hosts.h"

#include "transports/address.h"

/* So many answers in a row must be without an address before it is forgotten: one may be
 * incomplete (the IPv6 half timed out, say), or show another part of a rotating list. */
#define MISSES_MAX 3

/* Network changes come in bursts; a name is not looked up for each of them. */
#define RETRY_INTERVAL_NS CAIMAN_NS_PER_S

typedef struct {
  struct sockaddr_storage address; /* with port */
  guint n_misses;                  /* answers without it since the last one with it */
} Known;

typedef struct {
  CaimanTcpHosts *hosts;
  char *name;
  guint16 port;
  gboolean is_numeric;
  GArray *known; /* of Known */
  char *error;   /* (nullable) of the last look-up */
  CaimanResolve *resolve;
  gint64 started_ns; /* the last look-up */
  CaimanTimer timer;
} Host;

struct _CaimanTcpHosts {
  CaimanLoop *loop;
  GPtrArray *list; /* of Host */
  gint64 interval_ns;
  CaimanLookup lookup;
  gpointer lookup_data;
  void (*changed) (gpointer user_data);
  gpointer user_data;
};

static void
host_free (gpointer data)
{
  Host *host = data;
  caiman_loop_arm_timer (host->hosts->loop, &host->timer, CAIMAN_TIME_NEVER);
  caiman_resolve_free (host->resolve);
  g_array_unref (host->known);
  g_free (host->error);
  g_free (host->name);
  g_free (host);
}

/* --- What an answer changes --- */

static gboolean
set_error (Host *host, const char *error)
{
  if (g_strcmp0 (host->error, error) == 0)
    return FALSE;
  g_free (host->error);
  host->error = g_strdup (error);
  return TRUE;
}

static Known *
find_known (const Host *host, const struct sockaddr_storage *address)
{
  for (guint i = 0; i < host->known->len; i++) {
    Known *known = &g_array_index (host->known, Known, i);
    if (caiman_address_is_same_host (&known->address, address))
      return known;
  }
  return NULL;
}

static gboolean
add_address (Host *host, const struct sockaddr_storage *address)
{
  Known *old = find_known (host, address);
  if (old) {
    old->n_misses = 0;
    return FALSE;
  }
  Known known = { .address = *address };
  caiman_address_set_port (&known.address, host->port);
  g_array_append_val (host->known, known);
  return TRUE;
}

static gboolean
take_answer (Host *host, const GArray *addresses)
{
  gboolean changed = FALSE;
  for (guint i = 0; i < host->known->len; i++)
    g_array_index (host->known, Known, i).n_misses++;
  for (guint i = 0; i < addresses->len; i++)
    changed |= add_address (host, &g_array_index (addresses, struct sockaddr_storage, i));
  for (guint i = host->known->len; i-- > 0;) {
    if (g_array_index (host->known, Known, i).n_misses >= MISSES_MAX) {
      g_array_remove_index (host->known, i);
      changed = TRUE;
    }
  }
  return changed;
}

/* --- Looking up --- */

static void
arm (Host *host, gint64 delay_ns)
{
  CaimanLoop *loop = host->hosts->loop;
  caiman_loop_arm_timer (loop, &host->timer, caiman_time_add (caiman_loop_now (loop), delay_ns));
}

static void
resolved (const GArray *addresses, const char *error, gpointer user_data)
{
  Host *host = user_data;
  CaimanTcpHosts *hosts = host->hosts;
  g_clear_pointer (&host->resolve, caiman_resolve_free);
  arm (host, hosts->interval_ns);
  gboolean changed = set_error (host, error);
  if (!error)
    changed |= take_answer (host, addresses);
  if (changed)
    hosts->changed (hosts->user_data);
}

static void
look_up (gpointer user_data)
{
  Host *host = user_data;
  CaimanTcpHosts *hosts = host->hosts;
  g_autoptr (GError) error = NULL;
  host->started_ns = caiman_loop_now (hosts->loop);
  host->resolve = caiman_resolve_new (hosts->loop, host->name, hosts->lookup, hosts->lookup_data,
                                      resolved, host, &error);
  if (host->resolve)
    return;
  arm (host, hosts->interval_ns);
  if (set_error (host, error->message))
    hosts->changed (hosts->user_data);
}

void
caiman_tcp_hosts_retry (CaimanTcpHosts *hosts)
{
  for (guint i = 0; i < hosts->list->len; i++) {
    Host *host = hosts->list->pdata[i];
    if (host->error && !host->resolve) {
      gint64 age_ns = caiman_loop_now (hosts->loop) - host->started_ns;
      arm (host, MIN (hosts->interval_ns, MAX (0, RETRY_INTERVAL_NS - age_ns)));
    }
  }
}

/* --- Life --- */

static gboolean
add_host (CaimanTcpHosts *hosts, const char *text, guint16 default_port, GError **error)
{
  g_autofree char *name = NULL;
  guint16 port;
  if (!caiman_address_split (text, default_port, &name, &port, error))
    return FALSE;
  if (port == 0) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT, "\"%s\" needs a port", text);
    return FALSE;
  }
  Host *host = g_new0 (Host, 1);
  host->hosts = hosts;
  host->port = port;
  host->known = g_array_new (FALSE, FALSE, sizeof (Known));
  host->name = g_steal_pointer (&name);
  caiman_timer_init (&host->timer, look_up, host);
  g_ptr_array_add (hosts->list, host);
  struct sockaddr_storage address;
  host->is_numeric = caiman_address_parse (host->name, port, &address);
  if (host->is_numeric)
    add_address (host, &address);
  return TRUE;
}

CaimanTcpHosts *
caiman_tcp_hosts_new (CaimanLoop *loop, const char *const *hosts, guint16 default_port,
                      gint64 interval_ns, CaimanLookup lookup, gpointer lookup_data,
                      void (*changed) (gpointer user_data), gpointer user_data, GError **error)
{
  g_autoptr (CaimanTcpHosts) self = g_new0 (CaimanTcpHosts, 1);
  self->loop = loop;
  self->list = g_ptr_array_new_with_free_func (host_free);
  self->interval_ns = interval_ns;
  self->lookup = lookup;
  self->lookup_data = lookup_data;
  self->changed = changed;
  self->user_data = user_data;
  for (guint i = 0; hosts[i]; i++) {
    if (!add_host (self, hosts[i], default_port, error))
      return NULL;
  }
  if (self->list->len == 0) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT, "no server address");
    return NULL;
  }
  for (guint i = 0; i < self->list->len; i++) {
    Host *host = self->list->pdata[i];
    if (!host->is_numeric)
      arm (host, 0);
  }
  return g_steal_pointer (&self);
}

void
caiman_tcp_hosts_free (CaimanTcpHosts *hosts)
{
  if (!hosts)
    return;
  g_ptr_array_unref (hosts->list);
  g_free (hosts);
}

GArray *
caiman_tcp_hosts_get_addresses (const CaimanTcpHosts *hosts)
{
  GArray *addresses = g_array_new (FALSE, FALSE, sizeof (struct sockaddr_storage));
  for (guint i = 0; i < hosts->list->len; i++) {
    const Host *host = hosts->list->pdata[i];
    for (guint k = 0; k < host->known->len; k++)
      g_array_append_val (addresses, g_array_index (host->known, Known, k).address);
  }
  return addresses;
}

void
caiman_tcp_hosts_describe_errors (const CaimanTcpHosts *hosts, GPtrArray *lines)
{
  for (guint i = 0; i < hosts->list->len; i++) {
    const Host *host = hosts->list->pdata[i];
    if (host->error)
      g_ptr_array_add (lines, g_strdup_printf ("%s: %s", host->name, host->error));
  }
}
