/* SPDX-License-Identifier: Apache-2.0 */
/* traffic.c - see traffic.h. Life, events, progress. */
#include "harness/traffic-private.h"

/* --- Records --- */

void
lane_push_record (Lane *lane, const Record *record)
{
  if (lane->n_records == lane->capacity) {
    guint capacity = MAX (lane->capacity * 2, 64);
    Record *records = g_new (Record, capacity);
    for (guint i = 0; i < lane->n_records; i++)
      records[i] = lane->records[(lane->head + i) % lane->capacity];
    g_free (lane->records);
    lane->records = records;
    lane->capacity = capacity;
    lane->head = 0;
  }
  lane->records[(lane->head + lane->n_records) & (lane->capacity - 1)] = *record;
  lane->n_records++;
}

void
lane_pop_record (Lane *lane)
{
  lane->head = (lane->head + 1) & (lane->capacity - 1);
  lane->n_records--;
  lane->head_read_bytes = 0;
}

void
lane_cut (Lane *lane)
{
  lane->cut = TRUE;
  for (guint i = 0; i < lane->sources->len; i++)
    source_stop (g_ptr_array_index (lane->sources, i));
}

/* --- Progress --- */

static gint64
count_messages (const Flow *flow)
{
  return (gint64)(flow->responses ? flow->responses : flow->source)->delivered_messages;
}

static gboolean
is_complete (const Flow *flow)
{
  const Source *source = flow->source;

  if (!source->done || source->stopped || source->has_piece || source->lane->cut ||
      source->delivered_bytes < source->offered_bytes ||
      source->delivered_messages < source->offered_messages)
    return FALSE;
  return !flow->responses || (!flow->responses->lane->cut && flow->responses->delivered_messages ==
                                                                 flow->source->offered_messages);
}

static gboolean
has_reached (const Flow *flow)
{
  return (gint64)flow->source->delivered_bytes >= flow->watch_bytes ||
         count_messages (flow) >= flow->watch_messages;
}

void
traffic_check_flow (Traffic *traffic, guint index)
{
  Flow *flow = &traffic->flows[index];

  if (!flow->completed && is_complete (flow)) {
    flow->completed = TRUE;
    measure_flow_completed (traffic->measure, index, testbed_now (traffic->testbed));
  }
  if (has_reached (flow)) {
    flow->watch_bytes = G_MAXINT64;
    flow->watch_messages = G_MAXINT64;
    traffic->reached (traffic->user_data, index);
  }
}

void
traffic_watch (Traffic *traffic, guint index, gint64 bytes, gint64 messages)
{
  Flow *flow = &traffic->flows[index];

  flow->watch_bytes = bytes;
  flow->watch_messages = messages;
  if (has_reached (flow))
    testbed_timer_arm (flow->watch_timer, testbed_now (traffic->testbed));
}

static void
watch_due (gpointer user_data)
{
  Source *source = user_data;

  traffic_check_flow (source->traffic, source->flow);
}

void
traffic_get_progress (const Traffic *traffic, guint index, TrafficProgress *progress_out)
{
  const Flow *flow = &traffic->flows[index];
  const Source *const sources[] = { flow->source, flow->responses };

  *progress_out = (TrafficProgress) { .offered_bytes = (gint64)flow->source->offered_bytes,
                                      .delivered_bytes = (gint64)flow->source->delivered_bytes,
                                      .messages = count_messages (flow),
                                      .complete = flow->completed,
                                      .waiting_since_ns = CAIMAN_TIME_NEVER };
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++) {
    if (!sources[i])
      continue;
    const Lane *lane = sources[i]->lane;
    if (lane->cut || lane->dropped || sources[i]->stopped)
      progress_out->cut = TRUE;
    else if (!lane->reader_waits)
      progress_out->waiting_since_ns =
          MIN (progress_out->waiting_since_ns, sources[i]->waiting_since_ns);
  }
}

/* --- Events --- */

static void
touch (Traffic *traffic, ScenarioSide side)
{
  if (traffic->testbed->pump[side])
    caiman_pump_touch (traffic->testbed->pump[side]);
}

static void
open_lane (Lane *lane, gint64 now_ns)
{
  lane->is_open = TRUE;
  for (guint i = 0; i < lane->sources->len; i++) {
    Source *source = g_ptr_array_index (lane->sources, i);
    source->start_ns = MAX (source->spec->starts_ns, now_ns);
    if (!source->is_responses)
      source->next_due_ns = source->start_ns;
  }
  lane_send (lane);
}

void
traffic_opened (Traffic *traffic, ScenarioSide side, AppEnd *end)
{
  traffic->end[side] = end;
  open_lane (traffic_get_lane (traffic, side), testbed_now (traffic->testbed));
}

void
traffic_readable (Traffic *traffic, ScenarioSide side)
{
  lane_read (lane_get_other (traffic_get_lane (traffic, side)), FALSE);
}

void
traffic_writable (Traffic *traffic, ScenarioSide side)
{
  Lane *out = traffic_get_lane (traffic, side);

  out->blocked = FALSE;
  lane_send (out);
}

static void
stop_sources (Lane *lane)
{
  for (guint i = 0; i < lane->sources->len; i++)
    source_stop (g_ptr_array_index (lane->sources, i));
  lane_send (lane);
}

/* What was received in order can still be read; then this end is over. */
void
traffic_ended (Traffic *traffic, ScenarioSide side, CaimanReason reason)
{
  Lane *out = traffic_get_lane (traffic, side);
  Lane *in = lane_get_other (out);

  if (!traffic->end[side])
    return;
  lane_read (in, TRUE);
  if (reason == CAIMAN_REASON_FINISHED && !in->read_end && !in->dropped && in->n_records > 0)
    oracle_report (traffic->oracle, ORACLE_SAFETY, testbed_now (traffic->testbed),
                   "%s ended gracefully, but not all that was sent to it has arrived",
                   scenario_side_to_string (side));
  traffic->end[side] = NULL;
  if (!in->read_end)
    lane_cut (in);
  if (reason != CAIMAN_REASON_FINISHED)
    lane_cut (out);
}

void
traffic_event (Traffic *traffic, ScenarioSide side, CaimanConnection *connection,
               const CaimanEvent *event)
{
  Lane *out = traffic_get_lane (traffic, side);

  switch (event->type) {
  case CAIMAN_EVENT_CONNECTED:
    app_connection_end_init (&traffic->connection[side], connection);
    traffic_opened (traffic, side, &traffic->connection[side].base);
    break;
  case CAIMAN_EVENT_READABLE:
    traffic_readable (traffic, side);
    break;
  case CAIMAN_EVENT_WRITABLE:
    traffic_writable (traffic, side);
    break;
  case CAIMAN_EVENT_PEER_STOPPED_READING:
    stop_sources (out);
    break;
  case CAIMAN_EVENT_PEER_DROPPED_RECEIVER:
    stop_sources (out);
    lane_cut (out);
    break;
  case CAIMAN_EVENT_ENDED:
    traffic_ended (traffic, side, event->reason);
    break;
  case CAIMAN_EVENT_FLUSHED:
  case CAIMAN_EVENT_LINK_STATE:
  case CAIMAN_EVENT_LINK_CLOSE:
    break;
  }
}

gboolean
traffic_is_over (const Traffic *traffic, ScenarioSide side)
{
  const Lane *out = &traffic->lane[side == SCENARIO_SIDE_CLIENT ? SCENARIO_UP : SCENARIO_DOWN];
  const Lane *in = &traffic->lane[side == SCENARIO_SIDE_CLIENT ? SCENARIO_DOWN : SCENARIO_UP];

  return (out->finished || out->cut) && (in->read_end || in->dropped || in->cut);
}

void
traffic_crashed (Traffic *traffic, ScenarioSide side)
{
  traffic->end[side] = NULL;
  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++)
    lane_cut (&traffic->lane[d]);
}

static Lane *
get_flow_lane (Traffic *traffic, guint flow)
{
  return traffic->flows[flow].source->lane;
}

void
traffic_set_reader_rate (Traffic *traffic, guint index, gint64 rate_bps)
{
  Flow *flow = &traffic->flows[index];
  gint64 now_ns = testbed_now (traffic->testbed);

  flow->reader_rate_bps = rate_bps;
  flow->reader_credit_bytes = 0;
  flow->reader_credit_ns = now_ns;
  testbed_timer_arm (get_flow_lane (traffic, index)->read_timer, now_ns);
}

gint64
traffic_get_reader_rate (const Traffic *traffic, guint flow)
{
  return traffic->flows[flow].reader_rate_bps;
}

void
traffic_close_receiver (Traffic *traffic, guint flow)
{
  Lane *lane = get_flow_lane (traffic, flow);
  AppEnd *end = traffic->end[lane->reader];

  if (!end || !end->klass->close_receiver)
    return;
  end->klass->close_receiver (end, testbed_now (traffic->testbed));
  touch (traffic, lane->reader);
}

void
traffic_drop_receiver (Traffic *traffic, guint flow)
{
  Lane *lane = get_flow_lane (traffic, flow);
  AppEnd *end = traffic->end[lane->reader];

  if (!end || !end->klass->drop_receiver || lane->read_end)
    return;
  lane->dropped = TRUE;
  oracle_receiver_dropped (traffic->oracle, lane->reader);
  end->klass->drop_receiver (end, testbed_now (traffic->testbed));
  lane_send (lane_get_other (lane));
  touch (traffic, lane->reader);
}

/* --- Timers --- */

static void
send_due (gpointer user_data)
{
  Lane *lane = user_data;

  if (lane->n_records < TRAFFIC_RECORDS_MAX)
    lane->blocked = FALSE;
  lane_send (lane);
  touch (lane->traffic, lane->sender);
}

static void
read_due (gpointer user_data)
{
  Lane *lane = user_data;

  lane_read (lane, FALSE);
  touch (lane->traffic, lane->reader);
}

static void
finish_due (gpointer user_data)
{
  Lane *lane = user_data;

  lane_send (lane);
  touch (lane->traffic, lane->sender);
}

/* --- Life --- */

static void
init_lane (Traffic *traffic, ScenarioDirection direction)
{
  Lane *lane = &traffic->lane[direction];

  lane->traffic = traffic;
  lane->sender = direction == SCENARIO_UP ? SCENARIO_SIDE_CLIENT : SCENARIO_SIDE_SERVER;
  lane->reader = !lane->sender;
  lane->mode = SCENARIO_MODE_STREAM;
  lane->sources = g_ptr_array_new ();
  lane->send_timer = testbed_timer_new (traffic->testbed, send_due, lane);
  lane->read_timer = testbed_timer_new (traffic->testbed, read_due, lane);
  lane->finish_timer = testbed_timer_new (traffic->testbed, finish_due, lane);
}

static Source *
add_source (Traffic *traffic, guint flow, gboolean is_responses, guint64 seed)
{
  Source *source = source_new (traffic, flow, is_responses, seed);

  source->lane->mode = source->spec->mode;
  g_ptr_array_add (source->lane->sources, source);
  g_ptr_array_add (traffic->sources, source);
  return source;
}

static void
init_flow (Traffic *traffic, guint index, guint64 seed)
{
  const ScenarioFlow *spec = scenario_get_flow (traffic->scenario, index);
  Flow *flow = &traffic->flows[index];

  flow->source = add_source (traffic, index, FALSE, seed);
  if (spec->kind == SCENARIO_TRAFFIC_REQUEST) {
    flow->responses = add_source (traffic, index, TRUE, seed);
    flow->source->other = flow->responses;
    flow->responses->other = flow->source;
  }
  flow->reader_rate_bps = spec->reader_rate_bps;
  flow->reader_credit_ns = spec->reader_starts_ns;
  flow->watch_bytes = G_MAXINT64;
  flow->watch_messages = G_MAXINT64;
  flow->watch_timer = testbed_timer_new (traffic->testbed, watch_due, flow->source);
}

Traffic *
traffic_new (const Scenario *scenario, guint64 seed, Testbed *testbed, Oracle *oracle,
             Measure *measure, TrafficReachedFunc reached, gpointer user_data)
{
  Traffic *traffic = g_new0 (Traffic, 1);

  traffic->scenario = scenario;
  traffic->testbed = testbed;
  traffic->oracle = oracle;
  traffic->measure = measure;
  traffic->reached = reached;
  traffic->user_data = user_data;
  traffic->sources = g_ptr_array_new_with_free_func (source_free);
  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++)
    init_lane (traffic, d);
  traffic->flows = g_new0 (Flow, scenario->flows->len);
  for (guint i = 0; i < scenario->flows->len; i++)
    init_flow (traffic, i, seed);
  return traffic;
}

void
traffic_free (Traffic *traffic)
{
  if (!traffic)
    return;
  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++) {
    Lane *lane = &traffic->lane[d];
    testbed_timer_free (lane->send_timer);
    testbed_timer_free (lane->read_timer);
    testbed_timer_free (lane->finish_timer);
    g_ptr_array_unref (lane->sources);
    g_free (lane->records);
  }
  for (guint i = 0; i < traffic->scenario->flows->len; i++)
    testbed_timer_free (traffic->flows[i].watch_timer);
  g_ptr_array_unref (traffic->sources);
  g_free (traffic->flows);
  g_free (traffic);
}
