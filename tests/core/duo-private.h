/* SPDX-License-Identifier: Apache-2.0 */
/* duo-private.h - what duo.c (links and time) and duo-verbs.c (application, log, expectations)
 * share. */
#pragma once

#include "tests/core/duo.h"

G_BEGIN_DECLS

/* Something on its way; @bytes NULL: the end of the stream, because of @end_reason. */
typedef struct {
  gint64 arrival_ns;
  GBytes *bytes;
  CaimanReason end_reason;
} DuoParcel;

/* One end of a link. */
typedef struct {
  CaimanLink *link; /* (owned) NULL: closed, or played by the test */
  gboolean raw;
  CaimanReason close_reason;
  GQueue inbox; /* of DuoParcel: on the way to this end */
  gsize inbox_bytes;
  gboolean stalled; /* nothing reaches this end */
} DuoEnd;

typedef struct {
  Duo *duo;
  guint number;
  gint64 delay_ns;
  DuoLinkLimits limits;
  DuoEnd ends[DUO_N_SIDES];
} DuoLink;

static inline DuoSide
duo_other_side (DuoSide side)
{
  return side == DUO_CLIENT ? DUO_SERVER : DUO_CLIENT;
}

static inline DuoLink *
duo_get_duo_link (Duo *d, guint number)
{
  g_assert_cmpuint (number, >=, 1);
  g_assert_cmpuint (number, <=, d->links->len);
  return d->links->pdata[number - 1];
}

/* Sends of what @side was offered as much as there is room for. */
void duo_offer_more (Duo *d, DuoSide side);
/* Both directions of @connection begin with @seq. */
void duo_set_first_seq (CaimanConnection *connection, guint32 seq);

G_END_DECLS
