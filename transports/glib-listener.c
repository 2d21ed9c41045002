/* SPDX-License-Identifier: Apache-2.0 */
/* glib-listener.c - a server's pump, which the listener shares with the streams that it accepted:
 * it lives until the last of them is gone. */
#include "transports/glib-listener.h"

#include "transports/glib-stream-private.h"
#include "transports/tls.h"

/* Pump, acceptor and streams. */
typedef struct {
  guint ref_count; /* the listener's and one for each channel */
  CaimanGlibLoop *loop;
  CaimanPump *pump;
  CaimanTcpAcceptor *acceptor; /* (nullable) */
  CaimanTls *tls;              /* (owned, nullable) what the acceptor wraps links in */
  GHashTable *channels;        /* of CaimanChannel (borrowed) by CaimanConnection */
  CaimanListener *listener;    /* (borrowed) NULL: closed */
} Hub;

struct _CaimanListener {
  GObject parent_instance;
  CaimanGlibLoop *loop;
  Hub *hub; /* NULL once closed */
  CaimanWaiters incoming;
};

G_DEFINE_FINAL_TYPE (CaimanListener, caiman_listener, G_TYPE_OBJECT)

enum { SIGNAL_INCOMING, N_SIGNALS };
static guint signals[N_SIGNALS];

/* --- The hub --- */

static void
hub_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  CaimanChannel *channel = g_hash_table_lookup (((Hub *)user_data)->channels, connection);
  if (channel)
    caiman_channel_event (channel, event);
}

static void
hub_incoming (gpointer user_data, CaimanConnection *pending)
{
  Hub *hub = user_data;
  if (!hub->listener)
    return;
  g_autoptr (CaimanListener) listener = g_object_ref (hub->listener);
  caiman_waiters_wake (&listener->incoming);
  g_signal_emit (listener, signals[SIGNAL_INCOMING], 0);
}

static const CaimanPumpHandler hub_handler = {
  .event = hub_event,
  .incoming = hub_incoming,
};

static void
hub_free (gpointer user_data)
{
  Hub *hub = user_data;
  caiman_tcp_acceptor_free (hub->acceptor);
  caiman_loop_free_pump (caiman_glib_loop_get_loop (hub->loop), hub->pump);
  caiman_tls_unref (hub->tls);
  g_hash_table_unref (hub->channels);
  caiman_glib_loop_unref (hub->loop);
  g_free (hub);
}

static void
hub_unref (gpointer user_data)
{
  Hub *hub = user_data;
  if (--hub->ref_count == 0)
    caiman_glib_loop_defer (hub->loop, hub_free, hub);
}

static void
hub_release_channel (CaimanChannel *channel)
{
  Hub *hub = channel->release_data;
  g_hash_table_remove (hub->channels, channel->connection);
  caiman_pump_drop (hub->pump, channel->connection);
  hub_unref (hub);
}

static CaimanStream *
hub_accept (Hub *hub, CaimanConnection *pending)
{
  CaimanConnection *connection = caiman_pump_accept (hub->pump, pending);
  hub->ref_count++;
  CaimanChannel *channel =
      caiman_channel_new (hub->loop, hub->pump, connection, hub_release_channel, hub);
  g_hash_table_insert (hub->channels, connection, channel);
  return caiman_stream_new (channel, FALSE);
}

/* --- Listening --- */

CaimanListener *
caiman_listener_new (const CaimanConfig *config, GError **error)
{
  CaimanConfig defaults;
  caiman_config_init (&defaults, CAIMAN_PRESET_ADAPTIVE);
  g_return_val_if_fail (!config || caiman_config_validate (config, NULL), NULL);
  CaimanGlibLoop *loop = caiman_glib_loop_get_default (error);
  if (!loop)
    return NULL;
  Hub *hub = g_new0 (Hub, 1);
  hub->ref_count = 1;
  hub->loop = caiman_glib_loop_ref (loop);
  hub->channels = g_hash_table_new (NULL, NULL);
  hub->pump = caiman_loop_new_server_pump (caiman_glib_loop_get_loop (loop),
                                           config ? config : &defaults, NULL, &hub_handler, hub);
  CaimanListener *self = g_object_new (CAIMAN_TYPE_LISTENER, NULL);
  self->loop = loop;
  self->hub = hub;
  hub->listener = self;
  return self;
}

static gboolean
set_closed_error (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "the listener is closed");
  return FALSE;
}

gboolean
caiman_listener_listen (CaimanListener *listener, const char *const *addresses,
                        const CaimanTcpAcceptorOptions *options, GError **error)
{
  static const CaimanTcpAcceptorOptions defaults = { 0 };
  g_return_val_if_fail (CAIMAN_IS_LISTENER (listener), FALSE);
  Hub *hub = listener->hub;
  if (!hub)
    return set_closed_error (error);
  g_return_val_if_fail (!hub->acceptor, FALSE);
  hub->acceptor = caiman_tcp_acceptor_new (caiman_glib_loop_get_loop (hub->loop), hub->pump,
                                           addresses, options ? options : &defaults, error);
  if (!hub->acceptor)
    return caiman_error_to_gio (error);
  if (options && options->wrap)
    caiman_glib_loop_set_needs_context (hub->loop);
  if (options && options->wrap == caiman_tls_wrap)
    hub->tls = caiman_tls_ref (options->wrap_data);
  return TRUE;
}

guint16
caiman_listener_get_port (CaimanListener *listener, guint index)
{
  g_return_val_if_fail (CAIMAN_IS_LISTENER (listener), 0);
  g_return_val_if_fail (listener->hub && listener->hub->acceptor, 0);
  return caiman_tcp_acceptor_get_port (listener->hub->acceptor, index);
}

void
caiman_listener_add_transport (CaimanListener *listener, CaimanTransport *transport,
                               const CaimanLinkInfo *info)
{
  g_return_if_fail (CAIMAN_IS_LISTENER (listener));
  if (listener->hub)
    caiman_pump_add_transport (listener->hub->pump, transport, info);
  else
    transport->klass->free (transport);
}

void
caiman_listener_close (CaimanListener *listener)
{
  g_return_if_fail (CAIMAN_IS_LISTENER (listener));
  Hub *hub = g_steal_pointer (&listener->hub);
  if (!hub)
    return;
  CaimanServer *server = caiman_pump_get_server (hub->pump);
  gboolean has_pending = caiman_server_get_n_pending (server) > 0;
  caiman_server_set_listening (server, FALSE, caiman_glib_loop_now (hub->loop));
  while (caiman_server_get_n_pending (server) > 0)
    caiman_pump_refuse (hub->pump, caiman_server_get_pending (server, 0));
  hub->listener = NULL;
  caiman_pump_touch (hub->pump);
  if (has_pending) /* the refusals go out first */
    caiman_glib_loop_later (hub->loop, hub_unref, hub);
  else
    hub_unref (hub);
  caiman_waiters_wake (&listener->incoming);
}

/* --- Accepting --- */

CaimanConnection *
caiman_listener_peek (CaimanListener *listener)
{
  g_return_val_if_fail (CAIMAN_IS_LISTENER (listener), NULL);
  CaimanServer *server = caiman_listener_get_server (listener);
  return server && caiman_server_get_n_pending (server) > 0 ? caiman_server_get_pending (server, 0)
                                                            : NULL;
}

void
caiman_listener_refuse (CaimanListener *listener)
{
  CaimanConnection *pending = caiman_listener_peek (listener);
  if (pending)
    caiman_pump_refuse (listener->hub->pump, pending);
}

typedef struct {
  CaimanStream *stream; /* (owned, nullable) */
} Accepted;

static void
accepted_free (gpointer data)
{
  Accepted *accepted = data;
  g_clear_object (&accepted->stream);
  g_free (accepted);
}

static gboolean
attempt_accept (gpointer listener, gpointer data, GError **error)
{
  CaimanListener *self = listener;
  Accepted *accepted = data;
  if (!self->hub) {
    set_closed_error (error);
    return TRUE;
  }
  CaimanConnection *pending = caiman_listener_peek (self);
  if (!pending)
    return FALSE;
  accepted->stream = hub_accept (self->hub, pending);
  return TRUE;
}

static void
finish_accept (GTask *task, GError *error)
{
  Accepted *accepted = g_task_get_task_data (task);
  if (error)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_steal_pointer (&accepted->stream), g_object_unref);
}

void
caiman_listener_accept_async (CaimanListener *listener, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (CAIMAN_IS_LISTENER (listener));
  GTask *task = g_task_new (listener, cancellable, callback, user_data);
  g_task_set_source_tag (task, caiman_listener_accept_async);
  g_task_set_task_data (task, g_new0 (Accepted, 1), accepted_free);
  caiman_wait_async (task, &listener->incoming, listener, attempt_accept, finish_accept);
}

CaimanStream *
caiman_listener_accept_finish (CaimanListener *listener, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, listener), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

CaimanStream *
caiman_listener_accept (CaimanListener *listener, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (CAIMAN_IS_LISTENER (listener), NULL);
  Accepted accepted = { 0 };
  caiman_wait (listener->loop, attempt_accept, listener, &accepted, cancellable, error);
  return accepted.stream;
}

/* --- The object --- */

CaimanServer *
caiman_listener_get_server (CaimanListener *listener)
{
  g_return_val_if_fail (CAIMAN_IS_LISTENER (listener), NULL);
  return listener->hub ? caiman_pump_get_server (listener->hub->pump) : NULL;
}

CaimanLoop *
caiman_listener_get_loop (CaimanListener *listener)
{
  g_return_val_if_fail (CAIMAN_IS_LISTENER (listener), NULL);
  return caiman_glib_loop_get_loop (listener->loop);
}

static void
listener_dispose (GObject *object)
{
  caiman_listener_close (CAIMAN_LISTENER (object));
  G_OBJECT_CLASS (caiman_listener_parent_class)->dispose (object);
}

static void
listener_finalize (GObject *object)
{
  caiman_glib_loop_unref (CAIMAN_LISTENER (object)->loop);
  G_OBJECT_CLASS (caiman_listener_parent_class)->finalize (object);
}

static void
caiman_listener_class_init (CaimanListenerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  object_class->dispose = listener_dispose;
  object_class->finalize = listener_finalize;
  signals[SIGNAL_INCOMING] = g_signal_new ("incoming", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                           0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
caiman_listener_init (CaimanListener *self)
{
}
