/* SPDX-License-Identifier: Apache-2.0 */
/* test-readable.c - what waits for the application (PROTOCOL.md, 5): order, both views, memory. */
#include "core/prng.h"
#include "core/readable.h"

#include <string.h>

/* Messages whose bytes count on from 0, so that order and boundaries can be checked. */
typedef struct {
  CaimanReadable *readable;
  GQueue sizes; /* of what waits, as pointers; the first one may be read in part */
  guint8 next_in, next_out;
} Model;

static void
model_push (Model *m, gsize size)
{
  guint8 *bytes = g_malloc (MAX (size, 1));
  for (gsize i = 0; i < size; i++)
    bytes[i] = m->next_in++;
  caiman_readable_push (m->readable, g_bytes_new_take (bytes, size));
  g_queue_push_tail (&m->sizes, GSIZE_TO_POINTER (size));
}

static void
model_check_bytes (Model *m, const guint8 *bytes, gsize size)
{
  for (gsize i = 0; i < size; i++)
    g_assert_cmpuint (bytes[i], ==, m->next_out++);
}

static void
model_pop (Model *m)
{
  g_autoptr (GBytes) message = caiman_readable_pop (m->readable);
  if (g_queue_is_empty (&m->sizes)) {
    g_assert_null (message);
    return;
  }
  g_assert_nonnull (message);
  gsize size;
  const guint8 *bytes = g_bytes_get_data (message, &size);
  g_assert_cmpuint (size, ==, GPOINTER_TO_SIZE (g_queue_pop_head (&m->sizes)));
  model_check_bytes (m, bytes, size);
}

static void
model_read (Model *m, gsize size)
{
  g_autofree guint8 *buffer = g_malloc (size);
  gsize n = caiman_readable_read (m->readable, buffer, size);
  model_check_bytes (m, buffer, n);
  gsize left = size;
  while (left > 0 && !g_queue_is_empty (&m->sizes)) {
    gsize first = GPOINTER_TO_SIZE (g_queue_pop_head (&m->sizes));
    if (first > left)
      g_queue_push_head (&m->sizes, GSIZE_TO_POINTER (first - left));
    left -= MIN (first, left);
  }
  g_assert_cmpuint (n, ==, size - left);
}

static void
model_check (Model *m)
{
  guint64 bytes = 0;
  for (const GList *l = m->sizes.head; l; l = l->next)
    bytes += GPOINTER_TO_SIZE (l->data);
  g_assert_cmpuint (caiman_readable_get_bytes (m->readable), ==, bytes);
  g_assert_cmpuint (caiman_readable_get_n_messages (m->readable), ==, m->sizes.length);
  g_assert_true (caiman_readable_is_empty (m->readable) == g_queue_is_empty (&m->sizes));
}

static gsize
draw_size (CaimanPrng *prng)
{
  static const gsize most[] = { 1, 2, 20, 130, 511, 600, 3000 };
  return (gsize)caiman_prng_below (prng, most[caiman_prng_below (prng, G_N_ELEMENTS (most))]);
}

/* Phases in which the application keeps up, falls behind and catches up, in both views. */
static void
test_model (void)
{
  for (guint64 seed = 1; seed <= 100; seed++) {
    CaimanPrng prng;
    caiman_prng_init (&prng, seed);
    Model m = { .readable = caiman_readable_new () };
    for (guint i = 0; i < 2000; i++) {
      guint64 reads_percent = i / 500 % 2 == 0 ? 20 : 70;
      if (caiman_prng_below (&prng, 100) >= reads_percent)
        model_push (&m, draw_size (&prng));
      else if (caiman_prng_below (&prng, 2) == 0)
        model_pop (&m);
      else
        model_read (&m, 1 + draw_size (&prng));
      if (i % 50 == 0)
        model_check (&m);
    }
    while (!g_queue_is_empty (&m.sizes))
      model_pop (&m);
    model_pop (&m);
    model_check (&m);
    caiman_readable_free (m.readable);
  }
}

/* An application that keeps up gets what the transport brought, not a copy. */
static void
test_no_copy (void)
{
  g_autoptr (CaimanReadable) readable = caiman_readable_new ();
  GBytes *message = g_bytes_new_static ("abc", 3);
  caiman_readable_push (readable, message);
  g_autoptr (GBytes) popped = caiman_readable_pop (readable);
  g_assert_true (popped == message);
}

/* What is left of a message that was read in part. */
static void
test_rest (void)
{
  g_autoptr (CaimanReadable) readable = caiman_readable_new ();
  char buffer[3];
  caiman_readable_push (readable, g_bytes_new_static ("hello", 5));
  g_assert_cmpuint (caiman_readable_read (readable, buffer, 0), ==, 0);
  g_assert_cmpuint (caiman_readable_read (readable, buffer, 3), ==, 3);
  g_assert_cmpmem (buffer, 3, "hel", 3);
  g_assert_false (caiman_readable_is_empty (readable));
  g_autoptr (GBytes) rest = caiman_readable_pop (readable);
  g_assert_cmpmem (g_bytes_get_data (rest, NULL), g_bytes_get_size (rest), "lo", 2);
  g_assert_true (caiman_readable_is_empty (readable));
}

/* Empty messages without end take a number; one-byte messages in between two bytes each and that
 * run. */
static void
test_memory (void)
{
  g_autoptr (CaimanReadable) readable = caiman_readable_new ();
  for (guint i = 0; i < 200000; i++)
    caiman_readable_push (readable, g_bytes_new (NULL, 0));
  g_assert_cmpuint (caiman_readable_get_n_pieces (readable), <=, 65);
  for (guint i = 0; i < 100000; i++) {
    caiman_readable_push (readable, g_bytes_new_static ("x", 1));
    caiman_readable_push (readable, g_bytes_new (NULL, 0));
  }
  /* Four bytes each, 16 KiB to the piece. */
  g_assert_cmpuint (caiman_readable_get_n_pieces (readable), <=, 65 + 400000 / 16384 + 1);
  g_assert_cmpuint (caiman_readable_get_n_messages (readable), ==, 400000);
  g_assert_cmpuint (caiman_readable_get_bytes (readable), ==, 100000);
  for (guint i = 0; i < 400000; i++) {
    g_autoptr (GBytes) message = caiman_readable_pop (readable);
    gsize expected = i >= 200000 && i % 2 == 0 ? 1 : 0;
    g_assert_cmpuint (g_bytes_get_size (message), ==, expected);
  }
  g_assert_null (caiman_readable_pop (readable));
  g_assert_cmpuint (caiman_readable_get_n_pieces (readable), ==, 0);
}

static void
test_first (void)
{
  g_autoptr (CaimanReadable) readable = caiman_readable_new ();
  caiman_readable_push (readable, g_bytes_new_static ("a", 1));
  caiman_readable_push_first (readable, g_bytes_new_static ("b", 1));
  char buffer[4];
  g_assert_cmpuint (caiman_readable_read (readable, buffer, sizeof buffer), ==, 2);
  g_assert_cmpmem (buffer, 2, "ba", 2);
}

static void
test_clear (void)
{
  g_autoptr (CaimanReadable) readable = caiman_readable_new ();
  for (guint i = 0; i < 100; i++)
    caiman_readable_push (readable, g_bytes_new_static ("abcd", i % 5));
  char byte;
  g_assert_cmpuint (caiman_readable_read (readable, &byte, 1), ==, 1);
  caiman_readable_clear (readable);
  g_assert_true (caiman_readable_is_empty (readable));
  g_assert_cmpuint (caiman_readable_get_bytes (readable), ==, 0);
  g_assert_cmpuint (caiman_readable_read (readable, &byte, 1), ==, 0);
  caiman_readable_free (NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/readable/model", test_model);
  g_test_add_func ("/core/readable/no-copy", test_no_copy);
  g_test_add_func ("/core/readable/rest", test_rest);
  g_test_add_func ("/core/readable/memory", test_memory);
  g_test_add_func ("/core/readable/first", test_first);
  g_test_add_func ("/core/readable/clear", test_clear);
  return g_test_run ();
}
