/* SPDX-License-Identifier: Apache-2.0 */
/* run-endpoints.c - a run's two endpoints: their start, crash and restart, the server application's
 * answer to new connections, and where events and traces go. */
#include "harness/run-private.h"

/* How long links may still be closing when the connection has ended at both ends. */
#define CLOSING_TIME_NS CAIMAN_NS_PER_S

void
run_touch (Run *run, ScenarioSide side)
{
  if (run->testbed->pump[side])
    caiman_pump_touch (run->testbed->pump[side]);
}

/* --- Traces --- */

static int
find_link (Run *run, ScenarioSide side, guint32 link_id)
{
  int link = recorder_find_link (run->recorder, side, link_id);

  if (link >= 0 || link_id == 0)
    return link;
  link = run->testbed->klass->find_link (run->testbed, side, link_id);
  if (link >= 0)
    recorder_name_link (run->recorder, side, link_id, (guint)link);
  return link;
}

static void
trace (const CaimanTraceEvent *event, gpointer user_data)
{
  const RunEndpoint *endpoint = user_data;
  Run *run = endpoint->run;

  if (run->is_judged)
    return;
  int link = find_link (run, endpoint->side, event->link_id);
  recorder_trace (run->recorder, endpoint->side, event);
  oracle_trace (run->oracle, endpoint->side, event);
  measure_trace (run->measure, endpoint->side, link, event);
}

/* Of an endpoint that has started again, and of connections besides the scenario's. */
static void
trace_extra (const CaimanTraceEvent *event, gpointer user_data)
{
  const RunEndpoint *endpoint = user_data;

  if (endpoint->run->is_judged)
    return;
  (void)find_link (endpoint->run, endpoint->side, event->link_id);
  recorder_trace (endpoint->run->recorder, endpoint->side, event);
}

static CaimanTracer
make_tracer (RunEndpoint *endpoint)
{
  return (CaimanTracer) { .func = endpoint->n_starts > 1 ? trace_extra : trace,
                          .user_data = endpoint };
}

/* --- What the pumps tell --- */

gboolean
run_is_side_over (const RunEndpoint *endpoint)
{
  return endpoint->crashed || !endpoint->started ||
         caiman_connection_get_state (endpoint->connection) == CAIMAN_CONNECTION_ENDED;
}

static gboolean
are_links_closed (const RunEndpoint *endpoint)
{
  return !endpoint->connection || caiman_connection_is_finished (endpoint->connection);
}

/* The run ends when both ends have; links that are still closing get a little time. */
static void
check_over (Run *run)
{
  const RunEndpoint *client = &run->endpoint[SCENARIO_SIDE_CLIENT];
  const RunEndpoint *server = &run->endpoint[SCENARIO_SIDE_SERVER];

  if (!run_is_side_over (client) || !run_is_side_over (server))
    return;
  gint64 now_ns = testbed_now (run->testbed);
  gboolean is_first = !run->is_over;
  run->is_over = TRUE;
  if (run->scenario->ends_at_duration)
    return;
  if (are_links_closed (client) && are_links_closed (server))
    testbed_timer_arm (run->quit_timer, now_ns);
  else if (is_first)
    testbed_timer_arm (run->quit_timer, now_ns + CLOSING_TIME_NS);
}

void
run_quit_due (gpointer user_data)
{
  Run *run = user_data;

  run->testbed->klass->quit (run->testbed);
}

static void
link_event (Run *run, ScenarioSide side, const CaimanEvent *event)
{
  int link = scenario_find_link (run->scenario, caiman_link_get_name (event->link));

  g_assert (link >= 0);
  recorder_name_link (run->recorder, side, caiman_link_get_id (event->link), (guint)link);
  if (event->type == CAIMAN_EVENT_LINK_CLOSE)
    run_record_link_closed (run, side, (guint)link, event->link);
  else if (event->link_state == CAIMAN_LINK_NEW || event->link_state == CAIMAN_LINK_WORKING)
    faults_link_up (run->faults, side, (guint)link, event->link);
}

static void
handle_event (gpointer user_data, ScenarioSide side, CaimanConnection *connection,
              const CaimanEvent *event)
{
  Run *run = user_data;
  RunEndpoint *endpoint = &run->endpoint[side];
  gint64 now_ns = testbed_now (run->testbed);

  if (connection != endpoint->connection) {
    if (event->type == CAIMAN_EVENT_CONNECTED)
      caiman_connection_close (connection, now_ns);
    return;
  }
  if (event->type == CAIMAN_EVENT_LINK_STATE || event->type == CAIMAN_EVENT_LINK_CLOSE)
    link_event (run, side, event);
  if (event->type == CAIMAN_EVENT_CONNECTED)
    run->result->side[side].connected_ns = now_ns;
  if (event->type == CAIMAN_EVENT_ENDED) {
    run->result->side[side].ended_ns = now_ns;
    if (event->reason != CAIMAN_REASON_FINISHED)
      run->result->side[side].reason = event->reason;
  }
  traffic_event (run->traffic, side, connection, event);
  if (event->type == CAIMAN_EVENT_ENDED || event->type == CAIMAN_EVENT_LINK_CLOSE)
    check_over (run);
}

/* The server's application accepts or refuses. */
static void
answer (Run *run, CaimanConnection *pending)
{
  RunEndpoint *endpoint = &run->endpoint[SCENARIO_SIDE_SERVER];
  CaimanPump *pump = run->testbed->pump[SCENARIO_SIDE_SERVER];

  if (run->scenario->accepts == SCENARIO_ACCEPT_REFUSE) {
    caiman_pump_refuse (pump, pending);
    return;
  }
  gboolean is_first = !endpoint->started && endpoint->n_starts == 1;
  if (is_first) {
    endpoint->started = TRUE;
    endpoint->connection = pending;
  } else {
    const CaimanTracer tracer = { .func = trace_extra, .user_data = endpoint };
    caiman_connection_set_tracer (pending, &tracer);
  }
  CaimanConnection *accepted = caiman_pump_accept (pump, pending);
  if (is_first)
    endpoint->connection = accepted;
}

static void
handle_incoming (gpointer user_data, CaimanConnection *pending)
{
  Run *run = user_data;
  RunPending waiting = { .connection = pending,
                         .answer_ns = caiman_time_add (testbed_now (run->testbed),
                                                       run->scenario->accept_after_ns) };

  if (run->scenario->accept_after_ns == 0) {
    answer (run, pending);
    return;
  }
  g_array_append_val (run->pending, waiting);
  testbed_timer_arm (run->answer_timer, g_array_index (run->pending, RunPending, 0).answer_ns);
}

static void
handle_gone (gpointer user_data, CaimanConnection *pending)
{
  Run *run = user_data;

  for (guint i = run->pending->len; i > 0; i--) {
    if (g_array_index (run->pending, RunPending, i - 1).connection == pending)
      g_array_remove_index (run->pending, i - 1);
  }
}

void
run_answer_due (gpointer user_data)
{
  Run *run = user_data;
  gint64 now_ns = testbed_now (run->testbed);

  while (run->pending->len > 0 && g_array_index (run->pending, RunPending, 0).answer_ns <= now_ns) {
    CaimanConnection *pending = g_array_index (run->pending, RunPending, 0).connection;
    g_array_remove_index (run->pending, 0);
    answer (run, pending);
  }
  if (run->pending->len > 0)
    testbed_timer_arm (run->answer_timer, g_array_index (run->pending, RunPending, 0).answer_ns);
  run_touch (run, SCENARIO_SIDE_SERVER);
}

const TestbedHandler run_testbed_handler = {
  .event = handle_event,
  .incoming = handle_incoming,
  .gone = handle_gone,
};

/* --- Endpoints --- */

/* A link filter: the scenario says which links this side's application rejects. */
static gboolean
let_link_in (const CaimanLink *candidate, CaimanLink *const *links, gsize n_links,
             gpointer user_data)
{
  const RunEndpoint *endpoint = user_data;
  const Scenario *scenario = endpoint->run->scenario;
  int link = scenario_find_link (scenario, caiman_link_get_name (candidate));

  return link < 0 || !scenario_get_link (scenario, link)->refused_by[endpoint->side];
}

static CaimanPump *
start_pump (RunEndpoint *endpoint)
{
  Run *run = endpoint->run;
  g_autofree char *stream = g_strdup_printf (
      "endpoint/%s/%u", scenario_side_to_string (endpoint->side), ++endpoint->n_starts);

  caiman_prng_init_stream (&endpoint->prng, run->seed, stream);
  endpoint->random = caiman_prng_as_random (&endpoint->prng);
  return run->testbed->klass->start (run->testbed, endpoint->side,
                                     &run->scenario->endpoint[endpoint->side].config,
                                     &endpoint->random);
}

void
run_start_server (Run *run)
{
  RunEndpoint *endpoint = &run->endpoint[SCENARIO_SIDE_SERVER];
  CaimanServer *server = caiman_pump_get_server (start_pump (endpoint));
  CaimanTracer tracer = make_tracer (endpoint);

  caiman_server_set_tracer (server, &tracer);
  caiman_server_set_link_filter (server, let_link_in, endpoint);
  if (run->scenario->accepts == SCENARIO_ACCEPT_NOT_LISTENING)
    caiman_server_set_listening (server, FALSE, testbed_now (run->testbed));
}

void
run_start_client (Run *run)
{
  RunEndpoint *endpoint = &run->endpoint[SCENARIO_SIDE_CLIENT];
  CaimanConnection *connection = caiman_pump_get_connection (start_pump (endpoint));
  CaimanTracer tracer = make_tracer (endpoint);

  if (endpoint->n_starts == 1) {
    endpoint->connection = connection;
    endpoint->started = TRUE;
  }
  caiman_connection_set_tracer (connection, &tracer);
  caiman_connection_set_link_filter (connection, let_link_in, endpoint);
  for (guint i = 0; i < run->scenario->links->len; i++) {
    const ScenarioLink *link = scenario_get_link (run->scenario, i);
    gint64 start_ns = MAX (link->starts_ns, testbed_now (run->testbed));
    if (!faults_is_link_present (run->faults, i))
      continue;
    if (link->starts_ns == CAIMAN_TIME_NEVER) /* an `add` event has added it */
      start_ns = testbed_now (run->testbed);
    run->testbed->klass->add_link (run->testbed, i, start_ns);
  }
}

void
run_crash (Run *run, ScenarioSide side)
{
  RunEndpoint *endpoint = &run->endpoint[side];

  if (!run->testbed->pump[side])
    return;
  if (endpoint->connection || !endpoint->started) {
    endpoint->crashed = TRUE;
    endpoint->connection = NULL;
    if (run->result->side[side].ended_ns == CAIMAN_TIME_NEVER)
      run->result->side[side].ended_ns = testbed_now (run->testbed);
    traffic_crashed (run->traffic, side);
    oracle_crashed (run->oracle, side);
  }
  if (side == SCENARIO_SIDE_SERVER)
    g_array_set_size (run->pending, 0);
  run->testbed->klass->stop (run->testbed, side);
  recorder_forget_links (run->recorder, side);
  measure_endpoint_gone (run->measure, side, testbed_now (run->testbed));
  check_over (run);
}

void
run_restart (Run *run, ScenarioSide side)
{
  if (run->testbed->pump[side])
    return;
  if (side == SCENARIO_SIDE_SERVER)
    run_start_server (run);
  else
    run_start_client (run);
}
