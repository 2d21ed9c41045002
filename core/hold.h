/* SPDX-License-Identifier: Apache-2.0 */
/* hold.h - what keeps a sender from putting new data on a link at this moment.
 *
 * A pure question about the present state: asking changes nothing, neither what the connection does
 * next nor its trace. The answer is the first that applies of the list, which goes from the link
 * itself over the connection to the choice between links: so what speaks against a link itself is
 * told also while there is no data. After the owner has pulled all packets (connection.h), NONE is
 * the answer only for a link that would take the next data at once. */
#pragma once

#include "link.h"

G_BEGIN_DECLS

typedef enum {
  CAIMAN_HOLD_NONE, /* nothing: "none" */

  /* The link itself. */
  CAIMAN_HOLD_HANDSHAKE,      /* it is being opened */
  CAIMAN_HOLD_UNTESTED,       /* it must pass its test first */
  CAIMAN_HOLD_NOT_WORKING,    /* it stopped working (caiman_link_get_reason() tells why) */
  CAIMAN_HOLD_CLOSING,        /* it is being closed, or is */
  CAIMAN_HOLD_BLOCKED_LOCAL,  /* the own application blocked it */
  CAIMAN_HOLD_QUOTA,          /* its quota is used up */
  CAIMAN_HOLD_BLOCKED_REMOTE, /* the peer blocked it */
  CAIMAN_HOLD_SUSPECTED,      /* it is silent, and others are not */
  CAIMAN_HOLD_COST,           /* it costs more than links that are thought to suffice */

  /* The connection: no link gets new data. */
  CAIMAN_HOLD_NOT_OPEN,    /* it is not open yet, or ends */
  CAIMAN_HOLD_NO_DATA,     /* the application has offered nothing that is not sent */
  CAIMAN_HOLD_SEND_WINDOW, /* as much is unacknowledged as the own send buffer holds */
  CAIMAN_HOLD_PEER_WINDOW, /* as much is not consumed as the peer's receive buffer holds */
  CAIMAN_HOLD_SEQ_WINDOW,  /* as many messages are unacknowledged as may be */

  /* The choice between links. */
  CAIMAN_HOLD_BACK_PRESSURE, /* its transport takes nothing more now */
  CAIMAN_HOLD_LINK_WINDOW,   /* as much is in flight on it as its window allows */
  CAIMAN_HOLD_RESEND_FIRST,  /* what must be sent again goes first (policy `reference`) */
  CAIMAN_HOLD_BETTER_LINK,   /* what it took now would arrive later than over a link that will
                                have room in time */
  CAIMAN_N_HOLDS
} CaimanHold;

/* A static kebab-case name, e.g. "peer-window"; "unknown" outside the list. */
const char *caiman_hold_to_string (CaimanHold hold);

CaimanHold caiman_link_get_hold (const CaimanLink *link);

G_END_DECLS
