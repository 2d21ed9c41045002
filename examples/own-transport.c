/* SPDX-License-Identifier: Apache-2.0 */
/* own-transport.c - links over something that the library does not know: a pair of Unix sockets
 * that keep packet boundaries (SOCK_SEQPACKET).
 *
 * The contract is in caiman/transports/transport.h. In short: send() takes a packet in any case,
 * is_writable() says when no more should come, what happens is reported from the event loop, and
 * never from inside a call of the user. */
#include <caiman/caiman.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Larger than all that is sent here: CaimanConfig.stream_chunk_bytes, and our own messages. */
#define PACKET_MAX_BYTES (32 * 1024)

/* --- The transport --- */

typedef struct {
  CaimanTransport base; /* first, so that one can be cast to the other */
  CaimanLoopWatch watch;
  GQueue unsent; /* of GBytes: what the socket had no room for */
} SeqpacketTransport;

static gboolean
try_send (SeqpacketTransport *self, GBytes *bytes)
{
  gsize size;
  const void *data = g_bytes_get_data (bytes, &size);
  return send (self->watch.fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ||
         (errno != EAGAIN && errno != ENOBUFS); /* a dead socket is noticed when it is read */
}

static void
update_events (SeqpacketTransport *self, gboolean reading)
{
  guint32 events = reading ? EPOLLIN : 0;
  if (self->unsent.length > 0)
    events |= EPOLLOUT;
  caiman_loop_set_watch_events (&self->watch, events);
}

static gboolean
is_reading (const SeqpacketTransport *self)
{
  return (self->watch.epoll_events & EPOLLIN) != 0;
}

static void
send_bytes (SeqpacketTransport *self, GBytes *bytes)
{
  if (self->unsent.length > 0 || !try_send (self, bytes))
    g_queue_push_tail (&self->unsent, g_bytes_ref (bytes));
}

/* A packet is a message and, behind a Data header, its payload: two packets on the wire. */
static void
transport_send (CaimanTransport *transport, CaimanPacket *packet)
{
  SeqpacketTransport *self = (SeqpacketTransport *)transport;
  gsize size;
  const guint8 *data = caiman_packet_get_message (packet, &size);
  g_autoptr (GBytes) message = g_bytes_new (data, size);
  send_bytes (self, message);
  if (packet->payload)
    send_bytes (self, packet->payload);
  caiman_packet_clear (packet);
  update_events (self, is_reading (self));
}

static gboolean
transport_is_writable (CaimanTransport *transport)
{
  return ((SeqpacketTransport *)transport)->unsent.length == 0;
}

static void
transport_set_reading (CaimanTransport *transport, gboolean reading)
{
  update_events ((SeqpacketTransport *)transport, reading);
}

/* Both ends of a link: what was sent is in the other end's socket already, or lost with us. */
static void
transport_close (CaimanTransport *transport)
{
  shutdown (((SeqpacketTransport *)transport)->watch.fd, SHUT_WR);
}

static void
transport_free (CaimanTransport *transport)
{
  SeqpacketTransport *self = (SeqpacketTransport *)transport;
  int fd = self->watch.fd;
  caiman_loop_remove_watch (&self->watch);
  close (fd);
  g_queue_clear_full (&self->unsent, (GDestroyNotify)g_bytes_unref);
  g_free (self);
}

static const CaimanTransportClass seqpacket_class = {
  .name = "seqpacket",
  .send = transport_send,
  .is_writable = transport_is_writable,
  .set_reading = transport_set_reading,
  .close = transport_close,
  .abort = transport_close,
  .free = transport_free,
};

/* Makes at most one call-back, since the user may free the transport in it; what is left is told
 * in the loop's next round. */
static void
socket_ready (CaimanLoopWatch *watch, guint32 epoll_events)
{
  SeqpacketTransport *self =
      (SeqpacketTransport *)((char *)watch - offsetof (SeqpacketTransport, watch));
  CaimanTransport *base = &self->base;
  guint8 buffer[PACKET_MAX_BYTES];
  if (self->unsent.length > 0 && epoll_events & EPOLLOUT) {
    while (self->unsent.length > 0 && try_send (self, g_queue_peek_head (&self->unsent)))
      g_bytes_unref (g_queue_pop_head (&self->unsent));
    update_events (self, is_reading (self));
    if (self->unsent.length == 0)
      base->events->writable (base->user_data);
    return;
  }
  ssize_t size = recv (watch->fd, buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC);
  if (size > 0 && size <= (ssize_t)sizeof buffer)
    base->events->packet (base->user_data, buffer, (gsize)size, NULL);
  else if (size == 0 && !(epoll_events & EPOLLRDHUP) && !(epoll_events & EPOLLHUP))
    base->events->packet (base->user_data, buffer, 0, NULL); /* an empty payload */
  else if (size >= 0 || (errno != EAGAIN && errno != EINTR))
    base->events->failed (base->user_data,
                          size == 0 ? CAIMAN_REASON_LINK_CLOSED : CAIMAN_REASON_LINK_IO_ERROR);
}

static CaimanTransport *
seqpacket_transport_new (CaimanLoop *loop, int fd)
{
  SeqpacketTransport *self = g_new0 (SeqpacketTransport, 1);
  self->base.klass = &seqpacket_class;
  self->watch.ready = socket_ready;
  if (!caiman_loop_add_watch (loop, &self->watch, fd, EPOLLIN, NULL))
    abort ();
  return &self->base;
}

/* --- A connection over two of them --- */

typedef struct {
  CaimanLoop *loop;
  CaimanPump *server;
  guint64 n_received;
  gboolean over;
} App;

static void
incoming (gpointer user_data, CaimanConnection *pending)
{
  caiman_pump_accept (((App *)user_data)->server, pending);
}

static void
server_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  App *app = user_data;
  char buffer[4096];
  if (event->type != CAIMAN_EVENT_READABLE)
    return;
  gint64 now_ns = caiman_loop_now (app->loop);
  gssize n;
  while ((n = caiman_connection_read (connection, buffer, sizeof buffer, now_ns, NULL)) > 0)
    app->n_received += (guint64)n;
  if (n == 0)
    caiman_connection_finish (connection, now_ns);
}

static void
client_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  App *app = user_data;
  if (event->type == CAIMAN_EVENT_ENDED)
    app->over = TRUE;
}

static void
add_link (App *app, CaimanPump *client, const char *name)
{
  int fds[2];
  CaimanLinkInfo info = { .name = name };
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
    abort ();
  caiman_pump_add_transport (app->server, seqpacket_transport_new (app->loop, fds[0]), &info);
  caiman_pump_add_transport (client, seqpacket_transport_new (app->loop, fds[1]), &info);
}

int
main (void)
{
  static const CaimanPumpHandler server_handler = { .event = server_event, .incoming = incoming };
  static const CaimanPumpHandler client_handler = { .event = client_event };
  enum { SIZE = 1000 * 1000 };
  App app = { .loop = caiman_loop_new (NULL) };
  CaimanConfig config;
  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
  config.stream_chunk_bytes = 8 * 1024;
  app.server = caiman_loop_new_server_pump (app.loop, &config, NULL, &server_handler, &app);
  CaimanPump *client = caiman_loop_new_client_pump (app.loop, &config, NULL, &client_handler, &app);
  add_link (&app, client, "left");
  add_link (&app, client, "right");

  CaimanConnection *connection = caiman_pump_get_connection (client);
  g_autoptr (GBytes) data = g_bytes_new_take (g_malloc0 (SIZE), SIZE);
  gint64 now_ns = caiman_loop_now (app.loop);
  if (caiman_connection_write (connection, data, 0, now_ns, NULL) != SIZE)
    abort (); /* the send buffer is much larger */
  caiman_connection_finish (connection, now_ns);
  caiman_pump_touch (client);
  while (!app.over)
    caiman_loop_iterate (app.loop, CAIMAN_TIME_NEVER);
  printf ("%" G_GUINT64_FORMAT " bytes over two links, ended: %s\n", app.n_received,
          caiman_reason_to_string (caiman_connection_get_end_reason (connection)));

  caiman_loop_free_pump (app.loop, client);
  caiman_loop_free_pump (app.loop, app.server);
  caiman_loop_free (app.loop);
  return app.n_received == SIZE ? 0 : 1;
}
