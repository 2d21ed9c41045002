/* SPDX-License-Identifier: Apache-2.0 */
/* receive-buffer.h - memory that stream transports read into, shared by all of a loop.
 *
 * Bytes are read into large chunks, and a payload that lies in one can be kept as a slice of it,
 * without a copy. A chunk lives as long as any slice of it. Idle transports hold nothing.
 *
 * Guarantee: slices are refused (so that the caller copies) where they are small, and while chunks
 * hold much more memory than their slices: 4 MiB and four times as much. So what the limits of a
 * connection count and what it really takes differ by a factor at most.
 *
 * Slices may be dropped in any thread; all the rest is of the loop's thread alone. */
#pragma once

#include "../core/types.h"

G_BEGIN_DECLS

typedef struct _CaimanReceiveBuffer CaimanReceiveBuffer;
typedef struct _CaimanReceiveChunk CaimanReceiveChunk;

CaimanReceiveBuffer *caiman_receive_buffer_new (void);

/* Chunks and slices that are still in use live on. Accepts NULL. */
void caiman_receive_buffer_free (CaimanReceiveBuffer *buffer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanReceiveBuffer, caiman_receive_buffer_free)

/* Free space to read into, at least a quarter of a chunk; valid until the next call. */
guint8 *caiman_receive_buffer_reserve (CaimanReceiveBuffer *buffer, gsize *space_out);

/* The first @used_bytes of what reserve() gave are taken; returns the chunk that they are in
 * (transfer full), which must be held while they are used. */
CaimanReceiveChunk *caiman_receive_buffer_commit (CaimanReceiveBuffer *buffer, gsize used_bytes);

/* Keeps the @more bytes behind the @size at @data, which lie in @chunk, for whoever has that: what
 * is read there continues what is at @data. FALSE when they are not free, or a copy is better. */
gboolean caiman_receive_buffer_extend (CaimanReceiveBuffer *buffer, CaimanReceiveChunk *chunk,
                                       const guint8 *data, gsize size, gsize more);

/* The @size bytes at @data, which lie in @chunk, as GBytes (transfer full) that keep the chunk;
 * NULL when a copy is better. */
GBytes *caiman_receive_chunk_slice (CaimanReceiveChunk *chunk, const guint8 *data, gsize size);

void caiman_receive_chunk_unref (CaimanReceiveChunk *chunk); /* accepts NULL */

/* Bytes of all chunks that somebody holds, and of all slices, now. */
gsize caiman_receive_buffer_get_pinned_bytes (const CaimanReceiveBuffer *buffer);
gsize caiman_receive_buffer_get_sliced_bytes (const CaimanReceiveBuffer *buffer);

G_END_DECLS
