/* SPDX-License-Identifier: Apache-2.0 */
/* values.c - see values.h. */
#include "config/values.h"

#include "config/suggest.h"
#include "config/units.h"
#include "core/types.h"

#include <string.h>

const char *const value_boolean_names[] = { "no", "yes", NULL };

int
value_find_name (const char *const *names, const char *text)
{
  for (int i = 0; names[i]; i++)
    if (strcmp (names[i], text) == 0)
      return i;
  return -1;
}

char *
value_unknown (const char *what, const char *text, const char *const *names)
{
  const char *nearest = suggest_nearest_strv (text, names);

  if (nearest)
    return g_strdup_printf ("unknown %s '%s'; did you mean '%s'?", what, text, nearest);
  g_autofree char *all = g_strjoinv (", ", (char **)names);
  return g_strdup_printf ("unknown %s '%s'; known: %s", what, text, all);
}

/* ---- numbers ---- */

/* A parser of units.h and its formatter. */
typedef struct {
  char *(*parse) (const char *text, gint64 *value_out);
  char *(*format) (gint64 value);
} Number;

static char *
format_count (gint64 count)
{
  return g_strdup_printf ("%" G_GINT64_FORMAT, count);
}

static const Number time_number = { units_parse_time, units_format_time };
static const Number bytes_number = { units_parse_bytes, units_format_bytes };
static const Number rate_number = { units_parse_rate, units_format_rate };
static const Number percent_number = { units_parse_percent, units_format_percent };
static const Number count_number = { units_parse_count, format_count };

static char *
parse_in_range (const Number *number, const char *text, gint64 min, gint64 max, gint64 *value_out)
{
  gint64 value;
  char *problem = number->parse (text, &value);

  if (problem)
    return problem;
  if (value < min || value > max) {
    g_autofree char *min_text = number->format (min);
    g_autofree char *max_text = number->format (max);
    return g_strdup_printf ("'%s' is out of range (%s to %s)", text, min_text, max_text);
  }
  *value_out = value;
  return NULL;
}

char *
value_parse_time (const char *text, gint64 min, gint64 max, gint64 *ns_out)
{
  return parse_in_range (&time_number, text, min, max, ns_out);
}

char *
value_parse_time_or_never (const char *text, gint64 min, gint64 max, gint64 *ns_out)
{
  if (strcmp (text, "never") == 0) {
    *ns_out = CAIMAN_TIME_NEVER;
    return NULL;
  }
  return value_parse_time (text, min, max, ns_out);
}

char *
value_parse_bytes (const char *text, gint64 min, gint64 max, gint64 *bytes_out)
{
  return parse_in_range (&bytes_number, text, min, max, bytes_out);
}

char *
value_parse_count (const char *text, gint64 min, gint64 max, gint64 *count_out)
{
  return parse_in_range (&count_number, text, min, max, count_out);
}

char *
value_parse_rate_within (const char *text, gint64 min, gint64 max, gint64 *bps_out)
{
  return parse_in_range (&rate_number, text, min, max, bps_out);
}

char *
value_parse_percent_within (const char *text, gint64 min, gint64 max, gint64 *ppb_out)
{
  return parse_in_range (&percent_number, text, min, max, ppb_out);
}

char *
value_format_time (gint64 ns)
{
  return ns == CAIMAN_TIME_NEVER ? g_strdup ("never") : units_format_time (ns);
}
