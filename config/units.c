/* SPDX-License-Identifier: Apache-2.0 */
/* units.c - exact decimal arithmetic in 128 bits: digits x unit / power of ten. */
#include "config/units.h"

#include <string.h>

/* With at most 24 digits and units of at most 3.6e12, products stay below 2^127. */
#define DIGITS_MAX 24

typedef struct {
  const char *name;
  gint64 factor;
} Unit;

typedef struct {
  const Unit *units;
  gsize n_units;
  const char *base;  /* what the integer counts, for messages */
  const char *known; /* the units, for messages */
} UnitKind;

static const Unit time_units[] = {
  { "h", G_GINT64_CONSTANT (3600000000000) },
  { "min", G_GINT64_CONSTANT (60000000000) },
  { "s", 1000000000 },
  { "ms", 1000000 },
  { "us", 1000 },
  { "ns", 1 },
};

static const Unit byte_units[] = {
  { "GB", 1000000000 }, { "MB", 1000000 },  { "kB", 1000 }, { "GiB", 1 << 30 },
  { "MiB", 1 << 20 },   { "KiB", 1 << 10 }, { "B", 1 },
};

static const Unit rate_units[] = {
  { "gbit", 1000000000 },
  { "mbit", 1000000 },
  { "kbit", 1000 },
  { "bit", 1 },
  { "GB/s", G_GINT64_CONSTANT (8000000000) },
  { "MB/s", 8000000 },
  { "kB/s", 8000 },
  { "GiB/s", G_GINT64_CONSTANT (8) << 30 },
  { "MiB/s", 8 << 20 },
  { "KiB/s", 8 << 10 },
  { "B/s", 8 },
};

/* Formatting uses only the bit units: one spelling per rate. */
#define N_BIT_UNITS 4

static const Unit percent_units[] = { { "%", 10000000 } };

static const UnitKind time_kind = { time_units, G_N_ELEMENTS (time_units), "ns",
                                    "ns, us, ms, s, min or h" };
static const UnitKind byte_kind = { byte_units, G_N_ELEMENTS (byte_units), "bytes",
                                    "B, kB, MB, GB, KiB, MiB or GiB" };
static const UnitKind rate_kind = { rate_units, G_N_ELEMENTS (rate_units), "bit/s",
                                    "bit, kbit, mbit, gbit, or B/s, kB/s, MB/s, GB/s" };
static const UnitKind percent_kind = { percent_units, G_N_ELEMENTS (percent_units), "0.0000001%",
                                       "%" };

/* A decimal number: @mantissa / 10^@decimals, and the text behind it. */
typedef struct {
  unsigned __int128 mantissa;
  guint decimals;
  const char *rest;
} Decimal;

typedef enum { DECIMAL_OK, DECIMAL_NONE, DECIMAL_TOO_LONG } DecimalVerdict;

static DecimalVerdict
parse_decimal (const char *text, Decimal *decimal_out)
{
  Decimal d = { 0, 0, text };
  guint n_digits = 0;
  gboolean has_digit = FALSE;

  for (; g_ascii_isdigit (*d.rest); d.rest++) {
    has_digit = TRUE;
    if (n_digits > 0 || *d.rest != '0')
      n_digits++;
    if (n_digits > DIGITS_MAX)
      return DECIMAL_TOO_LONG;
    d.mantissa = d.mantissa * 10 + (guint)(*d.rest - '0');
  }
  if (has_digit && d.rest[0] == '.' && g_ascii_isdigit (d.rest[1])) {
    for (d.rest++; g_ascii_isdigit (*d.rest); d.rest++) {
      if (++n_digits > DIGITS_MAX)
        return DECIMAL_TOO_LONG;
      d.mantissa = d.mantissa * 10 + (guint)(*d.rest - '0');
      d.decimals++;
    }
  }
  if (!has_digit)
    return DECIMAL_NONE;
  *decimal_out = d;
  return DECIMAL_OK;
}

static const Unit *
find_unit (const UnitKind *kind, const char *name)
{
  for (gsize i = 0; i < kind->n_units; i++)
    if (strcmp (kind->units[i].name, name) == 0)
      return &kind->units[i];
  return NULL;
}

static char *
parse_with_unit (const UnitKind *kind, const char *text, gint64 *value_out)
{
  Decimal d;

  if (text[0] == '-')
    return g_strdup_printf ("'%s' must not be negative", text);
  switch (parse_decimal (text, &d)) {
  case DECIMAL_NONE:
    return g_strdup_printf ("'%s' is not a number with a unit (%s)", text, kind->known);
  case DECIMAL_TOO_LONG:
    return g_strdup_printf ("'%s' has too many digits", text);
  case DECIMAL_OK:
    break;
  }
  if (*d.rest == '\0')
    return g_strdup_printf ("'%s' needs a unit: %s", text, kind->known);
  const Unit *unit = find_unit (kind, d.rest);
  if (!unit)
    return g_strdup_printf ("unknown unit '%s' in '%s': it must be %s", d.rest, text, kind->known);

  unsigned __int128 product = d.mantissa * (unsigned __int128)unit->factor;
  for (guint i = 0; i < d.decimals; i++) {
    if (product % 10 != 0)
      return g_strdup_printf ("'%s' is finer than 1 %s", text, kind->base);
    product /= 10;
  }
  if (product > G_MAXINT64)
    return g_strdup_printf ("'%s' is too large", text);
  *value_out = (gint64)product;
  return NULL;
}

char *
units_parse_time (const char *text, gint64 *ns_out)
{
  return parse_with_unit (&time_kind, text, ns_out);
}

char *
units_parse_bytes (const char *text, gint64 *bytes_out)
{
  return parse_with_unit (&byte_kind, text, bytes_out);
}

char *
units_parse_rate (const char *text, gint64 *bps_out)
{
  return parse_with_unit (&rate_kind, text, bps_out);
}

char *
units_parse_percent (const char *text, gint64 *ppb_out)
{
  gboolean is_negative = text[0] == '-' && g_ascii_isdigit (text[1]);
  gint64 ppb;
  char *problem = parse_with_unit (&percent_kind, text + is_negative, &ppb);

  if (problem)
    return problem;
  *ppb_out = is_negative ? -ppb : ppb;
  return NULL;
}

char *
units_parse_count (const char *text, gint64 *count_out)
{
  Decimal d;

  if (text[0] == '-')
    return g_strdup_printf ("'%s' must not be negative", text);
  switch (parse_decimal (text, &d)) {
  case DECIMAL_NONE:
    return g_strdup_printf ("'%s' is not a whole number", text);
  case DECIMAL_TOO_LONG:
    return g_strdup_printf ("'%s' has too many digits", text);
  case DECIMAL_OK:
    break;
  }
  if (d.decimals > 0 || *d.rest != '\0')
    return g_strdup_printf ("'%s' is not a whole number", text);
  if (d.mantissa > G_MAXINT64)
    return g_strdup_printf ("'%s' is too large", text);
  *count_out = (gint64)d.mantissa;
  return NULL;
}

/* The shortest of the exact spellings; the first unit wins among equals. */
static char *
format_with_unit (const Unit *units, gsize n_units, gint64 value)
{
  char *best = NULL;

  g_assert (value >= 0);
  for (gsize i = n_units; i-- > 0;) {
    if (value % units[i].factor != 0 || (value == 0 && units[i].factor != 1))
      continue;
    char *text = g_strdup_printf ("%" G_GINT64_FORMAT "%s", value / units[i].factor, units[i].name);
    if (best && strlen (best) < strlen (text)) {
      g_free (text);
      continue;
    }
    g_free (best);
    best = text;
  }
  return best;
}

char *
units_format_time (gint64 ns)
{
  if (ns == 0)
    return g_strdup ("0s");
  return format_with_unit (time_units, G_N_ELEMENTS (time_units), ns);
}

char *
units_format_bytes (gint64 bytes)
{
  return format_with_unit (byte_units, G_N_ELEMENTS (byte_units), bytes);
}

char *
units_format_rate (gint64 bps)
{
  return format_with_unit (rate_units, N_BIT_UNITS, bps);
}

char *
units_format_percent (gint64 ppb)
{
  guint64 magnitude = ppb < 0 ? -(guint64)ppb : (guint64)ppb;
  GString *text = g_string_new (ppb < 0 ? "-" : "");
  guint64 fraction = magnitude % 10000000;

  g_string_append_printf (text, "%" G_GUINT64_FORMAT, magnitude / 10000000);
  if (fraction > 0) {
    g_string_append_printf (text, ".%07" G_GUINT64_FORMAT, fraction);
    while (text->str[text->len - 1] == '0')
      g_string_truncate (text, text->len - 1);
  }
  g_string_append_c (text, '%');
  return g_string_free (text, FALSE);
}
