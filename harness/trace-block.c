/* SPDX-License-Identifier: Apache-2.0 */
/* trace-block.c - reads blocks, see trace-block.h; trace-block-write.c writes them. What is read
 * comes from a file: nothing in it is believed. */
#include "harness/trace-block.h"

#include "harness/trace-block-private.h"
#include "harness/trace-model.h"

#include <gio/gio.h>
#include <string.h>

/* A part of the block that is read from its begin to its end. */
typedef struct {
  const guint8 *next, *end;
} Cursor;

typedef struct {
  char *type, *reason;
  ScenarioSide side;
  guint32 link_id;
  int link;
} Kind;

struct _TraceBlockReader {
  GByteArray *plain;
  TraceModel *model;
  Kind kinds[TRACE_MODEL_KINDS_MAX];
  guint n_kinds, n_events;
  Cursor columns[TRACE_N_COLUMNS];

  guint n_read;
  guint n_as_guessed; /* events that the step read last has still to give */
  guint step;         /* the event after them; 0: none */
  gint64 last_ns;
  gboolean is_damaged;
};

/* --- Records --- */

gboolean
trace_record_equal (const TraceRecord *x, const TraceRecord *y)
{
  return x->time_ns == y->time_ns && x->side == y->side && x->link_id == y->link_id &&
         x->a == y->a && x->b == y->b && strcmp (x->type, y->type) == 0 &&
         strcmp (x->reason, y->reason) == 0;
}

char *
trace_record_format (const TraceRecord *record, const char *link_name)
{
  return g_strdup_printf ("%" G_GINT64_FORMAT ".%09" G_GINT64_FORMAT
                          " %s %s %s#%u %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %s",
                          record->time_ns / CAIMAN_NS_PER_S, record->time_ns % CAIMAN_NS_PER_S,
                          scenario_side_to_string (record->side), record->type,
                          link_name ? link_name : "-", record->link_id, record->a, record->b,
                          record->reason);
}

/* --- Parts --- */

static gboolean
read_byte (Cursor *cursor, guint *value_out)
{
  if (cursor->next == cursor->end)
    return FALSE;
  *value_out = *cursor->next++;
  return TRUE;
}

static gboolean
read_number (Cursor *cursor, guint64 *value_out)
{
  guint byte;

  *value_out = 0;
  for (guint shift = 0; shift < 7 * TRACE_NUMBER_BYTES_MAX; shift += 7) {
    if (!read_byte (cursor, &byte))
      return FALSE;
    *value_out |= (guint64)(byte & 0x7f) << shift;
    if (byte < 0x80)
      return TRUE;
  }
  return FALSE;
}

/* A number of no more than @max. */
static gboolean
read_up_to (Cursor *cursor, guint64 max, guint *value_out)
{
  guint64 value;

  if (!read_number (cursor, &value) || value > max)
    return FALSE;
  *value_out = (guint)value;
  return TRUE;
}

/* (transfer full) A name as the names of our types and reasons are, or NULL. */
static char *
read_name (Cursor *cursor)
{
  guint size;

  if (!read_byte (cursor, &size) || size > TRACE_NAME_BYTES_MAX ||
      size > (gsize)(cursor->end - cursor->next))
    return NULL;
  const guint8 *name = cursor->next;
  cursor->next += size;
  for (guint i = 0; i < size; i++) {
    if (!g_ascii_isgraph (name[i]))
      return NULL;
  }
  return g_strndup ((const char *)name, size);
}

/* --- The head of a block --- */

static gboolean
read_kind (TraceBlockReader *reader, Cursor *cursor)
{
  Kind *kind = &reader->kinds[reader->n_kinds];
  guint side, rule, link;

  if (!read_byte (cursor, &side) || side >= SCENARIO_N_SIDES || !read_byte (cursor, &rule) ||
      rule >= TRACE_N_RULES || !read_up_to (cursor, G_MAXUINT32, &kind->link_id) ||
      !read_up_to (cursor, G_MAXINT, &link))
    return FALSE;
  kind->side = (ScenarioSide)side;
  kind->link = (int)link - 1;
  reader->n_kinds++; /* from here on its names are freed with the reader */
  kind->type = read_name (cursor);
  kind->reason = kind->type ? read_name (cursor) : NULL;
  if (!kind->reason)
    return FALSE;
  trace_model_add_kind (reader->model, kind->side, (TraceRule)rule, kind->link_id);
  return TRUE;
}

static gboolean
read_column (Cursor *cursor, Cursor *column)
{
  guint size;

  if (!read_up_to (cursor, TRACE_BLOCK_BYTES_MAX, &size) ||
      size > (gsize)(cursor->end - cursor->next))
    return FALSE;
  *column = (Cursor) { .next = cursor->next, .end = cursor->next + size };
  cursor->next += size;
  return TRUE;
}

static gboolean
read_head (TraceBlockReader *reader)
{
  Cursor cursor = { .next = reader->plain->data, .end = reader->plain->data + reader->plain->len };
  guint format, n_kinds;

  if (!read_byte (&cursor, &format) || format != TRACE_BLOCK_FORMAT ||
      !read_up_to (&cursor, TRACE_MODEL_KINDS_MAX, &n_kinds))
    return FALSE;
  while (reader->n_kinds < n_kinds) {
    if (!read_kind (reader, &cursor))
      return FALSE;
  }
  if (!read_up_to (&cursor, TRACE_BLOCK_EVENTS_MAX, &reader->n_events))
    return FALSE;
  for (guint i = 0; i < TRACE_N_COLUMNS; i++) {
    if (!read_column (&cursor, &reader->columns[i]))
      return FALSE;
  }
  return cursor.next == cursor.end;
}

/* (transfer full) NULL: these are not deflated bytes, or more than a block can have. */
static GByteArray *
inflate (GBytes *bytes)
{
  g_autoptr (GConverter) decompressor =
      G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB));
  g_autoptr (GByteArray) plain = g_byte_array_new ();
  gsize size_bytes;
  const guint8 *data = g_bytes_get_data (bytes, &size_bytes);
  GConverterResult result = G_CONVERTER_CONVERTED;

  while (result == G_CONVERTER_CONVERTED) {
    gsize read_bytes, written_bytes;
    guint8 piece[16384];
    result = g_converter_convert (decompressor, data, size_bytes, piece, sizeof piece,
                                  G_CONVERTER_INPUT_AT_END, &read_bytes, &written_bytes, NULL);
    if (result == G_CONVERTER_ERROR || plain->len + written_bytes > TRACE_BLOCK_BYTES_MAX)
      return NULL;
    g_byte_array_append (plain, piece, (guint)written_bytes);
    data += read_bytes;
    size_bytes -= read_bytes;
  }
  return g_steal_pointer (&plain);
}

TraceBlockReader *
trace_block_reader_new (GBytes *bytes)
{
  g_autoptr (GByteArray) plain = inflate (bytes);

  if (!plain || plain->len == 0)
    return NULL;
  g_autoptr (TraceBlockReader) reader = g_new0 (TraceBlockReader, 1);
  reader->plain = g_steal_pointer (&plain);
  reader->model = trace_model_new ();
  return read_head (reader) ? g_steal_pointer (&reader) : NULL;
}

void
trace_block_reader_free (TraceBlockReader *reader)
{
  if (!reader)
    return;
  for (guint i = 0; i < reader->n_kinds; i++) {
    g_free (reader->kinds[i].type);
    g_free (reader->kinds[i].reason);
  }
  trace_model_free (reader->model);
  g_byte_array_unref (reader->plain);
  g_free (reader);
}

guint
trace_block_reader_get_events (const TraceBlockReader *reader)
{
  return reader->n_events;
}

gboolean
trace_block_reader_is_damaged (const TraceBlockReader *reader)
{
  return reader->is_damaged;
}

/* --- Events --- */

/* What of the next event is to be read from its column. */
static gboolean
read_step (TraceBlockReader *reader, guint *step_out)
{
  while (reader->n_as_guessed == 0 && reader->step == 0) {
    guint step;
    if (!read_byte (&reader->columns[TRACE_COLUMN_STEPS], &step) || step == 0)
      return FALSE;
    reader->n_as_guessed = step >> STEP_RUN_SHIFT;
    reader->step = step & ((1u << STEP_RUN_SHIFT) - 1);
  }
  *step_out = 0;
  if (reader->n_as_guessed > 0) {
    reader->n_as_guessed--;
    return TRUE;
  }
  *step_out = reader->step;
  reader->step = 0;
  return TRUE;
}

/* Adds the difference in @column to what was guessed. */
static gboolean
read_difference (TraceBlockReader *reader, TraceColumn column, guint64 *value)
{
  guint64 zigzag;

  if (!read_number (&reader->columns[column], &zigzag))
    return FALSE;
  *value += (zigzag >> 1) ^ (0 - (zigzag & 1));
  return TRUE;
}

static gboolean
read_event (TraceBlockReader *reader, TraceRecord *record)
{
  TraceModel *model = reader->model;
  guint step, number;
  guint64 delta = 0;

  if (!read_step (reader, &step) ||
      ((step & STEP_TIME) && !read_number (&reader->columns[TRACE_COLUMN_TIMES], &delta)))
    return FALSE;
  number = trace_model_guess_kind (model, (step & STEP_TIME) != 0);
  if ((step & STEP_KIND) &&
      !read_up_to (&reader->columns[TRACE_COLUMN_KINDS], G_MAXUINT16, &number))
    return FALSE;
  if (number >= reader->n_kinds)
    return FALSE;
  const Kind *kind = &reader->kinds[number];
  record->a = trace_model_guess_a (model, number);
  if ((step & STEP_A) && !read_difference (reader, TRACE_COLUMN_A, &record->a))
    return FALSE;
  record->b = trace_model_guess_b (model, number, record->a);
  if ((step & STEP_B) && !read_difference (reader, TRACE_COLUMN_B, &record->b))
    return FALSE;
  trace_model_learn (model, number, record->a, record->b);
  record->time_ns = reader->last_ns = (gint64)((guint64)reader->last_ns + delta);
  record->side = kind->side;
  record->type = kind->type;
  record->reason = kind->reason;
  record->link_id = kind->link_id;
  record->link = kind->link;
  return TRUE;
}

gboolean
trace_block_reader_next (TraceBlockReader *reader, TraceRecord *record_out)
{
  if (reader->is_damaged || reader->n_read == reader->n_events)
    return FALSE;
  reader->is_damaged = !read_event (reader, record_out);
  reader->n_read++;
  return !reader->is_damaged;
}
