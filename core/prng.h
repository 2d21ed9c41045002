/* SPDX-License-Identifier: Apache-2.0 */
/* prng.h - a seeded pseudo-random generator: xoshiro256++ (Blackman and Vigna, 2019).
 *
 * Same seed, same numbers, on every machine. Not for secrets. */
#pragma once

#include "random.h"

G_BEGIN_DECLS

typedef struct {
  guint64 state[4];
} CaimanPrng;

/* Seeds @prng from 64 bits; the four state words are four SplitMix64 outputs. */
void caiman_prng_init (CaimanPrng *prng, guint64 seed);

/* Seeds @prng from @seed and a stream name, so that each consumer of a run draws from a stream of
 * its own and adding one does not change the luck of another. */
void caiman_prng_init_stream (CaimanPrng *prng, guint64 seed, const char *stream_name);

/* 64 uniform random bits. */
guint64 caiman_prng_next (CaimanPrng *prng);

/* Uniform in [0, @bound), without modulo bias; @bound > 0. */
guint64 caiman_prng_below (CaimanPrng *prng, guint64 bound);

/* Uniform in [@low, @high], both included; @low <= @high. */
gint64 caiman_prng_range (CaimanPrng *prng, gint64 low, gint64 high);

/* Fills a CaimanRandom that draws from @prng (borrowed: it must outlive the CaimanRandom). */
CaimanRandom caiman_prng_as_random (CaimanPrng *prng);

G_END_DECLS
