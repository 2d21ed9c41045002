/* SPDX-License-Identifier: Apache-2.0 */
/* glib-client.c - a pump and a TCP connector for each stream that a client opens. */
#include "transports/glib-client.h"

#include "transports/glib-stream-private.h"
#include "transports/tls.h"

struct _CaimanClient {
  GObject parent_instance;
  CaimanConfig config;
  guint16 default_port;
};

G_DEFINE_FINAL_TYPE (CaimanClient, caiman_client, G_TYPE_OBJECT)

enum { PROP_0, PROP_DEFAULT_PORT, N_PROPS };
static GParamSpec *props[N_PROPS];

/* What carries one stream: user data of the pump's handler, and of the channel. */
typedef struct {
  CaimanPump *pump;
  CaimanTcpConnector *connector; /* (nullable) */
  CaimanTls *tls;                /* (owned, nullable) what the connector wraps links in */
  CaimanChannel *channel;
} Carrier;

static void
carrier_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  caiman_channel_event (((Carrier *)user_data)->channel, event);
}

static CaimanTransport *
carrier_open (gpointer user_data, guint32 path_id, CaimanReason *reason_out)
{
  Carrier *carrier = user_data;
  return caiman_tcp_connector_open (carrier->connector, carrier->pump, path_id, reason_out);
}

static const CaimanPumpHandler carrier_handler = {
  .event = carrier_event,
  .open = carrier_open,
};

static void
carrier_release (CaimanChannel *channel)
{
  Carrier *carrier = channel->release_data;
  if (carrier->connector) {
    caiman_tcp_connector_detach (carrier->connector, carrier->pump);
    caiman_tcp_connector_free (carrier->connector);
  }
  caiman_loop_free_pump (caiman_glib_loop_get_loop (channel->loop), carrier->pump);
  caiman_tls_unref (carrier->tls);
  g_free (carrier);
}

/* --- Opening --- */

CaimanStream *
caiman_client_open (CaimanClient *client, const char *const *hosts,
                    const CaimanTcpConnectorOptions *options, GError **error)
{
  static const CaimanTcpConnectorOptions defaults = { 0 };
  g_return_val_if_fail (CAIMAN_IS_CLIENT (client), NULL);
  g_autoptr (CaimanGlibLoop) loop = caiman_glib_loop_get_default (error);
  if (!loop)
    return NULL;
  CaimanTcpConnector *connector = NULL;
  if (hosts) {
    connector =
        caiman_tcp_connector_new (caiman_glib_loop_get_loop (loop), hosts, client->default_port,
                                  options ? options : &defaults, error);
    if (!connector) {
      caiman_error_to_gio (error);
      return NULL;
    }
  }
  if (options && options->wrap)
    caiman_glib_loop_set_needs_context (loop);
  Carrier *carrier = g_new0 (Carrier, 1);
  carrier->connector = connector;
  if (options && options->wrap == caiman_tls_wrap)
    carrier->tls = caiman_tls_ref (options->wrap_data);
  carrier->pump = caiman_loop_new_client_pump (caiman_glib_loop_get_loop (loop), &client->config,
                                               NULL, &carrier_handler, carrier);
  carrier->channel = caiman_channel_new (
      loop, carrier->pump, caiman_pump_get_connection (carrier->pump), carrier_release, carrier);
  CaimanStream *stream = caiman_stream_new (carrier->channel, TRUE);
  if (connector)
    caiman_tcp_connector_attach (connector, carrier->pump);
  return stream;
}

/* What the connector knows about why nothing could be reached. */
static void
explain (CaimanStream *stream, GError *error)
{
  if (!stream->channel || !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return;
  Carrier *carrier = stream->channel->release_data;
  if (!carrier->connector)
    return;
  g_autoptr (GPtrArray) lines = caiman_tcp_connector_describe (carrier->connector);
  g_autoptr (GString) text = g_string_new (error->message);
  for (guint i = 0; i < lines->len; i++)
    g_string_append_printf (text, "%s%s", i == 0 ? " (" : "; ",
                            (const char *)g_ptr_array_index (lines, i));
  if (lines->len > 0)
    g_string_append_c (text, ')');
  g_free (error->message);
  error->message = g_string_free (g_steal_pointer (&text), FALSE);
}

static void
finish_connect (GTask *task, GError *error)
{
  CaimanStream *stream = g_task_get_task_data (task);
  if (error) {
    explain (stream, error);
    g_task_return_error (task, error);
  } else {
    g_task_return_pointer (task, g_object_ref (stream), g_object_unref);
  }
}

void
caiman_client_connect_async (CaimanClient *client, const char *const *hosts,
                             const CaimanTcpConnectorOptions *options, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (CAIMAN_IS_CLIENT (client));
  GError *error = NULL;
  GTask *task = g_task_new (client, cancellable, callback, user_data);
  g_task_set_source_tag (task, caiman_client_connect_async);
  CaimanStream *stream = caiman_client_open (client, hosts, options, &error);
  if (!stream) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  g_task_set_task_data (task, stream, g_object_unref);
  caiman_wait_async (task, &stream->progress, stream, caiman_stream_attempt_connected,
                     finish_connect);
}

CaimanStream *
caiman_client_connect_finish (CaimanClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, client), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

CaimanStream *
caiman_client_connect (CaimanClient *client, const char *const *hosts,
                       const CaimanTcpConnectorOptions *options, GCancellable *cancellable,
                       GError **error)
{
  g_autoptr (CaimanStream) stream = caiman_client_open (client, hosts, options, error);
  if (!stream)
    return NULL;
  GError *local_error = NULL;
  if (caiman_stream_wait_connected (stream, cancellable, &local_error))
    return g_steal_pointer (&stream);
  explain (stream, local_error);
  g_propagate_error (error, local_error);
  return NULL;
}

/* --- The object --- */

CaimanClient *
caiman_client_new (void)
{
  return g_object_new (CAIMAN_TYPE_CLIENT, NULL);
}

void
caiman_client_set_config (CaimanClient *client, const CaimanConfig *config)
{
  g_return_if_fail (CAIMAN_IS_CLIENT (client) && caiman_config_validate (config, NULL));
  client->config = *config;
}

void
caiman_client_set_default_port (CaimanClient *client, guint16 port)
{
  g_return_if_fail (CAIMAN_IS_CLIENT (client));
  g_object_set (client, "default-port", (guint)port, NULL);
}

static void
client_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  if (id == PROP_DEFAULT_PORT)
    g_value_set_uint (value, CAIMAN_CLIENT (object)->default_port);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
client_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  if (id == PROP_DEFAULT_PORT)
    CAIMAN_CLIENT (object)->default_port = (guint16)g_value_get_uint (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
caiman_client_class_init (CaimanClientClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  object_class->get_property = client_get_property;
  object_class->set_property = client_set_property;
  props[PROP_DEFAULT_PORT] = g_param_spec_uint ("default-port", NULL, NULL, 0, G_MAXUINT16, 0,
                                                G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
caiman_client_init (CaimanClient *self)
{
  caiman_config_init (&self->config, CAIMAN_PRESET_ADAPTIVE);
}
