/* SPDX-License-Identifier: Apache-2.0 */
/* readable.h - messages that are in order and wait for the application, in bounded memory.
 *
 * Flow control bounds the payload that waits, not the number of messages. So while many wait,
 * small ones are copied one behind the other, and a run of empty ones becomes a number: however
 * long the application reads nothing, whatever the peer sends, the links can go on being read
 * (PROTOCOL.md, 5).
 *
 * Guarantee: for P bytes of payload that wait, at most 4 x P bytes plus a few hundred for every 512
 * of P, plus a constant. */
#pragma once

#include "types.h"

G_BEGIN_DECLS

typedef struct _CaimanReadable CaimanReadable;

CaimanReadable *caiman_readable_new (void);
void caiman_readable_free (CaimanReadable *readable); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanReadable, caiman_readable_free)

/* Drops all that waits. */
void caiman_readable_clear (CaimanReadable *readable);

/* Appends @message (transfer full). */
void caiman_readable_push (CaimanReadable *readable, GBytes *message);

/* Puts @message (transfer full) in front of all others: only a defect wants that (broken.h). */
void caiman_readable_push_first (CaimanReadable *readable, GBytes *message);

/* The next message, or what read() has left of it (transfer full); NULL: none waits. */
GBytes *caiman_readable_pop (CaimanReadable *readable);

/* Takes up to @size bytes, across messages, into @buffer_out; returns their number. Empty messages
 * on the way are dropped. */
gsize caiman_readable_read (CaimanReadable *readable, void *buffer_out, gsize size);

/* No message waits, not even an empty one. */
gboolean caiman_readable_is_empty (const CaimanReadable *readable);

/* What waits: bytes of payload, messages, and pieces of memory that hold them. */
guint64 caiman_readable_get_bytes (const CaimanReadable *readable);
guint64 caiman_readable_get_n_messages (const CaimanReadable *readable);
guint caiman_readable_get_n_pieces (const CaimanReadable *readable);

G_END_DECLS
