/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.h - the full-screen view of a running endpoint, on a terminal (ncurses).
 *
 * There is one per process. While it is there, standard output and standard error go into its log
 * pane, whoever writes to them; they come back when it is freed. */
#pragma once

#include "apps/live.h"
#include "apps/log-history.h"

G_BEGIN_DECLS

typedef struct _Monitor Monitor;

/* What is shown, and what the keys do. */
typedef struct {
  LiveSnapshot *(*sample) (gpointer user_data); /* (transfer none) */
  /* FALSE with an error when it cannot be done. */
  gboolean (*command) (gpointer user_data, const LiveCommand *command, GError **error);
  void (*quit) (gpointer user_data);
  gboolean can_quit; /* quit() ends more than the view: the user is asked when connections are open
                      */
} MonitorHandler;

/* TRUE when standard input and output are a terminal. */
gboolean monitor_is_possible (void);

/* Takes the screen; paints and reads keys on @context (nullable) from then on. NULL with an error
 * (CAIMAN_REASON_IO_ERROR) when the terminal cannot do it. */
Monitor *monitor_new (GMainContext *context, const MonitorHandler *handler, gpointer user_data,
                      GError **error);

/* Gives the screen back, and prints to standard error what was logged meanwhile, the last hundred
 * lines of it. Accepts NULL. Not from inside a handler. */
void monitor_free (Monitor *monitor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Monitor, monitor_free)

/* Puts what was logged before, and has been printed, into the log pane. */
void monitor_add_history (Monitor *monitor, const LogHistory *history);

/* Adds lines to the log pane. */
void monitor_add_log (Monitor *monitor, const char *text);

/* Paints now: there is something new to be seen. */
void monitor_update (Monitor *monitor);

G_END_DECLS
