/* SPDX-License-Identifier: Apache-2.0 */
/* scenario-fields.c - access to keys of a group that only scenarios have. */
#include "harness/scenario-private.h"

const ScanEntry *
fields_find_direction (const Fields *fields, const char *key, ScenarioDirection direction)
{
  g_autofree char *full = g_strconcat (direction == SCENARIO_UP ? "up." : "down.", key, NULL);
  const ScanEntry *entry = fields_find (fields, full);
  return entry ? entry : fields_find (fields, key);
}

gint64
fields_rate (const Fields *fields, const char *key, gint64 fallback)
{
  const ScanEntry *entry = fields_find (fields, key);
  if (entry)
    fields_take_problem (fields, entry, value_parse_rate (entry->value, &fallback));
  return fallback;
}
