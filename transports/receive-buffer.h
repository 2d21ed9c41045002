/* SPDX-License-Identifier: Apache-2.0 */
/* receive-buffer.h - memory that stream transports receive into, shared by all of a loop.
 *
 * Headers and small payloads are read into one scratch area, a large payload into a block of its
 * own, which then goes on to the application without a copy. The block that was given back last is
 * the first to be used again, as it is likely to be in the processor's caches still. Idle
 * transports hold nothing.
 *
 * Guarantee: a block has at most twice the bytes of what it was made for (or 4 KiB). Memory for
 * bytes that have not come is promised (may_promise()) only while blocks hold no more than 4 MiB
 * and four times what was received into them and is still in use.
 *
 * Bytes made of blocks may be dropped in any thread; all the rest is of the loop's thread alone. */
#pragma once

#include "../core/types.h"

G_BEGIN_DECLS

typedef struct _CaimanReceiveBuffer CaimanReceiveBuffer;
typedef struct _CaimanReceiveBlock CaimanReceiveBlock;

CaimanReceiveBuffer *caiman_receive_buffer_new (void);

/* Blocks, and bytes made of them, that are still in use live on. Accepts NULL. */
void caiman_receive_buffer_free (CaimanReceiveBuffer *buffer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanReceiveBuffer, caiman_receive_buffer_free)

/* Where to read what nobody has asked for yet, 64 KiB; the same for all, and so to be used up, or
 * copied, before anybody else reads. */
guint8 *caiman_receive_buffer_get_scratch (CaimanReceiveBuffer *buffer, gsize *size_out);

/* May a block for @bytes be held, of which the peer has only said that they will come? */
gboolean caiman_receive_buffer_may_promise (CaimanReceiveBuffer *buffer, gsize bytes);

/* A block for at least @size bytes, out of @buffer (nullable: out of thin air). */
CaimanReceiveBlock *caiman_receive_block_new (CaimanReceiveBuffer *buffer, gsize size);

void caiman_receive_block_free (CaimanReceiveBlock *block); /* accepts NULL */

guint8 *caiman_receive_block_get_data (CaimanReceiveBlock *block);
gsize caiman_receive_block_get_space (const CaimanReceiveBlock *block);

/* Its first @size bytes (transfer full). Takes @block; where it is much too large for them, they
 * are a copy. */
GBytes *caiman_receive_block_to_bytes (CaimanReceiveBlock *block, gsize size);

/* Bytes of all blocks that somebody holds, and of what was made of them, now. */
gsize caiman_receive_buffer_get_held_bytes (CaimanReceiveBuffer *buffer);
gsize caiman_receive_buffer_get_used_bytes (CaimanReceiveBuffer *buffer);

G_END_DECLS
