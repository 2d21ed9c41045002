/* SPDX-License-Identifier: Apache-2.0 */
/* status-client.h - asks a running verb over its status socket (status.h). */
#pragma once

#include "apps/status-request.h"

G_BEGIN_DECLS

/* The longest answer that is taken: some ten thousand links. */
#define STATUS_ANSWER_MAX_BYTES (64u * 1024u * 1024u)

typedef struct _StatusClient StatusClient;

/* Connects. Errors: GIO's, naming @path. */
StatusClient *status_client_open (const char *path, GError **error);
/* As above; @path NULL: the one running verb that has a socket at a default path (status.h), first
 * of the user, and if there is none, of the system. Errors: G_IO_ERROR_NOT_FOUND when there is
 * none, G_IO_ERROR_FAILED when there are several, which the message lists. */
StatusClient *status_client_open_any (const char *path, GError **error);
void status_client_close (StatusClient *client); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (StatusClient, status_client_close)

/* The path that it is connected to (borrowed). */
const char *status_client_get_path (const StatusClient *client);

/* Readable when status_client_next() may have another answer. */
int status_client_get_fd (const StatusClient *client);

/* Sends @request, a line of status-request.h. */
gboolean status_client_send (StatusClient *client, const char *request, GError **error);

/* The next answer that has come in, without waiting. (transfer full): or NULL, with an error when
 * the other side is gone or an answer is too long, and without one when there is none yet. */
char *status_client_next (StatusClient *client, GError **error);

/* As above, but waits for it. G_IO_ERROR_TIMED_OUT after @timeout_ms. */
char *status_client_wait (StatusClient *client, int timeout_ms, GError **error);

/* What @answer says: TRUE when it is "ok", then *@snapshot_out (nullable; transfer full) is its
 * status, NULL when it has none, and *@n_links_out (nullable) the number of links that a command
 * was done to. FALSE with the other side's message. */
gboolean status_client_parse (const char *answer, LiveSnapshot **snapshot_out, gint64 *n_links_out,
                              GError **error);

/* (transfer full) The status in @answer as it is, one JSON object, and a newline; NULL with an
 * error as above. */
char *status_client_extract (const char *answer, GError **error);

G_END_DECLS
