/* SPDX-License-Identifier: Apache-2.0 */
/* monitor-terminal.c - see monitor-terminal.h. */
#include "apps/monitor-terminal.h"

#include "apps/monitor.h"

#include <curses.h>
#include <term.h>
#include <unistd.h>

gboolean
monitor_is_possible (void)
{
  return isatty (STDIN_FILENO) && isatty (STDOUT_FILENO);
}

/* newterm() takes terminals that cannot move their cursor, and then makes a mess. */
gboolean
monitor_check_terminal (GError **error)
{
  static char cup[] = "cup";
  int code;
  const char *problem = NULL;
  if (setupterm (NULL, STDOUT_FILENO, &code) != OK) {
    problem = "is not known";
  } else {
    const char *position = tigetstr (cup);
    if (position == NULL || position == (char *)-1)
      problem = "cannot place its cursor";
    del_curterm (cur_term);
  }
  if (problem == NULL)
    return TRUE;
  g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR,
               "cannot show the monitor: the terminal '%s' %s",
               g_getenv ("TERM") != NULL ? g_getenv ("TERM") : "", problem);
  return FALSE;
}
