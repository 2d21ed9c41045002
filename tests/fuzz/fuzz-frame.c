/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-frame.c - any bytes into the frame decoder, in one piece and in small ones: both must see
 * the same frames and end in the same way.
 *
 * Input: a byte that sets the size of the pieces, a byte that sets the largest payload, the stream.
 */
#include "transports/frame.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

typedef struct {
  CaimanFrameVerdict verdict;
  guint n_frames;
  guint32 digest; /* of the payloads and their sizes */
} Outcome;

static void
add_frame (Outcome *outcome, const CaimanFrame *frame, guint32 max_bytes)
{
  guint32 checksum = caiman_frame_checksum (frame->data, frame->size);

  g_assert (frame->size <= max_bytes);
  if (frame->bytes)
    g_assert (g_bytes_get_size (frame->bytes) == frame->size &&
              g_bytes_get_data (frame->bytes, NULL) == frame->data);
  outcome->n_frames++;
  outcome->digest = (outcome->digest * 31 + checksum) * 31 + (guint32)frame->size;
}

static Outcome
decode (const guint8 *data, gsize size, gsize piece_bytes, guint32 max_bytes)
{
  Outcome outcome = { .verdict = CAIMAN_FRAME_NEED_MORE };
  CaimanFrameDecoder decoder;

  caiman_frame_decoder_init (&decoder, max_bytes, 0);
  for (gsize done = 0; done < size && outcome.verdict == CAIMAN_FRAME_NEED_MORE;
       done += piece_bytes) {
    gsize left = MIN (piece_bytes, size - done);
    g_autofree guint8 *piece = g_memdup2 (data + done, left);
    const guint8 *next = piece;
    CaimanFrame frame;

    while ((outcome.verdict = caiman_frame_decoder_feed (&decoder, &next, &left, &frame)) ==
           CAIMAN_FRAME_READY)
      add_frame (&outcome, &frame, max_bytes);
    g_assert (outcome.verdict != CAIMAN_FRAME_NEED_MORE || left == 0);
    g_assert (decoder.gathered_space <= MAX (4 * size, 65536));
  }
  caiman_frame_decoder_clear (&decoder);
  return outcome;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  Outcome whole, pieces;
  guint32 max_bytes;

  if (size < 3)
    return 0;
  max_bytes = data[1] == 255 ? CAIMAN_FRAME_PAYLOAD_MAX_BYTES : data[1] * 4u;
  whole = decode (data + 2, size - 2, size, max_bytes);
  pieces = decode (data + 2, size - 2, 1 + data[0] % 64, max_bytes);
  g_assert (whole.verdict == pieces.verdict && whole.n_frames == pieces.n_frames &&
            whole.digest == pieces.digest);
  return 0;
}
