/* SPDX-License-Identifier: Apache-2.0 */
/* error.h - why something ended: one list for links, connections, events and GError codes.
 *
 * Each reason has a stable kebab-case name (caiman_reason_to_string()), which is what scenario
 * files, the database and the tools use. */
#pragma once

#include "types.h"

G_BEGIN_DECLS

#define CAIMAN_ERROR (caiman_error_quark ())
GQuark caiman_error_quark (void);

typedef enum {
  CAIMAN_REASON_NONE, /* nothing is wrong: "none" */

  /* Ends of a connection (PROTOCOL.md, 4 to 6). */
  CAIMAN_REASON_FINISHED,            /* graceful: both directions are finished */
  CAIMAN_REASON_TERMINATED,          /* Terminate, sent or received */
  CAIMAN_REASON_ALL_LINKS_FAILED,    /* no working link for no-link-timeout */
  CAIMAN_REASON_SERVER_ID_MISMATCH,  /* another server answers: it was restarted */
  CAIMAN_REASON_CLOSED,              /* Refused 1: the server no longer knows the connection */
  CAIMAN_REASON_NOT_LISTENING,       /* Refused 2 */
  CAIMAN_REASON_REFUSED,             /* Refused 3: the application refused the connection */
  CAIMAN_REASON_PROTOCOL_ERROR,      /* the peer broke a rule that ends the connection */
  CAIMAN_REASON_TERMINATION_TIMEOUT, /* closing did not complete within termination-timeout */

  /* Ends and downgrades of a link. */
  CAIMAN_REASON_LINK_REFUSED,        /* Refused 4: the peer's link filter */
  CAIMAN_REASON_LINK_FILTERED,       /* our own link filter, or links-max, closed it */
  CAIMAN_REASON_LINK_RESET,          /* the transport was reset (RST) */
  CAIMAN_REASON_LINK_CLOSED,         /* the transport ended (FIN) without Goodbye */
  CAIMAN_REASON_LINK_DOWN,           /* the local interface went down */
  CAIMAN_REASON_LINK_IO_ERROR,       /* any other transport error */
  CAIMAN_REASON_LINK_FRAME_ERROR,    /* frame too big, out of sequence or checksum wrong (2) */
  CAIMAN_REASON_LINK_TLS_ERROR,      /* no TLS with this peer, or its certificate is not accepted */
  CAIMAN_REASON_LINK_BAD_MESSAGE,    /* a message that cannot be parsed (3) */
  CAIMAN_REASON_LINK_DISCONNECTED,   /* Goodbye asked for here */
  CAIMAN_REASON_LINK_GOODBYE,        /* Goodbye asked for by the peer */
  CAIMAN_REASON_LINK_REPLACED,       /* a fresh link over the same path took its place */
  CAIMAN_REASON_CONNECT_REFUSED,     /* the transport could not connect: refused */
  CAIMAN_REASON_CONNECT_TIMEOUT,     /* the transport could not connect in time */
  CAIMAN_REASON_HANDSHAKE_TIMEOUT,   /* not done within handshake-timeout */
  CAIMAN_REASON_PING_TIMEOUT,        /* no Pong within ping-timeout */
  CAIMAN_REASON_SEND_TIMEOUT,        /* a send made no progress for ping-timeout */
  CAIMAN_REASON_NON_WORKING_TIMEOUT, /* unconfirmed for longer than non-working-timeout */
  CAIMAN_REASON_ACK_TIMEOUT,         /* an acknowledgement is overdue */
  CAIMAN_REASON_TEST_FAILED,         /* the link test did not pass within the limits */
  CAIMAN_REASON_TOO_SLOW,            /* RTT above max-ping or far above the best link's */
  CAIMAN_REASON_SUSPECTED,           /* silent for longer than the probe time-out */
  CAIMAN_REASON_BLOCKED_LOCAL,       /* blocked by the local application */
  CAIMAN_REASON_BLOCKED_REMOTE,      /* blocked by the peer */
  CAIMAN_REASON_QUOTA,               /* the link's quota for this period is used up */
  CAIMAN_REASON_CONNECTION_ENDED,    /* the whole connection ended */

  /* What a call can report. */
  CAIMAN_REASON_WOULD_BLOCK,      /* no room now, or nothing to read */
  CAIMAN_REASON_SEND_FINISHED,    /* this side has closed its sender */
  CAIMAN_REASON_RECEIVER_DROPPED, /* the peer has dropped its receiver (ReceiveFinish) */
  CAIMAN_REASON_MESSAGE_TOO_LARGE,
  CAIMAN_REASON_INVALID_ARGUMENT,
  CAIMAN_REASON_IO_ERROR, /* a call to the operating system failed */

  CAIMAN_N_REASONS
} CaimanReason;

/* A static kebab-case name, e.g. "all-links-failed"; "unknown" outside the list. */
const char *caiman_reason_to_string (CaimanReason reason);

/* TRUE and *@reason_out when @name is a name of the list; else FALSE, *@reason_out untouched. */
gboolean caiman_reason_from_string (const char *name, CaimanReason *reason_out);

G_END_DECLS
