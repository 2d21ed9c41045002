/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - see run.h. Makes the parts of a run, lets it go, and judges it. */
#include "harness/run-private.h"

#include "harness/expect-eval.h"

/* How long links may still be closing when the connection has ended at both ends. */
#define CLOSING_TIME_NS CAIMAN_NS_PER_S

static void add_problem (Run *run, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
add_problem (Run *run, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (run->result->problems, g_strdup_vprintf (format, args));
  va_end (args);
}

void
run_touch (Run *run, ScenarioSide side)
{
  if (run->testbed->pump[side])
    caiman_pump_touch (run->testbed->pump[side]);
}

/* --- Traces and violations --- */

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

static void
violated (gpointer user_data, OracleKind kind, gint64 t_ns, const char *text)
{
  Run *run = user_data;

  if (kind == ORACLE_SAFETY && !run->violation)
    run->violation = g_strdup (text);
  recorder_note (run->recorder, t_ns, -1, kind == ORACLE_SAFETY ? "safety" : "liveness", 0, 0,
                 text);
  add_problem (run, "%s at %" G_GINT64_FORMAT ".%06" G_GINT64_FORMAT " s: %s",
               kind == ORACLE_SAFETY ? "safety" : "liveness", t_ns / CAIMAN_NS_PER_S,
               t_ns % CAIMAN_NS_PER_S / CAIMAN_NS_PER_US, text);
}

/* --- What the pumps tell --- */

static gboolean
is_side_over (const RunEndpoint *endpoint)
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

  if (!is_side_over (client) || !is_side_over (server))
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

static void
quit_due (gpointer user_data)
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

static void
answer_due (gpointer user_data)
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

static const TestbedHandler testbed_handler = {
  .event = handle_event,
  .incoming = handle_incoming,
  .gone = handle_gone,
};

/* --- What the traffic tells --- */

static void
flow_reached (gpointer user_data, guint flow)
{
  Run *run = user_data;

  faults_flow_reached (run->faults, flow);
}

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

static void
start_server (Run *run)
{
  RunEndpoint *endpoint = &run->endpoint[SCENARIO_SIDE_SERVER];
  CaimanServer *server = caiman_pump_get_server (start_pump (endpoint));
  CaimanTracer tracer = make_tracer (endpoint);

  caiman_server_set_tracer (server, &tracer);
  caiman_server_set_link_filter (server, let_link_in, endpoint);
  if (run->scenario->accepts == SCENARIO_ACCEPT_NOT_LISTENING)
    caiman_server_set_listening (server, FALSE, testbed_now (run->testbed));
}

static void
start_client (Run *run)
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
    start_server (run);
  else
    start_client (run);
}

/* --- Making and freeing --- */

static void
sample_due (gpointer user_data)
{
  Run *run = user_data;

  run_record_sample (run);
  testbed_timer_arm (run->sample_timer, caiman_time_add (testbed_now (run->testbed),
                                                         run->scenario->sample_interval_ns));
}

/* FALSE: the trace file could not be opened. */
static gboolean
make_parts (Run *run, const TestbedClass *klass, const RunOptions *options)
{
  const Scenario *scenario = run->scenario;
  g_autoptr (GError) error = NULL;
  const gint64 receive_buffer_bytes[SCENARIO_N_SIDES] = {
    scenario->endpoint[SCENARIO_SIDE_CLIENT].config.receive_buffer_bytes,
    scenario->endpoint[SCENARIO_SIDE_SERVER].config.receive_buffer_bytes,
  };

  run->recorder = recorder_new (scenario, run->store, options ? options->trace_path : NULL, &error);
  if (!run->recorder) {
    add_problem (run, "%s", error->message);
    return FALSE;
  }
  run->pending = g_array_new (FALSE, FALSE, sizeof (RunPending));
  run->measure = measure_new (scenario);
  run->oracle = oracle_new (receive_buffer_bytes, violated, run);
  run->testbed = klass->create (scenario, run->seed, &testbed_handler, run);
  run->traffic =
      traffic_new (scenario, run->seed, run->testbed, run->oracle, run->measure, flow_reached, run);
  run->faults = faults_new (run);
  run->sample_timer = testbed_timer_new (run->testbed, sample_due, run);
  run->answer_timer = testbed_timer_new (run->testbed, answer_due, run);
  run->quit_timer = testbed_timer_new (run->testbed, quit_due, run);
  for (guint s = 0; s < SCENARIO_N_SIDES; s++) {
    run->endpoint[s].run = run;
    run->endpoint[s].side = s;
    run->endpoint[s].closed = g_new0 (RunLinkTotals, scenario->links->len);
  }
  return TRUE;
}

static void
free_parts (Run *run)
{
  faults_free (run->faults);
  traffic_free (run->traffic);
  testbed_timer_free (run->sample_timer);
  testbed_timer_free (run->answer_timer);
  testbed_timer_free (run->quit_timer);
  if (run->testbed)
    run->testbed->klass->free (run->testbed);
  oracle_free (run->oracle);
  measure_free (run->measure);
  recorder_free (run->recorder);
  for (guint s = 0; s < SCENARIO_N_SIDES; s++)
    g_free (run->endpoint[s].closed);
  g_clear_pointer (&run->pending, g_array_unref);
  g_free (run->violation);
}

/* --- Judging --- */

/* The run's duration came before its end: what was it still waiting for? */
static void
report_unfinished (Run *run)
{
  gint64 now_ns = testbed_now (run->testbed);
  gboolean told = FALSE;

  for (guint i = 0; i < run->scenario->flows->len; i++) {
    TrafficProgress progress;
    traffic_get_progress (run->traffic, i, &progress);
    if (progress.complete || progress.cut)
      continue;
    told = TRUE;
    oracle_report (run->oracle, ORACLE_LIVENESS, now_ns,
                   "%s is not complete when the duration is over: %" G_GINT64_FORMAT
                   " bytes delivered of %" G_GINT64_FORMAT " offered",
                   scenario_get_flow (run->scenario, i)->name, progress.delivered_bytes,
                   progress.offered_bytes);
  }
  if (!told)
    oracle_report (run->oracle, ORACLE_LIVENESS, now_ns,
                   "the connection is not closed when the duration is over");
}

static const char *
get_outcome (const RunResult *result)
{
  CaimanReason reason = result->side[SCENARIO_SIDE_CLIENT].reason;

  if (reason == CAIMAN_REASON_NONE)
    reason = result->side[SCENARIO_SIDE_SERVER].reason;
  return expect_outcome_to_string (reason);
}

static RunExit
get_exit (const Run *run, gboolean recorded, gboolean all_held)
{
  if (oracle_get_count (run->oracle, ORACLE_SAFETY) > 0)
    return RUN_EXIT_SAFETY;
  if (oracle_get_count (run->oracle, ORACLE_LIVENESS) > 0)
    return RUN_EXIT_LIVENESS;
  if (!recorded)
    return RUN_EXIT_INTERNAL;
  return all_held ? RUN_EXIT_HELD : RUN_EXIT_EXPECTATION;
}

static void
judge (Run *run)
{
  gint64 now_ns = testbed_now (run->testbed);
  g_autoptr (GError) error = NULL;

  if (!run->is_over && !run->scenario->ends_at_duration)
    report_unfinished (run);
  run_record_sample (run);
  run_record_flows (run);
  run->is_judged = TRUE;
  for (guint i = 0; i < run->scenario->links->len; i++) {
    for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++)
      measure_link_wire (run->measure, i, d,
                         run->testbed->klass->get_wire_bytes (run->testbed, i, d));
  }
  measure_finish (run->measure, now_ns);
  gboolean all_held =
      expect_eval (run->scenario, run->measure, run->result->side, run->violation, run->store);
  measure_store (run->measure, run->store);
  gboolean recorded = recorder_finish (run->recorder, &error);
  if (!recorded)
    add_problem (run, "%s", error->message);
  run->result->exit_class = get_exit (run, recorded, all_held);
  run->result->outcome = get_outcome (run->result);
  run->result->simulated_ns = now_ns;
  run->result->n_events = recorder_get_events (run->recorder);
  run->result->n_steps = run->testbed->klass->get_steps (run->testbed);
}

static void
run_all (Run *run, const TestbedClass *klass, const RunOptions *options)
{
  if (!make_parts (run, klass, options)) {
    run->result->exit_class = RUN_EXIT_INTERNAL;
    run->result->outcome = "failed";
    return;
  }
  start_server (run);
  start_client (run);
  if (run->scenario->sample_interval_ns > 0)
    testbed_timer_arm (run->sample_timer, run->scenario->sample_interval_ns);
  klass->run (run->testbed, run->scenario->duration_ns);
  judge (run);
}

static const TestbedClass *
find_class (const RunOptions *options)
{
  return testbed_find (options && options->testbed ? options->testbed : "sim");
}

GPtrArray *
run_check (const Scenario *scenario, const char *testbed)
{
  const TestbedClass *klass = testbed_find (testbed);

  return klass ? klass->check (scenario) : NULL;
}

StoreRun *
run_prepare (const Scenario *scenario, guint64 seed, const RunOptions *options)
{
  StoreRun *store = store_run_new ();
  g_autofree char *text = scenario_print (scenario);

  store->scenario_name = store_run_string (store, scenario->name);
  store->scenario_text = store_run_string (store, text);
  store->scenario_hash = store_run_string (store, scenario->hash);
  store->variant = store_run_string (store, options ? options->variant : NULL);
  store->seed = (gint64)(seed & G_MAXINT64);
  store->policy = caiman_policy_to_string (
      (CaimanPolicy)scenario->endpoint[SCENARIO_SIDE_CLIENT].config.policy);
  store->testbed = store_run_string (store, options && options->testbed ? options->testbed : "sim");
  store->git_id = store_run_string (store, options && options->git_id ? options->git_id : "");
  run_record_scenario (store, scenario);
  return store;
}

static RunResult *
result_new (void)
{
  RunResult *result = g_new0 (RunResult, 1);

  result->problems = g_ptr_array_new_with_free_func (g_free);
  for (guint s = 0; s < SCENARIO_N_SIDES; s++) {
    result->side[s].ended_ns = CAIMAN_TIME_NEVER;
    result->side[s].connected_ns = CAIMAN_TIME_NEVER;
  }
  return result;
}

void
run_result_free (RunResult *result)
{
  if (!result)
    return;
  g_ptr_array_unref (result->problems);
  g_free (result);
}

RunResult *
run_scenario (const Scenario *scenario, guint64 seed, const RunOptions *options, StoreRun *store)
{
  gint64 start_us = g_get_monotonic_time ();
  RunResult *result = result_new ();
  const TestbedClass *klass = find_class (options);
  g_autoptr (GPtrArray) refused = klass ? klass->check (scenario) : NULL;

  if (!klass || refused->len > 0) {
    result->exit_class = RUN_EXIT_SKIPPED;
    result->outcome = "skipped";
    if (!klass)
      g_ptr_array_add (result->problems, g_strdup ("there is no such testbed"));
    for (guint i = 0; klass && i < refused->len; i++)
      g_ptr_array_add (result->problems, g_strdup (g_ptr_array_index (refused, i)));
  } else {
    Run run = { .scenario = scenario, .seed = seed, .store = store, .result = result };
    run_all (&run, klass, options);
    free_parts (&run);
  }
  result->wall_ns = (g_get_monotonic_time () - start_us) * CAIMAN_NS_PER_US;
  store->outcome = result->outcome;
  store->exit_class = (int)result->exit_class;
  store->wall_ns = result->wall_ns;
  store->simulated_ns = result->simulated_ns;
  return result;
}
