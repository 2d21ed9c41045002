/* SPDX-License-Identifier: Apache-2.0 */
/* expect-eval.c - see expect-eval.h. */
#include "harness/expect-eval.h"

#include "harness/expect.h"
#include "harness/metrics-registry.h"
#include "reports/format.h"

/* The result of one expectation. */
typedef struct {
  gboolean held;
  char *actual; /* (owned) (nullable) */
} Result;

const char *
expect_outcome_to_string (CaimanReason reason)
{
  if (reason == CAIMAN_REASON_NONE || reason == CAIMAN_REASON_FINISHED)
    return "survives";
  return caiman_reason_to_string (reason);
}

/* How something ended: @reason NONE when it survives. */
typedef struct {
  CaimanReason reason;
  gint64 ended_ns;
} End;

/* In the words of the bound: a link ends, a connection fails. */
static char *
format_end (const Measure *measure, End end, gboolean is_link)
{
  if (end.reason == CAIMAN_REASON_NONE)
    return g_strdup ("survives");
  gint64 since_ns = measure_get_last_event (measure, end.ended_ns);
  g_autofree char *after = format_time ((double)(end.ended_ns - since_ns));
  return g_strdup_printf ("%s with %s after %s", is_link ? "ends" : "fails",
                          caiman_reason_to_string (end.reason), after);
}

static gboolean
is_expected_end (const ScenarioExpect *expect, const Measure *measure, End end)
{
  if (end.reason != expect->reason)
    return FALSE;
  if (end.reason == CAIMAN_REASON_NONE || expect->within_ns == CAIMAN_TIME_NEVER)
    return TRUE;
  return end.ended_ns - measure_get_last_event (measure, end.ended_ns) <= expect->within_ns;
}

/* Ends of a link that are no failure: the connection as a whole was over. */
static gboolean
is_quiet_link_end (CaimanReason reason)
{
  return reason == CAIMAN_REASON_NONE || reason == CAIMAN_REASON_FINISHED ||
         reason == CAIMAN_REASON_CONNECTION_ENDED;
}

/* The end of @link on @side that @expect is about: the expected one if it has happened, else the
 * first failure. */
static End
find_link_end (const ScenarioExpect *expect, const Measure *measure, ScenarioSide side)
{
  End first = { CAIMAN_REASON_NONE, CAIMAN_TIME_NEVER };
  for (guint i = 0; i < CAIMAN_N_REASONS; i++) {
    CaimanReason reason = (CaimanReason)i;
    gint64 ended_ns = measure_get_link_end (measure, expect->index, side, reason);
    if (ended_ns == CAIMAN_TIME_NEVER)
      continue;
    if (reason == expect->reason && reason != CAIMAN_REASON_NONE)
      return (End) { reason, ended_ns };
    if (!is_quiet_link_end (reason) && ended_ns < first.ended_ns)
      first = (End) { reason, ended_ns };
  }
  return first;
}

/* Survival must be seen by all sides that are asked, a link's failure by one of them. */
static Result
eval_outcome (const ScenarioExpect *expect, const Measure *measure, const RunSide *sides)
{
  gboolean is_link = expect->subject == SCENARIO_SUBJECT_LINK;
  gboolean one_is_enough = is_link && expect->reason != CAIMAN_REASON_NONE;
  Result result = { .held = !one_is_enough };
  for (guint s = 0; s < SCENARIO_N_SIDES; s++) {
    if (expect->view != SCENARIO_VIEW_ANY && expect->view - SCENARIO_VIEW_CLIENT != s)
      continue;
    /* An endpoint that the scenario has crashed had no say in how its connection ended. */
    if (!is_link && sides[s].reason == CAIMAN_REASON_CONNECTION_ENDED) {
      if (expect->view != SCENARIO_VIEW_ANY)
        result.actual = g_strdup ("crashed");
      continue;
    }
    End end = { sides[s].reason, sides[s].ended_ns };
    if (end.reason == CAIMAN_REASON_FINISHED)
      end.reason = CAIMAN_REASON_NONE;
    if (is_link)
      end = find_link_end (expect, measure, (ScenarioSide)s);
    gboolean held = is_expected_end (expect, measure, end);
    /* What decided is what is told. */
    if (result.actual == NULL || held == one_is_enough) {
      g_free (result.actual);
      result.actual = format_end (measure, end, is_link);
    }
    result.held = one_is_enough ? result.held || held : result.held && held;
    if (result.held == one_is_enough)
      break;
  }
  return result;
}

static char *
format_for_people (MetricUnit unit, gint64 value)
{
  double shown = (double)value;
  if (unit == METRIC_UNIT_RATIO)
    shown /= (double)SCENARIO_PPB;
  return format_value (shown, metric_unit_to_string (unit));
}

/* Three digits, unless they would hide by how little a bound was missed. */
static char *
format_actual (const ScenarioExpect *expect, gint64 value, gboolean held)
{
  g_autofree char *text = format_for_people (expect->unit, value);
  g_autofree char *bound = format_for_people (expect->unit, expect->value);
  g_autofree char *bound_max = format_for_people (expect->unit, expect->value_max);
  if (!held && (g_str_equal (text, bound) || g_str_equal (text, bound_max)))
    return expect_format_bound (expect->unit, SCENARIO_OP_EQ, value, value);
  return g_steal_pointer (&text);
}

static Result
eval_metric (const ScenarioExpect *expect, const Measure *measure)
{
  gint64 value = measure_get (measure, expect->subject, expect->index, expect->view,
                              expect->directions, expect->metric);
  Result result = { 0 };
  if (value == MEASURE_UNDEFINED)
    return result;
  result.held = expect_holds (expect, value);
  result.actual = format_actual (expect, value, result.held);
  return result;
}

static Result
eval (const ScenarioExpect *expect, const Measure *measure, const RunSide *sides,
      const char *violation)
{
  switch (expect->kind) {
  case SCENARIO_EXPECT_INTEGRITY:
    return (Result) { violation == NULL, g_strdup (violation ? violation : "exact") };
  case SCENARIO_EXPECT_OUTCOME:
    return eval_outcome (expect, measure, sides);
  case SCENARIO_EXPECT_METRIC:
    return eval_metric (expect, measure);
  }
  g_assert_not_reached ();
}

gboolean
expect_eval (const Scenario *scenario, const Measure *measure,
             const RunSide sides[SCENARIO_N_SIDES], const char *violation, StoreRun *run)
{
  gboolean all_held = TRUE;
  for (guint i = 0; i < scenario->expects->len; i++) {
    const ScenarioExpect *expect = scenario_get_expect (scenario, i);
    Result result = eval (expect, measure, sides, violation);
    StoreExpectation row = { .name = store_run_string (run, expect->name),
                             .bound = store_run_string (run, expect->text),
                             .actual = store_run_string (run, result.actual),
                             .held = result.held,
                             .line = (gint)expect->line };
    g_array_append_val (run->expectations, row);
    all_held = all_held && result.held;
    g_free (result.actual);
  }
  return all_held;
}
