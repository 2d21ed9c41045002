/* SPDX-License-Identifier: Apache-2.0 */
/* monitor-remote.h - the monitor of another process, over its status socket. */
#pragma once

#include "apps/status-client.h"

G_BEGIN_DECLS

/* Shows what @client's other side does, until the user quits. FALSE with an error when the terminal
 * cannot show it, or the other side goes away (G_IO_ERROR_CONNECTION_CLOSED). */
gboolean monitor_remote_run (StatusClient *client, GError **error);

G_END_DECLS
