/* SPDX-License-Identifier: Apache-2.0 */
/* test-relay-frames.c - bits are flipped in the frames that are asked for, behind their length, and
 * nowhere else, however the stream is cut. */
#include "harness/relay-frames.h"
#include "transports/frame.h"

#include <string.h>

#define N_FRAMES 6

typedef struct {
  GByteArray *clean; /* the stream */
  gsize starts[N_FRAMES + 1];
} Stream;

static const gsize sizes[N_FRAMES] = { 1, 0, 40, 300, 5, 0 };

static void
set_up (Stream *stream, gconstpointer data)
{
  guint8 payload[300];

  memset (payload, 0x5a, sizeof payload);
  stream->clean = g_byte_array_new ();
  for (guint i = 0; i < N_FRAMES; i++) {
    guint8 header[CAIMAN_FRAME_HEADER_BYTES];
    stream->starts[i] = stream->clean->len;
    caiman_frame_encode_header (header, (guint16)i, payload, sizes[i]);
    g_byte_array_append (stream->clean, header, sizeof header);
    g_byte_array_append (stream->clean, payload, (guint)sizes[i]);
  }
  stream->starts[N_FRAMES] = stream->clean->len;
}

static void
tear_down (Stream *stream, gconstpointer data)
{
  g_byte_array_unref (stream->clean);
}

static guint
count_bits (guint8 byte)
{
  guint n = 0;

  for (; byte; byte &= byte - 1)
    n++;
  return n;
}

/* Passes the stream in pieces of @piece bytes and expects one flipped bit in each of the frames
 * @first to @first + @n_expected - 1, behind the length. Corruption begins when @from bytes have
 * passed. */
static void
expect_flips (const Stream *stream, gsize piece, gsize from, guint64 n_corrupt, guint first,
              guint n_expected)
{
  g_autofree guint8 *bytes = g_memdup2 (stream->clean->data, stream->clean->len);
  RelayFrames frames;
  CaimanPrng prng;
  guint64 left = 0;

  relay_frames_init (&frames);
  caiman_prng_init_stream (&prng, 1, "test");
  for (gsize at = 0; at < stream->clean->len; at += piece) {
    if (at >= from && from != G_MAXSIZE) {
      left = n_corrupt;
      from = G_MAXSIZE;
    }
    relay_frames_pass (&frames, bytes + at, MIN (piece, stream->clean->len - at), &left, &prng);
  }
  for (guint i = 0; i < N_FRAMES; i++) {
    guint n_flipped = 0;
    for (gsize at = stream->starts[i]; at < stream->starts[i + 1]; at++) {
      guint n = count_bits (bytes[at] ^ stream->clean->data[at]);
      g_assert_true (n == 0 || at >= stream->starts[i] + 4);
      n_flipped += n;
    }
    g_assert_cmpuint (n_flipped, ==, i >= first && i < first + n_expected);
  }
}

static void
test_none (Stream *stream, gconstpointer data)
{
  expect_flips (stream, 7, 0, 0, 0, 0);
}

static void
test_count (Stream *stream, gconstpointer data)
{
  static const gsize pieces[] = { 1, 2, 3, 4, 5, 10, 11, 64, 1000 };

  for (gsize i = 0; i < G_N_ELEMENTS (pieces); i++)
    expect_flips (stream, pieces[i], 0, 3, 0, 3);
}

static void
test_all (Stream *stream, gconstpointer data)
{
  expect_flips (stream, 13, 0, G_MAXUINT64, 0, N_FRAMES);
}

/* What is asked for in the midst of a frame is the next frame's. */
static void
test_later (Stream *stream, gconstpointer data)
{
  expect_flips (stream, 1, stream->starts[2] + 20, 1, 3, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func)                                                                            \
  g_test_add ("/harness/relay-frames/" path, Stream, NULL, set_up, func, tear_down)
  ADD ("none", test_none);
  ADD ("count", test_count);
  ADD ("all", test_all);
  ADD ("later", test_later);
  return g_test_run ();
}
