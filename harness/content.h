/* SPDX-License-Identifier: Apache-2.0 */
/* content.h - what flows carry: bytes that are a function of the flow's seed and their position.
 *
 * Any stretch can be made and checked without what is before it, at memory speed. Byte i is byte
 * i mod 8 (little-endian) of word w = i / 8, and word w is table[w mod 512] XOR key(w / 512): the
 * table is drawn from the seed, the key is SplitMix64's mix of seed and block number. So no two
 * stretches of a flow, and no two flows, are alike. */
#pragma once

#include "core/types.h"

G_BEGIN_DECLS

#define CONTENT_TABLE_WORDS 512u
#define CONTENT_BLOCK_BYTES (CONTENT_TABLE_WORDS * 8u)

typedef struct {
  guint64 seed;
  guint64 table[CONTENT_TABLE_WORDS];
} Content;

/* What a wrong stretch looks like. */
typedef enum {
  CONTENT_RIGHT,
  CONTENT_SKIPPED,   /* it is what belongs further on: bytes are missing */
  CONTENT_REPEATED,  /* it is what was before: bytes came twice */
  CONTENT_CORRUPTED, /* neither */
} ContentVerdict;

typedef struct {
  ContentVerdict verdict;
  guint64 position;    /* of the first wrong byte */
  guint64 shift_bytes; /* how many bytes are missing or repeated, at that place */
} ContentError;

void content_init (Content *content, guint64 run_seed, const char *flow_name);

/* Writes the @size bytes from @position on. */
void content_fill (const Content *content, guint64 position, guint8 *bytes_out, gsize size);

/* (transfer full) the same as GBytes. */
GBytes *content_make (const Content *content, guint64 position, gsize size);

/* Number of leading bytes of @bytes that are right for @position; @size: all. */
gsize content_match (const Content *content, guint64 position, const guint8 *bytes, gsize size);

/* TRUE: all right. FALSE: fills *@error_out; a skip or repeat is looked for up to @search_bytes
 * away. */
gboolean content_check (const Content *content, guint64 position, const guint8 *bytes, gsize size,
                        guint64 search_bytes, ContentError *error_out);

G_END_DECLS
