/* SPDX-License-Identifier: Apache-2.0 */
/* test-trace-block.c - what goes into a block comes out again, whatever it is; and what comes from
 * elsewhere is read without harm. */
#include "harness/trace-block-private.h"
#include "harness/trace-model.h"
#include "core/prng.h"

#include <gio/gio.h>
#include <string.h>

typedef struct {
  ScenarioSide side;
  int link;
  CaimanTraceEvent event;
} Traced;

static void
assert_same (const TraceRecord *record, const Traced *traced)
{
  const CaimanTraceEvent *event = &traced->event;
  const TraceRecord expected = { .time_ns = event->time_ns,
                                 .side = traced->side,
                                 .type = caiman_trace_type_to_string (event->type),
                                 .reason = caiman_reason_to_string (event->reason),
                                 .link_id = event->link_id,
                                 .a = event->a,
                                 .b = event->b };

  g_assert_true (trace_record_equal (record, &expected));
  g_assert_cmpint (record->link, ==, traced->link);
}

/* Writes them all, and reads them back. Returns the bytes that they took. */
static gsize
round_trip (TraceBlockWriter *writer, const Traced *traced, guint n)
{
  TraceRecord record;

  for (guint i = 0; i < n; i++)
    g_assert_true (
        trace_block_writer_add (writer, traced[i].side, traced[i].link, &traced[i].event));
  g_assert_cmpuint (trace_block_writer_get_events (writer), ==, n);
  g_autoptr (GBytes) bytes = trace_block_writer_finish (writer);
  g_assert_cmpuint (trace_block_writer_get_events (writer), ==, 0);
  g_autoptr (TraceBlockReader) reader = trace_block_reader_new (bytes);
  g_assert_nonnull (reader);
  g_assert_cmpuint (trace_block_reader_get_events (reader), ==, n);
  for (guint i = 0; i < n; i++) {
    g_assert_true (trace_block_reader_next (reader, &record));
    assert_same (&record, &traced[i]);
  }
  g_assert_false (trace_block_reader_next (reader, &record));
  g_assert_false (trace_block_reader_is_damaged (reader));
  return g_bytes_get_size (bytes);
}

static void
test_extremes (void)
{
  g_autoptr (TraceBlockWriter) writer = trace_block_writer_new ();
  Traced traced[] = {
    { 0, -1, { 0, CAIMAN_TRACE_CONNECTION_STATE, 0, 0, 0, CAIMAN_REASON_NONE } },
    { 0, -1, { 0, CAIMAN_TRACE_CONNECTION_STATE, 0, 0, 0, CAIMAN_REASON_NONE } },
    { 1, 7, { 5, CAIMAN_TRACE_DATA_SENT, G_MAXUINT32, G_MAXUINT64, G_MAXUINT64, 0 } },
    { 1, 7, { G_MAXINT64, CAIMAN_TRACE_DATA_SENT, G_MAXUINT32, 0, 0, 0 } },
    { 0, G_MAXINT - 1, { 3, CAIMAN_TRACE_LINK_STATE, 1, 1, 2, CAIMAN_N_REASONS - 1 } },
    { 0, 0, { 3, CAIMAN_TRACE_LINK_STATE, 1, G_MAXINT64, (guint64)G_MININT64, 0 } },
  };

  round_trip (writer, NULL, 0);
  round_trip (writer, traced, G_N_ELEMENTS (traced));
  for (guint i = 0; i < G_N_ELEMENTS (traced); i++)
    round_trip (writer, &traced[i], 1);
}

/* Events that no rule guesses right, of all kinds. */
static void
test_random (void)
{
  enum { N = 5000 };
  g_autoptr (TraceBlockWriter) writer = trace_block_writer_new ();
  g_autofree Traced *traced = g_new0 (Traced, N);
  CaimanPrng prng;

  caiman_prng_init (&prng, 7);
  for (guint round = 0; round < 4; round++) {
    for (guint i = 0; i < N; i++) {
      guint mask = round % 2 ? 63 : 7; /* values that jump, and values that often recur */
      traced[i] = (Traced) {
        .side = (ScenarioSide)caiman_prng_below (&prng, 2),
        .link = (int)caiman_prng_below (&prng, 2) - 1,
        .event = { .time_ns = (gint64)(caiman_prng_next (&prng) >> (1 + (i & mask) % 62)),
                   .type = (CaimanTraceType)caiman_prng_below (&prng, CAIMAN_N_TRACE_TYPES),
                   .link_id = (guint32)caiman_prng_below (&prng, 3),
                   .a = caiman_prng_next (&prng) >> (i & mask),
                   .b = caiman_prng_next (&prng) >> (i & mask) },
      };
    }
    round_trip (writer, traced, N);
  }
}

/* A bulk transfer: nearly all of it is guessed. */
static void
test_small (void)
{
  enum { N_MESSAGES = 5000, N_TYPES = 5 };
  static const CaimanTraceType types[N_TYPES] = { CAIMAN_TRACE_DATA_SENT,
                                                  CAIMAN_TRACE_DATA_RECEIVED,
                                                  CAIMAN_TRACE_DATA_DELIVERED,
                                                  CAIMAN_TRACE_ACK_SENT, CAIMAN_TRACE_DATA_ACKED };
  static const ScenarioSide sides[N_TYPES] = { SCENARIO_SIDE_CLIENT, SCENARIO_SIDE_SERVER,
                                               SCENARIO_SIDE_SERVER, SCENARIO_SIDE_SERVER,
                                               SCENARIO_SIDE_CLIENT };
  g_autoptr (TraceBlockWriter) writer = trace_block_writer_new ();
  g_autofree Traced *traced = g_new0 (Traced, N_MESSAGES * N_TYPES);

  for (guint i = 0; i < N_MESSAGES * N_TYPES; i++) {
    CaimanTraceType type = types[i % N_TYPES];
    guint64 number = i / N_TYPES, size = 1000 + 9 * (number % 3);
    gboolean has_link = type != CAIMAN_TRACE_DATA_DELIVERED;
    traced[i] = (Traced) {
      .side = sides[i % N_TYPES],
      .link = has_link ? (int)(number % 2) : -1,
      .event = { .time_ns = (gint64)(number * 250000 + i % N_TYPES * 10000),
                 .type = type,
                 .link_id = has_link ? 3 + (guint32)(number % 2) : 0,
                 .a = number,
                 .b = type == CAIMAN_TRACE_ACK_SENT ? 0 : size },
    };
  }
  gsize size_bytes = round_trip (writer, traced, N_MESSAGES * N_TYPES);
  g_assert_cmpuint (size_bytes, <, N_MESSAGES * N_TYPES / 5);
}

static void
test_full (void)
{
  g_autoptr (TraceBlockWriter) writer = trace_block_writer_new ();
  CaimanTraceEvent event = { .type = CAIMAN_TRACE_LINK_STATE };

  for (guint i = 0; i < TRACE_MODEL_KINDS_MAX; i++, event.link_id++)
    g_assert_true (trace_block_writer_add (writer, SCENARIO_SIDE_CLIENT, -1, &event));
  g_assert_false (trace_block_writer_add (writer, SCENARIO_SIDE_CLIENT, -1, &event));
  g_autoptr (GBytes) kinds = trace_block_writer_finish (writer);
  for (guint i = 0; i < TRACE_BLOCK_EVENTS_MAX; i++)
    g_assert_true (trace_block_writer_add (writer, SCENARIO_SIDE_CLIENT, -1, &event));
  g_assert_false (trace_block_writer_add (writer, SCENARIO_SIDE_CLIENT, -1, &event));
  g_autoptr (GBytes) events = trace_block_writer_finish (writer);

  TraceRecord record;
  g_autoptr (TraceBlockReader) reader = trace_block_reader_new (kinds);
  guint n = 0;
  for (; trace_block_reader_next (reader, &record); n++)
    g_assert_cmpuint (record.link_id, ==, n);
  g_assert_cmpuint (n, ==, TRACE_MODEL_KINDS_MAX);
  g_autoptr (TraceBlockReader) other = trace_block_reader_new (events);
  g_assert_cmpuint (trace_block_reader_get_events (other), ==, TRACE_BLOCK_EVENTS_MAX);
}

static void
test_format (void)
{
  TraceRecord record = { .time_ns = 4000000020,
                         .side = SCENARIO_SIDE_SERVER,
                         .type = "ack-sent",
                         .reason = "none",
                         .link_id = 4,
                         .a = 12,
                         .b = 0 };
  g_autofree char *named = trace_record_format (&record, "wifi");
  g_autofree char *unnamed = trace_record_format (&record, NULL);

  g_assert_cmpstr (named, ==, "4.000000020 server ack-sent wifi#4 12 0 none");
  g_assert_cmpstr (unnamed, ==, "4.000000020 server ack-sent -#4 12 0 none");
}

/* --- What is not a block --- */

static GBytes *
deflate (const guint8 *plain, gsize size)
{
  g_autoptr (GConverter) compressor =
      G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB, 1));
  gsize read_bytes, written_bytes, space = size + 1024;
  g_autofree guint8 *out = g_malloc (space);

  g_assert_cmpint (g_converter_convert (compressor, plain, size, out, space,
                                        G_CONVERTER_INPUT_AT_END, &read_bytes, &written_bytes,
                                        NULL),
                   ==, G_CONVERTER_FINISHED);
  return g_bytes_new (out, written_bytes);
}

static TraceBlockReader *
read_plain (const char *plain, gsize size)
{
  g_autoptr (GBytes) bytes = deflate ((const guint8 *)plain, size);

  return trace_block_reader_new (bytes);
}

/* One kind: client, rule 0, link 1, of no scenario link, "t", "r". */
#define KIND "\1\0\0\1\0\1t\1r"

/* The columns of one event that is as guessed. */
#define ONE_EVENT "\1\1\x10\0\0\0\0"

#define PLAIN(text) text, sizeof (text) - 1

static void
test_heads (void)
{
  static const struct {
    const char *what, *plain;
    gsize size;
  } cases[] = {
    { "empty", PLAIN ("") },
    { "another format", PLAIN ("\2" KIND ONE_EVENT) },
    { "too many kinds", PLAIN ("\1\x81\4") },
    { "a side", PLAIN ("\1\1\2\0\1\0\1t\1r" ONE_EVENT) },
    { "a rule", PLAIN ("\1\1\0\10\1\0\1t\1r" ONE_EVENT) },
    { "a link id", PLAIN ("\1\1\0\0\x80\x80\x80\x80\x10\0\1t\1r" ONE_EVENT) },
    { "a link", PLAIN ("\1\1\0\0\1\x80\x80\x80\x80\x10\1t\1r" ONE_EVENT) },
    { "a number that does not end", PLAIN ("\1\1\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1") },
    { "a type's name", PLAIN ("\1\1\0\0\1\0\1\x1b\1r" ONE_EVENT) },
    { "a reason's name", PLAIN ("\1\1\0\0\1\0\1t\1 " ONE_EVENT) },
    { "a long name", PLAIN ("\1\1\0\0\1\0\x40"
                            "tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt") },
    { "a cut name", PLAIN ("\1\1\0\0\1\0\5t") },
    { "too many events", PLAIN ("\1" KIND "\x81\x80\2\1\x10\0\0\0\0") },
    { "a column behind the end", PLAIN ("\1" KIND "\1\1\x10\0\0\0\1") },
    { "more behind the columns", PLAIN ("\1" KIND ONE_EVENT "\0") },
    { "no columns", PLAIN ("\1" KIND "\1") },
  };
  g_autoptr (GBytes) none = g_bytes_new (NULL, 0);
  g_autoptr (GBytes) noise = g_bytes_new_static ("noise", 5);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (TraceBlockReader) reader = read_plain (cases[i].plain, cases[i].size);
    if (reader)
      g_error ("%s was taken", cases[i].what);
  }
  g_assert_null (trace_block_reader_new (none));
  g_assert_null (trace_block_reader_new (noise));
}

static void
test_columns (void)
{
  static const struct {
    const char *what, *plain;
    gsize size;
    guint n_events; /* before the damage */
    gboolean is_damaged;
  } cases[] = {
    { "a sound one", PLAIN ("\1" KIND ONE_EVENT), 1, FALSE },
    { "no step", PLAIN ("\1" KIND "\1\0\0\0\0\0"), 0, TRUE },
    { "an empty step", PLAIN ("\1" KIND "\1\1\0\0\0\0\0"), 0, TRUE },
    { "no time", PLAIN ("\1" KIND "\2\1\x11\0\0\0\0"), 1, TRUE },
    { "no kind", PLAIN ("\1" KIND "\2\1\x12\0\0\0\0"), 1, TRUE },
    { "a kind that is not there", PLAIN ("\1" KIND "\2\1\x12\0\1\1\0\0"), 1, TRUE },
    { "a kind of many", PLAIN ("\1" KIND "\2\1\x12\0\3\x80\x80\4\0\0"), 1, TRUE },
    { "a guess without kinds", PLAIN ("\1\0" ONE_EVENT), 0, TRUE },
    { "no a", PLAIN ("\1" KIND "\2\1\x14\0\0\0\0"), 1, TRUE },
    { "no b", PLAIN ("\1" KIND "\2\1\x18\0\0\0\0"), 1, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (TraceBlockReader) reader = read_plain (cases[i].plain, cases[i].size);
    TraceRecord record;
    guint n = 0;
    if (!reader)
      g_error ("%s was refused", cases[i].what);
    while (trace_block_reader_next (reader, &record))
      n++;
    if (n != cases[i].n_events || trace_block_reader_is_damaged (reader) != cases[i].is_damaged)
      g_error ("%s gave %u events", cases[i].what, n);
    g_assert_false (trace_block_reader_next (reader, &record));
  }
}

/* A small file that becomes large is left early. */
static void
test_too_large (void)
{
  g_autofree guint8 *zeroes = g_malloc0 (TRACE_BLOCK_BYTES_MAX + 1);
  g_autoptr (GBytes) bytes = deflate (zeroes, TRACE_BLOCK_BYTES_MAX + 1);

  g_assert_null (trace_block_reader_new (bytes));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/trace-block/extremes", test_extremes);
  g_test_add_func ("/harness/trace-block/random", test_random);
  g_test_add_func ("/harness/trace-block/small", test_small);
  g_test_add_func ("/harness/trace-block/full", test_full);
  g_test_add_func ("/harness/trace-block/format", test_format);
  g_test_add_func ("/harness/trace-block/heads", test_heads);
  g_test_add_func ("/harness/trace-block/columns", test_columns);
  g_test_add_func ("/harness/trace-block/too-large", test_too_large);
  return g_test_run ();
}
