/* SPDX-License-Identifier: Apache-2.0 */
/* scenario-link.c - [link NAME]. */
#include "harness/scenario-private.h"

#include "config/suggest.h"
#include "harness/presets.h"
#include "sim/trace.h"

#include <string.h>

#define DEFAULT_RECEIVE_BUFFER     (256 * 1024)
#define DEFAULT_CONNECT_TIMEOUT_NS (20 * CAIMAN_NS_PER_S)
#define HOUR_NS                    (3600 * CAIMAN_NS_PER_S)
#define NUMBER_MAX                 1000000

static const char *const known_keys[] = {
  "preset",
  "carrier",
  "rate",
  "up.rate",
  "down.rate",
  "delay",
  "up.delay",
  "down.delay",
  "jitter",
  "up.jitter",
  "down.jitter",
  "loss",
  "up.loss",
  "down.loss",
  "queue",
  "up.queue",
  "down.queue",
  "queue-discipline",
  "up.queue-discipline",
  "down.queue-discipline",
  "reorder",
  "up.reorder",
  "down.reorder",
  "duplicate",
  "up.duplicate",
  "down.duplicate",
  "corrupt-rate",
  "up.corrupt-rate",
  "down.corrupt-rate",
  "mtu",
  "up.mtu",
  "down.mtu",
  "bottleneck",
  "weight",
  "up.weight",
  "down.weight",
  "cost",
  "up.cost",
  "down.cost",
  "quota",
  "up.quota",
  "down.quota",
  "quota-period",
  "up.quota-period",
  "down.quota-period",
  "receive-buffer",
  "send-buffer",
  "congestion-control",
  "initial-window",
  "user-timeout",
  "pacing",
  "starts",
  "reconnect",
  "connect-timeout",
  "refused-by",
  NULL,
};

static const char *const refused_by_names[] = { "client", "server", "none", NULL };

/* The preset's keys with @group's own over them. */
static ScanGroup *
expand_preset (Reader *reader, ScanDoc *scratch, const ScanGroup *group)
{
  ScanGroup *expanded = scan_doc_add (scratch, group->name, group->place);
  const ScanEntry *entry = scan_group_find (group, "preset");
  const LinkPreset *preset = entry ? link_presets_find (entry->value) : NULL;
  Fields fields = { reader->errors, group };

  if (entry && !preset)
    fields_take_problem (&fields, entry,
                         value_unknown ("preset", entry->value, link_presets_get_names ()));
  for (const LinkPresetEntry *e = preset ? preset->entries : NULL; e && e->key; e++)
    scan_group_set (expanded, e->key, e->value, entry->place);
  for (guint i = 0; i < group->entries->len; i++) {
    const ScanEntry *own = g_ptr_array_index (group->entries, i);
    scenario_layer_set (expanded, own->key, own->value, own->place);
  }
  /* Again, because the group's own "rate" has displaced its own "up.rate" before it. */
  for (guint i = 0; i < group->entries->len; i++) {
    const ScanEntry *own = g_ptr_array_index (group->entries, i);
    scan_group_set (expanded, own->key, own->value, own->place);
  }
  return expanded;
}

static void
read_delay (Reader *reader, const Fields *fields, ScenarioDirection direction, ScenarioPath *path)
{
  const ScanEntry *entry = fields_find_direction (fields, "delay", direction);

  if (entry && !reader_take_trace (reader, fields, entry, SIM_TRACE_DELAY, &path->delay_trace))
    fields_take_problem (fields, entry,
                         value_parse_time (entry->value, 0, HOUR_NS, &path->delay_ns));
  entry = fields_find_direction (fields, "jitter", direction);
  if (entry)
    fields_take_problem (fields, entry, value_parse_jitter (entry->value, &path->jitter));
  entry = fields_find_direction (fields, "reorder", direction);
  if (entry && value_find_name (value_boolean_names, entry->value) < 0)
    fields_error (fields, entry, "'%s' is not yes or no", entry->value);
  path->reorders = entry && value_find_name (value_boolean_names, entry->value) == 1;
}

/* A probability. */
static void
read_chance (const Fields *fields, const char *key, ScenarioDirection direction, gint64 *ppb)
{
  const ScanEntry *entry = fields_find_direction (fields, key, direction);

  if (entry)
    fields_take_problem (fields, entry,
                         value_parse_percent_within (entry->value, 0, SCENARIO_PPB, ppb));
}

static void
read_path (Reader *reader, const Fields *fields, ScenarioDirection direction,
           gboolean preset_failed, ScenarioPath *path)
{
  const ScanEntry *entry;

  *path = (ScenarioPath) { 0 };
  reader_read_rate (reader, fields, direction, !preset_failed, path);
  read_delay (reader, fields, direction, path);
  entry = fields_find_direction (fields, "loss", direction);
  if (entry && !reader_take_trace (reader, fields, entry, SIM_TRACE_LOSS, &path->loss_trace))
    fields_take_problem (fields, entry, value_parse_loss (entry->value, &path->loss));
  reader_read_queue (fields, direction, path);
  read_chance (fields, "duplicate", direction, &path->duplicate_ppb);
  read_chance (fields, "corrupt-rate", direction, &path->corrupt_ppb);
  entry = fields_find_direction (fields, "mtu", direction);
  if (entry)
    fields_take_problem (fields, entry,
                         value_parse_mtu (entry->value, &path->mtu_bytes, &path->mtu_is_blackhole));
}

static void
read_bottleneck (Reader *reader, const Fields *fields, ScenarioLink *link)
{
  const ScanEntry *entry = fields_find (fields, "bottleneck");
  int index;

  if (!entry || strcmp (entry->value, "none") == 0)
    return;
  index = scenario_find_bottleneck (reader->scenario, entry->value);
  if (index < 0)
    fields_error (fields, entry, "there is no [bottleneck %s]", entry->value);
  link->bottleneck = (guint)(index + 1);
}

static void
read_quota (const Fields *fields, ScenarioDirection direction, ScenarioLinkTerms *terms)
{
  const ScanEntry *quota = fields_find_direction (fields, "quota", direction);
  const ScanEntry *period = fields_find_direction (fields, "quota-period", direction);
  gint64 period_ns = CAIMAN_TIME_NEVER;

  if (quota && strcmp (quota->value, "none") != 0)
    fields_take_problem (
        fields, quota,
        value_parse_bytes (quota->value, 1, SCENARIO_BYTES_MAX, &terms->quota_bytes));
  if (period)
    fields_take_problem (fields, period,
                         value_parse_time_or_never (period->value, CAIMAN_NS_PER_MS,
                                                    SCENARIO_TIME_MAX_NS, &period_ns));
  if (period && !quota)
    fields_error (fields, period, "there is no quota");
  terms->quota_period_ns = period_ns == CAIMAN_TIME_NEVER ? 0 : period_ns;
}

static void
read_terms (const Fields *fields, ScenarioDirection direction, ScenarioLinkTerms *terms)
{
  const ScanEntry *entry = fields_find_direction (fields, "weight", direction);

  terms->weight = 1;
  if (entry)
    fields_take_problem (fields, entry,
                         value_parse_count (entry->value, 1, NUMBER_MAX, &terms->weight));
  entry = fields_find_direction (fields, "cost", direction);
  if (entry)
    fields_take_problem (fields, entry,
                         value_parse_count (entry->value, 0, NUMBER_MAX, &terms->cost));
  read_quota (fields, direction, terms);
}

/* The carrier of this link or of [scenario]; read_links() tells when neither is given. */
static ScenarioCarrier
read_carrier (Reader *reader, const Fields *fields, gboolean *has_carrier)
{
  const ScanGroup *head = scan_doc_find (reader->doc, "scenario");
  Fields head_fields = { reader->errors, head };

  *has_carrier = TRUE;
  if (fields_find (fields, "carrier"))
    return (ScenarioCarrier)fields_choice (fields, "carrier", 0, scenario_carrier_names);
  if (head && fields_find (&head_fields, "carrier"))
    return (ScenarioCarrier)fields_choice (&head_fields, "carrier", 0, scenario_carrier_names);
  *has_carrier = FALSE;
  return SCENARIO_CARRIER_PIPE;
}

/* Whether a key of @group (nullable) looks like one that was to set the carrier: its misspelling is
 * an error already. */
static gboolean
has_misspelt_carrier (const ScanGroup *group)
{
  static const char *const names[] = { "carrier", NULL };

  for (guint i = 0; group && i < group->entries->len; i++) {
    const ScanEntry *entry = g_ptr_array_index (group->entries, i);
    if (suggest_nearest_strv (entry->key, names))
      return TRUE;
  }
  return FALSE;
}

static ScenarioLink *
read_link (Reader *reader, const Fields *fields, const char *name, gboolean *has_carrier)
{
  const ScanEntry *preset = fields_find (fields, "preset");
  gboolean preset_failed = preset && !link_presets_find (preset->value);
  gint64 client_reconnect_ns =
      reader->scenario->endpoint[SCENARIO_SIDE_CLIENT].config.reconnect_delay_ns;
  ScenarioLink *link = g_new0 (ScenarioLink, 1);

  link->name = g_strdup (name);
  link->line = fields->group->place.line;
  link->carrier = read_carrier (reader, fields, has_carrier);
  for (int d = SCENARIO_UP; d < SCENARIO_N_DIRECTIONS; d++) {
    read_path (reader, fields, (ScenarioDirection)d, preset_failed, &link->path[d]);
    read_terms (fields, (ScenarioDirection)d, &link->terms[d]);
  }
  if (link->carrier == SCENARIO_CARRIER_PIPE)
    link->receive_buffer_bytes =
        fields_bytes (fields, "receive-buffer", DEFAULT_RECEIVE_BUFFER, 1024, G_MAXUINT32);
  reader_read_tcp (reader, fields, link);
  link->starts_ns = fields_time_or_never (fields, "starts", 0, 0, SCENARIO_TIME_MAX_NS);
  link->reconnect_delay_ns = fields_time_or_never (fields, "reconnect", client_reconnect_ns,
                                                   CAIMAN_NS_PER_MS, SCENARIO_TIME_MAX_NS);
  link->connect_timeout_ns = fields_time (fields, "connect-timeout", DEFAULT_CONNECT_TIMEOUT_NS,
                                          CAIMAN_NS_PER_MS, SCENARIO_TIME_MAX_NS);
  int refused_by = fields_choice (fields, "refused-by", SCENARIO_N_SIDES, refused_by_names);
  if (refused_by < SCENARIO_N_SIDES)
    link->refused_by[refused_by] = TRUE;
  read_bottleneck (reader, fields, link);
  fields_check_known (fields, known_keys);
  return link;
}

static gboolean
has_packets (const ScenarioPath *path)
{
  return path->rate_trace || path->delay_trace || path->loss_trace ||
         path->discipline.kind != SCENARIO_DISCIPLINE_TAIL_DROP || path->reorders ||
         path->duplicate_ppb > 0 || path->corrupt_ppb > 0 || path->mtu_bytes > 0;
}

gboolean
scenario_link_has_packets (const ScenarioLink *link)
{
  return link->bottleneck > 0 || has_packets (&link->path[SCENARIO_UP]) ||
         has_packets (&link->path[SCENARIO_DOWN]);
}

void
reader_read_links (Reader *reader)
{
  const ScanGroup *head = scan_doc_find (reader->doc, "scenario");
  g_autoptr (ScanDoc) scratch = scan_doc_new ();
  GPtrArray *links = reader->scenario->links;
  ScanPlace place = head ? head->place : (ScanPlace) { 0, 1 };

  for (guint i = 0; i < reader->doc->groups->len; i++) {
    const ScanGroup *group = g_ptr_array_index (reader->doc->groups, i);
    const char *name = reader_get_name (group, "link");
    gboolean has_carrier;
    if (!name || scenario_find_link (reader->scenario, name) >= 0 ||
        links->len == SCENARIO_ITEMS_MAX)
      continue;
    Fields fields = { reader->errors, expand_preset (reader, scratch, group) };
    g_ptr_array_add (links, read_link (reader, &fields, name, &has_carrier));
    if (!has_carrier && !has_misspelt_carrier (head) && !has_misspelt_carrier (group))
      fields_group_error (&fields, "has no carrier: say 'carrier = pipe' or 'carrier = tcp' here "
                                   "or in [scenario]");
  }
  reader_check_tcp (reader);
  if (links->len == 0)
    scan_errors_add (reader->errors, place, "there is no [link NAME] group");
}
