/* SPDX-License-Identifier: Apache-2.0 */
/* faults.c - see faults.h. When events begin and end, and the check that the connection heals.
 *
 * Timers: each event's begin, end (`for`) and flap; heal_timer, heals-within after the last end. */
#include "harness/faults-private.h"

static gint64
get_now (const Faults *faults)
{
  return testbed_now (faults->run->testbed);
}

/* Verbs that undo others, or that say what the application wants, hurt nobody. */
static gboolean
is_fault (ScenarioVerb verb)
{
  switch (verb) {
  case SCENARIO_VERB_UP:
  case SCENARIO_VERB_RESUME:
  case SCENARIO_VERB_ACCEPT:
  case SCENARIO_VERB_ADD:
  case SCENARIO_VERB_UNBLOCK:
  case SCENARIO_VERB_RESTART:
  case SCENARIO_VERB_DROP_RECEIVER:
  case SCENARIO_VERB_CLOSE_RECEIVER:
    return FALSE;
  default:
    return TRUE;
  }
}

/* Verbs after which a link says nothing any more, or nonsense, which a sender has to notice. The
 * others change what a link can do, or what an application does: no sender could suspect them. */
static gboolean
is_to_be_noticed (ScenarioVerb verb)
{
  switch (verb) {
  case SCENARIO_VERB_SET:
  case SCENARIO_VERB_REFUSE:
  case SCENARIO_VERB_BLOCK:
  case SCENARIO_VERB_SLOW_READER:
    return FALSE;
  default:
    return TRUE;
  }
}

/* Verbs that hold until they are undone. */
static gboolean
is_lasting (const ScenarioEvent *spec)
{
  switch (spec->verb) {
  case SCENARIO_VERB_DOWN:
  case SCENARIO_VERB_BLACKHOLE:
  case SCENARIO_VERB_PARTITION:
  case SCENARIO_VERB_PAUSE:
  case SCENARIO_VERB_REFUSE:
  case SCENARIO_VERB_SET:
  case SCENARIO_VERB_FLAP:
  case SCENARIO_VERB_BLOCK:
  case SCENARIO_VERB_CRASH:
  case SCENARIO_VERB_SLOW_READER:
    return TRUE;
  case SCENARIO_VERB_CORRUPT:
    return spec->corrupt_frames == 0;
  default:
    return FALSE;
  }
}

/* Whether an event with @verb ends one with @other. */
static gboolean
undoes (ScenarioVerb verb, ScenarioVerb other)
{
  switch (verb) {
  case SCENARIO_VERB_UP:
    return other == SCENARIO_VERB_DOWN || other == SCENARIO_VERB_FLAP;
  case SCENARIO_VERB_RESUME:
    return other == SCENARIO_VERB_PAUSE || other == SCENARIO_VERB_BLACKHOLE ||
           other == SCENARIO_VERB_PARTITION;
  case SCENARIO_VERB_ACCEPT:
    return other == SCENARIO_VERB_REFUSE;
  case SCENARIO_VERB_UNBLOCK:
    return other == SCENARIO_VERB_BLOCK;
  case SCENARIO_VERB_RESTART:
    return other == SCENARIO_VERB_CRASH;
  default:
    return FALSE;
  }
}

static void
note (FaultsEvent *event, const char *kind)
{
  const ScenarioEvent *spec = event->spec;
  g_autofree char *text =
      g_strdup_printf ("%s: %s", spec->name, scenario_verb_to_string (spec->verb));
  int link =
      spec->targets->len == 1 ? (int)g_array_index (spec->targets, ScenarioTarget, 0).link : -1;

  recorder_note (event->faults->run->recorder, get_now (event->faults), link, kind, event->n_begun,
                 (gint64)event->index, text);
}

/* --- Faults as the measure sees them --- */

static void
begin_fault (FaultsEvent *event)
{
  const GArray *targets = event->spec->targets;
  guint links[SCENARIO_ITEMS_MAX];
  gsize n_links = is_to_be_noticed (event->spec->verb) ? targets->len : 0;
  /* What hits an endpoint hits all its links. */
  gboolean hits_all = event->spec->verb == SCENARIO_VERB_CRASH;

  g_assert (n_links <= G_N_ELEMENTS (links));
  for (gsize i = 0; i < n_links; i++)
    links[i] = g_array_index (targets, ScenarioTarget, i).link;
  event->fault = measure_fault_begin (event->faults->run->measure, hits_all ? NULL : links, n_links,
                                      get_now (event->faults));
  event->has_fault = TRUE;
}

static void
end_fault (FaultsEvent *event)
{
  if (!event->has_fault)
    return;
  event->has_fault = FALSE;
  measure_fault_end (event->faults->run->measure, event->fault, get_now (event->faults));
}

/* --- Healing --- */

static gboolean
is_any_temporary_active (const Faults *faults)
{
  for (guint i = 0; i < faults->run->scenario->events->len; i++) {
    const FaultsEvent *event = &faults->events[i];
    if (event->active && is_fault (event->spec->verb) && event->spec->for_ns != CAIMAN_TIME_NEVER)
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_any_link_usable (Faults *faults)
{
  for (guint i = 0; i < faults->run->scenario->links->len; i++) {
    if (faults_link_is_usable (&faults->links[i]))
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_open (const Run *run, ScenarioSide side)
{
  const CaimanConnection *connection = run->endpoint[side].connection;
  return connection && caiman_connection_get_state (connection) == CAIMAN_CONNECTION_OPEN;
}

static void
heal_due (gpointer user_data)
{
  Faults *faults = user_data;
  Run *run = faults->run;

  if (is_any_temporary_active (faults) || !is_any_link_usable (faults) ||
      !is_open (run, SCENARIO_SIDE_CLIENT) || !is_open (run, SCENARIO_SIDE_SERVER))
    return;
  for (guint i = 0; i < run->scenario->flows->len; i++) {
    TrafficProgress progress;
    traffic_get_progress (run->traffic, i, &progress);
    if (progress.complete || progress.cut || progress.waiting_since_ns == CAIMAN_TIME_NEVER ||
        progress.waiting_since_ns > faults->last_end_ns)
      continue;
    oracle_report (
        run->oracle, ORACLE_LIVENESS, get_now (faults),
        "%s has not delivered again since the last fault ended at %" G_GINT64_FORMAT " ms",
        scenario_get_flow (run->scenario, i)->name, faults->last_end_ns / CAIMAN_NS_PER_MS);
  }
}

/* A fault has ended; one that stays for good counts as ended when it has begun. */
static void
watch_healing (Faults *faults)
{
  faults->last_end_ns = get_now (faults);
  testbed_timer_arm (faults->heal_timer,
                     caiman_time_add (faults->last_end_ns, faults->run->scenario->heals_within_ns));
}

/* --- Doing and undoing --- */

static CaimanConnection *
get_connection (const FaultsEvent *event)
{
  return event->faults->run->endpoint[event->spec->side].connection;
}

static void
terminate (FaultsEvent *event)
{
  CaimanConnection *connection = get_connection (event);

  if (!connection)
    return;
  caiman_connection_terminate (connection, get_now (event->faults));
  run_touch (event->faults->run, event->spec->side);
}

/* What concerns an endpoint or a flow. */
static void
apply_elsewhere (FaultsEvent *event, gboolean on)
{
  const ScenarioEvent *spec = event->spec;
  Run *run = event->faults->run;

  switch (spec->verb) {
  case SCENARIO_VERB_CRASH:
    if (on)
      run_crash (run, spec->side);
    else
      run_restart (run, spec->side);
    break;
  case SCENARIO_VERB_TERMINATE:
    terminate (event);
    break;
  case SCENARIO_VERB_DROP_RECEIVER:
    traffic_drop_receiver (run->traffic, spec->flow);
    break;
  case SCENARIO_VERB_CLOSE_RECEIVER:
    traffic_close_receiver (run->traffic, spec->flow);
    break;
  case SCENARIO_VERB_SLOW_READER:
    if (on)
      event->saved_rate_bps = traffic_get_reader_rate (run->traffic, spec->flow);
    traffic_set_reader_rate (run->traffic, spec->flow,
                             on ? spec->reader_rate_bps : event->saved_rate_bps);
    break;
  default:
    break;
  }
}

static void
end_event (FaultsEvent *event)
{
  event->active = FALSE;
  event->flap_down = FALSE;
  testbed_timer_arm (event->end_timer, CAIMAN_TIME_NEVER);
  testbed_timer_arm (event->flap_timer, CAIMAN_TIME_NEVER);
  end_fault (event);
  note (event, "event-end");
  if (is_fault (event->spec->verb))
    watch_healing (event->faults);
}

/* Undoes target number @index in @directions; the event is over when nothing is left of it. */
static void
undo_target (FaultsEvent *event, guint index, ScenarioDirections directions)
{
  FaultsTarget *target = &event->targets[index];

  directions &= target->left;
  if (!directions)
    return;
  target->left &= ~directions;
  if (event->spec->verb != SCENARIO_VERB_FLAP || event->flap_down)
    faults_apply (event, index, directions, FALSE);
}

static gboolean
has_targets_left (const FaultsEvent *event)
{
  for (guint i = 0; i < event->spec->targets->len; i++) {
    if (event->targets[i].left)
      return TRUE;
  }
  return FALSE;
}

static void
undo_all (FaultsEvent *event)
{
  if (!event->active)
    return;
  if (event->spec->target_kind != SCENARIO_TARGET_LINKS)
    apply_elsewhere (event, FALSE);
  for (guint i = 0; i < event->spec->targets->len; i++)
    undo_target (event, i, SCENARIO_BOTH);
  end_event (event);
}

static void
undo_link (FaultsEvent *event, const ScenarioTarget *where)
{
  for (guint i = 0; i < event->spec->targets->len; i++) {
    if (g_array_index (event->spec->targets, ScenarioTarget, i).link == where->link)
      undo_target (event, i, where->directions);
  }
  if (!has_targets_left (event))
    end_event (event);
}

/* @event is one that undoes: ends what holds of its counterparts. */
static void
undo_others (FaultsEvent *event)
{
  const ScenarioEvent *spec = event->spec;
  Faults *faults = event->faults;

  for (guint i = 0; i < faults->run->scenario->events->len; i++) {
    FaultsEvent *other = &faults->events[i];
    gboolean same_side = spec->verb != SCENARIO_VERB_UNBLOCK && spec->verb != SCENARIO_VERB_RESTART;
    if (!undoes (spec->verb, other->spec->verb) || !(same_side || spec->side == other->spec->side))
      continue;
    if (spec->target_kind != SCENARIO_TARGET_LINKS)
      undo_all (other);
    for (guint k = 0; k < spec->targets->len && other->active; k++)
      undo_link (other, &g_array_index (spec->targets, ScenarioTarget, k));
  }
}

static void
flap_due (gpointer user_data)
{
  FaultsEvent *event = user_data;
  gint64 now_ns = get_now (event->faults);

  event->flap_down = !event->flap_down;
  if (event->flap_down)
    begin_fault (event);
  else
    end_fault (event);
  for (guint i = 0; i < event->spec->targets->len; i++) {
    if (event->targets[i].left)
      faults_apply (event, i, SCENARIO_BOTH, event->flap_down);
  }
  testbed_timer_arm (event->flap_timer,
                     now_ns + (event->flap_down ? event->spec->off_ns : event->spec->on_ns));
}

static void
do_event (FaultsEvent *event)
{
  const ScenarioEvent *spec = event->spec;

  if (spec->target_kind != SCENARIO_TARGET_LINKS)
    apply_elsewhere (event, TRUE);
  for (guint i = 0; i < spec->targets->len; i++) {
    const ScenarioTarget *target = &g_array_index (spec->targets, ScenarioTarget, i);
    event->targets[i].left = is_lasting (spec) ? target->directions : 0;
    gboolean undo =
        undoes (spec->verb, SCENARIO_VERB_DOWN) || undoes (spec->verb, SCENARIO_VERB_PAUSE) ||
        undoes (spec->verb, SCENARIO_VERB_REFUSE) || undoes (spec->verb, SCENARIO_VERB_BLOCK);
    if (!undo && spec->verb != SCENARIO_VERB_FLAP)
      faults_apply (event, i, target->directions, TRUE);
  }
  undo_others (event);
}

/* --- Triggers --- */

/* The mark of the next event that waits for @flow's progress. */
static void
update_watch (Faults *faults, guint flow)
{
  gint64 bytes = G_MAXINT64, messages = G_MAXINT64;

  for (guint i = 0; i < faults->run->scenario->events->len; i++) {
    const FaultsEvent *event = &faults->events[i];
    const ScenarioEvent *spec = event->spec;
    if (spec->trigger < SCENARIO_TRIGGER_DELIVERED || spec->trigger_flow != flow)
      continue;
    if (event->n_begun > 0 && (!spec->every_progress || event->n_begun >= spec->repeat))
      continue;
    gint64 mark = spec->threshold + caiman_muldiv (event->n_begun, spec->every_progress, 1);
    if (spec->trigger == SCENARIO_TRIGGER_DELIVERED)
      bytes = MIN (bytes, mark);
    else
      messages = MIN (messages, mark);
  }
  traffic_watch (faults->run->traffic, flow, bytes, messages);
}

static gboolean
is_due_by_progress (const FaultsEvent *event, const TrafficProgress *progress)
{
  const ScenarioEvent *spec = event->spec;
  gint64 mark = spec->threshold + caiman_muldiv (event->n_begun, spec->every_progress, 1);

  if (event->n_begun > 0 && (!spec->every_progress || event->n_begun >= spec->repeat))
    return FALSE;
  if (spec->trigger == SCENARIO_TRIGGER_DELIVERED)
    return progress->delivered_bytes >= mark;
  return spec->trigger == SCENARIO_TRIGGER_MESSAGES && progress->messages >= mark;
}

void
faults_flow_reached (Faults *faults, guint flow)
{
  TrafficProgress progress;

  traffic_get_progress (faults->run->traffic, flow, &progress);
  for (guint i = 0; i < faults->run->scenario->events->len; i++) {
    FaultsEvent *event = &faults->events[i];
    if (event->spec->trigger >= SCENARIO_TRIGGER_DELIVERED && event->spec->trigger_flow == flow &&
        is_due_by_progress (event, &progress))
      testbed_timer_arm (event->begin_timer, get_now (faults));
  }
}

static void
arm_followers (FaultsEvent *event)
{
  Faults *faults = event->faults;

  for (guint i = 0; i < faults->run->scenario->events->len; i++) {
    const ScenarioEvent *spec = faults->events[i].spec;
    if (spec->trigger == SCENARIO_TRIGGER_AFTER && spec->trigger_event == event->index)
      testbed_timer_arm (faults->events[i].begin_timer,
                         caiman_time_add (get_now (faults), spec->trigger_ns));
  }
}

static void
arm_again (FaultsEvent *event)
{
  const ScenarioEvent *spec = event->spec;

  if (event->n_begun == 1)
    arm_followers (event);
  if (spec->trigger >= SCENARIO_TRIGGER_DELIVERED)
    update_watch (event->faults, spec->trigger_flow);
  if (spec->every_ns > 0 && event->n_begun < spec->repeat)
    testbed_timer_arm (event->begin_timer,
                       caiman_time_add (get_now (event->faults), spec->every_ns));
}

static void
begin_due (gpointer user_data)
{
  FaultsEvent *event = user_data;
  const ScenarioEvent *spec = event->spec;

  undo_all (event);
  event->n_begun++;
  note (event, "event-begin");
  if (!is_fault (spec->verb))
    measure_event_begun (event->faults->run->measure, get_now (event->faults));
  else if (spec->verb != SCENARIO_VERB_FLAP)
    begin_fault (event);
  event->active = is_lasting (spec);
  do_event (event);
  if (spec->verb == SCENARIO_VERB_FLAP)
    flap_due (event);
  if (event->active && spec->for_ns != CAIMAN_TIME_NEVER)
    testbed_timer_arm (event->end_timer, caiman_time_add (get_now (event->faults), spec->for_ns));
  if (!event->active)
    end_fault (event);
  if (is_fault (spec->verb))
    watch_healing (event->faults);
  arm_again (event);
}

static void
end_due (gpointer user_data)
{
  FaultsEvent *event = user_data;

  undo_all (event);
}

/* --- Life --- */

static void
init_event (Faults *faults, guint index)
{
  Testbed *testbed = faults->run->testbed;
  FaultsEvent *event = &faults->events[index];

  event->faults = faults;
  event->index = index;
  event->spec = scenario_get_event (faults->run->scenario, index);
  event->targets = g_new0 (FaultsTarget, event->spec->targets->len);
  event->begin_timer = testbed_timer_new (testbed, begin_due, event);
  event->end_timer = testbed_timer_new (testbed, end_due, event);
  event->flap_timer = testbed_timer_new (testbed, flap_due, event);
  if (event->spec->trigger == SCENARIO_TRIGGER_AT)
    testbed_timer_arm (event->begin_timer, event->spec->trigger_ns);
}

Faults *
faults_new (Run *run)
{
  Faults *faults = g_new0 (Faults, 1);

  faults->run = run;
  faults->heal_timer = testbed_timer_new (run->testbed, heal_due, faults);
  faults->injections = g_ptr_array_new_with_free_func (g_free);
  faults->links = g_new0 (FaultsLink, run->scenario->links->len);
  for (guint i = 0; i < run->scenario->links->len; i++)
    faults_link_init (faults, i);
  faults->events = g_new0 (FaultsEvent, run->scenario->events->len);
  for (guint i = 0; i < run->scenario->events->len; i++)
    init_event (faults, i);
  for (guint i = 0; i < run->scenario->flows->len; i++)
    update_watch (faults, i);
  return faults;
}

void
faults_free (Faults *faults)
{
  if (!faults)
    return;
  for (guint i = 0; i < faults->run->scenario->events->len; i++) {
    FaultsEvent *event = &faults->events[i];
    testbed_timer_free (event->begin_timer);
    testbed_timer_free (event->end_timer);
    testbed_timer_free (event->flap_timer);
    g_free (event->targets);
  }
  for (guint i = 0; i < faults->run->scenario->links->len; i++)
    faults_link_clear (&faults->links[i]);
  testbed_timer_free (faults->heal_timer);
  g_ptr_array_unref (faults->injections);
  g_free (faults->events);
  g_free (faults->links);
  g_free (faults);
}
