/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - see run.h. Makes the parts of a run, lets it go, and judges it. */
#include "harness/run-private.h"

#include "harness/expect-eval.h"
#include "harness/foreign.h"

static void add_problem (Run *run, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
add_problem (Run *run, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (run->result->problems, g_strdup_vprintf (format, args));
  va_end (args);
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

static void
flow_reached (gpointer user_data, guint flow)
{
  Run *run = user_data;

  faults_flow_reached (run->faults, flow);
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

/* FALSE: told; the trace file could not be opened, or the testbed not be made. */
static gboolean
make_parts (Run *run, const TestbedClass *klass, const RunOptions *options)
{
  const Scenario *scenario = run->scenario;
  g_autoptr (GError) error = NULL;
  const gint64 receive_buffer_bytes[SCENARIO_N_SIDES] = {
    scenario->endpoint[SCENARIO_SIDE_CLIENT].config.receive_buffer_bytes,
    scenario->endpoint[SCENARIO_SIDE_SERVER].config.receive_buffer_bytes,
  };

  run->recorder = recorder_new (scenario, run->store, options ? options->kept_events : 0,
                                options ? options->trace_path : NULL, &error);
  if (!run->recorder) {
    add_problem (run, "%s", error->message);
    return FALSE;
  }
  run->pending = g_array_new (FALSE, FALSE, sizeof (RunPending));
  run->measure = measure_new (scenario);
  run->oracle = oracle_new (receive_buffer_bytes, violated, run);
  run->testbed = klass->create (scenario, run->seed, &run_testbed_handler, run, &error);
  if (!run->testbed) {
    add_problem (run, "%s", error->message);
    return FALSE;
  }
  if (options && options->capture && klass->set_capture)
    klass->set_capture (run->testbed, options->capture);
  run->traffic =
      traffic_new (scenario, run->seed, run->testbed, run->oracle, run->measure, flow_reached, run);
  run->faults = faults_new (run);
  run->sample_timer = testbed_timer_new (run->testbed, sample_due, run);
  run->answer_timer = testbed_timer_new (run->testbed, run_answer_due, run);
  run->quit_timer = testbed_timer_new (run->testbed, run_quit_due, run);
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
  foreign_free (run->foreign);
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
  for (guint s = 0; !told && s < SCENARIO_N_SIDES; s++) {
    if (!run_is_side_over (&run->endpoint[s]))
      oracle_report (run->oracle, ORACLE_LIVENESS, now_ns,
                     "the %s's connection is not closed when the duration is over",
                     scenario_side_to_string ((ScenarioSide)s));
  }
}

static const char *
get_outcome (const RunResult *result)
{
  CaimanReason reason = result->side[SCENARIO_SIDE_CLIENT].reason;

  if (reason == CAIMAN_REASON_NONE)
    reason = result->side[SCENARIO_SIDE_SERVER].reason;
  return expect_outcome_to_string (reason);
}

static gboolean
has_stalled (const TestbedTiming *timing, gint64 duration_ns)
{
  return timing->stalled_ns > TESTBED_STALLED_FREE_NS &&
         timing->stalled_ns > duration_ns / 100 * TESTBED_STALLED_MAX_PERCENT;
}

/* FALSE: told; packets came later than the links say. */
static gboolean
check_network_timing (Run *run, const TestbedTiming *timing)
{
  gint64 p99_ns = timing->network_lateness_p99_ns;
  gint64 max_ns = timing->network_lateness_max_ns;

  measure_network_timing (run->measure, timing->network_timer_ns, p99_ns, max_ns,
                          timing->network_cpu_ns);
  if (p99_ns > TESTBED_PACKET_LATENESS_MAX_NS)
    add_problem (run,
                 "the testbed could not keep up: one packet in a hundred was more than "
                 "%" G_GINT64_FORMAT " us late, and %" G_GINT64_FORMAT " us are allowed",
                 p99_ns / CAIMAN_NS_PER_US,
                 (gint64)(TESTBED_PACKET_LATENESS_MAX_NS / CAIMAN_NS_PER_US));
  else if (max_ns > TESTBED_PACKET_LATENESS_PEAK_NS)
    add_problem (run,
                 "the testbed could not keep up: a packet was %" G_GINT64_FORMAT
                 " us late, and %" G_GINT64_FORMAT " us are allowed",
                 max_ns / CAIMAN_NS_PER_US,
                 (gint64)(TESTBED_PACKET_LATENESS_PEAK_NS / CAIMAN_NS_PER_US));
  else
    return TRUE;
  return FALSE;
}

/* FALSE: told; the testbed could not keep to real time, so how long anything took, or whether it
 * came at all, says nothing. */
static gboolean
check_timing (Run *run)
{
  TestbedTiming timing;

  if (!run->testbed->klass->get_timing)
    return TRUE;
  run->testbed->klass->get_timing (run->testbed, &timing);
  measure_timing (run->measure, timing.lateness_p99_ns, timing.lateness_max_ns, timing.cpu_ns);
  gboolean network_kept_up = check_network_timing (run, &timing);
  if (timing.failure)
    add_problem (run, "the testbed has failed: %s", timing.failure);
  else if (timing.lateness_p99_ns > TESTBED_LATENESS_MAX_NS)
    add_problem (run,
                 "the testbed could not keep up: one timer in a hundred was more than "
                 "%" G_GINT64_FORMAT " us late, and %" G_GINT64_FORMAT " us are allowed",
                 timing.lateness_p99_ns / CAIMAN_NS_PER_US,
                 (gint64)(TESTBED_LATENESS_MAX_NS / CAIMAN_NS_PER_US));
  else if (has_stalled (&timing, testbed_now (run->testbed)))
    add_problem (run,
                 "the testbed could not keep up: it stood still for %" G_GINT64_FORMAT
                 " ms in all, and %d %% of the run are allowed",
                 timing.stalled_ns / CAIMAN_NS_PER_MS, TESTBED_STALLED_MAX_PERCENT);
  else
    return network_kept_up;
  return FALSE;
}

static RunExit
get_exit (const Run *run, gboolean is_valid, gboolean all_held)
{
  if (oracle_get_count (run->oracle, ORACLE_SAFETY) > 0)
    return RUN_EXIT_SAFETY;
  if (!is_valid)
    return RUN_EXIT_INTERNAL;
  if (oracle_get_count (run->oracle, ORACLE_LIVENESS) > 0)
    return RUN_EXIT_LIVENESS;
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
  gboolean is_valid = check_timing (run);
  measure_finish (run->measure, now_ns);
  gboolean all_held =
      expect_eval (run->scenario, run->measure, run->result->side, run->violation, run->store);
  measure_store (run->measure, run->store);
  if (!recorder_finish (run->recorder, &error)) {
    add_problem (run, "%s", error->message);
    is_valid = FALSE;
  }
  run->result->exit_class = get_exit (run, is_valid, all_held);
  run->result->outcome = get_outcome (run->result);
  run->result->simulated_ns = now_ns;
  run->result->n_events = recorder_get_events (run->recorder);
  run->result->n_steps = run->testbed->klass->get_steps (run->testbed);
}

/* FALSE: told; what is to carry the traffic did not come up. */
static gboolean
begin (Run *run, const RunForeign *foreign)
{
  g_autoptr (GError) error = NULL;

  if (!foreign) {
    run_start_server (run);
    run_start_client (run);
    return TRUE;
  }
  run->foreign = foreign_new (run, foreign, &error);
  if (!run->foreign) {
    add_problem (run, "%s", error->message);
    return FALSE;
  }
  foreign_begin (run->foreign);
  return TRUE;
}

static void
run_all (Run *run, const TestbedClass *klass, const RunOptions *options)
{
  if (!make_parts (run, klass, options)) {
    run->result->exit_class = RUN_EXIT_INTERNAL;
    run->result->outcome = "failed";
    return;
  }
  if (!begin (run, options ? options->foreign : NULL)) {
    run->result->exit_class = RUN_EXIT_INTERNAL;
    run->result->outcome = "failed";
    return;
  }
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
  store->policy = options && options->foreign
                      ? store_run_string (store, options->foreign->name)
                      : caiman_policy_to_string (
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

  if (klass && options && options->foreign)
    foreign_check (scenario, options->foreign, refused);
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
