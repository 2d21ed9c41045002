/* SPDX-License-Identifier: Apache-2.0 */
/* error.c - the names of the reasons. */
#include "core/error.h"

#include <string.h>

GQuark
caiman_error_quark (void)
{
  return g_quark_from_static_string ("caiman-error-quark");
}

static const char *const reason_names[CAIMAN_N_REASONS] = {
  [CAIMAN_REASON_NONE] = "none",
  [CAIMAN_REASON_FINISHED] = "finished",
  [CAIMAN_REASON_TERMINATED] = "terminated",
  [CAIMAN_REASON_ALL_LINKS_FAILED] = "all-links-failed",
  [CAIMAN_REASON_SERVER_ID_MISMATCH] = "server-id-mismatch",
  [CAIMAN_REASON_CLOSED] = "closed",
  [CAIMAN_REASON_NOT_LISTENING] = "not-listening",
  [CAIMAN_REASON_REFUSED] = "refused",
  [CAIMAN_REASON_PROTOCOL_ERROR] = "protocol-error",
  [CAIMAN_REASON_TERMINATION_TIMEOUT] = "termination-timeout",
  [CAIMAN_REASON_LINK_REFUSED] = "link-refused",
  [CAIMAN_REASON_LINK_FILTERED] = "link-filtered",
  [CAIMAN_REASON_LINK_RESET] = "link-reset",
  [CAIMAN_REASON_LINK_CLOSED] = "link-closed",
  [CAIMAN_REASON_LINK_DOWN] = "link-down",
  [CAIMAN_REASON_LINK_IO_ERROR] = "link-io-error",
  [CAIMAN_REASON_LINK_FRAME_ERROR] = "link-frame-error",
  [CAIMAN_REASON_LINK_TLS_ERROR] = "link-tls-error",
  [CAIMAN_REASON_LINK_BAD_MESSAGE] = "link-bad-message",
  [CAIMAN_REASON_LINK_DISCONNECTED] = "link-disconnected",
  [CAIMAN_REASON_LINK_GOODBYE] = "link-goodbye",
  [CAIMAN_REASON_LINK_REPLACED] = "link-replaced",
  [CAIMAN_REASON_CONNECT_REFUSED] = "connect-refused",
  [CAIMAN_REASON_CONNECT_TIMEOUT] = "connect-timeout",
  [CAIMAN_REASON_HANDSHAKE_TIMEOUT] = "handshake-timeout",
  [CAIMAN_REASON_PING_TIMEOUT] = "ping-timeout",
  [CAIMAN_REASON_SEND_TIMEOUT] = "send-timeout",
  [CAIMAN_REASON_NON_WORKING_TIMEOUT] = "non-working-timeout",
  [CAIMAN_REASON_ACK_TIMEOUT] = "ack-timeout",
  [CAIMAN_REASON_TEST_FAILED] = "test-failed",
  [CAIMAN_REASON_TOO_SLOW] = "too-slow",
  [CAIMAN_REASON_SUSPECTED] = "suspected",
  [CAIMAN_REASON_BLOCKED_LOCAL] = "blocked-local",
  [CAIMAN_REASON_BLOCKED_REMOTE] = "blocked-remote",
  [CAIMAN_REASON_QUOTA] = "quota",
  [CAIMAN_REASON_CONNECTION_ENDED] = "connection-ended",
  [CAIMAN_REASON_WOULD_BLOCK] = "would-block",
  [CAIMAN_REASON_SEND_FINISHED] = "send-finished",
  [CAIMAN_REASON_RECEIVER_DROPPED] = "receiver-dropped",
  [CAIMAN_REASON_MESSAGE_TOO_LARGE] = "message-too-large",
  [CAIMAN_REASON_INVALID_ARGUMENT] = "invalid-argument",
  [CAIMAN_REASON_IO_ERROR] = "io-error",
};

const char *
caiman_reason_to_string (CaimanReason reason)
{
  if ((guint)reason >= CAIMAN_N_REASONS)
    return "unknown";
  return reason_names[reason];
}

gboolean
caiman_reason_from_string (const char *name, CaimanReason *reason_out)
{
  for (guint i = 0; i < CAIMAN_N_REASONS; i++) {
    if (strcmp (name, reason_names[i]) == 0) {
      *reason_out = (CaimanReason)i;
      return TRUE;
    }
  }
  return FALSE;
}
