/* SPDX-License-Identifier: Apache-2.0 */
/* scenario-print.c - the canonical text: every group and key, in one order, one spelling. */
#include "harness/scenario-private.h"

#include "config/tunables.h"
#include "config/units.h"

#include <string.h>

/* Adds "key = value"; @value is taken. */
static void
put (GString *text, const char *key, char *value)
{
  g_string_append_printf (text, "%s = %s\n", key, value);
  g_free (value);
}

static void
put_text (GString *text, const char *key, const char *value)
{
  g_string_append_printf (text, "%s = %s\n", key, value);
}

static void
put_count (GString *text, const char *key, gint64 count)
{
  g_string_append_printf (text, "%s = %" G_GINT64_FORMAT "\n", key, count);
}

/* One key when both directions have the same @values (taken), else one for each. */
static void
put_directions (GString *text, const char *key, char *up, char *down)
{
  if (strcmp (up, down) == 0) {
    put_text (text, key, up);
  } else {
    g_string_append_printf (text, "up.%s = %s\n", key, up);
    g_string_append_printf (text, "down.%s = %s\n", key, down);
  }
  g_free (up);
  g_free (down);
}

static void
print_head (GString *text, const Scenario *scenario)
{
  g_string_append (text, "[scenario]\nformat = 1\n");
  put_text (text, "title", scenario->title);
  if (scenario->description[0])
    put_text (text, "description", scenario->description);
  put (text, "duration", units_format_time (scenario->duration_ns));
  g_string_append_printf (text, "seed = %" G_GUINT64_FORMAT "..%" G_GUINT64_FORMAT "\n",
                          scenario->seed_first, scenario->seed_last);
  put_text (text, "ends", scenario->ends_at_duration ? "at-duration" : "when-complete");
  put (text, "heals-within", units_format_time (scenario->heals_within_ns));
  put (text, "sample-interval", units_format_time (scenario->sample_interval_ns));
}

static void
print_endpoint (GString *text, const Scenario *scenario, ScenarioSide side)
{
  const ScenarioEndpoint *endpoint = &scenario->endpoint[side];
  gsize n_tunables;
  const CaimanTunable *tunables = caiman_config_get_tunables (&n_tunables);

  g_string_append_printf (text, "\n[%s]\n", scenario_side_names[side]);
  put_text (text, "preset", caiman_preset_to_string (endpoint->preset));
  if (side == SCENARIO_SIDE_SERVER) {
    put_text (text, "accepts", scenario_accept_names[scenario->accepts]);
    if (scenario->accepts != SCENARIO_ACCEPT_NOT_LISTENING)
      put (text, "accept-after", units_format_time (scenario->accept_after_ns));
  }
  for (gsize i = 0; i < n_tunables; i++)
    put (text, tunables[i].name,
         tunable_format (&tunables[i], caiman_config_get (&endpoint->config, &tunables[i])));
}

static char *
format_quota (const ScenarioLinkTerms *terms)
{
  return terms->quota_bytes > 0 ? units_format_bytes (terms->quota_bytes) : g_strdup ("none");
}

static char *
format_quota_period (const ScenarioLinkTerms *terms)
{
  return value_format_time (terms->quota_period_ns > 0 ? terms->quota_period_ns
                                                       : CAIMAN_TIME_NEVER);
}

static char *
format_count (gint64 count)
{
  return g_strdup_printf ("%" G_GINT64_FORMAT, count);
}

/* "trace(NAME)", or @value; @value is taken. */
static char *
trace_or (const Scenario *scenario, guint number, char *value)
{
  if (number == 0)
    return value;
  g_free (value);
  return g_strdup_printf ("trace(%s)", scenario_get_trace (scenario, number - 1)->name);
}

static void
print_rate (GString *text, const Scenario *scenario, const ScenarioPath path[])
{
  char *values[SCENARIO_N_DIRECTIONS];

  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++)
    values[d] = trace_or (scenario, path[d].rate_trace, value_format_rate (path[d].rate_bps));
  put_directions (text, "rate", values[SCENARIO_UP], values[SCENARIO_DOWN]);
}

/* What only packets know of. A pipe has none, so that its text is without, unless it is told. */
static void
print_packets (GString *text, const Scenario *scenario, const ScenarioLink *link)
{
  const ScenarioPath *up = &link->path[SCENARIO_UP], *down = &link->path[SCENARIO_DOWN];

  if (link->carrier == SCENARIO_CARRIER_PIPE && !scenario_link_has_packets (link))
    return;
  put_directions (text, "queue-discipline", value_format_discipline (&up->discipline),
                  value_format_discipline (&down->discipline));
  put_directions (text, "reorder", g_strdup (value_boolean_names[up->reorders]),
                  g_strdup (value_boolean_names[down->reorders]));
  put_directions (text, "duplicate", units_format_percent (up->duplicate_ppb),
                  units_format_percent (down->duplicate_ppb));
  put_directions (text, "corrupt-rate", units_format_percent (up->corrupt_ppb),
                  units_format_percent (down->corrupt_ppb));
  put_directions (text, "mtu", value_format_mtu (up->mtu_bytes, up->mtu_is_blackhole),
                  value_format_mtu (down->mtu_bytes, down->mtu_is_blackhole));
  put_text (text, "bottleneck",
            link->bottleneck > 0 ? scenario_get_bottleneck (scenario, link->bottleneck - 1)->name
                                 : "none");
}

static void
print_bottleneck (GString *text, const Scenario *scenario, const ScenarioBottleneck *bottleneck)
{
  const ScenarioPath *up = &bottleneck->path[SCENARIO_UP];
  const ScenarioPath *down = &bottleneck->path[SCENARIO_DOWN];

  g_string_append_printf (text, "\n[bottleneck %s]\n", bottleneck->name);
  print_rate (text, scenario, bottleneck->path);
  put_directions (text, "queue", value_format_queue (&up->queue),
                  value_format_queue (&down->queue));
  put_directions (text, "queue-discipline", value_format_discipline (&up->discipline),
                  value_format_discipline (&down->discipline));
}

static void
print_cross (GString *text, const Scenario *scenario, const ScenarioCross *cross)
{
  const char *place = cross->is_shared ? scenario_get_bottleneck (scenario, cross->index)->name
                                       : scenario_get_link (scenario, cross->index)->name;

  g_string_append_printf (text, "\n[cross-traffic %s]\nthrough = %s.%s\n", cross->name, place,
                          cross->direction == SCENARIO_UP ? "up" : "down");
  put_text (text, "kind", scenario_cross_names[cross->kind]);
  put (text, "rate", value_format_rate (cross->rate_bps));
  put (text, "packet-size", units_format_bytes (cross->packet_bytes));
  if (cross->kind == SCENARIO_CROSS_ON_OFF) {
    put (text, "on", units_format_time (cross->on_ns));
    put (text, "off", units_format_time (cross->off_ns));
  }
  put (text, "starts", units_format_time (cross->starts_ns));
  put (text, "stops", value_format_time (cross->stops_ns));
}

static void
print_link (GString *text, const Scenario *scenario, const ScenarioLink *link)
{
  const ScenarioPath *up = &link->path[SCENARIO_UP], *down = &link->path[SCENARIO_DOWN];
  const ScenarioLinkTerms *client = &link->terms[SCENARIO_SIDE_CLIENT];
  const ScenarioLinkTerms *server = &link->terms[SCENARIO_SIDE_SERVER];

  g_string_append_printf (text, "\n[link %s]\n", link->name);
  put_text (text, "carrier", scenario_carrier_names[link->carrier]);
  print_rate (text, scenario, link->path);
  put_directions (text, "delay",
                  trace_or (scenario, up->delay_trace, units_format_time (up->delay_ns)),
                  trace_or (scenario, down->delay_trace, units_format_time (down->delay_ns)));
  put_directions (text, "jitter", value_format_jitter (&up->jitter),
                  value_format_jitter (&down->jitter));
  put_directions (text, "loss", trace_or (scenario, up->loss_trace, value_format_loss (&up->loss)),
                  trace_or (scenario, down->loss_trace, value_format_loss (&down->loss)));
  put_directions (text, "queue", value_format_queue (&up->queue),
                  value_format_queue (&down->queue));
  print_packets (text, scenario, link);
  put_directions (text, "weight", format_count (client->weight), format_count (server->weight));
  put_directions (text, "cost", format_count (client->cost), format_count (server->cost));
  put_directions (text, "quota", format_quota (client), format_quota (server));
  put_directions (text, "quota-period", format_quota_period (client), format_quota_period (server));
  scenario_print_tcp (text, link);
  put (text, "starts", value_format_time (link->starts_ns));
  put (text, "reconnect", value_format_time (link->reconnect_delay_ns));
  put (text, "connect-timeout", units_format_time (link->connect_timeout_ns));
  put_text (text, "refused-by",
            link->refused_by[SCENARIO_SIDE_CLIENT]   ? "client"
            : link->refused_by[SCENARIO_SIDE_SERVER] ? "server"
                                                     : "none");
}

static void
print_world (GString *text, const Scenario *scenario)
{
  for (guint i = 0; i < scenario->traces->len; i++)
    scenario_trace_print (text, scenario_get_trace (scenario, i));
  for (guint i = 0; i < scenario->bottlenecks->len; i++)
    print_bottleneck (text, scenario, scenario_get_bottleneck (scenario, i));
  for (guint i = 0; i < scenario->links->len; i++)
    print_link (text, scenario, scenario_get_link (scenario, i));
  for (guint i = 0; i < scenario->cross->len; i++)
    print_cross (text, scenario, scenario_get_cross (scenario, i));
}

static void
print_amounts (GString *text, const ScenarioFlow *flow)
{
  gboolean is_request = flow->kind == SCENARIO_TRAFFIC_REQUEST;

  if (flow->kind == SCENARIO_TRAFFIC_RATE || flow->kind == SCENARIO_TRAFFIC_ON_OFF)
    put (text, "rate", value_format_rate (flow->rate_bps));
  if (flow->kind == SCENARIO_TRAFFIC_ON_OFF) {
    put (text, "on", units_format_time (flow->on_ns));
    put (text, "off", units_format_time (flow->off_ns));
  }
  if (flow->bytes != G_MAXINT64)
    put (text, "bytes", units_format_bytes (flow->bytes));
  if (flow->count != G_MAXINT64)
    put_count (text, "count", flow->count);
  if (is_request) {
    put (text, "request-size", value_format_size (&flow->request_size));
    put (text, "response-size", value_format_size (&flow->response_size));
    put (text, "think-time", units_format_time (flow->think_time_ns));
  } else if (flow->kind != SCENARIO_TRAFFIC_BULK || flow->mode == SCENARIO_MODE_MESSAGES) {
    put (text, "message-size", value_format_size (&flow->message_size));
  }
  if (flow->kind == SCENARIO_TRAFFIC_MESSAGES)
    put (text, "interval", units_format_time (flow->interval_ns));
}

static void
print_flow (GString *text, const ScenarioFlow *flow)
{
  g_autofree char *late = units_format_time (flow->close_delay_ns);

  /* The second flow of a pair is in the first one's group. */
  if (flow->is_paired && flow->from == SCENARIO_SIDE_SERVER)
    return;
  g_string_append_printf (text, "\n[traffic %s]\n", flow->group);
  put_text (text, "from", flow->is_paired ? "both" : scenario_side_names[flow->from]);
  put_text (text, "kind", scenario_traffic_kind_names[flow->kind]);
  put_text (text, "mode", scenario_mode_names[flow->mode]);
  print_amounts (text, flow);
  put (text, "starts", units_format_time (flow->starts_ns));
  put (text, "stops", value_format_time (flow->stops_ns));
  if (flow->close == SCENARIO_CLOSE_LATE)
    put (text, "close", g_strconcat ("late ", late, NULL));
  else
    put_text (text, "close", flow->close == SCENARIO_CLOSE_NEVER ? "never" : "normal");
  put (text, "reader-rate", value_format_rate (flow->reader_rate_bps));
  put (text, "reader-starts", units_format_time (flow->reader_starts_ns));
}

char *
scenario_print (const Scenario *scenario)
{
  GString *text = g_string_new (NULL);

  print_head (text, scenario);
  print_endpoint (text, scenario, SCENARIO_SIDE_CLIENT);
  print_endpoint (text, scenario, SCENARIO_SIDE_SERVER);
  print_world (text, scenario);
  for (guint i = 0; i < scenario->flows->len; i++)
    print_flow (text, scenario_get_flow (scenario, i));
  for (guint i = 0; i < scenario->events->len; i++) {
    const ScenarioEvent *event = scenario_get_event (scenario, i);
    g_autofree char *trigger = event_format_trigger (scenario, event);
    g_string_append_printf (text, "\n[event %s]\n%s\n", event->name, trigger);
    put (text, "do", event_format_action (scenario, event));
  }
  g_string_append (text, "\n[expect]\n");
  for (guint i = 0; i < scenario->expects->len; i++) {
    const ScenarioExpect *expect = scenario_get_expect (scenario, i);
    put_text (text, expect->name, expect->text);
  }
  return g_string_free (text, FALSE);
}
