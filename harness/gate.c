/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c - [gate]: how much worse metrics may become, for `caiman diff`. */
#include "harness/expect.h"
#include "harness/scenario-private.h"
#include "config/units.h"

#include <string.h>

#define DEFAULT_CONFIDENCE_PPB (SCENARIO_PPB / 100 * 99)
#define DEFAULT_LIMIT_PPB      (SCENARIO_PPB / 100 * 2)
#define CONFIDENCE_MIN_PPB     (SCENARIO_PPB / 100 * 50)
#define CONFIDENCE_MAX_PPB     (SCENARIO_PPB / 1000000 * 999999)
#define LIMIT_MAX_PPB          (1000 * SCENARIO_PPB)

void
scenario_gate_free (gpointer data)
{
  ScenarioGate *gate = data;
  g_free (gate->name);
  g_free (gate->text);
  g_free (gate);
}

/* ---- limits ---- */

/* "2pp": two hundredths of a ratio, whatever it was before. */
static char *
parse_points (const char *text, gint64 *ppb_out)
{
  g_autofree char *percent = g_strndup (text, strlen (text) - strlen ("pp"));
  g_autofree char *with_unit = g_strconcat (g_strstrip (percent), "%", NULL);
  return units_parse_percent (with_unit, ppb_out);
}

/* One of the parts that "or" joins. */
static char *
parse_part (const char *text, ScenarioGate *gate)
{
  gboolean is_relative = g_str_has_suffix (text, "%");
  gint64 *value = is_relative ? &gate->relative_ppb : &gate->absolute;
  gint64 amount;
  char *problem = is_relative ? units_parse_percent (text, &amount)
                  : gate->unit == METRIC_UNIT_RATIO && g_str_has_suffix (text, "pp")
                      ? parse_points (text, &amount)
                      : expect_parse_quantity (text, gate->unit, &amount);

  if (problem && gate->unit == METRIC_UNIT_RATIO && !is_relative) {
    g_free (problem);
    return g_strdup_printf ("'%s' is neither a share of the old value (2%%) nor percentage points "
                            "(2pp)",
                            text);
  }
  if (problem)
    return problem;
  if (amount < 0)
    return g_strdup_printf ("'%s': a limit is how much worse, whichever way that is, and so has no "
                            "sign",
                            text);
  if (is_relative && amount > LIMIT_MAX_PPB)
    return g_strdup_printf ("'%s' is more than 100000%%", text);
  if (*value >= 0)
    return g_strdup ("one share and one amount can be joined by 'or', not two of a kind");
  *value = amount;
  return NULL;
}

static char *
format_limit (const ScenarioGate *gate)
{
  g_autofree char *relative =
      gate->relative_ppb >= 0 ? units_format_percent (gate->relative_ppb) : NULL;
  g_autofree char *absolute =
      gate->absolute >= 0 ? expect_format_quantity (gate->unit, gate->absolute) : NULL;

  if (absolute && gate->unit == METRIC_UNIT_RATIO) { /* "2%" becomes "2pp" */
    char *percent = absolute;
    percent[strlen (percent) - 1] = '\0';
    absolute = g_strconcat (percent, "pp", NULL);
    g_free (percent);
  }
  if (relative && absolute)
    return g_strconcat (relative, " or ", absolute, NULL);
  return relative ? g_steal_pointer (&relative) : g_steal_pointer (&absolute);
}

/* "ignore", "3%", "30ms", "20% or 30ms". */
static char *
parse_limit (const char *text, ScenarioGate *gate)
{
  g_auto (GStrv) parts = g_strsplit (text, " or ", -1);

  gate->relative_ppb = gate->absolute = -1;
  if (strcmp (text, "ignore") == 0) {
    gate->is_ignored = TRUE;
    gate->text = g_strdup (text);
  }
  for (guint i = 0; parts[i] && !gate->is_ignored; i++) {
    char *problem = parse_part (g_strstrip (parts[i]), gate);
    if (problem)
      return problem;
  }
  if (!gate->is_ignored)
    gate->text = format_limit (gate);
  gate->relative_ppb = MAX (0, gate->relative_ppb);
  gate->absolute = MAX (0, gate->absolute);
  return NULL;
}

/* ---- whose ---- */

static const MetricInfo *
find_bare_metric (const char *name)
{
  for (guint subject = SCENARIO_SUBJECT_CONNECTION; subject <= SCENARIO_SUBJECT_LINK; subject++) {
    const MetricInfo *info = metrics_registry_find ((ScenarioSubject)subject, name);
    if (info)
      return info;
  }
  return NULL;
}

/* (nullable) of any subject. */
static const char *
suggest_metric (const char *name)
{
  const char *found = NULL;
  for (guint subject = SCENARIO_SUBJECT_CONNECTION; subject <= SCENARIO_SUBJECT_LINK; subject++)
    found = found ? found : metrics_registry_suggest ((ScenarioSubject)subject, name);
  return found;
}

static char *
find_metric (const Scenario *scenario, char **parts, ExpectKey *key, const MetricInfo **info_out)
{
  char *problem;

  *info_out = parts[0] && !parts[1] ? find_bare_metric (parts[0]) : NULL;
  if (*info_out) {
    *key = (ExpectKey) { .expect = { .subject = (*info_out)->subject, .directions = SCENARIO_BOTH },
                         .pair_index = -1 };
    return NULL;
  }
  problem = expect_split_key (scenario, parts, key);
  const char *nearest = problem && !parts[1] ? suggest_metric (parts[0]) : NULL;
  if (nearest) {
    g_free (problem);
    return g_strdup_printf ("unknown metric or subject '%s'; did you mean '%s'?", parts[0],
                            nearest);
  }
  if (!problem && !key->metric)
    problem = g_strdup_printf ("say which metric of '%s'", parts[0]);
  return problem ? problem : expect_find_metric (key, info_out);
}

/* Adds a gate for the subject of @key. */
static char *
add_gate (Scenario *scenario, const ScanEntry *entry, const ExpectKey *key, const MetricInfo *info)
{
  ScenarioGate *gate = g_new0 (ScenarioGate, 1);
  char *problem;

  gate->has_subject = strcmp (entry->key, info->name) != 0;
  gate->subject = key->expect;
  gate->subject.metric = info->name;
  gate->metric = info->name;
  gate->unit = info->unit;
  gate->line = entry->place.line;
  gate->name =
      gate->has_subject ? expect_make_name (scenario, &gate->subject) : g_strdup (info->name);
  problem = parse_limit (entry->value, gate);
  if (!problem && info->better == METRIC_NEUTRAL && !gate->is_ignored)
    problem = g_strdup_printf ("'%s' has no better and worse: it can only be 'ignore'", info->name);
  if (problem) {
    scenario_gate_free (gate);
    return problem;
  }
  g_ptr_array_add (scenario->gates, gate);
  return NULL;
}

static char *
read_gate (Reader *reader, const ScanEntry *entry)
{
  g_auto (GStrv) parts = g_strsplit (entry->key, ".", -1);
  const MetricInfo *info;
  ExpectKey key;
  char *problem = find_metric (reader->scenario, parts, &key, &info);

  if (!problem)
    problem = add_gate (reader->scenario, entry, &key, info);
  if (!problem && key.pair_index >= 0) {
    key.expect.index = (guint)key.pair_index;
    problem = add_gate (reader->scenario, entry, &key, info);
  }
  return problem;
}

/* ---- the group ---- */

static char *
read_confidence (const char *text, Scenario *scenario)
{
  gint64 ppb;
  char *problem = units_parse_percent (text, &ppb);

  if (problem)
    return problem;
  if (ppb < CONFIDENCE_MIN_PPB || ppb > CONFIDENCE_MAX_PPB)
    return g_strdup_printf ("'%s' is not between 50%% and 99.9999%%", text);
  scenario->gate_confidence_ppb = ppb;
  return NULL;
}

static char *
read_default (const char *text, Scenario *scenario)
{
  gint64 ppb = -1;
  char *problem = strcmp (text, "none") == 0 ? NULL : units_parse_percent (text, &ppb);

  if (problem) {
    g_free (problem);
    return g_strdup_printf ("'%s' is neither a percentage nor 'none'", text);
  }
  if (strcmp (text, "none") != 0 && (ppb < 0 || ppb > LIMIT_MAX_PPB))
    return g_strdup_printf ("'%s' is not between 0%% and 100000%%", text);
  scenario->gate_default_ppb = ppb;
  return NULL;
}

void
reader_read_gates (Reader *reader)
{
  const ScanGroup *group = scan_doc_find (reader->doc, "gate");
  Fields fields = { reader->errors, group };

  reader->scenario->gate_confidence_ppb = DEFAULT_CONFIDENCE_PPB;
  reader->scenario->gate_default_ppb = DEFAULT_LIMIT_PPB;
  for (guint i = 0; group && i < group->entries->len; i++) {
    const ScanEntry *entry = g_ptr_array_index (group->entries, i);
    if (i == SCENARIO_ITEMS_MAX) {
      scan_errors_add (reader->errors, entry->place, "more than %d gates", SCENARIO_ITEMS_MAX);
      break;
    }
    char *problem =
        strcmp (entry->key, "confidence") == 0 ? read_confidence (entry->value, reader->scenario)
        : strcmp (entry->key, "default") == 0  ? read_default (entry->value, reader->scenario)
                                               : read_gate (reader, entry);
    fields_take_problem (&fields, entry, problem);
  }
}
