/* SPDX-License-Identifier: Apache-2.0 */
/* glib-channel.c - the life of a connection below a CaimanStream, and after it. */
#include "transports/glib-channel.h"

CaimanChannel *
caiman_channel_new (CaimanGlibLoop *loop, CaimanPump *pump, CaimanConnection *connection,
                    void (*release) (CaimanChannel *channel), gpointer release_data)
{
  CaimanChannel *channel = g_new0 (CaimanChannel, 1);
  channel->loop = caiman_glib_loop_ref (loop);
  channel->pump = pump;
  channel->connection = connection;
  channel->release = release;
  channel->release_data = release_data;
  return channel;
}

static void
free_channel (gpointer user_data)
{
  CaimanChannel *channel = user_data;
  channel->release (channel);
  caiman_glib_loop_unref (channel->loop);
  g_free (channel);
}

/* Not before the pump has been told, since it closes the transports properly then. */
static void
doom_if_finished (CaimanChannel *channel)
{
  if (channel->listener || channel->doomed || !channel->ended ||
      !caiman_connection_is_finished (channel->connection))
    return;
  channel->doomed = TRUE;
  caiman_glib_loop_defer (channel->loop, free_channel, channel);
}

void
caiman_channel_event (CaimanChannel *channel, const CaimanEvent *event)
{
  if (event->type == CAIMAN_EVENT_ENDED)
    channel->ended = TRUE;
  if (channel->listener)
    channel->event (channel->listener, event);
  doom_if_finished (channel);
}

void
caiman_channel_touch (CaimanChannel *channel)
{
  caiman_pump_touch_connection (channel->pump, channel->connection);
}

void
caiman_channel_close (CaimanChannel *channel)
{
  gint64 now_ns = caiman_glib_loop_now (channel->loop);
  if (caiman_connection_get_state (channel->connection) == CAIMAN_CONNECTION_CONNECTING)
    caiman_connection_terminate (channel->connection, now_ns);
  else
    caiman_connection_close (channel->connection, now_ns);
  caiman_channel_touch (channel);
}

void
caiman_channel_abandon (CaimanChannel *channel)
{
  channel->listener = NULL;
  caiman_channel_close (channel);
  doom_if_finished (channel);
}
