/* SPDX-License-Identifier: Apache-2.0 */
/* scenario-shared.c - [bottleneck NAME], which links share, and [cross-traffic NAME]. */
#include "harness/scenario-private.h"

#include "sim/path.h"

#include <string.h>

#define HOUR_NS              (3600 * CAIMAN_NS_PER_S)
#define DEFAULT_PACKET_BYTES 1500
#define DEFAULT_QUEUE_NS     (50 * CAIMAN_NS_PER_MS)

const char *const scenario_cross_names[] = { "cbr", "poisson", "on-off", NULL };
G_STATIC_ASSERT (G_N_ELEMENTS (scenario_cross_names) == SCENARIO_N_CROSS_KINDS + 1);

static const char *const bottleneck_keys[] = { "rate",
                                               "up.rate",
                                               "down.rate",
                                               "queue",
                                               "up.queue",
                                               "down.queue",
                                               "queue-discipline",
                                               "up.queue-discipline",
                                               "down.queue-discipline",
                                               NULL };
static const char *const cross_keys[] = { "through", "kind",   "rate",  "packet-size", "on",
                                          "off",     "starts", "stops", NULL };

void
scenario_bottleneck_free (gpointer data)
{
  ScenarioBottleneck *bottleneck = data;
  g_free (bottleneck->name);
  g_free (bottleneck);
}

void
scenario_cross_free (gpointer data)
{
  ScenarioCross *cross = data;
  g_free (cross->name);
  g_free (cross);
}

/* ---- parts that links have, too ---- */

void
reader_read_rate (Reader *reader, const Fields *fields, ScenarioDirection direction,
                  gboolean is_required, ScenarioPath *path)
{
  const ScanEntry *entry = fields_find_direction (fields, "rate", direction);

  path->rate_bps = SCENARIO_RATE_UNLIMITED;
  if (!entry && is_required)
    fields_group_error (fields, "lacks the key 'rate' (or '%s.rate'%s)",
                        direction == SCENARIO_UP ? "up" : "down",
                        g_str_has_prefix (fields->group->name, "link ") ? ", or a preset" : "");
  if (!entry)
    return;
  if (reader_take_trace (reader, fields, entry, SIM_TRACE_RATE, &path->rate_trace)) {
    if (path->rate_trace > 0)
      path->rate_bps = sim_trace_get_mean_rate (
          scenario_get_trace (reader->scenario, path->rate_trace - 1)->trace);
    return;
  }
  fields_take_problem (fields, entry, value_parse_rate (entry->value, &path->rate_bps));
}

void
reader_read_queue (const Fields *fields, ScenarioDirection direction, ScenarioPath *path)
{
  const ScanEntry *entry = fields_find_direction (fields, "queue", direction);

  path->queue = (ScenarioQueue) { SCENARIO_QUEUE_TIME, DEFAULT_QUEUE_NS };
  if (entry)
    fields_take_problem (fields, entry, value_parse_queue (entry->value, &path->queue));
  entry = fields_find_direction (fields, "queue-discipline", direction);
  if (entry)
    fields_take_problem (fields, entry, value_parse_discipline (entry->value, &path->discipline));
}

/* ---- [bottleneck NAME] ---- */

static ScenarioBottleneck *
read_bottleneck (Reader *reader, const Fields *fields, const char *name)
{
  ScenarioBottleneck *bottleneck = g_new0 (ScenarioBottleneck, 1);
  g_autofree char *link = g_strdup_printf ("link %s", name);

  bottleneck->name = g_strdup (name);
  bottleneck->line = fields->group->place.line;
  if (scan_doc_find (reader->doc, link))
    fields_group_error (fields, "has the name of a link");
  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++) {
    reader_read_rate (reader, fields, (ScenarioDirection)d, TRUE, &bottleneck->path[d]);
    reader_read_queue (fields, (ScenarioDirection)d, &bottleneck->path[d]);
  }
  fields_check_known (fields, bottleneck_keys);
  return bottleneck;
}

void
reader_read_bottlenecks (Reader *reader)
{
  GPtrArray *bottlenecks = reader->scenario->bottlenecks;

  for (guint i = 0; i < reader->doc->groups->len; i++) {
    const ScanGroup *group = g_ptr_array_index (reader->doc->groups, i);
    const char *name = reader_get_name (group, "bottleneck");
    Fields fields = { reader->errors, group };
    if (name && scenario_find_bottleneck (reader->scenario, name) < 0 &&
        bottlenecks->len < SCENARIO_ITEMS_MAX)
      g_ptr_array_add (bottlenecks, read_bottleneck (reader, &fields, name));
  }
}

/* ---- [cross-traffic NAME] ---- */

/* "NAME.up" or "NAME.down". */
static void
read_through (Reader *reader, const Fields *fields, ScenarioCross *cross)
{
  const ScanEntry *entry = fields_require (fields, "through");
  g_auto (GStrv) parts = entry ? g_strsplit (entry->value, ".", 2) : NULL;
  gboolean is_up = parts && g_strcmp0 (parts[1], "up") == 0;
  int link, bottleneck;

  if (!entry)
    return;
  if (!is_up && g_strcmp0 (parts[1], "down") != 0) {
    fields_error (fields, entry, "'%s' is not LINK.up, LINK.down or the like of a bottleneck",
                  entry->value);
    return;
  }
  link = scenario_find_link (reader->scenario, parts[0]);
  bottleneck = scenario_find_bottleneck (reader->scenario, parts[0]);
  if (link < 0 && bottleneck < 0)
    fields_error (fields, entry, "there is no [link %s] and no [bottleneck %s]", parts[0],
                  parts[0]);
  cross->is_shared = link < 0;
  cross->index = (guint)MAX (0, link < 0 ? bottleneck : link);
  cross->direction = is_up ? SCENARIO_UP : SCENARIO_DOWN;
}

static void
read_amounts (const Fields *fields, ScenarioCross *cross)
{
  const ScanEntry *rate = fields_require (fields, "rate");
  gboolean is_on_off = cross->kind == SCENARIO_CROSS_ON_OFF;

  cross->rate_bps = 1;
  if (rate)
    fields_take_problem (
        fields, rate,
        value_parse_rate_within (rate->value, 1, SCENARIO_RATE_MAX_BPS, &cross->rate_bps));
  cross->packet_bytes = fields_bytes (fields, "packet-size", DEFAULT_PACKET_BYTES, 1, G_MAXUINT16);
  if (is_on_off && fields_require (fields, "on"))
    cross->on_ns = fields_time (fields, "on", 1, 1, HOUR_NS);
  if (is_on_off && fields_require (fields, "off"))
    cross->off_ns = fields_time (fields, "off", 1, 1, HOUR_NS);
  for (guint i = 0; !is_on_off && i < 2; i++) {
    const ScanEntry *entry = fields_find (fields, i == 0 ? "on" : "off");
    if (entry)
      fields_error (fields, entry, "only kind = on-off has it");
  }
  cross->starts_ns = fields_time (fields, "starts", 0, 0, SCENARIO_TIME_MAX_NS);
  cross->stops_ns =
      fields_time_or_never (fields, "stops", CAIMAN_TIME_NEVER, 0, SCENARIO_TIME_MAX_NS);
  if (cross->stops_ns <= cross->starts_ns)
    fields_error (fields, fields_find (fields, fields_find (fields, "stops") ? "stops" : "starts"),
                  "it stops before it starts");
}

static ScenarioCross *
read_cross (Reader *reader, const Fields *fields, const char *name)
{
  ScenarioCross *cross = g_new0 (ScenarioCross, 1);

  cross->name = g_strdup (name);
  cross->line = fields->group->place.line;
  read_through (reader, fields, cross);
  fields_require (fields, "kind");
  cross->kind =
      (ScenarioCrossKind)fields_choice (fields, "kind", SCENARIO_CROSS_CBR, scenario_cross_names);
  read_amounts (fields, cross);
  fields_check_known (fields, cross_keys);
  return cross;
}

static gboolean
has_cross (const Scenario *scenario, const char *name)
{
  for (guint i = 0; i < scenario->cross->len; i++)
    if (strcmp (scenario_get_cross (scenario, i)->name, name) == 0)
      return TRUE;
  return FALSE;
}

void
reader_read_cross (Reader *reader)
{
  GPtrArray *all = reader->scenario->cross;

  for (guint i = 0; i < reader->doc->groups->len; i++) {
    const ScanGroup *group = g_ptr_array_index (reader->doc->groups, i);
    const char *name = reader_get_name (group, "cross-traffic");
    Fields fields = { reader->errors, group };
    if (name && !has_cross (reader->scenario, name) && all->len < SCENARIO_ITEMS_MAX)
      g_ptr_array_add (all, read_cross (reader, &fields, name));
  }
}
