/* SPDX-License-Identifier: Apache-2.0 */
/* json-text.h - writes compact JSON piece by piece, fit to stand inside an HTML document.
 *
 * What could end a <script> element or begin a comment (<, >, &) and what older JavaScript takes
 * for a line's end (U+2028, U+2029) is written as \uXXXX, so any text may be embedded as it is.
 * Text that is not UTF-8 is repaired. Commas are set by themselves; nothing checks that what is
 * begun is ended. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  GString *out; /* (owned) */
  gboolean needs_comma;
} JsonText;

void json_text_init (JsonText *json);
void json_text_clear (JsonText *json);

/* Returns: (transfer full): the text, and ends @json's use. */
char *json_text_finish (JsonText *json);

/* @bracket is one of { [ } ]. */
void json_text_open (JsonText *json, char bracket);
void json_text_close (JsonText *json, char bracket);

/* The name of the next value of an object. */
void json_text_key (JsonText *json, const char *name);

/* Values; NULL and what is not finite become null. An integer beyond 2^53, which JavaScript would
 * round, is written as a string of digits. */
void json_text_string (JsonText *json, const char *text);
void json_text_integer (JsonText *json, gint64 value);
void json_text_boolean (JsonText *json, gboolean value);
void json_text_null (JsonText *json);

/* The shortest text that reads back as @value; or rounded to @digits (1 to 16) that matter. */
void json_text_number (JsonText *json, double value);
void json_text_rounded (JsonText *json, double value, int digits);

/* A member each; json_text_close() ends the one that is opened. */
void json_text_member_open (JsonText *json, const char *name, char bracket);
void json_text_member_string (JsonText *json, const char *name, const char *text);
void json_text_member_integer (JsonText *json, const char *name, gint64 value);
void json_text_member_number (JsonText *json, const char *name, double value);
void json_text_member_boolean (JsonText *json, const char *name, gboolean value);

/* Appends @text (NULL: nothing) escaped for the content of an element and for attributes. */
void html_append_escaped (GString *out, const char *text);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (JsonText, json_text_clear)

G_END_DECLS
