/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-acceptor.c - listens for TCP links and gives them to a server's pump. */
#include "transports/tcp-acceptor.h"

#include "transports/address.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Connections taken per listener and dispatch: each costs some ten microseconds, what has come in
 * on a fast link meanwhile not much more, and a flood shall leave about half of the time to the
 * links. When there is nothing else to do, the next dispatch follows at once. */
#define ACCEPTS_PER_DISPATCH 2

/* Without descriptors, as long as this. */
#define PAUSE_NS (100 * CAIMAN_NS_PER_MS)

/* Closed links are forgotten when there are twice as many links as after the last time. */
#define LINKS_KEPT_MIN 64

typedef struct {
  CaimanLoopWatch watch;
  CaimanTcpAcceptor *acceptor;
  guint16 port;
} Listener;

/* What a link needs to live. */
typedef struct {
  struct sockaddr_storage address; /* local */
  guint interface_index;           /* it came in over; which need not be the one with the address */
} Ground;

struct _CaimanTcpAcceptor {
  CaimanLoop *loop;
  CaimanPump *pump;
  CaimanTcpAcceptorOptions options; /* its interfaces (owned) */
  CaimanInterfaces *interfaces;
  GPtrArray *listeners; /* of Listener (owned) */
  CaimanTimer resume;   /* armed while accepting pauses */
  GHashTable *links;    /* CaimanLink (a reference) to its Ground (owned) */
  guint links_max;      /* at which the closed ones are looked for */
};

/* --- Links whose interface or address goes away --- */

static const CaimanInterface *
find_index (const CaimanTcpAcceptor *self, guint index)
{
  const GPtrArray *interfaces = caiman_interfaces_get (self->interfaces);
  for (guint i = 0; i < interfaces->len; i++) {
    const CaimanInterface *interface = interfaces->pdata[i];
    if (interface->index == index)
      return interface;
  }
  return NULL;
}

static gboolean
is_closed (gpointer link, gpointer ground, gpointer user_data)
{
  return caiman_link_get_state (link) == CAIMAN_LINK_CLOSED;
}

static void
keep_link (CaimanTcpAcceptor *self, CaimanLink *link, const Ground *ground)
{
  if (g_hash_table_size (self->links) >= self->links_max) {
    g_hash_table_foreach_remove (self->links, is_closed, NULL);
    self->links_max = MAX (LINKS_KEPT_MIN, 2 * g_hash_table_size (self->links));
  }
  g_hash_table_insert (self->links, caiman_link_ref (link), g_memdup2 (ground, sizeof *ground));
}

static gboolean
is_cut_off (const CaimanLink *link, gpointer user_data)
{
  CaimanTcpAcceptor *self = user_data;
  const Ground *ground = g_hash_table_lookup (self->links, link);
  if (!ground)
    return FALSE;
  const CaimanInterface *interface = find_index (self, ground->interface_index);
  return !interface || !interface->up ||
         !caiman_interfaces_find (self->interfaces, (const struct sockaddr *)&ground->address);
}

static void
interfaces_changed (gpointer user_data)
{
  CaimanTcpAcceptor *self = user_data;
  caiman_pump_fail_links (self->pump, is_cut_off, CAIMAN_REASON_LINK_DOWN, self);
}

/* --- Accepting --- */

/* The interface that carries @local; the kernel may know of it before the loop has told us. */
static const CaimanInterface *
find_interface (CaimanTcpAcceptor *self, const struct sockaddr_storage *local)
{
  const struct sockaddr *address = (const struct sockaddr *)local;
  const CaimanInterface *interface = caiman_interfaces_find (self->interfaces, address);
  if (interface)
    return interface;
  caiman_interfaces_refresh (self->interfaces);
  return caiman_interfaces_find (self->interfaces, address);
}

/* The interface that the connection came in over, as the kernel noted with its first packet; 0: not
 * known. Asked for only now, since a socket that is to tell it with each packet is slower. */
static guint
get_incoming_index (int fd, int level)
{
  const int ask = level == IPPROTO_IPV6 ? IPV6_RECVPKTINFO : IP_PKTINFO;
  const int options = level == IPPROTO_IPV6 ? IPV6_2292PKTOPTIONS : IP_PKTOPTIONS;
  const int on = 1, off = 0;
  union {
    char bytes[256];
    struct cmsghdr align;
  } buffer;
  socklen_t size = sizeof buffer;
  guint index = 0;
  setsockopt (fd, level, ask, &on, sizeof on);
  gboolean told = getsockopt (fd, level, options, &buffer, &size) == 0;
  setsockopt (fd, level, ask, &off, sizeof off);
  struct msghdr message = { .msg_control = &buffer, .msg_controllen = told ? size : 0 };
  for (struct cmsghdr *part = CMSG_FIRSTHDR (&message); part; part = CMSG_NXTHDR (&message, part)) {
    if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO)
      index = (guint)((const struct in_pktinfo *)CMSG_DATA (part))->ipi_ifindex;
    else if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO)
      index = ((const struct in6_pktinfo *)CMSG_DATA (part))->ipi6_ifindex;
  }
  return index;
}

/* FALSE: nothing that may go down, as it is not up; the link may well work. */
static gboolean
get_ground (CaimanTcpAcceptor *self, int fd, int family, const struct sockaddr_storage *local,
            const CaimanInterface *interface, Ground *ground_out)
{
  if (!interface)
    return FALSE;
  guint index = get_incoming_index (fd, family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP);
  const CaimanInterface *incoming = find_index (self, index);
  ground_out->address = *local;
  ground_out->interface_index = incoming ? index : interface->index;
  return incoming ? incoming->up : interface->up;
}

static gboolean
is_wanted (const CaimanTcpAcceptor *self, const CaimanInterface *interface)
{
  if (!interface)
    return self->options.any_address;
  return !self->options.interfaces || g_strv_contains (self->options.interfaces, interface->name);
}

/* @interface (nullable) is that of @local; @family is the socket's. */
static void
add_link (CaimanTcpAcceptor *self, int fd, int family, const struct sockaddr_storage *local,
          const struct sockaddr_storage *remote, const CaimanInterface *interface)
{
  Ground ground;
  gboolean has_ground = get_ground (self, fd, family, local, interface, &ground);
  char local_text[CAIMAN_ADDRESS_TEXT_BYTES], remote_text[CAIMAN_ADDRESS_TEXT_BYTES];
  char name[CAIMAN_ADDRESS_TEXT_BYTES], network[CAIMAN_ADDRESS_TEXT_BYTES];
  g_strlcpy (name, interface ? interface->name : caiman_address_print_host (local, local_text),
             sizeof name);
  CaimanReason reason;
  CaimanTransport *transport = caiman_tcp_new (self->loop, fd, &self->options.tcp, &reason);
  if (!transport)
    return; /* it was gone already */
  if (self->options.wrap)
    transport = self->options.wrap (self->loop, transport, self->options.wrap_data);
  g_autoptr (GBytes) user_data = g_bytes_new (name, strlen (name));
  CaimanLinkInfo info = { .name = name,
                          .user_data = user_data,
                          .local = name,
                          .remote = caiman_address_print_host (remote, remote_text),
                          .remote_network = caiman_address_print_network (remote, network) };
  CaimanLink *link = caiman_pump_add_transport (self->pump, transport, &info);
  if (link && has_ground)
    keep_link (self, link, &ground);
}

static gboolean
get_local_address (int fd, struct sockaddr_storage *local_out)
{
  struct sockaddr_storage address = { 0 };
  socklen_t size = sizeof address;
  return getsockname (fd, (struct sockaddr *)&address, &size) == 0 &&
         caiman_address_normalise ((struct sockaddr *)&address, local_out);
}

static void
take (CaimanTcpAcceptor *self, int fd, const struct sockaddr *remote_address)
{
  struct sockaddr_storage local, remote;
  if (!get_local_address (fd, &local) || !caiman_address_normalise (remote_address, &remote)) {
    close (fd);
    return;
  }
  const CaimanInterface *interface = find_interface (self, &local);
  if (is_wanted (self, interface))
    add_link (self, fd, remote_address->sa_family, &local, &remote, interface);
  else
    close (fd);
}

static void
set_accepting (CaimanTcpAcceptor *self, gboolean accepting)
{
  for (guint i = 0; i < self->listeners->len; i++) {
    Listener *listener = self->listeners->pdata[i];
    caiman_loop_set_watch_events (&listener->watch, accepting ? EPOLLIN : 0);
  }
}

static void
resume (gpointer user_data)
{
  set_accepting (user_data, TRUE);
}

static void
pause_accepting (CaimanTcpAcceptor *self)
{
  set_accepting (self, FALSE);
  caiman_loop_arm_timer (self->loop, &self->resume, caiman_loop_now (self->loop) + PAUSE_NS);
}

static void
ready (CaimanLoopWatch *watch, guint32 epoll_events)
{
  CaimanTcpAcceptor *self = ((Listener *)((char *)watch - offsetof (Listener, watch)))->acceptor;
  for (guint i = 0; i < ACCEPTS_PER_DISPATCH; i++) {
    struct sockaddr_storage remote = { 0 };
    socklen_t size = sizeof remote;
    int fd = accept4 (watch->fd, (struct sockaddr *)&remote, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0)
      take (self, fd, (const struct sockaddr *)&remote);
    else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
      return pause_accepting (self);
    else if (errno == EAGAIN || errno == EWOULDBLOCK)
      return;
    /* Any other error is that of a connection which is gone already. */
  }
}

/* --- Listening --- */

/* Dual-stack where @address is the IPv6 wildcard. */
static int
open_listener (const struct sockaddr_storage *address)
{
  int fd = socket (address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int on = 1, off = 0;
  if (fd < 0)
    return -1;
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address->ss_family == AF_INET6)
    setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (bind (fd, (const struct sockaddr *)address, caiman_address_get_size (address)) == 0 &&
      listen (fd, SOMAXCONN) == 0)
    return fd;
  int reason = errno;
  close (fd);
  errno = reason;
  return -1;
}

static gboolean
is_any_ipv6 (const struct sockaddr_storage *address)
{
  return address->ss_family == AF_INET6 &&
         IN6_IS_ADDR_UNSPECIFIED (&((const struct sockaddr_in6 *)address)->sin6_addr);
}

/* -1 with errno set. */
static int
open_address (const struct sockaddr_storage *address)
{
  int fd = open_listener (address);
  /* A host without IPv6 has only the IPv4 half of the dual-stack wildcard. */
  if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL) && is_any_ipv6 (address)) {
    struct sockaddr_storage ipv4;
    const struct in_addr any = { .s_addr = INADDR_ANY };
    caiman_address_set (&ipv4, AF_INET, &any, 0);
    caiman_address_set_port (&ipv4, caiman_address_get_port (address));
    fd = open_listener (&ipv4);
  }
  return fd;
}

static void
listener_free (gpointer data)
{
  Listener *listener = data;
  if (listener->watch.loop)
    caiman_loop_remove_watch (&listener->watch);
  close (listener->watch.fd);
  g_free (listener);
}

static gboolean
add_listener (CaimanTcpAcceptor *self, const char *text, GError **error)
{
  g_autofree char *host = NULL;
  guint16 port;
  struct sockaddr_storage address, bound;
  if (!caiman_address_split (text, 0, &host, &port, error))
    return FALSE;
  if (!caiman_address_parse (host, port, &address)) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT,
                 "\"%s\" is not an address to listen on, such as [::]:5700", text);
    return FALSE;
  }
  int fd = open_address (&address);
  if (fd < 0 || !get_local_address (fd, &bound)) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR, "cannot listen on %s: %s", text,
                 g_strerror (errno));
    return FALSE;
  }
  Listener *listener = g_new0 (Listener, 1);
  listener->acceptor = self;
  listener->port = caiman_address_get_port (&bound);
  listener->watch.ready = ready;
  listener->watch.fd = fd;
  g_ptr_array_add (self->listeners, listener);
  return caiman_loop_add_watch (self->loop, &listener->watch, fd, EPOLLIN, error);
}

/* --- Life --- */

CaimanTcpAcceptor *
caiman_tcp_acceptor_new (CaimanLoop *loop, CaimanPump *server_pump, const char *const *addresses,
                         const CaimanTcpAcceptorOptions *options, GError **error)
{
  g_autoptr (CaimanTcpAcceptor) self = g_new0 (CaimanTcpAcceptor, 1);
  self->loop = loop;
  self->pump = server_pump;
  self->options = *options;
  self->options.interfaces = (const char *const *)g_strdupv ((char **)options->interfaces);
  self->listeners = g_ptr_array_new_with_free_func (listener_free);
  self->links = g_hash_table_new_full (NULL, NULL, (GDestroyNotify)caiman_link_unref, g_free);
  self->links_max = LINKS_KEPT_MIN;
  caiman_timer_init (&self->resume, resume, self);
  if (!addresses[0]) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT, "no address to listen on");
    return NULL;
  }
  self->interfaces = caiman_interfaces_new (loop, interfaces_changed, self, error);
  if (!self->interfaces)
    return NULL;
  for (guint i = 0; addresses[i]; i++) {
    if (!add_listener (self, addresses[i], error))
      return NULL;
  }
  caiman_server_set_link_filter (caiman_pump_get_server (server_pump), caiman_tcp_filter_links,
                                 GINT_TO_POINTER (options->filter));
  return g_steal_pointer (&self);
}

void
caiman_tcp_acceptor_free (CaimanTcpAcceptor *acceptor)
{
  if (!acceptor)
    return;
  caiman_loop_arm_timer (acceptor->loop, &acceptor->resume, CAIMAN_TIME_NEVER);
  g_ptr_array_unref (acceptor->listeners);
  caiman_interfaces_free (acceptor->interfaces);
  g_hash_table_unref (acceptor->links);
  g_strfreev ((char **)acceptor->options.interfaces);
  g_free (acceptor);
}

guint16
caiman_tcp_acceptor_get_port (const CaimanTcpAcceptor *acceptor, guint index)
{
  g_assert (index < acceptor->listeners->len);
  return ((const Listener *)acceptor->listeners->pdata[index])->port;
}
