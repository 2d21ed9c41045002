/* SPDX-License-Identifier: Apache-2.0 */
/* report-lanes.c - see report-lanes.h. An event of kind "link-state" carries the state before in a,
 * the state after in b, and the latter's name. */
#include "reports/report-lanes.h"

#include <string.h>

#define STATES_MAX 16

typedef struct {
  ReportLane *lane;
  guint n_links[STATES_MAX]; /* that are in a state */
  gboolean is_blocked, is_suspected;
} Walk;

/* Best first; what is not listed comes behind. */
static const char *const ranking[] = { "working", "new",        "not-working",
                                       "closing", "connecting", "closed" };

static void
free_lane (gpointer data)
{
  ReportLane *lane = data;
  g_array_unref (lane->spans);
  g_free (lane);
}

static guint
rank_of (const char *state)
{
  guint i = 0;
  while (i < G_N_ELEMENTS (ranking) && strcmp (ranking[i], state) != 0)
    i++;
  return i;
}

/* The name of a state's number, from the events that have it. */
static void
learn_names (const StoreRun *run, const char **names)
{
  for (guint i = 0; i < run->events->len; i++) {
    const StoreEvent *event = &g_array_index (run->events, StoreEvent, i);
    if (g_str_equal (event->kind, "link-state") && event->b >= 0 && event->b < STATES_MAX &&
        *event->text)
      names[event->b] = event->text;
  }
}

static const char *
best_state (const Walk *walk, const char *const *names)
{
  const char *best = NULL;
  for (guint i = 0; i < STATES_MAX; i++)
    if (walk->n_links[i] > 0 && names[i] && (!best || rank_of (names[i]) < rank_of (best)))
      best = names[i];
  if (best && g_str_equal (best, "working"))
    return walk->is_blocked ? "blocked" : walk->is_suspected ? "suspected" : best;
  return best ? best : "none";
}

static Walk *
find_walk (GArray *walks, GPtrArray *lanes, const StoreEvent *event)
{
  for (guint i = 0; i < walks->len; i++) {
    Walk *walk = &g_array_index (walks, Walk, i);
    if ((gint)walk->lane->link == event->link && walk->lane->side == event->side)
      return walk;
  }
  Walk walk = { .lane = g_new0 (ReportLane, 1) };
  walk.lane->link = (guint)event->link;
  walk.lane->side = event->side;
  walk.lane->spans = g_array_new (FALSE, FALSE, sizeof (ReportSpan));
  g_ptr_array_add (lanes, walk.lane);
  g_array_append_val (walks, walk);
  return &g_array_index (walks, Walk, walks->len - 1);
}

/* FALSE: the event says nothing of a link's state. */
static gboolean
apply (Walk *walk, const StoreEvent *event)
{
  if (g_str_equal (event->kind, "link-blocked")) {
    walk->is_blocked = event->a != 0;
  } else if (g_str_equal (event->kind, "link-suspected")) {
    walk->is_suspected = event->a != 0;
  } else if (g_str_equal (event->kind, "link-state")) {
    if (event->a >= 0 && event->a < STATES_MAX && walk->n_links[event->a] > 0)
      walk->n_links[event->a]--;
    if (event->b >= 0 && event->b < STATES_MAX)
      walk->n_links[event->b]++;
    walk->is_suspected = FALSE;
  } else {
    return FALSE;
  }
  return TRUE;
}

static void
add_span (ReportLane *lane, const StoreEvent *event, const char *state)
{
  gboolean has_reason = event->reason && *event->reason && !g_str_equal (event->reason, "none");
  ReportSpan span = { event->t_ns, state, has_reason ? event->reason : "" };
  ReportSpan *last =
      lane->spans->len > 0 ? &g_array_index (lane->spans, ReportSpan, lane->spans->len - 1) : NULL;
  if (last && g_str_equal (last->state, state))
    return;
  if (last && last->t_ns == span.t_ns)
    *last = span;
  else
    g_array_append_val (lane->spans, span);
}

static int
compare_lanes (gconstpointer a, gconstpointer b)
{
  const ReportLane *left = *(ReportLane *const *)a, *right = *(ReportLane *const *)b;
  if (left->link != right->link)
    return left->link < right->link ? -1 : 1;
  return (int)left->side - (int)right->side;
}

GPtrArray *
report_lanes_new (const StoreRun *run)
{
  GPtrArray *lanes = g_ptr_array_new_with_free_func (free_lane);
  g_autoptr (GArray) walks = g_array_new (FALSE, FALSE, sizeof (Walk));
  const char *names[STATES_MAX] = { NULL };
  learn_names (run, names);
  for (guint i = 0; i < run->events->len; i++) {
    const StoreEvent *event = &g_array_index (run->events, StoreEvent, i);
    if (event->link < 0 || event->side == STORE_SIDE_HARNESS ||
        !g_str_has_prefix (event->kind, "link-"))
      continue;
    Walk *walk = find_walk (walks, lanes, event);
    if (apply (walk, event))
      add_span (walk->lane, event, best_state (walk, names));
  }
  for (guint i = lanes->len; i > 0; i--)
    if (((ReportLane *)g_ptr_array_index (lanes, i - 1))->spans->len == 0)
      g_ptr_array_remove_index (lanes, i - 1);
  g_ptr_array_sort (lanes, compare_lanes);
  return lanes;
}
