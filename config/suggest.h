/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.h - the known name that a misspelt one was probably meant to be. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Edits between @a and @b: insertions, deletions, substitutions and swaps of two neighbours, each
 * counting one. Bytes are compared, case is ignored. */
guint suggest_distance (const char *a, const char *b);

/* The nearest of @n_names @names to @name, the first among equals; NULL when none is near enough
 * (more than a third of the longer one's bytes, at least one, would have to change). */
const char *suggest_nearest (const char *name, const char *const *names, gsize n_names);

/* The same for a NULL-terminated list. */
const char *suggest_nearest_strv (const char *name, const char *const *names);

G_END_DECLS
