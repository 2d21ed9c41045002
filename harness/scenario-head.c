/* SPDX-License-Identifier: Apache-2.0 */
/* scenario-head.c - [scenario], [config], [client] and [server]. */
#include "harness/scenario-private.h"

#include "config/suggest.h"
#include "config/tunables.h"
#include "config/units.h"

#include <string.h>

#define DEFAULT_HEALS_WITHIN_NS    (5 * CAIMAN_NS_PER_S)
#define DEFAULT_SAMPLE_INTERVAL_NS (100 * CAIMAN_NS_PER_MS)
#define SEEDS_MAX                  G_GINT64_CONSTANT (1000000000)

/* ---- group names ---- */

static const char *const fixed_groups[] = { "scenario", "config", "client", "server",
                                            "expect",   "sweep",  NULL };
static const char *const named_groups[] = { "link",       "traffic",       "event", "trace",
                                            "bottleneck", "cross-traffic", NULL };
static const char *const reserved_names[] = { "all",  "connection", "client", "server", "integrity",
                                              "both", "up",         "down",   NULL };

const char *
reader_get_name (const ScanGroup *group, const char *kind)
{
  gsize len = strlen (kind);

  if (!g_str_has_prefix (group->name, kind) || group->name[len] != ' ')
    return NULL;
  const char *name = group->name + len + 1;
  return scan_is_name (name) ? name : NULL;
}

static void
complain_about_group (Reader *reader, const ScanGroup *group)
{
  g_auto (GStrv) words = g_strsplit (group->name, " ", 2);
  const char *nearest = words[0] ? suggest_nearest_strv (words[0], named_groups) : NULL;
  g_autofree char *suggestion = NULL;

  if (nearest && words[1])
    suggestion = g_strdup_printf ("%s %s", nearest, words[1]);
  else if (words[0] && value_find_name (named_groups, words[0]) >= 0)
    suggestion = g_strdup_printf ("%s NAME", words[0]);
  else
    suggestion = g_strdup (suggest_nearest_strv (group->name, fixed_groups));
  scan_errors_add (reader->errors, group->place, "unknown group [%s]%s%s%s", group->name,
                   suggestion ? "; did you mean [" : "", suggestion ? suggestion : "",
                   suggestion ? "]?" : "");
}

/* A name that other groups can refer to without doubt. */
static void
check_name (Reader *reader, const ScanGroup *group, const char *kind)
{
  const char *name = reader_get_name (group, kind);
  const char *other_kind = strcmp (kind, "traffic") == 0 ? "link" : NULL;
  g_autofree char *other = other_kind ? g_strdup_printf ("%s %s", other_kind, name) : NULL;

  if (!name)
    scan_errors_add (reader->errors, group->place,
                     "'%s' is not a name (1 to 63 letters, digits, '-' and '_')",
                     group->name + strlen (kind) + 1);
  else if (value_find_name (reserved_names, name) >= 0)
    scan_errors_add (reader->errors, group->place, "the name '%s' is reserved", name);
  else if (other && scan_doc_find (reader->doc, other))
    scan_errors_add (reader->errors, group->place, "the name '%s' is that of a link, too", name);
}

void
reader_check_groups (Reader *reader)
{
  guint n_of_kind[G_N_ELEMENTS (named_groups)] = { 0 };

  for (guint i = 0; i < reader->doc->groups->len; i++) {
    const ScanGroup *group = g_ptr_array_index (reader->doc->groups, i);
    gboolean is_known = value_find_name (fixed_groups, group->name) >= 0;
    for (guint k = 0; named_groups[k]; k++) {
      g_autofree char *prefix = g_strconcat (named_groups[k], " ", NULL);
      if (!g_str_has_prefix (group->name, prefix))
        continue;
      is_known = TRUE;
      check_name (reader, group, named_groups[k]);
      if (++n_of_kind[k] == SCENARIO_ITEMS_MAX + 1)
        scan_errors_add (reader->errors, group->place, "more than %d groups [%s NAME]",
                         SCENARIO_ITEMS_MAX, named_groups[k]);
    }
    if (!is_known)
      complain_about_group (reader, group);
  }
}

/* ---- [scenario] ---- */

static const char *const scenario_keys[] = {
  "format", "extends",      "title",           "description",        "carrier", "duration", "seed",
  "ends",   "heals-within", "sample-interval", "congestion-control", NULL
};
static const char *const ends_names[] = { "when-complete", "at-duration", NULL };

static void
read_format (const Fields *fields)
{
  const ScanEntry *entry = fields_require (fields, "format");
  if (entry && strcmp (entry->value, "1") != 0)
    fields_error (fields, entry, "this caiman reads format 1, not '%s'", entry->value);
}

/* "1" or "1..200". */
static void
read_seed (const Fields *fields, Scenario *scenario)
{
  const ScanEntry *entry = fields_find (fields, "seed");
  gint64 first = 1, last = 1;

  if (entry) {
    g_auto (GStrv) ends = g_strsplit (entry->value, "..", 2);
    char *problem = units_parse_count (g_strstrip (ends[0]), &first);
    last = first;
    if (!problem && ends[1])
      problem = units_parse_count (g_strstrip (ends[1]), &last);
    if (!problem && last < first)
      problem = g_strdup_printf ("'%s' ends before it begins", entry->value);
    if (!problem && last - first >= SEEDS_MAX)
      problem = g_strdup_printf ("'%s' are too many seeds", entry->value);
    if (problem)
      first = last = 1;
    fields_take_problem (fields, entry, problem);
  }
  scenario->seed_first = (guint64)first;
  scenario->seed_last = (guint64)last;
}

static char *
read_text (const Fields *fields, const char *key, const char *fallback)
{
  const ScanEntry *entry = fields_find (fields, key);
  return g_strdup (entry ? entry->value : fallback);
}

void
reader_read_scenario (Reader *reader)
{
  Scenario *scenario = reader->scenario;
  const ScanGroup *group = scan_doc_find (reader->doc, "scenario");
  ScanGroup nothing = { (char *)"scenario", { 0, 1 }, NULL };
  g_autoptr (GPtrArray) no_entries = g_ptr_array_new ();

  nothing.entries = no_entries;
  Fields fields = { reader->errors, group ? group : &nothing };
  read_format (&fields);
  scenario->title = read_text (&fields, "title", NULL);
  scenario->description = read_text (&fields, "description", "");
  /* Read again per link; here for the check of the value when every link has its own. */
  (void)fields_choice (&fields, "carrier", 0, scenario_carrier_names);
  (void)fields_require (&fields, "duration");
  scenario->duration_ns = fields_time (&fields, "duration", SCENARIO_TIME_MAX_NS, CAIMAN_NS_PER_MS,
                                       SCENARIO_TIME_MAX_NS);
  read_seed (&fields, scenario);
  scenario->ends_at_duration = fields_choice (&fields, "ends", 0, ends_names) == 1;
  scenario->heals_within_ns = fields_time (&fields, "heals-within", DEFAULT_HEALS_WITHIN_NS,
                                           CAIMAN_NS_PER_MS, SCENARIO_TIME_MAX_NS);
  scenario->sample_interval_ns =
      fields_time (&fields, "sample-interval", DEFAULT_SAMPLE_INTERVAL_NS, CAIMAN_NS_PER_MS,
                   SCENARIO_TIME_MAX_NS);
  fields_check_known (&fields, scenario_keys);
}

/* ---- [config], [client], [server] ---- */

/* Keys of these groups that are no tunables. */
static const char *const side_keys[] = { "preset", "reconnect", "accepts", "accept-after", NULL };

static gboolean
is_side_key (const char *group, const char *key)
{
  int i = value_find_name (side_keys, key);
  return i >= 0 && (i < 2 || strcmp (group, "server") == 0);
}

static void
check_config_key (const Fields *fields, const ScanEntry *entry)
{
  gsize n_tunables;
  const CaimanTunable *tunables = caiman_config_get_tunables (&n_tunables);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (gsize i = 0; i < n_tunables; i++)
    g_ptr_array_add (names, (gpointer)tunables[i].name);
  for (guint i = 0; side_keys[i]; i++)
    if (is_side_key (fields->group->name, side_keys[i]))
      g_ptr_array_add (names, (gpointer)side_keys[i]);
  g_ptr_array_add (names, NULL);
  const char *const *list = (const char *const *)names->pdata;
  if (value_find_name (list, entry->key) >= 0)
    return;
  const char *nearest = suggest_nearest_strv (entry->key, list);
  scan_errors_add (fields->errors, entry->place, "unknown key '%s' in [%s]%s%s%s", entry->key,
                   fields->group->name, nearest ? "; did you mean '" : "", nearest ? nearest : "",
                   nearest ? "'?" : "");
}

static void
set_tunable (const Fields *fields, const ScanEntry *entry, const char *name, CaimanConfig *config)
{
  const CaimanTunable *tunable = caiman_config_find_tunable (name);
  g_autoptr (GError) error = NULL;
  gint64 value;

  if (!tunable)
    return;
  char *problem = tunable_parse (tunable, entry->value, &value);
  if (!problem && !caiman_config_set (config, tunable, value, &error))
    problem = g_strdup (error->message);
  fields_take_problem (fields, entry, problem);
}

static void
apply_config_group (Reader *reader, const ScanGroup *group, CaimanConfig *config)
{
  Fields fields = { reader->errors, group };
  const ScanEntry *reconnect = fields_find (&fields, "reconnect");

  for (guint i = 0; i < group->entries->len; i++) {
    const ScanEntry *entry = g_ptr_array_index (group->entries, i);
    check_config_key (&fields, entry);
    set_tunable (&fields, entry, entry->key, config);
  }
  if (reconnect && fields_find (&fields, "reconnect-delay"))
    fields_error (&fields, reconnect, "is the same as 'reconnect-delay', which is given, too");
  else if (reconnect)
    set_tunable (&fields, reconnect, "reconnect-delay", config);
}

/* The preset that the side's own group or else [config] names. */
static CaimanPreset
read_preset (Reader *reader, const ScanGroup *const *groups)
{
  CaimanPreset preset = CAIMAN_PRESET_ADAPTIVE;
  const char *names[CAIMAN_N_PRESETS + 1] = { NULL };

  for (guint i = 0; i < CAIMAN_N_PRESETS; i++)
    names[i] = caiman_preset_to_string ((CaimanPreset)i);
  for (guint i = 0; i < 2; i++) {
    const ScanEntry *entry = groups[i] ? scan_group_find (groups[i], "preset") : NULL;
    Fields fields = { reader->errors, groups[i] };
    if (entry && !caiman_preset_from_string (entry->value, &preset))
      fields_take_problem (&fields, entry, value_unknown ("preset", entry->value, names));
  }
  return preset;
}

static void
read_endpoint (Reader *reader, ScenarioSide side)
{
  ScenarioEndpoint *endpoint = &reader->scenario->endpoint[side];
  const ScanGroup *groups[] = { scan_doc_find (reader->doc, "config"),
                                scan_doc_find (reader->doc, scenario_side_names[side]) };
  const ScanGroup *place = groups[1] ? groups[1] : groups[0];
  g_autoptr (GError) error = NULL;

  endpoint->preset = read_preset (reader, groups);
  caiman_config_init (&endpoint->config, endpoint->preset);
  for (guint i = 0; i < 2; i++)
    if (groups[i])
      apply_config_group (reader, groups[i], &endpoint->config);
  if (place && !caiman_config_validate (&endpoint->config, &error))
    scan_errors_add (reader->errors, place->place, "[%s] the %s's settings contradict: %s",
                     place->name, scenario_side_names[side], error->message);
}

void
reader_read_endpoints (Reader *reader)
{
  Scenario *scenario = reader->scenario;
  const ScanGroup *server = scan_doc_find (reader->doc, "server");
  Fields fields = { reader->errors, server };

  read_endpoint (reader, SCENARIO_SIDE_CLIENT);
  read_endpoint (reader, SCENARIO_SIDE_SERVER);
  scenario->accepts = SCENARIO_ACCEPT_YES;
  if (!server)
    return;
  scenario->accepts = (ScenarioAccept)fields_choice (&fields, "accepts", SCENARIO_ACCEPT_YES,
                                                     scenario_accept_names);
  scenario->accept_after_ns = fields_time (&fields, "accept-after", 0, 0, SCENARIO_TIME_MAX_NS);
  const ScanEntry *after = fields_find (&fields, "accept-after");
  if (after && scenario->accepts == SCENARIO_ACCEPT_NOT_LISTENING)
    fields_error (&fields, after, "nobody listens who could accept");
}
