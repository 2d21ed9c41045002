/* SPDX-License-Identifier: Apache-2.0 */
/* queue.c - the ring, its limit, tail-drop and drop-head (queue.h). */
#include "sim/queue.h"

#include "sim/rate.h"

#define RING_MIN 16

/* Thresholds in bytes, with the fraction of the average, stay within 64 bits. */
#define RED_THRESHOLD_MAX G_GINT64_CONSTANT (1000000000000)
#define CODEL_TIME_MAX_NS (3600 * CAIMAN_NS_PER_S)

const char *
sim_drop_cause_to_string (SimDropCause cause)
{
  static const char *const names[] = { "none", "loss",    "full",      "early",
                                       "mtu",  "too-big", "blackhole", "flushed" };
  G_STATIC_ASSERT (G_N_ELEMENTS (names) == SIM_N_DROP_CAUSES);

  return names[cause];
}

gboolean
sim_queue_limit_is_valid (const SimQueueLimit *limit)
{
  return (guint)limit->unit <= SIM_QUEUE_PACKETS &&
         (limit->unit == SIM_QUEUE_UNLIMITED || limit->value > 0);
}

gboolean
sim_discipline_is_valid (const SimDiscipline *d)
{
  switch (d->kind) {
  case SIM_DISCIPLINE_TAIL_DROP:
  case SIM_DISCIPLINE_DROP_HEAD:
    return TRUE;
  case SIM_DISCIPLINE_CODEL:
    return d->target_ns > 0 && d->target_ns <= d->interval_ns &&
           d->interval_ns <= CODEL_TIME_MAX_NS;
  case SIM_DISCIPLINE_RED:
    return (d->red_unit == SIM_QUEUE_BYTES || d->red_unit == SIM_QUEUE_PACKETS) && d->red_min > 0 &&
           d->red_min < d->red_max && d->red_max <= RED_THRESHOLD_MAX &&
           d->red_max_ppb <= 1000000000;
  }
  return FALSE;
}

gboolean
sim_discipline_is_equal (const SimDiscipline *a, const SimDiscipline *b)
{
  return a->kind == b->kind && a->target_ns == b->target_ns && a->interval_ns == b->interval_ns &&
         a->red_unit == b->red_unit && a->red_min == b->red_min && a->red_max == b->red_max &&
         a->red_max_ppb == b->red_max_ppb && a->red_gentle == b->red_gentle;
}

void
sim_queue_init (SimQueue *queue, const CaimanPrng *prng, SimQueueDropFunc dropped,
                gpointer user_data)
{
  *queue = (SimQueue) { .limit_work = -1,
                        .prng = *prng,
                        .dropped = dropped,
                        .user_data = user_data,
                        .red = { .count = -1, .idle_since_ns = -1 } };
}

void
sim_queue_clear (SimQueue *queue)
{
  g_free (queue->ring);
  queue->ring = NULL;
}

void
sim_queue_set (SimQueue *queue, const SimQueueLimit *limit, const SimDiscipline *discipline,
               gint64 rate_bps)
{
  gboolean is_timed = limit->unit == SIM_QUEUE_TIME && rate_bps != SIM_RATE_UNLIMITED;
  gint64 packet_ns =
      rate_bps == SIM_RATE_UNLIMITED ? 0 : 1500 * SIM_WORK_PER_BYTE / MAX (rate_bps, 1);

  queue->limit = *limit;
  queue->limit_work = is_timed ? (__int128)limit->value * rate_bps : -1;
  if (!sim_discipline_is_equal (&queue->discipline, discipline)) {
    gint64 idle_since_ns = queue->red.idle_since_ns;
    queue->discipline = *discipline;
    queue->codel = (SimCodel) { 0 };
    queue->red = (SimRed) { .count = -1, .idle_since_ns = idle_since_ns };
  }
  queue->red.packet_ns = packet_ns;
}

/* Whether a packet of @size_bytes fits behind @n_packets of @bytes together. */
static gboolean
fits (const SimQueue *queue, guint32 size_bytes, guint n_packets, gsize bytes,
      const SimService *service)
{
  gsize held_bytes = bytes + service->bytes;

  switch (queue->limit.unit) {
  case SIM_QUEUE_TIME:
    return queue->limit_work < 0 ||
           service->work_left + (__int128)bytes * SIM_WORK_PER_BYTE <= queue->limit_work;
  case SIM_QUEUE_BYTES:
    return held_bytes == 0 || held_bytes + size_bytes <= (guint64)queue->limit.value;
  case SIM_QUEUE_PACKETS:
    return (gint64)n_packets + (service->bytes > 0) < queue->limit.value;
  case SIM_QUEUE_UNLIMITED:
    break;
  }
  return TRUE;
}

static gboolean
has_room (const SimQueue *queue, guint32 size_bytes, const SimService *service)
{
  return fits (queue, size_bytes, queue->n_packets, queue->bytes, service);
}

static void
grow (SimQueue *queue)
{
  guint size = MAX (RING_MIN, queue->ring_size * 2);
  SimQueued *ring = g_new (SimQueued, size);

  for (guint i = 0; i < queue->n_packets; i++)
    ring[i] = queue->ring[(queue->first + i) & (queue->ring_size - 1)];
  g_free (queue->ring);
  queue->ring = ring;
  queue->ring_size = size;
  queue->first = 0;
}

static void
push (SimQueue *queue, const SimQueued *queued)
{
  if (queue->n_packets == queue->ring_size)
    grow (queue);
  queue->ring[(queue->first + queue->n_packets++) & (queue->ring_size - 1)] = *queued;
  queue->bytes += queued->wire_bytes;
}

gboolean
sim_queue_pop (SimQueue *queue, SimQueued *queued_out)
{
  if (queue->n_packets == 0)
    return FALSE;
  *queued_out = queue->ring[queue->first];
  queue->first = (queue->first + 1) & (queue->ring_size - 1);
  queue->n_packets--;
  queue->bytes -= queued_out->wire_bytes;
  return TRUE;
}

static void
drop_head (SimQueue *queue)
{
  SimQueued oldest;

  if (sim_queue_pop (queue, &oldest))
    queue->dropped (queue->user_data, &oldest, SIM_DROP_FULL);
}

SimDropCause
sim_queue_put (SimQueue *queue, const SimQueued *queued, const SimService *service, gint64 now_ns)
{
  guint32 size_bytes = queued->wire_bytes;

  if (queue->discipline.kind == SIM_DISCIPLINE_RED &&
      sim_red_is_early_drop (queue, service, now_ns))
    return SIM_DROP_EARLY;
  if (!has_room (queue, size_bytes, service)) {
    if (queue->discipline.kind != SIM_DISCIPLINE_DROP_HEAD ||
        !fits (queue, size_bytes, 0, 0, service))
      return SIM_DROP_FULL;
    while (!has_room (queue, size_bytes, service))
      drop_head (queue);
  }
  queue->red.idle_since_ns = -1;
  queue->codel.packet_max_bytes = MAX (queue->codel.packet_max_bytes, size_bytes);
  push (queue, queued);
  return SIM_DROP_NONE;
}

gboolean
sim_queue_take (SimQueue *queue, SimQueued *queued_out, gint64 now_ns)
{
  if (queue->discipline.kind == SIM_DISCIPLINE_CODEL)
    return sim_codel_take (queue, queued_out, now_ns);
  return sim_queue_pop (queue, queued_out);
}

void
sim_queue_note_idle (SimQueue *queue, gint64 now_ns)
{
  queue->red.idle_since_ns = now_ns;
}

void
sim_queue_purge (SimQueue *queue, SimFeed *feed, SimDropCause cause)
{
  guint n_packets = queue->n_packets;
  SimQueued queued;

  for (guint i = 0; i < n_packets; i++) {
    sim_queue_pop (queue, &queued);
    if (queued.feed == feed)
      queue->dropped (queue->user_data, &queued, cause);
    else
      push (queue, &queued);
  }
}
