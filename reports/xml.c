/* SPDX-License-Identifier: Apache-2.0 */
/* xml.c - see xml.h. */
#include "reports/xml.h"

/* XML 1.0 has no way to write most control characters, not even as a reference. */
static gboolean
is_xml_char (gunichar c)
{
  return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0xd7ff) ||
         (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

static void
append_escaped (GString *out, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  for (const char *p = valid; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    if (c == '&')
      g_string_append (out, "&amp;");
    else if (c == '<')
      g_string_append (out, "&lt;");
    else if (c == '>')
      g_string_append (out, "&gt;");
    else if (c == '"')
      g_string_append (out, "&quot;");
    else if (c == '\n' || c == '\t' || c == '\r')
      g_string_append_printf (out, "&#%u;", c); /* an attribute would turn it into a space */
    else
      g_string_append_unichar (out, is_xml_char (c) ? c : 0xfffd);
  }
}

void
xml_append_attribute (GString *out, const char *name, const char *value)
{
  g_string_append_printf (out, " %s=\"", name);
  append_escaped (out, value);
  g_string_append_c (out, '"');
}

void
xml_append_text (GString *out, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i]; i++) {
    append_escaped (out, lines[i]);
    if (lines[i + 1])
      g_string_append_c (out, '\n');
  }
}
