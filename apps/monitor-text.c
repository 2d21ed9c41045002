/* SPDX-License-Identifier: Apache-2.0 */
/* monitor-text.c - see monitor-text.h. */
#include "apps/monitor-text.h"

#include "core/types.h"

static void
span_clear (gpointer data)
{
  MonitorSpan *span = data;
  g_free (span->text);
}

MonitorLine *
monitor_line_new (void)
{
  MonitorLine *line = g_new0 (MonitorLine, 1);
  line->spans = g_array_new (FALSE, TRUE, sizeof (MonitorSpan));
  g_array_set_clear_func (line->spans, span_clear);
  return line;
}

void
monitor_line_free (MonitorLine *line)
{
  if (line == NULL)
    return;
  g_array_unref (line->spans);
  g_free (line);
}

/* --- Columns --- */

static guint
char_width (gunichar c)
{
  if (g_unichar_iszerowidth (c))
    return 0;
  return g_unichar_iswide (c) ? 2 : 1;
}

guint
monitor_text_width (const char *text)
{
  guint width = 0;
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    width += char_width (g_utf8_get_char (p));
  return width;
}

/* (transfer full) As much of @text as fits @width columns, without what would steer the terminal:
 * control characters and those that change the direction of the text. */
static char *
clean (const char *text, guint width)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *out = g_string_new (NULL);
  guint used = 0;
  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    GUnicodeType type = g_unichar_type (c);
    if (type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT || type == G_UNICODE_LINE_SEPARATOR ||
        type == G_UNICODE_PARAGRAPH_SEPARATOR)
      c = '?';
    used += char_width (c);
    if (used > width)
      break;
    g_string_append_unichar (out, c);
  }
  return g_string_free (out, FALSE);
}

/* Takes @text, which is clean. */
static void
take_span (MonitorLine *line, MonitorAttribute attribute, char *text)
{
  MonitorSpan span = { .text = text, .attribute = attribute };
  line->width += monitor_text_width (text);
  g_array_append_val (line->spans, span);
}

void
monitor_line_add (MonitorLine *line, MonitorAttribute attribute, const char *text)
{
  take_span (line, attribute, clean (text, G_MAXUINT));
}

void
monitor_line_printf (MonitorLine *line, MonitorAttribute attribute, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  monitor_line_add (line, attribute, text);
}

static void
add_padded (MonitorLine *line, MonitorAttribute attribute, guint width, const char *text,
            gboolean right)
{
  g_autofree char *cut = clean (text, width);
  guint pad = width - monitor_text_width (cut);
  take_span (line, attribute,
             right ? g_strdup_printf ("%*s%s", (int)pad, "", cut)
                   : g_strdup_printf ("%s%*s", cut, (int)pad, ""));
}

void
monitor_line_add_left (MonitorLine *line, MonitorAttribute attribute, guint width, const char *text)
{
  add_padded (line, attribute, width, text, FALSE);
}

void
monitor_line_add_right (MonitorLine *line, MonitorAttribute attribute, guint width,
                        const char *text)
{
  add_padded (line, attribute, width, text, TRUE);
}

void
monitor_line_fit (MonitorLine *line, guint width, gboolean pads)
{
  guint used = 0;
  for (guint i = 0; i < line->spans->len; i++) {
    MonitorSpan *span = &g_array_index (line->spans, MonitorSpan, i);
    char *cut = clean (span->text, width - used);
    g_free (span->text);
    span->text = cut;
    used += monitor_text_width (cut);
  }
  line->width = used;
  if (pads && used < width) {
    MonitorAttribute attribute =
        line->spans->len > 0
            ? g_array_index (line->spans, MonitorSpan, line->spans->len - 1).attribute
            : MONITOR_PLAIN;
    take_span (line, attribute, g_strnfill (width - used, ' '));
  }
}

char *
monitor_line_get_text (const MonitorLine *line)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < line->spans->len; i++)
    g_string_append (text, g_array_index (line->spans, MonitorSpan, i).text);
  return g_string_free (text, FALSE);
}

/* --- Numbers and bars --- */

char *
monitor_format_number (gint64 value)
{
  static const char units[] = { 'k', 'M', 'G', 'T', 'P', 'E' };
  double scaled = (double)MAX (value, 0);
  guint unit = 0;
  if (value < 1000)
    return g_strdup_printf ("%d", (int)MAX (value, 0));
  scaled /= 1000;
  while (scaled >= 999.5 && unit + 1 < G_N_ELEMENTS (units)) {
    scaled /= 1000;
    unit++;
  }
  int decimals = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
  return g_strdup_printf ("%.*f%c", decimals, scaled, units[unit]);
}

char *
monitor_format_age (gint64 age_ns)
{
  static const struct {
    gint64 seconds;
    const char *name;
  } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
  gint64 seconds = MAX (age_ns, 0) / CAIMAN_NS_PER_S;
  guint i = 0;
  while (i + 1 < G_N_ELEMENTS (units) && seconds < units[i].seconds)
    i++;
  gint64 whole = seconds / units[i].seconds;
  if (i + 1 == G_N_ELEMENTS (units))
    return g_strdup_printf ("%" G_GINT64_FORMAT " s", whole);
  gint64 rest = (seconds - whole * units[i].seconds) / units[i + 1].seconds;
  return g_strdup_printf ("%" G_GINT64_FORMAT " %s %" G_GINT64_FORMAT " %s", whole, units[i].name,
                          rest, units[i + 1].name);
}

char *
monitor_format_bars (const gint64 *values, guint n, guint width, gint64 full_scale,
                     gboolean is_unicode)
{
  static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
  static const char *const letters[] = { " ", ".", ":", "-", "=", "+", "*", "%", "#" };
  const char *const *levels = is_unicode ? blocks : letters;
  const gint64 top = G_N_ELEMENTS (blocks) - 1;
  guint shown = MIN (n, width);
  GString *bars = g_string_new (NULL);
  g_string_append_printf (bars, "%*s", (int)(width - shown), "");
  for (guint i = n - shown; i < n; i++) {
    /* Whatever is more than nothing shows. */
    gint64 level = 0;
    if (values[i] > 0)
      level = CLAMP (caiman_muldiv (values[i], top, MAX (full_scale, 1)), 1, top);
    g_string_append (bars, levels[level]);
  }
  return g_string_free (bars, FALSE);
}
