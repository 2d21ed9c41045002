/* SPDX-License-Identifier: Apache-2.0 */
/* faults-link.c - what events do to links, counted so that they may overlap. */
#include "harness/faults-private.h"

#include "sim/trace.h"

/* Capacity that follows a trace is told in means of this time. */
#define TRACE_INTERVAL_NS (100 * CAIMAN_NS_PER_MS)

static Testbed *
get_testbed (const FaultsLink *link)
{
  return link->faults->run->testbed;
}

/* (nullable) */
static const SimTrace *
get_trace (const FaultsLink *link, guint number)
{
  const Scenario *scenario = link->faults->run->scenario;

  return number > 0 ? scenario_get_trace (scenario, number - 1)->trace : NULL;
}

static gint64
get_rate (const FaultsLink *link, ScenarioDirection direction, gint64 now_ns)
{
  const SimTrace *trace = get_trace (link, link->path[direction].rate_trace);

  return trace ? sim_trace_get_rate_over (trace, now_ns, now_ns + TRACE_INTERVAL_NS)
               : link->path[direction].rate_bps;
}

static gint64
get_delay (const FaultsLink *link, ScenarioDirection direction, gint64 now_ns)
{
  const SimTrace *trace = get_trace (link, link->path[direction].delay_trace);

  return trace ? sim_trace_get_least_delay_over (trace, now_ns, now_ns + TRACE_INTERVAL_NS)
               : link->path[direction].delay_ns;
}

static void
tell_capacity (FaultsLink *link, ScenarioDirection direction)
{
  gboolean carries = link->present && link->started && !link->n_down && !link->n_dark[direction] &&
                     !link->n_paused[direction];
  gint64 now_ns = testbed_now (get_testbed (link));

  measure_capacity (link->faults->run->measure, link->index, direction,
                    carries ? get_rate (link, direction, now_ns) : 0,
                    get_delay (link, direction, now_ns), now_ns);
}

static void
tell_both (FaultsLink *link)
{
  tell_capacity (link, SCENARIO_UP);
  tell_capacity (link, SCENARIO_DOWN);
}

static void
trace_due (gpointer user_data)
{
  FaultsLink *link = user_data;

  tell_both (link);
  testbed_timer_arm (link->trace_timer, testbed_now (get_testbed (link)) + TRACE_INTERVAL_NS);
}

static gboolean
has_trace (const FaultsLink *link)
{
  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++)
    if (link->path[d].rate_trace > 0 || link->path[d].delay_trace > 0)
      return TRUE;
  return FALSE;
}

static void
start_due (gpointer user_data)
{
  FaultsLink *link = user_data;

  link->started = TRUE;
  tell_both (link);
}

void
faults_link_init (Faults *faults, guint index)
{
  const ScenarioLink *spec = scenario_get_link (faults->run->scenario, index);
  FaultsLink *link = &faults->links[index];

  link->faults = faults;
  link->index = index;
  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++)
    link->path[d] = spec->path[d];
  link->present = spec->starts_ns != CAIMAN_TIME_NEVER;
  link->started = !link->present || spec->starts_ns == 0;
  tell_both (link);
  if (has_trace (link)) {
    link->trace_timer = testbed_timer_new (get_testbed (link), trace_due, link);
    testbed_timer_arm (link->trace_timer, TRACE_INTERVAL_NS);
  }
  if (!link->started) {
    link->start_timer = testbed_timer_new (get_testbed (link), start_due, link);
    testbed_timer_arm (link->start_timer, spec->starts_ns);
  }
}

void
faults_link_clear (FaultsLink *link)
{
  testbed_timer_free (link->trace_timer);
  testbed_timer_free (link->start_timer);
}

gboolean
faults_is_link_present (const Faults *faults, guint link)
{
  return faults->links[link].present;
}

/* --- From below --- */

static void
apply_fault (FaultsLink *link, TestbedFaultKind kind, ScenarioDirections directions, gboolean on)
{
  TestbedFault fault = { .kind = kind, .link = link->index, .directions = directions, .on = on };
  get_testbed (link)->klass->apply (get_testbed (link), &fault);
}

/* TRUE when @count has changed between none and some. */
static gboolean
count_one (guint *count, gboolean on)
{
  if (on)
    return (*count)++ == 0;
  g_assert (*count > 0);
  return --*count == 0;
}

static void
count_directions (FaultsLink *link, TestbedFaultKind kind, guint counts[SCENARIO_N_DIRECTIONS],
                  ScenarioDirections directions, gboolean on)
{
  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++) {
    if (!(directions & 1u << d) || !count_one (&counts[d], on))
      continue;
    apply_fault (link, kind, (ScenarioDirections)(1u << d), on);
    tell_capacity (link, d);
  }
}

static void
apply_down (FaultsLink *link, gboolean on)
{
  if (!count_one (&link->n_down, on))
    return;
  apply_fault (link, TESTBED_DOWN, SCENARIO_BOTH, on);
  tell_both (link);
}

static void
apply_corrupt (FaultsLink *link, ScenarioDirections directions, guint64 frames)
{
  TestbedFault fault = {
    .kind = TESTBED_CORRUPT, .link = link->index, .directions = directions, .count = frames
  };
  get_testbed (link)->klass->apply (get_testbed (link), &fault);
}

static void
set_one (FaultsLink *link, ScenarioDirection direction, guint mask, const ScenarioPath *values)
{
  ScenarioPath *path = &link->path[direction];

  if (mask & SCENARIO_SET_RATE) {
    path->rate_bps = values->rate_bps;
    path->rate_trace = values->rate_trace;
  }
  if (mask & SCENARIO_SET_DELAY) {
    path->delay_ns = values->delay_ns;
    path->delay_trace = values->delay_trace;
  }
  if (mask & SCENARIO_SET_JITTER)
    path->jitter = values->jitter;
  if (mask & SCENARIO_SET_LOSS) {
    path->loss = values->loss;
    path->loss_trace = values->loss_trace;
  }
  if (mask & SCENARIO_SET_QUEUE)
    path->queue = values->queue;
  if (mask & SCENARIO_SET_MTU) {
    path->mtu_bytes = values->mtu_bytes;
    path->mtu_is_blackhole = values->mtu_is_blackhole;
  }
  TestbedFault fault = { .kind = TESTBED_SET,
                         .link = link->index,
                         .directions = (ScenarioDirections)(1u << direction),
                         .set_mask = mask,
                         .path = path };
  get_testbed (link)->klass->apply (get_testbed (link), &fault);
  tell_capacity (link, direction);
}

static void
apply_set (FaultsLink *link, const ScenarioEvent *spec, FaultsTarget *target,
           ScenarioDirections directions, gboolean on)
{
  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++) {
    if (!(directions & 1u << d))
      continue;
    if (on)
      target->saved[d] = link->path[d];
    set_one (link, d, spec->set_mask, on ? &spec->set_path : &target->saved[d]);
  }
}

/* --- From above --- */

void
faults_each_end (Faults *faults, ScenarioSide side, guint link, FaultsEndFunc func,
                 gpointer user_data)
{
  CaimanConnection *connection = faults->run->endpoint[side].connection;
  const char *name = scenario_get_link (faults->run->scenario, link)->name;
  gint64 now_ns = testbed_now (faults->run->testbed);
  gsize n_links;

  if (!connection)
    return;
  CaimanLink *const *links = caiman_connection_get_links (connection, &n_links);
  g_autoptr (GPtrArray) ends = g_ptr_array_new_with_free_func ((GDestroyNotify)caiman_link_unref);
  for (gsize i = 0; i < n_links; i++) {
    if (g_strcmp0 (caiman_link_get_name (links[i]), name) == 0)
      g_ptr_array_add (ends, caiman_link_ref (links[i]));
  }
  for (guint i = 0; i < ends->len; i++)
    func (g_ptr_array_index (ends, i), now_ns, user_data);
  run_touch (faults->run, side);
}

static void
set_end_blocked (CaimanLink *end, gint64 now_ns, gpointer user_data)
{
  caiman_link_set_blocked (end, GPOINTER_TO_INT (user_data), now_ns);
}

static void
disconnect_end (CaimanLink *end, gint64 now_ns, gpointer user_data)
{
  caiman_link_disconnect (end, now_ns);
}

static void
apply_block (FaultsLink *link, ScenarioSide side, gboolean on)
{
  if (count_one (&link->n_blocked[side], on))
    faults_each_end (link->faults, side, link->index, set_end_blocked, GINT_TO_POINTER (on));
}

void
faults_link_up (Faults *faults, ScenarioSide side, guint link, CaimanLink *end)
{
  if (faults->links[link].n_blocked[side] > 0 && !caiman_link_is_blocked_local (end))
    caiman_link_set_blocked (end, TRUE, testbed_now (faults->run->testbed));
}

static void
apply_presence (FaultsLink *link, gboolean present)
{
  Testbed *testbed = get_testbed (link);

  if (link->present == present)
    return;
  link->present = present;
  if (testbed->pump[SCENARIO_SIDE_CLIENT]) {
    if (present)
      testbed->klass->add_link (testbed, link->index, testbed_now (testbed));
    else
      testbed->klass->remove_link (testbed, link->index);
  }
  tell_both (link);
}

void
faults_apply (FaultsEvent *event, guint index, ScenarioDirections directions, gboolean on)
{
  const ScenarioEvent *spec = event->spec;
  Faults *faults = event->faults;
  FaultsLink *link = &faults->links[g_array_index (spec->targets, ScenarioTarget, index).link];

  switch (spec->verb) {
  case SCENARIO_VERB_DOWN:
  case SCENARIO_VERB_FLAP:
    apply_down (link, on);
    break;
  case SCENARIO_VERB_BLACKHOLE:
  case SCENARIO_VERB_PARTITION:
    count_directions (link, TESTBED_BLACKHOLE, link->n_dark, directions, on);
    break;
  case SCENARIO_VERB_PAUSE:
    count_directions (link, TESTBED_PAUSE, link->n_paused, directions, on);
    break;
  case SCENARIO_VERB_REFUSE:
    if (count_one (&link->n_refusing, on))
      apply_fault (link, TESTBED_REFUSE, SCENARIO_BOTH, on);
    break;
  case SCENARIO_VERB_CORRUPT:
    apply_corrupt (link, directions,
                   !on                        ? 0
                   : spec->corrupt_frames > 0 ? (guint64)spec->corrupt_frames
                                              : G_MAXUINT64);
    break;
  case SCENARIO_VERB_SET:
    apply_set (link, spec, &event->targets[index], directions, on);
    break;
  case SCENARIO_VERB_RESET:
    apply_fault (link, TESTBED_RESET, SCENARIO_BOTH, TRUE);
    break;
  case SCENARIO_VERB_CLOSE:
    apply_fault (link, TESTBED_CLOSE, SCENARIO_BOTH, TRUE);
    break;
  case SCENARIO_VERB_HALF_OPEN:
    apply_fault (link, TESTBED_HALF_OPEN, directions, TRUE);
    break;
  case SCENARIO_VERB_REBIND:
    apply_fault (link, TESTBED_REBIND, SCENARIO_BOTH, TRUE);
    break;
  case SCENARIO_VERB_BLOCK:
    apply_block (link, spec->side, on);
    break;
  case SCENARIO_VERB_DISCONNECT:
    faults_each_end (faults, spec->side, link->index, disconnect_end, NULL);
    break;
  case SCENARIO_VERB_ADD:
    apply_presence (link, TRUE);
    break;
  case SCENARIO_VERB_REMOVE:
    apply_presence (link, FALSE);
    break;
  case SCENARIO_VERB_INJECT:
    faults_inject (faults, spec->inject, link->index, directions);
    break;
  default:
    g_assert_not_reached ();
  }
}

gboolean
faults_link_is_usable (FaultsLink *link)
{
  const Run *run = link->faults->run;
  const ScenarioLink *spec = scenario_get_link (run->scenario, link->index);
  CaimanConnection *connection = run->endpoint[SCENARIO_SIDE_CLIENT].connection;
  gsize n_links;

  if (!link->present || !link->started || link->n_down || !connection)
    return FALSE;
  for (guint i = 0; i < 2; i++) {
    if (link->n_dark[i] || link->n_paused[i] || link->n_blocked[i])
      return FALSE;
  }
  if (spec->reconnect_delay_ns != CAIMAN_TIME_NEVER && !link->n_refusing)
    return TRUE;
  CaimanLink *const *links = caiman_connection_get_links (connection, &n_links);
  for (gsize i = 0; i < n_links; i++) {
    if (g_strcmp0 (caiman_link_get_name (links[i]), spec->name) == 0 &&
        caiman_link_get_state (links[i]) < CAIMAN_LINK_CLOSING)
      return TRUE;
  }
  return FALSE;
}
