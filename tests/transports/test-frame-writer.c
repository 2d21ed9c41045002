/* SPDX-License-Identifier: Apache-2.0 */
/* test-frame-writer.c - what goes in as packets comes out as the same frames, however it is taken.
 */
#include "transports/frame-writer.h"

#include <string.h>

static const gsize sizes[] = { 0, 5, 16, 17, 64, 65, 1000, 0, 5, 5, 5, 5, 5, 5, 5, 100000, 5 };

static void
push (CaimanFrameWriter *writer, gsize message_size, gssize payload_size)
{
  CaimanPacket packet = { 0 };
  g_autofree guint8 *data = g_malloc (message_size + 1);
  memset (data, (int)message_size, message_size);
  if (message_size <= CAIMAN_PACKET_INLINE_BYTES) {
    memcpy (packet.inline_bytes, data, message_size);
    packet.inline_len = (guint8)message_size;
  } else {
    packet.message = g_bytes_new (data, message_size);
  }
  if (payload_size >= 0) {
    guint8 *payload = g_malloc ((gsize)payload_size + 1);
    memset (payload, (int)payload_size, (gsize)payload_size);
    packet.payload = g_bytes_new_take (payload, (gsize)payload_size);
  }
  caiman_frame_writer_push (writer, &packet);
  g_assert_true (!packet.message && !packet.payload && packet.inline_len == 0);
}

/* Messages of all sizes, each second one with a payload. */
static void
push_all (CaimanFrameWriter *writer)
{
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    push (writer, sizes[i], i % 2 ? (gssize)sizes[G_N_ELEMENTS (sizes) - 1 - i] : -1);
}

/* Takes at most @step bytes at a time in at most @max parts, and appends them to @stream. */
static void
take_all (CaimanFrameWriter *writer, GByteArray *stream, gsize step, guint max)
{
  while (writer->queued_bytes > 0) {
    struct iovec parts[16];
    gsize size;
    guint n_parts = caiman_frame_writer_peek (writer, parts, max, &size);
    g_assert_cmpuint (n_parts, >, 0);
    g_assert_cmpuint (n_parts, <=, max);
    g_assert_cmpuint (size, <=, writer->queued_bytes);
    gsize left = MIN (step, size);
    caiman_frame_writer_advance (writer, 0);
    for (guint i = 0; i < n_parts && left > 0; i++) {
      gsize n = MIN (left, parts[i].iov_len);
      g_assert_cmpuint (parts[i].iov_len, >, 0);
      g_byte_array_append (stream, parts[i].iov_base, (guint)n);
      left -= n;
    }
    caiman_frame_writer_advance (writer, MIN (step, size));
  }
}

static void
check_stream (const GByteArray *stream, guint16 first_seq)
{
  CaimanFrameDecoder decoder;
  const guint8 *data = stream->data;
  gsize left = stream->len, n_frames = 0;
  caiman_frame_decoder_init (&decoder, CAIMAN_FRAME_PAYLOAD_MAX_BYTES, first_seq);
  for (CaimanFrame frame; left > 0; n_frames++) {
    g_assert_cmpint (caiman_frame_decoder_feed (&decoder, &data, &left, &frame), ==,
                     CAIMAN_FRAME_READY);
    for (gsize i = 0; i < frame.size; i++)
      g_assert_cmpint (frame.data[i], ==, (guint8)frame.size);
  }
  g_assert_cmpuint (n_frames, ==, G_N_ELEMENTS (sizes) + G_N_ELEMENTS (sizes) / 2);
  caiman_frame_decoder_clear (&decoder);
}

static void
test_stream (void)
{
  static const gsize steps[] = { 1, 3, 11, 100, 70000, G_MAXSIZE };
  for (guint max = 2; max <= 16; max += 7) {
    for (gsize i = 0; i < G_N_ELEMENTS (steps); i++) {
      g_autoptr (GByteArray) stream = g_byte_array_new ();
      CaimanFrameWriter writer;
      caiman_frame_writer_init (&writer);
      push_all (&writer);
      take_all (&writer, stream, steps[i], max);
      check_stream (stream, 0);
      caiman_frame_writer_clear (&writer);
    }
  }
}

/* Pushing goes on while the first piece is half gone; the ring turns. */
static void
test_interleaved (void)
{
  g_autoptr (GByteArray) stream = g_byte_array_new ();
  CaimanFrameWriter writer = { 0 };
  gsize n_pushed = 0;
  for (guint round = 0; round < 1000; round++) {
    struct iovec parts[8];
    gsize size;
    push (&writer, 5, round % 3 ? 300 : -1);
    n_pushed += round % 3 ? 2 : 1;
    caiman_frame_writer_peek (&writer, parts, 8, &size);
    gsize n = MIN (parts[0].iov_len, 150);
    g_byte_array_append (stream, parts[0].iov_base, (guint)n);
    caiman_frame_writer_advance (&writer, n);
  }
  take_all (&writer, stream, 1000, 8);
  CaimanFrameDecoder decoder;
  const guint8 *data = stream->data;
  gsize left = stream->len;
  caiman_frame_decoder_init (&decoder, 1000, 0);
  for (CaimanFrame frame; left > 0; n_pushed--)
    g_assert_cmpint (caiman_frame_decoder_feed (&decoder, &data, &left, &frame), ==,
                     CAIMAN_FRAME_READY);
  g_assert_cmpuint (n_pushed, ==, 0);
  caiman_frame_decoder_clear (&decoder);
  caiman_frame_writer_clear (&writer);
}

/* Seven acknowledgements are one part of a writev(), and a large ring is given back when empty. */
static void
test_gathers_small_frames (void)
{
  CaimanFrameWriter writer = { 0 };
  struct iovec parts[8];
  gsize size;
  for (guint i = 0; i < 7; i++)
    push (&writer, 5, -1);
  g_assert_cmpuint (caiman_frame_writer_peek (&writer, parts, 8, &size), ==, 1);
  g_assert_cmpuint (size, ==, 7 * 15);
  for (guint i = 0; i < 10000; i++)
    push (&writer, 5, 100);
  guint allocated = writer.n_allocated;
  caiman_frame_writer_advance (&writer, writer.queued_bytes);
  g_assert_cmpuint (writer.n_allocated, <, allocated);
  push (&writer, 5, 100);
  caiman_frame_writer_clear (&writer);
  g_assert_cmpuint (writer.queued_bytes, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transports/frame-writer/stream", test_stream);
  g_test_add_func ("/transports/frame-writer/interleaved", test_interleaved);
  g_test_add_func ("/transports/frame-writer/gathers-small-frames", test_gathers_small_frames);
  return g_test_run ();
}
