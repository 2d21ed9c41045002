/* SPDX-License-Identifier: Apache-2.0 */
/* test-stream-input.c - the receiving half of stream transports, over a stream in memory. */
#include "transports/stream-input.h"

#include "core/prng.h"

#include <string.h>

typedef struct {
  CaimanTransport base;
  CaimanStreamInputClass klass;
  CaimanStreamInput input;
  CaimanLoop *loop;
  CaimanPrng prng;
  GByteArray *stream;
  gsize position, available; /* read so far; what may be read */
  gsize read_max_bytes;
  guint n_reads, n_parts_max;
  GArray *sizes; /* of gsize: of the frames that are to come */
  guint n_sent, n_received;
  guint stop_each; /* 0: never; the user wants no more after so many */
  GPtrArray *kept; /* of GBytes */
  gboolean closed, broken;
} Fake;

static gboolean
fake_is_open (CaimanTransport *transport)
{
  return !((Fake *)transport)->closed;
}

static gsize
fake_read (CaimanTransport *transport, const struct iovec *parts, guint n_parts)
{
  Fake *self = (Fake *)transport;
  gsize done = 0, max = self->read_max_bytes;
  if (self->klass.first_only)
    n_parts = 1;
  self->n_reads++;
  self->n_parts_max = MAX (self->n_parts_max, n_parts);
  for (guint i = 0; i < n_parts; i++) {
    gsize n = MIN (parts[i].iov_len, MIN (self->available - self->position, max - done));
    g_assert_cmpuint (parts[i].iov_len, >, 0);
    memcpy (parts[i].iov_base, self->stream->data + self->position, n);
    self->position += n;
    done += n;
  }
  if (done == 0)
    self->input.can_read = FALSE;
  return done;
}

static void
fake_broken (CaimanTransport *transport)
{
  ((Fake *)transport)->broken = ((Fake *)transport)->closed = TRUE;
}

/* Byte @i of frame number @index. */
static guint8
get_byte (guint index, gsize i)
{
  return (guint8)(index * 31 + i * 7 + (i >> 8));
}

static void
fake_packet (gpointer user_data, const guint8 *data, gsize size, GBytes *bytes)
{
  Fake *self = user_data;
  guint index = self->n_received++;
  g_assert_cmpuint (size, ==, g_array_index (self->sizes, gsize, index));
  for (gsize i = 0; i < size; i++)
    if (data[i] != get_byte (index, i))
      g_error ("byte %" G_GSIZE_FORMAT " of frame %u", i, index);
  if (bytes)
    g_assert_true (g_bytes_get_data (bytes, NULL) == data && g_bytes_get_size (bytes) == size);
  g_assert_true (bytes || size < 4096);
  if (bytes && self->kept)
    g_ptr_array_add (self->kept, g_bytes_ref (bytes));
  if (self->stop_each > 0 && self->n_received % self->stop_each == 0)
    caiman_stream_input_set_reading (&self->input, FALSE);
}

static const CaimanTransportEvents events = { .packet = fake_packet };

static Fake *
fake_new (gboolean first_only)
{
  Fake *self = g_new0 (Fake, 1);
  self->klass =
      (CaimanStreamInputClass) { fake_is_open, fake_read, fake_broken, 512 * 1024, first_only };
  self->base.events = &events;
  self->base.user_data = self;
  self->loop = caiman_loop_new (NULL);
  self->stream = g_byte_array_new ();
  self->sizes = g_array_new (FALSE, FALSE, sizeof (gsize));
  self->read_max_bytes = G_MAXSIZE;
  caiman_prng_init (&self->prng, 4);
  caiman_stream_input_init (&self->input, &self->base, &self->klass, self->loop);
  return self;
}

static void
fake_free (Fake *self)
{
  caiman_stream_input_clear (&self->input);
  g_clear_pointer (&self->kept, g_ptr_array_unref);
  g_assert_cmpuint (
      caiman_receive_buffer_get_held_bytes (caiman_loop_get_receive_buffer (self->loop)), ==, 0);
  caiman_loop_free (self->loop);
  g_byte_array_unref (self->stream);
  g_array_unref (self->sizes);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fake, fake_free)

static void
add_frame (Fake *self, gsize size)
{
  g_autofree guint8 *payload = g_malloc (size + 1);
  guint8 header[CAIMAN_FRAME_HEADER_BYTES];
  for (gsize i = 0; i < size; i++)
    payload[i] = get_byte (self->n_sent, i);
  caiman_frame_encode_header (header, (guint16)self->n_sent++, payload, size);
  g_byte_array_append (self->stream, header, sizeof header);
  g_byte_array_append (self->stream, payload, (guint)size);
  g_array_append_val (self->sizes, size);
}

/* A message and its data. */
static void
add_data (Fake *self, gsize size)
{
  add_frame (self, 5);
  add_frame (self, size);
}

static void
run (Fake *self)
{
  self->input.can_read = TRUE;
  caiman_stream_input_set_reading (&self->input, TRUE);
  while (!caiman_stream_input_run (&self->input))
    ;
}

static void
run_to_end (Fake *self)
{
  self->available = self->stream->len;
  while (self->n_received < self->n_sent && !self->closed)
    run (self);
}

/* Bulk is read several payloads at a time, each into its place, so that none is copied. */
static void
test_bulk (void)
{
  g_autoptr (Fake) self = fake_new (FALSE);
  for (guint i = 0; i < 200; i++)
    add_data (self, 65536);
  run_to_end (self);
  g_assert_cmpuint (self->n_parts_max, ==, 9);
  /* Four at a time, but for the first few. */
  g_assert_cmpuint (self->n_reads, <=, 56);
}

/* Neither are more bytes read ahead than 256 KiB. */
static void
test_large_bulk (void)
{
  g_autoptr (Fake) self = fake_new (FALSE);
  for (guint i = 0; i < 20; i++)
    add_data (self, 200000);
  run_to_end (self);
  g_assert_cmpuint (self->n_parts_max, ==, 3);
}

/* The rhythm changes, or comes with interludes. */
static void
test_lost_rhythm (void)
{
  g_autoptr (Fake) self = fake_new (FALSE);
  static const gsize sizes[] = { 65536, 8192, 65535, 10000, 100, 300000, 4096, 4095 };
  for (guint i = 0; i < 400; i++) {
    if (i % 7 == 6)
      add_frame (self, i % 3 * 13);
    if (i % 50 == 49)
      add_frame (self, 70);
    add_data (self, sizes[i / 5 % G_N_ELEMENTS (sizes)]);
  }
  run_to_end (self);
}

/* A read may end anywhere, and so may what the user wants. */
static void
test_pieces (gconstpointer first_only)
{
  for (guint round = 0; round < 60; round++) {
    g_autoptr (Fake) self = fake_new (first_only != NULL);
    caiman_prng_init (&self->prng, round);
    self->stop_each = round % 4;
    if (round % 2)
      self->kept = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
    gsize usual = 1 + caiman_prng_below (&self->prng, 50000);
    for (guint i = 0; i < 40; i++) {
      gsize other = caiman_prng_below (&self->prng, 70000);
      add_data (self, caiman_prng_below (&self->prng, 4) > 0 ? usual : other);
    }
    while (self->n_received < self->n_sent) {
      gsize more = caiman_prng_below (&self->prng, 100000);
      self->read_max_bytes = 1 + caiman_prng_below (&self->prng, 200000);
      self->available = MIN (self->stream->len, self->available + more);
      run (self);
    }
    g_assert_cmpuint (self->position, ==, self->stream->len);
  }
}

/* A bad frame is told, and nothing behind it is handed over. */
static void
test_broken (void)
{
  g_autoptr (Fake) self = fake_new (FALSE);
  for (guint i = 0; i < 20; i++)
    add_data (self, 30000);
  self->stream->data[15 * 30025 + 200] ^= 1;
  run_to_end (self);
  g_assert_true (self->broken);
  g_assert_cmpuint (self->n_received, ==, 31);
}

/* Who announces much and sends little has little held for it, however many do so. */
static void
test_promises (void)
{
  Fake *fakes[100];
  gsize held_bytes = 0;
  for (guint i = 0; i < G_N_ELEMENTS (fakes); i++) {
    fakes[i] = fake_new (FALSE);
    add_frame (fakes[i], CAIMAN_FRAME_PAYLOAD_MAX_BYTES);
    fakes[i]->available = 10 + 100;
    /* As if all were on the same loop. */
    fakes[i]->input.buffer = caiman_loop_get_receive_buffer (fakes[0]->loop);
    caiman_frame_decoder_set_buffer (&fakes[i]->input.decoder, fakes[i]->input.buffer);
    run (fakes[i]);
    held_bytes = caiman_receive_buffer_get_held_bytes (fakes[0]->input.buffer);
    g_assert_cmpuint (held_bytes, <=, 4 * 1024 * 1024 + (i + 1) * 16384);
  }
  for (guint i = G_N_ELEMENTS (fakes); i > 0; i--)
    fake_free (fakes[i - 1]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transports/stream-input/bulk", test_bulk);
  g_test_add_func ("/transports/stream-input/large-bulk", test_large_bulk);
  g_test_add_func ("/transports/stream-input/lost-rhythm", test_lost_rhythm);
  g_test_add_data_func ("/transports/stream-input/pieces", NULL, test_pieces);
  g_test_add_data_func ("/transports/stream-input/pieces-one-place", GINT_TO_POINTER (1),
                        test_pieces);
  g_test_add_func ("/transports/stream-input/broken", test_broken);
  g_test_add_func ("/transports/stream-input/promises", test_promises);
  return g_test_run ();
}
