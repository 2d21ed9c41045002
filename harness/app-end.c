/* SPDX-License-Identifier: Apache-2.0 */
/* app-end.c - see app-end.h: the end of an aggregated connection. */
#include "harness/app-end.h"

static CaimanConnection *
get_connection (AppEnd *end)
{
  return ((AppConnectionEnd *)end)->connection;
}

static gssize
connection_write (AppEnd *end, GBytes *bytes, gsize offset, gint64 now_ns)
{
  return caiman_connection_write (get_connection (end), bytes, offset, now_ns, NULL);
}

static gboolean
connection_send (AppEnd *end, GBytes *message, gint64 now_ns)
{
  return caiman_connection_send (get_connection (end), message, now_ns, NULL);
}

static gsize
connection_get_message_max (AppEnd *end)
{
  return caiman_connection_get_message_max (get_connection (end));
}

static gssize
connection_read (AppEnd *end, void *buffer_out, gsize size, gint64 now_ns)
{
  return caiman_connection_read (get_connection (end), buffer_out, size, now_ns, NULL);
}

static GBytes *
connection_receive (AppEnd *end, gboolean may_end, gboolean *ended_out, gint64 now_ns)
{
  g_autoptr (GError) error = NULL;
  /* Until the end can come no error is worth making. */
  GBytes *bytes = caiman_connection_receive (get_connection (end), now_ns, may_end ? &error : NULL);

  *ended_out = g_error_matches (error, CAIMAN_ERROR, CAIMAN_REASON_FINISHED);
  return bytes;
}

static void
connection_finish (AppEnd *end, gint64 now_ns)
{
  caiman_connection_finish (get_connection (end), now_ns);
}

static void
connection_close_receiver (AppEnd *end, gint64 now_ns)
{
  caiman_connection_close_receiver (get_connection (end), now_ns);
}

static void
connection_drop_receiver (AppEnd *end, gint64 now_ns)
{
  caiman_connection_drop_receiver (get_connection (end), now_ns);
}

static const AppEndClass connection_class = {
  .write = connection_write,
  .send = connection_send,
  .get_message_max = connection_get_message_max,
  .read = connection_read,
  .receive = connection_receive,
  .finish = connection_finish,
  .close_receiver = connection_close_receiver,
  .drop_receiver = connection_drop_receiver,
};

void
app_connection_end_init (AppConnectionEnd *end, CaimanConnection *connection)
{
  end->base.klass = &connection_class;
  end->connection = connection;
}
