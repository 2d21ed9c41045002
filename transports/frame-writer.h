/* SPDX-License-Identifier: Apache-2.0 */
/* frame-writer.h - the packets that wait to go out on a byte stream, as frames (PROTOCOL.md,
 * section 2), for writev(). Payloads are referenced, small messages gathered. */
#pragma once

#include "frame.h"
#include "../core/packet.h"

#include <sys/uio.h>

G_BEGIN_DECLS

typedef struct _CaimanFramePiece CaimanFramePiece;

/* The fields are its own, save for @queued_bytes: all that waits, headers included. */
typedef struct {
  gsize queued_bytes;
  CaimanFramePiece *pieces; /* ring (owned) */
  guint n_allocated;        /* a power of two, or 0 */
  guint first, n_pieces;
  gsize skip_bytes; /* of the first piece that have gone out */
  guint16 next_seq;
} CaimanFrameWriter;

/* An all-zero writer is a fresh one, too. */
void caiman_frame_writer_init (CaimanFrameWriter *writer);
void caiman_frame_writer_clear (CaimanFrameWriter *writer);

/* Takes the contents of @packet and leaves it cleared. */
void caiman_frame_writer_push (CaimanFrameWriter *writer, CaimanPacket *packet);

/* What is to go out next, in at most @max (>= 2) parts that stay valid until the next call. Returns
 * the number of parts, and that of their bytes. */
guint caiman_frame_writer_peek (const CaimanFrameWriter *writer, struct iovec *parts_out, guint max,
                                gsize *size_out);

/* The next @size bytes have gone out. */
void caiman_frame_writer_advance (CaimanFrameWriter *writer, gsize size);

G_END_DECLS
