/* SPDX-License-Identifier: Apache-2.0 */
/* gate-rules.c - see gate-rules.h. */
#include "harness/gate-rules.h"

#include "harness/metrics-registry.h"

#include <string.h>

#define DEFAULT_LIMIT 0.02

/* Told only, though they are metrics of flows or of the connection. */
static const char *const told_only[] = { "cpu-per-gb", "lateness-p99", "lateness-max", NULL };
#define LOST_PREFIX "lost-"

static gpointer
open_rules (const char *scenario_name, const char *scenario_text, double *confidence_out)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func (g_free);
  Scenario *scenario =
      scenario_parse (scenario_name, scenario_text, strlen (scenario_text), NULL, errors);

  if (scenario)
    *confidence_out = (double)scenario->gate_confidence_ppb / (double)SCENARIO_PPB;
  return scenario;
}

static void
close_rules (gpointer rules)
{
  scenario_free (rules);
}

static ScenarioSubject
get_subject (StoreSubject kind)
{
  return kind == STORE_SUBJECT_FLOW   ? SCENARIO_SUBJECT_FLOW
         : kind == STORE_SUBJECT_LINK ? SCENARIO_SUBJECT_LINK
                                      : SCENARIO_SUBJECT_CONNECTION;
}

static double
get_floor (MetricUnit unit)
{
  switch (unit) {
  case METRIC_UNIT_TIME:
    return 1e6;
  case METRIC_UNIT_BYTES:
    return 64e3;
  case METRIC_UNIT_RATIO:
    return 0.01;
  case METRIC_UNIT_COUNT:
    return 1;
  case METRIC_UNIT_RATE:
    break;
  }
  return 0;
}

/* Whether @subject, as the store has it ("client", "wifi.up", "server.wifi"), is among those that
 * @gate names. */
static gboolean
is_subject (const Scenario *scenario, const ScenarioGate *gate, const char *subject)
{
  static const char *const views[] = { NULL, "client", "server" };
  const ScenarioExpect *want = &gate->subject;
  const char *direction = want->directions == SCENARIO_ONLY_UP     ? "up"
                          : want->directions == SCENARIO_ONLY_DOWN ? "down"
                                                                   : NULL;
  g_auto (GStrv) parts = g_strsplit (subject, ".", -1);
  const char *const *words = (const char *const *)parts;

  if (want->subject == SCENARIO_SUBJECT_FLOW)
    return strcmp (scenario_get_flow (scenario, want->index)->name, subject) == 0;
  if (want->subject == SCENARIO_SUBJECT_LINK &&
      !g_strv_contains (words, scenario_get_link (scenario, want->index)->name))
    return FALSE;
  return (!views[want->view] || g_strv_contains (words, views[want->view])) &&
         (!direction || g_strv_contains (words, direction));
}

/* How much a gate says about whose metric it is: what says more wins. */
static int
get_weight (const ScenarioGate *gate)
{
  return gate->has_subject + (gate->subject.view != SCENARIO_VIEW_ANY) +
         (gate->subject.directions != SCENARIO_BOTH);
}

static const ScenarioGate *
find_gate (const Scenario *scenario, ScenarioSubject subject_kind, const char *subject,
           const char *name)
{
  const ScenarioGate *found = NULL;

  for (guint i = 0; i < scenario->gates->len; i++) {
    const ScenarioGate *gate = scenario_get_gate (scenario, i);
    if (gate->subject.subject != subject_kind || strcmp (gate->metric, name) != 0 ||
        (gate->has_subject && !is_subject (scenario, gate, subject)))
      continue;
    if (!found || get_weight (gate) >= get_weight (found))
      found = gate;
  }
  return found;
}

static void
get_rule (gpointer rules, StoreSubject subject_kind, const char *subject, const char *name,
          DiffRule *rule_out)
{
  const Scenario *scenario = rules;
  ScenarioSubject kind = get_subject (subject_kind);
  const MetricInfo *info = metrics_registry_find (kind, name);
  const ScenarioGate *gate = scenario ? find_gate (scenario, kind, subject, name) : NULL;

  *rule_out = (DiffRule) { .relative = DEFAULT_LIMIT };
  if (!info) /* of another version, or of a live run */
    return;
  rule_out->better = (int)info->better;
  rule_out->absolute = get_floor (info->unit);
  rule_out->is_gated = kind != SCENARIO_SUBJECT_LINK && info->better != METRIC_NEUTRAL &&
                       !g_strv_contains (told_only, name) && !g_str_has_prefix (name, LOST_PREFIX);
  if (scenario && scenario->gate_default_ppb < 0)
    rule_out->is_gated = FALSE;
  else if (scenario)
    rule_out->relative = (double)scenario->gate_default_ppb / (double)SCENARIO_PPB;
  if (!gate)
    return;
  rule_out->is_named = TRUE;
  rule_out->is_ignored = gate->is_ignored;
  rule_out->is_gated = info->better != METRIC_NEUTRAL;
  rule_out->relative = (double)gate->relative_ppb / (double)SCENARIO_PPB;
  rule_out->absolute = (double)gate->absolute;
  if (info->unit == METRIC_UNIT_RATIO)
    rule_out->absolute /= (double)SCENARIO_PPB;
}

const DiffRuleFuncs *
gate_rules_get (void)
{
  static const DiffRuleFuncs funcs = { open_rules, get_rule, close_rules };
  return &funcs;
}
