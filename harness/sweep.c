/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.c - the points of a sweep: combinations of values as numbers in mixed base, a digit for
 * each axis. */
#include "harness/sweep-private.h"

#include <string.h>

char *
sweep_get_parameter (const ScenarioSweep *sweep)
{
  return g_strconcat (sweep->group, ".", sweep->key, NULL);
}

const ScenarioSweep *
sweep_find_parameter (const Scenario *scenario, const char *parameter)
{
  for (guint i = 0; i < scenario->sweeps->len; i++) {
    const ScenarioSweep *sweep = scenario_get_sweep (scenario, i);
    g_autofree char *name = sweep_get_parameter (sweep);
    if (strcmp (name, parameter) == 0)
      return sweep;
  }
  return NULL;
}

guint
sweep_axis_length (const Scenario *scenario, guint axis)
{
  for (guint i = 0; i < scenario->sweeps->len; i++) {
    if (scenario_get_sweep (scenario, i)->axis == axis)
      return scenario_get_sweep (scenario, i)->values->len;
  }
  return 1;
}

guint
sweep_count_combinations (const Scenario *scenario)
{
  guint n = 1;

  for (guint axis = 0; axis < scenario->n_sweep_axes; axis++)
    n *= sweep_axis_length (scenario, axis);
  return n;
}

guint
sweep_count_points (const Scenario *scenario)
{
  return scenario->sweep_points ? scenario->sweep_points->len : sweep_count_combinations (scenario);
}

void
sweep_split_combination (const Scenario *scenario, guint combination, guint *indices_out)
{
  for (guint axis = scenario->n_sweep_axes; axis-- > 0;) {
    guint length = sweep_axis_length (scenario, axis);
    indices_out[axis] = combination % length;
    combination /= length;
  }
}

/* The value of each axis at @point. (transfer full) */
static guint *
split_point (const Scenario *scenario, guint point)
{
  guint *indices = g_new0 (guint, scenario->n_sweep_axes + 1);

  g_assert (point < sweep_count_points (scenario));
  if (scenario->sweep_points)
    point = g_array_index (scenario->sweep_points, guint32, point);
  sweep_split_combination (scenario, point, indices);
  return indices;
}

void
sweep_set_point (const Scenario *scenario, guint point, ScenarioOverrides *overrides)
{
  g_autofree guint *indices = split_point (scenario, point);

  scenario_overrides_set_without_sweep (overrides, TRUE);
  for (guint i = 0; i < scenario->sweeps->len; i++) {
    const ScenarioSweep *sweep = scenario_get_sweep (scenario, i);
    g_autofree char *parameter = sweep_get_parameter (sweep);
    const char *value = g_ptr_array_index (sweep->values, indices[sweep->axis]);
    gboolean is_set = scenario_overrides_set (overrides, parameter, value);
    g_assert (is_set);
  }
}

char *
sweep_describe_point (const Scenario *scenario, guint point)
{
  g_autofree guint *indices = split_point (scenario, point);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < scenario->sweeps->len; i++) {
    const ScenarioSweep *sweep = scenario_get_sweep (scenario, i);
    g_autofree char *parameter = sweep_get_parameter (sweep);
    g_string_append_printf (text, "%s%s=%s", i > 0 ? " " : "", parameter,
                            (char *)g_ptr_array_index (sweep->values, indices[sweep->axis]));
  }
  return g_string_free (text, FALSE);
}
