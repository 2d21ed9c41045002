/* SPDX-License-Identifier: Apache-2.0 */
/* handshakes.h - the links of a server that are in their handshake: how many there may be, which is
 * due next, and which has something to send.
 *
 * Strangers decide how many there are and how long each stays quiet. So nothing goes through all of
 * them: counts are kept per network, what can be sent is in a list, and as the time-out of all is
 * the same, the oldest is the next one due. Guarantee: no call takes longer because of links that
 * are quiet. */
#pragma once

#include "config.h"
#include "link.h"

G_BEGIN_DECLS

typedef struct {
  GQueue links;         /* of CaimanLink, owned, in the order of their deadlines */
  GQueue ready;         /* of CaimanLink */
  GHashTable *networks; /* char* -> number of @links with that remote network */
} CaimanHandshakes;

void caiman_handshakes_init (CaimanHandshakes *handshakes);
/* There must be no link left. */
void caiman_handshakes_clear (CaimanHandshakes *handshakes);

/* May one more begin, as far as @network (nullable) goes, and in all? See
 * caiman_server_add_link(). */
gboolean caiman_handshakes_has_room_for (const CaimanHandshakes *handshakes,
                                         const CaimanConfig *config, const char *network);
gboolean caiman_handshakes_is_full (const CaimanHandshakes *handshakes, const CaimanConfig *config);

/* Adds @link (transfer full), whose deadline is not before that of any other. */
void caiman_handshakes_add (CaimanHandshakes *handshakes, CaimanLink *link);
/* Takes it out again; the reference is the caller's then. */
void caiman_handshakes_remove (CaimanHandshakes *handshakes, CaimanLink *link);

/* @link may have something to send, or to be closed: it is in the list until it is taken out. */
void caiman_handshakes_set_ready (CaimanHandshakes *handshakes, CaimanLink *link, gboolean ready);
CaimanLink *caiman_handshakes_get_ready (const CaimanHandshakes *handshakes); /* NULL: none */

/* The one with the earliest deadline, or NULL. */
CaimanLink *caiman_handshakes_get_oldest (const CaimanHandshakes *handshakes);

G_END_DECLS
