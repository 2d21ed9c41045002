/* SPDX-License-Identifier: Apache-2.0 */
/* monitor-view.c - see monitor-view.h. */
#include "apps/monitor-view.h"

#include <stdio.h>

#define PAGE_ROWS 10

void
monitor_view_tell (MonitorView *view, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  vsnprintf (view->message, sizeof view->message, format, args);
  va_end (args);
}

/* --- Selection --- */

typedef struct {
  guint64 connection;
  guint32 link_id;
} Row;

/* (transfer full) (element-type Row) All that can be selected, from top to bottom. */
static GArray *
list_rows (const LiveSnapshot *snapshot)
{
  GArray *rows = g_array_new (FALSE, TRUE, sizeof (Row));
  for (guint i = 0; i < snapshot->connections->len; i++) {
    const LiveConnection *connection = g_ptr_array_index (snapshot->connections, i);
    Row row = { .connection = connection->number };
    g_array_append_val (rows, row);
    for (guint j = 0; j < connection->links->len; j++) {
      const LiveLink *link = g_ptr_array_index (connection->links, j);
      row.link_id = link->id;
      g_array_append_val (rows, row);
    }
  }
  return rows;
}

static void
select_first_link (MonitorView *view, const LiveConnection *connection)
{
  const LiveLink *link =
      connection->links->len > 0 ? g_ptr_array_index (connection->links, 0) : NULL;
  view->connection = connection->number;
  view->link_id = link != NULL ? link->id : 0;
}

void
monitor_view_update (MonitorView *view, const LiveSnapshot *snapshot)
{
  const LiveConnection *selected = live_snapshot_find (snapshot, view->connection);
  if (selected == NULL && snapshot->connections->len > 0)
    select_first_link (view, g_ptr_array_index (snapshot->connections, 0));
  else if (selected == NULL)
    view->connection = view->link_id = 0;
  else if (view->link_id != 0 && live_connection_find_link (selected, view->link_id) == NULL)
    select_first_link (view, selected);
}

void
monitor_view_log_grew (MonitorView *view, guint n)
{
  if (view->log_back > 0)
    view->log_back += n;
}

static void
move (MonitorView *view, const LiveSnapshot *snapshot, int by)
{
  g_autoptr (GArray) rows = list_rows (snapshot);
  int at = 0;
  if (rows->len == 0)
    return;
  for (guint i = 0; i < rows->len; i++) {
    const Row *row = &g_array_index (rows, Row, i);
    if (row->connection == view->connection && row->link_id == view->link_id)
      at = (int)i;
  }
  at = CLAMP (at + by, 0, (int)rows->len - 1);
  view->connection = g_array_index (rows, Row, at).connection;
  view->link_id = g_array_index (rows, Row, at).link_id;
}

/* TRUE when @key was one that moves. */
static gboolean
move_by_key (MonitorView *view, const LiveSnapshot *snapshot, guint key)
{
  static const struct {
    guint key;
    int by;
  } moves[] = {
    { MONITOR_KEY_UP, -1 },
    { 'k', -1 },
    { MONITOR_KEY_DOWN, 1 },
    { 'j', 1 },
    { MONITOR_KEY_PAGE_UP, -PAGE_ROWS },
    { MONITOR_KEY_PAGE_DOWN, PAGE_ROWS },
    { MONITOR_KEY_HOME, -(1 << 20) },
    { MONITOR_KEY_END, 1 << 20 },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (moves); i++) {
    if (moves[i].key == key) {
      if (view->shows_log)
        view->log_back = (guint)MAX ((int)view->log_back - moves[i].by, 0);
      else
        move (view, snapshot, moves[i].by);
      return TRUE;
    }
  }
  return FALSE;
}

/* --- Keys --- */

static MonitorOutcome
command (MonitorView *view, const LiveSnapshot *snapshot, gboolean disconnect,
         LiveCommand *command_out)
{
  const LiveConnection *connection = live_snapshot_find (snapshot, view->connection);
  const LiveLink *link =
      connection != NULL ? live_connection_find_link (connection, view->link_id) : NULL;
  if (link == NULL) {
    monitor_view_tell (view, "Select a link first.");
    return MONITOR_NOTHING;
  }
  if (link->closed_ago_ns >= 0) {
    monitor_view_tell (view, "This link has closed.");
    return MONITOR_NOTHING;
  }
  *command_out = (LiveCommand) { .action = disconnect               ? LIVE_DISCONNECT
                                           : link->is_blocked_local ? LIVE_UNBLOCK
                                                                    : LIVE_BLOCK,
                                 .connection = connection->number,
                                 .link_id = link->id,
                                 .link_name = link->name };
  return MONITOR_COMMAND;
}

static MonitorOutcome
quit (MonitorView *view, const LiveSnapshot *snapshot)
{
  if (!view->can_quit || snapshot->n_live == 0 || view->was_asked)
    return MONITOR_QUIT;
  view->was_asked = TRUE;
  monitor_view_tell (view, "Open connections: %" G_GUINT64_FORMAT ". Press q again to end them.",
                     snapshot->n_live);
  return MONITOR_NOTHING;
}

MonitorOutcome
monitor_view_key (MonitorView *view, const LiveSnapshot *snapshot, guint key,
                  LiveCommand *command_out)
{
  monitor_view_update (view, snapshot);
  view->message[0] = '\0';
  if (key == 'q' || key == 'Q')
    return quit (view, snapshot);
  view->was_asked = FALSE;
  if (view->shows_help) {
    view->shows_help = FALSE;
    return MONITOR_NOTHING;
  }
  if (move_by_key (view, snapshot, key))
    return MONITOR_NOTHING;
  if (view->shows_log || key == 'l') {
    view->shows_log = !view->shows_log;
    view->log_back = 0;
    return MONITOR_NOTHING;
  }
  if (key == 'b' || key == 'd')
    return command (view, snapshot, key == 'd', command_out);
  if (key == '?' || key == 'h')
    view->shows_help = TRUE;
  return MONITOR_NOTHING;
}
