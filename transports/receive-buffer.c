/* SPDX-License-Identifier: Apache-2.0 */
/* receive-buffer.c - see receive-buffer.h. Blocks come in powers of two, with a stack of spare ones
 * for each. Counters and stacks are in a part that blocks share, as they may outlive the buffer and
 * be dropped in other threads. */
#include "transports/receive-buffer.h"

#include <string.h>

#define SCRATCH_BYTES   (64u * 1024u)
#define BLOCK_MIN_SHIFT 12u
#define N_SHIFTS        12u
/* Spare blocks that are kept for reuse: fresh memory costs a page fault each 4 KiB. */
#define SPARE_MAX_BYTES (16u * 1024u * 1024u)
/* How much more than what is in use blocks may hold for bytes that have not come. */
#define PROMISED_FREE_BYTES (4u * 1024u * 1024u)
#define PROMISED_RATIO      4u
/* Data begins at a cache line, which is also what copies like best. */
#define LINE_BYTES 64u

typedef struct {
  GMutex lock; /* guards the rest */
  CaimanReceiveBlock *spare[N_SHIFTS];
  gsize spare_bytes;
  gsize held_bytes, used_bytes;
  guint n_users; /* the buffer and every block that is not spare */
} Shared;

struct _CaimanReceiveBlock {
  Shared *shared; /* NULL: by itself */
  CaimanReceiveBlock *next_spare;
  gsize space;
  gsize used_bytes; /* by bytes made of it */
  guint shift;
};

G_STATIC_ASSERT (sizeof (CaimanReceiveBlock) <= LINE_BYTES);
G_STATIC_ASSERT (1u << (BLOCK_MIN_SHIFT + N_SHIFTS - 1) == CAIMAN_FRAME_PAYLOAD_MAX_BYTES);

struct _CaimanReceiveBuffer {
  Shared *shared;
  guint8 scratch[SCRATCH_BYTES];
};

/* --- Blocks --- */

guint8 *
caiman_receive_block_get_data (CaimanReceiveBlock *block)
{
  return (guint8 *)block + LINE_BYTES;
}

gsize
caiman_receive_block_get_space (const CaimanReceiveBlock *block)
{
  return block->space;
}

static CaimanReceiveBlock *
block_allocate (gsize space)
{
  CaimanReceiveBlock *block = g_aligned_alloc (1, LINE_BYTES + space, LINE_BYTES);
  *block = (CaimanReceiveBlock) { .space = space };
  return block;
}

static CaimanReceiveBlock *
pop_spare (Shared *shared, guint shift)
{
  CaimanReceiveBlock *block = shared->spare[shift];
  if (block) {
    shared->spare[shift] = block->next_spare;
    shared->spare_bytes -= block->space;
  }
  return block;
}

CaimanReceiveBlock *
caiman_receive_block_new (CaimanReceiveBuffer *buffer, gsize size)
{
  guint shift = 0;
  if (!buffer)
    return block_allocate (size);
  while (size > (gsize)1 << (BLOCK_MIN_SHIFT + shift))
    shift++;
  g_assert (shift < N_SHIFTS);
  Shared *shared = buffer->shared;
  gsize space = (gsize)1 << (BLOCK_MIN_SHIFT + shift);
  g_mutex_lock (&shared->lock);
  CaimanReceiveBlock *block = pop_spare (shared, shift);
  shared->held_bytes += space;
  shared->n_users++;
  g_mutex_unlock (&shared->lock);
  if (!block)
    block = block_allocate (space);
  block->shared = shared;
  block->shift = shift;
  return block;
}

static void
free_spares (Shared *shared, gsize wanted_bytes, guint keep_shift)
{
  for (guint shift = 0; shift < N_SHIFTS; shift++)
    while (shift != keep_shift && shared->spare[shift] && shared->spare_bytes > wanted_bytes)
      g_aligned_free (pop_spare (shared, shift));
}

/* Called with the lock, which it drops. */
static void
unlock_and_drop_user (Shared *shared)
{
  gboolean last = --shared->n_users == 0;
  g_mutex_unlock (&shared->lock);
  if (!last)
    return;
  free_spares (shared, 0, N_SHIFTS);
  g_mutex_clear (&shared->lock);
  g_free (shared);
}

void
caiman_receive_block_free (CaimanReceiveBlock *block)
{
  Shared *shared = block ? block->shared : NULL;
  if (!shared) {
    g_aligned_free (block);
    return;
  }
  g_mutex_lock (&shared->lock);
  shared->held_bytes -= block->space;
  shared->used_bytes -= block->used_bytes;
  block->used_bytes = 0;
  /* Those of a size that is not used any more make way. */
  if (shared->spare_bytes + block->space > SPARE_MAX_BYTES)
    free_spares (shared, SPARE_MAX_BYTES - block->space, block->shift);
  if (shared->spare_bytes + block->space <= SPARE_MAX_BYTES) {
    block->next_spare = shared->spare[block->shift];
    shared->spare[block->shift] = block;
    shared->spare_bytes += block->space;
    block = NULL;
  }
  unlock_and_drop_user (shared);
  g_aligned_free (block);
}

static void
block_free (gpointer block)
{
  caiman_receive_block_free (block);
}

GBytes *
caiman_receive_block_to_bytes (CaimanReceiveBlock *block, gsize size)
{
  Shared *shared = block->shared;
  g_assert (size <= block->space);
  if (size < block->space / 2) {
    GBytes *copy = g_bytes_new (caiman_receive_block_get_data (block), size);
    caiman_receive_block_free (block);
    return copy;
  }
  block->used_bytes = size;
  if (shared) {
    g_mutex_lock (&shared->lock);
    shared->used_bytes += size;
    g_mutex_unlock (&shared->lock);
  }
  return g_bytes_new_with_free_func (caiman_receive_block_get_data (block), size, block_free,
                                     block);
}

/* --- The buffer --- */

CaimanReceiveBuffer *
caiman_receive_buffer_new (void)
{
  CaimanReceiveBuffer *buffer = g_new0 (CaimanReceiveBuffer, 1);
  buffer->shared = g_new0 (Shared, 1);
  g_mutex_init (&buffer->shared->lock);
  buffer->shared->n_users = 1;
  return buffer;
}

void
caiman_receive_buffer_free (CaimanReceiveBuffer *buffer)
{
  if (!buffer)
    return;
  g_mutex_lock (&buffer->shared->lock);
  unlock_and_drop_user (buffer->shared);
  g_free (buffer);
}

guint8 *
caiman_receive_buffer_get_scratch (CaimanReceiveBuffer *buffer, gsize *size_out)
{
  *size_out = sizeof buffer->scratch;
  return buffer->scratch;
}

gboolean
caiman_receive_buffer_may_promise (CaimanReceiveBuffer *buffer, gsize bytes)
{
  Shared *shared = buffer->shared;
  g_mutex_lock (&shared->lock);
  gboolean fine =
      shared->held_bytes + bytes <= PROMISED_FREE_BYTES + PROMISED_RATIO * shared->used_bytes;
  g_mutex_unlock (&shared->lock);
  return fine;
}

gsize
caiman_receive_buffer_get_held_bytes (CaimanReceiveBuffer *buffer)
{
  g_mutex_lock (&buffer->shared->lock);
  gsize held_bytes = buffer->shared->held_bytes;
  g_mutex_unlock (&buffer->shared->lock);
  return held_bytes;
}

gsize
caiman_receive_buffer_get_used_bytes (CaimanReceiveBuffer *buffer)
{
  g_mutex_lock (&buffer->shared->lock);
  gsize used_bytes = buffer->shared->used_bytes;
  g_mutex_unlock (&buffer->shared->lock);
  return used_bytes;
}
