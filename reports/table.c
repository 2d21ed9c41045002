/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - see table.h. */
#include "reports/table.h"

#define GAP_COLUMNS 2

typedef struct {
  char *text;
  TableStyle style;
} Cell;

struct _Table {
  guint n_columns;
  gboolean colour;
  gboolean *right;  /* one per column */
  gboolean *hidden; /* one per column */
  gsize *max_width; /* one per column; 0: any */
  GPtrArray *cells; /* of Cell, row by row; the first row has the titles */
};

static void
cell_free (gpointer data)
{
  Cell *cell = data;
  g_free (cell->text);
  g_free (cell);
}

/* @text without anything that moves the cursor or changes its look. */
static char *
sanitize (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *out = g_string_new (NULL);
  for (const char *p = valid; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    g_string_append_unichar (out, g_unichar_iscntrl (c) ? '?' : c);
  }
  return g_string_free (out, FALSE);
}

Table *
table_new (const char *const *titles, gboolean colour)
{
  Table *table = g_new0 (Table, 1);
  table->n_columns = g_strv_length ((char **)titles);
  table->colour = colour;
  table->right = g_new0 (gboolean, table->n_columns);
  table->hidden = g_new0 (gboolean, table->n_columns);
  table->max_width = g_new0 (gsize, table->n_columns);
  table->cells = g_ptr_array_new_with_free_func (cell_free);
  for (guint i = 0; i < table->n_columns; i++) {
    table->right[i] = titles[i][0] == '>';
    table_add (table, TABLE_DIM, titles[i] + (table->right[i] ? 1 : 0));
  }
  return table;
}

void
table_free (Table *table)
{
  if (!table)
    return;
  g_ptr_array_unref (table->cells);
  g_free (table->right);
  g_free (table->hidden);
  g_free (table->max_width);
  g_free (table);
}

void
table_add (Table *table, TableStyle style, const char *text)
{
  Cell *cell = g_new0 (Cell, 1);
  cell->text = sanitize (text ? text : "-");
  cell->style = style;
  g_ptr_array_add (table->cells, cell);
}

void
table_take (Table *table, char *text)
{
  table_add (table, TABLE_PLAIN, text);
  g_free (text);
}

gboolean
table_is_empty (const Table *table)
{
  return table->cells->len <= table->n_columns;
}

void
table_append_styled (GString *out, TableStyle style, gboolean colour, const char *text)
{
  static const char *const codes[] = {
    [TABLE_PLAIN] = NULL,
    [TABLE_GOOD] = "32",
    [TABLE_BAD] = "1;31",
    [TABLE_DIM] = "2",
  };
  g_assert (style < G_N_ELEMENTS (codes));
  if (colour && codes[style])
    g_string_append_printf (out, "\033[%sm%s\033[0m", codes[style], text);
  else
    g_string_append (out, text);
}

static const Cell *
get_cell (const Table *table, guint row, guint column)
{
  return g_ptr_array_index (table->cells, row * table->n_columns + column);
}

static gsize
get_width (const Table *table, guint column)
{
  guint n_rows = table->cells->len / table->n_columns;
  gsize width = 0;
  for (guint row = 0; row < n_rows; row++)
    width = MAX (width, (gsize)g_utf8_strlen (get_cell (table, row, column)->text, -1));
  gsize max = table->max_width[column];
  return max > 0 ? MIN (width, max) : width;
}

/* Of a whole line. @last_out: the last column that is shown. */
static gsize
get_line_width (const Table *table, guint *last_out)
{
  gsize width = 0;
  for (guint i = 0; i < table->n_columns; i++) {
    if (table->hidden[i])
      continue;
    width += get_width (table, i) + (width > 0 ? GAP_COLUMNS : 0);
    *last_out = i;
  }
  return width;
}

guint
table_get_width (const Table *table)
{
  guint last = 0;
  return (guint)get_line_width (table, &last);
}

void
table_fit (Table *table, guint width_columns, const int *order)
{
  guint last = 0;
  while (*order >= 0 && get_line_width (table, &last) > width_columns)
    table->hidden[*order++] = TRUE;
  gsize width = get_line_width (table, &last), last_width = get_width (table, last);
  if (width > width_columns)
    table->max_width[last] = MAX (2, last_width - MIN (last_width, width - width_columns));
}

static void
append_spaces (GString *out, gsize n)
{
  g_string_append_printf (out, "%*s", (int)n, "");
}

/* (transfer full) @text in no more than @width columns. */
static char *
cut (const char *text, gsize width)
{
  if ((gsize)g_utf8_strlen (text, -1) <= width)
    return g_strdup (text);
  g_autofree char *begin = g_utf8_substring (text, 0, (glong)width - 1);
  return g_strconcat (begin, "…", NULL);
}

static void
render_row (const Table *table, guint row, const gsize *widths, GString *out)
{
  for (guint i = 0; i < table->n_columns; i++) {
    if (table->hidden[i])
      continue;
    const Cell *cell = get_cell (table, row, i);
    g_autofree char *text = cut (cell->text, widths[i]);
    gsize pad = widths[i] - (gsize)g_utf8_strlen (text, -1);
    if (table->right[i])
      append_spaces (out, pad);
    table_append_styled (out, cell->style, table->colour, text);
    if (i + 1 < table->n_columns)
      append_spaces (out, (table->right[i] ? 0 : pad) + GAP_COLUMNS);
  }
  /* Empty cells at the end leave spaces behind the last text. */
  while (out->len > 0 && out->str[out->len - 1] == ' ')
    g_string_truncate (out, out->len - 1);
  g_string_append_c (out, '\n');
}

void
table_render (const Table *table, guint indent, GString *out)
{
  g_assert (table->cells->len % table->n_columns == 0);
  guint n_rows = table->cells->len / table->n_columns;
  g_autofree gsize *widths = g_new0 (gsize, table->n_columns);
  for (guint i = 0; i < table->n_columns; i++)
    widths[i] = get_width (table, i);
  for (guint row = 0; row < n_rows; row++) {
    append_spaces (out, indent);
    render_row (table, row, widths, out);
  }
}
