/* SPDX-License-Identifier: Apache-2.0 */
/* content.c - how fast the flows' content is made and checked; memcpy in the same run to compare.
 *
 *   ninja -C build bench/content && build/bench/content */
#include "harness/content.h"

#include <string.h>

#define BLOCK_BYTES (64u * 1024u)
#define ROUNDS      32768u

static void
print_speed (const char *what, gint64 start_us)
{
  gint64 took_us = MAX (g_get_monotonic_time () - start_us, 1);

  g_print ("%-6s %6.2f GB/s\n", what, (double)ROUNDS * BLOCK_BYTES / 1e3 / (double)took_us);
}

int
main (void)
{
  Content content;
  g_autofree guint8 *bytes = g_malloc (BLOCK_BYTES);
  g_autofree guint8 *other = g_malloc0 (BLOCK_BYTES);
  gsize matched = 0;

  content_init (&content, 1, "bench");
  gint64 start_us = g_get_monotonic_time ();
  for (guint64 i = 0; i < ROUNDS; i++)
    content_fill (&content, 3 + i * BLOCK_BYTES, bytes, BLOCK_BYTES);
  print_speed ("make", start_us);

  start_us = g_get_monotonic_time ();
  for (guint64 i = 0; i < ROUNDS; i++)
    matched +=
        content_match (&content, 3 + (ROUNDS - 1) * (guint64)BLOCK_BYTES, bytes, BLOCK_BYTES);
  print_speed ("check", start_us);

  start_us = g_get_monotonic_time ();
  for (guint64 i = 0; i < ROUNDS; i++) {
    bytes[i % BLOCK_BYTES]++;
    memcpy (other, bytes, BLOCK_BYTES);
  }
  print_speed ("memcpy", start_us);
  return matched == (gsize)ROUNDS * BLOCK_BYTES ? 0 : 1;
}
