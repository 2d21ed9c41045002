/* SPDX-License-Identifier: Apache-2.0 */
/* show.c - see show.h. */
#include "reports/show.h"

#include "reports/format.h"
#include "reports/summary.h"
#include "reports/table.h"

#define INDENT 2
/* Of a line of a live run, whose events may have long reasons. */
#define WIDTH 80

/* So many events at the begin, and as many at the end, are shown by default. */
#define EVENTS_SHOWN 60

/* --- The list -----------------------------------------------------------------------------------
 */

static void
add_verdict (Table *table, const StoreRun *run)
{
  if (!run->finished)
    table_add (table, TABLE_BAD, "UNFINISHED");
  else
    table_add (table,
               run->exit_class == 0    ? TABLE_GOOD
               : run->exit_class == 77 ? TABLE_DIM
                                       : TABLE_BAD,
               format_exit_class (run->exit_class));
}

/* Columns of the list, in this order. */
enum {
  LIST_RUN,
  LIST_STARTED,
  LIST_CAMPAIGN,
  LIST_SCENARIO,
  LIST_SEED,
  LIST_POLICY,
  LIST_TESTBED,
  LIST_VERDICT,
  LIST_OUTCOME,
  LIST_HELD,
  LIST_SIMULATED,
  LIST_VARIANT,
};

static void
add_list_row (Table *table, const QueryListEntry *entry, gboolean has_variants)
{
  const StoreRun *run = entry->run;
  table_take (table, g_strdup_printf ("%" G_GINT64_FORMAT, run->id));
  table_take (table, format_date (run->started_us));
  table_add (table, TABLE_PLAIN, entry->campaign);
  table_add (table, TABLE_PLAIN, run->scenario_name);
  table_take (table, g_strdup_printf ("%" G_GINT64_FORMAT, run->seed));
  table_add (table, TABLE_PLAIN, run->policy);
  table_add (table, TABLE_PLAIN, run->testbed);
  add_verdict (table, run);
  table_add (table, TABLE_PLAIN, run->outcome);
  table_take (table, g_strdup_printf ("%u/%u", entry->n_held, entry->n_held + entry->n_not_held));
  table_take (table, run->finished ? format_time ((double)run->simulated_ns) : g_strdup ("-"));
  if (has_variants)
    table_add (table, TABLE_DIM, run->variant ? run->variant : "");
}

static gboolean
has_variant (GPtrArray *entries)
{
  for (guint i = 0; i < entries->len; i++) {
    const QueryListEntry *entry = g_ptr_array_index (entries, i);
    if (entry->run->variant)
      return TRUE;
  }
  return FALSE;
}

char *
show_format_list (GPtrArray *entries, guint width_columns, ShowFlags flags)
{
  static const int order[] = {
    LIST_TESTBED, LIST_CAMPAIGN, LIST_SIMULATED, LIST_HELD, LIST_STARTED, LIST_POLICY, -1
  };
  const char *titles[] = { ">run",    "started (UTC)", "campaign",   "scenario",
                           ">seed",   "policy",        "testbed",    "verdict",
                           "outcome", ">held",         ">simulated", NULL,
                           NULL };
  gboolean has_variants = has_variant (entries);
  titles[LIST_VARIANT] = has_variants ? "variant" : NULL;
  GString *out = g_string_new (NULL);
  g_autoptr (Table) table = table_new (titles, (flags & SHOW_COLOUR) != 0);
  for (guint i = 0; i < entries->len; i++)
    add_list_row (table, g_ptr_array_index (entries, i), has_variants);
  if (!(flags & SHOW_ALL))
    table_fit (table, width_columns, order);
  if (table_is_empty (table))
    g_string_append (out, "no runs\n");
  else
    table_render (table, 0, out);
  return g_string_free (out, FALSE);
}

/* --- One run: what it was ------------------------------------------------------------------------
 */

static void
append_head (GString *out, const StoreRun *run)
{
  g_autofree char *started = format_date (run->started_us);
  g_autofree char *events = format_count ((double)run->n_events);
  g_string_append_printf (out,
                          "\n  started   %s UTC on %s\n"
                          "  build     %s\n"
                          "  testbed   %s\n"
                          "  scenario  %s\n",
                          started, run->host, run->git_id, run->testbed, run->scenario_hash);
  if (summary_is_live (run) && run->variant)
    g_string_append_printf (out, "  label     %s\n", run->variant);
  else if (run->finished)
    g_string_append_printf (out, "  digest    %s after %s trace events\n",
                            run->digest ? run->digest : "-", events);
}

static void
append_table (GString *out, const char *heading, const Table *table)
{
  if (table_is_empty (table))
    return;
  g_string_append_printf (out, "\n%s\n", heading);
  table_render (table, INDENT, out);
}

static char *
format_direction (const StoreLinkDirection *d)
{
  g_autofree char *rate =
      d->rate_bps < 0 ? g_strdup ("unlimited") : format_rate ((double)d->rate_bps);
  g_autofree char *delay = format_time ((double)d->delay_ns);
  return g_strdup_printf ("%s, %s", rate, delay);
}

/* Both directions' values, once where they agree. */
static char *
format_both (const char *up, const char *down)
{
  return g_str_equal (up, down) ? g_strdup (up) : g_strdup_printf ("%s, %s", up, down);
}

/* Nobody knows what a live link can do. */
static void
append_live_links (GString *out, const StoreRun *run, gboolean colour)
{
  static const char *const titles[] = { "#", "link", "carrier", NULL };
  g_autoptr (Table) table = table_new (titles, colour);
  for (guint i = 0; i < run->links->len; i++) {
    const StoreLink *l = &g_array_index (run->links, StoreLink, i);
    table_take (table, summary_format_link (run, i));
    table_add (table, TABLE_PLAIN, l->name);
    table_add (table, TABLE_PLAIN, l->carrier);
  }
  append_table (out, "Links", table);
}

static void
append_links (GString *out, const StoreRun *run, gboolean colour)
{
  static const char *const titles[] = { "link",  "carrier", ">up",   ">down",  "loss",
                                        "queue", ">weight", ">cost", ">quota", NULL };
  g_autoptr (Table) table = table_new (titles, colour);
  for (guint i = 0; i < run->links->len; i++) {
    const StoreLink *l = &g_array_index (run->links, StoreLink, i);
    table_add (table, TABLE_PLAIN, l->name);
    table_add (table, TABLE_PLAIN, l->carrier);
    table_take (table, format_direction (&l->up));
    table_take (table, format_direction (&l->down));
    table_take (table, format_both (l->up.loss, l->down.loss));
    table_take (table, format_both (l->up.queue, l->down.queue));
    table_take (table, format_count ((double)l->weight));
    table_take (table, format_count ((double)l->cost));
    table_take (table, l->quota_bytes < 0 ? g_strdup ("-") : format_bytes ((double)l->quota_bytes));
  }
  append_table (out, "Links as the scenario gives them", table);
}

static void
append_flows (GString *out, const StoreRun *run, gboolean colour)
{
  static const char *const titles[] = { "flow",       "from",     "kind", ">offered",
                                        ">delivered", "complete", NULL };
  g_autoptr (Table) table = table_new (titles, colour);
  for (guint i = 0; i < run->flows->len; i++) {
    const StoreFlow *f = &g_array_index (run->flows, StoreFlow, i);
    table_add (table, TABLE_PLAIN, f->name);
    table_add (table, TABLE_PLAIN, store_side_to_string (f->from));
    table_add (table, TABLE_PLAIN, f->kind);
    table_take (table, format_bytes ((double)f->offered_bytes));
    table_take (table, format_bytes ((double)f->delivered_bytes));
    table_add (table, f->complete ? TABLE_PLAIN : TABLE_BAD, f->complete ? "yes" : "NO");
  }
  append_table (out, "Traffic", table);
}

static void
append_parameters (GString *out, const StoreRun *run, gboolean colour)
{
  static const char *const titles[] = { "side", "parameter", ">value", "unit", NULL };
  g_autoptr (Table) table = table_new (titles, colour);
  for (guint i = 0; i < run->parameters->len; i++) {
    const StoreParameter *p = &g_array_index (run->parameters, StoreParameter, i);
    table_add (table, TABLE_PLAIN, *p->side ? p->side : "both");
    table_add (table, TABLE_PLAIN, p->name);
    table_add (table, TABLE_PLAIN, p->value);
    table_add (table, TABLE_PLAIN, p->unit);
  }
  append_table (out, "Parameters", table);
}

/* --- The timeline
 * --------------------------------------------------------------------------------- */

static void
add_event_row (Table *table, const StoreRun *run, const StoreEvent *event)
{
  gboolean about_link = event->link >= 0 && (guint)event->link < run->links->len;
  g_autofree char *link =
      about_link ? summary_format_link (run, (guint)event->link) : g_strdup ("");
  TableStyle style = event->side == STORE_SIDE_HARNESS ? TABLE_DIM : TABLE_PLAIN;
  table_take (table, g_strdup_printf ("%.6f", (double)event->t_ns / 1e9));
  table_add (table, style, store_side_to_string (event->side));
  table_add (table, TABLE_PLAIN, link);
  table_add (table, TABLE_PLAIN, event->kind);
  table_add (table, TABLE_PLAIN, g_str_equal (event->reason, "none") ? "" : event->reason);
  table_add (table, TABLE_PLAIN, event->text);
}

static void
add_omission_row (Table *table, guint n_omitted)
{
  table_add (table, TABLE_DIM, "...");
  for (int i = 0; i < 4; i++)
    table_add (table, TABLE_DIM, "");
  g_autofree char *text = g_strdup_printf ("%u more events", n_omitted);
  table_add (table, TABLE_DIM, text);
}

static void
append_events (GString *out, const StoreRun *run, ShowFlags flags)
{
  static const char *const titles[] = { ">t/s", "side", "link", "event", "reason", "", NULL };
  g_autoptr (Table) table = table_new (titles, (flags & SHOW_COLOUR) != 0);
  guint n = run->events->len;
  gboolean shorten = !(flags & SHOW_ALL) && n > 2 * EVENTS_SHOWN;
  for (guint i = 0; i < n; i++) {
    if (shorten && i == EVENTS_SHOWN) {
      add_omission_row (table, n - 2 * EVENTS_SHOWN);
      i = n - EVENTS_SHOWN;
    }
    add_event_row (table, run, &g_array_index (run->events, StoreEvent, i));
  }
  static const int whole[] = { -1 };
  if (summary_is_live (run))
    table_fit (table, WIDTH - INDENT, whole);
  append_table (out, "Timeline", table);
}

char *
show_format_run (const StoreRun *run, ShowFlags flags)
{
  gboolean colour = (flags & SHOW_COLOUR) != 0;
  StoreRun head = *run;
  if (summary_is_live (run))
    head.variant = NULL; /* its label is long, and stands below */
  g_autofree char *line = summary_format_line (&head, colour);
  GString *out = g_string_new (line);
  append_head (out, run);
  if (summary_is_live (run))
    append_live_links (out, run, colour);
  else
    append_links (out, run, colour);
  append_flows (out, run, colour);
  if (flags & SHOW_ALL)
    append_parameters (out, run, colour);
  summary_append_expectations (out, run, colour);
  for (StoreSubject s = STORE_SUBJECT_RUN; s <= STORE_SUBJECT_LINK; s++)
    summary_append_metrics (out, run, s, colour);
  summary_append_lost_time (out, run, colour);
  append_events (out, run, flags);
  if (flags & SHOW_ALL)
    g_string_append_printf (out, "\nScenario\n%s%s", run->scenario_text,
                            g_str_has_suffix (run->scenario_text, "\n") ? "" : "\n");
  return g_string_free (out, FALSE);
}
