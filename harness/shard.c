/* SPDX-License-Identifier: Apache-2.0 */
/* shard.c - see shard.h. */
#include "harness/shard.h"

#define SHARDS_MAX 100000

gboolean
shard_parse (const char *text, Shard *shard_out)
{
  g_auto (GStrv) parts = g_strsplit (text, "/", -1);
  guint64 i, n;

  if (g_strv_length (parts) != 2 ||
      !g_ascii_string_to_unsigned (parts[1], 10, 1, SHARDS_MAX, &n, NULL) ||
      !g_ascii_string_to_unsigned (parts[0], 10, 1, n, &i, NULL))
    return FALSE;
  *shard_out = (Shard) { i - 1, n };
  return TRUE;
}

/* Where in @block of n runs the shard's is: the block's number, well mixed, turns the order. */
static guint64
get_offset (const Shard *shard, guint64 block)
{
  guint64 mixed = block + 0x9e3779b97f4a7c15u;

  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  mixed ^= mixed >> 31;
  return (shard->index + mixed % shard->n) % shard->n;
}

guint64
shard_get (const Shard *shard, guint64 i)
{
  return i * shard->n + get_offset (shard, i);
}

guint64
shard_count (const Shard *shard, guint64 n_runs)
{
  guint64 n_blocks = n_runs / shard->n, left = n_runs % shard->n;

  return n_blocks + (get_offset (shard, n_blocks) < left ? 1 : 0);
}
