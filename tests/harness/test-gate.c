/* SPDX-License-Identifier: Apache-2.0 */
/* test-gate.c - [gate]: read, printed, wrong in every way; and as rules of a diff. */
#include "harness/gate-rules.h"
#include "harness/scenario.h"

#include <string.h>

static const char head[] = "[scenario]\nformat = 1\ncarrier = pipe\nduration = 30s\n"
                           "[link wifi]\nrate = 10mbit\ndelay = 10ms\n"
                           "[link lte]\nrate = 10mbit\ndelay = 10ms\n"
                           "[traffic upload]\nfrom = client\nkind = bulk\nmode = messages\n"
                           "bytes = 1MB\n"
                           "[traffic chat]\nfrom = both\nkind = bulk\nmode = messages\n"
                           "bytes = 1MB\n";

static char *
make_text (const char *gate)
{
  return g_strconcat (head, gate ? "[gate]\n" : "", gate ? gate : "", NULL);
}

static Scenario *
parse (const char *gate)
{
  g_autofree char *text = make_text (gate);
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  Scenario *scenario = scenario_parse ("s.ini", text, strlen (text), NULL, errors);
  for (guint i = 0; i < errors->len; i++)
    g_test_message ("%s", (char *)errors->pdata[i]);
  g_assert_nonnull (scenario);
  return scenario;
}

/* The first line of the group is 22. */
static void
expect_error (const char *gate, const char *error)
{
  g_autofree char *text = make_text (gate);
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  g_assert_null (scenario_parse ("s.ini", text, strlen (text), NULL, errors));
  g_assert_cmpuint (errors->len, ==, 1);
  g_assert_cmpstr (errors->pdata[0], ==, error);
}

static void
test_read (void)
{
  g_autoptr (Scenario) scenario =
      parse ("confidence = 95%\ndefault = none\nupload.goodput = 3%\nupload.longest-gap = 30ms or "
             "20%\nefficiency = 1.5pp or 2%\nchat.goodput = ignore\nclient.connection.memory-peak "
             "= 10kB\nwifi.up.share = ignore\n");
  g_assert_cmpint (scenario->gate_confidence_ppb, ==, SCENARIO_PPB / 100 * 95);
  g_assert_cmpint (scenario->gate_default_ppb, ==, -1);
  g_assert_cmpuint (scenario->gates->len, ==, 7); /* chat has two directions */
  const ScenarioGate *gap = scenario_get_gate (scenario, 1);
  g_assert_cmpstr (gap->text, ==, "20% or 30ms");
  g_assert_cmpint (gap->relative_ppb, ==, SCENARIO_PPB / 5);
  g_assert_cmpint (gap->absolute, ==, 30 * CAIMAN_NS_PER_MS);
  g_assert_cmpuint (gap->line, ==, 25);
  const ScenarioGate *efficiency = scenario_get_gate (scenario, 2);
  g_assert_cmpstr (efficiency->text, ==, "2% or 1.5pp");
  g_assert_false (efficiency->has_subject);
  g_assert_cmpstr (scenario_get_gate (scenario, 4)->name, ==, "chat.down.goodput");
}

/* What is printed reads as the same, and no gate makes another scenario. */
static void
test_print (void)
{
  g_autoptr (Scenario) plain = parse (NULL);
  g_autoptr (Scenario) gated = parse ("upload.goodput = 3%\nefficiency = 1pp\nconfidence = "
                                      "99.9%\nwifi.ends = ignore\nchat.longest-gap = 1ms or 1%\n");
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *text = scenario_print (gated);
  g_autofree char *plain_text = scenario_print (plain);
  g_assert_cmpstr (gated->hash, ==, plain->hash);
  g_assert_nonnull (strstr (plain_text, "\n[gate]\nconfidence = 99%\ndefault = 2%\n"));
  g_assert_nonnull (
      strstr (text, "\n[gate]\nconfidence = 99.9%\ndefault = 2%\nupload.goodput = 3%\nefficiency = "
                    "1pp\nwifi.ends = ignore\nchat.up.longest-gap = 1% or 1ms\n"));
  g_autoptr (Scenario) again = scenario_parse ("s.ini", text, strlen (text), NULL, errors);
  g_assert_nonnull (again);
  g_autofree char *text_again = scenario_print (again);
  g_assert_cmpstr (text_again, ==, text);
}

static void
test_errors (void)
{
  expect_error (
      "upload.goodptu = 3%",
      "s.ini:22: upload.goodptu: unknown metric 'goodptu' of a flow; did you mean 'goodput'?");
  expect_error ("goodptu = 3%",
                "s.ini:22: goodptu: unknown metric or subject 'goodptu'; did you mean 'goodput'?");
  expect_error ("x = 3%", "s.ini:22: x: unknown subject 'x'; known: connection, integrity, upload, "
                          "chat, chat, wifi, lte");
  expect_error ("upload = 3%", "s.ini:22: upload: say which metric of 'upload'");
  expect_error ("upload.goodput = -3%", "s.ini:22: upload.goodput: '-3%': a limit is how much "
                                        "worse, whichever way that is, and so has no sign");
  expect_error ("upload.goodput = fast", "s.ini:22: upload.goodput: 'fast' is not a number with a "
                                         "unit (bit, kbit, mbit, gbit, or B/s, kB/s, MB/s, GB/s)");
  expect_error ("upload.longest-gap = 30",
                "s.ini:22: upload.longest-gap: '30' needs a unit: ns, us, ms, s, min or h");
  expect_error ("upload.longest-gap = 3% or 4%", "s.ini:22: upload.longest-gap: one share and one "
                                                 "amount can be joined by 'or', not two of a kind");
  expect_error ("upload.efficiency = 3", "s.ini:22: upload.efficiency: '3' is neither a share of "
                                         "the old value (2%) nor percentage points (2pp)");
  expect_error ("upload.goodput = 200000%",
                "s.ini:22: upload.goodput: '200000%' is more than 100000%");
  expect_error ("wifi.share = 3%",
                "s.ini:22: wifi.share: 'share' has no better and worse: it can only be 'ignore'");
  expect_error ("client.upload.goodput = 3%",
                "s.ini:22: client.upload.goodput: 'goodput' is not told per side");
  expect_error ("confidence = 30%", "s.ini:22: confidence: '30%' is not between 50% and 99.9999%");
  expect_error ("confidence = high",
                "s.ini:22: confidence: 'high' is not a number with a unit (%)");
  expect_error ("default = some", "s.ini:22: default: 'some' is neither a percentage nor 'none'");
  expect_error ("default = -1%", "s.ini:22: default: '-1%' is not between 0% and 100000%");
}

static void
test_no_sweep (void)
{
  g_autofree char *text = g_strconcat (head, "[sweep]\ngate.default = 1%, 2%\n", NULL);
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  g_assert_null (scenario_parse ("s.ini", text, strlen (text), NULL, errors));
  g_assert_nonnull (strstr (errors->pdata[0], "a gate changes nothing in a run"));
}

/* The command line can set one. */
static void
test_override (void)
{
  g_autofree char *text = make_text (NULL);
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (ScenarioOverrides) overrides = scenario_overrides_new ();
  g_assert_true (scenario_overrides_set (overrides, "gate.upload.goodput", "7%"));
  g_autoptr (Scenario) scenario = scenario_parse ("s.ini", text, strlen (text), overrides, errors);
  g_assert_nonnull (scenario);
  g_assert_cmpstr (scenario_get_gate (scenario, 0)->text, ==, "7%");
}

/* ---- as rules ---- */

static DiffRule
get_rule (const char *gate, StoreSubject kind, const char *subject, const char *name)
{
  g_autofree char *text = make_text (gate);
  const DiffRuleFuncs *funcs = gate_rules_get ();
  double confidence = 0;
  DiffRule rule;
  gpointer rules = funcs->open ("s", text, &confidence);
  g_assert_nonnull (rules);
  g_assert_cmpfloat (confidence, >, 0.5);
  funcs->get_rule (rules, kind, subject, name, &rule);
  funcs->close (rules);
  return rule;
}

static void
test_default_rules (void)
{
  DiffRule rule = get_rule (NULL, STORE_SUBJECT_FLOW, "upload", "goodput");
  g_assert_cmpint (rule.better, ==, 1);
  g_assert_true (rule.is_gated && !rule.is_named && !rule.is_ignored);
  g_assert_cmpfloat (rule.relative, ==, 0.02);
  rule = get_rule (NULL, STORE_SUBJECT_FLOW, "upload", "longest-gap");
  g_assert_cmpint (rule.better, ==, -1);
  g_assert_cmpfloat (rule.absolute, ==, 1e6);
  g_assert_true (get_rule (NULL, STORE_SUBJECT_CONNECTION, "client", "memory-peak").is_gated);
  g_assert_false (get_rule (NULL, STORE_SUBJECT_FLOW, "upload", "lost-idle").is_gated);
  g_assert_false (get_rule (NULL, STORE_SUBJECT_FLOW, "upload", "ideal-time").is_gated);
  g_assert_false (get_rule (NULL, STORE_SUBJECT_LINK, "client.wifi", "ends").is_gated);
  g_assert_false (get_rule (NULL, STORE_SUBJECT_CONNECTION, "", "cpu-per-gb").is_gated);
  g_assert_cmpint (get_rule (NULL, STORE_SUBJECT_FLOW, "upload", "of-the-future").better, ==, 0);
}

static void
test_gate_rules (void)
{
  static const char gate[] =
      "default = none\ngoodput = 5%\nchat.down.goodput = 7%\nwifi.utilisation = "
      "4%\nwifi.up.utilisation = 6% or 2pp\nclient.wifi.ends = 0\nconnection.connect-time = 9ms\n";
  DiffRule rule = get_rule (gate, STORE_SUBJECT_FLOW, "upload", "goodput");
  g_assert_true (rule.is_gated && rule.is_named);
  g_assert_cmpfloat (rule.relative, ==, 0.05);
  g_assert_cmpfloat (rule.absolute, ==, 0);
  g_assert_cmpfloat (get_rule (gate, STORE_SUBJECT_FLOW, "chat.up", "goodput").relative, ==, 0.05);
  g_assert_cmpfloat (get_rule (gate, STORE_SUBJECT_FLOW, "chat.down", "goodput").relative, ==,
                     0.07);
  rule = get_rule (gate, STORE_SUBJECT_LINK, "wifi.up", "utilisation");
  g_assert_cmpfloat (rule.relative, ==, 0.06);
  g_assert_cmpfloat (rule.absolute, ==, 0.02);
  rule = get_rule (gate, STORE_SUBJECT_LINK, "wifi.down", "utilisation");
  g_assert_true (rule.is_gated);
  g_assert_cmpfloat (rule.relative, ==, 0.04);
  g_assert_false (get_rule (gate, STORE_SUBJECT_LINK, "lte.up", "utilisation").is_gated);
  g_assert_true (get_rule (gate, STORE_SUBJECT_LINK, "client.wifi", "ends").is_gated);
  g_assert_false (get_rule (gate, STORE_SUBJECT_LINK, "server.wifi", "ends").is_gated);
  g_assert_true (get_rule (gate, STORE_SUBJECT_CONNECTION, "server", "connect-time").is_gated);
  g_assert_false (get_rule (gate, STORE_SUBJECT_FLOW, "upload", "longest-gap").is_gated);
  g_assert_true (
      get_rule ("goodput = ignore\n", STORE_SUBJECT_FLOW, "upload", "goodput").is_ignored);
}

/* A scenario of another version: defaults, and no crash. */
static void
test_unreadable (void)
{
  const DiffRuleFuncs *funcs = gate_rules_get ();
  double confidence = 0;
  DiffRule rule;
  gpointer rules = funcs->open ("s", "[scenario]\nformat = 99\n", &confidence);
  g_assert_null (rules);
  funcs->get_rule (rules, STORE_SUBJECT_FLOW, "upload", "goodput", &rule);
  g_assert_true (rule.is_gated);
  g_assert_cmpfloat (rule.relative, ==, 0.02);
  funcs->close (rules);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/gate/read", test_read);
  g_test_add_func ("/harness/gate/print", test_print);
  g_test_add_func ("/harness/gate/errors", test_errors);
  g_test_add_func ("/harness/gate/no-sweep", test_no_sweep);
  g_test_add_func ("/harness/gate/override", test_override);
  g_test_add_func ("/harness/gate/rules/default", test_default_rules);
  g_test_add_func ("/harness/gate/rules/gate", test_gate_rules);
  g_test_add_func ("/harness/gate/rules/unreadable", test_unreadable);
  return g_test_run ();
}
