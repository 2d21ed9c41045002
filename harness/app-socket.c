/* SPDX-License-Identifier: Apache-2.0 */
/* app-socket.c - see app-socket.h. The socket is watched edge-triggered: a reader that holds back
 * costs nothing. */
#include "harness/app-socket.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct _AppSocket {
  AppEnd base;
  CaimanLoop *loop;
  CaimanLoopWatch watch;
  CaimanLoopTask end_task;
  const AppSocketEvents *events;
  gpointer user_data;
  int fd;
  gboolean read_end, finished, failed, told;
  CaimanReason reason; /* once failed */
};

/* Both directions are over, or it is broken: told by a task. */
static void
check_ended (AppSocket *app)
{
  if (!app->told && (app->failed || (app->read_end && app->finished)))
    caiman_loop_add_task (app->loop, &app->end_task);
}

static void
tell_end (CaimanLoopTask *task)
{
  AppSocket *app = (AppSocket *)((char *)task - G_STRUCT_OFFSET (AppSocket, end_task));

  app->told = TRUE;
  app->events->ended (app->user_data, app->failed ? app->reason : CAIMAN_REASON_FINISHED);
}

static void
fail (AppSocket *app, int code)
{
  app->failed = TRUE;
  app->reason =
      code == ECONNRESET || code == EPIPE ? CAIMAN_REASON_LINK_RESET : CAIMAN_REASON_LINK_IO_ERROR;
  check_ended (app);
}

static gssize
socket_write (AppEnd *end, GBytes *bytes, gsize offset, gint64 now_ns)
{
  AppSocket *app = (AppSocket *)end;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  if (app->failed)
    return -1;
  gssize n = send (app->fd, data + offset, size - offset, MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN && errno != EINTR)
    fail (app, errno);
  return n;
}

static gssize
socket_read (AppEnd *end, void *buffer_out, gsize size, gint64 now_ns)
{
  AppSocket *app = (AppSocket *)end;

  if (app->failed)
    return -1;
  gssize n = recv (app->fd, buffer_out, size, 0);
  if (n < 0 && errno != EAGAIN && errno != EINTR)
    fail (app, errno);
  if (n == 0) {
    app->read_end = TRUE;
    check_ended (app);
  }
  return n;
}

static void
socket_finish (AppEnd *end, gint64 now_ns)
{
  AppSocket *app = (AppSocket *)end;

  app->finished = TRUE;
  shutdown (app->fd, SHUT_WR);
  check_ended (app);
}

static const AppEndClass socket_class = { .write = socket_write,
                                          .read = socket_read,
                                          .finish = socket_finish };

static void
ready (CaimanLoopWatch *watch, guint32 epoll_events)
{
  AppSocket *app = (AppSocket *)((char *)watch - G_STRUCT_OFFSET (AppSocket, watch));

  if (epoll_events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP))
    app->events->readable (app->user_data);
  if (epoll_events & EPOLLOUT && !app->failed)
    app->events->writable (app->user_data);
}

AppSocket *
app_socket_new (CaimanLoop *loop, int fd, const AppSocketEvents *events, gpointer user_data,
                GError **error)
{
  AppSocket *app = g_new0 (AppSocket, 1);

  app->base.klass = &socket_class;
  app->loop = loop;
  app->fd = fd;
  app->events = events;
  app->user_data = user_data;
  app->watch.ready = ready;
  app->end_task.run = tell_end;
  if (caiman_loop_add_watch (loop, &app->watch, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                             error))
    return app;
  close (fd);
  g_free (app);
  return NULL;
}

void
app_socket_free (AppSocket *app)
{
  if (!app)
    return;
  caiman_loop_remove_task (app->loop, &app->end_task);
  caiman_loop_remove_watch (&app->watch);
  close (app->fd);
  g_free (app);
}

AppEnd *
app_socket_get_end (AppSocket *app)
{
  return &app->base;
}
