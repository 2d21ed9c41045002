/* SPDX-License-Identifier: Apache-2.0 */
/* lost-time.h - where a bulk transfer lost time against the fluid bound, for one direction.
 *
 * The time lost is real minus ideal time. In that time the links had capacity which did not carry
 * the payload for the first time. This module adds that capacity up by cause, in intervals of at
 * most 10 ms or between two changes of what is below, and shares the lost time out in proportion,
 * so that the parts always sum up to the whole:
 *
 *   resend        carried bytes that had been sent before (resent, or duplicated on purpose)
 *   framing       carried bytes that are no payload: frame headers, acknowledgements, control
 *   detection     unused on any link, from the start of a fault until the sender has noticed it
 *                 (suspects the link, takes it for not working, or lost it), or its end
 *   ramp-up       unused on a link before it was first in full use (90 % of an interval)
 *   head-of-line  unused while nothing was delivered because what has arrived waits behind a gap
 *   idle          unused for any other reason: windows, flow control, the scheduler's choice, the
 * end
 *
 * An unused interval has the first cause that fits, in this order. A link is in use for as long as
 * it takes, at its capacity, to carry what the sender has given to it. */
#pragma once

#include "core/types.h"

G_BEGIN_DECLS

typedef enum {
  LOST_RAMP_UP,
  LOST_HEAD_OF_LINE,
  LOST_DETECTION,
  LOST_RESEND,
  LOST_FRAMING,
  LOST_IDLE,
  LOST_N_CAUSES
} LostCause;

typedef enum {
  LOST_SENT_PAYLOAD, /* for the first time */
  LOST_SENT_AGAIN,
  LOST_SENT_FRAMING,
} LostSent;

typedef struct _LostTime LostTime;

LostTime *lost_time_new (gsize n_links);

/* Accepts NULL. */
void lost_time_free (LostTime *lost);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LostTime, lost_time_free)

/* ---- facts, in the order of time ---- */

/* Whether the clock of a bulk flow runs: only then anything is lost. Initially FALSE. */
void lost_time_set_active (LostTime *lost, gboolean active, gint64 now_ns);

void lost_time_set_capacity (LostTime *lost, gsize link, gint64 rate_bps, gint64 delay_ns,
                             gint64 now_ns);

/* The sender gave @bytes to @link. */
void lost_time_sent (LostTime *lost, gsize link, LostSent what, gint64 bytes, gint64 now_ns);

/* What was given to @link and has not left is gone. */
void lost_time_dropped (LostTime *lost, gsize link, gint64 now_ns);

/* A fault on @link begins that its sender has not noticed; it has noticed it, or it is over. */
void lost_time_fault (LostTime *lost, gsize link, gint64 now_ns);
void lost_time_noticed (LostTime *lost, gsize link, gint64 now_ns);

/* The receiver holds @bytes behind a gap. */
void lost_time_set_reorder (LostTime *lost, gint64 bytes, gint64 now_ns);
void lost_time_delivered (LostTime *lost, gint64 now_ns);

/* ---- answers ---- */

/* Shares @lost_ns (real minus ideal; below 0 counts as 0) out over the causes. */
void lost_time_share (const LostTime *lost, gint64 lost_ns, gint64 parts_ns_out[LOST_N_CAUSES]);

/* Bytes of framing that were sent while the clock ran. */
gint64 lost_time_get_framing_bytes (const LostTime *lost);

/* Static: "ramp-up", "head-of-line", ... */
const char *lost_cause_to_string (LostCause cause);

G_END_DECLS
