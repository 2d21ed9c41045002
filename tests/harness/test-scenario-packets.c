/* SPDX-License-Identifier: Apache-2.0 */
/* test-scenario-packets.c - what only packets know of: traces in files and in the text,
 * disciplines, MTU, bottlenecks, cross traffic; and that a pipe refuses each by name. */
#include "harness/testbed-links.h"
#include "harness/testbed-sim.h"

#include <glib/gstdio.h>
#include <string.h>

#define HEAD                                                                                       \
  "[scenario]\nformat = 1\ncarrier = tcp\nduration = 30s\n"                                        \
  "[traffic x]\nfrom = client\nkind = bulk\nbytes = 1MB\n"

static Scenario *
parse (const char *body)
{
  g_autofree char *text = g_strconcat (HEAD, body, NULL);
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  Scenario *scenario = scenario_parse ("test", text, strlen (text), NULL, errors);

  for (guint i = 0; i < errors->len; i++)
    g_test_message ("%s", (char *)g_ptr_array_index (errors, i));
  g_assert_cmpuint (errors->len, ==, 0);
  return scenario;
}

static void
expect_errors (const char *body, const char *expected)
{
  g_autofree char *text = g_strconcat (HEAD, body, NULL);
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);

  g_assert_null (scenario_parse ("t", text, strlen (text), NULL, errors));
  g_ptr_array_add (errors, NULL);
  g_autofree char *all = g_strjoinv ("\n", (char **)errors->pdata);
  g_assert_cmpstr (all, ==, expected);
}

static void
expect_same_again (const Scenario *scenario)
{
  g_autofree char *text = scenario_print (scenario);
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (Scenario) again = scenario_parse ("test", text, strlen (text), NULL, errors);

  g_assert_nonnull (again);
  g_autofree char *text_again = scenario_print (again);
  g_assert_cmpstr (text, ==, text_again);
  g_assert_cmpstr (scenario->hash, ==, again->hash);
}

#define EVERYTHING                                                                                 \
  "[trace sat]\nkind = steps\ncolumns = rate, delay, loss\n"                                       \
  "data-1 = 1000000000:10000000:20000000:0\ndata-2 = 1000000000:20000000:30000000:10000000\n"      \
  "[bottleneck uplink]\nrate = 60mbit\nup.rate = trace(sat)\nqueue-discipline = drop-head\n"       \
  "[link wifi]\nrate = trace(sat)\ndown.rate = 20mbit\ndown.delay = trace(sat)\n"                  \
  "up.loss = four-state(1%, 20%, 30%, 40%, 0.5%)\ndown.loss = trace(sat)\n"                        \
  "jitter = normal(2ms, 30%)\nqueue-discipline = red(20 packets, 60 packets, 10%, plain)\n"        \
  "up.queue-discipline = codel(4ms, 80ms)\nreorder = yes\nduplicate = 1%\ncorrupt-rate = 0.1%\n"   \
  "mtu = 1400B\nup.mtu = blackhole(1300B)\nbottleneck = uplink\n"                                  \
  "[cross-traffic phones]\nthrough = uplink.up\nkind = on-off\nrate = 10mbit\non = 1s\noff = 2s\n" \
  "[cross-traffic tv]\nthrough = wifi.down\nkind = cbr\nrate = 5mbit\npacket-size = 1316B\n"       \
  "starts = 1s\nstops = 2s\n"                                                                      \
  "[event m]\nat = 1s\ndo = set wifi.up mtu=1200B rate=10mbit for 2s\n"

static void
test_values (void)
{
  g_autoptr (Scenario) scenario = parse (EVERYTHING);
  const ScenarioLink *link = scenario_get_link (scenario, 0);
  const ScenarioPath *up = &link->path[SCENARIO_UP], *down = &link->path[SCENARIO_DOWN];

  g_assert_cmpuint (up->rate_trace, ==, 1);
  g_assert_cmpint (up->rate_bps, ==, 15000000); /* the mean */
  g_assert_cmpuint (down->rate_trace, ==, 0);
  g_assert_cmpuint (down->delay_trace, ==, 1);
  g_assert_cmpuint (down->loss_trace, ==, 1);
  g_assert_cmpint (up->loss.four_ppb[4], ==, 5000000);
  g_assert_cmpint (up->jitter.correlation_ppb, ==, 300000000);
  g_assert_cmpint (up->discipline.interval_ns, ==, 80 * CAIMAN_NS_PER_MS);
  g_assert_cmpint (down->discipline.max.limit, ==, 60);
  g_assert_false (down->discipline.is_gentle);
  g_assert_true (up->mtu_is_blackhole);
  g_assert_cmpint (down->mtu_bytes, ==, 1400);
  g_assert_cmpuint (link->bottleneck, ==, 1);
  g_assert_cmpint (scenario_get_cross (scenario, 0)->off_ns, ==, 2 * CAIMAN_NS_PER_S);
  g_assert_false (scenario_get_cross (scenario, 1)->is_shared);
  g_assert_cmpint (scenario_get_event (scenario, 0)->set_path.mtu_bytes, ==, 1200);
  expect_same_again (scenario);
}

/* As the simulator takes it: valid, with all parts in place. */
static void
test_conversion (void)
{
  g_autoptr (Scenario) scenario = parse (EVERYTHING);
  g_autoptr (GArray) cross = g_array_new (FALSE, FALSE, sizeof (SimCrossConfig));
  SimBottleneck *shared = testbed_sim_new_bottleneck (scenario, 0, SCENARIO_UP, 1, NULL, NULL, 0);
  SimPathConfig config = testbed_sim_convert_direction (scenario, 0, SCENARIO_DOWN, shared, cross);

  g_assert_true (sim_path_config_is_valid (&config));
  g_assert_true (config.bottleneck == shared);
  g_assert_cmpuint (config.n_cross, ==, 1);
  g_assert_cmpstr (config.cross[0].name, ==, "tv");
  g_assert_cmpuint (config.cross[0].size_bytes, ==, 1316);
  g_assert_null (config.rate_trace);
  g_assert_nonnull (config.delay_trace);
  g_assert_cmpint (config.discipline.kind, ==, SIM_DISCIPLINE_RED);
  g_assert_cmpint (config.discipline.red_max, ==, 60);
  g_assert_true (config.reorders);
  g_array_set_size (cross, 0);
  config = testbed_sim_convert_direction (scenario, 0, SCENARIO_UP, shared, cross);
  g_assert_true (sim_path_config_is_valid (&config));
  g_assert_nonnull (config.rate_trace);
  g_assert_cmpint (config.loss.kind, ==, SIM_LOSS_FOUR);
  g_assert_cmpuint (config.loss.four_ppb[SIM_FOUR_P14], ==, 5000000);
  g_assert_cmpint (config.discipline.target_ns, ==, 4 * CAIMAN_NS_PER_MS);
  g_assert_nonnull (sim_bottleneck_get_config (shared)->rate_trace);
  sim_bottleneck_advance (shared, 100 * CAIMAN_NS_PER_S); /* its cross traffic is there */
  g_assert_cmpuint (sim_bottleneck_get_stats (shared)->cross_packets, >, 1000);
  sim_bottleneck_free (shared);
}

static void
write_file (const char *dir, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
remove_file (const char *dir, const char *name)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);

  g_unlink (path);
}

static Scenario *
load (const char *dir, const char *body, char **errors_out)
{
  g_autofree char *path = g_build_filename (dir, "s.ini", NULL);
  g_autofree char *text = g_strconcat (HEAD, body, NULL);
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  Scenario *scenario;

  write_file (dir, "s.ini", text);
  scenario = scenario_load (path, NULL, errors);
  g_ptr_array_add (errors, NULL);
  *errors_out = g_strjoinv ("\n", (char **)errors->pdata);
  return scenario;
}

/* Files are read relative to the scenario, each once; the resolved text needs none of them. */
static void
test_files (void)
{
  g_autofree char *dir = g_dir_make_tmp ("caiman-XXXXXX", NULL);
  g_autofree char *errors = NULL;
  g_autofree char *bad_errors = NULL;
  g_autofree char *expected = NULL;

  write_file (dir, "lte.mahi", "1\n1\n2\n5\n");
  write_file (dir, "sat.csv", "time_s,rate_mbps,delay_ms\n0,10,20\n1,20,30\n");
  write_file (dir, "bad.mahi", "1\n0\n");
  g_autoptr (Scenario) scenario =
      load (dir,
            "[trace sat]\nfile = sat.csv\n[trace lte]\nfile = lte.mahi\n"
            "[link a]\nrate = trace(lte.mahi)\n[link b]\nrate = trace(./lte.mahi)\n"
            "up.rate = trace(lte.mahi)\ndelay = trace(sat)\n",
            &errors);
  g_assert_cmpstr (errors, ==, "");
  g_assert_cmpstr (scenario_get_trace (scenario, 2)->name, ==, "lte-2");
  g_assert_cmpuint (scenario->traces->len, ==, 4); /* "./lte.mahi" is another name */
  g_assert_cmpuint (scenario_get_link (scenario, 0)->path[0].rate_trace, ==, 3);
  g_assert_cmpuint (scenario_get_link (scenario, 1)->path[0].rate_trace, ==, 3);
  g_assert_cmpuint (scenario_get_link (scenario, 1)->path[1].rate_trace, ==, 4);
  expect_same_again (scenario);

  g_assert_null (load (dir,
                       "[link a]\nrate = trace(none.mahi)\n[link b]\nrate = trace(bad.mahi)\n"
                       "[trace c]\nfile = sat.csv\nkind = steps\n",
                       &bad_errors));
  expected = g_strdup_printf ("%s/s.ini:10: rate: cannot read '%s/none.mahi': no such file\n"
                              "%s/s.ini:14: file: a trace from a file has no other key",
                              dir, dir, dir);
  g_assert_true (g_str_has_prefix (bad_errors, expected));
  expected =
      (g_free (expected), g_strdup_printf ("%s/bad.mahi:2: 0 ms is before the line above", dir));
  g_assert_nonnull (strstr (bad_errors, expected));
  remove_file (dir, "lte.mahi");
  remove_file (dir, "sat.csv");
  remove_file (dir, "bad.mahi");
  remove_file (dir, "s.ini");
  g_rmdir (dir);
}

/* A long trace takes several lines, and is whole again. */
static void
test_long_trace (void)
{
  g_autofree char *dir = g_dir_make_tmp ("caiman-XXXXXX", NULL);
  g_autofree char *errors = NULL;
  g_autofree char *too_long = NULL;
  GString *text = g_string_new (NULL);
  CaimanPrng prng;
  guint t_ms = 0;

  caiman_prng_init (&prng, 3);
  for (guint i = 0; i < 20000; i++)
    g_string_append_printf (text, "%u\n", t_ms += (guint)caiman_prng_below (&prng, 20));
  write_file (dir, "long.mahi", text->str);
  g_autoptr (Scenario) scenario = load (dir, "[link a]\nrate = trace(long.mahi)\n", &errors);
  g_assert_cmpstr (errors, ==, "");
  expect_same_again (scenario);
  for (guint i = 0; i < 400000; i++)
    g_string_append_printf (text, "%u\n", t_ms += (guint)caiman_prng_below (&prng, 20));
  write_file (dir, "long.mahi", text->str);
  g_assert_null (load (dir, "[link a]\nrate = trace(long.mahi)\n", &too_long));
  g_assert_nonnull (strstr (too_long, "the traces are too long to be kept with the runs"));
  remove_file (dir, "long.mahi");
  remove_file (dir, "s.ini");
  g_rmdir (dir);
  g_string_free (text, TRUE);
}

static void
test_errors (void)
{
  expect_errors ("[link a]\nrate = trace(x.mahi)\ndelay = trace()\nloss = trace(b)\n",
                 "t:10: rate: 'x.mahi' is not in the file itself: a trace that is set from "
                 "elsewhere needs a group [trace NAME] there\n"
                 "t:11: delay: a trace is written trace(FILE) or trace(NAME)\n"
                 "t:12: loss: there is no [trace b]");
  expect_errors ("[link a]\nrate = trace(o)\ndelay = trace(o)\n"
                 "[trace o]\nkind = opportunities\ndata-1 = 1\n",
                 "t:11: delay: the trace 'o' has no column for it");
  expect_errors ("[link a]\nrate = 1mbit\n[trace o]\nkind = opportunities\ndata-1 = 1 x\n",
                 "t:11: [trace o] 'x' is not a word of such a trace, or too much");
  expect_errors (
      "[link a]\nrate = 1mbit\n[trace o]\nkind = steps\ncolumns = delay, rate\n"
      "data-1 = 5:1:1\ndata-3 = 5:1:1\n",
      "t:11: [trace o] '5:1:1' is not a word of such a trace, or too much\n"
      "t:13: columns: columns are 'rate', 'delay' and 'loss', in this order\n"
      "t:15: data-3: the keys of a trace are 'kind', 'columns' (of steps), and 'data-1', "
      "'data-2' and so on; or 'file' alone");
}

static void
test_value_errors (void)
{
  expect_errors ("[link a]\nrate = 1mbit\nqueue-discipline = fq\n",
                 "t:11: queue-discipline: 'fq' is not tail-drop, drop-head, codel, codel(TARGET, "
                 "INTERVAL) or red(MIN, MAX, P[, gentle|plain])");
  expect_errors ("[link a]\nrate = 1mbit\nqueue-discipline = codel(2s, 1s)\n",
                 "t:11: queue-discipline: codel's target is longer than its interval");
  expect_errors (
      "[link a]\nrate = 1mbit\nqueue-discipline = red(10ms, 20ms, 1%)\n",
      "t:11: queue-discipline: red's thresholds are both sizes (30kB) or both numbers of "
      "packets (20 packets)");
  expect_errors ("[link a]\nrate = 1mbit\nqueue-discipline = red(20kB, 20kB, 1%)\n",
                 "t:11: queue-discipline: red's lower threshold is not below its upper one");
  expect_errors ("[link a]\nrate = 1mbit\nqueue-discipline = red(20kB, 30kB, 1%, mild)\n",
                 "t:11: queue-discipline: 'mild' is not gentle or plain");
  expect_errors ("[link a]\nrate = 1mbit\nreorder = maybe\nmtu = small(1B)\nduplicate = 2\n",
                 "t:11: reorder: 'maybe' is not yes or no\n"
                 "t:12: mtu: 'small(1B)' is not none, a size (1500B) or blackhole(1400B)\n"
                 "t:13: duplicate: '2' needs a unit: %");
  expect_errors ("[link a]\nrate = 1mbit\nloss = four-state(60%, 1%, 1%, 1%, 50%)\n",
                 "t:11: loss: p13 + p14 and p31 + p32 are at most 100%");
}

static void
test_group_errors (void)
{
  expect_errors ("[link a]\nrate = 1mbit\nbottleneck = uplink\n",
                 "t:11: bottleneck: there is no [bottleneck uplink]");
  expect_errors ("[link a]\nrate = 1mbit\n[bottleneck a]\nrate = 1mbit\ndelay = 1ms\n",
                 "t:11: [bottleneck a] has the name of a link\n"
                 "t:13: unknown key 'delay' in [bottleneck a]");
  expect_errors ("[link a]\nrate = 1mbit\n[cross-traffic c]\nthrough = a\nkind = cbr\non = 1s\n"
                 "rate = 1mbit\nstops = 0s\n",
                 "t:12: through: 'a' is not LINK.up, LINK.down or the like of a bottleneck\n"
                 "t:14: on: only kind = on-off has it\n"
                 "t:16: stops: it stops before it starts");
  expect_errors ("[link a]\nrate = 1mbit\n[cross-traffic c]\nthrough = b.up\nkind = cbr\n"
                 "rate = 1mbit\n",
                 "t:12: through: there is no [link b] and no [bottleneck b]");
}

/* Each knob that a pipe cannot honour is refused by its name, by both testbeds that have pipes. */
static void
test_pipe_refuses (void)
{
  static const char *const knobs[] = {
    "rate = trace()", "delay = trace()", "loss = trace()", "queue-discipline",
    "reorder",        "duplicate",       "corrupt-rate",   "mtu",
    "bottleneck",     "through",
  };
  g_autofree char *body =
      g_strconcat (EVERYTHING, "[link p]\nrate = 1mbit\ncarrier = pipe\n", NULL);
  g_autoptr (Scenario) scenario = parse (body);
  ScenarioLink *link = scenario_get_link (scenario, 0);
  g_autoptr (GPtrArray) none = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) refused = g_ptr_array_new_with_free_func (g_free);

  testbed_refuse_packets (scenario, none);
  g_assert_cmpuint (none->len, ==, 0);
  link->carrier = SCENARIO_CARRIER_PIPE;
  testbed_refuse_packets (scenario, refused);
  g_ptr_array_add (refused, NULL);
  g_autofree char *all = g_strjoinv ("\n", (char **)refused->pdata);
  for (guint i = 0; i < G_N_ELEMENTS (knobs); i++) {
    g_autofree char *text = g_strdup_printf ("%s: a pipe has no packets", knobs[i]);
    g_assert_nonnull (strstr (all, text));
  }
  g_assert_nonnull (strstr (all, "event m: set mtu: a pipe has no packets; carrier = tcp has"));
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GPtrArray) told = testbed_find (i == 0 ? "sim" : "tcp")->check (scenario);
    g_assert_cmpuint (told->len, >=, refused->len - 1);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/scenario/packets/values", test_values);
  g_test_add_func ("/harness/scenario/packets/conversion", test_conversion);
  g_test_add_func ("/harness/scenario/packets/files", test_files);
  g_test_add_func ("/harness/scenario/packets/long-trace", test_long_trace);
  g_test_add_func ("/harness/scenario/packets/errors", test_errors);
  g_test_add_func ("/harness/scenario/packets/value-errors", test_value_errors);
  g_test_add_func ("/harness/scenario/packets/group-errors", test_group_errors);
  g_test_add_func ("/harness/scenario/packets/pipe-refuses", test_pipe_refuses);
  return g_test_run ();
}
