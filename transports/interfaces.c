/* SPDX-License-Identifier: Apache-2.0 */
/* interfaces.c - the list of interfaces, from the kernel's dump and its notifications.
 *
 * One netlink socket does both: its groups are joined first, then links and addresses are dumped,
 * so that no change falls in between. When notifications were lost (ENOBUFS), all is dumped again.
 * The kernel answers a dump from inside our system calls, so that nothing here ever waits. */
#include "transports/interfaces.h"

#include "transports/address.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* The kernel makes messages of a dump up to 32 KiB large for who reads with such a buffer. */
#define READ_BYTES 32768

/* Room for notifications while the program is busy. */
#define SOCKET_BUFFER_BYTES (1 << 20)

/* A dump that is interrupted by changes is repeated, at once or after a pause. */
#define DUMP_ATTEMPTS_MAX 10
#define DUMP_PAUSE_NS     (100 * CAIMAN_NS_PER_MS)

#define GROUPS                                                                                     \
  (RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE)

struct _CaimanInterfaces {
  CaimanLoop *loop;
  CaimanLoopWatch watch;
  CaimanLoopTask task; /* makes the changed() call */
  void (*changed) (gpointer user_data);
  gpointer user_data;
  GPtrArray *interfaces; /* of CaimanInterface (owned), by index */
  guint version;
  guint32 sequence;  /* of the last dump asked for */
  CaimanTimer retry; /* armed when a dump has failed */
  guint64 *buffer;   /* READ_BYTES, aligned for netlink headers */
};

/* What reading from the socket has come to. */
typedef enum {
  READ_MORE,  /* there may be more */
  READ_EMPTY, /* nothing now */
  READ_DONE,  /* the dump is complete */
  READ_AGAIN, /* something was lost: dump again */
  READ_FAILED,
} ReadResult;

static void
interface_free (gpointer data)
{
  CaimanInterface *interface = data;
  g_array_unref (interface->addresses);
  g_free (interface);
}

/* The place of interface @index in the list, or where it would be. */
static guint
find_place (const CaimanInterfaces *self, guint index)
{
  guint place = 0;
  while (place < self->interfaces->len &&
         ((CaimanInterface *)self->interfaces->pdata[place])->index < index)
    place++;
  return place;
}

static CaimanInterface *
find_index (const CaimanInterfaces *self, guint index)
{
  guint place = find_place (self, index);
  if (place == self->interfaces->len)
    return NULL;
  CaimanInterface *interface = self->interfaces->pdata[place];
  return interface->index == index ? interface : NULL;
}

static void
touch (CaimanInterfaces *self, CaimanInterface *interface)
{
  self->version++;
  if (interface)
    interface->version = self->version;
  caiman_loop_add_task (self->loop, &self->task);
}

/* --- Links --- */

static void
handle_new_link (CaimanInterfaces *self, const struct ifinfomsg *info, const char *name)
{
  /* IFF_RUNNING would lag behind these by up to a second when the carrier comes. */
  const guint needed = IFF_UP | IFF_LOWER_UP;
  gboolean up = (info->ifi_flags & (needed | IFF_DORMANT)) == needed;
  CaimanInterface *interface = find_index (self, (guint)info->ifi_index);
  if (!interface) {
    interface = g_new0 (CaimanInterface, 1);
    interface->index = (guint)info->ifi_index;
    interface->addresses = g_array_new (FALSE, FALSE, sizeof (struct sockaddr_storage));
    g_ptr_array_insert (self->interfaces, (gint)find_place (self, interface->index), interface);
  } else if (interface->up == up && g_str_equal (interface->name, name)) {
    return; /* of its many other attributes one has changed */
  }
  interface->up = up;
  interface->loopback = (info->ifi_flags & IFF_LOOPBACK) != 0;
  g_strlcpy (interface->name, name, sizeof interface->name);
  touch (self, interface);
}

static void
handle_link (CaimanInterfaces *self, const struct nlmsghdr *header)
{
  const struct ifinfomsg *info = NLMSG_DATA (header);
  if (header->nlmsg_len < NLMSG_LENGTH (sizeof *info) || info->ifi_family != AF_UNSPEC)
    return; /* AF_BRIDGE tells of bridge ports, AF_INET6 of IPv6 settings */
  if (header->nlmsg_type == RTM_DELLINK) {
    if (find_index (self, (guint)info->ifi_index))
      g_ptr_array_remove_index (self->interfaces, find_place (self, (guint)info->ifi_index));
    touch (self, NULL);
    return;
  }
  gsize left = IFLA_PAYLOAD (header);
  for (const struct rtattr *attribute = IFLA_RTA (info); RTA_OK (attribute, left);
       attribute = RTA_NEXT (attribute, left)) {
    char name[IFNAMSIZ] = "";
    if (attribute->rta_type != IFLA_IFNAME)
      continue;
    memcpy (name, RTA_DATA (attribute), MIN (RTA_PAYLOAD (attribute), sizeof name - 1));
    handle_new_link (self, info, name);
    return;
  }
}

/* --- Addresses --- */

static gboolean
find_address (const CaimanInterface *interface, const struct sockaddr_storage *address,
              guint *place_out)
{
  for (guint i = 0; i < interface->addresses->len; i++) {
    if (caiman_address_is_same_host (
            &g_array_index (interface->addresses, struct sockaddr_storage, i), address)) {
      *place_out = i;
      return TRUE;
    }
  }
  return FALSE;
}

/* The interface's own address (of a point-to-point link: not the far end's) and its flags. */
static gboolean
parse_address (const struct nlmsghdr *header, struct sockaddr_storage *address_out,
               guint32 *flags_out)
{
  const struct ifaddrmsg *message = NLMSG_DATA (header);
  gsize size = message->ifa_family == AF_INET ? 4 : 16;
  const void *own = NULL, *other = NULL;
  gsize left = IFA_PAYLOAD (header);
  *flags_out = message->ifa_flags;
  for (const struct rtattr *attribute = IFA_RTA (message); RTA_OK (attribute, left);
       attribute = RTA_NEXT (attribute, left)) {
    if (attribute->rta_type == IFA_LOCAL && RTA_PAYLOAD (attribute) >= size)
      own = RTA_DATA (attribute);
    else if (attribute->rta_type == IFA_ADDRESS && RTA_PAYLOAD (attribute) >= size)
      other = RTA_DATA (attribute);
    else if (attribute->rta_type == IFA_FLAGS && RTA_PAYLOAD (attribute) >= sizeof *flags_out)
      memcpy (flags_out, RTA_DATA (attribute), sizeof *flags_out);
  }
  if (!own && !other)
    return FALSE;
  caiman_address_set (address_out, message->ifa_family, own ? own : other, 0);
  if (caiman_address_is_link_local (address_out))
    caiman_address_set (address_out, AF_INET6, own ? own : other, message->ifa_index);
  return TRUE;
}

static void
handle_address (CaimanInterfaces *self, const struct nlmsghdr *header)
{
  const struct ifaddrmsg *message = NLMSG_DATA (header);
  if (header->nlmsg_len < NLMSG_LENGTH (sizeof *message) ||
      (message->ifa_family != AF_INET && message->ifa_family != AF_INET6))
    return;
  CaimanInterface *interface = find_index (self, message->ifa_index);
  struct sockaddr_storage address;
  guint32 flags;
  if (!interface || !parse_address (header, &address, &flags))
    return;
  guint place;
  gboolean had = find_address (interface, &address, &place);
  gboolean has =
      header->nlmsg_type == RTM_NEWADDR && !(flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED));
  if (had == has)
    return; /* a lifetime was prolonged, for example */
  if (has)
    g_array_append_val (interface->addresses, address);
  else
    g_array_remove_index (interface->addresses, place);
  touch (self, interface);
}

/* --- Routes --- */

/* A new route may make a path work that could not connect before. */
static void
handle_route (CaimanInterfaces *self, const struct nlmsghdr *header)
{
  const struct rtmsg *message = NLMSG_DATA (header);
  if (header->nlmsg_len < NLMSG_LENGTH (sizeof *message) || message->rtm_type != RTN_UNICAST ||
      (message->rtm_flags & RTM_F_CLONED))
    return;
  gsize left = RTM_PAYLOAD (header);
  for (const struct rtattr *attribute = RTM_RTA (message); RTA_OK (attribute, left);
       attribute = RTA_NEXT (attribute, left)) {
    guint32 index;
    if (attribute->rta_type != RTA_OIF || RTA_PAYLOAD (attribute) < sizeof index)
      continue;
    memcpy (&index, RTA_DATA (attribute), sizeof index);
    CaimanInterface *interface = find_index (self, index);
    if (interface)
      touch (self, interface);
    return;
  }
  for (guint i = 0; i < self->interfaces->len; i++) /* a route with several ways, maybe */
    touch (self, self->interfaces->pdata[i]);
}

/* --- The socket --- */

static void
handle_message (CaimanInterfaces *self, const struct nlmsghdr *header)
{
  switch (header->nlmsg_type) {
  case RTM_NEWLINK:
  case RTM_DELLINK:
    handle_link (self, header);
    break;
  case RTM_NEWADDR:
  case RTM_DELADDR:
    handle_address (self, header);
    break;
  case RTM_NEWROUTE:
    handle_route (self, header);
    break;
  default:
    break;
  }
}

/* @size bytes of messages in the buffer, notifications and answers to a dump mixed. */
static ReadResult
handle_messages (CaimanInterfaces *self, gsize size)
{
  gboolean is_interrupted = FALSE;
  for (const struct nlmsghdr *header = (const struct nlmsghdr *)self->buffer;
       NLMSG_OK (header, size); header = NLMSG_NEXT (header, size)) {
    gboolean is_answer = header->nlmsg_seq == self->sequence && header->nlmsg_seq != 0;
    if (is_answer && header->nlmsg_type == NLMSG_ERROR)
      return READ_FAILED;
    if (is_answer && header->nlmsg_type == NLMSG_DONE)
      return READ_DONE;
    is_interrupted |= is_answer && (header->nlmsg_flags & NLM_F_DUMP_INTR);
    handle_message (self, header);
  }
  return is_interrupted ? READ_AGAIN : READ_MORE;
}

static ReadResult
read_messages (CaimanInterfaces *self)
{
  struct sockaddr_nl sender = { .nl_pid = 0 };
  struct iovec part = { .iov_base = self->buffer, .iov_len = READ_BYTES };
  struct msghdr message = {
    .msg_name = &sender, .msg_namelen = sizeof sender, .msg_iov = &part, .msg_iovlen = 1
  };
  ssize_t size;
  do
    size = recvmsg (self->watch.fd, &message, MSG_DONTWAIT);
  while (size < 0 && errno == EINTR);
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return READ_EMPTY;
  if (size < 0)
    return errno == ENOBUFS ? READ_AGAIN : READ_FAILED;
  if (message.msg_flags & MSG_TRUNC)
    return READ_AGAIN;
  if (sender.nl_pid != 0)
    return READ_MORE; /* not from the kernel */
  return handle_messages (self, (gsize)size);
}

static ReadResult
dump (CaimanInterfaces *self, guint16 type)
{
  struct {
    struct nlmsghdr header;
    struct rtgenmsg message;
  } request = {
    .header = { .nlmsg_len = NLMSG_LENGTH (sizeof (struct rtgenmsg)),
                .nlmsg_type = type,
                .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                .nlmsg_seq = ++self->sequence },
    .message = { .rtgen_family = AF_UNSPEC },
  };
  if (send (self->watch.fd, &request, request.header.nlmsg_len, MSG_DONTWAIT) < 0)
    return READ_FAILED;
  gboolean incomplete = FALSE;
  ReadResult result;
  do {
    result = read_messages (self); /* to the end in any case: there can be one dump at a time */
    incomplete |= result == READ_AGAIN;
  } while (result == READ_MORE || result == READ_AGAIN);
  /* An answer that has not come now never will. */
  if (result != READ_DONE)
    return READ_FAILED;
  return incomplete ? READ_AGAIN : READ_DONE;
}

/* What is in the socket now is older than what a dump will say, and may lack its end. */
static void
drain (CaimanInterfaces *self)
{
  ReadResult result;
  do
    result = read_messages (self);
  while (result != READ_EMPTY && result != READ_FAILED);
}

/* All anew; FALSE (errno may tell why): it will be tried again, and the list is what it was. */
static gboolean
dump_all (CaimanInterfaces *self)
{
  GPtrArray *before = g_steal_pointer (&self->interfaces);
  self->interfaces = g_ptr_array_new_with_free_func (interface_free);
  ReadResult result = READ_AGAIN;
  for (guint i = 0; i < DUMP_ATTEMPTS_MAX && result == READ_AGAIN; i++) {
    drain (self);
    g_ptr_array_set_size (self->interfaces, 0);
    result = dump (self, RTM_GETLINK);
    if (result == READ_DONE)
      result = dump (self, RTM_GETADDR);
  }
  int reason = errno;
  if (result == READ_DONE) {
    g_ptr_array_unref (before);
    touch (self, NULL);
    return TRUE;
  }
  g_ptr_array_unref (self->interfaces);
  self->interfaces = before;
  caiman_loop_arm_timer (self->loop, &self->retry, caiman_loop_now (self->loop) + DUMP_PAUSE_NS);
  errno = reason;
  return FALSE;
}

static void
retry (gpointer user_data)
{
  dump_all (user_data);
}

void
caiman_interfaces_refresh (CaimanInterfaces *interfaces)
{
  ReadResult result;
  do
    result = read_messages (interfaces);
  while (result == READ_MORE || result == READ_DONE);
  if (result != READ_EMPTY)
    dump_all (interfaces);
}

static void
ready (CaimanLoopWatch *watch, guint32 epoll_events)
{
  caiman_interfaces_refresh (
      (CaimanInterfaces *)((char *)watch - offsetof (CaimanInterfaces, watch)));
}

static void
tell (CaimanLoopTask *task)
{
  CaimanInterfaces *self = (CaimanInterfaces *)((char *)task - offsetof (CaimanInterfaces, task));
  if (self->changed)
    self->changed (self->user_data);
}

/* --- Life --- */

static gboolean
open_socket (CaimanInterfaces *self, GError **error)
{
  struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = GROUPS };
  int size = SOCKET_BUFFER_BYTES;
  int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  self->watch.fd = fd;
  if (fd >= 0)
    setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (fd < 0 || bind (fd, (struct sockaddr *)&address, sizeof address) < 0 || !dump_all (self)) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR,
                 "cannot read the network interfaces: %s", g_strerror (errno));
    return FALSE;
  }
  /* Who asks for a list does not want to be told that there is one. */
  caiman_loop_remove_task (self->loop, &self->task);
  return caiman_loop_add_watch (self->loop, &self->watch, fd, EPOLLIN, error);
}

CaimanInterfaces *
caiman_interfaces_new (CaimanLoop *loop, void (*changed) (gpointer user_data), gpointer user_data,
                       GError **error)
{
  g_autoptr (CaimanInterfaces) self = g_new0 (CaimanInterfaces, 1);
  self->loop = loop;
  self->watch.ready = ready;
  self->task.run = tell;
  caiman_timer_init (&self->retry, retry, self);
  self->changed = changed;
  self->user_data = user_data;
  self->interfaces = g_ptr_array_new_with_free_func (interface_free);
  self->buffer = g_malloc (READ_BYTES);
  return open_socket (self, error) ? g_steal_pointer (&self) : NULL;
}

void
caiman_interfaces_free (CaimanInterfaces *interfaces)
{
  if (!interfaces)
    return;
  if (interfaces->watch.loop)
    caiman_loop_remove_watch (&interfaces->watch);
  caiman_loop_remove_task (interfaces->loop, &interfaces->task);
  caiman_loop_arm_timer (interfaces->loop, &interfaces->retry, CAIMAN_TIME_NEVER);
  if (interfaces->watch.fd >= 0)
    close (interfaces->watch.fd);
  g_ptr_array_unref (interfaces->interfaces);
  g_free (interfaces->buffer);
  g_free (interfaces);
}

const GPtrArray *
caiman_interfaces_get (const CaimanInterfaces *interfaces)
{
  return interfaces->interfaces;
}

const CaimanInterface *
caiman_interfaces_find (const CaimanInterfaces *interfaces, const struct sockaddr *address)
{
  struct sockaddr_storage wanted;
  guint place;
  if (!caiman_address_normalise (address, &wanted))
    return NULL;
  for (guint i = 0; i < interfaces->interfaces->len; i++) {
    const CaimanInterface *interface = interfaces->interfaces->pdata[i];
    if (find_address (interface, &wanted, &place))
      return interface;
  }
  return NULL;
}

guint
caiman_interfaces_get_version (const CaimanInterfaces *interfaces)
{
  return interfaces->version;
}
