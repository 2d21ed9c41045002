/* SPDX-License-Identifier: Apache-2.0 */
/* log-history.c - see log-history.h. */
#include "apps/log-history.h"

#include <string.h>

struct _LogHistory {
  GPtrArray *lines; /* of char * */
  guint64 n_added;
};

LogHistory *
log_history_new (void)
{
  LogHistory *history = g_new0 (LogHistory, 1);
  history->lines = g_ptr_array_new_with_free_func (g_free);
  return history;
}

void
log_history_free (LogHistory *history)
{
  if (history == NULL)
    return;
  g_ptr_array_unref (history->lines);
  g_free (history);
}

static void
add_line (LogHistory *history, const char *line, gsize size)
{
  if (history->lines->len == LOG_HISTORY_LINES_MAX)
    g_ptr_array_remove_index (history->lines, 0);
  g_ptr_array_add (history->lines, g_strndup (line, MIN (size, LOG_HISTORY_LINE_MAX_BYTES)));
  history->n_added++;
}

guint
log_history_add (LogHistory *history, const char *text, gssize size_bytes)
{
  gsize left = size_bytes < 0 ? strlen (text) : (gsize)size_bytes;
  guint n = 0;
  while (left > 0) {
    const char *end = memchr (text, '\n', left);
    gsize size = end ? (gsize)(end - text) : left;
    add_line (history, text, size);
    n++;
    size += end != NULL;
    text += size;
    left -= size;
  }
  return n;
}

const GPtrArray *
log_history_get_lines (const LogHistory *history)
{
  return history->lines;
}

guint64
log_history_get_n_added (const LogHistory *history)
{
  return history->n_added;
}
