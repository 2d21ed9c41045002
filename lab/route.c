/* SPDX-License-Identifier: Apache-2.0 */
/* route.c - see route.h. One request of rtnetlink(7). */
#include "lab/route.h"

#include "lab/namespace.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* More than all attributes take. */
#define ATTRIBUTES_BYTES 256

typedef struct {
  struct nlmsghdr header;
  struct rtmsg route;
  char attributes[ATTRIBUTES_BYTES];
} Request;

static struct rtattr *
add_attribute (Request *request, unsigned short type, const void *data, gsize size)
{
  struct rtattr *attribute =
      (struct rtattr *)((char *)request + NLMSG_ALIGN (request->header.nlmsg_len));

  g_assert (NLMSG_ALIGN (request->header.nlmsg_len) + RTA_SPACE (size) <= sizeof *request);
  attribute->rta_type = type;
  attribute->rta_len = (unsigned short)RTA_LENGTH (size);
  if (size > 0)
    memcpy (RTA_DATA (attribute), data, size);
  request->header.nlmsg_len =
      (guint32)(NLMSG_ALIGN (request->header.nlmsg_len) + RTA_ALIGN (attribute->rta_len));
  return attribute;
}

static void
add_metrics (Request *request, const LabRoute *route)
{
  struct rtattr *metrics = add_attribute (request, RTA_METRICS, NULL, 0);
  guint32 initial_window = route->initial_window;

  if (initial_window > 0)
    add_attribute (request, RTAX_INITCWND, &initial_window, sizeof initial_window);
  if (route->congestion)
    add_attribute (request, RTAX_CC_ALGO, route->congestion, strlen (route->congestion) + 1);
  metrics->rta_len =
      (unsigned short)((char *)request + request->header.nlmsg_len - (char *)metrics);
}

/* 0, or an errno. */
static int
ask (int fd, const Request *request)
{
  struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
    char rest[sizeof (Request)];
  } answer;

  if (sendto (fd, request, request->header.nlmsg_len, 0, (const struct sockaddr *)&kernel,
              sizeof kernel) < 0)
    return errno;
  gssize size = recv (fd, &answer, sizeof answer, 0);
  if (size < 0)
    return errno;
  if ((gsize)size < sizeof answer.header + sizeof answer.error.error ||
      answer.header.nlmsg_type != NLMSG_ERROR)
    return EPROTO;
  return -answer.error.error;
}

gboolean
lab_route_set (const LabRoute *route, GError **error)
{
  Request request = {
    .header = { .nlmsg_len = NLMSG_LENGTH (sizeof (struct rtmsg)),
                .nlmsg_type = RTM_NEWROUTE,
                .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE },
    .route = { .rtm_family = AF_INET,
               .rtm_dst_len = 32,
               .rtm_table = RT_TABLE_MAIN,
               .rtm_protocol = RTPROT_STATIC,
               .rtm_scope = RT_SCOPE_LINK,
               .rtm_type = RTN_UNICAST },
  };
  int interface = (int)if_nametoindex (route->interface);
  int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

  add_attribute (&request, RTA_DST, &route->peer, sizeof route->peer);
  add_attribute (&request, RTA_PREFSRC, &route->address, sizeof route->address);
  add_attribute (&request, RTA_OIF, &interface, sizeof interface);
  add_metrics (&request, route);
  int code = fd < 0 ? errno : ask (fd, &request);
  if (fd >= 0)
    close (fd);
  if (code == 0)
    return TRUE;
  g_autofree char *what = g_strdup_printf ("set the route of %s%s%s", route->interface,
                                           route->congestion ? " with congestion control " : "",
                                           route->congestion ? route->congestion : "");
  lab_set_error (error, code, what);
  return FALSE;
}
