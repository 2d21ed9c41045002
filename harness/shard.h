/* SPDX-License-Identifier: Apache-2.0 */
/* shard.h - numbered runs dealt out to shards, the same way on every machine.
 *
 * Of each n runs that follow one another every one of n shards gets one, so counts differ by one at
 * most; which one changes from block to block, so that what recurs in a plan (a policy, the last
 * list of a sweep) does not all go to the same shard. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint64 index; /* from 0 to n - 1 */
  guint64 n;     /* at least 1 */
} Shard;

/* "2/5": the second of five. FALSE when @text is not of that form. */
gboolean shard_parse (const char *text, Shard *shard_out);

/* How many of @n_runs runs are the shard's. */
guint64 shard_count (const Shard *shard, guint64 n_runs);

/* The number of the shard's run @i (< shard_count()); ascending with @i. */
guint64 shard_get (const Shard *shard, guint64 i);

G_END_DECLS
