/* SPDX-License-Identifier: Apache-2.0 */
/* reorder.c - a ring of slots, indexed by the low bits of the sequence number.
 *
 * The ring starts empty, doubles when a sequence number lies beyond it, and is given back when it
 * has run empty after a long gap. Its size is a power of two and so divides 2^32: an entry's index
 * is continuous where sequence numbers wrap. */
#include "core/reorder.h"

#include "core/serial.h"

/* Slots of the first ring, and most slots that an empty buffer keeps. */
#define FIRST_SLOTS    64u
#define KEPT_SLOTS_MAX 1024u

struct _CaimanReorder {
  gconstpointer *slots; /* NULL: empty; a marker below; else an owned GBytes */
  guint n_slots;
  guint n_waiting;
  guint32 next_seq;
  guint64 limit_bytes;
  guint64 bytes;
  guint64 peak_bytes;
};

/* Their addresses stand for the kinds without payload, so that a slot takes one word. */
static const char finish_marker, done_marker;

CaimanReorder *
caiman_reorder_new (guint64 limit_bytes)
{
  return caiman_reorder_new_at (limit_bytes, 0);
}

CaimanReorder *
caiman_reorder_new_at (guint64 limit_bytes, guint32 first_seq)
{
  CaimanReorder *reorder = g_new0 (CaimanReorder, 1);
  reorder->limit_bytes = limit_bytes;
  reorder->next_seq = first_seq;
  return reorder;
}

static CaimanReorderKind
slot_get_kind (gconstpointer slot)
{
  if (slot == &finish_marker)
    return CAIMAN_REORDER_FINISH;
  if (slot == &done_marker)
    return CAIMAN_REORDER_DONE;
  return CAIMAN_REORDER_DATA;
}

void
caiman_reorder_free (CaimanReorder *reorder)
{
  if (!reorder)
    return;
  for (guint i = 0; i < reorder->n_slots; i++) {
    gconstpointer slot = reorder->slots[i];
    if (slot && slot_get_kind (slot) == CAIMAN_REORDER_DATA)
      g_bytes_unref ((GBytes *)slot);
  }
  g_free (reorder->slots);
  g_free (reorder);
}

static gconstpointer *
slot_of (const CaimanReorder *reorder, guint32 seq)
{
  return &reorder->slots[seq & (reorder->n_slots - 1)];
}

CaimanReorderVerdict
caiman_reorder_check (const CaimanReorder *reorder, guint32 seq)
{
  gint32 ahead = caiman_serial_diff (seq, reorder->next_seq);
  if (ahead < 0)
    return CAIMAN_REORDER_DUPLICATE;
  if ((guint32)ahead > CAIMAN_SEQ_WINDOW)
    return CAIMAN_REORDER_TOO_FAR;
  if ((guint32)ahead < reorder->n_slots && *slot_of (reorder, seq))
    return CAIMAN_REORDER_DUPLICATE;
  return CAIMAN_REORDER_TAKEN;
}

/* Doubles the ring until it reaches @ahead of the next expected sequence number. */
static void
grow (CaimanReorder *reorder, guint32 ahead)
{
  guint n_slots = MAX (reorder->n_slots, FIRST_SLOTS);
  while (n_slots <= ahead)
    n_slots *= 2;

  gconstpointer *slots = g_new0 (gconstpointer, n_slots);
  for (guint i = 0; i < reorder->n_slots; i++) {
    guint32 seq = reorder->next_seq + i;
    slots[seq & (n_slots - 1)] = *slot_of (reorder, seq);
  }
  g_free (reorder->slots);
  reorder->slots = slots;
  reorder->n_slots = n_slots;
}

CaimanReorderVerdict
caiman_reorder_insert (CaimanReorder *reorder, guint32 seq, CaimanReorderKind kind, GBytes *payload,
                       guint64 other_bytes)
{
  static const gconstpointer markers[] = {
    [CAIMAN_REORDER_FINISH] = &finish_marker,
    [CAIMAN_REORDER_DONE] = &done_marker,
  };
  g_assert ((kind == CAIMAN_REORDER_DATA) == (payload != NULL));

  CaimanReorderVerdict verdict = caiman_reorder_check (reorder, seq);
  if (verdict != CAIMAN_REORDER_TAKEN)
    return verdict;

  gsize size_bytes = payload ? g_bytes_get_size (payload) : 0;
  if (payload && reorder->bytes + other_bytes + size_bytes > reorder->limit_bytes)
    return CAIMAN_REORDER_OVERFLOW;

  guint32 ahead = seq - reorder->next_seq;
  if (ahead >= reorder->n_slots)
    grow (reorder, ahead);
  *slot_of (reorder, seq) = payload ? payload : markers[kind];
  reorder->n_waiting++;
  reorder->bytes += size_bytes;
  reorder->peak_bytes = MAX (reorder->peak_bytes, reorder->bytes);
  return CAIMAN_REORDER_TAKEN;
}

gboolean
caiman_reorder_pop (CaimanReorder *reorder, CaimanReorderKind *kind_out, GBytes **payload_out)
{
  if (reorder->n_waiting == 0)
    return FALSE;
  gconstpointer *slot = slot_of (reorder, reorder->next_seq);
  if (!*slot)
    return FALSE;

  *kind_out = slot_get_kind (*slot);
  *payload_out = *kind_out == CAIMAN_REORDER_DATA ? (GBytes *)*slot : NULL;
  if (*payload_out)
    reorder->bytes -= g_bytes_get_size (*payload_out);
  *slot = NULL;
  reorder->next_seq++;
  reorder->n_waiting--;
  if (reorder->n_waiting == 0 && reorder->n_slots > KEPT_SLOTS_MAX) {
    g_clear_pointer (&reorder->slots, g_free);
    reorder->n_slots = 0;
  }
  return TRUE;
}

guint32
caiman_reorder_get_next_seq (const CaimanReorder *reorder)
{
  return reorder->next_seq;
}

guint64
caiman_reorder_get_bytes (const CaimanReorder *reorder)
{
  return reorder->bytes;
}

guint64
caiman_reorder_get_peak_bytes (const CaimanReorder *reorder)
{
  return reorder->peak_bytes;
}

guint
caiman_reorder_get_n_waiting (const CaimanReorder *reorder)
{
  return reorder->n_waiting;
}
