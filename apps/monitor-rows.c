/* SPDX-License-Identifier: Apache-2.0 */
/* monitor-rows.c - see monitor-rows.h. */
#include "apps/monitor-rows.h"

#include "core/state-names.h"

#define BARS_MAX LIVE_HISTORY_MAX

/* Columns that are always as wide. */
#define NUMBER_COLUMNS 5
#define RTT_COLUMNS    6
#define FLIGHT_COLUMNS 11
#define HANGS_COLUMNS  3

/* The table while it is made. */
typedef struct {
  const LiveSnapshot *snapshot;
  const MonitorView *view;
  const MonitorColumns *columns;
  GPtrArray *lines; /* of MonitorLine */
  int selected;     /* index of the selected line, -1: none */
} Rows;

MonitorColumns
monitor_plan_columns (guint width)
{
  MonitorColumns columns = { .name = 11, .state = 13, .bars = 5 };
  guint spare = width > 80 ? width - 80 : 0;
  guint more = MIN (spare, 6); /* the longest reasons */
  columns.state += more;
  spare -= more;
  more = MIN (spare, 29); /* an interface and an address */
  columns.name += more;
  spare -= more;
  columns.bars = MIN (columns.bars + spare / 2, BARS_MAX);
  return columns;
}

/* --- One row --- */

static void
add_space (MonitorLine *line)
{
  monitor_line_add (line, MONITOR_PLAIN, " ");
}

static void
add_number (MonitorLine *line, MonitorAttribute attribute, guint width, gint64 value)
{
  g_autofree char *text = monitor_format_number (value);
  monitor_line_add_right (line, attribute, width, text);
  add_space (line);
}

static void
add_rtt (MonitorLine *line, gint64 rtt_ns)
{
  g_autofree char *text = NULL;
  if (rtt_ns <= 0)
    text = g_strdup ("-");
  else if (rtt_ns < 10 * CAIMAN_NS_PER_MS)
    text = g_strdup_printf ("%.2fms", (double)rtt_ns / CAIMAN_NS_PER_MS);
  else if (rtt_ns < CAIMAN_NS_PER_S)
    text = g_strdup_printf ("%" G_GINT64_FORMAT "ms", rtt_ns / CAIMAN_NS_PER_MS);
  else
    text = g_strdup_printf ("%.1fs", (double)rtt_ns / CAIMAN_NS_PER_S);
  monitor_line_add_right (line, MONITOR_PLAIN, RTT_COLUMNS, text);
  add_space (line);
}

/* The largest value that a bar graph of @width columns would show. */
static gint64
get_scale (const gint64 *values, guint n, guint width)
{
  gint64 scale = 0;
  for (guint i = n - MIN (n, width); i < n; i++)
    scale = MAX (scale, values[i]);
  return scale;
}

static void
add_rate (MonitorLine *line, const Rows *rows, MonitorAttribute bars_attribute, gint64 rate_bps,
          const gint64 *history, guint n, gint64 scale)
{
  guint width = rows->columns->bars;
  g_autofree char *bars = monitor_format_bars (history, n, width, scale, rows->view->is_unicode);
  add_number (line, MONITOR_PLAIN, NUMBER_COLUMNS, rate_bps);
  monitor_line_add_left (line, bars_attribute, width, bars);
  add_space (line);
}

static void
add_rates (MonitorLine *line, const Rows *rows, const CaimanRates *rates,
           const LiveHistory *history, gint64 sent_scale, gint64 received_scale)
{
  add_rate (line, rows, MONITOR_SENT, rates->sent_bps[MONITOR_RATE_INTERVAL], history->sent_bps,
            history->n, sent_scale);
  add_rate (line, rows, MONITOR_RECEIVED, rates->received_bps[MONITOR_RATE_INTERVAL],
            history->received_bps, history->n, received_scale);
}

static MonitorAttribute
get_link_attribute (const LiveLink *link)
{
  if (link->closed_ago_ns >= 0 || link->state == CAIMAN_LINK_CLOSING)
    return MONITOR_DIM;
  if (link->state == CAIMAN_LINK_NOT_WORKING)
    return MONITOR_BAD;
  if (link->is_blocked_local || link->is_blocked_remote || link->is_suspected ||
      link->state != CAIMAN_LINK_WORKING)
    return MONITOR_WARNING;
  return MONITOR_GOOD;
}

static gboolean
shares_name (const LiveConnection *connection, const LiveLink *link)
{
  guint n = 0;
  for (guint i = 0; i < connection->links->len; i++) {
    const LiveLink *other = g_ptr_array_index (connection->links, i);
    n += g_str_equal (other->name, link->name);
  }
  return n > 1;
}

/* Where it comes from and goes to, as far as there is room; the id where that tells no two apart.
 */
static char *
format_link_name (const LiveConnection *connection, const LiveLink *link, guint width)
{
  const char *name = *link->name != '\0' ? link->name : link->local;
  if (*name == '\0')
    return g_strdup_printf ("%s #%u", link->remote, link->id);
  if (*link->remote != '\0' && monitor_text_width (name) + 10 <= width)
    return g_strdup_printf ("%s %s %s", name, link->remote, link->peer);
  return shares_name (connection, link) ? g_strdup_printf ("%s #%u", name, link->id)
                                        : g_strdup (name);
}

/* Full scale of the bars of all links of a connection, so that they can be compared. */
typedef struct {
  gint64 sent_bps, received_bps;
} Scales;

static MonitorLine *
make_link_row (const Rows *rows, const LiveConnection *connection, const LiveLink *link,
               const Scales *scales)
{
  const MonitorColumns *columns = rows->columns;
  g_autofree char *name = format_link_name (connection, link, columns->name);
  g_autofree char *in_flight = monitor_format_number (link->in_flight_bytes);
  g_autofree char *window = monitor_format_number (link->window_bytes);
  g_autofree char *flight = g_strdup_printf ("%s/%s", in_flight, window);
  gboolean is_closed = link->closed_ago_ns >= 0;
  MonitorLine *line = monitor_line_new ();
  monitor_line_add (line, MONITOR_PLAIN, "  ");
  monitor_line_add_left (line, is_closed ? MONITOR_DIM : MONITOR_PLAIN, columns->name, name);
  add_space (line);
  monitor_line_add_left (line, get_link_attribute (link), columns->state,
                         live_link_describe (link));
  add_space (line);
  add_rtt (line, link->srtt_ns);
  add_rates (line, rows, &link->rates, &link->history, scales->sent_bps, scales->received_bps);
  monitor_line_add_right (line, MONITOR_PLAIN, FLIGHT_COLUMNS, flight);
  add_space (line);
  add_number (line, MONITOR_PLAIN, NUMBER_COLUMNS, (gint64)link->resent_bytes);
  add_number (line, link->n_hangs > 0 ? MONITOR_WARNING : MONITOR_PLAIN, HANGS_COLUMNS,
              (gint64)link->n_hangs);
  return line;
}

static MonitorLine *
make_connection_row (const Rows *rows, const LiveConnection *connection)
{
  const MonitorColumns *columns = rows->columns;
  const CaimanConnectionStats *stats = &connection->stats;
  gboolean has_ended = connection->ended_ago_ns >= 0;
  GString *label = g_string_new (NULL);
  MonitorLine *line = monitor_line_new ();
  /* The state goes first, where it is not cut off. */
  g_string_append_printf (label, "%" G_GUINT64_FORMAT " ", connection->number);
  if (has_ended)
    g_string_append_printf (label, "%s: ", caiman_reason_to_string (connection->reason));
  else if (connection->state != CAIMAN_CONNECTION_OPEN)
    g_string_append_printf (label, "%s: ", caiman_connection_state_to_string (connection->state));
  g_string_append (label, connection->label);
  monitor_line_add_left (line, has_ended ? MONITOR_DIM : MONITOR_STRONG,
                         2 + columns->name + 1 + columns->state + 1 + RTT_COLUMNS, label->str);
  add_space (line);
  add_rates (line, rows, &connection->rates, &connection->history,
             get_scale (connection->history.sent_bps, connection->history.n, columns->bars),
             get_scale (connection->history.received_bps, connection->history.n, columns->bars));
  add_number (line, MONITOR_PLAIN, FLIGHT_COLUMNS, (gint64)stats->unacked_bytes);
  add_number (line, MONITOR_PLAIN, NUMBER_COLUMNS,
              (gint64)(stats->resent_bytes + stats->duplicated_bytes));
  g_string_free (label, TRUE);
  return line;
}

/* --- All rows --- */

static void
take_row (Rows *rows, MonitorLine *line, guint64 connection, guint32 link_id)
{
  if (rows->view->connection == connection && rows->view->link_id == link_id) {
    line->is_selected = TRUE;
    rows->selected = (int)rows->lines->len;
  }
  g_ptr_array_add (rows->lines, line);
}

static void
add_connection (Rows *rows, const LiveConnection *connection)
{
  Scales scales = { 0 };
  for (guint i = 0; i < connection->links->len; i++) {
    const LiveHistory *history = &((LiveLink *)g_ptr_array_index (connection->links, i))->history;
    gint64 sent_bps = get_scale (history->sent_bps, history->n, rows->columns->bars);
    gint64 received_bps = get_scale (history->received_bps, history->n, rows->columns->bars);
    scales.sent_bps = MAX (scales.sent_bps, sent_bps);
    scales.received_bps = MAX (scales.received_bps, received_bps);
  }
  take_row (rows, make_connection_row (rows, connection), connection->number, 0);
  for (guint i = 0; i < connection->links->len; i++) {
    const LiveLink *link = g_ptr_array_index (connection->links, i);
    take_row (rows, make_link_row (rows, connection, link, &scales), connection->number, link->id);
  }
}

void
monitor_add_text (GPtrArray *lines, MonitorAttribute attribute, const char *text)
{
  MonitorLine *line = monitor_line_new ();
  monitor_line_add (line, attribute, text);
  g_ptr_array_add (lines, line);
}

static void
add_paths (GPtrArray *lines, const GPtrArray *paths)
{
  if (paths->len > 0)
    monitor_add_text (lines, MONITOR_DIM, "paths");
  for (guint i = 0; i < paths->len; i++) {
    g_autofree char *text = g_strconcat ("  ", g_ptr_array_index (paths, i), NULL);
    monitor_add_text (lines, MONITOR_DIM, text);
  }
}

int
monitor_add_rows (GPtrArray *lines, const LiveSnapshot *snapshot, const MonitorView *view,
                  const MonitorColumns *columns)
{
  Rows rows = {
    .snapshot = snapshot, .view = view, .columns = columns, .lines = lines, .selected = -1
  };
  for (guint i = 0; i < snapshot->connections->len; i++)
    add_connection (&rows, g_ptr_array_index (snapshot->connections, i));
  if (snapshot->connections->len == 0)
    monitor_add_text (lines, MONITOR_DIM, "no connections");
  if (snapshot->n_omitted > 0) {
    g_autofree char *text =
        g_strdup_printf ("and %" G_GUINT64_FORMAT " more connections", snapshot->n_omitted);
    monitor_add_text (lines, MONITOR_DIM, text);
  }
  add_paths (lines, snapshot->paths);
  return rows.selected;
}

MonitorLine *
monitor_make_headings (const MonitorColumns *columns)
{
  MonitorLine *line = monitor_line_new ();
  guint rate_columns = NUMBER_COLUMNS + 1 + columns->bars;
  monitor_line_add_left (line, MONITOR_HEADING, 2 + columns->name + 1, "  link");
  monitor_line_add_left (line, MONITOR_HEADING, columns->state + 1, "state");
  monitor_line_add_right (line, MONITOR_HEADING, RTT_COLUMNS, "RTT");
  add_space (line);
  monitor_line_add_left (line, MONITOR_HEADING, rate_columns + 1, "sent/s");
  monitor_line_add_left (line, MONITOR_HEADING, rate_columns + 1, "received/s");
  monitor_line_add_right (line, MONITOR_HEADING, FLIGHT_COLUMNS, "flight/max");
  add_space (line);
  monitor_line_add_right (line, MONITOR_HEADING, NUMBER_COLUMNS, "resnt");
  add_space (line);
  monitor_line_add_right (line, MONITOR_HEADING, HANGS_COLUMNS, "hng");
  return line;
}
