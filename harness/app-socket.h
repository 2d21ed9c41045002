/* SPDX-License-Identifier: Apache-2.0 */
/* app-socket.h - an end of a TCP (or MPTCP) connection as what carries a scenario's traffic. */
#pragma once

#include "harness/app-end.h"
#include "transports/loop.h"

G_BEGIN_DECLS

typedef struct _AppSocket AppSocket;

/* Called from the loop, never from inside a function of this header. After ended() nothing more. */
typedef struct {
  void (*readable) (gpointer user_data);
  void (*writable) (gpointer user_data);
  void (*ended) (gpointer user_data, CaimanReason reason);
} AppSocketEvents;

/* Takes @fd, an established connection in non-blocking mode, in any case. NULL with @error. */
AppSocket *app_socket_new (CaimanLoop *loop, int fd, const AppSocketEvents *events,
                           gpointer user_data, GError **error);
void app_socket_free (AppSocket *app); /* accepts NULL; resets what is not over */

AppEnd *app_socket_get_end (AppSocket *app);

G_END_DECLS
