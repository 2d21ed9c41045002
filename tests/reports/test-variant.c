/* SPDX-License-Identifier: Apache-2.0 */
/* test-variant.c - what a sweep has set, taken apart. */
#include "reports/variant.h"

#include <math.h>

static const VariantPart *
part_at (const GArray *parts, guint index)
{
  g_assert_cmpuint (index, <, parts->len);
  return &g_array_index (parts, VariantPart, index);
}

static void
test_parts (void)
{
  g_autoptr (GArray) parts = variant_parse (
      "link lte.delay=20ms client.policy=adaptive traffic up.bytes=1.5MiB link a.jitter=normal(2ms)"
      " event x.do=set lte.up rate=3mbit for 2s link b.loss=gilbert(0.5%, 30%)");
  static const struct {
    const char *key, *value, *unit;
    double number;
  } expected[] = {
    { "link lte.delay", "20ms", "ns", 20e6 },
    { "client.policy", "adaptive", "", NAN },
    { "traffic up.bytes", "1.5MiB", "bytes", 1572864 },
    { "link a.jitter", "normal(2ms)", "", NAN },
    { "event x.do", "set lte.up rate=3mbit for 2s", "", NAN },
    { "link b.loss", "gilbert(0.5%, 30%)", "", NAN },
  };
  g_assert_cmpuint (parts->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < parts->len; i++) {
    const VariantPart *part = part_at (parts, i);
    g_assert_cmpstr (part->key, ==, expected[i].key);
    g_assert_cmpstr (part->value, ==, expected[i].value);
    g_assert_cmpstr (part->unit, ==, expected[i].unit);
    if (isnan (expected[i].number))
      g_assert_true (isnan (part->number));
    else
      g_assert_cmpfloat (part->number, ==, expected[i].number);
  }
}

static void
test_no_sweep (void)
{
  static const char *const texts[] = { NULL,   "",     "127.0.0.1:38552 -> port 22",
                                       "a=b",  "=",    "..=x",
                                       "link", "link " };
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GArray) parts = variant_parse (texts[i]);
    g_assert_cmpuint (parts->len, <=, 1);
    if (i < 3)
      g_assert_cmpuint (parts->len, ==, 0);
  }
}

static void
test_numbers (void)
{
  static const struct {
    const char *text;
    double number;
    const char *unit;
  } good[] = {
    { "0", 0, "count" },         { "7", 7, "count" },          { "-3", -3, "count" },
    { "250us", 250e3, "ns" },    { "2min", 120e9, "ns" },      { "1h", 3600e9, "ns" },
    { "64KiB", 65536, "bytes" }, { "10mbit", 10e6, "bit/s" },  { "2.5gbit", 2.5e9, "bit/s" },
    { "5%", 0.05, "ratio" },     { "100 kB", 100e3, "bytes" },
  };
  static const char *const bad[] = { "",     "adaptive", "ms",    "nan", "inf", "0x10",
                                     "1..2", "12parsec", "1e999", ".",   "-",   "3 4" };
  double number;
  const char *unit;
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++) {
    g_assert_true (variant_parse_number (good[i].text, &number, &unit));
    g_assert_cmpfloat_with_epsilon (number, good[i].number, 1e-9);
    g_assert_cmpstr (unit, ==, good[i].unit);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (variant_parse_number (bad[i], &number, &unit));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reports/variant/parts", test_parts);
  g_test_add_func ("/reports/variant/no-sweep", test_no_sweep);
  g_test_add_func ("/reports/variant/numbers", test_numbers);
  return g_test_run ();
}
