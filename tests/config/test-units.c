/* SPDX-License-Identifier: Apache-2.0 */
/* test-units.c - exact numbers with units, both ways; nearest names. */
#include "config/suggest.h"
#include "config/units.h"

#include <string.h>

typedef char *(*Parser) (const char *text, gint64 *value_out);
typedef char *(*Formatter) (gint64 value);

static const struct {
  const char *name;
  Parser parse;
  Formatter format; /* NULL: none */
} kinds[] = {
  { "time", units_parse_time, units_format_time },
  { "bytes", units_parse_bytes, units_format_bytes },
  { "rate", units_parse_rate, units_format_rate },
  { "percent", units_parse_percent, units_format_percent },
  { "count", units_parse_count, NULL },
};

enum { TIME, BYTES, RATE, PERCENT, COUNT };

static const struct {
  guint kind;
  const char *text;
  gint64 value;
  const char *formatted; /* NULL: the same as @text */
} good[] = {
  { TIME, "0s", 0, NULL },
  { TIME, "0ns", 0, "0s" },
  { TIME, "1ns", 1, NULL },
  { TIME, "250us", 250000, NULL },
  { TIME, "20ms", 20000000, NULL },
  { TIME, "1.5s", 1500000000, "1500ms" },
  { TIME, "0.000000001s", 1, "1ns" },
  { TIME, "90s", G_GINT64_CONSTANT (90000000000), NULL },
  { TIME, "1min", G_GINT64_CONSTANT (60000000000), "60s" },
  { TIME, "60min", G_GINT64_CONSTANT (3600000000000), "1h" },
  { TIME, "2h", G_GINT64_CONSTANT (7200000000000), NULL },
  { TIME, "9223372036854775807ns", G_MAXINT64, NULL },
  { TIME, "007s", G_GINT64_CONSTANT (7000000000), "7s" },
  { BYTES, "0B", 0, NULL },
  { BYTES, "1B", 1, NULL },
  { BYTES, "16KiB", 16384, NULL },
  { BYTES, "1.5KiB", 1536, "1536B" },
  { BYTES, "100MB", 100000000, NULL },
  { BYTES, "64MiB", 67108864, NULL },
  { BYTES, "1000kB", 1000000, "1MB" },
  { BYTES, "2GiB", G_GINT64_CONSTANT (2147483648), NULL },
  { BYTES, "3GB", G_GINT64_CONSTANT (3000000000), NULL },
  { RATE, "1bit", 1, NULL },
  { RATE, "12.5mbit", 12500000, "12500kbit" },
  { RATE, "10gbit", G_GINT64_CONSTANT (10000000000), NULL },
  { RATE, "10MB/s", 80000000, "80mbit" },
  { RATE, "1KiB/s", 8192, "8192bit" },
  { RATE, "1GB/s", G_GINT64_CONSTANT (8000000000), "8gbit" },
  { RATE, "1GiB/s", G_GINT64_CONSTANT (8589934592), "8589934592bit" },
  { RATE, "100kB/s", 800000, "800kbit" },
  { RATE, "3B/s", 24, "24bit" },
  { RATE, "1MiB/s", 8388608, "8388608bit" },
  { PERCENT, "0%", 0, NULL },
  { PERCENT, "0.5%", 5000000, NULL },
  { PERCENT, "100%", 1000000000, NULL },
  { PERCENT, "0.0000001%", 1, NULL },
  { PERCENT, "-20%", -200000000, NULL },
  { PERCENT, "-0.25%", -2500000, NULL },
  { PERCENT, "12.50%", 125000000, "12.5%" },
  { COUNT, "0", 0, NULL },
  { COUNT, "65536", 65536, NULL },
  { COUNT, "9223372036854775807", G_MAXINT64, NULL },
};

#define TIME_UNITS "ns, us, ms, s, min or h"
#define BYTE_UNITS "B, kB, MB, GB, KiB, MiB or GiB"
#define RATE_UNITS "bit, kbit, mbit, gbit, or B/s, kB/s, MB/s, GB/s"

static const struct {
  guint kind;
  const char *text;
  const char *message;
} bad[] = {
  { TIME, "10", "'10' needs a unit: " TIME_UNITS },
  { TIME, "0", "'0' needs a unit: " TIME_UNITS },
  { TIME, "10sec", "unknown unit 'sec' in '10sec': it must be " TIME_UNITS },
  { TIME, "10 ms", "unknown unit ' ms' in '10 ms': it must be " TIME_UNITS },
  { TIME, "1.s", "unknown unit '.s' in '1.s': it must be " TIME_UNITS },
  { TIME, "MS", "'MS' is not a number with a unit (" TIME_UNITS ")" },
  { TIME, ".5s", "'.5s' is not a number with a unit (" TIME_UNITS ")" },
  { TIME, "", "'' is not a number with a unit (" TIME_UNITS ")" },
  { TIME, "-5ms", "'-5ms' must not be negative" },
  { TIME, "0.5ns", "'0.5ns' is finer than 1 ns" },
  { TIME, "1.0000000001s", "'1.0000000001s' is finer than 1 ns" },
  { TIME, "9223372036854775808ns", "'9223372036854775808ns' is too large" },
  { TIME, "2562048h", "'2562048h' is too large" },
  { TIME, "1000000000000000000000000h", "'1000000000000000000000000h' has too many digits" },
  { TIME, "0.0000000000000000000000000s", "'0.0000000000000000000000000s' has too many digits" },
  { BYTES, "10mb", "unknown unit 'mb' in '10mb': it must be " BYTE_UNITS },
  { BYTES, "1.5B", "'1.5B' is finer than 1 bytes" },
  { RATE, "10Mbps", "unknown unit 'Mbps' in '10Mbps': it must be " RATE_UNITS },
  { RATE, "10", "'10' needs a unit: " RATE_UNITS },
  { PERCENT, "0.5", "'0.5' needs a unit: %" },
  { PERCENT, "0.00000001%", "'0.00000001%' is finer than 1 0.0000001%" },
  { PERCENT, "--1%", "'--1%' must not be negative" },
  { COUNT, "1.5", "'1.5' is not a whole number" },
  { COUNT, "10x", "'10x' is not a whole number" },
  { COUNT, "ten", "'ten' is not a whole number" },
  { COUNT, "-1", "'-1' must not be negative" },
  { COUNT, "9223372036854775808", "'9223372036854775808' is too large" },
  { COUNT, "10000000000000000000000000", "'10000000000000000000000000' has too many digits" },
};

static void
test_good (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++) {
    gint64 value = -1;
    g_autofree char *problem = kinds[good[i].kind].parse (good[i].text, &value);
    g_assert_cmpstr (problem, ==, NULL);
    g_assert_cmpint (value, ==, good[i].value);
    if (!kinds[good[i].kind].format)
      continue;
    g_autofree char *formatted = kinds[good[i].kind].format (value);
    g_assert_cmpstr (formatted, ==, good[i].formatted ? good[i].formatted : good[i].text);
  }
}

static void
test_bad (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    gint64 value = 42;
    g_autofree char *problem = kinds[bad[i].kind].parse (bad[i].text, &value);
    g_assert_cmpstr (problem, ==, bad[i].message);
    g_assert_cmpint (value, ==, 42);
  }
}

/* Each formatter's text parses to the value that it was made from. */
static void
test_round_trip (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);

  for (guint i = 0; i < 20000; i++) {
    guint kind = i % 4;
    gint64 value = (gint64)((guint64)g_rand_int (rand) << 32 | g_rand_int (rand)) & G_MAXINT64;
    value >>= g_rand_int_range (rand, 0, 63);
    if (g_rand_boolean (rand))
      value = value % 1000 * 1000000;
    if (kind == PERCENT && g_rand_boolean (rand))
      value = -value;
    gint64 parsed = -1;
    g_autofree char *text = kinds[kind].format (value);
    g_autofree char *problem = kinds[kind].parse (text, &parsed);
    g_assert_cmpstr (problem, ==, NULL);
    g_assert_cmpint (parsed, ==, value);
  }
}

static void
test_distance (void)
{
  static const struct {
    const char *a, *b;
    guint distance;
  } cases[] = {
    { "", "", 0 },           { "", "abc", 3 },           { "abc", "", 3 },
    { "delay", "delay", 0 }, { "dely", "delay", 1 },     { "dealy", "delay", 1 },
    { "DELAY", "delay", 0 }, { "kitten", "sitting", 3 }, { "ca", "abc", 3 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_assert_cmpuint (suggest_distance (cases[i].a, cases[i].b), ==, cases[i].distance);
    g_assert_cmpuint (suggest_distance (cases[i].b, cases[i].a), ==, cases[i].distance);
  }
}

static void
test_nearest (void)
{
  static const char *const names[] = { "rate", "delay", "jitter", "loss", "queue", NULL };
  static const struct {
    const char *name, *nearest;
  } cases[] = {
    { "rte", "rate" }, { "Delay", "delay" },  { "jiter", "jitter" },
    { "los", "loss" }, { "lsos", "loss" },    { "bandwidth", NULL },
    { "x", NULL },     { "queues", "queue" }, { "reply", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpstr (suggest_nearest_strv (cases[i].name, names), ==, cases[i].nearest);
  g_assert_cmpstr (suggest_nearest ("rate", names, 0), ==, NULL);

  /* Names beyond the bound of the rows are cut, not overrun. */
  g_autofree char *a = g_strnfill (1000, 'a');
  g_autofree char *b = g_strnfill (2000, 'a');
  g_assert_cmpuint (suggest_distance (a, b), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/units/good", test_good);
  g_test_add_func ("/config/units/bad", test_bad);
  g_test_add_func ("/config/units/round-trip", test_round_trip);
  g_test_add_func ("/config/suggest/distance", test_distance);
  g_test_add_func ("/config/suggest/nearest", test_nearest);
  return g_test_run ();
}
