/* SPDX-License-Identifier: Apache-2.0 */
/* namespace.c - see namespace.h. */
#include "lab/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The calling thread's. */
#define OWN_NAMESPACE "/proc/thread-self/ns/net"

G_DEFINE_QUARK (caiman_lab_error, lab_error)

void
lab_set_error (GError **error, int code, const char *what)
{
  gboolean denied = code == EPERM || code == EACCES;

  g_set_error (error, LAB_ERROR, denied ? LAB_ERROR_NOT_PERMITTED : LAB_ERROR_FAILED,
               "the lab cannot %s: %s%s", what, g_strerror (code),
               denied ? " (it needs root, or CAP_NET_ADMIN and CAP_SYS_ADMIN)" : "");
}

/* Of the namespace that the thread is in. */
static gboolean
set_loopback_up (GError **error)
{
  struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  gboolean ok = fd >= 0 && ioctl (fd, SIOCSIFFLAGS, &request) == 0;

  if (!ok)
    lab_set_error (error, errno, "bring up a loopback interface");
  if (fd >= 0)
    close (fd);
  return ok;
}

/* Where the system has no such setting, there is nothing to switch off. */
static void
set_sysctl (const char *path, const char *value)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  gssize written;

  if (fd < 0)
    return;
  written = write (fd, value, strlen (value));
  if (written < 0)
    g_debug ("%s: %s", path, g_strerror (errno));
  close (fd);
}

int
lab_namespace_new (GError **error)
{
  int previous = open (OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
  int fd = -1;

  if (previous < 0 || unshare (CLONE_NEWNET) != 0) {
    lab_set_error (error, errno, "make a network namespace");
    if (previous >= 0)
      close (previous);
    return -1;
  }
  if (set_loopback_up (error)) {
    set_sysctl ("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
    set_sysctl ("/proc/sys/net/ipv4/tcp_no_metrics_save", "1");
    fd = open (OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
      lab_set_error (error, errno, "open a network namespace");
  }
  lab_namespace_leave (previous);
  return fd;
}

int
lab_namespace_enter (int namespace_fd, GError **error)
{
  int previous = open (OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);

  if (previous >= 0 && setns (namespace_fd, CLONE_NEWNET) == 0)
    return previous;
  lab_set_error (error, errno, "enter a network namespace");
  if (previous >= 0)
    close (previous);
  return -1;
}

void
lab_namespace_leave (int previous)
{
  /* It was in there before, so it may go back. */
  if (setns (previous, CLONE_NEWNET) != 0)
    g_error ("cannot go back to the own network namespace: %s", g_strerror (errno));
  close (previous);
}
