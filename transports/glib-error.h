/* SPDX-License-Identifier: Apache-2.0 */
/* glib-error.h - the errors of the GLib face: what users of GIO expect.
 *
 * Calls on CaimanClient, CaimanListener, CaimanStream and its two streams fail with G_IO_ERROR. The
 * code says what GIO has a word for, the message begins with the name of the reason (error.h). The
 * exact reason why a connection ended is in caiman_stream_get_end_reason(). */
#pragma once

#include "../core/error.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* WOULD_BLOCK, SEND_FINISHED (CLOSED), RECEIVER_DROPPED (BROKEN_PIPE), TERMINATED, CLOSED and
 * SERVER_ID_MISMATCH (CONNECTION_CLOSED), NOT_LISTENING and REFUSED (CONNECTION_REFUSED), the
 * time-outs and ALL_LINKS_FAILED (TIMED_OUT), PROTOCOL_ERROR (INVALID_DATA), MESSAGE_TOO_LARGE,
 * INVALID_ARGUMENT; all others are FAILED. */
GIOErrorEnum caiman_reason_to_gio_error (CaimanReason reason);

/* Makes an error of CAIMAN_ERROR one of G_IO_ERROR, with its message; leaves others alone. For the
 * end of a function: `return caiman_error_to_gio (error)` is always FALSE. @error and *@error may
 * be NULL. */
gboolean caiman_error_to_gio (GError **error);

G_END_DECLS
