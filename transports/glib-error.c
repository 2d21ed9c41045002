/* SPDX-License-Identifier: Apache-2.0 */
/* glib-error.c - reasons in GIO's words. */
#include "transports/glib-error.h"

GIOErrorEnum
caiman_reason_to_gio_error (CaimanReason reason)
{
  switch (reason) {
  case CAIMAN_REASON_WOULD_BLOCK:
    return G_IO_ERROR_WOULD_BLOCK;
  case CAIMAN_REASON_SEND_FINISHED:
    return G_IO_ERROR_CLOSED;
  case CAIMAN_REASON_RECEIVER_DROPPED:
    return G_IO_ERROR_BROKEN_PIPE;
  case CAIMAN_REASON_FINISHED:
  case CAIMAN_REASON_TERMINATED:
  case CAIMAN_REASON_CLOSED:
  case CAIMAN_REASON_SERVER_ID_MISMATCH:
    return G_IO_ERROR_CONNECTION_CLOSED;
  case CAIMAN_REASON_NOT_LISTENING:
  case CAIMAN_REASON_REFUSED:
    return G_IO_ERROR_CONNECTION_REFUSED;
  case CAIMAN_REASON_ALL_LINKS_FAILED:
  case CAIMAN_REASON_TERMINATION_TIMEOUT:
    return G_IO_ERROR_TIMED_OUT;
  case CAIMAN_REASON_PROTOCOL_ERROR:
    return G_IO_ERROR_INVALID_DATA;
  case CAIMAN_REASON_MESSAGE_TOO_LARGE:
    return G_IO_ERROR_MESSAGE_TOO_LARGE;
  case CAIMAN_REASON_INVALID_ARGUMENT:
    return G_IO_ERROR_INVALID_ARGUMENT;
  default:
    return G_IO_ERROR_FAILED;
  }
}

gboolean
caiman_error_to_gio (GError **error)
{
  if (!error || !*error || (*error)->domain != CAIMAN_ERROR)
    return FALSE;
  GIOErrorEnum code = caiman_reason_to_gio_error ((CaimanReason)(*error)->code);
  (*error)->domain = G_IO_ERROR;
  (*error)->code = (gint)code;
  return FALSE;
}
