/* SPDX-License-Identifier: Apache-2.0 */
/* scenario-event.c - [event NAME]: when it happens and what belongs together. The action ("do =")
 * is scenario-action.c's. */
#include "harness/scenario-private.h"

#include "harness/scenario-action.h"
#include "config/units.h"

#include <string.h>

static const char *const known_keys[] = { "at", "when", "after", "do", NULL };

/* ---- triggers ---- */

static void
read_at (Reader *reader, const Fields *fields, const ScanEntry *entry, ScenarioEvent *event)
{
  gint64 duration_ns = reader->scenario->duration_ns;

  event->trigger = SCENARIO_TRIGGER_AT;
  event->trigger_ns = fields_time (fields, "at", 0, 0, SCENARIO_TIME_MAX_NS);
  if (event->trigger_ns >= duration_ns) {
    g_autofree char *duration = units_format_time (duration_ns);
    fields_error (fields, entry, "the run lasts %s at most", duration);
  }
}

/* EVENT or EVENT + T. */
static void
read_after (Reader *reader, const Fields *fields, const ScanEntry *entry, ScenarioEvent *event)
{
  g_auto (GStrv) parts = g_strsplit (entry->value, "+", 2);
  g_autofree const char **names = scenario_list_events (reader->scenario);
  int other = scenario_find_event (reader->scenario, g_strstrip (parts[0]));

  event->trigger = SCENARIO_TRIGGER_AFTER;
  if (parts[1])
    fields_take_problem (
        fields, entry,
        value_parse_time (g_strstrip (parts[1]), 0, SCENARIO_TIME_MAX_NS, &event->trigger_ns));
  if (other < 0)
    fields_take_problem (fields, entry, value_unknown ("event", parts[0], names));
  else
    event->trigger_event = (guint)other;
}

/* "delivered" or "messages" behind the flow's name. */
static gboolean
split_progress (char *left, ScenarioTrigger *trigger_out)
{
  char *dot = strrchr (left, '.');

  if (dot && strcmp (dot, ".delivered") == 0)
    *trigger_out = SCENARIO_TRIGGER_DELIVERED;
  else if (dot && strcmp (dot, ".messages") == 0)
    *trigger_out = SCENARIO_TRIGGER_MESSAGES;
  else
    return FALSE;
  *dot = '\0';
  return TRUE;
}

static void
check_threshold (const Fields *fields, const ScanEntry *entry, const ScenarioFlow *flow,
                 const ScenarioEvent *event)
{
  gboolean by_messages = event->trigger == SCENARIO_TRIGGER_MESSAGES;
  gint64 total = by_messages ? flow->count : flow->bytes;
  g_autofree char *total_text = NULL;

  if (by_messages && flow->mode == SCENARIO_MODE_STREAM && flow->kind != SCENARIO_TRAFFIC_REQUEST)
    fields_error (fields, entry, "'%s' is a byte stream without messages: use '%s.delivered'",
                  flow->name, flow->name);
  if (event->threshold <= total)
    return;
  total_text = by_messages ? g_strdup_printf ("%" G_GINT64_FORMAT " messages", total)
                           : units_format_bytes (total);
  fields_error (fields, entry, "'%s' has only %s in all", flow->name, total_text);
}

/* FLOW.delivered >= BYTES, FLOW.messages >= N. */
static void
read_when (Reader *reader, const Fields *fields, const ScanEntry *entry, ScenarioEvent *event)
{
  g_auto (GStrv) sides = g_strsplit (entry->value, ">=", 2);
  char *left = g_strstrip (sides[0]);
  char *problem;
  guint flow;

  event->trigger = SCENARIO_TRIGGER_DELIVERED;
  if (!sides[1] || !split_progress (left, &event->trigger)) {
    fields_error (fields, entry, "'%s' is not 'FLOW.delivered >= BYTES' or 'FLOW.messages >= N'",
                  entry->value);
    return;
  }
  char *right = g_strstrip (sides[1]);
  problem = action_find_flow (reader->scenario, left, &flow);
  if (!problem && event->trigger == SCENARIO_TRIGGER_DELIVERED)
    problem = value_parse_bytes (right, 1, SCENARIO_BYTES_MAX, &event->threshold);
  else if (!problem)
    problem = value_parse_count (right, 1, SCENARIO_BYTES_MAX, &event->threshold);
  if (problem) {
    fields_take_problem (fields, entry, problem);
    return;
  }
  event->trigger_flow = flow;
  check_threshold (fields, entry, scenario_get_flow (reader->scenario, flow), event);
}

static void
read_trigger (Reader *reader, const Fields *fields, ScenarioEvent *event)
{
  const ScanEntry *at = fields_find (fields, "at");
  const ScanEntry *when = fields_find (fields, "when");
  const ScanEntry *after = fields_find (fields, "after");

  if ((at != NULL) + (when != NULL) + (after != NULL) != 1) {
    fields_group_error (fields, "needs one of 'at', 'when' and 'after'");
    return;
  }
  if (at)
    read_at (reader, fields, at, event);
  if (when)
    read_when (reader, fields, when, event);
  if (after)
    read_after (reader, fields, after, event);
}

char *
event_format_trigger (const Scenario *scenario, const ScenarioEvent *event)
{
  g_autofree char *number = NULL;

  switch (event->trigger) {
  case SCENARIO_TRIGGER_AT:
    number = units_format_time (event->trigger_ns);
    return g_strdup_printf ("at = %s", number);
  case SCENARIO_TRIGGER_AFTER:
    number = units_format_time (event->trigger_ns);
    return g_strdup_printf ("after = %s + %s",
                            scenario_get_event (scenario, event->trigger_event)->name, number);
  case SCENARIO_TRIGGER_DELIVERED:
    number = units_format_bytes (event->threshold);
    return g_strdup_printf ("when = %s.delivered >= %s",
                            scenario_get_flow (scenario, event->trigger_flow)->name, number);
  case SCENARIO_TRIGGER_MESSAGES:
    break;
  }
  return g_strdup_printf ("when = %s.messages >= %" G_GINT64_FORMAT,
                          scenario_get_flow (scenario, event->trigger_flow)->name,
                          event->threshold);
}

/* ---- the group ---- */

void
reader_read_events (Reader *reader)
{
  GPtrArray *events = reader->scenario->events;
  guint next = 0;

  /* Names first, because an event may come after one that stands below it. */
  for (guint i = 0; i < reader->doc->groups->len && events->len < SCENARIO_ITEMS_MAX; i++) {
    const ScanGroup *group = g_ptr_array_index (reader->doc->groups, i);
    const char *name = reader_get_name (group, "event");
    if (!name || scenario_find_event (reader->scenario, name) >= 0)
      continue;
    ScenarioEvent *event = g_new0 (ScenarioEvent, 1);
    event->name = g_strdup (name);
    event->line = group->place.line;
    event->for_ns = CAIMAN_TIME_NEVER;
    event->repeat = 1;
    event->verb = SCENARIO_N_VERBS;
    event->targets = g_array_new (FALSE, FALSE, sizeof (ScenarioTarget));
    g_ptr_array_add (events, event);
  }
  for (guint i = 0; i < reader->doc->groups->len && next < events->len; i++) {
    const ScanGroup *group = g_ptr_array_index (reader->doc->groups, i);
    const char *name = reader_get_name (group, "event");
    ScenarioEvent *event = scenario_get_event (reader->scenario, next);
    if (!name || strcmp (name, event->name) != 0)
      continue;
    Fields fields = { reader->errors, group };
    next++;
    read_trigger (reader, &fields, event);
    const ScanEntry *action = fields_require (&fields, "do");
    if (action)
      action_read (reader->scenario, &fields, action, event);
    fields_check_known (&fields, known_keys);
  }
}

/* ---- checks ---- */

typedef struct {
  Reader *reader;
  const ScenarioEvent *event;
  Fields fields;
  const ScanEntry *action; /* NULL: already told */
} Check;

static gboolean
targets_link (const ScenarioEvent *event, guint link)
{
  for (guint i = 0; i < event->targets->len; i++)
    if (g_array_index (event->targets, ScenarioTarget, i).link == link)
      return TRUE;
  return FALSE;
}

/* Whether an event with one of the verbs of the bit set @verbs names @link. */
static gboolean
has_event (const Scenario *scenario, guint32 verbs, guint link)
{
  for (guint i = 0; i < scenario->events->len; i++) {
    const ScenarioEvent *event = scenario_get_event (scenario, i);
    if (event->verb < SCENARIO_N_VERBS && verbs & 1u << event->verb && targets_link (event, link))
      return TRUE;
  }
  return FALSE;
}

#define VERB(name) (1u << SCENARIO_VERB_##name)

/* What an event undoes must be done by another one. */
static const struct {
  ScenarioVerb verb;
  guint32 needs;
  const char *hint;
} inverses[] = {
  { SCENARIO_VERB_UP, VERB (DOWN) | VERB (FLAP), "down or flap" },
  { SCENARIO_VERB_RESUME, VERB (PAUSE) | VERB (BLACKHOLE) | VERB (PARTITION),
    "pause, blackhole or partition" },
  { SCENARIO_VERB_ACCEPT, VERB (REFUSE), "refuse" },
  { SCENARIO_VERB_UNBLOCK, VERB (BLOCK), "block" },
};

static gboolean
all_actions_understood (const Scenario *scenario)
{
  for (guint i = 0; i < scenario->events->len; i++)
    if (scenario_get_event (scenario, i)->verb == SCENARIO_N_VERBS)
      return FALSE;
  return TRUE;
}

static void
check_target (const Check *check, const ScenarioLink *link, guint index)
{
  const Scenario *scenario = check->reader->scenario;
  ScenarioVerb verb = check->event->verb;
  gboolean is_absent = link->starts_ns == CAIMAN_TIME_NEVER;

  if (verb == SCENARIO_VERB_ADD && !is_absent && !has_event (scenario, VERB (REMOVE), index))
    fields_error (&check->fields, check->action,
                  "link '%s' is there already (give it 'starts = never', or remove it first)",
                  link->name);
  else if (is_absent && !has_event (scenario, VERB (ADD), index))
    fields_error (&check->fields, check->action,
                  "link '%s' never is there ('starts = never', and no event adds it)", link->name);
  for (guint i = 0; i < G_N_ELEMENTS (inverses); i++)
    if (verb == inverses[i].verb && !has_event (scenario, inverses[i].needs, index))
      fields_error (&check->fields, check->action, "no event does %s to link '%s'",
                    inverses[i].hint, link->name);
}

/* Follows "after" from @event; told once per circle, at its first event in the file. */
static void
check_circle (const Check *check)
{
  const Scenario *scenario = check->reader->scenario;
  const ScenarioEvent *event = check->event;
  const ScenarioEvent *at = event;

  for (guint steps = 0; steps <= scenario->events->len; steps++) {
    if (at->trigger != SCENARIO_TRIGGER_AFTER)
      return;
    at = scenario_get_event (scenario, at->trigger_event);
    if (at == event) {
      const ScanEntry *after = fields_find (&check->fields, "after");
      if (after)
        fields_error (&check->fields, after, "the events wait for each other in a circle");
      return;
    }
  }
}

void
reader_check_events (Reader *reader)
{
  const Scenario *scenario = reader->scenario;
  gboolean is_complete = all_actions_understood (scenario);

  for (guint i = 0; i < scenario->events->len; i++) {
    const ScenarioEvent *event = scenario_get_event (scenario, i);
    g_autofree char *group_name = g_strconcat ("event ", event->name, NULL);
    Check check = { reader, event, { reader->errors, scan_doc_find (reader->doc, group_name) } };
    check.action = fields_find (&check.fields, "do");
    check_circle (&check);
    /* A missing counterpart may be the one that was not understood. */
    if (!is_complete)
      continue;
    for (guint t = 0; t < event->targets->len; t++) {
      guint link = g_array_index (event->targets, ScenarioTarget, t).link;
      check_target (&check, scenario_get_link (scenario, link), link);
    }
  }
}
