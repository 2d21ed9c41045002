/* SPDX-License-Identifier: Apache-2.0 */
/* monitor-view.h - what the user of a monitor has selected, and what the keys do. */
#pragma once

#include "apps/live.h"

G_BEGIN_DECLS

/* Zero-initialised: the first link. */
typedef struct {
  guint64 connection; /* number; 0: none */
  guint32 link_id;    /* 0: the connection itself */
  guint scroll;       /* rows that are hidden above */
  gboolean shows_help;
  gboolean shows_log;  /* the log alone, on the whole screen */
  guint log_back;      /* its last line that can be seen is so many before the latest; 0: follows */
  gboolean is_unicode; /* the terminal shows block elements */
  gboolean can_quit;   /* "q" ends the program, rather than this view alone */
  gboolean was_asked;  /* whether to quit while connections are open */
  char message[160];   /* stands in the last line until the next key; "": none */
} MonitorView;

typedef enum {
  MONITOR_NOTHING, /* maybe another look: paint again */
  MONITOR_QUIT,
  MONITOR_COMMAND, /* *@command_out is to be done */
} MonitorOutcome;

/* Keys that are no characters, under names of our own, so that this is free of ncurses. */
typedef enum {
  MONITOR_KEY_UP = 0x110000, /* behind the last code point */
  MONITOR_KEY_DOWN,
  MONITOR_KEY_PAGE_UP,
  MONITOR_KEY_PAGE_DOWN,
  MONITOR_KEY_HOME,
  MONITOR_KEY_END,
} MonitorKey;

/* @key: a character or a MonitorKey. The strings of *@command_out belong to @snapshot. */
MonitorOutcome monitor_view_key (MonitorView *view, const LiveSnapshot *snapshot, guint key,
                                 LiveCommand *command_out);

/* Moves the selection to something that is there. */
void monitor_view_update (MonitorView *view, const LiveSnapshot *snapshot);

/* @n lines were added to the log: what can be seen of it stays where it is, if it was scrolled. */
void monitor_view_log_grew (MonitorView *view, guint n);

void monitor_view_tell (MonitorView *view, const char *format, ...) G_GNUC_PRINTF (2, 3);

G_END_DECLS
