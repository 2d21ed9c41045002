/* SPDX-License-Identifier: Apache-2.0 */
/* log-history.h - the last lines that were logged, in bounded memory, for whoever comes later to
 * look at them: a monitor hides the terminal on which they would stand. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define LOG_HISTORY_LINES_MAX      1000u
#define LOG_HISTORY_LINE_MAX_BYTES 1000u

typedef struct _LogHistory LogHistory;

LogHistory *log_history_new (void);
void log_history_free (LogHistory *history); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LogHistory, log_history_free)

/* Adds a line, or several with newlines between them; what is too long is cut, and the oldest lines
 * go. Returns how many it added. */
guint log_history_add (LogHistory *history, const char *text, gssize size_bytes);

/* (element-type utf8) the lines, oldest first; valid until the next add(). (transfer none) */
const GPtrArray *log_history_get_lines (const LogHistory *history);

/* All that ever were added. */
guint64 log_history_get_n_added (const LogHistory *history);

G_END_DECLS
