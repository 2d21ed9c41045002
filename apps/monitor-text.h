/* SPDX-License-Identifier: Apache-2.0 */
/* monitor-text.h - lines of cells for the monitor: text that is cut and padded by the columns that
 * it takes on a terminal. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  MONITOR_PLAIN,
  MONITOR_TITLE,   /* the first and the last line */
  MONITOR_HEADING, /* of columns */
  MONITOR_STRONG,
  MONITOR_DIM,
  MONITOR_GOOD,
  MONITOR_WARNING,
  MONITOR_BAD,
  MONITOR_SENT, /* bars */
  MONITOR_RECEIVED,
  MONITOR_N_ATTRIBUTES
} MonitorAttribute;

/* A stretch of one look. */
typedef struct {
  char *text; /* valid UTF-8 without control characters */
  MonitorAttribute attribute;
} MonitorSpan;

typedef struct {
  GArray *spans; /* of MonitorSpan */
  guint width;   /* columns in all */
  gboolean is_selected;
} MonitorLine;

MonitorLine *monitor_line_new (void);
void monitor_line_free (MonitorLine *line); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MonitorLine, monitor_line_free)

/* Appends @text, with "?" for what would steer the terminal. */
void monitor_line_add (MonitorLine *line, MonitorAttribute attribute, const char *text);
void monitor_line_printf (MonitorLine *line, MonitorAttribute attribute, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
/* Appends @text cut or padded to exactly @width columns, at the left or at the right of them. */
void monitor_line_add_left (MonitorLine *line, MonitorAttribute attribute, guint width,
                            const char *text);
void monitor_line_add_right (MonitorLine *line, MonitorAttribute attribute, guint width,
                             const char *text);
/* Cuts or, if @pads, pads the whole line to @width columns. */
void monitor_line_fit (MonitorLine *line, guint width, gboolean pads);
/* (transfer full) All its text in one, for tests. */
char *monitor_line_get_text (const MonitorLine *line);

/* The columns that @text (valid UTF-8) takes on a terminal. */
guint monitor_text_width (const char *text);

/* A number in at most five columns: "0", "999", "12.3M"; powers of ten. (transfer full) */
char *monitor_format_number (gint64 value);

/* An age as people tell it: "5 s", "12 min 30 s", "3 h 20 min", "2 d 3 h". (transfer full) */
char *monitor_format_age (gint64 age_ns);

/* The last @width of @n @values as a bar graph in which @full_scale is full. (transfer full) */
char *monitor_format_bars (const gint64 *values, guint n, guint width, gint64 full_scale,
                           gboolean is_unicode);

G_END_DECLS
