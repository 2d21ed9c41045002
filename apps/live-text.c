/* SPDX-License-Identifier: Apache-2.0 */
/* live-text.c - see live-text.h. */
#include "apps/live-text.h"

#include "apps/monitor-text.h"
#include "core/state-names.h"
#include "reports/format.h"
#include "reports/table.h"

/* The rates shown are those over the last second (caiman_stats_intervals_ns). */
#define RATE_INTERVAL 1
#define INDENT        2

/* @text may come from a peer: what would steer the terminal becomes "?". */
static void
append_clean (GString *out, const char *text)
{
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    g_string_append_unichar (out, g_unichar_iscntrl (c) ? '?' : c);
  }
}

static char *
format_or_dash (gint64 value, char *(*format) (double value))
{
  return value > 0 ? format ((double)value) : g_strdup ("-");
}

static TableStyle
get_style (const LiveLink *link)
{
  if (link->closed_ago_ns >= 0)
    return TABLE_DIM;
  if (link->state == CAIMAN_LINK_NOT_WORKING || link->is_suspected)
    return TABLE_BAD;
  return link->state == CAIMAN_LINK_WORKING && !link->is_blocked_local && !link->is_blocked_remote
             ? TABLE_GOOD
             : TABLE_PLAIN;
}

/* The state, and the reason where that says more. */
static char *
format_state (const LiveLink *link)
{
  const char *state = caiman_link_state_to_string (link->state);
  const char *what = live_link_describe (link);
  return g_str_equal (state, what) ? g_strdup (state) : g_strdup_printf ("%s: %s", state, what);
}

static void
add_link (Table *table, const LiveLink *link)
{
  g_autofree char *state = format_state (link);
  g_autofree char *in_flight = format_bytes ((double)link->in_flight_bytes);
  g_autofree char *window = format_bytes ((double)link->window_bytes);
  table_take (table, g_strdup_printf ("%u", link->id));
  table_add (table, TABLE_PLAIN, link->name);
  table_add (table, TABLE_PLAIN, link->remote);
  table_add (table, TABLE_PLAIN, link->peer);
  table_add (table, get_style (link), state);
  table_take (table, format_or_dash (link->srtt_ns, format_time));
  table_take (table, format_rate ((double)link->rates.sent_bps[RATE_INTERVAL]));
  table_take (table, format_rate ((double)link->rates.received_bps[RATE_INTERVAL]));
  table_take (table, g_strdup_printf ("%s / %s", in_flight, window));
  table_take (table, format_bytes ((double)link->sent_bytes));
  table_take (table, format_bytes ((double)link->received_bytes));
  table_take (table, format_bytes ((double)link->resent_bytes));
  table_take (table, format_count ((double)link->n_hangs));
}

static void
append_connection (GString *out, const LiveConnection *connection, gboolean colour)
{
  static const char *const titles[] = {
    ">id",     "link",        ">remote",
    "peer",    "state",       ">RTT",
    ">sent/s", ">received/s", ">in flight / limit",
    ">sent",   ">received",   ">resent",
    ">hangs",  NULL,
  };
  g_autofree char *age = monitor_format_age (connection->age_ns);
  g_autofree char *sent = format_bytes ((double)connection->stats.sent_bytes);
  g_autofree char *received = format_bytes ((double)connection->stats.received_bytes);
  g_autofree char *unacked = format_bytes ((double)connection->stats.unacked_bytes);
  g_autofree char *reorder = format_bytes ((double)connection->stats.reorder_bytes);
  g_autoptr (Table) table = table_new (titles, colour);
  g_autofree char *head = g_strdup_printf (
      "%" G_GUINT64_FORMAT " %s: %s%s%s for %s, sent %s, received %s, unacknowledged %s, behind a "
      "gap %s",
      connection->number, connection->label, caiman_connection_state_to_string (connection->state),
      connection->ended_ago_ns >= 0 ? " " : "",
      connection->ended_ago_ns >= 0 ? caiman_reason_to_string (connection->reason) : "", age, sent,
      received, unacked, reorder);
  g_string_append_c (out, '\n');
  append_clean (out, head);
  g_string_append_c (out, '\n');
  for (guint i = 0; i < connection->links->len; i++)
    add_link (table, g_ptr_array_index (connection->links, i));
  if (!table_is_empty (table))
    table_render (table, INDENT, out);
}

static void
append_paths (GString *out, const GPtrArray *paths)
{
  if (paths->len > 0)
    g_string_append (out, "\npaths\n");
  for (guint i = 0; i < paths->len; i++) {
    g_string_append (out, "  ");
    append_clean (out, g_ptr_array_index (paths, i));
    g_string_append_c (out, '\n');
  }
}

char *
live_text_format (const LiveSnapshot *snapshot, gboolean colour)
{
  GString *out = g_string_new (NULL);
  g_autofree char *uptime = monitor_format_age (snapshot->uptime_ns);
  g_autofree char *sent = format_bytes ((double)snapshot->total_sent_bytes);
  g_autofree char *received = format_bytes ((double)snapshot->total_received_bytes);
  g_autofree char *sent_rate = format_rate ((double)snapshot->rates.sent_bps[RATE_INTERVAL]);
  g_autofree char *received_rate =
      format_rate ((double)snapshot->rates.received_bps[RATE_INTERVAL]);
  g_autofree char *head = g_strdup_printf (
      "%s, process %" G_GINT64_FORMAT ", up %s\n"
      "connections: %" G_GUINT64_FORMAT " open, %" G_GUINT64_FORMAT " since the start\n"
      "sent %s (%s), received %s (%s)\n",
      snapshot->title, snapshot->pid, uptime, snapshot->n_live, snapshot->n_opened, sent, sent_rate,
      received, received_rate);
  g_string_append (out, head);
  for (guint i = 0; i < snapshot->connections->len; i++)
    append_connection (out, g_ptr_array_index (snapshot->connections, i), colour);
  if (snapshot->n_omitted > 0)
    g_string_append_printf (out, "\nand %" G_GUINT64_FORMAT " more connections\n",
                            snapshot->n_omitted);
  append_paths (out, snapshot->paths);
  return g_string_free (out, FALSE);
}
