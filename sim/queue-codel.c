/* SPDX-License-Identifier: Apache-2.0 */
/* queue-codel.c - Controlled Delay (RFC 8289): a decision each time a packet is to be served.
 *
 * The square root is an integer one, so that no rounding of a floating-point unit decides. */
#include "sim/queue.h"

/* RFC 8289, 5.5: what was dropped last time still counts if that was less long ago. */
#define RECENT_INTERVALS 16

/* floor (sqrt (@n)), bit by bit. */
static guint64
square_root (guint64 n)
{
  guint64 root = 0;

  for (guint64 bit = G_GUINT64_CONSTANT (1) << 62; bit > 0; bit >>= 2) {
    if (n >= root + bit) {
      n -= root + bit;
      root = (root >> 1) + bit;
    } else {
      root >>= 1;
    }
  }
  return root;
}

/* When to drop next: an interval / sqrt (count) after @t_ns. */
static gint64
control_law (SimQueue *queue, gint64 t_ns)
{
  SimCodel *codel = &queue->codel;

  if (codel->spacing_count != codel->count) {
    /* sqrt (count) x 2^16 */
    guint64 root = square_root ((guint64)codel->count << 32);
    codel->spacing_count = codel->count;
    codel->spacing_ns =
        caiman_muldiv (queue->discipline.interval_ns, 1 << 16, (gint64)MAX (root, 1));
  }
  return t_ns + codel->spacing_ns;
}

/* Takes the next packet; *@ok_to_drop_out: it has waited too long for too long. */
static gboolean
take_one (SimQueue *queue, SimQueued *out, gint64 now_ns, gboolean *ok_to_drop_out)
{
  SimCodel *codel = &queue->codel;

  *ok_to_drop_out = FALSE;
  if (!sim_queue_pop (queue, out)) {
    codel->first_above_ns = 0;
    return FALSE;
  }
  if (now_ns - out->enqueued_ns < queue->discipline.target_ns ||
      queue->bytes <= codel->packet_max_bytes)
    codel->first_above_ns = 0;
  else if (codel->first_above_ns == 0)
    codel->first_above_ns = now_ns + queue->discipline.interval_ns;
  else
    *ok_to_drop_out = now_ns >= codel->first_above_ns;
  return TRUE;
}

/* One that is being dropped for is followed by the next, as long as the law says so. */
static gboolean
go_on_dropping (SimQueue *queue, SimQueued *out, gint64 now_ns, gboolean ok_to_drop)
{
  SimCodel *codel = &queue->codel;
  gboolean taken = TRUE;

  codel->dropping = ok_to_drop;
  while (codel->dropping && now_ns >= codel->next_drop_ns) {
    queue->dropped (queue->user_data, out, SIM_DROP_EARLY);
    codel->count++;
    taken = take_one (queue, out, now_ns, &ok_to_drop);
    if (ok_to_drop)
      codel->next_drop_ns = control_law (queue, codel->next_drop_ns);
    else
      codel->dropping = FALSE;
  }
  return taken;
}

static gboolean
begin_dropping (SimQueue *queue, SimQueued *out, gint64 now_ns)
{
  SimCodel *codel = &queue->codel;
  guint32 delta = codel->count - codel->last_count;
  gboolean recent = now_ns - codel->next_drop_ns < RECENT_INTERVALS * queue->discipline.interval_ns;
  gboolean ok_to_drop, taken;

  queue->dropped (queue->user_data, out, SIM_DROP_EARLY);
  taken = take_one (queue, out, now_ns, &ok_to_drop);
  codel->dropping = TRUE;
  codel->count = delta > 1 && recent ? delta : 1;
  codel->next_drop_ns = control_law (queue, now_ns);
  codel->last_count = codel->count;
  return taken;
}

gboolean
sim_codel_take (SimQueue *queue, SimQueued *out, gint64 now_ns)
{
  gboolean ok_to_drop;

  if (!take_one (queue, out, now_ns, &ok_to_drop)) {
    queue->codel.dropping = FALSE;
    return FALSE;
  }
  if (queue->codel.dropping)
    return go_on_dropping (queue, out, now_ns, ok_to_drop);
  return ok_to_drop ? begin_dropping (queue, out, now_ns) : TRUE;
}
