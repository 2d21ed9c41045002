/* SPDX-License-Identifier: Apache-2.0 */
/* queue.h - the queue in front of a bottleneck: its limit, and what it drops.
 *
 * Disciplines
 * - tail-drop: a packet that does not fit is dropped.
 * - drop-head: the oldest packets are dropped until it fits.
 * - codel: RFC 8289. Looks at how long a packet has waited when it leaves; when that has been above
 *   the target for an interval, drops, the more often the longer it lasts. Full: tail-drop.
 * - red: Floyd and Jacobson 1993, in packets or bytes, with the "gentle" variant. Looks at the
 *   average queue when a packet comes. Full: tail-drop.
 * The packet in service has left the queue for codel and counts as queued for all limits. */
#pragma once

#include "core/prng.h"
#include "sim/packet.h"

G_BEGIN_DECLS

typedef enum {
  SIM_QUEUE_UNLIMITED,
  SIM_QUEUE_TIME,    /* value in ns at the current rate (a trace: at its mean rate) */
  SIM_QUEUE_BYTES,   /* value in bytes */
  SIM_QUEUE_PACKETS, /* value in packets */
} SimQueueUnit;

typedef struct {
  SimQueueUnit unit;
  gint64 value; /* > 0 unless unlimited */
} SimQueueLimit;

typedef enum {
  SIM_DISCIPLINE_TAIL_DROP,
  SIM_DISCIPLINE_DROP_HEAD,
  SIM_DISCIPLINE_CODEL,
  SIM_DISCIPLINE_RED,
} SimDisciplineKind;

/* RFC 8289's defaults. */
#define SIM_CODEL_TARGET_DEFAULT_NS   (5 * CAIMAN_NS_PER_MS)
#define SIM_CODEL_INTERVAL_DEFAULT_NS (100 * CAIMAN_NS_PER_MS)

typedef struct {
  SimDisciplineKind kind;
  /* codel: both > 0, at most an hour; target <= interval */
  gint64 target_ns;
  gint64 interval_ns;
  /* red: thresholds of the average queue, 0 < min < max, both in bytes or both in packets, and
   * the probability at max; gentle: from there it rises to 1 at 2 x max, else it is 1 at once */
  SimQueueUnit red_unit;
  gint64 red_min;
  gint64 red_max;
  guint32 red_max_ppb;
  gboolean red_gentle;
} SimDiscipline;

gboolean sim_queue_limit_is_valid (const SimQueueLimit *limit);
gboolean sim_discipline_is_valid (const SimDiscipline *discipline);

G_END_DECLS
