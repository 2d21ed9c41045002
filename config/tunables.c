/* SPDX-License-Identifier: Apache-2.0 */
/* tunables.c - see tunables.h. */
#include "config/tunables.h"

#include "config/units.h"
#include "config/values.h"

#include <string.h>

char *
tunable_parse (const CaimanTunable *tunable, const char *text, gint64 *value_out)
{
  int index;

  switch (tunable->kind) {
  case CAIMAN_TUNABLE_DURATION:
    if (tunable->allows_never)
      return value_parse_time_or_never (text, tunable->min, tunable->max, value_out);
    return value_parse_time (text, tunable->min, tunable->max, value_out);
  case CAIMAN_TUNABLE_BYTES:
    return value_parse_bytes (text, tunable->min, tunable->max, value_out);
  case CAIMAN_TUNABLE_COUNT:
    return value_parse_count (text, tunable->min, tunable->max, value_out);
  case CAIMAN_TUNABLE_BOOLEAN:
  case CAIMAN_TUNABLE_ENUM:
    break;
  }
  const char *const *names =
      tunable->kind == CAIMAN_TUNABLE_ENUM ? tunable->enum_names : value_boolean_names;
  index = value_find_name (names, text);
  if (index < 0)
    return value_unknown ("value", text, names);
  *value_out = index;
  return NULL;
}

char *
tunable_format (const CaimanTunable *tunable, gint64 value)
{
  switch (tunable->kind) {
  case CAIMAN_TUNABLE_DURATION:
    return value_format_time (value);
  case CAIMAN_TUNABLE_BYTES:
    return units_format_bytes (value);
  case CAIMAN_TUNABLE_BOOLEAN:
    return g_strdup (value_boolean_names[value != 0]);
  case CAIMAN_TUNABLE_ENUM:
    return g_strdup (tunable->enum_names[value]);
  case CAIMAN_TUNABLE_COUNT:
    break;
  }
  return g_strdup_printf ("%" G_GINT64_FORMAT, value);
}

/* The names of all tunables, NULL-terminated; the names are borrowed. (transfer container) */
static const char **
list_names (void)
{
  gsize n_tunables;
  const CaimanTunable *all = caiman_config_get_tunables (&n_tunables);
  const char **names = g_new0 (const char *, n_tunables + 1);

  for (gsize i = 0; i < n_tunables; i++)
    names[i] = all[i].name;
  return names;
}

char *
tunable_set (CaimanConfig *config, const char *name, const char *text)
{
  const CaimanTunable *tunable = caiman_config_find_tunable (name);
  g_autoptr (GError) error = NULL;
  gint64 value;

  if (!tunable) {
    g_autofree const char **names = list_names ();
    return value_unknown ("tunable", name, names);
  }
  char *problem = tunable_parse (tunable, text, &value);
  if (!problem && !caiman_config_set (config, tunable, value, &error))
    problem = g_strdup (error->message);
  return problem;
}

char *
tunable_set_assignment (CaimanConfig *config, const char *assignment)
{
  const char *equals = strchr (assignment, '=');

  if (!equals)
    return g_strdup_printf ("'%s' is not NAME=VALUE", assignment);
  g_autofree char *name = g_strstrip (g_strndup (assignment, (gsize)(equals - assignment)));
  g_autofree char *value = g_strstrip (g_strdup (equals + 1));
  char *problem = tunable_set (config, name, value);
  if (!problem)
    return NULL;
  char *message = g_strdup_printf ("%s: %s", name, problem);
  g_free (problem);
  return message;
}
