/* SPDX-License-Identifier: Apache-2.0 */
/* receive-buffer.c - see receive-buffer.h. The counters and the list of spare chunks are in a part
 * that chunks share, as slices may outlive the buffer and be dropped in other threads. */
#include "transports/receive-buffer.h"

#define CHUNK_BYTES     (1024u * 1024u)
#define SPACE_MIN_BYTES (CHUNK_BYTES / 4)
#define SLICE_MIN_BYTES 4096u
/* Chunks that are kept for reuse: fresh memory costs a page fault each 4 KiB. */
#define SPARE_MAX 16u
/* How much more chunks may hold than their slices. */
#define PINNED_FREE_BYTES (4u * 1024u * 1024u)
#define PINNED_RATIO      4u

typedef struct {
  GMutex lock; /* guards the next four */
  CaimanReceiveChunk *spare;
  guint n_spare;
  guint n_users; /* the buffer and every chunk that is not spare */
  gsize sliced_bytes;
  gsize n_chunks; /* that are not spare */
} Shared;

struct _CaimanReceiveChunk {
  Shared *shared;
  gint n_refs;
  CaimanReceiveChunk *next_spare;
  guint8 data[CHUNK_BYTES];
};

struct _CaimanReceiveBuffer {
  Shared *shared;
  CaimanReceiveChunk *chunk; /* (owned, nullable) that is filled now */
  gsize used_bytes;          /* of it */
};

typedef struct {
  CaimanReceiveChunk *chunk;
  gsize size;
} Slice;

/* Called with the lock, which it drops. */
static void
unlock_and_drop_user (Shared *shared)
{
  gboolean last = --shared->n_users == 0;
  g_mutex_unlock (&shared->lock);
  if (!last)
    return;
  for (CaimanReceiveChunk *chunk = shared->spare; chunk;) {
    CaimanReceiveChunk *next = chunk->next_spare;
    g_free (chunk);
    chunk = next;
  }
  g_mutex_clear (&shared->lock);
  g_free (shared);
}

static CaimanReceiveChunk *
chunk_new (Shared *shared)
{
  g_mutex_lock (&shared->lock);
  CaimanReceiveChunk *chunk = shared->spare;
  if (chunk) {
    shared->spare = chunk->next_spare;
    shared->n_spare--;
  }
  shared->n_users++;
  shared->n_chunks++;
  g_mutex_unlock (&shared->lock);
  if (!chunk)
    chunk = g_malloc (sizeof *chunk);
  chunk->shared = shared;
  chunk->n_refs = 1;
  return chunk;
}

static CaimanReceiveChunk *
chunk_ref (CaimanReceiveChunk *chunk)
{
  g_atomic_int_inc (&chunk->n_refs);
  return chunk;
}

void
caiman_receive_chunk_unref (CaimanReceiveChunk *chunk)
{
  if (!chunk || !g_atomic_int_dec_and_test (&chunk->n_refs))
    return;
  Shared *shared = chunk->shared;
  g_mutex_lock (&shared->lock);
  shared->n_chunks--;
  if (shared->n_spare < SPARE_MAX) {
    chunk->next_spare = shared->spare;
    shared->spare = g_steal_pointer (&chunk);
    shared->n_spare++;
  }
  unlock_and_drop_user (shared);
  g_free (chunk);
}

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
  caiman_receive_chunk_unref (buffer->chunk);
  g_mutex_lock (&buffer->shared->lock);
  unlock_and_drop_user (buffer->shared);
  g_free (buffer);
}

guint8 *
caiman_receive_buffer_reserve (CaimanReceiveBuffer *buffer, gsize *space_out)
{
  /* Nobody else has it: fill it from its beginning again, which is warm in the caches. */
  if (buffer->chunk && g_atomic_int_get (&buffer->chunk->n_refs) == 1)
    buffer->used_bytes = 0;
  if (buffer->chunk && CHUNK_BYTES - buffer->used_bytes < SPACE_MIN_BYTES)
    g_clear_pointer (&buffer->chunk, caiman_receive_chunk_unref);
  if (!buffer->chunk) {
    buffer->chunk = chunk_new (buffer->shared);
    buffer->used_bytes = 0;
  }
  *space_out = CHUNK_BYTES - buffer->used_bytes;
  return buffer->chunk->data + buffer->used_bytes;
}

CaimanReceiveChunk *
caiman_receive_buffer_commit (CaimanReceiveBuffer *buffer, gsize used_bytes)
{
  g_assert (buffer->chunk && used_bytes <= CHUNK_BYTES - buffer->used_bytes);
  buffer->used_bytes += used_bytes;
  return chunk_ref (buffer->chunk);
}

static void
slice_free (gpointer data)
{
  Slice *slice = data;
  Shared *shared = slice->chunk->shared;
  g_mutex_lock (&shared->lock);
  shared->sliced_bytes -= slice->size;
  g_mutex_unlock (&shared->lock);
  caiman_receive_chunk_unref (slice->chunk);
  g_free (slice);
}

/* With the lock held: do the chunks in use hold no more memory than @size more bytes justify? */
static gboolean
is_justified (const Shared *shared, gsize size)
{
  gsize pinned_bytes = shared->n_chunks * CHUNK_BYTES;
  return pinned_bytes <= PINNED_FREE_BYTES + PINNED_RATIO * (shared->sliced_bytes + size);
}

/* Counts a slice of @size bytes; FALSE when the chunks in use hold too much memory already. */
static gboolean
count_slice (Shared *shared, gsize size)
{
  g_mutex_lock (&shared->lock);
  gboolean fine = is_justified (shared, size);
  if (fine)
    shared->sliced_bytes += size;
  g_mutex_unlock (&shared->lock);
  return fine;
}

gboolean
caiman_receive_buffer_extend (CaimanReceiveBuffer *buffer, CaimanReceiveChunk *chunk,
                              const guint8 *data, gsize size, gsize more)
{
  if (size + more < SLICE_MIN_BYTES || chunk != buffer->chunk ||
      data + size != chunk->data + buffer->used_bytes || more > CHUNK_BYTES - buffer->used_bytes)
    return FALSE;
  g_mutex_lock (&buffer->shared->lock);
  gboolean fine = is_justified (buffer->shared, size + more);
  g_mutex_unlock (&buffer->shared->lock);
  if (fine)
    buffer->used_bytes += more;
  return fine;
}

GBytes *
caiman_receive_chunk_slice (CaimanReceiveChunk *chunk, const guint8 *data, gsize size)
{
  g_assert (data >= chunk->data && data + size <= chunk->data + CHUNK_BYTES);
  if (size < SLICE_MIN_BYTES || !count_slice (chunk->shared, size))
    return NULL;
  Slice *slice = g_new (Slice, 1);
  slice->chunk = chunk_ref (chunk);
  slice->size = size;
  return g_bytes_new_with_free_func (data, size, slice_free, slice);
}

gsize
caiman_receive_buffer_get_pinned_bytes (const CaimanReceiveBuffer *buffer)
{
  Shared *shared = buffer->shared;
  g_mutex_lock (&shared->lock);
  gsize n_chunks = shared->n_chunks;
  g_mutex_unlock (&shared->lock);
  return n_chunks * CHUNK_BYTES;
}

gsize
caiman_receive_buffer_get_sliced_bytes (const CaimanReceiveBuffer *buffer)
{
  Shared *shared = buffer->shared;
  g_mutex_lock (&shared->lock);
  gsize sliced_bytes = shared->sliced_bytes;
  g_mutex_unlock (&shared->lock);
  return sliced_bytes;
}
