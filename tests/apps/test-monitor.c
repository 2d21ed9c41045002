/* SPDX-License-Identifier: Apache-2.0 */
/* test-monitor.c - what the monitor shows and what its keys do. */
#include "apps/log-history.h"
#include "apps/monitor-layout.h"

#include "tests/core/duo.h"

/* --- Snapshots by hand --- */

static LiveLink *
add_link (LiveConnection *connection, guint32 id, const char *name, CaimanLinkState state)
{
  LiveLink *link = live_link_new (id, name, name, "192.0.2.1");
  link->state = state;
  link->srtt_ns = MS (20);
  link->window_bytes = 65536;
  link->in_flight_bytes = 1200;
  link->rates.sent_bps[1] = 12300000;
  g_ptr_array_add (connection->links, link);
  return link;
}

static LiveConnection *
add_connection (LiveSnapshot *snapshot, guint64 number, const char *label)
{
  LiveConnection *connection = live_connection_new (number, label);
  connection->state = CAIMAN_CONNECTION_OPEN;
  connection->age_ns = S (12);
  snapshot->n_live++;
  snapshot->n_opened++;
  g_ptr_array_add (snapshot->connections, connection);
  return connection;
}

/* Two connections: wifi and lte, and one link alone. */
static LiveSnapshot *
make_snapshot (void)
{
  LiveSnapshot *snapshot = live_snapshot_new ("tunnel client");
  LiveConnection *first = add_connection (snapshot, 1, "127.0.0.1:40312 -> port 22");
  LiveConnection *second = add_connection (snapshot, 2, "127.0.0.1:40313 -> port 80");
  add_link (first, 1, "wifi", CAIMAN_LINK_WORKING);
  LiveLink *lte = add_link (first, 2, "lte", CAIMAN_LINK_NOT_WORKING);
  lte->reason = CAIMAN_REASON_PING_TIMEOUT;
  lte->n_hangs = 3;
  add_link (second, 1, "wifi", CAIMAN_LINK_WORKING);
  snapshot->uptime_ns = S (100);
  for (guint i = 1; i <= 10; i++)
    live_history_add (&lte->history, i * 1000, 0);
  g_ptr_array_add (snapshot->paths, g_strdup ("wifi -> 192.0.2.1:5800"));
  return snapshot;
}

static GPtrArray *
make_log (guint n)
{
  GPtrArray *log = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 1; i <= n; i++)
    g_ptr_array_add (log, g_strdup_printf ("line %u", i));
  return log;
}

/* (transfer full) The screen as one text. */
static char *
show (const LiveSnapshot *snapshot, const GPtrArray *log, MonitorView *view, guint width,
      guint height)
{
  g_autoptr (GPtrArray) lines = monitor_layout (snapshot, log, view, width, height);
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < lines->len; i++) {
    g_autofree char *line = monitor_line_get_text (g_ptr_array_index (lines, i));
    g_string_append_printf (text, "%s\n", line);
  }
  return g_string_free (text, FALSE);
}

static char *
show_usual (const LiveSnapshot *snapshot, MonitorView *view)
{
  g_autoptr (GPtrArray) log = make_log (3);
  return show (snapshot, log, view, 80, 24);
}

#define expect_has(text, part)                                                                     \
  g_assert_true (strstr (text, part) || (g_printerr ("no '%s' in\n%s", part, text), FALSE))
#define expect_lacks(text, part)                                                                   \
  g_assert_true (!strstr (text, part) || (g_printerr ("'%s' in\n%s", part, text), FALSE))

/* --- Layout --- */

static void
test_usual_screen (void)
{
  g_autoptr (LiveSnapshot) snapshot = make_snapshot ();
  MonitorView view = { .is_unicode = FALSE };
  g_autofree char *text = show_usual (snapshot, &view);
  g_test_message ("%s", text);
  expect_has (text, " caiman tunnel client  up 1 min 40 s  open 2 of 2");
  expect_has (text, "\n1 127.0.0.1:40312 -> port 22 ");
  expect_has (text, "\n  wifi        working         20ms 12.3M");
  expect_has (text, "\n  lte         ping-timeout    20ms 12.3M ");
  expect_has (text, "1.20k/65.5k");
  expect_has (text, "-- link wifi ---");
  expect_has (text, "working; up 0 s; from wifi to 192.0.2.1");
  expect_has (text, "wifi -> 192.0.2.1:5800");
  expect_has (text, "\n-- log --");
  expect_has (text, "\nline 1\nline 2\nline 3\n");
  expect_has (text, "q quit");
  g_assert_cmpuint (view.connection, ==, 1);
  g_assert_cmpuint (view.link_id, ==, 1);
}

/* Whatever the size, no line is too long and there are not too many of them. */
static void
test_all_sizes_fit (void)
{
  g_autoptr (LiveSnapshot) snapshot = make_snapshot ();
  g_autoptr (GPtrArray) log = make_log (50);
  for (guint height = 0; height <= 60; height++) {
    for (guint width = 0; width <= 220; width += width < 12 ? 1 : 13) {
      MonitorView view = { .is_unicode = width % 2 == 0,
                           .shows_help = height % 3 == 0,
                           .shows_log = height % 5 == 0 };
      g_autoptr (GPtrArray) lines = monitor_layout (snapshot, log, &view, width, height);
      g_assert_cmpuint (lines->len, ==, height);
      for (guint i = 0; i < lines->len; i++) {
        g_autofree char *text = monitor_line_get_text (g_ptr_array_index (lines, i));
        g_assert_true (g_utf8_validate (text, -1, NULL));
        g_assert_cmpuint (monitor_text_width (text), <=, width);
      }
    }
  }
}

/* All columns are there in 80 columns, and in line with their headings. */
static void
test_columns_fit_80 (void)
{
  g_autoptr (LiveSnapshot) snapshot = make_snapshot ();
  MonitorView view = { .is_unicode = FALSE };
  g_autofree char *text = show_usual (snapshot, &view);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_assert_cmpstr (lines[1] + 60, ==, "flight/max resnt hng");
  g_assert_cmpstr (lines[4] + 77, ==, "  3");
}

static void
test_wide_screen_shows_more (void)
{
  g_autoptr (LiveSnapshot) snapshot = make_snapshot ();
  g_autoptr (GPtrArray) log = make_log (3);
  MonitorView view = { .is_unicode = TRUE };
  g_autofree char *text = show (snapshot, log, &view, 160, 50);
  expect_has (text, "  wifi 192.0.2.1 ");
  expect_has (text, "▁▂▃");
  expect_has (text, "▇█");
}

static void
test_nothing_to_show (void)
{
  g_autoptr (LiveSnapshot) snapshot = live_snapshot_new ("tunnel server");
  MonitorView view = { .connection = 5, .link_id = 5 };
  g_autofree char *text = show_usual (snapshot, &view);
  expect_has (text, "no connections");
  expect_has (text, "nothing selected");
  g_assert_cmpuint (view.connection, ==, 0);
}

static void
test_states_of_connections (void)
{
  g_autoptr (LiveSnapshot) snapshot = make_snapshot ();
  MonitorView view = { .connection = 1 };
  LiveConnection *first = live_snapshot_find (snapshot, 1);
  LiveConnection *second = live_snapshot_find (snapshot, 2);
  first->state = CAIMAN_CONNECTION_CONNECTING;
  second->state = CAIMAN_CONNECTION_ENDED;
  second->reason = CAIMAN_REASON_FINISHED;
  second->ended_ago_ns = S (1);
  snapshot->n_omitted = 7;
  g_autofree char *text = show_usual (snapshot, &view);
  expect_has (text, "1 connecting: 127.0.0.1");
  expect_has (text, "2 finished: 127.0.0.1");
  expect_has (text, "and 7 more connections");
  expect_has (text, "-- connection 1 --");
  expect_has (text, "connecting for 12 s");
  expect_has (text, "unacknowledged 0 B");
}

/* The look of a link follows what is wrong with it. */
static void
test_looks_of_links (void)
{
  static const struct {
    CaimanLinkState state;
    gboolean is_blocked, is_suspected, is_closed;
    MonitorAttribute look;
    const char *text;
  } cases[] = {
    { CAIMAN_LINK_WORKING, FALSE, FALSE, FALSE, MONITOR_GOOD, "working" },
    { CAIMAN_LINK_WORKING, TRUE, FALSE, FALSE, MONITOR_WARNING, "blocked" },
    { CAIMAN_LINK_WORKING, FALSE, TRUE, FALSE, MONITOR_WARNING, "suspected" },
    { CAIMAN_LINK_NEW, FALSE, FALSE, FALSE, MONITOR_WARNING, "new" },
    { CAIMAN_LINK_NOT_WORKING, FALSE, FALSE, FALSE, MONITOR_BAD, "not-working" },
    { CAIMAN_LINK_CLOSED, FALSE, FALSE, TRUE, MONITOR_DIM, "closed" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (LiveSnapshot) snapshot = live_snapshot_new ("x");
    g_autoptr (GPtrArray) log = make_log (0);
    MonitorView view = { .is_unicode = FALSE };
    LiveLink *link = add_link (add_connection (snapshot, 1, "c"), 1, "a", cases[i].state);
    link->is_blocked_local = cases[i].is_blocked;
    link->is_suspected = cases[i].is_suspected;
    link->closed_ago_ns = cases[i].is_closed ? 1 : -1;
    g_autoptr (GPtrArray) lines = monitor_layout (snapshot, log, &view, 80, 24);
    const MonitorLine *row = g_ptr_array_index (lines, 3);
    const MonitorSpan *state = &g_array_index (row->spans, MonitorSpan, 3);
    g_assert_true (row->is_selected);
    g_assert_cmpint (state->attribute, ==, cases[i].look);
    g_assert_true (g_str_has_prefix (state->text, cases[i].text));
  }
}

static void
test_log_shows_the_latest (void)
{
  g_autoptr (LiveSnapshot) snapshot = make_snapshot ();
  g_autoptr (GPtrArray) log = make_log (100);
  MonitorView view = { .is_unicode = FALSE };
  g_autofree char *text = show (snapshot, log, &view, 80, 24);
  expect_has (text, "\nline 100\n");
  expect_lacks (text, "\nline 90\n");
}

/* --- The log on the whole screen --- */

static void
press (MonitorView *view, const LiveSnapshot *snapshot, guint key)
{
  LiveCommand command;
  g_assert_cmpint (monitor_view_key (view, snapshot, key, &command), ==, MONITOR_NOTHING);
}

/* Follows the latest line until it is scrolled; stays there then, whatever is added. */
static void
test_log_scrolls (void)
{
  g_autoptr (LiveSnapshot) snapshot = make_snapshot ();
  g_autoptr (GPtrArray) log = make_log (100);
  MonitorView view = { .is_unicode = FALSE };
  press (&view, snapshot, 'l');
  g_autofree char *bottom = show (snapshot, log, &view, 80, 24);
  expect_has (bottom, "-- log, 100 lines --");
  expect_has (bottom, "\nline 80\n"); /* 24 rows, of which three are none of the log's */
  expect_lacks (bottom, "\nline 79\n");
  expect_has (bottom, "\nline 100\n up/down, page up/down");
  expect_lacks (bottom, "link wifi");

  press (&view, snapshot, MONITOR_KEY_PAGE_UP);
  press (&view, snapshot, 'k');
  g_autofree char *scrolled = show (snapshot, log, &view, 80, 24);
  expect_has (scrolled, "-- log, to line 89 of 100 --");
  expect_has (scrolled, "\nline 89\n up/down");
  g_ptr_array_add (log, g_strdup ("new"));
  monitor_view_log_grew (&view, 1);
  g_autofree char *grown = show (snapshot, log, &view, 80, 24);
  expect_has (grown, "-- log, to line 89 of 101 --");
  expect_has (grown, "\nline 89\n up/down");

  press (&view, snapshot, MONITOR_KEY_HOME);
  g_autofree char *top = show (snapshot, log, &view, 80, 24);
  expect_has (top, "--\nline 1\n");
  expect_has (top, "\nline 21\n up/down");
  press (&view, snapshot, MONITOR_KEY_UP); /* there is nothing above */
  g_autofree char *still = show (snapshot, log, &view, 80, 24);
  g_assert_cmpstr (still, ==, top);
  press (&view, snapshot, MONITOR_KEY_END);
  monitor_view_log_grew (&view, 1);
  g_autofree char *end = show (snapshot, log, &view, 80, 24);
  expect_has (end, "\nnew\n up/down");
  press (&view, snapshot, 'l');
  g_autofree char *usual = show (snapshot, log, &view, 80, 24);
  expect_has (usual, "link wifi");
}

/* Long lines go on in the next row; fewer lines than rows stand on top. */
static void
test_log_wraps (void)
{
  g_autoptr (LiveSnapshot) snapshot = make_snapshot ();
  g_autoptr (GPtrArray) log = make_log (1);
  MonitorView view = { .shows_log = TRUE };
  g_ptr_array_add (log, g_strdup ("ab\xc3\xa4"
                                  "defghijklmnopqrstuvwxyz"));
  g_ptr_array_add (log, g_strdup (""));
  g_ptr_array_add (log, g_strdup ("last"));
  g_autofree char *text = show (snapshot, log, &view, 10, 12);
  expect_has (text, "\nline 1\nab\xc3\xa4"
                    "defghij\nklmnopqrst\nuvwxyz\n\nlast\n\n\n");
  g_autofree char *small = show (snapshot, log, &view, 10, 5);
  expect_has (small, "\n\nlast\n up/down");
  for (guint height = 0; height < 9; height++) {
    g_autoptr (GPtrArray) lines = monitor_layout (snapshot, log, &view, 3, height);
    g_assert_cmpuint (lines->len, ==, height);
  }
}

static void
test_log_history (void)
{
  g_autoptr (LogHistory) history = log_history_new ();
  g_autofree char *longer = g_strnfill (LOG_HISTORY_LINE_MAX_BYTES + 1, 'x');
  g_assert_cmpuint (log_history_add (history, "", -1), ==, 0);
  g_assert_cmpuint (log_history_add (history, "a\n\nb", -1), ==, 3);
  g_assert_cmpuint (log_history_add (history, "c\nnot", 2), ==, 1);
  g_assert_cmpuint (log_history_add (history, longer, -1), ==, 1);
  const GPtrArray *lines = log_history_get_lines (history);
  g_assert_cmpuint (lines->len, ==, 5);
  g_assert_cmpstr (lines->pdata[1], ==, "");
  g_assert_cmpstr (lines->pdata[2], ==, "b");
  g_assert_cmpstr (lines->pdata[3], ==, "c");
  g_assert_cmpuint (strlen (lines->pdata[4]), ==, LOG_HISTORY_LINE_MAX_BYTES);
  for (guint i = 0; i < LOG_HISTORY_LINES_MAX; i++)
    log_history_add (history, i == 0 ? "first" : "more", -1);
  g_assert_cmpuint (lines->len, ==, LOG_HISTORY_LINES_MAX);
  g_assert_cmpstr (lines->pdata[0], ==, "first");
  g_assert_cmpuint (log_history_get_n_added (history), ==, 5 + LOG_HISTORY_LINES_MAX);
}

/* Text from a peer cannot steer the terminal. */
static void
test_hostile_text (void)
{
  g_autoptr (LiveSnapshot) snapshot = make_snapshot ();
  g_autoptr (GPtrArray) log = make_log (0);
  MonitorView view = { .is_unicode = TRUE };
  add_connection (snapshot, 3, "\033[2J \xe2\x80\xae\n\xc2\x9b x");
  g_ptr_array_add (log, g_strdup ("\007 \xff\xfe bell"));
  g_autofree char *text = show (snapshot, log, &view, 80, 24);
  expect_lacks (text, "\033");
  expect_lacks (text, "\007");
  expect_lacks (text, "\xe2\x80\xae");
  expect_lacks (text, "\xc2\x9b");
  expect_has (text, "3 ?[2J ??? x");
}

/* The selected row can always be seen. */
static void
test_scrolls_to_selection (void)
{
  g_autoptr (LiveSnapshot) snapshot = live_snapshot_new ("x");
  g_autoptr (GPtrArray) log = make_log (0);
  MonitorView view = { .is_unicode = FALSE };
  LiveCommand command;
  for (guint i = 1; i <= 40; i++) {
    g_autofree char *label = g_strdup_printf ("label%u.", i);
    add_link (add_connection (snapshot, i, label), 1, "a", CAIMAN_LINK_WORKING);
  }
  monitor_view_key (&view, snapshot, MONITOR_KEY_END, &command);
  g_autofree char *bottom = show (snapshot, log, &view, 80, 24);
  expect_has (bottom, "label40.");
  expect_lacks (bottom, "label1.");
  monitor_view_key (&view, snapshot, MONITOR_KEY_HOME, &command);
  g_autofree char *top = show (snapshot, log, &view, 80, 24);
  expect_has (top, "label1.");
  expect_lacks (top, "label40.");
  for (guint i = 0; i < 79; i++) {
    monitor_view_key (&view, snapshot, i < 5 ? MONITOR_KEY_PAGE_DOWN : MONITOR_KEY_DOWN, &command);
    g_autoptr (GPtrArray) lines = monitor_layout (snapshot, log, &view, 80, 24);
    guint n_selected = 0;
    for (guint j = 0; j < lines->len; j++)
      n_selected += ((MonitorLine *)g_ptr_array_index (lines, j))->is_selected;
    g_assert_cmpuint (n_selected, ==, 1);
  }
}

static void
test_selection_follows (void)
{
  g_autoptr (LiveSnapshot) snapshot = make_snapshot ();
  MonitorView view = { .connection = 1, .link_id = 2 };
  LiveConnection *first = live_snapshot_find (snapshot, 1);
  g_ptr_array_remove_index (first->links, 1);
  monitor_view_update (&view, snapshot);
  g_assert_cmpuint (view.link_id, ==, 1);
  g_ptr_array_set_size (first->links, 0);
  monitor_view_update (&view, snapshot);
  g_assert_cmpuint (view.connection, ==, 1);
  g_assert_cmpuint (view.link_id, ==, 0);
  g_ptr_array_remove_index (snapshot->connections, 0);
  monitor_view_update (&view, snapshot);
  g_assert_cmpuint (view.connection, ==, 2);
}

/* --- Keys --- */

static void
test_keys_move (void)
{
  g_autoptr (LiveSnapshot) snapshot = make_snapshot ();
  MonitorView view = { .is_unicode = FALSE };
  LiveCommand command;
  static const struct {
    guint key;
    guint64 connection;
    guint32 link_id;
  } steps[] = {
    { 'j', 1, 2 },
    { MONITOR_KEY_DOWN, 2, 0 },
    { MONITOR_KEY_DOWN, 2, 1 },
    { MONITOR_KEY_DOWN, 2, 1 },
    { 'k', 2, 0 },
    { MONITOR_KEY_HOME, 1, 0 },
    { MONITOR_KEY_UP, 1, 0 },
    { MONITOR_KEY_PAGE_DOWN, 2, 1 },
    { MONITOR_KEY_PAGE_UP, 1, 0 },
    { MONITOR_KEY_END, 2, 1 },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++) {
    g_assert_cmpint (monitor_view_key (&view, snapshot, steps[i].key, &command), ==,
                     MONITOR_NOTHING);
    g_assert_cmpuint (view.connection, ==, steps[i].connection);
    g_assert_cmpuint (view.link_id, ==, steps[i].link_id);
  }
  g_autoptr (LiveSnapshot) empty = live_snapshot_new ("x");
  g_assert_cmpint (monitor_view_key (&view, empty, 'j', &command), ==, MONITOR_NOTHING);
}

static void
test_keys_command (void)
{
  g_autoptr (LiveSnapshot) snapshot = make_snapshot ();
  MonitorView view = { .connection = 1, .link_id = 2 };
  LiveLink *lte = live_connection_find_link (live_snapshot_find (snapshot, 1), 2);
  LiveCommand command;
  g_assert_cmpint (monitor_view_key (&view, snapshot, 'b', &command), ==, MONITOR_COMMAND);
  g_assert_cmpint (command.action, ==, LIVE_BLOCK);
  g_assert_cmpuint (command.connection, ==, 1);
  g_assert_cmpuint (command.link_id, ==, 2);
  g_assert_cmpstr (command.link_name, ==, "lte");
  lte->is_blocked_local = TRUE;
  g_assert_cmpint (monitor_view_key (&view, snapshot, 'b', &command), ==, MONITOR_COMMAND);
  g_assert_cmpint (command.action, ==, LIVE_UNBLOCK);
  g_assert_cmpint (monitor_view_key (&view, snapshot, 'd', &command), ==, MONITOR_COMMAND);
  g_assert_cmpint (command.action, ==, LIVE_DISCONNECT);
  lte->closed_ago_ns = 0;
  g_assert_cmpint (monitor_view_key (&view, snapshot, 'd', &command), ==, MONITOR_NOTHING);
  g_assert_cmpstr (view.message, ==, "This link has closed.");
  view.link_id = 0;
  g_assert_cmpint (monitor_view_key (&view, snapshot, 'b', &command), ==, MONITOR_NOTHING);
  g_assert_cmpstr (view.message, ==, "Select a link first.");
  g_autofree char *text = show_usual (snapshot, &view);
  expect_has (text, "Select a link first.");
  expect_lacks (text, "q quit");
}

static void
test_key_help (void)
{
  g_autoptr (LiveSnapshot) snapshot = make_snapshot ();
  MonitorView view = { .is_unicode = FALSE };
  LiveCommand command;
  monitor_view_key (&view, snapshot, '?', &command);
  g_autofree char *help = show_usual (snapshot, &view);
  expect_has (help, "disconnect the selected link");
  expect_has (help, "often the link stopped working.");
  monitor_view_key (&view, snapshot, 'd', &command); /* leaves the help, and does nothing else */
  g_autofree char *text = show_usual (snapshot, &view);
  expect_lacks (text, "disconnect the selected link");
}

static void
test_key_quit (void)
{
  g_autoptr (LiveSnapshot) snapshot = make_snapshot ();
  MonitorView view = { .is_unicode = FALSE };
  LiveCommand command;
  g_assert_cmpint (monitor_view_key (&view, snapshot, 'q', &command), ==, MONITOR_QUIT);
  view.can_quit = TRUE;
  g_assert_cmpint (monitor_view_key (&view, snapshot, 'q', &command), ==, MONITOR_NOTHING);
  g_assert_nonnull (strstr (view.message, "Press q again"));
  monitor_view_key (&view, snapshot, 'j', &command);
  g_assert_cmpstr (view.message, ==, "");
  g_assert_cmpint (monitor_view_key (&view, snapshot, 'q', &command), ==, MONITOR_NOTHING);
  g_assert_cmpint (monitor_view_key (&view, snapshot, 'q', &command), ==, MONITOR_QUIT);
  view.was_asked = FALSE;
  snapshot->n_live = 0;
  g_assert_cmpint (monitor_view_key (&view, snapshot, 'q', &command), ==, MONITOR_QUIT);
}

/* --- Text --- */

static void
test_numbers (void)
{
  static const struct {
    gint64 value;
    const char *text;
  } cases[] = {
    { -5, "0" },
    { 0, "0" },
    { 999, "999" },
    { 1000, "1.00k" },
    { 9994, "9.99k" },
    { 9999, "10.0k" },
    { 12345, "12.3k" },
    { 99949, "99.9k" },
    { 99999, "100k" },
    { 999499, "999k" },
    { 999500, "1.00M" },
    { 12300000, "12.3M" },
    { 1500000000, "1.50G" },
    { G_MAXINT64, "9.22E" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text = monitor_format_number (cases[i].value);
    g_assert_cmpstr (text, ==, cases[i].text);
  }
}

static void
test_ages (void)
{
  static const struct {
    gint64 age_ns;
    const char *text;
  } cases[] = {
    { -1, "0 s" },
    { S (59) + 1, "59 s" },
    { S (60), "1 min 0 s" },
    { S (3599), "59 min 59 s" },
    { S (3600) * 5, "5 h 0 min" },
    { S (3600) * 50, "2 d 2 h" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text = monitor_format_age (cases[i].age_ns);
    g_assert_cmpstr (text, ==, cases[i].text);
  }
}

static void
test_bars (void)
{
  const gint64 values[] = { 0, 1, 25, 50, 75, 100 };
  g_autofree char *letters = monitor_format_bars (values, 6, 8, 100, FALSE);
  g_assert_cmpstr (letters, ==, "   .:=*#");
  g_autofree char *blocks = monitor_format_bars (values, 6, 3, 100, TRUE);
  g_assert_cmpstr (blocks, ==, "▄▆█");
  g_autofree char *flat = monitor_format_bars (values, 1, 3, 0, TRUE);
  g_assert_cmpstr (flat, ==, "   ");
}

static void
test_wide_characters (void)
{
  g_autoptr (MonitorLine) line = monitor_line_new ();
  g_assert_cmpuint (monitor_text_width ("日本"), ==, 4);
  monitor_line_add_left (line, MONITOR_PLAIN, 3, "日本"); /* half of the second does not fit */
  monitor_line_add_right (line, MONITOR_PLAIN, 4, "é");
  g_autofree char *text = monitor_line_get_text (line);
  g_assert_cmpstr (text, ==, "日    é");
  g_assert_cmpuint (line->width, ==, 7);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/apps/monitor/log-scrolls", test_log_scrolls);
  g_test_add_func ("/apps/monitor/log-wraps", test_log_wraps);
  g_test_add_func ("/apps/monitor/log-history", test_log_history);
  g_test_add_func ("/apps/monitor/usual-screen", test_usual_screen);
  g_test_add_func ("/apps/monitor/all-sizes-fit", test_all_sizes_fit);
  g_test_add_func ("/apps/monitor/columns-fit-80", test_columns_fit_80);
  g_test_add_func ("/apps/monitor/wide-screen-shows-more", test_wide_screen_shows_more);
  g_test_add_func ("/apps/monitor/nothing-to-show", test_nothing_to_show);
  g_test_add_func ("/apps/monitor/states-of-connections", test_states_of_connections);
  g_test_add_func ("/apps/monitor/looks-of-links", test_looks_of_links);
  g_test_add_func ("/apps/monitor/log-shows-the-latest", test_log_shows_the_latest);
  g_test_add_func ("/apps/monitor/hostile-text", test_hostile_text);
  g_test_add_func ("/apps/monitor/scrolls-to-selection", test_scrolls_to_selection);
  g_test_add_func ("/apps/monitor/selection-follows", test_selection_follows);
  g_test_add_func ("/apps/monitor/keys-move", test_keys_move);
  g_test_add_func ("/apps/monitor/keys-command", test_keys_command);
  g_test_add_func ("/apps/monitor/key-help", test_key_help);
  g_test_add_func ("/apps/monitor/key-quit", test_key_quit);
  g_test_add_func ("/apps/monitor/numbers", test_numbers);
  g_test_add_func ("/apps/monitor/ages", test_ages);
  g_test_add_func ("/apps/monitor/bars", test_bars);
  g_test_add_func ("/apps/monitor/wide-characters", test_wide_characters);
  return g_test_run ();
}
