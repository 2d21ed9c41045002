/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.c - see monitor.h. What is on the screen is monitor-layout.c's business; this paints it,
 * reads keys, and keeps everything else away from the terminal. */
#include "apps/monitor.h"

#include "apps/monitor-layout.h"
#include "apps/monitor-terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <langinfo.h>
#include <ncurses.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PAINT_INTERVAL_MS 250
#define LAST_WORDS_MAX    100

struct _Monitor {
  GMainContext *context;
  MonitorHandler handler;
  gpointer user_data;
  MonitorView view;
  LogHistory *log;
  guint64 n_printed; /* lines of @log that stand on the terminal already */
  GString *partial;  /* what came through the pipe and is no whole line yet */
  FILE *screen_file;
  SCREEN *screen;
  int saved_output, saved_error; /* the terminal; -1 while not redirected */
  int pipe_read;
  GSource *painting, *keys, *output;
  gboolean has_colours;
  struct sigaction old_abort;
};

/* For the handler of a signal, which cannot be given anything. */
static Monitor *the_monitor;

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR, "cannot show the monitor: %s", what);
  return FALSE;
}

/* --- The log --- */

static void
add_text (Monitor *monitor, const char *text, gssize size)
{
  monitor_view_log_grew (&monitor->view, log_history_add (monitor->log, text, size));
}

void
monitor_add_log (Monitor *monitor, const char *text)
{
  add_text (monitor, text, -1);
}

void
monitor_add_history (Monitor *monitor, const LogHistory *history)
{
  const GPtrArray *lines = log_history_get_lines (history);
  for (guint i = 0; i < lines->len; i++)
    monitor_add_log (monitor, lines->pdata[i]);
  monitor->n_printed = log_history_get_n_added (monitor->log);
}

/* What nobody has seen outside of the monitor. */
static void
print_log (const Monitor *monitor)
{
  const GPtrArray *lines = log_history_get_lines (monitor->log);
  guint64 n_new = log_history_get_n_added (monitor->log) - monitor->n_printed;
  guint n = (guint)MIN (n_new, MIN (lines->len, LAST_WORDS_MAX));
  if (n < n_new)
    fprintf (stderr, "(%" G_GUINT64_FORMAT " lines of the log before these)\n", n_new - n);
  for (guint i = lines->len - n; i < lines->len; i++)
    fprintf (stderr, "%s\n", (const char *)lines->pdata[i]);
}

static void
take_output (Monitor *monitor)
{
  char buffer[4096];
  gssize n;
  char *end;
  while ((n = read (monitor->pipe_read, buffer, sizeof buffer)) > 0) {
    g_string_append_len (monitor->partial, buffer, n);
    while ((end = memchr (monitor->partial->str, '\n', monitor->partial->len)) != NULL) {
      gssize size = end - monitor->partial->str + 1;
      add_text (monitor, monitor->partial->str, size);
      g_string_erase (monitor->partial, 0, size);
    }
    if (monitor->partial->len > LOG_HISTORY_LINE_MAX_BYTES) {
      add_text (monitor, monitor->partial->str, (gssize)monitor->partial->len);
      g_string_truncate (monitor->partial, 0);
    }
  }
}

static gboolean
on_output (gint fd, GIOCondition condition, gpointer data)
{
  take_output (data);
  return G_SOURCE_CONTINUE;
}

/* --- Who writes to the terminal --- */

/* The pipe's end for writing must not block: the one who would have to read is ourselves. */
static gboolean
redirect_output (Monitor *monitor, GError **error)
{
  int fds[2];
  fflush (stdout);
  if (pipe2 (fds, O_CLOEXEC | O_NONBLOCK) != 0)
    return fail (error, g_strerror (errno));
  monitor->pipe_read = fds[0];
  monitor->saved_output = fcntl (STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  monitor->saved_error = fcntl (STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  gboolean ok = monitor->saved_output >= 0 && monitor->saved_error >= 0 &&
                dup2 (fds[1], STDOUT_FILENO) >= 0 && dup2 (fds[1], STDERR_FILENO) >= 0;
  int code = errno;
  close (fds[1]);
  return ok ? TRUE : fail (error, g_strerror (code));
}

static void
restore (int *saved, int fd)
{
  if (*saved < 0)
    return;
  dup2 (*saved, fd);
  close (*saved);
  *saved = -1;
}

static void
restore_output (Monitor *monitor)
{
  fflush (stdout);
  if (monitor->pipe_read >= 0)
    take_output (monitor);
  restore (&monitor->saved_output, STDOUT_FILENO);
  restore (&monitor->saved_error, STDERR_FILENO);
  if (monitor->pipe_read >= 0)
    close (monitor->pipe_read);
  monitor->pipe_read = -1;
}

/* An assertion has failed: the message is in the pipe, and must be seen. Nothing else is worth
 * saving, so what is not safe in a signal handler is done all the same. */
static void
on_abort (int number)
{
  Monitor *monitor = the_monitor;
  char buffer[4096];
  gssize n;
  if (monitor != NULL) {
    endwin ();
    while ((n = read (monitor->pipe_read, buffer, sizeof buffer)) > 0) {
      if (write (monitor->saved_error, buffer, (gsize)n) < 0)
        break;
    }
  }
  signal (SIGABRT, SIG_DFL);
  raise (SIGABRT); /* takes effect on return */
}

/* --- Painting --- */

static const struct {
  attr_t plain; /* without colours */
  attr_t coloured;
  short colour; /* -1: the terminal's own */
} looks[MONITOR_N_ATTRIBUTES] = {
  [MONITOR_PLAIN] = { A_NORMAL, A_NORMAL, -1 },
  [MONITOR_TITLE] = { A_REVERSE, A_REVERSE, -1 },
  [MONITOR_HEADING] = { A_UNDERLINE, A_UNDERLINE, -1 },
  [MONITOR_STRONG] = { A_BOLD, A_BOLD, -1 },
  [MONITOR_DIM] = { A_DIM, A_DIM, -1 },
  [MONITOR_GOOD] = { A_NORMAL, A_NORMAL, COLOR_GREEN },
  [MONITOR_WARNING] = { A_BOLD, A_BOLD, COLOR_YELLOW },
  [MONITOR_BAD] = { A_BOLD | A_UNDERLINE, A_BOLD, COLOR_RED },
  [MONITOR_SENT] = { A_NORMAL, A_NORMAL, COLOR_CYAN },
  [MONITOR_RECEIVED] = { A_NORMAL, A_NORMAL, COLOR_MAGENTA },
};

static void
init_colours (Monitor *monitor)
{
  const char *no_colour = g_getenv ("NO_COLOR");
  if ((no_colour != NULL && *no_colour != '\0') || !has_colors () || start_color () != OK)
    return;
  use_default_colors ();
  for (short i = 1; i < MONITOR_N_ATTRIBUTES; i++)
    init_pair (i, looks[i].colour, -1);
  monitor->has_colours = TRUE;
}

static attr_t
get_look (const Monitor *monitor, MonitorAttribute attribute)
{
  if (!monitor->has_colours || looks[attribute].colour < 0)
    return looks[attribute].plain;
  return looks[attribute].coloured | COLOR_PAIR (attribute);
}

static void
paint_line (const Monitor *monitor, int y, const MonitorLine *line)
{
  move (y, 0);
  for (guint i = 0; i < line->spans->len; i++) {
    const MonitorSpan *span = &g_array_index (line->spans, MonitorSpan, i);
    attrset (get_look (monitor, span->attribute) ^ (line->is_selected ? A_REVERSE : A_NORMAL));
    addstr (span->text);
  }
  attrset (line->is_selected ? A_REVERSE : A_NORMAL);
  for (int x = getcurx (stdscr); line->is_selected && x < COLS - 1; x++)
    addch (' ');
  attrset (A_NORMAL);
  if (line->width < (guint)COLS)
    clrtoeol ();
}

void
monitor_update (Monitor *monitor)
{
  const LiveSnapshot *snapshot = monitor->handler.sample (monitor->user_data);
  g_autoptr (GPtrArray) lines = monitor_layout (snapshot, log_history_get_lines (monitor->log),
                                                &monitor->view, (guint)COLS, (guint)LINES);
  for (guint i = 0; i < lines->len; i++)
    paint_line (monitor, (int)i, g_ptr_array_index (lines, i));
  clrtobot ();
  refresh ();
}

/* --- Keys --- */

static void
quit (Monitor *monitor)
{
  /* The end may take a while; another "q" comes here again. */
  monitor_view_tell (&monitor->view, "Ending. Press q again to end at once.");
  monitor->handler.quit (monitor->user_data);
}

static guint
translate_key (int key)
{
  switch (key) {
  case KEY_UP:
    return MONITOR_KEY_UP;
  case KEY_DOWN:
    return MONITOR_KEY_DOWN;
  case KEY_PPAGE:
    return MONITOR_KEY_PAGE_UP;
  case KEY_NPAGE:
    return MONITOR_KEY_PAGE_DOWN;
  case KEY_HOME:
    return MONITOR_KEY_HOME;
  case KEY_END:
    return MONITOR_KEY_END;
  default:
    return key >= 0 && key < 0x80 ? (guint)key : 0;
  }
}

static void
do_command (Monitor *monitor, const LiveCommand *command)
{
  static const char *const done[] = {
    [LIVE_BLOCK] = "blocked",
    [LIVE_UNBLOCK] = "free",
    [LIVE_DISCONNECT] = "disconnected",
  };
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_strdup (command->link_name);
  if (monitor->handler.command (monitor->user_data, command, &error))
    monitor_view_tell (&monitor->view, "Link %s: %s.", name, done[command->action]);
  else
    monitor_view_tell (&monitor->view, "%s", error->message);
}

static void
handle_key (Monitor *monitor, int key)
{
  LiveCommand command;
  if (key == KEY_RESIZE)
    return;
  if (key == 'L' - '@') { /* ^L */
    clearok (stdscr, TRUE);
    return;
  }
  const LiveSnapshot *snapshot = monitor->handler.sample (monitor->user_data);
  switch (monitor_view_key (&monitor->view, snapshot, translate_key (key), &command)) {
  case MONITOR_COMMAND:
    do_command (monitor, &command);
    break;
  case MONITOR_QUIT:
    quit (monitor);
    break;
  case MONITOR_NOTHING:
    break;
  }
}

/* Also asked for without a key: that is how ncurses tells that the size has changed. */
static void
read_keys (Monitor *monitor)
{
  int key;
  while ((key = getch ()) != ERR)
    handle_key (monitor, key);
  monitor_update (monitor);
}

static gboolean
on_paint (gpointer data)
{
  read_keys (data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_key (gint fd, GIOCondition condition, gpointer data)
{
  Monitor *monitor = data;
  if (condition & (G_IO_HUP | G_IO_ERR)) { /* the terminal is gone */
    quit (monitor);
    return G_SOURCE_REMOVE;
  }
  read_keys (monitor);
  return G_SOURCE_CONTINUE;
}

/* --- Life --- */

static gboolean
open_screen (Monitor *monitor, GError **error)
{
  int fd = fcntl (monitor->saved_output, F_DUPFD_CLOEXEC, 3);
  monitor->screen_file = fd >= 0 ? fdopen (fd, "w") : NULL;
  if (monitor->screen_file == NULL)
    return fail (error, g_strerror (errno));
  monitor->screen = newterm (NULL, monitor->screen_file, stdin);
  if (monitor->screen == NULL)
    return fail (error, "the terminal is not known (TERM)");
  set_term (monitor->screen);
  cbreak ();
  noecho ();
  nonl ();
  keypad (stdscr, TRUE);
  nodelay (stdscr, TRUE);
  set_escdelay (50);
  curs_set (0);
  init_colours (monitor);
  return TRUE;
}

static GSource *
attach (Monitor *monitor, GSource *source, GSourceFunc func)
{
  g_source_set_callback (source, func, monitor, NULL);
  g_source_attach (source, monitor->context);
  return source;
}

Monitor *
monitor_new (GMainContext *context, const MonitorHandler *handler, gpointer user_data,
             GError **error)
{
  struct sigaction abort_action = { .sa_handler = on_abort };
  g_return_val_if_fail (the_monitor == NULL, NULL);
  if (!monitor_check_terminal (error))
    return NULL;
  g_autoptr (Monitor) monitor = g_new0 (Monitor, 1);
  monitor->context = context;
  monitor->handler = *handler;
  monitor->user_data = user_data;
  monitor->view.can_quit = handler->can_quit;
  monitor->view.is_unicode = g_str_equal (nl_langinfo (CODESET), "UTF-8");
  monitor->log = log_history_new ();
  monitor->partial = g_string_new (NULL);
  monitor->saved_output = monitor->saved_error = monitor->pipe_read = -1;
  the_monitor = monitor;
  sigaction (SIGABRT, &abort_action, &monitor->old_abort);
  if (!redirect_output (monitor, error) || !open_screen (monitor, error))
    return NULL;
  monitor->painting = attach (monitor, g_timeout_source_new (PAINT_INTERVAL_MS), on_paint);
  monitor->keys =
      attach (monitor, g_unix_fd_source_new (STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR),
              G_SOURCE_FUNC (on_key));
  monitor->output = attach (monitor, g_unix_fd_source_new (monitor->pipe_read, G_IO_IN),
                            G_SOURCE_FUNC (on_output));
  return g_steal_pointer (&monitor);
}

static void
clear_source (GSource *source)
{
  if (source == NULL)
    return;
  g_source_destroy (source);
  g_source_unref (source);
}

static void
close_screen (Monitor *monitor)
{
  if (monitor->screen != NULL) {
    endwin ();
    delscreen (monitor->screen);
  }
  if (monitor->screen_file != NULL)
    fclose (monitor->screen_file);
}

void
monitor_free (Monitor *monitor)
{
  if (monitor == NULL)
    return;
  clear_source (monitor->painting);
  clear_source (monitor->keys);
  clear_source (monitor->output);
  close_screen (monitor);
  restore_output (monitor);
  sigaction (SIGABRT, &monitor->old_abort, NULL);
  the_monitor = NULL;
  print_log (monitor);
  log_history_free (monitor->log);
  g_string_free (monitor->partial, TRUE);
  g_free (monitor);
}
