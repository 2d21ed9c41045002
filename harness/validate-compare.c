/* SPDX-License-Identifier: Apache-2.0 */
/* validate-compare.c - the runs of a validation, metric by metric. */
#include "harness/validate.h"

#include "reports/query.h"

#include <math.h>
#include <string.h>

enum { SIM, LAB, N_TESTBEDS };

/* --- Tolerances --- */

#define GOODPUT_SHARE      0.10
#define GOODPUT_LOSS_SHARE 0.15
#define TIME_SHARE         0.20
#define TIME_LEAST_NS      30e6
#define CONNECT_SHARE      0.05
#define CONNECT_NS         5e6

typedef double (*ToleranceFunc) (double lab, gboolean has_random_loss);

static double
goodput_tolerance (double lab, gboolean has_random_loss)
{
  return lab * (has_random_loss ? GOODPUT_LOSS_SHARE : GOODPUT_SHARE);
}

static double
time_tolerance (double lab, gboolean has_random_loss)
{
  return MAX (lab * TIME_SHARE, TIME_LEAST_NS);
}

static double
connect_tolerance (double lab, gboolean has_random_loss)
{
  return CONNECT_NS + lab * CONNECT_SHARE;
}

/* What is compared, in this order. */
static const struct {
  StoreSubject subject_kind;
  const char *subject; /* NULL: of each flow */
  const char *name;
  ToleranceFunc tolerance;
} compared[] = {
  { STORE_SUBJECT_FLOW, NULL, "goodput", goodput_tolerance },
  { STORE_SUBJECT_FLOW, NULL, "longest-gap", time_tolerance },
  { STORE_SUBJECT_FLOW, NULL, "failover-gap", time_tolerance },
  { STORE_SUBJECT_FLOW, NULL, "recovery", time_tolerance },
  { STORE_SUBJECT_CONNECTION, "client", "connect-time", connect_tolerance },
};

double
validate_get_tolerance (const char *name, double lab, gboolean has_random_loss)
{
  for (guint i = 0; i < G_N_ELEMENTS (compared); i++) {
    if (strcmp (compared[i].name, name) == 0)
      return compared[i].tolerance (lab, has_random_loss);
  }
  g_assert_not_reached ();
}

/* --- Random loss --- */

static gboolean
is_random (const ScenarioLoss *loss)
{
  return loss->kind == SCENARIO_LOSS_BERNOULLI || loss->kind == SCENARIO_LOSS_GILBERT ||
         loss->kind == SCENARIO_LOSS_FOUR;
}

gboolean
validate_has_random_loss (const Scenario *scenario)
{
  for (guint i = 0; i < scenario->links->len; i++) {
    for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++) {
      const ScenarioPath *path = &scenario_get_link (scenario, i)->path[d];
      if (is_random (&path->loss) || path->loss_trace > 0 || path->corrupt_ppb > 0)
        return TRUE;
    }
  }
  for (guint i = 0; i < scenario->events->len; i++) {
    const ScenarioEvent *event = scenario_get_event (scenario, i);
    if (event->verb == SCENARIO_VERB_SET && event->set_mask & SCENARIO_SET_LOSS &&
        is_random (&event->set_path.loss))
      return TRUE;
  }
  return FALSE;
}

/* --- Reading the runs --- */

/* The runs of a scenario; a point of a sweep is a scenario of its own. */
typedef struct {
  char *name;
  gboolean has_random_loss;
  GPtrArray *runs[N_TESTBEDS]; /* of StoreRun (owned) */
} Group;

static void
free_run (gpointer run)
{
  store_run_free (run);
}

static void
free_group (gpointer data)
{
  Group *group = data;

  for (guint t = 0; t < N_TESTBEDS; t++)
    g_ptr_array_unref (group->runs[t]);
  g_free (group->name);
  g_free (group);
}

static Group *
new_group (const char *name, const StoreRun *run)
{
  Group *group = g_new0 (Group, 1);
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (Scenario) scenario = scenario_parse (run->scenario_name, run->scenario_text,
                                                  strlen (run->scenario_text), NULL, errors);

  group->name = g_strdup (name);
  group->has_random_loss = scenario && validate_has_random_loss (scenario);
  for (guint t = 0; t < N_TESTBEDS; t++)
    group->runs[t] = g_ptr_array_new_with_free_func (free_run);
  return group;
}

static Group *
get_group (GPtrArray *groups, const StoreRun *run)
{
  g_autofree char *name = run->variant ? g_strdup_printf ("%s %s", run->scenario_name, run->variant)
                                       : g_strdup (run->scenario_name);

  for (guint i = 0; i < groups->len; i++) {
    Group *group = g_ptr_array_index (groups, i);
    if (strcmp (group->name, name) == 0)
      return group;
  }
  Group *group = new_group (name, run);
  g_ptr_array_add (groups, group);
  return group;
}

/* Which testbed's runs @run is one of; N_TESTBEDS: it says nothing. */
static guint
get_testbed (const StoreRun *run, gint64 campaign_id)
{
  if (!run->finished || run->exit_class == RUN_EXIT_INTERNAL ||
      run->exit_class == RUN_EXIT_SKIPPED || (campaign_id != 0 && run->campaign_id != campaign_id))
    return N_TESTBEDS;
  return strcmp (run->testbed, "sim") == 0   ? SIM
         : strcmp (run->testbed, "lab") == 0 ? LAB
                                             : N_TESTBEDS;
}

static GPtrArray *
load_groups (Store *store, const char *campaign, gint64 campaign_id, GError **error)
{
  const QueryFilter filter = { .campaign = campaign };
  g_autoptr (GPtrArray) entries = query_list_runs (store, &filter, 0, error);
  g_autoptr (GPtrArray) groups = g_ptr_array_new_with_free_func (free_group);

  for (guint i = 0; entries && i < entries->len; i++) {
    const QueryListEntry *entry = g_ptr_array_index (entries, i);
    guint testbed = get_testbed (entry->run, campaign_id);
    if (testbed == N_TESTBEDS)
      continue;
    StoreRun *run = query_load_run (store, entry->run->id, QUERY_TABLES, error);
    if (!run)
      return NULL;
    g_ptr_array_add (get_group (groups, run)->runs[testbed], run);
  }
  return entries ? g_steal_pointer (&groups) : NULL;
}

/* --- Comparing --- */

static ValidationSample
make_sample (const GPtrArray *runs, StoreSubject kind, const char *subject, const char *name)
{
  g_autofree double *values = g_new (double, runs->len + 1);

  for (guint i = 0; i < runs->len; i++)
    values[i] = store_run_get_metric (g_ptr_array_index (runs, i), kind, subject, name);
  return validation_make_sample (values, runs->len);
}

/* What neither has, such as a recovery without a fault, makes no row. */
static void
compare_metric (GPtrArray *rows, const Group *group, guint index, const char *subject)
{
  StoreSubject kind = compared[index].subject_kind;
  const char *name = compared[index].name;
  ValidationSample sim = make_sample (group->runs[SIM], kind, subject, name);
  ValidationSample lab = make_sample (group->runs[LAB], kind, subject, name);

  if (isnan (sim.median) && isnan (lab.median))
    return;
  ValidationRow *row = g_new0 (ValidationRow, 1);
  *row = (ValidationRow) { .scenario = g_strdup (group->name),
                           .subject_kind = kind,
                           .subject = g_strdup (subject),
                           .name = g_strdup (name),
                           .unit = g_strdup (strcmp (name, "goodput") == 0 ? "bit/s" : "ns"),
                           .has_random_loss = group->has_random_loss,
                           .sim = sim,
                           .lab = lab,
                           .tolerance =
                               compared[index].tolerance (lab.median, group->has_random_loss) };
  if (isnan (lab.median))
    row->tolerance = NAN;
  row->held = fabs (sim.median - lab.median) <= row->tolerance; /* FALSE with any NAN */
  g_ptr_array_add (rows, row);
}

static void
compare_group (GPtrArray *rows, const Group *group)
{
  const StoreRun *first = g_ptr_array_index (group->runs[SIM], 0);

  for (guint i = 0; i < G_N_ELEMENTS (compared); i++) {
    if (compared[i].subject)
      compare_metric (rows, group, i, compared[i].subject);
    for (guint f = 0; !compared[i].subject && f < first->flows->len; f++)
      compare_metric (rows, group, i, g_array_index (first->flows, StoreFlow, f).name);
  }
}

GPtrArray *
validate_compare (Store *store, const char *campaign, gint64 campaign_id, GError **error)
{
  g_autoptr (GPtrArray) groups = load_groups (store, campaign, campaign_id, error);
  GPtrArray *rows;

  if (!groups)
    return NULL;
  rows = validation_rows_new ();
  for (guint i = 0; i < groups->len; i++) {
    const Group *group = g_ptr_array_index (groups, i);
    if (group->runs[SIM]->len > 0 && group->runs[LAB]->len > 0)
      compare_group (rows, group);
  }
  return rows;
}
