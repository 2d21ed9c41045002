/* SPDX-License-Identifier: Apache-2.0 */
/* live-watch.h - all that watches an endpoint of a long-running verb: the monitor on the terminal,
 * the status socket, the recorder; with the options that ask for them. */
#pragma once

#include "apps/endpoint.h"

G_BEGIN_DECLS

typedef struct {
  /* Set by the verb before the command line is read. */
  gboolean has_default_status; /* a status socket unless --no-status */
  gint64 db_interval_ns;       /* default of --db-interval; 0: 1 s */

  /* Of the command line. */
  gboolean no_monitor, no_status;
  char *status_path, *db_path, *db_interval;
} LiveWatchOptions;

void live_watch_options_clear (LiveWatchOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LiveWatchOptions, live_watch_options_clear)

/* Appends the GOptionEntry of each option, pointing into @options, to @entries. */
void live_watch_options_add_entries (LiveWatchOptions *options, GArray *entries);

/* FALSE with INVALID_ARGUMENT; also sets db_interval_ns. */
gboolean live_watch_options_check (LiveWatchOptions *options, GError **error);

typedef struct _LiveWatch LiveWatch;

/* Watches @endpoint (borrowed) from now on. @command and @git_id go into the record. Errors: a
 * database or a status socket that was asked for cannot be had. What was not asked for (a monitor,
 * the default status socket) is told in the log when it cannot be had. */
LiveWatch *live_watch_new (AppEndpoint *endpoint, const LiveWatchOptions *options,
                           const char *command, const char *git_id, GError **error);

/* Gives the terminal back, removes the socket, finishes the record (this may wait for the
 * database). Before the endpoint is freed. Accepts NULL. */
void live_watch_free (LiveWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LiveWatch, live_watch_free)

G_END_DECLS
