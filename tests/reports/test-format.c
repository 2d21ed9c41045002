/* SPDX-License-Identifier: Apache-2.0 */
/* test-format.c - numbers for people, and the tables that they stand in. */
#include <math.h>

#include "reports/format.h"
#include "reports/table.h"

typedef struct {
  double value;
  const char *unit;
  const char *text;
} Case;

static const Case cases[] = {
  { 0, "ns", "0 ns" },
  { 850, "ns", "850 ns" },
  { 12500, "ns", "12.5 us" },
  { 105e6, "ns", "105 ms" },
  { 999.6e6, "ns", "1.00 s" },
  { 8.01e9, "ns", "8.01 s" },
  { 99.96e9, "ns", "100 s" },
  { 120e9, "ns", "2 min 0 s" },
  { 750e9, "ns", "12 min 30 s" },
  { 12000e9, "ns", "3 h 20 min" },
  { 3599.7e9, "ns", "1 h 0 min" },
  { 1.5, "ns", "1.50 ns" },
  { -105e6, "ns", "-105 ms" },
  { NAN, "ns", "-" },
  { 512, "bytes", "512 B" },
  { 20e6, "bytes", "20.0 MB" },
  { 9.996e6, "bytes", "10.0 MB" },
  { 5e18, "bytes", "5000000 TB" },
  { 12.34e6, "bit/s", "12.3 Mbit/s" },
  { 999, "bit/s", "999 bit/s" },
  { 1e9, "bit/s", "1.00 Gbit/s" },
  { 0.953, "ratio", "95.3 %" },
  { 1, "ratio", "100 %" },
  { NAN, "ratio", "-" },
  { INFINITY, "ratio", "-" },
  { 0, "count", "0" },
  { 999, "count", "999" },
  { 1234567, "count", "1 234 567" },
  { -1000, "count", "-1 000" },
  { 2.5, "count", "2.50" },
  { NAN, "count", "-" },
  { 1234, "packets", "1 234 packets" },
  { NAN, "packets", "-" },
  { 7, "", "7" },
};

static void
test_value (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text = format_value (cases[i].value, cases[i].unit);
    g_assert_cmpstr (text, ==, cases[i].text);
  }
}

static void
test_date (void)
{
  g_autofree char *date = format_date (1769860800 * G_GINT64_CONSTANT (1000000));
  g_assert_cmpstr (date, ==, "2026-01-31 12:00:00");
  g_autofree char *never = format_date (G_MAXINT64);
  g_assert_cmpstr (never, ==, "-");
}

static void
test_exit_class (void)
{
  g_assert_cmpstr (format_exit_class (0), ==, "ok");
  g_assert_cmpstr (format_exit_class (1), ==, "FAILED");
  g_assert_cmpstr (format_exit_class (2), ==, "INVALID");
  g_assert_cmpstr (format_exit_class (3), ==, "UNSAFE");
  g_assert_cmpstr (format_exit_class (4), ==, "STUCK");
  g_assert_cmpstr (format_exit_class (70), ==, "ERROR");
  g_assert_cmpstr (format_exit_class (77), ==, "skipped");
  g_assert_cmpstr (format_exit_class (130), ==, "interrupted");
}

static void
test_table (void)
{
  static const char *const titles[] = { "name", ">n", "", NULL };
  g_autoptr (Table) table = table_new (titles, FALSE);
  g_assert_true (table_is_empty (table));
  table_add (table, TABLE_BAD, "söme");
  table_take (table, g_strdup ("1000"));
  table_add (table, TABLE_PLAIN, "x");
  table_add (table, TABLE_PLAIN, "a\tb\033[1m");
  table_add (table, TABLE_PLAIN, NULL);
  table_add (table, TABLE_PLAIN, "");
  g_assert_false (table_is_empty (table));
  g_autoptr (GString) out = g_string_new (NULL);
  table_render (table, 1, out);
  g_assert_cmpstr (out->str, ==,
                   " name        n\n"
                   " söme     1000  x\n"
                   " a?b?[1m     -\n");
}

static void
test_table_colour (void)
{
  static const char *const titles[] = { "a", "b", NULL };
  g_autoptr (Table) table = table_new (titles, TRUE);
  table_add (table, TABLE_GOOD, "yes");
  table_add (table, TABLE_BAD, "no");
  g_autoptr (GString) out = g_string_new (NULL);
  table_render (table, 0, out);
  g_assert_cmpstr (out->str, ==,
                   "\033[2ma\033[0m    \033[2mb\033[0m\n"
                   "\033[32myes\033[0m  \033[1;31mno\033[0m\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reports/format/value", test_value);
  g_test_add_func ("/reports/format/date", test_date);
  g_test_add_func ("/reports/format/exit-class", test_exit_class);
  g_test_add_func ("/reports/table/aligned", test_table);
  g_test_add_func ("/reports/table/colour", test_table_colour);
  return g_test_run ();
}
