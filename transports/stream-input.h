/* SPDX-License-Identifier: Apache-2.0 */
/* stream-input.h - the receiving half of a transport over a byte stream: reads, decodes frames
 * (frame.h) and hands their payloads over, for as long as they are wanted.
 *
 * A large payload is read straight into the block that the application will get. Which bytes are
 * one is known from its header; and where large payloads follow each other in a steady rhythm, as
 * in bulk, the ones to come are guessed, so that one call reads several, each into its place. A
 * guess that was wrong costs a copy. */
#pragma once

#include "frame.h"
#include "loop.h"

#include <sys/uio.h>

G_BEGIN_DECLS

/* What a transport has to do for it. @transport as in the call. */
typedef struct {
  /* May it still make call-backs? */
  gboolean (*is_open) (CaimanTransport *transport);
  /* Reads once, without waiting, into @parts, at least into the first. Returns the number of bytes.
   * 0: nothing more for now (input->can_read is FALSE then), or no stream any more, and failed()
   * has been told. */
  gsize (*read) (CaimanTransport *transport, const struct iovec *parts, guint n_parts);
  /* A frame is not what it should be: has to tell failed(). */
  void (*broken) (CaimanTransport *transport);
  gsize share_bytes;   /* most bytes of a run() */
  gboolean first_only; /* read() fills the first part alone */
} CaimanStreamInputClass;

/* All but can_read and reading is its own business. */
typedef struct {
  CaimanTransport *transport;
  const CaimanStreamInputClass *klass;
  CaimanReceiveBuffer *buffer;
  gboolean can_read; /* the stream was readable and has not said otherwise since */
  gboolean reading;  /* packets are wanted */
  gboolean stopped;  /* they were not, and there may be some in @held or in the decoder */
  CaimanFrameDecoder decoder;
  GByteArray *held; /* (owned, nullable) read and not decoded */
  gsize held_offset;
  /* Large payloads: where the last one ended, and the rhythm: bytes before it, and its size. */
  guint64 position_bytes, large_end_bytes;
  gsize gap_bytes, large_bytes;
  gboolean steady; /* the one before was the same */
} CaimanStreamInput;

void caiman_stream_input_init (CaimanStreamInput *input, CaimanTransport *transport,
                               const CaimanStreamInputClass *klass, CaimanLoop *loop);

/* Drops all that was received. May be called from inside run(). */
void caiman_stream_input_clear (CaimanStreamInput *input);

/* Packets are wanted, or not. TRUE: run() has something to do. */
gboolean caiman_stream_input_set_reading (CaimanStreamInput *input, gboolean reading);

/* Reads and hands over a share. FALSE: there may be more; others first. The transport must live on
 * until this returns. */
gboolean caiman_stream_input_run (CaimanStreamInput *input);

G_END_DECLS
