/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - see plan.h. */
#include "harness/plan.h"

#include "core/digest.h"
#include "harness/sweep.h"

#include <string.h>

/* As many points as are looked through for errors before anything runs: more would keep the user
 * waiting, and errors of later ones are told when their turn comes. */
#define POINTS_CHECKED_MAX 10000

typedef struct {
  const char *path; /* borrowed */
  Scenario *scenario;
  guint n_points;
  guint64 seed_first, n_seeds;
  guint64 first_run; /* number of its first run */
} PlanFile;

struct _Plan {
  PlanOptions options;
  guint n_policies; /* at least 1 */
  GPtrArray *files; /* of PlanFile */
  guint64 n_runs;   /* of all shards */

  /* The point that was asked for last, with each policy. */
  const PlanFile *file;
  guint point;
  Scenario **scenarios; /* NULL: not loaded */
  char *variant;
};

/* ---- overrides ---- */

/* "A=B" to A and B. */
static char **
split_assignment (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, "=", 2);

  if (g_strv_length (parts) != 2)
    return NULL;
  g_strstrip (parts[0]);
  g_strstrip (parts[1]);
  return g_steal_pointer (&parts);
}

ScenarioOverrides *
plan_make_overrides (char **sets, char **varies, const char *policy, const char *testbed,
                     GPtrArray *errors)
{
  g_autoptr (ScenarioOverrides) overrides = scenario_overrides_new ();

  scenario_overrides_set_testbed (overrides, testbed);
  if (policy) {
    scenario_overrides_set (overrides, "client.policy", policy);
    scenario_overrides_set (overrides, "server.policy", policy);
  }
  for (gsize i = 0; sets && sets[i]; i++) {
    g_auto (GStrv) parts = split_assignment (sets[i]);
    if (!parts || !scenario_overrides_set (overrides, parts[0], parts[1])) {
      g_ptr_array_add (errors, g_strdup_printf ("--set takes GROUP.KEY=VALUE, not '%s'", sets[i]));
      return NULL;
    }
  }
  for (gsize i = 0; varies && varies[i]; i++) {
    g_auto (GStrv) parts = split_assignment (varies[i]);
    if (!parts || !scenario_overrides_vary (overrides, parts[0], parts[1])) {
      g_ptr_array_add (errors, g_strdup_printf ("--vary takes a line of [sweep] such as "
                                                "'link lte.delay=20ms, 80ms', not '%s'",
                                                varies[i]));
      return NULL;
    }
  }
  return g_steal_pointer (&overrides);
}

/* ---- files ---- */

static void
plan_file_free (gpointer data)
{
  PlanFile *file = data;
  scenario_free (file->scenario);
  g_free (file);
}

static const char *
get_policy (const Plan *plan, guint index)
{
  return plan->options.policies ? plan->options.policies[index] : NULL;
}

/* The scenario of @file at @point (ignored without a sweep) with policy number @policy. */
static Scenario *
load_point (const Plan *plan, const PlanFile *file, guint point, guint policy, GPtrArray *errors)
{
  g_autoptr (ScenarioOverrides) overrides = plan_make_overrides (
      plan->options.sets, NULL, get_policy (plan, policy), plan->options.testbed, errors);

  if (file->scenario->sweeps->len > 0)
    sweep_set_point (file->scenario, point, overrides);
  return scenario_load (file->path, overrides, errors);
}

static gboolean
check_points (const Plan *plan, const PlanFile *file, GPtrArray *errors)
{
  if (file->n_points == 1)
    return TRUE;
  for (guint point = 0; point < MIN (file->n_points, POINTS_CHECKED_MAX); point++) {
    Scenario *scenario = load_point (plan, file, point, 0, errors);
    if (!scenario)
      return FALSE;
    scenario_free (scenario);
  }
  return TRUE;
}

/* A sweep's own list of policies would win over those that were asked for. */
static gboolean
check_policies (const Plan *plan, const PlanFile *file, GPtrArray *errors)
{
  for (guint i = 0; plan->n_policies > 1 && i < file->scenario->sweeps->len; i++) {
    const ScenarioSweep *sweep = scenario_get_sweep (file->scenario, i);
    if (strcmp (sweep->key, "policy") != 0)
      continue;
    g_ptr_array_add (errors, g_strdup_printf ("%s:%u: sweeps %s.policy itself: several policies "
                                              "cannot be asked for as well",
                                              file->path, sweep->line, sweep->group));
    return FALSE;
  }
  return TRUE;
}

static gboolean
count_runs (Plan *plan, PlanFile *file)
{
  guint64 n_runs;

  file->n_points = sweep_count_points (file->scenario);
  file->seed_first =
      plan->options.has_seeds ? plan->options.seed_first : file->scenario->seed_first;
  file->n_seeds = (plan->options.has_seeds ? plan->options.seed_last : file->scenario->seed_last) -
                  file->seed_first + 1;
  return !__builtin_mul_overflow (file->n_points, file->n_seeds, &n_runs) &&
         !__builtin_mul_overflow (n_runs, plan->n_policies, &n_runs) &&
         !__builtin_add_overflow (plan->n_runs, n_runs, &plan->n_runs);
}

static gboolean
add_file (Plan *plan, const char *path, const ScenarioOverrides *overrides, GPtrArray *errors)
{
  Scenario *scenario = scenario_load (path, overrides, errors);

  if (!scenario)
    return FALSE;
  PlanFile *file = g_new0 (PlanFile, 1);
  *file = (PlanFile) { .path = path, .scenario = scenario, .first_run = plan->n_runs };
  g_ptr_array_add (plan->files, file);
  if (!count_runs (plan, file)) {
    g_ptr_array_add (errors, g_strdup_printf ("%s: too many runs", path));
    return FALSE;
  }
  return check_policies (plan, file, errors) && check_points (plan, file, errors);
}

/* ---- the plan ---- */

Plan *
plan_new (const PlanOptions *options, GPtrArray *errors)
{
  g_autoptr (Plan) plan = g_new0 (Plan, 1);
  gboolean ok = TRUE;

  plan->options = *options;
  plan->n_policies = options->policies ? g_strv_length (options->policies) : 1;
  g_assert (plan->n_policies >= 1);
  plan->scenarios = g_new0 (Scenario *, plan->n_policies);
  plan->files = g_ptr_array_new_with_free_func (plan_file_free);
  g_autoptr (ScenarioOverrides) overrides = plan_make_overrides (
      options->sets, options->varies, get_policy (plan, 0), options->testbed, errors);
  if (!overrides)
    return NULL;
  for (gsize i = 0; options->paths[i]; i++)
    ok = add_file (plan, options->paths[i], overrides, errors) && ok;
  return ok ? g_steal_pointer (&plan) : NULL;
}

static void
forget_point (Plan *plan)
{
  for (guint i = 0; i < plan->n_policies; i++)
    g_clear_pointer (&plan->scenarios[i], scenario_free);
  g_clear_pointer (&plan->variant, g_free);
  plan->file = NULL;
}

void
plan_free (Plan *plan)
{
  if (!plan)
    return;
  forget_point (plan);
  g_free (plan->scenarios);
  g_ptr_array_unref (plan->files);
  g_free (plan);
}

guint64
plan_count_all (const Plan *plan)
{
  return plan->n_runs;
}

guint64
plan_count (const Plan *plan)
{
  return plan->options.shard ? shard_count (plan->options.shard, plan->n_runs) : plan->n_runs;
}

static const PlanFile *
find_file (const Plan *plan, guint64 number)
{
  const PlanFile *file = NULL;

  for (guint i = 0; i < plan->files->len; i++) {
    const PlanFile *candidate = g_ptr_array_index (plan->files, i);
    if (candidate->first_run <= number)
      file = candidate;
  }
  return file;
}

/* The scenario is loaded again only where it is not the file as it stands. */
static const Scenario *
get_scenario (Plan *plan, const PlanFile *file, guint point, guint policy, GPtrArray *errors)
{
  if (file->scenario->sweeps->len == 0 && policy == 0)
    return file->scenario;
  if (file != plan->file || point != plan->point) {
    forget_point (plan);
    plan->file = file;
    plan->point = point;
    plan->variant =
        file->scenario->sweeps->len > 0 ? sweep_describe_point (file->scenario, point) : NULL;
  }
  if (!plan->scenarios[policy])
    plan->scenarios[policy] = load_point (plan, file, point, policy, errors);
  return plan->scenarios[policy];
}

gboolean
plan_get (Plan *plan, guint64 i, PlanRun *run_out, GPtrArray *errors)
{
  g_assert (i < plan_count (plan));
  guint64 number = plan->options.shard ? shard_get (plan->options.shard, i) : i;
  const PlanFile *file = find_file (plan, number);
  guint64 index = number - file->first_run;
  guint policy = (guint)(index % plan->n_policies);
  index /= plan->n_policies;
  const Scenario *scenario =
      get_scenario (plan, file, (guint)(index / file->n_seeds), policy, errors);

  if (!scenario)
    return FALSE;
  *run_out = (PlanRun) { .scenario = scenario,
                         .seed = file->seed_first + index % file->n_seeds,
                         .variant = file->scenario->sweeps->len > 0 ? plan->variant : NULL };
  return TRUE;
}

static void
add_text (CaimanDigest *digest, const char *text)
{
  caiman_digest_add_bytes (digest, text, strlen (text) + 1);
}

char *
plan_get_hash (const Plan *plan, const char *build)
{
  g_autoptr (CaimanDigest) digest = caiman_digest_new ();

  add_text (digest, build);
  add_text (digest, plan->options.testbed ? plan->options.testbed : "sim");
  for (guint i = 0; i < plan->n_policies; i++)
    add_text (digest, get_policy (plan, i) ? get_policy (plan, i) : "");
  for (guint i = 0; i < plan->files->len; i++) {
    const PlanFile *file = g_ptr_array_index (plan->files, i);
    add_text (digest, file->scenario->name);
    add_text (digest, file->scenario->hash);
  }
  return caiman_digest_get_hex (digest);
}
