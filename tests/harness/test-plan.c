/* SPDX-License-Identifier: Apache-2.0 */
/* test-plan.c - the runs of a plan, its shards, and what is told of many runs. */
#include "harness/plan.h"
#include "harness/progress.h"
#include "harness/tally.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static const char text[] =
    "[scenario]\nformat = 1\ncarrier = pipe\nduration = 1s\nseed = 3..4\n"
    "[link a]\nrate = 1mbit\ndelay = 1ms\n"
    "[traffic t]\nfrom = client\nkind = bulk\nbytes = 1kB\n[sweep]\nlink a.delay = 1ms, 2ms\n";

typedef struct {
  char *dir, *path;
  GPtrArray *errors;
} Fixture;

static void
set_up (Fixture *f, gconstpointer unused)
{
  f->dir = g_dir_make_tmp ("caiman-plan-XXXXXX", NULL);
  f->path = g_build_filename (f->dir, "s.ini", NULL);
  g_assert_true (g_file_set_contents (f->path, text, -1, NULL));
  f->errors = g_ptr_array_new_with_free_func (g_free);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  g_unlink (f->path);
  g_rmdir (f->dir);
  g_free (f->dir);
  g_free (f->path);
  g_ptr_array_unref (f->errors);
}

/* "variant seed policy" of each run; (transfer full) */
static char *
list_runs (Fixture *f, Plan *plan)
{
  GString *list = g_string_new (NULL);
  for (guint64 i = 0; i < plan_count (plan); i++) {
    PlanRun run;
    g_assert_true (plan_get (plan, i, &run, f->errors));
    CaimanPolicy policy = run.scenario->endpoint[SCENARIO_SIDE_SERVER].config.policy;
    g_string_append_printf (list, "%s %" G_GUINT64_FORMAT " %s\n", run.variant ? run.variant : "-",
                            run.seed, caiman_policy_to_string (policy));
  }
  return g_string_free (list, FALSE);
}

/* Policies change fastest: they are compared under the same seeds. */
static void
test_order (Fixture *f, gconstpointer unused)
{
  char *paths[] = { f->path, NULL };
  char *policies[] = { (char *)"adaptive", (char *)"reference", NULL };
  PlanOptions options = { .paths = paths, .policies = policies };
  g_autoptr (Plan) plan = plan_new (&options, f->errors);
  g_autofree char *list = list_runs (f, plan);
  g_assert_cmpuint (plan_count_all (plan), ==, 8);
  g_assert_cmpstr (list, ==,
                   "link a.delay=1ms 3 adaptive\nlink a.delay=1ms 3 reference\n"
                   "link a.delay=1ms 4 adaptive\nlink a.delay=1ms 4 reference\n"
                   "link a.delay=2ms 3 adaptive\nlink a.delay=2ms 3 reference\n"
                   "link a.delay=2ms 4 adaptive\nlink a.delay=2ms 4 reference\n");
}

static void
test_options (Fixture *f, gconstpointer unused)
{
  char *paths[] = { f->path, NULL };
  char *sets[] = { (char *)"traffic t.bytes = 2kB", NULL };
  char *varies[] = { (char *)"link a.delay=5ms..6ms step 1ms", (char *)"where=link a.delay>5ms",
                     NULL };
  PlanOptions options = { .paths = paths,
                          .sets = sets,
                          .varies = varies,
                          .has_seeds = TRUE,
                          .seed_first = 9,
                          .seed_last = 9 };
  g_autoptr (Plan) plan = plan_new (&options, f->errors);
  g_autofree char *list = list_runs (f, plan);
  g_assert_cmpstr (list, ==, "link a.delay=6ms 9 adaptive\n");

  /* A plan that grows keeps its name; another file, policy or binary is another plan. */
  char *policies[] = { (char *)"reference", NULL };
  PlanOptions longer = { .paths = paths, .sets = sets };
  PlanOptions other = { .paths = paths, .sets = sets, .policies = policies };
  g_autoptr (Plan) longer_plan = plan_new (&longer, f->errors);
  g_autoptr (Plan) other_plan = plan_new (&other, f->errors);
  g_autofree char *hash = plan_get_hash (plan, "b");
  g_autofree char *longer_hash = plan_get_hash (longer_plan, "b");
  g_autofree char *other_hash = plan_get_hash (other_plan, "b");
  g_autofree char *other_build = plan_get_hash (plan, "c");
  g_assert_cmpstr (hash, ==, longer_hash);
  g_assert_cmpstr (hash, !=, other_hash);
  g_assert_cmpstr (hash, !=, other_build);
}

static void
test_errors (Fixture *f, gconstpointer unused)
{
  char *paths[] = { f->path, (char *)"/nonexistent/x.ini", NULL };
  char *policies[] = { (char *)"adaptive", (char *)"reference", NULL };
  char *sets[] = { (char *)"nonsense", NULL };
  char *varies[] = { (char *)"nonsense", NULL };
  char *swept[] = { (char *)"config.policy = adaptive, min-rtt", NULL };
  PlanOptions missing = { .paths = paths };
  PlanOptions bad_set = { .paths = paths, .sets = sets };
  PlanOptions bad_vary = { .paths = paths, .varies = varies };
  g_assert_null (plan_new (&missing, f->errors));
  g_assert_null (plan_new (&bad_set, f->errors));
  g_assert_null (plan_new (&bad_vary, f->errors));
  paths[1] = NULL;
  PlanOptions twice = { .paths = paths, .varies = swept, .policies = policies };
  g_assert_null (plan_new (&twice, f->errors));
  g_assert_cmpuint (f->errors->len, ==, 4);
  g_assert_nonnull (strstr (f->errors->pdata[0], "no such file"));
  g_assert_nonnull (strstr (f->errors->pdata[1], "--set takes"));
  g_assert_nonnull (strstr (f->errors->pdata[2], "--vary takes"));
  g_assert_nonnull (strstr (f->errors->pdata[3], "sweeps config.policy itself"));
}

/* Every run of a plan in exactly one shard, shards equally long but for one, and each told by its
 * index in ascending order. */
static void
test_shards (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (4);
  for (guint round = 0; round < 300; round++) {
    guint64 n_runs = (guint64)g_rand_int_range (rand, 0, 400),
            n = (guint64)g_rand_int_range (rand, 1, 40);
    g_autofree guint *owners = g_new0 (guint, n_runs + 1);
    for (guint64 index = 0; index < n; index++) {
      Shard shard = { index, n };
      guint64 count = shard_count (&shard, n_runs), before = 0;
      g_assert_cmpuint (count, >=, n_runs / n);
      g_assert_cmpuint (count, <=, n_runs / n + 1);
      for (guint64 i = 0; i < count; i++) {
        guint64 number = shard_get (&shard, i);
        g_assert_cmpuint (number, <, n_runs);
        g_assert_true (i == 0 || number > before);
        before = number;
        owners[number]++;
      }
    }
    for (guint64 i = 0; i < n_runs; i++)
      g_assert_cmpuint (owners[i], ==, 1);
  }
}

/* What comes every other run (a policy of two, say) does not all go to one shard of two. */
static void
test_shards_are_mixed (void)
{
  const Shard shard = { 0, 2 };
  guint n_even = 0;
  for (guint64 i = 0; i < 1000; i++)
    n_even += shard_get (&shard, i) % 2 == 0;
  g_assert_cmpuint (n_even, >, 400);
  g_assert_cmpuint (n_even, <, 600);
}

static void
test_shard_parse (void)
{
  static const char *const bad[] = { "", "1", "0/2", "3/2", "1/0", "a/b", "1/2/3", "1/1000000" };
  Shard shard;
  g_assert_true (shard_parse ("2/5", &shard));
  g_assert_cmpuint (shard.index, ==, 1);
  g_assert_cmpuint (shard.n, ==, 5);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (shard_parse (bad[i], &shard));
}

static void
test_plan_of_shard (Fixture *f, gconstpointer unused)
{
  char *paths[] = { f->path, NULL };
  PlanOptions options = { .paths = paths };
  g_autoptr (Plan) whole = plan_new (&options, f->errors);
  g_autofree char *all = list_runs (f, whole);
  guint64 n = 0;
  for (guint64 i = 0; i < 3; i++) {
    Shard shard = { i, 3 };
    options.shard = &shard;
    g_autoptr (Plan) plan = plan_new (&options, f->errors);
    g_autofree char *part = list_runs (f, plan);
    g_auto (GStrv) lines = g_strsplit (g_strchomp (part), "\n", -1);
    n += plan_count (plan);
    g_assert_cmpuint (plan_count_all (plan), ==, 4);
    for (char **line = lines; *line != NULL; line++)
      g_assert_nonnull (strstr (all, *line));
  }
  g_assert_cmpuint (n, ==, 4);
}

static void
test_progress (void)
{
  static const struct {
    Progress progress;
    gint64 now_us;
    const char *line;
  } cases[] = {
    { { 100, 0, 0, 0, 0 }, 2000000, "0 of 100 runs (0 %), 2.00 s so far" },
    { { 10000, 1200, 0, 3, 0 },
      4000000,
      "1 200 of 10 000 runs (12 %), 300/s, 29.3 s to go, 3 failed" },
    { { 100, 60, 50, 0, 0 },
      4000000,
      "60 of 100 runs (60 %), 50 of them recorded before, 2.5/s, 16.0 s to go" },
    { { 10, 1, 0, 0, 1000000 }, 121000000, "1 of 10 runs (10 %), 0.5/min, 18 min 0 s to go" },
    { { 4, 4, 0, 0, 0 }, 2000000, "4 of 4 runs (100 %), 2.0/s" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *line = progress_format (&cases[i].progress, cases[i].now_us);
    g_assert_cmpstr (line, ==, cases[i].line);
  }
}

static void
add_run (Tally *tally, const char *variant, const char *policy, int exit_class, double goodput,
         double gap)
{
  g_autoptr (StoreRun) run = store_run_new ();
  run->scenario_name = "s";
  run->variant = variant;
  run->policy = policy;
  run->exit_class = exit_class;
  if (exit_class != 77) {
    store_run_add_metric (run, STORE_SUBJECT_FLOW, "up", "goodput", goodput, "bit/s");
    store_run_add_metric (run, STORE_SUBJECT_FLOW, "up", "longest-gap", gap, "ns");
    store_run_add_metric (run, STORE_SUBJECT_FLOW, "up", "latency-p50", NAN, "ns");
    store_run_add_metric (run, STORE_SUBJECT_LINK, "a", "goodput", 1, "bit/s");
  }
  tally_add (tally, run);
}

/* Worst is the least of what should be high, and the most of what should be low. */
static void
test_tally (void)
{
  g_autoptr (Tally) tally = tally_new ();
  g_autofree char *nothing = tally_format (tally, 0, FALSE);
  g_assert_cmpstr (nothing, ==, "");
  for (int i = 1; i <= 5; i++)
    add_run (tally, "d=1", "adaptive", i == 2 ? 1 : 0, i * 1e6, i * 1e6);
  add_run (tally, "d=2", "adaptive", 0, 7e6, NAN);
  add_run (tally, "d=3", "adaptive", 77, 0, 0);
  g_assert_cmpuint (tally_count_rows (tally), ==, 3);
  g_autofree char *table = tally_format (tally, 0, FALSE);
  g_assert_cmpstr (
      table, ==,
      "  point  flow  runs  failed  skipped      goodput        worst  longest-gap    worst\n"
      "  d=1    up       5       1        0  3.00 Mbit/s  1.00 Mbit/s      3.00 ms  5.00 ms\n"
      "  d=2    up       1       0        0  7.00 Mbit/s  7.00 Mbit/s            -        -\n"
      "  d=3             1       0        1            -            -            -        -\n");
  g_autofree char *cut = tally_format (tally, 2, FALSE);
  g_assert_nonnull (strstr (cut, "... and 1 more rows (-v shows all)\n"));
  g_assert_null (strstr (cut, "d=3"));
}

static void
test_tally_of_one (void)
{
  g_autoptr (Tally) tally = tally_new ();
  add_run (tally, NULL, "adaptive", 0, 1e6, 1e6);
  add_run (tally, NULL, "adaptive", 3, 2e6, 1e6);
  g_autofree char *table = tally_format (tally, 0, FALSE);
  g_assert_cmpstr (table, ==,
                   "  policy    runs  failed      goodput        worst  longest-gap    worst\n"
                   "  adaptive     2       1  1.00 Mbit/s  1.00 Mbit/s      1.00 ms  1.00 ms\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add (path, Fixture, NULL, set_up, test, tear_down)
  ADD ("/harness/plan/order", test_order);
  ADD ("/harness/plan/options", test_options);
  ADD ("/harness/plan/errors", test_errors);
  ADD ("/harness/plan/shard", test_plan_of_shard);
  g_test_add_func ("/harness/shard/each-run-once", test_shards);
  g_test_add_func ("/harness/shard/mixed", test_shards_are_mixed);
  g_test_add_func ("/harness/shard/parse", test_shard_parse);
  g_test_add_func ("/harness/progress", test_progress);
  g_test_add_func ("/harness/tally/table", test_tally);
  g_test_add_func ("/harness/tally/one-row", test_tally_of_one);
  return g_test_run ();
}
