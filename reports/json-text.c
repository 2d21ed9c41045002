/* SPDX-License-Identifier: Apache-2.0 */
/* json-text.c - see json-text.h. JSON-GLib builds a tree first, which a report of a million values
 * has no use for, and escapes nothing for HTML. */
#include "reports/json-text.h"

#include <math.h>
#include <string.h>

/* Up to here every integer has a double of its own. */
#define EXACT_INTEGER_MAX (G_GINT64_CONSTANT (1) << 53)

void
json_text_init (JsonText *json)
{
  json->out = g_string_new (NULL);
  json->needs_comma = FALSE;
}

void
json_text_clear (JsonText *json)
{
  if (json->out)
    g_string_free (json->out, TRUE);
  json->out = NULL;
}

char *
json_text_finish (JsonText *json)
{
  GString *out = g_steal_pointer (&json->out);
  return g_string_free (out, FALSE);
}

static void
separate (JsonText *json)
{
  if (json->needs_comma)
    g_string_append_c (json->out, ',');
  json->needs_comma = TRUE;
}

void
json_text_open (JsonText *json, char bracket)
{
  separate (json);
  g_string_append_c (json->out, bracket);
  json->needs_comma = FALSE;
}

void
json_text_close (JsonText *json, char bracket)
{
  g_string_append_c (json->out, bracket);
  json->needs_comma = TRUE;
}

static void
append_character (GString *out, gunichar c)
{
  if (c == '"' || c == '\\') {
    g_string_append_c (out, '\\');
    g_string_append_c (out, (char)c);
  } else if (c == '\n') {
    g_string_append (out, "\\n");
  } else if (c < 0x20 || c == '<' || c == '>' || c == '&' || c == 0x7f || c == 0x2028 ||
             c == 0x2029) {
    g_string_append_printf (out, "\\u%04x", c);
  } else {
    g_string_append_unichar (out, c);
  }
}

static void
append_quoted (GString *out, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_string_append_c (out, '"');
  for (const char *at = valid; *at; at = g_utf8_next_char (at))
    append_character (out, g_utf8_get_char (at));
  g_string_append_c (out, '"');
}

void
json_text_key (JsonText *json, const char *name)
{
  separate (json);
  append_quoted (json->out, name);
  g_string_append_c (json->out, ':');
  json->needs_comma = FALSE;
}

void
json_text_null (JsonText *json)
{
  separate (json);
  g_string_append (json->out, "null");
}

void
json_text_string (JsonText *json, const char *text)
{
  if (!text) {
    json_text_null (json);
    return;
  }
  separate (json);
  append_quoted (json->out, text);
}

void
json_text_integer (JsonText *json, gint64 value)
{
  gboolean is_exact = value >= -EXACT_INTEGER_MAX && value <= EXACT_INTEGER_MAX;
  separate (json);
  g_string_append_printf (json->out, is_exact ? "%" G_GINT64_FORMAT : "\"%" G_GINT64_FORMAT "\"",
                          value);
}

void
json_text_boolean (JsonText *json, gboolean value)
{
  separate (json);
  g_string_append (json->out, value ? "true" : "false");
}

void
json_text_rounded (JsonText *json, double value, int digits)
{
  char format[8], text[G_ASCII_DTOSTR_BUF_SIZE];
  if (!isfinite (value)) {
    json_text_null (json);
    return;
  }
  g_snprintf (format, sizeof format, "%%.%dg", CLAMP (digits, 1, 17));
  g_ascii_formatd (text, sizeof text, format, value);
  separate (json);
  g_string_append (json->out, text);
}

void
json_text_number (JsonText *json, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  int digits = 15;
  if (isfinite (value) &&
      g_ascii_strtod (g_ascii_formatd (text, sizeof text, "%.15g", value), NULL) != value)
    digits = 17;
  json_text_rounded (json, value, digits);
}

void
json_text_member_open (JsonText *json, const char *name, char bracket)
{
  json_text_key (json, name);
  json_text_open (json, bracket);
}

void
json_text_member_string (JsonText *json, const char *name, const char *text)
{
  json_text_key (json, name);
  json_text_string (json, text);
}

void
json_text_member_integer (JsonText *json, const char *name, gint64 value)
{
  json_text_key (json, name);
  json_text_integer (json, value);
}

void
json_text_member_number (JsonText *json, const char *name, double value)
{
  json_text_key (json, name);
  json_text_number (json, value);
}

void
json_text_member_boolean (JsonText *json, const char *name, gboolean value)
{
  json_text_key (json, name);
  json_text_boolean (json, value);
}

void
html_append_escaped (GString *out, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text ? text : "", -1);
  for (const char *at = valid; *at; at++) {
    switch (*at) {
    case '<':
      g_string_append (out, "&lt;");
      break;
    case '>':
      g_string_append (out, "&gt;");
      break;
    case '&':
      g_string_append (out, "&amp;");
      break;
    case '"':
      g_string_append (out, "&quot;");
      break;
    case '\'':
      g_string_append (out, "&#39;");
      break;
    default:
      /* Control characters have no place in HTML. */
      g_string_append_c (out, (guchar)*at < 0x20 && !strchr ("\n\t", *at) ? '?' : *at);
    }
  }
}
