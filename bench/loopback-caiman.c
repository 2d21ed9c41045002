/* SPDX-License-Identifier: Apache-2.0 */
/* loopback-caiman.c - caiman over TCP links, on its own event loop. */
#include "bench/loopback-ends.h"
#include "transports/tcp.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct _End End;

/* A client with its pump; number 0 is the one that is measured. */
typedef struct {
  End *end;
  CaimanPump *pump;
} Client;

struct _End {
  const LoopbackSetup *setup;
  LoopbackResult *result;
  CaimanLoop *loop;
  CaimanTcpOptions options;
  CaimanPump *server_pump;
  CaimanLoopWatch watch; /* server: of the listening socket */
  Client *clients;
  guint n_clients, n_connected, n_ended;
  guint8 *buffer; /* what is read goes here */
  GBytes *content;
  GArray *pings;
  gint64 ping_sent_ns, until_ns, cpu_start_ns;
};

static CaimanConnection *
get_connection (const Client *client)
{
  return caiman_pump_get_connection (client->pump);
}

static void
iterate_for (CaimanLoop *loop, gint64 time_ns)
{
  gint64 until_ns = caiman_loop_now (loop) + time_ns;
  while (caiman_loop_now (loop) < until_ns)
    caiman_loop_iterate (loop, 10 * CAIMAN_NS_PER_MS);
}

/* --- Server --- */

static void
count (End *self, gsize size)
{
  self->result->last_ns = caiman_loop_now (self->loop);
  if (self->result->bytes == 0) {
    self->result->first_ns = self->result->last_ns;
    self->cpu_start_ns = loopback_cpu ();
  }
  self->result->bytes += size;
}

static void
read_stream (End *self, CaimanConnection *connection)
{
  gint64 now_ns = caiman_loop_now (self->loop);
  for (;;) {
    gssize size =
        caiman_connection_read (connection, self->buffer, self->setup->size, now_ns, NULL);
    if (size > 0)
      count (self, (gsize)size);
    if (size == 0) {
      if (self->result->cpu_ns == 0 && self->result->bytes > 0)
        self->result->cpu_ns = loopback_cpu () - self->cpu_start_ns;
      caiman_connection_close (connection, now_ns);
    }
    if (size <= 0)
      return;
  }
}

static void
echo (End *self, CaimanConnection *connection)
{
  gint64 now_ns = caiman_loop_now (self->loop);
  for (;;) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) message = caiman_connection_receive (connection, now_ns, &error);
    if (message)
      caiman_connection_send (connection, message, now_ns, NULL);
    else if (g_error_matches (error, CAIMAN_ERROR, CAIMAN_REASON_FINISHED))
      caiman_connection_close (connection, now_ns);
    if (!message)
      return;
  }
}

static void
server_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  End *self = user_data;
  if (event->type == CAIMAN_EVENT_READABLE && self->setup->ping)
    echo (self, connection);
  else if (event->type == CAIMAN_EVENT_READABLE)
    read_stream (self, connection);
  else if (event->type == CAIMAN_EVENT_ENDED)
    self->n_ended++;
}

static void
server_incoming (gpointer user_data, CaimanConnection *pending)
{
  End *self = user_data;
  caiman_pump_accept (self->server_pump, pending);
  self->n_connected++;
}

static void
on_incoming (CaimanLoopWatch *watch, guint32 epoll_events)
{
  End *self = (End *)((char *)watch - G_STRUCT_OFFSET (End, watch));
  CaimanLinkInfo info = { .name = "loopback" };
  CaimanReason reason;
  int fd = accept4 (watch->fd, NULL, NULL, SOCK_CLOEXEC);
  CaimanTransport *transport =
      fd < 0 ? NULL : caiman_tcp_new (self->loop, fd, &self->options, &reason);
  if (transport)
    caiman_pump_add_transport (self->server_pump, transport, &info);
}

void
loopback_caiman_server (const LoopbackSetup *setup, LoopbackResult *result_out)
{
  static const CaimanPumpHandler handler = { .event = server_event, .incoming = server_incoming };
  End self = { .setup = setup, .result = result_out, .watch.ready = on_incoming };
  memcpy (self.options.congestion, setup->congestion, sizeof setup->congestion);
  self.loop = caiman_loop_new (NULL);
  self.buffer = g_malloc0 (setup->size);
  self.server_pump = caiman_loop_new_server_pump (self.loop, &setup->config, NULL, &handler, &self);
  caiman_loop_add_watch (self.loop, &self.watch, setup->listen_fd, EPOLLIN, NULL);
  while (self.n_ended < setup->n_quiet + 1)
    caiman_loop_iterate (self.loop, CAIMAN_TIME_NEVER);
  /* The last acknowledgements go out. */
  iterate_for (self.loop, 50 * CAIMAN_NS_PER_MS);
  caiman_loop_remove_watch (&self.watch);
  caiman_loop_free_pump (self.loop, self.server_pump);
  caiman_loop_free (self.loop);
  g_free (self.buffer);
}

/* --- Client --- */

static void
write_stream (End *self, CaimanConnection *connection)
{
  gint64 now_ns;
  while ((now_ns = caiman_loop_now (self->loop)) < self->until_ns) {
    /* As a program does that writes buffers of its own: the rest of one is written before the next.
     */
    gssize size = caiman_connection_write (connection, self->content, 0, now_ns, NULL);
    if (size < 0)
      return;
  }
}

static void
send_ping (End *self, CaimanConnection *connection)
{
  gint64 now_ns = caiman_loop_now (self->loop);
  self->ping_sent_ns = loopback_now ();
  caiman_connection_send (connection, self->content, now_ns, NULL);
}

static void
take_pong (End *self, CaimanConnection *connection)
{
  g_autoptr (GBytes) message =
      caiman_connection_receive (connection, caiman_loop_now (self->loop), NULL);
  if (!message)
    return;
  gint64 took_ns = loopback_now () - self->ping_sent_ns;
  g_array_append_val (self->pings, took_ns);
  if (loopback_now () < self->until_ns)
    send_ping (self, connection);
}

static void
begin (End *self)
{
  CaimanConnection *connection = get_connection (&self->clients[0]);
  if (self->setup->ping)
    send_ping (self, connection);
  else
    write_stream (self, connection);
  caiman_pump_touch (self->clients[0].pump);
}

static void
client_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  Client *client = user_data;
  End *self = client->end;
  gboolean measured = client == &self->clients[0];
  if (event->type == CAIMAN_EVENT_CONNECTED)
    self->n_connected++;
  else if (event->type == CAIMAN_EVENT_ENDED)
    self->n_ended++;
  else if (measured && event->type == CAIMAN_EVENT_WRITABLE && !self->setup->ping)
    write_stream (self, connection);
  else if (measured && event->type == CAIMAN_EVENT_READABLE && self->setup->ping)
    take_pong (self, connection);
}

static CaimanTransport *
client_open (gpointer user_data, guint32 path_id, CaimanReason *reason_out)
{
  End *self = ((Client *)user_data)->end;
  return caiman_tcp_connect (self->loop, (const struct sockaddr *)&self->setup->address,
                             sizeof self->setup->address, NULL, &self->options, reason_out);
}

static void
add_client (End *self, Client *client)
{
  static const CaimanPumpHandler handler = { .event = client_event, .open = client_open };
  client->end = self;
  client->pump =
      caiman_loop_new_client_pump (self->loop, &self->setup->config, NULL, &handler, client);
  gint64 now_ns = caiman_loop_now (self->loop);
  for (guint i = 0; i < self->setup->n_links; i++) {
    g_autofree char *name = g_strdup_printf ("path-%u", i);
    CaimanLinkInfo info = { .name = name };
    caiman_connector_add_path (caiman_pump_get_connector (client->pump), &info, now_ns, now_ns);
  }
  caiman_pump_touch (client->pump);
}

/* All connections, a few at a time, as the server's queue is short. */
static void
connect_all (End *self)
{
  for (guint i = 0; i < self->n_clients; i++) {
    add_client (self, &self->clients[i]);
    while (self->n_connected + 8 < i)
      caiman_loop_iterate (self->loop, CAIMAN_TIME_NEVER);
  }
  while (self->n_connected < self->n_clients)
    caiman_loop_iterate (self->loop, CAIMAN_TIME_NEVER);
  /* Their other links are still on their way. */
  iterate_for (self->loop, CAIMAN_NS_PER_S / 2);
}

static void
close_all (End *self)
{
  for (guint i = 0; i < self->n_clients; i++) {
    caiman_connection_close (get_connection (&self->clients[i]), caiman_loop_now (self->loop));
    caiman_pump_touch (self->clients[i].pump);
  }
  while (self->n_ended < self->n_clients)
    caiman_loop_iterate (self->loop, CAIMAN_TIME_NEVER);
  for (guint i = 0; i < self->n_clients; i++)
    caiman_loop_free_pump (self->loop, self->clients[i].pump);
}

void
loopback_caiman_client (const LoopbackSetup *setup, LoopbackResult *result_out)
{
  End self = { .setup = setup, .result = result_out };
  g_autofree guint8 *zeroes = g_malloc0 (setup->size);
  memcpy (self.options.congestion, setup->congestion, sizeof setup->congestion);
  self.loop = caiman_loop_new (NULL);
  self.content = g_bytes_new_static (zeroes, setup->size);
  self.pings = g_array_new (FALSE, FALSE, sizeof (gint64));
  self.n_clients = setup->n_quiet + 1;
  self.clients = g_new0 (Client, self.n_clients);
  connect_all (&self);
  self.until_ns = loopback_now () + setup->time_ns;
  self.cpu_start_ns = loopback_cpu ();
  begin (&self);
  while (caiman_loop_now (self.loop) < self.until_ns)
    caiman_loop_iterate (self.loop, self.until_ns - caiman_loop_now (self.loop));
  result_out->cpu_ns = loopback_cpu () - self.cpu_start_ns;
  close_all (&self);
  result_out->n_pings = self.pings->len;
  result_out->ping_median_ns = loopback_median (self.pings);
  caiman_loop_free (self.loop);
  g_bytes_unref (self.content);
  g_array_unref (self.pings);
  g_free (self.clients);
}
