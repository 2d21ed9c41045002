/* SPDX-License-Identifier: Apache-2.0 */
/* prng.c - xoshiro256++ seeded by SplitMix64. */
#include "core/prng.h"

#include <string.h>

static guint64
split_mix (guint64 *state)
{
  guint64 z = (*state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static guint64
rotate_left (guint64 value, guint bits)
{
  return (value << bits) | (value >> (64 - bits));
}

void
caiman_prng_init (CaimanPrng *prng, guint64 seed)
{
  for (gsize i = 0; i < G_N_ELEMENTS (prng->state); i++)
    prng->state[i] = split_mix (&seed);
}

void
caiman_prng_init_stream (CaimanPrng *prng, guint64 seed, const char *stream_name)
{
  /* FNV-1a over the name; SplitMix64 then spreads it over the whole state. */
  guint64 hash = G_GUINT64_CONSTANT (0xcbf29ce484222325);
  for (const char *c = stream_name; *c != '\0'; c++)
    hash = (hash ^ (guint8)*c) * G_GUINT64_CONSTANT (0x100000001b3);
  guint64 mixed = seed;
  caiman_prng_init (prng, split_mix (&mixed) ^ hash);
}

guint64
caiman_prng_next (CaimanPrng *prng)
{
  guint64 *s = prng->state;
  guint64 result = rotate_left (s[0] + s[3], 23) + s[0];
  guint64 t = s[1] << 17;

  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate_left (s[3], 45);
  return result;
}

guint64
caiman_prng_below (CaimanPrng *prng, guint64 bound)
{
  g_assert (bound > 0);
  /* Multiply-shift with rejection of the few values that would be drawn too often. */
  guint64 threshold = (0 - bound) % bound;
  for (;;) {
    unsigned __int128 product = (unsigned __int128)caiman_prng_next (prng) * bound;
    if ((guint64)product >= threshold)
      return (guint64)(product >> 64);
  }
}

gint64
caiman_prng_range (CaimanPrng *prng, gint64 low, gint64 high)
{
  g_assert (low <= high);
  guint64 span = (guint64)high - (guint64)low;
  if (span == G_MAXUINT64)
    return (gint64)caiman_prng_next (prng);
  return (gint64)((guint64)low + caiman_prng_below (prng, span + 1));
}

static void
fill (gpointer user_data, guint8 *bytes_out, gsize size)
{
  CaimanPrng *prng = user_data;
  while (size > 0) {
    guint64 word = GUINT64_TO_LE (caiman_prng_next (prng));
    gsize n = MIN (size, sizeof word);
    memcpy (bytes_out, &word, n);
    bytes_out += n;
    size -= n;
  }
}

CaimanRandom
caiman_prng_as_random (CaimanPrng *prng)
{
  return (CaimanRandom) { .fill = fill, .user_data = prng };
}
