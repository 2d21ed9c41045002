/* SPDX-License-Identifier: Apache-2.0 */
/* test-frame.c - the frame codec (PROTOCOL.md, section 2). */
#include "transports/frame.h"

#include "core/prng.h"

#include <string.h>

static GByteArray *
append_frame (GByteArray *stream, guint16 seq, const guint8 *payload, gsize size)
{
  guint8 header[CAIMAN_FRAME_HEADER_BYTES];

  caiman_frame_encode_header (header, seq, payload, size);
  g_byte_array_append (stream, header, sizeof header);
  return size > 0 ? g_byte_array_append (stream, payload, (guint)size) : stream;
}

static void
test_checksum (void)
{
  g_assert_cmphex (caiman_frame_checksum ((const guint8 *)"123456789", 9), ==, 0xCBF43926);
  g_assert_cmphex (caiman_frame_checksum (NULL, 0), ==, 0);
}

static void
test_header (void)
{
  static const guint8 expected[] = { 0, 0, 0, 9, 0xAB, 0xCD, 0xCB, 0xF4, 0x39, 0x26 };
  guint8 header[CAIMAN_FRAME_HEADER_BYTES];

  caiman_frame_encode_header (header, 0xABCD, (const guint8 *)"123456789", 9);
  g_assert_cmpmem (header, sizeof header, expected, sizeof expected);
}

/* Feeds @stream in pieces of @piece_bytes and expects frames of 0, 1, ... @n_frames - 1 bytes. */
static void
expect_growing_frames (const GByteArray *stream, gsize piece_bytes, guint n_frames)
{
  CaimanFrameDecoder decoder;
  guint next = 0;

  caiman_frame_decoder_init (&decoder, CAIMAN_FRAME_PAYLOAD_MAX_BYTES, 0);
  for (gsize done = 0; done < stream->len; done += piece_bytes) {
    gsize size = MIN (piece_bytes, stream->len - done);
    /* A piece of its own, so that a sanitizer sees reads beyond it. */
    g_autofree guint8 *piece = g_memdup2 (stream->data + done, size);
    const guint8 *data = piece;
    CaimanFrame frame;

    while (caiman_frame_decoder_feed (&decoder, &data, &size, &frame) == CAIMAN_FRAME_READY) {
      g_assert_cmpuint (frame.size, ==, next);
      for (gsize i = 0; i < frame.size; i++)
        g_assert_cmpuint (frame.data[i], ==, (guint8)(next + i));
      if (frame.bytes)
        g_assert_cmpuint (g_bytes_get_size (frame.bytes), ==, frame.size);
      next++;
    }
    g_assert_cmpuint (size, ==, 0);
  }
  g_assert_cmpuint (next, ==, n_frames);
  caiman_frame_decoder_clear (&decoder);
}

static void
test_pieces_of_any_size (void)
{
  static const gsize pieces[] = { 1, 2, 3, 7, 9, 10, 11, 64, 1000, G_MAXUINT16 };
  g_autoptr (GByteArray) stream = g_byte_array_new ();
  guint8 payload[200];

  for (guint size = 0; size < sizeof payload; size++) {
    for (guint i = 0; i < size; i++)
      payload[i] = (guint8)(size + i);
    append_frame (stream, (guint16)size, payload, size);
  }
  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    expect_growing_frames (stream, pieces[i], sizeof payload);
}

/* A payload that lies in one piece is not copied; one that was gathered can be kept. */
static void
test_no_copy (void)
{
  g_autoptr (GByteArray) stream = g_byte_array_new ();
  g_autoptr (GBytes) kept = NULL;
  CaimanFrameDecoder decoder;
  CaimanFrame frame;
  const guint8 *data;
  gsize size;

  append_frame (stream, 0, (const guint8 *)"abcdef", 6);
  append_frame (stream, 1, (const guint8 *)"ghijkl", 6);
  caiman_frame_decoder_init (&decoder, 6, 0);
  data = stream->data;
  size = 28;
  g_assert_cmpint (caiman_frame_decoder_feed (&decoder, &data, &size, &frame), ==,
                   CAIMAN_FRAME_READY);
  g_assert_true (frame.data == stream->data + 10);
  g_assert_null (frame.bytes);
  g_assert_cmpuint (size, ==, 12);
  g_assert_cmpint (caiman_frame_decoder_feed (&decoder, &data, &size, &frame), ==,
                   CAIMAN_FRAME_NEED_MORE);
  size = 4;
  g_assert_cmpint (caiman_frame_decoder_feed (&decoder, &data, &size, &frame), ==,
                   CAIMAN_FRAME_READY);
  kept = g_bytes_ref (frame.bytes);
  caiman_frame_decoder_clear (&decoder);
  g_assert_cmpmem (g_bytes_get_data (kept, NULL), g_bytes_get_size (kept), "ghijkl", 6);
}

static CaimanFrameVerdict
feed_once (CaimanFrameDecoder *decoder, const guint8 *data, gsize size)
{
  CaimanFrame frame;

  return caiman_frame_decoder_feed (decoder, &data, &size, &frame);
}

/* An error stays, and nothing is taken any more. */
static void
expect_error (guint32 max_bytes, guint16 first_seq, const guint8 *data, gsize size,
              CaimanFrameVerdict verdict)
{
  CaimanFrameDecoder decoder;
  CaimanFrame frame;
  gsize left = 1;

  caiman_frame_decoder_init (&decoder, max_bytes, first_seq);
  g_assert_cmpint (feed_once (&decoder, data, size - 1), ==, CAIMAN_FRAME_NEED_MORE);
  data += size - 1;
  g_assert_cmpint (feed_once (&decoder, data, 1), ==, verdict);
  g_assert_cmpint (caiman_frame_decoder_feed (&decoder, &data, &left, &frame), ==, verdict);
  g_assert_cmpuint (left, ==, 1);
  caiman_frame_decoder_clear (&decoder);
}

/* The header alone decides: no payload is there yet. */
static void
test_too_big (void)
{
  static const guint8 header[] = { 0, 0x80, 0, 1, 0, 0, 0, 0, 0, 0 };

  expect_error (CAIMAN_FRAME_PAYLOAD_MAX_BYTES, 0, header, 10, CAIMAN_FRAME_TOO_BIG);
}

static void
test_out_of_sequence (void)
{
  static const guint8 header[] = { 0, 0, 0, 1, 0, 2, 0, 0, 0, 0 };

  expect_error (100, 1, header, 10, CAIMAN_FRAME_OUT_OF_SEQUENCE);
}

static void
test_bad_checksum (void)
{
  g_autoptr (GByteArray) stream = g_byte_array_new ();

  append_frame (stream, 3, (const guint8 *)"abcdef", 6);
  for (guint bit = 48; bit < 8 * stream->len; bit++) {
    stream->data[bit / 8] ^= 1 << (bit % 8);
    expect_error (100, 3, stream->data, stream->len, CAIMAN_FRAME_BAD_CHECKSUM);
    stream->data[bit / 8] ^= 1 << (bit % 8);
  }
}

static void
test_sequence_wraps (void)
{
  CaimanFrameDecoder decoder;
  guint8 frame[CAIMAN_FRAME_HEADER_BYTES + 1] = { 0 };

  caiman_frame_decoder_init (&decoder, 100, 65534);
  for (guint i = 0; i < 4; i++) {
    caiman_frame_encode_header (frame, (guint16)(65534 + i), frame + 10, 1);
    g_assert_cmpint (feed_once (&decoder, frame, sizeof frame), ==, CAIMAN_FRAME_READY);
  }
  caiman_frame_decoder_clear (&decoder);
}

/* The largest length announced and 100 bytes sent: memory follows the bytes. */
static void
test_memory_follows_bytes (void)
{
  static const guint8 header[] = { 0, 0x80, 0, 0, 0, 0, 1, 2, 3, 4 };
  CaimanFrameDecoder decoder;
  guint8 some[100] = { 0 };

  caiman_frame_decoder_init (&decoder, CAIMAN_FRAME_PAYLOAD_MAX_BYTES, 0);
  g_assert_cmpint (feed_once (&decoder, header, 10), ==, CAIMAN_FRAME_NEED_MORE);
  g_assert_cmpuint (decoder.gathered_space, ==, 0);
  g_assert_cmpint (feed_once (&decoder, some, 100), ==, CAIMAN_FRAME_NEED_MORE);
  g_assert_cmpuint (decoder.gathered_space, <=, 16384);
  for (guint i = 0; i < 1000; i++)
    feed_once (&decoder, some, 100);
  g_assert_cmpuint (decoder.gathered_space, <=, 2 * 100100);
  caiman_frame_decoder_clear (&decoder);
}

static void
test_large_frame_in_pieces (void)
{
  gsize size = CAIMAN_FRAME_PAYLOAD_MAX_BYTES;
  g_autofree guint8 *payload = g_malloc (size);
  g_autoptr (GByteArray) stream = g_byte_array_new ();
  CaimanFrameDecoder decoder;
  CaimanFrame frame;
  CaimanPrng prng;
  const guint8 *data;
  gsize done = 0, piece = 0;
  CaimanFrameVerdict verdict = CAIMAN_FRAME_NEED_MORE;

  caiman_prng_init (&prng, 5);
  for (gsize i = 0; i < size; i++)
    payload[i] = (guint8)(i * 7 + (i >> 9));
  append_frame (stream, 0, payload, size);
  caiman_frame_decoder_init (&decoder, CAIMAN_FRAME_PAYLOAD_MAX_BYTES, 0);
  while (verdict == CAIMAN_FRAME_NEED_MORE && done < stream->len) {
    piece = MIN (1 + caiman_prng_below (&prng, 60000), stream->len - done);
    data = stream->data + done;
    done += piece;
    verdict = caiman_frame_decoder_feed (&decoder, &data, &piece, &frame);
  }
  g_assert_cmpint (verdict, ==, CAIMAN_FRAME_READY);
  g_assert_cmpmem (frame.data, frame.size, payload, size);
  caiman_frame_decoder_clear (&decoder);
}

/* What is still to come of a payload can be written into its place. */
static void
test_reserve (void)
{
  g_autoptr (GByteArray) stream = g_byte_array_new ();
  CaimanFrameDecoder decoder;
  CaimanFrame frame;
  gsize size, space;
  append_frame (stream, 0, (const guint8 *)"abcdef", 6);
  caiman_frame_decoder_init (&decoder, 6, 0);
  g_assert_null (caiman_frame_decoder_reserve (&decoder, &space));
  const guint8 *data = stream->data;
  size = 9;
  caiman_frame_decoder_feed (&decoder, &data, &size, &frame);
  g_assert_null (caiman_frame_decoder_reserve (&decoder, &space));
  g_assert_cmpuint (space, ==, 0);
  size = 1;
  caiman_frame_decoder_feed (&decoder, &data, &size, &frame);
  memcpy (caiman_frame_decoder_reserve (&decoder, &space), "abcd", 4);
  g_assert_cmpuint (space, ==, 6);
  caiman_frame_decoder_commit (&decoder, 4);
  g_assert_cmpint (caiman_frame_decoder_feed (&decoder, &data, &size, &frame), ==,
                   CAIMAN_FRAME_NEED_MORE);
  memcpy (caiman_frame_decoder_reserve (&decoder, &space), "ef", 2);
  g_assert_cmpuint (space, ==, 2);
  caiman_frame_decoder_commit (&decoder, 2);
  caiman_frame_decoder_reserve (&decoder, &space);
  g_assert_cmpuint (space, ==, 0);
  g_assert_cmpint (caiman_frame_decoder_feed (&decoder, &data, &size, &frame), ==,
                   CAIMAN_FRAME_READY);
  g_assert_cmpmem (frame.data, frame.size, "abcdef", 6);
  caiman_frame_decoder_clear (&decoder);
}

/* Has a block with the first @size bytes of a payload of @payload_bytes adopted, or not. */
static gboolean
adopt (CaimanReceiveBuffer *buffer, gsize payload_bytes, gsize space, gsize size)
{
  g_autofree guint8 *payload = g_malloc0 (payload_bytes);
  guint8 header[CAIMAN_FRAME_HEADER_BYTES];
  CaimanFrameDecoder decoder;
  CaimanFrame frame;
  const guint8 *data = header;
  gsize left = sizeof header - 1, rest = 1;
  caiman_frame_encode_header (header, 0, payload, payload_bytes);
  caiman_frame_decoder_init (&decoder, CAIMAN_FRAME_PAYLOAD_MAX_BYTES, 0);
  caiman_frame_decoder_set_buffer (&decoder, buffer);
  CaimanReceiveBlock *block = caiman_receive_block_new (NULL, space);
  memset (caiman_receive_block_get_data (block), 0, space);
  caiman_frame_decoder_feed (&decoder, &data, &left, &frame);
  g_assert_false (caiman_frame_decoder_adopt (&decoder, block, size));
  caiman_frame_decoder_feed (&decoder, &data, &rest, &frame);
  gboolean adopted = caiman_frame_decoder_adopt (&decoder, block, size);
  if (!adopted) {
    caiman_receive_block_free (block);
  } else {
    gsize missing = payload_bytes - size;
    const guint8 *end = payload + size;
    g_assert_false (caiman_frame_decoder_adopt (&decoder, block, size));
    g_assert_cmpint (caiman_frame_decoder_feed (&decoder, &end, &missing, &frame), ==,
                     CAIMAN_FRAME_READY);
    g_assert_cmpmem (frame.data, frame.size, payload, payload_bytes);
  }
  caiman_frame_decoder_clear (&decoder);
  return adopted;
}

/* A block is taken for the payload when it is big enough and has nothing else in it; when little
 * of it has come, only as far as memory may be promised. */
static void
test_adopt (void)
{
  g_autoptr (CaimanReceiveBuffer) buffer = caiman_receive_buffer_new ();
  g_assert_true (adopt (NULL, 60000, 60000, 60000));
  g_assert_true (adopt (NULL, 60000, 65536, 100));
  g_assert_false (adopt (NULL, 60000, 65536, 60001));
  g_assert_false (adopt (NULL, 60000, 59999, 100));
  g_assert_false (adopt (NULL, 1000000, 1000000, 249999));
  g_assert_true (adopt (NULL, 1000000, 1000000, 250000));
  g_assert_true (adopt (buffer, 1000000, 1000000, 100));
  CaimanReceiveBlock *held = caiman_receive_block_new (buffer, 4 * 1024 * 1024);
  g_assert_false (adopt (buffer, 1000000, 1000000, 100));
  caiman_receive_block_free (held);
}

static void
test_verdict_names (void)
{
  for (CaimanFrameVerdict v = CAIMAN_FRAME_NEED_MORE; v <= CAIMAN_FRAME_BAD_CHECKSUM; v++)
    g_assert_cmpstr (caiman_frame_verdict_to_string (v), !=, "unknown");
  g_assert_cmpstr (caiman_frame_verdict_to_string (CAIMAN_FRAME_BAD_CHECKSUM + 1), ==, "unknown");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transports/frame/checksum", test_checksum);
  g_test_add_func ("/transports/frame/header", test_header);
  g_test_add_func ("/transports/frame/pieces-of-any-size", test_pieces_of_any_size);
  g_test_add_func ("/transports/frame/no-copy", test_no_copy);
  g_test_add_func ("/transports/frame/too-big", test_too_big);
  g_test_add_func ("/transports/frame/out-of-sequence", test_out_of_sequence);
  g_test_add_func ("/transports/frame/bad-checksum", test_bad_checksum);
  g_test_add_func ("/transports/frame/sequence-wraps", test_sequence_wraps);
  g_test_add_func ("/transports/frame/memory-follows-bytes", test_memory_follows_bytes);
  g_test_add_func ("/transports/frame/large-frame-in-pieces", test_large_frame_in_pieces);
  g_test_add_func ("/transports/frame/reserve", test_reserve);
  g_test_add_func ("/transports/frame/adopt", test_adopt);
  g_test_add_func ("/transports/frame/verdict-names", test_verdict_names);
  return g_test_run ();
}
