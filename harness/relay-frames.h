/* SPDX-License-Identifier: Apache-2.0 */
/* relay-frames.h - follows the frames in a stream of bytes that comes in pieces, and flips a bit in
 * some of them.
 *
 * The length field is spared: with that one wrong, a receiver may wait for bytes that never come,
 * and nobody would see an error (as in sim/network.h). Pure code. */
#pragma once

#include "core/prng.h"

G_BEGIN_DECLS

/* The fields are its own. */
typedef struct {
  guint32 length;     /* of the payload, as far as its field has come */
  guint header_bytes; /* of the frame's header, that have passed */
  guint64 left_bytes; /* of its payload, still to pass */
  gboolean flips;     /* a bit of this frame is still to be flipped: */
  guint64 flip_after; /* in the byte after so many more */
  guint8 flip_mask;
} RelayFrames;

/* At the begin of a stream. */
void relay_frames_init (RelayFrames *frames);

/* The next @size bytes of the stream pass. Of the frames whose length field ends in them, the first
 * *@n_corrupt_inout get one bit flipped behind that field, at a place that @prng draws; the count
 * goes down, unless it is G_MAXUINT64. Only @data changes: a place that is not in it yet is
 * remembered. */
void relay_frames_pass (RelayFrames *frames, guint8 *data, gsize size, guint64 *n_corrupt_inout,
                        CaimanPrng *prng);

G_END_DECLS
