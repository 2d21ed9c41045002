/* SPDX-License-Identifier: Apache-2.0 */
/* scenario.c - loading from end to end, looking up, freeing. */
#include "harness/scenario-private.h"

#include "core/digest.h"

#include <string.h>

/* ---- freeing ---- */

void
scenario_link_free (gpointer data)
{
  ScenarioLink *link = data;
  g_free (link->name);
  g_free (link);
}

void
scenario_flow_free (gpointer data)
{
  ScenarioFlow *flow = data;
  g_free (flow->name);
  g_free (flow->group);
  g_free (flow);
}

void
scenario_event_free (gpointer data)
{
  ScenarioEvent *event = data;
  g_free (event->name);
  g_array_unref (event->targets);
  g_free (event);
}

void
scenario_expect_free (gpointer data)
{
  ScenarioExpect *expect = data;
  g_free (expect->name);
  g_free (expect->text);
  g_free (expect);
}

void
scenario_sweep_free (gpointer data)
{
  ScenarioSweep *sweep = data;
  g_free (sweep->group);
  g_free (sweep->key);
  g_ptr_array_unref (sweep->values);
  g_free (sweep);
}

static Scenario *
scenario_new (void)
{
  Scenario *scenario = g_new0 (Scenario, 1);
  scenario->traces = g_ptr_array_new_with_free_func (scenario_trace_free);
  scenario->bottlenecks = g_ptr_array_new_with_free_func (scenario_bottleneck_free);
  scenario->cross = g_ptr_array_new_with_free_func (scenario_cross_free);
  scenario->links = g_ptr_array_new_with_free_func (scenario_link_free);
  scenario->flows = g_ptr_array_new_with_free_func (scenario_flow_free);
  scenario->events = g_ptr_array_new_with_free_func (scenario_event_free);
  scenario->expects = g_ptr_array_new_with_free_func (scenario_expect_free);
  scenario->sweeps = g_ptr_array_new_with_free_func (scenario_sweep_free);
  return scenario;
}

void
scenario_free (Scenario *scenario)
{
  if (!scenario)
    return;
  g_free (scenario->name);
  g_free (scenario->path);
  g_free (scenario->text);
  g_free (scenario->hash);
  g_free (scenario->title);
  g_free (scenario->description);
  g_ptr_array_unref (scenario->traces);
  g_ptr_array_unref (scenario->bottlenecks);
  g_ptr_array_unref (scenario->cross);
  g_ptr_array_unref (scenario->links);
  g_ptr_array_unref (scenario->flows);
  g_ptr_array_unref (scenario->events);
  g_ptr_array_unref (scenario->expects);
  g_ptr_array_unref (scenario->sweeps);
  g_free (scenario);
}

/* ---- looking up ---- */

/* The items' first member is the name. */
static int
find_by_name (const GPtrArray *items, const char *name)
{
  for (guint i = 0; i < items->len; i++)
    if (strcmp (*(char **)g_ptr_array_index (items, i), name) == 0)
      return (int)i;
  return -1;
}

static const char **
list_names (const GPtrArray *items)
{
  const char **names = g_new0 (const char *, items->len + 1);
  for (guint i = 0; i < items->len; i++)
    names[i] = *(char **)g_ptr_array_index (items, i);
  return names;
}

G_STATIC_ASSERT (G_STRUCT_OFFSET (ScenarioTrace, name) == 0);
G_STATIC_ASSERT (G_STRUCT_OFFSET (ScenarioBottleneck, name) == 0);
G_STATIC_ASSERT (G_STRUCT_OFFSET (ScenarioLink, name) == 0);
G_STATIC_ASSERT (G_STRUCT_OFFSET (ScenarioFlow, name) == 0);
G_STATIC_ASSERT (G_STRUCT_OFFSET (ScenarioEvent, name) == 0);

int
scenario_find_trace (const Scenario *scenario, const char *name)
{
  return find_by_name (scenario->traces, name);
}

int
scenario_find_bottleneck (const Scenario *scenario, const char *name)
{
  return find_by_name (scenario->bottlenecks, name);
}

int
scenario_find_link (const Scenario *scenario, const char *name)
{
  return find_by_name (scenario->links, name);
}

int
scenario_find_flow (const Scenario *scenario, const char *name)
{
  return find_by_name (scenario->flows, name);
}

int
scenario_find_event (const Scenario *scenario, const char *name)
{
  return find_by_name (scenario->events, name);
}

const char **
scenario_list_links (const Scenario *scenario)
{
  return list_names (scenario->links);
}

const char **
scenario_list_flows (const Scenario *scenario)
{
  return list_names (scenario->flows);
}

const char **
scenario_list_events (const Scenario *scenario)
{
  return list_names (scenario->events);
}

const char *
scenario_carrier_to_string (ScenarioCarrier carrier)
{
  g_assert ((guint)carrier < SCENARIO_N_CARRIERS);
  return scenario_carrier_names[carrier];
}

const char *
scenario_side_to_string (ScenarioSide side)
{
  g_assert ((guint)side < SCENARIO_N_SIDES);
  return scenario_side_names[side];
}

const char *
scenario_traffic_kind_to_string (ScenarioTrafficKind kind)
{
  g_assert ((guint)kind < SCENARIO_N_TRAFFIC_KINDS);
  return scenario_traffic_kind_names[kind];
}

const char *
scenario_verb_to_string (ScenarioVerb verb)
{
  g_assert ((guint)verb < SCENARIO_N_VERBS);
  return scenario_verb_names[verb];
}

const char *
scenario_inject_to_string (ScenarioInject inject)
{
  g_assert ((guint)inject < SCENARIO_N_INJECTS);
  return scenario_inject_names[inject];
}

/* ---- loading ---- */

Scenario *
scenario_resolve (const ScanDoc *doc, ScanErrors *errors)
{
  Reader reader = { errors, doc, scenario_new () };

  reader_check_groups (&reader);
  reader_read_scenario (&reader);
  reader_read_endpoints (&reader);
  reader_read_traces (&reader);
  reader_read_bottlenecks (&reader);
  reader_read_links (&reader);
  reader_read_cross (&reader);
  reader_read_flows (&reader);
  reader_read_events (&reader);
  reader_read_expects (&reader);
  reader_read_sweep (&reader);
  reader_check_flows (&reader);
  reader_check_events (&reader);
  return reader.scenario;
}

/* "dir/silent-link.ini" to "silent-link". */
static char *
make_name (const char *path)
{
  char *name = g_path_get_basename (path);
  if (g_str_has_suffix (name, ".ini"))
    name[strlen (name) - strlen (".ini")] = '\0';
  return name;
}

static void
set_hash (Scenario *scenario)
{
  g_autoptr (CaimanDigest) digest = caiman_digest_new ();
  g_autofree char *text = scenario_print (scenario);

  caiman_digest_add_bytes (digest, text, strlen (text));
  scenario->hash = caiman_digest_get_hex (digest);
}

/* Takes @doc (nullable). The title needs the name, so that is given before. */
static Scenario *
finish (ScanDoc *doc, const char *name, const ScenarioOverrides *overrides, ScanErrors *errors,
        GPtrArray *errors_out)
{
  Scenario *scenario = NULL;

  if (doc) {
    scenario_testbed_apply (doc, overrides ? overrides->testbed : NULL, errors);
    if (overrides)
      scenario_layers_apply (doc, overrides, errors);
    scenario = scenario_resolve (doc, errors);
    sweep_check_values (scenario, doc, errors);
  }
  scan_doc_free (doc);
  if (scan_errors_count (errors) > 0) {
    scan_errors_flush (errors, errors_out);
    scenario_free (scenario);
    return NULL;
  }
  scenario->name = make_name (name);
  if (!scenario->title)
    scenario->title = g_strdup (scenario->name);
  set_hash (scenario);
  return scenario;
}

Scenario *
scenario_load (const char *path, const ScenarioOverrides *overrides, GPtrArray *errors_out)
{
  g_autoptr (ScanErrors) errors = scan_errors_new ();
  g_autofree char *text = NULL;
  ScanDoc *doc = scenario_layers_load (path, errors, &text);
  Scenario *scenario = finish (doc, path, overrides, errors, errors_out);

  if (scenario) {
    scenario->path = g_strdup (path);
    scenario->text = g_steal_pointer (&text);
  }
  return scenario;
}

Scenario *
scenario_parse (const char *name, const char *text, gsize size, const ScenarioOverrides *overrides,
                GPtrArray *errors_out)
{
  g_autoptr (ScanErrors) errors = scan_errors_new ();
  ScanDoc *doc = scenario_layers_parse (name, text, size, errors);
  Scenario *scenario = finish (doc, name, overrides, errors, errors_out);

  if (scenario)
    scenario->text = g_strndup (text, size);
  return scenario;
}
