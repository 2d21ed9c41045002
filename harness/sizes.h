/* SPDX-License-Identifier: Apache-2.0 */
/* sizes.h - draws message sizes from a scenario's size distribution, by integers alone. */
#pragma once

#include "harness/scenario.h"
#include "core/prng.h"

G_BEGIN_DECLS

/* The size of message number @index (from 0). FIXED and LIST draw nothing from @prng. */
gint64 sizes_draw (const ScenarioSize *size, CaimanPrng *prng, guint64 index);

/* -log2 ((@bits + 1) / 2^64) with 32 fractional bits: 0 ... 64 << 32. */
guint64 sizes_neg_log2 (guint64 bits);

/* @value * 2^(@exponent / 2^32), rounded down, at most @max; all >= 0. */
gint64 sizes_scale_exp2 (gint64 value, guint64 exponent, gint64 max);

G_END_DECLS
