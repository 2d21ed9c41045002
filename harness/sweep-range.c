/* SPDX-License-Identifier: Apache-2.0 */
/* sweep-range.c - quantities, and ranges of them: "10ms..100ms step 10ms", "1mbit..64mbit x2",
 * "1ms..1s log 4".
 *
 * All is exact in whole base units but for the inner values of "log", which are rounded to three
 * digits: so they are the same on every machine, whatever its libm says in the last bit. */
#include "harness/sweep-private.h"

#include "config/units.h"

#include <math.h>
#include <string.h>

/* A factor is parsed like a time, so that "x1.5" is exact. */
#define FACTOR_SCALE G_GINT64_CONSTANT (1000000000)

#define LOG_DIGITS_SCALE 1000

/* ---- quantities ---- */

Quantity
quantity_parse (const char *text)
{
  static const struct {
    QuantityKind kind;
    char *(*parse) (const char *text, gint64 *value_out);
  } kinds[] = {
    { QUANTITY_COUNT, units_parse_count }, { QUANTITY_PERCENT, units_parse_percent },
    { QUANTITY_TIME, units_parse_time },   { QUANTITY_RATE, units_parse_rate },
    { QUANTITY_BYTES, units_parse_bytes },
  };
  Quantity quantity = { QUANTITY_WORD, 0 };

  if (strcmp (text, "unlimited") == 0 || strcmp (text, "never") == 0)
    return (Quantity) { QUANTITY_ENDLESS, G_MAXINT64 };
  if (!g_ascii_isdigit (*text) && *text != '-')
    return quantity;
  for (gsize i = 0; i < G_N_ELEMENTS (kinds) && quantity.kind == QUANTITY_WORD; i++) {
    g_autofree char *problem = kinds[i].parse (text, &quantity.number);
    if (!problem)
      quantity.kind = kinds[i].kind;
  }
  return quantity;
}

char *
quantity_format (Quantity quantity)
{
  switch (quantity.kind) {
  case QUANTITY_TIME:
    return units_format_time (quantity.number);
  case QUANTITY_RATE:
    return units_format_rate (quantity.number);
  case QUANTITY_BYTES:
    return units_format_bytes (quantity.number);
  case QUANTITY_PERCENT:
    return units_format_percent (quantity.number);
  case QUANTITY_COUNT:
    return g_strdup_printf ("%" G_GINT64_FORMAT, quantity.number);
  case QUANTITY_WORD:
  case QUANTITY_ENDLESS:
    break;
  }
  g_assert_not_reached ();
}

const char *
quantity_kind_to_string (QuantityKind kind)
{
  static const char *const names[] = {
    [QUANTITY_WORD] = "a word",          [QUANTITY_COUNT] = "a count",
    [QUANTITY_PERCENT] = "a percentage", [QUANTITY_TIME] = "a time",
    [QUANTITY_RATE] = "a rate",          [QUANTITY_BYTES] = "a size",
    [QUANTITY_ENDLESS] = "without end",
  };
  return names[kind];
}

/* ---- ranges ---- */

typedef struct {
  const char *text;
  Quantity first, last;
  GPtrArray *values;
} Range;

static char *
add_value (Range *range, gint64 number)
{
  if (range->values->len >= SWEEP_VALUES_MAX)
    return g_strdup_printf ("'%s' are more than %d values", range->text, SWEEP_VALUES_MAX);
  g_ptr_array_add (range->values, quantity_format ((Quantity) { range->first.kind, number }));
  return NULL;
}

static char *
expand_steps (Range *range, const char *step_text)
{
  Quantity step = quantity_parse (step_text);
  char *problem = NULL;

  if (step.kind != range->first.kind || step.number <= 0)
    return g_strdup_printf ("the step of '%s' must be %s above 0, not '%s'", range->text,
                            quantity_kind_to_string (range->first.kind), step_text);
  for (gint64 at = range->first.number; !problem && at <= range->last.number;) {
    problem = add_value (range, at);
    if (__builtin_add_overflow (at, step.number, &at))
      break;
  }
  return problem;
}

static char *
expand_factor (Range *range, const char *factor_text)
{
  g_autofree char *as_time = g_strconcat (factor_text, "s", NULL);
  gint64 factor;
  g_autofree char *not_a_number = units_parse_time (as_time, &factor);
  char *problem = NULL;

  if (not_a_number || factor <= FACTOR_SCALE)
    return g_strdup_printf ("the factor of '%s' must be a number above 1, as in x2", range->text);
  if (range->first.number <= 0)
    return g_strdup_printf ("'%s' must begin above 0", range->text);
  for (__int128 at = range->first.number; !problem && at <= range->last.number;) {
    problem = add_value (range, (gint64)at);
    if (!problem && at * factor % FACTOR_SCALE != 0 &&
        at * factor / FACTOR_SCALE < range->last.number)
      problem =
          g_strdup_printf ("'%s' makes a value that is no whole number of its unit", range->text);
    at = at * factor / FACTOR_SCALE;
  }
  return problem;
}

/* @value with three digits, the others zero. */
static gint64
round_to_digits (double value)
{
  gint64 scale = 1;

  while (value / (double)scale >= LOG_DIGITS_SCALE)
    scale *= 10;
  return (gint64)floor (value / (double)scale + 0.5) * scale;
}

static char *
expand_log (Range *range, const char *count_text)
{
  Quantity count = quantity_parse (count_text);
  gint64 first = range->first.number, last = range->last.number;
  char *problem = NULL;

  if (count.kind != QUANTITY_COUNT || count.number < 2)
    return g_strdup_printf ("'%s' must say how many values there are, as in 'log 5'", range->text);
  if (first <= 0)
    return g_strdup_printf ("'%s' must begin above 0", range->text);
  for (gint64 i = 0; !problem && i < count.number; i++) {
    double ratio = (double)i / (double)(count.number - 1);
    double value = (double)first * pow ((double)last / (double)first, ratio);
    problem = add_value (range, i == 0                  ? first
                                : i == count.number - 1 ? last
                                                        : round_to_digits (value));
  }
  return problem;
}

gboolean
sweep_is_range (const char *group, const char *text)
{
  const char *dots = strstr (text, "..");

  if (!dots || (!g_ascii_isdigit (*text) && *text != '-') || strchr (text, '('))
    return FALSE;
  /* "expect.upload.efficiency = 90%..100%" is one value, a bound. */
  return strcmp (group, "expect") != 0 || strpbrk (dots, " \t") != NULL;
}

/* Sets both ends of @range. */
static char *
parse_ends (Range *range, const char *text)
{
  g_auto (GStrv) ends = g_strsplit (text, "..", 2);

  if (!ends[0] || !ends[1])
    return g_strdup_printf ("'%s' is no range: its two ends stand together, as in 1ms..5ms",
                            range->text);
  for (guint i = 0; i < 2; i++) {
    Quantity end = quantity_parse (g_strstrip (ends[i]));
    if (end.kind == QUANTITY_WORD || end.kind == QUANTITY_ENDLESS)
      return g_strdup_printf ("'%s' is no range of numbers with units", range->text);
    *(i == 0 ? &range->first : &range->last) = end;
  }
  if (range->first.kind != range->last.kind)
    return g_strdup_printf ("'%s' goes from %s to %s", range->text,
                            quantity_kind_to_string (range->first.kind),
                            quantity_kind_to_string (range->last.kind));
  if (range->first.number >= range->last.number)
    return g_strdup_printf ("'%s' must go up", range->text);
  return NULL;
}

/* @words: "A..B" and what is behind it. */
static char *
expand (Range *range, char **words)
{
  guint n_words = g_strv_length (words);
  char *problem = parse_ends (range, words[0]);

  if (problem)
    return problem;
  if (n_words == 1 && range->first.kind == QUANTITY_COUNT)
    return expand_steps (range, "1");
  if (n_words == 3 && strcmp (words[1], "step") == 0)
    return expand_steps (range, words[2]);
  if (n_words == 3 && strcmp (words[1], "log") == 0)
    return expand_log (range, words[2]);
  if (n_words == 2 && words[1][0] == 'x')
    return expand_factor (range, words[1] + 1);
  return g_strdup_printf ("'%s' needs 'step S', 'xF' or 'log N' behind its end", range->text);
}

char *
sweep_expand_range (const char *text, GPtrArray *values)
{
  Range range = { .text = text, .values = g_ptr_array_new_with_free_func (g_free) };
  g_auto (GStrv) words = scan_split (text, ' ');
  char *problem = words ? expand (&range, words) : g_strdup ("parentheses do not match");

  if (!problem)
    g_ptr_array_extend_and_steal (values, g_steal_pointer (&range.values));
  g_clear_pointer (&range.values, g_ptr_array_unref);
  return problem;
}
