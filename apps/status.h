/* SPDX-License-Identifier: Apache-2.0 */
/* status.h - tells who asks over a Unix socket what a running verb is doing (docs/monitor.md has
 * the protocol: a JSON object per line, both ways).
 *
 * The socket has mode 0600, and who connects must be root or the user of this process. A client
 * that is slow, silent or floods costs bounded memory and is dropped after a while; its requests
 * are answered one by one, each when the answer before it has been taken. */
#pragma once

#include "apps/live.h"

G_BEGIN_DECLS

#define STATUS_CLIENTS_MAX       16
#define STATUS_REQUEST_MAX_BYTES 4096
#define STATUS_WATCH_MIN_MS      100
#define STATUS_TIMEOUT_S         60 /* without a request, or with an answer that is not taken */

typedef struct _Status Status;

/* Where the answers come from. */
typedef struct {
  LiveSnapshot *(*sample) (gpointer user_data); /* (transfer none) */
  guint (*command) (gpointer user_data, const LiveCommand *command, GError **error);
  gpointer user_data;
} StatusSource;

/* Listens on @path. A socket that nobody serves any more is replaced. Errors: GIO's, naming @path;
 * G_IO_ERROR_ADDRESS_IN_USE when another process serves it. @context is nullable. */
Status *status_new (GMainContext *context, const char *path, const StatusSource *source,
                    GError **error);

/* Drops all clients and removes the socket. Accepts NULL. */
void status_free (Status *status);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Status, status_free)

const char *status_get_path (const Status *status);

/* (transfer full) The path for this process when the user has named none, as in
 * "$XDG_RUNTIME_DIR/caiman/tunnel-client-123.sock", else in /run/caiman. Makes the folder. NULL
 * with an error when that is not possible. */
char *status_make_default_path (const char *title, GError **error);

/* (transfer full) (element-type utf8) The sockets at default paths, stale ones included: in the
 * user's folder, or in that of the system. */
GPtrArray *status_list_default_paths (gboolean of_system);

G_END_DECLS
