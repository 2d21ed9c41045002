/* SPDX-License-Identifier: Apache-2.0 */
/* report-capacity.c - see report-capacity.h. Events are replayed in order over a small model of
 * what each link's direction can carry. */
#include "reports/report-capacity.h"

#include "reports/variant.h"

#include <string.h>

#define N_DIRECTIONS 2
/* Most steps of flapping links that are worked out. */
#define FLAPS_MAX 10000
/* What is beyond is no time, or no rate, of a scenario. */
#define VALUE_MAX G_GINT64_CONSTANT (1000000000000000000)

/* What a direction of a link can carry at the moment. */
typedef struct {
  gint64 rate_bps;
  guint n_dark;       /* reasons why it carries nothing */
  gint64 starts_ns;   /* dark until then; 0: it has started */
  gboolean is_absent; /* not added yet, or removed */
  GArray *steps;
} Path;

/* An event that lasts: what it did, to be undone. */
typedef struct {
  const char *name; /* in the event's text */
  gsize name_length;
  char **words;                  /* of its `do`: verb, targets, arguments */
  gint64 on_ns, off_ns, next_ns; /* of a flap; next_ns is 0 elsewhere */
  gboolean is_down;              /* of a flap */
  GArray *touched[N_DIRECTIONS]; /* of guint: links */
  GArray *saved[N_DIRECTIONS];   /* of gint64: their rates before */
} Active;

typedef struct {
  const StoreRun *run;
  GKeyFile *text;
  Path *paths[N_DIRECTIONS];
  guint n_links;
  GPtrArray *active; /* of Active */
  guint n_flaps;
  char *problem;
} Replay;

static void
free_active (gpointer data)
{
  Active *active = data;
  g_strfreev (active->words);
  for (guint d = 0; d < N_DIRECTIONS; d++) {
    g_array_unref (active->touched[d]);
    g_array_unref (active->saved[d]);
  }
  g_free (active);
}

static void
add_step (Path *path, gint64 t_ns)
{
  ReportStep step = { t_ns, 0 };
  if (path->n_dark == 0 && path->starts_ns == 0 && !path->is_absent)
    step.rate_bps = path->rate_bps;
  ReportStep *last =
      path->steps->len > 0 ? &g_array_index (path->steps, ReportStep, path->steps->len - 1) : NULL;
  if (last && last->rate_bps == step.rate_bps)
    return;
  if (last && last->t_ns == t_ns)
    last->rate_bps = step.rate_bps;
  else
    g_array_append_val (path->steps, step);
}

static void
darken (Path *path, gint64 t_ns, gboolean on)
{
  if (on)
    path->n_dark++;
  else if (path->n_dark > 0)
    path->n_dark--;
  add_step (path, t_ns);
}

static gint64
time_in (Replay *replay, const char *text)
{
  double value;
  const char *unit;
  if (variant_parse_number (text, &value, &unit) && (value == 0 || g_str_equal (unit, "ns")) &&
      value >= 0 && value <= (double)VALUE_MAX)
    return (gint64)value;
  if (!replay->problem)
    replay->problem = g_strdup_printf ("'%s' in the scenario is no time that a report knows", text);
  return 0;
}

/* --- What an event's words name --- */

/* Calls @each for every link and direction that "a,b.up" or "all" names. */
static void
for_targets (Replay *replay, const char *targets,
             void (*each) (Replay *, guint direction, guint link, gpointer), gpointer data)
{
  g_auto (GStrv) names = g_strsplit (targets, ",", -1);
  for (char **name = names; *name; name++) {
    gboolean up = !g_str_has_suffix (*name, ".down"), down = !g_str_has_suffix (*name, ".up");
    if (up != down)
      *strrchr (*name, '.') = '\0';
    for (guint i = 0; i < replay->n_links; i++) {
      const char *link = g_array_index (replay->run->links, StoreLink, i).name;
      if (!g_str_equal (*name, "all") && !g_str_equal (*name, link))
        continue;
      if (up)
        each (replay, 0, i, data);
      if (down)
        each (replay, 1, i, data);
    }
  }
}

/* The word behind @key in "... on 1s off 2s"; NULL where there is none. */
static const char *
word_after (char **words, const char *key)
{
  for (char **word = words; *word; word++)
    if (g_str_equal (*word, key))
      return word[1];
  return NULL;
}

static gboolean
is_verb (char **words, const char *verbs)
{
  g_auto (GStrv) list = g_strsplit (verbs, " ", -1);
  return g_strv_contains ((const char *const *)list, words[0]);
}

/* --- Doing and undoing --- */

typedef struct {
  Active *active;
  gint64 t_ns;
  gint64 rate_bps;
} Change;

static void
begin_dark (Replay *replay, guint direction, guint link, gpointer data)
{
  Change *change = data;
  g_array_append_val (change->active->touched[direction], link);
  darken (&replay->paths[direction][link], change->t_ns, TRUE);
}

static void
begin_rate (Replay *replay, guint direction, guint link, gpointer data)
{
  Change *change = data;
  Path *path = &replay->paths[direction][link];
  g_array_append_val (change->active->touched[direction], link);
  g_array_append_val (change->active->saved[direction], path->rate_bps);
  path->rate_bps = change->rate_bps;
  add_step (path, change->t_ns);
}

static void
remove_link (Replay *replay, guint direction, guint link, gpointer data)
{
  Change *change = data;
  replay->paths[direction][link].is_absent = TRUE;
  add_step (&replay->paths[direction][link], change->t_ns);
}

static void
add_link (Replay *replay, guint direction, guint link, gpointer data)
{
  Change *change = data;
  replay->paths[direction][link].is_absent = FALSE;
  add_step (&replay->paths[direction][link], change->t_ns);
}

/* Undoes what @active did to the @index-th of the links that it touched in @direction. */
static void
end_one (Replay *replay, Active *active, guint direction, guint index, gint64 t_ns)
{
  guint link = g_array_index (active->touched[direction], guint, index);
  Path *path = &replay->paths[direction][link];
  if (is_verb (active->words, "set")) {
    path->rate_bps = g_array_index (active->saved[direction], gint64, index);
    g_array_remove_index (active->saved[direction], index);
    add_step (path, t_ns);
  } else if (active->next_ns == 0 || active->is_down) {
    darken (path, t_ns, FALSE);
  }
  g_array_remove_index (active->touched[direction], index);
}

static void
end_all (Replay *replay, Active *active, gint64 t_ns)
{
  for (guint d = 0; d < N_DIRECTIONS; d++)
    while (active->touched[d]->len > 0)
      end_one (replay, active, d, active->touched[d]->len - 1, t_ns);
}

/* `up` and `resume` end what others have begun on these links. */
static void
relieve (Replay *replay, guint direction, guint link, gpointer data)
{
  Change *change = data;
  const char *verbs =
      is_verb (change->active->words, "up") ? "down flap" : "pause blackhole partition";
  for (guint i = 0; i < replay->active->len; i++) {
    Active *active = g_ptr_array_index (replay->active, i);
    GArray *touched = active->touched[direction];
    if (!is_verb (active->words, verbs))
      continue;
    for (guint j = touched->len; j > 0; j--)
      if (g_array_index (touched, guint, j - 1) == link)
        end_one (replay, active, direction, j - 1, change->t_ns);
  }
}

/* A flap is down for `off`, up for `on`, and again. */
static void
begin_flap (Replay *replay, Change *change)
{
  Active *active = change->active;
  const char *on = word_after (active->words, "on"), *off = word_after (active->words, "off");
  active->on_ns = on ? time_in (replay, on) : 0;
  active->off_ns = off ? time_in (replay, off) : 0;
  active->is_down = TRUE;
  if (active->on_ns > 0 && active->off_ns > 0)
    active->next_ns = change->t_ns + active->off_ns;
  for_targets (replay, active->words[1], begin_dark, change);
}

static void
toggle_flap (Replay *replay, Active *active)
{
  gint64 t_ns = active->next_ns;
  active->is_down = !active->is_down;
  active->next_ns += active->is_down ? active->off_ns : active->on_ns;
  replay->n_flaps++;
  for (guint d = 0; d < N_DIRECTIONS; d++)
    for (guint i = 0; i < active->touched[d]->len; i++)
      darken (&replay->paths[d][g_array_index (active->touched[d], guint, i)], t_ns,
              active->is_down);
}

/* Links that start and flaps that turn before @t_ns; each path has them in order. */
static void
advance (Replay *replay, gint64 t_ns)
{
  for (guint d = 0; d < N_DIRECTIONS; d++)
    for (guint i = 0; i < replay->n_links; i++) {
      Path *path = &replay->paths[d][i];
      if (path->starts_ns == 0 || path->starts_ns > t_ns)
        continue;
      gint64 starts_ns = path->starts_ns;
      path->starts_ns = 0;
      add_step (path, starts_ns);
    }
  for (guint i = 0; i < replay->active->len; i++) {
    Active *active = g_ptr_array_index (replay->active, i);
    while (active->next_ns > 0 && active->next_ns < t_ns && replay->n_flaps < FLAPS_MAX)
      toggle_flap (replay, active);
  }
  if (replay->n_flaps >= FLAPS_MAX && !replay->problem)
    replay->problem = g_strdup ("a link flaps too often");
}

static void
begin_set (Replay *replay, Change *change)
{
  for (char **word = change->active->words; *word; word++) {
    double value;
    const char *unit;
    if (!g_str_has_prefix (*word, "rate="))
      continue;
    const char *rate = strchr (*word, '=') + 1;
    if (g_str_equal (rate, "unlimited"))
      change->rate_bps = REPORT_UNLIMITED;
    else if (variant_parse_number (rate, &value, &unit) && g_str_equal (unit, "bit/s") &&
             value <= (double)VALUE_MAX)
      change->rate_bps = (gint64)value;
    else if (!replay->problem)
      replay->problem =
          g_strdup_printf ("'%s' in the scenario is no rate that a report knows", rate);
    for_targets (replay, change->active->words[1], begin_rate, change);
  }
}

/* --- Events --- */

static Active *
find_active (Replay *replay, const char *name, gsize length)
{
  for (guint i = 0; i < replay->active->len; i++) {
    Active *active = g_ptr_array_index (replay->active, i);
    if (active->name_length == length && strncmp (active->name, name, length) == 0)
      return active;
  }
  return NULL;
}

static void
end_event (Replay *replay, const StoreEvent *event, gsize length)
{
  Active *active = find_active (replay, event->text, length);
  if (!active)
    return;
  end_all (replay, active, event->t_ns);
  g_ptr_array_remove (replay->active, active);
}

static void
begin_event (Replay *replay, const StoreEvent *event, gsize length)
{
  g_autofree char *group = g_strdup_printf ("event %.*s", (int)length, event->text);
  g_autofree char *action = g_key_file_get_string (replay->text, group, "do", NULL);
  end_event (replay, event, length);
  if (!action) {
    if (!replay->problem)
      replay->problem = g_strdup_printf ("the recorded scenario has no [%s]", group);
    return;
  }
  Active *active = g_new0 (Active, 1);
  active->name = event->text;
  active->name_length = length;
  active->words = g_strsplit (action, " ", -1);
  for (guint d = 0; d < N_DIRECTIONS; d++) {
    active->touched[d] = g_array_new (FALSE, FALSE, sizeof (guint));
    active->saved[d] = g_array_new (FALSE, FALSE, sizeof (gint64));
  }
  g_ptr_array_add (replay->active, active);
  Change change = { active, event->t_ns, 0 };
  if (g_strv_length (active->words) < 2)
    return;
  if (is_verb (active->words, "down blackhole partition pause"))
    for_targets (replay, active->words[1], begin_dark, &change);
  else if (is_verb (active->words, "flap"))
    begin_flap (replay, &change);
  else if (is_verb (active->words, "set"))
    begin_set (replay, &change);
  else if (is_verb (active->words, "remove"))
    for_targets (replay, active->words[1], remove_link, &change);
  else if (is_verb (active->words, "add"))
    for_targets (replay, active->words[1], add_link, &change);
  else if (is_verb (active->words, "up resume"))
    for_targets (replay, active->words[1], relieve, &change);
}

static void
replay_events (Replay *replay)
{
  for (guint i = 0; i < replay->run->events->len; i++) {
    const StoreEvent *event = &g_array_index (replay->run->events, StoreEvent, i);
    const char *colon = strstr (event->text ? event->text : "", ": ");
    if (event->side != STORE_SIDE_HARNESS || !colon || event->t_ns < 0 || event->t_ns > VALUE_MAX)
      continue;
    advance (replay, event->t_ns);
    if (g_str_equal (event->kind, "event-begin"))
      begin_event (replay, event, (gsize)(colon - event->text));
    else if (g_str_equal (event->kind, "event-end"))
      end_event (replay, event, (gsize)(colon - event->text));
  }
  advance (replay, report_run_end_ns (replay->run));
}

/* --- From start to end --- */

/* A link that starts later, or never by itself, is dark until then. */
static void
init_path (Replay *replay, guint direction, guint link)
{
  const StoreLink *spec = &g_array_index (replay->run->links, StoreLink, link);
  const StoreLinkDirection *side = direction == 0 ? &spec->up : &spec->down;
  Path *path = &replay->paths[direction][link];
  g_autofree char *group = g_strdup_printf ("link %s", spec->name);
  g_autofree char *starts = g_key_file_get_string (replay->text, group, "starts", NULL);
  path->rate_bps = side->rate_bps < 0 ? REPORT_UNLIMITED : MIN (side->rate_bps, VALUE_MAX);
  path->steps = g_array_new (FALSE, FALSE, sizeof (ReportStep));
  gboolean is_never = g_strcmp0 (starts, "never") == 0;
  gint64 starts_ns = starts && !is_never ? time_in (replay, starts) : 0;
  path->starts_ns = MAX (starts_ns, 0);
  path->is_absent = is_never;
  add_step (path, 0);
}

static void
init_paths (Replay *replay, ReportCapacity *capacity)
{
  for (guint d = 0; d < N_DIRECTIONS; d++) {
    replay->paths[d] = g_new0 (Path, replay->n_links + 1);
    for (guint i = 0; i < replay->n_links; i++) {
      init_path (replay, d, i);
      g_ptr_array_add (capacity->steps[d], replay->paths[d][i].steps);
    }
  }
}

static void
replay_run (Replay *replay, ReportCapacity *capacity)
{
  const StoreRun *run = replay->run;
  const char *text = run->scenario_text ? run->scenario_text : "";
  if (g_str_equal (run->testbed, "live")) {
    replay->problem = g_strdup ("nobody knows what the links of a live connection could carry");
    return;
  }
  if (!g_key_file_load_from_data (replay->text, text, strlen (text), G_KEY_FILE_NONE, NULL)) {
    replay->problem = g_strdup ("the recorded scenario cannot be read");
    return;
  }
  init_paths (replay, capacity);
  replay_events (replay);
}

ReportCapacity *
report_capacity_new (const StoreRun *run)
{
  ReportCapacity *capacity = g_new0 (ReportCapacity, 1);
  g_autoptr (GKeyFile) text = g_key_file_new ();
  g_autoptr (GPtrArray) active = g_ptr_array_new_with_free_func (free_active);
  Replay replay = { .run = run, .text = text, .n_links = run->links->len, .active = active };
  for (guint d = 0; d < N_DIRECTIONS; d++)
    capacity->steps[d] = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);
  replay_run (&replay, capacity);
  for (guint d = 0; d < N_DIRECTIONS; d++) {
    g_free (replay.paths[d]);
    if (replay.problem)
      g_ptr_array_set_size (capacity->steps[d], 0);
  }
  capacity->problem = replay.problem;
  return capacity;
}

void
report_capacity_free (ReportCapacity *capacity)
{
  if (!capacity)
    return;
  for (guint d = 0; d < N_DIRECTIONS; d++)
    g_ptr_array_unref (capacity->steps[d]);
  g_free (capacity->problem);
  g_free (capacity);
}

/* --- Sums --- */

/* What @steps say at @t_ns; *@at is where they were looked at last, earlier. */
static gint64
rate_at (const GArray *steps, gint64 t_ns, guint *at)
{
  while (*at + 1 < steps->len && g_array_index (steps, ReportStep, *at + 1).t_ns <= t_ns)
    ++*at;
  const ReportStep *step = &g_array_index (steps, ReportStep, *at);
  return step->t_ns <= t_ns ? step->rate_bps : 0;
}

/* Saturates, whatever a database holds. */
static gint64
add_rates (gint64 a_bps, gint64 b_bps)
{
  if (a_bps == REPORT_UNLIMITED || b_bps == REPORT_UNLIMITED)
    return REPORT_UNLIMITED;
  return a_bps > G_MAXINT64 - b_bps ? G_MAXINT64 : a_bps + b_bps;
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 left = *(const gint64 *)a, right = *(const gint64 *)b;
  return left < right ? -1 : left > right;
}

GArray *
report_capacity_sum (const ReportCapacity *capacity, guint direction)
{
  GPtrArray *links = capacity->steps[direction];
  if (links->len == 0)
    return NULL;
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  GArray *sum = g_array_new (FALSE, FALSE, sizeof (ReportStep));
  for (guint i = 0; i < links->len; i++) {
    const GArray *steps = g_ptr_array_index (links, i);
    for (guint j = 0; j < steps->len; j++)
      g_array_append_val (times, g_array_index (steps, ReportStep, j).t_ns);
  }
  g_array_sort (times, compare_times);
  g_autofree guint *at = g_new0 (guint, links->len);
  for (guint i = 0; i < times->len; i++) {
    ReportStep step = { g_array_index (times, gint64, i), 0 };
    for (guint j = 0; j < links->len; j++)
      step.rate_bps =
          add_rates (step.rate_bps, rate_at (g_ptr_array_index (links, j), step.t_ns, &at[j]));
    const ReportStep *last = sum->len > 0 ? &g_array_index (sum, ReportStep, sum->len - 1) : NULL;
    if (!last || last->rate_bps != step.rate_bps)
      g_array_append_val (sum, step);
  }
  return sum;
}

gint64
report_run_end_ns (const StoreRun *run)
{
  gint64 end_ns = MAX (run->simulated_ns, 0);
  for (guint i = 0; i < run->flow_samples->len; i++)
    end_ns = MAX (end_ns, g_array_index (run->flow_samples, StoreFlowSample, i).t_ns);
  for (guint i = 0; i < run->link_samples->len; i++)
    end_ns = MAX (end_ns, g_array_index (run->link_samples, StoreLinkSample, i).t_ns);
  if (run->events->len > 0)
    end_ns = MAX (end_ns, g_array_index (run->events, StoreEvent, run->events->len - 1).t_ns);
  return end_ns;
}
