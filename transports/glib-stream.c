/* SPDX-License-Identifier: Apache-2.0 */
/* glib-stream.c - life, links and signals of a CaimanStream. */
#include "transports/glib-stream-private.h"

G_DEFINE_BOXED_TYPE (CaimanLink, caiman_link, caiman_link_ref, caiman_link_unref)
G_DEFINE_FINAL_TYPE (CaimanStream, caiman_stream, G_TYPE_IO_STREAM)

enum { SIGNAL_LINK_ADDED, SIGNAL_LINK_CHANGED, SIGNAL_LINK_REMOVED, SIGNAL_CLOSED, N_SIGNALS };
static guint signals[N_SIGNALS];

enum { PROP_0, PROP_STATE, PROP_END_REASON, N_PROPS };
static GParamSpec *props[N_PROPS];

/* --- What the connection tells --- */

static void
tell_link (CaimanStream *self, const CaimanEvent *event)
{
  g_autoptr (CaimanLink) link = caiman_link_ref (event->link);
  gboolean known = g_ptr_array_find (self->links, link, NULL);
  gboolean closed = event->link_state == CAIMAN_LINK_CLOSED;
  if (!known && closed)
    return; /* its handshake has failed */
  if (!known) {
    g_ptr_array_add (self->links, caiman_link_ref (link));
    g_signal_emit (self, signals[SIGNAL_LINK_ADDED], 0, link);
  }
  g_signal_emit (self, signals[SIGNAL_LINK_CHANGED], 0, link, (gint)event->link_state,
                 (gint)event->reason);
  if (closed) {
    g_ptr_array_remove (self->links, link);
    g_signal_emit (self, signals[SIGNAL_LINK_REMOVED], 0, link, (gint)event->reason);
  }
}

static void
tell_end (CaimanStream *self, CaimanReason reason)
{
  self->ended = TRUE;
  self->may_read = self->may_write = TRUE; /* to learn of the end */
  caiman_waiters_wake (&self->readable);
  caiman_waiters_wake (&self->writable);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_STATE]);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_END_REASON]);
  g_signal_emit (self, signals[SIGNAL_CLOSED], 0, (gint)reason);
}

static void
handle_event (gpointer listener, const CaimanEvent *event)
{
  g_autoptr (CaimanStream) self = g_object_ref (listener);
  switch (event->type) {
  case CAIMAN_EVENT_CONNECTED:
    self->connected = TRUE;
    self->may_write = TRUE;
    caiman_waiters_wake (&self->writable);
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_STATE]);
    break;
  case CAIMAN_EVENT_READABLE:
    self->may_read = TRUE;
    caiman_waiters_wake (&self->readable);
    break;
  case CAIMAN_EVENT_WRITABLE:
  case CAIMAN_EVENT_PEER_DROPPED_RECEIVER:
    self->may_write = TRUE;
    caiman_waiters_wake (&self->writable);
    break;
  case CAIMAN_EVENT_LINK_STATE:
    tell_link (self, event);
    break;
  case CAIMAN_EVENT_ENDED:
    tell_end (self, event->reason);
    break;
  case CAIMAN_EVENT_FLUSHED:
  case CAIMAN_EVENT_LINK_CLOSE:
  case CAIMAN_EVENT_PEER_STOPPED_READING:
    break;
  }
  caiman_waiters_wake (&self->progress);
}

/* --- Connecting --- */

gboolean
caiman_stream_attempt_connected (gpointer stream, gpointer data, GError **error)
{
  CaimanStream *self = stream;
  if (self->connected)
    return TRUE;
  if (self->channel && !self->ended)
    return FALSE;
  g_set_error (error, CAIMAN_ERROR, caiman_stream_get_end_reason (self), "%s",
               caiman_reason_to_string (caiman_stream_get_end_reason (self)));
  caiman_error_to_gio (error);
  return TRUE;
}

void
caiman_stream_wait_connected_async (CaimanStream *stream, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (stream, cancellable, callback, user_data);
  g_task_set_source_tag (task, caiman_stream_wait_connected_async);
  caiman_wait_async (task, &stream->progress, stream, caiman_stream_attempt_connected,
                     caiman_wait_finish_boolean);
}

gboolean
caiman_stream_wait_connected_finish (CaimanStream *stream, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, stream), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
caiman_stream_wait_connected (CaimanStream *stream, GCancellable *cancellable, GError **error)
{
  return caiman_wait (stream->loop, caiman_stream_attempt_connected, stream, NULL, cancellable,
                      error);
}

/* --- Closing --- */

static void
drop_channel (CaimanStream *self)
{
  CaimanChannel *channel = self->channel;
  if (!channel)
    return;
  self->end_reason = caiman_connection_get_end_reason (channel->connection);
  self->channel = NULL;
  caiman_channel_abandon (channel);
}

/* Both streams are closed, too, for those who ask them. */
static void
begin_close (CaimanStream *self)
{
  if (!self->channel)
    return;
  if (caiman_stream_get_state (self) == CAIMAN_CONNECTION_CONNECTING)
    self->given_up = TRUE;
  g_output_stream_close (self->output, NULL, NULL);
  g_input_stream_close (self->input, NULL, NULL);
  caiman_channel_close (self->channel);
}

static gboolean
attempt_close (gpointer stream, gpointer data, GError **error)
{
  CaimanStream *self = stream;
  if (!self->channel)
    return TRUE;
  if (!self->ended || !caiman_connection_is_finished (self->channel->connection))
    return FALSE;
  CaimanReason reason = caiman_stream_get_end_reason (self);
  if (reason != CAIMAN_REASON_FINISHED && !self->given_up) {
    g_set_error (error, CAIMAN_ERROR, reason, "%s", caiman_reason_to_string (reason));
    caiman_error_to_gio (error);
  }
  return TRUE;
}

/* What TLS leaves to be done holds the main context, which may not run any more after this. */
static gboolean
attempt_drain (gpointer stream, gpointer data, GError **error)
{
  return caiman_loop_get_n_draining (caiman_stream_get_loop (stream)) == 0;
}

static gboolean
stream_close (GIOStream *stream, GCancellable *cancellable, GError **error)
{
  CaimanStream *self = CAIMAN_STREAM (stream);
  gboolean done = TRUE;
  begin_close (self);
  if (!self->disposing)
    done = caiman_wait (self->loop, attempt_close, self, NULL, cancellable, error);
  if (!self->disposing && done && caiman_glib_loop_needs_context (self->loop))
    caiman_wait (self->loop, attempt_drain, self, NULL, cancellable, NULL);
  drop_channel (self);
  return done;
}

static void
finish_close (GTask *task, GError *error)
{
  drop_channel (g_task_get_source_object (task));
  caiman_wait_finish_boolean (task, error);
}

static void
stream_close_async (GIOStream *stream, int io_priority, GCancellable *cancellable,
                    GAsyncReadyCallback callback, gpointer user_data)
{
  CaimanStream *self = CAIMAN_STREAM (stream);
  GTask *task = g_task_new (stream, cancellable, callback, user_data);
  g_task_set_source_tag (task, stream_close_async);
  g_task_set_priority (task, io_priority);
  begin_close (self);
  caiman_wait_async (task, &self->progress, self, attempt_close, finish_close);
}

static gboolean
stream_close_finish (GIOStream *stream, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, stream), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
caiman_stream_terminate (CaimanStream *stream)
{
  g_return_if_fail (CAIMAN_IS_STREAM (stream));
  if (!stream->channel)
    return;
  stream->given_up = TRUE;
  caiman_connection_terminate (stream->channel->connection, caiman_glib_loop_now (stream->loop));
  caiman_channel_touch (stream->channel);
}

/* --- Links --- */

static gpointer
copy_link (gconstpointer link, gpointer user_data)
{
  return caiman_link_ref ((CaimanLink *)link);
}

GPtrArray *
caiman_stream_get_links (CaimanStream *stream)
{
  g_return_val_if_fail (CAIMAN_IS_STREAM (stream), NULL);
  return g_ptr_array_copy (stream->links, copy_link, NULL);
}

void
caiman_stream_set_link_blocked (CaimanStream *stream, CaimanLink *link, gboolean blocked)
{
  g_return_if_fail (CAIMAN_IS_STREAM (stream));
  if (!stream->channel || !g_ptr_array_find (stream->links, link, NULL))
    return;
  caiman_link_set_blocked (link, blocked, caiman_glib_loop_now (stream->loop));
  caiman_channel_touch (stream->channel);
}

void
caiman_stream_disconnect_link (CaimanStream *stream, CaimanLink *link)
{
  g_return_if_fail (CAIMAN_IS_STREAM (stream));
  if (!stream->channel || !g_ptr_array_find (stream->links, link, NULL))
    return;
  caiman_link_disconnect (link, caiman_glib_loop_now (stream->loop));
  caiman_channel_touch (stream->channel);
}

void
caiman_stream_add_transport (CaimanStream *stream, CaimanTransport *transport,
                             const CaimanLinkInfo *info)
{
  g_return_if_fail (CAIMAN_IS_STREAM (stream) && stream->is_client);
  if (stream->channel)
    caiman_pump_add_transport (stream->channel->pump, transport, info);
  else
    transport->klass->free (transport);
}

/* --- Questions --- */

CaimanConnectionState
caiman_stream_get_state (CaimanStream *stream)
{
  g_return_val_if_fail (CAIMAN_IS_STREAM (stream), CAIMAN_CONNECTION_ENDED);
  return stream->channel ? caiman_connection_get_state (stream->channel->connection)
                         : CAIMAN_CONNECTION_ENDED;
}

CaimanReason
caiman_stream_get_end_reason (CaimanStream *stream)
{
  g_return_val_if_fail (CAIMAN_IS_STREAM (stream), CAIMAN_REASON_NONE);
  return stream->channel ? caiman_connection_get_end_reason (stream->channel->connection)
                         : stream->end_reason;
}

CaimanConnection *
caiman_stream_get_connection (CaimanStream *stream)
{
  g_return_val_if_fail (CAIMAN_IS_STREAM (stream), NULL);
  return stream->channel ? stream->channel->connection : NULL;
}

CaimanLoop *
caiman_stream_get_loop (CaimanStream *stream)
{
  g_return_val_if_fail (CAIMAN_IS_STREAM (stream), NULL);
  return caiman_glib_loop_get_loop (stream->loop);
}

void
caiman_stream_touch (CaimanStream *stream)
{
  g_return_if_fail (CAIMAN_IS_STREAM (stream));
  if (stream->channel)
    caiman_channel_touch (stream->channel);
}

/* --- Life --- */

CaimanStream *
caiman_stream_new (CaimanChannel *channel, gboolean is_client)
{
  CaimanStream *self = g_object_new (CAIMAN_TYPE_STREAM, NULL);
  self->loop = caiman_glib_loop_ref (channel->loop);
  self->channel = channel;
  self->is_client = is_client;
  channel->event = handle_event;
  channel->listener = self;
  if (!is_client) {
    self->connected = TRUE;
    gsize n_links;
    CaimanLink *const *links = caiman_connection_get_links (channel->connection, &n_links);
    for (gsize i = 0; i < n_links; i++)
      g_ptr_array_add (self->links, caiman_link_ref (links[i]));
  }
  return self;
}

static GInputStream *
stream_get_input (GIOStream *stream)
{
  return CAIMAN_STREAM (stream)->input;
}

static GOutputStream *
stream_get_output (GIOStream *stream)
{
  return CAIMAN_STREAM (stream)->output;
}

static void
stream_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  CaimanStream *self = CAIMAN_STREAM (object);
  switch (id) {
  case PROP_STATE:
    g_value_set_int (value, (gint)caiman_stream_get_state (self));
    break;
  case PROP_END_REASON:
    g_value_set_int (value, (gint)caiman_stream_get_end_reason (self));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void
stream_dispose (GObject *object)
{
  CAIMAN_STREAM (object)->disposing = TRUE; /* GIOStream closes: without waiting */
  G_OBJECT_CLASS (caiman_stream_parent_class)->dispose (object);
}

static void
stream_finalize (GObject *object)
{
  CaimanStream *self = CAIMAN_STREAM (object);
  drop_channel (self);
  caiman_stream_input_detach (self->input);
  caiman_stream_output_detach (self->output);
  g_object_unref (self->input);
  g_object_unref (self->output);
  g_ptr_array_unref (self->links);
  caiman_glib_loop_unref (self->loop);
  G_OBJECT_CLASS (caiman_stream_parent_class)->finalize (object);
}

static void
caiman_stream_init (CaimanStream *self)
{
  self->links = g_ptr_array_new_with_free_func ((GDestroyNotify)caiman_link_unref);
  self->may_read = self->may_write = TRUE;
  self->input = caiman_stream_input_new (self);
  self->output = caiman_stream_output_new (self);
}

static void
install_signals (GType type)
{
  signals[SIGNAL_LINK_ADDED] = g_signal_new ("link-added", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                             NULL, G_TYPE_NONE, 1, CAIMAN_TYPE_LINK);
  signals[SIGNAL_LINK_CHANGED] =
      g_signal_new ("link-changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3,
                    CAIMAN_TYPE_LINK, G_TYPE_INT, G_TYPE_INT);
  signals[SIGNAL_LINK_REMOVED] =
      g_signal_new ("link-removed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                    CAIMAN_TYPE_LINK, G_TYPE_INT);
  signals[SIGNAL_CLOSED] = g_signal_new ("closed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                         G_TYPE_NONE, 1, G_TYPE_INT);
}

static void
caiman_stream_class_init (CaimanStreamClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS (klass);
  object_class->get_property = stream_get_property;
  object_class->dispose = stream_dispose;
  object_class->finalize = stream_finalize;
  stream_class->get_input_stream = stream_get_input;
  stream_class->get_output_stream = stream_get_output;
  stream_class->close_fn = stream_close;
  stream_class->close_async = stream_close_async;
  stream_class->close_finish = stream_close_finish;

  GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  props[PROP_STATE] = g_param_spec_int ("state", NULL, NULL, 0, CAIMAN_N_CONNECTION_STATES - 1,
                                        CAIMAN_CONNECTION_CONNECTING, flags);
  props[PROP_END_REASON] = g_param_spec_int ("end-reason", NULL, NULL, 0, CAIMAN_N_REASONS - 1,
                                             CAIMAN_REASON_NONE, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
  install_signals (G_TYPE_FROM_CLASS (klass));
}
