/* SPDX-License-Identifier: Apache-2.0 */
/* scenario-traffic.c - [traffic NAME]. */
#include "harness/scenario-private.h"

#include "config/units.h"

#include <string.h>

#define DEFAULT_MESSAGE_BYTES  "16KiB"
#define DEFAULT_WRITE_BYTES    "1400B"
#define DEFAULT_REQUEST_BYTES  "1kB"
#define DEFAULT_RESPONSE_BYTES "100kB"

#define KINDS(bits) (bits)
#define BULK        KINDS (1 << SCENARIO_TRAFFIC_BULK)
#define RATE        KINDS (1 << SCENARIO_TRAFFIC_RATE)
#define REQUEST     KINDS (1 << SCENARIO_TRAFFIC_REQUEST)
#define ON_OFF      KINDS (1 << SCENARIO_TRAFFIC_ON_OFF)
#define MESSAGES    KINDS (1 << SCENARIO_TRAFFIC_MESSAGES)
#define ALL_KINDS   KINDS ((1 << SCENARIO_N_TRAFFIC_KINDS) - 1)

static const char *const known_keys[] = {
  "from",          "kind",     "mode", "starts", "stops",        "close",        "reader-rate",
  "reader-starts", "bytes",    "rate", "count",  "message-size", "request-size", "response-size",
  "think-time",    "interval", "on",   "off",    NULL,
};

/* Which kinds each of known_keys belongs to. */
static const guint key_kinds[] = {
  ALL_KINDS,
  ALL_KINDS,
  ALL_KINDS,
  ALL_KINDS,
  ALL_KINDS,
  ALL_KINDS,
  ALL_KINDS,
  ALL_KINDS,
  BULK | RATE | ON_OFF,
  RATE | ON_OFF,
  REQUEST | MESSAGES,
  BULK | RATE | ON_OFF | MESSAGES,
  REQUEST,
  REQUEST,
  REQUEST,
  MESSAGES,
  ON_OFF,
  ON_OFF,
};
G_STATIC_ASSERT (G_N_ELEMENTS (known_keys) == G_N_ELEMENTS (key_kinds) + 1);

static const char *const from_names[] = { "client", "server", "both", NULL };

static void
check_keys (const Fields *fields, const ScenarioFlow *flow)
{
  fields_check_known (fields, known_keys);
  for (guint i = 0; known_keys[i]; i++) {
    const ScanEntry *entry = fields_find (fields, known_keys[i]);
    if (entry && !(key_kinds[i] & 1u << flow->kind))
      fields_error (fields, entry, "is not for traffic of kind %s",
                    scenario_traffic_kind_names[flow->kind]);
  }
  const ScanEntry *size = fields_find (fields, "message-size");
  if (size && flow->kind == SCENARIO_TRAFFIC_BULK && flow->mode == SCENARIO_MODE_STREAM)
    fields_error (fields, size, "bulk traffic has messages only with mode = messages");
}

static void
read_size (const Fields *fields, const char *key, const char *fallback, gint64 max,
           ScenarioSize *size)
{
  const ScanEntry *entry = fields_find (fields, key);
  char *problem = value_parse_size (fallback, max, size);

  g_assert (!problem);
  if (entry)
    fields_take_problem (fields, entry, value_parse_size (entry->value, max, size));
}

/* normal, late T, never. */
static void
read_close (const Fields *fields, ScenarioFlow *flow)
{
  const ScanEntry *entry = fields_find (fields, "close");

  flow->close = SCENARIO_CLOSE_NORMAL;
  if (!entry || strcmp (entry->value, "normal") == 0)
    return;
  if (strcmp (entry->value, "never") == 0) {
    flow->close = SCENARIO_CLOSE_NEVER;
  } else if (g_str_has_prefix (entry->value, "late ")) {
    g_autofree char *time = g_strstrip (g_strdup (entry->value + strlen ("late ")));
    flow->close = SCENARIO_CLOSE_LATE;
    fields_take_problem (fields, entry,
                         value_parse_time (time, 1, SCENARIO_TIME_MAX_NS, &flow->close_delay_ns));
  } else {
    fields_error (fields, entry, "'%s' is not normal, late T or never", entry->value);
  }
}

static void
read_times (const Fields *fields, ScenarioFlow *flow)
{
  const ScanEntry *stops = fields_find (fields, "stops");

  flow->starts_ns = fields_time (fields, "starts", 0, 0, SCENARIO_TIME_MAX_NS);
  flow->stops_ns =
      fields_time_or_never (fields, "stops", CAIMAN_TIME_NEVER, 0, SCENARIO_TIME_MAX_NS);
  if (stops && flow->stops_ns <= flow->starts_ns)
    fields_error (fields, stops, "it stops before it starts");
  flow->reader_rate_bps = fields_rate (fields, "reader-rate", SCENARIO_RATE_UNLIMITED);
  flow->reader_starts_ns = fields_time (fields, "reader-starts", 0, 0, SCENARIO_TIME_MAX_NS);
}

/* The keys that only some kinds have. */
static void
read_amounts (const Fields *fields, ScenarioFlow *flow)
{
  guint kind = 1u << flow->kind;
  gint64 size_max =
      flow->mode == SCENARIO_MODE_MESSAGES ? CAIMAN_FRAME_PAYLOAD_MAX_BYTES : SCENARIO_BYTES_MAX;

  flow->bytes = fields_bytes (fields, "bytes", G_MAXINT64, 1, SCENARIO_BYTES_MAX);
  flow->count = fields_count (fields, "count", G_MAXINT64, 1, SCENARIO_BYTES_MAX);
  read_size (fields, "message-size",
             kind & (RATE | ON_OFF) ? DEFAULT_WRITE_BYTES : DEFAULT_MESSAGE_BYTES,
             CAIMAN_FRAME_PAYLOAD_MAX_BYTES, &flow->message_size);
  read_size (fields, "request-size", DEFAULT_REQUEST_BYTES, size_max, &flow->request_size);
  read_size (fields, "response-size", DEFAULT_RESPONSE_BYTES, size_max, &flow->response_size);
  flow->interval_ns = fields_time (fields, "interval", 0, 0, SCENARIO_TIME_MAX_NS);
  flow->think_time_ns = fields_time (fields, "think-time", 0, 0, SCENARIO_TIME_MAX_NS);
  if (kind & (RATE | ON_OFF) && fields_require (fields, "rate")) {
    flow->rate_bps = fields_rate (fields, "rate", CAIMAN_NS_PER_S);
    if (flow->rate_bps == SCENARIO_RATE_UNLIMITED)
      fields_error (fields, fields_find (fields, "rate"), "traffic without a limit is kind = bulk");
  }
  if (kind & ON_OFF) {
    (void)fields_require (fields, "on");
    (void)fields_require (fields, "off");
    flow->on_ns = fields_time (fields, "on", 1, CAIMAN_NS_PER_US, SCENARIO_TIME_MAX_NS);
    flow->off_ns = fields_time (fields, "off", 1, CAIMAN_NS_PER_US, SCENARIO_TIME_MAX_NS);
  }
}

static void
check_end (Reader *reader, const Fields *fields, const ScenarioFlow *flow)
{
  const char *amount = 1u << flow->kind & (REQUEST | MESSAGES) ? "count" : "bytes";

  if (!fields_find (fields, amount) && !fields_find (fields, "stops") &&
      !reader->scenario->ends_at_duration)
    fields_group_error (fields,
                        "has no end: give '%s' or 'stops', or 'ends = at-duration' in "
                        "[scenario]",
                        amount);
}

static ScenarioFlow *
read_flow (Reader *reader, const Fields *fields, const char *name)
{
  ScenarioFlow *flow = g_new0 (ScenarioFlow, 1);
  gboolean is_kind_given = fields_require (fields, "kind") != NULL;

  flow->name = g_strdup (name);
  flow->group = g_strdup (name);
  flow->line = fields->group->place.line;
  flow->kind = (ScenarioTrafficKind)fields_choice (fields, "kind", SCENARIO_TRAFFIC_BULK,
                                                   scenario_traffic_kind_names);
  gboolean is_messages = 1u << flow->kind & (REQUEST | MESSAGES);
  flow->mode = (ScenarioMode)fields_choice (
      fields, "mode", is_messages ? SCENARIO_MODE_MESSAGES : SCENARIO_MODE_STREAM,
      scenario_mode_names);
  if (flow->kind == SCENARIO_TRAFFIC_MESSAGES && flow->mode == SCENARIO_MODE_STREAM)
    fields_error (fields, fields_find (fields, "mode"), "a stream has no messages");
  read_times (fields, flow);
  read_close (fields, flow);
  read_amounts (fields, flow);
  if (is_kind_given) {
    check_keys (fields, flow);
    check_end (reader, fields, flow);
  } else {
    fields_check_known (fields, known_keys);
  }
  return flow;
}

/* The same flow the other way round; @flow becomes NAME.up. */
static ScenarioFlow *
pair_flow (ScenarioFlow *flow)
{
  ScenarioFlow *back = g_memdup2 (flow, sizeof *flow);

  g_free (flow->name);
  flow->name = g_strconcat (flow->group, ".up", NULL);
  flow->is_paired = TRUE;
  back->name = g_strconcat (flow->group, ".down", NULL);
  back->group = g_strdup (flow->group);
  back->is_paired = TRUE;
  back->from = SCENARIO_SIDE_SERVER;
  return back;
}

void
reader_read_flows (Reader *reader)
{
  GPtrArray *flows = reader->scenario->flows;

  for (guint i = 0; i < reader->doc->groups->len; i++) {
    const ScanGroup *group = g_ptr_array_index (reader->doc->groups, i);
    Fields fields = { reader->errors, group };
    const char *name = reader_get_name (group, "traffic");
    /* The second of two groups of one name has been told by the scanner, and is not read. */
    if (!name || flows->len >= 2 * SCENARIO_ITEMS_MAX ||
        scan_doc_find (reader->doc, group->name) != group)
      continue;
    ScenarioFlow *flow = read_flow (reader, &fields, name);
    (void)fields_require (&fields, "from");
    int from = fields_choice (&fields, "from", SCENARIO_SIDE_CLIENT, from_names);
    g_ptr_array_add (flows, flow);
    if (from < SCENARIO_N_SIDES)
      flow->from = (ScenarioSide)from;
    else if (flow->kind == SCENARIO_TRAFFIC_REQUEST)
      fields_error (&fields, fields_find (&fields, "from"),
                    "requests come from one side, their responses from the other");
    else
      g_ptr_array_add (flows, pair_flow (flow));
  }
}

/* ---- checks ---- */

static gboolean
uses_direction (const ScenarioFlow *flow, guint side)
{
  return flow->from == side || flow->kind == SCENARIO_TRAFFIC_REQUEST;
}

/* PROTOCOL.md, section 5: a message is at most half the peer's receive buffer less one byte. */
static void
check_message_size (Reader *reader, const ScenarioFlow *flow, const ScenarioSize *size,
                    const char *key, guint sender)
{
  const CaimanConfig *receiver = &reader->scenario->endpoint[1 - sender].config;
  g_autofree char *group_name = g_strconcat ("traffic ", flow->group, NULL);
  const ScanGroup *group = scan_doc_find (reader->doc, group_name);
  const ScanEntry *entry = scan_group_find (group, key);
  Fields fields = { reader->errors, group };
  gint64 limit = receiver->receive_buffer_bytes / 2 - 1;

  if (flow->mode != SCENARIO_MODE_MESSAGES || size->max_bytes <= limit)
    return;
  g_autofree char *limit_text = units_format_bytes (limit);
  g_autofree char *message =
      g_strdup_printf ("a message may have %s at most (half of the %s's receive-buffer)",
                       limit_text, scenario_side_names[1 - sender]);
  if (entry)
    fields_error (&fields, entry, "%s", message);
  else
    fields_group_error (&fields, "%s: %s", key, message);
}

static void
check_flow (Reader *reader, const ScenarioFlow *flow)
{
  guint kind = 1u << flow->kind;

  if (kind & REQUEST) {
    check_message_size (reader, flow, &flow->request_size, "request-size", flow->from);
    check_message_size (reader, flow, &flow->response_size, "response-size", 1 - flow->from);
  } else {
    check_message_size (reader, flow, &flow->message_size, "message-size", flow->from);
  }
}

/* One byte stream per direction, or any number of flows of messages. */
static void
check_directions (Reader *reader, const Scenario *scenario)
{
  for (guint i = 1; i < scenario->flows->len; i++) {
    const ScenarioFlow *flow = scenario_get_flow (scenario, i);
    for (guint j = 0; j < i; j++) {
      const ScenarioFlow *other = scenario_get_flow (scenario, j);
      gboolean is_shared = (uses_direction (flow, 0) && uses_direction (other, 0)) ||
                           (uses_direction (flow, 1) && uses_direction (other, 1));
      ScanPlace place = { 0, flow->line };
      g_autofree char *group_name = g_strconcat ("traffic ", flow->group, NULL);
      place = scan_doc_find (reader->doc, group_name)->place;
      if (!is_shared ||
          (flow->mode == SCENARIO_MODE_MESSAGES && other->mode == SCENARIO_MODE_MESSAGES))
        continue;
      scan_errors_add (reader->errors, place,
                       "[traffic %s] and [traffic %s] share a direction, where a connection has "
                       "one byte stream: both need 'mode = messages'",
                       flow->group, other->group);
      break;
    }
  }
}

void
reader_check_flows (Reader *reader)
{
  Scenario *scenario = reader->scenario;

  for (guint i = 0; i < scenario->flows->len; i++)
    check_flow (reader, scenario_get_flow (scenario, i));
  check_directions (reader, scenario);
}
