/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - see log.h. */
#include "apps/log.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const level_names[] = { "error", "warning", "notice", "info", "debug" };
G_STATIC_ASSERT (G_N_ELEMENTS (level_names) == APP_N_LOG_LEVELS);

/* Of syslog(3), which the journal goes by. */
static const int priorities[] = { 3, 4, 5, 6, 7 };
G_STATIC_ASSERT (G_N_ELEMENTS (priorities) == APP_N_LOG_LEVELS);

static AppLogLevel shown_level = APP_LOG_NOTICE;

const char *
app_log_level_to_string (AppLogLevel level)
{
  return level_names[level];
}

gboolean
app_log_level_from_string (const char *name, AppLogLevel *level_out)
{
  for (guint i = 0; i < APP_N_LOG_LEVELS; i++) {
    if (strcmp (level_names[i], name) == 0) {
      *level_out = (AppLogLevel)i;
      return TRUE;
    }
  }
  return FALSE;
}

void
app_log_set_level (AppLogLevel level)
{
  shown_level = level;
}

AppLogLevel
app_log_get_level (void)
{
  return shown_level;
}

/* systemd tells the journal's stream as DEVICE:INODE. */
static gboolean
is_journal (void)
{
  const char *stream = g_getenv ("JOURNAL_STREAM");
  struct stat status;
  if (stream == NULL || fstat (STDERR_FILENO, &status) < 0)
    return FALSE;
  g_autofree char *ours = g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT,
                                           (guint64)status.st_dev, (guint64)status.st_ino);
  return strcmp (stream, ours) == 0;
}

char *
app_log_format (AppLogLevel level, const char *text)
{
  return level <= APP_LOG_WARNING ? g_strdup_printf ("%s: %s", level_names[level], text)
                                  : g_strdup (text);
}

void
app_log_write (AppLogLevel level, const char *text)
{
  if (level > shown_level)
    return;
  g_autofree char *line = app_log_format (level, text);
  if (is_journal ())
    fprintf (stderr, "<%d>%s\n", priorities[level], text);
  else
    fprintf (stderr, "caiman: %s\n", line);
}
