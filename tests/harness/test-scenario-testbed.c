/* SPDX-License-Identifier: Apache-2.0 */
/* test-scenario-testbed.c - [testbed NAME]: what it replaces, and where its mistakes are told; and
 * that the table in scenarios/README.md of who honours what is true. */
#include "harness/run.h"
#include "harness/scenario.h"
#include "harness/testbed.h"

#include <string.h>

#define HEAD "[scenario]\nformat = 1\ncarrier = pipe\nduration = 10s\n"
#define LINK "[link a]\nrate = 20mbit\n"
#define FLOW "[traffic data]\nfrom = client\nkind = bulk\nbytes = 5MB\n"
#define FILE_TEXT                                                                                  \
  HEAD LINK FLOW "[event cut]\nat = 2s\ndo = reset a\n[expect]\ndata.longest-gap = <= 100ms\n"

static Scenario *
parse (const char *text, const char *testbed, ScenarioOverrides *overrides, GPtrArray *errors)
{
  g_autoptr (ScenarioOverrides) own = overrides ? NULL : scenario_overrides_new ();
  ScenarioOverrides *used = overrides ? overrides : own;

  scenario_overrides_set_testbed (used, testbed);
  return scenario_parse ("test", text, strlen (text), used, errors);
}

static Scenario *
parse_good (const char *text, const char *testbed, ScenarioOverrides *overrides)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  Scenario *scenario = parse (text, testbed, overrides, errors);

  for (guint i = 0; i < errors->len; i++)
    g_test_message ("%s", (const char *)g_ptr_array_index (errors, i));
  g_assert_nonnull (scenario);
  return scenario;
}

static const char group[] =
    FILE_TEXT "[testbed tcp]\ntraffic data.bytes = 1MB\nevent cut.at = 500ms\n"
              "expect.data.longest-gap = <= 300ms\n"
              "config.reconnect-delay = 1s\nlink a.up.rate = 5mbit\n";

static void
test_replaces (void)
{
  g_autoptr (Scenario) plain = parse_good (FILE_TEXT, NULL, NULL);
  g_autoptr (Scenario) sim = parse_good (group, "sim", NULL);
  g_autoptr (Scenario) tcp = parse_good (group, "tcp", NULL);

  g_assert_cmpstr (plain->hash, ==, sim->hash);
  g_assert_cmpint (scenario_get_flow (tcp, 0)->bytes, ==, 1000000);
  g_assert_cmpint (scenario_get_event (tcp, 0)->trigger_ns, ==, 500 * CAIMAN_NS_PER_MS);
  g_assert_cmpint (scenario_get_link (tcp, 0)->path[SCENARIO_UP].rate_bps, ==, 5000000);
  g_assert_cmpint (scenario_get_link (tcp, 0)->path[SCENARIO_DOWN].rate_bps, ==, 20000000);
  g_assert_cmpint (tcp->endpoint[0].config.reconnect_delay_ns, ==, CAIMAN_NS_PER_S);
  g_assert_cmpstr (scenario_get_expect (tcp, tcp->expects->len - 1)->text, ==, "<= 300ms");
  g_autofree char *text = scenario_print (tcp);
  g_assert_null (strstr (text, "testbed"));
}

/* What the command line says goes over it. */
static void
test_below_the_command_line (void)
{
  g_autoptr (ScenarioOverrides) overrides = scenario_overrides_new ();
  scenario_overrides_set (overrides, "traffic data.bytes", "2MB");
  g_autoptr (Scenario) scenario = parse_good (group, "tcp", overrides);

  g_assert_cmpint (scenario_get_flow (scenario, 0)->bytes, ==, 2000000);
}

/* Mistakes are told wherever the file is to run, at their own lines. */
static void
test_mistakes (void)
{
  static const struct {
    const char *text, *error;
  } mistakes[] = {
    { "[testbed tpc]\ntraffic data.bytes = 1MB\n",
      "test:16: there is no testbed 'tpc'; did you mean 'tcp'?" },
    { "[testbed tcp]\nbytes = 1MB\n",
      "test:17: 'bytes': a parameter is written GROUP.KEY, as in 'link lte.delay'" },
    { "[testbed tcp]\ntraffic data.byts = 1MB\n",
      "test:17: unknown key 'byts' in [traffic data]; did you mean 'bytes'?" },
    { "[testbed tcp]\ntraffic data.bytes = many\n", "test:17: bytes: " },
    { "[testbed tcp]\ntraffic dta.bytes = 1MB\n", "test:17: traffic dta.bytes: there is no group" },
    { "[testbed tcp]\nscenario.duration = 1s\n", "test:16: with [testbed tcp]: line 12: at: " },
    { "[testbed tcp]\nscenario.format = 1\n",
      "test:17: scenario.format: it is the same on all testbeds" },
    { "[testbed tcp]\nsweep.link a.rate = 1mbit, 2mbit\n",
      "test:17: sweep.link a.rate: a sweep is the same on all testbeds" },
    { "[testbed tcp]\ntestbed sim.link a.rate = 1mbit\n",
      "test:17: testbed sim.link a.rate: a testbed's values cannot be replaced" },
    { "[testbed]\nlink a.rate = 1mbit\n", "test:16: unknown group [testbed]" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (mistakes); i++) {
    g_autofree char *text = g_strconcat (FILE_TEXT, mistakes[i].text, NULL);
    for (const char *const *testbed = testbed_list (); *testbed; testbed++) {
      g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
      g_assert_null (parse (text, *testbed, NULL, errors));
      const char *first = g_ptr_array_index (errors, 0);
      if (!g_str_has_prefix (first, mistakes[i].error))
        g_test_message ("%s: %s, not %s", *testbed, first, mistakes[i].error);
      /* On its own testbed a mistake that shows in another line is told there. */
      if (i != 5 || g_str_equal (*testbed, "sim"))
        g_assert_true (g_str_has_prefix (first, mistakes[i].error));
    }
  }
}

/* --- Who honours what --- */

#define DO(what)             HEAD LINK FLOW "[event it]\nat = 1s\ndo = " what "\n"
#define DO_BOTH(first, then) DO (first) "[event then]\nat = 2s\ndo = " then "\n"

/* A row's knob, and scenarios that use it (the last may be NULL). */
static const struct {
  const char *knob, *texts[6];
} probes[] = {
  { "`rate` up to 150 mbit, `delay`, `jitter`",
    { HEAD "[link a]\nrate = 150mbit\ndelay = 1s\njitter = pareto(2ms)\n" FLOW } },
  { "`rate` up to 1 gbit", { HEAD "[link a]\nrate = 1gbit\n" FLOW, DO ("set a.down rate=1gbit") } },
  { "`rate` above 1 gbit",
    { HEAD "[link a]\nrate = 1001mbit\n" FLOW, DO ("set a.up rate=10gbit") } },
  { "`rate = unlimited`", { HEAD "[link a]\nrate = unlimited\n" FLOW } },
  { "`queue` in time or bytes",
    { HEAD LINK "queue = 1ms\n" FLOW, HEAD LINK "queue = 16KiB\n" FLOW } },
  { "`queue` in packets", { HEAD LINK "queue = 100 packets\n" FLOW } },
  { "`queue` or `receive-buffer` below 16 KiB",
    { HEAD LINK "queue = 16383B\n" FLOW, HEAD LINK "receive-buffer = 16383B\n" FLOW } },
  { "`loss`", { HEAD LINK "loss = 1%\n" FLOW, HEAD LINK "down.loss = every(9)\n" FLOW } },
  { "keys of packets (with a star), traces, [bottleneck], [cross-traffic], `set` of mtu",
    { HEAD LINK "queue-discipline = codel\nreorder = yes\nmtu = 1400B\n" FLOW,
      HEAD LINK "duplicate = 1%\n" FLOW, HEAD LINK "corrupt-rate = 1%\n" FLOW,
      HEAD "[trace t]\nkind = opportunities\ndata-1 = 1\n[link a]\nrate = trace(t)\n" FLOW,
      HEAD "[bottleneck b]\nrate = 1mbit\n" LINK "bottleneck = b\n" FLOW,
      DO ("set a mtu=1300B") } },
  { "`weight`, `cost`, `quota`, `refused-by`, [config]",
    { HEAD LINK "weight = 2\ncost = 1\nquota = 1MB\nquota-period = 1s\nrefused-by = server\n" FLOW
                "[config]\npolicy = redundant\n" } },
  { "`receive-buffer`, `connect-timeout`, `starts`, `reconnect`",
    { HEAD LINK
      "receive-buffer = 16KiB\nconnect-timeout = 1s\nstarts = 1s\nreconnect = 1s\n" FLOW } },
  { "`down`, `up`, `flap`, `refuse`, `accept`",
    { DO ("down a for 1s"), DO_BOTH ("down a", "up a"), DO ("flap a on 1s off 1s for 4s"),
      DO ("refuse a"), DO_BOTH ("refuse a", "accept a") } },
  { "`blackhole`, `partition`, `pause`, `resume`",
    { DO ("blackhole a"), DO ("partition a"), DO ("pause a.up"),
      DO_BOTH ("blackhole a", "resume a") } },
  { "`set` of rate, delay, jitter, queue",
    { DO ("set a rate=1mbit delay=1ms jitter=none queue=20ms") } },
  { "`set` of loss", { DO ("set a.down loss=1%") } },
  { "`reset`, `close`, `half-open`, `corrupt`",
    { DO ("reset a"), DO ("close a"), DO ("half-open a.up"), DO ("corrupt a 3") } },
  { "`rebind`", { DO ("rebind a"), DO ("rebind all") } },
  { "`block`, `unblock`, `disconnect`, `add`, `remove`, `terminate`",
    { DO ("block a"), DO_BOTH ("block a", "unblock a"), DO ("disconnect a by server"),
      DO ("remove a"), DO ("terminate client"),
      HEAD LINK FLOW "[link b]\nrate = 1mbit\nstarts = never\n"
                     "[event it]\nat = 1s\ndo = add b\n" } },
  { "`drop-receiver`, `close-receiver`, `slow-reader`",
    { DO ("drop-receiver data"), DO ("close-receiver data"), DO ("slow-reader data 1mbit") } },
  { "`crash`, `restart`",
    { DO ("crash client"), DO ("crash server for 1s"),
      DO_BOTH ("crash server", "restart server") } },
  { "`inject`", { DO ("inject garbage a"), DO ("inject unknown-message a.down") } },
};

/* What a column stands for. */
static const struct {
  const char *testbed, *carrier;
} columns[] = { { "sim", "pipe" }, { "sim", "tcp" }, { "tcp", "pipe" }, { "lab", "tcp" } };

/* (transfer full) what @text's run in that column would be refused for. */
static GPtrArray *
check_text (const char *text, guint column)
{
  g_autofree char *carrier = g_strconcat ("carrier = ", columns[column].carrier, NULL);
  g_auto (GStrv) parts = g_strsplit (text, "carrier = pipe", 2);
  g_autofree char *changed = g_strjoinv (carrier, parts);
  g_autoptr (Scenario) scenario = parse_good (changed, columns[column].testbed, NULL);

  return run_check (scenario, columns[column].testbed);
}

/* The lab needs a privilege; nothing else can be wrong with this. */
static gboolean
is_there (guint column)
{
  g_autoptr (GPtrArray) refused = check_text (HEAD LINK FLOW, column);

  for (guint i = 0; i < refused->len; i++)
    g_test_message ("%s", (const char *)g_ptr_array_index (refused, i));
  return refused->len == 0;
}

/* Whether a column's testbed runs all of a row's scenarios; it may not run some. */
static gboolean
is_honoured (guint row, guint column)
{
  guint n_honoured = 0, n = 0;

  for (; n < G_N_ELEMENTS (probes[row].texts) && probes[row].texts[n]; n++) {
    g_autoptr (GPtrArray) refused = check_text (probes[row].texts[n], column);
    n_honoured += refused->len == 0;
    for (guint i = 0; i < refused->len; i++)
      g_assert_nonnull (strstr (g_ptr_array_index (refused, i), ": "));
  }
  g_assert_true (n_honoured == 0 || n_honoured == n);
  return n_honoured > 0;
}

static void
expect_cell (const char *knob, const char *testbed, const char *cell, gboolean honoured)
{
  if (g_str_has_prefix (cell, honoured ? "yes" : "no"))
    return;
  g_test_message ("scenarios/README.md: %s on %s: '%s'", knob, testbed, cell);
  g_test_fail ();
}

static void
test_readme (void)
{
  g_autofree char *readme = NULL;
  gboolean found[G_N_ELEMENTS (probes)] = { FALSE };
  gboolean available[G_N_ELEMENTS (columns)];

  for (guint c = 0; c < G_N_ELEMENTS (columns); c++)
    available[c] = is_there (c);

  g_assert_true (g_file_get_contents (SCENARIOS_DIR "/README.md", &readme, NULL, NULL));
  char *start = strstr (readme, "| knob | sim, `pipe` | sim, `tcp` | tcp (`pipe`) | lab (`tcp`) |");
  g_assert_nonnull (start);
  *strstr (start, "\n\n") = '\0';
  g_auto (GStrv) lines = g_strsplit (start, "\n", -1);
  for (char **line = lines + 2; *line; line++) {
    g_auto (GStrv) cells = g_strsplit (*line, " | ", -1);
    const char *knob = cells[0] + strlen ("| ");
    gsize row = 0;
    while (row < G_N_ELEMENTS (probes) && strcmp (probes[row].knob, knob) != 0)
      row++;
    if (row == G_N_ELEMENTS (probes))
      g_error ("scenarios/README.md has a row that this test does not know: %s", knob);
    found[row] = TRUE;
    for (guint c = 0; c < G_N_ELEMENTS (columns); c++) {
      if (available[c])
        expect_cell (knob, columns[c].testbed, cells[1 + c], is_honoured ((guint)row, c));
    }
  }
  for (gsize row = 0; row < G_N_ELEMENTS (probes); row++) {
    if (!found[row])
      g_error ("scenarios/README.md has no row %s", probes[row].knob);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/scenario-testbed/replaces", test_replaces);
  g_test_add_func ("/harness/scenario-testbed/below-the-command-line", test_below_the_command_line);
  g_test_add_func ("/harness/scenario-testbed/mistakes", test_mistakes);
  g_test_add_func ("/harness/scenario-testbed/readme", test_readme);
  return g_test_run ();
}
