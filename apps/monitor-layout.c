/* SPDX-License-Identifier: Apache-2.0 */
/* monitor-layout.c - see monitor-layout.h. From top to bottom: title, headings, the connections
 * with their links (these scroll), what is known of the selected one, the log, the keys. */
#include "apps/monitor-layout.h"

#include "apps/monitor-rows.h"
#include "core/state-names.h"
#include "reports/format.h"

/* From so many lines on there is room for the pane. */
#define DETAIL_FROM_HEIGHT 14
#define LOG_FROM_HEIGHT    20
#define DETAIL_LINES       4 /* with its rule */
#define LOG_LINES_MIN      3
#define LOG_LINES_MAX      12

static void
fill_help (GPtrArray *lines)
{
  static const char *const texts[] = {
    "up, down      select a link (also: k, j, page up, page down, home, end)",
    "b             block the selected link, or free it: a blocked link stays up but",
    "              carries no data",
    "d             disconnect the selected link",
    "l             the log, to be scrolled; any other key leaves it",
    "q, ?          quit; this text, which any key leaves",
    "",
    "sent/s and received/s are bits per second of payload over the last second; the",
    "bars are the seconds before. flight/max: bytes sent and not acknowledged, and",
    "how many there may be (of a connection: all that is not acknowledged). resnt:",
    "bytes sent again over this link because another failed or was late. hng: how",
    "often the link stopped working.",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    monitor_add_text (lines, MONITOR_PLAIN, texts[i]);
}

/* --- Panes --- */

static MonitorLine *
make_title (const LiveSnapshot *snapshot, guint width)
{
  MonitorLine *line = monitor_line_new ();
  g_autofree char *uptime = monitor_format_age (snapshot->uptime_ns);
  g_autofree char *sent = monitor_format_number (snapshot->rates.sent_bps[MONITOR_RATE_INTERVAL]);
  g_autofree char *received =
      monitor_format_number (snapshot->rates.received_bps[MONITOR_RATE_INTERVAL]);
  monitor_line_printf (line, MONITOR_TITLE,
                       " caiman %s  up %s  open %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                       "  sent/s %s  received/s %s",
                       snapshot->title, uptime, snapshot->n_live, snapshot->n_opened, sent,
                       received);
  monitor_line_fit (line, width, TRUE);
  return line;
}

static MonitorLine *
make_rule (const char *text, guint width, gboolean is_unicode)
{
  MonitorLine *line = monitor_line_new ();
  const char *dash = is_unicode ? "─" : "-";
  monitor_line_printf (line, MONITOR_DIM, "%s%s ", dash, dash);
  monitor_line_add (line, MONITOR_DIM, text);
  monitor_line_add (line, MONITOR_DIM, " ");
  while (line->width < width)
    monitor_line_add (line, MONITOR_DIM, dash);
  return line;
}

static void
add_rates_detail (GPtrArray *lines, const CaimanRates *rates)
{
  MonitorLine *line = monitor_line_new ();
  const gint64 *values[] = { rates->sent_bps, rates->received_bps };
  static const char *const names[] = { "sent/s", "  received/s" };
  for (guint d = 0; d < G_N_ELEMENTS (values); d++) {
    monitor_line_add (line, MONITOR_PLAIN, names[d]);
    for (guint i = 0; i < CAIMAN_N_STATS_INTERVALS; i++) {
      g_autofree char *rate = monitor_format_number (values[d][i]);
      monitor_line_printf (line, MONITOR_PLAIN, " %s", rate);
    }
  }
  monitor_line_add (line, MONITOR_DIM, "  (100 ms, 1 s, 5 s)");
  g_ptr_array_add (lines, line);
}

static void
add_connection_detail (GPtrArray *lines, const LiveConnection *connection)
{
  g_autofree char *age = monitor_format_age (connection->age_ns);
  g_autofree char *sent = format_bytes ((double)connection->stats.sent_bytes);
  g_autofree char *received = format_bytes ((double)connection->stats.received_bytes);
  g_autofree char *unacked = format_bytes ((double)connection->stats.unacked_bytes);
  g_autofree char *unsent = format_bytes ((double)connection->stats.unsent_bytes);
  g_autofree char *reorder = format_bytes ((double)connection->stats.reorder_bytes);
  g_autofree char *first =
      g_strdup_printf ("%s for %s, sent %s, received %s",
                       caiman_connection_state_to_string (connection->state), age, sent, received);
  g_autofree char *second = g_strdup_printf (
      "unacknowledged %s, waiting to be sent %s, behind a gap %s", unacked, unsent, reorder);
  monitor_add_text (lines, MONITOR_PLAIN, first);
  monitor_add_text (lines, MONITOR_PLAIN, second);
  add_rates_detail (lines, &connection->rates);
}

static char *
format_link_state (const LiveLink *link)
{
  GString *text = g_string_new (caiman_link_state_to_string (link->state));
  if (link->reason != CAIMAN_REASON_NONE)
    g_string_append_printf (text, " (%s)", caiman_reason_to_string (link->reason));
  if (link->is_suspected)
    g_string_append (text, ", suspected");
  if (link->is_blocked_local)
    g_string_append (text, ", blocked here");
  if (link->is_blocked_remote)
    g_string_append (text, ", blocked by the peer");
  if (link->n_suspected > 0)
    g_string_append_printf (text, "; suspected %" G_GUINT64_FORMAT " times", link->n_suspected);
  return g_string_free (text, FALSE);
}

static void
add_link_detail (GPtrArray *lines, const LiveLink *link)
{
  g_autofree char *state = format_link_state (link);
  g_autofree char *age = monitor_format_age (link->age_ns);
  g_autofree char *min_rtt =
      link->min_rtt_ns > 0 ? format_time ((double)link->min_rtt_ns) : g_strdup ("-");
  g_autofree char *delivery =
      link->delivery_bps > 0 ? format_rate ((double)link->delivery_bps) : g_strdup ("-");
  g_autofree char *sent = format_bytes ((double)link->sent_bytes);
  g_autofree char *received = format_bytes ((double)link->received_bytes);
  g_autofree char *first =
      g_strdup_printf ("%s; up %s%s%s%s%s", state, age, *link->local != '\0' ? "; from " : "",
                       link->local, *link->remote != '\0' ? " to " : "", link->remote);
  g_autofree char *second = g_strdup_printf ("least RTT %s, delivery %s, sent %s, received %s",
                                             min_rtt, delivery, sent, received);
  monitor_add_text (lines, MONITOR_PLAIN, first);
  monitor_add_text (lines, MONITOR_PLAIN, second);
  add_rates_detail (lines, &link->rates);
}

static void
add_detail (GPtrArray *lines, const LiveSnapshot *snapshot, const MonitorView *view, guint width)
{
  const LiveConnection *connection = live_snapshot_find (snapshot, view->connection);
  const LiveLink *link =
      connection != NULL ? live_connection_find_link (connection, view->link_id) : NULL;
  guint n_before = lines->len;
  g_autofree char *title = NULL;
  if (link != NULL)
    title = g_strdup_printf ("link %s", *link->name != '\0' ? link->name : link->remote);
  else if (connection != NULL)
    title = g_strdup_printf ("connection %" G_GUINT64_FORMAT, connection->number);
  g_ptr_array_add (lines,
                   make_rule (title != NULL ? title : "nothing selected", width, view->is_unicode));
  if (link != NULL)
    add_link_detail (lines, link);
  else if (connection != NULL)
    add_connection_detail (lines, connection);
  while (lines->len < n_before + DETAIL_LINES)
    g_ptr_array_add (lines, monitor_line_new ());
}

static void
add_log (GPtrArray *lines, const GPtrArray *log, const MonitorView *view, guint width, guint n)
{
  guint n_shown = MIN (log->len, n);
  g_ptr_array_add (lines, make_rule ("log", width, view->is_unicode));
  for (guint i = log->len - n_shown; i < log->len; i++)
    monitor_add_text (lines, MONITOR_PLAIN, g_ptr_array_index (log, i));
  for (guint i = n_shown; i < n; i++)
    g_ptr_array_add (lines, monitor_line_new ());
}

/* --- The log on the whole screen --- */

/* (transfer full) @text in pieces of @width columns. */
static GPtrArray *
wrap (const char *text, guint width)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func ((GDestroyNotify)monitor_line_free);
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  const char *at = valid;
  do {
    MonitorLine *line = monitor_line_new ();
    const char *end = at;
    for (guint used = 0; *end != '\0'; end = g_utf8_next_char (end)) {
      g_autofree char *character = g_strndup (end, (gsize)(g_utf8_next_char (end) - end));
      used += monitor_text_width (character);
      if (used > width && end > at)
        break;
    }
    g_autofree char *piece = g_strndup (at, (gsize)(end - at));
    monitor_line_add (line, MONITOR_PLAIN, piece);
    g_ptr_array_add (lines, line);
    at = end;
  } while (*at != '\0');
  return lines;
}

/* Puts as many lines as there is @room for behind each other, from the bottom up; the last one is
 * @back lines before the latest. Returns how many rows stayed free. */
static guint
stack_log (GPtrArray *rows, const GPtrArray *log, guint back, guint width, guint room)
{
  for (guint i = log->len - MIN (back, log->len); i-- > 0 && rows->len < room;) {
    g_autoptr (GPtrArray) pieces = wrap (log->pdata[i], width);
    while (pieces->len > 0 && rows->len < room)
      g_ptr_array_insert (rows, 0, g_ptr_array_steal_index (pieces, pieces->len - 1));
  }
  return room - rows->len;
}

static void
add_whole_log (GPtrArray *lines, const GPtrArray *log, MonitorView *view, guint width, guint room)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)monitor_line_free);
  guint n_free;
  view->log_back = MIN (view->log_back, log->len);
  while ((n_free = stack_log (rows, log, view->log_back, width, room)) > 0 && view->log_back > 0) {
    view->log_back--; /* it was scrolled too far */
    g_ptr_array_set_size (rows, 0);
  }
  while (rows->len > 0)
    g_ptr_array_add (lines, g_ptr_array_steal_index (rows, 0));
  for (guint i = 0; i < n_free; i++)
    g_ptr_array_add (lines, monitor_line_new ());
}

static MonitorLine *
make_log_rule (const GPtrArray *log, const MonitorView *view, guint width)
{
  g_autofree char *text =
      view->log_back > 0 ? g_strdup_printf ("log, to line %u of %u",
                                            log->len - MIN (view->log_back, log->len), log->len)
                         : g_strdup_printf ("log, %u lines", log->len);
  return make_rule (text, width, view->is_unicode);
}

static void
fill_log_screen (GPtrArray *lines, const GPtrArray *log, MonitorView *view, guint width,
                 guint height)
{
  guint rule = lines->len;
  if (height > rule + 2)
    g_ptr_array_add (lines, monitor_line_new ()); /* its text depends on what is below */
  if (height > lines->len + 1)
    add_whole_log (lines, log, view, width, height - lines->len - 1);
  if (height > rule + 2) {
    monitor_line_free (lines->pdata[rule]);
    lines->pdata[rule] = make_log_rule (log, view, width);
  }
}

static MonitorLine *
make_footer (const MonitorView *view, guint width)
{
  MonitorLine *line = monitor_line_new ();
  if (view->message[0] != '\0')
    monitor_line_printf (line, MONITOR_WARNING, " %s", view->message);
  else if (view->shows_log && !view->shows_help)
    monitor_line_add (line, MONITOR_TITLE,
                      " up/down, page up/down, home, end scroll  l back  q quit");
  else
    monitor_line_add (line, MONITOR_TITLE,
                      " up/down select  b block/unblock  d disconnect  l log  ? help  q quit");
  monitor_line_fit (line, width, view->message[0] == '\0');
  return line;
}

/* --- All --- */

/* Scrolls no further than needed. */
static guint
scroll_to (guint scroll, int selected, guint n_lines, guint room)
{
  guint most = n_lines > room ? n_lines - room : 0;
  if (selected >= 0 && room > 0) {
    scroll = MIN (scroll, (guint)selected);
    if ((guint)selected >= scroll + room)
      scroll = (guint)selected - room + 1;
  }
  return MIN (scroll, most);
}

static void
add_body (GPtrArray *lines, const LiveSnapshot *snapshot, MonitorView *view,
          const MonitorColumns *columns, guint room)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)monitor_line_free);
  int selected = -1;
  if (view->shows_help)
    fill_help (rows);
  else
    selected = monitor_add_rows (rows, snapshot, view, columns);
  guint scroll = scroll_to (view->scroll, selected, rows->len, room);
  if (!view->shows_help)
    view->scroll = scroll;
  for (guint i = 0; i < room; i++) {
    gboolean is_row = scroll < rows->len; /* the stolen ones make room */
    g_ptr_array_add (lines, is_row ? g_ptr_array_steal_index (rows, scroll) : monitor_line_new ());
  }
}

GPtrArray *
monitor_layout (const LiveSnapshot *snapshot, const GPtrArray *log, MonitorView *view, guint width,
                guint height)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func ((GDestroyNotify)monitor_line_free);
  MonitorColumns columns = monitor_plan_columns (width);
  guint n_log = height >= LOG_FROM_HEIGHT ? CLAMP (height / 6, LOG_LINES_MIN, LOG_LINES_MAX) : 0;
  guint n_below = (n_log > 0 ? n_log + 1 : 0) + (height >= DETAIL_FROM_HEIGHT ? DETAIL_LINES : 0);

  monitor_view_update (view, snapshot);
  if (height >= 1)
    g_ptr_array_add (lines, make_title (snapshot, width));
  if (view->shows_log && !view->shows_help) {
    fill_log_screen (lines, log, view, width, height);
  } else {
    if (height >= 4)
      g_ptr_array_add (lines, monitor_make_headings (&columns));
    guint n_around = lines->len + n_below + (height >= 2 ? 1 : 0);
    if (height > n_around)
      add_body (lines, snapshot, view, &columns, height - n_around);
    if (height >= DETAIL_FROM_HEIGHT)
      add_detail (lines, snapshot, view, width);
    if (n_log > 0)
      add_log (lines, log, view, width, n_log);
  }
  if (height >= 2)
    g_ptr_array_add (lines, make_footer (view, width));
  for (guint i = 0; i < lines->len; i++)
    monitor_line_fit (g_ptr_array_index (lines, i), width, FALSE);
  return lines;
}
