/* SPDX-License-Identifier: Apache-2.0 */
/* sweep-read.c - [sweep]: lists of values, what is zipped, seeds, and whether each value will do.
 */
#include "harness/sweep-private.h"

#include <string.h>

gboolean
sweep_is_keyword (const char *key, const char *keyword)
{
  gsize length = strlen (keyword);

  return strncmp (key, keyword, length) == 0 &&
         (key[length] == '\0' || (key[length] == ' ' && scan_is_name (key + length + 1)));
}

/* ---- lists of values ---- */

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

/* Appends the value or the range @text to @values. */
static char *
add_item (const char *group, const char *text, GPtrArray *values)
{
  if (*text == '\0')
    return g_strdup ("there is an empty value in the list");
  if (sweep_is_range (group, text))
    return sweep_expand_range (text, values);
  g_ptr_array_add (values, g_strdup (text));
  return NULL;
}

static char *
check_list (const GPtrArray *values)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  if (values->len > SWEEP_VALUES_MAX)
    return g_strdup_printf ("more than %d values", SWEEP_VALUES_MAX);
  for (guint i = 0; i < values->len; i++) {
    if (!g_hash_table_add (seen, g_ptr_array_index (values, i)))
      return g_strdup_printf ("the value '%s' is there twice",
                              (char *)g_ptr_array_index (values, i));
  }
  return NULL;
}

static GPtrArray *
read_values (const Fields *fields, const ScanEntry *entry, const char *group)
{
  g_auto (GStrv) parts = scan_split (entry->value, ',');
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (g_free);
  char *problem = parts ? NULL : g_strdup ("parentheses do not match");

  for (guint i = 0; !problem && parts[i]; i++)
    problem = add_item (group, parts[i], values);
  if (!problem)
    problem = check_list (values);
  if (!problem)
    return g_steal_pointer (&values);
  fields_take_problem (fields, entry, problem);
  return NULL;
}

static void
read_parameter (const Fields *fields, const ScanEntry *entry, Scenario *scenario)
{
  g_autofree char *group = NULL;
  g_autofree char *key = NULL;

  if (!scenario_split_parameter (entry->key, &group, &key) ||
      strlen (group) + 1 + strlen (key) != strlen (entry->key)) {
    fields_error (fields, entry, "a parameter is written GROUP.KEY, as in 'link lte.delay'");
    return;
  }
  const char *objection = find_objection (group, key);
  if (objection) {
    fields_error (fields, entry, "%s", objection);
    return;
  }
  GPtrArray *values = read_values (fields, entry, group);
  if (!values)
    return;
  ScenarioSweep *sweep = g_new0 (ScenarioSweep, 1);
  sweep->group = g_steal_pointer (&group);
  sweep->key = g_steal_pointer (&key);
  sweep->values = values;
  sweep->axis = scenario->sweeps->len; /* until a zip says otherwise */
  sweep->line = entry->place.line;
  g_ptr_array_add (scenario->sweeps, sweep);
}

/* ---- zips ---- */

/* The swept parameters that @entry names, or NULL with an error noted. */
static GPtrArray *
read_zip_members (const Fields *fields, const ScanEntry *entry, const Scenario *scenario)
{
  g_auto (GStrv) names = scan_split (entry->value, ',');
  g_autoptr (GPtrArray) members = g_ptr_array_new ();

  for (guint i = 0; names && names[i]; i++) {
    g_auto (GStrv) words = scan_split (names[i], ' ');
    g_autofree char *name = words && *names[i] != '\0' ? g_strjoinv (" ", words) : g_strdup ("");
    const ScenarioSweep *sweep = sweep_find_parameter (scenario, name);
    if (!sweep) {
      /* One that is there and in error was told. */
      if (!scan_group_find (fields->group, name))
        fields_error (fields, entry, "'%s' has no list of values in this [sweep]", name);
      return NULL;
    }
    if (g_ptr_array_find (members, sweep, NULL)) {
      fields_error (fields, entry, "'%s' is there twice", name);
      return NULL;
    }
    g_ptr_array_add (members, (gpointer)sweep);
  }
  if (members->len >= 2)
    return g_steal_pointer (&members);
  fields_error (fields, entry,
                "two or more parameters are zipped: 'zip = link a.rate, link b.rate'");
  return NULL;
}

/* FALSE: they have not equally many values, or one moves with others already. */
static gboolean
check_zip (const Fields *fields, const ScanEntry *entry, const GPtrArray *members,
           const gboolean *is_zipped)
{
  const ScenarioSweep *first = g_ptr_array_index (members, 0);
  g_autofree char *first_name = sweep_get_parameter (first);

  for (guint i = 0; i < members->len; i++) {
    const ScenarioSweep *sweep = g_ptr_array_index (members, i);
    g_autofree char *name = sweep_get_parameter (sweep);
    if (is_zipped[sweep->axis]) {
      fields_error (fields, entry, "'%s' is zipped already", name);
      return FALSE;
    }
    if (sweep->values->len != first->values->len) {
      fields_error (fields, entry, "'%s' has %u values, but '%s' has %u", name, sweep->values->len,
                    first_name, first->values->len);
      return FALSE;
    }
  }
  return TRUE;
}

static void
read_zip (const Fields *fields, const ScanEntry *entry, const Scenario *scenario,
          gboolean *is_zipped)
{
  g_autoptr (GPtrArray) members = read_zip_members (fields, entry, scenario);
  guint axis = G_MAXUINT;

  if (!members || !check_zip (fields, entry, members, is_zipped))
    return;
  for (guint i = 0; i < members->len; i++)
    axis = MIN (axis, ((ScenarioSweep *)g_ptr_array_index (members, i))->axis);
  for (guint i = 0; i < members->len; i++) {
    ScenarioSweep *sweep = g_ptr_array_index (members, i);
    is_zipped[sweep->axis] = TRUE;
    sweep->axis = axis;
  }
}

/* Numbers the axes without gaps; they stay in order. */
static void
number_axes (Scenario *scenario)
{
  g_autofree int *numbers = g_new (int, scenario->sweeps->len + 1);

  scenario->n_sweep_axes = 0;
  for (guint i = 0; i < scenario->sweeps->len; i++)
    numbers[i] = -1;
  for (guint i = 0; i < scenario->sweeps->len; i++) {
    ScenarioSweep *sweep = scenario_get_sweep (scenario, i);
    if (numbers[sweep->axis] < 0)
      numbers[sweep->axis] = (int)scenario->n_sweep_axes++;
    sweep->axis = (guint)numbers[sweep->axis];
  }
}

static void
read_zips (const Fields *fields, Scenario *scenario)
{
  g_autofree gboolean *is_zipped = g_new0 (gboolean, scenario->sweeps->len + 1);

  for (guint i = 0; i < fields->group->entries->len; i++) {
    const ScanEntry *entry = g_ptr_array_index (fields->group->entries, i);
    if (sweep_is_keyword (entry->key, "zip"))
      read_zip (fields, entry, scenario, is_zipped);
  }
  number_axes (scenario);
}

/* ---- the group ---- */

/* FALSE: there are too many combinations, which was noted at the list that is one too many. */
static gboolean
check_size (const Fields *fields, const Scenario *scenario)
{
  guint n_points = 1, n_axes = 0;

  for (guint i = 0; i < scenario->sweeps->len; i++) {
    const ScenarioSweep *sweep = scenario_get_sweep (scenario, i);
    g_autofree char *parameter = sweep_get_parameter (sweep);
    if (sweep->axis < n_axes)
      continue;
    n_axes = sweep->axis + 1;
    if (sweep->values->len > SWEEP_POINTS_MAX / n_points) {
      fields_error (fields, scan_group_find (fields->group, parameter),
                    "the sweep has more than %d points", SWEEP_POINTS_MAX);
      return FALSE;
    }
    n_points *= sweep->values->len;
  }
  return TRUE;
}

static void
read_entry (const Fields *fields, const ScanEntry *entry, Scenario *scenario)
{
  char *problem;

  if (sweep_is_keyword (entry->key, "zip") || sweep_is_keyword (entry->key, "where"))
    return; /* when all lists are known */
  if (strcmp (entry->key, "seed") != 0)
    read_parameter (fields, entry, scenario);
  else if (!scenario_parse_seeds (entry->value, &scenario->seed_first, &scenario->seed_last,
                                  &problem))
    fields_take_problem (fields, entry, problem);
}

void
reader_read_sweep (Reader *reader)
{
  const ScanGroup *group = scan_doc_find (reader->doc, "sweep");
  Fields fields = { reader->errors, group };

  if (!group)
    return;
  guint n_errors = scan_errors_count (reader->errors);
  gboolean is_good;
  for (guint i = 0; i < group->entries->len; i++)
    read_entry (&fields, g_ptr_array_index (group->entries, i), reader->scenario);
  read_zips (&fields, reader->scenario);
  is_good =
      check_size (&fields, reader->scenario) && scan_errors_count (reader->errors) == n_errors;
  sweep_read_conditions (reader->scenario, reader->doc, group, is_good, reader->errors);
}

/* ---- trying the values ---- */

/* The parameters of @axis, with their values number @index, as overrides at their own lines. */
static ScenarioOverrides *
make_overrides (const Scenario *scenario, const ScanGroup *group, guint axis, guint index)
{
  ScenarioOverrides *overrides = scenario_overrides_new ();

  scenario_overrides_set_without_sweep (overrides, TRUE);
  for (guint i = 0; i < scenario->sweeps->len; i++) {
    const ScenarioSweep *sweep = scenario_get_sweep (scenario, i);
    g_autofree char *parameter = sweep_get_parameter (sweep);
    if (sweep->axis == axis)
      scenario_overrides_set_at (overrides, parameter, g_ptr_array_index (sweep->values, index),
                                 scan_group_find (group, parameter)->place);
  }
  return overrides;
}

static gboolean
is_line_of (const ScenarioOverrides *overrides, ScanPlace place)
{
  for (guint i = 0; i < overrides->items->len; i++) {
    const ScenarioOverride *override = g_ptr_array_index (overrides->items, i);
    if (override->place.file == place.file && override->place.line == place.line)
      return TRUE;
  }
  return FALSE;
}

/* "with link a.rate = 1mbit and link b.rate = 2mbit"; (transfer full) */
static char *
describe_overrides (const ScenarioOverrides *overrides)
{
  GString *text = g_string_new ("with");

  for (guint i = 0; i < overrides->items->len; i++) {
    const ScenarioOverride *override = g_ptr_array_index (overrides->items, i);
    g_string_append_printf (text, "%s %s = %s", i > 0 ? " and" : "", override->parameter,
                            override->value);
  }
  return g_string_free (text, FALSE);
}

/* Notes, at the sweep's lines, the errors that these values make. Those of other lines are the
 * values' doing only when the file has none without them. */
static void
try_values (const ScanDoc *doc, const ScenarioOverrides *overrides, gboolean is_file_good,
            ScanErrors *errors)
{
  g_autoptr (ScanDoc) copy = scan_doc_copy (doc);
  g_autoptr (ScanErrors) found = scan_errors_new_like (errors);
  const ScenarioOverride *first = g_ptr_array_index (overrides->items, 0);

  scenario_layers_apply (copy, overrides, found);
  scenario_free (scenario_resolve (copy, found));
  for (guint i = 0; i < scan_errors_count (found); i++) {
    ScanPlace place;
    const char *message = scan_errors_get (found, i, &place);
    g_autofree char *with = describe_overrides (overrides);
    if (is_line_of (overrides, place))
      scan_errors_add (errors, place, "%s", message);
    else if (is_file_good)
      scan_errors_add (errors, first->place, "%s: line %u: %s", with, place.line, message);
  }
}

void
sweep_check_values (const Scenario *scenario, const ScanDoc *doc, ScanErrors *errors)
{
  const ScanGroup *group = scan_doc_find (doc, "sweep");
  gboolean is_file_good = scan_errors_count (errors) == 0;

  for (guint axis = 0; axis < scenario->n_sweep_axes; axis++) {
    for (guint i = 0; i < sweep_axis_length (scenario, axis); i++) {
      g_autoptr (ScenarioOverrides) overrides = make_overrides (scenario, group, axis, i);
      try_values (doc, overrides, is_file_good, errors);
    }
  }
}
