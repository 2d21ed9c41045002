/* SPDX-License-Identifier: Apache-2.0 */
/* trace-block-write.c - see trace-block.h. trace_block_writer_add() is called for every event of a
 * run: a look-up, two guesses, and as a rule one byte or none. */
#include "harness/trace-block-private.h"
#include "harness/trace-model.h"

#include <isa-l/igzip_lib.h>
#include <string.h>

/* Quick: the model has left little that a thorough search would find. */
#define DEFLATE_LEVEL 3

/* Twice as many as kinds: a look-up ends soon. */
#define SLOTS (2 * TRACE_MODEL_KINDS_MAX)

typedef struct {
  guint64 word; /* side, type, reason, link id */
  int link;
} Kind;

typedef struct {
  guint8 *bytes;
  gsize size_bytes;
} Column;

struct _TraceBlockWriter {
  TraceModel *model;
  Kind kinds[TRACE_MODEL_KINDS_MAX];
  guint16 slots[SLOTS]; /* a kind's number + 1; 0: empty */
  GByteArray *names;    /* the kinds as they are written */
  Column columns[TRACE_N_COLUMNS];
  guint n_events, n_as_guessed;
  gint64 last_ns;
  guint8 deflate_buffer[ISAL_DEF_LVL3_DEFAULT];
};

TraceBlockWriter *
trace_block_writer_new (void)
{
  TraceBlockWriter *writer = g_new0 (TraceBlockWriter, 1);

  writer->model = trace_model_new ();
  writer->names = g_byte_array_new ();
  /* Room for the worst case; what is never written to costs no memory. */
  for (guint i = 0; i < TRACE_N_COLUMNS; i++)
    writer->columns[i].bytes = g_malloc (TRACE_BLOCK_EVENTS_MAX * TRACE_NUMBER_BYTES_MAX);
  return writer;
}

void
trace_block_writer_free (TraceBlockWriter *writer)
{
  if (!writer)
    return;
  for (guint i = 0; i < TRACE_N_COLUMNS; i++)
    g_free (writer->columns[i].bytes);
  g_byte_array_unref (writer->names);
  trace_model_free (writer->model);
  g_free (writer);
}

guint
trace_block_writer_get_events (const TraceBlockWriter *writer)
{
  return writer->n_events;
}

/* --- Numbers --- */

static gsize
encode (guint64 value, guint8 *out)
{
  gsize n = 0;

  while (value >= 0x80) {
    out[n++] = (guint8)value | 0x80;
    value >>= 7;
  }
  out[n++] = (guint8)value;
  return n;
}

static void
put (TraceBlockWriter *writer, TraceColumn column, guint64 value)
{
  Column *c = &writer->columns[column];

  c->size_bytes += encode (value, c->bytes + c->size_bytes);
}

static void
put_difference (TraceBlockWriter *writer, TraceColumn column, guint64 value, guint64 guessed)
{
  gint64 difference = (gint64)(value - guessed);

  put (writer, column, (guint64)difference << 1 ^ (guint64)(difference >> 63));
}

static void
put_step (TraceBlockWriter *writer, guint step)
{
  Column *c = &writer->columns[TRACE_COLUMN_STEPS];

  c->bytes[c->size_bytes++] = (guint8)(writer->n_as_guessed << STEP_RUN_SHIFT | step);
  writer->n_as_guessed = 0;
}

static void
append_number (GByteArray *array, guint64 value)
{
  guint8 bytes[TRACE_NUMBER_BYTES_MAX];

  g_byte_array_append (array, bytes, (guint)encode (value, bytes));
}

/* --- Kinds --- */

static TraceRule
get_rule (CaimanTraceType type)
{
  switch (type) {
  case CAIMAN_TRACE_DATA_SENT:
    return TRACE_RULE_SENT;
  case CAIMAN_TRACE_DATA_RESENT:
  case CAIMAN_TRACE_DATA_DUPLICATED:
    return TRACE_RULE_SENT_AGAIN;
  case CAIMAN_TRACE_DATA_ACKED:
    return TRACE_RULE_ACKNOWLEDGED;
  case CAIMAN_TRACE_DATA_RECEIVED:
  case CAIMAN_TRACE_DUPLICATE_RECEIVED:
    return TRACE_RULE_RECEIVED;
  case CAIMAN_TRACE_DATA_DELIVERED:
    return TRACE_RULE_DELIVERED;
  case CAIMAN_TRACE_DATA_CONSUMED:
    return TRACE_RULE_CONSUMED;
  case CAIMAN_TRACE_ACK_SENT:
    return TRACE_RULE_ANSWERED;
  default:
    return TRACE_RULE_CHANGE;
  }
}

static void
append_name (GByteArray *array, const char *name)
{
  gsize size_bytes = strlen (name);
  guint8 size = (guint8)size_bytes;

  g_assert (size_bytes <= TRACE_NAME_BYTES_MAX);
  g_byte_array_append (array, &size, 1);
  g_byte_array_append (array, (const guint8 *)name, size);
}

static void
add_kind (TraceBlockWriter *writer, ScenarioSide side, int link, const CaimanTraceEvent *event)
{
  TraceRule rule = get_rule (event->type);
  const guint8 head[] = { (guint8)side, (guint8)rule };

  trace_model_add_kind (writer->model, side, rule, event->link_id);
  g_byte_array_append (writer->names, head, sizeof head);
  append_number (writer->names, event->link_id);
  append_number (writer->names, (guint64)(link + 1));
  append_name (writer->names, caiman_trace_type_to_string (event->type));
  append_name (writer->names, caiman_reason_to_string (event->reason));
}

/* The kind's number, or -1 when it is new and there is no room for it. */
static int
find_kind (TraceBlockWriter *writer, ScenarioSide side, int link, const CaimanTraceEvent *event,
           guint guessed)
{
  const guint64 word = (guint64)side << 56 | (guint64)event->type << 48 |
                       (guint64)event->reason << 32 | event->link_id;
  guint slot = (guint)((word ^ (guint64)link << 40) * 0x9e3779b97f4a7c15u >> 54) % SLOTS;
  guint number;

  if (writer->kinds[guessed].word == word && writer->kinds[guessed].link == link &&
      guessed < trace_model_get_kinds (writer->model))
    return (int)guessed;
  for (; (number = writer->slots[slot]) != 0; slot = (slot + 1) % SLOTS) {
    const Kind *kind = &writer->kinds[number - 1];
    if (kind->word == word && kind->link == link)
      return (int)number - 1;
  }
  number = trace_model_get_kinds (writer->model);
  if (number == TRACE_MODEL_KINDS_MAX)
    return -1;
  add_kind (writer, side, link, event);
  writer->kinds[number] = (Kind) { .word = word, .link = link };
  writer->slots[slot] = (guint16)(number + 1);
  return (int)number;
}

/* --- Events --- */

gboolean
trace_block_writer_add (TraceBlockWriter *writer, ScenarioSide side, int link,
                        const CaimanTraceEvent *event)
{
  TraceModel *model = writer->model;
  guint step = 0;

  if (writer->n_events == TRACE_BLOCK_EVENTS_MAX)
    return FALSE;
  gboolean later = event->time_ns != writer->last_ns;
  guint guessed = trace_model_guess_kind (model, later);
  int found = find_kind (writer, side, link, event, guessed);
  if (found < 0)
    return FALSE;
  guint kind = (guint)found;
  if (later) {
    put (writer, TRACE_COLUMN_TIMES, (guint64)event->time_ns - (guint64)writer->last_ns);
    step |= STEP_TIME;
  }
  if (kind != guessed) {
    put (writer, TRACE_COLUMN_KINDS, kind);
    step |= STEP_KIND;
  }
  guint64 a = trace_model_guess_a (model, kind), b = trace_model_guess_b (model, kind, event->a);
  if (event->a != a) {
    put_difference (writer, TRACE_COLUMN_A, event->a, a);
    step |= STEP_A;
  }
  if (event->b != b) {
    put_difference (writer, TRACE_COLUMN_B, event->b, b);
    step |= STEP_B;
  }
  trace_model_learn (model, kind, event->a, event->b);
  writer->last_ns = event->time_ns;
  writer->n_events++;
  if (step != 0)
    put_step (writer, step);
  else if (++writer->n_as_guessed == STEP_RUN_MAX)
    put_step (writer, 0);
  return TRUE;
}

/* --- The end of a block --- */

static GBytes *
deflate (TraceBlockWriter *writer, const GByteArray *plain)
{
  /* What cannot be made smaller is stored, which adds some bytes per 64 KiB. */
  gsize space_bytes = plain->len + plain->len / 1024 + 256;
  guint8 *out = g_malloc (space_bytes);
  struct isal_zstream stream = { 0 }; /* init() does not set all of it */

  isal_deflate_stateless_init (&stream);
  stream.level = DEFLATE_LEVEL;
  stream.level_buf = writer->deflate_buffer;
  stream.level_buf_size = sizeof writer->deflate_buffer;
  stream.gzip_flag = IGZIP_ZLIB;
  stream.end_of_stream = 1;
  stream.next_in = plain->data;
  stream.avail_in = plain->len;
  stream.next_out = out;
  stream.avail_out = (guint32)space_bytes;
  int result = isal_deflate_stateless (&stream);
  g_assert (result == COMP_OK);
  return g_bytes_new_take (g_realloc (out, stream.total_out), stream.total_out);
}

static void
reset (TraceBlockWriter *writer)
{
  trace_model_reset (writer->model);
  memset (writer->slots, 0, sizeof writer->slots);
  g_byte_array_set_size (writer->names, 0);
  for (guint i = 0; i < TRACE_N_COLUMNS; i++)
    writer->columns[i].size_bytes = 0;
  writer->n_events = 0;
  writer->last_ns = 0;
}

GBytes *
trace_block_writer_finish (TraceBlockWriter *writer)
{
  g_autoptr (GByteArray) plain = g_byte_array_new ();
  const guint8 format = TRACE_BLOCK_FORMAT;

  if (writer->n_as_guessed > 0)
    put_step (writer, 0);
  g_byte_array_append (plain, &format, 1);
  append_number (plain, trace_model_get_kinds (writer->model));
  g_byte_array_append (plain, writer->names->data, writer->names->len);
  append_number (plain, writer->n_events);
  for (guint i = 0; i < TRACE_N_COLUMNS; i++) {
    append_number (plain, writer->columns[i].size_bytes);
    g_byte_array_append (plain, writer->columns[i].bytes, (guint)writer->columns[i].size_bytes);
  }
  reset (writer);
  return deflate (writer, plain);
}
