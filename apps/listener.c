/* SPDX-License-Identifier: Apache-2.0 */
/* listener.c - see listener.h. */
#include "apps/listener.h"

#include "apps/log.h"
#include "transports/address.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define BACKLOG 128

/* How long accepting pauses when descriptors or memory have run out. */
#define PAUSE_NS (100 * CAIMAN_NS_PER_MS)

/* Connections that one wake-up takes, so that others get their turn. */
#define BATCH 32
/* Most descriptors that are kept for other things than accepting. */
#define RESERVED_MAX 256

/* One socket: each listener has one per address. */
typedef struct {
  CaimanLoopWatch watch;
  AppListener *listener;
} Socket;

struct _AppListener {
  CaimanLoop *loop;
  AppAccepted accepted;
  gpointer user_data;
  Socket sockets[2];
  guint n_sockets;
  guint16 port;
  CaimanTimer resume;
  gboolean short_of_descriptors; /* which has been told */
  gboolean *freed;               /* (nullable) set when it is freed by a call-back */
};

/* --- Accepting --- */

static void
set_watching (AppListener *listener, gboolean watching)
{
  for (guint i = 0; i < listener->n_sockets; i++)
    caiman_loop_set_watch_events (&listener->sockets[i].watch, watching ? EPOLLIN : 0);
}

static void
resume (gpointer user_data)
{
  set_watching (user_data, TRUE);
}

/* Told once, until a connection could be taken without trouble. */
static void
pause_accepting (AppListener *listener, int reason)
{
  if (!listener->short_of_descriptors) {
    g_autofree char *text = g_strdup_printf ("port %u takes connections slowly for a while: %s",
                                             listener->port, g_strerror (reason));
    app_log_write (APP_LOG_WARNING, text);
  }
  listener->short_of_descriptors = TRUE;
  set_watching (listener, FALSE);
  caiman_loop_arm_timer (listener->loop, &listener->resume,
                         caiman_loop_now (listener->loop) + PAUSE_NS);
}

/* A quarter of the descriptors, or 256, is for what has been accepted: links, targets. They are
 * given out lowest first, so a high one tells that few are left. */
static gboolean
is_short_of_descriptors (int fd)
{
  struct rlimit limit;
  if (getrlimit (RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
    return FALSE;
  return (rlim_t)fd >= limit.rlim_cur - MIN (limit.rlim_cur / 4, RESERVED_MAX);
}

/* FALSE: nothing more to accept now, or nobody any more who does. */
static gboolean
accept_one (AppListener *listener, int listening_fd)
{
  struct sockaddr_storage raw, peer = { 0 };
  socklen_t size = sizeof raw;
  char text[CAIMAN_ADDRESS_TEXT_BYTES] = "?";
  int fd = accept4 (listening_fd, (struct sockaddr *)&raw, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
      pause_accepting (listener, errno);
    return errno == ECONNABORTED || errno == EINTR;
  }
  if (caiman_address_normalise ((struct sockaddr *)&raw, &peer))
    caiman_address_print (&peer, text);
  gboolean freed = FALSE;
  listener->freed = &freed;
  listener->accepted (listener->user_data, listener, fd, text);
  if (freed)
    return FALSE;
  listener->freed = NULL;
  if (is_short_of_descriptors (fd)) {
    pause_accepting (listener, EMFILE);
    return FALSE;
  }
  listener->short_of_descriptors = FALSE;
  return TRUE;
}

static void
on_ready (CaimanLoopWatch *watch, guint32 epoll_events)
{
  Socket *self = (Socket *)(gpointer)watch; /* its first member */
  for (guint i = 0; i < BATCH; i++) {
    if (!accept_one (self->listener, self->watch.fd))
      return;
  }
}

/* --- Life --- */

static int
open_socket (struct sockaddr_storage *address, GError **error)
{
  char text[CAIMAN_ADDRESS_TEXT_BYTES];
  int on = 1;
  int fd = socket (address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  /* An IPv6 socket must leave the port's IPv4 side to the other one. */
  if (fd >= 0 && setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      (address->ss_family == AF_INET ||
       setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
      bind (fd, (struct sockaddr *)address, caiman_address_get_size (address)) == 0 &&
      listen (fd, BACKLOG) == 0)
    return fd;
  g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR, "cannot listen on %s: %s",
               caiman_address_print (address, text), g_strerror (errno));
  int reason = errno;
  if (fd >= 0)
    close (fd);
  errno = reason;
  return -1;
}

static gboolean
is_family_missing (int reason)
{
  return reason == EAFNOSUPPORT || reason == EADDRNOTAVAIL;
}

static guint16
read_port (int fd)
{
  struct sockaddr_storage raw, address;
  socklen_t size = sizeof raw;
  if (getsockname (fd, (struct sockaddr *)&raw, &size) < 0 ||
      !caiman_address_normalise ((struct sockaddr *)&raw, &address))
    return 0;
  return caiman_address_get_port (&address);
}

static gboolean
add_socket (AppListener *listener, const char *host, GError **error)
{
  struct sockaddr_storage address;
  GError *problem = NULL;
  gboolean parsed = caiman_address_parse (host, listener->port, &address);
  g_assert (parsed);
  int fd = open_socket (&address, &problem);
  if (fd < 0) {
    if (is_family_missing (errno)) {
      g_clear_error (&problem);
      return TRUE;
    }
    g_propagate_error (error, problem);
    return FALSE;
  }
  Socket *self = &listener->sockets[listener->n_sockets];
  self->listener = listener;
  self->watch.ready = on_ready;
  if (!caiman_loop_add_watch (listener->loop, &self->watch, fd, EPOLLIN, error)) {
    close (fd);
    return FALSE;
  }
  listener->n_sockets++;
  listener->port = read_port (fd); /* the second one gets the same */
  return TRUE;
}

AppListener *
app_listener_new (CaimanLoop *loop, guint16 port, gboolean global, AppAccepted accepted,
                  gpointer user_data, GError **error)
{
  g_autoptr (AppListener) listener = g_new0 (AppListener, 1);
  listener->loop = loop;
  listener->accepted = accepted;
  listener->user_data = user_data;
  listener->port = port;
  caiman_timer_init (&listener->resume, resume, listener);
  if (!add_socket (listener, global ? "0.0.0.0" : "127.0.0.1", error) ||
      !add_socket (listener, global ? "::" : "::1", error))
    return NULL;
  if (listener->n_sockets == 0) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR,
                 "cannot listen on port %u: neither IPv4 nor IPv6 is there", port);
    return NULL;
  }
  return g_steal_pointer (&listener);
}

void
app_listener_free (AppListener *listener)
{
  if (listener == NULL)
    return;
  if (listener->freed)
    *listener->freed = TRUE;
  for (guint i = 0; i < listener->n_sockets; i++) {
    int fd = listener->sockets[i].watch.fd;
    caiman_loop_remove_watch (&listener->sockets[i].watch);
    close (fd);
  }
  caiman_loop_arm_timer (listener->loop, &listener->resume, CAIMAN_TIME_NEVER);
  g_free (listener);
}

guint16
app_listener_get_port (const AppListener *listener)
{
  return listener->port;
}
