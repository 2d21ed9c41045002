/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-trace-block.c - any bytes as a block of trace events: it is refused, found damaged, or gives
 * as many events as it says, all of them printable.
 *
 * Input: a byte that says whether the rest is a block as it is stored (odd), or before it is
 * deflated (even), which leads past the checksum. */
#include "harness/trace-block.h"

#include <gio/gio.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static GBytes *
deflate (const guint8 *plain, gsize size)
{
  g_autoptr (GConverter) compressor =
      G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB, 0));
  gsize read_bytes, written_bytes, space = size + size / 16 + 1024;
  guint8 *out = g_malloc (space);
  GConverterResult result =
      g_converter_convert (compressor, plain, size, out, space, G_CONVERTER_INPUT_AT_END,
                           &read_bytes, &written_bytes, NULL);

  g_assert (result == G_CONVERTER_FINISHED);
  return g_bytes_new_take (out, written_bytes);
}

static void
read_events (GBytes *bytes)
{
  g_autoptr (TraceBlockReader) reader = trace_block_reader_new (bytes);
  TraceRecord record;
  guint n = 0;

  if (!reader)
    return;
  for (; trace_block_reader_next (reader, &record); n++) {
    g_autofree char *line = trace_record_format (&record, NULL);
    g_assert (g_str_is_ascii (line) && trace_record_equal (&record, &record));
    for (const char *p = line; *p; p++)
      g_assert (g_ascii_isprint (*p));
  }
  g_assert (trace_block_reader_is_damaged (reader) || n == trace_block_reader_get_events (reader));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  if (size == 0 || size > 1024 * 1024)
    return 0;
  g_autoptr (GBytes) bytes =
      data[0] % 2 ? g_bytes_new (data + 1, size - 1) : deflate (data + 1, size - 1);
  read_events (bytes);
  return 0;
}
