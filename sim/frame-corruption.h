/* SPDX-License-Identifier: Apache-2.0 */
/* frame-corruption.h - what becomes of a frame with a bit flipped. Private to sim/. */
#pragma once

#include "sim/path.h"
#include "transports/frame.h"

G_BEGIN_DECLS

/* What a decoder says to frame number @seq with a bit flipped, which @path draws. The length field
 * is spared: with that one wrong, a receiver may wait for bytes that never come, and nobody would
 * see an error. */
CaimanFrameVerdict sim_frame_try_corrupted (SimPath *path, guint16 seq, const guint8 *data,
                                            gsize size);

G_END_DECLS
