/* SPDX-License-Identifier: Apache-2.0 */
/* scenario-action.c - what an event does. Each reader of a part returns NULL or a message, and the
 * first message ends the line. */
#include "harness/scenario-action.h"

#include "config/units.h"

#include <string.h>

#define REPEAT_MAX 1000000
#define FRAMES_MAX 1000000

typedef enum {
  TAKES_DIRECTION = 1 << 0, /* TARGET.up, TARGET.down */
  TAKES_FOR = 1 << 1,
  TAKES_BY = 1 << 2 /* by client|server */
} VerbFlags;

typedef struct {
  const char *usage;
  ScenarioTargetKind target;
  guint flags;
} VerbInfo;

#define LINKS    SCENARIO_TARGET_LINKS
#define ENDPOINT SCENARIO_TARGET_ENDPOINT
#define FLOW     SCENARIO_TARGET_FLOW

const char *const scenario_verb_names[] = {
  "down",  "up",        "blackhole", "partition",     "pause",          "resume",      "reset",
  "close", "half-open", "rebind",    "refuse",        "accept",         "corrupt",     "set",
  "flap",  "add",       "remove",    "block",         "unblock",        "disconnect",  "inject",
  "crash", "restart",   "terminate", "drop-receiver", "close-receiver", "slow-reader", NULL,
};

static const VerbInfo verb_infos[] = {
  { "down LINKS [for T]", LINKS, TAKES_FOR },
  { "up LINKS", LINKS, 0 },
  { "blackhole LINKS[.up|.down] [for T]", LINKS, TAKES_DIRECTION | TAKES_FOR },
  { "partition LINKS[.up|.down] [for T]", LINKS, TAKES_DIRECTION | TAKES_FOR },
  { "pause LINKS[.up|.down] [for T]", LINKS, TAKES_DIRECTION | TAKES_FOR },
  { "resume LINKS[.up|.down]", LINKS, TAKES_DIRECTION },
  { "reset LINKS", LINKS, 0 },
  { "close LINKS", LINKS, 0 },
  { "half-open LINKS[.up|.down]", LINKS, TAKES_DIRECTION },
  { "rebind LINKS", LINKS, 0 },
  { "refuse LINKS [for T]", LINKS, TAKES_FOR },
  { "accept LINKS", LINKS, 0 },
  { "corrupt LINKS[.up|.down] [N | for T]", LINKS, TAKES_DIRECTION | TAKES_FOR },
  { "set LINKS[.up|.down] KEY=VALUE ... [for T]", LINKS, TAKES_DIRECTION | TAKES_FOR },
  { "flap LINKS on T off T [for T]", LINKS, TAKES_FOR },
  { "add LINKS", LINKS, 0 },
  { "remove LINKS", LINKS, 0 },
  { "block LINKS [by client|server] [for T]", LINKS, TAKES_FOR | TAKES_BY },
  { "unblock LINKS [by client|server]", LINKS, TAKES_BY },
  { "disconnect LINKS [by client|server]", LINKS, TAKES_BY },
  { "inject KIND LINKS[.up|.down]", LINKS, TAKES_DIRECTION },
  { "crash client|server [for T]", ENDPOINT, TAKES_FOR },
  { "restart client|server", ENDPOINT, 0 },
  { "terminate client|server", ENDPOINT, 0 },
  { "drop-receiver FLOW", FLOW, 0 },
  { "close-receiver FLOW", FLOW, 0 },
  { "slow-reader FLOW RATE [for T]", FLOW, TAKES_FOR },
};

G_STATIC_ASSERT (G_N_ELEMENTS (scenario_verb_names) == SCENARIO_N_VERBS + 1);
G_STATIC_ASSERT (G_N_ELEMENTS (verb_infos) == SCENARIO_N_VERBS);

static const char *const set_keys[] = { "rate", "delay", "jitter", "loss", "queue", "mtu", NULL };

/* The words of an action that are still to be read. */
typedef struct {
  const Scenario *scenario;
  ScenarioEvent *event;
  ScenarioVerb verb;
  const VerbInfo *info;
  char **words; /* NULL-terminated; moves on */
  gboolean has_by, has_repeat, has_on, has_off;
} Action;

static char *
usage_of (const Action *action)
{
  return g_strdup_printf ("usage: %s", action->info->usage);
}

/* ---- targets ---- */

char *
action_find_flow (const Scenario *scenario, const char *name, guint *flow_out)
{
  g_autofree const char **names = scenario_list_flows (scenario);
  int flow = scenario_find_flow (scenario, name);

  if (flow >= 0) {
    *flow_out = (guint)flow;
    return NULL;
  }
  for (guint i = 0; i < scenario->flows->len; i++)
    if (strcmp (scenario_get_flow (scenario, i)->group, name) == 0)
      return g_strdup_printf ("'%s' flows both ways: say '%s.up' or '%s.down'", name, name, name);
  if (!names[0])
    return g_strdup_printf ("unknown flow '%s': there is no [traffic NAME]", name);
  return value_unknown ("flow", name, names);
}

/* Cuts ".up" or ".down" off. */
static ScenarioDirections
cut_direction (char *target)
{
  char *dot = strrchr (target, '.');

  if (dot && strcmp (dot, ".up") == 0) {
    *dot = '\0';
    return SCENARIO_ONLY_UP;
  }
  if (dot && strcmp (dot, ".down") == 0) {
    *dot = '\0';
    return SCENARIO_ONLY_DOWN;
  }
  return SCENARIO_BOTH;
}

static char *
add_target (Action *action, guint link, ScenarioDirections directions)
{
  ScenarioTarget target = { link, directions };

  for (guint i = 0; i < action->event->targets->len; i++)
    if (g_array_index (action->event->targets, ScenarioTarget, i).link == link)
      return g_strdup_printf ("link '%s' is named twice",
                              scenario_get_link (action->scenario, link)->name);
  g_array_append_val (action->event->targets, target);
  return NULL;
}

/* One of "wifi", "wifi.up", "all", "all.down". */
static char *
read_link_target (Action *action, char *text)
{
  const Scenario *scenario = action->scenario;
  ScenarioDirections directions = cut_direction (text);
  g_autofree const char **names = scenario_list_links (scenario);
  char *problem = NULL;

  if (directions != SCENARIO_BOTH && !(action->info->flags & TAKES_DIRECTION))
    return g_strdup_printf ("'%s' has no direction: %s", scenario_verb_names[action->verb],
                            action->info->usage);
  /* A peer breaks the rules in one direction; upwards when nothing is said. */
  if (action->verb == SCENARIO_VERB_INJECT && directions == SCENARIO_BOTH)
    directions = SCENARIO_ONLY_UP;
  if (strcmp (text, "all") == 0) {
    for (guint i = 0; i < scenario->links->len && !problem; i++)
      problem = add_target (action, i, directions);
    return problem;
  }
  int link = scenario_find_link (scenario, text);
  if (link >= 0)
    return add_target (action, (guint)link, directions);
  return names[0] ? value_unknown ("link", text, names)
                  : g_strdup_printf ("unknown link '%s'", text);
}

/* "wifi,lte" or "wifi, lte". */
static char *
read_links (Action *action)
{
  g_autoptr (GString) list = g_string_new (*action->words++);
  char *problem = NULL;

  while (*action->words && (list->str[list->len - 1] == ',' || **action->words == ','))
    g_string_append (list, *action->words++);
  g_auto (GStrv) parts = g_strsplit (list->str, ",", -1);
  for (guint i = 0; parts[i] && !problem; i++)
    problem = read_link_target (action, parts[i]);
  return problem;
}

static char *
read_side (const char *word, ScenarioSide *side_out)
{
  int side = value_find_name (scenario_side_names, word);

  if (side < 0)
    return value_unknown ("side", word, scenario_side_names);
  *side_out = (ScenarioSide)side;
  return NULL;
}

static char *
read_target (Action *action)
{
  ScenarioEvent *event = action->event;
  const char *word = *action->words;

  if (!word)
    return usage_of (action);
  event->target_kind = action->info->target;
  if (event->target_kind == SCENARIO_TARGET_LINKS)
    return read_links (action);
  action->words++;
  switch (event->target_kind) {
  case SCENARIO_TARGET_ENDPOINT:
    return read_side (word, &event->side);
  case SCENARIO_TARGET_LINKS:
  case SCENARIO_TARGET_FLOW:
    break;
  }
  return action_find_flow (action->scenario, word, &event->flow);
}

/* ---- arguments ---- */

static char *
read_set_value (ScenarioEvent *event, const char *key, const char *value)
{
  ScenarioPath *path = &event->set_path;
  int index = value_find_name (set_keys, key);

  if (index < 0)
    return value_unknown ("key", key, set_keys);
  if (*value == '\0')
    return g_strdup_printf ("'%s' has no value", key);
  if (event->set_mask & 1u << index)
    return g_strdup_printf ("'%s' is set twice", key);
  event->set_mask |= 1u << index;
  switch (1 << index) {
  case SCENARIO_SET_RATE:
    return value_parse_rate (value, &path->rate_bps);
  case SCENARIO_SET_DELAY:
    return value_parse_time (value, 0, 3600 * CAIMAN_NS_PER_S, &path->delay_ns);
  case SCENARIO_SET_JITTER:
    return value_parse_jitter (value, &path->jitter);
  case SCENARIO_SET_LOSS:
    return value_parse_loss (value, &path->loss);
  case SCENARIO_SET_MTU:
    return value_parse_mtu (value, &path->mtu_bytes, &path->mtu_is_blackhole);
  default:
    return value_parse_queue (value, &path->queue);
  }
}

/* KEY=VALUE ...; "queue=50 packets" is two words. */
static char *
read_set (Action *action)
{
  char *problem = NULL;

  while (*action->words && strchr (*action->words, '=') && !problem) {
    g_auto (GStrv) parts = g_strsplit (*action->words++, "=", 2);
    g_autofree char *value = NULL;
    if (*action->words && strcmp (*action->words, "packets") == 0)
      value = g_strconcat (parts[1], " ", *action->words++, NULL);
    problem = read_set_value (action->event, parts[0], value ? value : parts[1]);
  }
  if (!problem && action->event->set_mask == 0)
    return usage_of (action);
  return problem;
}

static char *
read_slow_reader (Action *action)
{
  gint64 *rate_bps = &action->event->reader_rate_bps;

  if (!*action->words)
    return usage_of (action);
  return value_parse_rate (*action->words++, rate_bps);
}

static char *
read_corrupt (Action *action)
{
  action->event->corrupt_frames = 0;
  if (!*action->words || !g_ascii_isdigit (**action->words))
    return NULL;
  return value_parse_count (*action->words++, 1, FRAMES_MAX, &action->event->corrupt_frames);
}

/* Before the target. */
static char *
read_inject_kind (Action *action)
{
  int kind;

  if (!*action->words)
    return usage_of (action);
  kind = value_find_name (scenario_inject_names, *action->words);
  if (kind < 0)
    return value_unknown ("kind", *action->words, scenario_inject_names);
  action->event->inject = (ScenarioInject)kind;
  action->words++;
  return NULL;
}

static char *
read_arguments (Action *action)
{
  switch (action->verb) {
  case SCENARIO_VERB_SET:
    return read_set (action);
  case SCENARIO_VERB_SLOW_READER:
    return read_slow_reader (action);
  case SCENARIO_VERB_CORRUPT:
    return read_corrupt (action);
  default:
    return NULL;
  }
}

/* ---- options ---- */

static char *
read_for (Action *action, const char *value)
{
  if (!(action->info->flags & TAKES_FOR))
    return g_strdup_printf ("'%s' takes no 'for': %s", scenario_verb_names[action->verb],
                            action->info->usage);
  if (action->event->for_ns != CAIMAN_TIME_NEVER)
    return g_strdup ("'for' is given twice");
  return value_parse_time (value, 1, SCENARIO_TIME_MAX_NS, &action->event->for_ns);
}

static char *
read_by (Action *action, const char *value)
{
  if (!(action->info->flags & TAKES_BY))
    return g_strdup_printf ("'%s' takes no 'by': %s", scenario_verb_names[action->verb],
                            action->info->usage);
  if (action->has_by)
    return g_strdup ("'by' is given twice");
  action->has_by = TRUE;
  return read_side (value, &action->event->side);
}

/* on T and off T of a flap. */
static char *
read_phase (Action *action, const char *value, gboolean *has_phase, gint64 *phase_ns)
{
  if (action->verb != SCENARIO_VERB_FLAP)
    return g_strdup_printf ("only flap has 'on' and 'off': %s", action->info->usage);
  if (*has_phase)
    return g_strdup ("'on' or 'off' is given twice");
  *has_phase = TRUE;
  return value_parse_time (value, 1, SCENARIO_TIME_MAX_NS, phase_ns);
}

/* repeat N every T, or, of a progress, every BYTES or every N. */
static char *
read_repeat (Action *action, const char *value)
{
  ScenarioEvent *event = action->event;
  char *problem;

  if (action->has_repeat)
    return g_strdup ("'repeat' is given twice");
  action->has_repeat = TRUE;
  problem = value_parse_count (value, 1, REPEAT_MAX, &event->repeat);
  if (problem)
    return problem;
  if (!action->words[0] || strcmp (action->words[0], "every") != 0 || !action->words[1])
    return g_strdup ("'repeat N' needs 'every T'");
  const char *every = action->words[1];
  action->words += 2;
  if (event->trigger == SCENARIO_TRIGGER_MESSAGES && g_ascii_isdigit (every[strlen (every) - 1]))
    return value_parse_count (every, 1, SCENARIO_BYTES_MAX, &event->every_progress);
  if (event->trigger == SCENARIO_TRIGGER_DELIVERED && every[strlen (every) - 1] == 'B')
    return value_parse_bytes (every, 1, SCENARIO_BYTES_MAX, &event->every_progress);
  return value_parse_time (every, 1, SCENARIO_TIME_MAX_NS, &event->every_ns);
}

static char *
read_option (Action *action)
{
  const char *option = *action->words++;
  ScenarioEvent *event = action->event;

  if (value_find_name ((const char *const[]) { "for", "by", "repeat", "on", "off", NULL }, option) <
      0)
    return g_strdup_printf ("'%s' is not understood: %s [repeat N every T]", option,
                            action->info->usage);
  if (!*action->words)
    return g_strdup_printf ("'%s' needs a value", option);
  const char *value = *action->words++;
  if (strcmp (option, "for") == 0)
    return read_for (action, value);
  if (strcmp (option, "by") == 0)
    return read_by (action, value);
  if (strcmp (option, "repeat") == 0)
    return read_repeat (action, value);
  if (strcmp (option, "on") == 0)
    return read_phase (action, value, &action->has_on, &event->on_ns);
  return read_phase (action, value, &action->has_off, &event->off_ns);
}

/* What the parts of one line must keep to. */
static char *
check_action (const Action *action)
{
  ScenarioEvent *event = action->event;

  if (action->verb == SCENARIO_VERB_FLAP && !(action->has_on && action->has_off))
    return usage_of (action);
  if (action->verb == SCENARIO_VERB_CORRUPT) {
    if (event->corrupt_frames > 0 && event->for_ns != CAIMAN_TIME_NEVER)
      return g_strdup ("corrupt takes a number of frames or 'for T', not both");
    if (event->corrupt_frames == 0 && event->for_ns == CAIMAN_TIME_NEVER)
      event->corrupt_frames = 1;
  }
  if (event->every_ns > 0 && event->for_ns != CAIMAN_TIME_NEVER && event->for_ns >= event->every_ns)
    return g_strdup ("'for' must be shorter than 'every'");
  /* Without a threshold the trigger had an error, and has no flow. */
  if (event->every_progress > 0 && event->threshold > 0) {
    const ScenarioFlow *flow = scenario_get_flow (action->scenario, event->trigger_flow);
    gint64 total = event->trigger == SCENARIO_TRIGGER_MESSAGES ? flow->count : flow->bytes;
    if ((event->repeat - 1) > (total - event->threshold) / event->every_progress)
      return g_strdup_printf ("'%s' does not get so far", flow->name);
  }
  return NULL;
}

static char *
read_words (Action *action)
{
  char *problem = NULL;

  if (action->verb == SCENARIO_VERB_INJECT)
    problem = read_inject_kind (action);
  if (!problem)
    problem = read_target (action);
  if (!problem)
    problem = read_arguments (action);
  while (!problem && *action->words)
    problem = read_option (action);
  return problem ? problem : check_action (action);
}

void
action_read (const Scenario *scenario, const Fields *fields, const ScanEntry *entry,
             ScenarioEvent *event)
{
  g_auto (GStrv) words = scan_split (entry->value, ' ');
  int verb = words ? value_find_name (scenario_verb_names, words[0]) : -1;
  char *problem;

  if (!words) {
    fields_error (fields, entry, "parentheses do not match");
    return;
  }
  if (verb < 0) {
    fields_take_problem (fields, entry, value_unknown ("verb", words[0], scenario_verb_names));
    return;
  }
  Action action = { .scenario = scenario,
                    .event = event,
                    .verb = (ScenarioVerb)verb,
                    .info = &verb_infos[verb],
                    .words = words + 1 };
  problem = read_words (&action);
  if (!problem)
    event->verb = action.verb;
  fields_take_problem (fields, entry, problem);
}

/* ---- printing ---- */

static void
append_targets (GString *text, const Scenario *scenario, const ScenarioEvent *event)
{
  if (event->target_kind == SCENARIO_TARGET_ENDPOINT)
    g_string_append (text, scenario_side_names[event->side]);
  else if (event->target_kind == SCENARIO_TARGET_FLOW)
    g_string_append (text, scenario_get_flow (scenario, event->flow)->name);
  for (guint i = 0; i < event->targets->len; i++) {
    const ScenarioTarget *target = &g_array_index (event->targets, ScenarioTarget, i);
    g_string_append_printf (text, "%s%s%s", i > 0 ? "," : "",
                            scenario_get_link (scenario, target->link)->name,
                            target->directions == SCENARIO_ONLY_UP     ? ".up"
                            : target->directions == SCENARIO_ONLY_DOWN ? ".down"
                                                                       : "");
  }
}

/* @value is taken. */
static void
append_pair (GString *text, const char *format, char *value)
{
  g_string_append (text, format);
  g_string_append (text, value);
  g_free (value);
}

static void
append_set (GString *text, const ScenarioEvent *event)
{
  const ScenarioPath *path = &event->set_path;

  if (event->set_mask & SCENARIO_SET_RATE)
    append_pair (text, " rate=", value_format_rate (path->rate_bps));
  if (event->set_mask & SCENARIO_SET_DELAY)
    append_pair (text, " delay=", units_format_time (path->delay_ns));
  if (event->set_mask & SCENARIO_SET_JITTER)
    append_pair (text, " jitter=", value_format_jitter (&path->jitter));
  if (event->set_mask & SCENARIO_SET_LOSS)
    append_pair (text, " loss=", value_format_loss (&path->loss));
  if (event->set_mask & SCENARIO_SET_QUEUE)
    append_pair (text, " queue=", value_format_queue (&path->queue));
  if (event->set_mask & SCENARIO_SET_MTU)
    append_pair (text, " mtu=", value_format_mtu (path->mtu_bytes, path->mtu_is_blackhole));
}

static void
append_repeat (GString *text, const ScenarioEvent *event)
{
  if (event->every_ns == 0 && event->every_progress == 0)
    return;
  g_string_append_printf (text, " repeat %" G_GINT64_FORMAT, event->repeat);
  if (event->every_ns > 0)
    append_pair (text, " every ", units_format_time (event->every_ns));
  else if (event->trigger == SCENARIO_TRIGGER_DELIVERED)
    append_pair (text, " every ", units_format_bytes (event->every_progress));
  else
    g_string_append_printf (text, " every %" G_GINT64_FORMAT, event->every_progress);
}

char *
event_format_action (const Scenario *scenario, const ScenarioEvent *event)
{
  GString *text = g_string_new (scenario_verb_names[event->verb]);

  if (event->verb == SCENARIO_VERB_INJECT)
    g_string_append_printf (text, " %s", scenario_inject_names[event->inject]);
  g_string_append_c (text, ' ');
  append_targets (text, scenario, event);
  if (event->corrupt_frames > 0)
    g_string_append_printf (text, " %" G_GINT64_FORMAT, event->corrupt_frames);
  append_set (text, event);
  if (event->verb == SCENARIO_VERB_SLOW_READER)
    append_pair (text, " ", value_format_rate (event->reader_rate_bps));
  if (event->verb == SCENARIO_VERB_FLAP) {
    append_pair (text, " on ", units_format_time (event->on_ns));
    append_pair (text, " off ", units_format_time (event->off_ns));
  }
  if (verb_infos[event->verb].flags & TAKES_BY)
    g_string_append_printf (text, " by %s", scenario_side_names[event->side]);
  if (event->for_ns != CAIMAN_TIME_NEVER)
    append_pair (text, " for ", units_format_time (event->for_ns));
  append_repeat (text, event);
  return g_string_free (text, FALSE);
}
