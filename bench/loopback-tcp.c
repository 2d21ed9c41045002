/* SPDX-License-Identifier: Apache-2.0 */
/* loopback-tcp.c - plain TCP: what the kernel can do with blocking calls and one buffer. */
#include "bench/loopback-ends.h"

#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
prepare (int fd, const LoopbackSetup *setup)
{
  int on = 1;
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (setup->congestion[0] && setsockopt (fd, IPPROTO_TCP, TCP_CONGESTION, setup->congestion,
                                          (socklen_t)strlen (setup->congestion)) < 0)
    g_error ("congestion control %s is not there", setup->congestion);
}

static gboolean
read_all (int fd, guint8 *buffer, gsize size)
{
  for (gsize done = 0; done < size;) {
    gssize n = recv (fd, buffer + done, size - done, 0);
    if (n <= 0)
      return FALSE;
    done += (gsize)n;
  }
  return TRUE;
}

void
loopback_tcp_server (const LoopbackSetup *setup, LoopbackResult *result_out)
{
  g_autofree guint8 *buffer = g_malloc0 (setup->size);
  int fd = accept (setup->listen_fd, NULL, NULL);
  prepare (fd, setup);
  if (setup->ping) {
    while (read_all (fd, buffer, setup->size))
      if (send (fd, buffer, setup->size, MSG_NOSIGNAL) < 0)
        break;
  } else {
    for (gssize n; (n = recv (fd, buffer, setup->size, 0)) > 0;) {
      result_out->last_ns = loopback_now ();
      if (result_out->bytes == 0)
        result_out->first_ns = result_out->last_ns;
      result_out->bytes += (guint64)n;
    }
  }
  result_out->cpu_ns = loopback_cpu ();
  close (fd);
}

void
loopback_tcp_client (const LoopbackSetup *setup, LoopbackResult *result_out)
{
  g_autofree guint8 *buffer = g_malloc0 (setup->size);
  g_autoptr (GArray) pings = g_array_new (FALSE, FALSE, sizeof (gint64));
  int fd = socket (AF_INET, SOCK_STREAM, 0);
  prepare (fd, setup);
  if (connect (fd, (const struct sockaddr *)&setup->address, sizeof setup->address) < 0)
    g_error ("cannot connect: %m");
  gint64 cpu_ns = loopback_cpu (), until_ns = loopback_now () + setup->time_ns;
  for (gint64 now_ns = loopback_now (); now_ns < until_ns;) {
    gint64 start_ns = now_ns;
    if (send (fd, buffer, setup->size, MSG_NOSIGNAL) < 0 ||
        (setup->ping && !read_all (fd, buffer, setup->size)))
      g_error ("the connection broke: %m");
    now_ns = loopback_now ();
    if (setup->ping) {
      gint64 took_ns = now_ns - start_ns;
      g_array_append_val (pings, took_ns);
    }
  }
  result_out->cpu_ns = loopback_cpu () - cpu_ns;
  close (fd);
  result_out->n_pings = pings->len;
  result_out->ping_median_ns = loopback_median (pings);
}
