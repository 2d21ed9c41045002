/* SPDX-License-Identifier: Apache-2.0 */
/* test-content.c - content by position: the same wherever it is cut, and what wrong looks like. */
#include "harness/content.h"

#include <string.h>

#define TOTAL_BYTES (5u * CONTENT_BLOCK_BYTES + 13u)

static void
make_all (Content *content, guint8 *bytes)
{
  content_init (content, 7, "flow");
  content_fill (content, 0, bytes, TOTAL_BYTES);
}

static void
test_any_cut (void)
{
  Content content;
  g_autofree guint8 *all = g_malloc (TOTAL_BYTES);
  guint8 part[100];

  make_all (&content, all);
  for (guint position = 0; position + sizeof part < TOTAL_BYTES; position += 37) {
    gsize size = 1 + position % sizeof part;
    content_fill (&content, position, part, size);
    g_assert_cmpmem (part, size, all + position, size);
    g_assert_cmpuint (content_match (&content, position, all + position, size), ==, size);
  }
}

/* The definition of content.h, word by word. */
static void
test_bytes_of_words (void)
{
  Content content;
  g_autofree guint8 *all = g_malloc (TOTAL_BYTES);

  make_all (&content, all);
  for (guint block = 0; block < 5; block++) {
    guint64 words[2], keys[2];
    memcpy (words, all + block * CONTENT_BLOCK_BYTES, sizeof words);
    keys[0] = words[0] ^ content.table[0];
    keys[1] = words[1] ^ content.table[1];
    g_assert_cmpuint (keys[0], ==, keys[1]);
    g_assert_cmpuint (keys[0], !=, 0);
  }
}

static void
test_flows_and_seeds_differ (void)
{
  Content a, b, c;
  guint8 bytes[3][64];

  content_init (&a, 1, "a");
  content_init (&b, 1, "b");
  content_init (&c, 2, "a");
  content_fill (&a, 0, bytes[0], 64);
  content_fill (&b, 0, bytes[1], 64);
  content_fill (&c, 0, bytes[2], 64);
  g_assert_cmpint (memcmp (bytes[0], bytes[1], 64), !=, 0);
  g_assert_cmpint (memcmp (bytes[0], bytes[2], 64), !=, 0);
}

static void
test_first_wrong_byte (void)
{
  Content content;
  g_autofree guint8 *all = g_malloc (TOTAL_BYTES);

  make_all (&content, all);
  for (guint wrong = 0; wrong < TOTAL_BYTES; wrong += 101) {
    all[wrong] ^= 0x10;
    g_assert_cmpuint (content_match (&content, 0, all, TOTAL_BYTES), ==, wrong);
    all[wrong] ^= 0x10;
  }
  g_assert_cmpuint (content_match (&content, 0, all, TOTAL_BYTES), ==, TOTAL_BYTES);
}

static void
test_skip (void)
{
  Content content;
  ContentError error;
  g_autofree guint8 *all = g_malloc (TOTAL_BYTES);

  make_all (&content, all);
  memmove (all + 1000, all + 1000 + 4321, 2000);
  g_assert_false (content_check (&content, 0, all, 3000, 1 << 20, &error));
  g_assert_cmpint (error.verdict, ==, CONTENT_SKIPPED);
  g_assert_cmpuint (error.position, ==, 1000);
  g_assert_cmpuint (error.shift_bytes, ==, 4321);
}

static void
test_repeat (void)
{
  Content content;
  ContentError error;
  guint8 bytes[300];

  content_init (&content, 3, "flow");
  content_fill (&content, 10000 - 777, bytes, sizeof bytes);
  g_assert_false (content_check (&content, 10000, bytes, sizeof bytes, 1 << 20, &error));
  g_assert_cmpint (error.verdict, ==, CONTENT_REPEATED);
  g_assert_cmpuint (error.position, ==, 10000);
  g_assert_cmpuint (error.shift_bytes, ==, 777);
}

static void
test_corruption (void)
{
  Content content;
  ContentError error;
  guint8 bytes[300];

  content_init (&content, 3, "flow");
  content_fill (&content, 5, bytes, sizeof bytes);
  bytes[123] ^= 1;
  g_assert_false (content_check (&content, 5, bytes, sizeof bytes, 10000, &error));
  g_assert_cmpint (error.verdict, ==, CONTENT_CORRUPTED);
  g_assert_cmpuint (error.position, ==, 128);
  g_assert_cmpuint (error.shift_bytes, ==, 0);
  /* Too little is left behind it to tell what it is. */
  content_fill (&content, 1000, bytes, 5);
  g_assert_false (content_check (&content, 0, bytes, 5, 10000, &error));
  g_assert_cmpint (error.verdict, ==, CONTENT_CORRUPTED);
}

static void
test_right (void)
{
  Content content;
  ContentError error;

  content_init (&content, 3, "flow");
  g_autoptr (GBytes) bytes = content_make (&content, 99, 5000);
  g_autoptr (GBytes) empty = content_make (&content, 99, 0);
  g_assert_true (content_check (&content, 99, g_bytes_get_data (bytes, NULL), 5000, 10, &error));
  g_assert_cmpint (error.verdict, ==, CONTENT_RIGHT);
  g_assert_true (content_check (&content, 99, NULL, 0, 10, &error));
  g_assert_cmpuint (g_bytes_get_size (empty), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/content/any-cut", test_any_cut);
  g_test_add_func ("/harness/content/bytes-of-words", test_bytes_of_words);
  g_test_add_func ("/harness/content/flows-and-seeds-differ", test_flows_and_seeds_differ);
  g_test_add_func ("/harness/content/first-wrong-byte", test_first_wrong_byte);
  g_test_add_func ("/harness/content/skip", test_skip);
  g_test_add_func ("/harness/content/repeat", test_repeat);
  g_test_add_func ("/harness/content/corruption", test_corruption);
  g_test_add_func ("/harness/content/right", test_right);
  return g_test_run ();
}
