/* SPDX-License-Identifier: Apache-2.0 */
/* scheduler.h - which link carries what: the policies' interface, and what they share.
 *
 * A policy chooses; send.c acts. All choices skip links that are not working, blocked, over their
 * quota, or of a cost that is not allowed now (caiman_scheduler_can_carry()). Two groups of hooks:
 * pick_*() decide and change nothing that matters, the others are facts.
 *
 * Cost: links of the lowest cost among those that can be used are always allowed. When demand has
 * been unmet for cost-delay, the next higher cost is allowed, too; when the cheaper links could
 * carry the recent rate by themselves again, it no longer is. */
#pragma once

#include "broken.h"
#include "connection-private.h"

G_BEGIN_DECLS

struct _CaimanScheduler {
  const char *name;
  gboolean uses_control; /* windows and suspicion by link-control.c */

  /* The link for the next new data of @head_bytes (stream: all that waits); NULL: wait. */
  CaimanLink *(*pick_data) (CaimanConnection *connection, gsize head_bytes, gboolean is_stream);
  /* The link for @message, which must or should be sent again; NULL: wait. */
  CaimanLink *(*pick_resend) (CaimanConnection *connection, const CaimanOutMessage *message);
  /* The link for a small reliable control message; NULL: none can carry it now. */
  CaimanLink *(*pick_control) (CaimanConnection *connection);
  /* (nullable) Something already sent that should go out again on *@link_out although its link is
   * not suspected; asked when nothing else can be sent. NULL: nothing. */
  CaimanOutMessage *(*pick_duplicate) (CaimanConnection *connection, CaimanLink **link_out);

  /* Facts (nullable). */
  void (*link_working) (CaimanLink *link);     /* has started to work */
  void (*link_not_working) (CaimanLink *link); /* has stopped */
  void (*sent) (CaimanLink *link, guint32 seq, gsize bytes);
  void (*acked) (CaimanLink *link, const CaimanTransmission *transmission, gboolean new_round);
  /* Data waits and pick_data() said NULL. TRUE: something has changed, ask again. */
  gboolean (*starved) (CaimanConnection *connection);
  void (*advance) (CaimanConnection *connection); /* timers of the policy */
  gint64 (*get_deadline) (const CaimanConnection *connection);
};

extern const CaimanScheduler caiman_scheduler_adaptive;
extern const CaimanScheduler caiman_scheduler_min_rtt;
extern const CaimanScheduler caiman_scheduler_round_robin;
extern const CaimanScheduler caiman_scheduler_redundant;
extern const CaimanScheduler caiman_scheduler_reference;

const CaimanScheduler *caiman_scheduler_get (CaimanPolicy policy);

/* May carry reliable messages at all, room or not. Suspected links may only while no other can. */
gboolean caiman_scheduler_can_carry (const CaimanLink *link);
/* Can carry, is writable, and its window has room. */
gboolean caiman_scheduler_can_take (const CaimanLink *link);
/* Working, not blocked and within quota, whatever its cost. */
static inline gboolean
caiman_scheduler_is_usable (const CaimanLink *link)
{
  gboolean blocked =
      !caiman_is_broken (CAIMAN_BREAK_SEND_ON_BLOCKED) && caiman_link_is_blocked (link);
  return link->state == CAIMAN_LINK_WORKING && !blocked;
}

/* Keeps the books of weight and cost; send.c calls them. Cost: @starved when data waits that no
 * allowed link can take, else when nothing waits, or not for a link. */
void caiman_scheduler_note_sent (CaimanLink *link, gsize bytes);
void caiman_scheduler_update_cost (CaimanConnection *connection, gboolean starved);
gint64 caiman_scheduler_get_cost_deadline (const CaimanConnection *connection);

/* The choice by weight among @n links that could all take it: least sent per weight. */
CaimanLink *caiman_scheduler_pick_by_weight (CaimanLink *const *links, gsize n);
/* The same among all links that could take something now; NULL when their weights are equal. */
CaimanLink *caiman_scheduler_pick_weighted (CaimanConnection *connection);

/* link-control.c: window and suspicion. */
void caiman_control_link_working (CaimanLink *link);
void caiman_control_link_not_working (CaimanLink *link);
/* The transport has told what it knows (link->hint). */
void caiman_control_hinted (CaimanLink *link);
void caiman_control_acked (CaimanLink *link, const CaimanTransmission *transmission,
                           gboolean new_round);
/* A suspicion was cleared by an acknowledgement: the link earns patience for a while. */
void caiman_control_suspected_in_vain (CaimanLink *link);
void caiman_control_advance (CaimanConnection *connection);
gint64 caiman_control_get_deadline (const CaimanConnection *connection);
/* Delivery rate in bit/s, or the rate of a start window per round trip while none is known. */
gint64 caiman_control_get_rate (const CaimanLink *link);
/* Bandwidth-delay product in bytes; the start window while rate or RTT is unknown. */
gint64 caiman_control_get_bdp (const CaimanLink *link);

/* Expected time from now until @bytes sent on @link now have arrived at the peer, in ns. */
gint64 caiman_control_get_arrival (const CaimanLink *link, gsize bytes);

G_END_DECLS
