/* SPDX-License-Identifier: Apache-2.0 */
/* variant.c - see variant.h. */
#include "reports/variant.h"

#include <math.h>
#include <string.h>

static const struct {
  const char *suffix;
  double factor;
  const char *unit;
} suffixes[] = {
  { "ns", 1, "ns" },           { "us", 1e3, "ns" },
  { "ms", 1e6, "ns" },         { "s", 1e9, "ns" },
  { "min", 60e9, "ns" },       { "h", 3600e9, "ns" },
  { "B", 1, "bytes" },         { "kB", 1e3, "bytes" },
  { "MB", 1e6, "bytes" },      { "GB", 1e9, "bytes" },
  { "TB", 1e12, "bytes" },     { "KiB", 1024, "bytes" },
  { "MiB", 1048576, "bytes" }, { "GiB", 1073741824, "bytes" },
  { "bit", 1, "bit/s" },       { "kbit", 1e3, "bit/s" },
  { "mbit", 1e6, "bit/s" },    { "gbit", 1e9, "bit/s" },
  { "tbit", 1e12, "bit/s" },   { "%", 0.01, "ratio" },
  { "", 1, "count" },
};

gboolean
variant_parse_number (const char *text, double *number_out, const char **unit_out)
{
  char *end = NULL;
  /* strtod also takes "inf", "nan" and hexadecimal numbers, which scenarios do not have. */
  const char *first = text + (*text == '-' || *text == '+');
  if (!g_ascii_isdigit (*first) && !(*first == '.' && g_ascii_isdigit (first[1])))
    return FALSE;
  if (first[0] == '0' && (first[1] == 'x' || first[1] == 'X'))
    return FALSE;
  double number = g_ascii_strtod (text, &end);
  while (*end == ' ')
    end++;
  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++) {
    if (strcmp (end, suffixes[i].suffix) != 0 || !isfinite (number * suffixes[i].factor))
      continue;
    *number_out = number * suffixes[i].factor;
    *unit_out = suffixes[i].unit;
    return TRUE;
  }
  return FALSE;
}

static void
clear_part (gpointer data)
{
  VariantPart *part = data;
  g_free (part->key);
  g_free (part->value);
}

/* Whether @word is "GROUP.KEY=..." or "NAME.KEY=...": so the number of bytes before the '=', else
 * 0. */
static gsize
key_length (const char *word)
{
  const char *equals = strchr (word, '=');
  gsize length = equals ? (gsize)(equals - word) : 0;
  const char *dot = length > 0 ? memchr (word, '.', length) : NULL;
  return dot && dot > word && dot + 1 < equals && !memchr (word, '(', length) ? length : 0;
}

/* The first word of a group of two. */
static gboolean
is_group (const char *word)
{
  static const char *const groups[] = { "link", "traffic", "event", "testbed", "flow", NULL };
  return g_strv_contains (groups, word);
}

static void
finish_part (VariantPart *part, GString *value)
{
  part->value = g_strdup (g_strstrip (value->str));
  if (!variant_parse_number (part->value, &part->number, &part->unit)) {
    part->number = NAN;
    part->unit = "";
  }
  g_string_truncate (value, 0);
}

GArray *
variant_parse (const char *variant)
{
  GArray *parts = g_array_new (FALSE, TRUE, sizeof (VariantPart));
  g_array_set_clear_func (parts, clear_part);
  g_auto (GStrv) words = g_strsplit (variant ? variant : "", " ", -1);
  g_autoptr (GString) value = g_string_new (NULL);
  for (guint i = 0; words[i]; i++) {
    gboolean has_group = is_group (words[i]) && words[i + 1] && key_length (words[i + 1]) > 0;
    const char *word = has_group ? words[i + 1] : words[i];
    gsize length = key_length (word);
    if (length == 0) {
      g_string_append_printf (value, "%s ", words[i]);
      continue;
    }
    if (parts->len > 0)
      finish_part (&g_array_index (parts, VariantPart, parts->len - 1), value);
    g_string_truncate (value, 0);
    VariantPart part = { .key = g_strdup_printf ("%s%s%.*s", has_group ? words[i] : "",
                                                 has_group ? " " : "", (int)length, word) };
    g_array_append_val (parts, part);
    g_string_append_printf (value, "%s ", word + length + 1);
    i += has_group;
  }
  if (parts->len > 0)
    finish_part (&g_array_index (parts, VariantPart, parts->len - 1), value);
  return parts;
}
