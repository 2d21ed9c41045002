/* SPDX-License-Identifier: Apache-2.0 */
/* hold.c - see hold.h. The order of the questions is that of caiman_connection_next_packet(). */
#include "core/hold.h"

#include "core/scheduler.h"

const char *
caiman_hold_to_string (CaimanHold hold)
{
  static const char *const names[CAIMAN_N_HOLDS] = {
    [CAIMAN_HOLD_NONE] = "none",
    [CAIMAN_HOLD_HANDSHAKE] = "handshake",
    [CAIMAN_HOLD_UNTESTED] = "untested",
    [CAIMAN_HOLD_NOT_WORKING] = "not-working",
    [CAIMAN_HOLD_CLOSING] = "closing",
    [CAIMAN_HOLD_BLOCKED_LOCAL] = "blocked-local",
    [CAIMAN_HOLD_BLOCKED_REMOTE] = "blocked-remote",
    [CAIMAN_HOLD_QUOTA] = "quota",
    [CAIMAN_HOLD_SUSPECTED] = "suspected",
    [CAIMAN_HOLD_COST] = "cost",
    [CAIMAN_HOLD_NOT_OPEN] = "not-open",
    [CAIMAN_HOLD_NO_DATA] = "no-data",
    [CAIMAN_HOLD_SEND_WINDOW] = "send-window",
    [CAIMAN_HOLD_PEER_WINDOW] = "peer-window",
    [CAIMAN_HOLD_SEQ_WINDOW] = "seq-window",
    [CAIMAN_HOLD_BACK_PRESSURE] = "back-pressure",
    [CAIMAN_HOLD_LINK_WINDOW] = "link-window",
    [CAIMAN_HOLD_RESEND_FIRST] = "resend-first",
    [CAIMAN_HOLD_BETTER_LINK] = "better-link",
  };
  return (guint)hold < CAIMAN_N_HOLDS ? names[hold] : "unknown";
}

static CaimanHold
get_link_hold (const CaimanLink *link)
{
  switch (link->state) {
  case CAIMAN_LINK_CONNECTING:
    return CAIMAN_HOLD_HANDSHAKE;
  case CAIMAN_LINK_NEW:
    return CAIMAN_HOLD_UNTESTED;
  case CAIMAN_LINK_NOT_WORKING:
    return CAIMAN_HOLD_NOT_WORKING;
  case CAIMAN_LINK_WORKING:
    break;
  default:
    return CAIMAN_HOLD_CLOSING;
  }
  if (link->blocked_local)
    return CAIMAN_HOLD_BLOCKED_LOCAL;
  if (link->blocked_quota)
    return CAIMAN_HOLD_QUOTA;
  return link->blocked_remote ? CAIMAN_HOLD_BLOCKED_REMOTE : CAIMAN_HOLD_NONE;
}

/* While all usable links are suspected, they are used. */
static gboolean
is_suspected_alone (const CaimanLink *link)
{
  const CaimanConnection *connection = link->connection;
  for (guint i = 0; link->suspected && i < connection->links->len; i++) {
    const CaimanLink *other = g_ptr_array_index (connection->links, i);
    if (caiman_scheduler_is_usable (other) && !other->suspected)
      return TRUE;
  }
  return FALSE;
}

/* Data waits and may go out: it is a matter of links. */
static CaimanHold
get_choice_hold (const CaimanLink *link)
{
  if (!link->writable)
    return CAIMAN_HOLD_BACK_PRESSURE;
  if (!caiman_scheduler_can_take (link))
    return CAIMAN_HOLD_LINK_WINDOW;
  if (!link->connection->waits_for_link)
    return CAIMAN_HOLD_NONE;
  /* The policy has looked at this link and decided to wait. */
  if (link->connection->scheduler == &caiman_scheduler_reference)
    return CAIMAN_HOLD_RESEND_FIRST;
  return CAIMAN_HOLD_BETTER_LINK;
}

CaimanHold
caiman_link_get_hold (const CaimanLink *link)
{
  const CaimanConnection *connection = link->connection;
  if (connection == NULL) /* the server's while it is opened, and nobody's once it is closed */
    return link->server ? CAIMAN_HOLD_HANDSHAKE : CAIMAN_HOLD_CLOSING;
  CaimanHold hold = get_link_hold (link);
  if (hold != CAIMAN_HOLD_NONE)
    return hold;
  if (is_suspected_alone (link))
    return CAIMAN_HOLD_SUSPECTED;
  if (!caiman_scheduler_can_carry (link))
    return CAIMAN_HOLD_COST;
  if (connection->state != CAIMAN_CONNECTION_OPEN)
    return CAIMAN_HOLD_NOT_OPEN;
  hold = caiman_connection_get_hold (connection);
  return hold != CAIMAN_HOLD_NONE ? hold : get_choice_hold (link);
}
