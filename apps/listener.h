/* SPDX-License-Identifier: Apache-2.0 */
/* listener.h - a local TCP port whose connections a tunnel's client forwards. */
#pragma once

#include "transports/loop.h"

G_BEGIN_DECLS

typedef struct _AppListener AppListener;

/* @fd (transfer full) is non-blocking; @peer is "127.0.0.1:40312". From the loop; may free the
 * listener. */
typedef void (*AppAccepted) (gpointer user_data, AppListener *listener, int fd, const char *peer);

/* Listens on @port (0: one that is free) of 127.0.0.1 and ::1, or with @global of all addresses,
 * IPv4 and IPv6; that one of the two families is missing on this host is no error. Errors: IO_ERROR
 * naming the address. When descriptors run out, accepting pauses for a moment. */
AppListener *app_listener_new (CaimanLoop *loop, guint16 port, gboolean global,
                               AppAccepted accepted, gpointer user_data, GError **error);
void app_listener_free (AppListener *listener); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AppListener, app_listener_free)

guint16 app_listener_get_port (const AppListener *listener);

G_END_DECLS
