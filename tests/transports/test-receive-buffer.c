/* SPDX-License-Identifier: Apache-2.0 */
/* test-receive-buffer.c - bytes made of blocks stay as they are, and blocks hold no more memory
 * than promised. */
#include "transports/receive-buffer.h"

#include <string.h>

#define KIB (1024u)
#define MIB (1024u * KIB)

/* @size bytes of value @value. */
static GBytes *
make_bytes (CaimanReceiveBuffer *buffer, gsize size, guint8 value)
{
  CaimanReceiveBlock *block = caiman_receive_block_new (buffer, size);
  g_assert_cmpuint (caiman_receive_block_get_space (block), >=, size);
  memset (caiman_receive_block_get_data (block), value, size);
  return caiman_receive_block_to_bytes (block, size);
}

static void
expect_bytes (GBytes *bytes, gsize size, guint8 value)
{
  gsize n;
  const guint8 *data = g_bytes_get_data (bytes, &n);
  g_assert_cmpuint (n, ==, size);
  for (gsize i = 0; i < size; i++)
    g_assert_cmpint (data[i], ==, value);
}

/* The last one given back is the next one used, among those of its size. */
static void
test_last_in_first_out (void)
{
  g_autoptr (CaimanReceiveBuffer) buffer = caiman_receive_buffer_new ();
  CaimanReceiveBlock *blocks[3];
  for (guint i = 0; i < 3; i++)
    blocks[i] = caiman_receive_block_new (buffer, 64 * KIB - i);
  for (guint i = 0; i < 3; i++)
    caiman_receive_block_free (blocks[i]);
  g_assert_cmpuint (caiman_receive_buffer_get_held_bytes (buffer), ==, 0);
  CaimanReceiveBlock *other = caiman_receive_block_new (buffer, 100);
  for (guint i = 3; i > 0; i--) {
    CaimanReceiveBlock *block = caiman_receive_block_new (buffer, 40 * KIB);
    g_assert_true (block == blocks[i - 1]);
    g_assert_cmpuint (caiman_receive_block_get_space (block), ==, 64 * KIB);
    g_assert_cmpuint ((guintptr)caiman_receive_block_get_data (block) % 64, ==, 0);
  }
  g_assert_cmpuint (caiman_receive_buffer_get_held_bytes (buffer), ==, 196 * KIB);
  for (guint i = 0; i < 3; i++)
    caiman_receive_block_free (blocks[i]);
  caiman_receive_block_free (other);
}

/* What is kept is not overwritten, and outlives the buffer. */
static void
test_bytes_live_on (void)
{
  CaimanReceiveBuffer *buffer = caiman_receive_buffer_new ();
  GBytes *kept[20];
  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    kept[i] = make_bytes (buffer, 40 * KIB, (guint8)i);
  g_assert_cmpuint (caiman_receive_buffer_get_used_bytes (buffer), ==, 20 * 40 * KIB);
  g_assert_cmpuint (caiman_receive_buffer_get_held_bytes (buffer), ==, 20 * 64 * KIB);
  caiman_receive_buffer_free (buffer);
  for (guint i = 0; i < G_N_ELEMENTS (kept); i++) {
    expect_bytes (kept[i], 40 * KIB, (guint8)i);
    g_bytes_unref (kept[i]);
  }
}

/* Bytes that are small for their block are a copy, and do not keep it. */
static void
test_small_is_copied (void)
{
  g_autoptr (CaimanReceiveBuffer) buffer = caiman_receive_buffer_new ();
  g_autoptr (GBytes) small = make_bytes (buffer, 100, 7);
  CaimanReceiveBlock *block = caiman_receive_block_new (buffer, 64 * KIB);
  memset (caiman_receive_block_get_data (block), 8, 20 * KIB);
  g_autoptr (GBytes) third = caiman_receive_block_to_bytes (block, 20 * KIB);
  expect_bytes (small, 100, 7);
  expect_bytes (third, 20 * KIB, 8);
  g_assert_cmpuint (caiman_receive_buffer_get_held_bytes (buffer), ==, 0);
  g_assert_cmpuint (caiman_receive_buffer_get_used_bytes (buffer), ==, 0);
  caiman_receive_block_free (NULL);
  caiman_receive_buffer_free (NULL);
}

/* Blocks of no buffer, as the simulator's decoder uses them. */
static void
test_no_buffer (void)
{
  CaimanReceiveBlock *block = caiman_receive_block_new (NULL, 1000);
  g_assert_cmpuint (caiman_receive_block_get_space (block), ==, 1000);
  caiman_receive_block_free (block);
  g_autoptr (GBytes) bytes = make_bytes (NULL, 5000, 9);
  expect_bytes (bytes, 5000, 9);
}

/* 4 MiB may be held for what has not come, and four times what is in use. */
static void
test_promises (void)
{
  g_autoptr (CaimanReceiveBuffer) buffer = caiman_receive_buffer_new ();
  g_autoptr (GPtrArray) kept = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  g_assert_true (caiman_receive_buffer_may_promise (buffer, 4 * MIB));
  g_assert_false (caiman_receive_buffer_may_promise (buffer, 4 * MIB + 1));
  CaimanReceiveBlock *block = caiman_receive_block_new (buffer, MIB);
  g_assert_true (caiman_receive_buffer_may_promise (buffer, 3 * MIB));
  g_assert_false (caiman_receive_buffer_may_promise (buffer, 3 * MIB + 1));
  caiman_receive_block_free (block);
  for (guint i = 0; i < 16; i++)
    g_ptr_array_add (kept, make_bytes (buffer, MIB, 1));
  g_assert_true (caiman_receive_buffer_may_promise (buffer, (4 + 3 * 16) * MIB));
  g_assert_false (caiman_receive_buffer_may_promise (buffer, (4 + 3 * 16) * MIB + 1));
}

/* Spare blocks of a size that is not used any more make way for those of another. */
static void
test_sizes_change (void)
{
  g_autoptr (CaimanReceiveBuffer) buffer = caiman_receive_buffer_new ();
  CaimanReceiveBlock *small[600], *large[4];
  for (guint i = 0; i < G_N_ELEMENTS (small); i++)
    small[i] = caiman_receive_block_new (buffer, 64 * KIB);
  for (guint i = 0; i < G_N_ELEMENTS (small); i++)
    caiman_receive_block_free (small[i]);
  for (guint i = 0; i < G_N_ELEMENTS (large); i++)
    large[i] = caiman_receive_block_new (buffer, 8 * MIB);
  for (guint i = 0; i < G_N_ELEMENTS (large); i++)
    caiman_receive_block_free (large[i]);
  /* Two of these are spare now, and no more. */
  g_assert_true (caiman_receive_block_new (buffer, 8 * MIB) == large[1]);
  g_assert_true (caiman_receive_block_new (buffer, 8 * MIB) == large[0]);
  caiman_receive_block_free (large[0]);
  caiman_receive_block_free (large[1]);
}

static gpointer
drop_all (gpointer data)
{
  g_async_queue_ref (data);
  for (guint i = 0; i < 2000; i++) {
    GBytes *bytes = g_async_queue_pop (data);
    expect_bytes (bytes, 20 * KIB, (guint8)i);
    g_bytes_unref (bytes);
  }
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
  for (guint i = 0; i < 2000; i++)
    g_async_queue_push (queue, make_bytes (buffer, 20 * KIB, (guint8)i));
  caiman_receive_buffer_free (buffer);
  g_thread_join (thread);
  g_async_queue_unref (queue);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transports/receive-buffer/last-in-first-out", test_last_in_first_out);
  g_test_add_func ("/transports/receive-buffer/bytes-live-on", test_bytes_live_on);
  g_test_add_func ("/transports/receive-buffer/small-is-copied", test_small_is_copied);
  g_test_add_func ("/transports/receive-buffer/no-buffer", test_no_buffer);
  g_test_add_func ("/transports/receive-buffer/promises", test_promises);
  g_test_add_func ("/transports/receive-buffer/sizes-change", test_sizes_change);
  g_test_add_func ("/transports/receive-buffer/threads", test_threads);
  return g_test_run ();
}
