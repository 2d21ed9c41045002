/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - lines for the people who run a long-running verb: what is worth telling, and where it
 * goes.
 *
 * On standard error each line is "caiman: TEXT"; when standard error is systemd's journal, the
 * level goes in front the way the journal wants it ("<4>TEXT"). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  APP_LOG_ERROR,   /* the verb cannot do what it was told to */
  APP_LOG_WARNING, /* something that an operator should look at */
  APP_LOG_NOTICE,  /* a connection opened or closed, a reload (default) */
  APP_LOG_INFO,    /* a link came or went */
  APP_LOG_DEBUG,   /* every change of a link's state */
  APP_N_LOG_LEVELS
} AppLogLevel;

/* "error", "warning", "notice", "info", "debug". */
const char *app_log_level_to_string (AppLogLevel level);
gboolean app_log_level_from_string (const char *name, AppLogLevel *level_out);

/* What is shown: this level and those that are worse. Initially NOTICE. */
void app_log_set_level (AppLogLevel level);
AppLogLevel app_log_get_level (void);

/* (transfer full) @text, with its level in front of it when that is WARNING or worse. */
char *app_log_format (AppLogLevel level, const char *text);

/* Writes @text to standard error if its level is shown. */
void app_log_write (AppLogLevel level, const char *text);

G_END_DECLS
