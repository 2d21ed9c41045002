/* SPDX-License-Identifier: Apache-2.0 */
/* test-sweep.c - ranges, zips and conditions of a sweep: which points there are, and what is wrong.
 */
#include "harness/sweep-private.h"

#include <string.h>

#define HEAD                                                                                       \
  "[scenario]\nformat = 1\ncarrier = pipe\nduration = 30s\nseed = 1..5\n"                          \
  "[link wifi]\nrate = 50mbit\ndelay = 10ms\nup.delay = 12ms\nloss = none\n"                       \
  "[link lte]\nrate = 20mbit\ndelay = 40ms\n"                                                      \
  "[traffic upload]\nfrom = client\nkind = bulk\nbytes = 1MB\n"                                    \
  "[config]\npolicy = min-rtt\n"                                                                   \
  "[sweep]\n"
#define HEAD_LINES 20

/* The points of HEAD and @sweep, a line each; or the errors, with line numbers that count from the
 * one behind [sweep]. (transfer full) */
static char *
list_points (const char *sweep)
{
  g_autofree char *text = g_strconcat (HEAD, sweep, NULL);
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (Scenario) scenario = scenario_parse ("x", text, strlen (text), NULL, errors);
  GString *list = g_string_new (NULL);
  for (guint i = 0; i < errors->len; i++) {
    const char *error = errors->pdata[i];
    char *behind;
    guint64 line = g_ascii_strtoull (error + strlen ("x:"), &behind, 10);
    g_string_append_printf (list, "%d%s\n", (int)line - HEAD_LINES, behind);
  }
  for (guint i = 0; scenario && i < sweep_count_points (scenario); i++) {
    g_autofree char *point = sweep_describe_point (scenario, i);
    g_string_append_printf (list, "%s\n", point);
  }
  return g_string_free (list, FALSE);
}

typedef struct {
  const char *sweep, *expected;
} Case;

static void
check (const Case *cases, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    g_autofree char *points = list_points (cases[i].sweep);
    g_assert_cmpstr (points, ==, cases[i].expected);
  }
}

static void
test_ranges (void)
{
  static const struct {
    const char *range, *values;
  } ranges[] = {
    { "10ms..50ms step 20ms", "10ms 30ms 50ms" },
    { "10ms..49ms step 20ms", "10ms 30ms" },
    { "1..4", "1 2 3 4" },
    { "2..9 step 3", "2 5 8" },
    { "1mbit..8mbit x2", "1mbit 2mbit 4mbit 8mbit" },
    { "1mbit..3mbit x1.5", "1mbit 1500kbit 2250kbit" },
    { "1ms..1s log 4", "1ms 10ms 100ms 1s" },
    { "1ms..2ms log 3", "1ms 1410us 2ms" },
    { "-1%..1% step 1%", "-1% 0% 1%" },
    { "1kB..1MB log 2", "1kB 1MB" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (ranges); i++) {
    g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (g_free);
    g_assert_true (sweep_is_range ("link a", ranges[i].range));
    g_autofree char *problem = sweep_expand_range (ranges[i].range, values);
    g_assert_null (problem);
    g_ptr_array_add (values, NULL);
    g_autofree char *list = g_strjoinv (" ", (char **)values->pdata);
    g_assert_cmpstr (list, ==, ranges[i].values);
  }
  g_assert_false (sweep_is_range ("expect", "90%..100%"));
  g_assert_true (sweep_is_range ("expect", "90%..100% step 5%"));
  g_assert_false (sweep_is_range ("link a", "gilbert(1%..2%, 5%)"));
  g_assert_false (sweep_is_range ("scenario", "a..b"));
}

static void
test_range_errors (void)
{
  static const struct {
    const char *range, *problem;
  } ranges[] = {
    { "1ms..2ms", "'1ms..2ms' needs 'step S', 'xF' or 'log N' behind its end" },
    { "1ms..2ms step 1", "the step of '1ms..2ms step 1' must be a time above 0, not '1'" },
    { "1ms..2ms step 0ms", "the step of '1ms..2ms step 0ms' must be a time above 0, not '0ms'" },
    { "1ms..2mbit step 1ms", "'1ms..2mbit step 1ms' goes from a time to a rate" },
    { "2ms..1ms step 1ms", "'2ms..1ms step 1ms' must go up" },
    { "1ms..never step 1ms", "'1ms..never step 1ms' is no range of numbers with units" },
    { "1 5ms..9ms step 1ms",
      "'1 5ms..9ms step 1ms' is no range: its two ends stand together, as in 1ms..5ms" },
    { "1ms..2ms x1", "the factor of '1ms..2ms x1' must be a number above 1, as in x2" },
    { "1ms..2ms xx", "the factor of '1ms..2ms xx' must be a number above 1, as in x2" },
    { "0ms..2ms x2", "'0ms..2ms x2' must begin above 0" },
    { "3ns..20ns x1.5", "'3ns..20ns x1.5' makes a value that is no whole number of its unit" },
    { "1ms..2ms log 1", "'1ms..2ms log 1' must say how many values there are, as in 'log 5'" },
    { "0ms..2ms log 3", "'0ms..2ms log 3' must begin above 0" },
    { "1..100000", "'1..100000' are more than 1000 values" },
    { "1..9 x2 x3", "'1..9 x2 x3' needs 'step S', 'xF' or 'log N' behind its end" },
    { "1..9 step (2", "parentheses do not match" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (ranges); i++) {
    g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (g_free);
    g_autofree char *problem = sweep_expand_range (ranges[i].range, values);
    g_assert_cmpstr (problem, ==, ranges[i].problem);
    g_assert_cmpuint (values->len, ==, 0);
  }
}

/* No step, factor or end brings it out of its bounds. */
static void
test_range_limits (void)
{
  static const char *const ranges[] = {
    "1ns..2562047h step 2562047h",
    "1ns..2562047h x9",
    "1B..9000000GB x9000",
    "1..9223372036854775807 x3",
    "9223372036854775806..9223372036854775807",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (ranges); i++) {
    g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (g_free);
    g_autofree char *problem = sweep_expand_range (ranges[i], values);
    g_assert_null (problem);
    g_assert_cmpuint (values->len, >=, 1);
    g_assert_cmpuint (values->len, <=, 64);
  }
}

static void
test_points (void)
{
  static const Case cases[] = {
    { "link lte.delay = 1ms, 10ms..20ms step 10ms\n",
      "link lte.delay=1ms\nlink lte.delay=10ms\nlink lte.delay=20ms\n" },
    /* Those that are zipped move together, and stand where the first of them does. */
    { "link lte.rate = 1mbit..2mbit x2\nlink lte.delay = 5ms, 6ms\nlink wifi.rate = 3mbit, 4mbit\n"
      "zip rates = link   wifi.rate, link lte.rate\n",
      "link lte.rate=1mbit link lte.delay=5ms link wifi.rate=3mbit\n"
      "link lte.rate=1mbit link lte.delay=6ms link wifi.rate=3mbit\n"
      "link lte.rate=2mbit link lte.delay=5ms link wifi.rate=4mbit\n"
      "link lte.rate=2mbit link lte.delay=6ms link wifi.rate=4mbit\n" },
    { "where = link lte.delay > link wifi.delay\n"
      "link lte.delay = 5ms, 1s\nlink wifi.delay = 4ms, 900ms\n",
      "link lte.delay=5ms link wifi.delay=4ms\nlink lte.delay=1s link wifi.delay=4ms\n"
      "link lte.delay=1s link wifi.delay=900ms\n" },
    /* What the file gives: for a direction, for both, for a side by [config]. */
    { "link lte.delay = 11ms, 12ms, 13ms\nwhere = link lte.delay >= link wifi.up.delay\n"
      "where b = link lte.delay<13ms and link lte.down.rate = 20000kbit\n"
      "where c = client.policy = min-rtt and client.policy != adaptive\n",
      "link lte.delay=12ms\n" },
    { "link lte.loss = none, 1%, gilbert(1%, 2%)\nwhere = link lte.loss != none\n"
      "where x = link lte.loss != 1.0%\n",
      "link lte.loss=gilbert(1%, 2%)\n" },
    { "link lte.rate = 1mbit, unlimited\nwhere = link lte.rate > link wifi.rate\n",
      "link lte.rate=unlimited\n" },
    { "seed = 7..9\n", "\n" },
    { "", "\n" },
  };
  check (cases, G_N_ELEMENTS (cases));
}

static void
test_errors (void)
{
  static const Case cases[] = {
    /* All at once; what follows from an error alone is not told. */
    { "link lte.delay = 1ms..9ms\nlink wifi.delay = 1ms, 2ms\n"
      "zip = link lte.delay, link wifi.delay\nzip a = link lte.rate, link wifi.delay\n"
      "where = link lte.delay > 5mbit or\nwhere a = 7 >\nseed = 9..1\n",
      "1: link lte.delay: '1ms..9ms' needs 'step S', 'xF' or 'log N' behind its end\n"
      "4: zip a: 'link lte.rate' has no list of values in this [sweep]\n"
      "5: where: '5mbit or' has no order: only = and != will do\n"
      "6: where a: '7 >' is not of the form A >= B, with <, <=, >, >=, = or != between\n"
      "7: seed: '9..1' ends before it begins\n" },
    { "link lte.delay = 1ms, 2ms\nlink wifi.delay = 1ms, 2ms, 3ms\nlink lte.rate = 1mbit, 2mbit\n"
      "zip = link lte.delay, link wifi.delay\nzip b = link lte.delay\n"
      "zip c = link lte.delay, link lte.delay\nzip d = link lte.delay, link lte.rate\n"
      "zip e = link lte.rate, link lte.delay\n",
      "4: zip: 'link wifi.delay' has 3 values, but 'link lte.delay' has 2\n"
      "5: zip b: two or more parameters are zipped: 'zip = link a.rate, link b.rate'\n"
      "6: zip c: 'link lte.delay' is there twice\n"
      "8: zip e: 'link lte.rate' is zipped already\n" },
    { "link lte.delay = 1ms, 2ms\nwhere = link lte.delay > link wifi.rate\n"
      "where b = link wifi.queue > 1ms\nwhere c = client.policy > adaptive\n"
      "where d = link lte.delay = 5kB\nwhere e = 1 < 2 < 3\nwhere f = 2ms > link lte.loss\n",
      "2: where: 'link lte.delay' is a time and 'link wifi.rate' a rate\n"
      "3: where b: 'link wifi.queue' is neither swept nor given in the file\n"
      "4: where c: 'client.policy' has no order: only = and != will do\n"
      "5: where d: 'link lte.delay' is a time and '5kB' a size\n"
      "6: where e: '1 < 2 < 3' is not of the form A >= B, with <, <=, >, >=, = or != between\n"
      "7: where f: 'link lte.loss' is neither swept nor given in the file\n" },
    { "link lte.delay = 1ms, 2ms\nwhere = link lte.delay > 2ms\n",
      "2: where: no point of the sweep is left\n" },
    /* Values that are only good together. */
    { "scenario.duration = 0ms, 40s\n", "1: duration: '0ms' is out of range: 1us to 10000h\n" },
  };
  check (cases, G_N_ELEMENTS (cases) - 1);
  g_autofree char *bad_value = list_points (cases[G_N_ELEMENTS (cases) - 1].sweep);
  g_assert_true (g_str_has_prefix (bad_value, "1: duration: "));
}

static void
test_seeds (void)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  const char *text = HEAD "seed = 7..9\n";
  g_autoptr (Scenario) scenario = scenario_parse ("x", text, strlen (text), NULL, errors);
  g_assert_cmpuint (scenario->seed_first, ==, 7);
  g_assert_cmpuint (scenario->seed_last, ==, 9);
}

/* A line of [sweep] from the command line replaces that of the file, or makes the group. */
static void
test_vary (void)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (ScenarioOverrides) overrides = scenario_overrides_new ();
  const char *text = HEAD "link lte.delay = 1ms, 2ms\n";
  g_assert_true (scenario_overrides_vary (overrides, "link  lte.delay", " 5ms..7ms step 1ms"));
  g_assert_true (scenario_overrides_vary (overrides, "where", "link lte.delay != 6ms"));
  g_assert_false (scenario_overrides_vary (overrides, " ", "1"));
  g_assert_false (scenario_overrides_vary (overrides, "link lte.rate", " "));
  g_autoptr (Scenario) scenario = scenario_parse ("x", text, strlen (text), overrides, errors);
  g_assert_cmpuint (errors->len, ==, 0);
  g_assert_cmpuint (sweep_count_points (scenario), ==, 2);
  g_autofree char *last = sweep_describe_point (scenario, 1);
  g_assert_cmpstr (last, ==, "link lte.delay=7ms");

  g_assert_true (scenario_overrides_vary (overrides, "zip", "link lte.delay, link x.y"));
  g_assert_null (scenario_parse ("x", text, strlen (text), overrides, errors));
  g_assert_cmpstr (errors->pdata[0], ==,
                   "(vary zip): zip: 'link x.y' has no list of values in this [sweep]");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/sweep/ranges", test_ranges);
  g_test_add_func ("/harness/sweep/range-errors", test_range_errors);
  g_test_add_func ("/harness/sweep/range-limits", test_range_limits);
  g_test_add_func ("/harness/sweep/points", test_points);
  g_test_add_func ("/harness/sweep/errors", test_errors);
  g_test_add_func ("/harness/sweep/seeds", test_seeds);
  g_test_add_func ("/harness/sweep/vary", test_vary);
  return g_test_run ();
}
