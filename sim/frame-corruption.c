/* SPDX-License-Identifier: Apache-2.0 */
/* frame-corruption.c - see frame-corruption.h. */
#include "sim/frame-corruption.h"

#include <string.h>

CaimanFrameVerdict
sim_frame_try_corrupted (SimPath *path, guint16 seq, const guint8 *data, gsize size)
{
  g_autofree guint8 *bytes = g_malloc (CAIMAN_FRAME_HEADER_BYTES + size);
  const guint8 *input = bytes;
  gsize input_bytes = CAIMAN_FRAME_HEADER_BYTES + size;
  guint64 bit = 32 + sim_path_draw_below (path, 8 * (input_bytes - 4));
  CaimanFrameDecoder decoder;
  CaimanFrameVerdict verdict;
  CaimanFrame frame;

  caiman_frame_encode_header (bytes, seq, data, size);
  if (size > 0)
    memcpy (bytes + CAIMAN_FRAME_HEADER_BYTES, data, size);
  bytes[bit / 8] ^= 1 << (bit % 8);
  caiman_frame_decoder_init (&decoder, CAIMAN_FRAME_PAYLOAD_MAX_BYTES, seq);
  verdict = caiman_frame_decoder_feed (&decoder, &input, &input_bytes, &frame);
  caiman_frame_decoder_clear (&decoder);
  return verdict;
}
