/* SPDX-License-Identifier: Apache-2.0 */
/* test-diff.c - databases made by hand, whose difference is known. The rules: "goodput" is gated,
 * higher is better, 2 %; "gap" has a limit of its own, 10 ms, lower is better; "share" is neutral;
 * "quiet" is only told. */
#include "tests/reports/fixture.h"
#include "reports/diff-format.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

/* ---- two databases ---- */

typedef struct {
  char *dir;
  Store *store[2]; /* BASE and NEW */
  DiffOptions options;
} Place;

enum { BASE, NEW };

/* A run; what is 0 or NULL has a default. */
typedef struct {
  gint64 seed;
  const char *scenario, *variant, *policy, *testbed, *hash, *digest, *campaign;
  int exit_class; /* -1: unfinished */
  const char *failed;
  double goodput, gap;
} Spec;

static gpointer
open_rules (const char *scenario_name, const char *scenario_text, double *confidence_out)
{
  if (strstr (scenario_text, "unreadable"))
    return NULL;
  if (strstr (scenario_text, "careless"))
    *confidence_out = 0.9;
  return g_strdup (scenario_name);
}

static void
get_rule (gpointer rules, StoreSubject subject_kind, const char *subject, const char *name,
          DiffRule *rule_out)
{
  *rule_out = (DiffRule) { .better = 1, .is_gated = TRUE, .relative = 0.02 };
  if (strcmp (name, "gap") == 0)
    *rule_out = (DiffRule) { .better = -1, .is_gated = TRUE, .is_named = TRUE, .absolute = 10e6 };
  if (strcmp (name, "share") == 0)
    *rule_out = (DiffRule) { .relative = 0.02 };
  rule_out->is_ignored = strcmp (name, "ignored") == 0;
  if (strcmp (name, "quiet") == 0)
    rule_out->is_gated = FALSE;
}

static void
set_up (Place *place, gconstpointer data)
{
  static const DiffRuleFuncs rules = { open_rules, get_rule, g_free };
  g_autoptr (GError) error = NULL;
  place->dir = fixture_dir_new ();
  place->options = (DiffOptions) { .rules = &rules };
  for (guint i = 0; i < 2; i++) {
    g_autofree char *path = fixture_path (place->dir, i == BASE ? "base.db" : "new.db");
    place->store[i] = store_open (path, STORE_OPEN_CREATE, &error);
    g_assert_no_error (error);
  }
}

static void
tear_down (Place *place, gconstpointer data)
{
  store_close (place->store[BASE]);
  store_close (place->store[NEW]);
  fixture_dir_free (place->dir);
}

static void
add_metrics (StoreRun *run, const Spec *spec)
{
  double goodput = spec->goodput != 0 ? spec->goodput : 50e6;
  store_run_add_metric (run, STORE_SUBJECT_FLOW, "upload", "goodput", goodput, "bit/s");
  store_run_add_metric (run, STORE_SUBJECT_FLOW, "upload", "gap", spec->gap, "ns");
  store_run_add_metric (run, STORE_SUBJECT_FLOW, "upload", "recovery", NAN, "ns");
  store_run_add_metric (run, STORE_SUBJECT_LINK, "a", "share", goodput / 100e6, "ratio");
  store_run_add_metric (run, STORE_SUBJECT_LINK, "a", "quiet", goodput, "bit/s");
  store_run_add_metric (run, STORE_SUBJECT_LINK, "a", "ignored", goodput, "bit/s");
}

static void
add (Place *place, guint side, Spec spec)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (StoreRun) run = store_run_new ();
  store_campaign_begin (place->store[side], spec.campaign ? spec.campaign : "c", "caiman run",
                        &run->campaign_id, &error);
  run->scenario_name = spec.scenario ? spec.scenario : "s";
  run->scenario_text = spec.hash ? spec.hash : "text";
  run->scenario_hash = spec.hash ? spec.hash : "00ff";
  run->variant = spec.variant;
  run->seed = spec.seed;
  run->policy = spec.policy ? spec.policy : "adaptive";
  run->testbed = spec.testbed ? spec.testbed : "sim";
  run->git_id = "v1";
  run->digest = spec.digest ? spec.digest : "aa";
  run->outcome = "survives";
  run->exit_class = spec.exit_class;
  add_metrics (run, &spec);
  StoreExpectation e = { spec.failed ? spec.failed : "upload.gap", "<= 1s", "2s", FALSE, 3 };
  if (spec.exit_class == 1)
    g_array_append_val (run->expectations, e);
  g_assert_true (store_run_begin (place->store[side], run, &error));
  if (spec.exit_class >= 0)
    g_assert_true (store_run_finish (place->store[side], run, &error));
  g_assert_no_error (error);
}

/* @n runs from seed @first on; the goodput varies a little, by @rand. */
static void
add_many (Place *place, guint side, gint64 first, guint n, double goodput, GRand *rand)
{
  for (guint i = 0; i < n; i++)
    add (place, side,
         (Spec) { .seed = first + i,
                  .goodput = goodput * g_rand_double_range (rand, 0.98, 1.02),
                  .gap = g_rand_double_range (rand, 40e6, 60e6) });
}

static Diff *
compare (Place *place)
{
  g_autoptr (GError) error = NULL;
  Diff *diff = diff_new (place->store[BASE], place->store[NEW], &place->options, &error);
  g_assert_no_error (error);
  return diff;
}

static const DiffGroup *
get_group (const Diff *diff, guint index)
{
  g_assert_cmpuint (index, <, diff->groups->len);
  return g_ptr_array_index (diff->groups, index);
}

static const DiffMetric *
find_metric (const Diff *diff, const char *name)
{
  const DiffGroup *group = get_group (diff, 0);
  for (guint i = 0; i < group->metrics->len; i++) {
    const DiffMetric *metric = g_ptr_array_index (group->metrics, i);
    if (strcmp (metric->name, name) == 0)
      return metric;
  }
  g_error ("there is no %s", name);
}

static const DiffFinding *
find_finding (const Diff *diff, DiffFindingKind kind)
{
  for (guint g = 0; g < diff->groups->len; g++) {
    const DiffGroup *group = get_group (diff, g);
    for (guint i = 0; i < group->findings->len; i++) {
      const DiffFinding *finding = g_ptr_array_index (group->findings, i);
      if (finding->kind == kind)
        return finding;
    }
  }
  return NULL;
}

static void
expect_finding (Place *place, DiffFindingKind kind, gboolean is_regression)
{
  g_autoptr (Diff) diff = compare (place);
  const DiffFinding *finding = find_finding (diff, kind);
  if (!finding)
    g_error ("no %s is told", diff_finding_to_string (kind));
  g_assert_cmpint (finding->is_regression, ==, is_regression);
  g_assert_cmpint (diff_is_regression (diff), ==, is_regression);
  g_assert_false (kind != DIFF_STILL_FAILING && diff_is_identical (diff));
}

/* ---- how runs ended ---- */

static void
test_identical (Place *place, gconstpointer data)
{
  for (guint side = BASE; side <= NEW; side++) {
    g_autoptr (GRand) rand = g_rand_new_with_seed (1);
    add_many (place, side, 1, 20, 50e6, rand);
  }
  g_autoptr (Diff) diff = compare (place);
  g_autofree char *text = diff_format_text (diff, 80, FALSE, FALSE);
  g_assert_true (diff_is_identical (diff));
  g_assert_false (diff_is_regression (diff));
  g_assert_cmpuint (diff->n_tested, ==, 0);
  g_assert_cmpuint (diff->n_pairs, ==, 20);
  g_assert_nonnull (strstr (text, "no difference; of all metrics 4 same\n"));
}

static void
test_new_failure (Place *place, gconstpointer data)
{
  add (place, BASE, (Spec) { .seed = 1 });
  add (place, BASE, (Spec) { .seed = 2 });
  add (place, NEW, (Spec) { .seed = 1 });
  add (place, NEW, (Spec) { .seed = 2, .exit_class = 1 });
  expect_finding (place, DIFF_NEW_FAILURE, TRUE);
  g_autoptr (Diff) diff = compare (place);
  const DiffFinding *finding = find_finding (diff, DIFF_NEW_FAILURE);
  g_assert_cmpuint (finding->seeds->len, ==, 1);
  g_assert_cmpint (g_array_index (finding->seeds, gint64, 0), ==, 2);
  g_assert_cmpint (finding->new_run, ==, 2);
  g_assert_cmpstr (finding->detail, ==, "upload.gap <= 1s, got 2s");
}

/* Another expectation than before fails, or safety is gone as well. */
static void
test_fails_further (Place *place, gconstpointer data)
{
  add (place, BASE, (Spec) { .seed = 1, .exit_class = 1 });
  add (place, NEW, (Spec) { .seed = 1, .exit_class = 1 });
  expect_finding (place, DIFF_STILL_FAILING, FALSE);
  add (place, NEW, (Spec) { .seed = 1, .exit_class = 1, .failed = "upload.goodput" });
  expect_finding (place, DIFF_NEW_FAILURE, TRUE);
  add (place, NEW, (Spec) { .seed = 1, .exit_class = 3 });
  expect_finding (place, DIFF_NEW_FAILURE, TRUE);
}

static void
test_lost_pass (Place *place, gconstpointer data)
{
  int state = GPOINTER_TO_INT (data); /* skipped, unfinished or in error */
  add (place, BASE, (Spec) { .seed = 1 });
  add (place, NEW, (Spec) { .seed = 1, .exit_class = state });
  expect_finding (place, DIFF_LOST_PASS, TRUE);
}

static void
test_missing_and_added (Place *place, gconstpointer data)
{
  add (place, BASE, (Spec) { .seed = 1 });
  add (place, BASE, (Spec) { .seed = 1, .scenario = "gone" });
  add (place, NEW, (Spec) { .seed = 1 });
  expect_finding (place, DIFF_MISSING, TRUE);
  add (place, NEW, (Spec) { .seed = 1, .scenario = "gone" });
  add (place, NEW, (Spec) { .seed = 1, .scenario = "fresh", .exit_class = 1 });
  add (place, NEW, (Spec) { .seed = 2, .scenario = "fresh", .exit_class = -1 });
  expect_finding (place, DIFF_ADDED, FALSE);
  expect_finding (place, DIFF_OTHER_FAILURE, FALSE);
  expect_finding (place, DIFF_UNFINISHED, FALSE);
}

static void
test_fixed (Place *place, gconstpointer data)
{
  add (place, BASE, (Spec) { .seed = 1, .exit_class = 4 });
  add (place, NEW, (Spec) { .seed = 1 });
  expect_finding (place, DIFF_FIXED, FALSE);
}

static void
test_digest (Place *place, gconstpointer data)
{
  add (place, BASE, (Spec) { .seed = 1 });
  add (place, NEW, (Spec) { .seed = 1, .digest = "bb" });
  expect_finding (place, DIFF_DIGEST, FALSE);
  place->options.strict_digest = TRUE;
  expect_finding (place, DIFF_DIGEST, TRUE);
}

/* A database with itself: nothing differs, whatever the testbed. */
static void
test_identical_real_time (Place *place, gconstpointer data)
{
  for (gint64 seed = 1; seed <= 10; seed++)
    for (guint side = BASE; side <= NEW; side++)
      for (guint i = 0; i < 2; i++)
        add (place, side,
             (Spec) { .seed = seed, .testbed = "tcp", .goodput = 50e6 + 1e5 * (double)(seed + i) });
  g_autoptr (Diff) diff = compare (place);
  g_assert_true (diff_is_identical (diff));
  g_assert_cmpuint (find_metric (diff, "goodput")->n_base, ==, 20);
}

/* In real time no two runs have the same events. */
static void
test_digest_real_time (Place *place, gconstpointer data)
{
  add (place, BASE, (Spec) { .seed = 1, .testbed = "tcp" });
  add (place, NEW, (Spec) { .seed = 1, .testbed = "tcp", .digest = "bb" });
  g_autoptr (Diff) diff = compare (place);
  g_assert_null (find_finding (diff, DIFF_DIGEST));
  add (place, NEW, (Spec) { .seed = 1, .testbed = "tcp", .exit_class = 1 });
  expect_finding (place, DIFF_NEW_FAILURE, TRUE);
}

/* Failures at other seeds may be chance, unless nothing is allowed to cause them. */
static void
test_other_seeds (Place *place, gconstpointer data)
{
  for (gint64 seed = 1; seed <= 20; seed++) {
    add (place, BASE, (Spec) { .seed = seed });
    add (place, NEW, (Spec) { .seed = 100 + seed, .exit_class = seed == 1 });
  }
  expect_finding (place, DIFF_OTHER_FAILURE, FALSE);
  expect_finding (place, DIFF_SEEDS_ONLY_BASE, FALSE);
  expect_finding (place, DIFF_SEEDS_ONLY_NEW, FALSE);
  g_autoptr (Diff) diff = compare (place);
  g_assert_cmpint (find_metric (diff, "runs-held")->verdict, ==, DIFF_CANNOT_TELL);
  add (place, NEW, (Spec) { .seed = 200, .exit_class = 3 });
  expect_finding (place, DIFF_NEW_UNSAFE, TRUE);
  add (place, BASE, (Spec) { .seed = 50, .exit_class = 3 });
  expect_finding (place, DIFF_OTHER_FAILURE, FALSE);
}

/* Of many runs it shows that fewer hold. */
static void
test_runs_held (Place *place, gconstpointer data)
{
  for (gint64 seed = 1; seed <= 30; seed++) {
    add (place, BASE, (Spec) { .seed = seed });
    add (place, NEW, (Spec) { .seed = 100 + seed, .exit_class = seed % 2 });
  }
  g_autoptr (Diff) diff = compare (place);
  g_assert_cmpint (find_metric (diff, "runs-held")->verdict, ==, DIFF_WORSE);
  g_assert_true (diff_is_regression (diff));
}

/* ---- which runs ---- */

/* Of a seed the latest run counts; of other texts the same one, else the latest. */
static void
test_older_and_texts (Place *place, gconstpointer data)
{
  add (place, BASE, (Spec) { .seed = 1, .exit_class = 1 });
  add (place, BASE, (Spec) { .seed = 1 });
  add (place, NEW, (Spec) { .seed = 1 });
  g_autoptr (Diff) diff = compare (place);
  g_assert_cmpuint (diff->n_older, ==, 1);
  g_assert_null (find_finding (diff, DIFF_FIXED));
  add (place, NEW, (Spec) { .seed = 1, .hash = "other", .exit_class = 1 });
  expect_finding (place, DIFF_OTHER_TEXTS, FALSE);
}

static void
test_text (Place *place, gconstpointer data)
{
  add (place, BASE, (Spec) { .seed = 1 });
  add (place, NEW, (Spec) { .seed = 1, .hash = "unreadable" });
  expect_finding (place, DIFF_TEXT, FALSE);
  expect_finding (place, DIFF_RULES_UNREADABLE, FALSE);
}

static void
test_variants_and_testbeds (Place *place, gconstpointer data)
{
  static const char *const variants[] = { NULL, "a=1", "a=2" };
  for (guint side = BASE; side <= NEW; side++) {
    for (gsize i = 0; i < G_N_ELEMENTS (variants); i++)
      add (place, side, (Spec) { .seed = 1, .variant = variants[i] });
    add (place, side, (Spec) { .seed = 1, .testbed = "tcp" });
    add (place, side, (Spec) { .seed = 1, .policy = "min-rtt" });
  }
  g_autoptr (Diff) diff = compare (place);
  g_assert_cmpuint (diff->groups->len, ==, 5);
  g_assert_cmpuint (diff->n_pairs, ==, 5);
  g_assert_true (diff_is_identical (diff));
}

static void
test_campaigns (Place *place, gconstpointer data)
{
  add (place, BASE, (Spec) { .seed = 1, .campaign = "monday" });
  add (place, BASE, (Spec) { .seed = 1, .campaign = "tuesday", .exit_class = 1 });
  store_close (place->store[NEW]);
  g_autoptr (GError) error = NULL;
  place->store[NEW] =
      store_open (store_get_path (place->store[BASE]), STORE_OPEN_READ_ONLY, &error);
  g_assert_no_error (error);
  place->options.base_campaign = "monday";
  place->options.new_campaign = "tuesday";
  expect_finding (place, DIFF_NEW_FAILURE, TRUE);
  place->options.new_campaign = "friday";
  g_assert_null (diff_new (place->store[BASE], place->store[NEW], &place->options, &error));
  g_assert_error (error, STORE_ERROR, STORE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "of campaign friday"));
}

static void
test_policies (Place *place, gconstpointer data)
{
  for (gint64 seed = 1; seed <= 20; seed++) {
    double goodput = 50e6 + 1e4 * (double)seed;
    add (place, BASE, (Spec) { .seed = seed, .policy = "reference", .goodput = goodput });
    add (place, NEW,
         (Spec) { .seed = seed, .policy = "adaptive", .goodput = goodput * 1.2, .digest = "bb" });
  }
  place->options.base_policy = "reference";
  place->options.new_policy = "adaptive";
  g_autoptr (Diff) diff = compare (place);
  g_assert_cmpuint (diff->groups->len, ==, 1);
  g_assert_null (find_finding (diff, DIFF_DIGEST));
  g_assert_cmpint (find_metric (diff, "goodput")->verdict, ==, DIFF_BETTER);
  g_autofree char *name = diff_format_group (get_group (diff, 0));
  g_assert_cmpstr (name, ==, "s, reference to adaptive, sim");
}

/* ---- metrics ---- */

static void
expect_verdict (Place *place, const char *name, DiffVerdict verdict)
{
  g_autoptr (Diff) diff = compare (place);
  const DiffMetric *metric = find_metric (diff, name);
  if (metric->verdict != verdict)
    g_error ("%s is %s, not %s (p %g, %g in %g..%g)", name,
             diff_verdict_to_string (metric->verdict), diff_verdict_to_string (verdict),
             metric->p_adjusted, metric->stats.difference, metric->stats.low, metric->stats.high);
}

static void
test_slowdown (Place *place, gconstpointer data)
{
  gint64 first = GPOINTER_TO_INT (data); /* of NEW: 1 are pairs, 1001 are not */
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  add_many (place, BASE, 1, 50, 50e6, rand);
  add_many (place, NEW, first, 50, 47.5e6, rand);
  expect_verdict (place, "goodput", DIFF_WORSE);
  expect_verdict (place, "quiet", DIFF_WORSE);
  expect_verdict (place, "share", DIFF_CHANGED);
  g_autoptr (Diff) diff = compare (place);
  const DiffMetric *goodput = find_metric (diff, "goodput");
  g_assert_cmpuint (diff->n_worse_regressions, ==, 1);
  g_assert_cmpint (goodput->is_paired, ==, first == 1);
  g_assert_cmpfloat (goodput->stats.low, <, -2e6);
  g_assert_cmpfloat (goodput->stats.high, <, 0);
  g_assert_cmpfloat (goodput->limit, ==, 0.02 * goodput->stats.mean_base);
  g_assert_true (diff_is_regression (diff));
}

/* A speed-up, a change that is within the limit, and noise. */
static void
test_no_regressions (Place *place, gconstpointer data)
{
  double factor = *(const double *)data;
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  add_many (place, BASE, 1, 50, 50e6, rand);
  add_many (place, NEW, 1, 50, 50e6 * factor, rand);
  expect_verdict (place, "goodput", factor > 1.02 ? DIFF_BETTER : DIFF_SAME);
  g_autoptr (Diff) diff = compare (place);
  g_assert_false (diff_is_regression (diff));
}

/* One seed: nothing is proven of a limit that nobody chose, and a chosen one holds. */
static void
test_single_pair (Place *place, gconstpointer data)
{
  add (place, BASE, (Spec) { .seed = 1, .gap = 50e6 });
  add (place, NEW, (Spec) { .seed = 1, .gap = 50e6, .goodput = 49.9e6 });
  expect_verdict (place, "goodput", DIFF_SAME);
  add (place, NEW, (Spec) { .seed = 1, .gap = 59e6, .goodput = 30e6 });
  expect_verdict (place, "goodput", DIFF_CANNOT_TELL);
  expect_verdict (place, "gap", DIFF_SAME);
  add (place, NEW, (Spec) { .seed = 1, .gap = 61e6 });
  expect_verdict (place, "gap", DIFF_WORSE);
  g_autoptr (Diff) diff = compare (place);
  g_assert_true (diff_is_regression (diff));
}

/* A run for which the machine was too busy is no result, and no failure. */
static void
test_not_valid (Place *place, gconstpointer data)
{
  for (gint64 seed = 1; seed <= 10; seed++)
    for (guint side = BASE; side <= NEW; side++)
      add (place, side,
           (Spec) { .seed = seed + 10 * side,
                    .testbed = "tcp",
                    .exit_class = side == NEW && seed > 5 ? 70 : 0,
                    .gap = seed > 5 ? 900e6 : 50e6 });
  g_autoptr (Diff) diff = compare (place);
  g_assert_cmpuint (find_metric (diff, "gap")->n_new, ==, 5);
  g_assert_cmpfloat (find_metric (diff, "gap")->stats.mean_new, ==, 50e6);
  g_assert_cmpuint (find_metric (diff, "runs-held")->n_new, ==, 5);
  g_assert_cmpint (find_metric (diff, "runs-held")->verdict, ==, DIFF_SAME);
  g_assert_nonnull (find_finding (diff, DIFF_UNFINISHED));
  g_assert_false (diff_is_regression (diff));
}

/* A metric that is gone is told. */
static void
test_undefined (Place *place, gconstpointer data)
{
  add (place, BASE, (Spec) { .seed = 1, .gap = 50e6 });
  add (place, NEW, (Spec) { .seed = 1, .gap = NAN });
  expect_finding (place, DIFF_UNDEFINED, FALSE);
  g_autoptr (Diff) diff = compare (place);
  g_assert_cmpstr (find_finding (diff, DIFF_UNDEFINED)->detail, ==, "upload.gap");
}

/* In real time a single run proves nothing, whatever the limit. */
static void
test_single_real_time (Place *place, gconstpointer data)
{
  add (place, BASE, (Spec) { .seed = 1, .testbed = "tcp", .gap = 50e6 });
  add (place, NEW, (Spec) { .seed = 1, .testbed = "tcp", .gap = 500e6 });
  expect_verdict (place, "gap", DIFF_CANNOT_TELL);
  g_autoptr (Diff) diff = compare (place);
  g_autofree char *advice = diff_format_advice (diff);
  g_assert_false (diff_is_regression (diff));
  g_assert_nonnull (strstr (advice, "with too few runs"));
}

/* Pairs and, of the seeds that only one side has, two samples. */
static void
test_partly_paired (Place *place, gconstpointer data)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  add_many (place, BASE, 1, 30, 50e6, rand);
  add_many (place, NEW, 16, 30, 50e6, rand);
  g_autoptr (Diff) diff = compare (place);
  guint n_paired = 0, n_unpaired = 0;
  const DiffGroup *group = get_group (diff, 0);
  for (guint i = 0; i < group->metrics->len; i++) {
    const DiffMetric *metric = g_ptr_array_index (group->metrics, i);
    g_assert_cmpuint (metric->n_base, ==, 15);
    g_assert_cmpuint (metric->n_new, ==, 15);
    n_paired += metric->is_paired;
    n_unpaired += !metric->is_paired;
    g_assert_cmpstr (metric->name, !=, "ignored");
    g_assert_cmpstr (metric->name, !=, "recovery");
  }
  g_assert_cmpuint (n_paired, ==, 4);
  g_assert_cmpuint (n_unpaired, ==, 5); /* and runs-held */
}

static void
test_confidence (Place *place, gconstpointer data)
{
  add (place, BASE, (Spec) { .seed = 1 });
  add (place, NEW, (Spec) { .seed = 1, .hash = "careless" });
  g_autoptr (Diff) diff = compare (place);
  g_assert_cmpfloat (get_group (diff, 0)->confidence, ==, 0.9);
  place->options.confidence = 0.95;
  g_autoptr (Diff) other = compare (place);
  g_assert_cmpfloat (get_group (other, 0)->confidence, ==, 0.95);
}

/* ---- forms ---- */

/* A diff with something of everything, and names that want to be escaped. */
static Diff *
make_rich (Place *place)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  add_many (place, BASE, 1, 50, 50e6, rand);
  add_many (place, NEW, 1, 50, 47.5e6, rand);
  add (place, NEW, (Spec) { .seed = 7, .exit_class = 1, .failed = "a|b `c` <d>&\"\n]]>" });
  add (place, BASE, (Spec) { .seed = 1, .scenario = "gone <b>|`x`\033[31m@all" });
  return compare (place);
}

static void
test_text_form (Place *place, gconstpointer data)
{
  g_autoptr (Diff) diff = make_rich (place);
  g_autofree char *text = diff_format_text (diff, 80, FALSE, FALSE);
  g_autofree char *all = diff_format_text (diff, 80, TRUE, FALSE);
  g_autofree char *colour = diff_format_text (diff, 80, FALSE, TRUE);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i]; i++) /* a path is one word, however long */
    if (g_utf8_strlen (lines[i], -1) > 80 && !strstr (lines[i], place->dir))
      g_error ("more than 80 columns: %s", lines[i]);
  g_assert_nonnull (strstr (text, "  LOST does not hold any more: seed 7\n"));
  g_assert_nonnull (strstr (text, "  WORSE  upload.goodput  "));
  g_assert_nonnull (strstr (text, "REGRESSION: 1 metric worse, 2 runs lost"));
  g_assert_null (strstr (text, "upload.gap "));
  g_assert_nonnull (strstr (all, "upload.gap "));
  g_assert_null (strchr (text, '\033'));
  g_assert_nonnull (strstr (colour, "\033[1;31m"));
  g_assert_null (strstr (colour, "\033[31m"));
}

static void
test_markdown_form (Place *place, gconstpointer data)
{
  g_autoptr (Diff) diff = make_rich (place);
  g_autofree char *text = diff_format_markdown (diff, DIFF_MARKDOWN_BYTES_MAX);
  g_assert_true (g_str_has_prefix (text, "### ❌ caiman diff: REGRESSION: 1 metric worse, 2 runs"));
  g_assert_nonnull (strstr (text, "\n| **worse** | `upload.goodput` | "));
  g_assert_nonnull (
      strstr (text, "<details><summary>s, adaptive, sim: 2 more metrics changed, or may have"));
  g_assert_nonnull (strstr (text, "gone &#60;b&#62;&#124;&#96;x&#96; &#91;31m&#64;all"));
  g_assert_nonnull (strstr (text, "`a?b ?c? <d>&\"?]]> <= 1s, got 2s`"));
  g_assert_null (strstr (text, "lines are left out"));
}

/* A comment that would be too long says how much is not in it, and ends what it began. */
static void
test_markdown_limit (Place *place, gconstpointer data)
{
  for (guint i = 0; i < 60; i++) {
    g_autofree char *name = g_strdup_printf ("scenario-with-a-long-name-%u", i);
    for (guint side = BASE; side <= NEW; side++)
      add (
          place, side,
          (Spec) { .seed = 1, .scenario = name, .gap = side * 99e6, .goodput = 50e6 - side * 5e6 });
  }
  g_autoptr (Diff) diff = compare (place);
  for (gsize max = 1000; max <= 32000; max *= 2) {
    g_autofree char *text = diff_format_markdown (diff, max);
    g_assert_cmpuint (strlen (text), <=, max);
    guint n_open = 0, n_closed = 0;
    for (const char *p = text; (p = strstr (p, "<details>")); p++)
      n_open++;
    for (const char *p = text; (p = strstr (p, "</details>")); p++)
      n_closed++;
    g_assert_cmpuint (n_open, ==, n_closed);
    g_assert_nonnull (strstr (text, "lines are left out"));
  }
}

static void
test_json_form (Place *place, gconstpointer data)
{
  g_autoptr (Diff) diff = make_rich (place);
  g_autofree char *text = diff_format_json (diff);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  json_parser_load_from_data (parser, text, -1, &error);
  g_assert_no_error (error);
  JsonObject *root = json_node_get_object (json_parser_get_root (parser));
  g_assert_true (json_object_get_boolean_member (root, "regression"));
  g_assert_false (json_object_get_boolean_member (root, "identical"));
  JsonArray *groups = json_object_get_array_member (root, "groups");
  g_assert_cmpuint (json_array_get_length (groups), ==, 2);
  JsonObject *group = json_array_get_object_element (groups, 1);
  g_assert_cmpstr (json_object_get_string_member (group, "scenario"), ==, "s");
  JsonObject *metric =
      json_array_get_object_element (json_object_get_array_member (group, "metrics"), 0);
  g_assert_cmpstr (json_object_get_string_member (metric, "metric"), ==, "upload.goodput");
  g_assert_cmpstr (json_object_get_string_member (metric, "verdict"), ==, "worse");
  g_assert_cmpfloat (json_object_get_double_member (metric, "p_adjusted"), <, 0.01);
  g_autoptr (Diff) again = compare (place);
  g_autofree char *text_again = diff_format_json (again);
  g_assert_cmpstr (text, ==, text_again);
}

static void
test_junit_form (Place *place, gconstpointer data)
{
  g_autofree char *xmllint = g_find_program_in_path ("xmllint");
  g_autoptr (Diff) diff = make_rich (place);
  g_autofree char *text = diff_format_junit (diff);
  g_assert_nonnull (strstr (text, "name=\"caiman diff\" tests=\"4\" failures=\"3\" errors=\"0\""));
  g_assert_nonnull (strstr (text, "name=\"upload.goodput\" time=\"0\">\n      <failure message="));
  g_assert_nonnull (strstr (text, "replay: caiman replay "));
  if (!xmllint) {
    g_test_skip ("xmllint is not installed");
    return;
  }
  g_autofree char *path = fixture_path (place->dir, "junit.xml");
  g_autofree char *schema = g_test_build_filename (G_TEST_DIST, "junit.xsd", NULL);
  const char *argv[] = { xmllint, "--noout", "--nonet", "--schema", schema, path, NULL };
  g_autofree char *errors = NULL;
  int status;
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_true (g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL,
                               &errors, &status, NULL));
  if (!g_spawn_check_wait_status (status, NULL))
    g_error ("%s", errors);
}

static void
test_seeds (void)
{
  static const gint64 seeds[] = { 9, 1, 2, 3, 12, 11, 20, 30, 40, 50, 60, 70, 80 };
  g_autoptr (GArray) array = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autofree char *none = diff_format_seeds (array);
  g_array_append_vals (array, seeds, G_N_ELEMENTS (seeds));
  g_autofree char *text = diff_format_seeds (array);
  g_assert_cmpstr (none, ==, "");
  g_assert_cmpstr (text, ==, "1..3, 9, 11, 12, 20, 30, 40, 50, 60 and 2 more");
}

#define ADD(name, data, function)                                                                  \
  g_test_add ("/reports/diff/" name, Place, data, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  static const double noise = 1, small_loss = 0.99, speed_up = 1.05;
  g_test_init (&argc, &argv, NULL);
  ADD ("identical", NULL, test_identical);
  ADD ("identical-real-time", NULL, test_identical_real_time);
  ADD ("runs/new-failure", NULL, test_new_failure);
  ADD ("runs/fails-further", NULL, test_fails_further);
  ADD ("runs/lost-pass/skipped", GINT_TO_POINTER (77), test_lost_pass);
  ADD ("runs/lost-pass/unfinished", GINT_TO_POINTER (-1), test_lost_pass);
  ADD ("runs/lost-pass/error", GINT_TO_POINTER (70), test_lost_pass);
  ADD ("runs/missing-and-added", NULL, test_missing_and_added);
  ADD ("runs/fixed", NULL, test_fixed);
  ADD ("runs/digest", NULL, test_digest);
  ADD ("runs/digest-real-time", NULL, test_digest_real_time);
  ADD ("runs/other-seeds", NULL, test_other_seeds);
  ADD ("runs/held", NULL, test_runs_held);
  ADD ("pairs/older-and-texts", NULL, test_older_and_texts);
  ADD ("pairs/text", NULL, test_text);
  ADD ("pairs/variants-and-testbeds", NULL, test_variants_and_testbeds);
  ADD ("pairs/campaigns", NULL, test_campaigns);
  ADD ("pairs/policies", NULL, test_policies);
  ADD ("metrics/slowdown/paired", GINT_TO_POINTER (1), test_slowdown);
  ADD ("metrics/slowdown/unpaired", GINT_TO_POINTER (1001), test_slowdown);
  ADD ("metrics/noise", &noise, test_no_regressions);
  ADD ("metrics/within-limit", &small_loss, test_no_regressions);
  ADD ("metrics/speed-up", &speed_up, test_no_regressions);
  ADD ("metrics/single-pair", NULL, test_single_pair);
  ADD ("metrics/single-real-time", NULL, test_single_real_time);
  ADD ("metrics/not-valid", NULL, test_not_valid);
  ADD ("metrics/undefined", NULL, test_undefined);
  ADD ("metrics/partly-paired", NULL, test_partly_paired);
  ADD ("metrics/confidence", NULL, test_confidence);
  ADD ("forms/text", NULL, test_text_form);
  ADD ("forms/markdown", NULL, test_markdown_form);
  ADD ("forms/markdown-limit", NULL, test_markdown_limit);
  ADD ("forms/json", NULL, test_json_form);
  ADD ("forms/junit", NULL, test_junit_form);
  g_test_add_func ("/reports/diff/forms/seeds", test_seeds);
  return g_test_run ();
}
