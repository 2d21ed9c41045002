/* SPDX-License-Identifier: Apache-2.0 */
/* tun.c - see tun.h. */
#include "lab/tun.h"

#include "lab/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void
set_name (struct ifreq *request, const char *name)
{
  memset (request, 0, sizeof *request);
  g_strlcpy (request->ifr_name, name, sizeof request->ifr_name);
}

static gboolean
set_address (int socket_fd, const char *name, unsigned long what, in_addr_t address)
{
  struct ifreq request;
  struct sockaddr_in value = { .sin_family = AF_INET, .sin_addr.s_addr = address };

  set_name (&request, name);
  memcpy (&request.ifr_addr, &value, sizeof value);
  return ioctl (socket_fd, what, &request) == 0;
}

static gboolean
set_mtu (int socket_fd, const char *name, guint mtu_bytes)
{
  struct ifreq request;

  set_name (&request, name);
  request.ifr_mtu = (int)mtu_bytes;
  return ioctl (socket_fd, SIOCSIFMTU, &request) == 0;
}

static gboolean
set_flags (int socket_fd, const char *name, gboolean up)
{
  struct ifreq request;

  set_name (&request, name);
  if (ioctl (socket_fd, SIOCGIFFLAGS, &request) != 0)
    return FALSE;
  if (up)
    request.ifr_flags |= IFF_UP | IFF_RUNNING;
  else
    request.ifr_flags &= ~IFF_UP;
  return ioctl (socket_fd, SIOCSIFFLAGS, &request) == 0;
}

static gboolean
configure (int socket_fd, const LabTunOptions *options)
{
  in_addr_t mask = g_htonl (~0u << (32 - LAB_TUN_PREFIX));

  return set_address (socket_fd, options->name, SIOCSIFADDR, options->address) &&
         set_address (socket_fd, options->name, SIOCSIFNETMASK, mask) &&
         set_address (socket_fd, options->name, SIOCSIFDSTADDR, options->peer) &&
         set_mtu (socket_fd, options->name, options->mtu_bytes) &&
         set_flags (socket_fd, options->name, TRUE);
}

/* Keeps errno. */
static void
close_keeping_errno (int fd)
{
  int saved = errno;

  if (fd >= 0)
    close (fd);
  errno = saved;
}

int
lab_tun_open (const LabTunOptions *options, GError **error)
{
  struct ifreq request;
  int fd = open ("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

  set_name (&request, options->name);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  gboolean ok = fd >= 0 && ioctl (fd, TUNSETIFF, &request) == 0;
  if (ok) {
    int socket_fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ok = socket_fd >= 0 && configure (socket_fd, options);
    close_keeping_errno (socket_fd);
  }
  if (ok)
    return fd;
  g_autofree char *what = g_strdup_printf ("make the interface %s", options->name);
  lab_set_error (error, errno, what);
  close_keeping_errno (fd);
  return -1;
}

gboolean
lab_tun_set_up (const char *name, gboolean up, GError **error)
{
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  gboolean ok = fd >= 0 && set_flags (fd, name, up);

  if (!ok) {
    g_autofree char *what = g_strdup_printf ("switch the interface %s", name);
    lab_set_error (error, errno, what);
  }
  close_keeping_errno (fd);
  return ok;
}
