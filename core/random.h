/* SPDX-License-Identifier: Apache-2.0 */
/* random.h - where the core gets its randomness: an object that the caller passes in.
 *
 * The simulator and the tests pass a seeded CaimanPrng (prng.h); programs pass
 * caiman_crypto_random(). */
#pragma once

#include "types.h"

G_BEGIN_DECLS

typedef struct {
  void (*fill) (gpointer user_data, guint8 *bytes_out, gsize size);
  gpointer user_data;
} CaimanRandom;

/* The system's cryptographic generator. */
CaimanRandom caiman_crypto_random (void);

static inline void
caiman_random_fill (const CaimanRandom *random, guint8 *bytes_out, gsize size)
{
  random->fill (random->user_data, bytes_out, size);
}

G_END_DECLS
