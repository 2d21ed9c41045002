/* SPDX-License-Identifier: Apache-2.0 */
/* format.c - see format.h. */
#include "reports/format.h"

#include <math.h>

/* @value with three digits that matter, no exponent, and at least its whole part. */
static char *
three_digits (double value)
{
  double size = fabs (value);
  /* The borders are where rounding would add a digit. */
  int decimals = size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
  return g_strdup_printf ("%.*f", decimals, value);
}

/* @value scaled by the largest of @units (each @step times the one before) that leaves it >= 1;
 * whole numbers of the smallest unit stay whole. */
static char *
scaled (double value, double step, const char *const *units)
{
  if (!isfinite (value))
    return g_strdup ("-");
  if (fabs (value) < step && value == floor (value))
    return g_strdup_printf ("%.0f %s", value, units[0]);
  double rounds_up_at = step - 0.5;
  while (fabs (value) >= rounds_up_at && units[1]) {
    value /= step;
    units++;
  }
  g_autofree char *digits = three_digits (value);
  return g_strdup_printf ("%s %s", digits, units[0]);
}

static char *
long_time (double time_ns)
{
  gint64 seconds = (gint64)(time_ns / 1e9 + 0.5);
  if (seconds < 3600)
    return g_strdup_printf ("%d min %d s", (int)(seconds / 60), (int)(seconds % 60));
  gint64 minutes = (seconds + 30) / 60;
  return g_strdup_printf ("%" G_GINT64_FORMAT " h %d min", minutes / 60, (int)(minutes % 60));
}

char *
format_time (double time_ns)
{
  static const char *const units[] = { "ns", "us", "ms", "s", NULL };
  if (isfinite (time_ns) && time_ns >= 120e9)
    return long_time (time_ns);
  return scaled (time_ns, 1000, units);
}

char *
format_bytes (double size_bytes)
{
  static const char *const units[] = { "B", "kB", "MB", "GB", "TB", NULL };
  return scaled (size_bytes, 1000, units);
}

char *
format_rate (double rate_bps)
{
  static const char *const units[] = { "bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", NULL };
  return scaled (rate_bps, 1000, units);
}

char *
format_ratio (double ratio)
{
  if (!isfinite (ratio))
    return g_strdup ("-");
  g_autofree char *digits = three_digits (ratio * 100);
  return g_strdup_printf ("%s %%", digits);
}

char *
format_count (double count)
{
  if (!isfinite (count))
    return g_strdup ("-");
  if (count != floor (count) || fabs (count) >= 1e18)
    return three_digits (count);
  g_autofree char *digits = g_strdup_printf ("%.0f", fabs (count));
  GString *out = g_string_new (count < 0 ? "-" : "");
  gsize len = strlen (digits);
  for (gsize i = 0; i < len; i++) {
    if (i > 0 && (len - i) % 3 == 0)
      g_string_append_c (out, ' ');
    g_string_append_c (out, digits[i]);
  }
  return g_string_free (out, FALSE);
}

char *
format_value (double value, const char *unit)
{
  if (g_str_equal (unit, "ns"))
    return format_time (value);
  if (g_str_equal (unit, "bytes"))
    return format_bytes (value);
  if (g_str_equal (unit, "bit/s"))
    return format_rate (value);
  if (g_str_equal (unit, "ratio"))
    return format_ratio (value);
  g_autofree char *number = format_count (value);
  if (!isfinite (value) || g_str_equal (unit, "count") || g_str_equal (unit, ""))
    return g_steal_pointer (&number);
  return g_strdup_printf ("%s %s", number, unit);
}

char *
format_date (gint64 time_us)
{
  g_autoptr (GDateTime) date = g_date_time_new_from_unix_utc (time_us / G_USEC_PER_SEC);
  return date ? g_date_time_format (date, "%Y-%m-%d %H:%M:%S") : g_strdup ("-");
}

const char *
format_exit_class (int exit_class)
{
  switch (exit_class) {
  case 0:
    return "ok";
  case 1:
    return "FAILED";
  case 2:
    return "INVALID";
  case 3:
    return "UNSAFE";
  case 4:
    return "STUCK";
  case 77:
    return "skipped";
  case 130:
    return "interrupted";
  default:
    return "ERROR";
  }
}
