/* SPDX-License-Identifier: Apache-2.0 */
/* test-receive-buffer.c - slices keep their bytes, and chunks no more memory than promised. */
#include "transports/receive-buffer.h"

#include <string.h>

#define KIB (1024u)
#define MIB (1024u * KIB)

/* Reads @size bytes of value @value into the buffer. */
static CaimanReceiveChunk *
fill (CaimanReceiveBuffer *buffer, gsize size, guint8 value, guint8 **data_out)
{
  gsize space;
  *data_out = caiman_receive_buffer_reserve (buffer, &space);
  g_assert_cmpuint (space, >=, 64 * KIB);
  g_assert_cmpuint (space, >=, size);
  memset (*data_out, value, size);
  return caiman_receive_buffer_commit (buffer, size);
}

/* Nobody keeps what was read: the same memory serves again and again. */
static void
test_reuse (void)
{
  g_autoptr (CaimanReceiveBuffer) buffer = caiman_receive_buffer_new ();
  guint8 *first = NULL, *data;
  for (guint i = 0; i < 100; i++) {
    caiman_receive_chunk_unref (fill (buffer, 64 * KIB, 1, &data));
    g_assert_true (first == NULL || data == first);
    first = data;
  }
  g_assert_cmpuint (caiman_receive_buffer_get_pinned_bytes (buffer), ==, MIB);
}

/* What is kept is not overwritten, and outlives the buffer. */
static void
test_slices (void)
{
  CaimanReceiveBuffer *buffer = caiman_receive_buffer_new ();
  GBytes *kept[20];
  for (guint i = 0; i < G_N_ELEMENTS (kept); i++) {
    guint8 *data;
    CaimanReceiveChunk *chunk = fill (buffer, 50 * KIB, (guint8)i, &data);
    kept[i] = caiman_receive_chunk_slice (chunk, data + 1, 40 * KIB);
    g_assert_nonnull (kept[i]);
    caiman_receive_chunk_unref (chunk);
  }
  g_assert_cmpuint (caiman_receive_buffer_get_sliced_bytes (buffer), ==, 20 * 40 * KIB);
  g_assert_cmpuint (caiman_receive_buffer_get_pinned_bytes (buffer), ==, 2 * MIB);
  caiman_receive_buffer_free (buffer);
  for (guint i = 0; i < G_N_ELEMENTS (kept); i++) {
    gsize size;
    const guint8 *data = g_bytes_get_data (kept[i], &size);
    g_assert_cmpuint (size, ==, 40 * KIB);
    for (gsize k = 0; k < size; k++)
      g_assert_cmpint (data[k], ==, i);
    g_bytes_unref (kept[i]);
  }
}

static void
test_small_is_copied (void)
{
  g_autoptr (CaimanReceiveBuffer) buffer = caiman_receive_buffer_new ();
  guint8 *data;
  CaimanReceiveChunk *chunk = fill (buffer, 100, 7, &data);
  g_assert_null (caiman_receive_chunk_slice (chunk, data, 100));
  caiman_receive_chunk_unref (chunk);
  caiman_receive_chunk_unref (NULL);
  caiman_receive_buffer_free (NULL);
}

/* One small slice of each chunk is kept: beyond 4 MiB they may take four times their size, no more;
 * once they are dropped, slices are given again. */
static void
test_bound (void)
{
  g_autoptr (CaimanReceiveBuffer) buffer = caiman_receive_buffer_new ();
  g_autoptr (GPtrArray) kept = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  guint8 *data;
  guint n_refused = 0;
  for (guint i = 0; i < 1000; i++) {
    CaimanReceiveChunk *chunk = fill (buffer, 250 * KIB, 1, &data);
    GBytes *slice = caiman_receive_chunk_slice (chunk, data, 5 * KIB);
    if (slice)
      g_ptr_array_add (kept, slice);
    else
      n_refused++;
    caiman_receive_chunk_unref (chunk);
    g_assert_cmpuint (caiman_receive_buffer_get_pinned_bytes (buffer), <=,
                      4 * MIB + 4 * caiman_receive_buffer_get_sliced_bytes (buffer) + 2 * MIB);
  }
  g_assert_cmpuint (n_refused, >, 900);
  g_ptr_array_set_size (kept, 0);
  g_assert_cmpuint (caiman_receive_buffer_get_sliced_bytes (buffer), ==, 0);
  CaimanReceiveChunk *chunk = fill (buffer, 200 * KIB, 1, &data);
  g_autoptr (GBytes) slice = caiman_receive_chunk_slice (chunk, data, 5 * KIB);
  g_assert_nonnull (slice);
  caiman_receive_chunk_unref (chunk);
}

/* What is kept free behind something is not given to others, and only once. */
static void
test_extend (void)
{
  g_autoptr (CaimanReceiveBuffer) buffer = caiman_receive_buffer_new ();
  guint8 *data, *next;
  gsize space, left;
  CaimanReceiveChunk *chunk = fill (buffer, 10 * KIB, 1, &data);
  caiman_receive_buffer_reserve (buffer, &space);
  g_assert_false (caiman_receive_buffer_extend (buffer, chunk, data, 100, KIB));
  g_assert_false (caiman_receive_buffer_extend (buffer, chunk, data, 9 * KIB, KIB));
  g_assert_false (caiman_receive_buffer_extend (buffer, chunk, data, 10 * KIB, space + 1));
  g_assert_true (caiman_receive_buffer_extend (buffer, chunk, data, 10 * KIB, KIB));
  g_assert_false (caiman_receive_buffer_extend (buffer, chunk, data, 10 * KIB, KIB));
  next = caiman_receive_buffer_reserve (buffer, &left);
  g_assert_true (next == data + 11 * KIB);
  g_assert_cmpuint (left, ==, space - KIB);
  caiman_receive_chunk_unref (chunk);
}

/* Neither is anything kept free while chunks hold much more than their slices. */
static void
test_extend_bound (void)
{
  g_autoptr (CaimanReceiveBuffer) buffer = caiman_receive_buffer_new ();
  CaimanReceiveChunk *chunks[100];
  guint n_refused = 0;
  for (guint i = 0; i < G_N_ELEMENTS (chunks); i++) {
    guint8 *data;
    gsize space;
    caiman_receive_buffer_reserve (buffer, &space);
    chunks[i] = fill (buffer, 250 * KIB, 1, &data);
    if (!caiman_receive_buffer_extend (buffer, chunks[i], data, 250 * KIB, 5 * KIB))
      n_refused++;
  }
  g_assert_cmpuint (n_refused, >, 70);
  for (guint i = 0; i < G_N_ELEMENTS (chunks); i++)
    caiman_receive_chunk_unref (chunks[i]);
  g_assert_cmpuint (caiman_receive_buffer_get_pinned_bytes (buffer), ==, MIB);
}

static gpointer
drop_all (gpointer data)
{
  g_async_queue_ref (data);
  for (guint i = 0; i < 2000; i++)
    g_bytes_unref (g_async_queue_pop (data));
  g_async_queue_unref (data);
  return NULL;
}

/* An application may read in another thread than the loop's. */
static void
test_threads (void)
{
  CaimanReceiveBuffer *buffer = caiman_receive_buffer_new ();
  GAsyncQueue *queue = g_async_queue_new ();
  GThread *thread = g_thread_new ("reader", drop_all, queue);
  for (guint i = 0; i < 2000; i++) {
    guint8 *data;
    CaimanReceiveChunk *chunk = fill (buffer, 20 * KIB, (guint8)i, &data);
    GBytes *slice = caiman_receive_chunk_slice (chunk, data, 20 * KIB);
    g_async_queue_push (queue, slice ? slice : g_bytes_new (data, 20 * KIB));
    caiman_receive_chunk_unref (chunk);
  }
  caiman_receive_buffer_free (buffer);
  g_thread_join (thread);
  g_async_queue_unref (queue);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transports/receive-buffer/reuse", test_reuse);
  g_test_add_func ("/transports/receive-buffer/slices", test_slices);
  g_test_add_func ("/transports/receive-buffer/small-is-copied", test_small_is_copied);
  g_test_add_func ("/transports/receive-buffer/bound", test_bound);
  g_test_add_func ("/transports/receive-buffer/extend", test_extend);
  g_test_add_func ("/transports/receive-buffer/extend-bound", test_extend_bound);
  g_test_add_func ("/transports/receive-buffer/threads", test_threads);
  return g_test_run ();
}
