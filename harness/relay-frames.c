/* SPDX-License-Identifier: Apache-2.0 */
/* relay-frames.c - see relay-frames.h; the layout of a header is in transports/frame.h. */
#include "harness/relay-frames.h"

#include "transports/frame.h"

#define LENGTH_BYTES 4

void
relay_frames_init (RelayFrames *frames)
{
  *frames = (RelayFrames) { 0 };
}

/* The length is known: the frame's place to be flipped is drawn. */
static void
choose_flip (RelayFrames *frames, guint64 *n_corrupt_inout, CaimanPrng *prng)
{
  guint64 n_bits = 8 * (CAIMAN_FRAME_HEADER_BYTES - LENGTH_BYTES + (guint64)frames->length);

  if (*n_corrupt_inout == 0)
    return;
  if (*n_corrupt_inout != G_MAXUINT64)
    (*n_corrupt_inout)--;
  guint64 bit = caiman_prng_below (prng, n_bits);
  frames->flips = TRUE;
  frames->flip_after = bit / 8;
  frames->flip_mask = (guint8)(1u << bit % 8);
}

/* @size bytes behind a length field, of one frame, pass. */
static void
flip_in (RelayFrames *frames, guint8 *data, gsize size)
{
  if (!frames->flips)
    return;
  if (frames->flip_after < size) {
    data[frames->flip_after] ^= frames->flip_mask;
    frames->flips = FALSE;
  } else {
    frames->flip_after -= size;
  }
}

/* One byte of a header. */
static void
pass_header (RelayFrames *frames, guint8 *data, guint64 *n_corrupt_inout, CaimanPrng *prng)
{
  if (frames->header_bytes < LENGTH_BYTES) {
    frames->length = frames->length << 8 | *data;
    if (++frames->header_bytes == LENGTH_BYTES)
      choose_flip (frames, n_corrupt_inout, prng);
    return;
  }
  flip_in (frames, data, 1);
  if (++frames->header_bytes < CAIMAN_FRAME_HEADER_BYTES)
    return;
  frames->left_bytes = frames->length;
  if (frames->left_bytes == 0)
    frames->header_bytes = 0;
}

void
relay_frames_pass (RelayFrames *frames, guint8 *data, gsize size, guint64 *n_corrupt_inout,
                   CaimanPrng *prng)
{
  while (size > 0) {
    gsize taken = 1;
    if (frames->left_bytes > 0) {
      taken = (gsize)MIN (frames->left_bytes, size);
      flip_in (frames, data, taken);
      frames->left_bytes -= taken;
      if (frames->left_bytes == 0)
        frames->header_bytes = 0;
    } else {
      if (frames->header_bytes == 0)
        frames->length = 0;
      pass_header (frames, data, n_corrupt_inout, prng);
    }
    data += taken;
    size -= taken;
  }
}
