/* SPDX-License-Identifier: Apache-2.0 */
/* scenario-testbed.c - [testbed NAME]: values that replace those of the file where it runs on that
 * testbed, so that one file can be long and exact in virtual time, and short and tolerant in real
 * time. A group is tried also where it is not used: a file is right on all testbeds or wrong. */
#include "harness/scenario-private.h"

#include "config/suggest.h"
#include "harness/testbed.h"

#include <string.h>

#define GROUP_KIND "testbed"

/* (nullable) what is wrong with the parameter as such. */
static const char *
find_objection (const char *group, const char *key)
{
  if (g_str_has_prefix (group, GROUP_KIND))
    return "a testbed's values cannot be replaced by a testbed's";
  if (strcmp (group, "sweep") == 0)
    return "a sweep is the same on all testbeds";
  if (strcmp (group, "scenario") == 0 &&
      (strcmp (key, "extends") == 0 || strcmp (key, "format") == 0))
    return "it is the same on all testbeds";
  return NULL;
}

static void
add_override (const ScanEntry *entry, ScenarioOverrides *overrides, ScanErrors *errors)
{
  g_autofree char *group = NULL;
  g_autofree char *key = NULL;

  if (!scenario_split_parameter (entry->key, &group, &key)) {
    scan_errors_add (errors, entry->place,
                     "'%s': a parameter is written GROUP.KEY, as in 'link lte.delay'", entry->key);
    return;
  }
  const char *objection = find_objection (group, key);
  if (objection)
    scan_errors_add (errors, entry->place, "%s: %s", entry->key, objection);
  else
    scenario_overrides_set_at (overrides, entry->key, entry->value, entry->place);
}

static void
apply_group (ScanDoc *doc, const ScanGroup *group, ScanErrors *errors)
{
  g_autoptr (ScenarioOverrides) overrides = scenario_overrides_new ();

  for (guint i = 0; i < group->entries->len; i++)
    add_override (g_ptr_array_index (group->entries, i), overrides, errors);
  scenario_layers_apply (doc, overrides, errors);
}

/* Notes the errors that @group makes, at its lines. Those of other lines are its doing only when
 * the file has none without it. */
static void
try_group (const ScanDoc *doc, const ScanGroup *group, gboolean is_file_good, ScanErrors *errors)
{
  g_autoptr (ScanDoc) copy = scan_doc_copy (doc);
  g_autoptr (ScanErrors) found = scan_errors_new_like (errors);

  apply_group (copy, group, found);
  scenario_free (scenario_resolve (copy, found));
  for (guint i = 0; i < scan_errors_count (found); i++) {
    ScanPlace place;
    const char *message = scan_errors_get (found, i, &place);
    gboolean is_own = FALSE;
    for (guint e = 0; e < group->entries->len; e++) {
      const ScanEntry *entry = g_ptr_array_index (group->entries, e);
      is_own |= entry->place.file == place.file && entry->place.line == place.line;
    }
    if (is_own)
      scan_errors_add (errors, place, "%s", message);
    else if (is_file_good)
      scan_errors_add (errors, group->place, "with [%s]: line %u: %s", group->name, place.line,
                       message);
  }
}

static void
check_name (const ScanGroup *group, ScanErrors *errors)
{
  const char *name = group->name + strlen (GROUP_KIND) + 1;

  if (testbed_find (name))
    return;
  const char *nearest = suggest_nearest_strv (name, testbed_list ());
  scan_errors_add (errors, group->place, "there is no testbed '%s'%s%s%s", name,
                   nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

/* Takes the groups of all testbeds out of @doc. (transfer full) as a document of their own */
static ScanDoc *
take_groups (ScanDoc *doc)
{
  ScanDoc *taken = scan_doc_new ();

  for (guint i = 0; i < doc->groups->len;) {
    const ScanGroup *group = g_ptr_array_index (doc->groups, i);
    if (!g_str_has_prefix (group->name, GROUP_KIND " ")) {
      i++;
      continue;
    }
    ScanGroup *copy = scan_doc_add (taken, group->name, group->place);
    for (guint e = 0; e < group->entries->len; e++) {
      const ScanEntry *entry = g_ptr_array_index (group->entries, e);
      scan_group_set (copy, entry->key, entry->value, entry->place);
    }
    g_ptr_array_remove_index (doc->groups, i);
  }
  return taken;
}

void
scenario_testbed_apply (ScanDoc *doc, const char *testbed, ScanErrors *errors)
{
  g_autofree char *used = g_strconcat (GROUP_KIND " ", testbed ? testbed : "sim", NULL);
  g_autoptr (ScanDoc) groups = take_groups (doc);

  if (groups->groups->len == 0)
    return;
  g_autoptr (ScanErrors) plain = scan_errors_new_like (errors);
  scenario_free (scenario_resolve (doc, plain));
  gboolean is_file_good = scan_errors_count (errors) == 0 && scan_errors_count (plain) == 0;
  for (guint i = 0; i < groups->groups->len; i++) {
    const ScanGroup *group = g_ptr_array_index (groups->groups, i);
    check_name (group, errors);
    if (strcmp (group->name, used) != 0)
      try_group (doc, group, is_file_good, errors);
  }
  const ScanGroup *group = scan_doc_find (groups, used);
  if (group)
    apply_group (doc, group, errors);
}
