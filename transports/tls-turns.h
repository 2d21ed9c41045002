/* SPDX-License-Identifier: Apache-2.0 */
/* tls-turns.h - how many TLS handshakes of accepted connections are made at a time, for each
 * network and in all.
 *
 * GIO makes each in a thread of a pool that begins with ten and grows slowly, and anybody may begin
 * one and leave it hanging. So each network has a few turns at a time, in order of arrival, and
 * who has all of his hanging holds up nobody else. When all turns together are taken, the next one
 * goes to the network that has the fewest, and among these to who has waited longest; and those who
 * have had theirs for a while give it up (caiman_tls_turns_are_crowded()). Of the loop's thread
 * alone, like the loop. */
#pragma once

#include "address.h"

G_BEGIN_DECLS

/* Embedded by its user, who sets @begin. */
typedef struct _CaimanTlsTurn CaimanTlsTurn;
struct _CaimanTlsTurn {
  void (*begin) (CaimanTlsTurn *turn); /* its turn has come */
  /* The rest is its own business. */
  char network[CAIMAN_ADDRESS_TEXT_BYTES];
  GList node; /* its data is set while it waits */
  guint64 arrival;
  gboolean active;
};

/* Calls begin() now, or from the end of another turn. @fd is the connection's socket. */
void caiman_tls_turn_await (CaimanTlsTurn *turn, int fd);

/* It is over, or not wanted any more; does nothing when it is neither waiting nor under way. */
void caiman_tls_turn_end (CaimanTlsTurn *turn);

/* TRUE while somebody waits whose network has turns left: they are all taken. */
gboolean caiman_tls_turns_are_crowded (void);

/* Whether it waits still. */
gboolean caiman_tls_turn_is_waiting (const CaimanTlsTurn *turn);

G_END_DECLS
