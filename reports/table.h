/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - aligned columns of text for a terminal. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum { TABLE_PLAIN, TABLE_GOOD, TABLE_BAD, TABLE_DIM } TableStyle;

typedef struct _Table Table;

/* @titles: one per column, ended by NULL; a title that begins with ">" makes its column right
 * aligned (the ">" is not shown). Styles show only where @colour is TRUE.
 * Returns: (transfer full). */
Table *table_new (const char *const *titles, gboolean colour);

/* Accepts NULL. */
void table_free (Table *table);

/* Adds the next cell, row by row; NULL is shown as "-". Control characters are shown as "?", so
 * that a text from a database cannot steer the terminal. */
void table_add (Table *table, TableStyle style, const char *text);

/* As table_add() in plain style, and frees @text. */
void table_take (Table *table, char *text);

/* Whether a row was added. */
gboolean table_is_empty (const Table *table);

/* Leaves columns out until a line takes no more than @width_columns: those of @order (numbers from
 * 0, ended by -1), the first first. Where that is not enough, the last column that is left is cut.
 */
void table_fit (Table *table, guint width_columns, const int *order);

/* The columns that a line of it takes. */
guint table_get_width (const Table *table);

/* Appends the table to @out, each line behind @indent spaces and without spaces at its end. The
 * last row must be complete. */
void table_render (const Table *table, guint indent, GString *out);

/* Appends @text in @style (when @colour). */
void table_append_styled (GString *out, TableStyle style, gboolean colour, const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Table, table_free)

G_END_DECLS
