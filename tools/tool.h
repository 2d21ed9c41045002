/* SPDX-License-Identifier: Apache-2.0 */
/* tool.h - what the verbs of caiman(1) share: options, messages, logging. A file per verb. */
#pragma once

#include "harness/exit-status.h"
#include "reports/store.h"

#include <glib.h>
#include <signal.h>

G_BEGIN_DECLS

/* A verb's main: @argv[0] is the verb. Returns the exit status. */
typedef int (*ToolVerb) (int argc, char **argv);

int verb_run (int argc, char **argv);
int verb_sweep (int argc, char **argv);
int verb_merge (int argc, char **argv);
int verb_check (int argc, char **argv);
int verb_replay (int argc, char **argv);
int verb_show (int argc, char **argv);
int verb_report (int argc, char **argv);
int verb_plot (int argc, char **argv);
int verb_export (int argc, char **argv);
int verb_diff (int argc, char **argv);
int verb_prune (int argc, char **argv);
int verb_speed (int argc, char **argv);
int verb_tunnel (int argc, char **argv);
int verb_tunnel_status (int argc, char **argv); /* "tunnel status" */
int verb_monitor (int argc, char **argv);
int verb_lab (int argc, char **argv);
int verb_validate (int argc, char **argv);

/* Of the build: "abc1234", "unknown" outside of a repository. */
const char *tool_get_git_id (void);

/* Of the build: "0.1.0 (abc1234)". */
const char *tool_get_version (void);

/* "caiman: " and the message to standard error. */
void tool_error (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* Prints @error and returns the exit status that it means. */
int tool_fail (const GError *error);

/* Prints @text to standard output; ends the process with status 70 when that cannot be written. */
void tool_print (const char *text);

/* Parses the options of a verb. @arguments describes what follows them, as in "DB [RUN]"; between
 * @min and @max (-1: any number) of them must be given. What is left in @argv is @argv[0] and the
 * arguments. FALSE: told on standard error (wrong usage), or --help was printed and *@status_out
 * is 0. */
gboolean tool_parse (int *argc, char ***argv, const GOptionEntry *entries, const char *arguments,
                     const char *summary, const char *description, int min, int max,
                     int *status_out);

/* Options that every verb has: -v and -q set what is logged. */
void tool_add_log_options (GOptionContext *context);
gboolean tool_is_quiet (void);
int tool_get_verbosity (void); /* how many -v */

/* What of the library's own log is shown from now on: @level and what is worse. */
void tool_set_log_level (GLogLevelFlags level);

/* Sets the log writer up: level by -v, -q, or CAIMAN_LOG. FALSE: CAIMAN_LOG is none of the four. */
gboolean tool_init_log (void);

/* "A..B" or "N". */
gboolean tool_parse_seeds (const char *text, guint64 *first_out, guint64 *last_out);

/* A number of a run, as in "12". */
gboolean tool_parse_run_id (const char *text, gint64 *id_out);

/* SIGINT and SIGTERM set this from now on. */
volatile sig_atomic_t *tool_catch_signals (void);

G_END_DECLS
