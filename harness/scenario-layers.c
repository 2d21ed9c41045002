/* SPDX-License-Identifier: Apache-2.0 */
/* scenario-layers.c - a file over those it extends, and overrides over all.
 *
 * A later layer wins key by key. It also wins where an earlier one was more special: its "rate"
 * displaces an earlier "up.rate", its [config] key the same key in an earlier [client] or [server].
 * Without that, a swept value could be without effect, unnoticed. */
#include "harness/scenario-private.h"

#include "config/suggest.h"

#include <string.h>

#define EXTENDS_DEPTH_MAX 16

/* The other name of a key, or NULL. */
static const char *
get_alias (const char *key)
{
  if (strcmp (key, "reconnect") == 0)
    return "reconnect-delay";
  return strcmp (key, "reconnect-delay") == 0 ? "reconnect" : NULL;
}

void
scenario_layer_set (ScanGroup *group, const char *key, const char *value, ScanPlace place)
{
  g_autofree char *up = g_strconcat ("up.", key, NULL);
  g_autofree char *down = g_strconcat ("down.", key, NULL);

  scan_group_remove (group, up);
  scan_group_remove (group, down);
  if (get_alias (key))
    scan_group_remove (group, get_alias (key));
  scan_group_set (group, key, value, place);
}

static void
displace_sides (ScanDoc *doc, const char *key)
{
  for (guint i = 0; i < SCENARIO_N_SIDES; i++) {
    ScanGroup *side = scan_doc_find (doc, scenario_side_names[i]);
    if (!side)
      continue;
    scan_group_remove (side, key);
    if (get_alias (key))
      scan_group_remove (side, get_alias (key));
  }
}

/* Lays @group's entries over the group of the same name in @doc. */
static void
lay_group (ScanDoc *doc, const ScanGroup *group)
{
  ScanGroup *below = scan_doc_find (doc, group->name);

  if (!below)
    below = scan_doc_add (doc, group->name, group->place);
  below->place = group->place;
  /* Directions first, so that a layer's own "rate" does not displace its own "up.rate". */
  for (guint i = 0; i < group->entries->len; i++) {
    const ScanEntry *entry = g_ptr_array_index (group->entries, i);
    scenario_layer_set (below, entry->key, entry->value, entry->place);
    if (strcmp (group->name, "config") == 0)
      displace_sides (doc, entry->key);
  }
  for (guint i = 0; i < group->entries->len; i++) {
    const ScanEntry *entry = g_ptr_array_index (group->entries, i);
    scan_group_set (below, entry->key, entry->value, entry->place);
  }
}

static void
lay_over (ScanDoc *doc, const ScanDoc *layer)
{
  const ScanGroup *config = scan_doc_find (layer, "config");

  /* [config] first: it must not displace the sides' keys of its own layer. */
  if (config)
    lay_group (doc, config);
  for (guint i = 0; i < layer->groups->len; i++) {
    const ScanGroup *group = g_ptr_array_index (layer->groups, i);
    if (group != config)
      lay_group (doc, group);
  }
}

/* ---- files ---- */

typedef struct {
  ScanErrors *errors;
  GPtrArray *open_files; /* char *, absolute names, outermost first */
} Loader;

static gboolean
read_file (const char *path, char **text_out, gsize *size_out, char **problem_out)
{
  g_autoptr (GError) error = NULL;

  /* A device or a pipe could be read for ever. */
  if (g_file_test (path, G_FILE_TEST_EXISTS) && !g_file_test (path, G_FILE_TEST_IS_REGULAR)) {
    *problem_out = g_strdup ("not a regular file");
    return FALSE;
  }
  if (g_file_get_contents (path, text_out, size_out, &error))
    return TRUE;
  *problem_out =
      g_strdup (g_file_test (path, G_FILE_TEST_EXISTS) ? error->message : "no such file");
  return FALSE;
}

static ScanDoc *load_layers (Loader *loader, const char *path, char *text, gsize size);

/* The document that @entry ("extends = ...") of the file at @path names, or an empty one. */
static ScanDoc *
load_base (Loader *loader, const char *path, const ScanEntry *entry)
{
  g_autofree char *dir = g_path_get_dirname (path);
  g_autofree char *base_path = NULL;
  g_autofree char *text = NULL;
  g_autofree char *problem = NULL;
  gsize size;

  if (g_path_is_absolute (entry->value) || strcmp (dir, ".") == 0)
    base_path = g_strdup (entry->value);
  else
    base_path = g_build_filename (dir, entry->value, NULL);
  g_autofree char *absolute = g_canonicalize_filename (base_path, NULL);
  if (g_ptr_array_find_with_equal_func (loader->open_files, absolute, g_str_equal, NULL))
    problem = g_strdup ("files extend each other in a circle");
  else if (loader->open_files->len >= EXTENDS_DEPTH_MAX)
    problem = g_strdup_printf ("more than %d files extend each other", EXTENDS_DEPTH_MAX);
  else if (read_file (base_path, &text, &size, &problem))
    return load_layers (loader, base_path, text, size);
  scan_errors_add (loader->errors, entry->place, "extends: cannot read '%s': %s", base_path,
                   problem);
  return scan_doc_new ();
}

static ScanDoc *
load_layers (Loader *loader, const char *path, char *text, gsize size)
{
  guint file = scan_errors_add_file (loader->errors, path);
  ScanDoc *doc = scan_text (text, size, file, loader->errors);
  ScanGroup *head = scan_doc_find (doc, "scenario");
  const ScanEntry *extends = head ? scan_group_find (head, "extends") : NULL;

  if (!extends)
    return doc;
  g_ptr_array_add (loader->open_files, g_canonicalize_filename (path, NULL));
  ScanDoc *base = load_base (loader, path, extends);
  g_ptr_array_set_size (loader->open_files, (int)loader->open_files->len - 1);
  scan_group_remove (head, "extends");
  lay_over (base, doc);
  scan_doc_free (doc);
  return base;
}

ScanDoc *
scenario_layers_load (const char *path, ScanErrors *errors, char **text_out)
{
  Loader loader = { errors, g_ptr_array_new_with_free_func (g_free) };
  g_autofree char *text = NULL;
  g_autofree char *problem = NULL;
  ScanDoc *doc = NULL;
  gsize size;

  if (read_file (path, &text, &size, &problem)) {
    doc = load_layers (&loader, path, text, size);
    scenario_traces_load (doc, errors);
    *text_out = g_steal_pointer (&text);
  } else {
    ScanPlace place = { scan_errors_add_file (errors, path), 0 };
    scan_errors_add (errors, place, "cannot be read: %s", problem);
  }
  g_ptr_array_unref (loader.open_files);
  return doc;
}

ScanDoc *
scenario_layers_parse (const char *name, const char *text, gsize size, ScanErrors *errors)
{
  guint file = scan_errors_add_file (errors, name);
  ScanDoc *doc = scan_text (text, size, file, errors);
  ScanGroup *head = scan_doc_find (doc, "scenario");
  const ScanEntry *extends = head ? scan_group_find (head, "extends") : NULL;

  if (extends) {
    scan_errors_add (errors, extends->place, "extends: a text in memory extends nothing");
    scan_group_remove (head, "extends");
  }
  return doc;
}

/* ---- overrides ---- */

static void
override_free (gpointer data)
{
  ScenarioOverride *override = data;
  g_free (override->parameter);
  g_free (override->group);
  g_free (override->key);
  g_free (override->value);
  g_free (override);
}

ScenarioOverrides *
scenario_overrides_new (void)
{
  ScenarioOverrides *overrides = g_new0 (ScenarioOverrides, 1);
  overrides->items = g_ptr_array_new_with_free_func (override_free);
  return overrides;
}

void
scenario_overrides_free (ScenarioOverrides *overrides)
{
  if (!overrides)
    return;
  g_ptr_array_unref (overrides->items);
  g_free (overrides->testbed);
  g_free (overrides);
}

gboolean
scenario_split_parameter (const char *parameter, char **group_out, char **key_out)
{
  const char *dot = strchr (parameter, '.');
  g_autofree char *group = dot ? g_strstrip (g_strndup (parameter, dot - parameter)) : NULL;
  g_autofree char *key = dot ? g_strstrip (g_strdup (dot + 1)) : NULL;

  if (!dot || *group == '\0' || *key == '\0')
    return FALSE;
  *group_out = g_steal_pointer (&group);
  *key_out = g_steal_pointer (&key);
  return TRUE;
}

/* Adds or replaces; NULL when @parameter is malformed. */
static ScenarioOverride *
overrides_put (ScenarioOverrides *overrides, const char *parameter, const char *value)
{
  g_autofree char *stripped = g_strstrip (g_strdup (value));
  char *group, *key;

  if (*stripped == '\0' || !scenario_split_parameter (parameter, &group, &key))
    return NULL;
  for (guint i = 0; i < overrides->items->len; i++) {
    const ScenarioOverride *old = g_ptr_array_index (overrides->items, i);
    if (strcmp (old->group, group) == 0 && strcmp (old->key, key) == 0) {
      g_ptr_array_remove_index (overrides->items, i);
      break;
    }
  }
  ScenarioOverride *override = g_new0 (ScenarioOverride, 1);
  override->parameter = g_strdup (parameter);
  override->group = group;
  override->key = key;
  override->value = g_steal_pointer (&stripped);
  g_ptr_array_add (overrides->items, override);
  return override;
}

gboolean
scenario_overrides_set (ScenarioOverrides *overrides, const char *parameter, const char *value)
{
  return overrides_put (overrides, parameter, value) != NULL;
}

void
scenario_overrides_set_at (ScenarioOverrides *overrides, const char *parameter, const char *value,
                           ScanPlace place)
{
  ScenarioOverride *override = overrides_put (overrides, parameter, value);
  g_assert (override);
  override->place = place;
  override->has_place = TRUE;
}

void
scenario_overrides_set_testbed (ScenarioOverrides *overrides, const char *testbed)
{
  g_free (overrides->testbed);
  overrides->testbed = g_strdup (testbed);
}

void
scenario_overrides_set_without_sweep (ScenarioOverrides *overrides, gboolean without_sweep)
{
  overrides->without_sweep = without_sweep;
}

/* The group that @override goes to; the fixed groups are made when they are not there. */
static ScanGroup *
find_override_group (ScanDoc *doc, const ScenarioOverride *override, ScanPlace place,
                     ScanErrors *errors)
{
  static const char *const fixed[] = { "scenario", "config", "client", "server", "expect", NULL };
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  ScanGroup *group = scan_doc_find (doc, override->group);

  if (group)
    return group;
  if (value_find_name (fixed, override->group) >= 0)
    return scan_doc_add (doc, override->group, place);
  for (guint i = 0; fixed[i]; i++)
    g_ptr_array_add (names, (gpointer)fixed[i]);
  for (guint i = 0; i < doc->groups->len; i++)
    g_ptr_array_add (names, ((ScanGroup *)g_ptr_array_index (doc->groups, i))->name);
  const char *nearest =
      suggest_nearest (override->group, (const char *const *)names->pdata, names->len);
  scan_errors_add (errors, place, "%s: there is no group [%s]%s%s%s", override->parameter,
                   override->group, nearest ? "; did you mean [" : "", nearest ? nearest : "",
                   nearest ? "]?" : "");
  return NULL;
}

void
scenario_layers_apply (ScanDoc *doc, const ScenarioOverrides *overrides, ScanErrors *errors)
{
  for (guint i = 0; i < overrides->items->len; i++) {
    const ScenarioOverride *override = g_ptr_array_index (overrides->items, i);
    ScanPlace place = override->place;
    if (!override->has_place) {
      g_autofree char *name = g_strdup_printf ("(set %s)", override->parameter);
      place = (ScanPlace) { scan_errors_add_file (errors, name), 0 };
    }
    ScanGroup *group = find_override_group (doc, override, place, errors);
    if (!group)
      continue;
    scenario_layer_set (group, override->key, override->value, place);
    if (strcmp (override->group, "config") == 0)
      displace_sides (doc, override->key);
  }
  ScanGroup *sweep = overrides->without_sweep ? scan_doc_find (doc, "sweep") : NULL;
  if (sweep)
    g_ptr_array_remove (doc->groups, sweep);
}
