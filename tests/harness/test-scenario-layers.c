/* SPDX-License-Identifier: Apache-2.0 */
/* test-scenario-layers.c - extends, overrides and sweeps, on files in a directory of their own. */
#include "harness/scenario.h"
#include "harness/sweep.h"

#include <glib/gstdio.h>
#include <string.h>

#define MS(n) ((n)*CAIMAN_NS_PER_MS)

typedef struct {
  char *dir;
  GPtrArray *paths; /* files to remove, in the order written */
  GPtrArray *errors;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  fixture->dir = g_dir_make_tmp ("caiman-scenario-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->paths = g_ptr_array_new_with_free_func (g_free);
  fixture->errors = g_ptr_array_new_with_free_func (g_free);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < fixture->paths->len; i++)
    g_unlink (fixture->paths->pdata[i]);
  g_autofree char *sub = g_build_filename (fixture->dir, "sub", NULL);
  g_rmdir (sub);
  g_assert_cmpint (g_rmdir (fixture->dir), ==, 0);
  g_ptr_array_unref (fixture->paths);
  g_ptr_array_unref (fixture->errors);
  g_free (fixture->dir);
}

/* The path is borrowed from the fixture. */
static const char *
write_file (Fixture *fixture, const char *name, const char *text)
{
  char *path = g_build_filename (fixture->dir, name, NULL);
  g_autofree char *dir = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (dir, 0700), ==, 0);
  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
  g_ptr_array_add (fixture->paths, path);
  return path;
}

static Scenario *
load (Fixture *fixture, const char *path, const ScenarioOverrides *overrides)
{
  Scenario *scenario = scenario_load (path, overrides, fixture->errors);
  for (guint i = 0; i < fixture->errors->len; i++)
    g_test_message ("%s", (char *)fixture->errors->pdata[i]);
  g_assert_nonnull (scenario);
  return scenario;
}

/* The messages of a load that fails, without the directory, joined by newlines. */
static char *
load_errors (Fixture *fixture, const char *path, const ScenarioOverrides *overrides)
{
  g_autoptr (GString) all = g_string_new (NULL);
  g_autofree char *prefix = g_strconcat (fixture->dir, "/", NULL);

  g_assert_null (scenario_load (path, overrides, fixture->errors));
  for (guint i = 0; i < fixture->errors->len; i++)
    g_string_append_printf (all, "%s%s", i > 0 ? "\n" : "", (char *)fixture->errors->pdata[i]);
  g_ptr_array_set_size (fixture->errors, 0);
  g_string_replace (all, prefix, "", 0);
  return g_strdup (all->str);
}

static const ScenarioPath *
get_up (const Scenario *scenario, const char *link)
{
  return &scenario_get_link (scenario, scenario_find_link (scenario, link))->path[SCENARIO_UP];
}

static const char base[] = "[scenario]\nformat = 1\nduration = 30s\ncarrier = pipe\ntitle = base\n"
                           "[link wifi]\nup.rate = 5mbit\ndown.rate = 9mbit\ndelay = 10ms\n"
                           "[client]\npolicy = min-rtt\nreconnect = never\n";

static void
test_extends (Fixture *fixture, gconstpointer data)
{
  write_file (fixture, "base.ini", base);
  write_file (fixture, "sub/middle.ini",
              "[scenario]\nextends = ../base.ini\ntitle = middle\n[link wifi]\nrate = 20mbit\n");
  const char *path = write_file (fixture, "top.ini",
                                 "[scenario]\nextends = sub/middle.ini\n"
                                 "[link lte]\nrate = 1mbit\n[link wifi]\ndown.rate = 7mbit\n"
                                 "[config]\npolicy = redundant\nreconnect-delay = 3s\n");
  g_autoptr (Scenario) s = load (fixture, path, NULL);

  g_assert_cmpstr (s->name, ==, "top");
  g_assert_cmpstr (s->path, ==, path);
  g_assert_true (g_str_has_prefix (s->text, "[scenario]\nextends = sub/middle.ini\n"));
  g_assert_cmpstr (s->title, ==, "middle");
  g_assert_cmpint (s->duration_ns, ==, 30 * CAIMAN_NS_PER_S);
  /* What was there first stays first. */
  g_assert_cmpint (scenario_find_link (s, "wifi"), ==, 0);
  g_assert_cmpint (scenario_find_link (s, "lte"), ==, 1);
  /* A later layer's plain key displaces the directions of an earlier one. */
  g_assert_cmpint (get_up (s, "wifi")->rate_bps, ==, 20000000);
  g_assert_cmpint (scenario_get_link (s, 0)->path[SCENARIO_DOWN].rate_bps, ==, 7000000);
  g_assert_cmpint (get_up (s, "wifi")->delay_ns, ==, MS (10));
  /* So does its [config], also by the other name of a key. */
  g_assert_cmpint (s->endpoint[SCENARIO_SIDE_CLIENT].config.policy, ==, CAIMAN_POLICY_REDUNDANT);
  g_assert_cmpint (s->endpoint[SCENARIO_SIDE_CLIENT].config.reconnect_delay_ns, ==,
                   3 * CAIMAN_NS_PER_S);
}

static void
test_extends_errors (Fixture *fixture, gconstpointer data)
{
  write_file (fixture, "base.ini", "[scenario]\nformat = 1\ndurtion = 30s\n[link a]\nrate = 5\n");
  const char *path =
      write_file (fixture, "top.ini", "[scenario]\nextends = base.ini\ncarrier = pip\n");
  g_autofree char *errors = load_errors (fixture, path, NULL);
  g_assert_cmpstr (errors, ==,
                   "top.ini:1: [scenario] lacks the key 'duration'\n"
                   "top.ini:3: carrier: unknown value 'pip'; did you mean 'pipe'?\n"
                   "base.ini:3: unknown key 'durtion' in [scenario]; did you mean 'duration'?\n"
                   "base.ini:5: rate: '5' needs a unit: bit, kbit, mbit, gbit, or B/s, kB/s, "
                   "MB/s, GB/s");

  path = write_file (fixture, "lost.ini", "[scenario]\nextends = nowhere.ini\n");
  g_autofree char *lost = load_errors (fixture, path, NULL);
  g_assert_true (strstr (lost, "lost.ini:2: extends: cannot read 'nowhere.ini': no such file") !=
                 NULL);

  path = write_file (fixture, "a.ini", "[scenario]\nextends = sub/b.ini\n");
  write_file (fixture, "sub/b.ini", "[scenario]\nextends = ../a.ini\n");
  g_autofree char *circle = load_errors (fixture, path, NULL);
  g_assert_true (strstr (circle, "sub/b.ini:2: extends: cannot read 'sub/../a.ini': files extend "
                                 "each other in a circle") != NULL);
  path = write_file (fixture, "self.ini", "[scenario]\nextends = self.ini\n");
  g_autofree char *self = load_errors (fixture, path, NULL);
  g_assert_true (strstr (self, "self.ini:2: extends: cannot read 'self.ini': files extend each "
                               "other in a circle") != NULL);
}

static void
test_extends_depth (Fixture *fixture, gconstpointer data)
{
  const char *path = NULL;

  for (guint i = 0; i < 20; i++) {
    g_autofree char *name = g_strdup_printf ("d%u.ini", i);
    g_autofree char *text = g_strdup_printf ("[scenario]\nextends = d%u.ini\n", i + 1);
    const char *written = write_file (fixture, name, text);
    path = path ? path : written;
  }
  g_autofree char *errors = load_errors (fixture, path, NULL);
  g_assert_true (strstr (errors, "d15.ini:2: extends: cannot read 'd16.ini': more than 16 files "
                                 "extend each other") != NULL);
}

static void
test_overrides (Fixture *fixture, gconstpointer data)
{
  const char *path = write_file (fixture, "base.ini", base);
  g_autoptr (ScenarioOverrides) overrides = scenario_overrides_new ();

  g_assert_false (scenario_overrides_set (overrides, "delay", "1ms"));
  g_assert_false (scenario_overrides_set (overrides, ".delay", "1ms"));
  g_assert_false (scenario_overrides_set (overrides, "link wifi.", "1ms"));
  g_assert_false (scenario_overrides_set (overrides, "link wifi.delay", "  "));
  g_assert_true (scenario_overrides_set (overrides, "link wifi.delay", "1ms"));
  g_assert_true (scenario_overrides_set (overrides, "link wifi.delay", " 2ms "));
  g_assert_true (scenario_overrides_set (overrides, "link wifi.rate", "1mbit"));
  g_assert_true (scenario_overrides_set (overrides, "config.policy", "redundant"));
  g_assert_true (scenario_overrides_set (overrides, "config.reconnect-delay", "4s"));
  g_assert_true (scenario_overrides_set (overrides, "server.accepts", "refuse"));
  g_autoptr (Scenario) s = load (fixture, path, overrides);

  g_assert_cmpint (get_up (s, "wifi")->delay_ns, ==, MS (2));
  g_assert_cmpint (get_up (s, "wifi")->rate_bps, ==, 1000000);
  g_assert_cmpint (s->endpoint[SCENARIO_SIDE_CLIENT].config.policy, ==, CAIMAN_POLICY_REDUNDANT);
  g_assert_cmpint (s->endpoint[SCENARIO_SIDE_CLIENT].config.reconnect_delay_ns, ==,
                   4 * CAIMAN_NS_PER_S);
  g_assert_cmpint (s->accepts, ==, SCENARIO_ACCEPT_REFUSE);

  g_assert_true (scenario_overrides_set (overrides, "link wfi.rate", "1mbit"));
  g_assert_true (scenario_overrides_set (overrides, "nonsense.rate", "1mbit"));
  g_assert_true (scenario_overrides_set (overrides, "link wifi.delay", "5"));
  g_autofree char *errors = load_errors (fixture, path, overrides);
  g_assert_cmpstr (errors, ==,
                   "(set link wfi.rate): link wfi.rate: there is no group [link wfi]; did you "
                   "mean [link wifi]?\n"
                   "(set nonsense.rate): nonsense.rate: there is no group [nonsense]\n"
                   "(set link wifi.delay): delay: '5' needs a unit: ns, us, ms, s, min or h");
  scenario_overrides_free (NULL);
}

static const char swept[] = "[scenario]\nformat = 1\nduration = 30s\ncarrier = pipe\n"
                            "[link a]\nup.rate = 1mbit\ndown.rate = 2mbit\n"
                            "[sweep]\n"
                            "link a.rate = 3mbit, 4mbit\n"
                            "link a.loss = none, gilbert(1%, 2%), 5%\n"
                            "config.policy = adaptive, reference\n";

static void
test_sweep (Fixture *fixture, gconstpointer data)
{
  static const struct {
    guint point;
    const char *text;
    gint64 rate_bps;
    ScenarioLossKind loss;
    CaimanPolicy policy;
  } points[] = {
    { 0, "link a.rate=3mbit link a.loss=none config.policy=adaptive", 3000000, SCENARIO_LOSS_NONE,
      CAIMAN_POLICY_ADAPTIVE },
    { 1, "link a.rate=3mbit link a.loss=none config.policy=reference", 3000000, SCENARIO_LOSS_NONE,
      CAIMAN_POLICY_REFERENCE },
    { 2, "link a.rate=3mbit link a.loss=gilbert(1%, 2%) config.policy=adaptive", 3000000,
      SCENARIO_LOSS_GILBERT, CAIMAN_POLICY_ADAPTIVE },
    { 5, "link a.rate=3mbit link a.loss=5% config.policy=reference", 3000000,
      SCENARIO_LOSS_BERNOULLI, CAIMAN_POLICY_REFERENCE },
    { 6, "link a.rate=4mbit link a.loss=none config.policy=adaptive", 4000000, SCENARIO_LOSS_NONE,
      CAIMAN_POLICY_ADAPTIVE },
    { 11, "link a.rate=4mbit link a.loss=5% config.policy=reference", 4000000,
      SCENARIO_LOSS_BERNOULLI, CAIMAN_POLICY_REFERENCE },
  };
  const char *path = write_file (fixture, "swept.ini", swept);
  g_autoptr (Scenario) s = load (fixture, path, NULL);

  g_assert_cmpuint (s->sweeps->len, ==, 3);
  g_assert_cmpuint (sweep_count_points (s), ==, 12);
  for (gsize i = 0; i < G_N_ELEMENTS (points); i++) {
    g_autoptr (ScenarioOverrides) overrides = scenario_overrides_new ();
    g_autofree char *text = sweep_describe_point (s, points[i].point);
    sweep_set_point (s, points[i].point, overrides);
    g_autoptr (Scenario) point = load (fixture, path, overrides);
    g_assert_cmpstr (text, ==, points[i].text);
    g_assert_cmpuint (sweep_count_points (point), ==, 1);
    /* The file's own up.rate does not survive a swept rate. */
    g_assert_cmpint (get_up (point, "a")->rate_bps, ==, points[i].rate_bps);
    g_assert_cmpint (get_up (point, "a")->loss.kind, ==, points[i].loss);
    g_assert_cmpint (point->endpoint[SCENARIO_SIDE_SERVER].config.policy, ==, points[i].policy);
    g_assert_cmpstr (point->hash, !=, s->hash);
  }
}

/* A swept preset has effect, and the base is as if there were no sweep. */
static void
test_sweep_base (Fixture *fixture, gconstpointer data)
{
  const char *path = write_file (fixture, "p.ini",
                                 "[scenario]\nformat = 1\nduration = 1s\ncarrier = pipe\n[link a]\n"
                                 "preset = lte\n[sweep]\nlink a.preset = lte, dsl\n");
  g_autoptr (Scenario) s = load (fixture, path, NULL);
  g_autoptr (ScenarioOverrides) overrides = scenario_overrides_new ();
  g_autofree char *text = scenario_print (s);

  g_assert_null (strstr (text, "sweep"));
  sweep_set_point (s, 1, overrides);
  g_autoptr (Scenario) dsl = load (fixture, path, overrides);
  g_assert_cmpint (get_up (s, "a")->rate_bps, ==, 15000000);
  g_assert_cmpint (get_up (dsl, "a")->rate_bps, ==, 10000000);
  g_autofree char *none = sweep_describe_point (dsl, 0);
  g_assert_cmpstr (none, ==, "");

  g_autoptr (ScenarioOverrides) first = scenario_overrides_new ();
  sweep_set_point (s, 0, first);
  g_autoptr (Scenario) lte = load (fixture, path, first);
  g_assert_cmpstr (lte->hash, ==, s->hash);
}

#define ADD(name, func) g_test_add (name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/harness/scenario/layers/extends", test_extends);
  ADD ("/harness/scenario/layers/extends-errors", test_extends_errors);
  ADD ("/harness/scenario/layers/extends-depth", test_extends_depth);
  ADD ("/harness/scenario/layers/overrides", test_overrides);
  ADD ("/harness/scenario/layers/sweep", test_sweep);
  ADD ("/harness/scenario/layers/sweep-base", test_sweep_base);
  return g_test_run ();
}
