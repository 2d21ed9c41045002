/* SPDX-License-Identifier: Apache-2.0 */
/* speed-content.c - see speed-content.h. Made and checked a 64-bit word at a time, with the
 * generator's state in registers: this must never be what limits a speed test. */
#include "apps/speed-content.h"

#include <string.h>

/* How often checking asks whether all was right so far. */
#define WORDS_PER_LOOK 64

static inline guint64
rotate_left (guint64 value, int bits)
{
  return (value << bits) | (value >> (64 - bits));
}

/* caiman_prng_next(), inlined. */
static inline guint64
next_word (CaimanPrng *prng)
{
  guint64 *s = prng->state;
  guint64 result = rotate_left (s[0] + s[3], 23) + s[0];
  guint64 shifted = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = rotate_left (s[3], 45);
  return result;
}

void
speed_content_init (SpeedContent *content, guint64 seed)
{
  *content = (SpeedContent) { .n_left = 0 };
  caiman_prng_init (&content->prng, seed);
}

GBytes *
speed_content_make (SpeedContent *content, guint n_blocks)
{
  g_assert (content->n_left == 0);
  gsize size = (gsize)n_blocks * SPEED_BLOCK_BYTES;
  guint8 *bytes = g_malloc (size);
  CaimanPrng prng = content->prng;
  for (gsize i = 0; i < size; i += sizeof (guint64)) {
    guint64 word = GUINT64_TO_LE (next_word (&prng));
    memcpy (bytes + i, &word, sizeof word);
  }
  content->prng = prng;
  return g_bytes_new_take (bytes, size);
}

static guint8
next_byte (SpeedContent *content)
{
  if (content->n_left == 0) {
    content->word = next_word (&content->prng);
    content->n_left = sizeof content->word;
  }
  guint8 byte = (guint8)content->word;
  content->word >>= 8;
  content->n_left--;
  return byte;
}

/* What differs between the next word and the one at @data; 0: nothing. */
static inline guint64
compare_word (CaimanPrng *prng, const guint8 *data)
{
  guint64 word;
  memcpy (&word, data, sizeof word);
  return GUINT64_FROM_LE (word) ^ next_word (prng);
}

/* Checks whole words up to the first wrong one, many between two looks at the result: the bytes
 * that are right. */
static gsize
check_words (SpeedContent *content, const guint8 *data, gsize size)
{
  CaimanPrng prng = content->prng;
  gsize step = WORDS_PER_LOOK * sizeof (guint64), i = 0;
  while (i + sizeof (guint64) <= size) {
    CaimanPrng before = prng;
    guint64 difference = 0;
    if (i + step > size)
      step = sizeof (guint64);
    for (gsize at = 0; at < step; at += sizeof (guint64))
      difference |= compare_word (&prng, data + i + at);
    if (difference == 0) {
      i += step;
      continue;
    }
    prng = before;
    if (step == sizeof (guint64))
      break;
    step = sizeof (guint64);
  }
  content->prng = prng;
  return i;
}

gboolean
speed_content_check (SpeedContent *content, const guint8 *data, gsize size, gsize *wrong_out)
{
  gsize i = 0;
  while (i < size) {
    if (content->n_left == 0)
      i += check_words (content, data + i, size - i);
    /* What is left of a word, or a word with something wrong in it. */
    if (i < size && data[i] != next_byte (content)) {
      *wrong_out = i;
      return FALSE;
    }
    i += i < size;
  }
  return TRUE;
}
