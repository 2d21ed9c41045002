/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.c - [sweep]: reading it, and its points as a number in mixed base. */
#include "harness/sweep.h"

#include "harness/scenario-private.h"

#include <string.h>

#define VALUES_MAX 1000

guint
sweep_count_points (const Scenario *scenario)
{
  guint n_points = 1;

  for (guint i = 0; i < scenario->sweeps->len; i++)
    n_points *= scenario_get_sweep (scenario, i)->values->len;
  return n_points;
}

/* Which value of parameter @index is that of @point. */
static const char *
get_value (const Scenario *scenario, guint index, guint point)
{
  const GPtrArray *values = scenario_get_sweep (scenario, index)->values;

  for (guint i = scenario->sweeps->len; --i > index;)
    point /= scenario_get_sweep (scenario, i)->values->len;
  return g_ptr_array_index (values, point % values->len);
}

static char *
get_parameter (const ScenarioSweep *sweep)
{
  return g_strconcat (sweep->group, ".", sweep->key, NULL);
}

void
sweep_set_point (const Scenario *scenario, guint point, ScenarioOverrides *overrides)
{
  g_assert (point < sweep_count_points (scenario));
  scenario_overrides_set_without_sweep (overrides, TRUE);
  for (guint i = 0; i < scenario->sweeps->len; i++) {
    g_autofree char *parameter = get_parameter (scenario_get_sweep (scenario, i));
    gboolean is_set = scenario_overrides_set (overrides, parameter, get_value (scenario, i, point));
    g_assert (is_set);
  }
}

char *
sweep_describe_point (const Scenario *scenario, guint point)
{
  GString *text = g_string_new (NULL);

  g_assert (point < sweep_count_points (scenario));
  for (guint i = 0; i < scenario->sweeps->len; i++) {
    g_autofree char *parameter = get_parameter (scenario_get_sweep (scenario, i));
    g_string_append_printf (text, "%s%s=%s", i > 0 ? " " : "", parameter,
                            get_value (scenario, i, point));
  }
  return g_string_free (text, FALSE);
}

/* ---- reading ---- */

/* What makes no sense to sweep. */
static const char *
find_objection (const char *group, const char *key)
{
  if (strcmp (group, "sweep") == 0)
    return "a sweep cannot sweep itself";
  if (strcmp (group, "gate") == 0)
    return "a gate changes nothing in a run";
  if (strcmp (group, "scenario") != 0)
    return NULL;
  if (strcmp (key, "seed") == 0)
    return "seeds are not swept but given as a range: 'seed = 1..200'";
  if (strcmp (key, "extends") == 0 || strcmp (key, "format") == 0)
    return "it cannot be swept";
  return NULL;
}

static GPtrArray *
read_values (const Fields *fields, const ScanEntry *entry)
{
  g_auto (GStrv) parts = scan_split (entry->value, ',');
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; parts && parts[i]; i++) {
    if (parts[i][0] == '\0') {
      fields_error (fields, entry, "there is an empty value in the list");
      return NULL;
    }
    for (guint j = 0; j < values->len; j++) {
      if (strcmp (g_ptr_array_index (values, j), parts[i]) == 0) {
        fields_error (fields, entry, "the value '%s' is there twice", parts[i]);
        return NULL;
      }
    }
    g_ptr_array_add (values, g_strdup (parts[i]));
  }
  if (!parts)
    fields_error (fields, entry, "parentheses do not match");
  else if (values->len > VALUES_MAX)
    fields_error (fields, entry, "more than %d values", VALUES_MAX);
  else
    return g_steal_pointer (&values);
  return NULL;
}

static ScenarioSweep *
read_parameter (const Fields *fields, const ScanEntry *entry)
{
  g_autofree char *group = NULL;
  g_autofree char *key = NULL;
  const char *objection;
  GPtrArray *values;

  if (!scenario_split_parameter (entry->key, &group, &key) ||
      strlen (group) + 1 + strlen (key) != strlen (entry->key)) {
    fields_error (fields, entry, "a parameter is written GROUP.KEY, as in 'link lte.delay'");
    return NULL;
  }
  objection = find_objection (group, key);
  if (objection) {
    fields_error (fields, entry, "%s", objection);
    return NULL;
  }
  values = read_values (fields, entry);
  if (!values)
    return NULL;
  ScenarioSweep *sweep = g_new0 (ScenarioSweep, 1);
  sweep->group = g_steal_pointer (&group);
  sweep->key = g_steal_pointer (&key);
  sweep->values = values;
  sweep->line = entry->place.line;
  return sweep;
}

void
reader_read_sweep (Reader *reader)
{
  const ScanGroup *group = scan_doc_find (reader->doc, "sweep");
  Fields fields = { reader->errors, group };
  guint n_points = 1;

  for (guint i = 0; group && i < group->entries->len; i++) {
    const ScanEntry *entry = g_ptr_array_index (group->entries, i);
    ScenarioSweep *sweep = read_parameter (&fields, entry);
    if (!sweep)
      continue;
    if (sweep->values->len > SWEEP_POINTS_MAX / n_points) {
      fields_error (&fields, entry, "the sweep has more than %d points", SWEEP_POINTS_MAX);
      scenario_sweep_free (sweep);
      break;
    }
    n_points *= sweep->values->len;
    g_ptr_array_add (reader->scenario->sweeps, sweep);
  }
}

/* ---- trying the values ---- */

/* Notes, at the sweep's line, the errors that @value makes. Those of other lines are the value's
 * doing only when the file has none without it. */
static void
try_value (const ScanDoc *doc, const ScenarioSweep *sweep, const ScanEntry *entry,
           const char *value, gboolean is_file_good, ScanErrors *errors)
{
  g_autoptr (ScanDoc) copy = scan_doc_copy (doc);
  g_autoptr (ScanErrors) found = scan_errors_new_like (errors);
  g_autoptr (ScenarioOverrides) overrides = scenario_overrides_new ();
  g_autofree char *parameter = get_parameter (sweep);

  scenario_overrides_set_without_sweep (overrides, TRUE);
  scenario_overrides_set_at (overrides, parameter, value, entry->place);
  scenario_layers_apply (copy, overrides, found);
  scenario_free (scenario_resolve (copy, found));
  for (guint i = 0; i < scan_errors_count (found); i++) {
    ScanPlace place;
    const char *message = scan_errors_get (found, i, &place);
    if (place.file == entry->place.file && place.line == entry->place.line)
      scan_errors_add (errors, entry->place, "%s", message);
    else if (is_file_good)
      scan_errors_add (errors, entry->place, "with %s = %s: line %u: %s", parameter, value,
                       place.line, message);
  }
}

void
sweep_check_values (const Scenario *scenario, const ScanDoc *doc, ScanErrors *errors)
{
  const ScanGroup *group = scan_doc_find (doc, "sweep");
  gboolean is_file_good = scan_errors_count (errors) == 0;

  for (guint i = 0; i < scenario->sweeps->len; i++) {
    const ScenarioSweep *sweep = scenario_get_sweep (scenario, i);
    g_autofree char *parameter = get_parameter (sweep);
    const ScanEntry *entry = scan_group_find (group, parameter);
    for (guint j = 0; j < sweep->values->len; j++)
      try_value (doc, sweep, entry, g_ptr_array_index (sweep->values, j), is_file_good, errors);
  }
}
