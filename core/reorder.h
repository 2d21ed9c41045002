/* SPDX-License-Identifier: Apache-2.0 */
/* reorder.h - puts messages back in order, in bounded memory.
 *
 * Holds what arrived ahead of a gap. Guarantee: slots exist only for sequence numbers at most
 * CAIMAN_SEQ_WINDOW ahead of the next expected one, and at most @limit_bytes of payload are held;
 * what would exceed either is refused, never dropped silently. Sequence numbers are compared as
 * serial numbers (PROTOCOL.md, 5). */
#pragma once

#include "types.h"

G_BEGIN_DECLS

typedef struct _CaimanReorder CaimanReorder;

typedef enum {
  CAIMAN_REORDER_TAKEN,     /* new: kept (or ready to be popped) */
  CAIMAN_REORDER_DUPLICATE, /* seen before: acknowledge again, drop */
  CAIMAN_REORDER_TOO_FAR,   /* beyond CAIMAN_SEQ_WINDOW: protocol error */
  CAIMAN_REORDER_OVERFLOW,  /* more payload than @limit_bytes: protocol error */
} CaimanReorderVerdict;

/* What a slot holds. */
typedef enum {
  CAIMAN_REORDER_DATA,   /* a Data message's payload */
  CAIMAN_REORDER_FINISH, /* SendFinish: handled in order */
  CAIMAN_REORDER_DONE,   /* acted on at arrival (Consumed and so on): only fills the gap */
} CaimanReorderKind;

CaimanReorder *caiman_reorder_new (guint64 limit_bytes);

/* The same, with @first_seq as the first expected sequence number instead of 0. */
CaimanReorder *caiman_reorder_new_at (guint64 limit_bytes, guint32 first_seq);

/* Frees @reorder (nullable) and the payload in it. */
void caiman_reorder_free (CaimanReorder *reorder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanReorder, caiman_reorder_free)

/* Has @seq been inserted before (whether popped or not)? Says TAKEN when it would be new, without
 * inserting; DUPLICATE or TOO_FAR otherwise. */
CaimanReorderVerdict caiman_reorder_check (const CaimanReorder *reorder, guint32 seq);

/* Inserts. @payload (transfer full on TAKEN, else still the caller's; NULL unless DATA). The bytes
 * held in the buffer plus @other_bytes (what the caller holds already, in order but not consumed)
 * plus this payload must not exceed the limit, else OVERFLOW. */
CaimanReorderVerdict caiman_reorder_insert (CaimanReorder *reorder, guint32 seq,
                                            CaimanReorderKind kind, GBytes *payload,
                                            guint64 other_bytes);

/* Takes the next in-order entry. FALSE, outputs untouched, while it is missing. DONE entries are
 * returned, too. *@payload_out is (transfer full, nullable). */
gboolean caiman_reorder_pop (CaimanReorder *reorder, CaimanReorderKind *kind_out,
                             GBytes **payload_out);

/* The next expected sequence number. */
guint32 caiman_reorder_get_next_seq (const CaimanReorder *reorder);

/* Bytes of payload waiting, the most there ever were, and the number of entries waiting. */
guint64 caiman_reorder_get_bytes (const CaimanReorder *reorder);
guint64 caiman_reorder_get_peak_bytes (const CaimanReorder *reorder);
guint caiman_reorder_get_n_waiting (const CaimanReorder *reorder);

G_END_DECLS
