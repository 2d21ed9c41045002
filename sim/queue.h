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
gboolean sim_discipline_is_equal (const SimDiscipline *a, const SimDiscipline *b);

/* ---- the queue itself: for bottleneck.c and the queue's tests ---- */

/* Whose a packet is; NULL for cross traffic. */
typedef struct _SimFeed SimFeed;

typedef struct {
  SimPacket packet;
  SimFeed *feed;
  gint64 enqueued_ns;
  guint32 wire_bytes; /* what it takes in the queue and on the wire */
} SimQueued;

/* What is on the wire behind the queue. */
typedef struct {
  guint32 bytes;      /* of the packet in service; 0: none is */
  __int128 work_left; /* of it (rate.h), or more */
} SimService;

typedef void (*SimQueueDropFunc) (gpointer user_data, const SimQueued *queued, SimDropCause cause);

typedef struct {
  gint64 first_above_ns; /* when the wait will have been above the target for an interval; 0: it
                            is below */
  gint64 next_drop_ns;
  guint32 count;
  guint32 last_count;
  gint64 spacing_ns; /* interval / sqrt (spacing_count) */
  guint32 spacing_count;
  gboolean dropping;
  guint32 packet_max_bytes;
} SimCodel;

typedef struct {
  gint64 average;       /* x 2^SIM_RED_FRACTION_BITS */
  gint64 count;         /* packets since the last drop; -1: the average was below min */
  gint64 idle_since_ns; /* -1: not idle */
  gint64 packet_ns;     /* a packet of 1 500 bytes at the rate; 0: takes no time */
} SimRed;

#define SIM_RED_FRACTION_BITS 16
/* The weight of the present queue in the average is 2^-9: the paper's 0.002. */
#define SIM_RED_WEIGHT_BITS 9

typedef struct {
  SimQueueLimit limit;
  SimDiscipline discipline;
  __int128 limit_work; /* by time: the most work in front of a packet; < 0: no limit */
  CaimanPrng prng;
  SimQueueDropFunc dropped;
  gpointer user_data;

  SimQueued *ring;
  guint ring_size; /* a power of two */
  guint first;
  guint n_packets;
  gsize bytes;

  SimCodel codel;
  SimRed red;
} SimQueue;

/* @prng is copied. @dropped is told of packets that were in the queue. */
void sim_queue_init (SimQueue *queue, const CaimanPrng *prng, SimQueueDropFunc dropped,
                     gpointer user_data);
void sim_queue_clear (SimQueue *queue);

/* @rate_bps is what times are converted with. Another discipline starts afresh. */
void sim_queue_set (SimQueue *queue, const SimQueueLimit *limit, const SimDiscipline *discipline,
                    gint64 rate_bps);

/* NONE: it is in the queue, others may have been dropped; else it is not. */
SimDropCause sim_queue_put (SimQueue *queue, const SimQueued *queued, const SimService *service,
                            gint64 now_ns);

/* The next packet to be served. FALSE: the queue is empty (it may have dropped some). */
gboolean sim_queue_take (SimQueue *queue, SimQueued *queued_out, gint64 now_ns);

/* Nothing waits and nothing is in service any more. */
void sim_queue_note_idle (SimQueue *queue, gint64 now_ns);

/* Takes out all packets of @feed and tells dropped() with @cause. */
void sim_queue_purge (SimQueue *queue, SimFeed *feed, SimDropCause cause);

/* Parts in files of their own. */
gboolean sim_queue_pop (SimQueue *queue, SimQueued *queued_out);          /* queue.c */
gboolean sim_codel_take (SimQueue *queue, SimQueued *out, gint64 now_ns); /* queue-codel.c */
gboolean sim_red_is_early_drop (SimQueue *queue, const SimService *service,
                                gint64 now_ns); /* queue-red.c: @now_ns a packet comes */

G_END_DECLS
