/* SPDX-License-Identifier: Apache-2.0 */
/* values.h - names out of a list, and numbers with units within a range.
 *
 * Parsers return NULL and fill in *@..._out, or a message (transfer full) and leave it alone. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "no", "yes": booleans of every file. */
extern const char *const value_boolean_names[];

/* The index of @text in @names (NULL-terminated), or -1. */
int value_find_name (const char *const *names, const char *text);

/* "unknown WHAT 'TEXT'; did you mean 'NEAREST'?", or with the whole list when nothing is near. */
char *value_unknown (const char *what, const char *text, const char *const *names);

/* Numbers with units within [@min, @max], both included. */
char *value_parse_time (const char *text, gint64 min, gint64 max, gint64 *ns_out);
/* Or "never": CAIMAN_TIME_NEVER. */
char *value_parse_time_or_never (const char *text, gint64 min, gint64 max, gint64 *ns_out);
char *value_parse_bytes (const char *text, gint64 min, gint64 max, gint64 *bytes_out);
char *value_parse_count (const char *text, gint64 min, gint64 max, gint64 *count_out);
char *value_parse_rate_within (const char *text, gint64 min, gint64 max, gint64 *bps_out);
char *value_parse_percent_within (const char *text, gint64 min, gint64 max, gint64 *ppb_out);

/* With "never"; parses to the same value. (transfer full) */
char *value_format_time (gint64 ns);

G_END_DECLS
