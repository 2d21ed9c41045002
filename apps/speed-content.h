/* SPDX-License-Identifier: Apache-2.0 */
/* speed-content.h - what a speed test sends: a seed and then pseudo-random bytes that follow from
 * it, so that the receiver can check every one (PROTOCOL.md, section 8). */
#pragma once

#include "core/prng.h"

G_BEGIN_DECLS

/* The seed in front, big-endian. */
#define SPEED_SEED_BYTES 8

/* Content is sent in multiples of this. */
#define SPEED_BLOCK_BYTES 8192

typedef struct {
  CaimanPrng prng;
  guint64 word; /* the number that is under way */
  guint n_left; /* of its bytes */
} SpeedContent;

void speed_content_init (SpeedContent *content, guint64 seed);

/* (transfer full) The next @n_blocks blocks. */
GBytes *speed_content_make (SpeedContent *content, guint n_blocks);

/* Whether @size bytes at @data are what comes next. FALSE: *@wrong_out is the offset of the first
 * byte that is not, and @content is good for nothing any more. */
gboolean speed_content_check (SpeedContent *content, const guint8 *data, gsize size,
                              gsize *wrong_out);

G_END_DECLS
