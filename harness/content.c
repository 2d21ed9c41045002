/* SPDX-License-Identifier: Apache-2.0 */
/* content.c - see content.h. Table and key are kept in the byte order of the content, so that XOR
 * makes bytes; the vectors are as wide as four words, which compilers lower to what there is. */
#include "harness/content.h"

#include "core/prng.h"

#include <string.h>

typedef guint64 Words __attribute__ ((vector_size (32), aligned (1), may_alias));

#define WORDS_BYTES sizeof (Words)

void
content_init (Content *content, guint64 run_seed, const char *flow_name)
{
  CaimanPrng prng;

  caiman_prng_init_stream (&prng, run_seed, flow_name);
  content->seed = caiman_prng_next (&prng);
  for (guint i = 0; i < CONTENT_TABLE_WORDS; i++)
    content->table[i] = GUINT64_TO_LE (caiman_prng_next (&prng));
}

/* SplitMix64's output function; a block's key must not be close to its neighbours'. */
static guint64
get_key (const Content *content, guint64 block)
{
  guint64 z = content->seed + (block + 1) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return GUINT64_TO_LE (z ^ (z >> 31));
}

/* The 8 bytes from @position on, as they lie in memory; @position + 8 may cross a block. */
static guint64
load_word (const Content *content, guint64 position)
{
  guint8 bytes[8];

  content_fill (content, position, bytes, sizeof bytes);
  guint64 word;
  memcpy (&word, bytes, sizeof word);
  return word;
}

/* Within one block: @offset is the first byte's place in it. */
static void
fill_block (const guint8 *table, guint64 key, gsize offset, guint8 *out, gsize size)
{
  const guint8 *key_bytes = (const guint8 *)&key;
  const Words keys = { key, key, key, key };
  gsize i = 0;

  for (; i < size && (offset + i) % 8 != 0; i++)
    out[i] = table[offset + i] ^ key_bytes[(offset + i) % 8];
  for (; i + WORDS_BYTES <= size; i += WORDS_BYTES)
    *(Words *)(out + i) = *(const Words *)(table + offset + i) ^ keys;
  for (; i < size; i++)
    out[i] = table[offset + i] ^ key_bytes[(offset + i) % 8];
}

/* Leading bytes of @data that are as fill_block() would make them. */
static gsize
match_block (const guint8 *table, guint64 key, gsize offset, const guint8 *data, gsize size)
{
  const guint8 *key_bytes = (const guint8 *)&key;
  const Words keys = { key, key, key, key };
  gsize i = 0;

  for (; i < size && (offset + i) % 8 != 0; i++) {
    if (data[i] != (table[offset + i] ^ key_bytes[(offset + i) % 8]))
      return i;
  }
  for (; i + 4 * WORDS_BYTES <= size; i += 4 * WORDS_BYTES) {
    const Words *t = (const Words *)(table + offset + i), *d = (const Words *)(data + i);
    /* Written out, because -O2 unrolls no loop, and every byte of a run comes by here. */
    Words difference =
        (t[0] ^ d[0] ^ keys) | (t[1] ^ d[1] ^ keys) | (t[2] ^ d[2] ^ keys) | (t[3] ^ d[3] ^ keys);
    if (difference[0] | difference[1] | difference[2] | difference[3])
      break;
  }
  for (; i < size; i++) {
    if (data[i] != (table[offset + i] ^ key_bytes[(offset + i) % 8]))
      return i;
  }
  return size;
}

void
content_fill (const Content *content, guint64 position, guint8 *bytes_out, gsize size)
{
  while (size > 0) {
    gsize offset = position % CONTENT_BLOCK_BYTES;
    gsize part = MIN (size, CONTENT_BLOCK_BYTES - offset);

    fill_block ((const guint8 *)content->table, get_key (content, position / CONTENT_BLOCK_BYTES),
                offset, bytes_out, part);
    position += part;
    bytes_out += part;
    size -= part;
  }
}

GBytes *
content_make (const Content *content, guint64 position, gsize size)
{
  guint8 *bytes = g_malloc (MAX (size, 1));

  content_fill (content, position, bytes, size);
  return g_bytes_new_take (bytes, size);
}

gsize
content_match (const Content *content, guint64 position, const guint8 *bytes, gsize size)
{
  gsize matched = 0;

  while (matched < size) {
    gsize offset = (position + matched) % CONTENT_BLOCK_BYTES;
    gsize part = MIN (size - matched, CONTENT_BLOCK_BYTES - offset);
    guint64 key = get_key (content, (position + matched) / CONTENT_BLOCK_BYTES);
    gsize right = match_block ((const guint8 *)content->table, key, offset, bytes + matched, part);

    matched += right;
    if (right < part)
      break;
  }
  return matched;
}

/* Whether the @size bytes at @bytes are those from @position on; the first word sieves. */
static gboolean
looks_like (const Content *content, guint64 position, const guint8 *bytes, gsize size)
{
  guint64 word;

  memcpy (&word, bytes, sizeof word);
  return load_word (content, position) == word &&
         content_match (content, position, bytes, size) == size;
}

gboolean
content_check (const Content *content, guint64 position, const guint8 *bytes, gsize size,
               guint64 search_bytes, ContentError *error_out)
{
  gsize right = content_match (content, position, bytes, size);

  if (right == size) {
    *error_out = (ContentError) { .verdict = CONTENT_RIGHT };
    return TRUE;
  }
  position += right;
  bytes += right;
  *error_out = (ContentError) { .verdict = CONTENT_CORRUPTED, .position = position };

  /* Fewer than 8 bytes prove nothing; more than a few dozen prove no more. */
  gsize probe = MIN (size - right, 64);
  if (probe < 8)
    return FALSE;
  for (guint64 shift = 1; shift <= search_bytes; shift++) {
    if (looks_like (content, position + shift, bytes, probe))
      error_out->verdict = CONTENT_SKIPPED;
    else if (shift <= position && looks_like (content, position - shift, bytes, probe))
      error_out->verdict = CONTENT_REPEATED;
    else
      continue;
    error_out->shift_bytes = shift;
    break;
  }
  return FALSE;
}
